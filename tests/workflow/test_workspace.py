"""A workspace is made whole or not at all, and opened for one use."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from hitl_review.errors import HitlError, ProjectFileError, WorkspaceError, WorkspaceMissing
from hitl_review.store import audit, keys, projects
from hitl_review.workflow import workspace as making
from hitl_review.workflow.workspace import create_workspace, exists, open_workspace


def test_the_log_opens_with_its_origin_and_the_checkpoint_key(tmp_path: Path, project_text: str) -> None:
    """The first two events: the log itself, and the project by its digest."""
    create_workspace(tmp_path / "new", project_text)
    with open_workspace(tmp_path / "new") as opened:
        told = [event.told for event in audit.events(opened.store)]
        assert [each["action"] for each in told] == ["log.opened", "project.configured"]
        assert {"origin", "product", "version", "public_key"} <= told[0]["detail"].keys()
        assert told[1]["detail"]["digest"] == opened.project_digest
        assert projects.current(opened.store)[0] == project_text


def test_database_and_key_are_for_their_owner_only(tmp_path: Path, project_text: str) -> None:
    """Others on the machine can read neither patients nor the key."""
    create_workspace(tmp_path / "new", project_text)
    for name in ("review.db", keys.KEY_FILE):
        assert stat.S_IMODE((tmp_path / "new" / name).stat().st_mode) == 0o600


def test_nobody_else_may_put_files_into_its_folder(tmp_path: Path, project_text: str) -> None:
    """Whatever mask the system has."""
    before = os.umask(0)
    try:
        create_workspace(tmp_path / "new", project_text)
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o022 == 0
    assert all(each.stat().st_mode & 0o022 == 0 for each in (tmp_path / "new").iterdir())


def test_a_workspace_is_not_made_over_another(tmp_path: Path, project_text: str) -> None:
    """What is there stays as it is."""
    create_workspace(tmp_path / "new", project_text)
    before = (tmp_path / "new" / "review.db").read_bytes()
    with pytest.raises(WorkspaceError, match="already"):
        create_workspace(tmp_path / "new", project_text)
    assert (tmp_path / "new" / "review.db").read_bytes() == before


def test_a_wrong_project_leaves_nothing_behind(tmp_path: Path) -> None:
    """It is read before anything is made."""
    with pytest.raises(ProjectFileError):
        create_workspace(tmp_path / "new", "id = 3")
    assert not (tmp_path / "new").exists()


def test_a_run_that_dies_half_way_leaves_no_half_workspace(
    tmp_path: Path, project_text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is moved into place last, whole; the next try succeeds."""
    with monkeypatch.context() as patch:
        patch.setattr(making, "_configure", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            create_workspace(tmp_path / "new", project_text)
    assert not exists(tmp_path / "new") and list((tmp_path / "new").iterdir()) == []
    create_workspace(tmp_path / "new", project_text)
    assert exists(tmp_path / "new")


def test_where_there_is_none_the_way_to_make_one_is_told(tmp_path: Path) -> None:
    """And opening makes nothing."""
    with pytest.raises(WorkspaceMissing, match="hitl-review demo"), open_workspace(tmp_path / "none"):
        pass
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "content", [b"", b"not a database at all" * 100, b"SQLite format 3\x00" + b"\x00" * 4000]
)
def test_a_file_that_is_no_database_of_ours_is_refused_in_one_sentence(
    tmp_path: Path, content: bytes
) -> None:
    """Whatever it is."""
    (tmp_path / "review.db").write_bytes(content)
    with pytest.raises(HitlError) as refused, open_workspace(tmp_path):
        pass
    assert "\n" not in str(refused.value)


def test_the_demonstration_says_that_it_is_one(tmp_path: Path, project_text: str) -> None:
    """In its first event, which can't be changed later."""
    for demo in (True, False):
        create_workspace(tmp_path / str(demo), project_text, demo=demo)
        with open_workspace(tmp_path / str(demo)) as opened:
            assert opened.demo is demo
            assert json.loads(next(audit.events(opened.store)).payload)["detail"]["demo"] is demo


def test_the_key_can_lie_elsewhere(
    tmp_path: Path, project_text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another disk, say; a key that lies there already is never overwritten."""
    monkeypatch.setenv("HITL_KEY_FILE", str(tmp_path / "elsewhere.key"))
    create_workspace(tmp_path / "new", project_text)
    key = (tmp_path / "elsewhere.key").read_bytes()
    assert not (tmp_path / "new" / keys.KEY_FILE).exists()
    with pytest.raises(WorkspaceError, match="signing key"):
        create_workspace(tmp_path / "other", project_text)
    assert (tmp_path / "elsewhere.key").read_bytes() == key and not exists(tmp_path / "other")
