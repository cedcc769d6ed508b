"""What a screen shows is one text, and its digest covers all of it."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any, get_type_hints

import pytest

from hitl_review.domain.audit import text_digest
from hitl_review.domain.prediction import Verdict
from hitl_review.domain.screen import (
    Fact,
    FactGroup,
    Facts,
    Gravity,
    Mark,
    ModelView,
    Notice,
    ReasonLine,
    Screen,
)


def example(kind: type[Any], **given: Any) -> Any:
    """Return a value of a dataclass with something in every field, whichever fields it has."""
    by_type: dict[object, object] = {float: 0.25, str: "words", Verdict: Verdict.UNSURE, Mark: Mark.NONE}
    hints = get_type_hints(kind)
    return kind(
        **{field.name: given.get(field.name, by_type.get(hints[field.name], 0.5)) for field in fields(kind)}
    )


AGE = example(Fact, label="Age")
CREATININE = example(Fact, label="Creatinine", value=None, mark=Mark.MISSING)
FACTS = example(Facts, groups=(FactGroup("All", (AGE, CREATININE)),))
NOTICE = Notice(Gravity.NOTE, "Missing", "1 value was not measured")
VIEW = example(ModelView, reasons=(example(ReasonLine),), reliability=(NOTICE,))
SCREEN = Screen(FACTS, VIEW)


def test_missing_inputs_are_listed_by_their_labels() -> None:
    """They are part of what was shown."""
    assert FACTS.missing == ("Creatinine",)
    assert json.loads(SCREEN.body)["missing"] == ["Creatinine"]


def test_equal_screens_have_one_text() -> None:
    """Canonical, with enums as their plain words."""
    again = Screen(replace(FACTS), replace(VIEW))
    assert again.body == SCREEN.body
    assert json.loads(SCREEN.body)["view"]["verdict"] == "unsure"


@pytest.mark.parametrize("part", ["facts", "view"])
def test_whatever_changes_on_the_screen_changes_its_digest(part: str) -> None:
    """Every field of the facts and of the model's view, one at a time."""
    for field in fields(getattr(SCREEN, part)):
        value: Any = getattr(getattr(SCREEN, part), field.name)
        if isinstance(value, str) and not isinstance(value, Verdict):
            other: Any = value + "!"
        elif isinstance(value, float):
            other = value + 1e-12
        else:
            other = Verdict.LIKELY if isinstance(value, Verdict) else value[:-1]
        changed = replace(SCREEN, **{part: replace(getattr(SCREEN, part), **{field.name: other})})
        assert text_digest(changed.body) != text_digest(SCREEN.body), field.name


def test_marks_have_the_laboratory_s_letters() -> None:
    """L and H; nothing for the others."""
    assert {mark: mark.sign for mark in Mark} == {
        Mark.NONE: "",
        Mark.LOW: "L",
        Mark.HIGH: "H",
        Mark.MISSING: "",
    }
