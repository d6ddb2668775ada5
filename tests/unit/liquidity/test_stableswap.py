"""StableSwap pools: the fast form against the chain's steps, what no trade may do, and what is refused."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from oms.errors import QuoteRefused, Refusal
from oms.liquidity.stableswap import Amplification, StableSwapPool, get_d, get_y
from oms.units import Address

COINS = tuple(Address(f"0x{k:040x}") for k in range(1, 5))
DAI, USDC, USDT = COINS[:3]
MAINNET = StableSwapPool(
    pool_id="0xbEbc44782C7dB0a1A60Cb6fe97d0b483032FF1C7",
    tokens=(DAI, USDC, USDT),
    balances=(27_137_121_100_372_139_339_642_768, 27_662_471_158_553, 108_298_644_409_129),
    rates=(10**18, 10**30, 10**30),
    amplification=Amplification(5000, 4000, 1_751_893_283, 1_752_497_111),
    fee=1_500_000,
    admin_fee=10**10,
    timestamp=1_770_494_987,
)


@st.composite
def pools(draw: st.DrawFn) -> StableSwapPool:
    """Two to four coins of 6 to 18 decimals, of any size and up to a thousandfold out of balance."""
    count = draw(st.integers(2, 4))
    decimals = draw(st.lists(st.sampled_from([6, 8, 18]), min_size=count, max_size=count))
    size = draw(st.integers(1, 10**11))
    parts = draw(st.lists(st.integers(1, 1000), min_size=count, max_size=count))
    a_precision = draw(st.sampled_from([1, 100]))
    return StableSwapPool(
        pool_id="pool",
        tokens=COINS[:count],
        balances=tuple(size * part * 10**unit // 1000 + 1 for part, unit in zip(parts, decimals, strict=True)),
        rates=tuple(10 ** (36 - unit) for unit in decimals),
        amplification=Amplification.constant(draw(st.integers(1, 10**4)) * a_precision, a_precision=a_precision),
        fee=draw(st.integers(0, 10**8)),
        admin_fee=draw(st.sampled_from([0, 5 * 10**9, 10**10])),
        timestamp=0,
    )


@st.composite
def trades(draw: st.DrawFn) -> tuple[StableSwapPool, int, int, int]:
    """A pool, two of its coins, and an amount up to ten times what it holds."""
    pool = draw(pools())
    i, j = draw(st.permutations(range(len(pool.tokens))))[:2]
    return pool, i, j, max(pool.balances[i] * draw(st.integers(1, 10**7)) // 10**6, 1)


def by_the_chains_steps(pool: StableSwapPool, i: int, j: int, amount: int) -> int | None:
    """`exchange`, from `get_y` alone."""
    scaled = [balance * rate // 10**18 for balance, rate in zip(pool.balances, pool.rates, strict=True)]
    x = scaled[i] + amount * pool.rates[i] // 10**18
    dy = scaled[j] - get_y(i, j, x, scaled, pool.a(), a_precision=pool.amplification.a_precision) - 1
    return None if dy < 0 else (dy - dy * pool.fee // 10**10) * 10**18 // pool.rates[j]


def output(pool: StableSwapPool, i: int, j: int, amount: int) -> int | None:
    try:
        return pool.amount_out(i, j, amount)
    except QuoteRefused as refusal:
        if refusal.reason is not Refusal.ZERO_OUTPUT:
            raise
        return None


@given(trades())
def test_the_fast_form_equals_the_chains_steps(trade: tuple[StableSwapPool, int, int, int]) -> None:
    pool, i, j, amount = trade
    assert output(pool, i, j, amount) == by_the_chains_steps(pool, i, j, amount)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 5), st.integers(1, 200))
def test_the_fast_form_equals_the_chains_steps_where_roots_are_coarse(x: int, y: int, a: int, amount: int) -> None:
    pool = StableSwapPool("tiny", COINS[:2], (x, y), (10**18, 10**18), Amplification.constant(a), 0, 0, 0)
    assert output(pool, 0, 1, amount) == by_the_chains_steps(pool, 0, 1, amount)


@pytest.mark.parametrize(
    ("x", "y", "a", "amount", "paid"),
    [
        (884, 3138, 49, 1737, 1750),
        (1861, 2275, 36, 4477, 2257),
        (4138, 2892, 33, 1715, 1644),
        (1426, 803, 6, 1640, 735),
    ],
)
def test_the_fast_form_is_left_beside_a_whole_root(x: int, y: int, a: int, amount: int, paid: int) -> None:
    """Here the chain's loop stops one above the root rounded down, and so pays one less than the root would give."""
    pool = StableSwapPool("whole", COINS[:2], (x, y), (10**18, 10**18), Amplification.constant(a), 0, 0, 0)
    assert pool.amount_out(0, 1, amount) == by_the_chains_steps(pool, 0, 1, amount) == paid


@given(st.integers(400, 5000), st.integers(400, 5000), st.integers(1, 50), st.integers(1, 5000))
def test_the_fast_form_equals_the_chains_steps_in_small_pools(x: int, y: int, a: int, amount: int) -> None:
    pool = StableSwapPool("small", COINS[:2], (x, y), (10**18, 10**18), Amplification.constant(a), 0, 0, 0)
    assert output(pool, 0, 1, amount) == by_the_chains_steps(pool, 0, 1, amount)


@given(trades(), st.integers(1, 10**12))
def test_selling_more_never_pays_less(trade: tuple[StableSwapPool, int, int, int], more: int) -> None:
    pool, i, j, amount = trade
    assert (output(pool, i, j, amount) or 0) <= (output(pool, i, j, amount + more) or 0)


@given(trades())
def test_no_trade_lowers_the_invariant(trade: tuple[StableSwapPool, int, int, int]) -> None:
    pool, i, j, amount = trade
    pool = replace(pool, admin_fee=0)
    assume(output(pool, i, j, amount) is not None)
    after = pool.quote_in(pool.tokens[i], pool.tokens[j], amount).next_pool
    assert isinstance(after, StableSwapPool)
    # `get_d` itself stops within one of the root, on either side.
    assert after.invariant() >= pool.invariant() - 2


@given(trades())
def test_there_and_back_never_gains(trade: tuple[StableSwapPool, int, int, int]) -> None:
    pool, i, j, amount = trade
    assume(output(pool, i, j, amount))
    there = pool.quote_in(pool.tokens[i], pool.tokens[j], amount)
    try:
        back = there.next_pool.quote_in(pool.tokens[j], pool.tokens[i], there.amount_out)
    except QuoteRefused:
        return
    assert back.amount_out <= amount


@given(pools(), st.integers(1, 950_000))
def test_exact_output_takes_the_least_input_that_suffices(pool: StableSwapPool, part: int) -> None:
    wanted = pool.balances[1] * part // 10**6
    assume(wanted > 0)
    try:
        swap = pool.quote_out(pool.tokens[0], pool.tokens[1], wanted)
    except QuoteRefused as refusal:
        if refusal.reason is not Refusal.INSUFFICIENT_LIQUIDITY:
            raise
        return
    assert swap.amount_out >= wanted
    assert swap == pool.quote_in(pool.tokens[0], pool.tokens[1], swap.amount_in)
    assert swap.amount_in == 1 or (output(pool, 0, 1, swap.amount_in - 1) or 0) < wanted


def test_the_admins_part_of_the_fee_leaves_the_booked_balance() -> None:
    with_admin = MAINNET.quote_in(USDC, DAI, 10**12)
    without = replace(MAINNET, admin_fee=0).quote_in(USDC, DAI, 10**12)
    assert with_admin.amount_out == without.amount_out
    taken = without.next_pool.balances[0] - with_admin.next_pool.balances[0]  # type: ignore[attr-defined]
    assert taken == pytest.approx(with_admin.amount_out * 1_500_000 / 10**10, rel=1e-3)
    assert with_admin.next_pool.balances[1] == MAINNET.balances[1] + 10**12  # type: ignore[attr-defined]


def test_the_view_and_the_trade_round_in_another_order() -> None:
    assert MAINNET.view_get_dy(USDC, USDT, 1_383_123_557_927) == 1_383_863_675_206
    assert MAINNET.quote_in(USDC, USDT, 1_383_123_557_927).amount_out == 1_383_863_675_205


def test_the_marginal_price_is_what_a_small_trade_gets() -> None:
    for i, j, amount in ((0, 1, 10**21), (1, 2, 10**9), (2, 0, 10**9)):
        price = MAINNET.marginal_price(MAINNET.tokens[i], MAINNET.tokens[j])
        assert MAINNET.amount_out(i, j, amount) / amount == pytest.approx(price, rel=1e-5)


@pytest.mark.parametrize(("initial", "future"), [(1000, 2000), (2000, 1000)])
def test_a_moves_on_a_straight_line_between_its_ends(initial: int, future: int) -> None:
    ramp = Amplification(initial, future, 1_000, 2_000)
    assert [ramp.at(time) for time in (1_000, 1_500, 2_000, 9_999)] == [initial, 1500, future, future]
    with pytest.raises(QuoteRefused):
        ramp.at(999)


def test_quotes_follow_the_time_they_are_made_for() -> None:
    ramping = replace(MAINNET, amplification=Amplification(100, 4000, 1_000, 2_000))
    assert ramping.at(1_001).amount_out(2, 0, 10**13) < ramping.at(1_999).amount_out(2, 0, 10**13)


def test_the_invariant_of_a_balanced_pool_is_the_sum() -> None:
    assert get_d((10**24, 10**24, 10**24), 4000) == 3 * 10**24


@pytest.mark.parametrize(
    ("pool", "pair", "amount", "reason"),
    [
        (MAINNET, (DAI, USDC), 0, Refusal.ZERO_AMOUNT),
        (MAINNET, (DAI, USDC), -1, Refusal.ZERO_AMOUNT),
        (MAINNET, (DAI, DAI), 1, Refusal.UNKNOWN_TOKEN),
        (MAINNET, (DAI, COINS[3]), 1, Refusal.UNKNOWN_TOKEN),
        (MAINNET, (DAI, USDC), 2**200, Refusal.MATH_OVERFLOW),
        (MAINNET, (DAI, USDC), 2**256, Refusal.MATH_OVERFLOW),
        (replace(MAINNET, killed=True), (DAI, USDC), 10**18, Refusal.UNSAFE_STATE),
        (replace(MAINNET, balances=(0, 0, 0)), (DAI, USDC), 10**18, Refusal.INSUFFICIENT_LIQUIDITY),
        (replace(MAINNET, balances=(10**24, 0, 10**12)), (DAI, USDT), 10**18, Refusal.INSUFFICIENT_LIQUIDITY),
        (replace(MAINNET, amplification=Amplification.constant(0)), (DAI, USDC), 10**18, Refusal.MATH_OVERFLOW),
        (replace(MAINNET, balances=(2**190, 2**190, 2**190)), (DAI, USDC), 10**18, Refusal.MATH_OVERFLOW),
    ],
)
def test_what_the_pool_would_revert_is_refused_with_the_reason(
    pool: StableSwapPool, pair: tuple[Address, Address], amount: int, reason: Refusal
) -> None:
    with pytest.raises(QuoteRefused) as refused:
        pool.quote_in(*pair, amount)
    assert refused.value.reason is reason


@pytest.mark.parametrize("wanted", [0, MAINNET.balances[1], MAINNET.balances[1] - 1, 2**200])
def test_exact_output_beyond_the_pool_is_refused(wanted: int) -> None:
    with pytest.raises(QuoteRefused):
        MAINNET.quote_out(DAI, USDC, wanted)


def test_limits_are_amounts_that_the_arithmetic_bears() -> None:
    limits = MAINNET.limits(DAI, USDC)
    assert MAINNET.quote_in(DAI, USDC, limits.max_amount_in).amount_out <= limits.max_amount_out
