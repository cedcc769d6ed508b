"""The results: the primary comparison, the model beside the readers, rates and calibration, each reader."""

from __future__ import annotations

from functools import partial

import numpy as np

from hitl_review.study.accuracy import net_benefit, net_benefit_of_acting_on_all, roc_curve
from hitl_review.study.calibration import recalibration, reliability_bins
from hitl_review.study.paired import delong_auc
from hitl_review.study.reads import FloatArray
from hitl_review.study.reporting.charts import Estimate, Line, forest, plot, share_axis
from hitl_review.study.reporting.document import (
    Block,
    Cell,
    Chart,
    Section,
    Table,
    Text,
    count,
    degrees,
    finite,
    interval,
    number,
    p_value,
    table,
)
from hitl_review.study.reporting.findings import (
    SWITCHED,
    Attempt,
    against_model,
    attempt,
    beats_both,
    compare,
    primary_part,
    verdict,
)
from hitl_review.study.reporting.plan import ENRICHED, Plan
from hitl_review.study.reporting.record import Record, reads_in
from hitl_review.study.results import MrmcResult

GRID = np.linspace(0.0, 1.0, 101)
THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


def primary(record: Record, plan: Plan, found: Attempt[MrmcResult]) -> Section:
    """The planned comparison: both modalities, the difference, the test, the components, ROC curves."""
    result = found.result
    if result is None:
        return Section("primary", "Primary result", (Text(f"Not estimable: {found.reason}", strong=True),))
    blocks: list[Block] = [performances(result), *_difference(result, plan), _components(result)]
    if result.covariance != plan.covariance and result.missing_reads:
        blocks.append(Text(SWITCHED.format(asked=plan.covariance)))
    blocks += [Text(note) for note in result.notes]
    drawn = attempt(lambda: _curves(primary_part(record, plan), plan))
    if drawn.result is not None:
        blocks.append(drawn.result)
    data = {**result.as_json(), "metric": result.metric.name, "covariance": result.covariance}
    if result.differences:
        shown = verdict(result.differences[0], plan)
        data["verdict"] = {"claim": shown.claim, "shown": shown.shown, "p_one_sided": finite(shown.p)}
    return Section("primary", "Primary result", tuple(blocks), data)


def performances(result: MrmcResult) -> Table:
    """Each modality alone."""
    rows = [
        [each.modality, number(each.estimate), number(each.se, 4), degrees(each.df), interval(each.ci)]
        for each in result.performances
    ]
    header = ["modality", result.metric.label, "SE", "df", _limits(result)]
    words = f"readers {result.readers}, cases {result.cases}, covariance {result.covariance}"
    return table(f"{result.metric.label}, averaged over readers ({words})", header, rows)


def _limits(result: MrmcResult) -> str:
    return f"{100 * result.confidence:g} % interval"


def _difference(result: MrmcResult, plan: Plan) -> list[Block]:
    if not result.differences:
        return [Text("There is one modality, so there is nothing to compare.")]
    each, test = result.differences[0], result.test
    row = [
        f"{each.first} \u2212 {each.second}",
        number(each.estimate, signed=True),
        number(each.se, 4),
        interval(each.ci, signed=True),
        number(test.statistic),
        Cell(finite(test.df1), "\u2013" if test.df1 is None else f"{test.df1:g}"),
        degrees(test.df2),
        p_value(each.p),
    ]
    name = {"F": "F", "X2": "chi-square"}.get(test.kind, "test")
    header = ["difference", "estimate", "SE", _limits(result), name, "df1", "df2", "p"]
    shown = verdict(each, plan)
    words = "Shown" if shown.shown else "Not shown"
    p = "" if shown.p is None else f" (one-sided p {p_value(shown.p).text} at alpha {shown.alpha:g})"
    why = f" Not testable: {shown.reason}." if shown.reason else ""
    return [table("Difference", header, [row]), Text(f"{words}: {shown.claim}{p}.{why}", strong=True)]


def _components(result: MrmcResult) -> Table:
    error = result.components
    rows = [
        ["Var(reader)", number(result.var_reader, 6)],
        ["Var(modality x reader)", number(result.var_interaction, 6)],
        ["Var(error)", number(error.var, 6)],
        ["Cov1: same reader, other modality", number(error.cov1, 6)],
        ["Cov2: other reader, same modality", number(error.cov2, 6)],
        ["Cov3: both differ", number(error.cov3, 6)],
    ]
    note = "Estimates; those of readers may be negative and are shown as they are."
    return table("Variance components", ["component", "estimate"], rows, note=note)


def _curves(record: Record, plan: Plan) -> Chart:
    """Mean ROC curve of each modality over readers, each reader's faintly, and the model's."""
    lines, faint = [], []
    for modality in [name for name in (plan.first, plan.second) if name]:
        reads = reads_in(record, modality)
        heights = []
        for j in range(len(reads.readers)):
            read = reads.was_read[0, j]
            curve = roc_curve(reads.truth[read], reads.ratings[0, j, read])
            heights.append(_height(*curve))
            faint.append(Line(modality, _points(*curve), faint=True))
        lines.append(
            Line(f"{modality} (mean of {len(heights)} readers)", _points(GRID, np.mean(heights, axis=0)))
        )
    if record.has_model:
        truth, model = _cases(record)
        lines.append(Line("model alone", _points(*roc_curve(truth, model))))
    x, y = (
        share_axis("1 \u2212 specificity"),
        share_axis("sensitivity"),
    )
    svg = plot("ROC curves", [*faint, *lines], diagonal=True, size=(420, 380), x=x, y=y)
    return Chart(svg, "ROC curves: means over readers (sensitivities averaged), single readers in grey.")


def _height(false_rate: FloatArray, true_rate: FloatArray) -> FloatArray:
    """Sensitivity at each false positive rate of the grid; at a vertical step, its upper end."""
    order = np.lexsort((true_rate, false_rate))
    x, y = false_rate[order], true_rate[order]
    last = np.append(x[1:] != x[:-1], True)
    return np.asarray(np.interp(GRID, x[last], y[last]), dtype=float)


def _points(x: FloatArray, y: FloatArray) -> tuple[tuple[float, float], ...]:
    return tuple(zip(x.tolist(), y.tolist(), strict=True))


def _cases(record: Record) -> tuple[FloatArray, FloatArray]:
    """Truth and the model's probability, once per analysed case."""
    rows = record.analysed
    _, first = np.unique(record.case[rows].astype(str), return_index=True)
    return record.truth[rows][first] == 1, record.model[rows][first]


def model_alone(record: Record, plan: Plan) -> Section:
    """Model, readers alone, readers with it; and whether the team beats both."""
    used, endpoint = primary_part(record, plan), plan.endpoints[0]
    if not used.has_model:
        words = (
            "The table holds nothing that the model said of each case, so the model alone is not compared."
        )
        return Section("model_alone", "Model alone, readers alone, together", (Text(words),))
    rows, notes = [], []
    data: dict[str, object] = {}
    for modality in [name for name in (plan.first, plan.second) if name]:
        found = attempt(partial(against_model, used, plan, modality, endpoint))
        if found.result is None:
            notes.append(Text(f"{modality}: {found.reason}"))
            continue
        each = found.result
        rows.append(
            [
                f"{modality} \u2212 model alone",
                number(each.readers_mean),
                number(each.model),
                number(each.estimate, signed=True),
                interval(each.ci, signed=True),
                degrees(each.df),
                p_value(each.p),
            ]
        )
        data[modality] = {"readers": each.readers_mean, "model": each.model, "p": finite(each.p)}
    header = ["comparison", "readers", "model", "difference", "interval", "df", "p"]
    blocks: list[Block] = [
        table("Readers against the model alone (the model reads once; readers random)", header, rows)
    ]
    blocks += [_alone(used), *_joint(used), *notes]
    if plan.second:
        blocks += _team(used, plan, data)
    return Section("model_alone", "Model alone, readers alone, together", tuple(blocks), data)


def _alone(record: Record) -> Text:
    truth, model = _cases(record)
    found = attempt(lambda: delong_auc(truth, model))
    if found.result is None:
        return Text(f"AUC of the model alone: {found.reason}")
    area = found.result
    return Text(f"AUC of the model alone: {area.auc:.3f} ({area.ci[0]:.3f} to {area.ci[1]:.3f}, DeLong).")


def _joint(record: Record) -> list[Block]:
    """The joint estimate of reader and model, read by read, beside its two parts; descriptive."""
    rows = record.analysed & ~np.isnan(record.joint)
    if not rows.any() or not record.are_probabilities:
        return []
    truth = record.truth[rows] == 1
    parts = [
        ("reader alone", record.rating),
        ("model", record.model),
        ("reader and model together", record.joint),
    ]
    made = [
        [name, _auc(truth, values[rows]), number(float(((values[rows] - truth) ** 2).mean()), 4)]
        for name, values in parts
    ]
    note = "Pooled over reads, descriptive. Together is a formula on both, fitted on other cases; it is no third judge."
    return [table("You and the model together", ["estimate", "AUC", "Brier"], made, note=note)]


def _auc(truth: FloatArray, values: FloatArray) -> Cell:
    found = attempt(lambda: delong_auc(truth, values))
    return number(None if found.result is None else found.result.auc)


def _team(record: Record, plan: Plan, data: dict[str, object]) -> list[Block]:
    found = attempt(lambda: beats_both(record, plan))
    if found.result is None:
        return [Text(f"Whether the team beats both: {found.reason}")]
    each = found.result
    data["beats_both"] = {"shown": each.shown, "p_one_sided": finite(each.p)}
    p = f" (intersection-union test, one-sided p {p_value(each.p).text})" if each.p is not None else ""
    why = f" {each.reason}." if each.reason else ""
    return [Text(f"{'Shown' if each.shown else 'Not shown'}: {each.claim}{p}.{why}", strong=True)]


def rates(record: Record, plan: Plan) -> Section:
    """Sensitivity, specificity and further endpoints; calibration; net benefit."""
    used = primary_part(record, plan)
    wanted = [*plan.endpoints[1:]] + [
        name for name in ("sensitivity", "specificity") if name not in plan.endpoints
    ]
    rows, notes = [], []
    data: dict[str, object] = {}
    for endpoint in wanted:
        found = attempt(partial(compare, used, plan, endpoint))
        result = found.result
        if result is None or not result.differences:
            notes.append(Text(f"{endpoint.replace('_', ' ').capitalize()}: {found.reason or 'one modality'}"))
            continue
        means = {each.modality: each for each in result.performances}
        each = result.differences[0]
        rows.append(
            [
                result.metric.label,
                *(_with_interval(means[name].estimate, means[name].ci) for name in (plan.first, plan.second)),
                number(each.estimate, signed=True),
                interval(each.ci, signed=True),
                p_value(each.p),
            ]
        )
        data[endpoint] = result.as_json()
    blocks: list[Block] = []
    if rows:
        header = ["endpoint", plan.first, plan.second, "difference", "interval", "p"]
        blocks.append(table("Further endpoints, readers and cases as planned", header, rows, note=ENRICHED))
    blocks += [*notes, *_calibration(used, plan), *_net_benefit(used, plan)]
    return Section("rates", "Sensitivity, specificity, calibration, net benefit", tuple(blocks), data)


def _with_interval(value: float, ci: tuple[float, float] | None) -> Cell:
    words = f"{value:.3f}" if ci is None else f"{value:.3f} ({ci[0]:.3f} to {ci[1]:.3f})"
    return Cell([finite(value), None if ci is None else list(ci)], words)


def _said(record: Record, plan: Plan) -> list[tuple[str, FloatArray, FloatArray]]:
    """Who said which probability of which truth: each modality's reads, and the model once per case."""
    found = []
    for modality in [name for name in (plan.first, plan.second) if name]:
        rows = record.analysed & (record.modality == modality) & ~np.isnan(record.rating)
        found.append((modality, record.truth[rows] == 1, record.rating[rows]))
    if record.has_model:
        truth, model = _cases(record)
        found.append(("model alone", truth, model))
    return [each for each in found if len(each[1])]


def _calibration(record: Record, plan: Plan) -> list[Block]:
    if not record.are_probabilities:
        return [Text("Calibration and net benefit need ratings that are probabilities; these are not.")]
    rows, lines = [], []
    for name, truth, stated in _said(record, plan):
        line = recalibration(truth, stated)
        brier = float(((stated - truth) ** 2).mean())
        rows.append(
            [
                name,
                count(len(truth)),
                number(brier, 4),
                number(line.slope, 2),
                number(line.in_the_large, 2, signed=True),
            ]
        )
        bins = reliability_bins(truth, stated)
        lines.append(Line(name, tuple((each.mean_stated, each.observed) for each in bins), marked=True))
    note = (
        "Pooled over reads, descriptive. Slope 1 is right, below 1 too extreme; in the large 0 is right, below 0 "
        "stated too high."
    )
    header = ["who", "reads", "Brier", "slope", "in the large"]
    x, y = (
        share_axis("stated probability"),
        share_axis("share that was positive"),
    )
    svg = plot("Calibration", lines, diagonal=True, size=(400, 340), x=x, y=y)
    return [
        table("Calibration", header, rows, note=note),
        Chart(
            svg, "Calibration: stated probability in ten bins against what was true; the diagonal is right."
        ),
    ]


def _net_benefit(record: Record, plan: Plan) -> list[Block]:
    if not record.are_probabilities:
        return []
    said = _said(record, plan)
    truth = said[0][1]
    rows = [
        [
            f"{at:.0%}",
            *(number(net_benefit(true, stated, threshold=at)) for _, true, stated in said),
            number(net_benefit_of_acting_on_all(truth, threshold=at)),
        ]
        for at in THRESHOLDS
    ]
    header = ["act from", *(name for name, _, _ in said), "act on all"]
    note = f"Pooled over reads, descriptive; acting on none is 0. {ENRICHED}"
    return [table("Net benefit", header, rows, note=note)]


def each_reader(plan: Plan, found: Attempt[MrmcResult]) -> Section:
    """Every reader's own figures and difference: about this reader only, over cases."""
    result = found.result
    if result is None:
        return Section("each_reader", "Each reader", (Text(f"Not estimable: {found.reason}"),))
    cells = {(each.modality, each.reader): each for each in result.reader_performances}
    own = {each.reader: each for each in result.reader_differences}
    rows = []
    for reader in result.reader_names:
        each = own.get(reader)
        means = [cells.get((modality, reader)) for modality in result.modalities]
        extra = (
            [number(None)] * 3
            if each is None
            else [number(each.estimate, signed=True), interval(each.ci, signed=True), p_value(each.p)]
        )
        rows.append([reader, *(number(None if cell is None else cell.estimate) for cell in means), *extra])
    header = ["reader", *result.modalities, "difference", "interval", "p"]
    blocks: list[Block] = [table(f"{result.metric.label} of each reader (over cases, z)", header, rows)]
    if own:
        blocks.append(_forest(result, plan))
    return Section("each_reader", "Each reader", tuple(blocks))


def _forest(result: MrmcResult, plan: Plan) -> Chart:
    rows = []
    for each in result.reader_differences:
        low, high = each.ci or (None, None)
        rows.append(Estimate(each.reader, each.estimate, low, high, _beside(each.estimate, each.ci)))
    whole = result.differences[0]
    low, high = whole.ci or (None, None)
    rows.append(
        Estimate("all readers", whole.estimate, low, high, _beside(whole.estimate, whole.ci), whole=True)
    )
    words = f"{result.metric.label}: {plan.first} \u2212 {plan.second}"
    svg = forest("Difference of each reader", rows, words=words)
    return Chart(svg, f"{words}, each reader over cases, and all readers as in the primary analysis.")


def _beside(value: float, ci: tuple[float, float] | None) -> str:
    return f"{value:+.3f}" if ci is None else f"{value:+.3f} ({ci[0]:+.3f} to {ci[1]:+.3f})"
