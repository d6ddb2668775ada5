"""Records of deployments against a real chain: what stands as recorded passes, and whatever was changed is named."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.contracts import OurContracts, deploy_on_fork, our_contracts
from oms.adapters.evm.deployment_record import compare, read_record, record_of
from oms.adapters.evm.devnet import Devnet
from oms.adapters.evm.devnet.chain import DESK
from oms.adapters.evm.devnet.deploy import Transactions, encode_call, read_call
from oms.adapters.evm.rpc import RpcClient
from oms.adapters.evm.venues import BUILT_IN, MAINNET
from oms.errors import InvalidRequest
from oms.units import Address
from tests.integration.test_commands import Terminal

pytestmark = pytest.mark.fork

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
    assert {"chain", "owner", *(f"venue {venue['name']}" for venue in record["venues"])} <= told


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
    assert set(unlike(devnet.anvil.rpc, record, project)) == {"Steward's address", "Executor's address"}


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
