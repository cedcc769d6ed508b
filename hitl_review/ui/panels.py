"""The texts of the review page and the model's panel as HTML. Pure, like `charts`.

What belongs together is one piece: every element more costs the browser a millisecond or two per case.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from hitl_review.domain.prediction import Verdict
from hitl_review.domain.screen import Gravity, ModelView, Notice
from hitl_review.ui.charts import contributions_html, scale_html, sentences_html
from hitl_review.workflow.auditing import printable

_SIGNS = {Gravity.FINE: "✓", Gravity.NOTE: "i", Gravity.WARNING: "!"}
_SHAPES = {
    Verdict.LIKELY: "▲",
    Verdict.UNLIKELY: "▼",
    Verdict.UNSURE: "?",
    Verdict.UNLIKE_TRAINING: "!",
    Verdict.UNAVAILABLE: "–",
}


def heading_html(case_id: str, about: str) -> str:
    """Return which case this is, and one quiet line about it."""
    return f'<div class="hr-heading hr-line"><h3>Case {escape(case_id)}</h3><p>{escape(about)}</p></div>'


def titled_html(title: str, *quiet: str, ask: str = "", how: str = "") -> str:
    """Return the head of a form: its title, quiet lines below it, and what is asked, with how to answer it."""
    lines = "".join(f"<p>{escape(line)}</p>" for line in quiet if line)
    asked = f'<p class="hr-ask"><b>{escape(ask)}</b> {escape(how)}</p>' if ask else ""
    return f'<div class="hr-titled hr-line"><h3>{escape(title)}</h3>{lines}{asked}</div>'


def answered_html(title: str, said: Sequence[tuple[str, str]], signed: str) -> str:
    """Return what was decided, word by word as it was stored, and who signed it."""
    lines = "".join(
        f'<p class="hr-said">{escape(name)}: <b>{escape(printable(text))}</b></p>'
        for name, text in said
        if text
    )
    return f'<div class="hr-titled hr-line"><h3>{escape(title)}</h3>{lines}<p>{escape(printable(signed))}</p></div>'


def model_html(view: ModelView, own: float | None) -> str:
    """Return the model's view, whole: probability in words, verdict, reliability, reasons, chart."""
    return (
        f'<section class="hr-model{_faded(view)}" aria-label="The model\'s view">{_headline(view)}'
        f"{scale_html(view, own)}{reliability_html(view.reliability)}"
        f"<h3>Why the model says this</h3>{sentences_html(view.reasons)}{contributions_html(view)}"
        '<p class="hr-small">These are the model\'s reasons for its score, not causes of illness.</p></section>'
    )


def _faded(view: ModelView) -> str:
    """Demote a score that should not be leaned on: something is red in its reliability strip."""
    return " hr-demoted" if any(notice.gravity is Gravity.WARNING for notice in view.reliability) else ""


def _headline(view: ModelView) -> str:
    return (
        f'<div class="hr-headline"><div class="hr-probability">{view.probability:.0%}</div><div>'
        f"<p>{escape(view.probability_words)}</p>"
        f'<p class="hr-small">For comparison: {escape(view.base_rate_words)}. '
        f"Its call changes at {view.threshold:.0%}.</p></div></div>"
        f'<p class="hr-verdict hr-verdict-{view.verdict.value}">'
        f'<span aria-hidden="true">{_SHAPES[view.verdict]}</span> '
        f"{escape(view.verdict_words)}<small>{escape(view.verdict_meaning)}</small></p>"
    )


def reliability_html(notices: tuple[Notice, ...]) -> str:
    """Return the reliability strip: one line per notice, the gravest first."""
    order = [Gravity.WARNING, Gravity.NOTE, Gravity.FINE]
    lines = "".join(map(_notice_html, sorted(notices, key=lambda notice: order.index(notice.gravity))))
    return f'<ul class="hr-notices" aria-label="How far to rely on it">{lines}</ul>'


def _notice_html(notice: Notice) -> str:
    return (
        f'<li class="hr-{notice.gravity.value}">'
        f'<span class="hr-sign" aria-hidden="true">{_SIGNS[notice.gravity]}</span>'
        f"<span><b>{escape(notice.title)}</b> {escape(notice.text)}</span></li>"
    )
