import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oms.errors import QuoteRefused
from oms.routing.market import Market, Path
from oms.routing.split import (
    GasCost,
    best_split,
    candidate_paths,
    fill_path,
    input_for,
    settle,
    split_for_output,
)
from tests.unit.routing.market_samples import A, B, C, D, listed, market

FREE = GasCost(0.0)


def random_market(seed: int) -> Market:
    rng = random.Random(seed)
    pairs = [(A, B), (A, B), (A, C), (C, B), (A, D), (D, B), (C, D)]
    depth = [rng.randrange(10**20, 10**23) for _ in pairs]
    return market(
        *(
            listed(i, *pair, d, d * rng.randrange(95, 106) // 100)
            for i, (pair, d) in enumerate(zip(pairs, depth, strict=True))
        )
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(10**6, 10**22))
def test_the_split_is_never_worse_than_any_single_path(seed: int, amount: int) -> None:
    found = random_market(seed)
    split = best_split(found, A, B, amount, gas_cost=FREE, max_hops=2)
    for path in candidate_paths(found, A, B, max_hops=2):
        try:
            out = fill_path(found.states, path, amount)[0]
        except QuoteRefused:
            continue
        assert split.amount_out >= out


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(10**6, 10**22))
def test_leg_amounts_add_up_to_exactly_what_was_asked(seed: int, amount: int) -> None:
    split = best_split(random_market(seed), A, B, amount, gas_cost=FREE, max_hops=3)
    assert sum(leg.amount_in for leg in split.legs if leg.edge.token_in == A) == amount
    assert sum(leg.amount_out for leg in split.legs if leg.edge.token_out == B) == split.amount_out
    for middle in (C, D):
        gained = sum(leg.amount_out for leg in split.legs if leg.edge.token_out == middle)
        assert gained == sum(leg.amount_in for leg in split.legs if leg.edge.token_in == middle)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_two_equal_pools_share_an_order_about_equally(seed: int) -> None:
    depth = random.Random(seed).randrange(10**20, 10**22)
    equal = market(listed(1, A, B, depth, depth), listed(2, A, B, depth, depth))
    split = best_split(equal, A, B, depth // 10, gas_cost=FREE, max_hops=1)
    shares = [leg.amount_in for leg in split.legs]
    assert len(shares) == 2
    assert max(shares) - min(shares) <= depth // 10 // 32


def test_a_path_that_does_not_earn_its_gas_is_left_out() -> None:
    pools = market(listed(1, A, B, 10**22, 10**22), listed(2, A, B, 10**20, 10**20))
    costly = GasCost(10**12)
    split = best_split(pools, A, B, 10**18, gas_cost=costly, max_hops=1)
    assert len(split.legs) == 1


def test_a_pool_shared_by_two_paths_is_counted_once_and_in_sequence() -> None:
    """Both routes end in the same C-B pool; the whole flow must see its price move once, over the sum."""
    pools = [listed(1, A, C, 10**21, 10**21), listed(2, A, D, 10**21, 10**21), listed(3, D, C, 10**21, 10**21)]
    pools.append(listed(4, C, B, 10**20, 10**20))
    found = market(*pools)
    paths = candidate_paths(found, A, B, max_hops=3)
    shared = settle(found, dict.fromkeys(paths, 10**19), gas_cost=FREE)
    into_last = [leg for leg in shared.legs if leg.edge.token_in == C and leg.edge.token_out == B]
    assert len(into_last) == 1
    assert into_last[0].amount_in == sum(leg.amount_out for leg in shared.legs if leg.edge.token_out == C)
    apart = sum(fill_path(found.states, path, 10**19)[0] for path in paths)
    assert shared.amount_out < apart


def test_the_order_of_pools_does_not_change_the_result() -> None:
    pools = [listed(i, A, B, 10**21 * i, 10**21 * i + i) for i in range(1, 6)]
    forward = best_split(market(*pools), A, B, 10**20, gas_cost=FREE, max_hops=1)
    backward = best_split(market(*reversed(pools)), A, B, 10**20, gas_cost=FREE, max_hops=1)
    assert forward.amount_out == pytest.approx(backward.amount_out, rel=1e-7)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(10**9, 10**20))
def test_a_purchase_pays_at_least_what_was_wanted(seed: int, wanted: int) -> None:
    split = split_for_output(random_market(seed), A, B, wanted, gas_cost=FREE, max_hops=2)
    assert split.amount_out >= wanted
    less = best_split(random_market(seed), A, B, split.amount_in * 99 // 100, gas_cost=FREE, max_hops=2)
    assert less.amount_out < wanted


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 10**20))
def test_the_input_for_an_output_is_the_least_one(wanted: int) -> None:
    found = market(listed(1, A, C, 10**21, 10**21), listed(2, C, B, 10**21, 2 * 10**21))
    (path,) = candidate_paths(found, A, B, max_hops=2)
    amount = input_for(found.states, path, wanted)
    assert fill_path(found.states, path, amount)[0] >= wanted
    if amount > 1:
        assert pays(found, path, amount - 1) < wanted


def pays(found: Market, path: Path, amount: int) -> int:
    try:
        return fill_path(found.states, path, amount)[0]
    except QuoteRefused:
        return 0


def test_nothing_joins_the_tokens_is_refused() -> None:
    with pytest.raises(QuoteRefused, match="nothing joins"):
        best_split(market(listed(1, A, C, 10**21, 10**21)), A, B, 10**18, gas_cost=FREE, max_hops=3)


def test_more_than_all_liquidity_is_refused() -> None:
    with pytest.raises(QuoteRefused, match="beyond the liquidity"):
        split_for_output(market(listed(1, A, B, 10**21, 10**21)), A, B, 10**21, gas_cost=FREE, max_hops=1)


def test_gas_is_charged_rounded_up() -> None:
    assert GasCost(0.5).of(3) == 2
    assert GasCost(0.0).of(100_000) == 0
