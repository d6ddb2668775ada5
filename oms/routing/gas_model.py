"""What a whole settlement costs in gas, estimated from its legs: counts of what it does, times what each costs.

Owns: what is counted, the table of costs, the EVM's own prices and refunds.
Must not: read a chain, price gas (`oms.ports.fees` does), or decide anything.

Costs that the protocol fixes are its own (EIP-2929 warm and cold access, EIP-2200 storage writes, EIP-3529 refunds and
their cap, EIP-2028 calldata); all others are `FITTED`, by least squares over receipts of plans on an Anvil, hardfork
osaka, by `benchmarks/gas_fit.py`. A plan is taken to be the first transaction of its block to touch its pools, and the
pools to have traded before: a pool's very first swap writes up to three words anew, 17,100 gas each. Tokens are taken
to be plain; `GasTerms.token_gas` says what a dearer one costs beyond that. Curve's and Solidly's legs are the pools'
own figures, refund included: not fitted, and right within a fifth or so.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from oms.domain.plans import Spend, SpendKind
from oms.domain.venue import Family
from oms.liquidity.composable_stable import AMP_PRECISION, BalancerStablePool
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.log_exp import ONE
from oms.liquidity.weighted import WeightedPool
from oms.routing.market import BookEdge, Edge, PoolEdge, fill
from oms.units import Address, Gas

INTRINSIC: Final = 21_000
ZERO_BYTE, NONZERO_BYTE = 4, 16
FLOOR_ZERO_BYTE, FLOOR_NONZERO_BYTE = 10, 40
"""EIP-7623: a transaction costs at least this much by its calldata alone."""
NEW_WORD: Final = 17_100
"""What writing a word that was zero costs beyond writing one that was not (EIP-2200)."""
REFUND_RESTORED_ZERO: Final = 19_900
"""A word that was zero, written and made zero again: an amount passing through, an allowance used up."""
REFUND_CLEARED: Final = 4_800
"""A word that was not zero and is now."""
REFUND_RESTORED: Final = 2_800
"""A word that is now what it was: a lock taken and given back."""
REFUND_DIVISOR: Final = 5
TRANSACTION_GAS_LIMIT: Final = 2**24
"""EIP-7825: no transaction may use more, so no plan that needs it can settle."""


_MOST_STEPS: Final = 255
_FLOAT_PRECISION: Final = 2.0**-50


class Item(StrEnum):
    """What is counted. Pools are counted with both transfers, their own storage and the executor's part of the leg."""

    PLAN = "plan"
    """Entry, one input and one output, both already held, and the final checks."""
    PULLED = "pulled"
    """Funds pulled from the owner by an allowance, and proceeds delivered to it, beside a plan of held funds."""
    PASSED = "passed"
    """A token that is passed through: both readings of the executor's balance."""
    TABLE_PAIR = "table_pair"
    """Every pair of the plan's tokens: their table is checked for doubles."""
    PAIR = "pair"
    V3 = "v3"
    V4 = "v4"
    V4_AGAIN = "v4_again"
    """A further leg through the same pool manager."""
    V4_MOVED_AGAIN = "v4_moved_again"
    """A token that the pool manager has moved before in this plan."""
    V4_WRAP = "v4_wrap"
    """The native coin unwrapped for a v4 pool, or what it pays wrapped."""
    V3_TICK = "v3_tick"
    V4_TICK = "v4_tick"
    """An initialized tick crossed."""
    CROSSED = "crossed"
    """A concentrated leg that crosses any: its liquidity is written, its oracle read."""
    TICK_WORD = "tick_word"
    """A further word of the tick bitmap."""
    PROTOCOL_FEE = "protocol_fee"
    """A concentrated leg of which the protocol takes a part: its account of it is written."""
    OBSERVATION = "observation"
    """A v3 leg that leaves its tick: the oracle is written."""
    WEIGHTED_TWO = "weighted_two"
    WEIGHTED_MORE = "weighted_more"
    """Balancer's vault keeps pools of two tokens another way than larger ones."""
    POWER = "power"
    """A weighted leg whose exponent isn't 1, 2 or 4."""
    STABLE = "stable"
    INVARIANT_TERM = "invariant_term"
    """A token's part of one step of Newton's method for a stable pool's invariant."""
    VAULT_AGAIN = "vault_again"
    """A further leg through the vault."""
    VAULT_MOVED_AGAIN = "vault_moved_again"
    """A token that the vault has moved before in this plan."""
    VAULT_POOL_AGAIN = "vault_pool_again"
    """A further leg through the same pool of the vault."""
    ALLOWANCE_AGAIN = "allowance_again"
    """A token that the executor has approved the vault for before in this plan."""
    MAKER = "maker"
    """A firm quote, its nonce in a word of its own."""
    MAKER_AGAIN = "maker_again"


FITTED: Final[Mapping[Item, int]] = {
    Item.PLAN: 21_388,
    Item.PULLED: 24_684,
    Item.PASSED: 9_068,
    Item.TABLE_PAIR: 336,
    Item.PAIR: 57_184,
    Item.V3: 56_789,
    Item.V4: 62_880,
    Item.V4_AGAIN: -1_921,
    Item.V4_MOVED_AGAIN: -2_512,
    Item.V4_WRAP: 6_461,
    Item.V3_TICK: 23_871,
    Item.V4_TICK: 15_898,
    Item.CROSSED: 5_956,
    Item.TICK_WORD: 7_240,
    Item.PROTOCOL_FEE: 4_845,
    Item.OBSERVATION: 8_881,
    Item.WEIGHTED_TWO: 87_676,
    Item.WEIGHTED_MORE: 89_628,
    Item.POWER: 2_793,
    Item.STABLE: 114_047,
    Item.INVARIANT_TERM: 1_040,
    Item.VAULT_AGAIN: -5_081,
    Item.VAULT_MOVED_AGAIN: -4_569,
    Item.VAULT_POOL_AGAIN: -12_891,
    Item.ALLOWANCE_AGAIN: -1_224,
    Item.MAKER: 86_718,
    Item.MAKER_AGAIN: -12_475,
}
"""Gas by item, as `python -m benchmarks.gas_fit` prints it."""


class SettlingLeg(Protocol):
    """A leg as an allocation holds it. Amounts in base units."""

    @property
    def edge(self) -> Edge: ...
    @property
    def spend(self) -> Spend: ...
    @property
    def amount_in(self) -> int: ...
    @property
    def amount_out(self) -> int: ...
    @property
    def gas(self) -> int: ...


@dataclass(frozen=True, slots=True)
class TokenGas:
    """What a token costs beyond a plain ERC-20: once per plan for being touched, and for each transfer."""

    first: int
    transfer: int


@dataclass(frozen=True, slots=True)
class GasTerms:
    """What of the account and the chain the estimate depends on; the defaults are a desk's that trades every day.

    `pulls` says that the owner's funds are pulled by an allowance for exactly this plan. `keeps_input` says that the
    payer has more of the input than is sold, `has_output` that the one who is paid has some already. `held` are tokens
    of which the executor holds some beside the plan, so that passing them through writes no new word.
    """

    pulls: bool = False
    keeps_input: bool = True
    has_output: bool = True
    held: frozenset[Address] = frozenset()
    token_gas: Mapping[Address, TokenGas] = field(default_factory=dict)


DESK: Final = GasTerms()


@dataclass(frozen=True, slots=True)
class PlanCount:
    """What a plan does: the items, the gas that the protocol fixes or that a pool states itself, and its refund."""

    items: Mapping[Item, int]
    fixed: int
    refund: int
    calldata_floor: int

    def gas(self, table: Mapping[Item, int]) -> Gas:
        """The estimate by a table: refunds give back at most a fifth, and calldata sets a floor."""
        spent = self.fixed + sum(table[item] * count for item, count in self.items.items())
        return Gas(max(spent - min(self.refund, spent // REFUND_DIVISOR), self.calldata_floor))


def plan_gas(legs: Sequence[SettlingLeg], states: Mapping[str, object], *, terms: GasTerms = DESK) -> Gas:
    """The whole transaction's gas; zero where nothing settles on chain.

    `legs` are in settlement order, `states` the edges' states before the plan, by `state_id`. Raises `QuoteRefused` for
    legs that those states do not fill.
    """
    if all(isinstance(leg.edge, BookEdge) for leg in legs):
        return Gas(0)
    return count(legs, states, terms=terms).gas(FITTED)


def count(legs: Sequence[SettlingLeg], states: Mapping[str, object], *, terms: GasTerms = DESK) -> PlanCount:
    """What the plan does, see `plan_gas`."""
    counter = _Counter(terms, dict(states))
    on_chain = [leg for leg in legs if not isinstance(leg.edge, BookEdge)]
    for leg in on_chain:
        counter.leg(leg)
    counter.ends(on_chain)
    zeros, others = _calldata(on_chain, counter.tokens, pulls=terms.pulls)
    return PlanCount(
        counter.items,
        counter.fixed + INTRINSIC + ZERO_BYTE * zeros + NONZERO_BYTE * others,
        counter.refund,
        INTRINSIC + FLOOR_ZERO_BYTE * zeros + FLOOR_NONZERO_BYTE * others,
    )


@dataclass(slots=True)
class _Counter:
    """The walk along the legs; `states` moves with them."""

    terms: GasTerms
    states: dict[str, object]
    items: Counter[Item] = field(default_factory=Counter)
    fixed: int = 0
    refund: int = 0
    tokens: dict[Address, int] = field(default_factory=dict)
    """How often each token has been transferred, in order of use."""
    manager_tokens: set[Address] = field(default_factory=set)
    vault_tokens: set[Address] = field(default_factory=set)
    approved: set[Address] = field(default_factory=set)
    vault_pools: set[str] = field(default_factory=set)

    def leg(self, leg: SettlingLeg) -> None:
        """Count one leg and move its state."""
        edge = leg.edge
        before = self.states[edge.state_id]
        for token in (edge.token_in, edge.token_out):
            self.tokens[token] = self.tokens.get(token, 0) + 1
        if not isinstance(edge, PoolEdge):
            self._maker(edge.token_in)
        elif isinstance(before, ConcentratedPool):
            self._concentrated(leg, edge, before)
        elif edge.listed.key.family is Family.UNISWAP_V2:
            self.items[Item.PAIR] += 1
            self.refund += REFUND_RESTORED
        elif edge.listed.key.family in (Family.BALANCER_WEIGHTED, Family.BALANCER_STABLE):
            self._vault(leg, edge, before)
        else:
            self.fixed += leg.gas

    def ends(self, legs: Sequence[SettlingLeg]) -> None:
        """Count what the plan does beside its legs: funding, passing through, delivery, dear tokens."""
        token_in, token_out = legs[0].edge.token_in, legs[-1].edge.token_out
        terms, between = self.terms, [token for token in self.tokens if token not in (token_in, token_out)]
        self.items[Item.PLAN] += 1
        self.items[Item.PASSED] += len(between)
        self.items[Item.TABLE_PAIR] += len(self.tokens) * (len(self.tokens) - 1) // 2
        self._pass_through(token for token in between)
        if terms.pulls:
            self.items[Item.PULLED] += 1
            self._pass_through((token_in, token_out))
            self.refund += REFUND_CLEARED
            for token in (token_in, token_out):
                self.tokens[token] += 1
        self.refund += 0 if terms.keeps_input else REFUND_CLEARED
        self.fixed += 0 if terms.has_output else NEW_WORD
        for token, transfers in self.tokens.items():
            if dear := terms.token_gas.get(token):
                self.fixed += dear.first + dear.transfer * transfers

    def _pass_through(self, tokens: Iterable[Address]) -> None:
        for token in tokens:
            if token not in self.terms.held:
                self.fixed += NEW_WORD
                self.refund += REFUND_RESTORED_ZERO

    def _maker(self, taker_token: Address) -> None:
        self.items[Item.MAKER] += 1
        self.items[Item.MAKER_AGAIN] += self.items[Item.MAKER] > 1
        self.tokens[taker_token] += 1  # to the settlement contract, and on to the maker
        self.refund += REFUND_RESTORED_ZERO

    def _concentrated(self, leg: SettlingLeg, edge: PoolEdge, before: ConcentratedPool) -> None:
        after = fill(edge, before, leg.amount_in).next_state
        self.states[edge.state_id] = after
        if not isinstance(after, ConcentratedPool):
            return
        v4 = before.family is Family.UNISWAP_V4
        crossed, words = _crossings(before, after)
        zero_for_one = edge.token_in == before.tokens[0]
        taken = before.protocol_fee_zero_for_one if zero_for_one else before.protocol_fee_one_for_zero
        self.items[Item.PROTOCOL_FEE] += taken > 0
        self.items[Item.CROSSED] += crossed > 0
        self.items[Item.V4_TICK if v4 else Item.V3_TICK] += crossed
        self.items[Item.TICK_WORD] += words
        self.items[Item.V4 if v4 else Item.V3] += 1
        if v4:
            self.items[Item.V4_AGAIN] += self.items[Item.V4] > 1
            self.items[Item.V4_WRAP] += edge.listed.key.native
            self.items[Item.V4_MOVED_AGAIN] += len({edge.token_in, edge.token_out} & self.manager_tokens)
            self.manager_tokens |= {edge.token_in, edge.token_out}
        else:
            self.items[Item.OBSERVATION] += before.tick != after.tick

    def _vault(self, leg: SettlingLeg, edge: PoolEdge, before: object) -> None:
        self.items[Item.VAULT_AGAIN] += bool(self.vault_pools)
        self.items[Item.VAULT_POOL_AGAIN] += edge.state_id in self.vault_pools
        self.items[Item.ALLOWANCE_AGAIN] += edge.token_in in self.approved
        self.items[Item.VAULT_MOVED_AGAIN] += len({edge.token_in, edge.token_out} & self.vault_tokens)
        self.refund += REFUND_RESTORED_ZERO + REFUND_RESTORED
        self.vault_pools.add(edge.state_id)
        self.approved.add(edge.token_in)
        self.vault_tokens |= {edge.token_in, edge.token_out}
        if isinstance(before, BalancerStablePool):
            self.items[Item.STABLE] += 1
            self.items[Item.INVARIANT_TERM] += _newton_steps(before) * len(before.tokens)
            self.states[edge.state_id] = fill(edge, before, leg.amount_in).next_state
        elif isinstance(before, WeightedPool):
            self.items[Item.WEIGHTED_TWO if len(before.tokens) == 2 else Item.WEIGHTED_MORE] += 1
            self.items[Item.POWER] += _needs_power(before, edge)


def _crossings(before: ConcentratedPool, after: ConcentratedPool) -> tuple[int, int]:
    """Initialized ticks crossed, and words of the bitmap entered beyond the first."""
    ticks, spacing = before.tick_map.ticks, before.tick_spacing
    low, high = sorted((before.tick, after.tick))
    crossed = bisect_right(ticks, high) - bisect_right(ticks, low)
    up = after.sqrt_price_x96 > before.sqrt_price_x96
    words = [(tick // spacing + up) >> 8 for tick in (low, high)]
    return crossed, words[1] - words[0]


def _needs_power(pool: WeightedPool, edge: PoolEdge) -> bool:
    weight_in, weight_out = (pool.weights[pool.tokens.index(token)] for token in (edge.token_in, edge.token_out))
    return weight_in * ONE // weight_out not in (ONE, 2 * ONE, 4 * ONE)


def _newton_steps(pool: BalancerStablePool) -> int:
    """How often the invariant's loop runs, in floats: one more or less than its integers do, at times.

    Three times in a balanced pool, dozens in one that is nearly drained. Formula: `oms.liquidity.composable_stable`.
    """
    balances = [balance * factor / ONE for balance, factor in zip(pool.balances, pool.scaling_factors, strict=True)]
    count, total = len(balances), sum(balances)
    ann = pool.amplification * count / AMP_PRECISION
    invariant = total
    for steps in range(1, _MOST_STEPS):
        accumulated = invariant
        for balance in balances:
            accumulated *= invariant / (balance * count)
        numerator = (ann * total + accumulated * count) * invariant
        invariant, previous = numerator / ((ann - 1) * invariant + (count + 1) * accumulated), invariant
        if abs(invariant - previous) <= max(1.0, invariant * _FLOAT_PRECISION):
            return steps
    return _MOST_STEPS


_HEAD_BYTES: Final = 4 + 64 + 8 + 32
_LEG_BYTES: Final = 4
_AMOUNT_BYTES: Final = {SpendKind.EXACT: 16, SpendKind.SHARE: 4, SpendKind.REST: 0}
_PARTICULAR_BYTES: Final[Mapping[Family | None, tuple[int, int]]] = {
    Family.UNISWAP_V2: (1, 0),
    Family.UNISWAP_V3: (2, 2),
    Family.UNISWAP_V4: (4, 3),
    Family.CURVE_STABLESWAP: (1, 21),
    Family.CURVE_CRYPTOSWAP: (1, 21),
    Family.BALANCER_WEIGHTED: (10, 22),
    Family.BALANCER_STABLE: (10, 22),
    Family.SOLIDLY: (1, 1),
    None: (32 + 16, 157 - 32 - 16),
}
"""Zero and other bytes of a leg beyond its kind, tokens and amount; `None` is a maker's quote."""


def _calldata(legs: Sequence[SettlingLeg], tokens: Mapping[Address, int], *, pulls: bool) -> tuple[int, int]:
    """About how many zero and other bytes the call of the executor has (`contracts/libraries/PlanCodec.sol`)."""
    size, zeros = _HEAD_BYTES, 31 + 30 + 1 + (not pulls)
    source, target = legs[0].edge.token_in, legs[-1].edge.token_out
    for token in tokens:
        size += 20
        zeros += bytes.fromhex(token[2:]).count(0)
    for total in (_sum_in(legs, source), _sum_out(legs, target)):
        zeros += total.to_bytes(32, "big").count(0) - 16
    for leg in legs:
        family = leg.edge.listed.key.family if isinstance(leg.edge, PoolEdge) else None
        zero, other = _PARTICULAR_BYTES[family]
        amount = _AMOUNT_BYTES[leg.spend.kind]
        size += _LEG_BYTES + amount + zero + other
        zeros += zero + (leg.edge.token_in == source) + (leg.spend.kind is SpendKind.EXACT)
        zeros += leg.amount_in.to_bytes(32, "big").count(0) - 16 if leg.spend.kind is SpendKind.EXACT else 0
    padding = -(size - 68) % 32
    return zeros + padding, size - zeros


def _sum_in(legs: Sequence[SettlingLeg], token: Address) -> int:
    return sum(leg.amount_in for leg in legs if leg.edge.token_in == token)


def _sum_out(legs: Sequence[SettlingLeg], token: Address) -> int:
    return sum(leg.amount_out for leg in legs if leg.edge.token_out == token)
