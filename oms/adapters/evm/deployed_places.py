"""Whether recorded contracts name the protocols that are built in here, and each other, and what stands there.

Owns: which arguments of constructors are whose addresses; code and EIP-1967 implementations there.
Must not: send anything.
Sources: EIP-1967; `oms.adapters.evm.venues`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_hash.auto import keccak

from oms.adapters.evm.addresses import address_of, parse_address
from oms.adapters.evm.chain import octets
from oms.adapters.evm.contracts import SHARED, ListedVenue, constructor_values, listed_venues
from oms.adapters.evm.deployment_findings import Finding, Standing, leaves
from oms.adapters.evm.rpc import RpcClient, RpcError, RpcFailure
from oms.adapters.evm.venues import BUILT_IN, ChainVenues
from oms.errors import Terminal
from oms.units import ZERO_ADDRESS, Address

IMPLEMENTATION_SLOT: Final = int.from_bytes(keccak(b"eip1967.proxy.implementation"), "big") - 1

_DEVELOPMENT_CHAIN_ID: Final = 31337
_MAINNET: Final = 1
_NOT_RECORDED: Final = "state not recorded"
_APART: Final = frozenset({"delay"})
"""Arguments that the chain itself is asked about."""

Entries = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Ground:
    """What stands at an address: nothing, code, or a proxy's code and its implementation with what stands there.

    `unknown` where a recording could not tell.
    """

    code: bytes = b""
    implementation: Address = ZERO_ADDRESS
    implementation_code: bytes = b""
    unknown: bool = False


def compared_parts(entries: Entries, codes: Mapping[str, bytes]) -> Iterator[Standing]:
    """Each contract that another was built with: whether it is the recorded one, and held in the other's code."""
    for name, entry in entries.items():
        for argument, value in leaves(entry["constructor_arguments"]):
            part = argument[:1].upper() + argument[1:]
            if part in SHARED:
                yield _part(
                    f"{name}'s {argument}", parse_address(value, field="record"), entries.get(part), codes[name]
                )


def _part(what: str, named: Address, entry: Mapping[str, Any] | None, code: bytes) -> Standing:
    if entry is None:
        return Standing(what, Finding.MISSING, f"{named}, of which the record says nothing")
    if parse_address(entry["address"], field="record") != named:
        return Standing(what, Finding.DIFFERS, f"{named}, but {entry['address']} is recorded under that name")
    if code and bytes.fromhex(named[2:]) not in code:
        return Standing(what, Finding.DIFFERS, f"its code does not hold {named}: it was built with another")
    return Standing(what, Finding.SAME, f"{named}, as recorded under that name")


def compared_places(rpc: RpcClient, entries: Entries, *, owner: Address, chain_id: int) -> Iterator[Standing]:
    """Each protocol that a contract was built with: whether it is the one built in here, and what stands there."""
    venues = _built_in(chain_id)
    if venues is None:
        reason = f"no protocols of chain {chain_id} are built in; add them to oms/adapters/evm/venues.py"
        yield Standing("places", Finding.UNPROVED, reason)
    known = {} if venues is None else {name: _text(value) for name, value in constructor_values(venues, owner).items()}
    named = [
        (name, argument, str(value))
        for name, entry in entries.items()
        for argument, value in leaves(entry["constructor_arguments"])
        if argument not in _APART and argument[:1].upper() + argument[1:] not in SHARED
    ]
    grounds = _grounds(rpc, [Address(value) for _, argument, value in named if _has_code(argument, value)])
    alone = _stands_alone(rpc)
    for name, argument, value in named:
        what = f"{name}'s {argument}"
        if known and argument not in known:
            yield Standing(what, Finding.UNPROVED, f"{value}; nothing is built in under that name")
        elif known and known[argument].lower() != value.lower():
            unlike = f"{value}, but {known[argument]} is built in for this chain"
            yield Standing(what, Finding.DIFFERS, f"{unlike}; {_words(grounds.get(value))}".removesuffix("; "))
        elif value in grounds:
            yield _ground(what, value, grounds[value], alone=alone)
        else:
            yield Standing(what, Finding.SAME, f"{value}{', which this chain lacks' if value == ZERO_ADDRESS else ''}")


def unlike_built_in(venue: Mapping[str, Any], *, chain_id: int) -> tuple[Finding, str] | None:
    """In what a recorded factory is not the one of that name that is built in for the chain; `None` where it is."""
    known = next((each for each in built_in_venues(chain_id) if each.name == venue["name"]), None)
    if known is None:
        return Finding.UNPROVED, "no factory of that name is built in for this chain"
    expected = known.kind, known.number, known.deployer, _text(known.init_code_hash), known.fee_pips
    names = ("kind", "id", "deployer", "init_code_hash", "fee_pips")
    unlike = [
        f"{name} {venue[name]}, built in as {value}"
        for name, value in zip(names, expected, strict=True)
        if str(venue[name]).lower() != str(value).lower()
    ]
    return (Finding.DIFFERS, "; ".join(unlike)) if unlike else None


def built_in_venues(chain_id: int) -> tuple[ListedVenue, ...]:
    """The factories that executors of a chain are told of."""
    venues = _built_in(chain_id)
    return () if venues is None else listed_venues(venues)


def _built_in(chain_id: int) -> ChainVenues | None:
    return BUILT_IN.get(_MAINNET if chain_id == _DEVELOPMENT_CHAIN_ID else chain_id)


def _has_code(argument: str, value: str) -> bool:
    return argument != "owner" and len(value) == 42 and value != ZERO_ADDRESS


def _ground(what: str, value: str, ground: Ground, *, alone: bool) -> Standing:
    lacks = not ground.code or (ground.implementation != ZERO_ADDRESS and not ground.implementation_code)
    finding = Finding.SAME
    if ground.unknown or (lacks and alone):
        finding = Finding.NOT_HERE
    elif lacks:
        finding = Finding.MISSING
    return Standing(what, finding, f"{value}: {_words(ground)}")


def _words(ground: Ground | None) -> str:
    if ground is None:
        return ""
    if ground.unknown:
        return f"not to be seen on this chain ({_NOT_RECORDED})"
    if not ground.code:
        return "nothing stands there"
    if ground.implementation == ZERO_ADDRESS:
        return f"{len(ground.code):,} bytes of code stand there"
    there = f"{len(ground.implementation_code):,} bytes" if ground.implementation_code else "where nothing stands"
    return f"a proxy stands there, of {ground.implementation} ({there})"


def _grounds(rpc: RpcClient, addresses: Sequence[Address]) -> dict[str, Ground]:
    wanted = list(dict.fromkeys(addresses))
    codes = rpc.batch(("eth_getCode", [each, "latest"]) for each in wanted)
    slots = rpc.batch(("eth_getStorageAt", [each, hex(IMPLEMENTATION_SLOT), "latest"]) for each in wanted)
    _require_told(rpc, (*codes, *slots))
    proxied = {
        each: address_of(int.from_bytes(octets(slot, venue=rpc.venue, what="a storage word"), "big"))
        for each, slot in zip(wanted, slots, strict=True)
        if not isinstance(slot, RpcFailure)
    }
    behind = dict.fromkeys(each for each in proxied.values() if each != ZERO_ADDRESS)
    implementations = dict(zip(behind, rpc.batch(("eth_getCode", [each, "latest"]) for each in behind), strict=True))
    _require_told(rpc, implementations.values())
    return {
        each: _seen(rpc, code, proxied.get(each, ZERO_ADDRESS), implementations)
        for each, code in zip(wanted, codes, strict=True)
    }


def _seen(rpc: RpcClient, code: Any, implementation: Address, implementations: Mapping[Address, Any]) -> Ground:
    behind = implementations.get(implementation, "0x")
    for answer in (code, behind):
        if isinstance(answer, RpcFailure):
            return Ground(unknown=True)
    found, further = (octets(each, venue=rpc.venue, what="code") for each in (code, behind))
    return Ground(found, implementation, further)


def _require_told(rpc: RpcClient, answers: Iterable[Any]) -> None:
    """Raises `Terminal` where a node fails, unless it is that of a recording, or of a fork of one, that lacks it."""
    for each in answers:
        if isinstance(each, RpcFailure) and _NOT_RECORDED not in each.message:
            raise Terminal(rpc.venue, f"cannot read what stands there: {each.message}; use another node")


def _stands_alone(rpc: RpcClient) -> bool:
    """Whether it is a development chain that forks no other, and so has only what was put there."""
    try:
        if not str(rpc.call("web3_clientVersion")).lower().startswith("anvil/"):
            return False
        info = rpc.call("anvil_nodeInfo")
    except RpcError:
        return False
    fork = info.get("forkConfig") if isinstance(info, dict) else None
    return isinstance(fork, dict) and not fork.get("forkUrl")


def _text(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
