"""The report says what the references say, in the order of a paper, and a reason wherever a number lacks."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hitl_review.errors import StudyError
from hitl_review.study.reporting.document import Report, Table, Text
from hitl_review.study.reporting.plan import Amended
from hitl_review.study.reporting.record import Record, record_from_reads, record_of
from hitl_review.study.reporting.report import report_on
from tests.study.reporting.conftest import PLAN, marked

ORDER = (
    "summary use model design reference blinding endpoints size readers primary model_alone rates each_reader "
    "reliance agreement time subgroups flips sensitivity limits appendix"
)


def words_of(report: Report, key: str) -> str:
    """Everything a section says, as one text."""
    return json.dumps(
        report.section(key).blocks, default=lambda each: [getattr(each, n) for n in each.__slots__]
    )


def test_sections_come_in_the_order_of_a_paper(report: Report) -> None:
    """That of the outline, with results after everything that was planned."""
    assert " ".join(each.key for each in report.sections) == ORDER


def test_the_primary_result_is_that_of_the_references(report: Report) -> None:
    """MRMCaov on sim_assist: difference 0.07292, SE 0.01563, F 21.766 on 1 and 23.81 df; now assisted less solo."""
    data = report.section("primary").data
    assert data["estimate"] == pytest.approx(0.07292, abs=5e-6) and data["se"] == pytest.approx(
        0.01563, abs=5e-6
    )
    assert (data["statistic"], data["df2"]) == (
        pytest.approx(21.7660, abs=5e-5),
        pytest.approx(23.8131, abs=5e-5),
    )
    assert data["verdict"]["shown"] and data["metric"] == "auc"
    assert report.section("rates").data["specificity"]["p"] == pytest.approx(0.01784, abs=5e-6)


def test_the_team_is_held_against_both(report: Report) -> None:
    """Better than alone, not shown to be better than the model alone: so not shown to beat both."""
    data = report.section("model_alone").data
    assert data["with the model"]["model"] == pytest.approx(0.8666087963) and not data["beats_both"]["shown"]


def test_reliance_counts_are_those_of_the_references(
    report: Report, agreement_expected: dict[str, Any]
) -> None:
    """Pooled over readers: RAIR, RSR, over- and under-reliance, flips."""
    data, expected = report.section("reliance").data, agreement_expected["reliance/sim_assist_pooled"]
    assert data["rair"]["value"] == pytest.approx(expected["RAIR"])
    assert data["rsr"]["value"] == pytest.approx(expected["RSR"])
    assert data["over_reliance"]["value"] == pytest.approx(expected["over_reliance_final"])
    assert (
        data["harmful_flips"]["count"] == expected["harmful_flips"] == report.section("flips").data["count"]
    )


def test_json_holds_numbers_and_no_nan(report: Report) -> None:
    """Strict JSON; cells are values, not their print."""
    text = json.dumps(report.as_json(), allow_nan=False)
    found = json.loads(text)
    assert [each["key"] for each in found["sections"]] == ORDER.split() and found["simulated"] is True
    assert "NaN" not in text
    rows = next(
        b["table"]
        for s in found["sections"]
        if s["key"] == "each_reader"
        for b in s["content"]
        if "table" in b
    )
    assert isinstance(rows["rows"][0][1], float)


def test_the_setting_is_named_where_it_belongs(report: Report) -> None:
    """A laboratory study of an enriched set, with simulated readers, and no claim about a device."""
    for key in ("summary", "limits"):
        text = words_of(report, key)
        assert "laboratory study" in text and "of this enriched set" in text and "SIMULATED" in text
    assert "of this enriched set" in words_of(report, "rates")
    assert "not a medical device" in words_of(report, "summary")
    real = report_on_plan(report, simulated=False)
    assert "SIMULATED" not in words_of(real, "summary")


def report_on_plan(_report: Report, **changes: Any) -> Report:
    """A small report with a changed plan."""
    return report_on(tiny(), replace(PLAN, endpoints=("auc",), **changes))


def tiny(**columns: Any) -> Record:
    """Two readers, two modalities, eight cases, by hand."""
    rows = [(r, c, m) for m in ("alone", "with the model") for r in ("A", "B") for c in range(8)]
    base: dict[str, Any] = {
        "reader": [r for r, _, _ in rows],
        "case": [f"c{c}" for _, c, _ in rows],
        "modality": [m for _, _, m in rows],
        "truth": [c % 2 for _, c, _ in rows],
        "rating": [((c * 5 + n * 3) % 11) / 10 for n, (_, c, _) in enumerate(rows)],
    }
    return record_of({**base, **columns})


def test_a_table_without_anything_else_gives_a_report(sim_assist: Any) -> None:
    """Ratings only: what would need calls, a model, times or groups says that they are not there."""
    bare = report_on(record_from_reads(sim_assist.ratings), replace(PLAN, first="assisted", second="solo"))
    assert bare.section("primary").data["estimate"] == pytest.approx(0.07292, abs=5e-6)
    assert "holds nothing that the model said" in words_of(bare, "model_alone")
    assert "needs calls" in words_of(bare, "reliance")
    assert "No reading times" in words_of(bare, "time") and "No subgroup variable" in words_of(
        bare, "subgroups"
    )
    assert "need ratings that are probabilities" in words_of(bare, "rates")
    json.dumps(bare.as_json(), allow_nan=False)


@pytest.mark.parametrize(
    "change",
    [
        {"second": ""},
        {"endpoints": ("sensitivity",)},
        {"endpoints": ("brier", "auc")},
        {"readers_random": False},
        {"cases_random": False},
        {"hypothesis": "noninferiority", "margin": 0.05},
        {"hypothesis": "equivalence", "margin": 0.1},
        {"covariance": "delong"},
        {"sequential": False},
    ],
    ids=lambda each: "-".join(map(str, each)),
)
def test_every_kind_of_plan_is_reported(record: Record, change: dict[str, Any]) -> None:
    """One modality, other endpoints, fixed factors, other hypotheses: a whole report, in strict JSON."""
    made = report_on(record, replace(PLAN, **change))
    assert len(made.sections) == 21
    json.dumps(made.as_json(), allow_nan=False)


def test_hypotheses_are_answered_in_their_own_words(record: Record) -> None:
    """Non-inferior by the margin; equivalent only within it; a lower Brier score counts as better."""

    def claim(**change: Any) -> tuple[str, bool]:
        found = report_on(record, replace(PLAN, **change)).section("primary").data["verdict"]
        return found["claim"], found["shown"]

    words, shown = claim(hypothesis="noninferiority", margin=0.05)
    assert shown and "is not inferior to" in words and "0.05" in words
    assert not claim(hypothesis="equivalence", margin=0.02)[1]
    assert claim(endpoints=("brier",))[1]


def test_without_an_own_answer_first_changes_of_mind_are_not_reported(record: Record) -> None:
    """In a crossover RAIR, RSR and flips are not defined, and the report says so."""
    made = report_on(record, replace(PLAN, sequential=False))
    assert "are not defined here" in words_of(made, "reliance")
    assert "rair" not in made.section("reliance").data and "over_reliance" in made.section("reliance").data
    assert "Not listed" in words_of(made, "flips")


def test_missing_reads_switch_the_covariance_and_say_so(record: Record) -> None:
    """Reads without a reveal are missing by plan: the unbiased covariance takes over."""
    hidden = np.array(
        [(int(c[1:]) + int(r[1:])) % 7 == 0 for c, r in zip(record.case, record.reader, strict=True)]
    )
    part = marked(record, no_reveal=hidden).only(~(hidden & (record.modality == "with the model")))
    made = report_on(part, PLAN)
    assert made.section("primary").data["covariance"] == "unbiased"
    assert "unbiased covariance, which is made for it" in words_of(made, "primary")
    assert "No-reveal subset" in words_of(made, "sensitivity")
    assert made.section("design").data["no_reveal"] == hidden[record.modality == "alone"].sum()


def test_wrong_outputs_and_deviations_are_looked_at_apart(record: Record) -> None:
    """Left out of the primary analysis unless planned so, shown in reliance, and in the sensitivity analyses."""
    wrong = np.array([int(case[1:]) % 10 == 0 for case in record.case])
    odd = np.where(record.reader == "R01", "washout waived", "").astype(object)
    made = report_on(marked(record, wrong_model=wrong, deviation=odd), PLAN)
    assert made.section("design").data["primary"] == int((~wrong).sum())
    assert {"wrong_outputs", "by_protocol", "frrc", "rrfc", "u_statistics", "delong"} <= set(
        made.section("sensitivity").data
    )
    assert "wrong output on purpose" in words_of(made, "reliance") and "washout waived" in words_of(
        made, "design"
    )
    kept = report_on(marked(record, wrong_model=wrong), replace(PLAN, wrong_in_primary=True))
    assert kept.section("primary").data["estimate"] == pytest.approx(0.07292, abs=5e-6)


def test_what_is_left_out_is_counted_and_not_analysed(record: Record) -> None:
    """A training case with the truth wrong way round changes no result."""
    reason = np.where(record.case == record.case[0], "training case", "").astype(object)
    truth = np.where(record.case == record.case[0], 1 - record.truth, record.truth)
    without = record.only(record.case != record.case[0])
    made = report_on(marked(record, left_out=reason, truth=truth), PLAN)
    assert made.section("primary").data == report_on(without, PLAN).section("primary").data
    assert "training case" in words_of(made, "design")


def test_a_repeat_is_no_second_vote(record: Record) -> None:
    """Repeats give agreement with oneself, and nothing else."""
    again = record.only((record.reader == "R01") & (record.modality == "alone"))
    rows = np.concatenate(
        [
            np.arange(len(record)),
            np.flatnonzero(np.isin(record.reader, ["R01"]) & (record.modality == "alone")),
        ]
    )
    both = record.only(rows)
    flags = np.arange(len(both)) >= len(record)
    made = report_on(marked(both, repeat=flags), PLAN)
    assert made.section("primary").data["estimate"] == pytest.approx(0.07292, abs=5e-6)
    assert f"Of {len(again)} cases read twice by the same reader, {len(again)} were called alike" in words_of(
        made, "agreement"
    )


def test_subgroups_are_tested_for_interaction(record: Record, report: Report) -> None:
    """No effect of the made-up ward; a level with too few cases says so instead of giving a number."""
    assert report.section("subgroups").data["ward"]["interaction_p"] > 0.05
    few = marked(
        record, groups={"site": np.where(record.case == record.case[0], "tiny", "large").astype(object)}
    )
    assert "too few to say" in words_of(report_on(few, PLAN), "subgroups")


def test_the_trend_of_time_is_found(report: Report) -> None:
    """0.998 per case is 2 % less per ten cases; reading with the model takes 0.8 of the time."""
    assert report.section("time").data["ratio"] == pytest.approx(0.8)
    assert re.search(r"\\u22122\.\d%", words_of(report, "time"))


def test_amendments_and_facts_are_printed() -> None:
    """With reason, person and time; facts under their section."""
    plan = replace(
        PLAN,
        endpoints=("auc",),
        amendments=(Amended("2026-01-02", "lead-1", "alpha: 0.05 to 0.01", "Board's wish"),),
        facts={"model": (("Version", "v7"),)},
    )
    made = report_on(tiny(), plan)
    assert "Board's wish" in words_of(made, "endpoints") and "v7" in words_of(made, "model")


def test_the_joint_estimate_stands_beside_its_parts(record: Record) -> None:
    """Reader alone, model, both together: shown as a formula, never as a third judge."""
    joint = np.where(record.modality == "alone", (record.rating + record.model) / 2, np.nan)
    text = words_of(report_on(marked(record, joint=joint), PLAN), "model_alone")
    assert "reader and model together" in text and "no third judge" in text


def test_checklists_name_the_section_or_the_reason(report: Report) -> None:
    """Every item of three guidelines; a section where nothing was recorded does not count as an answer."""
    tables = {b.caption: b for b in report.section("appendix").blocks if isinstance(b, Table)}
    titles = {each.title for each in report.sections}
    assert {"STARD-AI", "DECIDE-AI", "CONSORT-AI"} <= set(tables)
    for name in ("STARD-AI", "DECIDE-AI", "CONSORT-AI"):
        for row in tables[name].rows:
            assert row[2].text in titles or row[2].text.startswith("Not answered because"), row
    model = next(row for row in tables["CONSORT-AI"].rows if row[0].text == "5 (i)")
    assert "nothing was recorded" in model[2].text
    assert len(tables["CONSORT-AI"].rows) == 14


def test_software_is_named(report: Report) -> None:
    """Versions of what computed the numbers."""
    assert {"Python", "numpy", "scipy", "hitl-review"} <= set(report.section("appendix").data["versions"])


def test_perfect_and_constant_readers_are_told_not_estimable() -> None:
    """No variance anywhere: a whole report with reasons, no NaN, no traceback."""
    truth = [c % 2 for m in range(2) for r in range(2) for c in range(8)]
    for rating in ([float(t) for t in truth], [0.5] * 32):
        made = report_on(tiny(rating=rating, call=[int(v >= 0.5) for v in rating]), PLAN)
        json.dumps(made.as_json(), allow_nan=False)
        assert "not testable" in words_of(made, "summary")


def test_what_cannot_be_reported_is_refused(record: Record) -> None:
    """A modality nobody read, no known truth, columns of other lengths, a missing column."""
    with pytest.raises(StudyError, match="compares 'aided'"):
        report_on(record, replace(PLAN, first="aided"))
    with pytest.raises(StudyError, match="No read can be analysed"):
        report_on(marked(record, truth=np.full(len(record), np.nan)), PLAN)
    with pytest.raises(StudyError, match="needs a column 'truth'"):
        record_of({"reader": ["A"], "case": ["c"], "modality": ["m"], "rating": [1]})
    with pytest.raises(StudyError, match="one entry per read"):
        tiny(call=[1, 0])
    assert Text("a") == Text("a")
