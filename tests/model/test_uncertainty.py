"""Class-conditional conformal verdicts keep their promise, and say so when they can't make it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitl_review.domain.prediction import Verdict
from hitl_review.errors import ModelError
from hitl_review.model.uncertainty import Conformal, conform, verdict, verdicts

Floats = npt.NDArray[np.float64]


def set_by_counting(margin: float, margins: Floats, labels: Floats, error: float) -> tuple[bool, bool]:
    """The definition, with p-values: is each class in the set of this margin?"""
    positive, negative = margins[labels == 1], margins[labels == 0]
    of_positive = (np.sum(positive <= margin) + 1) / (len(positive) + 1)
    of_negative = (np.sum(negative >= margin) + 1) / (len(negative) + 1)
    return bool(of_positive > error + 1e-12), bool(of_negative > error + 1e-12)


@given(
    margins=st.lists(st.integers(-20, 20), min_size=60, max_size=80),
    error=st.sampled_from([0.05, 0.1, 0.2, 0.29]),
    asked=st.integers(-25, 25),
)
def test_thresholds_say_what_the_p_values_say(margins: list[int], error: float, asked: int) -> None:
    """Two kept numbers give the same set as counting all calibration cases anew, ties included."""
    values = np.array(margins, dtype=np.float64)
    labels = (np.arange(len(values)) % 2).astype(np.float64)
    found = verdict(conform(values, labels, error=error), asked)
    names = {
        (True, True): Verdict.UNSURE,
        (True, False): Verdict.LIKELY,
        (False, True): Verdict.UNLIKELY,
        (False, False): Verdict.UNLIKE_TRAINING,
    }
    assert found == names[set_by_counting(asked, values, labels, error)]


def test_each_class_is_covered_as_promised_though_one_is_rare() -> None:
    """Over 300 draws with 12 % positives, 90 % of each class keep their own answer, and hardly more."""
    random = np.random.default_rng(42)
    kept: dict[int, list[float]] = {0: [], 1: []}
    for _ in range(300):
        labels = (random.random(1000) < 0.12).astype(np.float64)
        margins = random.normal(labels * 1.5 - 2, 1.0)
        limits = conform(margins[:500], labels[:500], error=0.10)
        fresh, truth = margins[500:], labels[500:]
        assert limits.lowest_positive is not None and limits.highest_negative is not None
        kept[1].append(float(np.mean(fresh[truth == 1] >= limits.lowest_positive)))
        kept[0].append(float(np.mean(fresh[truth == 0] <= limits.highest_negative)))
    for shares in kept.values():
        assert 0.895 <= np.mean(shares) <= 0.925


def test_a_stricter_promise_leaves_more_cases_unsure() -> None:
    """At 5 % error more margins lie between the limits than at 20 %."""
    random = np.random.default_rng(1)
    labels = np.tile([0.0, 1.0], 200)
    margins = random.normal(labels * 2 - 1, 1.0)
    shares = [
        np.mean(np.array(verdicts(conform(margins, labels, error=e), margins)) == "unsure")
        for e in (0.05, 0.2)
    ]
    assert shares[0] > shares[1]


@pytest.mark.parametrize(("positives", "available"), [(8, False), (9, True)])
def test_a_class_needs_one_over_the_error_minus_one_cases(positives: int, available: bool) -> None:
    """At 10 % that is nine: with eight, no case could ever be excluded, so no verdict is given."""
    labels = np.concatenate([np.ones(positives), np.zeros(50)])
    limits = conform(np.arange(len(labels), dtype=float), labels, error=0.10)
    assert limits.available is available
    answer = verdict(limits, 100.0)
    assert (answer == Verdict.UNAVAILABLE) is not available


def test_no_calibration_cases_give_no_verdict() -> None:
    """Without out-of-fold margins there is nothing to promise."""
    limits = conform([], [], error=0.1)
    assert not limits.available
    assert verdict(limits, 0.0) == Verdict.UNAVAILABLE


def test_a_case_unlike_the_training_cases_is_told_so_at_any_margin() -> None:
    """The flag goes before the set, and before the lack of one."""
    limits = Conformal(0.1, -1.0, 1.0, 50, 50)
    assert verdicts(limits, [-5, 0, 5], unlike=[True, False, True]) == [
        "unlike_training",
        "unsure",
        "unlike_training",
    ]
    assert verdict(conform([], [], error=0.1), 0.0, unlike=True) == Verdict.UNLIKE_TRAINING


def test_an_empty_set_is_unlike_training() -> None:
    """Too high for the negatives and too low for the positives: neither class looks like that."""
    limits = Conformal(0.1, lowest_positive=2.0, highest_negative=-2.0, positives=50, negatives=50)
    assert verdicts(limits, [-3, 0, 3]) == ["unlikely", "unlike_training", "likely"]


def test_a_margin_on_the_limit_stays_in_the_set() -> None:
    """The limits themselves belong to their class."""
    limits = Conformal(0.1, -1.0, 1.0, 50, 50)
    assert verdicts(limits, [-1.0, 1.0]) == ["unsure", "unsure"]
    assert verdicts(limits, [np.nextafter(-1, -2), np.nextafter(1, 2)]) == ["unlikely", "likely"]


def test_soft_labels_count_as_shares_of_cases() -> None:
    """Ten cases at one half are five of each class: too few for 10 %, enough for 20 %."""
    margins, labels = np.arange(10.0), np.full(10, 0.5)
    assert not conform(margins, labels, error=0.10).available
    assert conform(margins, labels, error=0.20).available


def test_verdicts_do_not_depend_on_how_many_are_asked() -> None:
    """Nothing is random and nothing is shared between cases."""
    random = np.random.default_rng(2)
    labels = np.tile([0.0, 1.0], 100)
    limits = conform(random.normal(labels, 1), labels, error=0.1)
    asked = random.normal(0.5, 2, 50)
    assert verdicts(limits, asked) == [verdict(limits, one) for one in asked]


def test_limits_survive_storage() -> None:
    """Also where one of them is missing."""
    for limits in (Conformal(0.1, -1 / 3, 0.1 + 0.2, 50, 50.5), Conformal(0.1, None, 0.5, 3, 50)):
        assert Conformal.from_json(limits.as_json()) == limits


@pytest.mark.parametrize("error", [0.0, 1.0, -0.1, float("nan")])
def test_an_error_that_is_no_share_is_refused(error: float) -> None:
    """The message names the setting."""
    with pytest.raises(ModelError, match="conformal_error"):
        conform([0.0], [1.0], error=error)
