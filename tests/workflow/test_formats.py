"""A sheet as bytes: CSV without formulas, JSON lines to the letter, Parquet with types."""

from __future__ import annotations

import csv
import io
import json
import re
import time

import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from hitl_review.workflow.formats import Sheet, as_csv, as_json_lines, as_parquet, defused

DANGEROUS = [
    "=1+1",
    '=HYPERLINK("http://example.org")',
    "+41 44 123",
    "-cmd|' /C calc'!A0",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "＝1+1",
    "-",
    "--1",
    "-1+1",
    "=",
]
SHEET = Sheet(
    {"comment": "text", "margin": "number", "in_force": "flag"},
    [('größer, "fast"\nsicher', -1.5, True), ("=1+1", 37.0, False), (None, None, None), ("", 1e-7, True)],
)


@pytest.mark.parametrize("text", DANGEROUS)
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    """OWASP's list: = + - @, tab, carriage return, line feed, and the full-width signs."""
    assert defused(text) == "'" + text


@pytest.mark.parametrize("text", ["-1.5", "+3", "-0", "-1e-7", "", "fine", "a=b", "3-4", "'quoted", "C-0042"])
def test_plain_numbers_and_harmless_texts_stay_as_they_are(text: str) -> None:
    """A negative number is not a formula."""
    assert defused(text) == text


@pytest.mark.parametrize("separator", [";", "\t", "\r\n", "\n", ";;", '"\n'])
@pytest.mark.parametrize("sign", ["=", "+", "@", "-", " =", "＝"])
def test_no_cell_begins_a_formula_where_semicolons_separate_cells(separator: str, sign: str) -> None:
    """A spreadsheet of another country takes the quotes in the middle of a line for letters."""
    text = f'so{separator}{sign}HYPERLINK("http://example.org";1)'
    line = as_csv(Sheet({"n": "number", "c": "text", "d": "text"}, [(1.0, text, "end")])).decode()
    cells = re.split(r"[;\t\r\n]+", line)
    assert len(cells) > 3 and not any(re.match(r"\s*[=+\-@＝]", cell) for cell in cells)
    assert defused(defused(text)) == defused(text)


@pytest.mark.parametrize(
    "text", ['a;"=1+1;b', 'a; "=1+1;b', 'a;""=1+1;b', 'a\t"=1+1\tb', 'so;"\u200b=1+1;', 'a;\x0b"=1+1;b', 'a;\x01=1;b']
)
def test_no_cell_begins_a_formula_behind_a_quote_or_what_nobody_sees(text: str) -> None:
    """A quote is doubled in CSV, and two of them are an empty text before the rest of a cell."""
    line = as_csv(Sheet({"n": "number", "c": "text"}, [(1.0, text)])).decode()
    for delimiter in ";\t":
        cells = [cell for row in csv.reader(io.StringIO(line, newline=""), delimiter=delimiter) for cell in row]
        assert not any(re.match(r'[\s"\x00-\x1f\u200b]*[=+\-@]', cell) for cell in cells), cells
    assert defused(defused(text)) == defused(text)


@pytest.mark.parametrize("text", ["\u2028", "\x0b ", ";", "\u2028;", ';"', "\x85\u200b"])
@pytest.mark.parametrize("end", ["", "=1+1"])
def test_a_text_of_nothing_but_breaks_takes_no_longer_than_another(text: str, end: str) -> None:
    """A comment of them would keep every export waiting, or the check of a log that somebody wrote anew."""
    began = time.perf_counter()
    found = defused(f"so{text * 20_000}{end}")
    assert time.perf_counter() - began < 2
    assert ("'" in found[-8:]) == bool(end)


def test_a_sign_before_many_digits_is_soon_told_from_a_number() -> None:
    """The same for a text that is nearly a number."""
    began = time.perf_counter()
    assert defused(f"+{'1' * 20_000}x") == f"'+{'1' * 20_000}x"
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    "unseen",
    [
        *("\x00", "\x01", "\x7f", "\xad", "\u200b", "\u202e", "\ufeff", " \ufeff "),
        *("\u061c", "\u180e", "\u2066", "\u2069", "\u206f", "\ufe0f", "\ufffb", "\U000e0020", "\u3164"),
    ],
)
def test_a_sign_behind_what_nobody_sees_is_defused(unseen: str) -> None:
    """Some programs leave such letters out; before anything else they are no reason for an apostrophe."""
    assert defused(f"{unseen}=1+1") == f"'{unseen}=1+1"
    assert defused(f"so;{unseen}=1+1") == f"so;'{unseen}=1+1"
    assert defused(f"{unseen}so") == f"{unseen}so"


@pytest.mark.parametrize("text", ['He said: "no"; "yes" = no', 'a; "b"', 'so; b = "1"'])
def test_quotes_without_a_sign_are_left_alone(text: str) -> None:
    """What was recorded stands there to the letter."""
    assert defused(text) == text


def test_csv_writes_numbers_as_numbers_and_quotes_what_needs_it() -> None:
    """Whole numbers without a point, flags as true and false, an empty cell for nothing."""
    assert as_csv(SHEET).decode().split("\r\n") == [
        "comment,margin,in_force",
        '"größer, ""fast""\nsicher",-1.5,true',
        "'=1+1,37,false",
        ",,",
        ",1e-07,true",
        "",
    ]


def test_csv_keeps_every_number_to_the_last_bit() -> None:
    """Read back, a double is the same double."""
    doubles = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -123456.789]
    written = as_csv(Sheet({"x": "number"}, [(each,) for each in doubles])).decode()
    assert [float(line) for line in written.splitlines()[1:]] == doubles


@example(["\r=1+1", "a\r=1+1", "\n", "a\r\n=1+1"])
@given(some.lists(some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\x00"))))
def test_no_cell_of_a_csv_can_begin_a_formula(texts: list[str]) -> None:
    """Whatever people type, what a spreadsheet reads begins with no sign it would run."""
    written = as_csv(Sheet({"c": "text", "n": "number"}, [(text, 1.0) for text in texts])).decode()
    cells = [row[0] for row in csv.reader(io.StringIO(written, newline=""))][1:]
    assert len(cells) == len(texts)
    for cell, text in zip(cells, texts, strict=True):
        plain = [re.sub(r"(^|[;\t\r\n\x0b\x0c\x85\u2028\u2029])'", r"\1", each) for each in (cell, text)]
        assert plain[0] in (text, plain[1])
        assert not cell.lstrip().startswith(("=", "@")) and not cell.startswith(("\t", "\r", "\n"))
        if cell.lstrip().startswith(("+", "-")):
            float(cell)


@given(
    some.lists(
        some.tuples(
            some.none() | some.text(some.characters(exclude_categories=["Cs"])),
            some.none() | some.floats(allow_nan=False, allow_infinity=False),
            some.none() | some.booleans(),
        )
    )
)
def test_json_lines_and_parquet_give_back_exactly_what_was_recorded(
    rows: list[tuple[str | None, float | None, bool | None]],
) -> None:
    """The twins of the CSV, to the letter and to the bit."""
    sheet = Sheet({"comment": "text", "margin": "number", "in_force": "flag"}, list(rows))
    lines = as_json_lines(sheet).decode().split("\n")
    assert lines.pop() == ""
    assert [tuple(json.loads(line).values()) for line in lines] == rows
    table = pq.read_table(io.BytesIO(as_parquet(sheet)))
    assert [tuple(row.values()) for row in table.to_pylist()] == rows


def test_json_lines_name_every_column_in_order() -> None:
    """A line can be read without the others."""
    first = as_json_lines(SHEET).decode().splitlines()[0]
    assert first == '{"comment": "größer, \\"fast\\"\\nsicher", "margin": -1.5, "in_force": true}'


def test_parquet_keeps_types_even_of_an_empty_sheet() -> None:
    """A program that reads it tomorrow, when there are rows, needs no other code."""
    schema = pq.read_schema(io.BytesIO(as_parquet(Sheet(SHEET.columns, []))))
    assert [(field.name, str(field.type)) for field in schema] == [
        ("comment", "string"),
        ("margin", "double"),
        ("in_force", "bool"),
    ]


def test_an_empty_sheet_is_a_header_in_csv_and_nothing_in_json_lines() -> None:
    """Nothing to tell."""
    empty = Sheet(SHEET.columns, [])
    assert as_csv(empty) == b"comment,margin,in_force\r\n"
    assert as_json_lines(empty) == b""
