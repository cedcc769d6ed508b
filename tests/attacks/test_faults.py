"""13, 32, 35: when the disk, a lock or the clock fails, an act happens whole or not at all, and people are told.."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hitl_review.errors import HitlError, StoreUnavailable
from hitl_review.store import accounts, audit
from hitl_review.store.connection import BUSY_SECONDS, DATABASE
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.backup import backup
from hitl_review.workflow.checkpointing import write_checkpoint
from hitl_review.workflow.review import open_case
from hitl_review.workflow.rotating import rotate_key
from hitl_review.workflow.workspace import open_workspace
from tests.attacks.desks import desk, furnish, stored_decisions
from tests.attacks.power import Machine
from tests.processes import forked, kill
from tests.ward import Clock

# The disk


def test_an_error_of_the_disk_at_any_write_or_sync_of_a_decision_stores_it_whole_or_not_at_all(
    furnished: Path, tmp_path: Path, machine: Machine
) -> None:
    """One failure, wherever it falls; the reader is told, presses again, and it is one decision."""
    disk = machine(None)
    refused = fails_at = 0
    while True:
        fails_at += 1
        disk.load(furnished)
        with open_workspace(furnished) as workspace:
            desk(1).decide(workspace, "decision-before")
            disk.fails_at = disk.done + fails_at
            try:
                desk(0).decide(workspace, "decision-0001")
            except HitlError as error:
                assert "nothing was stored" in str(error)
                assert not workspace.store.rows("SELECT 1 FROM decisions WHERE decision_id = 'decision-0001'")
                refused += 1
            ended, disk.fails_at = disk.done < disk.fails_at, None
            assert desk(0).decide(workspace, "decision-0001") == "decision-0001"
            assert workspace.store.rows("SELECT count(*) FROM decisions")[0][0] == 2
        if ended:
            break
    assert refused > 3
    disk.unload(furnished, tmp_path / "after", None)


# The lock


@pytest.mark.slow
@pytest.mark.parametrize("holder", ["another program", "another writer of ours"])
def test_a_lock_that_is_held_for_a_minute_is_given_up_and_told(furnished: Path, holder: str) -> None:
    """After thirty seconds a person is told that nothing was stored; when the lock is free, the act succeeds."""
    reading, writing = os.pipe()

    def hold() -> None:
        if holder == "another program":
            other = sqlite3.connect(furnished / DATABASE, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            os.write(writing, b"x")
            time.sleep(60)
        else:
            with open_workspace(furnished) as workspace, workspace.store.transaction():
                os.write(writing, b"x")
                time.sleep(60)

    began = time.monotonic()
    child = forked(hold)
    os.read(reading, 1)
    with open_workspace(furnished) as workspace:
        with pytest.raises(StoreUnavailable, match="nothing was stored"):
            desk(0).decide(workspace, "decision-0001")
        assert BUSY_SECONDS - 1 < time.monotonic() - began < 60
        assert stored_decisions(furnished) == set()
        time.sleep(max(0, 61 - (time.monotonic() - began)))
        desk(0).decide(workspace, "decision-0001")
    kill(child)
    assert stored_decisions(furnished) == {"decision-0001"}
    assert verify(furnished).ok


# The trigger that is missing


def test_without_its_triggers_nothing_is_decided(furnished: Path) -> None:
    """A log that could be changed is not written to, and the sentence says what to do."""
    connection = sqlite3.connect(furnished / DATABASE, isolation_level=None)
    connection.execute("DROP TRIGGER audit_log_no_update")
    connection.close()
    with pytest.raises(HitlError, match=r"Nothing was done.*audit verify"), open_workspace(furnished):
        pass
    assert "audit_log_no_update" in " ".join(verify(furnished).as_lines())


# The clock


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("2026-11-22T12:00:00+00:00", "2026-11-22T10:00:00+00:00", True),
        ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", False),
        ("2038-01-19T03:14:07+00:00", "2038-01-19T03:14:08+00:00", False),
        ("2038-01-19T03:14:08+00:00", "1970-01-01T00:00:00+00:00", True),
        ("2026-12-31T23:59:59+00:00", "2027-01-01T00:00:00+00:00", False),
    ],
    ids=["two hours back", "summer time ends", "year 2038", "2038 and back to 1970", "new year"],
)
def test_32_decisions_go_on_whatever_the_clock_does(
    tmp_path: Path, before: str, after: str, told: bool
) -> None:
    """A clock that went back is an event of its own; one that only changed its name on the wall is not."""
    clock = Clock(datetime.fromisoformat(before) - timedelta(minutes=5))
    folder = furnish(tmp_path / "ward", clock=clock)
    with open_workspace(folder, clock=clock) as workspace:
        clock.now = datetime.fromisoformat(before)
        desk(0).decide(workspace, "decision-0001")
        clock.now = datetime.fromisoformat(after)
        desk(2).decide(workspace, "decision-0002")
        newest = [event.told for event in audit.latest(workspace.store, limit=2)]
    assert (newest[1]["action"] == "clock.regressed") == told
    assert newest[0]["at"] == clock.now.astimezone(UTC).isoformat(timespec="microseconds").replace(
        "+00:00", "Z"
    )
    assert verify(folder).ok


@pytest.mark.parametrize("year", [1, 9999])
def test_a_clock_at_the_end_of_all_years_is_told_of_in_words(reviewed_folder: Path, year: int) -> None:
    """There is no moment before or behind it, at which a session or the hold of a case could end."""
    clock = Clock(datetime(year, 12, 31, 23, 59, tzinfo=UTC))
    with open_workspace(reviewed_folder, clock=clock) as workspace:
        reader = accounts.actor(workspace.store, "reader-1")
        with pytest.raises(StoreUnavailable, match=f"stands in the year {year}"):
            open_case(workspace, "C-6", actor=reader)
        clock.now = datetime(9998, 12, 31, tzinfo=UTC)
        open_case(workspace, "C-6", actor=reader)
    assert verify(reviewed_folder).ok


def test_32_a_checkpoint_or_a_new_key_at_the_moment_a_clock_went_back_fits_the_log(
    reviewed_folder: Path, tmp_path: Path
) -> None:
    """What is signed is the head behind `clock.regressed`, which stands between it and what came before."""
    with open_workspace(reviewed_folder) as workspace:
        last = audit.head(workspace.store).at
        assert last is not None
    with open_workspace(reviewed_folder, clock=Clock(last - timedelta(hours=2))) as workspace:
        write_checkpoint(workspace, tmp_path / "kept.txt")
    with open_workspace(reviewed_folder, clock=Clock(last - timedelta(hours=4))) as workspace:
        rotate_key(workspace)
        newest = [event.told["action"] for event in audit.latest(workspace.store, limit=6)]
    assert newest.count("clock.regressed") == 2
    found = verify(reviewed_folder, checkpoints=[tmp_path / "kept.txt"])
    assert found.ok, found.as_lines()


# Restoring


def test_a_team_goes_on_from_a_restored_backup_and_what_is_lost_is_not_hidden(
    furnished: Path, tmp_path: Path
) -> None:
    """What came after the backup is gone; the log goes on and verifies, and a checkpoint of it tells of the gap."""
    with open_workspace(furnished) as workspace:
        desk(0).decide(workspace, "decision-0001")
        write_checkpoint(workspace, tmp_path / "before.txt")
    copy = backup(furnished, tmp_path / "copy.db")
    with open_workspace(furnished) as workspace:
        desk(1).decide(workspace, "decision-lost")
        write_checkpoint(workspace, tmp_path / "after.txt")
    restored = tmp_path / "restored"
    restored.mkdir()
    shutil.copy(copy, restored / DATABASE)
    shutil.copy(furnished / "checkpoint.key", restored)
    with open_workspace(restored) as workspace:
        for turn in range(12):
            desk(turn).decide(workspace, f"decision-again-{turn}")
        write_checkpoint(workspace, tmp_path / "since.txt")
    assert stored_decisions(restored) == {"decision-0001", *(f"decision-again-{turn}" for turn in range(12))}
    assert verify(restored, checkpoints=[tmp_path / "before.txt", tmp_path / "since.txt"]).ok
    assert "written anew" in " ".join(verify(restored, checkpoints=[tmp_path / "after.txt"]).as_lines())
