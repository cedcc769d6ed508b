"""Replay a decision: show its screen again, and let the same model bytes judge the same inputs again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hitl_review.cli.arguments import json_option, workspace_argument, workspace_command
from hitl_review.cli.showing import print_json, tell

if TYPE_CHECKING:
    from hitl_review.workflow.replaying import Replay
    from hitl_review.workflow.workspace import Workspace


def _check_named(context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Ask for a decision unless all are meant; as a lacking argument, so that $HITL_WORKSPACE can step in."""
    if value is None and not context.params.get("everything"):
        raise click.MissingParameter(ctx=context, param=_parameter)
    return value


@workspace_command("replay", example="hitl-review replay demo-workspace --all")
@workspace_argument
@click.argument("decision", required=False, callback=_check_named)
@click.option("--all", "everything", is_flag=True, is_eager=True, help="Replay every decision there is.")
@json_option
@click.pass_context
def replay(
    context: click.Context, workspace: Path, decision: str | None, everything: bool, as_json: bool
) -> None:
    """Show a DECISION's screen again and recompute its prediction; that somebody looked is an event too.

    Leaves with 1 if the margin is not equal to the last bit, or the screen is not the one that was signed.
    """
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        ok = _replay_all(opened, as_json) if decision is None else _replay_one(opened, decision, as_json)
    context.exit(0 if ok else 1)


def _replay_one(workspace: Workspace, decision_id: str, as_json: bool) -> bool:
    from hitl_review.domain.account import SYSTEM
    from hitl_review.store.audit import new_token
    from hitl_review.workflow.presenting import THIN_SPACE
    from hitl_review.workflow.replaying import replay as replay_decision
    from hitl_review.workflow.viewing import log_look

    found = replay_decision(workspace, decision_id)
    if as_json:
        print_json(_told(found))
    else:
        looked = {"through": "replay", "decision": decision_id}
        log_look(workspace, f"case:{found.decision.case_id}", looked, actor=SYSTEM, sitting=new_token())
        for line in (*_screen_lines(found.screen), "", *_answer_lines(found)):
            tell(line.replace(THIN_SPACE, " "))  # a terminal is shown it as a code, like whatever may mislead
    return found.ok


def _replay_all(workspace: Workspace, as_json: bool) -> bool:
    from hitl_review.store import reviews
    from hitl_review.workflow.replaying import replay as replay_decision
    from hitl_review.workflow.scoring import stored_model

    source = cache(stored_model(workspace.store))
    decisions = reviews.all_decisions(workspace.store)
    failed: list[Replay] = []  # the others are let go at once: each holds a whole screen
    with click.progressbar(
        decisions, label="Replaying", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as shown:
        for decision in shown:
            found = replay_decision(workspace, decision.decision_id, source=source)
            failed += [] if found.ok else [found]
    if as_json:
        failures = [_told(each) for each in failed]
        print_json({"replayed": len(decisions), "failed": len(failed), "failures": failures})
    else:
        for each in failed:
            tell(f"Decision {each.decision.decision_id} does not replay: {_fault(each)}.")
        tell(f"{len(decisions):,} decisions replayed, {len(failed):,} of them not equal.")
    return not failed


def _told(found: Replay) -> dict[str, Any]:
    return {
        "decision": found.decision.decision_id,
        "case": found.decision.case_id,
        "margin_stored": found.margin_stored,
        "margin_recomputed": found.margin_recomputed,
        "equal": found.equal,
        "shown_digest_ok": found.shown_digest_ok,
    }


def _fault(found: Replay) -> str:
    if not found.shown_digest_ok:
        return "the stored screen is not the one that was signed"
    return f"the stored margin is {found.margin_stored!r}, the recomputed one {found.margin_recomputed!r}"


def _answer_lines(found: Replay) -> Iterator[str]:
    decision, signature = found.decision, found.decision.signature
    reason = f", reason {decision.reason}" if decision.reason else ""
    yield f"Answer       {decision.answer.value}{reason}"
    yield f"Signed       {signature.name}, {signature.meaning}, {signature.at:%Y-%m-%d %H:%M:%S} UTC"
    yield f"Margin       stored {found.margin_stored!r}, recomputed {found.margin_recomputed!r}"
    yield f"Replay       {'equal, and the screen is the one that was signed' if found.ok else _fault(found)}"


def _screen_lines(screen: dict[str, Any]) -> Iterator[str]:
    """Yield a stored screen as lines of text, in the order of the page."""
    facts, view = screen["facts"], screen["view"]
    yield f"Case {facts['case_id']}: {facts['question']} ({facts['index_time']})"
    for group in facts["groups"]:
        yield ""
        yield group["label"]
        yield from (_fact_line(fact) for fact in group["facts"])
    yield ""
    yield f"Model {view['model_name']} showed: {view['label_words']}"
    for words in ("probability_words", "base_rate_words", "verdict_words"):
        yield f"  {view[words]}"
    yield from (f"  {notice['title']} {notice['text']}" for notice in view["reliability"])
    yield from (f"  {reason['amount']:+.3f}  {reason['sentence']}" for reason in view["reasons"])


def _fact_line(fact: dict[str, Any]) -> str:
    sign = {"low": "L", "high": "H"}.get(fact["mark"], "")
    reference = f"(ref {fact['reference']})" if fact["reference"] else ""
    return f"  {fact['label']:<28} {fact['text']:>12} {fact['unit']:<10} {sign:<2}{reference}".rstrip()
