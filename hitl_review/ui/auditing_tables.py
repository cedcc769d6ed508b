"""What an auditor reads of a case, of rates and of a sample, as HTML tables. Pure, like `log_table`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Final

from hitl_review.domain.decision import Decision
from hitl_review.project import Project
from hitl_review.store.samples import Finding
from hitl_review.ui.history_table import ANSWER_WORDS
from hitl_review.ui.stacked import heads, row, safe, table
from hitl_review.workflow.case_records import CaseRecord, RecordKind, newest_findings
from hitl_review.workflow.override_rates import Rate, Rates
from hitl_review.workflow.past_screens import CaseHistory
from hitl_review.workflow.sampling import VERDICTS

_DECISION: Final = ("Time (UTC)", "Who", "Decision", "Answer", "Own estimate", "Reason and comment", "Signed", "Stands")
_RECORD: Final = ("Time (UTC)", "Who", "Recorded", "From", "Stands")
_SAMPLED: Final = ("Case", "Decision", "Answer", "Reason and comment", "Who", "When (UTC)", "Signed", "Found")
_KINDS: Final = {
    RecordKind.ESTIMATE: "Own estimates, before the model was shown",
    RecordKind.VIEW: "What the model said",
    RecordKind.OUTCOME: "Outcomes: what turned out to be true",
    RecordKind.DISPUTE: "Disagreement of readers",
    RecordKind.FINDING: "Findings of sampled review",
    RecordKind.LABEL: "Training labels",
}


def decisions_html(project: Project, history: CaseHistory, people: Mapping[str, str]) -> str:
    """Return every decision on a case, oldest first, replaced ones too, with the signature of each."""
    rows = "".join(_decision_row(project, each, history.replaced, people) for each in history.decisions)
    return table("<b>Decisions,</b> oldest first; replaced ones are kept", _DECISION, f"<tbody>{rows}</tbody>")


def _decision_row(
    project: Project, decision: Decision, replaced: frozenset[str], people: Mapping[str, str]
) -> str:
    sign, answer = ANSWER_WORDS[decision.answer]
    own = "" if decision.own_probability is None else f"{decision.own_probability:.0%}"
    signed = decision.signature.words
    stands = "replaced by a later one" if decision.decision_id in replaced else "in force"
    cells = (
        people.get(decision.reader, decision.reader),
        f"{sign} {answer}",
        project.recorded_words(decision.label),
        own,
        _why(project, decision),
        signed,
        stands,
    )
    when = f"{decision.decided_at:%Y-%m-%d %H:%M:%S}"
    return row(_DECISION, when, cells, replaced=decision.decision_id in replaced)


def records_html(records: Sequence[CaseRecord], people: Mapping[str, str], *, caption: str) -> str:
    """Return what was recorded of a case beside its decisions, a body for each kind, replaced records too."""
    bodies = "".join(
        _records_body(_KINDS[kind], list(each), people) for kind, each in groupby(records, key=lambda each: each.kind)
    )
    return table(caption, _RECORD, bodies)


def _records_body(title: str, records: Sequence[CaseRecord], people: Mapping[str, str]) -> str:
    rows = "".join(
        row(
            _RECORD,
            f"{each.at:%Y-%m-%d %H:%M:%S}",
            (people.get(each.by, each.by), each.said, each.source, each.stands),
            replaced=each.replaced,
        )
        for each in records
    )
    return f'<tbody><tr><th scope="rowgroup" colspan="{len(_RECORD)}">{title}</th></tr>{rows}</tbody>'


def rates_html(rates: Rates) -> str:
    """Return override and deferral rates: a body for all, for readers, and for reasons; with their intervals."""
    head = heads("Answer, reader or reason", "Share", "95% interval", "Count")
    bodies = "".join(
        _rates_body(title, rows)
        for title, rows in (
            ("All decisions in force", (rates.overridden, rates.deferred)),
            ("Overridden, by reader", rates.by_reader),
            ("By reason, of all decisions", rates.by_reason),
        )
        if rows
    )
    return (
        '<div class="hr-paper"><table class="hr-table hr-rates"><caption class="hr-unseen">Override rates</caption>'
        f"<thead><tr>{head}</tr></thead>{bodies}</table></div>"
    )


def _rates_body(title: str, rates: Sequence[Rate]) -> str:
    rows = "".join(_rate_row(rate) for rate in rates)
    return f'<tbody><tr><th scope="rowgroup" colspan="4">{escape(title)}</th></tr>{rows}</tbody>'


def _rate_row(rate: Rate) -> str:
    share = f"{rate.share:.1%}" if rate.of else "none yet"
    interval = f"{rate.low:.1%} to {rate.high:.1%}" if rate.of else ""
    return (
        f'<tr><th scope="row">{safe(rate.name)}</th><td>{share}</td><td>{interval}</td>'
        f"<td>{rate.count:,} of {rate.of:,}</td></tr>"
    )


def sample_html(
    project: Project, drawn: Sequence[Decision], findings: Sequence[Finding], people: Mapping[str, str]
) -> str:
    """Return the decisions of a sample with what was found of each; several findings stand one after another."""
    found: dict[str, list[str]] = {}
    in_force = newest_findings(findings)
    for each in findings:
        replaced = "" if each.finding_id in in_force else "; replaced by a later finding"
        who = f"{people.get(each.by, each.by)}, {each.at[:16].replace('T', ' ')} UTC{replaced}"
        said = f"{VERDICTS[each.verdict]}{': ' if each.comment else ''}{each.comment} ({who})"
        found.setdefault(each.decision_id, []).append(said)
    rows = "".join(_sampled_row(project, each, found.get(each.decision_id, []), people) for each in drawn)
    caption = "<b>Sampled decisions,</b> in the order drawn"
    return table(caption, _SAMPLED, f"<tbody>{rows}</tbody>")


def _sampled_row(
    project: Project, decision: Decision, found: Sequence[str], people: Mapping[str, str]
) -> str:
    sign, answer = ANSWER_WORDS[decision.answer]
    cells = (
        f"{sign} {answer}",
        project.recorded_words(decision.label),
        _why(project, decision),
        people.get(decision.reader, decision.reader),
        f"{decision.decided_at:%Y-%m-%d %H:%M}",
        decision.signature.words,
        "; ".join(found) or "not reviewed yet",
    )
    return row(_SAMPLED, decision.case_id, cells)


def _why(project: Project, decision: Decision) -> str:
    return ": ".join(part for part in (project.reason_words(decision.reason), decision.comment) if part)
