"""Quantities as distinct types, and the one place where text becomes base units.

Owns: names for on-chain integers, and exact parsing and printing of token amounts.
Must not: know any venue or token.
"""

import re
from decimal import Decimal, InvalidOperation
from typing import NewType

from oms.errors import InvalidRequest

Address = NewType("Address", str)
"""A 20-byte account, EIP-55 checksummed, `0x`-prefixed."""

Wei = NewType("Wei", int)
Gas = NewType("Gas", int)
Bps = NewType("Bps", int)
SqrtPriceX96 = NewType("SqrtPriceX96", int)
Tick = NewType("Tick", int)
BlockNumber = NewType("BlockNumber", int)

ZERO_ADDRESS = Address("0x0000000000000000000000000000000000000000")
"""Stands for the chain's native coin in pool keys."""

BPS = 10_000
UINT256_MAX = 2**256 - 1
UINT128_MAX = 2**128 - 1


_LONGEST_AMOUNT = 120
_GROUPED = re.compile(r"[^,]*|\d{1,3}(,\d{3})+(\.\d*)?")
"""No comma at all, or commas between thousands: `0,5` must not be read as 5."""


def parse_amount(text: str, decimals: int, *, field: str = "amount") -> int:
    """Read a human decimal such as `25` or `1_000.5` as base units, exactly.

    Raises:
        InvalidRequest: not a finite positive decimal, or more precise than the token.
    """
    if len(text) > _LONGEST_AMOUNT:
        raise InvalidRequest(field, f"{text[:20]}… is longer than any token amount; round it yourself")
    if not _GROUPED.fullmatch(text):
        raise InvalidRequest(field, f"{text!r} has a comma that groups no thousands; write 0.5 for a half")
    try:
        value = Decimal(text.replace("_", "").replace(",", ""))
    except InvalidOperation:
        raise InvalidRequest(field, f"{text!r} is not a decimal number; write it like 25 or 0.5") from None
    if not value.is_finite() or value <= 0:
        raise InvalidRequest(field, f"{text} must be greater than zero")
    if value.adjusted() > 60:
        raise InvalidRequest(field, f"{text} is larger than any token amount")
    _, digits, exponent = value.as_tuple()
    shift = int(exponent) + decimals
    if -shift > len(digits):
        raise InvalidRequest(field, f"{text} has more than the token's {decimals} decimals; round it yourself")
    coefficient: int = int("".join(map(str, digits)))
    if shift >= 0:
        raw: int = coefficient * 10**shift
    else:
        raw, remainder = divmod(coefficient, 10**-shift)
        if remainder:
            raise InvalidRequest(field, f"{text} has more than the token's {decimals} decimals; round it yourself")
    if raw > UINT128_MAX:
        raise InvalidRequest(field, f"{text} does not fit in 128 bits of base units; lower it")
    return raw


def format_amount(raw: int, decimals: int, *, places: int | None = None) -> str:
    """Print base units as a decimal string; exact, or rounded down to `places`."""
    sign, raw = ("-", -raw) if raw < 0 else ("", raw)
    whole, fraction = divmod(raw, 10**decimals)
    digits = str(fraction).rjust(decimals, "0") if decimals else ""
    digits = digits[:places].ljust(places, "0") if places is not None else digits.rstrip("0")
    return f"{sign}{whole:,}.{digits}" if digits else f"{sign}{whole:,}"
