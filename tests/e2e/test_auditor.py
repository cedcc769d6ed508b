"""An auditor at work in a real browser; and a canary that must not leave the records. G8, G11, G14."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from hitl_review.workflow.checkpointing import publish_checkpoint
from hitl_review.workflow.workspace import open_workspace
from tests.e2e.conftest import PHONE, SitAt
from tests.e2e.desk import Desk
from tests.e2e.serving import Server

pytestmark = pytest.mark.browser

_LABEL_IS = """(label) => {
  const cell = document.querySelector(".hr-audited td[data-label=Signed]");
  return cell !== null && getComputedStyle(cell, "::before").content === label;
}"""
CANARY = "ZZPHI-4711"


def part(page: Page, name: str) -> None:
    """Choose a part of the auditor's page."""
    page.get_by_role("radiogroup", name="Part").get_by_text(name, exact=True).click()


def test_an_auditor_reads_a_case_sees_its_screen_and_verifies(
    served: Server, sit_at: SitAt, desk: Desk
) -> None:
    """From the list to one case, its past screen, and a verification that another process makes."""
    case = desk.sit_down()
    desk.estimate().looked()
    desk.accept()
    page = sit_at(served, "auditor-1").visit("/log").page
    expect(page.get_by_role("heading", name="Audit log")).to_be_visible()
    expect(page.locator(".hr-log")).to_contain_text(case)
    part(page, "One case")
    page.get_by_placeholder("Its id").fill(case)
    page.keyboard.press("Enter")
    expect(page.locator(".hr-audited").first).to_contain_text("in force")
    expect(page.get_by_text("What else was recorded of this case")).to_be_visible()
    page.get_by_label("Show the screen as it was").click()
    page.keyboard.press("Enter")
    expect(page.get_by_text("PAST SCREEN")).to_be_visible()
    expect(page.get_by_text("These are the very bytes")).to_be_visible()
    expect(page.locator(".st-key-past_screen .hr-model")).to_be_visible()
    part(page, "Verify and export")
    page.get_by_role("button", name="Verify now").click()
    expect(page.locator(".hr-verified")).to_contain_text("Nothing wrong was found", timeout=60_000)


def too_wide(page: Page) -> list[str]:
    """What on a page is wider than the place that it has, the page itself included."""
    found: list[str] = page.evaluate(
        "() => [document.documentElement, ...document.querySelectorAll('[data-testid=stMain], .hr-paper')]"
        ".filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.className)"
    )
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_case_and_a_sample_are_read_on_a_phone_without_scrolling_sideways(
    served: Server, sit_at: SitAt, desk: Desk, theme: str
) -> None:
    """Each row is a block there, whose cells say what they hold; on a desk the same tables have heads and columns."""
    case = desk.sit_down()
    desk.estimate().looked()
    desk.accept()
    for size, stacked in ((PHONE, True), ((1440, 900), False)):
        seat = sit_at(served, "auditor-1", size=size, theme=theme)
        seat.visit("/log")
        part(seat.page, "One case")
        seat.page.get_by_placeholder("Its id").fill(case)
        seat.page.keyboard.press("Enter")
        assert_stacked(seat.page, stacked=stacked)
        look_back(seat)
        assert too_wide(seat.page) == []
        part(seat.page, "Sample")
        seat.page.get_by_role("button", name="Draw a sample").click()
        assert_stacked(seat.page, stacked=stacked)


def test_a_verdict_with_its_digests_is_read_on_a_phone_without_scrolling_sideways(
    served: Server, sit_at: SitAt
) -> None:
    """A digest has no place at which a line may end."""
    with open_workspace(served.folder) as workspace:
        note = publish_checkpoint(workspace)
    page = sit_at(served, "auditor-1", size=PHONE).visit("/log").page
    part(page, "Verify and export")
    kept = {"name": "kept.txt", "mimeType": "text/plain", "buffer": note.encode()}
    page.locator("input[type=file]").set_input_files([kept])
    expect(page.get_by_text("kept.txt")).to_be_visible()
    page.get_by_role("button", name="Verify now").click()
    expect(page.locator(".hr-verified")).to_contain_text("Held against", timeout=60_000)
    assert too_wide(page) == []


def look_back(seat: Desk) -> None:
    """Show the first screen of a case as it was. The list of choices closes when the page scrolls; typing opens it."""
    chosen = seat.at_rest().page.get_by_label("Show the screen as it was")
    chosen.click()
    seat.looked()
    chosen.press_sequentially("UTC")
    seat.page.get_by_role("option").first.click()
    expect(seat.page.locator(".st-key-past_screen .hr-model")).to_be_visible()


def assert_stacked(page: Page, *, stacked: bool) -> None:
    """Hold the first table of an auditor's part against a narrow or a wide window."""
    table = page.locator(".hr-audited").first
    expect(table).to_be_visible()
    expect(table.locator("thead")).to_be_visible(visible=not stacked)
    expect(table.locator("td[data-label=Signed]").first).to_be_visible()
    page.wait_for_function(_LABEL_IS, arg='"Signed"' if stacked else "none")
    assert too_wide(page) == []


def test_a_planted_comment_is_in_no_address_title_line_or_temporary_file(served: Server, desk: Desk) -> None:
    """It is typed, stored and shown; nothing else of the way holds it: not the server's lines, not the browser's."""
    addresses: list[str] = []
    before = set(Path(tempfile.gettempdir()).iterdir())
    desk.page.on("request", lambda request: addresses.append(request.url))
    case = desk.sit_down()
    desk.estimate().looked().override()
    desk.page.get_by_label("Comment").first.fill(f"He said {CANARY}")
    desk.page.keyboard.press("Tab")
    desk.page.evaluate("document.activeElement.blur()")
    desk.press("1")
    desk.moved_on_from(case)
    desk.visit("/history")
    expect(desk.page.get_by_text(CANARY)).to_be_visible()
    assert len(addresses) > 2
    assert CANARY not in served.log.read_text(encoding="utf-8") + desk.page.title() + "".join(addresses)
    for path in set(Path(tempfile.gettempdir()).iterdir()) - before:
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes()
    assert CANARY.encode() not in (served.folder / "review.db.lock").read_bytes()
