"""Fact tables, the probability scale and the contribution chart say what they should, to every eye and ear."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from hitl_review.domain.screen import Fact, FactGroup, Facts, Mark, ModelView
from hitl_review.ui.charts import MINUS, contributions_html, facts_html, scale_html, sentences_html, signed
from tests.ui.markup import HOSTILE, Markup, assert_harmless, assert_table

View = Callable[..., ModelView]


def _facts(*facts: Fact) -> Facts:
    return Facts("C-1", "Will it?", "now", "1 day", "Tests.", (FactGroup("Blood", facts),))


def _amounts(markup: Markup) -> list[str]:
    """The last cell of every row that has a bar."""
    return [row.texts[3] for row in markup.rows if len(row.cells) == 4][1:]


def _number(amount: str) -> float:
    return float(amount.split()[-1].replace(MINUS, "-"))


def test_hostile_text_in_facts_stays_text(hostile_facts: Facts) -> None:
    """No tag, no attribute and no end of the table comes out of a label, a unit or a value."""
    markup = assert_harmless(facts_html(hostile_facts))
    assert "img" not in markup.tags
    assert markup.text.count(HOSTILE) >= len(Mark)


def test_hostile_text_in_reasons_stays_text(hostile_view: ModelView) -> None:
    """Neither sentences nor chart nor scale let a label become a tag."""
    for html in (
        contributions_html(hostile_view),
        sentences_html(hostile_view.reasons),
        scale_html(hostile_view, 0.5),
    ):
        assert "img" not in assert_harmless(html).tags


def test_facts_are_tables_with_named_columns_and_rows() -> None:
    """A screen reader can say of each value which measurement it is and what its range is."""
    facts = _facts(
        Fact("k", "Potassium", 6.1, "6.1", "mmol/L", "3.5–5.0", Mark.HIGH),
        Fact("na", "Sodium", None, "not measured", "", "136–145", Mark.MISSING),
    )
    markup = assert_harmless(facts_html(facts))
    assert_table(markup)
    assert markup.rows[0].texts == ["Measurement", "Value", "Mark", "Reference range"]
    assert markup.rows[1].texts == ["Potassium", "6.1 mmol/L", "H", "3.5–5.0"]
    assert markup.rows[2].texts == ["Sodium", "not measured", "", "136–145"]


@pytest.mark.parametrize(("mark", "words"), [(Mark.LOW, "below"), (Mark.HIGH, "above")])
def test_a_mark_is_a_letter_with_its_words(mark: Mark, words: str) -> None:
    """L and H are said in words, and never by colour alone."""
    html = facts_html(_facts(Fact("k", "Potassium", 1.0, "1.0", "mmol/L", "3.5–5.0", mark)))
    assert f'<abbr title="{words} the reference range">{mark.sign}</abbr>' in html


def test_every_bar_has_an_arrow_a_sign_and_a_direction(a_view: View) -> None:
    """Without colour and without bars the table says which way each measurement pushed."""
    markup = assert_harmless(contributions_html(a_view()))
    assert _amounts(markup) == ["▲ +0.81", f"▼ {MINUS}0.44", "▲ +0.20", f"▼ {MINUS}0.07"]
    assert "◀ lowered" in markup.text
    assert "raised ▶" in markup.text


def test_the_chart_is_a_table_with_named_columns_and_rows(a_view: View) -> None:
    """Each contribution can be read by ear as measurement, value and amount."""
    markup = assert_harmless(contributions_html(a_view()))
    assert_table(markup)
    assert all(row.cells[0].attributes["scope"] == "row" for row in markup.rows[1:-1])


@pytest.mark.parametrize("shown", [1, 2, 3, 8])
def test_the_rows_and_the_average_add_up_to_the_margin(a_view: View, shown: int) -> None:
    """However many rows are shown, the rest is one row, so that nothing is left out of the sum."""
    view = a_view({f"feature{place}": 0.9 * (-0.7) ** place for place in range(12)})
    amounts = _amounts(assert_harmless(contributions_html(view, shown=shown)))
    assert len(amounts) == shown + 1
    rounding = 0.005 * (len(amounts) + 1)
    assert view.base_value + sum(map(_number, amounts)) == pytest.approx(view.margin, abs=rounding)


def test_the_foot_tells_average_margin_and_probability(a_view: View) -> None:
    """The sum is said in words below the bars."""
    view = a_view()
    foot = assert_harmless(contributions_html(view)).rows[-1].texts[0]
    assert foot == f"Average {MINUS}0.10 and all rows together give +0.40, which stands for 60%."


def test_a_model_that_used_nothing_shows_no_direction(a_view: View) -> None:
    """All contributions zero: no arrow, no sign, no bar, and no division by zero."""
    markup = assert_harmless(contributions_html(a_view({"age": 0.0, "sodium": 0.0})))
    assert _amounts(markup) == ["= 0.00", "= 0.00"]
    assert markup.percents("width") == [0.0, 0.0]


def test_one_feature_is_one_row(a_view: View) -> None:
    """The smallest chart there is has one bar, as wide as its half of the axis."""
    markup = assert_harmless(contributions_html(a_view({"age": -2.5})))
    assert _amounts(markup) == [f"▼ {MINUS}2.50"]
    assert (markup.percents("left"), markup.percents("width")) == ([0.0], [50.0])


def test_bars_stay_on_their_axis(a_view: View) -> None:
    """Raising bars lie right of the middle, lowering ones left, and none leaves the track."""
    markup = assert_harmless(contributions_html(a_view({"a": 12.0, "b": -12.0, "c": 0.001})))
    spans = list(zip(markup.percents("left"), markup.percents("width"), strict=True))
    assert all(left >= 0 and left + width <= 100 for left, width in spans)
    assert spans[0] == (50.0, 50.0)
    assert spans[1] == (0.0, 50.0)


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0.414, "+0.41"), (-1.2, f"{MINUS}1.20"), (0.0, "0.00"), (-0.004, "0.00"), (0.004, "0.00")],
)
def test_a_number_has_its_sign_unless_it_is_nothing(amount: float, text: str) -> None:
    """No "−0.00" stands on a page."""
    assert signed(amount) == text


@pytest.mark.parametrize("probability", [0.0, 0.004, 0.5, 0.996, 1.0])
def test_the_scale_holds_its_marks_at_both_ends(a_view: View, probability: float) -> None:
    """At 0 % and 100 % bar and marks lie on the rail, and the words say the figure."""
    html = scale_html(a_view(probability=probability), own=1 - probability)
    markup = assert_harmless(html)
    assert all(0 <= place <= 100 for place in markup.percents("left") + markup.percents("width"))
    assert f"model {probability:.0%}" in html
    assert f"you {1 - probability:.0%}" in html


def test_the_scale_is_one_picture_with_words(a_view: View) -> None:
    """What the scale shows is its label: model, reader, base rate and threshold."""
    html = scale_html(a_view(), own=0.3)
    label = re.search(r'role="img" aria-label="([^"]+)"', html)
    assert label is not None
    assert label.group(1) == "Scale from 0 to 100%: model 60%, you 30%, all patients 47%, threshold 50%"


def test_the_scale_has_no_own_mark_without_an_own_estimate(a_view: View) -> None:
    """Where no estimate was asked for, none is drawn."""
    assert "hr-tick-own" not in scale_html(a_view(), own=None)


def test_sentences_name_both_directions_even_when_one_is_empty(a_view: View) -> None:
    """A case that nothing spoke against says so instead of leaving a gap."""
    markup = assert_harmless(sentences_html(a_view({"age": 0.4}).reasons))
    assert "Raised the score" in markup.text
    assert "Lowered the score" in markup.text
    assert "nothing" in markup.text


def test_the_strongest_reasons_are_the_sentences(a_view: View) -> None:
    """At most three each way, in the order given, which is by size."""
    reasons = a_view({f"feature{place}": 1.0 - place / 10 for place in range(6)}).reasons
    html = sentences_html(reasons, each=3)
    assert [name in html for name in ("feature0", "feature2", "feature3")] == [True, True, False]
