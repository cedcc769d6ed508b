"""Who may do what: every role against every act."""

from __future__ import annotations

import pytest

from hitl_review.domain.account import SYSTEM, Actor, Permission, Role, may, require
from hitl_review.errors import NotPermitted

R, P = Role, Permission
ALLOWED = {
    R.READER: {P.REVIEW, P.READ_MODEL, P.READ_STUDY},
    R.ADJUDICATOR: {P.REVIEW, P.ADJUDICATE, P.READ_MODEL},
    R.AUDITOR: {
        *(P.READ_LOG, P.PUBLISH_CHECKPOINT, P.EXPORT, P.BACK_UP),
        *(P.READ_MODEL, P.READ_GATE, P.SEE_STUDY_RESULTS),
    },
    R.MODEL_STEWARD: {
        *(P.IMPORT, P.TRAIN, P.PROPOSE, P.STOP_MODEL, P.SET_ROUTING, P.EXPORT, P.BACK_UP),
        *(P.READ_MODEL, P.READ_GATE, P.READ_LOG),
    },
    R.APPROVER: {P.PROMOTE, P.ROLL_BACK, P.STOP_MODEL, P.READ_MODEL, P.READ_GATE, P.READ_LOG},
    R.STUDY_LEAD: {P.LEAD_STUDY, P.SEE_STUDY_RESULTS, P.EXPORT, P.READ_MODEL},
    R.ADMIN: {P.MANAGE_ACCOUNTS, P.BACK_UP, P.ROTATE_KEY},
    R.SYSTEM: set(P) - {P.REVIEW, P.ADJUDICATE, P.READ_STUDY},
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
