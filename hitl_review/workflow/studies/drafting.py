"""A study is drafted: a protocol that may still be changed as a whole, until it is frozen."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from hitl_review.domain.account import Actor
from hitl_review.domain.case import Purpose
from hitl_review.domain.protocol import Protocol, check_protocol, document_of
from hitl_review.domain.study import State, Study, check_study_id
from hitl_review.errors import Conflict, StudyError
from hitl_review.store import cases
from hitl_review.store.studies import steps
from hitl_review.workflow.studies.scheduling import draw
from hitl_review.workflow.studies.stepping import lead, take
from hitl_review.workflow.workspace import Workspace

STUDY_PURPOSES: Final = (Purpose.HOLDOUT, Purpose.QUEUE)
"""Where a study's cases come from: the model was fitted on the training cases, so they are none."""


def draft_study(workspace: Workspace, study_id: str, protocol: Protocol, *, actor: Actor) -> Study:
    """Keep a protocol as the draft of a study, new or not frozen yet.

    The same draft again changes nothing. Raises Conflict once the study is frozen.
    """
    lead(actor)
    check_study_id(study_id)
    check_protocol(protocol)
    store, document = workspace.store, document_of(protocol)
    with store.transaction(actor) as transaction:
        if steps.exists(store, study_id):
            earlier = steps.study(store, study_id)
            if earlier.state is not State.DRAFT:
                raise Conflict(
                    f"Study '{study_id}' is {earlier.state.value}, so its protocol is fixed. Amend it with a reason, "
                    "or draft another study."
                )
            if earlier.steps[-1].document == document:
                return earlier
        take(workspace, study_id, "drafted", actor=actor, now=transaction.now, document=document)
    return steps.study(store, study_id)


def choose_cases(
    workspace: Workspace, count: int, *, seed: int, positives: float = 0.5, besides: Collection[str] = ()
) -> tuple[str, ...]:
    """Return cases for a study, drawn by the seed from those with outcomes that the model was not fitted on.

    `positives` is the share that has the outcome. Which case has it is not returned: who plans a
    study need not know. The order of the cases tells nothing of it either.
    """
    known = {
        case_id: value
        for purpose in STUDY_PURPOSES
        for case_id, value in cases.outcomes(workspace.store, purpose).items()
        if case_id not in besides and _admitted(workspace, case_id)
    }
    wanted = {True: round(count * positives), False: count - round(count * positives)}
    found: list[str] = []
    for value, number in wanted.items():
        pool = sorted(
            (case for case, each in known.items() if each is value),
            key=lambda case: draw(seed, "choose", case),
        )
        if len(pool) < number:
            words = "with" if value else "without"
            raise StudyError(
                f"{number} cases {words} the outcome were asked for, and {len(pool)} are free. Choose fewer cases, "
                "another share, or import more hold-out cases with outcomes."
            )
        found += pool[:number]
    return tuple(sorted(found))


def _admitted(workspace: Workspace, case_id: str) -> bool:
    return not workspace.project.violated_rules(cases.get(workspace.store, case_id).snapshot.values)
