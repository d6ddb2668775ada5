"""How far a venue trades down to a price: its answer to the dual's question, in floats, for searches and bounds.

Owns: the piecewise response of a pool in one direction, and the exact integer sale that ends at a price.
Must not: feed an amount into a plan; those come from `quote_in`, in integers.

A response is a function of `fall`, the logarithm by which the marginal price has fallen from where it stood:
`fall = log(p0 / p)`, so that a small order keeps all its digits. Between two kinks every constant-product,
concentrated or weighted pool is a geometric mean of two virtual reserves x and y with exponents a + b = 1:

    input(fall) = x * (exp(a * fall) - 1) / (1 - fee)        output(fall) = y * (1 - exp(-b * fall))

whose ratio of slopes is the marginal price itself. Uniswap v3's ticks are the kinks (white paper, section 6.2: virtual
reserves L / sqrt(P) and L * sqrt(P), a = b = 1/2); Balancer's weights w give a = w_out / (w_in + w_out). Curves
without a closed form are joined from such pieces by `curve_fit`: on their outer side, within 7e-8 of the output.
The method that uses it is dual decomposition: Diamandis et al., "An efficient algorithm for optimal routing through
constant function market makers" (2023); Angeris et al., "Optimal routing for CFMMs" (2021).
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from oms.errors import QuoteRefused, Refusal
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.constant_product import ConstantProductPool
from oms.liquidity.curve_fit import OUTWARD, first_price, fitted, position_at
from oms.liquidity.pool import Pool, Swap
from oms.liquidity.price_piece import Piece as Piece
from oms.liquidity.solidly import SolidlyPool
from oms.liquidity.swap_math import PIPS
from oms.liquidity.tick_math import MAX_TICK, MIN_TICK
from oms.liquidity.trade_curves import CurvedPool, curve_of, end_of
from oms.liquidity.weighted import MAX_IN_RATIO, WeightedPool
from oms.units import Address

_ONE = 10**18
_LOG_TICK = math.log(1.0001)
_LINEAR = 1e-9
"""Exponent that stands for "the input is linear in the fall"; `expm1` keeps its digits."""
_DEEPEST = 1e18
"""Of a depth: beyond it an input buys nothing more."""
_SHRINKING = (12, 9, 6, 3, 2, 1)
"""Where a float's last digit takes a sale over a pool's limit: shrink it by 10**-12 of itself, then by more."""
NEVER = -math.inf
"""Logarithm of the price of a venue that sells nothing."""


class Trade(NamedTuple):
    """Amounts at one fall, and how fast each grows with it, in base units (per 1.0 of fall)."""

    amount_in: float
    amount_out: float
    slope_in: float
    slope_out: float


_NOTHING = Trade(0.0, 0.0, 0.0, 0.0)


class PriceResponse:
    """A venue's whole response in one direction. `log_price` is the logarithm of the first marginal price, after fees.

    `capacity` is the most input it takes; beyond it the venue refuses, or its state isn't known (`is_cut`). `end` is
    what has traded then. The pieces are kept as they are given, and must not change.
    """

    __slots__ = ("_packed", "_pieces", "_starts", "_takens", "capacity", "end", "is_cut", "log_price")

    def __init__(
        self, log_price: float, pieces: Sequence[Piece], *, is_cut: bool = False, capacity: float | None = None
    ) -> None:
        """`capacity` is given where it is known better than the last piece's end."""
        first = pieces[0].start if pieces else 0.0
        if first:
            log_price -= first
            pieces = [piece._replace(start=piece.start - first, end=piece.end - first) for piece in pieces]
        self.log_price = log_price if pieces else NEVER
        self.is_cut = is_cut
        self._pieces = pieces
        self._starts = [piece[0] for piece in pieces]
        self._takens = [piece[2] for piece in pieces]
        self._packed: npt.NDArray[np.float64] | None = None
        self.end = _end_of(pieces[-1]) if pieces else _NOTHING
        self.capacity = self.end.amount_in if capacity is None else capacity

    @property
    def only_piece(self) -> Piece | None:
        """The response's one piece, if it is one: a closed form that a caller may vectorise."""
        return self._pieces[0] if len(self._pieces) == 1 else None

    @property
    def packed(self) -> npt.NDArray[np.float64]:
        """The pieces as rows, in the order of `Piece`'s fields: for compiled code."""
        if self._packed is None:
            self._packed = np.array(self._pieces, dtype=np.float64).reshape(len(self._pieces), 8)
        return self._packed

    @property
    def last_fall(self) -> float:
        """The fall beyond which nothing more trades."""
        return self._pieces[-1].end if self._pieces else 0.0

    def at(self, fall: float) -> Trade:
        """What has traded when the marginal price has fallen by `fall`; nothing above the first price."""
        if fall < 0.0 or not self._pieces:
            return _NOTHING
        index = bisect_right(self._starts, fall) - 1
        start, end, taken, paid, depth_in, depth_out, exponent_in, exponent_out = self._pieces[index]
        if fall >= end:
            fall, flat = end, True
        else:
            flat = False
        grown = math.expm1(exponent_in * (fall - start))
        shrunk = math.expm1(-exponent_out * (fall - start))
        amount_in, amount_out = taken + depth_in * grown, paid - depth_out * shrunk
        if flat:
            return Trade(amount_in, amount_out, 0.0, 0.0)
        return Trade(
            amount_in,
            amount_out,
            depth_in * exponent_in * (grown + 1.0),
            depth_out * exponent_out * (shrunk + 1.0),
        )

    def kinks(self, fall: float) -> int:
        """How many pieces have been left behind at a fall: of a concentrated pool about the ticks crossed."""
        return max(0, bisect_right(self._starts, fall) - 1)

    def fall_after(self, amount_in: float) -> float:
        """The fall at which `amount_in` has been taken; infinite beyond the capacity."""
        if amount_in > self.capacity or not self._pieces:
            return math.inf
        index = max(0, bisect_right(self._takens, amount_in) - 1)
        piece = self._pieces[index]
        fall = piece.start + math.log1p((amount_in - piece.taken) / piece.depth_in) / piece.exponent_in
        return min(fall, piece.end)

    def sold(self, amount_in: float) -> float:
        """Output for `amount_in`; zero beyond the capacity."""
        if amount_in <= 0.0 or amount_in > self.capacity:
            return 0.0
        index = max(0, bisect_right(self._takens, amount_in) - 1)
        start, end, taken, paid, depth_in, depth_out, exponent_in, exponent_out = self._pieces[index]
        grown = math.log1p((amount_in - taken) / depth_in)
        fall = min(grown / exponent_in, end - start)
        return paid - depth_out * math.expm1(-exponent_out * fall)


def _end_of(piece: Piece) -> Trade:
    span = min(piece.end - piece.start, 600.0)
    return Trade(
        piece.taken + piece.depth_in * math.expm1(piece.exponent_in * span),
        piece.paid - piece.depth_out * math.expm1(-piece.exponent_out * span),
        0.0,
        0.0,
    )


EMPTY = PriceResponse(NEVER, ())


def flat_levels(levels: Iterable[tuple[float, float, float]], *, width: float) -> PriceResponse:
    """A response of flat price levels, best first: (input, output, marginal price) each, spread over `width` of fall.

    A step is not a function of the price; a narrow ramp is. It starts above the price, so that a bound holds, and
    overstates it by at most `width`.
    """
    pieces: list[Piece] = []
    taken = paid = fall = 0.0
    first = 0.0
    for amount_in, amount_out, price in levels:
        if amount_in <= 0.0 or amount_out <= 0.0 or price <= 0.0:
            continue
        first = first or price
        start = max(fall, math.log(first / price))
        rate = amount_in / width
        depth_out = amount_out / -math.expm1(-width)
        pieces.append(Piece(start, start + width, taken, paid, rate / _LINEAR, depth_out, _LINEAR, 1.0))
        taken, paid, fall = taken + amount_in, paid + amount_out, start + width
    return PriceResponse(math.log(first) + width, pieces, capacity=taken) if pieces else EMPTY


def response_of(pool: Pool, token_in: Address, token_out: Address) -> PriceResponse:
    """The pool's response in one direction; empty where it trades nothing."""
    if isinstance(pool, ConstantProductPool):
        return _constant_product(pool, zero_for_one=token_in == pool.token0)
    if isinstance(pool, ConcentratedPool):
        return _concentrated(pool, zero_for_one=token_in == pool.tokens[0])
    if isinstance(pool, WeightedPool):
        return _weighted(pool, pool.tokens.index(token_in), pool.tokens.index(token_out))
    if isinstance(pool, SolidlyPool) and not pool.stable:
        return _volatile(pool, token_in, token_out)
    return _joined(pool, token_in, token_out) if isinstance(pool, CurvedPool) else EMPTY


NEAR_FALL = 0.002
"""Up to this fall, 20 bps, a venue's `depth` says how it trades."""


def depth(response: PriceResponse) -> float:
    """The virtual reserve of input, in base units, of a constant-product pool that is as deep near the price.

    Of a venue that trades nothing it is next to nothing, so that one may divide by it.
    """
    return max(1e-300, response.at(NEAR_FALL).amount_in / math.expm1(NEAR_FALL / 2.0))


def is_fitted(pool: Pool) -> bool:
    """Whether the response is fitted to a curve, not a closed form."""
    return isinstance(pool, CurvedPool) and not (isinstance(pool, SolidlyPool) and not pool.stable)


def log_marginal_price(pool: Pool, token_in: Address, token_out: Address) -> float:
    """Logarithm of the first marginal price after fees, without the rest of the response; `NEVER` where there is none.

    Equal to `response_of(...).log_price`, and cheap: a market asks it of every pool in every block.
    """
    if isinstance(pool, ConstantProductPool):
        return _constant_product_price(pool, zero_for_one=token_in == pool.token0)
    if isinstance(pool, ConcentratedPool) and pool.liquidity:
        kept = PIPS - pool.swap_fee_pips(token_in == pool.tokens[0])
        if not kept:
            return NEVER
        log_price = 2.0 * _log_sqrt_price(pool)
        return (log_price if token_in == pool.tokens[0] else -log_price) + math.log(kept / PIPS)
    if isinstance(pool, WeightedPool):
        return _weighted_price(pool, pool.tokens.index(token_in), pool.tokens.index(token_out))
    if isinstance(pool, ConcentratedPool):
        return response_of(pool, token_in, token_out).log_price
    if isinstance(pool, SolidlyPool) and not pool.stable:
        return _logarithm(pool.marginal_price(token_in, token_out))
    return _joined_price(pool, token_in, token_out) if isinstance(pool, CurvedPool) else NEVER


def _logarithm(price: float) -> float:
    return math.log(price) if 0.0 < price < math.inf else NEVER


def _joined_price(pool: CurvedPool, token_in: Address, token_out: Address) -> float:
    try:
        curve = curve_of(pool, token_in, token_out)
        return NEVER if curve is None else _logarithm(first_price(curve))
    except (QuoteRefused, ArithmeticError, ValueError):
        return NEVER


def swap_to_price(pool: Pool, token_in: Address, token_out: Address, price: float) -> Swap | None:
    """The largest sale, rounded down, after which the marginal price is still at least `price` (after fees).

    `None` where not even one base unit sells there. The amount comes from the response, the swap from the pool's own
    integers. Where the pool refuses so much, it is the most that it takes, to about a thousandth.
    """
    amount = _amount_to(pool, token_in, token_out, math.log(price))
    for digits in _SHRINKING:
        try:
            return pool.quote_in(token_in, token_out, amount) if amount > 0 else None
        except QuoteRefused as refused:
            if refused.reason in (Refusal.ZERO_OUTPUT, Refusal.ZERO_AMOUNT):
                return None
            amount -= amount // 10**digits + 1
    return None


def _amount_to(pool: Pool, token_in: Address, token_out: Address, log_price: float) -> int:
    if isinstance(pool, CurvedPool) and is_fitted(pool):
        amount = _amount_along(pool, token_in, token_out, log_price)
        if amount is not None:
            return amount
    if isinstance(pool, ConcentratedPool):
        response = _concentrated(pool, zero_for_one=token_in == pool.tokens[0], until=log_price)
    else:
        response = response_of(pool, token_in, token_out)
    fall = response.log_price - log_price
    return int(min(response.at(fall).amount_in, response.capacity)) if fall > 0.0 else 0


def _amount_along(pool: CurvedPool, token_in: Address, token_out: Address, log_price: float) -> int | None:
    """The sale on the curve itself, without its fit; `None` where the curve may be convex or the pool refuses."""
    try:
        curve = curve_of(pool, token_in, token_out)
        if curve is None or not curve.is_concave:
            return None
        position = position_at(curve, math.exp(log_price) / (1.0 + OUTWARD))
        amount = int(min(curve.at(position).amount_in, pool.limits(token_in, token_out).max_amount_in))
        pool.quote_in(token_in, token_out, max(1, amount))
    except QuoteRefused as refused:
        return 0 if refused.reason is Refusal.ZERO_OUTPUT else None
    except (ArithmeticError, ValueError):
        return None
    return amount


def _constant_product_price(pool: ConstantProductPool, *, zero_for_one: bool) -> float:
    reserve_in, reserve_out = (pool.reserve0, pool.reserve1) if zero_for_one else (pool.reserve1, pool.reserve0)
    if not reserve_in or not reserve_out:
        return NEVER
    return math.log(reserve_out / reserve_in) + math.log(pool.fee_numerator / pool.fee_denominator)


def _constant_product(pool: ConstantProductPool, *, zero_for_one: bool) -> PriceResponse:
    log_price = _constant_product_price(pool, zero_for_one=zero_for_one)
    if log_price == NEVER:
        return EMPTY
    reserve_in, reserve_out = (pool.reserve0, pool.reserve1) if zero_for_one else (pool.reserve1, pool.reserve0)
    depth_in = reserve_in * pool.fee_denominator / pool.fee_numerator
    room = float(2**112 - 1 - reserve_in)
    end = 2.0 * math.log1p(room / depth_in)
    return PriceResponse(log_price, [Piece(0.0, end, 0.0, 0.0, depth_in, float(reserve_out), 0.5, 0.5)])


def _weighted_price(pool: WeightedPool, i: int, j: int) -> float:
    kept = (_ONE - pool.swap_fee) / _ONE
    if not pool.balances[i] or not pool.balances[j] or kept <= 0.0:
        return NEVER
    ratio = pool.balances[j] / pool.balances[i] * (pool.weights[i] / pool.weights[j])
    return math.log(ratio) + math.log(kept)


def _weighted(pool: WeightedPool, i: int, j: int) -> PriceResponse:
    log_price = _weighted_price(pool, i, j)
    if log_price == NEVER:
        return EMPTY
    total = pool.weights[i] + pool.weights[j]
    exponent_in, exponent_out = pool.weights[j] / total, pool.weights[i] / total
    depth_in = pool.balances[i] / ((_ONE - pool.swap_fee) / _ONE)
    most_in = pool.balances[i] * (MAX_IN_RATIO / _ONE) * (depth_in / pool.balances[i])  # the limit is after the fee
    end = math.log1p(most_in / depth_in) / exponent_in
    piece = Piece(0.0, end, 0.0, 0.0, depth_in, float(pool.balances[j]), exponent_in, exponent_out)
    return PriceResponse(log_price, [piece])


def _log_sqrt_price(pool: ConcentratedPool) -> float:
    return math.log(pool.sqrt_price_x96) - 96.0 * math.log(2.0)


def _concentrated(pool: ConcentratedPool, *, zero_for_one: bool, until: float = NEVER) -> PriceResponse:
    """Tick by tick from the current price; bitmap words' ends change no price, so they are no kinks here.

    `until` is a log price beyond which the caller asks nothing. About 1 us a tick.
    """
    kept = (PIPS - pool.swap_fee_pips(zero_for_one)) / PIPS
    if not kept:
        return EMPTY
    sign = -1.0 if zero_for_one else 1.0
    log_sqrt = _log_sqrt_price(pool)
    log_price = -sign * 2.0 * log_sqrt + math.log(kept)
    last = log_price - until
    # In units of liquidity the virtual reserves are 1 / sqrt(P) of token0 and sqrt(P) of token1.
    root = math.exp(sign * log_sqrt)
    unit_in, unit_out = root / kept, 1.0 / root
    pieces: list[Piece] = []
    liquidity, fall, taken, paid = pool.liquidity, 0.0, 0.0, 0.0
    kinks, is_cut = _kinks(pool, zero_for_one=zero_for_one)
    start = sign * 2.0 * log_sqrt
    for tick, net in kinks:
        end = sign * tick * _LOG_TICK - start
        if end > fall:
            if liquidity > 0:
                grown, width = math.exp(fall / 2.0), (end - fall) / 2.0
                depth_in, depth_out = liquidity * unit_in * grown, liquidity * unit_out / grown
                pieces.append(Piece(fall, end, taken, paid, depth_in, depth_out, 0.5, 0.5))
                taken += depth_in * math.expm1(width)
                paid -= depth_out * math.expm1(-width)
                if end > last:
                    break
            fall = end
        liquidity += -net if zero_for_one else net
    return PriceResponse(log_price, pieces, is_cut=is_cut)


def _kinks(pool: ConcentratedPool, *, zero_for_one: bool) -> tuple[list[tuple[int, int]], bool]:
    """Initialized ticks ahead, nearest first, with their nets, then the end of what is known; whether that is a cut.

    What is known ends a tick beyond the last known one, as in `next_boundary`.
    """
    ticks, nets = pool.tick_map.ticks, pool.tick_map.nets
    index = bisect_right(ticks, pool.tick)
    if zero_for_one:
        ahead = [(ticks[k], nets[k]) for k in range(index - 1, -1, -1)]
        edge = max(pool.tick_map.known_min_tick - 1, MIN_TICK)
        return [*ahead, (edge, 0)], edge > MIN_TICK
    edge = min(pool.tick_map.known_max_tick + 1, MAX_TICK)
    return [*((ticks[k], nets[k]) for k in range(index, len(ticks))), (edge, 0)], edge < MAX_TICK


def _volatile(pool: SolidlyPool, token_in: Address, token_out: Address) -> PriceResponse:
    """A constant product whose fee leaves the reserves, which changes nothing about one trade."""
    price = pool.marginal_price(token_in, token_out)
    if not price > 0.0:
        return EMPTY
    reserve = pool.reserve1 if token_in == pool.token0 else pool.reserve0
    depth_in = reserve / price
    most_in = min(float(pool.limits(token_in, token_out).max_amount_in), depth_in * _DEEPEST)
    end = 2.0 * math.log1p(most_in / depth_in)
    return PriceResponse(math.log(price), [Piece(0.0, end, 0.0, 0.0, depth_in, float(reserve), 0.5, 0.5)])


def _joined(pool: CurvedPool, token_in: Address, token_out: Address) -> PriceResponse:
    """The outer fit of a curve, as far as the pool sells; it is cut where the pool refuses before it is drained."""
    try:
        curve = curve_of(pool, token_in, token_out)
        end = 0.0 if curve is None else end_of(pool, curve, token_in, token_out)
        fit = fitted(curve, end=end) if curve is not None and end > 0.0 else None
    except (QuoteRefused, ArithmeticError, ValueError):
        return EMPTY
    if curve is None or fit is None:
        return EMPTY
    return PriceResponse(math.log(fit.first_price), fit.pieces, is_cut=end < curve.knots[-1])
