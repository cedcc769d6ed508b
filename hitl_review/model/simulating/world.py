"""The labelled cases a simulation plays on, and how one repetition divides them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hitl_review.errors import ModelError
from hitl_review.model.features import FeatureSpec, Matrix
from hitl_review.project import TrainingPolicy

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

TEST_SHARE: Final = 0.3
MOST_TESTED: Final = 2_000
LEAST_TESTED: Final = 50


@dataclass(frozen=True, slots=True)
class World:
    """Labelled cases and the project they belong to; all arrays have one entry per case.

    `stated` holds the probability that a real reader stated of each case, NaN where nobody did; None
    where readers are made up.
    """

    case_ids: tuple[str, ...]
    values: Matrix
    truth: Floats
    spec: FeatureSpec
    settings: TrainingPolicy
    threshold: float
    directions: Mapping[str, int]
    stated: Floats | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """One repetition: cases with outcomes to start from, cases to be read, cases nobody learns from."""

    start: Places
    queue: Places
    test: Places


def split(world: World, *, start: int, reviews: int, seed: int) -> Split:
    """Divide the cases at random; a queue of cases that nobody read is left out where real readers are replayed.

    Raises ModelError where the cases are too few for the start, the reviews and a test of 50.
    """
    shuffled = np.random.default_rng(seed).permutation(len(world.truth))
    tested = min(MOST_TESTED, int(TEST_SHARE * len(shuffled)))
    test, rest = shuffled[:tested], shuffled[tested:]
    begun, queue = rest[:start], rest[start:]
    if world.stated is not None:
        queue = queue[~np.isnan(world.stated[queue])]
    if tested < LEAST_TESTED or len(begun) < start or len(queue) < reviews:
        read = " that a reader estimated" if world.stated is not None else ""
        raise ModelError(
            f"Starting from {start:,} outcomes and reviewing {reviews:,} needs more cases: of {len(shuffled):,}, "
            f"{tested:,} are kept for testing, and {max(len(queue), 0):,}{read} are left to review. "
            "Give more cases, or lower --start or --reviews."
        )
    return Split(begun, queue, test)
