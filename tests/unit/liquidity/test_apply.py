"""Events applied to pools: a swap's event gives the pool that its quote promised, and nothing is ever guessed."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from oms.domain.venue import PoolKey
from oms.errors import PoolOutdated, QuoteRefused
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.constant_product import ConstantProductPool
from oms.liquidity.freshness import at_block_time, difference, key_of, moves_unseen, near_its_edge
from oms.liquidity.pool import Family, Pool, Swap
from oms.liquidity.pool_events import (
    CoinsExchanged,
    CoinsMoved,
    LiquidityChanged,
    PoolEvent,
    PriceMoved,
    ProtocolFeeSet,
    ReservesSynced,
    SwapFeeSet,
    Unfollowable,
    VaultBalancesChanged,
    VaultSwapped,
    sources_of,
)
from oms.liquidity.solidly import SolidlyPool
from oms.liquidity.stableswap import Amplification, StableSwapPool
from oms.liquidity.tick_map import TickMap
from oms.liquidity.tick_math import sqrt_price_at_tick
from oms.units import Address
from tests.unit.liquidity import (
    test_balancer_stable,
    test_concentrated,
    test_constant_product,
    test_cryptoswap,
    test_solidly,
    test_stableswap,
    test_weighted,
)
from tests.unit.liquidity.test_concentrated import pool_of

ONE = 10**18
FOREIGN = Address("0x" + "99" * 20)
POOLS: dict[str, st.SearchStrategy[Any]] = {
    "v2": test_constant_product.pools,
    "concentrated": test_concentrated.pools(),
    "solidly": test_solidly.pools(),
    "stableswap": test_stableswap.pools(),
    "tricrypto": st.sampled_from((test_cryptoswap.FIRST, test_cryptoswap.NG)),
    "weighted": test_weighted.pools(),
    "balancer stable": test_balancer_stable.pools(),
}
amounts = st.integers(1, 110).flatmap(lambda bits: st.integers(1, 2**bits))


def event_of(before: Any, token_in: Address, token_out: Address, swap: Swap) -> PoolEvent:
    """What the chain would emit for this swap."""
    after: Any = swap.next_pool
    i, j = before.tokens.index(token_in), before.tokens.index(token_out)
    match before.family:
        case Family.UNISWAP_V2 | Family.SOLIDLY:
            return ReservesSynced(after.reserve0, after.reserve1)
        case Family.UNISWAP_V3:
            return PriceMoved(after.sqrt_price_x96, after.liquidity, after.tick)
        case Family.UNISWAP_V4:
            return PriceMoved(after.sqrt_price_x96, after.liquidity, after.tick, before.swap_fee_pips(i == 0))
        case Family.CURVE_STABLESWAP:
            return CoinsExchanged(i, swap.amount_in, j, swap.amount_out)
        case Family.CURVE_CRYPTOSWAP:
            first, second = after.peg.price_scale
            return CoinsExchanged(i, swap.amount_in, j, swap.amount_out, first | second << 128)
        case _:
            return VaultSwapped(token_in, token_out, swap.amount_in, swap.amount_out)


def key_in(family: Family) -> PoolKey:
    return PoolKey(family, "venue", "0x" + "AB" * 32, FOREIGN, (FOREIGN,))


def swapped(data: st.DataObject, pool: Any) -> tuple[Address, Address, Swap]:
    token_in, token_out = data.draw(st.permutations(pool.tokens))[:2]
    try:
        swap = pool.quote_in(token_in, token_out, data.draw(amounts))
    except QuoteRefused:
        assume(False)
    assume(all(getattr(swap.next_pool, name, 1) for name in ("reserve0", "reserve1")))
    return token_in, token_out, swap


@pytest.mark.parametrize("family", POOLS)
@given(st.data())
@settings(deadline=None, max_examples=60)
def test_the_event_of_a_swap_gives_the_pool_that_the_quote_promised(family: str, data: st.DataObject) -> None:
    pool = data.draw(POOLS[family])
    token_in, token_out, swap = swapped(data, pool)
    after = pool.apply(event_of(pool, token_in, token_out, swap))
    assert after == swap.next_pool
    assert difference(after, swap.next_pool) == ""


@pytest.mark.parametrize("family", POOLS)
@given(st.data())
@settings(deadline=None, max_examples=15)
def test_events_of_other_families_and_those_that_tell_nothing_are_refused(family: str, data: st.DataObject) -> None:
    pool = data.draw(POOLS[family])
    own: dict[str, tuple[type, ...]] = {
        "v2": (ReservesSynced,),
        "solidly": (ReservesSynced,),
        "concentrated": (PriceMoved, LiquidityChanged, ProtocolFeeSet),
        "stableswap": (CoinsExchanged, CoinsMoved),
        "tricrypto": (CoinsExchanged,),
        "weighted": (VaultSwapped, VaultBalancesChanged, SwapFeeSet),
        "balancer stable": (VaultSwapped, VaultBalancesChanged, SwapFeeSet),
    }
    every: tuple[PoolEvent, ...] = (
        ReservesSynced(1, 1),
        PriceMoved(2**96, 1, 0),
        LiquidityChanged(-60, 60, 1),
        VaultSwapped(FOREIGN, FOREIGN, 1, 1),
        VaultBalancesChanged((FOREIGN,), (1,), (0,)),
        SwapFeeSet(1),
        CoinsExchanged(0, 1, 1, 2**200),
        CoinsMoved((1,), (1,), added=True),
        Unfollowable("RampA"),
    )
    for event in every:
        if not isinstance(event, own[family]):
            with pytest.raises(PoolOutdated, match="load the pool again"):
                pool.apply(event)


@pytest.mark.parametrize("reserves", [(0, 5), (5, 0), (0, 0), (2**256, 1)])
def test_an_emptied_pair_must_be_loaded_again(reserves: tuple[int, int]) -> None:
    pair = ConstantProductPool("pair", test_weighted.A, test_weighted.B, 5, 5)
    for pool in (pair, test_solidly.pool_of()):
        with pytest.raises(PoolOutdated):
            pool.apply(ReservesSynced(*reserves))


# --- concentrated ---


def known(positions: list[tuple[int, int, int]], *, low: int = -6_000, high: int = 6_000) -> ConcentratedPool:
    """A pool at tick 0 whose ticks are known with their gross liquidity, on [low, high]."""
    nets: dict[int, int] = {}
    grosses: dict[int, int] = {}
    for lower, upper, liquidity in positions:
        for tick, net in ((lower, liquidity), (upper, -liquidity)):
            nets[tick], grosses[tick] = nets.get(tick, 0) + net, grosses.get(tick, 0) + liquidity
    ticks = TickMap.of(nets, known_min_tick=low, known_max_tick=high, liquidity_gross=grosses)
    return replace(pool_of(positions), tick_map=ticks)


positions = st.lists(
    st.tuples(st.integers(-90, 90), st.integers(1, 40), st.integers(1, 10**20)).map(
        lambda row: (60 * row[0], 60 * (row[0] + row[1]), row[2])
    ),
    max_size=8,
)
BASE = [(-30_000, 30_000, 10**18)]


@given(positions, positions, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_mints_and_burns_in_any_order_give_the_pool_of_the_positions_left(
    staying: list[tuple[int, int, int]], leaving: list[tuple[int, int, int]], rng: Any
) -> None:
    pool: Any = known(BASE)
    events = [LiquidityChanged(*position) for position in (*staying, *leaving)]
    rng.shuffle(events)
    for event in (*events, *(LiquidityChanged(lower, upper, -liquidity) for lower, upper, liquidity in leaving)):
        pool = pool.apply(event)
    wanted = known([*BASE, *staying])
    assert pool == wanted
    assert pool.tick_map.grosses == wanted.tick_map.grosses


def test_a_burn_that_leaves_a_net_of_zero_keeps_the_tick_only_where_it_is_known_to_hold_liquidity() -> None:
    touching = [(-120, 0, 5), (0, 120, 5)]
    assert known([*BASE, *touching]).tick_map.nets[1] == 0
    left = known([*BASE, *touching, (0, 60, 7)]).apply(LiquidityChanged(0, 60, -7))
    assert left.tick_map == known([*BASE, *touching]).tick_map
    unknown = pool_of([*BASE, *touching, (0, 60, 7)])
    with pytest.raises(PoolOutdated, match="may or may not be initialized"):
        unknown.apply(LiquidityChanged(0, 60, -7))


def test_a_position_that_reaches_beyond_the_known_ticks_counts_where_they_are_known() -> None:
    pool = known(BASE).apply(LiquidityChanged(-60_000, 600, 9))
    assert pool.liquidity == 10**18 + 9
    assert (pool.tick_map.ticks, pool.tick_map.nets) == ((600,), (-9,))
    assert known(BASE).apply(LiquidityChanged(-60_000, 60_000, 9)).tick_map == known(BASE).tick_map


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (PriceMoved(sqrt_price_at_tick(6_001), 10**18, 6_001), "outside the known ticks"),
        (PriceMoved(sqrt_price_at_tick(-6_002), 10**18, -6_002), "outside the known ticks"),
        (PriceMoved(sqrt_price_at_tick(60), 10**18 + 1, 60), "contradicts the known ticks"),
        (PriceMoved(sqrt_price_at_tick(60), 10**18, 58), "tick does not match the price"),
        (PriceMoved(0, 10**18, 0), "price not initialized"),
        (LiquidityChanged(60, 60, 1), "no position lies on"),
        (LiquidityChanged(-61, 60, 1), "no position lies on"),
        (LiquidityChanged(-60, 60, -1), "holds no liquidity to take away"),
        (LiquidityChanged(-(10**6), 10**6, 1), "no position lies on"),
        (LiquidityChanged(-30_000, 30_000, -(10**18)), "no liquidity around its price"),
        (ProtocolFeeSet(1, 1), "ProtocolFeeSet"),
        (Unfollowable("Initialize"), "Initialize does not tell"),
    ],
)
def test_what_contradicts_a_concentrated_pool_is_refused(event: PoolEvent, why: str) -> None:
    with pytest.raises(PoolOutdated, match=why):
        known(BASE).apply(event)


def test_a_position_touched_without_a_change_leaves_the_very_same_pool() -> None:
    pool = known(BASE)
    assert pool.apply(LiquidityChanged(-60, 60, 0)) is pool


def test_a_v4_swap_that_paid_another_fee_than_ours_is_noticed_and_a_protocol_fee_is_taken_up() -> None:
    pool = replace(known(BASE), family=Family.UNISWAP_V4)
    event = PriceMoved(sqrt_price_at_tick(30), 10**18, 30, 3_500)
    with pytest.raises(PoolOutdated, match="3500 pips"):
        pool.apply(event)
    taxed = pool.apply(ProtocolFeeSet(0, 1_000))
    assert (taxed.swap_fee_pips(True), taxed.swap_fee_pips(False)) == (3_000, 3_997)
    assert taxed.apply(replace(event, swap_fee_pips=3_997)).tick == 30


def test_a_price_near_the_end_of_what_is_known_is_told_and_the_ends_of_all_ticks_are_no_such_end() -> None:
    assert not near_its_edge(known(BASE))
    assert near_its_edge(known(BASE, low=-1_000, high=20_000))
    assert near_its_edge(known(BASE, low=-20_000, high=1_000))
    assert not near_its_edge(pool_of(BASE))


# --- Balancer ---


def test_joins_exits_and_trades_of_the_share_move_only_the_tokens_own_balances() -> None:
    pool = test_balancer_stable.pool_of(balances=(1_000, 2_000))
    a, b = pool.tokens
    joined = pool.apply(VaultBalancesChanged((pool.address, b, a), (10**40, 50, 7), (0, 3, 9)))
    assert joined.balances == (998, 2_047)
    assert pool.apply(VaultSwapped(a, pool.address, 11, 10**30)).balances == (1_011, 2_000)
    assert pool.apply(VaultSwapped(pool.address, b, 10**30, 12)).balances == (1_000, 1_988)
    exited = test_weighted.pool_of(balances=(1_000, 2_000)).apply(VaultBalancesChanged((a,), (-400,), (1,)))
    assert exited.balances == (599, 2_000)


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (VaultSwapped(FOREIGN, test_weighted.A, 1, 1), "not among its tokens"),
        (VaultSwapped(test_weighted.A, test_weighted.B, 1, 10**30), "cannot hold"),
        (VaultSwapped(test_weighted.A, test_weighted.B, 2**112, 1), "cannot hold"),
        (SwapFeeSet(ONE), "not below one"),
    ],
)
def test_what_the_vault_could_not_have_done_is_refused(event: PoolEvent, why: str) -> None:
    for pool in (test_weighted.pool_of(), test_balancer_stable.pool_of()):
        with pytest.raises(PoolOutdated, match=why):
            pool.apply(event)


def test_a_new_fee_is_taken_up_by_the_pool_and_by_its_key() -> None:
    for pool in (test_weighted.pool_of(), test_balancer_stable.pool_of()):
        assert pool.apply(SwapFeeSet(5 * 10**15)).swap_fee == 5 * 10**15
    key = key_in(Family.BALANCER_WEIGHTED)
    assert key_of(key, SwapFeeSet(5 * 10**15)).fee_pips == 5_000
    assert key_of(key, SwapFeeSet(5 * 10**15 + 1)) == key_of(key, SwapFeeSet(5 * 10**15))
    assert key_of(key, ReservesSynced(1, 1)) is key


def test_a_pool_that_asks_for_rates_cannot_be_followed_by_events() -> None:
    pool = test_balancer_stable.pool_of(rated=True)
    assert moves_unseen(pool)
    assert not moves_unseen(test_balancer_stable.pool_of())
    with pytest.raises(PoolOutdated):
        pool.apply(VaultSwapped(*pool.tokens, 1, 1))


# --- Curve ---


def test_a_curve_pool_that_paid_otherwise_than_we_think_must_be_loaded_again() -> None:
    for pool in (test_stableswap.MAINNET, test_cryptoswap.FIRST, test_cryptoswap.NG):
        amount = pool.balances[0] // 1_000
        paid = pool.amount_out(0, 1, amount)
        assert pool.apply(CoinsExchanged(0, amount, 1, paid)) != pool
        for event in (CoinsExchanged(0, amount, 1, paid + 1), CoinsExchanged(0, amount, 2, paid)):
            with pytest.raises(PoolOutdated, match="otherwise than its state says"):
                pool.apply(event)
        for event in (CoinsExchanged(0, 0, 1, 1), CoinsExchanged(0, amount, 0, 1), CoinsExchanged(7, amount, 1, 1)):
            with pytest.raises(PoolOutdated):
                pool.apply(event)


def test_a_tricrypto_pool_whose_scale_moved_elsewhere_must_be_loaded_again() -> None:
    pool = test_cryptoswap.NG
    paid = pool.amount_out(0, 1, 10**9)
    with pytest.raises(PoolOutdated, match="price scale"):
        pool.apply(CoinsExchanged(0, 10**9, 1, paid, packed_price_scale=1))


def test_added_liquidity_leaves_the_admins_part_of_its_fee_out_of_the_balances() -> None:
    pool = StableSwapPool(
        "pool",
        test_stableswap.COINS[:2],
        (1_000, 1_000),
        (ONE, ONE),
        Amplification.constant(100),
        4 * 10**6,
        5 * 10**9,
        0,
    )
    assert pool.apply(CoinsMoved((100, 50), (7, 1), added=True)).balances == (1_097, 1_050)
    assert pool.apply(CoinsMoved((100, 50), (7, 0), added=False)).balances == (897, 950)
    for event in (CoinsMoved((2_000, 0), (0, 0), added=False), CoinsMoved((1, 1, 1), (0, 0, 0), added=True)):
        with pytest.raises(PoolOutdated):
            pool.apply(event)


def test_time_moves_only_pools_that_depend_on_it() -> None:
    stable, crypto = test_stableswap.MAINNET, test_cryptoswap.NG
    assert at_block_time(stable, stable.timestamp + 12) is stable  # its ramp is over
    ramping = stable.at(stable.amplification.initial_time)
    assert at_block_time(ramping, ramping.timestamp + 12) == ramping.at(ramping.timestamp + 12)
    assert at_block_time(crypto, crypto.timestamp + 12) == crypto.at(crypto.timestamp + 12)
    pair = known(BASE)
    assert at_block_time(pair, 1) is pair


# --- agreement ---


def test_two_readings_of_a_concentrated_pool_agree_where_both_know_its_ticks() -> None:
    held = [*BASE, (-1_200, 1_200, 5), (2_400, 3_600, 7)]
    near = known([*BASE, (-1_200, 1_200, 5)], low=-2_000, high=2_000)
    assert difference(known(held), near) == ""
    assert difference(near, known(held)) == ""
    assert difference(known([*held, (-600, 600, 5)]), replace(near, liquidity=near.liquidity + 5)) == "its ticks"
    assert difference(known(held), replace(near, liquidity=near.liquidity + 5)) == "its liquidity"


def test_what_differs_is_named() -> None:
    pair = ConstantProductPool("pair", *test_weighted.pool_of().tokens, 5, 6)
    assert difference(pair, replace(pair, reserve0=1, reserve1=1)) == "its reserve0 and reserve1"
    other: Pool = SolidlyPool("pair", *pair.tokens, 5, 6, 18, 18, 5, stable=True)
    assert difference(pair, other) == "uniswap_v2 is solidly on the chain"


def test_curve_pools_are_compared_at_one_time_and_without_ramps_that_are_over() -> None:
    stable, crypto = test_stableswap.MAINNET, test_cryptoswap.NG
    line = stable.amplification
    loaded = replace(stable.at(stable.timestamp + 12), amplification=replace(line, initial=line.future, initial_time=0))
    assert difference(stable, loaded) == ""
    assert difference(stable, replace(loaded, fee=1)) == "its fee"
    assert difference(crypto, crypto.at(crypto.timestamp + 12)) == ""
    ramping = replace(line, future_time=stable.timestamp + 10**6)
    assert difference(stable, replace(stable, amplification=ramping)) == "its amplification"


def test_a_vaults_pool_speaks_through_the_vault_and_for_itself_and_others_through_one_contract() -> None:
    contract, subject = FOREIGN.lower(), "0x" + "ab" * 32
    assert sources_of(key_in(Family.UNISWAP_V4)) == ((contract, subject),)
    assert sources_of(key_in(Family.BALANCER_STABLE)) == ((contract, subject), (subject[:42], ""))
    assert sources_of(key_in(Family.UNISWAP_V2)) == ((contract, ""),)
