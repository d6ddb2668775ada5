"""Venues that a route leaves alone, nearest first, each with the reason.

Owns: comparing what is unused with the order's marginal rate after the plan. Must not: search anew, or print.

Every unused venue is given its best way: the best marginal rate from the order's input to its output through it, with
what the plan traded already traded. A way worse than the order's own marginal rate can only lose. A better one may
still not pay for its gas: `gain` is the most that the venue could add, since it lets the rest of its way trade without
moving its price, and never more than the gap. What remains is counted in the bound, and so in the gap.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from oms.application.explaining import Explanation, pool_price, states_after
from oms.liquidity.price_response import NEVER
from oms.routing.allocation import TRANSACTION_GAS
from oms.routing.edge_table import Floats
from oms.routing.market import BookEdge, Edge, FirmEdge, PoolEdge
from oms.routing.prepared import PreparedMarket
from oms.routing.route import RouteTerms
from oms.routing.search import Search
from oms.units import BPS, Address

_SAME = 1e-8
"""Log rates that differ by less are one price."""
_ROUNDING = 1e-3
_SHALLOW = 1e-7
"""Share of the output that is not worth a leg whatever gas costs."""


class WhyUnused(StrEnum):
    """Why a venue has no part in a route."""

    PRICE = "price"
    GAS = "gas"
    TOO_SHALLOW = "too shallow"
    CLOSES_A_CIRCLE = "closes a circle"
    SHARES_A_STATE = "shares a balance"
    ALL_OR_NOTHING = "all or nothing"
    NO_PATH = "no path"
    NO_PRICE = "no price"
    IN_THE_GAP = "in the gap"


@dataclass(frozen=True, slots=True)
class UnusedVenue:
    """One venue in its best direction. `rate` is base units of the order's output per base unit of its input.

    `behind_bps` is how far that is below the order's marginal rate, negative where it is above; `gain` the most that it
    could add before `gas_cost`, both in base units of the output. Without a way both are zero and `behind_bps` is None.
    """

    label: str
    token_in: Address
    token_out: Address
    why: WhyUnused
    rate: float = 0.0
    behind_bps: float | None = None
    gain: float = 0.0
    gas_cost: int = 0


@dataclass(frozen=True, slots=True)
class UnusedVenues:
    """The nearest ones, and of all of them how many there are for each reason."""

    nearest: tuple[UnusedVenue, ...]
    counts: Mapping[WhyUnused, int]

    @property
    def rest(self) -> int:
        """Those that are not among the nearest."""
        return sum(self.counts.values()) - len(self.nearest)


def unused_venues(
    explanation: Explanation, market: PreparedMarket, terms: RouteTerms, *, most: int = 10
) -> UnusedVenues:
    """Every venue of the market that the plan does not touch; `terms` are those that the route was searched with."""
    found = _Comparison(explanation, market, terms).venues()
    found.sort(key=lambda venue: math.inf if venue.behind_bps is None else venue.behind_bps)
    nearest = [venue for venue in found if venue.behind_bps is not None][:most]
    return UnusedVenues(tuple(nearest), Counter(venue.why for venue in found))


class _Comparison:
    def __init__(self, explanation: Explanation, market: PreparedMarket, terms: RouteTerms) -> None:
        self.explanation, self.table, self.terms = explanation, market.table, terms
        self.allocation = explanation.route.allocation
        self.used_states = {leg.edge.state_id for leg in explanation.legs}
        index = self.table.index
        self.source, self.target = index[explanation.token_in], index[explanation.token_out]
        self.log_prices = self._prices_after(market)
        search = Search(self.table, self.source, self.target, float(self.allocation.amount_in), max_hops=terms.max_hops)
        self.through = search.through(self.log_prices)

    def _prices_after(self, market: PreparedMarket) -> Floats:
        """Every edge's log price once the plan has traded: both directions of the pools that it moved."""
        states = states_after(self.allocation.legs, market)
        ends = {(leg.edge.state_id, leg.edge.token_in): leg.price_after for leg in self.explanation.legs}
        after = self.table.log_prices.copy()
        for number, edge in enumerate(self.table.edges):
            if edge.state_id not in self.used_states:
                continue
            if isinstance(edge, PoolEdge):
                price = pool_price(states[edge.state_id], edge.token_in, edge.token_out)
            else:
                price = ends.get((edge.state_id, edge.token_in), math.exp(after[number]))
            after[number] = math.log(price) if price > 0.0 else NEVER
        return after

    def venues(self) -> list[UnusedVenue]:
        """Every venue without a leg in the plan, in its best direction."""
        best: dict[tuple[str, str], UnusedVenue] = {}
        used = {(leg.edge.state_id, leg.edge.label) for leg in self.explanation.legs}
        for number, edge in enumerate(self.table.edges):
            venue = (edge.state_id, edge.label)
            if venue in used:
                continue
            judged = self._judged(number, edge)
            if venue not in best or judged.rate > best[venue].rate:
                best[venue] = judged
        return list(best.values())

    def _judged(self, number: int, edge: Edge) -> UnusedVenue:
        ends = (edge.label, edge.token_in, edge.token_out)
        if isinstance(edge, FirmEdge) and not edge.quote.partial_fill_allowed:
            return self._whole_quote(edge)
        if self.log_prices[number] == NEVER:
            return UnusedVenue(*ends, WhyUnused.NO_PRICE)
        log_rate = float(self.through[number])
        if log_rate == NEVER:
            return UnusedVenue(*ends, WhyUnused.NO_PATH)
        rate = math.exp(log_rate)
        behind = (1.0 - rate / self.explanation.rate) * BPS
        slack = log_rate - math.log(self.explanation.rate)
        if slack <= _SAME:
            return UnusedVenue(*ends, WhyUnused.PRICE, rate, behind)
        gain = self._gain(number, edge, slack)
        gas_cost = self.terms.gas_cost.of(self._gas(number, edge))
        return UnusedVenue(*ends, self._why(edge, gain, gas_cost), rate, behind, gain, gas_cost)

    def _gas(self, number: int, edge: Edge) -> int:
        """Gas of using the edge, and of a transaction where the plan has none yet."""
        fixed = 0 if self.allocation.gas or isinstance(edge, BookEdge) else TRANSACTION_GAS
        return int(self.table.gas[number]) + fixed

    def _why(self, edge: Edge, gain: float, gas_cost: int) -> WhyUnused:
        if edge.state_id in self.used_states:
            return WhyUnused.SHARES_A_STATE
        if self._goes_back(edge):
            return WhyUnused.CLOSES_A_CIRCLE
        if gain <= gas_cost:
            return WhyUnused.GAS
        return WhyUnused.TOO_SHALLOW if gain < _SHALLOW * self.allocation.amount_out else WhyUnused.IN_THE_GAP

    def _goes_back(self, edge: Edge) -> bool:
        """Whether the plan already sells the edge's output, by whatever way, for the edge's input."""
        wanted, reached = edge.token_in, {edge.token_out}
        for token in self.explanation.tokens:
            if token in reached:
                reached |= {leg.edge.token_out for leg in self.explanation.legs if leg.edge.token_in == token}
        return wanted in reached

    def _gain(self, number: int, edge: Edge, slack: float) -> float:
        """The most that trading the venue down to the marginal rate brings, in base units of the output."""
        trade = self.table.response(number).at(slack)
        last = math.exp(float(self.table.log_prices[number]) - slack)
        gain = self._value_out(edge, last) * (trade.amount_out - last * trade.amount_in)
        return min(gain, self._room())

    def _room(self) -> float:
        """What any plan could still add, by the bound; no limit where arbitrage stands beside it."""
        certificate = self.explanation.route.certificate
        if certificate.arbitrage:
            return math.inf
        return max(0.0, certificate.gap_bps) / BPS * self.allocation.amount_out * (1.0 + _ROUNDING) + 1.0

    def _value_out(self, edge: Edge, last: float) -> float:
        """What a base unit of the edge's output is worth: at the plan's prices if in play, else at the market's."""
        values = self.explanation.values
        if edge.token_out in values:
            return values[edge.token_out]
        if edge.token_in in values:
            return values[edge.token_in] / last
        logs, index = self.table.log_values, self.table.index
        out, target = float(logs[index[edge.token_out]]), float(logs[self.target])
        return math.exp(out - target) if out > NEVER and target > NEVER else 0.0

    def _whole_quote(self, edge: FirmEdge) -> UnusedVenue:
        """A quote that can only be had whole, by its own price where it joins tokens in play."""
        quote, values = edge.quote, self.explanation.values
        ends = (edge.label, edge.token_in, edge.token_out)
        if not (quote.taker_amount and edge.token_in in values and edge.token_out in values):
            return UnusedVenue(*ends, WhyUnused.NO_PATH)
        par = values[edge.token_in] / values[edge.token_out] if values[edge.token_out] else math.inf
        price = quote.maker_amount / quote.taker_amount
        why = WhyUnused.ALL_OR_NOTHING if price > par else WhyUnused.PRICE
        rate = self.explanation.rate * price / par if par else 0.0
        return UnusedVenue(*ends, why, rate, (1.0 - rate / self.explanation.rate) * BPS)
