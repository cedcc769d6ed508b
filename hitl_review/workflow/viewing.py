"""People look at what is kept: the log, if their role may read it, and the papers of the model in use.

That somebody looked at the log is an event of its own, once per sitting, stored before anything is
shown. A look is bounded: it never reads more than `REACH` events, so a page comes at once however
long the log is, and says how far it looked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hitl_review.domain.account import Actor, Permission, require
from hitl_review.domain.audit import Event
from hitl_review.domain.registry import Figure, ModelVersion, Promotion
from hitl_review.errors import Conflict
from hitl_review.store import audit, models
from hitl_review.workflow.workspace import Workspace

PAGE: Final = 50
"""Events on one page of the log."""
REACH: Final = 50_000
"""Events that one look goes back through, about 0.1 s where a filter reads every payload."""


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


def view_log(
    workspace: Workspace,
    *,
    actor: Actor,
    sitting: str,
    case_id: str | None = None,
    account_id: str | None = None,
    action: str | None = None,
    before: int | None = None,
) -> LogPage:
    """Return one page of the log to a person who may read it; the first look of a sitting is logged.

    `sitting` is the token of one sitting in front of the log. The filters are a case, who acted, and an
    action (`decision.%` means every decision). Raises NotPermitted without the role, and
    StoreUnavailable where the look can't be logged: then nothing is shown.
    """
    require(actor, Permission.READ_LOG)
    _log_look(workspace, actor, sitting)
    size = audit.head(workspace.store).size
    top = size + 1 if before is None else min(before, size + 1)
    bottom = max(0, top - 1 - REACH)
    found = audit.latest(
        workspace.store,
        limit=PAGE,
        before=top,
        after=bottom,
        subject=None if case_id is None else f"case:{case_id}",
        action=action,
        actor=account_id,
    )
    reached = found[-1].seq if len(found) == PAGE else bottom + 1
    return LogPage(tuple(found), size, reached)


def _log_look(workspace: Workspace, actor: Actor, sitting: str) -> None:
    earlier = audit.find(workspace.store, sitting)
    if earlier is None:
        with workspace.store.transaction(actor):
            audit.append(workspace.store, "audit.viewed", "log:events", {"through": "page"}, event_id=sitting)
    elif (earlier.told["actor"], earlier.told["action"]) != (actor.account_id, "audit.viewed"):
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
