"""Arithmetic on 256-bit words as the EVM and Vyper do it.

Owns: what a checked operation refuses, and what an unchecked one wraps to.
Must not: know a formula. Hot loops write these out by hand where bounds make them superfluous, and say so.
"""

from oms.errors import QuoteRefused, Refusal
from oms.units import UINT256_MAX

_INT256_MAX = 2**255 - 1
_INT256_MIN = -(2**255)


def checked(value: int) -> int:
    """`value` if it is a uint256, as after Vyper's `+ - *`. Raises `QuoteRefused` where the chain reverts."""
    if 0 <= value <= UINT256_MAX:
        return value
    raise QuoteRefused(Refusal.MATH_OVERFLOW, "an intermediate result leaves uint256")


def checked_signed(value: int) -> int:
    """`value` if it is an int256. Raises `QuoteRefused` where the chain reverts."""
    if _INT256_MIN <= value <= _INT256_MAX:
        return value
    raise QuoteRefused(Refusal.MATH_OVERFLOW, "an intermediate result leaves int256")


def wrapped(value: int) -> int:
    """`value` modulo 2^256, as after `unsafe_add`, `unsafe_sub` and `unsafe_mul` on uint256."""
    return value & UINT256_MAX


def wrapped_signed(value: int) -> int:
    """`value` modulo 2^256 in two's complement, as after the unsafe operations on int256."""
    value &= UINT256_MAX
    return value if value <= _INT256_MAX else value - UINT256_MAX - 1


def quotient(numerator: int, denominator: int) -> int:
    """A checked division of uint256, rounded down. Raises `QuoteRefused` for a zero divisor."""
    if denominator == 0:
        raise QuoteRefused(Refusal.MATH_OVERFLOW, "division by zero")
    return numerator // denominator


def evm_div(numerator: int, denominator: int) -> int:
    """The opcode DIV (`unsafe_div`): rounded down, and zero for a zero divisor."""
    return numerator // denominator if denominator else 0


def evm_sdiv(numerator: int, denominator: int) -> int:
    """The opcode SDIV (`unsafe_div` on int256): rounded towards zero, and zero for a zero divisor."""
    if denominator == 0:
        return 0
    magnitude = abs(numerator) // abs(denominator)
    return wrapped_signed(magnitude if (numerator < 0) == (denominator < 0) else -magnitude)


def quotient_signed(numerator: int, denominator: int) -> int:
    """A checked division of int256, rounded towards zero. Raises `QuoteRefused` for a zero divisor."""
    if denominator == 0:
        raise QuoteRefused(Refusal.MATH_OVERFLOW, "division by zero")
    magnitude = abs(numerator) // abs(denominator)
    return checked_signed(magnitude if (numerator < 0) == (denominator < 0) else -magnitude)
