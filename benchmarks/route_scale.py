"""How an order's time grows with the number of pools, and the synthetic market of forty pairs.

Owns: sizes, orders and the fit. Must not: know how a route is found.
"""

import gc
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from benchmarks.auction import Auction, AuctionOrder
from benchmarks.measures import Findings, Measure, Reading
from benchmarks.peers.process import PeerFailed, PeerUnavailable
from benchmarks.route_answers import LONGEST_HOPS, answers, arbitrage_in, percentile, prepared, with_gas
from benchmarks.route_bound import BoundQuestion, ask, curves_of
from benchmarks.route_markets import resized, synthetic
from oms.routing.allocation import GasCost
from oms.routing.prepared import PreparedMarket
from oms.routing.route import RouteTerms, sell
from oms.units import BPS

SIZES = (100, 1_000, 10_000)
SCALE_ORDERS = 60
SEED = 7_400_693
SYNTHETIC_ROUNDS = 31


def _less(key: str, unit: str, what: str, aim: float | None = None) -> Measure:
    return Measure(key=key, unit=unit, what=what, aim=aim, less_is_better=True)


EXPONENT = _less("route.scale.exponent", "", "slope of log time over log pools, 100 to 10,000 pools", 1.1)
MS_BY_SIZE = {
    size: _less(f"route.scale.{size}_ms", "ms", f"time of an order on {size:,} pools, median") for size in SIZES
}
PREPARE = _less("route.scale.prepare_ms", "ms", "preparing 10,000 pools, with prices without arbitrage")
SYNTHETIC_GAP = _less("route.synthetic.gap_bps", "bps", "40 pairs, 8 tokens, a large order: below the bound", 0.1)
SYNTHETIC_MS = _less("route.synthetic.ms", "ms", "plan and certificate there", 3)
SYNTHETIC_SCIPY = _less("route.synthetic.scipy_dual_ms", "ms", "scipy's L-BFGS-B on the same dual, no plan")
SYNTHETIC_CLARABEL = _less("route.synthetic.clarabel_ms", "ms", "Clarabel's own solve time of the primal, no plan")
_SYNTHETIC = (SYNTHETIC_GAP, SYNTHETIC_MS, SYNTHETIC_SCIPY, SYNTHETIC_CLARABEL)
MEASURES = (EXPONENT, *MS_BY_SIZE.values(), PREPARE, *_SYNTHETIC)


def measure(wanted: Sequence[Measure], findings: Findings, auction: Auction) -> None:
    """Measure what is wanted."""
    if not set(wanted).isdisjoint((EXPONENT, PREPARE, *MS_BY_SIZE.values())):
        _measure_scale(wanted, findings, auction)
    if not set(wanted).isdisjoint(_SYNTHETIC):
        _measure_synthetic(wanted, findings)


def _measure_scale(wanted: Sequence[Measure], findings: Findings, auction: Auction) -> None:
    readings: dict[Measure, float] = {}
    orders: list[AuctionOrder] = []
    told: list[str] = []
    for size in SIZES:
        sys.stderr.write(f"· route: {size:,} pools\n")
        pools = resized(auction.pools, size, seed=SEED)
        started = perf_counter()
        market = prepared(pools)
        left = arbitrage_in(market, auction.wrapped_native) / 1e18
        readings[PREPARE] = (perf_counter() - started) * 1e3
        told.append(f"{size:,}: {readings[PREPARE]:.0f} ms, {left:.3g} ETH of arbitrage")
        orders = orders or _fillable(market, auction)
        answers(market, orders, with_gas(auction))  # pools are walked once, when first needed
        gc.collect()
        times = [each.milliseconds for each in answers(market, map(_varied, orders), with_gas(auction))]
        readings[MS_BY_SIZE[size]] = percentile(times, 0.5)
    readings[EXPONENT] = _slope([(size, readings[MS_BY_SIZE[size]]) for size in SIZES])
    findings.readings += [Reading(each, readings[each]) for each in MEASURES if each in wanted and each in readings]
    findings.notes.append(
        f"route.scale: the same {len(orders)} orders, all filled on the 100 pools, at each size; prepared in "
        + ", ".join(told)
    )


def _fillable(market: PreparedMarket, auction: Auction) -> list[AuctionOrder]:
    """The first sales that the smallest market fills, each pair of tokens and amount once."""
    distinct = {(order.token_in, order.token_out, order.amount_in): order for order in auction.orders if order.sell}
    found = []
    for order in distinct.values():
        if answers(market, [order], with_gas(auction))[0].route is not None:
            found.append(order)
        if len(found) == SCALE_ORDERS:
            break
    return found


def _varied(order: AuctionOrder) -> AuctionOrder:
    """One per cent less: nothing is answered from what an equal order left behind."""
    return replace(order, amount_in=order.amount_in * 99 // 100 + 1)


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Least squares on logarithms."""
    xs, ys = [math.log(x) for x, _ in points], [math.log(y) for _, y in points]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / sum((x - mean_x) ** 2 for x in xs)


def _measure_synthetic(wanted: Sequence[Measure], findings: Findings) -> None:
    sys.stderr.write("· route: the synthetic market\n")
    case = synthetic()
    market = prepared(case.pools)
    terms = RouteTerms(GasCost(0.0), max_hops=LONGEST_HOPS)
    sell(market, case.token_in, case.token_out, case.amount_in // 2, terms)
    times, route = [], None
    for turn in range(SYNTHETIC_ROUNDS):
        started = perf_counter()
        found = sell(market, case.token_in, case.token_out, case.amount_in - turn, terms)
        times.append((perf_counter() - started) * 1e3)
        route = route or found
    if route is None:
        return
    readings = {SYNTHETIC_GAP: route.certificate.gap_bps, SYNTHETIC_MS: percentile(times, 0.5)}
    single = route.best_single.amount_out if route.best_single else 0
    findings.notes.append(
        f"route.synthetic: the best single path pays {(1 - single / route.certificate.bound) * BPS:.0f} bps below the "
        "bound"
    )
    unit = {
        token: case.amount_in * case.fair_prices[0] / price
        for token, price in zip(case.tokens, case.fair_prices, strict=True)
    }
    question = BoundQuestion(curves_of(case.pools), case.token_in, case.token_out, case.amount_in, unit, primal=True)
    try:
        _, solved = ask([question, question], Path(__file__).resolve().parents[1])  # the first one warms up
    except (PeerUnavailable, PeerFailed) as error:
        findings.notes.append(f"left out, no peer: {error}")
    else:
        readings[SYNTHETIC_SCIPY] = solved.dual_seconds * 1e3
        readings[SYNTHETIC_CLARABEL] = (solved.primal_seconds or 0.0) * 1e3
        optimum = solved.primal or solved.dual
        findings.notes.append(
            f"route.synthetic: the plan pays {(1 - route.allocation.amount_out / optimum) * BPS:.3g} bps less than "
            f"Clarabel's optimum; the bound is {(route.certificate.bound / optimum - 1) * BPS:.2g} bps from it"
        )
    findings.readings += [Reading(each, readings[each]) for each in _SYNTHETIC if each in wanted and each in readings]
