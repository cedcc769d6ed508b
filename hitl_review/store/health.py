"""Whether the database's file is sound and journals as it must: what SQLite says of itself."""

from __future__ import annotations

from hitl_review.store.connection import Store


def journal_mode(store: Store) -> str:
    """Return the journal mode; anything but "wal" makes readers and writers wait for each other."""
    row = store.row("PRAGMA journal_mode")
    return "" if row is None else str(row[0])


def damage(store: Store) -> str | None:
    """Return the first fault of a quick check of every page, or None. `audit verify` looks closer."""
    row = store.row("PRAGMA quick_check(1)")
    return None if row is None or row[0] == "ok" else str(row[0])
