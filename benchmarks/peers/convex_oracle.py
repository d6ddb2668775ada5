"""The relaxed routing problem, solved by general solvers: cvxpy with Clarabel (primal), scipy (plain dual).

Runs in `.bench/convex`: `convex_oracle.py REQUEST REPLY`. Shares no code with the router; a pool is a curve or some.

A curve sells token i for token j: after the fee, z = gamma * d of the input trades, z <= room, and pays
Y * (1 - (X / (X + z)) ** a): a constant-product pair, or a piece between two ticks, has a = 1; a weighted pool the
ratio of its weights. Amounts are in the request's units, a unit of each token being worth about the order. Trading in
circles is allowed, so what comes out includes arbitrage between the curves.

    primal: most units of the target, such that no token is spent that isn't there
    dual:   least, over prices nu with nu[target] = 1, of nu[source] * amount + sum of each curve's best profit
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import cvxpy as cp  # type: ignore[import-not-found,import-untyped,unused-ignore]
import numpy as np
from scipy.optimize import minimize  # type: ignore[import-not-found,import-untyped,unused-ignore]

FARTHEST = 40.0
"""Bound on the logarithm of a price in units."""
PASSES = 6
ENDLESS = 1e20


@dataclass(frozen=True)
class Curves:
    """All curves of a market, in arrays."""

    tokens: int
    i: Any
    j: Any
    x: Any
    y: Any
    gamma: Any
    a: Any
    room: Any

    @classmethod
    def of(cls, market: Mapping[str, Any]) -> "Curves":
        """From a request's market."""
        floats = {name: np.array(market[name], dtype=float) for name in ("x", "y", "gamma", "a", "room")}
        return cls(market["tokens"], np.array(market["i"]), np.array(market["j"]), **floats)


class Dual:
    """The dual of one order, in the logarithms of all prices but the target's."""

    def __init__(self, curves: Curves, source: int, target: int, amount: float) -> None:
        self.curves, self.source, self.amount = curves, source, amount
        self.free = np.array([token for token in range(curves.tokens) if token != target])

    def value(self, logs: Any) -> tuple[float, Any]:
        """The dual and its gradient."""
        full = np.zeros(self.curves.tokens)
        full[self.free] = logs
        c, prices = self.curves, np.exp(full)
        ratio = c.gamma * prices[c.j] * c.y * c.a * c.x**c.a / prices[c.i]
        z = np.clip(ratio ** (1 / (c.a + 1)) - c.x, 0.0, c.room)
        paid = c.y * -np.expm1(-c.a * np.log1p(z / c.x))
        flow = np.bincount(c.j, paid, c.tokens) - np.bincount(c.i, z / c.gamma, c.tokens)
        flow[self.source] += self.amount
        return float(prices @ flow), (prices * flow)[self.free]


def plain_dual(dual: Dual, start: Any) -> tuple[float, float]:
    """L-BFGS-B's optimum and its seconds. It stops early on kinks, so it is started again a few times."""
    bounds = [(-FARTHEST, FARTHEST)] * len(dual.free)
    started, logs = perf_counter(), start
    least = dual.value(start)[0]
    for _ in range(PASSES):
        found = minimize(dual.value, logs, jac=True, method="L-BFGS-B", bounds=bounds, options=_STOP)
        least = min(least, float(found.fun))
        if np.allclose(found.x, logs, rtol=0, atol=1e-12):
            break
        logs = found.x
    return least, perf_counter() - started


_STOP = {"maxiter": 2_000, "maxfun": 4_000, "ftol": 1e-16, "gtol": 1e-12, "maxcor": 20}


def primal(curves: Curves, source: int, target: int, amount: float) -> tuple[float, float] | None:
    """Clarabel's optimum and the seconds of its solve, or nothing where it does not converge; for a = 1 only.

    What a curve pays is p * d - (p * gamma / X) * d ** 2 / (1 + gamma * d / X) with p = gamma * Y / X: a quadratic over
    a line, which keeps its accuracy where the order is small beside the pool.
    """
    count = len(curves.i)
    d, paid = cp.Variable(count, nonneg=True), cp.Variable(count, nonneg=True)
    lost, width = cp.Variable(count), 1 + cp.multiply(curves.gamma / curves.x, d)  # lost = sqrt(steep) * d**2 / width
    price = curves.gamma * curves.y / curves.x
    steep = price * curves.gamma / curves.x
    bounded = curves.room < ENDLESS
    constraints = [
        d[bounded] <= (curves.room / curves.gamma)[bounded],
        paid <= cp.multiply(price, d) - cp.multiply(np.sqrt(steep), lost),
        cp.SOC(lost + width, cp.vstack([2 * cp.multiply(steep**0.25, d), lost - width])),
    ]
    into, out_of = np.zeros((curves.tokens, count)), np.zeros((curves.tokens, count))
    into[curves.j, np.arange(count)] = 1
    out_of[curves.i, np.arange(count)] = 1
    given = np.zeros(curves.tokens)
    given[source] = amount
    net = into @ paid - out_of @ d + given
    others = [token for token in range(curves.tokens) if token != target]
    problem = cp.Problem(cp.Maximize(net[target]), [*constraints, net[others] >= 0])
    try:
        problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    except cp.error.SolverError:
        return None
    if problem.status != cp.OPTIMAL:
        return None
    return float(problem.value), float(problem.solver_stats.solve_time)


def answer(market: Mapping[str, Any]) -> list[dict[str, float]]:
    """For each order of a market: the dual's optimum and time, and Clarabel's where it was asked for."""
    curves = Curves.of(market)
    answers = []
    for order in market["orders"]:
        dual = Dual(curves, order["source"], order["target"], order["amount"])
        least, seconds = plain_dual(dual, np.zeros(len(dual.free)))
        found = {"dual": least, "dual_s": seconds}
        asked = order["source"], order["target"], order["amount"]
        if market["primal"] and (solved := primal(curves, *asked)):
            found["primal"], found["primal_s"] = solved
        answers.append(found)
    return answers


if __name__ == "__main__":
    request, reply = map(Path, sys.argv[1:])
    reply.write_text(json.dumps([answer(market) for market in json.loads(request.read_text())]))
