"""The creation code in the product is what the pinned compiler makes of its source."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from oms.adapters.evm.deployless import EVM_VERSION, INIT_CODE, OPTIMIZER_RUNS

PROJECT = Path(__file__).resolve().parents[4]
SOURCE = "contracts/DeploylessCalls.sol"


def compiled() -> bytes:
    node = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
    if node is None or not (PROJECT / "node_modules" / "solc").is_dir():
        pytest.skip("no node, or no compiler in node_modules; run npm ci")
    request = {
        "language": "Solidity",
        "sources": {SOURCE: {"content": (PROJECT / SOURCE).read_text()}},
        "settings": {
            "optimizer": {"enabled": True, "runs": OPTIMIZER_RUNS},
            "viaIR": True,
            "evmVersion": EVM_VERSION,
            "metadata": {"bytecodeHash": "none", "appendCBOR": False},
            "outputSelection": {SOURCE: {"DeploylessCalls": ["evm.bytecode.object"]}},
        },
    }
    command = [node, str(PROJECT / "scripts" / "solc"), "--standard-json"]
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, timeout=120, check=True)
    found = json.loads(done.stdout)["contracts"][SOURCE]["DeploylessCalls"]["evm"]["bytecode"]["object"]
    return bytes.fromhex(found)


def test_the_creation_code_is_that_of_the_source() -> None:
    assert compiled() == INIT_CODE
