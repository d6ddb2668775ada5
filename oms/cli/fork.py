"""`oms fork`: keep a chain running between commands, and carry a piece of one away."""

from pathlib import Path

import click
from rich.table import Table

from oms.bootstrap.configuration import load_settings
from oms.bootstrap.forks import ForkWords, record_chain, start, status, stop
from oms.cli.foreign_words import printable
from oms.cli.tables import progress, terminal, words


@click.group()
def fork() -> None:
    """Local chains that stay: the devnet, a recorded mainnet, or a fork of any node.

    \b
    Examples:
      oms fork up                                    devnet with a maker and a paper exchange
      oms fork up --recording mainnet.json.gz        a recorded piece of a chain
      oms fork up --rpc-url URL --name mine          a fork of your node
      oms quote 25 WETH USDC --chain mine
      oms fork record --rpc-url URL -o piece.json.gz quote 25 WETH USDC
      oms fork down --all
    """


@fork.command()
@click.option("--name", help="What commands call it with --chain. Default: devnet, recorded or fork.")
@click.option("--recording", type=click.Path(path_type=Path), help="Serve and fork this file.")
@click.option("--rpc-url", metavar="URL", help="Fork this node.")
@click.option("--block", type=click.IntRange(0), help="Fork at this block; default the newest.")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Default: any free one.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The devnet's.")
@click.option("--alone", is_flag=True, help="No maker and no paper exchange.")
def up(
    *,
    name: str | None,
    recording: Path | None,
    rpc_url: str | None,
    block: int | None,
    port: int,
    seed: int,
    alone: bool,
) -> None:
    """Start a chain that outlives this command."""
    asked = ForkWords(name, recording=recording, rpc_url=rpc_url, block=block, port=port, seed=seed, alone=alone)
    with progress("starting the chain"):
        started = start(load_settings(), asked)
    record = started.record
    click.echo(f"{record.name} is up at {record.url} (chain {record.chain_id}, block {record.block})")
    for service in started.services:
        click.echo(f"{service.name} answers at {service.url}")
    if started.note:
        click.echo(printable(started.note))
    click.echo(f"quote it: oms quote 25 WETH USDC --chain {record.name} · end it: oms fork down --name {record.name}")


@fork.command("status")
def show_status() -> None:
    """Every chain that was started, and whether it still runs."""
    records = status(load_settings())
    if not records:
        click.echo("no forks; start one with `oms fork up`")
        return
    table = Table()
    for title in ("name", "kind", "url", "chain", "forked at", "state"):
        table.add_column(title)
    for record in records:
        state = "[green]up[/]" if record.alive else "[red]gone[/] (oms fork down forgets it)"
        said = (words(text) for text in (record.name, record.kind, record.url))
        table.add_row(*said, str(record.chain_id), str(record.block), state)
    terminal().print(table)


@fork.command()
@click.option("--name", help="Which one; default the only one.")
@click.option("--all", "everything", is_flag=True, help="All of them.")
def down(*, name: str | None, everything: bool) -> None:
    """End a chain and everything that was started with it."""
    for stopped in stop(load_settings(), name, everything=everything):
        click.echo(f"{stopped} is down")


@fork.command("record", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--rpc-url", metavar="URL", required=True, help="The node to record from.")
@click.option("--block", type=click.IntRange(0), help="Pin this block; default the newest.")
@click.option("-o", "--out", "out", type=click.Path(path_type=Path), required=True, help="A .json or .json.gz file.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def record_command(*, rpc_url: str, block: int | None, out: Path, command: tuple[str, ...]) -> None:
    """Run COMMAND (`quote …` or `swap …`) and write down all the state it touched.

    The file can be forked, quoted and swapped on anywhere: oms fork up --recording FILE

    \b
    Examples:
      oms fork record --rpc-url URL --block 24628607 -o weth-usdc.json.gz quote 25 WETH USDC
      oms fork record --rpc-url URL -o bug.json.gz swap 25 WETH USDC
    """
    said = [word for word in command if word != "oms"]
    taken = record_chain(rpc_url, block=block, out=out, run=lambda url: _run(said, url))
    click.echo(f"{out}: {taken.accounts} accounts, {taken.slots} slots of chain {taken.chain_id}, block {taken.block}")


def _run(said: list[str], url: str) -> None:
    from oms.cli.main import cli

    cli.main(args=[*said, "--rpc-url", url], standalone_mode=False)
