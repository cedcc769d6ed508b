"""A backup is a whole copy that verifies, holds its own event, and takes nobody's place."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from hitl_review.domain.account import Actor
from hitl_review.errors import AuditError, NotPermitted, WorkspaceError
from hitl_review.store import audit
from hitl_review.store.connection import DATABASE
from hitl_review.store.keys import KEY_FILE
from hitl_review.workflow.auditing import verify, verify_file
from hitl_review.workflow.backup import backup
from hitl_review.workflow.workspace import Workspace, open_workspace
from tests.tampering import contents, tamper
from tests.ward import Clock


def test_the_copy_verifies_and_holds_the_event_that_tells_of_it(
    reviewed_folder: Path, tmp_path: Path, auditor: Actor
) -> None:
    """Whoever restores it sees that it is a backup, whose and from when."""
    copy = backup(reviewed_folder, tmp_path / "copy.db", actor=auditor)
    found = verify_file(copy)
    assert found.ok
    with open_workspace(reviewed_folder) as workspace:
        event = audit.latest(workspace.store, limit=1)[0]
    assert (event.told["action"], event.told["actor"]) == ("backup.made", "auditor-1")
    assert (found.events, found.head) == (event.seq, event.hash)


def test_only_its_owner_can_read_the_copy(reviewed_folder: Path, tmp_path: Path) -> None:
    """It holds everything that the workspace holds."""
    copy = backup(reviewed_folder, tmp_path / "copy.db")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_the_key_is_not_copied_and_nothing_else_is_left_behind(reviewed_folder: Path, tmp_path: Path) -> None:
    """One file, and the signing key stays where it is."""
    (tmp_path / "backups").mkdir()
    backup(reviewed_folder, tmp_path / "backups" / "copy.db")
    assert [path.name for path in (tmp_path / "backups").iterdir()] == ["copy.db"]
    assert (reviewed_folder / KEY_FILE).is_file()


def test_a_live_workspace_is_copied_whole(reviewed: Workspace, tmp_path: Path) -> None:
    """What still stands in the write-ahead log is in the copy; a copy of the file alone would lack it."""
    shutil.copy(reviewed.folder / DATABASE, tmp_path / "by-hand.db")
    copy = backup(reviewed.folder, tmp_path / "copy.db")
    assert verify_file(copy).ok
    by_hand = verify_file(tmp_path / "by-hand.db")
    assert not by_hand.ok or by_hand.events < verify_file(copy).events - 1


def test_the_copy_holds_every_row_as_it_was(reviewed_folder: Path, tmp_path: Path) -> None:
    """Down to the row numbers, whose order is evidence."""
    restored = tmp_path / "restored"
    restored.mkdir()
    backup(reviewed_folder, restored / DATABASE)
    assert contents(restored) == contents(reviewed_folder)


def test_work_goes_on_from_a_restored_backup(reviewed_folder: Path, tmp_path: Path) -> None:
    """Put in a folder as review.db it is a workspace again, and its next event is kept as durably as before."""
    restored = tmp_path / "restored"
    restored.mkdir()
    backup(reviewed_folder, restored / DATABASE)
    with open_workspace(restored) as workspace:
        assert workspace.store.rows("PRAGMA journal_mode")[0][0] == "delete"
        with workspace.store.transaction():
            audit.append(workspace.store, "audit.viewed", "log:events", {})
        assert workspace.store.rows("PRAGMA journal_mode")[0][0] == "wal"
    assert verify(restored).ok


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_nothing_is_overwritten(reviewed_folder: Path, tmp_path: Path, kind: str) -> None:
    """An older backup is not lost to a slip of the keyboard, and no event tells of a backup that never was."""
    target = tmp_path / "copy.db"
    if kind == "file":
        target.write_text("an older backup")
    elif kind == "folder":
        target.mkdir()
    else:
        target.symlink_to(tmp_path / "nowhere")
    before = contents(reviewed_folder)
    with pytest.raises(WorkspaceError, match="there already"):
        backup(reviewed_folder, target)
    assert contents(reviewed_folder) == before
    assert kind != "file" or target.read_text() == "an older backup"


def test_the_workspace_itself_is_not_overwritten(reviewed_folder: Path) -> None:
    """Backing up onto the live file is refused like any other."""
    with pytest.raises(WorkspaceError, match="there already"):
        backup(reviewed_folder, reviewed_folder / DATABASE)


def test_a_missing_folder_is_named(reviewed_folder: Path, tmp_path: Path) -> None:
    """One sentence, and nothing is made on the way."""
    with pytest.raises(WorkspaceError, match="no folder"):
        backup(reviewed_folder, tmp_path / "nowhere" / "copy.db")
    assert not (tmp_path / "nowhere").exists()


def test_a_damaged_workspace_gives_no_backup_and_the_log_says_so(
    reviewed_folder: Path, tmp_path: Path
) -> None:
    """A copy that does not verify is no backup; the attempt and its failure both stand in the log."""
    tamper(reviewed_folder, "UPDATE decisions SET comment = 'altered' WHERE rowid = 2")
    with pytest.raises(AuditError, match="does not verify"):
        backup(reviewed_folder, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()
    assert not list(tmp_path.glob(".*part"))
    with open_workspace(reviewed_folder) as workspace:
        newest = [event.told["action"] for event in audit.latest(workspace.store, limit=2)]
    assert newest == ["backup.failed", "backup.made"]


def test_a_file_that_came_meanwhile_is_not_replaced(
    reviewed_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two backups to one name at the same moment: the second is refused, not merged."""
    target = tmp_path / "copy.db"

    def verify_while_another_finishes(path: Path) -> object:
        target.write_text("the other one")
        return verify_file(path)

    monkeypatch.setattr("hitl_review.workflow.backup.verify_file", verify_while_another_finishes)
    with pytest.raises(WorkspaceError, match="there already"):
        backup(reviewed_folder, target)
    assert target.read_text() == "the other one"


def test_a_file_system_without_links_will_do(
    reviewed_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stick formatted for a camera knows no hard links."""

    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    copy = backup(reviewed_folder, tmp_path / "copy.db")
    assert verify_file(copy).ok
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.db", "reviewed"]


def test_a_reader_may_not_take_the_data_away(reviewed_folder: Path, tmp_path: Path, reader: Actor) -> None:
    """A backup is an export of everything."""
    with pytest.raises(NotPermitted, match="back up"):
        backup(reviewed_folder, tmp_path / "copy.db", actor=reader)
    assert not (tmp_path / "copy.db").exists()


def test_the_backup_of_a_backup_is_one_too(reviewed_folder: Path, tmp_path: Path, clock: Clock) -> None:
    """Copies of copies keep every row and event."""
    for generation in ("first", "second"):
        target = tmp_path / generation
        target.mkdir()
        backup(reviewed_folder if generation == "first" else tmp_path / "first", target / DATABASE)
    assert verify(tmp_path / "second").events == verify(reviewed_folder).events + 1


def test_a_name_that_is_no_text_will_do(reviewed_folder: Path, tmp_path: Path) -> None:
    """As a disk may hold that was written elsewhere; signs that mean something in an address mean nothing here."""
    for name in (b"old \xff.db", "c %41?#&é.db".encode()):
        copy = tmp_path / os.fsdecode(name)
        assert verify_file(backup(reviewed_folder, copy)).ok
        assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [copy.name]
        copy.unlink()


def test_whatever_stops_a_backup_the_log_says_so(
    reviewed_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would go on saying that there is one."""
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("hitl_review.workflow.backup.copy_into", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        backup(reviewed_folder, tmp_path / "copy.db")
    with open_workspace(reviewed_folder) as workspace:
        newest = [event.told["action"] for event in audit.latest(workspace.store, limit=2)]
    assert newest == ["backup.failed", "backup.made"]
