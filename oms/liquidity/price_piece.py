"""One geometric piece of a price response, and the piece that joins two points of a curve.

Owns: `Piece`, and the fit through two points and their prices. Must not: know pools, or build responses.

With f counted from the piece's start, a = `exponent_in`, b = `exponent_out`, a + b = 1:

    input(f) = taken + depth_in * (exp(a * f) - 1)        output(f) = paid + depth_out * (1 - exp(-b * f))

whose ratio of slopes falls as exp(-f). Of two points with prices a factor exp(-w) apart, amounts dx and dy apart and
the first price p, the one piece through both that has both prices has z = a * w with

    log(dy / (p * dx)) = -w / 2 + even(w - z) - even(z),        even(t) = log(sinh(t / 2) / (t / 2))

It meets the curve in value and slope at both ends, so it is off by the fourth power of its length, as a cubic would be.
Unlike a cubic it is always monotone and concave, and it has no error at all on a constant product. Where a pool's depth
thins out, z is below zero or above w: then both the exponent and the depth of that side are negative.
"""

import math
from typing import NamedTuple

MOST_BEND = 4.0
"""|z| beyond which a piece is not bent further: it then misses its prices, and whoever fits cuts it in two."""
_LINEAR = 1e-9
"""Exponent that stands for "linear in the fall"; `expm1` keeps its digits."""


class Piece(NamedTuple):
    """One geometric piece: from `start` to `end` of fall, after `taken` in and `paid` out; see the module."""

    start: float
    end: float
    taken: float
    paid: float
    depth_in: float
    depth_out: float
    exponent_in: float
    exponent_out: float


class Joint(NamedTuple):
    """A point where pieces meet: amounts so far, and the fall at which they have traded."""

    fall: float
    taken: float
    paid: float


def piece_between(one: Joint, other: Joint, first_price: float) -> Piece:
    """The piece from one joint to another; `first_price` is the marginal price at a fall of zero.

    It has the joints' amounts and falls; its prices are theirs where the joints are of a concave curve.
    """
    width = other.fall - one.fall
    sold, bought = other.taken - one.taken, other.paid - one.paid
    average = bought / (sold * first_price) * math.exp(one.fall)
    bend = _bend(math.log(average) + width / 2.0, width)
    rest = width - bend
    smallest = _LINEAR * width
    bend = bend if abs(bend) > smallest else smallest
    rest = rest if abs(rest) > smallest else smallest
    return Piece(
        one.fall,
        other.fall,
        one.taken,
        one.paid,
        sold / math.expm1(bend),
        bought / -math.expm1(-rest),
        bend / width,
        rest / width,
    )


def sold_by(piece: Piece, amount_in: float) -> float:
    """The output once `amount_in` is taken, which must lie on the piece."""
    grown = math.log1p((amount_in - piece.taken) / piece.depth_in) / piece.exponent_in
    return piece.paid - piece.depth_out * math.expm1(-piece.exponent_out * grown)


def end_of_piece(piece: Piece) -> Joint:
    """The joint at which a piece ends."""
    width = piece.end - piece.start
    return Joint(
        piece.end,
        piece.taken + piece.depth_in * math.expm1(piece.exponent_in * width),
        piece.paid - piece.depth_out * math.expm1(-piece.exponent_out * width),
    )


def _bend(excess: float, width: float) -> float:
    """z of the module, by Newton's method: `excess` is log(dy / (p * dx)) + w / 2."""
    bend = width / 2.0 - 12.0 * excess / width
    if not -MOST_BEND < bend < width + MOST_BEND:
        bend = -MOST_BEND if bend < 0.0 else width + MOST_BEND
    for _ in range(12):
        slope = -_even_slope(width - bend) - _even_slope(bend)
        step = (_even(width - bend) - _even(bend) - excess) / slope
        bend -= step
        if not -MOST_BEND < bend < width + MOST_BEND:
            return -MOST_BEND if bend < 0.0 else width + MOST_BEND
        if abs(step) < 1e-6:
            break
    return bend


def _even(t: float) -> float:
    """log(sinh(t / 2) / (t / 2)), by its series near zero."""
    if abs(t) < 0.3:
        square = t * t
        return square * (1 / 24 + square * (-1 / 2880 + square * (1 / 181440 - square / 9676800)))
    half = abs(t) / 2.0
    return half + math.log(-math.expm1(-2.0 * half) / (2.0 * half))


def _even_slope(t: float) -> float:
    """The derivative of `_even`: coth(t / 2) / 2 - 1 / t."""
    if abs(t) < 0.3:
        square = t * t
        return t * (1 / 12 + square * (-1 / 720 + square * (1 / 30240 - square / 1209600)))
    return 0.5 / math.tanh(t / 2.0) - 1.0 / t
