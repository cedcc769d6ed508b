"""`study report` and `study export`: a demonstration study leaves its report and its reads, from the command line."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.fixture(scope="module")
def studied(workspace: Path, run: Run) -> Path:
    """The small workspace with the demonstration study in it."""
    made = run("study", "demo", workspace, "--readers", 2, "--cases", 12)
    assert made.exit_code == 0, made.stderr
    return workspace


def test_the_report_is_a_page_a_file_or_json(studied: Path, run: Run, tmp_path: Path) -> None:
    """HTML to a new file or standard output, JSON as one object; the digest goes to standard error."""
    out = tmp_path / "report.html"
    to_file = run("study", "report", studied, "demo-study", "--out", out)
    assert to_file.exit_code == 0 and to_file.stdout == "" and "sha256:" in to_file.stderr
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    found = json.loads(run("study", "report", studied, "demo-study", "--json").stdout)
    assert found["simulated"] is True and len(found["sections"]) == 21
    assert run("study", "report", studied, "demo-study").stdout.startswith("<!doctype html>")


def test_the_export_is_a_zip_that_mrmc_reads(studied: Path, run: Run, tmp_path: Path) -> None:
    """Its long table goes straight into `study mrmc`, and gives the report's own estimate."""
    out = tmp_path / "reads.zip"
    assert run("study", "export", studied, "demo-study", out).exit_code == 0
    with zipfile.ZipFile(out) as packed:
        packed.extractall(tmp_path)
    told = json.loads((tmp_path / "report.json").read_text())
    primary = next(each["data"] for each in told["sections"] if each["key"] == "primary")
    again = run("study", "mrmc", tmp_path / "reads.csv", "--covariance", primary["covariance"], "--json")
    assert json.loads(again.stdout)["estimate"] == pytest.approx(primary["estimate"])


def test_what_cannot_be_reported_is_one_sentence(studied: Path, run: Run, tmp_path: Path) -> None:
    """No such study; a file that is there already; nothing is written."""
    (tmp_path / "there.zip").write_text("mine")
    nowhere, there = (
        ("report", studied, "nothing-1"),
        ("export", studied, "demo-study", tmp_path / "there.zip"),
    )
    for asked in (nowhere, there):
        result = run("study", *asked)
        assert result.exit_code in (1, 2) and result.stdout == ""
        assert len(result.stderr.strip().splitlines()) == 1 and "Traceback" not in result.stderr
    assert (tmp_path / "there.zip").read_text() == "mine"
