"""Who may do what: every role against every act."""

from __future__ import annotations

import pytest

from hitl_review.domain.account import SYSTEM, Actor, Permission, Role, may, require
from hitl_review.errors import NotPermitted

ALLOWED = {
    Role.READER: {Permission.REVIEW, Permission.READ_MODEL},
    Role.ADJUDICATOR: {Permission.REVIEW, Permission.READ_MODEL},
    Role.AUDITOR: {Permission.READ_LOG, Permission.EXPORT, Permission.READ_MODEL},
    Role.MODEL_STEWARD: {
        Permission.IMPORT,
        Permission.TRAIN,
        Permission.EXPORT,
        Permission.READ_MODEL,
        Permission.READ_LOG,
    },
    Role.APPROVER: {Permission.PROMOTE, Permission.READ_MODEL, Permission.READ_LOG},
    Role.STUDY_LEAD: {Permission.EXPORT, Permission.READ_MODEL},
    Role.ADMIN: {Permission.MANAGE_ACCOUNTS},
    Role.SYSTEM: set(Permission) - {Permission.REVIEW},
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_each_role_may_do_its_acts_and_no_other(role: Role, permission: Permission) -> None:
    """Cell by cell: an auditor can't write, an admin can't decide, the product itself never judges a case."""
    assert may(role, permission) == (permission in ALLOWED[role])


@pytest.mark.parametrize("permission", Permission)
def test_a_refusal_names_the_roles_it_takes(permission: Permission) -> None:
    """In words, without the product itself."""
    for role in Role:
        actor = Actor("anna", "Anna", role)
        if may(role, permission):
            require(actor, permission)
            continue
        with pytest.raises(NotPermitted) as refused:
            require(actor, permission)
        assert role.words in str(refused.value)
        assert "system" not in str(refused.value).removeprefix("The role system")


def test_the_product_acts_under_a_name_of_its_own() -> None:
    """So that the log tells it from every person."""
    assert (SYSTEM.account_id, SYSTEM.role) == ("system", Role.SYSTEM)
