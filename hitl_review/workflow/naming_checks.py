"""Accounts whose names nobody could have been given here: to be taken for somebody else, or to be seen by nobody.

An account is made by the rules of `domain.naming`. Whoever holds the file can add one past them, with its event.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from hitl_review.domain.naming import check_account_id, check_printed_name, skeleton
from hitl_review.errors import AccountError
from hitl_review.store import counterparts
from hitl_review.store.connection import Store

NO_NAME = "an account was made under an id or a name that nobody is given"
ALIKE = "an account was made that is told from an earlier one by capitals only, or by letters that look alike"


def misnamed(store: Store) -> Iterator[tuple[int, str]]:
    """Yield the events of accounts that the rules of names refuse, or that look like an earlier one."""
    ids: set[str] = set()
    names: set[str] = set()
    for account_id, name, seq in counterparts.named_since(store):
        looks = (account_id.casefold(), skeleton(name))
        if not _is_given(account_id, name):
            yield seq, NO_NAME
        elif looks[0] in ids or looks[1] in names:
            yield seq, ALIKE
        ids.add(looks[0])
        names.add(looks[1])


def _is_given(account_id: str, name: str) -> bool:
    try:
        check_account_id(account_id)
        known = _with_letters_of_later(name)
        return check_printed_name(known) == known
    except AccountError:
        return False


def _with_letters_of_later(name: str) -> str:
    """Return a name with an x for each letter that this program's Unicode does not know: a later one may."""
    return "".join("x" if unicodedata.category(each) == "Cn" else each for each in name)
