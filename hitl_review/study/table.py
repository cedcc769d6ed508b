"""A reader-study table, one row per read, made into arrays; and the one call that analyses it.

A table is anything whose columns are found by name: a pandas DataFrame, or a dictionary of lists.

    >>> table = {
    ...     "reader": ["A", "A", "A", "A", "B", "B", "B", "B"],
    ...     "modality": ["solo"] * 8,
    ...     "case": [1, 2, 3, 4] * 2,
    ...     "truth": [0, 0, 1, 1] * 2,
    ...     "rating": [10, 40, 30, 90, 20, 20, 50, 60],
    ... }
    >>> mrmc_analysis(table).estimate
    0.875
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any, Protocol

import numpy as np

from hitl_review.errors import StudyError
from hitl_review.study.metrics import metric_named
from hitl_review.study.mrmc import analyse
from hitl_review.study.reads import BoolArray, FloatArray, Reads
from hitl_review.study.results import MrmcResult

TRUE_WORDS = {"1", "1.0", "true"}
FALSE_WORDS = {"0", "0.0", "false"}


class Table(Protocol):
    """What is needed of a table: its columns' names, and a column by name."""

    def __getitem__(self, name: str, /) -> Any: ...

    def __contains__(self, name: object, /) -> bool: ...

    def __iter__(self) -> Iterator[Any]: ...


def mrmc_analysis(
    frame: Table | Mapping[str, Sequence[Any]],
    *,
    truth_col: str = "truth",
    reader_col: str = "reader",
    modality_col: str = "modality",
    case_col: str = "case",
    rating_col: str = "rating",
    metric: str = "auc",
    covariance: str = "jackknife",
    readers: str = "random",
    cases: str = "random",
    threshold: float | None = None,
    confidence: float = 0.95,
) -> MrmcResult:
    """Analyse a reader-study table: is the first modality better or worse than the second?

    Modalities keep the order in which they first appear, unless all are numbers: those are sorted.
    The design (crossed, split-plot, nested) is seen from the table. `metric` and `threshold` are
    those of `metric_named`, the rest those of `analyse`; `MrmcResult.as_json()` gives the keys of
    the command line.
    """
    reads = read_table(
        frame,
        truth_col=truth_col,
        reader_col=reader_col,
        modality_col=modality_col,
        case_col=case_col,
        rating_col=rating_col,
    )
    return analyse(
        reads,
        metric=metric_named(metric, threshold=threshold),
        covariance=covariance,
        readers=readers,
        cases=cases,
        confidence=confidence,
    )


def read_table(
    frame: Table | Mapping[str, Sequence[Any]],
    *,
    truth_col: str = "truth",
    reader_col: str = "reader",
    modality_col: str = "modality",
    case_col: str = "case",
    rating_col: str = "rating",
) -> Reads:
    """The table as `Reads`; an empty rating is a read that was not made.

    Refuses, with the row and the value: a missing column, a truth that is not 0 or 1 or that differs
    within one case, a rating that is not a finite number, a read that is there twice. Rows count from
    1, the header not included.
    """
    names = {
        what: _labels(frame, column, what)
        for what, column in (("modality", modality_col), ("reader", reader_col), ("case", case_col))
    }
    truth, ratings = _truth(frame, truth_col), _ratings(frame, rating_col)
    _check_lengths([*names.values(), truth, ratings])
    modalities, i = _index(names["modality"], order_numbers=True)
    readers, j = _index(names["reader"], order_numbers=True)
    cases, k = _index(names["case"], order_numbers=False)
    _check_once(i, j, k, names)
    cube = np.full((len(modalities), len(readers), len(cases)), np.nan)
    cube[i, j, k] = ratings
    return Reads(cube, _truth_of_cases(truth, k, cases), modalities, readers, cases)


def _column(frame: Table | Mapping[str, Sequence[Any]], name: str, what: str) -> Any:
    if name not in frame:
        columns = ", ".join(str(column) for column in frame)
        raise StudyError(
            f"The table needs a column of {what}, but has no column '{name}'; it has {columns}. Name the "
            "right one."
        )
    return frame[name]


def _labels(frame: Table | Mapping[str, Sequence[Any]], name: str, what: str) -> np.ndarray:
    values = np.asarray(_column(frame, name, f"{what} names"), dtype=object)
    labels = np.array([_label(value) for value in values], dtype=object)
    empty = np.flatnonzero(labels == "")
    if len(empty):
        raise StudyError(f"Row {empty[0] + 1} of column '{name}' is empty; every read needs its {what}.")
    return labels


def _label(value: Any) -> str:
    """A name as text: 7.0 and 7 are the same name, an empty cell is none."""
    if _is_empty(value):
        return ""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def _is_empty(value: Any) -> bool:
    """Whether a cell is empty: None, NaN, or a data frame's own mark of it (which can't be compared)."""
    return value is None or type(value).__name__ in ("NAType", "NaTType") or value != value


def _truth(frame: Table | Mapping[str, Sequence[Any]], name: str) -> BoolArray:
    words = [_label(value).lower() for value in np.asarray(_column(frame, name, "truth"), dtype=object)]
    for row, word in enumerate(words):
        if word not in TRUE_WORDS and word not in FALSE_WORDS:
            raise StudyError(
                f"Truth must be 0 or 1, but row {row + 1} of column '{name}' has '{word}'; correct it."
            )
    return np.array([word in TRUE_WORDS for word in words], dtype=bool)


def _ratings(frame: Table | Mapping[str, Sequence[Any]], name: str) -> FloatArray:
    values = [_rating(value) for value in np.asarray(_column(frame, name, "ratings"), dtype=object)]
    for row, value in enumerate(values):
        if isinstance(value, str) or np.isinf(value):
            raise StudyError(
                f"A rating must be a finite number, but row {row + 1} of column '{name}' has '{value}'; "
                "correct it or leave it empty."
            )
    return np.array(values, dtype=float)


def _rating(value: Any) -> float | str:
    """The number, NaN for an empty cell, or the text that is no number."""
    text = _label(value)
    if text == "" or text.lower() in ("nan", "na", "none"):
        return float("nan")
    try:
        return float(value)
    except (TypeError, ValueError):
        return text


def _check_lengths(columns: list[np.ndarray]) -> None:
    lengths = {len(column) for column in columns}
    if len(lengths) > 1:
        raise StudyError(f"All columns of a table must have one length, but they have {sorted(lengths)}.")
    if lengths == {0}:
        raise StudyError("The table has no rows; give at least one read.")


def _index(labels: np.ndarray, *, order_numbers: bool) -> tuple[tuple[str, ...], np.ndarray]:
    """Distinct names in order of first appearance (numbers sorted), and each row's place among them."""
    names = list(dict.fromkeys(labels))
    if order_numbers and all(_is_number(name) for name in names):
        names.sort(key=float)
    places = {name: place for place, name in enumerate(names)}
    return tuple(names), np.array([places[label] for label in labels])


def _is_number(name: str) -> bool:
    try:
        return isfinite(float(name))
    except ValueError:
        return False


def _check_once(i: np.ndarray, j: np.ndarray, k: np.ndarray, names: dict[str, np.ndarray]) -> None:
    """One read per reader, case and modality: which of two should count is not ours to choose."""
    _, first, counts = np.unique(np.stack([i, j, k]), axis=1, return_index=True, return_counts=True)
    if (counts > 1).any():
        row = int(np.min(first[counts > 1]))
        raise StudyError(
            f"Reader '{names['reader'][row]}' read case '{names['case'][row]}' under "
            f"'{names['modality'][row]}' more than once (first in row {row + 1}); keep one read of each."
        )


def _truth_of_cases(truth: BoolArray, k: np.ndarray, cases: tuple[str, ...]) -> BoolArray:
    reads_per_case = np.bincount(k, minlength=len(cases))
    positives_per_case = np.bincount(k, weights=truth, minlength=len(cases))
    torn = np.flatnonzero((positives_per_case > 0) & (positives_per_case < reads_per_case))
    if len(torn):
        raise StudyError(
            f"Case '{cases[torn[0]]}' has truth 0 in one row and 1 in another; every case has one truth, and "
            "different patients need different names."
        )
    return positives_per_case > 0
