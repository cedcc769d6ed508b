"""Many repetitions: each line with its band, the gap it closes, and what n reviews would buy in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from math import sqrt
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hitl_review.domain.label import LabelWeights
from hitl_review.errors import ModelError
from hitl_review.model.simulating.lines import Line, Point, begin, play
from hitl_review.model.simulating.readers import Skill, difficulty, readers_of
from hitl_review.model.simulating.world import World, split

Floats = npt.NDArray[np.float64]

MOST_OF_CEILING: Final = 0.9
SMALL_GAP: Final = 0.005
"""A ceiling less than this above the first model leaves nothing worth reading for."""
MADE_UP: Final = (
    Line.FROZEN,
    Line.RANDOM,
    Line.POLICY,
    Line.OVERRIDES,
    Line.SELF_TRAINING,
    Line.CEILING,
)
REPLAYED: Final = (*MADE_UP[:3], Line.WITH_OUTCOMES, *MADE_UP[3:])


@dataclass(frozen=True, slots=True)
class Plan:
    """What is played: outcomes to start from, reads, reads between trainings, repetitions, readers."""

    start: int = 200
    reviews: int = 500
    step: int = 100
    seeds: int = 5
    skill: Skill = field(default_factory=Skill)
    weights: LabelWeights = field(default_factory=LabelWeights)
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("start", 10), ("reviews", 1), ("step", 1), ("seeds", 1)):
            if getattr(self, name) < least:
                raise ModelError(
                    f"A simulation's {name} must be at least {least}, not {getattr(self, name)}."
                )


@dataclass(frozen=True, slots=True)
class Band:
    """A figure over the repetitions after so many reads: its mean and the 95 % interval of the mean.

    The interval is None with a single repetition.
    """

    reads: int
    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: AUC, Brier score and false positive rate by reads, and what it adds up to.

    `gap_closed` is the share of the way from the frozen model to the ceiling that the last point has
    gone, None where there is no way to go; `reads_to_most` the reads at which 90 % of it is reached.
    """

    line: Line
    words: str
    auc: tuple[Band, ...]
    brier: tuple[Band, ...]
    false_positive_rate: tuple[Band, ...]
    gap_closed: float | None
    reads_to_most: int | None


@dataclass(frozen=True, slots=True)
class Simulation:
    """What was played, every line, and the sentence."""

    plan: Plan
    cases: int
    queue: int
    tested: int
    curves: tuple[Curve, ...]
    better_than_random: Band
    """The AUC of the product's policy minus that of random order at the last point, paired by repetition."""
    sentence: str

    def curve(self, line: Line) -> Curve:
        """Return one line."""
        return next(curve for curve in self.curves if curve.line is line)

    def as_json(self) -> dict[str, Any]:
        """Return the whole as a JSON value: `spec` of it in `workflow.simulating`."""
        plain: dict[str, Any] = asdict(self)
        return plain


def simulate(
    world: World, plan: Plan, *, progress: Callable[[int, int, str], None] = lambda step, of, words: None
) -> Simulation:
    """Play every line in every repetition; the same world and plan give the same numbers.

    `progress` is told the step done, of how many, and the words for it.
    """
    lines = MADE_UP if world.stated is None else REPLAYED
    hardness = difficulty(world, plan.skill)
    played: dict[Line, list[list[Point]]] = {line: [] for line in lines}
    done, total, parts = 0, plan.seeds * len(lines), None
    for number in range(plan.seeds):
        seed = plan.seed + number
        parts = split(world, start=plan.start, reviews=plan.reviews, seed=seed)
        readers = readers_of(world, plan.skill, hardness, seed=seed)
        repetition = begin(world, parts, readers, plan.weights, seed=seed)
        for line in lines:
            progress(done, total, f"repetition {number + 1}: {line.words[:30]}")
            played[line].append(play(repetition, line, reviews=plan.reviews, step=plan.step))
            done += 1
    progress(done, total, "done")
    assert parts is not None
    curves = _curves(played)
    ahead = _last(played[Line.POLICY]) - _last(played[Line.RANDOM])
    sentence = _sentence(world, plan, curves)
    return Simulation(
        plan,
        len(world.truth),
        len(parts.queue),
        len(parts.test),
        curves,
        _band(plan.reviews, ahead),
        sentence,
    )


def _curves(played: dict[Line, list[list[Point]]]) -> tuple[Curve, ...]:
    frozen, ceiling = (float(np.mean(_last(played[line]))) for line in (Line.FROZEN, Line.CEILING))
    return tuple(_curve(line, runs, frozen, ceiling) for line, runs in played.items())


def _curve(line: Line, runs: Sequence[Sequence[Point]], frozen: float, ceiling: float) -> Curve:
    auc = _bands(runs, "auc")
    gap = ceiling - frozen
    closed = (auc[-1].mean - frozen) / gap if gap > 0 else None
    most = frozen + MOST_OF_CEILING * gap
    reached = None
    if gap > 0 and line not in (Line.FROZEN, Line.CEILING):
        reached = _reads_to([band.reads for band in auc], [band.mean for band in auc], most)
    others = (_bands(runs, "brier"), _bands(runs, "false_positive_rate"))
    return Curve(line, line.words, auc, *others, closed, reached)


def _reads_to(reads: Sequence[int], means: Sequence[float], wanted: float) -> int | None:
    """Where the mean curve first reaches a height, by straight lines between its points."""
    for i in range(1, len(reads)):
        if means[i] >= wanted:
            rise = means[i] - means[i - 1]
            share = (wanted - means[i - 1]) / rise if rise > 0 else 1.0
            return round(reads[i - 1] + min(max(share, 0.0), 1.0) * (reads[i] - reads[i - 1]))
    return None


def _bands(runs: Sequence[Sequence[Point]], name: str) -> tuple[Band, ...]:
    return tuple(
        _band(points[0].reads, np.array([getattr(point, name) for point in points]))
        for points in zip(*runs, strict=True)
    )


def _band(reads: int, values: Floats) -> Band:
    """Mean and the 95 % interval of the mean over repetitions (Student's t)."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return Band(reads, mean, None, None)
    from scipy.special import stdtrit

    reach = float(stdtrit(len(values) - 1, 0.975)) * float(np.std(values, ddof=1)) / sqrt(len(values))
    return Band(reads, mean, mean - reach, mean + reach)


def _last(runs: Sequence[Sequence[Point]]) -> Floats:
    return np.array([points[-1].auc for points in runs])


def _sentence(world: World, plan: Plan, curves: Sequence[Curve]) -> str:
    found = {curve.line: curve for curve in curves}
    first, best = found[Line.FROZEN].auc[-1].mean, found[Line.CEILING].auc[-1].mean
    policy = found[Line.POLICY]
    who = (
        "by the people whose estimates are on file"
        if world.stated is not None
        else f"by readers who are right in {plan.skill.accuracy:.0%}"
    )
    if best - first < SMALL_GAP or policy.gap_closed is None:
        return (
            f"On these data even all outcomes would hardly better a model of {plan.start:,} outcomes (AUC {first:.3f} "
            f"to {best:.3f}), so {plan.reviews:,} reviews {who} would buy little."
        )
    way = f"from AUC {first:.3f} to {policy.auc[-1].mean:.3f}, where all outcomes would give {best:.3f}"
    if policy.gap_closed <= 0:
        return f"On these data {plan.reviews:,} reviews {who} would buy nothing: {way}."
    sentence = (
        f"On these data {plan.reviews:,} reviews {who} would close {policy.gap_closed:.0%} of the gap: {way}"
    )
    if policy.reads_to_most is not None and policy.reads_to_most < plan.reviews:
        sentence += f"; {policy.reads_to_most:,} would close 90 %"
    return sentence + "."
