"""Labels that are likely wrong, for a second look; and readers whose labels stand apart.

Flag, never drop: leaving suspicious labels out made the Brier score worse in all of four trials, because
the hard cases go first. And a reader is pointed out to the steward, with the figures, not corrected.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hitl_review.errors import ModelError

Floats = npt.NDArray[np.float64]

LEAST_COMPARED: Final = 20
"""Fewer comparisons than this say nothing of a reader."""
TOLERANCE: Final = 0.05
"""A reader may agree this much less often than the others before anybody is told."""
CERTAINTY: Final = 0.99
"""Posterior chance of more than that, shared among the readers, from which a reader stands apart."""
_DRAWS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Doubt:
    """A label worth a second look: its position, what it says, and what a model fitted without it says."""

    position: int
    label: float
    left_out: float
    words: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One label of a reader held against something independent of it; `against` names that."""

    reader: str
    agrees: bool
    against: str = "the outcome"


@dataclass(frozen=True, slots=True)
class ReaderCheck:
    """How often a reader agrees, beside the others; `interval` is the 95 % posterior of a Beta(1, 1) prior.

    `certainty` is the posterior chance that the reader agrees less often than the others by more than
    the tolerance.
    """

    reader: str
    agreed: int
    compared: int
    interval: tuple[float, float]
    others_agreed: int
    others_compared: int
    certainty: float
    stands_apart: bool
    words: str


def second_look(labels: npt.ArrayLike, left_out: npt.ArrayLike, *, most: int | None = None) -> list[Doubt]:
    """Return labels that a model fitted without them contradicts, the most doubtful first.

    Parameters
    ----------
    labels : array of shape (n_cases,), 0 to 1; from 0.5 on a label says yes
    left_out : array of shape (n_cases,), out-of-fold probabilities, NaN where there is none
    most : how many at the most

    Notes
    -----
    A label is flagged where the probability of the other answer reaches the mean probability of that answer
    among the cases labelled so (confident learning, Northcutt, Jiang and Chuang, JAIR 2021;70:1373).
    """
    given, chance = (np.asarray(each, dtype=np.float64) for each in (labels, left_out))
    if given.shape != chance.shape or given.ndim != 1:
        raise ModelError("A second look needs one out-of-fold probability for each label.")
    yes, known = given >= 0.5, ~np.isnan(chance)
    if not (yes & known).any() or not (~yes & known).any():
        return []
    sure_yes, sure_no = float(np.mean(chance[yes & known])), float(np.mean(1 - chance[~yes & known]))
    contradicted = known & np.where(yes, 1 - chance >= sure_no, chance >= sure_yes)
    own = np.where(yes, chance, 1 - chance)
    flagged = sorted(np.flatnonzero(contradicted).tolist(), key=lambda i: (own[i], i))
    return [_doubt(i, float(given[i]), float(chance[i])) for i in flagged[:most]]


def readers_apart(
    comparisons: Iterable[Comparison],
    *,
    tolerance: float = TOLERANCE,
    certainty: float = CERTAINTY,
    seed: int = 0,
) -> list[ReaderCheck]:
    """Return one check per reader and kind of comparison, in order of the readers' names.

    A reader stands apart where it is as good as certain, over all readers together, that they agree less
    often than the others do, by more than the tolerance. Hard cases lower agreement too: compare readers
    who read from one queue.
    """
    counts: dict[tuple[str, str], list[int]] = {}
    for each in comparisons:
        agreed, compared = counts.setdefault((each.against, each.reader), [0, 0])
        counts[each.against, each.reader] = [agreed + each.agrees, compared + 1]
    random = np.random.default_rng(seed)
    readers = len({reader for _, reader in counts})
    asked = 1 - (1 - certainty) / max(readers, 1)
    return [
        _check(reader, against, counts, tolerance, asked, random)
        for against, reader in sorted(counts, key=lambda key: (key[1], key[0]))
    ]


def _doubt(position: int, label: float, left_out: float) -> Doubt:
    said = "yes" if label >= 0.5 else "no"
    words = f"Labelled {said}; a model that has not seen this label gives {left_out:.0%}."
    return Doubt(position, label, left_out, words)


def _check(
    reader: str,
    against: str,
    counts: dict[tuple[str, str], list[int]],
    tolerance: float,
    asked: float,
    random: np.random.Generator,
) -> ReaderCheck:
    agreed, compared = counts[against, reader]
    others = [pair for (kind, name), pair in counts.items() if kind == against and name != reader]
    others_agreed, others_compared = sum(pair[0] for pair in others), sum(pair[1] for pair in others)
    own = _posterior(agreed, compared, random)
    rest = _posterior(others_agreed, others_compared, random)
    sure = float(np.mean(own < rest - tolerance)) if others_compared >= LEAST_COMPARED else 0.0
    apart = compared >= LEAST_COMPARED and sure >= asked
    low, high = np.quantile(own, [0.025, 0.975]).tolist()
    words = _words(reader, against, (agreed, compared), (others_agreed, others_compared), apart)
    return ReaderCheck(
        reader, agreed, compared, (low, high), others_agreed, others_compared, sure, apart, words
    )


def _posterior(agreed: int, compared: int, random: np.random.Generator) -> Floats:
    return random.beta(1 + agreed, 1 + compared - agreed, size=_DRAWS)


def _words(reader: str, against: str, own: Sequence[int], others: Sequence[int], apart: bool) -> str:
    said = f"{reader} agrees with {against} in {own[0]} of {own[1]} labels"
    if others[1]:
        said += f" ({_percent(own)}), the others in {_percent(others)}"
    if apart:
        return f"{said}: far less often than chance explains. Talk to them before training on these labels."
    return f"{said}."


def _percent(pair: Sequence[int]) -> str:
    return f"{pair[0] / pair[1]:.0%}" if pair[1] else "none"
