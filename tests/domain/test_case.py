"""A case's values have one digest, and what was not measured is named."""

from __future__ import annotations

import math

import pytest

from hitl_review.domain.case import snapshot_of
from hitl_review.domain.prediction import Contribution, Explanation, prediction_id
from hitl_review.errors import AuditError


def test_equal_values_have_equal_digests() -> None:
    """In any order, as whole number or float; of another case or with another value the digest differs."""
    one = snapshot_of("C-1", {"age": 70, "sex": None})
    assert one.digest == snapshot_of("C-1", {"sex": None, "age": 70.0}).digest
    others = [
        snapshot_of("C-2", {"age": 70, "sex": None}),
        snapshot_of("C-1", {"age": 70.00000000000001, "sex": None}),
        snapshot_of("C-1", {"age": 70}),
        snapshot_of("C-1", {"age": "70", "sex": None}),
        snapshot_of("C-1", {"age": 70, "sex": ""}),
    ]
    assert len({one.digest, *(each.digest for each in others)}) == 6


def test_what_was_not_measured_is_named() -> None:
    """Sorted; zero and the empty text were measured."""
    values = {"b": None, "a": None, "zero": 0.0, "empty": "", "no": False}
    assert snapshot_of("C-1", values).missing == ("a", "b")


def test_later_changes_to_the_values_do_not_reach_the_snapshot() -> None:
    """It is a picture of one moment."""
    values: dict[str, float | str | None] = {"age": 70.0}
    taken = snapshot_of("C-1", values)
    values["age"] = 20.0
    assert taken.values == {"age": 70.0}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_refused(value: float) -> None:
    """Missing is None; NaN has no digest."""
    with pytest.raises(AuditError):
        snapshot_of("C-1", {"age": value})


def test_a_prediction_is_known_by_model_and_snapshot() -> None:
    """The same question has the same id, another model or other values another one."""
    one = prediction_id(model="sha256:a", snapshot="sha256:b")
    assert one == prediction_id(model="sha256:a", snapshot="sha256:b")
    assert (
        len(
            {
                one,
                prediction_id(model="sha256:b", snapshot="sha256:a"),
                prediction_id(model="sha256:a", snapshot=""),
            }
        )
        == 3
    )
    assert one.startswith("P-")
    assert len(one) == 26


def test_contributions_and_base_value_add_up() -> None:
    """To the margin, by hand."""
    explanation = Explanation(-1.0, (Contribution("age", 0.75), Contribution("sex", -0.25)))
    assert explanation.total == -0.5
    assert Explanation(0.5, ()).total == 0.5
