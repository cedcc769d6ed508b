"""The log leaves as a bundle, as FHIR AuditEvents, or as CSV with its byte-exact twin; each is an event.

The event stands in the export itself, followed by a checkpoint. CSV is for spreadsheets, so its texts are
defused against formulas and a column says in which rows; beside it lie the same events as JSON lines, with
every byte as it was hashed.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.domain.audit import Event
from hitl_review.domain.canonical import canonical_json
from hitl_review.errors import AuditError
from hitl_review.store import accounts, audit, checkpoints
from hitl_review.workflow.audit_event_checks import faults_of
from hitl_review.workflow.audit_events import audit_event
from hitl_review.workflow.bundling import export_bundle, log_line
from hitl_review.workflow.exporting import ExportError, put_in_place, waiting_beside
from hitl_review.workflow.formats import defused
from hitl_review.workflow.workspace import Workspace

COLUMNS: Final = (
    "seq",
    "at",
    "actor",
    "role",
    "action",
    "subject",
    *("outcome", "label", "reason", "comment"),
)
_SIGNED: Final = ("signed_name", "signed_meaning", "signed_at")
_LAST: Final = ("supersedes", *_SIGNED, "detail", "event_id", "prev_hash", "hash", "defused")


@dataclass(frozen=True, slots=True)
class LogExport:
    """What left: the files, how many events they hold, and the checkpoint that closes them."""

    paths: tuple[Path, ...]
    events: int
    note: str


def export_log(workspace: Workspace, out: Path, *, form: str = "bundle", actor: Actor = SYSTEM) -> LogExport:
    """Write the log to a new file as `bundle`, `fhir` (one AuditEvent a line) or `csv` (with its twin beside it)."""
    require(actor, Permission.READ_LOG)
    if not out.name:
        raise ExportError(f"{out} is a folder. Name a file in it for the log.")
    if form == "bundle":
        bundle = export_bundle(workspace, out, actor=actor)
        return LogExport((bundle.path,), bundle.events, bundle.note)
    if form not in _WRITERS:
        raise ExportError(f"There is no way to write the log as '{form}'. Choose bundle, fhir or csv.")
    paths = (out, twin_of(out)) if form == "csv" else (out,)
    with ExitStack() as stack:
        waiting = [stack.enter_context(waiting_beside(path, b"")) for path in paths]
        with workspace.store.transaction(actor):
            audit.append(workspace.store, "audit.exported", f"log:{form}", {"format": form})
            note = checkpoints.publish(workspace.store, workspace.folder)
            upto = checkpoints.size_of(workspace.store)
        checkpoints.anchor(workspace.store, workspace.folder)
        files: list[BinaryIO] = [stack.enter_context(path.open("wb")) for path in waiting]
        events = _WRITERS[form](workspace, files, upto)  # what others add meanwhile has no checkpoint yet
        for file in files:
            file.flush()
            os.fsync(file.fileno())
        with ExitStack() as placed:  # all of them are whole, or none gets its name
            for place, path in zip(waiting, paths, strict=True):
                put_in_place(place, path)
                placed.callback(path.unlink)
            placed.pop_all()
    return LogExport(paths, events, note)


def twin_of(out: Path) -> Path:
    """Return where the JSON lines lie that go with a CSV file."""
    return out.with_suffix(".jsonl") if out.suffix != ".jsonl" else out.with_suffix(".twin.jsonl")


def _write_fhir(workspace: Workspace, files: list[BinaryIO], upto: int) -> int:
    count = 0
    for resource in audit_events(workspace, upto=upto):
        files[0].write(canonical_json(resource).encode() + b"\n")
        count += 1
    return count


def audit_events(workspace: Workspace, *, upto: int = audit.BEYOND) -> Iterator[dict[str, Any]]:
    """Yield every event up to a seq as an AuditEvent, checked; AuditError if one is not as it must be."""
    people = {each.account_id: each.name for each in accounts.everyone(workspace.store)}
    origin = checkpoints.origin_of(workspace.store)
    for event in audit.events(workspace.store, upto=upto):
        resource = audit_event(event, origin=origin, people=people)
        if faults := faults_of(resource):
            raise AuditError(
                f"Event {event.seq} can't be told as an AuditEvent: {faults[0]}. Verify the log."
            )
        yield resource


def _write_csv(workspace: Workspace, files: list[BinaryIO], upto: int) -> int:
    count, sheet, twin = 0, files[0], files[1]
    sheet.write(_csv_line((*COLUMNS, *_LAST)))
    for event in audit.events(workspace.store, upto=upto):
        sheet.write(_csv_line(row_of(event)))
        twin.write(log_line(event).encode() + b"\n")
        count += 1
    return count


def row_of(event: Event) -> tuple[str, ...]:
    """Return an event as cells, defused; the last one tells whether that changed any of them."""
    told = event.told
    detail: Mapping[str, Any] = told["detail"]
    found = detail.get("signature")
    signature: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    about = [told["seq"], *(told[name] for name in COLUMNS[1:6]), *(detail.get(name) for name in COLUMNS[6:])]
    signed = [signature.get(name.removeprefix("signed_")) for name in _SIGNED]
    rest = [
        detail.get("supersedes"),
        *signed,
        canonical_json(detail),
        event.event_id,
        event.prev_hash,
        event.hash,
    ]
    plain = ["" if each is None else str(each) for each in (*about, *rest)]
    safe = [defused(each) for each in plain]
    return (*safe, "true" if safe != plain else "false")


def _csv_line(cells: tuple[str, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode()


_WRITERS: Final[Mapping[str, Callable[[Workspace, list[BinaryIO], int], int]]] = {
    "fhir": _write_fhir,
    "csv": _write_csv,
}
FORMS: Final = ("bundle", *_WRITERS)
