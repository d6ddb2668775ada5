"""Which edges are worth their gas: the search's split, thinned and grown until the net result stops improving.

Owns: fixed costs. Must not: round, or settle.

With a cost per use the problem isn't convex and its optimum can't be had for certain (Angeris et al. 2021, section 6).
So: start from the best path for the whole order, gas counted; add paths that sell a chunk for more than the marginal
rate after paying for their own edges; drop edges whose surplus over the marginal rate does not pay for them. What an
edge's surplus is, is also the least that dropping it costs, so edges that earn more than their gas are never tried.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from oms.liquidity.price_response import NEVER
from oms.routing.edge_table import EdgeTable, Floats
from oms.routing.search import Balance, Search

CHUNKS = (0.5, 0.15, 0.04, 0.012, 0.004)
MAX_ROUNDS = 8
MAX_DROPS = 24
CANDIDATES = 6
"""Single paths compared in floats; two go on to be settled."""
PATHS_A_ROUND = 3
DEEP_SHARE = 0.7
"""An order that brings less of its worth than this is large for its market: values no longer say what arrives."""
_NEAR = 1e-3
"""Share of its net result by which a single path may be behind the best and still be settled."""
_SECANTS = 6
_WORTH = 1e-7


@dataclass(frozen=True, slots=True)
class Costed:
    """A balance and what it is worth after gas: output less gas for a sale, less (input plus gas) for a purchase."""

    balance: Balance
    net: float


class Selection:
    """One order's choice. `gas_out` is what the use of each edge costs, in output units."""

    def __init__(self, search: Search, gas_out: Floats, kink_out: Floats) -> None:
        """`kink_out` is what each tick crossed costs more. Nothing is computed yet."""
        self.search, self.gas_out, self.kink_out = search, gas_out, kink_out
        self.usable = search.open_prices.copy()
        self.expected_out = search.expected_out()

    def singles(self, count: int) -> list[tuple[int, ...]]:
        """Single paths for the whole order, by their net result in floats, best first."""
        search = self.search
        sized = search.sized(self.usable, 1.0)
        shorter = range(min(2, search.max_hops), search.max_hops + 1)
        paths = search.best_paths(self._surcharged(sized, (), 1.0), CANDIDATES, hops=shorter)
        paths += search.best_paths(sized, CANDIDATES) + self._direct(sized)
        nets = {path: self._alone(path) for path in dict.fromkeys(paths)}
        best = sorted(nets, key=lambda path: nets[path], reverse=True)[:count]
        best = [path for path in best if nets[path] >= nets[best[0]] - _NEAR * abs(nets[best[0]])]
        if search.buying or (best and nets[best[0]] > DEEP_SHARE * self.expected_out):
            return best
        pushed = search.pushed_path()
        return [pushed, *best][:count] if pushed else best

    def best(self, seeds: Sequence[Sequence[int]], ideal: Balance) -> Costed | None:
        """The best net balance found from each of the seeds, and from the optimum without gas where that may pay."""
        found = [self._improved(self.costed(self.search.balanced(seed))) for seed in seeds]
        nets = [entry.net for entry in found if entry.balance.unfilled < 1e-9]
        if ideal.flows and (not nets or self.costed(ideal).net > max(nets)):
            found.append(self._thinned(self.costed(self.search.balanced(ideal.flows))))
        filled = [entry for entry in found if entry.balance.unfilled < 1e-9]
        return max(filled or found, key=lambda entry: entry.net, default=None)

    def _direct(self, sized: Floats) -> list[tuple[int, ...]]:
        """The venues that join the two ends themselves, the best few at this size: the cheapest in gas."""
        search = self.search
        numbers = [n for n in search.market.leaving(search.source) if search.market.targets[n] == search.target]
        return [(number,) for number in sorted(numbers, key=lambda n: float(sized[n]), reverse=True)[:CANDIDATES]]

    def _alone(self, path: Sequence[int]) -> float:
        """A path's net result with the whole order, in output units for a sale, in input units for a purchase."""
        market, search = self.search.market, self.search
        given = path_cost(market, path, search.amount) if search.buying else search.amount
        amount, gas = given, 0.0
        for number in path:
            response = market.response(number)
            gas += self._gas_of(number, response.fall_after(amount)) if self.kink_out[number] else self.gas_out[number]
            amount = response.sold(amount)
        if not search.buying:
            return amount - gas if amount else -math.inf
        return -given * (1.0 + gas / search.amount)

    def _improved(self, best: Costed) -> Costed:
        for chunk in CHUNKS:
            for _ in range(0 if self.search.is_over() else MAX_ROUNDS):
                grown = self._grown(best, chunk)
                if grown is None:
                    break
                best = grown
        return self._thinned(best)

    def _grown(self, best: Costed, chunk: float) -> Costed | None:
        """With the edges that pay for themselves on a chunk; `None` where that does not help."""
        balance, search = best.balance, self.search
        prices = np.where(self.usable > NEVER, balance.log_prices, NEVER)
        used = list(balance.flows)
        sized = self._surcharged(search.sized(prices, chunk), used, chunk)
        new = self._on_better_paths(sized, balance)
        accepted = search.market.in_order(used, new)
        self.usable[list(set(new).difference(accepted))] = NEVER
        if not accepted:
            return None
        grown = self._thinned(self.costed(search.balanced(used + accepted, near=balance)))
        if grown.net > best.net + abs(best.net) * _WORTH or best.balance.unfilled > 1e-9:
            return grown
        return None

    def _on_better_paths(self, sized: Floats, balance: Balance) -> list[int]:
        """Edges not in use of the few best paths that beat the marginal rate at these prices."""
        found: dict[int, None] = {}
        for path in self.search.best_paths(sized, PATHS_A_ROUND, above=balance.level + _WORTH):
            found.update(dict.fromkeys(number for number in path if number not in balance.flows))
        return list(found)

    def _thinned(self, best: Costed) -> Costed:
        """Without the edges that do not pay for themselves, or with cheaper ones in their place.

        An order that is not filled yet needs all that it has.
        """
        if best.balance.unfilled > 1e-9:
            return best
        kept: set[int] = set()
        for _ in range(MAX_DROPS):
            surpluses = self._surpluses(best.balance)
            unpaid = {
                number: self._gas_of(number, best.balance.flows[number].fall) - surplus
                for number, surplus in surpluses.items()
                if number not in kept
            }
            unpaid = {number: loss for number, loss in unpaid.items() if loss > 0.0}
            if not unpaid or len(best.balance.flows) < 2 or self.search.is_over():
                break
            dropped = max(unpaid, key=lambda number: unpaid[number])
            thinner = self._without(best.balance, dropped)
            if thinner is not None and thinner.net > best.net and thinner.balance.unfilled <= 1e-9:
                best = thinner
            else:
                kept.add(dropped)
        return best

    def _without(self, balance: Balance, dropped: int) -> Costed | None:
        """The better of going without an edge and of putting the path in its place that costs least with gas."""
        search = self.search
        left = [number for number in balance.flows if number != dropped]
        thinner = self.costed(search.balanced(left, near=balance)) if left else None
        prices = np.where(self.usable > NEVER, balance.log_prices, NEVER)
        prices[dropped] = NEVER
        share = self._share(balance, dropped)
        path = search.first_path(self._surcharged(search.sized(prices, share), left, share))
        accepted = search.market.in_order(left, [number for number in path if number not in left])
        if not accepted:
            return thinner
        swapped = self.costed(search.balanced(left + accepted, near=balance))
        if thinner is None or thinner.balance.unfilled > 1e-9 or swapped.net > thinner.net:
            return swapped
        return thinner

    def _share(self, balance: Balance, number: int) -> float:
        """About what share of the order an edge carries, in steps so that prices by size are found again."""
        market = self.search.market
        leaving = [n for n in balance.flows if market.sources[n] == market.sources[number]]
        carried = sum(balance.flows[n].amount_in for n in leaving)
        share = balance.flows[number].amount_in / carried if carried else 1.0
        return max((chunk for chunk in (1.0, *CHUNKS) if chunk <= share), default=CHUNKS[-1])

    def _gas_of(self, number: int, fall: float) -> float:
        """An edge's gas at a fall, in output units: ticks crossed cost extra."""
        kinks = self.search.market.response(number).kinks(fall) if self.kink_out[number] else 0
        return float(self.gas_out[number] + kinks * self.kink_out[number])

    def _surpluses(self, balance: Balance) -> dict[int, float]:
        """What each used edge pays over its own marginal price, in output units."""
        market = self.search.market
        anchor = balance.bases[self.search.target] + balance.shifts[self.search.target]
        found = {}
        for number, flow in balance.flows.items():
            head = int(market.targets[number])
            price = math.exp(balance.bases[head] + balance.shifts[head] - anchor)
            marginal = math.exp(float(market.log_prices[number]) - flow.fall)
            found[number] = price * (flow.amount_out - marginal * flow.amount_in)
        return found

    def costed(self, balance: Balance) -> Costed:
        """A balance with what it is worth after its edges' gas."""
        gas = sum(self._gas_of(number, flow.fall) for number, flow in balance.flows.items())
        if self.search.buying:
            return Costed(balance, -(balance.amount_in + gas * math.exp(-balance.level)))
        return Costed(balance, balance.amount_out - gas)

    def _surcharged(self, log_prices: Floats, used: Sequence[int], chunk: float) -> Floats:
        """Log prices after each unused edge's gas, as a share of what a chunk of the order brings."""
        share = self.gas_out / (self.expected_out * chunk)
        share[list(used)] = 0.0
        surcharged: Floats = log_prices + np.log1p(-np.minimum(share, 0.999999))
        return surcharged


def path_sold(market: EdgeTable, path: Sequence[int], amount_in: float) -> float:
    """What a path alone brings, in floats; zero where it refuses."""
    amount = amount_in
    for number in path:
        amount = market.response(number).sold(amount)
    return amount


def path_cost(market: EdgeTable, path: Sequence[int], amount_out: float) -> float:
    """About what a path alone takes to pay an output, in floats; infinite where it can't."""
    given = amount_out * math.exp(-sum(float(market.log_prices[number]) for number in path))
    for _ in range(_SECANTS):
        paid = path_sold(market, path, given)
        if not paid:
            return math.inf
        given *= amount_out / paid
    return given
