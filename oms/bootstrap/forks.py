"""Chains that outlive a command: starting them with their companions, listing and ending them, recording one.

Owns: the default names, and the companion process that keeps a maker and a paper exchange beside a fork.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from oms.adapters.evm.anvil import AnvilOptions
from oms.adapters.evm.chain import quantity
from oms.adapters.evm.devnet import start_devnet_fork
from oms.adapters.evm.forks import ForkRecord, add_companion, find_fork, list_forks, start_fork, stop_fork
from oms.adapters.evm.recording.format import load_recording
from oms.adapters.evm.recording.process import serve_command, served_url
from oms.adapters.evm.recording.recorder import record_state
from oms.adapters.evm.rpc import RpcClient
from oms.adapters.evm.venues import venues_of
from oms.bootstrap.services import Service
from oms.bootstrap.sessions import DESK, devnet_prices, own_accounts
from oms.config import Settings
from oms.errors import InvalidRequest, OmsError, Terminal

COMPANION_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ForkWords:
    """A fork as somebody asked for it."""

    name: str | None = None
    recording: Path | None = None
    rpc_url: str | None = None
    block: int | None = None
    port: int = 0
    seed: int = 1
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """What a recording holds."""

    chain_id: int
    block: int
    accounts: int
    slots: int


@dataclass(frozen=True, slots=True)
class Started:
    """A fork that is up, who answers beside it, and why nobody does where that is so."""

    record: ForkRecord
    services: tuple[Service, ...] = ()
    note: str = ""


def start(settings: Settings, words: ForkWords) -> Started:
    """Start what was asked for, detached. Raises `InvalidRequest`, `Terminal`.

    A recording that does not hold what a maker needs is served without one.
    """
    if words.recording and words.rpc_url:
        raise InvalidRequest("rpc-url", "give either --recording or --rpc-url")
    if words.recording:
        record = _start_recorded(settings, words, words.recording)
    elif words.rpc_url:
        record = _start_fork_of(settings, words, words.rpc_url)
    else:
        name = words.name or "devnet"
        record = start_devnet_fork(
            home=settings.home,
            project=settings.project,
            seed=words.seed,
            prices=devnet_prices(settings),
            port=words.port,
            name=name,
        )
    if words.alone or record.kind == "fork":
        return Started(record)
    try:
        return Started(record, _start_companions(settings, record))
    except OmsError as error:
        if record.kind == "recorded":
            return Started(record, note=f"without a maker and an exchange: {error}")
        stop_fork(settings.home, record.name)
        raise
    except BaseException:
        stop_fork(settings.home, record.name)
        raise


def _start_recorded(settings: Settings, words: ForkWords, path: Path) -> ForkRecord:
    name = words.name or "recorded"
    _require_free(settings, name)
    recording = load_recording(path)
    own = own_accounts(settings, venues_of(recording.chain_id), DESK)
    log = _folder(settings) / f"{name}.recording.log"
    server = _detached(serve_command(path, own=own), log)
    try:
        url = _awaited(lambda: served_url(log.read_text(errors="replace")), server, log)
        options = AnvilOptions(port=words.port, fork_url=url, fork_block=recording.block)
        return start_fork(
            options,
            home=settings.home,
            project=settings.project,
            kind="recorded",
            name=name,
            companions=[server.pid],
        )
    except BaseException:
        server.kill()
        raise


def _start_fork_of(settings: Settings, words: ForkWords, url: str) -> ForkRecord:
    name = words.name or "fork"
    _require_free(settings, name)
    with RpcClient(url) as rpc:
        newest = quantity(rpc.call("eth_blockNumber"), venue=rpc.venue, what="eth_blockNumber")
    block = newest if words.block is None else words.block
    options = AnvilOptions(port=words.port, fork_url=url, fork_block=block)
    return start_fork(options, home=settings.home, project=settings.project, kind="fork", name=name)


def _require_free(settings: Settings, name: str) -> None:
    existing = find_fork(settings.home, name)
    if existing is not None and existing.alive:
        raise InvalidRequest("name", f"{name} is up at {existing.url}; run `oms fork down`, or choose another name")


def status(settings: Settings) -> tuple[ForkRecord, ...]:
    """All forks, alive or gone."""
    return list_forks(settings.home)


def stop(settings: Settings, name: str | None, *, everything: bool) -> list[str]:
    """End one fork, or all. Raises `InvalidRequest` when it isn't clear which one."""
    records = list_forks(settings.home)
    if everything:
        names = [record.name for record in records]
    elif name is not None:
        names = [name]
    elif len(records) == 1:
        names = [records[0].name]
    elif not records:
        raise InvalidRequest("name", "no fork was started")
    else:
        raise InvalidRequest("name", f"say which: {', '.join(record.name for record in records)}, or --all")
    for each in names:
        if stop_fork(settings.home, each) is None:
            raise InvalidRequest("name", f"no fork is called {each}; see `oms fork status`")
        services_path(settings, each).unlink(missing_ok=True)
        (_folder(settings) / f"{each}.recording.log").unlink(missing_ok=True)
        (_folder(settings) / f"{each}.companions.log").unlink(missing_ok=True)
    return names


def record_chain(rpc_url: str, *, block: int | None, out: Path, run: Callable[[str], None]) -> Taken:
    """Run a command against a recorder of the node, and write what it touched."""
    with RpcClient(rpc_url) as rpc:
        newest = quantity(rpc.call("eth_blockNumber"), venue=rpc.venue, what="eth_blockNumber")
    taken = record_state(rpc_url, newest if block is None else block, out, run)
    slots = sum(len(account.storage) for account in taken.accounts.values())
    return Taken(taken.chain_id, taken.block, len(taken.accounts), slots)


def services_path(settings: Settings, name: str) -> Path:
    """Where a fork's companions say who they are."""
    return _folder(settings) / f"{name}.services"


def _start_companions(settings: Settings, record: ForkRecord) -> tuple[Service, ...]:
    path = services_path(settings, record.name)
    path.unlink(missing_ok=True)
    log = _folder(settings) / f"{record.name}.companions.log"
    command = [sys.executable, "-m", "oms.bootstrap.companions", record.name]
    process = _detached(command, log)
    add_companion(settings.home, record.name, process.pid)
    text = _awaited(lambda: path.read_text() if path.exists() else None, process, log)
    return tuple(Service(f"{entry['kind']} {entry['name']}", entry["url"]) for entry in json.loads(text)["services"])


def _detached(command: list[str], log: Path) -> "subprocess.Popen[bytes]":
    """A process of a session of its own, which stays when we end."""
    with log.open("wb") as output:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)


def _awaited(read: Callable[[], str | None], process: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + COMPANION_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError):
            if found := read():
                return found
        if process.poll() is not None:
            break
        time.sleep(0.02)
    process.kill()
    words = log.read_text(errors="replace").strip().splitlines()
    raise Terminal("fork", f"a companion did not start: {words[-1] if words else 'it said nothing'}; see {log}")


def _folder(settings: Settings) -> Path:
    folder = settings.home / "forks"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Terminal("fork", f"cannot write {folder}: {error.strerror}; set OMS_HOME elsewhere") from error
    return folder
