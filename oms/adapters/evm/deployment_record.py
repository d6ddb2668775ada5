"""Records of deployments: what was put where, and whether that is what stands there.

Owns: the form of the files in `deployments/`, and their comparison with a chain.
Must not: send anything. It reads any chain, live ones too.
Sources: EIP-1014; `contracts/ExecutorFactory.sol`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from eth_abi.exceptions import EncodingError
from eth_hash.auto import keccak

from oms.adapters.evm.addresses import create2_address, parse_address
from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.chain import octets, quantity
from oms.adapters.evm.contracts import (
    CREATE2_PROXY,
    SALT,
    SHARED,
    ListedVenue,
    OurContract,
    OurContracts,
    listed_venues,
)
from oms.adapters.evm.deployed_places import built_in_venues, compared_parts, compared_places, unlike_built_in
from oms.adapters.evm.deployed_sources import built
from oms.adapters.evm.deployment_findings import Finding, Standing
from oms.adapters.evm.devnet.deploy import read_call
from oms.adapters.evm.rpc import RpcClient, RpcError, RpcFailure
from oms.adapters.evm.venues import ChainVenues
from oms.errors import InvalidRequest, Terminal
from oms.units import Address

Json = Any


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
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError, EncodingError) as error:
        reason = f"lacks or misstates {str(error)[:200]}; write it again with `./scripts/ape run deploy`"
        raise InvalidRequest("record", reason) from error


def _compared(rpc: RpcClient, record: Mapping[str, Json], artifacts: Artifacts) -> Iterable[Standing]:
    chain_id = quantity(rpc.call("eth_chainId"), venue=rpc.venue, what="eth_chainId")
    yield Standing.compared("chain", f"{chain_id}", same=chain_id == record["chain"]["id"])
    entries = record["contracts"]
    addresses = {name: parse_address(entry["address"], field=f"record of {name}") for name, entry in entries.items()}
    codes = dict(zip(addresses, _codes(rpc, list(addresses.values())), strict=True))
    for name in (each for each in (*SHARED, "Executor") if each not in entries):
        yield Standing(name, Finding.MISSING, "the record says nothing of it")
    for name, entry in entries.items():
        if not codes[name]:
            yield Standing(name, Finding.MISSING, f"nothing stands at {addresses[name]}")
        elif keccak(codes[name]) != _bytes(entry["code_hash"]):
            other = f"other code stands at {addresses[name]}: {_hex(keccak(codes[name]))}"
            yield Standing(name, Finding.DIFFERS, other)
        else:
            yield Standing(name, Finding.SAME, f"the recorded code stands at {addresses[name]}")
            yield from _derived(rpc, record, name, addresses[name])
            yield built(rpc, artifacts, name, entry, codes[name], _typed(entry["constructor_arguments"]))
    yield from compared_parts(entries, codes)
    yield from compared_places(rpc, entries, owner=record["owner"], chain_id=chain_id)
    if codes.get("Executor"):
        yield from _told(rpc, record, addresses["Executor"], chain_id)


def _derived(rpc: RpcClient, record: Mapping[str, Json], name: str, address: Address) -> Iterable[Standing]:
    """Whether the address is what it should follow from."""
    if name == "Executor":
        given = record["create3"]
        asked = given["deployer"], _bytes(given["salt"])
        answer = _asked(rpc, given["factory"], "addressOf(address,bytes32)", *asked, returns="(address)")
        expected = None if answer is None else parse_address(str(answer[0]), field="factory")
        source = "the factory's for this deployer and salt"
    else:
        given, init_code_hash = record["create2"], _bytes(record["contracts"][name]["init_code_hash"])
        proxy = parse_address(given["proxy"], field="record of create2")
        expected = create2_address(proxy, _bytes(given["salt"]), init_code_hash)
        source = "the init code's by CREATE2"
    found = source if expected == address else f"{source} is {expected}"
    yield Standing.compared(f"{name}'s address", found, same=expected == address)


def _told(rpc: RpcClient, record: Mapping[str, Json], executor: Address, chain_id: int) -> Iterable[Standing]:
    """Whom the executor obeys, how long its registry waits and which forks it knows, now."""
    answer = _asked(rpc, executor, "owner()", returns="(address)")
    owner = None if answer is None else parse_address(str(answer[0]), field="owner")
    yield Standing.compared("owner", str(owner), same=owner == record["owner"])
    steward = record["contracts"].get("Steward")
    if steward is not None:
        recorded = steward["constructor_arguments"]["delay"]
        answer = _asked(rpc, executor, "registryDelay()", returns="(uint256)")
        told = "no answer" if answer is None else f"{answer[0]} seconds"
        yield Standing.compared("registry's delay", told, same=answer == (recorded,))
    yield from _untold(rpc, record, executor, chain_id)
    for venue in record["venues"]:
        asked = venue["kind"], venue["id"]
        found = _asked(rpc, executor, "venue(uint8,uint8)", *asked, returns="(address,uint24,bytes32)")
        if found is None:
            yield Standing(f"venue {venue['name']}", Finding.MISSING, "the executor does not know it")
            continue
        there = f"factory {found[0]}, {found[1]} pips"
        same = (str(found[0]).lower(), found[1], bytes(found[2])) == (
            venue["deployer"].lower(),
            venue["fee_pips"],
            _bytes(venue["init_code_hash"]),
        )
        unlike = unlike_built_in(venue, chain_id=chain_id)
        if same and unlike is not None:
            yield Standing(f"venue {venue['name']}", unlike[0], f"{there}, as recorded; but {unlike[1]}")
        else:
            yield Standing.compared(f"venue {venue['name']}", there, same=same)


def _untold(rpc: RpcClient, record: Mapping[str, Json], executor: Address, chain_id: int) -> Iterable[Standing]:
    """Built-in factories that the executor knows although the record does not say so."""
    told = {(venue["kind"], venue["id"]) for venue in record["venues"]}
    for each in built_in_venues(chain_id):
        place = each.kind, each.number
        if place in told:
            continue
        known = _asked(rpc, executor, "venue(uint8,uint8)", *place, returns="(address,uint24,bytes32)")
        if known is not None:
            reason = f"the executor knows factory {known[0]}, of which the record says nothing"
            yield Standing(f"venue {each.name}", Finding.DIFFERS, reason)


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
