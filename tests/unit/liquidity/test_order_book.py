"""The book walk by hand, and its invariants over random books."""

from collections.abc import Callable
from decimal import Decimal, localcontext
from itertools import accumulate

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from oms.domain.plans import Side
from oms.domain.quotes import BookLevel, ExchangeMarket, OrderBook
from oms.errors import QuoteRefused, Refusal
from oms.liquidity.order_book import (
    BookFill,
    buy_with_quote,
    depth,
    fill_base,
    round_down_to_step,
    round_up_to_step,
    sell_for_quote,
)


def levels(*pairs: tuple[str, str]) -> tuple[BookLevel, ...]:
    return tuple(BookLevel(Decimal(price), Decimal(size)) for price, size in pairs)


def market(*, step: str = "0.001", minimum: str = "20", fee: str = "0.0005") -> ExchangeMarket:
    return ExchangeMarket(
        "paper", "ETH/USDT", "ETH", "USDT", Decimal("0.01"), Decimal(step), Decimal(minimum), Decimal(fee)
    )


BOOK = OrderBook(
    "paper",
    "ETH/USDT",
    bids=levels(("100", "1"), ("99.5", "2"), ("90", "10")),
    asks=levels(("101", "1.5"), ("102", "4")),
    sequence=1,
    received_at=0.0,
    source="by hand",
)


def test_a_sale_walks_the_bids_and_pays_the_fee_out_of_the_proceeds() -> None:
    fill = fill_base(BOOK, market(), side=Side.SELL, base_amount=Decimal("2.5"))

    assert fill == BookFill(
        Side.SELL, Decimal("2.5"), Decimal("249.25"), Decimal("0.124625"), levels(("100", "1"), ("99.5", "1.5"))
    )
    assert fill.net_quote == Decimal("249.125375")
    assert fill.average_price == Decimal("99.7")
    assert fill.worst_price == Decimal("99.5")


def test_a_purchase_walks_the_asks_and_pays_the_fee_on_top() -> None:
    fill = fill_base(BOOK, market(), side=Side.BUY, base_amount=Decimal(2))

    assert (fill.quote_amount, fill.fee, fill.net_quote) == (
        Decimal("202.5"),
        Decimal("0.10125"),
        Decimal("202.60125"),
    )


def test_a_size_is_rounded_down_to_whole_lots() -> None:
    fill = fill_base(BOOK, market(step="0.1"), side=Side.SELL, base_amount=Decimal("1.2999"))

    assert fill.base_amount == Decimal("1.2")


def test_buying_with_a_budget_takes_the_most_lots_that_it_covers_with_the_fee() -> None:
    budget = Decimal("202.60125")

    assert buy_with_quote(BOOK, market(), quote_amount=budget).base_amount == 2
    assert buy_with_quote(BOOK, market(), quote_amount=budget - Decimal("1e-20")).base_amount == Decimal("1.999")


def test_selling_for_a_target_takes_the_fewest_lots_that_reach_it_after_the_fee() -> None:
    target = Decimal("249.125375")

    assert sell_for_quote(BOOK, market(), quote_amount=target).base_amount == Decimal("2.5")
    assert sell_for_quote(BOOK, market(), quote_amount=target + Decimal("1e-20")).base_amount == Decimal("2.501")


@pytest.mark.parametrize("amount", ["0", "-1", "NaN", "Infinity"])
def test_what_is_no_positive_amount_is_refused(amount: str) -> None:
    acts: tuple[Callable[[], BookFill], ...] = (
        lambda: fill_base(BOOK, market(), side=Side.BUY, base_amount=Decimal(amount)),
        lambda: buy_with_quote(BOOK, market(), quote_amount=Decimal(amount)),
        lambda: sell_for_quote(BOOK, market(), quote_amount=Decimal(amount)),
    )
    for act in acts:
        with pytest.raises(QuoteRefused) as refusal:
            act()
        assert refusal.value.reason is Refusal.ZERO_AMOUNT


def test_more_than_the_book_holds_is_refused_and_not_filled_in_part() -> None:
    assert fill_base(BOOK, market(), side=Side.SELL, base_amount=Decimal(13)).base_amount == depth(BOOK.bids)
    acts: tuple[Callable[[], BookFill], ...] = (
        lambda: fill_base(BOOK, market(), side=Side.SELL, base_amount=Decimal("13.001")),
        lambda: fill_base(BOOK, market(), side=Side.BUY, base_amount=Decimal("5.501")),
        lambda: buy_with_quote(BOOK, market(), quote_amount=Decimal(10_000)),
        lambda: sell_for_quote(BOOK, market(), quote_amount=Decimal(10_000)),
    )
    for act in acts:
        with pytest.raises(QuoteRefused) as refusal:
            act()
        assert refusal.value.reason is Refusal.INSUFFICIENT_LIQUIDITY


def test_less_than_a_lot_or_than_the_notional_minimum_is_refused() -> None:
    assert fill_base(BOOK, market(), side=Side.SELL, base_amount=Decimal("0.2")).quote_amount == 20
    acts: tuple[Callable[[], BookFill], ...] = (
        lambda: fill_base(BOOK, market(), side=Side.SELL, base_amount=Decimal("0.199")),
        lambda: fill_base(BOOK, market(), side=Side.SELL, base_amount=Decimal("0.0009")),
        lambda: buy_with_quote(BOOK, market(), quote_amount=Decimal(20)),
        lambda: buy_with_quote(BOOK, market(minimum="0"), quote_amount=Decimal("0.1")),
    )
    for act in acts:
        with pytest.raises(QuoteRefused) as refusal:
            act()
        assert refusal.value.reason is Refusal.BELOW_MINIMUM


def test_steps_round_to_their_own_side_and_zero_means_none() -> None:
    value, step = Decimal("1.2345"), Decimal("0.01")

    assert (round_down_to_step(value, step), round_up_to_step(value, step)) == (Decimal("1.23"), Decimal("1.24"))
    assert round_down_to_step(Decimal("1.23"), step) == round_up_to_step(Decimal("1.23"), step) == Decimal("1.23")
    assert round_down_to_step(value, Decimal(0)) == value


ticks = st.lists(st.integers(1, 50), min_size=1, max_size=8)
lots = st.integers(1, 10**7)


@st.composite
def books(draw: st.DrawFn) -> OrderBook:
    mid = draw(st.integers(10_000, 10**7))

    def side(direction: int) -> tuple[BookLevel, ...]:
        offsets = list(accumulate(draw(ticks)))
        priced = [mid + direction * offset for offset in offsets]
        return tuple(
            BookLevel(Decimal(price).scaleb(-2), Decimal(draw(lots)).scaleb(-3)) for price in priced if price > 0
        )

    return OrderBook("paper", "ETH/USDT", side(-1), side(1), 1, 0.0, "random")


fees = st.sampled_from(["0", "0.0005", "0.00123", "-0.0001"])


@given(books(), fees, st.data())
def test_a_fill_is_the_sum_of_its_levels_to_the_last_digit(book: OrderBook, fee: str, data: st.DataObject) -> None:
    rules = market(minimum="0", fee=fee)
    side = data.draw(st.sampled_from(list(Side)))
    available = depth(book.bids if side is Side.SELL else book.asks)
    amount = Decimal(data.draw(st.integers(1, int(available * 1000)))).scaleb(-3)

    fill = fill_base(book, rules, side=side, base_amount=amount)

    with localcontext(prec=200):
        assert sum(level.size for level in fill.levels) == fill.base_amount == amount
        assert sum(level.size * level.price for level in fill.levels) == fill.quote_amount
        assert fill.fee == fill.quote_amount * rules.taker_fee


@given(books(), fees, st.integers(1, 10**12))
def test_a_budget_buys_no_lot_less_than_it_covers(book: OrderBook, fee: str, raw: int) -> None:
    rules, budget = market(minimum="0", fee=fee), Decimal(raw).scaleb(-3)
    try:
        fill = buy_with_quote(book, rules, quote_amount=budget)
    except QuoteRefused:
        assume(False)

    assert fill.net_quote <= budget
    more = fill.base_amount + rules.size_step
    if more <= depth(book.asks):
        assert fill_base(book, rules, side=Side.BUY, base_amount=more).net_quote > budget


@given(books(), fees, st.integers(1, 10**12))
def test_a_target_is_reached_and_not_with_one_lot_less(book: OrderBook, fee: str, raw: int) -> None:
    rules, target = market(minimum="0", fee=fee), Decimal(raw).scaleb(-3)
    try:
        fill = sell_for_quote(book, rules, quote_amount=target)
    except QuoteRefused:
        assume(False)

    assert fill.net_quote >= target
    less = fill.base_amount - rules.size_step
    if less > 0:
        assert fill_base(book, rules, side=Side.SELL, base_amount=less).net_quote < target


@given(books(), st.data())
def test_buying_and_selling_back_never_gains(book: OrderBook, data: st.DataObject) -> None:
    rules = market(minimum="0", fee="0")
    least = min(depth(book.bids), depth(book.asks))
    amount = Decimal(data.draw(st.integers(1, int(least * 1000)))).scaleb(-3)

    bought = fill_base(book, rules, side=Side.BUY, base_amount=amount)
    sold = fill_base(book, rules, side=Side.SELL, base_amount=amount)

    assert bought.net_quote > sold.net_quote
