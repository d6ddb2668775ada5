"""Solidly pairs of Aerodrome and Velodrome v2: found by the factory's `getPool`, read through `metadata`.

Owns: those views. Must not: quote, or compute addresses: the pairs are clones, and the factory knows them.
Source: Aerodrome `PoolFactory.getPool`, `getFee`, `isPaused`; `Pool.metadata`.
"""

from collections.abc import Sequence
from itertools import combinations

from oms.adapters.evm.addresses import sorted_pair
from oms.adapters.evm.pools.abi import Unreadable, addresses, view, words
from oms.adapters.evm.pools.reading import Call, Loading, calls, together
from oms.adapters.evm.venues import SolidlyVenue
from oms.domain.venue import Family, PoolKey
from oms.errors import StateConflict
from oms.liquidity.listing import ListedPool, SkippedPool
from oms.liquidity.solidly import SolidlyPool
from oms.units import ZERO_ADDRESS, Address

_PIPS_PER_BPS = 100


def load_all(venue: SolidlyVenue, tokens: Sequence[Address]) -> Loading[list[ListedPool | SkippedPool | None]]:
    """All pairs between any two of `tokens` that the factory knows."""
    wanted = [(*sorted_pair(a, b), stable) for a, b in combinations(tokens, 2) for stable in (False, True)]
    answers = yield from calls(
        Call(venue.factory, view("getPool(address,address,bool)", a, b, stable)) for a, b, stable in wanted
    )
    keys = []
    for (a, b, stable), answer in zip(wanted, answers, strict=True):
        pair = addresses(words(answer, 1))[0] if answer else ZERO_ADDRESS
        if pair != ZERO_ADDRESS:
            keys.append(PoolKey(Family.SOLIDLY, venue.name, pair, pair, (a, b), stable=stable))
    return (yield from together([load(venue, key) for key in keys]))


def load(venue: SolidlyVenue, key: PoolKey) -> Loading[ListedPool | SkippedPool | None]:
    """The pair at `key`; its fee is read, whatever the key says."""
    metadata, fee, paused = yield from calls(
        (
            Call(key.settles_at, view("metadata()")),
            Call(venue.factory, view("getFee(address,bool)", key.settles_at, key.stable)),
            Call(venue.factory, view("isPaused()")),
        )
    )
    if metadata is None or fee is None:
        return SkippedPool(key.venue, key.pool_id, "its state is not recorded")
    try:
        unit0, unit1, reserve0, reserve1, stable, *ends = words(metadata, 7)
        fee_bps = words(fee, 1)[0]
        if addresses(ends[:2]) != key.tokens or bool(stable) != key.stable:
            return SkippedPool(key.venue, key.pool_id, "it is not the pair that its factory names")
        if words(paused, 1)[0]:
            return SkippedPool(key.venue, key.pool_id, "its factory is paused")
        if not reserve0 or not reserve1:
            return SkippedPool(key.venue, key.pool_id, "it is empty")
        token0, token1 = key.tokens
        pool = SolidlyPool(
            key.pool_id, token0, token1, reserve0, reserve1, _decimals(unit0), _decimals(unit1), fee_bps, key.stable
        )
    except (Unreadable, StateConflict) as problem:
        return SkippedPool(key.venue, key.pool_id, str(problem))
    listed = PoolKey(
        key.family,
        key.venue,
        key.pool_id,
        key.settles_at,
        key.tokens,
        fee_pips=fee_bps * _PIPS_PER_BPS,
        stable=key.stable,
    )
    return ListedPool(listed, pool)


def _decimals(unit: int) -> int:
    """`metadata` gives 10 ** decimals."""
    decimals = len(str(unit)) - 1
    if unit != 10**decimals:
        raise Unreadable(f"a token's unit is {unit}, not a power of ten")
    return decimals
