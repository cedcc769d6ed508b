"""Have the cases changed? Each feature is compared with what the model was trained on, allowing for how few
cases there are.

The usual rule (alarm where the population stability index is over 0.1) does not: with nothing changed it rings
for 87 % of features at 50 cases, and misses real shifts at 500. Here the limit comes from shuffling old and
new cases together (an exact permutation null: the two are exchangeable where nothing changed), and Holm's
method allows for the number of features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hitl_review.errors import ModelError
from hitl_review.model.features import Column, FeatureSpec, Matrix

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

ALARM_LEVEL: Final = 0.01
"""Chance of any false alarm in one look at all features."""
SCORE_LEVEL: Final = 0.005
"""The score's own lamp: one look at one thing, so Holm's method does not make it rarer."""
LEAST_SHUFFLES: Final = 2_000
BINS: Final = 20
"""Bins of equal numbers of cases for the distance; the stability index takes them in pairs, its usual ten."""
LEAST_CASES: Final = 20


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """One feature: how far it moved, what would be chance, and the same in words.

    `psi` is the population stability index, `ks` the Kolmogorov-Smirnov distance (None for categories);
    the limits are what they stay under with nothing changed, 99 times in 100, at these numbers of cases.
    """

    feature: str
    psi: float
    psi_limit: float
    ks: float | None
    ks_limit: float | None
    p: float
    adjusted_p: float
    alarm: bool
    words: str


@dataclass(frozen=True, slots=True)
class Drift:
    """A look at all features, or at the score alone; `alarm` if any feature rings."""

    reference_cases: int
    recent_cases: int
    features: tuple[FeatureDrift, ...]
    alarm: bool
    words: str


def input_drift(
    reference: Matrix,
    recent: Matrix,
    *,
    spec: FeatureSpec,
    labels: Mapping[str, str] | None = None,
    level: float = ALARM_LEVEL,
    seed: int = 0,
) -> Drift:
    """Compare recent cases with reference cases, feature by feature.

    Parameters
    ----------
    reference, recent : matrices of shape (n, features) from `features.matrix`
    labels : feature to the words for it
    level : the chance of any false alarm in one look
    seed : of the shuffles; the same look gives the same answer
    """
    for name, table in (("reference", reference), ("recent", recent)):
        if table.ndim != 2 or table.shape[1] != len(spec.columns):
            raise ModelError(
                f"The {name} cases have the shape {table.shape}, and {len(spec.columns)} columns are needed."
            )
    columns = [
        (column, reference[:, place].astype(np.float64), recent[:, place].astype(np.float64))
        for place, column in enumerate(spec.columns)
    ]
    return _look(columns, labels or {}, level=level, seed=seed)


def score_drift(
    reference: npt.ArrayLike, recent: npt.ArrayLike, *, level: float = SCORE_LEVEL, seed: int = 0
) -> Drift:
    """Compare recent probabilities with those of reference cases, both of shape (n,)."""
    old, new = (np.asarray(each, dtype=np.float64) for each in (reference, recent))
    column = Column("probability", "number")
    return _look([(column, old, new)], {"probability": "The model's probability"}, level=level, seed=seed)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted by Holm's step-down method (Holm, Scand J Stat 1979;6:65).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, highest = [0.0] * len(p_values), 0.0
    for place, which in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[which]))
        adjusted[which] = highest
    return adjusted


def psi(reference: npt.ArrayLike, recent: npt.ArrayLike) -> float:
    """Return the population stability index of two rows of counts over the same bins.

    Notes
    -----
    sum (q - p) log(q / p), shares taken after adding half a case to each bin, so that an empty bin is not
    infinite.

    >>> psi([10, 10], [10, 10])
    0.0
    """
    old, new = (np.asarray(each, dtype=np.int64)[None, :] for each in (reference, recent))
    return float(_psi(old, new)[0])


@dataclass(frozen=True, slots=True)
class _Found:
    psi: float
    psi_limit: float
    ks: float | None
    ks_limit: float | None
    p: float


def _look(
    columns: Sequence[tuple[Column, Floats, Floats]],
    labels: Mapping[str, str],
    *,
    level: float,
    seed: int,
) -> Drift:
    old_cases, new_cases = len(columns[0][1]), len(columns[0][2])
    if min(old_cases, new_cases) < LEAST_CASES:
        words = (
            f"Too few cases to see drift: {old_cases} before, {new_cases} now, and {LEAST_CASES} are needed."
        )
        return Drift(old_cases, new_cases, (), False, words)
    random = np.random.default_rng(seed)
    shuffles = max(LEAST_SHUFFLES, int(2.5 * len(columns) / level))
    found = [_compare(column, old, new, random, shuffles) for column, old, new in columns]
    adjusted = holm([each.p for each in found])
    features = tuple(
        FeatureDrift(
            column.name,
            each.psi,
            each.psi_limit,
            each.ks,
            each.ks_limit,
            each.p,
            p,
            p <= level,
            f"{labels.get(column.name, column.name)}: {_shift(column, old, new)}",
        )
        for (column, old, new), each, p in zip(columns, found, adjusted, strict=True)
    )
    moved = [each for each in features if each.alarm]
    words = f"Nothing moved more than chance would at {new_cases} cases."
    if moved:
        words = f"{len(moved)} of {len(features)} moved more than chance would at {new_cases} cases."
    if moved and len(features) == 1:
        words = f"{moved[0].words} That is more than chance would do at {new_cases} cases."
    return Drift(old_cases, new_cases, features, bool(moved), words)


def _compare(column: Column, old: Floats, new: Floats, random: np.random.Generator, shuffles: int) -> _Found:
    """PSI and KS against the same shuffles; their p-values are joined by Bonferroni."""
    counts = _binned(column, old, new)
    total = counts.sum(axis=0)
    dealt = random.multivariate_hypergeometric(total, int(counts[1].sum()), size=shuffles, method="marginals")
    olds, news = (np.vstack([seen, null]) for seen, null in zip(counts, (total - dealt, dealt), strict=True))
    if column.kind != "number":
        index = _psi(olds, news)
        return _Found(float(index[0]), _limit(index), None, None, _p_value(index))
    index, distance = _psi(_paired(olds), _paired(news)), _ks(olds, news)
    p = min(1.0, 2 * min(_p_value(index), _p_value(distance)))
    return _Found(float(index[0]), _limit(index), float(distance[0]), _limit(distance), p)


def _binned(column: Column, old: Floats, new: Floats) -> Counts:
    """Counts of shape (2, bins + 1): old and new over quantiles of both together, missing ones in the last."""
    both = np.concatenate([old, new])
    missing = np.isnan(both)
    if column.kind == "number":
        known = both[~missing]
        edges = np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if len(known) else known
        place = np.searchsorted(edges, both, side="left")
        width = len(edges) + 1
    else:
        width = max(len(column.levels), 2)
        place = np.where(missing, 0, both).astype(np.intp)
    place = np.where(missing, width, place)
    parts = place[: len(old)], place[len(old) :]
    return np.array([np.bincount(part, minlength=width + 1) for part in parts], dtype=np.int64)


def _paired(counts: Counts) -> Counts:
    """Bins two by two, the last one, of missing values, by itself."""
    starts = [*range(0, counts.shape[1] - 1, 2), counts.shape[1] - 1]
    paired: Counts = np.add.reduceat(counts, starts, axis=1)
    return paired


def _psi(old: Counts, new: Counts) -> Floats:
    shares = [(each + 0.5) / (each + 0.5).sum(axis=1, keepdims=True) for each in (old, new)]
    index: Floats = np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0]), axis=1)
    return index


def _ks(old: Counts, new: Counts) -> Floats:
    steps = [np.cumsum(each, axis=1) / each.sum(axis=1, keepdims=True) for each in (old, new)]
    distance: Floats = np.max(np.abs(steps[0] - steps[1]), axis=1)
    return distance


def _limit(statistics: Floats) -> float:
    """What the shuffles stay under 99 times in 100."""
    return float(np.quantile(statistics[1:], 0.99))


def _p_value(statistics: Floats) -> float:
    """The share of shuffles at least as far as what was seen, which comes first and is counted among them.

    Exact for any number of shuffles.
    """
    return float(np.mean(statistics >= statistics[0] - 1e-12))


def _shift(column: Column, old: Floats, new: Floats) -> str:
    """What moved, in words a clinician can check against the ward."""
    said = []
    missing = [float(np.mean(np.isnan(each))) for each in (old, new)]
    known = [each[~np.isnan(each)] for each in (old, new)]
    if all(len(each) for each in known):
        said.append(_middle(column, *known))
    if abs(missing[0] - missing[1]) >= 0.01:
        said.append(f"not measured in {missing[1]:.0%} now, {missing[0]:.0%} before")
    return "; ".join(said) + "." if said else "never measured."


def _middle(column: Column, old: Floats, new: Floats) -> str:
    if column.kind == "number":
        return f"middle value {np.median(new):.3g} now, {np.median(old):.3g} before"
    if column.kind == "flag":
        return f"present in {np.mean(new):.0%} now, {np.mean(old):.0%} before"
    shares = [
        np.bincount(each.astype(np.intp), minlength=len(column.levels)) / len(each) for each in (old, new)
    ]
    which = int(np.argmax(np.abs(shares[1] - shares[0])))
    return f"'{column.levels[which]}' is {shares[1][which]:.0%} now, {shares[0][which]:.0%} before"
