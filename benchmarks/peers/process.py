"""A peer in an environment of its own: made on demand under `.bench`, talked to over a pipe, ended with the run.

Owns: the environments, the requests, and the bound on every wait.
Must not: install anything into the product's environment, or know what is measured.
"""

import hashlib
import json
import os
import selectors
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from benchmarks.peers.serving import PREFIX, State

INSTALL_SECONDS = 420.0
ANSWER_SECONDS = 120.0
_PEERS = Path(__file__).parent


class PeerUnavailable(Exception):
    """The peer could not be installed or started; the reason is for people."""


class PeerFailed(Exception):
    """The peer ran and broke, or did not answer in time."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer by the name of its requirements file, and the module here that drives it."""

    name: str
    version: str
    module: str

    @property
    def requirements(self) -> Path:
        """What its environment holds."""
        return _PEERS / f"{self.name}.txt"


DEGENBOT = Peer("degenbot", "0.3.0", "benchmarks.peers.degenbot_quotes")
BALANCER_MATHS = Peer("balancer_maths", "0.1.2", "benchmarks.peers.balancer_maths_quotes")


def environment(peer: Peer, project: Path) -> Path:
    """The Python of the peer's environment, installed if it is missing or its pins changed.

    Raises:
        PeerUnavailable: no environment could be made, or its packages could not be installed.
    """
    folder = project / ".bench" / peer.name
    python, stamp = folder / "bin" / "python", folder / ".installed"
    wanted = hashlib.sha256(peer.requirements.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    sys.stderr.write(f"· installing {peer.name} {peer.version} into .bench/{peer.name} (about a minute)\n")
    folder.parent.mkdir(exist_ok=True)
    _run([sys.executable, "-m", "venv", "--clear", str(folder)], peer)
    _run([str(python), "-m", "pip", "install", "--quiet", "-r", str(peer.requirements)], peer)
    stamp.write_text(wanted)
    return python


def _run(command: list[str], peer: Peer) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerUnavailable(f"{peer.name} {peer.version}: {type(error).__name__} while installing") from error
    if done.returncode:
        errors = [line.strip() for line in done.stderr.splitlines() if "error" in line.lower()]
        raise PeerUnavailable(f"{peer.name} {peer.version}: {errors[0] if errors else 'not installable here'}")


class PeerProcess:
    """A running peer; use it as a context manager."""

    def __init__(self, peer: Peer, process: "subprocess.Popen[bytes]", pipes: tuple[IO[bytes], IO[bytes]]) -> None:
        self.peer = peer
        self._process = process
        self._to, self._from = pipes
        self._unread = b""

    @classmethod
    def start(cls, peer: Peer, project: Path) -> Self:
        """Install it if need be, start it and wait until it is ready. Raises `PeerUnavailable`."""
        python = environment(peer, project)
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        process = subprocess.Popen(
            [str(python), "-m", peer.module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=project,
            env=inherited | {"PYTHONPATH": str(project)},
        )
        if process.stdin is None or process.stdout is None:
            raise PeerUnavailable(f"{peer.name} {peer.version}: has no pipes")
        started = cls(peer, process, (process.stdin, process.stdout))
        try:
            started._reply()
        except PeerFailed as error:
            started.stop()
            raise PeerUnavailable(str(error)) from error
        return started

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def answers(self, name: str, state: State, amounts: range) -> list[int]:
        """What the peer answers for each amount. Raises `PeerFailed`."""
        found: list[int] = self._ask(name, state, amounts, time=False)["answers"]
        return found

    def seconds(self, name: str, state: State, amounts: range) -> float:
        """How long one pass over the amounts takes it. Raises `PeerFailed`."""
        return float(self._ask(name, state, amounts, time=True)["seconds"])

    def stop(self) -> None:
        """End it; harmless when repeated."""
        self._to.close()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._from.close()

    def _ask(self, name: str, state: State, amounts: range, *, time: bool) -> dict[str, Any]:
        plain = [amounts.start, amounts.stop, amounts.step]
        request = {"name": name, "state": state, "amounts": plain, "time": time}
        try:
            self._to.write(json.dumps(request).encode() + b"\n")
            self._to.flush()
        except OSError as error:
            raise self._failed("ended") from error
        return self._reply()

    def _reply(self) -> dict[str, Any]:
        while True:
            line = self._line().decode(errors="replace")
            if line.startswith(PREFIX):
                reply: dict[str, Any] = json.loads(line[len(PREFIX) :])
                return reply

    def _line(self) -> bytes:
        with selectors.DefaultSelector() as selector:
            selector.register(self._from, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                if not selector.select(ANSWER_SECONDS):
                    raise self._failed(f"did not answer within {ANSWER_SECONDS:.0f} s")
                # The descriptor itself: a buffered read could wait for more than there is.
                chunk = os.read(self._from.fileno(), 1 << 16)
                if not chunk:
                    raise self._failed("ended")
                self._unread += chunk
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _failed(self, how: str) -> PeerFailed:
        return PeerFailed(f"{self.peer.name} {self.peer.version} {how}; run its module alone to see why")
