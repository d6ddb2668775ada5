"""Flows in integers as the executor runs them: nothing left between, sums exact, paths that add up, circles refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms.domain.plans import SpendKind
from oms.errors import QuoteRefused, Refusal
from oms.routing.allocation import FREE_GAS, GasCost, flows_of_paths, settle, settle_or_none, token_order
from oms.routing.market import Edge
from oms.routing.prepared import PreparedMarket
from tests.unit.routing.markets import NAMES, POOLS, Sketch, crowds, ends, market, paths, raw, rerun

QUICK = settings(max_examples=40, deadline=None, derandomize=True)


def _between(on: PreparedMarket, one: int, other: int) -> list[Edge]:
    return [edge for edge in on.edges if (edge.token_in, edge.token_out) == (NAMES[one], NAMES[other])]


@given(crowds(kinds=POOLS, most=8), st.data())
@QUICK
def test_any_choice_of_paths_settles_to_the_last_unit(drawn: list[Sketch], data: st.DataObject) -> None:
    on = market(*drawn)
    ways = paths(on, 0, 1, 4)
    chosen = data.draw(st.lists(st.sampled_from(ways), min_size=1, max_size=5, unique=True))
    shares = {path: data.draw(st.integers(1, raw(0, 10_000.0))) for path in chosen}
    try:
        plan = settle(on.market.states, flows_of_paths(shares), gas_cost=FREE_GAS)
    except QuoteRefused:
        return
    assert plan.amount_in == sum(shares.values())
    assert ends(plan) == (NAMES[0], NAMES[1])
    assert rerun(on, plan) == plan.amount_out
    assert sum(share for _, share in plan.paths) == plan.amount_in
    assert sum(leg.amount_out for leg in plan.legs if leg.edge.token_out == NAMES[1]) == plan.amount_out


@given(crowds(kinds=POOLS, most=8), st.integers(1, 10**6))
@QUICK
def test_the_last_leg_out_of_each_token_takes_the_rest(drawn: list[Sketch], worth: int) -> None:
    on = market(*drawn)
    shares = dict.fromkeys(paths(on, 0, 1, 3)[:4], raw(0, float(worth)))
    plan = settle_or_none(on.market.states, flows_of_paths(shares), gas_cost=FREE_GAS)
    if plan is None:
        return
    last = {leg.edge.token_in: leg.spend.kind for leg in plan.legs}
    assert set(last.values()) == {SpendKind.REST}
    for leg in plan.legs:
        exact = leg.edge.token_in == NAMES[0]
        assert leg.spend.kind is not (SpendKind.SHARE if exact else SpendKind.EXACT)


def test_flows_in_a_circle_are_refused() -> None:
    on = market(Sketch("product", 0, 1, 1e6), Sketch("product", 1, 2, 1e6), Sketch("product", 2, 0, 1e6))
    circle = {edge: 10**6 for pair in ((0, 1), (1, 2), (2, 0)) for edge in _between(on, *pair)}
    with pytest.raises(QuoteRefused) as refused:
        settle(on.market.states, circle, gas_cost=FREE_GAS)
    assert refused.value.reason is Refusal.INSUFFICIENT_LIQUIDITY
    assert settle_or_none(on.market.states, circle, gas_cost=FREE_GAS) is None


def test_no_flows_are_refused() -> None:
    with pytest.raises(QuoteRefused) as refused:
        settle({}, {}, gas_cost=FREE_GAS)
    assert refused.value.reason is Refusal.ZERO_AMOUNT


def test_flows_whose_first_part_rounds_to_nothing_are_refused() -> None:
    """Else a plan would spend a token that nobody gave it."""
    on = market(Sketch("product", 0, 2, 1e6), Sketch("product", 2, 1, 1e6))
    first, second = _between(on, 0, 2)[0], _between(on, 2, 1)[0]
    with pytest.raises(QuoteRefused) as refused:
        settle(on.market.states, {first: 0, second: 10**6}, gas_cost=FREE_GAS)
    assert refused.value.reason is Refusal.ZERO_AMOUNT


def test_two_legs_of_one_pool_see_each_other() -> None:
    """A pool of three tokens: what the first leg moves, the second pays for."""
    on = market(Sketch("weighted", 0, 1, 1e5, shape=3), Sketch("product", 2, 1, 1e8))
    first, second, after = _between(on, 0, 1)[0], _between(on, 0, 2)[0], _between(on, 2, 1)[0]
    amount = raw(0, 10_000.0)
    alone = settle(on.market.states, {first: amount}, gas_cost=FREE_GAS).amount_out
    both = settle(on.market.states, {second: amount, after: amount, first: amount}, gas_cost=FREE_GAS)
    paid = next(leg.amount_out for leg in both.legs if leg.edge is first)
    assert paid < alone
    assert rerun(on, both) == both.amount_out


def test_tokens_come_in_an_order_in_which_every_leg_points_forward() -> None:
    on = market(Sketch("product", 0, 2, 1e6), Sketch("product", 2, 1, 1e6), Sketch("product", 0, 1, 1e6))
    used = [_between(on, 2, 1)[0], _between(on, 0, 1)[0], _between(on, 0, 2)[0]]
    assert token_order(used) == [NAMES[0], NAMES[2], NAMES[1]]


@pytest.mark.parametrize(("gas", "per_gas", "cost"), [(0, 5.0, 0), (1, 0.1, 1), (10, 0.1, 1), (11, 0.1, 2), (7, 2, 14)])
def test_gas_is_rounded_up_to_a_base_unit(gas: int, per_gas: float, cost: int) -> None:
    assert GasCost(per_gas).of(gas) == cost


def test_net_output_is_output_less_gas() -> None:
    on = market(Sketch("product", 0, 1, 1e6))
    flows = {_between(on, 0, 1)[0]: raw(0, 1_000.0)}
    free, dear = (settle(on.market.states, flows, gas_cost=GasCost(price)) for price in (0.0, 3.5))
    assert free.net_out == free.amount_out == dear.amount_out
    assert dear.net_out == dear.amount_out - GasCost(3.5).of(dear.gas)
    assert dear.gas > 21_000
