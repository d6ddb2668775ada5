"""Looking at this machine: which parts are there, which are not, and the remedy for each."""

import importlib.metadata
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from oms import __version__
from oms.adapters.evm.anvil import find_anvil
from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.forks import list_forks
from oms.config import Settings
from oms.errors import OmsError

SOLIDITY = "0.8.30"
LIBRARIES = ("web3", "eth-account", "eth-abi", "httpx", "pydantic", "ccxt", "numpy", "click", "rich")
FREE_MEGABYTES = 500
_MEGABYTE = 2**20


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of the installation. A part that isn't `needed` only widens what can be done."""

    part: str
    ok: bool
    found: str
    remedy: str
    needed: bool = True


def versions(settings: Settings) -> dict[str, str]:
    """The versions that a bug report should name."""
    return {
        "oms": __version__,
        "python": sys.version.split()[0],
        "solidity": SOLIDITY,
        "anvil": _anvil(settings).found,
        "web3": importlib.metadata.version("web3"),
    }


def inspect(settings: Settings) -> list[Finding]:
    """Everything that a command may need."""
    return [
        _python(),
        *(_library(name) for name in LIBRARIES),
        _anvil(settings),
        _node(),
        _bytecode(settings),
        _contracts(settings),
        _home(settings),
        _disk(settings),
        _data(settings),
        _forks(settings),
    ]


def _python() -> Finding:
    ok = sys.version_info >= (3, 11)
    return Finding("Python", ok, sys.version.split()[0], "install Python 3.11 or later")


def _library(name: str) -> Finding:
    try:
        return Finding(name, ok=True, found=importlib.metadata.version(name), remedy="")
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, ok=False, found="-", remedy="run ./scripts/demo, it installs the lock file")


def _anvil(settings: Settings) -> Finding:
    try:
        path = find_anvil(settings.project)
        answer = subprocess.run([str(path), "--version"], capture_output=True, text=True, timeout=10, check=False)
        return Finding(
            "Anvil", ok=True, found=answer.stdout.split("\n", 1)[0].removeprefix("anvil Version: "), remedy=""
        )
    except (OmsError, OSError, subprocess.TimeoutExpired) as error:
        return Finding("Anvil", ok=False, found="-", remedy=str(error))


def _node() -> Finding:
    path = shutil.which("node")
    return Finding(
        "node", path is not None, path or "-", "only needed to install; ./scripts/demo brings one", needed=False
    )


def _bytecode(settings: Settings) -> Finding:
    package = Artifacts(settings.project).published_path("@uniswap/v3-core/package.json")
    found = "node_modules" if package.exists() else "-"
    return Finding("protocols' bytecode", package.exists(), found, "run `npm ci`, or ./scripts/demo")


def _contracts(settings: Settings) -> Finding:
    compiled = Artifacts(settings.project).our_path("Executor").exists()
    return Finding("our contracts", compiled, "out" if compiled else "-", "run ./scripts/demo, it compiles them")


def _home(settings: Settings) -> Finding:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        probe = settings.home / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        return Finding("home", ok=False, found=str(settings.home), remedy=f"{error.strerror}; set OMS_HOME elsewhere")
    return Finding("home", ok=True, found=str(settings.home), remedy="")


def _disk(settings: Settings) -> Finding:
    folder = settings.home if settings.home.exists() else Path.cwd()
    free = shutil.disk_usage(folder).free // _MEGABYTE
    return Finding("free disk", free >= FREE_MEGABYTES, f"{free:,} MB", f"free {FREE_MEGABYTES} MB")


def _data(settings: Settings) -> Finding:
    there = settings.data.is_dir()
    remedy = "set OMS_DATA to use recorded mainnet, books and vectors"
    return Finding("recorded data", there, str(settings.data) if there else "-", remedy, needed=False)


def _forks(settings: Settings) -> Finding:
    alive = [record.name for record in list_forks(settings.home) if record.alive]
    return Finding("running forks", bool(alive), ", ".join(alive) or "-", "start one with `oms fork up`", needed=False)
