"""Checkpoints on request, and the check of a log against those an auditor holds."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.domain.checkpoint import Checkpoint, Frontier, SignedNote, read_notes
from hitl_review.domain.verification import Problem
from hitl_review.errors import AuditError, WorkspaceError
from hitl_review.store import audit, checkpoints
from hitl_review.workflow.log_keys import LogKeys, signature_fault
from hitl_review.workflow.workspace import Workspace


def publish_checkpoint(workspace: Workspace, *, actor: Actor = SYSTEM) -> str:
    """Publish a checkpoint now and return the signed note: the auditor's own copy, to be kept elsewhere.

    The program signs and tells of it; who asked for it to take it along is told before, and is under it.
    """
    require(actor, Permission.PUBLISH_CHECKPOINT)
    with workspace.store.transaction(actor):
        if actor != SYSTEM:
            audit.append(workspace.store, "audit.exported", "log:checkpoint", {"format": "checkpoint"})
        note = checkpoints.publish(workspace.store, workspace.folder)
    checkpoints.anchor(workspace.store, workspace.folder)
    return note


def write_checkpoint(workspace: Workspace, out: Path, *, actor: Actor = SYSTEM) -> str:
    """Publish a checkpoint, write the note to a file that must not be there yet, and return it.

    The file is begun first: where it can't be, nothing is published, and WorkspaceError says so.
    """
    try:
        file = out.open("xb")
    except FileExistsError as error:
        raise WorkspaceError(
            f"{out} is there already, so no checkpoint was written. Name another file."
        ) from error
    except OSError as error:
        raise WorkspaceError(
            f"{out} can't be written ({error.strerror}), so no checkpoint was published. Name another file."
        ) from error
    try:
        with file:
            note = publish_checkpoint(workspace, actor=actor)
            file.write(note.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        out.unlink(missing_ok=True)
        raise WorkspaceError(
            f"{out} can't be written ({error.strerror}), so no copy was kept. The checkpoint is in the log and in "
            "the workspace's own file of checkpoints; make room, and ask for another."
        ) from error
    except BaseException:
        out.unlink()
        raise
    return note


@dataclass(frozen=True, slots=True)
class Held:
    """A checkpoint somebody holds: where it came from, the note, and what it says."""

    source: str
    note: SignedNote
    checkpoint: Checkpoint
    proved: str = ""
    """The public key (base64) whose signature was found to hold already, if any."""


def held_in(paths: Iterable[Path]) -> list[Held]:
    """Return the checkpoints of an auditor's files, each one note or many; AuditError if one holds none."""
    found = []
    for path in paths:
        try:
            found += held_in_text(_text_of(path), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise AuditError(
                f"The checkpoint file {path} can't be read ({error}), so nothing was checked."
            ) from error
    return found


def _text_of(path: Path) -> str:
    """Return the text of an auditor's file, which may be a pipe; AuditError where it is longer than can be one."""
    with path.open("rb") as file:
        content = file.read(checkpoints.MOST_BYTES + 1)
    if len(content) > checkpoints.MOST_BYTES:
        raise AuditError(f"The checkpoint file {path} is too large to be one, so nothing was checked. Name another.")
    return content.decode()


def held_in_text(text: str, source: str) -> list[Held]:
    """Return the checkpoints of a text, one note or many; AuditError if it holds none. `source` is its name.

    A mail program or an editor may have given it other line ends, and a mark before the first letter.
    """
    try:
        notes = read_notes(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    except AuditError as error:
        raise AuditError(
            f"The checkpoint file {source} can't be used: {error} Nothing was checked."
        ) from error
    if not notes:
        raise AuditError(
            f"The checkpoint file {source} is empty, so nothing was checked. Name the right one."
        )
    return [Held(source, note, checkpoint) for note, checkpoint in notes]


def held_in_log(told: Iterable[tuple[int, dict[str, Any], str]]) -> Iterator[Held | Problem]:
    """Return the checkpoints that the log itself tells of; a note that can't be read is a problem.

    Each is told by number, detail, and the key whose signature was found to hold, or nothing.
    """
    for seq, detail, proved in told:
        try:
            (note, checkpoint) = read_notes(str(detail.get("note")))[0]
        except (AuditError, IndexError) as error:
            yield Problem(seq, "checkpoint", f"its note can't be read: {error}")
            continue
        if checkpoint.size != seq - 1 or detail.get("size") != checkpoint.size:
            yield Problem(seq, "checkpoint", "its note is not about the event before it")
        yield Held(f"event {seq}", note, checkpoint, proved)


Places = Mapping[int, tuple[bytes, str]]
"""Root and head of the log at some sizes; a size that is not there was never reached."""


def checkpoint_problems(held: Sequence[Held], keys: LogKeys, places: Places) -> Iterator[Problem]:
    """Compare checkpoints with a log: signature, origin, size, root and head; and with each other."""
    for each in held:
        fault = _signature_fault(each, keys) or _place_fault(each.checkpoint, places)
        if fault is not None:
            yield Problem(
                None,
                "checkpoint",
                f"the checkpoint of {each.checkpoint.size} events ({each.source}): {fault}",
            )
    yield from _equivocations(held)


def _signature_fault(held: Held, keys: LogKeys) -> str | None:
    known = held.checkpoint.origin == keys.origin and held.proved == keys.at(held.checkpoint.size)
    return None if known and held.proved else signature_fault(held.note, held.checkpoint, keys)


def places_in(sizes: Collection[int], hashes: Iterable[str]) -> dict[int, tuple[bytes, str]]:
    """Return root and head of the log at each of the sizes it reached, in one pass over its hashes."""
    found: dict[int, tuple[bytes, str]] = {}
    frontier, waiting = Frontier(), []
    for size, value in enumerate(hashes, start=1):
        waiting.append(raw_hash(value))
        if size in sizes:
            frontier, waiting = frontier.grown(waiting), []
            found[size] = (frontier.root, value)
    return found


def raw_hash(value: str) -> bytes:
    """Return the bytes that a row's hash stands for; of a damaged one, the bytes of its text."""
    try:
        return bytes.fromhex(value)
    except (ValueError, TypeError):
        return str(value).encode(errors="surrogateescape")


def _place_fault(checkpoint: Checkpoint, places: Places) -> str | None:
    if checkpoint.size not in places:
        return "the log is shorter now: events were cut off, or an older copy was put back"
    root, head = places[checkpoint.size]
    if (root, head) != (checkpoint.root, checkpoint.head):
        return "the log was written anew: its first events are not the ones that were signed"
    return None


def _equivocations(held: Sequence[Held]) -> Iterator[Problem]:
    seen: dict[tuple[str, int], Held] = {}
    for each in held:
        first = seen.setdefault((each.checkpoint.origin, each.checkpoint.size), each)
        if first.checkpoint != each.checkpoint:
            yield Problem(
                None,
                "checkpoint",
                f"two checkpoints of {each.checkpoint.size} events contradict each other "
                f"({first.source}, {each.source}): the log was shown in two versions",
            )


def named(held: Iterable[Held]) -> tuple[str, ...]:
    """Return checkpoints as lines for a report."""
    return tuple(
        f"{each.checkpoint.size} events, head {each.checkpoint.head} ({each.source})" for each in held
    )
