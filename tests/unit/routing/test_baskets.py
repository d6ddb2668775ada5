"""Baskets on small markets: exact sums, proportions, netting, bounds, limits."""

import math
from collections.abc import Mapping, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms.domain.plans import SpendKind
from oms.errors import InvalidRequest, QuoteRefused, Refusal
from oms.liquidity.listing import ListedPool
from oms.routing.allocation import FREE_GAS, LegFill
from oms.routing.baskets import Basket, BasketTerms, BestValue, InProportion, Measure, buy_basket, sell_basket
from oms.routing.market import PoolEdge, edges_of, fill
from oms.routing.prepared import PreparedMarket
from oms.routing.route import RouteTerms, sell
from oms.units import Address
from tests.unit.routing.market_samples import A, B, C, D, listed

ONE = 10**18
TOKENS = (A, B, C, D)
FREE = BasketTerms()


def prepared(pools: Sequence[ListedPool]) -> PreparedMarket:
    return PreparedMarket.of(edges_of(pools, TOKENS))


def fair(number: int, token0: Address, token1: Address, depth: int) -> ListedPool:
    return listed(number, token0, token1, depth * ONE, depth * ONE)


def complete(depth: int = 10_000) -> list[ListedPool]:
    """A pair for every two of the four tokens, all worth the same."""
    pairs = [(A, B), (A, C), (A, D), (B, C), (B, D), (C, D)]
    return [fair(number + 1, *pair, depth * (number + 2)) for number, pair in enumerate(pairs)]


@st.composite
def markets(draw: st.DrawFn) -> list[ListedPool]:
    """Four tokens of different worth, all joined, and some more pairs; deep against a basket of some units."""
    worth = {token: draw(st.integers(1, 1000)) for token in TOKENS}
    pairs = [(A, B), (B, C), (C, D)]
    pairs += draw(st.lists(st.sampled_from([(A, B), (A, C), (A, D), (B, C), (B, D), (C, D)]), max_size=6))
    pools = []
    for number, (token0, token1) in enumerate(pairs):
        held = draw(st.integers(10**22, 10**25))
        off = draw(st.integers(998, 1002))
        pools.append(listed(number + 1, token0, token1, held // worth[token0], held * off // 1000 // worth[token1]))
    return pools


def check_sums(basket: Basket, market: PreparedMarket) -> None:
    """Every leg again on shared states; of each token what comes in is what goes out and what is left."""
    states = dict(market.table.states)
    held = dict(basket.amounts_in)
    for leg in basket.legs:
        done = fill(leg.edge, states[leg.edge.state_id], leg.amount_in)
        states[leg.edge.state_id] = done.next_state
        assert done.amount_out == leg.amount_out
        held[leg.edge.token_in] = held.get(leg.edge.token_in, 0) - leg.amount_in
        assert held[leg.edge.token_in] >= 0
        held[leg.edge.token_out] = held.get(leg.edge.token_out, 0) + leg.amount_out
    left = {token: amount for token, amount in held.items() if amount}
    expected = {token: amount for token, amount in basket.amounts_out.items() if amount}
    dust = {token: amount for token, amount in left.items() if token not in expected}
    assert {token: left[token] for token in expected} == expected
    assert all(leg.spend.kind is SpendKind.EXACT for leg in basket.legs) or not dust
    if dust:  # a purchase's rounding, between its legs
        assert max(dust.values()) < 10**6


def value(amounts: Mapping[Address, int], market: PreparedMarket) -> float:
    values, index = market.flat.log_values, market.table.index
    return sum(amount * math.exp(values[index[token]]) for token, amount in amounts.items())


def test_what_one_part_sells_and_another_buys_is_not_traded() -> None:
    market = prepared(complete())
    basket = sell_basket(market, {A: 10 * ONE, B: 10 * ONE}, InProportion({B: 1.0, A: 1.0}), FREE)
    assert sum(leg.amount_in for leg in basket.legs) < ONE // 100
    assert basket.shortfall_bps < 0.05
    assert sum(basket.amounts_out.values()) == pytest.approx(20 * ONE, rel=1e-5)


def test_a_chain_of_swaps_is_netted() -> None:
    market = prepared([fair(1, A, B, 1000), fair(2, B, C, 1000), fair(3, A, C, 1000)])
    basket = sell_basket(market, {A: 10 * ONE, B: 10 * ONE}, InProportion({B: 0.5, C: 0.5}), FREE)
    # A for B and B for C would cost two fees; A for C costs one, and B stays
    assert basket.amounts_out[B] == pytest.approx(basket.amounts_out[C], rel=1e-3)
    assert basket.shortfall_bps < 60


def test_proportions_are_kept_to_a_billionth() -> None:
    market = prepared(complete())
    by_value = sell_basket(market, {A: 50 * ONE, B: 20 * ONE}, InProportion({C: 60.0, D: 40.0}), FREE)
    shares = [amount * by_value.prices[token] / by_value.value_out for token, amount in by_value.amounts_out.items()]
    assert shares == pytest.approx([0.6, 0.4], rel=1e-8)
    by_amount = sell_basket(market, {A: 50 * ONE}, InProportion({B: 1.0, C: 2.0}, Measure.AMOUNT), FREE)
    assert by_amount.amounts_out[C] == pytest.approx(2 * by_amount.amounts_out[B], rel=1e-8)


def test_the_best_value_goes_to_what_is_worth_most_until_it_is_not() -> None:
    market = prepared([fair(1, A, B, 1000), fair(2, A, C, 1000)])
    even = sell_basket(market, {A: 100 * ONE}, BestValue({B: 1.0, C: 1.0}), FREE)
    assert even.amounts_out[B] == pytest.approx(even.amounts_out[C], rel=1e-9)
    tilted = sell_basket(market, {A: 100 * ONE}, BestValue({B: 1.0, C: 1.05}), FREE)
    assert tilted.amounts_out[C] > tilted.amounts_out[B] > 0
    marginal = {}
    for leg in tilted.legs:
        after = fill(leg.edge, market.table.states[leg.edge.state_id], leg.amount_in).next_state
        marginal[leg.edge.token_out] = fill(leg.edge, after, ONE // 1000).amount_out
    assert marginal[B] == pytest.approx(1.05 * marginal[C], rel=1e-4)
    only = sell_basket(market, {A: 100 * ONE}, BestValue({B: 1.0, C: 9.0}), FREE)
    assert only.amounts_out[B] == 0


def test_an_output_that_is_overpriced_is_not_sold_short() -> None:
    market = prepared(complete())
    basket = sell_basket(market, {A: 10 * ONE}, BestValue({B: 1.0, C: 3.0}), FREE)
    assert basket.amounts_out[B] == 0
    check_sums(basket, market)


def test_a_purchase_pays_the_least_for_all() -> None:
    market = prepared(complete())
    wanted = {B: 30 * ONE, C: 20 * ONE, D: 7 * ONE}
    basket = buy_basket(market, A, wanted, FREE)
    assert all(basket.amounts_out[token] >= amount for token, amount in wanted.items())
    assert basket.gap_bps < 0.01
    assert basket.bound <= basket.amounts_in[A] == basket.result
    check_sums(basket, market)


def test_a_shortfall_above_its_limit_is_refused() -> None:
    market = prepared(complete())
    free = sell_basket(market, {A: 100 * ONE}, InProportion({B: 1.0}), FREE)
    assert 10 < free.shortfall_bps < 100
    for most, refused in ((free.shortfall_bps + 0.01, False), (free.shortfall_bps - 0.01, True)):
        terms = BasketTerms(max_shortfall_bps=most)
        if not refused:
            assert sell_basket(market, {A: 100 * ONE}, InProportion({B: 1.0}), terms).shortfall_bps <= most
            continue
        with pytest.raises(QuoteRefused) as error:
            sell_basket(market, {A: 100 * ONE}, InProportion({B: 1.0}), terms)
        assert error.value.reason is Refusal.WORSE_THAN_QUOTED


def test_gas_thins_a_basket_to_what_pays() -> None:
    market = prepared(complete())
    inputs, goal = {A: 100 * ONE, B: 3 * ONE}, InProportion({C: 0.5, D: 0.5})
    free = sell_basket(market, inputs, goal, FREE)
    costly = sell_basket(market, inputs, goal, BasketTerms(A, 1e12))
    assert len(costly.legs) < len(free.legs)
    price = math.exp(market.flat.log_values[market.table.index[A]]) * 1e12
    assert value(costly.amounts_out, market) - costly.gas * price > value(free.amounts_out, market) - free.gas * price


def test_what_the_pools_do_not_take_is_refused() -> None:
    market = prepared([fair(1, A, B, 10)])
    with pytest.raises(QuoteRefused):
        buy_basket(market, A, {B: 11 * ONE}, FREE)
    with pytest.raises(QuoteRefused):
        sell_basket(market, {A: ONE}, InProportion({C: 1.0}), FREE)


@pytest.mark.parametrize(
    ("inputs", "weights"),
    [({}, {B: 1.0}), ({A: 0}, {B: 1.0}), ({A: 1}, {}), ({A: 1}, {B: -1.0}), ({A: 1}, {B: math.nan})],
)
def test_amounts_that_mean_nothing_are_refused(inputs: Mapping[Address, int], weights: Mapping[Address, float]) -> None:
    with pytest.raises(InvalidRequest):
        sell_basket(prepared(complete()), inputs, InProportion(weights), FREE)


@settings(max_examples=60, deadline=None)
@given(markets(), st.integers(10**15, 10**20), st.integers(10**15, 10**20), st.floats(0.05, 0.95))
def test_sums_are_exact_and_no_result_beats_its_bound(
    pools: list[ListedPool], first: int, second: int, share: float
) -> None:
    market = prepared(pools).at_rest()
    for goal in (InProportion({C: share, D: 1 - share}), BestValue({C: 1.0, D: share})):
        basket = sell_basket(market, {A: first, B: second}, goal, FREE)
        check_sums(basket, market)
        assert basket.amounts_in == {A: first, B: second}
        assert basket.result <= basket.bound
        assert value(basket.amounts_out, market) <= value(basket.amounts_in, market) * (1 + 1e-9)
    try:
        bought = buy_basket(market, A, {C: 1 + second // 100, D: 1 + first // 100}, FREE)
    except QuoteRefused:  # more than these pools hold, or too little for one of them
        return
    check_sums(bought, market)
    assert bought.result >= bought.bound


@settings(max_examples=40, deadline=None)
@given(markets(), st.integers(10**17, 10**20), st.integers(10**17, 10**20))
def test_a_basket_is_never_worse_than_one_asset_after_the_other(
    pools: list[ListedPool], first: int, second: int
) -> None:
    market = prepared(pools).at_rest()
    basket = sell_basket(market, {A: first, B: second}, BestValue({D: 1.0}), FREE)
    in_turn = 0
    table = market
    for token, amount in ((A, first), (B, second)):
        allocation = sell(table, token, D, amount, RouteTerms(FREE_GAS)).allocation
        in_turn += allocation.amount_out
        table = after_legs(table, allocation.legs)
    assert basket.amounts_out[D] >= in_turn * (1 - 1e-8) - 10


@settings(max_examples=30, deadline=None)
@given(markets(), st.integers(10**17, 10**20), st.randoms(use_true_random=False))
def test_the_order_of_pools_and_of_inputs_changes_nothing_that_counts(
    pools: list[ListedPool], amount: int, shuffler: Random
) -> None:
    goal = BestValue({C: 1.0})
    one = sell_basket(prepared(pools).at_rest(), {A: amount, B: 1 + amount // 3}, goal, FREE)
    again = sell_basket(prepared(pools).at_rest(), {B: 1 + amount // 3, A: amount}, goal, FREE)
    assert again.amounts_out == one.amounts_out
    shuffled = list(pools)
    shuffler.shuffle(shuffled)
    other = sell_basket(prepared(shuffled).at_rest(), {A: amount, B: 1 + amount // 3}, goal, FREE)
    assert other.amounts_out[C] == pytest.approx(one.amounts_out[C], rel=1e-7)


@settings(max_examples=30, deadline=None)
@given(markets(), st.integers(10**17, 10**20))
def test_another_pool_never_hurts(pools: list[ListedPool], amount: int) -> None:
    goal = BestValue({C: 1.0})
    rested = listed_pools(prepared(pools).at_rest())
    before = sell_basket(prepared(rested), {A: amount, B: amount}, goal, FREE)
    after = sell_basket(prepared([*rested, fair(99, A, C, 50)]), {A: amount, B: amount}, goal, FREE)
    assert after.amounts_out[C] >= before.amounts_out[C] * (1 - 1e-7) - 10  # a thousandth of a basis point


def listed_pools(market: PreparedMarket) -> list[ListedPool]:
    found = {edge.state_id: edge.listed for edge in market.edges if isinstance(edge, PoolEdge)}
    return list(found.values())


def after_legs(market: PreparedMarket, legs: Sequence[LegFill]) -> PreparedMarket:
    changed = {}
    for leg in legs:
        if isinstance(leg.edge, PoolEdge):
            swap = leg.edge.listed.pool.quote_in(leg.edge.token_in, leg.edge.token_out, leg.amount_in)
            changed[leg.edge.state_id] = ListedPool(leg.edge.listed.key, swap.next_pool)
    return market.with_pools(changed)


def test_when_time_is_up_there_is_an_answer_with_its_bound() -> None:
    market = prepared(complete())
    hurried = BasketTerms(is_over=lambda: True)
    basket = sell_basket(market, {A: 100 * ONE, B: 3 * ONE}, InProportion({C: 0.5, D: 0.5}), hurried)
    check_sums(basket, market)
    assert 0 < basket.result <= basket.bound
