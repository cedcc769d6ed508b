"""Who may act in a workspace: accounts are made, disabled, given passwords and linked to identities.

Nothing of it is undone by editing: each step is a new row with its event. An account id is never
given to somebody else, and what a disabled person signed stays signed.
"""

from __future__ import annotations

from collections.abc import Iterable

from hitl_review.domain.access import Ended
from hitl_review.domain.account import SYSTEM, Account, Actor, Permission, Role, may, require
from hitl_review.domain.audit import text_digest
from hitl_review.domain.naming import check_account_id, check_distinct, check_printed_name
from hitl_review.domain.password import DEMO_PASSWORD, check_password
from hitl_review.domain.signature import Proof, ProofMethod
from hitl_review.errors import AccountError, Conflict, NotPermitted, WorkspaceError
from hitl_review.store import accounts, audit, sessions
from hitl_review.workflow.hashing import hash_password, verify_password
from hitl_review.workflow.signing_in import close_all_of
from hitl_review.workflow.workspace import Workspace


def add_account(
    workspace: Workspace,
    account_id: str,
    name: str,
    role: Role,
    *,
    actor: Actor = SYSTEM,
    password: str | None = None,
) -> Account:
    """Make an account; an account id is given once and never to somebody else.

    Without a password nobody can sign in to it yet. Raises AccountError for an id, a name or a
    password that can't be, and for a name that looks like somebody else's.
    """
    require(actor, Permission.MANAGE_ACCOUNTS)
    if role is Role.SYSTEM:
        raise AccountError("The role system is the product's own. Choose another role.")
    store, name = workspace.store, check_printed_name(name)
    check_account_id(account_id)
    hashed = None if password is None else _hashed(password, account_id, name)
    with store.transaction(actor) as transaction:
        if accounts.find(store, account_id) is not None:
            raise Conflict(
                f"There is an account '{account_id}' already, and an id is given once. Choose another account id."
            )
        check_distinct(account_id, name, [(each.account_id, each.name) for each in accounts.everyone(store)])
        account = Account(account_id, name, role, transaction.now)
        detail = {"name": name, "role": role.value}
        event = audit.append(store, "account.created", f"account:{account_id}", detail)
        accounts.add(store, account, event_id=event.event_id)
        if hashed is not None:
            _keep_password(workspace, account_id, hashed, public=False)
    return account


def check_people(people: Iterable[tuple[str, str]], account_id: str | None, password: str | None) -> None:
    """Raise AccountError for names, or a password, that `add_account` would refuse; nothing is made."""
    known: list[tuple[str, str]] = []
    for each_id, each_name in people:
        check_account_id(each_id)
        check_distinct(each_id, check_printed_name(each_name), known)
        if each_id in {known_id for known_id, _ in known}:
            raise AccountError(f"The account id '{each_id}' is given twice. Each person has one of their own.")
        known.append((each_id, each_name))
    if account_id is not None and password is not None:
        check_password(password, account_id=account_id, name=dict(known)[account_id])


def set_password(
    workspace: Workspace, account_id: str, password: str, *, actor: Actor = SYSTEM, keep_session: bool = False
) -> None:
    """Give an account a new password: the person's own doing, or an administrator's for somebody else.

    Every session of the account ends, but with `keep_session` the one in which the person does it. A person's own
    has to be another than before.
    The log tells that it was set and by whom, and a digest of its hash.
    """
    if actor.account_id != account_id:
        require(actor, Permission.MANAGE_ACCOUNTS)
    account = _known(workspace, account_id)
    hashed = _hashed(password, account_id, account.name)
    if actor.account_id == account_id:
        _refuse_the_same(workspace, account_id, password)
    with workspace.store.transaction(actor):
        _refuse_signed_out(workspace, actor)
        _keep_password(workspace, account_id, hashed, public=False)
        kept = actor.proof.session_id if keep_session else None
        close_all_of(workspace, account_id, Ended.PASSWORD_SET, but=kept)


def give_public_password(workspace: Workspace, account_id: str) -> None:
    """Give an account of a demonstration the public password; any other workspace refuses it."""
    if not workspace.demo:
        raise NotPermitted(
            "Public passwords exist in demonstration workspaces only. Set one that nobody knows."
        )
    _known(workspace, account_id)
    hashed = hash_password(DEMO_PASSWORD)
    with workspace.store.transaction(SYSTEM):
        _keep_password(workspace, account_id, hashed, public=True)


def disable_account(workspace: Workspace, account_id: str, *, actor: Actor = SYSTEM) -> None:
    """Let an account do nothing from now on: its sessions end with the same step. Its past stays."""
    require(actor, Permission.MANAGE_ACCOUNTS)
    if actor.account_id == account_id:
        raise NotPermitted("You can't disable your own account. Ask another administrator.")
    _set_standing(workspace, account_id, actor, enabled=False)


def enable_account(workspace: Workspace, account_id: str, *, actor: Actor = SYSTEM) -> None:
    """Let a disabled account act again, under the same id, by the same person."""
    require(actor, Permission.MANAGE_ACCOUNTS)
    _set_standing(workspace, account_id, actor, enabled=True)


def _set_standing(workspace: Workspace, account_id: str, actor: Actor, *, enabled: bool) -> None:
    store, word = workspace.store, "enabled" if enabled else "disabled"
    _known(workspace, account_id)
    with store.transaction(actor):
        if _known(workspace, account_id).enabled == enabled:
            raise Conflict(f"The account '{account_id}' is {word} already. There is nothing to do.")
        event = audit.append(store, f"account.{word}", f"account:{account_id}", {"enabled": enabled})
        accounts.set_standing(store, account_id, enabled=enabled, event_id=event.event_id)
        if not enabled:
            close_all_of(workspace, account_id, Ended.DISABLED)


def link_identity(
    workspace: Workspace, account_id: str, *, issuer: str, subject: str, actor: Actor = SYSTEM
) -> None:
    """Let an identity provider's subject sign in as an account; a subject stands for one account at a time."""
    require(actor, Permission.MANAGE_ACCOUNTS)
    store = workspace.store
    _known(workspace, account_id)
    if not issuer.strip() or not subject.strip() or len(issuer) + len(subject) > 1000:
        raise AccountError(
            "An identity takes the issuer's address and the subject as the provider writes them."
        )
    with store.transaction(actor):
        linked = accounts.account_of_identity(store, issuer=issuer, subject=subject)
        if linked is not None:
            raise Conflict(f"That identity is linked to '{linked}' already. Unlink it first.")
        _keep_identity(workspace, account_id, issuer, subject, linked=True)


def unlink_identity(
    workspace: Workspace, account_id: str, *, issuer: str, subject: str, actor: Actor = SYSTEM
) -> None:
    """Let an identity provider's subject sign in as this account no more; the account's sessions end."""
    require(actor, Permission.MANAGE_ACCOUNTS)
    store = workspace.store
    with store.transaction(actor):
        if accounts.account_of_identity(store, issuer=issuer, subject=subject) != account_id:
            raise Conflict(f"That identity is not linked to '{account_id}'. There is nothing to do.")
        _keep_identity(workspace, account_id, issuer, subject, linked=False)
        close_all_of(workspace, account_id, Ended.SIGNED_OUT)


def _keep_identity(workspace: Workspace, account_id: str, issuer: str, subject: str, *, linked: bool) -> None:
    store, action = workspace.store, "identity.linked" if linked else "identity.unlinked"
    event = audit.append(store, action, f"account:{account_id}", {"issuer": issuer, "subject": subject})
    accounts.add_identity(
        store, account_id, issuer=issuer, subject=subject, linked=linked, event_id=event.event_id
    )


def _hashed(password: str, account_id: str, name: str) -> str:
    return hash_password(check_password(password, account_id=account_id, name=name))


def _refuse_the_same(workspace: Workspace, account_id: str, password: str) -> None:
    """Refuse a person's new password that is the one there is: whoever set that would still know it.

    Nobody else is told so, who could find out by it what somebody's password is.
    """
    row = accounts.password(workspace.store, account_id)
    if row is not None and verify_password(row.hash, password):
        raise AccountError("That is the password you have already. Choose another.")


def _refuse_signed_out(workspace: Workspace, actor: Actor) -> None:
    """Refuse whose session ended while a password was hashed, as by an administrator who set another one."""
    session = sessions.by_id(workspace.store, actor.proof.session_id or "")
    if session is not None and session.ended is not None:
        raise NotPermitted("You are signed out, so the password was not set. Sign in again.")


def _keep_password(workspace: Workspace, account_id: str, hashed: str, *, public: bool) -> None:
    store = workspace.store
    detail = {"hash_digest": text_digest(hashed), "public": public}
    event = audit.append(store, "password.set", f"account:{account_id}", detail)
    accounts.add_password(store, account_id, hashed, public=public, event_id=event.event_id)


def _known(workspace: Workspace, account_id: str) -> Account:
    account = accounts.find(workspace.store, account_id)
    if account is None:
        raise AccountError(
            f"There is no account '{account_id}' here. `hitl-review accounts list` shows who there is."
        )
    return account


def actor_of(workspace: Workspace, account_id: str | None) -> Actor:
    """Return who acts: the named account, or in a demo workspace without a name its first reader.

    This says in which role an account acts, not that somebody is who they say: that is `signing_in`.
    """
    if account_id is not None:
        return accounts.actor(workspace.store, account_id)
    known = [each for each in readers(workspace) if each.enabled]
    if not workspace.demo or not known:
        raise WorkspaceError("This act needs a person. Name the account with --as ACCOUNT.")
    return public_actor(workspace, known[0].account_id) or accounts.actor(
        workspace.store, known[0].account_id
    )


def public_actor(workspace: Workspace, account_id: str) -> Actor | None:
    """Return who acts under an account whose password everybody knows, or None where it is not public."""
    row = accounts.password(workspace.store, account_id)
    if not workspace.demo or row is None or not row.public:
        return None
    found = accounts.actor(workspace.store, account_id)
    return Actor(found.account_id, found.name, found.role, Proof(ProofMethod.DEMONSTRATION))


def readers(workspace: Workspace) -> list[Account]:
    """Return the accounts that may review cases."""
    return [each for each in accounts.everyone(workspace.store) if may(each.role, Permission.REVIEW)]
