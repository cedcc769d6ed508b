"""One reader study as arrays: who read which case under which modality, and what they said.

Everything in this package starts from `Reads`. A read that was not made is NaN, so that every
design (fully crossed, split-plot, nested, with gaps) has the same shape and its nesting can be seen.

    >>> import numpy as np
    >>> reads = as_reads(np.array([[[1., 2., 3.], [2., 1., 3.]]]), [0, 0, 1])
    >>> reads.modalities, reads.readers, reads.nesting.words()
    (('modality 1',), ('reader 1', 'reader 2'), 'every reader read every case under every modality')
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hitl_review.errors import StudyError

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Nesting:
    """Which of readers, cases and modalities are crossed and which are nested in another.

    It decides which covariances exist at all: readers who never saw the same case can't be
    correlated through it, so Cov2 and Cov3 are zero by design and not by estimate.
    """

    cases_in_readers: bool
    cases_in_modalities: bool
    readers_in_modalities: bool
    complete: bool

    def words(self) -> str:
        """The design in one phrase, for reports."""
        if self.complete:
            return "every reader read every case under every modality"
        nested = [
            words
            for words, present in (
                ("cases nested in readers", self.cases_in_readers),
                ("cases nested in modalities", self.cases_in_modalities),
                ("readers nested in modalities", self.readers_in_modalities),
            )
            if present
        ]
        return " and ".join(nested) or "crossed, with reads missing or split by plan"


@dataclass(frozen=True, slots=True, eq=False)
class Reads:
    """The reads of one study.

    Attributes
    ----------
    ratings : float array, shape (modalities, readers, cases)
        What was said; larger means "more likely positive". NaN where a case was not read.
    truth : bool array, shape (cases,)
        The reference standard.
    modalities, readers, cases : tuples of str
        Names along the three axes.
    """

    ratings: FloatArray
    truth: BoolArray
    modalities: tuple[str, ...]
    readers: tuple[str, ...]
    cases: tuple[str, ...]

    def __post_init__(self) -> None:
        shape = (len(self.modalities), len(self.readers), len(self.cases))
        if self.ratings.shape != shape or self.truth.shape != shape[2:]:
            raise StudyError(
                f"Ratings must have the shape (modalities, readers, cases) = {shape} and truth {shape[2:]}, "
                f"but they have {self.ratings.shape} and {self.truth.shape}; give one rating per name."
            )
        if not self.was_read.any():
            raise StudyError("A study needs reads, but there is none; give at least one rating.")
        empty = np.flatnonzero(~self.was_read.any(axis=(1, 2)))
        if len(empty):
            raise StudyError(
                f"No case was read under '{self.modalities[empty[0]]}'; leave that modality out."
            )

    @property
    def was_read(self) -> BoolArray:
        """Whether each read was made, shape (modalities, readers, cases)."""
        return ~np.isnan(self.ratings)

    @property
    def cells(self) -> BoolArray:
        """Whether each reader read anything under each modality, shape (modalities, readers)."""
        return np.asarray(self.was_read.any(axis=2))

    @property
    def missing(self) -> int:
        """How many reads are missing within the pairs of reader and modality that exist."""
        return int((~self.was_read[self.cells]).sum())

    @property
    def nesting(self) -> Nesting:
        """Which factors are nested, seen from what was read."""
        was_read = self.was_read
        modalities_of_case = was_read.any(axis=1).sum(axis=0)
        readers_of_case = was_read.any(axis=0).sum(axis=0)
        modalities_of_reader = self.cells.sum(axis=0)
        several_modalities = len(self.modalities) > 1
        return Nesting(
            cases_in_readers=len(self.readers) > 1 and bool((readers_of_case <= 1).all()),
            cases_in_modalities=several_modalities and bool((modalities_of_case <= 1).all()),
            readers_in_modalities=several_modalities and bool((modalities_of_reader <= 1).all()),
            complete=bool(was_read.all()),
        )

    def under(self, *modalities: str) -> Reads:
        """The same study with only these modalities, in this order, and the readers and cases they have."""
        unknown = [name for name in modalities if name not in self.modalities]
        if unknown:
            raise StudyError(
                f"There is no modality '{unknown[0]}' in this study; it has {', '.join(self.modalities)}."
            )
        return _part(
            self, [self.modalities.index(name) for name in modalities], list(range(len(self.readers)))
        )

    def by(self, reader: str) -> Reads:
        """The same study with one reader only, and the modalities and cases that reader has."""
        if reader not in self.readers:
            raise StudyError(
                f"There is no reader '{reader}' in this study; it has {', '.join(self.readers)}."
            )
        return _part(self, list(range(len(self.modalities))), [self.readers.index(reader)])


def as_reads(
    ratings: ArrayLike,
    truth: ArrayLike,
    *,
    modalities: Sequence[str] | None = None,
    readers: Sequence[str] | None = None,
    cases: Sequence[str] | None = None,
) -> Reads:
    """Reads from an array of shape (modalities, readers, cases) and truth per case; names are optional."""
    cube = np.asarray(ratings, dtype=float)
    if cube.ndim != 3:
        raise StudyError(
            f"Ratings must have three axes (modalities, readers, cases), but they have {cube.ndim}; add an "
            "axis of length one where there is a single modality or reader."
        )
    return Reads(
        ratings=cube,
        truth=as_truth(truth),
        modalities=_names(modalities, "modality", cube.shape[0]),
        readers=_names(readers, "reader", cube.shape[1]),
        cases=_names(cases, "case", cube.shape[2]),
    )


def as_truth(truth: ArrayLike) -> BoolArray:
    """Truth as booleans; refuses anything that is not 0 or 1."""
    values = np.asarray(truth)
    if values.dtype != bool and not np.isin(values, (0, 1)).all():
        odd = values[~np.isin(values, (0, 1))].ravel()[0]
        raise StudyError(
            f"Truth must be 0 or 1 for every case, but one is {odd!r}; correct or leave out that case."
        )
    return values.astype(bool)


def _names(given: Sequence[str] | None, kind: str, count: int) -> tuple[str, ...]:
    if given is None:
        return tuple(f"{kind} {number + 1}" for number in range(count))
    return tuple(str(name) for name in given)


def _part(reads: Reads, modalities: list[int], readers: list[int]) -> Reads:
    """These modalities and readers; whoever and whatever has no read left is left out and would only blur counts."""
    ratings = reads.ratings[np.ix_(modalities, readers)]
    was_read = ~np.isnan(ratings)
    kept = was_read.any(axis=(1, 2)), was_read.any(axis=(0, 2)), was_read.any(axis=(0, 1))
    return Reads(
        ratings=ratings[np.ix_(*kept)],
        truth=reads.truth[kept[2]],
        modalities=tuple(np.array(reads.modalities, dtype=object)[modalities][kept[0]]),
        readers=tuple(np.array(reads.readers, dtype=object)[readers][kept[1]]),
        cases=tuple(np.array(reads.cases, dtype=object)[kept[2]]),
    )
