"""A first split: water-filling over parallel paths on shared state, gas switched on per leg, re-simulated exactly.

Owns: candidate paths, the search, and the integer simulation of a whole allocation in settlement order.
Must not: load, sign, or know how a leg is encoded.

Method: the amount is poured in equal chunks, each on the path that pays most for it on the state the earlier chunks
left; then shares move between the used paths while that helps; then paths whose gas exceeds their gain are dropped.
The best single path is the floor. The result is simulated leg by leg in integers, and only that is reported.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from oms.domain.plans import SHARE_DENOMINATOR, Spend, SpendKind
from oms.errors import QuoteRefused, Refusal
from oms.routing.market import BookEdge, Edge, Fill, LadderEdge, Market, Path, fill
from oms.units import UINT128_MAX, Address

CHUNKS = 64
"""Pourings of the whole amount; finer ones gain less than gas on the pools measured."""
CANDIDATES_BY_HOPS = {1: 24, 2: 16, 3: 12}
"""Paths of each length that are poured on: the best for a chunk, and a third as many best for the whole."""
MAX_NARROWINGS = 160
MAX_MOVES = 40
MAX_USED_PATHS = 8
TRANSACTION_GAS = 62_000
"""A settlement's fixed cost: the transaction itself, calldata, the executor's entry and its final checks."""


_TOO_LITTLE = frozenset({Refusal.ZERO_AMOUNT, Refusal.ZERO_OUTPUT, Refusal.BELOW_MINIMUM})
"""Refusals that a larger amount overcomes."""


@dataclass(frozen=True, slots=True)
class GasCost:
    """Turns gas into base units of the output token: `out_per_gas` is gas price times the coin's price."""

    out_per_gas: float

    def of(self, gas: int) -> int:
        """Base units of the output token, rounded up."""
        return -int(-gas * self.out_per_gas // 1) if gas else 0


@dataclass(frozen=True, slots=True)
class LegFill:
    """One edge's share of an allocation, exactly as it would settle."""

    edge: Edge
    spend: Spend
    amount_in: int
    amount_out: int
    gas: int


@dataclass(frozen=True, slots=True)
class Allocation:
    """A split: the legs in settlement order, and what they add up to. `net_out` is after gas."""

    legs: tuple[LegFill, ...]
    amount_in: int
    amount_out: int
    gas: int
    net_out: int
    paths: tuple[tuple[Path, int], ...]


def candidate_paths(market: Market, token_in: Address, token_out: Address, *, max_hops: int) -> list[Path]:
    """All paths of up to `max_hops` edges that visit no token and no pool twice. Makers and books join the two ends."""
    outgoing: dict[Address, list[Edge]] = defaultdict(list)
    for edge in market.edges:
        outgoing[edge.token_in].append(edge)
    found: list[Path] = []

    def extend(path: Path, at: Address, visited: frozenset[Address]) -> None:
        used = {edge.state_id for edge in path}
        for edge in outgoing[at]:
            if edge.state_id in used:
                continue
            target = edge.token_out
            if target == token_out and (not path or _chainable(edge)):
                found.append((*path, edge))
            elif target not in visited and len(path) + 1 < max_hops and _chainable(edge):
                extend((*path, edge), target, visited | {target})

    extend((), token_in, frozenset({token_in, token_out}))
    return found


def _chainable(edge: Edge) -> bool:
    return not isinstance(edge, BookEdge | LadderEdge)


def fill_path(
    states: Mapping[str, object], path: Path, amount_in: int, *, lots: bool = True
) -> tuple[int, int, dict[str, object]]:
    """Output, gas, and the states it leaves, for pouring `amount_in` through `path`. Raises `QuoteRefused`."""
    moved: dict[str, object] = {}
    gas, amount = 0, amount_in
    for edge in path:
        done = fill(edge, moved.get(edge.state_id, states[edge.state_id]), amount, lots=lots)
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


def best_split(
    market: Market, token_in: Address, token_out: Address, amount_in: int, *, gas_cost: GasCost, max_hops: int
) -> Allocation:
    """The split with the best net output that this search finds. Raises `QuoteRefused` when no path takes it all.

    With three hops, the search over two is made as well, so that a wider choice is never a worse one.
    """
    if max_hops < 3:
        return _best_split(market, token_in, token_out, amount_in, gas_cost=gas_cost, max_hops=max_hops)
    wide = _best_split(market, token_in, token_out, amount_in, gas_cost=gas_cost, max_hops=max_hops)
    try:
        narrow = _best_split(market, token_in, token_out, amount_in, gas_cost=gas_cost, max_hops=2)
    except QuoteRefused:
        return wide
    return max(wide, narrow, key=lambda allocation: allocation.net_out)


def _best_split(
    market: Market, token_in: Address, token_out: Address, amount_in: int, *, gas_cost: GasCost, max_hops: int
) -> Allocation:
    candidates = candidate_paths(market, token_in, token_out, max_hops=max_hops)
    if not candidates:
        raise QuoteRefused(Refusal.NO_PATH, "nothing joins the two tokens on the chosen venues; widen --venues")
    paths = promising(market, candidates, amount_in)
    if not paths:
        raise QuoteRefused(
            _first_refusal(market, candidates, amount_in), "no venue takes this amount; ask for more, or for less"
        )

    def settle(shares: Mapping[Path, int]) -> Allocation | None:
        return _settle_or_none(market, shares, gas_cost)

    def tried(shares: Mapping[Path, int]) -> Allocation | None:
        return _settle_or_none(market, shares, gas_cost, lots=False)

    singles = [
        found for path in paths if _in_lots(path, amount_in) == amount_in and (found := settle({path: amount_in}))
    ]
    best = max(singles, key=lambda a: a.net_out, default=None)
    poured = _pour(market, paths, amount_in, gas_cost)
    split = tried(poured) if poured else None
    if split is not None:
        split = _in_whole_lots(_improve(split, tried, amount_in), paths, settle)
    if split is not None:
        best = split if best is None or split.net_out > best.net_out else best
    if best is None:
        raise QuoteRefused(
            Refusal.INSUFFICIENT_LIQUIDITY, "the amount is beyond the liquidity known here; ask for less"
        )
    return best


def _first_refusal(market: Market, paths: Sequence[Path], amount_in: int) -> Refusal:
    """Why the first of the paths refuses the whole amount."""
    for path in paths:
        try:
            fill_path(market.states, path, amount_in)
        except QuoteRefused as refused:
            return refused.reason
    return Refusal.INSUFFICIENT_LIQUIDITY


def promising(market: Market, paths: Sequence[Path], amount_in: int) -> list[Path]:
    """The candidates of each length that pay most for one chunk, and for the whole amount."""
    chunk = max(1, amount_in // CHUNKS)
    kept: dict[Path, None] = {}
    for hops, most in CANDIDATES_BY_HOPS.items():
        scored = [
            (_output(market.states, path, chunk, lots=False), _output(market.states, path, amount_in, lots=False), path)
            for path in paths
            if len(path) == hops
        ]
        paying = [entry for entry in scored if entry[0] or entry[1]]
        by_chunk = sorted(paying, key=lambda entry: entry[0], reverse=True)[:most]
        by_whole = sorted(paying, key=lambda entry: entry[1], reverse=True)[: most // 3]
        kept.update(dict.fromkeys(path for _, _, path in by_chunk + by_whole))
    return list(kept)


def _output(states: Mapping[str, object], path: Path, amount_in: int, *, lots: bool = True) -> int:
    try:
        return fill_path(states, path, amount_in, lots=lots)[0]
    except QuoteRefused:
        return 0


def _pour(market: Market, paths: Sequence[Path], amount_in: int, gas_cost: GasCost) -> dict[Path, int]:
    """Chunk by chunk onto the path that pays most for the next one, gas counted at a path's first use.

    A path's gas is spread over the share it could expect, so that a costly path can still start.
    """
    states = dict(market.states)
    shares: dict[Path, int] = {}
    offers: dict[Path, tuple[float, int, dict[str, object]]] = {}
    stale = set(paths)
    left = amount_in
    for index in range(CHUNKS):
        chunk = left // (CHUNKS - index)
        if chunk <= 0:
            continue
        for path in stale:
            offers.pop(path, None)
            try:
                out, gas, moved = fill_path(states, path, chunk, lots=False)
            except QuoteRefused:
                continue
            activation = 0 if path in shares else gas_cost.of(gas) * MAX_USED_PATHS // CHUNKS
            offers[path] = (out - activation, out, moved)
        if not offers:
            return {}
        chosen = max(offers, key=lambda p: offers[p][0])
        states.update(offers[chosen][2])
        left -= chunk
        touched = set(offers[chosen][2])
        if chosen not in shares:
            shares[chosen] = 0
            paths = [path for path in paths if path in shares or _agrees(path, shares)]
            offers = {path: offer for path, offer in offers.items() if path in paths}
        shares[chosen] += chunk
        stale = {p for p in paths if touched & {e.state_id for e in p}} | {chosen}
    return shares


def _agrees(path: Path, chosen: Iterable[Path]) -> bool:
    """Whether all the paths together still have an order of tokens, so that they can settle one after another."""
    try:
        _token_order((*chosen, path))
    except QuoteRefused:
        return False
    return True


def _improve(
    split: Allocation, settle: Callable[[Mapping[Path, int]], Allocation | None], amount_in: int
) -> Allocation:
    """Drop paths that do not earn their gas, and move shares between the rest, while the net output grows."""
    best = split
    while len(best.paths) > 1:
        trials = [
            trial for dropped, _ in best.paths if (trial := settle(_without(dict(best.paths), dropped))) is not None
        ]
        better = max(trials, key=lambda a: a.net_out, default=None)
        if better is None or (better.net_out <= best.net_out and len(best.paths) <= MAX_USED_PATHS):
            break
        best = better
    step = amount_in // CHUNKS
    for _ in range(MAX_MOVES):
        if step <= max(1, amount_in // 10**5) or len(best.paths) < 2:
            break
        moved = _best_move(best, settle, step)
        if moved is None:
            step //= 4
        else:
            best = moved
    return best


def _best_move(
    best: Allocation, settle: Callable[[Mapping[Path, int]], Allocation | None], step: int
) -> Allocation | None:
    """Move a step from the path that loses least by it to the one that gains most; `None` if that does not help."""
    shares = dict(best.paths)

    def net_with(path: Path, change: int) -> float:
        trial = settle({**shares, path: shares[path] + change})
        return -math.inf if trial is None else float(trial.net_out)

    givers = [path for path in shares if shares[path] > step]
    if not givers:
        return None
    giver = max(givers, key=lambda path: net_with(path, -step))
    taker = max((path for path in shares if path is not giver), key=lambda path: net_with(path, step))
    moved = settle({**shares, giver: shares[giver] - step, taker: shares[taker] + step})
    return moved if moved is not None and moved.net_out > best.net_out else None


def _in_lots(path: Path, amount_in: int) -> int:
    """What of this amount the path can take: a book trades whole lots only."""
    edge = path[0]
    return edge.market.whole_lots(edge.token_in, amount_in) if isinstance(edge, BookEdge) else amount_in


def _in_whole_lots(
    split: Allocation, paths: Sequence[Path], settle: Callable[[Mapping[Path, int]], Allocation | None]
) -> Allocation | None:
    """The same split with every book's share cut to whole lots, the cut going to the largest other path.

    Where a book took everything, the cut goes to whichever path does most with it; one too small for any path is made
    a thousandth of the order.
    """
    shares = dict(split.paths)
    books = [path for path in shares if isinstance(path[0], BookEdge)]
    if not books:
        return split  # settled without books, lots or not, it is the same
    for path in books:
        shares[path] = _in_lots(path, shares[path])
    cut = split.amount_in - sum(shares.values())
    others = [path for path in shares if path not in books]
    if not cut:
        return settle(shares)
    if others:
        largest = max(others, key=lambda path: shares[path])
        return settle({**shares, largest: shares[largest] + cut})
    spare = [path for path in paths if not isinstance(path[0], BookEdge)]
    tried = [settle({**shares, path: cut}) for path in spare]
    if not any(tried):
        book = max(books, key=lambda path: shares[path])
        kept = _in_lots(book, shares[book] - split.amount_in // 1000)
        tried = [settle({**shares, book: kept, path: cut + shares[book] - kept}) for path in spare]
    return max((found for found in tried if found is not None), key=lambda a: a.net_out, default=None)


def _without(shares: dict[Path, int], dropped: Path) -> dict[Path, int]:
    """The other paths, scaled up to the same total; the largest takes the rounding."""
    total = sum(shares.values())
    kept = {path: share for path, share in shares.items() if path != dropped}
    scaled = {path: share * total // sum(kept.values()) for path, share in kept.items()}
    largest = max(scaled, key=lambda path: scaled[path])
    scaled[largest] += total - sum(scaled.values())
    return scaled


def _settle_or_none(
    market: Market, shares: Mapping[Path, int], gas_cost: GasCost, *, lots: bool = True
) -> Allocation | None:
    try:
        return settle(market, shares, gas_cost=gas_cost, lots=lots)
    except QuoteRefused:
        return None


def settle(market: Market, shares: Mapping[Path, int], *, gas_cost: GasCost, lots: bool = True) -> Allocation:
    """Simulate an allocation exactly as the executor runs it: legs merged by edge, tokens in topological order.

    Raises `QuoteRefused` when a leg would revert or the paths' token orders contradict each other.
    """
    shares = {path: share for path, share in shares.items() if share > 0}
    order = _token_order(shares)
    weights: dict[Address, dict[Edge, int]] = defaultdict(dict)
    estimates: dict[Edge, int] = defaultdict(int)
    for path, share in shares.items():
        for edge in path:
            estimates[edge] += share
            weights[edge.token_in][edge] = estimates[edge]
    source = order[0]
    amount_in = sum(shares.values())
    held: dict[Address, int] = dict.fromkeys(order, 0)
    held[source] = amount_in
    states = dict(market.states)
    legs: list[LegFill] = []
    for token in order:
        for edge, spend, exact in _spends(weights.get(token, {}), is_source=token == source):
            amount = spend.amount(held[token], exact)
            done: Fill = fill(edge, states[edge.state_id], amount, lots=lots)
            states[edge.state_id] = done.next_state
            held[token] -= amount
            held[edge.token_out] += done.amount_out
            legs.append(LegFill(edge, spend, amount, done.amount_out, done.gas))
    on_chain = any(not isinstance(leg.edge, BookEdge) for leg in legs)
    gas = sum(leg.gas for leg in legs) + (TRANSACTION_GAS if on_chain else 0)
    amount_out = held[order[-1]]
    legs.sort(key=lambda leg: isinstance(leg.edge, BookEdge))
    return Allocation(tuple(legs), amount_in, amount_out, gas, amount_out - gas_cost.of(gas), tuple(shares.items()))


def _spends(weights: Mapping[Edge, int], *, is_source: bool) -> Iterable[tuple[Edge, Spend, int]]:
    """How each leg out of one token measures its input: exact amounts at the source, shares of the rest after it.

    The last on-chain leg takes the rest, so that nothing is left behind; a book's amount is exact and comes first.
    """
    books = [(edge, weight) for edge, weight in weights.items() if isinstance(edge, BookEdge)]
    chain = [(edge, weight) for edge, weight in weights.items() if not isinstance(edge, BookEdge)]
    for book, weight in books:
        yield book, Spend(SpendKind.EXACT), weight
    remaining = sum(weight for _, weight in chain)
    for index, (edge, weight) in enumerate(chain):
        if index == len(chain) - 1:
            yield edge, Spend(SpendKind.REST), 0
        elif is_source:
            yield edge, Spend(SpendKind.EXACT), weight
        else:
            yield edge, Spend(SpendKind.SHARE, SHARE_DENOMINATOR * weight // remaining), 0
        remaining -= weight


def _token_order(paths: Iterable[Path]) -> list[Address]:
    """Tokens from the source to the target such that every leg points forward. Raises `QuoteRefused` on a cycle."""
    after: dict[Address, set[Address]] = defaultdict(set)
    tokens: dict[Address, None] = {}
    target: Address | None = None
    for path in paths:
        target = path[-1].token_out
        nodes = [path[0].token_in, *(edge.token_out for edge in path)]
        tokens.update(dict.fromkeys(nodes))
        for earlier, later in pairwise(nodes):
            after[later].add(earlier)
    order: list[Address] = []
    while len(order) < len(tokens):
        ready = [t for t in tokens if t not in order and after[t] <= set(order)]
        if not ready:
            raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "the paths would trade in a circle")
        order += ready
    if target is not None:
        order.remove(target)
        order.append(target)
    return order


def split_for_output(
    market: Market, token_in: Address, token_out: Address, amount_out: int, *, gas_cost: GasCost, max_hops: int
) -> Allocation:
    """The cheapest input found, gas counted, that pays at least `amount_out`. Raises `QuoteRefused` when none does.

    Twice: split the input that seems to be needed, then scale that split until it pays just enough.
    """
    found = _singles_for(market, token_in, token_out, amount_out, gas_cost, max_hops)
    guess = min(found, key=_cost).amount_in if found else None
    for _ in range(2):
        try:
            if guess is None:
                split = _enough_for(market, token_in, token_out, amount_out, gas_cost=gas_cost, max_hops=max_hops)
            else:
                split = best_split(market, token_in, token_out, guess, gas_cost=gas_cost, max_hops=max_hops)
            scaled = _scaled_to(market, split, amount_out, gas_cost)
        except QuoteRefused:
            if found:
                break
            raise
        if scaled is None:
            break
        found.append(scaled)
        guess = scaled.amount_in
    if not found:
        raise QuoteRefused(
            Refusal.INSUFFICIENT_LIQUIDITY, "the amount is beyond the liquidity known here; ask for less"
        )
    return min(found, key=_cost)


def _scaled_to(market: Market, split: Allocation, amount_out: int, gas_cost: GasCost) -> Allocation | None:
    """The split in the same proportions, with the least total that pays `amount_out`; `None` where none does."""

    def at(total: int) -> Allocation | None:
        return _settle_or_none(market, _in_proportion(split, total), gas_cost, lots=False)

    low, high = 0, split.amount_in
    best = at(high)
    for _ in range(40):
        if best is None or best.amount_out >= amount_out:
            break
        low, high = high, high * (amount_out + amount_out // 500 + 1) // best.amount_out + 1
        best = at(high)
    if best is None or best.amount_out < amount_out:
        return None
    for step in range(MAX_NARROWINGS):
        if high - low <= max(1, high >> 40):
            break
        middle = (
            (low + high) // 2
            if step % 3 == 2
            else high - (high - low) * (best.amount_out - amount_out) // best.amount_out
        )
        middle = min(max(middle, low + 1), high - 1)
        trial = at(middle)
        if trial is not None and trial.amount_out >= amount_out:
            best, high = trial, middle
        else:
            low = middle
    return _enough_in_lots(market, best, amount_out, gas_cost)


def _in_proportion(split: Allocation, total: int) -> dict[Path, int]:
    """The split's shares scaled to `total`; the largest takes the rounding."""
    shares = {path: share * total // split.amount_in for path, share in split.paths}
    largest = max(shares, key=lambda path: shares[path])
    shares[largest] += total - sum(shares.values())
    return shares


def _enough_in_lots(market: Market, split: Allocation, amount_out: int, gas_cost: GasCost) -> Allocation | None:
    """The split with its books in whole lots, raised a little where the cut made it fall short."""
    if not any(isinstance(path[0], BookEdge) for path, _ in split.paths):
        return split

    def exact(shares: Mapping[Path, int]) -> Allocation | None:
        return _settle_or_none(market, shares, gas_cost)

    paths = [path for path, _ in split.paths]
    total = split.amount_in
    for _ in range(20):
        raised = _settle_or_none(market, _in_proportion(split, total), gas_cost, lots=False)
        snapped = None if raised is None else _in_whole_lots(raised, paths, exact)
        if snapped is not None and snapped.amount_out >= amount_out:
            return snapped
        total += max(1, total // 10**5)
    return None


def _cost(allocation: Allocation) -> Fraction:
    """Input and gas together, in base units of the input at the allocation's own price."""
    gas = allocation.amount_out - allocation.net_out
    return allocation.amount_in * (1 + Fraction(gas, max(1, allocation.amount_out)))


def _singles_for(
    market: Market, token_in: Address, token_out: Address, amount_out: int, gas_cost: GasCost, max_hops: int
) -> list[Allocation]:
    """Each single path with the least input that pays `amount_out`: the floor under any split."""
    found = []
    guess = first_guess(market, token_in, token_out, amount_out, max_hops=max_hops)
    for path in promising(market, candidate_paths(market, token_in, token_out, max_hops=max_hops), guess):
        try:
            amount_in = _in_lots(path, input_for(market.states, path, amount_out))
        except QuoteRefused:
            continue
        single = _settle_or_none(market, {path: amount_in}, gas_cost)
        if single is not None and single.amount_out >= amount_out:
            found.append(single)
    return found


def _enough_for(
    market: Market, token_in: Address, token_out: Address, amount_out: int, *, gas_cost: GasCost, max_hops: int
) -> Allocation:
    """Some split that pays `amount_out` or more: doubled from the best price for a small amount."""
    guess = first_guess(market, token_in, token_out, amount_out, max_hops=max_hops)
    for _ in range(40):
        try:
            found = best_split(market, token_in, token_out, guess, gas_cost=gas_cost, max_hops=max_hops)
        except QuoteRefused as refused:
            raise QuoteRefused(
                Refusal.INSUFFICIENT_LIQUIDITY, "the amount is beyond the liquidity known here; ask for less"
            ) from refused
        if found.amount_out >= amount_out:
            return found
        shortfall_ratio = amount_out * 1_001 // max(1, found.amount_out)
        guess = guess * min(max(shortfall_ratio, 1_001), 2_000) // 1_000 + 1
    raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "the amount is beyond the liquidity known here; ask for less")


def first_guess(market: Market, token_in: Address, token_out: Address, amount_out: int, *, max_hops: int) -> int:
    """The input that the best path would need if its price held, from doubling trial amounts."""
    paths = candidate_paths(market, token_in, token_out, max_hops=max_hops)
    probe, best_in = 1, None
    for _ in range(128):
        out = max((_output(market.states, path, probe) for path in paths), default=0)
        if out > 0:
            best_in = max(1, probe * amount_out // out)
            if out * 4 >= amount_out:
                return best_in
        elif best_in is not None:
            return best_in
        probe *= 2
    if best_in is None:
        raise QuoteRefused(Refusal.NO_PATH, "nothing joins the two tokens on the chosen venues; widen --venues")
    return best_in
