"""A quote: every venue for the whole order, the best of them, the route that beats it, and what the bound leaves.

Owns: the rows of the table, the price of gas in the output token, and the gas of the route as one transaction.
Must not: sign, send, or ask a maker for a firm quote; `oms.application.planning` does.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from oms.application.market_view import MarketView
from oms.domain.plans import Intent, Side
from oms.domain.token import Token
from oms.errors import QuoteRefused
from oms.liquidity.fees import pool_fee
from oms.liquidity.price_response import NEVER
from oms.routing.allocation import Allocation, GasCost, settle
from oms.routing.certificate import gap_bps
from oms.routing.edge_table import bounded
from oms.routing.gas_model import DESK, GasTerms, plan_gas
from oms.routing.market import BookEdge, Edge, FirmEdge, LadderEdge, Market, Path, PoolEdge
from oms.routing.prepared import PreparedMarket
from oms.routing.route import LARGE_GAP_BPS, Route, RouteTerms, buy, sell
from oms.routing.single_paths import direct_paths, input_for, longer_paths
from oms.units import BPS, Address, Gas, Wei

PURCHASE_MARGIN = Decimal("0.99")
"""A bound on a purchase's output stands for one on its input, which is within a per cent of it in value."""
MAX_ROUTE_ROWS = 4
"""Two-hop and longer routes shown beside the direct venues."""
ROUTES_RATED = 12
"""Of these, the best by a rough measure are quoted exactly."""
_FEE_SAMPLE = Gas(1_000_000)
"""Gas whose fee says what one more unit of it costs."""


@dataclass(frozen=True, slots=True)
class VenueQuote:
    """The whole order on one venue or path alone. Amounts in base units; `net_out` after gas and `charge`.

    `price` is whole output tokens per whole input token, `impact_bps` the average price's distance from the marginal
    one, `fee_bps` the LP's or taker's fee where it is one number; `charge` what hedging on an exchange is expected to
    cost beside the amounts. `refusal` says why there are no amounts.
    """

    venue: str
    hops: int
    amount_in: int
    amount_out: int
    price: Fraction
    impact_bps: float
    fee_bps: float | None
    gas: int
    gas_cost: int
    firmness: str
    age_seconds: float
    charge: int = 0
    refusal: str = ""

    @property
    def net_out(self) -> int:
        """What is left of the output after gas and charges."""
        return self.amount_out - self.gas_cost - self.charge


@dataclass(frozen=True, slots=True)
class QuoteReport:
    """What every venue would give, and the route chosen with its proof.

    `gain_bps` is the route's net advantage over the best single venue, of the output when selling and of the input
    when buying. The route's gas is that of the whole transaction, `gas_wei` its fee. `notes` are for the reader.
    """

    intent: Intent
    view: MarketView
    prepared: PreparedMarket
    rows: tuple[VenueQuote, ...]
    route: Route
    gas_cost: GasCost
    gas_wei: Wei
    impact_bps: float
    tokens: Mapping[Address, Token]
    max_hops: int
    notes: tuple[str, ...] = ()

    @property
    def split(self) -> Allocation:
        """The route in integers: legs, totals, gas, net output."""
        return self.route.allocation

    @property
    def market(self) -> Market:
        """The graph that was routed over."""
        return self.prepared.market

    @property
    def best_single(self) -> VenueQuote | None:
        """The best row that fills the whole order."""
        filled = [row for row in self.rows if not row.refusal]
        if self.intent.side is Side.SELL:
            return max(filled, key=lambda row: row.net_out, default=None)
        return min(filled, key=lambda row: _net_input(row.amount_in, row.amount_out, row.net_out), default=None)

    @property
    def gain_bps(self) -> float | None:
        """See the class."""
        best, split = self.best_single, self.split
        if best is None:
            return None
        if self.intent.side is Side.SELL:
            return (split.net_out - best.net_out) / best.net_out * BPS if best.net_out > 0 else None
        theirs = _net_input(best.amount_in, best.amount_out, best.net_out)
        ours = _net_input(split.amount_in, split.amount_out, split.net_out)
        return float((theirs - ours) / theirs * BPS)


def _net_input(amount_in: int, amount_out: int, net_out: int) -> Fraction:
    """Input and costs together, in base units of the input, per the order's own price."""
    return amount_in * (1 + Fraction(amount_out - net_out, max(1, amount_out)))


def is_better(side: Side, first: Allocation, second: Allocation) -> bool:
    """Whether the first leaves more of the output after all costs, or asks less of a purchase's input with them."""
    if side is Side.SELL:
        return first.net_out > second.net_out
    one, other = (_net_input(each.amount_in, each.amount_out, each.net_out) for each in (first, second))
    return one < other


def quote(
    intent: Intent,
    view: MarketView,
    tokens: Sequence[Token],
    *,
    wrapped_native: Address,
    max_hops: int,
    now: float,
    max_book_share: Decimal | None = None,
    is_over: Callable[[], bool] | None = None,
) -> QuoteReport:
    """Rank the venues and find the route. Raises `QuoteRefused` when nothing fills the order.

    With `max_book_share`, the route leaves at most that share of the order to exchanges. `is_over` says that time is
    up; the route is then the best found so far.
    """
    market = view.market(intent, tokens)
    capped = market if max_book_share is None else _with_bounded_books(market, intent, max_book_share)
    prepared = PreparedMarket.of(capped.edges)
    gas_cost = gas_in_output(prepared, view, wrapped_native, intent.token_out.address)
    by_address = {token.address: token for token in tokens}
    singles = _singles(intent, view, market, prepared, gas_cost, by_address, max_hops=max_hops, now=now)
    terms = RouteTerms(gas_cost, max_hops) if is_over is None else RouteTerms(gas_cost, max_hops, is_over)
    route = as_transaction(routed(prepared, intent, terms), prepared, gas_cost, GasTerms(token_gas=view.token_gas))
    route = _best_of(intent.side, route, (single.allocation for single in singles))
    return QuoteReport(
        intent=intent,
        view=view,
        prepared=prepared,
        rows=tuple(single.row for single in singles),
        route=route,
        gas_cost=gas_cost,
        gas_wei=view.fees.fee_wei(Gas(route.allocation.gas)),
        impact_bps=split_impact_bps(route.allocation),
        tokens=by_address,
        max_hops=max_hops,
        notes=_notes(view, gas_cost),
    )


def routed(market: PreparedMarket, intent: Intent, terms: RouteTerms) -> Route:
    """The best route for the intent. Raises `QuoteRefused`."""
    search = sell if intent.side is Side.SELL else buy
    return search(market, intent.token_in.address, intent.token_out.address, intent.amount, terms)


def as_transaction(route: Route, market: PreparedMarket, gas_cost: GasCost, terms: GasTerms) -> Route:
    """The route, or its best single path, with the gas of one whole transaction in place of the legs' own figures."""
    states = market.market.states
    chosen = with_plan_gas(route.allocation, states, gas_cost, terms)
    single = None if route.best_single is None else with_plan_gas(route.best_single, states, gas_cost, terms)
    return replace(route, allocation=chosen, best_single=single)


def with_plan_gas(
    allocation: Allocation, states: Mapping[str, object], gas_cost: GasCost, terms: GasTerms = DESK
) -> Allocation:
    """The allocation with the estimated gas of its transaction, and what that leaves of the output."""
    gas = plan_gas(allocation.legs, states, terms=terms)
    return replace(allocation, gas=gas, net_out=allocation.amount_out - gas_cost.of(gas) - allocation.charges)


def _best_of(side: Side, route: Route, singles: Iterable[Allocation | None]) -> Route:
    """The route, unless a single path is better once the whole transaction's gas is known."""
    best = route.allocation
    for single in (route.best_single, *singles):
        if single is not None and is_better(side, single, best):
            best = single
    return route if best is route.allocation else with_allocation(route, best, side, reason="fixed cost")


def with_allocation(route: Route, allocation: Allocation, side: Side, *, reason: str) -> Route:
    """The route with another allocation on the same market, its gap measured anew; `reason` explains a large one."""
    certificate, buying = route.certificate, side is Side.BUY
    result = allocation.amount_in if buying else allocation.amount_out - allocation.charges
    gap = gap_bps(certificate.bound, result, buying=buying)
    reason = (certificate.reason or reason) if gap >= LARGE_GAP_BPS else ""
    return replace(route, allocation=allocation, certificate=replace(certificate, gap_bps=gap, reason=reason))


def _notes(view: MarketView, gas_cost: GasCost) -> tuple[str, ...]:
    if view.gas_price and not gas_cost.out_per_gas:
        return ("no venue joins the chain's coin to the output token, so gas is counted as free",)
    return ()


def _with_bounded_books(market: Market, intent: Intent, share: Decimal) -> Market:
    """The market in which books take at most `share` of the order: of its input, or for a purchase of its output."""
    selling = intent.side is Side.SELL
    max_in = int(intent.amount * share) if selling else None
    max_out = None if selling else int(intent.amount * share * PURCHASE_MARGIN)
    return Market.of(
        replace(edge, max_in=max_in, max_out=max_out) if isinstance(edge, BookEdge) else edge for edge in market.edges
    )


def gas_in_output(market: PreparedMarket, view: MarketView, wrapped_native: Address, token_out: Address) -> GasCost:
    """The price of gas in the output token, by the deepest pools that join the two; zero where none do."""
    per_gas = view.fees.fee_wei(_FEE_SAMPLE) / _FEE_SAMPLE
    if token_out == wrapped_native:
        return GasCost(per_gas)
    return GasCost(per_gas * _worth(market, wrapped_native, 1.0).get(token_out, 0.0))


def _worth(market: PreparedMarket, given: Address, amount: float) -> dict[Address, float]:
    """What an amount of one token is worth in each other that the deepest pools join to it, in base units."""
    table = market.table
    if given not in table.index:
        return {}
    values = table.log_values
    own = float(values[table.index[given]])
    if own <= NEVER:
        return {}
    joined = ((token, float(values[number])) for token, number in table.index.items())
    return {token: bounded(math.log(amount) + own - value) for token, value in joined if value > NEVER}


@dataclass(frozen=True, slots=True)
class _Single:
    """One row, and what it would settle as; `None` where it refuses, has no price, or is a book, which trades lots."""

    row: VenueQuote
    allocation: Allocation | None = None


def _singles(
    intent: Intent,
    view: MarketView,
    market: Market,
    prepared: PreparedMarket,
    gas_cost: GasCost,
    tokens: Mapping[Address, Token],
    *,
    max_hops: int,
    now: float,
) -> list[_Single]:
    """Every direct venue and the best longer paths, best first."""
    token_in, token_out = intent.token_in.address, intent.token_out.address
    worth = {
        token: int(amount) for token, amount in _worth(prepared, intent.given.token.address, intent.amount).items()
    }
    longer = longer_paths(market, token_in, token_out, worth, max_hops=max_hops, most=ROUTES_RATED)
    rank = _rank(intent)

    def ranked(paths: Iterable[Path]) -> list[_Single]:
        found = [_single(intent, view, market, path, gas_cost, tokens, now=now) for path in paths]
        return sorted(found, key=lambda single: rank(single.row), reverse=True)

    routes = [single for single in ranked(longer) if not single.row.refusal][:MAX_ROUTE_ROWS]
    direct = ranked(direct_paths(market, token_in, token_out))
    return sorted([*direct, *routes], key=lambda single: rank(single.row), reverse=True)


def _rank(intent: Intent) -> Callable[[VenueQuote], tuple[bool, Fraction]]:
    def key(row: VenueQuote) -> tuple[bool, Fraction]:
        if row.refusal:
            return False, Fraction(0)
        if intent.side is Side.SELL:
            return True, Fraction(row.net_out)
        return True, -_net_input(row.amount_in, row.amount_out, row.net_out)

    return key


def _single(
    intent: Intent,
    view: MarketView,
    market: Market,
    path: Path,
    gas_cost: GasCost,
    tokens: Mapping[Address, Token],
    *,
    now: float,
) -> _Single:
    name = path_label(path, tokens)
    firmness, age = _firmness(path[0], view, now=now)
    try:
        amount_in = intent.amount if intent.side is Side.SELL else input_for(market.states, path, intent.amount)
        found = settle(market.states, dict.fromkeys(path, amount_in), gas_cost=gas_cost)
        found = with_plan_gas(found, market.states, gas_cost, GasTerms(token_gas=view.token_gas))
    except QuoteRefused as refused:
        return _Single(
            VenueQuote(name, len(path), 0, 0, Fraction(0), 0.0, None, 0, 0, firmness, age, refusal=str(refused.reason))
        )
    scale = Fraction(10**intent.token_in.decimals, 10**intent.token_out.decimals)
    row = VenueQuote(
        venue=name,
        hops=len(path),
        amount_in=amount_in,
        amount_out=found.amount_out,
        price=Fraction(found.amount_out, amount_in) * scale,
        impact_bps=_impact_bps(path, amount_in, found.amount_out),
        fee_bps=_path_fee_bps(path),
        gas=found.gas,
        gas_cost=gas_cost.of(found.gas),
        firmness=firmness,
        age_seconds=age,
        charge=found.charges,
    )
    return _Single(row, None if isinstance(path[0], BookEdge) or not marginal_price(path) else found)


def path_label(path: Path, tokens: Mapping[Address, Token]) -> str:
    """The venues of a path, and the tokens between them: `uniswap_v3 5 bp → USDT → curve 0x7f86bf`."""
    parts = [path[0].label]
    for edge in path[1:]:
        parts += [str(tokens[edge.token_in]), edge.label]
    return " → ".join(parts)


def _firmness(edge: Edge, view: MarketView, *, now: float) -> tuple[str, float]:
    if isinstance(edge, PoolEdge):
        return "pool state", now - view.read_at
    if isinstance(edge, LadderEdge):
        return "indicative", now - edge.ladder.received_at
    if isinstance(edge, FirmEdge):
        return "firm", now - edge.quote.received_at
    return "book", now - edge.market.book.received_at


def _impact_bps(path: Path, amount_in: int, amount_out: int) -> float:
    marginal = marginal_price(path)
    if not marginal:
        return 0.0
    return max(0.0, (1 - amount_out / amount_in / marginal) * BPS)


def marginal_price(path: Path) -> float:
    """Base units out per base unit in for an infinitesimal amount, after fees; 0 where it is not known."""
    price = 1.0
    for edge in path:
        price *= _edge_price(edge)
    return price


def _edge_price(edge: Edge) -> float:
    """A price to rank and show by; one pool in a state that has none must not spoil the quotes of the others."""
    try:
        return _stated_price(edge)
    except (QuoteRefused, ArithmeticError):
        return 0.0


def _stated_price(edge: Edge) -> float:
    if isinstance(edge, PoolEdge):
        return edge.listed.pool.marginal_price(edge.token_in, edge.token_out)
    if isinstance(edge, FirmEdge):
        return edge.quote.maker_amount / edge.quote.taker_amount
    if isinstance(edge, LadderEdge):
        ladder = edge.ladder
        if not ladder.levels:
            return 0.0
        return float(ladder.levels[0].price) * 10.0 ** (ladder.maker_token.decimals - ladder.taker_token.decimals)
    market = edge.market
    touch, fee = float(market.best_price(edge.token_in)), float(market.rules.taker_fee)
    scale = 10.0 ** (market.quote.decimals - market.base.decimals)
    if edge.token_in == market.base.address:
        return touch * scale * (1 - fee)
    return 1 / (touch * scale * (1 + fee))


def _path_fee_bps(path: Path) -> float | None:
    fees = [edge_fee_bps(edge) for edge in path]
    return None if any(fee is None for fee in fees) else sum(fee for fee in fees if fee is not None)


def edge_fee_bps(edge: Edge) -> float | None:
    """The LP's or the taker's fee of one edge; a maker's is in its price."""
    if isinstance(edge, PoolEdge):
        fee = pool_fee(edge.listed.pool, edge.token_in, edge.token_out)
        return None if fee is None else fee * BPS
    return float(edge.market.rules.taker_fee) * BPS if isinstance(edge, BookEdge) else 0.0


def split_impact_bps(split: Allocation) -> float:
    """The average price's distance from the best marginal price among the paths used; infinite where none is known."""
    best = max((marginal_price(path) for path, _ in split.paths), default=0.0)
    return max(0.0, (1 - split.amount_out / split.amount_in / best) * BPS) if best else math.inf
