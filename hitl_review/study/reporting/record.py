"""Every read of a study, one row each: the one table that a report and an export are made of.

A column that a study does not have is simply empty; what depends on it is then "not in this study".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitl_review.errors import StudyError
from hitl_review.study.reads import BoolArray, FloatArray, Reads

Names = NDArray[np.object_]

_NUMBERS = (
    "rating",
    "call",
    "truth",
    "model",
    "model_call",
    "shown",
    "shown_call",
    "seconds",
    "place",
    "joint",
)
_FLAGS = ("no_reveal", "wrong_model", "repeat")
_TEXTS = ("reader", "case", "modality", "session", "left_out", "deviation")


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """The reads of one study; every array has the shape (reads,).

    Attributes
    ----------
    reader, case, modality, session : names
    rating : float array
        What was said; larger means "more likely positive". 0 to 1 where it is a probability.
    call, truth, model_call, shown_call : float arrays of 0 and 1, NaN where there is none
        `model_call` is the model's own; `shown_call` what this reader saw, another where it was made wrong on
        purpose, NaN where the model was not shown.
    model, shown, joint : float arrays, probabilities, NaN where there is none
        `joint` is the estimate of reader and model together, from reads of other cases.
    seconds, place : float arrays
        Active time; the place of the read in its reader's list.
    no_reveal, wrong_model, repeat : bool arrays
        The model was withheld from this read; a wrong output was shown on purpose; a second read of the case.
    left_out, deviation : str arrays
        Why a read is not analysed, and what was not done by protocol; empty for most.
    groups : dict of str arrays
        Levels of each subgroup variable, the case's.
    """

    reader: Names
    case: Names
    modality: Names
    session: Names
    left_out: Names
    deviation: Names
    rating: FloatArray
    call: FloatArray
    truth: FloatArray
    model: FloatArray
    model_call: FloatArray
    shown: FloatArray
    shown_call: FloatArray
    seconds: FloatArray
    place: FloatArray
    joint: FloatArray
    no_reveal: BoolArray
    wrong_model: BoolArray
    repeat: BoolArray
    groups: dict[str, Names] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.reader)

    @property
    def readers(self) -> list[str]:
        """The readers, in order of appearance."""
        return list(dict.fromkeys(self.reader))

    @property
    def modalities(self) -> list[str]:
        """The modalities, in order of appearance."""
        return list(dict.fromkeys(self.modality))

    @property
    def analysed(self) -> BoolArray:
        """Which reads enter the analyses: not left out, no repeat, truth known."""
        return np.asarray((self.left_out == "") & ~self.repeat & ~np.isnan(self.truth))

    @property
    def are_probabilities(self) -> bool:
        """Whether every rating lies between 0 and 1."""
        said = self.rating[~np.isnan(self.rating)]
        return bool(len(said)) and bool(((said >= 0) & (said <= 1)).all())

    @property
    def has_calls(self) -> bool:
        """Whether every analysed read has a call."""
        return bool(self.analysed.any()) and not bool(np.isnan(self.call[self.analysed]).any())

    @property
    def has_model(self) -> bool:
        """Whether the model's own probability is known for every analysed read."""
        return bool(self.analysed.any()) and not bool(np.isnan(self.model[self.analysed]).any())

    def only(self, where: BoolArray | NDArray[np.intp]) -> Record:
        """The record with these reads only, by mask or by place."""
        columns = {name: getattr(self, name)[where] for name in (*_NUMBERS, *_FLAGS, *_TEXTS)}
        return Record(**columns, groups={name: levels[where] for name, levels in self.groups.items()})


def record_of(
    columns: Mapping[str, Sequence[Any]], *, groups: Mapping[str, Sequence[Any]] | None = None
) -> Record:
    """A record from columns by name; `reader`, `case`, `modality`, `rating` and `truth` must be there."""
    for name in ("reader", "case", "modality", "rating", "truth"):
        if name not in columns:
            raise StudyError(f"A record of reads needs a column '{name}'; it has {', '.join(columns)}.")
    count = len(columns["reader"])
    made: dict[str, Any] = {}
    for name in _TEXTS:
        made[name] = np.array([str(each) for each in columns.get(name, [""] * count)], dtype=object)
    for name in _NUMBERS:
        made[name] = np.array(
            [np.nan if each is None else float(each) for each in columns.get(name, [None] * count)],
            dtype=float,
        )
    for name in _FLAGS:
        made[name] = np.array([bool(each) for each in columns.get(name, [False] * count)], dtype=bool)
    levels = {
        name: np.array([str(v) for v in values], dtype=object) for name, values in (groups or {}).items()
    }
    lengths = {len(each) for each in (*made.values(), *levels.values())}
    if lengths != {count} or not count:
        raise StudyError(
            f"Every column of a record must have one entry per read; they have {sorted(lengths)}."
        )
    return Record(**made, groups=levels)


def record_from_reads(reads: Reads, *, threshold: float | None = None) -> Record:
    """A record of a plain study: who said what of which case, and nothing else.

    Ratings are calls where all are 0 or 1, or from a threshold on that was fixed before the study.
    """
    i, j, k = np.nonzero(reads.was_read)
    rating = reads.ratings[i, j, k]
    calls: FloatArray | None = None
    if threshold is not None:
        calls = (rating >= threshold).astype(float)
    elif np.isin(rating, (0, 1)).all():
        calls = rating
    columns: dict[str, Sequence[Any]] = {
        "modality": [reads.modalities[number] for number in i],
        "reader": [reads.readers[number] for number in j],
        "case": [reads.cases[number] for number in k],
        "rating": rating.tolist(),
        "truth": reads.truth[k].astype(float).tolist(),
    }
    return record_of(columns if calls is None else {**columns, "call": calls.tolist()})


def reads_in(record: Record, *modalities: str, what: str = "rating") -> Reads:
    """The analysed reads of these modalities, in this order, as arrays; `what` is rating, call, seconds or joint."""
    values = getattr(record, what)
    used = record.analysed & ~np.isnan(values) & np.isin(record.modality.astype(str), modalities)
    if not used.any():
        raise StudyError(f"There are no reads of {' or '.join(modalities)} with a {what} to analyse.")
    readers = list(dict.fromkeys(record.reader[used]))
    cases = list(dict.fromkeys(record.case[used]))
    i = [modalities.index(name) for name in record.modality[used]]
    j = [{name: n for n, name in enumerate(readers)}[name] for name in record.reader[used]]
    place = {name: number for number, name in enumerate(cases)}
    k = [place[name] for name in record.case[used]]
    cube = np.full((len(modalities), len(readers), len(cases)), np.nan)
    cube[i, j, k] = values[used]
    truth = np.zeros(len(cases), dtype=bool)
    truth[k] = record.truth[used] == 1
    return Reads(cube, truth, tuple(modalities), tuple(readers), tuple(cases))


def of_cases(record: Record, reads: Reads, what: str) -> FloatArray:
    """One value per case of `reads`, in its order, from a column that is the case's, not the read's."""
    by_case: dict[str, float] = {}
    for case, value in zip(record.case, getattr(record, what), strict=True):
        if not np.isnan(value):
            by_case.setdefault(case, float(value))
    return np.array([by_case.get(case, np.nan) for case in reads.cases])


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Reads of one case by one reader in two modalities, side by side; places are rows of the record."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]


def pairs_in(record: Record, first: str, second: str) -> Pairs:
    """The analysed reads made by the same reader of the same case under both modalities."""
    places: dict[tuple[str, str, str], int] = {
        (record.modality[row], record.reader[row], record.case[row]): int(row)
        for row in np.flatnonzero(record.analysed)
    }
    both = [
        (row, places[(second, reader, case)])
        for (modality, reader, case), row in places.items()
        if modality == first and (second, reader, case) in places
    ]
    return Pairs(np.array([a for a, _ in both], dtype=np.intp), np.array([b for _, b in both], dtype=np.intp))
