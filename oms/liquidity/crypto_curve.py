"""The trading curve of two coins of a CryptoSwap pool in floats, its dynamic fee included.

Owns: the points of a curve from the state as it stands, with the marginal price at each. Must not: round as the chain
does, move the peg, or feed an amount into a plan.

Source: CryptoSwap paper (Egorov 2021). For three coins with sum S, K0 = 27 * product / D ** 3 and h = 1 - K0 the
invariant reads

    S / D = 1 + phi(h),        phi(h) = h * (gamma + h) ** 2 / (W * (1 - h)),        W = A * 27 * gamma ** 2

so h gives the sum and the product of the two coins that move. A point is found for a ratio x / y, by Newton's method in
h; amounts are differences of balances and exact to about 1e-15 of a balance.

The fee is taken from the output at the balances after the trade, so the whole amount pays the fee of its end: a trade
that brings the pool nearer to balance pays less the larger it is.
"""

import math
from dataclasses import dataclass

from oms.liquidity.stable_curves import CurvePoint

_ROUNDS = 60


@dataclass(frozen=True, slots=True)
class CryptoShape:
    """What the invariant and the fee need: D, the resting coin's scaled balance, gamma, W, and the fee's three figures.

    Fees and gammas as shares of one; a `fee_gamma` of zero stands for the contract's exception.
    """

    d: float
    third: float
    gamma: float
    weight: float
    mid_fee: float
    out_fee: float
    fee_gamma: float


@dataclass(frozen=True, slots=True)
class CryptoCurve:
    """Coin x for coin y: scaled balances, h at the start, base units per scaled unit, and how far the pool allows."""

    shape: CryptoShape
    x: float
    y: float
    h: float
    unit_in: float
    unit_out: float
    reach: float

    @property
    def is_concave(self) -> bool:
        """Not always: a fee that falls on the way to balance may fall faster than the price."""
        return False

    @property
    def knots(self) -> tuple[float, ...]:
        """Positions that an interpolation should not step over: the start, even coins, the end."""
        turn = math.log(self.y / self.x)
        return (0.0, turn, self.reach) if 0.0 < turn < self.reach else (0.0, self.reach)

    def at(self, position: float) -> CurvePoint:
        """The point at a position, the log of the factor by which x / y has grown."""
        shape = self.shape
        if position:
            x, y, h = self.balances(position)
        else:
            x, y, h = self.x, self.y, self.h
        near, left = shape.gamma + h, 1.0 - h
        phi = h * near * near / (shape.weight * left)
        steep = ((near * near + 2.0 * h * near) / (shape.weight * left) + phi / left) * left * shape.d
        price = (1.0 + steep / x) / (1.0 + steep / y)
        fee, fee_slope = self._fee(x, y, price)
        v = self.y - y
        return CurvePoint(
            (x - self.x) * self.unit_in,
            v * (1.0 - fee) * self.unit_out,
            (price * (1.0 - fee) - v * fee_slope) * self.unit_out / self.unit_in,
        )

    def balances(self, position: float) -> tuple[float, float, float]:
        """x, y and h on the invariant at a position."""
        shape = self.shape
        log_ratio = math.log(self.x / self.y) + position
        even = 2.0 * math.cosh(log_ratio / 2.0)
        product = shape.d * shape.d * shape.d / (27.0 * shape.third)
        whole = math.sqrt(product) * even
        # From the right Newton's steps never pass the root: phi is convex, and at least h ** 3 / W.
        most = shape.weight * max(0.0, (shape.third + whole) / shape.d - 1.0)
        h = min(0.9999, most ** (1 / 3), most / (shape.gamma * shape.gamma))
        for _ in range(_ROUNDS):
            near, left = shape.gamma + h, 1.0 - h
            root = math.sqrt(left)
            scale = near / (shape.weight * left)
            phi = h * near * scale
            excess = shape.third + whole * root - shape.d * (1.0 + phi)
            slope = whole / (2.0 * root) + shape.d * ((near + 2.0 * h) * scale + phi / left)
            moved = excess / slope
            h += moved
            if abs(moved) <= 1e-15 * h + 1e-18:
                break
        h = min(max(h, 0.0), 0.9999)
        mean = math.sqrt(product * (1.0 - h))
        return mean * math.exp(log_ratio / 2.0), mean * math.exp(-log_ratio / 2.0), h

    def _fee(self, x: float, y: float, price: float) -> tuple[float, float]:
        """The fee at these balances, and how it changes with x along the curve."""
        shape = self.shape
        total = x + y + shape.third
        even = 27.0 * x * y * shape.third / (total * total * total)
        even_slope = even * (1.0 / x - price / y - 3.0 * (1.0 - price) / total)
        part, part_slope = even, even_slope
        if shape.fee_gamma:
            below = shape.fee_gamma + 1.0 - even
            part, part_slope = shape.fee_gamma / below, shape.fee_gamma / (below * below) * even_slope
        spread = shape.mid_fee - shape.out_fee
        return shape.out_fee + spread * part, spread * part_slope
