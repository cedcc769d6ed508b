"""Which passwords are taken: long ones, without rules of composition (NIST SP 800-63B, section 5.1.1)."""

from __future__ import annotations

import unicodedata
from typing import Final

from hitl_review.errors import AccountError

SHORTEST: Final = 12
LONGEST: Final = 128
"""A bound, because a hash of a megabyte is a way to keep a server busy."""
DEMO_PASSWORD: Final = "demonstration"
"""The public password of every account of a demonstration; it opens nothing anywhere else."""
_COMMON_ONES: Final = """
    123456789012 1234567890123 12345678901234 123123123123 111111111111 000000000000 aaaaaaaaaaaa
    abcdefghijkl abcdefghijklm qwertyuiop12 qwertyuiop123 qwertyuiopas qwertyqwerty 1q2w3e4r5t6y 1qaz2wsx3edc
    password1234 password12345 passwordpassword passw0rdpassw0rd mypassword123 letmeinletmein administrator
    adminadminadmin welcome12345 welcomewelcome changemechangeme iloveyouiloveyou hospital1234 hospitalhospital
    demonstration hitl-review-1 hitlreviewhitlreview
    """
_COMMON: Final = frozenset(_COMMON_ONES.split())


def normal(password: str) -> str:
    """Return a password in the one form that is hashed, so that every keyboard gives the same (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def check_password(password: str, *, account_id: str, name: str) -> str:
    """Return a new password in its normal form, or say what is wrong with it without repeating it."""
    written = normal(password)
    if len(written) < SHORTEST:
        raise AccountError(
            f"A password takes at least {SHORTEST} characters. A few words in a row are easy to keep."
        )
    if len(written) > LONGEST:
        raise AccountError(f"A password takes at most {LONGEST} characters.")
    if any(unicodedata.category(each) in ("Cc", "Cs") for each in written):
        raise AccountError("A password holds no line breaks and no control characters.")
    plain = written.casefold()
    if plain in _COMMON or len(set(plain)) < 4:
        raise AccountError(
            "That password is among those tried first. Choose a few words that belong to nobody."
        )
    if _without_spaces(plain) in {_without_spaces(account_id.casefold()), _without_spaces(name.casefold())}:
        raise AccountError(
            "A password may not be the account's own name. Choose a few words that belong to nobody."
        )
    return written


def _without_spaces(text: str) -> str:
    return "".join(text.split())
