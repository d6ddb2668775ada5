"""What an owner changes, in plain words: what a change of owner ends, and prices of tokens on other chains."""

from typing import Any

import pytest
from eth_abi.abi import decode

from oms.application.owning import AccountFacts, FarToken, accepting, far_pricing, offering
from oms.errors import InvalidRequest
from oms.units import ZERO_ADDRESS, Address
from tests.unit.application.samples import EXECUTOR, OWNER

SOMEBODY, FEED, TOKEN = (Address("0x" + digit * 40) for digit in "123")
HERE = 1
STRANGE, KNOWN = FarToken(10, TOKEN), FarToken(10, TOKEN, "USDC", 6)


def test_who_takes_over_is_told_what_ends_and_what_stays() -> None:
    facts = AccountFacts(EXECUTOR, OWNER, SOMEBODY, FEED, ZERO_ADDRESS)
    text = "\n".join(accepting(facts, SOMEBODY).words)
    for said in (
        "every session ends",
        "what the former owner signed can no longer run",
        "reference prices end",
        "every proposal",
        f"{FEED} is no longer guardian",
        "there was no entry point",
        "stays: factories and listings that were applied, a pause",
    ):
        assert said in text, said


def test_who_offers_is_told_what_will_end() -> None:
    facts = AccountFacts(EXECUTOR, OWNER, ZERO_ADDRESS, ZERO_ADDRESS, ZERO_ADDRESS)
    assert any("end all sessions" in line for line in offering(facts, SOMEBODY).words)


@pytest.mark.parametrize(("token", "decimals"), [(STRANGE, 6), (KNOWN, 6), (KNOWN, None)])
def test_a_token_of_another_chain_is_priced_with_its_decimals(token: FarToken, decimals: int | None) -> None:
    intended = far_pricing(token, FEED, here=HERE, max_age=3_600, decimals=decimals)
    types = ["uint64", "address", "address", "uint32", "uint8"]
    assert decode(types, intended.data[4:]) == (10, TOKEN, FEED, 3_600, 6)
    assert f"{TOKEN} of chain 10" in intended.words[0]
    assert "6 decimals" in intended.words[0]


def test_a_far_price_is_taken_back_without_decimals() -> None:
    intended = far_pricing(STRANGE, ZERO_ADDRESS, here=HERE, max_age=0, decimals=None)
    assert decode(["uint64", "address", "address", "uint32", "uint8"], intended.data[4:])[2:] == (ZERO_ADDRESS, 0, 0)
    assert "may no longer bridge" in intended.words[-1]


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"token": STRANGE, "decimals": None}, "decimals", "are missing"),
        ({"token": KNOWN, "decimals": 18}, "decimals", "USDC .* has 6"),
        ({"token": STRANGE, "decimals": 37}, "decimals", "not within 0 and 36"),
        ({"token": STRANGE, "feed": ZERO_ADDRESS}, "decimals", "of no use without a feed"),
        ({"token": FarToken(HERE, TOKEN)}, "far-chain", "own chain"),
        ({"token": FarToken(10, ZERO_ADDRESS)}, "token", "nobody's address"),
    ],
)
def test_a_far_price_that_cannot_be_meant_names_its_option(changes: dict[str, Any], field: str, said: str) -> None:
    asked: dict[str, Any] = {"feed": FEED, "here": HERE, "max_age": 60, "decimals": 6, **changes}
    with pytest.raises(InvalidRequest, match=said) as caught:
        far_pricing(asked.pop("token"), asked.pop("feed"), **asked)
    assert caught.value.field == field
