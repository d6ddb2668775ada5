"""One chain's pools at its newest block, as quoting asks for them."""

from collections.abc import Sequence
from typing import Protocol

from oms.domain.token import Token
from oms.liquidity.listing import ListedPool, PoolSnapshot
from oms.units import Wei


class ChainPools(Protocol):
    """Pools read at one block, which `snapshot` pins and `extend` keeps to."""

    @property
    def venue_names(self) -> frozenset[str]:
        """Every on-chain venue that this chain has."""
        ...

    def snapshot(self, tokens: Sequence[Token], *, venues: frozenset[str] | None = None) -> PoolSnapshot:
        """Every known pool between the tokens; `venues` keeps those named. Raises `VenueError` for a failing node."""
        ...

    def extend(self, listed: ListedPool, *, zero_for_one: bool) -> ListedPool:
        """The pool with more ticks known in that direction; `listed` itself where the node holds no more."""
        ...

    def gas_price(self) -> Wei:
        """Base fee of the snapshot's block and the usual priority fee."""
        ...
