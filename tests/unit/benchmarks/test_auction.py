"""The recorded auction, as it becomes pools and orders of ours."""

import math
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.auction import Auction, liquidity_at, lowest_liquidity
from oms.domain.venue import Family
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.pool import Pool
from oms.liquidity.tick_math import MAX_TICK, MIN_TICK, sqrt_price_at_tick
from oms.units import Address

pytestmark = pytest.mark.recorded


@pytest.fixture(scope="module")
def auction(oms_data: Path) -> Auction:
    return Auction.load(oms_data)


def _concentrated(auction: Auction) -> list[ConcentratedPool]:
    return [listed.pool for listed in auction.pools if isinstance(listed.pool, ConcentratedPool)]


def test_every_pool_is_there_but_the_27_that_hold_nothing(auction: Auction) -> None:
    assert Counter(listed.key.family for listed in auction.pools) == {
        Family.UNISWAP_V2: 449 - 2,
        Family.UNISWAP_V3: 353,
        Family.BALANCER_WEIGHTED: 190 - 25,
        Family.BALANCER_STABLE: 9,
    }
    assert len({listed.key.pool_id for listed in auction.pools}) == len(auction.pools) == 1_001 - 27


def test_all_844_orders_are_there_with_the_native_prices_of_both_tokens(auction: Auction) -> None:
    assert [order.index for order in auction.orders] == list(range(844))
    assert Counter(order.sell for order in auction.orders) == {True: 797, False: 47}
    assert len(auction.tokens) == 315
    assert auction.gas_price_wei == 15_078_285_917
    assert auction.native_prices[auction.wrapped_native] == 1.0
    for order in auction.orders:
        assert order.amount == (order.amount_in if order.sell else order.amount_out) > 0
        assert order.native_price_in == auction.native_prices[order.token_in] > 0
        assert order.native_price_out == auction.native_prices[order.token_out] > 0


def test_pair_addresses_name_their_factories(auction: Auction) -> None:
    venues = Counter((listed.key.venue, listed.key.fee_pips) for listed in auction.pools_of(Family.UNISWAP_V2))
    assert venues == {
        ("uniswap_v2", 3_000): 291,
        ("sushiswap", 3_000): 134,
        ("pancakeswap_v2", 3_000): 15,
        ("other_v2", 2_500): 7,
    }


def test_a_concentrated_pools_tick_matches_its_price_and_its_liquidity_its_nets(auction: Auction) -> None:
    for pool in _concentrated(auction):
        assert sqrt_price_at_tick(pool.tick) <= pool.sqrt_price_x96 < sqrt_price_at_tick(pool.tick + 1)
        assert pool.liquidity == liquidity_at(pool.tick_map, pool.tick)
        assert (pool.tick_map.known_min_tick, pool.tick_map.known_max_tick) == (MIN_TICK, MAX_TICK)


def test_concentrated_maps_sum_to_zero_and_never_fall_below_it(auction: Auction) -> None:
    for pool in _concentrated(auction):
        assert sum(pool.tick_map.nets) == 0
        assert lowest_liquidity(pool.tick_map) >= 0
        assert all(tick % pool.tick_spacing == 0 for tick in pool.tick_map.ticks)


def test_the_six_liquidities_that_were_rebuilt_are_within_two_percent_of_what_was_stated(auction: Auction) -> None:
    stated = {
        "0x88e6A0c2dDD26FEEb64F039a2c41296FcB3f5640": 26_846_828_539_721_450_897,
        "0x8ad599c3A0ff1De082011EFDDc58f1908eb6e6D8": 4_970_327_166_437_527_298,
    }
    pools = {pool.pool_id.lower(): pool for pool in _concentrated(auction)}
    for address, liquidity in stated.items():
        ratio = pools[address.lower()].liquidity / liquidity
        assert ratio != 1
        assert math.isclose(ratio, 1, abs_tol=0.018)


def test_every_pool_prices_every_pair_with_a_fee_between_the_two_directions(auction: Auction) -> None:
    for listed in auction.pools:
        pool: Pool = listed.pool
        for token_in in pool.tokens:
            for token_out in pool.tokens:
                if token_in == token_out:
                    continue
                there, back = pool.marginal_price(token_in, token_out), pool.marginal_price(token_out, token_in)
                assert there >= 0
                assert there * back < 1
                assert (there == 0) <= isinstance(pool, ConcentratedPool), listed.key


def test_pools_agree_on_the_price_of_the_coin_in_dollars_and_with_the_auctions_own(auction: Auction) -> None:
    usdc = Address("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
    stated = auction.native_prices[usdc]
    deep = [
        listed.pool.marginal_price(usdc, auction.wrapped_native)
        for listed in auction.pools
        if set(listed.pool.tokens) == {usdc, auction.wrapped_native}
    ]
    assert len(deep) >= 4
    near = [price for price in deep if math.isclose(price, stated, rel_tol=0.02)]
    assert len(near) >= 4
