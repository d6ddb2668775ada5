"""A chain in memory whose pools trade: true states by block, logs as a node words them, branches, and a bad courier.

Owns: the truth that a follower must arrive at. The states after trades come from the pools' own `next_pool`, those
after mints and burns from the list of positions; nothing here uses `apply`.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from oms.adapters.evm.chain_logs import bloom_bits, pool_logs
from oms.adapters.evm.pools.logs import topic_of
from oms.domain.block import BlockHeader, BlockPin
from oms.domain.venue import Family, PoolKey
from oms.errors import QuoteRefused, Retryable
from oms.liquidity.composable_stable import BalancerStablePool
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.constant_product import ConstantProductPool
from oms.liquidity.listing import ListedPool, PoolSnapshot, SkippedPool
from oms.liquidity.pool import Pool, Swap
from oms.liquidity.pool_events import LogSource, PoolLog
from oms.liquidity.solidly import SolidlyPool
from oms.liquidity.stableswap import Amplification, StableSwapPool
from oms.liquidity.tick_map import TickMap
from oms.liquidity.tick_math import sqrt_price_at_tick
from oms.liquidity.weighted import WeightedPool
from oms.units import Address, BlockNumber, Wei

ONE = 10**18
REACH = 4_000
"""Ticks either side of the price that one reading of a concentrated pool tells."""
Position = tuple[int, int, int]
RawLog = dict[str, Any]


def address(number: int) -> Address:
    """A checksummed-looking address; digits only, so that its lower case is itself."""
    return Address(f"0x{number:040d}")


A, B, C = address(1), address(2), address(3)
VAULT, MANAGER = address(90), address(91)


@dataclass(frozen=True)
class World:
    """The true pools at one block, whole; positions of the concentrated ones."""

    pools: dict[str, Pool]
    positions: dict[str, tuple[Position, ...]]


@dataclass(frozen=True)
class Block:
    """A block with its logs as a node words them, and the world after it."""

    header: BlockHeader
    raw_logs: tuple[RawLog, ...]
    world: World


@dataclass
class Faults:
    """How the courier errs: chances per answer (`fail`, `stale`) or per log (`drop`, `repeat`), and of shuffling."""

    drop: float = 0.0
    repeat: float = 0.0
    shuffle: float = 0.0
    stale: float = 0.0
    fail: float = 0.0


@dataclass
class FakeChain:
    """Implements `ChainLogs` and `BlockPools`. `tip` is the head of the chain that the node shows."""

    rng: random.Random
    with_bloom: bool = True
    pools_per_family: int = 2
    faults: Faults = field(default_factory=Faults)
    blocks: dict[str, Block] = field(default_factory=dict)
    keys: dict[str, PoolKey] = field(default_factory=dict)
    canonical: list[str] = field(default_factory=list)
    readings: int = 0
    headers_asked: int = 0
    _salt: int = 0

    def __post_init__(self) -> None:
        pools: dict[str, Pool] = {}
        positions: dict[str, tuple[Position, ...]] = {}
        for number in range(self.pools_per_family):
            for key, pool, held in _opening(number):
                self.keys[key.pool_id], pools[key.pool_id] = key, pool
                if held:
                    positions[key.pool_id] = held
        self._push(World(pools, positions), [], parent="0x" + "00" * 32, number=100)

    # --- what the node shows ---

    @property
    def subject(self) -> str:
        return "fake"

    @property
    def tip(self) -> Block:
        return self.blocks[self.canonical[-1]]

    def head(self) -> BlockHeader:
        self._maybe_fail()
        return self.tip.header

    def headers(self, numbers: Sequence[int]) -> tuple[BlockHeader, ...]:
        self._maybe_fail()
        first = self.blocks[self.canonical[0]].header.pin.number
        self.headers_asked += len(numbers)
        found = []
        for number in numbers:
            if not 0 <= number - first < len(self.canonical):
                raise Retryable("fake", f"no block {number}")
            found.append(self.blocks[self.canonical[number - first]].header)
        return tuple(found)

    def logs(self, headers: Sequence[BlockHeader]) -> tuple[tuple[PoolLog, ...], ...]:
        self._maybe_fail()
        delivered = [self._delivered(self.blocks[header.pin.hash]) for header in headers]
        if delivered and delivered[-1] and self.rng.random() < self.faults.stale:
            delivered[-1] = (*delivered[-1], delivered[-1][0]._replace(block_hash="0x" + "ee" * 32))
        return tuple(delivered)

    def may_hold(self, header: BlockHeader, sources: Iterable[LogSource]) -> frozenset[LogSource]:
        bloom = header.logs_bloom
        masks = {source: bloom_bits(*(part for part in source if part)) for source in sources}
        return frozenset(source for source, mask in masks.items() if bloom and mask & ~bloom == 0)

    def snapshot(self, header: BlockHeader) -> PoolSnapshot:
        loaded = self.load(header, list(self.keys.values()))
        listed = tuple(entry for entry in loaded if isinstance(entry, ListedPool))
        return PoolSnapshot(header.pin, listed, tuple(entry for entry in loaded if isinstance(entry, SkippedPool)))

    def load(self, header: BlockHeader, keys: Sequence[PoolKey]) -> tuple[ListedPool | SkippedPool, ...]:
        self._maybe_fail()
        if header.pin.hash not in self.canonical[-300:]:
            raise Retryable("fake", "the block was replaced while it was read")
        self.readings += len(keys)
        pools = self.blocks[header.pin.hash].world.pools
        return tuple(_read(key, pools[key.pool_id], header.pin.timestamp) for key in keys)

    def widen(self, header: BlockHeader, listed: ListedPool, *, zero_for_one: bool) -> ListedPool:
        self._maybe_fail()
        whole = self.blocks[header.pin.hash].world.pools[listed.key.pool_id]
        if not isinstance(whole, ConcentratedPool) or listed.pool == whole:
            return listed
        return ListedPool(listed.key, whole)

    # --- what happens on it ---

    def grow(self, blocks: int = 1, *, actions: int = 4) -> None:
        """Blocks with random trades and changes of liquidity."""
        for _ in range(blocks):
            parent = self.tip
            world, raw = World(dict(parent.world.pools), dict(parent.world.positions)), list[RawLog]()
            for transaction in range(actions):
                pool_id = self.rng.choice(list(world.pools))
                found = self._act(world, pool_id)
                raw += [log | {"transactionIndex": hex(transaction)} for log in found]
                if self.rng.random() < 0.3:  # somebody unknown, by the same events
                    raw += [log | {"address": address(77), "transactionIndex": hex(transaction)} for log in found]
            self._push(world, raw, parent=parent.header.pin.hash, number=parent.header.pin.number + 1)

    def reorganise(self, depth: int, *, longer: int = 1) -> None:
        """Replace the newest `depth` blocks by others, and `longer` more."""
        del self.canonical[-depth:]
        self.grow(depth + longer)

    def _act(self, world: World, pool_id: str) -> list[RawLog]:
        pool = world.pools[pool_id]
        if pool_id in world.positions and self.rng.random() < 0.4:
            return self._move_liquidity(world, pool_id)
        token_in, token_out = self.rng.sample(list(pool.tokens), 2)
        amount = int(self.rng.uniform(0.0001, 0.02) * 10**24)
        try:
            swap = pool.quote_in(token_in, token_out, amount)
        except QuoteRefused:
            return []
        if not swap.amount_out:
            return []
        world.pools[pool_id] = swap.next_pool
        return _trade_logs(self.keys[pool_id], pool, swap, sold=token_in, bought=token_out)

    def _move_liquidity(self, world: World, pool_id: str) -> list[RawLog]:
        pool, held = world.pools[pool_id], list(world.positions[pool_id])
        assert isinstance(pool, ConcentratedPool)
        if self.rng.random() < 0.5 and len(held) > 1:
            lower, upper, liquidity = held.pop(self.rng.randrange(1, len(held)))
            delta = -liquidity
        else:
            spacing = pool.tick_spacing
            lower = (pool.tick // spacing + self.rng.randrange(-30, 30)) * spacing
            upper = lower + self.rng.randrange(1, 100) * spacing
            delta = self.rng.randrange(1, 10**24)
            held.append((lower, upper, delta))
        world.positions[pool_id] = tuple(held)
        world.pools[pool_id] = with_positions(pool, held)
        return [_liquidity_log(self.keys[pool_id], lower, upper, delta)]

    def _push(self, world: World, raw: list[RawLog], *, parent: str, number: int) -> None:
        self._salt += 1
        block_hash = "0x" + sha256(f"{self._salt} {number}".encode()).hexdigest()
        bloom = 0
        for log in raw:
            bloom |= bloom_bits(log["address"], *log["topics"])
        pin = BlockPin(1, BlockNumber(number), block_hash, 1_700_000_000 + 12 * number, Wei(10**9))
        placed = tuple(
            log | {"blockHash": block_hash, "logIndex": hex(index), "removed": False} for index, log in enumerate(raw)
        )
        header = BlockHeader(pin, parent, bloom if self.with_bloom else 0)
        self.blocks[block_hash] = Block(header, placed, world)
        self.canonical.append(block_hash)

    def _delivered(self, block: Block) -> tuple[PoolLog, ...]:
        faults, rng = self.faults, self.rng
        raw = [log for log in block.raw_logs if rng.random() >= faults.drop]
        raw += [log for log in raw if rng.random() < faults.repeat]
        if rng.random() < faults.shuffle:
            rng.shuffle(raw)
        return pool_logs(raw, block_hash=block.header.pin.hash, venue="fake")

    def _maybe_fail(self) -> None:
        if self.rng.random() < self.faults.fail:
            raise Retryable("fake", "does not answer")


def with_positions(pool: ConcentratedPool, positions: Sequence[Position]) -> ConcentratedPool:
    """The pool at its price with exactly these positions."""
    nets: dict[int, int] = {}
    grosses: dict[int, int] = {}
    for lower, upper, liquidity in positions:
        for tick, net in ((lower, liquidity), (upper, -liquidity)):
            nets[tick] = nets.get(tick, 0) + net
            grosses[tick] = grosses.get(tick, 0) + liquidity
    active = sum(liquidity for lower, upper, liquidity in positions if lower <= pool.tick < upper)
    return replace(pool, liquidity=active, tick_map=TickMap.of(nets, liquidity_gross=grosses))


def _read(key: PoolKey, pool: Pool, timestamp: int) -> ListedPool | SkippedPool:
    """What a reading at the block tells: of a concentrated pool only the ticks around its price."""
    if isinstance(pool, StableSwapPool):
        return ListedPool(key, pool.at(timestamp))
    if not isinstance(pool, ConcentratedPool):
        return ListedPool(key, pool)
    low, high = pool.tick - REACH, pool.tick + REACH
    whole = pool.tick_map
    nets = dict(zip(whole.ticks, whole.nets, strict=True))
    grosses = dict(zip(whole.ticks, whole.grosses or (), strict=True))
    near = TickMap.of(nets, known_min_tick=low, known_max_tick=high, liquidity_gross=grosses)
    if not pool.liquidity and not near.ticks:
        return SkippedPool(key.venue, key.pool_id, "it has no liquidity around its price")
    return ListedPool(key, replace(pool, tick_map=near))


def _opening(number: int) -> list[tuple[PoolKey, Pool, tuple[Position, ...]]]:
    """One pool of each family."""
    own = [address(1000 + 10 * number + place) for place in range(4)]
    v4_id = "0x" + sha256(f"v4 {number}".encode()).hexdigest()
    weighted, stable = address(2000 + number), address(3000 + number)
    vault_ids = [f"{pool}{kind:04x}{'00' * 8}{number:04x}" for pool, kind in ((weighted, 2), (stable, 0))]
    held = ((-600_000, 600_000, 10**25), (-1_200, 1_800, 3 * 10**25))
    v2 = ConstantProductPool(own[0], A, B, 10**24 + number, 2 * 10**24)
    v3 = _concentrated(own[1], Family.UNISWAP_V3, held)
    v4 = replace(_concentrated(v4_id, Family.UNISWAP_V4, held), currency0=A, currency1=B)
    solidly = SolidlyPool(own[2], A, B, 10**24, 10**24 + number, 18, 18, 5, stable=True)
    curve = StableSwapPool(
        own[3], (A, B, C), (10**24, 10**24, 10**24 + number), (ONE, ONE, ONE), Amplification.constant(200),
        4_000_000, 5_000_000_000, 0,
    )  # fmt: skip
    weights = WeightedPool(
        vault_ids[0], weighted, (A, B), (10**24, 4 * 10**24), (ONE // 5, 4 * ONE // 5), (18, 18), 3 * 10**15
    )
    stables = BalancerStablePool(vault_ids[1], stable, (A, B, C), (10**24,) * 3, (ONE,) * 3, 500_000, 4 * 10**14)
    return [
        (PoolKey(Family.UNISWAP_V2, "v2", own[0], own[0], (A, B), 3000), v2, ()),
        (PoolKey(Family.UNISWAP_V3, "v3", own[1], own[1], (A, B), 3000, 60), v3, held),
        (PoolKey(Family.UNISWAP_V4, "v4", v4_id, MANAGER, (A, B), 3000, 60), v4, held),
        (PoolKey(Family.SOLIDLY, "solidly", own[2], own[2], (A, B), 500, stable=True), solidly, ()),
        (PoolKey(Family.CURVE_STABLESWAP, "curve", own[3], own[3], (A, B, C), 400), curve, ()),
        (PoolKey(Family.BALANCER_WEIGHTED, "vault", vault_ids[0], VAULT, (A, B), 3000), weights, ()),
        (PoolKey(Family.BALANCER_STABLE, "vault", vault_ids[1], VAULT, (A, B, C), 400), stables, ()),
    ]


def _concentrated(pool_id: str, family: Family, held: Sequence[Position]) -> ConcentratedPool:
    empty = ConcentratedPool(pool_id, family, (A, B), 3000, 60, sqrt_price_at_tick(0), 0, 0, TickMap.of({}))
    return with_positions(empty, held)


# --- logs as a node words them ---


def raw_log(emitter: str, signature: str, indexed: Sequence[int], data: Sequence[int]) -> RawLog:
    """An `eth_getLogs` entry without its place."""
    return {
        "address": emitter,
        "topics": [topic_of(signature), *(_hex(value) for value in indexed)],
        "data": "0x" + "".join(_hex(value)[2:] for value in data),
    }


def _hex(value: int) -> str:
    return f"0x{value % 2**256:064x}"


def _trade_logs(key: PoolKey, before: Pool, swap: Swap, *, sold: Address, bought: Address) -> list[RawLog]:
    after, amount_in, amount_out = swap.next_pool, swap.amount_in, swap.amount_out
    i, j = before.tokens.index(sold), before.tokens.index(bought)
    who, emitter = int(address(55), 16), key.settles_at
    if isinstance(after, ConstantProductPool):
        return [raw_log(emitter, "Sync(uint112,uint112)", (), (after.reserve0, after.reserve1))]
    if isinstance(after, SolidlyPool):
        return [raw_log(emitter, "Sync(uint256,uint256)", (), (after.reserve0, after.reserve1))]
    if isinstance(after, ConcentratedPool):
        state = (after.sqrt_price_x96, after.liquidity, after.tick)
        signed = (amount_in, -amount_out) if i == 0 else (-amount_out, amount_in)
        if after.family is Family.UNISWAP_V3:
            signature = "Swap(address,address,int256,int256,uint160,uint128,int24)"
            return [raw_log(emitter, signature, (who, who), (*signed, *state))]
        signature = "Swap(bytes32,address,int128,int128,uint160,uint128,int24,uint24)"
        data = (-signed[0], -signed[1], *state, after.swap_fee_pips(i == 0))
        return [raw_log(emitter, signature, (int(key.pool_id, 16), who), data)]
    if isinstance(after, StableSwapPool):
        signature = "TokenExchange(address,int128,uint256,int128,uint256)"
        return [raw_log(emitter, signature, (who,), (i, amount_in, j, amount_out))]
    topics = (int(key.pool_id, 16), int(sold, 16), int(bought, 16))
    return [raw_log(emitter, "Swap(bytes32,address,address,uint256,uint256)", topics, (amount_in, amount_out))]


def _liquidity_log(key: PoolKey, lower: int, upper: int, delta: int) -> RawLog:
    who = int(address(55), 16)
    if key.family is Family.UNISWAP_V4:
        signature = "ModifyLiquidity(bytes32,address,int24,int24,int256,bytes32)"
        return raw_log(key.settles_at, signature, (int(key.pool_id, 16), who), (lower, upper, delta, 0))
    if delta > 0:
        signature = "Mint(address,address,int24,int24,uint128,uint256,uint256)"
        return raw_log(key.settles_at, signature, (who, lower, upper), (who, delta, 1, 1))
    signature = "Burn(address,int24,int24,uint128,uint256,uint256)"
    return raw_log(key.settles_at, signature, (who, lower, upper), (-delta, 1, 1))
