"""What comes through the web door beside the pages: faults, tabs that nobody sits at, settings, two people. G9, G14."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import streamlit as st
from starlette.applications import Starlette
from streamlit.testing.v1 import AppTest
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from hitl_review.domain.audit import moment, stamp
from hitl_review.store.connection import DATABASE
from hitl_review.store.jobs import JobKind
from hitl_review.ui import institution, server, session, verify_process
from hitl_review.ui.auditing_proof import MOST_BYTES
from hitl_review.workflow import working
from hitl_review.workflow.accounts import link_identity, set_password
from hitl_review.workflow.jobs import ask as ask_for
from hitl_review.workflow.serving import FORWARDERS, LARGEST_UPLOAD
from hitl_review.workflow.workspace import open_workspace
from tests.asgi import ask, behind_the_guard, shake_hands
from tests.people import PASSWORD, sit

ROOT = Path(__file__).parents[2]
CANARY = "ZZPHI-4711"


# what the terminal tells


def broken() -> None:
    """A fault of ours whose words hold what somebody wrote, behind another one."""
    try:
        int(CANARY)
    except ValueError as fault:
        raise KeyError(CANARY) from fault


def served(caplog: pytest.LogCaptureFixture) -> str:
    """What the log tells of such faults while the app is served."""

    async def serve() -> None:
        async with server._warmed(server.make_app()):
            try:
                broken()
            except KeyError as fault:
                logging.getLogger("streamlit").error("Uncaught app execution", exc_info=fault)
                logging.getLogger("uvicorn").warning("Failed: %s", fault)
                logging.getLogger("uvicorn").warning(fault)
                logging.getLogger("streamlit").error("Error during authentication: %s.", "\x1b[2J\nall is well")

    caplog.handler.setFormatter(logging.Formatter())
    with caplog.at_level(logging.DEBUG):
        for name in ("streamlit", "uvicorn"):
            logging.getLogger(name).addHandler(caplog.handler)
        try:
            asyncio.run(serve())
        finally:
            for name in ("streamlit", "uvicorn"):
                logging.getLogger(name).removeHandler(caplog.handler)
    return caplog.text


def test_a_fault_of_a_page_is_told_without_its_words(
    reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as a value that is sent where a number is asked for: its kind and place are told, and what led to it."""
    monkeypatch.setenv("HITL_WORKSPACE", str(reviewed_folder))
    told = served(caplog)
    assert CANARY not in told
    assert r"authentication: \u001b[2J\u000aall is well." in told, "what a caller says moves no cursor"
    assert "in broken" in told and "ValueError" in told and "KeyError" in told
    assert logging.getLogRecordFactory() is logging.LogRecord, "afterwards, logs are what they were"
    monkeypatch.setenv("HITL_DEBUG", "1")
    assert CANARY in served(caplog)


def test_a_fault_of_a_check_beside_a_page_is_told_without_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It runs in a process of its own, whose last words go to the same terminal."""
    monkeypatch.setattr("sys.stdin", io.StringIO("{}"))
    monkeypatch.setattr(verify_process, "verify", lambda *_args, **_named: broken())
    assert verify_process.main(tmp_path) == 2
    told = capsys.readouterr()
    assert CANARY not in told.out + told.err
    assert "KeyError" in told.err


def test_a_fault_of_work_beside_the_pages_is_told_without_its_words(
    reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the terminal of whoever serves, who sees nothing else of the worker: the log tells its kind alone."""
    monkeypatch.setattr(working, "_DOERS", {JobKind.MONITOR: lambda *_asked: broken()})
    with open_workspace(reviewed_folder) as workspace:
        ask_for(workspace, JobKind.MONITOR)
    assert working.work(reviewed_folder, once=True, told=lambda words: None) == 2
    told = capsys.readouterr().err
    assert CANARY not in told and told.count("in broken") == 4 and "KeyError" in told
    monkeypatch.setenv("HITL_DEBUG", "1")
    with open_workspace(reviewed_folder) as workspace:
        ask_for(workspace, JobKind.MONITOR)
    working.work(reviewed_folder, once=True, told=lambda words: None)
    assert CANARY in capsys.readouterr().err


# two people at one browser, of whom an institution lets one in


ISSUER = "https://id.example"
FORM = {"account": "reader-1", "password": PASSWORD}


@pytest.fixture
def app(reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Starlette:
    """The routes of a workspace where a reader has a password, and an auditor an identity at a provider."""
    monkeypatch.setenv("HITL_WORKSPACE", str(reviewed_folder))
    monkeypatch.setattr(st, "get_option", lambda _name: ["127.0.0.1"])
    monkeypatch.setattr(institution, "is_configured", lambda: True)
    monkeypatch.setattr(institution, "get_cookie_secret", lambda: "the server's secret")
    monkeypatch.setattr(institution, "address", lambda: "/auth/login?provider=x")
    with open_workspace(reviewed_folder) as workspace:
        set_password(workspace, "reader-1", PASSWORD)
        link_identity(workspace, "auditor-1", issuer=ISSUER, subject="auditor-sub")
    return behind_the_guard()


def of_provider(folder: Path) -> str:
    """The cookie of an auditor who signed in with the provider, and has looked at a page."""
    now = int(time.time())
    told = {"is_logged_in": True, "iss": ISSUER, "sub": "auditor-sub", "iat": now - 60, "exp": now + 3600}
    value = create_signed_value("the server's secret", institution.COOKIE, json.dumps(told)).decode()
    claims = institution.claims_in(told)
    with open_workspace(folder) as workspace:
        institution.sign_in(workspace, claims, address="127.0.0.1")
    return f"{institution.COOKIE}={value}"


def open_now(folder: Path) -> list[str]:
    """The accounts whose sessions go on."""
    with open_workspace(folder) as workspace:
        return [row[0] for row in workspace.store.rows("SELECT account_id FROM ui_sessions WHERE ended IS NULL")]


def test_who_signs_in_by_password_ends_what_a_provider_opened_at_this_browser(
    app: Starlette, reviewed_folder: Path
) -> None:
    """Else the first one's tabs went on, and the browser were theirs again at the second one's sign-out."""
    first = of_provider(reviewed_folder)
    assert open_now(reviewed_folder) == ["auditor-1"]
    answer = ask(app, "/auth/sign-in", form=FORM, cookie=f"{first}; {institution.COOKIE}_1=x")
    assert open_now(reviewed_folder) == ["reader-1"]
    assert ask(app, "/media/x.csv", cookie=first).status == 401
    told = answer.header("set-cookie")
    assert f'{institution.COOKIE}="";' in told and f'{institution.COOKIE}_1="";' in told


def test_who_goes_to_the_provider_ends_the_session_of_who_sat_there_by_password(
    app: Starlette, reviewed_folder: Path
) -> None:
    """Else whoever came back would work in the name of the first one, whose cookie is asked first."""
    cookie = ask(app, "/auth/sign-in", form=FORM).cookie
    elsewhere = ask(app, "/auth/institution", cookie=cookie, sec_fetch_site="cross-site")
    assert (elsewhere.header("location"), open_now(reviewed_folder)) == ("/auth/sign-in", ["reader-1"])
    answer = ask(app, "/auth/institution", cookie=cookie, sec_fetch_site="same-origin")
    assert answer.header("location") == "/auth/login?provider=x"
    assert open_now(reviewed_folder) == [] and "max-age=0" in answer.header("set-cookie").lower()


def test_a_sign_out_ends_what_a_provider_opened_as_well(app: Starlette, reviewed_folder: Path) -> None:
    """Whichever cookie the browser holds."""
    first = of_provider(reviewed_folder)
    answer = ask(app, "/auth/sign-out", form={}, cookie=first)
    assert open_now(reviewed_folder) == [] and f'{institution.COOKIE}="";' in answer.header("set-cookie")


# a screen that nobody sits at


def seen(folder: Path, *, minutes_ago: float | None = None) -> float:
    """How many minutes ago somebody was last seen at the only session; set first, where it is given."""
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as database:
        if minutes_ago is not None:
            then = stamp(datetime.now(UTC) - timedelta(minutes=minutes_ago))
            database.execute("UPDATE ui_sessions SET seen_at = ?", (then,))
        ((at,),) = database.execute("SELECT seen_at FROM ui_sessions")
    return (datetime.now(UTC) - moment(at)).total_seconds() / 60


def test_a_page_that_draws_itself_anew_keeps_nobody_signed_in(
    reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time that a shaky connection comes back, or that long work ends; a press does keep its person signed in."""
    monkeypatch.setenv("HITL_WORKSPACE", str(reviewed_folder))
    with open_workspace(reviewed_folder) as workspace:
        set_password(workspace, "reader-1", PASSWORD)
    sit(monkeypatch, reviewed_folder, "reader-1")
    seen(reviewed_folder, minutes_ago=10)
    tab = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert seen(reviewed_folder) > 9, "a connection that was lost for long comes back as a new tab"
    tab.session_state["by_itself"] = True  # what the page's own script asks for does this
    tab.run()
    assert seen(reviewed_folder) > 9
    tab.run()
    assert seen(reviewed_folder) < 1


def test_who_opens_a_page_is_there_and_what_it_fetches_is_nobody(app: Starlette, reviewed_folder: Path) -> None:
    """Neither the websocket, which comes back by itself, nor the question whether the session goes on."""
    cookie = ask(app, "/auth/sign-in", form=FORM).cookie
    seen(reviewed_folder, minutes_ago=10)
    assert shake_hands(app, "/_stcore/stream", cookie=cookie) == "websocket.accept"
    for path in ("/media/x.csv", "/_stcore/health", "/history/_stcore/host-config", "/auth/state?session=x"):
        assert ask(app, path, cookie=cookie).status == 200
    assert seen(reviewed_folder) > 9
    assert ask(app, "/history", cookie=cookie).status == 200
    assert seen(reviewed_folder) < 1


# files that no page asks for


def test_only_who_reads_the_log_sends_files(app: Starlette, reviewed_folder: Path) -> None:
    """The server holds them in its memory: a few hundred megabytes of a reader's would end it for everybody."""
    where = "/_stcore/upload_file/a/b"
    reader = ask(app, "/auth/sign-in", form=FORM).cookie
    auditor = of_provider(reviewed_folder)
    assert [ask(app, where, cookie=each).status for each in ("", reader, auditor)] == [401, 401, 200]
    with open_workspace(reviewed_folder) as workspace:
        set_password(workspace, "auditor-1", PASSWORD)
    auditor = ask(app, "/auth/sign-in", form={**FORM, "account": "auditor-1"}).cookie
    assert ask(app, where, cookie=auditor).status == 200
    assert server.settings()["server.maxUploadSize"] == LARGEST_UPLOAD == MOST_BYTES / 1_000_000


# a cookie of a neighbour


def test_under_a_public_name_a_cookie_is_taken_from_this_very_name_only(
    app: Starlette, reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site beside it in the domain can set one of any other name: its own session, for others to work in."""
    name = "review.example.org"
    monkeypatch.setenv(FORWARDERS, "127.0.0.1")
    monkeypatch.setattr(st, "get_option", lambda _name: ["127.0.0.1", name])
    asked = {"host": name, "origin": f"https://{name}"}
    answer = ask(app, "/auth/sign-in", form=FORM, **asked)
    told = answer.header("set-cookie").lower()
    assert answer.cookie.startswith("__Host-hitl_session_")
    assert "secure" in told and "path=/;" in told and "domain" not in told, "or no browser takes it"
    tossed = answer.cookie.removeprefix("__Host-")
    for cookie, status, stream in ((answer.cookie, 200, "accept"), (tossed, 303, "close")):
        assert ask(app, "/history", cookie=cookie, host=name).status == status
        assert shake_hands(app, "/_stcore/stream", cookie=cookie, **asked) == f"websocket.{stream}"
    with open_workspace(reviewed_folder) as workspace:
        held = dict([tossed.split("=", 1)])
        assert session.presented_by(workspace, held, name) is None
        assert session.presented_by(workspace, held, "127.0.0.1:8501") is not None, "there is no TLS on the machine"
    gone = ask(app, "/auth/sign-out", form={}, cookie=answer.cookie, **asked).header("set-cookie")
    assert gone.startswith("__Host-hitl_session_") and "Secure" in gone and "Max-Age=0" in gone
