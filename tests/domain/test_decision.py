"""What a reader may answer: consistent with what was shown, with a reason where one is owed."""

from __future__ import annotations

import math

import pytest

from hitl_review.domain.decision import Answer, Choice, Confidence, ReasonRule, check_probability, settled
from hitl_review.errors import ReviewError

REASONS = (
    ReasonRule("seen_patient", "I saw the patient", frozenset({Answer.OVERRIDDEN})),
    ReasonRule("record_wrong", "The record is wrong", frozenset({Answer.OVERRIDDEN, Answer.DEFERRED}), True),
    ReasonRule("too_little", "Too little is known", frozenset({Answer.DEFERRED})),
)


def settle(choice: Choice, limit: int = 100) -> Choice:
    """Settle a choice about a screen that showed `died`."""
    return settled(choice, shown="died", other="alive", reasons=REASONS, limit=limit)


@pytest.mark.parametrize(
    ("choice", "label"),
    [
        (Choice(Answer.ACCEPTED), "died"),
        (Choice(Answer.OVERRIDDEN, reason="seen_patient"), "alive"),
        (Choice(Answer.DEFERRED, reason="too_little"), None),
    ],
)
def test_the_label_follows_from_the_answer(choice: Choice, label: str | None) -> None:
    """Accepting keeps the shown one, overriding takes the other, deferring has none."""
    assert settle(choice).label == label


@pytest.mark.parametrize(
    ("answer", "reason", "label"),
    [
        (Answer.ACCEPTED, None, "alive"),
        (Answer.OVERRIDDEN, "seen_patient", "died"),
        (Answer.DEFERRED, "too_little", "died"),
        (Answer.ACCEPTED, None, "neither"),
    ],
)
def test_a_label_that_contradicts_the_answer_is_refused(
    answer: Answer, reason: str | None, label: str
) -> None:
    """A script that says both must mean both."""
    with pytest.raises(ReviewError, match="can't carry the label"):
        settle(Choice(answer, label=label, reason=reason))


@pytest.mark.parametrize("answer", [Answer.OVERRIDDEN, Answer.DEFERRED])
@pytest.mark.parametrize("reason", [None, "", "no_such_reason"])
def test_an_override_or_deferral_owes_a_coded_reason(answer: Answer, reason: str | None) -> None:
    """And the refusal lists those that go with it."""
    with pytest.raises(ReviewError, match=r"Choose one of: .*record_wrong"):
        settle(Choice(answer, reason=reason))


@pytest.mark.parametrize(
    ("answer", "reason"), [(Answer.OVERRIDDEN, "too_little"), (Answer.DEFERRED, "seen_patient")]
)
def test_a_reason_of_the_other_answer_does_not_fit(answer: Answer, reason: str) -> None:
    """A reason to defer is none to override."""
    with pytest.raises(ReviewError, match="with the reason"):
        settle(Choice(answer, reason=reason))


def test_an_acceptance_takes_no_reason() -> None:
    """It would be counted among the overrides' reasons."""
    with pytest.raises(ReviewError, match="no coded reason"):
        settle(Choice(Answer.ACCEPTED, reason="seen_patient"))


@pytest.mark.parametrize("comment", ["", "   ", "\n\t"])
def test_some_reasons_need_words(comment: str) -> None:
    """Blanks are no words. The reason is told as the page names it: who reviews knows no codes."""
    with pytest.raises(ReviewError, match="The reason 'The record is wrong' needs a comment"):
        settle(Choice(Answer.OVERRIDDEN, reason="record_wrong", comment=comment))
    assert settle(Choice(Answer.OVERRIDDEN, reason="record_wrong", comment=" why ")).comment == "why"


def test_a_comment_has_a_limit() -> None:
    """At the limit it is kept, beyond it is refused, never cut."""
    assert settle(Choice(Answer.ACCEPTED, comment="x" * 100)).comment == "x" * 100
    with pytest.raises(ReviewError, match="at most 100"):
        settle(Choice(Answer.ACCEPTED, comment="x" * 101))


@pytest.mark.parametrize("character", ["\x00", "\ud800", "\udfff"])
def test_a_comment_that_can_not_be_stored_is_refused_before_it_is_tried(character: str) -> None:
    """In words for the person who typed it."""
    with pytest.raises(ReviewError, match="can't be stored"):
        settle(Choice(Answer.ACCEPTED, comment=f"a{character}b"))


def test_confidence_and_comment_are_kept() -> None:
    """Whatever the answer."""
    kept = settle(Choice(Answer.ACCEPTED, comment="größer ≥ 90 % 🫀", confidence=Confidence.LOW))
    assert (kept.comment, kept.confidence) == ("größer ≥ 90 % 🫀", Confidence.LOW)


@pytest.mark.parametrize("probability", [0, 0.0, 0.5, 1, 1.0])
def test_an_own_estimate_is_a_probability(probability: float) -> None:
    """Both ends included."""
    assert check_probability(probability) == probability
    assert isinstance(check_probability(probability), float)


@pytest.mark.parametrize("probability", [-0.001, 1.001, 50, math.nan, math.inf])
def test_anything_else_is_no_probability(probability: float) -> None:
    """Not a percentage by mistake, and not NaN."""
    with pytest.raises(ReviewError, match="between 0 and 100 %"):
        check_probability(probability)
