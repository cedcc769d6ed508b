"""A disk that is full when something leaves the workspace: nothing half-written is left to be taken for the whole."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from hitl_review.errors import HitlError, WorkspaceError
from hitl_review.store.connection import DATABASE
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.backup import backup
from hitl_review.workflow.checkpointing import write_checkpoint
from hitl_review.workflow.log_exports import export_log
from hitl_review.workflow.workspace import Workspace, open_workspace
from tests.processes import run


def fills_up(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Let the disk have no room from a certain sync on; what was written before it is there."""
    sync, left = os.fsync, iter(range(after))

    def full(descriptor: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full)


WAYS: dict[str, Callable[[Workspace, Path], object]] = {
    "bundle": lambda workspace, folder: export_log(workspace, folder / "log.zip", form="bundle"),
    "fhir": lambda workspace, folder: export_log(workspace, folder / "log.ndjson", form="fhir"),
    "csv": lambda workspace, folder: export_log(workspace, folder / "log.csv", form="csv"),
    "checkpoint": lambda workspace, folder: write_checkpoint(workspace, folder / "mine.txt"),
}


@pytest.mark.parametrize("after", range(6))
@pytest.mark.parametrize("way", WAYS)
def test_what_could_not_be_written_whole_is_not_there(
    reviewed_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, after: int
) -> None:
    """All of it or nothing: a sheet without its twin, or an empty checkpoint, would be taken for the real one."""
    out = tmp_path / "out"
    out.mkdir()
    with open_workspace(reviewed_folder) as workspace:
        fills_up(monkeypatch, after)
        try:
            WAYS[way](workspace, out)
        except HitlError:
            assert list(out.iterdir()) == []
        else:
            assert {path.suffix for path in out.iterdir()} == {
                "bundle": {".zip"},
                "fhir": {".ndjson"},
                "csv": {".csv", ".jsonl"},
                "checkpoint": {".txt"},
            }[way]
            assert all(path.stat().st_size for path in out.iterdir())
        monkeypatch.undo()
    assert verify(reviewed_folder).ok


def test_a_backup_that_found_no_room_leaves_nothing_beside_it(reviewed_folder: Path, tmp_path: Path) -> None:
    """Neither a part of the copy nor its journal."""
    out = tmp_path / "out"
    out.mkdir()

    def copied() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
        with pytest.raises(WorkspaceError, match="could not be written"):
            backup(reviewed_folder, out / "copy.db")

    assert (reviewed_folder / DATABASE).stat().st_size > 300_000
    assert run(copied) == 0
    assert list(out.iterdir()) == []
    assert verify(reviewed_folder).ok
