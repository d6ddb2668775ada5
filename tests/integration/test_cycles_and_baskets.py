"""Circles and baskets against the development chain: leg by leg, every predicted amount is what the chain gives."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from benchmarks.chain_plans import FUNDINGS, market_of, settled, states_after
from benchmarks.devnet_chain import devnet_chain
from benchmarks.settling_chain import SettlingChain
from oms.adapters.evm.devnet.chain import DAI, USDC, WBTC, WETH
from oms.domain.venue import Family
from oms.routing.allocation import FREE_GAS, GasCost, LegFill, settle
from oms.routing.baskets import BasketTerms, InProportion, buy_basket, sell_basket
from oms.routing.cycles import CycleTerms, profitable_cycles
from oms.routing.market import Market
from oms.routing.prepared import PreparedMarket

pytestmark = pytest.mark.fork


@pytest.fixture(scope="module")
def running(project: Path) -> Iterator[SettlingChain]:
    with devnet_chain(project=project) as chain:
        yield chain


@pytest.fixture
def market(running: SettlingChain) -> Iterator[Market]:
    """The chain's pools; what a test does to them is undone."""
    snapshot = running.anvil.snapshot()
    yield market_of(running)
    running.anvil.revert(snapshot)


def settled_leg_by_leg(running: SettlingChain, market: Market, legs: Sequence[LegFill]) -> Market:
    """Each leg as a transaction of its own, for exactly its predicted input."""
    for leg in legs:
        alone = settle(market.states, {leg.edge: leg.amount_in}, gas_cost=FREE_GAS)
        assert alone.amount_out == leg.amount_out
        done = settled(running, market, alone, FUNDINGS[0])
        assert done.exact
        assert (done.paid, done.received) == (leg.amount_in, leg.amount_out)
        market = states_after(market, alone)
    return market


def unbalanced(running: SettlingChain, market: Market) -> Market:
    """The market after somebody sold a great deal of WETH in one pool of USDC."""
    edge = next(
        edge
        for edge in market.edges
        if (edge.token_in, edge.token_out) == (WETH.address, USDC.address)
        and edge.listed.key.family is Family.UNISWAP_V2  # type: ignore[union-attr]
    )
    amount = market.states[edge.state_id].limits(*(edge.token_in, edge.token_out)).max_amount_in  # type: ignore[attr-defined]
    alone = settle(market.states, {edge: min(amount, 20 * 10**18)}, gas_cost=FREE_GAS)
    assert settled(running, market, alone, FUNDINGS[0]).exact
    return states_after(market, alone)


def prepared(market: Market) -> PreparedMarket:
    """The market's states as pools of their own."""
    fresh = PreparedMarket.of(market.edges)
    changed = {}
    for edge in fresh.edges:
        listed = edge.listed  # type: ignore[union-attr]
        changed[edge.state_id] = type(listed)(listed.key, market.states[edge.state_id])  # type: ignore[arg-type]
    return fresh.with_pools(changed)


def test_circles_give_on_the_chain_what_was_predicted(running: SettlingChain, market: Market) -> None:
    market = unbalanced(running, market)
    found = profitable_cycles(prepared(market), WETH.address, CycleTerms(GasCost(1e9)))
    assert found.cycles, "the sale left nothing to earn"
    for cycle in found.cycles:
        assert cycle.net_profit > 0
        market = settled_leg_by_leg(running, market, cycle.legs)
    assert not profitable_cycles(prepared(market), WETH.address, CycleTerms(GasCost(1e9))).cycles


def test_baskets_give_on_the_chain_what_was_predicted(running: SettlingChain, market: Market) -> None:
    inputs = {WETH.address: 30 * 10**18, WBTC.address: 2 * 10**8}
    sale = sell_basket(prepared(market), inputs, InProportion({USDC.address: 0.6, DAI.address: 0.4}), BasketTerms())
    assert len(sale.legs) > 3
    market = settled_leg_by_leg(running, market, sale.legs)
    wanted = {WBTC.address: 10**7, DAI.address: 5_000 * 10**18}
    bought = buy_basket(prepared(market), USDC.address, wanted, BasketTerms(WETH.address, 1e9))
    settled_leg_by_leg(running, market, bought.legs)
