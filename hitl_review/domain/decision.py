"""A reader's judgement of a case: the own estimate first, then the answer to the model.

Both are kept for good. A change of mind is a new decision that supersedes the earlier one, never
an edit, so that nothing recorded before is obscured.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hitl_review.domain.signature import Signature as Signature
from hitl_review.errors import ReviewError


class Answer(StrEnum):
    """A reader's answer to a shown prediction."""

    ACCEPTED = "accepted"
    OVERRIDDEN = "overridden"
    DEFERRED = "deferred"


class Confidence(StrEnum):
    """How sure the reader is of the decision."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Modality(StrEnum):
    """Whether the model's view was on the screen when a read was made."""

    UNAIDED = "unaided"
    AIDED = "aided"


@dataclass(frozen=True, slots=True)
class Read:
    """A reader's own judgement of a case before the model is shown: a call and a probability."""

    read_id: str
    case_id: str
    reader: str
    modality: Modality
    label: str
    probability: float
    opened_at: datetime
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class Reveal:
    """One prediction shown to one reader: the digest covers everything that was on the screen."""

    reveal_id: str
    case_id: str
    reader: str
    prediction_id: str
    screen: str
    shown_at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """A reader's final answer to a prediction that was shown, kept for good."""

    decision_id: str
    case_id: str
    reader: str
    reveal_id: str
    prediction_id: str
    answer: Answer
    label: str | None
    """The label the reader stands by; None when the case was deferred."""
    reason: str | None
    comment: str
    confidence: Confidence | None
    own_probability: float | None
    shown_digest: str
    shown_at: datetime
    decided_at: datetime
    seconds_active: float
    signature: Signature
    supersedes: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """What a reader asks to have recorded, before it is checked."""

    answer: Answer
    label: str | None = None
    reason: str | None = None
    comment: str = ""
    confidence: Confidence | None = None


@dataclass(frozen=True, slots=True)
class ReasonRule:
    """What a coded reason is called on the pages, which answers it goes with, and whether it needs words."""

    code: str
    label: str
    answers: frozenset[Answer]
    needs_comment: bool = False


def check_probability(probability: float) -> float:
    """Return an own estimate if it is a probability from 0 to 1."""
    if not 0.0 <= probability <= 1.0:
        raise ReviewError(f"An own estimate must lie between 0 and 100 %; {probability:.0%} was given.")
    return float(probability)


def settled(choice: Choice, *, shown: str, other: str, reasons: tuple[ReasonRule, ...], limit: int) -> Choice:
    """Return the choice with its label filled in, or say why it can't stand.

    `shown` is the label the model showed, `other` the opposite one. Accepting keeps the shown
    label, overriding takes the other, deferring has none; override and defer need a coded reason.
    """
    _check_comment(choice.comment, limit)
    _check_reason(choice, reasons)
    label = {Answer.ACCEPTED: shown, Answer.OVERRIDDEN: other, Answer.DEFERRED: None}[choice.answer]
    if choice.label is not None and choice.label != label:
        raise ReviewError(
            f"A decision to be {choice.answer.value} can't carry the label '{choice.label}': the model "
            f"showed '{shown}'. Accept to keep it, override to say '{other}'."
        )
    return Choice(choice.answer, label, choice.reason, choice.comment.strip(), choice.confidence)


def _check_comment(comment: str, limit: int) -> None:
    if len(comment) > limit:
        raise ReviewError(f"The comment has {len(comment)} characters; at most {limit} are kept. Shorten it.")
    if any(0xD800 <= ord(character) <= 0xDFFF or character == "\x00" for character in comment):
        raise ReviewError("The comment holds a character that can't be stored. Type it anew.")


def _check_reason(choice: Choice, reasons: tuple[ReasonRule, ...]) -> None:
    if choice.answer is Answer.ACCEPTED:
        if choice.reason is not None:
            raise ReviewError("An accepted prediction takes no coded reason. Leave it out, or override.")
        return
    fitting = {rule.code: rule for rule in reasons if choice.answer in rule.answers}
    if choice.reason not in fitting:
        asked = "without a reason" if choice.reason is None else f"with the reason '{choice.reason}'"
        raise ReviewError(
            f"A case can't be {choice.answer.value} {asked}. Choose one of: {', '.join(sorted(fitting))}."
        )
    rule = fitting[choice.reason]
    if rule.needs_comment and not choice.comment.strip():
        raise ReviewError(f"The reason '{rule.label}' needs a comment. Say in a few words why.")
