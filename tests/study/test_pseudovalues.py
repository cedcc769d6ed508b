"""The pseudovalue analysis is the Obuchowski-Rockette analysis with jackknife covariances, on another scale."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitl_review.errors import StudyError
from hitl_review.study.mrmc import analyse
from hitl_review.study.pseudovalues import analyse_pseudovalues, anova, pseudovalues
from hitl_review.study.reads import as_reads
from hitl_review.study.simulation import HIGH_HIGH, simulate


@given(st.integers(0, 1000), st.integers(2, 4))
@settings(max_examples=15, deadline=None)
def test_both_forms_give_the_same_test(seed: int, n_readers: int) -> None:
    """F, df and p; standard errors of differences and of single modalities (Hillis 2005)."""
    reads = simulate(HIGH_HIGH, n_readers=n_readers, n_negative=12, n_positive=15, seed=seed)
    one, other = analyse(reads), analyse_pseudovalues(reads)
    assert (other.test.statistic, other.test.df2, other.test.p) == pytest.approx(
        (one.test.statistic, one.test.df2, one.test.p)
    )
    assert other.differences[0].se == pytest.approx(one.se)
    assert [each.se for each in other.performances] == pytest.approx([each.se for each in one.performances])


def test_the_sums_of_squares_add_up() -> None:
    """The seven effects share out the total around the grand mean."""
    values = np.random.default_rng(1).normal(size=(2, 3, 10))
    table = anova(values)
    assert sum(table.squares.values()) == pytest.approx(((values - values.mean()) ** 2).sum())
    assert sum(table.df.values()) == 59


def test_the_mean_of_pseudovalues_of_aucs_is_the_auc() -> None:
    """The jackknife has no bias to correct here."""
    reads = simulate(HIGH_HIGH, n_readers=2, n_negative=8, n_positive=9, seed=2)
    assert pseudovalues(reads).mean(axis=2) == pytest.approx(analyse(reads).figures_of_merit)


def test_gaps_and_single_readers_are_refused() -> None:
    """It needs complete tables, two modalities and two readers."""
    reads = simulate(HIGH_HIGH, n_readers=2, n_negative=8, n_positive=9, seed=2)
    cube = reads.ratings.copy()
    cube[0, 0, 0] = np.nan
    with pytest.raises(StudyError, match="missing or split"):
        pseudovalues(as_reads(cube, reads.truth))
    with pytest.raises(StudyError, match="two readers"):
        analyse_pseudovalues(reads.by("reader 1"))
