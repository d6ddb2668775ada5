"""Looking at every venue at one moment: pools at one block, makers' ladders, exchanges' books, side by side.

Owns: asking all of them at once, keeping a silent or failing one from spoiling the rest, and putting a book between its
joins: the desk's balances at the exchange, what transfers cost, and what the hedge is expected to cost.
Must not: rank, split or settle.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from decimal import ROUND_FLOOR, Context, Decimal
from typing import TypeVar

from oms.config import HedgeCosts, TransferCosts
from oms.domain.balances import ExchangeBalance
from oms.domain.plans import Intent, Side
from oms.domain.quotes import IndicativeLadder, OrderBook
from oms.domain.token import Token
from oms.errors import BeyondKnownRange, OmsError, QuoteRefused
from oms.liquidity.listing import ListedPool, PoolSnapshot
from oms.ports.clock import Clock
from oms.ports.exchange import Exchange, MarketData
from oms.ports.fees import ExecutionFees, GasPriceFees
from oms.ports.makers import Maker
from oms.ports.pools import ChainPools
from oms.routing.book_market import BookMarket, Joins
from oms.routing.gas_model import TokenGas
from oms.routing.hedge_cost import drift_bps_per_second, hedge_rate
from oms.routing.market import BookEdge, Edge, LadderEdge, Market, edges_of
from oms.units import BPS, Address, Wei

MAX_EXTENSIONS = 8
"""Times that one pool's tick range is widened for one quote."""

MAX_SECONDS_BETWEEN_LOOKS = 60.0
"""Two looks further apart say nothing about where a book is going now."""
_DOWN = Context(prec=80, rounding=ROUND_FLOOR)

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class ExchangeListing:
    """One exchange's market that stands for a pair of chain tokens; `account` where the desk holds one there."""

    exchange: MarketData
    symbol: str
    base: Token
    quote: Token
    account: Exchange | None = None


@dataclass(frozen=True, slots=True)
class ExchangeTerms:
    """What the desk says about trading on exchanges.

    A limit order to buy reserves its limit price, up to `buy_reserve_bps` above what the plan expects to pay, and only
    the rest of a balance is capacity. Where the desk `settles`, a book without known balances is left out.
    """

    hedge: HedgeCosts = field(default_factory=HedgeCosts)
    transfers: TransferCosts = field(default_factory=TransferCosts)
    buy_reserve_bps: int = 100
    settles: bool = False


@dataclass(frozen=True, slots=True)
class Sources:
    """Everybody who can be asked for a price."""

    pools: ChainPools
    makers: tuple[Maker, ...]
    listings: tuple[ExchangeListing, ...]
    clock: Clock
    terms: ExchangeTerms = field(default_factory=ExchangeTerms)
    token_gas: Mapping[Address, TokenGas] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SilentVenue:
    """A venue that gave no price, and why."""

    venue: str
    reason: str


@dataclass(frozen=True, slots=True)
class MarketView:
    """All prices for one intent, read together. Times are Unix seconds of the machine's clock.

    `balances` holds what the desk has at each exchange that told, by currency; `earlier` the books of the last look.
    `token_gas` names the tokens of this chain that cost more gas than a plain one.
    """

    snapshot: PoolSnapshot
    ladders: tuple[IndicativeLadder, ...]
    books: tuple[BookMarket, ...]
    silent: tuple[SilentVenue, ...]
    gas_price: Wei
    read_at: float
    balances: Mapping[str, Mapping[str, ExchangeBalance]] = field(default_factory=dict)
    terms: ExchangeTerms = field(default_factory=ExchangeTerms)
    earlier: tuple[OrderBook, ...] = ()
    token_gas: Mapping[Address, TokenGas] = field(default_factory=dict)

    @property
    def fees(self) -> ExecutionFees:
        """What this chain charges for a transaction now."""
        return GasPriceFees(self.gas_price)

    def market(self, intent: Intent, tokens: Sequence[Token]) -> Market:
        """The graph that this intent may use."""
        edges: list[Edge] = [
            *edges_of(self.snapshot.pools, [token.address for token in tokens]),
            *(LadderEdge(ladder, intent.token_in.address, intent.token_out.address) for ladder in self.ladders),
            *(self.book_edge(book, intent.token_in.address, intent.token_out.address) for book in self.books),
        ]
        return Market.of(edges)

    def book_edge(self, market: BookMarket, token_in: Address, token_out: Address) -> BookEdge:
        """A book between its joins, with what the desk's balance there lets through and what a fill costs beside it."""
        terms, exchange, side = self.terms, market.book.exchange, market.side(token_in)
        given, got = (market.base, market.quote) if side is Side.SELL else (market.quote, market.base)
        joins = Joins.around(
            market,
            token_in,
            balance=_capacity(market, side, self.balances.get(exchange), terms.buy_reserve_bps),
            give_bps=terms.transfers.bps(exchange, given.symbol),
            receive_bps=terms.transfers.bps(exchange, got.symbol),
        )
        rate = hedge_rate(
            terms.hedge,
            market.base.symbol,
            market.quote.symbol,
            request_seconds=market.book.request_seconds,
            drift_bps_per_second=_drift(self.earlier, market.book, side),
        )
        return BookEdge(market, token_in, token_out, joins=joins, hedge=rate)


def _capacity(
    market: BookMarket, side: Side, balances: Mapping[str, ExchangeBalance] | None, buy_reserve_bps: int
) -> int | None:
    """Base units of the given token that the balance there can trade, rounded down; `None` where nobody told it."""
    if balances is None:
        return None
    token, currency = (market.base, market.rules.base) if side is Side.SELL else (market.quote, market.rules.quote)
    held = balances.get(currency)
    free = max(held.free, Decimal(0)) if held is not None else Decimal(0)
    raw = int(free.scaleb(token.decimals, _DOWN))
    return raw if side is Side.SELL else raw * BPS // (BPS + buy_reserve_bps)


def _drift(earlier: Sequence[OrderBook], book: OrderBook, side: Side) -> float:
    """How fast the book has moved against that side since the last look, in bps a second."""
    for seen in earlier:
        same = (seen.exchange, seen.symbol) == (book.exchange, book.symbol)
        if same and book.received_at - seen.received_at <= MAX_SECONDS_BETWEEN_LOOKS:
            return drift_bps_per_second(seen, book, side)
    return 0.0


def look(
    sources: Sources,
    intent: Intent,
    tokens: Sequence[Token],
    *,
    venues: frozenset[str] | None = None,
    earlier: Sequence[OrderBook] = (),
) -> MarketView:
    """Ask every venue at once; `venues` keeps only those named. A failing pool source fails the whole look.

    An exchange that shows its book and not our balances is market data only: quoted, and left out where the desk
    settles. `earlier` are the books of the last look, from which a drift is measured.
    """
    makers = [maker for maker in sources.makers if venues is None or maker.name in venues or "makers" in venues]
    listings = [
        listing
        for listing in sources.listings
        if {listing.base, listing.quote} == {intent.token_in, intent.token_out}
        and (venues is None or listing.exchange.name in venues or "exchanges" in venues)
    ]
    accounts = {listing.account.name: listing.account for listing in listings if listing.account is not None}
    with ThreadPoolExecutor(max_workers=1 + len(makers) + len(listings) + len(accounts)) as pool:
        snapshot = pool.submit(_pools, sources.pools, intent, tokens, venues)
        ladders = [pool.submit(_asked, m.name, lambda m=m: m.ladder(intent.token_in, intent.token_out)) for m in makers]
        books = [pool.submit(_asked, item.exchange.name, lambda item=item: _book(item)) for item in listings]
        asked = {name: pool.submit(_asked, name, account.balances) for name, account in accounts.items()}
        answered_ladders = [future.result() for future in ladders]
        answered_books = [future.result() for future in books]
        held = {name: future.result() for name, future in asked.items()}
        pools = snapshot.result()
    answers = [*answered_ladders, *answered_books]
    balances = {name: answer for name, answer in held.items() if not isinstance(answer, SilentVenue)}
    shown = [book for book in answered_books if isinstance(book, BookMarket)]
    return MarketView(
        snapshot=pools,
        ladders=tuple(answer for answer in answered_ladders if isinstance(answer, IndicativeLadder)),
        books=tuple(book for book in shown if not sources.terms.settles or book.book.exchange in balances),
        silent=(
            *(answer for answer in answers if isinstance(answer, SilentVenue)),
            *(_without_balances(answer, sources.terms) for answer in held.values() if isinstance(answer, SilentVenue)),
        ),
        gas_price=sources.pools.gas_price(),
        read_at=sources.clock.now(),
        balances=balances,
        terms=sources.terms,
        earlier=tuple(earlier),
        token_gas=sources.token_gas,
    )


def _without_balances(failed: SilentVenue, terms: ExchangeTerms) -> SilentVenue:
    what = "left out" if terms.settles else "quoted as market data only"
    return SilentVenue(failed.venue, f"tells no balances, {what} ({failed.reason})")


def _asked(venue: str, ask: Callable[[], R]) -> R | SilentVenue:
    try:
        return ask()
    except OmsError as error:
        return SilentVenue(venue, str(error))


def _book(listing: ExchangeListing) -> BookMarket:
    rules = listing.exchange.market(listing.symbol)
    return BookMarket(listing.exchange.order_book(listing.symbol), rules, listing.base, listing.quote)


def _pools(source: ChainPools, intent: Intent, tokens: Sequence[Token], venues: frozenset[str] | None) -> PoolSnapshot:
    chosen = None if venues is None else venues & source.venue_names
    snapshot = source.snapshot(tokens, venues=chosen)
    pools = tuple(_widened(source, listed, intent) for listed in snapshot.pools)
    skipped = {(entry.venue, entry.pool_id): entry for entry in snapshot.skipped}
    return replace(snapshot, pools=pools, skipped=tuple(skipped.values()))


def _widened(source: ChainPools, listed: ListedPool, intent: Intent) -> ListedPool:
    """Load more ticks while the whole order would leave the known range, as far as the node can give them."""
    for _ in range(MAX_EXTENSIONS):
        needed = _leaves_range(listed, intent)
        if needed is None:
            return listed
        try:
            wider = source.extend(listed, zero_for_one=listed.key.tokens[0] == needed)
        except OmsError:
            return listed
        if wider == listed:
            return listed
        listed = wider
    return listed


def _leaves_range(listed: ListedPool, intent: Intent) -> Address | None:
    """The input token with which the order would leave the pool's known range, if it is the order's own pair."""
    token_in, token_out = intent.token_in.address, intent.token_out.address
    if token_in not in listed.key.tokens or token_out not in listed.key.tokens:
        return None
    try:
        if intent.side == "sell":
            listed.pool.quote_in(token_in, token_out, intent.amount)
        else:
            listed.pool.quote_out(token_in, token_out, intent.amount)
    except BeyondKnownRange:
        return token_in
    except QuoteRefused:
        return None
    return None
