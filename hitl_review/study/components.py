"""Mean squares and variance components of the Obuchowski-Rockette model.

theta_ij = mu + tau_i + R_j + (tau R)_ij + error_ij, where the errors of the figures of merit are
correlated through the cases: Cov1 (same reader, other modality), Cov2 (other reader, same modality),
Cov3 (both differ). Sources: Obuchowski and Rockette 1995; Hillis 2007, doi:10.1002/sim.2532.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hitl_review.errors import StudyError
from hitl_review.study.reads import BoolArray, FloatArray, Nesting


@dataclass(frozen=True, slots=True)
class Components:
    """Error variance and covariances of the figures of merit, each averaged over its kind of pair."""

    var: float
    cov1: float
    cov2: float
    cov3: float

    @property
    def case_share(self) -> float:
        """max(Cov2 - Cov3, 0): what the cases add to the difference of two modalities, never below zero."""
        return max(self.cov2 - self.cov3, 0.0)


@dataclass(frozen=True, slots=True)
class MeanSquares:
    """The analysis of variance of the figures of merit.

    Attributes
    ----------
    modality, reader : float or None
        Between modalities (None with one modality); between readers (None where readers are nested).
    error : float or None
        Modality-by-reader where readers are crossed, readers within modalities where nested; None for one
        reader or modality.
    error_df : int
        Its degrees of freedom.
    within : tuple of float or None
        Between readers, for each modality alone; None with one reader.
    readers_per_contrast : float
        The number of readers that Cov2 - Cov3 is multiplied by; J where crossed.
    """

    modality: float | None
    reader: float | None
    error: float | None
    error_df: int
    within: tuple[float | None, ...]
    readers_per_contrast: float


def mean_squares(foms: FloatArray, *, readers_nested: bool) -> MeanSquares:
    """Mean squares of figures of merit of shape (modalities, readers), NaN where there is no cell."""
    within = tuple(_variance(row[~np.isnan(row)]) for row in foms)
    if readers_nested:
        return _nested(foms, within)
    if np.isnan(foms).any():
        raise StudyError(
            "The analysis needs every reader under every modality, or every reader under one modality only, "
            "but some readers lack a modality; leave them out, or use the U-statistics "
            "(hitl_review.study.ustatistics)."
        )
    return _crossed(foms, within)


def _crossed(foms: FloatArray, within: tuple[float | None, ...]) -> MeanSquares:
    n_modalities, n_readers = foms.shape
    by_modality, by_reader, grand = foms.mean(axis=1), foms.mean(axis=0), foms.mean()
    rest = foms - by_modality[:, None] - by_reader[None, :] + grand
    error_df = (n_modalities - 1) * (n_readers - 1)
    return MeanSquares(
        modality=_ratio(n_readers * ((by_modality - grand) ** 2).sum(), n_modalities - 1),
        reader=_ratio(n_modalities * ((by_reader - grand) ** 2).sum(), n_readers - 1),
        error=_ratio((rest**2).sum(), error_df),
        error_df=error_df,
        within=within,
        readers_per_contrast=float(n_readers),
    )


def _nested(foms: FloatArray, within: tuple[float | None, ...]) -> MeanSquares:
    """Readers in one modality each: n0 = (N - sum n_i^2 / N) / (I - 1) readers stand behind each contrast.

    It is the usual coefficient of an unbalanced one-way analysis, 2.4 for 3 + 2 readers, and positive.
    """
    counts = (~np.isnan(foms)).sum(axis=1)
    total, n_modalities = int(counts.sum()), len(counts)
    means, grand = np.nanmean(foms, axis=1), float(np.nanmean(foms))
    between = float((counts * (means - grand) ** 2).sum())
    inside = float(np.nansum((foms - means[:, None]) ** 2))
    return MeanSquares(
        modality=_ratio(between, n_modalities - 1),
        reader=None,
        error=_ratio(inside, total - n_modalities),
        error_df=total - n_modalities,
        within=within,
        readers_per_contrast=float((total - (counts**2).sum() / total) / (n_modalities - 1)),
    )


def components(covariance: FloatArray, cells: list[tuple[int, int]], nesting: Nesting) -> Components:
    """The covariance matrix averaged over its four kinds of pair; zero where the design shares no case."""
    modality, reader = (np.array(axis) for axis in zip(*cells, strict=True))
    same_modality = modality[:, None] == modality[None, :]
    same_reader = reader[:, None] == reader[None, :]
    no_cov1 = nesting.cases_in_modalities or nesting.readers_in_modalities
    no_cov2 = nesting.cases_in_readers
    no_cov3 = nesting.cases_in_modalities or nesting.cases_in_readers
    return Components(
        var=_average(covariance, same_modality & same_reader),
        cov1=0.0 if no_cov1 else _average(covariance, same_reader & ~same_modality),
        cov2=0.0 if no_cov2 else _average(covariance, same_modality & ~same_reader),
        cov3=0.0 if no_cov3 else _average(covariance, ~same_modality & ~same_reader),
    )


def reader_components(
    squares: MeanSquares, error: Components, n_modalities: int
) -> tuple[float | None, float | None]:
    """Var(reader) and Var(modality x reader), ANOVA estimates, maybe negative; None where not defined."""
    if n_modalities == 1 and squares.within[0] is not None:
        return squares.within[0] - error.var + error.cov2, None
    if squares.error is None or squares.reader is None:
        return None, None
    by_modality = squares.error - error.var + error.cov1 + (error.cov2 - error.cov3)
    by_reader = (squares.reader - squares.error) / n_modalities - error.cov1 + error.cov3
    return by_reader, by_modality


def _average(covariance: FloatArray, pairs: BoolArray) -> float:
    return float(covariance[pairs].mean()) if pairs.any() else 0.0


def _variance(values: FloatArray) -> float | None:
    return float(values.var(ddof=1)) if len(values) > 1 else None


def _ratio(total: float, df: int) -> float | None:
    return float(total) / df if df > 0 else None
