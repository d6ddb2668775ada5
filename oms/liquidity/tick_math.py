"""Ticks and square-root prices of Uniswap v3 and v4, exactly.

Owns: sqrt(1.0001^tick) as the contracts round it, its inverse, and the bounds of both.
Must not: know pools.
Source: Uniswap v3 core `TickMath` and v4 core `TickMath`, which agree in every value; v3 whitepaper, section 6.1.
"""

from functools import lru_cache
from math import floor, log

from oms.errors import InvalidRequest

MIN_TICK = -887272
MAX_TICK = 887272
MIN_SQRT_PRICE_X96 = 4295128739
MAX_SQRT_PRICE_X96 = 1461446703485210103287273052203988822378723970342

_UINT256_MAX = 2**256 - 1
_LOG_STEP = log(1.0001) / 2
_LOG_Q96 = 96 * log(2)

# 2^128 / sqrt(1.0001)^(2^i) for i = 0..19, the contracts' own constants: their last bit is not always the nearest.
_FACTORS = (
    0xFFFCB933BD6FAD37AA2D162D1A594001,
    0xFFF97272373D413259A46990580E213A,
    0xFFF2E50F5F656932EF12357CF3C7FDCC,
    0xFFE5CACA7E10E4E61C3624EAA0941CD0,
    0xFFCB9843D60F6159C9DB58835C926644,
    0xFF973B41FA98C081472E6896DFB254C0,
    0xFF2EA16466C96A3843EC78B326B52861,
    0xFE5DEE046A99A2A811C461F1969C3053,
    0xFCBE86C7900A88AEDCFFC83B479AA3A4,
    0xF987A7253AC413176F2B074CF7815E54,
    0xF3392B0822B70005940C7A398E4B70F3,
    0xE7159475A2C29B7443B29C7FA6E889D9,
    0xD097F3BDFD2022B8845AD8F792AA5825,
    0xA9F746462D870FDF8A65DC1F90E061E5,
    0x70D869A156D2A1B890BB3DF62BAF32F7,
    0x31BE135F97D08FD981231505542FCFA6,
    0x9AA508B5B7A84E1C677DE54F3E99BC9,
    0x5D6AF8DEDB81196699C329225EE604,
    0x2216E584F5FA1EA926041BEDFE98,
    0x48A170391F7DC42444E8FA2,
)


@lru_cache(maxsize=1 << 15)
def sqrt_price_at_tick(tick: int) -> int:
    """Return sqrt(1.0001^tick) * 2^96, rounded up as the contracts do. Raises `InvalidRequest` out of bounds."""
    magnitude = -tick if tick < 0 else tick
    if magnitude > MAX_TICK:
        raise InvalidRequest("tick", f"{tick} is outside ±{MAX_TICK}")
    ratio = 1 << 128
    for factor in _FACTORS:
        if not magnitude:
            break
        if magnitude & 1:
            ratio = ratio * factor >> 128
        magnitude >>= 1
    if tick > 0:
        ratio = _UINT256_MAX // ratio
    return (ratio + 0xFFFFFFFF) >> 32


def tick_at_sqrt_price(sqrt_price_x96: int) -> int:
    """Return the greatest tick whose price does not exceed this one. Raises `InvalidRequest` out of bounds.

    A float logarithm is right to about 1e-9 of a tick; the exact comparison on either side settles the rest.
    """
    if not MIN_SQRT_PRICE_X96 <= sqrt_price_x96 < MAX_SQRT_PRICE_X96:
        raise InvalidRequest("sqrt_price_x96", f"{sqrt_price_x96} is outside the pool's price range")
    estimate = (log(sqrt_price_x96) - _LOG_Q96) / _LOG_STEP
    tick = floor(estimate)
    fraction = estimate - tick
    if fraction < 1e-6 and tick > MIN_TICK and sqrt_price_at_tick(tick) > sqrt_price_x96:
        return tick - 1
    if fraction > 1 - 1e-6 and tick < MAX_TICK and sqrt_price_at_tick(tick + 1) <= sqrt_price_x96:
        return tick + 1
    return min(max(tick, MIN_TICK), MAX_TICK - 1)
