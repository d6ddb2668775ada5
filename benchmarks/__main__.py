"""`python -m benchmarks`: measure, print a table, write flat JSON. Started by `scripts/bench`."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click
from rich.console import Console

from benchmarks import cli_cold, gas, gas_estimates, gas_legs, gas_mainnet, quotes, route, state
from benchmarks.measures import Findings, Measure, selected
from benchmarks.table import measures_table, readings_table
from oms.errors import InvalidRequest, OmsError

PROJECT = Path(__file__).resolve().parents[1]
MEASURES: tuple[Measure, ...] = (
    *quotes.MEASURES,
    *cli_cold.MEASURES,
    *gas.MEASURES,
    *gas_legs.MEASURES,
    *gas_mainnet.MEASURES,
    *gas_estimates.MEASURES,
    *state.MEASURES,
    *route.MEASURES,
)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write keys and numbers to this file too.")
@click.option("--list", "list_only", is_flag=True, help="Print what can be measured, and stop.")
def bench(names: tuple[str, ...], json_path: Path | None, *, list_only: bool) -> None:
    """Measure everything, or what NAME stands for: a key, or the beginning of keys.

    Peers are installed into .bench on first use. What cannot be measured here is left out, with a note; a peer that
    answers differently is an error.

    \b
    Examples:
      ./scripts/bench                           everything, about two minutes
      ./scripts/bench quote                     quotes a second, beside degenbot
      ./scripts/bench quote.v3 gas.v4           some of it
      ./scripts/bench --json figures.json       and keep the figures
      ./scripts/bench --list
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=150)  # for a file or a log, whole lines
    wanted = selected(MEASURES, names)
    if list_only:
        console.print(measures_table(wanted))
        return
    if json_path is not None and not json_path.absolute().parent.is_dir():
        raise InvalidRequest("json", f"{json_path.parent} is not a folder; make it first")
    findings = _measured(wanted)
    console.print(readings_table(findings.readings))
    for note in [*findings.notes, *_crowded()]:
        console.print(f"note: {note}", highlight=False)
    if json_path is not None:
        flat = {key: value for reading in findings.readings for key, value in reading.flat().items()}
        json_path.write_text(json.dumps(flat, indent=1) + "\n")
    for error in findings.errors:
        click.echo(f"error: {error}", err=True)
    if findings.errors:
        raise click.exceptions.Exit(OmsError.exit_code)


def _measured(wanted: list[Measure]) -> Findings:
    findings = Findings()
    data = Path(os.environ.get("OMS_DATA") or PROJECT.parent / "shared" / "data")
    groups: tuple[tuple[Sequence[Measure], Callable[[Sequence[Measure]], None]], ...] = (
        (quotes.MEASURES, lambda mine: quotes.measure(mine, findings, project=PROJECT, data=data)),
        (cli_cold.MEASURES, lambda mine: cli_cold.measure(mine, findings, project=PROJECT)),
        (gas.MEASURES, lambda mine: gas.measure(mine, findings, project=PROJECT)),
        (gas_legs.MEASURES, lambda mine: gas_legs.measure(mine, findings, project=PROJECT)),
        (gas_mainnet.MEASURES, lambda mine: gas_mainnet.measure(mine, findings, project=PROJECT, data=data)),
        (gas_estimates.MEASURES, lambda mine: gas_estimates.measure(mine, findings, project=PROJECT, data=data)),
        (state.MEASURES, lambda mine: state.measure(mine, findings)),
        (route.MEASURES, lambda mine: route.measure(mine, findings, project=PROJECT, data=data)),
    )
    for measures, run in groups:
        mine = [measure for measure in wanted if measure in measures]
        if not mine:
            continue
        try:
            run(mine)
        except OmsError as error:
            findings.errors.append(f"{mine[0].key}: {error}")
    return findings


def _crowded() -> list[str]:
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    if load <= cores + 1:  # one of them is this run
        return []
    return [f"{load:.1f} processes share {cores} cores: figures in seconds suffer from it, ratios and gas do not"]


def main() -> None:
    """Run, with errors on one line and exit code 2 or 3."""
    try:
        bench.main(standalone_mode=False, prog_name="bench")
    except OmsError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}", err=True)
        sys.exit(2)
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)


if __name__ == "__main__":
    main()
