import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oms.adapters.storage.journal import GENESIS, SqliteJournal, chained_hash
from oms.domain.events import LegSettled, OrderCompleted, OrderFailed, OrderReceived, TransactionIntended
from oms.errors import StateConflict


class SteppingClock:
    """A clock that moves one second each time it is read."""

    def __init__(self) -> None:
        self._time = 1_700_000_000.0

    def now(self) -> float:
        self._time += 1
        return self._time


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    with SqliteJournal(tmp_path / "journal.sqlite", clock=SteppingClock()) as opened:
        yield opened


RECEIVED = OrderReceived("order-1", "sell", "0xA", "0xB", 25 * 10**18)


def test_an_event_reads_back_equal(journal: SqliteJournal) -> None:
    settled = LegSettled("order-1", 0, "uniswap_v3 5 bp", 10**30, 2**127, 10**30, 2**127)
    journal.append(RECEIVED)
    journal.append(settled)
    assert [entry.event for entry in journal.entries()] == [RECEIVED, settled]
    assert [entry.sequence for entry in journal.entries()] == [1, 2]


def test_entries_of_one_order_leave_others_out(journal: SqliteJournal) -> None:
    journal.append(RECEIVED)
    journal.append(OrderCompleted("order-2", "filled", 1, 2))
    assert [entry.event.order_id for entry in journal.entries("order-2")] == ["order-2"]


def test_an_intact_chain_verifies_and_counts(journal: SqliteJournal) -> None:
    for _ in range(5):
        journal.append(RECEIVED)
    assert journal.verify() == 5


def test_the_file_survives_reopening(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with SqliteJournal(path, clock=SteppingClock()) as first:
        first.append(RECEIVED)
    with SqliteJournal(path, clock=SteppingClock()) as second:
        second.append(OrderCompleted("order-1", "filled", 1, 2))
        assert second.verify() == 2


def test_updates_and_deletes_are_refused_by_the_file_itself(tmp_path: Path, journal: SqliteJournal) -> None:
    journal.append(RECEIVED)
    with sqlite3.connect(tmp_path / "journal.sqlite") as other:
        for statement in ("DELETE FROM journal", "UPDATE journal SET payload = '{}'"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                other.execute(statement)


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE journal SET payload = replace(payload, '25', '26') WHERE sequence = 2",
        "UPDATE journal SET recorded_at = recorded_at + 1 WHERE sequence = 2",
        "UPDATE journal SET kind = 'OrderFailed' WHERE sequence = 2",
        "UPDATE journal SET order_id = 'order-9' WHERE sequence = 2",
        "DELETE FROM journal WHERE sequence = 2",
    ],
)
def test_tampering_by_someone_who_drops_the_triggers_is_found(
    tmp_path: Path, journal: SqliteJournal, tampering: str
) -> None:
    for _ in range(3):
        journal.append(RECEIVED)
    with sqlite3.connect(tmp_path / "journal.sqlite") as other:
        other.execute("DROP TRIGGER journal_no_update")
        other.execute("DROP TRIGGER journal_no_delete")
        other.execute(tampering)
    with pytest.raises(StateConflict, match="entry 2"):
        journal.verify()


def test_threads_append_without_gaps(journal: SqliteJournal) -> None:
    threads = [threading.Thread(target=lambda: [journal.append(RECEIVED) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert journal.verify() == 80


def test_two_processes_handles_share_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with SqliteJournal(path, clock=SteppingClock()) as one, SqliteJournal(path, clock=SteppingClock()) as two:
        for _ in range(10):
            one.append(RECEIVED)
            two.append(RECEIVED)
        assert one.verify() == two.verify() == 20


def test_a_file_that_is_no_database_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"not a database at all, but long enough to be taken for one" * 20)
    with pytest.raises(StateConflict, match="OMS_HOME"):
        SqliteJournal(path, clock=SteppingClock())


def test_text_that_no_utf8_can_hold_is_stored_and_read_back(journal: SqliteJournal) -> None:
    foreign = OrderFailed("order-1", "said \ud800, then \udfff and Ωµέγα \U0001f9ea")
    journal.append(foreign)
    assert [entry.event for entry in journal.entries()] == [foreign]
    assert journal.verify() == 1


def test_an_order_id_that_cannot_be_a_key_is_refused_and_leaves_the_journal_usable(journal: SqliteJournal) -> None:
    with pytest.raises(StateConflict, match="not written"):
        journal.append(OrderFailed("\ud800", "why"))
    with pytest.raises(StateConflict, match="cannot be read"):
        list(journal.entries("\ud800"))
    journal.append(RECEIVED)
    assert journal.verify() == 1


def test_a_failed_write_does_not_claim_to_know_what_was_sent(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with SqliteJournal(path, clock=SteppingClock()) as journal:
        with sqlite3.connect(path) as other:
            other.execute("CREATE TRIGGER full BEFORE INSERT ON journal BEGIN SELECT RAISE(ROLLBACK, 'disk full'); END")
        with pytest.raises(StateConflict, match="not written: disk full; free the disk") as raised:
            journal.append(RECEIVED)
    assert "sent" not in str(raised.value)


def test_an_intent_of_before_chains_had_names_is_still_read(journal: SqliteJournal, tmp_path: Path) -> None:
    """Rows that older versions wrote have no `chain`."""
    payload = '{"nonce":"1","order_id":"o","payload_hash":"p","purpose":"s","sender":"0xA","transaction_hash":"0xB"}'
    row = (1, 1.0, "TransactionIntended", "o", payload, chained_hash(GENESIS, 1, 1.0, "TransactionIntended", payload))
    with sqlite3.connect(tmp_path / "journal.sqlite") as other:
        other.execute("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?)", row)
    assert journal.verify() == 1
    assert [entry.event for entry in journal.entries()] == [TransactionIntended("o", "s", "0xB", "0xA", 1, "p")]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.builds(
        TransactionIntended,
        order_id=st.text(max_size=20),
        purpose=st.text(max_size=20),
        transaction_hash=st.text(max_size=66),
        sender=st.text(max_size=42),
        nonce=st.integers(0, 2**64),
        payload_hash=st.text(max_size=66),
        chain=st.text(max_size=70),
    )
)
def test_any_event_round_trips(journal: SqliteJournal, event: TransactionIntended) -> None:
    entry = journal.append(event)
    assert list(journal.entries(event.order_id))[-1] == entry
