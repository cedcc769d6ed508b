"""Accounts: the people who may act, with their roles, their standing, passwords and linked identities.

All of it is append-only: what counts is the newest row of an account. An account id is never given
to somebody else, and a disabled account's old signatures keep their name.
"""

from __future__ import annotations

from dataclasses import dataclass

from hitl_review.domain.account import Account, Actor, Role
from hitl_review.domain.audit import moment, stamp
from hitl_review.errors import NotPermitted
from hitl_review.store.connection import Row, Store

_ENABLED = (
    "coalesce((SELECT s.enabled FROM standings s WHERE s.account_id = a.account_id"
    " ORDER BY s.rowid DESC LIMIT 1), 1)"
)
_ACCOUNT = f"SELECT a.account_id, a.name, a.role, a.created_at, {_ENABLED} AS enabled FROM accounts a"


@dataclass(frozen=True, slots=True)
class PasswordRow:
    """The hash of a password; `public` says that it is the known one of a demonstration."""

    hash: str
    public: bool
    set_by: str


def add(store: Store, account: Account, *, event_id: str) -> None:
    """Keep a new account."""
    store.insert(
        "INSERT INTO accounts (account_id, name, role, created_at, event_id) VALUES (?, ?, ?, ?, ?)",
        (account.account_id, account.name, account.role.value, stamp(account.created_at), event_id),
    )


def everyone(store: Store) -> list[Account]:
    """Return all accounts, disabled ones too, in the order they were made."""
    return [_account(row) for row in store.rows(f"{_ACCOUNT} ORDER BY a.created_at, a.rowid")]


def find(store: Store, account_id: str) -> Account | None:
    """Return an account, disabled or not, or None."""
    row = store.row(f"{_ACCOUNT} WHERE a.account_id = ?", (account_id,))
    return None if row is None else _account(row)


def actor(store: Store, account_id: str) -> Actor:
    """Return who acts under this account id; NotPermitted if there is no such account, or it is disabled."""
    found = find(store, account_id)
    if found is None:
        known = ", ".join(account.account_id for account in everyone(store)) or "none yet"
        raise NotPermitted(f"There is no account '{account_id}' in this workspace. Accounts: {known}.")
    if not found.enabled:
        raise _disabled(account_id)
    return Actor(found.account_id, found.name, found.role)


def check_standing(store: Store, account_id: str) -> None:
    """Raise NotPermitted if an account is disabled; one that is not there has no standing."""
    sql = "SELECT enabled FROM standings WHERE account_id = ? ORDER BY rowid DESC LIMIT 1"
    row = store.row(sql, (account_id,))
    if row is not None and not row[0]:
        raise _disabled(account_id)


def _disabled(account_id: str) -> NotPermitted:
    return NotPermitted(
        f"The account '{account_id}' is disabled and may not act. An administrator can enable it."
    )


def set_standing(store: Store, account_id: str, *, enabled: bool, event_id: str) -> None:
    """Keep that an account was disabled, or enabled again."""
    now, by = store.current().now, store.current().actor.account_id
    store.insert(
        "INSERT INTO standings (event_id, account_id, enabled, at, by) VALUES (?, ?, ?, ?, ?)",
        (event_id, account_id, int(enabled), stamp(now), by),
    )


def add_password(store: Store, account_id: str, hashed: str, *, public: bool, event_id: str) -> None:
    """Keep the hash of a new password; earlier ones stay, and count no more."""
    now, by = store.current().now, store.current().actor.account_id
    store.insert(
        "INSERT INTO passwords (event_id, account_id, hash, public, set_at, set_by) VALUES (?, ?, ?, ?, ?, ?)",
        (event_id, account_id, hashed, int(public), stamp(now), by),
    )


def password(store: Store, account_id: str) -> PasswordRow | None:
    """Return the password of an account that counts, or None before one was set."""
    row = store.row(
        "SELECT hash, public, set_by FROM passwords WHERE account_id = ? ORDER BY rowid DESC LIMIT 1",
        (account_id,),
    )
    return None if row is None else PasswordRow(row["hash"], bool(row["public"]), row["set_by"])


def with_public_password(store: Store) -> list[Account]:
    """Return the enabled accounts whose password is the public one of a demonstration."""
    rows = store.rows(
        f"{_ACCOUNT} JOIN passwords p ON p.rowid = (SELECT max(rowid) FROM passwords WHERE account_id = a.account_id)"
        f" WHERE p.public AND {_ENABLED} ORDER BY a.created_at, a.rowid"
    )
    return [_account(row) for row in rows]


def add_identity(
    store: Store, account_id: str, *, issuer: str, subject: str, linked: bool, event_id: str
) -> None:
    """Keep that an identity provider's subject stands for an account, or no longer does."""
    now, by = store.current().now, store.current().actor.account_id
    store.insert(
        "INSERT INTO identities (event_id, account_id, issuer, subject, linked, at, by) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (event_id, account_id, issuer, subject, int(linked), stamp(now), by),
    )


def account_of_identity(store: Store, *, issuer: str, subject: str) -> str | None:
    """Return the account that an identity provider's subject stands for now, or None."""
    row = store.row(
        "SELECT account_id, linked FROM identities WHERE issuer = ? AND subject = ? ORDER BY rowid DESC LIMIT 1",
        (issuer, subject),
    )
    return row["account_id"] if row is not None and row["linked"] else None


def _account(row: Row) -> Account:
    return Account(
        row["account_id"], row["name"], Role(row["role"]), moment(row["created_at"]), bool(row["enabled"])
    )
