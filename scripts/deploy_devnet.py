"""Deploys to a fresh development chain and keeps the record: `./scripts/ape run deploy_devnet`.

Owns: starting that chain for as long as it takes. `oms fork up` deploys by itself, without a record.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import click
from ape import networks

from oms.adapters.evm.devnet import open_devnet
from oms.adapters.evm.devnet.chain import DESK
from oms.errors import OmsError
from scripts._deployment import PROJECT, deploy, write_record


@click.command()
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False, exists=True), default=PROJECT / "deployments"
)
def cli(folder: Path) -> None:
    """Deploy an executor and its parts to a fresh development chain, and write deployments/1-devnet.json."""
    try:
        with TemporaryDirectory() as home, open_devnet(home=Path(home), project=PROJECT) as devnet:
            node = {"host": devnet.rpc_url}
            with networks.parse_network_choice("ethereum:local:foundry", provider_settings=node):
                path = write_record(deploy(DESK, "devnet"), folder)
    except OmsError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"recorded in {path.name}")
