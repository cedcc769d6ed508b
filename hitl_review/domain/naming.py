"""What a person may be called here: account ids that can't be confused, printed names that hide nothing.

A signature is only as good as the name under it. Account ids are plain ASCII; printed names may use
every script but no invisible or reordering character, and no two people may have names that look alike.

    Unicode TR36 and TR39; the pairs below are the letters of Greek and Cyrillic that look Latin.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from hitl_review.domain.printing import BLANK
from hitl_review.errors import AccountError

NAME_LIMIT: Final = 100
_ACCOUNT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RESERVED: Final = frozenset({"system", "unknown"})
_ALIKE: Final = (
    "аa вb сc ԁd еe ғf һh іi јj кk ӏl мm нh оo рp ԛq гr ѕs тt υu ѵv ԝw хx уy "  # Cyrillic
    "αa βb εe ηn κk μu νv οo ρp τt υu χx γy ωw ιi "  # Greek
    "0o 1l |l ıi ɑa ɡg ℓl"
)
_LOOKALIKES: Final = {ord(pair[0]): pair[1] for pair in _ALIKE.split()}
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def check_account_id(account_id: str) -> str:
    """Return an account id if it can be read in one way only: ASCII letters, digits, dot, hyphen, underscore."""
    if not _ACCOUNT_ID.fullmatch(account_id):
        raise AccountError(
            "An account id takes 1 to 64 of a to z, A to Z, 0 to 9, dot, hyphen and underscore, and begins with "
            "a letter or a digit. Choose one, for instance anna-berg."
        )
    if account_id.casefold() in _RESERVED:
        raise AccountError(f"'{account_id}' is a name of the product's own. Choose another account id.")
    return account_id


def check_printed_name(name: str) -> str:
    """Return a printed name, spaces put in order, if every character of it can be seen."""
    hidden = next((each for each in name if each in BLANK or unicodedata.category(each) in _HIDDEN), None)
    if hidden is not None:
        raise AccountError(
            f"A printed name may hold no invisible or reordering character; U+{ord(hidden):04X} was found. "
            "Type the name by hand."
        )
    written = " ".join(unicodedata.normalize("NFC", name).split())
    if not written or len(written) > NAME_LIMIT:
        raise AccountError(
            f"A printed name takes 1 to {NAME_LIMIT} characters. Write it as it is to be printed."
        )
    if not any(each.isalpha() for each in written):
        raise AccountError("A printed name needs a letter: it stands under signatures.")
    return written


def skeleton(name: str) -> str:
    r"""Return what a name looks like, whatever it is made of: the same for names that a reader would confuse.

    >>> skeleton("Anna Berg") == skeleton("\u0410nn\u0430  \u0412erg")
    True
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    seen = "".join(each for each in plain if not unicodedata.category(each).startswith(("M", "C")))
    alike = seen.translate(_LOOKALIKES).replace("rn", "m").replace("vv", "w")
    return "".join(each for each in alike if each.isalnum())


def check_distinct(account_id: str, name: str, others: Iterable[tuple[str, str]]) -> None:
    """Raise AccountError where the id differs from another only by case, or the name looks like another's.

    `others` are the (account id, printed name) of all accounts there ever were.
    """
    for other_id, other_name in others:
        if other_id != account_id and other_id.casefold() == account_id.casefold():
            raise AccountError(
                f"'{account_id}' differs from '{other_id}' by capitals only. Choose another account id."
            )
        if other_id != account_id and skeleton(other_name) == skeleton(name):
            raise AccountError(
                f"The printed name looks like that of '{other_id}', and signatures would be confused. "
                "Add a middle name, a title or a ward."
            )
