"""The model's life from the command line: retrain, propose, promote, roll back, stop; and its papers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hitl_review.cli.arguments import (
    account_option,
    acting,
    json_option,
    workspace_argument,
    workspace_command,
)
from hitl_review.cli.showing import print_json, tell, words_line

if TYPE_CHECKING:
    from hitl_review.domain.registry import Promotion
    from hitl_review.workflow.workspace import Workspace

reason_option = click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept in the log.")


@workspace_command("retrain", example="hitl-review retrain demo-workspace --json")
@workspace_argument
@account_option
@json_option
@click.pass_context
def retrain(context: click.Context, workspace: Path, account: str | None, as_json: bool) -> None:
    """Train a challenger from all decisions and outcomes, and measure it against the model in use.

    It is not put in use: a steward proposes it, an approver promotes it. Leaves with 1 where the gate
    refused it or could not decide.
    """
    from hitl_review.workflow.retraining import retrain as train_challenger
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened, words_line() as told:
        made = train_challenger(
            opened, actor=acting(opened, account), progress=lambda share, words: told(words)
        )
    if as_json:
        print_json(made.as_json())
    else:
        tell(made.words)
        tell(f"Candidate: {made.chosen}")
        tell(f"Gate: {made.measured.report.words}")
        for criterion in made.measured.report.criteria:
            sign = {True: "yes", False: "NO", None: "?"}[criterion.passed]
            tell(f"  {sign:<4} {criterion.words}")
        if made.left_out:
            tell(f"{len(made.left_out):,} cases were left out; the learning page says why.")
    context.exit(0 if made.measured.report.verdict.value == "passed" else 1)


@workspace_command("propose", example="hitl-review propose demo-workspace v2 --as steward-1")
@workspace_argument
@click.argument("model")
@click.option("--comment", default="", metavar="TEXT", help="What the approver should know.")
@account_option
def propose(workspace: Path, model: str, comment: str, account: str | None) -> None:
    """Put MODEL (its name or digest) before an approver, on a gate report that did not fail."""
    from hitl_review.workflow.lineage import model_named
    from hitl_review.workflow.promotion import propose as put_before
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        version = model_named(opened, model)
        put_before(opened, version.digest, actor=acting(opened, account), comment=comment)
    tell(f"Model {version.name} is proposed. An approver who is somebody else may promote it.")


@workspace_command("promote", example="hitl-review promote demo-workspace v2 --as approver-1")
@workspace_argument
@click.argument("model")
@click.option("--statement", default="", metavar="TEXT", help="Needed where the gate could not decide.")
@account_option
@json_option
def promote(workspace: Path, model: str, statement: str, account: str | None, as_json: bool) -> None:
    """Put MODEL (its name or digest) in use, by an approver who did not propose it.

    It takes a gate report against the model in use that did not fail. Open cases are judged anew by the
    worker; what earlier models said of them stays.
    """
    from hitl_review.workflow.lineage import model_named
    from hitl_review.workflow.promotion import promote as put_in_use
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        version = model_named(opened, model)
        moved = put_in_use(opened, version.digest, actor=acting(opened, account), statement=statement)
        _told(opened, moved, as_json=as_json)


@workspace_command(
    "rollback", example="hitl-review rollback demo-workspace --reason 'It misses the old.' --as approver-1"
)
@workspace_argument
@reason_option
@click.option("--to", "model", metavar="MODEL", help="Another earlier version, by its name or digest.")
@account_option
@json_option
def rollback(workspace: Path, reason: str, model: str | None, account: str | None, as_json: bool) -> None:
    """Go back at once to the model that was in use before."""
    from hitl_review.workflow.lineage import model_named
    from hitl_review.workflow.promotion import roll_back
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        to = None if model is None else model_named(opened, model).digest
        moved = roll_back(opened, actor=acting(opened, account), reason=reason, to=to)
        _told(opened, moved, as_json=as_json)


@workspace_command(
    "stop", example="hitl-review stop demo-workspace --reason 'Wrong units in the feed.' --as steward-1"
)
@workspace_argument
@reason_option
@account_option
@json_option
def stop(workspace: Path, reason: str, account: str | None, as_json: bool) -> None:
    """Stop the model at once: readers see cases without one until `rollback` brings it back."""
    from hitl_review.workflow.promotion import stop_model
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        moved = stop_model(opened, actor=acting(opened, account), reason=reason)
        _told(opened, moved, as_json=as_json)


def _told(workspace: Workspace, moved: Promotion, *, as_json: bool) -> None:
    from hitl_review.store import models

    name = None if moved.model is None else models.version(workspace.store, moved.model).name
    if as_json:
        print_json({"model": moved.model, "name": name, "move": moved.move.value, "event": moved.event_id})
    elif name is None:
        tell("The model is stopped. Readers see cases without one.")
    else:
        tell(f"Model {name} is in use. The worker judges open cases anew.")


@workspace_command("lineage", example="hitl-review lineage demo-workspace v2")
@workspace_argument
@click.argument("subject", metavar="MODEL|DECISION")
@json_option
def lineage(workspace: Path, subject: str, as_json: bool) -> None:
    """Say what a model was made from and what it led to, or which models a decision went into."""
    from hitl_review.workflow.lineage import lineage_of
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        found = lineage_of(opened, subject)
    if as_json:
        print_json(dict(found.facts))
    else:
        for line in found.lines:
            tell(line)


def _papers(workspace: Path, model: str | None, kind: str, out: Path | None) -> None:
    from hitl_review.workflow.exporting import put_in_place, waiting_beside
    from hitl_review.workflow.lineage import model_named
    from hitl_review.workflow.papers import change_plan, model_card
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        if kind == "card":
            text = model_card(opened, None if model is None else model_named(opened, model).digest)
        else:
            text = change_plan(opened)
    if out is None:
        tell(text)
    else:
        with waiting_beside(out, text.encode()) as waiting:
            put_in_place(waiting, out)
        tell(f"{out} is written.")


out_option = click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this new file instead."
)


@workspace_command("card", example="hitl-review card demo-workspace --out card.md")
@workspace_argument
@click.option("--model", metavar="MODEL", help="A version, by its name or digest; else the one in use.")
@out_option
def card(workspace: Path, model: str | None, out: Path | None) -> None:
    """Write the model card, in Markdown, from what the database holds."""
    _papers(workspace, model, "card", out)


@workspace_command("change-plan", example="hitl-review change-plan demo-workspace --out plan.md")
@workspace_argument
@out_option
def change_plan(workspace: Path, out: Path | None) -> None:
    """Write the change plan: which changes are foreseen, how they are made, measured, and undone."""
    _papers(workspace, None, "plan", out)
