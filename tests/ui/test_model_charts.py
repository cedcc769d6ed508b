"""The model's papers: figures with intervals, charts that repeat them, too few said as too few."""

from __future__ import annotations

from math import log
from typing import Any

import pytest

from hitl_review.model.evaluation import wilson_interval
from hitl_review.ui.charts import MINUS
from hitl_review.ui.model_charts import (
    NOT_MEASURED,
    TOO_FEW,
    Group,
    calibration_html,
    importance_html,
    lead_html,
    legend_html,
    measures_html,
    pairs_html,
    purpose_html,
    section_html,
    subgroups_html,
    verdicts_html,
)
from tests.ui.markup import HOSTILE, Markup, assert_harmless, assert_table


def _share(positive: int, cases: int) -> dict[str, float | int | None]:
    found = wilson_interval(positive, cases)
    if not cases:
        return {"value": None, "low": None, "high": None, "cases": 0}
    return {"value": found.value, "low": found.low, "high": found.high, "cases": cases}


def _report(**changed: Any) -> dict[str, Any]:
    return {
        "cases": 200,
        "positives": 80,
        "auc": {"value": 0.7049, "low": 0.6816, "high": 0.7271},
        "log_loss": 0.6285,
        "brier": 0.2186,
        "calibration": {"slope": 0.767, "intercept": -0.0149},
        "threshold": 0.5,
        "sensitivity": _share(48, 80),
        "specificity": _share(90, 120),
        **changed,
    }


def _bin(predicted: float, observed: float, cases: int = 200) -> dict[str, float | int]:
    return {"predicted": predicted, "observed": observed, "cases": cases}


def _group(words: str, cases: int, positives: int, found: int, right: int, called: int) -> Group:
    figures = {
        "cases": cases,
        "positives": positives,
        "sensitivity": _share(found, positives),
        "positive_predictive_value": _share(right, called),
    }
    return Group(words, figures)


def _body(markup: Markup) -> list[list[str]]:
    return [row.texts for row in markup.rows[1:]]


def test_hostile_text_stays_text_everywhere() -> None:
    """Titles, uses, labels, levels, legends and digests are shown as they are, and none of them as HTML."""
    groups = [_group(HOSTILE, 200, 80, 48, 40, 60), _group(HOSTILE, 3, 1, 1, 1, 1)]
    for html in (
        lead_html(HOSTILE, HOSTILE),
        purpose_html(HOSTILE, HOSTILE),
        section_html(HOSTILE, HOSTILE, []),
        legend_html(1, HOSTILE),
        pairs_html([(HOSTILE, HOSTILE)], caption=HOSTILE),
        subgroups_html([(HOSTILE, groups)], first_number=3),
        importance_html([(HOSTILE, 0.5), (HOSTILE, 0.0)], number=5),
        verdicts_html([(HOSTILE, 5)], number=6),
    ):
        assert "img" not in assert_harmless(html).tags


def test_every_table_has_a_caption_and_named_rows_and_columns() -> None:
    """A screen reader can list the tables by number and title, and say what each figure is."""
    tables = (
        measures_html(_report()),
        calibration_html([_bin(0.1, 0.2), _bin(0.8, 0.7)]),
        subgroups_html([("Sex", [_group("Female", 200, 80, 48, 40, 60)])], first_number=3),
        importance_html([("Age", 0.2)], number=4),
        verdicts_html([("Likely", 3)], number=5),
    )
    for number, html in enumerate(tables, start=1):
        markup = assert_harmless(html)
        assert_table(markup)
        assert markup.tags.count("caption") == 1
        assert f"Table {number}." in markup.text
        assert all(row.cells[0].attributes.get("scope") == "row" for row in markup.rows[1:])


def test_the_measures_stand_with_their_intervals() -> None:
    """AUC, sensitivity and specificity carry their 95 % interval; the rest say what would be right."""
    rows = {row[0]: row for row in _body(assert_harmless(measures_html(_report())))}
    assert rows["Area under the ROC curve (AUC)"][1:3] == ["0.70", "0.68 to 0.73"]
    assert rows["Sensitivity at 50%"][1:3] == ["60%", "49% to 70%"]
    assert rows["Specificity at 50%"][1:3] == ["75%", "67% to 82%"]
    assert rows["Brier score"][1:3] == ["0.219", ""]
    assert rows["Calibration intercept"][1] == f"{MINUS}0.01"


def test_losses_stand_beside_those_of_the_base_rate() -> None:
    """0.219 says little; that always answering 40 % has 0.240 says whether it is any good."""
    html = measures_html(_report())
    assert "base rate has 0.240" in html
    assert f"base rate has {-(0.4 * log(0.4) + 0.6 * log(0.6)):.3f}" in html


def test_what_could_not_be_measured_is_said_and_not_left_empty() -> None:
    """A slope that does not exist is no gap and no NaN."""
    none = {"value": None, "low": None, "high": None}
    html = measures_html(_report(auc=none, calibration={"slope": None, "intercept": None}, log_loss=None))
    assert html.count(NOT_MEASURED) == 4
    assert "None" not in html
    assert "nan" not in html.lower().replace(NOT_MEASURED, "")


def test_calibration_says_predicted_observed_and_their_difference_in_words() -> None:
    """Without the chart and without colour every tenth can be read: two figures, an arrow and a word."""
    bins = [_bin(0.149, 0.235), _bin(0.843, 0.78), _bin(0.5, 0.501)]
    rows = _body(assert_harmless(calibration_html(bins)))
    assert [row[2:4] for row in rows] == [["15%", "24%"], ["84%", "78%"], ["50%", "50%"]]
    assert [row[5] for row in rows] == ["▲ 9 higher", "▼ 6 lower", "= as predicted"]


def test_the_difference_is_that_of_the_two_figures_beside_it() -> None:
    """A reader who subtracts the rounded figures gets the rounded difference."""
    for predicted in (0.004, 0.126, 0.335, 0.5049, 0.995):
        for observed in (0.0, 0.1249, 0.3351, 0.9951, 1.0):
            row = _body(assert_harmless(calibration_html([_bin(predicted, observed)])))[0]
            difference = round(100 * observed) - round(100 * predicted)
            arrow = "▲" if difference > 0 else "▼" if difference < 0 else "="
            assert row[5].split()[0] == arrow
            assert difference == 0 or row[5].split()[1] == str(abs(difference))


@pytest.mark.parametrize(("predicted", "observed"), [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0)])
def test_charts_hold_their_marks_at_both_ends(predicted: float, observed: float) -> None:
    """At 0 % and 100 % bar, interval and mark lie on the axis."""
    markup = assert_harmless(calibration_html([_bin(predicted, observed, 20)]))
    width, low_to_high = markup.percents("width")
    low, mark = markup.percents("left")
    assert width == 100 * observed
    assert mark == 100 * predicted
    assert low >= 0
    assert low + low_to_high <= 100.1


def test_the_whisker_is_the_interval_of_what_was_observed() -> None:
    """A tenth of few patients has a wide line, and the line is Wilson's."""
    markup = assert_harmless(calibration_html([_bin(0.3, 0.4, 10)]))
    limits = wilson_interval(4, 10)
    assert markup.percents("left")[0] == pytest.approx(100 * limits.low, abs=0.1)
    assert markup.percents("width")[1] == pytest.approx(100 * (limits.high - limits.low), abs=0.1)


def test_ten_groups_are_tenths_and_fewer_are_groups() -> None:
    """A hold-out of seven patients has no tenths."""
    assert "by tenths of" in calibration_html([_bin(0.1, 0.1)] * 10)
    assert "by groups of" in calibration_html([_bin(0.1, 0.1)] * 7)


def test_a_group_of_too_few_shows_no_figure() -> None:
    """Under fifty patients the table says so, whatever was measured; from fifty on it shows it."""
    groups = [_group("few", TOO_FEW - 1, 20, 19, 18, 20), _group("enough", TOO_FEW, 20, 10, 10, 20)]
    enough, few = _body(assert_harmless(subgroups_html([("Sex", groups)], first_number=3)))
    assert few == ["few", "20 of 49", "too few to say (fewer than 50)"]
    assert enough[:3] == ["enough", "20 of 50", "50% (30–70)"]


def test_a_group_without_any_call_says_that_nothing_could_be_measured() -> None:
    """Where nobody was called positive there is no predictive value, and no zero stands for it."""
    row = _body(assert_harmless(subgroups_html([("Sex", [_group("all", 60, 30, 0, 0, 0)])], first_number=3)))[
        0
    ]
    assert row[4] == NOT_MEASURED


def test_groups_come_by_size_and_tables_by_number() -> None:
    """The largest group first; two groupings are two numbered tables with one note below."""
    sexes = [_group("Male", 60, 30, 15, 15, 30), _group("Female", 90, 30, 15, 15, 30)]
    html = subgroups_html([("Sex", sexes), ("Disease", sexes)], first_number=3)
    assert html.index("Female") < html.index("Male")
    assert "Table 3." in html
    assert "Table 4." in html
    assert html.count("hr-note") == 1


def test_no_grouping_is_no_table() -> None:
    """A project that names no subgroup has no empty table."""
    assert subgroups_html([], first_number=3) == ""


def test_importance_is_sorted_and_complete() -> None:
    """The largest first, the small ones as one row, and what the model never used is said."""
    amounts = [(f"f{place:02}", 0.1 * place) for place in range(16)]
    markup = assert_harmless(importance_html(amounts, number=5, shown=12))
    rows = _body(markup)
    assert [row[0] for row in rows[:2]] == ["f15", "f14"]
    assert rows[-1][:2] == ["3 other measurements together", "0.60"]
    assert sum(float(row[1]) for row in rows) == pytest.approx(sum(amount for _, amount in amounts), abs=0.07)
    assert "Never used by the model: f00." in markup.text


def test_importance_of_nothing_draws_nothing() -> None:
    """A model of no splits: no bar, no division by zero, and every feature named as unused."""
    markup = assert_harmless(importance_html([("Age", 0.0), ("Sex", 0.0)], number=5))
    assert _body(markup) == []
    assert "Never used by the model: Age, Sex." in markup.text


def test_one_used_feature_has_the_widest_bar() -> None:
    """The smallest chart there is."""
    assert assert_harmless(importance_html([("Age", 0.003)], number=5)).percents("width") == [100.0]


def test_verdict_shares_are_of_all_patients() -> None:
    """Counts and shares stand together, and the bars are the shares, not scaled to the largest."""
    markup = assert_harmless(verdicts_html([("Likely", 150), ("Unsure", 50)], number=6))
    assert [row[1] for row in _body(markup)] == ["150 (75%)", "50 (25%)"]
    assert markup.percents("width") == [75.0, 25.0]


def test_a_pair_without_a_value_is_left_out() -> None:
    """What is not known of a model has no empty row."""
    rows = assert_harmless(pairs_html([("Digest", "sha256:1"), ("In use since", "")], caption="What")).rows
    assert [row.texts for row in rows] == [["Digest", "sha256:1"]]


def test_a_project_without_a_warning_has_no_empty_box() -> None:
    """`not_for` may be empty in a project file."""
    assert "Not for" not in purpose_html("Tests.", "")
    assert "Not for" in purpose_html("Tests.", "Not for patients.")
