"""A case: one patient-level unit to be judged, and what later turned out to be true of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hitl_review.domain.audit import digest

Value = float | str | None
"""A measured number, the code of a category's level, or None where nothing was measured."""


class Purpose(StrEnum):
    """What a case is for. The three never mix: a hold-out case is never trained on nor queued."""

    TRAINING = "training"
    HOLDOUT = "holdout"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The feature values of a case at one moment, known by their digest."""

    case_id: str
    values: Mapping[str, Value]
    digest: str

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of the features that were not measured, sorted."""
        return tuple(sorted(name for name, value in self.values.items() if value is None))


@dataclass(frozen=True, slots=True)
class Case:
    """One patient-level unit to be judged, with the values it arrived with."""

    case_id: str
    purpose: Purpose
    position: int
    received_at: datetime
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class Outcome:
    """What later turned out to be true of a case: the reference standard, independent of reader and model."""

    case_id: str
    value: bool
    source: str
    recorded_at: datetime


def snapshot_of(case_id: str, values: Mapping[str, Value]) -> Snapshot:
    """Return the snapshot of a case's values; equal values of one case have equal digests."""
    return Snapshot(case_id, dict(values), digest({"case_id": case_id, "values": dict(values)}))
