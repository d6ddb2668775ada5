"""A smooth trading curve as a few geometric pieces that lie on its outer side and within some billionths of it.

Owns: where to put the joints, how well a piece must fit, and the outward step. Must not: know families, or quote.

Pieces meet the curve in value and slope at their joints (`price_piece`), so their error falls with the fourth power of
their length; the walk takes each as long as that allows, as one integrates an equation with a controlled step. A
piece's error is read in its middle, where it is largest (all but for the first of a curve, whose relative error is a
fifth more a third of the way up). It may be `TOLERANCE` of the output so far, and then all output is raised by
`OUTWARD`, 2.5 times as much. So the result is no less than what the curve pays, and at most 7e-8 more.

Where a curve is convex (a fee that falls as the trade grows), no answer to a price can follow it: the piece is a chord,
which lies above it, and the trade comes all at once.
"""

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

from oms.liquidity.price_piece import Joint, Piece, end_of_piece, piece_between, sold_by
from oms.liquidity.stable_curves import CurvePoint

OUTWARD = 5e-8
"""Share by which output is raised. It also covers what a chain's fee in parts of 10**10 is rounded down by."""
TOLERANCE = OUTWARD / 2.5
MOST_PIECES = 96
_COARSER = (1.0, 1e1, 1e3, 1e6)
"""Factors on the tolerance, tried in turn for a curve that would need more pieces than that."""
_FIRST_STEP = 0.02
_AIM = 0.7
"""Of the tolerance, that the next step aims at: so that few are taken twice."""
_GROWTH, _SHRINKING = 3.0, 0.2
_SHORTEST = 1e-7
"""A step that is not cut further: what is not smooth there is joined by a chord."""
_NARROW = 1e-12
"""Least fall of a piece: over it a chord's amount is spread, as its price doesn't fall."""
_ROUNDS = 60


class TradeCurve(Protocol):
    """A curve of amounts, walked by a position from zero to the last of `knots`."""

    @property
    def is_concave(self) -> bool:
        """Whether the price is known to fall all the way."""
        ...

    @property
    def knots(self) -> tuple[float, ...]:
        """Positions that the fit must not step over, the first zero and the last the curve's end."""
        ...

    def at(self, position: float) -> CurvePoint:
        """The point at a position; amounts grow with it."""
        ...


class Fit(NamedTuple):
    """Pieces from a fall of zero, the price there, and the share `outward` by which they are raised.

    The price is the curve's own raised by `OUTWARD`, also where a coarser fit has raised the pieces by more: so it is
    known without the fit.
    """

    first_price: float
    pieces: list[Piece]
    outward: float


class _Stop(NamedTuple):
    position: float
    point: CurvePoint


def fitted(curve: TradeCurve, *, end: float) -> Fit | None:
    """The fit of a curve up to a position; nothing where it has no price to start from, or nothing trades."""
    stops = _stops(curve, end)
    if not 0.0 < stops[0].point.price < math.inf or not stops[-1].point.amount_out > 0.0:
        return None
    convex = _convex_start(curve, stops)
    pieces: list[Piece] = []
    for factor in _COARSER:
        pieces = _joined(curve, stops, convex, factor)
        if len(pieces) <= MOST_PIECES:
            return _raised(_first_price(stops, convex), pieces, OUTWARD * factor)
    return _raised(_first_price(stops, convex), pieces, OUTWARD * _COARSER[-1])


def first_price(curve: TradeCurve) -> float:
    """The price at which `fitted` starts, without the fit."""
    if curve.is_concave:
        return curve.at(0.0).price * (1.0 + OUTWARD)
    stops = _stops(curve, curve.knots[-1])
    return _first_price(stops, _convex_start(curve, stops)) * (1.0 + OUTWARD)


def _stops(curve: TradeCurve, end: float) -> list[_Stop]:
    inner = (knot for knot in curve.knots if 0.0 < knot < end)
    return [_Stop(position, curve.at(position)) for position in (0.0, *inner, end)]


def position_where(curve: TradeCurve, is_beyond: Callable[[CurvePoint], bool]) -> float:
    """The last position, nearly, whose point isn't beyond what a caller allows; the curve's end if none is."""
    low, high = 0.0, curve.knots[-1]
    if not is_beyond(curve.at(high)):
        return high
    for _ in range(_ROUNDS):
        middle = (low + high) / 2.0
        if is_beyond(curve.at(middle)):
            high = middle
        else:
            low = middle
        if high - low <= 1e-13 * high:
            break
    return low


def position_at(curve: TradeCurve, price: float) -> float:
    """Where a concave curve's price has fallen to `price`: zero where it starts lower, the end where it ends higher.

    Secants within a bracket, and a bisection where two of them didn't halve it; to the last digits, in about a dozen
    points.
    """
    wanted = math.log(price)

    def above(position: float) -> float:
        reached = curve.at(position).price
        return (math.log(reached) if reached > 0.0 else -math.inf) - wanted

    low, high = 0.0, curve.knots[-1]
    low_gap, high_gap = above(low), above(high)
    if low_gap <= 0.0 or high_gap >= 0.0:
        return low if low_gap <= 0.0 else high
    for _ in range(_ROUNDS):
        before = high - low
        for share in (low_gap / (low_gap - high_gap), 0.5):
            middle = low + (high - low) * min(max(share, 1e-3), 0.999)
            gap = above(middle)
            if gap > 0.0:
                low, low_gap = middle, gap
            else:
                high, high_gap = middle, gap
            if abs(gap) < 1e-14 or high - low < 0.1 * before:
                break
        if abs(gap) < 1e-14 or high - low <= 1e-15 * high:
            return middle
    return low


def _first_price(stops: list[_Stop], convex: _Stop | None) -> float:
    if convex is None:
        return stops[0].point.price
    return convex.point.amount_out / convex.point.amount_in


def _convex_start(curve: TradeCurve, stops: list[_Stop]) -> _Stop | None:
    """Where a chord from the start touches a curve that begins convex; nothing for one that begins concave."""
    if curve.is_concave:
        return None
    first = stops[0].point.price
    probe = curve.at(min(1e-4, stops[1].position))
    steep = [stop for stop in (_Stop(0.0, probe), *stops[1:]) if _average(stop.point) > first * (1.0 + 1e-12)]
    if not steep:
        return None
    best = max(range(1, len(stops)), key=lambda place: _average(stops[place].point))
    low = stops[best - 1].position
    high = stops[min(best + 1, len(stops) - 1)].position
    for _ in range(_ROUNDS):
        one, other = low + 0.381966 * (high - low), high - 0.381966 * (high - low)
        if _average(curve.at(one)) < _average(curve.at(other)):
            low = one
        else:
            high = other
        if high - low <= 1e-9 * high:
            break
    return _Stop(high, curve.at(high))


def _average(point: CurvePoint) -> float:
    return point.amount_out / point.amount_in if point.amount_in > 0.0 else 0.0


def _joined(curve: TradeCurve, stops: list[_Stop], convex: _Stop | None, factor: float) -> list[Piece]:
    """All pieces, from the start or from where a convex start ends; one too many where they are more than allowed."""
    first_price = _first_price(stops, convex)
    joint, here = Joint(0.0, 0.0, 0.0), 0.0
    pieces: list[Piece] = []
    if convex is not None:
        here, touched = convex.position, Joint(_NARROW, convex.point.amount_in, convex.point.amount_out)
        pieces.append(piece_between(joint, touched, first_price))
        joint = touched
    knots, step = [stop.position for stop in stops if stop.position > here], _FIRST_STEP
    for knot in knots:
        while here < knot and len(pieces) <= MOST_PIECES:
            # A rest that is no longer than two steps is taken in equal parts.
            left = knot - here
            reach = left if step >= left else min(step, left / 2.0)
            piece, error = _tried(curve, here, here + reach, joint, first_price)
            ratio = error / (TOLERANCE * factor)
            if ratio <= 1.0 or reach <= _SHORTEST:
                here = knot if reach == left else here + reach
                if piece is not None:
                    pieces.append(piece)
                    joint = end_of_piece(piece)
            step = reach * min(_GROWTH, max(_SHRINKING, (_AIM / max(ratio, 1e-9)) ** 0.25))
    return pieces


def _tried(
    curve: TradeCurve, here: float, there: float, joint: Joint, first_price: float
) -> tuple[Piece | None, float]:
    """The piece up to a position and its error in the middle, as a share of the output; none where nothing trades."""
    taken, paid, price = curve.at(there)
    if not (taken > joint.taken and paid > joint.paid and price > 0.0):
        return None, 0.0
    fall = max(joint.fall + _NARROW, math.log(first_price / price))
    piece = piece_between(joint, Joint(fall, taken, paid), first_price)
    middle = curve.at((here + there) / 2.0)
    if not joint.taken < middle.amount_in < taken:
        return piece, 0.0
    return piece, abs(sold_by(piece, middle.amount_in) / middle.amount_out - 1.0)


def _raised(first_price: float, pieces: list[Piece], outward: float) -> Fit:
    up = 1.0 + outward
    return Fit(
        first_price * (1.0 + OUTWARD),
        [piece._replace(paid=piece.paid * up, depth_out=piece.depth_out * up) for piece in pieces],
        outward,
    )
