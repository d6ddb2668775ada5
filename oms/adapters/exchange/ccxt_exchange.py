"""Any exchange that ccxt speaks to, read only: markets, books and trades.

Owns: the mapping of ccxt's exceptions to ours.
Must not: hold credentials or send orders. Importing ccxt costs 0.35 s, so it is imported with the first exchange made.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from threading import Lock
from typing import Any

from oms.adapters.exchange import unified
from oms.domain.fills import PublicTrade
from oms.domain.quotes import ExchangeMarket, OrderBook
from oms.errors import InvalidRequest, Retryable, Terminal
from oms.ports.clock import Clock


class CcxtMarketData:
    """One exchange by its ccxt id, such as `kraken`. Thread-safe. See `oms.ports.exchange.MarketData`.

    `options` goes to ccxt's constructor as it is.
    """

    def __init__(
        self,
        exchange_id: str,
        *,
        clock: Clock,
        timeout_seconds: float = 5.0,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        import ccxt

        if exchange_id not in ccxt.exchanges:
            raise InvalidRequest("exchange", f"ccxt knows no {exchange_id!r}; see its list of exchange ids")
        self.name = exchange_id
        self._ccxt = ccxt
        self._clock = clock
        self._lock = Lock()
        settings = {"timeout": int(timeout_seconds * 1000), "enableRateLimit": True, **(options or {})}
        self._exchange = getattr(ccxt, exchange_id)(settings)
        self._exchange.number = Decimal

    def close(self) -> None:
        """Release the connections."""
        session = getattr(self._exchange, "session", None)
        if session is not None:
            session.close()

    def market(self, symbol: str) -> ExchangeMarket:
        """See the port."""
        self._ask(self._exchange.load_markets)
        markets = self._exchange.markets or {}
        if symbol not in markets:
            raise InvalidRequest("symbol", f"{self.name} does not list {symbol}; write it like ETH/USDT")
        ticks = self._exchange.precisionMode == self._ccxt.TICK_SIZE
        return unified.read_market(markets[symbol], exchange=self.name, symbol=symbol, step_precision=ticks)

    def order_book(self, symbol: str) -> OrderBook:
        """See the port. The time of the request includes ccxt's own rate limiter, so that it errs upward."""

        def timed() -> tuple[Any, float, float]:  # within the lock: other threads' requests are not this one's latency
            asked_at = self._clock.now()
            return self._exchange.fetch_order_book(symbol), asked_at, self._clock.now()

        raw, asked_at, received_at = self._ask(timed)
        return unified.read_order_book(
            raw,
            exchange=self.name,
            symbol=symbol,
            received_at=received_at,
            source=f"live, {self.name} through ccxt",
            request_seconds=received_at - asked_at,
        )

    def trades(self, symbol: str) -> Sequence[PublicTrade]:
        """See the port."""
        raw = self._ask(lambda: self._exchange.fetch_trades(symbol))
        if not isinstance(raw, list):
            raise Terminal(self.name, "trades: expected a list; check the exchange's id")
        trades = (unified.read_trade(item, exchange=self.name, symbol=symbol) for item in raw)
        return tuple(sorted(trades, key=lambda trade: trade.timestamp_ms))

    def _ask(self, ask: Callable[[], Any]) -> Any:
        """ccxt's answer, one request at a time: its rate limiter and its caches are not made for threads."""
        errors = self._ccxt
        try:
            with self._lock:
                return ask()
        except errors.BadSymbol as error:
            raise InvalidRequest("symbol", f"{self.name}: {_words(error)}") from error
        except errors.NetworkError as error:
            raise Retryable(self.name, f"{_words(error)}; try again") from error
        except errors.BaseError as error:
            raise Terminal(self.name, f"{type(error).__name__}: {_words(error)}") from error
        except (TypeError, ValueError, KeyError, AttributeError, ArithmeticError, IndexError) as error:
            raise Terminal(self.name, f"answered in a shape that ccxt cannot read ({type(error).__name__})") from error


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
