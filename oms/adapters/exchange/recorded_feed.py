"""Replaying a recorded Binance futures feed: one gzipped line per message, `<local ns> <websocket json>`.

Owns: reading no more of the file than the asked instant needs, and keeping a book as the exchange's rules say.
Must not: match orders, or pass a gap off as a book.
Source: Binance USDⓈ-M futures, "How to manage a local order book correctly": start at the depth snapshot, drop updates
that end before it (those that do not may come ahead of it), and then each update's `pu` is the last one's `u`. Between
depth updates the best bid and ask come from `bookTicker`, laid over the book and never merged into it: a level that the
ticker hides for a moment may come back without a depth update saying so.
"""

import gzip
import json
from bisect import insort
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from oms.domain.fills import PublicTrade
from oms.domain.plans import Side
from oms.domain.quotes import BookLevel, OrderBook
from oms.errors import InvalidRequest, Terminal

NS = 10**9
TAPE_LENGTH = 1_000

Message = Mapping[str, Any]


@dataclass(slots=True)
class _SideOfBook:
    """Sizes by price, and the prices in ascending order."""

    sizes: dict[Decimal, Decimal]
    prices: list[Decimal]

    def put(self, price: Decimal, size: Decimal) -> None:
        known = price in self.sizes
        if size:
            self.sizes[price] = size
            if not known:
                insort(self.prices, price)
        elif known:
            del self.sizes[price]
            self.prices.remove(price)


@dataclass(frozen=True, slots=True)
class _Ticker:
    """The best bid and ask after update `sequence`."""

    sequence: int
    bid: BookLevel
    ask: BookLevel


class RecordedFeed:
    """A feed replayed forward only. It opens at its depth snapshot; `advance_to` moves it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.symbol = ""
        self.sequence = 0
        self.now_ns = 0
        self.touched: set[tuple[Side, Decimal]] = set()
        """Levels restated since somebody last cleared this, by the side that would take them."""
        self.tape: deque[PublicTrade] = deque(maxlen=TAPE_LENGTH)
        self._bids = _SideOfBook({}, [])
        self._asks = _SideOfBook({}, [])
        self._ticker: _Ticker | None = None
        self._messages = _messages(path)
        self._next: tuple[int, Message] | None = None
        self._open()
        self.opened_ns = self.now_ns

    def advance_to(self, instant_ns: int) -> None:
        """Apply everything recorded up to `instant_ns` of the recorder's clock; past the end the book stands still."""
        while self._next is not None and self._next[0] <= instant_ns:
            stamp, message = self._next
            self._apply(message.get("data", message))
            self.now_ns = stamp
            self._next = next(self._messages, None)
        self.now_ns = max(self.now_ns, instant_ns)

    def levels(self) -> tuple[tuple[BookLevel, ...], tuple[BookLevel, ...]]:
        """Bids and asks, best first."""
        bids = [BookLevel(price, self._bids.sizes[price]) for price in reversed(self._bids.prices)]
        asks = [BookLevel(price, self._asks.sizes[price]) for price in self._asks.prices]
        ticker = self._ticker
        if ticker is not None and ticker.sequence > self.sequence:
            bids = [ticker.bid, *(level for level in bids if level.price < ticker.bid.price)]
            asks = [ticker.ask, *(level for level in asks if level.price > ticker.ask.price)]
        return tuple(bids), tuple(asks)

    @property
    def latest(self) -> int:
        """The newest update number that the levels contain."""
        return max(self.sequence, self._ticker.sequence if self._ticker else 0)

    @property
    def source(self) -> str:
        """What this book is, for people."""
        moment = datetime.fromtimestamp(self.now_ns // NS, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
        milliseconds = self.now_ns // 10**6 % 1000
        return f"recorded, Binance {self.symbol} perpetual, {moment}.{milliseconds:03d} UTC"

    def _open(self) -> None:
        early: list[Message] = []
        for stamp, message in self._messages:
            data = message.get("data", message)
            self.symbol = data.get("s", self.symbol)
            if "lastUpdateId" not in data:
                early.append(data)
                continue
            self._snapshot(data)
            for update in early:
                self._apply(update)
            self.touched.clear()
            self.now_ns = stamp
            self._next = next(self._messages, None)
            return
        raise Terminal("feed", f"{self.path.name} holds no depth snapshot; use another recording")

    def _snapshot(self, data: Message) -> None:
        for side, levels in ((self._bids, data["bids"]), (self._asks, data["asks"])):
            for price, size in levels:
                side.put(Decimal(price), Decimal(size))
        self.sequence = data["lastUpdateId"]

    def _apply(self, data: Message) -> None:
        kind = data.get("e")
        if kind == "depthUpdate":
            self._update(data)
        elif kind == "bookTicker":
            self._tick(data)
        elif kind == "trade":
            self.tape.append(_trade(data))

    def _update(self, data: Message) -> None:
        if data["u"] <= self.sequence:
            return
        if data["pu"] != self.sequence and not data["U"] <= self.sequence <= data["u"]:
            raise Terminal("feed", f"{self.path.name} has a gap before update {data['u']}; choose an earlier instant")
        for taker, side, levels in ((Side.SELL, self._bids, data["b"]), (Side.BUY, self._asks, data["a"])):
            for text, size in levels:
                price = Decimal(text)
                side.put(price, Decimal(size))
                self.touched.add((taker, price))
        self.sequence = data["u"]

    def _tick(self, data: Message) -> None:
        bid, ask = (BookLevel(Decimal(data[p]), Decimal(data[s])) for p, s in (("b", "B"), ("a", "A")))
        before = self._ticker
        self._ticker = _Ticker(data["u"], bid, ask)
        if before is None or before.bid != bid:
            self.touched.add((Side.SELL, bid.price))
        if before is None or before.ask != ask:
            self.touched.add((Side.BUY, ask.price))


def recorded_book(
    path: Path, *, at_seconds: float = 0.0, exchange: str = "paper", symbol: str = "ETH/USDT"
) -> OrderBook:
    """The recorded book `at_seconds` after the feed's opening snapshot, under the given names.

    `received_at` is the recorder's own time. Raises `InvalidRequest` for a missing file, `Terminal` for a broken one.
    """
    feed = open_feed(path)
    feed.advance_to(feed.opened_ns + round(at_seconds * NS))
    bids, asks = feed.levels()
    return OrderBook(exchange, symbol, bids, asks, feed.latest, feed.now_ns / NS, feed.source)


def open_feed(path: Path) -> RecordedFeed:
    """The feed at its opening snapshot. Raises `InvalidRequest` for a missing file, `Terminal` for a broken one."""
    try:
        return RecordedFeed(path)
    except FileNotFoundError as error:
        raise InvalidRequest("feed", f"{path} does not exist; set OMS_DATA or use a generated book") from error
    except (OSError, EOFError, KeyError, ValueError, ArithmeticError) as error:
        raise Terminal("feed", f"{path} cannot be read as a recorded feed ({type(error).__name__})") from error


def _messages(path: Path) -> Iterator[tuple[int, Message]]:
    with gzip.open(path, "rb") as lines:
        for line in lines:
            stamp, _, text = line.partition(b" ")
            yield int(stamp), json.loads(text)


def _trade(data: Message) -> PublicTrade:
    side = Side.SELL if data["m"] else Side.BUY  # m: the buyer was the maker
    return PublicTrade(str(data["t"]), data["s"], side, Decimal(data["p"]), Decimal(data["q"]), data["T"])
