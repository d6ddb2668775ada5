"""A paper exchange's matching: our orders against a book that does not know of them.

Owns: the event clock, the account, the orders by client id, and what our own fills took from the book.
Must not: serve HTTP, or sleep: latency moves the event clock, not the caller.

An order meets the book as it is `latency` after it was sent. What it takes stays taken until the feed restates that
price level. Every order is immediate or cancel; fees are in the quote currency. All amounts are exact.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from enum import StrEnum
from threading import Lock
from typing import Protocol

from oms.domain.fills import PublicTrade
from oms.domain.orders import ExchangeOrder, OrderStatus
from oms.domain.plans import Side
from oms.domain.quotes import BookLevel, ExchangeMarket, OrderBook
from oms.liquidity.order_book import BookFill, depth, fill_base

NS = 10**9
_ZERO = Decimal(0)


class Refused(StrEnum):
    """Why an order or a question is refused, in ccxt's names for its exceptions."""

    BAD_SYMBOL = "BadSymbol"
    INVALID_ORDER = "InvalidOrder"
    INSUFFICIENT_FUNDS = "InsufficientFunds"
    ORDER_NOT_FOUND = "OrderNotFound"


class OrderRefused(Exception):
    """The exchange's no; nothing was filled."""

    def __init__(self, code: Refused, message: str) -> None:
        self.code = code
        super().__init__(message)


class BookFeed(Protocol):
    """A book that moves by itself, or stands still. Times in nanoseconds of the feed's own clock."""

    now_ns: int
    touched: set[tuple[Side, Decimal]]
    tape: deque[PublicTrade]

    @property
    def latest(self) -> int: ...

    @property
    def source(self) -> str: ...

    def advance_to(self, instant_ns: int) -> None: ...

    def levels(self) -> tuple[tuple[BookLevel, ...], tuple[BookLevel, ...]]: ...


@dataclass(slots=True)
class StillFeed:
    """A book that never changes by itself, such as a generated one."""

    book: OrderBook
    now_ns: int
    touched: set[tuple[Side, Decimal]] = field(default_factory=set)
    tape: deque[PublicTrade] = field(default_factory=lambda: deque(maxlen=1_000))

    @property
    def latest(self) -> int:
        """The book's own sequence."""
        return self.book.sequence

    @property
    def source(self) -> str:
        """What the book says of itself."""
        return self.book.source

    def advance_to(self, instant_ns: int) -> None:
        """Only the clock moves."""
        self.now_ns = max(self.now_ns, instant_ns)

    def levels(self) -> tuple[tuple[BookLevel, ...], tuple[BookLevel, ...]]:
        """Bids and asks, best first."""
        return self.book.bids, self.book.asks


@dataclass(frozen=True, slots=True)
class PaperOrder:
    """An order and all that will ever come of it, since none rests."""

    venue_order_id: str
    order: ExchangeOrder
    status: OrderStatus
    fill: BookFill | None
    timestamp_ms: int
    refusal: OrderRefused | None = None

    @property
    def filled(self) -> Decimal:
        """Base units filled."""
        return self.fill.base_amount if self.fill else _ZERO


class PaperEngine:
    """One symbol, one account. Thread-safe.

    `speed` is how many seconds the event clock runs per second of `monotonic_ns`; 0 stops the book where it is.
    """

    def __init__(
        self,
        feed: BookFeed,
        market: ExchangeMarket,
        *,
        balances: Mapping[str, Decimal],
        latency_ns: int,
        speed: float,
        monotonic_ns: Callable[[], int],
    ) -> None:
        self.market = market
        self.balances = {market.base: _ZERO, market.quote: _ZERO, **balances}
        self._feed = feed
        self._latency_ns = latency_ns
        self._speed = speed
        self._monotonic_ns = monotonic_ns
        self._opened = (feed.now_ns, monotonic_ns())
        self._taken: dict[tuple[Side, Decimal], Decimal] = {}
        self._orders: dict[str, PaperOrder] = {}
        self._lock = Lock()

    def order_book(self, symbol: str) -> tuple[OrderBook, int]:
        """The book less what our fills took, and the event time in milliseconds. Raises `OrderRefused`."""
        with self._lock, localcontext(prec=100):
            self._listed(symbol)
            self._run_clock()
            return self._book(), self._feed.now_ns // 10**6

    def trades(self, symbol: str) -> tuple[PublicTrade, ...]:
        """The tape, the market's and ours, oldest first. Raises `OrderRefused`."""
        with self._lock:
            self._listed(symbol)
            self._run_clock()
            return tuple(self._feed.tape)

    def order(self, client_order_id: str) -> PaperOrder:
        """What became of an order. Raises `OrderRefused` for an id never seen."""
        with self._lock:
            if client_order_id not in self._orders:
                raise OrderRefused(Refused.ORDER_NOT_FOUND, f"no order has the clientOrderId {client_order_id}")
            return self._orders[client_order_id]

    def submit(self, order: ExchangeOrder) -> PaperOrder:
        """Match once per client id; the same order again returns what came of it. Raises `OrderRefused`."""
        with self._lock, localcontext(prec=100):
            known = self._orders.get(order.client_order_id)
            if known is None:
                known = self._orders[order.client_order_id] = self._decide(order)
            elif known.order != order:
                raise OrderRefused(Refused.INVALID_ORDER, f"clientOrderId {order.client_order_id} is another order's")
            if known.refusal is not None:
                raise known.refusal
            return known

    def _decide(self, order: ExchangeOrder) -> PaperOrder:
        self._run_clock()
        self._feed.advance_to(self._feed.now_ns + self._latency_ns)
        self._forget_restated()
        venue_id, stamp = str(len(self._orders) + 1), self._feed.now_ns // 10**6
        try:
            fill = self._match(order)
        except OrderRefused as refusal:
            return PaperOrder(venue_id, order, OrderStatus.REJECTED, None, stamp, refusal)
        if fill is None:
            return PaperOrder(venue_id, order, OrderStatus.CANCELED, None, stamp)
        self._settle(fill, venue_id, stamp)
        whole = fill.base_amount == order.amount
        return PaperOrder(venue_id, order, OrderStatus.CLOSED if whole else OrderStatus.CANCELED, fill, stamp)

    def _match(self, order: ExchangeOrder) -> BookFill | None:
        """What the order takes, `None` for nothing. Raises `OrderRefused`."""
        book = self._book()
        self._listed(order.symbol)
        self._check(order, book)
        sides = {Side.SELL: book.bids, Side.BUY: book.asks}
        reachable = tuple(level for level in sides[order.side] if _within(level.price, order))
        amount = min(order.amount, depth(reachable))
        if amount < (self.market.size_step or order.amount) or not amount:
            return None
        book = replace(book, bids=reachable, asks=reachable)
        fill = fill_base(book, replace(self.market, min_notional=_ZERO), side=order.side, base_amount=amount)
        self._check_funds(fill)
        return fill

    def _check(self, order: ExchangeOrder, book: OrderBook) -> None:
        market = self.market
        if order.amount <= 0 or (market.size_step and order.amount % market.size_step):
            raise OrderRefused(Refused.INVALID_ORDER, f"amount must be a multiple of {market.size_step:f} above zero")
        price = order.limit_price
        if price is not None and (price <= 0 or (market.price_step and price % market.price_step)):
            raise OrderRefused(Refused.INVALID_ORDER, f"price must be a multiple of {market.price_step:f} above zero")
        best = (book.bids if order.side is Side.SELL else book.asks)[:1]
        reference = price or (best[0].price if best else _ZERO)
        if order.amount * reference < market.min_notional:
            raise OrderRefused(Refused.INVALID_ORDER, f"notional is below the minimum of {market.min_notional:f}")

    def _check_funds(self, fill: BookFill) -> None:
        selling = fill.side is Side.SELL
        currency = self.market.base if selling else self.market.quote
        needed = fill.base_amount if selling else fill.net_quote
        if self.balances[currency] < needed:
            raise OrderRefused(
                Refused.INSUFFICIENT_FUNDS, f"needs {needed:f} {currency}, holds {self.balances[currency]:f}"
            )

    def _settle(self, fill: BookFill, venue_id: str, stamp: int) -> None:
        sign = 1 if fill.side is Side.BUY else -1
        self.balances[self.market.base] += sign * fill.base_amount
        self.balances[self.market.quote] -= sign * fill.net_quote
        for rank, level in enumerate(fill.levels):
            key = (fill.side, level.price)
            self._taken[key] = self._taken.get(key, _ZERO) + level.size
            trade_id = f"{venue_id}-{rank}"
            self._feed.tape.append(PublicTrade(trade_id, self.market.symbol, fill.side, level.price, level.size, stamp))

    def _book(self) -> OrderBook:
        bids, asks = self._feed.levels()
        return OrderBook(
            exchange=self.market.exchange,
            symbol=self.market.symbol,
            bids=self._left(bids, Side.SELL),
            asks=self._left(asks, Side.BUY),
            sequence=self._feed.latest + len(self._orders),
            received_at=self._feed.now_ns / NS,
            source=self._feed.source,
        )

    def _left(self, levels: tuple[BookLevel, ...], taker: Side) -> tuple[BookLevel, ...]:
        left = (BookLevel(level.price, level.size - self._taken.get((taker, level.price), _ZERO)) for level in levels)
        return tuple(level for level in left if level.size > 0)

    def _run_clock(self) -> None:
        start, since = self._opened
        elapsed = round((self._monotonic_ns() - since) * self._speed)
        if self._speed and start + elapsed > self._feed.now_ns:
            self._feed.advance_to(start + elapsed)
        self._forget_restated()

    def _forget_restated(self) -> None:
        for key in self._feed.touched:
            self._taken.pop(key, None)
        self._feed.touched.clear()

    def _listed(self, symbol: str) -> None:
        if symbol != self.market.symbol:
            raise OrderRefused(Refused.BAD_SYMBOL, f"{symbol[:40]} is not listed; {self.market.symbol} is")


def _within(price: Decimal, order: ExchangeOrder) -> bool:
    if order.limit_price is None:
        return True
    return price >= order.limit_price if order.side is Side.SELL else price <= order.limit_price
