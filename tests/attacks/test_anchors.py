"""The file that checkpoints are appended to: forgotten or out of reach, it finds a cut or rewritten log by itself.

And it raises no alarm by a crash in the middle of a line, by another log's checkpoints, or by not being there.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hitl_review.domain.verification import TRUNCATION
from hitl_review.store import keys
from hitl_review.store.checkpoints import ANCHOR_FILE
from hitl_review.store.connection import DATABASE
from hitl_review.workflow.auditing import history, verify
from hitl_review.workflow.backup import backup
from hitl_review.workflow.checkpointing import publish_checkpoint
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
        publish_checkpoint(workspace)
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


def test_two_workspaces_may_share_the_file(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is held against its own checkpoints."""
    shared = Path(shutil.move(published / ANCHOR_FILE, tmp_path / "shared.txt"))
    monkeypatch.setenv("HITL_CHECKPOINTS", str(shared))
    create_workspace(tmp_path / "other", PROJECT, demo=True)
    for folder in (tmp_path / "other", published):
        with open_workspace(folder) as workspace:
            publish_checkpoint(workspace)
    assert verify(tmp_path / "other").ok and verify(published).ok
