"""Accounts come back as they were made, and an unknown one acts in no role."""

from __future__ import annotations

import pytest

from hitl_review.domain.account import Role
from hitl_review.errors import Conflict, NotPermitted
from hitl_review.store import accounts
from hitl_review.workflow.accounts import add_account
from hitl_review.workflow.workspace import Workspace
from tests.ward import NOW


def test_accounts_come_back_in_the_order_they_were_made(workspace: Workspace) -> None:
    """With printed name, role and time."""
    everyone = accounts.everyone(workspace.store)
    assert [account.account_id for account in everyone] == [
        "reader-1",
        "reader-2",
        "auditor-1",
        "steward-1",
        "approver-1",
    ]
    assert (everyone[0].name, everyone[0].role, everyone[0].created_at) == ("Rita Reader", Role.READER, NOW)


def test_an_account_acts_in_its_role(workspace: Workspace) -> None:
    """The role is stored with the account, not told by whoever asks."""
    actor = accounts.actor(workspace.store, "auditor-1")
    assert (actor.account_id, actor.name, actor.role) == ("auditor-1", "Ada Auditor", Role.AUDITOR)


def test_an_unknown_account_may_nothing(workspace: Workspace) -> None:
    """A sentence that says who there is."""
    with pytest.raises(NotPermitted, match="no account 'mallory'"):
        accounts.actor(workspace.store, "mallory")


def test_an_account_id_is_given_once(workspace: Workspace) -> None:
    """Never to somebody else later."""
    with pytest.raises(Conflict):
        add_account(workspace, "reader-1", "Somebody Else", Role.READER)
    assert accounts.actor(workspace.store, "reader-1").name == "Rita Reader"
