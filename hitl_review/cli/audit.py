"""Commands on the audit log: verify it, show it."""

from __future__ import annotations

from pathlib import Path

import click

from hitl_review.cli.arguments import (
    account_option,
    acting,
    json_option,
    workspace_argument,
    workspace_command,
)
from hitl_review.cli.showing import print_json, steps_bar

_SHOW_EXAMPLE = """\
hitl-review audit show demo-workspace --subject case:S2-00017
hitl-review audit show demo-workspace --action decision.% --limit 50 --json
"""


@click.group("audit")
def audit() -> None:
    """Verify or show the audit log."""


@workspace_command("verify", example="hitl-review audit verify demo-workspace")
@workspace_argument
@json_option
@click.pass_context
def verify(context: click.Context, workspace: Path, as_json: bool) -> None:
    """Check that the log and every record it tells of are as they were written.

    Leaves with 0 if nothing wrong was found, 1 if something is wrong, 2 if the check could not be made.
    """
    from hitl_review.workflow.auditing import verify as verify_log

    with steps_bar() as told:
        found = verify_log(workspace, progress=lambda done, total: told(done, total, "Verifying"))
    if as_json:
        print_json(found.as_json())
    else:
        for line in found.as_lines():
            click.echo(line)
    context.exit(0 if found.ok else 1)


@workspace_command("show", example=_SHOW_EXAMPLE)
@workspace_argument
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many.")
@click.option("--before", type=click.IntRange(min=1), metavar="SEQ", help="Only events before this one.")
@click.option("--subject", metavar="KIND:ID", help="Only events about this, for instance case:S2-00017.")
@click.option("--action", metavar="ACTION", help="Only this action; decision.% means every decision.")
@account_option
@json_option
def show(
    workspace: Path,
    limit: int,
    before: int | None,
    subject: str | None,
    action: str | None,
    account: str | None,
    as_json: bool,
) -> None:
    """Show the newest events of the log, the newest first; that somebody looked is an event too."""
    from hitl_review.workflow.auditing import history, line_of
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        events = history(
            opened,
            limit=limit,
            before=before,
            subject=subject,
            action=action,
            actor=acting(opened, account),
        )
    if as_json:
        print_json({"events": [{**event.told, "hash": event.hash} for event in events]})
    else:
        for event in events:
            click.echo(line_of(event))


audit.add_command(verify)
audit.add_command(show)
