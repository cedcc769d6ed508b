"""The model's papers as HTML: tables as in a clinical article, with small charts in their cells.

Pure functions of values, like `charts`. What comes from data is escaped, every table names its rows
and columns for a screen reader, and whatever a chart shows stands beside it in figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import log
from typing import Any, Final

from hitl_review.model.evaluation import wilson_interval
from hitl_review.ui.charts import MINUS

TOO_FEW: Final = 50
"""Below this many hold-out patients a subgroup's figures say too little to be shown."""
NOT_MEASURED: Final = "not measurable"
FIGURE_SPACE: Final = "\u2007"
Report = Mapping[str, Any]


def lead_html(title: str, words: str = "") -> str:
    """Return what stands under a page's title: what it is about, and one paragraph."""
    paragraph = f"<p>{escape(words)}</p>" if words else ""
    return f'<div class="hr-paper"><p class="hr-lead">{escape(title)}</p>{paragraph}</div>'


def purpose_html(intended_use: str, not_for: str) -> str:
    """Return what the project's model is for, and what it is not for."""
    warning = f'<h2>Not for</h2><p class="hr-not-for">{escape(not_for)}</p>' if not_for else ""
    return f'<section class="hr-paper"><h2>Intended use</h2><p>{escape(intended_use)}</p>{warning}</section>'


def section_html(title: str, words: str, parts: Sequence[str]) -> str:
    """Return a section: heading, one paragraph, and its tables."""
    return (
        f'<section class="hr-paper"><h2>{escape(title)}</h2><p>{escape(words)}</p>{"".join(parts)}</section>'
    )


def legend_html(number: int, words: str) -> str:
    """Return what stands under a figure."""
    return f'<div class="hr-paper"><p class="hr-note"><b>Figure {number}.</b> {escape(words)}</p></div>'


def pairs_html(pairs: Sequence[tuple[str, str]], *, caption: str) -> str:
    """Return words and what they stand for as a table of two columns; empty values are left out."""
    rows = (
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(text)}</td></tr>' for name, text in pairs if text
    )
    unseen = f'<caption class="hr-unseen">{escape(caption)}</caption>'
    return f'<table class="hr-table hr-pairs">{unseen}<tbody>{"".join(rows)}</tbody></table>'


def measures_html(report: Report) -> str:
    """Return the hold-out measures with their intervals, and beside each what a perfect or useless model has."""
    share = report["positives"] / report["cases"]
    calibration, threshold = report["calibration"], f"{report['threshold']:.0%}"
    rows = (
        ("Area under the ROC curve (AUC)", report["auc"], 2, "0.5 is chance, 1 is perfect"),
        (
            "Brier score",
            report["brier"],
            3,
            f"0 is perfect; always saying the base rate has {share * (1 - share):.3f}",
        ),
        (
            "Log loss",
            report["log_loss"],
            3,
            f"0 is perfect; always saying the base rate has {_entropy(share):.3f}",
        ),
        ("Calibration slope", calibration["slope"], 2, "1 is right; below 1 its estimates are too extreme"),
        (
            "Calibration intercept",
            calibration["intercept"],
            2,
            "0 is right; above 0 its estimates are too low",
        ),
        (f"Sensitivity at {threshold}", report["sensitivity"], None, "of those with the outcome, called so"),
        (
            f"Specificity at {threshold}",
            report["specificity"],
            None,
            "of those without the outcome, called so",
        ),
    )
    body = "".join(_measure_row(*row) for row in rows)
    return (
        f'<table class="hr-table hr-measures">{_caption(1, "Performance on the locked hold-out")}<thead><tr>'
        '<th scope="col">Measure</th><th scope="col" class="hr-number">Value</th>'
        '<th scope="col">95% interval</th><th scope="col">How to read it</th></tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def _entropy(share: float) -> float:
    return -sum(part * log(part) for part in (share, 1 - share) if part > 0)


def _measure_row(name: str, measured: Any, decimals: int | None, reading: str) -> str:
    interval = measured if isinstance(measured, Mapping) else {"value": measured, "low": None, "high": None}
    return (
        f'<tr><th scope="row">{escape(name)}</th><td class="hr-number">{_in_column(interval["value"], decimals)}</td>'
        f"<td>{_limits(interval, decimals)}</td><td>{escape(reading)}</td></tr>"
    )


def _number(value: float | None, decimals: int | None) -> str:
    """Write a measure; no decimals mean that it is a share, written in percent."""
    if value is None:
        return NOT_MEASURED
    text = f"{value:.0%}" if decimals is None else f"{value:.{decimals}f}"
    return text.replace("-", MINUS)


def _in_column(value: float | None, decimals: int | None) -> str:
    """Write a measure so that the decimal points of a column stand above each other."""
    return _number(value, decimals) + FIGURE_SPACE * (3 - decimals if decimals and value is not None else 0)


def _limits(interval: Report, decimals: int | None) -> str:
    if interval["low"] is None or interval["high"] is None:
        return ""
    return f"{_number(interval['low'], decimals)} to {_number(interval['high'], decimals)}"


def calibration_html(bins: Sequence[Report]) -> str:
    """Return predicted against observed frequency by tenths of predicted risk: a bar, its interval, and a mark.

    The bar is what was observed, the thin line its 95% interval (Wilson), the upright mark what was predicted.
    """
    body = "".join(_bin_row(number, each) for number, each in enumerate(bins, start=1))
    parts = "tenths" if len(bins) == 10 else "groups"
    return (
        f'<table class="hr-table hr-calibration">{_caption(2, f"Calibration by {parts} of predicted risk")}<thead><tr>'
        '<th scope="col">Group</th><th scope="col" class="hr-number">Patients</th>'
        '<th scope="col" class="hr-number">Predicted</th><th scope="col" class="hr-number">Observed</th>'
        f'<th scope="col" class="hr-chart">{_AXIS}</th><th scope="col">Observed is</th></tr></thead>'
        f"<tbody>{body}</tbody></table>"
        '<p class="hr-note">Bar: observed, with its 95% interval as a thin line. Upright mark: predicted. '
        "Where the mark lies inside the line, the difference may be chance. Differences are in percentage points.</p>"
    )


_AXIS: Final = '<span class="hr-scale-axis"><span>0</span><span>50</span><span>100%</span></span>'


def _bin_row(number: int, each: Report) -> str:
    predicted, observed, cases = each["predicted"], each["observed"], each["cases"]
    limits = wilson_interval(round(observed * cases), cases)
    chart = (
        f'<span class="hr-observed" style="width:{_percent(observed)}"></span>{_whisker(limits.low, limits.high)}'
        f'<span class="hr-predicted" style="left:{_percent(predicted)}"></span>'
    )
    return (
        f'<tr><th scope="row">{number}</th><td class="hr-number">{cases}</td>'
        f'<td class="hr-number">{predicted:.0%}</td><td class="hr-number">{observed:.0%}</td>'
        f'<td class="hr-chart"><div class="hr-percent">{chart}</div></td>'
        f"<td>{_difference(round(100 * observed) - round(100 * predicted))}</td></tr>"
    )


def _difference(points: int) -> str:
    """Say in points how far observed lies from predicted, as the two rounded figures beside it differ."""
    if points == 0:
        return "= as predicted"
    return f"▲ {points} higher" if points > 0 else f"▼ {-points} lower"


def _whisker(low: float, high: float) -> str:
    return f'<span class="hr-whisker" style="left:{_percent(low)};width:{_percent(high - low)}"></span>'


def _percent(share: float) -> str:
    return f"{100 * min(max(share, 0.0), 1.0):.1f}%"


@dataclass(frozen=True, slots=True)
class Group:
    """One subgroup's words and its hold-out figures."""

    words: str
    figures: Report


def subgroups_html(tables: Sequence[tuple[str, Sequence[Group]]], *, first_number: int) -> str:
    """Return sensitivity and predictive value in the levels of each grouping, the largest level first."""
    drawn = "".join(_subgroup_table(number, *each) for number, each in enumerate(tables, start=first_number))
    if not drawn:
        return ""
    return (
        f'{drawn}<p class="hr-note">In brackets, and as a thin line, the 95% interval (Wilson). Sensitivity: of those '
        "with the outcome, called so. Predictive value: of those called so, with the outcome.</p>"
    )


def _subgroup_table(number: int, name: str, groups: Sequence[Group]) -> str:
    ordered = sorted(groups, key=lambda group: (-group.figures["cases"], group.words))
    return (
        f'<table class="hr-table hr-subgroups">{_caption(number, f"Performance by subgroup: {name}")}<thead><tr>'
        f'<th scope="col">{escape(name)}</th><th scope="col" class="hr-number">With outcome</th>'
        f'<th scope="col">Sensitivity</th><th scope="col" class="hr-chart">{_AXIS}</th>'
        f'<th scope="col">Predictive value</th><th scope="col" class="hr-chart">{_AXIS}</th></tr></thead>'
        f"<tbody>{''.join(map(_group_row, ordered))}</tbody></table>"
    )


def _group_row(group: Group) -> str:
    figures = group.figures
    start = (
        f'<tr><th scope="row">{escape(group.words)}</th>'
        f'<td class="hr-number">{figures["positives"]} of {figures["cases"]}</td>'
    )
    if figures["cases"] < TOO_FEW:
        return f'{start}<td colspan="4">too few to say (fewer than {TOO_FEW})</td></tr>'
    return f"{start}{_share_cells(figures['sensitivity'])}{_share_cells(figures['positive_predictive_value'])}</tr>"


def _share_cells(share: Report) -> str:
    if share["value"] is None:
        return f'<td>{NOT_MEASURED}</td><td class="hr-chart"></td>'
    text = f"{share['value']:.0%} <span>({100 * share['low']:.0f}–{100 * share['high']:.0f})</span>"
    point = f'<span class="hr-point" style="left:{_percent(share["value"])}"></span>'
    chart = f'<div class="hr-percent">{_whisker(share["low"], share["high"])}{point}</div>'
    return f'<td>{text}</td><td class="hr-chart">{chart}</td>'


def importance_html(amounts: Sequence[tuple[str, float]], *, number: int, shown: int = 12) -> str:
    """Return how far each measurement moves the score on average, the largest first, the small ones as one row."""
    ordered = sorted(amounts, key=lambda each: (-each[1], each[0]))
    used, unused = (
        [each for each in ordered if each[1] > 0],
        [name for name, amount in ordered if amount <= 0],
    )
    rows, rest = used[:shown], used[shown:]
    if rest:
        rows.append((f"{len(rest)} other measurements together", sum(amount for _, amount in rest)))
    widest = max((amount for _, amount in rows), default=1.0)
    body = "".join(_amount_row(name, f"{amount:.2f}", amount / widest) for name, amount in rows)
    note = f'<p class="hr-note">Never used by the model: {escape(", ".join(unused))}.</p>' if unused else ""
    return _amounts(number, "What moves the score, on average", ("Measurement", "log-odds"), body) + note


def verdicts_html(counts: Sequence[tuple[str, int]], *, number: int) -> str:
    """Return how often each verdict was given on the hold-out, as counts and shares of all."""
    total = sum(count for _, count in counts) or 1
    body = "".join(
        _amount_row(words, f"{count} ({count / total:.0%})", count / total) for words, count in counts
    )
    return _amounts(number, "How often the model gives which verdict", ("Verdict", "Patients"), body)


def _amounts(number: int, title: str, columns: tuple[str, str], body: str) -> str:
    return (
        f'<table class="hr-table hr-amounts">{_caption(number, title)}<thead><tr><th scope="col">{columns[0]}</th>'
        f'<th scope="col" class="hr-number">{columns[1]}</th><th scope="col" class="hr-chart">'
        f'<span class="hr-unseen">Bar</span></th></tr></thead><tbody>{body}</tbody></table>'
    )


def _amount_row(name: str, text: str, share: float) -> str:
    return (
        f'<tr><th scope="row">{escape(name)}</th><td class="hr-number">{escape(text)}</td><td class="hr-chart">'
        f'<div class="hr-plain"><span class="hr-observed" style="width:{_percent(share)}"></span></div></td></tr>'
    )


def _caption(number: int, title: str) -> str:
    return f"<caption><b>Table {number}.</b> {escape(title)}</caption>"
