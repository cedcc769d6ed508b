"""Rows are read as they stand in the file, whatever their table says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hitl_review.store import counterparts
from hitl_review.store.connection import DATABASE, Store, sqlite3

COLUMNS = ("event_id", "digest", "text", "configured_at")


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Store]:
    """A store whose table `projects` has no key and claims that letters have no case: somebody made it anew."""
    with Store(_made(tmp_path / DATABASE)) as store:
        store.db.execute(
            "CREATE TABLE projects (event_id TEXT, digest TEXT COLLATE NOCASE, text INTEGER, configured_at)"
        )
        yield store


def _made(path: Path) -> Path:
    sqlite3.connect(path).close()
    return path


def _add(store: Store, *values: Any) -> None:
    store.db.execute("INSERT INTO projects VALUES (?, ?, ?, ?)", values)


def test_rows_are_read_in_their_order_from_an_events_own_on(table: Store) -> None:
    """Just as they stand there: no text becomes a number, and no capital a small letter."""
    rows = [("e-1", "Sha", 5, None), ("e-2", "sha", "six", ""), ("e-3", "SHA", 7.5, b"8")]
    for row in rows:
        _add(table, *row)
    for place, row in enumerate(rows):
        assert list(counterparts.rows_in_order(table, "projects", "event_id", row[0], COLUMNS)) == rows[place:]
    (first, *_) = counterparts.rows_in_order(table, "projects", "event_id", "e-2", ("text", "digest"))
    assert first == ("six", "sha")


def test_of_an_event_without_a_row_no_row_is_read(table: Store) -> None:
    """Neither the first one, nor the last."""
    _add(table, "e-1", "Sha", 5, None)
    assert list(counterparts.rows_in_order(table, "projects", "event_id", "e-3", COLUMNS)) == []


def test_the_columns_are_those_of_the_file(table: Store) -> None:
    """A column that somebody added counts, though no row is there."""
    assert counterparts.columns_beside(table, "projects", "event_id") == set(COLUMNS)
    table.db.execute("ALTER TABLE projects ADD COLUMN more")
    assert counterparts.columns_beside(table, "projects", "event_id") == {*COLUMNS, "more"}
