"""Multi-reader multi-case analysis after Obuchowski-Rockette with Hillis' degrees of freedom.

Compares modalities (readers alone, readers with the model, ...) on any metric, for the population of
readers and cases (both random, the default), for these readers only (readers fixed) or for these
cases only (cases fixed). Sources: Obuchowski and Rockette 1995; Hillis 2007, doi:10.1002/sim.2532;
Hillis, Berbaum and Metz 2008. Where Cov2 < Cov3 their difference counts as zero in every mode.

    >>> import numpy as np
    >>> from hitl_review.study.reads import as_reads
    >>> solo, aided = [[1, 3, 2, 3], [2, 1, 3, 2]], [[1, 2, 3, 4], [1, 2, 3, 2]]
    >>> result = analyse(as_reads([solo, aided], [0, 0, 1, 1], modalities=["solo", "aided"]))
    >>> round(result.estimate, 4)
    -0.1875
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Literal

import numpy as np

from hitl_review.errors import StudyError
from hitl_review.study import distributions
from hitl_review.study.components import (
    Components,
    MeanSquares,
    components,
    mean_squares,
    reader_components,
)
from hitl_review.study.covariance import cell_order, covariance_matrix, figures_of_merit
from hitl_review.study.metrics import AUC, Metric
from hitl_review.study.notes import notes_on
from hitl_review.study.reads import FloatArray, Nesting, Reads
from hitl_review.study.results import Contrast, MrmcResult, Performance, Test

Factor = Literal["random", "fixed"]


@dataclass(frozen=True, slots=True)
class _Setting:
    """What the formulas need to know, gathered once."""

    foms: FloatArray
    covariance: FloatArray
    cells: list[tuple[int, int]]
    nesting: Nesting
    squares: MeanSquares
    error: Components
    readers_random: bool
    cases_random: bool
    confidence: float


def analyse(
    reads: Reads,
    *,
    metric: Metric = AUC,
    covariance: str = "jackknife",
    readers: str = "random",
    cases: str = "random",
    confidence: float = 0.95,
) -> MrmcResult:
    """Compare the modalities of a study.

    Parameters
    ----------
    reads : Reads
    metric : Metric
        From `metric_named` or `metric_from`.
    covariance : "jackknife", "delong" or "unbiased"
    readers, cases : "random" or "fixed"
        Random: conclusions hold for the population they were drawn from. With one reader, readers
        are fixed, because nothing can be said about others.
    confidence : float
        Of all intervals.

    Returns
    -------
    MrmcResult
        The overall test, every pair of modalities, every modality alone, every reader.
    """
    setting = _prepare(reads, metric, covariance, readers, cases, confidence)
    differences = _differences(reads, setting)
    var_reader, var_interaction = reader_components(setting.squares, setting.error, len(reads.modalities))
    return MrmcResult(
        metric=metric,
        covariance=covariance,
        readers="random" if setting.readers_random else "fixed",
        cases=cases,
        confidence=confidence,
        nesting=setting.nesting,
        modalities=reads.modalities,
        reader_names=reads.readers,
        n_cases=len(reads.cases),
        n_positive=int(reads.truth.sum()),
        missing_reads=reads.missing,
        figures_of_merit=setting.foms,
        covariance_matrix=setting.covariance,
        components=setting.error,
        var_reader=var_reader,
        var_interaction=var_interaction,
        mean_squares=setting.squares,
        test=_overall_test(setting),
        performances=_performances(reads, metric, setting),
        differences=differences,
        reader_performances=_reader_performances(reads, metric, setting),
        reader_differences=_reader_differences(reads, setting),
        notes=notes_on(
            reads, setting.error, setting.squares, covariance=covariance, readers=readers, cases=cases
        ),
    )


def _prepare(
    reads: Reads, metric: Metric, covariance: str, readers: str, cases: str, confidence: float
) -> _Setting:
    for what, value in (("readers", readers), ("cases", cases)):
        if value not in ("random", "fixed"):
            raise StudyError(f"The {what} must be 'random' or 'fixed', but '{value}' was asked; choose one.")
    if not 0 < confidence < 1:
        raise StudyError(f"The confidence must lie between 0 and 1, but is {confidence}; 0.95 is usual.")
    readers_random = readers == "random" and len(reads.readers) > 1
    if not readers_random and cases == "fixed":
        raise StudyError(
            "With readers and cases fixed (or a single reader and cases fixed) nothing is random, so "
            "nothing can be tested; let cases be random."
        )
    foms, cells, nesting = figures_of_merit(reads, metric), cell_order(reads), reads.nesting
    squares = mean_squares(foms, readers_nested=nesting.readers_in_modalities)
    matrix = covariance_matrix(reads, metric, covariance)
    error = components(matrix, cells, nesting)
    return _Setting(
        foms, matrix, cells, nesting, squares, error, readers_random, cases == "random", confidence
    )


def _error_term(setting: _Setting) -> tuple[float, float] | None:
    """Denominator of the overall test and its degrees of freedom; None where the readers can't give one."""
    error, squares = setting.error, setting.squares
    if not setting.readers_random:
        return _fixed_reader_error(setting), inf
    if squares.error is None:
        return None
    cases_add = squares.readers_per_contrast * error.case_share if setting.cases_random else 0.0
    return _with_df(squares.error, cases_add, squares.error_df)


def _fixed_reader_error(setting: _Setting) -> float:
    """Var - Cov1 + (J-1) max(Cov2-Cov3, 0); where readers are nested, Var - Cov2 + n0 max(Cov2-Cov3, 0)."""
    error, n_readers = setting.error, setting.squares.readers_per_contrast
    if setting.nesting.readers_in_modalities:
        return error.var - error.cov2 + n_readers * error.case_share
    return error.var - error.cov1 + (n_readers - 1) * error.case_share


def _with_df(mean_square: float, cases_add: float, df: int) -> tuple[float, float]:
    """Mean square plus what the cases add, with Hillis' df: only the mean square counts as uncertain."""
    total = mean_square + cases_add
    return total, (inf if mean_square <= 1e-12 * total else total**2 / (mean_square**2 / df))


def _overall_test(setting: _Setting) -> Test:
    """Are all modalities equal? F, or chi-square where readers are fixed."""
    df1 = len(setting.foms) - 1
    if df1 == 0:
        return Test.not_defined("there is one modality, so there is nothing to compare")
    term = _error_term(setting)
    if term is None or setting.squares.modality is None:
        return Test.not_defined("each modality has one reader, so readers can't be told from modalities")
    value, df2 = term
    if value <= _negligible(setting):
        return Test.not_defined("the estimated variance of the difference is not above zero")
    f = setting.squares.modality / value
    p = distributions.f_upper(f, df1, df2)
    if not setting.readers_random:
        return Test(kind="X2", statistic=df1 * f, df1=df1, df2=inf, p=p)
    return Test(kind="F", statistic=f, df1=df1, df2=df2, p=p)


def _differences(reads: Reads, setting: _Setting) -> tuple[Contrast, ...]:
    """Every pair of modalities, first minus second, all on the same error term."""
    means, counts = np.nanmean(setting.foms, axis=1), (~np.isnan(setting.foms)).sum(axis=1)
    names, term = reads.modalities, _error_term(setting)
    contrasts = []
    for first in range(len(names)):
        for second in range(first + 1, len(names)):
            weight = 1 / counts[first] + 1 / counts[second]
            variance, df = (None, inf) if term is None else (weight * term[0], term[1])
            contrasts.append(
                Contrast.of(
                    names[first],
                    names[second],
                    means[first] - means[second],
                    None if variance is not None and variance <= _negligible(setting) else variance,
                    df,
                    setting.confidence,
                )
            )
    return tuple(contrasts)


def _performances(reads: Reads, metric: Metric, setting: _Setting) -> tuple[Performance, ...]:
    """Every modality from its own reads only, averaged over its readers."""
    performances = []
    for i, name in enumerate(reads.modalities):
        own = _of_modality(setting, i)
        n_readers = int((~np.isnan(setting.foms[i])).sum())
        variance, df = _single_error(setting, own, setting.squares.within[i], n_readers)
        mean = float(np.nanmean(setting.foms[i]))
        performances.append(
            Performance.of(
                name, mean, variance, df, confidence=setting.confidence, bounds=metric.bounds, components=own
            )
        )
    return tuple(performances)


def _single_error(
    setting: _Setting, own: Components, between: float | None, n_readers: int
) -> tuple[float | None, float]:
    """Variance of a modality's mean and its degrees of freedom (Hillis' ddf for a single modality)."""
    shared = max(own.cov2, 0.0)
    if not setting.readers_random:
        return (own.var + (n_readers - 1) * shared) / n_readers, inf
    if between is None:
        return None, inf
    total, df = _with_df(between, n_readers * shared if setting.cases_random else 0.0, n_readers - 1)
    return total / n_readers, df


def _of_modality(setting: _Setting, i: int) -> Components:
    """Var and Cov2 of one modality's own figures of merit."""
    rows = [row for row, (modality, _) in enumerate(setting.cells) if modality == i]
    block = setting.covariance[np.ix_(rows, rows)]
    return components(block, [setting.cells[row] for row in rows], setting.nesting)


def _reader_performances(reads: Reads, metric: Metric, setting: _Setting) -> tuple[Performance, ...]:
    """Every reader under every modality, with the reader's own error variance (case sampling only)."""
    return tuple(
        Performance.of(
            reads.modalities[i],
            float(setting.foms[i, j]),
            float(setting.covariance[row, row]),
            inf,
            confidence=setting.confidence,
            bounds=metric.bounds,
            reader=reads.readers[j],
        )
        for row, (i, j) in enumerate(setting.cells)
    )


def _reader_differences(reads: Reads, setting: _Setting) -> tuple[Contrast, ...]:
    """Every reader's own differences: SE = sqrt(2 (Var_j - Cov1_j)), a z test about this reader."""
    if setting.nesting.readers_in_modalities:
        return ()
    contrasts = []
    for j, reader in enumerate(reads.readers):
        rows = [row for row, (_, own) in enumerate(setting.cells) if own == j]
        block = setting.covariance[np.ix_(rows, rows)]
        own = components(block, [setting.cells[row] for row in rows], setting.nesting)
        variance = 2 * (own.var - own.cov1)
        for first in range(len(reads.modalities)):
            for second in range(first + 1, len(reads.modalities)):
                contrasts.append(
                    Contrast.of(
                        reads.modalities[first],
                        reads.modalities[second],
                        setting.foms[first, j] - setting.foms[second, j],
                        variance if variance > _negligible(setting) else None,
                        inf,
                        setting.confidence,
                        reader=reader,
                    )
                )
    return tuple(contrasts)


def _negligible(setting: _Setting) -> float:
    """What is rounding noise among variances of figures of merit of this size."""
    return 1e-14 * max(1.0, float(np.nanmax(np.abs(setting.foms))) ** 2)
