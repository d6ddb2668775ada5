"""The liquidity providers' fee of a pool in one direction, as a fraction of what is traded; for people to compare.

Owns: reading the fee from each family's own field and unit. Amounts never come from here.
"""

from oms.liquidity.composable_stable import BalancerStablePool
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.constant_product import ConstantProductPool
from oms.liquidity.cryptoswap import CryptoSwapPool
from oms.liquidity.pool import Pool
from oms.liquidity.solidly import SolidlyPool
from oms.liquidity.stableswap import StableSwapPool
from oms.liquidity.weighted import WeightedPool
from oms.units import Address

PIPS = 1_000_000


def pool_fee(pool: Pool, token_in: Address, token_out: Address) -> float | None:
    """The fee as a fraction; `None` where it depends on the trade itself, as Curve's tricrypto pools' does."""
    del token_out
    match pool:
        case ConstantProductPool():
            return 1 - pool.fee_numerator / pool.fee_denominator
        case ConcentratedPool():
            return pool.swap_fee_pips(token_in == pool.tokens[0]) / PIPS
        case StableSwapPool():
            return pool.fee / 10**10
        case WeightedPool() | BalancerStablePool():
            return pool.swap_fee / 10**18
        case SolidlyPool():
            return pool.fee / 10_000
        case CryptoSwapPool():
            return None
        case _:
            return None
