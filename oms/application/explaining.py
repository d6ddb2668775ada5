"""Why a route is what it is: each leg's prices before and after, the ways' marginal rates, and the values behind them.

Owns: reading a settled plan against the market that it was searched on. Must not: search, print, or change an amount.

At the optimum every used way sells its last unit at the same rate (the first-order condition of the convex problem,
Angeris et al. 2022, section 4). So a plan explains itself by its prices: each token gets the value that its own legs
sell it at in the end, and a leg earns what its average is better than its last unit. These surpluses and the order at
its marginal rate add up to the output, charges taken off:
`amount_out - charges = rate * amount_in + sum of surpluses`.
Charges of a leg that ends at the output token count one for one.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from oms.errors import QuoteRefused
from oms.liquidity.pool import Pool
from oms.routing.allocation import LegFill, token_order
from oms.routing.edge_response import edge_response
from oms.routing.market import BookEdge, Edge, FirmEdge, LadderEdge, Part, Path, PoolEdge, fill, parts
from oms.routing.prepared import PreparedMarket
from oms.routing.route import Route
from oms.units import BPS, Address

EQUAL_BPS = 1.0
"""Marginal rates that differ by less count as equal: what could be gained by evening them out is of second order."""
_FULL = 1e-9


@dataclass(frozen=True, slots=True)
class ExplainedLeg:
    """One leg with its reasons.

    `share` is its part of what is sold of its token, `order_share` of the whole order; `price_before` and `price_after`
    are marginal, base units of output per base unit of input, fees and charges included. `surplus` is what the leg
    brings over its own last price, in base units of the order's output, gas not counted. `fills_up` says that the venue
    gave all it has, so that its last price is no limit.
    """

    fill: LegFill
    share: Fraction
    order_share: Fraction
    price_before: float
    price_after: float
    surplus: float
    fills_up: bool

    @property
    def edge(self) -> Edge:
        """The venue in one direction."""
        return self.fill.edge

    @property
    def parts(self) -> tuple[Part, ...]:
        """Join, book and join where the venue is an exchange's book; else the leg itself."""
        return parts(self.fill.edge, self.fill.amount_in, self.fill.amount_out)


@dataclass(frozen=True, slots=True)
class ExplainedPath:
    """One used way from source to target: its input and share, and its marginal rate when the plan is done."""

    edges: Path
    amount_in: int
    share: float
    rate: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """A route with its reasons, all prices in base units.

    `tokens` are in settlement order; `values` what one base unit of each is worth at the plan's own last prices, and
    `duals` at the optimum without gas (absent where the search never priced it), both in the output token. `rate` is
    the order's marginal rate, `spread_bps` how far the used ways are apart, and `spread_reason` why, if they are.
    """

    route: Route
    token_in: Address
    token_out: Address
    tokens: tuple[Address, ...]
    legs: tuple[ExplainedLeg, ...]
    paths: tuple[ExplainedPath, ...]
    values: Mapping[Address, float]
    duals: Mapping[Address, float]
    spread_bps: float
    spread_reason: str

    @property
    def rate(self) -> float:
        """Base units of output that the order's last base unit of input brings."""
        return self.values[self.token_in]

    @property
    def surplus(self) -> float:
        """What all legs together bring over their last prices, in base units of the output."""
        return math.fsum(leg.surplus for leg in self.legs)


@dataclass(frozen=True, slots=True)
class _Prices:
    before: float
    after: float
    fills_up: bool = False


def explain(route: Route, market: PreparedMarket) -> Explanation:
    """Read a route against the market that it was found on. Raises `QuoteRefused` for another market's route."""
    legs = route.allocation.legs
    order = token_order(leg.edge for leg in legs)
    source, target = order[0], order[-1]
    prices = _leg_prices(legs, states_after(legs, market), market)
    values = _values(legs, prices, order)
    shares, order_shares = _shares(legs, order)
    explained = tuple(
        ExplainedLeg(
            leg,
            shares[leg.edge],
            order_shares[leg.edge],
            prices[leg.edge].before,
            prices[leg.edge].after,
            _surplus(leg, prices[leg.edge], values),
            prices[leg.edge].fills_up,
        )
        for leg in legs
    )
    paths = _paths(route, prices)
    spread = _spread_bps(paths)
    reason = _spread_reason(explained) if spread > EQUAL_BPS else ""
    duals = {token: route.prices[token] for token in order if route.prices.get(token, 0.0) > 0.0}
    return Explanation(route, source, target, tuple(order), explained, paths, values, duals, spread, reason)


def states_after(legs: Sequence[LegFill], market: PreparedMarket) -> dict[str, object]:
    """All states once the legs have traded. Raises `QuoteRefused` where they can't."""
    states = dict(market.table.states)
    for leg in legs:
        states[leg.edge.state_id] = fill(leg.edge, states[leg.edge.state_id], leg.amount_in).next_state
    return states


def pool_price(pool: object, token_in: Address, token_out: Address) -> float:
    """A pool's marginal price after fees; zero for a state that has none."""
    known: Pool = pool  # type: ignore[assignment]
    try:
        price = known.marginal_price(token_in, token_out)
    except (QuoteRefused, ArithmeticError):
        return 0.0
    return price if math.isfinite(price) else 0.0


def _leg_prices(legs: Sequence[LegFill], states: Mapping[str, object], market: PreparedMarket) -> dict[Edge, _Prices]:
    before = market.table.states
    found: dict[Edge, _Prices] = {}
    for leg in legs:
        edge = leg.edge
        if isinstance(edge, PoolEdge):
            now, then = states[edge.state_id], before[edge.state_id]
            ends = (edge.token_in, edge.token_out)
            found[edge] = _Prices(pool_price(then, *ends), pool_price(now, *ends), _empties(edge, leg))
        else:
            found[edge] = _level_prices(edge, leg)
    return found


def _empties(edge: PoolEdge, leg: LegFill) -> bool:
    return leg.amount_in >= edge_response(edge).capacity * (1.0 - _FULL)


def _level_prices(edge: LadderEdge | FirmEdge | BookEdge, leg: LegFill) -> _Prices:
    """A maker's or a book's first level, and the one that the fill ended in; a quote's only price if it is whole."""
    if isinstance(edge, FirmEdge) and not edge.quote.partial_fill_allowed:
        price = edge.quote.maker_amount / edge.quote.taker_amount
        return _Prices(price, price, fills_up=True)
    response = edge_response(edge)
    if not response.capacity:
        price = (leg.amount_out - leg.charge) / leg.amount_in
        return _Prices(price, price)
    fall = response.fall_after(min(float(leg.amount_in), response.capacity))
    full = leg.amount_in >= response.capacity * (1.0 - _FULL)
    return _Prices(math.exp(response.log_price), math.exp(response.log_price - fall), full)


def _values(legs: Sequence[LegFill], prices: Mapping[Edge, _Prices], order: Sequence[Address]) -> dict[Address, float]:
    """Each token at what its own legs pay for their last unit, weighted by what goes there."""
    leaving: dict[Address, list[LegFill]] = defaultdict(list)
    for leg in legs:
        leaving[leg.edge.token_in].append(leg)
    values = {order[-1]: 1.0}
    for token in reversed(order[:-1]):
        sold = sum(leg.amount_in for leg in leaving[token])
        worth = math.fsum(
            leg.amount_in / sold * prices[leg.edge].after * values[leg.edge.token_out] for leg in leaving[token]
        )
        values[token] = worth
    return values


def _surplus(leg: LegFill, prices: _Prices, values: Mapping[Address, float]) -> float:
    return values[leg.edge.token_out] * (leg.amount_out - leg.charge - prices.after * leg.amount_in)


def _shares(legs: Sequence[LegFill], order: Sequence[Address]) -> tuple[dict[Edge, Fraction], dict[Edge, Fraction]]:
    """Each leg's part of its token, and of the whole order; exact, so that they sum to one."""
    leaving: dict[Address, list[LegFill]] = defaultdict(list)
    for leg in legs:
        leaving[leg.edge.token_in].append(leg)
    arrived: defaultdict[Address, Fraction] = defaultdict(Fraction, {order[0]: Fraction(1)})
    shares: dict[Edge, Fraction] = {}
    of_order: dict[Edge, Fraction] = {}
    for token in order:
        sold = sum(leg.amount_in for leg in leaving[token])
        for leg in leaving[token]:
            shares[leg.edge] = Fraction(leg.amount_in, sold)
            of_order[leg.edge] = arrived[token] * shares[leg.edge]
            arrived[leg.edge.token_out] += of_order[leg.edge]
    return shares, of_order


def _paths(route: Route, prices: Mapping[Edge, _Prices]) -> tuple[ExplainedPath, ...]:
    whole = route.allocation.amount_in
    return tuple(
        ExplainedPath(edges, amount, amount / whole, math.prod(prices[edge].after for edge in edges))
        for edges, amount in route.allocation.paths
    )


def _spread_bps(paths: Sequence[ExplainedPath]) -> float:
    rates = [path.rate for path in paths]
    best = max(rates, default=0.0)
    return (best - min(rates)) / best * BPS if best else 0.0


def _spread_reason(legs: Sequence[ExplainedLeg]) -> str:
    """What keeps the ways apart, the likeliest first."""
    full = [leg.edge.label for leg in legs if leg.fills_up]
    if full:
        return f"{', '.join(full)} gave all there is, however good its price"
    books = [leg.edge.label for leg in legs if isinstance(leg.edge, BookEdge)]
    if books:
        return f"{', '.join(books)} trades in whole lots at the prices of its levels"
    makers = [leg.edge.label for leg in legs if isinstance(leg.edge, LadderEdge | FirmEdge)]
    if makers:
        return f"{', '.join(makers)} quotes levels, between which its price jumps"
    return (
        "a leg is used whole or not at all because of its gas, prices step at ticks, and amounts are whole base units"
    )
