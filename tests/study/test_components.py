"""Mean squares and components: worked by hand, and in the mean over simulated nested studies."""

from __future__ import annotations

import numpy as np
import pytest

from hitl_review.errors import StudyError
from hitl_review.study.components import Components, mean_squares
from hitl_review.study.mrmc import analyse
from hitl_review.study.reads import as_reads
from hitl_review.study.simulation import HIGH_LOW, simulate

NAN = np.nan


def test_crossed_mean_squares_by_hand() -> None:
    """Two modalities, two readers: 0.7 0.8 and 0.9 0.8."""
    found = mean_squares(np.array([[0.7, 0.8], [0.9, 0.8]]), readers_nested=False)
    assert (found.modality, found.reader, found.error) == pytest.approx((0.01, 0.0, 0.01))
    assert found.within == pytest.approx((0.005, 0.005)) and found.readers_per_contrast == 2


def test_nested_mean_squares_are_a_one_way_analysis() -> None:
    """Readers 0.6 0.8 in one modality, 0.7 0.9 1.0 in the other; n0 = (5 - 13/5) / 1 = 2.4, not -1.6."""
    foms = np.array([[0.6, 0.8, NAN, NAN, NAN], [NAN, NAN, 0.7, 0.9, 1.0]])
    found = mean_squares(foms, readers_nested=True)
    means, grand = (0.7, 2.6 / 3), 0.8
    assert found.modality == pytest.approx(2 * (means[0] - grand) ** 2 + 3 * (means[1] - grand) ** 2)
    assert found.error == pytest.approx(
        (2 * 0.1**2 + (0.7 - means[1]) ** 2 + (0.9 - means[1]) ** 2 + (1 - means[1]) ** 2) / 3
    )
    assert found.readers_per_contrast == pytest.approx(2.4)
    assert found.reader is None and found.error_df == 3


def test_one_reader_or_one_modality_has_no_error_mean_square() -> None:
    """What can't be estimated is None."""
    assert mean_squares(np.array([[0.7], [0.8]]), readers_nested=False).error is None
    assert mean_squares(np.array([[0.7, 0.8]]), readers_nested=False).modality is None


def test_a_reader_who_lacks_a_modality_others_have_is_refused() -> None:
    """Neither crossed nor nested: the analysis says what to do."""
    with pytest.raises(StudyError, match="lack a modality"):
        mean_squares(np.array([[0.7, 0.8], [0.9, NAN]]), readers_nested=False)


def test_what_cases_add_is_never_negative() -> None:
    """max(Cov2 - Cov3, 0)."""
    assert Components(1.0, 0.5, 0.2, 0.3).case_share == 0
    assert Components(1.0, 0.5, 0.3, 0.2).case_share == pytest.approx(0.1)


def test_with_readers_nested_the_error_term_matches_the_modality_mean_square() -> None:
    """Over 400 null studies of 3 + 2 readers, mean MS(T) = mean of MS(R(T)) + 2.4 (Cov2 - Cov3), within 12 %.

    The coefficient of a reference program, -1.6, would be off by more than half.
    """
    between, error = [], []
    for seed in range(400):
        reads = simulate(HIGH_LOW, n_readers=5, n_negative=30, n_positive=30, seed=seed)
        cube = reads.ratings.copy()
        cube[0, 3:] = cube[1, :3] = NAN
        result = analyse(as_reads(cube, reads.truth), covariance="unbiased")
        part = result.components
        assert result.nesting.readers_in_modalities and part.cov1 == 0
        between.append(result.mean_squares.modality)
        error.append(result.mean_squares.error + 2.4 * (part.cov2 - part.cov3))
    assert np.mean(between) == pytest.approx(np.mean(error), rel=0.12)
