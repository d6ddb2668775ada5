"""What a fill on an exchange is expected to cost beyond its amounts: the search subtracts it, no settlement pays it.

Owns: the hedge's rates in bps of what the fill brings, and turning a rate into base units.
Must not: touch amounts that settle, or ask anybody how long something takes.

Four costs make a hedge, of which the first needs no charge:
- Spread. A taker's fill walks the levels of its own side, so crossing the spread and the depth are in its amounts.
- Slippage over the latency t: factor · σ · √t, with σ the standard deviation of the relative price over one hour and
  t in hours (a random walk's deviation grows with the square root of time: Bachelier 1900; Hull, "Options, Futures and
  Other Derivatives", on volatility). The mean of the adverse half of a normal move is σ√t / √(2π), hence the factor
  0.4. Where the book was seen to drift against us between two looks, that drift carried on over t is charged if it is
  more.
- Variance over the time T that the hedge is open: λ · σ² · T of the notional, the mean-variance charge of Almgren and
  Chriss, "Optimal execution of portfolio transactions" (2000), E + λV. Theirs is λ·σ²·T·N² for a notional N and
  λ per unit of value; here λ stands for their λ times the desk's usual N, so that the charge is linear in the amount
  and a book's levels stay levels.
- Bringing the balances back, which is a transfer's cost: see `oms.routing.book_market.InventoryEdge`.
A pair's σ takes its two assets for independent: √(σ_base² + σ_quote²). Assets that move together cost less than that.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from oms.config import HedgeCosts
from oms.domain.plans import Side
from oms.domain.quotes import OrderBook
from oms.errors import InvalidRequest
from oms.units import BPS

SECONDS_PER_HOUR = 3_600
RATE_SCALE = 10**12
"""A rate's denominator as an integer: 10⁻⁸ of a bp, to which rates are rounded up."""


@dataclass(frozen=True, slots=True)
class HedgeRate:
    """The charge of a hedge in bps of what its fill brings. Raises `InvalidRequest` for what is no cost."""

    slippage_bps: float = 0.0
    variance_bps: float = 0.0

    def __post_init__(self) -> None:
        for name, bps in (("slippage", self.slippage_bps), ("variance", self.variance_bps)):
            if not 0 <= bps < math.inf:
                raise InvalidRequest(f"hedge {name}", f"{bps} bps is no cost; correct [hedge_costs] in config.toml")


NO_HEDGE = HedgeRate()
"""Nothing is charged."""


def hedge_rate(
    costs: HedgeCosts, base: str, quote: str, *, request_seconds: float | None = None, drift_bps_per_second: float = 0.0
) -> HedgeRate:
    """The rate for a pair of token symbols; `request_seconds` as measured, a drift above zero is against the taker."""
    latency = latency_seconds(costs, request_seconds)
    volatility = math.hypot(costs.volatility(base), costs.volatility(quote))
    slippage = expected_slippage_bps(volatility, latency, factor=costs.slippage_factor)
    return HedgeRate(
        slippage_bps=max(slippage, drift_bps_per_second * latency),
        variance_bps=variance_charge_bps(volatility, costs.open_seconds + latency, risk_aversion=costs.risk_aversion),
    )


def latency_seconds(costs: HedgeCosts, request_seconds: float | None) -> float:
    """What the desk has set, else what was measured, else the desk's guess. A clock set back measures nothing."""
    if costs.latency_seconds is not None:
        return costs.latency_seconds
    if request_seconds is None or not 0 <= request_seconds < math.inf:
        return costs.unmeasured_latency_seconds
    return request_seconds


def expected_slippage_bps(volatility_bps_per_sqrt_hour: float, seconds: float, *, factor: float) -> float:
    """factor · σ · √t, in bps of the price."""
    return factor * volatility_bps_per_sqrt_hour * math.sqrt(seconds / SECONDS_PER_HOUR)


def variance_charge_bps(volatility_bps_per_sqrt_hour: float, seconds: float, *, risk_aversion: float) -> float:
    """λ · σ² · T, in bps of the notional."""
    deviation = volatility_bps_per_sqrt_hour / BPS
    return risk_aversion * deviation * deviation * seconds / SECONDS_PER_HOUR * BPS


def drift_bps_per_second(earlier: OrderBook, later: OrderBook, side: Side) -> float:
    """How fast the middle of a book went against a taker of `side` between two looks; 0 where it went their way."""
    seconds = later.received_at - earlier.received_at
    if seconds <= 0:
        return 0.0
    before, after = _middle(earlier), _middle(later)
    rise = float((after - before) / before) * BPS
    return max(0.0, (rise if side is Side.BUY else -rise) / seconds)


def half_spread_bps(book: OrderBook) -> float:
    """What crossing costs against the middle, for explanations: the levels hold it, and no charge repeats it."""
    middle = _middle(book)
    return float((book.asks[0].price - middle) / middle) * BPS


def charge_up(amount: int, rate_bps: float | Decimal) -> int:
    """`rate_bps` of a non-negative amount of base units, rounded up; it never falls as the amount grows."""
    return -(-amount * scaled_rate(rate_bps) // RATE_SCALE)


def scaled_rate(rate_bps: float | Decimal) -> int:
    """A rate as a multiple of 1 / `RATE_SCALE`, rounded up."""
    return math.ceil(Fraction(rate_bps) * (RATE_SCALE // BPS))


def _middle(book: OrderBook) -> Decimal:
    return (book.bids[0].price + book.asks[0].price) / 2
