"""The life of a reader study from the command line: the same verbs as the pages, for scripts."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from hitl_review.cli.arguments import (
    account_option,
    acting,
    json_option,
    workspace_argument,
    workspace_command,
)
from hitl_review.cli.showing import print_json, steps_bar, tell
from hitl_review.domain.audit import stamp
from hitl_review.domain.protocol import FIGURES_OF_MERIT, Design, Hypothesis, Protocol
from hitl_review.domain.study import Study
from hitl_review.errors import StudyError

if TYPE_CHECKING:
    from hitl_review.workflow.workspace import Workspace

_study = click.argument("study")
_TRUTHS: Final = {"0": False, "1": True, "false": False, "true": True}


@workspace_command(
    "new",
    example="hitl-review study new clinic chest-1 --reader anna --reader ben --cases 60 --as lead\n",
)
@workspace_argument
@_study
@click.option("--title", help="What the study asks, in a line. Left out, its id.")
@click.option(
    "--reader", "readers", multiple=True, required=True, metavar="ACCOUNT", help="Give one per reader."
)
@click.option(
    "--design", type=click.Choice([each.value for each in Design]), default="sequential", show_default=True
)
@click.option("--cases", "count", type=click.IntRange(2), help="So many cases, drawn by the seed.")
@click.option(
    "--case-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="These cases instead: a text file with an id per line.",
)
@click.option(
    "--positives",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Their share with the outcome.",
)
@click.option(
    "--training", type=click.IntRange(0), default=4, show_default=True, help="Cases of the training block."
)
@click.option(
    "--endpoint", "endpoints", multiple=True, type=click.Choice(FIGURES_OF_MERIT), help="The primary first."
)
@click.option(
    "--hypothesis",
    type=click.Choice([each.value for each in Hypothesis]),
    default="superiority",
    show_default=True,
)
@click.option("--margin", type=float, default=0.0, show_default=True)
@click.option("--alpha", type=float, default=0.05, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--no-reveal-share", type=float, default=0.15, show_default=True, help="Hidden share without the model."
)
@click.option("--washout-days", type=int, default=28, show_default=True)
@click.option(
    "--groups", type=int, default=2, show_default=True, help="Of readers and cases, in a split-plot."
)
@click.option("--attention-checks", type=int, default=2, show_default=True, help="Per reader.")
@click.option("--repeats", type=int, default=0, show_default=True, help="Cases each reader reads twice.")
@click.option(
    "--wrong-ai-cases", type=int, default=0, show_default=True, help="Cases that show a wrong output."
)
@account_option
@json_option
def new(workspace: Path, study: str, account: str | None, as_json: bool, **asked: Any) -> None:
    """Draft STUDY: who reads which cases in which design. The same command changes a draft until it is frozen."""
    from hitl_review.workflow.studies.drafting import draft_study
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        actor = acting(opened, account)
        protocol = _protocol(opened, study, asked)
        _tell(draft_study(opened, study, protocol, actor=actor), as_json)


def _protocol(workspace: Workspace, study: str, asked: dict[str, Any]) -> Protocol:
    from hitl_review.workflow.studies.drafting import choose_cases

    file, count, training = asked.pop("case_file"), asked.pop("count"), asked.pop("training")
    positives, seed = asked.pop("positives"), asked["seed"]
    if (file is None) == (count is None):
        raise StudyError("Say which cases are read: either --cases N or --case-file FILE.")
    if file is not None:
        chosen = tuple(line.strip() for line in file.read_text("utf-8").splitlines() if line.strip())
    else:
        chosen = choose_cases(workspace, count, seed=seed, positives=positives)
    asked["title"] = asked["title"] or study
    asked["endpoints"] = asked["endpoints"] or ("auc", "sensitivity", "specificity")
    return Protocol(
        **{**asked, "design": Design(asked["design"]), "hypothesis": Hypothesis(asked["hypothesis"])},
        cases=chosen,
        training_cases=choose_cases(workspace, training, seed=seed, besides=chosen),
    )


@workspace_command("freeze", example="hitl-review study freeze clinic chest-1 --as lead\n")
@workspace_argument
@_study
@click.option(
    "--truth",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The reference standard: CSV with the columns case and truth (0 or 1). Left out, the workspace's outcomes.",
)
@account_option
@json_option
def freeze(workspace: Path, study: str, truth: Path | None, account: str | None, as_json: bool) -> None:
    """Freeze STUDY: fix protocol, model outputs and lists by digest, and seal the truth. There is no way back."""
    from hitl_review.workflow.studies.freezing import freeze_study
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        known = None if truth is None else _read_truth(truth)
        _tell(freeze_study(opened, study, actor=acting(opened, account), truth=known), as_json)


def _read_truth(file: Path) -> dict[str, bool]:
    rows = list(csv.DictReader(file.read_text("utf-8-sig").splitlines()))
    if not rows or not {"case", "truth"} <= rows[0].keys():
        raise StudyError(f"'{file.name}' must have the columns case and truth. Write them in its first line.")
    found: dict[str, bool] = {}
    for number, row in enumerate(rows, start=1):
        value = _TRUTHS.get((row["truth"] or "").strip().lower())
        if value is None or found.get(row["case"], value) is not value:
            raise StudyError(
                f"Row {number} of '{file.name}': truth must be 0 or 1, and one per case. Correct it."
            )
        found[row["case"]] = value
    return found


@workspace_command("start", example="hitl-review study start clinic chest-1 --as lead\n")
@workspace_argument
@_study
@account_option
@json_option
def start(workspace: Path, study: str, account: str | None, as_json: bool) -> None:
    """Let the readers of STUDY in."""
    from hitl_review.workflow.studies.leading import start_study
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        _tell(start_study(opened, study, actor=acting(opened, account)), as_json)


@workspace_command(
    "amend", example="hitl-review study amend clinic chest-1 --set alpha=0.01 --reason Board --as lead\n"
)
@workspace_argument
@_study
@click.option(
    "--set", "changes", multiple=True, required=True, metavar="ENTRY=VALUE", help="Value as JSON or text."
)
@click.option("--reason", required=True, help="Why; it stands in the report.")
@account_option
@json_option
def amend(
    workspace: Path, study: str, changes: tuple[str, ...], reason: str, account: str | None, as_json: bool
) -> None:
    """Amend the frozen protocol of STUDY, with a reason, before it is locked."""
    from hitl_review.workflow.studies.leading import amend_study
    from hitl_review.workflow.workspace import open_workspace

    entries = dict(_entry(each) for each in changes)
    with open_workspace(workspace) as opened:
        _tell(amend_study(opened, study, entries, reason=reason, actor=acting(opened, account)), as_json)


def _entry(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign:
        raise StudyError(f"'{text}' is no ENTRY=VALUE, such as alpha=0.01.")
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value.strip()


@workspace_command(
    "waive", example="hitl-review study waive clinic chest-1 anna --reason 'Leaves in May' --as lead\n"
)
@workspace_argument
@_study
@click.argument("reader")
@click.option("--reason", required=True, help="Why; it is kept, and the reads after it are marked.")
@account_option
def waive(workspace: Path, study: str, reader: str, reason: str, account: str | None) -> None:
    """Let READER go on in STUDY before the washout is over."""
    from hitl_review.workflow.studies.leading import waive_washout
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        waive_washout(opened, study, reader, reason=reason, actor=acting(opened, account))
    tell(f"{reader} may go on. The reads from now on are marked in the analysis.")


@workspace_command("lock", example="hitl-review study lock clinic chest-1 --as lead\n")
@workspace_argument
@_study
@click.option("--reason", default="", help="Needed where reads are missing: why they will not be made.")
@account_option
@json_option
def lock(workspace: Path, study: str, reason: str, account: str | None, as_json: bool) -> None:
    """End the reading of STUDY for good."""
    from hitl_review.workflow.studies.leading import lock_study
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        _tell(lock_study(opened, study, actor=acting(opened, account), reason=reason), as_json)


@workspace_command("unseal", example="hitl-review study unseal clinic chest-1 --as lead\n")
@workspace_argument
@_study
@account_option
@json_option
def unseal(workspace: Path, study: str, account: str | None, as_json: bool) -> None:
    """Join the truth to the reads of a locked STUDY, if it is the truth that was sealed."""
    from hitl_review.workflow.studies.unsealing import unseal_study
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        _tell(unseal_study(opened, study, actor=acting(opened, account)), as_json)


@workspace_command("show", example="hitl-review study show clinic chest-1 --as lead\n")
@workspace_argument
@_study
@account_option
@json_option
def show(workspace: Path, study: str, account: str | None, as_json: bool) -> None:
    """Tell how far STUDY is: its state, its digests, and the reads done per reader. Never how well they read."""
    from hitl_review.domain.study import State
    from hitl_review.workflow.studies.progress import progress_of
    from hitl_review.workflow.studies.stepping import lead, study_of
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        actor = acting(opened, account)
        lead(actor)
        found = study_of(opened, study)
        _tell(found, as_json)
        if not as_json and found.at_least(State.FROZEN):
            for each in progress_of(opened, study, actor=actor):
                tell(f"  {each.reader}: {each.done} of {each.total} cases")


@workspace_command("demo", example="hitl-review study demo demo-workspace\n")
@workspace_argument
@click.option("--study", default="demo-study", show_default=True, help="Its id.")
@click.option("--readers", type=click.IntRange(2, 40), default=6, show_default=True)
@click.option("--cases", type=click.IntRange(8), default=60, show_default=True)
@json_option
def demo(workspace: Path, study: str, readers: int, cases: int, as_json: bool) -> None:
    """Make the demonstration study: simulated readers, from draft to unsealed. It says so on every page."""
    from hitl_review.workflow.studies.simulating import make_demo_study
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened, steps_bar(hidden=as_json) as told:
        made = make_demo_study(opened, study, readers=readers, n_cases=cases, progress=told)
    _tell(made, as_json)


def _tell(study: Study, as_json: bool) -> None:
    if as_json:
        print_json(_as_json(study))
        return
    simulated = ", simulated readers" if study.simulated else ""
    tell(
        f"Study {study.study_id} is {study.state.value}: {study.protocol.design.words}, "
        f"{len(study.protocol.readers)} readers, {len(study.protocol.cases)} cases{simulated}."
    )
    tell(f"Protocol {study.digest}")


def _as_json(study: Study) -> dict[str, object]:
    return {
        "study": study.study_id,
        "state": study.state.value,
        "simulated": study.simulated,
        "protocol": study.digest,
        "frozen": study.frozen_digest,
        "model": study.seals.model if study.seals else None,
        "schedule": study.seals.schedule if study.seals else None,
        "truth": study.seals.truth if study.seals else None,
        "readers": list(study.protocol.readers),
        "cases": len(study.protocol.cases),
        "steps": [{"step": each.kind, "at": stamp(each.at), "by": each.by} for each in study.steps],
    }


COMMANDS: Final = (new, freeze, start, amend, waive, lock, unseal, show, demo)
