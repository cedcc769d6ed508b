"""What a role may do, in a few words, for whoever chooses or shows one."""

from __future__ import annotations

from typing import Final

from hitl_review.domain.account import Permission, Role, may

ACTS: Final = (
    (Permission.REVIEW, "reviews cases"),
    (Permission.ADJUDICATE, "settles disputes"),
    (Permission.READ_LOG, "reads the audit log"),
    (Permission.TRAIN, "trains models"),
    (Permission.PROMOTE, "puts models in use"),
    (Permission.LEAD_STUDY, "leads studies"),
    (Permission.EXPORT, "exports data"),
    (Permission.MANAGE_ACCOUNTS, "manages accounts"),
)


def role_words(role: Role) -> str:
    """Return what a role may do here, in a few words."""
    acts = [words for permission, words in ACTS if may(role, permission)]
    return ", ".join(acts) or "reads about the model"
