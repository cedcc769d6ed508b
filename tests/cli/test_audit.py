"""audit verify and audit show: whether the log holds, and what it tells."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from hitl_review.store import schema


def test_an_untouched_workspace_verifies(run, workspace: Path) -> None:
    """0, in words that promise no more than a check can."""
    result = run("audit", "verify", workspace)
    assert result.exit_code == 0
    assert result.stdout.startswith("Nothing wrong was found in ")
    assert "cannot be excluded" in result.stdout


def test_verify_prints_one_json_object(run, workspace: Path) -> None:
    """The keys are those of the audit-log specification."""
    result = run("audit", "verify", workspace, "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 0
    assert told["ok"] is True
    assert {"events", "head", "first_bad_seq", "problems", "checkpoints", "warnings"} <= told.keys()


def test_a_changed_event_is_found_and_named(run, own_workspace: Path) -> None:
    """1, with the number of the event that no longer fits."""
    with sqlite3.connect(own_workspace / "review.db") as connection:
        connection.execute("DROP TRIGGER audit_log_no_update")
        connection.execute("UPDATE audit_log SET payload = replace(payload, 'anna', 'anne') WHERE seq = 3")
        connection.execute(schema.AUDIT_TRIGGERS["audit_log_no_update"])
    result = run("audit", "verify", own_workspace, "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert told["first_bad_seq"] == 3
    said = run("audit", "verify", own_workspace)
    assert said.exit_code == 1
    assert "event 3" in said.stdout


def test_a_dropped_trigger_is_found(run, own_workspace: Path) -> None:
    """The protection itself is part of what is verified."""
    with sqlite3.connect(own_workspace / "review.db") as connection:
        connection.execute("DROP TRIGGER decisions_no_delete")
    result = run("audit", "verify", own_workspace)
    assert result.exit_code == 1
    assert "decisions_no_delete" in result.stdout


def test_a_checkpoint_that_was_kept_nowhere_else_is_told(run, own_workspace: Path, tmp_path: Path) -> None:
    """The note is printed all the same; where it did reach its file, nothing more is said."""
    place = tmp_path / "not made" / "checkpoints.txt"
    lost = run("audit", "checkpoint", own_workspace, HITL_CHECKPOINTS=str(place))
    assert (lost.exit_code, lost.stdout.count("hitl-review.example/")) == (0, 2)
    assert lost.stderr.startswith(f"Warning: {place} lacks the last checkpoint that was published. ")
    kept = run("audit", "checkpoint", own_workspace)
    assert (kept.exit_code, kept.stderr) == (0, "")


def test_a_file_that_is_no_database_can_not_be_checked(run, tmp_path: Path) -> None:
    """2: there is nothing to check."""
    (tmp_path / "review.db").write_bytes(b"not a database at all " * 200)
    result = run("audit", "verify", tmp_path)
    assert result.exit_code == 2
    assert result.stdout == ""


def test_an_empty_database_is_wrong_in_everything(run, tmp_path: Path) -> None:
    """1: it opens, and nothing that must be there is."""
    (tmp_path / "review.db").touch()
    result = run("audit", "verify", tmp_path)
    assert result.exit_code == 1
    assert "audit_log" in result.stdout


def test_a_missing_workspace_can_not_be_checked(run, tmp_path: Path) -> None:
    """2, with how to make one."""
    result = run("audit", "verify", tmp_path)
    assert result.exit_code == 2
    assert "There is no workspace" in result.stderr


def test_show_lists_the_newest_first(run, workspace: Path) -> None:
    """Number, time, who, what, on which subject."""
    told = json.loads(run("audit", "show", workspace, "--limit", 3, "--json").stdout)["events"]
    assert [event["seq"] for event in told] == sorted((event["seq"] for event in told), reverse=True)
    lines = run("audit", "show", workspace, "--limit", 3).stdout.splitlines()
    assert len(lines) == len(told) == 3


def test_show_filters_by_action_and_subject(run, workspace: Path) -> None:
    """An auditor asks about one thing."""
    trained = json.loads(run("audit", "show", workspace, "--action", "model.%", "--json").stdout)["events"]
    assert {event["action"] for event in trained} == {"model.trained", "model.promoted"}
    subject = trained[0]["subject"]
    found = json.loads(run("audit", "show", workspace, "--subject", subject, "--json").stdout)["events"]
    assert {event["subject"] for event in found} == {subject}
