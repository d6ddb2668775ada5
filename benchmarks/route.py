"""The router on a recorded auction of 974 pools and 844 orders: speed, distance from the bound, and beside tines.

Owns: what is measured on the auction itself. Must not: know how a route is found.

Orders are filled whole, whatever their limit prices. Gas is priced by the auction's gas price and the native price of
each order's output token. Distances from the bound are taken at a gas price of zero (with gas the problem is not
convex), on the auction with its free arbitrage traded away, and beside it on the auction as it stands.
"""

import gc
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import perf_counter

from benchmarks import route_checks, route_cycles, route_scale
from benchmarks.auction import FILE, Auction, AuctionOrder
from benchmarks.measures import Findings, Measure, Reading
from benchmarks.peers.process import PeerFailed, PeerUnavailable
from benchmarks.route_answers import (
    LONGEST_HOPS,
    Answer,
    answers,
    arbitrage_in,
    as_sale,
    flattened,
    percentile,
    pools_in,
    prepared,
    with_gas,
    without_gas,
)
from benchmarks.route_replay import ReplayFailed, by_id, mismatch, peer_outcome
from benchmarks.route_tines import FAMILIES, Tines, TinesMode, TinesRoute
from oms.errors import QuoteRefused
from oms.liquidity.pool import Pool
from oms.routing.prepared import PreparedMarket
from oms.routing.route import Route
from oms.units import BPS, Address

GROSS_HOPS = 5
"""tines knows no longest path: its merged flows go over up to nine pools."""
TIMED_AT_100_FLOWS = 8
"""Every eighth order is timed anew at 100 flows: the whole takes 40 s."""


def _less(key: str, unit: str, what: str, aim: float | None = None) -> Measure:
    return Measure(key=key, unit=unit, what=what, aim=aim, less_is_better=True)


def _more(key: str, unit: str, what: str, aim: float | None = None) -> Measure:
    return Measure(key=key, unit=unit, what=what, aim=aim)


ORDERS_PER_S = _more("route.cow.orders_per_s", "orders/s", "844 orders over 974 pools, split, ≤ 3 hops, one core", 200)
P50_MS = _less("route.cow.p50_ms", "ms", "time of an order there, median")
P99_MS = _less("route.cow.p99_ms", "ms", "time of an order there, 99th percentile")
COVERAGE = _more("route.cow.coverage", "share", "orders filled whole, of all 844")
GAP_P50 = _less("route.cow.gap_bps_p50", "bps", "below the bound, flattened auction, gas price zero, median", 0.1)
GAP_P95 = _less("route.cow.gap_bps_p95", "bps", "95th percentile of it", 2)
UNTOUCHED_P50 = _less("route.cow.untouched_gap_bps_p50", "bps", "the same on the auction as it stands, median")
UNTOUCHED_P95 = _less("route.cow.untouched_gap_bps_p95", "bps", "95th percentile of it")
ARBITRAGE = _less("route.cow.arbitrage_bps_p50", "bps", "the auction's free arbitrage, of an order's output, median")
GAIN_P50 = _more("route.cow.gain_vs_single_bps_p50", "bps", "net of gas above the best single path, median")
GAIN_P95 = _more("route.cow.gain_vs_single_bps_p95", "bps", "95th percentile of it")
MISMATCHES = _less("route.cow.replay_mismatches", "plans", "plans whose amounts differ when run again, all passes", 0)
NOT_WORSE = _more(
    "route.cow.not_worse_than_tines", "share", "net out at the auction's gas price ≥ tines', 800 pools", 0.99
)
NOT_WORSE_GROSS = _more(
    "route.cow.not_worse_than_tines_gross",
    "share",
    "gross out without gas ≥ tines' of 100 flows (up to 9 hops; ours 5), 800 pools",
    0.99,
)
TINES_PER_S = _more("route.tines.orders_per_s", "orders/s", "tines 1.0.11, its own flow count, the auction's gas price")
TINES_P50 = _less("route.tines.p50_ms", "ms", "time of an order there, median")
TINES_100_PER_S = _more("route.tines.flows100_orders_per_s", "orders/s", "tines at 100 flows, gas price zero")
_OWN = (
    ORDERS_PER_S, P50_MS, P99_MS, COVERAGE, GAP_P50, GAP_P95, UNTOUCHED_P50, UNTOUCHED_P95, ARBITRAGE,
    GAIN_P50, GAIN_P95, MISMATCHES, NOT_WORSE, NOT_WORSE_GROSS, TINES_PER_S, TINES_P50, TINES_100_PER_S,
)  # fmt: skip
MEASURES = (*_OWN, *route_checks.MEASURES, *route_scale.MEASURES, *route_cycles.MEASURES)


def measure(wanted: Sequence[Measure], findings: Findings, *, project: Path, data: Path) -> None:
    """Measure what is wanted of this group; what cannot be measured becomes a note."""
    if not (data / FILE).is_file():
        findings.notes.append(f"route.*: no recorded auction at {data / FILE}; set OMS_DATA to where it is")
        return
    bench = RouteBench(Auction.load(data), findings, frozenset(wanted))
    if bench.wants(ORDERS_PER_S, P50_MS, P99_MS, COVERAGE, GAIN_P50, GAIN_P95, MISMATCHES):
        bench.measure_with_gas()
    if bench.wants(GAP_P50, GAP_P95, MISMATCHES):
        bench.measure_flattened()
    if bench.wants(UNTOUCHED_P50, UNTOUCHED_P95, ARBITRAGE, MISMATCHES):
        bench.measure_untouched()
    if bench.wants(MISMATCHES):
        bench.report(MISMATCHES, len(bench.mismatches))
        findings.notes += [f"replay: {text}" for text in bench.mismatches[:3]]
    if bench.wants(NOT_WORSE, NOT_WORSE_GROSS, TINES_PER_S, TINES_P50, TINES_100_PER_S):
        _beside(lambda: bench.measure_tines(Tines(project, bench.auction)), findings)
    checks = [each for each in route_checks.MEASURES if each in wanted]
    if checks:
        _beside(lambda: route_checks.measure(checks, findings, bench.auction, bench.flat, project=project), findings)
    scales = [each for each in route_scale.MEASURES if each in wanted]
    if scales:
        route_scale.measure(scales, findings, bench.auction)
    if route_cycles.CYCLES in wanted:
        _beside(lambda: route_cycles.measure(findings, bench.auction, project=project), findings)


def _beside(run: Callable[[], None], findings: Findings) -> None:
    try:
        run()
    except PeerUnavailable as error:
        findings.notes.append(f"left out, no peer: {error}")
    except PeerFailed as error:
        findings.errors.append(f"route: {error}")


class RouteBench:
    """One run: the auction, its markets, and what was found."""

    def __init__(self, auction: Auction, findings: Findings, wanted: frozenset[Measure]) -> None:
        self.auction = auction
        self.findings = findings
        self.mismatches: list[str] = []
        self._wanted = wanted

    def wants(self, *measures: Measure) -> bool:
        """Whether any of these is wanted."""
        return not self._wanted.isdisjoint(measures)

    def report(self, measure: Measure, value: float) -> None:
        """Keep a reading, if it is wanted."""
        if measure in self._wanted:
            self.findings.readings.append(Reading(measure, value))

    def note(self, text: str) -> None:
        """Keep a note."""
        self.findings.notes.append(text)

    @cached_property
    def whole(self) -> PreparedMarket:
        """All pools as they stand."""
        return prepared(self.auction.pools)

    @cached_property
    def flat(self) -> PreparedMarket:
        """All pools after their free arbitrage was traded away."""
        _progress("trading the auction's free arbitrage away")
        return flattened(self.whole)

    def measure_with_gas(self) -> None:
        """Speed, coverage and the gain over one path, with gas; the market is fresh, as after a block."""
        _progress("844 orders at the auction's gas price")
        gc.collect()
        started = perf_counter()
        market = prepared(self.auction.pools)
        preparing, started = perf_counter() - started, perf_counter()
        earned = arbitrage_in(market, self.auction.wrapped_native) / 1e18
        flattening = perf_counter() - started
        found = answers(market, self.auction.orders, with_gas(self.auction))
        times = [answer.milliseconds for answer in found]
        self.report(ORDERS_PER_S, len(times) / sum(times) * 1e3)
        self.report(P50_MS, percentile(times, 0.5))
        self.report(P99_MS, percentile(times, 0.99))
        filled = [answer for answer in found if answer.route]
        self.report(COVERAGE, len(filled) / len(found))
        reachable = sum(_is_reachable(self.auction, order) for order in self.auction.orders)
        self.note(
            f"route.cow.*: a block's preparation is apart: {preparing * 1e3:.0f} ms for the table, "
            f"{flattening * 1e3:.0f} ms for prices without arbitrage, which is worth {earned:.4f} ETH; {len(filled)} "
            f"of {len(found)} orders filled, {reachable} have a path of ≤ 3 hops at all; refusals: {_counted(found)}"
        )
        gains = [_gain_bps(route) for answer in filled if (route := answer.route)]
        self.report(GAIN_P50, percentile(gains, 0.5))
        self.report(GAIN_P95, percentile(gains, 0.95))
        self._replay("with gas", by_id(self.auction.pools), found)

    def measure_flattened(self) -> None:
        """Distance from the bound, with nothing to be had for free."""
        market = self.flat
        _progress("844 orders on the flattened auction, gas price zero")
        found = answers(market, self.auction.orders, without_gas())
        gaps = _gaps(found)
        self.report(GAP_P50, percentile(gaps, 0.5))
        self.report(GAP_P95, percentile(gaps, 0.95))
        self._note_gaps("flattened", found)
        self._replay("flattened", _states(market), found)

    def measure_untouched(self) -> None:
        """The same as the auction stands, its arbitrage apart."""
        _progress("844 orders on the auction as it stands, gas price zero")
        found = answers(self.whole, self.auction.orders, without_gas())
        gaps = _gaps(found)
        self.report(UNTOUCHED_P50, percentile(gaps, 0.5))
        self.report(UNTOUCHED_P95, percentile(gaps, 0.95))
        self.report(ARBITRAGE, percentile([_arbitrage_bps(a) for a in found if a.route], 0.5))
        self._note_gaps("untouched", found)
        self._replay("untouched", by_id(self.auction.pools), found)

    def measure_tines(self, tines: Tines) -> None:
        """Both of its modes, order by order, over the pools that it knows."""
        pools = self.auction.pools_of(*FAMILIES)
        market, states = prepared(pools), by_id(pools)
        sales = [as_sale(order) for order in self.auction.orders]
        automatic = TinesMode("auto", self.auction.gas_price_wei, None)
        fine = TinesMode("flows100", 0, 100)
        if self.wants(TINES_PER_S, TINES_P50):
            _progress("tines, automatic flows")
            times = tines.milliseconds(sales, automatic)
            self.report(TINES_PER_S, len(times) / sum(times) * 1e3)
            self.report(TINES_P50, percentile(times, 0.5))
        if self.wants(TINES_100_PER_S):
            times = tines.milliseconds(sales[::TIMED_AT_100_FLOWS], fine)
            self.report(TINES_100_PER_S, len(times) / sum(times) * 1e3)
        for measure, mode, terms in (
            (NOT_WORSE, automatic, with_gas(self.auction, max_hops=LONGEST_HOPS)),
            (NOT_WORSE_GROSS, fine, without_gas(max_hops=GROSS_HOPS)),
        ):
            if not self.wants(measure):
                continue
            _progress(f"ours and tines' routes, {mode.name} (tines' are kept from the first run, 45 s)")
            theirs = tines.routes(sales, mode)
            distinct = {_asked(order): order for order in sales}
            ours = {_asked(answer.order): answer for answer in answers(market, distinct.values(), terms)}
            pairs = [
                Pair(ours[_asked(order)], other, net)
                for order, other in zip(sales, theirs, strict=True)
                if (net := _net_of(states, other, order, self.auction, gas=bool(mode.gas_price_wei))) is not None
            ]
            self.report(measure, sum(pair.not_worse for pair in pairs) / len(pairs))
            self.note(_tines_note(mode, pairs))

    def _replay(self, name: str, pools: Mapping[str, Pool], found: Iterable[Answer]) -> None:
        for answer in found:
            if answer.route is None:
                continue
            plan, order = answer.route.allocation, answer.order
            given = order.amount_in if order.sell else plan.amount_in
            try:
                problem = mismatch(pools, plan, token_in=order.token_in, token_out=order.token_out, amount_in=given)
            except (QuoteRefused, ReplayFailed) as error:
                problem = str(error)
            if not problem and not order.sell and plan.amount_out < order.amount_out:
                problem = f"buys {plan.amount_out} of {order.amount_out}"
            if problem:
                self.mismatches.append(f"{name}, order {order.index}: {problem}")

    def _note_gaps(self, name: str, found: Sequence[Answer]) -> None:
        reasons = Counter(
            answer.route.certificate.reason or "unexplained"
            for answer in found
            if answer.route and answer.route.certificate.gap_bps > 1
        )
        told = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common()) or "none"
        self.note(f"{name}: {len(_gaps(found))} orders filled; gaps above 1 bp: {told}")


@dataclass(frozen=True, slots=True)
class Pair:
    """Our answer and tines' to one order, and what tines' really pays: net or gross, as the mode has it."""

    ours: Answer
    theirs: TinesRoute
    paid: int

    @property
    def our_net(self) -> int | None:
        """Ours after gas, which is at a price of zero in the gross mode."""
        return self.ours.route.allocation.net_out if self.ours.route else None

    @property
    def not_worse(self) -> bool:
        """Ours is filled, and pays at least as much."""
        return self.our_net is not None and self.our_net >= self.paid


def _asked(order: AuctionOrder) -> tuple[Address, Address, int]:
    """What a sale asks; 301 of the 844 ask what another does."""
    return order.token_in, order.token_out, order.amount_in


def _net_of(
    states: Mapping[str, Pool], theirs: TinesRoute, order: AuctionOrder, auction: Auction, *, gas: bool
) -> int | None:
    """What tines' route pays in integers, by our figures of gas; `None` where it does not fill the order."""
    if not theirs.full:
        return None
    token_in, token_out = order.token_in, order.token_out
    try:
        paid, burnt = peer_outcome(
            states, theirs.legs, token_in=token_in, token_out=token_out, amount_in=order.amount_in
        )
    except (QuoteRefused, ReplayFailed):
        return None
    return paid - with_gas(auction)(order).gas_cost.of(burnt) if gas else paid


def _tines_note(mode: TinesMode, pairs: Sequence[Pair]) -> str:
    worse = [pair for pair in pairs if not pair.not_worse]
    better = sum(pair.our_net is not None and pair.our_net > pair.paid for pair in pairs)
    unfilled = sum(pair.our_net is None for pair in pairs)
    claimed = sum(
        (route := pair.ours.route) is not None
        and (route.allocation.net_out >= pair.theirs.claimed_net_out if mode.gas_price_wei else True)
        and (route.allocation.amount_out >= pair.theirs.claimed_out * (1 - 1e-9) if not mode.gas_price_wei else True)
        for pair in pairs
    )
    rule = "net of gas by our figures for both" if mode.gas_price_wei else "gross"
    return (
        f"tines {mode.name}: {len(pairs)} of 844 orders filled whole by it (all as sales of their amount in); its legs "
        f"run again in our integers, {rule}; ours better {better}, worse {len(worse)} (of these unfilled {unfilled}); "
        f"against its own claims, its own gas figures, not worse in {claimed}"
    )


def _states(market: PreparedMarket) -> Mapping[str, Pool]:
    return by_id(pools_in(market))


def _gaps(found: Iterable[Answer]) -> list[float]:
    return [answer.route.certificate.gap_bps for answer in found if answer.route]


def _arbitrage_bps(answer: Answer) -> float:
    """The free arbitrage as a share of what the order moves, in the token that the certificate counts in."""
    if answer.route is None:
        return 0.0
    plan = answer.route.allocation
    moved = plan.amount_out if answer.order.sell else plan.amount_in
    return answer.route.certificate.arbitrage / moved * BPS


def _gain_bps(route: Route) -> float:
    """Net output above the best single path's, as a share of its gross output; a purchase's by what it pays."""
    single, plan = route.best_single, route.allocation
    if single is None:
        return 0.0
    if single.amount_in == plan.amount_in:
        return (plan.net_out - single.net_out) / single.amount_out * BPS
    gas_saved = (single.amount_out - single.net_out) - (plan.amount_out - plan.net_out)
    return ((single.amount_in - plan.amount_in) / single.amount_in + gas_saved / plan.amount_out) * BPS


def _is_reachable(auction: Auction, order: AuctionOrder) -> bool:
    reached = {order.token_in}
    neighbours: dict[Address, set[Address]] = {}
    for listed in auction.pools:
        for token in listed.key.tokens:
            neighbours.setdefault(token, set()).update(listed.key.tokens)
    for _ in range(3):
        reached |= {near for token in reached for near in neighbours.get(token, ())}
    return order.token_out in reached


def _counted(found: Iterable[Answer]) -> str:
    reasons = Counter(answer.refusal.split(":")[0] for answer in found if not answer.route)
    return ", ".join(f"{count} {reason}" for reason, count in reasons.most_common()) or "none"


def _progress(text: str) -> None:
    sys.stderr.write(f"· route: {text}\n")
