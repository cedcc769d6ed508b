"""The hold-out's measures are what scikit-learn says of the same predictions, or there are none."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss, precision_score, recall_score, roc_auc_score

from hitl_review.domain.audit import canonical_json
from hitl_review.domain.case import Case, Purpose, snapshot_of
from hitl_review.model.explaining import explain
from hitl_review.model.features import matrix
from hitl_review.model.scoring import score
from hitl_review.model.training import TrainedModel
from hitl_review.project import Project
from hitl_review.store import cases, models
from hitl_review.workflow.evaluating import hold_out_report
from hitl_review.workflow.scoring import stored_model
from hitl_review.workflow.workspace import open_workspace


@dataclass(frozen=True, slots=True)
class HoldOut:
    """All that a report is made from, and the predictions it must agree with."""

    project: Project
    model: TrainedModel
    cases: Sequence[Case]
    outcomes: Mapping[str, bool]

    @property
    def labels(self) -> np.ndarray[Any, Any]:
        """What turned out to be true, in the order of the cases."""
        return np.array([self.outcomes[case.case_id] for case in self.cases], dtype=float)

    @property
    def chance(self) -> np.ndarray[Any, Any]:
        """The model's probabilities, in the order of the cases."""
        return np.asarray(score(self.model, self.rows).probabilities)

    @property
    def rows(self) -> Any:
        """The cases as the model sees them."""
        return matrix(self.model.spec, [case.snapshot.values for case in self.cases])

    def report(self, cases: Sequence[Case] | None = None) -> dict[str, Any]:
        """The report on these cases, or on others."""
        made = hold_out_report(
            self.project, self.model, self.cases if cases is None else cases, self.outcomes
        )
        assert made is not None
        return made

    def of(self, level: str) -> np.ndarray[Any, Any]:
        """Which cases are of a level of the disease group."""
        return np.array([case.snapshot.values["disease_group"] == level for case in self.cases])


@pytest.fixture(scope="module")
def held_out(hospital_folder: Path) -> HoldOut:
    """The hospital's 120 locked patients and its champion."""
    with open_workspace(hospital_folder) as workspace:
        store = workspace.store
        return HoldOut(
            workspace.project,
            stored_model(store)(models.champion(store).digest),
            cases.of_purpose(store, Purpose.HOLDOUT),
            cases.outcomes(store, Purpose.HOLDOUT),
        )


@pytest.fixture(scope="module")
def report(held_out: HoldOut) -> dict[str, Any]:
    """The report on them."""
    return held_out.report()


def test_area_log_loss_and_brier_score_are_those_of_scikit_learn(
    held_out: HoldOut, report: dict[str, Any]
) -> None:
    """On the same labels and probabilities, to twelve digits."""
    labels, chance = held_out.labels, held_out.chance
    assert report["auc"]["value"] == pytest.approx(roc_auc_score(labels, chance), abs=1e-12)
    assert report["log_loss"] == pytest.approx(log_loss(labels, chance), abs=1e-12)
    assert report["brier"] == pytest.approx(brier_score_loss(labels, chance), abs=1e-12)


def test_sensitivity_and_specificity_are_at_the_projects_threshold(
    held_out: HoldOut, report: dict[str, Any]
) -> None:
    """As scikit-learn's recall of both classes there; each with the number it was measured on."""
    labels, called = held_out.labels, held_out.chance >= held_out.project.target.threshold
    assert report["threshold"] == held_out.project.target.threshold
    assert report["sensitivity"]["value"] == pytest.approx(recall_score(labels, called))
    assert report["specificity"]["value"] == pytest.approx(recall_score(1 - labels, ~called))
    assert report["sensitivity"]["cases"] == report["positives"] == labels.sum()
    assert report["specificity"]["cases"] == 120 - labels.sum()


def test_the_threshold_of_the_project_moves_the_operating_point(held_out: HoldOut) -> None:
    """A lower one finds more and is more often wrong; the areas do not move."""
    target = held_out.project.target.model_copy(update={"threshold": 0.1})
    lower = replace(held_out, project=held_out.project.model_copy(update={"target": target})).report()
    usual = held_out.report()
    assert lower["sensitivity"]["value"] > usual["sensitivity"]["value"]
    assert lower["specificity"]["value"] < usual["specificity"]["value"]
    assert lower["auc"] == usual["auc"]


def test_every_interval_holds_its_estimate(report: dict[str, Any]) -> None:
    """Area, sensitivity, specificity, and both shares of every subgroup that has any."""
    shares = [report["auc"], report["sensitivity"], report["specificity"]]
    for group in report["subgroups"]["disease_group"].values():
        shares += [group["sensitivity"], group["positive_predictive_value"]]
    measured = [share for share in shares if share["value"] is not None]
    assert len(measured) > 10
    assert all(share["low"] <= share["value"] <= share["high"] for share in measured)


def test_subgroups_are_counted_as_they_are(held_out: HoldOut, report: dict[str, Any]) -> None:
    """Every level with its patients, its outcomes, and scikit-learn's recall and precision among them."""
    counted = Counter(case.snapshot.values["disease_group"] for case in held_out.cases)
    groups = report["subgroups"]["disease_group"]
    assert {level: group["cases"] for level, group in groups.items()} == counted
    for level, group in groups.items():
        here = held_out.of(level)
        labels, called = held_out.labels[here], held_out.chance[here] >= held_out.project.target.threshold
        assert group["positives"] == labels.sum()
        if labels.any():
            assert group["sensitivity"]["value"] == pytest.approx(recall_score(labels, called))
        if called.any():
            assert group["positive_predictive_value"]["value"] == pytest.approx(
                precision_score(labels, called)
            )


def test_a_subgroup_without_outcomes_says_nothing_instead_of_nought(held_out: HoldOut) -> None:
    """Of no patient with the outcome, none is found: that is no sensitivity of 0."""
    level = str(held_out.cases[0].snapshot.values["disease_group"])
    kept = [
        case
        for case in held_out.cases
        if case.snapshot.values["disease_group"] != level or not held_out.outcomes[case.case_id]
    ]
    group = held_out.report(kept)["subgroups"]["disease_group"][level]
    assert (group["positives"], group["sensitivity"]["value"], group["sensitivity"]["cases"]) == (0, None, 0)


def test_a_patient_whose_group_was_not_measured_is_in_no_subgroup(held_out: HoldOut) -> None:
    """And still in the whole."""
    first = held_out.cases[0]
    values = {**first.snapshot.values, "disease_group": None}
    unknown = replace(first, snapshot=snapshot_of(first.case_id, values))
    report = held_out.report([unknown, *held_out.cases[1:]])
    assert sum(group["cases"] for group in report["subgroups"]["disease_group"].values()) == 119
    assert report["cases"] == 120


def test_only_features_are_grouped_by(held_out: HoldOut, report: dict[str, Any]) -> None:
    """Race and income lie beside the cases, not in them; nothing is made up for them here."""
    assert {"race", "income", "age_band"} <= set(held_out.project.gate.subgroups)
    assert set(report["subgroups"]) == {"sex", "disease_group"}


def test_the_tenths_hold_every_case_once_in_order_of_risk(held_out: HoldOut, report: dict[str, Any]) -> None:
    """Ten parts of twelve; together they say what the whole says."""
    tenths = report["calibration_bins"]
    assert [tenth["cases"] for tenth in tenths] == [12] * 10
    assert [tenth["predicted"] for tenth in tenths] == sorted(tenth["predicted"] for tenth in tenths)
    assert np.mean([tenth["predicted"] for tenth in tenths]) == pytest.approx(held_out.chance.mean())
    assert np.mean([tenth["observed"] for tenth in tenths]) == pytest.approx(held_out.labels.mean())
    gaps = [abs(tenth["predicted"] - tenth["observed"]) for tenth in tenths]
    assert report["expected_calibration_error"] == pytest.approx(np.mean(gaps))


def test_importance_is_the_mean_size_of_the_contributions(held_out: HoldOut, report: dict[str, Any]) -> None:
    """One number per feature, in the model's order."""
    sizes = np.abs(explain(held_out.model, held_out.rows).contributions).mean(axis=0)
    assert list(report["importance"]) == list(held_out.model.spec.names)
    assert list(report["importance"].values()) == pytest.approx(sizes)


def test_every_case_has_one_verdict(report: dict[str, Any]) -> None:
    """They are counted by name."""
    assert sum(report["verdicts"].values()) == 120


def test_cases_whose_outcome_is_unknown_are_left_out(held_out: HoldOut) -> None:
    """The same as if they were not there."""
    half = held_out.cases[:60]
    known = {case.case_id: held_out.outcomes[case.case_id] for case in half}
    assert replace(held_out, outcomes=known).report() == held_out.report(half)


@pytest.mark.parametrize("outcome", [True, False, None])
def test_with_one_class_or_none_there_is_no_report(held_out: HoldOut, outcome: bool | None) -> None:
    """Nothing can be told apart where all are alike, and nothing measured where nothing is known."""
    known = {case_id for case_id, value in held_out.outcomes.items() if value is outcome}
    few = [case for case in held_out.cases if case.case_id in known]
    assert hold_out_report(held_out.project, held_out.model, few, held_out.outcomes) is None
    assert hold_out_report(held_out.project, held_out.model, held_out.cases, {}) is None


def test_two_cases_of_two_classes_give_a_report_that_says_how_little_it_knows(held_out: HoldOut) -> None:
    """What can't be measured is nothing, never a NaN: the report is stored as JSON."""
    one = next(case for case in held_out.cases if held_out.outcomes[case.case_id])
    other = next(case for case in held_out.cases if not held_out.outcomes[case.case_id])
    report = held_out.report([one, other])
    assert report["cases"] == 2 and report["auc"]["value"] in (0.0, 1.0)
    assert report["calibration"]["slope"] is None
    assert "NaN" not in canonical_json(report)


def test_the_report_is_what_stands_in_the_models_card(hospital_folder: Path, report: dict[str, Any]) -> None:
    """Measured once, when it was trained, and kept."""
    with open_workspace(hospital_folder) as workspace:
        card = json.loads(models.champion(workspace.store).card)
    assert card["hold_out"] == json.loads(canonical_json(report))
