"""Covariances between the figures of merit of every reader under every modality.

A study of I modalities and J readers gives I*J figures of merit, all of them correlated because the
same cases were read. Three estimators of that covariance matrix:

- jackknife: any metric, any design;
- DeLong (1988): the AUC, every case read by every reader under every modality;
- unbiased (Gallas 2006): the AUC or a mean over cases, any design.

Matrices are in the order of `cell_order`: by modality, then by reader, cells without reads left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

import numpy as np

from hitl_review.errors import StudyError
from hitl_review.study.accuracy import placements
from hitl_review.study.metrics import Metric
from hitl_review.study.moments import moments_to_covariance, safe_ratio, success_blocks
from hitl_review.study.reads import BoolArray, FloatArray, Reads

Method = Literal["jackknife", "delong", "unbiased"]
Value = TypeVar("Value")


def cell_order(reads: Reads) -> list[tuple[int, int]]:
    """(modality, reader) of every cell that has reads, modality by modality."""
    return [(int(i), int(j)) for i, j in np.argwhere(reads.cells)]


def figures_of_merit(reads: Reads, metric: Metric) -> FloatArray:
    """The metric of every reader under every modality, shape (modalities, readers), NaN without reads."""
    values = np.full(reads.cells.shape, np.nan)
    for i, j in cell_order(reads):
        used = _used(reads, metric, i, j)
        values[i, j] = _in_cell(reads, i, j, metric.value, used)
    return values


def covariance_matrix(reads: Reads, metric: Metric, method: str) -> FloatArray:
    """The covariance matrix of the figures of merit by the named method, shape (cells, cells)."""
    if method == "jackknife":
        return jackknife_covariance(reads, metric)
    if method == "delong":
        return delong_covariance(reads, metric)
    if method == "unbiased":
        return unbiased_covariance(reads, metric)
    raise StudyError(f"There is no covariance method '{method}'; choose jackknife, delong or unbiased.")


def jackknife_covariance(reads: Reads, metric: Metric) -> FloatArray:
    """Delete-one-case jackknife: (K-1)/K * sum over cases of (M - mean M)(M - mean M)'.

    M holds each cell's metric without that case; a case that a reader did not read leaves that
    reader's value as it is. K counts the cases the metric uses (positives only, for sensitivity).
    """
    deviations = leave_one_out(reads, metric)
    deviations -= deviations.mean(axis=1, keepdims=True)
    n_cases = deviations.shape[1]
    return np.asarray((n_cases - 1) / n_cases * deviations @ deviations.T)


def leave_one_out(reads: Reads, metric: Metric) -> FloatArray:
    """Every cell's metric without each case in turn, shape (cells, cases the metric uses)."""
    cells, columns = cell_order(reads), metric.cases_used(reads.truth)
    without = np.empty((len(cells), len(reads.truth)))
    for row, (i, j) in enumerate(cells):
        used = _used(reads, metric, i, j)
        if not used[columns].all():
            without[row] = _in_cell(reads, i, j, metric.value, used)
        without[row, used] = _in_cell(reads, i, j, metric.without_each, used)
    return np.asarray(without[:, columns])


def delong_covariance(reads: Reads, metric: Metric) -> FloatArray:
    """DeLong, DeLong and Clarke-Pearson (1988): cov(V10)/n1 + cov(V01)/n0 of the placements V."""
    if metric.name != "auc":
        raise StudyError(
            f"DeLong's covariance is defined for the AUC only, but the metric is {metric.name}; use the "
            "jackknife."
        )
    if not reads.was_read[reads.cells].all():
        raise StudyError(
            f"DeLong's covariance needs every case read in every cell, but {reads.missing} reads are "
            "missing; use the jackknife or the unbiased covariance."
        )
    if min(reads.truth.sum(), (~reads.truth).sum()) < 2:
        raise StudyError("DeLong's covariance needs at least two positive and two negative cases; add cases.")
    placed = [placements(reads.truth, reads.ratings[i, j]) for i, j in cell_order(reads)]
    positives = np.array([each.of_positives for each in placed])
    negatives = np.array([each.of_negatives for each in placed])
    return _covariance_of_means(positives) + _covariance_of_means(negatives)


def unbiased_covariance(reads: Reads, metric: Metric) -> FloatArray:
    """Unbiased covariance from U-statistic moments (Gallas 2006), for the AUC or a mean over cases."""
    if metric.name == "auc":
        sums, counts = success_moments(reads)
        return moments_to_covariance(sums, counts)
    if metric.case_scores is not None:
        return _unbiased_of_means(reads, metric)
    raise StudyError(
        f"The unbiased covariance is defined for the AUC and for means over cases, not for {metric.name}; "
        "use the jackknife."
    )


def success_moments(reads: Reads) -> tuple[FloatArray, FloatArray]:
    """Product sums of all pairs of cells' success and design matrices, each of shape (4, cells, cells)."""
    cells = cell_order(reads)
    ratings = np.array([reads.ratings[i, j] for i, j in cells])
    positives, negatives = ratings[:, reads.truth], ratings[:, ~reads.truth]
    sums, counts = _MomentSums(len(cells), negatives.shape[1]), _MomentSums(len(cells), negatives.shape[1])
    for success, design in success_blocks(positives, negatives):
        sums.add(success)
        counts.add(design)
    return sums.result(), counts.result()


class _MomentSums:
    """The four product sums between all pairs of cells, gathered over blocks of positives to bound memory."""

    def __init__(self, n_cells: int, n_negatives: int) -> None:
        self.same_pair = np.zeros((n_cells, n_cells))
        self.same_positive = np.zeros((n_cells, n_cells))
        self.over_negatives = np.zeros((n_cells, n_negatives))

    def add(self, block: FloatArray) -> None:
        flat, over_positives = block.reshape(len(block), -1), block.sum(axis=2)
        self.same_pair += flat @ flat.T
        self.same_positive += over_positives @ over_positives.T
        self.over_negatives += block.sum(axis=1)

    def result(self) -> FloatArray:
        totals = self.over_negatives.sum(axis=1)
        same_negative = self.over_negatives @ self.over_negatives.T
        return np.array([self.same_pair, self.same_positive, same_negative, np.outer(totals, totals)])


def _unbiased_of_means(reads: Reads, metric: Metric) -> FloatArray:
    """Covariance of two means over partly shared cases: n_ab / (n_a n_b) times that over the shared ones."""
    cells, columns = cell_order(reads), metric.cases_used(reads.truth)
    scores = np.full((len(cells), len(reads.truth)), np.nan)
    for row, (i, j) in enumerate(cells):
        used = _used(reads, metric, i, j)
        assert metric.case_scores is not None
        scores[row, used] = _in_cell(reads, i, j, metric.case_scores, used)
    scores = scores[:, columns]
    read = ~np.isnan(scores)
    shared = read.astype(float) @ read.T
    filled = np.where(read, scores, 0.0)
    products = filled @ filled.T - safe_ratio((filled @ read.T) * (filled @ read.T).T, shared)
    counts = np.diag(shared)
    return np.asarray(safe_ratio(shared * products, np.maximum(shared - 1, 0)) / np.outer(counts, counts))


def _covariance_of_means(rows: FloatArray) -> FloatArray:
    return np.asarray(np.atleast_2d(np.cov(rows, ddof=1)) / rows.shape[1])


def _used(reads: Reads, metric: Metric, i: int, j: int) -> BoolArray:
    return np.asarray(metric.cases_used(reads.truth) & reads.was_read[i, j])


def _in_cell(
    reads: Reads, i: int, j: int, function: Callable[[BoolArray, FloatArray], Value], used: BoolArray
) -> Value:
    """Apply a metric's function to one cell; an error names the reader and the modality."""
    try:
        return function(reads.truth[used], reads.ratings[i, j, used])
    except StudyError as error:
        raise StudyError(f"Reader '{reads.readers[j]}' under '{reads.modalities[i]}': {error}") from error
