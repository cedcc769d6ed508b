"""When the demonstration is made: where there is no workspace, and where one was not finished."""

from __future__ import annotations

import shutil
from pathlib import Path

from hitl_review.ui.building import is_needed
from hitl_review.workflow.workspace import create_workspace
from tests.ward import PROJECT


def test_a_folder_without_a_workspace_needs_one(tmp_path: Path) -> None:
    """A newcomer gets the demonstration."""
    assert is_needed(tmp_path / "nothing")


def test_a_workspace_found_whole_is_not_asked_again_but_another_in_its_place_is(tmp_path: Path) -> None:
    """Every rerun asks; the answer of the same file never changes back, and another file has its own."""
    create_workspace(tmp_path / "mine", PROJECT)
    create_workspace(tmp_path / "unfinished", PROJECT, demo=True)
    assert [is_needed(tmp_path / "mine") for _ in range(2)] == [False, False]
    assert is_needed(tmp_path / "unfinished")
    shutil.rmtree(tmp_path / "mine")
    assert is_needed(tmp_path / "mine")
    (tmp_path / "unfinished").rename(tmp_path / "mine")
    assert is_needed(tmp_path / "mine")
