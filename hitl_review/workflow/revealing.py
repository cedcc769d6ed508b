"""The model's view is shown: only after the own estimate is stored, and kept whole as it was shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hitl_review.domain.account import Actor
from hitl_review.domain.audit import check_token, text_digest
from hitl_review.domain.case import Case
from hitl_review.domain.decision import Reveal
from hitl_review.domain.prediction import Prediction
from hitl_review.domain.registry import ModelVersion
from hitl_review.domain.screen import Screen
from hitl_review.errors import Conflict
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.explaining import explain
from hitl_review.model.features import matrix
from hitl_review.store import audit, cases, models, reviews
from hitl_review.workflow.presenting import Backing, facts_of, view_of
from hitl_review.workflow.relying import notices_of
from hitl_review.workflow.review import ensure_may_see
from hitl_review.workflow.scoring import ModelSource, ensure_prediction, stored_model
from hitl_review.workflow.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Shown:
    """A screen in front of a reader, and the record that it was shown."""

    reveal: Reveal
    screen: Screen


def reveal(
    workspace: Workspace,
    case_id: str,
    *,
    actor: Actor,
    token: str | None = None,
    source: ModelSource | None = None,
) -> Shown:
    """Show the champion's view of a case to a reader and keep what was shown.

    The same screen shown again to the same reader is not stored anew. Raises NotCommitted while the
    reader owes an own estimate, NoChampion without a model in use, Conflict when another was put in use meanwhile.
    """
    ensure_may_see(workspace, case_id, actor=actor)
    version = models.champion(workspace.store)
    model = (source or stored_model(workspace.store))(version.digest)
    case = cases.get(workspace.store, case_id)
    prediction = ensure_prediction(workspace, case, version.digest, model, actor)
    screen = screen_of(workspace, case, prediction, model, version)
    return Shown(_kept(workspace, screen, actor, token), screen)


def screen_of(
    workspace: Workspace, case: Case, prediction: Prediction, model: TrainedModel, version: ModelVersion
) -> Screen:
    """Return the whole screen of a prediction: the facts, and the model's view with its explanation."""
    row = matrix(model.spec, [case.snapshot.values])
    explanation = explain(model, row).row(0)
    card: Mapping[str, Any] = json.loads(version.card)
    backing = Backing(
        version.name,
        model.record.base_rate,
        notices_of(workspace.project, case.snapshot, model, row, version, card),
    )
    view = view_of(
        workspace.project, workspace.project_digest, case.snapshot, prediction, explanation, backing
    )
    return Screen(facts_of(workspace.project, case.snapshot), view)


def _kept(workspace: Workspace, screen: Screen, actor: Actor, token: str | None) -> Reveal:
    """Return the record that this screen was shown to this reader, making it if it is new."""
    store, body = workspace.store, screen.body
    case_id, digest = screen.facts.case_id, text_digest(body)
    earlier = reviews.find_reveal(store, case_id, actor.account_id, digest)
    if earlier is not None:
        return earlier
    with store.transaction(actor) as transaction:
        earlier = reviews.find_reveal(store, case_id, actor.account_id, digest)
        if earlier is not None:
            return earlier
        ensure_may_see(workspace, case_id, actor=actor)  # a study may have been frozen with it meanwhile
        if models.champion(store).digest != screen.view.model:
            raise Conflict(
                "The model was changed while its view was made. Open the case again to see the new one."
            )
        shown = _reveal(screen, digest, actor, token or audit.new_token(), transaction.now)
        detail = {"prediction": shown.prediction_id, "model": screen.view.model, "shown_digest": digest}
        audit.append(store, "prediction.shown", f"case:{case_id}", detail, event_id=shown.reveal_id)
        reviews.add_reveal(store, shown, screen_body=body)
    return shown


def _reveal(screen: Screen, digest: str, actor: Actor, token: str, now: datetime) -> Reveal:
    return Reveal(
        check_token(token), screen.facts.case_id, actor.account_id, screen.view.prediction_id, digest, now
    )
