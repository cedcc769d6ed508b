"""How a report ends: its limits, what its words mean, what made it, where guidelines are answered."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from hitl_review.study.reporting.checklists import CHECKLISTS, answer
from hitl_review.study.reporting.document import Block, Bullets, Facts, Section, Text, table
from hitl_review.study.reporting.opening import NOT_RECORDED, SIMULATED
from hitl_review.study.reporting.plan import ENRICHED, LABORATORY, Plan
from hitl_review.study.reporting.record import Record

DICTIONARY = (
    ("reader, case, modality", "who read which case how; names are codes"),
    ("rating", "the reader's estimate; larger means more likely positive"),
    ("call", "the reader's yes or no, given beside the rating and never made from it afterwards"),
    ("truth", "the reference standard of the case"),
    ("model, model_call", "the model's own probability and call"),
    ("shown, shown_call", "what this reader saw of the model; another where it was made wrong on purpose"),
    ("seconds, place", "active time without pauses; the place in the reader's list"),
    ("no_reveal, wrong_model, repeat", "no model shown by plan; a wrong output on purpose; a second read"),
    ("left_out, deviation", "why a read is not analysed; what was not done by protocol"),
)
REPRODUCE = (
    "Export the reads (study export): the archive holds them for MRMCaov and iMRMC with an R script that computes the "
    "primary result again, and this program reads the same table: hitl-review study mrmc reads.csv."
)
NEVER_COPIES = (
    "The model read every case once and stands against the readers as one fixed judge (Hillis 2007, section 5.3); "
    "it was never entered as several readers."
)


def limits(record: Record, plan: Plan) -> Section:
    """What the study can't say."""
    found = [LABORATORY, ENRICHED]
    if plan.simulated:
        found.insert(0, SIMULATED)
    if len(record.readers) < 5:
        found.append(
            f"{len(record.readers)} readers give few degrees of freedom; other readers may differ much."
        )
    if record.no_reveal.any():
        found.append(
            "Own answers may be given with less care where advice is expected; see the no-reveal subset."
        )
    if not plan.sequential and plan.second:
        found.append("Without an own answer before the reveal, reliance can only be seen in part.")
    if (record.deviation != "").any():
        found.append(
            "Some reads deviated from the protocol; the result without them is among the sensitivity analyses."
        )
    found.append(
        "Pooled figures (calibration, net benefit, reliance intervals) take reads as independent and are descriptive."
    )
    return Section("limits", "Limits", (Bullets(tuple(found)),))


def appendix(sections: Sequence[Section], plan: Plan) -> Section:
    """Data dictionary, software, checklists, how to compute it again."""
    titles = {each.key: each.title for each in sections} | {"appendix": "Appendix"}
    empty = frozenset(each.key for each in sections if Text(NOT_RECORDED) in each.blocks)
    blocks: list[Block] = [
        table("Data dictionary", ["column", "meaning"], [list(row) for row in DICTIONARY]),
        Facts(tuple(versions(plan).items())),
        Text(NEVER_COPIES),
        Text(REPRODUCE),
    ]
    for checklist in CHECKLISTS:
        rows = [[item.number, item.asks, answer(item, titles, empty)] for item in checklist.items]
        header = ["item", "asks", "answered in"]
        blocks.append(table(checklist.name, header, rows, note=f"{checklist.source}. In our own words."))
    return Section("appendix", "Appendix", tuple(blocks), {"versions": versions(plan)})


def versions(plan: Plan) -> dict[str, str]:
    """The software that made the report."""
    found = {"Python": platform.python_version()}
    for name in ("hitl-review", "numpy", "scipy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed as a package"
    return {**found, **plan.versions}
