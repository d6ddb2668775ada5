"""What stands approved to an executor, found on a real chain by tokens' own answers, by Permit2's and by logs."""

import json
from pathlib import Path

import pytest

from oms.adapters.evm.approvals import ERC20, PERMIT2_KIND, allowances, approved_tokens
from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.contracts import OurContracts, our_contracts
from oms.adapters.evm.devnet import Devnet
from oms.adapters.evm.devnet.chain import DESK, USDC, USDT, WETH
from oms.adapters.evm.devnet.deploy import Transactions, deploy, encode_call
from oms.adapters.evm.rpc import RpcClient
from oms.adapters.evm.venues import MAINNET
from oms.execution.plan_permit import PERMIT2
from oms.units import UINT256_MAX, Address
from tests.integration.test_commands import Terminal

pytestmark = pytest.mark.fork

STRANGER = Address("0x90F79bf6EB2c4f870365E785982E1f101E93b906")
FAR = 2**48 - 1


@pytest.fixture
def ours(project: Path) -> OurContracts:
    return our_contracts(Artifacts(project), MAINNET, DESK)


def send(rpc: RpcClient, target: Address, data: bytes) -> None:
    """As the desk."""
    rpc.call("anvil_impersonateAccount", DESK)
    transactions = Transactions.of(rpc, DESK)
    transactions.add("call", target, data, gas=300_000)
    transactions.mine()


def approve(rpc: RpcClient, token: Address, spender: Address, amount: int) -> None:
    send(rpc, token, encode_call("approve(address,uint256)", spender, amount))


def allow_by_permit2(rpc: RpcClient, token: Address, spender: Address, amount: int, until: int) -> None:
    send(rpc, PERMIT2, encode_call("approve(address,address,uint160,uint48)", token, spender, amount, until))


def command(devnet: Devnet, terminal: Terminal, *words: str, code: int = 0) -> str:
    return terminal.run("allowances", DESK, "--rpc-url", devnet.anvil.rpc.url, *words, code=code)


def test_where_none_stands_every_known_token_was_looked_at(
    devnet: Devnet, ours: OurContracts, project: Path, tmp_path: Path
) -> None:
    terminal = Terminal(project, tmp_path)
    assert command(devnet, terminal).startswith("none stands: ")
    told = json.loads(command(devnet, terminal, "--json"))
    assert told["none_stands"] is True
    looked = {(each["kind"], each["token"]) for each in told["allowances"] if each["spender"] == ours.executor}
    assert {(kind, token.address) for kind in (ERC20, PERMIT2_KIND) for token in (WETH, USDC, USDT)} <= looked


@pytest.mark.parametrize("amount", [1, UINT256_MAX])
def test_an_allowance_to_the_executor_stands_until_it_is_revoked(
    devnet: Devnet, ours: OurContracts, project: Path, tmp_path: Path, amount: int
) -> None:
    terminal, rpc = Terminal(project, tmp_path), devnet.anvil.rpc
    approve(rpc, USDT.address, ours.executor, amount)
    refused = command(devnet, terminal, code=3)
    assert f"USDT to {ours.executor} by ERC-20; revoke it" in refused
    assert refused.count("\n") == 1
    approve(rpc, USDT.address, ours.executor, 0)
    assert "none stands" in command(devnet, terminal)


def test_an_allowance_by_permit2_stands_until_it_expires(
    devnet: Devnet, ours: OurContracts, project: Path, tmp_path: Path
) -> None:
    terminal, rpc = Terminal(project, tmp_path), devnet.anvil.rpc
    now = int(rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    allow_by_permit2(rpc, WETH.address, ours.executor, 5, now + 100)
    assert f"5 of WETH to {ours.executor} by Permit2" in command(devnet, terminal, code=3)
    rpc.call("evm_setNextBlockTimestamp", hex(now + 101))
    rpc.call("evm_mine")
    assert "expired" in command(devnet, terminal)


def test_an_approval_to_permit2_itself_or_to_somebody_else_is_not_the_executors(
    devnet: Devnet, project: Path, tmp_path: Path
) -> None:
    terminal, rpc = Terminal(project, tmp_path), devnet.anvil.rpc
    approve(rpc, WETH.address, PERMIT2, UINT256_MAX)
    approve(rpc, WETH.address, STRANGER, 1)
    assert "none stands" in command(devnet, terminal)
    assert f"1 of WETH to {STRANGER}" in command(devnet, terminal, "--executor", STRANGER, code=3)


def test_a_part_of_the_executor_is_no_place_for_an_allowance_either(
    devnet: Devnet, ours: OurContracts, project: Path, tmp_path: Path
) -> None:
    approve(devnet.anvil.rpc, USDC.address, ours.part("Steward").address, 7)
    assert "7 of USDC" in command(devnet, Terminal(project, tmp_path), code=3)


def test_tokens_that_nobody_listed_are_found_by_name_or_by_their_logs(
    devnet: Devnet, ours: OurContracts, project: Path, tmp_path: Path
) -> None:
    terminal, rpc = Terminal(project, tmp_path), devnet.anvil.rpc
    token = deploy(rpc, STRANGER, Artifacts(project).ours("DevToken").with_arguments("Odd", "ODD", 18))
    other = deploy(rpc, STRANGER, Artifacts(project).ours("DevToken").with_arguments("Even", "EVEN", 18))
    approve(rpc, token, ours.executor, 3)
    allow_by_permit2(rpc, other, ours.executor, 4, FAR)
    assert "none stands" in command(devnet, terminal)
    assert "3 of ODD" in command(devnet, terminal, "--token", token, code=3)
    assert "and 1 more" in command(devnet, terminal, "--since", "0", code=3)
    assert set(approved_tokens(rpc, DESK, spenders=[ours.executor], since=0)) == {token, other}
    assert approved_tokens(rpc, STRANGER, spenders=[ours.executor], since=0) == ()


def test_a_token_that_does_not_say_counts_as_standing(devnet: Devnet, ours: OurContracts) -> None:
    rpc = devnet.anvil.rpc
    for code in ("0x5f5ffd", "0x00"):  # reverts; answers nothing
        rpc.call("anvil_setCode", STRANGER, code)
        found = allowances(rpc, DESK, spenders=[ours.executor], tokens=[STRANGER])
        assert [(each.kind, each.amount, each.stands) for each in found] == [
            (ERC20, None, True),
            (PERMIT2_KIND, 0, False),
        ]
    rpc.call("anvil_setCode", STRANGER, "0x")
    assert allowances(rpc, DESK, spenders=[ours.executor], tokens=[STRANGER]) == ()


@pytest.mark.parametrize("words", [("no-address",), (DESK, "--executor", "0x12"), (DESK, "--token", "NOPE")])
def test_words_that_cannot_be_meant_end_with_2(
    devnet: Devnet, project: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    Terminal(project, tmp_path).run("allowances", *words, "--rpc-url", devnet.anvil.rpc.url, code=2)


def test_after_a_swap_of_the_owners_own_funds_nothing_stands(project: Path, tmp_path: Path) -> None:
    terminal = Terminal(project, tmp_path)
    terminal.run("fork", "up", "--name", "own", "--alone")
    try:
        maker = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
        terminal.run("swap", "1", "WETH", "USDC", "--chain", "own", "--account", maker)
        assert "none stands" in terminal.run("allowances", maker, "--chain", "own", "--since", "0")
    finally:
        terminal.run("fork", "down", "--all")
