"""What an exchange says that we hold there."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ExchangeBalance:
    """Whole units of `currency`: `free` to trade, and `used` by open orders."""

    exchange: str
    currency: str
    free: Decimal
    used: Decimal

    @property
    def total(self) -> Decimal:
        """Free and used together."""
        return self.free + self.used
