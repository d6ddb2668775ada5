"""The continuous optimum of a basket: one set of dual prices for everything given and everything wanted at once.

Owns: prices, flows and the bound of a basket, in floats. Must not: round, settle, or judge gas.

All goals share one market and one Newton method (`equilibrium`), so that what one part of a basket sells and another
buys is netted before any venue is asked. They differ in what is held fixed:

- the best value: each output's price is held at the caller's; one that the market would rather sell at that price is
  let go, and passed through or left alone. Letting go only raises prices (gross substitutes), so it ends.
- fixed proportions: what the first output gets is f(scale) when the others get theirs for that scale. f is concave and
  by the envelope theorem falls by the others' prices, so Newton's method on the scale comes down to it from above.
- a purchase: the price of what is paid with is held, the outputs' demands are supplies below zero.

The bound is weak duality's (`certificate`), which needs no optimality of the prices: what is given is worth at most so
much at them, and the venues lose at most `surplus`.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np

from oms.liquidity.price_response import Piece, PriceResponse
from oms.routing.edge_table import EdgeTable, Floats
from oms.routing.equilibrium import Arc, Flow, Prices
from oms.routing.surplus import Losses, losses

MAX_ROUNDS = 24
MAX_ADDED = 64
MAX_SCALES = 40
PATIENCE = 6
WORTH = 1e-8
"""What an edge must lose to the prices to be added, as a share of the basket: 0.0001 bps."""
CLOSE = 1e-9
"""A bound met so closely, as a share of it, is not improved."""
_NEAR = 0.1
"""Edges of the tokens in play so near to trading that they are there from the start."""
_STOPGAP = -40.0
"""Log price, against the flat one, of what takes or gives whatever no venue does."""
_SHORT = 1e-6
"""Share of what is wanted that a solution which gives it may lack."""
_STEEPEST = 600.0
_EXACT = 1e-11
_FLOATS = 1e-13
"""What sums of venues' losses may be wrong by, as a share of them."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a basket is for, by token number; one of the three is given.

    `log_prices` are what each output is worth (for the best value). `amounts` are base units for each unit of scale
    (for fixed proportions). `wanted` are base units to be bought with `payer`.
    """

    log_prices: Mapping[int, float] | None = None
    amounts: Mapping[int, float] | None = None
    wanted: Mapping[int, float] | None = None
    payer: int = -1

    @property
    def outputs(self) -> tuple[int, ...]:
        """Tokens that the basket ends in."""
        return tuple(self.log_prices or self.amounts or self.wanted or ())


@dataclass(frozen=True, slots=True)
class BasketBalance:
    """Shifts of the touched tokens' log prices, flows by edge, what each token is left with, and the goal's measure.

    `measure` is the value of the outputs, the scale of the proportions, or the input that a purchase needs. `unfilled`
    is the share of the basket that only a stopgap would take.
    """

    shifts: Mapping[int, float]
    flows: Mapping[int, Flow]
    nets: Mapping[int, float]
    measure: float
    unfilled: float


@dataclass(frozen=True, slots=True)
class BasketProof:
    """A balance, log prices of all tokens, and the bound on the goal's measure that they prove."""

    balance: BasketBalance
    log_values: Floats
    bound: float


class BasketSearch:
    """One basket on one state of the market. `anchor` are log values near which its prices will be."""

    def __init__(self, market: EdgeTable, anchor: Floats, inputs: Mapping[int, float], goal: Goal) -> None:
        """Base units given, by token number; nothing is computed yet."""
        self.market, self.anchor, self.inputs, self.goal = market, anchor, dict(inputs), goal
        given = self.inputs or dict(goal.wanted or {})
        self.scale = sum(amount * math.exp(float(anchor[token])) for token, amount in given.items())
        self.core = tuple(dict.fromkeys([*self.inputs, *goal.outputs, *([goal.payer] if goal.wanted else [])]))
        self.part = int(market.roots[self.core[0]])
        self.usable = market.is_pool & (market.roots[market.sources] == self.part)

    def optimum(
        self, leftover: Collection[int] = (), *, residue: float = 0.0, is_over: Callable[[], bool] = lambda: False
    ) -> BasketProof:
        """The best balance over all edges but `leftover`, with the tightest bound found on the way.

        `residue` is what the leftover loses at rest, in the unit of the anchor; it is no part of the bound.
        When `is_over`, the best so far is returned, with its bound.
        """
        numbers = self._nearest(leftover)
        best: BasketProof | None = None
        balance: BasketBalance | None = None
        patience = PATIENCE
        for _ in range(MAX_ROUNDS):
            balance = self.balanced(numbers, near=balance)
            log_values = self.priced(balance)
            found = losses(self.market, log_values, pools_only=True, part=self.part)
            bound = self._bound(log_values, found.total - residue)
            proof = BasketProof(balance, log_values, bound)
            patience -= 1
            if best is None or self._gap(bound, best.bound) > WORTH:
                patience = PATIENCE
            best = (
                proof
                if best is None or self._gap(bound, best.bound) > 0.0
                else BasketProof(balance, best.log_values, best.bound)
            )
            new = self.losing(found, {*numbers, *leftover})
            if not new or not patience or is_over() or abs(self._gap(balance.measure, best.bound)) < CLOSE:
                break
            numbers = [*numbers, *new]
        if best is None:
            raise ValueError("no round was run")
        return best

    def balanced(self, edges: Iterable[int], *, near: BasketBalance | None = None) -> BasketBalance:
        """The best balance over exactly these edges."""
        return _Local(self, list(dict.fromkeys(edges)), near).balanced()

    def losing(self, found: Losses, known: Collection[int]) -> list[int]:
        """Usable edges that lose most to the prices and are not among those known."""
        large = (found.amounts > self.scale * WORTH) & self.usable[found.numbers]
        numbers = found.numbers[large][np.argsort(-found.amounts[large], kind="stable")]
        return [number for number in numbers.tolist() if number not in known][:MAX_ADDED]

    def priced(self, balance: BasketBalance) -> Floats:
        """Log prices of all tokens: each that the balance doesn't touch moves with the touched one it is deepest to."""
        log_values = self.anchor.copy()
        shifts = _carried(balance.shifts, self.market.tree)
        for token, shift in shifts.items():
            log_values[token] += shift
        if self.goal.log_prices is not None:  # an output is never worth less than the caller says
            below = max(price - float(log_values[token]) for token, price in self.goal.log_prices.items())
            if below > 0.0:
                log_values += below
        return log_values

    def _bound(self, log_values: Floats, lost: float) -> float:
        goal = self.goal
        given = sum(amount * math.exp(log_values[token]) for token, amount in self.inputs.items())
        if goal.wanted is not None:
            needed = sum(amount * math.exp(log_values[token]) for token, amount in goal.wanted.items())
            least = needed - lost - _FLOATS * (needed + lost)  # their difference keeps the error of both
            return least * math.exp(-log_values[goal.payer])
        if goal.amounts is not None:
            return (given + lost) / sum(amount * math.exp(log_values[token]) for token, amount in goal.amounts.items())
        return given + lost

    def _gap(self, measure: float, bound: float) -> float:
        """How much lower than the bound a measure is, as a share of it; for a purchase how much higher."""
        return (measure - bound) / bound if self.goal.wanted is not None else (bound - measure) / bound

    def _nearest(self, leftover: Collection[int]) -> list[int]:
        """Edges to begin with: near to trading, among the tokens in play and those on the deepest ways between them."""
        market = self.market
        tokens = np.zeros(len(market.tokens), dtype=np.bool_)
        tokens[list(_on_the_way(self.core, market.tree))] = True
        falls = market.falls(self.anchor)
        near = self.usable & tokens[market.sources] & tokens[market.targets] & (falls > -_NEAR)
        skipped = set(leftover)
        return [number for number in np.flatnonzero(near).tolist() if number not in skipped]


class _Local:
    """The tokens and arcs of one choice of edges, numbered from zero."""

    def __init__(self, search: BasketSearch, numbers: list[int], near: BasketBalance | None) -> None:
        market = search.market
        self.search, self.numbers, self.goal = search, numbers, search.goal
        ends = [(int(market.sources[n]), int(market.targets[n])) for n in numbers]
        self.tokens = list(dict.fromkeys([*search.core, *(token for pair in ends for token in pair)]))
        self.place = {token: place for place, token in enumerate(self.tokens)}
        self.bases = [float(search.anchor[token]) for token in self.tokens]
        self.arcs = [
            market.arc(n, self.place[tail], self.place[head], self.bases)
            for n, (tail, head) in zip(numbers, ends, strict=True)
        ]
        self.outputs = [self.place[token] for token in self.goal.outputs]
        self.inputs = {self.place[token]: amount for token, amount in search.inputs.items()}
        self.shifts = self._started(near)

    def balanced(self) -> BasketBalance:
        if self.goal.log_prices is not None:
            return self._best_value()
        return self._in_proportion() if self.goal.amounts is not None else self._bought()

    def _best_value(self) -> BasketBalance:
        prices = {self.place[token]: price for token, price in (self.goal.log_prices or {}).items()}
        held = set(prices)
        solved = self._solved(self.inputs, held, prices)
        for _ in range(len(prices)):
            nets = self._nets(solved, self.inputs)
            sold = {t for t in held if self._worth(t, nets[t]) < -_EXACT * self.search.scale}
            if not sold or sold == held:
                break
            held -= sold
            solved = self._solved(self.inputs, held, prices)
        nets = self._nets(solved, self.inputs)
        value = sum(math.exp(price) * max(0.0, nets[token]) for token, price in prices.items())
        return self._balance(solved, nets, value)

    def _in_proportion(self) -> BasketBalance:
        amounts = {self.place[token]: amount for token, amount in (self.goal.amounts or {}).items()}
        first = max(amounts, key=lambda token: self._worth(token, amounts[token]))
        level = self.search.scale / sum(self._worth(token, amount) for token, amount in amounts.items())
        good = list(self.shifts)
        solved, nets = self._at_level(level, amounts, first)
        low, high = 0.0, math.inf
        for _ in range(MAX_SCALES):
            prices = [
                math.exp(min(_STEEPEST, base + shift - self.bases[first]))
                for base, shift in zip(self.bases, solved.shifts, strict=True)
            ]
            missing = nets[first] - level * amounts[first]
            change = missing / sum(amount * prices[token] for token, amount in amounts.items())
            short = any(nets[t] < level * amount * (1.0 - _SHORT) for t, amount in amounts.items() if t != first)
            guess = max(level + change, level / 8.0)
            if solved.imbalance > _SHORT or short:
                high, self.shifts = min(high, level), list(good)
                guess = math.sqrt(low * high) if low else high / 4.0
            else:
                good = list(self.shifts)
                low, high = (max(low, level), high) if missing > 0.0 else (low, min(high, level))
            if not low <= guess <= high:  # too far for a slope: between what worked and what did not
                guess = math.sqrt(low * high) if low else high / 4.0
            change, level = guess - level, guess
            solved, nets = self._at_level(level, amounts, first)
            if abs(change) <= _EXACT * level:
                break
        return self._balance(solved, nets, level)

    def _at_level(self, level: float, amounts: Mapping[int, float], first: int) -> tuple[Prices, dict[int, float]]:
        supplies = dict(self.inputs)
        for token, amount in amounts.items():
            if token != first:
                supplies[token] = supplies.get(token, 0.0) - level * amount
        solved = self._solved(supplies, {first}, {})
        nets = self._nets(solved, self.inputs)
        return solved, nets

    def _bought(self) -> BasketBalance:
        payer = self.place[self.goal.payer]
        supplies = {self.place[token]: -amount for token, amount in (self.goal.wanted or {}).items()}
        solved = self._solved(supplies, {payer}, {})
        nets = self._nets(solved, {})
        return self._balance(solved, nets, -nets[payer])

    def _solved(self, supplies: Mapping[int, float], held: set[int], prices: Mapping[int, float]) -> Prices:
        """Prices with those of `held` fixed, and stopgaps for whatever no venue takes or gives."""
        anchor = min(held)
        shifts = list(self.shifts)
        for token, price in prices.items():
            if token in held:
                shifts[token] = price - self.bases[token]
        stopgaps = []
        for token, amount in supplies.items():
            if token in held or not amount:
                continue
            tail, head = (token, anchor) if amount > 0.0 else (anchor, token)
            rate = abs(amount) * 1e3
            if amount < 0.0:
                rate *= math.exp(self.bases[token] - self.bases[anchor] - _STOPGAP)
            log_price = _STOPGAP + self.bases[tail] - self.bases[head]
            stopgaps.append(Arc(tail, head, _STOPGAP, _straight(log_price, rate)))
        solved = self.search.market.solve(
            [*self.arcs, *stopgaps],
            self.bases,
            supplies=supplies,
            fixed=frozenset(held),
            scale=self.search.scale,
            shifts=shifts,
        )
        self.shifts = list(solved.shifts)
        return solved

    def _nets(self, solved: Prices, given: Mapping[int, float]) -> dict[int, float]:
        """What each token is left with: given, brought, less sold; stopgaps count for nothing."""
        nets = {place: given.get(place, 0.0) for place in range(len(self.tokens))}
        for arc, flow in zip(self.arcs, solved.flows, strict=False):
            nets[arc.tail] -= flow.amount_in
            nets[arc.head] += flow.amount_out
        return nets

    def _worth(self, token: int, amount: float) -> float:
        return amount * math.exp(self.bases[token])

    def _balance(self, solved: Prices, nets: Mapping[int, float], measure: float) -> BasketBalance:
        flows = {
            number: flow
            for number, flow in zip(self.numbers, solved.flows, strict=False)
            if flow.amount_in > 0.0 and flow.amount_out > 0.0
        }
        held = set(self.outputs) | ({self.place[self.goal.payer]} if self.goal.wanted is not None else set())
        missing = sum(abs(self._worth(token, net)) for token, net in nets.items() if token not in held)
        for token, amount in (self.goal.amounts or self.goal.wanted or {}).items():
            asked = amount * (measure if self.goal.amounts is not None else 1.0)
            missing += self._worth(self.place[token], max(0.0, asked - nets[self.place[token]]))
        return BasketBalance(
            {token: solved.shifts[place] for token, place in self.place.items()},
            flows,
            {token: nets[place] for token, place in self.place.items()},
            measure,
            missing / self.search.scale,
        )

    def _started(self, near: BasketBalance | None) -> list[float]:
        """Shifts to begin with: a balance's own, or those at which the best way of each token just starts to trade."""
        if near is not None:
            known = {self.place[token]: shift for token, shift in near.shifts.items() if token in self.place}
            return [known.get(place, 0.0) for place in range(len(self.tokens))]
        shifts = [0.0] * len(self.tokens)
        if self.goal.wanted is None:
            return self._spread(dict.fromkeys(self.outputs, 0.0), backward=True, default=shifts)
        return self._spread({self.place[self.goal.payer]: 0.0}, backward=False, default=shifts)

    def _spread(self, known: dict[int, float], *, backward: bool, default: list[float]) -> list[float]:
        for _ in range(len(self.tokens)):
            changed = False
            for tail, head, slack, _ in self.arcs:
                source, target, sign = (head, tail, 1.0) if backward else (tail, head, -1.0)
                if source not in known or slack < -1.0:
                    continue
                there = known[source] + sign * slack
                if target not in known or ((there - known[target]) * sign > 1e-15 and target not in self.outputs):
                    known[target], changed = there, True
            if not changed:
                break
        return [known.get(place, default[place]) for place in range(len(default))]


def _straight(log_price: float, rate: float) -> PriceResponse:
    """Takes `rate` base units for each unit of fall, without an end that matters."""
    return PriceResponse(log_price, [Piece(0.0, 50.0, 0.0, 0.0, rate / 1e-9, rate * math.exp(log_price), 1e-9, 1.0)])


def _on_the_way(tokens: Iterable[int], tree: Iterable[tuple[int, int]]) -> set[int]:
    """The tokens, and those on the ways between them through the tree of the deepest edges."""
    near: dict[int, set[int]] = {}
    for one, other in tree:
        near.setdefault(one, set()).add(other)
        near.setdefault(other, set()).add(one)
    kept = set(tokens)
    leaves = [token for token, others in near.items() if len(others) == 1 and token not in kept]
    while leaves:
        leaf = leaves.pop()
        for other in near.pop(leaf, ()):
            near[other].discard(leaf)
            if len(near[other]) == 1 and other not in kept:
                leaves.append(other)
    return kept.union(near)


def _carried(shifts: Mapping[int, float], tree: Iterable[tuple[int, int]]) -> dict[int, float]:
    """Each token's shift: its own, or that of the token it is joined to by the deepest edges of the tree."""
    near: dict[int, list[tuple[int, int]]] = {}
    for rank, (one, other) in enumerate(tree):
        near.setdefault(one, []).append((rank, other))
        near.setdefault(other, []).append((rank, one))
    found = dict(shifts)
    reached = [(rank, other, shift) for token, shift in shifts.items() for rank, other in near.get(token, ())]
    reached.sort()
    while reached:
        _, token, shift = heappop(reached)
        if token in found:
            continue
        found[token] = shift
        for rank, other in near.get(token, ()):
            if other not in found:
                heappush(reached, (rank, other, shift))
    return found
