"""What one model version said of one case, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hitl_review.domain.audit import digest


class Verdict(StrEnum):
    """The conformal verdict: which classes the case can't be told from, at the model's stated error."""

    LIKELY = "likely"
    UNLIKELY = "unlikely"
    UNSURE = "unsure"
    UNLIKE_TRAINING = "unlike_training"
    UNAVAILABLE = "unavailable"
    """Too few calibration cases of a class to promise the stated error."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """How far one feature moved the margin (log-odds); positive raised it. A SHAP value."""

    feature: str
    amount: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Contributions that add up, with the base value, to the margin of one prediction."""

    base_value: float
    contributions: tuple[Contribution, ...]

    @property
    def total(self) -> float:
        """Base value plus the sum of all contributions, in log-odds."""
        return self.base_value + sum(contribution.amount for contribution in self.contributions)


@dataclass(frozen=True, slots=True)
class Prediction:
    """One model version's answer to one snapshot of a case."""

    prediction_id: str
    case_id: str
    model: str
    snapshot: str
    margin: float
    probability: float
    threshold: float
    label: str
    verdict: Verdict
    made_at: datetime


def prediction_id(*, model: str, snapshot: str) -> str:
    """Return the id of what a model says of a snapshot: the same pair always has the same id."""
    return "P-" + digest({"model": model, "snapshot": snapshot}).removeprefix("sha256:")[:24]
