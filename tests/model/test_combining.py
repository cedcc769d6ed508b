"""Reader and model as one: better than both where they err apart, off where that is not shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitl_review.errors import ModelError
from hitl_review.model import combining
from hitl_review.model.combining import Combination, fit, out_of_fold, too_few, why_not
from hitl_review.model.evaluation import log_loss, roc_auc_score


def judged(reads: int, *, seed: int = 1, alike: float = 0.0, noise: float = 1.5) -> tuple[Any, Any, Any]:
    """Two judges of the same outcomes, each with own noise; `alike` of it shared."""
    random = np.random.default_rng(seed)
    truth = (random.random(reads) < 0.45).astype(float)
    shared = random.normal(0, noise, reads)
    logits = [
        2.0 * (truth - 0.5) + alike * shared + (1 - alike) * random.normal(0, noise, reads) for _ in range(2)
    ]
    own, model = (1 / (1 + np.exp(-each)) for each in logits)
    return own, model, truth


def test_two_who_err_apart_are_better_together() -> None:
    """On reads it never saw, the joint estimate has a lower log loss and a higher AUC than either."""
    own, model, truth = judged(400)
    joint = fit(own, model, truth)
    new_own, new_model, new_truth = judged(4000, seed=2)
    said = joint.of(new_own, new_model)
    assert log_loss(new_truth, said) < min(log_loss(new_truth, new_own), log_loss(new_truth, new_model))
    assert roc_auc_score(new_truth, said) > roc_auc_score(new_truth, new_own) + 0.03
    assert joint.check.beats_both and why_not(joint) == "" and joint.check.slope == pytest.approx(1, abs=0.15)


def test_an_echo_adds_nothing_and_is_withheld() -> None:
    """A reader who repeats the model with noise of no use: together is not better than the model alone."""
    _, model, truth = judged(600)
    rng = np.random.default_rng(3)
    echo = 1 / (1 + np.exp(-(np.log(model / (1 - model)) + rng.normal(0, 2, 600))))
    sharp = fit(echo, model, truth)
    assert not sharp.check.beats_both
    assert "not shown to be better than each alone" in why_not(sharp)


@pytest.mark.parametrize(("reads", "positives"), [(199, 99), (200, 49), (200, 151), (0, 0)])
def test_few_outcomes_carry_nothing(reads: int, positives: int) -> None:
    """Below 200 reads, or 50 of either kind, it stays off and says what is there and what is needed."""
    assert "needs 200 reads" in too_few(reads, positives) and f"there are {reads}" in too_few(
        reads, positives
    )
    assert too_few(200, 50) == too_few(200, 150) == ""
    own, model, truth = judged(150)
    assert "there are 150" in why_not(fit(own, model, truth))


def test_without_data_it_is_the_plain_mean_of_the_logits() -> None:
    """Ten reads can hardly move it: the pull towards equal say is worth ten."""
    own, model, truth = judged(10, seed=5)
    few = fit(own, model, truth)
    assert abs(few.own_weight - 0.5) < 0.35 and abs(few.model_weight - 0.5) < 0.35
    many = fit(*judged(20_000, noise=1.0))
    assert many.own_weight == pytest.approx(many.model_weight, abs=0.1)


def test_all_reads_of_a_case_are_left_out_together() -> None:
    """Five readers of one case, outcomes by coin: had the case been seen, the joint estimate would know it."""
    random = np.random.default_rng(7)
    truth = np.repeat(random.integers(0, 2, 60), 5).astype(float)
    model = np.repeat(random.random(60), 5)
    own = random.random(300)
    cases = [f"case {number // 5}" for number in range(300)]
    joint = fit(own, model, truth, cases=cases)
    assert joint.cases == 60 and joint.reads == 300
    assert not joint.check.beats_both or joint.check.together_auc < 0.65
    said = out_of_fold(own, model, truth, cases=cases)
    changed = truth.copy()
    changed[:5] = 1 - changed[:5]
    assert out_of_fold(own, model, changed, cases=cases)[:5] == pytest.approx(said[:5], abs=1e-12)


def test_the_standard_error_of_a_gain_counts_cases_not_reads() -> None:
    """The same read copied four times is no new evidence: the error stays, where reads would halve it."""
    own, model, truth = judged(300)
    once = fit(own, model, truth, cases=[str(number) for number in range(300)])
    copied = fit(
        np.repeat(own, 4), np.repeat(model, 4), np.repeat(truth, 4), cases=[str(n // 4) for n in range(1200)]
    )
    ratio = copied.check.gain_over_own_error / once.check.gain_over_own_error
    assert ratio == pytest.approx(1, abs=0.25)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_it_rises_with_both_and_stays_a_probability(own: float, model: float, more: float) -> None:
    """A higher estimate of either never lowers the joint one; 0 and 100 % of a person are not certainty."""
    joint = fit(*judged(300))
    low, high = sorted((own, more))
    assert joint.of([low], [model])[0] <= joint.of([high], [model])[0] + 1e-12
    assert joint.of([model], [low])[0] <= joint.of([model], [high])[0] + 1e-12
    assert 0 < joint.of([own], [model])[0] < 1


def test_it_is_stored_and_known_by_a_digest() -> None:
    """The same reads give the same digest, JSON gives the same combination, one changed outcome another."""
    own, model, truth = judged(250)
    joint = fit(own, model, truth)
    assert Combination.from_json(joint.as_json()) == joint == fit(own, model, truth)
    assert Combination.from_json(joint.as_json()).digest == joint.digest and joint.digest.startswith(
        "sha256:"
    )
    truth[0] = 1 - truth[0]
    assert fit(own, model, truth).digest != joint.digest


@pytest.mark.parametrize(
    ("own", "model", "outcomes", "words"),
    [
        ([0.5] * 20, [0.5] * 19, [0, 1] * 10, "as many own estimates"),
        ([0.5] * 20, [0.5] * 20, [0, 1] * 9, "one outcome per read"),
        ([1.5] * 20, [0.5] * 20, [0, 1] * 10, "from 0 to 1"),
        ([float("nan")] * 20, [0.5] * 20, [0, 1] * 10, "from 0 to 1"),
        ([0.5] * 20, [0.5] * 20, [0, 2] * 10, "Outcomes must be 0 or 1"),
        ([0.5] * 20, [0.5] * 20, [1] * 20, "both kinds"),
        ([0.5] * 4, [0.5] * 4, [0, 1] * 2, "at least 10 cases"),
    ],
)
def test_what_cannot_be_joined_is_refused(own: Any, model: Any, outcomes: Any, words: str) -> None:
    """With a sentence that holds no value of a patient."""
    with pytest.raises(ModelError, match=words):
        fit(own, model, outcomes)


def test_the_limits_are_those_the_text_states() -> None:
    """A stated 0 counts as 5 %, a model's 0 as 0.5 %."""
    joint = fit(*judged(300))
    assert joint.of([0.0], [0.0])[0] == joint.of([combining.OWN_LIMIT], [combining.MODEL_LIMIT])[0]
