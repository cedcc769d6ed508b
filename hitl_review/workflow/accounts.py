"""Who may act in a workspace. Passwords, sign-in and lockout are a later step; roles are checked now."""

from __future__ import annotations

from hitl_review.domain.account import SYSTEM, Account, Actor, Permission, Role, may, require
from hitl_review.errors import WorkspaceError
from hitl_review.store import accounts, audit
from hitl_review.workflow.workspace import Workspace


def add_account(
    workspace: Workspace, account_id: str, name: str, role: Role, *, actor: Actor = SYSTEM
) -> Account:
    """Make an account; an account id is given once and never to somebody else."""
    require(actor, Permission.MANAGE_ACCOUNTS)
    store = workspace.store
    with store.transaction(actor) as transaction:
        account = Account(account_id, name, role, transaction.now)
        detail = {"name": name, "role": role.value}
        event = audit.append(store, "account.created", f"account:{account_id}", detail)
        accounts.add(store, account, event_id=event.event_id)
    return account


def actor_of(workspace: Workspace, account_id: str | None) -> Actor:
    """Return who acts: the named account, or in a demo workspace without a name its first reader."""
    if account_id is not None:
        return accounts.actor(workspace.store, account_id)
    known = readers(workspace)
    if not workspace.demo or not known:
        raise WorkspaceError("This act needs a person. Name the account with --as ACCOUNT.")
    return accounts.actor(workspace.store, known[0].account_id)


def readers(workspace: Workspace) -> list[Account]:
    """Return the accounts that may review cases."""
    return [each for each in accounts.everyone(workspace.store) if may(each.role, Permission.REVIEW)]
