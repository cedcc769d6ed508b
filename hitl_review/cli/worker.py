"""The worker's command: long work beside the pages, for as long as it runs or until nothing waits."""

from __future__ import annotations

import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import click

from hitl_review.cli.arguments import workspace_argument, workspace_command
from hitl_review.cli.showing import tell


@workspace_command("worker", example="hitl-review worker demo-workspace --once")
@workspace_argument
@click.option("--once", is_flag=True, help="Do what is due now and end, as a timer asks for.")
@click.option(
    "--lease-seconds",
    type=click.FloatRange(1, 3600),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a job stays with a worker that gives no sign of life; then another takes it.",
)
@click.option("--attached", is_flag=True, hidden=True, help="End when standard input closes.")
def worker(workspace: Path, once: bool, lease_seconds: float, attached: bool) -> None:
    """Do queued jobs: retraining, judging open cases anew, monitoring.

    Collects labels and looks at the retraining triggers every minute. `serve` runs one; more may run
    beside it, and of those that race for a job one gets it. A killed worker's job is tried once more.
    """
    from hitl_review.workflow.working import work
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace):
        pass  # say at once if there is no such workspace
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    if attached:
        Thread(target=_watch, args=(stop,), daemon=True).start()
    try:
        lease = timedelta(seconds=lease_seconds)
        done = work(workspace, once=once, stop=stop, told=tell, lease=lease)
    except KeyboardInterrupt:
        return
    if once:
        tell(f"{done} jobs done." if done != 1 else "1 job done.")


def _watch(stop: Event) -> None:
    """Wait for the end of standard input: whoever started this process is gone."""
    # Not by Python's own reader: it would still hold its lock when the process ends for another reason.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stop.set()
