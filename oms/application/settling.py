"""The saga of one order: record, judge, simulate, judge again, send, account, hedge. Each step is journaled first.

Owns: the order of the steps, and what each failure leaves behind.
Must not: decide prices or checks itself, or send anything that the gate did not approve.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from oms.accounting.realised import LegResult, chain_totals, realised_legs
from oms.application.plan_file import plan_json
from oms.config import RiskLimits
from oms.domain.events import (
    HedgeFilled,
    HedgeIntended,
    HedgeRejected,
    HedgeUnknown,
    LegSettled,
    OrderApproved,
    OrderCompleted,
    OrderDenied,
    OrderFailed,
    OrderReceived,
    PlanMade,
    SimulationFailed,
    SimulationSucceeded,
    TransactionIncluded,
    TransactionIntended,
    TransactionUnknown,
)
from oms.domain.fills import ExchangeFill
from oms.domain.orders import ExchangeOrder, ExchangeOrderReport, OrderStatus, TimeInForce
from oms.domain.plans import ExchangeLeg, RoutePlan, Side
from oms.domain.token import TokenAmount
from oms.domain.transactions import (
    AllowanceRequest,
    Receipt,
    SettlementRequest,
    Simulation,
    TransactionRequest,
)
from oms.errors import OmsError, OutcomeUnknown, StateConflict
from oms.execution.revert_reasons import explain_revert
from oms.ports.clock import Clock
from oms.ports.exchange import Exchange
from oms.ports.journal import Journal
from oms.ports.settlement import Settlement
from oms.risk import checks
from oms.risk.gate import Approved, CheckResult, Denied, judge
from oms.units import Address

S = TypeVar("S", SettlementRequest, AllowanceRequest)


@dataclass(frozen=True, slots=True)
class Account:
    """Who pays, and through what: the executor's own balance, or the owner's by an exact approval."""

    owner: Address
    executor: Address
    pulls_from_owner: bool

    @property
    def payer(self) -> Address:
        """Whose balance of the input falls."""
        return self.owner if self.pulls_from_owner else self.executor

    @property
    def recipient(self) -> Address:
        """Whose balance of the output rises."""
        return self.owner if self.pulls_from_owner else self.executor


@dataclass(frozen=True, slots=True)
class ChainFacts:
    """What the gate is told about the account and the chain at this moment. Amounts in the input token."""

    balance: int
    allowance: int
    chain_time: int
    latest_block: int


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that one order's saga acts through."""

    journal: Journal
    settlement: Settlement
    exchanges: Sequence[Exchange]
    limits: RiskLimits
    clock: Clock
    account: Account
    facts: Callable[[RoutePlan], ChainFacts]
    build: Callable[[RoutePlan], TransactionRequest]
    allowance: Callable[[RoutePlan, int], AllowanceRequest]


@dataclass(frozen=True, slots=True)
class HedgeResult:
    """What an exchange leg promised and what it became. Amounts in base units of the plan's tokens."""

    leg: ExchangeLeg
    client_order_id: str
    fills: tuple[ExchangeFill, ...]
    realised_in: int
    realised_out: int
    problem: str = ""


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


def new_order_id() -> str:
    """A fresh order id: 96 random bits, hex."""
    return secrets.token_hex(12)


def preview(desk: Desk, plan: RoutePlan, *, impact_bps: float) -> tuple[tuple[CheckResult, ...], Simulation | None]:
    """Check and simulate without recording or sending anything."""
    findings = _plan_checks(desk, plan, impact_bps=impact_bps)
    if not plan.chain_legs or not all(finding.passed for finding in findings):
        return findings, None
    simulation = _simulate(desk, plan)
    return (*findings, _simulation_check(desk, plan, simulation)), simulation


def execute(desk: Desk, plan: RoutePlan, *, order_id: str, impact_bps: float) -> Outcome:
    """Run the order to its end. Raises `OutcomeUnknown` when the chain's answer cannot be told; the journal knows."""
    intent = plan.intent
    desk.journal.append(
        OrderReceived(order_id, intent.side, intent.token_in.address, intent.token_out.address, intent.amount)
    )
    desk.journal.append(PlanMade(order_id, plan.plan_id, plan.block.number, plan.block.hash, plan_json(plan)))
    try:
        return _settle_and_hedge(desk, plan, order_id, impact_bps)
    except OutcomeUnknown:
        raise
    except OmsError as error:
        desk.journal.append(OrderFailed(order_id, str(error)))
        raise


def _settle_and_hedge(desk: Desk, plan: RoutePlan, order_id: str, impact_bps: float) -> Outcome:
    findings = _plan_checks(desk, plan, impact_bps=impact_bps)
    receipt: Receipt | None = None
    simulation: Simulation | None = None
    legs: tuple[LegResult, ...] = ()
    if plan.chain_legs and all(finding.passed for finding in findings):
        simulation = _simulate(desk, plan)
        _record_simulation(desk, order_id, simulation, plan)
        findings = (*findings, _simulation_check(desk, plan, simulation))
    request = SettlementRequest(
        plan_id=plan.plan_id,
        transaction=desk.build(plan) if plan.chain_legs else _no_transaction(desk, plan),
        executor=desk.account.executor,
        token_in=plan.intent.token_in,
        token_out=plan.intent.token_out,
        amount_in=plan.chain_amount_in,
        amount_out_min=plan.chain_amount_out_min,
        deadline=plan.deadline,
    )
    verdict = judge(request, findings)
    if isinstance(verdict, Denied):
        desk.journal.append(OrderDenied(order_id, "settlement", verdict.reason))
        return Outcome(order_id, plan, findings, denied=verdict.reason, simulation=simulation)
    desk.journal.append(OrderApproved(order_id, "settlement", "; ".join(f"{f.name}: {f.detail}" for f in findings)))
    if plan.chain_legs:
        receipt = _send_settlement(desk, plan, order_id, verdict)
        legs = _account_legs(desk, plan, order_id, receipt)
    hedges = tuple(_hedge(desk, plan, leg, f"{order_id}-{i}", order_id) for i, leg in enumerate(plan.exchange_legs))
    outcome = Outcome(order_id, plan, findings, simulation=simulation, receipt=receipt, legs=legs, hedges=hedges)
    kind = "filled" if outcome.settled else "partial"
    desk.journal.append(OrderCompleted(order_id, kind, outcome.realised_in, outcome.realised_out))
    return outcome


def _no_transaction(desk: Desk, plan: RoutePlan) -> TransactionRequest:
    return TransactionRequest(plan.block.chain_id, desk.account.owner, None, b"", purpose="exchange only")


def _plan_checks(desk: Desk, plan: RoutePlan, *, impact_bps: float) -> tuple[CheckResult, ...]:
    facts, limits = desk.facts(plan), desk.limits
    needed = TokenAmount(plan.intent.token_in, plan.chain_amount_in)
    return (
        checks.tokens_differ(plan.intent.token_in, plan.intent.token_out),
        checks.size_within_limit(plan.intent.given, limits),
        checks.slippage_within_limit(plan, limits),
        checks.impact_within_limit(impact_bps, limits),
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


def _send_settlement(desk: Desk, plan: RoutePlan, order_id: str, approved: Approved[SettlementRequest]) -> Receipt:
    """Send the settlement; where it pulls the owner's tokens, with an exact approval before, and none left after."""
    if not desk.account.pulls_from_owner:
        return _send(desk, order_id, approved, "settlement")
    _send_allowance(desk, plan, order_id, plan.chain_amount_in)
    try:
        return _send(desk, order_id, approved, "settlement")
    except OutcomeUnknown:
        raise
    except OmsError:
        _send_allowance(desk, plan, order_id, 0)
        raise


def _send_allowance(desk: Desk, plan: RoutePlan, order_id: str, amount: int) -> None:
    request = desk.allowance(plan, amount)
    verdict = judge(request, [checks.allowance_is_exact(request, plan, executor=desk.account.executor)])
    if isinstance(verdict, Denied):
        desk.journal.append(OrderDenied(order_id, "approval", verdict.reason))
        raise StateConflict("approval", verdict.reason)
    desk.journal.append(OrderApproved(order_id, "approval", f"exactly {amount} to the executor"))
    _send(desk, order_id, verdict, "approval")


def _send(desk: Desk, order_id: str, approved: Approved[S], purpose: str) -> Receipt:
    signed = ""

    def record(transaction_hash: str, nonce: int, payload_hash: str) -> None:
        nonlocal signed
        signed, sender = transaction_hash, desk.settlement.sender
        desk.journal.append(TransactionIntended(order_id, purpose, transaction_hash, sender, nonce, payload_hash))

    try:
        receipt = desk.settlement.send(approved, record_intent=record)
    except OutcomeUnknown as error:
        desk.journal.append(TransactionUnknown(order_id, signed, str(error)))
        raise
    desk.journal.append(
        TransactionIncluded(
            order_id,
            receipt.transaction_hash,
            receipt.block_number,
            receipt.succeeded,
            receipt.gas_used,
            receipt.effective_gas_price,
        )
    )
    if not receipt.succeeded:
        why = explain_revert(receipt.revert_data).sentence if receipt.revert_data else "no reason given"
        raise StateConflict(purpose, f"reverted as a whole, only gas was spent: {why}; make a new plan")
    return receipt


def _account_legs(desk: Desk, plan: RoutePlan, order_id: str, receipt: Receipt) -> tuple[LegResult, ...]:
    legs = realised_legs(plan, receipt.transfers, executor=desk.account.executor)
    for index, leg in enumerate(legs):
        desk.journal.append(
            LegSettled(
                order_id, index, leg.venue, leg.predicted_in, leg.predicted_out, leg.realised_in, leg.realised_out
            )
        )
    return legs


def _hedge(desk: Desk, plan: RoutePlan, leg: ExchangeLeg, client_order_id: str, order_id: str) -> HedgeResult:
    """Send one child order; a problem is reported in the result, since the chain has already settled."""
    exchange = next((e for e in desk.exchanges if e.name == leg.exchange), None)
    if exchange is None:
        return _hedge_problem(desk, leg, client_order_id, order_id, f"{leg.exchange} is not connected")
    order = ExchangeOrder(
        client_order_id=client_order_id,
        exchange=leg.exchange,
        symbol=leg.symbol,
        side=leg.side,
        amount=leg.size,
        limit_price=leg.limit_price,
        time_in_force=TimeInForce.IOC,
    )
    try:
        verdict = judge(order, _hedge_checks(desk, plan, leg, exchange))
        if isinstance(verdict, Denied):
            desk.journal.append(OrderDenied(order_id, client_order_id, verdict.reason))
            return HedgeResult(leg, client_order_id, (), 0, 0, verdict.reason)
        desk.journal.append(OrderApproved(order_id, client_order_id, "hedge on plan"))
        desk.journal.append(
            HedgeIntended(
                order_id,
                client_order_id,
                leg.exchange,
                leg.symbol,
                leg.side,
                str(leg.size),
                str(leg.limit_price),
            )
        )
        report = _submit(exchange, verdict, client_order_id)
    except OutcomeUnknown as error:
        desk.journal.append(HedgeUnknown(order_id, client_order_id, str(error)))
        return HedgeResult(leg, client_order_id, (), 0, 0, f"unknown: {error}")
    except OmsError as error:
        return _hedge_problem(desk, leg, client_order_id, order_id, str(error))
    if report.status is OrderStatus.REJECTED:
        return _hedge_problem(desk, leg, client_order_id, order_id, report.reason or "refused without a reason")
    return _hedge_filled(desk, leg, client_order_id, order_id, report.fills)


def _submit(exchange: Exchange, approved: Approved[ExchangeOrder], client_order_id: str) -> ExchangeOrderReport:
    """Submit once; when the answer is lost, ask by id once before calling it unknown."""
    try:
        report = exchange.submit_order(approved)
    except OutcomeUnknown as unknown:
        report = _asked_again(exchange, client_order_id, unknown)
    if report.status is OrderStatus.OPEN:
        raise OutcomeUnknown(exchange.name, f"{client_order_id} is still open there; ask for it by its id")
    return report


def _asked_again(exchange: Exchange, client_order_id: str, unknown: OutcomeUnknown) -> ExchangeOrderReport:
    """What became of the order. Raises `unknown` where this cannot be learnt: a failed question changes nothing."""
    try:
        report = exchange.order(client_order_id)
    except OmsError:
        raise unknown from None
    if report is None:
        raise unknown
    return report


def _hedge_checks(desk: Desk, plan: RoutePlan, leg: ExchangeLeg, exchange: Exchange) -> list[CheckResult]:
    base, quote = _currencies(leg)
    if leg.side is Side.SELL:
        currency, needed = base, leg.size
    else:
        currency, needed = quote, leg.size * leg.limit_price * (1 + leg.taker_fee)
    balance = exchange.balances().get(currency)
    held = balance.free if balance is not None else Decimal(0)
    return [
        checks.hedge_is_on_plan(leg, plan.exchange_legs, worst_bps=desk.limits.max_slippage_bps),
        checks.exchange_balance_suffices(leg, held, currency, needed),
    ]


def _currencies(leg: ExchangeLeg) -> tuple[str, str]:
    base, quote = leg.symbol.split(":")[0].split("/")
    return base, quote


def _hedge_problem(desk: Desk, leg: ExchangeLeg, client_order_id: str, order_id: str, reason: str) -> HedgeResult:
    desk.journal.append(HedgeRejected(order_id, client_order_id, reason))
    return HedgeResult(leg, client_order_id, (), 0, 0, reason)


def _hedge_filled(
    desk: Desk, leg: ExchangeLeg, client_order_id: str, order_id: str, fills: tuple[ExchangeFill, ...]
) -> HedgeResult:
    filled = sum((fill.amount for fill in fills), Decimal(0))
    value = sum((fill.amount * fill.price for fill in fills), Decimal(0))
    fee = sum((fill.fee_amount for fill in fills), Decimal(0))
    currency = fills[0].fee_currency if fills else ""
    average = value / filled if filled else Decimal(0)
    desk.journal.append(
        HedgeFilled(
            order_id,
            client_order_id,
            fills[0].venue_order_id if fills else "",
            str(filled),
            str(average),
            str(fee),
            currency,
        )
    )
    base_fee, quote_fee = (_fees(fills, currency) for currency in _currencies(leg))
    if leg.side is Side.SELL:
        realised_in, realised_out = filled + base_fee, value - quote_fee
    else:
        realised_in, realised_out = value + quote_fee, filled - base_fee
    problem = "" if filled == leg.size else f"filled {filled} of {leg.size}; the rest is open exposure"
    return HedgeResult(
        leg,
        client_order_id,
        fills,
        _raw(realised_in, leg.token_in.decimals, up=True),
        _raw(realised_out, leg.token_out.decimals, up=False),
        problem,
    )


def _fees(fills: tuple[ExchangeFill, ...], currency: str) -> Decimal:
    """What was paid in this currency; a fee in a third one (an exchange's own token) changes neither amount."""
    return sum((fill.fee_amount for fill in fills if fill.fee_currency == currency), Decimal(0))


def _raw(value: Decimal, decimals: int, *, up: bool) -> int:
    scaled = value.scaleb(decimals)
    return int(scaled.to_integral_value("ROUND_CEILING" if up else "ROUND_FLOOR"))
