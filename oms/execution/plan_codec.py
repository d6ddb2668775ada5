"""The packed plan that `contracts/Executor.sol` executes, as values and as bytes.

Owns: the layout, in both directions; `contracts/libraries/PlanCodec.sol` is its twin and the golden files hold them
together. One plan has exactly one encoding.
Must not: decide anything about a trade, or know a venue's address.

    plan    version u8 = 2 | flags u8 | deadline u40 | counts u8 | n x asset | m x token address | legs | permit
    counts  n in the upper four bits, m in the lower; at most 16 together
    asset   bound u8 | token address, zero for the native coin | amount u128
    leg     head u8 | tokens u8 | amount | particulars of the kind
    head    kind in the lower five bits | amount mode in the next two | highest bit: the output goes to the next pool
    tokens  index of the token sold in the upper four bits, of the token bought in the lower
    amount  mode 0: exact u128 | mode 1: share u32, in 2^-32 of what is available, rounded down | mode 2: nothing, all
    permit  with the flag only: nonce u64 | signature | its length u16

    flash   length u16 | lender address | lender's kind u8 | loan u128 | count u8 | count x (length u24 | plan)

A plan is the whole calldata, without a selector. Integers are big-endian and unpadded. Asset 0 may fall and asset 1
must rise or leave; tokens beyond the assets only go from pool to pool. Particulars from kind 10 on have their length
before them: see `further_legs`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final

from oms.execution.further_legs import FurtherLeg, read_further_leg
from oms.execution.leg_kinds import LegKind as LegKind
from oms.execution.leg_kinds import LenderKind as LenderKind
from oms.execution.packing import UINT16_MAX, UINT64_MAX, Reader, pack_address, pack_uint, require_range, with_length
from oms.execution.packing import UINT40_MAX as UINT40_MAX
from oms.execution.packing import MalformedPlan as MalformedPlan
from oms.units import UINT128_MAX, UINT256_MAX, Address

PLAN_VERSION: Final = 2
MAX_TOKENS: Final = 16
MAX_ASSETS: Final = 15
MAX_LEG_AMOUNT: Final = 2**127 - 1
SHARE_ONE: Final = 2**32
"""A share is counted in parts of this, and is always less than it; use `All` for the whole."""

MAX_LOAN_DEPTH: Final = 4
"""Loans within loans; the executor knows no limit, but whoever reads a plan needs one."""

_FLAG_PULL = 1
_FLAG_DELIVER = 2
_FLAG_PERMIT = 4
_TOKEN_IN = 0
_TOKEN_OUT = 1
_HANDS_ON = 128
_KIND_MASK = 31
_MODE_SHIFT = 5
_ON_PATHS = frozenset({1, 2, 7})


class Bound(IntEnum):
    """How an asset may change over a plan."""

    UNCHANGED = 0
    """It does not fall, and rises by at most the amount, which is dust."""
    FALL = 1
    """It falls by at most the amount."""
    RISE = 2
    """It rises by at least the amount."""
    LEAVE = 3
    """At least the amount leaves, by payouts or bridge deposits; for asset 1 only."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A token with the bound that the executor enforces on its balance; the zero address is the native coin."""

    token: Address
    bound: Bound
    amount: int

    def __post_init__(self) -> None:
        require_range("asset's amount", self.amount, 0 if self.bound is Bound.UNCHANGED else 1, UINT128_MAX)


@dataclass(frozen=True, slots=True)
class Permit:
    """A Permit2 transfer of asset 0, signed by the owner with the plan as its witness.

    `straight` takes it to the pool of the plan's only path, which pays the owner, and nothing rests in the executor;
    otherwise the executor gets it all at the start and refunds the rest.
    """

    nonce: int
    signature: bytes
    straight: bool

    def __post_init__(self) -> None:
        require_range("permit's nonce", self.nonce, 0, UINT64_MAX)
        require_range("signature length", len(self.signature), 0, UINT16_MAX)


@dataclass(frozen=True, slots=True)
class Exact:
    """Sell this many base units; the plan reverts if fewer are available."""

    amount: int

    def __post_init__(self) -> None:
        require_range("exact amount", self.amount, 1, MAX_LEG_AMOUNT)


@dataclass(frozen=True, slots=True)
class Share:
    """Sell `parts` / 2^32 of what is available at that moment, rounded down."""

    parts: int

    def __post_init__(self) -> None:
        require_range("share", self.parts, 1, SHARE_ONE - 1)


@dataclass(frozen=True, slots=True)
class All:
    """Sell everything available at that moment."""


Amount = Exact | Share | All


@dataclass(frozen=True, slots=True)
class ConstantProduct:
    """A Uniswap v2 pair or a fork's, derived from the executor's venue `venue_id`."""

    venue_id: int

    kind: ClassVar[LegKind] = LegKind.CONSTANT_PRODUCT

    def __post_init__(self) -> None:
        require_range("venue id", self.venue_id, 0, 255)

    def pack(self) -> bytes:
        """This swap's particulars."""
        return pack_uint(self.venue_id, 1)


@dataclass(frozen=True, slots=True)
class Concentrated:
    """A Uniswap v3 pool or a fork's, derived from the executor's venue `venue_id` and the fee in pips."""

    venue_id: int
    fee_pips: int

    kind: ClassVar[LegKind] = LegKind.CONCENTRATED

    def __post_init__(self) -> None:
        require_range("venue id", self.venue_id, 0, 255)
        require_range("fee_pips", self.fee_pips, 0, 2**24 - 1)

    def pack(self) -> bytes:
        """This swap's particulars."""
        return pack_uint(self.venue_id, 1) + pack_uint(self.fee_pips, 3)


@dataclass(frozen=True, slots=True)
class UniswapV4:
    """A v4 pool without hooks. `native` says that its currency0 is the coin itself, not the wrapped one."""

    fee_pips: int
    tick_spacing: int
    native: bool

    kind: ClassVar[LegKind] = LegKind.UNISWAP_V4

    def __post_init__(self) -> None:
        require_range("fee_pips", self.fee_pips, 0, 2**24 - 1)
        require_range("tick_spacing", self.tick_spacing, -(2**23), 2**23 - 1)

    def pack(self) -> bytes:
        """This swap's particulars."""
        spacing = self.tick_spacing.to_bytes(3, "big", signed=True)
        return pack_uint(self.fee_pips, 3) + spacing + pack_uint(self.native, 1)


@dataclass(frozen=True, slots=True)
class Curve:
    """A Curve pool by address; coin `i` for coin `j`. `crypto` pools take uint256 indices, the others int128."""

    pool: Address
    i: int
    j: int
    crypto: bool

    def __post_init__(self) -> None:
        require_range("coin index", self.i, 0, 255)
        require_range("coin index", self.j, 0, 255)

    @property
    def kind(self) -> LegKind:
        """Which of Curve's two `exchange` functions is called."""
        return LegKind.CURVE_CRYPTO if self.crypto else LegKind.CURVE_STABLE

    def pack(self) -> bytes:
        """This swap's particulars."""
        return pack_address(self.pool) + pack_uint(self.i, 1) + pack_uint(self.j, 1)


@dataclass(frozen=True, slots=True)
class Balancer:
    """A Balancer v2 pool by its 32-byte id."""

    pool_id: bytes

    kind: ClassVar[LegKind] = LegKind.BALANCER

    def __post_init__(self) -> None:
        if len(self.pool_id) != 32:
            raise MalformedPlan(f"a Balancer pool id has 32 bytes, not {len(self.pool_id)}; give the whole id")

    def pack(self) -> bytes:
        """This swap's particulars."""
        return self.pool_id


@dataclass(frozen=True, slots=True)
class Solidly:
    """A Solidly or Aerodrome pool, looked up in the factory of the executor's venue `venue_id`."""

    venue_id: int
    stable: bool

    kind: ClassVar[LegKind] = LegKind.SOLIDLY

    def __post_init__(self) -> None:
        require_range("venue id", self.venue_id, 1, 255)

    def pack(self) -> bytes:
        """This swap's particulars."""
        return pack_uint(self.venue_id, 1) + pack_uint(self.stable, 1)


@dataclass(frozen=True, slots=True)
class MakerQuote:
    """A maker's signed quote; taker and tokens are the executor and the leg's own. Amounts in base units."""

    maker: Address
    maker_amount: int
    taker_amount: int
    expiry: int
    nonce: int
    partial_fill_allowed: bool
    signature: bytes

    kind: ClassVar[LegKind] = LegKind.MAKER_QUOTE

    def __post_init__(self) -> None:
        require_range("maker_amount", self.maker_amount, 0, UINT128_MAX)
        require_range("taker_amount", self.taker_amount, 1, UINT128_MAX)
        require_range("expiry", self.expiry, 0, UINT40_MAX)
        require_range("nonce", self.nonce, 0, UINT256_MAX)
        require_range("signature length", len(self.signature), 0, UINT16_MAX)

    def pack(self) -> bytes:
        """This swap's particulars."""
        amounts = pack_uint(self.maker_amount, 16) + pack_uint(self.taker_amount, 16)
        terms = pack_uint(self.expiry, 5) + pack_uint(self.nonce, 32) + pack_uint(self.partial_fill_allowed, 1)
        return pack_address(self.maker) + amounts + terms + pack_uint(len(self.signature), 2) + self.signature


@dataclass(frozen=True, slots=True)
class Hop:
    """A concentrated pool of an exact output, of the executor's venue and the fee in pips."""

    venue_id: int
    fee_pips: int

    def __post_init__(self) -> None:
        require_range("venue id", self.venue_id, 0, 255)
        require_range("fee_pips", self.fee_pips, 0, 2**24 - 1)


@dataclass(frozen=True, slots=True)
class ConcentratedExactOut:
    """An exact output through concentrated pools, the last one first; `between` are the tokens' indices, likewise."""

    hops: tuple[Hop, ...]
    between: tuple[int, ...]

    kind: ClassVar[LegKind] = LegKind.CONCENTRATED_EXACT_OUT

    def __post_init__(self) -> None:
        require_range("number of hops", len(self.hops), 1, 255)
        require_range("number of tokens between", len(self.between), len(self.hops) - 1, len(self.hops) - 1)
        for index in self.between:
            require_range("token index", index, 0, MAX_TOKENS - 1)

    def pack(self) -> bytes:
        """This swap's particulars."""
        hops = b"".join(pack_uint(hop.venue_id, 1) + pack_uint(hop.fee_pips, 3) for hop in self.hops)
        return pack_uint(len(self.hops), 1) + hops + bytes(self.between)


@dataclass(frozen=True, slots=True)
class FlashLoan:
    """Borrows `amount` of the token sold, runs `plans` in order by the executor's calls of itself, and repays.

    The leg's amount is the most that the balance may fall by over all of it, fee included.
    """

    lender: Address
    lender_kind: LenderKind
    amount: int
    plans: "tuple[PackedPlan, ...]"

    kind: ClassVar[LegKind] = LegKind.FLASH

    def __post_init__(self) -> None:
        require_range("loan", self.amount, 0, UINT128_MAX)
        require_range("number of plans", len(self.plans), 1, 255)
        require_range("depth of loans", self.depth, 1, MAX_LOAN_DEPTH)

    @property
    def depth(self) -> int:
        """One, and the depth of the loans within."""
        within = (leg.swap.depth for plan in self.plans for leg in plan.legs if isinstance(leg.swap, FlashLoan))
        return 1 + max(within, default=0)

    def pack(self) -> bytes:
        """This leg's particulars."""
        packed = [encode_plan(plan) for plan in self.plans]
        terms = pack_uint(self.lender_kind, 1) + pack_uint(self.amount, 16) + pack_uint(len(packed), 1)
        # What is too long for its own length is too long for the leg's, which is refused.
        plans = b"".join(pack_uint(min(len(plan), 2**24 - 1), 3) + plan for plan in packed)
        return with_length(pack_address(self.lender) + terms + plans)


SwapOn = (
    ConstantProduct
    | Concentrated
    | UniswapV4
    | Curve
    | Balancer
    | Solidly
    | MakerQuote
    | ConcentratedExactOut
    | FurtherLeg
    | FlashLoan
)


@dataclass(frozen=True, slots=True)
class PackedLeg:
    """Sell `amount` of token `index_in` for token `index_out` on `swap`; indices count assets, then handed tokens.

    `hands_on` sends the output straight to the next leg's pool, which sells all of it. An exact output's amount is what
    is bought.
    """

    index_in: int
    index_out: int
    amount: Amount
    swap: SwapOn
    hands_on: bool = False


@dataclass(frozen=True, slots=True)
class PackedPlan:
    """What one call of the executor does, before `deadline` (Unix seconds, inclusive).

    Legs pay from and into `assets` only, which are checked at the end; `handed` tokens go from pool to pool. `pull`
    takes asset 0 from the owner by allowance, or by `permit`, and refunds the rest; otherwise the executor holds it.
    `deliver` sends what was gained of asset 1 to the owner. Raises `MalformedPlan` for what the executor would not
    decode.
    """

    assets: tuple[Asset, ...]
    deadline: int
    legs: tuple[PackedLeg, ...]
    handed: tuple[Address, ...] = ()
    pull: bool = False
    deliver: bool = False
    permit: Permit | None = None

    def __post_init__(self) -> None:
        require_range("number of assets", len(self.assets), 2, MAX_ASSETS)
        require_range("number of tokens", len(self.tokens), 2, MAX_TOKENS)
        require_range("deadline", self.deadline, 0, UINT40_MAX)
        self._check_assets()
        if not self.legs:
            raise MalformedPlan("no legs; a plan needs at least one")
        if self.permit is not None and self.pull == self.permit.straight:
            raise MalformedPlan("a permit pulls, or goes straight to the pool; say which")
        self._check_legs()

    @property
    def tokens(self) -> tuple[Address, ...]:
        """What legs may name, by index."""
        return (*(asset.token for asset in self.assets), *self.handed)

    def _check_assets(self) -> None:
        first, second, *others = (asset.bound for asset in self.assets)
        if first is not Bound.FALL or second not in (Bound.RISE, Bound.LEAVE) or Bound.LEAVE in others:
            raise MalformedPlan("asset 0 may fall and asset 1 must rise or leave; order them so")
        tokens = [token.lower() for token in self.tokens]
        if second is Bound.LEAVE and tokens[_TOKEN_IN] == tokens[_TOKEN_OUT]:
            tokens.pop(_TOKEN_OUT)
        if len(set(tokens)) != len(tokens):
            raise MalformedPlan("a token is listed twice; list each once, but for one that falls as it leaves")

    def _check_legs(self) -> None:
        known, declared = range(len(self.tokens)), range(len(self.assets))
        before: PackedLeg | None = None
        for leg in self.legs:
            if leg.index_in not in known or leg.index_out not in known or leg.index_in == leg.index_out:
                raise MalformedPlan(f"leg {leg.index_in}->{leg.index_out} does not join two of the plan's tokens")
            handed = before is not None and before.hands_on
            if before is not None and handed and (before.index_out != leg.index_in or leg.amount != All()):
                raise MalformedPlan(f"leg {leg.index_in}->{leg.index_out} does not sell all that it was handed")
            if (handed or leg.hands_on) and leg.swap.kind not in _ON_PATHS:
                raise MalformedPlan(f"{leg.swap.kind.name} cannot be part of a path")
            if not handed and leg.index_in not in declared:
                raise MalformedPlan(f"leg {leg.index_in}->{leg.index_out} sells what is not declared")
            if not leg.hands_on and leg.index_out not in declared:
                raise MalformedPlan(f"leg {leg.index_in}->{leg.index_out} buys what is not declared")
            if leg.swap.kind is LegKind.CONCENTRATED_EXACT_OUT and not isinstance(leg.amount, Exact):
                raise MalformedPlan("an exact output needs an exact amount")
            before = leg
        if before is not None and before.hands_on:
            raise MalformedPlan("the last leg hands on to nothing")


def swap_assets(tokens: Sequence[Address], amount_in: int, min_out: int) -> tuple[Asset, ...]:
    """Sell at most `amount_in` of the first token for at least `min_out` of the second; the others pass through."""
    between = (Asset(token, Bound.UNCHANGED, 0) for token in tokens[2:])
    return (Asset(tokens[0], Bound.FALL, amount_in), Asset(tokens[1], Bound.RISE, min_out), *between)


def encode_plan(plan: PackedPlan) -> bytes:
    """The plan's only encoding."""
    counts = len(plan.assets) << 4 | len(plan.handed)
    head = bytes([PLAN_VERSION, plan_flags(plan)]) + pack_uint(plan.deadline, 5) + pack_uint(counts, 1)
    table = b"".join(map(_encode_asset, plan.assets))
    return head + table + route_of(plan) + (b"" if plan.permit is None else _encode_permit(plan.permit))


def _encode_asset(asset: Asset) -> bytes:
    return pack_uint(asset.bound, 1) + pack_address(asset.token) + pack_uint(asset.amount, 16)


def plan_flags(plan: PackedPlan) -> int:
    """The plan's second byte."""
    pull, deliver = _FLAG_PULL * plan.pull, _FLAG_DELIVER * plan.deliver
    return pull | deliver | _FLAG_PERMIT * (plan.permit is not None)


def route_of(plan: PackedPlan) -> bytes:
    """The part of a plan behind its assets and before its permit: handed tokens and legs."""
    return b"".join(map(pack_address, plan.handed)) + b"".join(map(encode_leg, plan.legs))


def decode_plan(data: bytes) -> PackedPlan:
    """The strict inverse of `encode_plan`. Raises `MalformedPlan` for anything that it would not produce."""
    return _decode_plan(data, 0)


def _decode_plan(data: bytes, depth: int) -> PackedPlan:
    reader = Reader(data)
    version = reader.uint(1)
    if version != PLAN_VERSION:
        raise MalformedPlan(f"version {version} is not {PLAN_VERSION}; encode it again")
    flags = reader.uint(1)
    if flags > _FLAG_PULL | _FLAG_DELIVER | _FLAG_PERMIT:
        raise MalformedPlan(f"unknown flags {flags:#x}; encode it again")
    pull = bool(flags & _FLAG_PULL)
    permit = _decode_permit(reader, straight=not pull) if flags & _FLAG_PERMIT else None
    deadline, counts = reader.uint(5), reader.uint(1)
    assets = tuple(_decode_asset(reader) for _ in range(counts >> 4))
    handed = tuple(reader.address() for _ in range(counts & 15))
    legs = []
    while not reader.done:
        legs.append(_decode_leg(reader, depth))
    return PackedPlan(assets, deadline, tuple(legs), handed, pull, bool(flags & _FLAG_DELIVER), permit)


def _decode_permit(reader: Reader, *, straight: bool) -> Permit:
    """Cuts off the permit, which stands last."""
    packed = reader.cut(reader.last(2) + 10)
    return Permit(int.from_bytes(packed[:8]), packed[8:-2], straight)


def _encode_permit(permit: Permit) -> bytes:
    return pack_uint(permit.nonce, 8) + permit.signature + pack_uint(len(permit.signature), 2)


def encode_leg(leg: PackedLeg) -> bytes:
    """The leg's part of the plan."""
    mode, amount = _amount(leg.amount)
    head = leg.swap.kind | mode << _MODE_SHIFT | (_HANDS_ON if leg.hands_on else 0)
    return pack_uint(head, 1) + pack_uint(leg.index_in << 4 | leg.index_out, 1) + amount + leg.swap.pack()


def _amount(amount: Amount) -> tuple[int, bytes]:
    match amount:
        case Exact(value):
            return 0, pack_uint(value, 16)
        case Share(parts):
            return 1, pack_uint(parts, 4)
        case All():
            return 2, b""


def _decode_asset(reader: Reader) -> Asset:
    bound = reader.uint(1)
    if bound > Bound.LEAVE:
        raise MalformedPlan(f"unknown bound {bound}; encode it again")
    return Asset(reader.address(), Bound(bound), reader.uint(16))


def _decode_leg(reader: Reader, depth: int) -> PackedLeg:
    head, tokens = reader.uint(1), reader.uint(1)
    amount = _decode_amount(reader, head >> _MODE_SHIFT & 3)
    kind = head & _KIND_MASK
    swap = _decode_further(reader, kind, depth) if kind >= LegKind.WRAP else _decode_swap(reader, kind)
    return PackedLeg(tokens >> 4, tokens & 15, amount, swap, bool(head & _HANDS_ON))


def _decode_amount(reader: Reader, mode: int) -> Amount:
    match mode:
        case 0:
            return Exact(reader.uint(16))
        case 1:
            return Share(reader.uint(4))
        case 2:
            return All()
        case _:
            raise MalformedPlan(f"unknown amount mode {mode}; encode it again")


def _decode_swap(reader: Reader, kind: int) -> SwapOn:
    match kind:
        case LegKind.CONSTANT_PRODUCT:
            return ConstantProduct(reader.uint(1))
        case LegKind.CONCENTRATED:
            return Concentrated(reader.uint(1), reader.uint(3))
        case LegKind.UNISWAP_V4:
            return UniswapV4(reader.uint(3), reader.int24(), reader.switch())
        case LegKind.CURVE_STABLE | LegKind.CURVE_CRYPTO:
            return Curve(reader.address(), reader.uint(1), reader.uint(1), kind == LegKind.CURVE_CRYPTO)
        case LegKind.BALANCER:
            return Balancer(reader.octets(32))
        case LegKind.SOLIDLY:
            return Solidly(reader.uint(1), reader.switch())
        case LegKind.MAKER_QUOTE:
            return _decode_quote(reader)
        case LegKind.CONCENTRATED_EXACT_OUT:
            return _decode_exact_out(reader)
        case _:
            raise MalformedPlan(f"unknown leg kind {kind}; encode it again")


def _decode_further(reader: Reader, kind: int, depth: int) -> SwapOn:
    """A leg whose particulars have a length of their own, and must use all of it."""
    inside = Reader(reader.octets(reader.uint(2)))
    swap = _decode_loan(inside, depth + 1) if kind == LegKind.FLASH else read_further_leg(inside, kind)
    if not inside.done:
        raise MalformedPlan("a leg's particulars are longer than its kind's; encode it again")
    return swap


def _decode_loan(reader: Reader, depth: int) -> FlashLoan:
    # Before what is within is read, which is how deep a reader can be led.
    require_range("depth of loans", depth, 1, MAX_LOAN_DEPTH)
    lender, kind, amount = reader.address(), reader.uint(1), reader.uint(16)
    require_range("lender's kind", kind, 0, max(LenderKind))
    plans = tuple(_decode_plan(reader.octets(reader.uint(3)), depth) for _ in range(reader.uint(1)))
    return FlashLoan(lender, LenderKind(kind), amount, plans)


def _decode_quote(reader: Reader) -> MakerQuote:
    maker, maker_amount, taker_amount = reader.address(), reader.uint(16), reader.uint(16)
    expiry, nonce, partial = reader.uint(5), reader.uint(32), reader.switch()
    return MakerQuote(maker, maker_amount, taker_amount, expiry, nonce, partial, reader.octets(reader.uint(2)))


def _decode_exact_out(reader: Reader) -> ConcentratedExactOut:
    hops = tuple(Hop(reader.uint(1), reader.uint(3)) for _ in range(reader.uint(1)))
    return ConcentratedExactOut(hops, tuple(reader.octets(max(len(hops) - 1, 0))))
