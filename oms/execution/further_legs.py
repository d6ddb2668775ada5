"""Legs beyond swaps, as values and as the particulars that `contracts/Annex.sol` reads.

Owns: the layout of kinds 10 to 17, behind their length. A flash loan holds whole plans: see `plan_codec`.
Must not: decide anything about a trade, or know a protocol's address.

    10 wrap          nothing: the leg's tokens are the native coin and its wrapper, either way
    11 vault         vault address, which is one of the leg's tokens: bought by a deposit, sold by a redemption
    12 Balancer v3   pool address
    13 AirSwap       signer address | signerAmount u128 | nonce u256 | expiry u40 | light u8 | v u8 | r | s
    14 0x RFQ        maker address | makerAmount u128 | takerAmount u128 | open u8 | txOrigin address | pool 32 bytes
                     | expiry u64 | salt u256 | signatureType u8 | v u8 | r | s
    15 payout        receiver address
    16 Across        recipient address | outputToken address | outputAmount u128 | chain u64 | relayer address
                     | quoteTimestamp u32 | fillDeadline u32 | exclusivity u32
    17 call          target address | pays u8 | calldata, all that is left
"""

from dataclasses import dataclass
from typing import ClassVar

from oms.execution.leg_kinds import LegKind
from oms.execution.packing import (
    UINT32_MAX,
    UINT40_MAX,
    UINT64_MAX,
    MalformedPlan,
    Reader,
    pack_address,
    pack_uint,
    require_range,
    require_word,
    with_length,
)
from oms.units import UINT128_MAX, UINT256_MAX, ZERO_ADDRESS, Address


@dataclass(frozen=True, slots=True)
class Wrap:
    """The native coin into its wrapper or back, as the leg's tokens say."""

    kind: ClassVar[LegKind] = LegKind.WRAP

    def pack(self) -> bytes:
        """This leg's particulars."""
        return with_length(b"")


@dataclass(frozen=True, slots=True)
class Vault:
    """An ERC-4626 vault: a deposit if the leg buys its shares, a redemption if it sells them."""

    vault: Address

    kind: ClassVar[LegKind] = LegKind.VAULT

    def pack(self) -> bytes:
        """This leg's particulars."""
        return with_length(pack_address(self.vault))


@dataclass(frozen=True, slots=True)
class BalancerV3:
    """A Balancer v3 pool by its address."""

    pool: Address

    kind: ClassVar[LegKind] = LegKind.BALANCER_V3

    def pack(self) -> bytes:
        """This leg's particulars."""
        return with_length(pack_address(self.pool))


@dataclass(frozen=True, slots=True)
class AirSwapOrder:
    """A maker's order at AirSwap's `SwapERC20`; its sender is the executor and its sender's amount the leg's.

    `light` uses the cheaper function, for which the maker signs another fee.
    """

    signer: Address
    signer_amount: int
    nonce: int
    expiry: int
    light: bool
    v: int
    r: bytes
    s: bytes

    kind: ClassVar[LegKind] = LegKind.AIRSWAP

    def __post_init__(self) -> None:
        require_range("signer_amount", self.signer_amount, 0, UINT128_MAX)
        require_range("nonce", self.nonce, 0, UINT256_MAX)
        require_range("expiry", self.expiry, 0, UINT40_MAX)
        _require_signature(self.v, self.r, self.s)

    def pack(self) -> bytes:
        """This leg's particulars."""
        terms = pack_uint(self.signer_amount, 16) + pack_uint(self.nonce, 32) + pack_uint(self.expiry, 5)
        signature = pack_uint(self.light, 1) + pack_uint(self.v, 1) + self.r + self.s
        return with_length(pack_address(self.signer) + terms + signature)


@dataclass(frozen=True, slots=True)
class ZeroExOrder:
    """An RFQ order of 0x v4, filled up to the leg's amount; tokens are the leg's own.

    Its taker is the executor, or anybody if it is `open_to_all`. 0x fills it only for the sender `tx_origin`.
    """

    maker: Address
    maker_amount: int
    taker_amount: int
    open_to_all: bool
    tx_origin: Address
    pool: bytes
    expiry: int
    salt: int
    signature_type: int
    v: int
    r: bytes
    s: bytes

    kind: ClassVar[LegKind] = LegKind.ZEROEX_RFQ

    def __post_init__(self) -> None:
        require_range("maker_amount", self.maker_amount, 0, UINT128_MAX)
        require_range("taker_amount", self.taker_amount, 1, UINT128_MAX)
        require_range("expiry", self.expiry, 0, UINT64_MAX)
        require_range("salt", self.salt, 0, UINT256_MAX)
        require_range("signature_type", self.signature_type, 0, 255)
        require_word("an order's pool", self.pool)
        _require_signature(self.v, self.r, self.s)

    def pack(self) -> bytes:
        """This leg's particulars."""
        amounts = pack_uint(self.maker_amount, 16) + pack_uint(self.taker_amount, 16) + pack_uint(self.open_to_all, 1)
        terms = pack_address(self.tx_origin) + self.pool + pack_uint(self.expiry, 8) + pack_uint(self.salt, 32)
        signature = pack_uint(self.signature_type, 1) + pack_uint(self.v, 1) + self.r + self.s
        return with_length(pack_address(self.maker) + amounts + terms + signature)


@dataclass(frozen=True, slots=True)
class Payout:
    """A transfer to an address that the executor's owner has listed."""

    receiver: Address

    kind: ClassVar[LegKind] = LegKind.PAYOUT

    def pack(self) -> bytes:
        """This leg's particulars."""
        return with_length(pack_address(self.receiver))


@dataclass(frozen=True, slots=True)
class AcrossDeposit:
    """A transfer to another chain: `output_amount` of `output_token` for the leg's amount, or a refund to the executor.

    The recipient is the executor's own address or a listed one. Times in Unix seconds; Across reads `exclusivity` as
    seconds or as a time.
    """

    recipient: Address
    output_token: Address
    output_amount: int
    chain_id: int
    exclusive_relayer: Address
    quote_timestamp: int
    fill_deadline: int
    exclusivity: int

    kind: ClassVar[LegKind] = LegKind.ACROSS

    def __post_init__(self) -> None:
        require_range("output_amount", self.output_amount, 1, UINT128_MAX)
        require_range("chain_id", self.chain_id, 0, UINT64_MAX)
        for name in ("quote_timestamp", "fill_deadline", "exclusivity"):
            require_range(name, getattr(self, name), 0, UINT32_MAX)
        if self.output_token == ZERO_ADDRESS:
            raise MalformedPlan("a deposit asks for no token on the other chain; name it")

    def pack(self) -> bytes:
        """This leg's particulars."""
        asked = pack_address(self.output_token) + pack_uint(self.output_amount, 16) + pack_uint(self.chain_id, 8)
        times = pack_uint(self.quote_timestamp, 4) + pack_uint(self.fill_deadline, 4) + pack_uint(self.exclusivity, 4)
        return with_length(pack_address(self.recipient) + asked + pack_address(self.exclusive_relayer) + times)


@dataclass(frozen=True, slots=True)
class ListedCall:
    """A call of a function that the executor's owner has listed.

    `pays` allows the target the leg's amount meanwhile.
    """

    target: Address
    pays: bool
    data: bytes

    kind: ClassVar[LegKind] = LegKind.CALL

    def __post_init__(self) -> None:
        if len(self.data) < 4:
            raise MalformedPlan(f"a call of {len(self.data)} bytes names no function; give its selector")

    def pack(self) -> bytes:
        """This leg's particulars."""
        return with_length(pack_address(self.target) + pack_uint(self.pays, 1) + self.data)


FurtherLeg = Wrap | Vault | BalancerV3 | AirSwapOrder | ZeroExOrder | Payout | AcrossDeposit | ListedCall


def read_further_leg(reader: Reader, kind: int) -> FurtherLeg:
    """The leg whose particulars `reader` holds, without their length.

    Raises `MalformedPlan` for what no leg packs, and for a kind that is not of these.
    """
    match kind:
        case LegKind.WRAP:
            return Wrap()
        case LegKind.VAULT:
            return Vault(reader.address())
        case LegKind.BALANCER_V3:
            return BalancerV3(reader.address())
        case LegKind.AIRSWAP:
            return _read_airswap(reader)
        case LegKind.ZEROEX_RFQ:
            return _read_zeroex(reader)
        case LegKind.PAYOUT:
            return Payout(reader.address())
        case LegKind.ACROSS:
            return _read_across(reader)
        case LegKind.CALL:
            return ListedCall(reader.address(), reader.switch(), reader.rest())
        case _:
            raise MalformedPlan(f"unknown leg kind {kind}; encode it again")


def _read_airswap(reader: Reader) -> AirSwapOrder:
    signer, amount, nonce, expiry = reader.address(), reader.uint(16), reader.uint(32), reader.uint(5)
    return AirSwapOrder(
        signer, amount, nonce, expiry, reader.switch(), reader.uint(1), reader.octets(32), reader.octets(32)
    )


def _read_zeroex(reader: Reader) -> ZeroExOrder:
    maker, gives, wants, open_to_all = reader.address(), reader.uint(16), reader.uint(16), reader.switch()
    origin, pool, expiry, salt = reader.address(), reader.octets(32), reader.uint(8), reader.uint(32)
    kind, v, r, s = reader.uint(1), reader.uint(1), reader.octets(32), reader.octets(32)
    return ZeroExOrder(maker, gives, wants, open_to_all, origin, pool, expiry, salt, kind, v, r, s)


def _read_across(reader: Reader) -> AcrossDeposit:
    recipient, token, amount, chain = reader.address(), reader.address(), reader.uint(16), reader.uint(8)
    return AcrossDeposit(
        recipient, token, amount, chain, reader.address(), reader.uint(4), reader.uint(4), reader.uint(4)
    )


def _require_signature(v: int, r: bytes, s: bytes) -> None:
    require_range("v", v, 0, 255)
    require_word("r", r)
    require_word("s", s)
