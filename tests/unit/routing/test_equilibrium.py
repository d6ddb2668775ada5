"""Newton on the prices of a few tokens: balances at zero, the same under other names, venues that are full."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms.liquidity.constant_product import ConstantProductPool
from oms.liquidity.price_response import PriceResponse, flat_levels, response_of
from oms.routing.equilibrium import Arc, Prices, equilibrium
from oms.units import Address

A, B = Address("A"), Address("B")
QUICK = settings(max_examples=60, deadline=None, derandomize=True)
CLOSE = 1e-8
"""An imbalance as a share of the order."""


def pair(reserve_in: float, reserve_out: float) -> PriceResponse:
    return response_of(ConstantProductPool("p", A, B, int(reserve_in), int(reserve_out)), A, B)


def solved(legs: Sequence[tuple[int, int, PriceResponse]], tokens: int, amount: float) -> Prices:
    """Sell `amount` of token 0 for the last; every token is worth one unit, and fees make the slack."""
    arcs = [Arc(tail, head, response.log_price, response) for tail, head, response in legs]
    return equilibrium(arcs, [0.0] * tokens, supplies={0: amount}, fixed=frozenset((tokens - 1,)), scale=amount)


def balances(legs: Sequence[tuple[int, int, PriceResponse]], found: Prices, tokens: int, amount: float) -> list[float]:
    held = [amount, *([0.0] * (tokens - 1))]
    for (tail, head, _), flow in zip(legs, found.flows, strict=True):
        held[tail] -= flow.amount_in
        held[head] += flow.amount_out
    return held


depths = st.floats(3.0, 9.0).map(lambda log: 10.0**log * 1e9)


@given(depths, depths, st.floats(-6.0, 0.5))
@QUICK
def test_two_pools_of_a_pair_end_at_one_price(first: float, second: float, size: float) -> None:
    legs = [(0, 1, pair(first, first)), (0, 1, pair(second, second))]
    amount = min(first, second) * 10.0**size
    found = solved(legs, 2, amount)
    assert found.imbalance <= CLOSE
    assert sum(flow.amount_in for flow in found.flows) == pytest.approx(amount, rel=CLOSE)
    # equal fees: both fall alike, so each takes in proportion to its depth
    assert found.flows[0].fall == pytest.approx(found.flows[1].fall, rel=1e-7)
    assert found.flows[0].amount_in / found.flows[1].amount_in == pytest.approx(first / second, rel=1e-6)


@given(depths, depths, depths, depths, depths, st.floats(-5.0, 0.3))
@QUICK
def test_tokens_between_are_left_with_nothing(
    one: float, two: float, three: float, four: float, five: float, size: float
) -> None:
    """Two ways over two tokens with a bridge between them."""
    legs = [(0, 1, pair(one, one)), (0, 2, pair(two, two)), (1, 3, pair(three, three)), (2, 3, pair(four, four))]
    legs += [(1, 2, pair(five, five))]
    amount = min(one, two, three, four) * 10.0**size
    found = solved(legs, 4, amount)
    assert found.imbalance <= CLOSE
    held = balances(legs, found, 4, amount)
    assert held[:3] == pytest.approx([0.0, 0.0, 0.0], abs=CLOSE * amount)
    assert 0.0 < held[3] < amount


@given(st.permutations(range(5)), depths, depths, depths, st.floats(-4.0, 0.0))
@QUICK
def test_the_order_of_the_venues_changes_nothing(
    order: list[int], one: float, two: float, three: float, size: float
) -> None:
    legs = [
        (0, 1, pair(one, one)),
        (0, 2, pair(two, two)),
        (0, 2, pair(three, three)),
        (1, 2, pair(two, two)),
        (0, 1, pair(three, three)),
    ]
    amount = min(one, two, three) * 10.0**size
    found, mixed = solved(legs, 3, amount), solved([legs[place] for place in order], 3, amount)
    assert mixed.shifts == pytest.approx(found.shifts, rel=1e-7, abs=1e-12)
    for place, flow in zip(order, mixed.flows, strict=True):
        assert flow.amount_in == pytest.approx(found.flows[place].amount_in, rel=1e-6, abs=CLOSE * amount)


@given(st.permutations(range(3)), depths, depths, st.floats(-4.0, 0.0))
@QUICK
def test_the_names_of_the_tokens_change_nothing(names: list[int], one: float, two: float, size: float) -> None:
    legs = [(0, 1, pair(one, one)), (1, 2, pair(two, two)), (0, 2, pair(two, two))]
    amount = min(one, two) * 10.0**size
    found = solved(legs, 3, amount)
    arcs = [Arc(names[tail], names[head], response.log_price, response) for tail, head, response in legs]
    renamed = equilibrium(arcs, [0.0] * 3, supplies={names[0]: amount}, fixed=frozenset((names[2],)), scale=amount)
    for flow, other in zip(found.flows, renamed.flows, strict=True):
        assert other.amount_in == pytest.approx(flow.amount_in, rel=1e-6, abs=CLOSE * amount)
    assert [renamed.shifts[name] for name in names] == pytest.approx(found.shifts, rel=1e-7, abs=1e-12)


@given(st.floats(0.01, 0.99), st.floats(1.01, 50.0))
@QUICK
def test_a_venue_that_is_full_leaves_the_rest_to_the_others(room: float, times: float) -> None:
    amount = 1e15
    maker = flat_levels([(amount * room, amount * room, 1.0)], width=2e-7)
    legs = [(0, 1, maker), (0, 1, pair(amount * times, amount * times))]
    found = solved(legs, 2, amount)
    assert found.imbalance <= CLOSE
    assert found.flows[0].amount_in == pytest.approx(amount * room, rel=1e-6)
    assert found.flows[1].amount_in == pytest.approx(amount * (1 - room), rel=1e-6)


def test_a_venue_that_is_worse_than_the_marginal_price_trades_nothing() -> None:
    legs = [(0, 1, pair(1e18, 1e18)), (0, 1, pair(1e18, 0.5e18))]
    found = solved(legs, 2, 1e15)
    assert found.flows[1].amount_in == 0.0
    assert found.flows[1].fall < 0.0
    assert found.flows[0].amount_in == pytest.approx(1e15, rel=CLOSE)


@given(st.integers(7, 12), st.floats(-5.0, -1.0))
@QUICK
def test_many_tokens_are_solved_as_few_are(length: int, size: float) -> None:
    """A chain of pools: longer than what is solved by hand, so that LAPACK does it."""
    legs = [(token, token + 1, pair(1e18, 1e18)) for token in range(length)]
    amount = 1e18 * 10.0**size
    found = solved(legs, length + 1, amount)
    assert found.imbalance <= CLOSE
    expected = amount
    for _ in range(length):
        expected = legs[0][2].sold(expected)
    assert found.flows[-1].amount_out == pytest.approx(expected, rel=1e-7)


@given(st.floats(0.0, 20.0))
@QUICK
def test_a_dust_pool_beside_a_deep_one_does_not_stop_it(log_ratio: float) -> None:
    dust = 10.0 ** (20.0 - log_ratio)
    legs = [(0, 1, pair(1e25, 1e25)), (0, 1, pair(dust, dust)), (1, 2, pair(1e24, 1e24)), (0, 2, pair(dust, dust))]
    found = solved(legs, 3, 1e22)
    assert found.imbalance <= CLOSE
    assert all(math.isfinite(value) for flow in found.flows for value in flow)


def test_an_order_that_nothing_can_take_fills_what_there_is_and_drives_its_price_to_nothing() -> None:
    maker = flat_levels([(1e15, 1e15, 1.0)], width=2e-7)
    found = solved([(0, 1, maker)], 2, 1e18)
    assert found.shifts[0] < -10.0
    assert found.flows[0].amount_in == pytest.approx(1e15, rel=1e-6)


def test_a_start_near_the_answer_finds_the_same_answer() -> None:
    legs = [(0, 1, pair(1e18, 1e18)), (0, 1, pair(3e18, 3e18))]
    found = solved(legs, 2, 1e17)
    arcs = [Arc(tail, head, response.log_price, response) for tail, head, response in legs]
    again = equilibrium(
        arcs, [0.0, 0.0], supplies={0: 1e17}, fixed=frozenset((1,)), scale=1e17, shifts=[found.shifts[0] * 1.1, 0.0]
    )
    assert again.shifts == pytest.approx(found.shifts, rel=1e-8)
