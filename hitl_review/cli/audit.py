"""Commands on the audit log: verify it, publish its head, export it, show it."""

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
from hitl_review.cli.receipts import check_receipt, receipt, rotate_key
from hitl_review.cli.showing import print_json, steps_bar, tell

_SHOW_EXAMPLE = """\
hitl-review audit show demo-workspace --subject case:S2-00017
hitl-review audit show demo-workspace --action decision.% --limit 50 --json
"""


@click.group("audit")
def audit() -> None:
    """Verify, publish, export or show the audit log."""


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_VERIFY_EXAMPLE = """\
hitl-review audit verify demo-workspace
hitl-review audit verify demo-workspace --checkpoint kept/2026-11.txt --json
"""


@workspace_command("verify", example=_VERIFY_EXAMPLE)
@workspace_argument
@click.option(
    "--checkpoint",
    "checkpoints",
    type=_FILE,
    multiple=True,
    metavar="FILE",
    help="A checkpoint you kept elsewhere, or a file of them. Give it once per file.",
)
@json_option
@click.pass_context
def verify(context: click.Context, workspace: Path, checkpoints: tuple[Path, ...], as_json: bool) -> None:
    """Check that the log and every record it tells of are as they were written.

    That the log was cut short or written anew shows only against a checkpoint that was kept elsewhere.
    Leaves with 0 if nothing wrong was found, 1 if something is wrong, 2 if the check could not be made.
    """
    from hitl_review.workflow.auditing import verify as verify_log

    with steps_bar() as told:
        found = verify_log(
            workspace, checkpoints=checkpoints, progress=lambda done, total: told(done, total, "Verifying")
        )
    if as_json:
        print_json(found.as_json())
    else:
        for line in found.as_lines():
            tell(line)
    context.exit(0 if found.ok else 1)


@workspace_command("show", example=_SHOW_EXAMPLE)
@workspace_argument
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many.")
@click.option("--before", type=click.IntRange(1, 2**63 - 1), metavar="SEQ", help="Only events before this one.")
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
            tell(line_of(event))


@workspace_command("checkpoint", example="hitl-review audit checkpoint demo-workspace --out kept/2026-11.txt")
@workspace_argument
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write it here: your own copy.")
@account_option
def checkpoint(workspace: Path, out: Path | None, account: str | None) -> None:
    """Publish the head of the log as a signed note; keep it where the log's owner can't change it."""
    from hitl_review.workflow.checkpointing import publish_checkpoint, write_checkpoint
    from hitl_review.workflow.diagnosing import anchor_check
    from hitl_review.workflow.environment import State
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        actor = acting(opened, account)
        note = (
            publish_checkpoint(opened, actor=actor)
            if out is None
            else write_checkpoint(opened, out, actor=actor)
        )
        anchored = anchor_check(opened)
    click.echo(note, nl=False)
    if anchored.state is not State.OK:
        tell(f"Warning: {anchored.found}. {anchored.advice}", err=True)


_EXPORT_EXAMPLE = """\
hitl-review audit export demo-workspace log-2026-11-22.zip
hitl-review audit export demo-workspace log.ndjson --format fhir
"""


@workspace_command("export", example=_EXPORT_EXAMPLE)
@workspace_argument
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["bundle", "fhir", "csv"]),
    default="bundle",
    show_default=True,
    help="A bundle that verifies by itself, FHIR R4 AuditEvents (one a line), or CSV with its byte-exact JSON lines.",
)
@account_option
def export(workspace: Path, out: Path, form: str, account: str | None) -> None:
    """Write the log: as a bundle that verifies without this program (its VERIFY.md says how), as FHIR, or as CSV.

    In CSV, texts that a spreadsheet would run as a formula get an apostrophe in front, and the last column says
    so; the JSON lines beside it hold every character as it was recorded.
    """
    from hitl_review.workflow.log_exports import export_log
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        done = export_log(opened, out, form=form, actor=acting(opened, account))
    places = " and ".join(str(path) for path in done.paths)
    tell(
        f"{done.events:,} events are in {places}. The checkpoint that closes them, for your own files:"
    )
    click.echo(done.note, nl=False)


@workspace_command("sample", example="hitl-review audit sample demo-workspace --count 20 --seed 4711")
@workspace_argument
@click.option(
    "--count", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many decisions."
)
@click.option("--seed", metavar="TEXT", help="Draw the same sample again; without it, a fresh seed is made.")
@account_option
@json_option
def sample(workspace: Path, count: int, seed: str | None, account: str | None, as_json: bool) -> None:
    """Draw decisions at random for review; the seed is recorded, so that anybody can draw them again."""
    from hitl_review.workflow.sampling import draw_sample
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        drawn = draw_sample(opened, count=count, seed=seed, actor=acting(opened, account))
    if as_json:
        print_json(
            {"sample": drawn.sample_id, "seed": drawn.seed, "of": drawn.of, "decisions": drawn.decisions}
        )
        return
    tell(f"{len(drawn.decisions)} of {drawn.of:,} decisions, seed {drawn.seed}:")
    for decision_id in drawn.decisions:
        tell(decision_id)


audit.add_command(verify)
audit.add_command(export)
audit.add_command(checkpoint)
audit.add_command(show)
audit.add_command(receipt)
audit.add_command(check_receipt)
audit.add_command(rotate_key)
audit.add_command(sample)
