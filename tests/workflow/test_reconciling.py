"""A row and its event: a change of either alone, in any table and column, is found and named."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from hitl_review.domain.verification import TRUNCATION, Verification
from hitl_review.store import counterparts, schema
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.twins import TWINS
from tests.tampering import payloads_of, rechain, tamper, tampered

ALL_TABLES = (
    "audit_log",
    "worklist",
    *(table for table in schema.TABLES if table not in schema.studies.TABLES),
)
"""The study tables have tests of their own beside their twins, on a workspace with a study."""
EVIDENCE = {"chain", "payload", "row_missing", "row_differs", "event_missing", "order", "digest", "worklist"}
"""Kinds that come from the log and the rows themselves, without any help from SQLite's own checks."""
OTHER_VALUES = {
    ("cases", "purpose"): "'holdout'",
    ("outcomes", "value"): "1 - value",
    ("promotions", "move"): "'rolled_back'",
    ("reads", "modality"): "'aided'",
    ("decisions", "answer"): "'deferred'",
    ("decisions", "confidence"): "'low'",
    ("worklist", "state"): "'deferred'",
    ("worklist", "held_until"): "'9999-01-01T00:00:00.000000Z'",
    ("standings", "enabled"): "1 - enabled",
    ("passwords", "public"): "1 - public",
    ("identities", "linked"): "1 - linked",
    ("predictions", "verdict"): "'likely'",
    ("findings", "verdict"): "'remark'",
    ("samples", "decisions"): "'[]'",
    ("predictions", "label"): "CASE label WHEN 'died' THEN 'alive' ELSE 'died' END",
}
"""What an attacker would write where only some values are plausible."""


def columns() -> list[tuple[str, str, str]]:
    """Every table, column and type of the schema, as SQLite itself lists them."""
    connection = sqlite3.connect(":memory:")
    for statement in schema.statements().values():
        connection.execute(statement)
    return [
        (table, row[1], row[2])
        for table in ALL_TABLES
        for row in connection.execute(f"PRAGMA table_info({table})")
    ]


def other_value(table: str, column: str, kind: str) -> str:
    """An expression that changes a value as little as it can be changed."""
    by_kind = {
        "INTEGER": f"coalesce({column}, 0) + 1000",
        "REAL": f"coalesce({column}, 0.0) + 1e-9",
        "BLOB": f"CAST({column} || x'00' AS BLOB)",
        "TEXT": f"coalesce({column}, '') || ' '",
    }
    return OTHER_VALUES.get((table, column), by_kind[kind])


def kinds(found: Verification) -> set[str]:
    """The kinds of everything that was found."""
    return {problem.kind for problem in found.problems}


def told(found: Verification) -> str:
    """Everything that was found, as one text."""
    return "\n".join(found.as_lines())


def test_an_honest_workspace_has_no_problem(learned_folder: Path) -> None:
    """No false alarm on every kind of row: reads, reveals, all answers, a change of mind, a held case."""
    found = verify(learned_folder)
    assert found.problems == ()
    assert all(_count(learned_folder, table) for table in ALL_TABLES)


def _count(folder: Path, table: str) -> int:
    connection = sqlite3.connect(folder / "review.db")
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        connection.close()


@pytest.mark.parametrize("place", ["min", "max"])
@pytest.mark.parametrize(("table", "column", "kind"), columns(), ids=lambda each: str(each))
def test_an_edited_column_is_found(
    learned_folder: Path, table: str, column: str, kind: str, place: str
) -> None:
    """First and last row of every table, every column, the smallest change, with the log and the schema whole."""
    if table == "worklist" and column in ("holder", "held_until"):
        where = "holder IS NOT NULL"
    else:
        where = f"rowid = (SELECT {place}(rowid) FROM {table})"
    value = other_value(table, column, kind)
    with tampered(learned_folder) as connection:
        changed = connection.execute(
            f"UPDATE {table} SET {column} = {value} WHERE {where} AND {column} IS NOT {value}"
        ).rowcount
    found = verify(learned_folder)
    assert changed == 1, "the test must change something"
    assert kinds(found) & EVIDENCE, told(found)
    assert "schema" not in kinds(found)


@pytest.mark.parametrize("table", [table for table in ALL_TABLES if table != "audit_log"])
def test_a_removed_row_is_found(learned_folder: Path, table: str) -> None:
    """Its event, or the row that names it by its digest, is still there."""
    tamper(learned_folder, f"DELETE FROM {table} WHERE rowid = (SELECT max(rowid) FROM {table})")
    found = verify(learned_folder)
    by_pointer = {"foreign_key"} if table in ("snapshots", "screens") else set()
    assert kinds(found) & (EVIDENCE | by_pointer), told(found)


ADDED_ROWS = {
    "projects": "SELECT (SELECT event_id FROM audit_log WHERE seq = 1), digest, text, configured_at FROM projects",
    "accounts": "SELECT 'mallory', 'Mallory', 'admin', created_at, (SELECT event_id FROM audit_log WHERE seq = 1)"
    " FROM accounts LIMIT 1",
    "snapshots": "SELECT 'sha256:x', case_id, body FROM snapshots LIMIT 1",
    "cases": "SELECT 'C-99', 'queue', 99, snapshot, received_at, event_id FROM cases LIMIT 1",
    "outcomes": "SELECT 99, 'C-1', 1, source, recorded_at, event_id FROM outcomes LIMIT 1",
    "models": "SELECT 'sha256:x', 'v9', artefact, manifest, card, trained_at, trained_by,"
    " (SELECT event_id FROM audit_log WHERE seq = 1) FROM models LIMIT 1",
    "manifests": "SELECT 'sha256:x', body FROM manifests LIMIT 1",
    "figures": "SELECT model, 'dependence', digest, alt, png FROM figures LIMIT 1",
    "promotions": "SELECT (SELECT event_id FROM audit_log WHERE seq = 1), model, move, at, by, gate, protocol,"
    " statement, signed_name, signed_meaning, signed_at, signed_method, signed_proof FROM promotions LIMIT 1",
    "predictions": "SELECT 'P-9', 'C-1', model, (SELECT snapshot FROM cases WHERE case_id = 'C-2'), margin,"
    " probability, threshold, label, verdict, made_at, event_id FROM predictions LIMIT 1",
    "reads": "SELECT (SELECT event_id FROM audit_log WHERE seq = 1), 'C-6', reader, modality, label, probability,"
    " opened_at, committed_at FROM reads LIMIT 1",
    "screens": "SELECT 'sha256:x', body FROM screens LIMIT 1",
    "reveals": "SELECT (SELECT event_id FROM audit_log WHERE seq = 1), 'C-6', reader, prediction_id, screen, shown_at"
    " FROM reveals LIMIT 1",
    "decisions": "SELECT (SELECT event_id FROM audit_log WHERE seq = 1), 'C-6', reader, reveal_id, prediction_id,"
    " answer, label, reason, comment, confidence, own_probability, shown_digest, shown_at, decided_at,"
    " seconds_active, signed_name, signed_meaning, signed_at, signed_method, signed_proof, NULL FROM decisions LIMIT 1",
    "standings": "SELECT (SELECT event_id FROM audit_log WHERE seq = 1), 'reader-1', 0, at, by FROM standings LIMIT 1",
    "passwords": "SELECT (SELECT event_id FROM audit_log WHERE seq = 1), 'admin-1', hash, 1, set_at, set_by"
    " FROM passwords LIMIT 1",
    "identities": "SELECT (SELECT event_id FROM audit_log WHERE seq = 1), 'approver-1', issuer, subject, 1, at, by"
    " FROM identities LIMIT 1",
    "worklist": "SELECT 'T-1', 1, 'open', 1000000001, 'arrival', NULL, NULL",
    "labels": "SELECT 'L-9', 'read:none', case_id, source, probability, mode, at, effect, reader, reason, model,"
    " shown_probability, sampling_probability, weight, disputed, NULL, decision_id, collected_at, event_id"
    " FROM labels LIMIT 1",
    "disputes": "SELECT (SELECT event_id FROM audit_log WHERE seq = 1), case_id, labels, at FROM disputes",
    "resolutions": "SELECT (SELECT event_id FROM audit_log WHERE seq = 1), 'another', case_id, label, probability,"
    " comment, at, by FROM resolutions",
    "gates": "SELECT (SELECT event_id FROM audit_log WHERE seq = 1), challenger, champion, verdict, protocol, body,"
    " at, by FROM gates",
    "proposals": "SELECT (SELECT event_id FROM audit_log WHERE seq = 1), model, gate, answer, comment, at, by"
    " FROM proposals",
    "routings": "SELECT (SELECT event_id FROM audit_log WHERE seq = 1), body, at, by FROM routings",
    "passes": "SELECT 'C-1', prediction_id, routing, audited, audit_share, passed_at, event_id FROM passes LIMIT 1",
    "samples": "SELECT (SELECT event_id FROM audit_log WHERE seq = 1), seed, upto, of, decisions, at, by FROM samples",
    "findings": "SELECT (SELECT event_id FROM audit_log WHERE seq = 1), sample, decision_id, verdict, comment, at, by"
    " FROM findings",
    "monitorings": "SELECT (SELECT event_id FROM audit_log WHERE seq = 1), model, body, at FROM monitorings",
    "combinations": "SELECT (SELECT event_id FROM audit_log WHERE seq = 1), model, body, at, by FROM combinations",
    "alarms": "SELECT (SELECT event_id FROM audit_log WHERE seq = 1), lamp, state, words, model, monitoring, at"
    " FROM alarms",
}


@pytest.mark.parametrize("table", [table for table in ALL_TABLES if table != "audit_log"])
def test_an_added_row_is_found(learned_folder: Path, table: str) -> None:
    """Nothing in the log tells of it, even where it borrows another event's id."""
    tamper(learned_folder, f"INSERT INTO {table} {ADDED_ROWS[table]}")
    found = verify(learned_folder)
    assert kinds(found) & EVIDENCE, told(found)


TOLD_SINGLY = (
    *("projects", "accounts", "models", "promotions", "reads", "reveals", "decisions"),
    *("standings", "passwords", "identities"),
)
ACTION_OF = {
    "projects": "project.configured",
    "accounts": "account.created",
    "models": "model.trained",
    "promotions": "model.promoted",
    "standings": "account.disabled",
    "passwords": "password.set",
    "identities": "identity.linked",
    "reads": "read.committed",
    "reveals": "prediction.shown",
    "decisions": "decision.overridden",
    "cases": "case.received",
    "outcomes": "outcome.recorded",
    "predictions": "prediction.made",
}


@pytest.mark.parametrize(("table", "action"), ACTION_OF.items())
def test_a_row_whose_event_was_cut_out_is_found(reviewed_folder: Path, table: str, action: str) -> None:
    """The chain was made anew without the event, so it holds; only the row is left over."""
    with tampered(reviewed_folder) as connection:
        kept = payloads_of(connection)
        victim = next(each for each in kept if each["action"] == action)
        rechain(connection, [each for each in kept if each is not victim])
    found = verify(reviewed_folder)
    assert "chain" not in kinds(found)
    assert any(problem.kind == "event_missing" and table in problem.message for problem in found.problems)


@pytest.mark.parametrize(("table", "action"), ACTION_OF.items())
def test_an_event_whose_row_never_was_is_found(reviewed_folder: Path, table: str, action: str) -> None:
    """The chain was made anew with an event more, so it holds; only the row is missing, and the event is named."""
    with tampered(reviewed_folder) as connection:
        kept = payloads_of(connection)
        model = next(each for each in kept if each["action"] == action)
        rechain(connection, [*kept, {**model, "event_id": "forged-event", "at": kept[-1]["at"]}])
    found = verify(reviewed_folder)
    assert "chain" not in kinds(found)
    forged = [problem for problem in found.problems if problem.seq == len(kept) + 1]
    assert "row_missing" in {problem.kind for problem in forged}, told(found)


def test_an_event_that_was_changed_under_a_new_chain_is_found_by_its_row(reviewed_folder: Path) -> None:
    """Rewriting the log alone is not enough: the decision's own row still says what was decided."""
    with tampered(reviewed_folder) as connection:
        changed = payloads_of(connection)
        victim = next(each for each in changed if each["action"] == "decision.overridden")
        victim["detail"]["reason"] = "record_wrong"
        rechain(connection, changed)
    found = verify(reviewed_folder)
    assert [problem.kind for problem in found.problems] == ["row_differs"]
    assert "reason" in found.problems[0].message


def test_a_column_that_was_added_or_renamed_is_named_at_every_row(reviewed_folder: Path) -> None:
    """Besides what the schema's own check says; the other columns are as they were."""
    tamper(
        reviewed_folder,
        "ALTER TABLE reads ADD COLUMN more TEXT DEFAULT 'x'",
        "ALTER TABLE reveals RENAME COLUMN shown_at TO seen_at",
    )
    found = verify(reviewed_folder)
    words = {problem.message for problem in found.problems if problem.kind == "row_differs"}
    assert {"its row in reads was changed: more differ from it"} < words
    assert "its row in reveals was changed: seen_at, shown_at differ from it" in words


def test_an_honest_row_is_read_only_where_sqlite_can_not_compare_it(
    learned_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Because its event tells a digest of it, or it changes; and the columns of a table are asked for once."""
    read, asked = [], []
    rows_beside, columns_beside = counterparts.rows_beside, counterparts.columns_beside
    monkeypatch.setattr(
        counterparts, "rows_beside", lambda *about: (read.append(about[1]), rows_beside(*about))[1]
    )
    monkeypatch.setattr(
        counterparts, "columns_beside", lambda *about: (asked.append(about[1]), columns_beside(*about))[1]
    )
    assert verify(learned_folder).ok
    digested = {twin.table for twin in TWINS if twin.digested}
    assert {"projects", "models", "gates", "monitorings"} <= {*read} <= digested | {"jobs", "ui_sessions"}
    assert {"reads", "reveals", "decisions"} <= {*asked} and not digested & {*asked}
    assert len(asked) == len({*asked})


def test_a_message_names_columns_but_never_what_stands_in_them(reviewed_folder: Path) -> None:
    """What is printed may reach a log file; comments and values must not."""
    tamper(
        reviewed_folder,
        "UPDATE decisions SET comment = 'ZZPHI-canary'",
        "UPDATE snapshots SET body = replace(body, 'female', 'ZZPHI-canary')",
        "UPDATE reads SET label = 'ZZPHI-canary'",
    )
    found = verify(reviewed_folder)
    assert "comment" in told(found)
    assert "ZZPHI" not in json.dumps(found.as_json())


def test_the_order_of_rows_is_evidence(reviewed_folder: Path) -> None:
    """Which reveal is the latest follows from the order of the rows, which no column shows."""
    tamper(
        reviewed_folder,
        "UPDATE reveals SET rowid = 1000 WHERE rowid = (SELECT min(rowid) FROM reveals)",
    )
    found = verify(reviewed_folder)
    assert kinds(found) == {"order"}


def test_two_cases_of_one_batch_that_changed_places_are_found(reviewed_folder: Path) -> None:
    """The queue's order decides who is seen first."""
    tamper(
        reviewed_folder,
        "UPDATE cases SET position = 1000 WHERE case_id = 'C-1'",
        "UPDATE cases SET position = 3 WHERE case_id = 'C-2'",
        "UPDATE cases SET position = 4 WHERE case_id = 'C-1'",
        "UPDATE worklist SET position = CASE case_id WHEN 'C-2' THEN 3 ELSE 4 END WHERE case_id IN ('C-1', 'C-2')",
    )
    assert "row_differs" in kinds(verify(reviewed_folder))


def test_a_case_taken_out_of_the_queue_is_found(reviewed_folder: Path) -> None:
    """A case marked as decided that nobody decided would never be seen by anybody."""
    tamper(reviewed_folder, "UPDATE worklist SET state = 'decided' WHERE case_id = 'C-6'")
    assert kinds(verify(reviewed_folder)) == {"worklist"}


def test_a_hold_that_nobody_took_is_found(reviewed_folder: Path) -> None:
    """A case held for ever by somebody who never opened it would wait for ever."""
    tamper(
        reviewed_folder,
        "UPDATE worklist SET holder = 'reader-2', held_until = '2026-11-22T09:30:00.000000Z' WHERE case_id = 'C-6'",
    )
    assert kinds(verify(reviewed_folder)) == {"worklist"}


def test_a_decision_that_does_not_fit_its_screen_is_found(reviewed_folder: Path) -> None:
    """Row and event agree, under a chain made anew, but the screen they point at was another case's."""
    with tampered(reviewed_folder) as connection:
        changed = payloads_of(connection)
        victim = next(each for each in changed if each["action"] == "decision.deferred")
        other = next(each for each in changed if each["action"] == "prediction.shown")
        victim["detail"]["reveal"] = other["event_id"]
        connection.execute(
            "UPDATE decisions SET reveal_id = ? WHERE decision_id = ?",
            (other["event_id"], victim["event_id"]),
        )
        rechain(connection, changed)
    found = verify(reviewed_folder)
    assert [problem.kind for problem in found.problems] == ["row_differs"]
    assert "screen" in found.problems[0].message


@pytest.mark.parametrize("action", ACTION_OF.values())
def test_an_event_that_tells_too_little_is_a_problem_and_no_crash(reviewed_folder: Path, action: str) -> None:
    """Whoever rewrites a log may leave out anything; the check says where and goes on."""
    with tampered(reviewed_folder) as connection:
        changed = payloads_of(connection)
        victim = next(each for each in changed if each["action"] == action)
        victim["detail"] = {}
        rechain(connection, changed)
    found = verify(reviewed_folder)
    assert found.first_bad_seq == changed.index(victim) + 1
    assert {"payload", "row_differs"} & kinds(found)


def test_a_whole_forgery_is_not_found_and_the_report_says_so(reviewed_folder: Path) -> None:
    """Row, event and chain rewritten alike contradict nothing: only a checkpoint kept elsewhere shows it."""
    with tampered(reviewed_folder) as connection:
        changed = payloads_of(connection)
        victim = next(each for each in changed if each["action"] == "decision.overridden")
        victim["detail"]["comment"] = "another comment"
        connection.execute(
            "UPDATE decisions SET comment = 'another comment' WHERE decision_id = ?", (victim["event_id"],)
        )
        rechain(connection, changed)
    found = verify(reviewed_folder)
    assert found.ok
    assert TRUNCATION in found.warnings
