"""Labels that are likely wrong, for a second look; and readers whose labels stand apart.

Flag, never drop: leaving suspicious labels out made the Brier score worse in all of four trials, because
the hard cases go first. And a reader is pointed out to the steward, with the figures, not corrected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt

from hitl_review.errors import ModelError
from hitl_review.model.evaluation import Area, area_under_curve

Floats = npt.NDArray[np.float64]

LEAST_COMPARED: Final = 20
"""Fewer comparisons than this say nothing of a reader."""
LEAST_OF_EACH: Final = 10
"""Fewer patients than this with either answer say nothing of how a reader orders them."""
TOLERANCE: Final = 0.05
"""A reader may agree, or order patients, this much less often than the others before anybody is told."""
CERTAINTY: Final = 0.99
"""Chance of more than that, shared among all that is compared, from which a reader stands apart."""
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
    """One label of a reader held against something independent of it; `against` names that.

    `call` is the reader's answer, `stated` the probability stated with it, 0 or 1 where there was none but the
    call, and `truth` what the independent answer is.
    """

    reader: str
    call: bool
    stated: float
    truth: bool
    against: str = "the outcome"


@dataclass(frozen=True, slots=True)
class ReaderCheck:
    """How often a reader agrees, and orders patients rightly, beside the others.

    `interval` is the 95 % posterior of the agreement, from a Beta(1, 1) prior. `ordered` is the AUC of the stated
    probabilities with DeLong's interval: of two patients with different answers, the share in which the right one
    has the higher estimate. It is None where too few patients have either answer. `certainty` is the chance that
    the reader is worse than the others by more than the tolerance, in the one or the other.
    """

    reader: str
    agreed: int
    compared: int
    interval: tuple[float, float]
    others_agreed: int
    others_compared: int
    ordered: float | None
    ordered_interval: tuple[float, float] | None
    others_ordered: float | None
    certainty: float
    stands_apart: bool
    words: str


@dataclass(frozen=True, slots=True)
class _Record:
    """All comparisons of one reader with one kind of answer."""

    agreed: int
    compared: int
    area: Area | None


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

    A reader stands apart where it is as good as certain, over everything that is compared, that they agree less
    often than the others do, or order patients worse, by more than the tolerance. Hard cases lower both: compare
    readers who read from one queue.

    Notes
    -----
    Agreement compares two Beta posteriors. The order compares the reader's AUC with the mean of the others',
    weighted by how much they read, by a normal test with DeLong's variances. Labels turned round cost a reader
    who is right in 71 % far more order than agreement: three in ten take 12 points off the one and 17 off the
    other, and nothing at all off the agreement of somebody who is right in half of the cases. Where readers gave
    calls only, the AUC is the mean of sensitivity and specificity.
    """
    records = _records(comparisons)
    random = np.random.default_rng(seed)
    tests = sum(record.compared >= LEAST_COMPARED for record in records.values()) + sum(
        record.area is not None for record in records.values()
    )
    asked = 1 - (1 - certainty) / max(tests, 1)
    return [
        _check(reader, against, records, tolerance, asked, random)
        for against, reader in sorted(records, key=lambda key: (key[1], key[0]))
    ]


def _doubt(position: int, label: float, left_out: float) -> Doubt:
    said = "yes" if label >= 0.5 else "no"
    words = f"Labelled {said}; a model that has not seen this label gives {left_out:.0%}."
    return Doubt(position, label, left_out, words)


def _records(comparisons: Iterable[Comparison]) -> dict[tuple[str, str], _Record]:
    """Return the record of each kind of comparison and reader."""
    found: dict[tuple[str, str], list[Comparison]] = {}
    for each in comparisons:
        found.setdefault((each.against, each.reader), []).append(each)
    return {key: _record(each) for key, each in found.items()}


def _record(made: Sequence[Comparison]) -> _Record:
    truth = [each.truth for each in made]
    enough = min(sum(truth), len(truth) - sum(truth)) >= LEAST_OF_EACH
    area = (
        area_under_curve(np.array(truth, dtype=np.int64), [each.stated for each in made]) if enough else None
    )
    return _Record(sum(each.call == each.truth for each in made), len(made), area)


def _check(
    reader: str,
    against: str,
    records: Mapping[tuple[str, str], _Record],
    tolerance: float,
    asked: float,
    random: np.random.Generator,
) -> ReaderCheck:
    record = records[against, reader]
    others = [each for (kind, name), each in records.items() if kind == against and name != reader]
    rest = _Record(sum(each.agreed for each in others), sum(each.compared for each in others), None)
    own = _posterior(record, random)
    enough = record.compared >= LEAST_COMPARED and rest.compared >= LEAST_COMPARED
    agrees_less = float(np.mean(own < _posterior(rest, random) - tolerance)) if enough else 0.0
    area, weights = record.area, [(each.area, each.compared) for each in others if each.area is not None]
    ordered = _mean_area(weights) if weights else None
    orders_worse = _orders_worse(area, ordered, tolerance) if area and ordered else 0.0
    sure = max(agrees_less, orders_worse)
    low, high = np.quantile(own, [0.025, 0.975]).tolist()
    return ReaderCheck(
        reader,
        record.agreed,
        record.compared,
        (low, high),
        rest.agreed,
        rest.compared,
        area.value if area else None,
        (area.low, area.high) if area else None,
        ordered[0] if ordered else None,
        sure,
        sure >= asked,
        _words(reader, against, record, rest, ordered[0] if ordered else None, sure >= asked),
    )


def _mean_area(areas: Sequence[tuple[Area, int]]) -> tuple[float, float]:
    """Return the mean AUC, each weighing as many reads as it is from, and the mean's variance."""
    weights = np.array([reads for _, reads in areas], dtype=np.float64)
    weights /= weights.sum()
    errors = np.array([area.standard_error for area, _ in areas])
    return float(weights @ [area.value for area, _ in areas]), float(weights**2 @ errors**2)


def _orders_worse(own: Area, others: tuple[float, float], tolerance: float) -> float:
    """Return the chance that a reader's AUC is lower than the others' by more than the tolerance."""
    below = others[0] - own.value - tolerance
    error = float(np.sqrt(own.standard_error**2 + others[1]))
    return NormalDist().cdf(below / error) if error > 0 else float(below > 0)


def _posterior(record: _Record, random: np.random.Generator) -> Floats:
    return random.beta(1 + record.agreed, 1 + record.compared - record.agreed, size=_DRAWS)


def _words(
    reader: str, against: str, own: _Record, others: _Record, others_ordered: float | None, apart: bool
) -> str:
    said = f"{reader} agrees with {against} in {own.agreed} of {own.compared} labels"
    if others.compared:
        said += f" ({own.agreed / own.compared:.0%}), the others in {others.agreed / others.compared:.0%}"
    if own.area is not None:
        said += f", and orders two patients as {against} does in {own.area.value:.0%}"
        said += f", the others in {others_ordered:.0%}" if others_ordered is not None else ""
    if apart:
        return f"{said}: far less often than chance explains. Talk to them before training on these labels."
    return f"{said}."
