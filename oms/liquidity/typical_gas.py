"""About what one swap costs in gas on each family, before the pool is asked: for ranking, never for a plan.

Owns: one figure per family. Must not: replace `Swap.gas`, which knows the ticks that were crossed.
"""

from collections.abc import Mapping

from oms.liquidity import composable_stable, concentrated, constant_product, solidly, weighted
from oms.liquidity.pool import Family, Pool

GAS_OF_CURVE = 130_000
"""Curve pools' own figures go by layout; this is their middle."""

_BY_FAMILY: Mapping[Family, int] = {
    Family.UNISWAP_V2: constant_product.GAS_PER_SWAP,
    Family.UNISWAP_V3: concentrated.GAS_V3_SWAP,
    Family.UNISWAP_V4: concentrated.GAS_V4_SWAP,
    Family.BALANCER_WEIGHTED: weighted.GAS_PER_SWAP,
    Family.BALANCER_STABLE: composable_stable.GAS_PER_SWAP,
    Family.SOLIDLY: solidly.GAS_PER_STABLE_SWAP,
}


def typical_gas(pool: Pool) -> int:
    """Gas of one swap through the pool, no tick crossed."""
    return _BY_FAMILY.get(pool.family, GAS_OF_CURVE)


def tick_gas(pool: Pool) -> int:
    """What every initialized tick that a swap crosses adds; nothing for pools without ticks."""
    if pool.family is Family.UNISWAP_V3:
        return concentrated.GAS_PER_V3_TICK_CROSSED
    return concentrated.GAS_PER_V4_TICK_CROSSED if pool.family is Family.UNISWAP_V4 else 0
