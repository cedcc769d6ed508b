"""How readers dealt with the model: reliance where it was right and where it was wrong, flips, agreement."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from hitl_review.study.agreement import Coefficient
from hitl_review.study.group_agreement import fleiss_kappa, gwet_ac1, krippendorff_alpha
from hitl_review.study.reads import BoolArray, FloatArray
from hitl_review.study.reliance import Reliance, Share, reliance, weight_of_advice
from hitl_review.study.reporting.charts import Spot, bars, plot, share_axis
from hitl_review.study.reporting.document import (
    Block,
    Cell,
    Chart,
    Section,
    Table,
    Text,
    count,
    interval,
    number,
    percent,
    table,
)
from hitl_review.study.reporting.findings import attempt
from hitl_review.study.reporting.plan import Plan
from hitl_review.study.reporting.record import Pairs, Record, pairs_in, reads_in

NO_CALLS = "Reliance needs calls and what the model showed for each read; this table does not hold both."
NOT_SEQUENTIAL = (
    "Readers did not commit an own answer before they saw the model, so it is not known who changed their mind: "
    "RAIR, RSR and flips are not defined here. Final answers are set against the advice, and against the same "
    "reader's own read of the same case without the model."
)
MEASURES = (
    ("switched", "switched: took the advice, where they differed"),
    ("rair", "RAIR: took right advice, having been wrong"),
    ("rsr", "RSR: kept to the right answer against wrong advice"),
    ("over_reliance", "over-reliance: ended as the advice, where it was wrong"),
    ("under_reliance", "under-reliance: ended otherwise, where the advice was right"),
    ("automation_bias", "automation bias: led off a right answer by wrong advice"),
    ("aversion", "aversion: kept to a wrong answer against right advice"),
    ("commission", "commission: called positive on false alarms of the model"),
    ("commission_solo", "commission alone: the same reads before or without the model"),
    ("omission", "omission: called negative on misses of the model"),
    ("omission_solo", "omission alone: the same reads before or without the model"),
    ("beneficial_flips", "wrong to right, of all reads"),
    ("harmful_flips", "right to wrong, of all reads"),
    ("joint_errors", "reader and model both wrong, before the reveal, of all reads"),
)
WITHOUT_INITIAL = {
    "over_reliance",
    "under_reliance",
    "commission",
    "commission_solo",
    "omission",
    "omission_solo",
}


def reliance_section(record: Record, plan: Plan) -> Section:
    """Reliance over all reads, by reader, and where the output was made wrong on purpose."""
    title = "Reliance"
    if not plan.second:
        return Section("reliance", title, (Text("There is one modality, so nobody was advised."),))
    pairs = pairs_in(record, plan.first, plan.second)
    usable = _usable(record, pairs)
    if not usable.any():
        return Section("reliance", title, (Text(NO_CALLS),))
    pairs = Pairs(pairs.first[usable], pairs.second[usable])
    whole = _reliance(record, pairs)
    shown = [each for each in MEASURES if plan.sequential or each[0] in WITHOUT_INITIAL]
    blocks: list[Block] = [] if plan.sequential else [Text(NOT_SEQUENTIAL)]
    blocks += [_measures(whole, shown, "Reliance over all reads"), _panel(whole, shown)]
    if plan.sequential:
        blocks += [*_advice_weight(record, pairs), _complementarity(whole)]
    blocks += _by_reader(record, pairs, plan)
    wrong = record.wrong_model[pairs.first]
    if wrong.any():
        apart = _reliance(record, Pairs(pairs.first[wrong], pairs.second[wrong]))
        blocks.append(_measures(apart, shown, "Reads shown a wrong output on purpose"))
    data = {name: _share_json(getattr(whole, name)) for name, _ in shown}
    return Section("reliance", title, tuple(blocks), {"reads": whole.n, **data})


def _usable(record: Record, pairs: Pairs) -> BoolArray:
    columns = (record.call[pairs.second], record.call[pairs.first], record.shown_call[pairs.first])
    known = ~np.isnan(np.array(columns)).any(axis=0) if len(pairs.first) else np.zeros(0, dtype=bool)
    return np.asarray(known)


def _reliance(record: Record, pairs: Pairs) -> Reliance:
    return reliance(
        record.call[pairs.second],
        record.shown_call[pairs.first],
        record.call[pairs.first],
        record.truth[pairs.first],
    )


def _measures(found: Reliance, shown: list[tuple[str, str]], caption: str) -> Table:
    rows = []
    for name, words in shown:
        each: Share = getattr(found, name)
        rows.append(
            [
                words,
                Cell([each.count, each.of], f"{each.count} / {each.of}"),
                percent(each.value, 1),
                interval(each.interval),
            ]
        )
    note = (
        "Intervals are Wilson's over reads, which are alike within readers and cases: read them as too narrow. "
        "A dash: it could not happen in any read."
    )
    return table(f"{caption} ({found.n:,} reads)", ["measure", "reads", "share", "interval"], rows, note=note)


def _panel(found: Reliance, shown: list[tuple[str, str]]) -> Chart:
    rows = []
    for name, words in shown:
        each: Share = getattr(found, name)
        rows.append(
            (
                words.split(":")[0] if ":" in words else words.split(",")[0],
                each.value,
                f"{each.count} of {each.of}",
            )
        )
    return Chart(
        bars("Reliance panel", rows, words="share of the reads where it could happen"), "Reliance panel."
    )


def _share_json(each: Share) -> dict[str, object]:
    return {"count": each.count, "of": each.of, "value": each.value, "reason": each.reason}


def _advice_weight(record: Record, pairs: Pairs) -> list[Block]:
    before, after, advice = record.rating[pairs.second], record.rating[pairs.first], record.shown[pairs.first]
    known = ~np.isnan(np.array([before, after, advice])).any(axis=0)
    if not known.any() or not record.are_probabilities:
        return []
    found = weight_of_advice(before[known], advice[known], after[known])
    if found.mean is None or found.median is None or found.clipped is None:
        return [Text(f"Weight of advice: not defined because {found.reason}.")]
    return [
        Text(
            f"Weight of advice (0: stayed, 1: went all the way): mean {found.mean:.2f}, median {found.median:.2f}, "
            f"over {found.n} reads; {found.clipped:.0%} were outside 0 to 1 and cut; {found.excluded} reads closer "
            "than 0.05 to the advice are not counted."
        )
    ]


def _complementarity(found: Reliance) -> Text:
    team = found.complementarity
    realised = "" if team.realised is None else f" ({team.realised:.0%} of what was possible)"
    return Text(
        f"Accuracy: alone {found.accuracy_initial.value:.3f}, model {found.accuracy_advice.value:.3f}, with the model "
        f"{found.accuracy_final.value:.3f}; at least one of the two right {team.at_least_one_right:.3f}. The team is "
        f"{'above' if team.reached else 'not above'} the better of the two: {team.effect:+.3f}{realised}."
    )


def _by_reader(record: Record, pairs: Pairs, plan: Plan) -> list[Block]:
    rows, spots = [], []
    for reader in record.readers:
        own = record.reader[pairs.first] == reader
        if not own.any():
            continue
        each = _reliance(record, Pairs(pairs.first[own], pairs.second[own]))
        shares = (each.rair, each.rsr) if plan.sequential else (each.over_reliance, each.under_reliance)
        rows.append(
            [
                reader,
                count(each.n),
                *(_of(one) for one in shares),
                count(each.harmful_flips.count),
                count(each.beneficial_flips.count),
            ]
        )
        if plan.sequential and each.rsr.value is not None and each.rair.value is not None:
            spots.append(Spot(reader, each.rsr.value, each.rair.value, each.rsr.interval, each.rair.interval))
    names = ("RAIR", "RSR") if plan.sequential else ("over-reliance", "under-reliance")
    header = ["reader", "reads", *names, "right to wrong", "wrong to right"]
    if not plan.sequential:
        header, rows = header[:4], [row[:4] for row in rows]
    blocks: list[Block] = [table("By reader", header, rows)]
    if spots:
        x, y = (
            share_axis("RSR: kept to right against wrong advice"),
            share_axis("RAIR: took right advice"),
        )
        svg = plot("Appropriate reliance", [], spots=spots, size=(420, 360), x=x, y=y)
        blocks.append(
            Chart(
                svg,
                "Appropriate reliance of each reader with Wilson intervals; the ideal is the upper right corner.",
            )
        )
    return blocks


def _of(each: Share) -> Cell:
    text = "\u2013" if each.value is None else f"{each.value:.0%} ({each.count}/{each.of})"
    return Cell(each.value, text)


def flips(record: Record, plan: Plan) -> Section:
    """Case by case: where a reader was right alone and wrong with the model."""
    title = "Harmful changes, case by case"
    if not plan.second or not plan.sequential:
        words = "Not listed: whether an answer changed is known only where an own answer was committed first."
        return Section("flips", title, (Text(words),))
    pairs = pairs_in(record, plan.first, plan.second)
    a, b = pairs.first, pairs.second
    known = ~np.isnan(record.call[a]) & ~np.isnan(record.call[b])
    harmful = known & (record.call[b] == record.truth[b]) & (record.call[a] != record.truth[a])
    if not harmful.any():
        return Section("flips", title, (Text("No answer was changed from right to wrong."),), {"count": 0})
    rows = [
        [
            record.case[one],
            record.reader[one],
            plan.positive if record.truth[one] else plan.negative,
            _said(record.rating[other]),
            _said(record.shown[one]),
            _said(record.rating[one]),
            "yes" if record.wrong_model[one] else "",
        ]
        for one, other in sorted(
            zip(a[harmful], b[harmful], strict=True), key=lambda pair: record.case[pair[0]]
        )
    ]
    header = ["case", "reader", "truth", "alone", "model shown", "with the model", "wrong on purpose"]
    caption = f"{len(rows)} reads went from right to wrong after the model was shown"
    return Section("flips", title, (table(caption, header, rows),), {"count": len(rows)})


def _said(value: float) -> Cell:
    if np.isnan(value):
        return Cell(None, "\u2013")
    return Cell(float(value), f"{value:.0%}" if 0 <= value <= 1 else f"{value:g}")


def agreement(record: Record, plan: Plan) -> Section:
    """How far readers agree, beyond chance, in each modality: of calls, and of ratings."""
    rows, notes = [], []
    for modality in [name for name in (plan.first, plan.second) if name]:
        for what, name, measure in (
            ("call", "Fleiss' kappa, calls", fleiss_kappa),
            ("call", "Gwet's AC1, calls", gwet_ac1),
            ("call", "Krippendorff's alpha, calls", krippendorff_alpha),
            ("rating", "Krippendorff's alpha, ratings", _interval_alpha),
        ):
            found = attempt(partial(_measured, record, modality, what, measure))
            if found.result is None:
                notes.append(Text(f"{name}, {modality}: {found.reason}"))
                continue
            each: Coefficient = found.result
            shared = percent(each.percent_agreement if what == "call" else None)
            cells = [modality, number(each.value), interval(each.ci), shared]
            rows.append([name, *cells, each.reason])
    header = ["coefficient", "modality", "value", "interval", "agreement", "remark"]
    note = "Agreement is not accuracy. With the model readers may agree more because they follow the same advice."
    blocks: list[Block] = [table("Agreement between readers", header, rows, note=note)] if rows else []
    return Section("agreement", "Agreement between readers", (*blocks, *notes, *_with_themselves(record)))


def _measured(
    record: Record, modality: str, what: str, measure: Callable[[FloatArray], Coefficient]
) -> Coefficient:
    return measure(reads_in(record, modality, what=what).ratings[0])


def _interval_alpha(answers: FloatArray) -> Coefficient:
    return krippendorff_alpha(answers, level="interval")


def _with_themselves(record: Record) -> list[Block]:
    """Repeats: how often a reader called the same case alike a second time."""
    again = np.flatnonzero(record.repeat & ~np.isnan(record.call))
    first = {
        (record.reader[row], record.case[row], record.modality[row]): row
        for row in np.flatnonzero(record.analysed & ~np.isnan(record.call))
    }
    pairs = [
        (first[key], row)
        for row in again
        if (key := (record.reader[row], record.case[row], record.modality[row])) in first
    ]
    if not pairs:
        return []
    alike = sum(record.call[a] == record.call[b] for a, b in pairs)
    return [
        Text(f"Of {len(pairs)} cases read twice by the same reader, {alike} were called alike both times.")
    ]
