"""Who may act in a workspace."""

from __future__ import annotations

import pytest

from hitl_review.domain.account import Actor, Permission, Role, may
from hitl_review.errors import Conflict, NotPermitted, WorkspaceError
from hitl_review.store import accounts, audit
from hitl_review.workflow.accounts import actor_of, add_account, readers
from hitl_review.workflow.workspace import Workspace


def test_an_account_is_made_with_its_event(workspace: Workspace) -> None:
    """Name and role stand in the log."""
    add_account(workspace, "reader-3", "Third Reader", Role.READER)
    told = [event.told for event in audit.events(workspace.store)][-1]
    assert (told["action"], told["subject"]) == ("account.created", "account:reader-3")
    assert told["detail"] == {"name": "Third Reader", "role": "reader"}


def test_an_account_id_is_given_once(workspace: Workspace) -> None:
    """Never to somebody else; the refusal says so, and nothing of the database."""
    with pytest.raises(Conflict, match=r"account 'reader-1' already.* Choose another account id\.$"):
        add_account(workspace, "reader-1", "Somebody Else", Role.READER)
    assert accounts.actor(workspace.store, "reader-1").name == "Rita Reader"


def test_who_is_not_known_can_not_act(workspace: Workspace) -> None:
    """The known accounts are told."""
    with pytest.raises(NotPermitted, match="reader-1"):
        actor_of(workspace, "nobody")


def test_in_a_demonstration_the_first_reader_acts_for_scripts(workspace: Workspace) -> None:
    """Elsewhere a person has to be named."""
    assert actor_of(workspace, None).account_id == "reader-1"


def test_elsewhere_nobody_acts_unnamed(clinic: Workspace) -> None:
    """The sentence says how to name one."""
    add_account(clinic, "anna", "Anna Berg", Role.READER)
    with pytest.raises(WorkspaceError, match="--as"):
        actor_of(clinic, None)


def test_only_those_who_may_review_are_readers(workspace: Workspace) -> None:
    """By their role."""
    assert [each.account_id for each in readers(workspace)] == ["reader-1", "reader-2"]


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.ADMIN, Role.SYSTEM)])
def test_only_an_administrator_makes_accounts(workspace: Workspace, role: Role) -> None:
    """Nobody grants rights to oneself."""
    with pytest.raises(NotPermitted):
        add_account(workspace, "new-one", "New", Role.READER, actor=Actor("x", "X", role))


def test_no_role_can_both_judge_and_audit_or_promote() -> None:
    """The separations that everything else rests on, cell by cell."""
    for role in Role:
        assert not (may(role, Permission.REVIEW) and may(role, Permission.READ_LOG)), role
        assert not (may(role, Permission.REVIEW) and may(role, Permission.PROMOTE)), role
    assert not may(Role.ADMIN, Permission.REVIEW) and not may(Role.SYSTEM, Permission.REVIEW)
    assert not may(Role.MODEL_STEWARD, Permission.PROMOTE) and not may(Role.APPROVER, Permission.TRAIN)
