"""Events under a chain written anew that tell something else than their rows, or something that no event tells."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hitl_review.cli import main
from hitl_review.domain.canonical import DEEPEST
from hitl_review.domain.checkpoint import read_notes
from hitl_review.errors import AuditError, WorkspaceError
from hitl_review.store import checkpoints, keys, models, reviews
from hitl_review.store.connection import DATABASE
from hitl_review.workflow import diagnosing
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.checkpointing import publish_checkpoint
from hitl_review.workflow.environment import State
from hitl_review.workflow.naming_checks import ALIKE, NO_NAME
from hitl_review.workflow.ordering import order_queue
from hitl_review.workflow.promotion import stop_model
from hitl_review.workflow.receipts import issue_receipt
from hitl_review.workflow.workspace import open_workspace
from tests.tampering import payloads_of, rechain, tampered
from tests.ward_learning import STEWARD

Payload = dict[str, Any]
Change = Callable[[Payload], object]


def told_anew(folder: Path, action: str, change: Change) -> tuple[int, list[tuple[int | None, str, str]]]:
    """Change the last event of an action, and return its place and what is found besides the checkpoints."""
    with tampered(folder) as connection:
        payloads = payloads_of(connection)
        place = max(place for place, each in enumerate(payloads, 1) if each["action"] == action)
        change(payloads[place - 1])
        rechain(connection, payloads)
    found = [(each.seq, each.kind, each.message) for each in verify(folder).problems]
    return place, [each for each in found if each[1] != "checkpoint"]


def detail(**told: object) -> Change:
    """Return the change of what an event's detail tells."""
    return lambda payload: payload["detail"].update(told)


def put(**told: object) -> Change:
    """Return the change of what an event tells itself."""
    return lambda payload: payload.update(told)


@pytest.mark.parametrize(
    ("action", "change", "kind", "words"),
    [
        ("prediction.made", detail(model="sha256:" + "0" * 64), "row_differs", "differ in model"),
        ("prediction.made", put(subject="model:sha256:" + "0" * 64), "row_differs", "differ in model"),
        ("case.received", detail(purpose="training"), "row_differs", "differ in purpose"),
        ("project.configured", put(subject="project:sha256:0"), "row_differs", "digest differ from it"),
        ("study.sealed", put(subject="study:ward-2"), "row_differs", "differ in study_id"),
        ("study.scheduled", put(subject="study:ward-2"), "row_differs", "differ in study_id"),
        ("job.finished", detail(kind="retrain"), "row_differs", "kind differ from it"),
        ("combination.fitted", detail(digest="sha256:0"), "payload", "does not tell what"),
        ("label.resolved", detail(probability=True), "row_differs", "probability differ from it"),
        ("case.opened", put(subject="case:C-0"), "row_missing", "no case with the id"),
        ("decision.accepted", put(subject="model:C-4"), "payload", "about another thing"),
        ("read.committed", put(subject="case.:C-1"), "payload", "does not read kind:id"),
        ("case.sampled", put(subject="queue:routing"), "payload", "about another thing"),
        ("case.sampled", put(subject="queue:order2"), "payload", "about another thing"),
        ("routing.set", put(subject="queue:routings"), "payload", "about another thing"),
        ("audit.sampled", put(subject="log:decisions-of-2025"), "payload", "about another thing"),
        ("case.sampled", detail(model=None), "row_differs", "another model or routing"),
        ("case.sampled", detail(routing=None), "row_differs", "another model or routing"),
        ("case.sampled", detail(random_share=1), "row_differs", "another model or routing"),
        ("case.received", put(subject="batch:cases"), "payload", "another batch than its own"),
        ("outcome.recorded", put(subject="batch:cases"), "payload", "another batch than its own"),
        ("label.collected", put(subject="batch:cases"), "payload", "another batch than its own"),
        ("case.passed", put(subject="batch:cases"), "payload", "another batch than its own"),
        ("job.finished", detail(attempt=2), "row_differs", "attempts differ from it"),
        ("job.finished", detail(attempt=True), "row_differs", "attempts differ from it"),
        ("job.queued", put(event_id="another-id"), "row_differs", "job_id differ from it"),
        ("job.started", put(subject="model:1"), "payload", "about another thing"),
        ("account.disabled", detail(enabled=0), "payload", "does not tell what"),
        ("account.disabled", detail(enabled=True), "payload", "does not tell what"),
        ("account.enabled", detail(enabled=1), "payload", "does not tell what"),
        ("password.set", detail(public=1), "payload", "does not tell what"),
        ("checkpoint.published", put(subject="checkpoint:1"), "payload", "about another thing"),
    ],
)
def test_an_event_that_tells_otherwise_than_its_rows_is_found(
    whole_folder: Path, action: str, change: Change, kind: str, words: str
) -> None:
    """What is listed under a case, a model or a study is found by what its events say that they are about."""
    place, found = told_anew(whole_folder, action, change)
    assert any(each[:2] == (place, kind) and words in each[2] for each in found), found


@pytest.mark.parametrize("count", [2, True, None, "3"], ids=str)
def test_a_queue_of_another_length_than_is_told_is_found(whole_folder: Path, count: object) -> None:
    """Three cases wait; how many did before an earlier order, no row tells any more."""
    _, found = told_anew(whole_folder, "case.sampled", detail(count=count))
    words = "cases were moved in the queue, or another reason was given for them"
    assert found == [(None, "worklist", words)]


def stopped(folder: Path, named: bool) -> list[tuple[str, str]]:
    """Stop the model and order the queue, then let the event name the model that was stopped, or none."""
    with open_workspace(folder) as workspace:
        model = models.champion(workspace.store).digest
        stop_model(workspace, actor=STEWARD, reason="It is looked into again.")
        order_queue(workspace)
    _, found = told_anew(folder, "case.sampled", detail(model=model if named else None))
    return [each[1:] for each in found]


def test_a_queue_in_an_order_of_a_model_that_was_stopped_is_found(reviewed_folder: Path) -> None:
    """What was in use is told by the changes before it; none was, once it was stopped."""
    words = "it tells of another model or routing than was in force then"
    assert stopped(reviewed_folder, named=True) == [("row_differs", words)]


def test_a_queue_in_the_order_of_arrival_is_not_found(reviewed_folder: Path) -> None:
    """The other side: no model, and no routing that anybody set."""
    assert stopped(reviewed_folder, named=False) == []


def test_a_receipt_of_another_number_than_its_decision_has_is_found(reviewed_folder: Path) -> None:
    """Or of none; as it was issued it is not."""
    with open_workspace(reviewed_folder) as workspace:
        decision = reviews.all_decisions(workspace.store)[0].decision_id
        issue_receipt(workspace, decision)
    for change, words in (
        (detail(), None),
        (detail(seq=3), "it tells of another number than its decision has"),
        (detail(seq=None), "it tells of another number than its decision has"),
        (put(subject="decision:none"), "it tells of another number than its decision has"),
    ):
        place, found = told_anew(reviewed_folder, "receipt.issued", change)
        assert found == ([(place, "row_differs", words)] if words else [])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put(at="2099-02-30T00:00:00.000000Z"), "its time is on a day that no calendar has"),
        (put(at="2099-02-29T00:00:00.000000Z"), "its time is on a day that no calendar has"),
        (put(at="2096-02-29T00:00:00.000000Z"), None),
        (put(subject="a line\nmore"), "its subject does not read kind:id"),
        (put(subject=""), "its subject does not read kind:id"),
        (put(action="decision.\u0430ccepted"), "its action does not read noun.past"),
        (put(action="decision.accepted "), "its action does not read noun.past"),
        (put(action="plan.made"), None),
        (put(event_id="../over there"), "its event id is no token"),
    ],
)
def test_a_text_that_no_event_has_is_found(reviewed_folder: Path, change: Change, words: str | None) -> None:
    """Nothing more could be written behind some of these, and the check that people were sent to found nothing."""
    added = {"event_id": "forged-0001", "action": "backup.made", "subject": "backup:none", "detail": {}}
    with tampered(reviewed_folder) as connection:
        payloads = payloads_of(connection)
        payloads.append({**payloads[-1], **added})
        change(payloads[-1])
        rechain(connection, payloads)
    found = [(each.seq, each.message) for each in verify(reviewed_folder).problems if each.kind == "payload"]
    assert found == ([(len(payloads), words)] if words else [])


@pytest.mark.parametrize("depth", [DEEPEST - 2, DEEPEST - 1, 3_000])
def test_an_event_nested_so_deeply_that_sqlite_does_not_read_it_is_found(
    reviewed_folder: Path, depth: int
) -> None:
    """The table forbids it, and no step goes on behind it; one that everybody reads is no alarm."""
    nested: object = 1
    for _ in range(min(depth, DEEPEST)):
        nested = [nested]
    with tampered(reviewed_folder) as connection:
        payloads = payloads_of(connection)
        added = {"event_id": "forged-0001", "action": "plan.made", "subject": "plan:1", "detail": {"a": nested}}
        payloads.append({**payloads[-1], **added})
        rechain(connection, payloads)
    found = [each.message for each in verify(reviewed_folder).problems if each.kind == "payload"]
    assert found == ([] if depth < DEEPEST - 1 else ["its payload can't be trusted: it is nested too deeply"])


@pytest.mark.parametrize(
    ("account_id", "name", "words"),
    [
        ("nora", "Nora New", None),
        ("nora", "Nora \U000e01f0 \u0378New", None),  # a letter that a later Unicode may know
        ("Reader-1", "Nora New", ALIKE),
        ("nora", "Rit\u0430 R\u0435ader", ALIKE),
        ("re\u0301ader", "Nora New", NO_NAME),
        ("system", "Nora New", NO_NAME),
        ("nora", "", NO_NAME),
        ("nora", "No\u202era", NO_NAME),
        ("nora", "No\u202era \u0378", NO_NAME),
        ("nora", "Nora  New", NO_NAME),
        ("nora", "\u3164", NO_NAME),
        ("nora", "Rita Reader\uffa0", NO_NAME),
    ],
)
def test_an_account_that_is_taken_for_another_is_found(
    reviewed_folder: Path, account_id: str, name: str, words: str | None
) -> None:
    """Who holds the file can add people; not under a name that the product would have refused."""
    with tampered(reviewed_folder) as connection:
        payloads = payloads_of(connection)
        added = {
            **next(each for each in payloads if each["action"] == "account.created"),
            **{"event_id": "forged-0001", "subject": f"account:{account_id}", "at": payloads[-1]["at"]},
            "detail": {"name": name, "role": "reader"},
        }
        rechain(connection, [*payloads, added])
        values = (account_id, name, "reader", added["at"], "forged-0001")
        connection.execute("INSERT INTO accounts VALUES (?, ?, ?, ?, ?)", values)
    found = [(each.kind, each.message) for each in verify(reviewed_folder).problems if each.kind != "checkpoint"]
    assert found == ([("impossible", words)] if words else [])


def test_a_pipe_in_the_place_of_the_journal_is_not_waited_for(reviewed_folder: Path) -> None:
    """SQLite would read it for ever."""
    os.mkfifo(reviewed_folder / f"{DATABASE}-journal")
    with pytest.raises(AuditError, match="is no file"):
        verify(reviewed_folder)
    with pytest.raises(WorkspaceError, match="is no file"), open_workspace(reviewed_folder):
        pass


def test_a_file_of_checkpoints_with_a_hole_of_any_size_is_refused(reviewed_folder: Path) -> None:
    """It takes no room on the disk, and would take all memory: of whoever checks, and of whoever acts meanwhile."""
    with (reviewed_folder / "checkpoints.txt").open("ab") as file:
        file.truncate(2**40)
    with pytest.raises(AuditError, match="too large"):
        verify(reviewed_folder)
    with open_workspace(reviewed_folder) as workspace:
        publish_checkpoint(workspace)
        check = diagnosing.anchor_check(workspace)
    assert check.state is State.WARNING


def test_papers_with_a_hole_of_any_size_are_refused(reviewed_folder: Path, tmp_path: Path) -> None:
    """The same, from whoever sends an auditor a checkpoint or a receipt."""
    paper = tmp_path / "paper.txt"
    with paper.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(AuditError, match="too large"):
        verify(reviewed_folder, checkpoints=[paper])
    found = CliRunner().invoke(main, ["audit", "check-receipt", str(paper)])
    assert (found.exit_code, "too long" in found.output) == (2, True)


@pytest.mark.parametrize("name", [DATABASE, f"{DATABASE}-wal", f"{DATABASE}.lock", keys.KEY_FILE, "link"])
def test_no_checkpoint_is_appended_to_what_a_variable_names_by_mistake(
    reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The database would lose its locks, and the log's words would stand in it; the act goes on."""
    place = reviewed_folder / name
    if name == "link":
        os.link(reviewed_folder / keys.KEY_FILE, place)
    monkeypatch.setenv("HITL_CHECKPOINTS", str(place))
    with open_workspace(reviewed_folder) as workspace:
        note = publish_checkpoint(workspace)
        assert not place.read_bytes().endswith(f"{note}\n".encode())
    assert verify(reviewed_folder).ok


def test_a_file_of_checkpoints_may_be_just_as_large_as_it_may(
    reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    with open_workspace(reviewed_folder) as workspace:
        publish_checkpoint(workspace)
    size = (reviewed_folder / "checkpoints.txt").stat().st_size
    monkeypatch.setattr(checkpoints, "MOST_BYTES", size)
    assert verify(reviewed_folder).ok
    monkeypatch.setattr(checkpoints, "MOST_BYTES", size - 1)
    with pytest.raises(AuditError, match="too large"):
        verify(reviewed_folder)


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        (
            "INSERT INTO sqlite_schema SELECT * FROM sqlite_schema WHERE name = 'sqlite_autoindex_audit_log_1'",
            "something is listed twice",
        ),
        (
            "UPDATE sqlite_schema SET sql = 'CREATE TABLE sqlite_stat1(tbl,idx,stat,more)' WHERE name = 'sqlite_stat1'",
            "table 'sqlite_stat1' has another text",
        ),
        ("SELECT 1", None),
    ],
)
def test_what_is_listed_otherwise_than_sqlite_does_it_is_found(
    reviewed_folder: Path, deed: str, words: str | None
) -> None:
    """In the list of tables; what ANALYZE makes there is no alarm."""
    connection = sqlite3.connect(reviewed_folder / DATABASE, isolation_level=None)
    connection.execute("ANALYZE")
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute(deed)
    connection.close()
    found = [(each.kind, each.message) for each in verify(reviewed_folder).problems]
    assert found == ([("schema", words)] if words else [])


@pytest.mark.parametrize("separator", ["\u2028", "\x0b", "\x85"])
def test_a_checkpoint_whose_lines_only_some_programs_see_is_refused(
    reviewed_folder: Path, separator: str
) -> None:
    """Signed with the right key: Python reads four lines where `sed` reads three."""
    with open_workspace(reviewed_folder) as workspace:
        note = publish_checkpoint(workspace)
    body, _, signatures = note.partition("\n\n")
    words = "The checkpoint's lines end otherwise than they are published. Use the file as it was."
    with pytest.raises(AuditError, match=f"^{re.escape(words)}$"):
        read_notes(f"{body.replace(chr(10), separator, 1)}\n\n{signatures}")
    with pytest.raises(AuditError, match="A signature line of the note can't be read"):
        read_notes(f"{body}\n\n{signatures.rstrip()}{separator}{signatures}")
    assert read_notes(note) and read_notes(f"{body}\n\n{signatures * 2}")
