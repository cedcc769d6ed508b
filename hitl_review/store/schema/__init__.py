"""The database's tables, as they stand in the file: read this to know what is kept.

Append-only tables carry two triggers that refuse UPDATE and DELETE. Every row names the audit
event that tells of it (`event_id`), so no row is there without its event. The texts are constants
because verification compares them, to the letter, with what the file holds. One file per family:
`log`, `reviewing`, `people`, `learning`, `studies`, `auditing`.

Traps: `Table.transform()` of sqlite-utils drops every trigger, so no table here is ever
transformed; `INSERT OR REPLACE` slips past a delete trigger unless `recursive_triggers` is on.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from hitl_review.store.schema import auditing, learning, people, reviewing, studies
from hitl_review.store.schema.log import AUDIT_LOG, AUDIT_TRIGGERS

__all__ = [
    "AUDIT_LOG",
    "AUDIT_TRIGGERS",
    "CHANGING",
    "INDEXES",
    "TABLES",
    "append_only_triggers",
    "faults",
    "statements",
]

TABLES: Final = {**reviewing.TABLES, **people.TABLES, **learning.TABLES, **studies.TABLES, **auditing.TABLES}
"""The append-only tables, in the order in which they are made."""

CHANGING: Final = {
    "worklist": reviewing.WORKLIST,
    **people.CHANGING,
    **learning.CHANGING,
    **studies.CHANGING,
}
"""The tables that change in place: what they hold can be made again, or is only of now."""

INDEXES: Final = {
    **reviewing.INDEXES,
    **people.INDEXES,
    **learning.INDEXES,
    **studies.INDEXES,
    **auditing.INDEXES,
}


def append_only_triggers(table: str) -> dict[str, str]:
    """Return the two triggers that refuse UPDATE and DELETE on a table, by name."""
    return {
        f"{table}_no_{verb.lower()}": (
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN\n"
            f"  SELECT RAISE(ABORT, '{table} is append-only: no row may be {past}');\nEND"
        )
        for verb, past in (("UPDATE", "changed"), ("DELETE", "removed"))
    }


def statements() -> dict[str, str]:
    """Return every statement of the first schema, by the name of what it makes, in order."""
    made = {"audit_log": AUDIT_LOG, **AUDIT_TRIGGERS, **TABLES, **CHANGING, **INDEXES}
    for table in TABLES:
        made |= append_only_triggers(table)
    return made


_MADE_BY_OTHERS: Final = {
    ("table", "_sqlite_migrations"): None,
    ("index", "idx__sqlite_migrations_migration_set_name"): None,
    ("table", "sqlite_stat1"): "CREATE TABLE sqlite_stat1(tbl,idx,stat)",
    ("table", "sqlite_stat4"): "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)",
}
"""Tables that sqlite-utils and SQLite's own ANALYZE make; nothing of ours depends on them. The text of the first two
differs from version to version."""


def faults(found: Mapping[tuple[str, str], str]) -> list[str]:
    """Say where the statements of a file, by type and name, differ from the expected ones."""
    expected = _expected()
    missing = [f"{kind} '{name}' is missing" for kind, name in expected if (kind, name) not in found]
    changed = [
        f"{kind} '{name}' has another text"
        for (kind, name), sql in expected.items()
        if found.get((kind, name), sql) != sql
    ]
    changed += [
        f"{kind} '{name}' has another text"
        for (kind, name), sql in _MADE_BY_OTHERS.items()
        if sql is not None and found.get((kind, name), sql) != sql
    ]
    added = found.keys() - expected.keys() - _MADE_BY_OTHERS.keys()
    return missing + changed + [f"{kind} '{name}' does not belong there" for kind, name in sorted(added)]


@cache
def _expected() -> dict[tuple[str, str], str]:
    return {(_type(sql), name): sql for name, sql in statements().items()}


def _type(sql: str) -> str:
    """Return what a CREATE statement makes: table, trigger or index."""
    return sql.removeprefix("CREATE ").removeprefix("UNIQUE ").split(maxsplit=1)[0].lower()
