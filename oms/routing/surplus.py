"""What a market's venues lose to given prices: the part of the dual that every venue answers on its own.

Owns: that sum. Must not: search for the prices.

A pool of two tokens answers by its response. A pool of several could trade all of them at once, which is at most the
sum over its pairs, and for a weighted pool at most what it would lose if it took no fee: with balances R, weights w of
sum 1 and prices v, `sum(v R) - prod((v R / w) ** w)`, the value it holds less the least value on its curve (Balancer
white paper, section 3; Evans, "Liquidity provider returns in geometric mean markets", 2020). The lower of the two is
taken.
"""

from dataclasses import dataclass

import numpy as np

from oms.liquidity.price_response import NEVER
from oms.routing.edge_table import EdgeTable, Floats, Indexes


@dataclass(frozen=True, slots=True)
class Losses:
    """What venues lose to given prices: by edge number, and in all, with pools of several tokens counted once."""

    numbers: Indexes
    amounts: Floats
    total: float


def losses(
    market: EdgeTable, log_values: Floats, *, least: float = 0.0, pools_only: bool = False, part: int | None = None
) -> Losses:
    """What each edge loses, and all together, in the unit of the prices.

    The second bound on a pool of several tokens is only looked at where its pairs lose more than `least`. `part` is
    the root of a part of the market that alone is counted.
    """
    falls = market.falls(log_values)
    if pools_only:
        falls = np.where(market.is_pool, falls, NEVER)
    if part is not None:
        falls = np.where(market.roots[market.sources] == part, falls, NEVER)
    numbers, amounts = market.losses(falls, log_values)
    total = float(amounts.sum())
    rows = market.shared.of_edge[numbers]
    if len(rows) and rows.max() >= 0:
        pairs = np.bincount(rows[rows >= 0], weights=amounts[rows >= 0])
        looked_at = np.flatnonzero(pairs > least)
        together = market.shared.lost_without_fee(looked_at, log_values)
        total -= float(np.maximum(0.0, pairs[looked_at] - together).sum())
    return Losses(numbers, amounts, total)


def surplus(market: EdgeTable, log_values: Floats, *, pools_only: bool = False, part: int | None = None) -> float:
    """What all venues together lose to these prices, in the unit of the prices; see `losses`."""
    return losses(market, log_values, pools_only=pools_only, part=part).total


def counted_twice(market: EdgeTable, log_values: Floats) -> float:
    """What pools of several tokens are counted for beyond their best pair: by so much they may loosen a bound."""
    found = losses(market, log_values)
    by_pool: dict[str, list[float]] = {}
    for number, amount in zip(found.numbers.tolist(), found.amounts.tolist(), strict=True):
        by_pool.setdefault(market.edges[number].state_id, []).append(amount)
    return sum(sum(amounts) - max(amounts) for amounts in by_pool.values())
