"""How long a block takes to follow: decoding and applying the logs of a block that touches 300 pools.

Owns: the block that is measured. Must not: ask a node.
The pools are of every family that a chain's busiest blocks touch; logs are worded as `eth_getLogs` words them, after
JSON is read. Measured is what `Follower` does with them but for the network: checking, decoding, ordering, applying,
and keeping what undoes the block. It is the thread's processor time, as nothing in it waits.
"""

import gc
import time
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from benchmarks.measures import Findings, Measure, Reading
from oms.adapters.evm.chain_logs import pool_logs
from oms.adapters.evm.pools.logs import topic_of
from oms.domain.block import BlockHeader, BlockPin
from oms.domain.venue import Family, PoolKey
from oms.liquidity.composable_stable import BalancerStablePool
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.constant_product import ConstantProductPool
from oms.liquidity.followed import FollowedPools, Waiting, advanced
from oms.liquidity.listing import ListedPool
from oms.liquidity.solidly import SolidlyPool
from oms.liquidity.stableswap import Amplification, StableSwapPool
from oms.liquidity.tick_map import TickMap
from oms.liquidity.tick_math import sqrt_price_at_tick, tick_at_sqrt_price
from oms.liquidity.weighted import WeightedPool
from oms.units import Address, BlockNumber, Wei

APPLY = Measure(
    key="state.apply_block_ms",
    unit="ms",
    what="a block that touches 300 of 1,000 followed pools: its logs decoded and applied",
    aim=10.0,
    less_is_better=True,
)
MEASURES = (APPLY,)

POOLS, TOUCHED, BLOCKS = 1_000, 300, 60
_ONE = 10**18
_TICKS = 48
"""Initialized ticks that a snapshot knows of a busy concentrated pool."""
_MIX = ("v2", "v3", "v3", "v3", "v4", "v4", "weighted", "stable", "curve", "solidly")
_A, _B, _C = (Address(f"0x{digit:040d}") for digit in (1, 2, 3))
_VAULT, _MANAGER = (Address(f"0x{digit:040d}") for digit in (90, 91))
_WHO = 55
RawLog = dict[str, Any]


def measure(wanted: Sequence[Measure], findings: Findings) -> None:
    """Follow a few dozen blocks and report the median; every pool touched must have been followed."""
    if APPLY not in wanted:
        return
    listed = [_listed(number) for number in range(POOLS)]
    followed = FollowedPools.at(_header(0), listed)
    seconds = []
    gc.disable()
    try:
        for number in range(1, BLOCKS + 1):
            header = _header(number)
            raw = _block_logs(followed, number, header.pin.hash)
            begun = time.thread_time()
            followed = advanced(followed, header, pool_logs(raw, block_hash=header.pin.hash, venue="bench"))
            seconds.append(time.thread_time() - begun)
            if len(followed.history[-1].before) != TOUCHED:
                findings.errors.append(f"{APPLY.key}: {len(followed.history[-1].before)} pools changed, not {TOUCHED}")
                return
    finally:
        gc.enable()
    lost = [entry.reason for entry in followed.entries.values() if isinstance(entry, Waiting)]
    if lost:
        findings.errors.append(f"{APPLY.key}: {len(lost)} pools were lost: {lost[0]}")
        return
    findings.readings.append(Reading(APPLY, 1_000 * median(seconds[5:])))


def _header(number: int) -> BlockHeader:
    pin = BlockPin(1, BlockNumber(number), f"0x{number:064x}", 1_700_000_000 + 12 * number, Wei(10**9))
    return BlockHeader(pin, f"0x{number - 1 if number else 0:064x}")


def _listed(number: int) -> ListedPool:
    own = Address(f"0x{1_000 + number:040d}")
    kind = _MIX[number % len(_MIX)]
    pool_id = f"0x{number + 1:064x}"
    if kind == "v2":
        pair = ConstantProductPool(own, _A, _B, 10**24, 10**24)
        return ListedPool(PoolKey(Family.UNISWAP_V2, kind, own, own, (_A, _B)), pair)
    if kind in ("v3", "v4"):
        family = Family.UNISWAP_V3 if kind == "v3" else Family.UNISWAP_V4
        where = (own, own) if kind == "v3" else (pool_id, _MANAGER)
        nets = {60 * tick: 10**20 if tick < 0 else -(10**20) for tick in range(-_TICKS // 2, _TICKS // 2)}
        ticks = TickMap.of(nets, liquidity_gross=dict.fromkeys(nets, 10**21))
        liquidity = 10**20 * (_TICKS // 2)
        crossed = liquidity - 10**20  # tick 0 is crossed: the price is above it
        pool = ConcentratedPool(where[0], family, (_A, _B), 3000, 60, sqrt_price_at_tick(30), 30, crossed, ticks)
        return ListedPool(PoolKey(family, kind, *where, (_A, _B), 3000, 60), pool)
    if kind == "weighted":
        weights = WeightedPool(pool_id, own, (_A, _B), (10**24, 10**24), (_ONE // 2, _ONE // 2), (18, 18), 10**15)
        return ListedPool(PoolKey(Family.BALANCER_WEIGHTED, kind, pool_id, _VAULT, (_A, _B)), weights)
    if kind == "stable":
        stables = BalancerStablePool(pool_id, own, (_A, _B, _C), (10**24,) * 3, (_ONE,) * 3, 500_000, 10**14)
        return ListedPool(PoolKey(Family.BALANCER_STABLE, kind, pool_id, _VAULT, (_A, _B, _C)), stables)
    if kind == "curve":
        line = Amplification.constant(200)
        coins = StableSwapPool(own, (_A, _B, _C), (10**24,) * 3, (_ONE,) * 3, line, 4_000_000, 5 * 10**9, 0)
        return ListedPool(PoolKey(Family.CURVE_STABLESWAP, kind, own, own, (_A, _B, _C)), coins)
    solid = SolidlyPool(own, _A, _B, 10**24, 10**24, 18, 18, 5, stable=False)
    return ListedPool(PoolKey(Family.SOLIDLY, kind, own, own, (_A, _B)), solid)


def _block_logs(followed: FollowedPools, number: int, block_hash: str) -> list[RawLog]:
    """What 300 pools tell of one trade each, or of a mint beside it, in the form of `eth_getLogs`."""
    entries = list(followed.entries.values())
    start = 300 * number % len(entries)
    found: list[RawLog] = []
    for entry in (entries * 2)[start : start + TOUCHED]:
        if isinstance(entry, ListedPool):
            found += _logs_of(entry, number)
    return [
        log | {"blockHash": block_hash, "logIndex": hex(at), "transactionIndex": hex(at // 3), "removed": False}
        for at, log in enumerate(found)
    ]


def _logs_of(listed: ListedPool, number: int) -> Iterator[RawLog]:
    pool, emitter, pool_id = listed.pool, listed.key.settles_at, listed.key.pool_id
    if isinstance(pool, ConstantProductPool | SolidlyPool):
        signature = "Sync(uint112,uint112)" if isinstance(pool, ConstantProductPool) else "Sync(uint256,uint256)"
        yield _log(emitter, signature, (), (pool.reserve0 + number, pool.reserve1 - number))
    elif isinstance(pool, ConcentratedPool):
        price = sqrt_price_at_tick(pool.tick) + number * 10**20
        state = (price, pool.liquidity, tick_at_sqrt_price(price))
        if pool.family is Family.UNISWAP_V3:
            yield _log(emitter, "Swap(address,address,int256,int256,uint160,uint128,int24)", (1, 2), (1, -1, *state))
            if number % 5 == 0:
                mint = "Mint(address,address,int24,int24,uint128,uint256,uint256)"
                yield _log(emitter, mint, (_WHO, 60 * 40, 60 * 50), (_WHO, 10**18, 1, 1))
        else:
            signature = "Swap(bytes32,address,int128,int128,uint160,uint128,int24,uint24)"
            yield _log(emitter, signature, (int(pool_id, 16), _WHO), (1, -1, *state, pool.fee_pips))
    elif isinstance(pool, StableSwapPool):
        paid = pool.amount_out(0, 1, 10**18)
        yield _log(emitter, "TokenExchange(address,int128,uint256,int128,uint256)", (_WHO,), (0, 10**18, 1, paid))
    else:
        topics = (int(pool_id, 16), int(_A, 16), int(_B, 16))
        yield _log(emitter, "Swap(bytes32,address,address,uint256,uint256)", topics, (10**18, 10**18))


def _log(emitter: str, signature: str, indexed: Sequence[int], data: Sequence[int]) -> RawLog:
    return {
        "address": emitter,
        "topics": [topic_of(signature), *(f"0x{value % 2**256:064x}" for value in indexed)],
        "data": "0x" + "".join(f"{value % 2**256:064x}" for value in data),
    }
