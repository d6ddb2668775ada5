"""`oms cycles` and `oms basket` as a user runs them, on the development chain."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_commands import Terminal

pytestmark = pytest.mark.fork


@pytest.fixture(scope="module")
def terminal(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    opened = Terminal(project, tmp_path_factory.mktemp("home"))
    yield opened
    opened.run("fork", "down", "--all")


def answer(terminal: Terminal, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(terminal.run(*words, "--json"))
    return found


def test_a_basket_is_shown_and_adds_up(terminal: Terminal) -> None:
    words = ("basket", "--sell", "10:WETH", "--sell", "5:WBTC", "--buy", "USDC:60%", "--buy", "DAI:40%")
    text = terminal.run(*words)
    assert "shortfall" in text
    assert "60.00%" in text
    result = answer(terminal, *words)
    given = {token: int(raw) for token, raw in result["amounts_in"].items()}
    held = {**given, **dict.fromkeys(result["amounts_out"], 0)}
    for leg in result["legs"]:
        held[leg["token_in"]] = held.get(leg["token_in"], 0) - int(leg["amount_in"])
        held[leg["token_out"]] = held.get(leg["token_out"], 0) + int(leg["amount_out"])
    left = {token: str(raw) for token, raw in held.items() if raw}
    assert left == result["amounts_out"]
    assert int(result["result"]) <= int(result["bound"])


def test_a_purchase_pays_with_one_token(terminal: Terminal) -> None:
    result = answer(terminal, "basket", "--buy", "1000:USDC", "--buy", "0.5:WBTC", "--with", "WETH")
    assert sorted(map(int, result["amounts_out"].values())) >= [5 * 10**7, 10**9]
    assert [int(raw) for raw in result["amounts_in"].values()] == [int(result["result"])]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--sell", "10:WETH", "--buy", "USDC:60%"), "shares add up to 60"),
        (("--sell", "10:WETH", "--buy", "USDC:100%", "--max-shortfall", "0.01"), "more than 0.01"),
        (("--sell", "10:NOPE", "--buy", "USDC"), "sell"),
        (("--sell", "10:WETH", "--buy", "USDC", "--venues", "nowhere"), "choose from"),
        ((), "--buy USDC:60%"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(terminal: Terminal, words: tuple[str, ...], said: str) -> None:
    text = terminal.run("basket", *words, code=2)
    assert said in text
    assert text.count("\n") == 1


def test_a_balanced_chain_has_no_circles_and_says_so(terminal: Terminal) -> None:
    assert "no circle from WETH pays for its gas" in terminal.run("cycles")
    result = answer(terminal, "cycles", "USDC", "--gas-free", "--max-hops", "3")
    assert result["cycles"] == []
    assert result["start"]["symbol"] == "USDC"


def test_the_commands_explain_themselves(terminal: Terminal) -> None:
    for command in ("cycles", "basket"):
        text = terminal.run(command, "--help")
        assert "Examples:" in text
        assert f"oms {command}" in text
