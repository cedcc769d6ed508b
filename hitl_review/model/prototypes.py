"""How far a case is from the training cases, without keeping any of them.

A prototype is the mean of a small group of similar training cases. Coordinates are one per number (in robust
standard deviations, cut at 3), one per flag, one per level of a category; two different levels are 1 apart,
as are a measured and an unmeasured value, so an unusual pattern of missing values counts too.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from hitl_review.model.features import FeatureSpec, Matrix

Floats = npt.NDArray[np.float64]

LEAST_CASES: Final = 5
"""A prototype of fewer cases would come near to being one patient's record."""
MOST_PROTOTYPES: Final = 128
NEAREST: Final = 5
"""A case's distance is the mean of those to this many nearest prototypes."""
_REACH: Final = 3.0
"""Standardised values are cut here: one wild value is the range's business, not the distance's."""
_NORMAL_QUARTILES: Final = 1.349
"""The quartiles of a normal distribution are this many standard deviations apart."""


class Coordinates(NamedTuple):
    """Cases as points: `points` of shape (n, n_coordinates), `measured` of shape (n, n_features).

    Of a case, `measured` is 0 or 1 and an unmeasured feature's coordinates are 0; of a prototype, `measured`
    is the share of its group and `points` the mean of those. `owners` is the feature of each coordinate.
    """

    points: Floats
    measured: Floats
    owners: npt.NDArray[np.intp]

    def only(self, chosen: npt.NDArray[np.bool_]) -> Coordinates:
        """Return some of the cases."""
        return Coordinates(self.points[chosen], self.measured[chosen], self.owners)


@dataclass(frozen=True, eq=False)
class Scale:
    """Median and robust standard deviation of each column; only numbers use them."""

    centres: Floats
    spreads: Floats

    def as_json(self) -> dict[str, str]:
        """Return the scale as it is stored with the model."""
        return {"centres": packed(self.centres), "spreads": packed(self.spreads)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Scale:
        """Read what `as_json` wrote."""
        return cls(unpacked(stored["centres"]), unpacked(stored["spreads"]))


@dataclass(frozen=True, eq=False)
class Prototypes:
    """Means of groups of training cases."""

    means: Coordinates

    @cached_property
    def _terms(self) -> tuple[Floats, Floats]:
        """The prototypes' part of the squared distance, so that many distances are one matrix product.

        With x, m of a case and y, n of a prototype (points, measured), the square is the sum over features of
        m n (x - y)^2 + m (1 - n) + (1 - m) n; x is 0 where m is.
        """
        points, measured, owners = self.means
        known = measured[:, owners]
        if_measured = 1 - 2 * measured
        np.add.at(if_measured.T, owners, (known * points**2).T)
        return np.hstack([known, -2 * known * points, if_measured]).T, measured.sum(axis=1)

    def distances(self, cases: Coordinates) -> Floats:
        """Return each case's mean distance to its nearest prototypes, shape (n_cases,)."""
        weights, constant = self._terms
        squares = np.hstack([cases.points**2, cases.points, cases.measured]) @ weights
        squares += constant
        squares.partition(min(NEAREST, squares.shape[1]) - 1, axis=1)
        nearest = np.sqrt(np.maximum(squares[:, :NEAREST], 0))
        # Rounded, because the last bits of a matrix product depend on how many cases are asked at once.
        distances: Floats = np.round(nearest.mean(axis=1), 6)
        return distances

    def as_json(self) -> dict[str, Any]:
        """Return the prototypes as they are stored with the model."""
        points, measured, _ = self.means
        return {"count": len(points), "points": packed(points), "measured": packed(measured)}

    @classmethod
    def from_json(cls, spec: FeatureSpec, stored: Mapping[str, Any]) -> Prototypes:
        """Read what `as_json` wrote."""
        points, measured = (
            unpacked(stored[name]).reshape(stored["count"], -1) for name in ("points", "measured")
        )
        return cls(Coordinates(points, measured, _owners(spec)))


def learn_scale(values: Matrix) -> Scale:
    """Return the median and robust spread of each column; 0 and 1 where nothing was measured."""
    columns = [column[~np.isnan(column)].astype(np.float64) for column in values.T]
    centres = [float(np.median(column)) if len(column) else 0.0 for column in columns]
    return Scale(_rounded(np.array(centres)), _rounded(np.array([_spread(column) for column in columns])))


def coordinates(spec: FeatureSpec, scale: Scale, values: Matrix) -> Coordinates:
    """Return cases as points in the space in which they are compared."""
    measured = ~np.isnan(values)
    filled = np.where(measured, values, 0).astype(np.float64)
    standard = np.clip((filled - scale.centres) / scale.spreads, -_REACH, _REACH) * measured
    blocks = []
    for place, column in enumerate(spec.columns):
        if column.kind == "category":
            chosen = values[:, [place]] == np.arange(len(column.levels))
            # Two different levels are then 1 apart.
            blocks.append(chosen * sqrt(0.5))
        else:
            blocks.append((standard if column.kind == "number" else filled)[:, [place]])
    return Coordinates(np.hstack(blocks), measured.astype(np.float64), _owners(spec))


def prototypes(cases: Coordinates) -> Prototypes:
    """Group the cases by halving along the widest coordinate, and return the groups' means."""
    least = max(LEAST_CASES, -(-len(cases.points) // MOST_PROTOTYPES))
    groups = _halved(np.arange(len(cases.points)), cases.points, least=least)
    measured = np.array([cases.measured[group].mean(axis=0) for group in groups])
    sums = np.array([cases.points[group].mean(axis=0) for group in groups])
    known = measured[:, cases.owners]
    points = sums / np.where(known > 0, known, 1)
    return Prototypes(Coordinates(_rounded(points), _rounded(measured), cases.owners))


def packed(array: Floats) -> str:
    """Return an array as text: little-endian float32 in base64, the same on every machine."""
    return base64.b64encode(array.astype("<f4").tobytes()).decode()


def unpacked(text: str) -> Floats:
    """Read what `packed` wrote, as a flat array."""
    return np.frombuffer(base64.b64decode(text), dtype="<f4").astype(np.float64)


def _halved(group: npt.NDArray[np.intp], points: Floats, *, least: int) -> list[npt.NDArray[np.intp]]:
    if len(group) < 2 * least:
        return [group]
    widest = int(np.argmax(points[group].var(axis=0)))
    order = group[np.argsort(points[group, widest], kind="stable")]
    middle = len(order) // 2
    return _halved(order[:middle], points, least=least) + _halved(order[middle:], points, least=least)


def _owners(spec: FeatureSpec) -> npt.NDArray[np.intp]:
    """The feature of each coordinate: one for a number or flag, one per level for a category."""
    widths = [len(column.levels) if column.kind == "category" else 1 for column in spec.columns]
    return np.repeat(np.arange(len(widths)), widths)


def _spread(column: Floats) -> float:
    if not len(column):
        return 1.0
    quartiles = np.quantile(column, [0.25, 0.75])
    return float(quartiles[1] - quartiles[0]) / _NORMAL_QUARTILES or float(np.std(column)) or 1.0


def _rounded(array: Floats) -> Floats:
    """Keep only what is stored, so that a model just trained and the same one loaded agree."""
    return array.astype("<f4").astype(np.float64)
