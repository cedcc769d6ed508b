"""SQLite says that a row is as its event tells just where Python, column by column, would say so."""

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


def _is_beside(store: Store, values: tuple[Any, ...], event_id: str = "e-1") -> bool:
    return counterparts.is_beside(store, "projects", "event_id", event_id, COLUMNS, values)


def _add(store: Store, *values: Any) -> None:
    store.db.execute("INSERT INTO projects VALUES (?, ?, ?, ?)", values)


def test_one_row_with_these_values_is_beside_its_event(table: Store) -> None:
    """Whole numbers are equal to themselves as floats, and nothing is equal to nothing."""
    _add(table, "e-1", "Sha", 5, None)
    _add(table, "e-2", "Sha", 5, None)
    assert _is_beside(table, ("e-1", "Sha", 5, None))
    assert _is_beside(table, ("e-1", "Sha", 5.0, None))


@pytest.mark.parametrize(
    "values",
    [
        ("e-1", "sha", 5, None),
        ("e-1", "Sha", "5", None),
        ("e-1", "Sha", b"5", None),
        ("e-1", "Sha", 6, None),
        ("e-1", "Sha", None, None),
        ("e-1", "Sha", 5, ""),
        ("e-1", "Sha", 5, 0),
        ("e-2", "Sha", 5, None),
    ],
)
def test_any_other_value_is_not(table: Store, values: tuple[Any, ...]) -> None:
    """Neither another letter, nor a text of the same digits, nor nothing for something."""
    _add(table, "e-1", "Sha", 5, None)
    assert not _is_beside(table, values)


def test_no_row_and_two_rows_are_not_one(table: Store) -> None:
    """Also where each of the two would do."""
    _add(table, "e-1", "Sha", 5, None)
    assert not _is_beside(table, ("e-1", "Sha", 5, None), "e-3")
    _add(table, "e-1", "Sha", 5, None)
    assert not _is_beside(table, ("e-1", "Sha", 5, None))


def test_the_columns_are_those_of_the_file(table: Store) -> None:
    """A column that somebody added counts, though no row is there."""
    assert counterparts.columns_beside(table, "projects", "event_id") == set(COLUMNS)
    table.db.execute("ALTER TABLE projects ADD COLUMN more")
    assert counterparts.columns_beside(table, "projects", "event_id") == {*COLUMNS, "more"}
