"""The server dies in the middle and comes back: the tab finds its case, its stage, and what was saved."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import SitAt
from tests.e2e.desk import Desk
from tests.e2e.records import acts, decisions, reads
from tests.e2e.serving import STARTING_SECONDS, Server, copy_workspace

pytestmark = pytest.mark.browser


@pytest.fixture
def own_server(demo: Path, tmp_path: Path) -> Iterator[Server]:
    """A served workspace that this test may kill."""
    server = Server(copy_workspace(demo, tmp_path / "workspace")).start()
    yield server
    server.kill()


def killed_and_started_again(desk: Desk, server: Server, *, pressing: str = "") -> Desk:
    """Kill the server under an open tab, press a key while it is gone, start it again, and wait for the tab."""
    before = len(acts(desk.folder, desk.reader))
    server.kill()
    expect(desk.page.locator("[data-testid=stApp]:not([data-test-connection-state=CONNECTED])")).to_be_visible()
    desk.press(*pressing)
    server.start()
    until = time.monotonic() + STARTING_SECONDS
    while len(acts(desk.folder, desk.reader)) == before and time.monotonic() < until:
        desk.page.wait_for_timeout(100)  # the new server opens the case anew; until then the old page stands there
    return desk.at_rest()


def test_a_killed_server_loses_and_doubles_nothing(own_server: Server, sit_at: SitAt) -> None:
    """Killed during the estimate and after the reveal: same case, same stage, and what was saved is told right."""
    desk = sit_at(own_server)
    first = desk.sit_down()
    second = desk.estimate().accept()
    killed_and_started_again(desk, own_server, pressing="7y").at("estimate", second)
    assert len(reads(desk.folder, desk.reader)) == 1
    assert_last_saved_is_told(desk)
    desk.estimate("4", "x")
    killed_and_started_again(desk, own_server, pressing="a").at("decide", second)
    assert len(decisions(desk.folder, desk.reader)) == 1
    expect(desk.page.get_by_text("You said 40%")).to_be_visible()
    assert_last_saved_is_told(desk)
    third = desk.accept()
    assert_last_saved_is_told(desk)
    assert len({first, second, third}) == 3
    assert [each.case_id for each in decisions(desk.folder, desk.reader)] == [first, second]
    assert [each.probability for each in reads(desk.folder, desk.reader)] == [0.7, 0.4]
    told = acts(desk.folder, desk.reader)
    assert [action for action, about in told if about == second and action != "case.opened"] == [
        "read.committed",
        "prediction.shown",
        "decision.accepted",
    ]


def assert_last_saved_is_told(desk: Desk) -> None:
    """Hold the words on the page against the last decision in the database."""
    latest = decisions(desk.folder, desk.reader)[-1]
    words = f"Last saved: {latest.case_id}, {latest.answer.value}, {latest.decided_at:%H:%M:%S} UTC"
    expect(desk.page.get_by_text(re.compile(f"^{words}$"))).to_be_visible()
