"""What another workspace left in a folder: it spoils no new one, is not lost, and is told in words."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from hitl_review.errors import AuditError, WorkspaceError
from hitl_review.store.checkpoints import ANCHOR_FILE
from hitl_review.store.connection import DATABASE
from hitl_review.store.keys import KEY_FILE
from hitl_review.workflow.auditing import history, verify
from hitl_review.workflow.backup import backup
from hitl_review.workflow.diagnosing import diagnose
from hitl_review.workflow.workspace import create_workspace, exists, open_workspace
from tests.processes import forked, status_of, without_privileges
from tests.ward import PROJECT

WAL, SHM = f"{DATABASE}-wal", f"{DATABASE}-shm"


@pytest.fixture
def crashed(reviewed_folder: Path, tmp_path: Path) -> Path:
    """A workspace as a crash leaves it, its last events only in the write-ahead log; `copy.db` is older."""
    backup(reviewed_folder, tmp_path / "copy.db")
    with open_workspace(reviewed_folder) as workspace:
        for _ in range(3):
            history(workspace, limit=2)
        shutil.copytree(reviewed_folder, tmp_path / "crashed")
    assert (tmp_path / "crashed" / WAL).stat().st_size
    return tmp_path / "crashed"


@pytest.mark.parametrize("shared_memory", [True, False])
def test_a_backup_put_before_the_write_ahead_log_of_another_file_is_told_and_not_spoilt(
    crashed: Path, tmp_path: Path, shared_memory: bool
) -> None:
    """SQLite would write the pages of the one over the other, and call the file malformed."""
    shutil.copyfile(tmp_path / "copy.db", crashed / DATABASE)
    if not shared_memory:
        (crashed / SHM).unlink()
    before = (crashed / DATABASE).read_bytes()
    with pytest.raises(AuditError, match="left over from another database"):
        verify(crashed)
    with pytest.raises(WorkspaceError, match="left over"), open_workspace(crashed):
        pass
    assert (crashed / DATABASE).read_bytes() == before
    (crashed / WAL).unlink()
    (crashed / SHM).unlink(missing_ok=True)
    with open_workspace(crashed) as workspace:
        history(workspace, limit=2)
    assert verify(crashed).ok


def test_changes_that_can_not_be_read_where_nothing_may_be_written_are_told_of(crashed: Path, tmp_path: Path) -> None:
    """Both on a read-only disk, as evidence: the database without its last events is not what was asked for."""
    (crashed / SHM).unlink()
    shutil.copytree(crashed, tmp_path / "copied")
    crashed.chmod(0o500)

    def check() -> None:
        without_privileges()
        with pytest.raises(AuditError, match=f"{WAL} .* holds changes.* Copy it and {DATABASE} to another folder"):
            verify(crashed)

    assert status_of(forked(check)) == 0
    crashed.chmod(0o700)
    assert verify(tmp_path / "copied").ok


def test_the_first_acts_on_a_restored_backup_are_not_taken_for_one(crashed: Path, tmp_path: Path) -> None:
    """It comes back without a write-ahead log and gets one with its first act, while others look."""
    restored = tmp_path / "restored"
    restored.mkdir()
    shutil.copyfile(tmp_path / "copy.db", restored / DATABASE)
    with open_workspace(restored) as one, open_workspace(restored) as other:
        history(one, limit=2)
        with open_workspace(restored) as third:
            history(third, limit=2)
        assert verify(restored).ok
        history(other, limit=2)
    assert verify(restored).ok


def test_an_act_that_was_broken_off_by_a_journal_is_told_of_with_what_helps(
    crashed: Path, tmp_path: Path
) -> None:
    """A restored backup keeps one until its first act is done. To copy it alone helps nobody: no check undoes it."""
    cut = tmp_path / "cut"
    cut.mkdir()
    connection = sqlite3.connect(tmp_path / "copy.db", isolation_level=None)
    connection.execute("PRAGMA cache_size = 2")  # so that pages are written before the act is done
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("CREATE TABLE passing (body BLOB)")
    connection.execute("INSERT INTO passing VALUES (zeroblob(200000))")
    for end in ("", "-journal"):
        shutil.copyfile(tmp_path / f"copy.db{end}", cut / f"{DATABASE}{end}")
    connection.close()
    with pytest.raises(AuditError, match=r"broken off.* run `hitl-review doctor` there"):
        verify(cut)
    diagnose(cut)
    assert verify(cut).ok


@pytest.mark.parametrize("left", [WAL, f"{DATABASE}-journal", KEY_FILE, ANCHOR_FILE])
def test_no_workspace_is_made_over_what_another_one_left(crashed: Path, tmp_path: Path, left: str) -> None:
    """A key that is gone signs no more for the log it belongs to; changes of another database would spoil this one."""
    place = tmp_path / "place"
    place.mkdir()
    shutil.copyfile(crashed / (left if left in (KEY_FILE, ANCHOR_FILE) else WAL), place / left)
    before = (place / left).read_bytes()
    with pytest.raises(WorkspaceError, match="belong to another workspace"):
        create_workspace(place, PROJECT)
    assert (place / left).read_bytes() == before and not exists(place)
    (place / left).unlink()
    create_workspace(place, PROJECT)
    assert verify(place).ok
