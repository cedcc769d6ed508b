"""Figures of merit as the engine takes them: the quick leave-one-out values are the slow ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitl_review.errors import StudyError
from hitl_review.study.metrics import metric_from, metric_named

TRUTH = np.array([0, 0, 0, 1, 1, 1, 1], dtype=bool)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("auc", {}),
        ("partial_auc", {"false_positive_range": (0.0, 0.5)}),
        ("accuracy", {"threshold": 0.5}),
        ("balanced_accuracy", {"threshold": 0.5}),
        ("brier", {}),
        ("net_benefit", {"threshold": 0.3}),
        ("mean_log_time", {}),
    ],
)
@given(ratings=st.lists(st.integers(1, 9), min_size=7, max_size=7))
@settings(max_examples=25, deadline=None)
def test_leaving_each_case_out_is_computing_it_anew(name: str, options: dict, ratings: list[int]) -> None:
    """The closed forms equal the metric of the six other cases, for every metric."""
    values, metric = np.array(ratings) / 10, metric_named(name, **options)
    kept = ~np.eye(7, dtype=bool)
    slow = [metric.value(TRUTH[keep], values[keep]) for keep in kept]
    assert metric.without_each(TRUTH, values) == pytest.approx(slow)


def test_a_rate_uses_the_cases_of_its_class_only() -> None:
    """Sensitivity is about positives, specificity about negatives."""
    assert metric_named("sensitivity").cases_used(TRUTH).tolist() == TRUTH.tolist()
    assert metric_named("specificity").cases_used(TRUTH).tolist() == (~TRUTH).tolist()
    assert metric_named("auc").cases_used(TRUTH).all()


def test_a_metric_of_ones_own_works_like_the_others() -> None:
    """Any function of truth and ratings can be analysed by the jackknife."""
    metric = metric_from("mean rating of positives", lambda truth, ratings: float(ratings[truth].mean()))
    ratings = np.arange(7, dtype=float)
    assert metric.value(TRUTH, ratings) == 4.5
    assert metric.without_each(TRUTH, ratings)[[0, 3]] == pytest.approx([4.5, 5])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: metric_named("f1"), "no metric 'f1'"),
        (lambda: metric_named("net_benefit"), "needs the threshold"),
        (lambda: metric_named("net_benefit", threshold=1.0), "below 1"),
        (lambda: metric_named("sensitivity").value(TRUTH, np.full(7, 41.0)), "one rating is 41"),
        (lambda: metric_named("mean_log_time").value(TRUTH, np.zeros(7)), "above zero"),
        (lambda: metric_named("auc").without_each(TRUTH[2:], np.arange(5.0)), "at least two cases"),
        (lambda: metric_named("sensitivity").without_each(TRUTH[3:4], np.ones(1)), "at least 2"),
    ],
)
def test_what_a_metric_cannot_do_is_said(call, words: str) -> None:
    """Unknown names, missing thresholds, ratings that are no calls, too few cases."""
    with pytest.raises(StudyError, match=words):
        call()
