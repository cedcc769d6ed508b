"""Training labels: what is known of a case, from whom, and which of it a model may learn from.

Never fit on overrides alone: they are by construction the cases where reader and model disagree, and a
model fitted on them learns to contradict itself (on SUPPORT2 its AUC fell from 0.725 to 0.446). So
every decision is a label, the best source of a case wins, and a stated probability beats a click.

    outcome > consensus > blind own estimate > seen override > seen acceptance
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from hitl_review.errors import ModelError


class LabelSource(StrEnum):
    """Where a label came from, best first."""

    OUTCOME = "outcome"
    CONSENSUS = "consensus"
    BLIND = "blind"
    """The reader's own estimate, stored before the model was shown."""
    OVERRIDE = "override"
    """A call against the model, made after seeing it."""
    ACCEPTANCE = "acceptance"
    """A call with the model, made after seeing it: it may only echo the model."""
    DEFERRAL = "deferral"
    """No answer: nothing to learn but what its reason says of the case."""

    @property
    def words(self) -> str:
        """What people call it."""
        return _SOURCE_WORDS[self]


_SOURCE_WORDS: Final = {
    LabelSource.OUTCOME: "recorded outcome",
    LabelSource.CONSENSUS: "consensus after a dispute",
    LabelSource.BLIND: "own estimate, before the model was shown",
    LabelSource.OVERRIDE: "override, after the model was shown",
    LabelSource.ACCEPTANCE: "acceptance, after the model was shown",
    LabelSource.DEFERRAL: "deferral",
}


class LabelMode(StrEnum):
    """Whether the model's view was on the screen when the label was given."""

    BLIND = "blind"
    SEEN = "seen"
    SECOND_READ = "second_read"
    OUTCOME = "outcome"


class Effect(StrEnum):
    """What the reason of a decision means for training; the words of `project.toml`'s reasons."""

    TRAIN = "train"
    """The label is evidence."""
    FIX_RECORD = "fix_record"
    """The record is wrong, not the label: the case is left out until a later read says otherwise."""
    EXCLUDE = "exclude"
    """The case is outside the model's scope: it is left out for good."""
    NEVER_TRAIN = "never_train"
    """The decision speaks of something else (treatment, preference): this label is never used."""
    NONE = "none"
    """Nothing to learn, as in most deferrals."""


_RANK: Final = {source: place for place, source in enumerate(LabelSource)}
_HARD: Final = frozenset({LabelSource.OUTCOME, LabelSource.CONSENSUS})


@dataclass(frozen=True, slots=True)
class TrainingLabel:
    """One statement about one case, kept for good; `probability` is the chance of the positive answer.

    An outcome, and a call without a probability, are 0 or 1. `model` and `shown_probability` say which
    model was shown with it, if any; `sampling_probability` with which chance the case came to be read
    at random, if it did. `supersedes` names the label of the same reader that this one replaces.
    """

    label_id: str
    case_id: str
    source: LabelSource
    probability: float
    mode: LabelMode
    at: datetime
    effect: Effect = Effect.TRAIN
    reader: str | None = None
    reason: str | None = None
    model: str | None = None
    shown_probability: float | None = None
    sampling_probability: float | None = None
    weight: float = 1.0
    disputed: bool = False
    supersedes: str | None = None
    decision_id: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ModelError(
                f"A label of case {self.case_id} must be a probability from 0 to 1, but is "
                f"{self.probability:g}. Correct it at its source."
            )
        if not self.weight >= 0:
            raise ModelError(f"A label of case {self.case_id} weighs {self.weight:g}. Give 0 or more.")


@dataclass(frozen=True, slots=True)
class LabelWeights:
    """How much each source counts beside a recorded outcome (1.0).

    `outcome_share`: where an outcome and readers' probabilities are both known, the soft label is this
    much outcome and for the rest their mean. Readers' probabilities know things that one outcome does
    not: on SUPPORT2 the mean of both gave .770 where outcomes alone gave .765.
    """

    seen_acceptance: float = 0.5
    seen_override: float = 1.0
    blind: float = 1.0
    outcome_share: float = 0.5

    def of(self, source: LabelSource) -> float:
        """Return the weight of a source."""
        return {
            LabelSource.ACCEPTANCE: self.seen_acceptance,
            LabelSource.OVERRIDE: self.seen_override,
            LabelSource.BLIND: self.blind,
        }.get(source, 1.0)


@dataclass(frozen=True, slots=True)
class ResolvedLabel:
    """The one label a case is trained with, and which statements it rests on.

    `label` is soft, from 0 to 1; `outcome` is the reference standard where it is known, and the only
    thing that calibration and measures are taken from.
    """

    case_id: str
    label: float
    outcome: bool | None
    source: LabelSource
    weight: float
    rests_on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A case that no model learns from, and why, in words."""

    case_id: str
    why: str


def resolve(
    labels: Iterable[TrainingLabel], *, weights: LabelWeights | None = None
) -> tuple[list[ResolvedLabel], list[LeftOut]]:
    """Return one label per case, in order of first mention, and the cases left out with the reason.

    The best source wins (see the module). Superseded labels count for nothing. An outcome is combined
    with the readers' stated probabilities; several readers of the winning source are averaged.
    """
    by_case: defaultdict[str, list[TrainingLabel]] = defaultdict(list)
    for label in labels:
        by_case[label.case_id].append(label)
    answers = [_of_case(case, found, weights or LabelWeights()) for case, found in by_case.items()]
    kept = [answer for answer in answers if isinstance(answer, ResolvedLabel)]
    return kept, [answer for answer in answers if isinstance(answer, LeftOut)]


def standing(labels: Sequence[TrainingLabel]) -> list[TrainingLabel]:
    """Return the labels that no later one supersedes, in their order."""
    replaced = {label.supersedes for label in labels}
    return [label for label in labels if label.label_id not in replaced]


def _of_case(case_id: str, given: Sequence[TrainingLabel], weights: LabelWeights) -> ResolvedLabel | LeftOut:
    labels = standing(given)
    if (why := _why_left_out(labels)) is not None:
        return LeftOut(case_id, why)
    usable = [
        label for label in labels if label.effect is Effect.TRAIN and label.source is not LabelSource.DEFERRAL
    ]
    if not any(label.source in _HARD for label in usable) and any(label.disputed for label in usable):
        return LeftOut(case_id, "readers disagree, and neither a consensus nor an outcome is known")
    if not usable:
        return LeftOut(case_id, "its decisions hold nothing to learn from")
    return _combined(case_id, usable, weights)


def _why_left_out(labels: Sequence[TrainingLabel]) -> str | None:
    if any(label.effect is Effect.EXCLUDE for label in labels):
        return "a reader said that it is outside the model's scope"
    wrong = [label.at for label in labels if label.effect is Effect.FIX_RECORD]
    if wrong:
        mended = (
            label.at > max(wrong) and label.effect is Effect.TRAIN and label.mode is not LabelMode.OUTCOME
            for label in labels
        )
        if not any(mended):
            return "a reader said that its record is wrong"
    return None


def _combined(case_id: str, usable: Sequence[TrainingLabel], weights: LabelWeights) -> ResolvedLabel:
    source = min((label.source for label in usable), key=_RANK.__getitem__)
    chosen = [label for label in usable if label.source is source]
    if source is LabelSource.OUTCOME:
        return _with_outcome(case_id, chosen[-1], usable, weights)
    weight = weights.of(source) * _mean([label.weight for label in chosen])
    return ResolvedLabel(
        case_id,
        _mean([label.probability for label in chosen]),
        None,
        source,
        weight,
        tuple(label.label_id for label in chosen),
    )


def _with_outcome(
    case_id: str, outcome: TrainingLabel, usable: Sequence[TrainingLabel], weights: LabelWeights
) -> ResolvedLabel:
    """An outcome, softened by what readers stated blind: a click, or an echo of the model, adds nothing."""
    stated = [label for label in usable if label.source is LabelSource.BLIND and label.weight > 0]
    share = weights.outcome_share if stated else 1.0
    opinion = _mean([label.probability for label in stated]) if stated else 0.0
    return ResolvedLabel(
        case_id,
        share * outcome.probability + (1 - share) * opinion,
        outcome.probability >= 0.5,
        LabelSource.OUTCOME,
        outcome.weight,
        tuple(label.label_id for label in (outcome, *stated)),
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
