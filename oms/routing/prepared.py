"""A market ready to be routed over: its edges in a table, and the same market with its free arbitrage taken.

Owns: what is computed once for a block and shared by all its orders. Must not: hold anything of one order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from oms.liquidity.listing import ListedPool
from oms.routing.edge_table import EdgeTable, Floats
from oms.routing.flatten import FlatMarket, flat_market
from oms.routing.market import Edge, Market


class PreparedMarket:
    """Edges, prices and responses of one block. Immutable to its users; what it computes on demand, it keeps."""

    def __init__(self, table: EdgeTable, *, near: Floats | None = None) -> None:
        """Use `of`. `near` are the flat prices of the block before, from which this block's are a short way."""
        self.table = table
        self._near = near
        self._flat: FlatMarket | None = None

    @classmethod
    def of(cls, edges: Iterable[Edge], *, kind: type[EdgeTable] = EdgeTable) -> "PreparedMarket":
        """Prepare edges; those that cannot trade at all stay, without a price.

        Who routes many orders takes the `CompiledTable` as the kind of table.
        """
        return cls(kind.of(edges))

    def with_pools(self, changed: Mapping[str, ListedPool]) -> "PreparedMarket":
        """The market after a block: the pools named by id replaced, everything computed about the others kept."""
        near = self._near if self._flat is None else self._flat.log_values
        return PreparedMarket(self.table.with_pools(changed), near=near)

    @property
    def flat(self) -> FlatMarket:
        """This market with its free arbitrage taken."""
        if self._flat is None:
            self._flat = flat_market(self.table, near=self._near)
        return self._flat

    def at_rest(self) -> "PreparedMarket":
        """The flat market as a market of its own, which is its own flat market."""
        flat = self.flat
        rested = PreparedMarket(flat.market, near=flat.log_values)
        rested._flat = replace(flat, earned_by_part=flat.residue_by_part)
        return rested

    @property
    def edges(self) -> tuple[Edge, ...]:
        """All edges, by number."""
        return self.table.edges

    @property
    def market(self) -> Market:
        """The plain market of the same edges."""
        return self.table.market
