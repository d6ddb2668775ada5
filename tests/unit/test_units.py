from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.errors import InvalidRequest
from oms.units import format_amount, parse_amount


@given(st.integers(1, 2**128 - 1), st.integers(0, 24))
def test_printing_then_parsing_gives_the_same_base_units(raw: int, decimals: int) -> None:
    assert parse_amount(format_amount(raw, decimals), decimals) == raw


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0", "greater than zero"),
        ("-1", "greater than zero"),
        ("nan", "greater than zero"),
        ("inf", "greater than zero"),
        ("one", "not a decimal"),
        ("", "not a decimal"),
        ("1.0000001", "6 decimals"),
        ("1e61", "larger than any"),
        ("9" * 40, "128 bits"),
        ("9" * 5_000, "longer than any"),
        ("0." + "0" * 5_000 + "1", "longer than any"),
        ("1e-999999999", "6 decimals"),
        ("1e999999999999999999999", "not a decimal"),
        ("0,5", "groups no thousands"),
        ("1,5", "groups no thousands"),
        ("1,50,000", "groups no thousands"),
        ("1.000,5", "groups no thousands"),
    ],
)
def test_amounts_that_cannot_be_meant_name_the_field_and_the_reason(text: str, why: str) -> None:
    with pytest.raises(InvalidRequest, match=why) as caught:
        parse_amount(text, 6)
    assert caught.value.field == "amount"


def test_separators_are_read_and_trailing_zeros_are_exact() -> None:
    assert parse_amount("1_000.50", 6) == 1_000_500_000
    assert parse_amount("1,000.500000", 6) == 1_000_500_000


def test_places_round_towards_zero() -> None:
    assert format_amount(1_999_999, 6, places=2) == "1.99"
    assert Decimal(format_amount(-1_500_000, 6)) == Decimal("-1.5")
