"""The sign-in routes and the guard before everything else: forms, cookies, origins, and what is let through."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from starlette.applications import Starlette

from hitl_review.store import audit
from hitl_review.ui import auth, session
from hitl_review.workflow.accounts import disable_account, give_public_password, set_password
from hitl_review.workflow.workspace import create_workspace, open_workspace
from tests import ward
from tests.asgi import HOST, ask, behind_the_guard, shake_hands
from tests.people import PASSWORD

FORM = {"account": "reader-1", "password": PASSWORD}


@pytest.fixture
def app(reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Starlette:
    """The routes and the guard in front of a page, on a workspace whose first reader has a password."""
    monkeypatch.setenv("HITL_WORKSPACE", str(reviewed_folder))
    monkeypatch.setattr(st, "get_option", lambda _name: ["localhost", "127.0.0.1"])
    with open_workspace(reviewed_folder) as workspace:
        set_password(workspace, "reader-1", PASSWORD)
        set_password(workspace, "auditor-1", PASSWORD)
    return behind_the_guard()


def signed_in(app: Any, account: str = "reader-1") -> str:
    """Sign in, and return the cookie."""
    answer = ask(app, "/auth/sign-in", form={**FORM, "account": account})
    assert answer.status == 303
    return answer.cookie


def log(folder: Path) -> list[str]:
    """The payloads of the log."""
    with open_workspace(folder) as workspace:
        return [event.payload for event in audit.events(workspace.store)]


def test_nobody_gets_past_without_a_session(app: Starlette) -> None:
    """Pages lead to the sign-in and back; files and the websocket are refused; health is told to everybody."""
    page = ask(app, "/?case=C-1")
    assert (page.status, page.header("location")) == (303, "/auth/sign-in?then=%2F%3Fcase%3DC-1")
    for path in ("/_stcore/metrics", "/media/x.png", "/component/x", "/_stcore/upload_file/a/b"):
        assert ask(app, path).status == 401
    assert shake_hands(app, "/_stcore/stream") == "websocket.close"
    for path in ("/healthz", "/static/x.js", "/_stcore/health", "/history/_stcore/host-config", "/auth/sign-in"):
        assert ask(app, path).status == 200


def test_the_cookie_opens_pages_and_the_websocket(app: Starlette) -> None:
    """It is out of reach of scripts, sent by this site's own pages only, and over TLS only where there is TLS."""
    answer = ask(app, "/auth/sign-in", form={**FORM, "then": "/history"})
    assert (answer.status, answer.header("location")) == (303, "/history")
    attributes = answer.header("set-cookie").lower()
    assert "httponly" in attributes and "samesite=strict" in attributes and "path=/" in attributes
    assert "secure" not in attributes and "max-age" not in attributes and "expires" not in attributes
    assert "secure" in ask(app, "/auth/sign-in", form=FORM, scheme="https").header("set-cookie").lower()
    cookie = answer.cookie
    assert ask(app, "/history", cookie=cookie).body == "the page"
    assert shake_hands(app, "/_stcore/stream", cookie=cookie) == "websocket.accept"


@pytest.mark.parametrize(
    "forged",
    ["", "x", "reader-1", "' OR 1=1 --", '"identity\\012https://id.example\\0128f2c\\0120.0"', "\u00e9\u00e9"],
)
def test_a_forged_cookie_opens_nothing(app: Starlette, forged: str) -> None:
    """Attack 40."""
    name = signed_in(app).partition("=")[0]
    cookie = f"{name}={forged}"
    assert ask(app, "/history", cookie=cookie).status == 303
    assert shake_hands(app, "/_stcore/stream", cookie=cookie) == "websocket.close"


@pytest.mark.parametrize("header", ["x_forwarded_user", "x_remote_user", "x_sr_user", "authorization", "remote_user"])
def test_a_forged_proxy_header_names_nobody(app: Starlette, header: str) -> None:
    """Attack 40: who it is comes from the cookie alone."""
    assert ask(app, "/history", **{header: "reader-1"}).status == 303
    assert shake_hands(app, "/_stcore/stream", **{header: "reader-1"}) == "websocket.close"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", None, "http://127.0.0.1:8502", "http://127.0.0.1"])
def test_a_form_from_elsewhere_is_not_taken(app: Starlette, reviewed_folder: Path, origin: str | None) -> None:
    """Attack 40: nobody is signed in or out by another site's page, and no try is counted."""
    before = log(reviewed_folder)
    cookie = signed_in(app)
    assert ask(app, "/auth/sign-in", form=FORM, origin=origin).status == 403
    assert ask(app, "/auth/sign-out", form={}, cookie=cookie, origin=origin).status == 403
    assert ask(app, "/auth/password", form=FORM, cookie=cookie, origin=origin).status == 403
    assert ask(app, "/history", cookie=cookie).status == 200
    assert len(log(reviewed_folder)) == len(before) + 1


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8501", "127.0.0.1.evil.example", "", "[bad"])
def test_a_foreign_host_is_not_served(app: Starlette, host: str) -> None:
    """Attack 40: a name that was pointed at this machine reaches no sign-in, though origin and host agree."""
    assert ask(app, "/auth/sign-in", form=FORM, host=host, origin=f"http://{host}").status == 403
    assert ask(app, "/auth/sign-in", host=host).status == 403
    assert ask(app, "/healthz", host=host).status == 200


def test_a_form_that_is_none_is_not_taken(app: Starlette) -> None:
    """Too long, or of another kind."""
    assert ask(app, "/auth/sign-in", body=b"account=" + b"x" * 9000).status == 413
    assert ask(app, "/auth/sign-in", body=b"{}", content_type="application/json").status == 415
    assert ask(app, "/auth/sign-in", form={}).status == 403


@pytest.mark.parametrize(
    "then",
    [
        *("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"),
        *("/x\r\nset-cookie: a=b", "", "/a/b/../c"),
    ],
)
def test_signing_in_leads_to_no_other_site(app: Starlette, then: str) -> None:
    """Only to a page of this app."""
    answer = ask(app, "/auth/sign-in", form={**FORM, "then": then})
    assert answer.header("location") == "/"
    assert "evil" not in str(answer.headers)


def test_a_wrong_password_is_told_in_one_sentence(app: Starlette, reviewed_folder: Path) -> None:
    """The name stays in its field, escaped; the password is in no answer, no log line and no table."""
    answer = ask(app, "/auth/sign-in", form={"account": '"><script>x</script>', "password": "open sesame 123"})
    assert answer.status == 403 and "don&#x27;t belong together" in answer.body
    assert "<script" not in answer.body and "open sesame" not in answer.body
    assert not any("open sesame" in each or "script" in each for each in log(reviewed_folder))
    assert not any(
        b"open sesame" in each.read_bytes() for each in reviewed_folder.iterdir() if each.name.startswith("review.db")
    )


def test_the_sign_in_page_runs_nothing_and_is_kept_nowhere(app: Starlette) -> None:
    """Strict headers of its own; the accounts of a workspace are told to nobody who is not signed in."""
    answer = ask(app, "/auth/sign-in")
    policy = answer.header("content-security-policy")
    assert "default-src 'none'" in policy and "script-src" not in policy and "unsafe" not in policy
    assert (answer.header("cache-control"), answer.header("referrer-policy")) == ("no-store", "same-origin")
    assert "<script" not in answer.body and "Rita" not in answer.body and "reader-1" not in answer.body
    assert re.search(r'<label for="account">.*<input id="account"', answer.body)


def test_a_demonstration_offers_its_public_accounts_and_says_so(app: Starlette, reviewed_folder: Path) -> None:
    """One click each, by the same route; an account with a password of its own is not offered."""
    with open_workspace(reviewed_folder) as workspace:
        give_public_password(workspace, "reader-2")
    page = ask(app, "/auth/sign-in").body
    assert "This is a demonstration" in page and "Rolf Reader" in page and "Rita Reader" not in page
    assert ask(app, "/auth/sign-in", form={"account": "reader-2", "password": "demonstration"}).status == 303


def test_a_clinic_has_no_public_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No known password, no list of names."""
    create_workspace(tmp_path / "clinic", ward.PROJECT)
    monkeypatch.setenv("HITL_WORKSPACE", str(tmp_path / "clinic"))
    with open_workspace(tmp_path / "clinic") as workspace:
        ward.fill(workspace)
    app = Starlette(routes=auth.routes())
    page = ask(app, "/auth/sign-in").body
    assert "demonstration" not in page.casefold() and "Reader" not in page
    assert ask(app, "/auth/sign-in", form={"account": "reader-1", "password": "demonstration"}).status == 403


def test_signing_out_ends_the_session_for_every_tab(app: Starlette) -> None:
    """The cookie is taken away, and what another tab still holds opens nothing."""
    cookie = signed_in(app)
    answer = ask(app, "/auth/sign-out", form={}, cookie=cookie)
    assert answer.status == 303 and 'max-age=0' in answer.header("set-cookie").lower()
    assert ask(app, "/history", cookie=cookie).status == 303
    assert "You are signed out" in ask(app, "/auth/sign-in", cookie=cookie).body


def test_a_tab_can_ask_whether_its_session_goes_on(app: Starlette, reviewed_folder: Path) -> None:
    """By a public id, which opens nothing; it tells an end at once, and asking keeps nobody signed in."""
    cookie = signed_in(app)
    with open_workspace(reviewed_folder) as workspace:
        found = session.presented_by(workspace, dict([cookie.split("=", 1)]), HOST)
        assert found is not None
        (row,) = workspace.store.rows("SELECT session_id, seen_at FROM ui_sessions")
    asked = f"/auth/state?session={row['session_id']}"
    assert ask(app, asked).body == '{"live":true}'
    with open_workspace(reviewed_folder) as workspace:
        assert workspace.store.rows("SELECT seen_at FROM ui_sessions")[0][0] == row["seen_at"]
        disable_account(workspace, "reader-1")
    assert ask(app, asked).body == '{"live":false}'
    assert ask(app, "/auth/state?session=x").body == '{"live":false}'
    name = cookie.partition("=")[0]
    assert ask(app, "/history", cookie=f"{name}={row['session_id']}").status == 303


def test_people_set_their_own_password_and_nobody_else_s(app: Starlette) -> None:
    """With the present one, typed the same way twice; another's is an administrator's to set."""
    cookie, new = signed_in(app), "four new words here"
    form = {"current": PASSWORD, "password": new, "again": new}
    assert ask(app, "/auth/password", form={**form, "account": "auditor-1"}, cookie=cookie).status == 403
    assert "auditor" not in ask(app, "/auth/password?account=auditor-1", cookie=cookie).body.casefold()
    assert "not your password" in ask(app, "/auth/password", form={**form, "current": "x"}, cookie=cookie).body
    assert "the same way twice" in ask(app, "/auth/password", form={**form, "again": "x"}, cookie=cookie).body
    short = ask(app, "/auth/password", form={**form, "password": "short", "again": "short"}, cookie=cookie)
    assert "at least 12" in short.body
    assert ask(app, "/auth/password", form=form, cookie=cookie).status == 200
    assert ask(app, "/auth/sign-in", form=FORM).status == 403
    assert ask(app, "/auth/sign-in", form={**FORM, "password": new}).status == 303
    assert ask(app, "/auth/password").status == 303


def test_while_the_demonstration_is_made_everybody_sees_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nothing to protect yet, and nobody could sign in."""
    monkeypatch.setenv("HITL_WORKSPACE", str(tmp_path / "not-yet"))
    app = behind_the_guard()
    assert ask(app, "/").body == "the page"
    assert ask(app, "/auth/sign-in").header("location") == "/"
