"""The compiled table beside its plain twin: the same numbers up to floats' last digits, the same routes."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms.errors import QuoteRefused
from oms.liquidity.price_response import NEVER
from oms.routing.allocation import GasCost
from oms.routing.compiled_table import CompiledTable
from oms.routing.edge_table import EdgeTable
from oms.routing.equilibrium import Arc
from oms.routing.prepared import PreparedMarket
from oms.routing.route import RouteTerms, buy, sell
from tests.unit.routing.markets import NAMES, Sketch, crowds, edges, raw

CLOSE = 1e-9
QUICK = settings(max_examples=60, deadline=None, derandomize=True)


def twins(drawn: list[Sketch]) -> tuple[EdgeTable, CompiledTable]:
    return EdgeTable.of(edges(drawn)), CompiledTable.of(edges(drawn))


def shifted(table: EdgeTable, seed: int) -> np.ndarray:
    return table.log_values + np.random.default_rng(seed).normal(0.0, 0.05, len(table.tokens))


@given(crowds(most=8), st.integers(0, 10**6))
@QUICK
def test_venues_lose_the_same_to_prices(drawn: list[Sketch], seed: int) -> None:
    plain, compiled = twins(drawn)
    values = shifted(plain, seed)
    numbers, lost = plain.losses(plain.falls(values), values)
    others, also_lost = compiled.losses(compiled.falls(values), values)
    assert numbers.tolist() == others.tolist()
    assert also_lost == pytest.approx(lost, rel=1e-7)


@given(crowds(most=8), st.floats(0.0, 26.0))
@QUICK
def test_edges_sell_the_same(drawn: list[Sketch], log_amount: float) -> None:
    plain, compiled = twins(drawn)
    amounts = np.full(len(plain.edges), 10.0**log_amount)
    assert compiled.sold(amounts) == pytest.approx(plain.sold(amounts), rel=CLOSE)


@given(crowds(most=8), st.data())
@QUICK
def test_walks_through_each_edge_have_the_same_best_rates(drawn: list[Sketch], data: st.DataObject) -> None:
    plain, compiled = twins(drawn)
    tokens = st.integers(0, len(plain.tokens) - 1)
    start, end, hops = data.draw(tokens), data.draw(tokens), data.draw(st.integers(1, 4))
    found = []
    for table in (plain, compiled):
        behind = table.labels(table.log_prices, start, end, hops, onward=True)
        ahead = table.labels(table.log_prices, end, start, hops, onward=False)
        found.append(
            (behind.tolist(), ahead.tolist(), *map(list, table.through(table.log_prices, behind, ahead, hops)))
        )
    assert found[0] == found[1]


@given(crowds(most=8), st.data())
@QUICK
def test_labels_go_the_same_way(drawn: list[Sketch], data: st.DataObject) -> None:
    plain, compiled = twins(drawn)
    labels = np.full(len(plain.tokens), NEVER)
    labels[data.draw(st.integers(0, len(plain.tokens) - 1))] = 0.0
    for _ in range(3):
        assert compiled.toward(plain.log_prices, labels).tolist() == plain.toward(plain.log_prices, labels).tolist()
        assert compiled.onward(plain.log_prices, labels).tolist() == plain.onward(plain.log_prices, labels).tolist()
        labels = plain.toward(plain.log_prices, labels)


@given(crowds(most=8), st.data())
@QUICK
def test_moves_spread_over_the_same_groups(drawn: list[Sketch], data: st.DataObject) -> None:
    plain, compiled = twins(drawn)
    tokens = st.integers(0, len(plain.tokens) - 1)
    moved = data.draw(st.dictionaries(tokens, st.floats(-1.0, 1.0), min_size=1))
    assert np.array_equal(compiled.spread(moved), plain.spread(moved), equal_nan=True)


@given(crowds(most=8), st.floats(-7.0, 0.5))
@QUICK
def test_newton_ends_at_the_same_prices(drawn: list[Sketch], size: float) -> None:
    """All edges between the order's ends, in parallel, and the whole order for them."""
    plain, compiled = twins(drawn)
    source, target = plain.sources[0], plain.targets[0]
    numbers = [n for n in plain.leaving(int(source)) if plain.targets[n] == target]
    best = max(float(plain.log_prices[n]) for n in numbers)
    bases = [best, 0.0]
    arcs = [Arc(0, 1, float(plain.log_prices[n]) - best, plain.response(n)) for n in numbers]
    amount = 10.0**size * sum(plain.response(n).capacity for n in numbers)
    if not 0.0 < amount < math.inf:
        return
    terms = {"supplies": {0: amount}, "fixed": frozenset((1,)), "scale": amount * math.exp(best)}
    one = plain.solve(arcs, bases, **terms)  # type: ignore[arg-type]
    other = compiled.solve(arcs, bases, **terms)  # type: ignore[arg-type]
    if one.imbalance > 1e-9:  # more than the venues take, or a price between two levels of a book
        assert other.imbalance == pytest.approx(one.imbalance, rel=1e-3, abs=1e-9)
        return
    for flow, also in zip(one.flows, other.flows, strict=True):
        assert also.amount_in == pytest.approx(flow.amount_in, rel=1e-6, abs=1e-8 * amount)
        assert also.amount_out == pytest.approx(flow.amount_out, rel=1e-6, abs=1e-8 * amount * math.exp(best))


@given(crowds(most=8), st.booleans(), st.floats(0.0, 5.0), st.floats(0.0, 1e-6))
@QUICK
def test_both_route_alike(drawn: list[Sketch], buying: bool, log_dollars: float, dollars_per_gas: float) -> None:
    """What each plan pays, and what each proves, to a hundredth of a basis point; they refuse the same orders."""
    paid = []
    for kind in (EdgeTable, CompiledTable):
        prepared = PreparedMarket.of(edges(drawn), kind=kind)
        order = buy if buying else sell
        given_in, wanted = NAMES[0], NAMES[1]
        amount = raw(1 if buying else 0, 10.0**log_dollars)
        try:
            route = order(
                prepared, given_in, wanted, amount, RouteTerms(GasCost(raw(1, 1e6) * dollars_per_gas / 1e6), 3)
            )
        except QuoteRefused as error:
            paid.append((str(error), 0.0, 0.0))
        else:
            result = route.allocation.amount_in if buying else route.allocation.net_out
            paid.append(("", float(result), float(route.certificate.bound)))
    (refusal, result, bound), (other_refusal, other_result, other_bound) = paid
    assert refusal == other_refusal
    assert other_result == pytest.approx(result, rel=1e-6, abs=2)
    assert other_bound == pytest.approx(bound, rel=1e-6, abs=2)
