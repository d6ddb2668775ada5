"""The market as arrays for searching: tokens numbered, edges in order of their input, responses on demand.

Owns: the index by asset, the vectorised best-rate labels, and replacing what a block changed.
Must not: choose a route, or hold anything of one order.

A label is the logarithm of the best marginal rate from a token to a target over at most so many edges: Bellman-Ford on
logarithms, one `maximum.reduceat` a hop. On 1,000 pools a hop takes about 15 us.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from heapq import heappop, heappush

import numpy as np
import numpy.typing as npt

from oms.liquidity.listing import ListedPool
from oms.liquidity.price_response import NEVER, PriceResponse
from oms.routing.edge_response import edge_gas, first_reading
from oms.routing.market import Edge, Market, PoolEdge, initial_states
from oms.units import Address

Floats = npt.NDArray[np.float64]
Indexes = npt.NDArray[np.intp]


class EdgeTable:
    """Edges and tokens by number. An edge's number is its place in `edges`; a token's is its place in `tokens`.

    Responses are computed when first asked for and kept; `with_pools` keeps those of the pools that did not change.
    """

    def __init__(
        self, edges: Sequence[Edge], log_prices: Floats, depths: Floats, responses: list[PriceResponse]
    ) -> None:
        """Use `of`; this takes edges in order of their input token, with their prices, depths and known responses."""
        self.edges = tuple(edges)
        self.log_prices = log_prices
        self.depths = depths
        self.tokens: tuple[Address, ...] = tuple(
            dict.fromkeys([edge.token_in for edge in edges] + [edge.token_out for edge in edges])
        )
        self.index: Mapping[Address, int] = {token: number for number, token in enumerate(self.tokens)}
        self.sources: Indexes = np.array([self.index[edge.token_in] for edge in edges], dtype=np.intp)
        self.targets: Indexes = np.array([self.index[edge.token_out] for edge in edges], dtype=np.intp)
        self.gas: Floats = np.array([edge_gas(edge) for edge in edges], dtype=np.float64)
        self.states: Mapping[str, object] = initial_states(edges)
        self._responses = responses
        self._leaving = _Grouping(self.sources)
        self._arriving = _Grouping(self.targets)
        self._siblings: dict[str, list[int]] | None = None
        self._values: Floats | None = None
        self._tree: tuple[tuple[int, int], ...] | None = None

    @classmethod
    def of(cls, edges: Iterable[Edge]) -> "EdgeTable":
        """Prepare edges; those that cannot trade at all stay, with a price of nothing."""
        kept = list(edges)
        numbers: dict[Address, int] = {}
        for edge in kept:
            numbers.setdefault(edge.token_in, len(numbers))
        kept.sort(key=lambda edge: numbers[edge.token_in])
        responses: list[PriceResponse] = []
        prices, depths = np.full(len(kept), NEVER), np.zeros(len(kept))
        for number, edge in enumerate(kept):
            prices[number], depths[number], response = first_reading(edge)
            responses.append(response)
        return cls(kept, prices, depths, responses)

    def with_pools(self, changed: Mapping[str, ListedPool]) -> "EdgeTable":
        """The market after a block: the pools named by id replaced, all else kept as it is."""
        edges, responses = list(self.edges), list(self._responses)
        prices, depths = self.log_prices.copy(), self.depths.copy()
        states = dict(self.states)
        for pool_id, listed in changed.items():
            for number in self._numbers_of(pool_id):
                edge = edges[number]
                if isinstance(edge, PoolEdge):
                    edges[number] = replace(edge, listed=listed)
                    prices[number], depths[number], responses[number] = first_reading(edges[number])
                    states[pool_id] = listed.pool
        after = copy(self)
        after.edges, after.log_prices, after.depths = tuple(edges), prices, depths
        after.states, after._responses, after._values, after._tree = states, responses, None, None
        return after

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
    def hub(self) -> int:
        """The token that most edges sell: the coin of most chains."""
        return int(np.bincount(self.sources, minlength=len(self.tokens)).argmax()) if self.edges else 0

    def _grow(self) -> None:
        values = np.full(len(self.tokens), NEVER)
        branches: list[tuple[float, int, int]] = []
        reached: list[tuple[float, int, float, int]] = [(-math.inf, self.hub, 0.0, -1)]
        while reached:
            negative_depth, token, value, parent = heappop(reached)
            if values[token] > NEVER:
                continue
            values[token] = value
            if parent >= 0:
                branches.append((negative_depth, parent, token))
            for number in self.leaving(token):
                head, price, depth = int(self.targets[number]), self.log_prices[number], self.depths[number]
                if values[head] == NEVER and price > NEVER and depth > 0.0:
                    heappush(reached, (-math.log(depth) - value, head, value - price, token))
        self._values, self._tree = values, tuple((one, other) for _, one, other in sorted(branches))

    @property
    def tree(self) -> tuple[tuple[int, int], ...]:
        """Pairs of tokens that join all of them by the deepest edges, deepest first."""
        if self._tree is None:
            self._grow()
        return self._tree or ()

    def siblings(self, number: int) -> Sequence[int]:
        """All edges that move the same state as edge `number`, itself among them."""
        return self._numbers_of(self.edges[number].state_id)

    def _numbers_of(self, state_id: str) -> Sequence[int]:
        if self._siblings is None:
            self._siblings = {}
            for at, edge in enumerate(self.edges):
                self._siblings.setdefault(edge.state_id, []).append(at)
        return self._siblings.get(state_id, ())

    def toward(self, log_prices: Floats, labels: Floats) -> Floats:
        """One hop further: the best of staying and of any edge to a labelled token."""
        return self._leaving.best(log_prices + labels[self.targets], labels)

    def onward(self, log_prices: Floats, labels: Floats) -> Floats:
        """The same, from the source on: the best of staying and of any edge from a labelled token."""
        return self._arriving.best(log_prices + labels[self.sources], labels)

    def leaving(self, token: int) -> range:
        """Numbers of the edges that sell this token."""
        first, last = np.searchsorted(self.sources, (token, token + 1))
        return range(int(first), int(last))


class _Grouping:
    """Edges grouped by a token, for one `reduceat` over all of them."""

    def __init__(self, tokens: Indexes) -> None:
        self._order = np.argsort(tokens, kind="stable")
        self._is_sorted = bool(np.all(self._order == np.arange(len(tokens))))
        ordered = tokens[self._order]
        self._starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(tokens) else tokens
        self._tokens = ordered[self._starts]

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
