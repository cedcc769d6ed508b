"""What many commands take alike: the workspace, who acts, JSON output, an example in the help."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from hitl_review.domain.account import SYSTEM, Actor

if TYPE_CHECKING:
    from hitl_review.workflow.workspace import Workspace

VARIABLE: Final = "HITL_WORKSPACE"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,64}")


class WorkspaceCommand(click.Command):
    """A command whose first argument, the workspace, may be left out where $HITL_WORKSPACE names it."""

    def __init__(self, *args: Any, example: str = "", **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.example = example

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; where one is lacking, put the workspace of the environment in front."""
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.MissingParameter as error:
            if not isinstance(error.param, click.Argument):
                raise
            folder = os.environ.get(VARIABLE)
            if not folder:
                told = f"{error.format_message()} WORKSPACE may come from ${VARIABLE}."
                raise click.UsageError(told, ctx) from None
            return super().parse_args(ctx, [folder, *given])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example under the options."""
        super().format_epilog(ctx, formatter)
        with formatter.section("Example"):
            for line in self.example.splitlines():
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")


workspace_argument = click.argument("workspace", type=click.Path(path_type=Path), metavar="[WORKSPACE]")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
PASSWORD_VARIABLE: Final = "HITL_PASSWORD_FILE"
_PASSWORD_FILE: Final = "hitl_review.password_file"
_IS_EXPLICIT: Final = "hitl_review.password_file_is_explicit"


def account_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--as ACCOUNT` and `--password-file FILE`; the latter goes to `acting`, not to the function."""
    named = click.option(
        "--as",
        "account",
        metavar="ACCOUNT",
        help="The account that acts; its password is asked for. A demonstration's public accounts need none.",
    )
    return named(password_file_option(function))


def password_file_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--password-file FILE`, which `password_given` reads."""
    return click.option(
        "--password-file",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar=PASSWORD_VARIABLE,
        expose_value=False,
        callback=_keep_password_file,
        help=f"A file whose first line is the password, for scripts; or ${PASSWORD_VARIABLE}.",
    )(function)


def _keep_password_file(context: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    source = context.get_parameter_source(parameter.name or "")
    context.meta[_PASSWORD_FILE] = value
    context.meta[_IS_EXPLICIT] = source is not None and source is not ParameterSource.ENVIRONMENT


def check_token(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Refuse a token that the log can't keep."""
    if value is not None and not _TOKEN.fullmatch(value):
        raise click.BadParameter("it takes 8 to 64 letters, digits, hyphens or underscores, as a UUID has.")
    return value


def acting(workspace: Workspace, account: str | None) -> Actor:
    """Return the named account once its password was given; without a name the product itself acts.

    Whoever can write the files may act as the product: the log says `system` then, not a person.
    """
    return SYSTEM if account is None else person_acting(workspace, account)


def person_acting(workspace: Workspace, account: str | None) -> Actor:
    """Return the person who acts; in a demo workspace public accounts need no password, and one is the default."""
    from hitl_review.workflow.accounts import actor_of, public_actor
    from hitl_review.workflow.signing_in import actor_with_password, refuse_disabled

    if account is not None:
        refuse_disabled(workspace, account)
    meta = click.get_current_context().meta
    known = actor_of(workspace, account)
    public = public_actor(workspace, known.account_id)
    if meta.get(_PASSWORD_FILE) is None or not meta[_IS_EXPLICIT]:
        if public is not None:
            return public
        if account is None:
            return known
    return actor_with_password(workspace, known.account_id, password_given(f"Password of {known.account_id}"))


def password_given(question: str, *, confirm: bool = False) -> str:
    """Return the password of `--password-file`, or one that is typed without being shown.

    Without a file and without a terminal there is nobody to ask, which is wrong use.
    """
    context = click.get_current_context()
    path: Path | None = context.meta.get(_PASSWORD_FILE)
    if path is not None:
        return _first_line(path, context)
    if not sys.stdin.isatty():
        raise click.UsageError(
            f"{question} is needed, and there is no terminal to type it at. Give it with --password-file FILE.", context
        )
    typed: str = click.prompt(question, hide_input=True, confirmation_prompt=confirm, err=True)
    return typed


def _first_line(path: Path, context: click.Context) -> str:
    try:
        return path.read_text(encoding="utf-8").split("\n", 1)[0].removesuffix("\r")
    except (OSError, UnicodeDecodeError):
        raise click.UsageError(
            f"The password file {path} can't be read as UTF-8 text. Check --password-file.", context
        ) from None


Decorator = Callable[[Callable[..., None]], WorkspaceCommand]


def workspace_command(name: str, *, example: str) -> Decorator:
    """Make a function a command on a workspace, with an example in its help."""
    return click.command(name, cls=WorkspaceCommand, example=example)
