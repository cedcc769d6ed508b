"""How good are predictions? Measures on arrays, each with its uncertainty where one is known.

The naming law: `*_score` and `area` are better when higher, `*_loss` and `*_error` when lower. Labels are
0 or 1, probabilities lie in [0, 1], all arrays have shape (n_cases,). Only numpy: scipy.stats alone would
double the time to the first page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt

from hitl_review.errors import ModelError

Floats = npt.NDArray[np.float64]
LEAST_PROBABILITY: Final = 1e-15
"""Probabilities are kept this far from 0 and 1 in the log loss, so that one certain error is not infinite."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its confidence limits; NaN where there was nothing to estimate from."""

    value: float
    low: float
    high: float
    cases: int


@dataclass(frozen=True, slots=True)
class Area:
    """The area under the ROC curve with DeLong's standard error and the interval from it."""

    value: float
    standard_error: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CalibrationLine:
    """Slope 1 and intercept 0 is perfect; a slope under 1 means probabilities too near 0 and 1."""

    slope: float
    intercept: float


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What happens at one threshold: four proportions, each with a Wilson interval."""

    threshold: float
    sensitivity: Interval
    specificity: Interval
    positive_predictive_value: Interval
    negative_predictive_value: Interval


@dataclass(frozen=True, slots=True)
class Subgroup:
    """How reliable the model is among cases like this one."""

    name: str
    cases: int
    positives: int
    sensitivity: Interval
    positive_predictive_value: Interval


def roc_auc_score(labels: npt.ArrayLike, scores: npt.ArrayLike) -> float:
    """Return the probability that a positive case scores above a negative one, ties counting half.

    Parameters
    ----------
    labels : array of shape (n_cases,), 0 or 1, both present
    scores : array of shape (n_cases,), any scale

    Notes
    -----
    AUC = (R - n1 (n1 + 1) / 2) / (n1 n0), with R the sum of the positives' midranks (Mann and Whitney 1947;
    Hanley and McNeil, Radiology 1982;143:29).

    >>> roc_auc_score([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.8])
    0.875
    """
    return float(np.mean(placements(labels, scores)[0]))


def placements(labels: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return DeLong's structural components: the share of the other class each case is ordered right with.

    Parameters
    ----------
    labels : array of shape (n_cases,), 0 or 1, both present
    scores : array of shape (n_cases,)

    Returns
    -------
    of_positives : array of shape (n_positives,), in the order of the cases
    of_negatives : array of shape (n_negatives,)

    Notes
    -----
    V10_i = (midrank among all - midrank among positives) / n0, and the mirror image for negatives
    (DeLong, DeLong and Clarke-Pearson, Biometrics 1988;44:837; Sun and Xu, IEEE SPL 2014;21:1389).
    Both have the AUC as their mean.
    """
    truth, values = _classes(labels), np.asarray(scores, dtype=np.float64)
    _same_length(truth, values)
    positive, negative = values[truth], values[~truth]
    ranks = _midranks(values)
    of_positives = (ranks[truth] - _midranks(positive)) / len(negative)
    of_negatives = 1.0 - (ranks[~truth] - _midranks(negative)) / len(positive)
    return of_positives, of_negatives


def area_under_curve(labels: npt.ArrayLike, scores: npt.ArrayLike, *, confidence: float = 0.95) -> Area:
    """Return the AUC with DeLong's standard error.

    Notes
    -----
    Var = S10 / n1 + S01 / n0, the sample variances of the placements. The interval is taken on the logit
    scale, so that it stays inside (0, 1) (Pepe 2003, section 5.2). Where the variance is zero (perfect
    separation) or a class has one case only, the limits are NaN: the method can't tell.
    """
    of_positives, of_negatives = placements(labels, scores)
    area = float(np.mean(of_positives))
    if min(len(of_positives), len(of_negatives)) < 2:
        return Area(area, float("nan"), float("nan"), float("nan"))
    error = sqrt(
        np.var(of_positives, ddof=1) / len(of_positives) + np.var(of_negatives, ddof=1) / len(of_negatives)
    )
    if error == 0 or not 0 < area < 1:
        return Area(area, error, float("nan"), float("nan"))
    centre, reach = np.log(area / (1 - area)), _normal_quantile(confidence) * error / (area * (1 - area))
    return Area(area, error, float(_sigmoid(centre - reach)), float(_sigmoid(centre + reach)))


def log_loss(
    labels: npt.ArrayLike, probabilities: npt.ArrayLike, *, weights: npt.ArrayLike | None = None
) -> float:
    """Return the mean of -[y log p + (1 - y) log(1 - p)]; labels may be soft, in [0, 1].

    >>> round(log_loss([1, 0], [0.5, 0.5]), 6)
    0.693147
    """
    return float(
        np.average(
            log_losses(labels, probabilities), weights=None if weights is None else np.asarray(weights)
        )
    )


def log_losses(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> Floats:
    """Return each case's log loss, shape (n_cases,): what a paired comparison of two models needs."""
    truth, chance = np.asarray(labels, dtype=np.float64), _clipped(probabilities)
    _same_length(truth, chance)
    losses: Floats = -(truth * np.log(chance) + (1 - truth) * np.log1p(-chance))
    return losses


def clearly_gains(gain: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> bool:
    """Tell whether a mean gain, paired over cases, is more than one standard error above zero.

    The one-standard-error rule (Breiman et al., Classification and Regression Trees, 1984): of two models the simpler
    is kept unless the other clearly gains. `weights` is how much each case counts, 1 if not given.
    """
    each = np.asarray(gain, dtype=np.float64)
    weight = np.ones_like(each) if weights is None else np.asarray(weights, dtype=np.float64)
    _same_length(each, weight)
    mean = float(np.average(each, weights=weight))
    return mean > sqrt(float(np.sum((weight * (each - mean)) ** 2))) / float(np.sum(weight))


def brier_loss(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> float:
    """Return the mean of (p - y)^2 (Brier, Monthly Weather Review 1950;78:1).

    >>> brier_loss([1, 0], [0.5, 0.0])
    0.125
    """
    truth, chance = np.asarray(labels, dtype=np.float64), np.asarray(probabilities, dtype=np.float64)
    _same_length(truth, chance)
    return float(np.mean((chance - truth) ** 2))


def calibration_line(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> CalibrationLine:
    """Return the calibration slope, and the intercept at slope 1 (calibration in the large).

    Notes
    -----
    Slope b from logit P(y=1) = a + b logit(p); intercept from logit P(y=1) = a + logit(p), an offset model
    (Cox, Biometrika 1958;45:562; Van Calster et al., J Clin Epidemiol 2016;74:167). Newton's method; NaN
    where a class is missing or the classes are perfectly separated, when no maximum exists.
    """
    truth = np.asarray(labels, dtype=np.float64)
    chance = _clipped(probabilities)
    _same_length(truth, chance)
    logit = np.log(chance) - np.log1p(-chance)
    ones = np.ones_like(logit)
    both = _logistic_fit(np.column_stack([ones, logit]), truth, np.zeros_like(logit))
    shift = _logistic_fit(ones[:, None], truth, logit)
    return CalibrationLine(slope=float(both[1]), intercept=float(shift[0]))


def calibration_slope_interval(
    labels: npt.ArrayLike, probabilities: npt.ArrayLike, *, confidence: float = 0.95
) -> Interval:
    """Return the calibration slope with Wald's interval; all NaN where `calibration_line` has no slope.

    Notes
    -----
    The standard error is from the inverse of the information matrix at the maximum (Cox 1958).
    """
    truth, chance = np.asarray(labels, dtype=np.float64), _clipped(probabilities)
    _same_length(truth, chance)
    logit = np.log(chance) - np.log1p(-chance)
    design = np.column_stack([np.ones_like(logit), logit])
    fitted = _logistic_fit(design, truth, np.zeros_like(logit))
    if np.isnan(fitted).any():
        return Interval(float("nan"), float("nan"), float("nan"), len(truth))
    at = _sigmoid(design @ fitted)
    error = sqrt(float(np.linalg.inv(design.T @ (design * (at * (1 - at))[:, None]))[1, 1]))
    slope, reach = float(fitted[1]), _normal_quantile(confidence) * error
    return Interval(slope, slope - reach, slope + reach, len(truth))


def expected_calibration_error(
    labels: npt.ArrayLike, probabilities: npt.ArrayLike, *, bins: int = 10
) -> float:
    """Return the mean distance of stated and observed frequency over bins of equal numbers of cases.

    Notes
    -----
    ECE = sum_b (n_b / n) |mean y_b - mean p_b|. Bins hold equal numbers (Nguyen and O'Connor, EMNLP 2015), as
    bins of equal width leave the rare high risks in bins of a few cases. Biased upwards in small samples.
    """
    truth, chance = np.asarray(labels, dtype=np.float64), np.asarray(probabilities, dtype=np.float64)
    _same_length(truth, chance)
    order = np.argsort(chance, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    gaps = [len(part) * abs(float(np.mean(truth[part]) - np.mean(chance[part]))) for part in parts]
    return float(sum(gaps) / len(truth))


def wilson_interval(successes: int, cases: int, *, confidence: float = 0.95) -> Interval:
    """Return a proportion with Wilson's interval, which stays in [0, 1] and holds for few cases.

    Notes
    -----
    Centre (p + z^2/2n) / (1 + z^2/n), half-width z sqrt(p(1-p)/n + z^2/4n^2) / (1 + z^2/n) (Wilson, JASA
    1927;22:209). With no cases all three numbers are NaN.

    >>> limits = wilson_interval(8, 10)
    >>> round(limits.low, 3), round(limits.high, 3)
    (0.49, 0.943)
    """
    if cases == 0:
        return Interval(float("nan"), float("nan"), float("nan"), 0)
    share, z = successes / cases, _normal_quantile(confidence)
    scale = 1 + z * z / cases
    centre = (share + z * z / (2 * cases)) / scale
    reach = z * sqrt(share * (1 - share) / cases + z * z / (4 * cases * cases)) / scale
    return Interval(share, max(0.0, centre - reach), min(1.0, centre + reach), cases)


def operating_point(
    labels: npt.ArrayLike, probabilities: npt.ArrayLike, *, threshold: float
) -> OperatingPoint:
    """Return sensitivity, specificity and predictive values, calling probability >= threshold positive."""
    truth, called = np.asarray(labels) == 1, np.asarray(probabilities, dtype=np.float64) >= threshold
    _same_length(truth, called)
    return OperatingPoint(
        threshold=threshold,
        sensitivity=_share(called, among=truth),
        specificity=_share(~called, among=~truth),
        positive_predictive_value=_share(truth, among=called),
        negative_predictive_value=_share(~truth, among=~called),
    )


def subgroup_reliability(
    labels: npt.ArrayLike, probabilities: npt.ArrayLike, groups: Sequence[str | None], *, threshold: float
) -> Mapping[str, Subgroup]:
    """Return, for each named group, how many cases it has and how the model does in it at the threshold.

    Cases of no group (None) are left out. Whether a group is too small to show is the page's rule, not ours.
    """
    truth, chance = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    _same_length(truth, chance, np.asarray(groups, dtype=object))
    names = sorted({group for group in groups if group is not None})
    members = {name: np.array([group == name for group in groups]) for name in names}
    return {
        name: _subgroup(name, truth[inside], chance[inside], threshold) for name, inside in members.items()
    }


def _subgroup(name: str, truth: npt.NDArray[np.generic], chance: Floats, threshold: float) -> Subgroup:
    point = operating_point(truth, chance, threshold=threshold)
    positives = int(np.count_nonzero(truth == 1))
    return Subgroup(name, len(truth), positives, point.sensitivity, point.positive_predictive_value)


def _share(event: npt.NDArray[np.bool_], *, among: npt.NDArray[np.bool_]) -> Interval:
    return wilson_interval(int(np.count_nonzero(event & among)), int(np.count_nonzero(among)))


def _classes(labels: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    values = np.asarray(labels)
    if not np.isin(values, (0, 1)).all():
        raise ModelError(
            "The area under the curve was asked for labels other than 0 and 1. Leave soft labels out."
        )
    truth: npt.NDArray[np.bool_] = values == 1
    if truth.all() or not truth.any():
        raise ModelError(
            "The area under the curve needs cases of both classes; only one was found. Add cases."
        )
    return truth


def _same_length(*arrays: npt.NDArray[np.generic]) -> None:
    if len({array.shape for array in arrays}) != 1 or arrays[0].ndim != 1:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise ModelError(f"Labels and predictions must be lists of equal length; their shapes are {shapes}.")


def _midranks(values: Floats) -> Floats:
    """Ranks from 1, ties sharing the mean of their ranks."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Floats = (last - (counts - 1) / 2)[place]
    return ranks


def _normal_quantile(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def _clipped(probabilities: npt.ArrayLike) -> Floats:
    clipped: Floats = np.clip(
        np.asarray(probabilities, dtype=np.float64), LEAST_PROBABILITY, 1 - LEAST_PROBABILITY
    )
    return clipped


def _sigmoid(margins: npt.ArrayLike) -> Floats:
    sigmoid: Floats = 0.5 * (1.0 + np.tanh(0.5 * np.asarray(margins, dtype=np.float64)))
    return sigmoid


def _logistic_fit(design: Floats, truth: Floats, offset: Floats) -> Floats:
    """Maximum likelihood by Newton's method; NaN if it does not settle (separation, or one class only)."""
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        chance = _sigmoid(design @ weights + offset)
        curvature = design.T @ (design * (chance * (1 - chance))[:, None])
        if np.linalg.cond(curvature) > 1e12:
            break
        step = np.linalg.solve(curvature, design.T @ (truth - chance))
        weights = weights + step
        if np.max(np.abs(step)) < 1e-9:
            return weights
    return np.full(design.shape[1], np.nan)
