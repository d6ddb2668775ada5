"""`oms explain`: revert data, or an error's name, in plain words."""

import json
import re
import sys
from typing import Any

import click

from oms.cli.foreign_words import printable
from oms.cli.reverts import revert_json, revert_lines
from oms.cli.tables import terminal
from oms.errors import InvalidRequest, StateConflict
from oms.execution.revert_reasons import KnownError, RevertReason, explain_revert, known_errors

LONGEST = 2**20
"""Hex digits that are read from standard input."""


@click.command()
@click.argument("what", metavar="DATA|NAME", required=False)
@click.option("--list", "everything", is_flag=True, help="Every error that is known, with its selector.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text; integers are strings.")
def explain(what: str | None, *, everything: bool, as_json: bool) -> None:
    """What revert data says: the error's name and arguments, what it means, and what it passes on.

    DATA is hex, from a receipt, a trace or a node's error; its first four bytes alone will do, and - reads it from
    standard input. NAME is an error of our contracts or of the protocols they call. Exit code 3 where nothing is known.

    \b
    Examples:
      oms explain 0x4e487b710000000000000000000000000000000000000000000000000000000000000011
      oms explain 0x2126dc6c
      oms explain MinOutMissed
      oms explain --list
      cast call … 2>&1 | grep -o '0x[0-9a-f]*' | oms explain - --json
    """
    if everything:
        _show_errors(known_errors(), as_json=as_json)
        return
    if what is None:
        raise InvalidRequest("data", "is missing; give revert data, an error's name, or --list")
    text = sys.stdin.read(LONGEST).strip() if what == "-" else what
    if re.fullmatch(r"[A-Za-z_]\w*", text) and not re.fullmatch(r"(?:[0-9a-fA-F]{2})+", text):
        named = known_errors(text)
        if not named:
            raise StateConflict("name", f"no error {text[:60]} is known; `oms explain --list` shows those that are")
        _show_errors(named, as_json=as_json)
        return
    _explain_data(_octets(text), as_json=as_json)


def _explain_data(data: bytes, *, as_json: bool) -> None:
    named = tuple(error for error in known_errors() if error.selector == data) if len(data) == 4 else ()
    if named:  # without its arguments, unless it has none
        _show_errors(named, as_json=as_json)
        return
    reason: RevertReason = explain_revert(data)
    if as_json:
        click.echo(json.dumps(revert_json(reason, data), indent=1))
    else:
        revert_lines(terminal(), reason)
    unknown = next((each for each in reason.chain if not each.known), None)
    if unknown is not None:
        raise StateConflict("revert", f"{unknown.name or 'empty data'} is not known; ask the contract's source or ABI")


def _show_errors(errors: tuple[KnownError, ...], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([_error_json(error) for error in errors], indent=1))
        return
    for error in errors:
        click.echo(f"0x{error.selector.hex()} {error.declaration}\n           {printable(error.sentence)}")


def _error_json(error: KnownError) -> dict[str, Any]:
    selector = "0x" + error.selector.hex()
    return {"selector": selector, "name": error.name, "declaration": error.declaration, "sentence": error.sentence}


def _octets(text: str) -> bytes:
    digits = text[2:] if text[:2].lower() == "0x" else text
    try:
        return bytes.fromhex(digits)
    except ValueError:
        shown = f"{text[:60]!r} is neither hex of whole bytes nor an error's name; copy it again"
        raise InvalidRequest("data", shown) from None
