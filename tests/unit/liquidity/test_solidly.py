"""Solidly pairs against the curve itself in exact fractions, and their limits and refusals."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from oms.errors import QuoteRefused, Refusal, StateConflict
from oms.liquidity.pool import Family, Swap
from oms.liquidity.solidly import SolidlyPool
from oms.units import Address

A, B, C = (Address("0x" + digit * 40) for digit in "123")
REVERTING = (Refusal.ZERO_OUTPUT, Refusal.UNSAFE_STATE, Refusal.MATH_OVERFLOW)


def pool_of(**changes: object) -> SolidlyPool:
    """Stable pair of an 18 and a 6 decimals dollar."""
    pool = SolidlyPool(
        pool_id=C,
        token0=A,
        token1=B,
        reserve0=1_200_000 * 10**18,
        reserve1=900_000 * 10**6,
        decimals0=18,
        decimals1=6,
        fee=5,
        stable=True,
    )
    return replace(pool, **changes)  # type: ignore[arg-type]


@st.composite
def pools(draw: st.DrawFn) -> SolidlyPool:
    decimals0, decimals1 = draw(st.sampled_from(((18, 18), (18, 6), (6, 18), (6, 6), (8, 18))))
    size = draw(st.integers(1, 7))
    return pool_of(
        reserve0=draw(st.integers(10 ** (size + decimals0), 30 * 10 ** (size + decimals0))),
        reserve1=draw(st.integers(10 ** (size + decimals1), 30 * 10 ** (size + decimals1))),
        decimals0=decimals0,
        decimals1=decimals1,
        fee=draw(st.sampled_from((0, 1, 5, 30, 100))),
        stable=draw(st.booleans()),
    )


def _curve(pool: SolidlyPool, reserve0: int, reserve1: int) -> Fraction:
    x, y = Fraction(reserve0, 10**pool.decimals0), Fraction(reserve1, 10**pool.decimals1)
    return x**3 * y + x * y**3 if pool.stable else x * y


def _exact_amount_out(pool: SolidlyPool, traded: int) -> int:
    """The largest whole output that leaves the exact curve no lower; found by bisection, no iteration shared."""
    k = _curve(pool, pool.reserve0, pool.reserve1)
    low, high = 0, pool.reserve1
    while high - low > 1:
        middle = (low + high) // 2
        fits = _curve(pool, pool.reserve0 + traded, pool.reserve1 - middle) >= k
        low, high = (middle, high) if fits else (low, middle)
    return low


def _quoted(pool: SolidlyPool, token_in: Address, amount: int) -> Swap:
    """A quote, unless the pair reverts: it promises nothing for dust, and at scattered amounts its own iteration
    overflows or promises what fails its K check. Those refusals are proved against bytecode elsewhere."""
    try:
        return pool.quote_in(token_in, B if token_in == A else A, amount)
    except QuoteRefused as refused:
        assume(refused.reason not in REVERTING)
        raise


@given(pools(), st.floats(-6, 1))
def test_the_output_is_the_curves_to_a_few_units(pool: SolidlyPool, digits: float) -> None:
    amount = int(pool.reserve0 * 10**digits) + 1
    swap = _quoted(pool, A, amount)
    exact = _exact_amount_out(pool, amount - amount * pool.fee // 10_000)
    # The contract rounds within 18 decimals: an 18-decimal output may be off by what its intermediate steps drop.
    assert exact - 3 - exact // 10**12 <= swap.amount_out <= exact + 1 + exact // 10**15


@given(pools(), st.floats(-6, 0))
def test_fees_leave_the_reserves(pool: SolidlyPool, digits: float) -> None:
    amount = int(pool.reserve1 * 10**digits) + 10**6
    swap = _quoted(pool, B, amount)
    after = swap.next_pool
    assert isinstance(after, SolidlyPool)
    assert after.reserve1 == pool.reserve1 + amount - amount * pool.fee // 10_000
    assert after.reserve0 == pool.reserve0 - swap.amount_out


@given(pools(), st.floats(-6, -0.1))
def test_the_input_found_suffices_and_one_less_does_not(pool: SolidlyPool, digits: float) -> None:
    wanted = int(pool.reserve1 * 10**digits) + 1
    swap = pool.quote_out(A, B, wanted)
    assert swap.amount_out >= wanted
    if swap.amount_in > 1:
        try:
            assert pool.amount_out(True, swap.amount_in - 1) < wanted
        except QuoteRefused as refused:
            assert refused.reason in REVERTING  # noqa: PT017


@given(pools(), st.floats(-5, 0))
def test_there_and_back_never_gains(pool: SolidlyPool, digits: float) -> None:
    there = _quoted(pool, A, int(pool.reserve0 * 10**digits) + 10**6)
    assert isinstance(there.next_pool, SolidlyPool)
    back = _quoted(there.next_pool, B, there.amount_out)
    assert back.amount_out <= there.amount_in + there.amount_in // 10**15 + 1


@pytest.mark.parametrize("stable", [True, False])
def test_a_small_trade_pays_the_marginal_price(stable: bool) -> None:
    pool = pool_of(stable=stable)
    assert pool.amount_out(False, 10**6) / 10**6 == pytest.approx(pool.marginal_price(B, A), rel=1e-5)
    assert pool.family is Family.SOLIDLY


@pytest.mark.parametrize(
    ("changes", "amount", "reason"),
    [
        ({}, 0, Refusal.ZERO_AMOUNT),
        ({}, 1, Refusal.ZERO_OUTPUT),
        ({"stable": False}, 1, Refusal.ZERO_OUTPUT),
        ({"reserve0": 0}, 10**18, Refusal.INSUFFICIENT_LIQUIDITY),
        ({}, 2**200, Refusal.MATH_OVERFLOW),
        ({"stable": False}, 2**250, Refusal.MATH_OVERFLOW),
    ],
)
def test_what_the_pair_reverts_is_refused(changes: dict[str, object], amount: int, reason: Refusal) -> None:
    with pytest.raises(QuoteRefused) as refused:
        pool_of(**changes).quote_in(A, B, amount)
    assert refused.value.reason is reason


@pytest.mark.parametrize(("amount", "reason"), [(0, Refusal.ZERO_AMOUNT), (10**12, Refusal.INSUFFICIENT_LIQUIDITY)])
def test_what_the_pair_does_not_hold_is_refused(amount: int, reason: Refusal) -> None:
    with pytest.raises(QuoteRefused) as refused:
        pool_of().quote_out(A, B, amount)
    assert refused.value.reason is reason


def test_foreign_tokens_are_refused() -> None:
    with pytest.raises(QuoteRefused) as refused:
        pool_of().quote_in(A, C, 1)
    assert refused.value.reason is Refusal.UNKNOWN_TOKEN


def test_limits_end_below_the_reserve() -> None:
    assert pool_of().limits(A, B).max_amount_out == 900_000 * 10**6 - 1
    assert pool_of(reserve0=0).limits(A, B).max_amount_in == 0


@pytest.mark.parametrize("changes", [{"reserve0": -1}, {"fee": 10_000}])
def test_an_impossible_state_is_rejected(changes: dict[str, object]) -> None:
    with pytest.raises(StateConflict):
        pool_of(**changes)
