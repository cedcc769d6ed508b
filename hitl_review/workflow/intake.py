"""Cases and outcomes come in from a file: all that can be taken is stored in one transaction, or nothing is.

Everything is checked before anything is written. One audit event stands for the batch: it holds
counts and digests, no value, no id and no file name, because a file name may be somebody's name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final, Generic, TypeVar

from hitl_review.domain.account import Actor, Permission, require
from hitl_review.domain.audit import lines_digest
from hitl_review.domain.case import Case, Outcome, Purpose, Snapshot, snapshot_of
from hitl_review.errors import IntakeError
from hitl_review.store import audit, cases
from hitl_review.store.connection import Store
from hitl_review.workflow.checking import CheckedTable, read_cases, read_outcomes
from hitl_review.workflow.tables import Rejection, rejection
from hitl_review.workflow.workspace import Workspace

__all__ = [
    "CheckedTable",
    "Received",
    "Rejection",
    "RowsRefused",
    "read_cases",
    "read_outcomes",
    "receive_cases",
    "receive_outcomes",
]

REJECTIONS_TOLD: Final = 5
SOURCE_LENGTH: Final = 64
_SLICE: Final = 5_000
_PLACES: Final = {
    Purpose.TRAINING: "for training",
    Purpose.HOLDOUT: "in the hold-out",
    Purpose.QUEUE: "in the queue",
}
Known = TypeVar("Known", str, bool)


class RowsRefused(IntakeError):
    """Values or rows of a file can't be taken, so nothing of it was stored; `rejected` names each.

    The message and the rejections quote the file. They are for the person who sends it, and belong
    in no log.
    """

    def __init__(self, name: str, rejected: Sequence[Rejection], count: int) -> None:
        super().__init__(_refusal(name, rejected, count))
        self.rejected = tuple(rejected)
        self.count = count


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a file: how many rows were stored, and which were not, and why."""

    received: int
    duplicates: tuple[str, ...]
    """Ids that are here already with the same values; sending a file twice changes nothing."""
    rejected: tuple[Rejection, ...]
    event_id: str | None
    """The batch's audit event; None where nothing new was in the file, so nothing happened."""
    blank: int = 0
    """How many cases of the file have no outcome yet."""


@dataclass(frozen=True, slots=True)
class _Compared(Generic[Known]):
    """The good rows of a file, compared with what is here: new, here already, or in contradiction to it."""

    fresh: Mapping[str, Known]
    duplicates: tuple[str, ...]
    rejections: tuple[Rejection, ...]


def receive_cases(
    workspace: Workspace,
    path: Path,
    *,
    actor: Actor,
    purpose: Purpose = Purpose.QUEUE,
    skip_bad: bool = False,
    ignore_extra: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> Received:
    """Store the cases of a CSV or Parquet file; RowsRefused if any can't be taken, unless `skip_bad`.

    A case that is here already with the same values is passed over, and with other values rejected:
    what a reader has judged must not change under the judgement. `progress` is told how many cases
    are stored so far.
    """
    require(actor, Permission.IMPORT)
    table = read_cases(path, workspace.project, ignore_extra=ignore_extra)
    snapshots = {case_id: snapshot_of(case_id, values).digest for case_id, values in table.cases()}
    with workspace.store.transaction(actor):
        compared = _compare_cases(workspace, table, snapshots, purpose)
        rejected = _rejected(path.name, table, compared.rejections, skip_bad=skip_bad)
        event_id = (
            _store_cases(workspace.store, table, compared, purpose, progress) if compared.fresh else None
        )
    return Received(len(compared.fresh), compared.duplicates, rejected, event_id)


def receive_outcomes(
    workspace: Workspace,
    path: Path,
    *,
    actor: Actor,
    source: str = "import",
    skip_bad: bool = False,
    ignore_extra: bool = False,
) -> Received:
    """Store the outcomes of a CSV or Parquet file; RowsRefused if any can't be taken, unless `skip_bad`.

    An outcome that differs from the one in force is stored after it, and is then in force: the
    earlier one stays. One that is equal is passed over. `source` says where the outcomes come from.
    """
    require(actor, Permission.IMPORT)
    _check_source(source)
    table = read_outcomes(path, workspace.project, ignore_extra=ignore_extra)
    given = {case_id: values[workspace.project.target.outcome_column] for case_id, values in table.cases()}
    known = {case_id: bool(value) for case_id, value in given.items() if value is not None}
    with workspace.store.transaction(actor):
        compared = _compare_outcomes(workspace, table, known)
        rejected = _rejected(path.name, table, compared.rejections, skip_bad=skip_bad)
        event_id = _store_outcomes(workspace.store, table, compared, source) if compared.fresh else None
    unknown = {each.value for each in compared.rejections}
    blank = sum(given[case_id] is None for case_id in given if case_id not in unknown)
    return Received(len(compared.fresh), compared.duplicates, rejected, event_id, blank)


def _compare_cases(
    workspace: Workspace, table: CheckedTable, snapshots: Mapping[str, str], purpose: Purpose
) -> _Compared[str]:
    here = cases.known_ids(workspace.store)
    duplicates = []
    rejections = []
    for case_id, row in table.good_rows().items():
        if case_id not in here:
            continue
        reason = _contradiction(cases.get(workspace.store, case_id), snapshots[case_id], purpose)
        if reason is None:
            duplicates.append(case_id)
        else:
            rejections.append(rejection(row, workspace.project.id_column, case_id, reason))
    fresh = {case_id: digest for case_id, digest in snapshots.items() if case_id not in here}
    return _Compared(fresh, tuple(duplicates), tuple(rejections))


def _contradiction(case: Case, digest: str, purpose: Purpose) -> str | None:
    if case.purpose is not purpose:
        return f"is here already, {_PLACES[case.purpose]}, and the kinds of cases never mix"
    if case.snapshot.digest != digest:
        return "is here already with other values: send new measurements under a new id"
    return None


def _compare_outcomes(
    workspace: Workspace, table: CheckedTable, known: Mapping[str, bool]
) -> _Compared[bool]:
    here = cases.known_ids(workspace.store)
    in_force: dict[str, bool] = {}
    for purpose in Purpose:
        in_force |= cases.outcomes(workspace.store, purpose)
    rejections = [
        rejection(
            row, workspace.project.id_column, case_id, "is no case of this workspace: import the case first"
        )
        for case_id, row in table.good_rows().items()
        if case_id not in here
    ]
    duplicates = [case_id for case_id, value in known.items() if in_force.get(case_id) == value]
    passed_over = {*duplicates, *(each.value for each in rejections)}
    fresh = {case_id: value for case_id, value in known.items() if case_id not in passed_over}
    return _Compared(fresh, tuple(duplicates), tuple(rejections))


def _rejected(
    name: str, table: CheckedTable, found_here: Sequence[Rejection], *, skip_bad: bool
) -> tuple[Rejection, ...]:
    """Return everything that can't be taken, in the order of the file, or raise it unless `skip_bad`."""
    rejected = tuple(sorted((*table.rejections, *found_here), key=lambda each: each.row))
    if rejected and not skip_bad:
        raise RowsRefused(name, rejected, table.rejected + len(found_here))
    return rejected


def _refusal(name: str, rejected: Sequence[Rejection], count: int) -> str:
    told = [_words(each) for each in rejected[:REJECTIONS_TOLD]]
    if count > len(told):
        told.append(f"and {count - len(told)} more")
    counted = "1 fault" if count == 1 else f"{count} faults"
    faults = "; ".join(told)
    return (
        f"{name} was refused for {counted}, and nothing was stored: {faults}{'' if faults.endswith('?') else '.'} "
        "Correct the file, or take only its good rows with --skip-bad."
    )


def _words(each: Rejection) -> str:
    where = f"row {each.row}, column {each.column}, '{each.value}'" if each.column else f"row {each.row}"
    return f"{where} {each.reason}"


def _store_cases(
    store: Store,
    table: CheckedTable,
    compared: _Compared[str],
    purpose: Purpose,
    progress: Callable[[int], None],
) -> str:
    """Tell of the batch in the log and store its cases, some thousand at a time; return the event's id."""
    fresh = compared.fresh
    lines: list[object] = [cases.received_line(case_id, purpose.value, fresh[case_id]) for case_id in fresh]
    event_id = _tell(store, "case.received", table, compared, lines, {"purpose": purpose.value})
    new = _new_cases(table, fresh, purpose, cases.next_position(store), store.current().now)
    stored = 0
    while part := list(islice(new, _SLICE)):
        cases.add(store, part, event_id=event_id)
        stored += len(part)
        progress(stored)
    return event_id


def _new_cases(
    table: CheckedTable, fresh: Mapping[str, str], purpose: Purpose, position: int, now: datetime
) -> Iterator[Case]:
    for case_id, values in table.cases():
        if case_id in fresh:
            yield Case(case_id, purpose, position, now, Snapshot(case_id, values, fresh[case_id]))
            position += 1


def _store_outcomes(store: Store, table: CheckedTable, compared: _Compared[bool], source: str) -> str:
    """Tell of the batch in the log and store its outcomes; return the event's id."""
    lines: list[object] = [cases.outcome_line(*item, source) for item in compared.fresh.items()]
    event_id = _tell(store, "outcome.recorded", table, compared, lines, {"source": source})
    now = store.current().now
    new = [Outcome(case_id, value, source, now) for case_id, value in compared.fresh.items()]
    cases.add_outcomes(store, new, event_id=event_id)
    return event_id


def _tell(
    store: Store,
    action: str,
    table: CheckedTable,
    compared: _Compared[Known],
    lines: list[object],
    more: Mapping[str, object],
) -> str:
    """Append the one event of a batch, before its rows because they point at it; return its id."""
    event_id = audit.new_token()
    detail = {
        "count": len(lines),
        "digest": lines_digest(lines),
        "duplicates": len(compared.duplicates),
        "rejected": table.rejected + len(compared.rejections),
        "file_digest": table.digest,
        **more,
    }
    audit.append(store, action, f"batch:{event_id}", detail, event_id=event_id)
    return event_id


def _check_source(source: str) -> None:
    if not (source.strip() and source.isprintable() and len(source) <= SOURCE_LENGTH):
        raise IntakeError(
            f"The source of outcomes must be 1 to {SOURCE_LENGTH} printable characters. Name it."
        )
