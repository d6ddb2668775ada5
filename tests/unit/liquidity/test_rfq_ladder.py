"""A ladder's walk against its definition, and against its own inverse."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.domain.quotes import IndicativeLadder, LadderLevel
from oms.domain.token import Token
from oms.errors import QuoteRefused, Refusal
from oms.liquidity.rfq_ladder import ladder_amount_in, ladder_amount_out, ladder_capacity, ladder_stock
from oms.units import Address

WETH = Token(1, Address("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"), "WETH", 18)
USDC = Token(1, Address("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"), "USDC", 6)


def ladder(*levels: tuple[str, str], taker: Token = WETH, maker: Token = USDC) -> IndicativeLadder:
    return IndicativeLadder(
        "linden", taker, maker, tuple(LadderLevel(Decimal(size), Decimal(price)) for size, price in levels), 0.0
    )


TWO = ladder(("1", "2680.5"), ("2.5", "2679.999999"))

sizes = st.decimals(min_value="0.000001", max_value=10_000, places=7)
prices = st.decimals(min_value="0.000001", max_value=100_000, places=9)
ladders = st.builds(
    lambda steps, taker, maker: IndicativeLadder(
        "m",
        taker,
        maker,
        tuple(LadderLevel(s, p) for (s, _), p in zip(steps, sorted((p for _, p in steps), reverse=True), strict=True)),
        0.0,
    ),
    st.lists(st.tuples(sizes, prices), min_size=1, max_size=6),
    st.sampled_from([WETH, USDC]),
    st.sampled_from([WETH, USDC]),
)


@pytest.mark.parametrize(
    ("amount_in", "amount_out"),
    [
        (10**18, 2_680_500_000),
        (10**18 + 1, 2_680_500_000),
        (2 * 10**18, 2_680_500_000 + 2_679_999_999),
        (35 * 10**17, 2_680_500_000 + 6_699_999_997),  # 6,699.9999975 rounded down
    ],
)
def test_each_level_pays_its_own_price_and_the_sum_is_rounded_down_once(amount_in: int, amount_out: int) -> None:
    assert ladder_amount_out(TWO, amount_in) == amount_out


@pytest.mark.parametrize(
    ("amount_in", "reason"),
    [
        (0, Refusal.ZERO_AMOUNT),
        (-1, Refusal.ZERO_AMOUNT),
        (1, Refusal.ZERO_OUTPUT),
        (35 * 10**17 + 1, Refusal.INSUFFICIENT_LIQUIDITY),
    ],
)
def test_what_the_ladder_does_not_hold_is_refused(amount_in: int, reason: Refusal) -> None:
    with pytest.raises(QuoteRefused) as refusal:
        ladder_amount_out(TWO, amount_in)
    assert refusal.value.reason is reason


@pytest.mark.parametrize("amount_out", [0, -5, 9_380_499_998])
def test_an_output_of_nothing_or_beyond_the_ladder_is_refused(amount_out: int) -> None:
    with pytest.raises(QuoteRefused):
        ladder_amount_in(TWO, amount_out)


def test_an_empty_ladder_fills_nothing() -> None:
    with pytest.raises(QuoteRefused) as refusal:
        ladder_amount_out(ladder(), 1)
    assert refusal.value.reason is Refusal.INSUFFICIENT_LIQUIDITY
    assert ladder_capacity(ladder()) == 0


@given(ladders, st.data())
def test_the_inverse_is_the_least_input_that_gives_the_output(book: IndicativeLadder, data: st.DataObject) -> None:
    capacity = ladder_capacity(book)
    try:
        most = ladder_amount_out(book, capacity)
    except QuoteRefused:
        return
    wanted = data.draw(st.integers(1, most))

    amount_in = ladder_amount_in(book, wanted)

    assert ladder_amount_out(book, amount_in) >= wanted
    try:
        one_less = ladder_amount_out(book, amount_in - 1)
    except QuoteRefused:
        one_less = 0
    assert one_less < wanted


@given(ladders, st.data())
def test_more_in_never_gives_less_out(book: IndicativeLadder, data: st.DataObject) -> None:
    capacity = ladder_capacity(book)
    less, more = sorted(data.draw(st.tuples(st.integers(1, capacity), st.integers(1, capacity))))

    def out(amount: int) -> int:
        try:
            return ladder_amount_out(book, amount)
        except QuoteRefused as refusal:
            return 0 if refusal.reason is Refusal.ZERO_OUTPUT else -1

    assert 0 <= out(less) <= out(more)


@pytest.mark.parametrize(("inventory", "stock"), [(None, 9_380_499_997), ("10000", 9_380_499_997), ("4.5", 4_500_000)])
def test_a_ladder_pays_its_levels_or_what_its_maker_has(inventory: str | None, stock: int) -> None:
    stated = None if inventory is None else Decimal(inventory)
    assert ladder_stock(replace(TWO, inventory=stated)) == stock
