"""Read a table that somebody hands in: its cells as text, or one sentence that says what it is instead.

CSV (also gzipped) and Parquet are told apart by their bytes, not by their name. Everything is
bounded: the size before anything is read, a gzip stream and a Parquet file while they unpack.
What cells mean is not decided here: `values` judges one cell, `checking` a whole table.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hitl_review.errors import IntakeError
from hitl_review.workflow.csv_text import Cells, csv_cells

MAX_BYTES: Final = 200_000_000
"""A file of this size or larger is refused, and so is one that unpacks to it: split it instead."""
NAMES_TOLD: Final = 12
LOOKED_AT: Final = 1_000
LONGEST_NAME: Final = 100
"""Among so many columns, with names of so many letters, one is looked for that is called nearly as a missing one."""
_PARQUET_ROWS: Final = 20_000
MOST_COPIED: Final = 20
"""How often the bytes of a table as large as may be are copied from batch to batch; writers keep dictionaries small."""
_PARQUET: Final = b"PAR1"
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True)
class Rejection:
    """One value, or one row, that can't be taken: where it is, what it is, and why not.

    `row` counts as a person does: the line in a CSV file, whose header is line 1, and the data row
    in a Parquet file, which has no lines. `column` is empty where the whole row is meant.
    """

    row: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Table:
    """The wanted columns of a file as text without surrounding spaces; an empty text is an empty cell."""

    columns: dict[str, Any]
    """A pyarrow string array per wanted column, all of one length."""
    rows: NDArray[np.int64]
    """The number of each row, as a Rejection tells it."""
    rejections: tuple[Rejection, ...]
    """The rows that had too few or too many cells; they are not among the columns."""
    digest: str
    """`sha256:<hex>` of the file's bytes."""


def read_table(path: Path, wanted: Sequence[str], *, ignore_extra: bool = False) -> Table:
    """Read the wanted columns of a CSV or Parquet file; IntakeError if it is no such table.

    A column that was not asked for is refused unless `ignore_extra`: it may hold names, or what
    became known only later.
    """
    packed = _bytes_of(path)
    content = _unpacked(packed, path.name) if packed.startswith(_GZIP) else packed
    digest = "sha256:" + hashlib.sha256(packed).hexdigest()
    del packed
    if content.startswith(_PARQUET):
        return _parquet_table(content, path.name, wanted, ignore_extra, digest)
    _refuse_workbook(content, path.name)
    cells = csv_cells(content, path.name, wanted)
    places = column_places(cells.header, wanted, name=path.name, ignore_extra=ignore_extra)
    return _csv_table(cells, places, path.name, digest)


def _bytes_of(path: Path) -> bytes:
    try:
        if not path.is_file():
            found = "is a folder" if path.is_dir() else "is not there"
            raise IntakeError(f"The file {path.name} {found}. Name a CSV or Parquet file.")
        size = path.stat().st_size
        if size >= MAX_BYTES:
            raise _too_large(path.name, f"has {size / 1e6:.0f} MB")
        return path.read_bytes()
    except OSError as error:
        raise IntakeError(f"The file {path.name} can't be read: {error.strerror}.") from error


def _too_large(name: str, found: str) -> IntakeError:
    limit = f"{MAX_BYTES / 1e6:.0f} MB"
    return IntakeError(f"The file {name} {found}; a table must stay below {limit}. Split it.")


def _unpacked(packed: bytes, name: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
            content = stream.read(MAX_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise IntakeError(f"The gzipped file {name} is damaged. Pack it anew.") from error
    if len(content) >= MAX_BYTES:
        raise _too_large(name, f"unpacks to {MAX_BYTES / 1e6:.0f} MB or more")
    return content


def _refuse_workbook(content: bytes, name: str) -> None:
    if content.startswith((_ZIP, _OLD_EXCEL)):
        raise IntakeError(f"The file {name} is a workbook or an archive. Save the table as CSV (UTF-8).")


def column_places(
    header: Sequence[str], wanted: Sequence[str], *, name: str, ignore_extra: bool
) -> dict[str, int]:
    """Return where each wanted column stands, or refuse a header that has too few, too many or twins."""
    twins = sorted(column for column, count in Counter(header).items() if column and count > 1)
    if twins:
        raise IntakeError(f"The header of {name} names a column twice: {_told(twins)}. Rename or remove one.")
    extra = [column for column in header if column not in wanted]
    missing = [column for column in wanted if column not in header]
    if missing:
        raise IntakeError(_missing_words(missing, extra, name))
    if extra and not ignore_extra:
        raise IntakeError(
            f"The table {name} has columns that were not asked for: {_told(extra)}. They may hold names, or "
            "what became known only later, so nothing was read. Remove them, or pass over them with "
            "--ignore-extra."
        )
    return {column: header.index(column) for column in wanted}


def _missing_words(missing: Sequence[str], extra: Sequence[str], name: str) -> str:
    told = _told([_with_twin(column, extra) for column in missing])
    plural = "a column" if len(missing) == 1 else f"{len(missing)} columns"
    return (
        f"The table {name} lacks {plural}: {told}. Add or rename it; what was not measured is an empty cell. "
        "The first line must be the header."
    )


def _with_twin(column: str, extra: Sequence[str]) -> str:
    """Return a missing column's name, with the extra column that looks like it."""
    folded = {each.casefold().replace(" ", "_"): each for each in extra[:LOOKED_AT] if len(each) <= LONGEST_NAME}
    close = get_close_matches(column.casefold(), list(folded), n=1)
    return f"{column} ('{_short(folded[close[0]])}' looks like it)" if close else column


def _told(names: Sequence[str]) -> str:
    told = ", ".join(_short(each) or "(a column without a name)" for each in names[:NAMES_TOLD])
    return told if len(names) <= NAMES_TOLD else f"{told} and {len(names) - NAMES_TOLD} more"


def _short(text: str, limit: int = 80) -> str:
    """Return a text fit for one line of a terminal: cut, and control characters written out."""
    written = "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text[:limit])
    return written if len(text) <= limit else written + "…"


def rejection(row: int, column: str, value: str, reason: str) -> Rejection:
    """Return a rejection whose value is fit to be printed."""
    return Rejection(row, column, _short(value), reason)


def _csv_table(cells: Cells, places: dict[str, int], name: str, digest: str) -> Table:
    rows: list[int] = []
    ragged: list[Rejection] = []
    parts: dict[str, list[Any]] = {column: [] for column in places}
    for batch in cells.batches:
        ragged += [_ragged(number, count, len(cells.header)) for number, count in batch.ragged]
        rows += batch.numbers
        for column, place in places.items():
            parts[column].append(pa.array(batch.columns[place] if batch.columns else (), pa.string()))
    if not rows and not ragged:
        raise _no_rows(name)
    return Table(_joined(parts), np.array(rows, dtype=np.int64), tuple(ragged), digest)


def _no_rows(name: str) -> IntakeError:
    return IntakeError(f"The table {name} has a header and no rows. Add a row for each case.")


def _ragged(number: int, count: int, width: int) -> Rejection:
    cause = "is a value with a comma not in quotation marks?" if count > width else "is a comma missing?"
    return Rejection(number, "", "", f"has {count} cells where the header has {width}: {cause}")


def _joined(parts: dict[str, list[Any]]) -> dict[str, Any]:
    """Return the columns whole and stripped, letting go of each part as soon as it is joined."""
    return {column: pc.utf8_trim_whitespace(pa.concat_arrays(parts.pop(column))) for column in tuple(parts)}


def _parquet_table(
    content: bytes, name: str, wanted: Sequence[str], ignore_extra: bool, digest: str
) -> Table:
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        header = [str(column) for column in file.schema_arrow.names]
        column_places(header, wanted, name=name, ignore_extra=ignore_extra)
        for column in wanted:
            _check_type(column, file.schema_arrow.field(column).type, name)
        _check_unpacked_size(file.metadata, name)
        kinds = {column: file.schema_arrow.field(column).type for column in wanted}
        texts = [each for each, kind in kinds.items() if pa.types.is_string(kind) or pa.types.is_large_string(kind)]
        file = pq.ParquetFile(pa.BufferReader(content), read_dictionary=texts)
        batches = file.iter_batches(batch_size=_PARQUET_ROWS, columns=list(wanted))
        columns = _joined(_parquet_parts(batches, wanted, name))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise IntakeError(f"The Parquet file {name} is damaged. Write it anew.") from error
    count = len(columns[wanted[0]])
    return Table(columns, np.arange(1, count + 1, dtype=np.int64), (), digest)


def _parquet_parts(batches: Iterable[Any], wanted: Sequence[str], name: str) -> dict[str, list[Any]]:
    parts: dict[str, list[Any]] = {column: [] for column in wanted}
    size = copied = 0
    for batch in batches:
        size += sum(_text_size(batch.column(column)) for column in wanted)
        copied += sum(_dictionary_size(batch.column(column)) for column in wanted)
        if size >= MAX_BYTES or copied >= MOST_COPIED * MAX_BYTES:
            raise _too_large(name, f"unpacks to {MAX_BYTES / 1e6:.0f} MB or more")
        for column in wanted:
            parts[column].append(_as_text(batch.column(column)))
    if not any(len(part) for part in parts[wanted[0]]):
        raise _no_rows(name)
    return parts


def _text_size(values: Any) -> int:
    """Return how many bytes values take as text, for numbers about: a long text that stands in every row is kept once.

    So a file of some kilobytes, that tells no lie of its size, can hold a megabyte for each of a million rows.
    """
    if not pa.types.is_dictionary(values.type):
        return int(values.nbytes)
    found = values.indices.value_counts()
    lengths = pc.binary_length(_as_text(values.dictionary.take(found.field("values"))))
    return 4 * len(values) + (pc.sum(pc.multiply(found.field("counts"), lengths.cast(pa.int64()))).as_py() or 0)


def _dictionary_size(values: Any) -> int:
    """Return how many bytes the different values take that a batch carries along, whether they stand in it or not."""
    return int(values.dictionary.nbytes) if pa.types.is_dictionary(values.type) else 0


def _check_unpacked_size(metadata: Any, name: str) -> None:
    """Refuse a file that says itself that it unpacks to too much; one that lies is stopped on the way."""
    sizes = [metadata.row_group(place).total_byte_size for place in range(metadata.num_row_groups)]
    if sum(sizes) >= MAX_BYTES:
        raise _too_large(name, f"unpacks to {MAX_BYTES / 1e6:.0f} MB or more")


def _check_type(column: str, kind: Any, name: str) -> None:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    readable = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_boolean,
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_decimal,
        pa.types.is_null,
    )
    if not any(test(value) for test in readable):
        raise IntakeError(
            f"Column {column} of {name} holds {kind}, which is no measurement. "
            "Store it as number, text or true/false."
        )


def _as_text(values: Any) -> Any:
    """Return values of any readable type as text; a double's text is its shortest, which reads back equal."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_floating(values.type):
        values = values.cast(pa.float64())
    return pc.fill_null(values.cast(pa.string()), "")
