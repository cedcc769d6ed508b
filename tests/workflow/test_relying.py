"""The reliability strip says what stands against leaning on a prediction."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from hitl_review.domain.case import Purpose, Snapshot, Value, snapshot_of
from hitl_review.domain.screen import Gravity, Notice
from hitl_review.model.features import matrix
from hitl_review.store import cases, models
from hitl_review.workflow.relying import notices_of
from hitl_review.workflow.scoring import stored_model
from hitl_review.workflow.workspace import Workspace


def strip(
    workspace: Workspace, snapshot: Snapshot, card: Mapping[str, Any] | None = None
) -> tuple[Notice, ...]:
    """The notices of one case."""
    version = models.champion(workspace.store)
    model = stored_model(workspace.store)(version.digest)
    row = matrix(model.spec, [snapshot.values])
    told = json.loads(version.card) if card is None else card
    return notices_of(workspace.project, snapshot, model, row, version, told)


@pytest.fixture
def ordinary(hospital: Workspace) -> dict[str, Value]:
    """The values of a training patient, with everything measured."""
    filled = {
        feature.name: feature.level_codes[0] if feature.levels else 0.0 if feature.kind == "flag" else 1.0
        for feature in hospital.project.features
    }
    for case in cases.of_purpose(hospital.store, Purpose.TRAINING):
        filled |= {name: value for name, value in case.snapshot.values.items() if value is not None}
    return filled


def test_a_complete_and_ordinary_patient_raises_no_warning(
    hospital: Workspace, ordinary: dict[str, Value]
) -> None:
    """The strip then says so, in as many words."""
    notices = strip(hospital, snapshot_of("C-1", ordinary))
    assert not [notice for notice in notices if notice.gravity is Gravity.WARNING]
    assert any(notice.title == "Complete:" for notice in notices)


def test_missing_key_inputs_are_named_and_weigh(hospital: Workspace, ordinary: dict[str, Value]) -> None:
    """A prediction without them is demoted on the page."""
    key = next(feature for feature in hospital.project.features if feature.key)
    notices = strip(hospital, snapshot_of("C-1", {**ordinary, key.name: None}))
    warning = next(notice for notice in notices if notice.gravity is Gravity.WARNING)
    assert warning.title == "Key inputs not measured:" and key.label in warning.text


def test_values_outside_the_training_range_are_named(hospital: Workspace, ordinary: dict[str, Value]) -> None:
    """By their labels, not their columns."""
    notices = strip(hospital, snapshot_of("C-1", {**ordinary, "creatinine": 29.0}))
    assert "Creatinine" in notices[0].text and notices[0].gravity is not Gravity.FINE


def test_a_wild_patient_is_said_to_be_unlike_the_training_patients(
    hospital: Workspace, ordinary: dict[str, Value]
) -> None:
    """Several values outside the range make the whole case unlike."""
    wild = {**ordinary, "creatinine": 29.0, "temperature": 44.0, "heart_rate": 290.0, "sodium": 199.0}
    assert strip(hospital, snapshot_of("C-1", wild))[0].gravity is Gravity.WARNING


def _card(cases_: int, sensitivity: float) -> dict[str, Any]:
    share = {"value": sensitivity, "low": 0.1, "high": 0.9, "cases": cases_}
    group = {"cases": cases_, "positives": 9, "sensitivity": share, "positive_predictive_value": share}
    return {
        "hold_out": {
            "auc": {"value": 0.7, "low": 0.6, "high": 0.8},
            "calibration": {"slope": 0.9, "intercept": 0.0},
            "subgroups": {"disease_group": {"copd": group}},
        }
    }


@pytest.mark.parametrize(
    ("cases_", "sensitivity", "gravity", "words"),
    [
        (49, 0.8, Gravity.NOTE, "only 49 such hold-out patients, too few"),
        (50, 0.8, Gravity.FINE, "it found 80% (10%–90%)"),
        (50, 0.3, Gravity.NOTE, "it found 30%"),
    ],
)
def test_the_patients_own_subgroup_is_told_where_it_is_large_enough(
    hospital: Workspace,
    ordinary: dict[str, Value],
    cases_: int,
    sensitivity: float,
    gravity: Gravity,
    words: str,
) -> None:
    """Fifty hold-out cases are the least; a model that misses most of them earns a note."""
    values = {**ordinary, "disease_group": "copd"}
    notice = strip(hospital, snapshot_of("C-1", values), _card(cases_, sensitivity))[2]
    assert notice.gravity is gravity and words in notice.text


def test_a_model_that_was_never_measured_says_so(hospital: Workspace, ordinary: dict[str, Value]) -> None:
    """A hold-out may be lacking in a new workspace."""
    notice = strip(hospital, snapshot_of("C-1", ordinary), {"hold_out": None})[-1]
    assert notice.gravity is Gravity.NOTE and "not measured on a hold-out" in notice.text
