"""What the server of a recording answers, and how it behaves as an HTTP endpoint."""

import json
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from oms.adapters.evm.addresses import mapping_slot
from oms.adapters.evm.recording.endpoint import Fault, JsonRpcEndpoint, reply_to
from oms.adapters.evm.recording.format import RecordedAccount, Recording
from oms.adapters.evm.recording.known_state import ANVIL_ACCOUNTS, KnownState
from oms.adapters.evm.recording.server import RecordingServer, serve_recording
from oms.adapters.evm.rpc import RpcClient, RpcFailure
from oms.errors import InvalidRequest
from oms.units import ZERO_ADDRESS, Address

TOKEN = "0x" + "aa" * 20
PLAIN = "0x" + "bb" * 20
ABSENT = "0x" + "cc" * 20
POOL = "0x" + "dd" * 20
STRANGER = "0x" + "ee" * 20
HIDDEN = "0x" + "ff" * 20
HEADER = {"number": "0x7", "hash": "0x" + "11" * 32, "timestamp": "0x64", "gasLimit": "0x1", "baseFeePerGas": "0x5"}
ZERO_WORD = "0x" + "0" * 64


def recording(header: dict[str, str] | None = None) -> Recording:
    return Recording(
        chain_id=1,
        block=7,
        timestamp=100,
        accounts={
            TOKEN: RecordedAccount(16, 1, "0x6000", {1: 42}),
            PLAIN: RecordedAccount(5),
            POOL: RecordedAccount(code="0x6001", storage={0: 1, 4: 9}),
            HIDDEN: RecordedAccount(code=None),
        },
        absent=frozenset({ABSENT}),
        zero_slots={TOKEN: frozenset({2})},
        header=header,
        pool_ticks={POOL: 0},
    )


@pytest.fixture(scope="module")
def served() -> Iterator[RecordingServer]:
    with serve_recording(recording()) as server:
        yield server


@pytest.fixture(scope="module")
def rpc(served: RecordingServer) -> Iterator[RpcClient]:
    with RpcClient(served.url) as client:
        yield client


def word(value: int) -> str:
    return f"0x{value:064x}"


def test_recorded_state_is_answered(rpc: RpcClient) -> None:
    assert rpc.call("eth_getStorageAt", TOKEN, "0x1", "latest") == word(42)
    assert rpc.call("eth_getBalance", TOKEN, "latest") == "0x10"
    assert rpc.call("eth_getTransactionCount", TOKEN, "latest") == "0x1"
    assert rpc.call("eth_getCode", TOKEN.upper().replace("X", "x"), "latest") == "0x6000"
    assert rpc.call("eth_getAccountInfo", PLAIN, "latest") == {"balance": "0x5", "nonce": "0x0", "code": "0x"}


@pytest.mark.parametrize(
    ("address", "slot"),
    [
        (TOKEN, 2),  # recorded as zero
        (PLAIN, 3),  # no code, hence no storage
        (ABSENT, 3),
        (POOL, 1),  # fee growth
        (POOL, 8 + 65_534),  # the last observation
        (TOKEN, mapping_slot(int(ANVIL_ACCOUNTS[0], 16), 63)),  # our balance
        (TOKEN, mapping_slot(int(POOL, 16), mapping_slot(int(ANVIL_ACCOUNTS[9], 16), 0))),  # our allowance
        (STRANGER, mapping_slot(int(ANVIL_ACCOUNTS[0], 16), 0)),
    ],
)
def test_a_slot_known_to_be_zero_is_zero(rpc: RpcClient, address: str, slot: int) -> None:
    assert rpc.call("eth_getStorageAt", address, word(slot), "latest") == ZERO_WORD


@pytest.mark.parametrize(
    ("address", "slot"),
    [
        (TOKEN, 3),
        (POOL, 5),
        (POOL, 8 + 65_535),
        (STRANGER, 0),
        (HIDDEN, 0),
        (TOKEN, mapping_slot(int(STRANGER, 16), 0)),
        (TOKEN, mapping_slot(int(ANVIL_ACCOUNTS[0], 16), 64)),
        (TOKEN, mapping_slot(0, int(ANVIL_ACCOUNTS[0], 16))),
    ],
)
def test_any_other_slot_is_an_error_and_never_zero(rpc: RpcClient, address: str, slot: int) -> None:
    refused = rpc.batch([("eth_getStorageAt", [address, word(slot), "latest"])])[0]
    assert refused == RpcFailure("eth_getStorageAt", -32001, f"state not recorded: storage {address}[{word(slot)}]")
    assert refused.state_missing


@pytest.mark.parametrize("method", ["eth_getBalance", "eth_getCode", "eth_getTransactionCount", "eth_getAccountInfo"])
def test_an_unknown_account_is_an_error(rpc: RpcClient, method: str) -> None:
    refused = rpc.batch([(method, [STRANGER, "latest"])])[0]
    assert refused == RpcFailure(method, -32001, f"state not recorded: account {STRANGER}")


def test_code_that_was_not_recorded_is_an_error(rpc: RpcClient) -> None:
    assert rpc.batch([("eth_getCode", [HIDDEN, "latest"])])[0].code == -32001
    assert rpc.call("eth_getBalance", HIDDEN, "latest") == "0x0"


def test_the_zero_address_is_empty_unless_strictness_is_asked_for(rpc: RpcClient) -> None:
    assert rpc.call("eth_getBalance", ZERO_ADDRESS, "latest") == "0x0"
    with serve_recording(recording(), zero_address_empty=False) as strict, RpcClient(strict.url) as client:
        assert client.batch([("eth_getBalance", [ZERO_ADDRESS, "latest"])])[0].state_missing


def test_own_accounts_and_unknown_ones_are_empty_when_the_caller_says_so() -> None:
    with serve_recording(recording(), own=[Address(STRANGER)]) as server, RpcClient(server.url) as client:
        assert client.call("eth_getBalance", STRANGER, "latest") == "0x0"
        slot = word(mapping_slot(int(STRANGER, 16), 9))
        assert client.call("eth_getStorageAt", TOKEN, slot, "latest") == ZERO_WORD
    with serve_recording(recording(), zero_unknown=True) as server, RpcClient(server.url) as client:
        assert client.call("eth_getStorageAt", STRANGER, "0x9", "latest") == ZERO_WORD
        assert client.batch([("eth_getStorageAt", [TOKEN, "0x9", "latest"])])[0].state_missing


def test_a_recorded_header_pins_the_answers_to_its_block() -> None:
    with serve_recording(recording(HEADER)) as server, RpcClient(server.url) as client:
        for block in ("latest", "0x7", HEADER["hash"], {"blockHash": HEADER["hash"]}):
            assert client.call("eth_getBalance", TOKEN, block) == "0x10"
        for block in ("0x6", "earliest", "0x" + "22" * 32):
            assert client.batch([("eth_getBalance", [TOKEN, block])])[0].state_missing
        assert client.call("eth_getBlockByNumber", "latest", False) == HEADER | {
            "transactions": [],
            "uncles": [],
            "withdrawals": [],
        }
        assert client.call("eth_gasPrice") == "0x5"
        assert client.batch([("eth_getLogs", [{}])])[0].state_missing


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("eth_call", [{"to": TOKEN}, "latest"], -32601),
        ("eth_sendRawTransaction", ["0x00"], -32601),
        ("eth_getBalance", [], -32602),
        ("eth_getBalance", ["0x12"], -32602),
        ("eth_getBalance", [7], -32602),
        ("eth_getStorageAt", [TOKEN], -32602),
        ("eth_getStorageAt", [TOKEN, "1"], -32602),
        ("eth_getStorageAt", [TOKEN, "0x" + "1" * 65], -32602),
    ],
)
def test_what_is_not_served_or_not_well_formed_is_refused(
    rpc: RpcClient, method: str, params: list[Any], code: int
) -> None:
    assert rpc.batch([(method, params)])[0].code == code


def test_a_batch_is_answered_in_order_beside_its_errors(served: RecordingServer) -> None:
    calls = [
        {"jsonrpc": "2.0", "id": "a", "method": "eth_chainId"},
        {"jsonrpc": "2.0", "id": 2, "method": "eth_getBalance", "params": [STRANGER]},
        7,
        {"jsonrpc": "2.0", "id": None, "method": "eth_blockNumber", "params": []},
    ]
    replies = httpx.post(served.url, json=calls).json()
    assert [reply["id"] for reply in replies] == ["a", 2, None, None]
    assert [reply.get("result") for reply in replies] == ["0x1", None, None, "0x7"]
    assert [reply.get("error", {}).get("code") for reply in replies] == [None, -32001, -32600, None]


@pytest.mark.parametrize(("body", "code"), [(b"{", -32700), (b"[" * 100_000, -32700), (b"[]", -32600), (b"1", -32600)])
def test_a_body_that_is_no_call_is_answered_with_an_error(body: bytes, code: int) -> None:
    assert json.loads(reply_to(body, lambda _: []))["error"]["code"] == code


def test_a_responder_that_fails_still_answers_every_call() -> None:
    def broken(calls: Sequence[Any]) -> list[Any]:
        raise ZeroDivisionError("boom")

    replies = json.loads(reply_to(b'[{"method": "x", "id": 1}, {"method": "y", "id": 2}]', broken))
    assert [reply["error"]["message"] for reply in replies] == ["ZeroDivisionError: boom"] * 2


def test_revert_data_goes_through() -> None:
    reply = json.loads(reply_to(b'{"method": "x", "id": 1}', lambda _: [Fault(3, "reverted", "0x08c379a0")]))
    assert reply["error"] == {"code": 3, "message": "reverted", "data": "0x08c379a0"}


def test_a_request_without_or_beyond_length_is_refused(served: RecordingServer) -> None:
    for head, status in (
        (b"Content-Length: 99999999999\r\n", b"413"),
        (b"", b"411"),
        (b"Content-Length: -1\r\n", b"413"),
    ):
        with socket.create_connection(("127.0.0.1", served.port), timeout=5) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n")
            assert connection.recv(100).split(b" ")[1] == status


def test_many_connections_at_once_are_all_answered(rpc: RpcClient) -> None:
    def ask(slot: int) -> str:
        return str(rpc.call("eth_getStorageAt", TOKEN, hex(1 + slot % 2), "latest"))

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ask, range(64))) == [word(42), ZERO_WORD] * 32


def test_closing_ends_open_connections_and_may_be_repeated() -> None:
    server = JsonRpcEndpoint(lambda calls: [None for _ in calls])
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as idle:
        idle.sendall(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
        assert idle.recv(1000).startswith(b"HTTP/1.1 200")
        server.close()
        assert idle.recv(1) == b""
    server.close()


def test_a_taken_port_is_the_callers_to_change(served: RecordingServer) -> None:
    for port in (served.port, 70_000):
        with pytest.raises(InvalidRequest, match="choose another"):
            RecordingServer(KnownState(recording()), port=port)
