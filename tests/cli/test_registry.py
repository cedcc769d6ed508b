"""The model's life from the command line: a challenger, two people, back again, and its papers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hitl_review.domain.account import Role
from hitl_review.store import models
from hitl_review.workflow.accounts import add_account, set_password
from hitl_review.workflow.workspace import open_workspace
from tests.people import PASSWORD

STATEMENT = "All cases there are were looked at by two of us."


@pytest.fixture
def staffed(own_workspace: Path) -> Path:
    """A workspace with a steward, an approver and a decided case."""
    with open_workspace(own_workspace) as workspace:
        for account_id, name, role in (
            ("steward-1", "Sam Steward", Role.MODEL_STEWARD),
            ("approver-1", "Abe Approver", Role.APPROVER),
        ):
            add_account(workspace, account_id, name, role)
            set_password(workspace, account_id, PASSWORD)
    return own_workspace


def test_a_challenger_comes_into_use_by_two_people_and_goes_again(run, staffed: Path, tables: Path) -> None:  # type: ignore[no-untyped-def]
    """Retrain (the gate can't decide), propose, promote, roll back, stop, roll back."""
    case_id = (tables / "queue-cases.csv").read_text(encoding="utf-8").splitlines()[1].partition(",")[0]
    assert (
        run("decide", staffed, case_id, "--accept", "--own-probability", "0.6", "--as", "anna").exit_code == 0
    )
    made = run("retrain", staffed, "--json")
    told = json.loads(made.stdout)
    assert (made.exit_code, told["name"], told["verdict"]) == (1, "v2", "undecided")
    assert run("promote", staffed, "v2", "--as", "approver-1", "--statement", STATEMENT).exit_code == 1
    assert run("propose", staffed, "v2", "--as", "steward-1").exit_code == 0
    assert run("promote", staffed, "v2", "--as", "steward-1", "--statement", STATEMENT).exit_code == 1
    assert run("promote", staffed, "v2", "--as", "approver-1").exit_code == 1
    moved = run("promote", staffed, "v2", "--as", "approver-1", "--statement", STATEMENT, "--json")
    assert (moved.exit_code, json.loads(moved.stdout)["name"]) == (0, "v2")
    reason = ("--reason", "It misses the oldest patients.", "--as", "approver-1")
    assert "v1" in run("rollback", staffed, *reason).stdout
    assert "without one" in run("stop", staffed, *reason).stdout
    refused = run("score", staffed)
    assert refused.exit_code != 0 and "stopped" in refused.stderr
    assert run("rollback", staffed, *reason).exit_code == 0
    with open_workspace(staffed) as workspace:
        assert models.champion(workspace.store).name == "v1"
    assert run("audit", "verify", staffed).exit_code == 0


def test_lineage_card_and_plan_are_printed(run, workspace: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """By name, by digest; to the screen or to a file; what is unknown is said."""
    facts = json.loads(run("lineage", workspace, "v1", "--json").stdout)
    assert facts["name"] == "v1" and facts["cases"] == facts["sources"]["outcome"]
    assert run("lineage", workspace, facts["model"]).stdout.startswith("Model v1")
    unknown = run("lineage", workspace, "nothing-of-this-name")
    assert unknown.exit_code != 0 and "neither a decision's id nor a model" in unknown.stderr
    assert run("card", workspace, "--out", tmp_path / "card.md").exit_code == 0
    assert (tmp_path / "card.md").read_text(encoding="utf-8").startswith("# Model card")
    assert "Modification protocol" in run("change-plan", workspace).stdout


@pytest.mark.parametrize("command", ["card", "change-plan"])
@pytest.mark.parametrize("name", ["review.db", "checkpoint.key", "checkpoints.txt"])
def test_a_paper_takes_the_place_of_no_file(run, workspace: Path, command: str, name: str) -> None:  # type: ignore[no-untyped-def]
    """Written over, the log or the key that signs its checkpoints would be gone for good."""
    before = (workspace / name).read_bytes()
    told = run(command, workspace, "--out", workspace / name)
    assert told.exit_code != 0 and "replaces nothing" in told.stderr
    assert (workspace / name).read_bytes() == before


def test_routing_is_refused_where_it_can_not_be_promised(run, staffed: Path) -> None:  # type: ignore[no-untyped-def]
    """With the number of cases it would take; by capacity and by rule it is set."""
    refused = run("routing", "set", staffed, "--target-error", "0.01", "--as", "steward-1")
    assert refused.exit_code != 0 and refused.stderr.strip()
    tried = run("routing", "set", staffed, "--per-day", "5", "--dry-run", "--as", "steward-1")
    assert "Nothing is set." in tried.stdout and "5 of 20 cases are read" in tried.stdout
    assert "capacity" not in run("routing", "show", staffed).stdout
    day = run("routing", "set", staffed, "--per-day", "5", "--as", "steward-1")
    assert day.exit_code == 0 and "5 of" in day.stdout
    rule = run("routing", "set", staffed, "--feature", "age", "--minimum", "80", "--as", "steward-1")
    assert rule.exit_code == 0
    assert "rule" in run("routing", "show", staffed).stdout
    assert run("routing", "set", staffed, "--all", "--per-day", "3").exit_code == 2
    assert run("routing", "set", staffed, "--all", "--as", "anna").exit_code != 0
    assert run("audit", "verify", staffed).exit_code == 0


def test_the_monitor_answers_and_the_worker_ends(run, workspace: Path) -> None:  # type: ignore[no-untyped-def]
    """Few cases light no lamp."""
    looked = run("monitor", workspace, "--json")
    assert (looked.exit_code, json.loads(looked.stdout)["alarms"]) == (0, [])
    assert "jobs done" in run("worker", workspace, "--once").stdout
