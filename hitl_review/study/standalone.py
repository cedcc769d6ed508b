"""The model alone against readers: it reads once, they are many, and the cases are the same.

Source: Hillis 2007, doi:10.1002/sim.2532, section 5.3 (called "1T" in radiology software). Never
enter a model as if it were several readers: copies add degrees of freedom that are not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hitl_review.errors import StudyError
from hitl_review.study import distributions
from hitl_review.study.covariance import figures_of_merit, leave_one_out
from hitl_review.study.metrics import AUC, Metric
from hitl_review.study.reads import FloatArray, Reads


@dataclass(frozen=True, slots=True)
class ModelAgainstReaders:
    """Readers' mean minus the model, readers random.

    Attributes
    ----------
    model, readers_mean : float
        Figures of merit.
    reader_values : tuple of float
    estimate, se, df, statistic, p, ci
        Readers' mean minus the model; se and what follows are None if not estimable (see `reason`).
    var_reader, var_error, cov2 : float or None
        Variance of the differences over readers; error variance and covariance of two readers'
        differences, None where cases are fixed.
    """

    modality: str
    cases: str
    model: float
    readers_mean: float
    reader_values: tuple[float, ...]
    estimate: float
    se: float | None
    df: float | None
    statistic: float | None
    p: float | None
    ci: tuple[float, float] | None
    var_reader: float
    var_error: float | None
    cov2: float | None
    reason: str = ""


def readers_against_model(
    reads: Reads,
    model_ratings: ArrayLike,
    *,
    modality: str | None = None,
    metric: Metric = AUC,
    cases: str = "random",
    confidence: float = 0.95,
) -> ModelAgainstReaders:
    """Readers under one modality against the model alone on the same cases.

    Parameters
    ----------
    reads : Reads
    model_ratings : array, shape (cases,)
        The model's rating of every case of `reads`, in its order.
    modality : str, optional
        Which modality of `reads`; needed if there are several.
    cases : "random" or "fixed"
        Random: t = mean(d) / sqrt((MSR + max(J Cov2, 0)) / J), where d are the differences per reader,
        MSR their variance, Cov2 the mean jackknife covariance of two of them. Fixed: Cov2 left out,
        which is true of these cases only and is usually far too sure.
    """
    if cases not in ("random", "fixed"):
        raise StudyError(f"The cases must be 'random' or 'fixed', but '{cases}' was asked; choose one.")
    own = _one_modality(reads, modality)
    model = _as_model_reads(own, reads, model_ratings)
    values = figures_of_merit(own, metric)[0]
    if len(values) < 2:
        raise StudyError(
            "To compare readers with the model takes at least two readers; for one, use paired.delong."
        )
    model_value = float(figures_of_merit(model, metric)[0, 0])
    differences = values - model_value
    between = float(differences.var(ddof=1))
    var_error, cov2 = _covariance_of_differences(own, model, metric) if cases == "random" else (None, None)
    shared = max(len(values) * (cov2 or 0.0), 0.0)
    inference = _inference(float(differences.mean()), between, shared, len(values), confidence)
    return ModelAgainstReaders(
        modality=own.modalities[0],
        cases=cases,
        model=model_value,
        readers_mean=float(values.mean()),
        reader_values=tuple(float(value) for value in values),
        var_reader=between,
        var_error=var_error,
        cov2=cov2,
        **inference,
    )


def _inference(
    estimate: float, between: float, shared: float, n_readers: int, confidence: float
) -> dict[str, Any]:
    """The estimate with what can be said of it: t test and interval, or the reason why there is none."""
    total = between + shared
    if total <= 1e-14:
        reason = "the estimated variance of the difference is zero"
        return {
            "estimate": estimate,
            **dict.fromkeys(("se", "df", "statistic", "p", "ci")),
            "reason": reason,
        }
    se = sqrt(total / n_readers)
    df = inf if between <= 1e-12 * total else total**2 / (between**2 / (n_readers - 1))
    return {
        "estimate": estimate,
        "se": se,
        "df": df,
        "statistic": estimate / se,
        "p": distributions.t_two_sided(estimate / se, df),
        "ci": distributions.interval(estimate, se, df, confidence=confidence),
    }


def _covariance_of_differences(own: Reads, model: Reads, metric: Metric) -> tuple[float, float]:
    """Mean variance and covariance of the readers' differences from the model, by jackknife over cases."""
    deviations = leave_one_out(own, metric) - leave_one_out(model, metric)
    deviations -= deviations.mean(axis=1, keepdims=True)
    n_readers, n_cases = deviations.shape
    matrix = (n_cases - 1) / n_cases * deviations @ deviations.T
    variance = float(np.trace(matrix)) / n_readers
    covariance = (float(matrix.sum()) - float(np.trace(matrix))) / (n_readers * (n_readers - 1))
    return variance, covariance


def _one_modality(reads: Reads, modality: str | None) -> Reads:
    if modality is None and len(reads.modalities) > 1:
        raise StudyError(
            f"Say which modality to compare with the model; the study has {', '.join(reads.modalities)}."
        )
    return reads.under(modality or reads.modalities[0])


def _as_model_reads(own: Reads, reads: Reads, model_ratings: ArrayLike) -> Reads:
    """The model as a single reader of the same cases."""
    ratings: FloatArray = np.asarray(model_ratings, dtype=float)
    if ratings.shape != (len(reads.cases),):
        raise StudyError(
            f"The model needs one rating per case, {len(reads.cases)}, but {ratings.size} were given; give "
            "all in the order of the study's cases."
        )
    place = {case: number for number, case in enumerate(reads.cases)}
    kept = ratings[[place[case] for case in own.cases]]
    if np.isnan(kept).any():
        raise StudyError(
            "The model has no rating for some case that was read; score every case, or leave it out."
        )
    return Reads(kept[None, None], own.truth, own.modalities, ("model",), own.cases)
