"""The Dorfman-Berbaum-Metz analysis: analysis of variance of jackknife pseudovalues.

It is the Obuchowski-Rockette analysis with jackknife covariances on another scale (Hillis et al.
2005, doi:10.1002/sim.2024), and is here for reports in that form and as a check of it. Every reader
must have read every case under every modality.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from hitl_review.errors import StudyError
from hitl_review.study import distributions
from hitl_review.study.covariance import figures_of_merit, leave_one_out
from hitl_review.study.metrics import AUC, Metric
from hitl_review.study.reads import FloatArray, Reads
from hitl_review.study.results import Contrast, Performance, Test

EFFECTS = ("T", "R", "C", "TR", "TC", "RC", "TRC")


@dataclass(frozen=True, slots=True)
class PseudovalueAnova:
    """Three-way analysis of variance of pseudovalues.

    Attributes
    ----------
    squares, df, mean_squares : dict by effect
        T modality, R reader, C case, and their interactions.
    components : dict
        Var(R), Var(C), Var(TR), Var(TC), Var(RC), Var(error) as ANOVA estimates that may be negative.
    """

    squares: dict[str, float]
    df: dict[str, int]
    mean_squares: dict[str, float | None]
    components: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class PseudovalueResult:
    """The overall test, contrasts and performances from pseudovalues; per reader where readers are fixed."""

    anova: PseudovalueAnova
    error_term: float
    test: Test
    differences: tuple[Contrast, ...]
    performances: tuple[Performance, ...]
    reader_differences: tuple[Contrast, ...]


def pseudovalues(reads: Reads, metric: Metric = AUC) -> FloatArray:
    """K * metric - (K-1) * metric without each case; shape (modalities, readers, cases the metric uses)."""
    if not reads.nesting.complete:
        raise StudyError(
            "Pseudovalues need every reader to have read every case under every modality, but this study is "
            f"{reads.nesting.words()}; use the analysis of hitl_review.study.mrmc."
        )
    foms = figures_of_merit(reads, metric)
    without = leave_one_out(reads, metric)
    n_cases = without.shape[1]
    shaped = without.reshape(*foms.shape, n_cases)
    return np.asarray(n_cases * foms[:, :, None] - (n_cases - 1) * shaped)


def anova(values: FloatArray) -> PseudovalueAnova:
    """Sums of squares, mean squares, variance components of values of shape (modalities, readers, cases)."""
    t, r, c = values.shape
    squares = {effect: float((_effect(values, effect) ** 2).sum()) for effect in EFFECTS}
    size = {"T": t - 1, "R": r - 1, "C": c - 1}
    df = {effect: int(np.prod([size[factor] for factor in effect])) for effect in EFFECTS}
    means = {effect: squares[effect] / df[effect] if df[effect] else None for effect in EFFECTS}
    return PseudovalueAnova(squares, df, means, _components(means, t, r, c))


def analyse_pseudovalues(
    reads: Reads,
    metric: Metric = AUC,
    *,
    readers: str = "random",
    cases: str = "random",
    confidence: float = 0.95,
) -> PseudovalueResult:
    """The DBM analysis with Hillis' degrees of freedom; where readers are fixed, F instead of chi-square."""
    values = pseudovalues(reads, metric)
    table = anova(values)
    value, df2 = _error_term(table, readers, cases)
    means, scale = values.mean(axis=2), values.shape[2]
    value = value if value > 1e-14 * scale else 0.0  # rounding noise where every reader gains the same
    by_modality, names = means.mean(axis=1), reads.modalities
    differences = tuple(
        Contrast.of(
            names[a],
            names[b],
            by_modality[a] - by_modality[b],
            2 * value / (means.shape[1] * scale),
            df2,
            confidence,
        )
        for a in range(len(names))
        for b in range(a + 1, len(names))
    )
    return PseudovalueResult(
        anova=table,
        error_term=value,
        test=_overall(table, value, df2),
        differences=differences,
        performances=_performances(reads, metric, values, readers, cases, confidence),
        reader_differences=_per_reader(reads, values, confidence) if readers == "fixed" else (),
    )


def _effect(values: FloatArray, effect: str) -> FloatArray:
    """The part of every value that belongs to one effect: its margin less everything below it."""
    axes = {"T": 0, "R": 1, "C": 2}
    part = values
    for factor, axis in axes.items():
        mean = part.mean(axis=axis, keepdims=True)
        part = part - mean if factor in effect else np.broadcast_to(mean, values.shape)
    return part


def _components(means: dict[str, float | None], t: int, r: int, c: int) -> dict[str, float | None]:
    """Solve the expected mean squares; None where there is a single modality or reader."""
    if any(mean is None for mean in means.values()):
        return dict.fromkeys(("R", "C", "TR", "TC", "RC", "error"))
    m = {effect: float(mean) for effect, mean in means.items() if mean is not None}
    return {
        "R": (m["R"] - m["TR"] - m["RC"] + m["TRC"]) / (t * c),
        "C": (m["C"] - m["TC"] - m["RC"] + m["TRC"]) / (t * r),
        "TR": (m["TR"] - m["TRC"]) / c,
        "TC": (m["TC"] - m["TRC"]) / r,
        "RC": (m["RC"] - m["TRC"]) / t,
        "error": m["TRC"],
    }


def _error_term(table: PseudovalueAnova, readers: str, cases: str) -> tuple[float, float]:
    mean, df = table.mean_squares, table.df
    if readers == "fixed":
        return _needed(mean["TC"]), df["TC"]
    reader_part = _needed(mean["TR"])
    case_part = max(_needed(mean["TC"]) - _needed(mean["TRC"]), 0.0) if cases == "random" else 0.0
    return _with_df(reader_part, case_part, df["TR"])


def _with_df(reader_part: float, case_part: float, df: int) -> tuple[float, float]:
    total = reader_part + case_part
    return total, (inf if reader_part <= 1e-12 * total else total**2 / (reader_part**2 / df))


def _overall(table: PseudovalueAnova, value: float, df2: float) -> Test:
    if value <= 0:
        return Test.not_defined("the estimated variance of the difference is not above zero")
    f, df1 = _needed(table.mean_squares["T"]) / value, table.df["T"]
    return Test("F", f, df1, df2, distributions.f_upper(f, df1, df2))


def _performances(
    reads: Reads, metric: Metric, values: FloatArray, readers: str, cases: str, confidence: float
) -> tuple[Performance, ...]:
    n_readers, n_cases = values.shape[1:]
    found = []
    for i, name in enumerate(reads.modalities):
        mean = anova(values[[i]]).mean_squares
        if readers == "fixed":
            variance, df = _needed(mean["C"]), float(n_cases - 1)
        else:
            extra = max(_needed(mean["C"]) - _needed(mean["RC"]), 0.0) if cases == "random" else 0.0
            variance, df = _with_df(_needed(mean["R"]), extra, n_readers - 1)
        found.append(
            Performance.of(
                name,
                float(values[i].mean()),
                variance / (n_readers * n_cases),
                df,
                confidence=confidence,
                bounds=metric.bounds,
            )
        )
    return tuple(found)


def _per_reader(reads: Reads, values: FloatArray, confidence: float) -> tuple[Contrast, ...]:
    n_cases, names = values.shape[2], reads.modalities
    found = []
    for j, reader in enumerate(reads.readers):
        own = values[:, [j]]
        table = anova(own)
        variance = 2 * _needed(table.mean_squares["TC"]) / n_cases
        for a in range(len(names)):
            for b in range(a + 1, len(names)):
                difference = own[a].mean() - own[b].mean()
                df = float(table.df["TC"])
                found.append(
                    Contrast.of(names[a], names[b], difference, variance, df, confidence, reader=reader)
                )
    return tuple(found)


def _needed(mean_square: float | None) -> float:
    if mean_square is None:
        raise StudyError(
            "The analysis of pseudovalues needs at least two modalities and two readers; use the analysis "
            "of hitl_review.study.mrmc."
        )
    return mean_square
