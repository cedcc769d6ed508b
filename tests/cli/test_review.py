"""decide: the page's rules from a script. One act is one decision, and nothing is shown too early."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from hitl_review.store import audit, reviews
from hitl_review.workflow.workspace import open_workspace


def decided(run, workspace: Path, case: str, *options: object) -> dict[str, Any]:
    """Decide a case as Anna and return what was printed as JSON."""
    result = run("decide", workspace, case, *options, "--as", "anna", "--json")
    assert result.exit_code == 0, result.stderr
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def model_says(run, workspace: Path, case: str) -> str:
    """Return the label the model shows of a case, found out by Ben accepting it."""
    result = run("decide", workspace, case, "--accept", "--own-probability", 0.5, "--as", "ben", "--json")
    label: str = json.loads(result.stdout)["label"]
    return label


def events(workspace: Path) -> list[str]:
    """Return the actions of the log, oldest first."""
    with open_workspace(workspace) as opened:
        return [event.told["action"] for event in audit.events(opened.store)]


def test_an_accepted_case_is_one_decision_with_its_event(run, workspace: Path, queue) -> None:
    """The command walks all steps: opened, own estimate, shown, accepted."""
    before = len(events(workspace))
    told = decided(run, workspace, next(queue), "--accept", "--own-probability", 0.7)
    assert told["answer"] == "accepted"
    assert told["reader"] == "anna"
    assert told["own_probability"] == 0.7
    assert events(workspace)[before:] == [
        "case.opened",
        "read.committed",
        "prediction.shown",
        "decision.accepted",
    ]


def test_without_json_the_decision_is_told_in_words(run, workspace: Path, queue) -> None:
    """A person reads what was recorded, and the id to replay it by."""
    result = run("decide", workspace, next(queue), "--accept", "--own-probability", 0.2, "--as", "anna")
    assert "is accepted (label " in result.stdout
    assert "Decision " in result.stdout


def test_the_own_call_follows_from_the_own_probability(run, workspace: Path, queue) -> None:
    """At the threshold or above it the call is the positive class, unless the reader says otherwise."""
    cases = {"died": (0.5,), "alive": (0.49,), "unusual": (0.9, "--own-label", "alive")}
    labels = {}
    for name, (probability, *rest) in cases.items():
        case = next(queue)
        decided(run, workspace, case, "--accept", "--own-probability", probability, *rest)
        with open_workspace(workspace) as opened:
            read = reviews.read_of(opened.store, case, "anna")
        assert read is not None
        labels[name] = read.label
    assert labels == {"died": "died", "alive": "alive", "unusual": "alive"}


def test_the_same_token_again_is_the_same_decision(run, workspace: Path, queue) -> None:
    """A script that was cut off asks again, and nothing is doubled."""
    case, token = next(queue), uuid4().hex
    command = ("--accept", "--own-probability", 0.7, "--token", token)
    first = decided(run, workspace, case, *command)
    before = events(workspace)
    assert decided(run, workspace, case, *command) == first
    assert first["decision"] == token
    assert events(workspace) == before


def test_a_superseded_act_asked_again_is_still_itself(run, workspace: Path, queue) -> None:
    """The token names its own decision, also after a change of mind."""
    case, token = next(queue), uuid4().hex
    first = decided(run, workspace, case, "--accept", "--own-probability", 0.7, "--token", token)
    decided(run, workspace, case, "--defer", "--reason", "second_opinion", "--supersedes", token)
    assert decided(run, workspace, case, "--accept", "--own-probability", 0.7, "--token", token) == first


def test_a_token_used_for_another_answer_is_refused(run, workspace: Path, queue) -> None:
    """One token is one act: it can't come to mean another."""
    case, token = next(queue), uuid4().hex
    decided(run, workspace, case, "--accept", "--own-probability", 0.7, "--token", token)
    again = ("--defer", "--reason", "second_opinion", "--token", token, "--as", "anna")
    result = run("decide", workspace, case, *again)
    assert result.exit_code == 1
    assert "token" in result.stderr


def test_an_override_takes_the_other_label_and_a_reason(run, workspace: Path, queue) -> None:
    """The label that is not the model's is stored, with the coded reason."""
    case = next(queue)
    other = {"died": "alive", "alive": "died"}[model_says(run, workspace, case)]
    told = decided(
        run, workspace, case, "--override", other, "--reason", "not_in_data", "--own-probability", 0.5
    )
    assert (told["answer"], told["label"], told["reason"]) == ("overridden", other, "not_in_data")


def test_overriding_with_the_label_the_model_shows_is_refused(run, workspace: Path, queue) -> None:
    """That would be an acceptance under another name."""
    case = next(queue)
    same = model_says(run, workspace, case)
    options = ("--override", same, "--reason", "not_in_data", "--own-probability", 0.5, "--as", "anna")
    result = run("decide", workspace, case, *options)
    assert result.exit_code == 1
    assert "Accept to keep it" in result.stderr


def test_a_change_of_mind_supersedes_and_keeps_the_first(run, workspace: Path, queue) -> None:
    """Both decisions stay; the second names the first, and the own estimate is not asked again."""
    case = next(queue)
    first = decided(run, workspace, case, "--accept", "--own-probability", 0.7)
    second = decided(
        run, workspace, case, "--defer", "--reason", "second_opinion", "--supersedes", first["decision"]
    )
    assert second["supersedes"] == first["decision"]
    with open_workspace(workspace) as opened:
        assert len(reviews.decisions_of_case(opened.store, case)) == 2


def test_deciding_twice_without_saying_so_is_refused(run, workspace: Path, queue) -> None:
    """A second decision on a case needs --supersedes."""
    case = next(queue)
    decided(run, workspace, case, "--accept", "--own-probability", 0.7)
    result = run("decide", workspace, case, "--accept", "--own-probability", 0.7, "--as", "anna")
    assert result.exit_code == 1
    assert "already" in result.stderr


def test_a_blind_project_asks_for_the_own_estimate_first(run, workspace: Path, queue) -> None:
    """Without it nothing is opened, shown or stored, and the option to add is named."""
    before = events(workspace)
    result = run("decide", workspace, next(queue), "--accept", "--as", "anna")
    assert result.exit_code == 1
    assert "--own-probability" in result.stderr
    assert events(workspace) == before


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ((), 2, "Give one of --accept"),
        (("--accept", "--defer"), 2, "Give one of --accept"),
        (("--accept", "--own-probability", 1.2), 2, "1.2"),
        (("--accept", "--own-label", "died"), 2, "--own-probability"),
        (("--accept", "--own-probability", 0.4, "--own-label", "dead"), 2, "died or alive"),
        (("--override", "dead", "--own-probability", 0.4, "--reason", "other"), 2, "died or alive"),
        (("--override", "died", "--own-probability", 0.4), 1, "without a reason"),
        (("--override", "died", "--own-probability", 0.4, "--reason", "mood"), 1, "'mood'"),
        (("--override", "died", "--own-probability", 0.4, "--reason", "other"), 1, "needs a comment"),
        (("--defer", "--own-probability", 0.4), 1, "without a reason"),
        (("--accept", "--own-probability", 0.4, "--reason", "other"), 1, "takes no coded reason"),
        (("--accept", "--own-probability", 0.4, "--comment", "x" * 2001), 1, "2001"),
    ],
)
def test_what_cannot_stand_is_refused_before_anything_is_stored(
    run, workspace: Path, tables: Path, options: tuple[object, ...], code: int, words: str
) -> None:
    """No estimate is kept and no view shown for a decision that could not have been recorded."""
    case = (tables / "queue-cases.csv").read_text(encoding="utf-8").splitlines()[-1].partition(",")[0]
    before = events(workspace)
    result = run("decide", workspace, case, *options, "--as", "anna")
    assert result.exit_code == code
    assert words in result.stderr
    assert result.stdout == ""
    assert events(workspace) == before


def test_an_unknown_case_and_an_unknown_account_are_refused(run, workspace: Path) -> None:
    """The answer is no, in one sentence; the accounts that are there are named."""
    unknown = run("decide", workspace, "S2-99999", "--accept", "--own-probability", 0.5, "--as", "anna")
    assert unknown.exit_code == 1
    assert "no case with this id" in unknown.stderr
    nobody = run("decide", workspace, "S2-99999", "--accept", "--own-probability", 0.5, "--as", "carl")
    assert nobody.exit_code == 1
    assert "'carl'" in nobody.stderr
    assert "anna" in nobody.stderr


def test_an_own_workspace_asks_who_decides(run, workspace: Path) -> None:
    """Only the demonstration has a reader by default."""
    result = run("decide", workspace, "S2-99999", "--accept", "--own-probability", 0.5)
    assert result.exit_code == 2
    assert "--as ACCOUNT" in result.stderr
