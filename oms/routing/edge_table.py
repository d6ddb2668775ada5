"""The market as arrays for searching: tokens numbered, edges in order of their input, responses on demand.

Owns: the index by asset, the vectorised best-rate labels, and replacing what a block changed.
Must not: choose a route, or hold anything of one order.

A label is the logarithm of the best marginal rate from a token to a target over at most so many edges: Bellman-Ford on
logarithms, one `maximum.reduceat` a hop. On 1,000 pools a hop takes about 15 us.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from typing import Self

import numpy as np
import numpy.typing as npt

from oms.liquidity.listing import ListedPool
from oms.liquidity.price_response import NEAR_FALL, NEVER, PriceResponse, depth
from oms.liquidity.weighted import WeightedPool
from oms.routing.edge_response import edge_gas, edge_kink_gas, edge_response
from oms.routing.equilibrium import Arc, Prices, equilibrium
from oms.routing.market import BookEdge, Edge, LadderEdge, Market, PoolEdge, initial_states
from oms.units import Address

Floats = npt.NDArray[np.float64]
Indexes = npt.NDArray[np.intp]


class EdgeTable:
    """Edges and tokens by number. An edge's number is its place in `edges`; a token's is its place in `tokens`.

    `with_pools` keeps the responses of the pools that did not change.
    """

    def __init__(self, edges: Sequence[Edge], responses: Sequence[PriceResponse]) -> None:
        """Use `of`; this takes edges in order of their input token, with their responses."""
        self.edges = tuple(edges)
        self._responses = list(responses)
        self.log_prices = np.array([response.log_price for response in responses])
        self.depths = np.array([depth(response) for response in responses])
        self._closed = np.array([_closed_form(response) for response in responses]).reshape(len(responses), 8)
        self.tokens: tuple[Address, ...] = tuple(
            dict.fromkeys([edge.token_in for edge in edges] + [edge.token_out for edge in edges])
        )
        self.index: Mapping[Address, int] = {token: number for number, token in enumerate(self.tokens)}
        self.sources: Indexes = np.array([self.index[edge.token_in] for edge in edges], dtype=np.intp)
        self.targets: Indexes = np.array([self.index[edge.token_out] for edge in edges], dtype=np.intp)
        self.hub = int(np.bincount(self.sources).argmax()) if edges else 0
        """The token that most edges sell: the coin of most chains."""
        self.is_pool = np.array([isinstance(edge, PoolEdge) for edge in edges], dtype=np.bool_)
        self.ends_only = [n for n, edge in enumerate(edges) if isinstance(edge, BookEdge | LadderEdge)]
        self.gas: Floats = np.array([edge_gas(edge) for edge in edges], dtype=np.float64)
        self.kink_gas: Floats = np.array([edge_kink_gas(edge) for edge in edges], dtype=np.float64)
        self.states: Mapping[str, object] = initial_states(edges)
        self._leaving = _Grouping(self.sources)
        self._arriving = _Grouping(self.targets)
        self._siblings: dict[str, list[int]] | None = None
        self._values: Floats | None = None
        self._tree: tuple[tuple[int, int], ...] | None = None
        self._roots: Indexes | None = None
        self._shared: SharedPools | None = None
        self._discounts: dict[int, Floats] = {}

    @classmethod
    def of(cls, edges: Iterable[Edge]) -> Self:
        """Prepare edges; those that cannot trade at all stay, with a price of nothing."""
        kept = list(edges)
        numbers: dict[Address, int] = {}
        for edge in kept:
            numbers.setdefault(edge.token_in, len(numbers))
        kept.sort(key=lambda edge: numbers[edge.token_in])
        return cls(kept, [edge_response(edge) for edge in kept])

    def with_pools(self, changed: Mapping[str, ListedPool]) -> Self:
        """The market after a block: the pools named by id replaced, all else kept as it is."""
        edges, responses, states = list(self.edges), list(self._responses), dict(self.states)
        after = copy(self)
        after.log_prices, after.depths = self.log_prices.copy(), self.depths.copy()
        after._closed = self._closed.copy()
        for pool_id, listed in changed.items():
            for number in self._numbers_of(pool_id):
                edge = edges[number]
                if isinstance(edge, PoolEdge):
                    edges[number] = replace(edge, listed=listed)
                    responses[number] = edge_response(edges[number])
                    after.log_prices[number], after.depths[number] = (
                        responses[number].log_price,
                        depth(responses[number]),
                    )
                    after._closed[number] = _closed_form(responses[number])
                    states[pool_id] = listed.pool
        after.edges, after.states, after._responses = tuple(edges), states, responses
        after._values, after._tree, after._roots, after._discounts = None, None, None, {}
        after._shared = None
        return after

    def discounts(self, log_value: float) -> Floats:
        """About how far below its first price (log) each edge sells this much value on average.

        The value is the log of base units of the hub, rounded down to a sixth. Beyond what an edge takes, what it
        pays at most counts for all of the value.
        """
        key = math.floor(log_value * _STEPS_OF_SIZE) if math.isfinite(log_value) else _MOST
        known = self._discounts.get(key)
        if known is None:
            with np.errstate(over="ignore", invalid="ignore"):
                asked = np.nan_to_num(np.exp(key / _STEPS_OF_SIZE - self.log_values[self.sources]), nan=math.inf)
            known = self._discounts[key] = self._discounts_of(asked)
        return known

    def _discounts_of(self, amounts: Floats) -> Floats:
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            near = -np.log1p(amounts / self.depths)
            far_out = amounts > self.depths * _NEAR
            too_much = amounts > self._closed[:, _CAPACITY]
            sold = np.where(too_much, self._closed[:, _CAPACITY + 1], self.sold(np.where(far_out, amounts, 0.0)))
            near[far_out] = np.log(sold[far_out] / amounts[far_out]) - self.log_prices[far_out]
        near[np.isnan(near)] = NEVER
        discounts: Floats = near
        return discounts

    @property
    def market(self) -> Market:
        """The plain market of the same edges."""
        return Market(self.edges, self.states)

    def response(self, number: int) -> PriceResponse:
        """The response of edge `number`."""
        return self._responses[number]

    @property
    def log_values(self) -> Floats:
        """Log value of each token in base units of the hub's, along the deepest edges; `NEVER` for what joins nothing.

        Deepest first, as Prim's tree grows, so that a pool with dust in it prices nothing that a real one prices.
        """
        if self._values is None:
            self._grow()
        return self._values if self._values is not None else np.full(len(self.tokens), NEVER)

    @property
    def shared(self) -> "SharedPools":
        """Weighted pools of several tokens, whose pairs share balances."""
        if self._shared is None:
            self._shared = SharedPools.of(self.edges, self.index)
        return self._shared

    @property
    def scale(self) -> float:
        """A millionth of what all venues hold near their prices, in base units of the hub: what imbalances mean."""
        with np.errstate(over="ignore", invalid="ignore"):
            held = self.depths * np.exp(self.log_values[self.sources])
        return 1e-6 * float(held[np.isfinite(held)].sum()) or 1.0

    def _grow(self) -> None:
        """Prim's tree of the deepest edges from the hub, then from a token of each part that the hub does not reach."""
        size = len(self.tokens)
        values, roots = np.full(size, NEVER), np.arange(size)
        branches: list[tuple[float, int, int]] = []
        for root in (self.hub, *range(size)) if size else ():
            reached: list[tuple[float, int, float, int]] = [(-math.inf, root, 0.0, -1)] if values[root] == NEVER else []
            while reached:
                negative_depth, token, value, parent = heappop(reached)
                if values[token] > NEVER:
                    continue
                values[token], roots[token] = value, root
                if parent >= 0:
                    branches.append((negative_depth, parent, token))
                for number in self.leaving(token):
                    head, price, depth = int(self.targets[number]), self._mid_price(number), self.depths[number]
                    if values[head] == NEVER and price > NEVER and depth > 0.0:
                        heappush(reached, (-math.log(depth) - value, head, value - price, token))
        self._values, self._roots = values, roots
        self._tree = tuple((one, other) for _, one, other in sorted(branches))

    def _mid_price(self, number: int) -> float:
        """The log price between an edge's and its opposite's on the same pool, where it has one."""
        price = float(self.log_prices[number])
        tail, head = self.sources[number], self.targets[number]
        for other in self.siblings(number):
            if self.sources[other] == head and self.targets[other] == tail and self.log_prices[other] > NEVER:
                return (price - float(self.log_prices[other])) / 2.0
        return price

    @property
    def roots(self) -> Indexes:
        """For each token, that in whose base units its value is: the hub, or one of its own part of the market."""
        if self._roots is None:
            self._grow()
        return self._roots if self._roots is not None else np.arange(len(self.tokens))

    @property
    def tree(self) -> tuple[tuple[int, int], ...]:
        """Pairs of tokens that join all of them by the deepest edges, deepest first."""
        if self._tree is None:
            self._grow()
        return self._tree or ()

    def falls(self, log_values: Floats) -> Floats:
        """By how much the log price of each edge beats these values; minus infinity where a token has none."""
        with np.errstate(invalid="ignore"):
            falls = self.log_prices + log_values[self.targets] - log_values[self.sources]
        found: Floats = np.nan_to_num(falls, nan=NEVER, posinf=NEVER, neginf=NEVER)
        return found

    def arc(self, number: int, tail: int, head: int, bases: Sequence[float]) -> Arc:
        """Edge `number` between two of the tokens in play, whose log values are counted from `bases`."""
        return Arc(tail, head, float(self.log_prices[number]) + bases[head] - bases[tail], self._responses[number])

    def in_order(self, used: Iterable[int], new: Iterable[int]) -> list[int]:
        """Those of the new edges that close no circle of tokens and share no state with another, earliest first."""
        after: dict[int, set[int]] = {}
        states: set[str] = set()
        for number in used:
            after.setdefault(int(self.sources[number]), set()).add(int(self.targets[number]))
            states.add(self.edges[number].state_id)
        accepted = []
        for number in new:
            tail, head = int(self.sources[number]), int(self.targets[number])
            state = self.edges[number].state_id
            if state in states or _reaches(after, head, tail):
                continue
            states.add(state)
            after.setdefault(tail, set()).add(head)
            accepted.append(number)
        return accepted

    def solve(
        self,
        arcs: Sequence[Arc],
        bases: Sequence[float],
        *,
        supplies: Mapping[int, float],
        fixed: frozenset[int],
        scale: float,
        shifts: Sequence[float] | None = None,
    ) -> Prices:
        """Prices at which arcs between tokens in play balance; see `equilibrium`."""
        return equilibrium(arcs, bases, supplies=supplies, fixed=fixed, scale=scale, shifts=shifts)

    def sold(self, amounts: Floats) -> Floats:
        """What each edge brings for its amount; zero where it refuses."""
        found = np.zeros(len(amounts))
        asked = np.flatnonzero((amounts > 0.0) & (amounts <= self._closed[:, _CAPACITY]))
        single, end, depth_in, depth_out, exponent_in, exponent_out, _, _ = self._closed[asked].T
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            fall = np.minimum(np.log1p(amounts[asked] / depth_in) / exponent_in, end)
            found[asked] = -depth_out * np.expm1(-exponent_out * fall)
        for number in asked[single == 0.0].tolist():
            found[number] = self._responses[number].sold(float(amounts[number]))
        return found

    def spread(self, moved: Mapping[int, float]) -> Floats:
        """Each token's move, given some: that of the group it joins first when the deepest pairs are joined first.

        NaN for a token that no group with a move reaches.
        """
        size = len(self.tokens)
        groups = [[token] for token in range(size)]
        group_of = list(range(size))
        for one, other in self.tree:
            first, second = group_of[one], group_of[other]
            if first == second or (first in moved and second in moved):
                continue
            if first in moved or (second not in moved and len(groups[first]) >= len(groups[second])):
                first, second = second, first
            for token in groups[first]:  # the one without a move, or the smaller, joins the other
                group_of[token] = second
            groups[second] += groups[first]
            groups[first] = []
        return np.array([moved.get(token, moved.get(group_of[token], math.nan)) for token in range(size)])

    def losses(self, falls: Floats, log_values: Floats) -> tuple[Indexes, Floats]:
        """Edges that lose at these falls from their first prices, and what each loses by value; vectorised.

        Pools of one piece, and all that have sold out, by their closed form; the other few by their response.
        """
        found = np.flatnonzero((falls > 0.0) & (falls < math.inf))
        single, end, depth_in, depth_out, exponent_in, exponent_out, most_in, most_out = self._closed[found].T
        fall = np.minimum(falls[found], end)
        taken, paid = most_in.copy(), most_out.copy()
        closed = (single > 0.0) & (fall < end)
        taken[closed] = depth_in[closed] * np.expm1(exponent_in[closed] * fall[closed])
        paid[closed] = -depth_out[closed] * np.expm1(-exponent_out[closed] * fall[closed])
        for place in np.flatnonzero((single == 0.0) & (fall < end)).tolist():
            trade = self._responses[found[place]].at(float(fall[place]))
            taken[place], paid[place] = trade.amount_in, trade.amount_out
        with np.errstate(over="ignore", invalid="ignore"):
            lost = paid * np.exp(log_values[self.targets[found]]) - taken * np.exp(log_values[self.sources[found]])
        kept = lost > 0.0
        return found[kept], lost[kept]

    def siblings(self, number: int) -> Sequence[int]:
        """All edges that move the same state as edge `number`, itself among them."""
        return self._numbers_of(self.edges[number].state_id)

    def _numbers_of(self, state_id: str) -> Sequence[int]:
        if self._siblings is None:
            self._siblings = {}
            for at, edge in enumerate(self.edges):
                self._siblings.setdefault(edge.state_id, []).append(at)
        return self._siblings.get(state_id, ())

    def labels(self, log_prices: Floats, start: int, end: int, hops: int, *, onward: bool) -> Floats:
        """Best log rates between `start` and each token over at most 0, 1, ... `hops - 1` edges, a row each.

        None comes by `end` on the way.
        Of paths that begin at `start` if `onward`, else of those that lead to it.
        """
        found = np.full((hops, len(self.tokens)), NEVER)
        found[0, start] = 0.0
        further = self.onward if onward else self.toward
        for row in range(1, hops):
            found[row] = further(log_prices, found[row - 1])
            found[row, start], found[row, end] = 0.0, NEVER
        return found

    def through(self, log_prices: Floats, behind: Floats, ahead: Floats, hops: int) -> tuple[Floats, Indexes]:
        """For each edge, the best log rate of any walk of at most `hops` edges through it, and how many come before.

        `behind` and `ahead` are the labels from the walk's start and to its end.
        """
        best = np.full(len(log_prices), NEVER)
        places = np.zeros(len(log_prices), dtype=np.intp)
        for before in range(hops):
            rate = behind[before][self.sources] + ahead[hops - 1 - before][self.targets]
            better = rate > best
            best[better], places[better] = rate[better], before
        return best + log_prices, places

    def toward(self, log_prices: Floats, labels: Floats) -> Floats:
        """One hop further: the best of staying and of any edge to a labelled token."""
        return self._leaving.best(log_prices + labels[self.targets], labels)

    def onward(self, log_prices: Floats, labels: Floats) -> Floats:
        """The same, from the source on: the best of staying and of any edge from a labelled token."""
        return self._arriving.best(log_prices + labels[self.sources], labels)

    def leaving(self, token: int) -> range:
        """Numbers of the edges that sell this token."""
        return self._leaving.span(token)

    def arriving(self, token: int) -> Indexes:
        """Numbers of the edges that buy this token."""
        return self._arriving.members(token)


_STEPS_OF_SIZE = 6.0
_NEAR = math.expm1(NEAR_FALL / 2.0)
"""Share of an edge's depth up to which it sells as a constant product of that depth."""
_MOST = 10**6
_CAPACITY = 6
"""Column of `_closed_form`: the most that an edge takes."""


def _closed_form(response: PriceResponse) -> tuple[float, ...]:
    """A row for `losses`: whether it is one piece, its end, depths and exponents, and what has traded at its end."""
    piece, end = response.only_piece, response.end
    if piece is None:
        return 0.0, response.last_fall, 0.0, 0.0, 0.0, 0.0, end.amount_in, end.amount_out
    form = piece.depth_in, piece.depth_out, piece.exponent_in, piece.exponent_out
    return 1.0, piece.end, *form, end.amount_in, end.amount_out


@dataclass(frozen=True, slots=True)
class SharedPools:
    """Weighted pools of more than two tokens as rows, filled up with tokens of no weight.

    `of_edge` is each edge's row, or -1. A row that holds a token without a price or a balance has a weight of infinity.
    """

    of_edge: Indexes
    tokens: Indexes
    log_balances: Floats
    weights: Floats

    @classmethod
    def of(cls, edges: Sequence[Edge], index: Mapping[Address, int]) -> "SharedPools":
        """The rows of a market's edges."""
        pools: dict[str, WeightedPool] = {}
        of_edge = np.full(len(edges), -1, dtype=np.intp)
        rows: dict[str, int] = {}
        for number, edge in enumerate(edges):
            pool = edge.listed.pool if isinstance(edge, PoolEdge) else None
            if isinstance(pool, WeightedPool) and len(pool.tokens) > 2:
                pools[edge.state_id] = pool
                of_edge[number] = rows.setdefault(edge.state_id, len(rows))
        shape = len(pools), max((len(pool.tokens) for pool in pools.values()), default=0)
        tokens, log_balances, weights = np.zeros(shape, dtype=np.intp), np.zeros(shape), np.zeros(shape)
        for row, pool in enumerate(pools.values()):
            total = sum(pool.weights)
            for column, (token, balance, weight) in enumerate(
                zip(pool.tokens, pool.balances, pool.weights, strict=True)
            ):
                known = token in index and balance > 0
                tokens[row, column] = index.get(token, 0)
                log_balances[row, column] = math.log(balance) if known else math.inf
                weights[row, column] = weight / total
        return cls(of_edge, tokens, log_balances, weights)

    def lost_without_fee(self, rows: Indexes, log_values: Floats) -> Floats:
        """What these pools would lose to the prices if they took no fee; infinite where a token of one has no price."""
        weights = self.weights[rows]
        held = weights > 0.0
        log_worth = np.where(held, log_values[self.tokens[rows]] + self.log_balances[rows], NEVER)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            logs = np.where(held, weights * (log_worth - np.log(weights)), 0.0)
            lost = np.maximum(0.0, np.exp(log_worth).sum(axis=1) - np.exp(logs.sum(axis=1)))
        unknown = (held & ~np.isfinite(log_worth)).any(axis=1)
        found: Floats = np.where(unknown, math.inf, lost)
        return found


def _reaches(after: Mapping[int, set[int]], start: int, goal: int) -> bool:
    ahead, seen = [start], {start}
    while ahead:
        token = ahead.pop()
        if token == goal:
            return True
        unseen = after.get(token, set()) - seen
        seen |= unseen
        ahead += unseen
    return False


class _Grouping:
    """Edges grouped by a token, for one `reduceat` over all of them."""

    def __init__(self, tokens: Indexes) -> None:
        self._order = np.argsort(tokens, kind="stable")
        self._is_sorted = bool(np.all(self._order == np.arange(len(tokens))))
        ordered = tokens[self._order]
        self._starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(tokens) else tokens
        self._tokens = ordered[self._starts]
        ends = [*self._starts.tolist()[1:], len(tokens)]
        self._spans = {
            token: range(first, last)
            for token, first, last in zip(self._tokens.tolist(), self._starts.tolist(), ends, strict=False)
        }

    def span(self, token: int) -> range:
        """Places of a token's edges in the grouping's own order."""
        return self._spans.get(token, range(0))

    def members(self, token: int) -> Indexes:
        """Numbers of a token's edges."""
        span = self.span(token)
        return self._order[span.start : span.stop]

    def best(self, values: Floats, floor: Floats) -> Floats:
        if not len(self._starts):
            return floor.copy()
        ordered = values if self._is_sorted else values[self._order]
        result = floor.copy()
        result[self._tokens] = np.maximum(floor[self._tokens], np.maximum.reduceat(ordered, self._starts))
        return result


def bounded(value: float) -> float:
    """A price for a dictionary: zero where there is none."""
    return math.exp(value) if value > NEVER else 0.0
