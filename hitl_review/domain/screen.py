"""What stands on a review screen: first the facts, then, once the own estimate is stored, the model's view.

A page draws these values and nothing else of the case, so the digest of a Screen covers everything
that was shown: inputs, missing inputs, reference ranges, prediction, contributions, base value.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum

from hitl_review.domain.audit import canonical_json
from hitl_review.domain.case import Value
from hitl_review.domain.prediction import Verdict


class Mark(StrEnum):
    """What is to be noticed about one value."""

    NONE = "none"
    LOW = "low"
    HIGH = "high"
    MISSING = "missing"

    @property
    def sign(self) -> str:
        """The letter that laboratories print: L or H."""
        return {"low": "L", "high": "H"}.get(self.value, "")


@dataclass(frozen=True, slots=True)
class Fact:
    """One measured value as a person reads it."""

    feature: str
    label: str
    value: Value
    text: str
    unit: str
    reference: str
    mark: Mark
    description: str = ""


@dataclass(frozen=True, slots=True)
class FactGroup:
    """Facts that belong together clinically."""

    label: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything about a case that a reader may see before the model's view."""

    case_id: str
    question: str
    index_time: str
    horizon: str
    intended_use: str
    groups: tuple[FactGroup, ...]
    excluded: str = ""
    """Why the model may not be asked about this case; empty where it may."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The labels of what was not measured."""
        return tuple(fact.label for group in self.groups for fact in group.facts if fact.mark is Mark.MISSING)


class Gravity(StrEnum):
    """How much a notice about the prediction's reliability should weigh."""

    FINE = "fine"
    NOTE = "note"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Notice:
    """One line of the reliability strip."""

    gravity: Gravity
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """One feature's contribution as a person reads it."""

    feature: str
    label: str
    text: str
    amount: float
    sentence: str


@dataclass(frozen=True, slots=True)
class ModelView:
    """What the model says of the case, why, and how far it can be relied on."""

    prediction_id: str
    model: str
    model_name: str
    project: str
    margin: float
    probability: float
    probability_words: str
    base_rate: float
    base_rate_words: str
    threshold: float
    label: str
    label_words: str
    other_words: str
    verdict: Verdict
    verdict_words: str
    verdict_meaning: str
    base_value: float
    reasons: tuple[ReasonLine, ...]
    """All contributions, the largest first."""
    reliability: tuple[Notice, ...]


@dataclass(frozen=True, slots=True)
class Screen:
    """A review screen after the reveal, whole."""

    facts: Facts
    view: ModelView

    @property
    def body(self) -> str:
        """The screen as canonical JSON: what is stored, and what the shown digest is taken over."""
        return canonical_json(
            {"facts": asdict(self.facts), "missing": self.facts.missing, "view": asdict(self.view)}
        )
