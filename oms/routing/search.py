"""Which edges an order should use, and how much each: an active set grown by best-rate labels, balanced by prices.

Owns: one order's search over a prepared market, in floats. Must not: round, settle, or judge gas.

A round prices the market as the flows so far leave it, finds every edge on a path (of at most so many hops) that beats
the order's own marginal rate, adds the best of them, and balances all anew. When no edge is left that beats it, the
split is the optimum of the convex relaxation over such paths. Tokens in play stay in an order in which a settlement can
visit them: an edge that would close a circle is left out.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from oms.liquidity.price_response import NEVER, Piece, PriceResponse
from oms.routing.edge_table import EdgeTable, Floats
from oms.routing.equilibrium import Arc, Flow

MAX_ROUNDS = 16
MAX_NEW_EDGES = 24
CHUNKS = (0.25, 0.03, 0.004, 0.0005)
"""Shares of the order with which paths are tried: one that cannot sell even the least is worth nothing to it."""
WORTH = 1e-6
"""By how much (log of the rate) a path must beat the order's marginal rate for a chunk: 0.01 bps of the chunk."""
_LARGEST_RATE = 600.0
UNFILLED = 1e-7
"""Share of an order that may be left over by a solution that fills it."""
NEARLY = 0.02
"""Share that may be left over by a solution worth trying in whole numbers: an order that drains all settles badly."""
UNSETTLED = 1e-6
"""Imbalance of a token, as a share of the order, that is more than the solver's last digits."""
SERVED = 0.01
"""Share of a sale that may be left over if it is worth next to nothing at the marginal price."""
NEGLIGIBLE = 1e-9
"""Share of the order below which a flow is the solver's noise."""
_UNFILLED_SLACK = -40.0
"""Log price of the stopgap that takes what no venue takes: e**-40 of the best."""


def never() -> bool:
    """For a search without a budget."""
    return False


@dataclass(frozen=True, slots=True)
class Balance:
    """A split in floats: edges by number with their flows, and the log prices of the tokens in play.

    `level` is the order's marginal rate (log of output per input); `unfilled` the share of the order that nobody takes.
    `log_prices` are those of all edges after these flows.
    """

    target: int
    flows: dict[int, Flow]
    bases: dict[int, float]
    shifts: dict[int, float]
    level: float
    unfilled: float
    log_prices: Floats
    amount_in: float
    amount_out: float


class Search:
    """One order's search. `amount` is base units given, or wanted if `buying`."""

    def __init__(
        self,
        market: EdgeTable,
        source: int,
        target: int,
        amount: float,
        *,
        max_hops: int,
        buying: bool = False,
        is_over: Callable[[], bool] = never,
    ) -> None:
        """Tokens by number; nothing is computed yet."""
        self.market, self.source, self.target = market, source, target
        self.amount, self.max_hops, self.buying, self.is_over = amount, max_hops, buying, is_over
        self.open_prices = market.log_prices.copy()
        self.open_prices[[n for n in market.ends_only if not self._joins(n)]] = NEVER

    def _joins(self, number: int) -> bool:
        """Whether an edge joins the two ends itself, as one must that cannot stand in a chain."""
        return bool(self.market.sources[number] == self.source and self.market.targets[number] == self.target)

    def optimum(self, banned: Iterable[int] = ()) -> Balance | None:
        """The best split without regard to gas; `None` where no path joins the two tokens."""
        usable = self.open_prices.copy()
        usable[list(banned)] = NEVER
        first = self.first_path(self.sized(usable, 1.0)) or self.first_path(usable) or self.pushed_path()
        if not first:
            return None
        return self.grown(self.balanced(first), usable)

    def optima(self, near: Iterable[int] = ()) -> list[Balance]:
        """Optima from several first sets of edges, the best first: where circles pay, one may lead to a poor corner.

        `near` are the edges of a split that is good for the market without its circles.
        """
        prices = self.open_prices
        seeds = [self.first_path(self.sized(prices, share)) for share in (1.0, *CHUNKS)]
        seeds += [self.first_path(prices), self.pushed_path(), tuple(near)]
        found: list[Balance] = []
        for seed in dict.fromkeys(seeds):
            if seed and not (found and self.is_over()):
                found.append(self.grown(self.balanced(seed), prices.copy()))
        filled = [balance for balance in found if balance.flows and balance.unfilled < NEARLY]
        return sorted(filled, key=lambda each: each.amount_in if self.buying else -each.amount_out)

    def first_path(self, log_prices: Floats) -> tuple[int, ...]:
        """The best path at these prices that comes by nothing twice; where circles pay, labels alone may offer one."""
        path = tuple(self.best_path(log_prices))
        if path and self._is_path(path):
            return path
        return next(iter(self.best_paths(log_prices, 1)), ())

    def expected_out(self) -> float:
        """About what the order brings, in base units of the output, by the market's deep prices."""
        if self.buying:
            return self.amount
        values = self.market.log_values
        source, target = float(values[self.source]), float(values[self.target])
        if not (math.isfinite(source) and math.isfinite(target) and source - target < _LARGEST_RATE):
            return self.amount
        return self.amount * math.exp(source - target)

    def sized(self, log_prices: Floats, share: float) -> Floats:
        """About the average log price of each edge for this share of the order's value."""
        given = float(self.market.log_values[self.target if self.buying else self.source])
        return log_prices + self.market.discounts(math.log(self.amount * share) + given)

    def grown(self, balance: Balance, usable: Floats) -> Balance:
        """Add edges that beat the marginal rate, and balance, until none does for any chunk of the order."""
        rounds = 0
        for chunk in CHUNKS:
            left_out: set[int] = set()
            while rounds < MAX_ROUNDS and not self.is_over():
                new = [number for number in self._better(balance, usable, chunk) if number not in left_out]
                used = list(balance.flows)
                accepted = self.market.in_order(used, new)
                left_out.update(set(new).difference(accepted))
                if not accepted:
                    break
                rounds += 1
                before, balance = balance, self.balanced(used + accepted, near=balance)
                if self._is_worse(balance, before):  # prices that did not settle, where circles pay
                    balance = before
                    break
                left_out.update(number for number in accepted if number not in balance.flows)
                if abs(self._result(balance) / self._result(before) - 1.0) < WORTH * chunk and before.unfilled < 1e-9:
                    break
        return balance

    def _is_worse(self, balance: Balance, before: Balance) -> bool:
        """Whether more edges brought less, or filled less."""
        if balance.unfilled > before.unfilled + UNFILLED:
            return True
        if before.unfilled > UNFILLED:
            return False
        less = self._result(balance) < self._result(before) * (1.0 - 1e-6)
        return (self._result(balance) > self._result(before) * (1.0 + 1e-6)) if self.buying else less

    def _result(self, balance: Balance) -> float:
        return (balance.amount_in if self.buying else balance.amount_out) or 1.0

    def balanced(self, edges: Iterable[int], near: Balance | None = None) -> Balance:
        """The best split over exactly these edges."""
        market = self.market
        numbers = list(dict.fromkeys(edges))
        known, begun = self._bases(numbers, near)
        through = self._through_edges(numbers)
        local = {token: place for place, token in enumerate(known)}
        bases = list(known.values())
        start = [begun.get(token, 0.0) for token in known]
        source, target = local[self.source], local[self.target]
        arcs = []
        for number in through:
            tail, head = local[int(market.sources[number])], local[int(market.targets[number])]
            arcs.append(market.arc(number, tail, head, bases))
        scale = self.amount * math.exp(bases[target if self.buying else source])
        stopgap_slack = _UNFILLED_SLACK + self._first_slack(arcs, source)
        arcs.append(Arc(source, target, stopgap_slack, _stopgap(bases[source] - bases[target], self.amount)))
        supplies = {target: -self.amount} if self.buying else {source: self.amount}
        joined = {arc.tail for arc in arcs} | {arc.head for arc in arcs}
        fixed = frozenset({source if self.buying else target}.union(set(local.values()).difference(joined)))
        solved = market.solve(arcs, bases, supplies=supplies, fixed=fixed, scale=scale, shifts=start)
        after = market.log_prices.copy()
        flows = {}
        least = NEGLIGIBLE * scale
        for number, arc, flow in zip(through, arcs, solved.flows, strict=False):
            if flow.amount_in * math.exp(bases[arc.tail]) > least:
                flows[number] = flow
                after[number] -= flow.fall
        shifts = {token: solved.shifts[place] for token, place in local.items()}
        self._price_dead_ends(set(numbers).difference(through), known, shifts, {t for t in local if local[t] in joined})
        end = target if self.buying else source
        served = sum(
            flow.amount_out if self.buying else flow.amount_in
            for arc, flow in zip(arcs[:-1], solved.flows, strict=False)
            if (arc.head if self.buying else arc.tail) == end
        )
        stopgap = solved.flows[-1]
        unfilled = (stopgap.amount_out if self.buying else stopgap.amount_in) / self.amount
        missing = 1.0 - served / self.amount
        if not self.buying and missing < SERVED:  # by what it is worth: the last of a sale that drains is worth nothing
            missing *= math.exp(min(0.0, solved.shifts[source] - start[source]))
        for lacking in (missing, solved.imbalance):  # more than the stopgap's where Newton gave up
            unfilled = max(unfilled, min(1.0, lacking)) if lacking > UNSETTLED else unfilled
        return Balance(
            self.target,
            flows,
            known,
            shifts,
            known[self.source] - known[self.target] + (shifts[self.source] - shifts[self.target]),
            unfilled,
            after,
            sum(flow.amount_in for number, flow in flows.items() if market.sources[number] == self.source),
            sum(flow.amount_out for number, flow in flows.items() if market.targets[number] == self.target),
        )

    def _through_edges(self, numbers: list[int]) -> list[int]:
        """Those edges that lead on: a token that nothing leaves, or that nothing reaches, carries no flow."""
        ends = [(n, int(self.market.sources[n]), int(self.market.targets[n])) for n in numbers]
        while True:
            tails = {tail for _, tail, _ in ends} | {self.target}
            heads = {head for _, _, head in ends} | {self.source}
            kept = [entry for entry in ends if entry[2] in tails and entry[1] in heads]
            if len(kept) == len(ends):
                return [number for number, _, _ in ends]
            ends = kept

    def _price_dead_ends(
        self, numbers: Iterable[int], bases: dict[int, float], shifts: dict[int, float], priced: set[int]
    ) -> None:
        """Prices at which the edges of dead ends just don't trade, from the tokens that have one outwards."""
        market = self.market
        left = [(int(market.sources[n]), int(market.targets[n]), float(market.log_prices[n])) for n in numbers]
        found: dict[int, float] = {}
        for tail, head, price in left:
            if tail in priced and head not in priced:
                found[head] = min(found.get(head, math.inf), bases[tail] + shifts[tail] - price)
        for tail, head, price in left:
            if head in priced and tail not in priced and tail not in found:
                found[tail] = bases[head] + shifts[head] + price
        for token, value in found.items():
            shifts[token] = value - bases[token]

    def best_path(self, log_prices: Floats) -> list[int]:
        """The edges of the path with the best rate at these prices; empty where there is none."""
        return self._onward(log_prices, self._labels_to_target(log_prices), self.source, self.max_hops)

    def pushed_path(self) -> tuple[int, ...]:
        """The path that brings most for the whole order, pushed edge by edge through every token that it reaches.

        Slower than labels, and right where the order moves prices so far that values say nothing: a few ms.
        """
        market = self.market
        arrived: dict[int, tuple[float, tuple[int, ...]]] = {self.source: (self.amount, ())}
        best: tuple[float, tuple[int, ...]] = (0.0, ())
        for _ in range(self.max_hops):
            amounts = np.zeros(len(market.tokens))
            for token, (amount, _path) in arrived.items():
                amounts[token] = amount
            sold = market.sold(np.where(self.open_prices > NEVER, amounts[market.sources], 0.0))
            reached: dict[int, tuple[float, tuple[int, ...]]] = {}
            bringing = np.flatnonzero(sold > 0.0)
            for number in bringing[np.argsort(-sold[bringing], kind="stable")].tolist():
                head = int(market.targets[number])
                path = (*arrived[int(market.sources[number])][1], number)
                if head not in reached and self._is_start(path):
                    reached[head] = float(sold[number]), path
            best = max(best, reached.pop(self.target, best))
            arrived = reached
        return best[1]

    def _is_start(self, path: tuple[int, ...]) -> bool:
        market = self.market
        tokens = {int(market.sources[number]) for number in path}
        last = int(market.targets[path[-1]])
        return last not in tokens and len({market.edges[number].state_id for number in path}) == len(path)

    def best_paths(
        self, log_prices: Floats, count: int, *, hops: Sequence[int] | None = None, above: float = NEVER
    ) -> list[tuple[int, ...]]:
        """Different paths with good rates at these prices: those through the edges with the best rates, `above` one.

        A walk that takes a circle on its way is no path. Where circles pay, ask for fewer `hops` as well; so many paths
        are found for each, best first.
        """
        behind, ahead = self._labels_from_source(log_prices), self._labels_to_target(log_prices)
        found: dict[tuple[int, ...], None] = {}
        for most in hops or (self.max_hops,):
            found |= dict.fromkeys(self._paths(log_prices, behind, ahead, most, count=count, above=above))
        return list(found)

    def _paths(
        self, log_prices: Floats, behind: Floats, ahead: Floats, most: int, *, count: int, above: float
    ) -> list[tuple[int, ...]]:
        market = self.market
        found: dict[tuple[int, ...], None] = {}
        best, places = market.through(log_prices, behind, ahead, most)
        worth = np.flatnonzero(best > above)
        for place in _largest(best[worth], count * most * 2):
            if len(found) >= count:
                break
            number = int(worth[place])
            before = int(places[number])
            start = self._backward(log_prices, behind, int(market.sources[number]), before)
            rest = self._onward(log_prices, ahead, int(market.targets[number]), most - 1 - before)
            path = (*start, number, *rest)
            if self._is_path(path):
                found[path] = None
        return list(found)

    def _is_path(self, path: tuple[int, ...]) -> bool:
        """Whether it joins the two ends and comes by no token and no state twice."""
        market = self.market
        tokens = [int(market.sources[number]) for number in path]
        states = {market.edges[number].state_id for number in path}
        joined = tokens[0] == self.source and int(market.targets[path[-1]]) == self.target
        return joined and len(set(tokens)) == len(tokens) == len(states) and self.target not in tokens

    def _onward(self, log_prices: Floats, labels: Floats, token: int, hops: int) -> list[int]:
        path: list[int] = []
        market = self.market
        for left in range(hops, 0, -1):
            if token == self.target:
                break
            leaving = market.leaving(token)
            rates = (
                log_prices[leaving.start : leaving.stop]
                + labels[left - 1][market.targets[leaving.start : leaving.stop]]
            )
            if not len(rates):
                return []
            chosen = int(rates.argmax())
            if rates[chosen] == NEVER:
                return []
            path.append(leaving.start + chosen)
            token = int(market.targets[path[-1]])
        return path if token == self.target else []

    def _backward(self, log_prices: Floats, labels: Floats, token: int, hops: int) -> list[int]:
        path: list[int] = []
        market = self.market
        for left in range(hops, 0, -1):
            if token == self.source:
                break
            arriving = market.arriving(token)
            rates = log_prices[arriving] + labels[left - 1][market.sources[arriving]]
            if not len(rates) or rates.max() == NEVER:
                return []
            path.append(int(arriving[int(rates.argmax())]))
            token = int(market.sources[path[-1]])
        return path[::-1] if token == self.source else []

    def _labels_to_target(self, log_prices: Floats) -> Floats:
        return self.market.labels(log_prices, self.target, self.source, self.max_hops, onward=False)

    def _labels_from_source(self, log_prices: Floats) -> Floats:
        return self.market.labels(log_prices, self.source, self.target, self.max_hops, onward=True)

    def through(self, log_prices: Floats) -> Floats:
        """For each edge, the best rate of any walk of at most `max_hops` through it."""
        behind, ahead = self._labels_from_source(log_prices), self._labels_to_target(log_prices)
        return self.market.through(log_prices, behind, ahead, self.max_hops)[0]

    def _better(self, balance: Balance, usable: Floats, chunk: float) -> list[int]:
        """Edges not in use on a path that sells a chunk for more than the marginal rate, best first."""
        return self.beating(self.sized(np.where(usable > NEVER, balance.log_prices, NEVER), chunk), balance)

    def beating(self, prices: Floats, balance: Balance) -> list[int]:
        """Edges not in use on a path that has a better rate at these prices than the balance's marginal one."""
        better_by = self.through(prices) - balance.level
        beating = np.flatnonzero(better_by > WORTH)
        beating = beating[np.argsort(-better_by[beating], kind="stable")]
        new = [number for number in beating.tolist() if number not in balance.flows]
        return new[:MAX_NEW_EDGES]

    def _bases(self, numbers: list[int], near: Balance | None) -> tuple[dict[int, float], dict[int, float]]:
        """Log values from which shifts are counted, and the shifts to start from.

        Along the first path, whose edges so start at a fall of exactly zero; a token that comes later starts at the
        price of the edge that brings it in.
        """
        market = self.market
        ends = [(number, int(market.sources[number]), int(market.targets[number])) for number in numbers]
        bases, shifts = {self.target: 0.0}, {self.target: 0.0}
        if near is not None:
            touched = {token for _, *tokens in ends for token in tokens} | {self.source, self.target}
            bases = {token: value for token, value in near.bases.items() if token in touched}
            shifts = {token: near.shifts[token] for token in bases}
        backwards = ends[::-1] if near is None else ends
        found = -1
        while found != len(bases):
            found = len(bases)
            for number, tail, head in backwards:
                if head in bases and tail not in bases:
                    bases[tail], shifts[tail] = float(market.log_prices[number]) + bases[head], shifts.get(head, 0.0)
        for number, tail, head in ends:  # a token from which nothing leads on yet
            bases.setdefault(tail, 0.0)
            if head not in bases:
                bases[head] = bases[tail] - float(market.log_prices[number])
                shifts[head] = shifts.get(tail, 0.0)
        bases.setdefault(self.source, 0.0)
        return bases, shifts

    def _first_slack(self, arcs: list[Arc], source: int) -> float:
        return max((arc.slack for arc in arcs if arc.tail == source), default=0.0)


def _largest(values: Floats, count: int) -> list[int]:
    """Places of the largest values, largest first, equal ones in order."""
    found = np.arange(len(values))
    if count < len(values):
        found = np.flatnonzero(values >= np.partition(values, len(values) - count)[len(values) - count])
    return [int(place) for place in found[np.argsort(-values[found], kind="stable")][:count]]


def _stopgap(log_rate: float, amount: float) -> PriceResponse:
    """Takes any amount at next to nothing, so that prices exist for an order that the venues cannot fill."""
    rate = amount * 1e3
    return PriceResponse(
        log_rate, [Piece(0.0, 50.0, 0.0, 0.0, rate / 1e-9, rate * math.exp(log_rate + _UNFILLED_SLACK), 1e-9, 1.0)]
    )
