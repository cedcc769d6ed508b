"""Who acts, and what each role may do. A page that is hidden is no access control: this is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hitl_review.domain.signature import UNPROVED, Proof
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
    ADJUDICATE = "adjudicate disputed cases"
    IMPORT = "import cases and outcomes"
    TRAIN = "train a model"
    PROPOSE = "propose a model for use"
    PROMOTE = "promote a model"
    ROLL_BACK = "go back to an earlier model"
    STOP_MODEL = "stop the model"
    SET_ROUTING = "set which cases people read"
    READ_MODEL = "read about the model"
    READ_GATE = "read gate reports and monitoring"
    READ_LOG = "read the audit log"
    PUBLISH_CHECKPOINT = "publish a checkpoint"
    ROTATE_KEY = "change the key that signs checkpoints"
    EXPORT = "export data"
    BACK_UP = "back up the workspace"
    READ_STUDY = "read study cases"
    LEAD_STUDY = "lead a study"
    SEE_STUDY_RESULTS = "see study results"
    MANAGE_ACCOUNTS = "manage accounts"


_GRANTS: dict[Role, frozenset[Permission]] = {
    Role.READER: frozenset({Permission.REVIEW, Permission.READ_MODEL, Permission.READ_STUDY}),
    Role.ADJUDICATOR: frozenset({Permission.REVIEW, Permission.ADJUDICATE, Permission.READ_MODEL}),
    Role.AUDITOR: frozenset(
        {
            Permission.READ_LOG,
            Permission.PUBLISH_CHECKPOINT,
            Permission.EXPORT,
            Permission.BACK_UP,
            Permission.READ_MODEL,
            Permission.READ_GATE,
            Permission.SEE_STUDY_RESULTS,
        }
    ),
    Role.MODEL_STEWARD: frozenset(
        {
            Permission.IMPORT,
            Permission.TRAIN,
            Permission.PROPOSE,
            Permission.STOP_MODEL,
            Permission.SET_ROUTING,
            Permission.EXPORT,
            Permission.BACK_UP,
            Permission.READ_MODEL,
            Permission.READ_GATE,
            Permission.READ_LOG,
        }
    ),
    Role.APPROVER: frozenset(
        {
            Permission.PROMOTE,
            Permission.ROLL_BACK,
            Permission.STOP_MODEL,
            Permission.READ_MODEL,
            Permission.READ_GATE,
            Permission.READ_LOG,
        }
    ),
    Role.STUDY_LEAD: frozenset(
        {Permission.LEAD_STUDY, Permission.SEE_STUDY_RESULTS, Permission.EXPORT, Permission.READ_MODEL}
    ),
    Role.ADMIN: frozenset({Permission.MANAGE_ACCOUNTS, Permission.BACK_UP, Permission.ROTATE_KEY}),
    Role.SYSTEM: frozenset(Permission) - {Permission.REVIEW, Permission.ADJUDICATE, Permission.READ_STUDY},
}


ACTS: Mapping[str, Permission] = {
    **dict.fromkeys(("case.received", "outcome.recorded"), Permission.IMPORT),
    **dict.fromkeys(
        (
            "prediction.shown",
            "read.committed",
            "decision.accepted",
            "decision.overridden",
            "decision.deferred",
            "decision.amended",
        ),
        Permission.REVIEW,
    ),
    "label.resolved": Permission.ADJUDICATE,
    **dict.fromkeys(
        ("model.trained", "gate.passed", "gate.failed", "gate.undecided", "combination.fitted"), Permission.TRAIN
    ),
    "model.proposed": Permission.PROPOSE,
    **dict.fromkeys(("model.promoted", "model.declined"), Permission.PROMOTE),
    "model.rolled_back": Permission.ROLL_BACK,
    "model.stopped": Permission.STOP_MODEL,
    "routing.set": Permission.SET_ROUTING,
    **dict.fromkeys(("study.opened", "study.shown", "study.read"), Permission.READ_STUDY),
    **dict.fromkeys(
        (
            *("study.drafted", "study.outputs_fixed", "study.scheduled", "study.sealed", "study.frozen"),
            *("study.started", "study.amended", "study.washout_waived", "study.locked", "study.unsealed"),
            "study.reported",
        ),
        Permission.LEAD_STUDY,
    ),
    **dict.fromkeys(
        ("audit.sampled", "sample.reviewed", "audit.exported", "receipt.issued"), Permission.READ_LOG
    ),
    "data.exported": Permission.EXPORT,
    "study.exported": Permission.SEE_STUDY_RESULTS,
    "key.rotated": Permission.ROTATE_KEY,
    **dict.fromkeys(
        (
            "account.created",
            "account.disabled",
            "account.enabled",
            "identity.linked",
            "identity.unlinked",
        ),
        Permission.MANAGE_ACCOUNTS,
    ),
}
"""What the role of whoever did it had to be permitted, by the action that tells of it: of acts that left a row, or
took something out of the workspace.

No permission that stands here may be taken from a role later: what was done by it in time would be called wrong.
"""


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may act; `name` is the printed name that stands under a signature."""

    account_id: str
    name: str
    role: Role
    created_at: datetime
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts in one transaction, in which role, and how it is known to be that person."""

    account_id: str
    name: str
    role: Role
    proof: Proof = field(default=UNPROVED, compare=False)


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


def ensure_other(first: Actor | str, second: Actor, *, act: str) -> None:
    """Raise NotPermitted if both are one person: nobody approves an own proposal or adjudicates an own read.

    `first` did what `second` is asked to judge; `act` says in words what a second person has to do.
    """
    first_id = first if isinstance(first, str) else first.account_id
    if first_id == second.account_id:
        raise NotPermitted(f"Somebody else has to {act}: you can't judge what you did yourself.")
