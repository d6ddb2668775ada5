"""Powers of 18-decimal fixed-point numbers, digit for digit as Balancer v2's `LogExpMath` computes them.

Owns: `power`, `natural_exponent`, `natural_logarithm`, and `power_below_one`, the quick form of `power` for a base
just below one and an exponent near one, which is what most swaps in weighted pools ask for.
Must not: be "more precise" than the contract; every truncation here is one of the contract's.

Source: Balancer v2 `LogExpMath.sol` (`pow`, `exp`, `_ln`, `_ln_36`). Integers are scaled by 1e18 at the edges, 1e20
and 1e36 inside. Solidity truncates signed division towards zero; where a dividend may be negative the magnitude is
divided and the sign put back.
"""

from oms.errors import QuoteRefused, Refusal

ONE = 10**18
_ONE_20 = 10**20
_ONE_36 = 10**36

_MAX_EXPONENT = 130 * ONE
_MIN_EXPONENT = -41 * ONE
_MILD_EXPONENT = 2**254 // _ONE_20
_LN_36_LOWER = ONE - 10**17
_LN_36_UPPER = ONE + 10**17

# (x, e^x): the first two as x with 18 decimals and a whole e^x, the others both with 20 decimals.
_WHOLE_POWERS = (
    (128 * ONE, 38877084059945950922200000000000000000000000000000000000),
    (64 * ONE, 6235149080811616882910000000),
)
_POWERS = (
    (3200000000000000000000, 7896296018268069516100000000000000),
    (1600000000000000000000, 888611052050787263676000000),
    (800000000000000000000, 298095798704172827474000),
    (400000000000000000000, 5459815003314423907810),
    (200000000000000000000, 738905609893065022723),
    (100000000000000000000, 271828182845904523536),
    (50000000000000000000, 164872127070012814685),
    (25000000000000000000, 128402541668774148407),
    (12500000000000000000, 113314845306682631683),
    (6250000000000000000, 106449445891785942956),
)
_EXPONENT_POWERS = _POWERS[:8]
"""`exp` stops reducing at 0.25; `ln` goes on to 0.0625."""


def power(x: int, y: int) -> int:
    """`x ** y` as `LogExpMath.pow`; `x` and `y` unsigned, 18 decimals.

    Raises:
        QuoteRefused: `MATH_OVERFLOW` where the contract reverts with BAL#006, 007 or 008.
    """
    if y == 0:
        return ONE
    if x == 0:
        return 0
    if x >> 255 or y >= _MILD_EXPONENT:
        raise QuoteRefused(Refusal.MATH_OVERFLOW, "base or exponent out of bounds (BAL#006, BAL#007)")
    # The contract splits the finer product in two to stay below 256 bits; the truncated result is the same.
    fine = _LN_36_LOWER < x < _LN_36_UPPER
    product = _truncate(_ln_36(x) * y, _ONE_36) if fine else _truncate(_ln(x) * y, ONE)
    if not _MIN_EXPONENT <= product <= _MAX_EXPONENT:
        raise QuoteRefused(Refusal.MATH_OVERFLOW, "power out of bounds (BAL#008)")
    return natural_exponent(product)


def natural_exponent(x: int) -> int:
    """`e ** x` as `LogExpMath.exp`; `x` signed, 18 decimals.

    Raises:
        QuoteRefused: `MATH_OVERFLOW` where the contract reverts with BAL#009.
    """
    if not _MIN_EXPONENT <= x <= _MAX_EXPONENT:
        raise QuoteRefused(Refusal.MATH_OVERFLOW, "exponent out of bounds (BAL#009)")
    if x < 0:
        return _ONE_36 // natural_exponent(-x)
    whole = 1
    for step, factor in _WHOLE_POWERS:
        if x >= step:
            x -= step
            whole = factor
            break
    x *= 100
    product = _ONE_20
    for step, factor in _EXPONENT_POWERS:
        if x >= step:
            x -= step
            product = product * factor // _ONE_20
    # 1 + x + x²/2! + ... + x¹²/12!. Dividing once by n·1e20 equals dividing twice, as both truncate.
    series = _ONE_20 + x
    term = x
    for divisor in _SERIES_DIVISORS:
        term = term * x // divisor
        if not term:
            break
        series += term
    return product * series // _ONE_20 * whole // 100


_SERIES_DIVISORS = tuple(n * _ONE_20 for n in range(2, 13))


def natural_logarithm(a: int) -> int:
    """`ln(a)` as `LogExpMath.ln`; 18 decimals. Raises `QuoteRefused` for `a` of zero or less (BAL#100)."""
    if a <= 0:
        raise QuoteRefused(Refusal.MATH_OVERFLOW, "logarithm of zero (BAL#100)")
    if _LN_36_LOWER < a < _LN_36_UPPER:
        return _truncate(_ln_36(a), ONE)
    return _ln(a)


def _ln(a: int) -> int:
    if a < ONE:
        return -_ln(_ONE_36 // a)
    total = 0
    for step, factor in _WHOLE_POWERS:
        if a >= factor * ONE:
            a //= factor
            total += step
    total *= 100
    a *= 100
    for step, factor in _POWERS:
        if a >= factor:
            a = a * _ONE_20 // factor
            total += step
    z = (a - _ONE_20) * _ONE_20 // (a + _ONE_20)
    z_squared = z * z // _ONE_20
    term = series = z
    for divisor in (3, 5, 7, 9, 11):
        term = term * z_squared // _ONE_20
        series += term // divisor
    return (total + 2 * series) // 100


def _ln_36(x: int) -> int:
    """`ln(x)` with 36 decimals, for `x` within 10 % of one. The series is odd, so its truncation is symmetric."""
    distance = abs(x - ONE)
    z = distance * _ONE_36 // (x + ONE)
    z_squared = z * z // _ONE_36
    term = series = z
    for divisor in (3, 5, 7, 9, 11, 13, 15):
        term = term * z_squared // _ONE_36
        if not term:
            break
        series += term // divisor
    return -2 * series if x < ONE else 2 * series


def _truncate(dividend: int, divisor: int) -> int:
    return dividend // divisor if dividend >= 0 else -(-dividend // divisor)


_QUICK_DISTANCE = 10**17
_QUICK_EXPONENT = 10 * ONE
_TWO_E16 = 2 * 10**16
_THREE_ONE = 3 * ONE
_FOUR_ONE = 4 * ONE
_SMALL_DISTANCE = 2 * 10**15
_SERIES_LOSS = 13
_SHORT_SERIES_LOSS = 7


def power_below_one(base: int, exponent: int) -> int:
    """`power(base, exponent)`, quickly, where 0.9 < base < 1; elsewhere by `power` itself. Twin: `power`.

    Both series are summed with their head in integers and their small tail in floats, within proven error bounds;
    where the bounds straddle a digit that the contract keeps (one call in seven at most), the exact series decides.
    Measured: 1.2 µs where `power` takes 3 µs.
    """
    distance = ONE - base
    if not 0 < distance < _QUICK_DISTANCE or not 0 < exponent <= _QUICK_EXPONENT:
        return power(base, exponent)
    # -ln(base) = 2·(z + z³/3 + z⁵/5 + ...) with z = distance / (base + 1), times the exponent, in units of 1e-18.
    doubled = 2 * exponent
    total = ONE + base
    head, rest = divmod(distance * doubled, total)
    divisor = total * 1e-18
    z = distance * 1e-18 / divisor
    w = z * z
    if distance < _SMALL_DISTANCE:
        tail = doubled * z * w * (1 / 3 + w * (1 / 5 + w / 7))
    else:
        tail = 1 / 7 + w * (1 / 9 + w * (1 / 11 + w * (1 / 13 + w / 15)))
        tail = doubled * z * w * (1 / 3 + w * (1 / 5 + w * tail))
    fraction = rest * 1e-18 / divisor + tail
    carry = int(fraction)
    # A dozen roundings of 2**-53 in `tail` and its sum; what the contract truncates is below 1e-12.
    margin = tail * 2e-15 + 1e-12
    if not margin < fraction - carry < 1 - margin:
        return power(base, exponent)
    x = head + carry
    f = x * 1e-18
    # e**x = 1 + x + x²/2 + ..., in units of 1e-20 beyond x, as the contract sums it.
    loss = _SERIES_LOSS
    if f < 0.001:
        upper = x * x // _TWO_E16 + int(f * f * f * (1 / 6 + f * (1 / 24 + f / 120)) * 1e20) + 2
        loss = _SHORT_SERIES_LOSS
    elif f < 0.02:
        tail = f * f * f * (1 / 6 + f * (1 / 24 + f * (1 / 120 + f * (1 / 720 + f * (1 / 5040 + f / 40320)))))
        upper = x * x // _TWO_E16 + int(tail * 1e20) + 2
    elif f < 0.2499:
        square = x * x // _TWO_E16
        cube = square * x // _THREE_ONE
        fourth = cube * x // _FOUR_ONE
        # From x⁵/5! to x¹²/12!, as multiples of x⁴/4!.
        tail = 1 + f / 9 * (1 + f / 10 * (1 + f / 11 * (1 + f / 12)))
        tail = f / 5 * (1 + f / 6 * (1 + f / 7 * (1 + f / 8 * tail)))
        upper = square + cube + fourth + int(fourth * tail) + 2
    else:
        return natural_exponent(-x)
    # Each truncated term loses less than 1.02 (ten of them at most, three below 0.001), and the floats err by less than
    # one: the contract's sum lies within `loss` below `upper`.
    whole, last_digits = divmod(upper, 100)
    if last_digits < loss:
        return natural_exponent(-x)
    return _ONE_36 // (ONE + x + whole)
