"""Concentrated liquidity: Uniswap v3 and its forks, and Uniswap v4 pools without hooks.

Owns: `pool.swap` step by step, rounding by rounding, and a fast path that gives the same integers.
Must not: load ticks, guess a tick that was not loaded, or model hooks, fee growth, oracles and protocol income.
Source: Uniswap v3 core `UniswapV3Pool.swap`, `SwapMath`, `SqrtPriceMath`, `TickBitmap`; v4 core `Pool.swap`.

The chain walks from boundary to boundary; a boundary is an initialized tick or the end of a 256-tick bitmap word, and
each piece between two is a step with roundings of its own. A step that reaches its boundary costs and pays the same
whatever remains of the order, so the cumulated amounts of whole steps are kept per direction (`TickPath`), as far as
any quote has asked. A quote is then a bisection and one partial step. v3's protocol fee is taken from the LP fee and
changes no amount; v4's is added to it. Amounts of the two versions agree for one fee: they differ in how they split
the input of the last step into price move and fee, which changes neither price nor totals.
"""

from bisect import bisect_left
from dataclasses import dataclass, field, replace

from oms.errors import BeyondKnownRange, InvalidRequest, PoolOutdated, QuoteRefused, Refusal, StateConflict
from oms.liquidity.pool import Family, Limits, Swap
from oms.liquidity.pool_events import LiquidityChanged, PoolEvent, PriceMoved, ProtocolFeeSet, unknown_effect
from oms.liquidity.swap_math import PIPS, UINT256_END, swap_step
from oms.liquidity.tick_map import TickMap, next_boundary
from oms.liquidity.tick_math import (
    MAX_SQRT_PRICE_X96,
    MAX_TICK,
    MIN_SQRT_PRICE_X96,
    MIN_TICK,
    sqrt_price_at_tick,
    tick_at_sqrt_price,
)
from oms.liquidity.tick_path import INT128_MAX, INT256_MAX, PathPoint, TickPath, refused, widest_limit
from oms.units import UINT128_MAX, Address

GAS_V3_SWAP = 62_500
GAS_V4_SWAP = 61_000
"""What a swap adds to a settlement, both transfers and v3's oracle included: `oms.routing.gas_model`, rounded."""
GAS_PER_V3_TICK_CROSSED = 24_500
GAS_PER_V4_TICK_CROSSED = 16_500
"""An initialized tick crossed: its fee growth on both sides is rewritten, and in v3 its seconds."""
GAS_PER_TICK_WORD = 7_200
"""A further word of 256 ticks of the bitmap: a step of its own, and another word of storage to read."""


@dataclass(frozen=True, slots=True)
class PoolDelta:
    """What `swap` did. Amounts are signed as v3 returns them: positive into the pool, negative out of it."""

    amount0: int
    amount1: int
    sqrt_price_x96: int
    tick: int
    liquidity: int
    ticks_crossed: int


@dataclass(frozen=True, slots=True)
class ConcentratedPool:
    """One pool's price, liquidity and known ticks at one block.

    `tokens` are those that routing sees, in pool order. In v4 the native coin is routed as its wrapped form;
    `currency0` and `currency1` then hold the pool key's own currencies (zero for native). `fee_pips` is the LP fee.
    The protocol's fees are by direction, as the pool's version counts them: in v3 they change no amount, only gas.
    """

    pool_id: str
    family: Family
    tokens: tuple[Address, Address]
    fee_pips: int
    tick_spacing: int
    sqrt_price_x96: int
    tick: int
    liquidity: int
    tick_map: TickMap = field(repr=False)
    protocol_fee_zero_for_one: int = 0
    protocol_fee_one_for_zero: int = 0
    currency0: Address | None = None
    currency1: Address | None = None
    _paths: "list[TickPath | None]" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_paths", [None, None])
        problem = self._problem()
        if problem:
            raise StateConflict(self.pool_id, f"{problem}; load the pool again")

    def swap_fee_pips(self, zero_for_one: bool) -> int:
        """Return the whole fee on the input: the LP's, and in v4 the protocol's share added as the chain adds it."""
        protocol = self.protocol_fee_zero_for_one if zero_for_one else self.protocol_fee_one_for_zero
        if self.family is not Family.UNISWAP_V4 or not protocol:
            return self.fee_pips
        return protocol + self.fee_pips - protocol * self.fee_pips // PIPS

    def amount_out(self, zero_for_one: bool, amount_in: int) -> int:
        """Return what `amount_in` sells for, rounded down: `quote_in` without the pool after it.

        Raises `QuoteRefused`. This is the hot path; `swap` is its plain twin. Measured at 0.8 µs, for a small
        order as for one that drains 458 ticks, once the path is known (1 to 2 ms).
        """
        path = self._paths[zero_for_one] or self._path(zero_for_one)
        ends = path.ends_in
        index = bisect_left(ends, amount_in) if 0 < amount_in <= path.walked_in else path.reach_in(amount_in)
        before_in, before_out, price, liquidity, _, _ = path.starts[index]
        if amount_in == ends[index]:
            total_out = path.starts[index + 1][1]
        else:
            traded = (amount_in - before_in) * path.kept_pips // PIPS
            if zero_for_one:
                scaled = liquidity << 96
                divisor = scaled + traded * price
                if divisor < UINT256_END:
                    price_after = (scaled * price + divisor - 1) // divisor
                else:
                    price_after = -(-scaled // (scaled // price + traded))
                total_out = before_out + (liquidity * (price - price_after) >> 96)
            else:
                move = (traded << 96) // liquidity
                price_after = price + move
                total_out = before_out + (liquidity << 96) * move // price_after // price
        if total_out > path.largest:
            raise QuoteRefused(Refusal.AMOUNT_TOO_LARGE, "the output exceeds int128; sell less")
        return total_out

    def amount_in(self, zero_for_one: bool, amount_out: int) -> int:
        """Return what `amount_out` costs by the chain's exact-output rule, rounded up. Raises `QuoteRefused`."""
        path = self._paths[zero_for_one] or self._path(zero_for_one)
        return path.buy(amount_out).amount_in

    def quote_in(self, token_in: Address, token_out: Address, amount_in: int) -> Swap:
        """Sell exactly `amount_in`. An output of zero is not refused: the chain does not. Raises `QuoteRefused`."""
        return self._swapped(self._path(self._direction(token_in, token_out)).sell(amount_in))

    def quote_out(self, token_in: Address, token_out: Address, amount_out: int) -> Swap:
        """Buy exactly `amount_out` by the chain's exact-output rule. Raises `QuoteRefused`."""
        return self._swapped(self._path(self._direction(token_in, token_out)).buy(amount_out))

    def swap(self, zero_for_one: bool, amount_specified: int, *, sqrt_price_limit_x96: int | None = None) -> PoolDelta:
        """Do what the chain's `swap` does, partial fill at the price limit included, one step at a time.

        `amount_specified` has v3's sign for both versions: positive is exact input, negative exact output. Without a
        limit the whole price range is allowed, as routers do.

        Raises:
            QuoteRefused: zero amount, or a v4 amount beyond int128.
            BeyondKnownRange: the price would leave the known ticks before the order or the limit stops it.
            InvalidRequest: the limit is on the wrong side of the price, or the amount is not an int256.
        """
        limit = _checked_limit(self, zero_for_one, amount_specified, limit=sqrt_price_limit_x96)
        fee_pips = self.swap_fee_pips(zero_for_one)
        exact_in = amount_specified > 0
        price, tick, liquidity = self.sqrt_price_x96, self.tick, self.liquidity
        remaining, calculated, crossed = abs(amount_specified), 0, 0
        while remaining and price != limit:
            boundary = next_boundary(self.tick_map, tick, spacing=self.tick_spacing, zero_for_one=zero_for_one)
            target = max(boundary.sqrt_price_x96, limit) if zero_for_one else min(boundary.sqrt_price_x96, limit)
            step = swap_step(price, target, liquidity, remaining, exact_in=exact_in, fee_pips=fee_pips)
            if not boundary.known and step.price == boundary.sqrt_price_x96:
                raise refused(Refusal.BEYOND_KNOWN_RANGE)
            remaining -= step.amount_in + step.fee if exact_in else step.amount_out
            calculated += step.amount_out if exact_in else step.amount_in + step.fee
            if step.price == boundary.sqrt_price_x96:
                if boundary.net is not None:
                    liquidity += -boundary.net if zero_for_one else boundary.net
                    crossed += 1
                if not 0 <= liquidity <= UINT128_MAX:
                    raise refused(Refusal.UNSAFE_STATE)
                tick = boundary.tick - 1 if zero_for_one else boundary.tick
            elif step.price != price:
                tick = tick_at_sqrt_price(step.price)
            price = step.price
        spent = abs(amount_specified) - remaining
        taken, paid = (spent, calculated) if exact_in else (calculated, spent)
        if self.family is Family.UNISWAP_V4 and max(taken, paid) > INT128_MAX:
            raise QuoteRefused(Refusal.AMOUNT_TOO_LARGE, "the amount exceeds int128; trade less")
        amount0, amount1 = (taken, -paid) if zero_for_one else (-paid, taken)
        return PoolDelta(amount0, amount1, price, tick, liquidity, crossed)

    def limits(self, token_in: Address, token_out: Address) -> Limits:
        """What fills the whole known range in one direction. Walks it once; later calls are cheap."""
        return self._path(self._direction(token_in, token_out)).limits()

    def marginal_price(self, token_in: Address, token_out: Address) -> float:
        """Base units of `token_out` per base unit of `token_in` after all fees; zero where nothing can be sold."""
        path = self._path(self._direction(token_in, token_out))
        try:
            price = path.starts[path.reach_in(1)].sqrt_price_x96
        except BeyondKnownRange:
            raise
        except QuoteRefused:
            return 0.0
        ratio: float = (price / 2**96) ** 2
        return (ratio if path.zero_for_one else 1 / ratio) * path.kept_pips / PIPS

    def apply(self, event: PoolEvent) -> "ConcentratedPool":
        """The pool after `Swap`, `Mint`, `Burn`, `ModifyLiquidity` or v4's `ProtocolFeeUpdated`.

        Raises `PoolOutdated` for any other event, a price outside the known ticks, a liquidity that the ticks between
        the two prices contradict (an event is missing), or a tick of which it is unknown whether it is still used.
        """
        try:
            if isinstance(event, PriceMoved):
                return self._price_moved(event)
            if isinstance(event, LiquidityChanged):
                return self._liquidity_changed(event)
            if isinstance(event, ProtocolFeeSet) and self.family is Family.UNISWAP_V4:
                return replace(
                    self,
                    protocol_fee_zero_for_one=event.zero_for_one,
                    protocol_fee_one_for_zero=event.one_for_zero,
                )
        except PoolOutdated:
            raise
        except StateConflict as conflict:
            raise PoolOutdated(self.pool_id, conflict.reason) from conflict
        raise unknown_effect(self.pool_id, event)

    def _price_moved(self, event: PriceMoved) -> "ConcentratedPool":
        known = self.tick_map
        if not known.known_min_tick - 1 <= event.tick <= known.known_max_tick:
            raise PoolOutdated(self.pool_id, f"tick {event.tick} is outside the known ticks; load the pool again")
        if event.liquidity != self.liquidity + known.crossed(self.tick, event.tick):
            raise PoolOutdated(self.pool_id, "the liquidity after a swap contradicts the known ticks; load it again")
        if event.swap_fee_pips not in (None, self.swap_fee_pips(True), self.swap_fee_pips(False)):  # noqa: FBT003
            raise PoolOutdated(self.pool_id, f"a swap paid {event.swap_fee_pips} pips; load the pool again")
        return self._moved(event.sqrt_price_x96, event.tick, event.liquidity)

    def _liquidity_changed(self, event: LiquidityChanged) -> "ConcentratedPool":
        if not event.delta:
            return self
        lower, upper, spacing = event.tick_lower, event.tick_upper, self.tick_spacing
        if not MIN_TICK <= lower < upper <= MAX_TICK or lower % spacing or upper % spacing:
            raise PoolOutdated(self.pool_id, f"no position lies on [{lower}, {upper}); load the pool again")
        tick_map = self.tick_map.with_liquidity(lower, upper, event.delta)
        liquidity = self.liquidity + (event.delta if lower <= self.tick < upper else 0)
        if not liquidity and not tick_map.ticks:
            raise PoolOutdated(self.pool_id, "it has no liquidity around its price; load it again")
        return replace(self, tick_map=tick_map, liquidity=liquidity)

    def _direction(self, token_in: Address, token_out: Address) -> bool:
        if (token_in, token_out) == self.tokens:
            return True
        if (token_out, token_in) == self.tokens:
            return False
        raise QuoteRefused(Refusal.UNKNOWN_TOKEN, f"{self.pool_id} does not trade {token_in} for {token_out}")

    def _path(self, zero_for_one: bool) -> "TickPath":
        path = self._paths[zero_for_one]
        if path is None:
            # Two threads may both build it; either result is right, and the last one stays.
            path = self._paths[zero_for_one] = TickPath(
                PathPoint(0, 0, self.sqrt_price_x96, self.liquidity, self.tick, 0),
                self.tick_map,
                zero_for_one=zero_for_one,
                spacing=self.tick_spacing,
                fee_pips=self.swap_fee_pips(zero_for_one),
                largest=INT128_MAX if self.family is Family.UNISWAP_V4 else INT256_MAX,
            )
        return path

    def _swapped(self, after: PathPoint) -> Swap:
        v4 = self.family is Family.UNISWAP_V4
        base, per_tick = (GAS_V4_SWAP, GAS_PER_V4_TICK_CROSSED) if v4 else (GAS_V3_SWAP, GAS_PER_V3_TICK_CROSSED)
        words = abs((after.tick // self.tick_spacing >> 8) - (self.tick // self.tick_spacing >> 8))
        gas = base + per_tick * after.ticks_crossed + GAS_PER_TICK_WORD * words
        moved = self._moved(after.sqrt_price_x96, after.tick, after.liquidity)
        return Swap(after.amount_in, after.amount_out, gas, moved)

    def _moved(self, sqrt_price_x96: int, tick: int, liquidity: int) -> "ConcentratedPool":
        return ConcentratedPool(
            self.pool_id,
            self.family,
            self.tokens,
            self.fee_pips,
            self.tick_spacing,
            sqrt_price_x96,
            tick,
            liquidity,
            self.tick_map,
            self.protocol_fee_zero_for_one,
            self.protocol_fee_one_for_zero,
            self.currency0,
            self.currency1,
        )

    def _problem(self) -> str:
        is_v4 = self.family is Family.UNISWAP_V4
        if not is_v4 and self.family is not Family.UNISWAP_V3:
            return f"{self.family} is not a concentrated family"
        if not 0 <= self.fee_pips <= PIPS - (not is_v4) or self.tick_spacing <= 0:
            return "fee or tick spacing out of bounds"
        if not MIN_SQRT_PRICE_X96 <= self.sqrt_price_x96 < MAX_SQRT_PRICE_X96:
            return "price not initialized or out of bounds"
        # After a downward crossing the price is the boundary's own and the tick is one below it.
        if not MIN_TICK <= self.tick < MAX_TICK or sqrt_price_at_tick(self.tick + 1) < self.sqrt_price_x96:
            return "tick does not match the price"
        if sqrt_price_at_tick(self.tick) > self.sqrt_price_x96:
            return "tick does not match the price"
        if not 0 <= self.liquidity <= UINT128_MAX:
            return "liquidity is not a uint128"
        if not self.tick_map.known_min_tick - 1 <= self.tick <= self.tick_map.known_max_tick:
            return "tick outside the known range"
        return ""


def _checked_limit(pool: ConcentratedPool, zero_for_one: bool, amount_specified: int, *, limit: int | None) -> int:
    """Return the price limit, after the checks with which the chain's `swap` begins."""
    if not amount_specified:
        raise QuoteRefused(Refusal.ZERO_AMOUNT, "trade more than zero")
    if not -INT256_MAX - 1 <= amount_specified <= INT256_MAX:
        raise InvalidRequest("amount_specified", "does not fit in int256; trade less")
    if amount_specified < 0 and pool.swap_fee_pips(zero_for_one) == PIPS:
        raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "the fee is the whole input; sell instead")
    widest = widest_limit(zero_for_one)
    chosen = widest if limit is None else limit
    low, high = (widest - 1, pool.sqrt_price_x96) if zero_for_one else (pool.sqrt_price_x96, widest + 1)
    if low < chosen < high:
        return chosen
    if limit is None:
        raise refused(Refusal.INSUFFICIENT_LIQUIDITY)
    raise InvalidRequest("sqrt_price_limit_x96", f"{limit} is not on the swap's side of {pool.sqrt_price_x96}")
