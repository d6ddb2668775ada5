"""Profitable circles on small markets: exact, net of gas, none twice, and none where the market rests."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms.errors import QuoteRefused
from oms.liquidity.listing import ListedPool
from oms.routing.allocation import TRANSACTION_GAS, GasCost
from oms.routing.cycles import Cycle, CyclesFound, CycleTerms, profitable_cycles
from oms.routing.market import PoolEdge, edges_of, fill
from oms.routing.prepared import PreparedMarket
from oms.units import Address
from tests.unit.routing.market_samples import A, B, C, D, listed

ONE = 10**18
TOKENS = (A, B, C, D)


def prepared(*pools: ListedPool) -> PreparedMarket:
    return PreparedMarket.of(edges_of(pools, TOKENS))


def triangle() -> PreparedMarket:
    """A circle A, B, C that pays about 3 % less 90 bps."""
    return prepared(
        listed(1, A, B, 1000 * ONE, 1000 * ONE),
        listed(2, B, C, 1000 * ONE, 1000 * ONE),
        listed(3, A, C, 1030 * ONE, 1000 * ONE),
    )


def replay(market: PreparedMarket, found: CyclesFound) -> None:
    """Every leg of every circle again, on states that they all share."""
    states = dict(market.table.states)
    for cycle in found.cycles:
        amount = cycle.amount_in
        for leg in cycle.legs:
            assert leg.amount_in == amount
            done = fill(leg.edge, states[leg.edge.state_id], amount)
            states[leg.edge.state_id] = done.next_state
            amount = done.amount_out
            assert (leg.amount_out, leg.gas) == (amount, done.gas)
        assert amount == cycle.amount_out
    assert {edge.state_id: states[edge.state_id] for edge in market.edges} == dict(found.after.table.states)


def well_formed(cycle: Cycle, start: Address) -> bool:
    tokens = [leg.edge.token_in for leg in cycle.legs]
    pools = {leg.edge.state_id for leg in cycle.legs}
    closed = tokens[0] == cycle.legs[-1].edge.token_out == start
    return closed and len(pools) == len(set(tokens)) == len(cycle.legs)


@st.composite
def markets(draw: st.DrawFn) -> PreparedMarket:
    """Up to nine pairs among four tokens, at prices up to 5 % off, from thin to deep."""
    pools = []
    for number in range(draw(st.integers(2, 9))):
        token0, token1 = draw(st.sampled_from([(A, B), (A, C), (A, D), (B, C), (B, D), (C, D)]))
        depth = draw(st.integers(10**15, 10**24))
        pools.append(listed(number + 1, token0, token1, depth, depth * draw(st.integers(950, 1050)) // 1000))
    return prepared(*pools)


def test_a_circle_is_sized_where_one_more_unit_brings_one() -> None:
    market = triangle()
    (cycle,) = profitable_cycles(market, A, CycleTerms()).cycles
    path = [leg.edge for leg in cycle.legs]
    assert [edge.token_out for edge in path] == [B, C, A]

    def profit(amount: int) -> int:
        for_edge = amount
        for edge in path:
            for_edge = fill(edge, market.table.states[edge.state_id], for_edge).amount_out
        return for_edge - amount

    assert cycle.profit == profit(cycle.amount_in)
    for other in (0.5, 0.9, 0.999, 1.001, 1.1, 2.0):
        assert profit(int(cycle.amount_in * other)) < cycle.profit


def test_a_circle_that_does_not_pay_for_its_gas_is_left_out() -> None:
    market = triangle()
    free = profitable_cycles(market, A, CycleTerms()).cycles[0]
    gas = free.gas
    assert gas > TRANSACTION_GAS
    assert not profitable_cycles(market, A, CycleTerms(GasCost(1.01 * free.profit / gas))).cycles
    (paid,) = profitable_cycles(market, A, CycleTerms(GasCost(0.99 * free.profit / gas))).cycles
    assert 0 < paid.net_profit < free.profit // 50


def test_two_circles_over_one_pool_are_not_counted_twice() -> None:
    market = prepared(
        listed(1, A, B, 1000 * ONE, 1100 * ONE),
        listed(2, A, B, 500 * ONE, 500 * ONE),
        listed(3, A, B, 500 * ONE, 500 * ONE),
    )
    found = profitable_cycles(market, A, CycleTerms())
    assert len(found.cycles) >= 2
    replay(market, found)
    assert found.profit <= found.arbitrage


def test_hops_are_limited() -> None:
    pools = [listed(n + 1, *pair, 1000 * ONE, 1000 * ONE) for n, pair in enumerate([(A, B), (B, C), (C, D)])]
    market = prepared(*pools, listed(9, A, D, 1100 * ONE, 1000 * ONE))
    assert not profitable_cycles(market, A, CycleTerms(max_hops=3)).cycles
    assert len(profitable_cycles(market, A, CycleTerms(max_hops=4)).cycles[0].legs) == 4
    with pytest.raises(QuoteRefused):
        profitable_cycles(market, A, CycleTerms(max_hops=6))


@pytest.mark.parametrize("start", [A, B, C])
def test_a_circle_is_found_from_each_of_its_tokens(start: Address) -> None:
    found = profitable_cycles(triangle(), start, CycleTerms())
    assert [well_formed(cycle, start) for cycle in found.cycles] == [True]


def test_a_token_that_no_pool_trades_is_refused() -> None:
    with pytest.raises(QuoteRefused):
        profitable_cycles(triangle(), D, CycleTerms())


@settings(max_examples=60, deadline=None)
@given(markets(), st.floats(0.0, 1e9), st.sampled_from([A, B]))
def test_circles_pay_replay_exactly_and_stay_below_the_duals_arbitrage(
    market: PreparedMarket, out_per_gas: float, start: Address
) -> None:
    if start not in market.table.index:
        return
    found = profitable_cycles(market, start, CycleTerms(GasCost(out_per_gas)))
    for cycle in found.cycles:
        assert cycle.net_profit > 0
        assert cycle.gas_cost == GasCost(out_per_gas).of(cycle.gas)
        assert well_formed(cycle, start)
        assert all(isinstance(leg.edge, PoolEdge) for leg in cycle.legs)
    replay(market, found)
    assert found.profit <= found.arbitrage * (1 + 1e-9) + 1


@settings(max_examples=40, deadline=None)
@given(markets())
def test_a_market_at_rest_has_dust_at_most(market: PreparedMarket) -> None:
    rested = market.at_rest()
    if A in rested.table.index:
        found = profitable_cycles(rested, A, CycleTerms())
        assert found.profit <= 100 + rested.flat.arbitrage(rested.table.index[A])
        assert found.profit < 10**9  # a billionth of a coin
