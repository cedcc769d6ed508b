"""Which cases people read, and the monitor, from the command line."""

from __future__ import annotations

from pathlib import Path

import click

from hitl_review.cli.arguments import (
    WorkspaceCommand,
    account_option,
    acting,
    json_option,
    workspace_argument,
    workspace_command,
)
from hitl_review.cli.showing import print_json, tell, words_line

_SIGNS = {"fine": "fine", "alarm": "ALARM", "unknown": "?"}


@click.group("routing")
def routing() -> None:
    """Which cases people read, and in which order."""


@routing.command("show", cls=WorkspaceCommand, example="hitl-review routing show demo-workspace")
@workspace_argument
@json_option
def show(workspace: Path, as_json: bool) -> None:
    """Say which routing is in force, and what it promised when it was set."""
    from hitl_review.store import routings
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        found = routings.in_force(opened.store)
        passed, audited = routings.count_passed(opened.store)
    if as_json:
        print_json({**found.as_json(), "passed": passed, "audited": audited})
    else:
        tell(f"Routing: {found.kind.value.replace('_', ' ')}, {found.random_share:.0%} random checks.")
        if found.promise:
            tell(str(found.promise["words"]))
        tell(f"{passed:,} cases passed so far, {audited:,} of them read as audits.")


@routing.command(
    "set",
    cls=WorkspaceCommand,
    example="hitl-review routing set demo-workspace --target-error 0.05 --as steward-1",
)
@workspace_argument
@click.option("--all", "everything", is_flag=True, help="People read every case; this is the default.")
@click.option("--target-error", type=click.FloatRange(0, 0.5, min_open=True), metavar="SHARE")
@click.option("--per-day", type=click.IntRange(1), metavar="CASES", help="How many cases are read a day.")
@click.option("--feature", metavar="NAME", help="A rule: cases by this feature come first.")
@click.option("--minimum", type=float)
@click.option("--maximum", type=float)
@click.option("--level", "levels", multiple=True, metavar="CODE")
@click.option("--random-share", type=click.FloatRange(0, 1, min_open=True), default=0.2, show_default=True)
@click.option("--audit-share", type=click.FloatRange(0, 1, min_open=True), default=0.05, show_default=True)
@click.option("--dry-run", is_flag=True, help="Say what it would do with the cases that wait, and set nothing.")
@account_option
def set_routing(
    workspace: Path,
    everything: bool,
    target_error: float | None,
    per_day: int | None,
    feature: str | None,
    minimum: float | None,
    maximum: float | None,
    levels: tuple[str, ...],
    random_share: float,
    audit_share: float,
    dry_run: bool,
    account: str | None,
) -> None:
    """Set the routing: all cases, by target error, by capacity, or by a rule.

    A target error that can't be promised with the hold-out's cases is refused, and says how many it takes.
    """
    from hitl_review.domain.routing import Routing, RoutingKind
    from hitl_review.workflow.routing import capacity_words, foresee
    from hitl_review.workflow.routing import set_routing as put_in_force
    from hitl_review.workflow.workspace import open_workspace

    asked = {
        RoutingKind.ALL: everything,
        RoutingKind.TARGET_ERROR: target_error is not None,
        RoutingKind.CAPACITY: per_day is not None,
        RoutingKind.RULE: feature is not None,
    }
    chosen = [kind for kind, given in asked.items() if given]
    if len(chosen) != 1:
        raise click.UsageError("Give one of --all, --target-error, --per-day and --feature.")
    wanted = Routing(
        chosen[0],
        random_share,
        audit_share,
        target_error=target_error,
        per_day=per_day,
        feature=feature,
        minimum=minimum,
        maximum=maximum,
        levels=levels,
    )
    with open_workspace(workspace) as opened:
        if dry_run:
            tell(f"Nothing is set. {foresee(opened, wanted).words}")
            return
        made = put_in_force(opened, wanted, actor=acting(opened, account))
        words = capacity_words(opened, per_day) if per_day else made.routing.promise.get("words", "")
    tell(f"The routing is in force. {words}".strip())


@workspace_command("monitor", example="hitl-review monitor demo-workspace --json")
@workspace_argument
@account_option
@json_option
@click.pass_context
def monitor(context: click.Context, workspace: Path, account: str | None, as_json: bool) -> None:
    """Look at inputs, scores, overrides, the random checks and the readers; each alarm is an event.

    Leaves with 1 while a lamp is raised.
    """
    from hitl_review.workflow.monitoring import monitor as look
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened, words_line() as told:
        found = look(opened, actor=acting(opened, account), progress=lambda share, words: told(words))
    if as_json:
        lamps = [{"name": each.name, "state": each.state, "words": each.words} for each in found.lamps]
        print_json({"alarms": list(found.alarms), "lamps": lamps, "event": found.event_id})
    else:
        for lamp in found.lamps:
            tell(f"{_SIGNS[lamp.state]:<6} {lamp.title}: {lamp.words}")
    context.exit(1 if found.alarms else 0)
