"""The schema's own rules: what the database refuses whoever asks."""

from __future__ import annotations

import re

import pytest

from hitl_review.store import schema
from hitl_review.store.connection import Store, sqlite3
from hitl_review.store.schema import people

SPECIFIED = """
CREATE TABLE audit_log (
  seq       INTEGER PRIMARY KEY,
  event_id  TEXT NOT NULL UNIQUE,
  prev_hash TEXT NOT NULL CHECK (length(prev_hash) = 64),
  payload   TEXT NOT NULL CHECK (json_valid(payload)),
  hash      TEXT NOT NULL UNIQUE CHECK (length(hash) = 64)
) STRICT
"""


def test_the_log_s_table_is_the_specified_one() -> None:
    """To the letter: an auditor compares it with the page."""
    assert SPECIFIED.strip() == schema.AUDIT_LOG


def test_every_refusal_of_the_log_begins_with_the_specified_words() -> None:
    """An auditor's script may look for them."""
    for sql in schema.AUDIT_TRIGGERS.values():
        messages = re.findall(r"RAISE\(ABORT, '([^']*)'", sql)
        assert messages
        assert all(message.startswith("audit_log is append-only") for message in messages)


def test_every_table_is_strict_and_append_only_or_named_as_changing() -> None:
    """A number stays a number, and a row stays."""
    made = schema.statements()
    for name, sql in made.items():
        if sql.startswith("CREATE TABLE"):
            assert sql.endswith("STRICT"), name
    for table in ("audit_log", *schema.TABLES):
        assert {f"{table}_no_update", f"{table}_no_delete"} <= made.keys()
    for table in schema.CHANGING:
        assert f"{table}_no_update" not in made


def test_every_column_an_event_tells_of_points_at_the_log() -> None:
    """No row without its event: the database itself refuses it."""
    for table in ("projects", "accounts", "cases", "outcomes", "models", "promotions", "predictions", *people.TABLES):
        assert re.search(r"event_id +TEXT.*REFERENCES audit_log\(event_id\)", schema.TABLES[table])
    for table, key in (("reads", "read_id"), ("reveals", "reveal_id"), ("decisions", "decision_id")):
        assert re.search(rf"{key} +TEXT PRIMARY KEY REFERENCES audit_log\(event_id\)", schema.TABLES[table])


@pytest.fixture
def loose(store: Store) -> Store:
    """A store whose foreign keys are off, to test each table's own rules alone."""
    store.db.execute("PRAGMA foreign_keys = OFF")
    return store


DECISION = {
    "decision_id": "d1",
    "case_id": "C-1",
    "reader": "anna",
    "reveal_id": "r1",
    "prediction_id": "P-1",
    "answer": "overridden",
    "label": "alive",
    "reason": "seen",
    "comment": "",
    "confidence": "low",
    "own_probability": 0.5,
    "shown_digest": "x",
    "shown_at": "t",
    "decided_at": "t",
    "seconds_active": 1.0,
    "signed_name": "Anna",
    "signed_meaning": "review",
    "signed_at": "t",
    "signed_method": "session",
    "supersedes": None,
}


def insert(store: Store, table: str, values: dict[str, object]) -> None:
    """Insert a row by plain SQL."""
    marks = ", ".join("?" * len(values))
    store.db.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))


@pytest.mark.parametrize(
    "changed",
    [
        {"answer": "maybe"},
        {"answer": "deferred"},
        {"label": None},
        {"answer": "accepted"},
        {"reason": None},
        {"confidence": "very"},
        {"seconds_active": -1.0},
        {"seconds_active": "long"},
        {"comment": None},
        {"signed_name": None},
    ],
)
def test_a_decision_that_contradicts_itself_is_refused(loose: Store, changed: dict[str, object]) -> None:
    """Deferred has no label, accepted has no reason, the others have both, and nothing is left unsigned."""
    with pytest.raises(sqlite3.IntegrityError):
        insert(loose, "decisions", {**DECISION, **changed})
    insert(loose, "decisions", DECISION)


def test_a_first_decision_is_made_once_per_case_and_reader(loose: Store) -> None:
    """Two tabs can't both be first; a second decision has to supersede."""
    insert(loose, "decisions", DECISION)
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        insert(loose, "decisions", {**DECISION, "decision_id": "d2"})
    insert(loose, "decisions", {**DECISION, "decision_id": "d2", "supersedes": "d1"})
    insert(loose, "decisions", {**DECISION, "decision_id": "d3", "reader": "ben"})


def test_a_decision_is_superseded_once(loose: Store) -> None:
    """The chain of changes of mind does not fork either."""
    insert(loose, "decisions", DECISION)
    insert(loose, "decisions", {**DECISION, "decision_id": "d2", "supersedes": "d1"})
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        insert(loose, "decisions", {**DECISION, "decision_id": "d3", "supersedes": "d1"})


def test_one_own_estimate_per_case_reader_and_modality(loose: Store) -> None:
    """A second look is not a second first look."""
    read = {
        "read_id": "r1",
        "case_id": "C-1",
        "reader": "anna",
        "modality": "unaided",
        "label": "died",
        "probability": 0.5,
        "opened_at": "t",
        "committed_at": "t",
    }
    insert(loose, "reads", read)
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        insert(loose, "reads", {**read, "read_id": "r2"})
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        insert(loose, "reads", {**read, "read_id": "r2", "case_id": "C-2", "probability": 1.1})


def test_faults_are_none_for_the_expected_schema_and_named_otherwise() -> None:
    """What is missing, changed, or does not belong there, by type and name."""
    found = {
        (sql.split()[1 if "UNIQUE" not in sql.split()[1] else 2].lower(), name): sql
        for name, sql in schema.statements().items()
    }
    assert schema.faults(found) == []
    del found["table", "reads"]
    found["trigger", "decisions_no_update"] += " "
    found["view", "accounts"] = "CREATE VIEW accounts AS SELECT 1"
    assert schema.faults(found) == [
        "table 'reads' is missing",
        "trigger 'decisions_no_update' has another text",
        "view 'accounts' does not belong there",
    ]
