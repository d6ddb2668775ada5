"""An order's split over edges, and its exact settlement: leg by leg, in the executor's own order, in integers.

Owns: how flows become spends that the executor understands (exact, share, rest), their simulation on shared states,
what gas and charges leave of the output, and the paths that a split amounts to.
Must not: search, or know how a leg is encoded.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from oms.domain.handing import handing_on
from oms.domain.plans import SHARE_DENOMINATOR, Spend, SpendKind
from oms.errors import QuoteRefused, Refusal
from oms.routing.market import BookEdge, Edge, Fill, Path, fill, sale_of
from oms.units import Address

TRANSACTION_GAS = 43_200
"""A settlement's fixed cost: the transaction itself, calldata, the executor's entry and its final checks."""
PASSED_TOKEN_GAS = 7_300
"""Each token that rests in the executor between legs, which reads its balance before and after (`gas_model`, rounded).
One that goes from pool to pool costs nothing by itself."""

Flows = Mapping[Edge, int]
"""What goes into each edge, in base units of its input. Beyond the source only proportions count."""


@dataclass(frozen=True, slots=True)
class GasCost:
    """Turns gas into base units of the output token: `out_per_gas` is gas price times the coin's price."""

    out_per_gas: float

    def of(self, gas: int) -> int:
        """Base units of the output token, rounded up."""
        return -int(-gas * self.out_per_gas // 1) if gas else 0


FREE_GAS = GasCost(0.0)


@dataclass(frozen=True, slots=True)
class LegFill:
    """One edge's share of an allocation, exactly as it would settle. `charge` is in base units of its output."""

    edge: Edge
    spend: Spend
    amount_in: int
    amount_out: int
    gas: int
    charge: int = 0


@dataclass(frozen=True, slots=True)
class Allocation:
    """A split: the legs in settlement order, and what they add up to.

    `net_out` is the output less gas and less what exchange fills are expected to cost beyond their amounts
    (`charges`). `paths` says how much of the input takes which way.
    """

    legs: tuple[LegFill, ...]
    amount_in: int
    amount_out: int
    gas: int
    net_out: int
    paths: tuple[tuple[Path, int], ...]

    @property
    def charges(self) -> int:
        """Hedge and inventory costs of the exchange legs, in base units of the output."""
        return sum(leg.charge for leg in self.legs)

    @property
    def flows(self) -> dict[Edge, int]:
        """What goes into each edge."""
        return {leg.edge: leg.amount_in for leg in self.legs}


def settle(market_states: Mapping[str, object], flows: Flows, *, gas_cost: GasCost, lots: bool = True) -> Allocation:
    """Simulate flows exactly as the executor runs them: one leg an edge, tokens in an order in which all point forward.

    What the first token's edges are given adds up to the input. Raises `QuoteRefused` when a leg would revert, or the
    edges go round in a circle.
    """
    asked, flows = flows, {edge: amount for edge, amount in flows.items() if amount > 0}
    if not flows:
        raise QuoteRefused(Refusal.ZERO_AMOUNT, "sell more than zero")
    if _ends(flows) != _ends(asked):
        raise QuoteRefused(Refusal.ZERO_AMOUNT, "rounding leaves a part of the plan without an amount; trade more")
    order = token_order(flows)
    source, target = order[0], order[-1]
    leaving: dict[Address, dict[Edge, int]] = defaultdict(dict)
    for edge, amount in flows.items():
        leaving[edge.token_in][edge] = amount
    amount_in = sum(leaving[source].values())
    held: dict[Address, int] = dict.fromkeys(order, 0)
    held[source] = amount_in
    states = dict(market_states)
    legs: list[LegFill] = []
    for token in order:
        for edge, spend, exact in _spends(leaving.get(token, {}), is_source=token == source):
            amount = spend.amount(held[token], exact)
            done: Fill = fill(edge, states[edge.state_id], amount, lots=lots)
            states[edge.state_id] = done.next_state
            held[token] -= amount
            held[edge.token_out] += done.amount_out
            legs.append(LegFill(edge, spend, amount, done.amount_out, done.gas, done.charge))
    legs.sort(key=lambda leg: isinstance(leg.edge, BookEdge))
    gas = allocation_gas(legs)
    amount_out = held[target]
    charges = sum(leg.charge for leg in legs)
    net_out = amount_out - gas_cost.of(gas) - charges
    return Allocation(tuple(legs), amount_in, amount_out, gas, net_out, paths_of(legs, order, amount_in))


def _ends(edges: Iterable[Edge]) -> tuple[set[Address], set[Address]]:
    """Tokens that nothing buys, and tokens that nothing sells."""
    kept = list(edges)
    sold, bought = {edge.token_in for edge in kept}, {edge.token_out for edge in kept}
    return sold - bought, bought - sold


def settle_or_none(
    market_states: Mapping[str, object], flows: Flows, *, gas_cost: GasCost, lots: bool = True
) -> Allocation | None:
    """The same, with `None` for a refusal: what a search asks."""
    try:
        return settle(market_states, flows, gas_cost=gas_cost, lots=lots)
    except QuoteRefused:
        return None


def allocation_gas(legs: Sequence[LegFill]) -> int:
    """About the gas of the one transaction, linear in its legs; nothing where every leg is off chain.

    A search needs it quick and additive; `gas_model.plan_gas` is what a plan states.
    """
    on_chain = [leg for leg in legs if not isinstance(leg.edge, BookEdge)]
    if not on_chain:
        return 0
    passed = len({leg.edge.token_in for leg in on_chain} & {leg.edge.token_out for leg in on_chain})
    handed = sum(handing_on([sale_of(leg.edge, leg.spend) for leg in on_chain])) if passed else 0
    return sum(leg.gas for leg in on_chain) + TRANSACTION_GAS + PASSED_TOKEN_GAS * (passed - handed)


def _spends(flows: Flows, *, is_source: bool) -> Iterable[tuple[Edge, Spend, int]]:
    """How each leg out of one token measures its input: exact amounts at the source, shares of the rest after it.

    The last on-chain leg takes the rest, so that nothing is left behind; a book's amount is exact and comes first.
    """
    books = [(edge, amount) for edge, amount in flows.items() if isinstance(edge, BookEdge)]
    chain = [(edge, amount) for edge, amount in flows.items() if not isinstance(edge, BookEdge)]
    for book, amount in books:
        yield book, Spend(SpendKind.EXACT), amount
    remaining = sum(amount for _, amount in chain)
    for index, (edge, amount) in enumerate(chain):
        if index == len(chain) - 1:
            yield edge, Spend(SpendKind.REST), 0
        elif is_source:
            yield edge, Spend(SpendKind.EXACT), amount
        else:
            yield edge, Spend(SpendKind.SHARE, SHARE_DENOMINATOR * amount // remaining), 0
        remaining -= amount


def token_order(edges: Iterable[Edge]) -> list[Address]:
    """Tokens from the source to the target such that every leg points forward. Raises `QuoteRefused` on a circle."""
    before: dict[Address, dict[Address, None]] = {}
    after: dict[Address, dict[Address, None]] = {}  # ordered, unlike sets: the same edges give the same plan
    for edge in edges:
        after.setdefault(edge.token_in, {})[edge.token_out] = None
        before.setdefault(edge.token_out, {})[edge.token_in] = None
        before.setdefault(edge.token_in, {})
    order: list[Address] = []
    ready = [token for token, earlier in before.items() if not earlier]
    waiting = {token: len(earlier) for token, earlier in before.items()}
    while ready:
        token = ready.pop(0)
        order.append(token)
        for later in after.get(token, ()):
            waiting[later] -= 1
            if not waiting[later]:
                ready.append(later)
    if len(order) < len(before):
        raise QuoteRefused(Refusal.INSUFFICIENT_LIQUIDITY, "the paths would trade in a circle")
    return order


def flows_of_paths(shares: Mapping[Path, int]) -> dict[Edge, int]:
    """What goes into each edge when each path is given its share: exact at the source, proportions beyond it."""
    flows: dict[Edge, int] = defaultdict(int)
    for path, share in shares.items():
        for edge in path:
            flows[edge] += share
    return dict(flows)


def paths_of(legs: Sequence[LegFill], order: Sequence[Address], amount_in: int) -> tuple[tuple[Path, int], ...]:
    """The paths that the legs amount to, largest first, with their shares of the input; these sum to it exactly.

    A flow over shared edges can be read as paths in more than one way; this takes the widest path each time.
    """
    leaving: dict[Address, list[LegFill]] = defaultdict(list)
    for leg in legs:
        leaving[leg.edge.token_in].append(leg)
    left: dict[Edge, float] = {}
    arrived = defaultdict(float, {order[0]: 1.0})
    for token in order:
        total = sum(leg.amount_in for leg in leaving[token])
        for leg in leaving[token]:
            share = arrived[token] * leg.amount_in / total if total else 0.0
            left[leg.edge] = share
            arrived[leg.edge.token_out] += share
    found: list[tuple[Path, float]] = []
    for _ in range(len(legs)):
        path = _widest(leaving, left, order)
        width = min((left[edge] for edge in path), default=0.0)
        if width <= 1e-12:
            break
        for edge in path:
            left[edge] -= width
        found.append((path, width))
    if not found:
        return ()
    found.sort(key=lambda entry: -entry[1])
    shares = [int(amount_in * width) for _, width in found]
    shares[0] += amount_in - sum(shares)
    return tuple((path, share) for (path, _), share in zip(found, shares, strict=True))


def _widest(leaving: Mapping[Address, Sequence[LegFill]], left: Mapping[Edge, float], order: Sequence[Address]) -> Path:
    path: list[Edge] = []
    token = order[0]
    while token != order[-1] and leaving.get(token):
        edge = max((leg.edge for leg in leaving[token]), key=lambda edge: left[edge])
        path.append(edge)
        token = edge.token_out
    return tuple(path)
