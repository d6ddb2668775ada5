"""Which curve a pool trades on, and how far: from a pool's integers to the floats of a fit.

Owns: scaling by precision, rate and fee, and where a curve ends. Must not: fit, search, or feed an amount into a plan.
"""

import math
from dataclasses import replace

from oms.errors import QuoteRefused
from oms.liquidity import cryptoswap_math, tricrypto_ng_math
from oms.liquidity.composable_stable import AMP_PRECISION, BalancerStablePool
from oms.liquidity.crypto_curve import CryptoCurve, CryptoShape
from oms.liquidity.cryptoswap import FEE_DENOMINATOR as CRYPTO_FEE
from oms.liquidity.cryptoswap import CryptoSwapPool
from oms.liquidity.cryptoswap_math import A_MULTIPLIER, N_COINS, WAD
from oms.liquidity.cryptoswap_peg import Generation
from oms.liquidity.curve_fit import TradeCurve, position_where
from oms.liquidity.solidly import SolidlyPool
from oms.liquidity.stable_curves import CurvePoint, SolidlyCurve, StableCurve, stable_shape
from oms.liquidity.stableswap import FEE_DENOMINATOR, StableSwapPool
from oms.units import BPS, Address

CurvedPool = StableSwapPool | BalancerStablePool | SolidlyPool | CryptoSwapPool
"""Pools whose answer to a price has no closed form; of Solidly's the stable ones."""


def curve_of(pool: CurvedPool, token_in: Address, token_out: Address) -> TradeCurve | None:
    """The curve in one direction; nothing where the pool is empty. Raises `QuoteRefused`, as the pool would."""
    if isinstance(pool, SolidlyPool):
        return _solidly(pool, zero_for_one=token_in == pool.token0)
    i, j = pool.tokens.index(token_in), pool.tokens.index(token_out)
    if isinstance(pool, StableSwapPool):
        return _stableswap(pool, i, j)
    if isinstance(pool, BalancerStablePool):
        return _balancer(pool, i, j)
    return _cryptoswap(pool, i, j)


def end_of(pool: CurvedPool, curve: TradeCurve, token_in: Address, token_out: Address) -> float:
    """The position at which the pool would refuse more, to about a thousandth of the last amount that it takes."""
    limits = pool.limits(token_in, token_out)
    most_in, most_out = float(limits.max_amount_in), float(limits.max_amount_out)

    def is_beyond(point: CurvePoint) -> bool:
        return point.amount_in > most_in or point.amount_out > most_out

    high = position_where(curve, is_beyond)
    if _takes(pool, token_in, token_out, curve.at(high)):
        return high
    step = _RESOLUTION
    while high > step and not _takes(pool, token_in, token_out, curve.at(high - step)):
        high, step = high - step, 4.0 * step
    low = max(0.0, high - step)
    while high - low > _RESOLUTION:
        middle = (low + high) / 2.0
        if _takes(pool, token_in, token_out, curve.at(middle)):
            low = middle
        else:
            high = middle
    return low


_RESOLUTION = 1e-3
"""Of a position: about the share of the last amount that the pool takes to which its end is found."""


def _takes(pool: CurvedPool, token_in: Address, token_out: Address, point: CurvePoint) -> bool:
    try:
        pool.quote_in(token_in, token_out, math.floor(point.amount_in))
    except (QuoteRefused, ArithmeticError):
        return False
    return True


def _stableswap(pool: StableSwapPool, i: int, j: int) -> StableCurve | None:
    if pool.killed or not all(pool.balances):
        return None
    scaled = [rate * balance / WAD for rate, balance in zip(pool.rates, pool.balances, strict=True)]
    linear = pool.a() * len(scaled) / pool.amplification.a_precision
    kept = (FEE_DENOMINATOR - pool.fee) / FEE_DENOMINATOR
    return StableCurve(
        scaled[i], scaled[j], stable_shape(scaled, linear), WAD / pool.rates[i], kept * WAD / pool.rates[j]
    )


def _balancer(pool: BalancerStablePool, i: int, j: int) -> StableCurve | None:
    if not all(pool.balances):
        return None
    factors = pool.scaling_factors
    scaled = [factor * balance / WAD for factor, balance in zip(factors, pool.balances, strict=True)]
    linear = pool.amplification * len(scaled) / AMP_PRECISION
    kept = (WAD - pool.swap_fee) / WAD
    return StableCurve(scaled[i], scaled[j], stable_shape(scaled, linear), WAD / factors[i] / kept, WAD / factors[j])


def _solidly(pool: SolidlyPool, *, zero_for_one: bool) -> SolidlyCurve | None:
    if not pool.reserve0 or not pool.reserve1:
        return None
    first, second = (pool.reserve0, 10**pool.decimals0), (pool.reserve1, 10**pool.decimals1)
    (reserve_in, unit_in), (reserve_out, unit_out) = (first, second) if zero_for_one else (second, first)
    kept = (BPS - pool.fee) / BPS
    return SolidlyCurve(reserve_in / unit_in, reserve_out / unit_out, unit_in / kept, float(unit_out))


def _cryptoswap(pool: CryptoSwapPool, i: int, j: int) -> CryptoCurve | None:
    if pool.killed or not all(pool.balances):
        return None
    ann, gamma = pool.ramp.at(pool.timestamp)
    scale = (WAD, *pool.peg.price_scale)
    xp = tuple(pool.balances[k] * pool.precisions[k] * scale[k] // WAD for k in range(N_COINS))
    d = _invariant(pool, ann, gamma, (xp[0], xp[1], xp[2]))
    shape = CryptoShape(
        float(d),
        float(xp[3 - i - j]),
        gamma / WAD,
        ann / A_MULTIPLIER * (gamma / WAD) ** 2,
        pool.fee.mid_fee / CRYPTO_FEE,
        pool.fee.out_fee / CRYPTO_FEE,
        pool.fee.fee_gamma / WAD,
    )
    # In integers: what is left of one when floats of K0 are taken off would have lost ten digits.
    h = max(0, d**3 - 27 * xp[0] * xp[1] * xp[2]) / d**3
    unit_in, unit_out = (WAD / scale[k] / pool.precisions[k] for k in (i, j))
    raw = CryptoCurve(shape, float(xp[i]), float(xp[j]), h, unit_in, unit_out, _REACH)
    x, y, h = raw.balances(0.0)
    return replace(raw, x=x, y=y, h=h)


_REACH = 9.3
"""Log of the most by which x / y may grow: the pool allows each balance from a hundredth to a hundred times D."""


def _invariant(pool: CryptoSwapPool, ann: int, gamma: int, xp: tuple[int, int, int]) -> int:
    """The stored invariant, or where the pool would compute it anew (during a ramp), that."""
    if pool.generation is Generation.TRICRYPTO_NG:
        ramping = pool.ramp.future_time > pool.timestamp
        return tricrypto_ng_math.newton_d(ann, gamma, xp) if ramping else pool.peg.d
    return cryptoswap_math.newton_d(ann, gamma, xp) if pool.ramp.future_time > 0 else pool.peg.d
