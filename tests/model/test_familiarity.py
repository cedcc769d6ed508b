"""What lies outside the training cases is told value by value and for the case as a whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitl_review.domain.case import Value
from hitl_review.domain.prediction import Verdict
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.explaining import explain
from hitl_review.model.familiarity import Familiarity, Mark, learn, marks, novelty, unfamiliarity
from hitl_review.model.features import Column, FeatureSpec, Matrix, matrix
from hitl_review.model.scoring import score
from hitl_review.model.training import train
from hitl_review.project import TrainingPolicy

CASE: dict[str, Value] = {"age": 70.0, "creatinine": 1.2, "dementia": 0.0, "ward": "d"}


def one(model: TrainedModel, **changed: Value) -> Matrix:
    """The matrix of one case."""
    return matrix(model.spec, [{**CASE, **changed}])


def test_an_ordinary_case_has_no_marks(model: TrainedModel) -> None:
    """Nothing is unusual, so nothing is said."""
    assert marks(model.familiarity, one(model)) == {}
    found = unfamiliarity(model.familiarity, one(model))
    assert not found.unlike
    assert found.sentence({}) == ""


@pytest.mark.parametrize(
    ("changed", "mark"),
    [
        ({"age": None}, Mark.NOT_MEASURED),
        ({"age": 150.0}, Mark.ABOVE_TRAINING),
        ({"age": -3.0}, Mark.BELOW_TRAINING),
        ({"ward": None}, Mark.NOT_MEASURED),
    ],
)
def test_each_value_has_its_own_mark(model: TrainedModel, changed: dict[str, Value], mark: Mark) -> None:
    """Missing, above or below what the training cases had."""
    assert marks(model.familiarity, one(model, **changed)) == {next(iter(changed)): mark}


def test_the_range_is_that_of_the_training_cases(model: TrainedModel, ward: Any) -> None:
    """With fewer than 1,000 cases it runs from the smallest to the largest, and both are inside."""
    ages = ward.values[:, 0]
    for age in (ages.min(), ages.max()):
        assert marks(model.familiarity, one(model, age=float(age))) == {}
    assert marks(model.familiarity, one(model, age=float(ages.max()) + 0.01)) == {"age": Mark.ABOVE_TRAINING}


def test_in_many_cases_the_outermost_thousandth_is_outside() -> None:
    """One wild training value does not stretch the range."""
    spec = FeatureSpec((Column("x", "number"),))
    values = np.append(np.linspace(0, 1, 4999), 1e6).astype(np.float32)[:, None]
    span = learn(spec, values).spans[0]
    assert span.high is not None and 0.99 < span.high <= 1


def test_a_level_or_feature_no_training_case_had_is_marked() -> None:
    """The project knows the level, the model has never seen it; the answer is still scored and explained."""
    spec = FeatureSpec(
        (Column("x", "number"), Column("y", "number"), Column("c", "category", ("a", "b", "rare")))
    )
    random = np.random.default_rng(0)
    values = np.column_stack([random.random(60), np.full(60, np.nan), random.integers(0, 2, 60)]).astype("f4")
    familiarity = learn(spec, values)
    case = matrix(spec, [{"x": 0.5, "y": 1.0, "c": "rare"}])
    assert marks(familiarity, case) == {"y": Mark.NOT_IN_TRAINING, "c": Mark.NOT_IN_TRAINING}
    assert unfamiliarity(familiarity, case).outside == ("y", "c")


def test_an_unseen_declared_level_is_scored_and_adds_up(settings: TrainingPolicy) -> None:
    """A level of the project that no training case had does not crash XGBoost and its explanation adds up."""
    spec = FeatureSpec((Column("x", "number"), Column("c", "category", ("a", "b", "rare"))))
    random = np.random.default_rng(1)
    values = np.column_stack([random.random(200), random.integers(0, 2, 200)]).astype("f4")
    fitted = train(values, (values[:, 1] == 1) ^ (random.random(200) < 0.1), spec=spec, settings=settings)
    case = matrix(spec, [{"x": 0.5, "c": "rare"}])
    assert np.isfinite(score(fitted, case).margins[0])
    assert explain(fitted, case)[0].total == pytest.approx(score(fitted, case).margins[0], abs=1e-5)


def test_three_wild_values_make_the_whole_case_unlike(model: TrainedModel) -> None:
    """One is a mark on that value; three are no patient the model knows."""
    assert not unfamiliarity(model.familiarity, one(model, age=120.0)).unlike
    spec = FeatureSpec(tuple(Column(name, "number") for name in "abcd"))
    familiarity = learn(spec, np.random.default_rng(0).random((100, 4)).astype("f4"))
    wild = unfamiliarity(familiarity, np.array([[1.1, 1.1, 1.1, 0.5]], dtype="f4"))
    assert wild.unlike
    assert wild.sentence({"a": "Albumin"}).startswith(
        "values outside what the model was trained on: Albumin, b, c"
    )


def test_a_case_with_nothing_measured_is_unlike(model: TrainedModel) -> None:
    """More missing values than in any training case; XGBoost itself would score it without complaint."""
    empty = matrix(model.spec, [dict.fromkeys(CASE)])
    found = unfamiliarity(model.familiarity, empty)
    assert found.too_many_missing and found.unlike
    assert "more values not measured than in any training case" in found.sentence({})
    assert score(model, empty).verdicts == [Verdict.UNLIKE_TRAINING]


def test_an_odd_combination_of_ordinary_values_is_far() -> None:
    """Two measurements that always move together are told apart though each value is within its range."""
    spec = FeatureSpec((Column("a", "number"), Column("b", "number")))
    a = np.random.default_rng(0).normal(size=500)
    familiarity = learn(
        spec, np.column_stack([a, a + 0.05 * np.random.default_rng(1).normal(size=500)]).astype("f4")
    )
    found = unfamiliarity(familiarity, np.array([[1.9, -1.9]], dtype="f4"))
    assert found.far and found.unlike and not found.outside
    assert found.percentile == 100
    assert "rare among the training cases" in found.sentence({})
    assert not unfamiliarity(familiarity, np.array([[1.0, 1.0]], dtype="f4")).far


def test_few_ordinary_new_patients_are_called_unlike(champion: TrainedModel, patients: Any) -> None:
    """Of 2,000 patients of the same hospitals, less than 3 %; a warning that comes always is none."""
    assert novelty(champion.familiarity, patients["holdout"].values).unlike.mean() < 0.03


def test_shifted_patients_are_farther_than_ordinary_ones(champion: TrainedModel, patients: Any) -> None:
    """Six measurements three robust deviations off: most lie beyond nine tenths of the training cases."""
    values = patients["holdout"].values[:500].copy()
    familiarity = champion.familiarity
    numbers = [i for i, column in enumerate(champion.spec.columns) if column.kind == "number"]
    ordinary = novelty(familiarity, values).percentile
    random = np.random.default_rng(0)
    for row in values:
        moved = random.choice(numbers, 6, replace=False)
        row[moved] = (familiarity.scale.centres + 3 * familiarity.scale.spreads)[moved]
    shifted = novelty(familiarity, values).percentile
    assert np.mean(shifted > 90) > 0.75 > 0.2 > np.mean(ordinary > 90)


def test_a_case_is_judged_the_same_alone_and_among_others(champion: TrainedModel, patients: Any) -> None:
    """A replay of one case must give what the batch gave."""
    values = patients["holdout"].values[:200]
    together = novelty(champion.familiarity, values)
    for place in range(0, 200, 7):
        alone = novelty(champion.familiarity, values[[place]])
        assert (alone.percentile[0], alone.unlike[0]) == (together.percentile[place], together.unlike[place])


def test_familiarity_survives_storage(model: TrainedModel, newcomers: Any) -> None:
    """What was learnt and what is read back give equal answers, to the last bit."""
    again = Familiarity.from_json(model.spec, model.familiarity.as_json())
    learnt = learn(model.spec, newcomers.values)
    stored = Familiarity.from_json(model.spec, learnt.as_json())
    for pair in ((model.familiarity, again), (learnt, stored)):
        for ours, theirs in zip(*(novelty(each, newcomers.values) for each in pair), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_no_cases_get_no_answers(model: TrainedModel) -> None:
    """An empty queue is no error."""
    assert novelty(model.familiarity, matrix(model.spec, [])).unlike.shape == (0,)
