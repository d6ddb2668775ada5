"""The desk's contracts on Ape's own Anvil, deployed as by `./scripts/ape run deploy`, among the devnet's real pools."""

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from ape import chain as ape_chain
from ape.api import AccountAPI, ProviderAPI
from ape.contracts import ContractInstance
from ape.managers.networks import NetworkManager
from ethpm_types import ContractType

from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.devnet import prepare_devnet
from oms.adapters.evm.devnet.build import PUBLISHED
from oms.adapters.evm.devnet.chain import DESK
from scripts._deployment import Deployment, deploy

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def artifacts() -> Artifacts:
    return Artifacts(PROJECT)


@pytest.fixture(scope="session")
def provider(networks: NetworkManager) -> ProviderAPI:
    """The node that Ape has started."""
    return networks.provider


@pytest.fixture(scope="session")
def market(provider: ProviderAPI, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Mainnet's protocols at mainnet's addresses, with pools and funded accounts: the development chain's state."""
    state = json.loads(prepare_devnet(home=tmp_path_factory.mktemp("oms_home"), project=PROJECT).state.read_text())
    accounts_alone = {**state, "block": None, "blocks": [], "transactions": []}  # Ape's chain keeps its own blocks
    packed = gzip.compress(json.dumps(accounts_alone).encode())
    assert provider.make_request("anvil_loadState", ["0x" + packed.hex()]) is True


@pytest.fixture(scope="session")
def deployment(market: None) -> Deployment:
    return deploy(DESK, "local")


@pytest.fixture(scope="session")
def executor(deployment: Deployment) -> ContractInstance:
    return deployment.executor


@pytest.fixture(scope="session")
def owner(accounts: Sequence[AccountAPI]) -> AccountAPI:
    return accounts[0]


@pytest.fixture(scope="session")
def stranger(accounts: Sequence[AccountAPI]) -> AccountAPI:
    return accounts[2]


def published(artifacts: Artifacts, name: str, address: str) -> ContractInstance:
    """A protocol's contract, with the interface that its package publishes."""
    return with_abi(name, address, artifacts.published(PUBLISHED[name]).abi)


def with_abi(name: str, address: str, abi: Sequence[Mapping[str, Any]]) -> ContractInstance:
    contract_type = ContractType.model_validate({"contractName": name, "abi": list(abi)})
    return ape_chain.contracts.instance_at(
        address, contract_type=contract_type, fetch_from_explorer=False, detect_proxy=False
    )
