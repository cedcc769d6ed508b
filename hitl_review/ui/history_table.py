"""A reader's own decisions as an HTML table, with a link back to each case. Pure, like `log_table`."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import Final
from urllib.parse import urlencode

from hitl_review.domain.decision import Answer, Decision
from hitl_review.project import Project
from hitl_review.workflow.auditing import printable

ANSWER_WORDS: Final = {
    Answer.ACCEPTED: ("✓", "accepted"),
    Answer.OVERRIDDEN: ("⇄", "overridden"),
    Answer.DEFERRED: ("…", "deferred"),
}
_COLUMNS: Final = (
    "Time",
    "Case",
    "Decision",
    "Your answer",
    "Own estimate",
    "Sure",
    "Reason and comment",
    "Signed",
)


def decisions_html(project: Project, decisions: Sequence[Decision]) -> str:
    """Return decisions as a table, a body for each day, in the order given."""
    heads = "".join(f'<th scope="col">{name}</th>' for name in _COLUMNS)
    days = "".join(
        _day_html(project, day, list(each))
        for day, each in groupby(decisions, key=lambda decision: f"{decision.decided_at:%Y-%m-%d}")
    )
    return (
        '<div class="hr-paper"><table class="hr-table hr-decisions"><caption class="hr-unseen">'
        f"Your decisions in force, newest first</caption><thead><tr>{heads}</tr></thead>{days}</table></div>"
    )


def _day_html(project: Project, day: str, decisions: list[Decision]) -> str:
    rows = "".join(_row_html(project, decision) for decision in decisions)
    return f'<tbody><tr><th scope="rowgroup" colspan="{len(_COLUMNS)}">{day} UTC</th></tr>{rows}</tbody>'


def _row_html(project: Project, decision: Decision) -> str:
    sign, answer = ANSWER_WORDS[decision.answer]
    label = project.recorded_words(decision.label)
    own = "" if decision.own_probability is None else f"{decision.own_probability:.0%}"
    sure = "" if decision.confidence is None else decision.confidence.value
    signature = decision.signature.words
    return (
        f"<tr><td>{decision.decided_at:%H:%M:%S}</td>"
        f'<th scope="row"><a href="{escape(_address(decision.case_id))}">{_safe(decision.case_id)}</a></th>'
        f'<td><span aria-hidden="true">{sign}</span> {answer}</td><td>{_safe(label)}</td><td>{own}</td><td>{sure}</td>'
        f"<td>{_why_html(project, decision)}</td><td>{_safe(signature)}</td></tr>"
    )


def _why_html(project: Project, decision: Decision) -> str:
    reason = _safe(project.reason_words(decision.reason))
    comment = f"<bdi>{_safe(decision.comment)}</bdi>" if decision.comment else ""
    return ": ".join(part for part in (reason, comment) if part)


def _address(case_id: str) -> str:
    """Return the address of a case relative to this page: the front page lies beside it, whatever lies before."""
    return "./?" + urlencode({"case": case_id})


def _safe(text: str) -> str:
    return escape(printable(text))


def choice_words(decision: Decision) -> str:
    """Return a decision as one line to choose from."""
    return f"{decision.case_id}, {ANSWER_WORDS[decision.answer][1]} {decision.decided_at:%Y-%m-%d %H:%M}"
