"""Circles of venues that pay for themselves: from a token through others and back to it, net of gas.

Owns: finding them, their best sizes, and their exact amounts, each on the state that the better ones before it left.
Must not: settle, or split one circle over venues; parallel venues are circles of their own, later in the list.

The dual at size zero prices every token such that no venue pays (`flatten`). At these prices a circle earns at most
what its venues lose to them (`surplus`: weak duality for those venues alone), and an edge that loses nothing may be
part of a circle but can't be what pays for it. So the search starts from the edges that lose most, closes each by the
best rates on either side, and a circle whose venues together lose less than its gas is never looked at.

A plan of the executor sells one token for another and its legs can't buy back what is sold (`plan_codec`, "sells the
result or buys what is sold"): a circle is no such plan. It can be settled leg by leg, which isn't atomic.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from oms.domain.plans import Spend, SpendKind
from oms.errors import QuoteRefused, Refusal
from oms.liquidity.listing import ListedPool
from oms.liquidity.pool import Pool
from oms.liquidity.price_response import NEVER
from oms.routing.allocation import FREE_GAS, GasCost, LegFill, allocation_gas
from oms.routing.edge_table import EdgeTable, Floats
from oms.routing.flatten import FlatMarket
from oms.routing.market import PoolEdge, fill
from oms.routing.prepared import PreparedMarket
from oms.routing.search import never
from oms.routing.surplus import losses
from oms.units import Address

MAX_HOPS = 5
SEEDS = 24
"""Losing edges from which circles are closed in one round."""
CHUNKS = (1.0, 0.1, 0.01)
"""Shares of a seed's own trade for which the other edges of its circle are chosen."""
_HALVINGS = 64


@dataclass(frozen=True, slots=True)
class CycleTerms:
    """What a circle may be. `gas_cost` is in base units of the start token; it must earn more than `least_profit`."""

    gas_cost: GasCost = FREE_GAS
    max_hops: int = 4
    least_profit: int = 0
    max_cycles: int = 16
    is_over: Callable[[], bool] = field(default=never)


@dataclass(frozen=True, slots=True)
class Cycle:
    """Legs from the start token back to it, each selling all that the one before brought. Base units of that token."""

    legs: tuple[LegFill, ...]
    gas: int
    gas_cost: int

    @property
    def amount_in(self) -> int:
        """What the first leg sells."""
        return self.legs[0].amount_in

    @property
    def amount_out(self) -> int:
        """What the last leg brings."""
        return self.legs[-1].amount_out

    @property
    def profit(self) -> int:
        """Before gas."""
        return self.amount_out - self.amount_in

    @property
    def net_profit(self) -> int:
        """After gas; more than zero in everything that `profitable_cycles` finds."""
        return self.profit - self.gas_cost


@dataclass(frozen=True, slots=True)
class CyclesFound:
    """Circles in the order in which they were found, each on the state that the ones before it left.

    `arbitrage` is what the dual earns with all venues of the market together, gas apart, in base units of `start`:
    no set of circles through any token brings more. `after` is the market once all of them are done.
    """

    start: Address
    cycles: tuple[Cycle, ...]
    arbitrage: int
    after: PreparedMarket

    @property
    def profit(self) -> int:
        """Of all circles, before gas."""
        return sum(cycle.profit for cycle in self.cycles)

    @property
    def net_profit(self) -> int:
        """Of all circles, after gas."""
        return sum(cycle.net_profit for cycle in self.cycles)


def profitable_cycles(market: PreparedMarket, start: Address, terms: CycleTerms) -> CyclesFound:
    """Circles through `start` that earn more than their gas, the best of those in reach first.

    Only pools are traded with: a maker's or a book's price isn't there for whoever takes it against others. Raises
    `QuoteRefused` where no pool trades the token.
    """
    if not 2 <= terms.max_hops <= MAX_HOPS:
        raise QuoteRefused(Refusal.NO_PATH, f"a circle has 2 to {MAX_HOPS} hops")
    if start not in market.table.index:
        raise QuoteRefused(Refusal.UNKNOWN_TOKEN, "no pool here trades it; choose another start")
    flat, table = market.flat, market.table
    number = table.index[start]
    found: list[Cycle] = []
    while len(found) < terms.max_cycles and not terms.is_over():
        best = _Hunt(table, flat, number, terms).best()
        if best is None:
            break
        found.append(best)
        table = _after(table, best)
    after = market if not found else PreparedMarket(table, near=flat.log_values)
    return CyclesFound(start, tuple(found), math.ceil(flat.arbitrage(number)), after)


class _Hunt:
    """One round: the best circle on one state of the market."""

    def __init__(self, table: EdgeTable, flat: FlatMarket, start: int, terms: CycleTerms) -> None:
        self.table, self.start, self.terms = table, start, terms
        self.log_values = flat.log_values
        self.prices = np.where(table.is_pool, table.log_prices, NEVER)
        worth = float(flat.log_values[start])
        self.per_unit = math.exp(-worth) if worth > NEVER else 0.0
        found = losses(table, flat.log_values, pools_only=True, part=int(table.roots[start]))
        self.lost = dict(zip(found.numbers.tolist(), (found.amounts * self.per_unit).tolist(), strict=True))

    def best(self) -> Cycle | None:
        """The circle with the largest profit after gas, in integers; `None` where none has any."""
        best: Cycle | None = None
        for path in sorted(self._candidates(), key=self._most, reverse=True):
            if best is not None and self._most(path) <= best.net_profit:
                break
            cycle = self._exact(path)
            if cycle is not None and (best is None or cycle.net_profit > best.net_profit):
                best = cycle
        return best

    def _most(self, path: Sequence[int]) -> float:
        """No size of this circle earns more: what its venues lose to the common prices, less about its gas."""
        return math.fsum(self.lost.get(number, 0.0) for number in path) - self._gas(path)

    def _gas(self, path: Sequence[int]) -> float:
        """About its gas, on the low side: legs alone, without the transaction."""
        gas = math.fsum(self.table.gas[list(path)].tolist())
        return gas * self.terms.gas_cost.out_per_gas * 0.5

    def _candidates(self) -> Iterable[tuple[int, ...]]:
        seeds = sorted(self.lost, key=lambda number: -self.lost[number])
        found: dict[tuple[int, ...], None] = {}
        for seed in [number for number in seeds if self.prices[number] > NEVER][:SEEDS]:
            for chunk in CHUNKS:
                for path in self._through(seed, self._sized(seed, chunk)):
                    if self._most(path) > self.terms.least_profit:
                        found[path] = None
        return found

    def _sized(self, seed: int, chunk: float) -> Floats:
        """About the average log prices of all edges for this share of what the seed would trade at the flat prices."""
        table, values = self.table, self.log_values
        tail, head = int(table.sources[seed]), int(table.targets[seed])
        fall = float(table.log_prices[seed] + values[head] - values[tail])
        traded = chunk * table.response(seed).at(fall).amount_in
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            asked = traded * np.exp(values[tail] - values[table.sources])
            sized = self.prices - np.log1p(asked / table.depths)
        return np.where(np.isnan(sized), NEVER, sized)

    def _through(self, seed: int, prices: Floats) -> Iterable[tuple[int, ...]]:
        """Circles through the seed with the best rates on both sides, one for each way to share the hops."""
        table, hops = self.table, self.terms.max_hops
        tail, head = int(table.sources[seed]), int(table.targets[seed])
        taken = {table.edges[seed].state_id}
        for before in range(hops):
            if (before == 0) != (tail == self.start):
                continue
            first = self._joined(self.start, tail, before, prices, taken, {head} - {self.start})
            if first is None:
                continue
            used = taken | {table.edges[number].state_id for number in first}
            passed = {int(table.sources[number]) for number in first} | {tail}
            last = self._joined(head, self.start, hops - 1 - before, prices, used, passed - {self.start})
            if last is not None:
                yield (*first, seed, *last)

    def _joined(
        self, source: int, target: int, hops: int, prices: Floats, states: set[str], avoided: set[int]
    ) -> tuple[int, ...] | None:
        """The best path of at most so many hops that uses none of these states and visits none of these tokens."""
        if source == target:
            return ()
        if hops < 1 or source in avoided or target in avoided - {self.start}:
            return None
        labels = self._labels(target, hops, prices, avoided | {source})
        path: list[int] = []
        used, seen, token = set(states), set(avoided) | {source}, source
        for left in range(hops - 1, -1, -1):
            best, chosen = NEVER, -1
            for number in self.table.leaving(token):
                onward = int(self.table.targets[number])
                rate = prices[number] + labels[left][onward]
                if rate > best and onward not in seen and self.table.edges[number].state_id not in used:
                    best, chosen = rate, number
            if chosen < 0:
                return None
            path.append(chosen)
            token = int(self.table.targets[chosen])
            if token == target:
                return tuple(path)
            used.add(self.table.edges[chosen].state_id)
            seen.add(token)
        return None

    def _labels(self, target: int, hops: int, prices: Floats, avoided: set[int]) -> list[Floats]:
        labels = np.full(len(self.table.tokens), NEVER)
        labels[target] = 0.0
        found = [labels]
        closed = [token for token in avoided if token != target]
        for _ in range(hops - 1):
            labels = self.table.toward(prices, labels)
            labels[closed], labels[target] = NEVER, 0.0
            found.append(labels)
        return found

    def _exact(self, path: Sequence[int]) -> Cycle | None:
        """The circle at its best size, in integers; `None` where it refuses or doesn't pay."""
        amount = int(self._best_size(path))
        if amount <= 0:
            return None
        legs = replayed(self.table.states, [self.table.edges[number] for number in path], amount)
        if legs is None:
            return None
        gas = allocation_gas(legs)
        cycle = Cycle(legs, gas, self.terms.gas_cost.of(gas))
        return cycle if cycle.net_profit > self.terms.least_profit else None

    def _best_size(self, path: Sequence[int]) -> float:
        """The input at which one more unit brings one: halvings on the marginal rate of the whole circle."""
        low, high = 0.0, self.table.response(path[0]).capacity
        if self._log_rate(path, 0.0) <= 0.0:
            return 0.0
        high = min(high, self._reach(path, high))
        for _ in range(_HALVINGS):
            middle = math.sqrt(low * high) if low > 0.0 else high * 1e-3
            if self._log_rate(path, middle) > 0.0:
                low = middle
            else:
                high = middle
            if high - low <= max(0.5, low * 1e-12):
                break
        return low

    def _reach(self, path: Sequence[int], most: float) -> float:
        """An input at which the circle no longer pays, found by doubling from a trifle."""
        size = max(1.0, most * 1e-12)
        while size < most and self._log_rate(path, size) > 0.0:
            size *= 4.0
        return min(size, most)

    def _log_rate(self, path: Sequence[int], amount: float) -> float:
        """The logarithm of what one more unit would bring; `NEVER` beyond what an edge takes."""
        rate = 0.0
        for number in path:
            response = self.table.response(number)
            fall = response.fall_after(amount) if amount else 0.0
            if not math.isfinite(fall):
                return NEVER
            rate += response.log_price - fall
            amount = response.sold(amount)
        return rate


def replayed(states: Mapping[str, object], path: Iterable[object], amount_in: int) -> tuple[LegFill, ...] | None:
    """The circle's legs in integers, on states that it moves as it goes; `None` where a leg would revert."""
    moved, legs, amount = dict(states), [], amount_in
    for place, edge in enumerate(path):
        if not isinstance(edge, PoolEdge):
            return None
        try:
            done = fill(edge, moved[edge.state_id], amount)
        except QuoteRefused:
            return None
        moved[edge.state_id] = done.next_state
        spend = Spend(SpendKind.REST if place else SpendKind.EXACT)
        legs.append(LegFill(edge, spend, amount, done.amount_out, done.gas))
        amount = done.amount_out
    return tuple(legs)


def _after(table: EdgeTable, cycle: Cycle) -> EdgeTable:
    """The market once the circle is done."""
    changed: dict[str, ListedPool] = {}
    for leg in cycle.legs:
        if isinstance(leg.edge, PoolEdge):
            pool: Pool = fill(leg.edge, table.states[leg.edge.state_id], leg.amount_in).next_state  # type: ignore[assignment]
            changed[leg.edge.state_id] = ListedPool(leg.edge.listed.key, pool)
    return table.with_pools(changed)
