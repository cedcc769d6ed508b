"""Any past decision can be shown again and computed again: same model bytes, same inputs, equal margin."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hitl_review.domain.audit import text_digest
from hitl_review.domain.decision import Decision
from hitl_review.errors import NotFound
from hitl_review.model.features import matrix
from hitl_review.model.scoring import score
from hitl_review.store import cases, predictions, reviews
from hitl_review.workflow.scoring import ModelSource, stored_model
from hitl_review.workflow.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Replay:
    """A decision's screen rebuilt, and its prediction computed again."""

    decision: Decision
    screen: dict[str, Any]
    margin_stored: float
    margin_recomputed: float
    shown_digest_ok: bool

    @property
    def equal(self) -> bool:
        """Whether the margin is the same to the last bit, as it must be on the same build."""
        return self.margin_stored == self.margin_recomputed

    @property
    def ok(self) -> bool:
        """Whether the decision can be stood by: equal margin, and the screen's digest is the signed one."""
        return self.equal and self.shown_digest_ok


def replay(workspace: Workspace, decision_id: str, *, source: ModelSource | None = None) -> Replay:
    """Rebuild what a decision was made from, and let the same model bytes judge the same inputs again."""
    store = workspace.store
    decision = reviews.find_decision(store, decision_id)
    if decision is None:
        raise NotFound(
            "There is no decision with this id. "
            "List them with `hitl-review export WORKSPACE --what decisions --format csv`."
        )
    prediction = predictions.get(store, decision.prediction_id)
    model = (source or stored_model(store))(prediction.model)
    snapshot = cases.snapshot(store, prediction.snapshot)
    body = reviews.screen_body(store, decision.shown_digest)
    screen = json.loads(body)
    return Replay(
        decision,
        screen,
        prediction.margin,
        float(score(model, matrix(model.spec, [snapshot.values])).margins[0]),
        text_digest(body) == decision.shown_digest and screen["view"]["margin"] == prediction.margin,
    )
