"""The rows of the loop's first half: projects, accounts, models, reads, reveals, decisions; cases and predictions."""

from __future__ import annotations

from typing import Final

from hitl_review.store import cases, predictions
from hitl_review.workflow.twins.kinds import Batch, Told, Twin, id_of


def signed(signature: Told) -> dict[str, object]:
    """Return the columns of a signature that an event tells; nothing in it may be left out, or moved elsewhere."""
    return {
        "signed_name": signature["name"],
        "signed_meaning": signature["meaning"],
        "signed_at": signature["at"],
        "signed_method": signature["method"],
        "signed_proof": signature["proved_at"],
    }


def _project(told: Told) -> dict[str, object]:
    digest = told["detail"]["digest"]
    return {"event_id": told["event_id"], "digest": id_of(told), "text": digest, "configured_at": told["at"]}


def _account(told: Told) -> dict[str, object]:
    return {
        "account_id": id_of(told),
        "name": told["detail"]["name"],
        "role": told["detail"]["role"],
        "created_at": told["at"],
        "event_id": told["event_id"],
    }


def _model(told: Told) -> dict[str, object]:
    detail = told["detail"]
    return {
        "digest": id_of(told),
        "name": detail["name"],
        "artefact": id_of(told),
        "manifest": detail["manifest"],
        "card": detail["card_digest"],
        "trained_at": told["at"],
        "trained_by": told["actor"],
        "event_id": told["event_id"],
    }


def _promotion(told: Told) -> dict[str, object]:
    detail, signature = told["detail"], told["detail"]["signature"]
    return {
        "event_id": told["event_id"],
        "model": detail["model"],
        "move": told["action"].removeprefix("model."),
        "at": told["at"],
        "by": told["actor"],
        **{name: detail[name] for name in ("gate", "protocol", "statement")},
        **signed(signature or dict.fromkeys(("name", "meaning", "at", "method", "proved_at"))),
    }


def _read(told: Told) -> dict[str, object]:
    detail = told["detail"]
    return {
        "read_id": told["event_id"],
        "case_id": id_of(told),
        "reader": told["actor"],
        "modality": detail["modality"],
        "label": detail["label"],
        "probability": detail["probability"],
        "opened_at": detail["opened_at"],
        "committed_at": told["at"],
    }


def _reveal(told: Told) -> dict[str, object]:
    detail = told["detail"]
    return {
        "reveal_id": told["event_id"],
        "case_id": id_of(told),
        "reader": told["actor"],
        "prediction_id": detail["prediction"],
        "screen": detail["shown_digest"],
        "shown_at": told["at"],
        "model": detail["model"],
    }


def _decision(told: Told) -> dict[str, object]:
    detail, signature = told["detail"], told["detail"]["signature"]
    return {
        "decision_id": told["event_id"],
        "case_id": id_of(told),
        "reader": told["actor"],
        "reveal_id": detail["reveal"],
        "prediction_id": detail["prediction"],
        "answer": detail["outcome"],
        "decided_at": told["at"],
        **signed(signature),
        **{name: detail[name] for name in _TOLD_OF_DECISIONS},
    }


_TOLD_OF_DECISIONS: Final = (
    "label",
    "reason",
    "comment",
    "confidence",
    "own_probability",
    "shown_digest",
    "shown_at",
    "seconds_active",
    "supersedes",
    "model",
    "probability",
    "threshold",
    "label_shown",
)
"""Columns of a decision, and of the prediction it answers, that its event tells under the same name."""
_DECIDED: Final = frozenset(
    {"decision.accepted", "decision.overridden", "decision.deferred", "decision.amended"}
)
_MOVED: Final = frozenset({"model.promoted", "model.rolled_back", "model.stopped"})

TWINS: Final = (
    Twin("projects", frozenset({"project.configured"}), _project, digested=frozenset({"text"})),
    Twin("accounts", frozenset({"account.created"}), _account),
    Twin("models", frozenset({"model.trained"}), _model, digested=frozenset({"artefact", "card"})),
    Twin("promotions", _MOVED, _promotion),
    Twin("reads", frozenset({"read.committed"}), _read, key="read_id"),
    Twin("reveals", frozenset({"prediction.shown"}), _reveal, key="reveal_id"),
    Twin("decisions", _DECIDED, _decision, key="decision_id"),
)


def _purpose(told: Told) -> dict[str, object]:
    return {"purpose": told["detail"]["purpose"]}


def _source(told: Told) -> dict[str, object]:
    return {name: told["detail"][name] for name in ("source",) if name in told["detail"]}


def _asked(told: Told) -> dict[str, object]:
    """Return the model that was asked; an event that names two is about none."""
    model = told["detail"]["model"]
    return {"model": model if id_of(told) == model else None}


BATCHES: Final = (
    Batch("cases", "case.received", cases.received_lines, "received_at", order="position", shared=_purpose),
    Batch(
        "outcomes", "outcome.recorded", cases.outcome_lines, "recorded_at", order="outcome_id", shared=_source
    ),
    Batch("predictions", "prediction.made", predictions.made_lines, "made_at", shared=_asked),
)
