"""A whole table, checked: what can be taken, and every value that can't."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as some

from hitl_review.errors import IntakeError
from hitl_review.project import Feature, Project
from hitl_review.workflow import checking
from hitl_review.workflow.checking import (
    CheckedTable,
    _plausible_numbers,
    judged,
    read_cases,
    read_outcomes,
)
from hitl_review.workflow.values import judge_for, judge_number

Write = Callable[..., Path]
NUMBER = Feature(
    name="x", label="X", kind="number", group="g", unit="mmol/L", plausible_low=-1000, plausible_high=1e15
)


def faults(table: CheckedTable) -> list[tuple[int, str, str]]:
    """Where and what everything is that can't be taken."""
    return [(each.row, each.column, each.value) for each in table.rejections]


def test_cells_become_the_values_that_a_case_keeps(csv_file: Write, clinic_project: Project) -> None:
    """Floats, flags as 1.0 and 0.0, codes of levels, and None where nothing was measured."""
    table = read_cases(csv_file("A,38.5,1.2,-3,yes,none", "B, 37 ,,NA,0,"), clinic_project)
    assert list(table.cases()) == [
        (
            "A",
            {"temperature": 38.5, "creatinine": 1.2, "base_excess": -3.0, "diabetes": 1.0, "smoking": "none"},
        ),
        (
            "B",
            {"temperature": 37.0, "creatinine": None, "base_excess": None, "diabetes": 0.0, "smoking": None},
        ),
    ]
    assert table.rejections == ()
    assert table.good_rows() == {"A": 2, "B": 3}
    kinds = {type(value) for _, values in table.cases() for value in values.values()}
    assert kinds == {float, str, type(None)}


def test_every_bad_value_is_named_by_row_column_value_and_reason(
    csv_file: Write, clinic_project: Project
) -> None:
    """In the order of the file; the good rows between them stay good."""
    table = read_cases(
        csv_file(
            "A,98.6,1.2,0,1,none",
            "B,37,180,inf,1,none",
            "C,37,1.1,0,1,current",
            "Jane Doe,37,1.1,0,maybe,cigars",
        ),
        clinic_project,
    )
    assert faults(table) == [
        (2, "temperature", "98.6"),
        (3, "creatinine", "180"),
        (3, "base_excess", "inf"),
        (5, "case_id", "Jane Doe"),
        (5, "diabetes", "maybe"),
        (5, "smoking", "cigars"),
    ]
    assert table.rejected == 6
    assert table.good_rows() == {"C": 4}
    assert "From °F to °C it would be 37 °C" in table.rejections[0].reason


def test_a_row_of_another_shape_is_rejected_among_the_others(
    csv_file: Write, clinic_project: Project
) -> None:
    """It has no column, because nobody knows which cell is which."""
    table = read_cases(csv_file("A,37", "B,37,1.1,0,1,none", "C,99,1.1,0,1,none"), clinic_project)
    assert faults(table) == [(2, "", ""), (4, "temperature", "99")]
    assert table.rejected == 2


def test_all_rows_of_a_repeated_id_are_rejected_and_name_each_other(
    csv_file: Write, clinic_project: Project
) -> None:
    """Nobody can tell which one is right, even where they are equal."""
    row = "37,1.1,0,1,none"
    table = read_cases(csv_file(f"A,{row}", f"B,{row}", f"A,{row}", f"A,{row}"), clinic_project)
    assert [(each.row, each.value, each.reason) for each in table.rejections] == [
        (2, "A", "stands in row 4 too"),
        (4, "A", "stands in row 2 too"),
        (5, "A", "stands in row 2 too"),
    ]
    assert table.duplicates == ("A",)
    assert table.good_rows() == {"B": 3}


def test_ids_that_are_empty_are_not_one_repeated_id(csv_file: Write, clinic_project: Project) -> None:
    """Each lacks an id; that is one fault each."""
    table = read_cases(csv_file(",37,1.1,0,1,none", ",37,1.1,0,1,none"), clinic_project)
    assert [each.reason for each in table.rejections] == ["is empty: every case needs an id"] * 2
    assert table.duplicates == ()


def test_a_value_fit_for_no_terminal_is_written_out(csv_file: Write, clinic_project: Project) -> None:
    """Control characters could rewrite the screen, and a megabyte would fill it."""
    long = "x" * 500
    table = read_cases(csv_file(f"A,37\x1b[2J,{long},0,1,none"), clinic_project)
    assert table.rejections[0].value == r"37\x1b[2J"
    assert table.rejections[1].value == "x" * 80 + "…"


def test_a_parquet_file_gives_the_same_values_as_its_csv(
    csv_file: Write, clinic_project: Project, tmp_path: Path
) -> None:
    """One rule judges a cell, whatever kind of file it came from; only the row numbers differ."""
    columns = {
        "case_id": ["A", "B", "C"],
        "temperature": [38.5, None, 98.6],
        "creatinine": [1.2, 0.1, float("nan")],
        "base_excess": pa.array([-3, 0, None], pa.int32()),
        "diabetes": [True, None, False],
        "smoking": pa.array(["none", "former", None]).dictionary_encode(),
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    parquet = read_cases(tmp_path / "t.parquet", clinic_project)
    csv = read_cases(
        csv_file("A,38.5,1.2,-3,true,none", "B,,0.1,0,,former", "C,98.6,nan,,false,"), clinic_project
    )
    assert list(parquet.cases()) == list(csv.cases())
    assert faults(parquet) == [(3, "temperature", "98.6")]
    assert faults(csv) == [(4, "temperature", "98.6")]


def test_parquet_values_of_the_wrong_type_are_named_one_by_one(
    clinic_project: Project, tmp_path: Path
) -> None:
    """A text where a number belongs, a number where a level belongs."""
    columns = {
        "case_id": [1, 2],
        "temperature": ["37", "warm"],
        "creatinine": [True, False],
        "base_excess": [float("inf"), 0.0],
        "diabetes": [1.0, 2.0],
        "smoking": [1, 2],
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    table = read_cases(tmp_path / "t.parquet", clinic_project)
    assert faults(table) == [
        (1, "creatinine", "true"),
        (1, "base_excess", "inf"),
        (1, "smoking", "1"),
        (2, "temperature", "warm"),
        (2, "creatinine", "false"),
        (2, "diabetes", "2"),
        (2, "smoking", "2"),
    ]


def test_doubles_come_through_parquet_to_the_last_bit(tmp_path: Path) -> None:
    """They pass as text, whose digits read back as the same double."""
    doubles = np.random.default_rng(1).standard_normal(20_000) * np.logspace(-12, 12, 20_000)
    texts = pa.array(doubles).cast(pa.string())
    everything = NUMBER.model_copy(update={"plausible_low": -1e300, "plausible_high": 1e300})
    assert _plausible_numbers(everything, texts).tobytes() == doubles.tobytes()


@given(
    some.lists(
        some.floats(allow_nan=False).map(repr)
        | some.from_regex(r"\A[+-]?[0-9]{0,4}[.,]?[0-9]{0,4}([eE][+-]?[0-9]{1,3})?\Z")
        | some.text(max_size=8)
    )
)
def test_reading_a_column_at_once_is_judging_each_cell(texts: list[str]) -> None:
    """The fast way over arrays may never disagree with the rule for one cell, in value nor in refusal."""
    cells = pa.array(texts, pa.string())
    rows = np.arange(len(texts), dtype=np.int64)
    column = judged("x", cells, rows, judge_for(NUMBER), _plausible_numbers(NUMBER, cells))
    expected = [judge_number(NUMBER, text) for text in texts]
    assert column.part(0, len(texts)) == [value for value, _ in expected]
    assert column.bad.tolist() == [fault is not None for _, fault in expected]
    assert [each.reason for each in column.rejections] == [fault for _, fault in expected if fault]


def test_a_column_wrong_as_a_whole_is_named_up_to_a_limit_and_counted(
    csv_file: Write, clinic_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty million rejections would need more memory than the file."""
    monkeypatch.setattr(checking, "NAMED_PER_COLUMN", 3)
    table = read_cases(csv_file(*(f"C{n},hot,1.1,0,1,none" for n in range(10))), clinic_project)
    assert len(table.rejections) == 3
    assert table.rejected == 10
    assert table.good_rows() == {}


def test_cases_come_whole_when_they_span_several_slices(csv_file: Write, clinic_project: Project) -> None:
    """Dictionaries are made some thousand at a time; none is lost at a seam."""
    rows = [f"C{n},{30 + n % 10},1.1,0,1,none" for n in range(12_001)]
    table = read_cases(csv_file(*rows), clinic_project)
    found = list(table.cases())
    assert [case_id for case_id, _ in found] == [f"C{n}" for n in range(12_001)]
    assert all(values["temperature"] == 30 + n % 10 for n, (_, values) in enumerate(found))


def test_outcomes_are_read_as_one_and_zero_and_unknown(csv_file: Write, clinic_project: Project) -> None:
    """An empty cell is an outcome that is not known yet."""
    path = csv_file("A,1", "B,alive", "C,", "D,maybe", header="case_id,died")
    table = read_outcomes(path, clinic_project)
    assert list(table.cases()) == [("A", {"died": 1.0}), ("B", {"died": 0.0}), ("C", {"died": None})]
    assert faults(table) == [(5, "died", "maybe")]


def test_an_outcome_among_the_cases_is_an_extra_column(csv_file: Write, clinic_project: Project) -> None:
    """It would be a leak."""
    path = csv_file(
        "A,37,1.1,0,1,none,1", header="case_id,temperature,creatinine,base_excess,diabetes,smoking,died"
    )
    with pytest.raises(IntakeError, match="not asked for: died"):
        read_cases(path, clinic_project)
    assert read_cases(path, clinic_project, ignore_extra=True).good_rows() == {"A": 2}
