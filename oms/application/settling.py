"""The saga of one order: record, judge, simulate, judge again, send, account, hedge. Each step is journaled first.

Owns: the order of the steps, and what each failure leaves behind.
Must not: decide prices or checks itself, or send anything that the gate did not approve.
"""

import secrets
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, localcontext
from typing import TypeVar

from oms.accounting.realised import LegResult, chain_totals, realised_legs
from oms.application.plan_file import plan_json
from oms.application.unresolved import nothing_unresolved
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
    OrderInterrupted,
    OrderReceived,
    PlanMade,
    SimulationFailed,
    SimulationSucceeded,
    TransactionIncluded,
    TransactionIntended,
    TransactionRefused,
    TransactionUnknown,
)
from oms.domain.fills import ExchangeFill
from oms.domain.orders import ExchangeOrder, ExchangeOrderReport, OrderStatus, TimeInForce
from oms.domain.plans import ExchangeLeg, RoutePlan, Side
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
from oms.execution.revert_reasons import explain_revert
from oms.ports.clock import Clock
from oms.ports.exchange import Exchange
from oms.ports.journal import Journal
from oms.ports.settlement import Settlement
from oms.risk import checks
from oms.risk.gate import Approved, CheckResult, Denied, judge
from oms.units import Address, Wei

_EXACT = Context(prec=400, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
_AVERAGE = Context(prec=28)

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
    unknown: bool = False


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


@dataclass(slots=True)
class _Sent:
    """What the order has done to the world so far."""

    receipts: list[Receipt] = field(default_factory=list)
    approved: bool = False
    """An approval may stand."""
    lasting: bool = False
    """A settlement succeeded, or a child order was sent."""

    @property
    def stays(self) -> bool:
        """Whether more than spent gas is left of it."""
        return self.approved or self.lasting


def new_order_id() -> str:
    """A fresh order id: 96 random bits, hex."""
    return secrets.token_hex(12)


def preview(desk: Desk, plan: RoutePlan) -> tuple[tuple[CheckResult, ...], Simulation | None]:
    """Check and simulate without recording or sending anything."""
    findings = _plan_checks(desk, plan)
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
    sent = _Sent()
    try:
        return _settle_and_hedge(desk, plan, order_id, sent)
    except OutcomeUnknown:
        raise
    except OmsError as error:
        end = OrderInterrupted(order_id, str(error)) if sent.stays else OrderFailed(order_id, str(error))
        with suppress(StateConflict):  # where the journal itself failed, that error is the one to tell
            desk.journal.append(end)
        raise


def _settle_and_hedge(desk: Desk, plan: RoutePlan, order_id: str, sent: _Sent) -> Outcome:
    used = frozenset(leg.exchange for leg in plan.exchange_legs)
    earlier = nothing_unresolved(desk.journal, desk.settlement, desk.exchanges, used=used)
    findings = (*_plan_checks(desk, plan), earlier)
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
        _hedge(desk, plan, leg, f"{order_id}-{i}", order_id, sent) for i, leg in enumerate(plan.exchange_legs)
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


def _plan_checks(desk: Desk, plan: RoutePlan) -> tuple[CheckResult, ...]:
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
        *_exchange_checks(desk, plan),
    )


def _exchange_checks(desk: Desk, plan: RoutePlan) -> list[CheckResult]:
    """Whether every child order could be sent now; legs that give the same currency need their sum."""
    findings: list[CheckResult] = []
    given: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for leg in plan.exchange_legs:
        exchange = _exchange(desk, leg)
        if exchange is None:
            findings.append(checks.exchange_unavailable(leg, "is not connected"))
            continue
        try:
            currency, cost = _cost(leg)
            findings += _hedge_checks(desk, plan, leg, exchange, besides=given[leg.exchange, currency])
        except OmsError as error:
            findings.append(checks.exchange_unavailable(leg, f"cannot be traded on now ({error})"))
            continue
        given[leg.exchange, currency] = _EXACT.add(given[leg.exchange, currency], cost)
    return findings


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
    desk: Desk, plan: RoutePlan, order_id: str, approved: Approved[SettlementRequest], sent: _Sent
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


def _revoke(desk: Desk, plan: RoutePlan, order_id: str, why: OmsError, sent: _Sent) -> None:
    try:
        _send_allowance(desk, plan, order_id, 0, sent)
    except OutcomeUnknown:
        raise
    except OmsError as error:
        reason = f"still stands, since revoking it failed ({error}), after: {why}; revoke it"
        raise StateConflict("approval", reason) from why


def _send_allowance(desk: Desk, plan: RoutePlan, order_id: str, amount: int, sent: _Sent) -> None:
    request = desk.allowance(plan, amount)
    verdict = judge(request, [checks.allowance_is_exact(request, plan, executor=desk.account.executor)])
    if isinstance(verdict, Denied):
        desk.journal.append(OrderDenied(order_id, "approval", verdict.reason))
        raise StateConflict("approval", verdict.reason)
    desk.journal.append(OrderApproved(order_id, "approval", f"exactly {amount} to the executor"))
    _send(desk, order_id, verdict, "approval", sent)


def _send(desk: Desk, order_id: str, approved: Approved[S], purpose: str, sent: _Sent) -> Receipt:
    intended: TransactionIntended | None = None

    def record(transaction_hash: str, nonce: int, payload_hash: str) -> None:
        nonlocal intended
        sender, chain = desk.settlement.sender, desk.settlement.chain
        event = TransactionIntended(order_id, purpose, transaction_hash, sender, nonce, payload_hash, chain)
        desk.journal.append(event)
        intended = event

    try:
        receipt = desk.settlement.send(approved, record_intent=record)
    except OutcomeUnknown as error:
        with suppress(StateConflict):  # the intent is in the journal; that nobody knows must reach the caller
            desk.journal.append(TransactionUnknown(order_id, _hash_of(intended), str(error)))
        raise
    except OmsError as error:
        with suppress(StateConflict):
            _refused(desk, order_id, intended, error)
        raise
    _note(sent, approved.subject, receipt)
    desk.journal.append(TransactionIncluded.of(order_id, receipt))
    if not receipt.succeeded:
        why = explain_revert(receipt.revert_data).sentence if receipt.revert_data else "no reason given"
        raise StateConflict(purpose, f"reverted as a whole, only gas was spent: {why}; make a new plan")
    return receipt


def _refused(desk: Desk, order_id: str, intended: TransactionIntended | None, why: OmsError) -> None:
    if intended is not None:
        desk.journal.append(TransactionRefused(order_id, intended.transaction_hash, str(why)))


def _hash_of(intended: TransactionIntended | None) -> str:
    return intended.transaction_hash if intended is not None else ""


def _note(sent: _Sent, subject: Sendable, receipt: Receipt) -> None:
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


def _exchange(desk: Desk, leg: ExchangeLeg) -> Exchange | None:
    return next((each for each in desk.exchanges if each.name == leg.exchange), None)


def _hedge(
    desk: Desk, plan: RoutePlan, leg: ExchangeLeg, client_order_id: str, order_id: str, sent: _Sent
) -> HedgeResult:
    """Send one child order; a problem is reported in the result, since the chain has already settled."""
    exchange = _exchange(desk, leg)
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
        report = _submit(exchange, verdict, client_order_id, sent)
        amounts = _hedge_amounts(leg, report.fills)
    except OutcomeUnknown as error:
        desk.journal.append(HedgeUnknown(order_id, client_order_id, str(error)))
        return HedgeResult(leg, client_order_id, (), 0, 0, f"unknown: {error}", unknown=True)
    except OmsError as error:
        return _hedge_problem(desk, leg, client_order_id, order_id, str(error))
    if report.status is OrderStatus.REJECTED:
        return _hedge_problem(desk, leg, client_order_id, order_id, report.reason or "refused without a reason")
    return _hedge_filled(desk, leg, client_order_id, order_id, report.fills, amounts)


def _submit(
    exchange: Exchange, approved: Approved[ExchangeOrder], client_order_id: str, sent: _Sent
) -> ExchangeOrderReport:
    """Submit once; when the answer is lost, ask by id once before calling it unknown."""
    try:
        report = exchange.submit_order(approved)
    except OutcomeUnknown as unknown:
        sent.lasting = True
        report = _asked_again(exchange, client_order_id, unknown)
    sent.lasting = sent.lasting or report.status is not OrderStatus.REJECTED
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


def _hedge_checks(
    desk: Desk, plan: RoutePlan, leg: ExchangeLeg, exchange: Exchange, *, besides: Decimal = Decimal(0)
) -> list[CheckResult]:
    """The child order is the plan's, and its cost is there `besides` what other legs give of the same currency."""
    currency, cost = _cost(leg)
    balance = exchange.balances().get(currency)
    held = balance.free if balance is not None else Decimal(0)
    return [
        checks.hedge_is_on_plan(leg, plan.exchange_legs, worst_bps=desk.limits.max_slippage_bps),
        checks.exchange_balance_suffices(leg, held, currency, _EXACT.add(besides, cost)),
    ]


def _cost(leg: ExchangeLeg) -> tuple[str, Decimal]:
    """The currency that the child order gives, and at most how much of it.

    Raises `StateConflict` for numbers that no exact sum can hold; a plan from a file may say anything.
    """
    base, quote = _currencies(leg)
    if not all(each.is_finite() for each in (leg.size, leg.limit_price, leg.expected_price, leg.taker_fee)):
        raise StateConflict("plan", f"{leg.venue} states no number; make a new plan")
    try:
        with localcontext(_EXACT):
            cost = leg.size * leg.limit_price * (1 + leg.taker_fee)
    except ArithmeticError as error:
        raise StateConflict("plan", f"{leg.venue} is beyond all measure; make a new plan") from error
    return (base, leg.size) if leg.side is Side.SELL else (quote, cost)


def _currencies(leg: ExchangeLeg) -> tuple[str, str]:
    base, slash, quote = leg.symbol.split(":")[0].partition("/")
    if not slash:
        raise StateConflict("plan", f"{leg.symbol} is no pair of currencies; make a new plan")
    return base, quote


def _hedge_problem(desk: Desk, leg: ExchangeLeg, client_order_id: str, order_id: str, reason: str) -> HedgeResult:
    desk.journal.append(HedgeRejected(order_id, client_order_id, reason))
    return HedgeResult(leg, client_order_id, (), 0, 0, reason)


@dataclass(frozen=True, slots=True)
class _HedgeAmounts:
    """Totals over fills: in the exchange's whole units, exact but for the average, and in the tokens' base units."""

    filled: Decimal
    average: Decimal
    fee: Decimal
    realised_in: int
    realised_out: int


def _hedge_amounts(leg: ExchangeLeg, fills: tuple[ExchangeFill, ...]) -> _HedgeAmounts:
    """Raises `OutcomeUnknown` for fills that no exact sum can hold."""
    try:
        with localcontext(_EXACT):
            return _summed(leg, fills)
    except ArithmeticError as error:
        raise OutcomeUnknown(leg.exchange, "reported fills beyond all measure; look at the order there") from error


def _summed(leg: ExchangeLeg, fills: tuple[ExchangeFill, ...]) -> _HedgeAmounts:
    filled = sum((fill.amount for fill in fills), Decimal(0))
    value = sum((fill.amount * fill.price for fill in fills), Decimal(0))
    fee = sum((fill.fee_amount for fill in fills), Decimal(0))
    base_fee, quote_fee = (_fees(fills, currency) for currency in _currencies(leg))
    if leg.side is Side.SELL:
        given, got = filled + base_fee, value - quote_fee
    else:
        given, got = value + quote_fee, filled - base_fee
    return _HedgeAmounts(
        filled,
        _AVERAGE.divide(value, filled) if filled else Decimal(0),
        fee,
        _raw(given, leg.token_in.decimals, up=True),
        _raw(got, leg.token_out.decimals, up=False),
    )


def _hedge_filled(
    desk: Desk,
    leg: ExchangeLeg,
    client_order_id: str,
    order_id: str,
    fills: tuple[ExchangeFill, ...],
    amounts: _HedgeAmounts,
) -> HedgeResult:
    desk.journal.append(
        HedgeFilled(
            order_id,
            client_order_id,
            fills[0].venue_order_id if fills else "",
            str(amounts.filled),
            str(amounts.average),
            str(amounts.fee),
            fills[0].fee_currency if fills else "",
        )
    )
    filled = amounts.filled
    problem = "" if filled == leg.size else f"filled {filled} of {leg.size}; the rest is open exposure"
    return HedgeResult(leg, client_order_id, fills, amounts.realised_in, amounts.realised_out, problem)


def _fees(fills: tuple[ExchangeFill, ...], currency: str) -> Decimal:
    """What was paid in this currency; a fee in a third one (an exchange's own token) changes neither amount."""
    return sum((fill.fee_amount for fill in fills if fill.fee_currency == currency), Decimal(0))


def _raw(value: Decimal, decimals: int, *, up: bool) -> int:
    """Whole units to base units, exactly but for the last one, which is rounded against us."""
    scaled = value.scaleb(decimals, _EXACT)
    return int(scaled.to_integral_value("ROUND_CEILING" if up else "ROUND_FLOOR", _EXACT))
