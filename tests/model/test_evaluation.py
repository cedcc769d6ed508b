"""Measures agree with hand-made numbers and with scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from sklearn import metrics
from sklearn.linear_model import LogisticRegression

from hitl_review.errors import ModelError
from hitl_review.model import evaluation

LABELS = [0, 0, 0, 1, 1]
SCORES = [0.1, 0.4, 0.35, 0.4, 0.9]


def drawn(cases: int = 400, *, seed: int = 0) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Labels and rounded probabilities, so that there are ties."""
    random = np.random.default_rng(seed)
    margins = random.normal(size=cases)
    labels = (random.random(cases) < 1 / (1 + np.exp(-margins))).astype(np.float64)
    return labels, np.round(1 / (1 + np.exp(-1.7 * margins - 0.4)), 2)


def test_auc_counts_ordered_pairs_and_half_of_the_ties() -> None:
    """Six pairs: five ordered right and one tied make 5.5 of 6."""
    assert evaluation.roc_auc_score(LABELS, SCORES) == pytest.approx(5.5 / 6)


@pytest.mark.parametrize("seed", range(5))
def test_measures_agree_with_scikit_learn(seed: int) -> None:
    """AUC with ties, log loss and Brier score are the textbook ones."""
    labels, chance = drawn(seed=seed)
    chance = np.clip(chance, 0.01, 0.99)
    assert evaluation.roc_auc_score(labels, chance) == pytest.approx(metrics.roc_auc_score(labels, chance))
    assert evaluation.log_loss(labels, chance) == pytest.approx(metrics.log_loss(labels, chance))
    assert evaluation.brier_loss(labels, chance) == pytest.approx(metrics.brier_score_loss(labels, chance))


def test_delongs_error_is_the_one_counted_pair_by_pair() -> None:
    """The variance from midranks equals the variance of the placements counted by hand."""
    labels, scores = drawn(60, seed=3)
    positive, negative = scores[labels == 1], scores[labels == 0]
    wins = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    variance = wins.mean(axis=1).var(ddof=1) / len(positive) + wins.mean(axis=0).var(ddof=1) / len(negative)
    area = evaluation.area_under_curve(labels, scores)
    assert area.value == pytest.approx(wins.mean())
    assert area.standard_error == pytest.approx(math.sqrt(variance))
    assert 0 < area.low < area.value < area.high < 1


def test_the_interval_of_the_auc_covers_as_often_as_it_says() -> None:
    """Of 400 samples of 120 cases, about 95 % have the true AUC of 0.7602 (two normals 1 apart) inside."""
    random = np.random.default_rng(5)
    labels = np.repeat([0, 1], [70, 50])
    inside = 0
    for _ in range(400):
        area = evaluation.area_under_curve(labels, random.normal(size=120) + labels)
        inside += area.low <= 0.7602 <= area.high
    assert 0.92 <= inside / 400 <= 0.98


def test_perfect_separation_has_no_interval() -> None:
    """With no wrong pair the method can't tell how sure it is, and says so."""
    area = evaluation.area_under_curve([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    assert area.value == 1
    assert math.isnan(area.low)
    assert math.isnan(evaluation.area_under_curve([0, 1, 1], [0.2, 0.1, 0.9]).standard_error)


@pytest.mark.parametrize("labels", [[1, 1], [0, 0], [0.5, 1]])
def test_auc_of_one_class_or_soft_labels_is_refused(labels: list[float]) -> None:
    """There is no pair to order."""
    with pytest.raises(ModelError, match="area under the curve"):
        evaluation.roc_auc_score(labels, [0.1, 0.2])


def test_unequal_lengths_are_refused() -> None:
    """Broadcasting a single number over all cases would hide a mistake."""
    with pytest.raises(ModelError, match="equal length"):
        evaluation.brier_loss([0, 1], [0.5])


def test_log_loss_takes_soft_labels_weights_and_certain_errors() -> None:
    """A half-true label costs log 2 at one half, weights weigh, and a certain error is not infinite."""
    assert evaluation.log_loss([0.5], [0.5]) == pytest.approx(math.log(2))
    assert evaluation.log_loss([1, 0], [0.9, 0.9], weights=[1, 0]) == pytest.approx(-math.log(0.9))
    assert math.isfinite(evaluation.log_loss([1], [0.0]))


def test_the_calibration_line_is_a_logistic_regression_on_the_logit() -> None:
    """Slope as scikit-learn fits it; intercept so that the mean probability equals the frequency."""
    labels, chance = drawn(2000)
    chance = np.clip(chance, 0.01, 0.99)
    logit = np.log(chance / (1 - chance))
    line = evaluation.calibration_line(labels, chance)
    reference = LogisticRegression(C=np.inf, tol=1e-10).fit(logit[:, None], labels)
    assert line.slope == pytest.approx(reference.coef_[0, 0], rel=1e-4)
    shifted = 1 / (1 + np.exp(-(logit + line.intercept)))
    assert shifted.mean() == pytest.approx(labels.mean(), abs=1e-9)


def test_the_calibration_slopes_interval_covers_one_in_ninety_five_of_a_hundred() -> None:
    """Calibrated probabilities, 400 draws of 300 cases; centred on the slope itself."""
    random, covered = np.random.default_rng(6), 0
    for _ in range(400):
        chance = random.beta(2, 3, 300)
        labels = (random.random(300) < chance).astype(float)
        found = evaluation.calibration_slope_interval(labels, chance)
        assert found.value == pytest.approx(evaluation.calibration_line(labels, chance).slope)
        covered += found.low <= 1 <= found.high
    assert 0.92 <= covered / 400 <= 0.98


def test_there_is_no_interval_of_a_slope_that_is_not_defined() -> None:
    """Separated classes."""
    assert math.isnan(evaluation.calibration_slope_interval([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]).low)


def test_the_calibration_line_of_one_class_or_separated_classes_is_unknown() -> None:
    """Where no maximum exists there is no number to give."""
    assert math.isnan(evaluation.calibration_line([1, 1, 1], [0.2, 0.5, 0.9]).slope)
    assert math.isnan(evaluation.calibration_line([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]).slope)


def test_calibration_error_is_the_mean_distance_over_bins() -> None:
    """Two bins: stated 0.1 and found 0, stated 0.8 and found 1, so 0.15 on average."""
    error = evaluation.expected_calibration_error([0, 0, 1, 1], [0.1, 0.1, 0.8, 0.8], bins=2)
    assert error == pytest.approx(0.15)
    assert evaluation.expected_calibration_error([0, 1], [0.0, 1.0]) == 0


@pytest.mark.parametrize(
    ("successes", "cases", "low", "high"), [(8, 10, 0.490, 0.943), (0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0)]
)
def test_wilson_limits_are_the_published_ones(successes: int, cases: int, low: float, high: float) -> None:
    """They never leave [0, 1], also with no or only successes."""
    interval = evaluation.wilson_interval(successes, cases)
    assert [interval.low, interval.high] == pytest.approx([low, high], abs=5e-4)


def test_a_proportion_of_no_cases_is_unknown() -> None:
    """Nothing of nothing is neither 0 nor 1."""
    assert math.isnan(evaluation.wilson_interval(0, 0).value)


def test_the_operating_point_counts_the_threshold_as_positive() -> None:
    """At 0.4 both positives and one of three negatives are called."""
    point = evaluation.operating_point(LABELS, SCORES, threshold=0.4)
    assert point.sensitivity.value == 1
    assert point.specificity.value == pytest.approx(2 / 3)
    assert point.positive_predictive_value.value == pytest.approx(2 / 3)
    assert point.negative_predictive_value.value == 1
    assert point.positive_predictive_value.cases == 3


def test_subgroups_are_judged_apart_and_cases_of_none_left_out() -> None:
    """Each named group has its own counts and intervals."""
    groups = ["a", "a", "b", "b", None]
    found = evaluation.subgroup_reliability(LABELS, SCORES, groups, threshold=0.4)
    assert list(found) == ["a", "b"]
    assert (found["a"].cases, found["a"].positives) == (2, 0)
    assert math.isnan(found["a"].sensitivity.value)
    assert found["b"].sensitivity.value == 1
    assert found["b"].positive_predictive_value.value == 1


def test_nan_labels_are_refused_by_the_auc() -> None:
    """An outcome that is not known yet is no negative."""
    with pytest.raises(ModelError, match="0 and 1"):
        evaluation.roc_auc_score([0, 1, math.nan], [0.1, 0.2, 0.3])
