"""Covariances of figures of merit: the estimators agree where theory says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitl_review.errors import StudyError
from hitl_review.study.covariance import (
    covariance_matrix,
    delong_covariance,
    figures_of_merit,
    jackknife_covariance,
    unbiased_covariance,
)
from hitl_review.study.metrics import AUC, metric_from, metric_named
from hitl_review.study.reads import as_reads
from hitl_review.study.simulation import HIGH_HIGH, simulate


def small(seed: int = 3) -> Any:
    """Two modalities, two readers, five negatives, four positives, coarse ratings so that there are ties."""
    reads = simulate(HIGH_HIGH, n_readers=2, n_negative=5, n_positive=4, seed=seed)
    return as_reads(np.round(reads.ratings), reads.truth)


def test_the_quick_jackknife_is_the_slow_one() -> None:
    """From placements or by recomputing every AUC: the same matrix."""
    slow = metric_from("slow", AUC.value)
    assert jackknife_covariance(small(), AUC) == pytest.approx(jackknife_covariance(small(), slow))


def test_the_unbiased_covariance_is_what_the_definition_gives() -> None:
    """E[product of two AUCs] less the mean product over pairs of pairs that share no case, one by one."""
    reads = small()
    expected = np.empty((4, 4))
    success = [
        (np.sign(cell[reads.truth][:, None] - cell[~reads.truth][None, :]) + 1) / 2
        for cell in reads.ratings.reshape(4, -1)
    ]
    for a in range(4):
        for b in range(4):
            apart = [
                success[a][p, n] * success[b][q, m]
                for p in range(4)
                for n in range(5)
                for q in range(4)
                for m in range(5)
                if p != q and n != m
            ]
            expected[a, b] = success[a].mean() * success[b].mean() - np.mean(apart)
    assert unbiased_covariance(reads, AUC) == pytest.approx(expected)


def test_delong_lies_near_the_jackknife() -> None:
    """Both estimate the same thing; with 50 cases of each class they differ by a few percent."""
    reads = simulate(HIGH_HIGH, n_readers=3, n_negative=50, n_positive=50, seed=1)
    assert delong_covariance(reads, AUC) == pytest.approx(jackknife_covariance(reads, AUC), rel=0.05)


@pytest.mark.parametrize("name", ["sensitivity", "specificity"])
def test_the_jackknife_of_a_rate_is_its_unbiased_covariance(name: str) -> None:
    """A mean over cases has one unbiased variance, s^2 / n, and the jackknife finds it."""
    reads, metric = small(), metric_named(name, threshold=1.0)
    assert jackknife_covariance(reads, metric) == pytest.approx(unbiased_covariance(reads, metric))


def test_cells_that_share_no_case_are_not_correlated() -> None:
    """Two readers of different cases: zero off the diagonal, by jackknife and without bias."""
    reads = simulate(HIGH_HIGH, n_readers=2, n_negative=10, n_positive=10, separations=(1.5,), seed=5)
    cube = reads.ratings.copy()
    cube[0, 0, ::2] = cube[0, 1, 1::2] = np.nan
    split = as_reads(cube, reads.truth)
    for method in ("jackknife", "unbiased"):
        matrix = covariance_matrix(split, AUC, method)
        assert abs(matrix[0, 1]) < 1e-15 and (np.diag(matrix) > 0).all()


def test_missing_reads_leave_the_value_of_others_alone() -> None:
    """A figure of merit is computed from what that reader read; a pair that never met is NaN."""
    reads = small()
    cube = reads.ratings.copy()
    cube[0, 0, 0] = np.nan
    cube[1, 1] = np.nan
    found = figures_of_merit(as_reads(cube, reads.truth), AUC)
    before = figures_of_merit(reads, AUC)
    assert np.isnan(found[1, 1]) and found[0, 1] == before[0, 1]
    assert found[0, 0] == pytest.approx(AUC.value(reads.truth[1:], reads.ratings[0, 0, 1:]))


def test_blocks_of_positives_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Working through success matrices in small blocks gives the same matrix."""
    whole = unbiased_covariance(small(), AUC)
    monkeypatch.setattr("hitl_review.study.moments.PAIRS_AT_ONCE", 1)
    assert unbiased_covariance(small(), AUC) == pytest.approx(whole)


@pytest.mark.parametrize(
    ("method", "metric", "words"),
    [
        ("delong", metric_named("sensitivity", threshold=1.0), "for the AUC only"),
        ("unbiased", metric_named("partial_auc"), "not for partial_auc"),
        ("bayes", AUC, "no covariance method 'bayes'"),
    ],
)
def test_what_a_method_cannot_do_is_said(method: str, metric: Any, words: str) -> None:
    """DeLong is for AUCs, the unbiased estimator for AUCs and means."""
    with pytest.raises(StudyError, match=words):
        covariance_matrix(small(), metric, method)


def test_delong_refuses_gaps_and_errors_name_reader_and_modality() -> None:
    """Missing reads and a class that a reader never saw are said, with names."""
    cube = small().ratings.copy()
    cube[0, 1, 0] = np.nan
    with pytest.raises(StudyError, match="1 reads are missing"):
        delong_covariance(as_reads(cube, small().truth), AUC)
    cube[0, 1, :5] = np.nan
    with pytest.raises(StudyError, match=r"Reader 'reader 2' under 'modality 1'.*only positive"):
        figures_of_merit(as_reads(cube, small().truth), AUC)


def test_one_case_of_a_class_is_too_few_for_a_variance() -> None:
    """Each method says so instead of dividing by nothing."""
    reads = as_reads([[[1.0, 2.0, 3.0]]], [0, 0, 1])
    for method in ("jackknife", "delong", "unbiased"):
        with pytest.raises(StudyError, match="at least two"):
            covariance_matrix(reads, AUC, method)
