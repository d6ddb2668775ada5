"""`oms deployed`: whether what stands on a chain is what a record of `deployments/` says."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table

from oms.bootstrap.configuration import load_settings
from oms.bootstrap.custody import check_deployment
from oms.cli.options import ChainWords, on_chain
from oms.cli.tables import terminal, words
from oms.errors import StateConflict


@click.command()
@click.argument("record", metavar="RECORD.json", type=click.Path(path_type=Path))
@on_chain
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def deployed(record: Path, *, given: ChainWords, as_json: bool) -> None:
    """Compare a record of deployments/ with a chain. Nothing is sent. Exit code 3 where anything differs.

    Compared are code, addresses, owner, delay and venues; what this checkout's constructors make of the recorded
    arguments, run again on the node; whether the contracts were built with each other and with the protocols that are
    built in for the chain; and what stands at each protocol's address, with the implementation behind a proxy. What
    cannot be told counts as differing. What a development chain never had is shown as `not here`, and does not.

    \b
    Examples:
      oms deployed deployments/1-devnet.json --chain devnet
      oms deployed deployments/1-mine.json --rpc-url https://your-node
    """
    found = check_deployment(load_settings(), given.opening(settles=False), record)
    if as_json:
        click.echo(
            json.dumps(
                {"same": all(each.ok for each in found), "found": [asdict(each) | {"ok": each.ok} for each in found]}
            )
        )
    else:
        table = Table()
        for title in ("recorded", "", "found"):
            table.add_column(title)
        for each in found:
            colour = "green" if each.finding == "same" else "yellow" if each.ok else "red"
            table.add_row(words(each.what), f"[{colour}]{each.finding}[/]", words(each.found))
        terminal().print(table)
    unlike = [each.what for each in found if not each.ok]
    if unlike:
        raise StateConflict("deployment", f"the chain differs from the record in: {', '.join(unlike)}; trust neither")
