"""How many exact quotes a second, pool family by pool family, beside the peers that answer the same.

Owns: the pools (recorded on mainnet), the amounts, and the check that both sides give the same answers.
Must not: repeat an amount within a round, or measure what was not checked.

Ours are the public methods: `amount_out` for the amount alone, `quote_in` for the amount, the gas and the pool after.
Peers are measured by their own public methods for the same two things. Rounds alternate between us and the peer.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measures import Findings, Measure, Reading
from benchmarks.peers.process import BALANCER_MATHS, DEGENBOT, Peer, PeerFailed, PeerProcess, PeerUnavailable
from benchmarks.peers.serving import State, Subject
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.constant_product import ConstantProductPool
from oms.liquidity.pool import Family
from oms.liquidity.stableswap import Amplification, StableSwapPool
from oms.liquidity.tick_map import TickMap
from oms.liquidity.weighted import PowVersion, WeightedPool
from oms.units import Address

ROUNDS = 9
ROUND_SECONDS = 0.12
_CHECKED = 300
_MOST = 60_000
_AIM = 8.0
_SELL_TOKEN0 = True
_V3_FILE = "uniswap_v3/uniswap_v3_wbtc_weth_block_24407242.json"


@dataclass(frozen=True, slots=True)
class Case:
    """A pool as its peer takes it, our call on it, and the amounts."""

    measure: Measure
    peer: Peer | None
    loader: str
    state: State
    ours: Subject
    lowest: int
    highest: int
    same: Subject | None = None
    """What of ours must equal the peer's answers, where that is not the call measured."""

    def amounts(self, count: int, *, offset: int = 0) -> range:
        """`count` different amounts from lowest to highest; another offset below `ROUNDS` gives other amounts."""
        step = (self.highest - self.lowest) // count
        start = self.lowest + step * offset // ROUNDS
        return range(start, start + step * count, step)


def _measure(key: str, what: str, *, peer: str = "degenbot", aim: float | None = _AIM) -> Measure:
    return Measure(key=key, unit="quotes/s", what=what, aim=aim if peer else None, peer=peer)


V3_SMALL = _measure("quote.v3.small_per_s", "v3 WBTC/WETH 0.3 %, 458 ticks, sell 0.005 to 0.02 WBTC")
V3_DRAIN = _measure("quote.v3.drain_per_s", "same pool, sell so much that all 326 initialized ticks below are crossed")
V3_SMALL_STATE = _measure("quote.v3.small_with_state_per_s", "small, with gas and the pool after", aim=None)
V3_DRAIN_STATE = _measure("quote.v3.drain_with_state_per_s", "drain, with gas and the pool after", aim=None)
V3_FIRST_DRAIN = Measure(
    key="quote.v3.first_drain_ms",
    unit="ms",
    what="first drain on a pool just loaded, which walks all its steps once",
    less_is_better=True,
)
V2 = _measure("quote.v2_per_s", "v2 WBTC/WETH, sell 0.005 to 1 WBTC")
V2_STATE = _measure("quote.v2_with_state_per_s", "v2 with gas and the pool after", aim=None)
CURVE = _measure("quote.curve_per_s", "3pool, sell 1,000 to 1,000,000 DAI for USDC")
CURVE_STATE = _measure("quote.curve_with_state_per_s", "3pool with gas and the pool after", peer="")
WEIGHTED = _measure(
    "quote.balancer_weighted_per_s",
    "WETH/BAL 20/80, sell 0.1 to 10 WETH; degenbot 0.3.0 knows no Balancer pool",
    peer="balancer_maths",
)
WEIGHTED_STATE = _measure("quote.balancer_weighted_with_state_per_s", "WETH/BAL with gas and the pool after", peer="")
MEASURES = (
    V3_SMALL, V3_DRAIN, V3_SMALL_STATE, V3_DRAIN_STATE, V3_FIRST_DRAIN,
    V2, V2_STATE, CURVE, CURVE_STATE, WEIGHTED, WEIGHTED_STATE,
)  # fmt: skip


def measure(wanted: Sequence[Measure], findings: Findings, *, project: Path, data: Path) -> None:
    """Measure what is wanted of this group; what cannot be measured becomes a note."""
    folder = data / "vectors"
    if not folder.is_dir():
        findings.notes.append(f"quote.*: no recorded pools in {folder}; set OMS_DATA to where they are")
        return
    cases = [case for case in _cases(folder) if case.measure in wanted]
    for peer in (DEGENBOT, BALANCER_MATHS, None):
        _measure_beside(peer, [case for case in cases if case.peer == peer], findings, project)
    if V3_FIRST_DRAIN in wanted:
        findings.readings.append(_first_drain(folder))


def _measure_beside(peer: Peer | None, cases: Sequence[Case], findings: Findings, project: Path) -> None:
    if not cases:
        return
    if peer is None:
        findings.readings += [_alternate(case, None) for case in cases]
        return
    try:
        process = PeerProcess.start(peer, project)
    except PeerUnavailable as error:
        findings.notes.append(f"left out, no peer: {error}")
        findings.readings += [_alternate(case, None) for case in cases]
        return
    with process:
        for case in cases:
            try:
                if mismatch := _mismatch(case, process):
                    findings.errors.append(mismatch)
                    continue
                findings.readings.append(_alternate(case, process))
            except PeerFailed as error:
                findings.errors.append(f"{case.measure.key}: {error}")
                return


def _mismatch(case: Case, process: PeerProcess) -> str:
    """The first amount on which we and the peer differ; empty if there is none."""
    amounts = case.amounts(_CHECKED)
    theirs = process.answers(case.loader, case.state, amounts)
    for amount, mine, other in zip(amounts, (case.same or case.ours).answers(amounts), theirs, strict=True):
        if mine != other:
            return f"{case.measure.key}: for {amount} we answer {mine} and {process.peer.name} {other}; not timed"
    return ""


def _alternate(case: Case, process: PeerProcess | None) -> Reading:
    """Rates of alternating rounds, each with amounts of its own."""
    ours = _rounds(case, lambda amounts: case.ours.seconds(list(amounts)))
    if process is None:
        return Reading.of_rounds(case.measure, [next(ours) for _ in range(ROUNDS)])
    theirs = _rounds(case, lambda amounts: process.seconds(case.loader, case.state, amounts))
    rates = [(next(ours), next(theirs)) for _ in range(ROUNDS)]
    return Reading.of_rounds(case.measure, [mine for mine, _ in rates], [other for _, other in rates])


class _rounds:  # noqa: N801 (an iterator that reads like a generator function)
    """Quotes a second, round after round; the first call also finds out how many fill a round."""

    def __init__(self, case: Case, seconds: Callable[[range], float]) -> None:
        self._case, self._seconds = case, seconds
        seconds(case.amounts(50, offset=1))
        taken = seconds(case.amounts(50))
        self._count = max(20, min(_MOST, int(ROUND_SECONDS * 50 / taken)))
        self._offset = 0

    def __next__(self) -> float:
        amounts = self._case.amounts(self._count, offset=self._offset)
        self._offset += 1
        return len(amounts) / self._seconds(amounts)


def _first_drain(folder: Path) -> Reading:
    milliseconds = []
    for round_ in range(ROUNDS):
        pool, _ = _v3(folder)
        milliseconds.append(1_000 * Subject(pool.amount_out, _SELL_TOKEN0).seconds([_DRAIN[0] + round_]))
    return Reading(V3_FIRST_DRAIN, median(milliseconds))


_DRAIN = (7 * 10**21, 8 * 10**21)
"""From past the last initialized tick but the outermost one (6.37e21), in 1e-8 WBTC."""


def _cases(folder: Path) -> list[Case]:
    return [*_v3_cases(folder), *_v2_cases(folder), *_curve_cases(folder), *_weighted_cases(folder)]


def _read(path: Path) -> Any:
    return json.loads(path.read_text())


def _v3(folder: Path) -> tuple[ConcentratedPool, State]:
    recorded = _read(folder / _V3_FILE)
    scalars, nets = recorded["scalars"], {int(tick): net for tick, (_, net, _) in recorded["tick_data"].items()}
    tokens = Address("WBTC"), Address("WETH")
    pool = ConcentratedPool(
        pool_id=recorded["pool"],
        family=Family.UNISWAP_V3,
        tokens=tokens,
        fee_pips=scalars["fee"],
        tick_spacing=scalars["tick_spacing"],
        sqrt_price_x96=scalars["sqrt_price_x96"],
        tick=scalars["tick"],
        liquidity=scalars["liquidity"],
        tick_map=TickMap.of(nets),
    )
    return pool, {"pool": recorded["pool"], "tokens": tokens, "liquidity_net": nets, **scalars}


def _v3_cases(folder: Path) -> list[Case]:
    pool, state = _v3(folder)
    lean, full = Subject(pool.amount_out, _SELL_TOKEN0), _with_state(pool)
    small = 500_000, 2_000_000
    return [
        Case(V3_SMALL, DEGENBOT, "v3", state, lean, *small),
        Case(V3_DRAIN, DEGENBOT, "v3", state, lean, *_DRAIN),
        Case(V3_SMALL_STATE, DEGENBOT, "v3_state", state, full, *small),
        Case(V3_DRAIN_STATE, DEGENBOT, "v3_state", state, full, *_DRAIN),
    ]


def _v2_cases(folder: Path) -> list[Case]:
    recorded = _read(folder / "uniswap_v2/wbtc_weth_17600000.json")
    tokens = Address("WBTC"), Address("WETH")
    reserves = recorded["reserves_token0"], recorded["reserves_token1"]
    pool = ConstantProductPool(recorded["address"], *tokens, *reserves)
    state = {"pool": recorded["address"], "tokens": tokens, "reserves": reserves}
    amounts = 500_000, 100_000_000
    return [
        Case(V2, DEGENBOT, "v2", state, Subject(pool.amount_out, _SELL_TOKEN0), *amounts),
        Case(V2_STATE, DEGENBOT, "v2_state", state, _with_state(pool), *amounts),
    ]


def _curve_cases(folder: Path) -> list[Case]:
    recorded = _read(folder / "curve/curve_tripool_block_24407242.json")
    addresses = tuple(Address(token["address"]) for token in recorded["tokens"])
    decimals = [token["decimals"] for token in recorded["tokens"]]
    pool = StableSwapPool(
        pool_id=recorded["address"],
        tokens=addresses,
        balances=tuple(recorded["balances"]),
        rates=tuple(10 ** (36 - places) for places in decimals),
        amplification=Amplification.constant(recorded["a_coefficient"]),
        fee=recorded["fee"],
        admin_fee=recorded["admin_fee"],
        timestamp=recorded["block_timestamp"],
    )
    state = {
        "pool": recorded["address"],
        "tokens": addresses,
        "decimals": decimals,
        "balances": recorded["balances"],
        "fee": recorded["fee"],
        "a": recorded["a_coefficient"],
        "timestamp": recorded["block_timestamp"],
    }
    amounts = 10**21, 10**24
    # degenbot gives the view's answer, which may be a unit off what `exchange` pays.
    view = Subject(pool.view_get_dy, addresses[0], addresses[1])
    return [
        Case(CURVE, DEGENBOT, "curve", state, Subject(pool.amount_out, 0, 1), *amounts, view),
        Case(CURVE_STATE, None, "", state, _with_state(pool), *amounts),
    ]


def _weighted_cases(folder: Path) -> list[Case]:
    recorded = _read(folder / "balancer/balancer_weighted_weth_bal.json")
    addresses = tuple(Address(token["address"]) for token in recorded["tokens"])
    decimals = tuple(token["decimals"] for token in recorded["tokens"])
    swap_fee = 10**16
    pool = WeightedPool(
        pool_id=recorded["pool_id"],
        address=recorded["address"],
        tokens=addresses,
        balances=tuple(recorded["balances"]),
        weights=tuple(recorded["weights"]),
        decimals=decimals,
        swap_fee=swap_fee,
        pow_version=PowVersion(recorded["pow_version"]),
    )
    state = {
        "pool": recorded["address"],
        "tokens": addresses,
        "decimals": decimals,
        "balances": recorded["balances"],
        "weights": recorded["weights"],
        "swap_fee": swap_fee,
        "index_in": 1,
        "index_out": 0,
    }
    amounts = 10**17, 10**19
    return [
        Case(WEIGHTED, BALANCER_MATHS, "weighted", state, Subject(pool.amount_out, 1, 0), *amounts),
        Case(WEIGHTED_STATE, None, "", state, _with_state(pool, 1, 0), *amounts),
    ]


def _with_state(
    pool: ConcentratedPool | ConstantProductPool | StableSwapPool | WeightedPool, i: int = 0, j: int = 1
) -> Subject:
    return Subject(pool.quote_in, pool.tokens[i], pool.tokens[j], answer=lambda swap: int(swap.amount_out))
