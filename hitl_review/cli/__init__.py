"""The command line: a command parses, opens the workspace, makes one workflow call and prints.

One module per family of commands. What is heavy (XGBoost, pandas, Streamlit) is imported inside the
commands that need it, so that `--help` and `audit verify` answer at once. Errors become sentences
and exit codes in `door`, nowhere else.
"""

from __future__ import annotations

import click

from hitl_review import __version__
from hitl_review.cli.accounts import accounts
from hitl_review.cli.audit import audit
from hitl_review.cli.cases import export, import_cases
from hitl_review.cli.combining import combine
from hitl_review.cli.door import Door
from hitl_review.cli.model import score, train
from hitl_review.cli.registry import (
    card,
    change_plan,
    lineage,
    promote,
    propose,
    retrain,
    rollback,
    stop,
)
from hitl_review.cli.replaying import replay
from hitl_review.cli.review import decide
from hitl_review.cli.routing import monitor, routing
from hitl_review.cli.simulate import simulate
from hitl_review.cli.study import study
from hitl_review.cli.worker import worker
from hitl_review.cli.workspace import backup, demo, doctor, init, serve

_EPILOG = "Example: hitl-review demo demo-workspace && hitl-review serve demo-workspace"


@click.group(cls=Door, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hitl-review")
def main() -> None:
    """Decision-support review: people decide, a model assists, every step is recorded and can be replayed.

    WORKSPACE is a folder that holds review.db; it may be left out where $HITL_WORKSPACE names it.
    Exit codes: 0 done, 1 the answer is no, 2 wrong use or bad input.
    """


_COMMANDS: tuple[click.Command, ...] = (
    *(demo, serve, init, import_cases, train, score, combine, worker),
    *(retrain, propose, promote, rollback, stop, lineage, card, change_plan, routing, monitor),
    *(decide, replay, audit, export, simulate, study, accounts, backup, doctor),
)
for _command in _COMMANDS:
    main.add_command(_command)
