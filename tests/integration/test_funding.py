"""Giving accounts balances on a fork: real tokens of recorded mainnet, and every storage layout that is looked for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oms.adapters.evm.addresses import mapping_slot
from oms.adapters.evm.anvil import Anvil, AnvilOptions
from oms.adapters.evm.funding import KNOWN_BALANCE_SLOTS, BalanceSlotNotFound, fund, set_native_balance
from oms.adapters.evm.recording.format import Recording
from oms.adapters.evm.recording.server import serve_recording
from oms.adapters.evm.rpc import RpcClient
from oms.errors import InvalidRequest
from oms.units import UINT256_MAX, Address, Wei

pytestmark = pytest.mark.fork

MAINNET = "mainnet/alloc_24628608_merged.json.gz"
MAINNET_BLOCK = 24628607
ME = Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
TOKEN = Address("0x" + "70" * 20)
WETH = Address("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2")

RETURN_LOADED = "54 6000 52 6020 6000 f3"  # sload of the slot on the stack, returned


def solidity(declared_at: int) -> str:
    return f"6004 35 6000 52 60{declared_at:02x} 6020 52 6040 6000 20 {RETURN_LOADED}"


def vyper(declared_at: int) -> str:
    return f"60{declared_at:02x} 6000 52 6004 35 6020 52 6040 6000 20 {RETURN_LOADED}"


OPENZEPPELIN = (
    "6004 35 6000 52 7f52c63247e1f47db19d5ce0460030c497f067ca4cebf71ba98eeadabe20bace00 6020 52 6040 6000 20 "
    + RETURN_LOADED
)
SOLADY = f"6387a211a2 600c 52 6004 35 6000 52 6020 600c 20 {RETURN_LOADED}"
# a flag in the topmost bit beside the balance, as in USDC
PACKED = "6004 35 6000 52 6009 6020 52 6040 6000 20 54 6001 1b 6001 1c 6000 52 6020 6000 f3"
CONSTANT = "602a 6000 52 6020 6000 f3"
DOUBLED = "6004 35 6000 52 6003 6020 52 6040 6000 20 54 6001 1b 6000 52 6020 6000 f3"


def balance(rpc: RpcClient, token: str, account: str) -> int:
    return int(rpc.call("eth_call", {"to": token, "data": f"0x70a08231{int(account, 16):064x}"}, "latest"), 16)


def install(rpc: RpcClient, code: str) -> None:
    rpc.call("anvil_setCode", TOKEN, "0x" + code.replace(" ", ""))


@pytest.fixture(scope="module")
def chain(project: Path) -> Iterator[Anvil]:
    with Anvil.start(AnvilOptions(), project=project) as anvil:
        yield anvil


@pytest.fixture
def rpc(chain: Anvil) -> Iterator[RpcClient]:
    """A blank chain, put back after the test."""
    snapshot = chain.snapshot()
    yield chain.rpc
    chain.revert(snapshot)


@pytest.mark.recorded
def test_the_real_tokens_of_recorded_mainnet_can_be_given(oms_data: Path, project: Path) -> None:
    with (
        serve_recording(oms_data / MAINNET) as node,
        Anvil.start(AnvilOptions(fork_url=node.url, fork_block=MAINNET_BLOCK), project=project) as anvil,
    ):
        for _, token in KNOWN_BALANCE_SLOTS:
            for amount in (10**12 + 1, 7, 0):
                fund(anvil.rpc, Address(token), ME, amount)
                assert balance(anvil.rpc, token, ME) == amount


@pytest.mark.recorded
def test_wrapped_ether_that_is_given_is_backed(oms_data: Path, project: Path) -> None:
    with (
        serve_recording(oms_data / MAINNET) as node,
        Anvil.start(AnvilOptions(fork_url=node.url, fork_block=MAINNET_BLOCK), project=project) as anvil,
    ):
        before = int(anvil.rpc.call("eth_getBalance", WETH, "latest"), 16)
        fund(anvil.rpc, WETH, ME, 5 * 10**18)
        fund(anvil.rpc, WETH, ME, 2 * 10**18)
        assert int(anvil.rpc.call("eth_getBalance", WETH, "latest"), 16) == before + 5 * 10**18


@pytest.mark.parametrize(
    "code", [solidity(0), solidity(63), vyper(0), vyper(63), OPENZEPPELIN, SOLADY], ids=lambda code: str(code)[:24]
)
def test_every_usual_layout_is_found(rpc: RpcClient, code: str) -> None:
    install(rpc, code)
    for amount in (1, 10**30, 0, UINT256_MAX):
        fund(rpc, TOKEN, ME, amount)
        assert balance(rpc, TOKEN, ME) == amount
    assert balance(rpc, TOKEN, "0x" + "11" * 20) == 0


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(declared_at=st.integers(0, 63), amount=st.integers(0, UINT256_MAX), owner=st.integers(1, 2**160 - 1))
def test_any_amount_reaches_any_account_and_no_other(rpc: RpcClient, declared_at: int, amount: int, owner: int) -> None:
    install(rpc, solidity(declared_at))
    account = Address(f"0x{owner:040x}")
    other = Address(f"0x{owner ^ 1:040x}")
    before = balance(rpc, TOKEN, other)
    fund(rpc, TOKEN, account, amount)
    assert balance(rpc, TOKEN, account) == amount
    assert balance(rpc, TOKEN, other) == before


def test_what_shares_the_word_with_a_balance_is_kept(rpc: RpcClient) -> None:
    install(rpc, PACKED)
    slot = f"0x{mapping_slot(int(ME, 16), 9):064x}"
    rpc.call("anvil_setStorageAt", TOKEN, slot, f"0x{2**255 + 5:064x}")
    fund(rpc, TOKEN, ME, 1000)
    assert int(rpc.call("eth_getStorageAt", TOKEN, slot, "latest"), 16) == 2**255 + 1000


def test_an_amount_that_does_not_fit_beside_it_is_refused_and_nothing_changes(rpc: RpcClient) -> None:
    install(rpc, PACKED)
    slot = f"0x{mapping_slot(int(ME, 16), 9):064x}"
    rpc.call("anvil_setStorageAt", TOKEN, slot, f"0x{2**255 + 5:064x}")
    with pytest.raises(BalanceSlotNotFound):
        fund(rpc, TOKEN, ME, UINT256_MAX)
    assert int(rpc.call("eth_getStorageAt", TOKEN, slot, "latest"), 16) == 2**255 + 5


@pytest.mark.parametrize("code", [CONSTANT, DOUBLED, solidity(64)], ids=["constant", "computed", "beyond the search"])
def test_a_token_that_keeps_no_plain_balance_is_refused_with_the_remedy(rpc: RpcClient, code: str) -> None:
    install(rpc, code)
    with pytest.raises(BalanceSlotNotFound, match="transfer from a holder") as refused:
        fund(rpc, TOKEN, ME, 5)
    assert refused.value.token == TOKEN
    for declared_at in (0, 3, 64):
        slot = f"0x{mapping_slot(int(ME, 16), declared_at):064x}"
        assert int(rpc.call("eth_getStorageAt", TOKEN, slot, "latest"), 16) == 0


def test_native_balances_can_be_set(rpc: RpcClient) -> None:
    set_native_balance(rpc, TOKEN, Wei(123))
    assert rpc.call("eth_getBalance", TOKEN, "latest") == hex(123)


def test_bad_amounts_and_addresses_without_code_are_the_callers_fault(rpc: RpcClient) -> None:
    for amount in (-1, UINT256_MAX + 1):
        with pytest.raises(InvalidRequest, match="uint256"):
            fund(rpc, TOKEN, ME, amount)
        with pytest.raises(InvalidRequest, match="uint256"):
            set_native_balance(rpc, ME, Wei(amount))
    with pytest.raises(InvalidRequest, match="no contract"):
        fund(rpc, Address("0x" + "71" * 20), ME, 1)


def test_any_node_but_anvil_is_refused() -> None:
    with serve_recording(Recording(1, 7, 100, {})) as server, RpcClient(server.url) as live:
        with pytest.raises(InvalidRequest, match="on a fork alone"):
            fund(live, TOKEN, ME, 1)
        with pytest.raises(InvalidRequest, match="on a fork alone"):
            set_native_balance(live, ME, Wei(1))
