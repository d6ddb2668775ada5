"""Weighted pools: the quick path against a plain one, no free money, limits and refusals."""

from dataclasses import replace
from decimal import Decimal, localcontext

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from oms.errors import QuoteRefused, Refusal, StateConflict
from oms.liquidity.log_exp import ONE, power
from oms.liquidity.pool import Family
from oms.liquidity.weighted import PowVersion, WeightedPool
from oms.units import Address

A, B, C = (Address("0x" + digit * 40) for digit in "123")

weights = st.integers(2, 98).map(lambda percent: (percent * ONE // 100, (100 - percent) * ONE // 100))
balances = st.tuples(st.integers(10**3, 10**28), st.integers(10**3, 10**28))
decimals = st.tuples(st.sampled_from((0, 6, 8, 18)), st.sampled_from((0, 6, 8, 18)))
fees = st.sampled_from((0, 10**12, 3 * 10**15, 10**17))


def pool_of(**changes: object) -> WeightedPool:
    """80/20 BAL/WETH as it stood on mainnet."""
    pool = WeightedPool(
        pool_id="0x" + "5c" * 32,
        address=C,
        tokens=(A, B),
        balances=(29401141523139759968410400, 605007002163317945954),
        weights=(8 * 10**17, 2 * 10**17),
        decimals=(18, 18),
        swap_fee=10**16,
        pow_version=PowVersion.V1,
    )
    return replace(pool, **changes)  # type: ignore[arg-type]


@st.composite
def pools(draw: st.DrawFn) -> WeightedPool:
    return pool_of(
        balances=draw(balances),
        weights=draw(weights),
        decimals=draw(decimals),
        swap_fee=draw(fees),
        pow_version=draw(st.sampled_from(PowVersion)),
    )


def _divide_up(dividend: int, divisor: int) -> int:
    return (dividend - 1) // divisor + 1 if dividend else 0


def _plain_amount_out(pool: WeightedPool, i: int, j: int, amount_in: int) -> int:
    """The contracts' steps one by one: fee, scaling, `WeightedMath._calcOutGivenIn`, `FixedPoint.powUp`."""
    scale_in, scale_out = 10 ** (18 - pool.decimals[i]), 10 ** (18 - pool.decimals[j])
    amount = (amount_in - _divide_up(amount_in * pool.swap_fee, ONE)) * scale_in
    balance_in, balance_out = pool.balances[i] * scale_in, pool.balances[j] * scale_out
    if not amount_in or amount > balance_in * 3 * 10**17 // ONE:
        raise QuoteRefused(Refusal.AMOUNT_TOO_LARGE)
    base = _divide_up(balance_in * ONE, balance_in + amount)
    exponent = pool.weights[i] * ONE // pool.weights[j]
    if pool.pow_version is PowVersion.V2 and exponent == ONE:
        raised = base
    elif pool.pow_version is PowVersion.V2 and exponent == 2 * ONE:
        raised = _divide_up(base * base, ONE)
    elif pool.pow_version is PowVersion.V2 and exponent == 4 * ONE:
        square = _divide_up(base * base, ONE)
        raised = _divide_up(square * square, ONE)
    else:
        raw = power(base, exponent)
        raised = raw + _divide_up(raw * 10_000, ONE) + 1
    return balance_out * max(ONE - raised, 0) // ONE // scale_out


@given(pools(), st.floats(-12, -0.5))
def test_the_quick_path_equals_the_plain_one(pool: WeightedPool, digits: float) -> None:
    amount = int(pool.balances[0] * 10**digits) + 1
    try:
        expected: int | None = _plain_amount_out(pool, 0, 1, amount)
    except QuoteRefused:
        expected = None
    if expected is None:
        with pytest.raises(QuoteRefused):
            pool.amount_out(0, 1, amount)
    else:
        assert pool.amount_out(0, 1, amount) == expected


@given(pools(), st.floats(-9, -0.6))
def test_the_pools_product_never_falls(pool: WeightedPool, digits: float) -> None:
    swap = pool.quote_in(A, B, int(pool.balances[0] * 10**digits) + 1)
    after = swap.next_pool
    assert isinstance(after, WeightedPool)
    assert after.balances == (pool.balances[0] + swap.amount_in, pool.balances[1] - swap.amount_out)
    with localcontext() as context:
        context.prec = 60

        def product(state: WeightedPool) -> Decimal:
            first, second = (Decimal(balance) for balance in state.balances)
            return first.ln() * state.weights[0] + second.ln() * state.weights[1]

        assert product(after) >= product(pool)


@given(pools(), st.floats(-9, -1))
def test_there_and_back_never_gains(pool: WeightedPool, digits: float) -> None:
    there = pool.quote_in(A, B, int(pool.balances[0] * 10**digits) + 1)
    assume(there.amount_out > 0)
    try:
        back = there.next_pool.quote_in(B, A, there.amount_out)
    except QuoteRefused as refused:
        assume(refused.reason is not Refusal.AMOUNT_TOO_LARGE)
        raise
    assert back.amount_out <= there.amount_in


@given(pools(), st.floats(-9, -0.7))
def test_the_least_input_suffices_and_one_less_does_not(pool: WeightedPool, digits: float) -> None:
    wanted = int(pool.balances[1] * 10**digits) + 1
    try:
        swap = pool.quote_least_in(A, B, wanted)
    except QuoteRefused as refused:
        assert refused.reason in (Refusal.AMOUNT_TOO_LARGE, Refusal.INSUFFICIENT_LIQUIDITY)  # noqa: PT017
        return
    assert swap.amount_out >= wanted
    if swap.amount_in > 1:
        assert pool.amount_out(0, 1, swap.amount_in - 1) < wanted


@given(pools(), st.floats(-9, -0.7))
def test_buying_costs_no_less_than_the_exact_formula(pool: WeightedPool, digits: float) -> None:
    wanted = int(pool.balances[1] * 10**digits) + 1
    try:
        swap = pool.quote_out(A, B, wanted)
    except QuoteRefused as refused:
        assert refused.reason is Refusal.AMOUNT_TOO_LARGE  # noqa: PT017
        return
    with localcontext() as context:
        context.prec = 60
        left = Decimal(pool.balances[1] - wanted) / pool.balances[1]
        exact = pool.balances[0] * (left ** -(Decimal(pool.weights[1]) / pool.weights[0]) - 1)
        assert swap.amount_in >= exact


@given(pools())
def test_the_input_limit_is_sharp(pool: WeightedPool) -> None:
    limits = pool.limits(A, B)
    assert pool.amount_out(0, 1, limits.max_amount_in) < pool.balances[1]
    with pytest.raises(QuoteRefused) as refused:
        pool.amount_out(0, 1, limits.max_amount_in + 1)
    assert refused.value.reason is Refusal.AMOUNT_TOO_LARGE


def test_the_output_limit_is_sharp() -> None:
    pool = pool_of()
    limits = pool.limits(A, B)
    assert pool.amount_in(0, 1, limits.max_amount_out) > 0
    with pytest.raises(QuoteRefused) as refused:
        pool.amount_in(0, 1, limits.max_amount_out + 1)
    assert refused.value.reason is Refusal.AMOUNT_TOO_LARGE


def test_a_small_trade_pays_the_marginal_price() -> None:
    pool = pool_of()
    amount = 10**18
    assert pool.amount_out(0, 1, amount) / amount == pytest.approx(pool.marginal_price(A, B), rel=1e-6)
    assert pool.family is Family.BALANCER_WEIGHTED


def test_shortcut_exponents_pay_more_than_the_error_bound_allows() -> None:
    old, new = pool_of(), pool_of(pow_version=PowVersion.V2)
    assert new.amount_out(0, 1, 10**22) > old.amount_out(0, 1, 10**22)


@pytest.mark.parametrize(
    ("changes", "amount", "reason"),
    [
        ({}, 0, Refusal.ZERO_AMOUNT),
        ({}, -1, Refusal.ZERO_AMOUNT),
        ({}, 10**26, Refusal.AMOUNT_TOO_LARGE),
        ({"balances": (0, 10**18)}, 10, Refusal.INSUFFICIENT_LIQUIDITY),
        ({"balances": (2**112 - 5, 10**18)}, 10, Refusal.AMOUNT_TOO_LARGE),
    ],
)
def test_what_the_vault_reverts_is_refused(changes: dict[str, object], amount: int, reason: Refusal) -> None:
    with pytest.raises(QuoteRefused) as refused:
        pool_of(**changes).quote_in(A, B, amount)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    ("changes", "amount", "reason"),
    [
        ({}, 0, Refusal.ZERO_AMOUNT),
        ({}, 2 * 10**20, Refusal.AMOUNT_TOO_LARGE),
        ({"balances": (10**18, 0)}, 10, Refusal.INSUFFICIENT_LIQUIDITY),
        ({"balances": (2**112 - 5, 10**18)}, 10**15, Refusal.AMOUNT_TOO_LARGE),
    ],
)
def test_what_the_vault_will_not_sell_is_refused(changes: dict[str, object], amount: int, reason: Refusal) -> None:
    with pytest.raises(QuoteRefused) as refused:
        pool_of(**changes).quote_out(A, B, amount)
    assert refused.value.reason is reason


@pytest.mark.parametrize("pair", [(A, C), (C, A), (A, A)])
def test_foreign_or_equal_tokens_are_refused(pair: tuple[Address, Address]) -> None:
    with pytest.raises(QuoteRefused) as refused:
        pool_of().quote_in(*pair, 10**18)
    assert refused.value.reason is Refusal.UNKNOWN_TOKEN


@pytest.mark.parametrize(
    "changes",
    [{"weights": (ONE,)}, {"weights": (0, ONE)}, {"decimals": (18, 19)}, {"balances": (1, 2**112)}, {"swap_fee": ONE}],
)
def test_an_impossible_state_is_rejected(changes: dict[str, object]) -> None:
    with pytest.raises(StateConflict):
        pool_of(**changes)
