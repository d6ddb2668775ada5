"""Uniswap v4: pools found by the id of their key or by `Initialize` events, read from the pool manager's storage.

Owns: which keys to look at, and the state's layout. Must not: quote, or trade with hooks: those pools are skipped.
Source: v4 core `Pool.State` (slot0, fee growth ×2, liquidity, ticks, tickBitmap), `Slot0` (sqrtPriceX96 uint160,
tick int24, protocolFee 2 × uint12, lpFee uint24), `StateLibrary`, `IPoolManager.Initialize`.
"""

from collections.abc import Sequence
from itertools import combinations

from eth_hash.auto import keccak

from oms.adapters.evm.addresses import V4Key, checksummed, mapping_slot, sorted_pair
from oms.adapters.evm.pools.reading import Loading, Log, Logs, Slot, both, logs, slots, together
from oms.adapters.evm.pools.ticks import TickStore, load_around
from oms.adapters.evm.pools.uniswap_v3 import price_and_tick
from oms.adapters.evm.venues import UNISWAP_V4_LAYOUT, V4_POOLS_SLOT, V4Venue
from oms.domain.venue import Family, PoolKey
from oms.errors import StateConflict
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.listing import ListedPool, SkippedPool
from oms.units import ZERO_ADDRESS, Address

INITIALIZE = "0x" + keccak(b"Initialize(bytes32,address,address,uint24,int24,address,uint160,int24)").hex()
MOST_FOUND = 32
"""Pools taken from logs in one snapshot: anybody may initialize any number."""


def plain_keys(venue: V4Venue, a: Address, b: Address, *, wrapped: Address) -> list[V4Key]:
    """Hookless keys of two tokens at the usual tiers; the wrapped coin also as the native one."""
    pairs = [sorted_pair(a, b)]
    if wrapped in (a, b) and wrapped != ZERO_ADDRESS:
        pairs.append((ZERO_ADDRESS, b if a == wrapped else a))
    return [V4Key(*pair, fee_pips, spacing) for pair in pairs for fee_pips, spacing in venue.tiers]


def candidate_keys(venue: V4Venue, tokens: Sequence[Address], *, wrapped: Address) -> list[V4Key]:
    """Every key worth a look between any two of `tokens`, the venue's known ones included."""
    currencies = _currencies(tokens, wrapped=wrapped)
    keys = [k for a, b in combinations(tokens, 2) for k in plain_keys(venue, a, b, wrapped=wrapped)]
    keys += [k for k in venue.known_keys if k.currency0 in currencies and k.currency1 in currencies]
    return list(dict.fromkeys(keys))


def listed_key(venue: V4Venue, key: V4Key, *, wrapped: Address) -> PoolKey:
    """The identity under which routing sees the pool: the wrapped coin in the native one's place, order kept."""
    native = key.currency0 == ZERO_ADDRESS
    tokens = (wrapped if native else key.currency0, key.currency1)
    return PoolKey(
        Family.UNISWAP_V4, venue.name, key.pool_id, venue.pool_manager, tokens, key.fee_pips, key.tick_spacing, native
    )


def chain_key(key: PoolKey) -> V4Key:
    """The pool manager's own key of a listed, hookless pool."""
    token0, token1 = key.tokens
    return V4Key(ZERO_ADDRESS if key.native else token0, token1, key.fee_pips, key.tick_spacing)


def tick_store(venue: V4Venue, key: PoolKey) -> TickStore:
    """Where the pool manager keeps the pool's ticks."""
    return TickStore(venue.pool_manager, UNISWAP_V4_LAYOUT, mapping_slot(int(key.pool_id, 16), V4_POOLS_SLOT))


def load_all(
    venue: V4Venue, tokens: Sequence[Address], *, wrapped: Address, from_block: int | None
) -> Loading[list[ListedPool | SkippedPool | None]]:
    """All pools between any two of `tokens`; with `from_block`, also those that events since then name."""
    keys = candidate_keys(venue, tokens, wrapped=wrapped)
    computed, found = yield from both(
        together([load(venue, key, wrapped=wrapped) for key in keys]),
        _found(venue, tokens, wrapped=wrapped, from_block=from_block),
    )
    if isinstance(found, str):
        note = SkippedPool(venue.name, "", f"pools with other keys were not searched: {found}")
        return [*computed, note]
    known = {key.pool_id for key in keys}
    others = [key for key in found if key.pool_id not in known]
    taken = yield from together([load(venue, key, wrapped=wrapped) for key in others[:MOST_FOUND]])
    if len(others) > MOST_FOUND:
        taken.append(SkippedPool(venue.name, "", f"{len(others) - MOST_FOUND} more pools with unusual keys"))
    return [*computed, *taken]


def load(venue: V4Venue, key: V4Key, *, wrapped: Address) -> Loading[ListedPool | SkippedPool | None]:
    """The pool with the ticks around its price, or None where there is none."""
    listed = listed_key(venue, key, wrapped=wrapped)
    store = tick_store(venue, listed)
    (slot0,) = yield from slots([Slot(store.address, store.base)])
    if not slot0:
        return None
    if key.hooks != ZERO_ADDRESS:
        return SkippedPool(venue.name, key.pool_id, f"has hooks {key.hooks}")
    sqrt_price_x96, tick = price_and_tick(slot0)
    (liquidity,), tick_map = yield from both(
        slots([store.liquidity()]), load_around(store, tick, spacing=key.tick_spacing)
    )
    if liquidity is None or tick_map is None:
        return SkippedPool(venue.name, key.pool_id, "the liquidity at its price is not recorded")
    if not liquidity and not tick_map.ticks:
        return SkippedPool(venue.name, key.pool_id, "it has no liquidity around its price")
    token0, token1 = listed.tokens
    try:
        pool = ConcentratedPool(
            pool_id=key.pool_id,
            family=listed.family,
            tokens=(token0, token1),
            fee_pips=slot0 >> 208 & 0xFFFFFF,
            tick_spacing=key.tick_spacing,
            sqrt_price_x96=sqrt_price_x96,
            tick=tick,
            liquidity=liquidity,
            tick_map=tick_map,
            protocol_fee_zero_for_one=slot0 >> 184 & 0xFFF,
            protocol_fee_one_for_zero=slot0 >> 196 & 0xFFF,
            currency0=key.currency0,
            currency1=key.currency1,
        )
    except StateConflict as conflict:
        return SkippedPool(venue.name, key.pool_id, conflict.reason)
    return ListedPool(listed, pool)


def _currencies(tokens: Sequence[Address], *, wrapped: Address) -> frozenset[Address]:
    return frozenset(tokens) | ({ZERO_ADDRESS} if wrapped in tokens else set())


def _found(
    venue: V4Venue, tokens: Sequence[Address], *, wrapped: Address, from_block: int | None
) -> Loading[list[V4Key] | str]:
    if from_block is None:
        return []
    wanted = tuple(f"0x{int(currency, 16):064x}" for currency in sorted(_currencies(tokens, wrapped=wrapped)))
    events = yield from logs(Logs(venue.pool_manager, (INITIALIZE, None, wanted, wanted), from_block))
    if isinstance(events, str):
        return events
    keys = [_key_in(event) for event in events]
    return list(dict.fromkeys(key for key in keys if key is not None))


def _key_in(event: Log) -> V4Key | None:
    """The key in an `Initialize` event; None unless it hashes to the id that the event names."""
    if len(event.topics) != 4 or len(event.data) < 96:
        return None
    words = [int.from_bytes(event.data[at : at + 32], "big") for at in (0, 32, 64)]
    spacing = words[1] - 2**256 if words[1] >> 255 else words[1]
    currency0, currency1 = (checksummed("0x" + topic[-40:]) for topic in event.topics[2:])
    key = V4Key(currency0, currency1, words[0], spacing, checksummed(f"0x{words[2] % 2**160:040x}"))
    return key if key.pool_id == event.topics[1].lower() else None
