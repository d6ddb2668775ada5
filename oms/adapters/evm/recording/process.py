"""Starting a server of a recording as a process of its own, which ends when this one does.

Owns: that process, by the pipe that is its standard input: the kernel closes it however we end, and `serve` follows.
Must not: serve anything itself.
"""

import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from oms.errors import InvalidRequest, Terminal
from oms.units import Address

START_SECONDS = 30.0
_STOP_SECONDS = 5.0


def serve_command(recording: Path, *, port: int = 0, own: Collection[Address] = ()) -> list[str]:
    """The command that serves `recording` until it is told to end; for those that start it detached on purpose."""
    owned = [word for address in own for word in ("--own", address)]
    module = "oms.adapters.evm.recording.serve"
    return [sys.executable, "-m", module, str(recording.resolve()), "--port", str(port), *owned]


def served_url(log: str) -> str | None:
    """The URL that the served process announced in its output, or None as long as it did not."""
    line = next((line for line in log.splitlines(keepends=True) if " on http://127.0.0.1:" in line), "")
    return line.rpartition(" ")[2].strip() if line.endswith("\n") else None


class RecordingProcess:
    """A recording served at `url` by a child process. Stop it, or use it as a context manager."""

    def __init__(self, url: str, process: "subprocess.Popen[bytes]") -> None:
        self.url = url
        self._process = process

    @classmethod
    def start(
        cls,
        recording: Path,
        *,
        port: int = 0,
        own: Collection[Address] = (),
        start_seconds: float = START_SECONDS,
    ) -> Self:
        """Start and wait until it answers, at most `start_seconds`.

        Raises:
            InvalidRequest: the file or the port cannot be used.
            Terminal: it did not start in time.
        """
        command = [*serve_command(recording, port=port, own=own), "--die-with-stdin"]
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
            )
            try:
                return cls(_await_url(process, errors, start_seconds), process)
            except BaseException:
                _end(process)
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def stop(self) -> None:
        """End it and wait for that; harmless when repeated."""
        _end(self._process)


def _await_url(process: "subprocess.Popen[bytes]", errors: IO[bytes], start_seconds: float) -> str:
    deadline = time.monotonic() + start_seconds
    said = b""
    while process.stdout is not None and (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([process.stdout], [], [], left)
        chunk = os.read(process.stdout.fileno(), 4096) if ready else b""
        said += chunk
        if (url := served_url(said.decode(errors="replace"))) is not None:
            return url
        if ready and not chunk:
            process.wait(_STOP_SECONDS)
            raise _failure(errors)
    raise Terminal("recording", f"its server did not start within {start_seconds:g} s; try again")


def _failure(errors: IO[bytes]) -> InvalidRequest | Terminal:
    errors.seek(0)
    lines = errors.read().decode(errors="replace").strip().splitlines()
    field, separated, reason = (lines[-1] if lines else "").partition(": ")
    if separated and field in ("recording", "port", "own"):
        return InvalidRequest(field, reason)
    return Terminal("recording", f"its server ended at once ({field}{separated}{reason}); check the installation")


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
