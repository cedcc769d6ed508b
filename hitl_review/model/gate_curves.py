"""One model on the gate cases: its figures and the points of its ROC, calibration and decision curves."""

from __future__ import annotations

from math import isfinite
from typing import Final

import numpy as np
import numpy.typing as npt

from hitl_review.domain.gate import CalibrationPoint, Pair, Side
from hitl_review.model import evaluation

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MOST_POINTS: Final = 200
"""Points of a ROC curve that are kept: more can't be told apart on a screen."""
THRESHOLDS: Final = tuple(float(number) / 100 for number in range(1, 100, 2))
BINS: Final = 10


def side_of(truth: Flags, chance: Floats, *, threshold: float) -> Side:
    """Return figures and curves of one model's probabilities, both of shape (n_cases,)."""
    area = evaluation.area_under_curve(truth, chance)
    line = evaluation.calibration_line(truth, chance)
    point = evaluation.operating_point(truth, chance, threshold=threshold)
    return Side(
        auc=area.value,
        auc_interval=(area.low, area.high) if isfinite(area.low) else None,
        log_loss=evaluation.log_loss(truth, chance),
        brier=evaluation.brier_loss(truth, chance),
        calibration_slope=line.slope if isfinite(line.slope) else None,
        calibration_intercept=line.intercept if isfinite(line.intercept) else None,
        sensitivity=point.sensitivity.value,
        specificity=point.specificity.value,
        roc=roc_points(truth, chance),
        calibration=calibration_points(truth, chance),
        net_benefit=net_benefit_curve(truth, chance),
    )


def roc_points(truth: Flags, chance: Floats) -> tuple[Pair, ...]:
    """Return (false, true) positive rates from (0, 0) to (1, 1), thinned to what a screen can show."""
    cuts = np.unique(chance)[::-1]
    true = 1 - np.searchsorted(np.sort(chance[truth]), cuts, side="left") / truth.sum()
    false = 1 - np.searchsorted(np.sort(chance[~truth]), cuts, side="left") / (~truth).sum()
    kept = np.unique(np.linspace(0, len(cuts) - 1, min(len(cuts), MOST_POINTS)).astype(int))
    return ((0.0, 0.0), *zip(false[kept].tolist(), true[kept].tolist(), strict=True))


def calibration_points(truth: Flags, chance: Floats, *, bins: int = BINS) -> tuple[CalibrationPoint, ...]:
    """Return stated and observed frequency over bins of equal numbers of cases, with Wilson's intervals."""
    order = np.argsort(chance, kind="stable")
    return tuple(
        _calibration_point(truth[part], chance[part]) for part in np.array_split(order, bins) if len(part)
    )


def net_benefit_curve(truth: Flags, chance: Floats) -> tuple[Pair, ...]:
    """Return (threshold, net benefit) at 1, 3, ... 99 %.

    Notes
    -----
    TP / n - FP / n * t / (1 - t) for acting from probability t on (Vickers and Elkin, Med Decis Making
    2006;26:565).
    """
    points = []
    for threshold in THRESHOLDS:
        acted = chance >= threshold
        price = threshold / (1 - threshold)
        points.append((threshold, float(np.mean(acted & truth) - np.mean(acted & ~truth) * price)))
    return tuple(points)


def _calibration_point(truth: Flags, chance: Floats) -> CalibrationPoint:
    share = evaluation.wilson_interval(int(truth.sum()), len(truth))
    return CalibrationPoint(float(np.mean(chance)), share.value, (share.low, share.high), len(truth))
