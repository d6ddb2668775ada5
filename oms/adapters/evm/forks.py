"""Anvils that outlive the command which started them: `oms fork up`, `status`, `down`.

Owns: the records in `OMS_HOME/forks`, one file for each, and telling a live process from a stale or reused pid.
Must not: end a process that is not the one it recorded.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

from oms.adapters.evm.anvil import (
    START_SECONDS,
    AnvilOptions,
    find_anvil,
    last_words,
    listening_url,
    start_failure,
)
from oms.adapters.evm.rpc import RpcClient
from oms.errors import InvalidRequest, Terminal

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_POLL_SECONDS = 0.01
_STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ProcessRef:
    """A process by its id and the moment it was born, since ids are used again."""

    pid: int
    born: str

    @classmethod
    def of(cls, pid: int) -> Self:
        """The process that has `pid` now; `born` is empty if there is none."""
        return cls(pid, _born(pid))

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return bool(self.born) and _born(self.pid) == self.born


@dataclass(frozen=True, slots=True)
class ForkRecord:
    """A detached chain. `kind` is devnet, recorded or url; `companions` are processes that it needs to read from."""

    name: str
    kind: str
    url: str
    chain_id: int
    block: int
    process: ProcessRef
    companions: tuple[ProcessRef, ...] = ()

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        return int(self.url.rpartition(":")[2])

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.alive


def start_fork(
    options: AnvilOptions,
    *,
    home: Path,
    project: Path,
    kind: str,
    name: str = "default",
    companions: Sequence[int] = (),
    start_seconds: float = START_SECONDS,
) -> ForkRecord:
    """Start an Anvil that stays, and record it under `name`.

    `companions` are pids of processes that end with it (the server of a recording).

    Raises:
        InvalidRequest: the name is malformed or in use, or the port is taken.
        Terminal: no binary, or Anvil ended; the message holds its own last words.
    """
    existing = find_fork(home, name)
    if existing is not None and existing.alive:
        raise InvalidRequest("name", f"{name} is up at {existing.url}; run `oms fork down`, or choose another name")
    folder = home / "forks"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / f"{name}.log"
        process = _spawn([str(find_anvil(project)), *options.arguments()], log)
    except OSError as error:
        raise Terminal("anvil", f"no start under {folder}: {error.strerror}; make that folder writable") from error
    try:
        url = _await_url(process, log, options, start_seconds)
        chain_id, block = _introduce(url)
        record = ForkRecord(name, kind, url, chain_id, block, process, tuple(map(ProcessRef.of, companions)))
        _write(folder / f"{name}.json", record)
    except BaseException:
        _stop(process)
        raise
    return record


def add_companion(home: Path, name: str, pid: int) -> ForkRecord:
    """Tie another process to a running fork, to be ended with it. Raises `InvalidRequest` when there is none."""
    record = find_fork(home, name)
    if record is None:
        raise InvalidRequest("name", f"no fork is called {name}; see `oms fork status`")
    joined = replace(record, companions=(*record.companions, ProcessRef.of(pid)))
    _write(home / "forks" / f"{name}.json", joined)
    return joined


def find_fork(home: Path, name: str) -> ForkRecord | None:
    """The record of that name, alive or stale. Raises `InvalidRequest` for a malformed name."""
    if not _NAME.fullmatch(name):
        raise InvalidRequest("name", f"{name!r} may hold a-z, 0-9, - and _ only, 32 at most")
    return _read(home / "forks" / f"{name}.json")


def list_forks(home: Path) -> tuple[ForkRecord, ...]:
    """All records, alive or stale, by name."""
    found = (_read(path) for path in sorted((home / "forks").glob("*.json")))
    return tuple(record for record in found if record is not None)


def stop_fork(home: Path, name: str = "default") -> ForkRecord | None:
    """End that chain and its companions and forget it; what it was, or None when there was no record."""
    record = find_fork(home, name)
    if record is None:
        return None
    for process in (record.process, *record.companions):
        _stop(process)
    for path in (home / "forks").glob(f"{name}.*"):  # names hold no dot
        path.unlink(missing_ok=True)
    return record


def _spawn(command: list[str], log: Path) -> ProcessRef:
    """A session of its own, so that neither the terminal's signals nor our end reach it."""
    write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), write, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return ProcessRef.of(os.posix_spawn(command[0], command, os.environ, file_actions=actions, setsid=True))


def _await_url(process: ProcessRef, log: Path, options: AnvilOptions, start_seconds: float) -> str:
    deadline = time.monotonic() + start_seconds
    while time.monotonic() < deadline:
        alive = process.alive
        text = log.read_text(errors="replace")
        url = listening_url(text)
        if url is not None:
            return url
        if not alive:
            raise start_failure(last_words(text), options)
        time.sleep(_POLL_SECONDS)
    raise Terminal("anvil", f"did not start within {start_seconds:g} s; see {log}")


def _introduce(url: str) -> tuple[int, int]:
    with RpcClient(url) as rpc:
        rpc.call("anvil_setLoggingEnabled", False)  # noqa: FBT003 (the API is positional); or the log grows without end
        return int(str(rpc.call("eth_chainId")), 16), int(str(rpc.call("eth_blockNumber")), 16)


def _stop(process: ProcessRef) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not process.alive:
            return
        os.kill(process.pid, number)
        deadline = time.monotonic() + _STOP_SECONDS
        while process.alive and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)


def _born(pid: int) -> str:
    """When the process started, as its system says it; empty when it is gone, or only waits to be reaped."""
    _reap(pid)
    if sys.platform.startswith("linux"):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        state, threads, started = fields[0], int(fields[17]), fields[19]  # started: in clock ticks since boot
        # A process whose first thread has ended is shown as dead while its others still hold its sockets.
        return "" if state in "ZX" and threads <= 1 else started
    asked = subprocess.run(["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, check=False, timeout=5)
    return asked.stdout.decode().strip()


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):  # another process's child
        os.waitpid(pid, os.WNOHANG)


def _write(path: Path, record: ForkRecord) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(asdict(record), indent=1) + "\n")
    draft.replace(path)


def _read(path: Path) -> ForkRecord | None:
    try:
        value = json.loads(path.read_text())
        companions = tuple(ProcessRef(**entry) for entry in value.pop("companions"))
        return ForkRecord(process=ProcessRef(**value.pop("process")), companions=companions, **value)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # absent or damaged: as if it had never been
