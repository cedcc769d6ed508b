"""One value has one text, and one text has one reading."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, StrEnum
from typing import Any
from uuid import UUID

import orjson
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from hitl_review.domain import canonical
from hitl_review.domain.canonical import (
    DEEPEST,
    bytes_digest,
    canonical_json,
    digest,
    lines_digest,
    not_too_deep,
    parse_canonical,
    text_digest,
    written_alike,
)
from hitl_review.errors import AuditError

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)


class Kind(Enum):
    """Something that an encoder may write and JSON does not have."""

    ONE = 1


class Word(StrEnum):
    """Text of a kind of its own."""

    LAST = "last"


class Letters(str):
    """Another kind of text."""

    __slots__ = ()


@dataclass
class Pair:
    """An object that an encoder may take apart."""

    one: int = 1


VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [None, True, False]}, '{"a":[null,true,false],"b":1}'),
        (1.0, "1"),
        (-0.0, "0"),
        (1e21, "1e+21"),
        (1e-7, "1e-7"),
        (0.000001, "0.000001"),
        (123456789012345680000.0, "123456789012345680000"),
        (0.1 + 0.2, "0.30000000000000004"),
        (5e-324, "5e-324"),
        ('€$\u000f\nA\'B"\\"/', '"€$\\u000f\\nA\'B\\"\\\\\\"/"'),
        ("\u007f\u2028", '"\u007f\u2028"'),
        ({"\U0001f600": 1, "\ufb33": 2}, '{"\U0001f600":1,"\ufb33":2}'),
        ((1, 2), "[1,2]"),
    ],
)
def test_values_are_written_as_rfc_8785_asks(value: object, text: str) -> None:
    """Numbers as ECMAScript writes them, keys in the order of their UTF-16 code units, nothing escaped in vain."""
    assert canonical_json(value) == text


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        2**53,
        -(2**60),
        "\ud800",
        {"\udfff": 1},
        {1: "a"},
        b"bytes",
        {1, 2},
        "a\x00b",
        {"a\x00": 1},
        Kind.ONE,
        Pair(),
        datetime(2026, 1, 1, tzinfo=UTC),
        UUID(int=1),
        orjson.Fragment(b"1"),
        {None: 1},
        {Kind.ONE: 1},
    ],
)
def test_what_is_no_json_is_refused(value: object) -> None:
    """Also inside something else, and in one kind of error."""
    for held in (value, [value], {"key": [value]}):
        with pytest.raises(AuditError):
            canonical_json(held)


@pytest.mark.parametrize("text", [Word.LAST, Letters("last")])
def test_text_of_another_kind_is_text(text: str) -> None:
    """As a value and as a key, in its place among the other keys."""
    assert canonical_json([text, {"then": 1, text: None}]) == '["last",{"last":null,"then":1}]'


def test_a_value_that_holds_itself_is_refused() -> None:
    """As any other that can't be written."""
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(AuditError):
        canonical_json(endless)


def test_the_letters_backslash_u_are_no_nul() -> None:
    """Somebody may write about escapes; only the character itself is refused."""
    for text in ("\\u0000", "\\\\u0000", "\\", "u0000"):
        assert parse_canonical(canonical_json(text)) == text


@given(VALUES)
@settings(max_examples=150, deadline=None)
def test_what_was_written_is_read_back(value: object) -> None:
    """For any value: the same value, and the text of RFC 8785's own encoder."""
    text = canonical_json(value)
    assert text == rfc8785.dumps(value).decode()  # type: ignore[arg-type]
    assert parse_canonical(text) == value
    assert canonical_json(parse_canonical(text)) == text


@given(VALUES, st.sampled_from([", ", ",\n", ","]), st.booleans(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_another_text_of_the_same_value_is_refused(
    value: object, comma: str, ascii_only: bool, reverse: bool
) -> None:
    """Only one text passes, whatever else a JSON library would write."""
    if reverse and isinstance(value, dict):
        value = dict(reversed(sorted(value.items())))
    text = json.dumps(value, separators=(comma, ":"), ensure_ascii=ascii_only)
    if text == canonical_json(value):
        assert parse_canonical(text) == value
    else:
        with pytest.raises(AuditError, match="canonical"):
            parse_canonical(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "nul",
        "NaN",
        "Infinity",
        "1e400",
        "01",
        "-0",
        "1.0",
        "1.50",
        "1E5",
        "1e5",
        "1e-06",
        "0.0000001",
        "9007199254740993",
        "1152921504606846976",
        "1" * 5000,
        '{"a":1,"a":1}',
        '{"b":1,"a":1}',
        '{"\ufb33":2,"\U0001f600":1}',
        ' {"a":1}',
        '{"a":1}\n',
        '"\\u0041"',
        '"\\/"',
        '"\\ud800"',
        '"\\u0000"',
        '"\x00"',
        '"\n"',
        "\ufeff1",
        "[" * 100_000,
    ],
)
def test_a_text_that_is_not_canonical_is_refused(text: str) -> None:
    """Each of these has another reading somewhere, or another text."""
    with pytest.raises(AuditError):
        parse_canonical(text)


@pytest.mark.parametrize("depth", [500, 5_000, 200_000])
def test_deep_nesting_is_read_or_refused_and_no_crash(depth: int) -> None:
    """How deep Python can read differs by version; a refusal must be one that is caught."""
    with suppress(AuditError):
        assert canonical_json(parse_canonical("[" * depth + "]" * depth)).count("[") == depth


def test_large_numbers_that_were_floats_are_read_back() -> None:
    """A double beyond 2**53 is written without a point; it is no integer for that."""
    for number in (1e17, 2.0**60, 1e20, -1e18, 1.5e300):
        assert parse_canonical(canonical_json(number)) == number


@pytest.mark.parametrize("text", [None, 5, b'{"a":1}', ["a"]])
def test_what_is_no_text_is_refused_and_no_crash(text: Any) -> None:
    """A damaged database may give anything."""
    with pytest.raises(AuditError):
        parse_canonical(text)


def test_digests_name_their_algorithm() -> None:
    """Known answers: of nothing, and of an empty object."""
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert text_digest("") == bytes_digest(b"") == lines_digest([]) == f"sha256:{empty}"
    assert digest({}) == text_digest("{}")
    assert digest({"a": 1}) == digest({"a": 1.0}) != digest({"a": "1"})
    assert text_digest("ä") == bytes_digest("ä".encode())


def test_a_batch_is_the_digest_of_its_lines() -> None:
    """What `sha256sum` says of a file with one canonical JSON per line, in order."""
    assert lines_digest([{"b": 1, "a": 2}, None]) == text_digest('{"a":2,"b":1}\nnull\n')
    assert lines_digest([1, 2]) != lines_digest([2, 1]) != lines_digest([21])


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-1e6, 1e6).map(lambda number: round(number, 3)),
    st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",))),
)
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text("aZ_é\U0001f600"), inner)
)


@given(_VALUES)
def test_the_fast_way_writes_what_the_library_writes(value: Any) -> None:
    """The fast encoder is asked where both agree, and only there."""
    assert canonical_json(value) == rfc8785.dumps(value).decode()


# The fast way, and what is said


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [None, True, "größer"], "b": {"c": 0.25}}, '{"a":[null,true,"größer"],"b":{"c":0.25}}'),
        ({"€": 1, "é": 2}, '{"é":2,"€":1}'),
        ({"a": [None, True, "plain"], "b": {"c": 0.25}}, '{"a":[null,true,"plain"],"b":{"c":0.25}}'),
        ([1e-4, 123456789012345, 0.1], "[0.0001,123456789012345,0.1]"),
        ((1.0, -5, 0), "[1,-5,0]"),
    ],
)
def test_an_ordinary_value_is_written_and_read_by_the_fast_way(
    value: object, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of an import's time hangs on it, so what can go that way does."""

    def slow(_: object) -> object:
        raise AssertionError("this went the slow way")

    monkeypatch.setattr(canonical, "_write_carefully", slow)
    monkeypatch.setattr(canonical, "_parse_carefully", slow)
    assert canonical_json(value) == text
    assert parse_canonical(text) == (list(value) if isinstance(value, tuple) else value)


def test_beside_a_whole_float_all_else_is_written_by_the_fast_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the point is left out, up to where a double needs an exponent or holds no fraction."""
    monkeypatch.setattr(canonical, "_write_carefully", lambda value: f"slow: {value}")
    assert canonical_json({"a": [1.0, None, "text", True, 2**53 - 1, (1e-4, -0.5), {}, {"b": 2}]}) == (
        '{"a":[1,null,"text",true,9007199254740991,[0.0001,-0.5],{},{"b":2}]}'
    )
    monkeypatch.undo()
    assert canonical_json([1e15, -1e15, 5]) == "[1000000000000000,-1000000000000000,5]"
    assert canonical_json([1e15 + 0.5]) == "[1000000000000000.5]"


def test_whole_numbers_come_back_whole_beside_rare_characters() -> None:
    """The careful way reads integers as integers, as far as a double holds them exactly."""
    read = parse_canonical('["\U0001f600",5,-9007199254740991,9007199254740992]')
    assert read[1:] == [5, -(2**53) + 1, 2.0**53]
    assert [type(each) for each in read[1:]] == [int, int, float]


def test_a_number_beyond_every_double_is_refused_and_no_crash() -> None:
    """Four hundred digits are no infinity."""
    with pytest.raises(AuditError):
        parse_canonical("1" * 400)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "it is not JSON"),
        ('"\\ud800"', "it is not JSON that RFC 8785 allows"),
        ('{"a": 1}', "it is not in canonical form"),
    ],
)
def test_why_a_text_is_refused_is_said_plainly(text: str, words: str) -> None:
    """What stands behind "its payload can't be trusted" in a report."""
    with pytest.raises(AuditError) as refused:
        parse_canonical(text)
    assert str(refused.value) == words


def test_why_a_value_can_not_be_written_is_said_plainly() -> None:
    """With what to do instead."""
    with pytest.raises(AuditError) as refused:
        canonical_json("a\x00b")
    assert str(refused.value) == "A text holds a NUL character, which can't be stored. Leave it out."
    with pytest.raises(AuditError) as refused:
        canonical_json(math.nan)
    assert str(refused.value).startswith("A value can't be written as canonical JSON: ")
    assert str(refused.value).endswith(". Store it as text or null.")


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        (),
        {"a": "text", "b": None, "c": True, "d": 7},
        [2**53 - 1, -(2**53) + 1, 0],
        [1e-4, -1e-4, 0.5, 999999999999999.9, -999999999999999.9],
        {"a": [{"b": (0.1, [1])}], "c": []},
    ],
)
def test_what_every_encoder_writes_alike_is_known(value: object) -> None:
    """Texts, nothing, truth, whole numbers below 2**53, and floats with a fraction that need no exponent."""
    assert written_alike(value)


@pytest.mark.parametrize(
    "value",
    [
        *(1.0, -0.0, 1e15, 1e15 + 0.5, 1e-5, 9.99e-5, -9.99e-5, math.nan, math.inf, 2**53, -(2**53)),
        *(Word.LAST, Letters("last"), Kind.ONE, b"bytes", {1, 2}, Pair(), UUID(int=1)),
    ],
)
def test_what_some_encoder_writes_in_another_way_is_known(value: object) -> None:
    """Wherever it stands, also behind what is written alike, and alone."""
    for held in (value, [value], (value,), {"a": 1, "b": value}, {"a": [{"b": value}], "c": 1}):
        assert not written_alike(held)
    for before in (1, 0.5, "text", None, True, []):
        assert not written_alike([before, value])


@pytest.mark.parametrize("value", [1, 0.5, "text", None, True])
def test_only_what_holds_values_is_asked_about(value: object) -> None:
    """A value that stands alone is left to the careful way."""
    assert not written_alike(value)


def nested(depth: int, kind: str) -> object:
    """Return a value that lies in so many lists or objects."""
    value: object = 1
    for _ in range(depth):
        value = [value] if kind == "list" else {"a": value}
    return value


@pytest.mark.parametrize("kind", ["list", "object"])
def test_what_lies_too_deep_is_refused_and_what_is_only_wide_is_not(kind: str) -> None:
    """At the limit it is taken, however many brackets there are."""
    for value in ([nested(DEEPEST - 1, kind), []], [nested(1, kind)] * 2 * DEEPEST):
        assert not_too_deep(value, json.dumps(value)) is value
    for value in (nested(DEEPEST + 1, kind), [1, nested(DEEPEST, kind)]):
        with pytest.raises(AuditError, match=r"^it is nested too deeply$"):
            not_too_deep(value, json.dumps(value))
