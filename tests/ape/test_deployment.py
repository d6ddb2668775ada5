"""The deployment script on Ape's local chain: the same addresses, nothing twice, nothing on anybody else's chain."""

import json
from collections.abc import Sequence
from pathlib import Path

import click
import pytest
from ape import networks
from ape.api import AccountAPI, ProviderAPI
from ape.contracts import ContractInstance
from ape.managers.chain import ChainManager
from ape.managers.project import ProjectManager

from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.contracts import (
    CREATE2_PROXY,
    CREATE2_PROXY_CODE,
    REGISTRY_DELAY_SECONDS,
    SHARED,
    listed_venues,
    our_contracts,
)
from oms.adapters.evm.deployment_record import compare
from oms.adapters.evm.devnet.chain import DESK, USDC, WETH
from oms.adapters.evm.rpc import RpcClient
from oms.adapters.evm.venues import MAINNET
from oms.bootstrap.configuration import load_settings
from oms.bootstrap.sessions import Opening, open_session
from oms.units import Address
from scripts._deployment import PROJECT, Deployment, deploy, live_reason, refuse_live_chain, write_record

SUSHISWAP_USDC_WETH = "0x397FF1542f962076d0BFE58eA045FfA2d347ACa0"
PANCAKESWAP_V3_USDC_WETH_1_BP = "0x1445F32D1A74872bA41f3D8cF4022E9996120b31"


def test_the_contracts_are_where_the_product_looks_for_them(
    deployment: Deployment, artifacts: Artifacts, provider: ProviderAPI
) -> None:
    ours = our_contracts(artifacts, MAINNET, DESK)
    assert (deployment.executor.address, deployment.rfq_settlement.address) == (ours.executor, ours.rfq_settlement)
    assert list(deployment.record["contracts"]) == [*SHARED, "Executor"]
    for each in ours.all:
        assert len(provider.get_code(each.address)) == len(artifacts.ours(each.name).runtime)
        assert deployment.record["contracts"][each.name]["address"] == each.address
    assert deployment.executor.owner() == DESK


def test_the_executor_derives_the_pools_of_every_fork_that_it_was_told_of(executor: ContractInstance) -> None:
    for venue in listed_venues(MAINNET):
        found = executor.venue(venue.kind, venue.number)
        assert (found.deployer, found.feePips) == (venue.deployer, venue.fee_pips)
        assert bytes(found.initCodeHash) == venue.init_code_hash
    numbers = {venue.name: (venue.kind, venue.number) for venue in listed_venues(MAINNET)}
    pair = executor.poolFor(*numbers["sushiswap"], USDC.address, WETH.address, 0)
    assert pair == SUSHISWAP_USDC_WETH
    pool = executor.poolFor(*numbers["pancakeswap_v3"], USDC.address, WETH.address, 100)
    assert pool == PANCAKESWAP_V3_USDC_WETH_1_BP


def test_deploying_again_sends_nothing(deployment: Deployment) -> None:
    again = deploy(DESK, "local")
    assert again.sent == []
    assert len(deployment.sent) == len(SHARED) + 1 + len(listed_venues(MAINNET))
    assert again.executor.address == deployment.executor.address


def test_with_a_delay_factories_are_proposed_and_applied_once_it_has_passed(
    deployment: Deployment, accounts: Sequence[AccountAPI], chain: ChainManager
) -> None:
    owner = Address(accounts[5].address)
    assert deployment.record["registry_delay_seconds"] == 0
    first = deploy(owner, "slow", delay=REGISTRY_DELAY_SECONDS)
    assert first.record["registry_delay_seconds"] == REGISTRY_DELAY_SECONDS
    assert first.executor.registryDelay() == REGISTRY_DELAY_SECONDS
    venues = listed_venues(MAINNET)
    assert [first.executor.applicableFrom(venue.proposal) > 0 for venue in venues] == [True] * len(venues)
    assert deploy(owner, "slow", delay=REGISTRY_DELAY_SECONDS).sent == []
    with chain.isolate():
        chain.pending_timestamp += REGISTRY_DELAY_SECONDS + 60
        assert len(deploy(owner, "slow", delay=REGISTRY_DELAY_SECONDS).sent) == len(venues)
        for venue in venues:
            assert first.executor.venue(venue.kind, venue.number).deployer == venue.deployer
        assert deploy(owner, "slow", delay=REGISTRY_DELAY_SECONDS).sent == []


def test_the_record_is_the_same_bytes_each_time_and_names_no_place(deployment: Deployment, tmp_path: Path) -> None:
    path = write_record(deployment, tmp_path)
    first = path.read_bytes()
    assert path.name == "31337-local.json"
    assert write_record(deployment, tmp_path).read_bytes() == first
    assert json.loads(first) == deployment.record
    assert b"127.0.0.1" not in first
    assert str(PROJECT).encode() not in first


def test_a_node_that_is_not_anvil_is_refused() -> None:
    with networks.parse_network_choice("ethereum:local:test"), pytest.raises(click.ClickException, match="not Anvil"):
        refuse_live_chain()


@pytest.mark.parametrize("network", ["mainnet", "sepolia", "custom"])
def test_a_network_that_is_neither_local_nor_a_fork_is_refused_even_if_anvil_serves_it(network: str) -> None:
    assert "is a live network" in str(live_reason(network, "anvil/v1.7.1"))
    assert live_reason(f"{network}-fork", "anvil/v1.7.1") is None


@pytest.mark.parametrize("name", ["Executor", "RfqSettlement"])
def test_ape_compiles_what_forge_compiled(project: ProjectManager, artifacts: Artifacts, name: str) -> None:
    compiled = getattr(project, name).contract_type.runtime_bytecode.bytecode
    assert bytes.fromhex(compiled.removeprefix("0x")).startswith(artifacts.ours(name).runtime)


def test_the_record_is_what_stands_there(deployment: Deployment, artifacts: Artifacts, provider: ProviderAPI) -> None:
    record = json.loads(json.dumps(deployment.record, sort_keys=True))
    record["chain"]["id"] = provider.chain_id
    with RpcClient(str(provider.web3.provider.endpoint_uri)) as rpc:
        assert [each for each in compare(rpc, record, artifacts) if not each.ok] == []


@pytest.mark.recorded
def test_on_a_fork_of_recorded_mainnet_the_executor_has_the_same_address(
    deployment: Deployment, artifacts: Artifacts, oms_data: Path, tmp_path: Path
) -> None:
    settings = load_settings().model_copy(update={"home": tmp_path, "data": oms_data})
    with open_session(settings, Opening("recorded", settles=True, fresh=True)) as session:
        session.rpc.call("anvil_setBalance", DESK, hex(10**20))
        session.rpc.call("anvil_setCode", CREATE2_PROXY, CREATE2_PROXY_CODE)
        node = {"host": session.rpc.url}
        with networks.parse_network_choice("ethereum:local:foundry", provider_settings=node):
            found = deploy(DESK, "recorded")
        assert found.executor.address == deployment.executor.address
        assert [each for each in compare(session.rpc, found.record, artifacts) if not each.ok] == []


@pytest.mark.parametrize("name", ["1-devnet.json", "1-recorded.json"])
def test_the_kept_records_are_of_these_contracts(deployment: Deployment, name: str) -> None:
    kept = json.loads((PROJECT / "deployments" / name).read_text())
    remedy = "run `./scripts/ape run deploy_devnet` and `./scripts/ape run deploy_recorded`"
    assert kept["create3"] == deployment.record["create3"], remedy
    for contract, entry in deployment.record["contracts"].items():
        there = kept["contracts"].get(contract, {})
        unlike = {key for key, value in entry.items() if there.get(key) != value}
        # The settlement's code holds the chain's id, which is not Ape's on that chain.
        assert unlike <= {"transaction"} | ({"code_hash"} if contract == "RfqSettlement" else set()), remedy
    assert [entry | {"transaction": None} for entry in kept["venues"]] == [
        entry | {"transaction": None} for entry in deployment.record["venues"]
    ], remedy
    assert kept["compiler"] == deployment.record["compiler"], remedy
