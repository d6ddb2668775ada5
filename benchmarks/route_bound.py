"""The bound beside solvers that know nothing of the router: scipy on the dual, Clarabel on the primal.

Owns: pools as the solvers take them (curves, see `peers/convex_oracle.py`), units, and running the solvers in their own
environment.
Must not: use the router's own price responses.

A pool of several tokens is a curve for each ordered pair, as if pairs didn't share balances: a relaxation that the
router's bound makes too. Stable pools have no such curve and are left out on both sides.
"""

import json
import math
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path
from typing import Any

from benchmarks.peers.process import Peer, PeerFailed, environment
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.constant_product import ConstantProductPool
from oms.liquidity.listing import ListedPool
from oms.liquidity.weighted import MAX_IN_RATIO, WeightedPool
from oms.units import Address

CONVEX = Peer("convex", "cvxpy 1.9.3", "benchmarks.peers.convex_oracle")
SOLVE_SECONDS = 180.0
ONE = 10**18
_ENDLESS = 1e30
_SCRIPT = Path(__file__).parent / "peers" / "convex_oracle.py"


@dataclass(frozen=True, slots=True)
class Curve:
    """Base units: z of the input after the fee pay y * (1 - (x / (x + z)) ** a), for z up to `room`."""

    token_in: Address
    token_out: Address
    x: float
    y: float
    gamma: float
    a: float = 1.0
    room: float = math.inf


@dataclass(frozen=True, slots=True)
class BoundQuestion:
    """An order on a market of curves. `unit` is a natural amount of each token: about what the order is worth."""

    curves: Sequence[Curve] = field(repr=False)
    token_in: Address
    token_out: Address
    amount_in: int
    unit: Mapping[Address, float] = field(repr=False)
    primal: bool = False


@dataclass(frozen=True, slots=True)
class BoundAnswer:
    """Optima in base units of the output, arbitrage included, and the seconds of the solvers themselves."""

    dual: float
    dual_seconds: float
    primal: float | None
    primal_seconds: float | None


def curves_of(pools: Iterable[ListedPool], *, reach: float = math.inf) -> list[Curve]:
    """The curves of all pools that have one; of concentrated pools those within a factor `reach` of the price."""
    found: list[Curve] = []
    for listed in pools:
        pool, gamma = listed.pool, 1 - listed.key.fee_pips / 10**6
        if isinstance(pool, ConstantProductPool):
            x, y = float(pool.reserve0), float(pool.reserve1)
            found += [Curve(*pool.tokens, x, y, gamma), Curve(*pool.tokens[::-1], y, x, gamma)]
        elif isinstance(pool, ConcentratedPool):
            found += _pieces(pool, gamma, reach)
        elif isinstance(pool, WeightedPool):
            found += _weighted(pool)
    return found


def _weighted(pool: WeightedPool) -> Iterable[Curve]:
    for i, j in permutations(range(len(pool.tokens)), 2):
        x, y = float(pool.balances[i]), float(pool.balances[j])
        ratio = pool.weights[i] / pool.weights[j]
        gamma = 1 - pool.swap_fee / ONE
        yield Curve(pool.tokens[i], pool.tokens[j], x, y, gamma, ratio, x * (MAX_IN_RATIO / ONE))


def _pieces(pool: ConcentratedPool, gamma: float, reach: float) -> Iterable[Curve]:
    """A constant-product curve with a room for each stretch of equal liquidity, in both directions."""
    price, (token0, token1) = pool.sqrt_price_x96 / 2**96, pool.tokens
    ticks = pool.tick_map.ticks
    bounds = [math.exp(tick * math.log(1.0001) / 2) for tick in ticks]
    liquidity = 0
    for at, upper in enumerate(bounds):
        lower = bounds[at - 1] if at else upper
        if liquidity and lower < min(upper, price) and lower * reach > price:
            high = min(upper, price)
            x, y = liquidity / high, liquidity * high
            yield Curve(token0, token1, x, y, gamma, room=liquidity / lower - liquidity / high)
        if liquidity and upper > max(lower, price) and upper < price * reach:
            low = max(lower, price)
            yield Curve(token1, token0, liquidity * low, liquidity / low, gamma, room=liquidity * (upper - low))
        liquidity += pool.tick_map.nets[at]


def ask(questions: Sequence[BoundQuestion], project: Path) -> list[BoundAnswer]:
    """Solve them all in one process. Raises `PeerUnavailable`, `PeerFailed`."""
    python = environment(CONVEX, project)
    folder = python.parents[1]
    asked, replied = folder / "request.json", folder / "reply.json"
    asked.write_text(json.dumps([_request(question) for question in questions]))
    command = [str(python), str(_SCRIPT), str(asked), str(replied)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SOLVE_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise PeerFailed(f"{CONVEX.version} did not answer within {SOLVE_SECONDS:.0f} s") from error
    if done.returncode:
        raise PeerFailed(f"{CONVEX.version}: {done.stderr.strip().splitlines()[-1:]}")
    answers = [answer for market in json.loads(replied.read_text()) for answer in market]
    return [_answer(question, answer) for question, answer in zip(questions, answers, strict=True)]


def _request(question: BoundQuestion) -> dict[str, Any]:
    unit = question.unit
    names = dict.fromkeys([question.token_in, question.token_out])
    names.update(dict.fromkeys(token for curve in question.curves for token in (curve.token_in, curve.token_out)))
    number = {token: place for place, token in enumerate(names)}
    curves = question.curves
    return {
        "tokens": len(number),
        "i": [number[curve.token_in] for curve in curves],
        "j": [number[curve.token_out] for curve in curves],
        "x": [curve.x / unit[curve.token_in] for curve in curves],
        "y": [curve.y / unit[curve.token_out] for curve in curves],
        "gamma": [curve.gamma for curve in curves],
        "a": [curve.a for curve in curves],
        "room": [min(curve.room / unit[curve.token_in], _ENDLESS) for curve in curves],
        "primal": question.primal,
        "orders": [
            {
                "source": number[question.token_in],
                "target": number[question.token_out],
                "amount": question.amount_in / unit[question.token_in],
            }
        ],
    }


def _answer(question: BoundQuestion, answer: Mapping[str, float]) -> BoundAnswer:
    unit = question.unit[question.token_out]
    primal = answer.get("primal")
    return BoundAnswer(
        answer["dual"] * unit,
        answer["dual_s"],
        None if primal is None else primal * unit,
        answer.get("primal_s"),
    )
