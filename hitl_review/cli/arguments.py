"""What many commands take alike: the workspace, who acts, JSON output, an example in the help."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

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
account_option = click.option(
    "--as",
    "account",
    metavar="ACCOUNT",
    help="The account that acts. There are no passwords yet: who can read the workspace may name any.",
)


def check_token(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Refuse a token that the log can't keep."""
    if value is not None and not _TOKEN.fullmatch(value):
        raise click.BadParameter("it takes 8 to 64 letters, digits, hyphens or underscores, as a UUID has.")
    return value


def acting(workspace: Workspace, account: str | None) -> Actor:
    """Return the named account, or without a name whoever holds the files: the product itself acts."""
    from hitl_review.workflow.accounts import actor_of

    return SYSTEM if account is None else actor_of(workspace, account)


Decorator = Callable[[Callable[..., None]], WorkspaceCommand]


def workspace_command(name: str, *, example: str) -> Decorator:
    """Make a function a command on a workspace, with an example in its help."""
    return click.command(name, cls=WorkspaceCommand, example=example)
