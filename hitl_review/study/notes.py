"""What somebody who reads a result must know about it, one sentence each."""

from __future__ import annotations

from hitl_review.study.components import Components, MeanSquares
from hitl_review.study.reads import Reads

FEW_READERS = 5
FEW_CASES = 20


def notes_on(
    reads: Reads,
    error: Components,
    squares: MeanSquares,
    *,
    covariance: str,
    readers: str,
    cases: str,
) -> tuple[str, ...]:
    """Every sentence that applies to this study and this analysis."""
    found = [
        *_on_what_was_read(reads, covariance),
        *_on_size(reads, readers),
        *_on_components(error, squares, readers, cases),
    ]
    return tuple(found)


def _on_what_was_read(reads: Reads, covariance: str) -> list[str]:
    if not reads.missing:
        return []
    if reads.nesting.cases_in_readers or reads.nesting.cases_in_modalities:
        return [f"Design: {reads.nesting.words()}."]
    total = reads.was_read[reads.cells].size
    advice = (
        "; the jackknife leaves a reader's value unchanged for a case not read, the unbiased covariance and "
        "the U-statistics are made for this design"
        if covariance == "jackknife"
        else ""
    )
    return [f"{reads.missing} of {total} reads are missing and were not filled in{advice}."]


def _on_size(reads: Reads, readers: str) -> list[str]:
    found = []
    n_readers, n_positive = len(reads.readers), int(reads.truth.sum())
    n_negative = len(reads.truth) - n_positive
    if n_readers == 1:
        found.append("One reader: the result is about this reader only, tested over cases with a z test.")
    elif n_readers < FEW_READERS and readers == "random":
        found.append(f"Only {n_readers} readers: the degrees of freedom are few and intervals wide.")
    if min(n_positive, n_negative) < FEW_CASES:
        found.append(
            f"Only {n_positive} positive and {n_negative} negative cases: standard errors are rough."
        )
    return found


def _on_components(error: Components, squares: MeanSquares, readers: str, cases: str) -> list[str]:
    found = []
    if cases == "fixed":
        found.append("Cases fixed: the result holds for exactly these cases and says nothing about others.")
        return found
    if readers == "fixed" and squares.readers_per_contrast > 1:
        found.append(
            "Readers fixed: the result holds for exactly these readers and says nothing about others."
        )
    if error.cov2 < error.cov3:
        found.append("Cov2 is below Cov3, so max(Cov2 - Cov3, 0) = 0 was used, as Hillis prescribes.")
    return found
