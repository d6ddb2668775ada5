"""From a quote to a plan: what a maker signs, refuses or spoils, and what is enforced on chain."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms.application.planning import PlanTerms, make_plan, require_fits
from oms.application.quoting import QuoteReport
from oms.config import HedgeCosts
from oms.domain.plans import MakerLeg, RoutePlan
from oms.domain.quotes import FirmQuote, QuoteRequest
from oms.errors import OmsError, OutcomeUnknown, QuoteRefused, Refusal, Retryable, Terminal
from oms.execution.settlement_calldata import settlement_transaction
from oms.routing.gas_model import TRANSACTION_GAS_LIMIT
from oms.units import BPS, Address, Bps, Gas
from tests.ports.fakes import FakeMaker
from tests.unit.application.samples import (
    CLOCK,
    EXECUTOR,
    NOW,
    OWNER,
    TERMS,
    book,
    buy,
    ladder,
    maker,
    plan_of,
    pool,
    report,
    sell,
)

GENEROUS = ("50", "2100")
"""Better than the pools, which open at 2,000."""


class Refusing(FakeMaker):
    """Shows a ladder and does not sign."""

    error: OmsError = Retryable("maker local", "no answer within 2 s; ask again")

    def firm_quote(self, request: QuoteRequest) -> FirmQuote:
        raise self.error


class Worse(FakeMaker):
    """Signs for a part of what it showed."""

    percent = 90

    def firm_quote(self, request: QuoteRequest) -> FirmQuote:
        quote = super().firm_quote(request)
        return replace(quote, maker_amount=quote.maker_amount * self.percent // 100)


class Smaller(FakeMaker):
    """Signs for less than it was asked to take."""

    def firm_quote(self, request: QuoteRequest) -> FirmQuote:
        quote = super().firm_quote(request)
        return replace(quote, taker_amount=quote.taker_amount // 2, maker_amount=quote.maker_amount // 2)


def of_kind(kind: type[FakeMaker]) -> FakeMaker:
    honest = maker(GENEROUS)
    return kind(honest.name, honest.key, honest.address, honest.settlement, honest.levels, honest.chain_time)


def far_worse() -> FakeMaker:
    """Signs below what the pool of these tests pays for the last unit of the order."""
    maker = of_kind(Worse)
    maker.percent = 80  # type: ignore[attr-defined]
    return maker


PATIENT = replace(TERMS, slippage=Bps(5_000))
"""Terms that accept what is left when a maker of these tests, far better than the pools, does not sign."""


def planned(found: QuoteReport, *makers: FakeMaker, terms: PlanTerms = PATIENT) -> tuple[RoutePlan, list[str]]:
    plan, refusals = make_plan(found, terms, makers=makers, tokens=found.tokens, clock=CLOCK)
    return plan, [refusal.reason for refusal in refusals]


def test_a_plan_far_worse_than_its_quote_is_refused() -> None:
    """A maker may not show a price, withhold its signature, and so move the order past its tolerance."""
    found = report(sell(20), pool(1, 500), ladders=[ladder(GENEROUS)])
    with pytest.raises(QuoteRefused, match="outside the tolerance"):
        planned(found, of_kind(Refusing), terms=TERMS)


def test_a_plan_carries_the_impact_of_what_it_really_does() -> None:
    found = report(sell(20), pool(1, 500), ladders=[ladder(GENEROUS)])
    plan, _ = planned(found, of_kind(Refusing))
    assert plan.impact_bps > 100
    assert plan.impact_bps == pytest.approx(report(sell(20), pool(1, 500)).impact_bps)


def test_a_firm_quote_takes_the_ladders_place_for_exactly_its_share() -> None:
    found = report(sell(20), pool(1, 500), ladders=[ladder(GENEROUS)])
    plan, refusals = planned(found, of_kind(FakeMaker))
    (leg,) = (leg for leg in plan.chain_legs if isinstance(leg, MakerLeg))
    assert refusals == []
    assert leg.quote.taker_amount == leg.amount_in
    assert leg.quote.taker == EXECUTOR
    assert leg.amount_out == leg.quote.maker_amount
    assert sum(leg.amount_in for leg in plan.chain_legs) == plan.amount_in == 20 * 10**18


@pytest.mark.parametrize(
    "error",
    [
        Retryable("maker local", "no answer within 2 s"),
        Terminal("maker local", "signed for another amount"),
        OutcomeUnknown("maker local", "the connection broke"),
    ],
)
def test_a_maker_that_does_not_sign_is_left_out_and_named(error: OmsError) -> None:
    refusing = of_kind(Refusing)
    refusing.error = error  # type: ignore[attr-defined]
    found = report(sell(20), pool(1, 500), ladders=[ladder(GENEROUS)])
    plan, refusals = planned(found, refusing)
    assert not [leg for leg in plan.chain_legs if isinstance(leg, MakerLeg)]
    assert refusals == [str(error)]
    assert plan.amount_in == 20 * 10**18


def test_a_maker_that_signs_for_less_than_it_was_asked_is_left_out() -> None:
    found = report(sell(20), pool(1, 500), ladders=[ladder(GENEROUS)])
    plan, refusals = planned(found, of_kind(Smaller))
    assert not [leg for leg in plan.chain_legs if isinstance(leg, MakerLeg)]
    assert len(refusals) == 1
    assert "signed for" in refusals[0]


def test_a_maker_whose_firm_quote_is_worse_than_doing_without_is_left_out() -> None:
    found = report(sell(20), pool(1, 500), ladders=[ladder(GENEROUS)])
    plan, refusals = planned(found, far_worse())
    without = plan_of(report(sell(20), pool(1, 500)))
    assert refusals == ["its firm quote was worse than doing without it"]
    assert plan.amount_out == without.amount_out


def test_a_maker_that_worsens_a_little_and_still_beats_the_pools_is_kept() -> None:
    slightly = of_kind(Worse)
    slightly.percent = 99  # type: ignore[attr-defined]
    found = report(sell(20), pool(1, 500), ladders=[ladder(GENEROUS)])
    plan, refusals = planned(found, slightly)
    assert [leg for leg in plan.chain_legs if isinstance(leg, MakerLeg)]
    assert refusals == []
    assert plan.amount_out < found.split.amount_out


def test_a_firm_quote_that_worsened_takes_only_what_it_still_does_best() -> None:
    """At 1,890 it beats the pool for the last units alone, and what was asked of it may be filled in part."""
    found = report(sell(20), pool(1, 500), ladders=[ladder(GENEROUS)])
    plan, refusals = planned(found, of_kind(Worse))
    (leg,) = (leg for leg in plan.chain_legs if isinstance(leg, MakerLeg))
    assert refusals == []
    assert 0 < leg.amount_in < leg.quote.taker_amount
    assert plan.amount_out > plan_of(report(sell(20), pool(1, 500))).amount_out


def test_when_the_only_source_refuses_its_error_is_the_answer() -> None:
    found = report(sell(20), ladders=[ladder(GENEROUS)])
    with pytest.raises(Retryable, match="no answer"):
        planned(found, of_kind(Refusing))


def test_a_purchase_that_the_only_maker_cannot_bring_is_refused() -> None:
    found = report(buy(40_000), ladders=[ladder(GENEROUS)])
    with pytest.raises(QuoteRefused, match="signed for less"):
        planned(found, of_kind(Worse))


def test_a_purchase_falls_back_when_the_maker_worsens() -> None:
    found = report(buy(40_000), pool(1, 500), ladders=[ladder(GENEROUS)])
    plan, refusals = planned(found, far_worse())
    assert refusals == ["its firm quote was worse than doing without it"]
    assert plan.amount_out >= 40_000 * 10**6


def test_two_makers_are_each_asked_for_their_own_share() -> None:
    ladders = [ladder(("5", "2100"), name="one"), ladder(("5", "2090"), name="two")]
    found = report(sell(20), pool(1, 500), ladders=ladders)
    one, two = maker(("5", "2100"), name="one"), maker(("5", "2090"), name="two")
    plan, refusals = planned(found, one, two)
    assert refusals == []
    assert {leg.quote.maker_name for leg in plan.chain_legs if isinstance(leg, MakerLeg)} == {"one", "two"}


def test_one_maker_that_refuses_leaves_the_other() -> None:
    refusing = of_kind(Refusing)
    refusing.name = "two"
    ladders = [ladder(("5", "2100"), name="one"), ladder(("5", "2090"), name="two")]
    found = report(sell(20), pool(1, 500), ladders=ladders)
    plan, refusals = planned(found, maker(("5", "2100"), name="one"), refusing)
    assert {leg.quote.maker_name for leg in plan.chain_legs if isinstance(leg, MakerLeg)} == {"one"}
    assert len(refusals) == 1


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 100), st.integers(1, 5_000))
def test_a_sales_minimum_is_its_tolerance_rounded_up(eth: int, slippage: int) -> None:
    found = report(sell(eth), pool(1, 5_000))
    terms = replace(TERMS, slippage=slippage)
    plan, _ = make_plan(found, terms, makers=(), tokens=found.tokens, clock=CLOCK)
    assert 0 <= plan.chain_amount_out_min * BPS - plan.chain_amount_out * (BPS - slippage) < BPS


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 1_000_000))
def test_a_purchases_minimum_is_at_least_what_was_wanted(usd: int) -> None:
    plan = plan_of(report(buy(usd), pool(1, 5_000)))
    assert plan.chain_amount_out_min >= usd * 10**6
    assert plan.chain_amount_out_min <= plan.chain_amount_out


def test_an_exchange_leg_says_what_it_leaves_open_and_within_which_limit() -> None:
    plan = plan_of(report(sell(20), pool(1, 500), books=[book(size="8")]))
    assert plan.chain_legs
    (leg,) = plan.exchange_legs
    assert leg.size > 0
    assert leg.exposure.open_amount == leg.size
    assert leg.exposure.worst_case_cost == (leg.expected_price - leg.limit_price) * leg.size
    assert leg.limit_price >= leg.expected_price * (BPS - TERMS.slippage) / BPS
    assert plan.chain_amount_in + leg.amount_in == plan.amount_in
    assert plan.chain_amount_out + leg.amount_out == plan.amount_out


def test_a_plan_carries_the_proof_of_its_quote() -> None:
    found = report(sell(20), pool(1, 500), pool(2, 700))
    plan, proof = plan_of(found), found.route.certificate
    assert (plan.bound, plan.arbitrage, plan.gap_bps) == (proof.bound, proof.arbitrage, proof.gap_bps)
    assert plan.gap_reason == proof.reason == ""
    assert plan.amount_out <= plan.bound


def test_the_proof_is_of_the_market_that_is_left_when_a_maker_does_not_sign() -> None:
    found = report(sell(20), pool(1, 500), ladders=[ladder(GENEROUS)])
    plan, _ = planned(found, of_kind(Refusing))
    without = report(sell(20), pool(1, 500)).route.certificate
    assert plan.bound == without.bound < found.route.certificate.bound
    assert plan.gap_bps == pytest.approx(without.gap_bps)


def test_gas_is_that_of_the_whole_transaction_and_dearer_where_the_owner_pays_by_allowance() -> None:
    found = report(sell(20), pool(1, 500), pool(2, 700), gas_price=10**9)
    plan = plan_of(found)
    pulled, _ = planned(found, terms=replace(TERMS, pulls=True))
    assert plan.gas == found.split.gas
    assert plan.gas_wei == found.gas_wei == plan.gas * 10**9
    assert pulled.gas > plan.gas + 20_000


def test_what_a_hedge_is_expected_to_cost_is_no_gas_and_lowers_the_net() -> None:
    found = report(sell(20), pool(1, 500), books=[book(size="50")], hedge=HedgeCosts(risk_aversion=50.0))
    plan = plan_of(found)
    assert plan.exchange_legs
    assert plan.charges == found.split.charges > 0
    assert plan.gas_cost == 0, "no venue prices the coin here"
    assert plan.net_out == plan.amount_out - plan.charges == found.split.net_out


def test_a_plan_that_no_transaction_can_hold_is_refused_with_the_remedy() -> None:
    split = report(sell(20), pool(1, 500)).split
    require_fits(replace(split, gas=Gas(TRANSACTION_GAS_LIMIT)))
    with pytest.raises(QuoteRefused, match="in parts") as caught:
        require_fits(replace(split, gas=Gas(TRANSACTION_GAS_LIMIT + 1)))
    assert caught.value.reason is Refusal.TOO_MUCH_GAS


def test_a_plan_is_named_by_its_content() -> None:
    found = report(sell(20), pool(1, 500))
    assert plan_of(found).plan_id == plan_of(found).plan_id
    assert plan_of(found).plan_id != plan_of(report(sell(21), pool(1, 500))).plan_id
    assert plan_of(found).created_at == NOW


def test_a_quote_signed_for_another_taker_is_never_encoded() -> None:
    plan = plan_of(report(sell(20), ladders=[ladder(GENEROUS)]), of_kind(FakeMaker))
    other = Address("0x" + "b" * 40)
    with pytest.raises(OmsError, match="not for this executor"):
        settlement_transaction(plan, owner=OWNER, executor=other, venue_ids={}, pulls_from_owner=False)
