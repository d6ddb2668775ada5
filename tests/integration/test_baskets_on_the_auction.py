"""Baskets and circles on a recorded auction's thousand pools: closeness to the bound, and exactness at scale."""

from pathlib import Path

import pytest

from benchmarks.auction import Auction
from oms.routing.allocation import GasCost
from oms.routing.baskets import Basket, BasketTerms, BestValue, InProportion, buy_basket, sell_basket
from oms.routing.cycles import CycleTerms, profitable_cycles
from oms.routing.market import edges_of, fill
from oms.routing.prepared import PreparedMarket
from oms.units import Address

pytestmark = [pytest.mark.slow, pytest.mark.recorded]
ONE = 10**18


@pytest.fixture(scope="module")
def auction(oms_data: Path) -> Auction:
    return Auction.load(oms_data)


@pytest.fixture(scope="module")
def market(auction: Auction) -> PreparedMarket:
    return PreparedMarket.of(edges_of(auction.pools, auction.tokens))


@pytest.fixture(scope="module")
def symbols(auction: Auction) -> dict[str, Address]:
    return {token.symbol: address for address, token in reversed(list(auction.tokens.items()))}


def replayed(basket: Basket, market: PreparedMarket) -> bool:
    states = dict(market.table.states)
    for leg in basket.legs:
        done = fill(leg.edge, states[leg.edge.state_id], leg.amount_in)
        states[leg.edge.state_id] = done.next_state
        if done.amount_out != leg.amount_out:
            return False
    return True


@pytest.mark.parametrize("size", [1, 10, 100])
def test_baskets_come_within_a_tenth_of_a_bp_of_their_bound(
    market: PreparedMarket, symbols: dict[str, Address], size: int
) -> None:
    rested = market.at_rest()
    weth, usdc, dai, wbtc = (symbols[name] for name in ("WETH", "USDC", "DAI", "WBTC"))
    inputs = {weth: size * ONE, wbtc: size * 5 * 10**6}
    wanted = {usdc: size * 10**9, dai: size * 1000 * ONE, wbtc: size * 10**6}
    free = BasketTerms()
    baskets = [
        sell_basket(rested, inputs, InProportion({usdc: 0.6, dai: 0.4}), free),
        sell_basket(rested, inputs, BestValue({usdc: 1e12, dai: 1.0}), free),
        buy_basket(rested, weth, wanted, free),
    ]
    for basket in baskets:
        assert replayed(basket, rested)
        assert abs(basket.gap_bps) < 0.1


def test_circles_take_most_of_the_arbitrage_and_none_that_gas_eats(market: PreparedMarket, auction: Auction) -> None:
    free = profitable_cycles(market, auction.wrapped_native, CycleTerms(max_hops=4, max_cycles=48))
    assert 0.5 * free.arbitrage < free.profit <= free.arbitrage
    paid = profitable_cycles(market, auction.wrapped_native, CycleTerms(GasCost(float(auction.gas_price_wei))))
    assert all(cycle.net_profit > 0 for cycle in paid.cycles)
