"""replay: the screen again, the margin again, equal to the last bit."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from hitl_review.store import schema


def decide(run, workspace: Path, case: str) -> str:
    """Accept a case as Anna and return the decision's id."""
    result = run("decide", workspace, case, "--accept", "--own-probability", 0.6, "--as", "anna", "--json")
    identity: str = json.loads(result.stdout)["decision"]
    return identity


def test_a_decision_replays_with_an_equal_margin_and_a_matching_digest(run, workspace: Path, queue) -> None:
    """The keys are those of the contract."""
    decision = decide(run, workspace, next(queue))
    result = run("replay", workspace, decision, "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 0
    assert told["equal"] is True
    assert told["shown_digest_ok"] is True
    assert told["margin_stored"] == told["margin_recomputed"]


def test_a_replay_shows_the_screen_again(run, workspace: Path, queue) -> None:
    """Facts with units, the model's view, the reasons and the signature."""
    case = next(queue)
    shown = run("replay", workspace, decide(run, workspace, case)).stdout
    for words in (
        f"Case {case}",
        "Creatinine",
        "mg/dL",
        "Model v1 showed: ",
        "the model's score",
        "Anna Berg",
        "(ref 800–2 000)",
    ):
        assert words in shown
    assert "\\u" not in shown, "what the product writes itself is not shown as codes"


def test_that_a_screen_was_looked_at_again_is_an_event(run, workspace: Path, queue) -> None:
    """It shows what was known of a patient; that the margin is equal does not."""
    case = next(queue)
    decision = decide(run, workspace, case)

    def looks() -> list[str]:
        told = json.loads(run("audit", "show", workspace, "--subject", f"case:{case}", "--json").stdout)
        return [each["detail"]["through"] for each in told["events"] if each["action"] == "audit.viewed"]

    run("replay", workspace, decision, "--json")
    run("replay", workspace, "--all")
    assert looks() == []
    run("replay", workspace, decision)
    assert looks() == ["replay"]


def test_all_decisions_replay(run, workspace: Path, queue) -> None:
    """--all counts them, and nothing but the summary is printed when all is well."""
    decide(run, workspace, next(queue))
    result = run("replay", workspace, "--all")
    assert result.exit_code == 0
    assert result.stdout.endswith("decisions replayed, 0 of them not equal.\n")
    told = json.loads(run("replay", workspace, "--all", "--json").stdout)
    assert told["replayed"] >= 1
    assert told["failures"] == []


@pytest.mark.parametrize(
    ("table", "change", "told"),
    [
        ("predictions", "UPDATE predictions SET margin = margin + 1e-9", "equal"),
        (
            "screens",
            'UPDATE screens SET body = replace(body, \'"unit":"years"\', \'"unit":"months"\')',
            "shown_digest_ok",
        ),
    ],
)
def test_a_record_that_was_changed_behind_the_triggers_does_not_replay(
    run, own_workspace: Path, queue, table: str, change: str, told: str
) -> None:
    """A margin moved by a billionth, or a word on the stored screen: the answer is no."""
    decision = decide(run, own_workspace, next(queue))
    with sqlite3.connect(own_workspace / "review.db") as connection:
        triggers = schema.append_only_triggers(table)
        for name in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        assert connection.execute(change).rowcount >= 1
        for statement in triggers.values():
            connection.execute(statement)
    result = run("replay", own_workspace, decision, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)[told] is False
    summary = run("replay", own_workspace, "--all")
    assert summary.exit_code == 1
    assert f"Decision {decision} does not replay" in summary.stdout


def test_neither_a_decision_nor_all_is_wrong_use(run, workspace: Path) -> None:
    """The command does not guess."""
    result = run("replay", workspace, HITL_WORKSPACE=None)
    assert result.exit_code == 2
    assert "DECISION" in result.stderr
