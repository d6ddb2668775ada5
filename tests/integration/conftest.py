"""Chains that the integration tests share: one development chain a session, put back after each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from oms.adapters.evm.devnet import Devnet, open_devnet
from tests.integration.owners_chain import Owner, owners_chain

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def project() -> Path:
    """This checkout."""
    return PROJECT


@pytest.fixture(scope="session")
def devnet_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An OMS_HOME in which the session's development chain is cached."""
    return tmp_path_factory.mktemp("oms_home")


@pytest.fixture(scope="session")
def shared_devnet(devnet_home: Path) -> Iterator[Devnet]:
    """The session's development chain. Ask for `devnet` instead, unless the test only reads."""
    with open_devnet(home=devnet_home, project=PROJECT) as running:
        yield running


@pytest.fixture
def devnet(shared_devnet: Devnet) -> Iterator[Devnet]:
    """The development chain as it was built; what the test does to it is undone."""
    snapshot = shared_devnet.anvil.snapshot()
    yield shared_devnet
    shared_devnet.anvil.revert(snapshot)


@pytest.fixture(scope="module")
def owner_of_module(devnet_home: Path, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    """A module's chain called `own`. Ask for `owner` instead."""
    with owners_chain(devnet_home, project=project, files=tmp_path_factory.mktemp("files")) as running:
        yield running


@pytest.fixture
def owner(owner_of_module: Owner) -> Iterator[Owner]:
    """The desk as the owner of an executor; what the test does to the chain is undone."""
    snapshot = owner_of_module.rpc.call("evm_snapshot")
    yield owner_of_module
    owner_of_module.rpc.call("evm_revert", snapshot)
