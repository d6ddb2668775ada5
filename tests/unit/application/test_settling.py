"""The saga of one order on fakes: what is recorded before what is done, and what each failure leaves behind."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from oms.application.desk import ChainFacts, Desk
from oms.application.settling import execute, new_order_id, preview
from oms.config import RiskLimits
from oms.domain.balances import ExchangeBalance
from oms.domain.events import (
    Event,
    HedgeFilled,
    HedgeIntended,
    HedgeRejected,
    HedgeUnknown,
    LegSettled,
    OrderCompleted,
    OrderDenied,
    OrderFailed,
    OrderInterrupted,
    PlanMade,
    TransactionIntended,
    TransactionRefused,
    TransactionUnknown,
)
from oms.domain.fills import ExchangeFill
from oms.domain.orders import ExchangeOrder, ExchangeOrderReport, OrderStatus
from oms.domain.plans import RoutePlan
from oms.domain.transactions import AllowanceRequest, Receipt, Sendable, SettlementRequest
from oms.errors import OmsError, OutcomeUnknown, Retryable, StateConflict, Terminal
from oms.execution.settlement_calldata import allowance_request
from oms.ports.journal import JournalEntry
from oms.ports.settlement import IntentRecorder
from oms.risk.gate import Approved
from tests.ports.fakes import FakeExchange
from tests.unit.application.samples import (
    DIGEST,
    NOW,
    FakeJournal,
    FakeSettlement,
    book,
    desk_for,
    exchange,
    ladder,
    maker,
    plan_of,
    pool,
    report,
    sell,
)

SETTLED = [
    "OrderReceived",
    "PlanMade",
    "SimulationSucceeded",
    "OrderApproved",
    "TransactionIntended",
    "TransactionIncluded",
]
UNKNOWN = OutcomeUnknown("paper", "the connection broke; ask for the order by its id")


@pytest.fixture(scope="module")
def plan() -> RoutePlan:
    """Two pools and a maker."""
    found = report(sell(20), pool(1, 500), pool(2, 400), ladders=[ladder(("5", "2050"))])
    return plan_of(found, maker(("5", "2050")))


@pytest.fixture(scope="module")
def hedged() -> RoutePlan:
    """A pool and an exchange leg."""
    return plan_of(report(sell(20), pool(1, 500), books=[book(size="8")]))


class Scripted(FakeExchange):
    """An exchange whose answers go wrong as the test says."""

    on_submit: OmsError | None = None
    on_order: OmsError | None = None
    takes: bool = True
    status: OrderStatus | None = None
    submissions: int = 0
    fills: tuple[ExchangeFill, ...] | None = None
    on_balances: OmsError | None = None
    emptied_after: int | None = None
    readings: int = 0

    def balances(self) -> Mapping[str, ExchangeBalance]:
        if self.on_balances is not None:
            raise self.on_balances
        if self.readings == self.emptied_after:
            return {}
        self.readings += 1
        return super().balances()

    def submit_order(self, approved: Approved[ExchangeOrder]) -> ExchangeOrderReport:
        self.submissions += 1
        report = super().submit_order(approved) if self.takes else None
        if self.on_submit is not None:
            raise self.on_submit
        assert report is not None
        report = report if self.fills is None else replace(report, fills=self.fills)
        return report if self.status is None else replace(report, status=self.status, fills=(), reason="too late")

    def order(self, client_order_id: str) -> ExchangeOrderReport | None:
        if self.on_order is not None:
            raise self.on_order
        return super().order(client_order_id)


def scripted(**held: int) -> Scripted:
    plain = exchange(**held)
    return Scripted(plain.name, plain.book, plain.rules, plain.held)


def test_a_settled_order_is_recorded_step_by_step_and_comes_out_exactly(plan: RoutePlan) -> None:
    desk, journal, settlement = desk_for(plan)
    outcome = execute(desk, plan, order_id="o")
    assert journal.kinds == [*SETTLED, *["LegSettled"] * len(plan.chain_legs), "OrderCompleted"]
    assert len(plan.chain_legs) == 3
    assert outcome.settled
    assert outcome.exact
    assert (outcome.realised_in, outcome.realised_out) == (plan.amount_in, plan.amount_out)
    assert len(settlement.sent) == 1
    assert journal.events[-1] == OrderCompleted("o", "filled", plan.amount_in, plan.amount_out)


def test_the_intent_is_in_the_journal_before_the_transaction_leaves(plan: RoutePlan) -> None:
    desk, _, settlement = desk_for(plan)
    execute(desk, plan, order_id="o")
    ((_, known_then),) = settlement.sent
    assert known_then == SETTLED[:5]


def test_the_journal_holds_the_whole_plan(plan: RoutePlan) -> None:
    desk, journal, _ = desk_for(plan)
    execute(desk, plan, order_id="o")
    (made,) = (event for event in journal.events if isinstance(event, PlanMade))
    assert json.loads(made.plan)["plan_id"] == plan.plan_id == made.plan_id


@pytest.mark.parametrize(
    ("limits", "facts", "impact", "reason"),
    [
        (RiskLimits(max_order_size={"WETH": Decimal(19)}), {}, 1.0, "size"),
        (RiskLimits(max_slippage_bps=29), {}, 1.0, "slippage"),
        (RiskLimits(), {}, 301.0, "price impact"),
        (RiskLimits(), {}, float("nan"), "price impact"),
        (RiskLimits(disabled_venues=frozenset({"uniswap_v2"})), {}, 1.0, "venues"),
        (RiskLimits(disabled_venues=frozenset({"local"})), {}, 1.0, "venues"),
        (RiskLimits(), {"balance": 0}, 1.0, "balance of executor"),
        (RiskLimits(), {"allowance": 1}, 1.0, "allowance"),
        (RiskLimits(), {"latest_block": 102}, 1.0, "quote age"),
        (RiskLimits(), {"latest_block": 99}, 1.0, "quote age"),
        (RiskLimits(), {"chain_time": NOW + 120}, 1.0, "quote age"),
        (RiskLimits(), {"chain_time": NOW + 56}, 1.0, "quote expires"),
    ],
)
def test_what_the_gate_denies_is_neither_simulated_nor_sent(
    plan: RoutePlan, limits: RiskLimits, facts: dict[str, int], impact: float, reason: str
) -> None:
    def changed(enough: ChainFacts) -> ChainFacts:
        return replace(enough, **facts)  # type: ignore[arg-type]

    desk, journal, settlement = desk_for(plan, limits=limits, facts=changed)
    outcome = execute(desk, replace(plan, impact_bps=impact), order_id="o")
    assert reason in outcome.denied
    assert not outcome.settled
    assert journal.kinds == ["OrderReceived", "PlanMade", "OrderDenied"]
    assert settlement.sent == []
    assert settlement.simulated == 0


@pytest.mark.parametrize(
    ("failing", "recorded", "reason"),
    [
        ({"reverts_in_simulation": True}, "SimulationFailed", "would revert"),
        ({"short_by": 1}, "SimulationSucceeded", "the plan says"),
        ({"short_by": -1}, "SimulationSucceeded", "the plan says"),
    ],
)
def test_a_simulation_that_is_off_by_one_unit_stops_the_order(
    plan: RoutePlan, failing: dict[str, int], recorded: str, reason: str
) -> None:
    journal = FakeJournal()
    desk, journal, settlement = desk_for(plan, journal=journal, settlement=FakeSettlement(journal, plan, **failing))
    outcome = execute(desk, plan, order_id="o")
    assert reason in outcome.denied
    assert journal.kinds == ["OrderReceived", "PlanMade", recorded, "OrderDenied"]
    assert settlement.sent == []


def test_a_preview_records_and_sends_nothing(plan: RoutePlan) -> None:
    desk, journal, settlement = desk_for(plan)
    findings, simulation = preview(desk, plan)
    assert simulation is not None
    assert all(finding.passed for finding in findings)
    assert journal.events == []
    assert settlement.sent == []


def test_a_lost_answer_of_the_chain_is_recorded_as_unknown_with_the_hash_and_nothing_follows(hedged: RoutePlan) -> None:
    journal, venue = FakeJournal(), scripted()
    lost = OutcomeUnknown("rpc", "ReadTimeout after sending; ask for the transaction by its hash")
    settlement = FakeSettlement(journal, hedged, after_recording={SettlementRequest: lost})
    desk, journal, _ = desk_for(hedged, journal=journal, settlement=settlement, exchanges=[venue])
    with pytest.raises(OutcomeUnknown):
        execute(desk, hedged, order_id="o")
    assert journal.kinds[-2:] == ["TransactionIntended", "TransactionUnknown"]
    assert journal.events[-1] == TransactionUnknown("o", DIGEST, str(lost))
    assert venue.submissions == 0


def test_a_refused_transaction_is_recorded_as_failed(plan: RoutePlan) -> None:
    journal = FakeJournal()
    refused = Terminal("rpc", "refused the transaction: nonce too low")
    settlement = FakeSettlement(journal, plan, after_recording={SettlementRequest: refused})
    desk, journal, _ = desk_for(plan, journal=journal, settlement=settlement)
    with pytest.raises(Terminal):
        execute(desk, plan, order_id="o")
    assert journal.events[-2:] == [TransactionRefused("o", DIGEST, str(refused)), OrderFailed("o", str(refused))]


def test_nothing_to_send_with_is_recorded_as_failed_without_an_intent(plan: RoutePlan) -> None:
    journal = FakeJournal()
    settlement = FakeSettlement(journal, plan, before_recording=Retryable("rpc", "no node answers there"))
    desk, journal, _ = desk_for(plan, journal=journal, settlement=settlement)
    with pytest.raises(Retryable):
        execute(desk, plan, order_id="o")
    assert journal.kinds[-1] == "OrderFailed"
    assert "TransactionIntended" not in journal.kinds


def test_a_settlement_that_reverts_is_not_hedged(hedged: RoutePlan) -> None:
    journal, venue = FakeJournal(), scripted()
    settlement = FakeSettlement(journal, hedged, reverts=True)
    desk, journal, _ = desk_for(hedged, journal=journal, settlement=settlement, exchanges=[venue])
    with pytest.raises(StateConflict, match="reverted as a whole"):
        execute(desk, hedged, order_id="o")
    assert journal.kinds[-2:] == ["TransactionIncluded", "OrderFailed"]
    assert venue.submissions == 0


def test_the_owners_tokens_are_pulled_by_an_exact_approval_before_the_settlement(plan: RoutePlan) -> None:
    desk, journal, settlement = desk_for(plan, pulls=True)
    outcome = execute(desk, plan, order_id="o")
    approval, settled = (subject for subject, _ in settlement.sent)
    assert isinstance(approval, AllowanceRequest)
    assert approval.amount == plan.chain_amount_in
    assert isinstance(settled, SettlementRequest)
    intents = [event.purpose for event in journal.events if isinstance(event, TransactionIntended)]
    assert intents == ["approval", "settlement"]
    assert outcome.settled


def test_an_approval_whose_calldata_grants_more_than_it_says_is_not_sent(plan: RoutePlan) -> None:
    desk, journal, settlement = desk_for(plan, pulls=True)

    def lying(each: RoutePlan, amount: int) -> AllowanceRequest:
        honest = allowance_request(each, owner=desk.account.owner, executor=desk.account.executor, amount=amount)
        unlimited = honest.transaction.data[:36] + b"\xff" * 32
        return replace(honest, transaction=replace(honest.transaction, data=unlimited))

    with pytest.raises(StateConflict, match="more than the plan's"):
        execute(replace(desk, allowance=lying), plan, order_id="o")
    assert settlement.sent == []
    assert "OrderDenied" in journal.kinds


def test_a_settlement_that_fails_leaves_no_approval_standing(plan: RoutePlan) -> None:
    journal = FakeJournal()
    settlement = FakeSettlement(journal, plan, recipient=desk_for(plan, pulls=True)[0].account.owner, reverts=True)
    desk, journal, acting = desk_for(plan, journal=journal, settlement=settlement, pulls=True)
    with pytest.raises(StateConflict, match="reverted"):
        execute(desk, plan, order_id="o")
    amounts = [subject.amount for subject, _ in acting.sent if isinstance(subject, AllowanceRequest)]
    assert amounts == [plan.chain_amount_in, 0]


def test_an_unknown_settlement_keeps_its_approval_since_it_may_still_need_it(plan: RoutePlan) -> None:
    journal = FakeJournal()
    lost = OutcomeUnknown("rpc", "ReadTimeout")
    owner = desk_for(plan, pulls=True)[0].account.owner
    settlement = FakeSettlement(journal, plan, recipient=owner, after_recording={SettlementRequest: lost})
    desk, journal, acting = desk_for(plan, journal=journal, settlement=settlement, pulls=True)
    with pytest.raises(OutcomeUnknown):
        execute(desk, plan, order_id="o")
    assert [type(subject) for subject, _ in acting.sent] == [AllowanceRequest, SettlementRequest]


def test_a_hedge_follows_the_settlement_with_its_intent_recorded_first(hedged: RoutePlan) -> None:
    desk, journal, _ = desk_for(hedged, exchanges=[exchange()])
    outcome = execute(desk, hedged, order_id="o")
    assert journal.kinds == [
        *SETTLED,
        "LegSettled",
        "OrderApproved",
        "HedgeIntended",
        "HedgeFilled",
        "OrderCompleted",
    ]
    (hedge,) = outcome.hedges
    assert outcome.settled
    assert (hedge.realised_in, hedge.realised_out) == (hedge.leg.amount_in, hedge.leg.amount_out)
    assert (outcome.realised_in, outcome.realised_out) == (hedged.amount_in, hedged.amount_out)


def hedge_gone_wrong(hedged: RoutePlan, venue: FakeExchange | None) -> tuple[FakeJournal, str]:
    desk, journal, _ = desk_for(hedged, exchanges=[] if venue is None else [venue])
    outcome = execute(desk, hedged, order_id="o")
    assert not outcome.settled
    assert any(isinstance(event, LegSettled) for event in journal.events)
    assert isinstance(journal.events[-1], OrderCompleted)
    assert journal.events[-1].outcome == "partial"
    (hedge,) = outcome.hedges
    assert hedge.problem
    return journal, hedge.problem


def test_a_partial_fill_says_what_stays_open(hedged: RoutePlan) -> None:
    (leg,) = hedged.exchange_legs
    venue = scripted()
    venue.book = book(size=str(leg.size / 2))
    journal, problem = hedge_gone_wrong(hedged, venue)
    assert "open exposure" in problem
    (filled,) = (event for event in journal.events if isinstance(event, HedgeFilled))
    assert Decimal(filled.filled) == leg.size / 2


def test_a_price_beyond_the_limit_fills_nothing(hedged: RoutePlan) -> None:
    venue = scripted()
    venue.book = book(bid="1900")
    _, problem = hedge_gone_wrong(hedged, venue)
    assert problem.startswith("filled 0 of")


def test_an_exchange_that_refuses_is_recorded_as_rejected(hedged: RoutePlan) -> None:
    venue = scripted()
    venue.on_submit = Terminal("paper", "refused the order (InsufficientFunds)")
    venue.takes = False
    journal, problem = hedge_gone_wrong(hedged, venue)
    assert journal.kinds[-3:] == ["HedgeIntended", "HedgeRejected", "OrderCompleted"]
    assert "InsufficientFunds" in problem


def test_a_report_of_a_rejection_is_recorded_as_rejected(hedged: RoutePlan) -> None:
    venue = scripted()
    venue.status = OrderStatus.REJECTED
    journal, problem = hedge_gone_wrong(hedged, venue)
    assert problem == "too late"
    assert [event for event in journal.events if isinstance(event, HedgeRejected)]


def test_a_lost_answer_is_asked_for_by_id_and_never_sent_again(hedged: RoutePlan) -> None:
    venue = scripted()
    venue.on_submit = UNKNOWN
    desk, journal, _ = desk_for(hedged, exchanges=[venue])
    outcome = execute(desk, hedged, order_id="o")
    assert outcome.settled
    assert venue.submissions == 1
    assert journal.kinds[-3:] == ["HedgeIntended", "HedgeFilled", "OrderCompleted"]


@pytest.mark.parametrize(
    ("takes", "on_order"),
    [
        (False, None),
        (True, Retryable("paper", "no answer within 2 s")),
        (True, Terminal("paper", "nonsense")),
        (True, OutcomeUnknown("paper", "again")),
    ],
)
def test_an_order_that_cannot_be_asked_about_is_unknown_and_not_rejected(
    hedged: RoutePlan, takes: bool, on_order: OmsError | None
) -> None:
    venue = scripted()
    venue.on_submit, venue.takes, venue.on_order = UNKNOWN, takes, on_order
    journal, problem = hedge_gone_wrong(hedged, venue)
    assert problem.startswith("unknown")
    assert venue.submissions == 1
    (unknown,) = (event for event in journal.events if isinstance(event, HedgeUnknown))
    assert unknown == HedgeUnknown("o", "o-0", str(UNKNOWN))
    assert not [event for event in journal.events if isinstance(event, HedgeRejected)]


def test_an_order_that_stays_open_is_unknown_until_it_ends(hedged: RoutePlan) -> None:
    venue = scripted()
    venue.status = OrderStatus.OPEN
    journal, problem = hedge_gone_wrong(hedged, venue)
    assert "still open" in problem
    assert [event for event in journal.events if isinstance(event, HedgeUnknown)]


def denied_before_anything_is_sent(hedged: RoutePlan, *venues: FakeExchange) -> str:
    desk, journal, settlement = desk_for(hedged, exchanges=venues)
    findings, simulation = preview(desk, hedged)
    assert simulation is None
    outcome = execute(desk, hedged, order_id="o")
    assert [f for f in findings if not f.passed] == [f for f in outcome.findings if not f.passed]
    assert journal.kinds == ["OrderReceived", "PlanMade", "OrderDenied"]
    assert settlement.sent == []
    assert settlement.simulated == 0
    return outcome.denied


def test_a_hedge_without_the_balance_is_denied_before_the_chain_settles(hedged: RoutePlan) -> None:
    venue = scripted(ETH=0)
    assert "balance on paper" in denied_before_anything_is_sent(hedged, venue)
    assert venue.submissions == 0


def test_a_hedge_on_an_exchange_that_is_not_connected_is_denied_before_the_chain_settles(hedged: RoutePlan) -> None:
    assert "paper: is not connected" in denied_before_anything_is_sent(hedged)


def test_a_hedge_on_an_exchange_that_does_not_answer_is_denied_before_the_chain_settles(hedged: RoutePlan) -> None:
    venue = scripted()
    venue.on_balances = Retryable("paper", "no answer within 2 s; try again")
    desk, journal, settlement = desk_for(hedged, exchanges=[venue])
    outcome = execute(desk, hedged, order_id="o")
    assert "no answer within 2 s" in outcome.denied
    assert journal.kinds[-1] == "OrderDenied"
    assert settlement.sent == []


def test_legs_that_give_the_same_currency_need_their_sum(hedged: RoutePlan) -> None:
    (leg,) = hedged.exchange_legs
    twice = replace(hedged, exchange_legs=(leg, leg))
    venue = scripted()
    venue.held["ETH"] = leg.size * 2 - Decimal("0.0001")
    assert "balance on paper" in denied_before_anything_is_sent(twice, venue)


@pytest.mark.parametrize(
    "nonsense",
    [
        {"symbol": "ETH"},
        {"size": Decimal("NaN")},
        {"limit_price": Decimal("Infinity")},
        {"taker_fee": Decimal("1e500")},
    ],
)
def test_a_leg_that_states_nonsense_is_denied_before_the_chain_settles(
    hedged: RoutePlan, nonsense: dict[str, str | Decimal]
) -> None:
    (leg,) = hedged.exchange_legs
    changed = replace(hedged, exchange_legs=(replace(leg, **nonsense),))  # type: ignore[arg-type]
    desk, _, settlement = desk_for(changed, exchanges=[scripted()])
    findings, simulation = preview(desk, changed)
    assert [finding.name for finding in findings if not finding.passed] == ["paper"]
    assert simulation is None
    assert settlement.simulated == 0


def test_a_balance_that_went_while_the_chain_settled_still_stops_the_child_order(hedged: RoutePlan) -> None:
    venue = scripted()
    venue.emptied_after = 1
    journal, problem = hedge_gone_wrong(hedged, venue)
    assert "balance on paper" in problem
    assert venue.submissions == 0
    assert not [event for event in journal.events if isinstance(event, HedgeIntended)]
    (denied,) = (event for event in journal.events if isinstance(event, OrderDenied))
    assert denied.subject == "o-0"


def test_both_sides_of_the_order_are_held_to_their_size_limits(plan: RoutePlan) -> None:
    least = Decimal(plan.amount_out) / 10**6
    for limit, passes in ((least, True), (least - Decimal("0.000001"), False)):
        desk, _, _ = desk_for(plan, limits=RiskLimits(max_order_size={"USDC": limit}, max_price_impact_bps=10_000))
        findings, _ = preview(desk, plan)
        assert all(finding.passed for finding in findings) is passes


@dataclass
class FailingJournal(FakeJournal):
    """Cannot write events of one kind."""

    refuses: str = ""

    def append(self, event: Event) -> JournalEntry:
        if type(event).__name__ == self.refuses:
            raise StateConflict("journal", "not written: disk full; free the disk or mend the file")
        return super().append(event)


@pytest.mark.parametrize("kind", ["TransactionIncluded", "LegSettled", "OrderCompleted"])
def test_an_error_after_the_settlement_is_an_interruption_and_not_a_failure_without_effect(
    plan: RoutePlan, kind: str
) -> None:
    desk, journal, settlement = desk_for(plan, journal=FailingJournal(refuses=kind))
    with pytest.raises(StateConflict, match="disk full"):
        execute(desk, plan, order_id="o")
    assert len(settlement.sent) == 1
    assert isinstance(journal.events[-1], OrderInterrupted)
    assert "OrderFailed" not in journal.kinds


def test_an_error_after_a_child_order_is_an_interruption() -> None:
    plan = plan_of(report(sell(2), books=[book()]))
    desk, journal, _ = desk_for(plan, journal=FailingJournal(refuses="HedgeFilled"), exchanges=[scripted()])
    with pytest.raises(StateConflict, match="disk full"):
        execute(desk, plan, order_id="o")
    assert journal.kinds[-2:] == ["HedgeIntended", "OrderInterrupted"]


def test_that_nobody_knows_reaches_the_caller_though_the_journal_cannot_take_it(plan: RoutePlan) -> None:
    journal = FailingJournal(refuses="TransactionUnknown")
    settlement = FakeSettlement(journal, plan, after_recording={SettlementRequest: UNKNOWN})
    desk, journal, _ = desk_for(plan, journal=journal, settlement=settlement)  # type: ignore[assignment]
    with pytest.raises(OutcomeUnknown):
        execute(desk, plan, order_id="o")
    assert journal.kinds[-1] == "TransactionIntended"


def test_a_refused_settlement_whose_approval_is_revoked_has_failed(plan: RoutePlan) -> None:
    desk, journal, _ = refused_pull(plan, FakeSettlement)
    with pytest.raises(Terminal):
        execute(desk, plan, order_id="o")
    assert journal.kinds[-6:] == [
        "TransactionIntended",
        "TransactionRefused",
        "OrderApproved",
        "TransactionIntended",
        "TransactionIncluded",
        "OrderFailed",
    ]


class NeverRevokes(FakeSettlement):
    """Sends no approval of nothing."""

    def send(self, approved: Approved[Sendable], *, record_intent: IntentRecorder) -> Receipt:
        if isinstance(approved.subject, AllowanceRequest) and approved.subject.amount == 0:
            raise Retryable("rpc", "no node answers there")
        return super().send(approved, record_intent=record_intent)


def test_an_approval_that_cannot_be_revoked_is_said_to_stand(plan: RoutePlan) -> None:
    desk, journal, _ = refused_pull(plan, NeverRevokes)
    with pytest.raises(StateConflict, match=r"still stands.*no node answers.*nonce too low"):
        execute(desk, plan, order_id="o")
    assert isinstance(journal.events[-1], OrderInterrupted)


def refused_pull(plan: RoutePlan, kind: type[FakeSettlement]) -> tuple[Desk, FakeJournal, FakeSettlement]:
    journal = FakeJournal()
    refused = Terminal("rpc", "refused the transaction: nonce too low")
    owner = desk_for(plan, pulls=True)[0].account.owner
    settlement = kind(journal, plan, recipient=owner, after_recording={SettlementRequest: refused})
    return desk_for(plan, journal=journal, settlement=settlement, pulls=True)


@pytest.mark.parametrize(("pulls", "transactions"), [(False, 1), (True, 2)])
def test_the_fees_are_those_of_every_transaction_of_the_order(plan: RoutePlan, pulls: bool, transactions: int) -> None:
    desk, _, _ = desk_for(plan, pulls=pulls)
    outcome = execute(desk, plan, order_id="o")
    assert outcome.fees_wei == transactions * 200_000 * 10**9


@pytest.mark.parametrize(("unknown", "word"), [(False, "none"), (True, "partial")])
def test_an_order_of_which_nothing_moved_says_none_unless_that_is_not_known(unknown: bool, word: str) -> None:
    plan = plan_of(report(sell(2), books=[book()]))
    venue = scripted()
    venue.book = book(bid="1900")
    if unknown:
        venue.on_submit, venue.on_order = UNKNOWN, Retryable("paper", "no answer")
    desk, journal, _ = desk_for(plan, exchanges=[venue])
    execute(desk, plan, order_id="o")
    assert journal.events[-1] == OrderCompleted("o", word, 0, 0)


def test_fills_are_summed_without_rounding_before_the_last_unit(hedged: RoutePlan) -> None:
    """37 digits: a context of 28 would round the proceeds up to the next unit."""
    venue = scripted()
    venue.fills = (ExchangeFill("o-0", "1", Decimal("2009.999999" + "9" * 27), Decimal(1), Decimal(0), "USDC", 0),)
    desk, _, _ = desk_for(hedged, exchanges=[venue])
    (hedge,) = execute(desk, hedged, order_id="o").hedges
    assert (hedge.realised_in, hedge.realised_out) == (10**18, 2_009_999_999)


def test_fills_beyond_any_measure_are_unknown(hedged: RoutePlan) -> None:
    venue = scripted()
    venue.fills = tuple(ExchangeFill("o-0", "1", Decimal(1), Decimal(a), Decimal(0), "USDC", 0) for a in ("1e500", "1"))
    journal, problem = hedge_gone_wrong(hedged, venue)
    assert problem.startswith("unknown")
    assert [event for event in journal.events if isinstance(event, HedgeUnknown)]


def test_an_order_on_the_exchange_alone_sends_no_transaction() -> None:
    plan = plan_of(report(sell(2), books=[book()]))
    assert plan.chain_legs == ()
    desk, journal, settlement = desk_for(plan, exchanges=[exchange()])
    outcome = execute(desk, plan, order_id="o")
    assert outcome.settled
    assert settlement.sent == []
    assert settlement.simulated == 0
    assert "TransactionIntended" not in journal.kinds


def test_order_ids_are_not_used_twice() -> None:
    assert len({new_order_id() for _ in range(1_000)}) == 1_000
