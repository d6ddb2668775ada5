"""A basket's optimum by a general solver: cvxpy with Clarabel. Runs in `.bench/convex`; knows nothing of the router.

    basket_oracle.py < request > reply

A pair holds x and y and takes a fee: d in and o out keep (x + gamma * d) * (y - o) >= x * y, both ways.
"""

import json
import sys
from typing import Any

import cvxpy as cp  # type: ignore[import-not-found,import-untyped,unused-ignore]


def optimum(question: dict[str, Any]) -> float:
    """Value, scale or input, by the question's goal; amounts are whole tokens."""
    tokens, constraints = question["tokens"], []
    net: list[Any] = [question["inputs"].get(str(token), 0.0) for token in range(tokens)]
    for i, j, x, y in question["pairs"]:
        for tail, head, held_in, held_out in ((i, j, x, y), (j, i, y, x)):
            given, got = cp.Variable(nonneg=True), cp.Variable(nonneg=True)
            after = cp.hstack([1 + question["gamma"] * given / held_in, 1 - got / held_out])
            constraints.append(cp.geo_mean(after) >= 1)
            net[tail] = net[tail] - given
            net[head] = net[head] + got
    goal = question["goal"]
    if goal == "value":
        prices = {int(token): price for token, price in question["prices"].items()}
        objective = cp.Maximize(sum(price * net[token] for token, price in prices.items()))
        constraints += [each >= 0 for each in net]
    elif goal == "scale":
        scale = cp.Variable()
        objective = cp.Maximize(scale)
        constraints += [each >= question["amounts"].get(str(token), 0.0) * scale for token, each in enumerate(net)]
    else:
        paid = cp.Variable()
        net[question["payer"]] = net[question["payer"]] + paid
        objective = cp.Minimize(paid)
        constraints += [each >= question["wanted"].get(str(token), 0.0) for token, each in enumerate(net)]
    problem = cp.Problem(objective, constraints)
    problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    return float(problem.value)


if __name__ == "__main__":
    json.dump([optimum(question) for question in json.load(sys.stdin)], sys.stdout)
