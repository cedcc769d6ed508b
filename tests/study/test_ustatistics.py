"""Gallas' analysis where the references don't reach: guards, conventions, agreement with its definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitl_review.errors import StudyError
from hitl_review.study import ustatistics
from hitl_review.study.accuracy import empirical_auc
from hitl_review.study.moments import moments
from hitl_review.study.reads import Reads, as_reads
from hitl_review.study.simulation import HIGH_HIGH, LOW_HIGH, simulate


def drawn(seed: int = 1, readers: int = 4, cases: int = 20) -> Reads:
    """A simulated study."""
    return simulate(HIGH_HIGH, n_readers=readers, n_negative=cases, n_positive=cases, seed=seed)


def test_the_variance_is_what_its_definition_gives() -> None:
    """Mean AUC squared less the mean product over reads that share neither reader nor case, one by one."""
    reads = drawn(readers=3, cases=4)
    ratings, truth = reads.ratings[0], reads.truth
    success = (np.sign(ratings[:, truth][:, :, None] - ratings[:, ~truth][:, None, :]) + 1) / 2
    apart = [
        success[r, p, n] * success[s, q, m]
        for r, p, n in np.ndindex(3, 4, 4)
        for s, q, m in np.ndindex(3, 4, 4)
        if r != s and p != q and n != m
    ]
    expected = success.mean() ** 2 - np.mean(apart)
    assert moments(reads, "modality 1", "modality 1").covariance() == pytest.approx(expected)


def test_swapping_modalities_flips_the_sign() -> None:
    """Estimate and interval change sign, the rest stays."""
    reads = drawn(seed=4)
    there = ustatistics.auc_difference(reads, "modality 1", "modality 2")
    back = ustatistics.auc_difference(reads, "modality 2", "modality 1")
    assert back.estimate == pytest.approx(-there.estimate) and back.variance == pytest.approx(there.variance)
    assert back.ci == pytest.approx((-there.ci[1], -there.ci[0])) and back.p == pytest.approx(there.p)


def test_a_split_plot_study_needs_no_filling_in() -> None:
    """Two groups of readers, each on half of the cases: the AUC is the mean over all pairs that were read."""
    reads = drawn(seed=2)
    cube = reads.ratings.copy()
    cube[:, :2, ::2] = cube[:, 2:, 1::2] = np.nan
    split = as_reads(cube, reads.truth)
    found = ustatistics.auc_difference(split, "modality 1", "modality 2")
    aucs = np.array([[empirical_auc(*read_by(split, i, j)) for j in range(4)] for i in range(2)])
    assert found.auc == pytest.approx(aucs[0].mean()) and found.estimate == pytest.approx(
        aucs[0].mean() - aucs[1].mean()
    )
    assert found.se > 0 and found.df >= 3


def read_by(reads: Reads, i: int, j: int) -> tuple[Any, Any]:
    """Truth and ratings of what one reader read."""
    read = reads.was_read[i, j]
    return reads.truth[read], reads.ratings[i, j, read]


def test_a_negative_variance_is_not_estimable_and_says_so() -> None:
    """Among a few small studies some have one; then there is no p, no interval, but a reason."""
    found = [
        ustatistics.auc_difference(
            simulate(LOW_HIGH, n_readers=2, n_negative=6, n_positive=6, seed=seed), "modality 1", "modality 2"
        )
        for seed in range(40)
    ]
    negative = [each for each in found if each.variance < 0]
    assert negative and all(each.p is None and each.ci is None and each.df is None for each in negative)
    assert all("negative" in each.reason for each in negative)
    biased = ustatistics.auc_of(drawn(), "modality 1", biased=True)
    assert biased.variance > ustatistics.auc_of(drawn(), "modality 1").variance


def test_the_convention_is_stated() -> None:
    """Ours takes df as estimated; iMRMC rounds down. The estimate is the same, the p is not."""
    ours = ustatistics.auc_difference(drawn(), "modality 1", "modality 2")
    theirs = ustatistics.auc_difference(drawn(), "modality 1", "modality 2", imrmc_compat=True)
    assert ours.convention == "t, df as estimated" and "rounded down" in theirs.convention
    assert ours.df == theirs.df and ours.p < theirs.p


def test_an_auc_is_tested_against_one_half() -> None:
    """p is about 1/2, the interval about the AUC."""
    found = ustatistics.auc_of(drawn(cases=40), "modality 1")
    assert found.p < 0.01 and found.ci[0] < found.auc < found.ci[1]


def test_the_mean_of_scores_has_the_unbiased_variance_of_a_plain_mean_with_one_column_per_reader() -> None:
    """Readers who each read other cases: the variance is that of independent means."""
    scores = np.full((3, 6), np.nan)
    scores[0, :2], scores[1, 2:4], scores[2, 4:] = [1, 0], [1, 1], [0, 0]
    found = ustatistics.mean_score(scores)
    assert found.mean == pytest.approx(0.5)
    means = np.array([0.5, 1.0, 0.0])
    assert found.variance == pytest.approx(means.var(ddof=1) / 3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ustatistics.auc_of(drawn(), "solo"), "no modality 'solo'"),
        (lambda: ustatistics.auc_of(drawn(readers=1), "modality 1"), "at least two readers"),
        (lambda: ustatistics.auc_of(drawn(cases=1), "modality 1"), "two cases of each class"),
        (lambda: ustatistics.as_binary_endpoint(drawn(), "npv", threshold=0.5), "not 'npv'"),
        (lambda: ustatistics.mean_score(np.ones((1, 5))), "two readers and two cases"),
        (lambda: ustatistics.mean_score(np.full((2, 5), np.nan)), "at least one read"),
    ],
)
def test_designs_it_cannot_speak_about_are_refused(call: Any, words: str) -> None:
    """One reader, one case of a class, names that are not there."""
    with pytest.raises(StudyError, match=words):
        call()


def test_a_modality_without_pairs_has_no_auc() -> None:
    """A reader of positives only and one of negatives only."""
    cube = np.array([[[1.0, np.nan], [np.nan, 2.0]]])
    with pytest.raises(StudyError, match="there is no AUC"):
        ustatistics.auc_of(as_reads(cube, [0, 1]), "modality 1")
