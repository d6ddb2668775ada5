"""Markets that nobody recorded: the auction's pools cloned with noise, and a small one of constant-product pairs.

Owns: seeded variations of pools, each a state that a chain could hold.
Must not: route, or measure.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.auction import liquidity_at
from oms.domain.venue import Family, PoolKey
from oms.liquidity.composable_stable import BalancerStablePool
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.constant_product import ConstantProductPool
from oms.liquidity.listing import ListedPool
from oms.liquidity.pool import Pool
from oms.liquidity.tick_map import TickMap
from oms.liquidity.tick_math import tick_at_sqrt_price
from oms.liquidity.weighted import WeightedPool
from oms.units import Address

SYNTHETIC_POOLS, SYNTHETIC_TOKENS = 40, 8
SYNTHETIC_SEED = 20_231_121
_NOISE_OF_FEE = 0.3
"""A clone's price differs by up to this share of its fee, so that clones bring little free arbitrage of their own."""


def resized(pools: Sequence[ListedPool], count: int, *, seed: int) -> tuple[ListedPool, ...]:
    """`count` of the pools, or all of them and as many noisy clones as it takes; the same for the same seed."""
    generator = random.Random(f"{seed} {count}")  # noqa: S311 (a benchmark's variety, no secret)
    if count <= len(pools):
        return tuple(generator.sample(list(pools), count))
    clones = (_clone(pools[number % len(pools)], number, generator) for number in range(len(pools), count))
    return (*pools, *clones)


def _clone(listed: ListedPool, number: int, generator: random.Random) -> ListedPool:
    name = _address(number)
    noise = generator.uniform(-1, 1) * _NOISE_OF_FEE * listed.key.fee_pips / 10**6
    pool = _varied(listed.pool, name, depth=math.exp(generator.gauss(0, 0.5)), noise=noise)
    settles_at = name if listed.key.settles_at == listed.key.pool_id else listed.key.settles_at
    return ListedPool(replace(listed.key, pool_id=name, settles_at=settles_at), pool)


def _varied(pool: Pool, name: Address, *, depth: float, noise: float) -> Pool:
    """The same pool under another name, `depth` times as deep, token 0 cheaper by about `noise`."""
    if isinstance(pool, ConstantProductPool):
        reserves = _at_least_one(pool.reserve0 * depth * (1 + noise)), _at_least_one(pool.reserve1 * depth)
        return replace(pool, pool_id=name, reserve0=reserves[0], reserve1=reserves[1])
    if isinstance(pool, ConcentratedPool):
        return _varied_concentrated(pool, name, times=max(1, round(depth)), noise=noise)
    if isinstance(pool, WeightedPool):
        first, *others = pool.balances
        balances = [first * depth * (1 + noise), *(balance * depth for balance in others)]
        return replace(pool, pool_id=name, address=name, balances=tuple(map(_at_least_one, balances)))
    if isinstance(pool, BalancerStablePool):
        balances = [balance * depth for balance in pool.balances]
        return replace(pool, pool_id=name, address=name, balances=tuple(map(_at_least_one, balances)))
    raise TypeError(f"no variation of {pool.family}")


def _varied_concentrated(pool: ConcentratedPool, name: Address, *, times: int, noise: float) -> ConcentratedPool:
    """Whole multiples of the nets, so that they still sum to zero."""
    tick_map = TickMap(pool.tick_map.ticks, tuple(net * times for net in pool.tick_map.nets))
    sqrt_price_x96 = int(pool.sqrt_price_x96 * (1 - noise / 2))
    tick = tick_at_sqrt_price(sqrt_price_x96)
    return ConcentratedPool(
        name,
        pool.family,
        pool.tokens,
        pool.fee_pips,
        pool.tick_spacing,
        sqrt_price_x96,
        tick,
        liquidity_at(tick_map, tick),
        tick_map,
    )


def _at_least_one(value: float) -> int:
    return max(1, int(value))


def _address(number: int) -> Address:
    """An address that no pool of the record has."""
    return Address(f"0x{number:040d}")


@dataclass(frozen=True, slots=True)
class Synthetic:
    """A market of pairs and one order on it."""

    pools: tuple[ListedPool, ...]
    token_in: Address
    token_out: Address
    amount_in: int
    tokens: tuple[Address, ...]
    fair_prices: tuple[float, ...]
    """What a base unit of each token is worth."""


def synthetic(*, seed: int = SYNTHETIC_SEED) -> Synthetic:
    """40 pairs at 30 bps among 8 tokens of 18 decimals, and a sale of 30 units of value of the first for the last.

    Fair prices are log-uniform within a factor of 100. Pairs join the tokens in a ring first, then at random; each side
    is worth 300 units on average (log-normal, sigma 0.5) at prices within 5 bps of fair ones, so that no circle of
    three pays its fees of 90 bps.
    """
    generator = random.Random(seed)  # noqa: S311
    tokens = [_address(10**6 + number) for number in range(SYNTHETIC_TOKENS)]
    prices = tuple(math.exp(generator.uniform(0, math.log(100))) for _ in tokens)
    pairs = [(number, (number + 1) % SYNTHETIC_TOKENS) for number in range(SYNTHETIC_TOKENS)]
    while len(pairs) < SYNTHETIC_POOLS:
        pairs.append(tuple(generator.sample(range(SYNTHETIC_TOKENS), 2)))  # type: ignore[arg-type]
    pools = []
    for number, pair in enumerate(pairs):
        first, second = sorted(pair)
        worth = 300e18 * math.exp(generator.gauss(0, 0.5))
        reserve0 = int(worth / prices[first] * (1 + generator.uniform(-5e-4, 5e-4)))
        reserve1 = int(worth / prices[second])
        name, held = _address(2 * 10**6 + number), (tokens[first], tokens[second])
        key = PoolKey(Family.UNISWAP_V2, "uniswap_v2", name, name, held, fee_pips=3_000)
        pools.append(ListedPool(key, ConstantProductPool(name, *held, reserve0, reserve1)))
    return Synthetic(tuple(pools), tokens[0], tokens[-1], int(30e18 / prices[0]), tuple(tokens), prices)
