"""The market with its free arbitrage taken: prices at which no circle of venues pays, and the pools as they are then.

Owns: the dual at size zero over the whole market, warm-started, and trading pools to its prices in integers.
Must not: claim that anybody could settle these trades; they say what the market is worth once others did.

A bound on a market that holds arbitrage says little about an order: the same prices that bound the order also earn the
arbitrage. So the order is bounded on the flat market, and the arbitrage is shown apart.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from oms.liquidity.listing import ListedPool
from oms.liquidity.price_response import NEVER, log_marginal_price, swap_to_price
from oms.routing.edge_table import EdgeTable, Floats
from oms.routing.market import PoolEdge
from oms.routing.surplus import surplus

FLAT = 1e-10
"""Log of what a price may still pay above the common ones: below the float error of a path."""
WORTH = 1e-9
"""What an edge must promise to earn to be looked at, as a share of the market's `scale`."""
MAX_ROUNDS = 40
MAX_TRADES = 200
"""Of one pool on its way to rest: one that takes 30 % of a balance at a time needs many, a pool of two tokens one."""
_NEARLY_TRADING = 2e-3
"""Edges so near to trading that the first steps may start them."""


@dataclass(frozen=True, slots=True)
class FlatPrices:
    """Log values at which the market is at rest, and what it earns on the way, in base units of the hub."""

    log_values: Floats
    earned: float


def flat_prices(market: EdgeTable, *, near: Floats | None = None) -> FlatPrices:
    """The dual at size zero: every edge trades to these prices, and every token but the hub is in balance.

    `near` are log values to start from, such as the last block's.
    """
    values = market.log_values if near is None else near
    joined = values > NEVER
    bases = [float(value) if known else 0.0 for value, known in zip(values, joined, strict=True)]
    shifts = [0.0] * len(bases)
    fixed = frozenset(token for token, root in enumerate(market.roots.tolist()) if root == token or not joined[token])
    scale = market.scale
    best = FlatPrices(values, surplus(market, values, pools_only=True))
    numbers = _trading(market, values, -_NEARLY_TRADING, worth=-1.0)
    for _ in range(MAX_ROUNDS):
        arcs = [market.arc(n, int(market.sources[n]), int(market.targets[n]), bases) for n in numbers]
        solved = market.solve(arcs, bases, supplies={}, fixed=fixed, scale=scale, shifts=shifts)
        shifts = solved.shifts
        prices = np.where(joined, np.array(bases) + np.array(shifts), NEVER)
        earned = surplus(market, prices, pools_only=True)
        if earned < best.earned:
            best = FlatPrices(prices, earned)
        outside = set(_trading(market, prices, FLAT, worth=WORTH * scale)).difference(numbers)
        if not outside:
            break
        numbers += outside
    return best


@dataclass(frozen=True, slots=True)
class FlatMarket:
    """A market at rest. `leftover` are edges that still pay, in pools so small that one base unit moves them past it.

    `log_values` are the prices at which all others rest. Only pools are taken to them: what a maker or a book pays
    above them is there for the order.
    """

    market: EdgeTable
    log_values: Floats
    leftover: tuple[int, ...]
    earned_by_part: Mapping[int, float]
    residue_by_part: Mapping[int, float]

    @property
    def earned(self) -> float:
        """What bringing it to rest paid, in base units of the hub: the dual with no order at all."""
        return self.earned_by_part.get(self._hub_part, 0.0)

    @property
    def residue(self) -> float:
        """What of that is left in pools too small to move, in base units of the hub."""
        return self.residue_by_part.get(self._hub_part, 0.0)

    @property
    def _hub_part(self) -> int:
        return int(self.market.roots[self.market.hub]) if self.market.edges else 0

    def in_token(self, worth: float, token: int) -> float:
        """Base units of a token that `worth` of the hub is; nothing where the token joins nothing."""
        value = float(self.log_values[token])
        return worth * math.exp(-value) if value > NEVER else 0.0

    def arbitrage(self, token: int) -> float:
        """What the token's part of the market paid for being brought to rest, in base units of the token."""
        return self.in_token(self.earned_by_part.get(int(self.market.roots[token]), 0.0), token)

    def left(self, token: int) -> float:
        """What of that is left in pools too small to move, in base units of the token."""
        return self.in_token(self.residue_by_part.get(int(self.market.roots[token]), 0.0), token)


def flat_market(market: EdgeTable, *, near: Floats | None = None) -> FlatMarket:
    """Take the free arbitrage out of a market. Without any, the market stays the same object."""
    prices = flat_prices(market, near=near)
    traded = flattened(market, prices.log_values)
    leftover = np.flatnonzero((traded.falls(prices.log_values) > 10 * FLAT) & traded.is_pool)
    return FlatMarket(
        traded,
        prices.log_values,
        tuple(leftover.tolist()),
        _surplus_by_part(market, prices.log_values),
        _surplus_by_part(traded, prices.log_values) if len(leftover) else {},
    )


def _surplus_by_part(market: EdgeTable, log_values: Floats) -> dict[int, float]:
    parts = sorted(set(market.roots.tolist()))
    return {part: surplus(market, log_values, pools_only=True, part=part) for part in parts}


def flattened(market: EdgeTable, log_values: Floats) -> EdgeTable:
    """The market after every pool traded, in integers, as far as these prices pay it to.

    What is left over is less than a base unit's worth, in pools so small that one unit moves them.
    """
    changed: dict[str, ListedPool] = {}
    for number in _trading(market, log_values, FLAT):
        edge = market.edges[number]
        if isinstance(edge, PoolEdge) and edge.state_id not in changed:
            changed[edge.state_id] = _at_rest(market, edge.listed, log_values)
    return market.with_pools(changed) if changed else market


def _at_rest(market: EdgeTable, listed: ListedPool, log_values: Floats) -> ListedPool:
    """The pool once no pair of its tokens pays more than these prices."""
    pool = listed.pool
    pairs = [
        (one, other, float(log_values[market.index[one]] - log_values[market.index[other]]))
        for one in listed.key.tokens
        for other in listed.key.tokens
        if one != other and one in market.index and other in market.index
    ]
    for _ in range(MAX_TRADES):
        falls = [(log_marginal_price(pool, one, other) - rate, one, other, rate) for one, other, rate in pairs]
        fall, token_in, token_out, rate = max(falls)
        if not fall > FLAT:
            break
        swap = swap_to_price(pool, token_in, token_out, math.exp(rate))
        if swap is None:
            break
        pool = swap.next_pool
    return replace(listed, pool=pool)


def _trading(market: EdgeTable, log_values: Floats, least: float, *, worth: float = 0.0) -> list[int]:
    """Edges whose price beats these values by more than `least`; pairs of a pool of several tokens each for itself.

    `worth` leaves out those that would earn less, in base units of the hub: half the depth times the fall's square.
    """
    falls = market.falls(log_values)
    found = np.flatnonzero((falls > least) & market.is_pool)
    if worth > 0.0:
        with np.errstate(over="ignore"):
            held = market.depths[found] * np.exp(log_values[market.sources[found]])
            gains = held * np.minimum(falls[found], 1.0) ** 2
        found = found[gains > worth]
    return [int(number) for number in found]
