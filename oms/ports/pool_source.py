"""How pools come into the system: a snapshot for some tokens, more of one pool, or one pool again.

Owns: the protocol. Must not: know how a chain is read; `Chain` is whatever the adapter pins a block with.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from oms.domain.token import Token
from oms.domain.venue import PoolKey
from oms.liquidity.listing import ListedPool, PoolSnapshot, SkippedPool

Chain = TypeVar("Chain", contravariant=True)


class PoolSource(Protocol[Chain]):
    """Loads pools of one chain, every answer of one call from the one block that `chain` is pinned to."""

    def snapshot(self, chain: Chain, tokens: Sequence[Token], *, venues: frozenset[str] | None = None) -> PoolSnapshot:
        """All pools between any two of `tokens`, on the venues named or on all.

        Raises:
            InvalidRequest: an unknown venue, a token of another chain, or fewer than two tokens.
            VenueError: the node failed, or answered what no node should.
            StateConflict: the block was replaced while it was read.
        """
        ...

    def extend(self, chain: Chain, listed: ListedPool, *, zero_for_one: bool) -> ListedPool:
        """The same state known over a wider range in one direction; `listed` itself where no more can be known."""
        ...

    def reload(self, chain: Chain, key: PoolKey) -> ListedPool | SkippedPool:
        """One pool's state at the chain's block."""
        ...
