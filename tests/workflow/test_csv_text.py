"""The cells of a CSV file, with the line each row stands in."""

from __future__ import annotations

import pytest

from hitl_review.errors import IntakeError
from hitl_review.workflow import csv_text
from hitl_review.workflow.csv_text import Batch, csv_cells

WANTED = ("case_id", "age")


def only_batch(content: bytes) -> Batch:
    """The one batch of a small file."""
    (batch,) = csv_cells(content, "t.csv", WANTED).batches
    return batch


def refusal(content: bytes) -> str:
    """What is said of a file that can't be read."""
    with pytest.raises(IntakeError) as refused:
        list(csv_cells(content, "t.csv", WANTED).batches)
    return str(refused.value)


def test_cells_come_by_column_with_the_line_of_each_row() -> None:
    """The header is line 1, so the first row is line 2."""
    batch = only_batch(b"case_id,age\nA,70\nB,80\n")
    assert batch == Batch([2, 3], [("A", "B"), ("70", "80")], [])


def test_a_byte_order_mark_is_not_part_of_the_first_name() -> None:
    """Excel writes one at the start of "CSV UTF-8"."""
    assert csv_cells(b"\xef\xbb\xbfcase_id,age\nA,70\n", "t.csv", WANTED).header == ["case_id", "age"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_read(end: str) -> None:
    """Unix, Windows and old Mac files have the same rows and line numbers."""
    batch = only_batch(end.join(["case_id,age", "A,70", "B,80", ""]).encode())
    assert batch == Batch([2, 3], [("A", "B"), ("70", "80")], [])


def test_blank_lines_are_passed_over_and_still_counted() -> None:
    """A person who looks for line 5 must find the row there."""
    batch = only_batch(b"\ncase_id,age\n\nA,70\n   \nB,80\n\n")
    assert batch == Batch([4, 6], [("A", "B"), ("70", "80")], [])


def test_a_row_is_numbered_by_the_line_it_begins_in() -> None:
    """A quoted cell may hold line breaks, so rows and lines are not the same."""
    batch = only_batch(b'case_id,age\n"A\n\nA",70\nB,"8\r\n0"\nC,90\n')
    assert batch.numbers == [2, 5, 7]


def test_line_numbers_go_on_over_the_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large file is read in parts, and its lines are counted from its start."""
    monkeypatch.setattr(csv_text, "BATCH_ROWS", 2)
    content = b'case_id,age\nA,1\n"B\n",2\nC,3\n\nD,4\nE,5\n'
    batches = list(csv_cells(content, "t.csv", WANTED).batches)
    assert [batch.numbers for batch in batches] == [[2, 3], [5], [7, 8]]


def test_rows_of_another_shape_are_told_by_line_and_width() -> None:
    """One comma too many or too few shifts every value behind it, so such a row is never guessed at."""
    batch = only_batch(b"case_id,age\nA,70\nB\nC,80,x\nD,90\n")
    assert batch == Batch([2, 5], [("A", "D"), ("70", "90")], [(3, 1), (4, 3)])


def test_a_file_whose_rows_all_have_another_shape_has_no_columns() -> None:
    """Nothing is left to be read, and every row is told."""
    assert only_batch(b"case_id,age\nA\nB\n") == Batch([], [], [(2, 1), (3, 1)])


@pytest.mark.parametrize("content", [b"", b" \n\n\t ", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_an_empty_file_is_said_to_be_empty(content: bytes) -> None:
    """Nothing, only spaces, or only a byte order mark."""
    assert "is empty" in refusal(content)


@pytest.mark.parametrize(
    "content",
    [
        "case_id,age\nA,70\n".encode("utf-16"),
        "case_id,age\nA,70\n".encode("utf-16-le"),
        "case_id,age\nA,70\n".encode("utf-16-be"),
    ],
)
def test_utf_16_is_named_and_refused(content: bytes) -> None:
    """Excel's "Unicode text" is UTF-16, with or without its mark."""
    assert "is text in UTF-16. Save it as CSV in UTF-8" in refusal(content)


def test_latin_1_is_refused_with_its_line() -> None:
    """A name like Müller in Latin-1 is no UTF-8; guessing the encoding would change letters."""
    told = refusal("case_id,age\nA,70\nMüller,80\n".encode("latin-1"))
    assert "Line 3 of t.csv is not text in UTF-8" in told
    assert "Latin-1" in told


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", b"\x7fELF\x02\x01\x01\x00", bytes(9000)]
)
def test_a_binary_file_is_said_to_be_binary(content: bytes) -> None:
    """A picture, a program, a file of zeros."""
    assert "is binary, not a table" in refusal(content)


def test_a_nul_byte_far_inside_is_told_with_its_line() -> None:
    """A disk that failed leaves zeros in the middle of a text."""
    content = b"case_id,age\n" + b"A,70\n" * 2000 + b"B,\x00\n"
    assert "Line 2002 of t.csv holds a NUL byte" in refusal(content)


@pytest.mark.parametrize(
    ("separator", "words"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")]
)
def test_another_separator_is_named_and_refused(separator: str, words: str) -> None:
    """Such files come with decimal commas; what "1,234" means there is not to be guessed at."""
    told = refusal(f'"case_id"{separator}age\nA{separator}7,5\n'.encode())
    assert f"separated by {words}" in told


def test_a_semicolon_inside_a_header_is_no_separator() -> None:
    """The separator is the one that gives the columns asked for."""
    assert csv_cells(b"case_id,age,a;b;c;d\n", "t.csv", WANTED).header == ["case_id", "age", "a;b;c;d"]


def test_a_quotation_mark_that_is_never_closed_is_told_with_its_line() -> None:
    """Without it the rest of the file would be one cell."""
    told = refusal(b'case_id,age\nA,70\nB,"80\nC,90\nD,95\n')
    assert "The row that begins in line 3 of t.csv can't be read: a quotation mark is not closed" in told


def test_a_quotation_mark_inside_a_cell_is_told_with_its_line() -> None:
    """Half-quoted cells are read differently by every program."""
    assert "begins in line 2" in refusal(b'case_id,age\n"A"x,70\nB,80\n')


def test_a_cell_longer_than_any_value_is_refused() -> None:
    """A megabyte in one cell is not a measurement."""
    assert "a cell is longer than any value" in refusal(b"case_id,age\nA," + b"7" * 1_000_000 + b"\n")
