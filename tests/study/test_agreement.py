"""Agreement of two readers against references and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitl_review.errors import StudyError
from hitl_review.study.agreement import agreement_table, agreement_weights, cohen_kappa


@pytest.mark.parametrize("arm", ["solo", "assisted"])
def test_cohens_kappa_agrees_with_the_references(
    arm: str, sim_assist: Any, agreement_expected: dict[str, Any]
) -> None:
    """statsmodels: kappa, its standard error and interval, the table; scikit-learn: weighted on five bins."""
    expected, row = agreement_expected[f"agreement/{arm}"], ("solo", "assisted").index(arm)
    first, second = sim_assist.calls.ratings[row, :2]
    found, reference = cohen_kappa(first, second), expected["cohen_R01_R02"]
    assert (found.value, found.se) == pytest.approx((reference["kappa"], reference["se"]), rel=1e-8)
    assert found.ci == pytest.approx(reference["ci"], rel=1e-8)
    assert agreement_table(first, second)[0].tolist() == reference["table"]
    bins = np.digitize(sim_assist.ratings.ratings[row, :2], [20, 40, 60, 80])
    for weights in ("linear", "quadratic"):
        value = cohen_kappa(bins[0], bins[1], weights=weights).value
        assert value == pytest.approx(expected["weighted_R01_R02_5bin"][weights], rel=1e-8)


def test_complete_agreement_is_one_and_none_is_not_defined() -> None:
    """One category throughout leaves no room for chance: "not defined because ...", never NaN."""
    assert cohen_kappa([0, 1, 0, 1], [0, 1, 0, 1]).value == 1
    found = cohen_kappa([1, 1, 1], [1, 1, 1])
    assert (
        found.value is None
        and found.percent_agreement == 1
        and found.reason.startswith("not defined because")
    )


def test_only_cases_that_both_read_count() -> None:
    """A gap in either list leaves the case out; too few cases are said."""
    found = cohen_kappa([0, 1, np.nan, 1, 0], [0, 1, 1, np.nan, 1])
    assert found.n == 3 and found.percent_agreement == pytest.approx(2 / 3)
    assert "fewer than two" in cohen_kappa([0, np.nan], [np.nan, 1]).reason


def test_weights_fall_with_distance() -> None:
    """Linear by steps, quadratic by their squares, identity at once."""
    categories = np.arange(3.0)
    assert agreement_weights(categories, "linear")[0].tolist() == [1, 0.5, 0]
    assert agreement_weights(categories, "quadratic")[0].tolist() == [1, 0.75, 0]
    assert agreement_weights(categories, "identity")[0].tolist() == [1, 0, 0]
    with pytest.raises(StudyError, match="not 'cubic'"):
        agreement_weights(categories, "cubic")  # type: ignore[arg-type]


def test_lists_of_two_lengths_are_refused() -> None:
    """One answer per case and reader."""
    with pytest.raises(StudyError, match="one length"):
        cohen_kappa([0, 1], [0, 1, 1])
