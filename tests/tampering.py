"""What somebody who holds the database file can do to it, for tests that must find it.

An attacker is careful: triggers are taken off for the deed and put back to the letter, foreign keys
and checks are off, so that nothing but the deed itself can give it away.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hitl_review.domain.audit import GENESIS, chain_hash
from hitl_review.domain.canonical import canonical_json
from hitl_review.store import schema
from hitl_review.store.connection import DATABASE, sqlite3


@contextmanager
def tampered(folder: Path, *, restore: bool = True) -> Iterator[sqlite3.Connection]:
    """Give a raw connection with all triggers off, and put them back afterwards."""
    connection = sqlite3.connect(folder / DATABASE, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA ignore_check_constraints = ON")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    triggers = [name for name, sql in schema.statements().items() if sql.startswith("CREATE TRIGGER")]
    for name in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    try:
        yield connection
        for name in triggers if restore else []:
            connection.execute(schema.statements()[name])
        connection.execute("COMMIT")
    finally:
        connection.close()


def tamper(folder: Path, *statements: str) -> None:
    """Run statements past every protection, and leave none of it missing."""
    with tampered(folder) as connection:
        for statement in statements:
            connection.execute(statement)


def defined_as(connection: sqlite3.Connection, definition: str, *, table: str = "audit_log") -> None:
    """Change the definition of a table, and none of its rows, behind SQLite's back."""
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (definition, table))
    connection.execute("PRAGMA writable_schema = RESET")


def rechain(connection: sqlite3.Connection, payloads: list[dict[str, Any]]) -> None:
    """Write the log anew from some payloads, with numbers, links and hashes that fit each other."""
    connection.execute("DELETE FROM audit_log")
    previous = GENESIS
    for seq, told in enumerate(payloads, 1):
        payload = canonical_json({**told, "seq": seq})
        values = (seq, told["event_id"], previous, payload, chain_hash(previous, payload))
        connection.execute("INSERT INTO audit_log VALUES (?, ?, ?, ?, ?)", values)
        previous = values[-1]


def payloads_of(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return what all events tell, in order."""
    return [json.loads(row[0]) for row in connection.execute("SELECT payload FROM audit_log ORDER BY seq")]


def contents(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, for comparing what was stored before and after."""
    connection = sqlite3.connect(folder / DATABASE)
    try:
        tables = ("audit_log", "worklist", *schema.TABLES)
        return {table: connection.execute(f"SELECT rowid, * FROM {table}").fetchall() for table in tables}
    finally:
        connection.close()
