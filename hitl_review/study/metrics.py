"""Figures of merit as the analysis engine needs them: the value, and the value without each case in turn.

The leave-one-out values are what the jackknife is made of. For the AUC they come from placements,
for means over cases from the mean, so that a study of 40 cells and 1,000 cases costs milliseconds
instead of 40,000 AUCs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from hitl_review.errors import StudyError
from hitl_review.study import accuracy
from hitl_review.study.reads import BoolArray, FloatArray

MetricName = Literal[
    "auc",
    "partial_auc",
    "sensitivity",
    "specificity",
    "accuracy",
    "balanced_accuracy",
    "brier",
    "net_benefit",
    "mean_log_time",
]
Uses = Literal["all", "positive", "negative"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of merit of one reader under one modality.

    Attributes
    ----------
    name, label : str
        For code and for people.
    uses : "all", "positive" or "negative"
        Which cases it looks at; the others are no part of its sample size.
    value : function of (truth, ratings) to float
    without_each : function of (truth, ratings) to float array, shape (cases,)
        The value with each case left out in turn.
    bounds : pair of floats or None
        Between which values it must lie; single-modality intervals are cut there.
    case_scores : function of (truth, ratings) to float array, or None
        For a mean over cases: what each case contributes.
    """

    name: str
    label: str
    uses: Uses
    value: Callable[[BoolArray, FloatArray], float]
    without_each: Callable[[BoolArray, FloatArray], FloatArray]
    bounds: tuple[float, float] | None = None
    case_scores: Callable[[BoolArray, FloatArray], FloatArray] | None = None

    def cases_used(self, truth: BoolArray) -> BoolArray:
        """Which cases belong to the sample of this metric."""
        if self.uses == "all":
            return np.ones_like(truth)
        return truth if self.uses == "positive" else ~truth


def metric_named(
    name: str, *, threshold: float | None = None, false_positive_range: tuple[float, float] = (0.0, 0.2)
) -> Metric:
    """The metric of that name.

    Parameters
    ----------
    name : one of `MetricName`
    threshold : float, optional
        For calls: "rating >= threshold" is a positive call; without it, ratings must be 0 or 1 already.
        Fix it before the study: a cut-off chosen on the results flatters them. For net benefit: the
        probability at which one acts (required).
    false_positive_range : pair of floats
        For the partial AUC.
    """
    makers: dict[str, Callable[[], Metric]] = {
        "auc": lambda: AUC,
        "partial_auc": partial(_partial_auc, false_positive_range),
        "sensitivity": partial(_proportion, "sensitivity", "positive", threshold),
        "specificity": partial(_proportion, "specificity", "negative", threshold),
        "accuracy": partial(_proportion, "accuracy", "all", threshold),
        "balanced_accuracy": partial(_balanced_accuracy, threshold),
        "brier": lambda: BRIER,
        "net_benefit": partial(_net_benefit, threshold),
        "mean_log_time": lambda: MEAN_LOG_TIME,
    }
    if name not in makers:
        raise StudyError(f"There is no metric '{name}'; choose one of {', '.join(makers)}.")
    return makers[name]()


def metric_from(name: str, value: Callable[[BoolArray, FloatArray], float], *, uses: Uses = "all") -> Metric:
    """A metric of one's own from a function of (truth, ratings); the jackknife recomputes it per case."""
    return Metric(name, name, uses, value, partial(_recompute_without_each, value))


def _auc_without_each(truth: BoolArray, ratings: FloatArray) -> FloatArray:
    """AUC without each case: the sum over pairs less that case's pairs, over the pairs that remain."""
    placed = accuracy.placements(truth, ratings)
    n_positive, n_negative = len(placed.of_positives), len(placed.of_negatives)
    if n_positive < 2 or n_negative < 2:
        raise StudyError(
            "The jackknife of the AUC needs at least two cases of each class per reader, but one reader has "
            f"{n_positive} positive and {n_negative} negative; add cases."
        )
    without = np.empty(len(truth))
    without[truth] = (n_positive * placed.auc - placed.of_positives) / (n_positive - 1)
    without[~truth] = (n_negative * placed.auc - placed.of_negatives) / (n_negative - 1)
    return without


def _mean_metric(
    name: str,
    label: str,
    scores: Callable[[BoolArray, FloatArray], FloatArray],
    *,
    uses: Uses = "all",
    bounds: tuple[float, float] | None = None,
) -> Metric:
    def value(truth: BoolArray, ratings: FloatArray) -> float:
        return float(_enough(scores(truth, ratings), name, 1).mean())

    def without_each(truth: BoolArray, ratings: FloatArray) -> FloatArray:
        each = _enough(scores(truth, ratings), name, 2)
        return np.asarray((each.sum() - each) / (len(each) - 1))

    return Metric(name, label, uses, value, without_each, bounds, scores)


def _enough(scores: FloatArray, name: str, needed: int) -> FloatArray:
    if len(scores) < needed:
        raise StudyError(
            f"The {name.replace('_', ' ')} needs at least {needed} case(s) of its class per reader, but one "
            f"reader has {len(scores)}; add cases."
        )
    return scores


def _proportion(name: str, uses: Uses, threshold: float | None) -> Metric:
    def scores(truth: BoolArray, ratings: FloatArray) -> FloatArray:
        return np.asarray(_as_calls(ratings, threshold) == truth, dtype=float)

    return _mean_metric(name, name.capitalize(), scores, uses=uses, bounds=(0.0, 1.0))


def _as_calls(ratings: FloatArray, threshold: float | None) -> BoolArray:
    if threshold is not None:
        return np.asarray(ratings >= threshold)
    if not np.isin(ratings, (0, 1)).all():
        raise StudyError(
            f"Calls must be 0 or 1, but one rating is {ratings[~np.isin(ratings, (0, 1))][0]:g}; name the "
            "column of calls as the rating, or give a threshold that was fixed before the study."
        )
    return ratings.astype(bool)


def _balanced_accuracy(threshold: float | None) -> Metric:
    def value(truth: BoolArray, ratings: FloatArray) -> float:
        return accuracy.balanced_accuracy(truth, _as_calls(ratings, threshold))

    def without_each(truth: BoolArray, ratings: FloatArray) -> FloatArray:
        right = (_as_calls(ratings, threshold) == truth).astype(float)
        without = np.empty(len(truth))
        for own, other in ((truth, ~truth), (~truth, truth)):
            each = _enough(right[own], "balanced_accuracy", 2)
            without[own] = ((each.sum() - each) / (len(each) - 1) + right[other].mean()) / 2
        return without

    return Metric("balanced_accuracy", "Balanced accuracy", "all", value, without_each, (0.0, 1.0))


def _net_benefit(threshold: float | None) -> Metric:
    if threshold is None:
        raise StudyError("Net benefit needs the threshold at which one acts; give `threshold`.")
    accuracy.check_threshold(threshold)
    price = threshold / (1 - threshold)

    def scores(truth: BoolArray, ratings: FloatArray) -> FloatArray:
        accuracy.net_benefit(truth, ratings, threshold=threshold)  # refuses what is no probability
        return np.asarray(np.where(ratings >= threshold, np.where(truth, 1.0, -price), 0.0))

    return _mean_metric("net_benefit", f"Net benefit at {threshold:g}", scores)


def _partial_auc(false_positive_range: tuple[float, float]) -> Metric:
    value = partial(accuracy.partial_auc, false_positive_range=false_positive_range)
    low, high = false_positive_range
    label = f"Partial AUC, false positive rate {low:g} to {high:g}"
    without_each = partial(_recompute_without_each, value)
    return Metric("partial_auc", label, "all", value, without_each, (0.0, high - low))


def _recompute_without_each(
    value: Callable[[BoolArray, FloatArray], float], truth: BoolArray, ratings: FloatArray
) -> FloatArray:
    kept = ~np.eye(len(truth), dtype=bool)
    return np.array([value(truth[keep], ratings[keep]) for keep in kept])


def _squared_distance(truth: BoolArray, probabilities: FloatArray) -> FloatArray:
    accuracy.brier_score(truth, probabilities)  # refuses what is no probability
    return np.asarray((probabilities - truth) ** 2)


def _log_time(_truth: BoolArray, times: FloatArray) -> FloatArray:
    if not (times > 0).all():
        raise StudyError(
            "Times must be above zero to take their logarithm, but one is not; correct that read."
        )
    return np.asarray(np.log(times))


AUC = Metric("auc", "AUC", "all", accuracy.empirical_auc, _auc_without_each, (0.0, 1.0))
BRIER = _mean_metric("brier", "Brier score", _squared_distance, bounds=(0.0, 1.0))
MEAN_LOG_TIME = _mean_metric("mean_log_time", "Mean log time", _log_time)
