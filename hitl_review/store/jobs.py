"""Long work that waits, runs or has ended: a table that changes in place, claimed by a lease.

A worker that claims a job holds it until `lease_until` and prolongs that by heartbeats; a worker that
was killed lets it run out, and the job is tried once more. One job of a kind waits at a time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from hitl_review.domain.audit import canonical_json, moment, stamp
from hitl_review.store.connection import Row, Store

LONGEST_LEASE: Final = timedelta(days=1)
_RAN_OUT: Final = "(lease_until <= :now OR lease_until > :latest)"
"""A lease beyond every lease was given by a clock that was set back since, and would hold for years."""
ATTEMPTS: Final = 2
"""A job is tried once more when its worker was killed or failed."""


class JobKind(StrEnum):
    """What is to be done."""

    RETRAIN = "retrain"
    RESCORE = "rescore"
    MONITOR = "monitor"


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of long work."""

    job_id: str
    kind: JobKind
    cause: str
    """Why it was queued, in words."""
    asked_by: str
    state: JobState
    attempts: int
    owner: str | None
    lease_until: datetime | None
    share: float
    """How much is done, 0 to 1."""
    words: str
    """What is being done, or how it ended."""
    result: Mapping[str, Any] | None
    queued_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it waits or runs."""
        return self.state in (JobState.WAITING, JobState.RUNNING)


def add(store: Store, job_id: str, kind: JobKind, *, dedupe: str, cause: str) -> None:
    """Queue a job; the schema lets one with the same `dedupe` be open at a time."""
    now, by = stamp(store.current().now), store.current().actor.account_id
    store.insert(
        "INSERT INTO jobs (job_id, kind, dedupe, cause, asked_by, state, attempts, share, words, queued_at)"
        " VALUES (?, ?, ?, ?, ?, 'waiting', 0, 0.0, 'waits for the worker', ?)",
        (job_id, kind.value, dedupe, cause, by, now),
    )


def open_jobs(store: Store, kind: JobKind) -> list[Job]:
    """Return the jobs of a kind that wait or run, the one that was queued first before the others."""
    sql = "SELECT * FROM jobs WHERE kind = ? AND state IN ('waiting', 'running') ORDER BY rowid"
    return [_job(row) for row in store.rows(sql, (kind.value,))]


def get(store: Store, job_id: str) -> Job | None:
    """Return a job, or None."""
    row = store.row("SELECT * FROM jobs WHERE job_id = ?", (job_id,))
    return None if row is None else _job(row)


def newest(store: Store, *, limit: int, kind: JobKind | None = None) -> list[Job]:
    """Return the jobs that were queued last, the newest first."""
    rows = store.rows(
        "SELECT * FROM jobs WHERE ?1 IS NULL OR kind = ?1 ORDER BY queued_at DESC, rowid DESC LIMIT ?2",
        (None if kind is None else kind.value, limit),
    )
    return [_job(row) for row in rows]


def claim(store: Store, owner: str, *, until: datetime) -> Job | None:
    """Take the job that waits longest, or one whose worker let the lease run out; None if there is none."""
    names = {**_moments(store), "owner": owner, "until": stamp(until), "attempts": ATTEMPTS}
    row = store.db.conn.execute(
        "UPDATE jobs SET state = 'running', owner = :owner, lease_until = :until, attempts = attempts + 1,"
        " started_at = :now WHERE job_id = (SELECT job_id FROM jobs WHERE attempts < :attempts AND"
        f" (state = 'waiting' OR (state = 'running' AND {_RAN_OUT})) ORDER BY queued_at, rowid LIMIT 1)"
        " RETURNING *",
        names,
    ).fetchone()
    return None if row is None else _job(row)


def _moments(store: Store) -> dict[str, object]:
    now = store.current().now
    return {"now": stamp(now), "latest": stamp(now + LONGEST_LEASE)}


def lost(store: Store) -> list[Job]:
    """Return the jobs whose worker is gone and that may not be tried again."""
    rows = store.db.execute(
        f"SELECT * FROM jobs WHERE state = 'running' AND {_RAN_OUT} AND attempts >= :attempts",
        {**_moments(store), "attempts": ATTEMPTS},
    ).fetchall()
    return [_job(row) for row in rows]


def beat(
    store: Store,
    job_id: str,
    owner: str,
    *,
    until: datetime,
    share: float | None = None,
    words: str | None = None,
) -> bool:
    """Prolong a lease and note how far the job is; False if it is no longer this owner's."""
    row = store.row(
        "UPDATE jobs SET lease_until = ?3, share = coalesce(?4, share), words = coalesce(?5, words)"
        " WHERE job_id = ?1 AND owner = ?2 AND state = 'running' RETURNING 1",
        (job_id, owner, stamp(until), share, words),
    )
    return row is not None


def end(
    store: Store,
    job_id: str,
    owner: str | None,
    state: JobState,
    *,
    words: str,
    result: Mapping[str, Any] | None,
) -> bool:
    """Note how a job ended; False if it is no longer this owner's."""
    row = store.row(
        "UPDATE jobs SET state = ?3, words = ?4, result = ?5, ended_at = ?6, lease_until = NULL,"
        " share = CASE ?3 WHEN 'done' THEN 1.0 ELSE share END"
        " WHERE job_id = ?1 AND owner IS ?2 AND state = 'running' RETURNING 1",
        (
            job_id,
            owner,
            state.value,
            words,
            None if result is None else canonical_json(result),
            stamp(store.current().now),
        ),
    )
    return row is not None


def put_back(store: Store, job_id: str, owner: str, *, words: str, counted: bool) -> bool:
    """Let a job wait again; unless `counted`, the attempt that was broken off does not count."""
    row = store.row(
        "UPDATE jobs SET state = 'waiting', owner = NULL, lease_until = NULL, words = ?3,"
        " attempts = attempts - ?4 WHERE job_id = ?1 AND owner = ?2 AND state = 'running' RETURNING 1",
        (job_id, owner, words, 0 if counted else 1),
    )
    return row is not None


def _job(row: Row) -> Job:
    def when(name: str) -> datetime | None:
        return None if row[name] is None else moment(row[name])

    return Job(
        row["job_id"],
        JobKind(row["kind"]),
        row["cause"],
        row["asked_by"],
        JobState(row["state"]),
        row["attempts"],
        row["owner"],
        when("lease_until"),
        row["share"],
        row["words"],
        None if row["result"] is None else json.loads(row["result"]),
        moment(row["queued_at"]),
        when("started_at"),
        when("ended_at"),
    )
