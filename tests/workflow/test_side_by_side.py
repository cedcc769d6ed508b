"""Several processes find in a long log what one finds, wherever the stretches meet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hitl_review.domain.checkpoint import Frontier
from hitl_review.domain.verification import Verification
from hitl_review.errors import AuditError
from hitl_review.store import audit
from hitl_review.workflow import side_by_side
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.checkpointing import write_checkpoint
from hitl_review.workflow.side_by_side import as_json, from_json, joined
from hitl_review.workflow.stretches import walk
from hitl_review.workflow.workspace import open_workspace
from tests.tampering import tamper

UPDATE = "UPDATE audit_log SET"
ATTACKS = {
    "nothing": (),
    "the last of a stretch": (f"{UPDATE} payload = replace(payload, 'actor', 'actos') WHERE seq = 16",),
    "a time where stretches meet": (f"{UPDATE} payload = replace(payload, '2026-', '2027-') WHERE seq = 16",),
    "a row": ("UPDATE decisions SET comment = 'another'",),
    "two that changed places": (
        f"{UPDATE} seq = 1000 WHERE seq = 16",
        f"{UPDATE} seq = 16 WHERE seq = 17",
        f"{UPDATE} seq = 17 WHERE seq = 1000",
    ),
    "a gap": ("DELETE FROM audit_log WHERE seq = 16",),
}


@pytest.fixture
def held(reviewed_folder: Path, tmp_path: Path) -> Path:
    """A checkpoint somebody kept, of a log that has gone on since."""
    with open_workspace(reviewed_folder) as workspace:
        write_checkpoint(workspace, tmp_path / "held.txt")
        for _ in range(9):
            with workspace.store.transaction():
                audit.append(workspace.store, "case.opened", "case:C-1", {})
    return tmp_path / "held.txt"


def by_several(folder: Path, held: Path, monkeypatch: pytest.MonkeyPatch) -> Verification:
    """The result of a check by two processes, in stretches of sixteen events."""
    with monkeypatch.context() as patch:
        patch.setattr(side_by_side, "ALONE", 0)
        patch.setattr(side_by_side, "STRETCH", 16)
        patch.setattr(side_by_side, "_processes", lambda: 2)
        return verify(folder, checkpoints=[held])


@pytest.mark.parametrize("attack", ATTACKS)
def test_several_processes_find_what_one_finds(
    reviewed_folder: Path, held: Path, attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Event by event, row by row, checkpoint by checkpoint: the very same result."""
    tamper(reviewed_folder, *ATTACKS[attack])
    alone = verify(reviewed_folder, checkpoints=[held])
    assert by_several(reviewed_folder, held, monkeypatch) == alone
    assert alone.ok == (attack == "nothing")


def test_progress_of_several_processes_reaches_the_end(
    reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And never goes beyond it."""
    monkeypatch.setattr(side_by_side, "ALONE", 0)
    monkeypatch.setattr(side_by_side, "STRETCH", 16)
    told: list[tuple[int, int]] = []
    verify(reviewed_folder, progress=lambda done, total: told.append((done, total)))
    assert len(told) > 2 and told[-1][0] == told[-1][1] and all(done <= total for done, total in told)


def test_a_process_that_ends_is_no_verdict(reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that was not made to its end must not pass for one that found nothing."""
    monkeypatch.setattr(side_by_side, "ALONE", 0)
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(AuditError, match="could not be finished"):
        verify(reviewed_folder)


def test_what_a_process_found_survives_the_way_back(reviewed_folder: Path) -> None:
    """Every part of it is told as JSON and read again."""
    from hitl_review.store import inspection

    with inspection.opened(reviewed_folder / "review.db") as store:
        found = walk(store, sizes=[3])
    assert from_json(json.loads(json.dumps(as_json(found)))) == found
    assert found.checkpoints and found.opened and found.opening and 3 in found.places


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 15, 16, 17, 40])
def test_trees_of_stretches_join_to_the_tree_of_the_whole(count: int) -> None:
    """For every length of the last stretch, and every number of full ones."""
    leaves = [bytes([number]) * 32 for number in range(count)]
    whole = Frontier()
    for start in range(0, count, 8):
        whole = whole.joined(Frontier().grown(leaves[start : start + 8]))
    assert whole == Frontier().grown(leaves)


def test_a_broken_walk_is_joined_as_broken(reviewed_folder: Path) -> None:
    """One stretch that can't be read is enough."""
    from hitl_review.store import inspection

    with inspection.opened(reviewed_folder / "review.db") as store:
        first, second = walk(store, after=0, upto=16), walk(store, after=16)
    second.whole = False
    assert not joined([first, second]).whole
    assert joined([first, second]).rows == first.rows + second.rows


def test_the_key_a_damaged_opening_names_is_none() -> None:
    """Nothing is then signed with it."""
    assert side_by_side._opening_key(None) == ""
    assert side_by_side._opening_key((1, "e", "p", "{", "h")) == ""
