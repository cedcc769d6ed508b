"""Agreement of many readers against references, published examples, and by recomputation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from hitl_review.errors import StudyError
from hitl_review.study.group_agreement import (
    fleiss_kappa,
    gwet_ac1,
    gwet_ac2,
    krippendorff_alpha,
    randolph_kappa,
)

NAN = np.nan
# Krippendorff 2011, "Computing Krippendorff's alpha-reliability": four observers, twelve units, gaps.
PUBLISHED = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
    [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
]


@pytest.mark.parametrize("arm", ["solo", "assisted"])
def test_coefficients_agree_with_the_references(
    arm: str, sim_assist: Any, agreement_expected: dict[str, Any]
) -> None:
    """statsmodels and krippendorff, on calls, on ratings, and with every seventh read of one reader missing."""
    expected, row = agreement_expected[f"agreement/{arm}"], ("solo", "assisted").index(arm)
    calls, ratings = sim_assist.calls.ratings[row], sim_assist.ratings.ratings[row]
    gaps = calls.copy()
    gaps[1, ::7] = NAN
    found = {
        "fleiss": fleiss_kappa(calls),
        "randolph": randolph_kappa(calls),
        "kripp_nominal_calls": krippendorff_alpha(calls),
        "kripp_ordinal_ratings": krippendorff_alpha(ratings, level="ordinal"),
        "kripp_interval_ratings": krippendorff_alpha(ratings, level="interval"),
        "kripp_nominal_reader2_every7th_missing": krippendorff_alpha(gaps),
    }
    for name, coefficient in found.items():
        assert coefficient.value == pytest.approx(expected[name], rel=1e-8), name
        assert coefficient.ci[0] < coefficient.value < coefficient.ci[1]


@pytest.mark.parametrize(("level", "expected"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_the_published_example(level: Any, expected: float) -> None:
    """To the three digits of the paper."""
    assert krippendorff_alpha(PUBLISHED, level=level).value == pytest.approx(expected, abs=5e-4)


def test_ac1_of_the_published_example() -> None:
    """Gwet, Handbook of Inter-Rater Reliability: 0.77544."""
    assert gwet_ac1(PUBLISHED).value == pytest.approx(0.77544, abs=5e-6)


def test_ac2_with_identity_weights_is_ac1_and_credits_near_misses() -> None:
    """Weights only add credit."""
    assert gwet_ac2(PUBLISHED, weights="identity").value == gwet_ac1(PUBLISHED).value
    assert gwet_ac2(PUBLISHED).value > gwet_ac1(PUBLISHED).value


def test_ac1_does_not_fall_where_one_category_is_rare() -> None:
    """Two readers agree on 118 of 120 cases, nearly all negative: kappa is about zero, AC1 about one."""
    calls = np.zeros((2, 120))
    calls[0, 0] = calls[1, 1] = 1
    assert fleiss_kappa(calls).value < 0 and gwet_ac1(calls).value > 0.98


def test_the_interval_is_the_jackknife_over_cases(sim_assist: Any) -> None:
    """Recomputing without each case gives the standard error; t with cases - 1 degrees of freedom the interval."""
    calls = sim_assist.calls.ratings[0][:, :30]
    for coefficient in (fleiss_kappa, krippendorff_alpha, gwet_ac1):
        whole = coefficient(calls)
        without = np.array([coefficient(np.delete(calls, case, axis=1)).value for case in range(30)])
        se = np.sqrt(29 / 30 * ((without - without.mean()) ** 2).sum())
        assert whole.se == pytest.approx(se)
        assert whole.ci[1] - whole.value == pytest.approx(stats.t.ppf(0.975, 29) * se)


def test_one_category_is_not_defined() -> None:
    """Everybody always says no: each coefficient says why it has no value."""
    same = np.zeros((3, 10))
    for coefficient in (fleiss_kappa, randolph_kappa, krippendorff_alpha, gwet_ac1, gwet_ac2):
        found = coefficient(same)
        assert found.value is None and found.reason.startswith("not defined because")


def test_gaps_are_refused_where_they_cannot_be_used() -> None:
    """Fleiss needs complete cases; nobody's answers need none."""
    with pytest.raises(StudyError, match="Krippendorff's alpha"):
        fleiss_kappa(PUBLISHED)
    with pytest.raises(StudyError, match="there is none"):
        krippendorff_alpha(np.full((2, 3), NAN))
    with pytest.raises(StudyError, match="readers by cases"):
        krippendorff_alpha([1.0, 2.0])
    with pytest.raises(StudyError, match="at least two answers"):
        gwet_ac1([[0, 1, NAN], [NAN, NAN, 1]])
    assert "fewer than two cases" in krippendorff_alpha([[0, 1], [NAN, 1]]).reason
    with pytest.raises(StudyError, match="not 'ratio'"):
        krippendorff_alpha(PUBLISHED, level="ratio")  # type: ignore[arg-type]
