"""The CryptoSwap invariant for three coins, as the first tricrypto pools' math contract computes it.

Owns: `newton_d`, `newton_y`, the dynamic fee's coefficient, geometric mean, half-life decay and root, all on uint256
with 18-decimal fixed point, and the bounds that both generations of the contract check.
Must not: know pools, prices or storage.

Source: the CryptoSwap paper ("Automatic market-making with dynamic peg", 2021), `CurveCryptoMath3.vy`. Every
operation there is checked; a result that leaves uint256 reverts on chain, and is refused here.
"""

from collections.abc import Sequence

from oms.errors import QuoteRefused, Refusal
from oms.liquidity.words import checked, quotient

WAD = 10**18
N_COINS = 3
A_MULTIPLIER = 10_000
MIN_A, MAX_A = 2_700, 270_000_000
MIN_GAMMA, MAX_GAMMA = 10**10, 5 * 10**16
MIN_D, MAX_D = 10**17, 10**33
MIN_FRACTION, MAX_FRACTION = 10**16, 10**20
"""Each scaled balance must be between a hundredth of D and a hundred times D (18 decimals)."""

_MAX_ROUNDS = 255


def require_parameters(ann: int, gamma: int) -> None:
    """Refuse A or gamma outside the bounds that the math contracts check."""
    if not (MIN_A <= ann <= MAX_A and MIN_GAMMA <= gamma <= MAX_GAMMA):
        raise QuoteRefused(Refusal.UNSAFE_STATE, f"A {ann} or gamma {gamma} is outside the pool's bounds")


def require_d(d: int) -> None:
    """Refuse an invariant outside the bounds that the math contracts check."""
    if not MIN_D <= d <= MAX_D:
        raise QuoteRefused(Refusal.UNSAFE_STATE, f"invariant {d} is outside the pool's bounds")


def require_fraction(scaled: int, d: int) -> None:
    """Refuse a scaled balance that is too small or too large a part of D."""
    fraction = quotient(checked(scaled * WAD), d)
    if not MIN_FRACTION <= fraction <= MAX_FRACTION:
        raise QuoteRefused(Refusal.UNSAFE_STATE, "the pool would become too lopsided")


def reduction_coefficient(xp: Sequence[int], fee_gamma: int) -> int:
    """How balanced the pool is, in 18 decimals: 1 when balanced, towards 0 when lopsided; both generations."""
    total = checked(xp[0] + xp[1] + xp[2])
    balance = WAD
    for x in xp:
        balance = quotient(checked(balance * N_COINS * x), total)
    if fee_gamma == 0:
        return balance
    return fee_gamma * WAD // checked(fee_gamma + WAD - balance)


def geometric_mean(values: Sequence[int]) -> int:
    """The mean (a·b·c)^(1/3) by Newton steps from the largest value."""
    ordered = sorted(values, reverse=True)
    mean = ordered[0]
    for _ in range(_MAX_ROUNDS):
        previous, ratio = mean, WAD
        for value in ordered:
            ratio = quotient(checked(ratio * value), mean)
        mean = checked(mean * checked(2 * WAD + ratio)) // (3 * WAD)
        moved = abs(mean - previous)
        if moved <= 1 or moved * WAD < mean:
            return mean
    raise QuoteRefused(Refusal.NOT_CONVERGED, "geometric mean")


def newton_d(ann: int, gamma: int, xp: Sequence[int]) -> int:
    """The invariant D of scaled balances `xp`; `ann` is A·n^n times `A_MULTIPLIER`."""
    require_parameters(ann, gamma)
    x = sorted(xp, reverse=True)
    if not 10**9 <= x[0] <= 10**33 or any(value * WAD // x[0] < 10**11 for value in x[1:]):
        raise QuoteRefused(Refusal.UNSAFE_STATE, "the pool's balances are outside its bounds")
    d = N_COINS * geometric_mean(x)
    total = sum(x)
    for _ in range(_MAX_ROUNDS):
        previous = d
        k0 = WAD
        for value in x:
            k0 = quotient(checked(k0 * value * N_COINS), d)
        g1k0 = abs(gamma + WAD - k0) + 1
        mul1 = checked(checked(WAD * d // gamma * g1k0) // gamma * g1k0 * A_MULTIPLIER) // ann
        mul2 = checked(2 * WAD * N_COINS * k0) // g1k0
        slope = total + checked(total * mul2) // WAD + quotient(checked(mul1 * N_COINS), k0)
        slope = checked(checked(slope) - checked(mul2 * d) // WAD)
        plus = quotient(checked(d * checked(slope + total)), slope)
        minus = checked(d * d) // slope
        pull = checked(d * (mul1 // slope)) // WAD
        if k0 < WAD:
            minus = checked(minus + checked(pull * (WAD - k0)) // k0)
        else:
            minus = checked(minus - checked(pull * (k0 - WAD)) // k0)
        d = plus - minus if plus > minus else (minus - plus) // 2
        if abs(d - previous) * 10**14 < max(10**16, d):
            for value in x:
                require_fraction(value, d)
            return d
    raise QuoteRefused(Refusal.NOT_CONVERGED, "invariant D")


def newton_y(ann: int, gamma: int, xp: Sequence[int], d: int, index: int) -> int:
    """The scaled balance of coin `index` that keeps D with the other two as in `xp`."""
    require_parameters(ann, gamma)
    require_d(d)
    low, high = sorted(xp[k] for k in range(N_COINS) if k != index)
    require_fraction(low, d)
    require_fraction(high, d)
    limit = max(high // 10**14, d // 10**14, 100)
    y = d // N_COINS * d // (low * N_COINS) * d // (high * N_COINS)
    k0_rest = WAD * high * N_COINS // d * low * N_COINS // d
    rest = low + high
    for _ in range(_MAX_ROUNDS):
        previous = y
        k0 = checked(k0_rest * y * N_COINS) // d
        total = checked(rest + y)
        g1k0 = abs(gamma + WAD - k0) + 1
        mul1 = checked(checked(WAD * d // gamma * g1k0) // gamma * g1k0 * A_MULTIPLIER) // ann
        mul2 = WAD + checked(2 * WAD * k0) // g1k0
        yfprime = checked(checked(WAD * y) + checked(total * mul2) + mul1)
        down = checked(d * mul2)
        if yfprime < down:
            y = previous // 2
            continue
        yfprime -= down
        fprime = quotient(yfprime, y)
        minus = quotient(mul1, fprime)
        plus = checked(checked(yfprime + WAD * d) // fprime + quotient(checked(minus * WAD), k0))
        minus = checked(minus + checked(WAD * total) // fprime)
        y = previous // 2 if plus < minus else plus - minus
        if abs(y - previous) < max(limit, y // 10**14):
            require_fraction(y, d)
            return y
    raise QuoteRefused(Refusal.NOT_CONVERGED, "balance y")


def half_power(power: int) -> int:
    """0.5^power in 18 decimals by the binomial series, to a term below 1e10; zero from the 60th half-life on."""
    whole, part = divmod(power, WAD)
    if whole > 59:
        return 0
    result = WAD >> whole
    if part == 0:
        return result
    term = total = WAD
    negative = False
    for k in range(1, 256):
        base = k * WAD
        c = base - WAD
        if part > c:
            c = part - c
            negative = not negative
        else:
            c -= part
        term = term * (c * (WAD // 2) // WAD) // base
        total = total - term if negative else total + term
        if term < 10**10:
            return result * total // WAD
    raise QuoteRefused(Refusal.NOT_CONVERGED, "moving average")


def wad_sqrt(value: int) -> int:
    """The root of an 18-decimal number, in 18 decimals, by Heron's steps."""
    if value == 0:
        return 0
    z, y = checked(value + WAD) // 2, value
    for _ in range(256):
        if z == y:
            return y
        y = z
        z = checked(quotient(checked(value * WAD), z) + z) // 2
    raise QuoteRefused(Refusal.NOT_CONVERGED, "square root")
