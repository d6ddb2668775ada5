"""The paper exchange's client: the `Exchange` port over HTTP, in ccxt's unified shapes.

Owns: the typing of what can go wrong, above all of an order whose answer got lost.
Must not: retry. A submit without a readable answer is `OutcomeUnknown`; `order(client_order_id)` resolves it.
"""

from collections.abc import Callable, Mapping, Sequence

from oms.adapters.bounded_http import BoundedHttp, Json, NotAnswered, NotSent, Reply
from oms.adapters.exchange import unified
from oms.domain.balances import ExchangeBalance
from oms.domain.fills import PublicTrade
from oms.domain.orders import ExchangeOrder, ExchangeOrderReport
from oms.domain.quotes import ExchangeMarket, OrderBook
from oms.errors import InvalidRequest, OmsError, OutcomeUnknown, Retryable, Terminal
from oms.ports.clock import Clock
from oms.risk.gate import Approved

_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})


class PaperExchange:
    """A running paper exchange by URL. Thread-safe. Close it when done. See `oms.ports.exchange.Exchange`."""

    def __init__(self, name: str, url: str, *, clock: Clock, timeout_seconds: float = 2.0) -> None:
        self.name = name
        self._clock = clock
        self._http = BoundedHttp(url, timeout_seconds=timeout_seconds)
        self._markets: Mapping[str, ExchangeMarket] = {}

    def close(self) -> None:
        """Release the connections."""
        self._http.close()

    def market(self, symbol: str) -> ExchangeMarket:
        """See the port. Rules are read once."""
        if not self._markets:
            listed = self._list(self._read(lambda: self._http.get("/v1/markets")), "markets")
            symbols = [str(item.get("symbol")) for item in listed if isinstance(item, dict)]
            self._markets = {
                name: unified.read_market(item, exchange=self.name, symbol=name, step_precision=True)
                for name, item in zip(symbols, listed, strict=True)
            }
        if symbol not in self._markets:
            raise InvalidRequest("symbol", f"{self.name} does not list {symbol}; it lists {', '.join(self._markets)}")
        return self._markets[symbol]

    def order_book(self, symbol: str) -> OrderBook:
        """See the port."""
        asked_at = self._clock.now()
        body = self._read(lambda: self._http.get("/v1/order_book", symbol=symbol))
        received_at = self._clock.now()
        info = body.get("info") if isinstance(body, dict) else None
        source = str(info.get("source") or "") if isinstance(info, dict) else ""
        return unified.read_order_book(
            body,
            exchange=self.name,
            symbol=symbol,
            received_at=received_at,
            source=source[:200],
            request_seconds=received_at - asked_at,
        )

    def trades(self, symbol: str) -> Sequence[PublicTrade]:
        """See the port."""
        body = self._list(self._read(lambda: self._http.get("/v1/trades", symbol=symbol)), "trades")
        return tuple(unified.read_trade(item, exchange=self.name, symbol=symbol) for item in body)

    def submit_order(self, approved: Approved[ExchangeOrder]) -> ExchangeOrderReport:
        """See the port."""
        order = approved.subject
        if order.exchange != self.name:
            raise InvalidRequest("exchange", f"the order is for {order.exchange}, this is {self.name}; send it there")
        try:
            reply = self._http.post("/v1/orders", _order_message(order))
        except NotSent as error:
            raise Retryable(self.name, "nobody answers there; start it, then send the order again") from error
        except NotAnswered as error:
            raise self._unknown(order, str(error)) from error
        if reply.status != 200:
            raise self._refused(order, reply)
        try:
            report = unified.read_order(reply.body, exchange=self.name)
        except OmsError as error:
            raise self._unknown(order, "the answer is unreadable") from error
        if not _is_about(report, order):
            raise self._unknown(order, "the answer is about another order")
        return report

    def order(self, client_order_id: str) -> ExchangeOrderReport | None:
        """See the port."""
        reply = self._ask(lambda: self._http.get("/v1/orders", clientOrderId=client_order_id))
        if reply.status == 404 and _code(reply)[0] == "OrderNotFound":
            return None
        report = unified.read_order(self._body(reply), exchange=self.name)
        if report.client_order_id != client_order_id:
            raise Terminal(self.name, f"asked for order {client_order_id}, got another one; ask again")
        return report

    def balances(self) -> Mapping[str, ExchangeBalance]:
        """See the port."""
        return unified.read_balances(self._read(lambda: self._http.get("/v1/balance")), exchange=self.name)

    def _read(self, ask: Callable[[], Reply]) -> Json:
        return self._body(self._ask(ask))

    def _ask(self, ask: Callable[[], Reply]) -> Reply:
        try:
            return ask()
        except NotSent as error:
            raise Retryable(self.name, "nobody answers there; start it or correct its URL") from error
        except NotAnswered as error:
            raise Retryable(self.name, f"{error}; try again") from error

    def _body(self, reply: Reply) -> Json:
        if reply.status == 200:
            return reply.body
        code, message = _code(reply)
        if code == "BadSymbol":
            raise InvalidRequest("symbol", f"{self.name}: {message}")
        kind = Retryable if reply.status in _BUSY else Terminal
        raise kind(self.name, f"HTTP {reply.status} {code}: {message}; check its URL")

    def _refused(self, order: ExchangeOrder, reply: Reply) -> OmsError:
        code, message = _code(reply)
        if 400 <= reply.status < 500 and code:
            return Terminal(self.name, f"refused order {order.client_order_id} ({code}): {message}")
        return self._unknown(order, f"HTTP {reply.status}")

    def _unknown(self, order: ExchangeOrder, why: str) -> OutcomeUnknown:
        return OutcomeUnknown(self.name, f"{why} after order {order.client_order_id} was sent; ask for it by that id")

    def _list(self, body: Json, what: str) -> Sequence[Json]:
        if not isinstance(body, list):
            raise Terminal(self.name, f"{what}: expected a list; check its URL")
        return body


def _order_message(order: ExchangeOrder) -> dict[str, object]:
    return {
        "symbol": order.symbol,
        "type": "market" if order.limit_price is None else "limit",
        "side": order.side.value,
        "amount": f"{order.amount:f}",
        "price": None if order.limit_price is None else f"{order.limit_price:f}",
        "params": {"clientOrderId": order.client_order_id, "timeInForce": order.time_in_force.value},
    }


def _is_about(report: ExchangeOrderReport, order: ExchangeOrder) -> bool:
    told = (report.client_order_id, report.symbol, report.side, report.amount)
    return told == (order.client_order_id, order.symbol, order.side, order.amount)


def _code(reply: Reply) -> tuple[str, str]:
    """An error answer's code and words; empty where it has none."""
    error = reply.body.get("error") if isinstance(reply.body, dict) else None
    if not isinstance(error, dict):
        return "", ""
    words = "".join(letter if letter.isprintable() else " " for letter in str(error.get("message") or ""))
    return str(error.get("code") or "")[:40], words[:200]
