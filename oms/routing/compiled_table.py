"""A market's table whose inner loops are compiled: for whoever routes many orders in one process.

Owns: the arrays that compiled code reads. Must not: differ from its plain twin `EdgeTable`, except in speed and in
floats' last digits.

Loading the machine code takes half a second, which a single quote in a terminal does not earn back.
"""

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np

from oms.liquidity.listing import ListedPool
from oms.routing import kernel
from oms.routing.edge_table import EdgeTable, Floats, Indexes
from oms.routing.equilibrium import Arc, Flow, Prices


class CompiledTable(EdgeTable):
    """`EdgeTable`, many times as quick where its methods count."""

    _rows: tuple[Floats, Indexes, Floats] | None = None
    _branches: tuple[Indexes, Indexes] | None = None

    def with_pools(self, changed: Mapping[str, ListedPool]) -> Self:
        """As `EdgeTable.with_pools`."""
        after = super().with_pools(changed)
        after._rows, after._branches = None, None
        return after

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
        """As `EdgeTable.solve`."""
        size = len(bases)
        start = np.array(shifts, dtype=np.float64) if shifts is not None else np.zeros(size)
        supply = np.zeros(size)
        for token, amount in supplies.items():
            supply[token] = amount
        tails = np.array([arc[0] for arc in arcs], dtype=np.intp)
        heads = np.array([arc[1] for arc in arcs], dtype=np.intp)
        slacks = np.array([arc[2] for arc in arcs], dtype=np.float64)
        pieces, ends = _joined([arc[3].packed for arc in arcs])
        free, place = _fewest_neighbours_first(tails, heads, size, fixed)
        values = np.array(bases, dtype=np.float64)
        d, falls, taken, paid, imbalance = kernel.newton(
            tails, heads, slacks, ends, pieces, values, start, supply, free, place, float(scale)
        )
        flows = [Flow(*row) for row in zip(taken.tolist(), paid.tolist(), falls.tolist(), strict=True)]
        return Prices(d.tolist(), flows, float(imbalance))

    def losses(self, falls: Floats, log_values: Floats) -> tuple[Indexes, Floats]:
        """As `EdgeTable.losses`."""
        pieces, ends, _ = self._packed()
        numbers, lost = kernel.losses(self.sources, self.targets, ends, pieces, falls, log_values)
        return numbers, lost

    def sold(self, amounts: Floats) -> Floats:
        """As `EdgeTable.sold`."""
        pieces, ends, capacities = self._packed()
        found: Floats = kernel.sold(ends, pieces, capacities, amounts)
        return found

    def spread(self, moved: Mapping[int, float]) -> Floats:
        """As `EdgeTable.spread`."""
        if self._branches is None:
            ones, others = zip(*self.tree, strict=True) if self.tree else ((), ())
            self._branches = np.array(ones, dtype=np.intp), np.array(others, dtype=np.intp)
        moves = np.full(len(self.tokens), np.nan)
        moves[list(moved)] = list(moved.values())
        found: Floats = kernel.spread(*self._branches, moves)
        return found

    def labels(self, log_prices: Floats, start: int, end: int, hops: int, *, onward: bool) -> Floats:
        """As `EdgeTable.labels`."""
        to, over = (self.targets, self.sources) if onward else (self.sources, self.targets)
        found: Floats = kernel.labels(to, over, log_prices, len(self.tokens), start, end, hops)
        return found

    def through(self, log_prices: Floats, behind: Floats, ahead: Floats, hops: int) -> tuple[Floats, Indexes]:
        """As `EdgeTable.through`."""
        best, places = kernel.through(self.sources, self.targets, log_prices, behind, ahead, hops)
        return best, places

    def toward(self, log_prices: Floats, labels: Floats) -> Floats:
        """As `EdgeTable.toward`."""
        found: Floats = kernel.hop(self.sources, self.targets, log_prices, labels)
        return found

    def onward(self, log_prices: Floats, labels: Floats) -> Floats:
        """As `EdgeTable.onward`."""
        found: Floats = kernel.hop(self.targets, self.sources, log_prices, labels)
        return found

    def _packed(self) -> tuple[Floats, Indexes, Floats]:
        """All edges' pieces, where each edge's end among them, and what each edge takes at most."""
        if self._rows is None:
            pieces, ends = _joined([response.packed for response in self._responses])
            capacities = np.array([response.capacity for response in self._responses], dtype=np.float64)
            self._rows = pieces, ends, capacities
        return self._rows


def _joined(packed: Sequence[Floats]) -> tuple[Floats, Indexes]:
    """All rows in one array, and where each one's end."""
    pieces = np.concatenate(packed) if packed else np.empty((0, 8))
    return pieces, np.cumsum([len(rows) for rows in packed], dtype=np.intp)


def _fewest_neighbours_first(
    tails: Indexes, heads: Indexes, size: int, fixed: frozenset[int]
) -> tuple[Indexes, Indexes]:
    """Tokens to solve for, in an order in which elimination fills in little, and each one's row or -1."""
    degrees = np.bincount(tails, minlength=size) + np.bincount(heads, minlength=size)
    is_free = np.ones(size, dtype=np.bool_)
    is_free[list(fixed)] = False
    order = np.argsort(degrees, kind="stable")
    free = order[is_free[order]]
    place = np.full(size, -1, dtype=np.intp)
    place[free] = np.arange(len(free))
    return free, place
