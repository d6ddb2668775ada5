"""A small market, its quotes, plans and a desk on fakes, for the application's tests."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from oms.accounting.realised import counterparties
from oms.application.desk import Account, ChainFacts, Desk
from oms.application.market_view import ExchangeTerms, MarketView
from oms.application.planning import PlanTerms, make_plan
from oms.application.quoting import QuoteReport, quote
from oms.config import HedgeCosts, RiskLimits
from oms.domain.block import BlockPin
from oms.domain.events import Event
from oms.domain.plans import Intent, RoutePlan, Side
from oms.domain.quotes import BookLevel, ExchangeMarket, IndicativeLadder, LadderLevel, OrderBook
from oms.domain.token import Token
from oms.domain.transactions import (
    AllowanceRequest,
    BalanceChange,
    Receipt,
    Sendable,
    Simulation,
    TransactionRequest,
    TransferLog,
)
from oms.errors import OmsError
from oms.execution.settlement_calldata import allowance_request
from oms.liquidity.listing import ListedPool, PoolSnapshot
from oms.ports.exchange import Exchange
from oms.ports.journal import JournalEntry
from oms.ports.makers import Maker
from oms.ports.settlement import IntentRecorder
from oms.risk.gate import Approved
from oms.routing.book_market import BookMarket
from oms.units import Address, Bps, Gas, Wei
from tests.ports.fakes import FakeExchange, FakeMaker, FixedClock
from tests.unit.routing.market_samples import A, B, D, listed

NOW = 1_723_161_255
ETH = Token(1, A, "WETH", 18)
USD = Token(1, B, "USDC", 6)
OWNER, EXECUTOR, SETTLEMENT = (Address("0x" + digit * 40) for digit in "89a")
MAKER_KEY = "0x" + "11" * 32
MAKER = Address("0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A")
"""The address of `MAKER_KEY`."""
DIGEST = "0x" + "dd" * 32
BLOCK = BlockPin(1, 100, "0x" + "ab" * 32, NOW, Wei(10**9))  # type: ignore[arg-type]
RULES = ExchangeMarket(
    "paper", "ETH/USDC", "ETH", "USDC", Decimal("0.01"), Decimal("0.0001"), Decimal(5), Decimal("0.001")
)


USUAL_HEDGE = HedgeCosts()


def pool(number: int, eth: int, *, price: int = 2_000) -> ListedPool:
    """A constant-product pool of whole ETH at a price."""
    return listed(number, A, B, eth * 10**18, eth * price * 10**6)


def ladder(*levels: tuple[str, str], selling: Token = ETH, name: str = "local") -> IndicativeLadder:
    """What a maker shows: (size in whole taker tokens, price)."""
    other = USD if selling == ETH else ETH
    return IndicativeLadder(name, selling, other, tuple(LadderLevel(Decimal(s), Decimal(p)) for s, p in levels), NOW)


def maker(*levels: tuple[str, str], name: str = "local") -> FakeMaker:
    """A maker that signs what it shows for ETH."""
    shown = ladder(*levels).levels
    return FakeMaker(name, MAKER_KEY, MAKER, SETTLEMENT, {(ETH, USD): shown}, NOW)


def book(bid: str = "2010", ask: str = "2011", size: str = "50") -> OrderBook:
    """An exchange's book with one level on each side."""
    level = BookLevel(Decimal(bid), Decimal(size)), BookLevel(Decimal(ask), Decimal(size))
    return OrderBook("paper", "ETH/USDC", level[:1], level[1:], 7, NOW, "generated")


def exchange(**held: int) -> FakeExchange:
    return FakeExchange("paper", book(), RULES, {c: Decimal(a) for c, a in {"ETH": 100, "USDC": 10**6, **held}.items()})


def report(
    intent: Intent,
    *pools: ListedPool,
    ladders: Sequence[IndicativeLadder] = (),
    books: Sequence[OrderBook] = (),
    gas_price: int = 0,
    hedge: HedgeCosts = USUAL_HEDGE,
) -> QuoteReport:
    markets = tuple(BookMarket(each, RULES, ETH, USD) for each in books)
    terms = ExchangeTerms(hedge=hedge)
    view = MarketView(PoolSnapshot(BLOCK, pools), tuple(ladders), markets, (), Wei(gas_price), NOW, terms=terms)
    return quote(intent, view, [ETH, USD], wrapped_native=D, max_hops=1, now=NOW)


def sell(eth: int) -> Intent:
    return Intent(Side.SELL, ETH, USD, eth * 10**18)


def buy(usd: int) -> Intent:
    return Intent(Side.BUY, ETH, USD, usd * 10**6)


TERMS = PlanTerms(executor=EXECUTOR, slippage=Bps(30), deadline=NOW + 120, max_hops=1)
CLOCK = FixedClock(float(NOW))


def plan_of(found: QuoteReport, *makers: Maker) -> RoutePlan:
    plan, _ = make_plan(found, TERMS, makers=makers, tokens=found.tokens, clock=CLOCK)
    return plan


@dataclass
class FakeJournal:
    """Events in a list."""

    events: list[Event] = field(default_factory=list)

    def append(self, event: Event) -> JournalEntry:
        self.events.append(event)
        return JournalEntry(len(self.events), NOW, event, "")

    def entries(self, order_id: str | None = None) -> "Sequence[JournalEntry]":  # type: ignore[override]
        found = (JournalEntry(i + 1, NOW, event, "") for i, event in enumerate(self.events))
        return [entry for entry in found if order_id in (None, entry.event.order_id)]

    def verify(self) -> int:
        return len(self.events)

    @property
    def kinds(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


@dataclass
class FakeSettlement:
    """Does to the unit what the plan says, or fails as it is told.

    `sent` holds what was sent, each with the kinds of events that the journal held at that moment.
    """

    journal: FakeJournal
    plan: RoutePlan
    recipient: Address = EXECUTOR
    short_by: int = 0
    reverts_in_simulation: bool = False
    reverts: bool = False
    before_recording: OmsError | None = None
    after_recording: dict[type[Sendable], OmsError] = field(default_factory=dict)
    sent: list[tuple[Sendable, list[str]]] = field(default_factory=list)
    simulated: int = 0
    chain: str = "1:fake"
    included: int = 7
    receipts: dict[str, Receipt] = field(default_factory=dict)
    on_receipt: OmsError | None = None

    @property
    def sender(self) -> Address:
        return OWNER

    def simulate(
        self,
        transaction: TransactionRequest,
        *,
        after: Sequence[TransactionRequest] = (),
        watch: Sequence[tuple[Address, Address]] = (),
    ) -> Simulation:
        self.simulated += 1
        if self.reverts_in_simulation:
            return Simulation(False, Gas(21_000), (), (), b"", "reverted with the message 'no'")
        gained = self.plan.chain_amount_out - self.short_by
        change = BalanceChange(self.recipient, self.plan.intent.token_out.address, 5, 5 + gained)
        return Simulation(True, Gas(200_000), (change,), ())

    def send(self, approved: Approved[Sendable], *, record_intent: IntentRecorder) -> Receipt:
        subject = approved.subject
        if self.before_recording is not None:
            raise self.before_recording
        record_intent(DIGEST, 7, "0x" + "ee" * 32)
        self.sent.append((subject, list(self.journal.kinds)))
        if type(subject) in self.after_recording:
            raise self.after_recording[type(subject)]
        failed = self.reverts and not isinstance(subject, AllowanceRequest)
        transfers = () if failed or isinstance(subject, AllowanceRequest) else tuple(_transfers(self.plan))
        return Receipt(DIGEST, 101, not failed, Gas(200_000), Wei(10**9), transfers)

    def receipt(self, transaction_hash: str) -> Receipt | None:
        if self.on_receipt is not None:
            raise self.on_receipt
        return self.receipts.get(transaction_hash)

    def included_nonces(self) -> int:
        return self.included

    def gas_price(self) -> Wei:
        return Wei(10**9)

    def gas_estimate(self, transaction: TransactionRequest) -> Gas:
        return Gas(200_000)


def _transfers(plan: RoutePlan) -> "list[TransferLog]":
    logs = []
    for leg in plan.chain_legs:
        payee, payer = counterparties(leg)
        logs += [
            TransferLog(leg.token_in.address, EXECUTOR, payee, leg.amount_in),
            TransferLog(leg.token_out.address, payer, EXECUTOR, leg.amount_out),
        ]
    return logs


def desk_for(
    plan: RoutePlan,
    *,
    journal: FakeJournal | None = None,
    settlement: FakeSettlement | None = None,
    exchanges: Sequence[Exchange] = (),
    limits: RiskLimits | None = None,
    pulls: bool = False,
    facts: Callable[[ChainFacts], ChainFacts] = lambda f: f,
) -> tuple[Desk, FakeJournal, FakeSettlement]:
    """A desk that holds just enough, on fakes."""
    written = journal or FakeJournal()
    acting = settlement or FakeSettlement(written, plan, OWNER if pulls else EXECUTOR)
    acting = replace(acting, journal=written)
    enough = ChainFacts(plan.chain_amount_in, 0, NOW, BLOCK.number)
    request = TransactionRequest(1, OWNER, EXECUTOR, b"plan", purpose="settlement")
    desk = Desk(
        journal=written,
        settlement=acting,
        exchanges=exchanges,
        limits=limits or RiskLimits(max_exposure_share=Decimal(1), max_price_impact_bps=10_000),
        clock=CLOCK,
        account=Account(OWNER, EXECUTOR, pulls),
        facts=lambda _: facts(enough),
        build=lambda _: request,
        allowance=lambda each, amount: allowance_request(each, owner=OWNER, executor=EXECUTOR, amount=amount),
    )
    return desk, written, acting
