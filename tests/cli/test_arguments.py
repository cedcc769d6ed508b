"""The workspace may come from the environment, tokens are checked, every command's help has an example."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from hitl_review.cli import main

PLANNED = {
    *("demo", "serve", "init", "import", "train", "score", "combine", "worker"),
    *("decide", "replay"),
    *("audit", "export", "simulate", "study", "accounts", "backup", "doctor"),
    *("retrain", "propose", "promote", "rollback", "stop"),
    *("lineage", "card", "change-plan", "routing", "monitor"),
}


def commands(group: click.Group, *names: str) -> Iterator[tuple[str, ...]]:
    """Yield the names of all commands that do something, with their groups' before."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *names, name)
        else:
            yield (*names, name)


def test_the_commands_are_those_that_can_do_something() -> None:
    """What another release will bring is not offered yet."""
    assert set(main.commands) == PLANNED


@pytest.mark.parametrize("names", list(commands(main)), ids=" ".join)
def test_every_help_has_an_example_of_that_command(run, names: tuple[str, ...]) -> None:
    """A person copies the example first and reads the options later."""
    result = run(*names, "--help")
    assert result.exit_code == 0
    assert "Example" in result.stdout
    assert f"hitl-review {' '.join(names)} " in result.stdout.partition("Example")[2]


def test_the_group_help_lists_the_commands_in_the_order_of_use(run) -> None:
    """demo stands first, because a newcomer begins there."""
    listed = run("--help").stdout.partition("Commands:")[2]
    assert listed.index("demo") < listed.index("import") < listed.index("decide") < listed.index("audit")


def test_the_version_is_told(run) -> None:
    """A report of a fault names the version."""
    assert run("--version").stdout.startswith("hitl-review, version ")


def test_the_workspace_comes_from_the_environment_where_it_is_left_out(run, workspace: Path) -> None:
    """One workspace per shell is the usual case."""
    result = run("audit", "show", "--limit", 1, HITL_WORKSPACE=str(workspace))
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1


def test_a_second_argument_keeps_its_place_without_the_workspace(run, workspace: Path, tables: Path) -> None:
    """`import FILE` and `replay DECISION` mean the file and the decision."""
    file = tables / "queue-cases.csv"
    assert "20 were here already" in run("import", file, HITL_WORKSPACE=str(workspace)).stdout
    refused = run("replay", "no-such-decision", HITL_WORKSPACE=str(workspace))
    assert refused.exit_code == 1
    assert "no decision with this id" in refused.stderr


def test_a_workspace_that_is_named_overrules_the_environment(run, workspace: Path, tmp_path: Path) -> None:
    """What stands on the line is what is meant."""
    result = run("audit", "show", workspace, HITL_WORKSPACE=str(tmp_path / "elsewhere"))
    assert result.exit_code == 0


def test_without_workspace_and_environment_the_person_is_told_of_both(run) -> None:
    """The missing argument is named, and what could stand in for it."""
    result = run("doctor", HITL_WORKSPACE=None)
    assert result.exit_code == 2
    assert "WORKSPACE" in result.stderr
    assert "$HITL_WORKSPACE" in result.stderr


@pytest.mark.parametrize("token", ["short", "with space 123", "x" * 65, "ümlaut-token"])
def test_a_token_that_the_log_cannot_keep_is_wrong_use(run, workspace: Path, token: str) -> None:
    """A bad token is refused before anything happens."""
    result = run("decide", workspace, "S2-1", "--accept", "--token", token)
    assert result.exit_code == 2
    assert "8 to 64" in result.stderr
