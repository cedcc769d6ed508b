"""Who may see what, and what leaves the machine: roles, addresses, titles, outside requests, blocked resources."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Frame, expect

from tests.e2e.conftest import SitAt
from tests.e2e.desk import Desk
from tests.e2e.records import acts
from tests.e2e.serving import Server

pytestmark = pytest.mark.browser

PROBES = re.compile(r"/(?:review|history|log|model)/_stcore/(?:health|host-config)$")
"""Streamlit asks for these below the page's own path first when a page is opened by its address, and gets 404."""


def test_an_auditor_has_no_review_page(served: Server, sit_at: SitAt, desk: Desk) -> None:
    """Not in the menu, and not by its address with the id of a case: no facts, no buttons, nothing opened."""
    case = desk.sit_down()
    auditor = sit_at(served, "auditor-1").visit("/review", case=case)
    auditor.looked()
    assert auditor.page.get_by_role("link", name="Review").count() == 0
    for part in (".hr-facts", ".st-key-estimate", ".st-key-decision", ".hr-model"):
        assert auditor.page.locator(part).count() == 0
    assert [action for action, about in acts(served.folder, "auditor-1") if about == case] == []


def test_who_is_not_signed_in_is_asked_to(served: Server, sit_at: SitAt) -> None:
    """Every address leads to the sign-in page, one with a name and a case in it too; no case is opened."""
    page = sit_at(served, "nobody-9").page
    for path in ("/", "/history", "/log", "/?reader=reader-1&case=S2-00001"):
        page.goto(f"{served.address}{path}")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert page.locator(".hr-facts").count() == 0


def test_addresses_and_titles_hold_ids_and_nothing_clinical(desk: Desk) -> None:
    """Every address of a whole case names the case and nothing else; the title never names a patient."""
    addresses: list[str] = []
    titles: list[str] = []

    def note(frame: Frame) -> None:
        addresses.append(frame.url)

    desk.page.on("framenavigated", note)
    case = desk.sit_down()
    titles.append(desk.page.title())
    desk.estimate()
    titles.append(desk.page.title())
    desk.looked().override().press("1")
    following = desk.moved_on_from(case)
    titles.append(desk.page.title())
    desk.visit("/history")
    titles.append(desk.page.title())
    assert len(addresses) > 2
    for address in addresses:
        query = parse_qs(urlsplit(address).query)
        assert query.keys() <= {"case"}, address
        assert set(query.get("case", [])) <= {case, following}
    assert set(titles) <= {"hitl-review", "Review", "My decisions"}


def test_no_page_asks_anybody_else_for_anything(served: Server, sit_at: SitAt, desk: Desk) -> None:
    """With every page of every role opened, each request went to this machine's own address."""
    desk.page.goto(desk.address)
    desk.sit_down()
    desk.estimate().accept()
    for page in ("/history", "/model"):
        desk.visit(page)
    steward = sit_at(served, "steward-1").visit("/")
    for page in ("/log", "/model"):
        steward.visit(page).looked()
    for each in (desk, steward):
        assert each.requests
        assert each.outside_requests() == []


def test_the_security_headers_block_nothing_of_ours(served: Server, sit_at: SitAt, desk: Desk) -> None:
    """The browser's console stays free of errors through a case and every page, but for Streamlit's own probing."""
    missing: list[str] = []
    steward = sit_at(served, "steward-1")
    for each in (desk, steward):
        each.page.on("response", lambda answer: missing.append(answer.url) if answer.status >= 400 else None)
    desk.sit_down()
    desk.estimate().looked().override().press("1")
    desk.at("estimate").visit("/history").visit("/model").looked()
    steward.visit("/log").looked().visit("/model").looked()
    assert [url for url in missing if not PROBES.search(url)] == []
    probing = re.compile("^Failed to load resource: the server responded with a status of 404")
    complaints = [*desk.complaints, *steward.complaints]
    assert len([text for text in complaints if probing.search(text)]) == len(missing)
    assert [text for text in complaints if not probing.search(text)] == []
