"""One text for one value: canonical JSON (RFC 8785) and the digests that are taken over it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any, Final

import orjson
import rfc8785

from hitl_review.errors import AuditError

_LARGEST_INTEGER: Final = 2**53 - 1
DEEPEST: Final = 500
"""So many brackets may lie within each other: some programs give up at a thousand, and SQLite is one of them."""
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_BEYOND_BMP = re.compile("[\ud800-\U0010ffff]")
_plain_text = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


def canonical_json(value: object) -> str:
    """Return the one text of a JSON value (RFC 8785), so that equal values have equal digests.

    NaN, infinities, integers from 2**53 on and lone surrogates are no JSON and raise AuditError; so
    does a NUL, at which SQLite's own tools would cut the text off. What orjson writes alike it writes, in a
    fifth of the time of Python's own encoder; the rest is left to RFC 8785's.

    >>> canonical_json({"b": 1.0, "a": None})
    '{"a":null,"b":1}'
    """
    try:
        same = value if written_alike(value) else _plain(value)
        text = orjson.dumps(same, option=orjson.OPT_SORT_KEYS).decode()
        if (text.isascii() or not _BEYOND_BMP.search(text)) and "\\u0000" not in text:
            return text
    except (_Careful, RecursionError, orjson.JSONEncodeError):
        pass  # the careful way below writes it, or finds out why it can't be written
    return _write_carefully(value)


def written_alike(value: object) -> bool:
    """Tell whether a value is an object or a list in which every encoder writes every number as RFC 8785 asks.

    Those are whole numbers below 2**53 and floats with a fraction, from 1e-4 to 1e15. Only plain values of
    Python's own kinds are passed; whatever else an encoder would turn into text is left to RFC 8785's.
    """
    kind = type(value)
    if kind is dict:
        value = value.values()  # type: ignore[attr-defined]
    elif kind is not list and kind is not tuple:
        return False
    for each in value:  # type: ignore[attr-defined]
        kind = type(each)
        if kind is str or each is None:
            continue
        if kind is float:
            if not 1e-4 <= abs(each) < 1e15 or each.is_integer():
                return False
        elif kind is int:
            if abs(each) > _LARGEST_INTEGER:
                return False
        elif kind is not bool and not written_alike(each):
            return False
    return True


class _Careful(Exception):
    """Another encoder would write this value in another way than RFC 8785 asks."""


def _plain(value: Any) -> Any:
    """Return a value whose text is the same in any encoder and in RFC 8785; _Careful if there is none.

    A whole float is written without its point. Between 1e-4 and 1e15 both write the same digits.
    """
    kind = type(value)
    if kind is float:
        size = abs(value)
        if size < 1e15 and value.is_integer():
            return int(value)
        if 1e-4 <= size < 1e15:
            return value
    elif value is None or kind is str or kind is bool or (kind is int and abs(value) <= _LARGEST_INTEGER):
        return value
    elif kind is dict and {*map(type, value)} <= {str}:
        return {key: _plain(each) for key, each in value.items()}
    elif kind is list or kind is tuple:
        return [_plain(each) for each in value]
    raise _Careful


def _write_carefully(value: object) -> str:
    try:
        text = rfc8785.dumps(value).decode()  # type: ignore[arg-type]
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise AuditError(
            f"A value can't be written as canonical JSON: {error}. Store it as text or null."
        ) from error
    if "\\u0000" in text and _NUL.search(text):
        raise AuditError("A text holds a NUL character, which can't be stored. Leave it out.")
    return text


def parse_canonical(text: str) -> Any:
    """Return the value that a text is the canonical JSON of; AuditError if it is not exactly that.

    Python's own encoder writes the same text wherever no float looks like `1.0` or `1e-07`, no
    integer is large and no character lies beyond the basic plane. It is eight times as fast, so it is
    asked first, and RFC 8785's encoder judges only what the fast way can't.

    >>> parse_canonical('{"a":null,"b":1}')
    {'a': None, 'b': 1}
    """
    try:
        value, end = _fast.scan_once(text, 0)  # type: ignore[attr-defined]  # an attribute since 2.6
        plain = text.isascii() or not _BEYOND_BMP.search(text)
        if plain and end == len(text) and "\\u0000" not in text and _plain_text(value) == text:
            return not_too_deep(value, text)
    except (ValueError, RecursionError, TypeError, StopIteration):
        pass  # the careful way below finds out what is wrong, if anything
    return _parse_carefully(text)


def _parse_carefully(text: str) -> Any:
    try:
        value = json.loads(text, parse_int=_whole)
    except (ValueError, RecursionError, TypeError) as error:
        raise AuditError("it is not JSON") from error
    try:
        same = canonical_json(value) == text
    except AuditError as error:
        raise AuditError("it is not JSON that RFC 8785 allows") from error
    if not same:
        raise AuditError("it is not in canonical form")
    return not_too_deep(value, text)


def not_too_deep(value: Any, text: str) -> Any:
    """Return the value of a text, or raise AuditError where too much of it lies within each other."""
    if text.count("[") + text.count("{") > DEEPEST:
        level, depth = [value], 0
        while level := [part for each in level for part in _parts(each)]:
            depth += 1
            if depth > DEEPEST:
                raise AuditError("it is nested too deeply")
    return value


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _whole(digits: str) -> float:
    """Read an integer; from 2**53 on as a float, which it was when it was written."""
    number = float(digits)
    return int(digits) if abs(number) <= _LARGEST_INTEGER else number


def _short_integer(digits: str) -> int:
    if len(digits) > 15:
        raise ValueError  # too large for the fast way
    return int(digits)


def _plain_float(digits: str) -> float:
    if "e" in digits or digits.endswith(".0"):
        raise ValueError  # Python and RFC 8785 write this number differently
    return float(digits)


def _no_number(name: str) -> float:
    raise ValueError  # NaN and the infinities are no JSON


_fast = json.JSONDecoder(parse_int=_short_integer, parse_float=_plain_float, parse_constant=_no_number)


def text_digest(text: str) -> str:
    """Return `sha256:<hex>` of a text's UTF-8 bytes."""
    return bytes_digest(text.encode())


def bytes_digest(content: bytes) -> str:
    """Return `sha256:<hex>` of some bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def digest(value: object) -> str:
    """Return `sha256:<hex>` of a value's canonical JSON."""
    return text_digest(canonical_json(value))


def lines_digest(values: Iterable[object]) -> str:
    """Return `sha256:<hex>` of canonical JSON lines: how one event stands for a whole batch."""
    batch = hashlib.sha256()
    for value in values:
        batch.update(canonical_json(value).encode() + b"\n")
    return "sha256:" + batch.hexdigest()
