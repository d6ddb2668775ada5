"""The paper exchange: the recorded feed it replays, its matching, and what a lost answer leads to."""

import gzip
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from oms.adapters.exchange.generated_book import generated_book
from oms.adapters.exchange.paper import PaperExchange
from oms.adapters.exchange.paper_engine import OrderRefused, PaperEngine, StillFeed
from oms.adapters.exchange.paper_server import PaperConfig, engine_of, main
from oms.adapters.exchange.recorded_feed import open_feed, recorded_book
from oms.adapters.exchange.unified import read_market, read_order, read_order_book
from oms.adapters.local_process import LocalProcess
from oms.domain.orders import ExchangeOrder, OrderStatus
from oms.domain.plans import Side
from oms.domain.quotes import BookLevel, ExchangeMarket, OrderBook
from oms.errors import InvalidRequest, OutcomeUnknown, Retryable, Terminal
from oms.liquidity.order_book import depth, fill_base
from tests.ports.fakes import FixedClock, approved
from tests.ports.local_http import Handler, answer, http_server

SYMBOL = "ETH/USDT"
MID = Decimal("2681.62")
NS = 10**9


@pytest.fixture(scope="module")
def eth_feed(oms_data: Path) -> Path:
    path = oms_data / "cex" / "hftbacktest_usdm_ethusdt_20240808.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path


@dataclass
class HandClock:
    """A monotonic clock that a test moves."""

    ns: int = 0

    def __call__(self) -> int:
        return self.ns


def feed_file(folder: Path, *events: tuple[int, dict[str, Any]]) -> Path:
    """A feed in the recorder's format, opening with one bid and two asks at second 1."""
    snapshot = {"lastUpdateId": 10, "bids": [["99", "5"]], "asks": [["101", "2"], ["102", "4"]]}
    path = folder / "feed.gz"
    with gzip.open(path, "wt") as lines:
        for stamp, message in ((1 * NS, snapshot), *((at, {"data": data}) for at, data in events)):
            lines.write(f"{stamp} {json.dumps(message)}\n")
    return path


def depth_update(first: int, last: int, previous: int, *, bids: Any = (), asks: Any = ()) -> dict[str, Any]:
    return {"e": "depthUpdate", "s": "ETHUSDT", "U": first, "u": last, "pu": previous, "b": bids, "a": asks}


def engine(path: Path, clock: HandClock, *, latency_ms: int = 0, speed: float = 1.0) -> PaperEngine:
    config = PaperConfig.model_validate(
        {
            "feed": {"path": str(path), "speed": speed},
            "latency_ms": latency_ms,
            "balances": {"ETH": "10", "USDT": "10000"},
            "price_step": "1",
            "min_notional": "0",
        }
    )
    return engine_of(config, monotonic_ns=clock, now_ns=0)


def order(client_id: str, side: Side, amount: str, price: str | None = None, symbol: str = SYMBOL) -> ExchangeOrder:
    limit = None if price is None else Decimal(price)
    return ExchangeOrder(client_id, "paper", symbol, side, Decimal(amount), limit_price=limit)


def test_what_we_took_stays_taken_until_the_feed_restates_that_level(tmp_path: Path) -> None:
    update = depth_update(11, 12, 10, asks=[["102", "3.5"]])
    clock = HandClock()
    paper = engine(feed_file(tmp_path, (2 * NS, update)), clock)

    fill = paper.submit(order("a", Side.BUY, "3")).fill
    assert fill is not None
    assert fill.quote_amount == 2 * 101 + 102
    assert paper.order_book(SYMBOL)[0].asks == (BookLevel(Decimal(102), Decimal(3)),)

    clock.ns = 1 * NS
    assert paper.order_book(SYMBOL)[0].asks == (BookLevel(Decimal(102), Decimal("3.5")),)


def test_an_order_meets_the_book_of_its_arrival_not_of_its_sending(tmp_path: Path) -> None:
    update = depth_update(11, 12, 10, asks=[["101", "0"]])
    path = feed_file(tmp_path, (1 * NS + 5_000_000, update))

    at_once = engine(path, HandClock(), latency_ms=4).submit(order("a", Side.BUY, "1"))
    too_late = engine(path, HandClock(), latency_ms=5).submit(order("a", Side.BUY, "1"))

    assert at_once.fill is not None
    assert too_late.fill is not None
    assert at_once.fill.average_price == 101
    assert too_late.fill.average_price == 102
    assert (at_once.timestamp_ms, too_late.timestamp_ms) == (1004, 1005)


def test_a_book_that_stands_still_ignores_the_clock(tmp_path: Path) -> None:
    update = depth_update(11, 12, 10, asks=[["101", "0"]])
    clock = HandClock()
    paper = engine(feed_file(tmp_path, (2 * NS, update)), clock, speed=0.0)

    clock.ns = 3_600 * NS

    assert paper.order_book(SYMBOL)[0].asks[0].price == 101


def test_the_event_clock_runs_at_the_speed_asked_for(tmp_path: Path) -> None:
    update = depth_update(11, 12, 10, asks=[["101", "0"]])
    clock = HandClock()
    paper = engine(feed_file(tmp_path, (61 * NS, update)), clock, speed=60.0)

    clock.ns = 1 * NS - 100_000_000
    before = paper.order_book(SYMBOL)[0].asks[0].price
    clock.ns = 1 * NS
    after = paper.order_book(SYMBOL)[0].asks[0].price

    assert before == 101
    assert after == 102


def test_the_ticker_lies_over_the_book_and_leaves_no_mark_when_it_is_overtaken(tmp_path: Path) -> None:
    ticker = {"e": "bookTicker", "s": "ETHUSDT", "u": 11, "b": "99", "B": "1", "a": "102", "A": "3"}
    update = depth_update(11, 12, 10, bids=[["98", "7"]])
    feed = open_feed(feed_file(tmp_path, (2 * NS, ticker), (3 * NS, update)))

    feed.advance_to(2 * NS)
    assert feed.levels()[1] == (BookLevel(Decimal(102), Decimal(3)),)
    feed.advance_to(3 * NS)
    assert feed.levels()[1] == (BookLevel(Decimal(101), Decimal(2)), BookLevel(Decimal(102), Decimal(4)))


def test_a_gap_in_the_feed_is_an_error_and_never_a_book(tmp_path: Path) -> None:
    feed = open_feed(feed_file(tmp_path, (2 * NS, depth_update(15, 16, 14, bids=[["98", "7"]]))))

    with pytest.raises(Terminal, match="gap before update 16"):
        feed.advance_to(2 * NS)


def test_a_feed_that_is_no_feed_is_refused(tmp_path: Path) -> None:
    plain, empty = tmp_path / "plain.gz", tmp_path / "empty.gz"
    plain.write_text("not gzip")
    with gzip.open(empty, "wt"):
        pass

    with pytest.raises(Terminal, match="cannot be read"):
        open_feed(plain)
    with pytest.raises(Terminal, match="no depth snapshot"):
        open_feed(empty)
    with pytest.raises(InvalidRequest, match="does not exist"):
        open_feed(tmp_path / "nowhere.gz")


BAD_ORDERS = {
    "no whole lots": (order("x", Side.BUY, "0.0005"), "multiple of 0.001"),
    "no whole ticks": (order("x", Side.BUY, "1", "101.5"), "multiple of 1 above"),
    "nothing": (order("x", Side.BUY, "0"), "above zero"),
    "another symbol": (order("x", Side.BUY, "1", symbol="BTC/USDT"), "not listed"),
    "more quote than held": (order("x", Side.SELL, "10.001"), "multiple|holds"),
}


@pytest.mark.parametrize("kind", BAD_ORDERS)
def test_a_bad_order_is_refused_again_under_the_same_id_and_fills_nothing(kind: str, tmp_path: Path) -> None:
    bad, words = BAD_ORDERS[kind]
    deep = depth_update(11, 12, 10, bids=[["99", "500"]])
    paper = engine(feed_file(tmp_path, (1 * NS, deep)), HandClock())
    before = dict(paper.balances)

    for _ in range(2):
        with pytest.raises(OrderRefused, match=words):
            paper.submit(bad)

    assert paper.balances == before
    assert paper.order("x").status is OrderStatus.REJECTED


def test_an_id_used_for_another_order_is_refused_and_the_first_one_stands(tmp_path: Path) -> None:
    paper = engine(feed_file(tmp_path), HandClock())
    first = paper.submit(order("a", Side.BUY, "1"))

    with pytest.raises(OrderRefused, match="another order's"):
        paper.submit(order("a", Side.BUY, "2"))

    assert paper.order("a") == first
    assert paper.balances["ETH"] == 11


def test_an_emptied_side_leaves_a_market_order_unfilled(tmp_path: Path) -> None:
    paper = engine(feed_file(tmp_path), HandClock())
    paper.submit(order("a", Side.BUY, "6"))

    rest = paper.submit(order("b", Side.BUY, "1"))

    assert (rest.status, rest.filled) == (OrderStatus.CANCELED, Decimal(0))


def test_a_generated_book_is_the_same_for_the_same_seed_and_says_what_it_is() -> None:
    book, again, other = generated_book(7, MID), generated_book(7, MID), generated_book(8, MID)

    assert book == again
    assert book.bids != other.bids
    assert book.source == "generated, seed 7, mid 2681.62"
    assert (book.bids[0].price + book.asks[0].price) / 2 == MID


@pytest.mark.parametrize("mid", ["2681.62", "2681.625", "0.03", "61234.567"])
def test_a_generated_book_opens_on_the_ticks_around_its_mid(mid: str) -> None:
    book = generated_book(1, Decimal(mid))

    assert book.bids[0].price < Decimal(mid) < book.asks[0].price
    assert book.asks[0].price - book.bids[0].price <= Decimal("0.02")
    read_order_book(
        {"bids": [[lv.price, lv.size] for lv in book.bids], "asks": [[lv.price, lv.size] for lv in book.asks]},
        exchange="paper",
        symbol=SYMBOL,
        received_at=0.0,
        source="",
    )


SANE = {"symbol": SYMBOL, "bids": [["99", "1"], ["98", "1"]], "asks": [["101", "1"], ["102", "1"]], "nonce": 5}
INSANE: dict[str, dict[str, Any]] = {
    "crossed": {"bids": [["101", "1"]]},
    "an empty side": {"asks": []},
    "a missing side": {"asks": None},
    "unsorted bids": {"bids": [["98", "1"], ["99", "1"]]},
    "the same price twice": {"asks": [["101", "1"], ["101", "2"]]},
    "a size of zero": {"asks": [["101", "0"]]},
    "a negative price": {"bids": [["-1", "1"]]},
    "not a number": {"asks": [[float("nan"), 1]]},
    "infinity": {"asks": [["101", "Infinity"]]},
    "an absurd exponent": {"asks": [["1e999", "1"]]},
    "a truth value": {"asks": [[True, "1"]]},
    "no level": {"asks": [["101"]]},
    "another symbol": {"symbol": "BTC/USDT"},
}


@pytest.mark.parametrize("blemish", INSANE)
def test_an_insane_book_is_refused(blemish: str) -> None:
    def read(raw: dict[str, Any]) -> OrderBook:
        return read_order_book(raw, exchange="paper", symbol=SYMBOL, received_at=0.0, source="")

    assert read(SANE).sequence == 5
    with pytest.raises(Terminal):
        read({**SANE, **INSANE[blemish]})


def test_a_float_is_read_by_its_shortest_form() -> None:
    book = {**SANE, "asks": [[101.1, 0.3]]}

    read = read_order_book(book, exchange="paper", symbol=SYMBOL, received_at=0.0, source="")

    assert read.asks == (BookLevel(Decimal("101.1"), Decimal("0.3")),)


def test_a_market_without_a_stated_fee_is_refused_and_not_taken_for_free() -> None:
    market = {"base": "ETH", "quote": "USDT", "precision": {"price": 2, "amount": 3}, "taker": None}

    with pytest.raises(Terminal, match="taker fee"):
        read_market(market, exchange="x", symbol=SYMBOL, step_precision=False)
    read = read_market({**market, "taker": 0.001}, exchange="x", symbol=SYMBOL, step_precision=False)
    assert (read.price_step, read.size_step, read.taker_fee) == (Decimal("0.01"), Decimal("0.001"), Decimal("0.001"))


def test_an_order_whose_trades_do_not_add_up_is_refused() -> None:
    trade = {"price": "100", "amount": "1", "timestamp": 1, "fee": {"currency": "USDT", "cost": "0.05"}}
    report = {
        "id": "1",
        "clientOrderId": "a",
        "symbol": SYMBOL,
        "side": "buy",
        "status": "closed",
        "amount": "2",
        "filled": "2",
        "average": "100",
        "trades": [trade, trade],
    }

    assert read_order(report, exchange="x").filled == 2
    with pytest.raises(Terminal, match="do not add up"):
        read_order({**report, "trades": [trade]}, exchange="x")


GENERATED = {"generated": {"seed": 7, "mid": str(MID)}, "balances": {"ETH": "100", "USDT": "500000"}}


@contextmanager
def client(url: str, *, timeout_seconds: float = 5.0) -> Iterator[PaperExchange]:
    with closing(PaperExchange("paper", url, clock=FixedClock(), timeout_seconds=timeout_seconds)) as exchange:
        yield exchange


@pytest.fixture(scope="module")
def paper_url() -> Iterator[str]:
    with LocalProcess.start("oms.adapters.exchange.paper_server", GENERATED) as server:
        yield server.url


def swallowing_answers(url: str) -> Handler:
    """A proxy that passes orders on and loses the answers to them."""

    def handle(method: str, path: str, body: bytes) -> tuple[int, bytes] | None:
        passed = httpx.request(method, url + path, content=body, headers={"content-type": "application/json"})
        return None if method == "POST" else (passed.status_code, passed.content)

    return handle


def test_a_lost_answer_is_unknown_until_asked_by_id_and_sending_again_fills_nothing_twice(paper_url: str) -> None:
    sent = approved(order("lost", Side.SELL, "3"))
    with client(paper_url) as direct:
        before = direct.balances()["ETH"].free
        with http_server(swallowing_answers(paper_url)) as lossy_url, client(lossy_url, timeout_seconds=0.5) as lossy:
            with pytest.raises(OutcomeUnknown, match="ask for it by that id"):
                lossy.submit_order(sent)
            found = lossy.order("lost")
        again = direct.submit_order(sent)

        assert found is not None
        assert (found.status, found.filled) == (OrderStatus.CLOSED, Decimal(3))
        assert again == found
        assert direct.balances()["ETH"].free == before - 3


UNREADABLE: dict[str, tuple[int, bytes]] = {
    "an error without a reason": (500, b"oops"),
    "a gateway's page": (502, b"<html>bad gateway</html>"),
    "not JSON": (200, b"ok"),
    "another order": answer({"id": "1", "clientOrderId": "b"}),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_unreadable_answer_to_an_order_is_unknown_and_never_a_failure(kind: str) -> None:
    with http_server(lambda *_: UNREADABLE[kind]) as url, client(url) as exchange, pytest.raises(OutcomeUnknown):
        exchange.submit_order(approved(order("a", Side.SELL, "1")))


def test_an_order_that_cannot_have_arrived_may_be_sent_again() -> None:
    with http_server(lambda *_: None) as url:
        pass
    with client(url) as exchange:
        with pytest.raises(Retryable):
            exchange.submit_order(approved(order("a", Side.SELL, "1")))
        with pytest.raises(Retryable):
            exchange.order_book(SYMBOL)


def test_an_order_for_another_exchange_is_not_sent(paper_url: str) -> None:
    elsewhere = ExchangeOrder("else", "kraken", SYMBOL, Side.SELL, Decimal(1))

    with client(paper_url) as exchange:
        with pytest.raises(InvalidRequest, match="kraken"):
            exchange.submit_order(approved(elsewhere))
        assert exchange.order("else") is None


def test_a_refused_order_is_known_as_rejected_with_its_reason(paper_url: str) -> None:
    with client(paper_url) as exchange:
        with pytest.raises(Terminal, match=r"refused order dust \(InvalidOrder\): notional is below"):
            exchange.submit_order(approved(order("dust", Side.SELL, "0.001")))
        report = exchange.order("dust")

    assert report is not None
    assert report.status is OrderStatus.REJECTED
    assert "notional is below" in report.reason


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"symbol":"ETH/USDT","type":"market","side":"sell","amount":1,"params":{"clientOrderId":"n"}}',
        b'{"symbol":"ETH/USDT","type":"market","side":"sell","amount":"-1","params":{"clientOrderId":"n"}}',
        b'{"symbol":"ETH/USDT","type":"limit","side":"sell","amount":"1","params":{"clientOrderId":"n"}}',
        b'{"symbol":"ETH/USDT","type":"market","side":"sell","amount":"1","params":{}}',
        b'{"symbol":"ETH/USDT","type":"market","side":"sell","amount":"1",'
        b'"params":{"clientOrderId":"n","timeInForce":"GTC"}}',
    ],
)
def test_a_malformed_order_message_is_a_bad_request_and_no_order(paper_url: str, body: bytes) -> None:
    reply = httpx.post(f"{paper_url}/v1/orders", content=body)

    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "BadRequest")
    with client(paper_url) as exchange:
        assert exchange.order("n") is None


@pytest.mark.parametrize("book", [{}, {"generated": {"seed": 1, "mid": "1"}, "feed": {"path": "x"}}])
def test_a_configuration_needs_exactly_one_book(
    book: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "paper.json"
    path.write_text(json.dumps(book))

    assert main(["--config", str(path)]) == 2
    assert "exactly one of feed and generated" in capsys.readouterr().err


def test_the_impact_of_a_large_order_moves_the_average_away_from_the_touch() -> None:
    book = generated_book(7, MID)
    rules = ExchangeMarket("paper", SYMBOL, "ETH", "USDT", Decimal("0.01"), Decimal("0.001"), Decimal(20), Decimal(0))
    held = {"ETH": Decimal(1000), "USDT": Decimal(0)}
    paper = PaperEngine(StillFeed(book, 0), rules, balances=held, latency_ns=0, speed=0.0, monotonic_ns=HandClock())

    fills = [paper.submit(order(str(n), Side.SELL, "100")).fill for n in range(3)]

    averages = [fill.average_price for fill in fills if fill is not None]
    assert len(averages) == 3
    assert averages[0] > averages[1] > averages[2]
    whole = fill_base(book, rules, side=Side.SELL, base_amount=Decimal(300))
    assert paper.balances["USDT"] == whole.net_quote


@pytest.mark.recorded
def test_the_recorded_book_opens_at_the_exchanges_own_best_prices(eth_feed: Path) -> None:
    book = recorded_book(eth_feed)

    assert (book.bids[0].price, book.asks[0].price) == (Decimal("2681.62"), Decimal("2681.63"))
    assert min(len(book.bids), len(book.asks)) >= 1000
    assert book.source == "recorded, Binance ETHUSDT perpetual, 2024-08-08 23:54:15.378 UTC"
    assert depth(book.bids) > 5_000


@pytest.mark.recorded
def test_the_replayed_book_agrees_with_every_ticker_of_the_same_update(eth_feed: Path) -> None:
    feed, compared = open_feed(eth_feed), 0
    tickers: dict[int, tuple[Decimal, ...]] = {}
    with gzip.open(eth_feed, "rb") as lines:
        for line, _ in zip(lines, range(12_000), strict=False):
            stamp, _, text = line.partition(b" ")
            data = json.loads(text).get("data", {})
            if data.get("e") == "bookTicker":
                tickers[data["u"]] = tuple(Decimal(data[key]) for key in "bBaA")
            if data.get("e") == "depthUpdate" and int(stamp) > feed.opened_ns:
                feed.advance_to(int(stamp))
                known = tickers.get(feed.sequence)
                if known is not None and feed.latest == feed.sequence:  # no newer ticker has come in between
                    bid, ask = (side[0] for side in feed.levels())
                    assert (bid.price, bid.size, ask.price, ask.size) == known
                    compared += 1

    assert compared > 20


@pytest.mark.recorded
def test_a_minute_of_replay_never_crosses_and_keeps_order(eth_feed: Path) -> None:
    feed = open_feed(eth_feed)
    for second in range(0, 60, 2):
        feed.advance_to(feed.opened_ns + second * NS)
        bids, asks = feed.levels()
        assert bids[0].price < asks[0].price
        assert all(better.price > worse.price for better, worse in pairwise(bids))
        assert all(better.price < worse.price for better, worse in pairwise(asks))

    assert feed.tape
    assert "23:55:13" in feed.source


@pytest.mark.recorded
def test_a_hedge_of_25_eth_on_the_recorded_book_fills_at_its_prices(eth_feed: Path) -> None:
    config = {"feed": {"path": str(eth_feed)}, "balances": {"ETH": "100", "USDT": "500000"}}
    book = recorded_book(eth_feed)
    with LocalProcess.start("oms.adapters.exchange.paper_server", config) as server, client(server.url) as exchange:
        served: OrderBook = exchange.order_book(SYMBOL)
        report = exchange.submit_order(approved(order("hedge", Side.SELL, "25")))
        predicted = fill_base(served, exchange.market(SYMBOL), side=Side.SELL, base_amount=Decimal(25))

    assert (served.bids, served.asks, served.source) == (book.bids, book.asks, book.source)
    assert report.average_price == predicted.average_price
    assert Decimal(2680) < predicted.average_price < Decimal("2681.62")
    assert {fill.timestamp_ms for fill in report.fills} == {1_723_161_255_383}
