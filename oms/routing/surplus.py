"""What a market's venues lose to given prices: the part of the dual that every venue answers on its own.

Owns: that sum. Must not: search for the prices.

A pool of two tokens answers by its response. A pool of several could trade all of them at once, which is at most the
sum over its pairs, and for a weighted pool at most what it would lose if it took no fee: with balances R, weights w of
sum 1 and prices v, `sum(v R) - prod((v R / w) ** w)`, the value it holds less the least value on its curve (Balancer
white paper, section 3; Evans, "Liquidity provider returns in geometric mean markets", 2020). The lower of the two is
taken.
"""

import math

import numpy as np

from oms.liquidity.weighted import WeightedPool
from oms.routing.edge_table import EdgeTable, Floats
from oms.routing.market import PoolEdge

_TWO_TOKENS = 2


def losses(market: EdgeTable, log_values: Floats) -> list[tuple[float, int]]:
    """What each edge alone loses to these prices, with its number; only those that lose."""
    with np.errstate(invalid="ignore"):
        falls = market.log_prices + log_values[market.targets] - log_values[market.sources]
    found = []
    for number in np.flatnonzero((falls > 0.0) & (falls < math.inf)).tolist():
        trade = market.response(number).at(float(falls[number]))
        paid = trade.amount_out * math.exp(log_values[market.targets[number]])
        loss = paid - trade.amount_in * math.exp(log_values[market.sources[number]])
        if loss > 0.0:
            found.append((loss, number))
    return found


def surplus(market: EdgeTable, log_values: Floats) -> float:
    """What all venues together lose to these prices, in the unit of the prices."""
    return total_loss(market, log_values, losses(market, log_values))


def total_loss(market: EdgeTable, log_values: Floats, found: list[tuple[float, int]]) -> float:
    """The sum of edges' losses, with pools of several tokens counted once."""
    lost = 0.0
    shared: dict[str, float] = {}
    pools: dict[str, WeightedPool] = {}
    for loss, number in found:
        edge = market.edges[number]
        if isinstance(edge, PoolEdge) and isinstance(edge.listed.pool, WeightedPool) and _several(edge.listed.pool):
            shared[edge.state_id] = shared.get(edge.state_id, 0.0) + loss
            pools[edge.state_id] = edge.listed.pool
        else:
            lost += loss
    return lost + sum(min(pairs, _without_fee(market, pools[state], log_values)) for state, pairs in shared.items())


def _several(pool: WeightedPool) -> bool:
    return len(pool.tokens) > _TWO_TOKENS


def _without_fee(market: EdgeTable, pool: WeightedPool, log_values: Floats) -> float:
    """What the pool would lose to these prices if it took no fee; infinite where a token of it has no price."""
    total = sum(pool.weights)
    held, log_least = 0.0, 0.0
    for token, balance, weight in zip(pool.tokens, pool.balances, pool.weights, strict=True):
        place = market.index.get(token)
        if place is None or not balance or not math.isfinite(log_values[place]):
            return math.inf
        log_worth = float(log_values[place]) + math.log(balance)
        held += math.exp(log_worth)
        log_least += weight / total * (log_worth - math.log(weight / total))
    return max(0.0, held - math.exp(log_least))
