"""Accuracy of judgements against values worked out by hand and by other programs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitl_review.errors import StudyError
from hitl_review.study import accuracy

TRUTH = [0, 0, 0, 1, 1]
RATINGS = [1, 2, 3, 3, 4]

ratings_of_both_classes = st.tuples(
    st.lists(st.integers(0, 9), min_size=1, max_size=12), st.lists(st.integers(0, 9), min_size=1, max_size=12)
)


def test_the_auc_counts_pairs_and_halves_ties() -> None:
    """Of six pairs five are right and one is a tie."""
    assert accuracy.empirical_auc(TRUTH, RATINGS) == pytest.approx(5.5 / 6)


@given(ratings_of_both_classes)
@settings(deadline=None)
def test_the_auc_is_the_mean_over_all_pairs(classes: tuple[list[int], list[int]]) -> None:
    """The midranks give exactly what comparing every positive with every negative gives."""
    negatives, positives = (np.array(each, dtype=float) for each in classes)
    pairs = (np.sign(positives[:, None] - negatives[None, :]) + 1) / 2
    truth = np.repeat([0, 1], [len(negatives), len(positives)])
    placed = accuracy.placements(truth, np.concatenate([negatives, positives]))
    assert placed.of_positives == pytest.approx(pairs.mean(axis=1))
    assert placed.of_negatives == pytest.approx(pairs.mean(axis=0))
    assert placed.auc == pytest.approx(pairs.mean())


@given(ratings_of_both_classes)
@settings(deadline=None)
def test_the_whole_partial_auc_is_the_auc(classes: tuple[list[int], list[int]]) -> None:
    """From 0 to 1 the trapezoids under the ROC curve are the AUC, and two halves add up to it."""
    negatives, positives = classes
    truth = np.repeat([0, 1], [len(negatives), len(positives)])
    whole = accuracy.partial_auc(truth, negatives + positives, false_positive_range=(0, 1))
    parts = [
        accuracy.partial_auc(truth, negatives + positives, false_positive_range=part)
        for part in ((0, 0.3), (0.3, 1))
    ]
    assert whole == pytest.approx(accuracy.empirical_auc(truth, negatives + positives))
    assert sum(parts) == pytest.approx(whole)


def test_the_partial_auc_interpolates_and_can_be_normalised() -> None:
    """Up to a rate of 0.25 the curve runs from (0, 1/2) towards (1/3, 1): area 1/2 * 1/4 + 3/2 * (1/4)^2 / 2."""
    area = 0.5 * 0.25 + 1.5 * 0.25**2 / 2
    found = accuracy.partial_auc(TRUTH, RATINGS, false_positive_range=(0, 0.25))
    assert found == pytest.approx(area)
    mean = accuracy.partial_auc(TRUTH, RATINGS, false_positive_range=(0, 0.25), normalise=True)
    assert mean == pytest.approx(4 * area)


def test_the_roc_curve_runs_from_nothing_called_to_everything_called() -> None:
    """One point per distinct rating, from (0, 0) to (1, 1)."""
    false_rate, true_rate = accuracy.roc_curve(TRUTH, RATINGS)
    assert false_rate == pytest.approx([0, 0, 1 / 3, 2 / 3, 1])
    assert true_rate == pytest.approx([0, 0.5, 1, 1, 1])


def test_proportions_of_calls() -> None:
    """Two of three negatives and one of two positives were called right."""
    calls = [0, 0, 1, 1, 0]
    assert accuracy.specificity(TRUTH, calls) == pytest.approx(2 / 3)
    assert accuracy.sensitivity(TRUTH, calls) == pytest.approx(1 / 2)
    assert accuracy.accuracy(TRUTH, calls) == pytest.approx(3 / 5)
    assert accuracy.balanced_accuracy(TRUTH, calls) == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_scores_and_intervals_agree_with_the_references(
    sim_assist: Any, agreement_expected: dict[str, Any]
) -> None:
    """AUC, Brier score, accuracy, Wilson and Clopper-Pearson of every reader, and the model's."""
    truth = sim_assist.truth
    for j, reader in enumerate(sim_assist.ratings.readers):
        for i, arm in enumerate(sim_assist.ratings.modalities):
            expected = agreement_expected[f"acc/{reader}"][arm]
            ratings, calls = sim_assist.ratings.ratings[i, j], sim_assist.calls.ratings[i, j]
            right = int((calls == truth).sum())
            assert accuracy.accuracy(truth, calls) == pytest.approx(expected["acc"], rel=1e-8)
            assert accuracy.empirical_auc(truth, ratings) == pytest.approx(expected["auc"], rel=1e-8)
            assert accuracy.brier_score(truth, ratings / 100) == pytest.approx(expected["brier"], rel=1e-8)
            assert accuracy.wilson_interval(right, 120) == pytest.approx(expected["wilson"], rel=1e-8)
            assert accuracy.clopper_pearson_interval(right, 120) == pytest.approx(
                expected["clopper"], rel=1e-8
            )
    alone, calls = agreement_expected["model_alone"], sim_assist.model >= 0.5
    assert accuracy.empirical_auc(truth, sim_assist.model) == pytest.approx(alone["auc"], rel=1e-8)
    assert accuracy.brier_score(truth, sim_assist.model) == pytest.approx(alone["brier"], rel=1e-8)
    assert accuracy.sensitivity(truth, calls) == pytest.approx(alone["sens"], rel=1e-8)
    assert accuracy.specificity(truth, calls) == pytest.approx(alone["spec"], rel=1e-8)
    assert accuracy.accuracy(truth, calls) == pytest.approx(alone["acc"], rel=1e-8)


def test_net_benefit_agrees_with_the_reference(sim_assist: Any, agreement_expected: dict[str, Any]) -> None:
    """dcurves gives the same net benefit of the model, of a reader, and of acting on all or none."""
    truth, ratings = sim_assist.truth, sim_assist.ratings.ratings[:, 0] / 100
    said = {
        "ai": sim_assist.model,
        "r01_solo": ratings[0],
        "r01_assist": ratings[1],
        "none": 0 * sim_assist.model,
    }
    for row in agreement_expected["net_benefit(dcurves 1.1.7)"]:
        threshold = row["threshold"]
        if row["model"] == "all":
            found = accuracy.net_benefit_of_acting_on_all(truth, threshold=threshold)
        else:
            found = accuracy.net_benefit(truth, said[row["model"]], threshold=threshold)
        assert found == pytest.approx(row["net_benefit"], rel=1e-8, abs=1e-12)
    thresholds = [row["threshold"] for row in agreement_expected["net_benefit(dcurves 1.1.7)"]]
    for name, expected in agreement_expected["net_benefit_formula(p>=t)"].items():
        found = [accuracy.net_benefit(truth, said[name], threshold=each) for each in sorted(set(thresholds))]
        assert found == pytest.approx(expected, rel=1e-8, abs=1e-12)


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (10, 10)])
def test_intervals_stay_between_zero_and_one(successes: int, trials: int) -> None:
    """At the ends the intervals are one-sided, not empty and not outside."""
    for interval in (accuracy.wilson_interval, accuracy.clopper_pearson_interval):
        low, high = interval(successes, trials)
        assert 0 <= low < high <= 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: accuracy.empirical_auc([1, 1], [1, 2]), "only positive"),
        (lambda: accuracy.empirical_auc([0, 0], [1, 2]), "no positive"),
        (lambda: accuracy.empirical_auc([0, 1, 2], [1, 2, 3]), "Truth must be 0 or 1"),
        (lambda: accuracy.empirical_auc([0, 1], [1, 2, 3]), "one length"),
        (lambda: accuracy.empirical_auc([0, 1], [1, np.nan]), "missing"),
        (lambda: accuracy.sensitivity([0, 0], [0, 1]), "at least one positive"),
        (lambda: accuracy.specificity([1, 1], [0, 1]), "at least one negative"),
        (lambda: accuracy.accuracy([0, 1], [0, 3]), "one is 3"),
        (lambda: accuracy.brier_score([0, 1], [0.1, 41]), "one is 41"),
        (lambda: accuracy.net_benefit([0, 1], [0.1, 0.4], threshold=1), "threshold"),
        (lambda: accuracy.partial_auc([0, 1], [1, 2], false_positive_range=(0.5, 0.5)), "low < high"),
        (lambda: accuracy.wilson_interval(3, 0), "at least one trial"),
        (lambda: accuracy.clopper_pearson_interval(4, 3), "4 of 3"),
    ],
)
def test_what_is_not_defined_is_refused_with_the_reason(call: Any, words: str) -> None:
    """No NaN and no warning: an error that names what was found."""
    with pytest.raises(StudyError, match=words):
        call()
