"""Agreement of two readers beyond chance: Cohen's kappa, plain and weighted, with its interval.

Agreement is not accuracy: two readers may agree on what is wrong. Kappa falls when one category is
rare, so print the percent agreement and the table beside it (and see `group_agreement.gwet_ac1`).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from hitl_review.errors import StudyError
from hitl_review.study import distributions
from hitl_review.study.reads import FloatArray

Weights = Literal["identity", "linear", "quadratic"]


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A coefficient of agreement: 1 is complete, 0 is what chance gives, below 0 is less than chance.

    Attributes
    ----------
    name : str
    value, se : float or None
    ci : pair of floats or None
        Cut at -1 and 1.
    percent_agreement : float or None
        Share of pairs of answers that agree (by the weights, where there are weights).
    n : int
        Cases used.
    reason : str
        "not defined because ..."; empty where there is a value.
    """

    name: str
    value: float | None
    se: float | None
    ci: tuple[float, float] | None
    percent_agreement: float | None
    n: int
    reason: str = ""

    @classmethod
    def of(
        cls,
        name: str,
        value: float,
        se: float | None,
        percent_agreement: float,
        n: int,
        *,
        df: float = inf,
        confidence: float = 0.95,
    ) -> Coefficient:
        if se is None:
            return cls(name, value, None, None, percent_agreement, n)
        low, high = distributions.interval(value, se, df, confidence=confidence)
        return cls(name, value, se, (max(low, -1.0), min(high, 1.0)), percent_agreement, n)

    @classmethod
    def not_defined(
        cls, name: str, because: str, n: int, percent_agreement: float | None = None
    ) -> Coefficient:
        return cls(name, None, None, None, percent_agreement, n, f"not defined because {because}")


def cohen_kappa(
    first: ArrayLike, second: ArrayLike, *, weights: Weights = "identity", confidence: float = 0.95
) -> Coefficient:
    """Cohen's kappa of two readers on the cases both read.

    Parameters
    ----------
    first, second : arrays of numbers, shape (cases,), NaN where not read
        Categories, in their order if weighted.
    weights : "identity", "linear" or "quadratic"
        How much a near miss counts: by steps between categories, or by their square.

    Notes
    -----
    kappa = (po - pe) / (1 - pe). The standard error is that of Fleiss, Cohen and Everitt (1969), for
    a kappa that is not zero.
    """
    name = "Cohen's kappa" if weights == "identity" else f"Cohen's kappa, {weights} weights"
    table, n = _table(first, second)
    if n < 2:
        return Coefficient.not_defined(name, "fewer than two cases were read by both", n)
    share, weight = table / n, agreement_weights(np.arange(len(table), dtype=float), weights)
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    observed, expected = float((weight * share).sum()), float((weight * np.outer(rows, columns)).sum())
    if 1 - expected < 1e-12:
        return Coefficient.not_defined(name, "both gave every case the same category", n, observed)
    kappa = (observed - expected) / (1 - expected)
    se = _kappa_error(share, weight, kappa, expected, n)
    return Coefficient.of(name, kappa, se, observed, n, confidence=confidence)


def agreement_table(first: ArrayLike, second: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Counts of first (rows) by second (columns) over the cases both read, and the categories."""
    a, b = _both_read(first, second)
    categories = np.unique(np.concatenate([a, b]))
    table = np.zeros((len(categories), len(categories)))
    np.add.at(table, (np.searchsorted(categories, a), np.searchsorted(categories, b)), 1)
    return table, categories


def agreement_weights(categories: FloatArray, weights: Weights) -> FloatArray:
    """How much two categories agree: 1 on the diagonal, 0 for the farthest two (identity: any two)."""
    if weights == "identity" or len(categories) < 2:
        return np.eye(len(categories))
    if weights not in ("linear", "quadratic"):
        raise StudyError(f"Weights are 'identity', 'linear' or 'quadratic', not '{weights}'; choose one.")
    distance = np.abs(categories[:, None] - categories[None, :]) / np.ptp(categories)
    return 1 - (distance if weights == "linear" else distance**2)


def _kappa_error(share: FloatArray, weight: FloatArray, kappa: float, expected: float, n: int) -> float:
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    of_row, of_column = weight @ columns, rows @ weight
    spread = (share * (weight - (of_row[:, None] + of_column[None, :]) * (1 - kappa)) ** 2).sum()
    variance = (spread - (kappa - expected * (1 - kappa)) ** 2) / (n * (1 - expected) ** 2)
    return sqrt(max(float(variance), 0.0))


def _table(first: ArrayLike, second: ArrayLike) -> tuple[FloatArray, int]:
    table, _ = agreement_table(first, second)
    return table, int(table.sum())


def _both_read(first: ArrayLike, second: ArrayLike) -> tuple[FloatArray, FloatArray]:
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if a.shape != b.shape or a.ndim != 1:
        raise StudyError(
            f"Agreement needs two lists of one length, but their shapes are {a.shape} and {b.shape}; give "
            "one answer per case and reader, NaN where not read."
        )
    both = ~np.isnan(a) & ~np.isnan(b)
    return a[both], b[both]
