"""Agreement of any number of readers: Fleiss, Randolph, Krippendorff, Gwet's AC1 and AC2, with intervals.

Answers are arrays of shape (readers, cases), NaN where not read. Standard errors are delete-one-case
jackknife estimates with t on n - 1 degrees of freedom: cases are the sample, readers are these readers.

Which to take: Krippendorff's alpha for missing reads and ratings; AC1 where one category is rare
(kappa then drops though readers agree); Fleiss' kappa to compare with older papers.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from hitl_review.errors import StudyError
from hitl_review.study.agreement import Coefficient, Weights, agreement_weights
from hitl_review.study.reads import FloatArray

Level = Literal["nominal", "ordinal", "interval"]

# Counts per case and category in; coefficient (None if not defined) and percent agreement out.
Statistic = Callable[[FloatArray], tuple[float | None, float]]


def fleiss_kappa(answers: ArrayLike, *, confidence: float = 0.95) -> Coefficient:
    """Fleiss' kappa (1971): chance agreement from the pooled shares of categories, pe = sum of squares.

    Every case must have the same number of answers.
    """
    counts, _ = category_counts(answers)
    if len(np.unique(counts.sum(axis=1))) > 1:
        raise StudyError(
            "Fleiss' kappa needs the same number of answers for every case, but some are missing; use "
            "Krippendorff's alpha."
        )

    def statistic(counts: FloatArray) -> tuple[float | None, float]:
        shares = counts.sum(axis=0) / counts.sum()
        return _corrected(_pairs_agreeing(counts), float((shares**2).sum()))

    return _with_jackknife(
        "Fleiss' kappa", counts, statistic, "all readers gave every case one category", confidence
    )


def randolph_kappa(
    answers: ArrayLike, *, n_categories: int | None = None, confidence: float = 0.95
) -> Coefficient:
    """Randolph's free-marginal kappa (2005): chance agreement is one in the number of categories."""
    counts, categories = category_counts(answers)
    n = n_categories or len(categories)
    if n < max(2, len(categories)):
        return Coefficient.not_defined("Randolph's kappa", "there is one category only", len(counts))

    def statistic(counts: FloatArray) -> tuple[float | None, float]:
        return _corrected(_pairs_agreeing(counts), 1 / n)

    return _with_jackknife("Randolph's kappa", counts, statistic, "", confidence)


def gwet_ac1(answers: ArrayLike, *, n_categories: int | None = None, confidence: float = 0.95) -> Coefficient:
    """Gwet's AC1 (2008): pe = sum of p(1 - p) over the categories, divided by their number less one."""
    return _gwet("Gwet's AC1", answers, "identity", n_categories, confidence)


def gwet_ac2(answers: ArrayLike, *, weights: Weights = "quadratic", confidence: float = 0.95) -> Coefficient:
    """Gwet's AC2: AC1 with credit for near misses, by the distance between the categories' values."""
    return _gwet(f"Gwet's AC2, {weights} weights", answers, weights, None, confidence)


def krippendorff_alpha(
    answers: ArrayLike, *, level: Level = "nominal", confidence: float = 0.95
) -> Coefficient:
    """Krippendorff's alpha = 1 - observed / expected disagreement, over cases with at least two answers.

    `level` says what a disagreement costs: all alike (nominal), by ranks (ordinal), by squared
    distance (interval). Source: Krippendorff 2011, "Computing Krippendorff's alpha-reliability".
    """
    name = f"Krippendorff's alpha, {level}"
    counts, categories = category_counts(answers)
    counts = counts[counts.sum(axis=1) >= 2]
    kept = counts.sum(axis=0) > 0
    counts, categories = counts[:, kept], categories[kept]
    if len(counts) < 2:
        return Coefficient.not_defined(name, "fewer than two cases have two answers", len(counts))
    together = _all_coincidences(counts)
    value = _alpha(together, categories, level)
    agreement = _pairs_agreeing(counts)
    if value is None:
        return Coefficient.not_defined(name, "all answers are the same", len(counts), agreement)
    without = [_alpha(together - _coincidence(row), categories, level) for row in counts]
    return _jackknifed(name, value, without, agreement, confidence)


def category_counts(answers: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """How many readers gave each category, shape (cases with an answer, categories), and the categories."""
    given = np.asarray(answers, dtype=float)
    if given.ndim != 2:
        raise StudyError(
            f"Answers must be a table of readers by cases, but have the shape {given.shape}; give one."
        )
    given = given[:, ~np.isnan(given).all(axis=0)]
    if not given.size:
        raise StudyError("Agreement needs answers, but there is none; give at least one.")
    categories = np.unique(given[~np.isnan(given)])
    return (given[:, :, None] == categories).sum(axis=0).astype(float), categories


def _gwet(
    name: str, answers: ArrayLike, weights: Weights, n_categories: int | None, confidence: float
) -> Coefficient:
    counts, categories = category_counts(answers)
    n = n_categories or len(categories)
    if n < max(2, len(categories)):
        return Coefficient.not_defined(name, "there is one category only", len(counts))
    weight = agreement_weights(categories, weights)
    total_weight = float(weight.sum()) if weights != "identity" else float(n)

    def statistic(counts: FloatArray) -> tuple[float | None, float]:
        shares = (counts / counts.sum(axis=1, keepdims=True)).mean(axis=0)
        expected = total_weight * float((shares * (1 - shares)).sum()) / (n * (n - 1))
        return _corrected(_pairs_agreeing(counts, weight), expected)

    return _with_jackknife(name, counts, statistic, "chance agreement is complete", confidence)


def _pairs_agreeing(counts: FloatArray, weight: FloatArray | None = None) -> float:
    """Mean over cases of the share of pairs of answers that agree; cases with one answer have no pair."""
    several = counts[counts.sum(axis=1) >= 2]
    if not len(several):
        raise StudyError("Agreement needs cases with at least two answers, but there is none; add readers.")
    n = several.sum(axis=1)
    near = several if weight is None else several @ weight
    return float(((several * (near - 1)).sum(axis=1) / (n * (n - 1))).mean())


def _corrected(observed: float, expected: float) -> tuple[float | None, float]:
    if 1 - expected < 1e-12:
        return None, observed
    return (observed - expected) / (1 - expected), observed


def _with_jackknife(
    name: str, counts: FloatArray, statistic: Statistic, because: str, confidence: float
) -> Coefficient:
    value, agreement = statistic(counts)
    if value is None:
        return Coefficient.not_defined(name, because, len(counts), agreement)
    if len(counts) < 2:
        return Coefficient.not_defined(name, "there are fewer than two cases", len(counts), agreement)
    several = (counts.sum(axis=1) >= 2).sum()
    if several < 2:
        return Coefficient.of(name, value, None, agreement, len(counts))
    without = [statistic(np.delete(counts, row, axis=0))[0] for row in range(len(counts))]
    return _jackknifed(name, value, without, agreement, confidence)


def _jackknifed(
    name: str, value: float, without: list[float | None], agreement: float, confidence: float
) -> Coefficient:
    """Interval from the values without each case; none where leaving one out leaves nothing to compare."""
    n = len(without)
    if any(each is None for each in without):
        return Coefficient.of(name, value, None, agreement, n)
    spread = np.array(without, dtype=float)
    se = sqrt((n - 1) / n * float(((spread - spread.mean()) ** 2).sum()))
    return Coefficient.of(name, value, se, agreement, n, df=n - 1, confidence=confidence)


def _all_coincidences(counts: FloatArray) -> FloatArray:
    """Pairs of answers within cases, a case weighing as its answers; shape (categories, categories)."""
    per_answer = counts / (counts.sum(axis=1) - 1)[:, None]
    return np.asarray(counts.T @ per_answer - np.diag(per_answer.sum(axis=0)))


def _coincidence(row: FloatArray) -> FloatArray:
    return _all_coincidences(row[None])


def _alpha(together: FloatArray, categories: FloatArray, level: Level) -> float | None:
    """Alpha from the coincidence matrix; None if only one category is left."""
    totals = together.sum(axis=0)
    n = totals.sum()
    cost = _cost(totals, categories, level)
    expected = float((np.outer(totals, totals) * cost).sum()) / (n - 1) if n > 1 else 0.0
    if expected <= 0:
        return None
    return 1 - float((together * cost).sum()) / float(expected)


def _cost(totals: FloatArray, categories: FloatArray, level: Level) -> FloatArray:
    if level == "nominal":
        return 1 - np.eye(len(categories))
    if level == "interval":
        return np.asarray((categories[:, None] - categories[None, :]) ** 2)
    if level != "ordinal":
        raise StudyError(f"The level is 'nominal', 'ordinal' or 'interval', not '{level}'; choose one.")
    middle = np.cumsum(totals) - totals / 2  # ranks at the middle of each category
    return np.asarray((middle[:, None] - middle[None, :]) ** 2)
