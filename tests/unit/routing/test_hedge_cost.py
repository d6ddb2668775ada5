"""The hedge's charge: its formulas by hand, and that it is never too little, negative or falling."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.config import HedgeCosts
from oms.domain.plans import Side
from oms.errors import InvalidRequest
from oms.routing.hedge_cost import (
    HedgeRate,
    charge_up,
    drift_bps_per_second,
    expected_slippage_bps,
    half_spread_bps,
    hedge_rate,
    latency_seconds,
    variance_charge_bps,
)
from tests.unit.routing.venue_samples import book

amounts = st.integers(0, 10**30)
rates = st.floats(0, 20_000, allow_nan=False)
seconds = st.floats(0, 86_400)


def test_slippage_grows_with_the_square_root_of_time() -> None:
    assert expected_slippage_bps(60.0, 3_600, factor=0.4) == pytest.approx(24.0)
    assert expected_slippage_bps(60.0, 36, factor=0.4) == pytest.approx(2.4)


def test_variance_is_priced_by_aversion_variance_and_time() -> None:
    # 1 % a root hour for a quarter of an hour: a variance of 0.000025, or a quarter of a bp at an aversion of one
    assert variance_charge_bps(100.0, 900, risk_aversion=1.0) == pytest.approx(0.25)
    assert variance_charge_bps(100.0, 900, risk_aversion=8.0) == pytest.approx(2.0)


def test_the_pair_is_as_volatile_as_its_two_assets_together() -> None:
    costs = HedgeCosts(
        volatility_bps_per_sqrt_hour={"WETH": 30, "WBTC": 40}, latency_seconds=3_600, slippage_factor=1, open_seconds=0
    )
    rate = hedge_rate(costs, "WETH", "WBTC")
    assert rate.slippage_bps == pytest.approx(50.0)
    assert rate.variance_bps == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("set_to", "measured", "used"),
    [(0.5, 9.0, 0.5), (None, 0.25, 0.25), (None, None, 1.5), (None, -3.0, 1.5), (None, math.nan, 1.5)],
)
def test_latency_is_the_desks_else_measured_else_guessed(
    set_to: float | None, measured: float | None, used: float
) -> None:
    costs = HedgeCosts(latency_seconds=set_to, unmeasured_latency_seconds=1.5)
    assert latency_seconds(costs, measured) == used


def test_a_drift_against_us_counts_where_it_is_more_than_the_square_root_says() -> None:
    costs = HedgeCosts(latency_seconds=1.0)
    calm, fast = (hedge_rate(costs, "WETH", "USDC", drift_bps_per_second=drift) for drift in (0.01, 5.0))
    assert calm == hedge_rate(costs, "WETH", "USDC")
    assert fast.slippage_bps == 5.0


def test_only_a_move_against_the_taker_is_a_drift() -> None:
    first, risen = book([("1999", "1")], [("2001", "1")]), book([("2000", "1")], [("2002", "1")], at=2.0)
    assert drift_bps_per_second(first, risen, Side.BUY) == pytest.approx(2.5)
    assert drift_bps_per_second(first, risen, Side.SELL) == 0.0
    assert drift_bps_per_second(risen, first, Side.SELL) == 0.0, "time ran backwards"


def test_half_the_spread_is_what_the_levels_already_cost() -> None:
    assert half_spread_bps(book([("1999", "1")], [("2001", "1")])) == pytest.approx(5.0)


@given(rates, rates, seconds, seconds)
def test_no_rate_is_below_zero_and_more_time_never_costs_less(
    volatility: float, aversion: float, one: float, other: float
) -> None:
    less, more = sorted((one, other))
    slippage = [expected_slippage_bps(volatility, t, factor=0.4) for t in (less, more)]
    variance = [variance_charge_bps(volatility, t, risk_aversion=aversion) for t in (less, more)]
    assert 0 <= slippage[0] <= slippage[1]
    assert 0 <= variance[0] <= variance[1]


@given(amounts, amounts, rates)
def test_a_charge_is_rounded_up_and_never_falls_as_the_amount_grows(one: int, other: int, rate: float) -> None:
    less, more = sorted((one, other))
    exact = Fraction(rate) * more / 10_000
    assert exact <= charge_up(more, rate) <= exact + 1 + Fraction(more, 10**12)
    assert 0 <= charge_up(less, rate) <= charge_up(more, rate)
    assert charge_up(one, rate) + charge_up(other, rate) >= charge_up(one + other, rate)


@pytest.mark.parametrize("bps", [-0.1, math.inf, math.nan])
def test_what_is_no_cost_is_refused(bps: float) -> None:
    with pytest.raises(InvalidRequest, match="is no cost"):
        HedgeRate(slippage_bps=bps)
    with pytest.raises(InvalidRequest, match="is no cost"):
        HedgeRate(variance_bps=bps)
