"""Pools as they are listed on a chain: which venue, how to settle on it, and the state read for it.

Owns: the identity that a plan and a leg need beside a pool's mathematics.
Must not: load anything, or quote.
"""

from dataclasses import dataclass

from oms.domain.block import BlockPin
from oms.domain.venue import PoolKey as PoolKey
from oms.liquidity.pool import Pool


@dataclass(frozen=True, slots=True)
class ListedPool:
    """A pool's identity with its state at the snapshot's block."""

    key: PoolKey
    pool: Pool


@dataclass(frozen=True, slots=True)
class SkippedPool:
    """A pool that exists, or may exist, and is not quoted; `reason` is for people."""

    venue: str
    pool_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class PoolSnapshot:
    """All pools read for some tokens at one block."""

    block: BlockPin
    pools: tuple[ListedPool, ...]
    skipped: tuple[SkippedPool, ...] = ()
