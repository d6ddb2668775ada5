"""Deploying an `Executor`, and what it shares with others, through Ape, and the record of it.

Owns: the order of the transactions. What goes where is `oms.adapters.evm.contracts`' to say, and the form of the
records `oms.adapters.evm.deployment_record`'s.
Must not: reach a live chain (this version signs for Ape's local and fork networks only, and only where the node says
that it is Anvil); nor compile. The shared contracts' addresses follow from the bytecode: it is forge's, from `out`, as
the product itself uses it. Ape compiles the same code but appends metadata.
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from ape import accounts, chain, networks
from ape.api import AccountAPI
from ape.contracts import ContractInstance
from ape.exceptions import ContractLogicError
from ethpm_types import ContractType

from oms.adapters.evm.artifacts import Artifacts
from oms.adapters.evm.contracts import (
    CREATE2_PROXY,
    DEVELOPMENT_CHAIN_ID,
    ListedVenue,
    OurContract,
    listed_venues,
    our_contracts,
    registry_delay,
)
from oms.adapters.evm.deployment_record import contract_entry, places_entry, venue_entry
from oms.adapters.evm.venues import BUILT_IN, ChainVenues
from oms.units import Address
from scripts._verification import verification_entry, write_verification

PROJECT = Path(__file__).resolve().parent.parent
SOURCES = ("contracts", "foundry.toml")
_MAINNET = 1

Json = Any


@dataclass(frozen=True, slots=True)
class Deployment:
    """The contracts that people call, and what was sent to put all of them there."""

    executor: ContractInstance
    rfq_settlement: ContractInstance
    record: Mapping[str, Json]
    sent: Sequence[str]


def live_reason(network: str, client_version: str) -> str | None:
    """Why somebody else might use this chain, by Ape's name of the network and the node's of itself; None if nobody."""
    if network != "local" and not network.endswith("-fork"):
        return f"{network} is a live network; this version deploys to local chains and forks only"
    if not client_version.lower().startswith("anvil/"):
        return f"the node behind {network} is {client_version[:40]}, not Anvil; it may be a live chain"
    return None


def refuse_live_chain() -> None:
    """Raises `click.ClickException` unless the connected chain is one that nobody else uses."""
    reason = _live_reason()
    if reason is not None:
        raise click.ClickException(reason)


def _live_reason() -> str | None:
    provider = networks.provider
    return live_reason(provider.network.name, str(provider.make_request("web3_clientVersion", [])))


def known_venues(chain_id: int) -> ChainVenues:
    """The protocols that the executor is to know; Ape's own Anvil counts as mainnet. Raises `click.ClickException`."""
    wanted = _MAINNET if chain_id == DEVELOPMENT_CHAIN_ID else chain_id
    if wanted not in BUILT_IN:
        raise click.ClickException(f"no venues are known on chain {chain_id}; add them to oms/adapters/evm/venues.py")
    return BUILT_IN[wanted]


def deploy(owner: Address, network: str, *, delay: int | None = None) -> Deployment:
    """Send what is missing on the connected chain; what is there already is left, with no transaction in the record.

    `delay` is the registry's, in seconds, if not what `registry_delay` says of the chain. Where there is one, factories
    are proposed, and applied by deploying again once it has passed.
    """
    refuse_live_chain()
    chain_id = int(networks.provider.make_request("eth_chainId", []), 16)  # Ape remembers that of another node
    artifacts, venues, sender = Artifacts(PROJECT), known_venues(chain_id), _account(owner)
    if delay is None:
        delay = registry_delay(chain_id, development=_live_reason() is None)
    ours = our_contracts(artifacts, venues, owner, delay=delay)
    hashes = {each.name: _create(sender, each) for each in ours.all}
    executor = _at(ours.executor, "Steward", artifacts)  # which answers there for all but plans
    created = hashes["Executor"] is not None
    listed = []
    for venue in listed_venues(venues):
        known = not created and _knows(executor, venue)
        transaction = None if known else _tell(sender, executor, venue, delay=delay)
        listed.append(venue_entry(venue, transaction=transaction))
    record = {
        "chain": {"id": chain_id, "network": network},
        "commit": _commit(),
        "compiler": _compiler(artifacts),
        **places_entry(ours),
        "contracts": {
            each.name: contract_entry(each, code=_code(each.address), transaction=hashes[each.name])
            | {"verification": verification_entry(artifacts, each)}
            for each in ours.all
        },
        "venues": listed,
    }
    sent = [each for each in (*hashes.values(), *(venue["transaction"] for venue in listed)) if each]
    return Deployment(executor, _at(ours.rfq_settlement, "RfqSettlement", artifacts), record, sent)


def write_record(deployment: Deployment, folder: Path) -> Path:
    """Save as `<chain id>-<network>.json`, keys sorted, so that the same deployment gives the same bytes.

    Beside it, in `verification`, what a block explorer takes as the sources of each contract.
    """
    write_verification(Artifacts(PROJECT), tuple(deployment.record["contracts"]), folder / "verification")
    where = deployment.record["chain"]
    path = folder / f"{where['id']}-{where['network']}.json"
    path.write_text(json.dumps(deployment.record, indent=2, sort_keys=True) + "\n")
    return path


def _account(owner: Address) -> AccountAPI:
    for account in accounts.test_accounts:
        if account.address == owner:
            return account
    impersonated = accounts.test_accounts.impersonate_account(owner)
    if not impersonated.balance:
        networks.provider.set_balance(owner, 10**18)
    return impersonated


def _create(sender: AccountAPI, contract: OurContract) -> str | None:
    """The transaction's hash; None when the contract is there already."""
    if _code(contract.address):
        return None
    if not _code(CREATE2_PROXY):
        raise click.ClickException(
            f"no deterministic deployment proxy at {CREATE2_PROXY} on this chain; place it first"
        )
    receipt = sender.transfer(contract.to, 0, data=contract.calldata)
    if not _code(contract.address):
        reason = f"{receipt.txn_hash} left no {contract.name} at {contract.address}; run `./scripts/ape test`"
        raise click.ClickException(reason)
    return str(receipt.txn_hash)


def _code(address: Address) -> bytes:
    return bytes(networks.provider.get_code(address))


def _knows(executor: ContractInstance, venue: ListedVenue) -> bool:
    try:
        found = executor.venue(venue.kind, venue.number)
    except ContractLogicError:  # VenueUnknown
        return False
    wanted = venue.deployer, venue.fee_pips, venue.init_code_hash
    return (found.deployer, found.feePips, bytes(found.initCodeHash)) == wanted


def _tell(sender: AccountAPI, executor: ContractInstance, venue: ListedVenue, *, delay: int) -> str | None:
    """The transaction's hash; None where the venue waits."""
    if not delay:
        return str(executor.setVenue(*venue.values, sender=sender).txn_hash)
    applicable_from = executor.applicableFrom(venue.proposal)
    if not applicable_from:
        return str(executor.proposeVenue(*venue.values, sender=sender).txn_hash)
    if chain.pending_timestamp < applicable_from:
        return None
    return str(executor.applyVenue(*venue.values, sender=sender).txn_hash)


def _at(address: Address, name: str, artifacts: Artifacts) -> ContractInstance:
    contract_type = ContractType.model_validate({"contractName": name, "abi": artifacts.ours(name).abi})
    return chain.contracts.instance_at(
        address, contract_type=contract_type, fetch_from_explorer=False, detect_proxy=False
    )


def _compiler(artifacts: Artifacts) -> dict[str, Json]:
    """As solc's own metadata states it, without where the sources lay."""
    metadata = json.loads(artifacts.our_path("Executor").read_text())["metadata"]
    kept = ("evmVersion", "metadata", "optimizer", "viaIR")
    settings = {key: value for key, value in metadata["settings"].items() if key in kept}
    return {"name": "solc", "version": metadata["compiler"]["version"], "settings": settings}


def _commit() -> dict[str, Json]:
    """The commit, and whether the contracts' sources were just as it has them; nulls where there is no repository."""
    head = _git("rev-parse", "HEAD")
    return {
        "id": head,
        "sources_unchanged": None if head is None else not _git("status", "--porcelain", "--", *SOURCES),
    }


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=PROJECT, capture_output=True, text=True, timeout=30, check=True)  # noqa: S607
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
