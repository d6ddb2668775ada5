"""Starting one of our own servers as a process, and ending it with certainty.

Owns: the child's command line, its lifeline (a pipe to its standard input) and its ready line.
Must not: know what it serves. Secrets go through the environment, never through the command line.
"""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from oms.errors import Terminal


class LocalProcess:
    """A running server of ours. Close it, or use it as a context manager; it also ends when this process does."""

    def __init__(self, url: str, process: subprocess.Popen[bytes]) -> None:
        self.url = url
        self.pid = process.pid
        self._process = process

    @classmethod
    def start(
        cls,
        module: str,
        config: Mapping[str, Any],
        *,
        environment: Mapping[str, str] | None = None,
        timeout_seconds: float = 20.0,
    ) -> Self:
        """Run `python -m module --config FILE --die-with-stdin` and wait until it says where it listens.

        Raises:
            Terminal: it ended, or said nothing in time; the message holds its last words.
        """
        with tempfile.TemporaryDirectory(prefix="oms-") as folder, tempfile.TemporaryFile() as errors:
            path = Path(folder) / "config.json"
            path.write_text(json.dumps(config))
            process = subprocess.Popen(
                [sys.executable, "-m", module, "--config", str(path), "--die-with-stdin"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **(environment or {})},
                cwd=Path(__file__).resolve().parents[2],
            )
            line = _first_line(process, deadline=time.monotonic() + timeout_seconds)
            url = _url(line)
            if url is None:
                _end(process)
                errors.seek(0)
                words = errors.read().decode(errors="replace").strip().splitlines()
                raise Terminal(module, f"did not start: {words[-1] if words else 'no word from it in time'}")
        return cls(url, process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the process and wait for it."""
        _end(self._process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(2.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _first_line(process: subprocess.Popen[bytes], *, deadline: float) -> bytes:
    if process.stdout is None:
        return b""
    descriptor, line = process.stdout.fileno(), b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        chunk = os.read(descriptor, 4096) if ready else b""
        if not chunk:
            return b""
        line += chunk
    return line


def _url(line: bytes) -> str | None:
    try:
        answer = json.loads(line)
    except ValueError:
        return None
    return answer["url"] if isinstance(answer, dict) and isinstance(answer.get("url"), str) else None
