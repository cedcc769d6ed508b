"""A gate report as HTML: the verdict, its criteria in words, both models' curves side by side, subgroups, churn.

Pure functions of values. The two models differ by line style and label, never by colour alone, and every
figure that a curve shows stands in a table as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Final

from hitl_review.domain.gate import (
    CalibrationPoint,
    Churned,
    GateReport,
    GateVerdict,
    Pair,
    Side,
    SubgroupRow,
)
from hitl_review.ui.charts import MINUS

SIZE: Final = 200
MARGIN: Final = 24
TOP: Final = 18
SHOWN: Final = 12
VERDICT_WORDS: Final = {
    GateVerdict.PASSED: ("✓", "Passed", "fine"),
    GateVerdict.FAILED: ("✗", "Refused", "alarm"),
    GateVerdict.UNDECIDED: ("?", "Not enough evidence", "unknown"),
}
_GREY: Final = "#7A8794"
_LINES: Final = {
    "new": 'stroke="#2F8FA6" stroke-width="2"',
    "old": 'stroke="#C9741A" stroke-width="1.75" stroke-dasharray="6 3"',
    "guide": f'stroke="{_GREY}" stroke-width="1" stroke-dasharray="1 3"',
}
"""Colours that stand out on light and on dark ground; the dashes tell the lines apart without them."""
_CRITERIA: Final = {True: "✓ met", False: "✗ not met", None: "? not measurable"}


def verdict_html(report: GateReport, challenger: str, champion: str) -> str:
    """Return the gate's answer in one box: a sign, a word, and the sentence."""
    sign, word, kind = VERDICT_WORDS[report.verdict]
    return (
        f'<div class="hr-paper"><p class="hr-lamp hr-lamp-{kind}" role="status">'
        f'<b><span aria-hidden="true">{sign}</span> {word}.</b> '
        f"{escape(challenger)} against {escape(champion)}, in use when it was measured. "
        f"{escape(report.words)}</p></div>"
    )


def criteria_html(report: GateReport) -> str:
    """Return what the gate asked for and found, criterion by criterion."""
    groups = [each for each in report.criteria if each.name.startswith("subgroup:")]
    shown = [each for each in report.criteria if each not in groups or each.passed is False]
    lines = [(each.words, _CRITERIA[each.passed]) for each in shown]
    if groups:
        met = sum(each.passed is True for each in groups)
        words = (
            f"Subgroups: {met} of {len(groups)} are not worse by more than the limit; each stands in table 3."
        )
        lines.append((words, _CRITERIA[all(each.passed is not False for each in groups)]))
    rows = "".join(f"<tr><td>{escape(words)}</td><td>{answer}</td></tr>" for words, answer in lines)
    return _table("Table 1", "What the gate asks for", ("Criterion", "Answer"), rows)


def measures_html(report: GateReport, challenger: str, champion: str) -> str:
    """Return the figures of both models on the same hold-out patients, side by side."""
    measures: tuple[tuple[str, Callable[[Side], float | None], int], ...] = (
        ("Area under the ROC curve", lambda side: side.auc, 3),
        ("Log loss", lambda side: side.log_loss, 4),
        ("Brier score", lambda side: side.brier, 4),
        ("Calibration slope", lambda side: side.calibration_slope, 2),
        ("Calibration intercept", lambda side: side.calibration_intercept, 2),
        ("Sensitivity", lambda side: side.sensitivity, 3),
        ("Specificity", lambda side: side.specificity, 3),
    )
    rows = "".join(
        f'<tr><th scope="row">{name}</th><td class="hr-number">{_number(of(report.champion), digits)}</td>'
        f'<td class="hr-number">{_number(of(report.challenger), digits)}</td></tr>'
        for name, of, digits in measures
    )
    head = ("Measure", f"{champion}, in use", f"{challenger}, proposed")
    words = f"Both on the same {report.cases:,} patients, {report.positives:,} with the outcome"
    return _table("Table 2", words, head, rows, numbers=2)


def curves(report: GateReport) -> list[tuple[str, str]]:
    """Return ROC, calibration and decision curve of both models, each as its title and an SVG picture."""
    panels = (
        ("ROC curve", _roc(report), "false positives", "true positives"),
        ("Calibration", _calibration(report), "said", "happened"),
        ("Decision curve", _decision(report), "threshold", "net benefit"),
    )
    return [(title, _panel(title, drawn, across, up)) for title, drawn, across, up in panels]


def legend_html(challenger: str, champion: str) -> str:
    """Return what stands under the curves."""
    return (
        '<div class="hr-paper"><p class="hr-note"><b>Figure 1.</b> '
        f"Solid: {escape(challenger)}, proposed. Dashed: {escape(champion)}, in use. Dotted: chance, perfect "
        "calibration, or treating everybody. The figures behind the curves stand in the tables.</p></div>"
    )


def _panel(title: str, drawn: str, across: str, up: str) -> str:
    middle, text = (
        TOP + SIZE / 2,
        f'font-family="sans-serif" font-size="11" fill="{_GREY}" text-anchor="middle"',
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE + MARGIN + 2} {SIZE + MARGIN + TOP}">'
        f'<text x="{MARGIN + SIZE / 2}" y="12" {text} font-weight="bold">{title}</text>'
        f'<rect x="{MARGIN}" y="{TOP}" width="{SIZE}" height="{SIZE}" fill="none" stroke="{_GREY}" opacity="0.5"/>'
        f'{drawn}<text x="{MARGIN + SIZE / 2}" y="{TOP + SIZE + 16}" {text}>{across}</text>'
        f'<text x="{-middle}" y="14" {text} transform="rotate(-90)">{up}</text></svg>'
    )


def _roc(report: GateReport) -> str:
    return (
        _path([(0.0, 0.0), (1.0, 1.0)], "guide")
        + _path(report.champion.roc, "old")
        + _path(report.challenger.roc, "new")
    )


def _calibration(report: GateReport) -> str:
    def points(of: Sequence[CalibrationPoint]) -> list[Pair]:
        return [(each.stated, each.observed) for each in of]

    return (
        _path([(0.0, 0.0), (1.0, 1.0)], "guide")
        + _path(points(report.champion.calibration), "old")
        + _path(points(report.challenger.calibration), "new")
    )


def _decision(report: GateReport) -> str:
    top = max(
        [0.05, *(each[1] for side in (report.champion, report.challenger) for each in side.net_benefit)]
    )
    return "".join(
        _path([(x, max(y, 0.0) / top) for x, y in line], kind)
        for line, kind in (
            (report.net_benefit_of_all, "guide"),
            (report.champion.net_benefit, "old"),
            (report.challenger.net_benefit, "new"),
        )
    )


def _path(points: Sequence[Pair], kind: str) -> str:
    drawn = " ".join(f"{MARGIN + SIZE * x:.1f},{TOP + SIZE * (1 - y):.1f}" for x, y in points)
    return f'<polyline points="{drawn}" fill="none" {_LINES[kind]}/>'


def subgroups_html(report: GateReport, labels: Mapping[str, str]) -> str:
    """Return the difference in each subgroup with its interval; small ones say that they are."""
    if not report.subgroups:
        return ""
    bodies = "".join(
        _subgroup_body(labels, column, list(rows))
        for column, rows in groupby(report.subgroups, key=lambda each: each.column)
    )
    head = ("Patients", "With outcome", "AUC before", "AUC now", "Change (95 % interval)", "Answer")
    words = "Subgroups: whether the new model orders these patients worse than the one in use"
    return _table("Table 3", words, head, bodies, numbers=3, look="hr-groups")


def _subgroup_body(labels: Mapping[str, str], column: str, rows: Sequence[SubgroupRow]) -> str:
    lines = "".join(
        f'<tr><th scope="row">{escape(labels.get(f"{column}/{each.level}", each.level))}</th>'
        f'<td class="hr-number">{each.positives} of {each.cases}</td>{_subgroup_cells(each)}</tr>'
        for each in rows
    )
    title = escape(labels.get(column, column))
    return f'<tbody><tr><th scope="rowgroup" colspan="6"><b>{title}</b></th></tr>{lines}</tbody>'


def _subgroup_cells(row: SubgroupRow) -> str:
    if row.champion is None or row.challenger is None or row.difference is None or row.interval is None:
        return f"<td></td><td></td><td>{escape(row.words)}</td><td>not judged</td>"
    low, high = row.interval
    change = f"{row.difference:+.3f} ({low:+.3f} to {high:+.3f})".replace("-", MINUS)
    return (
        f'<td class="hr-number">{row.champion:.2f}</td><td class="hr-number">{row.challenger:.2f}</td>'
        f'<td class="hr-whole">{change}</td><td class="hr-whole">{_CRITERIA[row.passed]}</td>'
    )


def churn_html(report: GateReport, sealed: Collection[str] = ()) -> str:
    """Return how many patients' answers would flip, how many of them for the better, and each of them.

    The largest changes stand there; the others are folded away. What became of a patient whom a study has `sealed`
    stays untold.
    """
    better = sum(each.better for each in report.churn)
    words = (
        f"{len(report.churn):,} of {report.cases:,} hold-out patients would get another answer: "
        f"{better:,} the right one instead of the wrong one, {len(report.churn) - better:,} the other way round."
    )
    largest = sorted(report.churn, key=lambda each: -abs(each.challenger - each.champion))
    rows = [_churn_row(each, sealed=each.case_id in sealed) for each in largest]
    head = ("Patient", "Before", "Now", "Outcome came", "Change")
    title = "Patients whose answer flips, the largest changes first"
    table = _table("Table 4", title, head, "".join(rows[:SHOWN]), numbers=2) if rows else ""
    rest = rows[SHOWN:]
    if rest:
        folded = _table("Table 4", "continued", head, "".join(rest), numbers=2)
        table += f'<details class="hr-paper"><summary>The other {len(rest):,} patients</summary>{folded}</details>'
    return f'<div class="hr-paper"><p class="hr-note">{words}</p></div>{table}'


def _churn_row(each: Churned, *, sealed: bool) -> str:
    outcome = "sealed with a study" if sealed else "yes" if each.outcome else "no"
    change = "" if sealed else "better" if each.better else "worse"
    return (
        f'<tr><th scope="row">{escape(each.case_id)}</th><td class="hr-number">{each.champion:.0%}</td>'
        f'<td class="hr-number">{each.challenger:.0%}</td><td>{outcome}</td>'
        f"<td>{change}</td></tr>"
    )


def importance_html(report: GateReport, labels: Mapping[str, str]) -> str:
    """Return what changed in the global explanation: each measurement's share of all contributions."""
    rows = "".join(
        f'<tr><th scope="row">{escape(labels.get(each.feature, each.feature))}</th>'
        f'<td class="hr-number">{each.champion:.0%}</td><td class="hr-number">{each.challenger:.0%}</td>'
        f"<td>{_points(each.challenger - each.champion)}</td></tr>"
        for each in report.importance[:SHOWN]
    )
    head = ("Measurement", "Before", "Now", "Change")
    title = "What moves the score: share of all contributions"
    return _table("Table 5", title, head, rows, numbers=2) if rows else ""


def _points(change: float) -> str:
    points = round(100 * change)
    unit = "point" if abs(points) == 1 else "points"
    return "= as before" if points == 0 else f"▲ {points} {unit}" if points > 0 else f"▼ {-points} {unit}"


def _table(
    number: str, title: str, head: Sequence[str], rows: str, *, numbers: int = 0, look: str = ""
) -> str:
    """Return a table; `numbers` columns behind the first hold figures, so their heads stand to the right.

    `rows` are rows, or whole bodies of them; `look` is one more class of the table.
    """
    bodies = rows if rows.startswith("<tbody>") else f"<tbody>{rows}</tbody>"
    kinds = ["", *[' class="hr-number"'] * numbers, *[""] * len(head)]
    columns = "".join(
        f'<th scope="col"{kind}>{escape(each)}</th>' for each, kind in zip(head, kinds, strict=False)
    )
    return (
        f'<div class="hr-paper hr-wide"><table class="hr-table {look}">'
        f"<caption><b>{number}.</b> {escape(title)}</caption><thead><tr>{columns}</tr></thead>{bodies}</table></div>"
    )


def _number(value: float | None, digits: int) -> str:
    return "not measurable" if value is None else f"{value:.{digits}f}".replace("-", MINUS)
