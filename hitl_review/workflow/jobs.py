"""Long work is asked for, claimed, reported on and ended; each of these but the heartbeats is an event.

Pages only ask and look. What does the work is `working`, in a process of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.errors import Conflict
from hitl_review.store import audit, jobs
from hitl_review.store.jobs import ATTEMPTS, Job, JobKind, JobState
from hitl_review.workflow.workspace import Workspace

LEASE: Final = timedelta(seconds=60)
"""How long a claim holds without a heartbeat, unless a worker is told otherwise."""
_TAKES: Final = {
    JobKind.RETRAIN: Permission.TRAIN,
    JobKind.RESCORE: Permission.TRAIN,
    JobKind.MONITOR: Permission.READ_GATE,
}


def ask(
    workspace: Workspace, kind: JobKind, *, actor: Actor = SYSTEM, cause: str = "asked by a person"
) -> Job:
    """Queue a job, or return the one of its kind that is open already: asking twice is doing once."""
    require(actor, _TAKES[kind])
    with workspace.store.transaction(actor):
        return ask_in(workspace, kind, cause=cause)


def ask_in(workspace: Workspace, kind: JobKind, *, cause: str, anew: bool = False) -> Job:
    """Queue a job inside the open transaction: it is there if and only if what it follows from is.

    With `anew`, one that runs already is not enough, because it began with what is no more: another waits behind it.
    """
    store = workspace.store
    open_ones = jobs.open_jobs(store, kind)
    found = [each for each in open_ones if not anew or each.state is JobState.WAITING]
    if found:
        return found[0]
    job_id = audit.new_token()
    dedupe = f"{kind.value} {job_id}" if open_ones else kind.value
    detail = {"kind": kind.value, "cause": cause}
    audit.append(store, "job.queued", f"job:{job_id}", detail, event_id=job_id)
    jobs.add(store, job_id, kind, dedupe=dedupe, cause=cause)
    return _there(workspace, job_id)


def claim(workspace: Workspace, owner: str, *, lease: timedelta = LEASE) -> Job | None:
    """Take the next job for a worker, for the time of a lease, or None. Of workers that race for it, one gets it.

    A job whose worker was lost twice is given up here, so that it does not stand as running for ever.
    """
    store = workspace.store
    with store.transaction(SYSTEM) as transaction:
        for gone in jobs.lost(store):
            _end(workspace, gone, JobState.FAILED, "its worker was lost, twice", None)
        found = jobs.claim(store, owner, until=transaction.now + lease)
        if found is not None:
            detail = {"kind": found.kind.value, "attempt": found.attempts}
            audit.append(store, "job.started", f"job:{found.job_id}", detail)
    return found


def beat(
    workspace: Workspace,
    job: Job,
    *,
    share: float | None = None,
    words: str | None = None,
    lease: timedelta = LEASE,
) -> None:
    """Say that a job is alive, and how far it is. Raises Conflict when another worker took it over."""
    assert job.owner is not None
    store = workspace.store
    with store.transaction(SYSTEM) as transaction:
        until = transaction.now + lease
        alive = jobs.beat(store, job.job_id, job.owner, until=until, share=share, words=words)
    if not alive:
        raise Conflict("Another worker took this job over, so this one leaves it.")


def finish(workspace: Workspace, job: Job, *, words: str, result: Mapping[str, Any] | None = None) -> None:
    """Note that a job is done. Raises Conflict when another worker took it over."""
    with workspace.store.transaction(SYSTEM):
        if not _end(workspace, job, JobState.DONE, words, result):
            raise Conflict("Another worker took this job over, so its end is not noted twice.")


def fail(workspace: Workspace, job: Job, *, words: str, for_good: bool = False) -> None:
    """Note that a job failed: it waits for its second attempt, or has failed for good."""
    assert job.owner is not None
    store = workspace.store
    with store.transaction(SYSTEM):
        if for_good or job.attempts >= ATTEMPTS:
            _end(workspace, job, JobState.FAILED, words, None)
        else:
            jobs.put_back(store, job.job_id, job.owner, words=words, counted=True)


def leave(workspace: Workspace, job: Job) -> None:
    """Put a job back that this worker can't end because it was told to stop; the attempt does not count."""
    assert job.owner is not None
    with workspace.store.transaction(SYSTEM):
        jobs.put_back(workspace.store, job.job_id, job.owner, words="waits for the worker", counted=False)


def _end(
    workspace: Workspace, job: Job, state: JobState, words: str, result: Mapping[str, Any] | None
) -> bool:
    if not jobs.end(workspace.store, job.job_id, job.owner, state, words=words, result=result):
        return False
    action = "job.finished" if state is JobState.DONE else "job.failed"
    detail = {"kind": job.kind.value, "words": words, "attempt": job.attempts}
    audit.append(workspace.store, action, f"job:{job.job_id}", detail)
    return True


def _there(workspace: Workspace, job_id: str) -> Job:
    found = jobs.get(workspace.store, job_id)
    assert found is not None
    return found
