"""Recordings under Anvil: mainnet as recorded, and recordings of our own from the node to the file and back."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak

from oms.adapters.evm.anvil import Anvil, AnvilOptions
from oms.adapters.evm.recording.endpoint import Fault
from oms.adapters.evm.recording.format import load_recording
from oms.adapters.evm.recording.process import RecordingProcess
from oms.adapters.evm.recording.recorder import StateRecorder, record_state
from oms.adapters.evm.recording.server import serve_recording
from oms.adapters.evm.rpc import RpcClient, RpcFailure
from oms.errors import InvalidRequest, Retryable

pytestmark = pytest.mark.fork

MAINNET = "mainnet/alloc_24628608_merged.json.gz"
MAINNET_BLOCK = 24628607
ME = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
USDC = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
WETH = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
SWAP_ROUTER_02 = "0x68b3465833fb72a70ecdf485e0e4c7bd8665fc45"

STORE = "0x" + "57" * 20
READER = "0x" + "4e" * 20
UNTOUCHED = "0x" + "99" * 20
# calldata of one word: return storage[word]; of two: storage[first] = second
STORE_CODE = "0x366040146013576000355460005260206000f35b6020356000355500"
# passes its calldata on to STORE, and returns one word
READER_CODE = f"0x366000600037602060003660006000 73{STORE[2:]} 5af1 5060206000f3".replace(" ", "")


def word(value: int) -> str:
    return f"0x{value:064x}"


def send(rpc: RpcClient, to: str, data: str, *, value: int = 0) -> dict[str, str]:
    """Send from Anvil's first account; its receipt, waited for at most ten seconds."""
    sent = rpc.call("eth_sendTransaction", {"from": ME, "to": to, "data": data, "value": hex(value), "gas": hex(10**6)})
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if (receipt := rpc.call("eth_getTransactionReceipt", sent)) is not None:
            return dict(receipt)
        time.sleep(0.005)
    raise TimeoutError(f"{sent} was not mined")


def call(rpc: RpcClient, to: str, data: str) -> str | RpcFailure:
    answer: str | RpcFailure = rpc.batch([("eth_call", [{"from": ME, "to": to, "data": data}, "latest"])])[0]
    return answer


def fork(url: str, block: int, project: Path) -> Anvil:
    return Anvil.start(AnvilOptions(fork_url=url, fork_block=block), project=project)


def swap_on_mainnet(url: str, project: Path) -> list[object]:
    """Wrap 0.1 ETH, approve the router, and swap it in the 5 bp pool; USDC out, and the swap's gas."""
    with fork(url, MAINNET_BLOCK, project) as anvil:
        send(anvil.rpc, WETH, "0xd0e30db0", value=10**17)
        send(anvil.rpc, WETH, "0x095ea7b3" + encode(["address", "uint256"], [SWAP_ROUTER_02, 10**17]).hex())
        kind = "(address,address,uint24,address,uint256,uint256,uint160)"
        arguments = encode([kind], [(WETH, USDC, 500, ME, 10**17, 0, 0)])
        data = "0x" + (keccak(f"exactInputSingle({kind})".encode())[:4] + arguments).hex()
        quoted = call(anvil.rpc, SWAP_ROUTER_02, data)
        receipt = send(anvil.rpc, SWAP_ROUTER_02, data)
        balance = call(anvil.rpc, USDC, "0x70a08231" + encode(["address"], [ME]).hex())
        return [quoted, balance, receipt["status"], receipt["gasUsed"]]


@pytest.mark.recorded
def test_recorded_mainnet_swaps_as_mainnet_would(oms_data: Path, project: Path) -> None:
    with serve_recording(oms_data / MAINNET) as node:
        out = swap_on_mainnet(node.url, project)
    assert out[:3] == [word(205_977254), word(205_977254), "0x1"]


@pytest.mark.recorded
def test_a_swap_on_mainnet_recorded_again_is_a_small_file_that_swaps_the_same(
    oms_data: Path, project: Path, tmp_path: Path
) -> None:
    seen: list[object] = []
    small = tmp_path / "swap.json.gz"
    with serve_recording(oms_data / MAINNET) as node:
        record_state(node.url, MAINNET_BLOCK, small, lambda url: seen.extend(swap_on_mainnet(url, project)))
    assert small.stat().st_size < (oms_data / MAINNET).stat().st_size / 20
    with serve_recording(small) as node:
        assert swap_on_mainnet(node.url, project) == seen


@pytest.mark.recorded
def test_unrecorded_mainnet_state_is_an_error_under_a_fork(oms_data: Path, project: Path) -> None:
    with serve_recording(oms_data / MAINNET) as node, fork(node.url, MAINNET_BLOCK, project) as anvil:
        stranger = "0x70a08231" + encode(["address"], [UNTOUCHED]).hex()
        refused = call(anvil.rpc, USDC, stranger)
        assert isinstance(refused, RpcFailure)
        assert refused.state_missing


@dataclass(frozen=True, slots=True)
class Origin:
    """A chain to record from, and its newest block."""

    anvil: Anvil
    block: int


@pytest.fixture(scope="module")
def origin(project: Path) -> Iterator[Origin]:
    with Anvil.start(AnvilOptions(chain_id=31337, timestamp=1_700_000_000), project=project) as anvil:
        rpc = anvil.rpc
        rpc.call("anvil_setCode", STORE, STORE_CODE)
        rpc.call("anvil_setCode", READER, READER_CODE)
        for slot, value in ((1, 42), (2, 43), (5, 99)):
            rpc.call("anvil_setStorageAt", STORE, word(slot), word(value))
        rpc.call("anvil_setBalance", READER, hex(7))
        rpc.call("evm_mine")
        yield Origin(anvil, int(rpc.call("eth_blockNumber"), 16))


def session_with_the_chain(url: str, block: int, project: Path) -> list[object]:
    """What a command does on a fork: reads through two contracts, a write, an empty slot, an empty account."""
    with fork(url, block, project) as anvil:
        rpc = anvil.rpc
        receipt = send(rpc, READER, word(2) + word(44)[2:])
        return [
            call(rpc, READER, word(1)),
            receipt["status"],
            receipt["gasUsed"],
            receipt["blockHash"] is not None,
            call(rpc, READER, word(2)),
            call(rpc, STORE, word(3)),
            rpc.call("eth_getBalance", READER, "latest"),
            rpc.call("eth_getBalance", UNTOUCHED, "latest"),
            rpc.call("eth_getBlockByNumber", hex(block), False)["hash"],
        ]


def test_what_was_recorded_through_a_fork_replays_the_same_without_the_node(
    origin: Origin, project: Path, tmp_path: Path
) -> None:
    seen: list[object] = []
    out = tmp_path / "piece.json.gz"

    def run(url: str) -> None:
        seen.extend(session_with_the_chain(url, origin.block, project))

    recording = record_state(origin.anvil.url, origin.block, out, run)
    assert seen[:2] == [word(42), "0x1"]
    assert seen[4:8] == [word(44), word(0), "0x7", "0x0"]
    assert recording.accounts[STORE].storage == {1: 42, 2: 43}
    assert recording.zero_slots[STORE] == {3}
    assert UNTOUCHED in recording.absent
    with serve_recording(out) as node:
        assert session_with_the_chain(node.url, origin.block, project) == seen


def test_what_was_not_touched_is_not_in_the_recording(origin: Origin, project: Path, tmp_path: Path) -> None:
    out = tmp_path / "piece.json"
    record_state(origin.anvil.url, origin.block, out, lambda url: session_with_the_chain(url, origin.block, project))
    with serve_recording(out) as node, fork(node.url, origin.block, project) as anvil:
        assert call(anvil.rpc, STORE, word(1)) == word(42)
        for beyond in (call(anvil.rpc, STORE, word(5)), call(anvil.rpc, "0x" + "31" * 20, "0x")):
            assert isinstance(beyond, RpcFailure)
            assert beyond.state_missing


def test_the_same_session_is_recorded_as_the_same_bytes(origin: Origin, project: Path, tmp_path: Path) -> None:
    files = [tmp_path / "one.json.gz", tmp_path / "two.json.gz"]
    for out in files:
        record_state(
            origin.anvil.url, origin.block, out, lambda url: session_with_the_chain(url, origin.block, project)
        )
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_call_made_at_the_recorder_itself_is_recorded_with_all_it_reads(
    origin: Origin, project: Path, tmp_path: Path
) -> None:
    out = tmp_path / "call.json"

    def run(url: str) -> None:
        with RpcClient(url) as rpc:
            at = hex(origin.block)
            assert rpc.call("eth_call", {"to": READER, "data": word(1)}, at) == word(42)
            assert rpc.call("eth_call", {"to": READER, "data": word(77)}, "latest") == word(0)
            assert int(rpc.call("eth_estimateGas", {"from": ME, "to": READER, "data": word(5)}), 16) > 21_000

    recording = record_state(origin.anvil.url, origin.block, out, run)
    assert recording.accounts[STORE].storage == {1: 42, 5: 99}
    assert recording.zero_slots[STORE] == {77}
    assert recording.accounts[READER].code == READER_CODE
    with serve_recording(out) as node, fork(node.url, origin.block, project) as anvil:
        assert call(anvil.rpc, READER, word(5)) == word(99)
        assert call(anvil.rpc, READER, word(77)) == word(0)


def test_the_recorder_answers_as_the_file_will(origin: Origin, tmp_path: Path) -> None:
    at = hex(origin.block)
    calls: list[tuple[str, list[Any]]] = [
        ("eth_chainId", []),
        ("eth_blockNumber", []),
        ("net_version", []),
        ("web3_clientVersion", []),
        ("eth_gasPrice", []),
        ("eth_maxPriorityFeePerGas", []),
        ("eth_feeHistory", ["0x1", "latest", []]),
        ("eth_getBlockByNumber", ["latest", False]),
        ("eth_getBlockByNumber", [hex(origin.block - 1), False]),
        ("eth_getBlockByHash", ["0x" + "12" * 32, False]),
        ("eth_getBalance", [READER, at]),
        ("eth_getBalance", [READER, hex(origin.block - 1)]),
        ("eth_getAccountInfo", [READER, "latest"]),
        ("eth_getCode", [STORE, at]),
        ("eth_getStorageAt", [STORE, "0x1", at]),
        ("eth_getStorageAt", [STORE, "0x9", at]),
        ("eth_getStorageAt", [UNTOUCHED, "0x9", at]),
        ("eth_getTransactionCount", [UNTOUCHED, at]),
        ("eth_getTransactionByHash", ["0x" + "12" * 32]),
        ("eth_getLogs", [{}]),
        ("eth_sendRawTransaction", ["0x00"]),
        ("eth_getBalance", ["nobody", at]),
    ]
    out = tmp_path / "answers.json"
    with StateRecorder.connect(origin.anvil.url, block=origin.block) as recorder:
        with recorder.serve() as proxy, RpcClient(proxy.url) as rpc:
            recorded = rpc.batch(calls)
        recorder.save(out)
    with serve_recording(out) as node, RpcClient(node.url) as rpc:
        assert rpc.batch(calls) == recorded
    assert [isinstance(answer, RpcFailure) for answer in recorded].count(True) == 6
    assert recorded[14:16] == [word(42), word(0)]


def test_a_call_that_cannot_be_taken_apart_is_refused_rather_than_forwarded(origin: Origin) -> None:
    with StateRecorder.connect(origin.anvil.url, block=origin.block) as recorder:
        override = {STORE: {"stateDiff": {word(1): word(1)}}}
        answers = recorder.respond([("eth_call", [{"to": STORE, "data": word(1)}, "latest", override])])
        assert isinstance(answers[0], Fault)
        assert "Anvil fork of this URL" in answers[0].message
        assert not recorder.touched


def test_a_call_that_reverts_keeps_its_revert(origin: Origin) -> None:
    reverting = "0x" + "fd" * 20
    # storage[1] is read, then one word of reason is reverted with
    origin.anvil.rpc.call("anvil_setCode", reverting, "0x600154 6000526020 6000fd".replace(" ", ""))
    with StateRecorder.connect(origin.anvil.url, block=origin.block) as recorder:
        answer = recorder.respond([("eth_call", [{"to": reverting, "data": "0x"}, "latest"])])[0]
        assert isinstance(answer, Fault)
        assert answer.data == word(0)
        assert recorder.recording().zero_slots == {reverting: frozenset({1})}


def test_a_command_that_fails_is_recorded_all_the_same(origin: Origin, tmp_path: Path) -> None:
    out = tmp_path / "failed.json"

    def run(url: str) -> None:
        with RpcClient(url) as rpc:
            rpc.call("eth_getStorageAt", STORE, "0x1", "latest")
        raise Retryable("maker", "silent")

    with pytest.raises(Retryable, match="silent"):
        record_state(origin.anvil.url, origin.block, out, run)
    assert load_recording(out).accounts[STORE].storage == {1: 42}


def test_a_recording_that_cannot_be_is_refused_and_leaves_no_file(origin: Origin, tmp_path: Path) -> None:
    ran: list[str] = []
    with pytest.raises(InvalidRequest, match="does not know block"):
        record_state(origin.anvil.url, origin.block + 1000, tmp_path / "a.json", ran.append)
    with pytest.raises(InvalidRequest, match="must end in"):
        record_state(origin.anvil.url, origin.block, tmp_path / "a.txt", ran.append)
    assert ran == []
    with pytest.raises(InvalidRequest, match="read no state"):
        record_state(origin.anvil.url, origin.block, tmp_path / "a.json", ran.append)
    assert len(ran) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_node_that_went_away_is_an_error_of_the_call(project: Path) -> None:
    with Anvil.start(AnvilOptions(), project=project) as anvil:
        recorder = StateRecorder.connect(anvil.url, block=0)
    with recorder:
        answer = recorder.respond([("eth_getBalance", [STORE, "latest"]), ("eth_chainId", [])])
        assert [isinstance(part, Fault) for part in answer] == [True, True]
        assert not recorder.touched


@pytest.fixture
def small_file(tmp_path: Path) -> Path:
    path = tmp_path / "small.json"
    path.write_text(json.dumps({"stateOfBlock": 3, "nextBlockTimestamp": 100, "alloc": {STORE: {"balance": "0x9"}}}))
    return path


def test_a_recording_is_served_by_a_process_of_its_own(small_file: Path) -> None:
    with RecordingProcess.start(small_file) as served:
        with RpcClient(served.url) as rpc:
            assert rpc.call("eth_getBalance", STORE, "latest") == "0x9"
        port = int(served.url.rpartition(":")[2])
        with pytest.raises(InvalidRequest, match=r"port: .*choose another"):
            RecordingProcess.start(small_file, port=port)
    assert not alive(served.pid)


def test_a_process_that_cannot_serve_says_why_in_the_callers_terms(tmp_path: Path) -> None:
    (tmp_path / "bad.json.gz").write_bytes(b"\x1f\x8b\x08")
    with pytest.raises(InvalidRequest, match="damaged gzip") as refused:
        RecordingProcess.start(tmp_path / "bad.json.gz")
    assert refused.value.field == "recording"


def test_a_serving_process_ends_when_its_parent_is_killed(small_file: Path, project: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from oms.adapters.evm.recording.process import RecordingProcess;"
        "served = RecordingProcess.start(Path(sys.argv[1])); print(served.pid, served.url, flush=True);"
        "sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(small_file)], cwd=project, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with parent:
        assert parent.stdout is not None
        pid, url = parent.stdout.readline().split()
        with RpcClient(url.decode()) as rpc:
            assert rpc.call("eth_blockNumber") == "0x3"
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while alive(int(pid)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive(int(pid))


def alive(pid: int) -> bool:
    """Whether the process runs; one that ended but was not collected by its new parent does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")
