"""What a reader study leaves behind: its report, and the reads for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from hitl_review.cli.arguments import account_option, acting, workspace_argument, workspace_command
from hitl_review.cli.showing import tell

_study = click.argument("study")


@workspace_command("report", example="hitl-review study report clinic chest-1 --out report.html --as lead\n")
@workspace_argument
@_study
@click.option(
    "--out", type=click.Path(path_type=Path), help="A new file; left out, it goes to standard output."
)
@click.option("--json", "as_json", is_flag=True, help="The report as JSON instead of HTML.")
@account_option
def report(workspace: Path, study: str, out: Path | None, as_json: bool, account: str | None) -> None:
    """Report STUDY, once it is unsealed: one HTML file that needs nothing else and prints well, or JSON.

    The log notes each report by the digest of its bytes.
    """
    from hitl_review.workflow.studies.reporting import deliver_report
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        actor, form = acting(opened, account), "json" if as_json else "html"
        made = deliver_report(opened, study, actor=actor, form=form, out=out)
    if out is None:
        click.echo(made.content, nl=False)
    tell(f"Report of study {study} ({made.digest}).", err=True)


@workspace_command("export", example="hitl-review study export clinic chest-1 chest-1.zip --as lead\n")
@workspace_argument
@_study
@click.argument("out", type=click.Path(path_type=Path))
@account_option
def export(workspace: Path, study: str, out: Path, account: str | None) -> None:
    """Export the reads of STUDY to OUT, a zip for MRMCaov and iMRMC with an R script; the log notes it."""
    from hitl_review.workflow.studies.reporting import export_study
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        made = export_study(opened, study, actor=acting(opened, account), out=out)
    tell(f"Reads of study {study} exported to {out.name} ({made.digest}).", err=True)


COMMANDS: Final = (report, export)
