"""The lead's acts: start, lock, amend with a reason, waive a washout. None of them shows a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hitl_review.domain.account import Actor
from hitl_review.domain.protocol import amended, document_of
from hitl_review.domain.study import State, Study
from hitl_review.errors import StudyError
from hitl_review.store import audit
from hitl_review.store.studies import lists, reads, steps
from hitl_review.workflow.studies.stepping import check_reason, in_state, lead, take
from hitl_review.workflow.workspace import Workspace


def start_study(workspace: Workspace, study_id: str, *, actor: Actor) -> Study:
    """Let the readers of a frozen study in."""
    lead(actor)
    with workspace.store.transaction(actor) as transaction:
        in_state(workspace, study_id, State.FROZEN)
        take(workspace, study_id, "started", actor=actor, now=transaction.now)
    return steps.study(workspace.store, study_id)


def lock_study(workspace: Workspace, study_id: str, *, actor: Actor, reason: str = "") -> Study:
    """End the reading for good. Where reads are missing, the reason why is needed and kept."""
    lead(actor)
    with workspace.store.transaction(actor) as transaction:
        study = in_state(workspace, study_id, State.RUNNING)
        if (missing := missing_reads(workspace, study)) and not reason.strip():
            raise StudyError(
                f"{missing} reads of study '{study_id}' are missing. Wait for them, or lock it with the reason why "
                "they will not be made: they are reported as missing, never filled in."
            )
        reason = check_reason(reason, "lock it") if reason.strip() else ""
        take(workspace, study_id, "locked", actor=actor, now=transaction.now, reason=reason)
    return steps.study(workspace.store, study_id)


def missing_reads(workspace: Workspace, study: Study) -> int:
    """Return how many reads of the lists were not made yet."""
    planned = sum(len(item.modalities) for item in lists.schedule(workspace.store, study.study_id))
    return planned - len(reads.of_study(workspace.store, study.study_id))


def amend_study(
    workspace: Workspace, study_id: str, changes: Mapping[str, Any], *, reason: str, actor: Actor
) -> Study:
    """Change entries of a frozen or running study's protocol, with a reason; never after the lock."""
    lead(actor)
    with workspace.store.transaction(actor) as transaction:
        study = in_state(workspace, study_id, State.FROZEN, State.RUNNING)
        protocol = amended(study.protocol, changes)
        if protocol == study.protocol:
            raise StudyError("The amendment changes nothing. Name an entry and its new value.")
        reason = check_reason(reason, "amend a protocol")
        document = document_of(protocol, study.seals)
        take(
            workspace,
            study_id,
            "amended",
            actor=actor,
            now=transaction.now,
            document=document,
            reason=reason,
        )
    return steps.study(workspace.store, study_id)


def waive_washout(workspace: Workspace, study_id: str, reader: str, *, reason: str, actor: Actor) -> None:
    """Let one reader go on before the washout is over. The reads after it are marked in the analysis."""
    lead(actor)
    with workspace.store.transaction(actor):
        study = in_state(workspace, study_id, State.RUNNING)
        if reader not in study.protocol.readers:
            raise StudyError(f"'{reader}' does not read in study '{study_id}'. Name one of its readers.")
        reason = check_reason(reason, "waive a washout")
        detail = {"reader": reader, "reason": reason}
        event = audit.append(workspace.store, "study.washout_waived", f"study:{study_id}", detail)
        steps.add_waiver(workspace.store, study_id, reader, reason, event_id=event.event_id)
