"""Ticks and prices: the contracts' published bounds, and the inverse."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms.errors import InvalidRequest
from oms.liquidity.tick_math import (
    MAX_SQRT_PRICE_X96,
    MAX_TICK,
    MIN_SQRT_PRICE_X96,
    MIN_TICK,
    sqrt_price_at_tick,
    tick_at_sqrt_price,
)


@pytest.mark.parametrize(
    ("tick", "price"), [(MIN_TICK, MIN_SQRT_PRICE_X96), (0, 2**96), (MAX_TICK, MAX_SQRT_PRICE_X96)]
)
def test_the_ends_and_the_middle_are_the_contract_s(tick: int, price: int) -> None:
    assert sqrt_price_at_tick(tick) == price


@given(st.integers(MIN_TICK, MAX_TICK - 1))
@settings(deadline=None)
def test_a_tick_s_price_belongs_to_it_and_the_price_below_to_the_tick_below(tick: int) -> None:
    price = sqrt_price_at_tick(tick)
    assert tick_at_sqrt_price(price) == tick
    if tick > MIN_TICK:
        assert tick_at_sqrt_price(price - 1) == tick - 1


@given(st.integers(MIN_SQRT_PRICE_X96, MAX_SQRT_PRICE_X96 - 1))
@settings(deadline=None)
def test_the_tick_of_a_price_is_the_greatest_that_does_not_exceed_it(price: int) -> None:
    tick = tick_at_sqrt_price(price)
    assert sqrt_price_at_tick(tick) <= price < sqrt_price_at_tick(tick + 1)


@given(st.integers(MIN_TICK, MAX_TICK))
@settings(deadline=None)
def test_prices_are_the_powers_of_one_basis_point(tick: int) -> None:
    assert sqrt_price_at_tick(tick) / 2**96 == pytest.approx(1.0001 ** (tick / 2), rel=1e-8)


@pytest.mark.parametrize("tick", [MIN_TICK - 1, MAX_TICK + 1])
def test_a_tick_out_of_bounds_is_refused(tick: int) -> None:
    with pytest.raises(InvalidRequest):
        sqrt_price_at_tick(tick)


@pytest.mark.parametrize("price", [MIN_SQRT_PRICE_X96 - 1, MAX_SQRT_PRICE_X96])
def test_a_price_out_of_bounds_is_refused(price: int) -> None:
    with pytest.raises(InvalidRequest):
        tick_at_sqrt_price(price)
