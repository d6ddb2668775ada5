"""Child orders on exchanges: what is sent, and what the exchange says became of it.

Owns: the order's and the report's shape. Amounts are `Decimal` in whole units of the base currency, prices in quote per
base, as the exchange states them.
Must not: round, price or send.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from oms.domain.fills import ExchangeFill
from oms.domain.plans import Side


class TimeInForce(StrEnum):
    """How long an order may rest. The settlement path only takes liquidity, so it never does."""

    IOC = "IOC"


class OrderStatus(StrEnum):
    """What an exchange says of an order, in ccxt's words where it has one."""

    OPEN = "open"
    CLOSED = "closed"
    CANCELED = "canceled"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class ExchangeOrder:
    """Trade `amount` base now; a `limit_price` bounds every fill, and without one it is a market order."""

    client_order_id: str
    exchange: str
    symbol: str
    side: Side
    amount: Decimal
    limit_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.IOC


@dataclass(frozen=True, slots=True)
class ExchangeOrderReport:
    """An order as the exchange knows it. `closed` is filled whole; `canceled` may be filled in part.

    `average_price` is `None` until something filled. `reason` holds a rejection's words.
    """

    exchange: str
    client_order_id: str
    venue_order_id: str
    symbol: str
    side: Side
    status: OrderStatus
    amount: Decimal
    filled: Decimal
    average_price: Decimal | None
    fills: tuple[ExchangeFill, ...]
    reason: str = ""

    @property
    def leaves_quantity(self) -> Decimal:
        """What did not fill, in base; it may still fill only while the order is open."""
        return self.amount - self.filled
