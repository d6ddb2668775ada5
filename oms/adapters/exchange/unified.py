"""Reading ccxt's unified shapes into our types, strictly, and writing them.

Owns: the only place where an exchange's words become the core's. Numbers may be `Decimal`, int, text or float; a float
is read by its shortest decimal form, which is what the exchange sent wherever that has at most 15 digits.
Must not: ask anybody, or pass on what is no sane market: NaN, zero, unsorted, crossed, empty; each is `Terminal`.
Source of the shapes: ccxt's manual (order book, trade, order, balance and market structures).
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from oms.domain.balances import ExchangeBalance
from oms.domain.fills import ExchangeFill, PublicTrade
from oms.domain.orders import ExchangeOrderReport, OrderStatus
from oms.domain.plans import Side
from oms.domain.quotes import BookLevel, ExchangeMarket, OrderBook
from oms.errors import Terminal

Raw = Any
"""A unified structure as it came; every field is checked on reading."""

_STATUS = {
    "open": OrderStatus.OPEN,
    "closed": OrderStatus.CLOSED,
    "canceled": OrderStatus.CANCELED,
    "expired": OrderStatus.CANCELED,
    "rejected": OrderStatus.REJECTED,
}
_MAX_DIGITS = 60


def read_number(value: Raw, *, venue: str, what: str) -> Decimal:
    """A finite number exactly as given. Raises `Terminal`."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float | str):
        raise Terminal(venue, f"{what}: expected a number, got {value!r:.40}; do not trade there")
    try:
        number = value if isinstance(value, Decimal) else Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > _MAX_DIGITS or len(number.as_tuple().digits) > _MAX_DIGITS:
        raise Terminal(venue, f"{what}: expected a number, got {value!r:.40}; do not trade there")
    return number


def read_positive(value: Raw, *, venue: str, what: str) -> Decimal:
    """A number above zero. Raises `Terminal`."""
    number = read_number(value, venue=venue, what=what)
    if number <= 0:
        raise Terminal(venue, f"{what}: {number} is not above zero; do not trade there")
    return number


def read_order_book(
    raw: Raw, *, exchange: str, symbol: str, received_at: float, source: str, request_seconds: float | None = None
) -> OrderBook:
    """A book with both sides, sorted, uncrossed. `nonce`, else `timestamp`, becomes the sequence. Raises `Terminal`.

    Times as measured by the caller's clock; a request that seems to end before it began was not measured.
    """
    fields = _mapping(raw, exchange, "order book")
    if fields.get("symbol") not in (None, symbol):
        raise Terminal(exchange, f"sent the book of {fields.get('symbol')!r:.40} for {symbol}; book refused")
    bids, asks = (_levels(fields.get(side), exchange, f"{symbol} {side}") for side in ("bids", "asks"))
    for side, levels, descending in (("bids", bids, True), ("asks", asks, False)):
        if any((a.price <= b.price) if descending else (a.price >= b.price) for a, b in pairwise(levels)):
            raise Terminal(exchange, f"{symbol} {side} are not sorted best first; book refused")
    if bids[0].price >= asks[0].price:
        raise Terminal(exchange, f"{symbol} is crossed: bid {bids[0].price} ≥ ask {asks[0].price}; book refused")
    sequence = next((value for key in ("nonce", "timestamp") if isinstance(value := fields.get(key), int)), 0)
    measured = request_seconds if request_seconds is not None and request_seconds >= 0 else None
    return OrderBook(exchange, symbol, bids, asks, sequence, received_at, source, measured)


def read_trade(raw: Raw, *, exchange: str, symbol: str) -> PublicTrade:
    """One print of the tape. Raises `Terminal`."""
    fields = _mapping(raw, exchange, "trade")
    return PublicTrade(
        trade_id=str(fields.get("id") or ""),
        symbol=symbol,
        side=_side(fields.get("side"), exchange),
        price=read_positive(fields.get("price"), venue=exchange, what="trade price"),
        amount=read_positive(fields.get("amount"), venue=exchange, what="trade amount"),
        timestamp_ms=_integer(fields.get("timestamp"), exchange, "trade timestamp"),
    )


def read_market(raw: Raw, *, exchange: str, symbol: str, step_precision: bool) -> ExchangeMarket:
    """A symbol's rules. `step_precision`: whether `precision` holds steps rather than counts of decimals.

    A taker's fee that the exchange leaves out is refused, not taken for zero. Raises `Terminal`.
    """
    fields = _mapping(raw, exchange, "market")
    precision = _mapping(fields.get("precision"), exchange, "market precision")
    limits = fields.get("limits") if isinstance(fields.get("limits"), Mapping) else {}
    cost = limits.get("cost") if isinstance(limits, Mapping) else None
    minimum = cost.get("min") if isinstance(cost, Mapping) else None
    return ExchangeMarket(
        exchange=exchange,
        symbol=symbol,
        base=_text(fields.get("base"), exchange, "base"),
        quote=_text(fields.get("quote"), exchange, "quote"),
        price_step=_step(precision.get("price"), exchange, "price step", step_precision),
        size_step=_step(precision.get("amount"), exchange, "size step", step_precision),
        min_notional=Decimal(0) if minimum is None else read_number(minimum, venue=exchange, what="minimum notional"),
        taker_fee=_fee_rate(fields.get("taker"), exchange),
    )


def read_order(raw: Raw, *, exchange: str) -> ExchangeOrderReport:
    """An order with its trades, whose sum must be what the order says it filled. Raises `Terminal`."""
    fields = _mapping(raw, exchange, "order")
    client_id = _text(fields.get("clientOrderId"), exchange, "clientOrderId")
    venue_id = str(fields.get("id") or "")
    status = _STATUS.get(str(fields.get("status")))
    if status is None:
        raise Terminal(exchange, f"order {client_id} has the unknown status {fields.get('status')!r:.40}; ask them")
    trades = fields.get("trades") or []
    if not isinstance(trades, Sequence) or isinstance(trades, str):
        raise Terminal(exchange, f"order {client_id} has no list of trades; ask them")
    fills = tuple(_fill(trade, exchange, client_id, venue_id) for trade in trades)
    filled = read_number(fields.get("filled"), venue=exchange, what="filled")
    amount = read_positive(fields.get("amount"), venue=exchange, what="amount")
    if sum((fill.amount for fill in fills), Decimal(0)) != filled or not 0 <= filled <= amount:
        raise Terminal(exchange, f"order {client_id}: its trades do not add up to {filled} filled; ask them")
    average = fields.get("average")
    return ExchangeOrderReport(
        exchange=exchange,
        client_order_id=client_id,
        venue_order_id=venue_id,
        symbol=_text(fields.get("symbol"), exchange, "symbol"),
        side=_side(fields.get("side"), exchange),
        status=status,
        amount=amount,
        filled=filled,
        average_price=None if average is None else read_positive(average, venue=exchange, what="average"),
        fills=fills,
        reason=_reason(fields.get("info")),
    )


def read_balances(raw: Raw, *, exchange: str) -> Mapping[str, ExchangeBalance]:
    """Free and used by currency. Raises `Terminal`."""
    fields = _mapping(raw, exchange, "balance")
    free, used = (_mapping(fields.get(key), exchange, f"balance {key}") for key in ("free", "used"))
    return {
        currency: ExchangeBalance(
            exchange,
            currency,
            read_number(amount, venue=exchange, what=f"free {currency}"),
            read_number(used.get(currency, 0), venue=exchange, what=f"used {currency}"),
        )
        for currency, amount in free.items()
    }


def write_levels(levels: Sequence[BookLevel]) -> list[list[str]]:
    """`[[price, size], …]` with numbers as text, which loses nothing."""
    return [[f"{level.price:f}", f"{level.size:f}"] for level in levels]


def _fill(raw: Raw, exchange: str, client_id: str, venue_id: str) -> ExchangeFill:
    fields = _mapping(raw, exchange, "trade")
    fee = _mapping(fields.get("fee"), exchange, "trade fee")
    return ExchangeFill(
        client_order_id=client_id,
        venue_order_id=venue_id,
        price=read_positive(fields.get("price"), venue=exchange, what="trade price"),
        amount=read_positive(fields.get("amount"), venue=exchange, what="trade amount"),
        fee_amount=read_number(fee.get("cost"), venue=exchange, what="trade fee"),
        fee_currency=_text(fee.get("currency"), exchange, "fee currency"),
        timestamp_ms=_integer(fields.get("timestamp"), exchange, "trade timestamp"),
    )


def _reason(info: Raw) -> str:
    return str(info.get("reason") or "")[:200] if isinstance(info, Mapping) else ""


def _levels(raw: Raw, exchange: str, what: str) -> tuple[BookLevel, ...]:
    if not isinstance(raw, Sequence) or isinstance(raw, str) or not raw:
        raise Terminal(exchange, f"{what} are empty; book refused")
    levels = []
    for item in raw:
        if not isinstance(item, Sequence) or isinstance(item, str) or len(item) < 2:
            raise Terminal(exchange, f"{what}: {item!r:.40} is no level; book refused")
        price = read_positive(item[0], venue=exchange, what=f"{what} price")
        levels.append(BookLevel(price, read_positive(item[1], venue=exchange, what=f"{what} size")))
    return tuple(levels)


def _mapping(raw: Raw, exchange: str, what: str) -> Mapping[str, Raw]:
    if not isinstance(raw, Mapping):
        raise Terminal(exchange, f"{what}: expected an object, got {raw!r:.40}; check the exchange's id and URL")
    return raw


def _text(raw: Raw, exchange: str, what: str) -> str:
    if not isinstance(raw, str) or not raw:
        raise Terminal(exchange, f"{what}: expected text, got {raw!r:.40}; check the exchange's id and URL")
    return raw


def _integer(raw: Raw, exchange: str, what: str) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or raw < 0:
        raise Terminal(exchange, f"{what}: expected milliseconds, got {raw!r:.40}; check the exchange's id and URL")
    return raw


def _side(raw: Raw, exchange: str) -> Side:
    if raw not in ("buy", "sell"):
        raise Terminal(exchange, f"side: expected buy or sell, got {raw!r:.40}; check the exchange's id and URL")
    return Side(raw)


def _step(raw: Raw, exchange: str, what: str, step_precision: bool) -> Decimal:
    if raw is None:
        raise Terminal(exchange, f"{what} is not stated; orders there cannot be rounded")
    if step_precision:
        return read_positive(raw, venue=exchange, what=what)
    return Decimal(1).scaleb(-int(read_number(raw, venue=exchange, what=what)))


def _fee_rate(raw: Raw, exchange: str) -> Decimal:
    rate = read_number(raw, venue=exchange, what="taker fee")
    if not -1 < rate < 1:
        raise Terminal(exchange, f"taker fee {rate} is no fraction; check the exchange's id")
    return rate
