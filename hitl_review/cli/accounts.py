"""Commands on people: accounts, roles, passwords, linked identities, and what each role may do."""

from __future__ import annotations

from pathlib import Path

import click

from hitl_review.cli.arguments import (
    account_option,
    acting,
    json_option,
    password_file_option,
    password_given,
    workspace_argument,
    workspace_command,
)
from hitl_review.cli.showing import print_json, tell
from hitl_review.domain.account import Permission, Role, may
from hitl_review.domain.audit import stamp

_ROLES = [role.value for role in Role if role is not Role.SYSTEM]


@click.group("accounts")
def accounts() -> None:
    """People and their roles: add, disable, enable, list, set passwords, link identities.

    Whoever can write the workspace's files may do all of this; the log then says that `system` did
    it. With --as, an administrator does it by name.
    """


@workspace_command("add", example="hitl-review accounts add clinic anna 'Anna Berg' --role reader")
@workspace_argument
@click.argument("account_id", metavar="ID")
@click.argument("name")
@click.option("--role", type=click.Choice(_ROLES), required=True, help="What the account may do; one role.")
@click.option(
    "--without-password", is_flag=True, help="Set none now: nobody can sign in until `accounts password` does."
)
@click.option("--as", "account", metavar="ADMIN", help="The administrator who acts; the password is asked for.")
@password_file_option
def add(
    workspace: Path, account_id: str, name: str, role: str, without_password: bool, account: str | None
) -> None:
    """Make an account ID for a person whose printed name is NAME.

    The password of the new account is asked for, or read from the first line of --password-file. An
    id is given once, and never to somebody else. With --as, --password-file holds the
    administrator's; the new account then begins without one.
    """
    from hitl_review.workflow.accounts import add_account
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        actor = acting(opened, account)
        ask = account is None and not without_password
        password = password_given(f"Password for {account_id}", confirm=True) if ask else None
        made = add_account(opened, account_id, name, Role(role), actor=actor, password=password)
    tell(f"The account {made.account_id} is made: {made.name}, {made.role.words}.")
    if password is None:
        tell(f"Next: hitl-review accounts password {workspace} {made.account_id}")


@workspace_command("disable", example="hitl-review accounts disable clinic anna")
@workspace_argument
@click.argument("account_id", metavar="ID")
@account_option
def disable(workspace: Path, account_id: str, account: str | None) -> None:
    """Let an account do nothing from now on; its sessions end at once.

    What it signed stays signed, and its id is never given to somebody else.
    """
    from hitl_review.workflow.accounts import disable_account
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        disable_account(opened, account_id, actor=acting(opened, account))
    tell(f"The account {account_id} is disabled, and its sessions are over.")


@workspace_command("enable", example="hitl-review accounts enable clinic anna")
@workspace_argument
@click.argument("account_id", metavar="ID")
@account_option
def enable(workspace: Path, account_id: str, account: str | None) -> None:
    """Let a disabled account act again, for the same person."""
    from hitl_review.workflow.accounts import enable_account
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        enable_account(opened, account_id, actor=acting(opened, account))
    tell(f"The account {account_id} may act again.")


@workspace_command("list", example="hitl-review accounts list clinic")
@workspace_argument
@json_option
def list_accounts(workspace: Path, as_json: bool) -> None:
    """List the accounts, disabled ones too."""
    from hitl_review.store import accounts as store_accounts
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        everyone = store_accounts.everyone(opened.store)
        with_password = {
            each.account_id for each in everyone if store_accounts.password(opened.store, each.account_id)
        }
    if as_json:
        told = [
            {
                "account": each.account_id,
                "name": each.name,
                "role": each.role.value,
                "enabled": each.enabled,
                "password": each.account_id in with_password,
                "created_at": stamp(each.created_at),
            }
            for each in everyone
        ]
        print_json({"accounts": told})
        return
    for each in everyone:
        notes = [] if each.enabled else ["disabled"]
        notes += [] if each.account_id in with_password else ["no password"]
        tell(f"{each.account_id:<16} {each.name:<28} {each.role.words:<14} {', '.join(notes)}".rstrip())


@workspace_command("password", example="hitl-review accounts password clinic anna")
@workspace_argument
@click.argument("account_id", metavar="ID")
@password_file_option
def password(workspace: Path, account_id: str) -> None:
    """Set the password of an account, typed twice or from --password-file; its sessions end.

    At least 12 characters, and no rule of composition. Whoever can write the files may do this, and
    the log says that `system` did. People change their own on the page.
    """
    from hitl_review.workflow.accounts import set_password
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        set_password(opened, account_id, password_given(f"New password for {account_id}", confirm=True))
    tell(f"The password of {account_id} is set.")


@workspace_command(
    "link", example="hitl-review accounts link clinic anna --issuer https://id.example --subject 8f2c"
)
@workspace_argument
@click.argument("account_id", metavar="ID")
@click.option("--issuer", required=True, help="The identity provider, as its tokens name it (`iss`).")
@click.option("--subject", required=True, help="The person, as the provider's tokens name them (`sub`).")
@click.option("--remove", is_flag=True, help="Take the link away again.")
@account_option
def link(
    workspace: Path, account_id: str, issuer: str, subject: str, remove: bool, account: str | None
) -> None:
    """Let a person of an identity provider (OpenID Connect) sign in as an account.

    The role stays the account's. Who is not linked is refused, and the log says so.
    """
    from hitl_review.workflow.accounts import link_identity, unlink_identity
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        change = unlink_identity if remove else link_identity
        change(opened, account_id, issuer=issuer, subject=subject, actor=acting(opened, account))
    tell(f"The identity is {'no longer ' if remove else ''}linked to {account_id}.")


@workspace_command("permissions", example="hitl-review accounts permissions --json")
@json_option
def permissions(as_json: bool) -> None:
    """Print which role may do what: every act, every role. The same matrix decides each act."""
    if as_json:
        matrix = {
            permission.name.lower(): {role.value: may(role, permission) for role in Role}
            for permission in Permission
        }
        print_json({"permissions": matrix})
        return
    widest = max(len(permission.value) for permission in Permission)
    heads = [role.words for role in Role]
    tell("  ".join(["".ljust(widest), *heads]))
    for permission in Permission:
        cells = [
            ("yes" if may(role, permission) else "-").ljust(len(head))
            for role, head in zip(Role, heads, strict=True)
        ]
        tell("  ".join([permission.value.ljust(widest), *cells]).rstrip())


for _command in (add, disable, enable, list_accounts, password, link, permissions):
    accounts.add_command(_command)
