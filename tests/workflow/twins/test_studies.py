"""A study's rows and their events: a change of either alone, in any table and column, is found."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from hitl_review.store import schema
from hitl_review.store.schema import studies
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.studies.leading import amend_study, waive_washout
from hitl_review.workflow.workspace import create_workspace, open_workspace
from tests.tampering import payloads_of, rechain, tamper, tampered
from tests.ward import PROJECT, Clock, fill, review
from tests.ward_study import LEAD, RITA, ROLF, read_next, start

EVIDENCE = {"chain", "payload", "row_missing", "row_differs", "event_missing", "order", "digest"}
OTHER_VALUES = {
    ("study_steps", "kind"): "'reported'",
    ("study_schedule", "use"): "'repeat'",
    ("study_schedule", "showing"): "'with_model'",
    ("study_schedule", "no_reveal"): "1 - no_reveal",
    ("study_outputs", "replaced"): "1 - replaced",
    ("study_truth", "truth"): "1 - truth",
    ("study_showings", "stage"): "CASE stage WHEN 'facts' THEN 'model' ELSE 'facts' END",
    ("study_reads", "modality"): "CASE modality WHEN 'aided' THEN 'unaided' ELSE 'aided' END",
    ("study_reads", "confidence"): "'high'",
}
_ONCE = "item IN (SELECT item FROM {0} GROUP BY item HAVING count(*) = 1)"
ALONE = {table: _ONCE.format(table) for table in ("study_showings", "study_reads")}
"""Rows that can be given the other modality, which the schema allows once."""
FIRST_EVENT = "(SELECT event_id FROM audit_log WHERE seq = 1)"
ADDED_ROWS = {
    "study_steps": f"SELECT {FIRST_EVENT}, 'other', kind, document, reason, at, by FROM study_steps LIMIT 1",
    "study_outputs": "SELECT 'other', case_id, prediction_id, margin, probability, label, verdict, replaced, fixed_at,"
    " event_id FROM study_outputs LIMIT 1",
    "study_schedule": "SELECT 'other', item, reader, session, place, case_id, use, showing, read_order, no_reveal,"
    " expected, laid_at, event_id FROM study_schedule LIMIT 1",
    "study_truth": "SELECT 'other', case_id, truth, salt, commitment, sealed_at, event_id FROM study_truth LIMIT 1",
    "study_showings": f"SELECT {FIRST_EVENT}, study_id, 99, reader, stage, screen, shown_at"
    " FROM study_showings LIMIT 1",
    "study_reads": f"SELECT {FIRST_EVENT}, study_id, 99, reader, case_id, modality, label, rating, confidence,"
    " shown_at, revealed_at, committed_at, seconds_active, model, displayed FROM study_reads LIMIT 1",
    "study_waivers": f"SELECT {FIRST_EVENT}, study_id, reader, reason, at, by FROM study_waivers LIMIT 1",
}
ACTIONS = {
    "study_steps": "study.amended",
    "study_outputs": "study.outputs_fixed",
    "study_schedule": "study.scheduled",
    "study_truth": "study.sealed",
    "study_showings": "study.shown",
    "study_reads": "study.read",
    "study_waivers": "study.washout_waived",
}


def columns() -> list[tuple[str, str, str]]:
    """Every column of the study tables with its type."""
    connection = sqlite3.connect(":memory:")
    for statement in schema.statements().values():
        connection.execute(statement)
    return [
        (table, row[1], row[2])
        for table in studies.TABLES
        for row in connection.execute(f"PRAGMA table_info({table})")
    ]


@pytest.fixture(scope="session")
def studied_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed workspace with a study that runs, was amended, and was read by both readers."""
    folder, clock = tmp_path_factory.mktemp("studied") / "workspace", Clock()
    create_workspace(folder, PROJECT, demo=True, clock=clock)
    with open_workspace(folder, clock=clock) as workspace:
        fill(workspace)
        review(workspace, clock)
        start(workspace)
        for reader in (RITA, RITA, ROLF, RITA, RITA, ROLF, RITA):
            read_next(workspace, reader, clock)
        amend_study(workspace, "ward-1", {"alpha": 0.01}, reason="The board asked for it.", actor=LEAD)
        waive_washout(workspace, "ward-1", "reader-2", reason="Leaves the clinic.", actor=LEAD)
    return folder


@pytest.fixture
def studied(studied_once: Path, tmp_path: Path) -> Path:
    """A test's own copy of it."""
    return Path(shutil.copytree(studied_once, tmp_path / "studied"))


def test_an_honest_study_has_no_problem(studied: Path) -> None:
    """No false alarm, and every table of studies holds rows, so what follows tests something."""
    assert verify(studied).problems == ()
    connection = sqlite3.connect(studied / "review.db")
    counts = {
        table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in studies.TABLES
    }
    connection.close()
    assert all(counts.values()), counts


@pytest.mark.parametrize(("table", "column", "kind"), columns(), ids=lambda each: str(each))
def test_an_edited_column_is_found(studied: Path, table: str, column: str, kind: str) -> None:
    """One row of every table, every column, the smallest change, with the log and the schema whole."""
    by_kind = {
        "INTEGER": f"coalesce({column}, 0) + 1000",
        "REAL": f"coalesce({column}, 0.0) + 1e-9",
        "TEXT": f"coalesce({column}, '') || ' '",
    }
    value = OTHER_VALUES.get((table, column), by_kind[kind])
    with tampered(studied) as connection:
        changed = connection.execute(
            f"UPDATE {table} SET {column} = {value} WHERE rowid ="
            f" (SELECT max(rowid) FROM {table} WHERE {ALONE.get(table, '1')})"
        ).rowcount
    found = verify(studied)
    assert changed == 1
    assert {problem.kind for problem in found.problems} & EVIDENCE, found.as_lines()


@pytest.mark.parametrize("table", studies.TABLES)
def test_a_removed_row_is_found(studied: Path, table: str) -> None:
    """Its event is still there."""
    tamper(studied, f"DELETE FROM {table} WHERE rowid = (SELECT max(rowid) FROM {table})")
    assert {problem.kind for problem in verify(studied).problems} & EVIDENCE


@pytest.mark.parametrize("table", studies.TABLES)
def test_an_added_row_is_found(studied: Path, table: str) -> None:
    """Nothing in the log tells of it, even where it borrows another event's id."""
    tamper(studied, f"INSERT INTO {table} {ADDED_ROWS[table]}")
    assert {problem.kind for problem in verify(studied).problems} & EVIDENCE


@pytest.mark.parametrize(("table", "action"), ACTIONS.items())
def test_a_row_whose_event_was_cut_out_is_found(studied: Path, table: str, action: str) -> None:
    """The chain was made anew without the event, so it holds; only the row is left over."""
    with tampered(studied) as connection:
        kept = payloads_of(connection)
        victim = next(each for each in kept if each["action"] == action)
        rechain(connection, [each for each in kept if each is not victim])
    found = verify(studied)
    assert any(problem.kind == "event_missing" and table in problem.message for problem in found.problems)


def test_the_log_tells_truth_only_by_digest(studied: Path) -> None:
    """Who may read the log of a running study learns nothing of which case has the outcome."""
    connection = sqlite3.connect(studied / "review.db")
    sealed = connection.execute("SELECT salt, commitment FROM study_truth").fetchall()
    log = "\n".join(row[0] for row in connection.execute("SELECT payload FROM audit_log"))
    (payload,) = connection.execute(
        "SELECT payload FROM audit_log WHERE json_extract(payload, '$.action') = 'study.sealed'"
    ).fetchone()
    connection.close()
    assert len(sealed) == 4
    assert not any(salt in log or commitment in log for salt, commitment in sealed)
    assert '"detail":{"count":4,"digest":"sha256:' in payload
