"""The one door to `review.db`: how it is opened, written in one transaction, and checked.

A transaction takes the writer lock, begins IMMEDIATE (sqlite-utils' own `atomic()` is deferred and
fails under several writers), carries one actor and one timestamp, and is stored whole or not at all.
WAL with `synchronous=FULL` is what survives a power cut; NORMAL loses acknowledged commits.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from sqlite_utils import Database
from sqlite_utils.utils import sqlite3 as sqlite3  # type: ignore[attr-defined]  # pysqlite3 where it is there

from hitl_review.domain.account import SYSTEM, Actor
from hitl_review.domain.audit import Head
from hitl_review.errors import (
    AuditError,
    Conflict,
    HitlError,
    StoreUnavailable,
    WorkspaceError,
    WorkspaceMissing,
)
from hitl_review.store import left_over, schema
from hitl_review.store.lock import WriterLock
from hitl_review.store.migrations import migrations

DATABASE: Final = "review.db"
BUSY_SECONDS: Final = 30.0
_SCHEMA: Final = (
    "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL"
    " UNION ALL SELECT type, name, sql FROM sqlite_temp_schema"
)
_NOT_THE_FILE: Final = frozenset({3, 5, 6, 7, 8, 9, 10, 14})
"""SQLite's primary codes for no permission, busy, locked, no memory, read-only, interrupted, no disk, can't open."""
_DEFENSIVE: Final[Any] = getattr(sqlite3, "SQLITE_DBCONFIG_DEFENSIVE", None)
"""What asks SQLite to defend the file; Python's own module has it from 3.12 on, pysqlite3 has not."""
Row = sqlite3.Row
Access = Literal["mode=rw", "mode=ro", "immutable=1"]
"""How a file is opened; `immutable=1` reads where not even SQLite's side files can be made."""


def now_utc() -> datetime:
    """Return the server's time, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Transaction:
    """Who acts, and the one moment at which all of a transaction happens."""

    actor: Actor
    now: datetime


class Watch(Protocol):
    """Somebody who is told of every transaction: checkpoints are published this way."""

    def begun(self, store: Store) -> None:
        """A transaction has begun."""

    def before_commit(self, store: Store) -> None:
        """All is written and nothing is committed; what is written here is committed with it."""

    def after_commit(self, store: Store) -> None:
        """The transaction is committed, and no other writer is in yet. What fails here must not say otherwise."""


class Store:
    """An open `review.db`. Open it per use (a fraction of a millisecond); never share it between threads."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], datetime] = now_utc,
        busy_seconds: float = BUSY_SECONDS,
        access: Access = "mode=rw",
    ) -> None:
        self.path = path
        self.clock = clock
        self.busy_seconds = busy_seconds
        self.db = _connect(f"{path.absolute().as_uri()}?{access}", busy_seconds)
        self.added = (0, 0)
        """The first and the last event that the open transaction added to the log; 0 while there is none."""
        self.newest: tuple[tuple[int, str, str, str, str], Head] | None = None
        """The event that this connection wrote last, column by column, and the end of the log it makes."""
        self._lock = WriterLock(path.with_name(path.name + ".lock"))
        self._open: Transaction | None = None
        self._journal_kept = False
        self.watch: Watch | None = None

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection. An open transaction is rolled back."""
        self.db.close()
        self._lock.close()

    def rows(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        """Return all rows of a query."""
        return self.db.conn.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """Return the first row of a query, or None."""
        found: Row | None = self.db.conn.execute(sql, parameters).fetchone()
        return found

    def write(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run one writing statement inside the open transaction."""
        self.current()
        self.db.conn.execute(sql, parameters)

    def insert(self, sql: str, parameters: Sequence[Any]) -> None:
        """Add exactly one row inside the open transaction; AuditError if it did not stay."""
        self.insert_many(sql, [parameters])

    def insert_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows inside the open transaction; AuditError if one of them did not stay.

        A trigger that says RAISE(IGNORE) swallows a row without any error; only the count shows it.
        """
        self.current()
        added = self.db.conn.executemany(sql, rows).rowcount if rows else 0
        if added != len(rows):
            raise AuditError("A row was not in the database after it was written, so nothing was stored.")

    def current(self) -> Transaction:
        """Return the open transaction; what is written outside of one has no actor and no time."""
        if self._open is None:
            raise WorkspaceError(
                "Something was written outside a transaction. Use `with store.transaction(actor):`."
            )
        return self._open

    def transaction(self, actor: Actor = SYSTEM) -> AbstractContextManager[Transaction]:
        """Store everything that the block writes, or nothing of it.

        Raises StoreUnavailable when the database can't be written (lock held, disk full, read-only).
        """
        return _Whole(self, actor)

    def _begin(self, actor: Actor) -> Transaction:
        if not self._journal_kept:
            self._keep_journal()
        self.db.conn.execute("BEGIN IMMEDIATE")
        now = self.clock()
        if not 1 < now.year < 9999:  # moments before it and behind it, such as the end of a session, would be none
            raise StoreUnavailable(
                f"The clock of this machine stands in the year {now.year}, so nothing was stored. Set it right; then "
                "try again."
            )
        self._open, self.added = Transaction(actor, now), (0, 0)
        if self.watch is not None:
            self.watch.begun(self)
        return self._open

    def _commit(self) -> None:
        if self.watch is not None:
            self.watch.before_commit(self)
        self.db.conn.execute("COMMIT")
        self._open = None

    def _undo(self, error: BaseException) -> None:
        """Roll back, let the next writer in, and say in one sentence that nothing was stored, if SQLite failed."""
        self._open = None
        try:
            self.db.rollback()
        except sqlite3.Error as worse:
            error = worse
        finally:
            self._lock.give_back()
        sentence = _sentence(error)
        if sentence is not None:
            raise sentence from error

    def _keep_journal(self) -> None:
        """See to it that the write-ahead log is used: a copy made by VACUUM INTO comes back without it.

        The older rollback journal lost the last commit in every power cut that was tried. Once the log
        is used, nobody can switch it off while this connection is open.
        """
        mode = self.db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise StoreUnavailable(
                f"The database journals in mode '{mode}', which a power cut can break, so nothing was stored. "
                "Keep the workspace on a local disk."
            )
        self._journal_kept = True
        left_over.note_logged(self.path)


class _Whole(AbstractContextManager[Transaction]):
    """The block of a transaction. It is no generator: four of them within each other took as long as SQLite."""

    def __init__(self, store: Store, actor: Actor) -> None:
        self._store, self._actor = store, actor

    def __enter__(self) -> Transaction:
        store = self._store
        if store._open is not None:
            raise WorkspaceError("A transaction is open already. One step is one transaction.")
        store._lock.take(store.busy_seconds)
        try:
            return store._begin(self._actor)
        except BaseException as error:
            store._undo(error)
            raise

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        store = self._store
        if error is not None:
            return store._undo(error)
        try:
            store._commit()
        except BaseException as fault:
            store._undo(fault)
            raise
        try:
            if store.watch is not None:
                store.watch.after_commit(store)
        finally:
            store._lock.give_back()


def _sentence(error: BaseException) -> HitlError | None:
    """Return what a person is told of an error of SQLite, or None for any other error."""
    if isinstance(error, sqlite3.OperationalError):
        return StoreUnavailable(
            f"The workspace could not be written ({error}), so nothing was stored. "
            "Check free space, the file's permissions and other programs that hold it; then try again."
        )
    if isinstance(error, sqlite3.IntegrityError):
        return Conflict(
            f"The database refused the act ({error}), so nothing was stored. Look at the present state first."
        )
    if isinstance(error, sqlite3.ProgrammingError) or not isinstance(error, sqlite3.DatabaseError):
        return None  # a fault of ours, such as the wrong thread, or none of SQLite's: the database is well
    return StoreUnavailable(
        f"The workspace's database is damaged ({error}), so nothing was stored. Restore it from a backup."
    )


class _Connection(sqlite3.Connection):
    """A connection that can tell of any damage: SQLite may quote bytes of the file that are no text."""

    def execute(self, *asked: Any) -> Any:
        """Run one statement; an error whose words can't be read is an error of the file."""
        try:
            return super().execute(*asked)
        except UnicodeDecodeError as error:
            raise sqlite3.DatabaseError("malformed database schema: a name in it is no text") from error


def _connect(address: str, busy_seconds: float) -> Database:
    connection = sqlite3.connect(address, timeout=busy_seconds, uri=True, factory=_Connection)
    connection.isolation_level = None
    connection.row_factory = sqlite3.Row
    try:
        for setting in ("foreign_keys = ON", "synchronous = FULL", "recursive_triggers = ON"):
            connection.execute(f"PRAGMA {setting}")
        if _DEFENSIVE is not None and hasattr(connection, "setconfig"):  # not even `writable_schema` passes then
            connection.setconfig(_DEFENSIVE, True)
        return Database(connection)
    except BaseException:
        connection.close()  # what is no database would stay open until memory is cleaned up
        raise


def create_store(folder: Path, *, clock: Callable[[], datetime] = now_utc) -> Store:
    """Make an empty `review.db` in a folder, readable by its owner only, and return it open."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / DATABASE
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError as error:
        raise WorkspaceError(
            f"There is a workspace in {folder} already. Name another folder, or use it."
        ) from error
    store = Store(path, clock=clock)
    store.db.execute("PRAGMA journal_mode = WAL").fetchone()
    migrations.apply(store.db)
    return store


def open_store(
    folder: Path, *, clock: Callable[[], datetime] = now_utc, busy_seconds: float = BUSY_SECONDS
) -> Store:
    """Open the `review.db` of a workspace and check that its tables and triggers are the expected ones."""
    path = folder / DATABASE
    if not path.is_file():
        raise WorkspaceMissing(
            f"There is no workspace in {folder}. Make one with `hitl-review demo {folder}`."
        )
    left_over.check(path)
    store, faults = _opened(path, clock, busy_seconds)
    if faults:
        store.close()
        raise WorkspaceError(
            f"The database's protection was changed: {faults[0]}. Nothing was done; "
            f"run `hitl-review audit verify {folder}` and restore from a backup."
        )
    return store


def _opened(path: Path, clock: Callable[[], datetime], busy_seconds: float) -> tuple[Store, list[str]]:
    try:
        store = Store(path, clock=clock, busy_seconds=busy_seconds)
        with closed_on_error(store):
            return store, schema_faults(store)
    except sqlite3.DatabaseError as error:
        if not concerns_file(error):
            raise StoreUnavailable(
                f"{path.name} in {path.parent} can't be opened for work ({error}), so nothing was stored. "
                "File and folder must be writable, and no other program may hold them."
            ) from error
        raise WorkspaceError(
            f"{path.name} in {path.parent} can't be read as a database ({error}). Restore it from a backup."
        ) from error


def concerns_file(error: sqlite3.DatabaseError) -> bool:
    """Tell whether an error speaks of what the file holds, and not of a lock, a disk or a permission."""
    return error_code(error) not in _NOT_THE_FILE


def error_code(error: sqlite3.DatabaseError) -> int:
    """Return SQLite's primary code of an error."""
    code: int = getattr(error, "sqlite_errorcode", 1)
    return code & 0xFF


@contextmanager
def closed_on_error(store: Store) -> Iterator[None]:
    """Close a store if the block raises."""
    try:
        yield
    except BaseException:
        store.close()
        raise


def schema_faults(store: Store) -> list[str]:
    """Say, thing by thing, where tables, triggers and indexes differ from the expected text, or texts' own form."""
    encoding = store.rows("PRAGMA encoding")[0][0]
    return [
        *([] if encoding == "UTF-8" else [f"texts are stored as {encoding}, not as UTF-8"]),
        *schema.faults({(row["type"], row["name"]): row["sql"] for row in store.rows(_SCHEMA)}),
    ]
