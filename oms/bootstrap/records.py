"""Opening the journal for reading."""

from oms.adapters.storage.journal import SqliteJournal
from oms.bootstrap.configuration import SystemClock
from oms.bootstrap.desk import journal_path
from oms.config import Settings
from oms.errors import InvalidRequest


def open_journal(settings: Settings) -> SqliteJournal:
    """The desk's journal. Raises `InvalidRequest` where none was ever written."""
    path = journal_path(settings)
    if not path.exists():
        raise InvalidRequest("journal", f"there is none at {path} yet; `oms swap` writes it")
    return SqliteJournal(path, clock=SystemClock())
