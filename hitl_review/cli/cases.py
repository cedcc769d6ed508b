"""Commands that bring cases and outcomes in, and records out."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hitl_review.cli.arguments import (
    account_option,
    acting,
    json_option,
    workspace_argument,
    workspace_command,
)
from hitl_review.cli.showing import print_json, tell, words_line
from hitl_review.domain.case import Purpose

if TYPE_CHECKING:
    from hitl_review.domain.account import Actor
    from hitl_review.workflow.intake import Received
    from hitl_review.workflow.workspace import Workspace

_IMPORT_EXAMPLE = """\
hitl-review import clinic history.csv --purpose training
hitl-review import clinic history-outcomes.csv --outcomes
hitl-review import clinic today.parquet
"""
_REJECTED_TOLD = 20


@workspace_command("import", example=_IMPORT_EXAMPLE)
@workspace_argument
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--purpose",
    type=click.Choice([each.value for each in Purpose]),
    default=Purpose.QUEUE.value,
    show_default=True,
    help="What the cases are for: to be reviewed, to train the first champion, or the locked hold-out.",
)
@click.option("--outcomes", is_flag=True, help="FILE holds outcomes of cases that are here, not cases.")
@click.option(
    "--source", default="import", show_default=True, metavar="WORDS", help="Where the outcomes come from."
)
@click.option(
    "--skip-bad", is_flag=True, help="Take the good rows and list the others; without it, all or nothing."
)
@click.option("--ignore-extra", is_flag=True, help="Pass over columns that the project does not know.")
@account_option
@json_option
def import_cases(
    workspace: Path,
    file: Path,
    purpose: str,
    outcomes: bool,
    source: str,
    skip_bad: bool,
    ignore_extra: bool,
    account: str | None,
    as_json: bool,
) -> None:
    """Import cases or outcomes from a CSV or Parquet FILE.

    Every value is checked against the project before anything is stored. Without --skip-bad one bad
    value refuses the whole file. A case that is here already with the same values is passed over.
    """
    from hitl_review.workflow.intake import RowsRefused
    from hitl_review.workflow.workspace import open_workspace

    kept_to = {"skip_bad": skip_bad, "ignore_extra": ignore_extra}
    with open_workspace(workspace) as opened:
        actor = acting(opened, account)
        try:
            if outcomes:
                received = _receive_outcomes(opened, file, actor, source, **kept_to)
            else:
                received = _receive_cases(opened, file, actor, Purpose(purpose), **kept_to)
        except RowsRefused as error:
            if as_json:
                rejected = [asdict(each) for each in error.rejected]
                print_json({"received": 0, "duplicates": 0, "rejected": rejected})
            raise
    if as_json:
        print_json(_told(received))
    else:
        _print(received, "outcomes" if outcomes else "cases")


def _receive_cases(
    workspace: Workspace, file: Path, actor: Actor, purpose: Purpose, **kept_to: bool
) -> Received:
    from hitl_review.workflow.intake import receive_cases

    with words_line() as told:
        return receive_cases(
            workspace,
            file,
            actor=actor,
            purpose=purpose,
            progress=lambda done: told(f"{done:,} cases stored"),
            **kept_to,
        )


def _receive_outcomes(
    workspace: Workspace, file: Path, actor: Actor, source: str, **kept_to: bool
) -> Received:
    from hitl_review.workflow.combining import refit_after_outcomes
    from hitl_review.workflow.intake import receive_outcomes

    received = receive_outcomes(workspace, file, actor=actor, source=source, **kept_to)
    refit_after_outcomes(workspace)
    return received


def _told(received: Received) -> dict[str, Any]:
    return {
        "received": received.received,
        "duplicates": len(received.duplicates),
        "rejected": [asdict(each) for each in received.rejected],
    }


def _print(received: Received, things: str) -> None:
    here = len(received.duplicates)
    tell(f"{received.received:,} {things} received, {here:,} were here already.")
    if received.blank:
        tell(f"{received.blank:,} cases of the file have no outcome yet.")
    for each in received.rejected[:_REJECTED_TOLD]:
        place = f", column {each.column}, '{each.value}'" if each.column else ""
        tell(f"Not taken: row {each.row}{place} {each.reason}", err=True)
    more = len(received.rejected) - _REJECTED_TOLD
    if more > 0:
        tell(f"And {more:,} more; --json lists all.", err=True)


@workspace_command(
    "export", example="hitl-review export clinic --what decisions --format csv --out decisions.csv"
)
@workspace_argument
@click.option(
    "--what",
    type=click.Choice(["decisions", "labels", "ledger", "cases", "promotions"]),
    required=True,
    help="`labels` are those in force; `ledger` is every training label with source, mode and weight.",
)
@click.option("--format", "form", type=click.Choice(["csv", "jsonl", "parquet"]), required=True)
@click.option("--out", type=click.Path(path_type=Path), help="A new file; without it, standard output.")
@account_option
def export(workspace: Path, what: str, form: str, out: Path | None, account: str | None) -> None:
    """Export records to a file; the audit log notes who did it.

    In CSV, text that a spreadsheet would run as a formula is defused; JSON lines has it to the letter.
    """
    from hitl_review.workflow.exporting import export as export_records
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        exported = export_records(opened, what=what, form=form, out=out, actor=acting(opened, account))
    if out is None:
        click.echo(exported.content, nl=False)
    tell(f"{exported.rows:,} {what} exported ({exported.digest}).", err=True)
