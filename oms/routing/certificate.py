"""How much better an order could at most have done: the dual of the convex relaxation at the search's own prices.

Owns: prices for every token of the market, the bound that they prove, and the gap. Must not: search.

Weak duality: whatever positive prices are taken, no way of trading brings more than the order's worth at these prices
plus what every venue loses to them, `sum over venues of max(price_out * output - price_in * input)` (Angeris et al.
2021, section 5). So prices need not be optimal for the bound to hold; the better they are, the tighter it is. The
search's are the optimum's for the tokens it trades, raised where a longer path than it may take sells better; the
others get the best rate at which they sell into those.
A pool of several tokens is bounded by the sum over its pairs, which is more than any one trade with it can take.
"""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from oms.liquidity.price_response import NEVER
from oms.routing.edge_table import EdgeTable, Floats
from oms.routing.flatten import FlatMarket
from oms.routing.search import UNFILLED, Balance, Search
from oms.routing.surplus import Losses, losses
from oms.units import BPS

MAX_ROUNDS = 10
PATIENCE = 4
"""Rounds in which a bound need not improve: new prices may lose elsewhere before they settle."""
MET_BPS = 0.02
"""A bound that is met so closely need not be improved."""
MAX_ADDED = 64
WORTH_A_ROUND = 2e-7
"""What another round must promise, as a share of the order: 0.002 bps."""
_ROUNDING = 1e-12
"""Floats' share in a sum of this kind; the bound is moved out by it."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """The proof that comes with a quote, gross of gas: no plan on this market does better than `bound`.

    For a sale `bound` is the most output, for a purchase the least input, in base units. `arbitrage` is what the market
    would pay with no order at all, in the same unit; it is not part of `bound`. `gap_bps` is how far the plan's gross
    result is from the bound; below zero where the plan took some of the arbitrage on its way. `net_bound` is the bound
    less the cheapest gas that any plan could pay. `reason` says where a large gap comes from.
    """

    bound: int
    arbitrage: int
    gap_bps: float
    net_bound: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """Log prices of all tokens, and the bound that they prove on the market they were found on.

    `bound` is base units of the output for a sale, of the input for a purchase, before arbitrage is set apart.
    """

    log_values: Floats
    bound: float


def proved(search: Search, balance: Balance, flat: FlatMarket, *, met_bps: float = MET_BPS) -> Proof:
    """Prices from the search's balance, improved by trading along every venue that still loses to them.

    The search's own edges are those that its plan may use; a bound allows any. So edges that lose are added, whatever
    the length of the path or the circles they would make, and prices balanced anew, until the bound is as good as met.
    """
    known = set(flat.leftover)
    reached = balance.amount_in if search.buying else balance.amount_out
    apart = resting(search, flat)
    best = _at_rest(search, flat) if balance.unfilled > UNFILLED else None
    patience = PATIENCE
    priced: Collection[int] = _traded(search, balance)
    for _ in range(MAX_ROUNDS):
        log_values = token_prices(flat, balance, priced)
        given = search.target if search.buying else search.source
        worth = search.amount * math.exp(float(log_values[given])) * WORTH_A_ROUND
        found = losses(search.market, log_values, least=worth)
        proof = Proof(log_values, _bound(search, log_values, found.total))
        if best is None or _lower(search, proof, best):
            best, patience = proof, PATIENCE
        patience -= 1
        if (
            not patience
            or search.is_over()
            or abs(gap_bps(proof.bound - apart, reached, buying=search.buying)) < met_bps
        ):
            break
        new = _losing(found, worth, known.union(balance.flows))
        if not new:
            break
        balance = search.balanced([*balance.flows, *new], near=balance)
        priced = balance.bases.keys()
    return best or Proof(np.full(len(search.market.tokens), NEVER), math.inf)


def _at_rest(search: Search, flat: FlatMarket) -> Proof:
    """What the prices at rest prove: little, but they hold where the search's own broke down."""
    lost = losses(search.market, flat.log_values).total
    return Proof(flat.log_values, _bound(search, flat.log_values, lost))


def resting(search: Search, flat: FlatMarket) -> float:
    """What is left to pay in the flat market's dust, in the bound's unit and with its sign."""
    left = flat.left(search.source if search.buying else search.target)
    return -left if search.buying else left


def on_market(search: Search, market: EdgeTable, flat: FlatMarket, log_values: Floats) -> tuple[float, float]:
    """The bound that prices prove on the market as it is, the arbitrage set apart, and that arbitrage."""
    token = search.source if search.buying else search.target
    arbitrage = flat.arbitrage(token)
    given = float(log_values[search.target if search.buying else search.source])
    least = search.amount * math.exp(given) * WORTH_A_ROUND * 1e-3
    total = _bound(search, log_values, losses(market, log_values, least=least).total)
    return (total + arbitrage if search.buying else total - arbitrage), arbitrage


def _traded(search: Search, balance: Balance) -> set[int]:
    market = search.market
    tails = {int(market.sources[number]) for number in balance.flows}
    return tails | {int(market.targets[number]) for number in balance.flows} | {search.source, search.target}


def token_prices(flat: FlatMarket, balance: Balance, priced: Iterable[int]) -> Floats:
    """Log prices of all tokens: the balance's for those `priced`; each other moves with the nearest of those.

    Nearest by depth: an order that moves a token moves whatever is deeply joined to it, and where two such groups meet,
    only shallow venues lose to the difference.
    """
    own = {token: balance.bases[token] + balance.shifts[token] for token in priced}
    moves = flat.market.spread({token: value - float(flat.log_values[token]) for token, value in own.items()})
    log_values: Floats = np.where(np.isnan(moves), NEVER, flat.log_values + moves)
    log_values[list(own)] = list(own.values())
    return log_values


def _bound(search: Search, log_values: Floats, lost: float) -> float:
    source, target = float(log_values[search.source]), float(log_values[search.target])
    if search.buying:
        return search.amount * math.exp(target - source) - lost * math.exp(-source)
    return search.amount * math.exp(source - target) + lost * math.exp(-target)


def _lower(search: Search, proof: Proof, best: Proof) -> bool:
    """Whether the proof is tighter by more than it costs to go on."""
    change = proof.bound - best.bound if search.buying else best.bound - proof.bound
    return change > WORTH_A_ROUND * abs(best.bound)


def _losing(found: Losses, worth: float, known: Collection[int]) -> list[int]:
    """Edges that lose most to the prices, more than `worth`, and are not among those known."""
    order = np.argsort(-found.amounts, kind="stable")[:MAX_ADDED]
    return [n for n in found.numbers[order[found.amounts[order] > worth]].tolist() if n not in known]


def gap_bps(bound: float, result: float, *, buying: bool) -> float:
    """How far the result is from the bound, in bps of the bound (of the result when buying)."""
    if buying:
        return (result - max(0.0, bound)) / result * BPS if result else 0.0
    return (bound - result) / bound * BPS if bound else 0.0


def rounded_out(bound: float, *, buying: bool) -> int:
    """The bound as an integer, moved out by what floats may be wrong by."""
    if buying:
        return max(0, math.floor(bound * (1.0 - _ROUNDING)))
    return math.ceil(bound * (1.0 + _ROUNDING))
