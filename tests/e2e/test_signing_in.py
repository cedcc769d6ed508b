"""Signing in and out in a real browser: by keyboard, across tabs and refreshes, and when somebody is shut out."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from hitl_review.domain.password import DEMO_PASSWORD
from hitl_review.workflow.accounts import disable_account
from hitl_review.workflow.workspace import open_workspace
from tests.e2e.conftest import PHONE, SitAt
from tests.e2e.desk import Desk
from tests.e2e.records import acts, decisions
from tests.e2e.serving import Server, make_demo_saying

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app on a workspace that signs people out after some twenty idle seconds."""
    yield from _served(tmp_path_factory, "[gate]", "[access]\nidle_minutes = 0.35\n\n[gate]")


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app on a workspace that asks for the password for every decision."""
    yield from _served(tmp_path_factory, "[review]", '[review]\nsigning = "each"')


def _served(places: pytest.TempPathFactory, old: str, new: str) -> Iterator[Server]:
    server = Server(make_demo_saying(places.mktemp("policy") / "workspace", old=old, new=new)).start()
    yield server
    server.kill()


def at_the_sign_in(desk: Desk) -> Desk:
    """Wait until the sign-in page stands there, and no facts of a case."""
    expect(desk.page.get_by_role("heading", name="Sign in")).to_be_visible()
    desk.page.wait_for_url("**/auth/sign-in*")
    assert desk.page.locator(".hr-facts").count() == 0
    return desk


def test_one_signs_in_by_keyboard_and_lands_where_one_wanted_to_go(served: Server, sit_at: SitAt) -> None:
    """A wrong password is told where one types, and the name stays; Tab and Enter are enough; no address holds it."""
    desk = sit_at(served)
    desk.page.goto(f"{served.address}/history")
    at_the_sign_in(desk)
    desk.page.get_by_label("Name of your account").focus()
    desk.page.keyboard.type(desk.reader)
    desk.press("Tab")
    desk.page.keyboard.type("a wrong password")
    desk.press("Enter")
    expect(desk.page.get_by_role("alert")).to_contain_text("don't belong together")
    expect(desk.page.get_by_role("alert")).to_be_in_viewport()
    expect(desk.page.get_by_label("Name of your account")).to_have_value(desk.reader)
    expect(desk.page.get_by_label("Password")).to_be_focused()
    desk.page.keyboard.type(DEMO_PASSWORD)
    desk.press("Enter")
    expect(desk.page.get_by_role("heading", name="My decisions")).to_be_visible()
    assert urlsplit(desk.page.url).path == "/history"
    assert not any(DEMO_PASSWORD in url or "wrong" in url for url in desk.requests)
    assert ("session.opened", _subject(desk)) in acts(desk.folder, desk.reader)


def _subject(desk: Desk) -> str:
    return next(about for action, about in acts(desk.folder, desk.reader) if action == "session.opened")


def test_a_demonstration_is_one_click_away_on_a_phone(served: Server, sit_at: SitAt) -> None:
    """Its public accounts stand on the page, which says that they are public; so does every page behind it."""
    desk = sit_at(served, "auditor-1", size=PHONE)
    desk.page.goto(served.address)
    expect(desk.page.get_by_text("everybody knows their password")).to_be_visible()
    assert desk.page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    desk.page.get_by_role("button", name="Demo auditor").tap()
    expect(desk.page.get_by_text("Demonstration with public accounts.")).to_be_visible()
    expect(desk.page.get_by_role("heading", name="Audit log")).to_be_visible()


def test_a_refresh_keeps_one_signed_in_and_a_sign_out_ends_every_tab(served: Server, sit_at: SitAt) -> None:
    """The other tab leaves its case by itself, within seconds, and comes back only with a new sign-in."""
    desk = sit_at(served)
    case = desk.sit_down()
    desk.page.reload()
    desk.at("estimate", case)
    other = sit_at(served, desk.reader)
    other.signed_in = True
    other.visit("/", case=case).at("estimate", case)
    desk.page.get_by_role("button", name=f"Test {desk.reader}").click()
    desk.page.get_by_role("button", name="Sign out").click()
    at_the_sign_in(desk)
    at_the_sign_in(other)
    other.page.goto(f"{served.address}/?case={case}")
    at_the_sign_in(other)


def test_a_disabled_account_is_out_at_once(served: Server, sit_at: SitAt) -> None:
    """The next press records nothing, and the screen with the patient is left."""
    desk = sit_at(served)
    desk.sit_down()
    desk.estimate().looked()
    with open_workspace(desk.folder) as workspace:
        disable_account(workspace, desk.reader)
    desk.press("a")
    at_the_sign_in(desk)
    assert decisions(desk.folder, desk.reader) == []
    assert desk.post("/auth/sign-in", account=desk.reader, password=DEMO_PASSWORD).status == 403


def test_who_types_loses_no_word_and_who_then_sits_still_is_signed_out_and_told_why(
    impatient: Server, sit_at: SitAt
) -> None:
    """Nothing of a comment arrives before it is done, but that somebody types does; nobody's patient stays long."""
    desk = sit_at(impatient)
    desk.sit_down()
    desk.estimate().looked()
    field = desk.page.get_by_label("Comment")
    field.focus()
    for word in range(12):
        desk.page.keyboard.type(f"word{word} ")
        desk.page.wait_for_timeout(2_000)
    expect(field).to_have_value("".join(f"word{word} " for word in range(12)))
    expect(field).to_be_focused()
    desk.page.wait_for_timeout(15_000)
    at_the_sign_in(desk)
    expect(desk.page.get_by_role("status")).to_contain_text("nothing was done for a while")


def test_where_each_decision_is_signed_the_password_is_asked_each_time(strict: Server, sit_at: SitAt) -> None:
    """Without it, and with a wrong one, nothing is recorded; with it the decision says how it was signed."""
    desk = sit_at(strict)
    case = desk.sit_down()
    desk.estimate().looked().press("a").told("asks for your password").at_rest()
    field = desk.page.get_by_label("Your password, to sign")
    field.fill("not the password")
    desk.button("accept").click()
    desk.told("not your password").at_rest()
    expect(field).to_have_value("")
    field.fill(DEMO_PASSWORD)
    desk.looked().button("accept").click()
    desk.moved_on_from(case)
    (decision,) = decisions(desk.folder, desk.reader)
    assert decision.signature.proved_at is not None
    assert (decision.decided_at - decision.signature.proved_at).total_seconds() < 5
    told = [action for action, about in acts(desk.folder, desk.reader) if about == case]
    assert told.count("signature.refused") == 2


@pytest.mark.parametrize(
    ("origin", "with_cookie", "answer"),
    [("own", True, "101"), ("own", False, "403"), ("https://evil.example", True, "403"), ("null", True, "403")],
)
def test_a_websocket_from_elsewhere_is_refused(
    served: Server, sit_at: SitAt, origin: str, with_cookie: bool, answer: str
) -> None:
    """Attack 40: a foreign page that rides on somebody's cookie, and one without any."""
    desk = sit_at(served).sign_in()
    host = urlsplit(served.address).netloc
    (cookie,) = [each for each in desk.page.context.cookies() if each["name"].startswith("hitl_session")]
    lines = [
        "GET /_stcore/stream HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: streamlit",
        f"Origin: {served.address if origin == 'own' else origin}",
    ]
    lines += [f"Cookie: {cookie['name']}={cookie['value']}"] if with_cookie else []
    name, port = host.split(":")
    with socket.create_connection((name, int(port)), timeout=10) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        first = connection.recv(4096).decode("latin-1").splitlines()[0]
    assert first.split()[1] == answer
