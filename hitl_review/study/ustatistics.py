"""Gallas' one-shot analysis: AUCs compared by U-statistics, whatever reads were made.

Readers and cases are random. Because it only counts pairs that exist, it needs no complete design:
split-plot studies and missing reads are what it is for. The variance estimate has no bias, but it
may be negative; then the difference is "not estimable" here, and the biased (V-statistic) variance,
which is never negative for one modality, can be asked for. Sources: Gallas 2006,
doi:10.1016/j.acra.2005.11.016; Gallas et al. 2009, doi:10.1080/03610920802610084.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, inf, sqrt

import numpy as np

from hitl_review.errors import StudyError
from hitl_review.study import distributions
from hitl_review.study.moments import moments, moments_to_covariance
from hitl_review.study.reads import FloatArray, Reads

NEGATIVE_VARIANCE = "the unbiased variance estimate is negative; use the biased one or the OR analysis"
NORMAL_ABOVE_DF = 50


@dataclass(frozen=True, slots=True)
class UStatistic:
    """An AUC (against 1/2) or a difference of AUCs (against 0) with its variance.

    `variance` may be negative, then `se`, `ci`, `df`, `p` are None and `reason` says so.
    `convention` names how df was used: "t, df as estimated" or iMRMC's "t, df rounded down; normal above 50".
    """

    modality: str
    other: str
    auc: float
    other_auc: float | None
    estimate: float
    variance: float
    se: float | None
    df: float | None
    p: float | None
    ci: tuple[float, float] | None
    convention: str
    reason: str = ""


def auc_of(
    reads: Reads, modality: str, *, biased: bool = False, imrmc_compat: bool = False, confidence: float = 0.95
) -> UStatistic:
    """The reader-averaged AUC of one modality, tested against 1/2."""
    own = moments(reads, modality, modality)
    variance = own.covariance(biased=biased)
    df = _degrees_of_freedom(variance, own.components, own.component_df)
    inference = _inference(own.auc_a - 0.5, variance, df, imrmc_compat, confidence)
    ci = inference.ci and (inference.ci[0] + 0.5, inference.ci[1] + 0.5)
    return UStatistic(
        modality=modality,
        other="",
        auc=own.auc_a,
        other_auc=None,
        estimate=own.auc_a,
        variance=variance,
        se=inference.se,
        df=df,
        p=inference.p,
        ci=ci,
        convention=_convention(imrmc_compat),
        reason=inference.reason,
    )


def auc_difference(
    reads: Reads,
    first: str,
    second: str,
    *,
    biased: bool = False,
    imrmc_compat: bool = False,
    confidence: float = 0.95,
) -> UStatistic:
    """First modality's AUC minus the second's, readers and cases random, any design.

    `biased` takes the V-statistic variance; `imrmc_compat` rounds df down and takes the normal
    distribution above 50, as the iMRMC program does, instead of using df as it is.
    """
    own = [moments(reads, name, name) for name in (first, second)]
    both = moments(reads, first, second)
    variance = sum(each.covariance(biased=biased) for each in own) - 2 * both.covariance(biased=biased)
    shared = own[0].components + own[1].components - 2 * both.components
    df = _degrees_of_freedom(variance, shared, np.minimum(own[0].component_df, own[1].component_df))
    estimate = own[0].auc_a - own[1].auc_a
    inference = _inference(estimate, variance, df, imrmc_compat, confidence)
    return UStatistic(
        modality=first,
        other=second,
        auc=own[0].auc_a,
        other_auc=own[1].auc_a,
        estimate=estimate,
        variance=variance,
        se=inference.se,
        df=df,
        p=inference.p,
        ci=inference.ci,
        convention=_convention(imrmc_compat),
        reason=inference.reason,
    )


def as_binary_endpoint(reads: Reads, endpoint: str, *, threshold: float) -> Reads:
    """Reads whose AUC is the sensitivity or specificity of "rating > threshold".

    The other class is set to one half throughout, so a positive called positive (1) is above it and
    one called negative (0) below. Then the U-statistics of this module apply to the endpoint.
    """
    if endpoint not in ("sensitivity", "specificity"):
        raise StudyError(
            f"A binary endpoint is 'sensitivity' or 'specificity', not '{endpoint}'; choose one."
        )
    kept = reads.truth if endpoint == "sensitivity" else ~reads.truth
    calls = np.where(reads.ratings > threshold, 1.0, 0.0)
    ratings = np.where(kept, calls, 0.5)
    ratings[~reads.was_read] = np.nan
    return Reads(ratings, reads.truth, reads.modalities, reads.readers, reads.cases)


@dataclass(frozen=True, slots=True)
class MeanScore:
    """Mean of scores over random readers and cases with its unbiased variance, which may be negative."""

    mean: float
    variance: float


def mean_score(scores: FloatArray) -> MeanScore:
    """Mean of any score per reader and case, and its U-statistic variance (uStat11 of iMRMC).

    Parameters
    ----------
    scores : float array, shape (readers, cases), NaN where not read
        Cases of one truth class: calls for a rate, differences of two modalities' calls for a difference.

    Notes
    -----
    With c11 the sum of squares, c10 that of sums over readers squared, c01 that of sums over cases
    squared and a the total squared, the four become unbiased moments as for the AUC.
    """
    scores = np.asarray(scores, dtype=float)
    read = ~np.isnan(scores)
    if scores.ndim != 2 or not read.any():
        raise StudyError("Scores must be a table of readers by cases with at least one read; give one.")
    filled = np.where(read, scores, 0.0)
    variance = moments_to_covariance(_square_sums(filled), _square_sums(read.astype(float)))
    return MeanScore(float(filled.sum()) / int(read.sum()), float(variance))


def mean_score_difference(scores_a: FloatArray, scores_b: FloatArray) -> MeanScore:
    """Mean of paired differences of scores over reads made under both modalities; see `mean_score`."""
    return mean_score(np.asarray(scores_a, dtype=float) - np.asarray(scores_b, dtype=float))


def _square_sums(table: FloatArray) -> FloatArray:
    """Sums over pairs of reads: the same reader and case, the same reader, the same case, neither."""
    over_cases, over_readers = table.sum(axis=1), table.sum(axis=0)
    return np.array([(table**2).sum(), (over_cases**2).sum(), (over_readers**2).sum(), table.sum() ** 2])


def _degrees_of_freedom(variance: float, components: FloatArray, component_df: FloatArray) -> float | None:
    """Satterthwaite's df from the components, not below the smallest factor's (Gaylor and Hopper 1969)."""
    if variance <= 0:
        return None
    smallest = float(np.min(component_df))
    if smallest <= 0:
        return None
    spread = float((components**2 / component_df**3).sum())
    return inf if spread == 0 else max(variance**2 / spread, smallest)


@dataclass(frozen=True, slots=True)
class _Inference:
    se: float | None
    p: float | None
    ci: tuple[float, float] | None
    reason: str = ""


def _inference(
    estimate: float, variance: float, df: float | None, imrmc_compat: bool, confidence: float
) -> _Inference:
    """Test against zero and interval; not estimable without a positive variance and degrees of freedom."""
    if variance <= 0:
        reason = NEGATIVE_VARIANCE if variance < 0 else "the estimated variance is zero"
        return _Inference(None, None, None, reason)
    if df is None:
        return _Inference(
            sqrt(variance), None, None, "one reader or one case of a class leaves no degrees of freedom"
        )
    used = (inf if df > NORMAL_ABOVE_DF else floor(df)) if imrmc_compat else df
    se = sqrt(variance)
    ci = distributions.interval(estimate, se, used, confidence=confidence)
    return _Inference(se, distributions.t_two_sided(estimate / se, used), ci)


def _convention(imrmc_compat: bool) -> str:
    return "t, df rounded down; normal above 50" if imrmc_compat else "t, df as estimated"
