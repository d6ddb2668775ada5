"""The saga of one order: record, judge, simulate, judge again, send, account, hedge. Each step is journaled first.

Owns: the order of the steps, and what each failure leaves behind.
Must not: decide prices or checks itself, or send anything that the gate did not approve.
"""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from oms.accounting.realised import LegResult, chain_totals, realised_legs
from oms.application.desk import Desk, Sent
from oms.application.hedging import HedgeResult, exchange_checks, hedge
from oms.application.plan_file import plan_json
from oms.application.sending import require_success, send_recorded
from oms.application.unresolved import nothing_unresolved
from oms.domain.events import (
    LegSettled,
    OrderApproved,
    OrderCompleted,
    OrderDenied,
    OrderFailed,
    OrderInterrupted,
    OrderReceived,
    PlanMade,
    SimulationFailed,
    SimulationSucceeded,
)
from oms.domain.plans import RoutePlan
from oms.domain.token import TokenAmount
from oms.domain.transactions import (
    NO_VALUE,
    AllowanceRequest,
    Receipt,
    Sendable,
    SettlementRequest,
    Simulation,
    TransactionRequest,
)
from oms.errors import OmsError, OutcomeUnknown, StateConflict
from oms.execution.approvals import standing_approval
from oms.risk import checks
from oms.risk.gate import Approved, CheckResult, Denied, judge
from oms.units import Wei

S = TypeVar("S", SettlementRequest, AllowanceRequest)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an order, leg by leg."""

    order_id: str
    plan: RoutePlan
    findings: tuple[CheckResult, ...]
    denied: str = ""
    simulation: Simulation | None = None
    receipt: Receipt | None = None
    legs: tuple[LegResult, ...] = ()
    hedges: tuple[HedgeResult, ...] = ()
    fees_wei: Wei = NO_VALUE
    """What the chain took for gas, over every transaction of the order, approvals too."""

    @property
    def settled(self) -> bool:
        """Whether the on-chain legs are in a block and every leg is accounted for."""
        on_chain = not self.plan.chain_legs or (self.receipt is not None and self.receipt.succeeded)
        return not self.denied and on_chain and not any(h.problem for h in self.hedges)

    @property
    def exact(self) -> bool:
        """Whether every on-chain leg came out as predicted, to the unit."""
        return all(leg.exact for leg in self.legs)

    @property
    def realised_in(self) -> int:
        """Input over all legs."""
        return chain_totals(self.plan, self.legs)[0] + sum(h.realised_in for h in self.hedges)

    @property
    def realised_out(self) -> int:
        """Output over all legs, before gas."""
        return chain_totals(self.plan, self.legs)[1] + sum(h.realised_out for h in self.hedges)

    @property
    def word(self) -> str:
        """`filled`, `partial` (or not known), or `none` where nothing moved."""
        if self.settled:
            return "filled"
        moved = self.realised_in or self.realised_out or any(hedge.unknown for hedge in self.hedges)
        return "partial" if moved else "none"


def new_order_id() -> str:
    """A fresh order id: 96 random bits, hex."""
    return secrets.token_hex(12)


def preview(desk: Desk, plan: RoutePlan) -> tuple[tuple[CheckResult, ...], Simulation | None]:
    """Check and simulate without recording or sending anything."""
    findings = plan_checks(desk, plan)
    if not plan.chain_legs or not all(finding.passed for finding in findings):
        return findings, None
    simulation = _simulate(desk, plan)
    return (*findings, _simulation_check(desk, plan, simulation)), simulation


def execute(desk: Desk, plan: RoutePlan, *, order_id: str) -> Outcome:
    """Run the order to its end. Raises `OutcomeUnknown` when the chain's answer cannot be told; the journal knows."""
    intent = plan.intent
    desk.journal.append(
        OrderReceived(order_id, intent.side, intent.token_in.address, intent.token_out.address, intent.amount)
    )
    desk.journal.append(PlanMade(order_id, plan.plan_id, plan.block.number, plan.block.hash, plan_json(plan)))
    sent = Sent()
    try:
        return _settle_and_hedge(desk, plan, order_id, sent)
    except OutcomeUnknown:
        raise
    except OmsError as error:
        end = OrderInterrupted(order_id, str(error)) if sent.stays else OrderFailed(order_id, str(error))
        with suppress(StateConflict):  # where the journal itself failed, that error is the one to tell
            desk.journal.append(end)
        raise


def _settle_and_hedge(desk: Desk, plan: RoutePlan, order_id: str, sent: Sent) -> Outcome:
    used = frozenset(leg.exchange for leg in plan.exchange_legs)
    earlier = nothing_unresolved(desk.journal, desk.settlement, desk.exchanges, used=used)
    findings = (*plan_checks(desk, plan), earlier)
    receipt: Receipt | None = None
    simulation: Simulation | None = None
    legs: tuple[LegResult, ...] = ()
    if plan.chain_legs and all(finding.passed for finding in findings):
        simulation = _simulate(desk, plan)
        _record_simulation(desk, order_id, simulation, plan)
        findings = (*findings, _simulation_check(desk, plan, simulation))
    verdict = judge(_settlement_request(desk, plan), findings)
    if isinstance(verdict, Denied):
        desk.journal.append(OrderDenied(order_id, "settlement", verdict.reason))
        return Outcome(order_id, plan, findings, denied=verdict.reason, simulation=simulation)
    desk.journal.append(OrderApproved(order_id, "settlement", "; ".join(f"{f.name}: {f.detail}" for f in findings)))
    if plan.chain_legs:
        receipt = _send_settlement(desk, plan, order_id, verdict, sent)
        legs = _account_legs(desk, plan, order_id, receipt)
    hedges = tuple(
        hedge(desk, plan, leg, f"{order_id}-{i}", order_id, sent) for i, leg in enumerate(plan.exchange_legs)
    )
    fees = Wei(sum(each.fee_wei for each in sent.receipts))
    outcome = Outcome(order_id, plan, findings, "", simulation, receipt, legs, hedges, fees)
    desk.journal.append(OrderCompleted(order_id, outcome.word, outcome.realised_in, outcome.realised_out))
    return outcome


def _settlement_request(desk: Desk, plan: RoutePlan) -> SettlementRequest:
    return SettlementRequest(
        plan_id=plan.plan_id,
        transaction=desk.build(plan) if plan.chain_legs else _no_transaction(desk, plan),
        executor=desk.account.executor,
        token_in=plan.intent.token_in,
        token_out=plan.intent.token_out,
        amount_in=plan.chain_amount_in,
        amount_out_min=plan.chain_amount_out_min,
        deadline=plan.deadline,
    )


def _no_transaction(desk: Desk, plan: RoutePlan) -> TransactionRequest:
    return TransactionRequest(plan.block.chain_id, desk.account.owner, None, b"", purpose="exchange only")


def plan_checks(desk: Desk, plan: RoutePlan) -> tuple[CheckResult, ...]:
    """What the gate asks of a plan before anything is simulated."""
    facts, limits = desk.facts(plan), desk.limits
    needed = TokenAmount(plan.intent.token_in, plan.chain_amount_in)
    return (
        checks.tokens_differ(plan.intent.token_in, plan.intent.token_out),
        checks.size_within_limit(TokenAmount(plan.intent.token_in, plan.amount_in), limits),
        checks.size_within_limit(TokenAmount(plan.intent.token_out, plan.amount_out), limits),
        checks.slippage_within_limit(plan, limits),
        checks.impact_within_limit(plan.impact_bps, limits),
        checks.venues_enabled(plan, limits),
        checks.exposure_within_limit(plan, limits),
        checks.plan_is_fresh(
            plan,
            now=desk.clock.now(),
            chain_time=facts.chain_time,
            latest_block=facts.latest_block,
            limits=limits,
        ),
        checks.balance_suffices(needed, facts.balance, holder="owner" if desk.account.pulls_from_owner else "executor"),
        checks.nothing_stands_approved(needed, facts.allowance, pulls=desk.account.pulls_from_owner),
        *exchange_checks(desk, plan),
    )


def _simulate(desk: Desk, plan: RoutePlan) -> Simulation:
    account = desk.account
    tokens = dict.fromkeys((leg.token_in.address for leg in plan.chain_legs), None)
    tokens.update(dict.fromkeys(leg.token_out.address for leg in plan.chain_legs))
    watch = [(who, token) for who in (account.executor, account.owner) for token in tokens]
    approval = [desk.allowance(plan, plan.chain_amount_in).transaction] if account.pulls_from_owner else []
    return desk.settlement.simulate(desk.build(plan), after=approval, watch=watch)


def _simulation_check(desk: Desk, plan: RoutePlan, simulation: Simulation) -> CheckResult:
    token = plan.intent.token_out.address
    gained = sum(c.delta for c in simulation.changes if (c.account, c.token) == (desk.account.recipient, token))
    return checks.simulation_agrees(plan, simulation, gained)


def _record_simulation(desk: Desk, order_id: str, simulation: Simulation, plan: RoutePlan) -> None:
    if simulation.succeeded:
        desk.journal.append(SimulationSucceeded(order_id, simulation.gas_used, plan.chain_amount_out))
    else:
        desk.journal.append(SimulationFailed(order_id, simulation.revert_reason))


def _send_settlement(
    desk: Desk, plan: RoutePlan, order_id: str, approved: Approved[SettlementRequest], sent: Sent
) -> Receipt:
    """Send the settlement; where it pulls the owner's tokens, with an exact approval before, and none left after."""
    if desk.account.pulls_from_owner:
        _send_allowance(desk, plan, order_id, plan.chain_amount_in, sent)
    try:
        return _send(desk, order_id, approved, "settlement", sent)
    except OutcomeUnknown:
        raise
    except OmsError as error:
        if sent.approved:
            _revoke(desk, plan, order_id, error, sent)
        raise


def _revoke(desk: Desk, plan: RoutePlan, order_id: str, why: OmsError, sent: Sent) -> None:
    try:
        _send_allowance(desk, plan, order_id, 0, sent)
    except OutcomeUnknown:
        raise
    except OmsError as error:
        reason = f"still stands, since revoking it failed ({error}), after: {why}; revoke it"
        raise StateConflict("approval", reason) from why


def _send_allowance(desk: Desk, plan: RoutePlan, order_id: str, amount: int, sent: Sent) -> None:
    request = desk.allowance(plan, amount)
    executor = desk.account.executor
    standing = standing_approval(request.transaction.data, executor=executor, needed=request.amount)
    findings = [checks.allowance_is_exact(request, plan, executor=executor), checks.grants_no_more(standing)]
    verdict = judge(request, findings)
    if isinstance(verdict, Denied):
        desk.journal.append(OrderDenied(order_id, "approval", verdict.reason))
        raise StateConflict("approval", verdict.reason)
    desk.journal.append(OrderApproved(order_id, "approval", f"exactly {amount} to the executor"))
    _send(desk, order_id, verdict, "approval", sent)


def _send(desk: Desk, order_id: str, approved: Approved[S], purpose: str, sent: Sent) -> Receipt:
    receipt = send_recorded(
        desk.journal,
        desk.settlement,
        order_id,
        approved,
        purpose=purpose,
        note=lambda receipt: _note(sent, approved.subject, receipt),
    )
    require_success(receipt, purpose)
    return receipt


def _note(sent: Sent, subject: Sendable, receipt: Receipt) -> None:
    """Remember what the chain did, before anything else can fail."""
    sent.receipts.append(receipt)
    if not receipt.succeeded:
        return
    if isinstance(subject, AllowanceRequest):
        sent.approved = subject.amount > 0
    else:
        sent.lasting, sent.approved = True, False  # the settlement pulls the whole approval


def _account_legs(desk: Desk, plan: RoutePlan, order_id: str, receipt: Receipt) -> tuple[LegResult, ...]:
    legs = realised_legs(plan, receipt.transfers, executor=desk.account.executor)
    for index, leg in enumerate(legs):
        desk.journal.append(
            LegSettled(
                order_id, index, leg.venue, leg.predicted_in, leg.predicted_out, leg.realised_in, leg.realised_out
            )
        )
    return legs
