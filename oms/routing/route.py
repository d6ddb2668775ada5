"""The best route for an order: the optimum without gas and its bound, the plan that pays for its gas, in integers.

Owns: the order of the steps, the floor of the best single path, exchanges' lots, and why a gap is as large as it is.
Must not: load, sign, ask a maker, or know the time; who sets a budget brings the clock.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from oms.errors import QuoteRefused, Refusal
from oms.liquidity.price_response import NEVER
from oms.routing.allocation import PASSED_TOKEN_GAS, TRANSACTION_GAS, Allocation, Flows, GasCost, settle_or_none
from oms.routing.certificate import MET_BPS, Certificate, Proof, gap_bps, on_market, proved, rounded_out
from oms.routing.edge_table import EdgeTable, bounded
from oms.routing.flatten import FlatMarket
from oms.routing.market import BookEdge, Edge, FirmEdge
from oms.routing.prepared import PreparedMarket
from oms.routing.search import NEARLY, UNFILLED, Balance, Search, never
from oms.routing.selection import Selection
from oms.routing.surplus import counted_twice
from oms.routing.whole_flows import WholeFlows, summing_to
from oms.units import BPS, Address

GAS_SHARE = 0.05
"""Where gas costs so much more than a gap, the bound need not be brought nearer than this share of it."""
POOR = 1e-5
"""Share of the result by which a plan may fall short of what the optimum promises, before slower ways are tried."""
LARGE_GAP_BPS = 1.0
"""A gap that is explained."""
_NEGLIGIBLE = (1e-7, 1e-4, 1e-2)
"""Shares of a token's flow below which an edge is left out of the plan: the least that settles."""
SINGLES = 3
"""Single paths settled in integers; more are compared in floats."""


@dataclass(frozen=True, slots=True)
class RouteTerms:
    """How to route: the price of gas, the longest path, and whether time is up, asked between steps."""

    gas_cost: GasCost
    max_hops: int = 3
    is_over: Callable[[], bool] = field(default=never)


@dataclass(frozen=True, slots=True)
class Route:
    """A plan in integers with its proof.

    `prices` are base units of the output token that one base unit of each token is worth at the optimum; `considered`
    is how many edges the market has.
    """

    allocation: Allocation
    certificate: Certificate
    prices: Mapping[Address, float]
    best_single: Allocation | None
    considered: int


def sell(market: PreparedMarket, token_in: Address, token_out: Address, amount_in: int, terms: RouteTerms) -> Route:
    """The best net output for exactly `amount_in`. Raises `QuoteRefused` where nothing takes it all."""
    return _Order(market, token_in, token_out, amount_in, terms, buying=False).routed()


def buy(market: PreparedMarket, token_in: Address, token_out: Address, amount_out: int, terms: RouteTerms) -> Route:
    """The least input, gas counted, for at least `amount_out`. Raises `QuoteRefused` where nothing pays it."""
    return _Order(market, token_in, token_out, amount_out, terms, buying=True).routed()


class _Order:
    def __init__(
        self,
        market: PreparedMarket,
        token_in: Address,
        token_out: Address,
        amount: int,
        terms: RouteTerms,
        *,
        buying: bool,
    ) -> None:
        if amount <= 0:
            raise QuoteRefused(Refusal.ZERO_AMOUNT, "trade more than zero")
        table = market.table
        if token_in not in table.index or token_out not in table.index or token_in == token_out:
            raise _no_path()
        self.market, self.terms, self.amount, self.buying = table, terms, amount, buying
        self.token_in, self.token_out = token_in, token_out
        self.source, self.target = table.index[token_in], table.index[token_out]
        self.flat: FlatMarket = market.flat
        self.search = self._search(table)
        gas = table.gas + PASSED_TOKEN_GAS * (table.targets != self.target)
        out_per_gas = terms.gas_cost.out_per_gas
        self.selection = Selection(self.search, gas * out_per_gas, table.kink_gas * out_per_gas)

    def _search(self, market: EdgeTable, *, max_hops: int | None = None, amount: float | None = None) -> Search:
        """A search for the order, or for the sale of `amount`."""
        return Search(
            market,
            self.source,
            self.target,
            float(self.amount) if amount is None else amount,
            max_hops=max_hops or self.terms.max_hops,
            buying=self.buying and amount is None,
            is_over=self.terms.is_over,
        )

    def routed(self) -> Route:
        flat_search = self.search if self.flat.market is self.market else self._search(self.flat.market)
        ideal = flat_search.optimum(self.flat.leftover)
        if ideal is None:
            raise _no_path()
        paths = self.selection.singles(SINGLES)
        singles = [single for single in (self._single(path) for path in paths) if single is not None]
        balances = self._balances(ideal, paths)
        plans = [plan for plan in map(self._exact, balances) if plan is not None]
        best_single = max(singles, key=self._score, default=None)
        best = max([*plans, *singles], key=self._score, default=None)
        if self._is_poor(best, ideal):
            plans += [plan for plan in map(self._exact, self._thorough(ideal)) if plan is not None]
            best = max([*plans, *singles], key=self._score, default=None)
        if best is None:
            raise self._refused()
        certificate = self._certificate(flat_search, ideal, best)
        return Route(best, certificate, self._prices(ideal), best_single, len(self.market.edges))

    def _balances(self, ideal: Balance, paths: Sequence[tuple[int, ...]]) -> Iterable[Balance]:
        """Splits to try in integers: the optimum where gas is free or nothing beside it, and what pays for its gas."""
        if not self.terms.gas_cost.out_per_gas:
            return [ideal, *(self._optima(ideal) if self.flat.market is not self.market else ())]
        chosen = self.selection.best(paths[:1], ideal)
        return [chosen.balance] if chosen is not None else []

    def _is_poor(self, best: Allocation | None, ideal: Balance) -> bool:
        """Whether the optimum of the market at rest, with its own gas, promises more than the best plan so far."""
        if best is None or ideal.unfilled > UNFILLED:
            return True
        fixed = self.terms.gas_cost.of(TRANSACTION_GAS)
        promised = self.selection.costed(ideal).net
        if self.buying:
            return self._score(best) < promised * (1.0 + POOR) - fixed * best.amount_in / max(1, best.amount_out)
        return self._score(best) + fixed < promised - POOR * ideal.amount_out

    def _thorough(self, ideal: Balance) -> Iterable[Balance]:
        """Slower ways, for when the quick one missed: the optimum itself, others near it, a purchase as a sale."""
        yield ideal
        if self.flat.market is not self.market:
            yield from self._optima(ideal)
        if self.buying and (sale := self._as_sale()) is not None:
            yield sale
        if not self.buying and ideal.unfilled > UNFILLED:
            yield from self._smaller()

    def _smaller(self) -> Iterable[Balance]:
        """Optima of smaller sales, for one that drains the market: the rest goes where there is no end."""
        for share in _SMALLER:
            found = None if self.terms.is_over() else self._search(self.market, amount=self.amount * share).optimum()
            if found is not None:
                yield found

    def _as_sale(self) -> Balance | None:
        """The optimum of a sale that brings at least what is wanted, and hardly more."""
        values, best = self.market.log_values, None
        given = self.amount * bounded(float(values[self.target] - values[self.source]))
        for _ in range(_SALES):
            if not 0.0 < given < _LARGEST or self.terms.is_over():
                break
            search = self._search(self.market, amount=given)
            found = search.optimum()
            if found is None:
                break
            left = found.amount_out - self.amount
            if found.unfilled <= UNFILLED and left >= 0.0:
                best = found
                if left <= _CLOSE * self.amount:
                    break
                given -= 0.999 * left * bounded(-found.level)
            elif best is not None:
                break
            else:
                given *= max(1.001, min(8.0, self.amount / max(found.amount_out, 1e-300)))
        return best

    def _optima(self, ideal: Balance) -> Iterable[Balance]:
        """Optima of the market as it stands, which may hold circles that pay: shorter paths can lead to better ones."""
        for hops in range(min(_SHORT_HOPS, self.terms.max_hops), self.terms.max_hops + 1):
            if not self.terms.is_over():
                yield from self._search(self.market, max_hops=hops).optima(ideal.flows)

    def _exact(self, balance: Balance) -> Allocation | None:
        """The balance in integers and whole lots."""
        if balance.unfilled > NEARLY:
            return None
        given = self.amount if not self.buying else round(balance.amount_in)
        for least in _NEGLIGIBLE:
            whole = WholeFlows(self.market, balance, self.source, self.target, least=least)
            flows = whole.summing_to(given)
            if any(isinstance(edge, BookEdge) for edge in flows):
                settled = self._in_lots(flows)
            elif self.buying and flows:
                settled = self._least_paying(partial(self._summing_to, whole), given)
            else:
                settled = self._settle(flows)
            if settled is not None:
                return settled
        return None

    def _summing_to(self, whole: WholeFlows, given: int) -> Allocation | None:
        return self._settle(whole.summing_to(given))

    def _settle(self, flows: Flows) -> Allocation | None:
        return settle_or_none(self.market.states, flows, gas_cost=self.terms.gas_cost)

    def _best_settled(self, tried: Iterable[Flows]) -> Allocation | None:
        settled = (self._settle(flows) for flows in tried)
        return max((plan for plan in settled if plan is not None), key=self._score, default=None)

    def _least_paying(self, at: Callable[[int], Allocation | None], total: int) -> Allocation | None:
        """The allocation of the least total that pays what is wanted: secants, then to the unit or 2**-40."""
        best: Allocation | None = None
        low, high, before, paid_before = 0, 0, 0, 0
        for step in range(_MAX_SCALINGS):
            trial = at(total)
            if trial is None:
                break
            paid = trial.amount_out
            if paid >= self.amount:
                best, high = trial, total
            else:
                low = total
            close = max(1, high >> 40)
            if best is not None and high - low <= close:
                break
            guess = total
            if paid != paid_before:
                guess -= (paid - self.amount) * (total - before) // (paid - paid_before)
            before, paid_before = total, paid
            if best is None:
                total = max(guess + guess // 10**6, total + 1)
                continue
            guess += close // 2 if low == before else -(close // 2)  # beyond it, so that it closes in from both sides
            if step % 4 == 3:
                guess = (low + high) // 2
            total = min(max(guess, low + 1), high - 1)
        return best

    def _in_lots(self, flows: Flows) -> Allocation | None:
        """Books cut to whole lots; what is cut goes to the others, or to the best single venue for it."""
        chain: dict[Edge, int] = {edge: amount for edge, amount in flows.items() if not isinstance(edge, BookEdge)}
        whole: dict[Edge, int] = {
            edge: lots
            for edge, amount in flows.items()
            if isinstance(edge, BookEdge) and (lots := _whole_lots(edge, amount))
        }
        if self.buying:
            return self._enough_in_lots(whole, chain)
        left = self.amount - sum(whole.values())
        if left <= 0:
            return self._settle(whole) if not left else None
        tried: list[dict[Edge, int]] = [{**whole, **summing_to(chain, self.token_in, left)}] if chain else []
        tried += [{**whole, **dict.fromkeys(path, left)} for path in self._spare(left)]
        return self._best_settled(tried) or self._with_less_of_books(whole, left)

    def _with_less_of_books(self, whole: Mapping[Edge, int], left: int) -> Allocation | None:
        """Where nothing takes so little as books left over: a lot or a thousandth of the order less for the largest."""
        if not whole:
            return None
        largest = max(whole, key=lambda edge: whole[edge])
        if not isinstance(largest, BookEdge):
            return None
        kept = _whole_lots(largest, whole[largest] - self.amount // 1000)
        moved = left + whole[largest] - kept
        books = (
            {**whole, largest: kept} if kept else {edge: lots for edge, lots in whole.items() if edge is not largest}
        )
        tried = [{**books, **dict.fromkeys(path, moved)} for path in self._spare(moved)]
        return self._best_settled(tried)

    def _spare(self, amount: int) -> list[tuple[Edge, ...]]:
        """Single on-chain paths for what books left over."""
        usable = self.search.open_prices.copy()
        usable[[n for n, edge in enumerate(self.market.edges) if isinstance(edge, BookEdge)]] = NEVER
        if amount <= 0:
            return []
        sized = self.search.sized(usable, amount / self.amount)
        return [self._edges(path) for path in self.search.best_paths(sized, SINGLES)]

    def _enough_in_lots(self, whole: Flows, chain: Flows) -> Allocation | None:
        """Books' lots first, then the rest of the purchase from the chain, scaled until it is enough."""
        paid = 0
        if whole:
            bought = self._settle(whole)
            if bought is None:
                return None
            paid = bought.amount_out
            if paid >= self.amount:
                return bought
        tried = [chain] if chain else []
        tried += [dict.fromkeys(path, 1) for path in self._spare(self.amount - paid)]
        found = [plan for flows in tried if (plan := self._topped_up(whole, flows)) is not None]
        return max(found, key=self._score, default=None)

    def _topped_up(self, whole: Flows, chain: Flows) -> Allocation | None:
        total = sum(amount for edge, amount in chain.items() if edge.token_in == self.token_in)

        def at(given: int) -> Allocation | None:
            return self._settle({**whole, **summing_to(chain, self.token_in, given)})

        return self._least_paying(at, total)

    def _edges(self, path: Sequence[int]) -> tuple[Edge, ...]:
        return tuple(self.market.edges[number] for number in path)

    def _single(self, path: Sequence[int]) -> Allocation | None:
        edges = self._edges(path)
        if isinstance(edges[0], BookEdge):
            return self._in_lots(dict.fromkeys(edges, self.amount)) if not self.buying else None
        if not self.buying:
            return self._settle(dict.fromkeys(edges, self.amount))
        rate = float(np.exp(sum(self.market.log_prices[number] for number in path)))
        if not rate:
            return None
        return self._least_paying(
            lambda given: self._settle(dict.fromkeys(edges, given)), max(1, int(self.amount / rate))
        )

    def _score(self, allocation: Allocation) -> float | int:
        if not self.buying:
            return allocation.net_out
        costs = allocation.amount_out - allocation.net_out
        return -(allocation.amount_in + allocation.amount_in * costs / max(1, allocation.amount_out))

    def _prices(self, ideal: Balance) -> dict[Address, float]:
        market = self.flat.market
        anchor = ideal.bases[self.target] + ideal.shifts[self.target]
        return {
            market.tokens[token]: bounded(base + ideal.shifts[token] - anchor) for token, base in ideal.bases.items()
        }

    def _certificate(self, flat_search: Search, ideal: Balance, plan: Allocation) -> Certificate:
        gas = self.terms.gas_cost
        cheapest = TRANSACTION_GAS + int(self.market.gas.min(initial=0.0))
        gas_bps = gas.of(plan.gas) / max(1, plan.amount_out) * BPS
        proof = proved(flat_search, ideal, self.flat, met_bps=max(MET_BPS, GAS_SHARE * gas_bps))
        bound, arbitrage = on_market(self.search, self.market, self.flat, proof.log_values)
        if self.buying:
            result, net = plan.amount_in, bound
        else:
            result, net = plan.amount_out - plan.charges, bound - gas.of(cheapest)
        gap = gap_bps(bound, result, buying=self.buying)
        rounded = partial(rounded_out, buying=self.buying)
        reason = "" if gap < LARGE_GAP_BPS else self._reason(gap * plan.amount_out / BPS, ideal, plan, proof)
        return Certificate(rounded(bound), round(arbitrage), gap, rounded(net), reason)

    def _reason(self, gap_out: float, ideal: Balance, plan: Allocation, proof: Proof) -> str:
        """Where a large gap, in units of the output, comes from: the first cause that explains half of it."""
        if self.terms.is_over():
            return "time"
        market, used = self.flat.market, {leg.edge.state_id for leg in plan.legs}
        unused = [number for number in ideal.flows if market.edges[number].state_id not in used]
        if 2.0 * self.terms.gas_cost.of(int(market.gas[unused].sum())) > gap_out:
            return "fixed cost"
        if 2.0 * _moved_by_lots(market, ideal, plan) > gap_out:
            return "lot size"
        if 2.0 * counted_twice(market, proof.log_values) * bounded(-float(proof.log_values[self.target])) > gap_out:
            return "shared pool"
        full = (
            market.response(n) for n, flow in ideal.flows.items() if flow.amount_in > 0.99 * market.response(n).capacity
        )
        if any(response.is_cut for response in full):
            return "tick range"
        return "hops"

    def _refused(self) -> QuoteRefused:
        if not self.buying and self.search.expected_out() < _DUST:
            return QuoteRefused(Refusal.ZERO_OUTPUT, "this little brings nothing on any venue here; ask for more")
        if any(isinstance(edge, BookEdge) for edge in self.market.edges):
            return QuoteRefused(
                Refusal.INSUFFICIENT_LIQUIDITY,
                "nothing takes exactly this: exchanges trade whole lots, and no other venue here takes what is left; "
                "try another amount",
            )
        if any(isinstance(edge, FirmEdge) for edge in self.market.edges):
            return QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "no venue takes this amount; ask for more, or for less")
        return QuoteRefused(
            Refusal.INSUFFICIENT_LIQUIDITY, "the amount is beyond the liquidity known here; ask for less"
        )


def _moved_by_lots(market: EdgeTable, ideal: Balance, plan: Allocation) -> float:
    """What books give less or more than the optimum would have them, about, in base units of the output."""
    wanted = {market.edges[number]: flow.amount_in for number, flow in ideal.flows.items()}
    books = [leg for leg in plan.legs if isinstance(leg.edge, BookEdge) and leg.amount_in]
    return sum(abs(wanted.get(leg.edge, 0.0) - leg.amount_in) * leg.amount_out / leg.amount_in for leg in books)


_MAX_SCALINGS = 48
_SHORT_HOPS = 3
_DUST = 2.0
"""Base units of output, by the market's prices, below which a refusal is for the order's smallness."""
_SMALLER = (0.5, 0.2, 0.05, 0.01, 1e-3, 1e-4)
_SALES = 24
"""Sales tried for a purchase."""
_CLOSE = 1e-6
_LARGEST = 1e60


def _no_path() -> QuoteRefused:
    return QuoteRefused(Refusal.NO_PATH, "nothing joins the two tokens on the chosen venues; widen --venues")


def _whole_lots(edge: BookEdge, amount: int) -> int:
    return edge.market.whole_lots(edge.token_in, amount)
