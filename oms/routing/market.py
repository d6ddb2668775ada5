"""The market as a graph: tokens joined by edges that quote, each edge over a state that it may share with others.

Owns: the kinds of edge (pool, maker's ladder or firm quote, exchange book between its joins), their one way to be
filled, and the stocks that limit them: a maker's own over all its quotes, the desk's at an exchange over all its books.
An edge is itself and equals no other: searches keep millions of them in dictionaries.
Must not: load, choose, or know gas prices.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from oms.domain.handing import Sale
from oms.domain.plans import Spend
from oms.domain.quotes import FirmQuote, IndicativeLadder
from oms.errors import QuoteRefused, Refusal, StateConflict
from oms.liquidity.listing import ListedPool
from oms.liquidity.pool import Pool
from oms.liquidity.rfq_ladder import ladder_amount_out, ladder_stock
from oms.routing.book_market import AssetAt, BookMarket, Joins
from oms.routing.hedge_cost import NO_HEDGE, HedgeRate, charge_up
from oms.units import Address

MAKER_FILL_GAS = 69_000
"""What a firm quote adds to a settlement, signature, nonce and three transfers included: `gas_model`, rounded."""


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
    """One side of an exchange's book between the chain's tokens: join, book and join as one edge.

    `joins` are its two ends, with the desk's balance there as the capacity; without them it is the bare book, to be
    compared and not to be settled on. `hedge` is what it costs to hedge there, in bps of what it brings. `max_in` and
    `max_out` bound what one plan may leave to it, where the desk bounds its exposure.
    """

    market: BookMarket
    token_in: Address
    token_out: Address
    max_in: int | None = None
    max_out: int | None = None
    joins: Joins | None = None
    hedge: HedgeRate = NO_HEDGE

    @property
    def state_id(self) -> str:
        """Edges with the same `state_id` move the same state: books of one exchange draw on the same balances."""
        return f"exchange:{self.market.book.exchange}"

    @property
    def label(self) -> str:
        """The venue's name in tables."""
        return f"{self.market.book.exchange} {self.market.book.symbol}"

    @property
    def charge_rates_bps(self) -> tuple[float | Decimal, ...]:
        """What is charged for a fill, in bps of what it brings: giving join, slippage, variance, receiving join."""
        give, receive = (0.0, 0.0) if self.joins is None else (self.joins.give.cost_bps, self.joins.receive.cost_bps)
        return give, self.hedge.slippage_bps, self.hedge.variance_bps, receive

    def charge(self, amount_out: int) -> int:
        """Base units of `token_out` that bringing `amount_out` costs beyond the amounts; each part is rounded up."""
        return sum(charge_up(amount_out, rate) for rate in self.charge_rates_bps)


Edge = PoolEdge | LadderEdge | FirmEdge | BookEdge
Path = tuple[Edge, ...]
Stock = tuple[str, Address]
"""A stock that edges of one state draw on: `give` or `receive`, seen from the desk, and the token."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a plan has taken so far from one maker, or at one exchange: the state that its edges share.

    `offers` holds what each offer was given and gave. `drawn` is what was drawn of each stock and `stocks` how large
    they are, in base units. A trade the other way does not fill a stock again: nobody promises which leg comes first.
    """

    offers: Mapping[Hashable, tuple[int, int]]
    drawn: Mapping[Stock, int]
    stocks: Mapping[Stock, int]


@dataclass(frozen=True, slots=True)
class Fill:
    """What an edge gives for an amount, and what it is like afterwards.

    `amount_out` is what settles. `charge` is what the fill is expected to cost beyond that, in base units of the edge's
    `token_out`, rounded up: a search subtracts it, a settlement doesn't.
    """

    amount_in: int
    amount_out: int
    gas: int
    next_state: object
    charge: int = 0


@dataclass(frozen=True, slots=True)
class Market:
    """Every edge that an intent may use. `states` holds the moving part of each, by `state_id`."""

    edges: tuple[Edge, ...]
    states: Mapping[str, object] = field(repr=False)

    @classmethod
    def of(cls, edges: Iterable[Edge]) -> "Market":
        """A market whose states are the edges' own."""
        kept = tuple(edges)
        return cls(kept, initial_states(kept))


def initial_states(edges: Iterable[Edge]) -> dict[str, object]:
    """What `fill` starts from, by `state_id`: pools themselves, and for the others nothing taken from their stocks."""
    shared: defaultdict[str, list[LadderEdge | FirmEdge | BookEdge]] = defaultdict(list)
    states: dict[str, object] = {}
    for edge in edges:
        if isinstance(edge, PoolEdge):
            states[edge.state_id] = edge.listed.pool
        else:
            shared[edge.state_id].append(edge)
    states.update({state_id: Taken({}, {}, _stocks(group)) for state_id, group in shared.items()})
    return states


def initial_state(edge: Edge) -> object:
    """What `fill` starts from where the edge is alone; edges that share a state need `initial_states`."""
    return initial_states((edge,))[edge.state_id]


def _stocks(edges: Iterable[LadderEdge | FirmEdge | BookEdge]) -> dict[Stock, int]:
    """The stocks that edges of one state share: the least that any of them states.

    A maker that states no inventory has at least what its deepest ladder shows, or what it has signed for; all its
    ladders together are held to that, since each of them may have been cut from the same inventory.
    """
    stated: dict[Stock, int] = {}
    shown: dict[Stock, int] = {}
    signed: defaultdict[Stock, int] = defaultdict(int)
    for edge in edges:
        stock = ("give", edge.token_out)
        if isinstance(edge, BookEdge):
            _lower(stated, _book_stocks(edge))
        elif isinstance(edge, FirmEdge):
            signed[stock] += edge.quote.maker_amount
        elif edge.ladder.inventory is not None:
            _lower(stated, {stock: _inventory(edge.ladder)})
        else:
            shown[stock] = max(shown.get(stock, 0), ladder_stock(edge.ladder))
    inferred = {stock: max(most, signed[stock]) for stock, most in shown.items()}
    return {**inferred, **stated}


def _lower(known: dict[Stock, int], stated: Mapping[Stock, int]) -> None:
    known.update({stock: min(most, known.get(stock, most)) for stock, most in stated.items()})


def _inventory(ladder: IndicativeLadder) -> int:
    return int(Fraction(ladder.inventory or 0) * 10**ladder.maker_token.decimals)


def _book_stocks(edge: BookEdge) -> dict[Stock, int]:
    if edge.joins is None:
        return {}
    ends = {("give", edge.token_in): edge.joins.give.capacity, ("receive", edge.token_out): edge.joins.receive.capacity}
    return {stock: capacity for stock, capacity in ends.items() if capacity is not None}


def fill(edge: Edge, state: object, amount_in: int, *, lots: bool = True) -> Fill:
    """Sell exactly `amount_in` of the edge's input on `state`, which `initial_states` or an earlier fill gave.

    Without `lots`, a book trades any size, so that a search may pour less than a lot at a time.

    Raises:
        QuoteRefused: more than the edge, its maker's stock or the desk's balance fills, or too little for it.
        StateConflict: a state that is not this edge's.
    """
    if isinstance(edge, PoolEdge):
        pool: Pool = state  # type: ignore[assignment]
        swap = pool.quote_in(edge.token_in, edge.token_out, amount_in)
        if swap.amount_out <= 0:
            raise QuoteRefused(Refusal.ZERO_OUTPUT)
        return Fill(swap.amount_in, swap.amount_out, swap.gas, swap.next_pool)
    if amount_in <= 0:
        raise QuoteRefused(Refusal.ZERO_AMOUNT)
    if not isinstance(state, Taken):
        raise StateConflict(edge.label, "was filled on another edge's state; start from initial_states")
    if isinstance(edge, BookEdge):
        return _book_fill(edge, state, amount_in, lots=lots)
    return _ladder_fill(edge, state, amount_in) if isinstance(edge, LadderEdge) else _firm_fill(edge, state, amount_in)


def _ladder_fill(edge: LadderEdge, state: Taken, amount_in: int) -> Fill:
    """The ladder's next `amount_in`, after all that its maker was given for this token before, by whichever quote."""
    direction = (edge.token_in, edge.token_out)
    given, got = state.offers.get(direction, (0, 0))
    gained = ladder_amount_out(edge.ladder, given + amount_in) - _ladder_out(edge.ladder, given)
    after = _after(
        edge.label, state, {direction: (given + amount_in, got + gained)}, {("give", edge.token_out): gained}
    )
    return _gained(Fill(amount_in, gained, MAKER_FILL_GAS, after))


def _ladder_out(ladder: IndicativeLadder, amount_in: int) -> int:
    try:
        return ladder_amount_out(ladder, amount_in) if amount_in else 0
    except QuoteRefused as refused:
        if refused.reason is Refusal.ZERO_OUTPUT:
            return 0
        raise


def _firm_fill(edge: FirmEdge, state: Taken, amount_in: int) -> Fill:
    quote = edge.quote
    offer, direction = (quote.maker, quote.nonce), (edge.token_in, edge.token_out)
    filled, paid = state.offers.get(offer, (0, 0))
    given, got = state.offers.get(direction, (0, 0))
    total = filled + amount_in
    if total > quote.taker_amount:
        raise QuoteRefused(Refusal.AMOUNT_TOO_LARGE, f"{quote.maker_name} signed for {quote.taker_amount}")
    if total < quote.taker_amount and not quote.partial_fill_allowed:
        raise QuoteRefused(Refusal.BELOW_MINIMUM, f"{quote.maker_name} allows no partial fill")
    gained = quote.maker_amount_for(total) - paid
    offers: dict[Hashable, tuple[int, int]] = {
        offer: (total, paid + gained),
        direction: (given + amount_in, got + gained),
    }
    after = _after(edge.label, state, offers, {("give", edge.token_out): gained})
    return _gained(Fill(amount_in, gained, MAKER_FILL_GAS, after))


def _book_fill(edge: BookEdge, state: Taken, amount_in: int, *, lots: bool) -> Fill:
    offer = (edge.market.book.symbol, edge.token_in)
    given, got = state.offers.get(offer, (0, 0))
    total = given + amount_in
    market = edge.market if lots else edge.market.without_steps()
    total_out = market.amount_out(edge.token_in, total)
    if _exceeds(total, edge.max_in) or _exceeds(total_out, edge.max_out):
        raise QuoteRefused(Refusal.AMOUNT_TOO_LARGE, "more than the desk leaves open off chain")
    draws = {("give", edge.token_in): amount_in, ("receive", edge.token_out): total_out - got}
    after = _after(edge.label, state, {offer: (total, total_out)}, draws)
    return _gained(Fill(amount_in, total_out - got, 0, after, edge.charge(total_out) - edge.charge(got)))


def _after(label: str, state: Taken, offers: Mapping[Hashable, tuple[int, int]], draws: Mapping[Stock, int]) -> Taken:
    """The state with these offers' new totals and these draws. Raises `QuoteRefused` where a stock holds less."""
    drawn = {**state.drawn, **{stock: state.drawn.get(stock, 0) + amount for stock, amount in draws.items()}}
    for stock in draws:
        if _exceeds(drawn[stock], state.stocks.get(stock)):
            left = state.stocks[stock] - state.drawn.get(stock, 0)
            raise QuoteRefused(Refusal.AMOUNT_TOO_LARGE, f"{label} has {left} base units left for that; ask for less")
    return Taken({**state.offers, **offers}, drawn, state.stocks)


def _exceeds(amount: int, limit: int | None) -> bool:
    return limit is not None and amount > limit


def _gained(done: Fill) -> Fill:
    if done.amount_out <= 0:
        raise QuoteRefused(Refusal.ZERO_OUTPUT)
    return done


@dataclass(frozen=True, slots=True)
class Part:
    """One step of an edge between two nodes of the market. `cost` is in base units of the edge's `token_out`.

    `cost_bps` is the rate that the cost was charged at; `capacity` what may pass at most, `None` where it isn't known.
    """

    label: str
    source: AssetAt | Address
    target: AssetAt | Address
    amount_in: int
    amount_out: int
    cost: int = 0
    cost_bps: float = 0.0
    capacity: int | None = None


def parts(edge: Edge, amount_in: int, amount_out: int) -> tuple[Part, ...]:
    """What a fill of these amounts is made of, in order; the costs add up to the charge of an edge filled once."""
    if not isinstance(edge, BookEdge) or edge.joins is None:
        charge = edge.charge(amount_out) if isinstance(edge, BookEdge) else 0
        bps = sum(map(float, edge.charge_rates_bps)) if isinstance(edge, BookEdge) else 0.0
        return (Part(edge.label, edge.token_in, edge.token_out, amount_in, amount_out, charge, bps),)
    give, receive = edge.joins.give, edge.joins.receive
    hedge_bps = edge.hedge.slippage_bps + edge.hedge.variance_bps
    hedge = charge_up(amount_out, edge.hedge.slippage_bps) + charge_up(amount_out, edge.hedge.variance_bps)
    return (
        Part(
            f"balance at {give.target.venue}",
            give.source,
            give.target,
            amount_in,
            amount_in,
            charge_up(amount_out, give.cost_bps),
            float(give.cost_bps),
            give.capacity,
        ),
        Part(edge.label, give.target, receive.source, amount_in, amount_out, hedge, hedge_bps, edge.max_in),
        Part(
            f"transfer from {receive.source.venue}",
            receive.source,
            receive.target,
            amount_out,
            amount_out,
            charge_up(amount_out, receive.cost_bps),
            float(receive.cost_bps),
            receive.capacity,
        ),
    )


def sale_of(edge: Edge, spend: Spend) -> Sale:
    """What decides whether a leg on this edge pays the next one's pool itself."""
    family = edge.listed.key.family if isinstance(edge, PoolEdge) else None
    return Sale(edge.token_in, edge.token_out, spend.kind, family)


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
