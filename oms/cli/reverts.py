"""Reverts as a person and a program see them.

Owns: their layout, and their JSON. Must not: explain; `oms.execution.revert_reasons` does.
"""

from typing import Any

from rich.console import Console

from oms.application.plan_file import to_json_value
from oms.cli.tables import words
from oms.domain.transactions import Simulation
from oms.execution.revert_reasons import RevertReason, explain_revert


def revert_lines(console: Console, reason: RevertReason) -> None:
    """An error with its arguments and what it means, and likewise whatever it passes on."""
    for depth, each in enumerate(reason.chain):
        lead = "because of " if depth else ""
        console.print(f"{'  ' * depth}{lead}[bold]{words(each.call)}[/]", soft_wrap=True)
        console.print(f"{'  ' * depth}  {words(each.sentence)}", soft_wrap=True)


def simulation_json(simulation: Simulation) -> dict[str, Any]:
    """What was simulated; a revert with its error's name and arguments, and with whatever that passes on."""
    result: dict[str, Any] = {"succeeded": simulation.succeeded, "gas_used": str(simulation.gas_used)}
    if simulation.succeeded:
        changes = [to_json_value(change) | {"delta": str(change.delta)} for change in simulation.changes]
        return result | {"changes": changes, "transfers": to_json_value(simulation.transfers)}
    if not simulation.revert_data:  # the node alone says why
        return result | {"revert": {"name": "", "arguments": {}, "sentence": simulation.revert_reason, "cause": None}}
    return result | {"revert": revert_json(explain_revert(simulation.revert_data), simulation.revert_data)}


def revert_json(reason: RevertReason, data: bytes) -> dict[str, Any]:
    """An error by name, arguments and meaning, what it passes on, and the data that says so."""
    return to_json_value(reason) | {"data": "0x" + data.hex()}  # type: ignore[no-any-return]
