"""Who is signed in: what a ui session is, when it ends, and how many wrong tries are too many."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from hitl_review.domain.signature import ProofMethod


class Ended(StrEnum):
    """Why a ui session ended."""

    SIGNED_OUT = "signed out"
    IDLE = "idle"
    EXPIRED = "expired"
    DISABLED = "account disabled"
    PASSWORD_SET = "password set"


@dataclass(frozen=True, slots=True)
class UiSession:
    """A person signed in at one browser. What the browser keeps is a secret; only its digest is stored."""

    session_id: str
    account_id: str
    method: ProofMethod
    opened_at: datetime
    seen_at: datetime
    ends_at: datetime
    """The latest end, whatever is done: a day's work, or what the identity provider said."""
    proved_at: datetime
    """When the person last gave a password, or the identity provider its word: at sign-in, or later for a signature."""
    proved_by: ProofMethod
    ended: Ended | None = None

    def end_at(self, now: datetime, *, idle: timedelta) -> Ended | None:
        """Say why it is over at a moment, or None while it goes on.

        Who was last seen in the future was seen by a clock that was set back since; nobody knows when that was.
        """
        if self.ended is not None:
            return self.ended
        if now >= self.ends_at:
            return Ended.EXPIRED
        return Ended.IDLE if abs(now - self.seen_at) >= idle else None
