"""Several readers as one: references, tie rules, and no case that helps to decide itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitl_review.errors import StudyError
from hitl_review.study.accuracy import accuracy, empirical_auc
from hitl_review.study.aggregation import (
    accuracy_weighted,
    dawid_skene,
    majority,
    mean_logit,
    mean_probability,
    readers_plus_model,
)

NAN = np.nan


def test_groups_agree_with_the_references(sim_assist: Any, agreement_expected: dict[str, Any]) -> None:
    """Majority with ties called negative, mean probability, mean logit with the model."""
    expected = agreement_expected["aggregate/solo"]
    calls, stated, truth = sim_assist.calls.ratings[0], sim_assist.ratings.ratings[0] / 100, sim_assist.truth
    votes, crowd = majority(calls, tie="negative"), mean_probability(stated)
    assert accuracy(truth, votes.calls) == pytest.approx(expected["majority_acc_ties_negative"], rel=1e-8)
    assert votes.tied.sum() == expected["n_ties"] and "ties called negative" in votes.rule
    assert accuracy(truth, crowd >= 0.5) == pytest.approx(expected["mean_prob_acc"], rel=1e-8)
    assert empirical_auc(truth, crowd) == pytest.approx(expected["mean_prob_auc"], rel=1e-8)
    alone = np.array([[accuracy(truth, calls[j]), empirical_auc(truth, stated[j])] for j in range(6)])
    individual = [expected[f"mean_individual_{name}"] for name in ("acc", "auc")]
    assert alone.mean(axis=0) == pytest.approx(individual, rel=1e-8)
    together = readers_plus_model(stated, sim_assist.model)
    assert empirical_auc(truth, together) == pytest.approx(expected["mean_logit_plus_ai_auc"], rel=1e-8)


def test_dawid_skene_agrees_with_the_reference(sim_assist: Any, agreement_expected: dict[str, Any]) -> None:
    """crowd-kit stopped after two rounds here: the same two rounds give its probabilities, priors and errors."""
    expected = agreement_expected["dawid_skene(crowd-kit 1.4.2, n_iter=200)"]
    found = dawid_skene(sim_assist.calls.ratings[0], most_iterations=2)
    assert found.probabilities[:10, 1] == pytest.approx(list(expected["p1_first10"].values()), rel=1e-8)
    assert found.priors == pytest.approx(list(expected["prior"].values()), rel=1e-8)
    for j, reader in enumerate(sim_assist.calls.readers):
        rows = [[expected["errors"][f"{reader}|obs{c}"][str(t)] for c in (0, 1)] for t in (0, 1)]
        assert found.errors[j] == pytest.approx(np.array(rows), rel=1e-8)
    assert accuracy(sim_assist.truth, found.probabilities[:, 1] > 0.5) == pytest.approx(expected["acc"])


def test_dawid_skene_runs_to_the_end_and_finds_the_careless_reader() -> None:
    """Three good readers and one who guesses: the guesser's errors are found without any truth."""
    random = np.random.default_rng(5)
    truth = random.integers(0, 3, size=200)
    calls = np.array(
        [np.where(random.random(200) < 0.9, truth, random.integers(0, 3, 200)) for _ in range(3)]
    )
    calls = np.vstack([calls, random.integers(0, 3, 200)]).astype(float)
    calls[0, :20] = NAN
    found = dawid_skene(calls, n_classes=3)
    right = np.einsum("jtt,t->j", found.errors, found.priors)
    assert right[:3].min() > 0.85 and right[3] < 0.5 and found.iterations > 2
    assert (found.probabilities.argmax(axis=1) == truth).mean() > 0.93


@pytest.mark.parametrize(("tie", "expected"), [("negative", 0), ("positive", 1), ("undecided", NAN)])
def test_the_tie_rule_is_explicit(tie: Any, expected: float) -> None:
    """One vote each way: the rule decides, and the words say so."""
    votes = majority([[1, 1, NAN], [0, 1, NAN]], tie=tie)
    assert np.array_equal(votes.calls, [expected, 1, NAN], equal_nan=True) and votes.tied.tolist() == [
        True,
        False,
        False,
    ]


def test_weights_come_from_the_other_cases_only() -> None:
    """Changing one case's truth changes nothing about that case's own group call."""
    random = np.random.default_rng(2)
    truth = random.integers(0, 2, 30)
    calls = np.where(random.random((3, 30)) < [[0.9], [0.7], [0.55]], truth, 1 - truth).astype(float)
    before = accuracy_weighted(calls, truth, tie="negative")
    for case in range(30):
        turned = truth.copy()
        turned[case] = 1 - turned[case]
        after = accuracy_weighted(calls, turned, tie="negative")
        assert after.share_positive[case] == before.share_positive[case]


def test_a_good_reader_outweighs_two_bad_ones() -> None:
    """Weights are log odds of accuracy: 28 of 30 right against 16 of 30 each."""
    truth = np.tile([0, 1], 15)
    calls = np.array([truth, truth, truth], dtype=float)
    calls[0, :2] = 1 - calls[0, :2]
    calls[1:, 5:19] = 1 - calls[1:, 5:19]
    votes = accuracy_weighted(calls, truth, tie="negative")
    assert (votes.calls[5:19] == truth[5:19]).all() and "other cases" in votes.rule


def test_means_leave_gaps_out_and_do_not_depend_on_order() -> None:
    """A reader who did not read does not count; equal answers in another order tie exactly."""
    stated = np.array([[0.1, 0.7], [0.2, 0.1], [0.7, 0.2], [NAN, NAN]])
    crowd = mean_probability(stated)
    assert crowd[0] == crowd[1] == pytest.approx(1 / 3)
    assert mean_logit([[0.2], [0.8]])[0] == pytest.approx(0.5)
    assert mean_logit([[0.0], [0.5]])[0] > 0
    assert readers_plus_model(stated, [0.9, 0.1], model_weight=1.0) == pytest.approx([0.9, 0.1])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: majority([[0.5]], tie="negative"), "whole numbers from 0 to 1"),
        (lambda: majority([[1.0]], tie="coin"), "not 'coin'"),  # type: ignore[arg-type]
        (lambda: majority([1.0, 0.0], tie="negative"), "readers by cases"),
        (lambda: mean_probability([[41.0]]), "divide ratings"),
        (lambda: readers_plus_model([[0.5, 0.5]], [0.5]), "every case, 2"),
        (lambda: readers_plus_model([[0.5]], [0.5], model_weight=2), "weight"),
        (lambda: accuracy_weighted([[1.0, 0.0]], [1], tie="negative"), "one value per case"),
        (lambda: dawid_skene([[NAN, 1.0]]), "at least one read"),
    ],
)
def test_what_cannot_be_joined_is_refused(call: Any, words: str) -> None:
    """Each with a sentence."""
    with pytest.raises(StudyError, match=words):
        call()
