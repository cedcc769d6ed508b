"""People look at what is kept: the log, if their role may read it, and the papers of the model in use.

That somebody looked at the log is an event of its own, once per sitting, stored before anything is
shown. A look is bounded: it never reads more than `REACH` events, so a page comes at once however
long the log is, and says how far it looked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from hitl_review.domain.account import Actor, Permission, require
from hitl_review.domain.audit import Event, stamp
from hitl_review.domain.registry import Figure, ModelVersion, Promotion
from hitl_review.errors import Conflict
from hitl_review.store import audit, history, models
from hitl_review.store.connection import Store
from hitl_review.workflow.values import judge_case_id
from hitl_review.workflow.workspace import Workspace

PAGE: Final = 50
"""Events on one page of the log."""
REACH: Final = 50_000
"""Events that one look goes back through, about 0.1 s where a filter reads every payload."""
NO_ID: Final = "(no id of a case)"


@dataclass(frozen=True, slots=True)
class LogPage:
    """Events of the log, the newest first, and where an older page begins."""

    events: tuple[Event, ...]
    size: int
    """How many events the log holds."""
    reached: int
    """The oldest seq that was looked at; 1 where the look went to the beginning of the log."""

    @property
    def older(self) -> int | None:
        """The seq before which the next page looks, or None at the beginning of the log."""
        return self.reached if self.reached > 1 else None


@dataclass(frozen=True, slots=True)
class Filters:
    """Which events are looked for; None and nothing mean all."""

    case_id: str | None = None
    account_id: str | None = None
    action: str | None = None
    """`decision.%` means every decision."""
    model: str | None = None
    """The digest of a model version."""
    outcome: str | None = None
    """`accepted`, `overridden` or `deferred`."""
    since: date | None = None
    until: date | None = None
    """The first and the last day, UTC."""

    @property
    def told(self) -> dict[str, object]:
        """What an event tells of them; not what no case can be called, which is no id but a name, or a slip."""
        kept = {name: getattr(self, name) for name in self.__slots__ if getattr(self, name) is not None}
        if self.case_id is not None and judge_case_id(self.case_id)[1] is not None:
            kept["case_id"] = NO_ID
        return {name: str(value) for name, value in kept.items()}


def view_log(
    workspace: Workspace,
    *,
    actor: Actor,
    sitting: str,
    case_id: str | None = None,
    account_id: str | None = None,
    action: str | None = None,
    before: int | None = None,
    filters: Filters | None = None,
) -> LogPage:
    """Return one page of the log to a person who may read it; the first look of a sitting is logged.

    `sitting` is the token of one sitting in front of the log with these filters: a case, who acted, an
    action (`decision.%` means every decision), or all that `filters` can say. Raises NotPermitted without
    the role, and StoreUnavailable where the look can't be logged: then nothing is shown.
    """
    filters = filters or Filters(case_id, account_id, action)
    log_look(workspace, "log:events", {"through": "page", **filters.told}, actor=actor, sitting=sitting)
    store, size = workspace.store, audit.head(workspace.store).size
    first, last = _bounds(store, filters, size)
    top = last if before is None else min(before, last)
    bottom = max(first - 1, top - 1 - REACH)
    found = audit.latest(
        store,
        limit=PAGE,
        before=top,
        after=bottom,
        subject=None if filters.case_id is None else f"case:{filters.case_id}",
        action=filters.action,
        actor=filters.account_id,
        model=filters.model,
        outcome=filters.outcome,
        since=None if filters.since is None else stamp(_midnight(filters.since)),
        until=None if filters.until is None else stamp(_midnight(filters.until) + timedelta(days=1)),
    )
    at_end = bottom < first
    reached = found[-1].seq if len(found) == PAGE else 1 if at_end else bottom + 1
    return LogPage(tuple(found), size, reached)


def _bounds(store: Store, filters: Filters, size: int) -> tuple[int, int]:
    """Return the first seq of a period, and the one behind its last."""
    since = None if filters.since is None else _midnight(filters.since)
    until = None if filters.until is None else _midnight(filters.until) + timedelta(days=1)
    return (1, size + 1) if since is until is None else history.within(store, since, until, size)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def log_look(
    workspace: Workspace, subject: str, detail: Mapping[str, object], *, actor: Actor, sitting: str
) -> None:
    """Tell in the log that somebody looks at what it holds, once per sitting, before anything is shown."""
    require(actor, Permission.READ_LOG)
    earlier = audit.find(workspace.store, sitting)
    if earlier is None:
        with workspace.store.transaction(actor):
            earlier = audit.find(workspace.store, sitting)  # the page may have run twice at once
            if earlier is None:
                audit.append(workspace.store, "audit.viewed", subject, detail, event_id=sitting)
                return
    if (earlier.told["actor"], earlier.told["action"]) != (actor.account_id, "audit.viewed"):
        raise Conflict("This sitting's token belongs to another act. Open the log anew.")


@dataclass(frozen=True, slots=True)
class ModelPapers:
    """All that is kept about the model in use: what it is, how it was measured, and its global plots."""

    version: ModelVersion
    card: Mapping[str, Any]
    figures: tuple[Figure, ...]
    in_use: Promotion | None


def view_model(workspace: Workspace, *, actor: Actor) -> ModelPapers:
    """Return the papers of the model in use. Raises NoChampion without one, NotPermitted without the role."""
    require(actor, Permission.READ_MODEL)
    store = workspace.store
    version = models.champion(store)
    figures = tuple(models.figures(store, version.digest))
    return ModelPapers(version, json.loads(version.card), figures, models.newest_move(store))
