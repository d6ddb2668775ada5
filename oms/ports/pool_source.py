"""Pools on one chain, as the application asks for them."""

from collections.abc import Sequence
from typing import Protocol

from oms.domain.token import Token
from oms.liquidity.listing import ListedPool, PoolSnapshot
from oms.units import Address, Wei


class PoolSource(Protocol):
    """One chain's pools, all read at one block that `snapshot` pins."""

    def snapshot(self, tokens: Sequence[Token], *, venues: frozenset[str] | None = None) -> PoolSnapshot:
        """Every known pool between the tokens, at the newest block; `venues` keeps only those named."""
        ...

    def extend(self, listed: ListedPool, *, token_in: Address) -> ListedPool:
        """The same pool with more ticks known in the direction of selling `token_in`, at the snapshot's block."""
        ...

    def gas_price(self) -> Wei:
        """What a unit of gas would cost in the next block."""
        ...
