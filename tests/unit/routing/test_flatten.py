"""The market with its free arbitrage taken: nothing is left to take, and what was earned is what the pools lost."""

import math

import numpy as np
import pytest
from hypothesis import given, settings

from oms.routing.market import PoolEdge
from oms.routing.prepared import PreparedMarket
from oms.routing.surplus import surplus
from tests.unit.routing.markets import KINDS, NAMES, Sketch, crowds, market, raw, sold, terms

QUICK = settings(max_examples=30, deadline=None, derandomize=True)
TIGHT = KINDS[:3]
DUST = 1e-6
"""Of a market's value: what is left is in pools that one base unit moves."""


def _falls(on: PreparedMarket) -> dict[int, float]:
    """By how much each edge of the flat market still beats the flat prices."""
    flat = on.flat
    table, values = flat.market, flat.log_values
    with np.errstate(invalid="ignore"):
        falls = table.log_prices + values[table.targets] - values[table.sources]
    return {number: float(fall) for number, fall in enumerate(falls) if math.isfinite(fall)}


@given(crowds(kinds=TIGHT, off_bps=300, most=10))
@QUICK
def test_no_edge_of_a_flat_market_beats_its_prices(drawn: list[Sketch]) -> None:
    on = market(*drawn)
    left = set(on.flat.leftover)
    assert all(fall <= 1e-8 for number, fall in _falls(on).items() if number not in left)


@given(crowds(kinds=TIGHT, off_bps=300, most=10))
@QUICK
def test_what_is_earned_is_what_the_untouched_pools_lose_to_the_flat_prices(drawn: list[Sketch]) -> None:
    on = market(*drawn)
    hub = on.table.tokens[on.table.hub]
    root = int(on.table.roots[on.table.hub])
    lost = surplus(on.table, on.flat.log_values, pools_only=True, part=root)
    assert on.flat.arbitrage(on.table.index[hub]) == pytest.approx(lost, rel=1e-6, abs=1e-9)


@given(crowds(kinds=TIGHT, most=10))
@QUICK
def test_a_market_without_free_arbitrage_stays_as_it_is(drawn: list[Sketch]) -> None:
    on = market(*drawn)
    for place, name in enumerate(NAMES):
        if name in on.table.index:
            assert on.flat.arbitrage(on.table.index[name]) == pytest.approx(0.0, abs=max(1.0, raw(place, 1e-6)))
    assert [edge.listed.pool for edge in on.flat.market.edges if isinstance(edge, PoolEdge)] == [
        edge.listed.pool for edge in on.edges if isinstance(edge, PoolEdge)
    ]


@given(crowds(kinds=TIGHT, off_bps=300, most=8))
@QUICK
def test_a_market_at_rest_is_its_own_flat_market(drawn: list[Sketch]) -> None:
    rested = market(*drawn).at_rest()
    assert rested.flat.market is rested.table
    amount = raw(0, 100.0)
    route = sold(rested, 0, 1, amount, terms())
    # Each pool may be left that far from rest.
    assert route is None or route.certificate.arbitrage <= max(1.0, len(drawn) * DUST * route.allocation.amount_out)


def test_two_pools_apart_are_traded_together_and_the_difference_is_earned() -> None:
    """Buy in the cheap one, sell in the dear one, until the fees of both are all that is between them."""
    on = market(Sketch("product", 0, 1, 1e6, 300.0), Sketch("product", 0, 1, 1e6, -300.0))
    flat = on.flat
    prices = {
        (edge.state_id, edge.token_in): flat.market.log_prices[number] for number, edge in enumerate(flat.market.edges)
    }
    first, second = dict.fromkeys(edge.state_id for edge in on.edges)
    there, back = prices[(first, NAMES[0])], prices[(second, NAMES[1])]
    other = prices[(second, NAMES[0])] + prices[(first, NAMES[1])]
    # the pools' fees stay in them, so that they end past the price at which they last traded, by about fee times size
    assert -2e-4 < max(there + back, other) <= 1e-9
    # 600 bps apart less 60 bps of fees, 1e6 dollars a side each: each moves half of what is left: D m**2 / 8
    dollars = flat.arbitrage(flat.market.index[NAMES[1]]) / 1e6
    assert dollars == pytest.approx(1e6 * 0.054**2 / 8, rel=0.1)


def test_last_block_s_prices_are_a_start_that_leads_to_the_same_end() -> None:
    pools = [Sketch("product", 0, 1, 1e6, 100.0), Sketch("product", 1, 2, 1e6, 90.0), Sketch("product", 0, 2, 1e6)]
    cold = market(*pools)
    dollars = cold.table.index[NAMES[1]]
    assert cold.flat.arbitrage(dollars) > 0.0
    warm = cold.with_pools({})
    assert warm.flat.arbitrage(dollars) == pytest.approx(cold.flat.arbitrage(dollars), rel=1e-6)
    assert warm.flat.log_values == pytest.approx(cold.flat.log_values, abs=1e-8)
