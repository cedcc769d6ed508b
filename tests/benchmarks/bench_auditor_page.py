"""How fast does the auditor's page answer on a long log: what each part asks of the database.

    python -m tests.benchmarks.bench_auditor_page [--events 1000000] [--workspace FOLDER]

The baseline is one look at the newest fifty events by number alone. Everything the page waits for is measured: the
first page, each filter at its worst (nothing found, so it looks as far as it may), a case's whole history, a past
screen, rates, a sample drawn and drawn again. Drawing the page costs some 50 ms on top.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from hitl_review.domain.account import Actor, Role
from hitl_review.store import audit, reviews
from hitl_review.workflow.override_rates import override_rates
from hitl_review.workflow.past_screens import case_history, past_screen
from hitl_review.workflow.sampling import draw_sample, same_draw
from hitl_review.workflow.viewing import Filters, view_log
from hitl_review.workflow.workspace import Workspace, open_workspace
from tests.benchmarks.long_log import make_long

AUDITOR = Actor("auditor-1", "Ada Auditor", Role.AUDITOR)
BOUND = 1.0


def looks(workspace: Workspace) -> dict[str, Callable[[], object]]:
    """Return what the page asks, by name."""
    newest = audit.latest(workspace.store, limit=1)[0]
    day = audit.head(workspace.store).at
    assert day is not None
    reveal = reviews.latest_reveal(workspace.store, "L-0000500", "reader-1") or reviews.latest_reveal(
        workspace.store, "L-0000500", "reader-2"
    )
    assert reveal is not None

    def view(**asked: object) -> Callable[[], object]:
        filters = Filters(**asked)  # type: ignore[arg-type]
        return lambda: view_log(workspace, actor=AUDITOR, sitting=audit.new_token(), filters=filters)

    return {
        "fifty by number": lambda: audit.latest(
            workspace.store, limit=50, before=newest.seq, after=newest.seq - 51
        ),
        "first page": view(),
        "a person who did nothing": view(account_id="nobody"),
        "an action that never was": view(action="study.sealed"),
        "a case that is not there": view(case_id="none"),
        "an outcome": view(outcome="deferred"),
        "a model that is not there": view(model="sha256:none"),
        "one day": view(since=day.date(), until=day.date()),
        "before the log": view(until=day.date() - timedelta(days=4_000)),
        "a case's whole history": lambda: case_history(
            workspace, "L-0000500", actor=AUDITOR, sitting=audit.new_token()
        ),
        "a past screen": lambda: past_screen(
            workspace, reveal.reveal_id, actor=AUDITOR, sitting=audit.new_token()
        ),
        "override rates": lambda: override_rates(workspace, actor=AUDITOR, sitting=audit.new_token()),
        "draw a sample of 20": lambda: draw_sample(workspace, count=20, actor=AUDITOR),
        "draw it again": lambda: same_draw(workspace, draw_sample(workspace, count=20, actor=AUDITOR)),
    }


def report(folder: Path) -> None:
    """Print a row for each look: milliseconds (the best and the worst of three), and the ratio to the baseline."""
    with open_workspace(folder) as workspace:
        print(f"{audit.head(workspace.store).size:,} events, load average {os.getloadavg()[0]:.1f}")
        print(f"{'':<28}{'best ms':>10}{'worst ms':>10}{'ratio':>9}")
        baseline = 0.0
        for name, look in looks(workspace).items():
            taken = []
            for _ in range(3):
                began = time.perf_counter()
                look()
                taken.append(time.perf_counter() - began)
            baseline = baseline or min(taken)
            late = "  over a second" if min(taken) > BOUND else ""
            print(
                f"{name:<28}{min(taken) * 1e3:>10.1f}{max(taken) * 1e3:>10.1f}{min(taken) / baseline:>9.1f}{late}"
            )


def main() -> None:
    """Make a log if none is named, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument(
        "--workspace", type=Path, help="one that is there, instead of a new one; it is written to"
    )
    asked = parser.parse_args()
    if asked.workspace is not None:
        report(asked.workspace)
        return
    with tempfile.TemporaryDirectory() as scratch:
        make_long(Path(scratch) / "workspace", asked.events)
        report(Path(scratch) / "workspace")


if __name__ == "__main__":
    main()
