"""The columns a model was fitted on, and how the values of a case become a row of its matrix.

The columns are always chosen by the stored list, never by the order a caller has them in: a matrix with
two columns swapped is scored and explained without complaint, with the wrong sign. Categories are numbered
by us and checked by us: XGBoost 3.1 and 3.2 score a level they have not seen as another, known one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import nan
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import xgboost

from hitl_review.domain.audit import digest
from hitl_review.domain.case import Value
from hitl_review.errors import ModelError
from hitl_review.project import Project

Matrix = npt.NDArray[np.float32]
"""Shape (n_cases, n_features), columns as in the specification, NaN where nothing was measured."""

_XGBOOST_TYPES: Final = {"number": "q", "flag": "i", "category": "c"}
_SIGNS: Final = {"raises": 1, "lowers": -1, "none": 0}


@dataclass(frozen=True, slots=True)
class Column:
    """One feature as the model knows it: a number, a flag (0 or 1), or a category with numbered levels."""

    name: str
    kind: str
    levels: tuple[str, ...] = ()


@dataclass(frozen=True)
class FeatureSpec:
    """The ordered list of columns; two specifications with the same digest make the same matrix."""

    columns: tuple[Column, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def digest(self) -> str:
        """`sha256:<hex>` of the list: names, kinds, levels and their order."""
        return digest(self.as_json())

    @cached_property
    def xgboost_types(self) -> list[str]:
        """XGBoost's letter for each column: q for numbers, i for flags, c for categories."""
        return [_XGBOOST_TYPES[column.kind] for column in self.columns]

    def as_json(self) -> list[dict[str, Any]]:
        """Return the list as it is stored with the model."""
        return [{"name": c.name, "kind": c.kind, "levels": list(c.levels)} for c in self.columns]

    @classmethod
    def from_json(cls, stored: Sequence[Mapping[str, Any]]) -> FeatureSpec:
        """Read what `as_json` wrote."""
        return cls(tuple(Column(str(c["name"]), str(c["kind"]), tuple(c["levels"])) for c in stored))


def feature_spec(project: Project) -> FeatureSpec:
    """Return the columns of a project, in the order of its file."""
    return FeatureSpec(tuple(Column(f.name, f.kind, f.level_codes) for f in project.features))


def directions(project: Project) -> dict[str, int]:
    """Return the direction a clinician gave each feature: 1 raises the risk, -1 lowers it; no others."""
    return {f.name: _SIGNS[f.direction] for f in project.features if _SIGNS[f.direction]}


def matrix(spec: FeatureSpec, rows: Sequence[Mapping[str, Value]]) -> Matrix:
    """Turn cases' values into the matrix the model reads, or refuse them naming the feature.

    Numbers stay as they are, flags are 0 or 1, a category is the position of its level, and what was not
    measured is NaN. Keys that are no feature are ignored. Messages never hold the value: it is a patient's.
    """
    table = np.empty((len(rows), len(spec.columns)), dtype=np.float32)
    for place, column in enumerate(spec.columns):
        table[:, place] = _numbers(column, _column(column, rows))
    return table


def dmatrix(
    spec: FeatureSpec,
    values: Matrix,
    *,
    labels: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    threads: int = 0,
) -> xgboost.DMatrix:
    """Return XGBoost's form of a matrix, with the columns' names and types to check; 0 threads means all."""
    if values.ndim != 2 or values.shape[1] != len(spec.columns):
        raise ModelError(
            f"The model reads {len(spec.columns)} columns; the matrix has the shape {values.shape}. "
            "Make it with features.matrix and the model's own specification."
        )
    return xgboost.DMatrix(
        values,
        label=labels,
        weight=weights,
        feature_names=list(spec.names),
        feature_types=spec.xgboost_types,
        enable_categorical=True,
        nthread=threads or None,
    )


def _column(column: Column, rows: Sequence[Mapping[str, Value]]) -> list[Value]:
    try:
        return [row[column.name] for row in rows]
    except KeyError as error:
        asked = f"The model needs the feature '{column.name}', and a case does not have it"
        raise ModelError(f"{asked}. Give it, with no value if it was not measured.") from error


def _numbers(column: Column, values: list[Value]) -> npt.NDArray[np.float64]:
    if column.kind == "category":
        return _positions(column, values)
    _check_types(column, values, (float, int))
    numbers = np.array([nan if value is None else value for value in values], dtype=np.float64)
    with np.errstate(over="ignore"):
        if np.isinf(numbers.astype(np.float32)).any():
            raise _refusal(column)
    if column.kind == "flag" and not (np.isnan(numbers) | np.isin(numbers, (0, 1))).all():
        raise _refusal(column)
    return numbers


def _positions(column: Column, values: list[Value]) -> npt.NDArray[np.float64]:
    _check_types(column, values, (str,))
    position: dict[Value, float] = {level: float(number) for number, level in enumerate(column.levels)}
    position[None] = nan
    try:
        return np.array([position[value] for value in values], dtype=np.float64)
    except KeyError:
        # The KeyError holds the value, so it is not chained.
        raise _refusal(column) from None


def _check_types(column: Column, values: Collection[Value], allowed: tuple[type, ...]) -> None:
    for kind in {type(value) for value in values}:
        truth = kind in (bool, np.bool_)
        if kind is not type(None) and (not issubclass(kind, allowed) or (truth and column.kind != "flag")):
            raise _refusal(column)


def _refusal(column: Column) -> ModelError:
    expected = {
        "number": "a finite number",
        "flag": "0 or 1",
        "category": "one of " + ", ".join(column.levels),
    }[column.kind]
    found = "A case has something else"
    return ModelError(
        f"The feature '{column.name}' must be {expected}, or nothing. {found}; correct it at intake."
    )
