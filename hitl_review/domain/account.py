"""Who acts, and what each role may do. A page that is hidden is no access control: this is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hitl_review.errors import NotPermitted


class Role(StrEnum):
    """The role a person acts in."""

    READER = "reader"
    ADJUDICATOR = "adjudicator"
    AUDITOR = "auditor"
    MODEL_STEWARD = "model_steward"
    APPROVER = "approver"
    STUDY_LEAD = "study_lead"
    ADMIN = "admin"
    SYSTEM = "system"

    @property
    def words(self) -> str:
        """The role as people say it."""
        return self.value.replace("_", " ")


class Permission(StrEnum):
    """An act that only some roles may do."""

    REVIEW = "review cases"
    IMPORT = "import cases and outcomes"
    TRAIN = "train a model"
    PROMOTE = "promote a model"
    READ_LOG = "read the audit log"
    EXPORT = "export data"
    READ_MODEL = "read about the model"
    MANAGE_ACCOUNTS = "manage accounts"


_GRANTS: dict[Role, frozenset[Permission]] = {
    Role.READER: frozenset({Permission.REVIEW, Permission.READ_MODEL}),
    Role.ADJUDICATOR: frozenset({Permission.REVIEW, Permission.READ_MODEL}),
    Role.AUDITOR: frozenset({Permission.READ_LOG, Permission.EXPORT, Permission.READ_MODEL}),
    Role.MODEL_STEWARD: frozenset(
        {Permission.IMPORT, Permission.TRAIN, Permission.EXPORT, Permission.READ_MODEL, Permission.READ_LOG}
    ),
    Role.APPROVER: frozenset({Permission.PROMOTE, Permission.READ_MODEL, Permission.READ_LOG}),
    Role.STUDY_LEAD: frozenset({Permission.EXPORT, Permission.READ_MODEL}),
    Role.ADMIN: frozenset({Permission.MANAGE_ACCOUNTS}),
    Role.SYSTEM: frozenset(Permission) - {Permission.REVIEW},
}


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may act; `name` is the printed name that stands under a signature."""

    account_id: str
    name: str
    role: Role
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts in one transaction, and in which role."""

    account_id: str
    name: str
    role: Role


SYSTEM = Actor("system", "system", Role.SYSTEM)
"""The product itself: workspace set-up, and scripts run by whoever holds the files."""


def may(role: Role, permission: Permission) -> bool:
    """Tell whether a role may do an act."""
    return permission in _GRANTS[role]


def require(actor: Actor, permission: Permission) -> None:
    """Raise NotPermitted unless the actor's role may do the act."""
    if not may(actor.role, permission):
        roles = ", ".join(role.words for role in Role if may(role, permission) and role is not Role.SYSTEM)
        raise NotPermitted(
            f"The role {actor.role.words} may not {permission.value}. It takes one of: {roles}."
        )
