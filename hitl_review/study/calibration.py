"""Do stated probabilities mean what they say, and do readers know when they are right?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from hitl_review.errors import StudyError
from hitl_review.study.accuracy import empirical_auc, wilson_interval
from hitl_review.study.reads import FloatArray, as_truth

CLIP = 1e-6  # a stated 0 or 1 has no logit; it is read as one in a million


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Cases whose stated probability falls in one range: what was said, and what happened."""

    low: float
    high: float
    n: int
    mean_stated: float
    observed: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Recalibration:
    """Logistic fit of what happened on the logit of what was said.

    Attributes
    ----------
    slope : float or None
        1 is right, below 1 too extreme, above 1 too timid.
    intercept : float or None
        With the slope.
    in_the_large : float or None
        The intercept with slope fixed at 1: 0 is right, below 0 stated too high on the whole.
    reason : str
        Why there is none, where there is none.
    """

    slope: float | None
    intercept: float | None
    in_the_large: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Confidence:
    """What readers' confidence is worth.

    Attributes
    ----------
    overconfidence : float
        Mean confidence minus share right: above zero, surer than right.
    discrimination : float or None
        Chance that a right answer was given with more confidence than a wrong one (AUROC2).
    reason : str
        Why there is no discrimination (all right, or all wrong).
    """

    mean_confidence: float
    share_right: float
    overconfidence: float
    discrimination: float | None
    reason: str = ""


def reliability_bins(truth: ArrayLike, probabilities: ArrayLike, *, n_bins: int = 10) -> list[ReliabilityBin]:
    """Equal-width bins over 0 to 1, empty ones left out; an upper edge belongs to the next bin."""
    positive, stated = as_truth(truth), _stated(truth, probabilities)
    if n_bins < 1:
        raise StudyError(
            f"A reliability curve needs at least one bin, but {n_bins} were asked for; 10 is usual."
        )
    place = np.minimum((stated * n_bins).astype(int), n_bins - 1)
    found = []
    for number in range(n_bins):
        inside = place == number
        n, happened = int(inside.sum()), int(positive[inside].sum())
        if n:
            interval = wilson_interval(happened, n)
            low, high = number / n_bins, (number + 1) / n_bins
            found.append(ReliabilityBin(low, high, n, float(stated[inside].mean()), happened / n, interval))
    return found


def expected_calibration_error(truth: ArrayLike, probabilities: ArrayLike, *, n_bins: int = 10) -> float:
    """Mean distance of stated and observed over bins, weighted by cases; it depends on the number of bins."""
    bins = reliability_bins(truth, probabilities, n_bins=n_bins)
    total = sum(each.n for each in bins)
    return sum(each.n * abs(each.mean_stated - each.observed) for each in bins) / total


def recalibration(truth: ArrayLike, probabilities: ArrayLike) -> Recalibration:
    """Calibration slope and intercept (Cox 1958) by maximum likelihood; none if the classes separate."""
    positive, stated = as_truth(truth), _stated(truth, probabilities)
    if positive.all() or not positive.any():
        return Recalibration(None, None, None, "all cases have one truth")
    said = logit(np.clip(stated, CLIP, 1 - CLIP))
    large = _logistic(np.ones((len(said), 1)), positive.astype(float), said)
    if np.ptp(said) == 0:
        return Recalibration(
            None, None, float(large[0]) if large is not None else None, "all stated the same"
        )
    both = _logistic(np.column_stack([np.ones_like(said), said]), positive.astype(float), np.zeros_like(said))
    if both is None or large is None:
        return Recalibration(None, None, None, "the stated probabilities separate the classes completely")
    return Recalibration(float(both[1]), float(both[0]), float(large[0]))


def confidence_calibration(right: ArrayLike, confidence: ArrayLike) -> Confidence:
    """Compare readers' confidence (0 to 1) with whether they were right (0 or 1), over reads."""
    was_right, stated = as_truth(right), _stated(right, confidence)
    mean, share = float(stated.mean()), float(was_right.mean())
    if was_right.all() or not was_right.any():
        reason = "every answer was right" if was_right.all() else "every answer was wrong"
        return Confidence(mean, share, mean - share, None, reason)
    return Confidence(mean, share, mean - share, empirical_auc(was_right, stated))


def _stated(truth: ArrayLike, probabilities: ArrayLike) -> FloatArray:
    stated = np.asarray(probabilities, dtype=float)
    if stated.shape != np.shape(truth) or stated.ndim != 1 or not len(stated):
        raise StudyError(
            f"Calibration needs one probability per case, but got {stated.shape} for {np.shape(truth)}; give "
            "one each."
        )
    if not ((stated >= 0) & (stated <= 1)).all():
        raise StudyError(
            "Probabilities must lie from 0 to 1, but one does not; divide ratings of 0 to 100 by 100."
        )
    return stated


def _logistic(columns: FloatArray, happened: FloatArray, offset: FloatArray) -> FloatArray | None:
    """Newton's method for a logistic regression with an offset; None if it runs away, as on separation."""
    weights = np.zeros(columns.shape[1])
    for _ in range(100):
        fitted = expit(columns @ weights + offset)
        curvature = columns.T @ (columns * (fitted * (1 - fitted))[:, None])
        if not np.isfinite(curvature).all() or np.linalg.cond(curvature) > 1e12:
            return None
        step = np.linalg.solve(curvature, columns.T @ (happened - fitted))
        weights = weights + step
        if np.abs(step).max() < 1e-10:
            return weights
    return None
