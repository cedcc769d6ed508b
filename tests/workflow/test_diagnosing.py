"""doctor: what is wrong with a workspace is told as a check with what to do, and nothing is changed."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hitl_review.domain.account import Role
from hitl_review.errors import WorkspaceMissing
from hitl_review.project import read_project_text
from hitl_review.workflow import diagnosing
from hitl_review.workflow.accounts import add_account
from hitl_review.workflow.checkpointing import publish_checkpoint
from hitl_review.workflow.environment import Check, State
from hitl_review.workflow.workspace import create_workspace, open_workspace

PROJECT = Path(__file__).parents[2] / "data" / "support2" / "project.toml"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace with a reader and without a model, made at noon."""
    place = tmp_path / "workspace"
    create_workspace(place, read_project_text(PROJECT), clock=lambda: NOON)
    with open_workspace(place, clock=lambda: NOON) as workspace:
        add_account(workspace, "anna", "Anna Berg", Role.READER)
    return place


def found_in(folder: Path, *, now: datetime = NOON) -> dict[str, Check]:
    """Return the checks on a workspace by their names."""
    return {check.name: check for check in diagnosing.diagnose(folder, clock=lambda: now, environ={})}


def test_a_new_workspace_is_well(folder: Path) -> None:
    """Nothing is a problem, and the missing model is a warning with what to do."""
    checks = found_in(folder)
    assert diagnosing.is_well(list(checks.values()))
    assert checks["champion"].state is State.WARNING
    assert "hitl-review train" in checks["champion"].advice
    assert checks["database"].found.endswith("3 events in the log")


def test_a_folder_without_a_workspace_can_not_be_diagnosed(tmp_path: Path) -> None:
    """There is nothing to look at, and how to make one is told."""
    with pytest.raises(WorkspaceMissing, match="hitl-review demo"):
        diagnosing.diagnose(tmp_path)


def test_diagnosing_changes_nothing(folder: Path) -> None:
    """Every byte of the workspace is as before."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    found_in(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_file_of_checkpoints_that_does_not_go_on_is_warned_of(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A place that can't be written stops nobody who reviews, so nobody else would tell."""
    assert "no checkpoint" in found_in(folder)["checkpoint file"].found
    with open_workspace(folder, clock=lambda: NOON) as workspace:
        publish_checkpoint(workspace)
    assert found_in(folder)["checkpoint file"].state is State.OK
    for place in (tmp_path / "no" / "such" / "file.txt", tmp_path):
        monkeypatch.setenv("HITL_CHECKPOINTS", str(place))
        found = found_in(folder)["checkpoint file"]
        assert found.state is State.WARNING and str(place) in found.found
    monkeypatch.setenv("HITL_CHECKPOINTS", str(tmp_path / "later.txt"))
    with open_workspace(folder, clock=lambda: NOON) as workspace:
        publish_checkpoint(workspace)
    assert found_in(folder)["checkpoint file"].state is State.OK
    assert (tmp_path / "later.txt").read_text(encoding="utf-8").count("\nhead ") == 2


def test_a_database_that_others_may_read_is_a_problem(folder: Path) -> None:
    """Patients' values lie in it; the command that closes it is told."""
    (folder / "review.db").chmod(0o640)
    check = found_in(folder)["file modes"]
    assert check.state is State.PROBLEM
    assert "chmod 600" in check.advice


def test_a_key_that_others_may_read_is_a_problem(folder: Path) -> None:
    """Whoever holds the key can sign a rewritten log."""
    (folder / "checkpoint.key").chmod(0o644)
    assert found_in(folder)["checkpoint key"].state is State.PROBLEM


def test_a_key_that_is_not_there_is_a_warning(folder: Path) -> None:
    """It may lie elsewhere on purpose, which is better."""
    (folder / "checkpoint.key").unlink()
    check = found_in(folder)["checkpoint key"]
    assert check.state is State.WARNING
    assert "HITL_KEY_FILE" in check.advice


def test_a_key_elsewhere_is_looked_for_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HITL_KEY_FILE names the place."""
    moved = (folder / "checkpoint.key").rename(folder.parent / "elsewhere.key")
    monkeypatch.setenv("HITL_KEY_FILE", str(moved))
    assert found_in(folder)["checkpoint key"].state is State.OK


def test_a_clock_behind_the_log_is_warned_of(folder: Path) -> None:
    """An hour back: the log stays in order, and the person should set the clock."""
    check = found_in(folder, now=NOON - timedelta(hours=1))["clock"]
    assert check.state is State.WARNING
    assert "3600 s" in check.found


def test_a_workspace_without_readers_is_warned_of(tmp_path: Path) -> None:
    """Nobody could review a case there."""
    create_workspace(tmp_path / "workspace", read_project_text(PROJECT))
    assert found_in(tmp_path / "workspace", now=datetime.now(UTC))["readers"].state is State.WARNING


def test_a_missing_trigger_is_a_problem_by_name(folder: Path) -> None:
    """The protection of the log is part of its health."""
    with sqlite3.connect(folder / "review.db") as connection:
        connection.execute("DROP TRIGGER audit_log_no_delete")
    check = found_in(folder)["database"]
    assert check.state is State.PROBLEM
    assert "audit_log_no_delete" in check.found
    assert "audit verify" in check.advice


@pytest.mark.parametrize("content", [b"", b"garbage " * 1000])
def test_a_file_that_is_no_database_is_a_problem(folder: Path, content: bytes) -> None:
    """It is told, and the checks around it still are."""
    (folder / "review.db").write_bytes(content)
    checks = found_in(folder)
    assert checks["database"].state is State.PROBLEM
    assert checks["python"].state is State.OK


def test_a_damaged_page_is_a_problem(folder: Path) -> None:
    """Bytes overwritten in the middle of the file are found by the quick check, or where they are read."""
    path = folder / "review.db"
    content = bytearray(path.read_bytes())
    for place in range(8192, len(content), 4096):
        content[place : place + 64] = b"\xff" * 64
    path.write_bytes(content)
    assert found_in(folder)["database"].state is State.PROBLEM


def test_a_restored_backup_without_the_write_ahead_log_is_warned_of_until_it_is_written(folder: Path) -> None:
    """VACUUM INTO makes copies without it; the first act puts it back."""
    with sqlite3.connect(folder / "review.db") as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    assert found_in(folder)["journal"].state is State.WARNING
    with open_workspace(folder, clock=lambda: NOON) as workspace:
        add_account(workspace, "ben", "Ben Cole", Role.READER)
    assert found_in(folder)["journal"].state is State.OK
