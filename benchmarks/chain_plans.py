"""Random plans on a chain of our own, settled by real transactions and compared with their prediction to the wei.

Owns: the plans' choice from a seed, the ways in which they are funded, and the comparison.
Must not: predict anything itself: amounts are `oms.routing`'s.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from eth_abi.abi import decode
from eth_hash.auto import keccak

from benchmarks.settling_chain import DEADLINE, TRADER, SettlingChain
from oms.adapters.evm.addresses import address_of
from oms.adapters.evm.contracts import venue_ids
from oms.domain.block import BlockPin
from oms.domain.plans import ChainLeg, Intent, MakerLeg, PoolLeg, RoutePlan, Side
from oms.domain.quotes import FirmQuote
from oms.errors import QuoteRefused, Refusal
from oms.execution.settlement_calldata import settlement_transaction
from oms.liquidity.composable_stable import BalancerStablePool
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.constant_product import ConstantProductPool
from oms.liquidity.weighted import WeightedPool
from oms.routing.allocation import FREE_GAS, Allocation, LegFill, flows_of_paths, settle
from oms.routing.gas_model import TRANSACTION_GAS_LIMIT, plan_gas
from oms.routing.market import Edge, FirmEdge, Market, Path, PoolEdge, edges_of, fill
from oms.routing.prepared import PreparedMarket
from oms.routing.route import RouteTerms, sell
from oms.units import Address, BlockNumber, Bps, Gas, Wei

MAX_HOPS: Final = 4
MAX_PATHS: Final = 5
_TRIES = 200
_BLOCK = BlockPin(1, BlockNumber(0), "0x" + "00" * 32, 0, Wei(0))


@dataclass(frozen=True, slots=True)
class Funding:
    """Whose money, and what its holder has before and after.

    With `pulls` the owner pays by an exact approval and is paid; otherwise the executor is. `keeps_input` says that
    the payer has more of the input than the plan sells, `has_output` that the one who is paid has some already.
    """

    pulls: bool
    keeps_input: bool
    has_output: bool


FUNDINGS: Final = tuple(
    Funding(pulls, keeps, has) for pulls in (False, True) for keeps in (True, False) for has in (True, False)
)


@dataclass(frozen=True, slots=True)
class SettledLeg:
    """What a pool's own log says of one swap; `after` is what it says of its state, empty where it says nothing."""

    pool_id: str
    amount_in: int
    amount_out: int
    after: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SettledPlan:
    """A plan as predicted and as it came to be. Amounts paid and received are balance changes of who paid and got."""

    allocation: Allocation
    funding: Funding
    calldata: bytes = field(repr=False)
    paid: int
    received: int
    legs: tuple[SettledLeg, ...]
    predicted_legs: tuple[SettledLeg, ...]
    gas_used: int

    @property
    def exact(self) -> bool:
        """Whether every leg and both totals are as predicted, to the wei."""
        totals = (self.paid, self.received) == (self.allocation.amount_in, self.allocation.amount_out)
        return totals and self.legs == self.predicted_legs


@dataclass(slots=True)
class RandomPlans:
    """Plans of 1 to `max_paths` random paths of 1 to `max_hops` hops, between random tokens, of random sizes."""

    rng: Random
    max_paths: int = MAX_PATHS
    max_hops: int = MAX_HOPS

    def allocation(self, market: Market) -> Allocation:
        """One that this market can settle. Raises `QuoteRefused` after many that it cannot."""
        outgoing = _outgoing(market)
        for _ in range(_TRIES):
            shares = self._shares(market, outgoing)
            try:
                allocation = settle(market.states, flows_of_paths(shares), gas_cost=FREE_GAS)
            except QuoteRefused:
                continue
            if _fits(market, allocation):
                return allocation
        raise QuoteRefused(Refusal.NO_PATH, "no random plan settles on this market; take another seed")

    def routed(self, market: Market) -> Allocation:
        """A random order as the router splits it. Raises `QuoteRefused` after many that it refuses."""
        outgoing, prepared = _outgoing(market), PreparedMarket.of(_as_it_stands(market))
        for _ in range(_TRIES):
            source, target = self.rng.sample(sorted(outgoing), 2)
            amount = self._size(market, (self.rng.choice(outgoing[source]),))
            try:
                allocation = sell(prepared, source, target, amount, RouteTerms(FREE_GAS)).allocation
            except QuoteRefused:
                continue
            if _fits(market, allocation):
                return allocation
        raise QuoteRefused(Refusal.NO_PATH, "no random order is filled on this market; take another seed")

    def funding(self) -> Funding:
        """Any of them."""
        return self.rng.choice(FUNDINGS)

    def _shares(self, market: Market, outgoing: Mapping[Address, Sequence[Edge]]) -> dict[Path, int]:
        source, target = self.rng.sample(sorted(outgoing), 2)
        wanted = self.rng.randint(1, self.max_paths)
        paths = [path for _ in range(6 * wanted) if (path := self._walk(outgoing, source, target))][:wanted]
        if not paths:
            return self._shares(market, outgoing)
        total = self._size(market, paths[0])
        weights = [self.rng.random() + 0.01 for _ in paths]
        shares = {path: int(total * weight / sum(weights)) for path, weight in zip(paths, weights, strict=True)}
        return {path: share for path, share in shares.items() if share} or {paths[0]: max(1, total)}

    def _walk(self, outgoing: Mapping[Address, Sequence[Edge]], source: Address, target: Address) -> Path | None:
        """A random path; `None` where the walk lost itself."""
        path: list[Edge] = []
        hops, seen, at = self.rng.randint(1, self.max_hops), {source}, source
        for step in range(hops):
            last = step == hops - 1
            used = {edge.state_id for edge in path}
            nexts = [
                edge
                for edge in outgoing[at]
                if edge.state_id not in used
                and (hops == 1 or isinstance(edge, PoolEdge))  # makers join the two ends, as the router has it
                and (edge.token_out == target if last else edge.token_out != target and edge.token_out not in seen)
            ]
            if not nexts:
                return None
            path.append(self.rng.choice(nexts))
            at = path[-1].token_out
            seen.add(at)
        return tuple(path)

    def _size(self, market: Market, path: Path) -> int:
        """Over six decades, from a millionth of what the first pool holds to more than half of it."""
        first = path[0]
        depth = _depth(market.states[first.state_id], first.token_in)
        return max(1, int(depth * 10 ** self.rng.uniform(-6, -0.2)))


def _as_it_stands(market: Market) -> Iterator[Edge]:
    """The market's edges with the states that earlier plans left."""
    for edge in market.edges:
        pool = market.states[edge.state_id]
        yield replace(edge, listed=replace(edge.listed, pool=pool)) if isinstance(edge, PoolEdge) else edge  # type: ignore[arg-type]


def _fits(market: Market, allocation: Allocation) -> bool:
    """Whether one transaction may use that much gas: a price driven through hundreds of empty words needs more."""
    return plan_gas(allocation.legs, market.states) < TRANSACTION_GAS_LIMIT * 9 // 10


def _outgoing(market: Market) -> Mapping[Address, Sequence[Edge]]:
    outgoing: dict[Address, list[Edge]] = defaultdict(list)
    for edge in market.edges:
        outgoing[edge.token_in].append(edge)
    return outgoing


def _depth(pool: object, token: Address) -> int:
    """About how much of a token moves the pool a lot, in base units."""
    if isinstance(pool, ConstantProductPool):
        return pool.reserve0 if token == pool.token0 else pool.reserve1
    if isinstance(pool, WeightedPool):
        return pool.balances[pool.tokens.index(token)] * 3 // 10
    if isinstance(pool, ConcentratedPool):
        if token == pool.tokens[0]:
            return (pool.liquidity << 96) // pool.sqrt_price_x96
        return pool.liquidity * pool.sqrt_price_x96 >> 96
    if isinstance(pool, BalancerStablePool):
        return pool.balances[pool.tokens.index(token)]
    return 10**18  # a maker's word: any amount that it takes


def market_of(running: SettlingChain) -> Market:
    """Every pool of the chain, both ways."""
    return Market.of(edges_of(running.pools, running.tokens))


def with_quotes(market: Market, quotes: Iterable[FirmQuote]) -> Market:
    """The market's pools as they are, and these quotes in place of earlier ones: each can be filled once only."""
    pools = [edge for edge in market.edges if isinstance(edge, PoolEdge)]
    fresh = Market.of([*pools, *(FirmEdge(quote, quote.taker_token, quote.maker_token) for quote in quotes)])
    kept = {edge.state_id: market.states[edge.state_id] for edge in pools}
    return Market(fresh.edges, {**fresh.states, **kept})


def states_after(market: Market, allocation: Allocation) -> Market:
    """The market that the allocation leaves behind."""
    states = dict(market.states)
    for leg in allocation.legs:
        states[leg.edge.state_id] = fill(leg.edge, states[leg.edge.state_id], leg.amount_in).next_state
    return Market(market.edges, states)


def predicted_legs(market: Market, allocation: Allocation) -> Iterator[SettledLeg]:
    """What the pools' logs should say."""
    states = dict(market.states)
    for leg in allocation.legs:
        done = fill(leg.edge, states[leg.edge.state_id], leg.amount_in)
        states[leg.edge.state_id] = done.next_state
        pool = done.next_state
        after = (pool.sqrt_price_x96, pool.liquidity, pool.tick) if isinstance(pool, ConcentratedPool) else ()
        name = leg.edge.state_id if isinstance(leg.edge, PoolEdge) else "maker"
        yield SettledLeg(name, leg.amount_in, leg.amount_out, after)


def settled(running: SettlingChain, market: Market, allocation: Allocation, funding: Funding) -> SettledPlan:
    """Fund the plan, send it, and read what it did. Raises `VenueError` when it reverts."""
    executor = running.contracts.executor
    plan = route_plan(running, allocation)
    transaction = settlement_transaction(
        plan, owner=TRADER, executor=executor, venue_ids=venue_ids(running.venues), pulls_from_owner=funding.pulls
    )
    account = TRADER if funding.pulls else executor
    token_in, token_out = plan.intent.token_in.address, plan.intent.token_out.address
    held = {
        token_in: allocation.amount_in * (2 if funding.keeps_input else 1),
        token_out: 10**6 if funding.has_output else 0,
    }
    for holder in (TRADER, executor):
        running.hold_only(holder, held if holder == account else {})
    running.allow(token_in, allocation.amount_in if funding.pulls else 0)
    sent = running.execute(transaction.data)
    return SettledPlan(
        allocation,
        funding,
        transaction.data,
        paid=held[token_in] - running.balance(token_in, account),
        received=running.balance(token_out, account) - held[token_out],
        legs=tuple(swaps_in(sent.logs)),
        predicted_legs=tuple(predicted_legs(market, allocation)),
        gas_used=sent.gas_used,
    )


def route_plan(running: SettlingChain, allocation: Allocation) -> RoutePlan:
    """The allocation as a plan whose minimum is exactly what it predicts."""
    legs = tuple(_chain_leg(running, leg) for leg in allocation.legs)
    token_in, token_out = allocation.paths[0][0][0].token_in, allocation.paths[0][0][-1].token_out
    return RoutePlan(
        plan_id="",
        intent=Intent(Side.SELL, running.tokens[token_in], running.tokens[token_out], allocation.amount_in),
        block=_BLOCK,
        chain_legs=legs,
        exchange_legs=(),
        amount_in=allocation.amount_in,
        amount_out=allocation.amount_out,
        chain_amount_in=allocation.amount_in,
        chain_amount_out=allocation.amount_out,
        chain_amount_out_min=allocation.amount_out,
        slippage=Bps(0),
        gas=Gas(allocation.gas),
        gas_price=Wei(0),
        gas_wei=Wei(0),
        gas_cost=0,
        charges=0,
        deadline=DEADLINE,
        created_at=0.0,
        impact_bps=0.0,
        bound=allocation.amount_out,
        arbitrage=0,
        gap_bps=0.0,
        gap_reason="",
    )


def _chain_leg(running: SettlingChain, leg: LegFill) -> ChainLeg:
    edge = leg.edge
    token_in, token_out = running.tokens[edge.token_in], running.tokens[edge.token_out]
    rest = (token_in, token_out, leg.amount_in, leg.amount_out, Gas(leg.gas), leg.spend)
    if isinstance(edge, FirmEdge):
        return MakerLeg(edge.quote, *rest)
    if isinstance(edge, PoolEdge):
        return PoolLeg(edge.listed.key, *rest)
    raise TypeError(f"{edge.label} does not settle on chain")


def _topic(signature: str) -> str:
    return "0x" + keccak(signature.encode()).hex()


_V2_SWAP = _topic("Swap(address,uint256,uint256,uint256,uint256,address)")
_V3_SWAP = _topic("Swap(address,address,int256,int256,uint160,uint128,int24)")
_V4_SWAP = _topic("Swap(bytes32,address,int128,int128,uint160,uint128,int24,uint24)")
_QUOTE_FILLED = _topic("QuoteFilled(address,uint256,address,uint256,uint256)")
_BALANCER_SWAP = _topic("Swap(bytes32,address,address,uint256,uint256)")


def swaps_in(logs: Sequence[Mapping[str, Any]]) -> Iterator[SettledLeg]:
    """The swaps that pools logged, in order."""
    for log in logs:
        kind, data = log["topics"][0], bytes.fromhex(log["data"][2:])
        address = address_of(int(log["address"], 16))
        if kind == _V2_SWAP:
            in0, in1, out0, out1 = decode(["uint256"] * 4, data)
            yield SettledLeg(address, in0 + in1, out0 + out1)
        elif kind == _V3_SWAP:
            types = ["int256", "int256", "uint160", "uint128", "int24"]
            amount0, amount1, price, liquidity, tick = decode(types, data)
            after = (price, liquidity, tick)
            yield SettledLeg(address, max(amount0, amount1), -min(amount0, amount1), after)
        elif kind == _V4_SWAP:
            types = ["int128", "int128", "uint160", "uint128", "int24", "uint24"]
            amount0, amount1, price, liquidity, tick, _ = decode(types, data)
            after = (price, liquidity, tick)
            yield SettledLeg(log["topics"][1], -min(amount0, amount1), max(amount0, amount1), after)
        elif kind == _QUOTE_FILLED:
            maker_amount, taker_amount = decode(["uint256", "uint256"], data)
            yield SettledLeg("maker", taker_amount, maker_amount)
        elif kind == _BALANCER_SWAP:
            amount_in, amount_out = decode(["uint256", "uint256"], data)
            yield SettledLeg(log["topics"][1], amount_in, amount_out)
