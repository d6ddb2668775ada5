"""Pools as they are listed on a chain: which venue, how to settle on it, and the state read for it.

Owns: the identity that a plan and a leg need beside a pool's mathematics.
Must not: load anything, or quote.
"""

from dataclasses import dataclass

from oms.domain.block import BlockPin
from oms.liquidity.pool import Family, Pool
from oms.units import Address


@dataclass(frozen=True, slots=True)
class PoolKey:
    """What identifies a pool and lets a leg settle on it.

    `venue` names the deployment (`uniswap_v3`, `sushiswap`, `curve`); `settles_at` is the contract that the executor
    calls: the pool itself, Balancer's vault, or v4's pool manager. `tokens` are in pool order, with the wrapped coin
    standing for the native one; `native` says that it does.
    """

    family: Family
    venue: str
    pool_id: str
    settles_at: Address
    tokens: tuple[Address, ...]
    fee_pips: int = 0
    tick_spacing: int = 0
    native: bool = False
    stable: bool = False

    @property
    def label(self) -> str:
        """How the pool is called in tables, such as `uniswap_v3 5 bp`."""
        if self.family in (Family.UNISWAP_V3, Family.UNISWAP_V4):
            return f"{self.venue} {self.fee_pips / 100:g} bp"
        if self.family is Family.SOLIDLY:
            return f"{self.venue} {'stable' if self.stable else 'volatile'}"
        if self.family is Family.UNISWAP_V2:
            return self.venue
        return f"{self.venue} {self.pool_id[:8]}"


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
