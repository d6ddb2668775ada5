"""The free arbitrage between two pairs, beside degenbot's optimiser of a given cycle.

Owns: the cycles (of the recorded auction) and the check that neither side finds more. Must not: time an unequal answer.

degenbot 0.3.0 has no router: its optimiser takes a cycle of pools in a given order and finds the input that earns most,
by a bounded scalar search. Ours takes a market and finds prices at which nothing pays any more; on a market of two
pairs of the same tokens both come to the same profit, ours before rounding to integers.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from statistics import median

from benchmarks.auction import Auction
from benchmarks.measures import Findings, Measure, Reading
from benchmarks.peers.process import DEGENBOT, PeerProcess
from benchmarks.peers.serving import Subject
from benchmarks.route_answers import arbitrage_in
from oms.domain.venue import Family
from oms.liquidity.constant_product import ConstantProductPool
from oms.liquidity.listing import ListedPool
from oms.routing.market import PoolEdge, edges_of
from oms.routing.prepared import PreparedMarket
from oms.units import Address

ROUNDS = 9
LEAST_PROFIT_WEI = 10**12
"""Cycles that earn less are left out: rounding to integers would be most of the difference."""
SAME = 1e-6

CYCLES = Measure(
    key="route.cycle.per_s",
    unit="cycles/s",
    what="best arbitrage between two pairs of one pair of tokens, from the auction",
    peer="degenbot",
)
MEASURES = (CYCLES,)
Cycle = tuple[ListedPool, ListedPool]


def measure(findings: Findings, auction: Auction, *, project: Path) -> None:
    """Compare the profits, then time both in alternating rounds. Raises `PeerUnavailable`, `PeerFailed`."""
    coin = auction.wrapped_native
    cycles = [cycle for cycle in _cycles(auction) if _profit(_edges(cycle), coin) >= LEAST_PROFIT_WEI]
    ours = Subject(lambda edges, number: _profit(edges[number], coin), [_edges(cycle) for cycle in cycles])
    state = {"cycles": [_told(cycle, coin) for cycle in cycles]}
    every = range(len(cycles))
    with PeerProcess.start(DEGENBOT, project) as peer:
        mine, theirs = ours.answers(every), peer.answers("cycles", state, every)
        off = [mine[number] / theirs[number] - 1 for number in every]
        findings.notes.append(
            f"route.cycle: {len(cycles)} cycles of two pairs; our profit beside degenbot's: {min(off):+.1e} to "
            f"{max(off):+.1e} (ours before rounding, theirs where its search stopped), median {median(off):+.1e}"
        )
        if min(off) < -SAME:
            findings.errors.append(f"{CYCLES.key}: degenbot earns more on cycle {off.index(min(off))}; not timed")
            return
        rounds = [(ours.seconds(every), peer.seconds("cycles", state, every)) for _ in range(ROUNDS)]
    count = len(cycles)
    findings.readings.append(
        Reading.of_rounds(CYCLES, [count / mine for mine, _ in rounds], [count / other for _, other in rounds])
    )


def _cycles(auction: Auction) -> list[Cycle]:
    """Pairs of pairs that pay one way round, selling the coin first."""
    by_tokens: dict[tuple[Address, ...], list[ListedPool]] = defaultdict(list)
    for listed in auction.pools_of(Family.UNISWAP_V2):
        if auction.wrapped_native in listed.key.tokens:
            by_tokens[listed.key.tokens].append(listed)
    found = []
    for tokens, pools in by_tokens.items():
        other = next(token for token in tokens if token != auction.wrapped_native)
        for first, second in permutations(pools, 2):
            there = first.pool.marginal_price(auction.wrapped_native, other)
            if there * second.pool.marginal_price(other, auction.wrapped_native) > 1 and _are_at_30_bps(first, second):
                found.append((first, second))
    return found


def _are_at_30_bps(*pools: ListedPool) -> bool:
    """The peer's pairs are."""
    return all(listed.key.fee_pips == 3_000 for listed in pools)


def _edges(cycle: Cycle) -> Sequence[PoolEdge]:
    return edges_of(cycle, cycle[0].key.tokens)


def _profit(edges: Sequence[PoolEdge], coin: Address) -> int:
    """What the market's free arbitrage is worth in the coin, rounded down."""
    return int(arbitrage_in(PreparedMarket.of(edges), coin))


def _told(cycle: Cycle, coin: Address) -> dict[str, object]:
    pools = [listed.pool for listed in cycle]
    told = [
        {"pool": pool.pool_id, "tokens": list(pool.tokens), "reserves": [pool.reserve0, pool.reserve1]}
        for pool in pools
        if isinstance(pool, ConstantProductPool)
    ]
    first = cycle[0].pool
    most = first.limits(next(t for t in first.tokens if t != coin), coin).max_amount_out
    return {"pools": told, "token": coin, "most": most}
