"""A reader answers the model: accept, override with a coded reason, or defer. Overrides are recorded here.

A decision points at the very screen that was shown, a token makes it happen once, and a change of
mind is a new decision that supersedes the one in force. Decision and event are stored together.
"""

from __future__ import annotations

from datetime import datetime

from hitl_review.domain.account import Actor, Permission, require
from hitl_review.domain.audit import check_token, stamp
from hitl_review.domain.decision import Answer, Choice, Decision, ReasonRule, Reveal, settled
from hitl_review.domain.prediction import Prediction
from hitl_review.errors import Conflict
from hitl_review.project import Project
from hitl_review.store import audit, models, predictions, reviews, worklist
from hitl_review.workflow import signing
from hitl_review.workflow.review import check_dwell
from hitl_review.workflow.workspace import Workspace

_ANSWER_OF_REASON = {"override": Answer.OVERRIDDEN, "defer": Answer.DEFERRED}


def record_decision(
    workspace: Workspace,
    reveal_id: str,
    choice: Choice,
    *,
    actor: Actor,
    token: str,
    seconds_active: float,
    seconds_on_screen: float,
    supersedes: str | None = None,
) -> Decision:
    """Store a reader's answer to a prediction that was shown, and the event that tells of it.

    The same token again returns what is stored, so a double press is one decision. Raises Conflict
    when the case was decided meanwhile (by this reader, in another tab) or the model changed, and
    TooQuick when nobody can have read the screen.
    """
    require(actor, Permission.REVIEW)
    with (
        signing.refusals_logged(workspace, actor),
        workspace.store.transaction(actor) as transaction,
    ):
        earlier = reviews.find_decision(workspace.store, token)
        if earlier is not None:
            return _same_decision(earlier, reveal_id, choice, actor)
        reveal = _checked_reveal(workspace, reveal_id, actor)
        check_dwell(workspace.project, seconds_on_screen)
        signing.check(workspace, actor, act=token, subject=f"case:{reveal.case_id}")
        _check_succession(workspace, reveal.case_id, actor, supersedes)
        decision = _decision(
            workspace, reveal, choice, actor, check_token(token), seconds_active, supersedes, transaction.now
        )
        _store_decision(workspace, decision)
    return decision


def _same_decision(earlier: Decision, reveal_id: str, choice: Choice, actor: Actor) -> Decision:
    same = (earlier.reader, earlier.reveal_id, earlier.answer, earlier.reason, earlier.comment)
    if same != (actor.account_id, reveal_id, choice.answer, choice.reason, choice.comment.strip()):
        raise Conflict("This act's token was used for another decision. Open the case again and decide anew.")
    return earlier


def _checked_reveal(workspace: Workspace, reveal_id: str, actor: Actor) -> Reveal:
    reveal = reviews.reveal(workspace.store, reveal_id)
    if reveal.reader != actor.account_id:
        raise Conflict("This screen was shown to somebody else. Open the case yourself before you decide it.")
    shown = predictions.get(workspace.store, reveal.prediction_id)
    if shown.model != models.champion(workspace.store).digest:
        raise Conflict(
            "The model was changed after this screen was shown. Open the case again to see its view."
        )
    return reveal


def _check_succession(workspace: Workspace, case_id: str, actor: Actor, supersedes: str | None) -> None:
    in_force = reviews.decision_in_force(workspace.store, case_id, actor.account_id)
    if in_force is not None and supersedes is None:
        raise Conflict(
            f"You decided this case at {in_force.decided_at:%H:%M:%S} UTC already. Change that decision to replace it."
        )
    if supersedes is not None and (in_force is None or in_force.decision_id != supersedes):
        raise Conflict("The decision to be changed is not the one in force. Open the case again.")


def _decision(
    workspace: Workspace,
    reveal: Reveal,
    choice: Choice,
    actor: Actor,
    token: str,
    seconds_active: float,
    supersedes: str | None,
    now: datetime,
) -> Decision:
    shown = predictions.get(workspace.store, reveal.prediction_id)
    choice = settled(
        choice,
        shown=shown.label,
        other=workspace.project.other_label(shown.label),
        reasons=reason_rules(workspace.project),
        limit=workspace.project.review.comment_limit,
    )
    read = reviews.read_of(workspace.store, reveal.case_id, actor.account_id)
    return Decision(
        decision_id=token,
        case_id=reveal.case_id,
        reader=actor.account_id,
        reveal_id=reveal.reveal_id,
        prediction_id=reveal.prediction_id,
        answer=choice.answer,
        label=choice.label,
        reason=choice.reason,
        comment=choice.comment,
        confidence=choice.confidence,
        own_probability=None if read is None else read.probability,
        shown_digest=reveal.screen,
        shown_at=reveal.shown_at,
        decided_at=now,
        seconds_active=round(max(seconds_active, 0.0), 3),
        signature=signing.signature_of(actor, workspace.project.review.signature_meaning, at=now),
        supersedes=supersedes,
    )


def _store_decision(workspace: Workspace, decision: Decision) -> None:
    shown = predictions.get(workspace.store, decision.prediction_id)
    verb = decision.answer.value if decision.supersedes is None else "amended"
    audit.append(
        workspace.store,
        f"decision.{verb}",
        f"case:{decision.case_id}",
        decision_detail(decision, shown),
        event_id=decision.decision_id,
    )
    reviews.add_decision(workspace.store, decision)
    worklist.settle(workspace.store, decision.case_id, decision.answer)


def decision_detail(decision: Decision, shown: Prediction) -> dict[str, object]:
    """Return what the event of a decision tells, complete enough to read alone."""
    return {
        "prediction": decision.prediction_id,
        "model": shown.model,
        "probability": shown.probability,
        "threshold": shown.threshold,
        "label_shown": shown.label,
        "label": decision.label,
        "outcome": decision.answer.value,
        "reason": decision.reason,
        "comment": decision.comment,
        "confidence": None if decision.confidence is None else decision.confidence.value,
        "own_probability": decision.own_probability,
        "reveal": decision.reveal_id,
        "shown_digest": decision.shown_digest,
        "shown_at": stamp(decision.shown_at),
        "seconds_active": decision.seconds_active,
        "signature": signing.told(decision.signature),
        "supersedes": decision.supersedes,
    }


def reason_rules(project: Project) -> tuple[ReasonRule, ...]:
    """Return the project's coded reasons as the rules a decision is checked against."""
    return tuple(
        ReasonRule(
            reason.code,
            reason.label,
            frozenset(_ANSWER_OF_REASON[answer] for answer in reason.applies_to),
            reason.needs_comment,
        )
        for reason in project.reasons
    )


def last_saved(workspace: Workspace, *, actor: Actor) -> Decision | None:
    """Return what this reader saved last, as the database has it."""
    return reviews.latest_decision(workspace.store, actor.account_id)
