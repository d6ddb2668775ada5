"""Revert data in plain words: everything of ours is known, and nothing makes the explanation fail."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from oms.execution.revert_reasons import OUR_ERRORS, PROTOCOL_ERRORS, KnownError, explain_revert, known_errors

PROJECT = Path(__file__).parents[3]
CONTRACTS = PROJECT / "contracts"
TOKEN = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
DECLARED = re.compile(r"^\s*error (\w+\([^)]*\));", re.MULTILINE)
SAMPLES = {
    "address": TOKEN,
    "bool": True,
    "bytes": b"\x12\x34",
    "bytes4": b"\x01\x02\x03\x04",
    "bytes32": bytes(32),
    "string": "AA23",
}


def _error(text: str) -> bytes:
    return keccak(b"Error(string)")[:4] + encode(["string"], [text])


def _sample(error: KnownError) -> bytes:
    kinds = [kind for kind, _ in error.parameters]
    return error.selector + encode(kinds, [SAMPLES.get(kind, 3) for kind in kinds])


def test_every_error_that_our_contracts_declare_is_explained() -> None:
    declared = {text for path in CONTRACTS.rglob("*.sol") for text in DECLARED.findall(path.read_text())}
    assert len(declared) > 40
    assert declared == {error.declaration for error in OUR_ERRORS}


def _compiled_errors() -> dict[str, list[str]]:
    """Signatures and names of the arguments of every error in the ABIs of our contracts, as they were compiled."""
    found: dict[str, list[str]] = {}
    for source in CONTRACTS.rglob("*.sol"):
        for artifact in (PROJECT / "out" / source.name).glob("*.json"):
            entries: list[dict[str, Any]] = json.loads(artifact.read_text())["abi"]
            for entry in (each for each in entries if each["type"] == "error"):
                signature = f"{entry['name']}({','.join(each['type'] for each in entry['inputs'])})"
                found[signature] = [each["name"] for each in entry["inputs"]]
    return found


def test_every_error_in_the_compiled_contracts_is_explained_by_the_names_of_its_arguments() -> None:
    compiled = _compiled_errors()
    assert len(compiled) > 40, "run ./scripts/test, which compiles the contracts"
    ours = {error.signature: [name for _, name in error.parameters] for error in OUR_ERRORS}
    assert {signature: ours.get(signature) for signature in compiled} == compiled


@pytest.mark.parametrize("error", [*OUR_ERRORS, *PROTOCOL_ERRORS], ids=lambda error: error.signature)
def test_each_sentence_fills_in_its_arguments(error: KnownError) -> None:
    reason = explain_revert(_sample(error))
    assert reason.name == error.name
    assert list(reason.arguments) == [name for _, name in error.parameters]
    assert "{" not in reason.sentence
    assert "\n" not in reason.sentence


def test_no_two_errors_share_a_selector() -> None:
    selectors = [error.selector for error in (*OUR_ERRORS, *PROTOCOL_ERRORS)]
    assert len(set(selectors)) == len(selectors)


def test_arguments_are_named_and_readable() -> None:
    data = keccak(b"MinOutMissed(uint256,uint256)")[:4] + encode(["uint256", "uint256"], [99, 100])
    reason = explain_revert(data)
    assert reason.arguments == {"received": 99, "minOut": 100}
    assert "99" in reason.sentence
    assert "make a new plan" in reason.sentence


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("BAL#304", "BAL#304", "30 %"),
        ("BAL#999", "BAL#999", "list of error codes"),
        ("IIA", "IIA", "fee on transfer"),
        ("SPL", "SPL", "no liquidity left"),
        ("AS", "AS", "nothing"),
        ("LOK", "LOK", "not initialised"),
        ("UniswapV2: K", "UniswapV2: K", "paid less"),
        ("ERC20: transfer amount exceeds balance", "ERC20: transfer amount exceeds balance", "fund it"),
        ("something new", "Error", "something new"),
    ],
)
def test_messages_of_the_protocols_are_put_in_words(text: str, name: str, words: str) -> None:
    reason = explain_revert(_error(text))
    assert reason.name == name
    assert words in reason.sentence


def test_panics_are_put_in_words() -> None:
    reason = explain_revert(keccak(b"Panic(uint256)")[:4] + encode(["uint256"], [0x11]))
    assert (reason.name, reason.arguments) == ("Panic", {"code": 0x11})
    assert "overflow" in reason.sentence


def test_an_error_wrapped_by_v4_is_unwrapped() -> None:
    kinds = ["address", "bytes4", "bytes", "bytes"]
    data = keccak(b"WrappedError(address,bytes4,bytes,bytes)")[:4]
    reason = explain_revert(data + encode(kinds, [TOKEN, b"\0\0\0\0", _error("BAL#304"), b""]))
    assert "30 %" in reason.sentence


def _failed_operation(inner: bytes) -> bytes:
    selector = keccak(b"FailedOpWithRevert(uint256,string,bytes)")[:4]
    return selector + encode(["uint256", "string", "bytes"], [0, "AA23 reverted", inner])


def test_an_error_within_an_error_is_told_with_its_arguments() -> None:
    missed = keccak(b"MinOutMissed(uint256,uint256)")[:4] + encode(["uint256", "uint256"], [99, 100])
    reason = explain_revert(_failed_operation(_failed_operation(missed)))
    assert [each.name for each in reason.chain] == ["FailedOpWithRevert", "FailedOpWithRevert", "MinOutMissed"]
    assert reason.chain[-1].arguments == {"received": 99, "minOut": 100}
    assert reason.chain[-1].call == "MinOutMissed(received=99, minOut=100)"
    assert "less than its minimum 100" in reason.sentence


def test_what_is_within_an_error_may_be_unknown_damaged_or_nothing() -> None:
    for inner, words in ((b"", "without a reason"), (b"\xde\xad\xbe\xef", "0xdeadbeef"), (_error("")[:20], "damaged")):
        cause = explain_revert(_failed_operation(inner)).cause
        assert cause is not None
        assert not cause.known
        assert words in cause.sentence


def test_errors_within_errors_end_somewhere() -> None:
    data = b""
    for _ in range(200):
        data = _failed_operation(data)
    assert len(explain_revert(data).chain) < 20


def test_errors_are_found_by_name() -> None:
    assert [error.signature for error in known_errors("MinOutMissed")] == ["MinOutMissed(uint256,uint256)"]
    assert len(known_errors("TransferFailed")) > 1
    assert known_errors("Nothing") == ()
    assert set(known_errors()) == {*OUR_ERRORS, *PROTOCOL_ERRORS}


def test_a_failed_plan_of_a_batch_says_why() -> None:
    failed = keccak(b"PlanFailed(uint256,bytes)")[:4]
    reason = explain_revert(failed + encode(["uint256", "bytes"], [3, _error("BAL#304")]))
    assert "plan 3" in reason.sentence
    assert "30 %" in reason.sentence


def test_silence_and_strangers_are_shown_as_they_are() -> None:
    assert "without a reason" in explain_revert(b"").sentence
    assert "0xdeadbeef" in explain_revert(bytes.fromhex("deadbeef")).sentence
    assert "bytes)" in explain_revert(bytes(4) + bytes(5_000)).sentence


@given(st.sampled_from([error.selector for error in OUR_ERRORS] + [_error("")[:4]]), st.binary(max_size=300))
def test_damaged_data_never_fails(selector: bytes, body: bytes) -> None:
    assert explain_revert(selector + body).sentence


@given(st.binary(max_size=40))
def test_any_bytes_get_a_sentence(data: bytes) -> None:
    assert explain_revert(data).sentence
