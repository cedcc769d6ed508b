"""From one training set: recalibrated, held to directions, refitted; and which of them goes to the gate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitl_review.model import evaluation
from hitl_review.model.artifacts import TrainedModel, load
from hitl_review.model.candidates import Candidates, Kind, TrainingSet, make_candidates
from hitl_review.model.features import FeatureSpec
from hitl_review.model.scoring import score
from hitl_review.project import TrainingPolicy
from tests.model.conftest import Table, make_ward

UPWARDS = {"age": 1, "creatinine": 1}


@pytest.fixture(scope="module")
def decided() -> Table:
    """Six hundred patients that came after the champion was trained."""
    return make_ward(600, seed=11)


def training_set(ward: Table, decided: Table, **more: Any) -> TrainingSet:
    """The champion's patients and the new ones, all with an outcome unless said otherwise."""
    labels = np.concatenate([ward.labels, decided.labels])
    values: dict[str, Any] = {
        "values": np.vstack([ward.values, decided.values]),
        "labels": labels,
        "outcomes": labels.copy(),
        "weights": np.ones(len(labels)),
        "known_to_champion": np.arange(len(labels)) < len(ward.labels),
        **more,
    }
    return TrainingSet(**values)


def made(training: TrainingSet, champion: TrainedModel | None, spec: FeatureSpec, **more: Any) -> Candidates:
    """All candidates under the small policy."""
    asked: dict[str, Any] = {"settings": TrainingPolicy(small_rows=5_000), "directions": UPWARDS, **more}
    return make_candidates(training, spec=spec, champion=champion, **asked)


@pytest.fixture(scope="module")
def skewed(model: TrainedModel, ward: Table, decided: Table) -> TrainingSet:
    """Outcomes have become rarer: two in three of the new ones did not happen."""
    outcomes = np.concatenate([ward.labels, decided.labels])
    gone = (np.arange(len(outcomes)) >= len(ward.labels)) & (np.arange(len(outcomes)) % 3 > 0)
    outcomes[gone] = 0
    return training_set(ward, decided, labels=outcomes.copy(), outcomes=outcomes)


def test_a_run_makes_all_three_kinds(model: TrainedModel, skewed: TrainingSet, spec: FeatureSpec) -> None:
    """Simplest first, each a model of its own."""
    found = made(skewed, model, spec)
    assert [each.kind for each in found.made] == [Kind.RECALIBRATED, Kind.CONSTRAINED, Kind.REFITTED]
    assert len({each.model.digest for each in found.made} | {model.digest}) == 4
    assert found.chosen in found.made


def test_recalibration_keeps_the_order_of_patients_and_mends_the_probabilities(
    model: TrainedModel, skewed: TrainingSet, spec: FeatureSpec, newcomers: Table
) -> None:
    """The trees are the champion's; the mean probability follows the outcomes."""
    renewed = made(skewed, model, spec).made[0].model
    before, after = (score(each, newcomers.values) for each in (model, renewed))
    assert np.array_equal(before.margins, after.margins)
    assert np.mean(after.probabilities) < np.mean(before.probabilities) - 0.1
    assert renewed.record.parameters["recalibrated_from"] == model.digest
    assert load(renewed.data, digest=renewed.digest).calibration == renewed.calibration


def test_constraints_hold_for_every_patient(
    model: TrainedModel, ward: Table, decided: Table, spec: FeatureSpec, newcomers: Table
) -> None:
    """Ten years more never lower the margin."""
    constrained = made(training_set(ward, decided), model, spec).made[-2]
    assert constrained.kind is Kind.CONSTRAINED
    older = newcomers.values.copy()
    older[:, 0] += 10
    change = score(constrained.model, older).margins - score(constrained.model, newcomers.values).margins
    assert (change >= 0).all()


def test_a_project_that_demands_directions_gets_no_model_without_them(
    model: TrainedModel, ward: Table, decided: Table, spec: FeatureSpec
) -> None:
    """`training.monotone = true` is not a suggestion."""
    policy = TrainingPolicy(small_rows=5_000, monotone=True)
    kinds = {each.kind for each in made(training_set(ward, decided), model, spec, settings=policy).made}
    assert Kind.REFITTED not in kinds and Kind.CONSTRAINED in kinds


def test_without_directions_and_champion_there_is_one_candidate(
    ward: Table, decided: Table, spec: FeatureSpec
) -> None:
    """New trees."""
    found = made(training_set(ward, decided), None, spec, directions={})
    assert [each.kind for each in found.made] == [Kind.REFITTED]


def test_a_champion_is_not_recalibrated_on_decisions(
    model: TrainedModel, ward: Table, decided: Table, spec: FeatureSpec
) -> None:
    """Only outcomes may say what a probability means: a decision may echo the model."""
    outcomes = np.concatenate([ward.labels, np.full(len(decided.labels), np.nan)])
    found = made(training_set(ward, decided, outcomes=outcomes), model, spec)
    assert Kind.RECALIBRATED not in {each.kind for each in found.made}


def test_new_calibration_goes_to_the_gate_within_one_standard_error_of_new_trees(
    model: TrainedModel, skewed: TrainingSet, spec: FeatureSpec
) -> None:
    """The trees in use stay where they do; between two sets of new trees the better one wins."""
    found = made(skewed, model, spec)
    recalibrated, *new = found.made
    assert all(each.log_loss is not None for each in found.made)
    better = min(new, key=lambda each: each.log_loss or np.inf)
    assert found.chosen in (recalibrated, better)
    assert f"{found.chosen.log_loss:.4f}" in found.words


def test_between_new_trees_the_better_on_cases_left_out_is_chosen(
    ward: Table, decided: Table, spec: FeatureSpec
) -> None:
    """Directions that are the wrong way round are no reason to take the worse model, however near."""
    training = training_set(ward, decided, known_to_champion=np.zeros(len(ward.labels) + 600, dtype=bool))
    wrong = made(training, None, spec, directions={name: -sign for name, sign in UPWARDS.items()})
    assert wrong.chosen.kind is Kind.REFITTED
    assert (wrong.made[0].log_loss or 0) > (wrong.made[1].log_loss or 0)


def test_decisions_judge_the_trees_as_they_were_fitted_to_them(
    model: TrainedModel, ward: Table, decided: Table, spec: FeatureSpec
) -> None:
    """Readers state flat probabilities; the curve that mends the model for outcomes must not count against it."""
    flat = np.concatenate([ward.labels, 0.3 + 0.4 * decided.labels])
    outcomes = np.concatenate([ward.labels, np.full(len(decided.labels), np.nan)])
    found = made(training_set(ward, decided, labels=flat, outcomes=outcomes), model, spec)
    assert found.chosen.model.calibration.method == "platt" and found.chosen.model.calibration.rise > 1.2
    entropy = -(0.3 * np.log(0.3) + 0.7 * np.log(0.7))
    assert entropy < (found.chosen.log_loss or 0) < np.log(2), "as near to what was said as can be"


def test_more_patients_make_a_better_model(
    model: TrainedModel, ward: Table, decided: Table, spec: FeatureSpec
) -> None:
    """Measured on patients that neither has seen."""
    judges = make_ward(2_000, seed=21)
    chosen = made(training_set(ward, decided), model, spec).chosen.model
    before, after = (
        evaluation.log_loss(judges.labels, score(each, judges.values).probabilities)
        for each in (model, chosen)
    )
    assert after < before


def test_soft_labels_teach_while_outcomes_judge(
    ward: Table, decided: Table, spec: FeatureSpec, newcomers: Table
) -> None:
    """Labels drawn halfway to the middle are stretched again by calibration on the outcomes beside them."""
    outcomes = np.concatenate([ward.labels, decided.labels])
    soft = 0.25 + 0.5 * outcomes
    found = made(training_set(ward, decided, labels=soft), None, spec, directions={}).chosen.model
    assert found.calibration.method != "none" and found.calibration.rise > 1.3
    slope = evaluation.calibration_line(newcomers.labels, score(found, newcomers.values).probabilities).slope
    assert 0.75 < slope < 1.35


def test_equal_training_sets_give_equal_bytes_and_other_labels_or_outcomes_others(
    model: TrainedModel, ward: Table, decided: Table, spec: FeatureSpec
) -> None:
    """The digest of the data covers what judged as well as what taught."""
    first, again = (made(training_set(ward, decided), model, spec) for _ in range(2))
    assert [each.model.digest for each in first.made] == [each.model.digest for each in again.made]
    unknown = np.concatenate([ward.labels, decided.labels])
    unknown[-1] = np.nan
    other = made(training_set(ward, decided, outcomes=unknown), model, spec)
    assert first.made[-1].model.record.data != other.made[-1].model.record.data


def test_too_few_new_cases_compare_nothing_and_say_so(
    model: TrainedModel, ward: Table, spec: FeatureSpec
) -> None:
    """Thirty new ones: the refit goes to the gate, which judges."""
    found = made(training_set(ward, make_ward(30, seed=12)), model, spec)
    assert found.chosen.kind is Kind.REFITTED and found.chosen.log_loss is None
    assert "too few" in found.words
