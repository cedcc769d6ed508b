"""import and export: every bad value named, all or nothing, one JSON object."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import pytest

from hitl_review.domain.case import Purpose
from hitl_review.store import audit, cases
from hitl_review.workflow.workspace import open_workspace


@pytest.fixture
def changed(tables: Path, tmp_path: Path):
    """Write the queue's table anew with cells changed: {(row, column): value}; ids get a letter in front."""

    def written(cells: dict[tuple[int, str], str], *, prefix: str = "X") -> Path:
        with (tables / "queue-cases.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for number, row in enumerate(rows):
            row["case_id"] = f"{prefix}{row['case_id']}"
            row.update({column: value for (place, column), value in cells.items() if place == number})
        path = tmp_path / "cases.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    return written


def count(workspace: Path, purpose: Purpose = Purpose.QUEUE) -> int:
    """Return how many cases of a purpose the workspace holds."""
    with open_workspace(workspace) as opened:
        return len(cases.of_purpose(opened.store, purpose))


def test_a_good_file_is_received_whole(run, own_workspace: Path, changed) -> None:
    """The count is told, and one JSON object holds what the contract says."""
    result = run("import", own_workspace, changed({}), "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"received": 20, "duplicates": 0, "rejected": []}
    assert count(own_workspace) == 40


def test_the_same_file_again_changes_nothing(run, own_workspace: Path, changed) -> None:
    """Sending a file twice is harmless."""
    file = changed({})
    run("import", own_workspace, file)
    assert run("import", own_workspace, file).stdout == "0 cases received, 20 were here already.\n"


def test_one_bad_value_refuses_the_whole_file_and_is_named(run, own_workspace: Path, changed) -> None:
    """Row, column and value, on standard error; nothing is stored."""
    result = run("import", own_workspace, changed({(3, "age"): "640"}))
    assert result.exit_code == 2
    assert "row 5, column age, '640'" in result.stderr
    assert count(own_workspace) == 20


def test_a_refused_file_is_told_in_json_too(run, own_workspace: Path, changed) -> None:
    """The object is the same, with what was rejected, and the exit code still says no."""
    result = run("import", own_workspace, changed({(3, "age"): "640", (4, "sex"): "?"}), "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 2
    assert told["received"] == 0
    assert [(each["row"], each["column"], each["value"]) for each in told["rejected"]] == [
        (5, "age", "640"),
        (6, "sex", "?"),
    ]
    assert all(each["reason"] for each in told["rejected"])


def test_skip_bad_takes_the_good_rows_and_lists_the_others(run, own_workspace: Path, changed) -> None:
    """What was not taken is told, and the rest is there."""
    result = run("import", own_workspace, changed({(3, "age"): "640"}), "--skip-bad")
    assert result.exit_code == 0
    assert "19 cases received" in result.stdout
    assert "Not taken: row 5, column age, '640'" in result.stderr


def test_an_unknown_column_is_refused_unless_it_is_to_be_ignored(
    run, own_workspace: Path, tmp_path: Path, tables: Path
) -> None:
    """A column nobody asked for may be a leak of the outcome."""
    lines = (tables / "queue-cases.csv").read_text(encoding="utf-8").splitlines()
    file = tmp_path / "wide.csv"
    file.write_text("\n".join([f"{lines[0]},hint", *(f"{line},1" for line in lines[1:])]), encoding="utf-8")
    refused = run("import", own_workspace, file)
    assert refused.exit_code == 2
    assert "hint" in refused.stderr
    assert run("import", own_workspace, file, "--ignore-extra").exit_code == 0


def test_the_purpose_says_what_cases_are_for(run, own_workspace: Path, changed) -> None:
    """Training cases do not join the queue."""
    run("import", own_workspace, changed({}), "--purpose", "training")
    assert count(own_workspace, Purpose.QUEUE) == 20
    assert count(own_workspace, Purpose.TRAINING) == 80


def test_outcomes_without_a_case_are_refused(run, own_workspace: Path, tmp_path: Path) -> None:
    """An outcome of nobody is a mistake in the file."""
    file = tmp_path / "outcomes.csv"
    file.write_text("case_id,died_within_180_days\nNOBODY,1\n", encoding="utf-8")
    result = run("import", own_workspace, file, "--outcomes")
    assert result.exit_code == 2
    assert "NOBODY" in result.stderr


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n\x00\x00", b"case_id\n"])
def test_a_file_that_is_no_table_of_cases_is_bad_input(
    run, own_workspace: Path, tmp_path: Path, content: bytes
) -> None:
    """Empty, binary, or without the columns: one sentence, no traceback."""
    file = tmp_path / "file.csv"
    file.write_bytes(content)
    result = run("import", own_workspace, file)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert "fault of the program" not in result.stderr


def test_a_file_that_is_not_there_is_bad_input(run, workspace: Path, tmp_path: Path) -> None:
    """The missing file is named."""
    result = run("import", workspace, tmp_path / "nothing.csv")
    assert result.exit_code == 2
    assert "nothing.csv" in result.stderr


def test_a_role_that_may_not_import_is_refused(run, workspace: Path, tables: Path) -> None:
    """Whoever is named acts in the own role: a reader brings no cases in."""
    result = run("import", workspace, tables / "queue-cases.csv", "--as", "anna")
    assert result.exit_code == 1
    assert "reader" in result.stderr


def test_an_export_is_a_new_file_that_the_log_knows(run, workspace: Path, tmp_path: Path) -> None:
    """Rows and digest are told, only the owner may read the file, and the event names the same digest."""
    out = tmp_path / "cases.csv"
    result = run("export", workspace, "--what", "cases", "--format", "csv", "--out", out)
    assert result.exit_code == 0
    assert result.stdout == ""
    digest = "sha256:" + hashlib.sha256(out.read_bytes()).hexdigest()
    assert digest in result.stderr
    assert out.stat().st_mode & 0o077 == 0
    with open_workspace(workspace) as opened:
        closing, event = (each.told for each in audit.latest(opened.store, limit=2))
    assert closing["action"] == "checkpoint.published"
    assert (event["action"], event["detail"]["digest"]) == ("data.exported", digest)


def test_without_a_file_the_export_goes_to_standard_output_alone(run, workspace: Path) -> None:
    """What a pipe reads is the table and nothing else."""
    result = run("export", workspace, "--what", "cases", "--format", "jsonl")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(rows) >= 20
    assert f"{len(rows)} cases exported" in result.stderr


def test_an_export_overwrites_nothing(run, workspace: Path, tmp_path: Path) -> None:
    """The file that is there stays as it is."""
    out = tmp_path / "mine.csv"
    out.write_text("mine", encoding="utf-8")
    result = run("export", workspace, "--what", "decisions", "--format", "csv", "--out", out)
    assert result.exit_code == 2
    assert out.read_text(encoding="utf-8") == "mine"


def test_a_role_that_may_not_export_is_refused(run, workspace: Path, tmp_path: Path) -> None:
    """A reader takes no data away."""
    out = tmp_path / "taken.csv"
    result = run("export", workspace, "--what", "cases", "--format", "csv", "--out", out, "--as", "anna")
    assert result.exit_code == 1
    assert not out.exists()
