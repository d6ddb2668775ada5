"""The split at which no venue pays more than another: Newton's method on the dual prices of a few tokens.

Owns: the prices and flows of a given set of edges. Must not: choose the edges, or round.

Every token k has a price exp(base_k + d_k); an edge from i to j trades until its marginal price is that of the tokens,
which is a fall of `slack + d_j - d_i`. The prices are right when every token that is neither given nor wanted is in
balance: the gradient of the dual in the prices is zero (Diamandis et al. 2023, section 3). In logarithms and weighed by
value, the derivative of the balances is a graph's Laplacian with conductances `price_i * d(input)/d(fall)`: symmetric,
positive, and solved directly. `d` starts at zero on the first path's own prices, so that the smallest order keeps all
its digits.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from oms.liquidity.price_response import PriceResponse

MAX_STEPS = 60
MAX_BACKTRACKS = 12
MAX_LOOKS = 5
"""Times that a step is solved again to find which arcs trade after it."""
TOO_SHORT = 0.05
"""A step cut to less of itself was led astray by its look ahead; the next one goes without."""
LARGEST_STEP = 2.0
"""Of a price's logarithm in one step; steps farther out are wrong anyway, and overflow."""
TOLERANCE = 1e-10
DIAGONAL = 1e-13
"""Added to each token's conductance, as a share of it, so that a set of tokens that nothing grounds has a solution."""
_SMALL = 6
"""Up to so many unknown prices, elimination in plain Python is quicker than a call of LAPACK."""


class Arc(NamedTuple):
    """An edge between two of the tokens in play. `slack` is its log price against the tokens' base prices; at most 0
    for an edge that is no better than the best path."""

    tail: int
    head: int
    slack: float
    response: PriceResponse


class Flow(NamedTuple):
    """What an arc trades, and by how much its price has fallen."""

    amount_in: float
    amount_out: float
    fall: float


class Prices(NamedTuple):
    """A solution: shifts of the log prices, flows by arc, and the largest imbalance as a share of the value given."""

    shifts: list[float]
    flows: list[Flow]
    imbalance: float


class _Reading(NamedTuple):
    """Everything one look at the arcs tells: prices, each arc's fall and amounts, balances by value, conductances."""

    prices: list[float]
    falls: list[float]
    taken: list[float]
    paid: list[float]
    gradient: list[float]
    conductances: list[float]


def equilibrium(
    arcs: Sequence[Arc],
    bases: Sequence[float],
    *,
    supplies: Mapping[int, float],
    fixed: frozenset[int],
    scale: float,
    shifts: Sequence[float] | None = None,
) -> Prices:
    """Prices at which every token that is not `fixed` has a balance of zero, its supply counted.

    `supplies` are base units brought in from outside (negative: wanted). `scale` is the order's worth in the unit of
    the prices; imbalances are measured against it. Always returns its best; the caller reads `imbalance`.
    """
    free = [token for token in range(len(bases)) if token not in fixed]
    place = {token: row for row, token in enumerate(free)}
    d = list(shifts) if shifts is not None else [0.0] * len(bases)
    reading = _read(arcs, bases, d, supplies)
    error = _worst(reading.gradient, free, scale)
    looks = MAX_LOOKS
    for _ in range(MAX_STEPS):
        if error <= TOLERANCE:
            break
        step = _looking_ahead(arcs, reading, free, place, looks=looks)
        if looks > 1 and _slope(reading, free, step) >= 0.0:
            step = _looking_ahead(arcs, reading, free, place, looks=1)
        largest = max(map(abs, step), default=0.0)
        if not largest or not math.isfinite(largest):
            break
        d, reading, moved = _along(arcs, bases, d, reading, supplies, free, step, min(1.0, LARGEST_STEP / largest))
        error = _worst(reading.gradient, free, scale)
        if largest * moved < 1e-16 and looks == 1:
            break
        looks = 1 if looks > 1 and moved < TOO_SHORT else MAX_LOOKS
    flows = [Flow(*entry) for entry in zip(reading.taken, reading.paid, reading.falls, strict=True)]
    return Prices(d, flows, error)


def _looking_ahead(
    arcs: Sequence[Arc], reading: _Reading, free: Sequence[int], place: Mapping[int, int], *, looks: int
) -> list[float]:
    """Newton's step on the market as it would be after it: arcs that it starts conduct, arcs that it stops do not.

    An arc is taken as linear, from where its trading starts. Which arcs trade after the step is found by solving again;
    without it a step runs far past the price at which a deep venue starts.
    """
    prices, falls = reading.prices, reading.falls
    moves = [0.0] * len(prices)
    step: list[float] = []
    trading = [fall >= 0.0 for fall in falls]
    changed: list[int] = []
    for look in range(looks):
        gradient, conductances = list(reading.gradient), list(reading.conductances)
        for number in changed:
            tail, head, _, response = arcs[number]
            if trading[number]:
                conductances[number] = started = prices[tail] * response.at(0.0).slope_in
                gradient[tail] -= started * falls[number]
                gradient[head] += started * falls[number]
            elif conductances[number]:
                conductances[number] = 0.0
                gradient[tail] += prices[tail] * reading.taken[number]
                gradient[head] -= prices[head] * reading.paid[number]
        step = _newton_step(gradient, conductances, arcs, free, place)
        if look == looks - 1:
            break
        for token, change in zip(free, step, strict=True):
            moves[token] = max(-LARGEST_STEP, min(LARGEST_STEP, change))
        after = [fall + moves[arc[1]] - moves[arc[0]] > 0.0 for arc, fall in zip(arcs, falls, strict=True)]
        if after == trading:
            break
        trading = after
        changed = [number for number, fall in enumerate(falls) if trading[number] is not (fall >= 0.0)]
    return step


def _along(
    arcs: Sequence[Arc],
    bases: Sequence[float],
    d: Sequence[float],
    reading: _Reading,
    supplies: Mapping[int, float],
    free: Sequence[int],
    step: Sequence[float],
    fraction: float,
) -> tuple[list[float], _Reading, float]:
    """As far along the step as the dual falls, by false position on its slope; prices, reading, and the fraction."""
    slope = _slope(reading, free, step)
    low, low_slope, high, high_slope = 0.0, slope, math.inf, 0.0
    for _ in range(MAX_BACKTRACKS):
        trial = list(d)
        for token, change in zip(free, step, strict=True):
            trial[token] += fraction * change
        after = _read(arcs, bases, trial, supplies)
        after_slope = _slope(after, free, step)
        if after_slope <= -0.5 * slope:
            if high == math.inf or after_slope >= 0.5 * slope:
                break
            low, low_slope = fraction, after_slope
        else:
            high, high_slope = fraction, after_slope
        width = high - low
        if not width or low_slope >= high_slope:
            break
        guess = low + width * low_slope / (low_slope - high_slope)
        fraction = min(max(guess, low + 0.02 * width), high - 0.02 * width)
    return trial, after, fraction


def _read(arcs: Sequence[Arc], bases: Sequence[float], d: Sequence[float], supplies: Mapping[int, float]) -> _Reading:
    """The hot loop of every search, about 1 us an arc; hence the parallel lists."""
    prices = [math.exp(base + shift) for base, shift in zip(bases, d, strict=True)]
    gradient = [0.0] * len(prices)
    for token, amount in supplies.items():
        gradient[token] = prices[token] * amount
    falls = [slack + d[head] - d[tail] for tail, head, slack, _ in arcs]
    size = len(arcs)
    taken, paid, conductances = [0.0] * size, [0.0] * size, [0.0] * size
    for number, fall in enumerate(falls):
        if fall >= 0.0:
            tail, head, _, response = arcs[number]
            amount_in, amount_out, slope_in, _ = response.at(fall)
            taken[number], paid[number] = amount_in, amount_out
            gradient[tail] -= prices[tail] * amount_in
            gradient[head] += prices[head] * amount_out
            conductances[number] = prices[tail] * slope_in
    return _Reading(prices, falls, taken, paid, gradient, conductances)


def _slope(reading: _Reading, free: Sequence[int], step: Sequence[float]) -> float:
    """How the dual changes along a step."""
    return sum(reading.gradient[token] * change for token, change in zip(free, step, strict=True))


def _worst(gradient: Sequence[float], free: Sequence[int], scale: float) -> float:
    return max((abs(gradient[token]) for token in free), default=0.0) / scale


def _newton_step(
    gradient: Sequence[float],
    conductances: Sequence[float],
    arcs: Sequence[Arc],
    free: Sequence[int],
    place: Mapping[int, int],
) -> list[float]:
    """Solve (Laplacian of the free tokens) * step = -gradient."""
    size = len(free)
    if size > _SMALL:
        return _large_step(gradient, conductances, arcs, free, place)
    matrix = [[0.0] * size for _ in range(size)]
    for (tail, head, _, _), conductance in zip(arcs, conductances, strict=True):
        if not conductance:
            continue
        row, column = place.get(tail), place.get(head)
        if row is not None:
            matrix[row][row] += conductance
        if column is not None:
            matrix[column][column] += conductance
        if row is not None and column is not None:
            matrix[row][column] -= conductance
            matrix[column][row] -= conductance
    right = [-gradient[token] for token in free]
    for row in range(size):
        matrix[row][row] += matrix[row][row] * DIAGONAL + abs(right[row])
    if size == 1:
        return [right[0] / matrix[0][0]] if matrix[0][0] else [0.0]
    return _eliminated(matrix, right)


def _large_step(
    gradient: Sequence[float],
    conductances: Sequence[float],
    arcs: Sequence[Arc],
    free: Sequence[int],
    place: Mapping[int, int],
) -> list[float]:
    """The same through LAPACK. A token without any conductance moves by its imbalance alone."""
    size = len(free)
    tails = np.array([place.get(arc[0], size) for arc in arcs], dtype=np.intp)
    heads = np.array([place.get(arc[1], size) for arc in arcs], dtype=np.intp)
    weights = np.array(conductances)
    width = size + 1
    cells = np.concatenate((tails * width + tails, heads * width + heads, tails * width + heads, heads * width + tails))
    flat = np.bincount(cells, weights=np.concatenate((weights, weights, -weights, -weights)), minlength=width * width)
    matrix = flat.reshape(width, width)[:size, :size]
    right = -np.array([gradient[token] for token in free])
    diagonal = np.diagonal(matrix) * (1.0 + DIAGONAL) + np.abs(right)
    diagonal[diagonal <= 0.0] = 1.0
    matrix[np.arange(size), np.arange(size)] = diagonal
    # Scaled to a unit diagonal: conductances span thirty orders of magnitude between dust and deep pools.
    scale = 1.0 / np.sqrt(diagonal)
    matrix = matrix * scale[:, None] * scale[None, :]
    try:
        solved: list[float] = (np.linalg.solve(matrix, right * scale) * scale).tolist()
    except np.linalg.LinAlgError:
        return [0.0] * size
    return solved


def _eliminated(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gauss without pivoting, which a symmetric positive matrix does not need."""
    size = len(right)
    for pivot in range(size):
        row = matrix[pivot]
        if not row[pivot]:
            continue
        for below in range(pivot + 1, size):
            factor = matrix[below][pivot] / row[pivot]
            if factor:
                target = matrix[below]
                for column in range(pivot, size):
                    target[column] -= factor * row[column]
                right[below] -= factor * right[pivot]
    solution = [0.0] * size
    for pivot in range(size - 1, -1, -1):
        row = matrix[pivot]
        if row[pivot]:
            left = sum(row[column] * solution[column] for column in range(pivot + 1, size))
            solution[pivot] = (right[pivot] - left) / row[pivot]
    return solution
