"""Deploys an `Executor` and its parts and records it: `./scripts/ape run deploy --network ethereum:local:foundry`.

Owns: the command line. What is sent, and which chains are refused: `_deployment.py`.
"""

from pathlib import Path

import click
from ape import networks
from ape.cli import ConnectedProviderCommand

from oms.adapters.evm.addresses import parse_address
from oms.adapters.evm.devnet.chain import DESK
from oms.errors import OmsError
from scripts._deployment import PROJECT, deploy, write_record


@click.command(cls=ConnectedProviderCommand)
@click.option("--owner", default=DESK, show_default="Anvil's first account", help="Who may use the executor.")
@click.option("--name", default=None, help="What to call the chain in the record's name.  [default: Ape's network]")
@click.option(
    "--registry-delay",
    type=click.IntRange(0, 2**32),
    default=None,
    help="Seconds that an addition to the registry waits.  [default: 172800; 0 on development chains and forks]",
)
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False, exists=True), default=PROJECT / "deployments"
)
def cli(owner: str, name: str | None, registry_delay: int | None, folder: Path) -> None:
    """Deploy an executor and its parts to a local chain or a fork, and write deployments/<chain id>-<name>.json."""
    try:
        called = name or networks.provider.network.name
        deployment = deploy(parse_address(owner, field="owner"), called, delay=registry_delay)
    except OmsError as error:
        raise click.ClickException(str(error)) from error
    for contract, entry in deployment.record["contracts"].items():
        click.echo(f"{contract:<15} {entry['address']}  {entry['transaction'] or 'was there already'}")
    if not deployment.sent:
        click.echo("nothing was sent; the record stays as it was")
        return
    click.echo(f"{len(deployment.sent)} transactions; recorded in {write_record(deployment, folder).name}")
