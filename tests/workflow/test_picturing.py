"""A model's pictures are drawn where matplotlib is installed; where it is not, the model is kept without them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from hitl_review.domain.case import Purpose
from hitl_review.model.explaining import explain
from hitl_review.model.features import Matrix, matrix
from hitl_review.model.training import TrainedModel
from hitl_review.project import Project
from hitl_review.store import audit, cases, models
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.picturing import DEPENDENCES, pictures_of
from hitl_review.workflow.scoring import stored_model
from hitl_review.workflow.workspace import Workspace, open_workspace
from tests.hospital import build

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Python find no matplotlib, as where the extra `figures` was not installed."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)


def drawn_from(workspace: Workspace) -> tuple[Project, TrainedModel, Matrix]:
    """The project, the model in use and the training cases it is drawn over."""
    model = stored_model(workspace.store)(models.champion(workspace.store).digest)
    training = cases.of_purpose(workspace.store, Purpose.TRAINING)
    return workspace.project, model, matrix(model.spec, [case.snapshot.values for case in training])


def test_a_beeswarm_comes_first_and_then_the_most_important_features(hospital: Workspace) -> None:
    """Three of them, by the mean size of their contributions, under the words of the project."""
    project, model, values = drawn_from(hospital)
    sizes = np.abs(explain(model, values).contributions).mean(axis=0)
    largest = [model.spec.names[place] for place in np.argsort(-sizes)[:DEPENDENCES]]
    labels = [project.feature(name).label for name in largest]
    figures = models.figures(hospital.store, models.champion(hospital.store).digest)
    assert [figure.name for figure in figures] == ["beeswarm", *(f"dependence: {each}" for each in labels)]
    assert all(figure.png.startswith(PNG) for figure in figures)


def test_every_picture_says_in_words_what_it_shows(hospital: Workspace) -> None:
    """With the labels of the project, for those who do not see it."""
    project, _, _ = drawn_from(hospital)
    swarm, *others = models.figures(hospital.store, models.champion(hospital.store).digest)
    labels = [feature.label for feature in project.features]
    assert sum(label in swarm.alt for label in labels) >= 3
    for figure in others:
        assert figure.name.removeprefix("dependence: ") in figure.alt


def test_without_matplotlib_there_are_no_pictures(hospital: Workspace, without_matplotlib: None) -> None:
    """And nothing is tried: shap's plots would fail to load."""
    assert pictures_of(*drawn_from(hospital)) == []


def test_a_model_is_trained_and_kept_without_matplotlib(
    hospital_folder: Path, without_matplotlib: None, tmp_path: Path
) -> None:
    """It is the same model, known by the same digest; its event says that there are no pictures."""
    folder = build(tmp_path / "plain", scored=False)
    with open_workspace(folder) as plain, open_workspace(hospital_folder) as drawn:
        champion = models.champion(plain.store)
        assert champion.digest == models.champion(drawn.store).digest
        assert json.loads(champion.card)["hold_out"] is not None
        assert models.figures(plain.store, champion.digest) == []
        told = next(
            event.told for event in audit.events(plain.store) if event.told["action"] == "model.trained"
        )
    assert told["detail"]["figures"] == {}
    assert verify(folder).ok
