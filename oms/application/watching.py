"""Watching a pair: what every venue pays for a size both ways, block by block, with only what changed quoted again.

Owns: the prices and depths of each venue, the best route over the pools both ways, and when to look again.
Must not: print, sleep by itself, or let a silent venue end the watch. A maker's ladder and a book are polled beside the
chain; the routes are over the pools, whose prices hold for a block.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from oms.application.following import Follower, Step
from oms.application.market_view import ExchangeListing, MarketView, SilentVenue
from oms.application.quoting import as_transaction, gas_in_output, routed
from oms.domain.block import BlockPin
from oms.domain.plans import Intent, Side
from oms.domain.token import Token
from oms.errors import BeyondKnownRange, OmsError, QuoteRefused, VenueError
from oms.liquidity.listing import ListedPool, PoolSnapshot
from oms.liquidity.pool import Swap
from oms.liquidity.price_response import NEVER
from oms.ports.clock import Clock
from oms.ports.makers import Maker
from oms.routing.book_market import BookMarket
from oms.routing.edge_response import edge_response
from oms.routing.gas_model import GasTerms, TokenGas
from oms.routing.market import BookEdge, Edge, LadderEdge, PoolEdge, edges_of, fill, initial_states
from oms.routing.prepared import PreparedMarket
from oms.routing.route import RouteTerms
from oms.routing.single_paths import input_for
from oms.units import BPS, Address, Wei

DEPTHS_BPS = (10, 50)
"""Falls of the marginal price at which depth is told."""
MAX_WIDENINGS = 8
MAX_NOTES = 6
NOTHING = Wei(0)


@dataclass(frozen=True, slots=True)
class Pair:
    """What is watched: `size` base units of `base`, priced in `quote`, over routes through `tokens`."""

    base: Token
    quote: Token
    size: int
    tokens: tuple[Token, ...]
    wrapped_native: Address
    max_hops: int = 3
    priority_fee_wei: Wei = NOTHING
    token_gas: Mapping[Address, TokenGas] = field(default_factory=dict)

    def price(self, quote_raw: float, base_raw: float) -> float:
        """Whole quote tokens per whole base token."""
        return quote_raw / base_raw * 10.0 ** (self.base.decimals - self.quote.decimals)

    def whole(self, base_raw: float) -> float:
        """Whole base tokens."""
        return float(base_raw) / 10.0**self.base.decimals


@dataclass(frozen=True, slots=True)
class VenuePrices:
    """One venue for the watched size: what selling it brings and buying it costs, quote per base, fees included.

    `depths` are whole base tokens that can be sold, and bought, until the marginal price has moved by each of
    `DEPTHS_BPS`. `mid` is between the two marginal prices; `change_bps` how far it moved with the last block (a pool's)
    or since the last look. A side is None where the size is refused.
    """

    venue: str
    kind: str
    bid: float | None
    ask: float | None
    depths: tuple[tuple[float, float], ...]
    mid: float | None
    change_bps: float | None = None

    @property
    def spread_bps(self) -> float | None:
        """Between the two sides, of their middle."""
        if self.bid is None or self.ask is None or self.bid + self.ask <= 0:
            return None
        return (self.ask - self.bid) / (self.ask + self.bid) * 2 * BPS


@dataclass(frozen=True, slots=True)
class RoutePrice:
    """The best route over the pools one way: its price net of gas, and its proof; or why there is none."""

    side: Side
    price: float | None
    legs: int = 0
    gap_bps: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Sight:
    """One look. `requoted` counts the pools quoted anew, `notes` say what was not ordinary since the last look.

    `age_seconds` is the block's age by the machine's clock; it and the counts make no news.
    """

    block: BlockPin
    pools: tuple[VenuePrices, ...]
    beside: tuple[VenuePrices, ...]
    routes: tuple[RoutePrice, ...]
    silent: tuple[SilentVenue, ...]
    notes: tuple[str, ...]
    age_seconds: float = field(compare=False)
    requoted: int = field(compare=False)
    changed: int = field(compare=False)
    reorg_depth: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class WatchBounds:
    """When to end, whichever comes first; and how long to wait between looks."""

    interval_seconds: float
    looks: int | None = None
    blocks: int | None = None
    seconds: float | None = None


class Watch:
    """A pair on one chain with whoever else answers. Not for several threads at once."""

    def __init__(
        self,
        follower: Follower,
        pair: Pair,
        *,
        makers: Sequence[Maker] = (),
        listings: Sequence[ExchangeListing] = (),
        clock: Clock,
    ) -> None:
        self._follower, self._pair, self._clock = follower, pair, clock
        self._makers, self._listings = tuple(makers), tuple(listings)
        self._market: PreparedMarket | None = None
        self._prices: dict[str, VenuePrices] = {}
        self._beside: dict[str, VenuePrices] = {}
        self._routes: tuple[RoutePrice, ...] = ()
        self._block: BlockPin | None = None
        self._requoted = 0

    def look(self) -> Sight:
        """Go to the newest block, ask the others, and price what changed.

        Raises `VenueError` where the node has never answered; later its silence is a note.
        """
        self._requoted = 0
        try:
            step = self._follower.advance()
        except VenueError as error:
            if self._block is None:
                raise
            step = Step(self._block, {}, notes=(f"the node gave no new block: {error}",))
        else:
            self._take(step)
        beside, silent = self._ask()
        return Sight(
            step.block,
            tuple(sorted(self._prices.values(), key=_best_first)),
            beside,
            self._routes,
            silent,
            _notes(step),
            age_seconds=self._clock.now() - step.block.timestamp,
            requoted=self._requoted,
            changed=len(step.changed_pool_ids),
            reorg_depth=step.reorg_depth,
        )

    def _take(self, step: Step) -> None:
        """Bring market, prices and routes to the step's block; what didn't change is kept."""
        before, self._block = self._block, step.block
        pools = {listed.key.pool_id: listed for listed in self._follower.snapshot.pools}
        if self._market is None or step.removed or not step.changed.keys() <= self._known():
            self._market = PreparedMarket.of(edges_of(pools.values(), self._addresses()))
        elif step.changed:
            self._market = self._market.with_pools(step.changed)
        for pool_id in step.removed:
            self._prices.pop(pool_id, None)
        stale = pools if before is None else step.changed
        for pool_id, old in self._prices.items():  # nothing moved here with this block
            if pool_id not in stale and before is not None and before.hash != step.block.hash:
                self._prices[pool_id] = replace(old, change_bps=0.0)
        for listed in stale.values():
            self._price(listed)
        if before is None or before.hash != step.block.hash or step.changed_pool_ids:
            self._routes = tuple(self._route(side) for side in (Side.SELL, Side.BUY))

    def _known(self) -> set[str]:
        return set() if self._market is None else {edge.state_id for edge in self._market.edges}

    def _addresses(self) -> list[Address]:
        return [token.address for token in self._pair.tokens]

    def _price(self, listed: ListedPool) -> None:
        pair, pool_id = self._pair, listed.key.pool_id
        if not {pair.base.address, pair.quote.address} <= set(listed.key.tokens):
            return
        listed = self._widened(listed)
        sell = PoolEdge(listed, pair.base.address, pair.quote.address)
        back = PoolEdge(listed, pair.quote.address, pair.base.address)
        self._prices[pool_id] = _prices(pair, "pool", sell, back, self._prices.get(pool_id))
        self._requoted += 1

    def _widened(self, listed: ListedPool) -> ListedPool:
        """The pool with enough ticks known for the size, as far as the node can give them."""
        pair = self._pair
        for _ in range(MAX_WIDENINGS):
            token_in = _beyond(listed, pair)
            if token_in is None:
                break
            try:
                wider = self._follower.widen(listed.key.pool_id, zero_for_one=listed.key.tokens[0] == token_in)
            except OmsError:
                break
            if wider is listed:
                break
            listed = wider
            if self._market is not None:
                self._market = self._market.with_pools({listed.key.pool_id: listed})
        return listed

    def _route(self, side: Side) -> RoutePrice:
        """The best route over the pools at this block, net of gas."""
        pair, market, block = self._pair, self._market, self._block
        if market is None or block is None:
            return RoutePrice(side, None, reason="no block yet")
        given, got = (pair.base, pair.quote) if side is Side.SELL else (pair.quote, pair.base)
        gas_price = Wei(block.base_fee_wei + pair.priority_fee_wei)
        view = MarketView(PoolSnapshot(block, ()), (), (), (), gas_price, 0.0, token_gas=pair.token_gas)
        gas_cost = gas_in_output(market, view, pair.wrapped_native, got.address)
        try:
            found = routed(market, Intent(side, given, got, pair.size), RouteTerms(gas_cost, pair.max_hops))
        except QuoteRefused as refused:
            return RoutePrice(side, None, reason=str(refused))
        found = as_transaction(found, market, gas_cost, GasTerms(token_gas=pair.token_gas))
        plan, proof = found.allocation, found.certificate
        if side is Side.SELL:
            price = pair.price(plan.net_out, pair.size)
        else:
            price = pair.price(plan.amount_in * (1 + (plan.amount_out - plan.net_out) / plan.amount_out), pair.size)
        return RoutePrice(side, price, len(plan.legs), proof.gap_bps, proof.reason)

    def _ask(self) -> tuple[tuple[VenuePrices, ...], tuple[SilentVenue, ...]]:
        """Every maker and exchange at once; who gives no price now is named."""
        asks: list[tuple[str, Callable[[], VenuePrices]]] = [
            *((maker.name, lambda maker=maker: self._maker(maker)) for maker in self._makers),
            *((item.exchange.name, lambda item=item: self._book(item)) for item in self._listings),
        ]
        if not asks:
            return (), ()
        with ThreadPoolExecutor(max_workers=len(asks)) as threads:
            answers = list(threads.map(lambda ask: _asked(*ask), asks))
        priced = tuple(answer for answer in answers if isinstance(answer, VenuePrices))
        self._beside = {prices.venue: prices for prices in priced}
        return priced, tuple(answer for answer in answers if isinstance(answer, SilentVenue))

    def _maker(self, maker: Maker) -> VenuePrices:
        pair = self._pair
        sell = LadderEdge(maker.ladder(pair.base, pair.quote), pair.base.address, pair.quote.address)
        back = LadderEdge(maker.ladder(pair.quote, pair.base), pair.quote.address, pair.base.address)
        return _prices(pair, "maker", sell, back, self._beside.get(sell.label))

    def _book(self, listing: ExchangeListing) -> VenuePrices:
        pair, exchange = self._pair, listing.exchange
        rules, book = exchange.market(listing.symbol), exchange.order_book(listing.symbol)
        market = BookMarket(book, rules, listing.base, listing.quote)
        sell = BookEdge(market, pair.base.address, pair.quote.address)
        back = BookEdge(market, pair.quote.address, pair.base.address)
        return _prices(pair, "book", sell, back, self._beside.get(sell.label))


def _asked(venue: str, ask: Callable[[], VenuePrices]) -> VenuePrices | SilentVenue:
    try:
        return ask()
    except OmsError as error:
        return SilentVenue(venue, str(error))


def _prices(pair: Pair, kind: str, sell: Edge, back: Edge, before: VenuePrices | None) -> VenuePrices:
    """Both sides of one venue for the size, its depths and its middle."""
    responses = edge_response(sell), edge_response(back)
    mid = None
    if all(response.log_price > NEVER for response in responses):
        half = (responses[0].log_price - responses[1].log_price) / 2.0
        mid = math.exp(half) * 10.0 ** (pair.base.decimals - pair.quote.decimals)
    depths = tuple(
        (pair.whole(responses[0].at(fall).amount_in), pair.whole(responses[1].at(fall).amount_out))
        for fall in (-math.log1p(-bps / BPS) for bps in DEPTHS_BPS)
    )
    change = None
    if before is not None and before.mid and mid is not None:
        change = (mid / before.mid - 1.0) * BPS
    return VenuePrices(sell.label, kind, _bid(pair, sell), _ask(pair, back), depths, mid, change)


def _bid(pair: Pair, sell: Edge) -> float | None:
    try:
        done = fill(sell, initial_states((sell,))[sell.state_id], pair.size)
    except (QuoteRefused, ArithmeticError):
        return None
    return pair.price(done.amount_out, pair.size)


def _ask(pair: Pair, back: Edge) -> float | None:
    try:
        if isinstance(back, PoolEdge):
            given = back.listed.pool.quote_out(back.token_in, back.token_out, pair.size).amount_in
        else:
            given = input_for(initial_states((back,)), (back,), pair.size)
    except (QuoteRefused, ArithmeticError):
        return None
    return pair.price(given, pair.size)


def _beyond(listed: ListedPool, pair: Pair) -> Address | None:
    """The token with which the size would leave the pool's known range, one way or the other."""
    base, quote = pair.base.address, pair.quote.address
    pool = listed.pool
    asks: list[tuple[Address, Callable[[], Swap]]] = [
        (base, lambda: pool.quote_in(base, quote, pair.size)),
        (quote, lambda: pool.quote_out(quote, base, pair.size)),
    ]
    for token_in, ask in asks:
        try:
            ask()
        except BeyondKnownRange:
            return token_in
        except (QuoteRefused, ArithmeticError):
            continue
    return None


def _best_first(prices: VenuePrices) -> tuple[float, str]:
    return (-(prices.bid or 0.0), prices.venue)


def _notes(step: Step) -> tuple[str, ...]:
    """What a person should know of a step, in a few lines."""
    found = []
    if step.reorg_depth:
        found.append(f"reorganisation: {step.reorg_depth} blocks undone")
    if step.anew and step.reorg_depth:
        found.append("everything was read anew")
    if step.blocks > 1:
        found.append(f"{step.blocks} blocks at once")
    if step.reloaded:
        found.append(f"{len(step.reloaded)} pools read again")
    found += [f"quarantined {lost.venue} {lost.pool_id[:10]}: {lost.reason}" for lost in step.quarantined]
    if step.removed:
        found.append(f"{len(step.removed)} pools can't be quoted now")
    found += step.notes
    more = len(found) - MAX_NOTES
    return tuple(found) if more <= 0 else (*found[:MAX_NOTES], f"and {more} more notes")


def sights(watch: Watch, bounds: WatchBounds, *, clock: Clock, wait: Callable[[float], object]) -> Iterator[Sight]:
    """Looks until a bound is met; between two, `wait` is called with at most the interval's seconds."""
    began, looks, blocks, last = clock.now(), 0, 0, ""
    while True:
        sight = watch.look()
        looks += 1
        blocks += sight.block.hash != last
        last = sight.block.hash
        yield sight
        left = math.inf if bounds.seconds is None else began + bounds.seconds - clock.now()
        if left <= 0 or looks == bounds.looks or (bounds.blocks is not None and blocks >= bounds.blocks):
            return
        wait(min(bounds.interval_seconds, left))
