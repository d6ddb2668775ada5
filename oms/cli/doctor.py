"""`oms doctor` and `oms version`: what is installed, what is missing, and what to do about it."""

import sys

import click
from rich.table import Table

from oms.bootstrap.configuration import load_settings
from oms.bootstrap.installation import Finding, inspect, versions
from oms.cli.tables import terminal, words
from oms.errors import OmsError


class NotReady(OmsError):
    """Something that settling needs is missing."""


@click.command()
def version() -> None:
    """The version of oms, of Python, and of the contracts' compiler."""
    for name, value in versions(load_settings()).items():
        click.echo(f"{name} {value}")


@click.command()
def doctor() -> None:
    """What is installed, what is missing, and what to do about it. Exit code 3 when something needed is missing."""
    findings = inspect(load_settings())
    table = Table(title=f"oms on Python {sys.version.split()[0]}", title_justify="left")
    for name in ("part", "", "found", "remedy"):
        table.add_column(name)
    for finding in findings:
        remedy = "" if finding.ok else words(finding.remedy)
        table.add_row(words(finding.part), _mark(finding), words(finding.found), remedy)
    terminal().print(table)
    missing = [finding.part for finding in findings if finding.needed and not finding.ok]
    if missing:
        raise NotReady(f"missing: {', '.join(missing)}; run ./scripts/demo once, it installs them")


def _mark(finding: Finding) -> str:
    if finding.ok:
        return "[green]ok[/]"
    return "[red]missing[/]" if finding.needed else "[yellow]absent[/]"
