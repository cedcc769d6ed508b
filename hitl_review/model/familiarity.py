"""What a model was trained on, and what in a case lies outside it.

XGBoost scores absurd values and empty rows without complaint, so this is ours. Two questions are asked:

- value by value: was it measured, and does it lie in the range (0.1 to 99.9 %) of the training cases? This
  one explains itself and finds a single wild value;
- for the case as a whole: is it farther from the training cases than they are from each other? This one finds
  combinations that are unusual though each value is ordinary. It compares with prototypes, so a stored model
  holds no patient's record; on SUPPORT2 they told shifted from ordinary cases as well as 500 real cases did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from hitl_review.model.features import Column, FeatureSpec, Matrix
from hitl_review.model.prototypes import (
    Coordinates,
    Prototypes,
    Scale,
    coordinates,
    learn_scale,
    packed,
    prototypes,
    unpacked,
)

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

USUAL_SHARE: Final = 0.995
"""A case is far when its distance is larger than that of this share of the training cases."""
WILD_VALUES: Final = 3
"""One value outside the training range is a mark on that value; this many make the whole case unlike."""
_RANGE: Final = (0.001, 0.999)
_QUANTILES: Final = np.linspace(0, 1, 201)
_FOLDS: Final = 5
_CHUNK: Final = 4096
"""Cases compared at a time: more need more memory and, past the processor's cache, more time."""


class Mark(StrEnum):
    """What is unusual about one value, seen from the training cases."""

    NOT_MEASURED = "not_measured"
    BELOW_TRAINING = "below_training"
    ABOVE_TRAINING = "above_training"
    NOT_IN_TRAINING = "not_in_training"
    """A level, or a value of a feature, that no training case had."""


@dataclass(frozen=True, slots=True)
class Span:
    """What the training cases had of one feature: a range of numbers, or the codes of a flag or category."""

    low: float | None = None
    high: float | None = None
    codes: tuple[float, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the span as it is stored with the model."""
        return {"low": self.low, "high": self.high, "codes": list(self.codes)}


@dataclass(frozen=True, slots=True)
class Unfamiliarity:
    """How one case lies outside the training cases; `percentile` is the share of them that are less far."""

    unlike: bool
    percentile: float
    outside: tuple[str, ...]
    too_many_missing: bool
    far: bool

    def sentence(self, labels: Mapping[str, str]) -> str:
        """Say what is unusual in the features' own words; empty where nothing is."""
        parts = []
        if self.outside:
            named = ", ".join(labels.get(name, name) for name in self.outside)
            parts.append(f"values outside what the model was trained on: {named}")
        if self.too_many_missing:
            parts.append("more values not measured than in any training case")
        if self.far:
            parts.append("a combination of values that is rare among the training cases")
        return "; ".join(parts)


class Novelty(NamedTuple):
    """The same for many cases, as arrays: `outside` of shape (n, n_features), the others of shape (n,)."""

    outside: Flags
    too_many_missing: Flags
    percentile: Floats
    far: Flags

    @property
    def unlike(self) -> Flags:
        """Whether each case as a whole is unlike the training cases."""
        wild: Flags = self.outside.sum(axis=1) >= WILD_VALUES
        return wild | self.too_many_missing | self.far


@dataclass(frozen=True, slots=True, eq=False)
class Familiarity:
    """The training cases in summary: the span of each feature, the scale, prototypes, and usual distances."""

    spec: FeatureSpec
    spans: tuple[Span, ...]
    most_missing: int
    scale: Scale
    prototypes: Prototypes
    distances: Floats
    """Quantiles of the training cases' own distances, each measured from prototypes it is no part of."""

    def as_json(self) -> dict[str, Any]:
        """Return the summary as it is stored with the model."""
        return {
            "spans": [span.as_json() for span in self.spans],
            "most_missing": self.most_missing,
            "scale": self.scale.as_json(),
            "prototypes": self.prototypes.as_json(),
            "distances": packed(self.distances),
        }

    @classmethod
    def from_json(cls, spec: FeatureSpec, stored: Mapping[str, Any]) -> Familiarity:
        """Read what `as_json` wrote."""
        return cls(
            spec=spec,
            spans=tuple(Span(span["low"], span["high"], tuple(span["codes"])) for span in stored["spans"]),
            most_missing=int(stored["most_missing"]),
            scale=Scale.from_json(stored["scale"]),
            prototypes=Prototypes.from_json(spec, stored["prototypes"]),
            distances=unpacked(stored["distances"]),
        )


def learn(spec: FeatureSpec, values: Matrix) -> Familiarity:
    """Summarise the training cases."""
    scale = learn_scale(values)
    cases = coordinates(spec, scale, values)
    own = np.quantile(_own_distances(cases), _QUANTILES)
    return Familiarity(
        spec=spec,
        spans=tuple(_span(column, of) for column, of in zip(spec.columns, values.T, strict=True)),
        most_missing=int(np.isnan(values).sum(axis=1).max()),
        scale=scale,
        prototypes=prototypes(cases),
        distances=own.astype(np.float32).astype(np.float64),
    )


def novelty(familiarity: Familiarity, values: Matrix) -> Novelty:
    """Say of each case what is outside the training cases, and whether the case as a whole is."""
    parts = [
        _novelty(familiarity, values[start : start + _CHUNK]) for start in range(0, len(values) or 1, _CHUNK)
    ]
    return Novelty(*(np.concatenate(answers) for answers in zip(*parts, strict=True)))


def unfamiliarity(familiarity: Familiarity, values: Matrix) -> Unfamiliarity:
    """Say of the one case of a matrix with one row what is outside the training cases."""
    answer = novelty(familiarity, values)
    names = np.array(familiarity.spec.names)[answer.outside[0]]
    return Unfamiliarity(
        unlike=bool(answer.unlike[0]),
        percentile=float(answer.percentile[0]),
        outside=tuple(str(name) for name in names),
        too_many_missing=bool(answer.too_many_missing[0]),
        far=bool(answer.far[0]),
    )


def marks(familiarity: Familiarity, values: Matrix) -> dict[str, Mark]:
    """Return the marks of the case of a matrix with one row; features without one are left out."""
    found = (_mark(span, float(value)) for span, value in zip(familiarity.spans, values[0], strict=True))
    return {name: mark for name, mark in zip(familiarity.spec.names, found, strict=True) if mark}


def _novelty(familiarity: Familiarity, values: Matrix) -> Novelty:
    cases = coordinates(familiarity.spec, familiarity.scale, values)
    distance = familiarity.prototypes.distances(cases)
    rank = np.searchsorted(familiarity.distances, distance, side="right")
    return Novelty(
        outside=_outside(familiarity, values),
        too_many_missing=np.isnan(values).sum(axis=1) > familiarity.most_missing,
        percentile=100.0 * rank / len(familiarity.distances),
        far=distance > np.interp(USUAL_SHARE, _QUANTILES, familiarity.distances),
    )


def _span(column: Column, values: npt.NDArray[np.float32]) -> Span:
    known = values[~np.isnan(values)].astype(np.float64)
    if column.kind != "number":
        return Span(codes=tuple(float(code) for code in np.unique(known)))
    if not len(known):
        return Span()
    low = np.quantile(known, _RANGE[0], method="lower")
    high = np.quantile(known, _RANGE[1], method="higher")
    return Span(float(low), float(high))


def _mark(span: Span, value: float) -> Mark | None:
    if np.isnan(value):
        return Mark.NOT_MEASURED
    if span.low is None or span.high is None:
        return None if value in span.codes else Mark.NOT_IN_TRAINING
    if value < span.low:
        return Mark.BELOW_TRAINING
    return Mark.ABOVE_TRAINING if value > span.high else None


def _outside(familiarity: Familiarity, values: Matrix) -> Flags:
    outside = np.zeros(values.shape, dtype=np.bool_)
    for place, span in enumerate(familiarity.spans):
        column = values[:, place]
        if span.low is None or span.high is None:
            outside[:, place] = ~np.isin(column, span.codes) & ~np.isnan(column)
        else:
            outside[:, place] = (column < span.low) | (column > span.high)
    return outside


def _own_distances(cases: Coordinates) -> Floats:
    """Each training case's distance to prototypes of the other four fifths."""
    fold = np.random.default_rng(0).permutation(len(cases.points)) % _FOLDS
    distances = np.empty(len(fold))
    for part in range(_FOLDS):
        inside = fold == part
        distances[inside] = prototypes(cases.only(~inside)).distances(cases.only(inside))
    return distances
