"""A reader works through cases: by keyboard, by mouse, with comment, confidence and change of mind."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from hitl_review.domain.decision import Answer, Confidence
from tests.e2e.desk import Desk
from tests.e2e.records import acts, decisions, reads

pytestmark = pytest.mark.browser


def test_a_whole_case_goes_by_keyboard_alone(desk: Desk) -> None:
    """A digit, a call and A: estimate, reveal and decision are stored once each, and the next case is there."""
    case = desk.sit_down()
    desk.estimate("7", "y")
    following = desk.accept()
    assert following != case
    (read,), (decision,) = reads(desk.folder, desk.reader), decisions(desk.folder, desk.reader)
    assert (read.case_id, read.probability, read.label) == (case, 0.7, "died")
    assert (decision.case_id, decision.answer, decision.own_probability) == (case, Answer.ACCEPTED, 0.7)
    told = [each for each in acts(desk.folder, desk.reader) if each[1] == case]
    assert [action for action, _ in told] == [
        "case.opened",
        "read.committed",
        "prediction.shown",
        "decision.accepted",
    ]


def test_ten_cases_in_a_row_go_by_keyboard_alone(desk: Desk) -> None:
    """Ten cases, ten estimates, ten decisions of the kinds that were pressed, in the order they were shown."""
    seen, answers = [desk.sit_down()], []
    for number in range(10):
        desk.estimate(str(1 + number % 9), "y" if number % 2 else "x").looked()
        keys, answer = [("a", Answer.ACCEPTED), ("o1", Answer.OVERRIDDEN), ("d4", Answer.DEFERRED)][number % 3]
        desk.press(keys[0])
        if keys[1:]:
            expect(desk.page.locator(".st-key-reasons")).to_be_visible()
            desk.at_rest().press(keys[1:])
        answers.append(answer)
        seen.append(desk.moved_on_from(seen[-1]))
    stored = decisions(desk.folder, desk.reader)
    assert [each.case_id for each in stored] == seen[:10]
    assert [each.answer for each in stored] == answers
    assert [round(10 * each.probability) for each in reads(desk.folder, desk.reader)] == [*range(1, 10), 1]


def test_a_whole_case_goes_by_mouse_alone(desk: Desk) -> None:
    """Every step has a button: nobody needs a key to override with a reason."""
    desk.page.goto(desk.address)
    desk.page.get_by_role("button", name=re.compile(f"Test {desk.reader} ")).click()
    desk.at("estimate")
    desk.page.wait_for_url(re.compile("case="))
    case = desk.case
    desk.looked().button("tenth_3").click()
    expect(desk.page.get_by_label("Your estimate in percent")).to_have_value("30")
    desk.at_rest().page.get_by_role("button", name=re.compile("^No: ")).click()
    desk.at("decide", case).looked()
    desk.page.get_by_role("button", name=re.compile("^Override")).click()
    desk.page.get_by_role("button", name=re.compile("I weigh these findings differently")).click()
    desk.moved_on_from(case)
    (decision,) = decisions(desk.folder, desk.reader)
    assert (decision.case_id, decision.answer, decision.reason) == (case, Answer.OVERRIDDEN, "weighs_differently")


def test_comment_and_confidence_are_stored_and_do_not_leak_into_the_next_case(desk: Desk) -> None:
    """What was said of one patient is never found in the form of another."""
    case = desk.sit_down()
    desk.estimate()
    desk.page.get_by_label("Comment").fill("Family meeting tomorrow: änderbar ✓")
    desk.page.get_by_text("Medium", exact=True).click()
    desk.page.locator("h3", has_text="Your decision").click()
    desk.accept()
    (decision,) = decisions(desk.folder, desk.reader)
    assert (decision.case_id, decision.comment) == (case, "Family meeting tomorrow: änderbar ✓")
    assert decision.confidence is Confidence.MEDIUM
    desk.estimate()
    expect(desk.page.get_by_label("Comment")).to_have_value("")
    assert desk.page.get_by_role("radio", checked=True).count() == 0
    desk.accept()
    latest = decisions(desk.folder, desk.reader)[-1]
    assert (latest.comment, latest.confidence) == ("", None)


def test_letters_and_digits_typed_into_the_comment_are_text(desk: Desk) -> None:
    """Typing a, o, d, 1, n or u into a field presses no button: the case stays open."""
    case = desk.sit_down()
    desk.estimate()
    desk.looked().page.get_by_label("Comment").click()
    desk.page.keyboard.type("a o d 1 n u y x", delay=40)
    desk.page.wait_for_timeout(500)
    desk.at("decide", case)
    expect(desk.page.get_by_label("Comment")).to_have_value("a o d 1 n u y x")
    assert decisions(desk.folder, desk.reader) == []
    assert desk.page.locator(".st-key-reasons").count() == 0


def test_a_reason_that_needs_words_is_refused_without_them(desk: Desk) -> None:
    """The refusal says so, the case stays; with a comment the same press records the override."""
    case = desk.sit_down()
    desk.estimate().looked().press("o")
    desk.page.get_by_role("button", name=re.compile("Another reason")).click()
    desk.told("needs a comment").at("decide", case)
    assert decisions(desk.folder, desk.reader) == []
    desk.page.get_by_label("Comment").fill("The chart names another disease.")
    desk.page.get_by_role("button", name=re.compile("Another reason")).click()
    desk.moved_on_from(case)
    (decision,) = decisions(desk.folder, desk.reader)
    assert (decision.reason, decision.comment) == ("other", "The chart names another disease.")


def test_an_estimate_without_a_percentage_is_refused(desk: Desk) -> None:
    """A call alone is no estimate: the page asks for the percentage, and the model stays hidden."""
    case = desk.sit_down()
    desk.looked().press("y").told("Give a percentage first")
    desk.at("estimate", case)
    assert reads(desk.folder, desk.reader) == []


def test_a_percentage_can_be_typed_exactly(desk: Desk) -> None:
    """63 % is stored as 63 %, not as the nearest ten."""
    desk.sit_down()
    field = desk.looked().page.get_by_label("Your estimate in percent")
    field.fill("63")
    field.press("Enter")
    desk.at_rest().button("call_Y").click()
    desk.at("decide")
    (read,) = reads(desk.folder, desk.reader)
    assert read.probability == 0.63


def test_undo_is_a_decision_that_supersedes_and_both_stay_in_the_log(desk: Desk) -> None:
    """A change of mind adds to the record: the first decision stays, the second names it and is in force."""
    case = desk.sit_down()
    desk.estimate().accept()
    desk.looked().press("u")
    desk.at("decide", case)
    expect(desk.page.get_by_role("heading", name="Change your decision")).to_be_visible()
    desk.looked().override().press("1")
    desk.moved_on_from(case)
    first, second = decisions(desk.folder, desk.reader)
    assert (first.case_id, first.answer) == (second.case_id, Answer.ACCEPTED) == (case, Answer.ACCEPTED)
    assert (second.answer, second.supersedes) == (Answer.OVERRIDDEN, first.decision_id)
    told = [action for action, about in acts(desk.folder, desk.reader) if about == case]
    assert told.count("decision.accepted") == told.count("decision.amended") == 1


def test_next_leaves_a_case_undecided_and_it_waits_in_the_queue(desk: Desk) -> None:
    """N records no decision; the case that was left comes back when the others are done or it is opened again."""
    case = desk.sit_down()
    desk.looked().press("n")
    following = desk.moved_on_from(case)
    assert following != case
    assert decisions(desk.folder, desk.reader) == []
    assert desk.sit_down(case) == case
