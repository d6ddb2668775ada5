"""The recorder in front of nodes that lack methods, change their minds or answer nonsense."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from oms.adapters.evm.recording.endpoint import METHOD_NOT_FOUND, Call, Fault, JsonRpcEndpoint
from oms.adapters.evm.recording.recorder import StateRecorder, record_state
from oms.adapters.evm.rpc import RpcClient
from oms.errors import StateConflict, Terminal

STORE = "0x" + "57" * 20
MINER = "0x" + "3a" * 20
HEADER = {"number": "0x7", "hash": "0x" + "11" * 32, "timestamp": "0x64", "gasLimit": "0x1", "miner": MINER}
WORD_ONE = f"0x{1:064x}"

Method = Callable[[list[Any]], Any]
STATE: dict[str, Method] = {
    "eth_chainId": lambda _: "0x1",
    "eth_getBlockByNumber": lambda _: HEADER,
    "eth_getBalance": lambda _: "0x5",
    "eth_getTransactionCount": lambda _: "0x0",
    "eth_getCode": lambda _: "0x6000",
    "eth_getStorageAt": lambda _: WORD_ONE,
    "eth_call": lambda _: "0x1234",
}
CALL: Call = ("eth_call", [{"to": STORE}, "latest"])


@contextmanager
def node(**changes: Method | None) -> Iterator[tuple[str, list[Call]]]:
    """A node of the methods above and `changes` (None takes one away); its URL, and the calls it got."""
    methods: dict[str, Method | None] = {**STATE, **changes}
    seen: list[Call] = []

    def respond(calls: Sequence[Call]) -> list[Any]:
        seen.extend(calls)
        found = [(methods.get(method), params) for method, params in calls]
        return [Fault(METHOD_NOT_FOUND, "unknown") if m is None else m(params) for m, params in found]

    with JsonRpcEndpoint(respond) as endpoint:
        yield endpoint.url, seen


def test_a_node_without_access_lists_is_asked_for_a_trace() -> None:
    traced = {STORE: {"balance": "0x5", "storage": {WORD_ONE: "0x2"}}, MINER: {"balance": "0x1"}}
    with node(debug_traceCall=lambda _: traced) as (url, _), StateRecorder.connect(url, block=7) as recorder:
        assert recorder.respond([CALL]) == ["0x1234"]
        assert recorder.recording().accounts[STORE].storage == {1: 1}
        assert MINER in recorder.recording().accounts


def test_a_call_is_refused_and_not_forwarded_when_nothing_says_what_it_reads() -> None:
    with node() as (url, seen), StateRecorder.connect(url, block=7) as recorder:
        answer = recorder.respond([CALL])[0]
        assert isinstance(answer, Fault)
        assert "Anvil fork of this URL" in answer.message
        assert "eth_call" not in [method for method, _ in seen]


@pytest.mark.parametrize("listed", [None, {}, {"accessList": 5}, {"accessList": [{"address": "me"}]}])
def test_a_nonsensical_access_list_is_an_error_of_the_call(listed: Any) -> None:
    with node(eth_createAccessList=lambda _: listed) as (url, _), StateRecorder.connect(url, block=7) as recorder:
        assert isinstance(recorder.respond([CALL])[0], Fault)
        assert not recorder.touched


def test_state_that_the_node_refuses_or_garbles_is_an_error_and_is_not_recorded() -> None:
    read: Call = ("eth_getStorageAt", [STORE, "0x1", "latest"])
    for broken in (None, lambda _: "much", lambda _: Fault(-32000, "missing trie node")):
        with node(eth_getStorageAt=broken) as (url, _), StateRecorder.connect(url, block=7) as recorder:
            assert isinstance(recorder.respond([read])[0], Fault)
            assert recorder.recording().zero_slots == {}


def test_state_is_asked_for_once_and_at_the_pinned_block() -> None:
    with node() as (url, seen), StateRecorder.connect(url, block=7) as recorder:
        for _ in range(3):
            recorder.respond([("eth_getStorageAt", [STORE, "0x1", "latest"]), ("eth_getBalance", [STORE, "0x7"])])
        asked = [
            (method, params[-1]) for method, params in seen if method not in ("eth_chainId", "eth_getBlockByNumber")
        ]
    assert sorted(asked) == [
        ("eth_getBalance", "0x7"),
        ("eth_getCode", "0x7"),
        ("eth_getStorageAt", "0x7"),
        ("eth_getTransactionCount", "0x7"),
    ]


def test_the_miner_is_recorded_so_that_a_fork_can_credit_fees(tmp_path: Path) -> None:
    with node() as (url, _):
        recording = record_state(url, 7, tmp_path / "a.json", read_a_slot)
    assert MINER in recording.accounts


def test_a_block_that_was_replaced_meanwhile_is_not_written(tmp_path: Path) -> None:
    hashes = iter(["0x" + "11" * 32, "0x" + "22" * 32])
    with (
        node(eth_getBlockByNumber=lambda _: HEADER | {"hash": next(hashes)}) as (url, _),
        pytest.raises(StateConflict, match="was replaced"),
    ):
        record_state(url, 7, tmp_path / "a.json", read_a_slot)
    assert list(tmp_path.iterdir()) == []


def test_a_nonsensical_header_is_the_nodes_fault(tmp_path: Path) -> None:
    with (
        node(eth_getBlockByNumber=lambda _: {"number": "0x7"}) as (url, _),
        pytest.raises(Terminal, match="another node"),
    ):
        record_state(url, 7, tmp_path / "a.json", read_a_slot)


def test_the_url_of_the_node_does_not_get_into_the_file(tmp_path: Path) -> None:
    with node() as (url, _):
        record_state(f"{url}/v3/secret-key", 7, tmp_path / "a.json", read_a_slot)
        text = (tmp_path / "a.json").read_text()
        assert "secret-key" not in text
        assert url not in text


def read_a_slot(url: str) -> None:
    with RpcClient(url) as rpc:
        assert rpc.call("eth_getStorageAt", STORE, "0x1", "latest") == WORD_ONE
