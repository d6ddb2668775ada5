"""A quote: every venue for the whole order, the best of them, and the split that beats it.

Owns: the rows of the table, the price of gas in the output token, and the choice of the split.
Must not: sign, send, or ask a maker for a firm quote; `oms.application.planning` does.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from oms.application.market_view import MarketView
from oms.domain.plans import Intent, Side
from oms.domain.token import Token
from oms.errors import QuoteRefused
from oms.liquidity.fees import pool_fee
from oms.routing.market import BookEdge, Edge, FirmEdge, LadderEdge, Market, Path, PoolEdge
from oms.routing.split import (
    TRANSACTION_GAS,
    Allocation,
    GasCost,
    best_split,
    candidate_paths,
    fill_path,
    first_guess,
    input_for,
    promising,
    split_for_output,
)
from oms.units import BPS, Address

PURCHASE_MARGIN = Decimal("0.99")
"""A bound on a purchase's output stands for one on its input, which is within a per cent of it in value."""
MAX_ROUTE_ROWS = 4
"""Two-hop and longer routes shown beside the direct venues."""


@dataclass(frozen=True, slots=True)
class VenueQuote:
    """The whole order on one venue or path alone. Amounts in base units; `net_out` after gas.

    `price` is whole output tokens per whole input token, `impact_bps` the average price's distance from the marginal
    one, `fee_bps` the LP's or taker's fee where it is one number. `refusal` says why there are no amounts.
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
    refusal: str = ""

    @property
    def net_out(self) -> int:
        """What is left of the output after gas."""
        return self.amount_out - self.gas_cost


@dataclass(frozen=True, slots=True)
class QuoteReport:
    """What every venue would give, and the split chosen.

    `gain_bps` is the split's net advantage over the best single venue, of the output when selling and of the input
    when buying.
    """

    intent: Intent
    view: MarketView
    market: Market
    rows: tuple[VenueQuote, ...]
    split: Allocation
    gas_cost: GasCost
    impact_bps: float
    tokens: Mapping[Address, Token]
    max_hops: int

    @property
    def best_single(self) -> VenueQuote | None:
        """The best row that fills the whole order."""
        filled = [row for row in self.rows if not row.refusal]
        if self.intent.side is Side.SELL:
            return max(filled, key=lambda row: row.net_out, default=None)
        return min(filled, key=lambda row: _net_input(row.amount_in, row.amount_out, row.gas_cost), default=None)

    @property
    def gain_bps(self) -> float | None:
        """See the class."""
        best, split = self.best_single, self.split
        if best is None:
            return None
        if self.intent.side is Side.SELL:
            return (split.net_out - best.net_out) / best.net_out * BPS if best.net_out > 0 else None
        theirs = _net_input(best.amount_in, best.amount_out, best.gas_cost)
        ours = _net_input(split.amount_in, split.amount_out, split.amount_out - split.net_out)
        return float((theirs - ours) / theirs * BPS)


def _net_input(amount_in: int, amount_out: int, gas_cost: int) -> Fraction:
    """Input and gas together, in base units of the input, per the order's own price."""
    return amount_in * (1 + Fraction(gas_cost, max(1, amount_out)))


def quote(
    intent: Intent,
    view: MarketView,
    tokens: Sequence[Token],
    *,
    wrapped_native: Address,
    max_hops: int,
    now: float,
    max_book_share: Decimal | None = None,
) -> QuoteReport:
    """Rank the venues and find the split. Raises `QuoteRefused` when nothing fills the order.

    With `max_book_share`, the split leaves at most that share of the order to exchanges.
    """
    market = view.market(intent, tokens)
    gas_cost = gas_in_output(market, view, wrapped_native, intent.token_out.address)
    token_in, token_out = intent.token_in.address, intent.token_out.address
    by_address = {token.address: token for token in tokens}
    rows = _rows(intent, view, market, gas_cost, by_address, max_hops=max_hops, now=now)
    market = market if max_book_share is None else _with_bounded_books(market, intent, max_book_share)
    search = best_split if intent.side is Side.SELL else split_for_output
    split = search(market, token_in, token_out, intent.amount, gas_cost=gas_cost, max_hops=max_hops)
    return QuoteReport(intent, view, market, rows, split, gas_cost, split_impact_bps(split), by_address, max_hops)


def _with_bounded_books(market: Market, intent: Intent, share: Decimal) -> Market:
    """The market in which books take at most `share` of the order: of its input, or for a purchase of its output."""
    selling = intent.side is Side.SELL
    max_in = int(intent.amount * share) if selling else None
    max_out = None if selling else int(intent.amount * share * PURCHASE_MARGIN)
    return Market.of(
        replace(edge, max_in=max_in, max_out=max_out) if isinstance(edge, BookEdge) else edge for edge in market.edges
    )


def gas_in_output(market: Market, view: MarketView, wrapped_native: Address, token_out: Address) -> GasCost:
    """The price of gas in the output token: the median over what joins the two coins, in one step or else in two."""
    if token_out == wrapped_native:
        return GasCost(float(view.gas_price))
    prices = sorted(_prices(market, wrapped_native, token_out))
    return GasCost(float(view.gas_price) * prices[len(prices) // 2] if prices else 0.0)


def _prices(market: Market, token_in: Address, token_out: Address) -> list[float]:
    """Marginal prices of the coin: of edges between the two, of edges the other way round, or of pairs of edges."""
    known = [(edge, price) for edge in market.edges if 0 < (price := _edge_price(edge)) < math.inf]
    direct = [price for edge, price in known if (edge.token_in, edge.token_out) == (token_in, token_out)]
    if not direct:
        direct = [1 / price for edge, price in known if (edge.token_in, edge.token_out) == (token_out, token_in)]
    return direct or [
        first * second
        for start, first in known
        for end, second in known
        if start.token_in == token_in and start.token_out == end.token_in and end.token_out == token_out
    ]


def _rows(
    intent: Intent,
    view: MarketView,
    market: Market,
    gas_cost: GasCost,
    tokens: Mapping[Address, Token],
    *,
    max_hops: int,
    now: float,
) -> tuple[VenueQuote, ...]:
    paths = candidate_paths(market, intent.token_in.address, intent.token_out.address, max_hops=max_hops)

    def row(path: Path) -> VenueQuote:
        return _row(intent, view, market, path, gas_cost, tokens, now=now)

    direct = [row(path) for path in paths if len(path) == 1]
    longer = [path for path in paths if len(path) > 1]
    around = _about_the_input(intent, market, direct, max_hops)
    routed = [entry for path in promising(market, longer, around) if not (entry := row(path)).refusal]
    routed.sort(key=_rank(intent), reverse=True)
    ranked = sorted(direct, key=_rank(intent), reverse=True) + routed[:MAX_ROUTE_ROWS]
    return tuple(sorted(ranked, key=_rank(intent), reverse=True))


def _about_the_input(intent: Intent, market: Market, direct: Sequence[VenueQuote], max_hops: int) -> int:
    """The order's input: given for a sale, estimated for a purchase; only used to choose which routes to show."""
    if intent.side is Side.SELL:
        return intent.amount
    inputs = [row.amount_in for row in direct if not row.refusal]
    if inputs:
        return min(inputs)
    return first_guess(market, intent.token_in.address, intent.token_out.address, intent.amount, max_hops=max_hops)


def _rank(intent: Intent) -> Callable[[VenueQuote], tuple[bool, Fraction]]:
    def key(row: VenueQuote) -> tuple[bool, Fraction]:
        if row.refusal:
            return False, Fraction(0)
        if intent.side is Side.SELL:
            return True, Fraction(row.net_out)
        return True, -_net_input(row.amount_in, row.amount_out, row.gas_cost)

    return key


def _row(
    intent: Intent,
    view: MarketView,
    market: Market,
    path: Path,
    gas_cost: GasCost,
    tokens: Mapping[Address, Token],
    *,
    now: float,
) -> VenueQuote:
    name = path_label(path, tokens)
    firmness, age = _firmness(path[0], view, now=now)
    try:
        amount_in = intent.amount if intent.side is Side.SELL else input_for(market.states, path, intent.amount)
        amount_out, leg_gas, _ = fill_path(market.states, path, amount_in)
    except QuoteRefused as refused:
        return VenueQuote(name, len(path), 0, 0, Fraction(0), 0.0, None, 0, 0, firmness, age, str(refused.reason))
    gas = leg_gas + TRANSACTION_GAS if leg_gas else 0
    scale = Fraction(10**intent.token_in.decimals, 10**intent.token_out.decimals)
    return VenueQuote(
        venue=name,
        hops=len(path),
        amount_in=amount_in,
        amount_out=amount_out,
        price=Fraction(amount_out, amount_in) * scale,
        impact_bps=_impact_bps(path, amount_in, amount_out),
        fee_bps=_path_fee_bps(path),
        gas=gas,
        gas_cost=gas_cost.of(gas),
        firmness=firmness,
        age_seconds=age,
    )


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
