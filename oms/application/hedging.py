"""Child orders on exchanges: checked before the chain settles, sent after it, and accounted for exactly.

Owns: one child order's life, journaled before it is sent.
Must not: call an unknown outcome a failed one, or send an order under another id.
"""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

from oms.application.desk import Desk, Sent
from oms.domain.events import (
    HedgeFilled,
    HedgeIntended,
    HedgeRejected,
    HedgeUnknown,
    OrderApproved,
    OrderDenied,
)
from oms.domain.fills import ExchangeFill
from oms.domain.orders import ExchangeOrder, ExchangeOrderReport, OrderStatus, TimeInForce
from oms.domain.plans import ExchangeLeg, RoutePlan, Side
from oms.errors import OmsError, OutcomeUnknown, StateConflict
from oms.liquidity.order_book import EXACT
from oms.ports.exchange import Exchange
from oms.risk import checks
from oms.risk.gate import Approved, CheckResult, Denied, judge

_AVERAGE = Context(prec=28)


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


def exchange_checks(desk: Desk, plan: RoutePlan) -> list[CheckResult]:
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
        given[leg.exchange, currency] = EXACT.add(given[leg.exchange, currency], cost)
    return findings


def _exchange(desk: Desk, leg: ExchangeLeg) -> Exchange | None:
    return next((each for each in desk.exchanges if each.name == leg.exchange), None)


def hedge(
    desk: Desk, plan: RoutePlan, leg: ExchangeLeg, client_order_id: str, order_id: str, sent: Sent
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
    exchange: Exchange, approved: Approved[ExchangeOrder], client_order_id: str, sent: Sent
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
        checks.exchange_balance_suffices(leg, held, currency, EXACT.add(besides, cost)),
    ]


def _cost(leg: ExchangeLeg) -> tuple[str, Decimal]:
    """The currency that the child order gives, and at most how much of it.

    Raises `StateConflict` for numbers that no exact sum can hold; a plan from a file may say anything.
    """
    base, quote = _currencies(leg)
    if not all(each.is_finite() for each in (leg.size, leg.limit_price, leg.expected_price, leg.taker_fee)):
        raise StateConflict("plan", f"{leg.venue} states no number; make a new plan")
    try:
        with localcontext(EXACT):
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
        with localcontext(EXACT):
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
    scaled = value.scaleb(decimals, EXACT)
    return int(scaled.to_integral_value("ROUND_CEILING" if up else "ROUND_FLOOR", EXACT))
