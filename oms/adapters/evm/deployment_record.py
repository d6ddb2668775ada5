"""Records of deployments: what was put where, and whether that is what stands there.

Owns: the form of the files in `deployments/`, and their comparison with a chain.
Must not: send anything. It reads any chain, live ones too.
Sources: EIP-1014; `contracts/ExecutorFactory.sol`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_hash.auto import keccak

from oms.adapters.evm.addresses import create2_address, parse_address
from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.chain import octets, quantity
from oms.adapters.evm.contracts import CREATE2_PROXY, SALT, ListedVenue, OurContract, OurContracts, listed_venues
from oms.adapters.evm.devnet.deploy import read_call
from oms.adapters.evm.rpc import RpcClient, RpcError, RpcFailure
from oms.adapters.evm.venues import ChainVenues
from oms.errors import InvalidRequest, Terminal
from oms.units import Address

Json = Any


@dataclass(frozen=True, slots=True)
class Standing:
    """One thing that a record says, and what was found."""

    what: str
    ok: bool
    found: str


def contract_entry(contract: OurContract, *, code: bytes, transaction: str | None) -> dict[str, Json]:
    """A contract as recorded; `code` is what stands there, and no transaction means that it stood there before."""
    return {
        "address": contract.address,
        "constructor_arguments": _plain(contract.arguments),
        "init_code_hash": _hex(contract.init_code_hash),
        "code_hash": _hex(keccak(code)),
        "transaction": transaction,
    }


def venue_entry(venue: ListedVenue, *, transaction: str | None) -> dict[str, Json]:
    """A fork's factory as recorded; no transaction means that the executor knew it before, or waits for it."""
    return {
        "name": venue.name,
        "kind": venue.kind,
        "id": venue.number,
        "deployer": venue.deployer,
        "init_code_hash": _hex(venue.init_code_hash),
        "fee_pips": venue.fee_pips,
        "transaction": transaction,
    }


def places_entry(contracts: OurContracts) -> dict[str, Json]:
    """What the addresses follow from, beside the hashes of the init codes."""
    factory = contracts.part("ExecutorFactory").address
    return {
        "create2": {"proxy": CREATE2_PROXY, "salt": _hex(SALT)},
        "create3": {"factory": factory, "deployer": contracts.owner, "salt": _hex(contracts.salt)},
        "owner": contracts.owner,
        "registry_delay_seconds": contracts.registry_delay,
    }


def record_of(rpc: RpcClient, contracts: OurContracts, venues: ChainVenues) -> dict[str, Json]:
    """What a record of these contracts on this chain must say, for whoever did not send the transactions."""
    codes = _codes(rpc, [each.address for each in contracts.all])
    return {
        "chain": {"id": venues.chain_id},
        **places_entry(contracts),
        "contracts": {
            each.name: contract_entry(each, code=code, transaction=None)
            for each, code in zip(contracts.all, codes, strict=True)
        },
        "venues": [venue_entry(venue, transaction=None) for venue in listed_venues(venues)],
    }


def read_record(path: Path) -> Mapping[str, Json]:
    """A file of `deployments/`. Raises `InvalidRequest` where it is none."""
    try:
        record = json.loads(path.read_text())
    except OSError as error:
        raise InvalidRequest("record", f"cannot read {path}: {error.strerror}; name a file of deployments/") from None
    except ValueError:
        raise InvalidRequest("record", f"{path} is not JSON; name a file of deployments/") from None
    if not isinstance(record, dict) or not {"chain", "contracts", "create2", "create3", "venues"} <= record.keys():
        raise InvalidRequest("record", f"{path} is no record of a deployment; name a file of deployments/")
    return record


def compare(rpc: RpcClient, record: Mapping[str, Json], artifacts: Artifacts) -> tuple[Standing, ...]:
    """Everything that the record says of the chain, and what is there. Raises `InvalidRequest` for a damaged record."""
    try:
        return tuple(_compared(rpc, record, artifacts))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        reason = f"lacks or misstates {error}; write it again with `./scripts/ape run deploy`"
        raise InvalidRequest("record", reason) from error


def _compared(rpc: RpcClient, record: Mapping[str, Json], artifacts: Artifacts) -> Iterable[Standing]:
    chain_id = quantity(rpc.call("eth_chainId"), venue=rpc.venue, what="eth_chainId")
    yield Standing("chain", chain_id == record["chain"]["id"], f"{chain_id}")
    entries = record["contracts"]
    addresses = {name: parse_address(entry["address"], field=f"record of {name}") for name, entry in entries.items()}
    codes = dict(zip(addresses, _codes(rpc, list(addresses.values())), strict=True))
    for name, entry in entries.items():
        if not codes[name]:
            yield Standing(name, ok=False, found=f"nothing stands at {addresses[name]}")
        elif keccak(codes[name]) != _bytes(entry["code_hash"]):
            yield Standing(name, ok=False, found=f"other code stands at {addresses[name]}: {_hex(keccak(codes[name]))}")
        else:
            yield Standing(name, ok=True, found=f"the recorded code stands at {addresses[name]}")
            yield from _derived(rpc, record, name, addresses[name])
            yield from _built(rpc, artifacts, name, entry, codes[name])
    if codes.get("Executor"):
        yield from _told(rpc, record, addresses["Executor"])


def _derived(rpc: RpcClient, record: Mapping[str, Json], name: str, address: Address) -> Iterable[Standing]:
    """Whether the address is what it should follow from."""
    if name == "Executor":
        given = record["create3"]
        asked = given["deployer"], _bytes(given["salt"])
        found = _asked(rpc, given["factory"], "addressOf(address,bytes32)", *asked, returns="(address)")
        expected = None if found is None else parse_address(str(found[0]), field="factory")
        source = "the factory's for this deployer and salt"
    else:
        given, init_code_hash = record["create2"], _bytes(record["contracts"][name]["init_code_hash"])
        proxy = parse_address(given["proxy"], field="record of create2")
        expected = create2_address(proxy, _bytes(given["salt"]), init_code_hash)
        source = "the init code's by CREATE2"
    yield Standing(
        f"{name}'s address", expected == address, source if expected == address else f"{source} is {expected}"
    )


def _built(
    rpc: RpcClient, artifacts: Artifacts, name: str, entry: Mapping[str, Json], code: bytes
) -> Iterable[Standing]:
    """Whether this checkout's source makes that code; nothing is said of a record of other sources."""
    try:
        init_code = artifacts.ours(name).with_arguments_of(_typed(entry["constructor_arguments"]))
    except Terminal:
        return
    if keccak(init_code) != _bytes(entry["init_code_hash"]):
        return
    call = {"to": entry["address"], "data": "0x"}
    override = {entry["address"]: {"code": "0x" + init_code.hex()}}
    (answer,) = rpc.batch([("eth_call", [call, "latest", override])])
    if isinstance(answer, RpcFailure):
        return  # a node without state overrides
    made = octets(answer, venue=rpc.venue, what="code")
    found = "this checkout's, constructed with the recorded arguments" if made == code else "not what this source makes"
    yield Standing(f"{name}'s source", made == code, found)


def _told(rpc: RpcClient, record: Mapping[str, Json], executor: Address) -> Iterable[Standing]:
    """Whom the executor obeys and which forks it knows, now."""
    answer = _asked(rpc, executor, "owner()", returns="(address)")
    owner = None if answer is None else parse_address(str(answer[0]), field="owner")
    yield Standing("owner", owner == record["owner"], str(owner))
    for venue in record["venues"]:
        asked = venue["kind"], venue["id"]
        found = _asked(rpc, executor, "venue(uint8,uint8)", *asked, returns="(address,uint24,bytes32)")
        if found is None:
            yield Standing(f"venue {venue['name']}", ok=False, found="the executor does not know it")
            continue
        same = (str(found[0]).lower(), found[1], bytes(found[2])) == (
            venue["deployer"].lower(),
            venue["fee_pips"],
            _bytes(venue["init_code_hash"]),
        )
        yield Standing(f"venue {venue['name']}", same, f"factory {found[0]}, {found[1]} pips")


def _asked(rpc: RpcClient, target: str, signature: str, *values: object, returns: str) -> tuple[Json, ...] | None:
    try:
        return read_call(rpc, Address(target), signature, *values, returns=returns)
    except (RpcError, ValueError):
        return None


def _codes(rpc: RpcClient, addresses: Sequence[Address]) -> list[bytes]:
    answers = rpc.batch(("eth_getCode", [address, "latest"]) for address in addresses)
    for answer in answers:
        if isinstance(answer, RpcFailure):
            raise Terminal(rpc.venue, f"cannot read code: {answer.message}")
    return [octets(answer, venue=rpc.venue, what="code") for answer in answers]


def _plain(value: object) -> Json:
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return _hex(value) if isinstance(value, bytes) else value


def _typed(recorded: Mapping[str, Json]) -> dict[str, object]:
    """Constructor arguments from a record; 32 bytes are told from an address by their length."""
    return {
        name: _typed(value)
        if isinstance(value, Mapping)
        else _bytes(value)
        if isinstance(value, str) and len(value) == 66
        else value
        for name, value in recorded.items()
    }


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
