"""The CryptoSwap invariant for three coins, as the math contract of the Tricrypto-NG pools computes it.

Owns: the analytic `get_y` with its Newton fallback, `newton_d` with a first guess, spot prices, cube root,
geometric mean and exponential, bit for bit.
Must not: know pools, prices or storage.

Source: `CurveCryptoMathOptimized3.vy` (v2.0.0), the derivation in Curve's paper on the analytic solution: with
K0 = 27·Π x / D³ the invariant is a cubic in y, solved by Cardano's formula on integers. Checked operations refuse
where the chain reverts; unchecked ones wrap as the EVM does.

Two hot functions have a fast form beside the plain one: `get_y` (for `get_y_plain`) and `cube_root` (for
`cube_root_steps`). Each says why it is equal; tests hold them together.
"""

from collections.abc import Sequence
from math import isqrt

from oms.errors import QuoteRefused, Refusal
from oms.liquidity.cryptoswap_math import (
    A_MULTIPLIER,
    MAX_FRACTION,
    MIN_FRACTION,
    N_COINS,
    WAD,
    newton_y,
    require_d,
    require_fraction,
    require_parameters,
)
from oms.liquidity.words import (
    checked,
    checked_signed,
    evm_div,
    evm_sdiv,
    quotient,
    quotient_signed,
    wrapped,
    wrapped_signed,
)
from oms.units import UINT256_MAX

_A = 10**36 // 27
_NINTH = 10**36 // 9
_ROOT_LIMIT = 115792089237316195423570985008687907853269
"""2^256 / 1e36, rounded down: from here on the cube root gives up digits so as not to overflow."""

_DIVIDERS: tuple[tuple[int, int], ...] = tuple((10**digits, 10 ** (digits - 18)) for digits in range(48, 16, -4))
_MAX_ROUNDS = 255


def get_y(ann: int, gamma: int, xp: Sequence[int], d: int, index: int) -> tuple[int, int]:
    """Coin `index`'s scaled balance that keeps D, and K0 as a first guess for `newton_d` (zero: none).

    The hot path. In the usual region (b and c near 1e36 / 9, which a small A·gamma² brings about) no intermediate
    result can come near 2^255: |b|, |c| < 1.5e35, a and d < 5e34, so 3ac < 2e70, delta0 < 4e35, delta1 < 2e36, and
    their products stay below 1e74, D³ / (27 x x) < 4e35 likewise. Signs are then known, but for delta0 and delta1.
    Anywhere else `get_y_plain` answers.
    """
    require_parameters(ann, gamma)
    require_d(d)
    xj, xk = (xp[1], xp[2]) if index == 0 else (xp[0], xp[2]) if index == 1 else (xp[0], xp[1])
    if not (MIN_FRACTION <= xj * WAD // d <= MAX_FRACTION and MIN_FRACTION <= xk * WAD // d <= MAX_FRACTION):
        raise QuoteRefused(Refusal.UNSAFE_STATE, "the pool would become too lopsided")

    gamma2 = gamma * gamma
    b = _NINTH + 2 * WAD * gamma // 27 - d * d // xj * gamma2 * ann // 729 // A_MULTIPLIER // xk
    excess = xj + xk - d
    if excess >= 0:
        c = _NINTH + gamma * (gamma + 4 * WAD) // 27 + gamma2 * excess // d * ann // 27 // A_MULTIPLIER
    else:
        c = _NINTH + gamma * (gamma + 4 * WAD) // 27 - gamma2 * -excess // d * ann // 27 // A_MULTIPLIER
    if not (5 * 10**34 < b < 15 * 10**34 and 10**34 < c < 15 * 10**34):
        return get_y_plain(ann, gamma, xp, d, index)

    d0 = abs(3 * _A * c // b - b)
    divider = _divider(d0)
    precision = b // _A  # b > a here, so always the contract's second branch
    a = _A // precision // divider
    b = b // precision // divider
    c = c // precision // divider
    a3c = 3 * a * c
    delta0 = a3c // b - b
    delta1 = 3 * a3c // b - 2 * b - 27 * a * a // b * ((WAD + gamma) ** 2 // 27 // precision // divider) // b
    square = 4 * delta0 * delta0 // b
    root_of = delta1 * delta1 + (square * delta0)
    if root_of <= 0:
        return newton_y(ann, gamma, xp, d, index), 0
    root = isqrt(root_of)
    b_root = cube_root(b)
    second = cube_root((delta1 + root) // 2) if delta1 > 0 else -cube_root((root - delta1) // 2)
    c1 = b_root * b_root // WAD * second
    c1 = c1 // WAD if c1 >= 0 else -(-c1 // WAD)
    if c1 == 0:
        raise QuoteRefused(Refusal.MATH_OVERFLOW, "division by zero")
    turn = b * delta0
    turn = turn // c1 if (turn < 0) == (c1 < 0) else -(-turn // c1)
    k0 = b + turn - c1
    if k0 < 0:
        raise QuoteRefused(Refusal.MATH_OVERFLOW, "the cubic's root is negative")
    k0 //= 3
    y = d * d // 27 // xk * d // xj * k0 // a
    _require_result(y * WAD // d)
    return y, WAD * k0 // a


def get_y_plain(ann: int, gamma: int, xp: Sequence[int], d: int, index: int) -> tuple[int, int]:
    """As `get_y`, in all regions, each operation checked, wrapped and rounded as the contract's."""
    require_parameters(ann, gamma)
    require_d(d)
    xj, xk = (xp[k] for k in range(N_COINS) if k != index)
    require_fraction(xj, d)
    require_fraction(xk, d)

    a, gamma2 = _A, gamma * gamma
    weight = checked_signed(wrapped_signed(d * d // xj * gamma2) * ann)
    b = _NINTH + 2 * WAD * gamma // 27 - evm_sdiv(weight, 729 * A_MULTIPLIER * xk)
    shift = wrapped_signed(evm_sdiv(checked_signed(gamma2 * (xj + xk - d)), d) * ann)
    c = _NINTH + gamma * (gamma + 4 * WAD) // 27 + evm_sdiv(evm_sdiv(shift, 27), A_MULTIPLIER)
    delta = (WAD + gamma) ** 2 // 27
    divider = _divider(abs(checked_signed(quotient_signed(checked_signed(3 * a * c), b) - b)))

    if a > abs(b):
        precision = abs(evm_sdiv(a, b))
        a = a * precision // divider
        b = evm_sdiv(checked_signed(b * precision), divider)
        c = evm_sdiv(checked_signed(c * precision), divider)
        delta = checked_signed(delta * precision) // divider
    else:
        precision = abs(b) // a
        a = a // precision // divider
        b = evm_sdiv(evm_sdiv(b, precision), divider)
        c = evm_sdiv(evm_sdiv(c, precision), divider)
        delta = delta // precision // divider

    a3c = checked_signed(3 * a * c)
    delta0 = checked_signed(evm_sdiv(a3c, b) - b)
    cubed = checked_signed(evm_sdiv(checked_signed(27 * checked_signed(a * a)), b) * delta)
    delta1 = checked_signed(evm_sdiv(checked_signed(3 * a3c), b) - wrapped_signed(2 * b))
    delta1 = checked_signed(delta1 - evm_sdiv(cubed, b))
    square = evm_sdiv(checked_signed(4 * checked_signed(delta0 * delta0)), b)
    root_of = checked_signed(checked_signed(delta1 * delta1) + checked_signed(square * delta0))
    if root_of <= 0:
        return newton_y(ann, gamma, xp, d, index), 0
    root = isqrt(root_of)

    b_root = cube_root_steps(b) if b >= 0 else -cube_root_steps(-b)
    if delta1 > 0:
        second = cube_root_steps(checked_signed(delta1 + root) // 2)
    else:
        second = -cube_root_steps(-checked_signed(delta1 - root) // 2)
    c1 = evm_sdiv(checked_signed(evm_sdiv(checked_signed(b_root * b_root), WAD) * second), WAD)
    turn = quotient_signed(checked_signed(b * delta0), c1)
    k0 = evm_sdiv(checked_signed(checked_signed(b + turn) - c1), 3)
    volume = evm_sdiv(checked_signed(d * d // 27 // xk * d), xj)
    y = checked(evm_sdiv(checked_signed(volume * k0), a))
    guess = checked(evm_sdiv(checked_signed(WAD * k0), a))
    _require_result(checked(y * WAD) // d)
    return y, guess


def newton_d(ann: int, gamma: int, xp: Sequence[int], k0_guess: int = 0) -> int:
    """The invariant D of scaled balances; `k0_guess` from `get_y` gives the steps a nearer start."""
    x = sorted(xp, reverse=True)
    if not 0 < x[0] < UINT256_MAX // WAD * 27:
        raise QuoteRefused(Refusal.UNSAFE_STATE, "the pool's balances are outside its bounds")
    total = wrapped(x[0] + x[1] + x[2])
    d = _first_d(x, total, k0_guess)
    for _ in range(_MAX_ROUNDS):
        previous = d
        k0 = evm_div(wrapped(WAD * x[0] * N_COINS), d)
        k0 = evm_div(wrapped(k0 * x[1] * N_COINS), d)
        k0 = evm_div(wrapped(k0 * x[2] * N_COINS), d)
        g1k0 = abs(gamma + WAD - k0) + 1
        mul1 = wrapped(wrapped(wrapped(WAD * d) // gamma * g1k0) // gamma * g1k0 * A_MULTIPLIER) // ann
        mul2 = evm_div(wrapped(2 * WAD * N_COINS * k0), wrapped(g1k0))
        slope = total + wrapped(total * mul2) // WAD + evm_div(wrapped(mul1 * N_COINS), k0)
        slope = wrapped(slope - wrapped(mul2 * d) // WAD)
        plus = evm_div(checked(d * wrapped(slope + total)), slope)
        minus = evm_div(checked(d * d), slope)
        pull = checked(d * evm_div(mul1, slope)) // WAD
        if k0 < WAD:
            minus = checked(minus + evm_div(wrapped(pull * (WAD - k0)), k0))
        else:
            minus = checked(minus - wrapped(pull * (k0 - WAD)) // k0)
        d = plus - minus if plus > minus else (minus - plus) // 2
        if wrapped(abs(d - previous) * 10**14) < max(10**16, d):
            for value in x:
                _require_result(evm_div(wrapped(value * WAD), d))
            return d
    raise QuoteRefused(Refusal.NOT_CONVERGED, "invariant D")


def spot_prices(xp: Sequence[int], d: int, ann: int, gamma: int) -> tuple[int, int]:
    """The second and third coin's prices in the first, on scaled balances, 18 decimals (`get_p`)."""
    require_d(d)
    k0 = checked(checked(27 * xp[0] * xp[1]) // d * xp[2]) // d
    k0 = checked(k0 * 10**36) // d
    gk0 = checked(checked(2 * k0 * k0) // 10**36 * k0) // 10**36 + (gamma + WAD) ** 2
    gk0 = checked(checked(gk0) - wrapped(wrapped(k0 * k0) // 10**36 * (2 * gamma + 3 * WAD)) // WAD)
    nnag2 = wrapped(ann * gamma * gamma) // A_MULTIPLIER

    def weight(x: int) -> int:
        return checked(gk0 + checked(checked(nnag2 * x) // d * k0) // 10**36)

    below = weight(xp[0])
    price1, price2 = (checked(quotient(checked(xp[0] * weight(x)), x) * WAD) for x in xp[1:])
    return evm_div(price1, below), evm_div(price2, below)


def geometric_mean(values: Sequence[int]) -> int:
    """(a·b·c)^(1/3) of 18-decimal numbers."""
    product = checked(checked(values[0] * values[1]) // WAD * values[2]) // WAD
    return cube_root(product) if product else 0


def cube_root(value: int) -> int:
    """The cube root of an 18-decimal number, in 18 decimals, as seven Newton steps leave it (`cube_root_steps`).

    The contract's first guess is at most 21 % low, so its sixth step is within one of the root; with m the root
    rounded down, a step from m or m + 1 gives m, unless m³ + 3m² <= value, where it turns in circles and the number
    of steps decides. So m is the answer elsewhere. A float's cube root plus one integer step finds m; it is proved
    by cubing.
    """
    if value >= _ROOT_LIMIT or value == 0:
        return cube_root_steps(value)
    value36 = value * 10**36
    root = int(float(value36) ** (1 / 3))
    root = (2 * root + value36 // (root * root)) // 3
    cube = root * root * root
    if cube > value36:
        root -= 1
        cube = root * root * root
    if cube <= value36 < cube + 3 * root * root:
        return root
    return cube_root_steps(value)


def cube_root_steps(value: int) -> int:
    """The contract's own way: a power of two as the first guess, then exactly seven Newton steps."""
    scale = 1
    scaled = value * 10**36
    if value >= _ROOT_LIMIT * WAD:
        scaled, scale = value, 10**12
    elif value >= _ROOT_LIMIT:
        scaled, scale = value * WAD, 10**6
    third, remainder = divmod(max(scaled.bit_length() - 1, 0), 3)
    root = (1 << third) * (1, 1260, 1260**2)[remainder] // (1, 1000, 1000**2)[remainder]
    for _ in range(7):
        root = (2 * root + evm_div(scaled, root * root)) // 3
    return root * scale


def wad_exp(power: int) -> int:
    """e^power for an 18-decimal power that isn't positive, in 18 decimals, by Remco Bloemen's rational function."""
    if power <= -42139678854452767551:
        return 0
    x = evm_sdiv(power << 78, 5**18)
    k = (evm_sdiv(x << 96, 54916777467707473351141471128) + 2**95) >> 96
    x -= k * 54916777467707473351141471128
    y = ((x + 1346386616545796478920950773328) * x >> 96) + 57155421227552351082224309758442
    p = ((y + x - 94201549194550492254356042504812) * y >> 96) + 28719021644029726153956944680412240
    p = p * x + (4385272521454847904659076985693276 << 96)
    q = ((x - 2855989394907223263936484059900) * x >> 96) + 50020603652535783019961831881945
    q = (q * x >> 96) - 533845033583426703283633433725380
    q = (q * x >> 96) + 3604857256930695427073651918091429
    q = (q * x >> 96) - 14423608567350463180887372962807573
    q = (q * x >> 96) + 26449188498355588339934803723976023
    return evm_sdiv(p, q) * 3822833074963236453042738258902158003155416615667 >> (195 - k)


def _first_d(x: Sequence[int], total: int, k0_guess: int) -> int:
    if k0_guess == 0:
        return wrapped(N_COINS * geometric_mean(x))
    down, up = (10**36, 10**12) if total > 10**36 else (10**24, 10**6) if total > 10**24 else (10**18, 1)
    product = checked(checked(x[0] * x[1]) // down * x[2]) // k0_guess
    return cube_root(checked(product * 27 * up))


def _require_result(fraction: int) -> None:
    """As `require_fraction`, but the bound of what comes out is a hair lower than of what goes in."""
    if not MIN_FRACTION - 1 <= fraction <= MAX_FRACTION:
        raise QuoteRefused(Refusal.UNSAFE_STATE, "the pool would become too lopsided")


def _divider(d0: int) -> int:
    """The scale by which Cardano's terms are divided, so that their squares fit in 256 bits."""
    for bound, divider in _DIVIDERS:
        if d0 > bound:
            return divider
    return 1
