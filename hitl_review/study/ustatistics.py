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
from hitl_review.study.covariance import (
    TO_UNBIASED,
    moments_to_covariance,
    safe_ratio,
    success_blocks,
)
from hitl_review.study.reads import FloatArray, Reads

# From sums over all pairs to sums over pairs that share exactly what they must; the first four
# moments belong to the same reader, the last four to two readers.
TO_UNBIASED_BY_READER = np.block([[TO_UNBIASED, np.zeros((4, 4))], [-TO_UNBIASED, TO_UNBIASED]])

# Moments to variance components of negatives, positives and readers (rows 1, 2 and 4 of equation
# 19 of Gallas 2009), and moment coefficients to the coefficients of those components.
COMPONENT_OF_MOMENTS = np.array(
    [[0, 0, 0, 0, 0, 0, 1, -1], [0, 0, 0, 0, 0, 1, 0, -1], [0, 0, 0, 1, 0, 0, 0, -1]], dtype=float
)
COEFFICIENT_OF_COMPONENT = np.array(
    [[1, 0, 1, 0, 1, 0, 1, 0], [1, 1, 0, 0, 1, 1, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0]], dtype=float
)

NEGATIVE_VARIANCE = "the unbiased variance estimate is negative; use the biased one or the OR analysis"
NORMAL_ABOVE_DF = 50


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Eight second moments of the success function of two modalities (or of one with itself).

    Attributes
    ----------
    auc_a, auc_b : float
        AUCs over all pairs that were read, so readers with more reads weigh more.
    biased, unbiased : float arrays, shape (8,)
    counts : float array, shape (8,)
        Products behind each biased moment; none where the reads never overlap that way.
    coefficients : float array, shape (8,)
        Shares in the covariance; the last is less one, for the product of means that is taken off.
    """

    auc_a: float
    auc_b: float
    biased: FloatArray
    unbiased: FloatArray
    counts: FloatArray
    coefficients: FloatArray

    def covariance(self, *, biased: bool = False) -> float:
        """Covariance of the two AUCs."""
        return float(self.coefficients @ (self.biased if biased else self.unbiased))

    @property
    def components(self) -> FloatArray:
        """Biased components of negatives, positives, readers; zero where none is shared; shape (3,)."""
        shared = (COMPONENT_OF_MOMENTS > 0) @ (self.counts > 0)
        return np.where(shared, COMPONENT_OF_MOMENTS @ self.biased, 0.0)

    @property
    def component_df(self) -> FloatArray:
        """Degrees of freedom of negatives, positives, readers: effective numbers less one; shape (3,)."""
        return np.round(1 / (COEFFICIENT_OF_COMPONENT @ self.coefficients) - 1)


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


def moments(reads: Reads, first: str, second: str) -> Moments:
    """The eight moments of two modalities; products are bilinear, so no pair of readers is ever formed."""
    a, b = (_of_modality(reads, name) for name in (first, second))
    success, design = _ProductSums(), _ProductSums()
    for (success_a, design_a), (success_b, design_b) in zip(
        success_blocks(*a), success_blocks(*b), strict=True
    ):
        success.add(success_a, success_b)
        design.add(design_a, design_b)
    sums, counts = success.result(), design.result()
    unbiased_counts = TO_UNBIASED_BY_READER @ counts
    coefficients = unbiased_counts / counts[7]
    coefficients[7] -= 1
    return Moments(
        auc_a=float(success.over_negatives_a.sum() / design.over_negatives_a.sum()),
        auc_b=float(success.over_negatives_b.sum() / design.over_negatives_b.sum()),
        biased=safe_ratio(sums, counts),
        unbiased=safe_ratio(TO_UNBIASED_BY_READER @ sums, unbiased_counts),
        counts=counts,
        coefficients=coefficients,
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


def _of_modality(reads: Reads, modality: str) -> tuple[FloatArray, FloatArray]:
    """Ratings of positives and of negatives under a modality, each (readers, cases of that class)."""
    if modality not in reads.modalities:
        raise StudyError(
            f"There is no modality '{modality}' in this study; it has {', '.join(reads.modalities)}."
        )
    ratings = reads.ratings[reads.modalities.index(modality)]
    positives, negatives = ratings[:, reads.truth], ratings[:, ~reads.truth]
    pairs = (~np.isnan(positives)).sum(axis=1) * (~np.isnan(negatives)).sum(axis=1)
    if not pairs.any():
        raise StudyError(
            f"No reader read both a positive and a negative case under '{modality}', so there is no AUC; add "
            "reads."
        )
    return positives, negatives


class _ProductSums:
    """The eight product sums of two stacks of matrices (readers, positives, negatives), block by block.

    Four over the same reader, then four over all pairs of readers: the same pair of cases, the same
    positive, the same negative, neither.
    """

    def __init__(self) -> None:
        self.same_pair = np.zeros(2)
        self.same_positive = np.zeros(2)
        self.over_negatives_a = np.zeros(0)
        self.over_negatives_b = np.zeros(0)

    def add(self, a: FloatArray, b: FloatArray) -> None:
        self.same_pair += _by_reader_and_over_readers(a, b)
        self.same_positive += _by_reader_and_over_readers(a.sum(axis=2), b.sum(axis=2))
        self.over_negatives_a = (
            self.over_negatives_a + a.sum(axis=1) if self.over_negatives_a.size else a.sum(axis=1)
        )
        self.over_negatives_b = (
            self.over_negatives_b + b.sum(axis=1) if self.over_negatives_b.size else b.sum(axis=1)
        )

    def result(self) -> FloatArray:
        a, b = self.over_negatives_a, self.over_negatives_b
        same_negative = _by_reader_and_over_readers(a, b)
        neither = _by_reader_and_over_readers(a.sum(axis=1), b.sum(axis=1))
        kinds = np.array([self.same_pair, self.same_positive, same_negative, neither])
        return kinds.T.ravel()


def _by_reader_and_over_readers(a: FloatArray, b: FloatArray) -> FloatArray:
    """Sum of products reader by reader, and of the sums over readers: products are bilinear."""
    return np.array([(a * b).sum(), (a.sum(axis=0) * b.sum(axis=0)).sum()])


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
