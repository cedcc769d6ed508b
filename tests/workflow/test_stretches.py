"""A payload is trusted by the fast way exactly where it is by the careful one."""

from __future__ import annotations

import random

import pytest

from hitl_review.domain.canonical import canonical_json, parse_canonical
from hitl_review.errors import AuditError
from hitl_review.workflow.stretches import trusted

TRAPS = (
    *('{"a":1.0}', '{"a":1e5}', "[1.0]", '{"a":-0}', '{"a":-0.0}', '{"a":1.50}', '{"a":0.0000001}', "[1e-6]"),
    *('{"a":0.000001}', '{"a":9007199254740993}', '{"a":9007199254740991}', '{"a":1,"a":1}', '{"b":1,"a":1}'),
    *('{"a": 1}', r'{"a":"\u0041"}', r'{"a":"\/"}', r'{"a":"\u0008"}', r'{"a":"\u0000"}', r'{"a":"\\u0000"}'),
    *(
        r'{"a":"\u001f"}',
        "NaN",
        "[Infinity]",
        "[1,2",
        '{"a":1}x',
        ' {"a":1}',
        "1.0",
        "1e5",
        "1",
        '"x"',
        "null",
        "",
    ),
    *(
        "[0.1000000000000000055]",
        r'{"a":"\ud800"}',
        '{"a":"\x7f"}',
        "[5e-324]",
        "[[1e16]]",
        '{"a":{"b":[1e-5]}}',
    ),
    *(
        "[0.0001]",
        "[1e15]",
        "[999999999999999.9]",
        "[1e21]",
        '{"a":[1,{"b":2.5}]}',
        '{"ä":"ö"}',
        '{"a":"\U0001f600"}',
    ),
)


def told(reads: object, text: str) -> str:
    """What a way of reading says of a text: the value, or why not."""
    try:
        return repr(reads(text))  # type: ignore[operator]
    except AuditError as error:
        return str(error)


@pytest.mark.parametrize("text", TRAPS)
def test_both_ways_say_the_same_of_a_trap(text: str) -> None:
    """Numbers, escapes, doubled keys, blanks: where encoders differ, the careful way judges."""
    assert told(trusted, text) == told(parse_canonical, text)


def test_both_ways_say_the_same_of_many_numbers() -> None:
    """However they are written."""
    chance = random.Random(20261125)
    for place in range(5_000):
        number = chance.choice(
            [
                chance.random(),
                chance.uniform(-1e6, 1e6),
                chance.random() * 10 ** chance.randint(-8, 20),
                place / 1,
            ]
        )
        for text in (f"[{number}]", f"[{number:.3f}]", f'{{"a":{number:g}}}', canonical_json([number])):
            assert told(trusted, text) == told(parse_canonical, text), text


def test_what_the_product_writes_is_trusted() -> None:
    """In every kind of value an event may hold."""
    value = {
        "a": [1, 2.5, None, True, {"b": "ü\n"}],
        "c": -7,
        "d": 0.1,
        "e": 1e-9,
        "f": 123456789012345680000.0,
    }
    assert trusted(canonical_json(value)) == value
