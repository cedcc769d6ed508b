"""Reading a table that somebody hands in: cells as text, or one sentence that says what it is instead."""

from __future__ import annotations

import gzip
import hashlib
import os
import resource
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hitl_review.errors import IntakeError
from hitl_review.workflow import tables
from hitl_review.workflow.tables import Table, read_table

WANTED = ("case_id", "age")
Write = Callable[[bytes | str], Path]


@pytest.fixture
def file(tmp_path: Path) -> Write:
    """Writes some bytes to a file and returns it."""

    def write(content: bytes | str) -> Path:
        path = tmp_path / "t.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def refusal(path: Path, **options: bool) -> str:
    """What is said of a file that is no such table."""
    with pytest.raises(IntakeError) as refused:
        read_table(path, WANTED, **options)
    return str(refused.value)


def texts(table: Table, column: str) -> list[str]:
    """A column's texts."""
    found: list[str] = table.columns[column].to_pylist()
    return found


def parquet(path: Path, columns: dict[str, object]) -> Path:
    """Write a Parquet file."""
    pq.write_table(pa.table(columns), path)
    return path


def test_a_csv_file_is_read_as_text_without_surrounding_spaces(file: Write) -> None:
    """SUPPORT2 itself carries spaces around its values; a no-break space is one too."""
    content = "case_id , age\nA,  70 \n\u00a0B\t,80\n"
    table = read_table(file(content), WANTED)
    assert texts(table, "case_id") == ["A", "B"]
    assert texts(table, "age") == ["70", "80"]
    assert table.rows.tolist() == [2, 3]
    assert table.digest == "sha256:" + hashlib.sha256(content.encode()).hexdigest()


def test_columns_may_stand_in_any_order(file: Write) -> None:
    """They are found by name."""
    assert texts(read_table(file("age,case_id\n70,A\n"), WANTED), "case_id") == ["A"]


def test_a_missing_column_is_named_with_the_one_that_looks_like_it(file: Write) -> None:
    """A capital letter or a space is the usual reason."""
    told = refusal(file("Case ID,years\nA,70\n"))
    assert "lacks 2 columns: case_id ('Case ID' looks like it), age." in told


def test_one_missing_column_that_nothing_resembles_is_named_alone(file: Write) -> None:
    """No guess is better than a wild one."""
    assert "lacks a column: age. Add or rename it" in refusal(file("case_id\nA\n"))


def test_many_missing_columns_are_named_up_to_a_dozen(file: Write) -> None:
    """A wrong file should not fill the screen."""
    with pytest.raises(IntakeError, match=r"lacks 30 columns: f0, .*, f11 and 18 more\."):
        read_table(file("x,y\n1,2\n"), [f"f{number}" for number in range(30)])


def test_an_extra_column_is_refused_by_name(file: Write) -> None:
    """It may hold names, or what became known only later; nobody should find it in a database afterwards."""
    told = refusal(file("case_id,age,patient_name\nA,70,Jane\n"))
    assert "columns that were not asked for: patient_name" in told
    assert "--ignore-extra" in told
    assert "Jane" not in told


def test_an_extra_column_is_passed_over_when_asked(file: Write) -> None:
    """What was not asked for is not read."""
    table = read_table(file("case_id,age,patient_name\nA,70,Jane\n"), WANTED, ignore_extra=True)
    assert set(table.columns) == set(WANTED)


def test_a_column_without_a_name_is_extra(file: Write) -> None:
    """Pandas writes one for its index."""
    assert "(a column without a name)" in refusal(file(",case_id,age\n0,A,70\n"))


def test_a_column_that_is_there_twice_is_refused(file: Write) -> None:
    """Which of the two would be meant?"""
    assert "names a column twice: age" in refusal(file("case_id,age,age\nA,70,71\n"))


@pytest.mark.parametrize("rest", [",a{}", ",a"], ids=["another each", "the same"])
def test_a_header_of_a_hundred_thousand_columns_is_soon_looked_through(file: Write, rest: str) -> None:
    """Each counted among all of them, a file of three hundred kilobytes took a minute."""
    names = "".join(rest.format(place) for place in range(100_000))
    began = time.perf_counter()
    for wanted in ("case_id,age", "case_id"):
        refusal(file(f"{wanted}{names}\nA,70\n"))
    assert time.perf_counter() - began < 5


def test_control_characters_of_a_header_do_not_reach_the_terminal(file: Write) -> None:
    """A header could otherwise clear the screen of the person who reads the refusal."""
    told = refusal(file('case_id,age,"x\x1b[2J"\nA,70,1\n'.replace("\x1b", "\x7f")))
    assert "\x7f" not in told
    assert r"x\x7f[2J" in told


def test_a_header_without_rows_is_refused(file: Write) -> None:
    """Nothing came."""
    assert "has a header and no rows" in refusal(file("case_id,age\n"))


def test_rows_of_another_shape_are_rejected_one_by_one(file: Write) -> None:
    """The good rows are there all the same, for those who skip the bad."""
    table = read_table(file("case_id,age\nA\nB,80\nC,90,x\n"), WANTED)
    assert texts(table, "case_id") == ["B"]
    assert [(each.row, each.column, each.reason) for each in table.rejections] == [
        (2, "", "has 1 cells where the header has 2: is a comma missing?"),
        (4, "", "has 3 cells where the header has 2: is a value with a comma not in quotation marks?"),
    ]


def test_a_file_that_is_not_there_or_a_folder_is_said_to_be_so(tmp_path: Path) -> None:
    """The commonest slip of all."""
    assert "is not there" in refusal(tmp_path / "none.csv")
    assert "is a folder" in refusal(tmp_path)


def test_an_empty_file_is_refused(file: Write) -> None:
    """Zero bytes."""
    assert "is empty" in refusal(file(b""))


@pytest.mark.parametrize("magic", [b"PK\x03\x04rest", b"\xd0\xcf\x11\xe0rest"])
def test_a_workbook_is_recognised(file: Write, magic: bytes) -> None:
    """Excel's own files, new and old, whatever they are called."""
    assert "is a workbook or an archive. Save the table as CSV" in refusal(file(magic))


def test_a_file_of_200_mb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """Its size is enough; memory does not grow by what it holds."""
    path = tmp_path / "large.csv"
    path.touch()
    os.truncate(path, tables.MAX_BYTES)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "large.csv has 200 MB; a table must stay below 200 MB. Split it." in refusal(path)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 50_000  # kilobytes, or bytes where the system counts so: little either way


def test_a_file_just_below_the_limit_is_read(file: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit itself is the first size that is refused."""
    content = "case_id,age\nA,70\n"
    monkeypatch.setattr(tables, "MAX_BYTES", len(content) + 1)
    assert texts(read_table(file(content), WANTED), "case_id") == ["A"]
    monkeypatch.setattr(tables, "MAX_BYTES", len(content))
    assert "Split it" in refusal(file(content))


def test_a_gzipped_file_is_read_and_known_by_its_own_bytes(file: Write) -> None:
    """The digest is the one `sha256sum` gives for the file that was sent."""
    packed = gzip.compress(b"case_id,age\nA,70\n")
    table = read_table(file(packed), WANTED)
    assert texts(table, "age") == ["70"]
    assert table.digest == "sha256:" + hashlib.sha256(packed).hexdigest()


def test_a_gzip_bomb_is_stopped_at_the_limit(file: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few kilobytes that would unpack to gigabytes are read no further than the limit."""
    monkeypatch.setattr(tables, "MAX_BYTES", 1_000_000)
    bomb = gzip.compress(b"case_id,age\n" + b"A,70\n" * 2_000_000)
    assert len(bomb) < 100_000
    assert "unpacks to 1 MB or more" in refusal(file(bomb))


@pytest.mark.parametrize("keep", [12, 20, -4])
def test_a_damaged_gzip_file_is_refused(file: Write, keep: int) -> None:
    """Cut off in the header, in the middle, in the checksum."""
    assert "gzipped file t.csv is damaged" in refusal(file(gzip.compress(b"case_id,age\nA,70\n")[:keep]))


def test_an_empty_gzip_file_is_refused(file: Write) -> None:
    """It unpacks to nothing."""
    assert "is empty" in refusal(file(gzip.compress(b"")))


def test_a_parquet_file_is_known_by_its_bytes_and_counted_from_its_first_row(tmp_path: Path) -> None:
    """It has no lines: row 1 is its first row of data."""
    path = parquet(tmp_path / "t.csv", {"case_id": ["A", "B"], "age": [70, None]})
    table = read_table(path, WANTED)
    assert texts(table, "case_id") == ["A", "B"]
    assert texts(table, "age") == ["70", ""]
    assert table.rows.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (pa.array([70, None], pa.int64()), ["70", ""]),
        (pa.array([0.1, float("nan")], pa.float64()), ["0.1", "nan"]),
        (pa.array([0.1, 1.0], pa.float32()), ["0.10000000149011612", "1"]),
        (pa.array([True, False]), ["true", "false"]),
        (pa.array([Decimal("1.20"), None]), ["1.20", ""]),
        (pa.array([" x ", None], pa.large_string()), ["x", ""]),
        (pa.array(["x", None]).dictionary_encode(), ["x", ""]),
        (pa.array([None, None], pa.null()), ["", ""]),
    ],
    ids=lambda values: str(getattr(values, "type", "")),
)
def test_every_readable_parquet_type_becomes_text(tmp_path: Path, values: object, found: list[str]) -> None:
    """One rule then judges a cell, whatever kind of file it came from."""
    table = read_table(parquet(tmp_path / "t.parquet", {"case_id": ["A", "B"], "age": values}), WANTED)
    assert texts(table, "age") == found


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1, 2], pa.timestamp("us")),
        pa.array([[1], [2]]),
        pa.array([b"a", b"b"]),
        pa.array([{"a": 1}] * 2),
    ],
    ids=["timestamp", "list", "binary", "struct"],
)
def test_a_parquet_column_of_another_type_is_refused_by_name_and_type(
    tmp_path: Path, values: pa.Array, request: pytest.FixtureRequest
) -> None:
    """A date or a list is no measurement."""
    told = refusal(parquet(tmp_path / "t.parquet", {"case_id": ["A", "B"], "age": values}))
    assert f"Column age of t.parquet holds {request.node.callspec.id}" in told
    assert "which is no measurement" in told


def test_an_extra_parquet_column_is_refused_whatever_its_type(tmp_path: Path) -> None:
    """The same rule as for CSV; and passed over, its type does not matter."""
    path = parquet(
        tmp_path / "t.parquet", {"case_id": ["A"], "age": [70], "seen": pa.array([0], pa.date32())}
    )
    assert "not asked for: seen" in refusal(path)
    assert texts(read_table(path, WANTED, ignore_extra=True), "age") == ["70"]


def test_a_parquet_file_without_rows_is_refused(tmp_path: Path) -> None:
    """Nothing came."""
    empty = {"case_id": pa.array([], pa.string()), "age": pa.array([], pa.float64())}
    assert "has a header and no rows" in refusal(parquet(tmp_path / "t.parquet", empty))


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    """Cut off anywhere, with its first page gone, or with a name in it that is no text."""
    path = parquet(tmp_path / "t.parquet", {"case_id": ["A"], "age": [70]})
    whole = path.read_bytes()
    first_page_gone = whole[:4] + bytes(60) + whole[64:]
    no_text = whole.replace(b"case_id", b"case\xa2id")
    for content in (whole[:-10], whole[:20], b"PAR1", first_page_gone, no_text):
        path.write_bytes(content)
        assert "Parquet file t.parquet is damaged" in refusal(path)


def test_a_parquet_file_that_unpacks_past_the_limit_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A million equal rows take a few kilobytes on disk."""
    path = parquet(tmp_path / "t.parquet", {"case_id": ["A" * 60] * 1_000_000, "age": [70] * 1_000_000})
    assert path.stat().st_size < 100_000
    monkeypatch.setattr(tables, "MAX_BYTES", 1_000_000)
    assert "unpacks to 1 MB or more" in refusal(path)


def test_a_long_text_that_stands_in_every_row_is_not_unpacked_to_be_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of kilobytes keeps it once, says so in its footer, and took gigabytes for each column of a batch."""
    rows = 20_000
    path = parquet(tmp_path / "t.parquet", {"case_id": ["7" * 50_000] * rows, "age": list(range(rows))})
    assert path.stat().st_size < 1_000_000
    monkeypatch.setattr(tables, "_as_text", lambda values: pytest.fail("unpacked") if len(values) > 1 else values)
    assert "unpacks to 200 MB or more" in refusal(path)


def test_different_values_that_stand_in_no_row_are_not_carried_along_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each batch of rows brings all the values of its group."""
    values = pa.array(["7", *(f"{number:0100000}" for number in range(5))])
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 500_000, pa.int32()), values)
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"case_id": column, "age": column}), path, row_group_size=500_000)
    monkeypatch.setattr(tables, "MAX_BYTES", 1_000_000_000)
    monkeypatch.setattr(tables, "MOST_COPIED", 0.001)
    assert "unpacks to" in refusal(path)


def test_a_parquet_file_that_says_it_is_large_is_not_even_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its footer holds the unpacked size of each group of rows."""
    rows = [f"C-{number}" for number in range(100_000)]
    path = parquet(tmp_path / "t.parquet", {"case_id": rows, "age": list(range(100_000))})
    monkeypatch.setattr(tables, "MAX_BYTES", path.stat().st_size + 1)
    monkeypatch.setattr(tables, "_parquet_parts", lambda *_: pytest.fail("it was read"))
    assert "unpacks to" in refusal(path)
