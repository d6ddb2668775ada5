"""Uniswap v3 and its forks: found by their CREATE2 address, read from storage.

Owns: the first words' layout. Must not: quote, or load ticks (see `ticks`).
Source: `UniswapV3Pool` (slot0: sqrtPriceX96 uint160, tick int24, …), and PancakeSwap's fork of it.
"""

from collections.abc import Sequence

from oms.adapters.evm.addresses import sorted_pair, v3_pool_address
from oms.adapters.evm.pools.reading import Loading, Slot, both, codes, slots, together
from oms.adapters.evm.pools.ticks import TickStore, load_around
from oms.adapters.evm.venues import UNISWAP_V3_LAYOUT, V3Venue
from oms.domain.venue import Family, PoolKey
from oms.errors import StateConflict
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.listing import ListedPool, SkippedPool
from oms.units import Address


def pool_key(venue: V3Venue, a: Address, b: Address, *, tier: tuple[int, int]) -> PoolKey:
    """The identity of two tokens' pool at one (fee in pips, tick spacing), whether or not it exists."""
    fee_pips, spacing = tier
    address = v3_pool_address(venue.deployer, venue.init_code_hash, a, b, fee_pips=fee_pips)
    return PoolKey(Family.UNISWAP_V3, venue.name, address, address, sorted_pair(a, b), fee_pips, spacing)


def tick_store(venue: V3Venue, key: PoolKey) -> TickStore:
    """Where the pool keeps its ticks."""
    return TickStore(key.settles_at, venue.layout)


def load_all(
    venue: V3Venue, pairs: Sequence[tuple[Address, Address]]
) -> Loading[list[ListedPool | SkippedPool | None]]:
    """The pools of all tiers that exist."""
    keys = [pool_key(venue, a, b, tier=tier) for a, b in pairs for tier in venue.tiers]
    return together([load(venue, key) for key in keys])


def load(venue: V3Venue, key: PoolKey) -> Loading[ListedPool | SkippedPool | None]:
    """The pool with the ticks around its price, or None where there is none."""
    (slot0,) = yield from slots([Slot(key.settles_at, 0)])
    if slot0 is None:
        (code,) = yield from codes([key.settles_at])
        return SkippedPool(key.venue, key.pool_id, "its price is not recorded") if code else None
    sqrt_price_x96, tick = price_and_tick(slot0)
    if not sqrt_price_x96:
        return None
    store = tick_store(venue, key)
    (liquidity,), tick_map = yield from both(
        slots([store.liquidity()]), load_around(store, tick, spacing=key.tick_spacing)
    )
    if liquidity is None or tick_map is None:
        return SkippedPool(key.venue, key.pool_id, "the liquidity at its price is not recorded")
    if not liquidity and not tick_map.ticks:
        return SkippedPool(key.venue, key.pool_id, "it has no liquidity around its price")
    token0, token1 = key.tokens
    fee_of_0, fee_of_1 = _protocol_fees(slot0) if venue.layout == UNISWAP_V3_LAYOUT else (0, 0)
    try:
        pool = ConcentratedPool(
            pool_id=key.pool_id,
            family=key.family,
            tokens=(token0, token1),
            fee_pips=key.fee_pips,
            tick_spacing=key.tick_spacing,
            sqrt_price_x96=sqrt_price_x96,
            tick=tick,
            liquidity=liquidity,
            tick_map=tick_map,
            protocol_fee_zero_for_one=fee_of_0,
            protocol_fee_one_for_zero=fee_of_1,
        )
    except StateConflict as conflict:
        return SkippedPool(key.venue, key.pool_id, conflict.reason)
    return ListedPool(key, pool)


def _protocol_fees(slot0: int) -> tuple[int, int]:
    """`feeProtocol` of the two input tokens: which part of the LP fee it is; none of the amounts depends on it."""
    return slot0 >> 232 & 0xF, slot0 >> 236 & 0xF


def price_and_tick(slot0: int) -> tuple[int, int]:
    """The two fields that start `slot0` in v3 and v4 alike."""
    tick = slot0 >> 160 & 0xFFFFFF
    return slot0 & 2**160 - 1, tick - 2**24 if tick >> 23 else tick
