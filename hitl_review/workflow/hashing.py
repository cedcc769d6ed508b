"""Passwords as hashes: argon2id with the OWASP profile (19 MiB, two passes, one lane), two at a time.

Each hash takes 19 MiB for about a tenth of a second, so they are counted: a flood of sign-ins waits
in line instead of taking the server's memory. A name that nobody has costs the same time as a wrong
password, so that time tells nobody who has an account.

    OWASP Password Storage Cheat Sheet; RFC 9106
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from hitl_review.domain.password import LONGEST, normal
from hitl_review.errors import StoreUnavailable

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
_AT_ONCE: Final = threading.BoundedSemaphore(2)
WAITING_SECONDS: Final = 10.0


@contextmanager
def _in_line() -> Iterator[None]:
    if not _AT_ONCE.acquire(timeout=WAITING_SECONDS):
        raise StoreUnavailable(
            "Too many people sign in at this moment, so nothing was done. Try again in a minute."
        )
    try:
        yield
    finally:
        _AT_ONCE.release()


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, with a salt of its own."""
    with _in_line():
        return _HASHER.hash(normal(password))


def verify_password(hashed: str | None, password: str) -> bool:
    """Tell whether a password belongs to a hash. Without a hash, take the same time and say no."""
    _nobodys_hash()
    with _in_line():
        try:
            right = _HASHER.verify(hashed or _nobodys_hash(), normal(password)[: LONGEST + 1])
        except (InvalidHashError, VerificationError):
            return False
    return right and hashed is not None


@cache
def _nobodys_hash() -> str:
    return _HASHER.hash(secrets.token_urlsafe(32))
