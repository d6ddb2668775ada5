"""Constant-product pairs: the K rule, forks' fees, refusals and limits."""

from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from oms.errors import QuoteRefused, Refusal, StateConflict
from oms.liquidity.constant_product import UINT112_MAX, ConstantProductPool
from oms.units import Address

A, B, C = Address("A"), Address("B"), Address("C")
FEES = st.sampled_from(((997, 1000), (9975, 10_000), (9970, 10_000), (1, 1), (1, 10)))
reserves = st.integers(0, 112).flatmap(lambda bits: st.integers(1, max(2**bits - 1, 1)))
amounts = st.integers(1, 112).flatmap(lambda bits: st.integers(1, 2**bits))
pools = st.builds(
    lambda r0, r1, fee: ConstantProductPool("pair", A, B, r0, r1, *fee), reserves, reserves, FEES
)  # fmt: skip
directions = st.sampled_from(((A, B), (B, A)))


def accepts(pool: ConstantProductPool, token_in: Address, amount_in: int, amount_out: int) -> bool:
    """The pair's K check, with the fork's fee."""
    reserve_in, reserve_out = (
        (pool.reserve0, pool.reserve1) if token_in == pool.token0 else (pool.reserve1, pool.reserve0)
    )
    left = (reserve_in * pool.fee_denominator + amount_in * pool.fee_numerator) * (reserve_out - amount_out)
    return amount_out < reserve_out and left >= reserve_in * reserve_out * pool.fee_denominator


@given(pools, directions, amounts)
@settings(deadline=None)
def test_a_sale_pays_the_most_that_k_allows(
    pool: ConstantProductPool, direction: tuple[Address, Address], amount: int
) -> None:
    try:
        quote = pool.quote_in(*direction, amount)
    except QuoteRefused as error:
        assume(error.reason is not Refusal.AMOUNT_TOO_LARGE)
        paid = 0
    else:
        paid = quote.amount_out
        assert accepts(pool, direction[0], amount, paid)
    assert not accepts(pool, direction[0], amount, paid + 1)


@given(pools, directions, amounts)
@settings(deadline=None)
def test_a_purchase_costs_the_least_that_k_allows(
    pool: ConstantProductPool, direction: tuple[Address, Address], amount: int
) -> None:
    try:
        quote = pool.quote_out(*direction, amount)
    except QuoteRefused:
        assume(False)
    assert accepts(pool, direction[0], quote.amount_in, amount)
    assert not accepts(pool, direction[0], quote.amount_in - 1, amount)
    assert pool.quote_in(*direction, quote.amount_in).amount_out >= amount


@given(pools, directions, amounts)
@settings(deadline=None)
def test_the_next_pool_holds_what_came_in_and_not_what_went_out(
    pool: ConstantProductPool, direction: tuple[Address, Address], amount: int
) -> None:
    try:
        quote = pool.quote_in(*direction, amount)
    except QuoteRefused:
        assume(False)
    after = quote.next_pool
    assert isinstance(after, ConstantProductPool)
    change = (after.reserve0 - pool.reserve0, after.reserve1 - pool.reserve1)
    expected = (amount, -quote.amount_out)
    assert change == (expected if direction == (A, B) else expected[::-1])
    assert after.reserve0 * after.reserve1 >= pool.reserve0 * pool.reserve1


@given(pools, directions)
@settings(deadline=None)
def test_the_limit_fills_and_one_more_is_refused(pool: ConstantProductPool, direction: tuple[Address, Address]) -> None:
    limits = pool.limits(*direction)
    assume(limits.max_amount_in > 0)
    assert pool.quote_in(*direction, limits.max_amount_in).amount_out == limits.max_amount_out
    with pytest.raises(QuoteRefused):
        pool.quote_in(*direction, limits.max_amount_in + 1)
    assert pool.quote_out(*direction, limits.max_amount_out).amount_in <= limits.max_amount_in
    with pytest.raises(QuoteRefused):
        pool.quote_out(*direction, limits.max_amount_out + 1)


@pytest.mark.parametrize(
    ("amount_in", "reason"),
    [(0, Refusal.ZERO_AMOUNT), (-1, Refusal.ZERO_AMOUNT), (1, Refusal.ZERO_OUTPUT), (2**112, Refusal.AMOUNT_TOO_LARGE)],
)
def test_a_sale_that_the_pair_would_revert_is_refused(amount_in: int, reason: Refusal) -> None:
    with pytest.raises(QuoteRefused) as refusal:
        ConstantProductPool("pair", A, B, 10**9, 10**6).quote_in(A, B, amount_in)
    assert refusal.value.reason is reason


@pytest.mark.parametrize("amount_out", [10**6, 10**6 + 1])
def test_the_whole_reserve_cannot_be_bought(amount_out: int) -> None:
    with pytest.raises(QuoteRefused) as refusal:
        ConstantProductPool("pair", A, B, 10**9, 10**6).quote_out(A, B, amount_out)
    assert refusal.value.reason is Refusal.INSUFFICIENT_LIQUIDITY


def test_an_empty_pair_refuses_and_has_no_price() -> None:
    pool = ConstantProductPool("pair", A, B, 0, 0)
    with pytest.raises(QuoteRefused):
        pool.quote_in(A, B, 1)
    assert pool.limits(A, B).max_amount_in == 0
    assert pool.marginal_price(A, B) == 0.0


def test_a_token_that_is_not_in_the_pair_is_refused() -> None:
    with pytest.raises(QuoteRefused) as refusal:
        ConstantProductPool("pair", A, B, 5, 5).quote_in(A, C, 1)
    assert refusal.value.reason is Refusal.UNKNOWN_TOKEN


def test_reserves_beyond_uint112_are_not_a_pair_s_state() -> None:
    with pytest.raises(StateConflict):
        ConstantProductPool("pair", A, B, UINT112_MAX + 1, 1)


def test_the_marginal_price_is_the_reserve_ratio_after_the_fee() -> None:
    pool = ConstantProductPool("pair", A, B, 10**24, 2 * 10**24)
    assert pool.marginal_price(A, B) == pytest.approx(2 * 0.997)
    assert pool.marginal_price(B, A) == pytest.approx(0.5 * 0.997)
    assert pool.amount_out(True, 10**15) == pytest.approx(10**15 * pool.marginal_price(A, B), rel=1e-8)


def test_a_fork_s_fee_changes_the_output() -> None:
    pancake = ConstantProductPool("pair", A, B, 10**24, 10**24, 9975, 10_000)
    assert pancake.amount_out(True, 10**18) > ConstantProductPool("pair", A, B, 10**24, 10**24).amount_out(True, 10**18)


@given(pools, st.booleans(), st.lists(amounts | st.integers(-2, 2) | st.just(2**112), min_size=2, max_size=6))
@settings(deadline=None)
def test_the_fast_path_answers_as_the_formula_does(
    pool: ConstantProductPool, zero_for_one: bool, tried: list[int]
) -> None:
    plain = ConstantProductPool("twin", A, B, pool.reserve0, pool.reserve1, pool.fee_numerator, pool.fee_denominator)
    for amount in tried:
        assert answered(pool.amount_out, zero_for_one, amount) == answered(
            plain._amount_out_plain, zero_for_one, amount
        )


def answered(sell: Callable[[bool, int], int], zero_for_one: bool, amount: int) -> int | Refusal:
    try:
        return sell(zero_for_one, amount)
    except QuoteRefused as error:
        return error.reason
