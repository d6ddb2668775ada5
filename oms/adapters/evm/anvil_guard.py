"""The process between us and Anvil: when the pipe from our process closes, for whatever reason, Anvil ends.

Owns: one Anvil, from its start to its end. Run by path, with the standard library alone, as `anvil_guard.py ANVIL
ARGS...`; standard input is the lifeline, its end of file the order to stop. The exit code is Anvil's own.
Must not: import anything of `oms` (it starts in hundredths of a second), or read what comes through the lifeline.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from types import FrameType

_PR_SET_PDEATHSIG = 1
_PATIENCE_SECONDS = 3.0


def _die_with_guard() -> Callable[[], None] | None:
    """Linux: should the guard itself be killed, the kernel kills Anvil. The guard has one thread, so that holds."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def arm() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    return arm


def main(command: list[str]) -> int:
    """Run `command` until it ends, the lifeline closes or a signal asks; returns its exit code."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)

    def note(_number: int, _frame: FrameType | None) -> None:
        """The wake-up pipe carries the signal; a handler must only exist."""

    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, note)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_guard())
    while child.poll() is None:
        ready, _, _ = select.select([0, woken], [], [])
        asked = woken in ready and set(os.read(woken, 64)) - {signal.SIGCHLD}
        if asked or (0 in ready and not os.read(0, 64)):
            break
    return _end(child)


def _end(child: subprocess.Popen[bytes]) -> int:
    if child.poll() is None:
        child.terminate()
    try:
        return child.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
