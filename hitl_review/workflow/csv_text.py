"""The cells of a CSV file, with the line each row stands in, or one sentence that says why it is none.

The standard library's reader is used, and strictly, because it counts lines as a person does and
says where a quotation mark was never closed. Rows come in batches, column by column, so that a
large file never stands in memory as millions of small lists.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from hitl_review.errors import IntakeError

if TYPE_CHECKING:
    from _csv import Reader

BATCH_ROWS: Final = 20_000
_SEPARATORS: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_BINARY: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_BOM: Final = b"\xef\xbb\xbf"
_HEAD: Final = 4_096


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows in the order of the file: their lines, their cells by column, and the misshapen ones."""

    numbers: list[int]
    columns: list[tuple[str, ...]]
    """One tuple per column of the header; empty where no row of the batch has the header's shape."""
    ragged: list[tuple[int, int]]
    """Line and number of cells of each row that has more or fewer cells than the header."""


@dataclass(frozen=True, slots=True)
class Cells:
    """An opened CSV file: its header, and the batches that are read as they are asked for."""

    header: list[str]
    batches: Iterator[Batch]


def csv_cells(content: bytes, name: str, wanted: Sequence[str]) -> Cells:
    """Open the text of a CSV file; IntakeError if it is binary, not UTF-8, or not separated by commas."""
    if not content.removeprefix(_BOM).strip():
        raise IntakeError(f"The file {name} is empty. It needs a header and at least one row.")
    _check_encoding(content, name)
    _check_separator(content, name, wanted)
    reader = _reader(content)
    try:
        header = [cell.strip() for cell in next(row for row in reader if any(map(str.strip, row)))]
    except csv.Error as error:
        raise _no_csv(content, name) from error
    return Cells(header, _batches(reader, len(header), content, name))


def _reader(content: bytes, separator: str = ",") -> Reader:
    stream = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
    return csv.reader(stream, strict=True, delimiter=separator)


def _check_encoding(content: bytes, name: str) -> None:
    if content.startswith(_UTF16) or _every_other_byte_is_null(content[:_HEAD]):
        raise IntakeError(f"The file {name} is text in UTF-16. Save it as CSV in UTF-8.")
    if _BINARY.search(content[:_HEAD]):
        raise IntakeError(f"The file {name} is binary, not a table. Save the table as CSV or Parquet.")
    if (place := content.find(b"\x00")) >= 0:
        line = _line(content, place)
        raise IntakeError(f"Line {line} of {name} holds a NUL byte: the file is damaged. Save it anew.")
    try:
        content.isascii() or content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = _line(content, error.start)
        raise IntakeError(
            f"Line {line} of {name} is not text in UTF-8; it may be Latin-1 or Windows-1252. "
            "Save the table as CSV in UTF-8."
        ) from None


def _every_other_byte_is_null(head: bytes) -> bool:
    nulls = (head[0::2].count(0), head[1::2].count(0))
    return max(nulls) > len(head) * 0.4 and min(nulls) < len(head) * 0.1


def _line(content: bytes, place: int) -> int:
    return content.count(b"\n", 0, place) + 1


def _check_separator(content: bytes, name: str, wanted: Sequence[str]) -> None:
    """Refuse another separator than the comma: such files come with decimal commas, not to be guessed at."""
    first = content.removeprefix(_BOM).lstrip().splitlines()[0].decode("utf-8")

    def fits(separator: str) -> tuple[int, int]:
        names = [cell.strip().strip('"') for cell in first.split(separator)]
        return len(set(names) & set(wanted)), len(names)

    best = max(_SEPARATORS, key=fits)
    if best != "," and fits(best)[1] > 1:
        raise IntakeError(
            f"The columns of {name} are separated by {_SEPARATORS[best]}. "
            "Save it with commas between columns, and with a point in numbers."
        )


def _batches(reader: Reader, width: int, content: bytes, name: str) -> Iterator[Batch]:
    start = reader.line_num
    while True:
        try:
            rows = list(islice(reader, BATCH_ROWS))
        except csv.Error as error:
            raise _no_csv(content, name) from error
        if not rows:
            return
        yield _batch(rows, _line_numbers(rows, start, reader.line_num), width)
        start = reader.line_num


def _line_numbers(rows: list[list[str]], start: int, end: int) -> list[int]:
    """Return the line each row begins in; a row has several where a quoted cell holds line breaks."""
    if end - start == len(rows):
        return list(range(start + 1, end + 1))
    numbers = []
    line = start + 1
    for row in rows:
        numbers.append(line)
        line += 1 + sum(_breaks(cell) for cell in row)
    return numbers


def _breaks(cell: str) -> int:
    return cell.count("\n") + cell.count("\r") - cell.count("\r\n")


def _batch(rows: list[list[str]], numbers: list[int], width: int) -> Batch:
    if set(map(len, rows)) == {width}:
        return Batch(numbers, list(zip(*rows, strict=True)), [])
    numbered = list(zip(numbers, rows, strict=True))
    good = [(number, row) for number, row in numbered if len(row) == width]
    ragged = [(number, len(row)) for number, row in numbered if len(row) != width and not _is_blank(row)]
    return Batch([number for number, _ in good], list(zip(*(row for _, row in good), strict=True)), ragged)


def _is_blank(row: list[str]) -> bool:
    return len(row) <= 1 and not any(map(str.strip, row))


def _no_csv(content: bytes, name: str) -> IntakeError:
    """Say in which line a row begins that can't be read; a second reading finds it, row by row."""
    reader = _reader(content)
    last = 0
    with suppress(csv.Error):
        for _ in reader:
            last = reader.line_num
    return IntakeError(
        f"The row that begins in line {last + 1} of {name} can't be read: a quotation mark is not closed or "
        "stands inside a cell, or a cell is longer than any value. Put such a cell in quotation marks, and "
        "double those inside."
    )
