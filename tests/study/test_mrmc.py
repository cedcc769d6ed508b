"""The multi-reader multi-case analysis: what must hold for every study, and what is said when nothing can be."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hitl_review.errors import StudyError
from hitl_review.study.metrics import metric_named
from hitl_review.study.mrmc import analyse
from hitl_review.study.paired import delong
from hitl_review.study.reads import Reads, as_reads
from hitl_review.study.simulation import HIGH_HIGH, LOW_LOW, simulate

NAN = np.nan
seeds = st.integers(0, 10_000)
designs = st.tuples(st.integers(2, 4), st.integers(5, 12), st.integers(5, 12), seeds)
modes = st.sampled_from([("random", "random"), ("fixed", "random"), ("random", "fixed")])


def drawn(design: tuple[int, int, int, int], n_modalities: int = 2) -> Reads:
    """A simulated study of that many readers, negatives, positives."""
    readers, negatives, positives, seed = design
    separations = tuple(1 + 0.3 * number for number in range(n_modalities))
    return simulate(
        HIGH_HIGH,
        n_readers=readers,
        n_negative=negatives,
        n_positive=positives,
        separations=separations,
        seed=seed,
    )


@given(designs, modes, st.sampled_from(["jackknife", "delong", "unbiased"]))
@settings(max_examples=40, deadline=None)
def test_swapping_the_modalities_flips_the_sign(design: Any, mode: tuple[str, str], covariance: str) -> None:
    """Estimate and interval change sign; standard error, statistic and p do not change."""
    reads = drawn(design)
    there = analyse(reads, readers=mode[0], cases=mode[1], covariance=covariance)
    back = analyse(
        reads.under(*reversed(reads.modalities)), readers=mode[0], cases=mode[1], covariance=covariance
    )
    assert back.estimate == pytest.approx(-there.estimate, abs=1e-12)
    if there.se is None or there.test.p is None:
        assert (back.se, back.test.p) == (there.se, there.test.p)
        return
    for one, other in (
        (back.se, there.se),
        (back.test.statistic, there.test.statistic),
        (back.test.p, there.test.p),
    ):
        assert one == pytest.approx(other, rel=1e-7, abs=1e-12)
    assert back.ci == pytest.approx((-there.ci[1], -there.ci[0]))


@given(designs, modes)
@settings(max_examples=30, deadline=None)
def test_a_monotone_transform_of_the_ratings_changes_nothing(design: Any, mode: tuple[str, str]) -> None:
    """The AUC sees ranks only, reader by reader: each may use the scale in an own way."""
    reads = drawn(design)
    bent = reads.ratings.copy()
    bent[:, 0] = np.exp(bent[:, 0])
    bent[:, 1] = bent[:, 1] ** 3 - 7
    other = as_reads(bent, reads.truth, modalities=reads.modalities)
    settings_ = {"readers": mode[0], "cases": mode[1]}
    assert analyse(other, **settings_).as_json() == analyse(reads, **settings_).as_json()


@given(seeds, st.integers(5, 20), st.integers(5, 20))
@settings(max_examples=40, deadline=None)
def test_one_reader_reduces_to_delong(seed: int, n_negative: int, n_positive: int) -> None:
    """With DeLong covariances and a single reader the analysis is DeLong's paired test."""
    reads = simulate(LOW_LOW, n_readers=1, n_negative=n_negative, n_positive=n_positive, seed=seed)
    found = analyse(reads, covariance="delong")
    expected = delong(reads.truth, reads.ratings[0, 0], reads.ratings[1, 0])
    assert found.estimate == pytest.approx(expected.difference)
    if expected.z is None:
        assert found.se is None
        return
    assert found.se == pytest.approx(expected.se) and found.main.statistic == pytest.approx(expected.z)
    assert (found.test.p, found.test.statistic) == pytest.approx((expected.p, expected.z**2))
    assert found.ci == pytest.approx(expected.ci) and found.readers == "fixed"


@given(designs)
@settings(max_examples=40, deadline=None)
def test_fixed_cases_is_the_paired_t_test(design: Any) -> None:
    """With cases fixed, only the readers' figures of merit count: t test of their differences."""
    result = analyse(drawn(design), cases="fixed")
    if result.se is None:
        return
    expected = stats.ttest_rel(*result.figures_of_merit)
    assert result.main.statistic == pytest.approx(expected.statistic, rel=1e-6)
    assert result.test.p == pytest.approx(expected.pvalue, rel=1e-6)
    assert result.ci == pytest.approx(tuple(expected.confidence_interval(0.95)), rel=1e-6, abs=1e-9)


@given(designs, modes)
@settings(max_examples=30, deadline=None)
def test_with_two_modalities_the_overall_test_is_the_difference_squared(
    design: Any, mode: tuple[str, str]
) -> None:
    """F is t squared and chi-square is z squared, with the same p."""
    result = analyse(drawn(design), readers=mode[0], cases=mode[1])
    if result.se is None:
        return
    assert result.test.statistic == pytest.approx(result.main.statistic**2)
    assert result.test.p == pytest.approx(result.main.p, rel=1e-7)


def test_with_cases_fixed_three_modalities_are_a_repeated_measures_anova() -> None:
    """F of the two-way table of figures of merit, computed here from sums of squares."""
    result = analyse(drawn((4, 20, 20, 11), n_modalities=3), cases="fixed")
    foms = result.figures_of_merit
    grand, rows, columns = foms.mean(), foms.mean(axis=1), foms.mean(axis=0)
    between = 4 * ((rows - grand) ** 2).sum() / 2
    rest = ((foms - rows[:, None] - columns + grand) ** 2).sum() / 6
    assert result.test.statistic == pytest.approx(between / rest)
    assert (result.test.df1, result.test.df2) == pytest.approx((2, 6))
    names = [(each.first[-1], each.second[-1]) for each in result.differences]
    assert (
        names == [("1", "2"), ("1", "3"), ("2", "3")] and len({each.se for each in result.differences}) == 1
    )


def test_a_difference_can_be_asked_by_name_in_either_order() -> None:
    """`difference` finds the pair and turns it if needed."""
    result = analyse(drawn((3, 20, 20, 2), n_modalities=3))
    there, back = result.difference("modality 1", "modality 3"), result.difference("modality 3", "modality 1")
    assert back.estimate == -there.estimate and back.ci == (-there.ci[1], -there.ci[0])


def test_readers_nested_in_modalities_with_cases_fixed_are_an_unpaired_t_test() -> None:
    """A parallel study: other readers under each modality, one-way analysis of their figures of merit."""
    reads = drawn((5, 20, 20, 8))
    cube = reads.ratings.copy()
    cube[0, 3:] = cube[1, :3] = NAN
    result = analyse(as_reads(cube, reads.truth), cases="fixed")
    expected = stats.ttest_ind(result.figures_of_merit[0, :3], result.figures_of_merit[1, 3:])
    assert result.nesting.readers_in_modalities and result.reader_differences == ()
    assert (result.main.statistic, result.test.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert result.main.df == pytest.approx(3)


def test_readers_nested_and_fixed_use_the_variance_of_two_groups() -> None:
    """With every reader's errors known, Var(difference) is that of two means of correlated values."""
    reads = drawn((5, 30, 30, 9))
    cube = reads.ratings.copy()
    cube[0, 3:] = cube[1, :3] = NAN
    result = analyse(as_reads(cube, reads.truth), readers="fixed")
    part = result.components
    expected = (part.var + 2 * part.cov2) / 3 + (part.var + part.cov2) / 2 - 2 * part.cov3
    assert part.cov2 > part.cov3 and result.se**2 == pytest.approx(expected)


def test_a_parallel_study_with_own_cases_has_no_shared_covariance() -> None:
    """Readers and cases nested in modalities: Cov1 and Cov3 are zero by design."""
    reads = drawn((4, 20, 20, 12))
    cube = reads.ratings.copy()
    cube[0, 2:] = cube[1, :2] = NAN
    cube[0, :, ::2] = cube[1, :, 1::2] = NAN
    result = analyse(as_reads(cube, reads.truth))
    assert (result.components.cov1, result.components.cov3) == (0, 0) and result.components.cov2 != 0
    assert result.se is not None and any("nested" in note for note in result.notes)


def test_one_modality_gives_its_mean_and_no_test() -> None:
    """The estimate is the modality itself; what would compare is null."""
    result = analyse(drawn((3, 20, 20, 4), n_modalities=1))
    found = result.as_json()
    assert found["estimate"] == pytest.approx(result.figures_of_merit.mean()) and found["se"] > 0
    assert found["statistic"] is found["p"] is None and result.test.reason.startswith("there is one modality")


def test_perfect_readers_are_not_estimable_and_say_why() -> None:
    """Everybody's AUC is 1: no variance, so no test, no interval, no NaN."""
    cube = np.tile(np.array([1.0, 2, 3, 4]), (2, 3, 1))
    result = analyse(as_reads(cube, [0, 0, 1, 1]))
    assert result.se is None and result.ci is None and result.test.p is None
    assert result.main.reason and result.test.reason
    assert json.loads(json.dumps(result.as_json(), allow_nan=False))["estimate"] == 0


def test_readers_who_all_gain_the_same_are_not_estimable_with_cases_fixed() -> None:
    """Every reader's difference is equal: the paired t test would divide by zero."""
    cube = np.array([[[2.0, 1, 2, 3], [2, 1, 2, 3]], [[1, 2, 3, 4], [1, 2, 3, 4]]])
    result = analyse(as_reads(cube, [0, 0, 1, 1]), cases="fixed")
    assert result.estimate < 0 and result.se is None and "not above zero" in result.test.reason


def test_one_reader_per_modality_cannot_be_told_from_the_modality() -> None:
    """Readers nested, one each: no error term for random readers."""
    reads = drawn((2, 10, 10, 1))
    cube = reads.ratings.copy()
    cube[0, 1] = cube[1, 0] = NAN
    result = analyse(as_reads(cube, reads.truth))
    assert result.se is None and "one reader" in result.test.reason
    assert analyse(as_reads(cube, reads.truth), readers="fixed").se > 0


def test_intervals_of_a_modality_stay_within_the_metric() -> None:
    """An AUC is at most 1, and so is its interval; a difference may lie anywhere."""
    reads = simulate(HIGH_HIGH, n_readers=3, n_negative=15, n_positive=15, separations=(4.0, 3.5), seed=6)
    for each in analyse(reads).performances:
        assert each.ci is None or 0 <= each.ci[0] <= each.ci[1] <= 1


def test_the_mean_of_a_rate_is_analysed_on_its_own_class(sim_assist: Any) -> None:
    """Sensitivity's covariances come from the 48 positives only: adding negatives changes nothing."""
    calls = sim_assist.calls
    positives = as_reads(
        np.concatenate([calls.ratings[:, :, calls.truth], np.zeros((2, 6, 3))], axis=2),
        np.repeat([1, 0], [int(calls.truth.sum()), 3]),
    )
    metric = metric_named("sensitivity")
    assert analyse(positives, metric=metric).se == pytest.approx(analyse(calls, metric=metric).se)


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"readers": "some"}, "readers must be 'random' or 'fixed'"),
        ({"cases": "some"}, "cases must be 'random' or 'fixed'"),
        ({"readers": "fixed", "cases": "fixed"}, "nothing is random"),
        ({"confidence": 95}, "between 0 and 1"),
        ({"covariance": "magic"}, "no covariance method"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings_: dict[str, Any], words: str) -> None:
    """Each with a sentence."""
    with pytest.raises(StudyError, match=words):
        analyse(drawn((2, 5, 5, 1)), **settings_)


def test_a_single_reader_with_cases_fixed_has_nothing_random() -> None:
    """One reader can't stand for readers, so cases must."""
    with pytest.raises(StudyError, match="nothing is random"):
        analyse(drawn((2, 5, 5, 1)).by("reader 1"), cases="fixed")


@pytest.mark.parametrize(
    ("reads", "mode", "words"),
    [
        (drawn((3, 30, 30, 1)), ("random", "random"), "Only 3 readers"),
        (drawn((5, 30, 9, 1)), ("random", "random"), "Only 9 positive"),
        (drawn((5, 30, 30, 1)), ("fixed", "random"), "exactly these readers"),
        (drawn((5, 30, 30, 1)), ("random", "fixed"), "exactly these cases"),
        (drawn((1, 30, 30, 1)), ("random", "random"), "One reader"),
    ],
)
def test_notes_say_what_to_mind(reads: Reads, mode: tuple[str, str], words: str) -> None:
    """Few readers, few cases, what is fixed: a sentence each, and none about a full study of good size."""
    notes = analyse(reads, readers=mode[0], cases=mode[1]).notes
    assert any(words in note for note in notes)
    full = analyse(drawn((6, 40, 40, 3)))
    assert full.components.cov2 > full.components.cov3 and full.notes == ()


def test_missing_reads_are_counted_in_a_note() -> None:
    """They are listed, never filled in."""
    reads = drawn((5, 30, 30, 7))
    cube = reads.ratings.copy()
    cube[0, 0, :4] = NAN
    notes = analyse(as_reads(cube, reads.truth)).notes
    assert any(note.startswith("4 of 600 reads are missing") and "jackknife" in note for note in notes)
