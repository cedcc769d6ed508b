"""Simulated studies: repeatable, of the asked size, and as good as they should be."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hitl_review.errors import StudyError
from hitl_review.study.accuracy import empirical_auc
from hitl_review.study.simulation import STRUCTURES, simulate


def test_the_same_seed_gives_the_same_study() -> None:
    """And another seed another one."""
    size = {"n_readers": 2, "n_negative": 3, "n_positive": 4}
    one, same, other = (simulate(STRUCTURES["HH"], seed=seed, **size).ratings for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other) and one.shape == (2, 2, 7)


@pytest.mark.parametrize("structure", STRUCTURES.values(), ids=STRUCTURES)
def test_the_aucs_are_those_of_the_separations(structure) -> None:
    """About Phi(mu / sqrt(2)) on average over readers, in each modality."""
    reads = simulate(structure, n_readers=40, n_negative=800, n_positive=800, separations=(0.75, 2.5), seed=3)
    for i, separation in enumerate((0.75, 2.5)):
        mean = np.mean([empirical_auc(reads.truth, each) for each in reads.ratings[i]])
        assert mean == pytest.approx(stats.norm.cdf(separation / np.sqrt(2)), abs=0.03)


def test_case_variances_add_up_to_one() -> None:
    """So that a separation means the same in every structure."""
    for each in STRUCTURES.values():
        assert each.case + each.modality_case + each.reader_case + each.error == pytest.approx(1)


def test_a_study_of_nobody_is_refused() -> None:
    """At least one of each."""
    with pytest.raises(StudyError, match="at least one reader"):
        simulate(STRUCTURES["HH"], n_readers=0, n_negative=1, n_positive=1, seed=1)
