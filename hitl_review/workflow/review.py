"""A reader reviews a case: is handed it, opens it, commits an own estimate.

Nothing here knows the model. The reveal (`revealing`) and the decision (`deciding`) come after, and
only if the own estimate is stored where the project asks for one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from hitl_review.domain.account import Actor, Permission, require
from hitl_review.domain.audit import check_token, stamp
from hitl_review.domain.case import Case
from hitl_review.domain.decision import Decision, Modality, Read, check_probability
from hitl_review.domain.screen import Facts
from hitl_review.errors import Conflict, NotCommitted, NotFound, TooQuick
from hitl_review.project import Project
from hitl_review.store import audit, cases, models, reviews, worklist
from hitl_review.store.studies import lists
from hitl_review.workflow.presenting import facts_of
from hitl_review.workflow.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Opened:
    """A case in front of a reader, with how far this reader has come. Holds nothing of the model."""

    case: Case
    facts: Facts
    opened_at: datetime
    read: Read | None
    decision: Decision | None
    needs_read: bool
    held_by_other: bool
    decided_by_others: int
    without_model: bool = False
    """No model is in use: the own estimate is all that is asked. It says nothing of the case."""


def next_case(workspace: Workspace, *, actor: Actor, after: str | None = None) -> str | None:
    """Return the id of the next case for a reader, or None when the queue is empty for now."""
    require(actor, Permission.REVIEW)
    return worklist.next_case(
        workspace.store,
        actor.account_id,
        now=workspace.store.clock(),
        after=after,
        unread=is_without_model(workspace),
    )


def is_without_model(workspace: Workspace) -> bool:
    """Tell whether the model was stopped, so that readers see cases without one."""
    newest = models.newest_move(workspace.store)
    return newest is not None and newest.model is None


def open_case(workspace: Workspace, case_id: str, *, actor: Actor) -> Opened:
    """Hand a case to a reader: note that it was opened, and hold it for the length of a lease."""
    require(actor, Permission.REVIEW)
    _check_in_queue(workspace, case_id)
    with workspace.store.transaction(actor) as transaction:
        audit.append(workspace.store, "case.opened", f"case:{case_id}", {})
        until = transaction.now + timedelta(minutes=workspace.project.review.lease_minutes)
        worklist.hold(workspace.store, case_id, actor.account_id, until=until)
    return look_at(workspace, case_id, actor=actor, opened_at=transaction.now)


def look_at(workspace: Workspace, case_id: str, *, actor: Actor, opened_at: datetime) -> Opened:
    """Return a case that a reader has open, as it stands now, without noting a new opening."""
    require(actor, Permission.REVIEW)
    _check_in_queue(workspace, case_id)
    store = workspace.store
    case = cases.get(store, case_id)
    read = reviews.read_of(store, case_id, actor.account_id)
    without_model = is_without_model(workspace)
    others = {each.reader for each in reviews.decisions_of_case(store, case_id)} - {actor.account_id}
    return Opened(
        case,
        facts_of(workspace.project, case.snapshot),
        opened_at,
        read,
        reviews.decision_in_force(store, case_id, actor.account_id),
        read is None and (without_model or is_blind(workspace.project, case_id, actor.account_id)),
        worklist.holder(store, case_id, now=store.clock()) not in (None, actor.account_id),
        len(others),
        without_model,
    )


def _check_in_queue(workspace: Workspace, case_id: str) -> None:
    if not worklist.contains(workspace.store, case_id):
        raise NotFound("There is no case with this id in the queue. Pick one from the queue.")


def is_blind(project: Project, case_id: str, reader: str) -> bool:
    """Tell whether this reader must commit an own estimate of this case before the model is shown.

    Where the project asks for a share of cases, the choice is a hash of case, reader and seed:
    random over cases, and always the same for the same pair.
    """
    if project.review.blind_first != "share":
        return project.review.blind_first == "on"
    text = f"{project.training.seed}/{case_id}/{reader}"
    return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16) / 16**12 < project.review.blind_share


def check_dwell(project: Project, seconds_on_screen: float) -> None:
    """Raise TooQuick unless the screen stood long enough for somebody to have looked at it."""
    minimum = project.review.minimum_view_seconds
    if seconds_on_screen < minimum:
        raise TooQuick(
            f"Not recorded: the screen stood for {max(seconds_on_screen, 0):.1f} s, and nobody reads it in less than "
            f"{minimum:.1f} s. Look, then press again."
        )


def commit_read(
    workspace: Workspace,
    case_id: str,
    *,
    label: str,
    probability: float,
    actor: Actor,
    token: str,
    opened_at: datetime,
) -> Read:
    """Store a reader's own estimate of a case, before the model is shown; it is made once and stays.

    The same token again returns what is stored. Raises Conflict when another estimate is there.
    """
    require(actor, Permission.REVIEW)
    _check_in_queue(workspace, case_id)
    workspace.project.label_words(label)
    store = workspace.store
    with store.transaction(actor) as transaction:
        earlier = reviews.read_of(store, case_id, actor.account_id)
        if earlier is not None:
            return _same_read(earlier, token)
        _check_unseen(workspace, case_id, actor)
        read = Read(
            check_token(token),
            case_id,
            actor.account_id,
            Modality.UNAIDED,
            label,
            check_probability(probability),
            min(opened_at, transaction.now),
            transaction.now,
        )
        audit.append(store, "read.committed", f"case:{case_id}", read_detail(read), event_id=token)
        reviews.add_read(store, read)
    return read


def _same_read(earlier: Read, token: str) -> Read:
    if earlier.read_id != token:
        raise Conflict(
            "Your own estimate of this case is stored already and stays as it is. Go on to the model's view."
        )
    return earlier


def _check_unseen(workspace: Workspace, case_id: str, actor: Actor) -> None:
    if reviews.latest_reveal(workspace.store, case_id, actor.account_id) is not None:
        raise Conflict(
            "You have seen the model's view of this case, so an estimate would no longer be your own."
        )


def read_detail(read: Read) -> dict[str, object]:
    """Return what the event of a read tells."""
    return {
        "modality": read.modality.value,
        "label": read.label,
        "probability": read.probability,
        "opened_at": stamp(read.opened_at),
    }


def ensure_may_see(workspace: Workspace, case_id: str, *, actor: Actor) -> None:
    """Raise NotCommitted while the reader owes an own estimate of the case, Conflict while a study holds it."""
    require(actor, Permission.REVIEW)
    _check_in_queue(workspace, case_id)
    if lists.studies_showing(workspace.store, case_id, actor.account_id):
        raise Conflict(
            "This case is in a study that you read in, so the model's view of it is shown there and nowhere else "
            "until the study is locked. Go on to the next case."
        )
    owes = is_blind(workspace.project, case_id, actor.account_id)
    if owes and reviews.read_of(workspace.store, case_id, actor.account_id) is None:
        raise NotCommitted("The model's view comes after your own estimate. Commit your estimate first.")
