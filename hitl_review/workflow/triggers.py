"""What starts long work without anybody asking: new labels, age, an alarm of the monitor, a day gone by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from hitl_review.domain.registry import ModelVersion
from hitl_review.store import alarms, jobs, labels, models
from hitl_review.store.jobs import Job, JobKind
from hitl_review.workflow.jobs import ask
from hitl_review.workflow.workspace import Workspace

MONITOR_EVERY: Final = timedelta(days=1)
DRIFT_LAMPS: Final = ("inputs", "scores")


def look(workspace: Workspace) -> list[Job]:
    """Queue what is due now, and return it. A job that is open already is not queued twice.

    A stopped model is followed by challengers as one in use is: readers go on, and what they say may bring
    the next. There is nothing to monitor of it.
    """
    newest, latest = models.newest_move(workspace.store), models.latest_in_use(workspace.store)
    if newest is None or latest is None:
        return []
    due = []
    cause = next(_reasons_to_retrain(workspace, models.version(workspace.store, latest)), None)
    if cause is not None:
        due.append(ask(workspace, JobKind.RETRAIN, cause=cause))
    if newest.model is not None and _monitoring_is_due(workspace):
        due.append(ask(workspace, JobKind.MONITOR, cause="a day has gone by"))
    return due


def _reasons_to_retrain(workspace: Workspace, champion: ModelVersion) -> Iterator[str]:
    """Yield why a challenger is due. The last run counts as an answer, whether it passed the gate or not."""
    policy, store, now = workspace.project.retraining, workspace.store, workspace.store.clock()
    runs = [job for job in jobs.newest(store, limit=1, kind=JobKind.RETRAIN)]
    newest = models.versions(store)[-1]
    since = max([champion.trained_at, newest.trained_at, *(run.queued_at for run in runs)])
    fresh = labels.count_since(store, since)
    if fresh >= policy.minimum_new_labels:
        yield f"{fresh:,} new labels since the last training"
    if now - since > timedelta(days=policy.maximum_age_days) and fresh > 0:
        yield f"the last training is more than {policy.maximum_age_days} days ago"
    if policy.drift_alarm and fresh > 0:
        for lamp in DRIFT_LAMPS:
            raised = alarms.raised_at(store, lamp)
            if raised is not None and raised > since:
                yield "the monitor raised an alarm of drift"


def _monitoring_is_due(workspace: Workspace) -> bool:
    """A day after the last one, where something was decided since."""
    store = workspace.store
    last = alarms.latest_monitoring(store)
    runs = jobs.newest(store, limit=1, kind=JobKind.MONITOR)
    asked = runs[0].queued_at if runs else None
    latest = max(
        (each for each in (asked, None if last is None else last.at) if each is not None), default=None
    )
    if latest is not None and store.clock() - latest < MONITOR_EVERY:
        return False
    return labels.count_since(store, latest) > 0
