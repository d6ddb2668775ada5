"""The market as arrays: its index, best rates by hops, one value for each token, and what a block replaces."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms.liquidity.price_response import NEVER
from oms.routing.edge_table import EdgeTable, bounded
from oms.routing.market import PoolEdge
from tests.unit.routing.markets import FAIR, KINDS, NAMES, POOLS, TOKENS, Sketch, crowds, edges, listed, paths
from tests.unit.routing.markets import market as prepared

QUICK = settings(max_examples=30, deadline=None, derandomize=True)


def table_of(*drawn: Sketch) -> EdgeTable:
    return EdgeTable.of(edges(drawn))


@given(crowds(most=8))
@QUICK
def test_every_edge_is_found_under_the_token_that_it_sells(drawn: list[Sketch]) -> None:
    table = table_of(*drawn)
    assert len(table.edges) == len(edges(drawn))
    for token, name in enumerate(table.tokens):
        assert all(table.edges[number].token_in == name for number in table.leaving(token))
    assert sum(len(table.leaving(token)) for token in range(len(table.tokens))) == len(table.edges)
    for number, edge in enumerate(table.edges):
        assert (table.tokens[table.sources[number]], table.tokens[table.targets[number]]) == (
            edge.token_in,
            edge.token_out,
        )


@given(crowds(most=8))
@QUICK
def test_prices_are_the_responses_first_prices(drawn: list[Sketch]) -> None:
    table = table_of(*drawn)
    for number in range(len(table.edges)):
        assert table.log_prices[number] == pytest.approx(table.response(number).log_price, abs=1e-12)
    assert not np.isnan(table.log_prices).any()


@given(crowds(kinds=POOLS, most=6), st.integers(1, 4))
@QUICK
def test_labels_are_the_best_rates_of_walks_of_so_many_edges(drawn: list[Sketch], hops: int) -> None:
    table = table_of(*drawn)
    target = table.index[NAMES[1]]
    labels = np.full(len(table.tokens), NEVER)
    labels[target] = 0.0
    for _ in range(hops):
        labels = table.toward(table.log_prices, labels)
    on, best = prepared(*drawn), NEVER
    again = {
        (edge.state_id, edge.token_in, edge.token_out): rate
        for edge, rate in zip(table.edges, table.log_prices, strict=True)
    }
    for path in paths(on, 0, 1, hops):
        best = max(best, sum(again[(edge.state_id, edge.token_in, edge.token_out)] for edge in path))
    # a walk may visit a token twice, which no calm market pays for
    assert labels[table.index[NAMES[0]]] == pytest.approx(best, abs=1e-12)


@given(crowds(kinds=KINDS[:3], most=8))
@QUICK
def test_values_are_fair_to_within_the_fees_of_a_path(drawn: list[Sketch]) -> None:
    table = table_of(*drawn)
    for token, value, root in zip(table.tokens, table.log_values, table.roots, strict=True):
        place, unit = NAMES.index(token), NAMES.index(table.tokens[root])
        fair = math.log(FAIR[place] / FAIR[unit]) + math.log(10.0) * (TOKENS[unit].decimals - TOKENS[place].decimals)
        assert value == pytest.approx(fair, abs=8 * 0.02)


@given(crowds(kinds=POOLS, most=8), st.floats(-0.05, 0.05))
@QUICK
def test_a_block_replaces_what_it_names_and_keeps_the_rest(drawn: list[Sketch], moved: float) -> None:
    table = table_of(*drawn)
    after = listed(Sketch("product", 0, 1, drawn[0].dollars * (1 + moved), 7.0, drawn[0].fee_pips), 0)
    replaced = table.with_pools({after.key.pool_id: after})
    assert replaced.states[after.key.pool_id] is after.pool
    assert table.states[after.key.pool_id] is not after.pool
    for number, edge in enumerate(replaced.edges):
        if edge.state_id == after.key.pool_id:
            assert isinstance(edge, PoolEdge)
            assert edge.listed is after
            assert replaced.response(number) is not table.response(number)
        else:
            assert edge is table.edges[number]
            assert replaced.response(number) is table.response(number)
    anew = EdgeTable.of(replaced.edges)
    assert replaced.log_prices == pytest.approx(anew.log_prices)


def test_a_price_of_never_is_shown_as_nothing() -> None:
    assert bounded(NEVER) == 0.0
    assert bounded(0.0) == 1.0


def test_an_empty_market_is_a_market() -> None:
    table = EdgeTable.of([])
    assert table.edges == ()
    assert len(table.log_values) == 0
