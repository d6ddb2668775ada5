"""Deploys to a fork of the recorded mainnet and keeps the record: `./scripts/ape run deploy_recorded`.

Owns: starting that fork for as long as it takes. Needs the recorded data (`OMS_DATA`).
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import click
from ape import networks

from oms.adapters.evm.contracts import CREATE2_PROXY, CREATE2_PROXY_CODE
from oms.bootstrap.configuration import load_settings
from oms.bootstrap.sessions import DESK, Opening, open_session
from oms.errors import OmsError
from scripts._deployment import PROJECT, deploy, write_record


@click.command()
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False, exists=True), default=PROJECT / "deployments"
)
def cli(folder: Path) -> None:
    """Deploy an executor and its parts to a fork of the recorded mainnet, and write deployments/1-recorded.json."""
    try:
        with TemporaryDirectory() as home:
            settings = load_settings().model_copy(update={"home": Path(home)})
            with open_session(settings, Opening("recorded", settles=True, fresh=True)) as session:
                session.rpc.call("anvil_setBalance", DESK, hex(10**20))
                # Mainnet has it, the recording does not.
                session.rpc.call("anvil_setCode", CREATE2_PROXY, CREATE2_PROXY_CODE)
                node = {"host": session.rpc.url}
                with networks.parse_network_choice("ethereum:local:foundry", provider_settings=node):
                    path = write_record(deploy(DESK, "recorded"), folder)
    except OmsError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"recorded in {path.name}")
