"""One order's search: every venue in use pays the same, none left out pays more, and no circle is traded."""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from oms.errors import QuoteRefused
from oms.liquidity.price_response import NEVER
from oms.routing.allocation import token_order
from oms.routing.edge_table import EdgeTable
from oms.routing.search import Balance, Search
from tests.unit.routing.markets import FAIR, KINDS, NAMES, Sketch, crowds, dollars, edges, raw

QUICK = settings(max_examples=30, deadline=None, derandomize=True)
TIGHT = KINDS[:3]


def search(drawn: list[Sketch], amount: float, *, hops: int = 4, buying: bool = False) -> Search:
    table = EdgeTable.of(edges(drawn))
    return Search(table, table.index[NAMES[0]], table.index[NAMES[1]], amount, max_hops=hops, buying=buying)


def _optimum(of: Search) -> Balance:
    found = of.optimum()
    assume(found is not None and found.unfilled < 1e-9)
    assert found is not None
    return found


@given(crowds(kinds=TIGHT, most=8), dollars())
@QUICK
def test_all_venues_in_use_end_at_the_prices_of_their_tokens(drawn: list[Sketch], worth: float) -> None:
    order = search(drawn, float(raw(0, worth)))
    found = _optimum(order)
    for number, flow in found.flows.items():
        tail, head = int(order.market.sources[number]), int(order.market.targets[number])
        price = found.bases[tail] + found.shifts[tail] - found.bases[head] - found.shifts[head]
        response = order.market.response(number)
        if flow.amount_in < response.capacity * (1 - 1e-9):
            assert response.log_price - flow.fall == pytest.approx(price, abs=1e-9)
        assert response.at(flow.fall).amount_in == pytest.approx(flow.amount_in, rel=1e-9)


@given(crowds(kinds=TIGHT, most=8), dollars())
@QUICK
def test_tokens_between_are_in_balance(drawn: list[Sketch], worth: float) -> None:
    amount = float(raw(0, worth))
    order = search(drawn, amount)
    found = _optimum(order)
    held: dict[int, float] = {order.source: amount}
    for number, flow in found.flows.items():
        tail, head = int(order.market.sources[number]), int(order.market.targets[number])
        held[tail] = held.get(tail, 0.0) - flow.amount_in
        held[head] = held.get(head, 0.0) + flow.amount_out
    paid = held.pop(order.target)
    assert paid == pytest.approx(found.amount_out, rel=1e-9)
    for token, left in held.items():
        rate = math.exp(found.bases[token] + found.shifts[token] - found.bases[order.target])
        assert abs(left) * rate <= 1e-8 * paid


@given(crowds(kinds=TIGHT, most=8), dollars())
@QUICK
def test_the_edges_in_use_can_be_settled_one_token_after_another(drawn: list[Sketch], worth: float) -> None:
    order = search(drawn, float(raw(0, worth)))
    found = _optimum(order)
    used = [order.market.edges[number] for number, flow in found.flows.items() if flow.amount_in > 0.0]
    try:
        visited = token_order(used)
    except QuoteRefused:
        pytest.fail("the search trades in a circle")
    assert NAMES[0] in visited
    assert len({edge.state_id for edge in used}) == len(used)


@given(crowds(kinds=TIGHT, most=8, most_tokens=5, shape=2), dollars())
@QUICK
def test_no_edge_left_out_sells_more_than_a_trifle_above_the_marginal_rate(drawn: list[Sketch], worth: float) -> None:
    order = search(drawn, float(raw(0, worth)))
    found = _optimum(order)
    better = order.through(found.log_prices) - found.level
    unused = [n for n in range(len(order.market.edges)) if n not in found.flows and found.log_prices[n] > NEVER]
    states = {order.market.edges[number].state_id for number in found.flows}
    for number in unused:
        if order.market.edges[number].state_id not in states:
            # what it could still bring: about half its excess over the rate times what it would take
            depth = order.market.response(number).at(max(0.0, float(better[number]))).amount_in
            value = depth * math.exp(float(order.market.log_values[order.market.sources[number]]))
            whole = order.amount * math.exp(float(order.market.log_values[order.source]))
            assert value * max(0.0, float(better[number])) <= 2e-5 * whole


@given(crowds(kinds=TIGHT, most=8), dollars(), st.integers(1, 4))
@QUICK
def test_the_best_path_is_no_longer_than_allowed_and_joins_the_two(
    drawn: list[Sketch], worth: float, hops: int
) -> None:
    order = search(drawn, float(raw(0, worth)), hops=hops)
    path = order.best_path(order.market.log_prices)
    assert 1 <= len(path) <= hops
    tokens = [NAMES[0], *(order.market.edges[number].token_out for number in path)]
    assert tokens[-1] == NAMES[1]
    assert len(set(tokens)) == len(tokens)
    for number, token in zip(path, tokens, strict=False):
        assert order.market.edges[number].token_in == token


@given(crowds(kinds=TIGHT, most=6), st.integers(10, 40).map(lambda tenths: 10.0 ** (tenths / 10)))
@QUICK
def test_buying_what_a_sale_brings_costs_what_was_sold(drawn: list[Sketch], worth: float) -> None:
    amount = float(raw(0, worth))
    sold = _optimum(search(drawn, amount))
    bought = _optimum(search(drawn, sold.amount_out, buying=True))
    assert bought.amount_in == pytest.approx(amount, rel=1e-5)


def test_an_order_expects_about_its_worth() -> None:
    order = search([Sketch("product", 0, 1, 1e6)], float(raw(0, 3_000.0)))
    assert order.expected_out() == pytest.approx(3_000.0 * 1e6 / FAIR[1], rel=0.01)


@pytest.mark.parametrize("buying", [False, True])
def test_edges_that_lead_nowhere_leave_the_order_unfilled(buying: bool) -> None:
    order = search([Sketch("product", 0, 2, 1e6), Sketch("product", 1, 2, 1e6)], 1e9, buying=buying)
    found = order.balanced(number for number, edge in enumerate(order.market.edges) if edge.token_in != NAMES[0])
    assert found.unfilled == pytest.approx(1.0, rel=1e-6)
