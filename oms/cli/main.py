"""The command line. Each command parses, calls and prints; errors are one line, with exit code 2 or 3.

Owns: names of commands and options, their help, and exit codes.
Must not: decide anything, or import what a command does not need (a quote has a second and a half in all).
"""

import io
import os
import re
import sys
from collections.abc import Callable
from typing import Any

import click

from oms import __version__
from oms.cli.foreign_words import printable
from oms.errors import OmsError


class OmsGroup(click.Group):
    """A group whose commands are imported when they are called, and whose errors are one line."""

    _COMMANDS = {  # noqa: RUF012 (a table, never written)
        "account": "oms.cli.account:account",
        "allowances": "oms.cli.allowances:allowances",
        "basket": "oms.cli.basket:basket",
        "batch": "oms.cli.relay:batch",
        "cycles": "oms.cli.cycles:cycles",
        "demo": "oms.cli.demo:demo",
        "deployed": "oms.cli.deployed:deployed",
        "doctor": "oms.cli.doctor:doctor",
        "explain": "oms.cli.explain:explain",
        "fork": "oms.cli.fork:fork",
        "journal": "oms.cli.journal:journal",
        "listing": "oms.cli.registry:listing",
        "market": "oms.cli.market:market",
        "pause": "oms.cli.account:pause",
        "quote": "oms.cli.quote:quote",
        "relay": "oms.cli.relay:relay",
        "resume": "oms.cli.account:resume",
        "route": "oms.cli.route:route",
        "session": "oms.cli.session:session",
        "sign": "oms.cli.relay:sign",
        "simulate": "oms.cli.swap:simulate",
        "swap": "oms.cli.swap:swap",
        "venue": "oms.cli.registry:venue",
        "version": "oms.cli.doctor:version",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """Names in alphabetical order."""
        return sorted(self._COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command's module and take the command from it."""
        target = self._COMMANDS.get(cmd_name)
        if target is None:
            return None
        module_name, _, attribute = target.partition(":")
        command: click.Command = getattr(__import__(module_name, fromlist=[attribute]), attribute)
        return command


@click.group(cls=OmsGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="oms", message="%(prog)s %(version)s")
def cli() -> None:
    """Quote every venue, split, settle atomically, hedge the rest.

    \b
    Examples:
      oms quote 25 WETH USDC                        every venue side by side, on the embedded devnet
      oms quote 25 WETH USDC --rpc-url URL          the same on your own node, read only
      oms quote 1000 USDC WETH --buy                pay USDC until 1000 WETH are bought
      oms swap 25 WETH USDC                         plan, check, simulate and settle on a fork
      oms fork up                                   keep a devnet with a maker and a paper exchange running
    """


def run(command: Callable[[], Any]) -> int:
    """The exit code of a command: 0, 2 for the caller's fault, 3 for the world's, 70 for ours, 130 when interrupted."""
    try:
        command()
    except OmsError as error:
        return _failed(str(error), error.exit_code)
    except click.ClickException as error:
        return _failed(_usage(error), 2)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted; the journal knows what was sent: oms journal show", err=True)
        return 130
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except BrokenPipeError:
        return 0
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        return _failed(f"the system refused{where}: {error.strerror or error}; free the disk or use another place", 3)
    except Exception as defect:
        if os.environ.get("OMS_DEBUG"):
            raise
        said = printable(f"{type(defect).__name__}: {defect}")
        click.echo(f"internal error: {said}; please report it, with OMS_DEBUG=1 for the trace", err=True)
        return 70
    return 0


def _failed(reason: str, exit_code: int) -> int:
    click.echo(f"error: {printable(reason)}", err=True)
    return exit_code


def _usage(error: click.ClickException) -> str:
    """Click's words, with the remedy that they lack."""
    if isinstance(error, click.NoSuchOption) and re.match(r"-[\d.]", error.option_name):
        return f"amount: {error.option_name} must be greater than zero"
    message = error.format_message()
    if isinstance(error, click.UsageError) and error.ctx is not None:
        return f"{message.rstrip('.')}; see `{error.ctx.command_path} --help`"
    return message


def main() -> None:
    """Entry point of `oms`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without our characters still gets its answer
    code = run(_invoked)
    if code == 3:
        sys.stdout = io.StringIO()  # what a full disk did not take is not tried again at exit
    sys.exit(code)


def _invoked() -> None:
    cli.main(prog_name="oms", standalone_mode=False)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
