"""Carrying out an act on an executor, told step by step or as one JSON object.

Owns: the order in which it is shown. Must not: decide; `oms.application.acting` does.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click
from rich.console import Console

from oms.application.acting import Act, Previewed, require_sound
from oms.application.owning import Intended
from oms.application.plan_file import to_json_value
from oms.bootstrap.accounts import OpenExecutor, open_executor
from oms.bootstrap.configuration import load_settings
from oms.bootstrap.sessions import parse_account
from oms.cli.options import OwnerActWords
from oms.cli.reverts import revert_lines, simulation_json
from oms.cli.tables import changes_table, checks_table, simulation_line, terminal, words
from oms.domain.transactions import Receipt
from oms.errors import InvalidRequest, OmsError
from oms.execution.revert_reasons import explain_revert
from oms.units import Address


@dataclass(frozen=True, slots=True)
class Manner:
    """How far to go, and how to tell it."""

    dry_run: bool
    as_json: bool
    asks: bool = False
    """Whether a person must say yes before anything is sent."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent, and under which id the journal has it."""

    order_id: str
    receipt: Receipt


Results = Callable[[Previewed, Sent | None], Mapping[str, Any]]
"""What more is to be told of an act in JSON, before and after it is sent."""
Shown = Callable[[Console, Previewed, Sent | None], None]
"""The same for a person."""


def opened_by(given: OwnerActWords) -> OpenExecutor:
    """The executor that is meant, to act on. Raises `InvalidRequest` for options that contradict each other, first."""
    which, where = given.which, given.opening(settles=True)
    return open_executor(load_settings(), where, which)


def sender_of(opened: OpenExecutor, sender: str | None) -> Address:
    """Who sends: whoever was named, or the executor's owner."""
    return opened.owner() if sender is None else parse_account(sender)


def carry_out_intended(
    opened: OpenExecutor,
    purpose: str,
    intended: Intended,
    given: OwnerActWords,
    *,
    sender: Address | None = None,
    watch: Sequence[tuple[Address, Address]] = (),
    results: Results = lambda _previewed, _sent: {},
    shown: Shown = lambda _console, _previewed, _sent: None,
) -> None:
    """Say in plain words what will be so, then carry it out; by the owner where nobody else is named."""
    sends = sender or sender_of(opened, given.sender)
    if not given.as_json:
        console = terminal()
        console.print(f"on {opened.executor}:")
        *lines, last = intended.words
        for line in lines:
            console.print(f"  · {words(line)}", soft_wrap=True)
        console.print(f"[yellow]{words(last)}[/]", soft_wrap=True)
    act = opened.act(purpose, intended.data, sends, watch=watch, takes_away=intended.takes_away)
    carry_out(
        opened,
        act,
        Manner(given.dry_run, given.as_json, asks=not given.yes),
        results=lambda previewed, sent: {"words": list(intended.words), **results(previewed, sent)},
        shown=shown,
    )


def carry_out(
    opened: OpenExecutor,
    act: Act,
    manner: Manner,
    *,
    results: Results = lambda _previewed, _sent: {},
    shown: Shown = lambda _console, _previewed, _sent: None,
    also: Callable[[Previewed], Previewed] = lambda previewed: previewed,
) -> None:
    """Simulate, show, send, show; `also` may add findings that come out of the simulation.

    Raises `GateDenied` with nothing sent, `StateConflict` where it would revert or did.
    """
    if manner.asks and manner.as_json and not manner.dry_run:
        raise InvalidRequest("yes", "is needed with --json, which asks nothing; or add --dry-run")
    previewed, sent = also(opened.preview(act)), None
    console = terminal()
    if not manner.as_json:
        show_preview(console, opened, previewed)
        shown(console, previewed, None)
    try:
        require_sound(previewed)
        if not manner.dry_run:
            if manner.asks:
                confirm()
            sent = Sent(*opened.perform(previewed))
    finally:
        if manner.as_json:
            told = act_json(previewed, sent) | {"placed_here": opened.placed} | _told(results, previewed, sent)
            click.echo(json.dumps(told, indent=1))
    if not manner.as_json:
        _show_end(console, opened, previewed, sent)
        if sent is not None:
            shown(console, previewed, sent)


def _told(results: Results, previewed: Previewed, sent: Sent | None) -> dict[str, Any]:
    try:
        return dict(results(previewed, sent))
    except OmsError as error:  # what was done must be told all the same
        return {"problem": str(error)}


def confirm() -> None:
    """Raises `InvalidRequest` unless a person says yes."""
    try:
        agreed = click.confirm("send it?")
    except click.Abort:
        agreed = False
    if not agreed:
        raise InvalidRequest("yes", "was not said; nothing was sent")


def show_preview(console: Console, opened: OpenExecutor, previewed: Previewed) -> None:
    """What the gate finds, and which balances would change or why it would revert."""
    console.print(checks_table(previewed.findings))
    simulation = previewed.simulation
    console.print(simulation_line(simulation))
    if simulation.revert_data:
        revert_lines(console, explain_revert(simulation.revert_data))
    if simulation.changes:
        names = {opened.executor: "executor"}
        console.print(changes_table(simulation.changes, opened.tokens, names, title="balances that would change"))


def show_placed(console: Console, opened: OpenExecutor) -> None:
    """That the executor was put there for this command, if it was."""
    if opened.placed:
        console.print("[yellow]no executor stood there[/]: it was put on this fork, and is not on the chain itself")


def _show_end(console: Console, opened: OpenExecutor, previewed: Previewed, sent: Sent | None) -> None:
    transaction = previewed.act.request.transaction
    show_placed(console, opened)
    if sent is None:
        console.print("dry run: nothing was sent. From any wallet of the sender it is this call:")
        console.print(f"  from {transaction.sender}\n  to   {transaction.to}")
        console.print(f"  data 0x{transaction.data.hex()}", soft_wrap=True)
        return
    receipt = sent.receipt
    console.print(
        f"{words(previewed.act.purpose)}: done in {receipt.transaction_hash} · block {receipt.block_number} · "
        f"{receipt.gas_used:,} gas",
        soft_wrap=True,
    )
    if not opened.lasts:
        console.print("[yellow]this chain ends with the command[/]; one that stays is started by `oms fork up`")


def act_json(previewed: Previewed, sent: Sent | None) -> dict[str, Any]:
    """The call, the findings, the simulation, and what was sent if anything."""
    transaction = previewed.act.request.transaction
    told: dict[str, Any] = {
        "act": previewed.act.purpose,
        "executor": previewed.act.request.executor,
        "call": {
            "from": transaction.sender,
            "to": transaction.to,
            "data": "0x" + transaction.data.hex(),
            "value": str(transaction.value),
        },
        "findings": to_json_value(previewed.findings),
        "simulation": simulation_json(previewed.simulation),
        "sent": None,
    }
    if sent is None:
        return told
    receipt = sent.receipt
    told["sent"] = {
        "transaction": receipt.transaction_hash,
        "block": str(receipt.block_number),
        "gas_used": str(receipt.gas_used),
        "fees_wei": str(receipt.fee_wei),
        "order_id": sent.order_id,
    }
    return told
