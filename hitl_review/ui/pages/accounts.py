"""People and their roles, for an administrator: add, disable, enable. Passwords are set on a page of their own."""

from __future__ import annotations

import streamlit as st

from hitl_review.domain.account import Account, Actor, Permission, Role, require
from hitl_review.store import accounts
from hitl_review.ui import session, widgets
from hitl_review.ui.account_table import accounts_html
from hitl_review.ui.roles import role_words
from hitl_review.workflow.accounts import add_account, disable_account, enable_account
from hitl_review.workflow.workspace import Workspace

_HERE = "accounts"
_ROLES = [role for role in Role if role is not Role.SYSTEM]


def page(workspace: Workspace, actor: Actor) -> None:
    """Draw the accounts beside the forms that change them."""
    require(actor, Permission.MANAGE_ACCOUNTS)
    store = workspace.store
    everyone = accounts.everyone(store)
    listed, side = st.columns([13, 7], gap="large")
    with listed:
        st.title("Accounts", anchor=False)
        with_password = {each.account_id for each in everyone if accounts.password(store, each.account_id)}
        public = {each.account_id for each in accounts.with_public_password(store)} if workspace.demo else set()
        st.html(accounts_html(everyone, with_password=with_password, public=public))
        widgets.line("An account id is given once and to one person. What somebody signed stays signed.")
    with side, st.container(gap="medium", key="side"):
        widgets.refusal()
        _new_account(actor)
        _standing(everyone, actor)


def _new_account(actor: Actor) -> None:
    with st.form("new_account", clear_on_submit=False):
        st.subheader("A new account", anchor=False)
        st.text_input("Printed name", key=session.field("name", _HERE), placeholder="as it stands under signatures")
        st.text_input("Account id", key=session.field("id", _HERE), placeholder="for instance anna-berg")
        st.selectbox(
            "Role",
            _ROLES,
            key=session.field("role", _HERE),
            format_func=lambda role: f"{role.words}: {role_words(role)}",
        )
        st.form_submit_button(
            "Make the account", on_click=session.guarded(_add), args=(actor.account_id,), width="stretch"
        )


def _add(account_id: str) -> None:
    name, new_id = session.value("name", _HERE, ""), session.value("id", _HERE, "")
    with session.workspace() as workspace:
        admin = session.same_actor(workspace, account_id)
        add_account(workspace, new_id.strip(), name, session.value("role", _HERE), actor=admin)
    session.set_value("name", _HERE, "")
    session.set_value("id", _HERE, "")
    st.toast(f"The account {new_id} is made. Set its password next.")


def _standing(everyone: list[Account], actor: Actor) -> None:
    others = {each.account_id: each for each in everyone if each.account_id != actor.account_id}
    with st.container(border=True, gap="small"):
        st.subheader("Disable or enable", anchor=False)
        chosen = st.selectbox(
            "Account",
            list(others),
            index=None,
            key=session.field("chosen", _HERE),
            format_func=lambda account_id: f"{others[account_id].name} ({account_id})",
            placeholder="Choose an account",
        )
        account = others.get(chosen or "")
        if account is None:
            widgets.line("A disabled account is signed out at once, in every tab.")
            return
        verb = "Disable" if account.enabled else "Enable"
        st.button(
            f"{verb} {widgets.literal(account.name)}",
            on_click=session.guarded(_switch),
            args=(actor.account_id, account.account_id, not account.enabled),
            width="stretch",
        )


def _switch(admin_id: str, account_id: str, enable: bool) -> None:
    change = enable_account if enable else disable_account
    with session.workspace() as workspace:
        change(workspace, account_id, actor=session.same_actor(workspace, admin_id))


with session.workspace() as open_one:
    person = session.actor(open_one)
    if person is not None:
        page(open_one, person)
