"""Requests that no browser sends of itself, and doors that stay shut when what is behind them is gone. G9, G14."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from pathlib import Path

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from streamlit.testing.v1 import AppTest
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from hitl_review.store import audit
from hitl_review.store.connection import DATABASE
from hitl_review.ui import institution
from hitl_review.ui.building import is_needed
from hitl_review.workflow.accounts import link_identity, set_password
from hitl_review.workflow.serving import FORWARDERS
from hitl_review.workflow.signing_in import sign_out
from hitl_review.workflow.workspace import KEPT, open_workspace
from tests.asgi import HOST, Answer, ask, behind_the_guard, shake_hands
from tests.people import PASSWORD, sit

ROOT = Path(__file__).parents[2]
FORM = {"account": "reader-1", "password": PASSWORD}
FILES = ("/media/x.csv", "/_stcore/upload_file/a/b", "/_stcore/metrics", "/component/x", "/_stcore/bidi-components/x")


async def _kept(_request: object) -> Response:
    return Response("code", headers={"cache-control": "public"})


@pytest.fixture
def app(reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Starlette:
    """The routes, the headers and the guard in front of a page, on a workspace whose first reader has a password."""
    monkeypatch.setenv("HITL_WORKSPACE", str(reviewed_folder))
    monkeypatch.setattr(st, "get_option", lambda _name: ["localhost", "127.0.0.1"])
    with open_workspace(reviewed_folder) as workspace:
        set_password(workspace, "reader-1", PASSWORD)
    return behind_the_guard(Route("/static/x.js", _kept))


def signed_in(app: Starlette) -> str:
    """Sign in, and return the cookie."""
    return ask(app, "/auth/sign-in", form=FORM).cookie


def sessions(folder: Path) -> int:
    """How many sessions were opened."""
    with open_workspace(folder) as workspace:
        return sum(event.told["action"] == "session.opened" for event in audit.events(workspace.store))


# what a request says of itself


@pytest.mark.parametrize("origin", ["http://[", "http://127.0.0.1:8501@evil.example", "ftp://127.0.0.1:8501", "//", ""])
def test_an_origin_that_is_none_is_not_taken_and_breaks_nothing(app: Starlette, origin: str) -> None:
    """Neither a form nor a websocket that names one: refused like any other site's, without a fault in the log."""
    cookie = signed_in(app)
    assert ask(app, "/auth/sign-in", form=FORM, origin=origin).status == 403
    assert ask(app, "/auth/sign-out", form={}, cookie=cookie, origin=origin).status == 403
    assert shake_hands(app, "/_stcore/stream", cookie=cookie, origin=origin) == "websocket.close"


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:9999", "http://localhost:8501", "http://0.0.0.0:8501", "https://evil.example", "null"]
)
def test_another_programs_page_opens_no_websocket(app: Starlette, origin: str) -> None:
    """On another port of this machine: a cookie knows no ports, so it comes along with what that page opens."""
    cookie = signed_in(app)
    assert shake_hands(app, "/_stcore/stream", cookie=cookie, origin=origin) == "websocket.close"
    assert shake_hands(app, "/_stcore/stream", cookie=cookie, origin=f"http://{HOST}") == "websocket.accept"


def test_a_page_without_tls_signs_nobody_in_where_there_is_tls(app: Starlette) -> None:
    """Under the same name, whoever is on the way could have written it; a proxy that says nothing of TLS is let be."""
    assert ask(app, "/auth/sign-in", form=FORM, scheme="https", origin=f"http://{HOST}").status == 403
    assert ask(app, "/auth/sign-in", form=FORM, scheme="https").status == 303
    assert ask(app, "/auth/sign-in", form=FORM, origin=f"https://{HOST}").status == 303


def test_under_a_public_name_nobody_is_signed_in_without_tls(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the proxy does not say that it has TLS, or passes on what came without; on this machine itself one may."""
    monkeypatch.setenv(FORWARDERS, "127.0.0.1")
    monkeypatch.setattr(st, "get_option", lambda _name: ["127.0.0.1", "review.example.org"])
    name = "review.example.org"
    assert ask(app, "/auth/sign-in", form=FORM, host=name, origin=f"http://{name}").status == 403
    answer = ask(app, "/auth/sign-in", form=FORM, host=name, origin=f"https://{name}")
    assert answer.status == 303 and "secure" in answer.header("set-cookie").lower()
    cookie = answer.cookie
    for origin, said in ((f"http://{name}", "websocket.close"), (f"https://{name}", "websocket.accept")):
        assert shake_hands(app, "/_stcore/stream", cookie=cookie, host=name, origin=origin) == said
    here = ask(app, "/auth/sign-in", form=FORM)
    assert here.status == 303 and "secure" not in here.header("set-cookie").lower()


def test_asking_for_the_head_of_a_page_is_no_form(app: Starlette, reviewed_folder: Path) -> None:
    """HEAD changes nothing, whatever it carries."""
    before = sessions(reviewed_folder)
    answer = ask(app, "/auth/sign-in", form=FORM, method="HEAD")
    assert (answer.status, answer.header("set-cookie")) == (200, "")
    cookie = signed_in(app)
    form = {"current": PASSWORD, "password": "four new words here", "again": "four new words here"}
    assert ask(app, "/auth/password", form=form, cookie=cookie, method="HEAD").status == 200
    assert signed_in(app) and sessions(reviewed_folder) == before + 2


@pytest.mark.parametrize(
    "host",
    [
        *("evil@localhost", "localhost/evil", "localhost?evil", "localhost#evil", "localhost, evil.example"),
        *("localhost:port", "localhost..", "localhost;x", "[localhost]"),
    ],
)
def test_a_host_that_is_written_otherwise_is_not_served(app: Starlette, host: str) -> None:
    """A proxy, a cache and this app must read the same name in it."""
    assert ask(app, "/auth/sign-in", host=host).status == 403
    assert ask(app, "/auth/sign-in", form=FORM, host=host, origin=f"http://{host}").status == 403


@pytest.mark.parametrize("host", ["LOCALHOST:8501", "localhost.", "127.0.0.1"])
def test_a_host_in_capitals_or_with_its_root_is_the_same_one(app: Starlette, host: str) -> None:
    """As names are."""
    assert ask(app, "/auth/sign-in", host=host).status == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/healthzebra", "/favicon.pngs", "/oauth2callbacks", "/media/x/_stcore/health", "/auth/../media/x"),
        *("/_stcore/upload_file/_stcore/health", "/auth/sign-in/_stcore/stream", "/app/x/_stcore/host-config"),
    ],
)
def test_an_address_that_begins_or_ends_like_an_open_one_is_not_open(app: Starlette, path: str) -> None:
    """What everybody may ask for is named whole."""
    assert ask(app, path).status in (303, 401)


def test_a_form_that_breaks_off_is_no_fault(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever goes in the middle of it is answered, if at all, and the server's log shows no fault."""
    assert ask(app, "/auth/sign-in", form=FORM, breaks_off=True).status == 400


# what is told, and kept


def test_nothing_but_the_programs_own_code_is_kept_by_a_browser(app: Starlette) -> None:
    """A download holds what people wrote: it must not lie in a cache after the sign-out."""
    cookie = signed_in(app)
    for path in ("/media/x.csv", "/history"):
        assert ask(app, path, cookie=cookie).header("cache-control") == "no-store"
    assert ask(app, "/static/x.js").header("cache-control") == "public"


def test_a_page_may_speak_with_its_own_server_only(app: Starlette) -> None:
    """By websocket too; the name is the one that the browser uses, and no other one gets into the policy."""
    cookie = signed_in(app)
    policy = ask(app, "/history", cookie=cookie).header("content-security-policy")
    assert f"connect-src 'self' ws://{HOST} wss://{HOST};" in policy
    foreign = ask(app, "/healthz", host="evil; script-src *")
    assert "evil" not in str(foreign.headers) and "connect-src 'self';" in foreign.header("content-security-policy")


# an identity provider's cookie


@pytest.fixture
def sealed(app: Starlette, reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Makes Streamlit's cookie for a subject, on a workspace with a provider whose auditor is linked."""
    monkeypatch.setattr(institution, "is_configured", lambda: True)
    monkeypatch.setattr(institution, "get_cookie_secret", lambda: "the server's secret")
    with open_workspace(reviewed_folder) as workspace:
        link_identity(workspace, "auditor-1", issuer="https://id.example", subject="auditor-sub")

    def made(*, secret: str = "the server's secret", **changed: object) -> str:
        now = int(time.time())
        told = {"is_logged_in": True, "iss": "https://id.example", "sub": "auditor-sub", "iat": now - 60} | changed
        value = create_signed_value(secret, institution.COOKIE, json.dumps({"exp": now + 3600} | told))
        return f"{institution.COOKIE}={value.decode()}"

    return made


def test_a_cookie_without_the_providers_seal_opens_nothing(app: Starlette, sealed) -> None:
    """Anybody can send one of that name."""
    for cookie in (f"{institution.COOKIE}=x", sealed(secret="another secret"), sealed(is_logged_in=False)):
        assert ask(app, "/history", cookie=cookie).status == 303
        assert shake_hands(app, "/_stcore/stream", cookie=cookie) == "websocket.close"
        assert [ask(app, path, cookie=cookie).status for path in FILES] == [401] * len(FILES)


def test_a_sealed_cookie_gets_files_while_its_session_goes_on(app: Starlette, reviewed_folder: Path, sealed) -> None:
    """A page opens the session; before that and after the sign-out, there is no file, for a stranger there is none."""
    cookie, stranger = sealed(), sealed(sub="somebody-else")
    assert ask(app, "/history", cookie=cookie).status == 200
    assert shake_hands(app, "/_stcore/stream", cookie=cookie) == "websocket.accept"
    assert ask(app, "/media/x.csv", cookie=cookie).status == 401
    claims = institution.claims_of(dict([cookie.split("=", 1)]))
    assert claims is not None
    with open_workspace(reviewed_folder) as workspace:
        actor = institution.sign_in(workspace, claims, address="127.0.0.1")
        assert ask(app, "/media/x.csv", cookie=cookie).status == 200
        assert ask(app, "/media/x.csv", cookie=stranger).status == 401
        sign_out(workspace, actor)
    assert ask(app, "/media/x.csv", cookie=cookie).status == 401


# what is behind the doors is gone


def lost(folder: Path) -> None:
    """Take a workspace away, as a disk that is no longer there does."""
    shutil.rmtree(folder)


def written_over(folder: Path) -> None:
    """Write something else where the database was."""
    (folder / DATABASE).write_bytes(b"something else " * 1000)


def altered(folder: Path) -> None:
    """Take away what keeps the log from being changed."""
    database = sqlite3.connect(folder / DATABASE)
    (name,) = database.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger' LIMIT 1").fetchone()
    database.execute(f'DROP TRIGGER "{name}"')
    database.commit()
    database.close()


@pytest.mark.parametrize("deed", [lost, written_over, altered])
def test_without_its_database_a_served_app_opens_no_file_and_says_so(
    app: Starlette, reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch, deed
) -> None:
    """Nobody is taken for signed in: the doors answer in words, without the folder's name, and only a page is drawn."""
    monkeypatch.setenv(KEPT, str(reviewed_folder.resolve()))
    cookie = signed_in(app)
    deed(reviewed_folder)
    assert [ask(app, path, cookie=cookie).status for path in FILES] == [401] * len(FILES)
    told: list[Answer] = [ask(app, path, cookie=cookie) for path in ("/auth/sign-in", "/auth/password", "/auth/state")]
    told += [ask(app, path, form=FORM, cookie=cookie) for path in ("/auth/sign-in", "/auth/sign-out", "/auth/password")]
    for answer in told:
        assert (answer.status, "hitl-review doctor" in answer.body) == (503, True)
        assert reviewed_folder.name not in answer.body
    assert ask(app, "/history").body == "the page", "which says what is wrong, and shows nothing else"


def test_no_demonstration_is_made_where_a_served_workspace_was(
    reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its disk may be away for a moment: people would work on in a workspace of public accounts."""
    monkeypatch.setenv(KEPT, str(reviewed_folder.resolve()))
    monkeypatch.setenv("HITL_WORKSPACE", str(reviewed_folder))
    assert not is_needed(reviewed_folder)
    reviewed_folder.rename(reviewed_folder.with_name("away"))
    assert not is_needed(reviewed_folder)
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert "hitl\\-review doctor" in page.error[0].value and not page.title
    assert reviewed_folder.name not in page.error[0].value, "who is not signed in is not told where it lies"
    assert not reviewed_folder.exists()


def test_a_sign_out_that_can_not_be_stored_ends_it_at_this_browser(app: Starlette, reviewed_folder: Path) -> None:
    """On a full disk, say: the cookie is taken away, and what is left is told."""
    cookie = signed_in(app)
    lock = reviewed_folder / f"{DATABASE}.lock"
    lock.unlink()
    lock.mkdir()
    answer = ask(app, "/auth/sign-out", form={}, cookie=cookie)
    assert (answer.status, "here only" in answer.body) == (503, True)
    assert "max-age=0" in answer.header("set-cookie").lower()


# a tab that outlives its person


def test_who_takes_up_a_tab_finds_nothing_of_who_sat_there_before(
    reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A computer that slept connects its old tab again, under whoever signed in meanwhile: a case that was open there
    is opened anew, as an event, and nothing that was typed stands in it.
    """
    monkeypatch.setenv("HITL_WORKSPACE", str(reviewed_folder))
    with open_workspace(reviewed_folder) as workspace:
        set_password(workspace, "reader-1", PASSWORD)
        set_password(workspace, "reader-2", PASSWORD)
    sit(monkeypatch, reviewed_folder, "reader-1")
    tab = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    case = str(tab.query_params["case"])
    tab.session_state["note_of_mine"] = "typed by Rita"
    sit(monkeypatch, reviewed_folder, "reader-2")
    tab.run()
    assert "note_of_mine" not in tab.session_state
    assert [each.value for each in tab.exception] == []
    with open_workspace(reviewed_folder) as workspace:
        told = [event.told for event in audit.events(workspace.store)]
    opened = [each["actor"] for each in told if each["action"] == "case.opened" and each["subject"] == f"case:{case}"]
    assert opened[-2:] == ["reader-1", "reader-2"]
