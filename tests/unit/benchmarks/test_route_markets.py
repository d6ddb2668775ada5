"""Markets made for the bench: seeded, and such as a chain could hold; and the curves that solvers are given of them."""

import math
from itertools import permutations
from pathlib import Path

import pytest

from benchmarks.auction import Auction, lowest_liquidity
from benchmarks.route_bound import Curve, curves_of
from benchmarks.route_markets import SYNTHETIC_POOLS, SYNTHETIC_TOKENS, resized, synthetic
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.listing import ListedPool
from oms.liquidity.tick_math import sqrt_price_at_tick


@pytest.fixture(scope="module")
def auction(oms_data: Path) -> Auction:
    return Auction.load(oms_data)


def test_the_synthetic_market_is_the_same_for_the_same_seed_and_joins_all_its_tokens() -> None:
    case = synthetic(seed=5)
    assert case == synthetic(seed=5)
    assert case != synthetic(seed=6)
    assert len(case.pools) == SYNTHETIC_POOLS
    joined = {case.token_in}
    for _ in range(SYNTHETIC_TOKENS):
        joined |= {token for listed in case.pools for token in listed.key.tokens if joined & set(listed.key.tokens)}
    assert joined == set(case.tokens)


def test_no_circle_of_up_to_four_pairs_pays_in_the_synthetic_market() -> None:
    case = synthetic()
    best: dict[tuple[str, str], float] = {}
    for listed in case.pools:
        for token_in, token_out in permutations(listed.key.tokens):
            price = listed.pool.marginal_price(token_in, token_out)
            best[token_in, token_out] = max(price, best.get((token_in, token_out), 0.0))
    for length in (2, 3, 4):
        for circle in permutations(case.tokens, length):
            steps = zip(circle, (*circle[1:], circle[0]), strict=True)
            assert math.prod(best.get(step, 0.0) for step in steps) < 1


@pytest.mark.recorded
def test_a_resized_market_has_as_many_pools_each_with_an_identity_of_its_own(auction: Auction) -> None:
    for count in (100, 974, 1_200):
        pools = resized(auction.pools, count, seed=3)
        assert len({listed.key.pool_id for listed in pools}) == len(pools) == count
        assert all(listed.key.pool_id == listed.pool.pool_id for listed in pools)
    assert resized(auction.pools, 100, seed=3) == resized(auction.pools, 100, seed=3)
    assert resized(auction.pools, 100, seed=3) != resized(auction.pools, 100, seed=4)


@pytest.mark.recorded
def test_clones_differ_from_their_models_in_depth_but_hardly_in_price(auction: Auction) -> None:
    clones = resized(auction.pools, 2 * len(auction.pools), seed=3)[len(auction.pools) :]
    compared = 0
    for model, clone in zip(auction.pools, clones, strict=True):
        token_in, token_out = model.key.tokens[:2]
        fee = model.key.fee_pips / 10**6
        if _is_deep(model):
            before, after = (listed.pool.marginal_price(token_in, token_out) for listed in (model, clone))
            if before and after:  # all of it may be on one side
                compared += 1
                assert abs(after / before - 1) < 0.4 * fee + 1e-3
        if isinstance(clone.pool, ConcentratedPool):
            assert sum(clone.pool.tick_map.nets) == 0
            assert lowest_liquidity(clone.pool.tick_map) >= 0
    assert compared > 700


def _is_deep(listed: ListedPool) -> bool:
    """Whether a unit is nothing to it."""
    curves = curves_of([listed])
    return bool(curves) and min(min(curve.x, curve.y) for curve in curves) > 10**7


@pytest.mark.recorded
def test_the_curves_given_to_solvers_pay_what_the_pools_pay(auction: Auction) -> None:
    compared = 0
    for listed in auction.pools[::3]:
        for token_in, token_out in permutations(listed.key.tokens[:2]):
            curves = [c for c in curves_of([listed]) if (c.token_in, c.token_out) == (token_in, token_out)]
            if not curves or not _is_deep(listed):
                continue
            room = sum(curve.room for curve in curves)
            amount = int(min(room, max(curve.x for curve in curves)) / 20)
            if listed.pool.limits(token_in, token_out).max_amount_in < amount:
                continue
            exact = listed.pool.quote_in(token_in, token_out, amount).amount_out
            if min(amount, exact) > 10**7:
                compared += 1
                assert math.isclose(_poured(curves, amount), exact, rel_tol=1e-6)
    assert compared > 200


def _poured(curves: list[Curve], amount: int) -> float:
    """The best price first, as a concentrated pool's pieces follow each other."""
    left, paid = float(amount), 0.0
    for curve in sorted(curves, key=lambda c: -c.gamma * c.y / c.x):
        z = min(left * curve.gamma, curve.room)
        paid += curve.y * -math.expm1(-curve.a * math.log1p(z / curve.x))
        left -= z / curve.gamma
    return paid if left < 1e-6 * amount else 0.0


@pytest.mark.recorded
def test_a_tick_range_is_a_curve_in_the_direction_that_enters_it(auction: Auction) -> None:
    listed = next(each for each in auction.pools if isinstance(each.pool, ConcentratedPool) and each.pool.liquidity)
    pool = listed.pool
    assert isinstance(pool, ConcentratedPool)
    price = pool.sqrt_price_x96 / 2**96
    for curve in curves_of([listed], reach=1.5):
        start = math.sqrt(curve.y / curve.x if curve.token_in == pool.tokens[0] else curve.x / curve.y)
        assert (start <= price * (1 + 1e-9)) if curve.token_in == pool.tokens[0] else (start >= price * (1 - 1e-9))
    assert sqrt_price_at_tick(pool.tick) <= pool.sqrt_price_x96
