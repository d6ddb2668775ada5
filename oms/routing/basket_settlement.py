"""A basket in integers: flows turned into spends and simulated leg by leg, with several tokens given and wanted.

Owns: the order of the legs, what is spent and what is kept of each token, and the least inputs of a purchase.
Must not: search. `allocation.settle` does the same for one token into one; this keeps its order and its rules.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from oms.domain.plans import SHARE_DENOMINATOR, Spend, SpendKind
from oms.errors import QuoteRefused, Refusal
from oms.routing.allocation import Flows, LegFill, allocation_gas, token_order
from oms.routing.market import Edge, PoolEdge, fill
from oms.units import Address


@dataclass(frozen=True, slots=True)
class SettledBasket:
    """Legs in settlement order, and what is left of every token that was given, wanted or kept, in base units.

    Of each token, what is given and what legs bring is what legs sell and what is left; nothing else is left over.
    """

    legs: tuple[LegFill, ...]
    left: Mapping[Address, int]
    gas: int


_MAX_RAISES = 8


class LegRefused(QuoteRefused):
    """One leg would revert; without its `edge` the others may do."""

    def __init__(self, edge: Edge, refused: QuoteRefused) -> None:
        self.edge = edge
        super().__init__(refused.reason, refused.detail)


def settle_sale(
    states: Mapping[str, object], inputs: Mapping[Address, int], flows: Flows, kept: Mapping[Address, int]
) -> SettledBasket:
    """Simulate a sale of exactly these inputs; flows say in what proportion each token is sold on, `kept` what stays.

    A token that is only given is sold in exact amounts; one that legs bring is sold by shares of what has arrived, and
    if nothing of it is to stay, whole. Raises `QuoteRefused` when a leg would revert, the edges go round in a circle,
    or an input has no way out.
    """
    flows = {edge: amount for edge, amount in flows.items() if amount > 0}
    leaving = _leaving(flows)
    stuck = [token for token in inputs if token not in leaving and token not in kept]
    if stuck:
        raise QuoteRefused(Refusal.NO_PATH, f"nothing takes {stuck[0]}; widen the venues")
    held: defaultdict[Address, int] = defaultdict(int, inputs)
    arrives = {edge.token_out for edge in flows}
    moved, legs = dict(states), []
    for token in token_order(flows):
        out = leaving.get(token, {})
        stays = kept.get(token, 0) if token in kept else None
        for edge, spend, exact in _spends(out, held[token], stays, is_given=token not in arrives):
            amount = spend.amount(held[token], exact)
            leg = _filled(edge, spend, amount, moved)
            held[token] -= amount
            held[edge.token_out] += leg.amount_out
            legs.append(leg)
    return SettledBasket(tuple(legs), dict(held), allocation_gas(legs))


def settle_purchase(
    states: Mapping[str, object], payer: Address, flows: Flows, wanted: Mapping[Address, int]
) -> SettledBasket:
    """Simulate a purchase of at least `wanted`: least inputs from the last token to the first, then every leg forward.

    Of what a token needs, all edges into it but the largest are given their flows, and the largest brings the rest.
    Raises `QuoteRefused` when a leg would revert or the edges go round in a circle.
    """
    flows = {edge: amount for edge, amount in flows.items() if amount > 0}
    order = token_order(flows)
    needed: defaultdict[Address, int] = defaultdict(int, wanted)
    spends: dict[Edge, int] = {}
    for token in reversed(order):
        if token == payer:
            continue
        into = sorted((edge for edge in flows if edge.token_out == token), key=lambda edge: flows[edge])
        for edge, amount in _inputs_for(states, into, flows, needed[token]):
            spends[edge] = amount
            needed[edge.token_in] += amount
    held: defaultdict[Address, int] = defaultdict(int, {payer: needed[payer]})
    moved, legs = dict(states), []
    leaving = _leaving(spends)
    for token in order:
        for edge, exact in leaving.get(token, {}).items():
            leg = _filled(edge, Spend(SpendKind.EXACT), exact, moved)
            held[token] -= exact
            held[edge.token_out] += leg.amount_out
            legs.append(leg)
    if any(held[token] < amount for token, amount in wanted.items()) or any(left < 0 for left in held.values()):
        raise QuoteRefused(Refusal.WORSE_THAN_QUOTED, "a venue pays less than it asked for")
    return SettledBasket(tuple(legs), dict(held), allocation_gas(legs))


def _spends(flows: Flows, available: int, stays: int | None, *, is_given: bool) -> Iterable[tuple[Edge, Spend, int]]:
    """How each leg out of a token measures its input; `stays` is about what is not sold of it, if anything may stay."""
    if not flows:
        return
    ordered = sorted(flows.items(), key=lambda entry: entry[1])
    remaining = sum(flows.values()) + (stays or 0)
    if is_given:
        yield from _exact(ordered, available, stays, remaining)
        return
    for place, (edge, flow) in enumerate(ordered):
        if stays is None and place == len(ordered) - 1:
            yield edge, Spend(SpendKind.REST), 0
        else:
            yield edge, Spend(SpendKind.SHARE, SHARE_DENOMINATOR * flow // remaining), 0
        remaining -= flow


def _exact(
    ordered: Iterable[tuple[Edge, int]], available: int, stays: int | None, total: int
) -> Iterable[tuple[Edge, Spend, int]]:
    """Exact amounts in proportion; the largest flow, which comes last, takes the rounding where nothing may stay."""
    flows = list(ordered)
    left = available
    for edge, flow in flows[:-1]:
        amount = available * flow // total
        left -= amount
        yield edge, Spend(SpendKind.EXACT), amount
    last, flow = flows[-1]
    yield last, Spend(SpendKind.EXACT), left if stays is None else min(left, available * flow // total)


def _leaving(flows: Flows) -> dict[Address, dict[Edge, int]]:
    leaving: defaultdict[Address, dict[Edge, int]] = defaultdict(dict)
    for edge, amount in flows.items():
        leaving[edge.token_in][edge] = amount
    return dict(leaving)


def _filled(edge: Edge, spend: Spend, amount: int, states: dict[str, object]) -> LegFill:
    try:
        done = fill(edge, states[edge.state_id], amount)
    except QuoteRefused as refused:
        raise LegRefused(edge, refused) from refused
    states[edge.state_id] = done.next_state
    return LegFill(edge, spend, amount, done.amount_out, done.gas, done.charge)


def _inputs_for(
    states: Mapping[str, object], edges: list[Edge], flows: Flows, needed: int
) -> Iterable[tuple[Edge, int]]:
    """Inputs of the edges into one token that together bring at least `needed` of it; smallest flow first."""
    for edge in edges[:-1]:
        if needed <= 0:
            return
        try:
            brought = fill(edge, states[edge.state_id], flows[edge]).amount_out
        except QuoteRefused as refused:
            raise LegRefused(edge, refused) from refused
        if brought <= needed:
            yield edge, flows[edge]
            needed -= brought
    if needed > 0 and edges:
        yield edges[-1], _input_for(edges[-1], needed)
    elif needed > 0:
        raise QuoteRefused(Refusal.NO_PATH, "nothing sells a token that is wanted; widen the venues")


def _input_for(edge: Edge, needed: int) -> int:
    """An input that brings at least `needed`, by the pool's exact-output rule.

    Where that rule's rounding differs from that of its exact-input one, as in Balancer's pools, by a trifle more.
    """
    if not isinstance(edge, PoolEdge):
        raise QuoteRefused(Refusal.NO_PATH, "a basket trades with pools only")
    pool, pair = edge.listed.pool, (edge.token_in, edge.token_out)
    try:
        amount = pool.quote_out(*pair, needed).amount_in
        for _ in range(_MAX_RAISES):
            brought = pool.quote_in(*pair, amount).amount_out
            if brought >= needed:
                return amount
            amount += -(-amount * (needed - brought) // max(1, brought)) + 1
    except QuoteRefused as refused:
        raise LegRefused(edge, refused) from refused
    raise LegRefused(edge, QuoteRefused(Refusal.WORSE_THAN_QUOTED, "it pays less than it asked for"))
