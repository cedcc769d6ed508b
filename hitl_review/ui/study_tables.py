"""A study as HTML tables for its lead: protocol, power, progress. Pure, like `charts`; nothing here knows a result."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from hitl_review.domain.study import Study
from hitl_review.workflow.studies.planning import PowerTable
from hitl_review.workflow.studies.progress import ReaderProgress

ENOUGH = 0.8


def studies_html(studies: Sequence[Study]) -> str:
    """Return all studies with how far they are."""
    rows = "".join(
        f'<tr><th scope="row">{escape(each.study_id)}</th><td>{each.state.value}</td>'
        f"<td>{escape(each.protocol.title)}{_simulated(each)}</td>"
        f'<td class="hr-number">{len(each.protocol.readers)} × {len(each.protocol.cases)}</td></tr>'
        for each in studies
    )
    return (
        '<table class="hr-table"><caption>Studies in this workspace</caption><thead><tr><th scope="col">Study</th>'
        '<th scope="col">State</th><th scope="col">Title</th><th scope="col" class="hr-number">Readers × cases</th>'
        f"</tr></thead><tbody>{rows}</tbody></table>"
    )


def _simulated(study: Study) -> str:
    return " <span>(simulated readers)</span>" if study.simulated else ""


def protocol_html(study: Study) -> str:
    """Return what is planned, with the digests of what was laid down."""
    plan = study.protocol
    wrong = f"{plan.wrong_ai_cases} shown wrong on purpose" if plan.wrong_ai_cases else "none shown wrong"
    pairs = [
        ("Design", plan.design.words),
        ("Readers", ", ".join(plan.readers)),
        ("Cases", f"{len(plan.cases)}, and {len(plan.training_cases)} for training; {wrong}"),
        ("Per reader", f"attention checks: {plan.attention_checks}, cases read twice: {plan.repeats}"),
        ("Without a reveal", f"{plan.no_reveal_share:.0%} of each reader's cases, hidden"),
        ("Washout", f"{plan.washout_days} days"),
        ("Endpoints", ", ".join(plan.endpoints).replace("_", " ")),
        ("Test", _test(study)),
        ("Seed", str(plan.seed)),
        ("Size", plan.size_basis or "no reason given"),
        ("Protocol", study.digest),
    ]
    if study.seals is not None:
        pairs += [
            ("Model", study.seals.model),
            ("Lists", study.seals.schedule),
            ("Sealed truth", study.seals.truth),
        ]
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in pairs
    )
    return f'<table class="hr-table hr-pairs"><caption>Protocol</caption><tbody>{rows}</tbody></table>'


def _test(study: Study) -> str:
    plan = study.protocol
    margin = f", margin {plan.margin:g}" if plan.margin else ""
    who = f"readers {'random' if plan.readers_random else 'fixed'}, cases {'random' if plan.cases_random else 'fixed'}"
    return f"{plan.hypothesis.value}{margin}, alpha {plan.alpha:g}; {who}; {plan.covariance}"


def steps_html(study: Study) -> str:
    """Return the life of a study, with the reason of each amendment."""
    rows = "".join(
        f"<tr><td>{step.at:%Y-%m-%d %H:%M}</td><td>{step.kind}</td><td>{escape(step.by)}</td>"
        f"<td>{escape(step.reason)}</td></tr>"
        for step in study.steps
    )
    return (
        '<table class="hr-table"><caption>What was done, in UTC</caption><thead class="hr-unseen"><tr><th>When</th>'
        f"<th>What</th><th>Who</th><th>Why</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def progress_html(found: Sequence[ReaderProgress], now: datetime) -> str:
    """Return how far each reader is, and who may read again from when."""
    rows = "".join(_progress_row(each, now) for each in found)
    return (
        '<table class="hr-table"><caption>Reads done. How well anybody reads is not shown before the lock.</caption>'
        '<thead><tr><th scope="col">Reader</th><th scope="col" class="hr-number">Done</th>'
        '<th scope="col">Last read</th>'
        f'<th scope="col">Washout</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def _progress_row(each: ReaderProgress, now: datetime) -> str:
    last = "not begun" if each.last_read_at is None else f"{each.last_read_at:%Y-%m-%d %H:%M}"
    return (
        f'<tr><th scope="row">{escape(each.name)}</th><td class="hr-number">{each.done} of {each.total}</td>'
        f"<td>{last}</td><td>{_washout(each, now)}</td></tr>"
    )


def _washout(each: ReaderProgress, now: datetime) -> str:
    if each.waived:
        return "waived"
    if each.may_read_from is None:
        return "" if each.sessions == 1 else "none now"
    if each.may_read_from > now:
        return f"until {each.may_read_from:%Y-%m-%d}"
    return f"<b>over since {each.may_read_from:%Y-%m-%d}: remind</b>" if each.overdue else "over"


def power_html(table: PowerTable) -> str:
    """Return the power of each design; what reaches 80 % is bold and has a sign, so that colour is not needed."""
    head = "".join(f'<th scope="col" class="hr-number">{count}</th>' for count in table.cases)
    rows = "".join(
        f'<tr><th scope="row">{readers}</th>{"".join(map(_power_cell, powers))}</tr>'
        for readers, powers in table.rows
    )
    return (
        f'<table class="hr-table hr-power"><caption>Chance of finding a true difference of {table.effect:g} at alpha '
        f"{table.alpha:g}; ✓ where it is 80% or more. From {escape(table.pilot)}.</caption><thead><tr>"
        f'<th scope="col">Readers, by cases</th>{head}</tr></thead><tbody>{rows}</tbody></table>'
    )


def _power_cell(power: float) -> str:
    text = f"{power:.0%}" if power < 0.995 else ">99%"
    return f'<td class="hr-number">{f"<b>✓ {text}</b>" if power >= ENOUGH else text}</td>'
