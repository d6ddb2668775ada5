"""What every exchange behind the port must do: the in-memory fake, and the paper exchange as a process over HTTP.

ccxt's adapter obeys the reading half, against a local server that answers as Bitstamp's public API does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

import pytest

from oms.adapters.exchange.ccxt_exchange import CcxtMarketData
from oms.adapters.exchange.generated_book import generated_book
from oms.adapters.exchange.paper import PaperExchange
from oms.adapters.local_process import LocalProcess
from oms.domain.orders import ExchangeOrder, OrderStatus
from oms.domain.plans import Side
from oms.domain.quotes import ExchangeMarket
from oms.errors import InvalidRequest, Terminal
from oms.liquidity.order_book import fill_base
from oms.ports.exchange import Exchange, MarketData
from tests.ports.fakes import FakeExchange, FixedClock, approved
from tests.ports.local_http import answer, http_server

MID = Decimal("2681.62")
SYMBOL = "ETH/USDT"
RULES = ExchangeMarket(
    "paper", SYMBOL, "ETH", "USDT", Decimal("0.01"), Decimal("0.001"), Decimal(20), Decimal("0.0005")
)
CONFIG = {
    "generated": {"seed": 7, "mid": str(MID)},
    "balances": {"ETH": "100", "USDT": "500000"},
}


@dataclass
class TickingClock:
    """Moves by `step` seconds whenever it is read."""

    step: float
    at: float = 0.0

    def now(self) -> float:
        self.at += self.step
        return self.at


@pytest.fixture(scope="module")
def paper_url() -> Iterator[str]:
    with LocalProcess.start("oms.adapters.exchange.paper_server", CONFIG) as server:
        yield server.url


@pytest.fixture(scope="module")
def served(paper_url: str) -> Iterator[PaperExchange]:
    exchange = PaperExchange("paper", paper_url, clock=FixedClock())
    yield exchange
    exchange.close()


@pytest.fixture(params=["fake", "paper"])
def exchange(request: pytest.FixtureRequest) -> Exchange:
    if request.param == "paper":
        served: PaperExchange = request.getfixturevalue("served")
        return served
    held = {"ETH": Decimal(100), "USDT": Decimal(500_000)}
    return FakeExchange("paper", generated_book(7, MID), RULES, held)


def bitstamp(_method: str, path: str, _body: bytes) -> tuple[int, bytes]:
    """Bitstamp's public endpoints, as ccxt 4.5 asks for them."""
    if "markets" in path or "trading-pairs-info" in path:
        pair = {
            "name": "ETH/USDT",
            "market_symbol": "ethusdt",
            "base_currency": "ETH",
            "base_decimals": 8,
            "counter_currency": "USDT",
            "counter_decimals": 2,
            "minimum_order_value": "10",
            "trading": "Enabled",
            "instant_order_counter_decimals": 2,
            "instant_and_market_orders": "Enabled",
            "description": "Ether / Tether",
            "market_type": "SPOT",
        }
        return answer([pair])
    if "order_book" in path:
        bids, asks = [["2681.61", "1.50000000"], ["2681.05", "20.1"]], [["2681.63", "0.00100001"], ["2682.00", "4"]]
        return answer({"timestamp": "1723161255", "microtimestamp": "1723161255088156", "bids": bids, "asks": asks})
    if "transactions" in path:
        newest = {"date": "1723161254", "tid": "12", "amount": "0.5", "type": "1", "price": "2681.61"}
        return answer([newest, {**newest, "tid": "11", "date": "1723161250", "type": "0"}])
    return answer([])


@pytest.fixture
def through_ccxt() -> Iterator[CcxtMarketData]:
    with http_server(bitstamp) as url:
        urls = {"api": {"public": url, "private": url}}
        market_data = CcxtMarketData("bitstamp", clock=FixedClock(), options={"urls": urls, "enableRateLimit": False})
        yield market_data
        market_data.close()


@pytest.fixture(params=["fake", "paper", "ccxt"])
def market_data(request: pytest.FixtureRequest) -> MarketData:
    if request.param == "ccxt":
        through_ccxt: CcxtMarketData = request.getfixturevalue("through_ccxt")
        return through_ccxt
    if request.param == "paper":
        served: PaperExchange = request.getfixturevalue("served")
        return served
    return FakeExchange("paper", generated_book(7, MID), RULES, {})


def test_a_book_has_two_sorted_sides_that_do_not_cross(market_data: MarketData) -> None:
    book = market_data.order_book(SYMBOL)

    assert (book.exchange, book.symbol) == (market_data.name, SYMBOL)
    assert all(better.price > worse.price for better, worse in pairwise(book.bids))
    assert all(better.price < worse.price for better, worse in pairwise(book.asks))
    assert book.bids[0].price < MID < book.asks[0].price


@pytest.mark.parametrize("name", ["served", "through_ccxt"])
def test_a_book_tells_how_long_it_took_to_come(name: str, request: pytest.FixtureRequest) -> None:
    asked: PaperExchange | CcxtMarketData = request.getfixturevalue(name)

    assert asked.order_book(SYMBOL).request_seconds == 0.0, "the clock of these tests stands still"


def test_the_time_of_a_request_is_measured_around_it(paper_url: str) -> None:
    asked = PaperExchange("paper", paper_url, clock=TickingClock(0.25))

    book = asked.order_book(SYMBOL)
    asked.close()

    assert (book.request_seconds, book.received_at) == (0.25, 0.5)


def test_a_clock_set_back_measures_nothing(paper_url: str) -> None:
    asked = PaperExchange("paper", paper_url, clock=TickingClock(-1.0))

    book = asked.order_book(SYMBOL)
    asked.close()

    assert book.request_seconds is None


def test_a_market_states_its_steps_and_the_takers_fee(market_data: MarketData) -> None:
    market = market_data.market(SYMBOL)

    assert (market.base, market.quote) == ("ETH", "USDT")
    assert market.price_step == Decimal("0.01")
    assert 0 < market.size_step <= Decimal("0.001")
    assert 0 < market.taker_fee < Decimal("0.01")
    assert market.min_notional in (10, 20)


def test_an_unlisted_symbol_is_the_callers_fault(market_data: MarketData) -> None:
    for ask in (market_data.market, market_data.order_book, market_data.trades):
        with pytest.raises(InvalidRequest) as refusal:
            ask("DOGE/USDT")
        assert refusal.value.field == "symbol"


def test_trades_come_oldest_first(market_data: MarketData) -> None:
    stamps = [trade.timestamp_ms for trade in market_data.trades(SYMBOL)]

    assert stamps == sorted(stamps)


def test_ccxts_numbers_arrive_to_the_last_digit(through_ccxt: CcxtMarketData) -> None:
    book = through_ccxt.order_book(SYMBOL)

    assert [(level.price, level.size) for level in book.asks] == [
        (Decimal("2681.63"), Decimal("0.00100001")),
        (Decimal("2682.00"), Decimal("4")),
    ]
    assert book.sequence == 1723161255088156
    assert [(trade.trade_id, trade.side) for trade in through_ccxt.trades(SYMBOL)] == [
        ("11", Side.BUY),
        ("12", Side.SELL),
    ]


@pytest.mark.parametrize("side", list(Side))
def test_a_market_order_fills_exactly_as_the_book_walk_predicts(exchange: Exchange, side: Side) -> None:
    rules, book, before = exchange.market(SYMBOL), exchange.order_book(SYMBOL), exchange.balances()
    predicted = fill_base(book, rules, side=side, base_amount=Decimal("40.5"))

    report = exchange.submit_order(approved(ExchangeOrder(f"hedge-{side}", "paper", SYMBOL, side, Decimal("40.5"))))

    after = exchange.balances()
    sign = 1 if side is Side.BUY else -1
    assert report.status is OrderStatus.CLOSED
    assert [(fill.price, fill.amount) for fill in report.fills] == [(lv.price, lv.size) for lv in predicted.levels]
    assert sum(fill.fee_amount for fill in report.fills) == predicted.fee
    assert report.average_price == predicted.average_price
    assert after["ETH"].free - before["ETH"].free == sign * predicted.base_amount
    assert after["USDT"].free - before["USDT"].free == -sign * predicted.net_quote


def test_a_limit_order_takes_what_its_price_allows_and_cancels_the_rest(exchange: Exchange) -> None:
    book = exchange.order_book(SYMBOL)
    best = book.asks[0]

    report = exchange.submit_order(
        approved(ExchangeOrder("limit-1", "paper", SYMBOL, Side.BUY, best.size + 1, limit_price=best.price))
    )

    assert report.status is OrderStatus.CANCELED
    assert (report.filled, report.leaves_quantity) == (best.size, Decimal(1))
    assert report.average_price == best.price


def test_a_limit_order_out_of_reach_fills_nothing(exchange: Exchange) -> None:
    far, before = Decimal(2000), exchange.balances()

    report = exchange.submit_order(
        approved(ExchangeOrder("limit-2", "paper", SYMBOL, Side.BUY, Decimal(1), limit_price=far))
    )

    assert report.status is OrderStatus.CANCELED
    assert (report.filled, report.average_price, report.fills) == (Decimal(0), None, ())
    assert exchange.balances() == before


def test_the_same_client_order_id_twice_is_one_order(exchange: Exchange) -> None:
    order = ExchangeOrder("once", "paper", SYMBOL, Side.SELL, Decimal(2))
    before = exchange.balances()["ETH"].free

    first, second = (exchange.submit_order(approved(order)) for _ in range(2))

    assert first == second == exchange.order("once")
    assert exchange.balances()["ETH"].free == before - 2


def test_an_id_never_sent_is_unknown_to_the_exchange(exchange: Exchange) -> None:
    assert exchange.order("never") is None


def test_an_order_beyond_the_balance_is_refused_and_changes_nothing(exchange: Exchange) -> None:
    before = exchange.balances()

    too_much = before["ETH"].free + Decimal("0.001")

    with pytest.raises(Terminal, match="InsufficientFunds"):
        exchange.submit_order(approved(ExchangeOrder("rich", "paper", SYMBOL, Side.SELL, too_much)))

    assert exchange.balances() == before


def test_our_own_fills_are_on_the_tape(exchange: Exchange) -> None:
    report = exchange.submit_order(approved(ExchangeOrder("tape", "paper", SYMBOL, Side.SELL, Decimal(1))))

    last = exchange.trades(SYMBOL)[-1]
    assert (last.price, last.side) == (report.fills[-1].price, Side.SELL)
