"""From margins to probabilities: a calibrator is used only where cross-validation says that it helps.

Every method is one curve with three numbers,

    logit P = shift + rise * log(p) - fall * log(1 - p),    p = sigmoid(margin),

so `none` is (1, 1, 0), temperature (t, t, 0), Platt (t, t, c) and beta (a, b, c) (Kull, Silva Filho and
Flach, AISTATS 2017). `rise` and `fall` are positive, so a higher margin never gets a lower probability.
On real data Platt doubled the calibration error of a model that was already calibrated: hence the test
before use, and hence `none` wherever the evidence is thin. But trees that were fitted on what people stated
are calibrated to people, not to outcomes: there `none` is known to be wrong beforehand (`expected`). On
SUPPORT2's physicians the slope was 1.4 to 1.6 in each of eight drawings, after Platt 0.9 to 1.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hitl_review.errors import ModelError
from hitl_review.model.evaluation import clearly_gains

Floats = npt.NDArray[np.float64]

LEAST_CASES_PER_CLASS: Final = {"temperature": 30, "platt": 50, "beta": 200}
"""Fewer cases of a class than this can't tell a method's parameters from noise; simplest method first."""
_LINES: Final = ("temperature", "platt")
FOLDS: Final = 10
PRIOR_STRENGTH: Final = 1.0
"""Weight of the pull of every parameter towards `none`: about one case. It keeps separable data finite."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fitted curve from margin to probability; `method` is for people, the three numbers decide."""

    method: str
    rise: float
    fall: float
    shift: float

    def as_json(self) -> dict[str, Any]:
        """Return the calibration as it is stored with the model."""
        return {"method": self.method, "rise": self.rise, "fall": self.fall, "shift": self.shift}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Calibration:
        """Read what `as_json` wrote."""
        return cls(str(stored["method"]), *(float(stored[name]) for name in ("rise", "fall", "shift")))


NONE: Final = Calibration("none", 1.0, 1.0, 0.0)


def apply(calibration: Calibration, margins: npt.ArrayLike) -> Floats:
    """Return the probability of each margin, never lower for a higher margin.

    >>> apply(NONE, [0.0]).tolist()
    [0.5]
    """
    values = np.asarray(margins, dtype=np.float64)
    if calibration == NONE:
        return _sigmoid(values)
    return _sigmoid(_logit(calibration, values))


def choose(
    margins: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    seed: int = 0,
    expected: bool = False,
) -> Calibration:
    """Return the calibrator that helps on margins of cases the model was not fitted on, or `none`.

    Each method is fitted on nine tenths of the margins and judged on the tenth left out. It is accepted only
    if the mean gain in log loss is more than one standard error of that gain (the one-standard-error rule,
    Breiman et al. 1984); among the accepted a richer method must beat the simpler one by the same rule. Where
    the margins are `expected` to be off, temperature and Platt are used as soon as the cases suffice for them.
    """
    values, truth, weight = _checked(margins, labels, weights)
    chosen, loss = NONE, _losses(NONE, values, truth)
    for method, least in LEAST_CASES_PER_CLASS.items():
        if min(np.sum(weight * truth), np.sum(weight * (1 - truth))) < least:
            break
        candidate = _cross_validated_losses(method, values, truth, weight, seed=seed)
        if (expected and method in _LINES) or clearly_gains(loss - candidate, weight):
            chosen, loss = fit(method, values, truth, weights=weight), candidate
    return chosen


def fit(
    method: str, margins: npt.ArrayLike, labels: npt.ArrayLike, *, weights: npt.ArrayLike | None = None
) -> Calibration:
    """Fit `temperature`, `platt` or `beta` by penalised maximum likelihood; labels may be soft.

    Where the data ask for a falling curve (beta with a negative arm), the simpler method's answer is returned
    under the asked name; where even that falls, `none`.
    """
    values, truth, weight = _checked(margins, labels, weights)
    rows = _features(values)
    level = rows.sum(axis=1, keepdims=True)
    one = np.ones_like(level)
    if method == "beta":
        rise, fall, shift = _penalised_fit(np.hstack([rows, one]), truth, weight, towards=[1, 1, 0])
        if min(rise, fall) > 0:
            return Calibration(method, rise, fall, shift)
    if method in ("beta", "platt"):
        slope, shift = _penalised_fit(np.hstack([level, one]), truth, weight, towards=[1, 0])
    elif method == "temperature":
        (slope,), shift = _penalised_fit(level, truth, weight, towards=[1]), 0.0
    else:
        known = ", ".join(LEAST_CASES_PER_CLASS)
        raise ModelError(f"There is no calibration method '{method}'. Choose one of {known}.")
    return Calibration(method, slope, slope, shift) if slope > 0 else NONE


def _cross_validated_losses(
    method: str, values: Floats, truth: Floats, weight: Floats, *, seed: int
) -> Floats:
    fold = np.random.default_rng(seed).permutation(len(values)) % FOLDS
    losses = np.empty_like(values)
    for part in range(FOLDS):
        inside = fold == part
        fitted = fit(method, values[~inside], truth[~inside], weights=weight[~inside])
        losses[inside] = _losses(fitted, values[inside], truth[inside])
    return losses


def _losses(calibration: Calibration, values: Floats, truth: Floats) -> Floats:
    """Log loss from the logit, exact where a probability would round to 0 or 1."""
    logit = _logit(calibration, values)
    losses: Floats = np.logaddexp(0.0, logit) - truth * logit
    return losses


def _logit(calibration: Calibration, margins: Floats) -> Floats:
    """Element by element: a matrix product's last bits would depend on how many cases are asked at once."""
    log_chance, log_other = _features(margins).T
    logit: Floats = calibration.rise * log_chance + calibration.fall * log_other + calibration.shift
    return logit


def _features(margins: Floats) -> Floats:
    """log(p) and -log(1 - p) of p = sigmoid(margin), shape (n, 2); their sum is the margin."""
    return np.column_stack([-np.logaddexp(0.0, -margins), np.logaddexp(0.0, margins)])


def _penalised_fit(design: Floats, truth: Floats, weight: Floats, *, towards: list[float]) -> list[float]:
    """Newton's method on a strictly convex loss: one minimum, the same on every machine to rounding."""
    centre = np.asarray(towards, dtype=np.float64)
    theta = centre.copy()
    for _ in range(100):
        chance = _sigmoid(design @ theta)
        slope = design.T @ (weight * (chance - truth)) + PRIOR_STRENGTH * (theta - centre)
        curvature = design.T @ (design * (weight * chance * (1 - chance))[:, None])
        step = np.linalg.solve(curvature + PRIOR_STRENGTH * np.eye(len(theta)), slope)
        largest = float(np.max(np.abs(step)))
        theta = theta - step * min(1.0, 2.0 / largest if largest else 1.0)
        if largest < 1e-10:
            break
    return [float(value) for value in theta]


def _checked(
    margins: npt.ArrayLike, labels: npt.ArrayLike, weights: npt.ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    values, truth = np.asarray(margins, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    weight = np.ones_like(truth) if weights is None else np.asarray(weights, dtype=np.float64)
    if not values.shape == truth.shape == weight.shape or values.ndim != 1:
        raise ModelError("Calibration needs one margin, one label and one weight for each case.")
    if not (np.isfinite(values).all() and ((truth >= 0) & (truth <= 1)).all()):
        raise ModelError("Calibration needs finite margins and labels from 0 to 1.")
    return values, truth, weight


def _sigmoid(values: Floats) -> Floats:
    sigmoid: Floats = 0.5 * (1.0 + np.tanh(0.5 * values))
    return sigmoid
