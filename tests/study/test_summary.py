"""The text of a result: every number that matters, and words where there is no number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitl_review.study.mrmc import analyse
from hitl_review.study.reads import as_reads
from hitl_review.study.summary import aligned, number, p_value, summary
from hitl_review.study.ustatistics import auc_difference


def test_the_text_holds_the_numbers_of_the_result(sim_assist: Any) -> None:
    """Estimate, standard error, test, components, each reader, the cross-check."""
    result = analyse(sim_assist.ratings)
    text = summary(result, cross_check=auc_difference(sim_assist.ratings, "solo", "assisted"))
    for part in (
        "solo - assisted",
        number(result.estimate),
        number(result.se),
        f"F(1, 23.81) = {result.test.statistic:.5f}",
        f"{result.components.cov2:.8f}",
        "R06",
        "Cross-check by U-statistics, solo - assisted: -0.07292",
        "2 modalities, 6 readers, 120 cases (48 positive, 72 negative)",
        "every reader read every case under every modality",
    ):
        assert part in text


def test_what_is_not_estimable_is_a_dash_with_a_reason() -> None:
    """No "nan", no "None", no "inf" where a person reads."""
    cube = np.tile(np.array([1.0, 2, 3, 4]), (2, 3, 1))
    text = summary(analyse(as_reads(cube, [0, 0, 1, 1])))
    assert "Not testable because" in text and "not above zero" in text
    assert not any(word in text for word in ("nan", "None"))


@pytest.mark.parametrize(
    ("readers", "cases", "sign"), [("fixed", "random", "X2(1) ="), ("random", "fixed", "F(1, 5.00) =")]
)
def test_each_mode_names_its_test(sim_assist: Any, readers: str, cases: str, sign: str) -> None:
    """Chi-square where readers are fixed, F where they are random; a note says what is fixed."""
    text = summary(analyse(sim_assist.ratings, readers=readers, cases=cases))
    assert sign in text and "fixed: the result holds for exactly" in text


def test_one_modality_has_no_comparison(sim_assist: Any) -> None:
    """Its mean and interval, nothing to subtract."""
    text = summary(analyse(sim_assist.ratings.under("solo")))
    assert "0.79439" in text and "Difference" not in text


def test_a_p_value_is_never_printed_as_zero() -> None:
    """Below 0.0001 it says so."""
    assert (p_value(0.00001), p_value(0.05), p_value(None)) == ("<0.0001", "0.0500", "-")


def test_columns_line_up() -> None:
    """The first to the left, the others to the right."""
    assert list(aligned(["a", "bb"], [["long", "1"]])) == ["a     bb", "long   1"]
