"""What an owner grants to a session's key, as `contracts/interfaces/ISessions.sol` takes it.

Owns: the terms of a session, how each kind of leg names what it deals with, and the calls that grant and revoke.
Must not: decide what a key should be granted, or send anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eth_abi.abi import encode
from eth_hash.auto import keccak

from oms.errors import InvalidRequest
from oms.units import UINT128_MAX, Address

BPS: Final = 10_000
"""At this loss nothing is compared with the reference, and a key may lose all that it may spend."""

MAX_DECIMALS: Final = 36
"""Of a token or a feed, as the references take them."""

_GRANT: Final = "(uint40,uint32,uint16,bool,uint96,(uint8,bytes32)[],(address,uint128,uint32)[],address[])"


@dataclass(frozen=True, slots=True)
class GrantedVenue:
    """What legs of a kind may deal with; `id` is 32 bytes, by one of the functions below."""

    kind: int
    id: bytes

    def __post_init__(self) -> None:
        if len(self.id) != 32:
            raise InvalidRequest("venue", f"its identifier has {len(self.id)} bytes, not 32")


@dataclass(frozen=True, slots=True)
class GrantedSpend:
    """How much of a token, in base units, a key's plans may make fall within any `period` seconds."""

    token: Address
    limit: int
    period: int

    def __post_init__(self) -> None:
        if not (1 <= self.limit <= UINT128_MAX and 1 <= self.period < 2**32):
            raise InvalidRequest("spend", f"{self.limit} in {self.period} seconds is no limit")


@dataclass(frozen=True, slots=True)
class SessionTerms:
    """Everything a key may do. `expiry` in Unix seconds, `gas_budget` in wei for all its ERC-4337 operations.

    `most_loss_bps` is by how much less than the reference value of what fell a plan may earn.
    """

    expiry: int
    kinds: frozenset[int]
    most_loss_bps: int
    venues: Sequence[GrantedVenue]
    spends: Sequence[GrantedSpend]
    rises: Sequence[Address]
    may_pull: bool = False
    gas_budget: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.most_loss_bps <= BPS:
            raise InvalidRequest("most_loss_bps", f"{self.most_loss_bps} is not within 0 and {BPS}")
        if not all(1 <= kind < 32 for kind in self.kinds):
            raise InvalidRequest("kinds", "a leg kind is a number from 1 to 31")

    @property
    def bitmap(self) -> int:
        """Bit `k` for leg kind `k`."""
        return sum(1 << kind for kind in self.kinds)


def registry_venue(identifier: int) -> bytes:
    """A constant-product, concentrated or Solidly venue, by its number in the executor's registry."""
    return identifier.to_bytes(32, "big")


def address_venue(address: Address) -> bytes:
    """A Curve pool, a maker, or the address that a leg of kind 10 or beyond deals with."""
    return bytes.fromhex(address[2:]).rjust(32, b"\0")


def singleton_venue(token_a: Address, token_b: Address, *, fee: int, tick_spacing: int, native: bool) -> bytes:
    """A Uniswap v4 pool, by the leg's two tokens and its particulars."""
    tokens = sorted(bytes.fromhex(token[2:]) for token in (token_a, token_b))
    particulars = fee.to_bytes(3, "big") + tick_spacing.to_bytes(3, "big", signed=True) + bytes([native])
    return keccak(b"".join(tokens) + particulars)


def grant_call(key: Address, terms: SessionTerms) -> bytes:
    """Calldata by which the owner grants, from the executor's `grantSession`."""
    values = (
        terms.expiry,
        terms.bitmap,
        terms.most_loss_bps,
        terms.may_pull,
        terms.gas_budget,
        [(venue.kind, venue.id) for venue in terms.venues],
        [(spend.token, spend.limit, spend.period) for spend in terms.spends],
        list(terms.rises),
    )
    return keccak(f"grantSession(address,{_GRANT})".encode())[:4] + encode(["address", _GRANT], [key, values])


def revoke_call(key: Address) -> bytes:
    """Calldata by which the owner or the guardian ends a session at once."""
    return keccak(b"revokeSession(address)")[:4] + encode(["address"], [key])


def far_reference_call(chain_id: int, token: Address, *, feed: Address, max_age: int, decimals: int) -> bytes:
    """Calldata by which the owner names the feed of a token on another chain; a zero feed takes it back.

    Without one, a session that is held to a reference does not bridge into that token. `max_age` in seconds.
    """
    if not (0 <= chain_id < 2**64 and 0 <= max_age < 2**32 and 0 <= decimals <= MAX_DECIMALS):
        raise InvalidRequest("reference", f"chain {chain_id}, {max_age} seconds, {decimals} decimals: out of range")
    types = ["uint64", "address", "address", "uint32", "uint8"]
    selector = keccak(b"setFarReference(uint64,address,address,uint32,uint8)")[:4]
    return selector + encode(types, [chain_id, token, feed, max_age, decimals])


def grant_operator_call(operator: Address, terms: SessionTerms) -> bytes:
    """Calldata by which a Safe grants an operator of its module; `gas_budget` means nothing there."""
    return keccak(f"grantOperator(address,{_GRANT})".encode())[:4] + grant_call(operator, terms)[4:]


def end_operator_call(operator: Address) -> bytes:
    """Calldata by which a Safe ends an operator at once."""
    return keccak(b"endOperator(address)")[:4] + encode(["address"], [operator])
