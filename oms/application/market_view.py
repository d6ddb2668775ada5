"""Looking at every venue at one moment: pools at one block, makers' ladders, exchanges' books, side by side.

Owns: asking all of them at once, and keeping a silent or failing one from spoiling the rest.
Must not: rank, split or settle.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

from oms.domain.plans import Intent
from oms.domain.quotes import IndicativeLadder
from oms.domain.token import Token
from oms.errors import BeyondKnownRange, OmsError, QuoteRefused
from oms.liquidity.listing import ListedPool, PoolSnapshot
from oms.ports.clock import Clock
from oms.ports.exchange import MarketData
from oms.ports.makers import Maker
from oms.ports.pools import ChainPools
from oms.routing.book_market import BookMarket
from oms.routing.market import BookEdge, Edge, LadderEdge, Market, edges_of
from oms.units import Address, Wei

MAX_EXTENSIONS = 8
"""Times that one pool's tick range is widened for one quote."""

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class ExchangeListing:
    """One exchange's market that stands for a pair of chain tokens."""

    exchange: MarketData
    symbol: str
    base: Token
    quote: Token


@dataclass(frozen=True, slots=True)
class Sources:
    """Everybody who can be asked for a price."""

    pools: ChainPools
    makers: tuple[Maker, ...]
    listings: tuple[ExchangeListing, ...]
    clock: Clock


@dataclass(frozen=True, slots=True)
class SilentVenue:
    """A venue that gave no price, and why."""

    venue: str
    reason: str


@dataclass(frozen=True, slots=True)
class MarketView:
    """All prices for one intent, read together. Times are Unix seconds of the machine's clock."""

    snapshot: PoolSnapshot
    ladders: tuple[IndicativeLadder, ...]
    books: tuple[BookMarket, ...]
    silent: tuple[SilentVenue, ...]
    gas_price: Wei
    read_at: float

    def market(self, intent: Intent, tokens: Sequence[Token]) -> Market:
        """The graph that this intent may use."""
        edges: list[Edge] = [
            *edges_of(self.snapshot.pools, [token.address for token in tokens]),
            *(LadderEdge(ladder, intent.token_in.address, intent.token_out.address) for ladder in self.ladders),
            *(BookEdge(book, intent.token_in.address, intent.token_out.address) for book in self.books),
        ]
        return Market.of(edges)


def look(
    sources: Sources, intent: Intent, tokens: Sequence[Token], *, venues: frozenset[str] | None = None
) -> MarketView:
    """Ask every venue at once; `venues` keeps only those named. A failing pool source fails the whole look."""
    makers = [maker for maker in sources.makers if venues is None or maker.name in venues or "makers" in venues]
    listings = [
        listing
        for listing in sources.listings
        if {listing.base, listing.quote} == {intent.token_in, intent.token_out}
        and (venues is None or listing.exchange.name in venues or "exchanges" in venues)
    ]
    with ThreadPoolExecutor(max_workers=1 + len(makers) + len(listings)) as pool:
        snapshot = pool.submit(_pools, sources.pools, intent, tokens, venues)
        ladders = [pool.submit(_asked, m.name, lambda m=m: m.ladder(intent.token_in, intent.token_out)) for m in makers]
        books = [pool.submit(_asked, item.exchange.name, lambda item=item: _book(item)) for item in listings]
        answered_ladders = [future.result() for future in ladders]
        answered_books = [future.result() for future in books]
        pools = snapshot.result()
    answers = [*answered_ladders, *answered_books]
    return MarketView(
        snapshot=pools,
        ladders=tuple(answer for answer in answered_ladders if isinstance(answer, IndicativeLadder)),
        books=tuple(answer for answer in answered_books if isinstance(answer, BookMarket)),
        silent=tuple(answer for answer in answers if isinstance(answer, SilentVenue)),
        gas_price=sources.pools.gas_price(),
        read_at=sources.clock.now(),
    )


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
