"""The report of a study: every section in the order of a paper, from a record of reads and a plan."""

from __future__ import annotations

from hitl_review.errors import StudyError
from hitl_review.study.reporting import closing, opening, results, trust, variation
from hitl_review.study.reporting.document import Report
from hitl_review.study.reporting.findings import attempt, compare, primary_part
from hitl_review.study.reporting.plan import Plan
from hitl_review.study.reporting.record import Record
from hitl_review.study.reporting.sensitivity import sensitivity


def report_on(record: Record, plan: Plan) -> Report:
    """Analyse a study by its plan and return the report; what can't be estimated says why, and the rest stands.

    Raises StudyError where the plan names a modality that nobody read, or no read has a known truth.
    """
    _check(record, plan)
    used = primary_part(record, plan)
    primary = attempt(lambda: compare(used, plan, plan.endpoints[0]))
    sections = (
        opening.summary(record, plan, primary),
        opening.use(plan),
        opening.model(plan),
        opening.design(record, plan),
        opening.reference(record, plan),
        opening.blinding(plan),
        opening.endpoints(plan),
        opening.size(plan),
        opening.readers(record, plan),
        results.primary(record, plan, primary),
        results.model_alone(record, plan),
        results.rates(record, plan),
        results.each_reader(plan, primary),
        trust.reliance_section(record, plan),
        trust.agreement(used, plan),
        variation.time(used, plan),
        variation.subgroups(record, plan),
        trust.flips(record, plan),
        sensitivity(record, plan, primary),
        closing.limits(record, plan),
    )
    return Report(plan.title, plan.simulated, (*sections, closing.appendix(sections, plan)))


def _check(record: Record, plan: Plan) -> None:
    for name in [each for each in (plan.first, plan.second) if each]:
        if name not in record.modalities:
            raise StudyError(
                f"The plan compares '{name}', but the reads are of {', '.join(record.modalities)}. Name one of these."
            )
    if not record.analysed.any():
        raise StudyError("No read can be analysed: none has a known truth, or all were left out.")
