"""From screens to HTML: fact tables, the probability scale, the contribution chart.

Pure functions of domain values, tested without Streamlit and reusable in exports. Everything that
comes from data or people is escaped; the tables are real tables, so a screen reader reads them; no
meaning is carried by colour alone: every bar has an arrow, a sign and a word beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from hitl_review.domain.screen import Fact, FactGroup, Facts, Mark, ModelView, ReasonLine

MINUS = "\u2212"
CROWDED = 0.13
"""Two labels closer than this share of the scale would touch, so one moves down."""
EDGE = 0.06
_MARK_WORDS = {Mark.LOW: "below the reference range", Mark.HIGH: "above the reference range"}


def facts_html(facts: Facts, *, compact: bool = False) -> str:
    """Return the facts in their clinical groups: tables in as many columns as fit, or one compact column."""
    kind = " hr-compact" if compact else ""
    return f'<div class="hr-facts{kind}">{"".join(map(_group_html, facts.groups))}</div>'


def _group_html(group: FactGroup) -> str:
    rows = "".join(map(_fact_row, group.facts))
    return (
        f'<table class="hr-group"><caption>{escape(group.label)}</caption>'
        '<thead class="hr-unseen"><tr><th scope="col">Measurement</th><th scope="col">Value</th>'
        f'<th scope="col">Mark</th><th scope="col">Reference range</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def _fact_row(fact: Fact) -> str:
    title = f' title="{escape(fact.description)}"' if fact.description else ""
    value = f"<b>{escape(fact.text)}</b> <span>{escape(fact.unit)}</span>"
    if fact.mark is Mark.MISSING:
        value = f"<i>{escape(fact.text)}</i>"
    return (
        f'<tr class="hr-{fact.mark.value}"><th scope="row"{title}>{escape(fact.label)}</th>'
        f'<td class="hr-value">{value}</td><td class="hr-mark">{_mark_html(fact.mark)}</td>'
        f'<td class="hr-reference">{escape(fact.reference)}</td></tr>'
    )


def _mark_html(mark: Mark) -> str:
    if not mark.sign:
        return ""
    return f'<abbr title="{_MARK_WORDS[mark]}">{mark.sign}</abbr>'


def scale_html(view: ModelView, own: float | None) -> str:
    """Return a 0 to 100% scale with the model's estimate, the own one, the base rate and the threshold."""
    marks = [("model", "model", view.probability), ("base", "all patients", view.base_rate)]
    if own is not None:
        marks.insert(1, ("own", "you", own))
    words = ", ".join(f"{name} {share:.0%}" for _, name, share in marks)
    crowded = own is not None and abs(own - view.base_rate) < CROWDED
    ticks = "".join(_tick(kind, name, share, lower=crowded and kind == "base") for kind, name, share in marks)
    return (
        f'<div class="hr-scale" role="img" aria-label="Scale from 0 to 100%: {escape(words)}, '
        f'threshold {view.threshold:.0%}"><div class="hr-rail"><div class="hr-fill" '
        f'style="width:{100 * view.probability:.1f}%"></div><div class="hr-threshold" '
        f'style="left:{100 * view.threshold:.1f}%"></div></div>{ticks}</div>'
    )


def _tick(kind: str, name: str, share: float, *, lower: bool) -> str:
    edge = " hr-at-start" if share < EDGE else " hr-at-end" if share > 1 - EDGE else ""
    return (
        f'<span class="hr-tick hr-tick-{kind}{edge}{" hr-lower" if lower else ""}" style="left:{100 * share:.1f}%">'
        f"<span>{escape(name)}</span></span>"
    )


def sentences_html(reasons: Sequence[ReasonLine], *, each: int = 3) -> str:
    """Return the strongest reasons for and against as sentences, the largest first."""
    raised = [reason for reason in reasons if reason.amount > 0][:each]
    lowered = [reason for reason in reasons if reason.amount < 0][:each]
    return (
        f'<div class="hr-sentences">{_sentence_list("Raised the score", "up", raised)}'
        f"{_sentence_list('Lowered the score', 'down', lowered)}</div>"
    )


def _sentence_list(title: str, way: str, reasons: Sequence[ReasonLine]) -> str:
    items = "".join(f"<li>{escape(reason.sentence)}</li>" for reason in reasons) or "<li>nothing</li>"
    return f'<div class="hr-{way}"><h4>{title}</h4><ul>{items}</ul></div>'


def contributions_html(view: ModelView, *, shown: int = 8) -> str:
    """Return the contributions in log-odds as a table with bars: the largest ones, then the rest as one row.

    The rows add up, with the base value, to the margin that the probability is made from.
    """
    first, rest = view.reasons[:shown], view.reasons[shown:]
    rows = [(reason.label, reason.text, reason.amount) for reason in first]
    if rest:
        rows.append((f"{len(rest)} other measurements", "", sum(reason.amount for reason in rest)))
    widest = max((abs(amount) for _, _, amount in rows), default=1.0) or 1.0
    body = "".join(_bar_row(label, text, amount, widest) for label, text, amount in rows)
    return (
        '<table class="hr-bars"><thead><tr><th scope="col">Measurement</th><th scope="col">Value</th>'
        '<th scope="col"><span class="hr-axis"><span>◀ lowered</span><span>raised ▶</span></span></th>'
        f'<th scope="col">log-odds</th></tr></thead><tbody>{body}</tbody><tfoot><tr><td colspan="4">'
        f"Average {signed(view.base_value)} and all rows together give {signed(view.margin)}, "
        f"which stands for {view.probability:.0%}.</td></tr></tfoot></table>"
    )


def _bar_row(label: str, text: str, amount: float, widest: float) -> str:
    way, arrow = _way(amount)
    width = 50 * abs(amount) / widest
    left = 50.0 if amount > 0 else 50 - width
    return (
        f'<tr><th scope="row">{escape(label)}</th><td class="hr-value">{escape(text)}</td><td class="hr-track">'
        f'<span class="hr-bar hr-{way}" style="left:{left:.1f}%;width:{width:.1f}%"></span></td>'
        f'<td class="hr-amount">{arrow} {signed(amount)}</td></tr>'
    )


def _way(amount: float) -> tuple[str, str]:
    """Return the class and the arrow of an amount; what rounds to nothing points nowhere."""
    if signed(amount) == "0.00":
        return "none", "="
    return ("up", "▲") if amount > 0 else ("down", "▼")


def signed(amount: float) -> str:
    """Return a number with its sign and two decimals: +0.41, −1.20; nothing has no sign."""
    text = f"{amount:+.2f}".replace("-", MINUS)
    return text if text[1:] != "0.00" else "0.00"
