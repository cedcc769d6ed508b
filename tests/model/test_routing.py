"""The order of the queue, and promises on cases that pass without a reader."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hitl_review.errors import ModelError
from hitl_review.model.routing import (
    NoPromise,
    Promise,
    Why,
    audited,
    by_capacity,
    by_rule,
    error_bound,
    hash_share,
    in_random_part,
    least_cases,
    order,
    sureness,
    threshold_for_error,
    uncertainty,
)
from hitl_review.project import InclusionRule

IDS = [f"C-{number:04}" for number in range(1_000)]
CHANCE = np.random.default_rng(3).random(1_000)


def test_doubt_is_one_at_the_threshold_and_none_at_either_end() -> None:
    """Also where the threshold is not in the middle."""
    assert uncertainty([0.2, 0.0, 1.0], threshold=0.2).tolist() == [1.0, 0.0, 0.0]
    assert sureness([0.1, 0.6], threshold=0.2).tolist() == pytest.approx([0.5, 0.5])


def test_of_every_five_cases_four_are_the_most_doubtful_and_one_is_random() -> None:
    """At any point of the queue, as long as both parts last."""
    places = order(IDS, CHANCE, threshold=0.5, salt="ward")
    for read in (5, 50, 500):
        random = sum(place.why is Why.RANDOM for place in places[:read])
        assert abs(random - read / 5) <= 1
    doubts = [place.uncertainty for place in places if place.why is Why.UNCERTAIN]
    assert doubts == sorted(doubts, reverse=True)
    assert sorted(place.case_id for place in places) == IDS


def test_the_random_part_does_not_look_at_the_model() -> None:
    """Other probabilities, the same cases in the same order: what has been read of it is a random sample."""
    first, second = (order(IDS, p, threshold=0.5, salt="ward") for p in (CHANCE, CHANCE[::-1]))
    drawn = [[place.case_id for place in places if place.why is Why.RANDOM] for places in (first, second)]
    assert drawn[0] == drawn[1]
    assert all(in_random_part(case_id, salt="ward") for case_id in drawn[0])


def test_the_chance_of_being_drawn_is_recorded_where_there_was_one() -> None:
    """A fifth for the random part; the others the model chose."""
    for place in order(IDS, CHANCE, threshold=0.5, salt="ward"):
        assert place.sampling_probability == (0.2 if place.why is Why.RANDOM else None)


def test_the_hash_is_as_good_as_a_draw_and_another_salt_is_another_draw() -> None:
    """Uniform by the Kolmogorov-Smirnov test; uncorrelated between salts."""
    one, other = (np.array([hash_share(case_id, salt=salt) for case_id in IDS]) for salt in ("a", "b"))
    assert stats.kstest(one, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.1


def test_everything_random_and_nothing_random_are_orders_too() -> None:
    """The two ends of the share."""
    assert {place.why for place in order(IDS, CHANCE, threshold=0.5, salt="x", random_share=1.0)} == {
        Why.RANDOM
    }
    assert {place.why for place in order(IDS, CHANCE, threshold=0.5, salt="x", random_share=0.0)} == {
        Why.UNCERTAIN
    }
    assert order([], [], threshold=0.5, salt="x") == []


def test_the_exact_bound_is_clopper_and_pearsons() -> None:
    """As scipy's beta quantile has it; all wrong is bounded by one."""
    assert error_bound(3, 100) == pytest.approx(float(stats.beta.ppf(0.95, 4, 97)))
    assert error_bound(5, 5) == 1.0
    assert least_cases(0.05, confidence=0.95) == 59
    assert error_bound(0, 59) <= 0.05 < error_bound(0, 58)


def test_a_promise_names_what_it_rests_on_and_holds_its_bound() -> None:
    """A thousand calibrated cases, a fifth of them doubtful."""
    random = np.random.default_rng(1)
    chance = random.beta(0.3, 0.3, 1_000)
    truth = (random.random(1_000) < chance).astype(float)
    found = threshold_for_error(chance, truth, target=0.10, threshold=0.5)
    assert isinstance(found, Promise)
    assert found.bound <= 0.10
    assert found.bound == error_bound(found.errors, found.cases)
    passing = [found.passes(float(p), threshold=0.5) for p in chance]
    assert sum(passing) == found.cases == round(found.coverage * 1_000)
    assert "may pass" in found.words


def test_a_promise_that_more_cases_pass_is_not_made_after_the_first_failure() -> None:
    """The walk ends at the first cutoff that can't be promised, even if a lower one could by luck."""
    chance = np.concatenate([np.full(100, 0.99), np.full(60, 0.90), np.full(2_000, 0.80)])
    truth = np.ones(2_160)
    truth[100:130] = 0
    found = threshold_for_error(chance, truth, target=0.05, threshold=0.5)
    assert isinstance(found, Promise)
    assert found.cases == 100


def test_too_few_cases_are_told_with_the_number_it_takes() -> None:
    """Forty right ones can't promise 5 %."""
    found = threshold_for_error(np.full(40, 0.99), np.ones(40), target=0.05, threshold=0.5)
    assert isinstance(found, NoPromise)
    assert "so few cases" in found.words and "59" in found.words


def test_a_model_that_is_too_often_wrong_is_promised_nothing() -> None:
    """Enough cases, and a third of the surest wrong."""
    truth = np.ones(300)
    truth[::3] = 0
    found = threshold_for_error(np.full(300, 0.99), truth, target=0.05, threshold=0.5)
    assert isinstance(found, NoPromise)
    assert "too often" in found.words


def test_what_can_be_read_in_a_day_is_the_head_of_the_queue_and_the_rest_is_counted() -> None:
    """Forty of a thousand; the model's own chances of error add up."""
    found = by_capacity(IDS, CHANCE, reads=40, threshold=0.5, salt="ward")
    assert list(found.reads) == order(IDS, CHANCE, threshold=0.5, salt="ward")[:40]
    read = {place.case_id for place in found.reads}
    expected = sum(min(p, 1 - p) for case_id, p in zip(IDS, CHANCE, strict=True) if case_id not in read)
    assert found.expected_errors_unread == pytest.approx(expected)
    assert found.left_unread == 960
    assert by_capacity(IDS[:5], CHANCE[:5], reads=40, threshold=0.5, salt="ward").left_unread == 0


def test_a_rule_sends_a_case_to_a_person() -> None:
    """The first that fits; none where none does, nor where nothing was measured."""
    rule = InclusionRule(feature="age", words="Age is at least 80 years", minimum=80.0)
    assert by_rule([{"age": 85.0}, {"age": 50.0}, {"age": None}], [rule]) == [rule, None, None]


def test_a_twentieth_of_the_passed_cases_is_read_all_the_same() -> None:
    """By hash, so nobody can choose; and never none."""
    share = np.mean([audited(f"C-{number}", salt="ward") for number in range(10_000)])
    assert abs(share - 0.05) < 0.01
    with pytest.raises(ModelError, match="can't be zero"):
        audited("C-1", salt="ward", share=0.0)


def test_what_is_no_probability_is_refused() -> None:
    """Nor two lists of unequal length."""
    with pytest.raises(ModelError, match="probabilities"):
        order(["C-1"], [1.5], threshold=0.5, salt="x")
    with pytest.raises(ModelError, match="one probability per case"):
        order(["C-1"], [0.5, 0.5], threshold=0.5, salt="x")
    with pytest.raises(ModelError, match="outcome"):
        threshold_for_error([0.5], [0.3], target=0.05, threshold=0.5)
    with pytest.raises(ModelError, match=r"0\.05"):
        threshold_for_error([0.5], [1], target=1.5, threshold=0.5)
