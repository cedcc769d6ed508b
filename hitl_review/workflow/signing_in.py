"""People sign in and out. What the browser holds is a random secret; here stands only its digest.

A wrong password, a name that nobody has and a disabled account get the same answer in the same time.
A session ends when its person signs out, sits idle, has worked a day, or loses the account: from then
on it does nothing in any tab, because each run and each act asks here.
"""

from __future__ import annotations

import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from hitl_review.domain.access import Ended, UiSession
from hitl_review.domain.account import SYSTEM, Account, Actor
from hitl_review.domain.canonical import text_digest
from hitl_review.domain.signature import Proof, ProofMethod
from hitl_review.errors import SignInRefused
from hitl_review.store import accounts, audit, sessions
from hitl_review.workflow import lockout
from hitl_review.workflow.hashing import verify_password
from hitl_review.workflow.workspace import Workspace

REFUSED: Final = "Name and password don't belong together. Check both, then try again."
COMMAND_LINE: Final = "command line"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new ui session, and the secret that is told to the browser once and kept nowhere here."""

    secret: str
    session: UiSession
    actor: Actor


def sign_in(workspace: Workspace, name: str, password: str, *, address: str) -> SignedIn:
    """Open a ui session for who knows the password of an account.

    Raises SignInRefused with one sentence for every reason but too many tries, which has its own.
    """
    account, row, tries = _checked(workspace, name, password, address=address)
    method = ProofMethod.DEMONSTRATION if row.public else ProofMethod.SESSION
    actor = Actor(account.account_id, account.name, account.role)
    with workspace.store.transaction(actor) as transaction:
        ends_at = transaction.now + timedelta(hours=workspace.project.access.longest_hours)
        _refuse_if_changed(workspace, account, row)
        sessions.forget_tries(workspace.store, tries, account_key=account.account_id)
        return _opened(workspace, actor, method, ends_at, address=address)


def actor_with_password(workspace: Workspace, account_id: str, password: str) -> Actor:
    """Return who acts on the command line, once the password of the account was given.

    Raises SignInRefused like `sign_in`, and counts towards the same lock of the account.
    """
    account, row, tries = _checked(workspace, account_id, password, address=None)
    with workspace.store.transaction(SYSTEM) as transaction:
        _refuse_if_changed(workspace, account, row)
        sessions.forget_tries(workspace.store, tries, account_key=account.account_id)
        proof = Proof(ProofMethod.DEMONSTRATION if row.public else ProofMethod.PASSWORD, transaction.now)
    return Actor(account.account_id, account.name, account.role, proof)


def refuse_disabled(workspace: Workspace, account_id: str) -> None:
    """Raise NotPermitted for a disabled account that somebody names on the command line, and log that, as pages do."""
    account = accounts.find(workspace.store, account_id)
    if account is not None and not account.enabled:
        _tell_refused(workspace, account, (), COMMAND_LINE)
        accounts.check_standing(workspace.store, account_id)


def _checked(
    workspace: Workspace, name: str, password: str, *, address: str | None
) -> tuple[Account, accounts.PasswordRow, list[int]]:
    """Return the account that name and password belong to, its password, and the counted tries; else log it."""
    store = workspace.store
    account = accounts.find(store, name)
    keys = lockout.keys_of(name, account, address)
    tries = lockout.begin(workspace, keys)
    row = None if account is None else accounts.password(store, account.account_id)
    right = verify_password(None if row is None else row.hash, password)
    if account is None or row is None or not right or not account.enabled:
        _tell_refused(workspace, account, keys, address or COMMAND_LINE)
        raise SignInRefused(REFUSED)
    return account, row, tries


def _refuse_if_changed(workspace: Workspace, account: Account, row: accounts.PasswordRow) -> None:
    """Refuse, inside the transaction, who gave a password that was set anew while it was being checked."""
    if accounts.password(workspace.store, account.account_id) != row:
        raise SignInRefused(REFUSED)


def _tell_refused(workspace: Workspace, account: Account | None, keys: lockout.Keys, address: str) -> None:
    """Log a wrong try. What was typed as a name that nobody has is told nowhere: it may be a password."""
    subject = "account:unknown" if account is None else f"account:{account.account_id}"
    with workspace.store.transaction(SYSTEM):
        detail = {"address": address, "locked": lockout.is_full(workspace, keys)}
        audit.append(workspace.store, "session.refused", subject, detail)


def sign_in_with_identity(
    workspace: Workspace,
    *,
    issuer: str,
    subject: str,
    issued_at: datetime,
    expires_at: datetime,
    address: str,
    active: bool = False,
) -> Actor:
    """Return who an identity provider's token stands for, opening its ui session at the first sight of it.

    The token is checked at each call: its expiry, its session, its link, its account. A token whose
    session has ended opens no other: signing out is not undone by a cookie that lives for a month, because what
    was issued longer ago than a session lasts opens none, and for that long it is known that one has ended.
    """
    key = _key_of_token(issuer, subject, issued_at)
    if sessions.by_secret(workspace.store, key) is None:
        _open_for_identity(workspace, key, issuer, subject, issued_at, expires_at, address)
    actor = _present(workspace, key, active=active)
    if actor is None or workspace.store.clock() >= expires_at:
        raise SignInRefused("This sign-in with your institution is over. Sign in with it again.")
    if accounts.account_of_identity(workspace.store, issuer=issuer, subject=subject) != actor.account_id:
        raise SignInRefused("Your institution's account is no longer linked to an account here.")
    return actor


def present_with_identity(
    workspace: Workspace, *, issuer: str, subject: str, issued_at: datetime, active: bool = False
) -> Actor | None:
    """Return who an identity provider's token stands for while its session goes on; none is opened for it."""
    return _present(workspace, _key_of_token(issuer, subject, issued_at), active=active)


def _open_for_identity(
    workspace: Workspace,
    key: str,
    issuer: str,
    subject: str,
    issued_at: datetime,
    expires_at: datetime,
    address: str,
) -> None:
    store, now = workspace.store, workspace.store.clock()
    longest = timedelta(hours=workspace.project.access.longest_hours)
    if issued_at > now + timedelta(minutes=5) or now >= min(expires_at, issued_at + longest):
        raise SignInRefused("This sign-in with your institution is over. Sign in with it again.")
    linked = accounts.account_of_identity(store, issuer=issuer, subject=subject)
    account = None if linked is None else accounts.find(store, linked)
    if account is None or not account.enabled:
        keys = lockout.keys_of(f"{issuer}\n{subject}", None, None)
        with suppress(SignInRefused):  # a page that is loaded again and again is told, and logged no more
            lockout.begin(workspace, keys)
            _tell_refused(workspace, account, keys, address)
        raise SignInRefused(
            "Your institution's account is not linked to an account here. Ask an administrator to link it."
        )
    actor = Actor(account.account_id, account.name, account.role)
    with store.transaction(actor) as transaction:
        if sessions.by_secret(store, key) is not None:
            return  # another tab, or another run of the page, was first
        if accounts.account_of_identity(store, issuer=issuer, subject=subject) != linked:
            raise SignInRefused("Your institution's account is no longer linked to an account here.")
        ends_at = min(transaction.now + longest, expires_at)
        proved_at = min(issued_at, transaction.now)  # by the provider, however long ago; looking at it proves nothing
        _opened(workspace, actor, ProofMethod.IDENTITY, ends_at, address=address, key=key, proved_at=proved_at)


def _opened(
    workspace: Workspace,
    actor: Actor,
    method: ProofMethod,
    ends_at: datetime,
    *,
    address: str,
    key: str | None = None,
    proved_at: datetime | None = None,
) -> SignedIn:
    """Store a new session inside the open transaction, under the digest of a new secret or under a given key.

    `proved_at` is when the person proved who they are, if that was not just now.
    """
    store, now = workspace.store, workspace.store.current().now
    accounts.actor(store, actor.account_id)  # refused if the account was disabled meanwhile
    secret = secrets.token_urlsafe(32)
    session = UiSession(uuid4().hex, actor.account_id, method, now, now, ends_at, proved_at or now, method)
    stored = key or digest_of(secret)
    detail = {"address": address, "method": method.value, "secret_digest": text_digest(stored)}
    audit.append(store, "session.opened", f"session:{session.session_id}", detail)
    sessions.forget_ended(store, before=now - timedelta(days=7))
    sessions.add(store, session, secret_digest=stored)
    return SignedIn(secret, session, replace(actor, proof=_proof(session)))


def present(workspace: Workspace, secret: str | None, *, active: bool = False) -> Actor | None:
    """Return who the session of a secret stands for, or None when it is over; `active` counts as being there.

    The database is asked each time, so an end holds in every tab at once. An end by time is logged
    when it is first met.
    """
    return None if secret is None else _present(workspace, digest_of(secret), active=active)


def _present(workspace: Workspace, key: str, *, active: bool) -> Actor | None:
    session = sessions.by_secret(workspace.store, key)
    account = None if session is None else accounts.find(workspace.store, session.account_id)
    if session is None or account is None or not account.enabled or not _goes_on(workspace, session):
        return None
    if active and workspace.store.clock() - session.seen_at >= grain(workspace):
        with workspace.store.transaction(SYSTEM):
            sessions.mark_seen(workspace.store, session.session_id)
    return Actor(account.account_id, account.name, account.role, _proof(session))


def _goes_on(workspace: Workspace, session: UiSession) -> bool:
    """Tell whether a session goes on; one that time has ended is closed here."""
    why = session.end_at(workspace.store.clock(), idle=idle_time(workspace))
    if why is not None and session.ended is None:
        with workspace.store.transaction(SYSTEM) as transaction:
            now = sessions.by_id(workspace.store, session.session_id) or session
            why = now.end_at(transaction.now, idle=idle_time(workspace))  # somebody may have come back meanwhile
            if why is not None:
                close(workspace, session, why)
    return why is None


def is_live(workspace: Workspace, session_id: str) -> bool:
    """Tell whether a session, by its public id, goes on. Changes nothing and counts as no activity."""
    session = sessions.by_id(workspace.store, session_id)
    return session is not None and session.end_at(workspace.store.clock(), idle=idle_time(workspace)) is None


def why_over(workspace: Workspace, secret: str | None) -> Ended | None:
    """Say why the session of a secret is over, for the sign-in page; None if there was none."""
    session = None if secret is None else sessions.by_secret(workspace.store, digest_of(secret))
    return None if session is None else session.end_at(workspace.store.clock(), idle=idle_time(workspace))


def sign_out(workspace: Workspace, actor: Actor) -> None:
    """End the session that somebody acts in, in every tab; nothing happens if it is over already."""
    session = sessions.by_id(workspace.store, actor.proof.session_id or "")
    if session is not None and session.ended is None:
        with workspace.store.transaction(actor):
            close(workspace, session, Ended.SIGNED_OUT)


def close(workspace: Workspace, session: UiSession, why: Ended) -> None:
    """End a session inside the open transaction, and log it; once."""
    current = sessions.by_id(workspace.store, session.session_id)
    if current is not None and current.ended is None:
        detail = {"account": session.account_id, "why": why.value}
        audit.append(workspace.store, "session.closed", f"session:{session.session_id}", detail)
        sessions.mark_ended(workspace.store, session.session_id, why)


def close_all_of(workspace: Workspace, account_id: str, why: Ended, *, but: str | None = None) -> None:
    """End every session of an account inside the open transaction, but the one that is named."""
    for session in sessions.open_of(workspace.store, account_id):
        if session.session_id != but:
            close(workspace, session, why)


def idle_time(workspace: Workspace) -> timedelta:
    """Return for how long somebody may sit still."""
    return timedelta(minutes=workspace.project.access.idle_minutes)


def grain(workspace: Workspace) -> timedelta:
    """Return how exactly activity is noted: each note is a write, so not at every click."""
    return min(timedelta(seconds=60), idle_time(workspace) / 10)


def digest_of(secret: str) -> str:
    """Return what is stored of the secret that a browser holds."""
    return hashlib.sha256(f"browser\n{secret}".encode(errors="replace")).hexdigest()


def _key_of_token(issuer: str, subject: str, issued_at: datetime) -> str:
    """Return what is stored of an identity provider's token; no secret of a browser leads to the same."""
    told = f"identity\n{issuer}\n{subject}\n{issued_at.timestamp()}"
    return hashlib.sha256(told.encode(errors="replace")).hexdigest()


def _proof(session: UiSession) -> Proof:
    return Proof(session.proved_by, session.proved_at, session.session_id)
