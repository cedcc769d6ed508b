"""Several readers as one: votes, means, weights learned elsewhere, Dawid-Skene, and readers plus model.

Judgements are arrays of shape (readers, cases), NaN where not read. The tie rule is always an
argument, because with six readers one case in seven may be a tie and the rule decides it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from hitl_review.errors import StudyError
from hitl_review.study.reads import BoolArray, FloatArray, as_truth

Tie = Literal["negative", "positive", "undecided"]
CLIP = 1e-6  # a stated 0 or 1 has no logit; it is read as one in a million
SAME_TO = 12  # decimals: means of equal answers in another order are equal


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """Calls of the group.

    Attributes
    ----------
    calls : float array, shape (cases,)
        0 or 1; NaN for a tie left undecided, or where nobody read.
    tied : bool array, shape (cases,)
    share_positive : float array, shape (cases,)
        Share (or weighted share) of votes for positive.
    rule : str
        How ties were broken, to be printed beside every number made from them.
    """

    calls: FloatArray
    tied: BoolArray
    share_positive: FloatArray
    rule: str


@dataclass(frozen=True, slots=True, eq=False)
class DawidSkene:
    """Truth and readers' error rates estimated together, without a reference standard.

    Attributes
    ----------
    probabilities : float array, shape (cases, classes)
    priors : float array, shape (classes,)
    errors : float array, shape (readers, classes, classes)
        errors[j, t, c]: the chance that reader j says c where t is true.
    iterations : int
    """

    probabilities: FloatArray
    priors: FloatArray
    errors: FloatArray
    iterations: int


def majority(calls: ArrayLike, *, tie: Tie) -> Votes:
    """The call of more than half of those who read the case."""
    votes = _calls(calls)
    return _decide(_mean_over_readers(votes), tie, f"majority of the readers, ties {_rule(tie)}")


def mean_probability(probabilities: ArrayLike) -> FloatArray:
    """Mean of the stated probabilities of those who read the case, shape (cases,)."""
    return _rounded(_mean_over_readers(_probabilities(probabilities)))


def mean_logit(probabilities: ArrayLike) -> FloatArray:
    """Mean of the logits, as a probability: gives extreme statements more say than the plain mean."""
    stated = np.clip(_probabilities(probabilities), CLIP, 1 - CLIP)
    return _rounded(expit(_mean_over_readers(logit(stated))))


def readers_plus_model(
    probabilities: ArrayLike, model: ArrayLike, *, model_weight: float = 0.5
) -> FloatArray:
    """The readers' mean logit and the model's, weighted; half and half unless fixed otherwise beforehand."""
    if not 0 <= model_weight <= 1:
        raise StudyError(
            f"The model's weight must lie from 0 to 1, but is {model_weight}; one half is usual."
        )
    stated = np.clip(_probabilities(probabilities), CLIP, 1 - CLIP)
    own = np.clip(_probabilities(np.atleast_2d(np.asarray(model, dtype=float)))[0], CLIP, 1 - CLIP)
    if own.shape[0] != stated.shape[1]:
        raise StudyError(
            f"The model must rate every case, {stated.shape[1]}, but rated {own.shape[0]}; give one each."
        )
    together = (1 - model_weight) * _mean_over_readers(logit(stated)) + model_weight * logit(own)
    return _rounded(expit(together))


def accuracy_weighted(calls: ArrayLike, truth: ArrayLike, *, tie: Tie) -> Votes:
    """Votes weighted by the log odds of each reader's accuracy on all OTHER cases.

    The case itself never counts towards the weights that decide it, or the group would be graded on
    answers it was given. Accuracies are (right + 1) / (read + 2), so that nobody is certain.
    """
    votes, positive = _calls(calls), as_truth(truth)
    if positive.shape != votes.shape[1:]:
        raise StudyError(
            f"Truth must have one value per case, {votes.shape[1]}, but has {positive.shape}; give one each."
        )
    read = ~np.isnan(votes)
    right = np.where(read, votes == positive, False)
    others_right = right.sum(axis=1, keepdims=True) - right
    others_read = read.sum(axis=1, keepdims=True) - read
    weights = logit((others_right + 1) / (others_read + 2))
    balance = np.where(read, weights * np.where(votes == 1, 1.0, -1.0), 0.0).sum(axis=0)
    total = np.where(read, np.abs(weights), 0.0).sum(axis=0)
    share = np.full(len(positive), 0.5)
    np.divide(balance + total, 2 * total, out=share, where=total > 0)
    share[~read.any(axis=0)] = np.nan
    rule = f"votes weighted by the log odds of accuracy on the other cases, ties {_rule(tie)}"
    return _decide(_rounded(share), tie, rule)


def dawid_skene(
    calls: ArrayLike, *, n_classes: int = 2, most_iterations: int = 1000, tolerance: float = 1e-8
) -> DawidSkene:
    """Dawid and Skene's (1979) expectation-maximisation, started from the shares of votes.

    Stops when the evidence lower bound per read grows by less than `tolerance`. Calls are 0 to
    n_classes - 1. It can only see what readers agree on: an error they all make is truth to it.
    """
    votes = _calls(calls, n_classes)
    said = np.stack([votes == label for label in range(n_classes)], axis=-1).astype(
        float
    )  # (readers, cases, classes)
    if not said.sum(axis=0).any(axis=-1).all():
        raise StudyError(
            "Every case needs at least one read for Dawid-Skene, but one has none; leave it out."
        )
    probabilities = said.sum(axis=0) / said.sum(axis=(0, 2))[:, None]
    priors, errors = _maximise(said, probabilities)
    bound, iterations = float("-inf"), 0
    while iterations < most_iterations:
        iterations += 1
        joint = _log_joint(said, priors, errors)
        probabilities = np.exp(joint - np.logaddexp.reduce(joint, axis=1, keepdims=True))
        priors, errors = _maximise(said, probabilities)
        grown = _evidence(said, probabilities, priors, errors) / float(said.sum())
        if grown - bound < tolerance:
            break
        bound = grown
    return DawidSkene(probabilities, priors, errors, iterations)


def _maximise(said: FloatArray, probabilities: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Priors and error rates from the present probabilities; a rate never seen is nearly zero, not quite."""
    counts = np.clip(np.einsum("jkc,kt->jtc", said, probabilities), 1e-10, None)
    return probabilities.mean(axis=0), counts / counts.sum(axis=2, keepdims=True)


def _log_joint(said: FloatArray, priors: FloatArray, errors: FloatArray) -> FloatArray:
    of_reads = np.einsum("jkc,jtc->kt", said, np.log(errors))
    return np.asarray(np.log(np.clip(priors, 1e-300, None)) + of_reads)


def _evidence(said: FloatArray, probabilities: FloatArray, priors: FloatArray, errors: FloatArray) -> float:
    entropy = -np.sum(
        np.where(probabilities > 0, probabilities * np.log(np.clip(probabilities, 1e-300, None)), 0.0)
    )
    return float((probabilities * _log_joint(said, priors, errors)).sum()) + float(entropy)


def _rounded(values: FloatArray) -> FloatArray:
    """Without the last bits, which depend on the order of adding up and would break or make ties."""
    return np.asarray(np.round(values, SAME_TO))


def _decide(share: FloatArray, tie: Tie, rule: str) -> Votes:
    if tie not in ("negative", "positive", "undecided"):
        raise StudyError(f"Ties are 'negative', 'positive' or 'undecided', not '{tie}'; choose one.")
    tied = share == 0.5
    calls = np.where(share > 0.5, 1.0, 0.0)
    calls[np.isnan(share)] = np.nan
    calls[tied] = {"negative": 0.0, "positive": 1.0, "undecided": np.nan}[tie]
    return Votes(calls, tied, share, rule)


def _rule(tie: Tie) -> str:
    return "left undecided" if tie == "undecided" else f"called {tie}"


def _calls(calls: ArrayLike, n_classes: int = 2) -> FloatArray:
    votes = _readers_by_cases(calls)
    if not np.isin(votes[~np.isnan(votes)], range(n_classes)).all():
        raise StudyError(
            f"Calls must be whole numbers from 0 to {n_classes - 1}, but one is not; give calls."
        )
    return votes


def _probabilities(probabilities: ArrayLike) -> FloatArray:
    stated = _readers_by_cases(probabilities)
    known = stated[~np.isnan(stated)]
    if not ((known >= 0) & (known <= 1)).all():
        raise StudyError(
            "Probabilities must lie from 0 to 1, but one does not; divide ratings of 0 to 100 by 100."
        )
    return stated


def _readers_by_cases(values: ArrayLike) -> FloatArray:
    array = np.asarray(values, dtype=float)
    if array.ndim != 2 or not array.size:
        raise StudyError(f"Judgements must be a table of readers by cases, but have the shape {array.shape}.")
    return array


def _mean_over_readers(values: FloatArray) -> FloatArray:
    """Mean over those who read each case; NaN where nobody did."""
    read = ~np.isnan(values)
    n = read.sum(axis=0)
    total = np.where(read, values, 0.0).sum(axis=0)
    return np.asarray(np.divide(total, n, out=np.full(values.shape[1], np.nan), where=n > 0))
