"""The archive holds what MRMCaov and iMRMC read, and what comes out of it is the report's own result."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import replace

import pytest

from hitl_review.study.reporting.document import Report
from hitl_review.study.reporting.exports import archive, script
from hitl_review.study.reporting.record import Record
from hitl_review.study.table import mrmc_analysis
from hitl_review.study.ustatistics import auc_difference
from tests.study.references import available
from tests.study.reporting.conftest import PLAN


@pytest.fixture(scope="module")
def files(record: Record, report: Report) -> dict[str, str]:
    """The archive's files."""
    with zipfile.ZipFile(io.BytesIO(archive(record, PLAN, report))) as packed:
        return {name: packed.read(name).decode("utf-8") for name in packed.namelist()}


def rows(text: str) -> list[dict[str, str]]:
    """A CSV text as rows."""
    return list(csv.DictReader(io.StringIO(text)))


def test_the_long_table_gives_the_report_s_own_result(files: dict[str, str], report: Report) -> None:
    """Read back by `study mrmc`: same sign, same numbers to the last bit."""
    table = rows(files["reads.csv"])
    columns = {name: [row[name] for row in table] for name in table[0]}
    found, told = mrmc_analysis(columns).as_json(), report.section("primary").data
    assert {key: told[key] for key in found} == found
    assert len(table) == 1440 and list(columns)[:6] == [
        "reader",
        "modality",
        "case",
        "truth",
        "rating",
        "call",
    ]


def test_imrmc_s_table_holds_truth_rows_and_every_rating(files: dict[str, str], record: Record) -> None:
    """readerID, caseID, modalityID, score: 120 rows of truth, 1,440 of readers, whose AUCs are iMRMC's own."""
    table = rows(files["imrmc.csv"])
    truth = {row["caseID"]: row["score"] for row in table if row["readerID"] == "truth"}
    assert len(truth) == 120 and {row["modalityID"] for row in table[:120]} == {"truth"}
    rated = table[120:]
    assert len(rated) == 1440 and set(truth.values()) == {"0", "1"}
    from hitl_review.study.table import read_table

    reads = read_table(
        {
            "reader": [row["readerID"] for row in rated],
            "modality": [row["modalityID"] for row in rated],
            "case": [row["caseID"] for row in rated],
            "rating": [row["score"] for row in rated],
            "truth": [truth[row["caseID"]] for row in rated],
        }
    )
    expected = next(each for each in available() if each["id"] == "sim_assist/iMRMC/rating")["values"][
        "Ustat"
    ]
    row = expected["modalityB"].index("msolo")
    found = auc_difference(reads, "with the model", "alone")
    assert found.estimate == pytest.approx(expected["AUCAminusAUCB"][row])
    assert found.variance == pytest.approx(expected["varAUCAminusAUCB"][row])


def test_the_script_names_the_study_s_own_levels_and_covariance(files: dict[str, str]) -> None:
    """Quotes in a name stay inside the string; the covariance is MRMCaov's word for it."""
    assert (
        'levels = c("with the model", "alone")' in files["analyse.R"]
        and "cov = jackknife" in files["analyse.R"]
    )
    odd = script(replace(PLAN, first='a"b', second="", covariance="delong"))
    assert 'c("a\\"b")' in odd and "cov = DeLong" in odd


def test_simulated_readers_are_marked_in_every_file_for_people(files: dict[str, str]) -> None:
    """README and script; the JSON says so as a flag."""
    assert "SIMULATED" in files["README.md"] and "SIMULATED" in files["analyse.R"]
    assert json.loads(files["report.json"])["simulated"] is True
    assert "enriched set" in files["README.md"] and "Laboratory study" in files["README.md"]


def test_the_same_study_gives_the_same_bytes(record: Record, report: Report) -> None:
    """So that a digest in the log can be matched."""
    assert archive(record, PLAN, report) == archive(record, PLAN, report)
