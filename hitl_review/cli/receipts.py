"""Commands on proofs: a receipt for one decision, its check without a workspace, the change of the signing key."""

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
from hitl_review.cli.showing import print_json, tell

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@workspace_command("receipt", example="hitl-review audit receipt demo-workspace DECISION --out receipt.txt")
@workspace_argument
@click.argument("decision", metavar="DECISION")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="Write it here, not to the screen."
)
@account_option
def receipt(workspace: Path, decision: str, out: Path | None, account: str | None) -> None:
    """Issue a receipt for one decision: it proves, without this program, that the log held it.

    It shows the decision whole, with its comment: hand it only to whoever may read that.
    """
    from hitl_review.workflow.receipts import issue_receipt, write_receipt_file
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        actor = acting(opened, account)
        if out is None:
            click.echo(issue_receipt(opened, decision, actor=actor), nl=False)
            return
        write_receipt_file(opened, decision, out, actor=actor)
    tell(f"The receipt is in {out}.")


@click.command(
    "check-receipt",
    epilog="\b\nExample:\n  hitl-review audit check-receipt receipt.txt --checkpoint kept/2026-11.txt",
)
@click.argument("file", type=_FILE)
@click.option("--checkpoint", type=_FILE, metavar="FILE", help="A checkpoint that you kept, of the same log.")
@click.option("--public-key", metavar="KEY", help="The log's public key: a PEM file, or its base64.")
@json_option
@click.pass_context
def check_receipt(
    context: click.Context, file: Path, checkpoint: Path | None, public_key: str | None, as_json: bool
) -> None:
    """Check a receipt; no workspace is needed.

    Leaves with 0 if it proves what it says, 1 if it does not, 2 if it could not be checked.
    """
    from hitl_review.workflow.auditing import printable
    from hitl_review.workflow.receipts import check_receipt as check

    key = public_key
    if public_key is not None and Path(public_key).is_file():
        key = _text_of(Path(public_key))
    found = check(_text_of(file), kept=checkpoint, public_key=key)
    if as_json:
        told = {"ok": found.ok, "event": found.told, "problems": found.problems, "notes": found.notes}
        print_json({**told, "size": found.checkpoint.size, "log": found.checkpoint.name})
    else:
        about = f"Event {found.told.get('seq')}: {found.told.get('action')}, {found.told.get('subject')}"
        by = f"{found.told.get('at')}, by {found.told.get('actor')}"
        verdict = "stood in" if found.ok else "is not shown to have stood in"
        tell(printable(f"{about}, {by}"))
        tell(f"It {verdict} the log {found.checkpoint.name} of {found.checkpoint.size:,} events.")
        for problem in found.problems:
            tell(printable(f"Problem: {problem}"))
        for note in found.notes:
            tell(f"Note: {note}.")
    context.exit(0 if found.ok else 1)


def _text_of(file: Path) -> str:
    """Return a paper's text, whatever line ends or mark before its first letter a mail or an editor gave it.

    Of what is longer than any paper, one letter more is read than it may have.
    """
    from hitl_review.domain.receipt import MOST_BYTES

    try:
        with file.open(encoding="utf-8-sig") as paper:
            return paper.read(MOST_BYTES + 1)
    except UnicodeDecodeError:
        raise click.UsageError(f"{file} is no text. Use the file as it was issued.") from None


@workspace_command("rotate-key", example="hitl-review audit rotate-key demo-workspace")
@workspace_argument
@account_option
def rotate_key(workspace: Path, account: str | None) -> None:
    """Change the key that signs checkpoints; the old key signs the change, and is then gone.

    A backup from before names the old key: restored, it has none to sign with. Make a new backup right after.
    """
    from hitl_review.workflow.rotating import rotate_key as rotate
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        done = rotate(opened, actor=acting(opened, account))
    tell(f"The key was changed behind event {done.size}. The new public key: {done.new}")
