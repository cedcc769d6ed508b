"""Sign-in with an institution's identity provider (OpenID Connect), through Streamlit's `st.login`.

Configured in `.streamlit/secrets.toml` under `[auth]`; without it nothing here is offered. Streamlit
proves who somebody is at the provider; which account that is, and until when, is checked here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec

import streamlit as st
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.errors import StreamlitSecretNotFoundError
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value

from hitl_review.domain.account import Actor
from hitl_review.errors import SignInRefused
from hitl_review.workflow.signing_in import present_with_identity, sign_in_with_identity
from hitl_review.workflow.workspace import Workspace

COOKIE = "_streamlit_user"
"""Streamlit's own cookie: signed, and readable by nobody but its server."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Who the provider says is there, since when and until when."""

    issuer: str
    subject: str
    issued_at: datetime
    expires_at: datetime


def is_configured() -> bool:
    """Tell whether an identity provider is configured and its library is installed."""
    try:
        return "auth" in st.secrets and find_spec("authlib") is not None
    except (FileNotFoundError, StreamlitSecretNotFoundError):
        return False


def address() -> str | None:
    """Return the address at which Streamlit begins the sign-in, or None where none is configured."""
    if not is_configured():
        return None
    from streamlit.user_info import generate_login_redirect_url

    return generate_login_redirect_url("default")


def claims() -> Claims | None:
    """Return what the provider said of who is at this tab, or None; SignInRefused where it lacks what is needed."""
    told = st.user.to_dict()
    return claims_in(told) if told.get("is_logged_in") else None


def claims_of(cookies: Mapping[str, str]) -> Claims | None:
    """Return what Streamlit's own cookie says of who is there, or None where it does not bear this server's seal.

    SignInRefused where it bears it, and lacks what is needed.
    """
    if COOKIE not in cookies or not is_configured():
        return None
    secret = get_cookie_secret()

    def opened(name: str) -> bytes | None:
        sealed = cookies.get(name)
        return None if sealed is None else decode_signed_value(secret, name, sealed.encode("latin-1", "replace"))

    try:
        told = json.loads(get_cookie_with_chunks(opened, COOKIE) or b"null")
    except ValueError:
        return None
    return claims_in(told) if isinstance(told, dict) and told.get("is_logged_in") else None


def claims_in(told: Mapping[str, object]) -> Claims:
    """Read the claims of a token. One that says nothing of its end is taken for none: Streamlit checks no expiry."""
    issuer, subject, issued, expires = (told.get(name) for name in ("iss", "sub", "iat", "exp"))
    if not isinstance(issuer, str) or not isinstance(subject, str) or not issuer or not subject:
        raise SignInRefused("The identity provider did not say who you are. Ask an administrator.")
    since, until = _moment(issued), _moment(expires)
    if since is None or until is None:
        raise SignInRefused("The identity provider did not say until when you are signed in. Ask an administrator.")
    return Claims(issuer, subject, since, until)


def _moment(seconds: object) -> datetime | None:
    """Return the moment of a token's claim; None for what is none, such as milliseconds."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def present(workspace: Workspace, claims: Claims, *, active: bool = False) -> Actor | None:
    """Return whose session a token opened, while it goes on; none is opened for it."""
    return present_with_identity(
        workspace,
        issuer=claims.issuer,
        subject=claims.subject,
        issued_at=claims.issued_at,
        active=active,
    )


def sign_in(workspace: Workspace, claims: Claims, *, address: str, active: bool = False) -> Actor:
    """Return whose session a token opens, or has opened before; SignInRefused where it stands for nobody here."""
    return sign_in_with_identity(
        workspace,
        issuer=claims.issuer,
        subject=claims.subject,
        issued_at=claims.issued_at,
        expires_at=claims.expires_at,
        address=address,
        active=active,
    )


def cookies_in(cookies: Mapping[str, str]) -> list[str]:
    """Return the names of Streamlit's own cookies among those of a browser: the token's, and its further pieces."""
    return [name for name in cookies if name.startswith(COOKIE)]


def leave() -> None:
    """Let Streamlit forget who the provider said is there."""
    if st.user.to_dict().get("is_logged_in"):
        st.logout()
