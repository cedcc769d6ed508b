"""A worker's process is killed in the middle of its work, as a power cut does; another one does the work."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hitl_review.store import audit, gates, jobs, models
from hitl_review.store.jobs import Job, JobKind, JobState
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.jobs import ask
from hitl_review.workflow.workspace import Workspace

LEASE = timedelta(seconds=2)
PATIENCE = 120.0


def test_a_worker_goes_on_when_its_workspace_is_back_and_ends_in_silence(hospital: Workspace) -> None:
    """The disk was away for a while; whoever serves the pages would not notice that nobody works beside them."""
    folder, away = hospital.folder, hospital.folder.with_name("away")
    command = [sys.executable, "-m", "hitl_review", "worker", str(folder), "--attached"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def says(words: str) -> None:
        assert process.stdout is not None
        while words not in process.stdout.readline():
            assert process.poll() is None

    try:
        ask(hospital, JobKind.MONITOR)
        says("monitor:")  # begun
        says("monitor:")  # ended
        folder.rename(away)
        says("There is no workspace")
        away.rename(folder)
        ask(hospital, JobKind.MONITOR)
        says("monitor:")
    finally:
        _, told = process.communicate(timeout=PATIENCE)
    assert (process.returncode, told) == (0, "")


def test_a_worker_without_a_workspace_ends_with_one_sentence(tmp_path: Path) -> None:
    """With its standard input still open, as `serve` leaves it."""
    command = [sys.executable, "-m", "hitl_review", "worker", str(tmp_path / "none"), "--attached"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None and process.wait(PATIENCE) == 2
        assert process.stderr.read().count("\n") == 1


@contextmanager
def worker(workspace: Workspace) -> Iterator[subprocess.Popen[bytes]]:
    """A worker as `hitl-review worker` runs one, in a process of its own, with a short lease."""
    asked = ("worker", str(workspace.folder), "--lease-seconds", f"{LEASE.total_seconds():g}")
    process = subprocess.Popen([sys.executable, "-m", "hitl_review", *asked], stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def job_of(workspace: Workspace) -> Job:
    """The one job of training."""
    (job,) = jobs.newest(workspace.store, limit=9, kind=JobKind.RETRAIN)
    return job


def wait_for(workspace: Workspace, state: JobState, process: subprocess.Popen[bytes]) -> Job:
    """Wait until the job is in a state and has been reported on, and return it."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        job = job_of(workspace)
        if job.state is state and job.share > 0:
            return job
        time.sleep(0.02)
    raise AssertionError(f"the job is {job_of(workspace)}, the worker left with {process.poll()}")


def test_the_job_of_a_killed_worker_is_done_by_another_one(hospital: Workspace) -> None:
    """It stands as running until the lease is over; then it is tried once more, and its traces are whole."""
    ask(hospital, JobKind.RETRAIN)
    with worker(hospital) as process:
        begun = wait_for(hospital, JobState.RUNNING, process)
        process.kill()
        assert process.wait() == -9
    left = job_of(hospital)
    assert (left.state, left.attempts, left.owner) == (JobState.RUNNING, 1, begun.owner), "nothing was tidied up"
    assert left.lease_until is not None and left.lease_until <= datetime.now(UTC) + LEASE
    with worker(hospital) as second:
        ended = wait_for(hospital, JobState.DONE, second)
    assert ended.attempts == 2 and ended.owner != begun.owner
    told = [event.told for event in audit.events(hospital.store)]
    mine = [each["action"] for each in told if each["subject"] == f"job:{ended.job_id}"]
    assert mine == ["job.queued", "job.started", "job.started", "job.finished"]
    assert len(models.versions(hospital.store)) == 2 and len(gates.everything(hospital.store)) == 1
    assert verify(hospital.folder).problems == ()
