"""`study new` to `study unseal`: the life of a study by commands, each with its refusal in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hitl_review.domain.account import Role
from hitl_review.store import cases
from hitl_review.workflow.accounts import add_account, readers
from hitl_review.workflow.studies.drafting import STUDY_PURPOSES
from hitl_review.workflow.workspace import open_workspace


@pytest.fixture(scope="module")
def reader(workspace: Path) -> str:
    """A reader of the workspace that the commands work on."""
    with open_workspace(workspace) as opened:
        found = readers(opened)
        if not found:
            add_account(opened, "nora", "Nora Reader", Role.READER)
        return readers(opened)[0].account_id


def some_cases(workspace: Path, count: int) -> list[str]:
    """Cases with outcomes of both kinds that no model was fitted on."""
    with open_workspace(workspace) as opened:
        known = {
            case: value
            for purpose in STUDY_PURPOSES
            for case, value in cases.outcomes(opened.store, purpose).items()
            if not opened.project.violated_rules(cases.get(opened.store, case).snapshot.values)
        }
    of_kind = [[case for case, value in known.items() if value is wanted] for wanted in (True, False)]
    return [*of_kind[0][: count // 2], *of_kind[1][: count // 2]]


def test_a_study_lives_from_draft_to_unsealed_by_commands(
    run, workspace: Path, reader: str, tmp_path: Path
) -> None:
    """Each step is told with its digests; the lock asks why reads are missing."""
    file = tmp_path / "cases.txt"
    file.write_text("\n".join(some_cases(workspace, 6)) + "\n")
    drafted = run(
        *(
            "study",
            "new",
            workspace,
            "s-1",
            "--reader",
            reader,
            "--case-file",
            file,
            "--training",
            0,
            "--json",
        )
    )
    assert drafted.exit_code == 0, drafted.stderr
    assert json.loads(drafted.stdout)["state"] == "draft"
    frozen = json.loads(run("study", "freeze", workspace, "s-1", "--json").stdout)
    assert frozen["state"] == "frozen"
    assert frozen["frozen"] == frozen["protocol"]
    assert all(frozen[name].startswith("sha256:") for name in ("model", "schedule", "truth"))
    amended = run(
        "study", "amend", workspace, "s-1", "--set", "alpha=0.01", "--reason", "The board", "--json"
    )
    assert json.loads(amended.stdout)["protocol"] != frozen["protocol"]
    assert "is running" in run("study", "start", workspace, "s-1").stdout
    assert f"{reader}: 0 of" in run("study", "show", workspace, "s-1").stdout
    refused = run("study", "lock", workspace, "s-1")
    assert refused.exit_code == 2
    assert "reads of study 's-1' are missing" in refused.stderr
    assert "is locked" in run("study", "lock", workspace, "s-1", "--reason", "A test.").stdout
    assert "is unsealed" in run("study", "unseal", workspace, "s-1").stdout
    again = run("study", "unseal", workspace, "s-1")
    assert again.exit_code == 1
    assert "is unsealed" in again.stderr


def test_what_is_asked_wrongly_is_refused_in_one_sentence(
    run, workspace: Path, reader: str, tmp_path: Path
) -> None:
    """No cases named, two ways of naming them, a name that can't be, a file of truth without its columns."""
    new = ("study", "new", workspace)
    assert "either --cases N or --case-file FILE" in run(*new, "s-2", "--reader", reader).stderr
    named = run(*new, "S 2", "--reader", reader, "--cases", 2, "--training", 0)
    assert named.exit_code == 2
    assert "can't be called" in named.stderr
    assert "were asked for" in run(*new, "s-2", "--reader", reader, "--cases", 90000).stderr
    assert run(*new, "s-3", "--reader", reader, "--cases", 4, "--training", 0).exit_code == 0
    truth = tmp_path / "truth.csv"
    truth.write_text("id,label\nx,1\n")
    assert "columns case and truth" in run("study", "freeze", workspace, "s-3", "--truth", truth).stderr
    truth.write_text("case,truth\nx,2\n")
    assert "Row 1 of 'truth.csv'" in run("study", "freeze", workspace, "s-3", "--truth", truth).stderr
    assert (
        "no ENTRY=VALUE" in run("study", "amend", workspace, "s-3", "--set", "alpha", "--reason", "x").stderr
    )
    unknown = run("study", "show", workspace, "nowhere")
    assert unknown.exit_code == 1
    assert "no study 'nowhere'" in unknown.stderr
