"""The certificate's bound beside solvers that share no code with the router.

Owns: which orders and sub-markets are asked about, and the comparison. Must not: solve.

Both sides get sub-markets of the flattened auction: up to 20 pools around an order's tokens, without stable pools.
scipy minimises the plain dual; Clarabel solves the primal, where weighted pools have equal weights, and the bound must
not fall below that. Both sides count what the dual earns with no order at all, so arbitrage is in both. On the whole
auction neither solver converges: prices and depths span thirty orders of magnitude.
"""

import random
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.auction import Auction, AuctionOrder
from benchmarks.measures import Findings, Measure, Reading
from benchmarks.route_answers import Answer, answers, pools_in, prepared, without_gas
from benchmarks.route_bound import BoundAnswer, BoundQuestion, ask, curves_of
from oms.domain.venue import Family
from oms.liquidity.listing import ListedPool
from oms.liquidity.weighted import WeightedPool
from oms.routing.prepared import PreparedMarket
from oms.units import BPS, Address

ORDERS = 20
MOST_POOLS = 20
SMALLEST_WEI, LARGEST_WEI = 10**17, 10**20
"""What an order is worth: far smaller than the pools, and the solvers' own tolerance is all that one would see."""
REACH = 5.0
"""The solvers are given concentrated pools within this factor of their price; we hold the whole range."""
NEAR = 1.02
SHALLOWEST, DEEPEST = 1e-2, 1e5
"""Pools of a sub-market, in worths of the order: Clarabel's numbers do not reach farther."""
TOLERANCE_BPS = 1e-3
SEED = 7_400_693

OFF_DUAL = Measure(
    key="route.bound.off_scipy_dual_bps",
    unit="bps",
    what="bound beside scipy's plain dual on sub-markets, largest difference",
    less_is_better=True,
)
OFF_CLARABEL = Measure(
    key="route.bound.off_clarabel_bps",
    unit="bps",
    what="bound beside Clarabel's primal optimum on sub-markets, largest difference",
    less_is_better=True,
)
BELOW_CLARABEL = Measure(
    key="route.bound.below_clarabel",
    unit="orders",
    what="orders whose bound lies more than 0.001 bps below Clarabel's optimum",
    aim=0,
    less_is_better=True,
)
MEASURES = (OFF_DUAL, OFF_CLARABEL, BELOW_CLARABEL)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Our answer, the solvers', and the pools that both were given."""

    ours: Answer
    theirs: BoundAnswer
    pools: int

    @property
    def bound(self) -> float:
        """The most that anybody could get, arbitrage included, by our certificate."""
        certificate = self.ours.route.certificate if self.ours.route else None
        return float(certificate.bound + certificate.arbitrage) if certificate else 0.0

    @property
    def off_dual_bps(self) -> float:
        """How far our bound is above (or, negative, below) scipy's."""
        return (self.bound / self.theirs.dual - 1) * BPS

    @property
    def off_primal_bps(self) -> float:
        """How far our bound is above (or, negative, below) Clarabel's."""
        return (self.bound / self.theirs.primal - 1) * BPS if self.theirs.primal else 0.0


def measure(
    wanted: Sequence[Measure], findings: Findings, auction: Auction, flat: PreparedMarket, *, project: Path
) -> None:
    """Compare on seeded orders. Raises `PeerUnavailable`, `PeerFailed`."""
    sys.stderr.write("· route: bounds beside scipy and Clarabel\n")
    pools = [listed for listed in pools_in(flat) if listed.key.family is not Family.BALANCER_STABLE]
    if OFF_DUAL in wanted:
        cases = _submarkets(auction, pools)
        found = _compared(auction, cases, project, primal=False)
        findings.readings.append(Reading(OFF_DUAL, _largest(each.off_dual_bps for each in found)))
        findings.notes.append(f"route.bound: scipy on {_told(found)}, by {_range(e.off_dual_bps for e in found)}")
    if OFF_CLARABEL in wanted or BELOW_CLARABEL in wanted:
        cases = _submarkets(auction, [listed for listed in pools if _is_solvable(listed)])
        found = [each for each in _compared(auction, cases, project, primal=True) if each.theirs.primal]
        below = sum(each.off_primal_bps < -TOLERANCE_BPS for each in found)
        values = {OFF_CLARABEL: _largest(each.off_primal_bps for each in found), BELOW_CLARABEL: below}
        findings.readings += [Reading(each, value) for each, value in values.items() if each in wanted]
        findings.notes.append(f"route.bound: Clarabel on {_told(found)}, by {_range(e.off_primal_bps for e in found)}")


def _largest(values: Iterable[float]) -> float:
    return max(map(abs, values), default=0.0)


def _range(values: Iterable[float]) -> str:
    kept = list(values)
    return f"{min(kept):+.2g} to {max(kept):+.2g} bps" if kept else "nothing"


def _told(found: Sequence[Comparison]) -> str:
    sizes = [each.pools for each in found]
    return f"{len(found)} sub-markets of up to {max(sizes, default=0)} pools; our bound is off it"


def _compared(
    auction: Auction,
    cases: Sequence[tuple[AuctionOrder, Sequence[ListedPool]]],
    project: Path,
    *,
    primal: bool,
) -> list[Comparison]:
    """Those that we fill; an order that doesn't fit its market has no bound to compare."""
    found: list[tuple[Answer, int]] = []
    questions: list[BoundQuestion] = []
    for order, pools in cases:
        ours = answers(prepared(pools), [order], without_gas())[0]
        if ours.route is None:
            continue
        found.append((ours, len(pools)))
        unit = _units(auction, order, pools)
        curves = curves_of(pools, reach=REACH)
        questions.append(BoundQuestion(curves, order.token_in, order.token_out, order.amount_in, unit, primal=primal))
    solved = ask(questions, project)
    return [Comparison(ours, theirs, pools) for (ours, pools), theirs in zip(found, solved, strict=True)]


def _units(auction: Auction, order: AuctionOrder, pools: Iterable[ListedPool]) -> Mapping[Address, float]:
    """Of each token what the order is worth; a token without a native price gets that of a coin's smallest unit."""
    tokens = {token for listed in pools for token in listed.key.tokens} | {order.token_in, order.token_out}
    return {token: order.worth_wei / auction.native_prices.get(token, 1.0) for token in tokens}


def _submarkets(auction: Auction, pools: Sequence[ListedPool]) -> list[tuple[AuctionOrder, Sequence[ListedPool]]]:
    """Seeded sales, each with the pools between its own tokens, the coin and dollars; of at least 3 that touch it."""
    orders = [order for order in auction.orders if order.sell and SMALLEST_WEI <= order.worth_wei <= LARGEST_WEI]
    orders = list({(order.token_in, order.token_out, order.amount_in): order for order in orders}.values())
    random.Random(SEED).shuffle(orders)  # noqa: S311
    hubs = {token.address for token in auction.tokens.values() if token.symbol in _HUBS}
    found: list[tuple[AuctionOrder, Sequence[ListedPool]]] = []
    for order in orders:
        ends = {order.token_in, order.token_out}
        near = [listed for listed in pools if set(listed.key.tokens) <= hubs | ends]
        unit = _units(auction, order, near)
        inside = [listed for listed in near if _is_comparable(listed, unit)]
        inside.sort(key=lambda listed: ends.isdisjoint(listed.key.tokens))
        if len(inside) >= 3 and not ends.isdisjoint(inside[2].key.tokens):
            found.append((order, inside[:MOST_POOLS]))
        if len(found) == ORDERS:
            break
    return found


def _is_comparable(listed: ListedPool, unit: Mapping[Address, float]) -> bool:
    """Whether the pool is neither dust nor an ocean to the order, near its price, on both sides."""
    depths = [(c.x / unit[c.token_in], c.y / unit[c.token_out]) for c in curves_of([listed], reach=NEAR)]
    return len(depths) > 1 and all(SHALLOWEST < min(pair) <= max(pair) < DEEPEST for pair in depths)


_HUBS = frozenset(("WETH", "USDC", "USDT", "DAI", "WBTC"))


def _is_solvable(listed: ListedPool) -> bool:
    """Clarabel's curves have an exponent of one."""
    pool = listed.pool
    return not isinstance(pool, WeightedPool) or len(set(pool.weights)) == 1
