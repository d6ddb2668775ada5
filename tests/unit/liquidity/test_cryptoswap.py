"""Tricrypto pools: fast forms against plain ones, what no trade may do, the repeg's rules, and what is refused."""

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from oms.errors import BeyondKnownRange, QuoteRefused, Refusal
from oms.liquidity import cryptoswap_math, tricrypto_ng_math
from oms.liquidity.cryptoswap import AGammaRamp, CryptoSwapPool, DynamicFee
from oms.liquidity.cryptoswap_peg import Generation, Peg, PegRules
from oms.units import Address

WAD = 10**18
USD, BTC, ETH = (Address(f"0x{k:040x}") for k in range(1, 4))
A_GAMMA = (1_707_629, 11_809_167_828_997)
NOW = 1_773_164_315

NG = CryptoSwapPool(
    pool_id="0x7F86Bf177Dd4F3494b841a37e810A34dD56c829B",
    tokens=(USD, BTC, ETH),
    generation=Generation.TRICRYPTO_NG,
    balances=(3_291_676_972_992, 4_668_558_675, 1_586_410_876_989_174_696_421),
    precisions=(10**12, 10**10, 1),
    ramp=AGammaRamp(*A_GAMMA, *A_GAMMA),
    fee=DynamicFee(3_000_000, 30_000_000, 5 * 10**14),
    peg=Peg(
        price_scale=(70_523_262_672_596_146_584_146, 2_055_594_447_541_526_776_071),
        price_oracle=(70_983_695_127_261_048_213_649, 2_075_808_377_654_375_673_263),
        last_prices=(70_518_618_077_235_852_337_023, 2_061_235_194_824_134_193_062),
        last_prices_timestamp=1_773_164_303,
        d=9_845_099_674_670_522_066_372_551,
        xcp_profit=1_061_938_490_781_199_523,
        virtual_price=1_030_969_392_923_148_655,
    ),
    rules=PegRules(2 * 10**12, 490 * 10**12, 865),
    total_supply=0x1487B1AB4C599E13ACB,
    timestamp=NOW,
)
FIRST = CryptoSwapPool(
    pool_id="0xD51a44d3FaE010294C616388b506AcdA1bfAAE46",
    tokens=(USD, BTC, ETH),
    generation=Generation.TRICRYPTO,
    balances=(3_617_931_398_710, 5_133_514_340, 1_743_757_418_777_887_492_127),
    precisions=(10**12, 10**10, 1),
    ramp=AGammaRamp(*A_GAMMA, *A_GAMMA),
    fee=DynamicFee(3_000_000, 30_000_000, 5 * 10**14),
    peg=Peg(
        price_scale=(70_583_173_161_166_205_059_386, 2_056_725_505_874_175_060_069),
        price_oracle=(71_015_506_018_339_107_162_904, 2_076_307_953_738_495_163_820),
        last_prices=(70_573_776_463_986_976_511_809, 2_064_158_504_563_384_516_431),
        last_prices_timestamp=1_773_164_291,
        d=10_827_742_239_259_450_221_868_980,
        xcp_profit=1_135_399_225_212_126_284,
        virtual_price=1_067_701_029_932_711_175,
    ),
    rules=PegRules(2 * 10**12, 490 * 10**12, 600),
    total_supply=0x15CACED8F035082BB94,
    timestamp=NOW,
)
POOLS = [FIRST, NG]
both_generations = pytest.mark.parametrize("pool", POOLS, ids=["tricrypto2", "tricryptoUSDC"])
pairs = st.permutations(range(3)).map(lambda order: (order[0], order[1]))


def after(pool: CryptoSwapPool, i: int, j: int, amount: int) -> CryptoSwapPool:
    next_pool = pool.quote_in(pool.tokens[i], pool.tokens[j], amount).next_pool
    assert isinstance(next_pool, CryptoSwapPool)
    return next_pool


@given(
    st.integers(2700, 270_000_000) | st.just(A_GAMMA[0]),
    st.integers(10**10, 5 * 10**16) | st.just(A_GAMMA[1]),
    st.integers(10**18, 10**33),
    st.lists(st.integers(1, 400), min_size=3, max_size=3),
    st.integers(0, 2),
)
def test_the_fast_cubic_equals_the_plain_one(ann: int, gamma: int, d: int, parts: list[int], index: int) -> None:
    xp = [d // 300 * part for part in parts]
    outcomes: list[tuple[int, int] | None] = []
    for solve in (tricrypto_ng_math.get_y, tricrypto_ng_math.get_y_plain):
        try:
            outcomes.append(solve(ann, gamma, xp, d, index))
        except QuoteRefused:
            outcomes.append(None)
    assert outcomes[0] == outcomes[1]


@given(st.integers(0, 2**256 - 1) | st.integers(0, 10**45) | st.integers(0, 10**6))
def test_the_fast_cube_root_equals_the_seven_steps(value: int) -> None:
    assert tricrypto_ng_math.cube_root(value) == tricrypto_ng_math.cube_root_steps(value)


@given(st.integers(10**12, 10**25), st.integers(-3, 3))
def test_cube_roots_agree_beside_perfect_cubes(root: int, beside: int) -> None:
    value = root**3 // 10**36 + beside
    assume(value >= 0)
    assert tricrypto_ng_math.cube_root(value) == tricrypto_ng_math.cube_root_steps(value)


@given(st.integers(0, 41 * WAD))
def test_the_exponential_decays_as_it_should(power: int) -> None:
    assert tricrypto_ng_math.wad_exp(-power) / WAD == pytest.approx(math.exp(-power / WAD), rel=1e-9, abs=2e-18)


@given(st.integers(0, 59 * WAD))
def test_half_lives_halve(power: int) -> None:
    assert cryptoswap_math.half_power(power) / WAD == pytest.approx(0.5 ** (power / WAD), rel=1e-6, abs=1e-8)


@given(st.lists(st.integers(10**20, 10**26), min_size=3, max_size=3), st.integers(1, WAD))
def test_the_fee_lies_between_its_ends(xp: list[int], fee_gamma: int) -> None:
    fee = DynamicFee(3_000_000, 30_000_000, fee_gamma)
    assert 3_000_000 <= fee.at(xp) <= 30_000_000
    assert fee.at([10**24] * 3) == 3_000_000


@both_generations
@given(pair=pairs, part=st.integers(1, 500_000))
def test_the_lean_quote_equals_the_full_one(pool: CryptoSwapPool, pair: tuple[int, int], part: int) -> None:
    i, j = pair
    amount = pool.balances[i] * part // 10**6
    swap = pool.quote_in(pool.tokens[i], pool.tokens[j], amount)
    assert swap.amount_out == pool.amount_out(i, j, amount)
    assert swap.next_pool.balances[i] == pool.balances[i] + amount  # type: ignore[attr-defined]
    assert swap.next_pool.balances[j] == pool.balances[j] - swap.amount_out  # type: ignore[attr-defined]


@both_generations
@given(pair=pairs, part=st.integers(1, 500_000))
def test_a_trade_never_lowers_the_value_per_share(pool: CryptoSwapPool, pair: tuple[int, int], part: int) -> None:
    i, j = pair
    assert after(pool, i, j, pool.balances[i] * part // 10**6).peg.xcp_profit >= pool.peg.xcp_profit


@both_generations
@given(pair=pairs, part=st.integers(10, 500_000))
def test_there_and_back_never_gains(pool: CryptoSwapPool, pair: tuple[int, int], part: int) -> None:
    i, j = pair
    amount = pool.balances[i] * part // 10**6
    there = pool.quote_in(pool.tokens[i], pool.tokens[j], amount)
    back = there.next_pool.quote_in(pool.tokens[j], pool.tokens[i], there.amount_out)
    assert back.amount_out < amount


@both_generations
@given(pair=pairs, part=st.integers(1, 700_000))
def test_exact_output_suffices_and_one_less_does_not(pool: CryptoSwapPool, pair: tuple[int, int], part: int) -> None:
    i, j = pair
    wanted = pool.balances[j] * part // 10**6
    swap = pool.quote_out(pool.tokens[i], pool.tokens[j], wanted)
    assert swap.amount_out >= wanted
    assert swap == pool.quote_in(pool.tokens[i], pool.tokens[j], swap.amount_in)
    assert pool.amount_out(i, j, swap.amount_in - 1) < wanted


@both_generations
def test_the_marginal_price_is_what_a_small_trade_gets(pool: CryptoSwapPool) -> None:
    for i, j, amount in ((0, 1, 10**9), (1, 2, 10**5), (2, 0, 10**16), (0, 2, 10**7)):
        price = pool.marginal_price(pool.tokens[i], pool.tokens[j])
        assert pool.amount_out(i, j, amount) / amount == pytest.approx(price, rel=3e-4)


@both_generations
def test_the_oracle_moves_once_a_block(pool: CryptoSwapPool) -> None:
    """At its first trade a block takes in the block before's last price; later trades find it moved already."""
    first = after(pool, 0, 2, 10**10)
    second = after(first, 0, 2, 10**10)
    assert first.peg.price_oracle != pool.peg.price_oracle
    assert second.peg.price_oracle == first.peg.price_oracle
    assert second.peg.last_prices != first.peg.last_prices
    later = after(first.at(NOW + 12), 0, 2, 10**10)
    assert later.peg.price_oracle != first.peg.price_oracle
    assert later.peg.last_prices_timestamp == NOW + 12


@both_generations
def test_profit_pays_for_moving_the_price_scale_towards_the_oracle(pool: CryptoSwapPool) -> None:
    rich = replace(pool, peg=replace(pool.peg, xcp_profit=WAD, virtual_price=pool.peg.virtual_price - 10**12))
    moved = after(rich, 0, 2, 10**10)
    for old, new, oracle in zip(pool.peg.price_scale, moved.peg.price_scale, moved.peg.price_oracle, strict=True):
        assert abs(oracle - new) < abs(oracle - old)
    poor = replace(pool, peg=replace(pool.peg, xcp_profit=2 * pool.peg.xcp_profit))
    assert after(poor, 0, 2, 10**10).peg.price_scale == pool.peg.price_scale


def test_an_unknown_adjustment_step_is_refused_only_where_it_matters() -> None:
    unknown = replace(FIRST, rules=replace(FIRST.rules, adjustment_step=None))
    assert unknown.quote_in(USD, ETH, 10**10).amount_out == FIRST.amount_out(0, 2, 10**10)
    begun = replace(unknown, peg=replace(unknown.peg, not_adjusted=True))
    with pytest.raises(BeyondKnownRange):
        begun.quote_in(USD, ETH, 10**10)


@both_generations
def test_a_loss_of_value_per_share_is_refused(pool: CryptoSwapPool) -> None:
    losing = replace(pool, peg=replace(pool.peg, virtual_price=2 * pool.peg.virtual_price))
    with pytest.raises(QuoteRefused) as refused:
        losing.quote_in(USD, ETH, 10**10)
    assert refused.value.reason is Refusal.UNSAFE_STATE


@both_generations
def test_during_a_ramp_the_invariant_is_computed_afresh(pool: CryptoSwapPool) -> None:
    stale = replace(pool, peg=replace(pool.peg, d=pool.peg.d * 101 // 100))
    with pytest.raises(QuoteRefused):
        stale.quote_in(USD, ETH, 10**6)
    ramping = replace(stale, ramp=AGammaRamp(*A_GAMMA, *A_GAMMA, NOW - 100, NOW + 100))
    assert ramping.amount_out(0, 2, 10**10) == pytest.approx(pool.amount_out(0, 2, 10**10), rel=1e-9)


def test_the_first_generation_forgets_a_ramp_that_is_over() -> None:
    over = replace(FIRST, ramp=AGammaRamp(*A_GAMMA, *A_GAMMA, NOW - 200, NOW - 100))
    assert after(over, 0, 2, 10**10).ramp.future_time == 0
    running = replace(FIRST, ramp=AGammaRamp(*A_GAMMA, *A_GAMMA, NOW - 200, NOW + 100))
    assert after(running, 0, 2, 10**10).ramp.future_time == NOW + 100


def test_a_and_gamma_move_on_straight_lines() -> None:
    ramp = AGammaRamp(100, 1000, 200, 3000, 1_000, 2_000)
    assert [ramp.at(time) for time in (1_000, 1_500, 2_000)] == [(100, 1000), (150, 2000), (200, 3000)]
    with pytest.raises(QuoteRefused):
        ramp.at(999)


@both_generations
@pytest.mark.parametrize(
    ("pair", "amount", "reason"),
    [
        ((USD, ETH), 0, Refusal.ZERO_AMOUNT),
        ((USD, USD), 10**6, Refusal.UNKNOWN_TOKEN),
        ((USD, Address("0x" + "9" * 40)), 10**6, Refusal.UNKNOWN_TOKEN),
        ((USD, ETH), 10**24, Refusal.UNSAFE_STATE),
        ((USD, ETH), 2**250, Refusal.MATH_OVERFLOW),
    ],
)
def test_what_the_pool_would_revert_is_refused_with_the_reason(
    pool: CryptoSwapPool, pair: tuple[Address, Address], amount: int, reason: Refusal
) -> None:
    with pytest.raises(QuoteRefused) as refused:
        pool.quote_in(*pair, amount)
    assert refused.value.reason is reason


@pytest.mark.parametrize(
    "change",
    [
        {"killed": True},
        {"ramp": AGammaRamp(2699, 10**12, 2699, 10**12)},
        {"ramp": AGammaRamp(2700, 10**10 - 1, 2700, 10**10 - 1)},
        {"peg": replace(FIRST.peg, d=10**33 + 1)},
    ],
)
def test_a_pool_in_an_unsafe_state_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(QuoteRefused) as refused:
        replace(FIRST, **change).quote_in(USD, ETH, 10**10)  # type: ignore[arg-type]
    assert refused.value.reason is Refusal.UNSAFE_STATE


@both_generations
@pytest.mark.parametrize("beyond", [0, 10**30])
def test_exact_output_beyond_the_pool_is_refused(pool: CryptoSwapPool, beyond: int) -> None:
    with pytest.raises(QuoteRefused):
        pool.quote_out(USD, ETH, beyond)
    with pytest.raises(QuoteRefused):
        pool.quote_out(USD, ETH, pool.balances[2] - 1)


@both_generations
def test_limits_bound_what_is_quoted(pool: CryptoSwapPool) -> None:
    limits = pool.limits(USD, ETH)
    assert pool.amount_out(0, 2, limits.max_amount_in - 10**6) < limits.max_amount_out
    with pytest.raises(QuoteRefused):
        pool.amount_out(0, 2, limits.max_amount_in + 10**6)
    with pytest.raises(QuoteRefused):
        pool.quote_out(USD, ETH, limits.max_amount_out + 10**18)
