"""The saga of one order on fakes: what is recorded before what is done, and what each failure leaves behind."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from oms.application.settling import ChainFacts, execute, new_order_id, preview
from oms.config import RiskLimits
from oms.domain.events import (
    HedgeFilled,
    HedgeIntended,
    HedgeRejected,
    HedgeUnknown,
    LegSettled,
    OrderCompleted,
    OrderDenied,
    OrderFailed,
    PlanMade,
    TransactionIntended,
    TransactionUnknown,
)
from oms.domain.orders import ExchangeOrder, ExchangeOrderReport, OrderStatus
from oms.domain.plans import RoutePlan
from oms.domain.transactions import AllowanceRequest, SettlementRequest
from oms.errors import OmsError, OutcomeUnknown, Retryable, StateConflict, Terminal
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

    def submit_order(self, approved: Approved[ExchangeOrder]) -> ExchangeOrderReport:
        self.submissions += 1
        report = super().submit_order(approved) if self.takes else None
        if self.on_submit is not None:
            raise self.on_submit
        assert report is not None
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
    outcome = execute(desk, plan, order_id="o", impact_bps=1.0)
    assert journal.kinds == [*SETTLED, *["LegSettled"] * len(plan.chain_legs), "OrderCompleted"]
    assert len(plan.chain_legs) == 3
    assert outcome.settled
    assert outcome.exact
    assert (outcome.realised_in, outcome.realised_out) == (plan.amount_in, plan.amount_out)
    assert len(settlement.sent) == 1
    assert journal.events[-1] == OrderCompleted("o", "filled", plan.amount_in, plan.amount_out)


def test_the_intent_is_in_the_journal_before_the_transaction_leaves(plan: RoutePlan) -> None:
    desk, _, settlement = desk_for(plan)
    execute(desk, plan, order_id="o", impact_bps=1.0)
    ((_, known_then),) = settlement.sent
    assert known_then == SETTLED[:5]


def test_the_journal_holds_the_whole_plan(plan: RoutePlan) -> None:
    desk, journal, _ = desk_for(plan)
    execute(desk, plan, order_id="o", impact_bps=1.0)
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
    outcome = execute(desk, plan, order_id="o", impact_bps=impact)
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
    outcome = execute(desk, plan, order_id="o", impact_bps=1.0)
    assert reason in outcome.denied
    assert journal.kinds == ["OrderReceived", "PlanMade", recorded, "OrderDenied"]
    assert settlement.sent == []


def test_a_preview_records_and_sends_nothing(plan: RoutePlan) -> None:
    desk, journal, settlement = desk_for(plan)
    findings, simulation = preview(desk, plan, impact_bps=1.0)
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
        execute(desk, hedged, order_id="o", impact_bps=1.0)
    assert journal.kinds[-2:] == ["TransactionIntended", "TransactionUnknown"]
    assert journal.events[-1] == TransactionUnknown("o", DIGEST, str(lost))
    assert venue.submissions == 0


def test_a_refused_transaction_is_recorded_as_failed(plan: RoutePlan) -> None:
    journal = FakeJournal()
    refused = Terminal("rpc", "refused the transaction: nonce too low")
    settlement = FakeSettlement(journal, plan, after_recording={SettlementRequest: refused})
    desk, journal, _ = desk_for(plan, journal=journal, settlement=settlement)
    with pytest.raises(Terminal):
        execute(desk, plan, order_id="o", impact_bps=1.0)
    assert journal.events[-1] == OrderFailed("o", str(refused))


def test_nothing_to_send_with_is_recorded_as_failed_without_an_intent(plan: RoutePlan) -> None:
    journal = FakeJournal()
    settlement = FakeSettlement(journal, plan, before_recording=Retryable("rpc", "no node answers there"))
    desk, journal, _ = desk_for(plan, journal=journal, settlement=settlement)
    with pytest.raises(Retryable):
        execute(desk, plan, order_id="o", impact_bps=1.0)
    assert journal.kinds[-1] == "OrderFailed"
    assert "TransactionIntended" not in journal.kinds


def test_a_settlement_that_reverts_is_not_hedged(hedged: RoutePlan) -> None:
    journal, venue = FakeJournal(), scripted()
    settlement = FakeSettlement(journal, hedged, reverts=True)
    desk, journal, _ = desk_for(hedged, journal=journal, settlement=settlement, exchanges=[venue])
    with pytest.raises(StateConflict, match="reverted as a whole"):
        execute(desk, hedged, order_id="o", impact_bps=1.0)
    assert journal.kinds[-2:] == ["TransactionIncluded", "OrderFailed"]
    assert venue.submissions == 0


def test_the_owners_tokens_are_pulled_by_an_exact_approval_before_the_settlement(plan: RoutePlan) -> None:
    desk, journal, settlement = desk_for(plan, pulls=True)
    outcome = execute(desk, plan, order_id="o", impact_bps=1.0)
    approval, settled = (subject for subject, _ in settlement.sent)
    assert isinstance(approval, AllowanceRequest)
    assert approval.amount == plan.chain_amount_in
    assert isinstance(settled, SettlementRequest)
    intents = [event.purpose for event in journal.events if isinstance(event, TransactionIntended)]
    assert intents == ["approval", "settlement"]
    assert outcome.settled


def test_a_settlement_that_fails_leaves_no_approval_standing(plan: RoutePlan) -> None:
    journal = FakeJournal()
    settlement = FakeSettlement(journal, plan, recipient=desk_for(plan, pulls=True)[0].account.owner, reverts=True)
    desk, journal, acting = desk_for(plan, journal=journal, settlement=settlement, pulls=True)
    with pytest.raises(StateConflict, match="reverted"):
        execute(desk, plan, order_id="o", impact_bps=1.0)
    amounts = [subject.amount for subject, _ in acting.sent if isinstance(subject, AllowanceRequest)]
    assert amounts == [plan.chain_amount_in, 0]


def test_an_unknown_settlement_keeps_its_approval_since_it_may_still_need_it(plan: RoutePlan) -> None:
    journal = FakeJournal()
    lost = OutcomeUnknown("rpc", "ReadTimeout")
    owner = desk_for(plan, pulls=True)[0].account.owner
    settlement = FakeSettlement(journal, plan, recipient=owner, after_recording={SettlementRequest: lost})
    desk, journal, acting = desk_for(plan, journal=journal, settlement=settlement, pulls=True)
    with pytest.raises(OutcomeUnknown):
        execute(desk, plan, order_id="o", impact_bps=1.0)
    assert [type(subject) for subject, _ in acting.sent] == [AllowanceRequest, SettlementRequest]


def test_a_hedge_follows_the_settlement_with_its_intent_recorded_first(hedged: RoutePlan) -> None:
    desk, journal, _ = desk_for(hedged, exchanges=[exchange()])
    outcome = execute(desk, hedged, order_id="o", impact_bps=1.0)
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
    outcome = execute(desk, hedged, order_id="o", impact_bps=1.0)
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
    outcome = execute(desk, hedged, order_id="o", impact_bps=1.0)
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


def test_a_hedge_without_the_balance_is_denied_and_not_sent(hedged: RoutePlan) -> None:
    venue = scripted(ETH=0)
    journal, problem = hedge_gone_wrong(hedged, venue)
    assert "balance on paper" in problem
    assert venue.submissions == 0
    assert not [event for event in journal.events if isinstance(event, HedgeIntended)]
    (denied,) = (event for event in journal.events if isinstance(event, OrderDenied))
    assert denied.subject == "o-0"


def test_a_hedge_on_an_exchange_that_is_not_connected_is_said_so(hedged: RoutePlan) -> None:
    _, problem = hedge_gone_wrong(hedged, None)
    assert problem == "paper is not connected"


def test_an_order_on_the_exchange_alone_sends_no_transaction() -> None:
    plan = plan_of(report(sell(2), books=[book()]))
    assert plan.chain_legs == ()
    desk, journal, settlement = desk_for(plan, exchanges=[exchange()])
    outcome = execute(desk, plan, order_id="o", impact_bps=1.0)
    assert outcome.settled
    assert settlement.sent == []
    assert settlement.simulated == 0
    assert "TransactionIntended" not in journal.kinds


def test_order_ids_are_not_used_twice() -> None:
    assert len({new_order_id() for _ in range(1_000)}) == 1_000
