"""A settlement's gas, estimated from the plan alone, beside what its receipt says."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.gas_fit import Observation, direct_observations, observations, share_within
from oms.routing.gas_model import FITTED, Item

pytestmark = [pytest.mark.slow, pytest.mark.recorded]

SEED = 31_337
"""Not one that the table was fitted to."""
PLANS = 240
DIRECT_PLANS = 160


@pytest.fixture(scope="module")
def seen(oms_data: Path, project: Path) -> list[Observation]:
    return observations(project, oms_data, SEED, PLANS)


@pytest.fixture(scope="module")
def direct(oms_data: Path, project: Path) -> list[Observation]:
    return direct_observations(project, oms_data, SEED, DIRECT_PLANS)


def test_the_estimate_is_within_two_per_cent_for_nineteen_plans_in_twenty(seen: list[Observation]) -> None:
    assert len(seen) == PLANS
    assert share_within(seen, FITTED) >= 0.95


def test_direct_plans_and_those_with_a_lane_of_their_own_are_estimated_as_well(direct: list[Observation]) -> None:
    assert share_within(direct, FITTED) >= 0.95
    lanes = [each for each in direct if any(item.startswith("single_") for item in each.counted.items)]
    assert len(lanes) > DIRECT_PLANS // 10
    assert share_within(lanes, FITTED) >= 0.95


def test_the_estimate_leans_neither_way_and_is_never_far_off(seen: list[Observation]) -> None:
    errors = sorted(each.error(FITTED) for each in seen)
    assert abs(errors[len(errors) // 2]) < 0.003
    assert -0.05 < errors[0] <= errors[-1] < 0.05


def test_the_plans_do_everything_that_the_table_prices(seen: list[Observation], direct: list[Observation]) -> None:
    done = Counter(item for each in (*seen, *direct) for item, number in each.counted.items.items() if number)
    rare = {Item.MAKER_AGAIN, Item.SINGLE_V4}  # two makers in one plan; one of few pools, by itself
    assert set(Item) - set(done) <= rare


def test_every_plan_on_the_development_chain_settles_as_predicted_too(
    seen: list[Observation], direct: list[Observation]
) -> None:
    assert all(each.exact for each in (*seen, *direct))
