"""The model's panel: verdict, reliability and reasons in their order, none of it by colour alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hitl_review.domain.prediction import Verdict
from hitl_review.domain.screen import Gravity, ModelView, Notice
from hitl_review.ui.panels import answered_html, heading_html, model_html, reliability_html, titled_html
from tests.ui.markup import HOSTILE, assert_harmless

View = Callable[..., ModelView]
_ORDER = ("60%", "Likely: death", "Key inputs not measured", "Why the model says this", "log-odds")


def test_hostile_text_in_the_panel_stays_text(hostile_view: ModelView) -> None:
    """Words, verdict, notices and reasons are shown as they are, and none of them as HTML."""
    assert "img" not in assert_harmless(model_html(hostile_view, 0.4)).tags


@pytest.mark.parametrize(
    "html",
    [
        heading_html(HOSTILE, HOSTILE),
        titled_html(HOSTILE, HOSTILE, ask=HOSTILE, how=HOSTILE),
        answered_html("You accepted", [(HOSTILE, HOSTILE)], HOSTILE),
    ],
    ids=["heading", "form", "decision"],
)
def test_hostile_text_around_the_panel_stays_text(html: str) -> None:
    """A comment, a name or a word of the project is shown as it is, letter by letter."""
    assert {"img", "script"}.isdisjoint(assert_harmless(html).tags)


def test_a_decision_shows_what_was_said_and_leaves_out_what_was_not() -> None:
    """An empty comment has no line of its own; what was said stands beside its name, with the signature below."""
    text = assert_harmless(
        answered_html("You deferred", [("Reason", "second reader"), ("Comment", "")], "A. B.")
    ).text
    assert ("Reason: second reader" in text, "Comment" in text, "A. B." in text) == (True, False, True)


def test_the_panel_reads_from_probability_to_reasons(a_view: View) -> None:
    """Probability, verdict, reliability, then the reasons: reliability comes before the explanation."""
    text = assert_harmless(model_html(a_view(), 0.3)).text
    places = [text.index(part) for part in _ORDER]
    assert places == sorted(places)


def test_the_panel_does_not_speak_of_causes(a_view: View) -> None:
    """Contributions are the model's reasons, and the panel says that they are not the illness's."""
    assert "not causes of illness" in model_html(a_view(), None)


def test_the_base_rate_and_the_threshold_stand_beside_the_probability(a_view: View) -> None:
    """A probability alone says little: what is usual, and where the call changes, are beside it."""
    text = assert_harmless(model_html(a_view(), None)).text
    assert "about 47 of 100" in text
    assert "changes at 50%" in text


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_a_shape_of_its_own_and_its_words(a_view: View, verdict: Verdict) -> None:
    """A reader who sees no colour tells the verdicts apart by shape and words."""
    html = model_html(a_view(verdict=verdict, verdict_words=f"words of {verdict.value}"), None)
    shapes = {Verdict.LIKELY: "▲", Verdict.UNLIKELY: "▼", Verdict.UNSURE: "?", Verdict.UNLIKE_TRAINING: "!"}
    assert (
        f'hr-verdict-{verdict.value}"><span aria-hidden="true">{shapes.get(verdict, "–")}</span> words of'
        in html
    )


def test_the_gravest_notice_comes_first() -> None:
    """Warnings, then notes, then what is fine, in whatever order they came."""
    given = (Gravity.FINE, Gravity.NOTE, Gravity.WARNING)
    html = reliability_html(tuple(Notice(gravity, f"{gravity.value}:", "text") for gravity in given))
    assert html.index("warning:") < html.index("note:") < html.index("fine:")


def test_a_notice_has_a_sign_besides_its_colour() -> None:
    """!, i and ✓ say the gravity in black and white."""
    notices = tuple(Notice(gravity, "t", "x") for gravity in Gravity)
    text = assert_harmless(reliability_html(notices)).text
    assert all(sign in text for sign in "!i✓")


def test_a_warning_demotes_the_score(a_view: View) -> None:
    """A score that should not be leaned on is drawn smaller; without a warning it is not."""
    calm = tuple(Notice(gravity, "t", "x") for gravity in (Gravity.FINE, Gravity.NOTE))
    assert "hr-demoted" in model_html(a_view(), None)
    assert "hr-demoted" not in model_html(a_view(reliability=calm), None)


@pytest.mark.parametrize(
    ("probability", "shown"), [(0.0, "0%"), (1.0, "100%"), (0.004, "0%"), (0.996, "100%")]
)
def test_extreme_probabilities_are_shown_whole(a_view: View, probability: float, shown: str) -> None:
    """The panel stands at both ends of the scale."""
    assert f'<div class="hr-probability">{shown}</div>' in model_html(a_view(probability=probability), 0.5)
