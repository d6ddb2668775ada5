"""Concentrated pools: the fast path against its plain twin, and what holds for every pool."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from oms.errors import BeyondKnownRange, InvalidRequest, QuoteRefused, Refusal, StateConflict
from oms.liquidity.concentrated import (
    GAS_PER_TICK_WORD,
    GAS_PER_V3_TICK_CROSSED,
    GAS_PER_V4_TICK_CROSSED,
    ConcentratedPool,
    PoolDelta,
)
from oms.liquidity.pool import Family, Swap
from oms.liquidity.tick_map import TickMap
from oms.liquidity.tick_math import MAX_TICK, MIN_TICK, sqrt_price_at_tick
from oms.units import Address

A, B, C = Address("A"), Address("B"), Address("C")
V3, V4 = Family.UNISWAP_V3, Family.UNISWAP_V4
REACH = 60_000
"""Ticks either side of 1.0 in which the pools lie: wide enough for many bitmap words of the spacings used."""


def pool_of(
    positions: list[tuple[int, int, int]],
    *,
    tick: int = 0,
    spacing: int = 60,
    fee_pips: int = 3000,
    price: int | None = None,
    family: Family = V3,
    protocol: tuple[int, int] = (0, 0),
) -> ConcentratedPool:
    """A pool that holds (lower, upper, liquidity) positions, which it would also hold on the chain."""
    nets: dict[int, int] = {}
    for lower, upper, liquidity in positions:
        nets[lower] = nets.get(lower, 0) + liquidity
        nets[upper] = nets.get(upper, 0) - liquidity
    active = sum(liquidity for lower, upper, liquidity in positions if lower <= tick < upper)
    start = sqrt_price_at_tick(tick) if price is None else price
    return ConcentratedPool("pool", family, (A, B), fee_pips, spacing, start, tick, active, TickMap.of(nets), *protocol)


@st.composite
def pools(draw: st.DrawFn) -> ConcentratedPool:
    spacing = draw(st.sampled_from((10, 60, 200)))
    most = REACH // spacing
    tick = draw(st.integers(-REACH // 2, REACH // 2))
    positions = []
    for _ in range(draw(st.integers(1, 6))):
        lower = draw(st.integers(-most, most - 1))
        upper = draw(st.integers(lower + 1, most))
        liquidity = draw(st.integers(1, 90).flatmap(lambda bits: st.integers(1, 2**bits)))
        positions.append((lower * spacing, upper * spacing, liquidity))
    low, high = sqrt_price_at_tick(tick), sqrt_price_at_tick(tick + 1)
    family = draw(st.sampled_from((V3, V4)))
    return pool_of(
        positions,
        tick=tick,
        spacing=spacing,
        fee_pips=draw(st.sampled_from((0, 1, 500, 3000, 250_000))),
        price=draw(st.integers(low, high - 1)),
        family=family,
        protocol=draw(st.sampled_from(((0, 0), (1000, 37)))) if family is V4 else (0, 0),
    )


amounts = st.integers(1, 128).flatmap(lambda bits: st.integers(1, 2**bits))
sides = st.booleans()


def tokens(zero_for_one: bool) -> tuple[Address, Address]:
    return (A, B) if zero_for_one else (B, A)


def quote(pool: ConcentratedPool, zero_for_one: bool, amount: int) -> Swap | QuoteRefused:
    """Sell a positive amount, buy a negative one."""
    try:
        return (pool.quote_in if amount > 0 else pool.quote_out)(*tokens(zero_for_one), abs(amount))
    except QuoteRefused as error:
        return error


def plain(pool: ConcentratedPool, zero_for_one: bool, amount: int) -> PoolDelta | QuoteRefused:
    """The same, one step at a time, as the chain walks it."""
    try:
        return pool.swap(zero_for_one, amount)
    except QuoteRefused as error:
        return error


def moved(swap: Swap) -> ConcentratedPool:
    assert isinstance(swap.next_pool, ConcentratedPool)
    return swap.next_pool


@st.composite
def orders(draw: st.DrawFn, pool: ConcentratedPool) -> tuple[bool, int]:
    """A direction and a signed amount that the pool can often fill; sometimes one that ends exactly on a boundary."""
    zero_for_one, sell = draw(sides), draw(st.booleans())
    limits = pool.limits(*tokens(zero_for_one))
    most = limits.max_amount_in if sell else limits.max_amount_out
    kind = draw(st.sampled_from(("any", "share", "tick")))
    amount = draw(amounts)
    if kind == "share" and most:
        amount = draw(st.integers(1, most + 1))
    if kind == "tick":
        tick = draw(st.sampled_from(pool.tick_map.ticks))
        if (tick < pool.tick) == zero_for_one and tick != pool.tick:
            sign = 1 if sell else -1
            delta = pool.swap(zero_for_one, sign * 2**200, sqrt_price_limit_x96=sqrt_price_at_tick(tick))
            amount = abs(delta.amount0 if zero_for_one == sell else delta.amount1) + draw(st.integers(-1, 1))
    return zero_for_one, max(amount, 1) if sell else -max(amount, 1)


@given(st.data(), pools())
@settings(max_examples=400, deadline=None)
def test_the_fast_path_equals_its_plain_twin(data: st.DataObject, pool: ConcentratedPool) -> None:
    zero_for_one, amount = data.draw(orders(pool))
    result = quote(pool, zero_for_one, amount)
    lean = pool.amount_out if amount > 0 else pool.amount_in
    delta = plain(pool, zero_for_one, amount)
    if isinstance(delta, QuoteRefused):
        assert isinstance(result, QuoteRefused)
        assert result.reason is delta.reason
        return
    taken, paid = (delta.amount0, -delta.amount1) if zero_for_one else (delta.amount1, -delta.amount0)
    if (taken if amount > 0 else paid) != abs(amount):
        assert isinstance(result, QuoteRefused)
        assert result.reason in (Refusal.INSUFFICIENT_LIQUIDITY, Refusal.AMOUNT_TOO_LARGE)
        with pytest.raises(QuoteRefused):
            lean(zero_for_one, abs(amount))
        return
    assert isinstance(result, Swap)
    after = moved(result)
    assert (result.amount_in, result.amount_out) == (taken, paid)
    assert (after.sqrt_price_x96, after.tick, after.liquidity) == (delta.sqrt_price_x96, delta.tick, delta.liquidity)
    assert lean(zero_for_one, abs(amount)) == (paid if amount > 0 else taken)
    per_tick = GAS_PER_V4_TICK_CROSSED if pool.family is Family.UNISWAP_V4 else GAS_PER_V3_TICK_CROSSED
    words = abs(after.tick // (pool.tick_spacing * 256) - pool.tick // (pool.tick_spacing * 256))
    assert result.gas - quote_gas_floor(pool) == per_tick * delta.ticks_crossed + GAS_PER_TICK_WORD * words


def quote_gas_floor(pool: ConcentratedPool) -> int:
    """Gas of a swap that crosses nothing."""
    still = pool_of([(-60, 60, 10**30)], family=pool.family)
    return still.quote_in(B, A, 1).gas


@given(pools(), sides, amounts)
@settings(deadline=None)
def test_the_quoted_input_buys_at_least_what_was_asked(pool: ConcentratedPool, zero_for_one: bool, amount: int) -> None:
    bought = quote(pool, zero_for_one, -amount)
    assume(isinstance(bought, Swap))
    assert isinstance(bought, Swap)
    assert bought.amount_out == amount
    assert pool.quote_in(*tokens(zero_for_one), bought.amount_in).amount_out >= amount


@given(pools(), sides, amounts, amounts)
@settings(deadline=None)
def test_more_in_never_pays_less(pool: ConcentratedPool, zero_for_one: bool, one: int, other: int) -> None:
    small, large = sorted((one, other))
    more = quote(pool, zero_for_one, large)
    assume(isinstance(more, Swap))
    less = quote(pool, zero_for_one, small)
    assert isinstance(less, Swap)
    assert isinstance(more, Swap)
    assert less.amount_out <= more.amount_out


@given(pools(), sides, amounts, amounts)
@settings(deadline=None)
def test_selling_in_two_parts_never_pays_more_than_at_once(
    pool: ConcentratedPool, zero_for_one: bool, one: int, other: int
) -> None:
    whole = quote(pool, zero_for_one, one + other)
    assume(isinstance(whole, Swap))
    assert isinstance(whole, Swap)
    first = pool.quote_in(*tokens(zero_for_one), one)
    second = quote(moved(first), zero_for_one, other)
    assert isinstance(second, Swap)
    assert first.amount_out + second.amount_out <= whole.amount_out


@given(st.data(), pools())
@settings(max_examples=300, deadline=None)
def test_over_a_part_of_the_ticks_a_quote_is_the_same_or_refused_where_it_would_leave_them(
    data: st.DataObject, pool: ConcentratedPool
) -> None:
    low = data.draw(st.integers(max(pool.tick - 20_000, MIN_TICK + 2), pool.tick))
    high = data.draw(st.integers(pool.tick, pool.tick + 20_000))
    nets = dict(zip(pool.tick_map.ticks, pool.tick_map.nets, strict=True))
    part = replace(pool, tick_map=TickMap.of(nets, known_min_tick=low, known_max_tick=high))
    zero_for_one, amount = data.draw(orders(pool))
    whole, known = quote(pool, zero_for_one, amount), quote(part, zero_for_one, amount)
    if isinstance(whole, QuoteRefused):
        assert isinstance(known, QuoteRefused)
        return
    price = moved(whole).sqrt_price_x96
    if isinstance(known, Swap):
        assert sqrt_price_at_tick(low - 1) < price < sqrt_price_at_tick(high + 1)
        assert (known.amount_in, known.amount_out, known.gas) == (whole.amount_in, whole.amount_out, whole.gas)
        assert moved(known).sqrt_price_x96 == price
        assert moved(known).tick == moved(whole).tick
        assert part.swap(zero_for_one, amount).sqrt_price_x96 == price
        return
    assert isinstance(known, BeyondKnownRange)
    assert isinstance(plain(part, zero_for_one, amount), BeyondKnownRange)
    # A purchase may be refused one unit early: whether the chain would stop at the edge depends on what lies beyond.
    if amount < 0 and sqrt_price_at_tick(low - 1) < price < sqrt_price_at_tick(high + 1):
        more = quote(pool, zero_for_one, amount - 1)
        assume(isinstance(more, Swap))
        assert isinstance(more, Swap)
        price = moved(more).sqrt_price_x96
    assert not sqrt_price_at_tick(low - 1) < price < sqrt_price_at_tick(high + 1)


@given(pools(), sides)
@settings(deadline=None)
def test_the_limit_fills_and_one_more_is_refused(pool: ConcentratedPool, zero_for_one: bool) -> None:
    limits = pool.limits(*tokens(zero_for_one))
    if limits.max_amount_in:
        assert pool.quote_in(*tokens(zero_for_one), limits.max_amount_in).amount_out == limits.max_amount_out
    assert isinstance(quote(pool, zero_for_one, limits.max_amount_in + 1), QuoteRefused)
    assert isinstance(quote(pool, zero_for_one, -limits.max_amount_out - 1), QuoteRefused)


def test_the_marginal_price_is_what_a_small_sale_gets() -> None:
    pool = pool_of([(-600, 600, 10**30)], tick=100)
    for zero_for_one in (True, False):
        got = pool.amount_out(zero_for_one, 10**18) / 10**18
        assert pool.marginal_price(*tokens(zero_for_one)) == pytest.approx(got, rel=1e-6)


def test_the_marginal_price_lies_beyond_a_gap_without_liquidity() -> None:
    pool = pool_of([(-12_000, -6_000, 10**30)], tick=0)
    assert pool.marginal_price(A, B) == pytest.approx(1.0001**-6000 * 0.997, rel=1e-9)
    assert pool.marginal_price(B, A) == 0.0


def test_a_sale_across_a_gap_fills_on_its_far_side() -> None:
    pool = pool_of([(-120, 0, 10**20), (60_000, 60_120, 10**20)], tick=-60)
    bought = pool.quote_in(B, A, 10**19)
    assert moved(bought).tick >= 60_000
    assert moved(bought).liquidity == 10**20


def test_input_that_rounds_to_no_output_is_a_swap_all_the_same() -> None:
    assert pool_of([(-60, 60, 10**18)]).quote_in(A, B, 1).amount_out == 0


@pytest.mark.parametrize("amount", [0, -5])
def test_nothing_cannot_be_traded(amount: int) -> None:
    pool = pool_of([(-60, 60, 10**18)])
    for ask in (pool.quote_in, pool.quote_out):
        with pytest.raises(QuoteRefused) as refusal:
            ask(A, B, amount)
        assert refusal.value.reason is Refusal.ZERO_AMOUNT


def test_a_token_that_is_not_in_the_pool_is_refused() -> None:
    with pytest.raises(QuoteRefused) as refusal:
        pool_of([(-60, 60, 10**18)]).quote_in(A, C, 1)
    assert refusal.value.reason is Refusal.UNKNOWN_TOKEN


def test_ticks_that_contradict_the_liquidity_are_refused_when_reached_and_not_before() -> None:
    pool = replace(pool_of([(-60, 60, 10**20)]), liquidity=10**20 - 1)
    assert pool.quote_in(A, B, 10**15).amount_out > 0
    for amount in (10**18, -(10**17) * 4):
        refused = quote(pool, True, amount)
        assert isinstance(refused, QuoteRefused)
        assert refused.reason is Refusal.UNSAFE_STATE
        with pytest.raises(QuoteRefused):
            pool.swap(True, amount)


def test_v4_refuses_amounts_that_its_settlement_cannot_carry() -> None:
    pool = pool_of([(-887_220, 887_220, 2**127)], family=V4)
    assert pool.quote_in(A, B, 2**127 - 1).amount_out > 0
    with pytest.raises(QuoteRefused) as refusal:
        pool.quote_in(A, B, 2**127)
    assert refusal.value.reason is Refusal.AMOUNT_TOO_LARGE
    assert replace(pool, family=V3).quote_in(A, B, 2**127).amount_out > 0


def test_v4_adds_the_protocol_s_fee_to_the_lp_s_per_direction() -> None:
    pool = pool_of([(-600, 600, 10**24)], family=V4, protocol=(1000, 500))
    assert pool.swap_fee_pips(True) == 3000 + 1000 - 3
    assert pool.swap_fee_pips(False) == 3000 + 500 - 1
    assert replace(pool, family=V3).swap_fee_pips(True) == 3000


def test_a_fee_of_the_whole_input_pays_nothing_and_refuses_to_sell_exact_amounts() -> None:
    pool = pool_of([(-600, 600, 10**24)], family=V4, fee_pips=1_000_000)
    assert pool.quote_in(A, B, 10**30).amount_out == 0
    assert pool.marginal_price(A, B) == 0.0
    with pytest.raises(QuoteRefused) as refusal:
        pool.quote_out(A, B, 1)
    assert refusal.value.reason is Refusal.INSUFFICIENT_LIQUIDITY


def test_swap_stops_at_the_price_limit() -> None:
    pool = pool_of([(-600, 600, 10**24)])
    limit = sqrt_price_at_tick(-100) + 7
    delta = pool.swap(True, 10**30, sqrt_price_limit_x96=limit)
    assert delta.sqrt_price_x96 == limit
    assert 0 < delta.amount0 < 10**30
    assert pool.quote_in(A, B, delta.amount0).amount_out == -delta.amount1


@pytest.mark.parametrize("limit", [2**96, 2**96 + 1, 1])
def test_a_price_limit_on_the_wrong_side_is_the_caller_s_fault(limit: int) -> None:
    with pytest.raises(InvalidRequest):
        pool_of([(-60, 60, 10**18)]).swap(True, 1, sqrt_price_limit_x96=limit)


@pytest.mark.parametrize(
    "change",
    [
        {"tick": 1},
        {"tick": -2},
        {"sqrt_price_x96": 0},
        {"sqrt_price_x96": 2**160},
        {"liquidity": 2**128},
        {"liquidity": -1},
        {"fee_pips": 1_000_000},
        {"tick_spacing": 0},
        {"family": Family.UNISWAP_V2},
        {"tick_map": TickMap((), (), 10, 20)},
    ],
)
def test_a_state_that_no_pool_can_have_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(StateConflict):
        replace(pool_of([(-60, 60, 10**18)]), **change)


def test_the_tick_below_is_legal_where_a_fall_stopped_on_the_boundary() -> None:
    pool = pool_of([(-60, 60, 10**18)])
    assert replace(pool, tick=-1).amount_out(True, 10**12) == pool.amount_out(True, 10**12)


@pytest.mark.parametrize(("ticks", "nets"), [((0, 0), (1, 2)), ((60, 0), (1, 2)), ((0,), ())])
def test_a_tick_map_must_ascend_and_be_whole(ticks: tuple[int, ...], nets: tuple[int, ...]) -> None:
    with pytest.raises(StateConflict):
        TickMap(ticks, nets)


def test_quotes_change_neither_the_pool_s_identity_nor_its_equality() -> None:
    one, other = (pool_of([(-600, 600, 10**24), (-MAX_TICK // 60 * 60 + 60, 600, 5)]) for _ in range(2))
    one.quote_in(A, B, 10**22)
    assert one == other
    assert hash(one) == hash(other)
    assert "paths" not in repr(one)


def test_threads_that_share_a_pool_see_the_same_quotes() -> None:
    positions = [(lower * 60, lower * 60 + 600, 10**20 + lower) for lower in range(-800, 800, 3)]
    alone, shared = pool_of(positions), pool_of(positions)
    sizes = [alone.limits(A, B).max_amount_in * k // 997 for k in range(1, 998)]
    expected = [alone.amount_out(True, size) for size in sizes]
    with ThreadPoolExecutor(8) as executor:
        rounds = [executor.submit(lambda: [shared.amount_out(True, size) for size in sizes[::-1]]) for _ in range(8)]
        answers = [future.result(timeout=60) for future in rounds]
    assert all(answer[::-1] == expected for answer in answers)
