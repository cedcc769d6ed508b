"""The champion judges cases: margins, probabilities, labels and verdicts, many at a time.

Explanations are not computed here: the one case on the screen is explained when it is shown, in a
few milliseconds, so a queue of 100,000 costs no hour of SHAP values nobody looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.domain.audit import lines_digest
from hitl_review.domain.case import Case
from hitl_review.domain.prediction import Prediction, Verdict, prediction_id
from hitl_review.errors import NoChampion, ReviewError
from hitl_review.model.artifacts import load
from hitl_review.model.features import matrix
from hitl_review.model.scoring import score
from hitl_review.model.training import TrainedModel
from hitl_review.store import audit, cases, models, predictions
from hitl_review.store.connection import Store
from hitl_review.workflow.ordering import order_in, order_queue
from hitl_review.workflow.workspace import Workspace

BATCH: Final = 5_000
ModelSource = Callable[[str], TrainedModel]
"""Gives the fitted model of a digest; the pages pass one that keeps models in memory."""


def stored_model(store: Store) -> ModelSource:
    """Return a source that reads models from the store, checking their bytes against the digest."""
    return lambda digest: load(models.artefact(store, digest), digest=digest)


def score_cases(
    workspace: Workspace,
    *,
    actor: Actor = SYSTEM,
    progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Let the champion judge every queue case it has not judged yet, and return how many it judged.

    Each batch is a transaction of its own, so a killed run keeps what it did and goes on from there.
    Cases outside the project's inclusion rules are left without a prediction.
    """
    require(actor, Permission.TRAIN)
    version = models.champion(workspace.store)
    model = stored_model(workspace.store)(version.digest)
    position = done = 0
    while batch := cases.without_prediction(workspace.store, version.digest, after=position, limit=BATCH):
        position = batch[-1].position
        done += len(_score_batch(workspace, batch, model, version.digest, actor))
        progress(done)
    if done:
        order_queue(workspace, actor=actor)
    return done


def rescore_open(
    workspace: Workspace,
    *,
    actor: Actor = SYSTEM,
    progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Let the model in use judge every case that still waits, and put the queue in its order.

    What earlier models said of them stays. Where the model was stopped, the order of arrival is back.
    """
    require(actor, Permission.TRAIN)
    before = models.newest_move(workspace.store)
    try:
        count = score_cases(workspace, actor=actor, progress=progress)
    except NoChampion:
        count = 0  # it was stopped, perhaps just now
    with workspace.store.transaction(actor):
        if count == 0:
            order_in(workspace)
        newest = models.newest_move(workspace.store)
        if newest is not None and newest.model is not None and newest == before:
            detail = {"model": newest.model, "count": count}
            audit.append(workspace.store, "cases.rescored", f"model:{newest.model}", detail)
    return count


def ensure_prediction(
    workspace: Workspace, case: Case, digest: str, model: TrainedModel, actor: Actor
) -> Prediction:
    """Return what a model says of a case, asking it now if it was not asked before."""
    found = predictions.find(workspace.store, case.case_id, model=digest, snapshot=case.snapshot.digest)
    if found is not None:
        return found
    made = _score_batch(workspace, [case], model, digest, actor)
    found = predictions.find(workspace.store, case.case_id, model=digest, snapshot=case.snapshot.digest)
    if found is None:
        raise ReviewError(
            "The model may not be asked about this case: "
            + "; ".join(rule.words for rule in workspace.project.violated_rules(case.snapshot.values))
            + " does not hold. Judge it without the model."
        )
    return made[0] if made else found


def _score_batch(
    workspace: Workspace, batch: Sequence[Case], model: TrainedModel, digest: str, actor: Actor
) -> list[Prediction]:
    """Keep what a model says of some cases, and return what is new: somebody else may have asked meanwhile."""
    admitted = [case for case in batch if not workspace.project.violated_rules(case.snapshot.values)]
    if not admitted:
        return []
    scores = score(model, matrix(model.spec, [case.snapshot.values for case in admitted]))
    with workspace.store.transaction(actor) as transaction:
        made = [
            _prediction(workspace, case, digest, margin, probability, verdict, transaction.now)
            for case, margin, probability, verdict in zip(
                admitted, scores.margins.tolist(), scores.probabilities.tolist(), scores.verdicts, strict=True
            )
        ]
        there = predictions.known(workspace.store, [each.prediction_id for each in made])
        made = [each for each in made if each.prediction_id not in there]
        if not made:
            return []
        detail = {
            "model": digest,
            "count": len(made),
            "digest": lines_digest([predictions.made_line(p) for p in made]),
        }
        event = audit.append(workspace.store, "prediction.made", f"model:{digest}", detail)
        predictions.add(workspace.store, made, event_id=event.event_id)
    return made


def _prediction(
    workspace: Workspace,
    case: Case,
    digest: str,
    margin: float,
    probability: float,
    verdict: Verdict,
    now: datetime,
) -> Prediction:
    target = workspace.project.target
    label = target.positive.code if probability >= target.threshold else target.negative.code
    name = prediction_id(model=digest, snapshot=case.snapshot.digest)
    return Prediction(
        name,
        case.case_id,
        digest,
        case.snapshot.digest,
        margin,
        probability,
        target.threshold,
        label,
        verdict,
        now,
    )
