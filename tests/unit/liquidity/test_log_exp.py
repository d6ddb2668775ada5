"""`LogExpMath` against exact decimals, and its quick form against its plain one."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from oms.errors import QuoteRefused, Refusal
from oms.liquidity.log_exp import ONE, natural_exponent, natural_logarithm, power, power_below_one

CONTRACT_ERROR = Decimal(10) ** -14
"""The relative error that `FixedPoint` grants to `pow`."""


def _exact_power(x: int, y: int) -> Decimal:
    with localcontext() as context:
        context.prec = 60
        return (Decimal(x) / ONE) ** (Decimal(y) / ONE) * ONE


@given(st.integers(ONE // 2, 2 * ONE), st.integers(ONE // 100, 50 * ONE))
def test_a_power_is_within_the_contracts_error_bound(x: int, y: int) -> None:
    exact = _exact_power(x, y)
    assert abs(power(x, y) - exact) <= exact * CONTRACT_ERROR + 1


@given(st.integers(-40 * ONE, 60 * ONE))
def test_logarithm_undoes_the_exponent(x: int) -> None:
    raised = natural_exponent(x)
    assert abs(natural_logarithm(raised) - x) <= 20 + 2 * ONE // raised


@given(st.integers(0, 11 * 10**16), st.integers(0, 11 * ONE))
@example(0, ONE)
@example(1, ONE)
@example(10**17, ONE)
@example(10**17 - 1, 10 * ONE)
def test_the_quick_power_equals_the_plain_one(distance: int, exponent: int) -> None:
    assert power_below_one(ONE - distance, exponent) == power(ONE - distance, exponent)


@given(st.floats(0, 17), st.floats(14, 19))
def test_the_quick_power_equals_the_plain_one_at_every_scale(distance_digits: float, exponent_digits: float) -> None:
    base, exponent = ONE - int(10**distance_digits), int(10**exponent_digits)
    assert power_below_one(base, exponent) == power(base, exponent)


def test_edge_powers_are_the_contracts() -> None:
    assert power(0, 0) == ONE
    assert power(0, ONE) == 0
    assert power(5 * ONE, 0) == ONE
    assert power(ONE, ONE) == ONE


@pytest.mark.parametrize(("x", "y"), [(2**255, ONE), (2 * ONE, 2**254 // 10**20), (2 * ONE, 200 * ONE), (1, 2 * ONE)])
def test_what_the_contract_cannot_hold_is_refused(x: int, y: int) -> None:
    with pytest.raises(QuoteRefused) as refused:
        power(x, y)
    assert refused.value.reason is Refusal.MATH_OVERFLOW


@pytest.mark.parametrize("x", [130 * ONE + 1, -41 * ONE - 1])
def test_an_exponent_out_of_bounds_is_refused(x: int) -> None:
    with pytest.raises(QuoteRefused):
        natural_exponent(x)


def test_the_logarithm_of_zero_is_refused() -> None:
    with pytest.raises(QuoteRefused):
        natural_logarithm(0)
