"""The worker: a process beside the pages that collects labels, watches the triggers, and does the long work.

Several may run: of those that race for a job one gets it. A heartbeat in a thread of its own, with a
connection of its own, keeps the lease while a fit takes long; when the process is killed the lease runs
out and the job is tried once more.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final
from uuid import uuid4

from hitl_review.errors import HitlError, StoreUnavailable, WorkspaceMissing
from hitl_review.store.jobs import Job, JobKind
from hitl_review.workflow import jobs, triggers
from hitl_review.workflow.fault_lines import lines_of
from hitl_review.workflow.labelling import collect_labels
from hitl_review.workflow.workspace import Workspace, open_workspace

LOOK_SECONDS: Final = 1.0
"""How often a worker looks for a job."""
COLLECT_SECONDS: Final = 60.0
"""How often it collects labels and looks at the triggers."""
BEATS: Final = 6
"""Heartbeats in the time of one lease: one that is late must not cost the job."""
Result = tuple[str, Mapping[str, Any]]
Told = Callable[[float, str], None]


def work(
    folder: Path,
    *,
    once: bool = False,
    stop: Event | None = None,
    told: Callable[[str], None] = print,
    lease: timedelta = jobs.LEASE,
) -> int:
    """Do jobs until stopped, or with `once` until none waits; return how many were ended.

    `lease` is for how long a job stays this worker's without a sign of life: after that, another takes it.
    """
    stop, owner, done = stop or Event(), f"{socket.gethostname()[:40]}-{os.getpid()}-{uuid4().hex[:6]}", 0
    waited = COLLECT_SECONDS
    while not stop.is_set():
        try:
            with open_workspace(folder) as workspace:
                if waited >= COLLECT_SECONDS:
                    waited = 0.0
                    _tend(workspace)
                ended = _next_job(workspace, owner, stop, told, lease)
        except (StoreUnavailable, WorkspaceMissing) as trouble:  # a disk that is full, or away for a while
            if once:
                raise
            told(str(trouble))
            ended = False
        done += ended
        if not ended:
            if once:
                break
            stop.wait(LOOK_SECONDS)
            waited += LOOK_SECONDS
    return done


def _tend(workspace: Workspace) -> None:
    """Collect labels and queue what the triggers ask for."""
    collect_labels(workspace)
    triggers.look(workspace)


def _next_job(
    workspace: Workspace, owner: str, stop: Event, told: Callable[[str], None], lease: timedelta
) -> bool:
    job = jobs.claim(workspace, owner, lease=lease)
    if job is None:
        return False
    told(f"{job.kind.value}: {job.cause}")
    try:
        with _beating(workspace.folder, job, lease):
            words, result = _DOERS[job.kind](workspace, _progress(workspace, job, stop, lease))
        jobs.finish(workspace, job, words=words, result=result)
        told(f"{job.kind.value}: {words}")
    except Stopped:
        jobs.leave(workspace, job)
    except StoreUnavailable as trouble:  # a lock that was held, or a disk that was full: that passes
        told(f"{job.kind.value}: {trouble}")
        jobs.fail(workspace, job, words=str(trouble))
    except HitlError as refusal:
        # What can't be done now can't be done a moment later either: the sentence says what to do first.
        told(f"{job.kind.value}: {refusal}")
        jobs.fail(workspace, job, words=str(refusal), for_good=True)
    except Exception as fault:
        # A fault of ours must not end the worker: the job is tried once more, and its end is an event.
        told(f"{job.kind.value} broke off: {type(fault).__name__}")
        print(lines_of(fault), file=sys.stderr, flush=True)
        jobs.fail(workspace, job, words=f"broke off by a fault ({type(fault).__name__})")
    except BaseException:
        jobs.leave(workspace, job)
        raise
    return True


class Stopped(Exception):
    """The worker was told to stop in the middle of a job."""


def _progress(workspace: Workspace, job: Job, stop: Event, lease: timedelta) -> Told:
    def told(share: float, words: str) -> None:
        if stop.is_set():
            raise Stopped
        jobs.beat(workspace, job, share=share, words=words, lease=lease)

    return told


@contextmanager
def _beating(folder: Path, job: Job, lease: timedelta) -> Iterator[None]:
    """Prolong the job's lease for the time of the block, from a thread with a connection of its own."""
    over = Event()

    def beat() -> None:
        while not over.wait(lease.total_seconds() / BEATS):
            try:
                with open_workspace(folder) as workspace:
                    jobs.beat(workspace, job, lease=lease)
            except HitlError:
                return  # the job was taken over, or the store is gone: the main thread meets it too

    thread = Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _retrain(workspace: Workspace, told: Told) -> Result:
    from hitl_review.workflow.retraining import retrain

    made = retrain(workspace, progress=told)
    return made.words, made.as_json()


def _rescore(workspace: Workspace, told: Told) -> Result:
    from hitl_review.workflow.scoring import rescore_open

    count = rescore_open(workspace, progress=lambda done: told(0.5, f"{done:,} cases judged"))
    return f"{count:,} open cases judged", {"scored": count}


def _monitor(workspace: Workspace, told: Told) -> Result:
    from hitl_review.workflow.monitoring import monitor

    found = monitor(workspace, progress=told)
    return found.words, {"monitoring": found.event_id, "alarms": list(found.alarms)}


_DOERS: Final[Mapping[JobKind, Callable[[Workspace, Told], Result]]] = {
    JobKind.RETRAIN: _retrain,
    JobKind.RESCORE: _rescore,
    JobKind.MONITOR: _monitor,
}
