"""Tests of non-inferiority, equivalence and "better than both": each is its interval seen otherwise."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitl_review.errors import StudyError
from hitl_review.study import distributions
from hitl_review.study.hypotheses import (
    complementarity,
    equivalence,
    fixed_sequence,
    holm,
    noninferiority,
    superiority,
)
from hitl_review.study.mrmc import analyse
from hitl_review.study.results import Contrast, reverse
from hitl_review.study.standalone import readers_against_model

estimates = st.floats(-0.3, 0.3)
errors = st.floats(0.01, 0.2)
freedoms = st.sampled_from([2.0, 7.5, 40.0, inf])


def contrast(estimate: float, variance: float | None = 0.0025, df: float = 20.0) -> Contrast:
    """A difference with a standard error of 0.05 unless told otherwise."""
    return Contrast.of("aided", "solo", estimate, variance, df, 0.95)


@given(estimates, errors, freedoms)
@settings(deadline=None)
def test_non_inferiority_is_shown_exactly_if_the_lower_limit_is_above_the_margin(
    estimate: float, se: float, df: float
) -> None:
    """The rule of the 95 % interval and the one-sided test at 2.5 % are one."""
    low, _ = distributions.interval(estimate, se, df)
    verdict = noninferiority(contrast(estimate, se**2, df), margin=0.05)
    if abs(low + 0.05) > 1e-9:
        assert verdict.shown == (low > -0.05)


@given(estimates, errors, freedoms)
@settings(deadline=None)
def test_equivalence_is_shown_exactly_if_the_90_percent_interval_lies_within_the_margins(
    estimate: float, se: float, df: float
) -> None:
    """Two one-sided tests at 5 %."""
    low, high = distributions.interval(estimate, se, df, confidence=0.9)
    if min(abs(low + 0.1), abs(high - 0.1)) > 1e-9:
        assert equivalence(contrast(estimate, se**2, df), margin=0.1).shown == (low > -0.1 and high < 0.1)


def test_superiority_is_half_the_two_sided_p() -> None:
    """On the right side of zero."""
    difference = contrast(0.12)
    assert superiority(difference).p == pytest.approx(difference.p / 2)
    assert superiority(reverse(difference)).p == pytest.approx(1 - difference.p / 2)


def test_better_than_both_takes_the_weaker_of_the_two(sim_assist: Any) -> None:
    """On the simulated study: clearly better than alone, not shown to be better than the model; so not shown."""
    solo = analyse(sim_assist.ratings).difference("assisted", "solo")
    model = readers_against_model(sim_assist.ratings, sim_assist.model, modality="assisted")
    verdict = complementarity(solo, model)
    assert superiority(solo).shown and not superiority(model).shown
    assert verdict.p == superiority(model).p and not verdict.shown
    assert complementarity(solo, contrast(0.3)).shown


def test_without_a_standard_error_nothing_is_shown_and_the_reason_is_passed_on() -> None:
    """Not estimable stays not estimable."""
    unknown = contrast(0.1, None)
    for verdict in (
        superiority(unknown),
        equivalence(unknown, margin=0.1),
        complementarity(unknown, contrast(0.3)),
    ):
        assert not verdict.shown and verdict.p is None and "not above zero" in verdict.reason


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
@settings(deadline=None)
def test_holm_keeps_the_order_and_never_lowers_a_p(values: list[float]) -> None:
    """Adjusted p values are at least the raw ones, at most 1, in the same order."""
    raw = {f"endpoint {number}": value for number, value in enumerate(values)}
    adjusted = holm(raw)
    assert list(adjusted) == list(raw)
    ordered = sorted(raw, key=lambda name: raw[name])
    assert all(raw[name] <= adjusted[name] <= 1 for name in raw)
    assert [adjusted[name] for name in ordered] == sorted(adjusted.values())
    assert adjusted[ordered[0]] == pytest.approx(min(1, len(raw) * raw[ordered[0]]))


def test_a_fixed_sequence_stops_at_the_first_failure() -> None:
    """What comes after is not tested, however small its p."""
    assert fixed_sequence([("a", 0.01), ("b", 0.05), ("c", 0.2), ("d", 0.001)]) == ["a", "b"]
    assert fixed_sequence([("a", 0.06), ("b", 0.001)]) == []


@pytest.mark.parametrize("margin", [0, -0.05, inf])
def test_a_margin_must_be_above_zero(margin: float) -> None:
    """Otherwise it is no margin."""
    with pytest.raises(StudyError, match="margin must be above zero"):
        noninferiority(contrast(0.1), margin=margin)
    with pytest.raises(StudyError, match="alpha"):
        superiority(contrast(0.1), alpha=0.7)
