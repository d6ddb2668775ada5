"""The commands as a user runs them: real processes, a home of their own, and nothing left running."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.fork


class Terminal:
    """Runs `oms` with a home of its own."""

    def __init__(self, project: Path, home: Path, data: Path | None = None) -> None:
        self.project = project
        self.home = home
        self.environment = {**os.environ, "OMS_HOME": str(home), "PYTHONPATH": str(project), "COLUMNS": "140"}
        self.environment["OMS_DATA"] = str(data or home / "no-data")

    def run(self, *words: str, code: int = 0) -> str:
        """What the command prints; its exit code must be `code`."""
        done = subprocess.run(
            [sys.executable, "-m", "oms.cli.main", *words],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def terminal(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    opened = Terminal(project, tmp_path_factory.mktemp("home"))
    yield opened
    opened.run("fork", "down", "--all")


def test_the_demo_settles_every_leg_as_predicted(terminal: Terminal) -> None:
    out = terminal.home / "demo.json"
    text = terminal.run("demo", "--json", str(out))
    result = json.loads(out.read_text())
    assert result["exact"] is True
    assert result["settled"] is True
    for asset in result["assets"].values():
        assert asset["predicted"] == asset["realised"]
    venues = [leg["venue"] for leg in result["legs"]]
    assert "maker local" in venues
    assert len({venue for venue in venues if venue.startswith("uniswap")}) >= 2
    assert [hedge["realised_out"] for hedge in result["hedges"]] == [
        hedge["leg"]["amount_out"] for hedge in result["hedges"]
    ]
    assert result["hedges"], "no part of the order went to the exchange"
    assert "generated" in text, "without recorded data the book must say that it is generated"
    assert "chain of hashes intact" in text


@pytest.mark.recorded
def test_the_demo_opens_at_the_recorded_book(project: Path, oms_data: Path, tmp_path: Path) -> None:
    text = Terminal(project, tmp_path, oms_data).run("demo")
    assert "recorded, Binance ETHUSDT" in text


def test_a_fork_goes_up_is_quoted_with_its_maker_and_exchange_and_goes_down(terminal: Terminal) -> None:
    up = terminal.run("fork", "up", "--name", "desk")
    assert "maker local answers at" in up
    assert "up" in terminal.run("fork", "status")
    quoted = json.loads(terminal.run("quote", "25", "WETH", "USDC", "--chain", "desk", "--json"))
    kinds = {row["price_is"] for row in quoted["venues"]}
    assert kinds == {"pool state", "indicative", "book"}
    assert int(quoted["split"]["net_out"]) >= max(int(row["net_out"]) for row in quoted["venues"] if not row["refusal"])
    taken = terminal.run("fork", "up", "--name", "desk", code=2)
    assert taken.count("\n") == 1
    terminal.run("fork", "down", "--name", "desk")
    assert "no forks" in terminal.run("fork", "status")


def test_a_dry_run_writes_a_plan_that_can_be_simulated(terminal: Terminal) -> None:
    plan = terminal.home / "plan.json"
    terminal.run("fork", "up", "--name", "sim", "--alone")
    dry = terminal.run("swap", "10", "WETH", "USDC", "--chain", "sim", "--dry-run", "--plan", str(plan))
    assert "dry run: nothing was sent" in dry
    assert "settled" not in dry
    simulated = terminal.run("simulate", str(plan), "--chain", "sim")
    assert "succeeds" in simulated
    assert "transfers" in simulated
    terminal.run("fork", "down", "--name", "sim")


def test_a_recorded_swap_repeats_from_its_file_alone(terminal: Terminal) -> None:
    up = terminal.run("fork", "up", "--name", "source", "--alone")
    url = up.split(" is up at ")[1].split(" ")[0]
    piece, first, second = terminal.home / "piece.json.gz", terminal.home / "1.json", terminal.home / "2.json"
    terminal.run(
        "fork", "record", "--rpc-url", url, "-o", str(piece), "swap", "7", "WETH", "USDC", "--json", str(first)
    )
    terminal.run("fork", "down", "--name", "source")
    terminal.run(
        "swap",
        "7",
        "WETH",
        "USDC",
        "--recording",
        str(piece),
        "--venues",
        "uniswap_v3,uniswap_v2,uniswap_v4,balancer_v2",
        "--json",
        str(second),
    )
    amounts = [json.loads(path.read_text())["assets"] for path in (first, second)]
    assert amounts[0] == amounts[1]


def test_the_journal_shows_what_was_done_and_verifies(terminal: Terminal) -> None:
    terminal.run("swap", "1", "WETH", "USDC", "--venues", "uniswap_v3")
    shown = terminal.run("journal", "show", "--last", "200")
    kinds = [line.split()[4] for line in shown.splitlines()]
    assert kinds[-6:] == [
        "SimulationSucceeded",
        "OrderApproved",
        "TransactionIntended",
        "TransactionIncluded",
        "LegSettled",
        "OrderCompleted",
    ]
    assert "chain intact" in terminal.run("journal", "verify")


def test_version_and_doctor_name_what_is_there(terminal: Terminal) -> None:
    assert "solidity 0.8.30" in terminal.run("version")
    assert "Anvil" in terminal.run("doctor")
