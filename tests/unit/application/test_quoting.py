"""The table of venues, the best of them, and what the split gains."""

import math
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms.application.market_view import MarketView
from oms.application.quoting import QuoteReport, gas_in_output, quote, split_impact_bps
from oms.domain.plans import Intent
from oms.errors import QuoteRefused, Refusal
from oms.liquidity.listing import ListedPool, PoolSnapshot
from oms.liquidity.pool import Family, Limits, Swap
from oms.routing.allocation import FREE_GAS, settle
from oms.routing.market import edges_of, initial_states
from oms.routing.prepared import PreparedMarket
from oms.units import Address, Wei
from tests.unit.application.samples import BLOCK, ETH, NOW, USD, book, buy, ladder, pool, report, sell
from tests.unit.routing.market_samples import A, B, C, D


@dataclass(frozen=True)
class Impossible:
    """A pool in a state that the chain would revert on, and that has no price."""

    pool_id: str = "0x" + "9" * 40
    family: Family = Family.UNISWAP_V2
    tokens: tuple[Address, ...] = (A, B)

    def quote_in(self, token_in: Address, token_out: Address, amount_in: int) -> Swap:
        raise QuoteRefused(Refusal.UNSAFE_STATE)

    def quote_out(self, token_in: Address, token_out: Address, amount_out: int) -> Swap:
        raise QuoteRefused(Refusal.UNSAFE_STATE)

    def limits(self, token_in: Address, token_out: Address) -> Limits:
        return Limits(0, 0)

    def marginal_price(self, token_in: Address, token_out: Address) -> float:
        raise QuoteRefused(Refusal.MATH_OVERFLOW)


def impossible() -> ListedPool:
    broken = Impossible()
    return ListedPool(replace(pool(9, 1).key, pool_id=broken.pool_id), broken)


class Priceless(Impossible):
    """Quotes like a pool, and cannot state a price."""

    def quote_in(self, token_in: Address, token_out: Address, amount_in: int) -> Swap:
        return Swap(amount_in, amount_in // 10**9, 100_000, self)


def with_gas(intent: Intent, *pools: ListedPool, gas_price: int = 10**9) -> QuoteReport:
    """A quote whose gas is paid in the coin that `ETH` wraps."""
    view = MarketView(PoolSnapshot(BLOCK, pools), (), (), (), Wei(gas_price), NOW)
    return quote(intent, view, [ETH, USD], wrapped_native=ETH.address, max_hops=1, now=NOW)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 400), st.integers(50, 2_000), st.integers(50, 2_000))
def test_the_split_is_never_worse_than_the_best_single_venue(eth: int, one: int, two: int) -> None:
    found = report(sell(eth), pool(1, one), pool(2, two))
    assert found.best_single is not None
    assert found.split.net_out >= found.best_single.net_out
    assert found.gain_bps is not None
    assert found.gain_bps >= 0


@settings(max_examples=20, deadline=None)
@given(st.integers(1_000, 100_000))
def test_a_purchase_pays_no_more_than_the_best_single_venue_asks(usd: int) -> None:
    found = report(buy(usd), pool(1, 200), pool(2, 300))
    assert found.best_single is not None
    assert found.split.amount_out >= usd * 10**6
    assert found.split.amount_in <= found.best_single.amount_in


def test_rows_are_ranked_by_what_is_left_after_gas_and_refusals_come_last() -> None:
    found = with_gas(sell(5), pool(1, 100), pool(2, 900), impossible(), pool(3, 300))
    assert [row.refusal != "" for row in found.rows] == [False, False, False, True]
    nets = [row.net_out for row in found.rows[:3]]
    assert nets == sorted(nets, reverse=True)
    assert found.best_single is found.rows[0]
    assert all(row.gas_cost > 0 for row in found.rows[:3])


def test_one_pool_in_an_impossible_state_does_not_spoil_the_others() -> None:
    found = with_gas(sell(5), impossible(), pool(1, 500))
    alone = with_gas(sell(5), pool(1, 500))
    assert found.split.amount_out == alone.split.amount_out
    assert found.split.net_out == alone.split.net_out
    (refused,) = (row for row in found.rows if row.refusal)
    assert refused.refusal == Refusal.UNSAFE_STATE


def test_an_impact_that_cannot_be_known_is_infinite_so_that_the_gate_refuses_it() -> None:
    broken = Priceless()
    (edge, _) = edges_of([ListedPool(replace(pool(9, 1).key, pool_id=broken.pool_id), broken)], [A, B])
    filled = settle(initial_states([edge]), {edge: 5 * 10**18}, gas_cost=FREE_GAS)
    assert math.isinf(split_impact_bps(filled))


def test_gas_is_priced_by_the_deepest_pool_in_the_output_token() -> None:
    pools = (pool(1, 50, price=1_000), pool(2, 500, price=2_000), pool(3, 50, price=90_000))
    view = MarketView(PoolSnapshot(BLOCK, pools), (), (), (), Wei(10**9), NOW)
    market = PreparedMarket.of(edges_of(pools, [A, B]))
    assert gas_in_output(market, view, A, B).of(10**6) == pytest.approx(2_000 * 10**-3 * 10**6, rel=0.01)
    assert gas_in_output(market, view, A, A).of(10**6) == 10**15


def test_gas_costs_nothing_where_no_pool_prices_the_coin_and_the_quote_says_so() -> None:
    found = report(sell(5), pool(1, 500), gas_price=10**9)
    assert found.split.net_out == found.split.amount_out
    assert found.gas_wei == found.split.gas * 10**9
    assert any("counted as free" in note for note in found.notes)
    assert gas_in_output(PreparedMarket.of(()), found.view, C, D).of(10**6) == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 400), st.integers(50, 2_000), st.integers(50, 2_000))
def test_the_bound_is_never_below_what_is_sold_for_and_close_where_no_pool_is_mispriced(
    eth: int, one: int, two: int
) -> None:
    found = report(sell(eth), pool(1, one), pool(2, two))
    proof = found.route.certificate
    assert found.split.amount_out <= proof.bound + proof.arbitrage
    assert abs(proof.gap_bps) < 0.1


def test_the_transaction_is_charged_once_and_not_for_each_leg() -> None:
    found = with_gas(sell(50), pool(1, 900), pool(2, 900))
    assert len(found.split.legs) == 2
    assert found.split.gas < 2 * found.rows[0].gas
    assert found.gas_wei == found.split.gas * 10**9
    assert found.split.net_out == found.split.amount_out - found.gas_cost.of(found.split.gas)


def test_every_kind_of_venue_says_how_firm_its_price_is() -> None:
    found = report(sell(3), pool(1, 500), ladders=[ladder(("5", "2050"))], books=[book()])
    assert {row.venue: row.firmness for row in found.rows} == {
        "uniswap_v2": "pool state",
        "maker local": "indicative",
        "paper ETH/USDC": "book",
    }
    assert {row.age_seconds for row in found.rows} == {0.0}


def test_a_maker_that_shows_nothing_is_a_refused_row() -> None:
    found = report(sell(3), pool(1, 500), ladders=[ladder()])
    (empty,) = (row for row in found.rows if row.venue == "maker local")
    assert empty.refusal == Refusal.INSUFFICIENT_LIQUIDITY
    assert (empty.amount_in, empty.amount_out) == (0, 0)


def test_price_and_impact_are_of_the_whole_order() -> None:
    (row,) = report(sell(5), pool(1, 500)).rows
    assert float(row.price) == pytest.approx(row.amount_out / 10**6 / 5)
    assert row.impact_bps == pytest.approx(5 / 505 * 10_000, rel=0.01)
    assert row.fee_bps == pytest.approx(30)


def test_no_venue_at_all_is_refused_with_the_remedy() -> None:
    with pytest.raises(QuoteRefused, match="no path"):
        report(sell(5))
    with pytest.raises(QuoteRefused, match="ask for less"):
        report(buy(10**9), pool(1, 10))
