"""Errors become one sentence on standard error and an exit code, in one place."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner, Result

from hitl_review import errors
from hitl_review.cli.door import Door, exit_code_of, sentence_of


def run(error: Exception | None, **environment: str) -> Result:
    """Run a command behind a Door that raises an error, or does its work."""

    @click.group(cls=Door)
    def door() -> None:
        """A door."""

    @door.command()
    @click.option("--number", type=int)
    def act(number: int | None) -> None:
        """Act."""
        if error is not None:
            raise error
        click.echo("acted")

    return CliRunner().invoke(door, ["act"], env=environment)


def test_what_is_done_leaves_with_0() -> None:
    """A command that returns has done what was asked."""
    result = run(None)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "acted\n", "")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ReviewError("no"), 1),
        (errors.NotFound("no"), 1),
        (errors.Conflict("no"), 1),
        (errors.NotPermitted("no"), 1),
        (errors.NoChampion("no"), 1),
        (errors.ModelError("no"), 1),
        (errors.AuditError("no"), 2),
        (errors.ProjectFileError("no"), 2),
        (errors.WorkspaceMissing("no"), 2),
        (errors.StoreUnavailable("no"), 2),
        (errors.IntakeError("no"), 2),
        (errors.StudyError("no"), 2),
    ],
)
def test_a_refused_act_leaves_with_1_and_bad_input_with_2(error: errors.HitlError, code: int) -> None:
    """The exit code tells a script whether the answer is no, or the question was wrong."""
    result = run(error)
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", "Error: no\n")


def test_an_unexpected_fault_tells_its_kind_and_no_value() -> None:
    """An exception's text may hold a patient's value, so only its kind is told."""
    result = run(KeyError("creatinine 3.1"))
    assert result.exit_code == 2
    assert "KeyError" in result.stderr
    assert "creatinine" not in result.output
    assert "Traceback" not in result.output
    assert len(result.stderr.splitlines()) == 1


def test_a_traceback_comes_only_when_asked_for() -> None:
    """HITL_DEBUG=1 is for whoever mends the program."""
    result = run(KeyError("creatinine 3.1"), HITL_DEBUG="1")
    assert result.exit_code == 2
    assert "Traceback (most recent call last)" in result.stderr


def test_what_the_system_refuses_is_told_with_its_path() -> None:
    """A full disk or a missing right is nobody's bug: the words of the system, and where."""
    result = run(PermissionError(13, "Permission denied", "/some/place"))
    assert result.exit_code == 2
    assert "Permission denied (/some/place)" in result.stderr


def test_an_interrupt_leaves_with_1_and_says_what_stays() -> None:
    """Ctrl+C is an answer too."""
    result = run(click.Abort())
    assert result.exit_code == 1
    assert "stays stored" in result.stderr


def test_wrong_use_is_one_line_that_names_the_help() -> None:
    """A wrong option is told in one line, with where to read on."""

    @click.group(cls=Door)
    def door() -> None:
        """A door."""

    result = CliRunner().invoke(door, ["nothing"])
    assert result.exit_code == 2
    assert result.stderr == "Error: No such command 'nothing'. See `door --help`.\n"


def test_without_standalone_mode_errors_come_through() -> None:
    """A program that calls the door as a function gets the exception itself."""

    @click.group(cls=Door, invoke_without_command=True)
    def door() -> None:
        """A door."""
        raise errors.Conflict("taken")

    with pytest.raises(errors.Conflict):
        door.main([], standalone_mode=False)


def test_every_error_of_the_tree_has_a_code_and_a_sentence() -> None:
    """No class of the tree falls through: each is 1 or 2, and shows its own words."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    for kind in kinds:
        assert exit_code_of(kind("words")) in (1, 2)
        assert sentence_of(kind("words")) == "words"
    assert len(kinds) > 15
