"""Nobody who is not signed in gets past here: neither to a page, nor to a file, nor to the websocket.

Plain ASGI, because Starlette's middleware for requests does not see websockets. The guard is the
outer of two doors: each run of a page and each act asks the database again who is there.
"""

from __future__ import annotations

import os
import re
from http.cookies import CookieError
from typing import Final
from urllib.parse import quote

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from hitl_review.domain.account import Actor, Permission, may
from hitl_review.errors import HitlError
from hitl_review.store.connection import sqlite3
from hitl_review.ui import auth, institution, session
from hitl_review.workflow import signing_in
from hitl_review.workflow.serving import FORWARDERS
from hitl_review.workflow.workspace import is_unfinished

OPEN: Final = re.compile(
    r"/auth/[a-z-]+|/static/.*|/healthz|/oauth2callback|/favicon\.png|(?:/[a-z_]+)?/_stcore/(?:health|host-config)"
)
"""What everybody may ask for: signing in, Streamlit's own code, and whether the server is well.

Streamlit asks below the page's own path first whether it is well.
"""
UPLOADS: Final = "/_stcore/upload_file/"
"""Where files are sent to, which the server holds in its memory: checkpoints, by those who read the log."""
FILES: Final = ("/_stcore/", "/media/", "/component/", "/app/")
"""What is asked for by a page that is open already; everything else is a page that somebody wants to open."""
STREAM: Final = "/_stcore/stream"
"""How a page is drawn, which then says itself what it shows to whom."""
_HOST: Final = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::[0-9]{1,5})?")
POLICY_VIOLATION: Final = 1008
SOMEWHERE: Final = ("unknown", 0)
"""The address of whoever named one where no proxy is expected: all of them share the lock of one address."""


class Guard:
    """Lets through what is public and what comes with a live session; sends the rest to the sign-in page."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or websocket."""
        if scope["type"] in ("http", "websocket") and names_own_address(scope):
            scope = {**scope, "client": SOMEWHERE}
        if scope["type"] == "http" and scope["path"] != "/healthz" and not is_own_name(HTTPConnection(scope)):
            await PlainTextResponse("The app is not served under that name.", status_code=403)(scope, receive, send)
            return
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket" and not is_own_page(HTTPConnection(scope)):
            await _close(receive, send, "from another site")
        elif _is_open(scope["path"]) or await run_in_threadpool(may_pass, HTTPConnection(scope)):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await _close(receive, send, "sign in first")
        else:
            await _refusal(scope)(scope, receive, send)


async def _close(receive: Receive, send: Send, reason: str) -> None:
    await receive()
    await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": reason})


def is_own_page(connection: HTTPConnection) -> bool:
    """Tell whether a websocket is opened by a page of this very server, or by what is no browser and names none.

    Streamlit admits every port of this machine's names, and the cookie comes along, as it knows no ports: another
    program's page would read and act. Asked for another site, it would look its own address up outside.
    """
    origin, host = connection.headers.get("origin"), connection.headers.get("host")
    return origin is None or auth.is_own_origin(origin, host, scheme=auth.scheme_of(connection))


def names_own_address(scope: Scope) -> bool:
    """Tell whether a request says where it comes from, and nobody said whose word on that is to be believed.

    Started by `streamlit run`, the server believes every caller on this machine; `serve` says whom it believes.
    """
    return FORWARDERS not in os.environ and any(name == b"x-forwarded-for" for name, _ in scope["headers"])


def is_own_name(connection: HTTPConnection) -> bool:
    """Tell whether a request names the app as the settings do: a page elsewhere can't reach it under its own name.

    Streamlit asks the same of its websocket alone; an empty setting admits every name.
    """
    allowed = [each.strip().lower() for each in st.get_option("server.allowedHosts") or ["*"]]
    found = _HOST.fullmatch(connection.headers.get("host", ""))
    if found is None:
        return False
    name = found["name"].strip("[]").removesuffix(".").lower()
    return any(each in ("*", name) or (each.startswith("*.") and name.endswith(each[1:])) for each in allowed)


def _is_open(path: str) -> bool:
    return OPEN.fullmatch(path) is not None


def may_pass(connection: HTTPConnection) -> bool:
    """Tell whether a connection comes from somebody who is signed in, or asks for no more than what a page says itself.

    A page says how far a demonstration is that is being made, and what is wrong with a workspace that can't be used.
    Whoever asks for a page is there; what an open page asks for by itself is no sign of anybody.
    """
    path, cookies = connection.scope["path"], _cookies(connection)
    a_page = not path.startswith(FILES)
    says_itself = path == STREAM or a_page
    try:
        if is_unfinished(session.folder()):
            return says_itself
        with session.workspace() as workspace:
            secret = session.presented_by(workspace, cookies, connection.headers.get("host"))
            actor = signing_in.present(workspace, secret, active=a_page)
            if actor is not None:
                return _is_for(actor, path)
            claims = institution.claims_of(cookies)
            if claims is None:
                return False
            # whom it stands for is looked at by each run of a page, which opens its session at the first sight of it
            actor = institution.present(workspace, claims, active=a_page)
            return says_itself if actor is None else _is_for(actor, path)
    except (HitlError, sqlite3.Error):
        return says_itself


def _is_for(actor: Actor, path: str) -> bool:
    return not path.startswith(UPLOADS) or may(actor.role, Permission.READ_LOG)


def _cookies(connection: HTTPConnection) -> dict[str, str]:
    try:
        return connection.cookies
    except CookieError:
        return {}


def _refusal(scope: Scope) -> RedirectResponse | PlainTextResponse:
    if scope["method"] in ("GET", "HEAD") and not scope["path"].startswith(FILES):
        query = scope["query_string"].decode("latin-1")
        return RedirectResponse(auth.sign_in_address(quote(scope["path"]), query), status_code=303)
    return PlainTextResponse("Sign in first.", status_code=401)
