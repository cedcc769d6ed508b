"""What a study shows of the model: as it is, or wrong on purpose; whole, as on the review page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hitl_review.domain.case import Case
from hitl_review.domain.prediction import Contribution, Explanation, Prediction, Verdict
from hitl_review.domain.registry import ModelVersion
from hitl_review.domain.screen import Screen
from hitl_review.domain.study import Output
from hitl_review.model import calibration
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.explaining import explain
from hitl_review.model.features import matrix
from hitl_review.model.uncertainty import verdict
from hitl_review.project import Project
from hitl_review.store import predictions
from hitl_review.workflow.presenting import Backing, facts_of, view_of
from hitl_review.workflow.relying import notices_of
from hitl_review.workflow.workspace import Workspace


def as_it_is(prediction: Prediction) -> Output:
    """Return the model's own answer as what a study shows."""
    return Output(
        prediction.case_id,
        prediction.prediction_id,
        prediction.margin,
        prediction.probability,
        prediction.label,
        prediction.verdict.value,
        replaced=False,
    )


def turned_round(project: Project, model: TrainedModel, case: Case, output: Output) -> Output:
    """Return a believable opposite of an answer: every reason keeps its size and pulls the other way.

    The margin becomes 2 x base value - margin, so that the reasons still add up to it.
    """
    explanation = explain(model, matrix(model.spec, [case.snapshot.values])).row(0)
    margin = 2 * explanation.base_value - output.margin
    probability = float(calibration.apply(model.calibration, np.array([margin]))[0])
    unlike = output.verdict == Verdict.UNLIKE_TRAINING.value
    return replace(
        output,
        margin=margin,
        probability=probability,
        label=project.target.positive.code
        if probability >= project.target.threshold
        else project.target.negative.code,
        verdict=verdict(model.conformal, margin, unlike=unlike).value,
        replaced=True,
    )


def study_screen(
    workspace: Workspace, case: Case, output: Output, model: TrainedModel, version: ModelVersion
) -> Screen:
    """Return the whole screen of a case with what the study shows of the model."""
    row = matrix(model.spec, [case.snapshot.values])
    explanation = explain(model, row).row(0)
    card: Mapping[str, Any] = json.loads(version.card)
    notices = notices_of(workspace.project, case.snapshot, model, row, version, card)
    view = view_of(
        workspace.project,
        workspace.project_digest,
        case.snapshot,
        _as_prediction(workspace, output),
        _opposite(explanation) if output.replaced else explanation,
        Backing(version.name, model.record.base_rate, notices),
    )
    return Screen(facts_of(workspace.project, case.snapshot), view)


def _as_prediction(workspace: Workspace, output: Output) -> Prediction:
    return replace(
        predictions.get(workspace.store, output.prediction_id),
        margin=output.margin,
        probability=output.probability,
        label=output.label,
        verdict=Verdict(output.verdict),
    )


def _opposite(explanation: Explanation) -> Explanation:
    turned = tuple(Contribution(each.feature, -each.amount) for each in explanation.contributions)
    return Explanation(explanation.base_value, turned)
