"""A transaction is stored whole or not at all, and the person is told which."""

from __future__ import annotations

import sqlite3 as standard_sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hitl_review.domain.account import SYSTEM, Account, Actor, Role
from hitl_review.domain.audit import stamp
from hitl_review.errors import AuditError, Conflict, StoreUnavailable, WorkspaceError, WorkspaceMissing
from hitl_review.store import accounts, audit, left_over
from hitl_review.store.connection import (
    DATABASE,
    Store,
    create_store,
    now_utc,
    open_store,
    schema_faults,
    sqlite3,
)
from hitl_review.store.lock import writer_lock
from hitl_review.workflow.auditing import verify_file
from tests.tampering import contents
from tests.ward import NOW, Clock


def add_account(store: Store, account_id: str = "anna") -> None:
    """The smallest step there is: one row and its event."""
    with store.transaction() as transaction:
        event = audit.append(store, "account.created", f"account:{account_id}", {"name": "Anna"})
        accounts.add(
            store, Account(account_id, "Anna", Role.READER, transaction.now), event_id=event.event_id
        )


# Settings


def test_every_connection_has_the_settings_that_keep_the_log(store: Store) -> None:
    """Each of these is a default that is wrong for us, per connection or per file."""
    settings = ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers")
    found = [store.rows(f"PRAGMA {name}")[0][0] for name in settings]
    assert found == ["wal", 2, 1, 1]


@pytest.mark.skipif(not hasattr(sqlite3, "SQLITE_DBCONFIG_DEFENSIVE"), reason="from Python 3.12 on, not by pysqlite3")
def test_no_connection_of_ours_can_rewrite_the_schema(store: Store) -> None:
    """Not even under `writable_schema`: SQLite is asked to defend the file."""
    store.db.execute("PRAGMA writable_schema = ON")
    with pytest.raises(standard_sqlite3.OperationalError, match="may not be modified"):
        store.db.execute("DELETE FROM sqlite_schema WHERE name = 'audit_log_no_delete'")


def test_the_database_is_readable_by_its_owner_only(store: Store) -> None:
    """The write-ahead log beside it too: it holds the same rows."""
    add_account(store)
    for suffix in ("", "-wal", "-shm", ".lock"):
        path = store.path.with_name(store.path.name + suffix)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_the_clock_tells_utc() -> None:
    """Server time, never the time zone of a machine."""
    assert now_utc().tzinfo is UTC


# Transactions


def test_a_transaction_stores_all_that_was_written(store: Store, folder: Path) -> None:
    """Row and event are there for everybody else once the block ends."""
    add_account(store)
    with open_store(folder) as other:
        assert [account.account_id for account in accounts.everyone(other)] == ["anna"]
        assert audit.head(other).size == 1


def test_nobody_sees_a_transaction_before_it_ends(store: Store, folder: Path) -> None:
    """Readers see the state before it, and do not wait."""
    with open_store(folder) as other, store.transaction():
        audit.append(store, "audit.viewed", "log:events", {})
        assert audit.head(other).size == 0


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_error_inside_leaves_nothing(store: Store, error: type[BaseException]) -> None:
    """Also when somebody presses Ctrl+C, and the next transaction begins cleanly."""
    before = contents(store.path.parent)
    with pytest.raises(error), store.transaction():
        audit.append(store, "audit.viewed", "log:events", {})
        raise error
    assert contents(store.path.parent) == before
    add_account(store)
    assert audit.head(store).size == 1


def test_leaving_the_block_early_stores_what_was_written(store: Store) -> None:
    """A `return` inside the block is no error: what was written until then stays."""

    def act() -> str:
        with store.transaction():
            audit.append(store, "audit.viewed", "log:events", {})
            return "done"

    assert act() == "done"
    assert audit.head(store).size == 1


def test_a_transaction_has_one_actor_and_one_moment(store: Store, clock: Clock) -> None:
    """However long it takes, everything in it happened then, and was done by that person."""
    anna = Actor("anna", "Anna", Role.READER)
    with store.transaction(anna) as transaction:
        clock.advance(5)
        audit.append(store, "audit.viewed", "log:events", {})
        clock.advance(5)
        audit.append(store, "audit.viewed", "log:events", {})
    told = [event.told for event in audit.events(store)]
    assert {each["at"] for each in told} == {stamp(NOW)} == {stamp(transaction.now)}
    assert {(each["actor"], each["role"]) for each in told} == {("anna", "reader")}


def test_without_an_actor_the_product_acts_itself(store: Store) -> None:
    """Set-up and scripts are told apart from people."""
    with store.transaction() as transaction:
        assert transaction.actor is SYSTEM


def test_a_clock_that_fails_leaves_no_transaction_open(store: Store) -> None:
    """The lock and the transaction are given back whatever happens first."""

    def broken() -> datetime:
        raise ValueError("no time")

    good, store.clock = store.clock, broken
    with pytest.raises(ValueError, match="no time"), store.transaction():
        left_over._LOGGED.clear()
    store.clock = good
    add_account(store)


def test_transactions_do_not_nest(store: Store) -> None:
    """One step is one transaction; the outer one is undone as well."""
    with pytest.raises(WorkspaceError, match="One step is one transaction"), store.transaction():
        audit.append(store, "audit.viewed", "log:events", {})
        with store.transaction():
            pass
    assert audit.head(store).size == 0


def test_nothing_is_written_outside_a_transaction(store: Store) -> None:
    """It would have no actor and no time."""
    for write in (
        lambda: store.write("DELETE FROM worklist"),
        lambda: store.insert("INSERT INTO manifests VALUES (?, ?)", ("sha256:x", "{}")),
        lambda: audit.append(store, "audit.viewed", "log:events", {}),
    ):
        with pytest.raises(WorkspaceError, match="outside a transaction"):
            write()


def test_a_deferred_transaction_would_fail_where_ours_waits(store: Store, folder: Path) -> None:
    """The trap: read first, write later, and another writer in between is 'database is locked' at once.

    Ours takes the writer's place before it reads, so the second one waits its turn and both are stored.
    """
    with open_store(folder) as other:
        with pytest.raises(sqlite3.OperationalError, match="locked"), other.db.atomic():
            other.rows("SELECT count(*) FROM audit_log")
            add_account(store)
            other.db.execute("INSERT INTO manifests VALUES ('sha256:x', '{}')")
        waiting = threading.Thread(target=_add_account_to, args=(folder, "berta"))
        with store.transaction():
            waiting.start()
            time.sleep(0.1)
            audit.append(store, "audit.viewed", "log:events", {})
        waiting.join()
    assert audit.head(store).size == 3


def _add_account_to(folder: Path, account_id: str) -> None:
    with open_store(folder, clock=Clock()) as store:
        add_account(store, account_id)


# Rows that do not stay


@pytest.mark.parametrize("table", ["audit_log", "accounts"])
def test_a_trigger_that_swallows_a_row_is_noticed(store: Store, table: str) -> None:
    """RAISE(IGNORE) makes an insert succeed without a row; nothing is acknowledged, nothing is kept."""
    store.db.execute(f"CREATE TEMP TRIGGER swallow BEFORE INSERT ON {table} BEGIN SELECT RAISE(IGNORE); END")
    before = contents(store.path.parent)
    with pytest.raises(AuditError, match="nothing was stored"):
        add_account(store)
    assert contents(store.path.parent) == before


def test_one_swallowed_row_of_many_undoes_the_batch(store: Store) -> None:
    """The count of a batch is checked as a whole."""
    store.db.execute(
        "CREATE TEMP TRIGGER swallow BEFORE INSERT ON manifests WHEN NEW.digest = 'b'"
        " BEGIN SELECT RAISE(IGNORE); END"
    )
    with pytest.raises(AuditError, match="nothing was stored"), store.transaction():
        store.insert_many("INSERT INTO manifests VALUES (?, ?)", [("a", "{}"), ("b", "{}"), ("c", "{}")])
    assert store.rows("SELECT * FROM manifests") == []


def test_no_rows_are_fine(store: Store) -> None:
    """A batch may be empty."""
    with store.transaction():
        store.insert_many("INSERT INTO manifests VALUES (?, ?)", [])


# What SQLite refuses


def test_a_broken_rule_of_the_schema_is_a_conflict(store: Store) -> None:
    """Somebody was first, or the act contradicts what is stored."""
    add_account(store)
    with pytest.raises(Conflict, match="nothing was stored"):
        add_account(store)
    assert audit.head(store).size == 1


def test_a_row_that_points_at_no_event_is_refused(store: Store) -> None:
    """No row without its event."""
    with pytest.raises(Conflict, match="FOREIGN KEY"), store.transaction():
        accounts.add(store, Account("anna", "Anna", Role.READER, NOW), event_id="no-such-event")


def test_a_mistake_of_ours_is_not_called_damage(store: Store) -> None:
    """The wrong thread, a closed connection: the database is well, so nobody is sent to the backups."""
    errors: list[BaseException] = []

    def elsewhere() -> None:
        try:
            add_account(store)
        except sqlite3.ProgrammingError as error:
            errors.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "thread" in str(errors[0])


# A database that can't be written


def test_a_full_disk_stores_nothing(store: Store) -> None:
    """The act did not happen, the person is told, and it works again once there is room."""
    add_account(store)
    pages = store.rows("PRAGMA page_count")[0][0]
    store.db.execute(f"PRAGMA max_page_count = {pages}")
    before = contents(store.path.parent)
    with pytest.raises(StoreUnavailable, match=r"full.*nothing was stored"), store.transaction():
        for _ in range(50):
            audit.append(store, "audit.viewed", "log:events", {"filling": "x" * 1000})
    assert contents(store.path.parent) == before
    store.db.execute("PRAGMA max_page_count = 1000000")
    add_account(store, "berta")
    assert audit.head(store).size == 2


def test_a_database_that_may_only_be_read_stores_nothing(store: Store) -> None:
    """Reading goes on; writing says why it does not."""
    add_account(store)
    with Store(store.path, access="mode=ro") as reading:
        assert audit.head(reading).size == 1
        with pytest.raises(StoreUnavailable, match="readonly"):
            add_account(reading, "berta")
    assert audit.head(store).size == 1


def test_a_program_that_holds_the_database_is_waited_for_and_then_named(folder: Path, store: Store) -> None:
    """Within the timeout, not after; and what waited is not stored later."""
    holder = standard_sqlite3.connect(folder / DATABASE, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with open_store(folder, busy_seconds=0.3) as waiting:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match=r"locked.*nothing was stored"):
            add_account(waiting)
        assert 0.25 < time.monotonic() - began < 2
    holder.execute("ROLLBACK")
    holder.close()
    assert audit.head(store).size == 0


def test_another_writer_of_ours_is_waited_for_and_then_named(folder: Path, store: Store) -> None:
    """The same with our own lock, held by another process or thread."""
    with (
        writer_lock(folder / f"{DATABASE}.lock", timeout_seconds=1),
        open_store(folder, busy_seconds=0.2) as waiting,
    ):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="Another writer"):
            add_account(waiting)
        assert time.monotonic() - began < 2
    add_account(store)


def test_a_damaged_page_is_told_apart_from_a_busy_one(folder: Path, store: Store) -> None:
    """Waiting does not help against damage; a backup does."""
    add_account(store)
    store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    root = store.rows("SELECT rootpage FROM sqlite_schema WHERE name = 'accounts'")[0][0]
    store.close()
    path = folder / DATABASE
    content = bytearray(path.read_bytes())
    content[(root - 1) * 4096 : root * 4096] = b"\xff" * 4096
    path.write_bytes(content)
    with open_store(folder) as damaged, pytest.raises(StoreUnavailable, match="Restore it from a backup"):
        add_account(damaged, "berta")


def test_a_journal_mode_that_loses_commits_is_left_behind(folder: Path, store: Store) -> None:
    """A restored backup comes without the write-ahead log; the first write brings it back."""
    store.close()
    connection = standard_sqlite3.connect(folder / DATABASE)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    with open_store(folder) as restored:
        add_account(restored)
        assert restored.rows("PRAGMA journal_mode")[0][0] == "wal"


def test_a_database_that_can_not_keep_a_write_ahead_log_is_not_written() -> None:
    """Where the mode can't be set (a database in memory stands for such a place), nothing is stored."""
    store = Store.__new__(Store)
    store._journal_kept = False
    memory: Any = standard_sqlite3.connect(":memory:")
    store.db = memory
    with pytest.raises(StoreUnavailable, match="'memory'"):
        store._keep_journal()


# Opening and making


def test_a_folder_without_a_workspace_says_how_to_make_one(tmp_path: Path) -> None:
    """And no empty database is made by looking."""
    with pytest.raises(WorkspaceMissing, match="hitl-review demo"):
        open_store(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"no database" * 1000, b"SQLite format 3\x00" + b"\x00" * 4000])
def test_a_file_that_is_no_database_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    """With the file's name and what to do."""
    (tmp_path / DATABASE).write_bytes(content)
    with pytest.raises(WorkspaceError, match=r"review\.db"):
        open_store(tmp_path)


def test_a_second_workspace_in_the_same_folder_is_refused(folder: Path, store: Store) -> None:
    """What is there stays as it is."""
    add_account(store)
    with pytest.raises(WorkspaceError, match="already"):
        create_store(folder)
    assert audit.head(store).size == 1


ALTERATIONS: dict[str, Callable[[Store], object]] = {
    "a dropped trigger": lambda store: store.db.execute("DROP TRIGGER audit_log_no_update"),
    "a dropped table": lambda store: store.db.execute("DROP TABLE worklist"),
    "a dropped index": lambda store: store.db.execute("DROP INDEX decisions_first"),
    "a view": lambda store: store.db.execute("CREATE VIEW shadow AS SELECT 1"),
    "a trigger with the name of a table": lambda store: store.db.execute(
        "CREATE TRIGGER reads BEFORE INSERT ON reads BEGIN SELECT RAISE(IGNORE); END"
    ),
    "a trigger that looks like sqlite-utils' own": lambda store: store.db.execute(
        "CREATE TRIGGER x_sqlite_migrations BEFORE INSERT ON reads BEGIN SELECT RAISE(IGNORE); END"
    ),
    "a weaker trigger": lambda store: store.db.executescript(
        "DROP TRIGGER audit_log_continues;"
        "CREATE TRIGGER audit_log_continues BEFORE INSERT ON audit_log BEGIN SELECT 1; END"
    ),
    "a migration by transform": lambda store: store.db["audit_log"].transform(),
    "a further column": lambda store: store.db.execute("ALTER TABLE decisions ADD COLUMN approved TEXT"),
}


@pytest.mark.parametrize("alter", ALTERATIONS.values(), ids=ALTERATIONS.keys())
def test_an_altered_schema_is_not_opened(
    folder: Path, store: Store, alter: Callable[[Store], object]
) -> None:
    """The trap of `transform()` among them: it drops every trigger of the table without a word."""
    assert schema_faults(store) == []
    alter(store)
    store.close()
    with pytest.raises(WorkspaceError, match="protection was changed"):
        open_store(folder)


def test_statistics_for_the_query_planner_are_nobodys_attack(folder: Path, store: Store) -> None:
    """A database administrator may run ANALYZE."""
    add_account(store)
    store.db.execute("ANALYZE")
    store.close()
    open_store(folder).close()


def test_a_folder_with_any_name_will_do(tmp_path: Path) -> None:
    """Blanks, percent signs, question marks and letters of any language are no part of the address."""
    folder = tmp_path / "Ärzte & 100% sure? #1"
    create_store(folder).close()
    with open_store(folder) as store:
        assert audit.head(store).size == 0
    assert (folder / DATABASE).is_file()


# Locks


_VISIT = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT count(*) FROM audit_log').fetchone()"


@pytest.mark.parametrize("look", [open_store, lambda folder: verify_file(folder / DATABASE)])
def test_whoever_opens_or_checks_it_again_takes_no_lock_from_those_who_have_it_open(
    tmp_path: Path, look: Callable[[Path], Any]
) -> None:
    """Closing the file itself would: the next process that leaves then takes the write-ahead log away from us."""
    with create_store(tmp_path) as store:
        add_account(store)
        left_over._LOGGED.clear()
        found = look(tmp_path)
        if isinstance(found, Store):
            found.close()
        subprocess.run([sys.executable, "-c", _VISIT, str(tmp_path / DATABASE)], check=True)
        assert (tmp_path / f"{DATABASE}-wal").stat().st_size > 0
        add_account(store, "berta")
        with open_store(tmp_path) as other:
            assert [each.account_id for each in accounts.everyone(other)] == ["anna", "berta"]
