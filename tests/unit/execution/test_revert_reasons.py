"""Revert data in plain words: everything of ours is known, and nothing makes the explanation fail."""

import re
from pathlib import Path

import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from oms.execution.revert_reasons import OUR_ERRORS, PROTOCOL_ERRORS, KnownError, explain_revert

CONTRACTS = Path(__file__).parents[3] / "contracts"
TOKEN = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
DECLARED = re.compile(r"^\s*error (\w+\([^)]*\));", re.MULTILINE)
SAMPLES = {"address": TOKEN, "bool": True, "bytes": b"\x12\x34", "bytes4": b"\x01\x02\x03\x04", "bytes32": bytes(32)}


def _error(text: str) -> bytes:
    return keccak(b"Error(string)")[:4] + encode(["string"], [text])


def _sample(error: KnownError) -> bytes:
    kinds = [kind for kind, _ in error.parameters]
    return error.selector + encode(kinds, [SAMPLES.get(kind, 3) for kind in kinds])


def test_every_error_that_our_contracts_declare_is_explained() -> None:
    declared = {text for path in CONTRACTS.rglob("*.sol") for text in DECLARED.findall(path.read_text())}
    assert len(declared) > 40
    assert declared == {error.declaration for error in OUR_ERRORS}


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


def test_a_failed_plan_of_a_batch_says_why_and_endless_wrapping_ends() -> None:
    failed = keccak(b"PlanFailed(uint256,bytes)")[:4]
    reason = explain_revert(failed + encode(["uint256", "bytes"], [3, _error("BAL#304")]))
    assert "plan 3" in reason.sentence
    assert "30 %" in reason.sentence
    data = b""
    for _ in range(2_000):
        data = failed + encode(["uint256", "bytes"], [0, data])
    assert "bytes)" in explain_revert(data).sentence


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
