"""The gate's single checks. Each takes values and returns a finding; none of them fetches or sends.

Owns: size, slippage, impact, balance, allowance, age, venue and deadline rules.
Must not: decide alone; `oms.risk.gate.judge` folds the findings.
"""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from oms.config import RiskLimits
from oms.domain.plans import ExchangeLeg, MakerLeg, RoutePlan
from oms.domain.token import Token, TokenAmount
from oms.domain.transactions import AllowanceRequest, Simulation
from oms.risk.gate import CheckResult
from oms.units import BPS, Address, format_amount


def size_within_limit(amount: TokenAmount, limits: RiskLimits) -> CheckResult:
    """The order is not larger than the desk allows for its token."""
    limit = limits.max_order_size.get(amount.token.symbol)
    if limit is None:
        return CheckResult("size", passed=True, detail=f"no limit is set for {amount.token.symbol}")
    if amount.raw > Fraction(limit) * 10**amount.token.decimals:
        return CheckResult("size", passed=False, detail=f"{amount} is above the limit of {limit}; lower the amount")
    return CheckResult("size", passed=True, detail=f"{amount} of at most {limit}")


def slippage_within_limit(plan: RoutePlan, limits: RiskLimits) -> CheckResult:
    """The least accepted output follows from a tolerance that the desk allows, and is not zero."""
    tolerance, limit = plan.slippage, limits.max_slippage_bps
    if tolerance > limit:
        detail = f"{tolerance} bps is above the limit of {limit}; lower --slippage-bps"
        return CheckResult("slippage", passed=False, detail=detail)
    least = plan.chain_amount_out * (BPS - tolerance) // BPS
    if plan.chain_legs and (plan.chain_amount_out_min <= 0 or plan.chain_amount_out_min < least):
        detail = "the plan's minimum output is below its own tolerance; make a new plan"
        return CheckResult("slippage", passed=False, detail=detail)
    return CheckResult("slippage", passed=True, detail=f"{tolerance} of at most {limit} bps")


def impact_within_limit(impact_bps: float, limits: RiskLimits) -> CheckResult:
    """The whole order does not move its price further than the desk allows."""
    limit = limits.max_price_impact_bps
    if not impact_bps <= limit:
        detail = f"{impact_bps:.1f} bps is above the limit of {limit}; split the order over time"
        return CheckResult("price impact", passed=False, detail=detail)
    return CheckResult("price impact", passed=True, detail=f"{impact_bps:.1f} of at most {limit} bps")


def balance_suffices(needed: TokenAmount, held: int, *, holder: str) -> CheckResult:
    """The paying account holds what the plan spends."""
    name = f"balance of {holder}"
    if held < needed.raw:
        has = format_amount(held, needed.token.decimals)
        return CheckResult(name, passed=False, detail=f"has {has}, needs {needed}; fund it or lower the amount")
    return CheckResult(name, passed=True, detail=f"{format_amount(held, needed.token.decimals)} covers {needed}")


def nothing_stands_approved(needed: TokenAmount, allowed: int, *, pulls: bool) -> CheckResult:
    """No allowance of the executor's outlives a plan: none stands now, or exactly this plan's where it is pulled."""
    if allowed == 0:
        return CheckResult("allowance", passed=True, detail="none stands")
    if pulls and allowed == needed.raw:
        return CheckResult("allowance", passed=True, detail=f"exactly {needed} stands")
    stands = format_amount(allowed, needed.token.decimals)
    return CheckResult("allowance", passed=False, detail=f"{stands} {needed.token} stands approved; revoke it first")


def allowance_is_exact(request: AllowanceRequest, plan: RoutePlan, *, executor: Address) -> CheckResult:
    """An approval is for the desk's own executor, and for exactly what the plan pulls, or for nothing."""
    if request.spender != executor:
        return CheckResult(
            "approval", passed=False, detail=f"{request.spender} is not the executor; approve nobody else"
        )
    if request.amount not in (0, plan.chain_amount_in) or request.token != plan.intent.token_in:
        return CheckResult("approval", passed=False, detail="is not exactly the plan's amount; make a new plan")
    return CheckResult("approval", passed=True, detail=f"{TokenAmount(request.token, request.amount)} to the executor")


def grants_no_more(reason: str | None) -> CheckResult:
    """What a transaction's calldata itself grants, as `oms.execution.approvals` read it; a reason speaks against it."""
    if reason is not None:
        return CheckResult("calldata", passed=False, detail=reason)
    return CheckResult("calldata", passed=True, detail="grants no more than the plan needs")


def plan_is_fresh(
    plan: RoutePlan, *, now: float, chain_time: int, latest_block: int, limits: RiskLimits
) -> CheckResult:
    """The plan, its block and its firm quotes are young enough, and its deadline is ahead."""
    age = now - plan.created_at
    behind = latest_block - plan.block.number
    if not -limits.max_plan_age_seconds <= age <= limits.max_plan_age_seconds:
        return _stale(f"the plan is {age:.0f} s old, at most {limits.max_plan_age_seconds:.0f} are allowed")
    if not 0 <= behind <= limits.max_blocks_behind:
        return _stale(f"it is pinned {behind} blocks before the newest, at most {limits.max_blocks_behind} are allowed")
    if chain_time >= plan.deadline:
        return _stale(f"its deadline passed {chain_time - plan.deadline} s ago")
    for leg in plan.chain_legs:
        if isinstance(leg, MakerLeg) and leg.quote.expiry - chain_time < limits.min_quote_life_seconds:
            return _stale(f"{leg.venue}'s quote expires in {leg.quote.expiry - chain_time} s")
    for book in plan.exchange_legs:
        if not -1 <= now - book.book_read_at <= limits.max_book_age_seconds:
            return _stale(f"{book.venue}'s book is {now - book.book_read_at:.0f} s old")
    return CheckResult("quote age", passed=True, detail=f"{max(age, 0):.1f} s, {behind} blocks behind")


def _stale(reason: str) -> CheckResult:
    return CheckResult("quote age", passed=False, detail=f"{reason}; make a new plan")


def venues_enabled(plan: RoutePlan, limits: RiskLimits) -> CheckResult:
    """No leg uses a venue that the desk has switched off."""
    used = {_venue_name(leg) for leg in plan.legs}
    disabled = sorted(used & limits.disabled_venues)
    if disabled:
        detail = f"{', '.join(disabled)} switched off; enable it in the settings or plan without it"
        return CheckResult("venues", passed=False, detail=detail)
    return CheckResult("venues", passed=True, detail=", ".join(sorted(used)))


def _venue_name(leg: object) -> str:
    if isinstance(leg, ExchangeLeg):
        return leg.exchange
    if isinstance(leg, MakerLeg):
        return leg.quote.maker_name
    return leg.key.venue  # type: ignore[attr-defined,no-any-return]


def simulation_agrees(plan: RoutePlan, simulation: Simulation, realised_out: int) -> CheckResult:
    """The exact transaction was simulated, and pays to the unit what the plan promises."""
    if not simulation.succeeded:
        detail = f"would revert: {simulation.revert_reason}; make a new plan"
        return CheckResult("simulation", passed=False, detail=detail)
    if realised_out != plan.chain_amount_out:
        token = plan.intent.token_out
        detail = (
            f"pays {format_amount(realised_out, token.decimals)}, the plan says "
            f"{format_amount(plan.chain_amount_out, token.decimals)} {token}; make a new plan"
        )
        return CheckResult("simulation", passed=False, detail=detail)
    return CheckResult("simulation", passed=True, detail="equals the plan to the unit")


def exposure_within_limit(plan: RoutePlan, limits: RiskLimits) -> CheckResult:
    """What stays open until the exchange fills is at most the allowed share of the whole order."""
    open_amount = sum(leg.amount_in for leg in plan.exchange_legs)
    limit = limits.max_exposure_share
    if open_amount > Fraction(limit) * plan.amount_in:
        detail = f"{_percent(open_amount, plan.amount_in)} stays open, at most {limit:.0%}; use --venues without it"
        return CheckResult("exposure", passed=False, detail=detail)
    return CheckResult(
        "exposure", passed=True, detail=f"{_percent(open_amount, plan.amount_in)} of at most {limit:.0%}"
    )


def _percent(part: int, whole: int) -> str:
    return f"{Decimal(part) / Decimal(whole):.1%}" if whole else "0.0%"


def hedge_is_on_plan(leg: ExchangeLeg, planned: Iterable[ExchangeLeg], *, worst_bps: int) -> CheckResult:
    """A child order repeats a leg of the approved plan, and its limit is within the tolerance of its price."""
    if leg not in tuple(planned):
        return CheckResult("hedge", passed=False, detail="is not a leg of the plan; make a new plan")
    worst = abs(leg.limit_price - leg.expected_price) * BPS
    if worst > worst_bps * leg.expected_price:
        return CheckResult(
            "hedge", passed=False, detail=f"limit is more than {worst_bps} bps off; lower --slippage-bps"
        )
    return CheckResult(
        "hedge", passed=True, detail=f"{leg.side} {leg.size} {leg.symbol} at {leg.limit_price} or better"
    )


def exchange_balance_suffices(leg: ExchangeLeg, held: Decimal, currency: str, needed: Decimal) -> CheckResult:
    """The desk holds on the exchange what the child order gives."""
    name = f"balance on {leg.exchange}"
    if held < needed:
        return CheckResult(name, passed=False, detail=f"has {held} {currency}, needs {needed}; fund it or plan without")
    return CheckResult(name, passed=True, detail=f"{held} {currency} covers {needed}")


def exchange_unavailable(leg: ExchangeLeg, problem: str) -> CheckResult:
    """A failure: the exchange of a leg is not there, or does not tell what the desk holds."""
    return CheckResult(leg.exchange, passed=False, detail=f"{problem}; try again or plan without it")


def tokens_differ(token_in: Token, token_out: Token) -> CheckResult:
    """An order exchanges two different tokens."""
    if token_in.address == token_out.address:
        return CheckResult("tokens", passed=False, detail="the same token twice; name two different ones")
    return CheckResult("tokens", passed=True, detail=f"{token_in} to {token_out}")
