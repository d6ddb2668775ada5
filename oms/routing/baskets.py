"""Baskets: several tokens in and several out as one trade, so that what one part sells another may buy.

Owns: what is asked for, the choice of edges that pay for their gas, the shortfall's limit, and the proof.
Must not: load, sign, or know how a leg is encoded; the executor's plans have one token in and one out.

A basket's optimum is found over all tokens at once (`basket_balance`), first on the market at rest, where its bound is
proved and no flow can go round in a circle, then on the market as it is, over edges that close no circle and share no
pool. Values are at the market's prices before the trade: the middle prices of the deepest pools once the market's free
arbitrage is taken (`EdgeTable.log_values` of the market at rest). They aren't prices that anybody pays: fees and price
impact are the shortfall.
Pools only: a maker's firm quote is for one pair and one order, and an exchange's fill isn't part of a transaction.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import partial

from oms.errors import InvalidRequest, QuoteRefused, Refusal
from oms.routing.allocation import LegFill
from oms.routing.basket_balance import BasketBalance, BasketProof, BasketSearch, Goal
from oms.routing.basket_settlement import LegRefused, SettledBasket, settle_purchase, settle_sale
from oms.routing.certificate import gap_bps, rounded_out
from oms.routing.edge_table import EdgeTable, Floats
from oms.routing.market import Edge
from oms.routing.prepared import PreparedMarket
from oms.routing.surplus import losses
from oms.units import BPS, Address

MAX_GROWTHS = 12
MAX_DROPS = 32
MAX_REFUSALS = 12
SHARES = (1.1, 0.3, 0.1, 0.02)
"""Shares of a token's flow below which edges are left out on trial, beside the largest; above 1 only the largest."""
_UNFILLED = 1e-7
_NEGLIGIBLE = 1e-7
"""Share of a token's flow below which an edge is left out."""
_BETTER = 1e-9
_SAME = 1e-12


class Measure(StrEnum):
    """What the proportions of a basket's outputs are of."""

    VALUE = "value"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class InProportion:
    """Outputs in fixed proportions: of their value at the market's prices before the trade, or of their base units."""

    weights: Mapping[Address, float]
    by: Measure = Measure.VALUE


@dataclass(frozen=True, slots=True)
class BestValue:
    """Whichever outputs are worth most at the caller's prices, any unit for each base unit of the tokens."""

    prices: Mapping[Address, float]


@dataclass(frozen=True, slots=True)
class BasketTerms:
    """Gas in wei, the coin it is paid in, the most that the trade may lose before gas, and whether time is up.

    The coin is a token of the market; where nothing joins it to the basket's tokens, gas has no price and counts for
    nothing. When `is_over`, the best plan so far is the answer, with its gap.
    """

    coin: Address | None = None
    wei_per_gas: float = 0.0
    max_shortfall_bps: float | Decimal | None = None
    is_over: Callable[[], bool] = field(default=lambda: False)


@dataclass(frozen=True, slots=True)
class Basket:
    """A basket in integers with its proof. Values, gas cost, `result` and bound are base units of `unit`.

    `amounts_in` and `amounts_out` are what is given and what is there afterwards; a token on both sides is counted
    whole on each. `result` is what the goal counts: the value of the outputs at its prices; of proportions, of as much
    as is in proportion; of a purchase, the input. `bound` is the best result that this market could give, arbitrage
    apart; `gap_bps` is how far it is. `shortfall_bps` is how far `value_out` is below `value_in`, gas apart.
    """

    legs: tuple[LegFill, ...]
    amounts_in: Mapping[Address, int]
    amounts_out: Mapping[Address, int]
    unit: Address
    gas: int
    gas_cost: int
    value_in: float
    value_out: float
    result: int
    bound: int
    gap_bps: float
    arbitrage: int
    prices: Mapping[Address, float]

    @property
    def shortfall_bps(self) -> float:
        """What the trade loses against the prices before it, gas apart."""
        return (self.value_in - self.value_out) / self.value_in * BPS if self.value_in else 0.0

    @property
    def net_shortfall_bps(self) -> float:
        """The same, with gas."""
        return (self.value_in - self.value_out + self.gas_cost) / self.value_in * BPS if self.value_in else 0.0


def sell_basket(
    market: PreparedMarket, inputs: Mapping[Address, int], goal: InProportion | BestValue, terms: BasketTerms
) -> Basket:
    """Sell all of `inputs` for the goal's outputs.

    Raises:
        InvalidRequest: amounts, weights or prices that mean nothing.
        QuoteRefused: the pools don't take it all, or the shortfall is above its limit (`WORSE_THAN_QUOTED`).
    """
    weights = goal.weights if isinstance(goal, InProportion) else goal.prices
    _check(inputs, "inputs")
    _check(weights, "outputs")
    _check_known(market.table, [*inputs, *weights])
    return _Sale(market, _ordered(inputs), goal, terms).routed()


def buy_basket(market: PreparedMarket, token_in: Address, wanted: Mapping[Address, int], terms: BasketTerms) -> Basket:
    """Buy at least `wanted` of each token for the least of `token_in`, gas counted. Raises as `sell_basket`."""
    _check(wanted, "wanted")
    if token_in in wanted:
        raise InvalidRequest("wanted", "names the token that pays; leave it out")
    _check_known(market.table, [token_in, *wanted])
    return _Purchase(market, token_in, _ordered(wanted), terms).routed()


class _Basket:
    """What sales and purchases share: growing a choice of edges on the real market, thinning it, and the proof."""

    def __init__(
        self, market: PreparedMarket, values: Floats, inputs: Mapping[int, float], goal: Goal, terms: BasketTerms
    ) -> None:
        self.market, self.table, self.flat, self.terms, self.goal = market, market.table, market.flat, terms, goal
        anchor = self.flat.log_values
        self.values = values
        self.search = BasketSearch(self.table, anchor, inputs, goal)
        self.rest = BasketSearch(self.flat.market, anchor, inputs, goal)
        coin = None if terms.coin is None else self.table.index.get(terms.coin)
        joined = coin is not None and self.table.roots[coin] == self.table.roots[self.search.core[0]]
        worth = math.exp(float(values[coin])) if coin is not None and joined else 0.0
        self.value_per_gas = terms.wei_per_gas * worth

    def settled(self, balance: BasketBalance) -> SettledBasket:
        """The balance in integers. Raises `QuoteRefused`."""
        raise NotImplementedError

    def value(self, balance: BasketBalance) -> float:
        """What the goal counts of a balance, in the unit of the flat prices; more is better."""
        raise NotImplementedError

    def settled_value(self, settled: SettledBasket) -> float:
        """The same of a settlement."""
        raise NotImplementedError

    def best(self) -> tuple[SettledBasket, BasketProof]:
        """The settlement that is worth most after gas, and the proof."""
        first = self.search.core[0]
        residue = self.flat.left(first) * math.exp(float(self.flat.log_values[first]))
        proof = self.rest.optimum(self.flat.leftover, residue=residue, is_over=self.terms.is_over)
        grown = self._grown(self._fitting((), proof.balance.flows, proof.balance))
        choices = [grown, *self._thinner(grown)] if self.value_per_gas else [grown]
        found = [entry for balance in choices if (entry := self._settled_or_none(balance)) is not None]
        if not found and proof.balance.unfilled > _UNFILLED:
            raise QuoteRefused(
                Refusal.INSUFFICIENT_LIQUIDITY, "the pools here don't take the whole basket; ask for less"
            )
        if not found:
            raise QuoteRefused(
                Refusal.INSUFFICIENT_LIQUIDITY,
                "the pools here refuse these amounts: dust brings nothing, and a large amount is more than they take",
            )
        return max(found, key=lambda settled: self.settled_value(settled) - settled.gas * self.value_per_gas), proof

    def _settled_or_none(self, balance: BasketBalance) -> SettledBasket | None:
        """The balance in integers, balanced anew without each leg that would revert."""
        for _ in range(MAX_REFUSALS):
            if balance.unfilled > _UNFILLED:
                return None
            try:
                return self.settled(balance)
            except LegRefused as refused:
                left = [n for n in balance.flows if self.table.edges[n] is not refused.edge]
                balance = self.search.balanced(left, near=balance)
            except QuoteRefused:
                return None
        return None

    def _thinner(self, grown: BasketBalance) -> Iterable[BasketBalance]:
        """Choices of fewer edges: as grown, and cut down to each token's largest flows, less what doesn't pay."""
        for share in (0.0, *SHARES):
            balance = grown if not share else self.search.balanced(self._largest(grown, share), near=grown)
            if balance.unfilled <= _UNFILLED:
                yield self._thinned(balance)

    def _largest(self, balance: BasketBalance, share: float) -> list[int]:
        """Edges that carry at least so much of what leaves their token, and the largest into and out of each."""
        table, flows = self.table, balance.flows
        into: dict[int, list[int]] = {}
        out: dict[int, list[int]] = {}
        for number in flows:
            out.setdefault(int(table.sources[number]), []).append(number)
            into.setdefault(int(table.targets[number]), []).append(number)
        kept = {max(numbers, key=lambda n: flows[n].amount_in) for numbers in out.values()}
        kept |= {max(numbers, key=lambda n: flows[n].amount_out) for numbers in into.values()}
        for numbers in out.values():
            least = share * sum(flows[n].amount_in for n in numbers)
            kept.update(n for n in numbers if flows[n].amount_in >= least)
        return self._joined(kept)

    def _grown(self, numbers: Sequence[int]) -> BasketBalance:
        """Balanced on the market as it is, with every losing edge that fits between those in use."""
        balance = self.search.balanced(numbers)
        for _ in range(MAX_GROWTHS):
            if self.terms.is_over():
                break
            known = {*numbers, *self.flat.leftover} if self.flat.market is self.table else set(numbers)
            found = losses(self.table, self.search.priced(balance), pools_only=True, part=self.search.part)
            new = self._fitting(list(balance.flows), self.search.losing(found, known), balance)
            if not new:
                break
            numbers = [*balance.flows, *new]
            after = self.search.balanced(numbers, near=balance)
            if after.unfilled <= _UNFILLED and self.value(after) <= self.value(balance) * (1.0 + _BETTER):
                return after if self.value(after) > self.value(balance) else balance
            balance = after
        return balance

    def _thinned(self, balance: BasketBalance) -> BasketBalance:
        """Without the edges that earn less than their gas, as long as that helps."""
        kept: set[int] = set()
        several = True
        for _ in range(MAX_DROPS):
            if self.terms.is_over():
                break
            unpaid = {n: lack for n, lack in self._lacks(balance).items() if lack > 0.0 and n not in kept}
            if not unpaid:
                break
            worst = max(unpaid, key=lambda n: unpaid[n])
            hopeless = [n for n, lack in unpaid.items() if lack > 0.98 * self._gas((n,))]
            drop = hopeless if several and len(hopeless) > 1 else [worst]
            thinner = self.search.balanced([n for n in balance.flows if n not in drop], near=balance)
            if thinner.unfilled <= _UNFILLED and self._net(thinner) >= self._net(balance):
                balance = thinner
            elif len(drop) > 1:
                several = False
            else:
                kept.add(worst)
        return balance

    def _lacks(self, balance: BasketBalance) -> dict[int, float]:
        """What each used edge lacks to pay for its gas: gas less what it pays over its own marginal price."""
        found = {}
        for number, flow in balance.flows.items():
            head = int(self.table.targets[number])
            price = math.exp(self.flat.log_values[head] + balance.shifts.get(head, 0.0))
            marginal = math.exp(float(self.table.log_prices[number]) - flow.fall)
            found[number] = self._gas((number,)) - price * (flow.amount_out - marginal * flow.amount_in)
        return found

    def _gas(self, numbers: Iterable[int]) -> float:
        return float(sum(self.table.gas[number] for number in numbers)) * self.value_per_gas

    def _net(self, balance: BasketBalance) -> float:
        return self.value(balance) - self._gas(balance.flows)

    def _fitting(self, used: Sequence[int], new: Iterable[int], balance: BasketBalance) -> list[int]:
        """Those of the new edges that close no circle and share no pool with another, the most valuable flow first."""

        def worth(number: int) -> float:
            flow = balance.flows.get(number)
            return 0.0 if flow is None else flow.amount_in * math.exp(self.values[self.table.sources[number]])

        return self.table.in_order(used, sorted(new, key=worth, reverse=True))

    def flows(self, balance: BasketBalance) -> dict[Edge, int]:
        """Integer flows without those too small to matter, and without ways that lead nowhere or from nothing."""
        table = self.table
        leaving: dict[int, float] = {}
        for number, flow in balance.flows.items():
            tail = int(table.sources[number])
            leaving[tail] = leaving.get(tail, 0.0) + flow.amount_in
        kept = {n for n, flow in balance.flows.items() if flow.amount_in > _NEGLIGIBLE * leaving[int(table.sources[n])]}
        return {table.edges[n]: max(1, round(balance.flows[n].amount_in)) for n in sorted(self._joined(kept))}

    def _joined(self, kept: set[int]) -> list[int]:
        """Those of the edges that are on a way from what is given to what is wanted."""
        table, goal = self.table, self.goal
        begins = set(self.search.inputs) | ({goal.payer} if goal.wanted is not None else set())
        while True:
            tails = {int(table.sources[n]) for n in kept}.union(goal.outputs)
            heads = {int(table.targets[n]) for n in kept} | begins
            joined = {n for n in kept if int(table.targets[n]) in tails and int(table.sources[n]) in heads}
            if joined == kept:
                return sorted(kept)
            kept = joined

    def price(self, token: Address, unit: Address) -> float:
        """Base units of `unit` for one of `token`, at the market's prices before the trade."""
        values, index = self.values, self.table.index
        return math.exp(float(values[index[token]] - values[index[unit]]))

    def answer(
        self,
        settled: SettledBasket,
        proof: BasketProof,
        amounts: tuple[Mapping[Address, int], Mapping[Address, int]],
        unit: Address,
        result: int,
        per_measure: float,
    ) -> Basket:
        """The result with its proof. Raises `QuoteRefused` above the largest shortfall."""
        amounts_in, amounts_out = amounts
        buying = self.goal.wanted is not None
        number = self.table.index[unit]
        per_unit = math.exp(-float(self.values[number]))
        prices = {token: self.price(token, unit) for token in {**amounts_in, **amounts_out}}
        bound = max(0.0, proof.bound * per_measure)
        basket = Basket(
            legs=settled.legs,
            amounts_in=amounts_in,
            amounts_out=amounts_out,
            unit=unit,
            gas=settled.gas,
            gas_cost=math.ceil(settled.gas * self.value_per_gas * per_unit),
            value_in=sum(amount * prices[token] for token, amount in amounts_in.items()),
            value_out=sum(amount * prices[token] for token, amount in amounts_out.items()),
            result=result,
            bound=partial(rounded_out, buying=buying)(bound),
            gap_bps=gap_bps(bound, result, buying=buying),
            arbitrage=round(self.flat.arbitrage(number)),
            prices=prices,
        )
        most = self.terms.max_shortfall_bps
        if most is not None and basket.shortfall_bps > float(most):
            raise QuoteRefused(
                Refusal.WORSE_THAN_QUOTED,
                f"the basket loses {basket.shortfall_bps:.2f} bps to fees and price impact, more than {float(most):g}; "
                "sell less, or raise the limit",
            )
        return basket


class _Sale(_Basket):
    def __init__(
        self,
        market: PreparedMarket,
        inputs: Mapping[Address, int],
        goal: InProportion | BestValue,
        terms: BasketTerms,
    ) -> None:
        index, values = market.table.index, market.flat.market.log_values
        self.given = inputs
        self.best_value = isinstance(goal, BestValue)
        weights = _ordered(goal.prices if isinstance(goal, BestValue) else goal.weights)
        self.outputs = tuple(weights)
        self.unit = max(weights, key=lambda token: weights[token]) if not self.best_value else self.outputs[0]
        if isinstance(goal, BestValue):
            # any unit will do: the caller's is set such that its prices are about the market's
            shift = sum(float(values[index[t]]) - math.log(price) for t, price in weights.items()) / len(weights)
            self.goal_prices = {token: math.log(price) + shift for token, price in weights.items()}
            core = Goal(log_prices={index[token]: price for token, price in self.goal_prices.items()})
        else:
            by_value = goal.by is Measure.VALUE
            total = sum(weights.values())
            self.per_scale = {
                token: weight / total * (math.exp(-float(values[index[token]])) if by_value else 1.0)
                for token, weight in weights.items()
            }
            core = Goal(amounts={index[token]: amount for token, amount in self.per_scale.items()})
            if not by_value:
                worth = {token: amount * math.exp(values[index[token]]) for token, amount in self.per_scale.items()}
                self.unit = max(worth, key=lambda token: worth[token])
        super().__init__(market, values, {index[token]: float(amount) for token, amount in inputs.items()}, core, terms)

    def routed(self) -> Basket:
        settled, proof = self.best()
        outputs = {token: settled.left.get(token, 0) for token in self.outputs}
        return self.answer(
            settled,
            proof,
            (self.given, outputs),
            self.unit,
            self._result(outputs),
            self._per_scale_value() * self._per_unit(),
        )

    def _result(self, outputs: Mapping[Address, int]) -> int:
        """What the goal counts of these outputs, in base units of the unit, rounded down."""
        if self.best_value:
            base = self.goal_prices[self.unit]
            return sum(_times_down(amount, math.exp(self.goal_prices[t] - base)) for t, amount in outputs.items())
        whole = self._per_scale_value() * self._per_unit()
        return min(_times_down(amount, whole / self.per_scale[token]) for token, amount in outputs.items())

    def _per_unit(self) -> float:
        """Base units of the unit for one of the goal's measure of value."""
        if self.best_value:
            return math.exp(-self.goal_prices[self.unit])
        return math.exp(-float(self.values[self.table.index[self.unit]]))

    def _per_scale_value(self) -> float:
        """What one unit of the goal's measure is worth at the flat prices."""
        if self.best_value:
            return 1.0
        values, index = self.values, self.table.index
        return sum(amount * math.exp(values[index[token]]) for token, amount in self.per_scale.items())

    def value(self, balance: BasketBalance) -> float:
        return balance.measure * self._per_scale_value()

    def settled_value(self, settled: SettledBasket) -> float:
        if self.best_value:
            flat, index = self.values, self.table.index
            # in the unit of the flat prices, as if the first output were worth there what it is worth to the caller
            change = float(flat[index[self.unit]]) - self.goal_prices[self.unit]
            return sum(
                settled.left.get(token, 0) * math.exp(price + change) for token, price in self.goal_prices.items()
            )
        level = min(settled.left.get(token, 0) / amount for token, amount in self.per_scale.items())
        return level * self._per_scale_value()

    def settled(self, balance: BasketBalance) -> SettledBasket:
        index = self.table.index
        flows = self.flows(balance)
        kept = {token: max(0, round(balance.nets.get(index[token], 0.0))) for token in self.outputs}
        return settle_sale(self.table.states, self.given, flows, kept)


class _Purchase(_Basket):
    def __init__(
        self, market: PreparedMarket, token_in: Address, wanted: Mapping[Address, int], terms: BasketTerms
    ) -> None:
        index = market.table.index
        self.token_in, self.wanted = token_in, wanted
        core = Goal(wanted={index[token]: float(amount) for token, amount in wanted.items()}, payer=index[token_in])
        super().__init__(market, market.flat.market.log_values, {}, core, terms)

    def routed(self) -> Basket:
        settled, proof = self.best()
        paid = {self.token_in: self._paid(settled)}
        bought = {token: settled.left[token] for token in self.wanted}
        return self.answer(settled, proof, (paid, bought), self.token_in, self._paid(settled), 1.0)

    def _paid(self, settled: SettledBasket) -> int:
        return sum(leg.amount_in for leg in settled.legs if leg.edge.token_in == self.token_in)

    def value(self, balance: BasketBalance) -> float:
        return -balance.measure * math.exp(float(self.values[self.goal.payer]))

    def settled_value(self, settled: SettledBasket) -> float:
        return -self._paid(settled) * math.exp(float(self.values[self.goal.payer]))

    def settled(self, balance: BasketBalance) -> SettledBasket:
        flows = self.flows(balance)
        return settle_purchase(self.table.states, self.token_in, flows, self.wanted)


def _times_down(amount: int, ratio: float) -> int:
    """An amount at a price, rounded down; itself at a price of one."""
    return amount if abs(ratio - 1.0) < _SAME else math.floor(Fraction(amount) * Fraction(ratio))


def _ordered(amounts: Mapping[Address, float]) -> dict[Address, int]:
    return dict(sorted(amounts.items()))  # type: ignore[arg-type]


def _check(amounts: Mapping[Address, float], field_name: str) -> None:
    if not amounts:
        raise InvalidRequest(field_name, "names no token; name at least one")
    if any(not amount > 0 or not math.isfinite(amount) for amount in amounts.values()):
        raise InvalidRequest(field_name, "must all be greater than zero, and numbers of a usual size")


def _check_known(table: EdgeTable, tokens: Iterable[Address]) -> None:
    named = [table.index.get(token) for token in tokens]
    parts = {None if number is None else int(table.roots[number]) for number in named}
    if len(parts) > 1 or None in parts:
        raise QuoteRefused(Refusal.NO_PATH, "no pools here join all of these tokens; widen the venues")
