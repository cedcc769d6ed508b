"""How good the model is in use, from the cases that were drawn at random and read blind; and how readers use it.

Cases that the model chose, or that readers saw its answer to, flatter it. The random part does not: its
outcomes are those of all cases. Outcomes come late, so each figure says on what share it rests.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Final

import numpy as np
import numpy.typing as npt

from hitl_review.errors import ModelError
from hitl_review.model import evaluation

Flags = npt.NDArray[np.bool_]

LEAST_PER_CLASS: Final = 10
"""Fewer cases of a class give an AUC or a slope whose interval covers almost everything."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval, and how many cases it rests on; or none, and the reason."""

    value: float | None
    interval: tuple[float, float] | None
    cases: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BlindSlice:
    """The model on the random, blind part: `matured` of `cases` have their outcome.

    `alarm` is raised where a figure is surely bad: the interval of the slope, or of how often the outcome came,
    excludes what the probabilities said, or the AUC's lies below the one the model was promoted with.
    """

    cases: int
    matured: int
    auc: Estimate
    calibration_slope: Estimate
    observed: Estimate
    expected: float | None
    """The mean probability of the matured cases, beside `observed`."""
    alarm: bool
    words: str

    @property
    def matured_share(self) -> float | None:
        """Share of cases whose outcome is known, None without cases."""
        return self.matured / self.cases if self.cases else None


@dataclass(frozen=True, slots=True)
class Use:
    """How readers use the model where the outcome is known, each with its interval.

    `automation_bias`: of reads whose own call was right while the model was wrong, how many ended wrong.
    `beneficial_overrides`: of overrides, how many were right.
    """

    automation_bias: Estimate
    beneficial_overrides: Estimate


def blind_slice(
    probabilities: npt.ArrayLike, outcomes: npt.ArrayLike, *, promoted_auc: float | None = None
) -> BlindSlice:
    """Measure the model on the random part.

    Parameters
    ----------
    probabilities : array of shape (n_cases,), what the model in use said before anybody read the case
    outcomes : array of shape (n_cases,), 0, 1, or NaN where not yet known
    promoted_auc : what it had on the hold-out when it was promoted
    """
    chance, truth = (np.asarray(each, dtype=np.float64) for each in (probabilities, outcomes))
    if chance.shape != truth.shape or chance.ndim != 1:
        raise ModelError("The random part needs one outcome, or NaN, for each probability.")
    known = ~np.isnan(truth)
    said, happened = chance[known], truth[known]
    auc, slope = _auc(happened, said), _slope(happened, said)
    observed = _observed(happened)
    expected = float(np.mean(said)) if len(said) else None
    faults = _faults(auc, slope, observed, expected, promoted_auc)
    matured = f"{int(known.sum())} of {len(truth)} random cases have their outcome"
    words = f"{matured}. {' '.join(faults)}" if faults else f"{matured}. {_fine(auc)}"
    return BlindSlice(len(truth), int(known.sum()), auc, slope, observed, expected, bool(faults), words)


def use_of_model(
    own: npt.ArrayLike, advice: npt.ArrayLike, final: npt.ArrayLike, truth: npt.ArrayLike
) -> Use:
    """Measure how readers use the model; all of shape (n_reads,), 0 or 1: own call, model's, final, outcome."""
    first, model, last, right = (np.asarray(each) == 1 for each in (own, advice, final, truth))
    tempted = (first == right) & (model != right)
    overridden = last != model
    return Use(
        _share(last != right, tempted, "no read was right on its own while the model was wrong"),
        _share(last == right, overridden, "nothing was overridden where the outcome is known"),
    )


def _share(event: Flags, among: Flags, reason: str) -> Estimate:
    found = evaluation.wilson_interval(int((event & among).sum()), int(among.sum()))
    if not found.cases:
        return Estimate(None, None, 0, f"not defined because {reason}")
    return Estimate(found.value, (found.low, found.high), found.cases)


def _auc(truth: npt.NDArray[np.float64], chance: npt.NDArray[np.float64]) -> Estimate:
    if (reason := _too_few(truth)) is not None:
        return Estimate(None, None, len(truth), reason)
    area = evaluation.area_under_curve(truth, chance)
    interval = (area.low, area.high) if isfinite(area.low) else None
    return Estimate(area.value, interval, len(truth))


def _slope(truth: npt.NDArray[np.float64], chance: npt.NDArray[np.float64]) -> Estimate:
    if (reason := _too_few(truth)) is not None:
        return Estimate(None, None, len(truth), reason)
    found = evaluation.calibration_slope_interval(truth, chance)
    if not isfinite(found.value):
        reason = "not defined because the probabilities part the two outcomes without a fault"
        return Estimate(None, None, len(truth), reason)
    return Estimate(found.value, (found.low, found.high), len(truth))


def _too_few(truth: npt.NDArray[np.float64]) -> str | None:
    rarer = int(min(np.sum(truth == 1), np.sum(truth == 0)))
    if rarer >= LEAST_PER_CLASS:
        return None
    return (
        f"not defined because only {rarer} cases of the rarer outcome are known, of {LEAST_PER_CLASS} needed"
    )


def _observed(truth: npt.NDArray[np.float64]) -> Estimate:
    if not len(truth):
        return Estimate(None, None, 0, "not defined because no outcome is known yet")
    found = evaluation.wilson_interval(int(truth.sum()), len(truth))
    return Estimate(found.value, (found.low, found.high), found.cases)


def _faults(
    auc: Estimate, slope: Estimate, observed: Estimate, expected: float | None, promoted: float | None
) -> list[str]:
    found = []
    if slope.interval is not None and not slope.interval[0] <= 1 <= slope.interval[1]:
        how = "too far from the middle" if slope.interval[1] < 1 else "too near the middle"
        found.append(f"Probabilities lie {how}: calibration slope {slope.value:.2f}, and 1 is right.")
    if observed.interval is not None and expected is not None and auc.value is not None:
        low, high = observed.interval
        if not low <= expected <= high:
            found.append(f"The outcome came in {observed.value:.0%}; the model said {expected:.0%}.")
    if auc.interval is not None and promoted is not None and auc.interval[1] < promoted:
        found.append(f"AUC {auc.value:.2f}, below the {promoted:.2f} it was promoted with.")
    return found


def _fine(auc: Estimate) -> str:
    if auc.value is None:
        return f"The AUC is {auc.reason}."
    return f"AUC {auc.value:.2f}; nothing in the probabilities is surely wrong."
