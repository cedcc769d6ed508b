"""The truth of a locked study is unsealed, if it is the truth that was sealed; later the report is noted."""

from __future__ import annotations

from hitl_review.domain.account import Actor
from hitl_review.domain.study import State, Study
from hitl_review.errors import StudyError
from hitl_review.store import checkpoints
from hitl_review.store.studies import sealed, steps
from hitl_review.workflow.studies.stepping import in_state, lead, take
from hitl_review.workflow.workspace import Workspace


def unseal_study(workspace: Workspace, study_id: str, *, actor: Actor) -> Study:
    """Join the truth to the reads of a locked study, after each commitment of the freeze was found to hold."""
    lead(actor)
    with workspace.store.transaction(actor) as transaction:
        study = in_state(workspace, study_id, State.LOCKED)
        check_commitments(workspace, study)
        take(workspace, study_id, "unsealed", actor=actor, now=transaction.now)
    return steps.study(workspace.store, study_id)


def check_commitments(workspace: Workspace, study: Study) -> None:
    """Raise StudyError unless the sealed truth is, case by case, what the frozen protocol committed to."""
    hidden = sealed.all_sealed(workspace.store, study.study_id)
    broken = [each.case_id for each in hidden if not each.holds]
    if broken:
        raise StudyError(
            f"The truth of {len(broken)} cases, such as '{broken[0]}', is not the one that was committed to when the "
            "study was frozen. Nothing was unsealed; run `hitl-review audit verify`."
        )
    if study.seals is None or sealed.commitments_digest(hidden) != study.seals.truth:
        raise StudyError(
            "The commitments to the truth are not those of the frozen protocol. Nothing was unsealed; run "
            "`hitl-review audit verify`."
        )


def mark_reported(workspace: Workspace, study_id: str, *, report: str, actor: Actor) -> Study:
    """Note that a report was made, by its digest (`sha256:...`); it may be made anew, and each time is noted."""
    lead(actor)
    with workspace.store.transaction(actor) as transaction:
        in_state(workspace, study_id, State.UNSEALED, State.REPORTED)
        checkpoints.ask(workspace.store)
        take(workspace, study_id, "reported", actor=actor, now=transaction.now, reason=f"report {report}")
    return steps.study(workspace.store, study_id)
