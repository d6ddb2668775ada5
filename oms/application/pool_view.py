"""All pools between some tokens at one block, without makers and exchanges: what cycles and baskets trade on.

Owns: that view, and the market made of it. Must not: load, or choose.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oms.domain.token import Token
from oms.liquidity.listing import PoolSnapshot
from oms.routing.allocation import GasCost
from oms.routing.market import edges_of
from oms.routing.prepared import PreparedMarket
from oms.units import Address, Wei


@dataclass(frozen=True, slots=True)
class PoolView:
    """Pools read at one block, the tokens between them, and the price of gas then."""

    snapshot: PoolSnapshot
    tokens: Sequence[Token]
    gas_price: Wei
    wrapped_native: Address

    @property
    def by_address(self) -> Mapping[Address, Token]:
        """The tokens by address."""
        return {token.address: token for token in self.tokens}

    def market(self) -> PreparedMarket:
        """The pools as a market to search."""
        return PreparedMarket.of(edges_of(self.snapshot.pools, [token.address for token in self.tokens]))

    def gas_cost(self, market: PreparedMarket, token: Address) -> GasCost:
        """The price of gas in a token, by the market's prices at rest; free where nothing joins it."""
        index, values = market.table.index, market.flat.market.log_values
        if token == self.wrapped_native:
            return GasCost(float(self.gas_price))
        coin, priced = index.get(self.wrapped_native), index.get(token)
        if coin is None or priced is None or market.table.roots[coin] != market.table.roots[priced]:
            return GasCost(0.0)
        return GasCost(float(self.gas_price) * math.exp(float(values[coin] - values[priced])))
