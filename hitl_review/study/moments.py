"""Second moments of the success function, the material of U-statistic variances.

The success of a pair is 1, 1/2 or 0 as its positive is rated above, like or below its negative; the
AUC is its mean. Sums of products of successes over pairs that share a reader, a positive, a negative
or nothing give every variance and covariance without bias (Gallas 2006; Gallas et al. 2009).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hitl_review.errors import StudyError
from hitl_review.study.reads import FloatArray, Reads

# From sums over all pairs of products to sums over pairs that share nothing but what they must:
# the same positive and negative case, the same positive only, the same negative only, neither.
TO_UNBIASED = np.array([[1, 0, 0, 0], [-1, 1, 0, 0], [-1, 0, 1, 0], [1, -1, -1, 1]], dtype=float)

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


PAIRS_AT_ONCE = 4_000_000  # about 100 MB while a block of success matrices is worked on


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


def moments(reads: Reads, first: str, second: str) -> Moments:
    """The eight moments of two modalities; products are bilinear, so no pair of readers is ever formed."""
    a, b = (_of_modality(reads, name) for name in (first, second))
    success, design = _ProductSums(*a[1].shape), _ProductSums(*a[1].shape)
    for (success_a, design_a), (success_b, design_b) in zip(
        success_blocks(*a), success_blocks(*b), strict=True
    ):
        success.add(success_a, success_b)
        design.add(design_a, design_b)
    sums, counts = success.result(), design.result()
    unbiased_counts = TO_UNBIASED_BY_READER @ counts
    if unbiased_counts[7] <= 0:
        raise StudyError(
            "U-statistics need at least two readers and two cases of each class, so that some reads share "
            "neither reader nor case; add readers or cases, or analyse with readers fixed."
        )
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


def moments_to_covariance(sums: FloatArray, counts: FloatArray) -> FloatArray:
    """Unbiased covariance from product sums and their counts, both of shape (4, ...).

    With m the unbiased moments and c their shares of all pairs, cov = c.m - m4: the mean of the
    product of two estimates less the product of their means, each estimated without bias.
    """
    unbiased_sums = np.tensordot(TO_UNBIASED, sums, axes=1)
    unbiased_counts = np.tensordot(TO_UNBIASED, counts, axes=1)
    if not (unbiased_counts[3] > 0).all():
        raise StudyError(
            "The unbiased variance needs at least two cases of each class per reader (of calls: two readers "
            "and two cases), but there are fewer; add some, or use the jackknife."
        )
    moments = safe_ratio(unbiased_sums, unbiased_counts)
    shares = safe_ratio(unbiased_counts, counts[3])
    return np.asarray((shares * moments).sum(axis=0) - moments[3])


def safe_ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Ratio that is 0 where nothing was counted: such a term has no weight either."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    return np.divide(numerator, denominator, out=np.zeros(numerator.shape), where=denominator != 0)


def success_blocks(positives: FloatArray, negatives: FloatArray) -> Iterator[tuple[FloatArray, FloatArray]]:
    """`success_matrices` of a few positives at a time, so that memory stays bounded in large studies."""
    at_once = max(1, PAIRS_AT_ONCE // max(1, negatives.size))
    for start in range(0, positives.shape[1], at_once):
        yield success_matrices(positives[:, start : start + at_once], negatives)


def success_matrices(positives: FloatArray, negatives: FloatArray) -> tuple[FloatArray, FloatArray]:
    """psi = 1, 1/2 or 0 as a positive is rated above, like or below a negative; and which pairs were read.

    Shapes (cells, positives) and (cells, negatives) in, twice (cells, positives, negatives) out.
    """
    difference = positives[:, :, None] - negatives[:, None, :]
    design = ~np.isnan(difference)
    success = np.where(design, (np.sign(difference) + 1) / 2, 0.0)
    return success, design.astype(float)


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

    def __init__(self, n_readers: int, n_negatives: int) -> None:
        self.same_pair = np.zeros(2)
        self.same_positive = np.zeros(2)
        self.over_negatives_a = np.zeros((n_readers, n_negatives))
        self.over_negatives_b = np.zeros((n_readers, n_negatives))

    def add(self, a: FloatArray, b: FloatArray) -> None:
        self.same_pair += _by_reader_and_over_readers(a, b)
        self.same_positive += _by_reader_and_over_readers(a.sum(axis=2), b.sum(axis=2))
        self.over_negatives_a += a.sum(axis=1)
        self.over_negatives_b += b.sum(axis=1)

    def result(self) -> FloatArray:
        a, b = self.over_negatives_a, self.over_negatives_b
        same_negative = _by_reader_and_over_readers(a, b)
        neither = _by_reader_and_over_readers(a.sum(axis=1), b.sum(axis=1))
        kinds = np.array([self.same_pair, self.same_positive, same_negative, neither])
        return kinds.T.ravel()


def _by_reader_and_over_readers(a: FloatArray, b: FloatArray) -> FloatArray:
    """Sum of products reader by reader, and of the sums over readers: products are bilinear."""
    return np.array([(a * b).sum(), (a.sum(axis=0) * b.sum(axis=0)).sum()])
