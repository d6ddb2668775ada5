"""`oms explain` by hand: data, selectors and names; what is not known says so by its exit code."""

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner
from eth_abi.abi import encode
from eth_hash.auto import keccak

from oms.cli.explain import explain
from oms.errors import InvalidRequest, OmsError

MISSED = keccak(b"MinOutMissed(uint256,uint256)")[:4] + encode(["uint256", "uint256"], [99, 100])
WRAPPED = keccak(b"FailedOpWithRevert(uint256,string,bytes)")[:4] + encode(
    ["uint256", "string", "bytes"], [3, "AA23 reverted", MISSED]
)

Explain = Callable[..., str]


@pytest.fixture
def explained() -> Explain:
    def run(*words: str, given: str = "") -> str:
        done = CliRunner().invoke(explain, words, input=given)
        if done.exception is not None:
            raise done.exception
        return done.output

    return run


def test_data_is_told_by_name_arguments_and_meaning(explained: Explain) -> None:
    text = explained("0x" + MISSED.hex())
    assert "MinOutMissed(received=99, minOut=100)" in text
    assert "make a new plan" in text
    assert explained(MISSED.hex()) == text
    assert explained("-", given=f"0x{MISSED.hex()}\n") == text


def test_an_error_that_passes_on_another_shows_both(explained: Explain) -> None:
    first, _, second = explained("0x" + WRAPPED.hex()).partition("because of ")
    assert first.startswith("FailedOpWithRevert(opIndex=3")
    assert second.startswith("MinOutMissed(received=99, minOut=100)")


def test_as_json_integers_are_strings_and_the_cause_is_within(explained: Explain) -> None:
    told = json.loads(explained("0x" + WRAPPED.hex(), "--json"))
    assert told["name"] == "FailedOpWithRevert"
    assert told["arguments"]["opIndex"] == "3"
    assert told["cause"]["arguments"] == {"received": "99", "minOut": "100"}
    assert told["data"] == "0x" + WRAPPED.hex()


@pytest.mark.parametrize("word", ["MinOutMissed", "0x" + MISSED[:4].hex()])
def test_a_name_or_a_selector_shows_the_declaration(explained: Explain, word: str) -> None:
    assert explained(word).startswith(f"0x{MISSED[:4].hex()} MinOutMissed(uint256 received, uint256 minOut)")
    (told,) = json.loads(explained(word, "--json"))
    assert told["selector"] == "0x" + MISSED[:4].hex()


def test_the_list_has_every_error_once(explained: Explain) -> None:
    listed = json.loads(explained("--list", "--json"))
    assert len({each["selector"] for each in listed}) == len(listed) > 90


@pytest.mark.parametrize("word", ["0xdeadbeef", "0x", "NoSuchError", "0x" + MISSED[:20].hex()])
def test_what_is_not_known_ends_with_3(explained: Explain, word: str) -> None:
    with pytest.raises(OmsError) as refused:
        explained(word)
    assert refused.value.exit_code == 3


@pytest.mark.parametrize("words", [("0xabc",), ("two words",), ("0xzz",), ()])
def test_what_is_no_data_ends_with_2(explained: Explain, words: tuple[str, ...]) -> None:
    with pytest.raises(InvalidRequest):
        explained(*words)
