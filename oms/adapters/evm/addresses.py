"""Addresses and ids that follow from what they are made of: checksums, CREATE2 pools, v4 pool ids.

Owns: those computations. Must not: read a chain, or hold any deployment's data.
Sources: EIP-55; EIP-1014; `UniswapV2Library.pairFor`; `PoolAddress.computeAddress` (v3-periphery); `PoolIdLibrary.toId`
(v4-core).
"""

from dataclasses import dataclass

from eth_hash.auto import keccak

from oms.errors import InvalidRequest
from oms.units import ZERO_ADDRESS, Address


def checksummed(text: str) -> Address:
    """The EIP-55 form of 40 hex digits; whatever case they came in is ignored."""
    digits = text[2:].lower()
    hashed = keccak(digits.encode()).hex()
    return Address("0x" + "".join(c.upper() if int(h, 16) > 7 else c for c, h in zip(digits, hashed, strict=False)))


def parse_address(text: str, *, field: str) -> Address:
    """An address that a person typed. Raises `InvalidRequest` for a wrong length, letter or checksum."""
    digits = text[2:]
    if not text.startswith(("0x", "0X")) or len(digits) != 40 or set(digits.lower()) - set("0123456789abcdef"):
        raise InvalidRequest(field, f"{text[:60]!r} is not an address; write 0x and 40 hex digits")
    address = checksummed(text)
    if digits not in (digits.lower(), digits.upper(), address[2:]):
        raise InvalidRequest(field, f"{text} fails its checksum, so a letter may be wrong; copy it again")
    return address


def address_of(word: int) -> Address:
    """The address in the low 20 bytes of a storage word or ABI word."""
    return checksummed(f"0x{word % 2**160:040x}")


def create2_address(deployer: Address, salt: bytes, init_code_hash: bytes) -> Address:
    """Where `deployer`'s CREATE2 with this salt puts the code (EIP-1014)."""
    return address_of(int.from_bytes(keccak(b"\xff" + bytes.fromhex(deployer[2:]) + salt + init_code_hash), "big"))


def first_created_address(creator: Address) -> Address:
    """Where a contract's first CREATE puts what it creates: at its nonce 1, RLP-encoded with its address."""
    return address_of(int.from_bytes(keccak(b"\xd6\x94" + bytes.fromhex(creator[2:]) + b"\x01")[12:]))


def sorted_pair(a: Address, b: Address) -> tuple[Address, Address]:
    """Token 0 and token 1, in the numeric order that Uniswap demands."""
    return (a, b) if int(a, 16) < int(b, 16) else (b, a)


def v2_pair_address(factory: Address, init_code_hash: bytes, a: Address, b: Address) -> Address:
    """The constant-product pair of two tokens, whether or not it exists."""
    packed = b"".join(bytes.fromhex(token[2:]) for token in sorted_pair(a, b))
    return create2_address(factory, keccak(packed), init_code_hash)


def v3_pool_address(deployer: Address, init_code_hash: bytes, a: Address, b: Address, *, fee_pips: int) -> Address:
    """The concentrated pool of two tokens and a fee, whether or not it exists."""
    words = b"".join(int(token, 16).to_bytes(32, "big") for token in sorted_pair(a, b))
    return create2_address(deployer, keccak(words + fee_pips.to_bytes(32, "big")), init_code_hash)


def mapping_slot(key: int, slot: int) -> int:
    """Where Solidity keeps `mapping[key]` when the mapping is declared at `slot`; a negative key is sign-extended."""
    return int.from_bytes(keccak((key % 2**256).to_bytes(32, "big") + slot.to_bytes(32, "big")), "big")


@dataclass(frozen=True, slots=True)
class V4Key:
    """A v4 pool's key; `currency0` is the zero address for the native coin, and the currencies are in numeric order."""

    currency0: Address
    currency1: Address
    fee_pips: int
    tick_spacing: int
    hooks: Address = ZERO_ADDRESS

    @property
    def pool_id(self) -> str:
        """The id by which the pool manager knows the pool: keccak of the ABI-encoded key."""
        currencies = int(self.currency0, 16), int(self.currency1, 16)
        fields = (*currencies, self.fee_pips, self.tick_spacing, int(self.hooks, 16))
        return "0x" + keccak(b"".join((field % 2**256).to_bytes(32, "big") for field in fields)).hex()
