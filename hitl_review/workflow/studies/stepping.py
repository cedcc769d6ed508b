"""How a study takes a step: the right state, the right person, one event, one row."""

from __future__ import annotations

from datetime import datetime

from hitl_review.domain.account import Actor, Permission, require
from hitl_review.domain.audit import check_token, text_digest
from hitl_review.domain.study import State, Step, Study
from hitl_review.errors import Conflict, StudyError
from hitl_review.store import audit
from hitl_review.store.studies import steps
from hitl_review.workflow.workspace import Workspace

REASON_LIMIT = 2000


def study_of(workspace: Workspace, study_id: str) -> Study:
    """Return a study as it stands now, with its protocol and all steps; it holds neither reads nor truth."""
    return steps.study(workspace.store, study_id)


def in_state(workspace: Workspace, study_id: str, *states: State) -> Study:
    """Return a study if it is in one of some states; Conflict says in which it is."""
    study = steps.study(workspace.store, study_id)
    if study.state not in states:
        wanted = " or ".join(state.value for state in states)
        raise Conflict(
            f"Study '{study_id}' is {study.state.value}; this takes one that is {wanted}. Nothing was done."
        )
    return study


def lead(actor: Actor) -> None:
    """Raise NotPermitted unless the actor may lead a study."""
    require(actor, Permission.LEAD_STUDY)


def take(
    workspace: Workspace,
    study_id: str,
    kind: str,
    *,
    actor: Actor,
    now: datetime,
    document: str | None = None,
    reason: str = "",
    token: str | None = None,
) -> Step:
    """Keep a step with its event, inside the open transaction."""
    detail = {"protocol": None if document is None else text_digest(document), "reason": reason}
    event_id = audit.new_token() if token is None else check_token(token)
    event = audit.append(
        workspace.store, f"study.{kind}", f"study:{study_id}", detail, event_id=event_id, actor=actor
    )
    step = Step(event.event_id, kind, now, actor.account_id, reason, document)
    steps.add_step(workspace.store, study_id, step)
    return step


def check_reason(reason: str, act: str) -> str:
    """Return the reason that an act needs; StudyError where there is none."""
    if not reason.strip():
        raise StudyError(f"To {act}, say why: the reason is kept and stands in the report.")
    if len(reason) > REASON_LIMIT or "\x00" in reason:
        raise StudyError(f"A reason has at most {REASON_LIMIT} printable characters. Shorten it.")
    return reason.strip()
