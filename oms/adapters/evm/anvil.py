"""Anvil, the local Ethereum node of our forks and tests: start, snapshot, dump, load, stop.

Owns: finding the binary, its command line, and its end; an Anvil never outlives the process that started it, even when
that is killed (`anvil_guard`), unless it was started detached on purpose (`forks`).
Must not: listen beyond 127.0.0.1, keep fork caches between runs, or know any contract.
"""

import gzip
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import httpx

from oms.adapters.evm.rpc import RpcClient
from oms.errors import InvalidRequest, StateConflict, Terminal, VenueError
from oms.units import Wei

HARDFORK = "osaka"
"""Pinned, since Anvil's default moves with each of its releases."""

START_SECONDS = 30.0
_BINARY = Path("node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil")
_GUARD = Path(__file__).with_name("anvil_guard.py")
_LISTENING = "Listening on 127.0.0.1:"
_POLL_SECONDS = 0.01


def find_anvil(project: Path, *, search_path: str | None = None) -> Path:
    """The binary that npm installed in `project`, else the one on `search_path` (default PATH). Raises `Terminal`."""
    bundled = project / _BINARY
    if os.access(bundled, os.X_OK):
        return bundled.resolve()
    found = shutil.which("anvil", path=search_path)
    if found is None:
        raise Terminal("anvil", "not installed; run ./scripts/demo, or `npm ci` in the project")
    return Path(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnvilOptions:
    """How to start; `port=0` lets the system choose, and a fork is of `fork_url` at `fork_block`."""

    port: int = 0
    chain_id: int | None = None
    fork_url: str | None = None
    fork_block: int | None = None
    load_state: Path | None = None
    timestamp: int | None = None
    hardfork: str = HARDFORK
    gas_limit: int | None = None
    base_fee_wei: Wei | None = None
    mining: bool = True
    auto_impersonate: bool = False

    def arguments(self) -> list[str]:
        """Anvil's command line, without the binary."""
        options = ["--host", "127.0.0.1", "--port", str(self.port), "--hardfork", self.hardfork, "--color", "never"]
        for flag, value in (
            ("--chain-id", self.chain_id),
            ("--load-state", self.load_state),
            ("--timestamp", self.timestamp),
            ("--gas-limit", self.gas_limit),
            ("--block-base-fee-per-gas", self.base_fee_wei),
        ):
            if value is not None:
                options += [flag, str(value)]
        if self.fork_url is not None:
            # A refused read must surface at once, and answers must not come from another run's cache.
            options += ["--fork-url", self.fork_url, "--no-rate-limit", "--retries", "0", "--no-storage-caching"]
            if self.fork_block is not None:
                options += ["--fork-block-number", str(self.fork_block)]
        if not self.mining:
            options.append("--no-mining")
        if self.auto_impersonate:
            options.append("--auto-impersonate")
        return options


class Anvil:
    """A running Anvil that ends with this process. Stop it, or use it as a context manager."""

    def __init__(self, url: str, rpc: RpcClient, guard: "subprocess.Popen[bytes]", output: IO[bytes]) -> None:
        self.url = url
        self.rpc = rpc
        self._guard = guard
        self._output = output

    @classmethod
    def start(cls, options: AnvilOptions, *, project: Path, start_seconds: float = START_SECONDS) -> Self:
        """Start and wait until it answers, at most `start_seconds`.

        Raises:
            InvalidRequest: the port is taken.
            Terminal: no binary, or Anvil ended; the message holds its own last words.
        """
        command = [sys.executable, "-I", "-S", str(_GUARD), str(find_anvil(project)), *options.arguments()]
        output = tempfile.TemporaryFile()  # noqa: SIM115 (`stop` closes it); nameless, so kill -9 leaves none behind
        guard = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True)
        try:
            url = _await_url(guard, output, options, start_seconds)
            rpc = RpcClient(url, timeout_seconds=60.0)
        except BaseException:
            _end(guard)
            output.close()
            raise
        running = cls(url, rpc, guard, output)
        rpc.call("anvil_setLoggingEnabled", False)  # noqa: FBT003 (the API is positional); or the log grows without end
        return running

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port on 127.0.0.1."""
        return int(self.url.rpartition(":")[2])

    @property
    def guard_pid(self) -> int:
        """The process between us and Anvil."""
        return self._guard.pid

    @property
    def running(self) -> bool:
        """Whether the process is still there."""
        return self._guard.poll() is None

    def last_words(self) -> str:
        """What Anvil wrote last, on one line; for error messages."""
        return _last_words(self._output)

    def snapshot(self) -> str:
        """Remember the whole chain state; give the result to `revert`."""
        return str(self.rpc.call("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        """Go back to a snapshot and forget it and all later ones. Raises `StateConflict` when it is not known."""
        if self.rpc.call("evm_revert", snapshot) is not True:
            raise StateConflict("snapshot", f"{snapshot} is unknown or was used before; take a new one")

    def dump_state(self, path: Path) -> None:
        """Write the chain as JSON that `AnvilOptions.load_state` and `load_state` read; atomic. Raises `OSError`."""
        answer = self.rpc.call("anvil_dumpState")
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_bytes(gzip.decompress(bytes.fromhex(str(answer)[2:])))
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)

    def load_state(self, path: Path) -> None:
        """Add a dumped state to this chain. Raises `StateConflict` when Anvil does not take it."""
        packed = gzip.compress(path.read_bytes(), compresslevel=1, mtime=0)
        if self.rpc.call("anvil_loadState", "0x" + packed.hex()) is not True:
            raise StateConflict("state", f"Anvil did not take {path.name}; delete it and build it again")

    def stop(self) -> None:
        """End Anvil and wait for that; harmless when repeated."""
        self.rpc.close()
        _end(self._guard)
        self._output.close()


def _end(guard: "subprocess.Popen[bytes]") -> None:
    if guard.stdin is not None:
        guard.stdin.close()
    try:
        guard.wait(5.0)
    except subprocess.TimeoutExpired:
        guard.kill()
        guard.wait()


def _await_url(guard: "subprocess.Popen[bytes]", output: IO[bytes], options: AnvilOptions, start_seconds: float) -> str:
    deadline = time.monotonic() + start_seconds
    while time.monotonic() < deadline:
        ended = guard.poll() is not None
        url = listening_url(_text(output))
        if url is not None:
            return url
        if ended:
            raise start_failure(_last_words(output), options)
        time.sleep(_POLL_SECONDS)
    raise Terminal("anvil", f"did not start within {start_seconds:g} s: {_last_words(output)}; try again")


def listening_url(log: str) -> str | None:
    """The URL that Anvil's log announces, or None as long as it does not."""
    for line in log.splitlines():
        if line.startswith(_LISTENING):
            return "http://127.0.0.1:" + line[len(_LISTENING) :].strip()
    return None


def start_failure(words: str, options: AnvilOptions) -> VenueError | InvalidRequest:
    """What to raise for an Anvil that ended with these last words."""
    if "Address already in use" in words:
        return InvalidRequest("port", f"{options.port} is in use; choose another, or 0 for a free one")
    if options.fork_url is not None and "sending request" in words:
        host = httpx.URL(options.fork_url).netloc.decode()  # the whole URL may hold a key
        said = words.replace(options.fork_url, host)
        return Terminal("anvil", f"could not fork {host}: {said}; start that node or correct the URL")
    return Terminal(
        "anvil", f"did not start: {words or 'it said nothing'}; run ./scripts/demo to repair the installation"
    )


def _text(output: IO[bytes]) -> str:
    size = os.fstat(output.fileno()).st_size
    return os.pread(output.fileno(), size, 0).decode(errors="replace")


def _last_words(output: IO[bytes]) -> str:
    return last_words(_text(output))


def last_words(log: str) -> str:
    """The end of a log as one line: from the last `error`, else its last line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    for index in range(len(lines) - 1, -1, -1):
        if lines[index].lower().startswith("error"):
            return " ".join(lines[index : index + 6])[:300]
    return lines[-1][:300] if lines else ""
