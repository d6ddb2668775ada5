"""Aerodrome's pair from its published source, compiled here: the npm package `sphere-mezo-solidity-files` carries it.

The package's `Pool.sol` differs from aerodrome-finance/contracts only in its OpenZeppelin imports. Development only;
where the package is not installed there is nothing to compare with. The compiler's output is kept in `.build`.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from eth_abi.abi import decode

from tests.differential.balancer_deployment import address_of
from tests.differential.evm import NODE_MODULES, PROJECT, SENDER, Machine, calldata
from tests.differential.plain_token import give, pair_factory_code, token_code

SOURCES = NODE_MODULES / "sphere-mezo-solidity-files" / "domains" / "aerodrome"
_CACHE = PROJECT / ".build" / "aerodrome-pool.hex"
_ENTRY = "contracts/Pool.sol"


def pair_initcode() -> bytes:
    """Creation code of the pair; skips the test where the source or node is missing."""
    if _CACHE.is_file():
        return bytes.fromhex(_CACHE.read_text())
    node = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
    if not SOURCES.is_dir() or node is None:
        pytest.skip(f"no source of Aerodrome's pair at {SOURCES}, or no node; npm install sphere-mezo-solidity-files")
    request = {
        "language": "Solidity",
        "sources": {_ENTRY: {"content": (SOURCES / _ENTRY).read_text()}},
        "settings": {
            "optimizer": {"enabled": True, "runs": 200},
            "outputSelection": {_ENTRY: {"Pool": ["evm.bytecode.object"]}},
        },
    }
    command = [node, str(PROJECT / "scripts" / "solc"), "--standard-json"]
    command += ["--base-path", str(SOURCES), "--include-path", str(NODE_MODULES)]
    done = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True, timeout=120, check=True)
    compiled = json.loads(done.stdout)
    code: str = compiled["contracts"][_ENTRY]["Pool"]["evm"]["bytecode"]["object"]
    _CACHE.parent.mkdir(exist_ok=True)
    _CACHE.write_text(code)
    return bytes.fromhex(code)


class DeployedPair:
    """One pair with two tokens of its own and a stand-in factory that only answers its questions."""

    def __init__(self, machine: Machine, *, decimals: tuple[int, int], stable: bool) -> None:
        self.machine = machine
        self._factory = address_of("pair factory")
        machine.set_code(self._factory, pair_factory_code())
        self.tokens = sorted((address_of(f"{decimals} {stable} {side}") for side in "ab"), key=lambda a: int(a, 16))
        for token, places in zip(self.tokens, decimals, strict=True):
            machine.set_code(token, token_code(places))
        self.address = machine.deploy(pair_initcode())
        machine.set_storage(self._factory, 1, int(self.address, 16))
        machine.call(self._factory, calldata("initialize(address,address,bool)", *self.tokens, stable))
        self._fund(1000 * 10 ** decimals[0], 1000 * 10 ** decimals[1])
        machine.call(self.address, calldata("mint(address)", SENDER))

    def set_state(self, reserve0: int, reserve1: int, *, fee: int) -> None:
        """Make the reserves exactly these, and the factory answer this fee."""
        self.machine.set_storage(self._factory, 0, fee)
        self._fund(reserve0, reserve1)
        self.machine.call(self.address, calldata("sync()"))

    def reserves(self) -> tuple[int, int]:
        """The pair's own reserves."""
        output = self.machine.call(self.address, calldata("getReserves()"))
        reserve0, reserve1, _ = decode(["uint256", "uint256", "uint256"], output)
        return reserve0, reserve1

    def promise(self, zero_for_one: bool, amount_in: int) -> int:
        """`getAmountOut`. Raises `Reverted`."""
        token_in = self.tokens[0 if zero_for_one else 1]
        output = self.machine.call(
            self.address, calldata("getAmountOut(uint256,address)", amount_in, token_in), commit=False
        )
        return int.from_bytes(output, "big")

    def swap(self, zero_for_one: bool, amount_in: int, *, amount_out: int) -> None:
        """Pay `amount_in` and take `amount_out`. Raises `Reverted`, the payment then stays with the pair."""
        token_in = self.tokens[0 if zero_for_one else 1]
        held = self.reserves()[0 if zero_for_one else 1]
        give(self.machine, token_in, self.address, held + amount_in)
        out0, out1 = (0, amount_out) if zero_for_one else (amount_out, 0)
        data = calldata("swap(uint256,uint256,address,bytes)", out0, out1, SENDER, b"")
        self.machine.call(self.address, data)

    def _fund(self, amount0: int, amount1: int) -> None:
        for token, amount in zip(self.tokens, (amount0, amount1), strict=True):
            give(self.machine, token, self.address, amount)
