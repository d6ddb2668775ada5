"""From a plan to the executor's call: every leg as the executor will read it."""

from dataclasses import replace
from typing import Any

import pytest

from oms.domain.plans import MakerLeg, PoolLeg, RoutePlan, Spend, SpendKind
from oms.domain.token import Token
from oms.domain.venue import Family, PoolKey
from oms.errors import InvalidRequest, StateConflict
from oms.execution.plan_codec import (
    All,
    Balancer,
    Bound,
    Concentrated,
    ConstantProduct,
    Curve,
    Exact,
    MakerQuote,
    Share,
    Solidly,
    SwapOn,
    UniswapV4,
    decode_plan,
)
from oms.execution.settlement_calldata import allowance_request, packed_bytes, settlement_transaction
from oms.units import Address
from tests.unit.application.samples import (
    ETH,
    EXECUTOR,
    MAKER,
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

THIRD = Token(1, Address("0x" + "3" * 40), "DAI", 18)
VENUES = {
    (Family.UNISWAP_V2, "uniswap_v2"): 4,
    (Family.UNISWAP_V3, "uniswap_v3"): 5,
    (Family.SOLIDLY, "aerodrome"): 6,
}


@pytest.fixture(scope="module")
def plan() -> RoutePlan:
    """A pool and a maker."""
    return plan_of(report(sell(20), pool(1, 500), ladders=[ladder(("5", "2050"))]), maker(("5", "2050")))


def decoded(plan: RoutePlan, *, pulls: bool = False) -> Any:
    made = settlement_transaction(plan, owner=OWNER, executor=EXECUTOR, venue_ids=VENUES, pulls_from_owner=pulls)
    assert (made.chain_id, made.sender, made.to, made.value) == (1, OWNER, EXECUTOR, 0)
    return decode_plan(made.data)


def through(plan: RoutePlan, key: PoolKey, spend: Spend | None = None) -> RoutePlan:
    """The same plan with one leg, on this pool."""
    leg = next(leg for leg in plan.chain_legs if isinstance(leg, PoolLeg))
    return replace(plan, chain_legs=(replace(leg, key=key, spend=spend or leg.spend),))


def test_amounts_minimum_and_deadline_are_the_plans(plan: RoutePlan) -> None:
    packed = decoded(plan)
    assert [asset.amount for asset in packed.assets] == [plan.chain_amount_in, plan.chain_amount_out_min]
    assert [asset.bound for asset in packed.assets] == [Bound.FALL, Bound.RISE]
    assert packed.deadline == plan.deadline
    assert [int(token, 16) for token in packed.tokens] == [int(ETH.address, 16), int(USD.address, 16)]
    assert len(packed.legs) == len(plan.chain_legs) == 2


@pytest.mark.parametrize("pulls", [True, False])
def test_funds_and_proceeds_are_the_owners_exactly_where_they_are_pulled(plan: RoutePlan, pulls: bool) -> None:
    packed = decoded(plan, pulls=pulls)
    assert (packed.pull, packed.deliver) == (pulls, pulls)


@pytest.mark.parametrize(
    ("spend", "amount"),
    [
        (Spend(SpendKind.REST), All()),
        (Spend(SpendKind.SHARE, 2**31), Share(2**31)),
        (Spend(SpendKind.EXACT), None),
    ],
)
def test_a_legs_spend_is_what_the_executor_measures(plan: RoutePlan, spend: Spend, amount: object) -> None:
    leg = next(leg for leg in plan.chain_legs if isinstance(leg, PoolLeg))
    (packed,) = decoded(through(plan, leg.key, spend)).legs
    assert packed.amount == (amount or Exact(leg.amount_in))


def key(family: Family, venue: str, pool_id: str = "0x" + "c" * 40, **other: Any) -> PoolKey:
    return PoolKey(family, venue, pool_id, Address("0x" + "C" * 40), (ETH.address, USD.address), **other)


BALANCER_ID = "0x" + "0b" * 32


@pytest.mark.parametrize(
    ("pool_key", "swap"),
    [
        (key(Family.UNISWAP_V2, "uniswap_v2"), ConstantProduct(4)),
        (key(Family.UNISWAP_V3, "uniswap_v3", fee_pips=500), Concentrated(5, 500)),
        (
            key(Family.UNISWAP_V4, "uniswap_v4", fee_pips=3_000, tick_spacing=60, native=True),
            UniswapV4(3_000, 60, True),
        ),
        (key(Family.BALANCER_WEIGHTED, "balancer_v2", BALANCER_ID), Balancer(b"\x0b" * 32)),
        (key(Family.BALANCER_STABLE, "balancer_v2", BALANCER_ID), Balancer(b"\x0b" * 32)),
        (key(Family.SOLIDLY, "aerodrome", stable=True), Solidly(6, True)),
    ],
)
def test_each_family_is_named_as_the_executor_finds_it(plan: RoutePlan, pool_key: PoolKey, swap: SwapOn) -> None:
    (leg,) = decoded(through(plan, pool_key)).legs
    assert leg.swap == swap
    assert (leg.index_in, leg.index_out) == (0, 1)


@pytest.mark.parametrize(("family", "crypto"), [(Family.CURVE_STABLESWAP, False), (Family.CURVE_CRYPTOSWAP, True)])
def test_curves_coins_are_counted_in_the_pools_own_order(plan: RoutePlan, family: Family, crypto: bool) -> None:
    reversed_key = replace(key(family, "curve"), tokens=(USD.address, THIRD.address, ETH.address))
    (leg,) = decoded(through(plan, reversed_key)).legs
    assert isinstance(leg.swap, Curve)
    assert (leg.swap.i, leg.swap.j, leg.swap.crypto) == (2, 0, crypto)


def test_a_makers_quote_goes_in_as_it_was_signed(plan: RoutePlan) -> None:
    index = next(i for i, leg in enumerate(plan.chain_legs) if isinstance(leg, MakerLeg))
    leg = plan.chain_legs[index]
    assert isinstance(leg, MakerLeg)
    packed = decoded(plan).legs[index].swap
    assert isinstance(packed, MakerQuote)
    assert int(packed.maker, 16) == int(MAKER, 16)
    assert (packed.maker_amount, packed.taker_amount) == (leg.quote.maker_amount, leg.quote.taker_amount)
    assert (packed.nonce, packed.expiry, packed.signature) == (leg.quote.nonce, leg.quote.expiry, leg.quote.signature)


def test_tokens_between_come_after_the_orders_own_two(plan: RoutePlan) -> None:
    leg = next(leg for leg in plan.chain_legs if isinstance(leg, PoolLeg))
    first = replace(leg, token_out=THIRD, key=replace(leg.key, tokens=(ETH.address, THIRD.address)))
    second = replace(leg, token_in=THIRD, key=replace(leg.key, tokens=(THIRD.address, USD.address)))
    packed = decoded(replace(plan, chain_legs=(first, second)))
    assert [int(token, 16) for token in packed.tokens] == [int(t.address, 16) for t in (ETH, USD, THIRD)]
    assert [(leg.index_in, leg.index_out) for leg in packed.legs] == [(0, 2), (2, 1)]


REST = Spend(SpendKind.REST)


def two_hops(plan: RoutePlan, first: Family, second: Family, *, spend: Spend = REST) -> RoutePlan:
    leg = next(leg for leg in plan.chain_legs if isinstance(leg, PoolLeg))
    venue = {Family.UNISWAP_V2: "uniswap_v2", Family.UNISWAP_V3: "uniswap_v3", Family.SOLIDLY: "aerodrome"}
    one = replace(leg, token_out=THIRD, key=key(first, venue.get(first, "other"), BALANCER_ID))
    two = replace(leg, token_in=THIRD, key=key(second, venue.get(second, "other"), BALANCER_ID), spend=spend)
    return replace(plan, chain_legs=(one, two))


@pytest.mark.parametrize(
    ("first", "second", "handed"),
    [
        (Family.UNISWAP_V2, Family.UNISWAP_V3, True),
        (Family.UNISWAP_V2, Family.UNISWAP_V2, True),
        (Family.UNISWAP_V3, Family.UNISWAP_V2, True),
        (Family.SOLIDLY, Family.UNISWAP_V3, True),
        (Family.UNISWAP_V3, Family.UNISWAP_V3, False),
        (Family.BALANCER_WEIGHTED, Family.UNISWAP_V2, False),
        (Family.UNISWAP_V2, Family.BALANCER_WEIGHTED, False),
    ],
)
def test_a_pool_that_can_pay_the_next_one_hands_on(
    plan: RoutePlan, first: Family, second: Family, handed: bool
) -> None:
    packed = decoded(two_hops(plan, first, second))
    assert [leg.hands_on for leg in packed.legs] == [handed, False]
    assert len(packed.handed) == handed
    assert len(packed.assets) == 3 - handed


def test_what_two_legs_share_rests_in_the_executor(plan: RoutePlan) -> None:
    hops = two_hops(plan, Family.UNISWAP_V2, Family.UNISWAP_V3)
    other = replace(hops.chain_legs[0], spend=Spend(SpendKind.SHARE, 2**31))
    packed = decoded(replace(hops, chain_legs=(other, *hops.chain_legs)))
    assert not any(leg.hands_on for leg in packed.legs)
    assert packed.handed == ()


def test_a_hop_that_sells_only_a_part_is_not_handed_it(plan: RoutePlan) -> None:
    packed = decoded(two_hops(plan, Family.UNISWAP_V2, Family.UNISWAP_V3, spend=Spend(SpendKind.EXACT)))
    assert not any(leg.hands_on for leg in packed.legs)


def test_a_venue_that_the_executor_does_not_list_is_refused(plan: RoutePlan) -> None:
    with pytest.raises(StateConflict, match="setVenue"):
        decoded(through(plan, key(Family.UNISWAP_V2, "elsewhere")))


def test_a_quote_for_another_taker_is_refused(plan: RoutePlan) -> None:
    with pytest.raises(StateConflict, match="not for this executor"):
        settlement_transaction(plan, owner=OWNER, executor=MAKER, venue_ids=VENUES, pulls_from_owner=False)


@pytest.mark.parametrize(
    "change", [{"chain_amount_in": 0}, {"chain_amount_in": 2**128}, {"chain_amount_out_min": 0}, {"deadline": 2**40}]
)
def test_a_plan_that_the_executor_would_not_decode_is_not_encoded(plan: RoutePlan, change: dict[str, int]) -> None:
    with pytest.raises(InvalidRequest, match="plan"):
        decoded(replace(plan, **change))  # type: ignore[arg-type]


def test_an_approval_is_a_call_of_the_token_by_its_owner(plan: RoutePlan) -> None:
    request = allowance_request(plan, owner=OWNER, executor=EXECUTOR, amount=7)
    assert (request.transaction.sender, request.transaction.to) == (OWNER, ETH.address)
    assert request.transaction.data.hex() == f"095ea7b3{int(EXECUTOR, 16):064x}{7:064x}"
    assert (request.spender, request.amount) == (EXECUTOR, 7)


def test_an_approval_that_would_stand_after_the_plan_is_not_built(plan: RoutePlan) -> None:
    needed = plan.chain_amount_in
    assert allowance_request(plan, owner=OWNER, executor=EXECUTOR, amount=needed).amount == needed
    for amount in (needed + 1, 2**128, 2**256 - 1, -1):
        with pytest.raises(StateConflict, match="approve no more than the plan pulls"):
            allowance_request(plan, owner=OWNER, executor=EXECUTOR, amount=amount)


def test_a_plan_of_a_batch_trades_what_the_executor_holds(plan: RoutePlan) -> None:
    packed = decode_plan(packed_bytes(plan, executor=EXECUTOR, venue_ids=VENUES))
    assert packed == decoded(plan, pulls=False)
    assert (packed.pull, packed.deliver) == (False, False)


def test_a_plan_with_a_leg_that_no_chain_settles_is_no_part_of_a_batch() -> None:
    mixed = plan_of(report(sell(60), pool(1, 500), books=[book()]))
    assert mixed.exchange_legs
    with pytest.raises(InvalidRequest, match="no chain settles"):
        packed_bytes(mixed, executor=EXECUTOR, venue_ids=VENUES)
    with pytest.raises(InvalidRequest, match="no chain settles"):
        packed_bytes(replace(mixed, chain_legs=()), executor=EXECUTOR, venue_ids=VENUES)
