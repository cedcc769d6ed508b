"""Distances are what they say, and no patient's record is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hitl_review.domain.case import Value
from hitl_review.model.features import Column, FeatureSpec, matrix
from hitl_review.model.prototypes import LEAST_CASES, MOST_PROTOTYPES, coordinates, learn_scale, prototypes

SPEC = FeatureSpec((Column("x", "number"), Column("flag", "flag"), Column("c", "category", ("a", "b"))))


def rows(cases: int, *, seed: int = 0, missing: float = 0.2) -> npt.NDArray[Any]:
    """Random cases with missing values in every column."""
    random = np.random.default_rng(seed)
    values = np.column_stack([random.normal(size=cases), random.integers(0, 2, (cases, 2))]).astype("f4")
    values[random.random(values.shape) < missing] = np.nan
    return values


def distance_by_hand(case: npt.NDArray[Any], group: npt.NDArray[Any], scale: Any) -> float:
    """The distance of one case to one prototype, feature by feature."""
    total = 0.0
    for place, column in enumerate(SPEC.columns):
        known = group[:, place][~np.isnan(group[:, place])]
        share = len(known) / len(group)
        if np.isnan(case[place]):
            total += share
            continue
        total += 1 - share
        if column.kind == "number":
            standard = [
                np.clip((v - scale.centres[place]) / scale.spreads[place], -3, 3)
                for v in (case[place], *known)
            ]
            total += share * (standard[0] - np.mean(standard[1:])) ** 2
        elif column.kind == "flag":
            total += share * (case[place] - known.mean()) ** 2
        else:
            shares = np.array([np.mean(known == level) for level in (0, 1)])
            total += share * 0.5 * np.sum(((case[place] == np.arange(2)) - shares) ** 2)
    return float(np.sqrt(total))


def test_the_matrix_product_is_the_distance_feature_by_feature() -> None:
    """With so few cases that there is one prototype, the mean of all, a sum by hand must agree."""
    group, cases = rows(9, seed=1), rows(30, seed=2)
    scale = learn_scale(group)
    found = prototypes(coordinates(SPEC, scale, group)).distances(coordinates(SPEC, scale, cases))
    assert found == pytest.approx([distance_by_hand(case, group, scale) for case in cases], abs=2e-6)


def test_two_levels_are_one_apart_as_are_measured_and_not() -> None:
    """The unit of every coordinate is comparable."""
    same = matrix(SPEC, [{"x": 1.0, "flag": 0.0, "c": "a"}] * 5)
    scale = learn_scale(same)
    known = prototypes(coordinates(SPEC, scale, same))
    changes: list[dict[str, Value]] = [{"c": "b"}, {"c": None}, {"flag": 1.0}, {"x": None}]
    for change in changes:
        case = matrix(SPEC, [{"x": 1.0, "flag": 0.0, "c": "a", **change}])
        assert known.distances(coordinates(SPEC, scale, case))[0] == pytest.approx(1)


@pytest.mark.parametrize("cases", [10, 47, 500, 3000])
def test_every_prototype_is_the_mean_of_at_least_five_cases(cases: int) -> None:
    """Fewer would come near to keeping a patient's record; more than 128 would be slow."""
    values = rows(cases, missing=0)
    points = coordinates(SPEC, learn_scale(values), values)
    means = prototypes(points).means
    assert len(means.points) <= min(cases // LEAST_CASES, MOST_PROTOTYPES)
    matches = (np.abs(points.points[:, None, 0] - means.points[None, :, 0]) < 1e-6).sum()
    assert matches <= len(means.points) * 0.1


def test_the_scale_is_robust_to_one_wild_value() -> None:
    """A unit error among the training cases does not hide all others."""
    values = rows(200, missing=0)
    wild = values.copy()
    wild[0, 0] = 1e6
    assert learn_scale(wild).spreads[0] == pytest.approx(learn_scale(values).spreads[0], rel=0.1)


def test_a_column_without_spread_or_without_values_has_unit_spread() -> None:
    """No division by zero."""
    scale = learn_scale(np.array([[1.0, np.nan], [1.0, np.nan]], dtype="f4"))
    assert scale.spreads.tolist() == [1.0, 1.0]
    assert scale.centres.tolist() == [1.0, 0.0]
