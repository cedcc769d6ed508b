"""A whole table of cases or outcomes, checked: what can be taken, and every value that can't.

Plain numbers, most of any table, are read and range-checked as arrays. Every other text is judged
once however often it stands there, by the rules in `values`, so a column costs by its distinct texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hitl_review.domain.case import Value
from hitl_review.project import Feature, Project
from hitl_review.workflow.tables import Rejection, Table, read_table, rejection
from hitl_review.workflow.values import (
    NUMBER,
    Judge,
    judge_case_id,
    judge_for,
    judge_outcome,
    plausible_range,
)

NAMED_PER_COLUMN: Final = 100_000
"""So many bad values of a column are named one by one; beyond, the column is wrong, and they are counted."""
_SLICE: Final = 5_000


_ABSENT: Final = np.array(None, dtype=object)


@dataclass(frozen=True, slots=True)
class Column:
    """One column, judged: its values in the order of the rows, and which of them are no values."""

    values: NDArray[Any]
    """Numbers as float64 with NaN for an empty cell, or texts as objects with None for it."""
    bad: NDArray[np.bool_]
    rejections: tuple[Rejection, ...]

    def part(self, start: int, stop: int) -> list[Value]:
        """Return some of the values as a case keeps them."""
        part = self.values[start:stop]
        if part.dtype == object:
            return list(part)
        values: list[Value] = np.where(np.isnan(part), _ABSENT, part.astype(object)).tolist()
        return values


@dataclass(frozen=True, slots=True)
class CheckedTable:
    """The rows of a file that have the right shape, judged; and everything that can't be taken."""

    ids: tuple[str, ...]
    """The id of every row as it stands in the file, good or bad."""
    rows: NDArray[np.int64]
    """The number of every row, as a person counts."""
    columns: Mapping[str, Column]
    good: NDArray[np.bool_]
    """Which rows hold nothing that can't be taken."""
    rejections: tuple[Rejection, ...]
    rejected: int
    """How many rejections there are; more than are named only where a column is wrong as a whole."""
    duplicates: tuple[str, ...]
    """The ids that stand in more than one row; all rows of theirs are rejected."""
    digest: str
    """`sha256:<hex>` of the file's bytes."""

    def good_rows(self) -> dict[str, int]:
        """Return the row number of each id whose row holds nothing that can't be taken."""
        return {self.ids[place]: int(self.rows[place]) for place in np.flatnonzero(self.good)}

    def cases(self) -> Iterator[tuple[str, dict[str, Value]]]:
        """Yield id and values of each good row, making the dictionaries as they are needed."""
        names = tuple(self.columns)
        for start in range(0, len(self.ids), _SLICE):
            parts = [column.part(start, start + _SLICE) for column in self.columns.values()]
            for place, values in enumerate(zip(*parts, strict=True), start):
                if self.good[place]:
                    yield self.ids[place], dict(zip(names, values, strict=True))


def read_cases(path: Path, project: Project, *, ignore_extra: bool = False) -> CheckedTable:
    """Read a file of cases and judge every cell; IntakeError if it is no table with the project's columns."""
    table = read_table(path, (project.id_column, *project.feature_names), ignore_extra=ignore_extra)
    ids = table.columns.pop(project.id_column)
    columns = {feature.name: _feature_column(feature, table) for feature in project.features}
    return _checked(table, project.id_column, ids, columns)


def read_outcomes(path: Path, project: Project, *, ignore_extra: bool = False) -> CheckedTable:
    """Read a file of outcomes and judge every cell; an empty cell is an outcome that is not known yet."""
    column = project.target.outcome_column
    table = read_table(path, (project.id_column, column), ignore_extra=ignore_extra)
    ids = table.columns.pop(project.id_column)
    texts = table.columns.pop(column)
    outcomes = judged(column, texts, table.rows, partial(judge_outcome, project), _unread(len(texts)))
    return _checked(table, project.id_column, ids, {column: outcomes})


def _feature_column(feature: Feature, table: Table) -> Column:
    """Judge one feature's cells, and let go of their text."""
    texts = table.columns.pop(feature.name)
    if feature.kind == "category":
        values: NDArray[Any] = np.full(len(texts), None, dtype=object)
    elif feature.kind == "number":
        values = _plausible_numbers(feature, texts)
    else:
        values = _unread(len(texts))
    return judged(feature.name, texts, table.rows, judge_for(feature), values)


def _unread(count: int) -> NDArray[np.float64]:
    return np.full(count, np.nan)


def _plausible_numbers(feature: Feature, texts: Any) -> NDArray[np.float64]:
    """Return the numbers of those texts that are plain and plausible, and NaN for the others."""
    plain = pc.match_substring_regex(texts, f"^(?:{NUMBER})$")
    numbers = pc.if_else(plain, texts, pa.scalar(None, pa.string())).cast(pa.float64())
    read: NDArray[np.float64] = numbers.to_numpy(zero_copy_only=False) + 0.0  # -0.0 becomes 0.0
    low, high = plausible_range(feature)
    return np.where((read >= low) & (read <= high) & np.isfinite(read), read, np.nan)


def judged(column: str, texts: Any, rows: NDArray[np.int64], judge: Judge, values: NDArray[Any]) -> Column:
    """Return a column with every value judged that is not there yet: NaN or None in `values`."""
    absent = np.equal(values, _ABSENT) if values.dtype == object else np.isnan(values)
    open_places = np.flatnonzero(absent)
    encoded = texts.take(pa.array(open_places)).dictionary_encode()
    codes = encoded.indices.to_numpy()
    distinct = encoded.dictionary.to_pylist()
    verdicts = [judge(text) for text in distinct]
    bad = np.zeros(len(texts), dtype=bool)
    if distinct:
        values[open_places] = np.array([value for value, _ in verdicts], dtype=values.dtype)[codes]
        bad[open_places] = np.array([fault is not None for _, fault in verdicts])[codes]
    faults = {text: fault for text, (_, fault) in zip(distinct, verdicts, strict=True) if fault is not None}
    return Column(values, bad, _named(column, texts, rows, bad, faults))


def _named(
    column: str, texts: Any, rows: NDArray[np.int64], bad: NDArray[np.bool_], faults: Mapping[str, str]
) -> tuple[Rejection, ...]:
    places = np.flatnonzero(bad)[:NAMED_PER_COLUMN]
    found = texts.take(pa.array(places)).to_pylist()
    numbers = rows[places].tolist()
    return tuple(rejection(row, column, text, faults[text]) for row, text in zip(numbers, found, strict=True))


def _checked(table: Table, id_column: str, ids: Any, columns: dict[str, Column]) -> CheckedTable:
    names = judged(id_column, ids, table.rows, judge_case_id, np.full(len(ids), None, dtype=object))
    texts = tuple(ids.to_pylist())
    repeated = _repeated(texts, names.bad)
    twins = _twins(id_column, repeated, table.rows)
    every = (names, *columns.values())
    bad: NDArray[np.bool_] = np.any([column.bad for column in every], axis=0)
    bad[[place for places in repeated.values() for place in places]] = True
    found = [*table.rejections, *twins, *(each for column in every for each in column.rejections)]
    count = len(table.rejections) + len(twins) + sum(int(column.bad.sum()) for column in every)
    found.sort(key=lambda each: each.row)
    return CheckedTable(
        texts, table.rows, columns, ~bad, tuple(found), count, tuple(sorted(repeated)), table.digest
    )


def _repeated(ids: Sequence[str], bad: NDArray[np.bool_]) -> dict[str, list[int]]:
    """Return the places of each id that stands in more than one row."""
    first: dict[str, int] = {}
    again: dict[str, list[int]] = {}
    for place, (case_id, is_bad) in enumerate(zip(ids, bad.tolist(), strict=True)):
        if not is_bad and first.setdefault(case_id, place) != place:
            again.setdefault(case_id, [first[case_id]]).append(place)
    return again


def _twins(id_column: str, repeated: Mapping[str, list[int]], rows: NDArray[np.int64]) -> list[Rejection]:
    """Reject every row of a repeated id, since nobody can tell which one is right; each names another."""
    return [
        rejection(int(rows[place]), id_column, case_id, f"stands in row {rows[other]} too")
        for case_id, places in repeated.items()
        for place, other in zip(places, [places[1], *[places[0]] * len(places)], strict=False)
    ]
