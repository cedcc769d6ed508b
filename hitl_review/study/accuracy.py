"""How good judgements are: areas under the ROC curve, proportions with intervals, scores of probabilities.

Every function takes truth first and what was said second, both of shape (cases,), and returns one
number. Where a number is not defined (one truth class, say) a StudyError says why; NaN is never returned.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from hitl_review.errors import StudyError
from hitl_review.study.reads import BoolArray, FloatArray, as_truth


@dataclass(frozen=True, slots=True)
class Placements:
    """How each case stands against the other class: the building blocks of the AUC's variance.

    Attributes
    ----------
    of_positives : float array, shape (positives,)
        Share of negatives rated below this positive, ties counting half (DeLong's V10).
    of_negatives : float array, shape (negatives,)
        Share of positives rated above this negative, ties counting half (DeLong's V01).
    """

    of_positives: FloatArray
    of_negatives: FloatArray

    @property
    def auc(self) -> float:
        """The AUC, which is the mean of either set of placements."""
        return float(self.of_positives.mean())


def placements(truth: ArrayLike, ratings: ArrayLike) -> Placements:
    """Placement values of every case, by searching each class in the other, sorted: O(K log K).

    Comparing all pairs would cost the product of the classes, 250,000 for 500 and 500.
    """
    positive, values = _both_classes(truth, ratings)
    positives, negatives = values[positive], values[~positive]
    return Placements(
        of_positives=_share_below(positives, np.sort(negatives)),
        of_negatives=1 - _share_below(negatives, np.sort(positives)),
    )


def empirical_auc(truth: ArrayLike, ratings: ArrayLike) -> float:
    """Chance that a random positive is rated above a random negative, ties counting one half.

    AUC = mean over pairs of (sign(x+ - x-) + 1) / 2, the Wilcoxon-Mann-Whitney statistic (Bamber 1975).

    >>> empirical_auc([0, 0, 1, 1], [1, 2, 2, 3])
    0.875
    """
    return placements(truth, ratings).auc


def roc_curve(truth: ArrayLike, ratings: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """False and true positive rates of "rating >= cut" for every cut, from (0, 0) to (1, 1)."""
    positive, values = _both_classes(truth, ratings)
    cuts = np.unique(values)[::-1]
    below_positive = np.searchsorted(np.sort(values[positive]), cuts, side="left")
    below_negative = np.searchsorted(np.sort(values[~positive]), cuts, side="left")
    true_rate = 1 - below_positive / positive.sum()
    false_rate = 1 - below_negative / (~positive).sum()
    return np.concatenate(([0.0], false_rate)), np.concatenate(([0.0], true_rate))


def partial_auc(
    truth: ArrayLike,
    ratings: ArrayLike,
    *,
    false_positive_range: tuple[float, float] = (0.0, 0.2),
    normalise: bool = False,
) -> float:
    """Area under the empirical ROC curve between two false positive rates.

    `normalise` divides by the width of the range, so that the best value is 1 (the mean sensitivity there).
    """
    low, high = false_positive_range
    if not 0 <= low < high <= 1:
        raise StudyError(
            f"A range of false positive rates must satisfy 0 <= low < high <= 1, but is ({low}, {high}); "
            "give another."
        )
    false_rate, true_rate = roc_curve(truth, ratings)
    area = _area_up_to(high, false_rate, true_rate) - _area_up_to(low, false_rate, true_rate)
    return area / (high - low) if normalise else area


def sensitivity(truth: ArrayLike, calls: ArrayLike) -> float:
    """Share of positives called positive (calls are 0 or 1)."""
    positive, called = _calls(truth, calls)
    return _share(called[positive], "Sensitivity needs at least one positive case")


def specificity(truth: ArrayLike, calls: ArrayLike) -> float:
    """Share of negatives called negative (calls are 0 or 1)."""
    positive, called = _calls(truth, calls)
    return _share(~called[~positive], "Specificity needs at least one negative case")


def accuracy(truth: ArrayLike, calls: ArrayLike) -> float:
    """Share of cases called as they are; it is that of this set of cases and its prevalence."""
    positive, called = _calls(truth, calls)
    return _share(called == positive, "Accuracy needs at least one case")


def balanced_accuracy(truth: ArrayLike, calls: ArrayLike) -> float:
    """Mean of sensitivity and specificity, which does not move with prevalence."""
    return (sensitivity(truth, calls) + specificity(truth, calls)) / 2


def brier_score(truth: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean squared distance of what was stated and what happened: 0 is perfect, 0.25 is always one half."""
    positive, stated = _probabilities(truth, probabilities)
    return float(((stated - positive) ** 2).mean())


def net_benefit(truth: ArrayLike, probabilities: ArrayLike, *, threshold: float) -> float:
    """Net benefit of acting when probability >= threshold (Vickers and Elkin 2006).

    NB = TP/n - FP/n * threshold / (1 - threshold): true positives per case, less the false ones at
    the price that acting at this threshold implies.
    """
    positive, stated = _probabilities(truth, probabilities)
    check_threshold(threshold)
    acted = stated >= threshold
    benefit, harm = (acted & positive).mean(), (acted & ~positive).mean()
    return float(benefit - harm * threshold / (1 - threshold))


def net_benefit_of_acting_on_all(truth: ArrayLike, *, threshold: float) -> float:
    """Net benefit of acting on every case; acting on none is 0 by definition."""
    return net_benefit(truth, np.ones(len(as_truth(truth))), threshold=threshold)


def wilson_interval(successes: int, trials: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion, which keeps its coverage near 0 and 1 (Wilson 1927).

    >>> low, high = wilson_interval(93, 120)
    >>> round(low, 4), round(high, 4)
    (0.6924, 0.8405)
    """
    _check_counts(successes, trials)
    z = float(stats.norm.ppf((1 + confidence) / 2))
    share, spread = successes / trials, z**2 / trials
    centre = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def clopper_pearson_interval(successes: int, trials: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Exact interval of a proportion from the beta distribution: never too narrow, often too wide."""
    _check_counts(successes, trials)
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else float(stats.beta.ppf(tail, successes, trials - successes + 1))
    high = 1.0 if successes == trials else float(stats.beta.ppf(1 - tail, successes + 1, trials - successes))
    return low, high


def _both_classes(truth: ArrayLike, ratings: ArrayLike) -> tuple[BoolArray, FloatArray]:
    positive, values = as_truth(truth), np.asarray(ratings, dtype=float)
    _check_lengths(positive, values)
    if positive.all() or not positive.any():
        found = "only positive" if positive.any() else "no positive"
        raise StudyError(
            f"An ROC curve needs positive and negative cases, but there are {found} cases; add cases of the "
            "other class."
        )
    return positive, values


def _calls(truth: ArrayLike, calls: ArrayLike) -> tuple[BoolArray, BoolArray]:
    positive, values = as_truth(truth), np.asarray(calls, dtype=float)
    _check_lengths(positive, values)
    if not np.isin(values, (0, 1)).all():
        raise StudyError(
            f"Calls must be 0 or 1, but one is {values[~np.isin(values, (0, 1))][0]:g}; give the readers' "
            "calls, or a threshold that was fixed before the study."
        )
    return positive, values.astype(bool)


def _probabilities(truth: ArrayLike, probabilities: ArrayLike) -> tuple[BoolArray, FloatArray]:
    positive, stated = as_truth(truth), np.asarray(probabilities, dtype=float)
    _check_lengths(positive, stated)
    outside = ~((stated >= 0) & (stated <= 1))
    if outside.any():
        raise StudyError(
            f"Probabilities must lie from 0 to 1, but one is {stated[outside][0]:g}; divide ratings of 0 to "
            "100 by 100."
        )
    return positive, stated


def _check_lengths(positive: BoolArray, values: FloatArray) -> None:
    if positive.shape != values.shape or positive.ndim != 1 or not len(positive):
        raise StudyError(
            f"Truth and judgements must be two lists of one length, but their shapes are {positive.shape} "
            f"and {values.shape}; give one judgement per case."
        )
    if np.isnan(values).any():
        raise StudyError(
            "A judgement is missing (NaN); leave unread cases out, or analyse the study as a whole."
        )


def check_threshold(threshold: float) -> None:
    """Refuse what is no probability at which one could act."""
    if not 0 <= threshold < 1:
        raise StudyError(f"A threshold must be at least 0 and below 1, but is {threshold}; give another.")


def _check_counts(successes: int, trials: int) -> None:
    if trials < 1 or not 0 <= successes <= trials:
        raise StudyError(
            f"An interval needs 0 <= successes <= trials and at least one trial, but got {successes} of "
            f"{trials}."
        )


def _share(hits: BoolArray, need: str) -> float:
    if not len(hits):
        raise StudyError(f"{need}, but there is none; add cases of that class.")
    return float(hits.mean())


def _share_below(values: FloatArray, others: FloatArray) -> FloatArray:
    """Share of the sorted others that lie below each value, ties counting half."""
    below = np.searchsorted(others, values, side="left")
    not_above = np.searchsorted(others, values, side="right")
    return np.asarray((below + not_above) / (2 * len(others)))


def _area_up_to(limit: float, false_rate: FloatArray, true_rate: FloatArray) -> float:
    """Trapezoid area from 0 to `limit`, the curve being interpolated at the limit."""
    inside = false_rate <= limit
    x, y = false_rate[inside], true_rate[inside]
    if x[-1] < limit:
        next_x, next_y = false_rate[~inside][0], true_rate[~inside][0]
        end = y[-1] + (next_y - y[-1]) * (limit - x[-1]) / (next_x - x[-1])
        x, y = np.append(x, limit), np.append(y, end)
    return float(np.trapezoid(y, x))
