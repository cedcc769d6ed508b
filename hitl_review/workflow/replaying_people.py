"""Real people's judgements are replayed through the product's own steps, as if they sat before its pages.

For evidence on data that hold what a person said before the outcome was known. Nothing is done beside the
product: each case is opened, the own estimate committed, the model's view shown and answered, in the order
of the queue. The person's call stands against the model's: where both agree it is accepted, else overridden.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hitl_review.domain.account import Actor
from hitl_review.domain.decision import Answer, Choice
from hitl_review.errors import ReviewError
from hitl_review.project import Project
from hitl_review.store.audit import new_token
from hitl_review.workflow.deciding import record_decision
from hitl_review.workflow.revealing import reveal
from hitl_review.workflow.review import commit_read, next_case, open_case
from hitl_review.workflow.scoring import ModelSource
from hitl_review.workflow.workspace import Workspace

SECONDS: float = 30.0
"""For how long each case is said to have been looked at."""


def replay_people(
    workspace: Workspace,
    estimates: Mapping[str, float],
    *,
    reader: Callable[[str], Actor],
    source: ModelSource,
    limit: int,
    progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Let people who stated a probability of each case work off the queue, and return how many they decided.

    `reader` says who reads a case. Raises ReviewError at a case that nobody judged.
    """
    some_reader = reader("")
    for done in range(limit):
        case_id = next_case(workspace, actor=some_reader)
        if case_id is None:
            return done
        if case_id not in estimates:
            raise ReviewError(
                "The queue holds a case that nobody estimated. Import only those with an estimate."
            )
        _decide(workspace, case_id, estimates[case_id], reader(case_id), source)
        progress(done + 1)
    return limit


def _decide(workspace: Workspace, case_id: str, estimate: float, actor: Actor, source: ModelSource) -> None:
    target = workspace.project.target
    call = target.positive.code if estimate >= target.threshold else target.negative.code
    opened = open_case(workspace, case_id, actor=actor)
    commit_read(
        workspace,
        case_id,
        label=call,
        probability=estimate,
        actor=actor,
        token=new_token(),
        opened_at=opened.opened_at,
    )
    shown = reveal(workspace, case_id, actor=actor, source=source)
    agrees = shown.screen.view.label == call
    choice = (
        Choice(Answer.ACCEPTED)
        if agrees
        else Choice(Answer.OVERRIDDEN, reason=teaching_reason(workspace.project))
    )
    record_decision(
        workspace,
        shown.reveal.reveal_id,
        choice,
        actor=actor,
        token=new_token(),
        seconds_active=SECONDS,
        seconds_on_screen=SECONDS,
    )


def teaching_reason(project: Project) -> str:
    """Return the first reason for an override from which a model learns."""
    for reason in project.reasons_for("override"):
        if reason.training_effect == "train" and not reason.needs_comment:
            return reason.code
    raise ReviewError("The project has no reason for an override that a model learns from. Add one.")
