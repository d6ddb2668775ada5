"""The chain's own clock, in which quotes expire.

Owns: reading the time that the next block will carry.
Must not: use the machine's clock; a fork may live in the past or in the future.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from oms.errors import Terminal


class Node(Protocol):
    """Whatever can ask a node several things at once; a refused call's answer is anything but a JSON object."""

    venue: str

    def batch(self, calls: Iterable[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Answers in order of asking."""
        ...


def chain_time(node: Node) -> int:
    """Unix seconds: the pending block's timestamp where the node builds one, else the latest block's.

    On a chain that only mines on demand the latest block may be hours old, and the transaction that settles a quote
    will not be in it. Raises `VenueError`.
    """
    answers = node.batch([("eth_getBlockByNumber", ["latest", False]), ("eth_getBlockByNumber", ["pending", False])])
    latest, pending = (_timestamp(answer) for answer in answers)
    if latest is None:
        raise Terminal(node.venue, "gave no latest block; it may still be syncing")
    return latest if pending is None else max(latest, pending)


def _timestamp(answer: object) -> int | None:
    text = answer.get("timestamp") if isinstance(answer, dict) else None
    try:
        return int(text, 16) if isinstance(text, str) else None
    except ValueError:
        return None
