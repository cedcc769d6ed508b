"""Decide a case from a script, by the same steps and rules as the review page."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from hitl_review.cli.arguments import (
    account_option,
    check_token,
    json_option,
    person_acting,
    workspace_argument,
    workspace_command,
)
from hitl_review.cli.showing import print_json, tell
from hitl_review.domain.audit import stamp
from hitl_review.domain.decision import Answer, Choice, Confidence, Decision, Read, settled
from hitl_review.errors import NotCommitted

if TYPE_CHECKING:
    from hitl_review.domain.account import Actor
    from hitl_review.workflow.workspace import Workspace

_EXAMPLE = """\
hitl-review decide demo-workspace S2-00017 --accept --own-probability 0.7
hitl-review decide demo-workspace S2-00018 --override alive --reason not_in_data --own-probability 0.2
"""


@workspace_command("decide", example=_EXAMPLE)
@workspace_argument
@click.argument("case")
@click.option("--accept", is_flag=True, help="Agree with the label the model shows.")
@click.option("--override", metavar="LABEL", help="Say the other label: its code in project.toml.")
@click.option("--defer", is_flag=True, help="Leave the case open, for a stated reason.")
@click.option("--reason", metavar="CODE", help="The coded reason; needed to override and to defer.")
@click.option(
    "--comment", default="", metavar="TEXT", help="Words beside the reason; some reasons need them."
)
@click.option(
    "--confidence", type=click.Choice([each.value for each in Confidence]), help="How sure the reader is."
)
@click.option(
    "--own-probability",
    type=click.FloatRange(0, 1),
    metavar="P",
    help="The reader's own estimate, 0 to 1, made before the model's view; stored first.",
)
@click.option(
    "--own-label",
    metavar="LABEL",
    help="The reader's own call; left out, it is the label on P's side of the project's threshold.",
)
@click.option("--supersedes", metavar="DECISION", help="The decision in force that this one replaces.")
@click.option(
    "--token",
    callback=check_token,
    help="The act's name: the same command with it again is still one decision.",
)
@account_option
@json_option
def decide(
    workspace: Path,
    case: str,
    accept: bool,
    override: str | None,
    defer: bool,
    reason: str | None,
    comment: str,
    confidence: str | None,
    own_probability: float | None,
    own_label: str | None,
    supersedes: str | None,
    token: str | None,
    account: str | None,
    as_json: bool,
) -> None:
    """Record a decision on CASE, by the rules of the review page.

    Opens the case, stores the own estimate, shows the model's view (which is kept, though a script
    has no screen), and records the answer. In a demo workspace the first reader acts by default.
    """
    from hitl_review.workflow.workspace import open_workspace

    sureness = None if confidence is None else Confidence(confidence)
    choice = Choice(_answer(accept, override, defer), override, reason, comment, sureness)
    with open_workspace(workspace) as opened:
        actor = person_acting(opened, account)
        own = _own_estimate(opened, own_label, own_probability)
        _check_beforehand(opened, choice)
        decision = _decide(
            opened, case, choice, own, actor, token=token or uuid4().hex, supersedes=supersedes
        )
    if as_json:
        print_json(_told(decision))
    else:
        label = f" (label {decision.label})" if decision.label else ""
        tell(f"Case {case} is {decision.answer.value}{label} by {decision.reader}.")
        tell(f"Decision {decision.decision_id}")


def _answer(accept: bool, override: str | None, defer: bool) -> Answer:
    given = {Answer.ACCEPTED: accept, Answer.OVERRIDDEN: override is not None, Answer.DEFERRED: defer}
    chosen = [answer for answer, is_given in given.items() if is_given]
    if len(chosen) != 1:
        raise click.UsageError(
            "Give one of --accept, --override LABEL and --defer.", click.get_current_context()
        )
    return chosen[0]


def _own_estimate(
    workspace: Workspace, label: str | None, probability: float | None
) -> tuple[str, float] | None:
    target = workspace.project.target
    if probability is None:
        if label is not None:
            raise click.UsageError("--own-label needs --own-probability.", click.get_current_context())
        return None
    if label is None:
        label = target.positive.code if probability >= target.threshold else target.negative.code
    _check_label(workspace, "--own-label", label)
    return label, probability


def _check_label(workspace: Workspace, option: str, label: str) -> None:
    codes = (workspace.project.target.positive.code, workspace.project.target.negative.code)
    if label not in codes:
        message = f"{option} '{label}' is no label of this project; it is {' or '.join(codes)}."
        raise click.UsageError(message, click.get_current_context())


def _check_beforehand(workspace: Workspace, choice: Choice) -> None:
    """Refuse what can't stand whatever the model says, before an estimate is stored for nothing."""
    from hitl_review.workflow.deciding import reason_rules

    project = workspace.project
    if choice.label is not None:
        _check_label(workspace, "--override", choice.label)
    other = choice.label or project.target.negative.code
    settled(
        choice,
        shown=project.other_label(other),
        other=other,
        reasons=reason_rules(project),
        limit=project.review.comment_limit,
    )


def _decide(
    workspace: Workspace,
    case: str,
    choice: Choice,
    own: tuple[str, float] | None,
    actor: Actor,
    *,
    token: str,
    supersedes: str | None,
) -> Decision:
    """Walk the steps of the page; each step's token follows from the decision's, so each happens once."""
    from hitl_review.workflow.deciding import record_decision
    from hitl_review.workflow.review import look_at

    seen = look_at(workspace, case, actor=actor, opened_at=workspace.store.clock())
    if seen.needs_read and own is None:
        raise NotCommitted(
            "The reader's own estimate comes before the model's view. Add --own-probability P (0 to 1)."
        )
    if seen.decision is not None and seen.decision.decision_id == token:
        reveal_id = seen.decision.reveal_id  # this very act, asked again: no new opening, no new view
    else:
        reveal_id = _shown(workspace, case, own if _is_new(own, seen.read) else None, actor, token)
    return record_decision(
        workspace,
        reveal_id,
        choice,
        actor=actor,
        token=token,
        seconds_active=0.0,
        seconds_on_screen=workspace.project.review.minimum_view_seconds,  # a script has no screen to look at
        supersedes=supersedes,
    )


def _is_new(own: tuple[str, float] | None, read: Read | None) -> bool:
    return own is not None and (read is None or own != (read.label, read.probability))


def _shown(workspace: Workspace, case: str, own: tuple[str, float] | None, actor: Actor, token: str) -> str:
    """Open the case, store a new own estimate, show the model's view and return the id of that."""
    from hitl_review.workflow.revealing import reveal
    from hitl_review.workflow.review import commit_read, open_case

    opened_at = open_case(workspace, case, actor=actor).opened_at
    if own is not None:
        label, probability = own
        commit_read(
            workspace,
            case,
            label=label,
            probability=probability,
            actor=actor,
            token=_token_of(token, "read"),
            opened_at=opened_at,
        )
    return reveal(workspace, case, actor=actor, token=_token_of(token, "reveal")).reveal.reveal_id


def _token_of(token: str, step: str) -> str:
    return hashlib.sha256(f"{token}/{step}".encode()).hexdigest()[:32]


def _told(decision: Decision) -> dict[str, Any]:
    return {
        "decision": decision.decision_id,
        "case": decision.case_id,
        "reader": decision.reader,
        "answer": decision.answer.value,
        "label": decision.label,
        "reason": decision.reason,
        "own_probability": decision.own_probability,
        "prediction": decision.prediction_id,
        "shown_digest": decision.shown_digest,
        "decided_at": stamp(decision.decided_at),
        "supersedes": decision.supersedes,
    }
