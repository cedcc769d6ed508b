"""Tables become reads, or the row that is wrong is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from hitl_review.errors import StudyError
from hitl_review.study.table import mrmc_analysis, read_table


def good(**changes: list[Any]) -> dict[str, list[Any]]:
    """Two readers, two modalities, four cases, all read; columns may be replaced."""
    columns = {
        "reader": ["A"] * 8 + ["B"] * 8,
        "modality": (["solo"] * 4 + ["aided"] * 4) * 2,
        "case": ["c1", "c2", "c3", "c4"] * 4,
        "truth": [0, 0, 1, 1] * 4,
        "rating": [1, 3, 2, 4, 1, 2, 3, 4, 2, 1, 1, 3, 1, 3, 2, 5],
    }
    return {**columns, **changes}


def with_cell(column: str, row: int, value: Any) -> dict[str, list[Any]]:
    """The good table with one cell changed (rows from 0)."""
    values = list(good()[column])
    values[row] = value
    return good(**{column: values})


def test_a_dictionary_and_a_data_frame_say_the_same() -> None:
    """Lists, strings from a CSV file and a data frame with its own kind of missing value are one table."""
    from_lists = mrmc_analysis(good()).as_json()
    as_text = {name: [str(value) for value in values] for name, values in good().items()}
    assert mrmc_analysis(as_text).as_json() == from_lists
    assert mrmc_analysis(pd.DataFrame(good())).as_json() == from_lists
    assert mrmc_analysis(pd.DataFrame(good()).convert_dtypes()).as_json() == from_lists


def test_the_result_has_the_keys_of_the_contract() -> None:
    """Exactly those of the command line, in JSON's own types."""
    found = mrmc_analysis(good()).as_json()
    assert list(found) == ["estimate", "se", "ci", "statistic", "df1", "df2", "p", "modalities", "components"]
    assert list(found["components"]) == ["var", "cov1", "cov2", "cov3"]
    assert all(type(found[key]) is float for key in ("estimate", "se", "statistic", "df1", "df2", "p"))


def test_modalities_keep_their_order_of_appearance_and_numbers_their_own() -> None:
    """The estimate is first minus second: solo minus aided here; 2 before 10, wherever 10 appears."""
    assert read_table(good()).modalities == ("solo", "aided")
    numbered = good(modality=(["10"] * 4 + ["2"] * 4) * 2)
    assert read_table(numbered).modalities == ("2", "10")
    assert mrmc_analysis(numbered).estimate == pytest.approx(-mrmc_analysis(good()).estimate)


def test_names_are_text() -> None:
    """Case 1.1 is not case 1.10, a reader 7.0 is reader 7, a reader called NA is a reader."""
    assert len(set(read_table(good(case=["1.1", "1.10", "2", "3"] * 4)).cases)) == 4
    assert read_table(good(reader=[7.0] * 8 + ["NA"] * 8)).readers == ("7", "NA")


@pytest.mark.parametrize("empty", ["", None, float("nan"), pd.NA, "NA"])
def test_an_empty_rating_is_a_read_that_was_not_made(empty: Any) -> None:
    """It is missing, whatever the table's way of saying so."""
    reads = read_table(with_cell("rating", 0, empty))
    assert reads.missing == 1 and np.isnan(reads.ratings[0, 0, 0])


def test_columns_may_have_other_names() -> None:
    """Each column can be named."""
    table = {f"my_{name}": values for name, values in good().items()}
    columns = {f"{name}_col": f"my_{name}" for name in good()}
    assert read_table(table, **columns).readers == ("A", "B")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (
            {k: v for k, v in good().items() if k != "case"},
            "no column 'case'; it has reader, modality, truth",
        ),
        (with_cell("truth", 2, 2), "row 3 of column 'truth' has '2'"),
        (with_cell("truth", 2, ""), "row 3 of column 'truth' has ''"),
        (with_cell("truth", 2, 0), "Case 'c3' has truth 0 in one row and 1 in another"),
        (with_cell("rating", 5, "high"), "row 6 of column 'rating' has 'high'"),
        (with_cell("rating", 5, "inf"), "row 6 of column 'rating' has 'inf'"),
        (with_cell("reader", 3, " "), "Row 4 of column 'reader' is empty"),
        (with_cell("case", 1, "c1"), "Reader 'A' read case 'c1' under 'solo' more than once"),
        (good(rating=[1, 2]), "one length"),
        ({name: [] for name in good()}, "no rows"),
    ],
)
def test_a_bad_table_is_refused_by_row_and_value(table: dict[str, list[Any]], words: str) -> None:
    """The message says where and what, so that it can be mended."""
    with pytest.raises(StudyError, match=words):
        read_table(table)


def test_settings_reach_the_analysis() -> None:
    """Metric, threshold, covariance and which factors are random can all be given."""
    calls = mrmc_analysis(good(), metric="sensitivity", threshold=3)
    assert calls.metric.name == "sensitivity" and calls.estimate == pytest.approx(
        (0.5 + 0.5) / 2 - (1 + 0.5) / 2
    )
    assert mrmc_analysis(good(), cases="fixed").cases == "fixed"
    with pytest.raises(StudyError, match="covariance method 'bootstrap'"):
        mrmc_analysis(good(), covariance="bootstrap")
