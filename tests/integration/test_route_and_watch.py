"""`oms route` and `oms market watch` as a user runs them, on a development chain of their own."""

import json
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.test_commands import Terminal

pytestmark = pytest.mark.fork


@pytest.fixture(scope="module")
def terminal(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A terminal with a fork `desk` that has its maker and its exchange."""
    opened = Terminal(project, tmp_path_factory.mktemp("home"))
    opened.run("fork", "up", "--name", "desk")
    yield opened
    opened.run("fork", "down", "--all")


def test_a_route_is_explained_and_drawn_once(terminal: Terminal) -> None:
    drawing = terminal.home / "plan.svg"
    asked = ("route", "400", "WETH", "USDC", "--chain", "desk", "--svg", str(drawing))
    text = terminal.run(*asked, "--explain")
    for words in (
        "bound: no plan brings more than",
        "ways, and the rate",
        "what one token is worth in USDC",
        "skipped",
    ):
        assert words in text
    assert ET.parse(drawing).getroot().tag.endswith("svg")  # noqa: S314 (our own file)
    refused = terminal.run(*asked, code=2)
    assert "--force" in refused
    assert refused.count("\n") == 1
    terminal.run(*asked, "--force")
    assert not [path for path in terminal.home.iterdir() if path.name.startswith(".plan.svg")]


@pytest.mark.parametrize("buying", [False, True])
def test_a_routes_json_is_whole_and_its_ways_end_at_one_rate(terminal: Terminal, *, buying: bool) -> None:
    words = ("route", "300", "WETH", "USDC") if not buying else ("route", "300000", "WETH", "USDC", "--buy")
    said = json.loads(terminal.run(*words, "--chain", "desk", "--venues", "uniswap_v2,uniswap_v3", "--json"))
    outs = sum(int(leg["amount_out"]) for leg in said["legs"] if leg["token_out"] == said["paths"][0]["tokens"][-1])
    assert outs == int(said["amount_out"])
    assert said["spread_bps"] < 1 or said["spread_reason"]
    rates = [path["marginal_rate"] for path in said["paths"]]
    assert (max(rates) - min(rates)) / max(rates) * 10_000 == pytest.approx(said["spread_bps"])
    assert sum(path["share"] for path in said["paths"]) == pytest.approx(1)


def test_one_look_is_one_line_with_maker_and_exchange(terminal: Terminal) -> None:
    watch = ("market", "watch", "WETH", "USDC", "--chain", "desk", "--size", "10")
    line = terminal.run(*watch, "--once")
    assert line.count("\n") == 1
    assert "best sell" in line
    said = json.loads(terminal.run(*watch, "--once", "--json"))
    assert {venue["kind"] for venue in said["venues"]} == {"pool", "maker", "book"}
    assert [route["side"] for route in said["routes"]] == ["sell", "buy"]
    assert said["routes"][0]["net_price"] < said["routes"][1]["net_price"]
    assert terminal.run(*watch, "--seconds", "0.5", "--interval", "0.1", "--json").count("\n") >= 1


def test_an_interrupt_ends_a_watch_with_code_130(terminal: Terminal) -> None:
    watching = subprocess.Popen(
        [sys.executable, "-m", "oms.cli.main", "market", "watch", "WETH", "USDC", "--chain", "desk"],
        cwd=terminal.home,
        env=terminal.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    assert watching.stdout is not None
    with watching:
        try:
            first = watching.stdout.readline()
            watching.send_signal(signal.SIGINT)
            _, said = watching.communicate(timeout=30)
        finally:
            watching.kill()
    assert first.startswith("block ")
    assert watching.returncode == 130
    assert "Traceback" not in said


def test_words_that_mean_nothing_are_refused_on_one_line(terminal: Terminal) -> None:
    for words in (
        ("market", "watch", "WETH", "WETH", "--once", "--chain", "desk"),
        ("market", "watch", "WETH", "USDC", "--once", "--chain", "desk", "--size", "0"),
        ("market", "watch", "WETH", "USDC", "--once", "--chain", "desk", "--venues", "nowhere"),
        ("route", "1", "WETH", "USDC", "--chain", "desk", "--svg", str(terminal.home)),
    ):
        assert terminal.run(*words, code=2).count("\n") == 1
