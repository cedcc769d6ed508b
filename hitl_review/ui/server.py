"""The app's own server: Streamlit inside an ASGI app, with security headers and a health route.

Bound to this machine unless told otherwise. One process serves all readers: sessions live in its
memory. What every reader needs is loaded before the first one comes.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import re
import socket
import tomllib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hitl_review.domain.password import DEMO_PASSWORD
from hitl_review.errors import HitlError, WorkspaceError
from hitl_review.store import accounts, models
from hitl_review.ui import auth, session
from hitl_review.ui.cache import model_source
from hitl_review.ui.guard import Guard, is_own_name
from hitl_review.workflow.fault_lines import wordless
from hitl_review.workflow.serving import FORWARDERS, forwarders, is_local, reach, refuse_unsafe
from hitl_review.workflow.workspace import KEPT, open_workspace

ENTRY: Final = Path(__file__).parent / "entry" / "app.py"
_SETTINGS: Final = (
    Path(__file__).parents[2] / ".streamlit" / "config.toml",
    Path(__file__).parents[1] / "_app" / ".streamlit" / "config.toml",
)


class SecurityHeaders:
    """Adds the security headers to every HTTP answer. Plain ASGI, so that websockets pass through it too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.scripts = " ".join(["'self'", "blob:", *_inline_script_digests()])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers = security_headers(_host(scope), self.scripts)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in headers.items():
                    answer.setdefault(name, value)  # the sign-in pages have stricter ones of their own
            await send(message)

        await self.app(scope, receive, with_headers)


def _host(scope: Scope) -> str:
    """Return the name under which a request came, if it is one that the app is served under."""
    if scope["type"] != "http" or not is_own_name(connection := HTTPConnection(scope)):
        return ""
    return connection.headers.get("host", "")


def security_headers(host: str, scripts: str) -> dict[str, str]:
    """Return the headers: nothing from elsewhere is loaded, nobody frames the app, no address leaks onwards.

    `blob:` is for our own inline component (Streamlit loads it that way); Streamlit's own inline
    script is admitted by its digest. The websocket is named, as not every browser takes it for 'self'. What
    says nothing else of its own is kept nowhere: a download holds what people wrote.
    """
    streams = f" ws://{host} wss://{host}" if host else ""
    policy = (
        f"default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; "
        f"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'{streams}; "
        "frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
    )
    return {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }


def _inline_script_digests() -> list[str]:
    page = (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", page, flags=re.DOTALL)
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]


async def _health(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


@asynccontextmanager
async def _warmed(app: st.App) -> AsyncIterator[dict[str, Any]]:
    """Load the champion before anybody waits for it. Without one, the pages say so themselves.

    While the app is served, its terminal tells of faults without their words.
    """
    try:
        with session.workspace() as workspace:
            model_source(workspace.store)(models.champion(workspace.store).digest)
    except HitlError:
        pass
    with wordless():
        yield {}


def parts() -> dict[str, Any]:
    """Return what the app has besides Streamlit: the sign-in routes, the guard, the security headers, the warm-up."""
    return {
        "routes": [Route("/healthz", _health), *auth.routes()],
        "middleware": [Middleware(SecurityHeaders), Middleware(Guard)],
        "lifespan": _warmed,
    }


def make_app() -> st.App:
    """Return the app of the workspace that HITL_WORKSPACE names."""
    return st.App(ENTRY, **parts())


def serve(folder: Path, *, port: int, address: str = "127.0.0.1", public_url: str | None = None) -> None:
    """Serve a workspace until stopped, after saying where, and in a demonstration under which names one signs in."""
    _check_address(address)
    named = reach(public_url, address=address)
    warnings = refuse_unsafe(folder, files=_others_settings(), environ=os.environ, secrets=_secrets())
    _check_port(address, port)
    with open_workspace(folder) as workspace:
        public = accounts.with_public_password(workspace.store) if workspace.demo else []
    for warning in warnings:
        print(f"Warning: {warning}", flush=True)
    os.environ["HITL_WORKSPACE"] = os.environ[KEPT] = str(folder.resolve())
    os.environ[FORWARDERS] = forwarders(public_url)
    print(f"hitl-review serves {folder} at http://{_shown(address)}:{port} (stop with Ctrl+C)", flush=True)
    if public:
        print(f"A demonstration with public accounts; the password of each is '{DEMO_PASSWORD}':", flush=True)
    for person in public:
        print(f"  {person.account_id:<14} {person.name} ({person.role.words})", flush=True)
    make_app().run(config={**settings(), **named, "server.port": port, "server.address": address})


def _others_settings() -> list[Path]:
    """Return the settings files that Streamlit reads besides ours: this user's, and this folder's if it has others."""
    places = [Path.home() / ".streamlit" / "config.toml", Path.cwd() / ".streamlit" / "config.toml"]
    ours = [path.resolve() for path in _SETTINGS]
    return [path for path in places if path.resolve() not in ours]


def _secrets() -> list[Path]:
    """Return where Streamlit looks for the secrets of an identity provider."""
    return [place / ".streamlit" / "secrets.toml" for place in dict.fromkeys((Path.home(), Path.cwd()))]


def _check_address(address: str) -> None:
    if is_local(address):
        return
    raise WorkspaceError(
        f"The app was not served at {address}: passwords would cross the network in the clear. "
        "Leave --address out, and put a proxy with TLS in front."
    )


def _check_port(address: str, port: int) -> None:
    """Raise WorkspaceError if nothing can listen at a port, before it is said that the app is served there.

    A name may stand for addresses that this machine has not (`localhost` for `::1`): one that can be had is enough.
    """
    faults: list[OSError] = []
    try:
        places = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)
    except OSError as error:
        places, faults = [], [error]
    for family, kind, protocol, _, place in places:
        try:
            with socket.socket(family, kind, protocol) as probe:
                if os.name != "nt":
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server itself does
                probe.bind(place)
        except OSError as error:
            faults.append(error)
    taken = [error for error in faults if error.errno == errno.EADDRINUSE]
    if taken or len(faults) >= max(len(places), 1):
        fault = (taken or faults)[0]
        raise WorkspaceError(
            f"The app was not served at port {port} of {address}: {fault.strerror}. "
            "Stop what listens there, or name another port with --port."
        ) from fault


def _shown(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def settings() -> dict[str, Any]:
    """Return the shipped Streamlit settings by their dotted names, wherever the command was started."""
    path = next((each for each in _SETTINGS if each.is_file()), None)
    if path is None:
        raise WorkspaceError("The app's settings file is missing. Install hitl-review anew.")
    return dict(_dotted(tomllib.loads(path.read_text(encoding="utf-8"))))


def _dotted(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for key, value in table.items():
        pairs += _dotted(value, f"{prefix}{key}.") if isinstance(value, dict) else [(f"{prefix}{key}", value)]
    return pairs
