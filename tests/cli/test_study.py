"""`study mrmc`: anybody's table in, numbers out, and one sentence where a table can't be read."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from hitl_review.cli.study import study

DATA = Path(__file__).parents[1] / "oracles" / "data"
SIM = str(DATA / "sim_assist.csv")
ROWS = [
    {
        "reader": r,
        "modality": m,
        "case": f"c{k}",
        "truth": str(k % 2),
        "rating": str((k * r_number + m_number) % 7),
    }
    for r_number, r in enumerate(("A", "B"), start=1)
    for m_number, m in enumerate(("solo", "aided"))
    for k in range(8)
]


def run(*arguments: str) -> Result:
    """Run the command in-process."""
    return CliRunner().invoke(study, ["mrmc", *arguments])


def written(folder: Path, rows: list[dict[str, str]], name: str = "reads.csv", delimiter: str = ",") -> str:
    """A table file of these rows."""
    with (folder / name).open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return str(folder / name)


def refused(result: Result, words: str) -> None:
    """Exit code 2, nothing on standard output, one sentence with these words on standard error."""
    assert result.exit_code == 2
    assert result.stdout == ""
    assert words in result.stderr and "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_json_has_the_keys_of_the_contract_and_the_reference_numbers() -> None:
    """sim_assist, AUC, jackknife: the values of MRMCaov, solo minus assisted."""
    result = run(SIM, "--modality-col", "arm", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0 and result.stderr == ""
    assert list(found) == ["estimate", "se", "ci", "statistic", "df1", "df2", "p", "modalities", "components"]
    assert found["modalities"] == ["solo", "assisted"]
    assert found["estimate"] == pytest.approx(-0.07292, abs=5e-6) and found["se"] == pytest.approx(
        0.01563, abs=5e-6
    )
    assert found["statistic"] == pytest.approx(21.7660, abs=5e-5) and found["df2"] == pytest.approx(
        23.8131, abs=5e-5
    )
    assert found["ci"] == pytest.approx([-0.10519, -0.04065], abs=5e-6) and found["p"] == pytest.approx(
        1e-4, abs=5e-6
    )
    assert set(found["components"]) == {"var", "cov1", "cov2", "cov3"}


@pytest.mark.parametrize(
    ("metric", "estimate", "p"), [("sensitivity", -0.10069, 0.1374), ("specificity", -0.03241, 0.01784)]
)
def test_rates_of_calls(metric: str, estimate: float, p: float) -> None:
    """The column of calls is the rating; numbers of MRMCaov."""
    found = json.loads(
        run(SIM, "--modality-col", "arm", "--rating-col", "call", "--metric", metric, "--json").stdout
    )
    assert found["estimate"] == pytest.approx(estimate, abs=5e-6) and found["p"] == pytest.approx(p, abs=5e-5)


def test_a_threshold_makes_calls_of_ratings() -> None:
    """Without it, ratings that are no calls are refused."""
    asked = [SIM, "--modality-col", "arm", "--metric", "sensitivity"]
    assert run(*asked, "--threshold", "50").exit_code == 0
    refused(run(*asked), "give a threshold")


@pytest.mark.parametrize("covariance", ["jackknife", "delong", "unbiased"])
@pytest.mark.parametrize(
    ("readers", "cases"), [("random", "random"), ("fixed", "random"), ("random", "fixed")]
)
def test_every_covariance_in_every_mode_gives_json_without_nan(
    covariance: str, readers: str, cases: str
) -> None:
    """df2 of a chi-square is infinite, so null."""
    result = run(
        *(str(DATA / "sim_assist_null.csv"), "--modality-col", "arm", "--json"),
        *("--covariance", covariance, "--readers", readers, "--cases", cases),
    )
    found = json.loads(result.stdout, parse_constant=lambda word: pytest.fail(word))
    assert found["se"] > 0 and 0 <= found["p"] <= 1
    assert (found["df2"] is None) == (readers == "fixed")


def test_text_is_for_a_person() -> None:
    """Without --json: tables, the test in words, the cross-check, notes."""
    text = run(SIM, "--modality-col", "arm").stdout
    for part in (
        "AUC; readers random, cases random",
        "Are the modalities equal? F(1, 23.81)",
        "R06",
        "Cross-check",
    ):
        assert part in text


def test_a_split_plot_study_says_what_is_missing() -> None:
    """Half of the reads by plan: counted, not filled in."""
    text = run(str(DATA / "sim_splitplot.csv"), "--modality-col", "arm").stdout
    assert "600 of 1200 reads are missing" in text


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ","), ("b.csv", ";"), ("c.tsv", "\t")])
def test_the_delimiter_is_seen(tmp_path: Path, name: str, delimiter: str) -> None:
    """Comma, semicolon or tab; a byte-order mark is no part of the first name."""
    path = Path(written(tmp_path, ROWS, name, delimiter))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert run(str(path), "--json").exit_code == 0


def test_parquet_gives_the_same_numbers(tmp_path: Path) -> None:
    """The same table in the other form."""
    pd.read_csv(SIM).to_parquet(tmp_path / "reads.parquet")
    from_parquet = run(str(tmp_path / "reads.parquet"), "--modality-col", "arm", "--json")
    assert from_parquet.stdout == run(SIM, "--modality-col", "arm", "--json").stdout


def test_bad_files_are_refused_in_one_sentence(tmp_path: Path) -> None:
    """Missing, empty, binary, broken Parquet, a folder: exit code 2 and what to do."""
    binary, empty, broken = (tmp_path / name for name in ("reads.png", "empty.csv", "reads.parquet"))
    binary.write_bytes(b"\x89PNG\r\n\x00\xff")
    empty.write_text("")
    broken.write_bytes(b"PAR1 and no more")
    refused(run(str(binary)), "not text in UTF-8")
    refused(run(str(empty)), "is empty")
    refused(run(str(broken)), "can't be read as Parquet")
    refused(run(str(tmp_path / "nowhere.csv")), "does not exist")
    refused(run(str(tmp_path)), "directory")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"truth": "2"}, "row 1 of column 'truth' has '2'"),
        ({"rating": "high"}, "row 1 of column 'rating' has 'high'"),
        ({"reader": ""}, "Row 1 of column 'reader' is empty"),
        ({"case": "c1", "truth": "1"}, "more than once"),
        ({"truth": "1"}, "Case 'c0' has truth 0 in one row and 1 in another"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, change: dict[str, str], words: str) -> None:
    """Row and value, so that it can be found."""
    refused(run(written(tmp_path, [{**ROWS[0], **change}, *ROWS[1:]])), words)


def test_columns_that_are_not_there_and_rows_of_the_wrong_length_are_named(tmp_path: Path) -> None:
    """With the columns that are there, and the options that name another."""
    refused(
        run(SIM), "no column 'modality'; its columns are reader, arm, case, truth, rating, call, ai_score"
    )
    path = Path(written(tmp_path, ROWS))
    path.write_text(path.read_text() + "A,solo,c9\n")
    refused(run(str(path)), f"Row {len(ROWS) + 1} of 'reads.csv' has 3 cells, but the header has 5")
    path.write_text("reader,reader,case,truth,rating\n1,2,3,0,1\n")
    refused(run(str(path), "--modality-col", "reader"), "more than one column 'reader'")


def test_designs_that_cannot_be_analysed_are_refused(tmp_path: Path) -> None:
    """One truth class, nothing random, DeLong with gaps."""
    one_class = [{**row, "truth": "1"} for row in ROWS]
    refused(run(written(tmp_path, one_class)), "only positive")
    refused(run(written(tmp_path, ROWS), "--readers", "fixed", "--cases", "fixed"), "nothing is random")
    refused(run(written(tmp_path, ROWS[1:]), "--covariance", "delong"), "1 reads are missing")


def test_wrong_options_are_refused() -> None:
    """A choice that does not exist, and the choices."""
    refused(run(SIM, "--metric", "f1"), "'f1' is not one of")
    refused(run(SIM, "--covariance", "bootstrap"), "'jackknife', 'delong', 'unbiased'")


def test_a_report_can_be_written_from_any_table(tmp_path: Path) -> None:
    """One HTML file beside the numbers; a file that is there is never replaced."""
    out = tmp_path / "report.html"
    result = run(SIM, "--modality-col", "arm", "--json", "--report", str(out))
    page = out.read_text()
    assert result.exit_code == 0 and json.loads(result.stdout)["modalities"] == ["solo", "assisted"]
    assert page.startswith("<!doctype html>") and "solo \u2212 assisted" in page and "\u22120.073" in page
    refused(run(SIM, "--modality-col", "arm", "--report", str(out)), "There is a file report.html already")
    assert out.read_text() == page


def test_help_has_an_example() -> None:
    """And says what the difference is."""
    text = run("--help").stdout
    assert "\n    hitl-review study mrmc reads.csv" in text and "first modality minus the second" in text
