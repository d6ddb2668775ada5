"""Curves that are known in closed form, against their fit: error, side, number of pieces, convex starts, prices."""

import math
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.liquidity.curve_fit import MOST_PIECES, OUTWARD, Fit, first_price, fitted, position_at, position_where
from oms.liquidity.price_piece import MOST_BEND, Joint, end_of_piece, piece_between, sold_by
from oms.liquidity.stable_curves import CurvePoint, SolidlyCurve, StableCurve, stable_shape

MOST_ABOVE = 7e-8


@dataclass(frozen=True)
class Power:
    """y = x ** power, less its infinite start: (x + 1) ** power - 1; convex above a power of one."""

    power: float
    is_concave: bool = False
    knots: tuple[float, ...] = (0.0, 3.0)

    def at(self, position: float) -> CurvePoint:
        taken = math.expm1(position)
        rest = position * self.power
        return CurvePoint(taken, math.expm1(rest), self.power * math.exp(rest - position))


@dataclass(frozen=True)
class Sagging:
    """Convex to the middle of its walk and concave from there: y = x + 2 * x ** 2 - x ** 3 for x up to one."""

    is_concave: bool = False
    knots: tuple[float, ...] = (0.0, 1.0)

    def at(self, position: float) -> CurvePoint:
        x = position
        return CurvePoint(x, x + 2 * x**2 - x**3, 1 + 4 * x - 3 * x**2)


def paid_by(fit: Fit, amount_in: float) -> float:
    piece = next(piece for piece in reversed(fit.pieces) if piece.taken <= amount_in)
    return sold_by(piece, amount_in)


scales = st.floats(1.0, 1e12)


@st.composite
def stable_curves(draw: st.DrawFn) -> StableCurve:
    """Two to four coins, up to a thousandfold out of balance, amplified by 1 to 10,000."""
    count = draw(st.integers(2, 4))
    scale = draw(scales)
    balances = [scale * 10 ** draw(st.floats(-3.0, 0.0)) for _ in range(count)]
    g = stable_shape(balances, 10 ** draw(st.floats(0.0, 4.0)) * count)
    return StableCurve(balances[0], balances[1], g, 1.0, 0.999)


solidly_curves = st.builds(SolidlyCurve, scales, scales, st.just(1.0003), st.just(1.0)).filter(
    lambda curve: 1e-3 < curve.x / curve.y < 1e3
)


class TestPieces:
    @given(st.floats(1e-9, 3.0), st.floats(-0.9, 0.9), st.floats(1e-6, 1e12), st.floats(1e-12, 1e12))
    def test_a_piece_through_two_joints_has_their_amounts(
        self, width: float, lean: float, sold: float, price: float
    ) -> None:
        average = price * (math.exp(-width / 2.0 * (1.0 + lean * min(1.0, width))))
        one = Joint(0.5, 3.0 * sold, 3.0 * sold * price)
        other = Joint(0.5 + width, 4.0 * sold, one.paid + sold * average)
        piece = piece_between(one, other, price * math.exp(0.5))
        end = end_of_piece(piece)
        assert end.taken - piece.taken == pytest.approx(sold, rel=1e-9)
        assert end.paid - piece.paid == pytest.approx(other.paid - one.paid, rel=1e-9)
        assert abs(piece.exponent_in * (other.fall - one.fall)) <= MOST_BEND + width + 1e-6

    @given(st.floats(-2.0, 3.0).filter(lambda a: abs(a) > 0.01 and abs(1.0 - a) > 0.01), st.floats(1e-3, 1.0))
    def test_it_is_the_piece_that_the_joints_were_taken_from(self, exponent: float, width: float) -> None:
        rest = 1.0 - exponent
        sold = math.expm1(exponent * width) / exponent
        bought = -math.expm1(-rest * width) / rest
        piece = piece_between(Joint(0.0, 0.0, 0.0), Joint(width, sold, bought), 1.0)
        assert piece.exponent_in == pytest.approx(exponent, abs=1e-6 / width)
        half = math.expm1(exponent * width / 2) / exponent
        assert sold_by(piece, half) == pytest.approx(-math.expm1(-rest * width / 2) / rest, rel=1e-12)


class TestFits:
    @given(stable_curves() | solidly_curves, st.floats(-12.0, 0.0))
    def test_a_fit_pays_no_less_than_the_curve_and_hardly_more(
        self, curve: StableCurve | SolidlyCurve, size: float
    ) -> None:
        fit = fitted(curve, end=curve.knots[-1])
        assert fit is not None
        assert len(fit.pieces) <= MOST_PIECES
        assert fit.outward <= 10.0 * OUTWARD
        point = curve.at(curve.knots[-1] * 10**size * (1 - 1e-12))
        over = paid_by(fit, point.amount_in) - point.amount_out
        assert over >= -1e-15 * point.amount_out
        assert over <= fit.outward * MOST_ABOVE / OUTWARD * point.amount_out

    @pytest.mark.parametrize("power", [0.1, 0.5, 0.9, 0.999])
    def test_a_concave_power_is_met_however_it_bends(self, power: float) -> None:
        curve = Power(power)
        fit = fitted(curve, end=3.0)
        assert fit is not None
        assert fit.first_price == pytest.approx(power * (1 + OUTWARD), rel=1e-14)
        for step in range(1, 1_000):
            point = curve.at(3.0 * step / 1_000)
            assert 0.0 <= paid_by(fit, point.amount_in) / point.amount_out - 1.0 <= MOST_ABOVE

    def test_a_convex_curve_is_its_chord(self) -> None:
        curve = Power(1.5)
        fit = fitted(curve, end=3.0)
        assert fit is not None
        end = curve.at(3.0)
        assert fit.first_price == pytest.approx(end.amount_out / end.amount_in, rel=1e-6)
        for step in range(1, 100):
            point = curve.at(3.0 * step / 100)
            assert paid_by(fit, point.amount_in) >= point.amount_out

    def test_a_convex_start_is_its_chord_up_to_where_it_touches(self) -> None:
        fit = fitted(Sagging(), end=1.0)
        assert fit is not None
        # y / x = 1 + 2 x - x ** 2 is largest at the end of the walk, x = 1
        assert fit.first_price == pytest.approx(2.0, rel=1e-6)
        assert paid_by(fit, 0.5) == pytest.approx(1.0, rel=1e-6)
        assert first_price(Sagging()) == pytest.approx(fit.first_price, rel=1e-12)

    @given(stable_curves() | solidly_curves)
    def test_falls_and_amounts_grow_from_piece_to_piece(self, curve: StableCurve | SolidlyCurve) -> None:
        fit = fitted(curve, end=curve.knots[-1])
        assert fit is not None
        for before, piece in pairwise(fit.pieces):
            assert before.start < before.end == piece.start
            assert piece.taken > before.taken
            assert piece.paid > before.paid

    def test_a_curve_without_a_price_has_no_fit(self) -> None:
        assert fitted(Power(0.0), end=3.0) is None


class TestCurves:
    @given(stable_curves(), st.floats(1e-9, 1.0))
    def test_a_stable_curve_keeps_its_invariant(self, curve: StableCurve, share: float) -> None:
        """(u - v) * x * y + g * (u * y - v * x0) is zero; the prices are its derivatives."""
        position = curve.knots[-1] * share
        point = curve.at(position)
        u, v = point.amount_in, point.amount_out / 0.999
        x, y = curve.x + u, curve.y - v
        left, right = u * x * y + curve.g * u * y, v * x * y + curve.g * v * curve.x
        assert left == pytest.approx(right, rel=1e-9, abs=1e-9 * curve.y * x * max(u, v))

    @given(stable_curves() | solidly_curves, st.floats(1e-3, 0.9))
    def test_a_price_is_the_slope(self, curve: StableCurve | SolidlyCurve, share: float) -> None:
        position = curve.knots[-1] * share
        step = 1e-4
        below, here, above = (curve.at(position + change) for change in (-step * position, 0.0, step * position))
        slopes = [
            (b.amount_out - a.amount_out) / (b.amount_in - a.amount_in) for a, b in ((below, here), (here, above))
        ]
        assert slopes[1] * (1 - 1e-6) <= here.price <= slopes[0] * (1 + 1e-6)

    @given(stable_curves() | solidly_curves, st.floats(-12.0, 1.0))
    def test_a_position_has_the_price_that_it_was_asked_for(
        self, curve: StableCurve | SolidlyCurve, size: float
    ) -> None:
        price = curve.at(0.0).price * math.exp(-(10**size))
        position = position_at(curve, price)
        if position < curve.knots[-1]:
            assert math.log(curve.at(position).price / price) == pytest.approx(0.0, abs=1e-10)
        else:
            assert curve.at(position).price >= price

    @given(stable_curves(), st.floats(1e-6, 0.999))
    def test_a_walk_ends_before_what_is_not_allowed(self, curve: StableCurve, share: float) -> None:
        most = curve.at(curve.knots[-1]).amount_in * share
        position = position_where(curve, lambda point: point.amount_in > most)
        assert curve.at(position).amount_in <= most
        assert curve.at(position + 1e-6).amount_in >= most

    def test_a_balanced_pair_of_equal_coins_trades_at_par(self) -> None:
        curve = StableCurve(1e6, 1e6, stable_shape([1e6, 1e6], 200.0), 1.0, 1.0)
        assert curve.at(0.0).price == pytest.approx(1.0, rel=1e-15)
        assert SolidlyCurve(1e6, 1e6, 1.0, 1.0).at(0.0).price == pytest.approx(1.0, rel=1e-15)
