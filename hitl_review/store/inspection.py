"""What verification reads of a database, whatever state it is in: never written, one view throughout.

Rows come as they stand in the file. No domain value is made of them, because an altered row may be
none; a text that is no UTF-8 comes with its bytes escaped instead of stopping the check.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from operator import methodcaller
from pathlib import Path
from typing import Any, Final

from sqlite_utils import Database

from hitl_review.domain.audit import GENESIS
from hitl_review.errors import AuditError, WorkspaceError, WorkspaceMissing
from hitl_review.store import left_over, schema
from hitl_review.store.connection import (
    Access,
    Store,
    closed_on_error,
    error_code,
    sqlite3,
)
from hitl_review.store.migrations import migrations

BUSY_SECONDS: Final = 5.0
"""How long a check waits for somebody who has locked the whole file."""
CACHE_KIB: Final = 65_536
"""Memory for pages, in KiB: rows are looked up all over a long file, a quarter faster than with SQLite's own 2,000."""
RawEvent = tuple[int, str, str, str, str]
"""seq, event_id, prev_hash, payload, hash."""
MAPPED: Final = 2**31
"""Bytes of a file that are read where they lie in memory, without a copy: the pages are checked a quarter faster."""
_AS_TEXT: Final = methodcaller("decode", "utf-8", "surrogateescape")
_EVENTS: Final = "SELECT seq, event_id, prev_hash, payload, hash FROM audit_log"
_MIGRATION_COLUMNS: Final = frozenset({"id", "migration_set", "name", "applied_at"})
_NO_SIDE_FILES: Final = frozenset({8, 14})
"""The codes on a medium where not even a reader's side files can be made."""


@contextmanager
def opened(path: Path) -> Iterator[Store]:
    """Open a database only to look at it, and see all of it as it was at one moment.

    Raises WorkspaceMissing without a file, and AuditError where the check can't be made at all.
    """
    if not path.is_file():
        raise WorkspaceMissing(
            f"There is no workspace in {path.parent}. Name a folder that holds {path.name}."
        )
    try:
        left_over.check(path)
        store = _looked_at(path)
    except WorkspaceError as error:
        raise AuditError(str(error)) from error
    except sqlite3.DatabaseError as error:
        raise AuditError(f"{path} can't be read as a database ({error}), so it was not checked.") from error
    with store:
        yield store


def _looked_at(path: Path) -> Store:
    try:
        return _view(path, "mode=ro")
    except sqlite3.OperationalError as error:
        if error_code(error) not in _NO_SIDE_FILES:
            raise
        left = left_over.side_files(path)
        if any(side.name.endswith("-journal") for side in left):
            raise AuditError(
                f"{path.name}-journal in {path.parent} is left of an act that was broken off, and a check undoes "
                f"nothing ({error}), so nothing was checked. Copy it and {path.name} to another folder; run "
                "`hitl-review doctor` there, which undoes it; then check there."
            ) from error
        if left:
            raise AuditError(
                f"{left[0].name} in {path.parent} holds changes, and they can't be read where nothing may be written "
                f"({error}), so nothing was checked. Copy it and {path.name} to another folder; check there."
            ) from error
        return _view(path, "immutable=1")


def _view(path: Path, access: Access) -> Store:
    store = Store(path, busy_seconds=BUSY_SECONDS, access=access)
    with closed_on_error(store):
        store.db.conn.text_factory = _AS_TEXT
        store.db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        store.db.execute("BEGIN")
        store.row("SELECT count(*) FROM sqlite_schema")  # from here on, what others write is not seen
        _forbid_views(store)
    return store


def _forbid_views(store: Store) -> None:
    """Let no view be read, whatever table it stands for: the product makes none, and its rows may have no end."""
    rows = store.rows("SELECT lower(name) FROM pragma_table_list WHERE type = 'view'")
    views = {row[0] for row in rows}
    if views:
        store.db.conn.set_authorizer(
            lambda *asked: sqlite3.SQLITE_DENY if str(asked[4]).lower() in views else sqlite3.SQLITE_OK
        )


@contextmanager
def strictly_text(store: Store) -> Iterator[None]:
    """Make a text that is no UTF-8 an error of SQLite while the block runs: a walk takes a tenth less time so."""
    before, store.db.conn.text_factory = store.db.conn.text_factory, str
    try:
        yield
    finally:
        store.db.conn.text_factory = before


def map_file(store: Store) -> None:
    """Read the file where the system holds it in memory.

    Only for a process that does nothing else: if the file is cut short meanwhile, or its disk fails, it is ended.
    """
    store.db.execute(f"PRAGMA mmap_size = {MAPPED}")


def integrity_faults(store: Store) -> list[str]:
    """Return what SQLite's own check of pages, indexes and constraints finds."""
    return [str(row[0]) for row in store.rows("PRAGMA integrity_check") if row[0] != "ok"]


def rule_faults(store: Store) -> list[str]:
    """Return which tables hold rows that break a CHECK of theirs; the log's events are looked at one by one.

    SQLite forgets the CHECKs where it opens a file only to read it, so its own check can't look at them.
    """
    found = []
    for table, rules in _rules().items():
        broken = " OR ".join(f"NOT ({rule})" for rule in rules)
        if store.row(f"SELECT 1 FROM {table} NOT INDEXED WHERE {broken} LIMIT 1") is not None:
            found.append(f"CHECK constraint failed in {table}")
    return found


@cache
def _rules() -> dict[str, list[str]]:
    """Return what stands behind each CHECK of the tables as they were made, by table."""
    tables = {**schema.TABLES, **schema.CHANGING}
    found = {table: [_bracketed(part) for part in sql.split(" CHECK ")[1:]] for table, sql in tables.items()}
    return {table: rules for table, rules in found.items() if rules}


def _bracketed(text: str) -> str:
    """Return what stands in the bracket that a text begins with."""
    depth = 0
    for place, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            return text[1:place]
    raise ValueError("a bracket of the schema is not closed")


def foreign_key_faults(store: Store) -> list[str]:
    """Return which tables hold rows that point at nothing, and how many."""
    counts: dict[str, int] = {}
    for row in store.db.execute("PRAGMA foreign_key_check"):
        place = f"{row['table']} point at a row of {row['parent']} that is not there"
        counts[place] = counts.get(place, 0) + 1
    return [f"{count} rows of {place}" for place, count in counts.items()]


def migration_faults(store: Store) -> list[str]:
    """Return where the list of steps that made the schema is not the expected one, or holds something else."""
    columns = store.rows("SELECT name FROM pragma_table_xinfo('_sqlite_migrations')")
    if {row["name"] for row in columns} - _MIGRATION_COLUMNS:
        return ["the list of migrations has a column that does not belong there"]
    expected = [step.name for step in migrations._migrations]
    found = [row["name"] for row in store.rows("SELECT name FROM _sqlite_migrations ORDER BY rowid")]
    return [] if found == expected else ["the list of migrations was changed"]


def layout_faults(store: Store) -> list[str]:
    """Return where SQLite's own list of things is not as it was made, beyond their texts.

    That is: which table each index and trigger is said to belong to, and the indexes that SQLite makes
    by itself, which have no text.
    """
    rows = store.rows(_LISTED)
    expected, found = _layout(), _listed(rows)
    unnamed = {thing for thing, (_, has_text) in expected.items() if not has_text}
    added = {thing for thing, (_, has_text) in found.items() if not has_text} - expected.keys()
    moved = {thing for thing in expected.keys() & found.keys() if expected[thing][0] != found[thing][0]}
    doubled = ["something is listed twice"] if len(rows) > len(found) else []
    return [
        *doubled,
        *(f"{kind} '{name}' is missing" for kind, name in sorted(unnamed - found.keys())),
        *(f"{kind} '{name}' does not belong there" for kind, name in sorted(added)),
        *(f"{kind} '{name}' is listed under another table" for kind, name in sorted(moved)),
    ]


Listed = dict[tuple[str, str], tuple[str, bool]]
"""By type and name: the table a thing belongs to, and whether it has a text."""
_LISTED: Final = "SELECT type, name, tbl_name, sql IS NOT NULL FROM sqlite_schema"


def _listed(rows: Iterable[Sequence[Any]]) -> Listed:
    return {(kind, name): (table, bool(has_text)) for kind, name, table, has_text in rows}


@cache
def _layout() -> Listed:
    """Return the list as it is made, by making it."""
    made = Database(memory=True)
    try:
        migrations.apply(made)
        return _listed(made.execute(_LISTED).fetchall())
    finally:
        made.close()


@dataclass(frozen=True, slots=True)
class End:
    """The end of the log as it stands: how many rows there are, the last one's number and hash."""

    count: int = 0
    seq: int = 0
    hash: str = GENESIS


def log_end(store: Store) -> End:
    """Return the end of the log. In an honest one, the last number is the number of rows."""
    count = store.rows("SELECT count(*) FROM audit_log NOT INDEXED")[0][0]
    last = store.row("SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1")
    return End() if last is None else End(count, last["seq"], str(last["hash"]))


def hashes(store: Store) -> Iterator[str]:
    """Yield the hash of every event, in order."""
    for row in store.db.execute("SELECT hash FROM audit_log ORDER BY seq"):
        yield str(row[0])


def raw_events(store: Store, *, after: int | None = None, upto: int | None = None) -> Iterator[RawEvent]:
    """Yield the columns of every event in the order of the log, or of those behind `after` and up to `upto`."""
    cursor = store.db.conn.cursor()
    cursor.row_factory = None
    where = " AND ".join(
        f"seq {sign} {bound:d}" for sign, bound in ((">", after), ("<=", upto)) if bound is not None
    )
    return cursor.execute(f"{_EVENTS}{' WHERE ' + where if where else ''} ORDER BY seq")


def raw_events_back(store: Store, upto: int) -> Iterator[RawEvent]:
    """Yield the columns of the events up to a seq, the last one first."""
    cursor = store.db.conn.cursor()
    cursor.row_factory = None
    return cursor.execute(f"{_EVENTS} WHERE seq <= ? ORDER BY seq DESC", (upto,))
