"""Paths one at a time: which ones an order would take alone, what each pays, and what it needs to pay so much.

Owns: the choice of paths worth showing beside a split, their exact filling, and its inverse.
Must not: split an order; `oms.routing.route` does.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from oms.errors import QuoteRefused, Refusal
from oms.routing.market import Market, Path, PoolEdge, fill
from oms.units import UINT128_MAX, Address

EDGES_PER_PAIR = 3
"""Venues of one pair that longer paths are made of: the best for about this size."""
MAX_NARROWINGS = 160
_TOO_LITTLE = frozenset({Refusal.ZERO_AMOUNT, Refusal.ZERO_OUTPUT, Refusal.BELOW_MINIMUM})
"""Refusals that a larger amount overcomes."""


def direct_paths(market: Market, token_in: Address, token_out: Address) -> list[Path]:
    """Every edge that joins the two by itself."""
    return [(edge,) for edge in market.edges if (edge.token_in, edge.token_out) == (token_in, token_out)]


def longer_paths(
    market: Market, token_in: Address, token_out: Address, worth: Mapping[Address, int], *, max_hops: int, most: int
) -> list[Path]:
    """About the `most` best paths of two and more pools that visit no token and no pool twice, best first.

    `worth` is about what the order amounts to in each token; tokens that aren't in it are not passed through. Edges are
    rated alone, so that paths that draw on each other's pools are rated as if they did not.
    """
    rated = _best_edges(market, worth)
    found: list[tuple[float, Path]] = []

    def extend(path: Path, rate: float, at: Address, visited: frozenset[Address]) -> None:
        for target, edges in rated.get(at, {}).items():
            if target in visited or (target == token_out and not path):
                continue
            if target != token_out and len(path) + 1 >= max_hops:
                continue
            for each in edges:
                if any(edge.state_id == each.edge.state_id for edge in path):
                    continue
                longer = (*path, each.edge)
                if target == token_out:
                    found.append((rate * each.rate, longer))
                else:
                    extend(longer, rate * each.rate, target, visited | {target})

    extend((), 1.0, token_in, frozenset({token_in}))
    found.sort(key=lambda entry: -entry[0])
    return [path for _, path in found[:most]]


@dataclass(frozen=True, slots=True)
class _Rated:
    edge: PoolEdge
    rate: float
    """What comes out in worth for what goes in."""


def _best_edges(market: Market, worth: Mapping[Address, int]) -> dict[Address, dict[Address, list[_Rated]]]:
    """By input and output token, the pools that lose least of the order's worth."""
    rated: defaultdict[Address, defaultdict[Address, list[_Rated]]] = defaultdict(lambda: defaultdict(list))
    for edge in market.edges:
        given, wanted = worth.get(edge.token_in, 0), worth.get(edge.token_out, 0)
        if isinstance(edge, PoolEdge) and given > 0 and wanted > 0:
            brought = _output(market.states, (edge,), given)
            if brought:
                rated[edge.token_in][edge.token_out].append(_Rated(edge, brought / wanted))
    return {
        source: {target: sorted(each, key=lambda r: -r.rate)[:EDGES_PER_PAIR] for target, each in targets.items()}
        for source, targets in rated.items()
    }


def fill_path(states: Mapping[str, object], path: Path, amount_in: int) -> tuple[int, int, dict[str, object]]:
    """Output, the legs' own gas, and the states it leaves, for giving `amount_in` to `path`. Raises `QuoteRefused`."""
    moved: dict[str, object] = {}
    gas, amount = 0, amount_in
    for edge in path:
        done = fill(edge, moved.get(edge.state_id, states[edge.state_id]), amount)
        moved[edge.state_id] = done.next_state
        gas += done.gas
        amount = done.amount_out
    return amount, gas, moved


def input_for(states: Mapping[str, object], path: Path, amount_out: int) -> int:
    """The least input with which `path` alone pays at least `amount_out`. Raises `QuoteRefused`.

    Outputs grow with inputs on every edge, so a bracket can be narrowed to the unit.
    """
    low, low_out, high, high_out = _bracket(states, path, amount_out)
    for step in range(MAX_NARROWINGS):
        if high - low <= 1:
            break
        middle = (low + high) // 2
        if step % 3 and high_out > low_out:  # false position, with a bisection in between so that it must end
            guess = low + (high - low) * (amount_out - low_out) // (high_out - low_out)
            middle = min(max(guess, low + 1), high - 1)
        out = _output(states, path, middle)
        if out >= amount_out:
            high, high_out = middle, out
        else:
            low, low_out = middle, out
    return high


def _bracket(states: Mapping[str, object], path: Path, amount_out: int) -> tuple[int, int, int, int]:
    """Inputs below and at or above the wanted output, with their outputs. Raises `QuoteRefused`."""
    low, low_out, high = 0, 0, 1
    while high <= UINT128_MAX:
        try:
            out = fill_path(states, path, high)[0]
        except QuoteRefused as refused:
            if refused.reason not in _TOO_LITTLE:
                break
            out = 0
        if out >= amount_out:
            return low, low_out, high, out
        low, low_out = high, out
        scale = amount_out * 17 // (16 * out) + 1 if out else 2
        high *= min(max(scale, 2), 2**20)
    largest = _largest_fillable(states, path, low, high)
    most = _output(states, path, largest)
    if most < amount_out:
        raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, f"pays at most {most}")
    return low, low_out, largest, most


def _largest_fillable(states: Mapping[str, object], path: Path, low: int, high: int) -> int:
    while high - low > max(1, low >> 20):
        middle = (low + high) // 2
        if _output(states, path, middle):
            low = middle
        else:
            high = middle
    return low


def _output(states: Mapping[str, object], path: Path, amount_in: int) -> int:
    try:
        return fill_path(states, path, amount_in)[0]
    except QuoteRefused:
        return 0
