"""The inner loops of routing on arrays, compiled.

Owns: those loops. Must not: know edges, tokens or pools; each has a plain twin, named in its docstring, to which it is
equal up to floats' last digits.

Compiling takes some seconds once; the machine code is kept beside this module, or in the user's cache. A row of
`pieces` is a `Piece`; arc or edge n has the rows from `ends[n - 1]` to `ends[n]`.
"""

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from oms.routing.equilibrium import (
    DIAGONAL,
    LARGEST_STEP,
    MAX_BACKTRACKS,
    MAX_LOOKS,
    MAX_STEPS,
    TOLERANCE,
    TOO_SHORT,
)

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@njit(cache=True)
def newton(
    tails: Integers,
    heads: Integers,
    slacks: Floats,
    ends: Integers,
    pieces: Floats,
    bases: Floats,
    d: Floats,
    supply: Floats,
    free: Integers,
    place: Integers,
    scale: float,
) -> tuple[Floats, Floats, Floats, Floats, float]:
    """`equilibrium` on arrays: shifts, falls, amounts in and out by arc, and the imbalance."""
    prices, falls, taken, paid, gradient, conductances = _read(tails, heads, slacks, ends, pieces, bases, d, supply)
    error = _worst(gradient, free, scale)
    looks = MAX_LOOKS
    for _ in range(MAX_STEPS):
        if error <= TOLERANCE:
            break
        step = _looking_ahead(
            tails, heads, ends, pieces, prices, falls, taken, paid, gradient, conductances, free, place, looks
        )
        if looks > 1 and _slope(gradient, free, step) >= 0.0:
            step = _looking_ahead(
                tails, heads, ends, pieces, prices, falls, taken, paid, gradient, conductances, free, place, 1
            )
        largest = 0.0
        for row in range(len(step)):
            if not math.isfinite(step[row]):
                largest = 0.0
                break
            largest = max(largest, abs(step[row]))
        if largest == 0.0:
            break
        fraction = min(1.0, LARGEST_STEP / largest)
        slope = _slope(gradient, free, step)
        low, low_slope, high, high_slope = 0.0, slope, math.inf, 0.0
        trial = d
        for _back in range(MAX_BACKTRACKS):
            trial = d.copy()
            for row in range(len(free)):
                trial[free[row]] += fraction * step[row]
            prices, falls, taken, paid, gradient, conductances = _read(
                tails, heads, slacks, ends, pieces, bases, trial, supply
            )
            after_slope = _slope(gradient, free, step)
            if after_slope <= -0.5 * slope:
                if high == math.inf or after_slope >= 0.5 * slope:
                    break
                low, low_slope = fraction, after_slope
            else:
                high, high_slope = fraction, after_slope
            width = high - low
            if width == 0.0 or low_slope >= high_slope:
                break
            guess = low + width * low_slope / (low_slope - high_slope)
            fraction = min(max(guess, low + 0.02 * width), high - 0.02 * width)
        d = trial
        error = _worst(gradient, free, scale)
        if largest * fraction < 1e-16 and looks == 1:
            break
        looks = 1 if looks > 1 and fraction < TOO_SHORT else MAX_LOOKS
    return d, falls, taken, paid, error


@njit(cache=True)
def _read(
    tails: Integers,
    heads: Integers,
    slacks: Floats,
    ends: Integers,
    pieces: Floats,
    bases: Floats,
    d: Floats,
    supply: Floats,
) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
    size = len(tails)
    prices = np.exp(bases + d)
    gradient = prices * supply
    falls, taken, paid, conductances = np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size)
    begin = 0
    for number in range(size):
        end = ends[number]
        tail, head = tails[number], heads[number]
        fall = slacks[number] + d[head] - d[tail]
        falls[number] = fall
        if fall >= 0.0 and end > begin:
            amount_in, amount_out, slope_in = _at(pieces, begin, end, fall)
            taken[number], paid[number] = amount_in, amount_out
            gradient[tail] -= prices[tail] * amount_in
            gradient[head] += prices[head] * amount_out
            conductances[number] = prices[tail] * slope_in
        begin = end
    return prices, falls, taken, paid, gradient, conductances


@njit(cache=True)
def _at(pieces: Floats, begin: int, end: int, fall: float) -> tuple[float, float, float]:
    """`PriceResponse.at` on rows `begin` to `end`: input, output, and the input's slope."""
    low, high = begin, end
    while low < high:
        middle = (low + high) // 2
        if fall < pieces[middle, 0]:
            high = middle
        else:
            low = middle + 1
    row = max(begin, low - 1)
    capped = min(fall, pieces[row, 1]) - pieces[row, 0]
    grown = math.expm1(pieces[row, 6] * capped)
    amount_in = pieces[row, 2] + pieces[row, 4] * grown
    amount_out = pieces[row, 3] - pieces[row, 5] * math.expm1(-pieces[row, 7] * capped)
    slope_in = 0.0 if fall >= pieces[row, 1] else pieces[row, 4] * pieces[row, 6] * (grown + 1.0)
    return amount_in, amount_out, slope_in


@njit(cache=True)
def _slope(gradient: Floats, free: Integers, step: Floats) -> float:
    total = 0.0
    for row in range(len(free)):
        total += gradient[free[row]] * step[row]
    return total


@njit(cache=True)
def _worst(gradient: Floats, free: Integers, scale: float) -> float:
    worst = 0.0
    for token in free:
        worst = max(worst, abs(gradient[token]))
    return worst / scale


@njit(cache=True)
def _looking_ahead(
    tails: Integers,
    heads: Integers,
    ends: Integers,
    pieces: Floats,
    prices: Floats,
    falls: Floats,
    taken: Floats,
    paid: Floats,
    gradient: Floats,
    conductances: Floats,
    free: Integers,
    place: Integers,
    looks: int,
) -> Floats:
    size = len(tails)
    moves = np.zeros(len(prices))
    trading = falls >= 0.0
    step = np.zeros(len(free))
    for look in range(looks):
        ahead, conducting = gradient.copy(), conductances.copy()
        begin = 0
        for number in range(size):
            end = ends[number]
            if trading[number] != (falls[number] >= 0.0):
                tail, head = tails[number], heads[number]
                if trading[number]:
                    started = 0.0
                    if end > begin:
                        started = prices[tail] * _at(pieces, begin, end, 0.0)[2]
                    conducting[number] = started
                    ahead[tail] -= started * falls[number]
                    ahead[head] += started * falls[number]
                elif conducting[number] != 0.0:
                    conducting[number] = 0.0
                    ahead[tail] += prices[tail] * taken[number]
                    ahead[head] -= prices[head] * paid[number]
            begin = end
        step = _newton_step(ahead, conducting, tails, heads, free, place)
        if look == looks - 1:
            break
        for row in range(len(free)):
            moves[free[row]] = max(-LARGEST_STEP, min(LARGEST_STEP, step[row]))
        same = True
        for number in range(size):
            after = falls[number] + moves[heads[number]] - moves[tails[number]] > 0.0
            if after != trading[number]:
                trading[number] = after
                same = False
        if same:
            break
    return step


@njit(cache=True)
def _newton_step(
    gradient: Floats, conductances: Floats, tails: Integers, heads: Integers, free: Integers, place: Integers
) -> Floats:
    """Solve (Laplacian of the free tokens) * step = -gradient by elimination that passes over zeros."""
    size = len(free)
    matrix = np.zeros((size, size))
    for number in range(len(tails)):
        conductance = conductances[number]
        if conductance == 0.0:
            continue
        row, column = place[tails[number]], place[heads[number]]
        if row >= 0:
            matrix[row, row] += conductance
        if column >= 0:
            matrix[column, column] += conductance
        if row >= 0 and column >= 0:
            matrix[min(row, column), max(row, column)] -= conductance
    right = np.empty(size)
    for row in range(size):
        right[row] = -gradient[free[row]]
        matrix[row, row] += matrix[row, row] * DIAGONAL + abs(right[row])
    filled = np.empty(size, dtype=np.int64)
    for pivot in range(size):
        whole = matrix[pivot, pivot]
        if whole <= 0.0:
            continue
        count = 0
        for column in range(pivot + 1, size):
            if matrix[pivot, column] != 0.0:
                filled[count] = column
                count += 1
        for one in range(count):
            row = filled[one]
            factor = matrix[pivot, row] / whole
            for other in range(one, count):
                matrix[row, filled[other]] -= factor * matrix[pivot, filled[other]]
            right[row] -= factor * right[pivot]
    step = np.zeros(size)
    for pivot in range(size - 1, -1, -1):
        whole = matrix[pivot, pivot]
        if whole <= 0.0:
            continue
        left = right[pivot]
        for column in range(pivot + 1, size):
            if matrix[pivot, column] != 0.0:
                left -= matrix[pivot, column] * step[column]
        step[pivot] = left / whole
    return step


@njit(cache=True)
def losses(
    sources: Integers, targets: Integers, ends: Integers, pieces: Floats, falls: Floats, log_values: Floats
) -> tuple[Integers, Floats]:
    """`EdgeTable.losses`."""
    numbers, lost = np.empty(len(falls), dtype=np.int64), np.empty(len(falls))
    count = 0
    begin = 0
    for number in range(len(falls)):
        end = ends[number]
        if 0.0 < falls[number] < math.inf and end > begin:
            amount_in, amount_out, _ = _at(pieces, begin, end, falls[number])
            value = amount_out * math.exp(log_values[targets[number]]) - amount_in * math.exp(
                log_values[sources[number]]
            )
            if value > 0.0:
                numbers[count], lost[count] = number, value
                count += 1
        begin = end
    return numbers[:count], lost[:count]


@njit(cache=True)
def sold(ends: Integers, pieces: Floats, capacities: Floats, amounts: Floats) -> Floats:
    """`EdgeTable.sold`: `PriceResponse.sold` of every edge."""
    found = np.zeros(len(amounts))
    begin = 0
    for number in range(len(amounts)):
        end = ends[number]
        amount = amounts[number]
        if 0.0 < amount <= capacities[number] and end > begin:
            low, high = begin, end
            while low < high:
                middle = (low + high) // 2
                if amount < pieces[middle, 2]:
                    high = middle
                else:
                    low = middle + 1
            row = max(begin, low - 1)
            grown = math.log1p((amount - pieces[row, 2]) / pieces[row, 4])
            fall = min(grown / pieces[row, 6], pieces[row, 1] - pieces[row, 0])
            found[number] = pieces[row, 3] - pieces[row, 5] * math.expm1(-pieces[row, 7] * fall)
        begin = end
    return found


@njit(cache=True)
def hop(to: Integers, over: Integers, log_prices: Floats, labels: Floats) -> Floats:
    """`EdgeTable.toward` and `onward`: each label, or the best rate by an edge to `to` from a label `over` it."""
    found = labels.copy()
    for number in range(len(log_prices)):
        rate = log_prices[number] + labels[over[number]]
        found[to[number]] = max(found[to[number]], rate)
    return found


@njit(cache=True)
def labels(to: Integers, over: Integers, log_prices: Floats, size: int, start: int, end: int, hops: int) -> Floats:
    """`EdgeTable.labels`, a row for each number of edges."""
    found = np.full((hops, size), -math.inf)
    found[0, start] = 0.0
    for row in range(1, hops):
        found[row] = hop(to, over, log_prices, found[row - 1])
        found[row, start], found[row, end] = 0.0, -math.inf
    return found


@njit(cache=True)
def through(
    sources: Integers, targets: Integers, log_prices: Floats, behind: Floats, ahead: Floats, hops: int
) -> tuple[Floats, Integers]:
    """`EdgeTable.through`."""
    best, places = np.empty(len(log_prices)), np.zeros(len(log_prices), dtype=np.int64)
    for number in range(len(log_prices)):
        highest = -math.inf
        for before in range(hops):
            rate = behind[before, sources[number]] + ahead[hops - 1 - before, targets[number]]
            if rate > highest:
                highest, places[number] = rate, before
        best[number] = highest + log_prices[number]
    return best, places


@njit(cache=True)
def spread(ones: Integers, others: Integers, moves: Floats) -> Floats:
    """`EdgeTable.spread`; `moves` is NaN where a token has none of its own. Groups are linked lists of their tokens."""
    size = len(moves)
    group_of, following, last = np.arange(size), np.full(size, -1), np.arange(size)
    counts = np.ones(size, dtype=np.int64)
    for branch in range(len(ones)):
        first, second = group_of[ones[branch]], group_of[others[branch]]
        moved, other_moved = not math.isnan(moves[first]), not math.isnan(moves[second])
        if first == second or (moved and other_moved):
            continue
        if moved or (not other_moved and counts[first] >= counts[second]):
            first, second = second, first
        token = first
        while token >= 0:
            group_of[token] = second
            token = following[token]
        following[last[second]] = first
        last[second] = last[first]
        counts[second] += counts[first]
    found = moves.copy()
    for token in range(size):
        if math.isnan(found[token]):
            found[token] = moves[group_of[token]]
    return found
