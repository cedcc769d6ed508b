"""Accounts: the people who may act, with their roles."""

from __future__ import annotations

from hitl_review.domain.account import Account, Actor, Role
from hitl_review.domain.audit import moment, stamp
from hitl_review.errors import NotPermitted
from hitl_review.store.connection import Row, Store


def add(store: Store, account: Account, *, event_id: str) -> None:
    """Keep a new account."""
    store.insert(
        "INSERT INTO accounts (account_id, name, role, created_at, event_id) VALUES (?, ?, ?, ?, ?)",
        (account.account_id, account.name, account.role.value, stamp(account.created_at), event_id),
    )


def everyone(store: Store) -> list[Account]:
    """Return all accounts, in the order they were made."""
    return [_account(row) for row in store.rows("SELECT * FROM accounts ORDER BY created_at, rowid")]


def actor(store: Store, account_id: str) -> Actor:
    """Return who acts under this account id; NotPermitted if there is no such account."""
    row = store.row("SELECT * FROM accounts WHERE account_id = ?", (account_id,))
    if row is None:
        known = ", ".join(account.account_id for account in everyone(store)) or "none yet"
        raise NotPermitted(f"There is no account '{account_id}' in this workspace. Accounts: {known}.")
    return Actor(row["account_id"], row["name"], Role(row["role"]))


def _account(row: Row) -> Account:
    return Account(row["account_id"], row["name"], Role(row["role"]), moment(row["created_at"]))
