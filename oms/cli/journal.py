"""`oms journal`: read the record of every order, and prove that nobody changed it."""

from dataclasses import asdict
from datetime import UTC, datetime

import click

from oms.application.unresolved import unresolved
from oms.bootstrap.configuration import load_settings
from oms.bootstrap.records import open_journal
from oms.cli.foreign_words import printable
from oms.errors import InvalidRequest

SHORT = 96


@click.group()
def journal() -> None:
    """The append-only record of every order.

    \b
    Examples:
      oms journal show               the newest entries
      oms journal show --order ID    one order's
      oms journal verify             recompute the whole chain of hashes
    """


@journal.command()
@click.option("--order", "order_id", help="Only this order's entries.")
@click.option("--last", type=click.IntRange(1), default=30, show_default=True, help="How many of the newest.")
def show(*, order_id: str | None, last: int) -> None:
    """Entries, oldest first."""
    with open_journal(load_settings()) as opened:
        entries = list(opened.entries(order_id))[-last:]
        waiting = unresolved(opened)
    if order_id is not None and not entries:
        raise InvalidRequest("order", f"{order_id} is not in the journal; `oms journal show` lists the newest entries")
    for entry in entries:
        when = datetime.fromtimestamp(entry.recorded_at, UTC).strftime("%Y-%m-%d %H:%M:%S")
        values = {key: value for key, value in asdict(entry.event).items() if key != "order_id"}
        text = " ".join(f"{key}={str(value)[:SHORT]}" for key, value in values.items())
        line = printable(f"{when} {entry.event.order_id} {type(entry.event).__name__} {text}")
        click.echo(f"{entry.sequence:>6} {line}")
    for event in waiting:
        click.echo(printable(f"unresolved: {type(event).__name__} of order {event.order_id}; it is asked about first"))


@journal.command()
def verify() -> None:
    """Recompute the chain of hashes; exit code 3 at the first entry that was altered."""
    with open_journal(load_settings()) as opened:
        count = opened.verify()
    click.echo(f"{count} entries, chain intact")
