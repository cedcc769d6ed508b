"""A sheet as bytes: CSV for spreadsheets, JSON lines to the letter, Parquet for programs.

A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@` as a formula, and a comment is typed
by a person. So in CSV such text gets an apostrophe in front, as OWASP advises, and so does what stands
behind a sign that another spreadsheet may take for a cell's end; plain numbers stay numbers. JSON lines and
Parquet hold every text exactly as it was recorded: where it matters which characters stood there, take
JSON lines.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from hitl_review.domain.printing import BLANK

Kind = Literal["text", "number", "flag"]
Cell = str | float | bool | None

_SIGN: Final = r"[=+\-@＝＋－＠﹦﹢﹣﹫]"
_UNSEEN: Final = (
    r"\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    rf"\ufff0-\ufffb\U000e0000-\U000e0fff{''.join(sorted(BLANK))}"
)
"""What some programs leave out where they read a cell."""
_FORMULA: Final = re.compile(rf"[\s{_UNSEEN}]*{_SIGN}|[\t\r\n]")
_BREAKS: Final = ";\t\r\n\x0b\x0c\x85\u2028\u2029"
_BEHIND: Final = re.compile(rf'[{_BREAKS}](?:[^\S\t\r\n]|["{_UNSEEN}])*')
"""Where a cell may begin, and what is passed over in it. Some of the breaks are blanks as well, so they come along."""
_BEGINS: Final = re.compile(_SIGN)
_PLAIN_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_ARROW_TYPES: Final[dict[Kind, Any]] = {"text": pa.string(), "number": pa.float64(), "flag": pa.bool_()}


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows under named columns, each column of one kind; None is an empty cell."""

    columns: dict[str, Kind]
    rows: list[tuple[Cell, ...]]


def defused(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula.

    Where a semicolon separates cells, as in much of Europe, a cell begins behind each, and a row behind each line's
    end, whatever quotes stand around: what follows there is defused as well. So is what follows a quote there: CSV
    doubles it, and a cell that begins with two of them is what stands behind them.

    >>> defused('=HYPERLINK("x")'), defused("-1.5"), defused("fine"), defused("so; =1+1")
    ('\\'=HYPERLINK("x")', '-1.5', 'fine', "so;' =1+1")
    """
    words = text.lstrip()
    inner = text.removesuffix(words) + _BEHIND.sub(_kept_apart, words)
    if _FORMULA.match(text) and not _PLAIN_NUMBER.fullmatch(text):
        return "'" + inner
    return inner


def _kept_apart(found: re.Match[str]) -> str:
    """Return the beginning of a cell, with an apostrophe behind the last break in it where a sign follows."""
    begin = found[0]
    if not _BEGINS.match(found.string, found.end()):
        return begin
    place = max(map(begin.rfind, _BREAKS)) + 1
    return f"{begin[:place]}'{begin[place:]}"


def as_csv(sheet: Sheet) -> bytes:
    """Return a sheet as CSV in UTF-8 with its header, text defused against formulas."""
    text = io.StringIO()
    # Lines end as RFC 4180 says. With "\n" alone, Python 3.11 leaves a "\r" inside a cell unquoted, and
    # the next program would begin a row there: with a formula, if somebody typed one behind it.
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(defused(name) for name in sheet.columns)
    writer.writerows([_csv_cell(cell) for cell in row] for row in sheet.rows)
    return text.getvalue().encode()


def _csv_cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return defused(cell)
    if cell is None or isinstance(cell, bool):
        return "" if cell is None else str(cell).lower()
    return repr(cell).removesuffix(".0")


def as_json_lines(sheet: Sheet) -> bytes:
    """Return a sheet as one JSON object per line in UTF-8, every text exactly as it was recorded."""
    names = tuple(sheet.columns)
    lines = [
        json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, allow_nan=False) + "\n"
        for row in sheet.rows
    ]
    return "".join(lines).encode()


def as_parquet(sheet: Sheet) -> bytes:
    """Return a sheet as Parquet, with the types of its columns kept."""
    schema = pa.schema([(name, _ARROW_TYPES[kind]) for name, kind in sheet.columns.items()])
    cells = zip(*sheet.rows, strict=True) if sheet.rows else [()] * len(sheet.columns)
    arrays = [pa.array(column, field.type) for column, field in zip(cells, schema, strict=True)]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(arrays, schema=schema), sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


FORMATS: Final[dict[str, Callable[[Sheet], bytes]]] = {
    "csv": as_csv,
    "jsonl": as_json_lines,
    "parquet": as_parquet,
}
