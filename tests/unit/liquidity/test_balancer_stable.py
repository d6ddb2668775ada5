"""Balancer's stable pools: no free money, both generations of the invariant, limits and refusals."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from oms.errors import QuoteRefused, Refusal, StateConflict
from oms.liquidity.composable_stable import BalancerStablePool, InvariantVersion
from oms.liquidity.pool import Family
from oms.units import Address

ONE = 10**18
A, B, C, D = (Address("0x" + digit * 40) for digit in "1234")


def pool_of(**changes: object) -> BalancerStablePool:
    """Wrapped staked ether against ether as it stood on mainnet."""
    pool = BalancerStablePool(
        pool_id="0x" + "32" * 32,
        address=D,
        tokens=(A, B),
        balances=(83498638933194391, 101943423934693947),
        scaling_factors=(1226470562881593452, ONE),
        amplification=50_000,
        swap_fee=4 * 10**14,
        invariant_version=InvariantVersion.ROUND_UP,
    )
    return replace(pool, **changes)  # type: ignore[arg-type]


@st.composite
def pools(draw: st.DrawFn) -> BalancerStablePool:
    """Pools of two or three tokens, up to ten to one out of balance, six to eighteen decimals, with rates."""
    count = draw(st.sampled_from((2, 3)))
    size = draw(st.integers(3, 10))
    places = [draw(st.sampled_from((6, 8, 18))) for _ in range(count)]
    return pool_of(
        tokens=(A, B, C)[:count],
        balances=tuple(draw(st.integers(10 ** (size + p - 1), 10 ** (size + p))) for p in places),
        scaling_factors=tuple(10 ** (18 - p) * draw(st.integers(ONE // 2, 2 * ONE)) for p in places),
        amplification=1000 * draw(st.integers(1, 5000)),
        swap_fee=draw(st.sampled_from((10**12, 4 * 10**14, 10**17))),
        invariant_version=draw(st.sampled_from(InvariantVersion)),
    )


def _curve_error(pool: BalancerStablePool, invariant: Fraction) -> Fraction:
    """Ann·S + D - Ann·D - D^(n+1)/(n^n·P) with exact fractions: above zero when the pool holds more than D."""
    scaled = [Fraction(b * f, ONE) for b, f in zip(pool.balances, pool.scaling_factors, strict=True)]
    count = len(scaled)
    ann = Fraction(pool.amplification * count, 1000)
    curvature = invariant
    for balance in scaled:
        curvature *= invariant / (balance * count)
    return ann * sum(scaled) + invariant - ann * invariant - curvature


def _exact_invariant(pool: BalancerStablePool) -> Fraction:
    """The invariant by bisection on exact fractions, to a relative 2**-100."""
    low, high = Fraction(0), Fraction(sum(b * f for b, f in zip(pool.balances, pool.scaling_factors, strict=True)), ONE)
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _curve_error(pool, middle) > 0 else (low, middle)
        low, high = (Fraction(int(bound * 2**80), 2**80) for bound in (low, high))
    return low


@given(pools(), st.floats(-7, -0.3))
def test_the_pools_invariant_never_falls(pool: BalancerStablePool, digits: float) -> None:
    amount = int(pool.balances[0] * 10**digits) + 1
    try:
        swap = pool.quote_in(A, B, amount)
    except QuoteRefused as refused:
        assume(refused.reason is not Refusal.ZERO_OUTPUT)
        raise
    after = swap.next_pool
    assert isinstance(after, BalancerStablePool)
    assert after.balances[:2] == (pool.balances[0] + amount, pool.balances[1] - swap.amount_out)
    # The contract's own invariant is exact to a unit or two; a swap may not take more than that.
    assert _exact_invariant(after) >= _exact_invariant(pool) - 2


@given(pools(), st.floats(-5, -0.5))
def test_there_and_back_never_gains(pool: BalancerStablePool, digits: float) -> None:
    there = pool.quote_in(A, B, int(pool.balances[0] * 10**digits) + 1)
    back = there.next_pool.quote_in(B, A, there.amount_out)
    assert back.amount_out <= there.amount_in


@given(pools(), st.floats(-5, -0.5))
def test_the_least_input_suffices_and_one_less_does_not(pool: BalancerStablePool, digits: float) -> None:
    wanted = int(pool.balances[1] * 10**digits) + 1
    swap = pool.quote_least_in(A, B, wanted)
    assert swap.amount_out >= wanted
    assert pool.amount_out(0, 1, swap.amount_in - 1) < wanted


@given(pools(), st.floats(-5, -0.5))
def test_an_exact_output_costs_about_what_an_exact_input_does(pool: BalancerStablePool, digits: float) -> None:
    wanted = int(pool.balances[1] * 10**digits) + 1
    bought, least = pool.quote_out(A, B, wanted), pool.quote_least_in(A, B, wanted)
    after = bought.next_pool
    assert isinstance(after, BalancerStablePool)
    assert bought.amount_out == wanted
    assert after.balances[1] == pool.balances[1] - wanted
    assert bought.amount_in == pytest.approx(least.amount_in, rel=1e-6, abs=10**4)


def test_a_small_trade_pays_the_marginal_price() -> None:
    pool = pool_of()
    amount = 10**10
    assert pool.amount_out(0, 1, amount) / amount == pytest.approx(pool.marginal_price(A, B), rel=1e-6)
    assert pool.family is Family.BALANCER_STABLE


def test_the_two_generations_of_the_invariant_differ_by_units_only() -> None:
    older, newer = pool_of(), pool_of(invariant_version=InvariantVersion.ROUND_DOWN)
    assert abs(older.amount_out(0, 1, 10**15) - newer.amount_out(0, 1, 10**15)) <= 3


@pytest.mark.parametrize(
    ("changes", "amount", "reason"),
    [
        ({}, 0, Refusal.ZERO_AMOUNT),
        ({}, 1, Refusal.ZERO_OUTPUT),
        ({}, 2**112 - 1, Refusal.AMOUNT_TOO_LARGE),
        ({"balances": (0, 10**18)}, 10, Refusal.INSUFFICIENT_LIQUIDITY),
        (
            {"balances": (3, 10**30), "invariant_version": InvariantVersion.ROUND_DOWN},
            *(10**20, Refusal.MATH_OVERFLOW),
        ),
        ({"balances": (1, 10**33), "amplification": 5_000_000}, 10**20, Refusal.NOT_CONVERGED),
    ],
)
def test_what_the_vault_reverts_is_refused(changes: dict[str, object], amount: int, reason: Refusal) -> None:
    with pytest.raises(QuoteRefused) as refused:
        pool_of(**changes).quote_in(A, B, amount)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        (0, Refusal.ZERO_AMOUNT),
        (101943423934693947, Refusal.INSUFFICIENT_LIQUIDITY),
        (2**112, Refusal.INSUFFICIENT_LIQUIDITY),
    ],
)
def test_what_the_pool_does_not_hold_is_refused(amount: int, reason: Refusal) -> None:
    with pytest.raises(QuoteRefused) as refused:
        pool_of().quote_out(A, B, amount)
    assert refused.value.reason is reason


def test_the_pools_own_share_token_is_not_traded() -> None:
    with pytest.raises(QuoteRefused) as refused:
        pool_of().quote_in(D, A, 10**15)
    assert refused.value.reason is Refusal.UNKNOWN_TOKEN


@pytest.mark.parametrize(
    "changes",
    [{"scaling_factors": (ONE,)}, {"scaling_factors": (0, ONE)}, {"amplification": 999}, {"balances": (-1, 1)}],
)
def test_an_impossible_state_is_rejected(changes: dict[str, object]) -> None:
    with pytest.raises(StateConflict):
        pool_of(**changes)
