"""Reader and model as one estimate: fitted on past reads with outcomes, shown after a decision, off until it helps.

It repeats what two judges have said and is no third one, so it never stands beside an open decision.
"""

from __future__ import annotations

from dataclasses import dataclass

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.domain.decision import Decision
from hitl_review.model import combining
from hitl_review.model.combining import Combination
from hitl_review.store import audit, combinations, models, predictions
from hitl_review.workflow.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether reader and model may be shown as one: `off` says why not, and is empty where they may."""

    model: str
    reads: int
    combination: Combination | None
    off: str


@dataclass(frozen=True, slots=True)
class Joint:
    """One joint estimate, and how many reads it rests on."""

    probability: float
    reads: int
    digest: str


def refit(workspace: Workspace, *, actor: Actor) -> Standing:
    """Fit the combination for the model in use anew; kept with its event where it is another than before.

    With too few outcomes nothing is kept. A fit that does not help is kept all the same: from then on
    the joint estimate is off, and the log says since when.
    """
    require(actor, Permission.TRAIN)
    model = models.champion(workspace.store).digest
    with workspace.store.transaction(actor):
        past = combinations.past_reads(workspace.store, model)
        few = combining.too_few(len(past), sum(each.outcome for each in past))
        if few:
            return Standing(model, len(past), None, few)
        found = combining.fit(
            [each.own for each in past],
            [each.model for each in past],
            [float(each.outcome) for each in past],
            cases=[each.case_id for each in past],
        )
        _keep(workspace, model, found)
    return Standing(model, len(past), found, combining.why_not(found))


def refit_after_outcomes(workspace: Workspace) -> Standing | None:
    """Fit anew because outcomes came, by the product itself; None while no model is in use."""
    newest = models.newest_move(workspace.store)
    return None if newest is None or newest.model is None else refit(workspace, actor=SYSTEM)


def _keep(workspace: Workspace, model: str, found: Combination) -> None:
    before = _in_force(workspace, model)
    if before is not None and before.digest == found.digest:
        return
    detail = {"combination": found.as_json(), "digest": found.digest, "off": combining.why_not(found)}
    event = audit.append(workspace.store, "combination.fitted", f"model:{model}", detail)
    combinations.add(workspace.store, model, found.as_json(), event_id=event.event_id)


def _in_force(workspace: Workspace, model: str) -> Combination | None:
    kept = combinations.in_force(workspace.store, model)
    return None if kept is None else Combination.from_json(kept.body)


def joint_estimate(workspace: Workspace, decision: Decision) -> Joint | None:
    """Return "you and the model together" for a decision that is made; None where it is off, or had no own estimate."""
    if decision.own_probability is None or decision.label is None:
        return None
    shown = predictions.get(workspace.store, decision.prediction_id)
    found = _in_force(workspace, shown.model)
    if found is None or combining.why_not(found):
        return None
    value = float(found.of([decision.own_probability], [shown.probability])[0])
    return Joint(value, found.reads, found.digest)
