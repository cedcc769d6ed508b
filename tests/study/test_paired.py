"""One reader's two sets of judgements: DeLong and McNemar against references and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hitl_review.errors import StudyError
from hitl_review.study.paired import (
    compare_aucs_per_reader,
    compare_calls_per_reader,
    delong,
    delong_auc,
    mcnemar,
    mcnemar_of_counts,
)
from hitl_review.study.reads import as_reads


def test_mcnemar_and_intervals_of_every_reader_agree_with_the_references(
    sim_assist: Any, agreement_expected: dict[str, Any]
) -> None:
    """Exact, mid-p, with and without correction; Wilson intervals of both accuracies."""
    for found in compare_calls_per_reader(sim_assist.calls, "solo", "assisted"):
        expected = agreement_expected[f"mcnemar/{found.reader}"]
        test = found.mcnemar
        table = [[test.both, test.first_only], [test.second_only, test.neither]]
        assert table == expected["table_solo_ok_x_assist_ok"]
        assert test.exact_p == pytest.approx(expected["exact_p"], rel=1e-8)
        assert test.mid_p == pytest.approx(expected["midp"], rel=1e-8)
        assert (test.statistic, test.p) == pytest.approx((expected["stat"], expected["p"]), rel=1e-8)
        corrected = (test.corrected_statistic, test.corrected_p)
        assert corrected == pytest.approx((expected["cc_stat"], expected["cc_p"]), rel=1e-8)
        accuracy = agreement_expected[f"acc/{found.reader}"]
        assert found.first_interval == pytest.approx(accuracy["solo"]["wilson"], rel=1e-8)
        assert found.second_interval == pytest.approx(accuracy["assisted"]["wilson"], rel=1e-8)


def test_aucs_of_every_reader_are_compared_on_the_cases_read_twice(sim_assist: Any) -> None:
    """A case that a reader read once only is left out of that reader's test."""
    cube = sim_assist.ratings.ratings.copy()
    cube[0, 0, 0] = np.nan
    reads = as_reads(
        cube, sim_assist.truth, modalities=("solo", "assisted"), readers=sim_assist.ratings.readers
    )
    found = compare_aucs_per_reader(reads, "solo", "assisted")
    expected = delong(sim_assist.truth[1:], cube[0, 0, 1:], cube[1, 0, 1:])
    assert len(found) == 6 and found["R01"] == expected


@given(st.integers(0, 40), st.integers(0, 40))
@settings(deadline=None)
def test_the_exact_test_is_binomial_and_the_mid_p_is_smaller(b: int, c: int) -> None:
    """On the discordant pairs; without any, nothing was learned and p is 1."""
    found = mcnemar_of_counts(10, b, c, 10)
    expected = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert found.exact_p == pytest.approx(expected)
    assert found.mid_p <= found.exact_p
    assert (found.statistic is None) == (b + c == 0)


def test_mcnemar_counts_its_table() -> None:
    """First right only twice, second right only once."""
    found = mcnemar([1, 1, 1, 0, 0], [1, 0, 0, 1, 0])
    assert (found.both, found.first_only, found.second_only, found.neither) == (1, 2, 1, 1)


def test_delong_cuts_a_single_interval_at_one_but_not_a_difference() -> None:
    """An AUC can't exceed 1; a difference of AUCs may lie anywhere between -1 and 1."""
    truth = [0] * 6 + [1] * 6
    good = [1, 2, 3, 4, 5, 9, 8, 10, 11, 12, 13, 14]
    assert delong_auc(truth, good).ci[1] == 1.0
    found = delong(truth, good, good[::-1])
    assert found.difference == pytest.approx(found.first - found.second) and found.p < 0.001


def test_equal_rankings_have_no_test() -> None:
    """The same order of cases: the difference is zero without variance, and it says so."""
    truth, ratings = [0, 0, 1, 1, 1], [1, 3, 2, 4, 5]
    found = delong(truth, ratings, [10 * rating for rating in ratings])
    assert found.difference == 0 and found.z is None and found.p is None and found.reason


def test_nothing_paired_is_refused() -> None:
    """Other readers under each modality, and lists of two lengths."""
    cube = np.array([[[1.0, 2], [np.nan, np.nan]], [[np.nan, np.nan], [1, 2]]])
    with pytest.raises(StudyError, match="nothing paired"):
        compare_aucs_per_reader(as_reads(cube, [0, 1]), "modality 1", "modality 2")
    with pytest.raises(StudyError, match="one length"):
        mcnemar([1, 0], [1, 0, 1])
