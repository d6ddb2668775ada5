"""What an owner grants to a session's key, as `contracts/interfaces/ISessions.sol` takes it.

Owns: the terms of a session, how each kind of leg names what it deals with, and the calls that grant and revoke.
Must not: decide what a key should be granted, or send anything.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields
from enum import StrEnum
from typing import Any, Final

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from oms.errors import InvalidRequest
from oms.execution.leg_kinds import LegKind
from oms.units import UINT128_MAX, Address

BPS: Final = 10_000
"""At this loss nothing is compared with the reference, and a key may lose all that it may spend."""

MAX_DECIMALS: Final = 36
"""Of a token or a feed, as the references take them."""

MOST_CALLDATA: Final = 2**20
"""Bytes in which a grant is looked for; a transaction holds fewer."""


class Naming(StrEnum):
    """How legs of a kind name what they deal with."""

    REGISTRY = "registry"
    """By a factory's number in the executor's registry: all of its pools."""
    SINGLETON = "singleton"
    """A Uniswap v4 pool by its tokens and particulars."""
    POOL_ID = "pool id"
    ADDRESS = "address"
    RECIPIENT = "recipient"
    """An address on another chain."""
    NOBODY = "nobody"
    """There is nothing to name, or it is named under another kind."""


@dataclass(frozen=True, slots=True)
class KindRule:
    """What a session needs to know of a kind: who is named, and whether nothing vouches for the price there."""

    naming: Naming
    unproved: bool = False
    """Whoever is named may give as little as it likes: only a floor, or a limit, holds it."""
    sends_away: bool = False
    """What these legs send counts as earned, so a floor does not hold it: only the limit does."""


KIND_RULES: Final[Mapping[LegKind, KindRule]] = {
    LegKind.CONSTANT_PRODUCT: KindRule(Naming.REGISTRY),
    LegKind.CONCENTRATED: KindRule(Naming.REGISTRY),
    LegKind.UNISWAP_V4: KindRule(Naming.SINGLETON),
    LegKind.CURVE_STABLE: KindRule(Naming.ADDRESS, unproved=True),
    LegKind.CURVE_CRYPTO: KindRule(Naming.ADDRESS, unproved=True),
    LegKind.BALANCER: KindRule(Naming.POOL_ID),
    LegKind.SOLIDLY: KindRule(Naming.REGISTRY),
    LegKind.MAKER_QUOTE: KindRule(Naming.ADDRESS, unproved=True),
    LegKind.CONCENTRATED_EXACT_OUT: KindRule(Naming.NOBODY),
    LegKind.WRAP: KindRule(Naming.NOBODY),
    LegKind.VAULT: KindRule(Naming.ADDRESS, unproved=True),
    LegKind.BALANCER_V3: KindRule(Naming.ADDRESS),
    LegKind.AIRSWAP: KindRule(Naming.ADDRESS, unproved=True),
    LegKind.ZEROEX_RFQ: KindRule(Naming.ADDRESS, unproved=True),
    LegKind.PAYOUT: KindRule(Naming.ADDRESS, unproved=True, sends_away=True),
    LegKind.ACROSS: KindRule(Naming.RECIPIENT, unproved=True),
    LegKind.CALL: KindRule(Naming.ADDRESS, unproved=True),
    LegKind.FLASH: KindRule(Naming.ADDRESS),
}


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


def _rule(abi: str, words: str = "", **default: Any) -> Any:
    """A member of `ISessions.Grant`, by its type there; a switch has words for what it lets the key do."""
    return field(metadata={"abi": abi, "words": words}, **default)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTerms:
    """Everything a key may do. `expiry` in Unix seconds, `gas_budget` in wei for all its ERC-4337 operations.

    `most_loss_bps` is by how much less than the reference value of what fell a plan may earn. The order is that of the
    contract's struct, from which calldata, getters, files and options follow: a further switch is a further line here.
    """

    expiry: int = _rule("uint40")
    kinds: frozenset[int] = _rule("uint32")
    most_loss_bps: int = _rule("uint16")
    may_pull: bool = _rule("bool", "take the owner's own funds by its standing allowance", default=False)
    gas_budget: int = _rule("uint96", default=0)
    venues: Sequence[GrantedVenue] = _rule("(uint8,bytes32)[]")
    spends: Sequence[GrantedSpend] = _rule("(address,uint128,uint32)[]")
    rises: Sequence[Address] = _rule("address[]")

    def __post_init__(self) -> None:
        if not 0 <= self.most_loss_bps <= BPS:
            raise InvalidRequest("most_loss_bps", f"{self.most_loss_bps} is not within 0 and {BPS}")
        if not all(1 <= kind < 32 for kind in self.kinds):
            raise InvalidRequest("kinds", "a leg kind is a number from 1 to 31")
        if not 0 <= self.expiry < 2**40:
            raise InvalidRequest("expiry", f"{self.expiry} is no time in Unix seconds")
        if not 0 <= self.gas_budget < 2**96:
            raise InvalidRequest("gas_budget", f"{self.gas_budget} wei does not fit in 96 bits")

    @property
    def bitmap(self) -> int:
        """Bit `k` for leg kind `k`."""
        return sum(1 << kind for kind in self.kinds)


_MEMBERS: Final = tuple((each.name, str(each.metadata["abi"])) for each in fields(SessionTerms))
_GRANT: Final = f"({','.join(abi for _, abi in _MEMBERS)})"
_GRANT_SELECTOR: Final = keccak(f"grantSession(address,{_GRANT})".encode())[:4]

RULES: Final = tuple((name, abi) for name, abi in _MEMBERS if not abi.endswith("[]"))
"""What the executor's `session` answers behind the grant's count, with types."""
SWITCHES: Final[Mapping[str, str]] = {
    each.name: str(each.metadata["words"]) for each in fields(SessionTerms) if each.metadata["abi"] == "bool"
}
"""What a key may be allowed beside its kinds, by name, with words for it."""


def registry_venue(identifier: int) -> bytes:
    """A constant-product, concentrated or Solidly venue, by its number in the executor's registry."""
    return identifier.to_bytes(32, "big")


def address_venue(address: Address) -> bytes:
    """A Curve pool, a maker, or the address that a leg of kind 10 or beyond deals with here."""
    return bytes.fromhex(address[2:]).rjust(32, b"\0")


def bridge_venue(recipient: Address, chain_id: int) -> bytes:
    """A receiver on another chain, by that chain's identifier as the bridge's orders name it."""
    return keccak(address_venue(recipient) + chain_id.to_bytes(32, "big"))


def singleton_venue(token_a: Address, token_b: Address, *, fee: int, tick_spacing: int, native: bool) -> bytes:
    """A Uniswap v4 pool, by the leg's two tokens and its particulars."""
    tokens = sorted(bytes.fromhex(token[2:]) for token in (token_a, token_b))
    particulars = fee.to_bytes(3, "big") + tick_spacing.to_bytes(3, "big", signed=True) + bytes([native])
    return keccak(b"".join(tokens) + particulars)


def grant_call(key: Address, terms: SessionTerms) -> bytes:
    """Calldata by which the owner grants, from the executor's `grantSession`."""
    values = tuple(_encodable(name, getattr(terms, name)) for name, _ in _MEMBERS)
    return _GRANT_SELECTOR + encode(["address", _GRANT], [key, values])


def grants_within(calldata: bytes) -> Iterator[tuple[Address, SessionTerms]]:
    """Every grant that a transaction's calldata holds, also as what a wallet passes on; what is no grant is skipped."""
    at = calldata[:MOST_CALLDATA].find(_GRANT_SELECTOR)
    while at >= 0:
        try:
            key, values = decode(["address", _GRANT], calldata[at + 4 : MOST_CALLDATA])
            yield Address(to_checksum_address(key)), _terms(values)
        except (DecodingError, InvalidRequest, OverflowError, ValueError):
            pass  # four bytes that happen to be these
        at = calldata.find(_GRANT_SELECTOR, at + 1, MOST_CALLDATA)


def kinds_of(bitmap: int) -> frozenset[int]:
    """The kinds whose bits are set."""
    return frozenset(kind for kind in range(1, 32) if bitmap >> kind & 1)


def _encodable(name: str, value: Any) -> Any:
    if name == "kinds":
        return sum(1 << kind for kind in value)
    if name in ("venues", "spends"):
        return [astuple(each) for each in value]
    return list(value) if name == "rises" else value


def _terms(values: Sequence[Any]) -> SessionTerms:
    found = dict(zip((name for name, _ in _MEMBERS), values, strict=True))
    venues = [GrantedVenue(kind, bytes(id_)) for kind, id_ in found.pop("venues")]
    spends = [
        GrantedSpend(Address(to_checksum_address(token)), limit, period) for token, limit, period in found.pop("spends")
    ]
    rises = [Address(to_checksum_address(token)) for token in found.pop("rises")]
    return SessionTerms(kinds=kinds_of(found.pop("kinds")), venues=venues, spends=spends, rises=rises, **found)


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
