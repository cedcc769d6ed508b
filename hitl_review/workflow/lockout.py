"""Wrong tries are counted per account and per address, in the database; too many lock both for a while.

A try is counted before the password is looked at, and taken back when it was right: a hundred tries
at the same moment are still no more than the project allows. A name that nobody has is counted like
any other, under a short digest: people type passwords into the wrong field.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import IPv4Address, ip_address, ip_network

from hitl_review.domain.account import SYSTEM, Account
from hitl_review.errors import SignInRefused
from hitl_review.store import sessions
from hitl_review.workflow.workspace import Workspace

Keys = Sequence[tuple[str, str]]


def keys_of(name: str, account: Account | None, address: str | None) -> list[tuple[str, str]]:
    """Return under what a try is counted: the account (or what was typed for one), and the address."""
    short = hashlib.sha256(name.encode(errors="replace")).hexdigest()[:6]
    keys = [("account", f"?{short}" if account is None else account.account_id)]
    return keys if address is None else [*keys, ("address", _reach(address))]


def _reach(address: str) -> str:
    """Return from where one caller can call: of IPv6 the whole network, in which a machine may take any address."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return address
    return str(found.ipv4_mapped or ip_network((found.packed, 64), strict=False))


def begin(workspace: Workspace, keys: Keys) -> list[int]:
    """Count a try, and return its ids; SignInRefused while there were too many."""
    store = workspace.store
    with store.transaction(SYSTEM) as transaction:
        length = _length(workspace)
        sessions.forget_old_tries(store, before=transaction.now - length, after=transaction.now + length)
        if _is_locked(workspace, keys):
            raise SignInRefused(locked_words(workspace))
        return sessions.add_try(store, keys)


def is_full(workspace: Workspace, keys: Keys) -> bool:
    """Tell, inside a transaction, whether the next try would be refused."""
    return _is_locked(workspace, keys)


def locked_words(workspace: Workspace) -> str:
    """Say that nothing is tried now. The same for every name, known or not."""
    minutes = workspace.project.access.lockout_minutes
    return f"Too many wrong tries. Nothing was checked; wait {minutes:g} minutes, then try again."


def _is_locked(workspace: Workspace, keys: Keys) -> bool:
    access = workspace.project.access
    limits = {"account": access.tries, "address": access.tries_per_address}
    since = workspace.store.current().now - _length(workspace)
    return any(
        sessions.count_tries(workspace.store, kind, key, since=since) >= limits[kind] for kind, key in keys
    )


def _length(workspace: Workspace) -> timedelta:
    return timedelta(minutes=workspace.project.access.lockout_minutes)
