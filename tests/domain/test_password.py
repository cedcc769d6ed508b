"""Which passwords are taken: long ones; never one that is tried first; and what is said of a refused one."""

from __future__ import annotations

import pytest

from hitl_review.domain.password import DEMO_PASSWORD, LONGEST, SHORTEST, check_password
from hitl_review.errors import AccountError


def check(password: str) -> str:
    """Check a password of Anna Berg's."""
    return check_password(password, account_id="anna-berg-1", name="Anna Katharina Berg")


@pytest.mark.parametrize(
    "password", ["three words of ours", "x7" * 6 + "qz", "pässwörter sind länger", "長い合言葉をここに書きます"]
)
def test_length_is_enough(password: str) -> None:
    """No capitals, digits or signs are asked for."""
    assert check(password)


@pytest.mark.parametrize("password", ["", "short", "x7q!" * 2 + "abc", "x7qz" * 33])
def test_too_short_and_too_long_are_refused(password: str) -> None:
    """Between 12 and 128 characters."""
    assert not SHORTEST <= len(password) <= LONGEST
    with pytest.raises(AccountError):
        check(password)


@pytest.mark.parametrize(
    "password",
    [
        *("passwordpassword", "PASSWORD1234", "aaaaaaaaaaaaaaaa", "abababababab"),
        *(DEMO_PASSWORD, "AnnaKatharinaBerg", "Anna Katharina Berg"),
    ],
)
def test_what_is_tried_first_is_refused(password: str) -> None:
    """Common ones, few different characters, the demonstration's own, and the person's name; in any case of letters."""
    with pytest.raises(AccountError):
        check(password)


def test_a_refused_password_is_not_repeated() -> None:
    """Sentences end in logs and on screens."""
    for password in ("secret-me", "passwordpassword", "tab\tin the middle"):
        with pytest.raises(AccountError) as refused:
            check(password)
        assert password not in str(refused.value)


def test_every_keyboard_gives_the_same_password() -> None:
    """A composed and a decomposed letter are one."""
    assert check("mu\u0308nster in summer") == check("münster in summer")
