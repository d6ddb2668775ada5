"""Curve StableSwap pools of the first generation (3pool and its kin), as `exchange` settles them.

Owns: the invariant D, the balance `y` that keeps it, both rounding orders, the A ramp, the state after a swap.
Must not: load state, or model pools with dynamic fees or oracles (StableSwap-NG), which round otherwise.

Source: the StableSwap paper (invariant), `StableSwap3Pool.vy` (`get_D`, `get_y`, `exchange`, `get_dy`). All integers
are uint256: a product, sum or difference that leaves that range reverts on chain, and is refused here.

    A·n·S + D = A·D·n + D^(n+1) / (n^n · Π x)         x: balances scaled to 18 decimals, A: the pool's A·n^(n-1)
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import isqrt

from oms.domain.venue import Family
from oms.errors import PoolOutdated, QuoteRefused, Refusal
from oms.liquidity.least_input import least_input
from oms.liquidity.pool import Limits, Swap
from oms.liquidity.pool_events import CoinsExchanged, CoinsMoved, PoolEvent, unknown_effect
from oms.liquidity.words import checked
from oms.units import UINT256_MAX, Address

FEE_DENOMINATOR = 10**10
PRECISION = 10**18
EXCHANGE_GAS = 110_000
"""About what `exchange` of a three-coin pool costs, token transfers and transaction base included."""

_MAX_ROUNDS = 255


@dataclass(frozen=True, slots=True)
class Amplification:
    """The pool's A, moving on a straight line while `timestamp < future_time`.

    Values are as the pool stores them: times `a_precision` (1 in 3pool and its generation, 100 in later pools).
    """

    initial: int
    future: int
    initial_time: int = 0
    future_time: int = 0
    a_precision: int = 1

    @classmethod
    def constant(cls, amplification: int, *, a_precision: int = 1) -> "Amplification":
        """An A that isn't being ramped."""
        return cls(amplification, amplification, a_precision=a_precision)

    def at(self, timestamp: int) -> int:
        """A at a block's time, rounded as `_A()` does. Raises `QuoteRefused` before the ramp began."""
        if timestamp >= self.future_time:
            return self.future
        elapsed, duration = timestamp - self.initial_time, self.future_time - self.initial_time
        if elapsed < 0 or duration <= 0:
            raise QuoteRefused(Refusal.MATH_OVERFLOW, "block time lies before the start of the A ramp")
        if self.future > self.initial:
            return self.initial + checked((self.future - self.initial) * elapsed) // duration
        return self.initial - checked((self.initial - self.future) * elapsed) // duration


_Lane = tuple[int, int, int, int, int, tuple[int, ...], int, int, int, int, int]
"""One direction of trade at one state (coin i in, j out), with all that doesn't depend on the amount; in order:

cap         the largest amount for which the fast form is proved; zero where it isn't at all
x_in        coin i's balance in 18 decimals
up          base units of coin i to 18 decimals
d           the invariant
first       d times the chain's running product (d times d / (n·x) over the coins before i, but j) when it meets coin i
last        n·x of the coins after i, in coin order, but j
d_precise   d times the pool's A precision
ann_n       A·n·n
p_rest      the untouched balances plus d / Ann, minus d: the chain's `b - D`, but for coin i
n_coins
x_out       coin j's balance in 18 decimals

A plain tuple, because unpacking a named one takes longer by a tenth.
"""


@dataclass(frozen=True, slots=True)
class StableSwapPool:
    """One pool at one state; `timestamp` is the block time at which `exchange` is assumed to run (it only moves A).

    `balances` in base units as the pool books them, `rates` scale them to 18 decimals (1e18 times 10^(18-decimals)),
    `fee` and `admin_fee` are parts of 1e10; the admin's is a part of the fee.
    """

    pool_id: str
    tokens: tuple[Address, ...]
    balances: tuple[int, ...]
    rates: tuple[int, ...]
    amplification: Amplification
    fee: int
    admin_fee: int
    timestamp: int
    killed: bool = False
    _lanes: dict[int, _Lane] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def family(self) -> Family:
        """Curve's StableSwap."""
        return Family.CURVE_STABLESWAP

    def at(self, timestamp: int) -> "StableSwapPool":
        """The same state, quoted for a block of another time."""
        return replace(self, timestamp=timestamp)

    def a(self) -> int:
        """A at the assumed block time, times the pool's A precision."""
        return self.amplification.at(self.timestamp)

    def invariant(self) -> int:
        """D in 18 decimals, as `get_D` computes it."""
        return get_d(self._scaled(), self.a(), a_precision=self.amplification.a_precision)

    def amount_out(self, i: int, j: int, amount_in: int) -> int:
        """What `exchange(i, j, amount_in)` pays, base units, and no state after. Raises `QuoteRefused`."""
        dy = self._gross_out(i, j, amount_in)
        return (dy - dy * self.fee // FEE_DENOMINATOR) * PRECISION // self.rates[j]

    def quote_in(self, token_in: Address, token_out: Address, amount_in: int) -> Swap:
        """Sell exactly `amount_in` through `exchange`: fee on the scaled output, then scaled down. Rounds down."""
        i, j = self._indices(token_in, token_out)
        return self._exchange(i, j, amount_in)

    def quote_out(self, token_in: Address, token_out: Address, amount_out: int) -> Swap:
        """The least input for which `exchange` pays `amount_out` or more; Curve has no exact output of its own.

        Guaranteed: the swap pays `amount_out` or more, and one unit less of input pays less. As output never falls
        when input grows (but for one 1e-18 unit where the chain's loop stops a step early), that is the minimum.
        """
        i, j = self._indices(token_in, token_out)
        if amount_out <= 0:
            raise QuoteRefused(Refusal.ZERO_AMOUNT)
        if amount_out >= self.balances[j]:
            raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "asked for all that the pool holds, or more")
        guess = self._input_near(i, j, amount_out)
        ceiling = self.limits(token_in, token_out).max_amount_in
        amount_in = least_input(partial(self.amount_out, i, j), amount_out, guess=guess, ceiling=ceiling)
        return self._exchange(i, j, amount_in)

    def view_get_dy(self, token_in: Address, token_out: Address, amount_in: int) -> int:
        """What the view `get_dy` answers: scaled down first, fee after, so it may be a unit off `exchange`."""
        i, j = self._indices(token_in, token_out)
        scaled = self._scaled()
        x = checked(scaled[i] + checked(amount_in * self.rates[i]) // PRECISION)
        y = get_y(i, j, x, scaled, self.a(), a_precision=self.amplification.a_precision)
        dy = checked(checked(scaled[j] - y - 1) * PRECISION) // self.rates[j]
        return dy - checked(self.fee * dy) // FEE_DENOMINATOR

    def limits(self, token_in: Address, token_out: Address) -> Limits:
        """Inputs up to 2^112 scaled units are never beyond uint256; output stays below the pool's balance."""
        i, j = self._indices(token_in, token_out)
        return Limits(2**112 * PRECISION // self.rates[i], max(self.balances[j] - 1, 0))

    def marginal_price(self, token_in: Address, token_out: Address) -> float:
        """Base units out per base unit in for an infinitesimal sale, after the fee."""
        i, j = self._indices(token_in, token_out)
        scaled, count = self._scaled(), len(self.tokens)
        d = self.invariant()
        ann = self.a() * count / self.amplification.a_precision
        product = float(d)
        for x in scaled:
            product *= d / (x * count)
        slope = (ann + product / scaled[i]) / (ann + product / scaled[j])
        return slope * (1 - self.fee / FEE_DENOMINATOR) * self.rates[i] / self.rates[j]

    def apply(self, event: PoolEvent) -> "StableSwapPool":
        """The pool after an exchange, or after liquidity was added or taken; `timestamp` must be the event's block's.

        Raises `PoolOutdated` for any other event, and where the pool paid otherwise than this state would.
        """
        if isinstance(event, CoinsMoved):
            return self._coins_moved(event)
        if not isinstance(event, CoinsExchanged) or min(event.sold, event.bought) < 0:
            raise unknown_effect(self.pool_id, event)
        try:
            after = self._exchange(event.sold, event.bought, event.amount_sold)
        except QuoteRefused as refusal:
            raise PoolOutdated(self.pool_id, f"an exchange happened that it would refuse ({refusal})") from refusal
        if after.amount_out != event.amount_bought or not isinstance(after.next_pool, StableSwapPool):
            raise PoolOutdated(self.pool_id, "an exchange paid otherwise than its state says; load the pool again")
        return after.next_pool

    def _coins_moved(self, event: CoinsMoved) -> "StableSwapPool":
        """Of a fee on liquidity the admin's part leaves the booked balances, rounded down; the amounts are net."""
        if not len(event.amounts) == len(event.fees) == len(self.tokens):
            raise unknown_effect(self.pool_id, event)
        sign = 1 if event.added else -1
        balances = tuple(
            balance + sign * amount - fee * self.admin_fee // FEE_DENOMINATOR
            for balance, amount, fee in zip(self.balances, event.amounts, event.fees, strict=True)
        )
        if min(balances) < 0:
            raise PoolOutdated(self.pool_id, "an event leaves a balance below zero; load the pool again")
        return replace(self, balances=balances)

    def _exchange(self, i: int, j: int, amount_in: int) -> Swap:
        """`exchange` to the letter; the admin's part of the fee leaves the booked balance too."""
        dy, rate = self._gross_out(i, j, amount_in), self.rates[j]
        dy_fee = dy * self.fee // FEE_DENOMINATOR
        amount_out = (dy - dy_fee) * PRECISION // rate
        admin_fee = dy_fee * self.admin_fee // FEE_DENOMINATOR * PRECISION // rate
        balances = list(self.balances)
        balances[i] = checked(balances[i] + amount_in)
        balances[j] -= amount_out + admin_fee
        if balances[j] < 0:
            raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "the pool holds less than it would pay")
        after = StableSwapPool(
            self.pool_id, self.tokens, tuple(balances), self.rates, self.amplification, self.fee, self.admin_fee,
            self.timestamp,
        )  # fmt: skip
        return Swap(amount_in, amount_out, EXCHANGE_GAS, after)

    def _gross_out(self, i: int, j: int, amount_in: int) -> int:
        """Output before the fee, in 18 decimals. Raises `QuoteRefused`.

        The hot path, about 1.2 µs for three coins. Instead of the chain's loop (`get_y`, its plain twin) it takes the
        root r = (√(p² + 4c) - p) / 2 of y² + p·y = c, with p = b - D, and proves that the loop ends at y = ⌊r⌋. A step
        of the loop goes from y to ⌊r + (y - r)² / (2y + p)⌋: never below ⌊r⌋, and it stays above only if r is within
        1 / √(p² + 4c) of the next integer. It isn't if ⌊√(p² + 4c)⌋ - p is even, as r - y is then below a half; nor
        if y² + p·y - c is 8 or more one above. `_lane` proves that no product overflows up to `cap`.
        """
        lane = self._lanes.get(i << 8 | j) or self._lane(i, j)
        cap, x, up, d, c, last, d_precise, ann_n, p, n_coins, x_out = lane
        if not 0 < amount_in <= cap:
            return self._gross_out_plain(i, j, amount_in, d)
        x += amount_in * up
        c //= x * n_coins
        for scaled in last:
            c = c * d // scaled
        c = c * d_precise // ann_n
        p += x
        root = isqrt(p * p + 4 * c)
        y = root - p
        if root < 1000 or (y & 1 and ((y + 1) >> 1) * (((y + 1) >> 1) + p) - c < 8):
            return self._gross_out_plain(i, j, amount_in, d)
        dy = x_out - (y >> 1) - 1
        if dy < 0:
            raise QuoteRefused(Refusal.ZERO_OUTPUT, "the output is below one unit of the pool's precision")
        return dy

    def _gross_out_plain(self, i: int, j: int, amount_in: int, d: int) -> int:
        """As `_gross_out`, for any amount, by the chain's own steps."""
        if amount_in <= 0:
            raise QuoteRefused(Refusal.ZERO_AMOUNT)
        scaled = self._scaled()
        x = checked(scaled[i] + checked(amount_in * self.rates[i]) // PRECISION)
        dy = scaled[j] - get_y(i, j, x, scaled, self.a(), d=d, a_precision=self.amplification.a_precision) - 1
        if dy < 0:
            raise QuoteRefused(Refusal.ZERO_OUTPUT, "the output is below one unit of the pool's precision")
        return dy

    def _input_near(self, i: int, j: int, amount_out: int) -> int:
        """About the input that pays `amount_out`: the fee added, then the curve read the other way round."""
        scaled = self._scaled()
        net = -(-amount_out * self.rates[j] // PRECISION)
        target = scaled[j] - 1 - -(-net * FEE_DENOMINATOR // (FEE_DENOMINATOR - self.fee))
        if target <= 0:
            raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "output and fee exceed what the pool holds")
        x = get_y(j, i, target, scaled, self.a(), a_precision=self.amplification.a_precision)
        return max((x - scaled[i]) * PRECISION // self.rates[i], 1)

    def _scaled(self) -> tuple[int, ...]:
        return tuple(
            checked(rate * balance) // PRECISION for rate, balance in zip(self.rates, self.balances, strict=True)
        )

    def _indices(self, token_in: Address, token_out: Address) -> tuple[int, int]:
        try:
            i, j = self.tokens.index(token_in), self.tokens.index(token_out)
        except ValueError:
            raise QuoteRefused(Refusal.UNKNOWN_TOKEN, f"{token_in} or {token_out}") from None
        if i == j:
            raise QuoteRefused(Refusal.UNKNOWN_TOKEN, "the same token on both sides")
        return i, j

    def _lane(self, i: int, j: int) -> _Lane:
        count = len(self.tokens)
        if i == j or not 0 <= i < count or not 0 <= j < count:
            raise QuoteRefused(Refusal.UNKNOWN_TOKEN, f"no coins {i} and {j} to trade")
        if self.killed:
            raise QuoteRefused(Refusal.UNSAFE_STATE, "the pool is killed; only withdrawals work")
        scaled, a, a_precision = self._scaled(), self.a(), self.amplification.a_precision
        d, ann = get_d(scaled, a, a_precision=a_precision), a * count
        if d == 0:
            raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "the pool is empty")
        first = d
        for k in range(i):
            if k != j:
                first = checked(first * d) // (scaled[k] * count)
        last = tuple(scaled[k] * count for k in range(i + 1, count) if k != j)
        others = sum(scaled[k] for k in range(count) if k not in (i, j))
        d_precise, ann_n, p_rest = d * a_precision, ann * count, others + d * a_precision // ann - d
        safe = _never_overflows(d, first, (scaled[i] * count, *last), d_precise, ann_n, p_rest + scaled[i])
        cap = UINT256_MAX // self.rates[i] // (count + 1) if safe and self.rates[i] % PRECISION == 0 else 0
        lane = (
            *(cap, scaled[i], self.rates[i] // PRECISION, d, first * d, last, d_precise, ann_n, p_rest, count),
            scaled[j],
        )
        self._lanes[i << 8 | j] = lane
        return lane


def _never_overflows(d: int, product: int, divisors: tuple[int, ...], d_precise: int, ann_n: int, p: int) -> bool:
    """Whether the chain's loop for y stays within uint256 and below D for coin i at its present balance.

    Then it does for any larger balance: every product below, c and the root fall when it grows, while p rises. At a
    root below D the loop only falls from D; D² + c is then its largest number.
    """
    largest = 0
    for divisor in divisors:
        product *= d
        largest, product = max(largest, product), product // divisor
    product *= d_precise
    c = product // ann_n
    return max(largest, product, d * d + c) <= UINT256_MAX and d * (d + p) > c


def get_d(scaled: Sequence[int], a: int, *, a_precision: int = 1) -> int:
    """The invariant D of 18-decimal balances, by the pool's own Newton steps. Raises `QuoteRefused`."""
    count = len(scaled)
    total = checked(sum(scaled))
    if total == 0:
        return 0
    d, ann = total, a * count
    if ann < a_precision:
        raise QuoteRefused(Refusal.MATH_OVERFLOW, "amplification below one")
    for _ in range(_MAX_ROUNDS):
        d_product = d
        for x in scaled:
            if x == 0:
                raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "one of the pool's balances is zero")
            d_product = checked(d_product * d) // (x * count)
        previous = d
        numerator = checked((checked(ann * total) // a_precision + d_product * count) * d)
        denominator = checked((ann - a_precision) * d) // a_precision + checked((count + 1) * d_product)
        if denominator == 0:
            raise QuoteRefused(Refusal.MATH_OVERFLOW, "division by zero in the invariant")
        d = numerator // denominator
        if -1 <= d - previous <= 1:
            break
    return d


def get_y(i: int, j: int, x: int, scaled: Sequence[int], a: int, *, d: int | None = None, a_precision: int = 1) -> int:
    """Coin j's balance that keeps D when coin i's becomes `x` (18 decimals), by the pool's own Newton steps.

    `d` is the invariant of `scaled` at `a`, computed here unless given.
    """
    count, ann = len(scaled), a * len(scaled)
    if d is None:
        d = get_d(scaled, a, a_precision=a_precision)
    c, total = d, 0
    for k in range(count):
        if k == j:
            continue
        balance = x if k == i else scaled[k]
        if balance == 0:
            raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "one of the pool's balances is zero")
        total = checked(total + balance)
        c = checked(c * d) // checked(balance * count)
    c = checked(checked(c * d) * a_precision) // (ann * count)
    return _settle_y(c, total + d * a_precision // ann - d, d)


def _settle_y(c: int, p: int, d: int) -> int:
    """y² + p·y = c from y = D downwards; stops as soon as a step moves it by one or less, or after 255 steps."""
    y = d
    for _ in range(_MAX_ROUNDS):
        previous = y
        denominator = 2 * y + p
        if denominator <= 0:
            raise QuoteRefused(Refusal.MATH_OVERFLOW, "the invariant's slope is not positive")
        y = checked(y * y + c) // denominator
        if -1 <= y - previous <= 1:
            break
    return y
