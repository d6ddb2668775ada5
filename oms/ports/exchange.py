"""Trading on an exchange, and reading its market."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from oms.domain.balances import ExchangeBalance
from oms.domain.fills import PublicTrade
from oms.domain.orders import ExchangeOrder, ExchangeOrderReport
from oms.domain.quotes import ExchangeMarket, OrderBook
from oms.risk.gate import Approved


class MarketData(Protocol):
    """What anybody may read. Raises `Retryable` for a silent exchange, `Terminal` for a refusal or nonsense."""

    @property
    def name(self) -> str: ...

    def market(self, symbol: str) -> ExchangeMarket:
        """The symbol's rules. Raises `InvalidRequest` for one that the exchange does not list."""
        ...

    def order_book(self, symbol: str) -> OrderBook:
        """The depth now: both sides non-empty, sorted, not crossed, every number positive; and how long it took."""
        ...

    def trades(self, symbol: str) -> Sequence[PublicTrade]:
        """The latest prints, oldest first."""
        ...


class Exchange(MarketData, Protocol):
    """An exchange that also holds our account."""

    def submit_order(self, approved: Approved[ExchangeOrder]) -> ExchangeOrderReport:
        """Send the order, at most once per `client_order_id`: the same id again returns the first one's report.

        Raises `Retryable` when it cannot have arrived, `Terminal` when the exchange refused it, and `OutcomeUnknown`
        when neither is certain: then ask `order(client_order_id)`, and send nothing else before it has answered.
        """
        ...

    def order(self, client_order_id: str) -> ExchangeOrderReport | None:
        """The order as the exchange knows it; `None` when it says that it has never heard of that id."""
        ...

    def balances(self) -> Mapping[str, ExchangeBalance]:
        """What we hold there, by currency."""
        ...
