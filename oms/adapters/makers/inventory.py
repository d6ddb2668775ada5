"""What a maker can still promise: its balance, less what outstanding quotes may yet take.

Owns: reservations, made with each signed quote and released at its expiry.
Must not: read a chain or a clock; balances and times come in.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from oms.units import Address


@dataclass(frozen=True, slots=True)
class _Reservation:
    token: Address
    amount: int
    expiry: int


@dataclass(slots=True)
class Inventory:
    """At most `share` of a balance is ever promised at once. Amounts in base units, times in Unix chain seconds.

    A quote that settled before its expiry stays reserved until then, so the maker errs on the side of too little.
    """

    share: Decimal
    _reserved: list[_Reservation] = field(default_factory=list)

    def available(self, token: Address, *, balance: int, now: int) -> int:
        """What a new quote may promise, rounded down."""
        self._reserved = [held for held in self._reserved if held.expiry >= now]
        promised = sum(held.amount for held in self._reserved if held.token == token)
        return max(0, int(balance * self.share) - promised)

    def reserve(self, token: Address, *, amount: int, expiry: int) -> None:
        """Promise `amount` until chain time passes `expiry`."""
        self._reserved.append(_Reservation(token, amount, expiry))
