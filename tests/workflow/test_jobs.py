"""Long work is asked for once, claimed by one, kept alive by heartbeats, and tried once more when a worker is lost."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from hitl_review.domain.account import Actor
from hitl_review.errors import Conflict, NotPermitted
from hitl_review.store import audit, jobs
from hitl_review.store.jobs import JobKind, JobState
from hitl_review.workflow.jobs import LEASE, ask, beat, claim, fail, finish, leave
from hitl_review.workflow.workspace import Workspace, open_workspace
from tests.ward import Clock
from tests.ward_learning import STEWARD


def actions(workspace: Workspace) -> list[str]:
    """What the log tells of jobs."""
    told = [event.told["action"] for event in audit.events(workspace.store)]
    return [action for action in told if action.startswith("job.")]


def test_asking_twice_is_doing_once(workspace: Workspace) -> None:
    """While a job of a kind is open, the same one is meant."""
    first, second = ask(workspace, JobKind.RETRAIN, actor=STEWARD), ask(workspace, JobKind.RETRAIN)
    assert first.job_id == second.job_id and first.asked_by == "steward-1"
    assert actions(workspace) == ["job.queued"]


def test_a_reader_asks_for_no_training(workspace: Workspace, reader: Actor) -> None:
    """It takes the role."""
    with pytest.raises(NotPermitted):
        ask(workspace, JobKind.RETRAIN, actor=reader)


def test_of_thirty_two_workers_that_race_one_wins(workspace: Workspace, folder: Path) -> None:
    """Each in a thread with a connection of its own, all let go at once."""
    ask(workspace, JobKind.MONITOR)
    ready, won = threading.Barrier(32), []

    def race(number: int) -> None:
        with open_workspace(folder) as own:
            ready.wait()
            if claim(own, f"worker-{number}") is not None:
                won.append(number)

    racers = [threading.Thread(target=race, args=(number,)) for number in range(32)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert len(won) == 1
    (job,) = jobs.newest(workspace.store, limit=9)
    assert (job.state, job.owner, job.attempts) == (JobState.RUNNING, f"worker-{won[0]}", 1)
    assert actions(workspace) == ["job.queued", "job.started"]


def test_a_lost_worker_s_job_is_tried_once_more_and_then_given_up(workspace: Workspace, clock: Clock) -> None:
    """The lease runs out; the second loss is a failure that is told."""
    ask(workspace, JobKind.RETRAIN)
    assert claim(workspace, "first") is not None
    assert claim(workspace, "second") is None, "the lease holds"
    clock.advance(LEASE.total_seconds() + 1)
    again = claim(workspace, "second")
    assert again is not None and again.attempts == 2
    clock.advance(LEASE.total_seconds() + 1)
    assert claim(workspace, "third") is None
    (job,) = jobs.newest(workspace.store, limit=9)
    assert job.state is JobState.FAILED and "lost" in job.words
    assert actions(workspace) == ["job.queued", "job.started", "job.started", "job.failed"]


def test_a_heartbeat_prolongs_the_lease_and_shows_progress(workspace: Workspace, clock: Clock) -> None:
    """So that long work is not taken away, and a page can show how far it is; no event is made of it."""
    ask(workspace, JobKind.RETRAIN)
    job = claim(workspace, "first")
    assert job is not None
    clock.advance(LEASE.total_seconds() - 1)
    beat(workspace, job, share=0.5, words="fitting")
    clock.advance(LEASE.total_seconds() - 1)
    assert claim(workspace, "second") is None
    (seen,) = jobs.newest(workspace.store, limit=1)
    assert (seen.share, seen.words) == (0.5, "fitting")
    assert actions(workspace) == ["job.queued", "job.started"]


def test_a_worker_that_comes_back_too_late_does_not_end_another_s_job(
    workspace: Workspace, clock: Clock
) -> None:
    """Its job was taken over meanwhile."""
    ask(workspace, JobKind.RETRAIN)
    slow = claim(workspace, "slow")
    clock.advance(LEASE.total_seconds() + 1)
    quick = claim(workspace, "quick")
    assert slow is not None and quick is not None
    with pytest.raises(Conflict, match="took this job over"):
        beat(workspace, slow)
    with pytest.raises(Conflict, match="took this job over"):
        finish(workspace, slow, words="done")
    finish(workspace, quick, words="done", result={"n": 1})
    (job,) = jobs.newest(workspace.store, limit=1)
    assert (job.state, job.result, job.share) == (JobState.DONE, {"n": 1}, 1.0)


def test_a_fault_is_tried_once_more_and_a_refusal_is_not(workspace: Workspace) -> None:
    """What can't be done now can't be done a moment later either."""
    ask(workspace, JobKind.RETRAIN)
    for attempt in (1, 2):
        job = claim(workspace, "one")
        assert job is not None and job.attempts == attempt
        fail(workspace, job, words="a fault")
    assert claim(workspace, "one") is None
    ask(workspace, JobKind.RETRAIN)
    job = claim(workspace, "one")
    assert job is not None
    fail(workspace, job, words="nothing to learn from", for_good=True)
    assert claim(workspace, "one") is None


def test_a_worker_that_is_told_to_stop_puts_its_job_back(workspace: Workspace) -> None:
    """And the attempt does not count."""
    ask(workspace, JobKind.RETRAIN)
    job = claim(workspace, "one")
    assert job is not None
    leave(workspace, job)
    again = claim(workspace, "two")
    assert again is not None and again.attempts == 1


def test_the_lease_is_longer_than_several_heartbeats() -> None:
    """One that is late must not cost the job."""
    from hitl_review.workflow.working import BEATS

    assert BEATS >= 3


def test_a_lease_can_be_set(workspace: Workspace, clock: Clock) -> None:
    """For the claim, and for each sign of life after it."""
    ask(workspace, JobKind.RETRAIN)
    job = claim(workspace, "first", lease=timedelta(seconds=5))
    assert job is not None and job.lease_until == clock() + timedelta(seconds=5)
    clock.advance(4)
    beat(workspace, job, lease=timedelta(seconds=7))
    (seen,) = jobs.newest(workspace.store, limit=1)
    assert seen.lease_until == clock() + timedelta(seconds=7)
    clock.advance(8)
    assert claim(workspace, "second") is not None
