"""The routes that set and end a ui session: form posts to the app's own server, and one question of the pages.

    GET  /auth/sign-in      the page that asks who is there
    POST /auth/sign-in      name and password; sets the cookie
    POST /auth/sign-out     ends the session in every tab
    GET  /auth/password     the page on which a password is set, POST sets it
    GET  /auth/institution  ends the sessions of this browser, and leads to the identity provider, where there is one
    GET  /auth/state        whether a session goes on; tells nothing else and counts as no activity

The cookie holds a random secret, out of reach of scripts, sent by this site's own pages only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import parse_qs, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from hitl_review.domain.access import Ended
from hitl_review.domain.account import Account, Actor, Permission, may
from hitl_review.errors import HitlError, NotPermitted, SignInRefused
from hitl_review.store import accounts
from hitl_review.store.connection import sqlite3
from hitl_review.ui import institution, plain_pages, session
from hitl_review.ui.plain_pages import Note
from hitl_review.workflow import signing, signing_in
from hitl_review.workflow.accounts import set_password
from hitl_review.workflow.workspace import Workspace, is_unfinished

FORM_LIMIT: Final = 8192
_THEN = re.compile(r"/[A-Za-z0-9_-]*(?:\?[A-Za-z0-9_.=&%-]*)?")
_HERE_ONLY: Final = (
    "The end of your session could not be stored. This browser has forgotten you: close its other tabs. The session "
    "ends by itself when nothing is done."
)
_WHY: Final = {
    Ended.SIGNED_OUT: "You are signed out.",
    Ended.IDLE: "You were signed out because nothing was done for a while. What was saved is saved.",
    Ended.EXPIRED: "You were signed out: a sign-in ends after a day's work. What was saved is saved.",
    Ended.DISABLED: "Your account is disabled.",
    Ended.PASSWORD_SET: "Your password was set anew. Sign in with it.",
}


async def sign_in(request: Request) -> Response:
    """Show the sign-in page, or take a name and a password."""
    if request.method != "POST":
        return await _answered(_sign_in_page, request)
    form = await _form(request)
    return form if isinstance(form, Response) else await _answered(_sign_in, request, form)


async def sign_out(request: Request) -> Response:
    """End the session of this browser."""
    form = await _form(request)
    return form if isinstance(form, Response) else await _answered(_sign_out, request)


async def password(request: Request) -> Response:
    """Show the page on which a password is set, or set it."""
    form = {} if request.method != "POST" else await _form(request)
    return form if isinstance(form, Response) else await _answered(_password, request, form)


async def state(request: Request) -> Response:
    """Tell whether a session, named by its public id, goes on."""
    return await _answered(_state, request)


async def to_institution(request: Request) -> Response:
    """Send the browser to the identity provider; to the sign-in page where none is configured, or from another site."""
    address = institution.address()
    if address is None or request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        return RedirectResponse("/auth/sign-in", status_code=303)
    return await _answered(_to_institution, request, address)


async def _answered(answer: Callable[..., Response], *asked: object) -> Response:
    """Answer in a thread of its own; where the workspace can't be used, in words that tell nobody where it lies."""
    try:
        return await run_in_threadpool(answer, *asked)
    except (HitlError, sqlite3.Error):
        return _told(503, "Not available", session.UNUSABLE)


def routes() -> list[Route]:
    """Return the routes, for the app to mount."""
    return [
        Route("/auth/sign-in", sign_in, methods=["GET", "POST"]),
        Route("/auth/sign-out", sign_out, methods=["POST"]),
        Route("/auth/password", password, methods=["GET", "POST"]),
        Route("/auth/institution", to_institution, methods=["GET"]),
        Route("/auth/state", state, methods=["GET"]),
    ]


# --- forms


async def _form(request: Request) -> dict[str, str] | Response:
    """Return the fields of a posted form, or why it is not taken: from elsewhere, too long, or no form."""
    if not is_own_origin(request.headers.get("origin"), request.headers.get("host"), scheme=scheme_of(request)):
        return _told(403, "Not taken", "This form came from another site, so nothing was done. Sign in from this one.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > FORM_LIMIT:
                return _told(413, "Not taken", "The form was too long, so nothing was done.")
    except ClientDisconnect:
        return _told(400, "Not taken", "The form did not arrive whole, so nothing was done.")
    if kind != "application/x-www-form-urlencoded":
        return _told(415, "Not taken", "That was not a form of this page, so nothing was done.")
    try:
        fields = parse_qs(body.decode("utf-8", errors="replace"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        return _told(413, "Not taken", "The form had too many fields, so nothing was done.")
    return {name: values[-1] for name, values in fields.items()}


def scheme_of(connection: HTTPConnection) -> str:
    """Return how a browser reached the app: over TLS wherever it is served under a public name, told so or not."""
    public = session.is_public(connection.headers.get("host"))
    return "https" if public else connection.url.scheme.replace("ws", "http")


def is_own_origin(origin: str | None, host: str | None, *, scheme: str) -> bool:
    """Tell whether a request says that it comes from a page of this very server.

    What is served over TLS takes no form of a page that was not, under the same name: anybody on the way could have
    written that one. The other way round, a proxy with TLS may not have said that it is one.
    """
    schemes = ("https",) if scheme == "https" else ("http", "https")
    return bool(host) and origin in [f"{each}://{host}" for each in schemes]


def _then(text: str | None) -> str:
    """Return where to go after signing in: a page of this app, never another site."""
    return text if text is not None and _THEN.fullmatch(text) else "/"


# --- signing in and out


def _sign_in_page(request: Request) -> Response:
    if is_unfinished(session.folder()):
        return RedirectResponse("/", status_code=303)
    with session.workspace() as workspace:
        why = signing_in.why_over(workspace, _secret(workspace, request))
        note = None if why is None else Note(_WHY[why])
        return _page_of(workspace, _then(request.query_params.get("then")), note)


def _page_of(
    workspace: Workspace, then: str, note: Note | None, *, name: str = "", status: int = 200
) -> HTMLResponse:
    page = plain_pages.sign_in_page(
        workspace.project,
        then=then,
        note=note,
        name=name,
        public=accounts.with_public_password(workspace.store) if workspace.demo else (),
        institution=institution.is_configured(),
    )
    return HTMLResponse(page, status_code=status, headers=plain_pages.headers())


def _sign_in(request: Request, form: dict[str, str]) -> Response:
    name, then = form.get("account", "").strip(), _then(form.get("then"))
    with session.workspace() as workspace:
        try:
            signed = signing_in.sign_in(workspace, name, form.get("password", ""), address=_address(request))
        except HitlError as refusal:
            status = 403 if isinstance(refusal, NotPermitted) else 503
            return _page_of(workspace, then, Note(str(refusal), refused=True), name=name, status=status)
        _end_all(workspace, request)  # this browser is one person's, in every tab
        response = _without(RedirectResponse(then, status_code=303), request, institution.cookies_in(request.cookies))
        return _with_cookie(response, request, workspace, signed)


def _with_cookie(
    response: Response, request: Request, workspace: Workspace, signed: signing_in.SignedIn
) -> Response:
    response.set_cookie(
        _cookie_name(workspace, request),
        signed.secret,
        path="/",
        httponly=True,
        samesite="strict",
        secure=scheme_of(request) == "https",
    )
    return response


def _cookie_name(workspace: Workspace, request: Request) -> str:
    return session.cookie_name(workspace, request.headers.get("host"))


def _secret(workspace: Workspace, request: Request) -> str | None:
    return session.presented_by(workspace, request.cookies, request.headers.get("host"))


def _without(response: Response, request: Request, cookies: Iterable[str]) -> Response:
    secure = scheme_of(request) == "https"  # else browsers would keep one that is named for TLS
    for name in cookies:
        response.delete_cookie(name, path="/", httponly=True, samesite="strict", secure=secure)
    return response


def _sign_out(request: Request) -> Response:
    response: Response = RedirectResponse("/auth/sign-in", status_code=303)
    with session.workspace() as workspace:
        try:
            _end_all(workspace, request)
        except HitlError:
            response = _told(503, "Signed out here only", _HERE_ONLY)
        return _without(response, request, [_cookie_name(workspace, request), *institution.cookies_in(request.cookies)])


def _to_institution(request: Request, address: str) -> Response:
    with session.workspace() as workspace:
        _end_all(workspace, request)  # who comes back may be somebody else
        cookies = [_cookie_name(workspace, request), *institution.cookies_in(request.cookies)]
        return _without(RedirectResponse(address, status_code=303), request, cookies)


def _end_all(workspace: Workspace, request: Request) -> None:
    """End the sessions of a browser: it may hold our cookie, the identity provider's, or both."""
    found = [signing_in.present(workspace, _secret(workspace, request))]
    try:
        claims = institution.claims_of(request.cookies)
    except SignInRefused:
        claims = None
    if claims is not None:
        found.append(institution.present(workspace, claims))
    for actor in found:
        if actor is not None:
            signing_in.sign_out(workspace, actor)


def _address(request: Request) -> str:
    return request.client.host if request.client is not None else "unknown"


def _state(request: Request) -> Response:
    if is_unfinished(session.folder()):
        return JSONResponse({"live": False})
    with session.workspace() as workspace:
        live = signing_in.is_live(workspace, request.query_params.get("session", ""))
    return JSONResponse({"live": live}, headers={"cache-control": "no-store"})


# --- passwords


def _password(request: Request, form: dict[str, str]) -> Response:
    with session.workspace() as workspace:
        actor = signing_in.present(workspace, _secret(workspace, request), active=True)
        if actor is None:
            return RedirectResponse("/auth/sign-in", status_code=303)
        wanted = form.get("account") or request.query_params.get("account") or actor.account_id
        account = _settable(workspace, actor, wanted)
        if account is None:
            return _told(403, "Not permitted", "You may set your own password only; others are for an administrator.")
        if request.method != "POST":
            return _password_page(workspace, account, actor, None)
        return _set_password(workspace, account, actor, form)


def _settable(workspace: Workspace, actor: Actor, wanted: str) -> Account | None:
    own = wanted == actor.account_id
    return accounts.find(workspace.store, wanted) if own or may(actor.role, Permission.MANAGE_ACCOUNTS) else None


def _set_password(workspace: Workspace, account: Account, actor: Actor, form: dict[str, str]) -> Response:
    try:
        if form.get("password") != form.get("again"):
            raise NotPermitted("The new password was not typed the same way twice. Nothing was changed.")
        subject = f"account:{account.account_id}"
        proved = signing.prove(workspace, actor, form.get("current", ""), act="password", subject=subject)
        set_password(workspace, account.account_id, form.get("password", ""), actor=proved, keep_session=True)
    except HitlError as refusal:
        return _password_page(workspace, account, actor, Note(str(refusal), refused=True))
    return _told(200, "The password is set", "Every other session of the account has ended.")


def _password_page(workspace: Workspace, account: Account, actor: Actor, note: Note | None) -> Response:
    own = account.account_id == actor.account_id
    row = accounts.password(workspace.store, account.account_id)
    temporary = own and row is not None and not row.public and row.set_by != account.account_id
    page = plain_pages.password_page(account, own=own, note=note, temporary=temporary)
    status = 200 if note is None else 403
    return HTMLResponse(page, status_code=status, headers=plain_pages.headers())


def _told(status: int, title: str, words: str) -> HTMLResponse:
    return HTMLResponse(plain_pages.plain_page(title, words), status_code=status, headers=plain_pages.headers())


def sign_in_address(path: str, query: str) -> str:
    """Return the sign-in page's address that leads back to a page."""
    then = _then(f"{path}?{query}" if query else path)
    return "/auth/sign-in" if then == "/" else f"/auth/sign-in?{urlencode({'then': then})}"
