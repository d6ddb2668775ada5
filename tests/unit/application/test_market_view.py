"""A look at exchanges: balances, costs and latency between the chain and the book, and what happens without them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from oms.application.market_view import ExchangeListing, ExchangeTerms, MarketView, Sources, look
from oms.config import HedgeCosts, TransferCosts
from oms.domain.balances import ExchangeBalance
from oms.domain.plans import Intent, Side
from oms.domain.token import Token
from oms.errors import BeyondKnownRange, QuoteRefused, Retryable
from oms.liquidity.listing import ListedPool, PoolSnapshot
from oms.ports.exchange import Exchange
from oms.routing.market import BookEdge, fill
from oms.units import BPS, Wei
from tests.ports.fakes import FakeExchange
from tests.unit.application.samples import BLOCK, CLOCK, ETH, NOW, RULES, USD, book, exchange, sell

BUY_ETHER = Intent(Side.SELL, USD, ETH, 1_000 * 10**6)


@dataclass(frozen=True)
class NoPools:
    """A chain without pools."""

    venue_names: frozenset[str] = frozenset()

    def snapshot(self, tokens: Sequence[Token], *, venues: frozenset[str] | None = None) -> PoolSnapshot:
        return PoolSnapshot(BLOCK, ())

    def extend(self, listed: ListedPool, *, zero_for_one: bool) -> ListedPool:
        raise BeyondKnownRange

    def gas_price(self) -> Wei:
        return Wei(10**9)


@dataclass
class Secretive(FakeExchange):
    """Shows its book, and not what we hold."""

    def balances(self) -> Mapping[str, ExchangeBalance]:
        raise Retryable(self.name, "balances are down; try again")


def seen(
    account: Exchange | None, *, intent: Intent | None = None, terms: ExchangeTerms | None = None, **earlier: float
) -> MarketView:
    shown = account or exchange()
    listing = ExchangeListing(shown, "ETH/USDC", ETH, USD, account)
    sources = Sources(NoPools(), (), (listing,), CLOCK, terms or ExchangeTerms())
    before = [replace(book(bid=str(bid), ask=str(bid + 1)), received_at=NOW - 2.0) for bid in earlier.values()]
    return look(sources, intent or sell(1), [ETH, USD], earlier=before)


def edge(view: MarketView, intent: Intent | None = None) -> BookEdge:
    market = view.market(intent or sell(1), [ETH, USD])
    (only,) = [each for each in market.edges if isinstance(each, BookEdge)]
    return only


def capacity(found: BookEdge) -> int | None:
    assert found.joins is not None
    return found.joins.give.capacity


def test_the_balance_there_is_the_capacity_of_the_join() -> None:
    found = edge(seen(exchange(ETH=3)))
    assert capacity(found) == 3 * 10**18
    assert found.joins is not None
    assert (str(found.joins.give.target), str(found.joins.receive.source)) == ("WETH at paper", "USDC at paper")


def test_a_currency_that_is_not_held_is_no_capacity_rather_than_any() -> None:
    account = exchange()
    del account.held["ETH"]
    found = edge(seen(account))
    assert capacity(found) == 0
    market = seen(account).market(sell(1), [ETH, USD])
    with pytest.raises(QuoteRefused, match="0 base units left"):
        fill(found, market.states[found.state_id], 10**18)


def test_a_purchase_over_the_whole_capacity_is_covered_at_its_worst_limit_price() -> None:
    held = Decimal("10000.123456")
    account = replace(exchange(), held={"ETH": Decimal(1), "USDC": held})
    found = edge(seen(account, intent=BUY_ETHER), BUY_ETHER)
    limit = capacity(found)
    assert limit is not None
    spent = found.market.fill(USD.address, limit)
    worst = spent.net_quote * (BPS + 100) / BPS
    assert held * Decimal("0.99") < worst <= held


def test_balances_that_do_not_come_leave_market_data_when_quoting() -> None:
    view = seen(Secretive("paper", book(), RULES, {"ETH": Decimal(9)}))
    assert capacity(edge(view)) is None
    assert [(venue.venue, venue.reason) for venue in view.silent] == [
        ("paper", "tells no balances, quoted as market data only (paper: balances are down; try again)")
    ]


def test_balances_that_do_not_come_leave_the_book_out_when_settling() -> None:
    view = seen(Secretive("paper", book(), RULES, {"ETH": Decimal(9)}), terms=ExchangeTerms(settles=True))
    assert view.books == ()
    assert "left out" in view.silent[0].reason


def test_a_book_without_an_account_is_market_data() -> None:
    assert capacity(edge(seen(None))) is None
    assert seen(None, terms=ExchangeTerms(settles=True)).books == ()


def test_transfers_cost_what_the_desk_says_by_exchange_and_asset() -> None:
    costs = TransferCosts(
        default_bps=Decimal(1), by_exchange={"paper": {"WETH": Decimal(3)}, "other": {"USDC": Decimal(9)}}
    )
    joins = edge(seen(exchange(), terms=ExchangeTerms(transfers=costs))).joins
    assert joins is not None
    assert (joins.give.cost_bps, joins.receive.cost_bps) == (Decimal(3), Decimal(1))


def test_the_measured_latency_prices_the_slippage() -> None:
    costs = HedgeCosts(volatility_bps_per_sqrt_hour={"WETH": 100, "USDC": 0}, slippage_factor=1.0, risk_aversion=0)
    rates = []
    for request_seconds in (0.36, 36.0):
        account = replace(exchange(), book=replace(book(), request_seconds=request_seconds))
        rates.append(edge(seen(account, terms=ExchangeTerms(costs))).hedge)
    assert [rate.slippage_bps for rate in rates] == pytest.approx([1.0, 10.0])
    assert [rate.variance_bps for rate in rates] == [0.0, 0.0]


def test_a_book_that_fell_since_the_last_look_is_dearer_to_sell_to() -> None:
    terms = ExchangeTerms(HedgeCosts(latency_seconds=1.0))
    steady, fallen = (edge(seen(exchange(), terms=terms, bid=bid)).hedge for bid in (2010.0, 2012.0))
    assert fallen.slippage_bps == pytest.approx(2 / 2012.5 * 10_000 / 2)
    assert steady.slippage_bps < 1
    risen = edge(seen(exchange(), intent=BUY_ETHER, terms=terms, bid=2012.0), BUY_ETHER).hedge
    assert risen == steady, "who buys is better off"
