"""A pool's response against its own integers: amounts, slopes, the sale that ends at a price, and odd states."""

import math
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from oms.errors import QuoteRefused, Refusal
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.constant_product import UINT112_MAX, ConstantProductPool
from oms.liquidity.cryptoswap import CryptoSwapPool, DynamicFee
from oms.liquidity.curve_fit import MOST_PIECES, OUTWARD
from oms.liquidity.pool import Family, Pool
from oms.liquidity.price_piece import Piece, end_of_piece
from oms.liquidity.price_response import (
    EMPTY,
    NEVER,
    PriceResponse,
    flat_levels,
    is_fitted,
    log_marginal_price,
    response_of,
    swap_to_price,
)
from oms.liquidity.tick_map import TickMap
from oms.liquidity.tick_math import MAX_TICK, MIN_TICK, sqrt_price_at_tick
from oms.liquidity.weighted import WeightedPool
from oms.units import Address
from tests.unit.liquidity import (
    test_balancer_stable,
    test_concentrated,
    test_cryptoswap,
    test_solidly,
    test_stableswap,
)
from tests.unit.routing.markets import POOLS, Sketch, listed, sketches

A, B = Address("A"), Address("B")
CLOSED = POOLS[:3]
SAMPLED: list[Pool] = [
    test_stableswap.MAINNET,
    test_cryptoswap.NG,
    test_cryptoswap.FIRST,
    test_solidly.pool_of(stable=True),
    test_balancer_stable.pool_of(),
    listed(Sketch("stable", 0, 1, 1e6), 0).pool,
    listed(Sketch("stable", 1, 4, 1e4, shape=3), 0).pool,
    listed(Sketch("stable", 1, 2, 1e3, 0.0, 100), 0).pool,
]
"""The last holds a thousand dollars in tokens of 6 and 8 decimals."""
ABOVE = 1e-7
"""What a fitted curve may pay more than the pool, as a share, where it has the pieces that it needs."""


def _ends(pool: Pool, *, turned: bool) -> tuple[Address, Address]:
    """The first two tokens, or the other way round."""
    first, second = pool.tokens[:2]
    return (second, first) if turned else (first, second)


def _depth(response: PriceResponse) -> float:
    """About what is held on the input's side around the price."""
    return max(1.0, response.at(0.01).amount_in / math.expm1(0.005))


def _close(response: PriceResponse, pool: Pool, tokens: tuple[Address, Address], amount: int, error: float) -> bool:
    """Whether the response pays what the pool pays: both within the error, or both nothing."""
    sold = response.sold(float(amount))
    try:
        paid = pool.quote_in(*tokens, amount).amount_out
    except QuoteRefused as refused:
        if refused.reason is Refusal.ZERO_OUTPUT:
            return sold < 3.0
        return sold == 0.0 or amount > response.capacity * (1 - 1e-9)
    held = float(pool.balances[pool.tokens.index(tokens[1])]) if isinstance(pool, WeightedPool) else 0.0
    unit_in = 2.0 * paid / amount  # a fee is rounded up to a unit of the input
    return abs(sold - paid) <= 3.0 + unit_in + error * paid + 1e-13 * held


closed_pools = sketches(tokens=5, kinds=CLOSED).map(lambda sketch: listed(sketch, 0).pool)


def _deepened(pool: ConcentratedPool) -> ConcentratedPool:
    """A billion times as deep: with a liquidity of 75 there is hardly a price between two base units."""
    ticks = replace(pool.tick_map, nets=tuple(net * 10**9 for net in pool.tick_map.nets), grosses=None)
    return replace(pool, liquidity=pool.liquidity * 10**9, tick_map=ticks)


@st.composite
def cut_pools(draw: st.DrawFn) -> ConcentratedPool:
    """A deep concentrated pool of which only the ticks near its price were read."""
    pool = _deepened(draw(test_concentrated.pools()))
    reach = draw(st.integers(1, 4_000))
    low, high = pool.tick - reach, pool.tick + 1 + draw(st.integers(0, 4_000))
    ticks = pool.tick_map
    known = [(tick, net) for tick, net in zip(ticks.ticks, ticks.nets, strict=True) if low <= tick <= high]
    return replace(pool, tick_map=TickMap.of(dict(known), known_min_tick=low, known_max_tick=high))


def _largest_sale(pool: Pool, tokens: tuple[Address, Address]) -> int:
    """The largest amount that the pool doesn't refuse, by bisection; zero where there is none."""
    fits, refused = 0, 2**127
    while refused - fits > 1:
        middle = (fits + refused) // 2
        try:
            pool.quote_in(*tokens, middle)
        except QuoteRefused as error:
            if error.reason is Refusal.ZERO_OUTPUT:
                fits = middle
            else:
                refused = middle
        else:
            fits = middle
    return fits


class TestClosedForms:
    @given(closed_pools, st.booleans(), st.floats(-9.0, 0.5))
    def test_a_sale_pays_what_the_pool_pays(self, pool: Pool, turned: bool, size: float) -> None:
        tokens = _ends(pool, turned=turned)
        response = response_of(pool, *tokens)
        amount = int(_depth(response) * 10**size)
        assume(1_000 <= amount <= response.capacity * (1 - 1e-9))
        assert _close(response, pool, tokens, amount, 1e-9)

    def test_a_weighted_pool_sells_more_than_a_third_of_its_output(self) -> None:
        pool = listed(Sketch("weighted", 0, 1, 1_000.0, 0.0, 100, 1), 0).pool
        amount = 134_734_968_392_569_696
        paid = pool.quote_in(*_ends(pool, turned=False), amount).amount_out
        assert response_of(pool, *_ends(pool, turned=False)).sold(float(amount)) == pytest.approx(
            paid, rel=1e-9, abs=3.0
        )

    @given(test_concentrated.pools().map(lambda pool: _deepened(pool)), st.booleans(), st.floats(1e-6, 0.999))
    def test_ranges_with_gaps_between_them_pay_what_the_pool_pays(
        self, pool: ConcentratedPool, turned: bool, share: float
    ) -> None:
        tokens = (B, A) if turned else (A, B)
        response = response_of(pool, *tokens)
        amount = int(response.capacity * share)
        assume(amount > 1_000)
        sold, paid = response.sold(float(amount)), pool.quote_in(*tokens, amount).amount_out
        # each tick that is crossed may round one unit away, each way
        units = 3.0 + 2.0 * len(pool.tick_map.ticks) * max(1.0, sold / amount)
        assert abs(sold - paid) <= 1e-7 * paid + units

    @given(cut_pools(), st.booleans(), st.floats(0.5, 1 - 1e-8))
    def test_ranges_known_in_part_pay_at_least_what_the_pool_pays_up_to_their_edge(
        self, pool: ConcentratedPool, turned: bool, share: float
    ) -> None:
        tokens = (B, A) if turned else (A, B)
        response, most = response_of(pool, *tokens), _largest_sale(pool, tokens)
        assume(most > 1_000)
        assert response.capacity >= most * (1 - 1e-9) - 1
        amount = max(1, int(most * share))
        paid = pool.quote_in(*tokens, amount).amount_out
        sold = response.sold(float(amount))
        units = 3.0 + 2.0 * len(pool.tick_map.ticks) * max(1.0, sold / amount)
        assert abs(sold - paid) <= 1e-7 * paid + units

    @given(sketches(tokens=5, kinds=("weighted",)).map(lambda sketch: listed(sketch, 0).pool), st.booleans())
    def test_a_weighted_pool_takes_what_its_limit_lets_it_take(self, pool: Pool, turned: bool) -> None:
        tokens = _ends(pool, turned=turned)
        most = _largest_sale(pool, tokens)
        assert response_of(pool, *tokens).capacity == pytest.approx(most, rel=1e-9, abs=2.0)

    @given(closed_pools, st.booleans(), st.floats(1e-6, 2.0))
    def test_the_ratio_of_slopes_is_the_marginal_price(self, pool: Pool, turned: bool, fall: float) -> None:
        tokens = _ends(pool, turned=turned)
        response = response_of(pool, *tokens)
        trade = response.at(fall)
        assume(trade.slope_in > 0.0)
        assert math.log(trade.slope_out / trade.slope_in) == pytest.approx(response.log_price - fall, abs=1e-9)

    @given(closed_pools, st.booleans(), st.floats(1e-4, 1.0))
    def test_slopes_are_the_derivatives_of_the_amounts(self, pool: Pool, turned: bool, fall: float) -> None:
        tokens = _ends(pool, turned=turned)
        response, step = response_of(pool, *tokens), fall * 1e-5
        below, here, above = response.at(fall - step), response.at(fall), response.at(fall + step)
        assume(below.slope_in <= here.slope_in <= above.slope_in)  # not over a kink
        assert (above.amount_in - below.amount_in) / (2 * step) == pytest.approx(here.slope_in, rel=1e-4)
        assert (above.amount_out - below.amount_out) / (2 * step) == pytest.approx(here.slope_out, rel=1e-4)

    @given(closed_pools, st.booleans(), st.floats(0.0, 1.0))
    def test_the_fall_after_an_amount_takes_that_amount(self, pool: Pool, turned: bool, share: float) -> None:
        tokens = _ends(pool, turned=turned)
        response = response_of(pool, *tokens)
        amount = response.capacity * share**8
        trade = response.at(response.fall_after(amount))
        assert trade.amount_in == pytest.approx(amount, rel=1e-6, abs=1e-3)
        assert trade.amount_out == pytest.approx(response.sold(amount), rel=1e-6, abs=1e-3)

    @given(closed_pools, st.booleans())
    def test_the_quick_price_is_the_response_s(self, pool: Pool, turned: bool) -> None:
        tokens = _ends(pool, turned=turned)
        response = response_of(pool, *tokens)
        assert log_marginal_price(pool, *tokens) == pytest.approx(response.log_price, abs=1e-12)
        assert math.exp(response.log_price) == pytest.approx(pool.marginal_price(*tokens), rel=1e-9)

    @given(closed_pools, st.booleans(), st.floats(1e-5, 0.3))
    def test_a_swap_to_a_price_is_the_largest_sale_at_that_price_or_better(
        self, pool: Pool, turned: bool, fall: float
    ) -> None:
        tokens = _ends(pool, turned=turned)
        response = response_of(pool, *tokens)
        wanted = math.exp(response.log_price - fall)
        swap = swap_to_price(pool, *tokens, wanted)
        assume(swap is not None)
        assert swap is not None
        unit = 2.0 / _depth(response) * 1.000001
        assert response.fall_after(float(swap.amount_in)) <= fall + 1e-9
        assert response.fall_after(swap.amount_in * (1 + 1e-9) + 1.0) >= fall - unit - 1e-8

    @given(sketches(tokens=5, kinds=("concentrated",)).map(lambda sketch: listed(sketch, 0).pool), st.floats(1e-4, 0.1))
    def test_a_concentrated_pool_stands_at_the_price_that_it_was_traded_to(self, pool: Pool, fall: float) -> None:
        response = response_of(pool, *_ends(pool, turned=False))
        swap = swap_to_price(pool, *_ends(pool, turned=False), math.exp(response.log_price - fall))
        assume(swap is not None and response.at(fall).slope_in > 0.0)
        assert swap is not None
        reached = response.log_price - log_marginal_price(swap.next_pool, *_ends(pool, turned=False))
        trade = response.at(fall)
        units = 8.0 / trade.slope_in + 8.0 / trade.slope_out  # a unit rounded at each tick, each way
        assert reached == pytest.approx(fall, abs=2e-9 + units)

    @pytest.mark.parametrize("price", [0.9, 0.5, 0.99, 0.123456789])
    def test_one_unit_more_than_a_swap_to_a_price_passes_it(self, price: float) -> None:
        swap = swap_to_price(ConstantProductPool("0x1", A, B, 10**9, 10**9), A, B, price)
        assert swap is not None
        # the last unit's price along the sale: the fee stays in the pool and trades nothing
        assert 0.997 * 10**18 / (10**9 + 0.997 * swap.amount_in) ** 2 >= price
        assert 0.997 * 10**18 / (10**9 + 0.997 * (swap.amount_in + 1)) ** 2 < price

    def test_a_price_above_the_pool_s_own_sells_nothing(self) -> None:
        pool = ConstantProductPool("0x1", A, B, 10**9, 10**9)
        assert swap_to_price(pool, A, B, 0.997) is None
        assert swap_to_price(pool, A, B, 1.5) is None


def _units(pool: Pool, tokens: tuple[Address, Address]) -> float:
    """A base unit of output, and what one of input brings before its fee is rounded."""
    return 1.0 + 1.02 * pool.marginal_price(*tokens)


def _overpays(pool: Pool, tokens: tuple[Address, Address], amount: int) -> tuple[float, int]:
    """How much more the response pays than the pool, and what the pool pays; nothing where the pool refuses."""
    try:
        paid = pool.quote_in(*tokens, amount).amount_out
    except QuoteRefused:
        return 0.0, 0
    return response_of(pool, *tokens).sold(float(amount)) - paid, paid


def _after_trades(pool: CryptoSwapPool, trades: list[tuple[int, int, float]]) -> CryptoSwapPool:
    """The pool after some trades, shares of its balances; what it refuses is left out."""
    for i, j, size in trades:
        if i != j:
            with suppress(QuoteRefused):
                after = pool.quote_in(pool.tokens[i], pool.tokens[j], max(1, int(pool.balances[i] * size))).next_pool
                pool = after if isinstance(after, CryptoSwapPool) else pool
    return pool


coins = st.integers(0, 2)
crypto_pools = st.builds(
    _after_trades,
    st.sampled_from(test_cryptoswap.POOLS),
    st.lists(st.tuples(coins, coins, st.floats(1e-5, 0.5)), max_size=2),
)
stable_pools = st.one_of(
    test_stableswap.pools(), test_balancer_stable.pools(), test_solidly.pools().filter(lambda pool: pool.stable)
)


class TestCurves:
    @given(stable_pools | crypto_pools, st.booleans(), st.floats(-8.0, 0.5))
    @settings(max_examples=150)
    def test_no_pool_pays_more_than_its_response(self, pool: Pool, turned: bool, size: float) -> None:
        """But for a unit of what a chain rounds, either way."""
        tokens = _ends(pool, turned=turned)
        response = response_of(pool, *tokens)
        amount = int(response.end.amount_out * math.exp(-response.log_price) * 10**size)
        assume(1 <= amount <= response.capacity)
        over, paid = _overpays(pool, tokens, amount)
        assert over >= -1e-12 * paid - _units(pool, tokens)

    @given(stable_pools | crypto_pools, st.booleans(), st.floats(-6.0, -0.5))
    @settings(max_examples=150)
    def test_and_its_response_pays_a_millionth_more_at_most(self, pool: Pool, turned: bool, size: float) -> None:
        tokens = _ends(pool, turned=turned)
        response = response_of(pool, *tokens)
        amount = int(response.end.amount_out * math.exp(-response.log_price) * 10**size)
        over, paid = _overpays(pool, tokens, amount)
        # A chain's own Newton steps cut some of a pool's last digits; all that 18 digits of a balance can lose.
        held = response.end.amount_out
        assume(paid > 0)
        assert over <= 1e-6 * paid + 4.0 * _units(pool, tokens) + 1e-12 * held

    @pytest.mark.parametrize("place", range(len(SAMPLED)))
    @pytest.mark.parametrize("turned", [False, True])
    @pytest.mark.parametrize("share", [1e-6, 1e-4, 1e-3, 1e-2, 0.05, 0.2, 0.5])
    def test_a_sale_pays_what_the_pool_pays(self, place: int, turned: bool, share: float) -> None:
        pool = SAMPLED[place]
        tokens = _ends(pool, turned=turned)
        assert is_fitted(pool)
        limits = pool.limits(*tokens)
        amount = int(limits.max_amount_out * share / pool.marginal_price(*tokens))
        over, paid = _overpays(pool, tokens, amount)
        assert paid > 0
        assert (
            -_units(pool, tokens) <= over <= ABOVE * paid + 2.0 * _units(pool, tokens) + 1e-12 * limits.max_amount_out
        )

    @given(stable_pools | crypto_pools, st.booleans())
    def test_pieces_join_and_prices_fall(self, pool: Pool, turned: bool) -> None:
        response = response_of(pool, *_ends(pool, turned=turned))
        rows = response.packed
        assert 1 <= len(rows) <= MOST_PIECES
        for before, row in pairwise(rows.tolist()):
            end = end_of_piece(Piece(*before))
            assert row[0] == before[1] > before[0]
            assert row[2] == pytest.approx(end.taken, rel=1e-12)
            assert row[3] == pytest.approx(end.paid, rel=1e-12)
            assert row[2] > before[2]
            assert row[3] > before[3]

    @given(stable_pools | crypto_pools, st.booleans(), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
    def test_a_lower_price_never_takes_or_brings_less(self, pool: Pool, turned: bool, one: float, other: float) -> None:
        response = response_of(pool, *_ends(pool, turned=turned))
        low, high = sorted((response.last_fall * one**3, response.last_fall * other**3))
        before, after = response.at(low), response.at(high)
        assert after.amount_in >= before.amount_in * (1 - 1e-12)
        assert after.amount_out >= before.amount_out * (1 - 1e-12)
        assert min(before.slope_in, before.slope_out, after.slope_in, after.slope_out) >= 0.0

    @given(stable_pools | crypto_pools, st.booleans())
    def test_the_quick_price_is_the_response_s(self, pool: Pool, turned: bool) -> None:
        tokens = _ends(pool, turned=turned)
        response = response_of(pool, *tokens)
        assert log_marginal_price(pool, *tokens) == pytest.approx(response.log_price, abs=1e-12)

    @given(stable_pools, st.booleans())
    def test_the_first_price_is_the_pool_s_own_and_the_step_outwards(self, pool: Pool, turned: bool) -> None:
        tokens = _ends(pool, turned=turned)
        stated = math.log(pool.marginal_price(*tokens))
        assert response_of(pool, *tokens).log_price - stated == pytest.approx(OUTWARD, abs=1e-11)

    @given(stable_pools, st.booleans(), st.floats(-7.0, 0.0))
    def test_a_swap_to_a_price_ends_there(self, pool: Pool, turned: bool, size: float) -> None:
        tokens = _ends(pool, turned=turned)
        response = response_of(pool, *tokens)
        fall = 10**size
        swap = swap_to_price(pool, *tokens, math.exp(response.log_price - fall))
        assume(swap is not None)
        assert swap is not None
        wanted = response.at(fall)
        unit = 2.0 / max(1.0, wanted.amount_in)
        # The fit's price is off by the third power of a piece's length, the sale's is the curve's own.
        assert abs(response.fall_after(float(swap.amount_in)) - fall) <= 2e-3 * fall + 1e-7 + 10.0 * unit

    @given(test_solidly.pools().filter(lambda pool: not pool.stable), st.booleans(), st.floats(-6.0, 1.0))
    def test_a_volatile_pair_is_one_piece(self, pool: Pool, turned: bool, size: float) -> None:
        tokens = _ends(pool, turned=turned)
        response = response_of(pool, *tokens)
        assert not is_fitted(pool)
        assert response.only_piece is not None
        over, paid = _overpays(pool, tokens, max(1, int(_depth(response) * 10**size)))
        assert -1e-12 * response.end.amount_out - _units(pool, tokens) <= over
        assert over <= 1e-12 * response.end.amount_out + 2.0 * _units(pool, tokens) or not paid

    def test_a_fee_that_falls_with_size_is_answered_by_the_chord(self) -> None:
        """Selling what the pool lacks brings it nearer to balance: the whole sale pays the fee of its end."""
        pool = replace(test_cryptoswap.FIRST, fee=DynamicFee(3_000_000, 10**9, 10**14))
        tokens = pool.tokens[2], pool.tokens[1]
        response = response_of(pool, *tokens)
        assert math.exp(response.log_price) > pool.marginal_price(*tokens) * 1.001
        end = response.end.amount_out * math.exp(-response.log_price)
        overs = [_overpays(pool, tokens, int(end * 10 ** (step / 8))) for step in range(-56, 0)]
        assert min(over + 1e-12 * paid for over, paid in overs) >= -_units(pool, tokens)
        assert max(over / paid for over, paid in overs) > 1e-3
        assert any(0.0 <= over < ABOVE * paid for over, paid in overs)

    @given(test_stableswap.pools())
    @settings(max_examples=20)
    def test_any_stableswap_answers_with_finite_figures(self, pool: Pool) -> None:
        response = response_of(pool, pool.tokens[0], pool.tokens[1])
        for fall in (0.0, 1e-9, 0.01, 1.0, 50.0):
            assert all(map(math.isfinite, response.at(fall)))


class TestLevels:
    @given(
        st.lists(st.tuples(st.floats(1.0, 1e9), st.floats(1e-6, 0.1)), min_size=1, max_size=8), st.floats(0.001, 0.999)
    )
    def test_levels_pay_their_prices_within_their_width(self, steps: list[tuple[float, float]], share: float) -> None:
        levels, price = [], 2_000.0
        for amount, down in steps:
            price *= 1 - down
            levels.append((amount, amount * price, price))
        response = flat_levels(levels, width=2e-7)
        given_in = sum(amount for amount, _ in steps) * share
        left, paid = given_in, 0.0
        for amount, _, level in levels:
            paid += min(left, amount) * level
            left -= min(left, amount)
        assert response.sold(given_in) == pytest.approx(paid, rel=4e-7)
        assert response.capacity == pytest.approx(sum(amount for amount, _ in steps), rel=1e-6)

    def test_levels_that_offer_nothing_are_no_venue(self) -> None:
        assert flat_levels([(0.0, 0.0, 1.0), (1.0, 0.0, 1.0)], width=2e-7) is EMPTY
        assert flat_levels([], width=2e-7) is EMPTY


class TestOddStates:
    @pytest.mark.parametrize(
        ("reserve0", "reserve1"),
        [(0, 0), (0, 10**9), (10**9, 0), (1, 1), (1, UINT112_MAX), (UINT112_MAX, 1), (UINT112_MAX, UINT112_MAX)],
    )
    def test_any_pair_answers_with_finite_figures(self, reserve0: int, reserve1: int) -> None:
        pool = ConstantProductPool("0x1", A, B, reserve0, reserve1)
        for tokens in ((A, B), (B, A)):
            self._is_sane(response_of(pool, *tokens))

    @pytest.mark.parametrize("tick", [MIN_TICK, -500_000, 0, 500_000, MAX_TICK - 1])
    @pytest.mark.parametrize("liquidity", [0, 1, 2**127])
    def test_any_price_of_a_concentrated_pool_answers_with_finite_figures(self, tick: int, liquidity: int) -> None:
        nets = {MIN_TICK: liquidity, MAX_TICK: -liquidity} if liquidity else {}
        pool = ConcentratedPool(
            "p", Family.UNISWAP_V3, (A, B), 3_000, 1, sqrt_price_at_tick(tick), tick, liquidity, TickMap.of(nets)
        )
        for tokens in ((A, B), (B, A)):
            self._is_sane(response_of(pool, *tokens))

    def test_an_empty_concentrated_pool_before_a_range_answers_from_the_range_s_start(self) -> None:
        nets = {600: 10**18, 1_200: -(10**18)}
        pool = ConcentratedPool("p", Family.UNISWAP_V3, (A, B), 3_000, 60, 2**96, 0, 0, TickMap.of(nets))
        response = response_of(pool, B, A)
        assert response.log_price == pytest.approx(-600 * math.log(1.0001) + math.log(0.997), abs=1e-9)
        assert response_of(pool, A, B).log_price == NEVER
        assert response.sold(10**15) == pytest.approx(pool.quote_in(B, A, 10**15).amount_out, rel=1e-9)

    @pytest.mark.parametrize("balances", [(0, 0), (0, 10**18), (1, 10**30), (10**30, 1)])
    def test_any_weighted_pool_answers_with_finite_figures(self, balances: tuple[int, int]) -> None:
        for weights in ((5 * 10**17, 5 * 10**17), (10**16, 99 * 10**16)):
            pool = WeightedPool("p", A, (A, B), balances, weights, (18, 6), 3 * 10**15)
            for tokens in ((A, B), (B, A)):
                self._is_sane(response_of(pool, *tokens))

    def test_a_fee_of_all_but_nothing_sells_nothing(self) -> None:
        pool = WeightedPool("p", A, (A, B), (10**18, 10**18), (5 * 10**17, 5 * 10**17), (18, 18), 10**18 - 1)
        response = response_of(pool, A, B)
        assert response.log_price < -40.0
        assert response.sold(1e15) < 1.0

    def test_a_killed_pool_sells_nothing(self) -> None:
        pool = replace(test_stableswap.MAINNET, killed=True)
        response = response_of(pool, pool.tokens[0], pool.tokens[1])
        assert response.sold(1e18) == 0.0

    def _is_sane(self, response: PriceResponse) -> None:
        assert not math.isnan(response.log_price)
        assert response.capacity >= 0.0
        for fall in (0.0, 1e-12, 1e-3, 1.0, 100.0, 1e6):
            trade = response.at(fall)
            assert all(map(math.isfinite, trade))
            assert min(trade) >= 0.0
        assert math.isfinite(response.sold(1.0))
