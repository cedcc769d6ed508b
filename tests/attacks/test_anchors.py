"""The file that checkpoints are appended to: forgotten or out of reach, it finds a cut or rewritten log by itself.

And it raises no alarm by a crash in the middle of a line, by another log's checkpoints, or by not being there.
"""

from __future__ import annotations

import locale
import os
import shutil
from pathlib import Path

import pytest

from hitl_review.domain.checkpoint import read_note, readable_notes
from hitl_review.domain.verification import TRUNCATION
from hitl_review.errors import WorkspaceError
from hitl_review.store import checkpoints, keys
from hitl_review.store.checkpoints import ANCHOR_FILE
from hitl_review.store.connection import DATABASE, now_utc
from hitl_review.workflow import diagnosing
from hitl_review.workflow.anchors import anchored
from hitl_review.workflow.auditing import history, verify
from hitl_review.workflow.backup import backup
from hitl_review.workflow.checkpointing import publish_checkpoint
from hitl_review.workflow.environment import State
from hitl_review.workflow.workspace import create_workspace, open_workspace
from tests.attacks.forging import other_words, write_anew
from tests.tampering import tampered
from tests.ward import PROJECT


@pytest.fixture
def published(reviewed_folder: Path) -> Path:
    """A workspace whose last events are covered by a checkpoint in its own file."""
    with open_workspace(reviewed_folder) as workspace:
        history(workspace, limit=2)
        publish_checkpoint(workspace)
        history(workspace, limit=2)
    assert verify(reviewed_folder).ok
    return reviewed_folder


def told(folder: Path) -> str:
    """What the check of a workspace finds with nobody else's checkpoint at hand."""
    return " ".join(problem.words for problem in verify(folder).problems)


def test_a_cut_tail_is_found_by_the_file_that_was_forgotten(published: Path) -> None:
    """The report still says that this is no witness."""
    with tampered(published) as connection:
        connection.execute("DELETE FROM audit_log WHERE seq > (SELECT max(seq) - 4 FROM audit_log)")
    assert f"({ANCHOR_FILE}): the log is shorter now" in told(published)
    assert TRUNCATION in verify(published).warnings


def test_yesterdays_backup_put_back_is_found_by_it(published: Path, tmp_path: Path) -> None:
    """Whoever restored it on purpose is told what was lost; the file says when it reached further."""
    backup(published, tmp_path / "yesterday.db")
    with open_workspace(published) as workspace:
        history(workspace, limit=2)
        publish_checkpoint(workspace)
    shutil.copyfile(tmp_path / "yesterday.db", published / DATABASE)
    assert "an older copy was put back" in told(published)


def test_two_databases_that_changed_places_are_found_by_their_files(published: Path, tmp_path: Path) -> None:
    """Each is whole and valid, and neither is the log that the file beside it is about."""
    other = tmp_path / "other"
    create_workspace(other, PROJECT, demo=True)
    with open_workspace(other) as workspace:
        publish_checkpoint(workspace)
    assert verify(other).ok
    shutil.move(other / DATABASE, tmp_path / "moved.db")
    shutil.move(published / DATABASE, other / DATABASE)
    shutil.move(tmp_path / "moved.db", published / DATABASE)
    for folder in (other, published):
        assert "is of another log" in told(folder)
        with open_workspace(folder) as workspace:
            history(workspace)
        assert "is of another log" in told(folder)
        checks = {check.name: check for check in diagnosing.database_checks(folder, clock=now_utc)}
        assert checks["key of the log"].state is State.PROBLEM


def test_a_log_written_anew_with_the_stolen_key_is_found_by_the_file_on_another_disk(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lies where the forger could not write."""
    elsewhere = Path(shutil.move(published / ANCHOR_FILE, tmp_path / "elsewhere.txt"))
    monkeypatch.setenv("HITL_CHECKPOINTS", str(elsewhere))
    write_anew(published, other_words, key=keys.read_key(published))
    assert "(elsewhere.txt): the log was written anew" in told(published)
    assert "contradict each other" in told(published)


@pytest.mark.parametrize("left", [1, 40, 100, 200, 280, 319])
def test_a_crash_in_the_middle_of_its_last_line_is_no_alarm(published: Path, left: int) -> None:
    """What was cut off stands in the log as well, and is appended again with the next one."""
    path = published / ANCHOR_FILE
    text = path.read_text(encoding="utf-8")
    path.write_text(text[:-left], encoding="utf-8")
    assert verify(published).ok
    with open_workspace(published) as workspace:
        note = publish_checkpoint(workspace)
        told = checkpoints.notes(workspace.store)
    assert verify(published).ok
    after = path.read_text(encoding="utf-8")
    assert after.startswith(text[:-left]) and f"\n{note}" in after, "nothing is rewritten, and it goes on"
    assert {each.body for each, _ in readable_notes(after)} == {read_note(each).body for each in told}


@pytest.mark.parametrize(
    "piece", ["hitl-review.example/", "hitl-review.example/ab\n7\n", "\n\n", "words", "\u2014 "]
)
def test_a_piece_that_somebody_left_at_its_end_does_not_stop_it(published: Path, piece: str) -> None:
    """Otherwise one line there would let the file end without a word, and what comes after could be cut off."""
    path = published / ANCHOR_FILE
    with path.open("a", encoding="utf-8") as file:
        file.write(piece)
    with open_workspace(published) as workspace:
        publish_checkpoint(workspace)
    with tampered(published) as connection:
        connection.execute("DELETE FROM audit_log WHERE seq > (SELECT max(seq) - 4 FROM audit_log)")
    assert f"({ANCHOR_FILE}): the log is shorter now" in told(published)


def test_it_goes_on_with_an_older_copy_that_was_put_back(published: Path, tmp_path: Path) -> None:
    """What it told of the longer log stays there; the checkpoints of the shorter one follow."""
    backup(published, tmp_path / "yesterday.db")
    with open_workspace(published) as workspace:
        for _ in range(5):
            history(workspace, limit=2)
        lost = publish_checkpoint(workspace)
    shutil.copyfile(tmp_path / "yesterday.db", published / DATABASE)
    with open_workspace(published) as workspace:
        since = publish_checkpoint(workspace)
    text = (published / ANCHOR_FILE).read_text(encoding="utf-8")
    assert text.index(lost) < text.index(since)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in its file system")
def test_a_pipe_in_its_place_is_not_waited_for(published: Path) -> None:
    """Whoever reads it would wait for ever, with the log locked."""
    path = published / ANCHOR_FILE
    path.unlink()
    os.mkfifo(path)
    with open_workspace(published) as workspace:
        publish_checkpoint(workspace)
    assert verify(published).ok


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in its file system")
def test_a_pipe_in_the_place_of_the_key_stops_nobody(published: Path) -> None:
    """Each hundredth event would wait for ever, with the log locked: acts go on, and who asks for a note is told."""
    key = keys.key_path(published)
    key.unlink()
    os.mkfifo(key)
    with open_workspace(published) as workspace:
        while checkpoints.size_of(workspace.store) % checkpoints.EVERY:
            history(workspace, limit=2)
        with pytest.raises(WorkspaceError, match="is no file"):
            publish_checkpoint(workspace)
        (found,) = [each for each in diagnosing.diagnose(published) if each.name == "checkpoint key"]
    assert found.state is State.WARNING
    assert verify(published).ok


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe no text", b"words\n\n\xe2\x80\x94 more\n"])
def test_a_file_that_is_not_there_or_holds_no_checkpoint_is_no_alarm(
    published: Path, content: bytes | None
) -> None:
    """It is a help and no duty: the log's own checkpoints are checked all the same."""
    path = published / ANCHOR_FILE
    path.unlink()
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    assert verify(published).ok


def test_it_is_read_alike_in_every_locale(published: Path) -> None:
    """Its notes hold a dash: read as anything but UTF-8, none of them would be one, and a cut tail went unseen."""
    found = anchored(published)
    before = locale.setlocale(locale.LC_CTYPE)
    locale.setlocale(locale.LC_CTYPE, "C")
    try:
        assert anchored(published) == found != []
    finally:
        locale.setlocale(locale.LC_CTYPE, before)


def test_two_workspaces_may_share_the_file(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is held against its own checkpoints."""
    shared = Path(shutil.move(published / ANCHOR_FILE, tmp_path / "shared.txt"))
    monkeypatch.setenv("HITL_CHECKPOINTS", str(shared))
    monkeypatch.setattr(checkpoints, "TAIL_BYTES", 350)  # of so short a file, the end is the last note
    before = len(readable_notes(shared.read_text(encoding="utf-8")))
    create_workspace(tmp_path / "other", PROJECT, demo=True)
    for folder in (tmp_path / "other", published):
        with open_workspace(folder) as workspace:
            published_note = publish_checkpoint(workspace)
            assert published_note in shared.read_text(encoding="utf-8"), "however far the other one is"
    assert verify(tmp_path / "other").ok and verify(published).ok
    assert len(readable_notes(shared.read_text(encoding="utf-8"))) == before + 2, "each stands in it once"
