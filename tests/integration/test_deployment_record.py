"""Records of deployments against a real chain: what stands as recorded passes, and whatever was changed is named."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.contracts import OurContracts, deploy_on_fork, our_contracts
from oms.adapters.evm.deployed_places import IMPLEMENTATION_SLOT
from oms.adapters.evm.deployment_findings import Finding
from oms.adapters.evm.deployment_record import compare, read_record, record_of
from oms.adapters.evm.devnet import Devnet
from oms.adapters.evm.devnet.chain import DESK
from oms.adapters.evm.devnet.deploy import Transactions, encode_call, read_call
from oms.adapters.evm.rpc import RpcClient
from oms.adapters.evm.venues import BUILT_IN, MAINNET, ChainVenues
from oms.errors import InvalidRequest
from oms.units import Address
from tests.integration.hostile_nodes import answered, failing, hostile_node
from tests.integration.test_commands import Terminal

pytestmark = pytest.mark.fork

PLACES = ("weth", "balancerV2Vault", "balancerV3Vault", "aavePool", "spokePool", "zeroEx", "airSwap")
DEAD = Address("0x000000000000000000000000000000000000dEaD")
STRANGER = Address("0x90F79bf6EB2c4f870365E785982E1f101E93b906")


@pytest.fixture
def ours(devnet: Devnet, project: Path) -> OurContracts:
    contracts = our_contracts(Artifacts(project), MAINNET, DESK)
    deploy_on_fork(devnet.anvil.rpc, contracts, MAINNET)
    return contracts


@pytest.fixture
def record(devnet: Devnet, ours: OurContracts) -> dict[str, Any]:
    made = record_of(devnet.anvil.rpc, ours, MAINNET)
    written: dict[str, Any] = json.loads(json.dumps(made, sort_keys=True))  # as the scripts write it
    return written


def unlike(rpc: RpcClient, record: Mapping[str, Any], project: Path) -> dict[str, str]:
    """What differs, and how."""
    return {each.what: each.found for each in compare(rpc, record, Artifacts(project)) if not each.ok}


def test_what_was_just_deployed_is_as_recorded_down_to_its_sources(
    devnet: Devnet, record: dict[str, Any], project: Path
) -> None:
    found = compare(devnet.anvil.rpc, record, Artifacts(project))
    assert [each for each in found if not each.ok] == []
    told = {each.what for each in found}
    for name in record["contracts"]:
        assert {name, f"{name}'s address", f"{name}'s source"} <= told
    parts = {"Executor's steward", "Executor's annex", "Executor's warden", "Executor's rfqSettlement"}
    assert {*parts, "Steward's warden", *(f"Annex's {place}" for place in PLACES)} <= told
    assert {"chain", "owner", "registry's delay", *(f"venue {venue['name']}" for venue in record["venues"])} <= told


def test_the_factory_gives_the_executor_the_address_that_python_computes(devnet: Devnet, ours: OurContracts) -> None:
    asked = ours.owner, ours.salt
    signature = "addressOf(address,bytes32)"
    factory = ours.part("ExecutorFactory").address
    (answer,) = read_call(devnet.anvil.rpc, factory, signature, *asked, returns="(address)")
    assert answer == ours.executor.lower()
    assert devnet.anvil.rpc.call("eth_getCode", ours.cradle, "latest") != "0x"


def test_an_executor_has_one_address_on_chains_whose_protocols_differ(project: Path) -> None:
    artifacts = Artifacts(project)
    found = [our_contracts(artifacts, venues, DESK) for venues in BUILT_IN.values()]
    assert len(found) > 2
    assert len({each.account.init_code for each in found}) == len(found)
    assert len({each.executor for each in found}) == 1
    assert our_contracts(artifacts, MAINNET, STRANGER).executor != found[0].executor


def test_other_code_at_a_recorded_address_is_named(devnet: Devnet, record: dict[str, Any], project: Path) -> None:
    devnet.anvil.rpc.call("anvil_setCode", record["contracts"]["Warden"]["address"], "0x00")
    assert list(unlike(devnet.anvil.rpc, record, project)) == ["Warden"]
    devnet.anvil.rpc.call("anvil_setCode", record["contracts"]["Warden"]["address"], "0x")
    assert "nothing stands" in unlike(devnet.anvil.rpc, record, project)["Warden"]


def test_a_record_whose_code_is_not_what_its_source_makes_is_named(
    devnet: Devnet, record: dict[str, Any], project: Path
) -> None:
    rpc, executor, annex = devnet.anvil.rpc, record["contracts"]["Executor"], record["contracts"]["Annex"]
    rpc.call("anvil_setCode", executor["address"], rpc.call("eth_getCode", annex["address"], "latest"))
    executor["code_hash"] = annex["code_hash"]
    assert "not what this source makes" in unlike(rpc, record, project)["Executor's source"]


def test_an_address_that_does_not_follow_from_the_init_code_is_named(
    devnet: Devnet, record: dict[str, Any], project: Path
) -> None:
    record["contracts"]["Steward"]["init_code_hash"] = "0x" + "11" * 32
    record["create3"]["salt"] = "0x" + "22" * 32
    found = unlike(devnet.anvil.rpc, record, project)
    assert set(found) == {"Steward's address", "Steward's source", "Executor's address"}
    assert "of another init code" in found["Steward's source"]


# --- protocols and parts -----------------------------------------------------------------------------------------


def elsewhere(**places: Address) -> ChainVenues:
    """Mainnet's protocols, some of them in other places."""
    return replace(MAINNET, places=replace(MAINNET.places, **places))


def put(rpc: RpcClient, contracts: OurContracts, venues: ChainVenues) -> dict[str, Any]:
    """The record of contracts that were just deployed."""
    deploy_on_fork(rpc, contracts, venues)
    written: dict[str, Any] = json.loads(json.dumps(record_of(rpc, contracts, venues), sort_keys=True))
    return written


def test_a_part_that_was_deployed_and_recorded_with_a_wrong_place_is_named(devnet: Devnet, project: Path) -> None:
    venues = elsewhere(spoke_pool=DEAD)
    record = put(devnet.anvil.rpc, our_contracts(Artifacts(project), venues, DESK), venues)
    found = unlike(devnet.anvil.rpc, record, project)
    assert list(found) == ["Annex's spokePool"]
    assert DEAD in found["Annex's spokePool"]
    assert f"{MAINNET.places.spoke_pool} is built in" in found["Annex's spokePool"]


def test_a_factory_of_the_executors_that_is_not_the_built_in_one_is_named(devnet: Devnet, project: Path) -> None:
    other = replace(MAINNET.v3[0], factory=DEAD, deployer=DEAD)
    venues = replace(MAINNET, v3=(other, *MAINNET.v3[1:]))
    record = put(devnet.anvil.rpc, our_contracts(Artifacts(project), venues, DESK), venues)
    assert set(unlike(devnet.anvil.rpc, record, project)) == {"Executor's v3Factory", "Steward's v3Factory"}


def test_a_record_that_misstates_what_a_part_was_built_with_is_named(
    devnet: Devnet, record: dict[str, Any], project: Path
) -> None:
    places = record["contracts"]["Annex"]["constructor_arguments"]["places"]
    places["spokePool"] = DEAD
    found = unlike(devnet.anvil.rpc, record, project)
    assert set(found) == {"Annex's source", "Annex's spokePool"}
    assert f"spokePool is {MAINNET.places.spoke_pool}, recorded as {DEAD}" in found["Annex's source"]


def test_a_record_of_other_sources_says_so(
    devnet: Devnet, record: dict[str, Any], project: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    for built in (project / "out").iterdir():
        if built.name not in ("Annex.sol", "Warden.sol"):
            (tmp_path / "out" / built.name).symlink_to(built)
    artifact = json.loads((project / "out" / "Annex.sol" / "Annex.json").read_text())
    settlement = json.loads((project / "out" / "RfqSettlement.sol" / "RfqSettlement.json").read_text())
    artifact["bytecode"] = settlement["bytecode"]
    (tmp_path / "out" / "Annex.sol").mkdir()
    (tmp_path / "out" / "Annex.sol" / "Annex.json").write_text(json.dumps(artifact))
    found = {each.what: each for each in compare(devnet.anvil.rpc, record, Artifacts(tmp_path)) if not each.ok}
    assert {what: each.finding for what, each in found.items()} == {
        "Annex's source": Finding.DIFFERS,
        "Warden's source": Finding.UNPROVED,
    }
    assert "check out its commit" in found["Annex's source"].found
    assert "out/Warden.sol/Warden.json is missing" in found["Warden's source"].found


def test_constructor_arguments_that_are_not_the_sources_own_are_named(
    devnet: Devnet, record: dict[str, Any], project: Path
) -> None:
    del record["contracts"]["Annex"]["constructor_arguments"]["places"]["spokePool"]
    found = unlike(devnet.anvil.rpc, record, project)
    assert set(found) == {"Annex's source"}
    assert "unlike in spokePool" in found["Annex's source"]


def test_parts_that_are_not_the_executors_own_are_named(devnet: Devnet, record: dict[str, Any], project: Path) -> None:
    venues = elsewhere(spoke_pool=DEAD)
    others = our_contracts(Artifacts(project), venues, STRANGER)
    devnet.anvil.rpc.call("anvil_setBalance", STRANGER, hex(10**20))
    record["contracts"]["Annex"] = put(devnet.anvil.rpc, others, venues)["contracts"]["Annex"]
    found = unlike(devnet.anvil.rpc, record, project)
    assert set(found) == {"Executor's annex", "Annex's spokePool"}
    assert others.part("Annex").address in found["Executor's annex"]
    arguments = record["contracts"]["Executor"]["constructor_arguments"]
    arguments["parts"]["annex"] = others.part("Annex").address
    found = unlike(devnet.anvil.rpc, record, project)
    assert "it was built with another" in found["Executor's annex"]
    assert "annex is 0x" in found["Executor's source"]


def test_a_part_of_which_the_record_says_nothing_is_named(
    devnet: Devnet, record: dict[str, Any], project: Path
) -> None:
    del record["contracts"]["Warden"]
    found = {each.what: each.finding for each in compare(devnet.anvil.rpc, record, Artifacts(project)) if not each.ok}
    assert found == dict.fromkeys(("Warden", "Steward's warden", "Executor's warden"), Finding.MISSING)


def test_a_factory_of_which_the_record_says_nothing_is_named(
    devnet: Devnet, record: dict[str, Any], project: Path
) -> None:
    del record["venues"][0]
    found = unlike(devnet.anvil.rpc, record, project)
    assert list(found) == ["venue sushiswap"]
    assert "the record says nothing" in found["venue sushiswap"]


def test_what_a_development_chain_never_had_is_said_and_not_held_against_the_record(
    devnet: Devnet, record: dict[str, Any], project: Path
) -> None:
    found = {each.what: each for each in compare(devnet.anvil.rpc, record, Artifacts(project))}
    assert found["Annex's spokePool"].finding is Finding.NOT_HERE
    assert "nothing stands there" in found["Annex's spokePool"].found
    assert found["Annex's weth"].finding is Finding.SAME
    assert "bytes of code stand there" in found["Annex's weth"].found


def test_a_place_without_code_on_a_chain_that_others_use_is_named(
    devnet: Devnet, record: dict[str, Any], project: Path
) -> None:
    def says(method: str, params: list[Any]) -> Any:
        return "geth/1" if method == "web3_clientVersion" else devnet.anvil.rpc.call(method, *params)

    with hostile_node(lambda request: answered(request, says)) as url, RpcClient(url) as rpc:
        found = {each.what: each.finding for each in compare(rpc, record, Artifacts(project)) if not each.ok}
    assert set(found.values()) == {Finding.MISSING}
    assert {"Annex's spokePool", "Annex's aavePool", "Annex's zeroEx"} <= set(found)
    assert "Annex's weth" not in found


def test_the_implementation_behind_a_proxy_is_shown_and_must_stand(
    devnet: Devnet, record: dict[str, Any], project: Path
) -> None:
    rpc, spoke = devnet.anvil.rpc, MAINNET.places.spoke_pool
    rpc.call("anvil_setCode", spoke, "0x00")
    rpc.call("anvil_setStorageAt", spoke, hex(IMPLEMENTATION_SLOT), "0x" + bytes(12).hex() + DEAD[2:])
    found = {each.what: each for each in compare(rpc, record, Artifacts(project))}["Annex's spokePool"]
    assert found.finding is Finding.NOT_HERE
    assert f"of {DEAD} (where nothing stands)" in found.found
    rpc.call("anvil_setCode", DEAD, "0x0001")
    found = {each.what: each for each in compare(rpc, record, Artifacts(project))}["Annex's spokePool"]
    assert found.finding is Finding.SAME
    assert f"a proxy stands there, of {DEAD} (2 bytes)" in found.found


def test_a_listed_factory_that_is_not_the_built_in_one_is_named(devnet: Devnet, project: Path) -> None:
    venues = replace(MAINNET, v2=(MAINNET.v2[0], replace(MAINNET.v2[1], factory=DEAD), *MAINNET.v2[2:]))
    record = put(devnet.anvil.rpc, our_contracts(Artifacts(project), venues, DESK), venues)
    found = unlike(devnet.anvil.rpc, record, project)
    assert list(found) == ["venue sushiswap"]
    assert f"deployer {DEAD}, built in as {MAINNET.v2[1].factory}" in found["venue sushiswap"]
    record["venues"][0]["name"] = "nowhere"
    assert "no factory of that name" in unlike(devnet.anvil.rpc, record, project)["venue nowhere"]


@pytest.mark.parametrize("value", [None, 7, -1, 2**300, "", "0x12", [], {}])
def test_no_value_in_a_record_is_more_than_the_callers_fault(
    devnet: Devnet, record: dict[str, Any], project: Path, value: object
) -> None:
    places = "Annex", "constructor_arguments", "places"
    paths: list[tuple[Any, ...]] = [
        ("contracts", *places),
        ("contracts", *places, "spokePool"),
        ("contracts", "Executor", "constructor_arguments", "parts", "annex"),
        ("contracts", "Steward", "address"),
        ("venues", 0, "id"),
        ("venues", 0, "init_code_hash"),
        ("create2", "salt"),
    ]
    for path in paths:
        written = json.loads(json.dumps(record))
        inner = written
        for step in path[:-1]:
            inner = inner[step]
        inner[path[-1]] = value
        try:
            found = unlike(devnet.anvil.rpc, written, project)
        except InvalidRequest:
            continue
        assert found, path


def test_a_delay_that_is_not_the_recorded_one_is_named(devnet: Devnet, record: dict[str, Any], project: Path) -> None:
    arguments = record["contracts"]["Steward"]["constructor_arguments"]
    arguments["delay"] += 60
    assert set(unlike(devnet.anvil.rpc, record, project)) == {"Steward's source", "registry's delay"}


def test_a_node_that_runs_no_constructors_is_not_taken_for_agreement(
    devnet: Devnet, record: dict[str, Any], project: Path
) -> None:
    def respond(request: Any) -> Any:
        first = request[0] if isinstance(request, list) else request
        if first["method"] == "eth_call" and len(first["params"]) > 2:
            return failing(request, {"code": -32602, "message": "too many arguments, want at most 2"})
        return answered(request, lambda method, params: devnet.anvil.rpc.call(method, *params))

    with hostile_node(respond) as url, RpcClient(url) as rpc:
        found = {each.what: each.finding for each in compare(rpc, record, Artifacts(project)) if not each.ok}
    assert found == {f"{name}'s source": Finding.UNPROVED for name in record["contracts"]}


def test_the_slot_of_an_implementation_is_that_of_the_standard() -> None:
    assert hex(IMPLEMENTATION_SLOT) == "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"


def test_a_new_owner_and_a_changed_venue_are_named(
    devnet: Devnet, ours: OurContracts, record: dict[str, Any], project: Path
) -> None:
    rpc = devnet.anvil.rpc
    for sender, call in (
        (DESK, encode_call("setVenue(uint8,uint8,address,bytes32,uint24)", 1, 1, STRANGER, b"\1" * 32, 100)),
        (DESK, encode_call("offerOwnership(address)", STRANGER)),
        (STRANGER, encode_call("acceptOwnership()")),
    ):
        rpc.call("anvil_impersonateAccount", sender)
        transactions = Transactions.of(rpc, sender)
        transactions.add("call", ours.executor, call, gas=500_000)
        transactions.mine()
    found = unlike(rpc, record, project)
    assert set(found) == {"owner", f"venue {record['venues'][0]['name']}"}
    assert found["owner"] == STRANGER


def test_a_record_of_another_chain_is_named(devnet: Devnet, record: dict[str, Any], project: Path) -> None:
    record["chain"]["id"] = 10
    assert unlike(devnet.anvil.rpc, record, project) == {"chain": "1"}


def test_a_damaged_record_is_the_callers_fault(devnet: Devnet, record: dict[str, Any], tmp_path: Path) -> None:
    for text in ("", "[]", "{}", json.dumps({**record, "contracts": 1, "venues": None})[:-1]):
        path = tmp_path / "record.json"
        path.write_text(text)
        with pytest.raises(InvalidRequest, match=r"deployments/"):
            read_record(path)
    with pytest.raises(InvalidRequest, match="cannot read"):
        read_record(tmp_path / "absent.json")
    del record["contracts"]["Executor"]["code_hash"]
    with pytest.raises(InvalidRequest, match="code_hash"):
        compare(devnet.anvil.rpc, record, Artifacts(tmp_path))


def test_the_command_says_whether_the_chain_is_as_recorded(
    devnet: Devnet, record: dict[str, Any], project: Path, tmp_path: Path
) -> None:
    terminal, path = Terminal(project, tmp_path), tmp_path / "record.json"
    path.write_text(json.dumps(record))
    where = ("deployed", str(path), "--rpc-url", devnet.anvil.rpc.url)
    shown = terminal.run(*where)
    assert "the recorded code stands at" in shown
    assert "differs" not in shown
    assert json.loads(terminal.run(*where, "--json"))["same"] is True
    record["venues"][0]["fee_pips"] += 1
    path.write_text(json.dumps(record))
    refused = terminal.run(*where, code=3)
    assert f"venue {record['venues'][0]['name']}" in refused
    assert refused.count("\n") == 1
