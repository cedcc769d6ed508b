"""Every value and every row of every table, changed alone under a log and a schema that are whole: found, or named.

What is not found has to stand in `twins.UNTOLD`, and what stands there must not be found: a new table or column
that nobody thought of fails here.
"""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from hitl_review.store import schema
from hitl_review.store.connection import DATABASE
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.twins import UNTOLD
from tests.attacks.whole import Deed, deeds, tables
from tests.tampering import tampered

TABLES = ("audit_log", *schema.TABLES, *schema.CHANGING, "_sqlite_migrations")
DROPPED = {("ui_sessions", words) for words in ("first removed", "last removed", "all removed")}
"""The product drops sessions itself when they are over."""
ALIKE = Deed("figures", "model", "exchanged", bool)
"""The pictures of the ward's two models are the same picture, so nothing is changed."""
THE_TAIL = ("audit_log", "last removed")
"""Found by a checkpoint, and by what the event told of; `test_forged_logs.py` tries it."""


def is_found(deed: Deed, whole: Path, folder: Path) -> bool | None:
    """Do it to a copy, and tell whether the check finds it; None if it changed nothing."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)
    with tampered(folder) as connection:
        done = deed.do(connection)
    return not verify(folder).ok if done else None


def may_be_missed(deed: Deed) -> bool:
    """Whether the product says that it does not look at this."""
    untold = UNTOLD.get(deed.table, frozenset())
    if deed.column:
        return deed.column in untold or replace(deed, do=bool) == ALIKE
    return deed.table == "wrong_tries" or (deed.table, deed.words) in {*DROPPED, THE_TAIL}


def test_every_table_of_the_file_is_tried_and_holds_rows(whole_once: Path) -> None:
    """A table that nobody fills would pass every test below; what is said to be told of by no event is there."""
    found = tables(whole_once)
    assert found.keys() == set(TABLES)
    connection = sqlite3.connect(whole_once / DATABASE)
    assert all(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in found)
    connection.close()
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    for table, columns in UNTOLD.items():
        assert columns <= {name for name, _ in found[table]}
        assert f"`{table}`" in readme, "people are told of it"
    assert verify(whole_once).problems == ()


def test_a_sample_of_deeds_to_every_table_is_found(whole_once: Path, tmp_path: Path) -> None:
    """A column in the middle, the last row removed, a row copied; the long form tries all of them."""
    missed = []
    for deed in deeds(whole_once):
        names = [name for name, _ in tables(whole_once)[deed.table]]
        of_row = deed.words in ("last removed", "copied")
        in_middle = deed.column == names[len(names) // 2] and deed.words == "last changed"
        if (
            (of_row or in_middle)
            and not may_be_missed(deed)
            and is_found(deed, whole_once, tmp_path / "w") is False
        ):
            missed.append(deed)
    assert not missed


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES)
def test_every_deed_to_a_table_is_found_or_named(whole_once: Path, tmp_path: Path, table: str) -> None:
    """First and last value of each column changed, emptied, exchanged; rows removed, all removed, copied."""
    mine = [deed for deed in deeds(whole_once) if deed.table == table]
    found = {deed: is_found(deed, whole_once, tmp_path / "w") for deed in mine}
    assert [deed for deed, is_seen in found.items() if is_seen is False and not may_be_missed(deed)] == []
    tried = {deed.column for deed, is_seen in found.items() if is_seen is not None}
    assert {name for name, _ in tables(whole_once)[table]} <= tried, "every column was changed in some way"
    missed = {deed.column for deed, is_seen in found.items() if is_seen is False}
    assert UNTOLD.get(table, frozenset()) <= missed, "what is always found needs no excuse"


def test_a_session_that_nobody_opened_or_that_was_opened_again_is_found(
    whole_once: Path, tmp_path: Path
) -> None:
    """Whoever can write the file could sit down as somebody else; while the row is there, it shows."""
    for statement in (
        "INSERT INTO ui_sessions SELECT 'forged', 'forged', 'approver-1', method, opened_at, seen_at, ends_at,"
        " proved_at, proved_by, NULL FROM ui_sessions LIMIT 1",
        "UPDATE ui_sessions SET ended = NULL WHERE ended IS NOT NULL",
        "UPDATE ui_sessions SET account_id = 'approver-1' WHERE ended IS NULL",
        "UPDATE ui_sessions SET secret = 'known to the forger' WHERE ended IS NULL AND rowid ="
        " (SELECT max(rowid) FROM ui_sessions WHERE ended IS NULL)",
    ):
        deed = Deed("ui_sessions", "", statement, lambda c, sql=statement: bool(c.execute(sql).rowcount))  # type: ignore[misc]
        assert is_found(deed, whole_once, tmp_path / "w"), statement
