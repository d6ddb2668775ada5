"""Plans on sixty of a recorded auction's pools, settled by real transactions on the protocols' own bytecode."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from benchmarks.auction import Auction
from benchmarks.auction_chain import auction_chain, chosen_pools
from benchmarks.chain_plans import MAX_HOPS, RandomPlans, SettledPlan, market_of, settled, states_after
from benchmarks.settling_chain import SettlingChain
from oms.domain.plans import SpendKind
from oms.domain.venue import Family
from oms.routing.market import Path as RoutePath

pytestmark = [pytest.mark.slow, pytest.mark.recorded]

RANDOM_PLANS, ROUTED_PLANS = 220, 60
PLANS_BETWEEN_REVERTS = 20
"""Plans run on the states that the ones before left, and every so often on the auction's own again."""
SEED = 7_400_693


@pytest.fixture(scope="module")
def running(oms_data: Path, project: Path) -> Iterator[SettlingChain]:
    auction = Auction.load(oms_data)
    with auction_chain(chosen_pools(auction.pools, auction.tokens), auction.tokens, project=project) as built:
        yield built


@pytest.fixture(scope="module")
def plans(running: SettlingChain) -> list[SettledPlan]:
    """All plans of the module, settled one after another."""
    choice, auction_state = RandomPlans(Random(SEED)), market_of(running)
    found: list[SettledPlan] = []
    snapshot, market = running.anvil.snapshot(), auction_state
    for index in range(RANDOM_PLANS + ROUTED_PLANS):
        if index % PLANS_BETWEEN_REVERTS == 0:
            running.anvil.revert(snapshot)
            snapshot, market = running.anvil.snapshot(), auction_state
        allocation = choice.routed(market) if index >= RANDOM_PLANS else choice.allocation(market)
        found.append(settled(running, market, allocation, choice.funding()))
        market = states_after(market, allocation)
    return found


def test_the_chain_holds_sixty_of_the_auctions_pools_of_three_families(running: SettlingChain) -> None:
    families = Counter(listed.key.family for listed in running.pools)
    assert families == {Family.UNISWAP_V2: 25, Family.UNISWAP_V3: 25, Family.BALANCER_WEIGHTED: 10}
    assert {listed.key.fee_pips for listed in running.pools if listed.key.family is Family.UNISWAP_V3} >= {100, 500}


def test_every_plan_settles_as_predicted_to_the_wei(plans: list[SettledPlan]) -> None:
    assert len(plans) == RANDOM_PLANS + ROUTED_PLANS
    assert [index for index, plan in enumerate(plans) if not plan.exact] == []


def test_the_plans_are_of_every_kind(plans: list[SettledPlan]) -> None:
    legs = [leg for plan in plans for leg in plan.allocation.legs]
    paths = [path for plan in plans for path, _ in plan.allocation.paths]
    assert {leg.spend.kind for leg in legs} == set(SpendKind)
    assert {len(path) for path in paths} >= set(range(1, MAX_HOPS + 1))  # legs that merge join paths into longer ones
    assert len({leg.edge.state_id for leg in legs}) > 50
    assert sum(_shares_a_pool([path for path, _ in plan.allocation.paths]) for plan in plans) > 50
    assert len({plan.funding for plan in plans}) == 8


def _shares_a_pool(paths: list[RoutePath]) -> bool:
    pools = Counter(edge.state_id for path in paths for edge in path)
    return any(uses > 1 for uses in pools.values())
