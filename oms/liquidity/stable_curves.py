"""Stable pools' trading curves in floats, without loss of digits: Curve and Balancer's invariant, and Solidly's.

Owns: the points of a curve from the state as it stands, with the marginal price at each. Must not: round as the chain
does, or feed an amount into a plan.

A curve is walked by a position that starts at zero, so that a trade of a billionth keeps its digits; amounts are
differences from the start and never computed as a difference of balances.

StableSwap (Egorov 2019), in two coins with balances x and y while the others rest:
    Ann * (x + y) - K / (x * y) = constant,        K = D ** (n + 1) / (n ** n * product of the others)
With u more of x and v less of y, and g = K / (x0 * y0 * Ann), subtracting the start leaves a quadratic,
    (u - v) * x * y + g * (u * y - v * x0) = 0
of which v has a closed form for any u, and u for any v.

Solidly (x**3 * y + x * y**3): homogeneous, so y / x = t alone tells where the pool stands; the price is
t * (3 + t**2) / (1 + 3 * t**2), and x**4 * (t + t**3) is constant.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

_DRAINED = 16.0
"""Log of the share of the output's balance at which a walk ends: a ten millionth is left."""
_ROUNDS = 64


class CurvePoint(NamedTuple):
    """Base units in and out since the start, fee included, and the marginal price after fees there."""

    amount_in: float
    amount_out: float
    price: float


@dataclass(frozen=True, slots=True)
class StableCurve:
    """Two coins of a stable pool: balances in the invariant's terms, and g; see the module.

    `unit_in` and `unit_out` are base units per unit of the invariant's, less (more) what the fee keeps (adds).
    """

    x: float
    y: float
    g: float
    unit_in: float
    unit_out: float
    _turn: float = field(init=False, repr=False)
    _even: float = field(init=False, repr=False)
    """The position at which both coins are as many, and how many; the start's own y where x is the larger already."""

    def __post_init__(self) -> None:
        even = self._balance_when_even() if self.x < self.y else self.y
        object.__setattr__(self, "_even", even)
        object.__setattr__(self, "_turn", max(0.0, math.log(even / self.x)) if self.x < self.y else 0.0)

    @property
    def is_concave(self) -> bool:
        """Always: each unit more is worth less."""
        return True

    @property
    def knots(self) -> tuple[float, ...]:
        """Positions that an interpolation should not step over."""
        return tuple(sorted({0.0, self._turn, self._turn + _DRAINED}))

    def at(self, position: float) -> CurvePoint:
        """The point at a position: the log of how far x has grown until the coins are even, then of y's fall."""
        if position <= self._turn:
            u = self.x * math.expm1(position)
            v = self._bought(u)
        else:
            shrunk = math.expm1(self._turn - position)
            v = self.y - self._even - self._even * shrunk
            u = self._sold(v, self._even * (1.0 + shrunk))
        x, y = self.x + u, self.y - v
        shape = self.g * (self.x / x) * (self.y / y)
        price = (x + shape) / (y + shape) * (y / x)
        return CurvePoint(u * self.unit_in, v * self.unit_out, price * self.unit_out / self.unit_in)

    def _balance_when_even(self) -> float:
        """e of 2 * e ** 3 - (x + y - g) * e ** 2 = g * x * y: Newton's steps from above never pass a convex root."""
        rest, product = self.x + self.y - self.g, self.g * self.x * self.y
        even = max(rest, 0.0) / 2.0 + math.cbrt(product / 2.0)
        for _ in range(_ROUNDS):
            square = even * even
            step = (2.0 * square * even - rest * square - product) / (6.0 * square - 2.0 * rest * even)
            even -= step
            if abs(step) <= 1e-15 * even:
                break
        return even

    def _bought(self, u: float) -> float:
        x = self.x + u
        half = (u + self.y + self.g) / 2.0
        product = u * self.y * (1.0 + self.g / x)
        return product / (half + math.sqrt(max(0.0, half * half - product)))

    def _sold(self, v: float, y: float) -> float:
        half = (self.x - v + self.g) / 2.0
        product = v * self.x * (1.0 + self.g / y)
        root = math.sqrt(half * half + product)
        return product / (half + root) if half > 0.0 else root - half


def stable_shape(balances: Sequence[float], linear: float) -> float:
    """g of the module, the same for any two coins: `linear` is the invariant's Ann. All balances must be above zero."""
    count = len(balances)
    total = sum(balances)
    d = total
    for _ in range(_ROUNDS):
        product = d
        for balance in balances:
            product *= d / (balance * count)
        before, d = d, (linear * total + product * count) * d / ((linear - 1.0) * d + (count + 1) * product)
        if abs(d - before) <= 1e-15 * d:
            break
    product = d
    for balance in balances:
        product *= d / (balance * count)
    return product / linear


@dataclass(frozen=True, slots=True)
class SolidlyCurve:
    """A stable Solidly pair: reserves in whole tokens, and base units per whole token, the input's fee added."""

    x: float
    y: float
    unit_in: float
    unit_out: float

    @property
    def is_concave(self) -> bool:
        """Always: each unit more is worth less."""
        return True

    @property
    def knots(self) -> tuple[float, ...]:
        """Positions that an interpolation should not step over."""
        turn = max(0.0, math.log(self.y / self.x))
        # Beyond the even point y is as t ** (3 / 4): a walk that is drained has come so much farther.
        return tuple(sorted({0.0, turn, turn + _DRAINED * 4.0 / 3.0}))

    def at(self, position: float) -> CurvePoint:
        """The point at a position, the log of the factor by which y / x has fallen."""
        first = self.y / self.x
        square = first * first
        lost = math.expm1(-2.0 * position)
        change = square * lost / (1.0 + square)
        if change > -0.5:
            thinned = math.log1p(change)
        else:  # the sum of squares has all but lost its first
            thinned = math.log1p(square * math.exp(-2.0 * position)) - math.log1p(square)
        growth = (position - thinned) / 4.0
        u = self.x * math.expm1(growth)
        v = -self.y * math.expm1(growth - position)
        t = first * math.exp(-position)
        price = t * (3.0 + t * t) / (1.0 + 3.0 * t * t)
        return CurvePoint(u * self.unit_in, v * self.unit_out, price * self.unit_out / self.unit_in)
