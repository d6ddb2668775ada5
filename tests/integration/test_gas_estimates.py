"""A settlement's gas, estimated from the plan alone, beside what its receipt says."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.gas_fit import Observation, observations, share_within
from oms.routing.gas_model import FITTED, Item

pytestmark = [pytest.mark.slow, pytest.mark.recorded]

SEED = 31_337
"""Not one that the table was fitted to."""
PLANS = 240


@pytest.fixture(scope="module")
def seen(oms_data: Path, project: Path) -> list[Observation]:
    return observations(project, oms_data, SEED, PLANS)


def test_the_estimate_is_within_two_per_cent_for_nineteen_plans_in_twenty(seen: list[Observation]) -> None:
    assert len(seen) == PLANS
    assert share_within(seen, FITTED) >= 0.95


def test_the_estimate_leans_neither_way_and_is_never_far_off(seen: list[Observation]) -> None:
    errors = sorted(each.error(FITTED) for each in seen)
    assert abs(errors[len(errors) // 2]) < 0.003
    assert -0.05 < errors[0] <= errors[-1] < 0.05


def test_the_plans_do_everything_that_the_table_prices(seen: list[Observation]) -> None:
    done = Counter(item for each in seen for item, number in each.counted.items.items() if number)
    assert set(Item) - set(done) <= {Item.MAKER_AGAIN}  # a second maker in one plan is rare


def test_every_plan_on_the_development_chain_settles_as_predicted_too(seen: list[Observation]) -> None:
    assert all(each.exact for each in seen)
