"""Options that several commands share, and the text of their help."""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click

from oms.bootstrap.executor_words import ExecutorWords
from oms.bootstrap.sessions import DESK, Opening, parse_account
from oms.domain.plans import MAX_HOPS
from oms.errors import InvalidRequest

F = Callable[..., Any]


def _chain_options(command: F) -> F:
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


def _executor_options(command: F) -> F:
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


def _act_options(command: F) -> F:
    """How an act is sent."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text; integers are strings."),
        click.option("--dry-run", is_flag=True, help="Stop after the simulation; shows the call for another wallet."),
        click.option("--from", "sender", metavar="ADDRESS", help="Who sends. Default: the executor's owner."),
    ):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainWords:
    """Which chain, as it was typed."""

    chain: str | None
    rpc_url: str | None
    recording: Path | None

    def opening(self, *, settles: bool) -> Opening:
        """The same as one value. Raises `InvalidRequest` where two are meant."""
        if self.chain is not None and (self.rpc_url or self.recording):
            raise InvalidRequest("chain", "give one of --chain, --rpc-url and --recording")
        return Opening(chain=self.chain, rpc_url=self.rpc_url, recording=self.recording, settles=settles)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookWords(ChainWords):
    """Which executor, on which chain."""

    account: str | None
    executor: str | None
    record: Path | None

    @property
    def which(self) -> ExecutorWords:
        """The executor. Raises `InvalidRequest` where two are meant."""
        if sum(each is not None for each in (self.account, self.executor, self.record)) > 1:
            raise InvalidRequest("executor", "give one of --account, --executor and --record")
        owner = DESK if self.account is None else parse_account(self.account)
        return ExecutorWords(owner, None if self.executor is None else parse_account(self.executor), self.record)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActWords(LookWords):
    """Which executor, on which chain, and how an act on it is sent."""

    sender: str | None
    dry_run: bool
    as_json: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerActWords(ActWords):
    """The same of an act that asks before anything is sent."""

    yes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayWords(ChainWords):
    """On which chain an act is sent, and how, where what is sent names the executor."""

    sender: str | None
    dry_run: bool
    as_json: bool


def on_chain(command: F) -> F:
    """Which chain, as `given`: `ChainWords`."""
    return _chain_options(_gathered(command, ChainWords))


def executor_look(command: F) -> F:
    """Which executor and chain, as `given`: `LookWords`."""
    return _executor_options(_chain_options(_gathered(command, LookWords)))


def executor_act(command: F) -> F:
    """All that an act takes beside its own words, as `given`: `ActWords`."""
    return _executor_options(_chain_options(_act_options(_gathered(command, ActWords))))


def owner_act(command: F) -> F:
    """The same of an act that asks before anything is sent: `OwnerActWords`."""
    agrees = click.option("--yes", is_flag=True, help="Send without asking.")
    return agrees(_executor_options(_chain_options(_act_options(_gathered(command, OwnerActWords)))))


def relayed_act(command: F) -> F:
    """All that an act takes whose executor is known from what is sent, as `given`: `RelayWords`."""
    return _chain_options(_act_options(_gathered(command, RelayWords)))


def _gathered(command: F, words: type[ChainWords]) -> F:
    """The command, called with `given` in place of the options that are fields of `words`."""
    names = [field.name for field in fields(words)]

    @functools.wraps(command)
    def called(*arguments: Any, **options: Any) -> Any:
        given = words(**{name: options.pop(name) for name in names})
        return command(*arguments, given=given, **options)

    return called


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
