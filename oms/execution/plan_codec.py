"""The packed plan that `contracts/Executor.sol` executes, as values and as bytes.

Owns: the layout, in both directions; `contracts/libraries/PlanCodec.sol` is its twin and the golden files hold them
together. One plan has exactly one encoding.
Must not: decide anything about a trade, or know a venue's address.

    plan    version u8 = 1 | flags u8 | deadline u40 | n u8 | n x token address | amountIn u128 | minOut u128 | legs
    leg     kind u8 | indexIn u8 | indexOut u8 | mode u8 | amount | particulars of the kind
    amount  mode 0: exact u128 | mode 1: share u32, in 2^-32 of what is available, rounded down | mode 2: nothing, all

Integers are big-endian and unpadded. Token 0 is sold, token 1 is bought, the others are passed through.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final

from eth_abi.abi import decode, encode
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from oms.errors import InvalidRequest
from oms.units import UINT128_MAX, UINT256_MAX, Address

PLAN_VERSION: Final = 1
MAX_TOKENS: Final = 16
MAX_LEG_AMOUNT: Final = 2**127 - 1
SHARE_ONE: Final = 2**32
"""A share is counted in parts of this, and is always less than it; use `All` for the whole."""

UINT40_MAX: Final = 2**40 - 1
EXECUTE_SELECTOR: Final = keccak(b"execute(bytes)")[:4]

_FLAG_PULL = 1
_FLAG_DELIVER = 2
_TOKEN_IN = 0
_TOKEN_OUT = 1


class MalformedPlan(InvalidRequest):
    """Bytes or values that are no plan; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__("plan", reason)


class LegKind(IntEnum):
    """A leg's first byte."""

    CONSTANT_PRODUCT = 1
    CONCENTRATED = 2
    UNISWAP_V4 = 3
    CURVE_STABLE = 4
    CURVE_CRYPTO = 5
    BALANCER = 6
    SOLIDLY = 7
    MAKER_QUOTE = 8


@dataclass(frozen=True, slots=True)
class Exact:
    """Sell this many base units; the plan reverts if fewer are available."""

    amount: int

    def __post_init__(self) -> None:
        _ranged("exact amount", self.amount, 1, MAX_LEG_AMOUNT)


@dataclass(frozen=True, slots=True)
class Share:
    """Sell `parts` / 2^32 of what is available at that moment, rounded down."""

    parts: int

    def __post_init__(self) -> None:
        _ranged("share", self.parts, 1, SHARE_ONE - 1)


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
        _ranged("venue id", self.venue_id, 0, 255)

    def pack(self) -> bytes:
        """This swap's particulars."""
        return _uint(self.venue_id, 1)


@dataclass(frozen=True, slots=True)
class Concentrated:
    """A Uniswap v3 pool or a fork's, derived from the executor's venue `venue_id` and the fee in pips."""

    venue_id: int
    fee_pips: int

    kind: ClassVar[LegKind] = LegKind.CONCENTRATED

    def __post_init__(self) -> None:
        _ranged("venue id", self.venue_id, 0, 255)
        _ranged("fee_pips", self.fee_pips, 0, 2**24 - 1)

    def pack(self) -> bytes:
        """This swap's particulars."""
        return _uint(self.venue_id, 1) + _uint(self.fee_pips, 3)


@dataclass(frozen=True, slots=True)
class UniswapV4:
    """A v4 pool without hooks. `native` says that its currency0 is the coin itself, not the wrapped one."""

    fee_pips: int
    tick_spacing: int
    native: bool

    kind: ClassVar[LegKind] = LegKind.UNISWAP_V4

    def __post_init__(self) -> None:
        _ranged("fee_pips", self.fee_pips, 0, 2**24 - 1)
        _ranged("tick_spacing", self.tick_spacing, -(2**23), 2**23 - 1)

    def pack(self) -> bytes:
        """This swap's particulars."""
        return _uint(self.fee_pips, 3) + self.tick_spacing.to_bytes(3, "big", signed=True) + _uint(self.native, 1)


@dataclass(frozen=True, slots=True)
class Curve:
    """A Curve pool by address; coin `i` for coin `j`. `crypto` pools take uint256 indices, the others int128."""

    pool: Address
    i: int
    j: int
    crypto: bool

    def __post_init__(self) -> None:
        _ranged("coin index", self.i, 0, 255)
        _ranged("coin index", self.j, 0, 255)

    @property
    def kind(self) -> LegKind:
        """Which of Curve's two `exchange` functions is called."""
        return LegKind.CURVE_CRYPTO if self.crypto else LegKind.CURVE_STABLE

    def pack(self) -> bytes:
        """This swap's particulars."""
        return _address(self.pool) + _uint(self.i, 1) + _uint(self.j, 1)


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
        _ranged("venue id", self.venue_id, 1, 255)

    def pack(self) -> bytes:
        """This swap's particulars."""
        return _uint(self.venue_id, 1) + _uint(self.stable, 1)


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
        _ranged("maker_amount", self.maker_amount, 0, UINT128_MAX)
        _ranged("taker_amount", self.taker_amount, 1, UINT128_MAX)
        _ranged("expiry", self.expiry, 0, UINT40_MAX)
        _ranged("nonce", self.nonce, 0, UINT256_MAX)
        _ranged("signature length", len(self.signature), 0, 2**16 - 1)

    def pack(self) -> bytes:
        """This swap's particulars."""
        amounts = _uint(self.maker_amount, 16) + _uint(self.taker_amount, 16)
        terms = _uint(self.expiry, 5) + _uint(self.nonce, 32) + _uint(self.partial_fill_allowed, 1)
        return _address(self.maker) + amounts + terms + _uint(len(self.signature), 2) + self.signature


SwapOn = ConstantProduct | Concentrated | UniswapV4 | Curve | Balancer | Solidly | MakerQuote


@dataclass(frozen=True, slots=True)
class PackedLeg:
    """Sell `amount` of token `index_in` for token `index_out` on `swap`; indices count the plan's tokens."""

    index_in: int
    index_out: int
    amount: Amount
    swap: SwapOn


@dataclass(frozen=True, slots=True)
class PackedPlan:
    """What one call of the executor does.

    Sells at most `amount_in` of `tokens[0]`, for at least `min_out` of `tokens[1]`, before `deadline` (Unix seconds,
    inclusive). `pull` takes the tokens from the owner by allowance and refunds the rest; otherwise the executor holds
    them. `deliver` sends what was bought to the owner. Raises `MalformedPlan` for what the executor would refuse to
    decode.
    """

    tokens: tuple[Address, ...]
    amount_in: int
    min_out: int
    deadline: int
    legs: tuple[PackedLeg, ...]
    pull: bool = False
    deliver: bool = False

    def __post_init__(self) -> None:
        _ranged("number of tokens", len(self.tokens), 2, MAX_TOKENS)
        _ranged("amount_in", self.amount_in, 1, UINT128_MAX)
        _ranged("min_out", self.min_out, 1, UINT128_MAX)
        _ranged("deadline", self.deadline, 0, UINT40_MAX)
        if len({token.lower() for token in self.tokens}) != len(self.tokens):
            raise MalformedPlan("a token is listed twice; list each once")
        if not self.legs:
            raise MalformedPlan("no legs; a plan needs at least one")
        for leg in self.legs:
            self._check_indices(leg)

    def _check_indices(self, leg: PackedLeg) -> None:
        known = range(len(self.tokens))
        if leg.index_in not in known or leg.index_out not in known or leg.index_in == leg.index_out:
            raise MalformedPlan(f"leg {leg.index_in}->{leg.index_out} does not join two of the plan's tokens")
        if leg.index_in == _TOKEN_OUT or leg.index_out == _TOKEN_IN:
            raise MalformedPlan(f"leg {leg.index_in}->{leg.index_out} sells the result or buys what is sold")


def encode_plan(plan: PackedPlan) -> bytes:
    """The plan's only encoding."""
    flags = (_FLAG_PULL if plan.pull else 0) | (_FLAG_DELIVER if plan.deliver else 0)
    head = _uint(PLAN_VERSION, 1) + _uint(flags, 1) + _uint(plan.deadline, 5) + _uint(len(plan.tokens), 1)
    table = b"".join(map(_address, plan.tokens))
    amounts = _uint(plan.amount_in, 16) + _uint(plan.min_out, 16)
    return head + table + amounts + b"".join(map(_encode_leg, plan.legs))


def decode_plan(data: bytes) -> PackedPlan:
    """The strict inverse of `encode_plan`. Raises `MalformedPlan` for anything that it would not produce."""
    reader = _Reader(data)
    version = reader.uint(1)
    if version != PLAN_VERSION:
        raise MalformedPlan(f"version {version} is not {PLAN_VERSION}; encode it again")
    flags = reader.uint(1)
    if flags > _FLAG_PULL | _FLAG_DELIVER:
        raise MalformedPlan(f"unknown flags {flags:#x}; encode it again")
    deadline = reader.uint(5)
    tokens = tuple(reader.address() for _ in range(reader.uint(1)))
    amount_in, min_out = reader.uint(16), reader.uint(16)
    legs = []
    while not reader.done:
        legs.append(_decode_leg(reader))
    return PackedPlan(
        tokens=tokens,
        amount_in=amount_in,
        min_out=min_out,
        deadline=deadline,
        legs=tuple(legs),
        pull=bool(flags & _FLAG_PULL),
        deliver=bool(flags & _FLAG_DELIVER),
    )


def executor_calldata(plan: PackedPlan) -> bytes:
    """The call of `Executor.execute(bytes)` that runs the plan."""
    return EXECUTE_SELECTOR + encode(["bytes"], [encode_plan(plan)])


def decode_calldata(data: bytes) -> PackedPlan:
    """The strict inverse of `executor_calldata`. Raises `MalformedPlan`."""
    if data[:4] != EXECUTE_SELECTOR:
        raise MalformedPlan("not a call of execute(bytes); check whom it is for")
    length = int.from_bytes(data[36:68])
    if int.from_bytes(data[4:36]) != 32 or len(data) != 68 + -(-length // 32) * 32:
        raise MalformedPlan("the call holds something other than one plan; encode it again")
    (packed,) = decode(["bytes"], data[4:])
    return decode_plan(packed)


def _encode_leg(leg: PackedLeg) -> bytes:
    return _uint(leg.swap.kind, 1) + _uint(leg.index_in, 1) + _uint(leg.index_out, 1) + _amount(leg) + leg.swap.pack()


def _amount(leg: PackedLeg) -> bytes:
    match leg.amount:
        case Exact(amount):
            return _uint(0, 1) + _uint(amount, 16)
        case Share(parts):
            return _uint(1, 1) + _uint(parts, 4)
        case All():
            return _uint(2, 1)


def _decode_leg(reader: "_Reader") -> PackedLeg:
    kind, index_in, index_out = reader.uint(1), reader.uint(1), reader.uint(1)
    return PackedLeg(index_in, index_out, _decode_amount(reader), _decode_swap(reader, kind))


def _decode_amount(reader: "_Reader") -> Amount:
    match reader.uint(1):
        case 0:
            return Exact(reader.uint(16))
        case 1:
            return Share(reader.uint(4))
        case 2:
            return All()
        case mode:
            raise MalformedPlan(f"unknown amount mode {mode}; encode it again")


def _decode_swap(reader: "_Reader", kind: int) -> SwapOn:
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
        case _:
            raise MalformedPlan(f"unknown leg kind {kind}; encode it again")


def _decode_quote(reader: "_Reader") -> MakerQuote:
    maker, maker_amount, taker_amount = reader.address(), reader.uint(16), reader.uint(16)
    expiry, nonce, partial = reader.uint(5), reader.uint(32), reader.switch()
    return MakerQuote(maker, maker_amount, taker_amount, expiry, nonce, partial, reader.octets(reader.uint(2)))


class _Reader:
    """Takes bytes off the front; refuses to take what is not there."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def done(self) -> bool:
        return self._at == len(self._data)

    def octets(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise MalformedPlan(f"ends after {len(self._data)} bytes where {end} are needed; encode it again")
        taken, self._at = self._data[self._at : end], end
        return taken

    def uint(self, size: int) -> int:
        return int.from_bytes(self.octets(size))

    def int24(self) -> int:
        return int.from_bytes(self.octets(3), signed=True)

    def address(self) -> Address:
        return Address(to_checksum_address(self.octets(20)))

    def switch(self) -> bool:
        value = self.uint(1)
        if value > 1:
            raise MalformedPlan(f"a switch is {value}, neither 0 nor 1; encode it again")
        return value == 1


def _ranged(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise MalformedPlan(f"{name} {value} is not from {low} to {high}; correct it")


def _uint(value: int, size: int) -> bytes:
    return int(value).to_bytes(size, "big")


def _address(address: Address) -> bytes:
    try:
        packed = bytes.fromhex(address.removeprefix("0x"))
    except ValueError:
        packed = b""
    if len(packed) != 20:
        raise MalformedPlan(f"{address!r} is no address of 20 bytes; correct it")
    return packed
