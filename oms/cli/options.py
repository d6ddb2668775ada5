"""Options that several commands share, and the text of their help."""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from oms.bootstrap.executor_words import ExecutorWords
from oms.bootstrap.sessions import DESK, Opening, parse_account
from oms.domain.plans import MAX_HOPS
from oms.errors import InvalidRequest

F = Callable[..., Any]


def chain_options(command: F) -> F:
    """Which chain: by name, by node, or by recording."""
    for option in (
        click.option("--recording", type=click.Path(path_type=Path), help="A recorded piece of a chain (.json.gz)."),
        click.option("--rpc-url", metavar="URL", help="Any node. Quotes read it; swaps settle on a local fork of it."),
        click.option(
            "--chain",
            metavar="NAME",
            help="devnet (default), recorded, a fork started by `oms fork up --name NAME`, or one of your rpc_urls.",
        ),
    ):
        command = option(command)
    return command


def order_options(command: F) -> F:
    """What is traded, and where."""
    for option in (
        click.option("--max-hops", type=click.IntRange(1, MAX_HOPS), help="Most pools in a row. Default 3."),
        click.option(
            "--venues",
            metavar="A,B",
            help="Only these: pool venues such as uniswap_v3, makers and exchanges by name, or `makers`, `exchanges`.",
        ),
        click.option("--buy", is_flag=True, help="AMOUNT is of the second token, to be bought with the first."),
        click.argument("token_out"),
        click.argument("token_in"),
        click.argument("amount"),
    ):
        command = option(command)
    return command


def executor_options(command: F) -> F:
    """Which executor."""
    for option in (
        click.option(
            "--record", type=click.Path(path_type=Path), metavar="FILE", help="The executor of a file of deployments/."
        ),
        click.option("--executor", metavar="ADDRESS", help="The executor itself, where its owner or release differ."),
        click.option("--account", metavar="ADDRESS", help="The owner whose executor is meant. Default: the desk."),
    ):
        command = option(command)
    return command


def act_options(command: F) -> F:
    """How an act is sent."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text; integers are strings."),
        click.option("--dry-run", is_flag=True, help="Stop after the simulation; shows the call for another wallet."),
        click.option("--from", "sender", metavar="ADDRESS", help="Who sends. Default: the executor's owner."),
    ):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class ActWords:
    """Which executor, on which chain, and how an act on it is sent."""

    which: ExecutorWords
    opening: Opening
    sender: str | None
    dry_run: bool
    as_json: bool
    yes: bool


def owner_act(command: F) -> F:
    """All that an act takes beside its own words, as `given`; it asks before anything is sent."""

    @functools.wraps(command)
    def called(*words: Any, **options: Any) -> Any:
        which = executor_words(*(options.pop(name) for name in ("account", "executor", "record")))
        where = opening(*(options.pop(name) for name in ("chain", "rpc_url", "recording")), settles=True)
        how = (options.pop(name) for name in ("sender", "dry_run", "as_json", "yes"))
        return command(*words, given=ActWords(which, where, *how), **options)

    agrees = click.option("--yes", is_flag=True, help="Send without asking.")
    return agrees(executor_options(chain_options(act_options(called))))


def executor_words(account: str | None, executor: str | None, record: Path | None) -> ExecutorWords:
    """The executor options as one value."""
    if sum(each is not None for each in (account, executor, record)) > 1:
        raise InvalidRequest("executor", "give one of --account, --executor and --record")
    owner = DESK if account is None else parse_account(account)
    return ExecutorWords(owner, None if executor is None else parse_account(executor), record)


def venue_set(text: str | None) -> frozenset[str] | None:
    """A comma-separated list; `None` for all."""
    if text is None:
        return None
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise InvalidRequest("venues", "names none; leave it out for all of them")
    return names


def check_destination(path: Path | None, *, option: str) -> None:
    """Refuse a file that could not be written, before anything is done. Raises `InvalidRequest`."""
    if path is None:
        return
    if path.is_dir() or not path.name:
        raise InvalidRequest(option, f"{path} is a folder; name a file")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise InvalidRequest(option, f"cannot write in {path.parent}; create that folder or choose another")


def opening(chain: str | None, rpc_url: str | None, recording: Path | None, *, settles: bool) -> Opening:
    """The chain options as one value."""
    if chain is not None and (rpc_url or recording):
        raise InvalidRequest("chain", "give one of --chain, --rpc-url and --recording")
    return Opening(chain=chain, rpc_url=rpc_url, recording=recording, settles=settles)
