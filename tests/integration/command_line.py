"""A command typed in this process, what came of it, and how a refusal must look."""

import sys
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from oms.cli.main import cli, run

CALLER, WORLD = 2, 3
"""Exit codes: whose fault it is."""


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


def oms(home: Path, *words: str, **environment: str) -> Ran:
    """A command in this process, with an environment of its own."""
    variables = {"OMS_HOME": str(home), "OMS_DATA": str(home / "no-data"), **environment}
    with CliRunner(mix_stderr=False).isolation(env=variables) as streams:
        code = run(lambda: cli.main(args=list(words), prog_name="oms", standalone_mode=False))
        sys.stdout.flush()
        err = streams[1].getvalue() if streams[1] is not None else b""
        return Ran(code, streams[0].getvalue().decode(), err.decode())


def refused(ran: Ran, code: int, *said_words: str) -> None:
    """One line on stderr with these words in it, and this exit code."""
    assert ran.code == code, ran
    assert ran.err.startswith("error: "), ran.err
    assert ran.err.count("\n") == 1
    assert ran.err.endswith("\n")
    assert ran.err.strip().isprintable()
    assert len(ran.err) < 1_100
    for word in said_words:
        assert word in ran.err
