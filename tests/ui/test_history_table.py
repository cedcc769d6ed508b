"""A reader's own decisions: words, signs, and an address back to each case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from hitl_review.domain.decision import Answer, Confidence, Decision, Signature
from hitl_review.project import Project
from hitl_review.ui.history_table import choice_words, decisions_html
from tests.ui.markup import HOSTILE, Markup, assert_harmless, assert_table

ADecision = Callable[..., Decision]


def _rows(markup: Markup) -> list[list[str]]:
    return [row.texts for row in markup.rows if len(row.cells) > 1][1:]


def _links(markup: Markup) -> list[str]:
    return [value for name, value in markup.attributes if name == "href"]


def test_a_decision_is_one_row_in_plain_words(project: Project, a_decision: ADecision) -> None:
    """Time, case, decision, answer, own estimate, confidence, reason with comment, and who signed as what."""
    decision = a_decision(comment="I examined her")
    markup = assert_harmless(decisions_html(project, [decision]))
    assert_table(markup)
    reason = next(each.label for each in project.reasons if each.code == decision.reason)
    assert _rows(markup) == [
        [
            f"{decision.decided_at:%H:%M:%S}",
            "C-1",
            "⇄ overridden",
            project.label_words("alive"),
            "30%",
            "high",
            f"{reason}: I examined her",
            "Rita Reader, review, 2026-11-22 09:13:03 UTC (no sign-in)",
        ]
    ]


@pytest.mark.parametrize(
    ("answer", "words"),
    [(Answer.ACCEPTED, "✓ accepted"), (Answer.OVERRIDDEN, "⇄ overridden"), (Answer.DEFERRED, "… deferred")],
)
def test_every_answer_has_a_sign_and_a_word(
    project: Project, a_decision: ADecision, answer: Answer, words: str
) -> None:
    """None is told from another by colour."""
    decision = a_decision(answer=answer, label=None if answer is Answer.DEFERRED else "died")
    assert _rows(assert_harmless(decisions_html(project, [decision])))[0][2] == words


def test_what_was_not_given_leaves_no_word(project: Project, a_decision: ADecision) -> None:
    """A deferral without estimate, comment or confidence has empty cells, and no None."""
    decision = a_decision(
        answer=Answer.DEFERRED, label=None, reason=None, own_probability=None, confidence=None
    )
    assert _rows(assert_harmless(decisions_html(project, [decision])))[0][3:7] == ["", "", "", ""]


def test_a_link_leads_to_the_case_and_names_nobody(project: Project, a_decision: ADecision) -> None:
    """Relative, so that it works below any address; ids of every kind survive it."""
    awkward = "C 1/ä&b=#?%"
    markup = assert_harmless(decisions_html(project, [a_decision(case_id=awkward)]))
    (link,) = _links(markup)
    parts = urlsplit(link)
    assert (parts.scheme, parts.netloc, parts.path) == ("", "", "./")
    assert parse_qs(parts.query) == {"case": [awkward]}


def test_days_are_groups_of_rows(project: Project, a_decision: ADecision) -> None:
    """Newest first as they come, one heading a day."""
    today = a_decision()
    earlier = replace(today, decided_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    markup = assert_harmless(decisions_html(project, [today, today, earlier]))
    headings = [row.texts[0] for row in markup.rows if len(row.cells) == 1]
    assert headings == [f"{today.decided_at:%Y-%m-%d} UTC", "2026-01-02 UTC"]


def test_hostile_text_stays_text(project: Project, a_decision: ADecision) -> None:
    """Comment, id, reason and name are shown as they are; what is invisible is shown as its code."""
    decision = a_decision(
        case_id=HOSTILE,
        reason=HOSTILE,
        comment=HOSTILE,
        confidence=Confidence.LOW,
        signature=Signature(HOSTILE, HOSTILE, datetime(2026, 1, 2, tzinfo=UTC)),
    )
    html = decisions_html(project, [decision])
    markup = assert_harmless(html)
    assert "img" not in markup.tags
    assert "\u202e" not in html
    assert markup.text.count("<img src=x onerror=alert(1)>") == 5


def test_a_choice_begins_with_the_id_that_one_types(a_decision: ADecision) -> None:
    """The list is searched by typing, so the case comes first."""
    decision = a_decision()
    assert choice_words(decision) == f"C-1, overridden {decision.decided_at:%Y-%m-%d %H:%M}"
