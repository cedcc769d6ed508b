"""Data leave the workspace: decisions, labels, cases and more, as a file or as bytes, and the log tells of it.

The event holds how many rows left and the digest of the very bytes, so a file found elsewhere can be
matched with the export it came from; a checkpoint closes it. `sheets` says what is in an export, `formats`
how it is written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from hitl_review.domain.account import Actor, Permission, require
from hitl_review.domain.canonical import bytes_digest
from hitl_review.errors import HitlError
from hitl_review.store import audit, checkpoints, copying
from hitl_review.workflow.formats import FORMATS
from hitl_review.workflow.sheets import SHEETS
from hitl_review.workflow.workspace import Workspace

Chosen = TypeVar("Chosen")


class ExportError(HitlError):
    """An export can't be made or written; nothing left the workspace."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What left the workspace: the bytes, how many rows they hold, and the event that tells of it."""

    content: bytes
    rows: int
    digest: str
    event_id: str
    path: Path | None


def export(workspace: Workspace, *, what: str, form: str, out: Path | None, actor: Actor) -> Exported:
    """Export one of the sheets (see `sheets.SHEETS`) as `csv`, `jsonl` or `parquet`, to a new file or as bytes only.

    The file appears whole, readable by its owner only, and after the event is stored: an export that
    the log knows and that did not arrive is harmless, the reverse is not. CSV is defused against
    formulas; JSON lines holds the same rows to the letter.
    """
    require(actor, Permission.EXPORT)
    sheet = _chosen(SHEETS, what, "export")(workspace)
    content = _chosen(FORMATS, form, "write")(sheet)
    digest = bytes_digest(content)
    detail = {"what": what, "format": form, "rows": len(sheet.rows), "digest": digest}
    if out is None:
        event_id = _tell(workspace, detail, actor)
    else:
        with waiting_beside(out, content) as waiting:
            event_id = _tell(workspace, detail, actor)
            put_in_place(waiting, out)
    return Exported(content, len(sheet.rows), digest, event_id, out)


def _chosen(known: Mapping[str, Chosen], name: str, verb: str) -> Chosen:
    if name not in known:
        raise ExportError(f"There is no way to {verb} '{name}'. Choose one of {', '.join(known)}.")
    return known[name]


def _tell(workspace: Workspace, detail: Mapping[str, object], actor: Actor) -> str:
    with workspace.store.transaction(actor):
        checkpoints.ask(workspace.store)
        return audit.append(workspace.store, "data.exported", f"export:{detail['what']}", detail).event_id


@contextmanager
def waiting_beside(out: Path, content: bytes) -> Iterator[Path]:
    """Write the content under another name in the folder of `out`; the name is gone when the block ends."""
    if os.path.lexists(out):
        raise _taken(out)
    waiting = out.with_name(f".{out.name}.{uuid4().hex}.part")
    try:
        descriptor = os.open(waiting, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield waiting
    except OSError as error:
        raise ExportError(f"{out.name} can't be written ({error.strerror}). Name another folder.") from error
    finally:
        waiting.unlink(missing_ok=True)


def put_in_place(waiting: Path, out: Path) -> None:
    """Give a finished file its name; ExportError where another has taken it meanwhile."""
    try:
        copying.put_in_place(waiting, out)
    except FileExistsError as error:
        raise _taken(out) from error


def _taken(out: Path) -> ExportError:
    return ExportError(f"There is a file {out.name or out} already. Name another; an export replaces nothing.")
