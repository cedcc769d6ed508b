"""The demonstration workspace on SUPPORT2: made once, in steps that a killed run can go on from."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from hitl_review.domain.account import SYSTEM, Account, Role
from hitl_review.domain.case import Purpose
from hitl_review.errors import WorkspaceError
from hitl_review.project import read_project_text
from hitl_review.store import accounts, cases, models
from hitl_review.store.lock import writer_lock
from hitl_review.workflow.accounts import add_account, give_public_password
from hitl_review.workflow.intake import receive_cases, receive_outcomes
from hitl_review.workflow.retraining import train_champion
from hitl_review.workflow.scoring import score_cases
from hitl_review.workflow.workspace import Workspace, create_workspace, exists, open_workspace

QUEUE_CASES: Final = 400
"""How many of the queue's patients the demonstration loads, unless all are asked for."""
BUILD_SECONDS: Final = 600.0
STARTER_ACCOUNTS: Final = (
    ("reader-1", "Demo reader 1", Role.READER),
    ("reader-2", "Demo reader 2", Role.READER),
    ("auditor-1", "Demo auditor", Role.AUDITOR),
    ("steward-1", "Demo model steward", Role.MODEL_STEWARD),
    ("approver-1", "Demo approver", Role.APPROVER),
    ("adjudicator-1", "Demo adjudicator", Role.ADJUDICATOR),
    ("lead-1", "Demo study lead", Role.STUDY_LEAD),
    ("admin-1", "Demo administrator", Role.ADMIN),
)
"""All of them have the same public password; such accounts exist in demonstration workspaces only."""

Told = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What the demonstration workspace holds; `made` is False when it was there already."""

    made: bool
    cases: int
    model: str
    accounts: tuple[Account, ...]


def data_folder(name: str) -> Path:
    """Return where a shipped data set lies: `data/` of a checkout, or the copy inside an installed package."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package.parent / "data" / name, package / "_data" / name):
        if (folder / "project.toml").is_file():
            return folder
    raise WorkspaceError(f"The data set '{name}' is not part of this installation. Install hitl-review anew.")


def make_demo(
    folder: Path, *, all_cases: bool = False, progress: Told = lambda step, of, words: None
) -> DemoReport:
    """Make the SUPPORT2 workspace if it is not there, and complete it if a run was killed half-way.

    Imports 500 patients with outcomes, the 2,000 of the locked hold-out and the queue; trains the
    first champion, puts it in use, and lets it judge the queue. Idempotent.
    """
    source = data_folder("support2")
    steps = _Steps(progress)
    folder.mkdir(parents=True, exist_ok=True)
    with writer_lock(folder / "demo.lock", timeout_seconds=BUILD_SECONDS):
        made = not exists(folder)
        steps.told("making the workspace")
        if made:
            create_workspace(folder, read_project_text(source / "project.toml"), demo=True)
        with open_workspace(folder) as workspace:
            made |= _complete(workspace, source, all_cases, steps)
            return _report(workspace, made)


def _complete(workspace: Workspace, source: Path, all_cases: bool, steps: _Steps) -> bool:
    changed = add_starter_accounts(workspace)
    for purpose in (Purpose.TRAINING, Purpose.HOLDOUT, Purpose.QUEUE):
        limit = None if all_cases or purpose is not Purpose.QUEUE else QUEUE_CASES
        steps.told(f"importing patients ({purpose.value})")
        changed |= import_part(workspace, source, purpose, limit=limit) > 0
    if models.newest_move(workspace.store) is None:
        train_champion(workspace, progress=steps.told)
    steps.told("letting the model judge the queue")
    score_cases(workspace)
    steps.ended()
    return changed


def import_part(workspace: Workspace, source: Path, purpose: Purpose, *, limit: int | None = None) -> int:
    """Import the first patients of one part of a shipped data set that are not there yet; return how many.

    Outcomes come with the parts that are history. The queue's stay outside: they are not known yet.
    """
    part, known = _ids(source, purpose)[:limit], cases.known_ids(workspace.store)
    wanted = [case_id for case_id in part if case_id not in known]
    if wanted:
        with _rows_as_file(source / "cases.csv.gz", wanted) as path:
            receive_cases(workspace, path, actor=SYSTEM, purpose=purpose)
    if purpose is not Purpose.QUEUE:
        _import_outcomes(workspace, source, part, purpose)
    return len(wanted)


def _import_outcomes(workspace: Workspace, source: Path, part: list[str], purpose: Purpose) -> None:
    told = cases.outcomes(workspace.store, purpose)
    if wanted := [case_id for case_id in part if case_id not in told]:
        with _rows_as_file(source / "outcomes.csv.gz", wanted) as path:
            receive_outcomes(workspace, path, actor=SYSTEM, source="SUPPORT2 follow-up")


def add_starter_accounts(workspace: Workspace) -> bool:
    """Make the demonstration's accounts that are not there yet, with the public password; tell whether any was made."""
    there = {account.account_id for account in accounts.everyone(workspace.store)}
    changed = False
    for account_id, name, role in STARTER_ACCOUNTS:
        if account_id not in there:
            add_account(workspace, account_id, name, role)
        if accounts.password(workspace.store, account_id) is None:
            give_public_password(workspace, account_id)
            changed = True
    return changed


def _ids(source: Path, purpose: Purpose) -> list[str]:
    rows = [row for row in _table(source / "split.csv.gz") if row["purpose"] == purpose.value]
    return [row["case_id"] for row in sorted(rows, key=lambda row: int(row["position"]))]


def _table(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


@contextmanager
def _rows_as_file(table: Path, wanted: list[str]) -> Iterator[Path]:
    """Give the wanted rows as a file of their own, in the wanted order, so that they come in by the usual door."""
    place = {case_id: number for number, case_id in enumerate(wanted)}
    rows = sorted(
        (row for row in _table(table) if row["case_id"] in place), key=lambda row: place[row["case_id"]]
    )
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        path.write_text(text.getvalue(), encoding="utf-8")
        yield path


def _report(workspace: Workspace, made: bool) -> DemoReport:
    count = len(cases.known_ids(workspace.store))
    champion = models.champion(workspace.store).name
    return DemoReport(made, count, champion, tuple(accounts.everyone(workspace.store)))


class _Steps:
    """Counts the steps that are told, so that a bar can be drawn."""

    total: Final = 10

    def __init__(self, progress: Told) -> None:
        self._progress = progress
        self._done = 0

    def told(self, words: str) -> None:
        """Say that a step begins."""
        self._done = min(self._done + 1, self.total - 1)
        self._progress(self._done, self.total, words)

    def ended(self) -> None:
        """Say that all is done, however many steps there were to do."""
        self._progress(self.total, self.total, "ready")
