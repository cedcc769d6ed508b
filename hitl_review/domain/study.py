"""A reader study: what was planned, who reads what in which order, and what was read.

A study goes one way: draft, frozen, running, locked, unsealed, reported. What is frozen is known by
the digest of its canonical JSON; afterwards only an amendment with a reason changes it, and only
until the study is locked. Truth is joined to reads after unsealing, never before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from hitl_review.domain.canonical import text_digest
from hitl_review.domain.decision import Confidence, Modality
from hitl_review.domain.protocol import Protocol, Seals
from hitl_review.errors import StudyError

_STUDY_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class State(StrEnum):
    """How far a study is. Each state has one that may follow."""

    DRAFT = "draft"
    FROZEN = "frozen"
    RUNNING = "running"
    LOCKED = "locked"
    UNSEALED = "unsealed"
    REPORTED = "reported"

    @property
    def place(self) -> int:
        """The state's place in the life of a study, from 0."""
        return list(State).index(self)


class Use(StrEnum):
    """What a scheduled read is for. Only `STUDY` enters the primary analysis."""

    STUDY = "study"
    TRAINING = "training"
    ATTENTION = "attention"
    """No patient: the page says what to answer, and whoever reads it does."""
    REPEAT = "repeat"
    """A case that this reader read before in this study, for agreement of a reader with himself."""


class Showing(StrEnum):
    """How a scheduled case is read: alone, alone and then with the model, or with the model from the start."""

    ALONE = "alone"
    THEN_MODEL = "then_model"
    WITH_MODEL = "with_model"

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The reads that this showing asks for, in their order."""
        return {
            Showing.ALONE: (Modality.UNAIDED,),
            Showing.THEN_MODEL: (Modality.UNAIDED, Modality.AIDED),
            Showing.WITH_MODEL: (Modality.AIDED,),
        }[self]


@dataclass(frozen=True, slots=True)
class Step:
    """One act in the life of a study, as the log tells of it."""

    event_id: str
    kind: str
    """drafted, frozen, started, locked, unsealed, reported, or amended."""
    at: datetime
    by: str
    reason: str
    document: str | None
    """The protocol from then on as canonical JSON; None where the act left it as it was."""

    @property
    def digest(self) -> str | None:
        """The digest of the protocol that this act laid down."""
        return None if self.document is None else text_digest(self.document)


@dataclass(frozen=True, slots=True)
class Amendment:
    """A change of a frozen protocol: what, why, by whom, when."""

    at: datetime
    by: str
    reason: str
    changes: Mapping[str, tuple[Any, Any]]
    """Per changed entry, what it was and what it is."""
    digest: str
    """Digest of the protocol from then on."""


@dataclass(frozen=True, slots=True)
class Study:
    """A study as it stands now. `seals` are there from the freeze on."""

    study_id: str
    state: State
    protocol: Protocol
    seals: Seals | None
    digest: str
    """Digest of the protocol in force."""
    frozen_digest: str | None
    """Digest of the protocol as it was frozen, before any amendment."""
    lead: str
    steps: tuple[Step, ...]
    amendments: tuple[Amendment, ...]

    @property
    def simulated(self) -> bool:
        """Whether the readers are simulated, which every page and export has to say."""
        return self.protocol.simulated

    def at_least(self, state: State) -> bool:
        """Tell whether the study has reached a state."""
        return self.state.place >= state.place

    def when(self, kind: str) -> datetime | None:
        """Return when the study was last frozen, started, locked and so on; None if it never was."""
        return next((step.at for step in reversed(self.steps) if step.kind == kind), None)


@dataclass(frozen=True, slots=True)
class ScheduledRead:
    """One case in one reader's list. `item` counts through the study; `place` within reader and session, from 1."""

    item: int
    reader: str
    session: int
    place: int
    case_id: str
    use: Use
    showing: Showing
    order: str
    """The arm of the order that the reader was given: AB (alone first) or BA; for reports."""
    no_reveal: bool = False
    """A hidden case of a sequential study that gets no model."""
    expected: str = ""
    """What an attention check asks for: `label/rating`."""

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The reads that are to be made of it, in their order."""
        return (Modality.UNAIDED,) if self.no_reveal else self.showing.modalities


@dataclass(frozen=True, slots=True)
class Output:
    """What the study shows of the model for one case; `replaced` where it was made wrong on purpose."""

    case_id: str
    prediction_id: str
    margin: float
    probability: float
    label: str
    verdict: str
    replaced: bool


@dataclass(frozen=True, slots=True)
class StudyRead:
    """One reader's read of one case in one modality, kept for good. `rating` is 0 to 100, larger = more likely."""

    read_id: str
    study_id: str
    item: int
    reader: str
    case_id: str
    modality: Modality
    label: str
    rating: float
    confidence: Confidence | None
    shown_at: datetime
    """When the facts were shown."""
    revealed_at: datetime | None
    """When the model was shown; None for a read without it."""
    committed_at: datetime
    seconds_active: float
    """Time on the case without pauses, for this read alone."""
    model: str
    displayed: str
    """Digest of what was on the screen."""


@dataclass(frozen=True, slots=True)
class AnalysisRead:
    """One read with everything an analysis needs. `truth` is None until the study is unsealed."""

    reader: str
    case_id: str
    modality: Modality
    call: bool
    """The reader's call: positive or not."""
    rating: float
    """0 to 100."""
    confidence: Confidence | None
    truth: bool | None
    model_probability: float | None
    """What the model itself said; None for attention checks, which are no patients."""
    model_call: bool | None
    shown_probability: float | None
    """What this reader was shown before this read: None without the model, the wrong one where it was replaced."""
    shown_call: bool | None
    shown_at: datetime
    revealed_at: datetime | None
    committed_at: datetime
    seconds_active: float
    session: int
    place: int
    order: str
    item: int
    use: Use
    no_reveal: bool
    wrong_ai: bool
    """The study shows a wrong output for this case, on purpose. False for all until the study is locked."""
    attention_passed: bool | None
    washout_waived: bool
    """A reader's washout was waived by the lead before this read."""
    simulated: bool

    @property
    def repeat(self) -> bool:
        """Whether this reader had read the case before in this study."""
        return self.use is Use.REPEAT

    @property
    def training(self) -> bool:
        """Whether this was a case of the training block."""
        return self.use is Use.TRAINING

    @property
    def attention(self) -> bool:
        """Whether this was an attention check."""
        return self.use is Use.ATTENTION


def check_study_id(study_id: str) -> str:
    """Return a study's id if it can stand in the log and in an address."""
    if not _STUDY_ID.fullmatch(study_id):
        raise StudyError(
            f"A study can't be called '{study_id}': 1 to 64 small letters, digits, hyphens and underscores, "
            "a letter or digit first."
        )
    return study_id


def check_rating(rating: float) -> float:
    """Return a rating if it lies from 0 to 100."""
    if not 0.0 <= rating <= 100.0:
        raise StudyError(f"A rating lies between 0 and 100; {rating:g} was given.")
    return float(rating)
