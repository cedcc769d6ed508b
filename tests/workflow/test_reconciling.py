"""A row and its event: a change of either alone, in any table and column, is found and named."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from hitl_review.domain.canonical import bytes_digest
from hitl_review.domain.verification import TRUNCATION, Problem, Verification
from hitl_review.store import counterparts, schema
from hitl_review.store.connection import open_store
from hitl_review.store.connection import sqlite3 as sqlite_that_is_used
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.reconciling import Reconciliation
from hitl_review.workflow.twins import TWINS
from hitl_review.workflow.unclaimed import Unclaimed
from tests.tampering import defined_as, payloads_of, rechain, tamper, tampered

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
        "ALTER TABLE decisions RENAME COLUMN supersedes TO replaces",
    )
    found = verify(reviewed_folder)
    words = {problem.message for problem in found.problems if problem.kind == "row_differs"}
    assert {"its row in reads was changed: more differ from it"} < words
    assert "its row in reveals was changed: seen_at, shown_at differ from it" in words
    assert {each for each in words if "decisions" in each} == {
        "its row in decisions was changed: replaces, supersedes differ from it"
    }, "also where both hold nothing"


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


@pytest.mark.parametrize("body", ["CAST(body AS BLOB)", "NULL", "17"])
@pytest.mark.parametrize(
    ("table", "columns"),
    [("snapshots", "digest PRIMARY KEY, case_id, body"), ("screens", "digest PRIMARY KEY, body")],
)
def test_a_body_that_is_no_text_does_not_hold_what_its_digest_says(
    reviewed_folder: Path, table: str, columns: str, body: str
) -> None:
    """Not even where its bytes are the same: what is read as text by everybody else is another thing then."""
    with tampered(reviewed_folder) as connection:
        defined_as(connection, f"CREATE TABLE {table} ({columns})", table=table)
        connection.execute(f"UPDATE {table} SET body = {body} WHERE rowid = 1")
        defined_as(connection, schema.TABLES[table], table=table)
    assert "digest" in {each.kind for each in verify(reviewed_folder).problems}


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
    words = "the decision does not fit the screen that it points at"
    seq = changed.index(victim) + 1
    assert verify(reviewed_folder).problems == (Problem(seq, "row_differs", words),)


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


# What is said of it


READ, TRAINED, TRAINED_AGAIN, QUEUED = 22, 17, 56, 60
"""The events of the first read, of both models, and of the job that waits."""
SESSION = (
    "INSERT INTO ui_sessions (session_id, secret, account_id, method, opened_at, seen_at, ends_at, proved_at,"
    " proved_by, ended) VALUES ('s-1', 'secret', 'reader-1', 'password', '2026', '2026', '2027', '2026', 'password',"
    " {ended})"
)
COPIED_READS = (
    "INSERT INTO reads SELECT 'x' || rowid, case_id || 'x', reader, modality, label, probability, opened_at,"
    " committed_at FROM reads ORDER BY rowid LIMIT"
)
NO_TEXT = b'{"a": "\xff"}'
MOVED = "cases were moved in the queue, or another reason was given for them"
HELD = "a case is held by somebody who did not open it, or for too long"
WORDS: dict[str, tuple[list[str], list[tuple[int | None, str, str]]]] = {
    "a row is gone": (
        ["DELETE FROM reads WHERE rowid = 1"],
        [(READ, "row_missing", "there is no row in reads for it; there must be one")],
    ),
    "two columns were changed": (
        ["UPDATE reads SET modality = 'aided', label = 'x' WHERE rowid = 1"],
        [(READ, "row_differs", "its row in reads was changed: label, modality differ from it")],
    ),
    "a figure is told in other words": (
        ["UPDATE figures SET alt = 'x' WHERE rowid = 1"],
        [(TRAINED, "digest", "the figures of its model are not those it tells of")],
    ),
    "no figure is left": (
        ["DELETE FROM figures"],
        [
            (seq, "digest", "the figures of its model are not those it tells of")
            for seq in (TRAINED, TRAINED_AGAIN)
        ],
    ),
    "a figure is of no model": (
        ["INSERT INTO figures SELECT 'sha256:x', name, digest, alt, png FROM figures LIMIT 1"],
        [(None, "event_missing", "1 rows of figures belong to nothing in the log")],
    ),
    "a row of a batch is gone": (
        ["DELETE FROM labels WHERE rowid = (SELECT max(rowid) FROM labels)"],
        [(48, "row_missing", "labels holds 0 rows of its batch; it tells of 1")],
    ),
    "a row of a batch was changed": (
        ["UPDATE labels SET weight = weight + 1 WHERE rowid = 1"],
        [(45, "row_differs", "rows of its batch in labels were changed")],
    ),
    "a row of a batch has another time": (
        ["UPDATE outcomes SET recorded_at = 'x' WHERE rowid = 1"],
        [(10, "row_differs", "rows of its batch in outcomes differ in recorded_at")],
    ),
    "a job is gone": (
        ["DELETE FROM jobs"],
        [(QUEUED, "row_missing", "there is no row in jobs for it")],
    ),
    "a job was changed": (
        ["UPDATE jobs SET cause = 'x', asked_by = 'y'"],
        [(QUEUED, "row_differs", "its row in jobs was changed: asked_by, cause differ from it")],
    ),
    "a job was added": (
        [
            "INSERT INTO jobs (job_id, kind, dedupe, cause, asked_by, state, attempts, share, words, queued_at)"
            " SELECT 'j-9', kind, 'x', cause, asked_by, state, attempts, share, words, queued_at FROM jobs"
        ],
        [(None, "event_missing", "1 rows of jobs have no event that tells of them")],
    ),
    "a job is over": (
        ["UPDATE jobs SET state = 'done'"],
        [(None, "event_missing", "1 rows of jobs have ended, and no event says so")],
    ),
    "a session was added": (
        [SESSION.format(ended="NULL")],
        [(None, "event_missing", "1 rows of ui_sessions have no event that tells of them")],
    ),
    "a session was added that is over": (
        [SESSION.format(ended="'signed_out'")],
        [
            (None, "event_missing", "1 rows of ui_sessions have no event that tells of them"),
            (None, "event_missing", "1 rows of ui_sessions have ended, and no event says so"),
        ],
    ),
    "two rows were added": (
        [f"{COPIED_READS} 2"],
        [(None, "event_missing", "2 rows of reads have no event that tells of them, such as x1, x2")],
    ),
    "four rows were added": (
        [f"{COPIED_READS} 4"],
        [(None, "event_missing", "4 rows of reads have no event that tells of them, such as x1, x2, x3")],
    ),
    "the event of a row can't be trusted": (
        [f"UPDATE audit_log SET payload = payload || ' ' WHERE seq = {READ}"],
        [
            (READ, "chain", "its hash is not the hash of its payload"),
            (READ, "payload", "its payload can't be trusted: it is not in canonical form"),
            (None, "event_missing", "1 rows of reads have no event that tells of them"),
        ],
    ),
    "a row stands elsewhere": (
        ["UPDATE reads SET rowid = 1000 WHERE rowid = 1"],
        [(READ, "order", "its row in reads does not stand in the order of the log")],
    ),
    "a number is left out": (
        ["UPDATE outcomes SET outcome_id = 1000 WHERE outcome_id = 2"],
        [(None, "order", "outcome_id in outcomes does not count 1, 2, 3 and so on")],
    ),
    "something was shown to nobody": (
        ["INSERT INTO screens VALUES ('sha256:x', '{}')"],
        [
            (None, "digest", "sha256:x in screens does not hold what its digest says"),
            (None, "event_missing", "1 rows of screens belong to nothing in the log"),
        ],
    ),
    "something that is no text was shown to nobody": (
        [f"INSERT INTO screens VALUES ('{bytes_digest(NO_TEXT)}', CAST(x'{NO_TEXT.hex()}' AS TEXT))"],
        [(None, "event_missing", "1 rows of screens belong to nothing in the log")],
    ),
    "a manifest is of no model": (
        ["INSERT INTO manifests VALUES ('sha256:x', '{}')"],
        [
            (None, "digest", "sha256:x in manifests does not hold what its digest says"),
            (None, "event_missing", "1 rows of manifests belong to nothing in the log"),
        ],
    ),
    "a snapshot is of no case": (
        ["INSERT INTO snapshots SELECT 'sha256:x', case_id, body FROM snapshots LIMIT 1"],
        [
            (None, "digest", "the snapshot sha256:x does not hold what its digest says"),
            (None, "event_missing", "1 rows of snapshots belong to nothing in the log"),
        ],
    ),
    "no manifest is left": (
        ["DELETE FROM manifests"],
        [(None, "row_missing", "2 models have no training manifest here")],
    ),
    "a case was moved in the order": (
        ["UPDATE worklist SET priority = 7 WHERE case_id = 'C-6'"],
        [(None, "worklist", MOVED)],
    ),
    "a case was moved behind the order": (
        ["UPDATE worklist SET priority = priority + 1 WHERE case_id = 'C-1'"],
        [(None, "worklist", MOVED)],
    ),
    "a case is held that was not opened": (
        [
            "UPDATE worklist SET holder = 'reader-1', held_until = '2026-11-22T09:29:00.000000Z' WHERE case_id = 'C-6'"
        ],
        [(None, "worklist", HELD)],
    ),
    "a case is held by somebody who opened none": (
        [
            "UPDATE worklist SET holder = 'steward-1', held_until = '2026-11-22T09:29:00.000000Z' WHERE case_id = 'C-6'"
        ],
        [(None, "worklist", HELD)],
    ),
    "a case is held as long as can be": (
        ["UPDATE worklist SET held_until = '2026-11-23T09:14:34.000001Z' WHERE case_id = 'C-5'"],
        [],
    ),
    "a case is held longer than can be": (
        ["UPDATE worklist SET held_until = '2026-11-23T09:14:34.000002Z' WHERE case_id = 'C-5'"],
        [(None, "worklist", HELD)],
    ),
    "a case is said to be decided": (
        ["UPDATE worklist SET state = 'decided' WHERE case_id = 'C-6'"],
        [
            (
                None,
                "worklist",
                "1 cases of the worklist are in another state than their latest decision puts them in",
            )
        ],
    ),
}


@pytest.mark.parametrize(("statements", "problems"), WORDS.values(), ids=WORDS)
def test_what_was_done_is_told_in_these_words(
    learned_folder: Path, statements: list[str], problems: list[tuple[int | None, str, str]]
) -> None:
    """At the event whose row it is, and nothing else is; what points at nothing is told besides."""
    tamper(learned_folder, *statements)
    found = [each for each in verify(learned_folder).problems if each.kind != "foreign_key"]
    assert found == [Problem(*each) for each in problems]


@pytest.mark.parametrize(
    ("action", "name", "value"),
    [
        ("decision.accepted", "signature", [1]),
        ("read.committed", "probability", 10**15),
        ("label.collected", "count", None),
        ("job.queued", "kind", None),
    ],
)
def test_an_event_that_tells_what_no_row_holds_is_named(
    learned_folder: Path, action: str, name: str, value: object
) -> None:
    """Whether the row can be compared with it or not."""
    with tampered(learned_folder) as connection:
        changed = payloads_of(connection)
        victim = next(each for each in changed if each["action"] == action)
        victim["detail"][name] = value
        rechain(connection, changed)
    assert verify(learned_folder).first_bad_seq == changed.index(victim) + 1


def compared(folder: Path, action: str, **changes: object) -> list[Problem]:
    """What is found where an event of an action is compared with its rows."""
    with open_store(folder) as store, tampered(folder) as connection:
        told = next(each for each in payloads_of(connection) if each["action"] == action)
        return list(Reconciliation(store).compare(7, {**told, **changes}))


@pytest.mark.parametrize("action", ["decision.accepted", "label.collected", "job.queued", "model.trained"])
def test_an_event_that_does_not_tell_what_it_has_to_is_told_of_in_these_words(
    learned_folder: Path, action: str
) -> None:
    """Whatever it tells instead."""
    assert compared(learned_folder, action) == []
    words = f"its detail does not tell what '{action}' has to tell"
    for detail in ({}, [], None, 1):
        assert compared(learned_folder, action, detail=detail) == [Problem(7, "payload", words)]


def detail_of(folder: Path, action: str) -> dict[str, object]:
    """What the first event of an action tells."""
    with tampered(folder) as connection:
        return dict(next(each["detail"] for each in payloads_of(connection) if each["action"] == action))


def test_a_value_that_no_column_can_hold_differs_from_every_row(learned_folder: Path) -> None:
    """SQLite can't even be asked."""
    detail = detail_of(learned_folder, "read.committed")
    words = "its row in reads was changed: label differ from it"
    assert compared(learned_folder, "read.committed", detail={**detail, "label": ["alive"]}) == [
        Problem(7, "row_differs", words)
    ]


def test_a_model_whose_event_tells_of_no_figure_has_none(learned_folder: Path) -> None:
    """As models had none before figures were kept."""
    detail = detail_of(learned_folder, "model.trained")
    assert detail.pop("figures")
    words = "the figures of its model are not those it tells of"
    assert compared(learned_folder, "model.trained", detail=detail) == [Problem(7, "digest", words)]
    tamper(learned_folder, "DELETE FROM figures")
    assert compared(learned_folder, "model.trained", detail=detail) == []


def test_an_event_has_no_second_row(learned_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which a table can hold only if its own definition was altered as well."""
    once = counterparts.rows_beside
    monkeypatch.setattr(counterparts, "rows_beside", lambda *about: [*once(*about), *once(*about)])
    monkeypatch.setattr(counterparts, "rows_in_order", lambda *about: iter(()))
    words = "there is 2 rows in reads for it; there must be one"
    assert compared(learned_folder, "read.committed") == [Problem(7, "row_missing", words)]


def test_a_row_that_can_not_be_read_is_one_problem_more(
    learned_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its event, or of its table; an error that says nothing of the file ends the check."""

    def failing(code: int, words: str) -> None:
        error = sqlite_that_is_used.DatabaseError(words)
        error.sqlite_errorcode = code

        def fails(*asked: object) -> object:
            raise error

        for name in ("rows_beside", "count", "holds", "has_case"):
            monkeypatch.setattr(counterparts, name, fails)

    with open_store(learned_folder) as store:
        failing(11, "malformed")
        wrong = Problem(7, "unreadable", "its row can't be read: malformed")
        assert compared(learned_folder, "job.queued") == [wrong]
        assert compared(learned_folder, "case.opened") == []  # told of once, where its table is counted
        table = Problem(None, "unreadable", "a table can't be compared with the log: malformed")
        found = list(Unclaimed(store).problems(Counter(), {}))
        assert found.count(table) > len(TWINS) and {each.kind for each in found} == {"unreadable", "worklist"}
        failing(5, "locked")
        with pytest.raises(sqlite_that_is_used.DatabaseError, match="locked"):
            compared(learned_folder, "job.queued")
        with pytest.raises(sqlite_that_is_used.DatabaseError, match="locked"):
            Unclaimed(store)


def test_what_the_first_and_the_last_event_of_a_session_say_is_compared_as_long_as_its_row_is_there(
    reviewed_folder: Path,
) -> None:
    """And counted, so that afterwards a row is left over for which there was none."""
    opened = {
        "action": "session.opened",
        "subject": "session:s-1",
        "actor": "reader-1",
        "at": "2026",
        "detail": {"secret_digest": bytes_digest(b"secret"), "method": "password"},
    }
    closed = {**opened, "action": "session.closed", "detail": {"account": "reader-1", "why": "signed_out"}}
    with open_store(reviewed_folder) as store:
        gone = Reconciliation(store)
        assert [*gone.compare(7, opened), *gone.compare(8, closed)] == [] and gone.told.total() == 0
    tamper(reviewed_folder, SESSION.format(ended="'signed_out'"))
    with open_store(reviewed_folder) as store:
        there = Reconciliation(store)
        assert [*there.compare(7, opened), *there.compare(8, closed)] == []
        assert there.told == {"ui_sessions": 1, "ui_sessions that ended": 1}
        assert list(Reconciliation(store).compare(7, {**opened, "actor": "reader-2", "at": "2025"})) == [
            Problem(
                7, "row_differs", "its row in ui_sessions was changed: account_id, opened_at differ from it"
            )
        ]
        assert list(Reconciliation(store).compare(8, {**closed, "detail": {"account": "x", "why": "y"}})) == [
            Problem(8, "row_differs", "its row in ui_sessions was changed: account_id, ended differ from it")
        ]


def test_rows_behind_a_changed_one_are_compared_as_before(learned_folder: Path) -> None:
    """A walk reads them in their order, and begins anew where one is not as it was told."""
    with tampered(learned_folder) as connection:
        rows = connection.execute(
            "SELECT d.rowid, a.seq FROM decisions d JOIN audit_log a ON a.event_id = d.decision_id ORDER BY 1"
        ).fetchall()
        for rowid, _ in rows[1::2]:
            connection.execute("UPDATE decisions SET seconds_active = 1 WHERE rowid = ?", (rowid,))
    words = "its row in decisions was changed: seconds_active differ from it"
    assert len(rows) >= 5
    assert list(verify(learned_folder).problems) == [
        Problem(seq, "row_differs", words) for _, seq in rows[1::2]
    ]


def test_what_a_walk_hears_of_jobs_is_gathered_in_order(learned_folder: Path) -> None:
    """Number, action, job, kind and attempt: of one that waits there is no attempt yet."""
    with open_store(learned_folder) as store, tampered(learned_folder) as connection:
        queued = next(each for each in payloads_of(connection) if each["action"] == "job.queued")
        job, kind = queued["subject"].removeprefix("job:"), queued["detail"]["kind"]
        begun = {**queued, "action": "job.started", "at": "2027", "detail": {"kind": kind, "attempt": 1}}
        rows = Reconciliation(store)
        found = [list(rows.compare(seq, told)) for seq, told in ((7, queued), (8, begun))]
        assert found == [[], []]
        assert list(rows.compare(9, {**begun, "action": "job.failed"})) != []  # it has not ended at all
    assert rows.jobs == [
        (7, "job.queued", job, kind, None, queued["at"]),
        (8, "job.started", job, kind, 1, "2027"),
        (9, "job.failed", job, kind, 1, "2027"),
    ]


def test_a_batch_is_about_itself_and_has_as_many_rows_as_it_tells_of(learned_folder: Path) -> None:
    """True is no number, though in Python it is as good as one."""
    words = "it is about another batch than its own"
    assert compared(learned_folder, "label.collected", subject="batch:other") == [Problem(7, "payload", words)]
    tamper(learned_folder, "DELETE FROM labels WHERE rowid > (SELECT min(rowid) FROM labels)")
    detail = detail_of(learned_folder, "label.collected")
    for count in (True, 2):
        words = f"labels holds 1 rows of its batch; it tells of {count}"
        found = compared(learned_folder, "label.collected", detail={**detail, "count": count})
        assert found == [Problem(7, "row_missing", words)]


def test_columns_that_the_rows_of_a_batch_share_are_named_one_by_one(learned_folder: Path) -> None:
    """When they were received, and what they are for."""
    tamper(learned_folder, "UPDATE cases SET received_at = '2020-01-01T00:00:00.000000Z', purpose = 'holdout'")
    words = "rows of its batch in cases differ in received_at, purpose"
    assert Problem(7, "row_differs", words) in compared(learned_folder, "case.received")


def test_a_batch_is_of_the_model_and_the_source_that_its_event_names(learned_folder: Path) -> None:
    """An event that names two models is about none."""
    words = "rows of its batch in {} differ in {}"
    about_two = compared(learned_folder, "prediction.made", subject="model:other")
    assert about_two == [Problem(7, "row_differs", words.format("predictions", "model"))]
    detail = {**detail_of(learned_folder, "outcome.recorded"), "source": "hearsay"}
    elsewhere = compared(learned_folder, "outcome.recorded", detail=detail)
    assert elsewhere == [Problem(7, "row_differs", words.format("outcomes", "source"))]


@pytest.mark.parametrize(
    ("seq", "model", "routing", "share"),
    [(4, None, None, 0.5), (5, "m-1", None, 0.5), (7, "m-1", "r-1", 0.1), (10, "m-2", "r-2", 0.2)],
)
def test_the_order_of_the_queue_tells_of_the_model_and_the_routing_that_were_in_force_then(
    learned_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    seq: int,
    model: str | None,
    routing: str | None,
    share: float,
) -> None:
    """Which are those that came last before it."""
    monkeypatch.setattr(counterparts, "models_in_use", lambda store: [(4, "m-1"), (8, "m-2"), (10, "m-3")])
    monkeypatch.setattr(
        counterparts, "routings_set", lambda store: [(6, "r-1", 0.1), (9, "r-2", 0.2), (10, "r-3", 0.3)]
    )
    with open_store(learned_folder) as store:
        for changes in ({}, {"model": "m-9"}, {"routing": "r-9"}, {"random_share": 0.9}):
            if routing is None and "random_share" in changes:
                continue  # nobody set it
            detail = {"digest": "d", "count": 3, "model": model, "routing": routing, "random_share": share, **changes}
            told = {"action": "case.sampled", "subject": "queue:order", "actor": "system", "detail": detail}
            words = "it tells of another model or routing than was in force then"
            expected = [Problem(seq, "row_differs", words)] if changes else []
            assert list(Reconciliation(store).compare(seq, told)) == expected
