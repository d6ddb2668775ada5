"""Constructors' arguments by name: picked from all that is known, in the constructor's order, and never guessed."""

import pytest
from eth_abi.abi import encode

from oms.adapters.evm.artifacts import Artifact
from oms.errors import Terminal

OWNER = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
PLACES = {
    "name": "places",
    "type": "tuple",
    "components": [{"name": "b", "type": "uint8"}, {"name": "a", "type": "bytes32"}],
}
INPUTS = ({"name": "owner", "type": "address"}, PLACES)
MADE = Artifact("Made", ({"type": "constructor", "inputs": INPUTS},), b"code", b"")
PLAIN = Artifact("Plain", (), b"code", b"")
KNOWN = {"a": b"\1" * 32, "b": 7, "owner": OWNER, "further": 1}


def test_a_constructor_gets_what_it_asks_for_by_name() -> None:
    assert MADE.arguments_among(KNOWN) == {"owner": OWNER, "places": {"b": 7, "a": b"\1" * 32}}
    assert PLAIN.arguments_among(KNOWN) == {}


def test_arguments_are_encoded_in_the_constructors_order_whatever_theirs() -> None:
    expected = b"code" + encode(["address", "(uint8,bytes32)"], [OWNER, (7, b"\1" * 32)])
    assert MADE.with_arguments_of({"places": {"a": b"\1" * 32, "b": 7}, "owner": OWNER}) == expected
    assert MADE.with_arguments_of(MADE.arguments_among(KNOWN)) == expected
    assert PLAIN.with_arguments_of({}) == b"code"


def test_what_nobody_knows_is_named() -> None:
    with pytest.raises(Terminal, match="asks for 'b'"):
        MADE.arguments_among({"owner": OWNER, "a": b"\1" * 32})


def test_arguments_of_another_constructor_are_refused() -> None:
    for given in (
        {},
        {"owner": OWNER},
        {"owner": OWNER, "places": {"b": 7}},
        {**MADE.arguments_among(KNOWN), "more": 1},
    ):
        with pytest.raises(Terminal, match="other arguments"):
            MADE.with_arguments_of(given)
