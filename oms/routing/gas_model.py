"""What a whole settlement costs in gas, estimated from its legs: counts of what it does, times what each costs.

Owns: what is counted, the table of costs, the EVM's own prices and refunds.
Must not: read a chain, price gas (`oms.ports.fees` does), or decide anything.

Costs that the protocol fixes are its own (EIP-2929 warm and cold access, EIP-2200 storage writes, EIP-3529 refunds and
their cap, EIP-2028 calldata); all others are `FITTED`, by least squares over receipts of plans on an Anvil, hardfork
osaka, by `benchmarks/gas_fit.py`. A plan is taken to be the first transaction of its block to touch its pools, and the
pools to have traded before: a pool's very first swap writes up to three words anew, 17,100 gas each. Tokens are taken
to be plain; `GasTerms.token_gas` says what a dearer one costs beyond that. Which pools pay each other is
`oms.domain.handing`'s rule, so a leg is estimated as it will be encoded. Curve's and Solidly's legs are the pools'
own figures, refund included: not fitted, and right within a fifth or so.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from oms.domain.handing import Sale, handing_on, token_tables
from oms.domain.plans import Spend, SpendKind
from oms.domain.venue import Family, PoolKey
from oms.liquidity.composable_stable import AMP_PRECISION, BalancerStablePool
from oms.liquidity.concentrated import ConcentratedPool
from oms.liquidity.log_exp import ONE
from oms.liquidity.weighted import WeightedPool
from oms.routing.market import BookEdge, Edge, FirmEdge, PoolEdge, fill, sale_of
from oms.units import Address, Gas

INTRINSIC: Final = 21_000
ZERO_BYTE, NONZERO_BYTE = 4, 16
FLOOR_ZERO_BYTE, FLOOR_NONZERO_BYTE = 10, 40
"""EIP-7623: a transaction costs at least this much by its calldata alone."""
NEW_WORD: Final = 17_100
"""What writing a word that was zero costs beyond writing one that was not (EIP-2200)."""
COLD_WORD, WARM_WORD = 2_100, 100
"""Reading a word of storage for the first time in a transaction, and again (EIP-2929)."""
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
    """A token that rests in the executor between legs: both readings of its balance."""
    PAIR_PAYS_PAIR = "pair_pays_pair"
    """A leg that hands its output to the next one's pool: what that adds to two legs by themselves."""
    PAIR_PAYS_V3 = "pair_pays_v3"
    """The same, the pair paying from within the concentrated pool's callback."""
    V3_PAYS_PAIR = "v3_pays_pair"
    SINGLE_PAIR = "single_pair"
    """A plan of held funds and one leg at the executor's first venue of its kind: it has a lane of its own there."""
    SINGLE_V3 = "single_v3"
    SINGLE_V4 = "single_v4"
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
    Item.PLAN: 20_630,
    Item.PULLED: 27_301,
    Item.PASSED: 9_984,
    Item.PAIR_PAYS_PAIR: -1_380,
    Item.PAIR_PAYS_V3: -730,
    Item.V3_PAYS_PAIR: -1_096,
    Item.SINGLE_PAIR: -2_130,
    Item.SINGLE_V3: -2_253,
    Item.SINGLE_V4: -1_817,
    Item.PAIR: 56_152,
    Item.V3: 54_667,
    Item.V4: 58_493,
    Item.V4_AGAIN: -2_110,
    Item.V4_MOVED_AGAIN: -2_315,
    Item.V4_WRAP: 7_412,
    Item.V3_TICK: 23_841,
    Item.V4_TICK: 16_084,
    Item.CROSSED: 5_667,
    Item.TICK_WORD: 7_250,
    Item.PROTOCOL_FEE: 5_026,
    Item.OBSERVATION: 8_918,
    Item.WEIGHTED_TWO: 87_370,
    Item.WEIGHTED_MORE: 89_246,
    Item.POWER: 2_931,
    Item.STABLE: 113_835,
    Item.INVARIANT_TERM: 1_027,
    Item.VAULT_AGAIN: -4_797,
    Item.VAULT_MOVED_AGAIN: -4_685,
    Item.VAULT_POOL_AGAIN: -13_264,
    Item.ALLOWANCE_AGAIN: -1_376,
    Item.MAKER: 86_453,
    Item.MAKER_AGAIN: -16_168,
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
    resting, handed = counter.ends(on_chain)
    zeros, others = _calldata(on_chain, resting, handed, pulls=terms.pulls)
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
    forks: set[str] = field(default_factory=set)

    def leg(self, leg: SettlingLeg) -> None:
        """Count one leg and move its state."""
        edge = leg.edge
        before = self.states[edge.state_id]
        for token in (edge.token_in, edge.token_out):
            self.tokens[token] = self.tokens.get(token, 0) + 1
        self._venue(edge)
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

    def ends(self, legs: Sequence[SettlingLeg]) -> tuple[Sequence[Address], Sequence[Address]]:
        """Count what the plan does beside its legs: funding, passing on, delivery, dear tokens.

        Returns the tokens that rest in the executor, input and output first, and those that only go from pool to pool.
        """
        sales = [sale_of(leg.edge, leg.spend) for leg in legs]
        token_in, token_out = sales[0].token_in, sales[-1].token_out
        handing = handing_on(sales)
        resting, handed = token_tables(sales, handing, (token_in, token_out))
        terms = self.terms
        self.items[Item.PLAN] += 1
        self.items[Item.PASSED] += len(resting) - 2
        self._pass_through(resting[2:])
        self._hand_on(sales, handing)
        if terms.pulls:
            self.items[Item.PULLED] += 1
            self._pass_through((token_in, token_out))
            self.refund += REFUND_CLEARED
            for token in (token_in, token_out):
                self.tokens[token] += 1
        elif len(legs) == 1 and (lane := _lane(legs[0].edge)):
            self.items[lane] += 1
        self.refund += 0 if terms.keeps_input else REFUND_CLEARED
        self.fixed += 0 if terms.has_output else NEW_WORD
        for token, transfers in self.tokens.items():
            if dear := terms.token_gas.get(token):
                self.fixed += dear.first + dear.transfer * transfers
        return resting, handed

    def _hand_on(self, sales: Sequence[Sale], handing: Sequence[bool]) -> None:
        for number, hands_on in enumerate(handing):
            if hands_on:
                families = sales[number].family, sales[number + 1].family
                self.items[_HANDED.get(families, Item.PAIR_PAYS_PAIR)] += 1
                self.tokens[sales[number].token_out] -= 1  # one transfer, from pool to pool

    def _venue(self, edge: Edge) -> None:
        """The executor looks up its list of venues for all but the first of a kind: two words."""
        if isinstance(edge, PoolEdge) and edge.listed.key.family in _OF_VENUES and not _at_first_venue(edge.listed.key):
            self.fixed += 2 * (WARM_WORD if edge.listed.key.venue in self.forks else COLD_WORD)
            self.forks.add(edge.listed.key.venue)

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


_OF_VENUES: Final = frozenset({Family.UNISWAP_V2, Family.UNISWAP_V3})
_LANES: Final = {
    Family.UNISWAP_V2: Item.SINGLE_PAIR,
    Family.UNISWAP_V3: Item.SINGLE_V3,
    Family.UNISWAP_V4: Item.SINGLE_V4,
}
_HANDED: Final[Mapping[tuple[Family | None, Family | None], Item]] = {
    (Family.UNISWAP_V2, Family.UNISWAP_V3): Item.PAIR_PAYS_V3,
    (Family.SOLIDLY, Family.UNISWAP_V3): Item.PAIR_PAYS_V3,
    (Family.UNISWAP_V3, Family.UNISWAP_V2): Item.V3_PAYS_PAIR,
    (Family.UNISWAP_V3, Family.SOLIDLY): Item.V3_PAYS_PAIR,
}


def _lane(edge: Edge) -> Item | None:
    """The item of the executor's lane for one swap at one of Uniswap's own pools; none where it isn't one."""
    if not isinstance(edge, PoolEdge):
        return None
    key = edge.listed.key
    return _LANES.get(key.family) if _at_first_venue(key) and not key.native else None


def _at_first_venue(key: PoolKey) -> bool:
    """Whether the pool is of the deployment that the executor knows without looking it up: the family's namesake."""
    return key.venue == key.family


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


_HEAD_BYTES, _DEADLINE_ZEROS = 8, 1
_ANY = b"\x01"
"""Stands for a byte that is not zero; which one makes no difference to its price."""
_UNSIGNED_QUOTE: Final = bytes(32) + _ANY * 125
"""A maker's quote as it is to be expected: amounts and nonce are short."""


def _calldata(
    legs: Sequence[SettlingLeg], resting: Sequence[Address], handed: Sequence[Address], *, pulls: bool
) -> tuple[int, int]:
    """How many zero and other bytes the plan has (`contracts/libraries/PlanCodec.sol`).

    Its minimum is taken to be what it predicts, and its deadline to have one zero, as those to come for decades have.
    """
    sold = sum(leg.amount_in for leg in legs if leg.edge.token_in == resting[0])
    bought = sum(leg.amount_out for leg in legs if leg.edge.token_out == resting[1])
    passed = len(resting) - 2
    data = b"".join(
        (
            *(bytes.fromhex(token[2:]) for token in (*resting, *handed)),
            *(_amount(amount) for amount in (sold, bought)),
            *(_leg_bytes(leg) for leg in legs),
        )
    )
    zeros = data.count(0) + _DEADLINE_ZEROS + (not pulls) + 17 * passed  # flags; bounds and amounts of what passes
    size = len(data) + _HEAD_BYTES + 2 + 17 * passed
    return zeros, size - zeros


def _amount(amount: int) -> bytes:
    return min(amount, 2**128 - 1).to_bytes(16)


def _leg_bytes(leg: SettlingLeg) -> bytes:
    """The leg's part of the plan, as far as zeros go: kind, tokens and venues that are looked up are other bytes."""
    kind = leg.spend.kind
    spend = _amount(leg.amount_in) if kind is SpendKind.EXACT else b""
    if kind is SpendKind.SHARE:
        spend = leg.spend.share.to_bytes(4)
    edge = leg.edge
    return 2 * _ANY + spend + (_pool_bytes(edge.listed.key) if isinstance(edge, PoolEdge) else _quote_bytes(edge))


def _pool_bytes(key: PoolKey) -> bytes:
    venue = b"\0" if _at_first_venue(key) else _ANY
    match key.family:
        case Family.UNISWAP_V2:
            return venue
        case Family.UNISWAP_V3:
            return venue + key.fee_pips.to_bytes(3)
        case Family.UNISWAP_V4:
            return key.fee_pips.to_bytes(3) + key.tick_spacing.to_bytes(3, signed=True) + bytes((key.native,))
        case Family.CURVE_STABLESWAP | Family.CURVE_CRYPTOSWAP:
            return 21 * _ANY + b"\0"
        case Family.BALANCER_WEIGHTED | Family.BALANCER_STABLE:
            return bytes.fromhex(key.pool_id[2:])
        case Family.SOLIDLY:
            return _ANY + bytes((key.stable,))


def _quote_bytes(edge: Edge) -> bytes:
    if not isinstance(edge, FirmEdge):
        return _UNSIGNED_QUOTE
    quote = edge.quote
    amounts = _amount(quote.maker_amount) + _amount(quote.taker_amount)
    terms = quote.expiry.to_bytes(5) + quote.nonce.to_bytes(32) + bytes((quote.partial_fill_allowed,))
    return bytes.fromhex(quote.maker[2:]) + amounts + terms + b"\0" + _ANY + quote.signature
