"""A browser's side of the app, without a server: one request or one websocket handshake at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from hitl_review.ui import auth
from hitl_review.ui.guard import Guard
from hitl_review.ui.server import SecurityHeaders

HOST = "127.0.0.1:8501"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: list[tuple[str, str]]
    body: str

    def header(self, name: str) -> str:
        """The values of a header, joined."""
        return ", ".join(value for key, value in self.headers if key == name)

    @property
    def cookie(self) -> str:
        """The cookie that it sets, as a browser sends it back."""
        return self.header("set-cookie").partition(";")[0]


async def _page(_request: object) -> PlainTextResponse:
    return PlainTextResponse("the page")


async def _stream(websocket: WebSocket) -> None:
    await websocket.accept()


def behind_the_guard(*more: Route) -> Starlette:
    """The sign-in routes, the headers and the guard in front of a page and its websocket."""
    routes = [*auth.routes(), *more, Route("/{page:path}", _page), WebSocketRoute("/_stcore/stream", _stream)]
    return Starlette(routes=routes, middleware=[Middleware(SecurityHeaders), Middleware(Guard)])


def ask(
    app: Any,
    path: str,
    *,
    form: dict[str, str] | None = None,
    body: bytes | None = None,
    cookie: str = "",
    scheme: str = "http",
    address: str = "10.0.0.1",
    method: str | None = None,
    breaks_off: bool = False,
    **headers: str | None,
) -> Answer:
    """GET a page, or POST a form as a browser does from a page of the same site; keywords are headers.

    `method` sends the same by another one; with `breaks_off` the form never ends.
    """
    sent: list[dict[str, Any]] = []
    content = body if body is not None else urlencode(form or {}).encode()
    posted = form is not None or body is not None
    told: dict[str, str | None] = {"host": HOST, "origin": f"{scheme}://{HOST}" if posted else None}
    told |= {"content-type": "application/x-www-form-urlencoded" if posted else None}
    told |= {"cookie": cookie or None, "accept": "text/html"}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    scope = _scope("http", path, told, address) | {"method": method or ("POST" if posted else "GET"), "scheme": scheme}
    parts = iter([{"type": "http.request", "body": content, "more_body": breaks_off}])

    async def receive() -> dict[str, Any]:
        return next(parts, {"type": "http.disconnect"})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    start = next(each for each in sent if each["type"] == "http.response.start")
    text = b"".join(each.get("body", b"") for each in sent if each["type"] == "http.response.body")
    found = [(key.decode(), value.decode()) for key, value in start["headers"]]
    return Answer(start["status"], found, text.decode())


def shake_hands(app: Any, path: str, *, cookie: str = "", **headers: str) -> str:
    """Open a websocket, and return the type of the first message that came back."""
    sent: list[str] = []
    told = {"host": HOST, "cookie": cookie or None, **{k.replace("_", "-"): v for k, v in headers.items()}}

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message["type"])

    asyncio.run(app(_scope("websocket", path, told, "10.0.0.1"), receive, send))
    return sent[0]


def _scope(kind: str, path: str, headers: dict[str, str | None], address: str) -> dict[str, Any]:
    plain, _, query = path.partition("?")
    encoded = [(key.encode(), value.encode()) for key, value in headers.items() if value is not None]
    return {
        "type": kind,
        "path": plain,
        "raw_path": plain.encode(),
        "query_string": query.encode(),
        "headers": encoded,
        "client": (address, 50000),
        "server": ("127.0.0.1", 8501),
        "root_path": "",
        "http_version": "1.1",
        "scheme": "ws",
        "subprotocols": [],
    }
