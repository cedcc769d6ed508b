"""One cell: the value its text stands for, or why it stands for none."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hitl_review.project import Feature, Project
from hitl_review.workflow.values import (
    CONVERSIONS,
    judge_case_id,
    judge_category,
    judge_flag,
    judge_number,
    judge_outcome,
)


def number(unit: str, low: float, high: float, **reference: float) -> Feature:
    """A numeric feature of some unit and plausible range."""
    return Feature(
        name="x",
        label="X",
        kind="number",
        group="g",
        unit=unit,
        plausible_low=low,
        plausible_high=high,
        **reference,
    )


TEMPERATURE = number("°C", 25, 45, reference_low=36.1, reference_high=37.2)
CREATININE = number("mg/dL", 0.1, 30, reference_low=0.6, reference_high=1.3)
ANY = number("", -1e6, 1e6)
SMOKING = Feature(name="smoking", label="Smoking", kind="category", group="g", levels=("none", "former", "-"))
DIABETES = Feature(name="diabetes", label="Diabetes", kind="flag", group="g")


def fault(feature: Feature, text: str) -> str:
    """Why a text is no number of a feature."""
    value, reason = judge_number(feature, text)
    assert value is None
    assert reason is not None
    return reason


@pytest.mark.parametrize("text", ["", "NA", "na", "N/A", "null", "NULL", "None", "nan", "NaN", "-", "."])
@pytest.mark.parametrize("judge", [judge_number, judge_flag])
def test_the_usual_words_for_nothing_measured_are_missing(judge, text: str) -> None:  # type: ignore[no-untyped-def]
    """An empty cell, and what R, pandas, SQL and people write for one."""
    assert judge(TEMPERATURE if judge is judge_number else DIABETES, text) == (None, None)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("37", 37.0),
        ("+37.5", 37.5),
        ("37.", 37.0),
        ("3.7e1", 37.0),
        ("037", 37.0),
        ("25", 25.0),
        ("45.0", 45.0),
    ],
)
def test_plain_numbers_inside_the_plausible_range_are_taken(text: str, value: float) -> None:
    """The bounds belong to the range."""
    assert judge_number(TEMPERATURE, text) == (value, None)


def test_minus_zero_is_zero() -> None:
    """Equal values must have equal digests."""
    value, _ = judge_number(ANY, "-0.0")
    assert math.copysign(1.0, value) == 1.0  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["inf", "-inf", "+Infinity", "INF"])
def test_an_infinite_value_is_no_measurement(text: str) -> None:
    """XGBoost would take it, and no clinician would."""
    assert fault(ANY, text) == "is infinite, which nothing measured is: leave the cell empty"


@pytest.mark.parametrize("text", ["7,4", "1,234", "1,234.5", "1.234,5", "-7,4"])
def test_a_comma_is_refused_because_it_may_mean_either(text: str) -> None:
    """ "1,234" is one and a quarter to some and a thousand to others."""
    assert fault(ANY, text).startswith("has a comma")


@pytest.mark.parametrize("text", ["1 234", "1'234", "12\u202f345.6", "1\u00a0234"])
def test_marks_between_thousands_are_refused(text: str) -> None:
    """Swiss, French and typographic ways to write thousands."""
    assert fault(ANY, text).startswith("has marks in thousands")


@pytest.mark.parametrize("text", ["7.4 mg", "98.6F", "40%", "1.2 µmol/L", "0x1F", "1e"])
def test_a_unit_behind_a_number_is_refused_and_the_right_one_named(text: str) -> None:
    """The unit may not be the project's, so dropping it would be a guess."""
    assert fault(TEMPERATURE, text) == (
        "has a unit or a word behind the number: write the number alone, in °C"
    )


@pytest.mark.parametrize("text", ["<0.5", "> 60", "≤3", "~7"])
def test_a_bound_is_no_number(text: str) -> None:
    """Below the limit of detection is not zero."""
    assert fault(ANY, text).startswith("is a bound, not a number")


@pytest.mark.parametrize("text", ["−5", "–5", "—"])
def test_a_typographic_dash_is_no_minus_sign(text: str) -> None:
    """Word processors put them in."""
    assert fault(ANY, text).startswith("begins with a dash that is no minus sign")


def test_an_error_of_a_spreadsheet_is_named() -> None:
    """Excel leaves it in the cell."""
    assert fault(ANY, "#DIV/0!") == "is an error of a spreadsheet: mend it there"


@pytest.mark.parametrize("text", ["abc", "1_000", "٣٧", "３７", "1.2.3", "--5", "TRUE", "12-14", "1 2"])
def test_anything_else_is_no_number(text: str) -> None:
    """Python would take some of these: underscores, Arabic and full-width digits."""
    assert fault(ANY, text) == "is not a number"


@pytest.mark.parametrize(
    "text",
    ["1" * 10_000 + "x", "1" * 10_000 + " " * 10_000 + "!", f"{'1' * 10_000}.{'1' * 10_000}!", f"1e{'9' * 10_000}!"],
    ids=["a unit", "blanks", "a fraction", "an exponent"],
)
def test_a_cell_of_digits_takes_no_longer_than_another(text: str) -> None:
    """Of a hundred thousand, one alone kept an upload busy for a quarter of an hour."""
    began = time.perf_counter()
    assert fault(ANY, text)
    assert time.perf_counter() - began < 1


def test_a_number_beyond_all_numbers_is_refused() -> None:
    """It would be read as infinite."""
    assert fault(ANY, "1e400") == "is too large to be a number"


def test_an_implausible_value_is_told_its_range_and_unit() -> None:
    """Enough to see at once whether the value or the range is wrong."""
    assert fault(number("/min", 20, 320), "0") == "is outside the plausible range 20 to 320 /min"


@pytest.mark.parametrize("text", ["-999", "-99", "-9", "-1", "999", "9999", "-999.0"])
def test_a_code_for_missing_is_not_taken_for_a_value(text: str) -> None:
    """-999 is the classic: silently taken, it is a sodium of minus a thousand."""
    assert fault(TEMPERATURE, text).endswith(": is it a code for a missing value? Leave the cell empty")


def test_zero_is_a_value_where_it_is_plausible() -> None:
    """Zero is never a word for missing."""
    assert judge_number(ANY, "0") == (0.0, None)


@pytest.mark.parametrize(
    ("feature", "text", "hint"),
    [
        (TEMPERATURE, "98.6", "From °F to °C it would be 37 °C"),
        (number("°F", 77, 113), "37", "From °C to °F it would be 98.6 °F"),
        (CREATININE, "88.4", "Divided by 88.4 (µmol/L to mg/dL of creatinine) it would be 1 mg/dL"),
        (
            number("µmol/L", 20, 2000),
            "1.2",
            "Times 88.4 (mg/dL to µmol/L of creatinine) it would be 106.1 µmol/L",
        ),
        (number("mmol/L", 1, 60), "180", "Divided by 18 (mg/dL to mmol/L of glucose) it would be 10 mmol/L"),
        (number("mg/dL", 20, 1500), "5.5", "Times 18 (mmol/L to mg/dL of glucose) it would be 99 mg/dL"),
        (number("mmHg", 50, 1000), "13", "Times 7.5 (kPa to mmHg) it would be 97.51 mmHg"),
        (number("g/dL", 0.5, 8), "35", "Divided by 10 it would be 3.5 g/dL"),
        (number("g/L", 10, 60), "3.5", "Times 10 it would be 35 g/L"),
        (number("g", 500, 8000), "3.2", "Times 1000 it would be 3200 g"),
        (number("kg", 0.5, 400), "71500", "Divided by 1000 it would be 71.5 kg"),
    ],
    ids=lambda value: value if isinstance(value, str) and value[0].isalpha() else "",
)
def test_a_wrong_unit_is_guessed_where_it_would_be_plausible(feature: Feature, text: str, hint: str) -> None:
    """The sender, not the program, then decides what it was."""
    assert fault(feature, text).endswith(f": is it in another unit? {hint}")


def test_the_guess_that_gives_a_usual_value_is_preferred() -> None:
    """12 mmol/L of glucose is 216 mg/dL; times 10 would be plausible too, but is not what happened."""
    glucose = number("mg/dL", 20, 1500, reference_low=70, reference_high=100)
    assert "Times 18" in fault(glucose, "5.2")
    tenfold = number("mg/dL", 20, 1500, reference_low=50, reference_high=60)
    assert "Times 10 " in fault(tenfold, "5.2")


def test_no_unit_is_guessed_that_does_not_mend_it_or_does_not_belong() -> None:
    """A respiratory rate has nothing to do with creatinine."""
    assert fault(number("/min", 2, 100), "5000000").endswith("2 to 100 /min")
    concerned = [each.words for each in CONVERSIONS if each.concerns("/min")]
    assert concerned == ["Divided by 10", "Times 10", "Divided by 1000", "Times 1000"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0),
        ("yes", 1.0),
        ("TRUE", 1.0),
        ("1.0", 1.0),
        ("0", 0.0),
        ("No", 0.0),
        ("false", 0.0),
        ("0.0", 0.0),
    ],
)
def test_a_flag_is_written_in_many_ways(text: str, value: float) -> None:
    """Pandas writes 1.0 for a flag beside empty cells."""
    assert judge_flag(DIABETES, text) == (value, None)


@pytest.mark.parametrize("text", ["2", "-1", "maybe", "positive", "yes no", "0.5", "x"])
def test_anything_else_is_no_flag(text: str) -> None:
    """2 often means "unknown" in registries, and sometimes "no"."""
    assert judge_flag(DIABETES, text) == (None, "is no flag: write 1 or 0, yes or no, true or false")


def test_a_level_called_none_is_no_missing_value() -> None:
    """ "none" smokes nothing; that is known."""
    assert judge_category(SMOKING, "none") == ("none", None)
    assert judge_category(SMOKING, "-") == ("-", None)
    assert judge_category(SMOKING, "n/a") == (None, None)


def test_a_level_in_other_letters_is_told_the_right_ones() -> None:
    """ "None" is what Python writes for missing, so it is not taken for the level either."""
    assert judge_category(SMOKING, "None") == (None, "is no level of Smoking: write 'none'")
    assert judge_category(SMOKING, "FORMER") == (None, "is no level of Smoking: write 'former'")


def test_an_unknown_level_is_told_the_known_ones() -> None:
    """XGBoost would score it as another level without a word."""
    assert judge_category(SMOKING, "cigars") == (None, "is no level of Smoking, which has none, former, -")
    many = Feature(
        name="w", label="Ward", kind="category", group="g", levels=tuple(f"w{n}" for n in range(25))
    )
    _, reason = judge_category(many, "x")
    assert reason is not None and reason.endswith("w18, w19 and 5 more")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0),
        ("0", 0.0),
        ("true", 1.0),
        ("False", 0.0),
        ("1.0", 1.0),
        ("died", 1.0),
        ("Alive", 0.0),
        ("", None),
    ],
)
def test_an_outcome_is_a_number_a_word_or_the_answers_code(
    clinic_project: Project, text: str, value: float | None
) -> None:
    """Empty means not known yet."""
    assert judge_outcome(clinic_project, text) == (value, None)


@pytest.mark.parametrize("text", ["2", "yes", "no", "dead", "0.5", "-1"])
def test_anything_else_is_no_outcome(clinic_project: Project, text: str) -> None:
    """ "yes" to which question: that the patient died, or lived?"""
    assert judge_outcome(clinic_project, text) == (
        None,
        "is no outcome: write 1 or died, 0 or alive; leave the cell empty if it is not known yet",
    )


@pytest.mark.parametrize("text", ["C-0042", "S2-00001", "a", "7", "a.b_c-D", "x" * 64])
def test_opaque_ids_are_taken(text: str) -> None:
    """Letters, digits, hyphens, underscores and points, up to 64."""
    assert judge_case_id(text) == (text, None)


@pytest.mark.parametrize(
    "text",
    [
        "Jane Doe",
        "jane@example.org",
        "Müller",
        "x" * 65,
        "a/b",
        "a\x1bb",
        "=1+1",
        "-1",
        ".",
        "a\nb",
        "1.2E+15",
        "a,b",
    ],
)
def test_names_addresses_and_control_characters_are_no_ids(text: str) -> None:
    """An id goes into addresses, logs and file names; a person's name must not."""
    value, reason = judge_case_id(text)
    assert value is None
    assert reason is not None and reason.startswith("is no opaque id: use 1 to 64 letters")


def test_a_case_without_an_id_is_told_so() -> None:
    """It could not be found again."""
    assert judge_case_id("") == (None, "is empty: every case needs an id")


@given(some.text(max_size=20))
def test_any_text_is_a_plausible_number_or_missing_or_has_a_reason(text: str) -> None:
    """No text gets through as NaN, as infinite or as another type, and none raises."""
    value, reason = judge_number(TEMPERATURE, text)
    if value is not None:
        assert isinstance(value, float) and 25 <= value <= 45 and reason is None
