"""Price levels against fills: the same value at every breakpoint, cut to the same limits."""

import math
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms.domain.quotes import BookLevel, OrderBook
from oms.errors import InvalidRequest, QuoteRefused
from oms.routing.book_market import BookMarket
from oms.routing.hedge_cost import HedgeRate
from oms.routing.levels import PriceLevel, price_levels
from oms.routing.market import BookEdge, FirmEdge, LadderEdge, fill, initial_state
from tests.unit.routing.venue_samples import ETH, USD, book, book_edge, books, firm_edge, ladder_edge, rules

FLOAT = 2**-50
"""Floats of large amounts differ from integers by this share."""
bps = st.decimals(0, 50, places=3)
hedges = st.builds(HedgeRate, st.floats(0, 30), st.floats(0, 30))
limits = st.one_of(st.none(), st.integers(10**15, 10**21))
LADDER_STEPS = st.lists(st.tuples(st.integers(1, 10**9), st.integers(1, 10**8)), min_size=1, max_size=6)


def value(edge: LadderEdge | FirmEdge | BookEdge, amount_in: int, *, lots: bool = False) -> int:
    done = fill(edge, initial_state(edge), amount_in, lots=lots)
    return done.amount_out - done.charge


def assert_concave(levels: tuple[PriceLevel, ...]) -> None:
    points = [(0.0, 0.0), *((level.amount_in, level.amount_out) for level in levels)]
    for (before, after), level in zip(pairwise(points), levels, strict=True):
        assert after[0] > before[0]
        step_in, step_out = after[0] - before[0], after[1] - before[1]
        assert math.isclose(step_out, step_in * level.marginal, rel_tol=1e-6, abs_tol=4 * FLOAT * after[1])
    assert all(better.marginal >= worse.marginal for better, worse in pairwise(levels))


@settings(max_examples=120, deadline=None)
@given(books(), st.booleans(), bps, bps, hedges, limits, limits)
def test_a_books_levels_are_worth_what_fills_of_them_are(
    market: BookMarket,
    selling: bool,
    give: Decimal,
    receive: Decimal,
    hedge: HedgeRate,
    balance: int | None,
    most: int | None,
) -> None:
    scale = 10**9 if not selling else 1
    balance, most = (limit // scale if limit else limit for limit in (balance, most))
    edge = book_edge(
        market, selling=selling, balance=balance, give_bps=give, receive_bps=receive, hedge=hedge, max_in=most
    )
    levels = price_levels(edge)
    assert levels
    assert_concave(levels)
    for level in levels:
        exact = value(edge, int(level.amount_in))
        # one unit for the amount and one for each of four charges, and the part of a unit that is not given
        tolerance = 5 + level.marginal + level.amount_out * FLOAT
        assert abs(exact - level.amount_out) <= tolerance
    end = levels[-1].amount_in
    assert all(limit is None or end <= limit for limit in (balance, most))
    with pytest.raises(QuoteRefused):
        value(edge, math.ceil(end * (1 + FLOAT)) + 10**3)


@settings(max_examples=80, deadline=None)
@given(books(size_step="0.1"), st.booleans(), hedges)
def test_in_whole_lots_a_book_is_worth_at_most_a_lot_less(market: BookMarket, selling: bool, hedge: HedgeRate) -> None:
    edge = book_edge(market, selling=selling, hedge=hedge)
    for level in price_levels(edge):
        try:
            exact = value(edge, int(level.amount_in), lots=True)
        except QuoteRefused:  # less than a lot, whose value is within the bound
            exact = 0
        lot = 10**17 if not selling else 10**17 * level.marginal * 1.01 * (1 + 50 * 50 / 2_000)
        assert exact <= level.amount_out * (1 + FLOAT) + 1
        assert exact >= level.amount_out - lot - 5


def test_levels_bear_the_fee_the_hedge_and_both_joins() -> None:
    market = BookMarket(book([("2000", "5")], [("2001", "5")]), rules(fee="0.001"), ETH, USD)
    edge = book_edge(market, selling=True, give_bps=Decimal(10), receive_bps=Decimal(5), hedge=HedgeRate(2.5, 2.5))
    (level,) = price_levels(edge)
    assert level.amount_in == 5e18
    assert level.amount_out == pytest.approx(10_000e6 * 0.999 * 0.998, rel=1e-12)
    assert level.marginal == pytest.approx(2000e-12 * 0.999 * 0.998, rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(books(), st.booleans(), st.integers(10**10, 10**21))
def test_a_bound_on_what_is_brought_cuts_the_levels_before_any_charge(
    market: BookMarket, selling: bool, most: int
) -> None:
    most = most // 10**9 if selling else most
    edge = book_edge(market, selling=selling, max_out=most, hedge=HedgeRate(slippage_bps=8.0))
    levels = price_levels(edge)
    assert_concave(levels)
    done = fill(edge, initial_state(edge), int(levels[-1].amount_in), lots=False)
    assert done.amount_out <= most
    free = price_levels(book_edge(market, selling=selling))
    reached = levels[-1].amount_in == free[-1].amount_in
    assert reached or done.amount_out >= most * (1 - 1e-9) - 2 * (1 + levels[-1].marginal)


@pytest.mark.parametrize("balance", [None, 7_300_000_000_000_000_000, 10**17])
def test_the_last_level_of_whole_lots_is_a_whole_number_of_lots(balance: int | None) -> None:
    market = BookMarket(book([("2000", "5.1"), ("1999", "2.2"), ("1998", "4.7")], [("2001", "5")]), rules(), ETH, USD)
    edge = book_edge(market, selling=True, balance=balance)
    end = int(price_levels(edge)[-1].amount_in)
    assert end == (balance or 12 * 10**18) == market.whole_lots(edge.token_in, end)


def test_a_book_whose_charges_eat_everything_has_no_levels() -> None:
    market = BookMarket(book([("2000", "5")], [("2001", "5")]), rules(), ETH, USD)
    assert price_levels(book_edge(market, selling=True, hedge=HedgeRate(variance_bps=10_000.0))) == ()


def test_an_empty_balance_has_no_levels() -> None:
    market = BookMarket(book([("2000", "5")], [("2001", "5")]), rules(), ETH, USD)
    assert price_levels(book_edge(market, selling=True, balance=0)) == ()


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 1_000), st.integers(0, 3)), min_size=1, max_size=5), hedges, bps, bps)
def test_selling_into_a_book_is_buying_from_its_mirror_image(
    steps: list[tuple[int, int]], hedge: HedgeRate, give: Decimal, receive: Decimal
) -> None:
    """Prices are powers of two, so that the mirror's sizes and prices are exact; and no fee, which is on one side."""
    fall = 11
    bids = []
    for size, distance in steps:
        fall -= distance
        bids.append(BookLevel(Decimal(2) ** fall, Decimal(size)))
    mirrored = tuple(BookLevel(1 / level.price, level.price * level.size) for level in bids)
    far = (BookLevel(Decimal(2) ** 20, Decimal(1)),)
    selling = BookMarket(OrderBook("paper", "ETH/USDC", tuple(bids), far, 1, 0.0, ""), rules(fee="0"), ETH, USD)
    swapped = OrderBook("paper", "USDC/ETH", (BookLevel(Decimal(2) ** -20, Decimal(1)),), mirrored, 1, 0.0, "")
    buying = BookMarket(swapped, rules(fee="0", symbol="USDC/ETH"), USD, ETH)
    there = book_edge(selling, selling=True, hedge=hedge, give_bps=give, receive_bps=receive)
    back = book_edge(buying, selling=False, hedge=hedge, give_bps=give, receive_bps=receive)
    assert (there.token_in, there.token_out) == (back.token_in, back.token_out)
    assert price_levels(there) == price_levels(back)
    amount = sum(size for size, _ in steps) * 10**18 // 2
    assert fill(there, initial_state(there), amount, lots=False).charge == (
        fill(back, initial_state(back), amount, lots=False).charge
    )


@settings(max_examples=120, deadline=None)
@given(LADDER_STEPS, st.one_of(st.none(), st.integers(1, 10**7)))
def test_a_ladders_levels_are_worth_what_fills_of_them_are(steps: list[tuple[int, int]], inventory: int | None) -> None:
    prices = sorted((price for _, price in steps), reverse=True)
    shown = [(f"{size / 10**6:.6f}", f"{price / 10**4:.4f}") for (size, _), price in zip(steps, prices, strict=True)]
    edge = ladder_edge(shown, inventory=None if inventory is None else str(inventory))
    levels = price_levels(edge)
    assert_concave(levels)
    for level in levels:
        if level.amount_out < 1:
            continue
        assert (
            abs(value(edge, int(level.amount_in)) - level.amount_out) <= 1 + level.marginal + level.amount_out * FLOAT
        )
    if inventory is not None:
        assert levels[-1].amount_out <= inventory * 10**6


def test_unsorted_levels_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="not sorted best first"):
        price_levels(ladder_edge([("1", "2000"), ("1", "2001")]))


def test_a_firm_quote_is_one_level_and_may_be_indivisible() -> None:
    for partial in (True, False):
        edge = firm_edge(2 * 10**18, 4_000_000_000, partial=partial)
        assert price_levels(edge) == (PriceLevel(2e18, 4e9, 2e-9, all_or_nothing=not partial),)
        assert value(edge, 2 * 10**18) == 4_000_000_000
