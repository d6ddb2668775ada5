"""Verification files: what the compiler makes of one is what was deployed, and changed sources are not passed off."""

import json
import subprocess
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.contracts import SHARED, our_contracts
from oms.adapters.evm.devnet.chain import DESK
from oms.adapters.evm.venues import MAINNET
from oms.errors import Terminal
from scripts._deployment import PROJECT
from scripts._verification import standard_json, verification_entry, write_verification


def compiled(standard_input: str) -> Any:
    done = subprocess.run(
        [str(PROJECT / "scripts" / "solc"), "--standard-json"],
        input=standard_input,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", [*SHARED, "Executor"])
def test_solc_makes_of_the_file_alone_what_is_deployed(artifacts: Artifacts, name: str) -> None:
    entry = verification_entry(
        artifacts, next(e for e in our_contracts(artifacts, MAINNET, DESK).all if e.name == name)
    )
    path, _, contract = entry["contract"].partition(":")
    made = compiled(standard_json(artifacts, name))["contracts"][path][contract]["evm"]
    deployed = next(each for each in our_contracts(artifacts, MAINNET, DESK).all if each.name == name)
    creation = made["bytecode"]["object"] + entry["encoded_arguments"].removeprefix("0x")
    assert bytes.fromhex(creation) == deployed.init_code


def test_a_file_holds_the_sources_of_its_contract_only_and_names_no_place(artifacts: Artifacts) -> None:
    sources = json.loads(standard_json(artifacts, "ExecutorFactory"))["sources"]
    assert "contracts/ExecutorFactory.sol" in sources
    assert "contracts/Executor.sol" not in sources
    assert str(PROJECT) not in standard_json(artifacts, "Executor")


def test_the_files_are_the_same_bytes_each_time(artifacts: Artifacts, tmp_path: Path) -> None:
    write_verification(artifacts, ("Warden", "Annex"), tmp_path)
    first = [(tmp_path / f"{name}.json").read_bytes() for name in ("Warden", "Annex")]
    write_verification(artifacts, ("Warden", "Annex"), tmp_path)
    assert [(tmp_path / f"{name}.json").read_bytes() for name in ("Warden", "Annex")] == first


def test_sources_that_changed_since_they_were_compiled_are_refused(artifacts: Artifacts, tmp_path: Path) -> None:
    copytree(PROJECT / "contracts", tmp_path / "contracts")
    copytree(PROJECT / "out" / "Warden.sol", tmp_path / "out" / "Warden.sol")
    changed = tmp_path / "contracts" / "Warden.sol"
    changed.write_text(changed.read_text() + "\n")
    with pytest.raises(Terminal, match=r"contracts/Warden\.sol has changed"):
        standard_json(Artifacts(tmp_path), "Warden")
