"""What a venue is: a pool's family, and the identity by which a leg settles on it.

Owns: the facts about a pool that its mathematics doesn't need and a plan does.
Must not: quote, load, or encode.
"""

from dataclasses import dataclass
from enum import StrEnum

from oms.units import Address


class Family(StrEnum):
    """A pool's mathematics and calling convention."""

    UNISWAP_V2 = "uniswap_v2"
    UNISWAP_V3 = "uniswap_v3"
    UNISWAP_V4 = "uniswap_v4"
    CURVE_STABLESWAP = "curve_stableswap"
    CURVE_CRYPTOSWAP = "curve_cryptoswap"
    BALANCER_WEIGHTED = "balancer_weighted"
    BALANCER_STABLE = "balancer_stable"
    SOLIDLY = "solidly"


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
