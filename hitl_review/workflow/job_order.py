"""Long work as the log tells it: asked for, started, ended, in that order, and where its rows stand at the end.

A job's row changes in place, so what it said in between is gone. The events say it, and the program writes them
in one order only: no start before somebody asked, no end without a start, no second end. One of a kind waits for its
first start at a time; another may be asked for while one runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from hitl_review.domain.verification import Problem
from hitl_review.store import counterparts
from hitl_review.store.connection import Store

JobTold = tuple[int, str, str, Any, Any, str]
"""Number, action, job, kind, attempt and time of an event about a job; the one that asks for it tells no attempt."""
OUT_OF_ORDER: Final = "a job was asked for, started or ended out of its order"


def job_problems(store: Store, told: Sequence[JobTold]) -> Iterator[Problem]:
    """Yield where jobs take no way that a worker takes, and rows that are not where the last start left them."""
    stands: dict[str, tuple[str, Any, int, str | None]] = {}
    waiting: set[str] = set()
    for seq, action, job, kind, attempt, at in told:
        before, of_kind, reached, started = stands.get(job, ("", kind, 0, None))
        if action == "job.queued":
            fits, attempt = not before and str(kind) not in waiting, 0
            waiting.add(str(kind))
        elif action == "job.started":
            fits = before in ("job.queued", "job.started") and attempt in (max(reached, 1), reached + 1)
            started = at
            waiting.discard(str(kind))
        else:
            fits = before == "job.started" and attempt == reached
        if not fits or kind != of_kind or type(attempt) is not int:
            yield Problem(seq, "impossible", OUT_OF_ORDER)
            attempt = reached
        stands[job] = (action, of_kind, attempt, started)
    for job, state, attempts, last_start in counterparts.jobs_that_stand(store):
        _, _, reached, told_start = stands.get(job, ("", "", 0, None))
        # A worker that was told to stop puts its job back, and the attempt that it broke off does not count.
        least = max(reached - 1, 0) if state == "waiting" else reached
        if last_start != told_start or attempts not in range(least, reached + 1):
            words = "a row in jobs was changed: when it was started last, or how often, is not what the log tells"
            yield Problem(None, "row_differs", words)
