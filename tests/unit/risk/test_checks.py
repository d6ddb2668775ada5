"""Each of the gate's checks, on both sides of its boundary."""

from dataclasses import replace
from decimal import Decimal

import pytest

from oms.config import RiskLimits
from oms.domain.plans import MakerLeg, RoutePlan
from oms.domain.token import Token, TokenAmount
from oms.domain.transactions import Simulation
from oms.execution.settlement_calldata import allowance_request
from oms.risk import checks
from oms.risk.gate import CheckResult
from oms.units import Address, Bps, Gas
from tests.unit.application.samples import (
    ETH,
    EXECUTOR,
    NOW,
    OWNER,
    USD,
    book,
    ladder,
    maker,
    plan_of,
    pool,
    report,
    sell,
)

LIMITS = RiskLimits()


@pytest.fixture(scope="module")
def plan() -> RoutePlan:
    found = report(sell(20), pool(1, 500), ladders=[ladder(("5", "2050"))], books=[book(size="4")])
    return plan_of(found, maker(("5", "2050")))


def denied(finding: CheckResult) -> str:
    """Why it failed; every failure says what to do after a semicolon."""
    assert not finding.passed
    assert "; " in finding.detail, finding.detail
    return finding.detail


def test_size_is_allowed_up_to_the_limit_and_not_a_base_unit_above() -> None:
    limits = RiskLimits(max_order_size={"WETH": Decimal("2.5")})
    assert checks.size_within_limit(TokenAmount(ETH, 25 * 10**17), limits).passed
    denied(checks.size_within_limit(TokenAmount(ETH, 25 * 10**17 + 1), limits))
    unlimited = Token(1, Address("0x" + "7" * 40), "PEPE", 18)
    assert checks.size_within_limit(TokenAmount(unlimited, 10**60), limits).passed


def test_size_is_exact_beyond_a_decimals_precision() -> None:
    """31 digits: a context of 28 would round the last unit away."""
    token = Token(1, Address("0x" + "7" * 40), "PEPE", 18)
    limits = RiskLimits(max_order_size={"PEPE": Decimal(10) ** 13})
    assert checks.size_within_limit(TokenAmount(token, 10**31), limits).passed
    denied(checks.size_within_limit(TokenAmount(token, 10**31 + 1), limits))


def test_slippage_is_allowed_up_to_the_limit(plan: RoutePlan) -> None:
    assert plan.slippage == 30
    assert checks.slippage_within_limit(plan, RiskLimits(max_slippage_bps=30)).passed
    denied(checks.slippage_within_limit(plan, RiskLimits(max_slippage_bps=29)))


def test_a_minimum_below_the_plans_own_tolerance_is_denied(plan: RoutePlan) -> None:
    least = plan.chain_amount_out * (10_000 - 30) // 10_000
    assert checks.slippage_within_limit(replace(plan, chain_amount_out_min=least), LIMITS).passed
    denied(checks.slippage_within_limit(replace(plan, chain_amount_out_min=least - 1), LIMITS))
    denied(checks.slippage_within_limit(replace(plan, chain_amount_out_min=0, slippage=Bps(100)), LIMITS))


@pytest.mark.parametrize(("impact", "passed"), [(0.0, True), (300.0, True), (300.1, False), (float("inf"), False)])
def test_impact_is_allowed_up_to_the_limit(impact: float, passed: bool) -> None:
    assert checks.impact_within_limit(impact, LIMITS).passed is passed


def test_an_impact_that_is_not_known_is_denied() -> None:
    denied(checks.impact_within_limit(float("nan"), LIMITS))


def test_a_balance_must_cover_the_amount_to_the_unit() -> None:
    needed = TokenAmount(USD, 1_000_000)
    assert checks.balance_suffices(needed, 1_000_000, holder="executor").passed
    assert "fund it" in denied(checks.balance_suffices(needed, 999_999, holder="executor"))


@pytest.mark.parametrize(
    ("allowed", "pulls", "passed"),
    [(0, False, True), (0, True, True), (7, True, True), (7, False, False), (8, True, False), (6, True, False)],
)
def test_no_allowance_but_the_plans_own_may_stand(allowed: int, pulls: bool, passed: bool) -> None:
    assert checks.nothing_stands_approved(TokenAmount(USD, 7), allowed, pulls=pulls).passed is passed


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        ({}, True),
        ({"now": NOW + 60.0}, True),
        ({"now": NOW + 60.1}, False),
        ({"now": NOW - 60.1}, False),
        ({"now": float("nan")}, False),
        ({"latest_block": 101}, True),
        ({"latest_block": 102}, False),
        ({"latest_block": 99}, False),
        ({"chain_time": NOW + 55}, True),
        ({"chain_time": NOW + 56}, False),
    ],
)
def test_a_plan_is_fresh_within_its_ages(plan: RoutePlan, changes: dict[str, float], passed: bool) -> None:
    """The maker's quote lives sixty seconds, of which five must be left."""
    given = {"now": float(NOW), "chain_time": NOW, "latest_block": 100} | changes
    patient = LIMITS.model_copy(update={"max_book_age_seconds": 120.0})
    finding = checks.plan_is_fresh(plan, limits=patient, **given)  # type: ignore[arg-type]
    assert finding.passed is passed
    if not passed:
        assert "make a new plan" in denied(finding)


@pytest.mark.parametrize(("age", "passed"), [(0.0, True), (10.0, True), (10.1, False), (-2.0, False)])
def test_an_exchange_leg_is_fresh_while_its_book_is(plan: RoutePlan, age: float, passed: bool) -> None:
    finding = checks.plan_is_fresh(plan, now=NOW + age, chain_time=NOW, latest_block=100, limits=LIMITS)
    assert finding.passed is passed


def test_a_deadline_is_over_when_it_is_reached(plan: RoutePlan) -> None:
    pools = replace(plan, chain_legs=tuple(leg for leg in plan.chain_legs if not isinstance(leg, MakerLeg)))
    last = {"now": float(NOW), "latest_block": 100, "limits": LIMITS}
    assert checks.plan_is_fresh(pools, chain_time=pools.deadline - 1, **last).passed  # type: ignore[arg-type]
    denied(checks.plan_is_fresh(pools, chain_time=pools.deadline, **last))  # type: ignore[arg-type]


@pytest.mark.parametrize("venue", ["uniswap_v2", "local", "paper"])
def test_any_leg_on_a_disabled_venue_is_denied(plan: RoutePlan, venue: str) -> None:
    assert checks.venues_enabled(plan, RiskLimits(disabled_venues=frozenset({"curve"}))).passed
    assert venue in denied(checks.venues_enabled(plan, RiskLimits(disabled_venues=frozenset({venue, "curve"}))))


def test_a_simulation_must_pay_to_the_unit(plan: RoutePlan) -> None:
    done = Simulation(True, Gas(1), (), ())
    assert checks.simulation_agrees(plan, done, plan.chain_amount_out).passed
    for off in (-1, 1):
        denied(checks.simulation_agrees(plan, done, plan.chain_amount_out + off))
    failed = Simulation(False, Gas(1), (), (), b"", "reverted")
    denied(checks.simulation_agrees(plan, failed, plan.chain_amount_out))


def test_exposure_is_allowed_up_to_its_share(plan: RoutePlan) -> None:
    open_amount = sum(leg.amount_in for leg in plan.exchange_legs)
    share = Decimal(open_amount) / Decimal(plan.amount_in)
    assert open_amount > 0
    assert checks.exposure_within_limit(plan, RiskLimits(max_exposure_share=share)).passed
    denied(checks.exposure_within_limit(plan, RiskLimits(max_exposure_share=share - Decimal("1e-18"))))


def test_a_hedge_must_be_a_leg_of_the_plan_within_tolerance(plan: RoutePlan) -> None:
    (leg,) = plan.exchange_legs
    assert checks.hedge_is_on_plan(leg, plan.exchange_legs, worst_bps=100).passed
    denied(checks.hedge_is_on_plan(replace(leg, size=leg.size + 1), plan.exchange_legs, worst_bps=100))
    denied(checks.hedge_is_on_plan(leg, (), worst_bps=100))
    at_limit = replace(leg, expected_price=Decimal(2_000), limit_price=Decimal(1_980))
    beyond = replace(at_limit, limit_price=Decimal("1979.99"))
    assert checks.hedge_is_on_plan(at_limit, [at_limit], worst_bps=100).passed
    denied(checks.hedge_is_on_plan(beyond, [beyond], worst_bps=100))


def test_an_exchange_balance_must_cover_the_child_order(plan: RoutePlan) -> None:
    (leg,) = plan.exchange_legs
    assert checks.exchange_balance_suffices(leg, Decimal(4), "ETH", Decimal(4)).passed
    denied(checks.exchange_balance_suffices(leg, Decimal("3.9999"), "ETH", Decimal(4)))


def test_an_exchange_that_is_not_there_is_denied_with_the_reason(plan: RoutePlan) -> None:
    (leg,) = plan.exchange_legs
    assert "is not connected" in denied(checks.exchange_unavailable(leg, "is not connected"))


def test_an_approval_is_for_the_executor_and_exact(plan: RoutePlan) -> None:
    def asked(amount: int, executor: Address = EXECUTOR) -> CheckResult:
        honest = allowance_request(plan, owner=OWNER, executor=executor, amount=0)
        request = replace(honest, amount=amount)  # more is not even built
        return checks.allowance_is_exact(request, plan, executor=EXECUTOR)

    assert asked(plan.chain_amount_in).passed
    assert asked(0).passed
    denied(asked(plan.chain_amount_in + 1))
    denied(asked(plan.chain_amount_in, executor=OWNER))


def test_calldata_that_grants_too_much_is_denied_with_the_reason() -> None:
    assert checks.grants_no_more(None).passed
    assert "it lets" in denied(checks.grants_no_more("it lets somebody take; approve nobody else"))


def test_the_same_token_twice_is_denied() -> None:
    assert checks.tokens_differ(ETH, USD).passed
    denied(checks.tokens_differ(ETH, Token(1, ETH.address, "ETHER", 18)))
