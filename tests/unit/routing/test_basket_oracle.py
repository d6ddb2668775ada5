"""Baskets against a general convex solver, where the benchmarks installed one."""

import json
import math
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest

from oms.liquidity.listing import ListedPool
from oms.routing.baskets import Basket, BasketTerms, BestValue, InProportion, Measure, buy_basket, sell_basket
from oms.routing.market import edges_of
from oms.routing.prepared import PreparedMarket
from tests.unit.routing.market_samples import A, B, C, D, listed

PYTHON = Path(__file__).resolve().parents[3] / ".bench" / "convex" / "bin" / "python"
SCRIPT = Path(__file__).with_name("basket_oracle.py")
TOKENS = (A, B, C, D)
ONE = 10**18
MARKETS = 3


def random_pairs(rng: Random) -> list[tuple[int, int, int, int]]:
    """Pairs within 20 bps of fair prices, so that no circle pays its fees of 60 bps and more."""
    worth = [math.exp(rng.uniform(0, 3)) for _ in TOKENS]
    ends = [(0, 1), (1, 2), (2, 3)] + [tuple(sorted(rng.sample(range(4), 2))) for _ in range(5)]
    pairs = []
    for i, j in ends:
        held = math.exp(rng.uniform(6, 10))
        pairs.append((i, j, int(held / worth[i] * ONE), int(held / worth[j] * rng.uniform(0.998, 1.002) * ONE)))
    return pairs


def market_of(pairs: list[tuple[int, int, int, int]]) -> PreparedMarket:
    pools: list[ListedPool] = [listed(n + 1, TOKENS[i], TOKENS[j], x, y) for n, (i, j, x, y) in enumerate(pairs)]
    return PreparedMarket.of(edges_of(pools, TOKENS))


def questions(pairs: list[tuple[int, int, int, int]], given: tuple[int, int]) -> list[dict[str, Any]]:
    common = {
        "tokens": 4,
        "gamma": 0.997,
        "pairs": [(i, j, x / ONE, y / ONE) for i, j, x, y in pairs],
        "inputs": {"0": given[0] / ONE, "1": given[1] / ONE},
    }
    return [
        {**common, "goal": "value", "prices": {"2": 1.0, "3": 1.5}},
        {**common, "goal": "scale", "amounts": {"2": 1.0, "3": 2.0}},
        {**common, "goal": "input", "inputs": {}, "payer": 0, "wanted": {"2": 1.0, "3": 2.0}},
    ]


def answers(market: PreparedMarket, given: tuple[int, int]) -> list[tuple[Basket, float, float]]:
    """For each question the basket, its own result and its bound, in the question's measure."""
    inputs, free = {A: given[0], B: given[1]}, BasketTerms()
    best = sell_basket(market, inputs, BestValue({C: 1.0, D: 1.5}), free)
    even = sell_basket(market, inputs, InProportion({C: 1.0, D: 2.0}, Measure.AMOUNT), free)
    bought = buy_basket(market, A, {C: ONE, D: 2 * ONE}, free)
    value = (best.amounts_out[C] + 1.5 * best.amounts_out[D]) / ONE
    scale = min(even.amounts_out[C], even.amounts_out[D] / 2) / ONE
    return [
        (best, value, value * best.bound / best.result),
        (even, scale, scale * even.bound / even.result),
        (bought, bought.amounts_in[A] / ONE, bought.bound / ONE),
    ]


def test_results_and_bounds_meet_a_general_solvers_optimum() -> None:
    if not PYTHON.exists():
        pytest.skip("no general solver here; ./scripts/bench route installs one in .bench/convex")
    rng = Random(7)
    asked: list[dict[str, Any]] = []
    found: list[tuple[Basket, float, float]] = []
    for _ in range(MARKETS):
        pairs, given = random_pairs(rng), (rng.randint(ONE // 100, 30 * ONE), rng.randint(ONE // 100, 30 * ONE))
        asked += questions(pairs, given)
        found += answers(market_of(pairs), given)
    done = subprocess.run(
        [str(PYTHON), str(SCRIPT)], input=json.dumps(asked), capture_output=True, text=True, timeout=120, check=True
    )
    for question, theirs, (basket, ours, bound) in zip(asked, json.loads(done.stdout), found, strict=True):
        assert ours == pytest.approx(theirs, rel=3e-6), question["goal"]
        assert bound == pytest.approx(theirs, rel=3e-6), question["goal"]
        assert abs(basket.gap_bps) < 0.01
