"""The journal as the application sees it: append, read back, verify."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from oms.domain.events import Event


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One event in its place: sequence from 1, Unix time of recording, and the chained hash."""

    sequence: int
    recorded_at: float
    event: Event
    hash: str


class Journal(Protocol):
    """Append-only and hash-chained; an appended event is durable when `append` returns."""

    def append(self, event: Event) -> JournalEntry:
        """Record `event` for good. Raises `StateConflict` when it could not be made durable."""
        ...

    def entries(self, order_id: str | None = None) -> Iterator[JournalEntry]:
        """All entries in order, or those of one order."""
        ...

    def verify(self) -> int:
        """Recompute the whole chain; the number of entries. Raises `StateConflict` at the first that was altered."""
        ...
