"""Random pools and random swaps for the two concentrated families, and the comparison with what the chain did.

Owns: layouts (price, positions), swap requests that aim at the roundings, and the check of one swap and of its state.
Must not: know how a version is deployed or called; `Chain` is that part.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from oms.errors import InvalidRequest, QuoteRefused
from oms.liquidity.concentrated import ConcentratedPool, PoolDelta
from oms.liquidity.tick_math import (
    MAX_SQRT_PRICE_X96,
    MAX_TICK,
    MIN_SQRT_PRICE_X96,
    MIN_TICK,
    sqrt_price_at_tick,
)
from tests.differential.evm import Reverted

T = TypeVar("T")
LOWEST_LIMIT = MIN_SQRT_PRICE_X96 + 1
HIGHEST_LIMIT = MAX_SQRT_PRICE_X96 - 1


@dataclass(frozen=True, slots=True)
class Request:
    """One call of `swap`; the amount has v3's sign. A limit of None is the router's: the whole range."""

    zero_for_one: bool
    amount: int
    limit: int | None

    @property
    def chain_limit(self) -> int:
        if self.limit is not None:
            return self.limit
        return LOWEST_LIMIT if self.zero_for_one else HIGHEST_LIMIT


class Chain(Protocol):
    """One pool on a virtual machine."""

    tick_spacing: int

    def initialize(self, sqrt_price_x96: int) -> None: ...
    def add_liquidity(self, lower: int, upper: int, liquidity: int) -> None: ...
    def load(self) -> ConcentratedPool: ...
    def swap(self, request: Request) -> tuple[int, int]: ...
    def state(self) -> tuple[int, int, int]: ...
    def explains(self, refusal: Exception, reverted: Reverted) -> bool: ...


def build(chain: Chain, rng: random.Random) -> ConcentratedPool:
    """Initialize the pool at a random price, add one to a dozen random positions, and read it back."""
    tick = _random_tick(rng)
    price = sqrt_price_at_tick(tick)
    if rng.random() < 0.8:
        price = min(rng.randrange(price, sqrt_price_at_tick(tick + 1)), HIGHEST_LIMIT)
    chain.initialize(price)
    added = 0
    while added == 0:
        for lower, upper, liquidity in _positions(rng, tick, chain.tick_spacing):
            try:
                chain.add_liquidity(lower, upper, liquidity)
                added += 1
            except Reverted:
                # More than a tick, a balance or an int128 holds: another position takes its place.
                continue
    return chain.load()


def run(chain: Chain, rng: random.Random, *, swaps: int) -> int:
    """Do a sequence of swaps on one random pool; return how many reverted. Fails on the first difference."""
    pool = build(chain, rng)
    reverted = 0
    for _ in range(swaps):
        pool, refused = compare(chain, pool, _random_request(rng, pool))
        reverted += refused
    return reverted


def compare(chain: Chain, pool: ConcentratedPool, request: Request) -> tuple[ConcentratedPool, bool]:
    """Do one swap on the chain and in the model; return the pool after it, and whether both refused."""
    expected = _outcome(lambda: pool.swap(request.zero_for_one, request.amount, sqrt_price_limit_x96=request.limit))
    actual = _outcome(lambda: chain.swap(request))
    context = (pool, pool.tick_map, request, expected, actual)
    if isinstance(actual, Exception):
        assert isinstance(expected, Exception), context
        assert isinstance(actual, Reverted), context
        assert chain.explains(expected, actual), context
        _compare_quotes(pool, request, None)
        return pool, True
    assert isinstance(expected, PoolDelta), context
    assert (expected.amount0, expected.amount1) == actual, context
    state = (expected.sqrt_price_x96, expected.tick, expected.liquidity)
    assert state == chain.state(), (context, chain.state())
    _compare_quotes(pool, request, expected)
    return pool._moved(*state), False


def _compare_quotes(pool: ConcentratedPool, request: Request, delta: PoolDelta | None) -> None:
    """Where no limit was set, the quotes must say the same as the chain, and refuse a partial fill."""
    if request.limit is not None:
        return
    sell = request.amount > 0
    tokens = pool.tokens if request.zero_for_one else pool.tokens[::-1]
    taken = paid = 0
    if delta is not None:
        signed = (delta.amount0, delta.amount1) if request.zero_for_one else (delta.amount1, delta.amount0)
        taken, paid = signed[0], -signed[1]
    filled = delta is not None and abs(request.amount) == (taken if sell else paid)
    quote = _outcome(lambda: (pool.quote_in if sell else pool.quote_out)(*tokens, abs(request.amount)))
    lean = _outcome(lambda: (pool.amount_out if sell else pool.amount_in)(request.zero_for_one, abs(request.amount)))
    if isinstance(quote, Exception) or isinstance(lean, Exception):
        assert isinstance(quote, QuoteRefused), (pool, request, delta, quote)
        assert isinstance(lean, QuoteRefused), (pool, request, delta, lean)
        assert not filled, (pool, request, delta, quote)
        return
    assert filled, (pool, request, delta, quote)
    assert (quote.amount_in, quote.amount_out) == (taken, paid), (pool, request, delta, quote)
    assert lean == (paid if sell else taken)
    after = quote.next_pool
    assert isinstance(after, ConcentratedPool)
    assert delta is not None
    assert (after.sqrt_price_x96, after.tick, after.liquidity) == (delta.sqrt_price_x96, delta.tick, delta.liquidity)


def _outcome(action: Callable[[], T]) -> T | QuoteRefused | InvalidRequest | Reverted:
    try:
        return action()
    except (QuoteRefused, InvalidRequest, Reverted) as error:
        return error


def _random_tick(rng: random.Random) -> int:
    kind = rng.random()
    if kind < 0.6:
        return rng.randint(-20_000, 20_000)
    if kind < 0.9:
        return rng.randint(-400_000, 400_000)
    if kind < 0.95:
        return rng.randint(MIN_TICK + 1, MIN_TICK + 3_000)
    return rng.randint(MAX_TICK - 3_000, MAX_TICK - 2)


def _positions(rng: random.Random, tick: int, spacing: int) -> Iterator[tuple[int, int, int]]:
    """Bounds and liquidity; sometimes a neighbour of equal liquidity, whose shared tick has a net of zero."""
    lowest, highest = -(MAX_TICK // spacing) * spacing, MAX_TICK // spacing * spacing
    size = rng.choice((4, 20, 40, 64, 64, 80, 100))
    for _ in range(rng.randint(1, 8)):
        reach = rng.choice((1, 3, 10, 300, 3_000, 2 * MAX_TICK // spacing))
        middle = tick // spacing + rng.randint(-reach, reach) // 2
        lower = _clamp((middle - rng.randint(0, reach)) * spacing, lowest, highest - spacing)
        upper = _clamp((middle + rng.randint(1, reach)) * spacing, lower + spacing, highest)
        liquidity = rng.randrange(1, 2 ** max(size + rng.randint(-3, 3), 1))
        yield lower, upper, liquidity
        if rng.random() < 0.3 and upper < highest:
            yield upper, _clamp(upper + rng.randint(1, 300) * spacing, upper + spacing, highest), liquidity


def _random_request(rng: random.Random, pool: ConcentratedPool) -> Request:
    # A pool that was drained mostly trades the other way next, else most of a sequence would be refused.
    at_bottom, at_top = pool.sqrt_price_x96 <= LOWEST_LIMIT, pool.sqrt_price_x96 >= HIGHEST_LIMIT
    zero_for_one = rng.random() < (0.1 if at_bottom else 0.9 if at_top else 0.5)
    sign = rng.choice((1, -1))
    return Request(zero_for_one, sign * _random_amount(rng, pool, zero_for_one, sign), _random_limit(rng, pool))


def _random_amount(rng: random.Random, pool: ConcentratedPool, zero_for_one: bool, sign: int) -> int:
    kind = rng.random()
    tokens = pool.tokens if zero_for_one else pool.tokens[::-1]
    if kind < 0.02:
        return 0
    if kind < 0.05:
        return rng.choice((2**127 - 1, 2**127, 2**127 + 1, 2**128, 2**255 - 1))
    if kind < 0.35:
        return rng.getrandbits(rng.randint(1, 130)) + 1
    if kind < 0.65:
        limits = pool.limits(*tokens)
        most = limits.max_amount_in if sign > 0 else limits.max_amount_out
        share = most >> rng.choice((0, 0, 1, 2, 4, 8, 16))
        return max(rng.randint(share // 2, share + share // 8 + 1), 1)
    return max(_amount_to_boundary(rng, pool, zero_for_one, sign) + rng.choice((-1, 0, 0, 1)), 1)


def _amount_to_boundary(rng: random.Random, pool: ConcentratedPool, zero_for_one: bool, sign: int) -> int:
    """What brings the price exactly to some initialized tick or word end on its way."""
    spacing = pool.tick_spacing
    if rng.random() < 0.7:
        ahead = [t for t in pool.tick_map.ticks if (t < pool.tick) == zero_for_one]
        tick = rng.choice(ahead[-3:] if zero_for_one else ahead[:3]) if ahead else pool.tick
    elif zero_for_one:
        tick = (pool.tick // spacing & ~0xFF) * spacing
    else:
        tick = (pool.tick // spacing + 1 | 0xFF) * spacing
    limit = _clamp(sqrt_price_at_tick(_clamp(tick, MIN_TICK, MAX_TICK)), LOWEST_LIMIT, HIGHEST_LIMIT)
    try:
        delta = pool.swap(zero_for_one, sign * (2**255 - 1), sqrt_price_limit_x96=limit)
    except (QuoteRefused, InvalidRequest):
        return 1
    taken, paid = (delta.amount0, -delta.amount1) if zero_for_one else (delta.amount1, -delta.amount0)
    return taken if sign > 0 else paid


def _random_limit(rng: random.Random, pool: ConcentratedPool) -> int | None:
    kind = rng.random()
    if kind < 0.75:
        return None
    if kind < 0.85:
        step = rng.getrandbits(rng.randint(1, pool.sqrt_price_x96.bit_length()))
        return _clamp(pool.sqrt_price_x96 + rng.choice((-1, 1)) * step, 1, 2**160 - 1)
    if kind < 0.95:
        near = pool.tick + rng.randint(-2_000, 2_000)
        return sqrt_price_at_tick(_clamp(near // pool.tick_spacing * pool.tick_spacing, MIN_TICK, MAX_TICK))
    return rng.choice((MIN_SQRT_PRICE_X96, LOWEST_LIMIT, HIGHEST_LIMIT, MAX_SQRT_PRICE_X96, pool.sqrt_price_x96))


def _clamp(value: int, low: int, high: int) -> int:
    return min(max(value, low), high)
