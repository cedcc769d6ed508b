"""The analyses of a report, each with its result or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from hitl_review.errors import StudyError
from hitl_review.study.hypotheses import Verdict, complementarity, equivalence, noninferiority, superiority
from hitl_review.study.metrics import Metric
from hitl_review.study.mrmc import analyse
from hitl_review.study.reads import Reads
from hitl_review.study.reporting.plan import OF_CALLS, Plan, column_of
from hitl_review.study.reporting.record import Record, of_cases, reads_in
from hitl_review.study.results import Contrast, MrmcResult
from hitl_review.study.standalone import ModelAgainstReaders, readers_against_model

Found = TypeVar("Found")

LESS_IS_BETTER = frozenset({"brier"})
SWITCHED = (
    "Reads are missing, so the unbiased covariance, which is made for it, took the place of the {asked} one."
)


@dataclass(frozen=True, slots=True)
class Attempt(Generic[Found]):
    """A result, or why there is none."""

    result: Found | None
    reason: str = ""


def attempt(make: Callable[[], Found]) -> Attempt[Found]:
    """Try an analysis; what it refuses becomes the reason."""
    try:
        return Attempt(make())
    except StudyError as error:
        return Attempt(None, str(error))


def primary_part(record: Record, plan: Plan) -> Record:
    """The reads of the primary analysis: none without a reveal by plan, no wrong outputs unless planned so."""
    kept = ~record.no_reveal
    if not plan.wrong_in_primary:
        kept &= ~record.wrong_model
    return record.only(kept)


def compare(
    record: Record,
    plan: Plan,
    endpoint: str,
    *,
    covariance: str | None = None,
    readers: str | None = None,
    cases: str | None = None,
) -> MrmcResult:
    """First modality against the second on an endpoint, in the planned way unless told otherwise."""
    modalities = [name for name in (plan.first, plan.second) if name]
    reads = reads_in(record, *modalities, what=column_of(endpoint))
    metric = plan.metric(endpoint)
    return analyse(
        reads,
        metric=metric,
        covariance=covariance or covariance_for(reads, metric, plan),
        readers=readers or plan.reader_factor,
        cases=cases or plan.case_factor,
        confidence=plan.confidence,
    )


def covariance_for(reads: Reads, metric: Metric, plan: Plan) -> str:
    """The planned covariance, or the unbiased one where reads are missing and it is defined."""
    if not reads.missing:
        return plan.covariance if metric.name == "auc" or plan.covariance != "delong" else "jackknife"
    return "unbiased" if metric.name == "auc" or metric.case_scores is not None else "jackknife"


def oriented(contrast: Contrast, endpoint: str) -> Contrast:
    """The contrast with "more is better": turned round for a score of which less is better."""
    if endpoint not in LESS_IS_BETTER:
        return contrast
    ci = None if contrast.ci is None else (-contrast.ci[1], -contrast.ci[0])
    statistic = None if contrast.statistic is None else -contrast.statistic
    return Contrast(
        contrast.first,
        contrast.second,
        -contrast.estimate,
        contrast.se,
        contrast.df,
        statistic,
        contrast.p,
        ci,
    )


def verdict(contrast: Contrast, plan: Plan) -> Verdict:
    """The planned test of the primary endpoint."""
    found = oriented(contrast, plan.endpoints[0])
    names = f"{contrast.first} %s {contrast.second}"
    if plan.hypothesis == "noninferiority":
        words = f"{names % 'is not inferior to'} by more than {plan.margin:g}"
        return noninferiority(found, margin=plan.margin, alpha=plan.alpha / 2, claim=words)
    if plan.hypothesis == "equivalence":
        return equivalence(found, margin=plan.margin, alpha=plan.alpha)
    return superiority(found, alpha=plan.alpha / 2, claim=names % "is better than")


def against_model(record: Record, plan: Plan, modality: str, endpoint: str) -> ModelAgainstReaders:
    """Readers under a modality less the model alone, readers and cases as planned."""
    reads = reads_in(record, modality, what=column_of(endpoint))
    said = of_cases(record, reads, "model_call" if endpoint in OF_CALLS else "model")
    if np.isnan(said).all():
        raise StudyError("The table holds nothing that the model said, so the model alone is not compared.")
    return readers_against_model(
        reads, said, metric=plan.metric(endpoint), cases=plan.case_factor, confidence=plan.confidence
    )


def beats_both(record: Record, plan: Plan) -> Verdict:
    """Are readers with the model better than readers alone and than the model alone?"""
    endpoint = plan.endpoints[0]
    if endpoint in LESS_IS_BETTER:
        raise StudyError("Better than both is tested where more is better; the primary endpoint is a loss.")
    solo = compare(record, plan, endpoint).differences[0]
    return complementarity(solo, against_model(record, plan, plan.first, endpoint), alpha=plan.alpha / 2)
