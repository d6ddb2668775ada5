"""Fixed costs: venues that do not pay for their gas stay out, those that do are kept, the choice is near the best."""

from itertools import combinations

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from oms.routing.allocation import GasCost
from oms.routing.market import Edge
from oms.routing.prepared import PreparedMarket
from oms.routing.route import RouteTerms, sell
from tests.unit.routing.markets import KINDS, NAMES, Sketch, crowds, dollars, gas_of, market, raw, sold, terms

QUICK = settings(max_examples=20, deadline=None, derandomize=True)
TIGHT = KINDS[:3]


def _states(plan_legs: object) -> set[str]:
    return {leg.edge.state_id for leg in plan_legs}  # type: ignore[attr-defined]


def test_a_small_order_takes_one_venue_and_a_large_one_both() -> None:
    on = market(Sketch("product", 0, 1, 1e6), Sketch("product", 0, 1, 5e5))
    how = terms(gas=gas_of(1, 20))
    small, large = (sell(on, NAMES[0], NAMES[1], raw(0, worth), how).allocation for worth in (100.0, 200_000.0))
    assert len(_states(small.legs)) == 1
    assert len(_states(large.legs)) == 2


def test_dear_gas_takes_the_shorter_way() -> None:
    """Over token 2 the fees are lower by 40 bps, and one more swap costs 2 dollars."""
    on = market(
        Sketch("product", 0, 1, 1e7, 0.0, 5_000),
        Sketch("product", 0, 2, 1e7, 0.0, 500),
        Sketch("product", 2, 1, 1e7, 0.0, 500),
    )
    how = terms(gas=gas_of(1, 20))
    little, much = (sell(on, NAMES[0], NAMES[1], raw(0, worth), how).allocation for worth in (100.0, 5_000.0))
    assert [len(path) for path, _ in little.paths] == [1]
    assert 2 in {len(path) for path, _ in much.paths}


@given(crowds(kinds=TIGHT, most=8), dollars())
@QUICK
def test_dearer_gas_never_nets_more(drawn: list[Sketch], worth: float) -> None:
    """To a thousandth of a bp: a heuristic may find by chance with dear gas what it missed with cheap gas."""
    on = market(*drawn)
    routes = [sold(on, 0, 1, raw(0, worth), terms(gas=gas_of(1, gwei))) for gwei in (0.0, 10.0, 100.0)]
    assume(all(route is not None for route in routes))
    nets = [route.allocation.net_out for route in routes if route]
    slack = 1e-7 * abs(nets[0]) + 10
    assert nets[0] >= nets[1] - slack
    assert nets[1] >= nets[2] - slack


def _subsets(on: PreparedMarket) -> list[tuple[Edge, ...]]:
    ids = list(dict.fromkeys(edge.state_id for edge in on.edges))
    chosen = [kept for size in range(1, len(ids) + 1) for kept in combinations(ids, size)]
    return [tuple(edge for edge in on.edges if edge.state_id in kept) for kept in chosen]


@given(crowds(kinds=("product",), most=3, most_tokens=3), dollars(), st.sampled_from([5.0, 50.0]))
@settings(max_examples=15, deadline=None, derandomize=True, phases=(Phase.explicit, Phase.generate))
def test_no_subset_of_few_venues_nets_much_more(drawn: list[Sketch], worth: float, gwei: float) -> None:
    """Every choice of up to four venues, each routed without gas and then charged for it; within 1 bp of the best."""
    on, amount, how = market(*drawn), raw(0, worth), terms(gas=gas_of(1, gwei))
    route = sold(on, 0, 1, amount, how)
    assume(route is not None)
    assert route is not None
    best = route.allocation.net_out
    for kept in _subsets(on):
        free = sold(PreparedMarket.of(kept), 0, 1, amount, terms())
        if free is not None:
            plan = free.allocation
            best = max(best, plan.amount_out - how.gas_cost.of(plan.gas))
    assert route.allocation.net_out >= best - 1e-4 * route.allocation.amount_out


@pytest.mark.parametrize("price", [0.0, 1e-30, 1e30])
def test_any_price_of_gas_gives_a_plan(price: float) -> None:
    on = market(Sketch("product", 0, 1, 1e6), Sketch("product", 0, 2, 1e6), Sketch("product", 2, 1, 1e6))
    route = sell(on, NAMES[0], NAMES[1], raw(0, 1_000.0), RouteTerms(GasCost(price), max_hops=3))
    assert route.allocation.amount_out > 0
