"""What following a chain must know of a pool beyond its events: time, what moves unseen, and when two states agree.

Owns: those questions, by family. Must not: load, quote, or apply an event.
"""

from dataclasses import fields, replace
from typing import Any

from oms.domain.venue import Family, PoolKey
from oms.liquidity.composable_stable import BalancerStablePool
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.cryptoswap import AGammaRamp, CryptoSwapPool
from oms.liquidity.pool import Pool
from oms.liquidity.pool_events import PoolEvent, SwapFeeSet
from oms.liquidity.stableswap import Amplification, StableSwapPool
from oms.liquidity.tick_map import TickMap
from oms.liquidity.tick_math import MAX_TICK, MIN_TICK

CLOCKED = frozenset({Family.CURVE_STABLESWAP, Family.CURVE_CRYPTOSWAP})
"""Families whose pools are quoted for a block's time."""
_WAD_TO_PIPS = 10**12
_EDGE_PART = 8
"""A price within an eighth of the known ticks' span of their end is near it."""


def at_block_time(pool: Pool, timestamp: int) -> Pool:
    """The pool to be quoted in a block of this time; the same object where time changes nothing of it."""
    if isinstance(pool, CryptoSwapPool) and pool.timestamp != timestamp:
        return pool.at(timestamp)
    if isinstance(pool, StableSwapPool) and pool.timestamp != timestamp:
        return pool.at(timestamp) if pool.timestamp < pool.amplification.future_time else pool
    return pool


def moves_unseen(pool: Pool) -> bool:
    """Whether the pool's state changes without an event, so that it must be read at each block."""
    return isinstance(pool, BalancerStablePool) and pool.rated


def near_its_edge(pool: Pool) -> bool:
    """Whether a concentrated pool's price has come near the end of the ticks that are known."""
    if not isinstance(pool, ConcentratedPool):
        return False
    low, high = pool.tick_map.known_min_tick, pool.tick_map.known_max_tick
    margin = (high - low) // _EDGE_PART
    return (low > MIN_TICK and pool.tick - low < margin) or (high < MAX_TICK and high - pool.tick < margin)


def key_of(key: PoolKey, event: PoolEvent) -> PoolKey:
    """The pool's identity after an event: Balancer's names the fee."""
    return replace(key, fee_pips=event.swap_fee // _WAD_TO_PIPS) if isinstance(event, SwapFeeSet) else key


def difference(followed: Pool, loaded: Pool) -> str:
    """In which respect a followed pool is not what the chain holds, for people; empty where both agree.

    Ticks are compared where both are known, and pools that depend on time at the loaded one's.
    """
    if followed.family is not loaded.family or type(followed) is not type(loaded):
        return f"{followed.family} is {loaded.family} on the chain"
    apart: tuple[str, ...] = ()
    if isinstance(followed, ConcentratedPool) and isinstance(loaded, ConcentratedPool):
        apart = ("tick_map",)
        if not _agree(followed.tick_map, loaded.tick_map):
            return "its ticks"
    if isinstance(followed, StableSwapPool) and isinstance(loaded, StableSwapPool):
        followed, loaded = _stable_at(followed, loaded.timestamp), _stable_at(loaded, loaded.timestamp)
    if isinstance(followed, CryptoSwapPool) and isinstance(loaded, CryptoSwapPool):
        followed, loaded = _crypto_at(followed, loaded.timestamp), _crypto_at(loaded, loaded.timestamp)
    values: Any = followed
    names = [each.name for each in fields(values) if each.compare and each.name not in apart]
    unequal = [name for name in names if getattr(followed, name) != getattr(loaded, name)]
    return f"its {' and '.join(unequal)}" if unequal else ""


def _agree(followed: TickMap, loaded: TickMap) -> bool:
    """Whether two maps hold the same ticks where both are known."""
    low = max(followed.known_min_tick, loaded.known_min_tick)
    high = min(followed.known_max_tick, loaded.known_max_tick)
    return _ticks(followed, low, high) == _ticks(loaded, low, high)


def _ticks(tick_map: TickMap, low: int, high: int) -> tuple[tuple[int, int], ...]:
    pairs = zip(tick_map.ticks, tick_map.nets, strict=True)
    return tuple((tick, net) for tick, net in pairs if low <= tick <= high)


def _stable_at(pool: StableSwapPool, timestamp: int) -> StableSwapPool:
    ramp = pool.amplification
    if timestamp >= ramp.future_time:
        ramp = Amplification.constant(ramp.future, a_precision=ramp.a_precision)
    return replace(pool, timestamp=timestamp, amplification=ramp)


def _crypto_at(pool: CryptoSwapPool, timestamp: int) -> CryptoSwapPool:
    ramp = pool.ramp
    if timestamp >= ramp.future_time:
        end = ramp.future_time
        ramp = AGammaRamp(ramp.future_a, ramp.future_gamma, ramp.future_a, ramp.future_gamma, future_time=end)
    return replace(pool, timestamp=timestamp, ramp=ramp)
