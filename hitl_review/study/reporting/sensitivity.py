"""The primary comparison in other ways, each named for what it answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from hitl_review.study.reporting.document import (
    Block,
    Section,
    Text,
    finite,
    interval,
    number,
    p_value,
    table,
)
from hitl_review.study.reporting.findings import Attempt, attempt, compare, primary_part
from hitl_review.study.reporting.plan import Plan, column_of
from hitl_review.study.reporting.record import Record, reads_in
from hitl_review.study.reporting.variation import over_readers
from hitl_review.study.results import MrmcResult
from hitl_review.study.ustatistics import auc_difference

_Line = tuple[float, tuple[float, float] | None, float | None, str]
_Way = tuple[str, str, Attempt[_Line]]
_MODES = (
    ("rrrc", "readers and cases random", "random", "random"),
    ("frrc", "readers fixed: these readers only", "fixed", "random"),
    ("rrfc", "cases fixed: these cases only", "random", "fixed"),
)


def sensitivity(record: Record, plan: Plan, primary: Attempt[MrmcResult]) -> Section:
    """Fixed readers, fixed cases, other covariances, U-statistics, without deviations, no-reveal subset."""
    title = "Sensitivity analyses"
    if not plan.second:
        return Section(
            "sensitivity", title, (Text("There is one modality, so there is no comparison to vary."),)
        )
    rows = []
    data: dict[str, object] = {}
    for name, words, found in (*_planned(record, plan, primary), *_on_other_reads(record, plan)):
        if found.result is None:
            rows.append([words, *[number(None)] * 3, found.reason])
            continue
        estimate, ci, p, reason = found.result
        rows.append([words, number(estimate, signed=True), interval(ci, signed=True), p_value(p), reason])
        data[name] = {"estimate": finite(estimate), "ci": None if ci is None else list(ci), "p": finite(p)}
    header = ["analysis", "difference", "interval", "p", "remark"]
    made = table(f"{plan.endpoints[0].replace('_', ' ')}: {plan.first} \u2212 {plan.second}", header, rows)
    return Section("sensitivity", title, (made, *_undercall(record, plan)), data)


def _planned(record: Record, plan: Plan, primary: Attempt[MrmcResult]) -> Iterator[_Way]:
    """The same reads analysed in other ways."""
    used, endpoint = primary_part(record, plan), plan.endpoints[0]
    result = primary.result
    yield "primary", "primary analysis", Attempt(None if result is None else _line(result), primary.reason)
    for name, words, readers, cases in _MODES:
        if (readers, cases) != (plan.reader_factor, plan.case_factor):
            yield name, words, attempt(partial(_varied, used, plan, readers=readers, cases=cases))
    if endpoint != "auc":
        return
    yield "u_statistics", "U-statistics (Gallas), any design", attempt(partial(_by_ustatistics, used, plan))
    for covariance in ("delong", "jackknife", "unbiased"):
        if result is None or covariance != result.covariance:
            yield (
                covariance,
                f"{covariance} covariance",
                attempt(partial(_varied, used, plan, covariance=covariance)),
            )


def _on_other_reads(record: Record, plan: Plan) -> Iterator[_Way]:
    """The same analysis of other reads."""
    used = primary_part(record, plan)
    if (used.deviation != "").any():
        words = "without reads that deviated from the protocol"
        yield "by_protocol", words, attempt(partial(_varied, used.only(used.deviation == ""), plan))
    if record.wrong_model.any():
        other = replace(plan, wrong_in_primary=not plan.wrong_in_primary)
        words = f"{'without' if plan.wrong_in_primary else 'with'} the outputs made wrong on purpose"
        yield "wrong_outputs", words, attempt(partial(_varied, primary_part(record, other), plan))


def _varied(
    record: Record,
    plan: Plan,
    *,
    covariance: str | None = None,
    readers: str | None = None,
    cases: str | None = None,
) -> _Line:
    return _line(
        compare(record, plan, plan.endpoints[0], covariance=covariance, readers=readers, cases=cases)
    )


def _line(result: MrmcResult) -> _Line:
    each = result.differences[0]
    return each.estimate, each.ci, each.p, each.reason


def _by_ustatistics(record: Record, plan: Plan) -> _Line:
    reads = reads_in(record, plan.first, plan.second, what=column_of("auc"))
    found = auc_difference(reads, plan.first, plan.second, confidence=plan.confidence)
    return found.estimate, found.ci, found.p, found.reason


def _undercall(record: Record, plan: Plan) -> Iterator[Block]:
    """Were own answers on cases without a reveal as good as on those with one? If not, readers held back."""
    hidden = record.no_reveal & record.analysed
    if not hidden.any() or not record.has_calls:
        return
    alone = record.analysed & (record.modality == plan.second)
    right = (record.call == record.truth).astype(float)
    differences = []
    for reader in record.readers:
        own = alone & (record.reader == reader)
        apart, others = own & hidden, own & ~hidden
        if apart.any() and others.any():
            differences.append(float(right[apart].mean() - right[others].mean()))
    shares = [float(right[alone & which].mean()) for which in (hidden, ~hidden)]
    words = (
        f"No-reveal subset: own answers were right in {shares[0]:.1%} of {int((alone & hidden).sum())} reads "
        f"where no model followed, and in {shares[1]:.1%} of those where one did."
    )
    if len(differences) >= 2:
        mean, limits, p = over_readers(np.array(differences), plan.confidence)
        bounds = f"{limits[0]:+.3f} to {limits[1]:+.3f}"
        words += f" Difference per reader {mean:+.3f} ({bounds}, p {p_value(p).text}, t over readers)."
    yield Text(f"{words} A clear difference would mean that readers held back where they expected advice.")
