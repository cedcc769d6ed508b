"""A model's view of one case, screens with hostile text in every place, and an auditor in front of a page's part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from hitl_review.domain.prediction import Verdict
from hitl_review.domain.screen import Fact, FactGroup, Facts, Gravity, Mark, ModelView, Notice, ReasonLine
from hitl_review.ui import session
from tests.ui.auditor import AUDITOR, drawn, well
from tests.ui.markup import HOSTILE


def _reason(feature: str, amount: float) -> ReasonLine:
    verb = "raised" if amount > 0 else "lowered"
    return ReasonLine(
        feature, feature.capitalize(), "3.1 mg/dL", amount, f"{feature} {verb} the model's score"
    )


_AMOUNTS = {"creatinine": 0.81, "age": -0.44, "sodium": 0.20, "albumin": -0.07}
_VIEW = ModelView(
    prediction_id="P-1",
    model="sha256:" + "1" * 64,
    model_name="v1",
    project="sha256:" + "2" * 64,
    margin=-0.10 + sum(_AMOUNTS.values()),
    probability=0.599,
    probability_words="Death in about 60 of 100 patients like this one.",
    base_rate=0.47,
    base_rate_words="about 47 of 100 of all patients",
    threshold=0.5,
    label="died",
    label_words="death within 180 days",
    other_words="alive at 180 days",
    verdict=Verdict.LIKELY,
    verdict_words="Likely: death within 180 days",
    verdict_meaning="Of 100 patients who live, at most about 10 get it.",
    base_value=-0.10,
    reasons=tuple(_reason(name, amount) for name, amount in _AMOUNTS.items()),
    reliability=(
        Notice(Gravity.FINE, "Complete:", "every input was measured."),
        Notice(Gravity.WARNING, "Key inputs not measured:", "Creatinine."),
        Notice(Gravity.NOTE, "Age:", "outside the training range."),
    ),
)


@pytest.fixture
def a_view() -> Callable[..., ModelView]:
    """Makes a model's view; `amounts` are its contributions by feature, other keywords replace its fields."""

    def made(amounts: dict[str, float] | None = None, **changed: object) -> ModelView:
        if amounts is None:
            return replace(_VIEW, **changed)  # type: ignore[arg-type]
        margin = _VIEW.base_value + sum(amounts.values())
        reasons = tuple(_reason(name, amount) for name, amount in amounts.items())
        return replace(_VIEW, margin=margin, reasons=reasons, **changed)  # type: ignore[arg-type]

    return made


@pytest.fixture
def hostile_view() -> ModelView:
    """A view whose every text is hostile."""
    return replace(
        _VIEW,
        probability_words=HOSTILE,
        base_rate_words=HOSTILE,
        label_words=HOSTILE,
        other_words=HOSTILE,
        verdict_words=HOSTILE,
        verdict_meaning=HOSTILE,
        reasons=tuple(ReasonLine(HOSTILE, HOSTILE, HOSTILE, amount, HOSTILE) for amount in (0.5, -0.5)),
        reliability=(Notice(Gravity.WARNING, HOSTILE, HOSTILE),),
    )


@pytest.fixture
def hostile_facts() -> Facts:
    """Facts whose every text is hostile, with every kind of mark."""
    facts = tuple(Fact(HOSTILE, HOSTILE, 1.0, HOSTILE, HOSTILE, HOSTILE, mark, HOSTILE) for mark in Mark)
    return Facts(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, (FactGroup(HOSTILE, facts),), HOSTILE)


@pytest.fixture
def sit(reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], AppTest]:
    """Draws one part on a copy of the ward."""
    monkeypatch.setenv("HITL_WORKSPACE", str(reviewed_folder))
    return lambda part: well(AppTest.from_function(drawn, kwargs={"part": part}, default_timeout=60).run())


@pytest.fixture
def at_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The auditor is signed in and stays so."""
    monkeypatch.setattr(session, "same_actor", lambda _workspace, _account: AUDITOR)
