"""How long a person waits for a quote: from the process's start to its end, against a development chain that runs.

Owns: the chain's life, in a home of its own. Must not: use the desk's home, or leave the chain running.
"""

import contextlib
import os
import resource
import secrets
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.measures import Findings, Measure, Reading
from oms.errors import Terminal

RUNS = 7
_QUOTE_SECONDS = 60.0
_FORK_SECONDS = 180.0

QUOTE_COLD = Measure(
    key="cli.quote_cold_s",
    unit="s",
    what="`oms quote 25 WETH USDC`: start of the process to its end, median of 7, the devnet already up",
    aim=1.5,
    less_is_better=True,
)
QUOTE_COLD_CPU = Measure(
    key="cli.quote_cold_cpu_s",
    unit="s",
    what="processor time of the same processes, which a busy machine changes less",
    less_is_better=True,
)
MEASURES = (QUOTE_COLD, QUOTE_COLD_CPU)


def measure(wanted: Sequence[Measure], findings: Findings, *, project: Path) -> None:
    """Start a devnet, ask it `RUNS` times, and end it. Raises `Terminal` when a command fails."""
    name = f"bench-{secrets.token_hex(2)}"
    with tempfile.TemporaryDirectory(prefix="oms-bench-") as home:
        try:
            _oms(project, home, "fork", "up", "--name", name, seconds=_FORK_SECONDS)
            taken = [_timed(project, home, "quote", "25", "WETH", "USDC", "--chain", name) for _ in range(RUNS)]
        finally:
            _down(project, home, name)
    figures = {QUOTE_COLD: median(wall for wall, _ in taken), QUOTE_COLD_CPU: median(cpu for _, cpu in taken)}
    findings.readings += [Reading(measure, figures[measure]) for measure in MEASURES if measure in wanted]


def _down(project: Path, home: str, name: str) -> None:
    """End what was started, also after a start that failed halfway; that failure is the one worth telling."""
    with contextlib.suppress(Terminal):
        _oms(project, home, "fork", "down", "--name", name, seconds=_QUOTE_SECONDS)


def _timed(project: Path, home: str, *words: str) -> tuple[float, float]:
    """Seconds on the wall and on the processors."""
    started, used = perf_counter(), _children_seconds()
    _oms(project, home, *words, seconds=_QUOTE_SECONDS)
    return perf_counter() - started, _children_seconds() - used


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _oms(project: Path, home: str, *words: str, seconds: float) -> str:
    command = [str(project / ".venv" / "bin" / "oms"), *words]
    environment = os.environ | {"OMS_HOME": home}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds, env=environment, cwd=project, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Terminal("oms", f"`{' '.join(words)}` took more than {seconds:.0f} s; run it alone") from error
    except OSError as error:
        raise Terminal("oms", f"{command[0]} does not start: {error.strerror}; run ./scripts/demo") from error
    if done.returncode:
        words_said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise Terminal("oms", f"`{' '.join(words)}` failed: {words_said[-1] if words_said else 'silently'}")
    return done.stdout
