"""The arithmetic of the gas estimate: what is counted, what the protocol fixes, refunds and their cap."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.domain.venue import Family, PoolKey
from oms.liquidity.composable_stable import AMP_PRECISION, BalancerStablePool
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.listing import ListedPool
from oms.liquidity.pool import Pool
from oms.liquidity.tick_map import TickMap
from oms.liquidity.weighted import WeightedPool
from oms.routing.allocation import FREE_GAS, Allocation, flows_of_paths, settle
from oms.routing.gas_model import (
    COLD_WORD,
    DESK,
    FITTED,
    INTRINSIC,
    NEW_WORD,
    NONZERO_BYTE,
    REFUND_CLEARED,
    REFUND_RESTORED_ZERO,
    WARM_WORD,
    ZERO_BYTE,
    GasTerms,
    Item,
    PlanCount,
    TokenGas,
    count,
    plan_gas,
)
from oms.routing.market import Market, Path, PoolEdge
from oms.units import Address
from tests.unit.routing.market_samples import A, B, C, listed, market

UNIT = 10**18
AB, BC, AC = listed(1, A, B, 10**24, 10**24), listed(2, B, C, 10**24, 10**24), listed(3, A, C, 10**24, 10**24)
BC_TOO = listed(4, B, C, 10**24, 10**24)
MARKET = market(AB, BC, AC, BC_TOO)
NETS = {-60_000: 10**20, 60_000: -(10**20)}


def edge(of: Market, pool: ListedPool, token_in: Address, token_out: Address) -> PoolEdge:
    return next(
        each
        for each in of.edges
        if isinstance(each, PoolEdge) and (each.listed, each.token_in, each.token_out) == (pool, token_in, token_out)
    )


DIRECT: Path = (edge(MARKET, AC, A, C),)
AROUND: Path = (edge(MARKET, AB, A, B), edge(MARKET, BC, B, C))
RESTING: dict[Path, int] = {AROUND: UNIT, (AROUND[0], edge(MARKET, BC_TOO, B, C)): UNIT}
"""Two pools sell what one brought, so it rests before them."""


def allocation(shares: dict[Path, int], of: Market = MARKET) -> Allocation:
    return settle(of.states, flows_of_paths(shares), gas_cost=FREE_GAS)


def v3(number: int, token0: Address, token1: Address) -> ListedPool:
    pool_id, tokens = f"0x5{number:039x}", (token0, token1)
    pool = ConcentratedPool(pool_id, Family.UNISWAP_V3, tokens, 3000, 60, 2**96, 0, 10**21, TickMap.of(NETS))
    return ListedPool(PoolKey(Family.UNISWAP_V3, "uniswap_v3", pool_id, Address(pool_id), tokens, 3000, 60), pool)


def counted(shares: dict[Path, int], terms: GasTerms = DESK, of: Market = MARKET) -> PlanCount:
    return count(allocation(shares, of).legs, of.states, terms=terms)


def sample(pool: Pool, family: Family, *, fee_pips: int = 0, tick_spacing: int = 0) -> tuple[ListedPool, Market]:
    tokens = pool.tokens
    key = PoolKey(family, "venue", pool.pool_id, Address(pool.pool_id[:42]), tokens, fee_pips, tick_spacing)
    found = ListedPool(key, pool)
    return found, market(found)


def concentrated(family: Family, nets: dict[int, int]) -> ConcentratedPool:
    return ConcentratedPool("0x" + "5" * 40, family, (A, B), 3000, 60, 2**96, 0, 10**21, TickMap.of(nets))


def done(plan: PlanCount) -> dict[Item, int]:
    return {item: number for item, number in plan.items.items() if number}


def test_a_direct_swap_of_held_funds_is_one_pair_in_a_lane_of_its_own() -> None:
    assert done(counted({DIRECT: UNIT})) == {Item.PLAN: 1, Item.PAIR: 1, Item.SINGLE_PAIR: 1}


def test_a_direct_swap_of_pulled_funds_has_no_lane() -> None:
    assert done(counted({DIRECT: UNIT}, GasTerms(pulls=True))) == {Item.PLAN: 1, Item.PAIR: 1, Item.PULLED: 1}


def test_a_fork_has_no_lane_and_is_looked_up_in_two_words() -> None:
    fork = ListedPool(replace(AC.key, venue="sushiswap"), AC.pool)
    of = market(fork)
    plan = counted({(edge(of, fork, A, C),): UNIT}, of=of)
    assert done(plan) == {Item.PLAN: 1, Item.PAIR: 1}
    assert plan.fixed - counted({DIRECT: UNIT}).fixed == 2 * COLD_WORD + NONZERO_BYTE - ZERO_BYTE


def test_a_fork_looked_up_before_is_warm() -> None:
    forks = [ListedPool(replace(each.key, venue="sushiswap"), each.pool) for each in (AB, BC)]
    of = market(*forks)
    twice = counted({(edge(of, forks[0], A, B), edge(of, forks[1], B, C)): UNIT}, of=of)
    looked_up = twice.fixed - counted({AROUND: UNIT}).fixed - 2 * (NONZERO_BYTE - ZERO_BYTE)
    assert looked_up == 2 * COLD_WORD + 2 * WARM_WORD


def test_a_native_pool_has_no_lane() -> None:
    found, _ = sample(concentrated(Family.UNISWAP_V4, NETS), Family.UNISWAP_V4, fee_pips=3000, tick_spacing=60)
    native = ListedPool(replace(found.key, venue="uniswap_v4", native=True), found.pool)
    plain = ListedPool(replace(native.key, native=False), found.pool)
    lanes = []
    for pool in (native, plain):
        of = market(pool)
        lanes.append(counted({(edge(of, pool, A, B),): 10**6}, of=of).items[Item.SINGLE_V4])
    assert lanes == [0, 1]


def test_a_token_that_goes_from_pool_to_pool_is_neither_read_nor_written() -> None:
    through, direct = counted({AROUND: UNIT}), counted({DIRECT: UNIT})
    assert done(through) == {Item.PLAN: 1, Item.PAIR: 2, Item.PAIR_PAYS_PAIR: 1}
    assert through.refund == 2 * direct.refund


def test_a_token_that_rests_is_written_anew_and_refunded() -> None:
    through, direct = counted(RESTING), counted({DIRECT: UNIT})
    assert through.items[Item.PASSED] == 1
    assert through.refund - 3 * direct.refund == REFUND_RESTORED_ZERO
    held = counted(RESTING, GasTerms(held=frozenset({B})))
    assert through.fixed - held.fixed == NEW_WORD
    assert through.refund - held.refund == REFUND_RESTORED_ZERO


@pytest.mark.parametrize(
    ("families", "item"),
    [
        ((Family.UNISWAP_V2, Family.UNISWAP_V2), Item.PAIR_PAYS_PAIR),
        ((Family.UNISWAP_V2, Family.UNISWAP_V3), Item.PAIR_PAYS_V3),
        ((Family.UNISWAP_V3, Family.UNISWAP_V2), Item.V3_PAYS_PAIR),
        ((Family.UNISWAP_V3, Family.UNISWAP_V3), Item.PASSED),
    ],
)
def test_hops_are_counted_by_who_pays_whom(families: tuple[Family, Family], item: Item) -> None:
    pools = [
        pair if family is Family.UNISWAP_V2 else v3(number, pair.key.tokens[0], pair.key.tokens[1])
        for number, (family, pair) in enumerate(zip(families, (AB, BC), strict=True))
    ]
    of = market(*pools)
    plan = counted({(edge(of, pools[0], A, B), edge(of, pools[1], B, C)): UNIT}, of=of)
    between = {Item.PASSED, Item.PAIR_PAYS_PAIR, Item.PAIR_PAYS_V3, Item.V3_PAYS_PAIR}
    assert {each: number for each, number in done(plan).items() if each in between} == {item: 1}


def test_legs_shared_by_two_paths_are_counted_once() -> None:
    split = counted({DIRECT: UNIT, AROUND: 3 * UNIT})
    assert (split.items[Item.PAIR], split.items[Item.PAIR_PAYS_PAIR], split.items[Item.PLAN]) == (3, 1, 1)


def test_funding_says_which_words_are_new_and_which_are_cleared() -> None:
    plain = counted({DIRECT: UNIT})
    emptied = counted({DIRECT: UNIT}, GasTerms(keeps_input=False))
    first = counted({DIRECT: UNIT}, GasTerms(has_output=False))
    pulled = counted({DIRECT: UNIT}, GasTerms(pulls=True))
    assert emptied.refund - plain.refund == REFUND_CLEARED
    assert first.fixed - plain.fixed == NEW_WORD
    assert pulled.items[Item.PULLED] == 1
    assert pulled.refund - plain.refund == 2 * REFUND_RESTORED_ZERO + REFUND_CLEARED


def test_a_dear_token_is_charged_once_and_for_each_transfer() -> None:
    dear = GasTerms(token_gas={B: TokenGas(first=5_000, transfer=700)})
    assert counted({AROUND: UNIT}, dear).fixed - counted({AROUND: UNIT}).fixed == 5_000 + 700
    assert counted(RESTING, dear).fixed - counted(RESTING).fixed == 5_000 + 3 * 700
    assert counted({DIRECT: UNIT}, dear).fixed == counted({DIRECT: UNIT}).fixed


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_refunds_give_back_at_most_a_fifth(spent: int, refund: int) -> None:
    gas = PlanCount({}, spent, refund, 0).gas({})
    assert gas == max(spent - refund, spent - spent // 5)


def test_calldata_sets_a_floor() -> None:
    assert PlanCount({}, 30_000, 0, 45_000).gas({}) == 45_000


@pytest.mark.parametrize(("family", "tick"), [(Family.UNISWAP_V3, Item.V3_TICK), (Family.UNISWAP_V4, Item.V4_TICK)])
def test_ticks_and_words_crossed_are_counted(family: Family, tick: Item) -> None:
    pool = concentrated(family, {-120: -(10**20), -60: -(10**20), 60_000: 10**20, -60_000: 10**20})
    found, of = sample(pool, family, fee_pips=3000, tick_spacing=60)
    path: Path = (edge(of, found, A, B),)
    small, large = counted({path: 10**6}, of=of), counted({path: 10**20}, of=of)
    assert (small.items[tick], small.items[Item.CROSSED]) == (0, 0)
    assert (large.items[tick], large.items[Item.CROSSED], large.items[Item.TICK_WORD]) == (2, 1, 1)
    assert large.items[Item.OBSERVATION] == (family is Family.UNISWAP_V3)


def test_a_price_driven_through_empty_words_costs_each_of_them() -> None:
    pool = concentrated(Family.UNISWAP_V3, {-60_000: 10**20})
    found, of = sample(pool, Family.UNISWAP_V3, fee_pips=3000, tick_spacing=60)
    driven = counted({(edge(of, found, A, B),): 10**22}, of=of)
    assert driven.items[Item.TICK_WORD] > 2


def weighted(weights: tuple[int, ...]) -> WeightedPool:
    tokens = (A, B, C)[: len(weights)]
    number = len(weights)
    return WeightedPool("0x" + "7" * 64, A, tokens, (10**24,) * number, weights, (18,) * number, 10**15)


def test_a_weighted_pool_is_counted_by_its_size_and_its_exponent() -> None:
    found, of = sample(weighted((UNIT // 2, UNIT // 2)), Family.BALANCER_WEIGHTED)
    even = counted({(edge(of, found, A, B),): UNIT}, of=of)
    assert (even.items[Item.WEIGHTED_TWO], even.items[Item.POWER]) == (1, 0)
    found, of = sample(weighted((UNIT * 3 // 10, UNIT // 2, UNIT // 5)), Family.BALANCER_WEIGHTED)
    uneven = counted({(edge(of, found, A, B),): UNIT}, of=of)
    assert (uneven.items[Item.WEIGHTED_MORE], uneven.items[Item.POWER]) == (1, 1)


def test_a_second_leg_through_the_same_vault_pool_is_cheaper() -> None:
    found, of = sample(weighted((UNIT * 3 // 10, UNIT // 2, UNIT // 5)), Family.BALANCER_WEIGHTED)
    path: Path = (edge(of, found, A, B),)
    other: Path = (edge(of, found, A, C),)
    both = allocation({(*path, edge(of, found, B, C)): UNIT}, of)
    items = count(both.legs, of.states).items
    assert (items[Item.VAULT_AGAIN], items[Item.VAULT_POOL_AGAIN], items[Item.VAULT_MOVED_AGAIN]) == (1, 1, 1)
    single = plan_gas(allocation({other: UNIT}, of).legs, of.states)
    assert single < plan_gas(both.legs, of.states) < 2 * single


def test_a_stable_pool_out_of_balance_takes_more_steps() -> None:
    balanced = BalancerStablePool(
        "0x" + "8" * 64, A, (A, B), (10**24, 10**24), (UNIT, UNIT), 200 * AMP_PRECISION, 10**14
    )
    terms = []
    for pool in (balanced, replace(balanced, balances=(10**25, 10**23))):
        found, of = sample(pool, Family.BALANCER_STABLE)
        terms.append(counted({(edge(of, found, A, B),): UNIT}, of=of).items[Item.INVARIANT_TERM])
    assert terms[0] < terms[1]


def test_every_item_has_a_cost_and_later_uses_handing_on_and_lanes_save_some() -> None:
    assert set(FITTED) == set(Item)
    saves = {Item.PAIR_PAYS_PAIR, Item.PAIR_PAYS_V3, Item.V3_PAYS_PAIR}
    saves |= {item for item in Item if item.value.endswith("_again") or item.value.startswith("single_")}
    assert all(FITTED[item] < 0 for item in saves)
    assert all(FITTED[item] > 0 for item in Item if item not in saves)


def test_an_estimate_covers_at_least_the_transaction_and_grows_with_the_plan() -> None:
    direct, through = allocation({DIRECT: UNIT}), allocation({AROUND: UNIT})
    both = allocation({DIRECT: UNIT, AROUND: UNIT})
    estimates = [plan_gas(each.legs, MARKET.states) for each in (direct, through, both)]
    assert INTRINSIC < estimates[0] < estimates[1] < estimates[2]


def test_nothing_on_chain_costs_nothing() -> None:
    assert plan_gas((), {}) == 0
