"""Values of cases become a matrix by the stored list, or are refused."""

from __future__ import annotations

import math
import traceback

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitl_review.errors import ModelError
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.features import Column, FeatureSpec, directions, dmatrix, feature_spec, matrix
from hitl_review.model.scoring import score
from hitl_review.project import Project

CASE = {"age": 70.0, "creatinine": None, "dementia": 1.0, "ward": "f"}


def test_values_become_numbers_by_kind(spec: FeatureSpec) -> None:
    """Numbers stay, flags are 0 or 1, a category is its level's position, missing is NaN."""
    row = matrix(spec, [CASE])[0]
    assert row.dtype == np.float32
    assert row[[0, 2, 3]].tolist() == [70.0, 1.0, 2.0]
    assert math.isnan(row[1])


def test_the_stored_list_chooses_the_columns_not_the_callers_order(spec: FeatureSpec) -> None:
    """A case whose values come in another order, with more keys, makes the same row."""
    shuffled = {"other": 9.0, **dict(reversed(CASE.items()))}
    np.testing.assert_array_equal(matrix(spec, [shuffled]), matrix(spec, [CASE]))


@given(order=st.permutations(list(CASE)))
def test_permuted_columns_never_change_the_answer(order: list[str]) -> None:
    """Every order of the keys gives the same row: two swapped columns would be scored without complaint."""
    columns = FeatureSpec(
        (Column("age", "number"), Column("dementia", "flag"), Column("ward", "category", ("b", "f")))
    )
    row = matrix(columns, [{name: CASE[name] for name in order}])[0]
    assert row.tolist() == [70.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ward", "dd", "one of b, d, f"),
        ("ward", "Unknown", "one of b, d, f"),
        ("ward", 1.0, "one of b, d, f"),
        ("age", "70", "a finite number"),
        ("age", math.inf, "a finite number"),
        ("age", -math.inf, "a finite number"),
        ("age", 1e39, "a finite number"),
        ("age", True, "a finite number"),
        ("dementia", 2.0, "0 or 1"),
        ("dementia", 0.5, "0 or 1"),
        ("dementia", "yes", "0 or 1"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_feature(
    spec: FeatureSpec, name: str, value: float | str, expected: str
) -> None:
    """The message names the feature and what was expected."""
    with pytest.raises(ModelError, match=f"'{name}' must be {expected}"):
        matrix(spec, [CASE, {**CASE, name: value}])


@pytest.mark.parametrize(
    ("name", "value"), [("ward", "Ward of Mrs Jones"), ("age", "41.7"), ("dementia", 41.7)]
)
def test_a_refusal_never_repeats_the_patients_value(spec: FeatureSpec, name: str, value: float | str) -> None:
    """Messages may reach a log, and so may the errors they were raised from."""
    with pytest.raises(ModelError) as refusal:
        matrix(spec, [{**CASE, name: value}])
    told = "".join(traceback.format_exception(refusal.value))
    assert str(value) not in told


def test_a_case_without_a_feature_is_refused(spec: FeatureSpec) -> None:
    """Absent is not the same as not measured: a dropped column must not look like missing values."""
    with pytest.raises(ModelError, match="needs the feature 'creatinine'"):
        matrix(spec, [{name: value for name, value in CASE.items() if name != "creatinine"}])


def test_nan_and_none_are_both_not_measured(spec: FeatureSpec) -> None:
    """A NaN from a table reader means the same as None."""
    assert np.isnan(matrix(spec, [{**CASE, "age": math.nan}])[0, 0])


def test_whole_numbers_and_truth_values_are_numbers_where_they_belong(spec: FeatureSpec) -> None:
    """An int is a number; True is a flag."""
    assert matrix(spec, [{**CASE, "age": 70, "dementia": True}])[0, :3:2].tolist() == [70.0, 1.0]


def test_no_cases_make_an_empty_matrix(spec: FeatureSpec) -> None:
    """An empty queue is no error."""
    assert matrix(spec, []).shape == (0, 4)


def test_xgboost_sees_names_and_types(spec: FeatureSpec) -> None:
    """The matrix carries its columns, so XGBoost checks them too."""
    cases = dmatrix(spec, matrix(spec, [CASE]))
    assert cases.feature_names == ["age", "creatinine", "dementia", "ward"]
    assert cases.feature_types == ["q", "q", "i", "c"]


def test_a_matrix_of_other_width_is_refused(spec: FeatureSpec) -> None:
    """A matrix made for another model does not get in."""
    with pytest.raises(ModelError, match="reads 4 columns"):
        dmatrix(spec, np.zeros((2, 3), dtype=np.float32))


def test_columns_under_another_models_names_are_refused_by_xgboost(model: TrainedModel) -> None:
    """The booster itself refuses columns in another order: the last line of defence."""
    swapped = FeatureSpec((model.spec.columns[1], model.spec.columns[0], *model.spec.columns[2:]))
    with pytest.raises(ValueError, match="feature_names mismatch"):
        model.batch_booster.predict(dmatrix(swapped, matrix(swapped, [CASE])))


def test_an_unseen_level_never_reaches_xgboost(model: TrainedModel) -> None:
    """XGBoost 3.1 and 3.2 score "dd" as "f" (dmlc/xgboost#12189); we number levels ourselves, and refuse."""
    known = [score(model, matrix(model.spec, [{**CASE, "ward": level}])).margins[0] for level in "bdf"]
    assert len(set(known)) > 1
    for unseen in ("a", "c", "dd", "Unknown", "z", "B", ""):
        with pytest.raises(ModelError, match="'ward' must be one of b, d, f"):
            matrix(model.spec, [{**CASE, "ward": unseen}])


def test_level_numbers_do_not_depend_on_which_cases_come_together(model: TrainedModel) -> None:
    """Alone or in a batch a level has the same number: nothing is inferred from the rows at hand."""
    alone = matrix(model.spec, [{**CASE, "ward": "f"}])
    batch = matrix(model.spec, [{**CASE, "ward": level} for level in ("d", "f")])
    np.testing.assert_array_equal(alone[0], batch[1])


def test_the_digest_knows_names_kinds_levels_and_order(spec: FeatureSpec) -> None:
    """Any change of the list is another list."""
    columns = spec.columns
    others = [
        columns[::-1],
        columns[:3],
        (Column("age", "flag"), *columns[1:]),
        (*columns[:3], Column("ward", "category", ("d", "b", "f"))),
    ]
    digests = {FeatureSpec(tuple(other)).digest for other in others} | {spec.digest}
    assert len(digests) == 5
    assert FeatureSpec.from_json(spec.as_json()).digest == spec.digest


def test_a_project_gives_its_columns_and_directions(support2: Project) -> None:
    """Columns follow the project file; directions are only those a clinician gave."""
    columns = feature_spec(support2)
    assert columns.names == tuple(feature.name for feature in support2.features)
    signs = directions(support2)
    assert signs["age"] == 1
    assert "sex" not in signs
    assert set(signs.values()) <= {-1, 1}
