"""The market as a graph: tokens joined by edges that quote, each edge over a state that it may share with others.

Owns: the kinds of edge (pool, maker's ladder or firm quote, exchange book) and their one way to be filled. An edge is
itself and equals no other: searches keep millions of them in dictionaries.
Must not: load, choose, or know gas prices.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from oms.domain.quotes import FirmQuote, IndicativeLadder
from oms.errors import QuoteRefused, Refusal
from oms.liquidity.listing import ListedPool
from oms.liquidity.pool import Pool
from oms.liquidity.rfq_ladder import ladder_amount_out
from oms.routing.book_market import BookMarket
from oms.units import Address

MAKER_FILL_GAS = 85_000
"""A firm quote's leg: signature check, nonce word, two transfers and the callback."""


@dataclass(frozen=True, slots=True, eq=False)
class PoolEdge:
    """One direction of one pool."""

    listed: ListedPool
    token_in: Address
    token_out: Address

    @property
    def state_id(self) -> str:
        """Edges with the same `state_id` move the same state."""
        return self.listed.key.pool_id

    @property
    def label(self) -> str:
        """The venue's name in tables."""
        return self.listed.key.label


@dataclass(frozen=True, slots=True, eq=False)
class LadderEdge:
    """A maker's indicative ladder. It ranks the maker; a plan needs its firm quote."""

    ladder: IndicativeLadder
    token_in: Address
    token_out: Address

    @property
    def state_id(self) -> str:
        """Edges with the same `state_id` move the same state."""
        return f"maker:{self.ladder.maker_name}"

    @property
    def label(self) -> str:
        """The venue's name in tables."""
        return f"maker {self.ladder.maker_name}"


@dataclass(frozen=True, slots=True, eq=False)
class FirmEdge:
    """A maker's signed quote, fillable up to its amount where partial fills are allowed."""

    quote: FirmQuote
    token_in: Address
    token_out: Address

    @property
    def state_id(self) -> str:
        """Edges with the same `state_id` move the same state."""
        return f"maker:{self.quote.maker_name}"

    @property
    def label(self) -> str:
        """The venue's name in tables."""
        return f"maker {self.quote.maker_name}"


@dataclass(frozen=True, slots=True, eq=False)
class BookEdge:
    """One side of an exchange's book, joined to the chain's tokens by the desk's balances there.

    `max_in` and `max_out` bound what one plan may leave to it, where the desk bounds its exposure.
    """

    market: BookMarket
    token_in: Address
    token_out: Address
    max_in: int | None = None
    max_out: int | None = None

    @property
    def state_id(self) -> str:
        """Edges with the same `state_id` move the same state."""
        return f"book:{self.market.book.exchange}:{self.market.book.symbol}"

    @property
    def label(self) -> str:
        """The venue's name in tables."""
        return f"{self.market.book.exchange} {self.market.book.symbol}"


Edge = PoolEdge | LadderEdge | FirmEdge | BookEdge
Path = tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Fill:
    """What an edge gives for an amount, and what it is like afterwards."""

    amount_in: int
    amount_out: int
    gas: int
    next_state: object


@dataclass(frozen=True, slots=True)
class Market:
    """Every edge that an intent may use. `states` holds the moving part of each, by `state_id`."""

    edges: tuple[Edge, ...]
    states: Mapping[str, object] = field(repr=False)

    @classmethod
    def of(cls, edges: Iterable[Edge]) -> "Market":
        """A market whose states are the edges' own."""
        kept = tuple(edges)
        return cls(kept, {edge.state_id: initial_state(edge) for edge in kept})


def initial_state(edge: Edge) -> object:
    """What `fill` starts from: the pool itself, or how much of a ladder, quote or book has been taken."""
    return edge.listed.pool if isinstance(edge, PoolEdge) else 0


def fill(edge: Edge, state: object, amount_in: int, *, lots: bool = True) -> Fill:
    """Sell exactly `amount_in` of the edge's input on `state`. Raises `QuoteRefused`.

    Without `lots`, a book trades any size, so that a search may pour less than a lot at a time.
    """
    if isinstance(edge, PoolEdge):
        pool: Pool = state  # type: ignore[assignment]
        swap = pool.quote_in(edge.token_in, edge.token_out, amount_in)
        if swap.amount_out <= 0:
            raise QuoteRefused(Refusal.ZERO_OUTPUT)
        return Fill(swap.amount_in, swap.amount_out, swap.gas, swap.next_pool)
    if amount_in <= 0:
        raise QuoteRefused(Refusal.ZERO_AMOUNT)
    taken = state if isinstance(state, int) else 0
    total = taken + amount_in
    if isinstance(edge, BookEdge) and not lots:
        edge = replace(edge, market=edge.market.without_steps())
    gained = _cumulative_out(edge, total) - (_cumulative_out(edge, taken) if taken else 0)
    if gained <= 0:
        raise QuoteRefused(Refusal.ZERO_OUTPUT)
    if isinstance(edge, BookEdge):
        _check_exposure(edge, total, gained)
    return Fill(amount_in, gained, 0 if isinstance(edge, BookEdge) else MAKER_FILL_GAS, total)


def _check_exposure(edge: BookEdge, given: int, gained: int) -> None:
    over_in = edge.max_in is not None and given > edge.max_in
    over_out = edge.max_out is not None and gained > edge.max_out
    if over_in or over_out:
        raise QuoteRefused(Refusal.AMOUNT_TOO_LARGE, "more than the desk leaves open off chain")


def _cumulative_out(edge: LadderEdge | FirmEdge | BookEdge, amount_in: int) -> int:
    if isinstance(edge, LadderEdge):
        return ladder_amount_out(edge.ladder, amount_in)
    if isinstance(edge, BookEdge):
        return edge.market.amount_out(edge.token_in, amount_in)
    quote = edge.quote
    if amount_in > quote.taker_amount:
        raise QuoteRefused(Refusal.AMOUNT_TOO_LARGE, f"{quote.maker_name} signed for {quote.taker_amount}")
    if amount_in < quote.taker_amount and not quote.partial_fill_allowed:
        raise QuoteRefused(Refusal.AMOUNT_TOO_LARGE, f"{quote.maker_name} allows no partial fill")
    return quote.maker_amount_for(amount_in)


def edges_of(pools: Iterable[ListedPool], tokens: Iterable[Address]) -> list[PoolEdge]:
    """Both directions of every pool between the given tokens."""
    wanted = frozenset(tokens)
    return [
        PoolEdge(listed, token_in, token_out)
        for listed in pools
        for token_in in listed.key.tokens
        for token_out in listed.key.tokens
        if token_in != token_out and token_in in wanted and token_out in wanted
    ]
