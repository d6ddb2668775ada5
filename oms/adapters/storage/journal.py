"""The journal in SQLite: append-only, hash-chained, flushed to disk before `append` returns.

Owns: the file's schema, the canonical JSON of events, and the chain of hashes.
Must not: interpret events.
Each row's hash is SHA-256 over the previous hash, the sequence, the time and the canonical JSON, so that a change to
any row shows in every later one. Triggers refuse updates and deletes by honest programs.
"""

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from types import TracebackType, UnionType
from typing import Any, Self, get_args

from oms.domain.events import Event
from oms.errors import StateConflict
from oms.ports.clock import Clock
from oms.ports.journal import JournalEntry

GENESIS = "0" * 64

_SCHEMA = """
CREATE TABLE IF NOT EXISTS journal (
    sequence INTEGER PRIMARY KEY,
    recorded_at REAL NOT NULL,
    kind TEXT NOT NULL,
    order_id TEXT NOT NULL,
    payload TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE
) STRICT;
CREATE INDEX IF NOT EXISTS journal_by_order ON journal (order_id, sequence);
CREATE TRIGGER IF NOT EXISTS journal_no_update BEFORE UPDATE ON journal
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER IF NOT EXISTS journal_no_delete BEFORE DELETE ON journal
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
"""

_kinds: UnionType = Event
_EVENT_TYPES: dict[str, Any] = {kind.__name__: kind for kind in get_args(_kinds)}


class SqliteJournal:
    """One file; safe for threads of one process and for several processes on one machine."""

    def __init__(self, path: Path, *, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.executescript(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            raise StateConflict("journal", f"cannot open {path}: {error}; free the disk or set OMS_HOME") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file."""
        self._database.close()

    def append(self, event: Event) -> JournalEntry:
        """See `oms.ports.journal.Journal.append`."""
        payload = canonical_json(event)
        with self._lock:
            try:
                self._database.execute("BEGIN IMMEDIATE")
                try:
                    entry = self._insert(event, payload)
                    self._database.execute("COMMIT")
                except BaseException:
                    if self._database.in_transaction:  # some failures, a full disk among them, end it themselves
                        self._database.execute("ROLLBACK")
                    raise
            except (sqlite3.Error, UnicodeError) as error:
                raise StateConflict("journal", f"not written: {error}; free the disk or mend the file") from error
        return entry

    def _insert(self, event: Event, payload: str) -> JournalEntry:
        row = self._database.execute("SELECT sequence, hash FROM journal ORDER BY sequence DESC LIMIT 1").fetchone()
        last, previous = row or (0, GENESIS)
        sequence, recorded_at, kind = last + 1, self._clock.now(), type(event).__name__
        digest = chained_hash(previous, sequence, recorded_at, kind, payload)
        self._database.execute(
            "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?)",
            (sequence, recorded_at, kind, event.order_id, payload, digest),
        )
        return JournalEntry(sequence, recorded_at, event, digest)

    def entries(self, order_id: str | None = None) -> Iterator[JournalEntry]:
        """See `oms.ports.journal.Journal.entries`."""
        query, arguments = "SELECT sequence, recorded_at, kind, payload, hash FROM journal", ()
        if order_id is not None:
            query, arguments = query + " WHERE order_id = ?", (order_id,)  # type: ignore[assignment]
        for sequence, recorded_at, kind, payload, digest in self._read(query + " ORDER BY sequence", arguments):
            yield JournalEntry(sequence, recorded_at, _event(kind, payload, sequence), digest)

    def verify(self) -> int:
        """See `oms.ports.journal.Journal.verify`."""
        previous, expected = GENESIS, 0
        rows = self._read(
            "SELECT sequence, recorded_at, kind, order_id, payload, hash FROM journal ORDER BY sequence", ()
        )
        for sequence, recorded_at, kind, order_id, payload, digest in rows:
            expected += 1
            if sequence != expected:
                raise StateConflict("journal", f"entry {expected} is missing; restore it from a backup")
            if chained_hash(previous, sequence, recorded_at, kind, payload) != digest:
                raise StateConflict("journal", f"entry {sequence} was altered; restore it from a backup")
            if _event(kind, payload, sequence).order_id != order_id:
                raise StateConflict("journal", f"entry {sequence} is filed under another order; restore a backup")
            previous = digest
        return expected

    def _read(self, query: str, arguments: tuple[str, ...]) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._database.execute(query, arguments).fetchall()
            except (sqlite3.Error, UnicodeError) as error:
                raise StateConflict("journal", f"cannot be read: {error}; restore it from a backup") from error


def canonical_json(event: Event) -> str:
    """The event's one JSON form: sorted keys, no spaces, integers beyond 2⁵³ safe as strings, all of it ASCII.

    Foreign text may hold lone surrogates, which no UTF-8 has; escaped, they are stored and read back like any other.
    """
    flat = {key: str(value) if type(value) is int else value for key, value in asdict(event).items()}
    return json.dumps(flat, sort_keys=True, separators=(",", ":"))


def chained_hash(previous: str, sequence: int, recorded_at: float, kind: str, payload: str) -> str:
    """SHA-256 over the row and the hash before it, hex."""
    row = json.dumps([previous, sequence, recorded_at.hex(), kind, payload], separators=(",", ":"))
    return hashlib.sha256(row.encode()).hexdigest()


def _event(kind: str, payload: str, sequence: int) -> Event:
    event_type = _EVENT_TYPES.get(kind)
    if event_type is None:
        raise StateConflict("journal", f"entry {sequence} is a {kind}, unknown to this version; upgrade")
    try:
        values = json.loads(payload)
        integers = {field.name for field in fields(event_type) if field.type is int}
        event: Event = event_type(**{key: int(v) if key in integers else v for key, v in values.items()})
    except (ValueError, TypeError) as error:
        raise StateConflict("journal", f"entry {sequence} is unreadable; restore it from a backup") from error
    return event
