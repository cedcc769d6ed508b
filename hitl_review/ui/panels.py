"""The model's panel and small notices as HTML. Pure, like `charts`."""

from __future__ import annotations

from html import escape

from hitl_review.domain.prediction import Verdict
from hitl_review.domain.screen import Gravity, ModelView, Notice
from hitl_review.ui.charts import contributions_html, scale_html, sentences_html

_SIGNS = {Gravity.FINE: "✓", Gravity.NOTE: "i", Gravity.WARNING: "!"}
_SHAPES = {
    Verdict.LIKELY: "▲",
    Verdict.UNLIKELY: "▼",
    Verdict.UNSURE: "?",
    Verdict.UNLIKE_TRAINING: "!",
    Verdict.UNAVAILABLE: "–",
}


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
