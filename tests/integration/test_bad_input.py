"""Bad input and a bad world: one line that names the culprit and the remedy, the right exit code, and nothing sent."""

import functools
import gzip
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from oms.adapters.evm.chain import PinnedChain
from oms.adapters.evm.rpc import RpcClient, RpcFailure
from oms.adapters.storage.journal import SqliteJournal
from oms.application.plan_file import plan_json
from oms.bootstrap.configuration import SystemClock
from oms.bootstrap.sessions import DESK
from oms.domain.events import OrderFailed, OrderReceived, TransactionIntended
from oms.domain.plans import Side
from oms.errors import OutcomeUnknown, Retryable, Terminal, VenueError
from oms.units import Address
from tests.integration.command_line import CALLER, WORLD, Ran, oms, refused
from tests.integration.hostile_nodes import HEAD, Respond, answered, failing, hostile_node, http, noise, said
from tests.unit.application.samples import book, plan_of, report, sell

DAI = "0x6B175474E89094C44Da98b954EedeAC495271d0F"
USDC = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
IMPOSTOR = "0x1111111111111111111111111111111111111111"
NOBODY = "0x000000000000000000000000000000000000bEEF"


@dataclass(frozen=True)
class Desk:
    """A development chain that is up under an OMS_HOME, and what proves that nothing was sent on it."""

    home: Path
    rpc: RpcClient

    def run(self, *words: str) -> Ran:
        return oms(self.home, *words)

    @contextmanager
    def untouched(self) -> Iterator[None]:
        """Nothing was signed by the desk, no intent to send was recorded, and the journal is intact, afterwards."""
        before = self._sent()
        yield
        assert self._sent() == before
        with self._journal() as journal:
            journal.verify()

    def _sent(self) -> tuple[int, int]:
        nonce = int(str(self.rpc.call("eth_getTransactionCount", DESK, "latest")), 16)
        with self._journal() as journal:
            intended = sum(isinstance(entry.event, TransactionIntended) for entry in journal.entries())
        return nonce, intended

    def _journal(self) -> SqliteJournal:
        return SqliteJournal(self.home / "journal.sqlite", clock=SystemClock())


@pytest.fixture(scope="module")
def desk(devnet_home: Path) -> Iterator[Desk]:
    """A devnet named `bad` on which one order was settled, so that contracts and journal are there."""
    started = oms(devnet_home, "fork", "up", "--alone", "--name", "bad")
    assert started.code == 0, started.err
    try:
        url = json.loads((devnet_home / "forks" / "bad.json").read_text())["url"]
        with RpcClient(url) as rpc:
            settled = oms(devnet_home, "swap", "1", "WETH", "USDC", "--chain", "bad")
            assert settled.code == 0, settled.err
            yield Desk(devnet_home, rpc)
    finally:
        assert oms(devnet_home, "fork", "down", "--name", "bad").code == 0


@pytest.fixture
def undone(desk: Desk) -> Iterator[Desk]:
    """The same, and what the test does to the chain is undone."""
    snapshot = desk.rpc.call("evm_snapshot")
    yield desk
    desk.rpc.call("evm_revert", snapshot)


# --- what the caller typed ---------------------------------------------------------------------------------------


@pytest.mark.fork
@pytest.mark.parametrize("command", ["quote", "swap"])
@pytest.mark.parametrize(
    ("words", "said_words"),
    [
        (["0", "WETH", "USDC"], ["amount", "greater than zero"]),
        (["-5", "WETH", "USDC"], ["amount", "greater than zero"]),
        (["-0.5", "WETH", "USDC"], ["amount", "greater than zero"]),
        (["nan", "WETH", "USDC"], ["amount", "greater than zero"]),
        (["five", "WETH", "USDC"], ["amount", "'five'", "write it like"]),
        (["0,5", "WETH", "USDC"], ["amount", "write 0.5"]),
        (["1.0000001", "USDC", "WETH"], ["amount", "6 decimals", "round it yourself"]),
        (["1e-999999999", "WETH", "USDC"], ["amount", "18 decimals"]),
        (["9" * 4_000, "WETH", "USDC"], ["amount", "longer than any"]),
        (["1", "WETH", "WETH"], ["token_out", "twice", "two different"]),
        (["1", "WETH", "eth"], ["token_out", "twice", "two different"]),
        (["1", "WETH", "FROB"], ["token_out", "FROB", "give the token's address"]),
        (["1", "WETH", "\x1b[2JX"], ["token_out", "give the token's address"]),
        (["1", "USDX", "WETH"], ["token_in", "did you mean USD"]),
        (["1", "WETH", "0x123"], ["token_out", "40 hex digits"]),
        (["1", "WETH", "0xA0b86991c6218b36c1d19d4a2e9eb0ce3606eB48"], ["token_out", "checksum", "copy it again"]),
        (["1", "WETH", NOBODY], ["token_out", NOBODY, "no code", "check the address"]),
        (["1", "WETH", "0x000000000004444c5dc75cB358380D2e3dE08A90"], ["token_out", "is not a token"]),
        (["1", "WETH", "BAL"], ["no path"]),
        (["900000000", "WETH", "USDC", "--buy"], ["the amount is beyond the liquidity", "ask for less"]),
        (["1", "WETH", "USDC", "--venues", "nasdaq"], ["venues", "nasdaq", "choose from", "uniswap_v3"]),
        (["1", "WETH", "USDC", "--venues", " , "], ["venues", "leave it out"]),
        (["1", "WETH", "USDC", "--max-hops", "9"], ["--max-hops", "1<=x<=6"]),
        (["1", "WETH"], ["TOKEN_OUT", "--help"]),
    ],
)
def test_an_order_that_cannot_be_meant_is_refused(
    desk: Desk, command: str, words: list[str], said_words: list[str]
) -> None:
    with desk.untouched():
        refused(desk.run(command, *words, "--chain", "bad"), CALLER, *said_words)


@pytest.mark.fork
@pytest.mark.parametrize(
    ("words", "said_words"),
    [
        (["--slippage-bps", "0"], ["--slippage-bps", "1<=x<=10000"]),
        (["--slippage-bps", "many"], ["--slippage-bps", "integer"]),
        (["--slippage-bps", "5000"], ["slippage", "5000 bps", "lower --slippage-bps"]),
        (["--deadline", "1"], ["--deadline", "5<=x<=3600"]),
        (["--account", "0xnobody"], ["account", "40 hex digits"]),
        (["--account", NOBODY], ["account", NOBODY, "ether", "name an account"]),
        (["--json", "/"], ["json", "is a folder", "name a file"]),
        (["--json", ""], ["json", "is a folder", "name a file"]),
        (["--json", "/nowhere/at/all.json"], ["json", "/nowhere/at", "create that folder"]),
        (["--plan", "/nowhere/at/all.json"], ["plan", "/nowhere/at", "create that folder"]),
    ],
)
def test_a_swap_on_terms_that_cannot_be_met_sends_nothing(
    undone: Desk, words: list[str], said_words: list[str]
) -> None:
    with undone.untouched():
        refused(undone.run("swap", "1", "WETH", "USDC", "--chain", "bad", *words), CALLER, *said_words)


@pytest.mark.fork
def test_an_account_with_ether_and_no_tokens_is_refused_by_the_gate(undone: Desk) -> None:
    undone.rpc.call("anvil_setBalance", NOBODY, hex(10**20))
    with undone.untouched():
        ran = undone.run("swap", "1", "WETH", "USDC", "--chain", "bad", "--account", NOBODY)
        refused(ran, CALLER, "nothing was sent", "balance of owner", "has 0, needs 1 WETH")


@pytest.mark.fork
def test_a_token_that_nobody_can_be_given_is_refused(undone: Desk) -> None:
    """Its balances answer zero whatever its storage holds."""
    undone.rpc.call("anvil_setCode", DAI, "0x60206000f3")
    with undone.untouched():
        ran = undone.run("swap", "100", "DAI", "USDC", "--chain", "bad")
        refused(ran, CALLER, "token", DAI, "transfer from a holder")


@pytest.mark.fork
def test_an_order_beyond_the_size_limit_is_refused_by_the_gate(undone: Desk) -> None:
    with undone.untouched():
        refused(undone.run("swap", "6000", "WETH", "USDC", "--chain", "bad"), CALLER, "size", "lower the amount")


@pytest.mark.fork
@pytest.mark.parametrize("words", [[], ["--dry-run"]], ids=["swap", "dry run"])
def test_an_order_that_the_gate_refuses_still_writes_what_is_known(
    undone: Desk, tmp_path: Path, words: list[str]
) -> None:
    path = tmp_path / "out.json"
    with undone.untouched():
        ran = undone.run("swap", "6000", "WETH", "USDC", "--chain", "bad", "--json", str(path), *words)
        refused(ran, CALLER, "size", "lower the amount")
    written = json.loads(path.read_text())
    assert "lower the amount" in written["denied"]
    assert written["problem"] in ran.err
    assert "size" in [finding["name"] for finding in written["findings"] if not finding["passed"]]
    assert written["plan"]["intent"]["amount"] == str(6_000 * 10**18)
    assert written.get("settled", False) is False


# --- chains ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "said_words"),
    [
        (["--chain", "mars"], CALLER, ["chain", "'mars'", "oms fork up"]),
        (["--chain", "../mars"], CALLER, ["name", "a-z"]),
        (["--chain", "mars", "--recording", "x"], CALLER, ["chain", "give one of"]),
        (["--rpc-url", "http://x", "--recording", "x"], CALLER, ["rpc-url", "not both"]),
        (["--rpc-url", "ws://127.0.0.1"], CALLER, ["rpc-url", "http://"]),
        (["--rpc-url", "http://"], CALLER, ["rpc-url", "host"]),
        (["--rpc-url", "http://[::1"], CALLER, ["rpc-url", "not a URL"]),
        (["--rpc-url", f"http://{'b' * 80}.invalid"], CALLER, ["rpc-url", "DNS"]),
        (["--recording", "nowhere.json"], CALLER, ["recording", "nowhere.json", "correct the path"]),
        (["--chain", "recorded"], CALLER, ["recording", "OMS_DATA"]),
    ],
)
@pytest.mark.parametrize("command", ["quote", "swap"])
def test_a_chain_that_is_not_there_is_named(
    tmp_path: Path, command: str, words: list[str], code: int, said_words: list[str]
) -> None:
    refused(oms(tmp_path, command, "1", "WETH", "USDC", *words), code, *said_words)


@pytest.mark.parametrize("command", ["quote", "swap"])
def test_a_node_that_is_down_is_the_worlds_fault(tmp_path: Path, command: str) -> None:
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can take it, and nobody answers
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        refused(oms(tmp_path, command, "1", "WETH", "USDC", "--rpc-url", url), WORLD, "no node answers", "--rpc-url")


def now() -> int:
    return int(time.time())


def always(value: Any) -> Callable[[str, list[Any]], Any]:
    return lambda _method, _params: value


def batched_short(request: Any) -> bytes:
    whole = answered(request, noise(1, now=now()))
    return said(json.loads(whole.split(b"\r\n\r\n", 1)[1])[:-1]) if isinstance(request, list) else whole


def endless(_: Any) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n["
    while True:
        yield b" " * 4096


def of_chain_then(other: int) -> Respond:
    """Says chain 1 when asked alone, and another chain in a batch."""
    return lambda r: answered(r, noise(1, chain_id=other if isinstance(r, list) else 1, now=now()))


HOSTILE: Mapping[str, tuple[Respond, list[str]]] = {
    "not JSON": (lambda _: http(b"hello"), ["not JSON-RPC", "--rpc-url"]),
    "HTML": (lambda _: http(b"<html><body>Bad Gateway</body></html>"), ["not JSON-RPC", "--rpc-url"]),
    "nothing": (lambda _: http(b""), ["not JSON-RPC"]),
    "null": (lambda _: said(None), ["not JSON-RPC"]),
    "a number": (lambda _: said(5), ["not JSON-RPC"]),
    "a list of anything": (lambda _: said([1, "a", None, [], {"id": {}, "result": 1}]), ["not JSON-RPC"]),
    "brackets without end": (lambda _: http(b"[" * 100_000), ["not JSON-RPC"]),
    "another call's answer": (lambda _: said({"jsonrpc": "2.0", "id": 10**9, "result": "0x1"}), ["not JSON-RPC"]),
    "an empty batch": (
        lambda r: said([]) if isinstance(r, list) else answered(r, noise(1, now=now())),
        ["left 2 of 2", "try again"],
    ),
    "a short batch": (batched_short, ["left 1 of 2", "try again"]),
    "a closed connection": (lambda _: b"", ["try again or use another node"]),
    "half an answer": (lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", ["try again or use another node"]),
    "another protocol": (lambda _: b"220 mail.example ESMTP\r\n", ["try again or use another node"]),
    "HTTP 500": (lambda _: http(b"oops", status=500), ["HTTP 500", "use another node"]),
    "HTTP 429": (lambda _: http(b"slow down", status=429), ["HTTP 429", "wait"]),
    "HTTP 401": (lambda _: http(b"who?", status=401), ["HTTP 401", "its key"]),
    "a redirect": (lambda _: http(b"", status=302), ["HTTP 302", "check the URL"]),
    "an error that drives terminals": (
        lambda r: failing(r, {"code": -32000, "message": "boom\x1b[2J\n[/red]\x07" + "x" * 10**6}),
        ["boom", "another node"],
    ),
    "an error that is text": (lambda r: failing(r, "boom"), ["boom", "another node"]),
    "an error of wrong types": (lambda r: failing(r, {"code": [1], "message": {"a": 1}, "data": 7}), ["another node"]),
    "results of a wrong type": (lambda r: answered(r, always({"a": 1})), ["expected a hex number", "another"]),
    "no results": (lambda r: answered(r, always(None)), ["expected a hex number", "another node"]),
    "hex that is none": (lambda r: answered(r, always("0xzz")), ["expected a hex number"]),
    "a number without end": (lambda r: answered(r, always("0x" + "f" * 10**6)), ["expected a hex number"]),
    "a header without a hash": (
        lambda r: answered(r, lambda m, _p: {**HEAD, "hash": "0x12"} if "Block" in m else "0x1"),
        ["no block header"],
    ),
    "a lagging head": (lambda r: answered(r, noise(1, now=now() - 9_999)), ["lags", "use another node"]),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_node_is_the_worlds_fault(tmp_path: Path, kind: str) -> None:
    respond, said_words = HOSTILE[kind]
    with hostile_node(respond) as url:
        ran = oms(tmp_path, "quote", "1", "WETH", "USDC", "--rpc-url", url)
    refused(ran, WORLD, "rpc 127.0.0.1", *said_words)
    assert not (tmp_path / "journal.sqlite").exists()


def test_a_node_of_another_chain_is_named(tmp_path: Path) -> None:
    with hostile_node(of_chain_then(8453)) as url:
        refused(oms(tmp_path, "quote", "1", "WETH", "USDC", "--rpc-url", url), CALLER, "rpc-url", "chain 8453, not 1")
    with hostile_node(lambda r: answered(r, noise(1, chain_id=424_242, now=now()))) as url:
        refused(oms(tmp_path, "quote", "1", "WETH", "USDC", "--rpc-url", url), CALLER, "token_in", "chain 424242")


@pytest.mark.parametrize("seed", range(12))
def test_a_node_of_random_state_never_breaks_us(tmp_path: Path, seed: int) -> None:
    """One pool in an impossible state must not spoil the others, and none may end in a defect."""
    with hostile_node(lambda r: answered(r, noise(seed, now=now()))) as url:
        ran = oms(tmp_path, "quote", "1", "WETH", "USDC", "--rpc-url", url)
    if ran.code:
        refused(ran, ran.code)
    assert ran.code in (0, CALLER, WORLD)


@pytest.mark.parametrize("respond", [lambda _: None, endless], ids=["silent", "endless"])
def test_a_node_that_never_ends_its_answer_is_cut_off(respond: Respond) -> None:
    with hostile_node(respond) as url, RpcClient(url, timeout_seconds=0.2) as rpc:
        began = time.monotonic()
        with pytest.raises(Retryable, match="ReadTimeout"):
            rpc.call("eth_chainId")
        assert time.monotonic() - began < 5.0


@pytest.mark.parametrize(
    "respond",
    [lambda _: None, lambda _: b"", lambda _: http(b"x"), lambda _: http(b"", status=503), endless],
    ids=["silent", "closed", "garbage", "unavailable", "endless"],
)
def test_what_was_sent_and_not_answered_is_unknown_never_failed(respond: Respond) -> None:
    with hostile_node(respond) as url, RpcClient(url, timeout_seconds=0.2) as rpc, pytest.raises(OutcomeUnknown):
        rpc.call("eth_sendRawTransaction", "0x00")


def test_a_send_that_nobody_listened_to_may_be_repeated() -> None:
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        with RpcClient(f"http://127.0.0.1:{held.getsockname()[1]}") as rpc, pytest.raises(Retryable):
            rpc.call("eth_sendRawTransaction", "0x00")


def test_a_node_without_batches_is_asked_one_by_one() -> None:
    def respond(request: Any) -> bytes:
        if isinstance(request, list):
            return said({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no batches"}})
        return answered(request, noise(1, now=now()))

    with hostile_node(respond) as url, RpcClient(url) as rpc:
        assert PinnedChain.at_latest(rpc).block.chain_id == 1


def test_a_batch_may_come_back_in_any_order_with_a_refusal_in_its_place() -> None:
    def respond(request: Any) -> bytes:
        replies: list[dict[str, Any]] = [{"id": c["id"], "result": c["method"]} for c in request]
        replies[1] = {"id": request[1]["id"], "error": {"code": 3, "message": "no", "data": "0x08"}}
        return said(replies[::-1])

    with hostile_node(respond) as url, RpcClient(url) as rpc:
        first, second, third = rpc.batch([("a", []), ("b", []), ("c", [])])
    assert (first, third) == ("a", "c")
    assert second == RpcFailure("b", 3, "no", b"\x08")


@pytest.mark.fork
@pytest.mark.parametrize("kind", ["HTML", "a closed connection", "an error that is text"])
def test_a_swap_on_a_hostile_node_sends_nothing(desk: Desk, kind: str) -> None:
    with desk.untouched(), hostile_node(HOSTILE[kind][0]) as url:
        refused(desk.run("swap", "1", "WETH", "USDC", "--rpc-url", url), WORLD, "rpc 127.0.0.1")


def test_an_unexpected_answer_names_no_secret_of_the_url() -> None:
    with hostile_node(lambda _: http(b"x")) as url, RpcClient(f"{url}/v3/s3cr3t") as rpc:
        with pytest.raises(VenueError) as caught:
            rpc.call("eth_chainId")
        assert isinstance(caught.value, Terminal)
        assert "s3cr3t" not in str(caught.value)


# --- files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said_words"),
    [
        ("a = = 1", ["not TOML"]),
        (b"\xff\xfe\x00", ["cannot be read", "mend or delete"]),
        ("frobs = 1", ["frobs", "not permitted"]),
        ("slippage_bps = 'x'", ["slippage_bps", "integer"]),
        ("slippage_bps = 0", ["slippage_bps", "greater than"]),
        ("max_hops = 7", ["max_hops", "less than"]),
        ("rpc_urls = 5", ["rpc_urls", "dictionary"]),
        ("[limits]\nmax_slippage_bps = -1", ["limits.max_slippage_bps"]),
        ("[limits]\nmax_plan_age_seconds = nan", ["limits.max_plan_age_seconds"]),
        ("[limits.max_order_size]\nWETH = nan", ["limits.max_order_size.WETH", "finite"]),
        ("a = " + "[" * 20_000, ["mend or delete"]),
        ("deadline_seconds = " + "9" * 5_000, ["mend or delete"]),
        ("max_hops = 1\nmax_hops = 2", ["not TOML"]),
    ],
)
def test_a_bad_settings_file_names_the_setting(tmp_path: Path, text: str | bytes, said_words: list[str]) -> None:
    (tmp_path / "config.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    refused(oms(tmp_path, "quote", "1", "WETH", "USDC"), CALLER, "config.toml", *said_words)


def listed(**fields: Any) -> str:
    entry = {"chainId": 1, "address": IMPOSTOR, "symbol": "USDC", "decimals": 6, **fields}
    return json.dumps({"name": "mine", "tokens": [entry]})


def quote_with_list(home: Path, text: str | bytes, *tokens: str) -> Ran:
    path = home / "tokens.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (home / "config.toml").write_text(f"token_list = '{path}'\n")
    with hostile_node(lambda r: answered(r, noise(1, now=now()))) as url:
        return oms(home, "quote", "1", *tokens, "--rpc-url", url)


def test_two_tokens_of_one_symbol_are_both_listed_and_the_address_is_asked_for(tmp_path: Path) -> None:
    ran = quote_with_list(tmp_path, listed(), "WETH", "usdc")
    refused(ran, CALLER, "token_out", "ambiguous", USDC, IMPOSTOR, "give the address")


def test_an_address_tells_tokens_of_one_symbol_apart(tmp_path: Path) -> None:
    ran = quote_with_list(tmp_path, listed(), USDC, IMPOSTOR)
    assert "ambiguous" not in ran.err


@pytest.mark.parametrize(
    ("text", "said_words"),
    [
        ("x", ["not JSON"]),
        ("{}", ["no list of tokens"]),
        ("[" * 100_000, ["not JSON"]),
        (b"\x1f\x8bjunk", ["cannot be read"]),
        (gzip.compress(listed().encode(), mtime=0)[:-12], ["cannot be read"]),
        (listed(decimals=10**6), ["token 0", "decimals"]),
        (listed(decimals="6"), ["token 0", "wrong type"]),
        (listed(address="0x12"), ["token 0", "not an address"]),
        (listed(symbol=5), ["token 0", "no symbol"]),
    ],
)
def test_a_bad_token_list_names_the_entry(tmp_path: Path, text: str | bytes, said_words: list[str]) -> None:
    refused(quote_with_list(tmp_path, text, "WETH", "USDC"), CALLER, "token-list", *said_words)


def test_a_symbol_from_a_list_cannot_drive_the_terminal(tmp_path: Path) -> None:
    ran = quote_with_list(tmp_path, listed(symbol="\x1b[2J[red]"), "WETH", IMPOSTOR)
    assert "\x1b" not in ran.out + ran.err
    assert ran.code in (0, CALLER)


@pytest.mark.parametrize("words", [["quote", "1", "WETH", "USDC"], ["swap", "1", "WETH", "USDC"], ["fork", "up"]])
@pytest.mark.parametrize("name", ["empty.json.gz", "object.json", "binary.json", "deep.json", "folder.json"])
def test_a_bad_recording_is_refused(tmp_path: Path, words: list[str], name: str) -> None:
    path = tmp_path / name
    contents = {"object.json": b"{}", "binary.json": b"\x00\x01", "deep.json": b"[" * 100_000, "empty.json.gz": b""}
    if name in contents:
        path.write_bytes(contents[name])
    else:
        path.mkdir()
    refused(oms(tmp_path, *words, "--recording", str(path)), CALLER, "recording", name)


@pytest.mark.recorded
def test_a_recording_that_was_cut_short_is_refused(tmp_path: Path, oms_data: Path) -> None:
    whole = (oms_data / "mainnet" / "alloc_24628608_merged.json.gz").read_bytes()
    path = tmp_path / "half.json.gz"
    path.write_bytes(whole[: len(whole) // 2])
    refused(oms(tmp_path, "quote", "1", "WETH", "USDC", "--recording", str(path)), CALLER, "half.json.gz", "damaged")


@pytest.mark.parametrize(
    "words", [["quote", "1", "WETH", "USDC"], ["swap", "1", "WETH", "USDC"], ["fork", "up", "--alone"], ["doctor"]]
)
@pytest.mark.fork
def test_a_home_that_cannot_be_written_is_the_worlds_fault(tmp_path: Path, words: list[str]) -> None:
    """A home below a file: no user may create it, not even root."""
    (tmp_path / "file").write_text("")
    refused(oms(tmp_path / "file" / "home", *words), WORLD)


def test_a_home_of_a_user_who_is_not_there_is_named(tmp_path: Path) -> None:
    refused(oms(tmp_path, "fork", "status", OMS_HOME="~no-such-user/x"), CALLER, "OMS_HOME", "whole path")


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda _: None, CALLER),
        (lambda path: path.mkdir(), WORLD),
        (lambda path: path.write_bytes(b"not a database, and long enough to be taken for one" * 99), WORLD),
    ],
    ids=["absent", "folder", "garbage"],
)
def test_a_journal_that_cannot_be_read_is_said_so(tmp_path: Path, make: Any, code: int) -> None:
    make(tmp_path / "journal.sqlite")
    for command in ("show", "verify"):
        refused(oms(tmp_path, "journal", command), code, "journal", str(tmp_path))


def test_a_journal_cannot_drive_the_terminal(tmp_path: Path) -> None:
    with SqliteJournal(tmp_path / "journal.sqlite", clock=SystemClock()) as journal:
        journal.append(OrderReceived("one", Side.SELL, Address(DAI), Address(USDC), 1))
        journal.append(OrderFailed("one", "boom\x1b[2J\nforged line\u202e"))
    shown = oms(tmp_path, "journal", "show")
    assert shown.code == 0, shown.err
    assert shown.out.count("\n") == 2
    assert "boom?[2J forged line?" in shown.out
    assert all(line.isprintable() for line in shown.out.splitlines())


@pytest.mark.fork
def test_a_switched_off_venue_that_is_none_is_said_so(desk: Desk) -> None:
    config = desk.home / "config.toml"
    config.write_text("[limits]\ndisabled_venues = ['uniswap_v33', 'uniswap_v2', 'paper']\n")
    try:
        ran = desk.run("quote", "1", "WETH", "USDC", "--chain", "bad", "--json")
    finally:
        config.unlink()
    assert ran.code == 0, ran.err
    silent = {each["venue"]: each["reason"] for each in json.loads(ran.out)["silent"]}
    assert "no venue here has that name" in silent.pop("uniswap_v33")
    assert not silent


# --- plans -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plan_text(desk: Desk) -> str:
    """A plan that a dry run wrote."""
    path = desk.home / "plan.json"
    ran = desk.run("swap", "2", "WETH", "USDC", "--chain", "bad", "--dry-run", "--plan", str(path))
    assert ran.code == 0, ran.err
    return path.read_text()


def simulated(desk: Desk, text: str) -> Ran:
    path = desk.home / "given.json"
    path.write_text(text)
    return desk.run("simulate", str(path), "--chain", "bad")


def changed(text: str, *, sealed: bool = True, **values: Any) -> str:
    """The plan with other values, and with the id that belongs to them where it is `sealed`."""
    plan = json.loads(text)["plan"] | values
    if sealed:
        unnamed = json.dumps(plan | {"plan_id": ""}, sort_keys=True, separators=(",", ":"))
        plan["plan_id"] = hashlib.sha256(unnamed.encode()).hexdigest()[:16]
    return json.dumps({"plan": plan})


@pytest.mark.fork
def test_a_plan_from_a_file_is_simulated_and_nothing_is_sent(undone: Desk, plan_text: str) -> None:
    with undone.untouched():
        ran = simulated(undone, plan_text)
    assert ran.code == 0, ran.err
    assert "succeeds" in ran.out


@pytest.mark.fork
def test_a_plan_past_its_deadline_is_refused(undone: Desk, plan_text: str) -> None:
    undone.rpc.call("evm_increaseTime", 4_000)
    undone.rpc.call("evm_mine")
    with undone.untouched():
        refused(simulated(undone, plan_text), CALLER, "plan", "deadline passed", "make a new plan")


@pytest.mark.fork
def test_a_plan_whose_pools_moved_reverts_in_words(undone: Desk, tmp_path: Path) -> None:
    order, path = ("WETH", "USDC", "--chain", "bad"), tmp_path / "plan.json"
    planned = undone.run("swap", "2", *order, "--dry-run", "--slippage-bps", "1", "--plan", str(path))
    assert planned.code == 0, planned.err
    moved = undone.run("swap", "400", *order)
    assert moved.code == 0, moved.err
    with undone.untouched():
        refused(simulated(undone, path.read_text()), WORLD, "would revert")
        ran = undone.run("simulate", str(path), "--chain", "bad")
        told = undone.run("simulate", str(path), "--chain", "bad", "--json")
    assert told.code == WORLD
    simulation = json.loads(told.out)
    assert simulation["succeeded"] is False
    revert = simulation["revert"]
    assert (revert["name"], revert["cause"]) == ("MinOutMissed", None)
    received, least = (int(revert["arguments"][name]) for name in ("received", "minOut"))
    assert received < least == int(json.loads(path.read_text())["plan"]["chain_amount_out_min"])
    assert revert["sentence"] in told.err
    assert f"MinOutMissed(received={received}, minOut={least})" in ran.out
    explained = undone.run("explain", revert["data"], "--json")
    assert json.loads(explained.out) == revert


@pytest.mark.fork
def test_a_plan_that_was_changed_after_it_was_made_is_refused(undone: Desk, plan_text: str) -> None:
    lowered = changed(plan_text, sealed=False, chain_amount_out_min="1")
    with undone.untouched():
        refused(simulated(undone, lowered), CALLER, "plan_id is not that of this content")


def test_a_plan_without_an_on_chain_leg_leaves_nothing_to_simulate(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(plan_json(plan_of(report(sell(1), books=[book()]))))
    refused(oms(tmp_path, "simulate", str(path)), CALLER, "plan: has no on-chain leg; there is nothing to simulate")


@pytest.mark.fork
def test_a_plan_for_another_chain_is_refused(undone: Desk, plan_text: str) -> None:
    block = {**json.loads(plan_text)["plan"]["block"], "chain_id": "8453"}
    refused(simulated(undone, changed(plan_text, block=block)), CALLER, "plan", "chain 8453, not 1")


def test_plan_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    for name in ("absent.json", "."):
        refused(oms(tmp_path, "simulate", str(tmp_path / name)), CALLER, "plan", str(tmp_path), "cannot read")
    refused(oms(tmp_path, "simulate", "/dev/zero"), CALLER, "plan", "larger than any plan")


# --- forks -------------------------------------------------------------------------------------------------------


@pytest.mark.fork
def test_a_port_in_use_is_named_and_nothing_is_left_running(desk: Desk) -> None:
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = str(held.getsockname()[1])
        ran = desk.run("fork", "up", "--alone", "--name", "busy", "--port", port)
    refused(ran, CALLER, "port", port, "choose another")
    assert "busy" not in desk.run("fork", "status").out


@pytest.mark.fork
def test_block_zero_is_not_taken_for_the_newest(desk: Desk) -> None:
    """The devnet begins above it, and says so."""
    ran = desk.run("fork", "up", "--rpc-url", desk.rpc.url, "--block", "0", "--name", "genesis")
    refused(ran, WORLD, "requested was 0")


@pytest.mark.fork
def test_a_fork_name_in_use_is_refused(desk: Desk) -> None:
    refused(desk.run("fork", "up", "--alone", "--name", "bad"), CALLER, "name", "bad is up", "oms fork down")


@pytest.mark.parametrize(
    ("words", "code", "said_words"),
    [
        (["up", "--name", "../x"], CALLER, ["name", "a-z"]),
        (["up", "--port", "70000"], CALLER, ["--port", "65535"]),
        (["up", "--recording", "a", "--rpc-url", "b"], CALLER, ["either"]),
        (["down"], CALLER, ["no fork was started"]),
        (["down", "--name", "x"], CALLER, ["no fork is called x", "oms fork status"]),
        (["up", "--rpc-url", "http://127.0.0.1:1"], WORLD, ["no node answers"]),
        (["record", "--rpc-url", "nowhere", "-o", "x.json", "quote"], CALLER, ["rpc-url", "http://"]),
    ],
)
def test_fork_commands_that_cannot_be_meant(tmp_path: Path, words: list[str], code: int, said_words: list[str]) -> None:
    refused(oms(tmp_path, "fork", *words), code, *said_words)


# --- real processes ----------------------------------------------------------------------------------------------


def process(project: Path, home: Path, *words: str, **options: Any) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "OMS_HOME": str(home), "OMS_DATA": str(home), "PYTHONPATH": str(project)}
    environment |= options.pop("environment", {})
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    # As from a terminal: a shell's background jobs, and so their children, have interrupts ignored.
    interruptible = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    command = [sys.executable, "-m", "oms.cli.main", *words]
    return subprocess.Popen(command, cwd=home, env=environment, preexec_fn=interruptible, **pipes)


def test_a_process_ends_with_the_code_and_the_line(project: Path, tmp_path: Path) -> None:
    started = process(project, tmp_path, "quote", "1", "WETH", "USDC", "--chain", "mars")
    _, err = started.communicate(timeout=30)
    refused(Ran(started.returncode, "", err.decode()), CALLER, "chain", "'mars'")


def test_an_interrupt_ends_a_waiting_command_with_one_line(project: Path, tmp_path: Path) -> None:
    asked = threading.Event()

    def silent(_: Any) -> None:
        asked.set()

    with hostile_node(silent) as url:
        started = process(project, tmp_path, "quote", "1", "WETH", "USDC", "--rpc-url", url)
        assert asked.wait(30), "the command never asked"
        started.send_signal(signal.SIGINT)
        _, err = started.communicate(timeout=10)
    assert started.returncode == 130
    assert err.decode().strip() == "interrupted; the journal knows what was sent: oms journal show"


def test_output_that_nobody_reads_is_no_defect(project: Path, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    started = process(project, tmp_path, "fork", "status", stdout=writing)
    os.close(writing)
    _, err = started.communicate(timeout=30)
    assert b"Traceback" not in err
    assert b"internal error" not in err
    assert started.returncode != 70


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_output_onto_a_full_disk_is_the_worlds_fault(project: Path, tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        started = process(project, tmp_path, "fork", "status", stdout=full)
        _, err = started.communicate(timeout=30)
    refused(Ran(started.returncode, "", err.decode()), WORLD, "No space left", "free the disk")


def test_a_terminal_without_our_characters_still_gets_its_line(project: Path, tmp_path: Path) -> None:
    plain = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    started = process(project, tmp_path, "quote", "1", "WETH", "dé·→", "--chain", "mars", environment=plain)
    _, err = started.communicate(timeout=30)
    refused(Ran(started.returncode, "", err.decode("ascii")), CALLER, "chain")
