"""Constant-product pairs: found by their CREATE2 address, read from one storage word.

Owns: the word's layout. Must not: quote.
Source: `UniswapV2Pair` (slot 8: reserve0 uint112, reserve1 uint112, blockTimestampLast uint32).
"""

from collections.abc import Sequence
from math import gcd

from oms.adapters.evm.addresses import sorted_pair, v2_pair_address
from oms.adapters.evm.pools.reading import Loading, Slot, codes, slots, together
from oms.adapters.evm.venues import V2Venue
from oms.domain.venue import Family, PoolKey
from oms.liquidity.constant_product import ConstantProductPool
from oms.liquidity.listing import ListedPool, SkippedPool
from oms.units import Address

RESERVES_SLOT = 8
_UINT112_MAX = 2**112 - 1
_PIPS = 1_000_000


def pair_key(venue: V2Venue, a: Address, b: Address) -> PoolKey:
    """The identity of two tokens' pair, whether or not it exists."""
    address = v2_pair_address(venue.factory, venue.init_code_hash, a, b)
    return PoolKey(Family.UNISWAP_V2, venue.name, address, address, sorted_pair(a, b), fee_pips=venue.fee_pips)


def load_all(
    venue: V2Venue, pairs: Sequence[tuple[Address, Address]]
) -> Loading[list[ListedPool | SkippedPool | None]]:
    """The pairs that exist."""
    return together([load(pair_key(venue, a, b)) for a, b in pairs])


def load(key: PoolKey) -> Loading[ListedPool | SkippedPool | None]:
    """The pair, or None where there is none."""
    address = key.settles_at
    (word,) = yield from slots([Slot(address, RESERVES_SLOT)])
    if word is None:
        (code,) = yield from codes([address])
        return SkippedPool(key.venue, key.pool_id, "its reserves are not recorded") if code else None
    reserve0, reserve1 = word & _UINT112_MAX, word >> 112 & _UINT112_MAX
    if not reserve0 or not reserve1:
        return SkippedPool(key.venue, key.pool_id, "it is empty") if word else None
    common = gcd(_PIPS - key.fee_pips, _PIPS)
    numerator, denominator = (_PIPS - key.fee_pips) // common, _PIPS // common
    token0, token1 = key.tokens
    pool = ConstantProductPool(key.pool_id, token0, token1, reserve0, reserve1, numerator, denominator)
    return ListedPool(key, pool)
