"""Who reads: made-up readers with a given skill, or the estimates of real people.

Made-up readers err in one of two ways: carelessly, on any case alike, or on the hard cases, those on which
a model that learned from all cases is unsure. The second is what skilled people do, and hurts less.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from hitl_review.domain.label import LabelMode, LabelSource, TrainingLabel
from hitl_review.errors import ModelError
from hitl_review.model import calibration, routing
from hitl_review.model.simulating.world import World
from hitl_review.model.training import fit

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

WORST: Final = 0.5
"""On the hardest cases a reader guesses; nobody is wrong on purpose."""
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


class Errors(StrEnum):
    """How made-up readers err."""

    CARELESS = "careless"
    HARD = "hard"


@dataclass(frozen=True, slots=True)
class Skill:
    """How made-up readers read: the share of own calls that are right, and how often they follow the model.

    `follow` is the chance to take over the model's call where it was seen first; `blind` the share of cases
    on which the own estimate is stored before the model is shown, as the project's review policy has it.
    """

    accuracy: float = 0.9
    follow: float = 0.0
    blind: float = 1.0
    errors: Errors = Errors.CARELESS

    def __post_init__(self) -> None:
        for name, low in (("accuracy", 0.5), ("follow", 0.0), ("blind", 0.0)):
            if not low <= getattr(self, name) <= 1:
                raise ModelError(
                    f"A made-up reader's {name} must lie from {low:g} to 1, but is {getattr(self, name):g}."
                )


@dataclass(frozen=True, slots=True)
class Readers:
    """What readers would say of each case of a world in one repetition: drawn once, whatever is asked of them.

    Every policy meets the same readers with the same errors, so that policies are compared, not luck.
    """

    own: Floats
    """The probability stated blind: 0 or 1 from made-up readers, real people's own otherwise."""
    blind: Flags
    follows: Flags
    threshold: float

    def labels(self, world: World, case: int, shown: float, *, at: int) -> list[TrainingLabel]:
        """Return what one read of one case adds to the ledger, with the model's probability shown."""
        own, model = self.own[case] >= self.threshold, shown >= self.threshold
        blind = bool(self.blind[case])
        call = model if not blind and self.follows[case] else own
        when = _EPOCH + timedelta(seconds=at)
        case_id = world.case_ids[case]
        decision = TrainingLabel(
            f"{case_id}/decision",
            case_id,
            LabelSource.ACCEPTANCE if call == model else LabelSource.OVERRIDE,
            float(call),
            LabelMode.SEEN,
            when,
            shown_probability=shown,
        )
        if not blind:
            return [decision]
        stated = float(self.own[case])
        return [
            TrainingLabel(f"{case_id}/own", case_id, LabelSource.BLIND, stated, LabelMode.BLIND, when),
            decision,
        ]


def readers_of(world: World, skill: Skill, difficulty: Floats | None, *, seed: int) -> Readers:
    """Draw the readers of one repetition; real people's estimates where the world holds them."""
    random = np.random.default_rng([seed, 1])
    slips, blinds, follows = random.random((3, len(world.truth)))
    if world.stated is not None:
        everywhere = np.ones(len(world.truth), dtype=np.bool_)
        return Readers(world.stated, everywhere, ~everywhere, world.threshold)
    chance = np.full(len(world.truth), 1 - skill.accuracy) if difficulty is None else difficulty
    own = np.where(slips < chance, 1 - world.truth, world.truth)
    return Readers(own, blinds < skill.blind, follows < skill.follow, world.threshold)


def difficulty(world: World, skill: Skill) -> Floats | None:
    """Return each case's chance of a reader's error, its mean being 1 - accuracy; None for careless readers.

    The chance grows with the doubt of a model that is fitted on the other cases (out of fold), up to one half.
    """
    if skill.errors is not Errors.HARD or world.stated is not None:
        return None
    fitted = fit(world.values, world.truth, spec=world.spec, settings=world.settings)
    chance = calibration.apply(calibration.NONE, np.nan_to_num(fitted.out_of_fold))
    doubt = routing.uncertainty(chance, threshold=world.threshold)
    low, high = 0.0, 1e6
    for _ in range(100):
        middle = (low + high) / 2
        if float(np.mean(np.minimum(WORST, middle * doubt))) < 1 - skill.accuracy:
            low = middle
        else:
            high = middle
    errors: Floats = np.minimum(WORST, high * doubt)
    return errors


def outcome_label(world: World, case: int, *, at: int = 0) -> TrainingLabel:
    """Return the label that a recorded outcome is."""
    case_id = world.case_ids[case]
    when = _EPOCH + timedelta(seconds=at)
    return TrainingLabel(
        f"{case_id}/outcome", case_id, LabelSource.OUTCOME, float(world.truth[case]), LabelMode.OUTCOME, when
    )
