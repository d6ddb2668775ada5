"""What a trade does to a tricrypto pool's internal prices and profit: `tweak_price` of both generations.

Owns: the moving-average oracle, the last prices, the profit counters, and when and how far the price scale moves.
Must not: compute a trade's output, or hold balances.

Source: `CurveCryptoSwap.vy` (2021) and `CurveTricryptoOptimizedWETH.vy` (2023), `tweak_price`; the CryptoSwap paper,
"profit and repegging". All numbers have 18 decimals. Refuses where the chain reverts.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import isqrt

from oms.errors import BeyondKnownRange, QuoteRefused, Refusal
from oms.liquidity import cryptoswap_math, tricrypto_ng_math
from oms.liquidity.cryptoswap_math import MAX_FRACTION, MIN_FRACTION, N_COINS, WAD
from oms.liquidity.words import checked, evm_div, quotient
from oms.units import UINT128_MAX

Prices = tuple[int, int]
"""The second and third coin's price in the first, 18 decimals."""


class Generation(StrEnum):
    """Which contracts a pool consists of: they share the invariant, not the arithmetic."""

    TRICRYPTO = "tricrypto"
    TRICRYPTO_NG = "tricrypto_ng"


@dataclass(frozen=True, slots=True)
class Peg:
    """A pool's prices and profit counters. `d` is the stored invariant, of balances scaled by `price_scale`."""

    price_scale: Prices
    price_oracle: Prices
    last_prices: Prices
    last_prices_timestamp: int
    d: int
    xcp_profit: int
    virtual_price: int
    not_adjusted: bool = False
    """First generation only: an adjustment was begun and isn't done."""


@dataclass(frozen=True, slots=True)
class PegRules:
    """When the price scale may move. `ma_time` in seconds: a half-life at first, an e-folding time in NG.

    `adjustment_step` may be unknown (None): then a trade that would adjust the scale is refused, others are not.
    """

    allowed_extra_profit: int
    adjustment_step: int | None
    ma_time: int


@dataclass(frozen=True, slots=True)
class Trade:
    """What `tweak_price` needs of the trade just done.

    `xp` are the scaled balances after it. `k0_guess` is NG's, from `get_y`. `price_index` and `price` are the first
    generation's: which of the two last prices is replaced, and by what (zero: find the prices by probing the curve).
    """

    xp: tuple[int, int, int]
    ann: int
    gamma: int
    timestamp: int
    total_supply: int
    ramp_end: int
    k0_guess: int = 0
    price_index: int = 0
    price: int = 0


def after_trade(generation: Generation, peg: Peg, trade: Trade, rules: PegRules) -> Peg:
    """Prices, invariant and profit once `trade` is done. Raises `QuoteRefused` where `tweak_price` reverts."""
    if generation is Generation.TRICRYPTO_NG:
        return _after_trade_ng(peg, trade, rules)
    return _after_trade_first(peg, trade, rules)


def _after_trade_ng(peg: Peg, trade: Trade, rules: PegRules) -> Peg:
    oracle = peg.price_oracle
    if peg.last_prices_timestamp < trade.timestamp:
        elapsed = checked((trade.timestamp - peg.last_prices_timestamp) * WAD)
        alpha = tricrypto_ng_math.wad_exp(-evm_div(elapsed, rules.ma_time))
        capped = (min(last, 2 * scale) for last, scale in zip(peg.last_prices, peg.price_scale, strict=True))
        oracle = _packable(_blend(capped, oracle, alpha))

    d = tricrypto_ng_math.newton_d(trade.ann, trade.gamma, trade.xp, trade.k0_guess)
    spot = tricrypto_ng_math.spot_prices(trade.xp, d, trade.ann, trade.gamma)
    last = _packable(checked(p * scale) // WAD for p, scale in zip(spot, peg.price_scale, strict=True))

    virtual_price, xcp_profit = WAD, WAD
    if peg.virtual_price > 0:
        virtual_price = _virtual_price(d, peg.price_scale, trade.total_supply, tricrypto_ng_math.geometric_mean)
        xcp_profit = checked(peg.xcp_profit * virtual_price) // peg.virtual_price
        if trade.ramp_end < trade.timestamp and virtual_price <= peg.virtual_price:
            raise QuoteRefused(Refusal.UNSAFE_STATE, "the trade would lower the pool's value per share")
    plain = Peg(peg.price_scale, oracle, last, max(peg.last_prices_timestamp, trade.timestamp), d, xcp_profit,
                virtual_price)  # fmt: skip
    if not _earned_enough(virtual_price, xcp_profit, rules):
        return plain

    norm = isqrt(_distance_squared(oracle, peg.price_scale))
    step = max(_known(rules.adjustment_step), norm // 5)
    if norm <= step:
        return plain
    scale, xp = _moved_scale(trade.xp, peg.price_scale, oracle, norm=norm, step=step)
    new_d = tricrypto_ng_math.newton_d(trade.ann, trade.gamma, xp)
    if not all(MIN_FRACTION <= quotient(checked(x * WAD), new_d) <= MAX_FRACTION for x in xp):
        raise QuoteRefused(Refusal.UNSAFE_STATE, "the pool would become too lopsided at its new prices")
    new_price = _virtual_price(new_d, scale, trade.total_supply, tricrypto_ng_math.geometric_mean)
    if new_price > WAD and checked(2 * new_price - WAD) > xcp_profit:
        return replace(plain, price_scale=_packable(scale), d=new_d, virtual_price=new_price)
    return plain


def _after_trade_first(peg: Peg, trade: Trade, rules: PegRules) -> Peg:
    oracle = peg.price_oracle
    if peg.last_prices_timestamp < trade.timestamp:
        elapsed = checked((trade.timestamp - peg.last_prices_timestamp) * WAD)
        alpha = cryptoswap_math.half_power(quotient(elapsed, rules.ma_time))
        oracle = _packable(_blend(peg.last_prices, oracle, alpha))

    d = cryptoswap_math.newton_d(trade.ann, trade.gamma, trade.xp)
    last = _packable(_last_prices_first(peg, trade, d))

    virtual_price, xcp_profit = WAD, WAD
    if peg.virtual_price > 0:
        virtual_price = _virtual_price(d, peg.price_scale, trade.total_supply, cryptoswap_math.geometric_mean)
        xcp_profit = checked(peg.xcp_profit * virtual_price) // peg.virtual_price
        if trade.ramp_end == 0 and virtual_price < peg.virtual_price:
            raise QuoteRefused(Refusal.UNSAFE_STATE, "the trade would lower the pool's value per share")
    begun = peg.not_adjusted or _earned_enough(virtual_price, xcp_profit, rules)
    plain = Peg(peg.price_scale, oracle, last, max(peg.last_prices_timestamp, trade.timestamp), d, xcp_profit,
                virtual_price, begun)  # fmt: skip
    if not plain.not_adjusted:
        return plain

    step, norm = _known(rules.adjustment_step), _distance_squared(oracle, peg.price_scale)
    if norm <= checked(step * step) or peg.virtual_price == 0:
        return plain
    norm = cryptoswap_math.wad_sqrt(norm // WAD)
    scale, xp = _moved_scale(trade.xp, peg.price_scale, oracle, norm=norm, step=step)
    new_d = cryptoswap_math.newton_d(trade.ann, trade.gamma, xp)
    new_price = _virtual_price(new_d, scale, trade.total_supply, cryptoswap_math.geometric_mean)
    if new_price > WAD and checked(2 * new_price - WAD) > xcp_profit:
        return replace(plain, price_scale=_packable(scale), d=new_d, virtual_price=new_price)
    return replace(plain, not_adjusted=False)


def _last_prices_first(peg: Peg, trade: Trade, d: int) -> list[int]:
    """The traded pair's own price; for dust, what a millionth of the first coin more would cost in each other."""
    last = list(peg.last_prices)
    if trade.price > 0:
        last[trade.price_index - 1] = trade.price
        return last
    probe = trade.xp[0] // 10**6
    xp = (trade.xp[0] + probe, trade.xp[1], trade.xp[2])
    for k in (1, 2):
        given = checked(trade.xp[k] - cryptoswap_math.newton_y(trade.ann, trade.gamma, xp, d, k))
        last[k - 1] = quotient(checked(peg.price_scale[k - 1] * probe), given)
    return last


def _blend(latest: Iterable[int], oracle: Prices, alpha: int) -> Prices:
    first, second = (
        checked(checked(price * checked(WAD - alpha)) + checked(old * alpha)) // WAD
        for price, old in zip(latest, oracle, strict=True)
    )
    return first, second


def _virtual_price(d: int, price_scale: Prices, total_supply: int, mean: Callable[[Sequence[int]], int]) -> int:
    """Value per share: the geometric mean of a balanced pool with this D, over the supply."""
    balanced = [d // N_COINS, *(quotient(checked(d * WAD), checked(N_COINS * scale)) for scale in price_scale)]
    return quotient(checked(WAD * mean(balanced)), total_supply)


def _earned_enough(virtual_price: int, xcp_profit: int, rules: PegRules) -> bool:
    """Half of all profit must stay with the shares; what is beyond that, and the margin, may pay for moving prices."""
    return checked(virtual_price * 2 - WAD) > checked(xcp_profit + 2 * rules.allowed_extra_profit)


def _distance_squared(oracle: Prices, price_scale: Prices) -> int:
    """The square of the relative distance between oracle and scale, 36 decimals."""
    ratios = (quotient(checked(price * WAD), scale) for price, scale in zip(oracle, price_scale, strict=True))
    return checked(sum(checked((ratio - WAD) ** 2) for ratio in ratios))


def _moved_scale(
    xp: Sequence[int], scale: Prices, oracle: Prices, *, norm: int, step: int
) -> tuple[Prices, tuple[int, int, int]]:
    """The scale moved towards the oracle by `step` of the distance `norm`, and the balances scaled by it."""
    first, second = (
        quotient(checked(checked(old * checked(norm - step)) + checked(step * price)), norm)
        for old, price in zip(scale, oracle, strict=True)
    )
    return (first, second), (
        xp[0],
        quotient(checked(xp[1] * first), scale[0]),
        quotient(checked(xp[2] * second), scale[1]),
    )


def _packable(prices: Iterable[int]) -> Prices:
    """Prices as the pool packs them, two in a word. Raises `QuoteRefused` if one doesn't fit."""
    first, second = prices
    if first >= UINT128_MAX or second >= UINT128_MAX:
        raise QuoteRefused(Refusal.MATH_OVERFLOW, "a price doesn't fit in 128 bits")
    return first, second


def _known(adjustment_step: int | None) -> int:
    if adjustment_step is None:
        raise BeyondKnownRange("the trade would move the price scale, and the pool's adjustment_step was not loaded")
    return adjustment_step
