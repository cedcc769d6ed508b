"""What a report says before its results: what was asked, of whom, with what, and how it was planned."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hitl_review.study.reporting.charts import flow
from hitl_review.study.reporting.document import Block, Bullets, Chart, Facts, Section, Text, count, table
from hitl_review.study.reporting.findings import Attempt, primary_part, verdict
from hitl_review.study.reporting.plan import ENRICHED, LABORATORY, Plan
from hitl_review.study.reporting.record import Record
from hitl_review.study.results import MrmcResult
from hitl_review.study.summary import number as plain
from hitl_review.study.summary import p_value

SIMULATED = "SIMULATED READERS. No person made these reads. Nothing here says how people read."
NOT_RECORDED = "Not recorded with the study."


def summary(record: Record, plan: Plan, primary: Attempt[MrmcResult]) -> Section:
    """Title and abstract: the question, the size, the answer, and what kind of study it was."""
    used = primary_part(record, plan)
    kept = used.analysed
    blocks: list[Block] = [
        Text(
            f"{len(record.readers)} readers, {len(set(used.case[kept]))} cases and {int(kept.sum()):,} analysed "
            f"reads. Compared: {_compared(plan)}. Primary endpoint: {plan.endpoints[0].replace('_', ' ')}."
        ),
        Text(_answer(plan, primary), strong=True),
        Text(LABORATORY),
        Text(ENRICHED),
        Text(
            "The software supports decisions and studies of them. It is not a medical device, and this report is "
            "no claim about one."
        ),
    ]
    if plan.simulated:
        blocks.insert(0, Text(SIMULATED, strong=True))
    facts = [("Study", plan.study_id), ("Design", plan.design), ("Report made", plan.made)]
    blocks.append(Facts(tuple((label, value) for label, value in facts if value)))
    data = {"analysed_reads": int(kept.sum()), "readers": len(record.readers), "simulated": plan.simulated}
    return Section("summary", "Summary", tuple(blocks), data)


def _compared(plan: Plan) -> str:
    return f"{plan.first} and {plan.second}" if plan.second else plan.first


def _answer(plan: Plan, primary: Attempt[MrmcResult]) -> str:
    result = primary.result
    if result is None:
        return f"The primary analysis could not be made: {primary.reason}"
    label = result.metric.label
    if not result.differences:
        return f"{label} of {plan.first}: {plain(result.estimate, 3)}. There is nothing to compare it with."
    means = {each.modality: each.estimate for each in result.performances}
    difference = result.differences[0]
    said = (
        f"{label}: {plan.first} {means[plan.first]:.3f}, {plan.second} {means[plan.second]:.3f}, difference "
        f"{difference.estimate:+.3f}"
    )
    if difference.ci is None or difference.p is None:
        return f"{said}; not testable because {difference.reason}."
    shown = verdict(difference, plan)
    words = "Shown" if shown.shown else "Not shown"
    limits = f"{100 * plan.confidence:g} % interval {difference.ci[0]:+.3f} to {difference.ci[1]:+.3f}"
    return f"{said} ({limits}, p {_equals(p_value(difference.p))}). {words}: {shown.claim}."


def _equals(p: str) -> str:
    return p if p.startswith("<") else f"= {p}"


def use(plan: Plan) -> Section:
    """Intended use and users."""
    return _from_facts(plan, "use", "Intended use and users")


def model(plan: Plan) -> Section:
    """The model whose output was shown."""
    return _from_facts(plan, "model", "Model, version and training")


def reference(record: Record, plan: Plan) -> Section:
    """The reference standard, and how many cases of each kind."""
    truth = {
        case: value for case, value in zip(record.case, record.truth, strict=True) if not np.isnan(value)
    }
    positive = int(sum(truth.values()))
    rows = [[plan.positive, count(positive)], [plan.negative, count(len(truth) - positive)]]
    counts = table("Cases by the reference standard", ["reference standard", "cases"], rows)
    return _from_facts(plan, "reference", "Reference standard", more=(counts,))


def blinding(plan: Plan) -> Section:
    """Randomisation and blinding."""
    seed = () if plan.seed is None else (Facts((("Seed of the schedule", str(plan.seed)),)),)
    return _from_facts(plan, "blinding", "Randomisation and blinding", more=seed)


def _from_facts(plan: Plan, key: str, title: str, *, more: tuple[Block, ...] = ()) -> Section:
    rows = plan.facts.get(key, ())
    told: tuple[Block, ...] = (Facts(rows),) if rows else (Text(NOT_RECORDED),)
    return Section(key, title, (*told, *more), {label: value for label, value in rows})


def design(record: Record, plan: Plan) -> Section:
    """Design, and the way from every read made to those analysed."""
    steps, data = _flow(record, plan)
    words = "; ".join(f"{heading}: {line}" for heading, line in steps)
    rows = [
        [
            reader,
            *(
                count(int(((record.reader == reader) & (record.modality == name)).sum()))
                for name in record.modalities
            ),
        ]
        for reader in record.readers
    ]
    blocks: list[Block] = [
        Text(plan.design or "The design is seen from the table of reads."),
        Chart(flow("Flow of reads", steps), f"Flow of reads. {words}."),
        table("Reads made by each reader", ["reader", *record.modalities], rows),
    ]
    reasons = _tally(record.left_out)
    if reasons:
        blocks.append(
            table("Reads left out", ["reason", "reads"], [[name, count(n)] for name, n in reasons.items()])
        )
    deviations = _tally(record.deviation)
    if deviations:
        rows_of = [[name, count(n)] for name, n in deviations.items()]
        blocks.append(
            table("Deviations from the protocol (analysed, see sensitivity)", ["what", "reads"], rows_of)
        )
    return Section("design", "Design and flow", tuple(blocks), data)


def _flow(record: Record, plan: Plan) -> tuple[list[tuple[str, str]], dict[str, int]]:
    used = primary_part(record, plan)
    numbers = {
        "made": len(record),
        "left_out": int((record.left_out != "").sum()),
        "repeats": int(record.repeat.sum()),
        "no_reveal": int((record.no_reveal & record.analysed).sum()),
        "primary": int(used.analysed.sum()),
        "cases": len(set(record.case[record.analysed])),
    }
    steps = [
        (f"{numbers['made']:,} reads made", f"{len(record.readers)} readers, {len(set(record.case))} cases"),
        (
            f"{int(record.analysed.sum()):,} reads analysed",
            f"{numbers['left_out']} left out (training, attention checks, others), {numbers['repeats']} repeats",
        ),
        (
            f"{numbers['primary']:,} reads in the primary analysis",
            f"{numbers['no_reveal']} without a reveal and "
            f"{int((record.analysed & record.wrong_model).sum())} with a wrong output on purpose"
            f"{' (kept)' if plan.wrong_in_primary else ''} looked at apart",
        ),
    ]
    return steps, numbers


def _tally(reasons: np.ndarray) -> dict[str, int]:
    names, counts = np.unique([each for each in reasons if each], return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def endpoints(plan: Plan) -> Section:
    """Endpoints, margin and alpha as frozen, then every amendment."""
    names = [each.replace("_", " ") for each in plan.endpoints]
    rows = [
        ("Primary endpoint", names[0]),
        ("Further endpoints, in this order", ", ".join(names[1:]) or "none"),
        ("Hypothesis", plan.hypothesis),
        ("Margin", f"{plan.margin:g}" if plan.margin else "none"),
        ("Alpha (two-sided)", f"{plan.alpha:g}"),
        ("Readers and cases", f"readers {plan.reader_factor}, cases {plan.case_factor}"),
        ("Covariance", plan.covariance),
    ]
    if plan.threshold is not None:
        rows.append(("The model's call is positive from", f"{plan.threshold:.0%}"))
    return Section("endpoints", "Endpoints and margins", (Facts(tuple(rows)), *_amendments(plan)), dict(rows))


def _amendments(plan: Plan) -> Iterator[Block]:
    if not plan.amendments:
        yield Text("No amendment is recorded.")
        return
    rows = [[each.when, each.who, each.what, each.reason] for each in plan.amendments]
    yield table("Amendments after the protocol was frozen", ["when", "by", "what", "reason"], rows)


def size(plan: Plan) -> Section:
    """Why so many readers and cases."""
    return Section("size", "Sample size", (Text(plan.size_basis or NOT_RECORDED),))


def readers(record: Record, plan: Plan) -> Section:
    """Who read."""
    if not plan.readers:
        listed = Bullets(tuple(record.readers))
        return Section("readers", "Readers", (Text("Their roles and years are not recorded here."), listed))
    header = ["reader", "role", "years", "use of such models"][: len(plan.readers[0])]
    return Section("readers", "Readers", (table("Readers", header, [list(row) for row in plan.readers]),))
