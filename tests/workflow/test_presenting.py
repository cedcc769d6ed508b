"""What a person reads: values, marks, reasons and verdicts in words."""

from __future__ import annotations

import pytest

from hitl_review.domain.case import Value, snapshot_of
from hitl_review.domain.prediction import Contribution, Verdict
from hitl_review.domain.screen import Mark
from hitl_review.project import Feature, Project
from hitl_review.workflow.presenting import (
    fact_of,
    facts_of,
    frequency_words,
    mark_of,
    number_text,
    reason_lines,
    reason_sentence,
    reference_text,
    value_text,
    verdict_meaning,
    verdict_words,
)


@pytest.fixture
def creatinine(project: Project) -> Feature:
    """Creatinine, mg/dL, reference range 0.6 to 1.3, one decimal."""
    return project.feature("creatinine")


@pytest.mark.parametrize(
    ("value", "mark"),
    [
        (None, Mark.MISSING),
        (0.5, Mark.LOW),
        (0.6, Mark.NONE),
        (1.3, Mark.NONE),
        (1.31, Mark.HIGH),
        (0.0, Mark.LOW),
    ],
)
def test_a_value_is_marked_only_outside_its_reference_range(
    creatinine: Feature, value: Value, mark: Mark
) -> None:
    """The limits themselves are inside; a value that was not measured is marked as that and nothing else."""
    assert mark_of(creatinine, value) is mark


def test_what_was_not_measured_is_said_and_never_a_number(creatinine: Feature) -> None:
    """A zero, a dash or NaN would be read as a value."""
    fact = fact_of(creatinine, None)
    assert (fact.text, fact.unit, fact.value) == ("not measured", "", None)


@pytest.mark.parametrize(
    ("number", "decimals", "text"),
    [(1234.5, 0, "1\u202f234"), (7.35, 2, "7.35"), (-3.0, 1, "\u22123.0"), (0.05, 1, "0.1"), (12, 0, "12")],
)
def test_numbers_are_rounded_as_the_project_says(number: float, decimals: int, text: str) -> None:
    """With a true minus sign, and thousands set apart so that 12000 is not misread."""
    assert number_text(number, decimals) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(0.6, 1.3, "0.6–1.3"), (None, 1.3, "≤ 1.3"), (0.6, None, "≥ 0.6"), (None, None, "")],
)
def test_a_reference_range_may_be_open_at_one_end(
    creatinine: Feature, low: float | None, high: float | None, text: str
) -> None:
    """Oxygenation has no upper limit of health."""
    assert (
        reference_text(creatinine.model_copy(update={"reference_low": low, "reference_high": high})) == text
    )


def test_flags_and_levels_are_read_as_words(project: Project) -> None:
    """Nobody reads 0, 1 or a code."""
    assert [value_text(project.feature("dementia"), value) for value in (0.0, 1.0)] == ["no", "yes"]
    assert value_text(project.feature("sex"), "female") == "female"


def test_facts_come_in_their_groups_and_say_why_the_model_may_not_be_asked(project: Project) -> None:
    """A child is outside the project's inclusion rules; the facts are shown all the same."""
    values: dict[str, Value] = {"age": 9.0, "sex": "male", "creatinine": 2.0, "dementia": None}
    facts = facts_of(project, snapshot_of("C-1", values))
    assert [group.label for group in facts.groups] == ["Patient", "Blood", "History"]
    assert facts.excluded == "Age is at least 18 years"
    assert facts.missing == ("Dementia",)


def test_a_probability_is_a_natural_frequency_over_a_whole_denominator(project: Project) -> None:
    """Natural frequencies are understood better than percentages."""
    words = frequency_words(project, 0.31, "like this one")
    assert words == "Death within 30 days in about 31 of 100 patients like this one."


@pytest.mark.parametrize(
    ("feature", "value", "amount", "sentence"),
    [
        ("creatinine", 3.1, 0.4, "Creatinine 3.1 mg/dL (ref 0.6–1.3) raised the model's score"),
        ("creatinine", None, -0.1, "Creatinine was not measured; that lowered the model's score"),
        ("sex", "female", -0.2, "Sex: female lowered the model's score"),
        ("age", 71.0, 0.0, "Age 71 years did not move the model's score"),
    ],
)
def test_a_reason_is_a_sentence_that_claims_no_cause(
    project: Project, feature: str, value: Value, amount: float, sentence: str
) -> None:
    """It says what moved the model's score, with value, unit and reference range."""
    assert reason_sentence(project.feature(feature), value, Contribution(feature, amount)) == sentence


def test_reasons_stand_largest_first_whatever_their_sign(project: Project) -> None:
    """Equal ones stand by name, so that the same screen has the same digest."""
    snapshot = snapshot_of("C-1", {"age": 71.0, "sex": "male", "creatinine": 2.0, "dementia": 1.0})
    contributions = [Contribution("sex", 0.1), Contribution("age", -0.4), Contribution("creatinine", 0.1)]
    lines = reason_lines(project, snapshot, contributions)
    assert [line.feature for line in lines] == ["age", "creatinine", "sex"]


def test_every_verdict_has_words_and_says_what_it_promises(project: Project) -> None:
    """The promise is class by class: how many of those with the other outcome get the verdict by mistake."""
    assert {verdict_words(project, each) for each in Verdict} | {
        verdict_meaning(project, each) for each in Verdict
    }
    assert verdict_words(project, Verdict.UNSURE) == "The model is unsure: your judgement decides"
    meaning = verdict_meaning(project, Verdict.LIKELY)
    assert meaning == "Of 100 patients whose outcome is “alive after 30 days”, at most about 10 get it."
