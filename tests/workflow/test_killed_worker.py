"""A worker's process is killed in the middle of its work, as a power cut does; another one does the work."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from hitl_review.store import audit, gates, jobs, models
from hitl_review.store.jobs import Job, JobKind, JobState
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.jobs import ask
from hitl_review.workflow.workspace import Workspace

LEASE = timedelta(seconds=2)
PATIENCE = 120.0


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
