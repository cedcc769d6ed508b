"""Which cases people read, and why a case stands where it does in the queue.

How the order and the bounds are computed is `model.routing`; here is what a steward sets and what a
reader is told. A reader is told why a case is there only after the own estimate: before, it would lead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from hitl_review.errors import ReviewError


class Route(StrEnum):
    """Why a case stands where it does in the queue."""

    ARRIVAL = "arrival"
    """No model has judged it: it waits in order of arrival."""
    UNCERTAIN = "uncertain"
    """Chosen because the model was unsure of it."""
    RANDOM = "random"
    """A random check."""
    RULE = "rule"
    """A rule asks for a person."""
    AUDIT = "audit"
    """It would have passed without a person, and is read as a random check of those that do."""
    PASSED = "passed"
    """It passed without a person."""

    @property
    def words(self) -> str:
        """The reason as it may be told after the own estimate is stored; before, it would lead."""
        return _WORDS[self]


_WORDS: Final = {
    Route.ARRIVAL: "Why this case: it came next in order of arrival.",
    Route.UNCERTAIN: "Why this case: the model is among the least sure here, so your judgement teaches it most.",
    Route.RANDOM: "Why this case: a random check. It was drawn by lot, whatever the model says.",
    Route.RULE: "Why this case: a rule of this project asks for a person.",
    Route.AUDIT: "Why this case: a random check of cases that otherwise pass without a person.",
    Route.PASSED: "Why this case: it had passed without a person, and was opened by name.",
}


class RoutingKind(StrEnum):
    """How it is decided which cases people read."""

    ALL = "all"
    """People read every case."""
    TARGET_ERROR = "target_error"
    """Cases pass without a person where the model's error is shown to stay under a target."""
    CAPACITY = "capacity"
    """People read so many cases a day, the least certain and a random share first."""
    RULE = "rule"
    """Cases that meet a condition come first."""


@dataclass(frozen=True, slots=True)
class Routing:
    """What a steward set: who reads what. Defaults: everybody reads everything, a fifth of it at random."""

    kind: RoutingKind = RoutingKind.ALL
    random_share: float = 0.2
    audit_share: float = 0.05
    target_error: float | None = None
    per_day: int | None = None
    feature: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    levels: tuple[str, ...] = ()
    promise: Mapping[str, Any] = field(default_factory=dict)
    """What was promised when it was set: the model it was computed for, the threshold, the bound."""

    def __post_init__(self) -> None:
        if not 0 < self.random_share <= 1 or not 0 < self.audit_share <= 1:
            raise ReviewError(
                "The shares of random checks and of audits must lie above 0 and at most at 100 %: never none."
            )
        needed = {RoutingKind.TARGET_ERROR: self.target_error, RoutingKind.CAPACITY: self.per_day}
        if self.kind in needed and not needed[self.kind]:
            raise ReviewError("Routing by target error needs the error; by capacity, the cases a day.")
        if self.kind is RoutingKind.RULE and self.feature is None:
            raise ReviewError("Routing by rule needs a feature and its limits or levels.")

    def asks_the_same_as(self, other: Routing) -> bool:
        """Whether two routings differ in nothing but in what was promised of them."""
        return replace(self, promise={}) == replace(other, promise={})

    def as_json(self) -> dict[str, Any]:
        """Return the routing as it is kept."""
        return {**asdict(self), "kind": self.kind.value, "levels": list(self.levels)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Routing:
        """Read what `as_json` wrote."""
        return cls(
            **{**stored, "kind": RoutingKind(stored["kind"]), "levels": tuple(stored["levels"])},
        )


DEFAULT: Final = Routing()
