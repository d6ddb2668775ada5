"""Solidly-style pairs as Aerodrome and Velodrome v2 run them: volatile (x·y) and stable (x³y + xy³).

Owns: the output that a pair's `getAmountOut` promises, whether `swap` pays it (its K check), and its refusals.
Must not: collect fees, or model tokens that take a fee on transfer.
Source: Aerodrome `Pool.getAmountOut`, `_get_y`, `_f`, `_d`, `_k`, `swap`. The fee, in parts of 10,000, is taken from
the input first and leaves the reserves. The stable curve works on reserves scaled to 18 decimals.

Older Solidly deployments iterate differently and are not covered.
"""

from dataclasses import dataclass, replace

from oms.errors import PoolOutdated, QuoteRefused, Refusal, StateConflict
from oms.liquidity.least_input import least_input
from oms.liquidity.pool import Family, Limits, Swap
from oms.liquidity.pool_events import PoolEvent, ReservesSynced, unknown_effect
from oms.units import BPS, UINT256_MAX, Address

GAS_PER_VOLATILE_SWAP = 95_000
GAS_PER_STABLE_SWAP = 115_000
"""A pair's swap with both transfers and the fee's; without the transaction's own cost, or `getAmountOut` on chain."""

_ONE = 10**18
_UINT128 = 2**128
_MAX_ITERATIONS = 255


@dataclass(frozen=True, slots=True)
class SolidlyPool:
    """A pair's reserves at one block. `fee` is in parts of 10,000, as the factory's `getFee` returns it."""

    pool_id: str
    token0: Address
    token1: Address
    reserve0: int
    reserve1: int
    decimals0: int
    decimals1: int
    fee: int
    stable: bool

    def __post_init__(self) -> None:
        if not (0 <= self.reserve0 <= UINT256_MAX and 0 <= self.reserve1 <= UINT256_MAX):
            raise StateConflict(self.pool_id, "a reserve is not a uint256; load the pair again")
        if not 0 <= self.fee < BPS:
            raise StateConflict(self.pool_id, f"the fee is not below {BPS}; load the pair again")

    @property
    def family(self) -> Family:
        """Always `SOLIDLY`."""
        return Family.SOLIDLY

    @property
    def tokens(self) -> tuple[Address, ...]:
        """token0, token1."""
        return (self.token0, self.token1)

    def amount_out(self, zero_for_one: bool, amount_in: int) -> int:
        """What `getAmountOut` promises for `amount_in` and `swap` then pays, rounded down.

        Raises:
            QuoteRefused: zero input or output, an empty pair, arithmetic beyond 256 bits, no convergence, or
                `UNSAFE_STATE` where the promised output fails the pair's own K check.
        """
        if amount_in <= 0:
            raise QuoteRefused(Refusal.ZERO_AMOUNT, "sell more than zero")
        if not self.reserve0 or not self.reserve1:
            raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "the pair is empty; use another pool")
        fee = _checked(amount_in * self.fee) // BPS
        _checked(fee * _ONE)  # `swap` books the fee per share, with 18 decimals
        traded = amount_in - fee
        promised = self._stable_out if self.stable else self._volatile_out
        amount_out = promised(zero_for_one, traded)
        if not amount_out:
            raise QuoteRefused(Refusal.ZERO_OUTPUT, "sell more")
        if amount_out >= (self.reserve1 if zero_for_one else self.reserve0):
            raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "the output is the whole reserve; sell less")
        after0, after1 = self._reserves_after(zero_for_one, traded, amount_out=amount_out)
        if self._k(after0, after1) < self._k(self.reserve0, self.reserve1):
            raise QuoteRefused(Refusal.UNSAFE_STATE, "the promised output fails the pair's K check; change the amount")
        return amount_out

    def amount_in(self, zero_for_one: bool, amount_out: int) -> int:
        """The least input found with `amount_out(amount_in) >= amount_out`; the pair has no exact-output rule."""
        reserve_in, reserve_out = self._ordered(zero_for_one)
        if amount_out <= 0:
            raise QuoteRefused(Refusal.ZERO_AMOUNT, "buy more than zero")
        if not reserve_in or amount_out >= reserve_out:
            raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, f"the pair holds {reserve_out}; buy less")
        ceiling = self._max_amount_in(zero_for_one)
        guess = self._input_estimate(zero_for_one, amount_out)
        return least_input(lambda x: self.amount_out(zero_for_one, x), amount_out, guess=guess, ceiling=ceiling)

    def quote_in(self, token_in: Address, token_out: Address, amount_in: int) -> Swap:
        """Sell exactly `amount_in` for what `getAmountOut` promises; see `amount_out`."""
        zero_for_one = self._direction(token_in, token_out)
        return self._swapped(zero_for_one, amount_in, amount_out=self.amount_out(zero_for_one, amount_in))

    def quote_out(self, token_in: Address, token_out: Address, amount_out: int) -> Swap:
        """Buy at least `amount_out`; the result tells what the pair then pays."""
        zero_for_one = self._direction(token_in, token_out)
        amount_in = self.amount_in(zero_for_one, amount_out)
        return self._swapped(zero_for_one, amount_in, amount_out=self.amount_out(zero_for_one, amount_in))

    def limits(self, token_in: Address, token_out: Address) -> Limits:
        """Input up to the arithmetic's range, and all but one unit of the reserve."""
        zero_for_one = self._direction(token_in, token_out)
        reserve_in, reserve_out = self._ordered(zero_for_one)
        if not reserve_in or not reserve_out:
            return Limits(0, 0)
        return Limits(self._max_amount_in(zero_for_one), reserve_out - 1)

    def marginal_price(self, token_in: Address, token_out: Address) -> float:
        """Base units of `token_out` per base unit of `token_in`, after the fee; zero for an empty pair."""
        zero_for_one = self._direction(token_in, token_out)
        reserve_in, reserve_out = self._ordered(zero_for_one)
        if not reserve_in or not reserve_out:
            return 0.0
        kept = 1 - self.fee / BPS
        if not self.stable:
            return reserve_out / reserve_in * kept
        unit_in, unit_out = self._units(zero_for_one)
        x, y = reserve_in / unit_in, reserve_out / unit_out
        slope = y * (3 * x * x + y * y) / (x * (x * x + 3 * y * y))
        return slope * unit_out / unit_in * kept

    def apply(self, event: PoolEvent) -> "SolidlyPool":
        """The pair after its `Sync`, which every change of reserves ends with. Raises `PoolOutdated`."""
        if not isinstance(event, ReservesSynced):
            raise unknown_effect(self.pool_id, event)
        if not (0 < event.reserve0 <= UINT256_MAX and 0 < event.reserve1 <= UINT256_MAX):
            raise PoolOutdated(self.pool_id, "the pair was emptied; load it again")
        return replace(self, reserve0=event.reserve0, reserve1=event.reserve1)

    def _volatile_out(self, zero_for_one: bool, traded: int) -> int:
        reserve_in, reserve_out = self._ordered(zero_for_one)
        return _checked(traded * reserve_out) // _checked(reserve_in + traded)

    def _stable_out(self, zero_for_one: bool, traded: int) -> int:
        reserve_in, reserve_out = self._ordered(zero_for_one)
        unit_in, unit_out = self._units(zero_for_one)
        k = self._k(self.reserve0, self.reserve1)
        scaled_in = _checked(reserve_in * _ONE) // unit_in
        scaled_out = _checked(reserve_out * _ONE) // unit_out
        x = _checked(traded * _ONE) // unit_in + scaled_in
        y = self._solve_y(x, k, y=scaled_out)
        if y > scaled_out:
            raise QuoteRefused(Refusal.ZERO_OUTPUT, "the output is below the rounding; sell more")
        return (scaled_out - y) * unit_out // _ONE

    def _solve_y(self, x: int, k: int, *, y: int) -> int:
        """The pair's Newton iteration for the y that keeps x³y + xy³ at `k`, from a starting `y`."""
        for _ in range(_MAX_ITERATIONS):
            at_y = _curve(x, y)
            step = _divided(_checked(abs(k - at_y) * _ONE), _slope(x, y))
            if at_y < k:
                # The contract asks its K function here, which scales to 18 decimals once more.
                if not step and self._k(x, y + 1) > k:
                    return y + 1
                y += step or 1
            else:
                if not step and (at_y == k or _curve(x, _checked(y - 1)) < k):
                    return y
                y = _checked(y - (step or 1))
        raise QuoteRefused(Refusal.NOT_CONVERGED, "the curve did not converge; change the amount")

    def _k(self, x: int, y: int) -> int:
        if not self.stable:
            return _checked(x * y)
        scaled_x = _checked(x * _ONE) // int(10**self.decimals0)
        scaled_y = _checked(y * _ONE) // int(10**self.decimals1)
        return _curve(scaled_x, scaled_y)

    def _input_estimate(self, zero_for_one: bool, amount_out: int) -> int:
        reserve_in, reserve_out = self._ordered(zero_for_one)
        if not self.stable:
            traded = -(-reserve_in * amount_out // (reserve_out - amount_out))
        else:
            try:
                # Solving for the input is solving for the output of the opposite trade.
                unit_in, unit_out = self._units(zero_for_one)
                left = (reserve_out - amount_out) * _ONE // unit_out
                scaled_in = reserve_in * _ONE // unit_in
                solved = self._solve_y(left, self._k(self.reserve0, self.reserve1), y=scaled_in)
                traded = max(solved - scaled_in, 0) * unit_in // _ONE
            except QuoteRefused:
                traded = amount_out
        return traded * BPS // (BPS - self.fee)

    def _max_amount_in(self, zero_for_one: bool) -> int:
        reserve_in, reserve_out = self._ordered(zero_for_one)
        if self.stable:
            unit_in, _ = self._units(zero_for_one)
            return max(_UINT128 * unit_in // _ONE - reserve_in, 1)
        return max(UINT256_MAX // max(reserve_out, BPS) - reserve_in, 1)

    def _ordered(self, zero_for_one: bool) -> tuple[int, int]:
        return (self.reserve0, self.reserve1) if zero_for_one else (self.reserve1, self.reserve0)

    def _units(self, zero_for_one: bool) -> tuple[int, int]:
        unit0, unit1 = int(10**self.decimals0), int(10**self.decimals1)
        return (unit0, unit1) if zero_for_one else (unit1, unit0)

    def _reserves_after(self, zero_for_one: bool, traded: int, *, amount_out: int) -> tuple[int, int]:
        if zero_for_one:
            return self.reserve0 + traded, self.reserve1 - amount_out
        return self.reserve0 - amount_out, self.reserve1 + traded

    def _direction(self, token_in: Address, token_out: Address) -> bool:
        if token_in == self.token0 and token_out == self.token1:
            return True
        if token_in == self.token1 and token_out == self.token0:
            return False
        raise QuoteRefused(Refusal.UNKNOWN_TOKEN, f"{self.pool_id} does not trade {token_in} for {token_out}")

    def _swapped(self, zero_for_one: bool, amount_in: int, *, amount_out: int) -> Swap:
        traded = amount_in - amount_in * self.fee // BPS
        reserve0, reserve1 = self._reserves_after(zero_for_one, traded, amount_out=amount_out)
        gas = GAS_PER_STABLE_SWAP if self.stable else GAS_PER_VOLATILE_SWAP
        return Swap(amount_in, amount_out, gas, replace(self, reserve0=reserve0, reserve1=reserve1))


def _curve(x: int, y: int) -> int:
    """x³y + xy³ on 18-decimal numbers, rounded down at each of the contract's steps."""
    product = _checked(x * y) // _ONE
    squares = _checked(x * x) // _ONE + _checked(y * y) // _ONE
    return _checked(product * squares) // _ONE


def _slope(x: int, y: int) -> int:
    """The curve's derivative by y, 3xy² + x³."""
    rising = _checked(3 * x * (_checked(y * y) // _ONE)) // _ONE
    return rising + _checked(_checked(x * x) // _ONE * x) // _ONE


def _checked(value: int) -> int:
    if not 0 <= value <= UINT256_MAX:
        raise QuoteRefused(Refusal.MATH_OVERFLOW, "arithmetic beyond 256 bits; change the amount")
    return value


def _divided(dividend: int, divisor: int) -> int:
    if not divisor:
        raise QuoteRefused(Refusal.UNSAFE_STATE, "the curve is flat here; the pair is too unbalanced")
    return dividend // divisor
