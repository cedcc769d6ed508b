"""What stands where: the decision without scrolling on a desk, everything within reach on a phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.conftest import PHONE, WIDE, SitAt
from tests.e2e.desk import Desk
from tests.e2e.records import decisions
from tests.e2e.serving import Server

pytestmark = pytest.mark.browser

FINGERTIP_PX = 40


def boxes(locator: Locator) -> list[dict[str, float]]:
    """The places on the screen of everything a locator finds."""
    return [box for box in (each.bounding_box() for each in locator.all()) if box is not None]


def assert_on_screen(desk: Desk, *parts: str) -> None:
    """Hold parts of the page against the edges of the window, without having scrolled."""
    for part in parts:
        box = desk.page.locator(part).bounding_box()
        assert box is not None, f"{part} is not on the page"
        assert box["y"] >= 0, f"{part} begins {-box['y']:.0f} px above the window"
        assert box["y"] + box["height"] <= WIDE[1], f"{part} ends at {box['y'] + box['height']:.0f} px"


def assert_no_sideways_scroll(desk: Desk) -> None:
    """Hold every element's right edge against the window's."""
    wide = desk.page.evaluate(
        "() => [document.documentElement, document.querySelector('[data-testid=stMain]')]"
        ".map((each) => each.scrollWidth - each.clientWidth)"
    )
    assert wide == [0, 0]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_decision_stands_on_a_desk_screen_without_scrolling(
    served: Server, sit_at: SitAt, theme: str
) -> None:
    """At 1440x900 facts, estimate, model, answers, reasons, comment and confidence are all in view at once."""
    desk = sit_at(served, theme=theme)
    desk.sit_down()
    assert_on_screen(desk, ".hr-facts", ".st-key-estimate", "[class*=st-key-next_]")
    desk.estimate()
    assert_on_screen(desk, ".hr-facts", ".hr-model", ".st-key-decision", "[class*=st-key-next_]")
    desk.override()
    assert_on_screen(desk, ".hr-facts", ".hr-model", ".st-key-decision", ".st-key-reasons")
    desk.looked().press("7").told("needs a comment")
    assert_on_screen(desk, "[data-testid=stAlert]", ".st-key-answers", ".st-key-reasons", ".st-key-decision")
    desk.press("d")
    expect(desk.page.get_by_role("button", name=re.compile("I want a second reader"))).to_be_visible()
    assert_on_screen(desk, ".st-key-answers", ".st-key-reasons", ".st-key-decision")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_follows_the_reader_s_light_or_dark_setting(
    served: Server, sit_at: SitAt, theme: str
) -> None:
    """The ground is light in a light room and dark in a dark one."""
    desk = sit_at(served, theme=theme)
    desk.sit_down()
    ground = desk.page.evaluate(
        "() => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    )
    brightness = sum(map(int, re.findall(r"\d+", ground)[:3])) / 3
    assert brightness > 200 if theme == "light" else brightness < 60


def test_answers_have_equal_weight(desk: Desk) -> None:
    """Accept, override and defer have the same size and the same look, and none is chosen beforehand."""
    desk.sit_down()
    desk.estimate()
    desk.page.mouse.move(0, 0)
    answers = desk.page.locator(".st-key-answers button")
    assert answers.count() == 3
    sizes = {(round(box["width"]), round(box["height"])) for box in boxes(answers)}
    looks = {each.evaluate("(b) => getComputedStyle(b).backgroundColor") for each in answers.all()}
    assert len(sizes) == len(looks) == 1


def test_a_whole_case_goes_on_a_phone(served: Server, sit_at: SitAt) -> None:
    """At 390x844 nothing lies beyond the right edge, every button fits a fingertip, and taps decide a case."""
    desk = sit_at(served, size=PHONE)
    case = desk.sit_down()
    assert_no_sideways_scroll(desk)
    assert_fit_a_fingertip(desk)
    desk.looked().button("tenth_7").tap()
    expect(desk.page.get_by_label("Your estimate in percent")).to_have_value("70")
    desk.at_rest().button("call_Y").tap()
    desk.at("decide", case)
    expect(desk.page.locator(".hr-probability")).to_be_in_viewport()
    assert_no_sideways_scroll(desk)
    desk.looked().button("override").tap()
    expect(desk.page.locator(".st-key-reasons")).to_be_visible()
    desk.at_rest()
    assert_no_sideways_scroll(desk)
    assert_fit_a_fingertip(desk)
    desk.page.get_by_label("Comment").fill("Tapped on a phone.")
    desk.page.get_by_text("High", exact=True).tap()
    desk.button("reason_weighs_differently").tap()
    desk.moved_on_from(case)
    expect(desk.page.locator(".hr-heading")).to_be_in_viewport()
    (decision,) = decisions(desk.folder, desk.reader)
    assert (decision.case_id, decision.comment) == (case, "Tapped on a phone.")


def assert_fit_a_fingertip(desk: Desk) -> None:
    """Hold the review page's own buttons against the size of a fingertip and the width of the window."""
    buttons = desk.page.locator(".st-key-page [class*=st-key-] [data-testid^=stBaseButton]")
    assert buttons.count() >= 10
    for each in buttons.all():
        box = each.bounding_box()
        assert box is not None
        assert box["height"] >= FINGERTIP_PX, f"{each.inner_text()!r} is {box['height']:.0f} px high"
        assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE[0], f"{each.inner_text()!r} is cut off"
