"""A split in floats as whole numbers that settle.

Owns: sums that are exact, dust that is left out, and pools that are asked for all they take. Must not: choose edges.

Between its first token and its last a plan says shares of what arrives, and what arrives differs from the split in
floats by rounding and by what was left out. So arrivals are followed from token to token, a pool that is to be filled
to its end gets a little less than that, and the others take the difference.
"""

from oms.routing.allocation import Flows
from oms.routing.edge_table import EdgeTable
from oms.routing.market import Edge, PoolEdge
from oms.routing.search import Balance
from oms.units import Address

_SPARED = 1e-6
"""Share of what it takes that a full pool is spared."""


class WholeFlows:
    """The edges of a balance that are worth keeping, in the order of their tokens, ready for any input."""

    def __init__(self, market: EdgeTable, balance: Balance, source: int, target: int, *, least: float) -> None:
        """`least` is the share of a token's flow below which an edge is left out."""
        self._market, self._balance, self._source = market, balance, source
        self._used = _joined(market, balance, source, target, least=least)
        self._full = self._filled()

    def summing_to(self, total: int) -> dict[Edge, int]:
        """Whole flows: out of the source they sum exactly to `total`, beyond it to about what arrives.

        Of each token the full edges come first and the largest of the others last, so that it takes the rest.
        """
        arrived = {self._source: float(total)}
        flows: dict[Edge, int] = {}
        for token in self._order():
            own = self._shared_out(token, arrived.get(token, 0.0))
            for number, amount in own.items():
                head = int(self._market.targets[number])
                response = self._market.response(number)
                arrived[head] = arrived.get(head, 0.0) + response.sold(min(amount, response.capacity))
                flows[self._market.edges[number]] = self._whole(number, amount)
        first = self._market.tokens[self._source]
        full = frozenset(self._market.edges[number] for number in self._full)
        return summing_to(flows, first, total, spared=full) if flows else {}

    def _shared_out(self, token: int, amount: float) -> dict[int, float]:
        """What arrives at a token over its edges: as in the balance, with the difference to the free ones."""
        market, flows = self._market, self._balance.flows
        own = {n: flows[n].amount_in for n in self._used if market.sources[n] == token}
        fixed = {n: own[n] * (1.0 - _SPARED) if n in self._full else own[n] for n in own if self._is_fixed(n)}
        free = {n: given for n, given in own.items() if n not in fixed}
        while free:
            scale = (amount - sum(fixed.values())) / sum(free.values())
            limits = {n: market.response(n).capacity * (1.0 - _SPARED) for n in free}
            over = {n: most for n, most in limits.items() if free[n] * scale > most}
            if not over or scale <= 0.0:
                break
            fixed |= over
            free = {n: given for n, given in free.items() if n not in over}
        if not free or scale <= 0.0:
            fixed, free, scale = {}, own, amount / sum(own.values())
        return {**fixed, **{n: given * scale for n, given in free.items()}}

    def _is_fixed(self, number: int) -> bool:
        return number in self._full or not self._market.is_pool[number]

    def _order(self) -> list[int]:
        """Tokens that are sold, each after all that its arrivals come from."""
        market = self._market
        waiting = {int(market.sources[n]) for n in self._used}
        order: list[int] = []
        while waiting:
            fed = {int(market.targets[n]) for n in self._used if int(market.sources[n]) in waiting}
            ready = sorted(waiting - fed)
            if not ready:
                return []
            order += ready
            waiting.difference_update(ready)
        return order

    def _filled(self) -> set[int]:
        """Edges that must not take what rounding leaves over: full pools, and those that lead to nothing but such."""
        market, flows = self._market, self._balance.flows
        capacities = {n: market.response(n).capacity for n in self._used if market.is_pool[n]}
        pools = {n for n, most in capacities.items() if flows[n].amount_in > most * (1.0 - _SPARED)}
        full = set(pools)
        while True:
            open_tokens = {int(market.sources[n]) for n in self._used if n not in full}
            stuck = {int(market.sources[n]) for n in self._used} - open_tokens
            found = pools | {n for n in self._used if int(market.targets[n]) in stuck}
            if found == full:
                return full
            full = found

    def _whole(self, number: int, amount: float) -> int:
        """An integer flow, at most what a maker or book takes."""
        flow = max(1, round(amount))
        if self._market.is_pool[number]:
            return flow
        most = int(min(self._market.response(number).capacity, 1e60))
        return most if flow > most * (1 - 1e-9) else flow  # wanted whole: not a unit less, for lots' sake


def _joined(market: EdgeTable, balance: Balance, source: int, target: int, *, least: float) -> list[int]:
    """Edges with a flow worth keeping, each on a way from the source to the target; smallest flow first."""
    flows = balance.flows
    leaving: dict[int, float] = {}
    for number, flow in flows.items():
        tail = int(market.sources[number])
        leaving[tail] = leaving.get(tail, 0.0) + flow.amount_in
    kept = {n for n, flow in flows.items() if flow.amount_in > least * leaving[int(market.sources[n])]}
    while True:
        tails = {int(market.sources[n]) for n in kept}
        heads = {int(market.targets[n]) for n in kept}
        joined = {
            n
            for n in kept
            if (market.targets[n] == target or int(market.targets[n]) in tails)
            and (market.sources[n] == source or int(market.sources[n]) in heads)
        }
        if joined == kept:
            return sorted(kept, key=lambda n: flows[n].amount_in)
        kept = joined


def summing_to(flows: Flows, token: Address, total: int, *, spared: frozenset[Edge] = frozenset()) -> dict[Edge, int]:
    """The flows with those out of `token` summing exactly to `total`.

    A small difference goes to the largest pool, so that a maker or book that gives all it has is not asked for more;
    a large one is spread over the pools, or where there is none over all. None goes to those `spared`, if there are
    others.
    """
    own = [edge for edge in flows if edge.token_in == token]
    pools = [edge for edge in own if isinstance(edge, PoolEdge) and edge not in spared] or own
    if not pools:
        return dict(flows)
    held = sum(flows[edge] for edge in own if edge not in pools)
    given = sum(flows[edge] for edge in pools)
    wanted = total - held
    adjusted = dict(flows)
    if wanted <= 0:  # fewer than the others take alone: in proportion
        pools, given, wanted = own, held + given, total
    left = wanted
    *others, largest = sorted(pools, key=lambda edge: flows[edge])
    for edge in others:
        adjusted[edge] = flows[edge] * wanted // given
        left -= adjusted[edge]
    adjusted[largest] = left
    return adjusted
