"""A lamp for each feature: silent where nothing changed, lit where something did, with the shift in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hitl_review.errors import ModelError
from hitl_review.model.drift import Drift, holm, input_drift, psi, score_drift
from hitl_review.model.features import FeatureSpec, Matrix
from tests.model.conftest import make_ward


@pytest.fixture(scope="module")
def before() -> Matrix:
    """Five hundred patients."""
    return make_ward(500, seed=1).values


@pytest.fixture(scope="module")
def now() -> Matrix:
    """Three hundred more of the same ward."""
    return make_ward(300, seed=5).values


def changed(values: Matrix, column: int, new: Any) -> Matrix:
    """The same cases with one column replaced."""
    copy = values.copy()
    copy[:, column] = new
    return copy


def lit(found: Drift) -> list[str]:
    """The features whose lamp is lit."""
    return [each.feature for each in found.features if each.alarm]


def test_nothing_rings_where_nothing_changed(before: Matrix, now: Matrix, spec: FeatureSpec) -> None:
    """Missing values, flags and categories included."""
    found = input_drift(before, now, spec=spec)
    assert not found.alarm and lit(found) == []
    assert "Nothing moved" in found.words


def test_a_shift_rings_for_the_feature_that_shifted_and_is_told_in_words(
    before: Matrix, now: Matrix, spec: FeatureSpec
) -> None:
    """Everybody is ten years older."""
    found = input_drift(before, changed(now, 0, now[:, 0] + 10), spec=spec, labels={"age": "Age (years)"})
    assert lit(found) == ["age"]
    age = found.features[0]
    assert age.words.startswith("Age (years): middle value 74") and "before" in age.words
    assert (
        age.psi > age.psi_limit and age.ks is not None and age.ks_limit is not None and age.ks > age.ks_limit
    )


def test_a_measurement_that_is_no_longer_taken_rings(before: Matrix, now: Matrix, spec: FeatureSpec) -> None:
    """What was missing in a sixth is missing in half."""
    half = np.where(np.arange(len(now)) % 2, np.nan, now[:, 1])
    found = input_drift(before, changed(now, 1, half), spec=spec)
    assert lit(found) == ["creatinine"]
    assert "not measured in" in found.features[1].words


def test_a_flag_and_a_category_ring(before: Matrix, now: Matrix, spec: FeatureSpec) -> None:
    """They have no distance, only shares."""
    assert lit(input_drift(before, changed(now, 2, 1.0), spec=spec)) == ["dementia"]
    found = input_drift(before, changed(now, 3, 0.0), spec=spec)
    assert lit(found) == ["ward"]
    assert found.features[3].ks is None and "'b' is 100% now" in found.features[3].words


def test_the_limit_grows_where_cases_are_few(before: Matrix, now: Matrix, spec: FeatureSpec) -> None:
    """The usual limit of 0.1 for any number of cases is what makes false alarms."""
    few, many = (input_drift(before, now[:count], spec=spec).features[0] for count in (40, 300))
    assert few.psi_limit > 0.2 > many.psi_limit


def test_the_same_look_gives_the_same_answer(before: Matrix, now: Matrix, spec: FeatureSpec) -> None:
    """Shuffles are seeded."""
    assert input_drift(before, now, spec=spec, seed=3) == input_drift(before, now, spec=spec, seed=3)


def test_a_feature_that_was_never_measured_is_no_fault(
    before: Matrix, now: Matrix, spec: FeatureSpec
) -> None:
    """Before and now: nothing to compare, nothing rings."""
    nothing = np.float32(np.nan)
    found = input_drift(changed(before, 1, nothing), changed(now, 1, nothing), spec=spec)
    assert lit(found) == []
    assert "never measured" in found.features[1].words


def test_under_twenty_cases_no_drift_is_seen_and_none_denied(
    before: Matrix, now: Matrix, spec: FeatureSpec
) -> None:
    """It says so."""
    found = input_drift(before, now[:19], spec=spec)
    assert found.features == () and "Too few" in found.words


def test_scores_drift_by_the_same_rule() -> None:
    """Probabilities that have risen."""
    random = np.random.default_rng(1)
    old: npt.NDArray[np.float64] = random.beta(2, 4, 400)
    assert not score_drift(old, random.beta(2, 4, 400)).alarm
    found = score_drift(old, random.beta(4, 4, 400))
    assert found.alarm and found.features[0].words.startswith("The model's probability: middle value")
    assert found.words == f"{found.features[0].words} That is more than chance would do at 400 cases."


def test_holms_method_by_hand() -> None:
    """Sorted, times the number of hypotheses left, never falling, never over one."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_stability_index_by_hand() -> None:
    """Half a case added to each bin: shares 1/4 and 3/4 turned round."""
    assert psi([1, 4], [4, 1]) == pytest.approx(2 * 0.5 * np.log(3))


def test_tables_with_other_columns_are_refused(before: Matrix, spec: FeatureSpec) -> None:
    """Never one feature held against another."""
    with pytest.raises(ModelError, match="recent"):
        input_drift(before, before[:, :2], spec=spec)


@pytest.mark.slow
def test_false_alarms_stay_under_one_in_a_hundred_per_feature(spec: FeatureSpec) -> None:
    """At fifty cases and at a thousand, over 200 looks of four features each."""
    for size in (50, 1_000):
        rang = 0
        for look in range(200):
            cases = make_ward(500 + size, seed=1_000 + look).values
            rang += sum(
                each.alarm for each in input_drift(cases[:500], cases[500:], spec=spec, seed=look).features
            )
        assert rang / (200 * len(spec.columns)) <= 0.01
