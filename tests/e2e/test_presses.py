"""Presses that come too fast, twice, or without end: one act each, and never on a case nobody has seen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from hitl_review.ui.session import ARRIVED_SECONDS
from tests.e2e.conftest import SitAt
from tests.e2e.desk import Desk
from tests.e2e.records import acts, decisions, reads
from tests.e2e.serving import Server, make_demo_saying

pytestmark = pytest.mark.browser

GAPS_MS = (20, 80, 200)
SETTLING_MS = 900


@pytest.fixture(scope="module")
def served_open(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app where the project asks for no own estimate: A accepts, and the next case has an A as well."""
    folder = tmp_path_factory.mktemp("open") / "workspace"
    server = Server(make_demo_saying(folder, old='blind_first = "on"', new='blind_first = "off"')).start()
    yield server
    server.kill()


def twice(desk: Desk, key: str, gap_ms: int) -> None:
    """Press a key twice, so many milliseconds apart, and wait until everything that follows has happened."""
    desk.press(key)
    desk.page.wait_for_timeout(gap_ms)
    desk.press(key)
    desk.page.wait_for_timeout(SETTLING_MS)
    desk.at_rest()


def assert_untouched(desk: Desk, case: str) -> None:
    """Nothing was done to a case but to open it."""
    assert {action for action, about in acts(desk.folder, desk.reader) if about == case} <= {"case.opened"}


def test_two_quick_presses_of_a_are_one_decision(desk: Desk) -> None:
    """However close the second A follows, each case is accepted once and the next one stays untouched."""
    case, decided = desk.sit_down(), []
    for gap in GAPS_MS:
        desk.estimate().looked()
        twice(desk, "a", gap)
        decided.append(case)
        case = desk.moved_on_from(case)
        assert [each.case_id for each in decisions(desk.folder, desk.reader)] == decided, f"{gap} ms apart"
        assert_untouched(desk, case)


def test_two_quick_presses_of_y_are_one_estimate(desk: Desk) -> None:
    """However close the second Y follows, the estimate is stored once and nothing is decided."""
    case, estimated = desk.sit_down(), []
    for gap in GAPS_MS:
        desk.looked().press("7")
        expect(desk.page.get_by_label("Your estimate in percent")).to_have_value("70")
        twice(desk.at_rest(), "y", gap)
        desk.at("decide", case)
        estimated.append(case)
        assert [each.case_id for each in reads(desk.folder, desk.reader)] == estimated, f"{gap} ms apart"
        assert decisions(desk.folder, desk.reader) == []
        desk.press("n")
        case = desk.moved_on_from(case)


def test_two_quick_presses_of_a_reason_are_one_override(desk: Desk) -> None:
    """The second 1 records nothing more, and does not become an estimate of 10 % for the next patient."""
    case, decided = desk.sit_down(), []
    for gap in GAPS_MS:
        desk.estimate().looked().override()
        twice(desk, "1", gap)
        decided.append(case)
        case = desk.moved_on_from(case)
        assert [each.case_id for each in decisions(desk.folder, desk.reader)] == decided, f"{gap} ms apart"
        assert_untouched(desk, case)
        expect(desk.page.get_by_label("Your estimate in percent")).to_have_value("")


def test_o_and_a_reason_pressed_in_one_go_are_at_most_one_override(desk: Desk) -> None:
    """A 1 right behind the O either records the one override or nothing; never more, never another case."""
    case, decided = desk.sit_down(), []
    for gap in GAPS_MS:
        desk.estimate().looked().press("o")
        desk.page.wait_for_timeout(gap)
        desk.press("1")
        desk.page.wait_for_timeout(SETTLING_MS)
        if desk.at_rest().case == case:
            expect(desk.page.locator(".st-key-reasons")).to_be_visible()
            desk.press("1")
        decided.append(case)
        case = desk.moved_on_from(case)
        assert [each.case_id for each in decisions(desk.folder, desk.reader)] == decided, f"{gap} ms apart"
        assert_untouched(desk, case)


def test_a_held_y_is_one_estimate_and_a_held_a_one_decision(desk: Desk) -> None:
    """A key that hangs for 1.3 s does what one press does."""
    case = desk.sit_down()
    desk.looked().press("7")
    expect(desk.page.get_by_label("Your estimate in percent")).to_have_value("70")
    desk.at_rest().hold("y", 1.3).at("decide", case)
    assert len(reads(desk.folder, desk.reader)) == 1
    assert decisions(desk.folder, desk.reader) == []
    desk.looked().hold("a", 1.3)
    following = desk.moved_on_from(case)
    desk.page.wait_for_timeout(SETTLING_MS)
    assert [each.case_id for each in decisions(desk.folder, desk.reader)] == [case]
    assert_untouched(desk, following)


def test_a_held_a_accepts_one_case_where_no_estimate_stands_between(served_open: Server, sit_at: SitAt) -> None:
    """Without the own estimate every case has an A at once; a held A still decides the one that was seen."""
    desk = sit_at(served_open)
    desk.visit().at("decide").looked()
    case = desk.case
    desk.hold("a", 1.3)
    desk.page.wait_for_timeout(SETTLING_MS)
    desk.at("decide")
    assert desk.case != case
    assert [each.case_id for each in decisions(desk.folder, desk.reader)] == [case]


def test_two_quick_presses_accept_one_case_where_no_estimate_stands_between(
    served_open: Server, sit_at: SitAt
) -> None:
    """The second A comes before anybody can have read the next case, so it records nothing and says so."""
    desk = sit_at(served_open)
    desk.visit().at("decide")
    decided = []
    for gap in (*GAPS_MS, 400):
        decided.append(desk.looked().case)
        twice(desk, "a", gap)
        desk.at("decide")
        assert [each.case_id for each in decisions(desk.folder, desk.reader)] == decided, f"{gap} ms apart"
    desk.told("Not recorded")


class SlowLink:
    """What stands between a tab and its server, and can hold back what the server sends."""

    def __init__(self, page: Page) -> None:
        self.holds = False
        self._held: list[tuple[WebSocketRoute, str | bytes]] = []
        page.route_web_socket("**/_stcore/stream*", self._joined)

    def _joined(self, to_page: WebSocketRoute) -> None:
        to_page.connect_to_server().on_message(lambda message: self._arrived(to_page, message))

    def _arrived(self, to_page: WebSocketRoute, message: str | bytes) -> None:
        if self.holds:
            self._held.append((to_page, message))
        else:
            to_page.send(message)

    def let_go(self) -> None:
        """Bring what was held back, in its order."""
        self.holds = False
        for to_page, message in self._held:
            to_page.send(message)
        self._held.clear()


@pytest.mark.parametrize("second", ["a", "o", "n"])
def test_a_press_made_long_after_on_a_case_that_was_left_does_nothing(
    served_open: Server, sit_at: SitAt, second: str
) -> None:
    """Over a slow link the old case still stands there seconds later: a press on it neither acts nor leads back."""
    desk = sit_at(served_open)
    link = SlowLink(desk.page)
    desk.visit().at("decide").looked()
    first, link.holds = desk.case, True
    desk.press("a").page.wait_for_timeout(1000 * ARRIVED_SECONDS + 1500)
    assert desk.case == first
    desk.press(second).page.wait_for_timeout(1000)
    link.let_go()
    desk.at("decide")
    assert desk.case != first
    assert [each.case_id for each in decisions(desk.folder, desk.reader)] == [first]
    expect(desk.page.locator(".st-key-reasons")).to_have_count(0)
    following = desk.case
    desk.page.go_back()
    desk.at("decided", first)
    desk.page.go_forward()
    desk.at("decide", following)
