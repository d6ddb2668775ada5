"""A maker's client against makers that lie, stall or talk nonsense, and our maker server's own promises."""

import dataclasses
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from oms.adapters.bounded_http import MAX_ANSWER_BYTES
from oms.adapters.local_process import LocalProcess
from oms.adapters.makers.http import HttpMaker, MakerTerms
from oms.adapters.makers.server import main
from oms.adapters.makers.typed_data import digest_of, sign, signer_of
from oms.domain.quotes import FirmQuote, QuoteRequest
from oms.errors import InvalidRequest, Retryable, Terminal
from oms.execution.rfq import QuoteTerms
from oms.liquidity.rfq_ladder import ladder_capacity
from oms.units import Address
from tests.ports.fakes import FixedClock
from tests.ports.local_http import Handler, ToyNode, answer, http_server
from tests.ports.test_maker_port import KEY, MAKER, NOW, SETTLEMENT, TAKER, USDC, WETH, maker_config

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
REQUEST = QuoteRequest(1, TAKER, WETH.address, USDC.address, taker_amount=10**18)
OTHER = Address("0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc")
OTHER_KEY = "0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba"
HONEST = FirmQuote(
    maker_name="linden",
    chain_id=1,
    settlement=SETTLEMENT,
    maker=MAKER,
    taker=TAKER,
    maker_token=USDC.address,
    taker_token=WETH.address,
    maker_amount=2_680_000_000,
    taker_amount=10**18,
    expiry=NOW + 60,
    nonce=1,
    partial_fill_allowed=True,
    signature=b"",
    received_at=0.0,
)


def wire(quote: FirmQuote, *, key: str = KEY, **changes: Any) -> dict[str, Any]:
    """The quote as a maker sends it, signed; `changes` replace fields of the message after signing."""
    names = {field.name for field in dataclasses.fields(FirmQuote)} - {"maker_name", "received_at", "signature"}
    body: dict[str, Any] = {name: getattr(quote, name) for name in names}
    for name in ("maker_amount", "taker_amount", "expiry", "nonce"):
        body[name] = str(body[name])
    return {**body, "signature": "0x" + sign(quote, key).hex(), **changes}


@contextmanager
def asked(handle: Handler, *, timeout_seconds: float = 5.0) -> Iterator[HttpMaker]:
    with http_server(handle) as url:
        maker = HttpMaker(
            "linden",
            url,
            terms=MakerTerms(1, MAKER, SETTLEMENT),
            chain_time=lambda: NOW,
            clock=FixedClock(),
            timeout_seconds=timeout_seconds,
        )
        yield maker
        maker.close()


def always(body: Any, status: int = 200) -> Handler:
    return lambda _method, _path, _body: answer(body, status)


def test_an_honest_quote_is_taken_as_it_was_signed() -> None:
    with asked(always(wire(HONEST))) as maker:
        quote = maker.firm_quote(REQUEST)

    assert replace(quote, signature=b"", received_at=0.0) == HONEST
    assert signer_of(quote) == MAKER


def test_the_digest_is_what_eth_account_makes_of_the_typed_data() -> None:
    fields = {field.name: getattr(HONEST, field.name) for field in dataclasses.fields(QuoteTerms)}
    document = QuoteTerms(**fields).typed_data(1, SETTLEMENT)

    signable = encode_typed_data(full_message=document)

    assert digest_of(HONEST) == keccak(b"\x19\x01" + signable.header + signable.body)
    assert Account.recover_message(signable, signature=sign(HONEST, KEY)) == MAKER


LIES: Mapping[str, tuple[dict[str, Any], str]] = {
    "another amount": ({"taker_amount": 2 * 10**18}, r"another taker amount: asked 1000000000000000000, got 2000"),
    "another taker token": ({"taker_token": OTHER}, "another taker token"),
    "another maker token": ({"maker_token": OTHER}, "another maker token"),
    "another taker": ({"taker": OTHER}, "another taker: "),
    "another maker": ({"maker": OTHER}, "another maker address"),
    "another chain": ({"chain_id": 10}, "another chain: asked 1, got 10"),
    "another settlement contract": ({"settlement": OTHER}, "another settlement contract"),
    "nothing in return": ({"maker_amount": 0}, "maker amount 0, which is no amount"),
    "an amount beyond 128 bits": ({"maker_amount": 2**128}, "which is no amount"),
    "an expiry in the past": ({"expiry": NOW - 1}, "1 s in the past"),
    "an expiry at this very second": ({"expiry": NOW}, "0 s in the past"),
    "an expiry too close": ({"expiry": NOW + 9}, "only 9 s away, 10 s are needed"),
    "an expiry in another age": ({"expiry": NOW + 3601}, "more than 3600 s"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_quote_signed_for_something_else_is_refused_by_the_fields_name(lie: str) -> None:
    changes, words = LIES[lie]

    with asked(always(wire(replace(HONEST, **changes)))) as maker, pytest.raises(Terminal, match=words) as refusal:
        maker.firm_quote(REQUEST)

    assert str(refusal.value).startswith("maker linden: ")


def test_an_exact_output_request_is_checked_on_the_makers_amount() -> None:
    request = QuoteRequest(1, TAKER, WETH.address, USDC.address, maker_amount=2_680_000_001)

    with asked(always(wire(HONEST))) as maker, pytest.raises(Terminal, match="another maker amount"):
        maker.firm_quote(request)


def high_s() -> str:
    signature = sign(HONEST, KEY)
    twin = CURVE_ORDER - int.from_bytes(signature[32:64])
    return "0x" + (signature[:32] + twin.to_bytes(32) + bytes([55 - signature[64]])).hex()


SIGNATURES: Mapping[str, Callable[[], str]] = {
    "another signer": lambda: "0x" + sign(HONEST, OTHER_KEY).hex(),
    "the signature of another quote": lambda: "0x" + sign(replace(HONEST, nonce=2), KEY).hex(),
    "the malleable twin": high_s,
    "a recovery id of 0 or 1": lambda: "0x" + sign(HONEST, KEY)[:64].hex() + "01",
    "zeros": lambda: "0x" + "00" * 64 + "1b",
    "r above the curve's order": lambda: "0x" + "ff" * 32 + "01" * 32 + "1c",
}


@pytest.mark.parametrize("forgery", SIGNATURES)
def test_a_signature_that_the_contract_would_refuse_is_refused(forgery: str) -> None:
    forged = wire(HONEST, signature=SIGNATURES[forgery]())

    with asked(always(forged)) as maker, pytest.raises(Terminal, match=r"not 0x7099.* canonical one"):
        maker.firm_quote(REQUEST)


GARBAGE: Mapping[str, tuple[int, bytes]] = {
    "not JSON": (200, b"<html>welcome</html>"),
    "JSON of another shape": (200, b"[1, 2, 3]"),
    "an empty object": (200, b"{}"),
    "deep nesting": (200, b"[" * 100_000),
    "a number for text": answer(wire(HONEST, maker_amount=2_680_000_000)),
    "a negative amount": answer(wire(HONEST, maker_amount="-1")),
    "a fractional amount": answer(wire(HONEST, maker_amount="1.5")),
    "an exponent": answer(wire(HONEST, maker_amount="1e9")),
    "a short signature": answer(wire(HONEST, signature="0x1234")),
    "a missing field": answer({k: v for k, v in wire(HONEST).items() if k != "expiry"}),
    "text for a truth value": answer(wire(HONEST, partial_fill_allowed="yes")),
    "an endless answer": (200, b'{"a": "' + b"x" * (MAX_ANSWER_BYTES + 1) + b'"}'),
    "a redirect": (302, b""),
    "a refusal without a reason": (404, b"no"),
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_is_never_a_quote_and_not_worth_asking_again(kind: str) -> None:
    with asked(lambda *_: GARBAGE[kind]) as maker, pytest.raises(Terminal):
        maker.firm_quote(REQUEST)


def test_a_refusals_words_are_passed_on_in_one_printable_line() -> None:
    body = {"error": {"code": "insufficient_inventory", "message": "sorry\n\x1b[31m" + "!" * 500}}

    with asked(always(body, 422)) as maker, pytest.raises(Terminal) as refusal:
        maker.firm_quote(REQUEST)

    assert "refused (insufficient_inventory): sorry" in str(refusal.value)
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 250


def test_a_busy_maker_may_be_asked_again() -> None:
    with asked(always({"error": {"code": "busy", "message": "later"}}, 503)) as maker, pytest.raises(Retryable):
        maker.firm_quote(REQUEST)


def test_a_silent_maker_is_given_up_at_the_deadline() -> None:
    with asked(lambda *_: None, timeout_seconds=0.2) as maker, pytest.raises(Retryable, match=r"within 0\.2 s"):
        maker.firm_quote(REQUEST)


def test_a_maker_that_drips_bytes_forever_is_given_up_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        drip = subprocess.Popen([sys.executable, "-c", _DRIP, str(listener.fileno())], pass_fds=(listener.fileno(),))
        try:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            terms = MakerTerms(1, MAKER, SETTLEMENT)
            maker = HttpMaker(
                "linden", url, terms=terms, chain_time=lambda: NOW, clock=FixedClock(), timeout_seconds=0.5
            )
            with pytest.raises(Retryable, match="no answer within"):
                maker.firm_quote(REQUEST)
            maker.close()
        finally:
            drip.kill()
            drip.wait()


_DRIP = """
import socket, sys, time
listener = socket.socket(fileno=int(sys.argv[1]))
peer, _ = listener.accept()
peer.sendall(b"HTTP/1.1 200 OK\\r\\n")
while True:
    peer.sendall(b"X-A: b\\r\\n")
    time.sleep(0.05)
"""


def test_nobody_there_may_be_asked_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    terms = MakerTerms(1, MAKER, SETTLEMENT)
    maker = HttpMaker("linden", url, terms=terms, chain_time=lambda: NOW, clock=FixedClock())

    with pytest.raises(Retryable, match="nobody answers there"):
        maker.firm_quote(REQUEST)
    maker.close()


def test_a_request_for_another_chain_is_the_callers_fault_and_is_not_sent() -> None:
    paths: list[str] = []

    def noted(_method: str, path: str, _body: bytes) -> tuple[int, bytes]:
        paths.append(path)
        return answer(wire(HONEST))

    with asked(noted) as maker, pytest.raises(InvalidRequest, match="chain"):
        maker.firm_quote(replace(REQUEST, chain_id=10))

    assert paths == []


@pytest.mark.parametrize(
    "levels",
    [
        [{"size": "1", "price": "2680"}, {"size": "1", "price": "2681"}],
        [{"size": "0", "price": "2680"}],
        [{"size": "1", "price": "NaN"}],
        [{"size": "1", "price": "1e400"}],
        [{"size": "-1", "price": "2680"}],
        [{"size": 1.5, "price": 2680}],
    ],
)
def test_levels_that_are_unsorted_or_no_numbers_are_refused(levels: list[dict[str, Any]]) -> None:
    body = {"taker_token": WETH.address, "maker_token": USDC.address, "levels": levels}

    with asked(always(body)) as maker, pytest.raises(Terminal):
        maker.ladder(WETH, USDC)


def test_a_ladder_for_other_tokens_is_refused() -> None:
    body = {"taker_token": USDC.address, "maker_token": WETH.address, "levels": []}

    with asked(always(body)) as maker, pytest.raises(Terminal, match="another taker_token"):
        maker.ladder(WETH, USDC)


@contextmanager
def our_maker(node: ToyNode, **changes: Any) -> Iterator[HttpMaker]:
    with (
        http_server(node.handle) as rpc_url,
        LocalProcess.start(
            "oms.adapters.makers.server",
            {**maker_config(rpc_url), **changes},
            environment={"TEST_MAKER_KEY": KEY},
        ) as server,
    ):
        maker = HttpMaker(
            "linden",
            server.url,
            terms=MakerTerms(1, MAKER, SETTLEMENT),
            chain_time=lambda: node.timestamp,
            clock=FixedClock(),
        )
        yield maker
        maker.close()


def test_outstanding_quotes_hold_the_makers_inventory_until_they_expire() -> None:
    node = ToyNode(NOW, {USDC.address: 20_000 * 10**6})
    request = replace(REQUEST, taker_amount=3 * 10**18)
    with our_maker(node) as maker:
        first = maker.firm_quote(request)
        with pytest.raises(Terminal, match="insufficient_inventory"):
            maker.firm_quote(request)
        node.timestamp = first.expiry
        with pytest.raises(Terminal, match="insufficient_inventory"):
            maker.firm_quote(request)
        node.timestamp = first.expiry + 1
        second = maker.firm_quote(request)

    assert second.maker_amount == first.maker_amount
    assert (first.expiry, second.expiry) == (NOW + 60, NOW + 121)
    assert second.nonce == first.nonce + 1


def test_a_ladder_shows_only_what_the_inventory_share_covers() -> None:
    node = ToyNode(NOW, {USDC.address: 20_000 * 10**6, WETH.address: 0})
    with our_maker(node) as maker:
        ladder = maker.ladder(WETH, USDC)
        empty = maker.ladder(USDC, WETH)

    worth = sum((level.size * level.price for level in ladder.levels), Decimal(0))
    assert Decimal("9999.999") < worth <= 10_000
    assert 3 * 10**18 < ladder_capacity(ladder) < 4 * 10**18
    assert empty.levels == ()


def test_a_maker_on_the_wrong_chain_promises_nothing() -> None:
    node = ToyNode(NOW, {USDC.address: 10**12}, chain_id=5)

    with our_maker(node) as maker, pytest.raises(Retryable, match="serves chain 5, not 1"):
        maker.firm_quote(REQUEST)


BAD_CONFIGS: Mapping[str, tuple[dict[str, Any], str]] = {
    "two key sources": ({"key_env": "TEST_MAKER_KEY"}, "exactly one of key_env and key_file"),
    "an empty variable": ({"key_file": None, "key_env": "TEST_NO_SUCH_KEY"}, "TEST_NO_SUCH_KEY holds no key"),
    "an unknown field": ({"spred": 3}, "spred"),
    "a pair of unlisted tokens": ({"pairs": [{"base": "DAI", "quote": "USDC", "mid": "1"}]}, "DAI/USDC"),
    "a mid of zero": ({"pairs": [{"base": "WETH", "quote": "USDC", "mid": "0"}]}, "pairs.0.mid"),
}


@pytest.mark.parametrize("mistake", BAD_CONFIGS)
def test_a_bad_configuration_ends_in_one_line_that_names_the_mistake(
    mistake: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes, words = BAD_CONFIGS[mistake]
    path, key = tmp_path / "maker.json", tmp_path / "key"
    key.write_text(KEY)
    sound = {**maker_config("http://127.0.0.1:1"), "key_env": None, "key_file": str(key)}
    path.write_text(json.dumps({**sound, **changes}))

    code = main(["--config", str(path)])

    said = capsys.readouterr().err
    assert code == 2
    assert words in said
    assert said.count("\n") == 1


def test_a_bad_key_is_not_repeated_in_the_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, key = tmp_path / "maker.json", tmp_path / "key"
    key.write_text("0x" + "ab" * 31)
    path.write_text(json.dumps({**maker_config("http://127.0.0.1:1"), "key_env": None, "key_file": str(key)}))

    code = main(["--config", str(path)])

    assert code == 2
    assert "abab" not in capsys.readouterr().err


def test_a_server_that_cannot_start_is_reported_with_its_last_words() -> None:
    config = {**maker_config("http://127.0.0.1:1"), "key_env": "TEST_NO_SUCH_KEY"}

    with pytest.raises(Terminal, match="TEST_NO_SUCH_KEY holds no key"):
        LocalProcess.start("oms.adapters.makers.server", config)


def test_a_server_ends_with_its_parent_even_after_kill_9(tmp_path: Path) -> None:
    config = tmp_path / "maker.json"
    config.write_text(json.dumps(maker_config("http://127.0.0.1:1")))
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(config)],
        stdout=subprocess.PIPE,
        env={**os.environ, "TEST_MAKER_KEY": KEY},
        cwd=Path(__file__).resolve().parents[2],
    )
    assert parent.stdout is not None
    try:
        child = int(parent.stdout.readline())
        death = os.pidfd_open(child)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        parent.stdout.close()
    try:
        assert _ends_within(death, seconds=5.0)
    finally:
        os.close(death)


_PARENT = """
import json, sys, time
from oms.adapters.local_process import LocalProcess
server = LocalProcess.start("oms.adapters.makers.server", json.load(open(sys.argv[1])))
print(server.pid, flush=True)
time.sleep(60)
"""


def _ends_within(process: int, *, seconds: float) -> bool:
    """Wait for a process handle to say that the process is gone."""
    return bool(select.select([process], [], [], seconds)[0])
