"""Which classes a case can't be told from: class-conditional (Mondrian) split conformal prediction.

At an error of 10 %, at least 90 % of the cases that have the outcome keep "has it" in their set, and at least
90 % of those that don't keep "doesn't" in theirs, whatever the model and the prevalence (Vovk, Gammerman and
Shafer 2005, section 4.5), as long as new cases are drawn like the calibration cases. The usual marginal form
promises that only on average: at a prevalence of 17 % it kept 52 % of the true positives.

The calibration margins are out-of-fold ones (cross-conformal, Vovk, Ann Math Artif Intell 2015;74:9), so no
case judges a model that has seen it and none has to be set aside. That costs a little of the guarantee in
theory; the tests measure the coverage. Nothing is drawn at random, so a case always gets the same verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hitl_review.domain.prediction import Verdict
from hitl_review.errors import ModelError

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_ROUNDING: Final = 1e-9
"""0.1 * 30 is not quite 3: a rank that is short of a whole number by rounding counts as reached."""
_ANSWERS: Final = np.array(
    [Verdict.UNLIKE_TRAINING, Verdict.UNLIKELY, Verdict.LIKELY, Verdict.UNSURE, Verdict.UNAVAILABLE],
    dtype=object,
)


@dataclass(frozen=True, slots=True)
class Conformal:
    """The two margins between which the model's own cases say how sure it may be.

    `lowest_positive`: a margin below it is lower than all but the stated error of the positives' margins, so
    the outcome is left out of the set. `highest_negative` is the mirror image. None: too few cases.
    """

    error: float
    lowest_positive: float | None
    highest_negative: float | None
    positives: float
    negatives: float

    @property
    def available(self) -> bool:
        """Whether both classes have the 1/error - 1 cases that the promise needs (9 at an error of 10 %)."""
        return self.lowest_positive is not None and self.highest_negative is not None

    def as_json(self) -> dict[str, Any]:
        """Return the limits as they are stored with the model."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Conformal:
        """Read what `as_json` wrote."""
        low, high = stored["lowest_positive"], stored["highest_negative"]
        return cls(
            error=float(stored["error"]),
            lowest_positive=None if low is None else float(low),
            highest_negative=None if high is None else float(high),
            positives=float(stored["positives"]),
            negatives=float(stored["negatives"]),
        )


def conform(margins: npt.ArrayLike, labels: npt.ArrayLike, *, error: float) -> Conformal:
    """Find the limits from margins of cases the model was not fitted on.

    Parameters
    ----------
    margins : array of shape (n_cases,), out-of-fold log-odds
    labels : array of shape (n_cases,), outcomes; a soft label counts as that share of a case of each class
    error : the stated error of each class, for instance 0.10

    Notes
    -----
    Class 1 is in the set of a margin m when (#{i of class 1: m_i <= m} + 1) / (n_1 + 1) > error, the
    finite-sample rule; class 0 the same with >=. Both are thresholds on m, and these are what is kept.
    """
    if not 0 < error < 1:
        raise ModelError(
            "The error of a conformal verdict must lie between 0 and 1. Set training.conformal_error."
        )
    values, truth = np.asarray(margins, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    highest = _limit(-values, 1 - truth, error=error)
    return Conformal(
        error=error,
        lowest_positive=_limit(values, truth, error=error),
        highest_negative=None if highest is None else -highest,
        positives=float(np.sum(truth)),
        negatives=float(np.sum(1 - truth)),
    )


def verdicts(conformal: Conformal, margins: npt.ArrayLike, *, unlike: npt.ArrayLike = False) -> list[Verdict]:
    """Return each margin's verdict; a case flagged `unlike` is unlike the training data at any margin."""
    values = np.asarray(margins, dtype=np.float64)
    if conformal.lowest_positive is None or conformal.highest_negative is None:
        answer = np.where(np.broadcast_to(unlike, values.shape), 0, 4)
    else:
        in_negatives = values <= conformal.highest_negative
        in_positives = values >= conformal.lowest_positive
        answer = np.where(unlike, 0, in_negatives + 2 * in_positives)
    answers: list[Verdict] = _ANSWERS[answer].tolist()
    return answers


def verdict(conformal: Conformal, margin: float, *, unlike: bool = False) -> Verdict:
    """Return one margin's verdict.

    >>> limits = Conformal(0.1, lowest_positive=-1.0, highest_negative=1.0, positives=50, negatives=50)
    >>> verdict(limits, 2.0).value, verdict(limits, 0.0).value
    ('likely', 'unsure')
    """
    return verdicts(conformal, [margin], unlike=[unlike])[0]


def _limit(values: Floats, counts: Floats, *, error: float) -> float | None:
    """The lowest value still in the class's set: more than error * (n + 1) - 1 of it lie at or below."""
    needed = error * (float(np.sum(counts)) + 1) - 1
    if needed < -_ROUNDING:
        return None
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(counts[order]) > needed + _ROUNDING
    return float(values[order][int(np.argmax(reached))])
