"""What stands under a decision or a promotion: who, what it means, when, and how it was known to be that person.

21 CFR 11.50 asks for the printed name, the time and the meaning; 11.200 for a proof of who signs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ProofMethod(StrEnum):
    """How it was known who acts."""

    PASSWORD = "password"
    """The password was given for this very act, or within the signing window."""
    SESSION = "session"
    """The person had signed in with a password; the time of that stands beside it."""
    IDENTITY = "identity"
    """The person had signed in with an identity provider."""
    DEMONSTRATION = "demonstration"
    """A public account of a demonstration: nothing is proved."""
    NONE = "none"
    """Nothing was asked: the product itself, or a script of whoever holds the files."""

    @property
    def words(self) -> str:
        """The method as a person reads it under a signature."""
        return _WORDS[self]


_WORDS = {
    ProofMethod.PASSWORD: "password given for it",
    ProofMethod.SESSION: "signed in with a password",
    ProofMethod.IDENTITY: "signed in with an identity provider",
    ProofMethod.DEMONSTRATION: "public demo account",
    ProofMethod.NONE: "no sign-in",
}


@dataclass(frozen=True, slots=True)
class Proof:
    """How and when somebody last proved who they are."""

    method: ProofMethod
    at: datetime | None = None
    session_id: str | None = None
    """The ui session it belongs to; None on the command line, where one command is one act."""
    act: str | None = None
    """The act that the password was given for, by its token; None where it was given for a whole session."""


UNPROVED = Proof(ProofMethod.NONE)


@dataclass(frozen=True, slots=True)
class Signature:
    """The printed name, the meaning and the time that stand under an act, and what proved who signed."""

    name: str
    meaning: str
    at: datetime
    method: ProofMethod = ProofMethod.NONE
    proved_at: datetime | None = None

    @property
    def words(self) -> str:
        """The signature as one line: name, meaning, time, how it was known."""
        return f"{self.name}, {self.meaning}, {self.at:%Y-%m-%d %H:%M:%S} UTC ({self.method.words})"
