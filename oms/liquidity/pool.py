"""What every on-chain pool is to the rest of the system: an immutable value that answers quotes.

Owns: the protocol, the result type and the limits type shared by all families.
Must not: load state, know addresses of factories, or round in any way the chain does not.

A pool's quotes are what its settling function (`swap`, `exchange`) would do at this state, to the wei. Where that
function reverts, or would fill only a part, the quote raises `QuoteRefused` with the reason.
"""

from dataclasses import dataclass
from typing import Protocol

from oms.domain.venue import Family as Family
from oms.liquidity.pool_events import PoolEvent
from oms.units import Address


@dataclass(frozen=True, slots=True)
class Swap:
    """One swap's exact effect: what goes in, what comes out, about how much gas it burns, and the pool after it."""

    amount_in: int
    amount_out: int
    gas: int
    next_pool: "Pool"


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest amounts for which a quote may succeed on the known state; beyond them it is refused."""

    max_amount_in: int
    max_amount_out: int


class Pool(Protocol):
    """An immutable pool state. `pool_id` is its address, or the 32-byte id where one contract holds many pools."""

    @property
    def pool_id(self) -> str: ...

    @property
    def family(self) -> Family: ...

    @property
    def tokens(self) -> tuple[Address, ...]: ...

    def quote_in(self, token_in: Address, token_out: Address, amount_in: int) -> Swap:
        """Sell exactly `amount_in`; output rounded down as the chain rounds it. Raises `QuoteRefused`."""
        ...

    def quote_out(self, token_in: Address, token_out: Address, amount_out: int) -> Swap:
        """Buy at least `amount_out` for the least input the venue's own exact-output rule allows.

        `amount_in` is such that `quote_in(amount_in)` gives `amount_out` or more. Raises `QuoteRefused`.
        """
        ...

    def limits(self, token_in: Address, token_out: Address) -> Limits: ...

    def marginal_price(self, token_in: Address, token_out: Address) -> float:
        """Base units of `token_out` per base unit of `token_in` for an infinitesimal sale, after the LP fee."""
        ...

    def apply(self, event: PoolEvent) -> "Pool":
        """The pool after `event`, exactly as the chain has it then; `self` where nothing changed.

        Events must come in the chain's order, none left out. Raises `PoolOutdated` where the result cannot be known.
        """
        ...
