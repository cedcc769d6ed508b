"""A gate report on the page: the verdict in words, every criterion, both models told apart without colour."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from hitl_review.domain.gate import Churned, Criterion, GateVerdict, ImportanceChange, SubgroupRow
from hitl_review.ui import gate_charts
from tests.ward_learning import report

HOSTILE = '<script>alert("x")</script>'


@pytest.mark.parametrize(
    ("verdict", "word"),
    [
        (GateVerdict.PASSED, "Passed"),
        (GateVerdict.FAILED, "Refused"),
        (GateVerdict.UNDECIDED, "Not enough evidence"),
    ],
)
def test_the_verdict_is_a_word_and_a_sentence(verdict: GateVerdict, word: str) -> None:
    """Not a colour; with both models' names."""
    drawn = gate_charts.verdict_html(report(verdict), "Model v2", "Model v1")
    assert f"{word}.</b>" in drawn and f"The gate said: {verdict.value}." in drawn
    assert "Model v2 against Model v1" in drawn


def test_every_criterion_is_listed_and_subgroups_are_counted() -> None:
    """Those that are met in one line, each that is not in its own."""
    met = Criterion("subgroup:sex=f", "Women: fine.", 0.0, None, (-0.05, None), True)
    missed = Criterion("subgroup:sex=m", "Men: worse.", -0.1, None, (-0.05, None), False)
    drawn = gate_charts.criteria_html(replace(report(), criteria=(*report().criteria, met, missed)))
    assert "Orders patients no worse." in drawn and "Men: worse." in drawn
    assert "Women: fine." not in drawn and "1 of 2 are not worse" in drawn
    assert drawn.count("✗ not met") == 2


def test_the_curves_are_pictures_whose_lines_differ_without_colour() -> None:
    """Well-formed, one solid and one dashed line each, and a title that says what it is."""
    curves = gate_charts.curves(report())
    assert [title for title, _ in curves] == ["ROC curve", "Calibration", "Decision curve"]
    for _, picture in curves:
        root = ElementTree.fromstring(picture)
        lines = [each for each in root if each.tag.endswith("polyline")]
        assert len({each.get("stroke-dasharray") for each in lines}) == len(lines) == 3


def test_what_became_of_a_sealed_patient_stays_untold() -> None:
    """Neither by the outcome nor by whether the change is one for the better; the others are told."""
    flips = (Churned("C-1", 0.4, 0.6, True, True), Churned("C-2", 0.4, 0.6, False, False))
    drawn = gate_charts.churn_html(replace(report(), churn=flips), {"C-1"})
    assert "<td>sealed with a study</td><td></td>" in drawn and "<td>no</td><td>worse</td>" in drawn
    assert "<td>yes</td>" not in drawn and "<td>better</td>" not in drawn


def test_every_patient_whose_answer_flips_is_on_the_page() -> None:
    """The largest changes at once, the others folded away, none left out."""
    flips = tuple(Churned(f"C-{place}", 0.4, 0.6 + place / 1000, place % 2 == 0, place % 2 == 0) for place in range(40))
    drawn = gate_charts.churn_html(replace(report(), churn=flips))
    assert "The other 28 patients" in drawn
    shown = re.findall(r">(C-\d+)<", drawn)
    assert shown[0] == "C-39" and sorted(shown) == sorted(each.case_id for each in flips)


def test_what_comes_from_data_is_escaped() -> None:
    """Levels, names and words of a project are somebody's text."""
    row = SubgroupRow("sex", HOSTILE, 40, 20, 0.7, 0.7, 0.0, (-0.1, 0.1), True, HOSTILE)
    hostile = replace(
        report(),
        words=HOSTILE,
        subgroups=(row,),
        churn=(Churned(HOSTILE, 0.4, 0.6, True, True),),
        importance=(ImportanceChange(HOSTILE, 0.5, 0.4),),
    )
    drawn = "".join(
        (
            gate_charts.verdict_html(hostile, HOSTILE, HOSTILE),
            gate_charts.subgroups_html(hostile, {"sex": HOSTILE}),
            gate_charts.churn_html(hostile),
            gate_charts.importance_html(hostile, {}),
            gate_charts.measures_html(hostile, HOSTILE, HOSTILE),
            gate_charts.legend_html(HOSTILE, HOSTILE),
        )
    )
    assert "<script" not in drawn and "&lt;script&gt;" in drawn


def test_churn_is_told_in_both_directions() -> None:
    """How many patients get the right answer now, and how many no longer."""
    flips = (Churned("C-1", 0.4, 0.6, True, True), Churned("C-2", 0.45, 0.55, False, False))
    words = re.sub(r"<[^>]+>", " ", gate_charts.churn_html(replace(report(), churn=flips)))
    assert "2 of 400 hold-out patients" in words
    assert "1 the right one instead of the wrong one, 1 the other way round" in words
