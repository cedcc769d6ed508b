"""Accounts, passwords and standings that can't have come about as they stand."""

from __future__ import annotations

from typing import Final

from hitl_review.domain.account import SYSTEM, Permission, Role, may
from hitl_review.store.successions.look import Look

_GIVEN: Final = ", ".join(f"'{role.value}'" for role in Role if role is not Role.SYSTEM)
_MANAGING: Final = ", ".join(f"'{role.value}'" for role in Role if may(role, Permission.MANAGE_ACCOUNTS))
_BEFORE: Final = (
    "coalesce((SELECT e.enabled FROM standings e WHERE e.account_id = s.account_id AND e.rowid < s.rowid"
    " ORDER BY e.rowid DESC LIMIT 1), 1)"
)
PEOPLE: Final = (
    Look(
        "a.event_id",
        "accounts a",
        {"an account was made in a role that nobody is given": f"a.role NOT IN ({_GIVEN})"},
    ),
    Look(
        "p.event_id",
        f"passwords p LEFT JOIN accounts b ON b.account_id = p.set_by WHERE p.set_by <> '{SYSTEM.account_id}'",
        {
            "somebody else's password was set by one who manages no accounts": (
                f"p.set_by <> p.account_id AND coalesce(b.role NOT IN ({_MANAGING}), 1)"
            ),
            "a password was made public by a person": "p.public",
        },
    ),
    Look(
        "s.event_id",
        "standings s",
        {
            "somebody disabled or enabled their own account": "s.by = s.account_id",
            "an account was disabled or enabled that was so already": f"s.enabled = {_BEFORE}",
        },
    ),
)
