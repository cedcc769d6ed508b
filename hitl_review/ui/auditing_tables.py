"""What an auditor reads of a case, of rates and of a sample, as HTML tables. Pure, like `log_table`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from hitl_review.domain.decision import Decision
from hitl_review.project import Project
from hitl_review.store.samples import Finding
from hitl_review.ui.history_table import ANSWER_WORDS
from hitl_review.workflow.auditing import printable
from hitl_review.workflow.override_rates import Rate, Rates
from hitl_review.workflow.past_screens import CaseHistory
from hitl_review.workflow.sampling import VERDICTS


def decisions_html(project: Project, history: CaseHistory, people: Mapping[str, str]) -> str:
    """Return every decision on a case, oldest first, replaced ones too, with the signature of each."""
    heads = _heads(
        "Time (UTC)", "Who", "Decision", "Answer", "Own estimate", "Reason and comment", "Signed", "Stands"
    )
    rows = "".join(_decision_row(project, each, history.replaced, people) for each in history.decisions)
    return _table("Decisions, oldest first; replaced ones are kept", heads, rows)


def _decision_row(
    project: Project, decision: Decision, replaced: frozenset[str], people: Mapping[str, str]
) -> str:
    sign, answer = ANSWER_WORDS[decision.answer]
    reasons = {reason.code: reason.label for reason in project.reasons}
    reason = "" if decision.reason is None else reasons.get(decision.reason, decision.reason)
    why = ": ".join(part for part in (reason, decision.comment) if part)
    label = "" if decision.label is None else project.label_words(decision.label)
    own = "" if decision.own_probability is None else f"{decision.own_probability:.0%}"
    signed = decision.signature.words
    stands = "replaced by a later one" if decision.decision_id in replaced else "in force"
    cells = (
        people.get(decision.reader, decision.reader),
        f"{sign} {answer}",
        label,
        own,
        why,
        signed,
        stands,
    )
    when = f"{decision.decided_at:%Y-%m-%d %H:%M:%S}"
    return f'<tr><th scope="row">{when}</th>{"".join(f"<td>{safe(cell)}</td>" for cell in cells)}</tr>'


def rates_html(rates: Rates) -> str:
    """Return override and deferral rates: a body for all, for readers, and for reasons; with their intervals."""
    heads = _heads("", "Share", "95% interval", "Count")
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
        f"<thead><tr>{heads}</tr></thead>{bodies}</table></div>"
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


def sample_html(drawn: Sequence[Decision], findings: Sequence[Finding], people: Mapping[str, str]) -> str:
    """Return the decisions of a sample with what was found of each; several findings stand one after another."""
    found: dict[str, list[str]] = {}
    for each in findings:
        who = f"{people.get(each.by, each.by)}, {each.at[:16].replace('T', ' ')} UTC"
        said = f"{VERDICTS[each.verdict]}{': ' if each.comment else ''}{each.comment} ({who})"
        found.setdefault(each.decision_id, []).append(said)
    rows = "".join(_sampled_row(each, found.get(each.decision_id, []), people) for each in drawn)
    heads = _heads("Case", "Decision", "Who", "When (UTC)", "Signed", "Found")
    return _table("Sampled decisions, in the order drawn", heads, rows)


def _sampled_row(decision: Decision, found: Sequence[str], people: Mapping[str, str]) -> str:
    sign, answer = ANSWER_WORDS[decision.answer]
    cells = (
        f"{sign} {answer}",
        people.get(decision.reader, decision.reader),
        f"{decision.decided_at:%Y-%m-%d %H:%M}",
        decision.signature.words,
        "; ".join(found) or "not reviewed yet",
    )
    rest = "".join(f"<td>{safe(cell)}</td>" for cell in cells)
    return f'<tr><th scope="row">{safe(decision.case_id)}</th>{rest}</tr>'


def _heads(*names: str) -> str:
    return "".join(f'<th scope="col">{name}</th>' for name in names)


def _table(caption: str, heads: str, rows: str) -> str:
    return (
        f'<div class="hr-paper hr-wide"><table class="hr-table hr-audited">'
        f'<caption class="hr-unseen">{caption}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def safe(text: str) -> str:
    """Return a text as HTML shows it as it is, invisible characters as codes, in its own direction."""
    return f"<bdi>{escape(printable(text))}</bdi>"
