from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms.domain.plans import Side
from oms.domain.quotes import BookLevel, ExchangeMarket, OrderBook
from oms.domain.token import Token
from oms.errors import QuoteRefused
from oms.routing.allocation import FREE_GAS
from oms.routing.book_market import BookMarket
from oms.routing.market import BookEdge, edges_of
from oms.routing.prepared import PreparedMarket
from oms.routing.route import RouteTerms, buy, sell
from tests.unit.routing.market_samples import A, B, listed

ETH, USD = Token(1, A, "WETH", 18), Token(1, B, "USDC", 6)
TERMS = RouteTerms(FREE_GAS, max_hops=1)


def levels(start: str, step: str, size: str, count: int) -> tuple[BookLevel, ...]:
    return tuple(BookLevel(Decimal(start) + i * Decimal(step), Decimal(size)) for i in range(count))


BOOK = OrderBook("paper", "ETH/USDC", levels("2000", "-0.5", "3", 40), levels("2000.5", "0.5", "3", 40), 1, 0.0, "test")
RULES = ExchangeMarket(
    "paper", "ETH/USDC", "ETH", "USDC", Decimal("0.01"), Decimal("0.01"), Decimal(10), Decimal("0.0005")
)
MARKET = BookMarket(BOOK, RULES, ETH, USD)
amounts = st.integers(10**16, 100 * 10**18)


@settings(max_examples=60, deadline=None)
@given(amounts)
def test_whole_lots_are_a_fixed_point_that_pays_the_same(amount: int) -> None:
    lots = MARKET.whole_lots(A, amount)
    assert lots <= amount
    assert amount - lots < 10**16
    if lots:
        assert MARKET.whole_lots(A, lots) == lots
        assert MARKET.amount_out(A, lots) == MARKET.amount_out(A, amount)


@settings(max_examples=60, deadline=None)
@given(st.integers(30 * 10**6, 200_000 * 10**6))
def test_buying_spends_no_more_than_given_and_lots_cost_what_they_cost(amount: int) -> None:
    lots = MARKET.whole_lots(B, amount)
    assert 0 < lots <= amount
    assert MARKET.amount_out(B, lots) == MARKET.amount_out(B, amount)
    assert MARKET.whole_lots(B, lots) == lots


def test_the_fee_is_taken_and_rounding_favours_the_venue() -> None:
    assert MARKET.side(A) is Side.SELL
    assert MARKET.amount_out(A, 10**18) == 1_999_000_000
    fill = MARKET.fill(B, 2_001_500_250)
    assert (fill.side, fill.base_amount) == (Side.BUY, Decimal("1.00"))


def test_beyond_the_book_is_refused() -> None:
    with pytest.raises(QuoteRefused, match="holds only"):
        MARKET.amount_out(A, 121 * 10**18)


def market_with_pool() -> PreparedMarket:
    pool = listed(1, A, B, 1_000 * 10**18, 2_000_000 * 10**6)
    edges = [*edges_of([pool], [A, B]), BookEdge(MARKET, A, B), BookEdge(MARKET, B, A)]
    return PreparedMarket.of(edges)


@settings(max_examples=30, deadline=None)
@given(st.integers(10**18, 60 * 10**18))
def test_a_split_gives_the_book_whole_lots_and_the_pool_the_rest(amount: int) -> None:
    split = sell(market_with_pool(), A, B, amount, TERMS).allocation
    book_legs = [leg for leg in split.legs if isinstance(leg.edge, BookEdge)]
    assert sum(leg.amount_in for leg in split.legs) == amount
    assert all(leg.amount_in % 10**16 == 0 for leg in book_legs)
    assert book_legs, "the deeper book got nothing"


@settings(max_examples=15, deadline=None)
@given(st.integers(10**18, 60 * 10**18))
def test_a_purchase_through_a_book_brings_enough(wanted: int) -> None:
    split = buy(market_with_pool(), B, A, wanted, TERMS).allocation
    assert split.amount_out >= wanted
    for leg in split.legs:
        if isinstance(leg.edge, BookEdge):
            assert MARKET.whole_lots(B, leg.amount_in) == leg.amount_in
