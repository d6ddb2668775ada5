"""What traded: our fills on exchanges, and the public tape.

Owns: the shapes. Amounts are `Decimal` in whole base units, prices in quote per base, times Unix milliseconds as the
exchange stamps them.
Must not: aggregate or value; `oms.accounting` does.
"""

from dataclasses import dataclass
from decimal import Decimal

from oms.domain.plans import Side


@dataclass(frozen=True, slots=True)
class ExchangeFill:
    """One execution of one of our orders. `fee_amount` is positive when paid, in `fee_currency`."""

    client_order_id: str
    venue_order_id: str
    price: Decimal
    amount: Decimal
    fee_amount: Decimal
    fee_currency: str
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class PublicTrade:
    """One print of an exchange's tape; `side` is the taker's."""

    trade_id: str
    symbol: str
    side: Side
    price: Decimal
    amount: Decimal
    timestamp_ms: int
