"""People at the doors, and clocks that were far ahead: what neither a header nor a wrong hour may open or shut."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
import streamlit as st
from starlette.applications import Starlette
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from hitl_review.domain.access import Ended
from hitl_review.errors import SignInRefused
from hitl_review.store import audit
from hitl_review.store.jobs import JobKind
from hitl_review.ui import auth
from hitl_review.ui.guard import Guard
from hitl_review.workflow import jobs, signing_in
from hitl_review.workflow.accounts import set_password
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.review import next_case, open_case
from hitl_review.workflow.serving import FORWARDERS, forwarders, loosened
from hitl_review.workflow.signing_in import is_live, present, sign_in, why_over
from hitl_review.workflow.workspace import Workspace, open_workspace
from tests.asgi import Answer, ask
from tests.people import PASSWORD
from tests.ward import Clock, train
from tests.ward_study import RITA, ROLF

YEARS = 3600.0 * 24 * 365 * 20


@pytest.fixture
def app(reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Starlette:
    """The sign-in routes of a workspace whose readers have passwords."""
    monkeypatch.setenv("HITL_WORKSPACE", str(reviewed_folder))
    monkeypatch.setattr(st, "get_option", lambda _name: ["localhost", "127.0.0.1"])
    with open_workspace(reviewed_folder) as workspace:
        set_password(workspace, "reader-1", PASSWORD)
        set_password(workspace, "reader-2", PASSWORD)
    return Starlette(routes=auth.routes())


def signed_in(app: Starlette, account: str, cookie: str = "") -> str:
    """Sign in at a browser that holds a cookie, or none, and return the one it holds now."""
    answer = ask(app, "/auth/sign-in", form={"account": account, "password": PASSWORD}, cookie=cookie)
    assert answer.status == 303
    return answer.cookie


def who(folder: Path, cookie: str) -> str | None:
    """Return the account that a cookie stands for now."""
    with open_workspace(folder) as workspace:
        found = present(workspace, cookie.partition("=")[2])
        return None if found is None else found.account_id


# doors


def test_a_second_person_at_a_browser_ends_the_session_of_the_first(
    app: Starlette, reviewed_folder: Path
) -> None:
    """A tab that was left open would go on acting as who was there before; a wrong password ends nothing."""
    first = signed_in(app, "reader-1")
    elsewhere = signed_in(app, "reader-1")
    ask(app, "/auth/sign-in", form={"account": "reader-2", "password": "a wrong guess"}, cookie=first)
    assert who(reviewed_folder, first) == "reader-1"
    second = signed_in(app, "reader-2", cookie=first)
    assert (who(reviewed_folder, first), who(reviewed_folder, second)) == (None, "reader-2")
    assert who(reviewed_folder, elsewhere) == "reader-1", "another browser is another matter"
    assert verify(reviewed_folder).ok


@pytest.mark.parametrize("public_url", [None, "https://review.example.org"])
def test_an_address_is_believed_of_a_proxy_only_where_one_is_expected(
    app: Starlette, reviewed_folder: Path, public_url: str | None
) -> None:
    """Served to this machine alone, whoever calls can't name another address at every try."""
    behind = ProxyHeadersMiddleware(app, trusted_hosts=forwarders(public_url))  # type: ignore[arg-type]

    def tried(number: int) -> Answer:
        form = {"account": f"nobody-{number}", "password": "a guess"}
        return ask(
            behind, "/auth/sign-in", form=form, address="127.0.0.1", x_forwarded_for=f"203.0.113.{number}"
        )

    assert [tried(number).status for number in range(3)] == [403, 403, 403]
    with open_workspace(reviewed_folder) as workspace:
        told = [event.told for event in audit.events(workspace.store)]
    addresses = {each["detail"]["address"] for each in told if each["action"] == "session.refused"}
    assert addresses == (
        {"127.0.0.1"} if public_url is None else {f"203.0.113.{number}" for number in range(3)}
    )


def test_started_by_streamlit_itself_nobody_is_believed_to_be_elsewhere(
    app: Starlette, reviewed_folder: Path
) -> None:
    """That server believes whoever calls from this machine; so all who name an address share one lock."""
    behind = ProxyHeadersMiddleware(Guard(app), trusted_hosts="127.0.0.1")  # type: ignore[arg-type]
    form = {"account": "nobody-1", "password": "a guess"}
    for told in ("203.0.113.7", "198.51.100.9:4711", "127.0.0.1", ""):
        ask(behind, "/auth/sign-in", form=form, address="127.0.0.1", x_forwarded_for=told)
    ask(behind, "/auth/sign-in", form={**form, "account": "nobody-2"}, address="127.0.0.1")
    with open_workspace(reviewed_folder) as workspace:
        told_of = [event.told for event in audit.events(workspace.store)]
    addresses = [each["detail"]["address"] for each in told_of if each["action"] == "session.refused"]
    assert addresses == ["unknown"] * 4 + ["127.0.0.1"]


def test_the_addresses_of_one_network_share_a_lock(workspace: Workspace) -> None:
    """A machine with IPv6 takes another address at every try; one written as IPv4 in IPv6 is that one."""
    set_password(workspace, "reader-1", PASSWORD)

    def tried(name: str, password: str, address: str) -> str:
        with pytest.raises(SignInRefused) as told:
            sign_in(workspace, name, password, address=address)
        return str(told.value)

    for number in range(5):
        assert "belong together" in tried(f"nobody-{number}", "a guess", f"2001:db8:0:7:{number}::9")
    assert "Too many" in tried("reader-1", PASSWORD, "2001:db8:0:7:ffff::1")
    for number in range(5):
        tried(f"somebody-{number}", "a guess", "::ffff:203.0.113.7" if number % 2 else "203.0.113.7")
    assert "Too many" in tried("reader-1", PASSWORD, "203.0.113.7")
    assert sign_in(workspace, "reader-1", PASSWORD, address="2001:db8:0:8::1").actor.account_id == "reader-1"
    told_of = [event.told for event in audit.events(workspace.store)]
    addresses = {each["detail"]["address"] for each in told_of if each["action"] == "session.refused"}
    assert "2001:db8:0:7:4::9" in addresses, "the log tells the address itself"


def test_a_variable_that_lets_others_name_addresses_is_refused() -> None:
    """With a star, the first address that a client writes would be believed, past every proxy."""
    assert FORWARDERS == "FORWARDED_ALLOW_IPS"
    assert "past the lock" in loosened([], {FORWARDERS: "*"})[0]
    assert FORWARDERS not in os.environ
    assert loosened([], {}) == []


def test_a_form_of_many_fields_is_refused_in_words(app: Starlette) -> None:
    """It is no fault of the program's."""
    answer = ask(app, "/auth/sign-in", body="&".join(f"a{place}=1" for place in range(100)).encode())
    assert (answer.status, "too many fields" in answer.body) == (413, True)


def test_a_password_that_was_replaced_while_it_was_checked_opens_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Setting a password ends every session; one that was about to begin must not slip past."""
    set_password(workspace, "reader-1", PASSWORD)
    verify_password = signing_in.verify_password

    def slowly(hashed: str | None, password: str) -> bool:
        right = verify_password(hashed, password)
        set_password(workspace, "reader-1", "another long password")
        return right

    monkeypatch.setattr(signing_in, "verify_password", slowly)
    with pytest.raises(SignInRefused):
        sign_in(workspace, "reader-1", PASSWORD, address="127.0.0.1")
    assert not workspace.store.rows("SELECT 1 FROM ui_sessions WHERE ended IS NULL")


# clocks


def test_a_session_of_a_clock_that_was_far_ahead_does_not_live_for_years(
    workspace: Workspace, clock: Clock
) -> None:
    """It ends with the clock's return; a clock that is set back by seconds signs nobody out."""
    set_password(workspace, "reader-1", PASSWORD)
    clock.advance(YEARS)
    ahead = sign_in(workspace, "reader-1", PASSWORD, address="127.0.0.1")
    clock.advance(-5)
    assert is_live(workspace, ahead.session.session_id)
    clock.advance(5 - YEARS)
    assert not is_live(workspace, ahead.session.session_id)
    assert why_over(workspace, ahead.secret) is Ended.IDLE
    assert present(workspace, ahead.secret) is None
    assert verify(workspace.folder).ok


def test_wrong_tries_of_a_clock_that_was_far_ahead_lock_nobody_out_for_years(
    workspace: Workspace, clock: Clock
) -> None:
    """They are forgotten when the clock is right again."""
    set_password(workspace, "reader-1", PASSWORD)
    clock.advance(YEARS)
    for _ in range(6):
        with pytest.raises(SignInRefused):
            sign_in(workspace, "reader-1", "a wrong guess", address="127.0.0.1")
    with pytest.raises(SignInRefused, match="Too many"):
        sign_in(workspace, "reader-1", PASSWORD, address="127.0.0.1")
    clock.advance(-60)
    with pytest.raises(SignInRefused, match="Too many"):
        sign_in(workspace, "reader-1", PASSWORD, address="127.0.0.1")
    clock.advance(60 - YEARS)
    assert sign_in(workspace, "reader-1", PASSWORD, address="127.0.0.1").actor.account_id == "reader-1"


def test_a_case_held_by_a_clock_that_was_far_ahead_is_handed_on(reviewed: Workspace, clock: Clock) -> None:
    """Its reader went home; nobody else could have had it for years."""
    held = next_case(reviewed, actor=RITA)
    assert held is not None
    clock.advance(YEARS)
    open_case(reviewed, held, actor=RITA)
    clock.advance(timedelta(minutes=1).total_seconds() - YEARS)
    assert next_case(reviewed, actor=ROLF) == held
    assert not open_case(reviewed, held, actor=ROLF).held_by_other
    assert json.loads(json.dumps(verify(reviewed.folder).as_json()))["ok"]


def test_a_job_of_a_clock_that_was_far_ahead_is_taken_over(workspace: Workspace, clock: Clock) -> None:
    """Its worker was killed; while a lease is one that a clock of now could give, nobody takes it."""
    train(workspace)
    jobs.ask(workspace, JobKind.MONITOR)
    clock.advance(YEARS)
    assert jobs.claim(workspace, "worker-1") is not None
    clock.advance(-5)
    assert jobs.claim(workspace, "worker-2") is None
    clock.advance(-YEARS)
    again = jobs.claim(workspace, "worker-2")
    assert again is not None and again.owner == "worker-2"
