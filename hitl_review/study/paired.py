"""Two sets of judgements on the same cases: DeLong's test, McNemar's tests, and each reader's own comparison.

These speak about one reader (or two models) over cases. Pooled over readers they would call a
difference far too often, 6 to 34 % at a nominal 5 %: use `hitl_review.study.mrmc` for several readers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from hitl_review.errors import StudyError
from hitl_review.study import distributions
from hitl_review.study.accuracy import placements, wilson_interval
from hitl_review.study.covariance import delong_covariance
from hitl_review.study.metrics import AUC
from hitl_review.study.reads import Reads, as_reads, as_truth


@dataclass(frozen=True, slots=True)
class AucEstimate:
    """One AUC with DeLong's variance and interval, cut at 0 and 1."""

    auc: float
    variance: float
    ci: tuple[float, float]


@dataclass(frozen=True, slots=True)
class AucDifference:
    """Two AUCs on the same cases: first minus second, DeLong's z test. `z`, `p` are None if not estimable."""

    first: float
    second: float
    difference: float
    se: float
    z: float | None
    p: float | None
    ci: tuple[float, float]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class McNemar:
    """Paired yes/no answers compared by the cases where they differ.

    Attributes
    ----------
    both, first_only, second_only, neither : int
        The table of "first right" by "second right".
    exact_p : float
        Two-sided binomial p on the discordant pairs.
    mid_p : float
        The exact p less the chance of what was seen: less conservative, to be preferred (Fagerland 2013).
    statistic, p : float or None
        (b - c)^2 / (b + c), chi-square with 1 df; None without discordant pairs.
    corrected_statistic, corrected_p : float or None
        With the continuity correction (|b - c| - 1)^2 / (b + c).
    """

    both: int
    first_only: int
    second_only: int
    neither: int
    exact_p: float
    mid_p: float
    statistic: float | None
    p: float | None
    corrected_statistic: float | None
    corrected_p: float | None


@dataclass(frozen=True, slots=True)
class ReaderCalls:
    """One reader's calls under two modalities on the same cases."""

    reader: str
    first_right: int
    second_right: int
    n: int
    first_interval: tuple[float, float]
    second_interval: tuple[float, float]
    mcnemar: McNemar


def delong_auc(truth: ArrayLike, ratings: ArrayLike, *, confidence: float = 0.95) -> AucEstimate:
    """The empirical AUC with DeLong's variance (DeLong, DeLong and Clarke-Pearson 1988)."""
    reads = as_reads(np.asarray(ratings, dtype=float)[None, None], truth)
    variance = float(delong_covariance(reads, AUC)[0, 0])
    auc = placements(truth, ratings).auc
    low, high = distributions.interval(auc, sqrt(variance), confidence=confidence)
    return AucEstimate(auc, variance, (max(low, 0.0), min(high, 1.0)))


def delong(
    truth: ArrayLike, first: ArrayLike, second: ArrayLike, *, confidence: float = 0.95
) -> AucDifference:
    """DeLong's paired test of two AUCs on the same cases, first minus second."""
    pair = np.array([first, second], dtype=float)
    reads = as_reads(pair[:, None], truth)
    covariance = delong_covariance(reads, AUC)
    aucs = [placements(truth, ratings).auc for ratings in pair]
    difference = aucs[0] - aucs[1]
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    se = sqrt(max(variance, 0.0))
    ci = distributions.interval(difference, se, confidence=confidence)
    if variance <= 1e-14:
        reason = "both rank the cases alike, so the difference has no variance"
        return AucDifference(aucs[0], aucs[1], difference, se, None, None, ci, reason)
    z = difference / se
    return AucDifference(aucs[0], aucs[1], difference, se, z, distributions.t_two_sided(z), ci)


def mcnemar(first_right: ArrayLike, second_right: ArrayLike) -> McNemar:
    """McNemar's tests of two paired lists of 0 and 1, of shape (cases,)."""
    first, second = as_truth(first_right), as_truth(second_right)
    if first.shape != second.shape or first.ndim != 1:
        raise StudyError(
            f"McNemar's test needs two lists of one length, but their shapes are {first.shape} and "
            f"{second.shape}."
        )
    b, c = int((first & ~second).sum()), int((~first & second).sum())
    return mcnemar_of_counts(int((first & second).sum()), b, c, int((~first & ~second).sum()))


def mcnemar_of_counts(both: int, first_only: int, second_only: int, neither: int) -> McNemar:
    """McNemar's tests from the table of counts.

    >>> round(mcnemar_of_counts(87, 6, 16, 11).mid_p, 6)
    0.03469
    """
    discordant, fewer = first_only + second_only, min(first_only, second_only)
    exact = min(1.0, 2 * float(stats.binom.cdf(fewer, discordant, 0.5)))
    mid = exact - comb(discordant, fewer) * 0.5**discordant if discordant else 1.0
    statistic = corrected = None
    if discordant:
        statistic = (first_only - second_only) ** 2 / discordant
        corrected = (abs(first_only - second_only) - 1) ** 2 / discordant
    return McNemar(
        both=both,
        first_only=first_only,
        second_only=second_only,
        neither=neither,
        exact_p=exact,
        mid_p=mid,
        statistic=statistic,
        p=None if statistic is None else float(stats.chi2.sf(statistic, 1)),
        corrected_statistic=corrected,
        corrected_p=None if corrected is None else float(stats.chi2.sf(corrected, 1)),
    )


def compare_aucs_per_reader(reads: Reads, first: str, second: str) -> dict[str, AucDifference]:
    """DeLong's paired test for every reader who read under both modalities, on the cases read under both."""
    found = {}
    for reader, truth, a, b in _paired(reads, first, second):
        found[reader] = delong(truth, a, b)
    return found


def compare_calls_per_reader(reads: Reads, first: str, second: str) -> list[ReaderCalls]:
    """McNemar's tests and Wilson intervals of accuracy for every reader; ratings must be calls (0 or 1)."""
    found = []
    for reader, truth, a, b in _paired(reads, first, second):
        right = [as_truth(calls) == truth for calls in (a, b)]
        counts = [int(each.sum()) for each in right]
        found.append(
            ReaderCalls(
                reader=reader,
                first_right=counts[0],
                second_right=counts[1],
                n=len(truth),
                first_interval=wilson_interval(counts[0], len(truth)),
                second_interval=wilson_interval(counts[1], len(truth)),
                mcnemar=mcnemar(right[0], right[1]),
            )
        )
    return found


def _paired(reads: Reads, first: str, second: str) -> list[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """(reader, truth, ratings under first, under second) over the cases that reader read under both."""
    pair = reads.under(first, second)
    found = []
    for j, reader in enumerate(pair.readers):
        a, b = pair.ratings[:, j]
        both = ~np.isnan(a) & ~np.isnan(b)
        if both.any():
            found.append((reader, pair.truth[both], a[both], b[both]))
    if not found:
        raise StudyError(
            f"No reader read a case under both '{first}' and '{second}'; there is nothing paired."
        )
    return found
