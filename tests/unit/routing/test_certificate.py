"""The bound holds every plan: the route's own, random ones, all of a grid, and a convex solver's optimum."""

import random
from itertools import product
from pathlib import Path

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from benchmarks.peers.process import PeerFailed, PeerUnavailable
from benchmarks.route_bound import CONVEX, BoundQuestion, ask, curves_of
from oms.routing.allocation import FREE_GAS, flows_of_paths, settle_or_none
from oms.routing.certificate import gap_bps, rounded_out
from oms.routing.market import PoolEdge
from oms.routing.prepared import PreparedMarket
from oms.routing.route import buy, sell
from tests.unit.routing.markets import (
    KINDS,
    NAMES,
    POOLS,
    Sketch,
    crowds,
    dollars,
    gas_of,
    market,
    paths,
    random_crowd,
    raw,
    sold,
    terms,
)

QUICK = settings(max_examples=25, deadline=None, derandomize=True)
UNSHRUNK = settings(QUICK, phases=(Phase.explicit, Phase.generate))
"""For what is known to fail: the smallest example is not looked for."""
TIGHT = KINDS[:3]
PROJECT = Path(__file__).parents[3]


def _random_plans(on: PreparedMarket, amount: int, draw: random.Random, count: int) -> list[int]:
    """What plans bring that split the order at random over random paths."""
    ways = paths(on, 0, 1, 4)
    found = []
    for _ in range(count):
        chosen = draw.sample(ways, min(len(ways), draw.randint(1, 4)))
        cuts = sorted(draw.randint(1, max(1, amount - 1)) for _ in chosen[1:])
        shares = [high - low for low, high in zip([0, *cuts], [*cuts, amount], strict=True)]
        plan = settle_or_none(
            on.market.states, flows_of_paths(dict(zip(chosen, shares, strict=True))), gas_cost=FREE_GAS
        )
        if plan is not None:
            found.append(plan.amount_out)
    return found


class TestBound:
    @given(crowds(kinds=TIGHT, most=8), dollars(), st.randoms(use_true_random=False))
    @QUICK
    def test_no_plan_beats_it(self, drawn: list[Sketch], worth: float, draw: random.Random) -> None:
        on, amount = market(*drawn), raw(0, worth)
        route = sold(on, 0, 1, amount, terms())
        assume(route is not None)
        assert route is not None
        assert route.certificate.bound >= route.allocation.amount_out
        assert route.certificate.bound >= max(_random_plans(on, amount, draw, 40), default=0)

    @given(crowds(kinds=TIGHT, off_bps=300, most=8), dollars(), st.randoms(use_true_random=False))
    @QUICK
    def test_bound_and_arbitrage_together_hold_every_plan(
        self, drawn: list[Sketch], worth: float, draw: random.Random
    ) -> None:
        on, amount = market(*drawn), raw(0, worth)
        route = sold(on, 0, 1, amount, terms())
        assume(route is not None)
        assert route is not None
        proved = route.certificate.bound + route.certificate.arbitrage
        assert proved >= route.allocation.amount_out
        assert proved >= max(_random_plans(on, amount, draw, 40), default=0)

    @given(crowds(kinds=POOLS, off_bps=100, most=8), dollars())
    @UNSHRUNK
    def test_sampled_curves_put_it_off_by_a_tenth_of_a_bp_at_most(self, drawn: list[Sketch], worth: float) -> None:
        """They are known to some millionths only, and chords lie below a curve."""
        route = sold(market(*drawn), 0, 1, raw(0, worth), terms())
        assume(route is not None)
        assert route is not None
        proved = route.certificate.bound + route.certificate.arbitrage
        assert proved >= route.allocation.amount_out * (1 - 1e-5)

    @pytest.mark.parametrize("seed", range(4))
    def test_no_plan_of_a_grid_beats_it_and_the_best_of_them_is_near(self, seed: int) -> None:
        """Three ways, each share in fortieths: the best of the grid is within the grid's width of the route."""
        draw = random.Random(seed)
        pools = [
            Sketch("product", 0, 1, 10 ** draw.uniform(4, 6)),
            Sketch("weighted", 0, 1, 10 ** draw.uniform(4, 6), shape=draw.randint(0, 2)),
            Sketch("product", 0, 2, 10 ** draw.uniform(4, 6), 0.0, 500),
            Sketch("product", 2, 1, 10 ** draw.uniform(4, 6), 0.0, 500),
        ]
        on, amount, steps = market(*pools), raw(0, 30_000.0), 40
        route = sell(on, NAMES[0], NAMES[1], amount, terms())
        ways = paths(on, 0, 1, 2)
        best = 0
        for cut in product(range(steps + 1), repeat=len(ways) - 1):
            if sum(cut) > steps:
                continue
            shares = [amount * part // steps for part in cut]
            shares.append(amount - sum(shares))
            flows = flows_of_paths({way: share for way, share in zip(ways, shares, strict=True) if share})
            plan = settle_or_none(on.market.states, flows, gas_cost=FREE_GAS)
            best = max(best, plan.amount_out if plan else 0)
        assert best <= route.allocation.amount_out * (1 + 1e-9) + 4
        assert best >= route.allocation.amount_out * (1 - 2e-3)
        assert best <= route.certificate.bound

    @given(crowds(kinds=TIGHT, most=8, most_tokens=5, shape=2), dollars())
    @QUICK
    def test_where_every_path_is_allowed_the_plan_meets_it(self, drawn: list[Sketch], worth: float) -> None:
        """Five tokens have no path of more than four pools. To 0.1 bps, and some units of each leg's rounding."""
        on, amount = market(*drawn), raw(0, worth)
        route = sold(on, 0, 1, amount, terms())
        assume(route is not None)
        assert route is not None
        plan, bound = route.allocation, route.certificate.bound
        assume(plan.amount_out > raw(1, worth) / 2)  # not drained
        units = sum(route.prices.get(leg.edge.token_out, 0.0) + 1.0 for leg in plan.legs)
        assert bound <= plan.amount_out * (1 + 1e-5) + 2 * units

    def test_a_range_that_is_drained_is_drained_to_its_end(self) -> None:
        pairs = [Sketch("product", 0, 1, 1_000.0, 0.0, 100)] * 2
        on = market(*pairs, Sketch("concentrated", 0, 1, 1_000.0, 0.0, 100))
        assert sell(on, NAMES[0], NAMES[1], raw(0, 10**4.7), terms()).certificate.gap_bps < 0.1

    @given(crowds(kinds=TIGHT, most=8), dollars(), st.integers(1, 100))
    @QUICK
    def test_the_net_bound_holds_the_net_result(self, drawn: list[Sketch], worth: float, gwei: int) -> None:
        route = sold(market(*drawn), 0, 1, raw(0, worth), terms(gas=gas_of(1, gwei)))
        assume(route is not None)
        assert route is not None
        assert route.certificate.net_bound >= route.allocation.net_out
        assert route.certificate.net_bound < route.certificate.bound

    @given(crowds(kinds=TIGHT, most=8), dollars())
    @QUICK
    def test_a_calm_market_has_no_arbitrage(self, drawn: list[Sketch], worth: float) -> None:
        route = sold(market(*drawn), 0, 1, raw(0, worth), terms())
        assume(route is not None)
        assert route is not None
        assert route.certificate.arbitrage == 0

    @given(crowds(kinds=TIGHT, most=6), dollars())
    @QUICK
    def test_nobody_buys_for_less(self, drawn: list[Sketch], worth: float) -> None:
        on, amount = market(*drawn), raw(0, worth)
        route = sold(on, 0, 1, amount, terms())
        assume(route is not None)
        assert route is not None
        bought = buy(on, NAMES[0], NAMES[1], route.allocation.amount_out, terms())
        assert bought.certificate.bound <= bought.allocation.amount_in
        assert bought.certificate.bound <= amount

    def test_a_gap_that_only_a_longer_path_closes_is_put_down_to_hops(self) -> None:
        chain = [(0, 3), (3, 4), (4, 5), (5, 2), (2, 1)]
        on = market(Sketch("product", 0, 5, 2_000.0), *(Sketch("product", *pair, 1e6) for pair in chain))
        certificate = sell(on, NAMES[0], NAMES[1], raw(0, 900.0), terms()).certificate
        assert certificate.gap_bps > 1.0
        assert certificate.reason == "hops"

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(300))
    def test_no_plan_beats_it_in_many_markets(self, seed: int) -> None:
        draw = random.Random(seed)
        on = market(*random_crowd(seed, kinds=TIGHT, off_bps=draw.choice([None, 50.0, 300.0])))
        amount = raw(0, 10.0 ** draw.uniform(0, 6))
        route = sold(on, 0, 1, amount, terms())
        if route is None:
            return
        proved = route.certificate.bound + route.certificate.arbitrage
        assert proved >= max([route.allocation.amount_out, *_random_plans(on, amount, draw, 60)])


class TestConvexSolvers:
    def test_the_bound_is_the_optimum_that_clarabel_finds(self) -> None:
        """Calm markets of pairs and ranges: never below the optimum, and in four of five within 0.1 bps above it."""
        asked, bounds = [], []
        for seed in range(20):
            draw = random.Random(seed)
            on = market(*random_crowd(seed, kinds=("product", "concentrated")))
            amount = raw(0, 10.0 ** draw.uniform(1, 5))
            route = sold(on, 0, 1, amount, terms())
            if route is None:
                continue
            pools = {edge.state_id: edge.listed for edge in on.edges if isinstance(edge, PoolEdge)}
            worth = amount / raw(0, 1.0)
            unit = {name: float(raw(place, worth)) for place, name in enumerate(NAMES)}
            asked.append(BoundQuestion(curves_of(pools.values()), NAMES[0], NAMES[1], amount, unit, primal=True))
            bounds.append(route.certificate.bound)
        if not (PROJECT / ".bench" / CONVEX.name / ".installed").exists():
            pytest.skip("cvxpy and Clarabel are not there; `./scripts/bench route` installs them into .bench")
        try:
            answers = ask(asked, PROJECT)
        except (PeerUnavailable, PeerFailed) as error:
            pytest.skip(f"the solvers did not answer: {error}")
        solved = [(bound, answer.primal) for bound, answer in zip(bounds, answers, strict=True) if answer.primal]
        assert len(solved) >= 12
        assert all(bound >= optimum * (1 - 1e-9) - 1 for bound, optimum in solved)
        tight = sum(bound <= optimum * (1 + 1e-5) + 1 for bound, optimum in solved)
        assert tight >= 0.8 * len(solved)


@pytest.mark.parametrize(
    ("bound", "result", "buying", "gap"), [(1000, 999, False, 10.0), (999, 1000, True, 10.0), (0, 0, True, 0.0)]
)
def test_the_gap_is_counted_from_the_bound_to_the_result(bound: int, result: int, buying: bool, gap: float) -> None:
    assert gap_bps(bound, result, buying=buying) == pytest.approx(gap)


def test_a_bound_is_rounded_away_from_the_plan() -> None:
    assert rounded_out(10.2, buying=False) == 11
    assert rounded_out(10.8, buying=True) == 10
    assert rounded_out(1e24, buying=False) > 10**24
    assert rounded_out(1e24, buying=True) < 10**24
