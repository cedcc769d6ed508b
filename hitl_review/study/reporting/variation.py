"""What the result depends on: time and practice, and subgroups."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import exp

import numpy as np
from scipy import stats

from hitl_review.errors import StudyError
from hitl_review.study import distributions
from hitl_review.study.reading_time import time_ratio
from hitl_review.study.reads import FloatArray
from hitl_review.study.reporting.charts import Estimate, Line, axis_for, forest, plot
from hitl_review.study.reporting.document import (
    Block,
    Cell,
    Chart,
    Section,
    Table,
    Text,
    count,
    finite,
    interval,
    number,
    p_value,
    table,
)
from hitl_review.study.reporting.findings import attempt, compare, primary_part
from hitl_review.study.reporting.plan import Plan
from hitl_review.study.reporting.record import Record, reads_in
from hitl_review.study.results import Contrast, MrmcResult

NOT_POWERED = (
    "Subgroups were not powered for; a difference in one and not in another is no evidence that they differ."
)
BINS = 8
LEAST_OF_A_LEVEL = 10


def time(record: Record, plan: Plan) -> Section:
    """Active time per case as a ratio, and whether readers get quicker or better along their list."""
    title = "Time and learning"
    timed = ~np.isnan(record.seconds) & (record.seconds > 0) & record.analysed
    if not timed.any():
        return Section("time", title, (Text("No reading times are recorded."),))
    blocks: list[Block] = []
    data: dict[str, object] = {}
    if plan.second:
        found = attempt(lambda: _ratio(record.only(timed), plan))
        if found.result is None:
            blocks.append(Text(f"Time: {found.reason}"))
        else:
            blocks.append(found.result[0])
            data = found.result[1]
    return Section("time", title, (*blocks, *_learning(record.only(timed), plan)), data)


def _ratio(record: Record, plan: Plan) -> tuple[Text, dict[str, object]]:
    each = time_ratio(reads_in(record, plan.first, plan.second, what="seconds"), confidence=plan.confidence)
    means = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in each.geometric_means.items())
    said = f"Active time per case (geometric mean): {means}. Ratio {each.ratio:.2f}"
    if each.ci is None:
        return Text(f"{said}; not testable because {each.reason}."), {"ratio": each.ratio}
    words = (
        f"{said} ({100 * plan.confidence:g} % interval {each.ci[0]:.2f} to {each.ci[1]:.2f}, p "
        f"{p_value(each.p).text}), readers and cases random."
    )
    return Text(words), {"ratio": each.ratio, "ci": list(each.ci), "p": finite(each.p)}


def _learning(record: Record, plan: Plan) -> Iterator[Block]:
    placed = ~np.isnan(record.place)
    if not placed.any():
        yield Text("The order of reading is not recorded, so no trend can be shown.")
        return
    rows, lines = [], []
    for modality in [name for name in (plan.first, plan.second) if name]:
        own = record.only(placed & (record.modality == modality))
        slopes = [slope for reader in own.readers if (slope := _slope(own, reader)) is not None]
        if len(slopes) >= 2:
            mean, limits, p = over_readers(np.array(slopes), plan.confidence)
            change, low, high = (exp(10 * each) - 1 for each in (mean, *limits))
            bounds = Cell([low, high], f"{_changed(low)} to {_changed(high)}")
            rows.append([modality, Cell(change, _changed(change)), bounds, p_value(p)])
        lines.append(Line(modality, _by_place(own), marked=True))
    if rows:
        header = ["modality", "change per 10 cases", "interval", "p"]
        note = "Slope of log time on the place in the list within each reader; t test over readers."
        yield table("Trend of time along the list", header, rows, note=note)
    yield from _accuracy_trend(record.only(placed), plan)
    points = [point for line in lines for point in line.points]
    if points:
        x, y = (
            axis_for("place in the reader's list", [x for x, _ in points]),
            axis_for("seconds (geometric mean)", [y for _, y in points]),
        )
        yield Chart(plot("Learning trend", lines, size=(480, 280), x=x, y=y), "Active time along the list.")


def _changed(share: float) -> str:
    return f"{share:+.1%}".replace("-", "\u2212")


def _accuracy_trend(record: Record, plan: Plan) -> Iterator[Block]:
    """Share of right calls in the second half of each reader's list less that in the first, over readers."""
    if not record.has_calls:
        return
    rows = []
    for modality in [name for name in (plan.first, plan.second) if name]:
        gains = []
        for reader in record.readers:
            own = record.only((record.reader == reader) & (record.modality == modality))
            if len(own) >= 4:
                right = (own.call == own.truth)[np.argsort(own.place, kind="stable")]
                gains.append(float(right[len(right) // 2 :].mean() - right[: len(right) // 2].mean()))
        if len(gains) >= 2:
            mean, limits, p = over_readers(np.array(gains), plan.confidence)
            rows.append([modality, number(mean, signed=True), interval(limits, signed=True), p_value(p)])
    if rows:
        header = ["modality", "second half less first", "interval", "p"]
        yield table("Trend of accuracy along the list", header, rows, note="t test over readers.")


def _slope(record: Record, reader: str) -> float | None:
    own = record.reader == reader
    place, seconds = record.place[own], record.seconds[own]
    if len(place) < 3 or np.ptp(place) == 0:
        return None
    return float(np.polyfit(place, np.log(seconds), 1)[0])


def over_readers(values: FloatArray, confidence: float) -> tuple[float, tuple[float, float], float | None]:
    """Mean over readers with its t interval and p against zero; no p where all are equal."""
    mean, df = float(values.mean()), len(values) - 1
    se = float(values.std(ddof=1) / np.sqrt(len(values)))
    if se <= 0:
        return mean, (mean, mean), None
    return (
        mean,
        distributions.interval(mean, se, df, confidence=confidence),
        distributions.t_two_sided(mean / se, df),
    )


def _by_place(record: Record) -> tuple[tuple[float, float], ...]:
    if not len(record):
        return ()
    parts = np.array_split(np.argsort(record.place, kind="stable"), min(BINS, len(record)))
    return tuple(
        (float(record.place[p].mean()), exp(float(np.log(record.seconds[p]).mean()))) for p in parts if len(p)
    )


def subgroups(record: Record, plan: Plan) -> Section:
    """The primary difference in each level of each subgroup variable, and a test of interaction."""
    title = "Subgroups"
    if not record.groups or not plan.second:
        return Section("subgroups", title, (Text("No subgroup variable is recorded for the cases."),))
    used = primary_part(record, plan)
    blocks: list[Block] = []
    data: dict[str, object] = {}
    for name in record.groups:
        levels = _levels(used, plan, name)
        made = [
            (each.estimate, each.se) for _, _, each, _ in levels if each is not None and each.se is not None
        ]
        p = interaction(made)
        data[name] = {"interaction_p": p}
        blocks += [
            _level_table(name, levels),
            Text(_interaction_words(p, len(made))),
            *_level_chart(name, levels, plan),
        ]
    blocks.append(Text(NOT_POWERED))
    return Section("subgroups", title, tuple(blocks), data)


_Level = tuple[str, int, Contrast | None, str]


def _levels(record: Record, plan: Plan, name: str) -> list[_Level]:
    """Each level with its cases, its difference if there is one, and why not."""
    found: list[_Level] = []
    for level in sorted(set(record.groups[name][record.analysed]) - {""}):
        cases = len(set(record.case[record.analysed & (record.groups[name] == level)]))
        each = attempt(partial(_in_level, record, plan, name, level))
        contrast = None if each.result is None else each.result.differences[0]
        found.append((level, cases, contrast, each.reason if contrast is None else contrast.reason))
    return found


def _level_table(name: str, levels: list[_Level]) -> Table:
    rows = []
    for level, cases, each, reason in levels:
        cells = (
            [number(None)] * 2
            if each is None
            else [number(each.estimate, signed=True), interval(each.ci, signed=True)]
        )
        rows.append([level, count(cases), *cells, reason])
    return table(f"By {name.replace('_', ' ')}", ["level", "cases", "difference", "interval", "remark"], rows)


def _level_chart(name: str, levels: list[_Level], plan: Plan) -> list[Block]:
    drawn = []
    for level, cases, each, _ in levels:
        if each is not None:
            low, high = each.ci or (None, None)
            drawn.append(Estimate(level, each.estimate, low, high, f"{each.estimate:+.3f}, {cases} cases"))
    if len(drawn) < 2:
        return []
    words = f"{plan.endpoints[0].replace('_', ' ')}: {plan.first} \u2212 {plan.second}"
    caption = f"Difference by {name.replace('_', ' ')}."
    return [Chart(forest(f"Subgroups: {name}", drawn, words=words), caption)]


def _in_level(record: Record, plan: Plan, name: str, level: str) -> MrmcResult:
    part = record.only(record.groups[name] == level)
    truth = {
        case: value for case, value in zip(part.case[part.analysed], part.truth[part.analysed], strict=True)
    }
    positives = int(sum(truth.values()))
    if min(positives, len(truth) - positives) < LEAST_OF_A_LEVEL:
        raise StudyError(f"{positives} positive and {len(truth) - positives} negative cases: too few to say.")
    return compare(part, plan, plan.endpoints[0])


def interaction(made: list[tuple[float, float]]) -> float | None:
    """p of "the difference is the same in every level": Cochran's Q on estimates and standard errors; None for one.

    Levels hold other cases but the same readers; what readers add to both is counted as if it were independent.
    """
    if len(made) < 2:
        return None
    values, errors = np.array(made).T
    weights = 1 / errors**2
    mean = float((weights * values).sum() / weights.sum())
    return float(stats.chi2.sf(float((weights * (values - mean) ** 2).sum()), len(made) - 1))


def _interaction_words(p: float | None, levels: int) -> str:
    if p is None:
        return f"Interaction: not testable with {levels} level(s) that could be analysed."
    return f"Interaction over {levels} levels: p {p_value(p).text} (Cochran's Q; readers are shared, so approximate)."
