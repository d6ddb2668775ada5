"""The desk as an executor's owner who types commands, on a development chain that stays."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.contracts import our_contracts
from oms.adapters.evm.devnet.chain import DESK
from oms.adapters.evm.devnet.deploy import Transactions, encode_call
from oms.adapters.evm.rpc import RpcClient
from oms.adapters.evm.venues import MAINNET
from oms.units import Address
from tests.integration.command_line import Ran, oms

KEY = Address("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")
"""Anvil's account 2."""
STRANGER = Address("0x90F79bf6EB2c4f870365E785982E1f101E93b906")


@dataclass(frozen=True)
class Owner:
    """The desk as the owner of an executor on a chain called `own`."""

    home: Path
    rpc: RpcClient
    executor: Address
    files: Path

    def run(self, *words: str) -> Ran:
        return oms(self.home, *words, "--chain", "own")

    def ran(self, *words: str) -> str:
        done = self.run(*words)
        assert done.code == 0, done
        return done.out

    def told(self, *words: str) -> Any:
        return json.loads(self.ran(*words, "--json"))

    def planned(self, amount: str, *more: str, name: str = "plan.json") -> str:
        """A plan of WETH for USDC on Uniswap v3, in a file."""
        path = str(self.files / name)
        self.ran("swap", amount, "WETH", "USDC", "--venues", "uniswap_v3", "--deadline", "3600", *more,
                 "--max-hops", "1", "--dry-run", "--plan", path)  # fmt: skip
        return path

    def call(self, signature: str, *values: object, target: Address | None = None, sender: Address = DESK) -> None:
        """A transaction by its function."""
        self.rpc.call("anvil_impersonateAccount", sender)
        transactions = Transactions.of(self.rpc, sender)
        transactions.add(signature, target or self.executor, encode_call(signature, *values), gas=1_000_000)
        transactions.mine()

    def granted(self, *more: str, key: str = KEY, loss: str = "10000") -> Any:
        return self.told("session", "grant", "--key", key, "--until", "7d", "--venue", "uniswap_v3", "--spend",
                         "10:WETH/1d", "--rise", "USDC", "--most-loss-bps", loss, "--yes", *more)  # fmt: skip

    def nonce(self) -> int:
        return int(str(self.rpc.call("eth_getTransactionCount", DESK, "latest")), 16)


@contextmanager
def owners_chain(home: Path, *, project: Path, files: Path) -> Iterator[Owner]:
    """Start the chain `own` under this OMS_HOME, and stop it at the end."""
    started = oms(home, "fork", "up", "--alone", "--name", "own")
    assert started.code == 0, started.err
    try:
        url = json.loads((home / "forks" / "own.json").read_text())["url"]
        executor = our_contracts(Artifacts(project), MAINNET, DESK).executor
        with RpcClient(url) as rpc:
            owner = Owner(home, rpc, executor, files)
            owner.ran("resume")
            yield owner
    finally:
        assert oms(home, "fork", "down", "--name", "own").code == 0
