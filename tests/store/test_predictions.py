"""Predictions come back to the last bit, and their lines are those their batch was told with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hitl_review.domain.audit import lines_digest
from hitl_review.errors import Conflict, NotFound
from hitl_review.store import audit, predictions
from hitl_review.workflow.workspace import Workspace
from tests.ward import predict, train


def test_a_prediction_comes_back_equal(workspace: Workspace) -> None:
    """Margins are doubles, and stay the same doubles."""
    made = predict(workspace, train(workspace))
    for prediction in made.values():
        assert predictions.get(workspace.store, prediction.prediction_id) == prediction
    one = made["C-3"]
    assert predictions.find(workspace.store, "C-3", model=one.model, snapshot=one.snapshot) == one
    assert predictions.find(workspace.store, "C-3", model="sha256:other", snapshot=one.snapshot) is None


def test_lines_read_back_are_the_lines_the_batch_was_told_with(workspace: Workspace) -> None:
    """The digest in the event can be computed again from the table."""
    made = predict(workspace, train(workspace))
    event = audit.latest(workspace.store, limit=1)[0]
    assert predictions.made_lines(workspace.store, event.event_id) == [
        predictions.made_line(each) for each in made.values()
    ]
    lines = predictions.made_lines(workspace.store, event.event_id)
    assert lines_digest(lines) == event.told["detail"]["digest"]


def test_a_model_is_asked_once_about_a_snapshot(workspace: Workspace) -> None:
    """What it said the first time stands."""
    one = predict(workspace, train(workspace))["C-1"]
    with pytest.raises(Conflict), workspace.store.transaction():
        event = audit.append(workspace.store, "prediction.made", f"model:{one.model}", {})
        predictions.add(workspace.store, [replace(one, margin=9.0)], event_id=event.event_id)
    assert predictions.get(workspace.store, one.prediction_id) == one


def test_an_unknown_prediction_is_not_found(workspace: Workspace) -> None:
    """A sentence instead of None where something must be there."""
    with pytest.raises(NotFound):
        predictions.get(workspace.store, "P-none")
