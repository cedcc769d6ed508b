"""Logs that tell of long work what no worker does: ends without a start, two ends, attempts that nobody made.

Jobs are rows that change in place, so of what came in between only the events tell. On the other side stands what
a worker does: it is lost, told to stop, or fails, and the job is tried once more.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hitl_review.domain.account import SYSTEM
from hitl_review.store import inspection
from hitl_review.store.jobs import Job, JobKind
from hitl_review.workflow import jobs
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.job_order import OUT_OF_ORDER, JobTold, job_problems
from hitl_review.workflow.workspace import Workspace, open_workspace
from tests.attacks.retelling import Found, Payload, Story, found, retold
from tests.tampering import tamper
from tests.ward import Clock

OTHER_ROW = "a row in jobs was changed: when it was started last, or how often, is not what the log tells"


def asked(story: Story) -> Payload:
    """Return the event with which the job was asked for that is done."""
    return story.first("job.queued", subject=story.first("job.started")["subject"])


def no_start(story: Story) -> Payload:
    """Let a job end that nobody started."""
    story.payloads.remove(story.first("job.started"))
    story.write("UPDATE jobs SET started_at = NULL WHERE state = 'done'")
    return story.first("job.finished")


def start_before_it_was_asked_for(story: Story) -> Payload:
    """Let the job be started first."""
    start, before = story.first("job.started"), asked(story)
    story.payloads.remove(start)
    story.payloads.insert(story.payloads.index(before), start)
    start["at"] = before["at"]
    story.write("UPDATE jobs SET started_at = ? WHERE state = 'done'", start["at"])
    return start


def start_behind_its_end(story: Story) -> Payload:
    """Let the job be started when it is over."""
    return story.add(story.first("job.started"))


def second_attempt_first(story: Story) -> Payload:
    """Let nobody have made the first attempt."""
    story.write("UPDATE jobs SET attempts = 2 WHERE state = 'done'")
    story.first("job.finished")["detail"]["attempt"] = 2
    start = story.first("job.started")
    start["detail"]["attempt"] = 2
    return start


def attempt_that_is_no_number(story: Story) -> Payload:
    """Tell that it was tried truly."""
    start = story.first("job.started")
    start["detail"]["attempt"] = True
    return start


def start_of_another_kind(story: Story) -> Payload:
    """Let a worker start something else than was asked for."""
    start = story.first("job.started")
    start["detail"]["kind"] = "retrain"
    return start


def start_of_a_job_that_is_none(story: Story) -> Payload:
    """Let a worker start what nobody asked for."""
    return story.add(story.first("job.started"), subject="job:none")


def two_of_a_kind(story: Story) -> Payload:
    """Ask for a job while one of its kind waits."""
    told = story.add(story.last("job.queued", kind="rescore"), event_id="forged-job", subject="job:forged-job")
    values = {"job_id": "forged-job", "dedupe": "more", "queued_at": told["at"]}
    story.copy("jobs", "kind = 'rescore' AND state = 'waiting'", **values)
    return told


@pytest.mark.parametrize(
    "deed",
    [
        *(no_start, start_before_it_was_asked_for, start_behind_its_end, second_attempt_first),
        *(attempt_that_is_no_number, start_of_another_kind, start_of_a_job_that_is_none, two_of_a_kind),
    ],
)
def test_what_no_worker_does_is_found(whole_folder: Path, deed: Any) -> None:
    """At its event, by the order of the events alone."""
    with retold(whole_folder) as story:
        wrong = deed(story)
    assert (story.place(wrong), "impossible", OUT_OF_ORDER) in found(whole_folder)


def test_a_second_end_is_found(whole_folder: Path) -> None:
    """Told again at the same time, so that it agrees with its row."""
    with retold(whole_folder) as story:
        end = story.first("job.finished")
        wrong = story.add(end, at=end["at"])
        story.come_too_late(wrong, end)
    assert (story.place(wrong), "impossible", OUT_OF_ORDER) in found(whole_folder)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE jobs SET started_at = queued_at WHERE state = 'done'",
        "UPDATE jobs SET started_at = NULL WHERE state = 'done'",
        "UPDATE jobs SET started_at = queued_at WHERE state = 'waiting'",
        "UPDATE jobs SET attempts = 1 WHERE state = 'waiting'",
        "UPDATE jobs SET attempts = -1 WHERE state = 'waiting'",
    ],
)
def test_a_row_that_is_not_where_the_last_start_left_it_is_found(whole_folder: Path, sql: str) -> None:
    """Nobody started those that wait."""
    tamper(whole_folder, sql)
    assert set(found(whole_folder)) == {(None, "row_differs", OTHER_ROW)}


def nothing(workspace: Workspace, job: Job) -> None:
    """Leave a job running, as a worker does that is killed."""


def told_to_stop(workspace: Workspace, job: Job) -> None:
    """Put it back, as a worker does that has to stop."""
    jobs.leave(workspace, job)


def fault(workspace: Workspace, job: Job) -> None:
    """Fail, so that it waits for its second attempt, or is given up."""
    jobs.fail(workspace, job, words="broke off")


def refusal(workspace: Workspace, job: Job) -> None:
    """Fail for good."""
    jobs.fail(workspace, job, words="Nothing to train on.", for_good=True)


def done(workspace: Workspace, job: Job) -> None:
    """End it."""
    jobs.finish(workspace, job, words="was done")


@pytest.mark.parametrize("step", [120.0, -90_000.0], ids=["time_passes", "time_goes_back"])
@pytest.mark.parametrize(
    "ways",
    [
        [nothing],
        [nothing, nothing],
        [nothing, nothing, done],
        [told_to_stop],
        [told_to_stop, nothing, done],
        [nothing, told_to_stop, told_to_stop, fault],
        [fault],
        [fault, fault, refusal],
        [told_to_stop, fault, told_to_stop, done, nothing],
    ],
)
def test_what_a_worker_does_is_not_found(reviewed_folder: Path, ways: list[Any], step: float) -> None:
    """After each step, and whatever the clock did: a worker that was lost twice gives its job up.

    A job that began with what is no more gets another one behind it, which waits.
    """
    clock = Clock()
    with open_workspace(reviewed_folder, clock=clock) as workspace:
        jobs.ask(workspace, JobKind.MONITOR, actor=SYSTEM)
        jobs.ask(workspace, JobKind.RESCORE, actor=SYSTEM)
        for way in ways:
            clock.advance(step)
            job = jobs.claim(workspace, "worker-1", lease=timedelta(seconds=60))
            if job is not None:
                way(workspace, job)
            jobs.ask(workspace, JobKind.MONITOR, actor=SYSTEM)
            with workspace.store.transaction(SYSTEM):
                jobs.ask_in(workspace, JobKind.RESCORE, cause="another model is in use now", anew=True)
            problems: Found = [(each.seq, each.kind, each.message) for each in verify(reviewed_folder).problems]
            assert problems == []


@pytest.mark.parametrize(
    ("row", "is_found"),
    [
        ("state = 'waiting', attempts = 0, started_at = NULL", False),
        ("state = 'waiting', attempts = 1, started_at = NULL", True),
        ("state = 'waiting', attempts = 0, started_at = 'then'", True),
    ],
)
def test_a_row_of_which_no_event_tells_was_never_started(whole_folder: Path, row: str, is_found: bool) -> None:
    """That it is there at all is told elsewhere."""
    tamper(whole_folder, "DELETE FROM jobs WHERE rowid > 1")
    tamper(whole_folder, f"UPDATE jobs SET {row}, ended_at = NULL")
    with inspection.opened(whole_folder / "review.db") as store:
        assert [each.message for each in job_problems(store, [])] == ([OTHER_ROW] if is_found else [])


@pytest.mark.parametrize(("state", "wanted"), [("running", {3}), ("waiting", {2, 3})])
def test_only_a_job_that_was_put_back_lost_an_attempt(whole_folder: Path, state: str, wanted: set[int]) -> None:
    """And no more than one."""
    told: list[JobTold] = [(1, "job.queued", "j-1", "monitor", None, "t0")]
    told += [(1 + each, "job.started", "j-1", "monitor", each, f"t{each}") for each in (1, 2, 3)]
    tamper(whole_folder, "DELETE FROM jobs WHERE rowid > 1")
    found_with = set()
    for attempts in range(6):
        words = f"job_id = 'j-1', state = '{state}', attempts = {attempts}, started_at = 't3'"
        tamper(whole_folder, f"UPDATE jobs SET {words}, ended_at = NULL")
        with inspection.opened(whole_folder / "review.db") as store:
            found_with |= set() if list(job_problems(store, told)) else {attempts}
    assert found_with == wanted
