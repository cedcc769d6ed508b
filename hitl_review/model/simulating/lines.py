"""The policies that are compared, and one repetition of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from hitl_review.domain.label import LabelMode, LabelSource, LabelWeights, TrainingLabel, resolve
from hitl_review.model import evaluation, routing, scoring
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.candidates import TrainingSet, make_candidates
from hitl_review.model.simulating.readers import Readers, outcome_label
from hitl_review.model.simulating.world import Split, World

Floats = npt.NDArray[np.float64]


class Line(StrEnum):
    """One line of the learning curve."""

    FROZEN = "frozen"
    RANDOM = "random"
    POLICY = "policy"
    WITH_OUTCOMES = "with_outcomes"
    OVERRIDES = "overrides"
    SELF_TRAINING = "self_training"
    CEILING = "ceiling"

    @property
    def words(self) -> str:
        """What the line shows, for a legend."""
        return _WORDS[self]


_WORDS = {
    Line.FROZEN: "never retrained",
    Line.RANDOM: "all decisions, cases in random order",
    Line.POLICY: "this product: all decisions, 80 % least sure and 20 % random",
    Line.WITH_OUTCOMES: "this product, once the outcomes of the read cases are known too",
    Line.OVERRIDES: "overrides only (the naive way; never done here)",
    Line.SELF_TRAINING: "the model's own answers, accepted unread",
    Line.CEILING: "all outcomes of the queue known: the ceiling",
}
_FLAT = (Line.FROZEN, Line.CEILING)


@dataclass(frozen=True, slots=True)
class Point:
    """The model after so many reads, on the test cases."""

    reads: int
    auc: float
    brier: float
    false_positive_rate: float


@dataclass(frozen=True, slots=True)
class Repetition:
    """One division of the cases with its readers, and the first model."""

    world: World
    split: Split
    readers: Readers
    weights: LabelWeights
    first: TrainedModel
    seed: int


def begin(world: World, parts: Split, readers: Readers, weights: LabelWeights, *, seed: int) -> Repetition:
    """Fit the first model on the outcomes of the start, and return the repetition."""
    labels = [outcome_label(world, case) for case in parts.start.tolist()]
    first = _trained(world, labels, weights, champion=None, known=frozenset())
    return Repetition(world, parts, readers, weights, first, seed)


def play(repetition: Repetition, line: Line, *, reviews: int, step: int) -> list[Point]:
    """Return the line from 0 reads to `reviews`: after each `step` reads a model is made anew."""
    start = _point(repetition, repetition.first, 0)
    counts = [*range(step, reviews, step), reviews]
    if line in _FLAT:
        last = repetition.first if line is Line.FROZEN else _ceiling(repetition)
        flat = _point(repetition, last, 0)
        return [Point(n, flat.auc, flat.brier, flat.false_positive_rate) for n in (0, *counts)]
    return [start, *_learned(repetition, line, counts)]


def _learned(repetition: Repetition, line: Line, counts: Sequence[int]) -> list[Point]:
    world = repetition.world
    ledger = [outcome_label(world, case) for case in repetition.split.start.tolist()]
    known = frozenset(label.case_id for label in ledger)
    model, queue, points, read = repetition.first, repetition.split.queue.tolist(), [], 0
    for count in counts:
        for case, shown in _next(repetition, line, model, queue, count - read):
            ledger += _kept(repetition, line, case, shown, at=len(ledger))
            queue.remove(case)
        read = count
        model = _trained(world, ledger, repetition.weights, champion=model, known=known)
        known = frozenset(label.case_id for label in ledger)
        points.append(_point(repetition, model, read))
    return points


def _next(
    repetition: Repetition, line: Line, model: TrainedModel, queue: Sequence[int], count: int
) -> list[tuple[int, float]]:
    """The next cases of the queue and what the model says of each, in the order the product would show them."""
    world, waiting = repetition.world, np.array(queue, dtype=np.intp)
    chance = scoring.score(model, world.values[waiting]).probabilities
    share = 1.0 if line is Line.RANDOM else routing.RANDOM_SHARE
    places = routing.order(
        [world.case_ids[case] for case in queue],
        chance,
        threshold=world.threshold,
        salt=f"simulation {repetition.seed}",
        random_share=share,
    )
    found = {world.case_ids[case]: (case, float(p)) for case, p in zip(queue, chance, strict=True)}
    return [found[place.case_id] for place in places[:count]]


def _kept(repetition: Repetition, line: Line, case: int, shown: float, *, at: int) -> list[TrainingLabel]:
    """What the line's policy lets into the ledger of one read."""
    world = repetition.world
    if line is Line.SELF_TRAINING:
        call = float(shown >= world.threshold)
        case_id, source, mode = world.case_ids[case], LabelSource.ACCEPTANCE, LabelMode.SEEN
        first = outcome_label(world, case, at=at)
        return [TrainingLabel(f"{case_id}/auto", case_id, source, call, mode, first.at)]
    labels = repetition.readers.labels(world, case, shown, at=at)
    if line is Line.OVERRIDES:
        return [label for label in labels if label.source is LabelSource.OVERRIDE]
    if line is Line.WITH_OUTCOMES:
        labels.append(outcome_label(world, case, at=at))
    return labels


def _trained(
    world: World,
    ledger: Sequence[TrainingLabel],
    weights: LabelWeights,
    *,
    champion: TrainedModel | None,
    known: frozenset[str],
) -> TrainedModel:
    place = {case_id: number for number, case_id in enumerate(world.case_ids)}
    resolved, _ = resolve(ledger, weights=weights)
    rows = [place[label.case_id] for label in resolved]
    outcomes = [np.nan if label.outcome is None else float(label.outcome) for label in resolved]
    training = TrainingSet(
        values=world.values[rows],
        labels=np.array([label.label for label in resolved]),
        outcomes=np.array(outcomes),
        weights=np.array([label.weight for label in resolved]),
        known_to_champion=np.array([label.case_id in known for label in resolved]),
    )
    return make_candidates(
        training,
        spec=world.spec,
        settings=world.settings,
        champion=champion,
        directions=world.directions,
        threshold=world.threshold,
    ).chosen.model


def _ceiling(repetition: Repetition) -> TrainedModel:
    cases = [*repetition.split.start.tolist(), *repetition.split.queue.tolist()]
    labels = [outcome_label(repetition.world, case) for case in cases]
    return _trained(repetition.world, labels, repetition.weights, champion=None, known=frozenset())


def _point(repetition: Repetition, model: TrainedModel, reads: int) -> Point:
    world, test = repetition.world, repetition.split.test
    truth, chance = world.truth[test], scoring.score(model, world.values[test]).probabilities
    point = evaluation.operating_point(truth, chance, threshold=world.threshold)
    return Point(
        reads,
        evaluation.roc_auc_score(truth, chance),
        evaluation.brier_loss(truth, chance),
        1 - point.specificity.value,
    )
