"""Text from people and files, as it may be shown: every character can be seen, and none does anything."""

from __future__ import annotations

import json
import re
from typing import Final

BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""What Unicode calls letters, marks and signs, and shows nothing: Korean and Khmer fillers, an empty Braille cell."""
_PRINTS: Final = re.compile(r"[\x20-\x7e]*")


def printable(text: str) -> str:
    """Return a text with control, bidi and invisible characters shown as codes, so that none can mislead."""
    if _PRINTS.fullmatch(text):
        return text
    return "".join(each if _is_seen(each) else f"\\u{ord(each):04x}" for each in text)


def _is_seen(letter: str) -> bool:
    return letter.isprintable() and letter not in BLANK


def printable_lines(text: str) -> str:
    """Return a text of several lines in the same way, its line ends and tabs kept."""
    return re.sub(r"[^\n\t]+", lambda found: printable(found[0]), text)


def printable_json(value: object) -> str:
    """Return a value as JSON for people: what can't be seen stands there as JSON's own escapes."""
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    return "".join(each if _is_seen(each) or each == "\n" else json.dumps(each)[1:-1] for each in text)
