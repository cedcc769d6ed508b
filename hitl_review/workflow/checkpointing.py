"""Checkpoints on request, and the check of a log against those an auditor holds."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.domain.checkpoint import Checkpoint, Frontier, SignedNote, key_id, read_notes
from hitl_review.domain.verification import Problem
from hitl_review.errors import AuditError, WorkspaceError
from hitl_review.store import checkpoints
from hitl_review.store.keys import is_signed_by
from hitl_review.workflow.workspace import Workspace


def publish_checkpoint(workspace: Workspace, *, actor: Actor = SYSTEM) -> str:
    """Publish a checkpoint now and return the signed note: the auditor's own copy, to be kept elsewhere."""
    require(actor, Permission.PUBLISH_CHECKPOINT)
    with workspace.store.transaction(actor):
        note = checkpoints.publish(workspace.store, workspace.folder)
    checkpoints.anchor(workspace.store, workspace.folder)
    return note


def write_checkpoint(workspace: Workspace, out: Path, *, actor: Actor = SYSTEM) -> str:
    """Publish a checkpoint, write the note to a file that must not be there yet, and return it."""
    if out.exists():
        raise WorkspaceError(f"{out} is there already, so no checkpoint was written. Name another file.")
    note = publish_checkpoint(workspace, actor=actor)
    out.write_text(note, encoding="utf-8")
    return note


@dataclass(frozen=True, slots=True)
class Held:
    """A checkpoint somebody holds: where it came from, the note, and what it says."""

    source: str
    note: SignedNote
    checkpoint: Checkpoint


def held_in(paths: Iterable[Path]) -> list[Held]:
    """Return the checkpoints of an auditor's files, each one note or many; AuditError if one holds none."""
    found = []
    for path in paths:
        try:
            notes = read_notes(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise AuditError(
                f"The checkpoint file {path} can't be read ({error}), so nothing was checked."
            ) from error
        if not notes:
            raise AuditError(
                f"The checkpoint file {path} is empty, so nothing was checked. Name the right one."
            )
        found += [Held(str(path), note, checkpoint) for note, checkpoint in notes]
    return found


def held_in_log(told: Iterable[tuple[int, dict[str, Any]]]) -> Iterator[Held | Problem]:
    """Return the checkpoints that the log itself tells of; a note that can't be read is a problem."""
    for seq, detail in told:
        try:
            (note, checkpoint) = read_notes(str(detail.get("note")))[0]
        except (AuditError, IndexError) as error:
            yield Problem(seq, "checkpoint", f"its note can't be read: {error}")
            continue
        if checkpoint.size != seq - 1 or detail.get("size") != checkpoint.size:
            yield Problem(seq, "checkpoint", "its note is not about the event before it")
        yield Held(f"event {seq}", note, checkpoint)


def checkpoint_problems(
    held: Sequence[Held], opening: dict[str, Any], hashes: Iterable[str]
) -> Iterator[Problem]:
    """Compare checkpoints with a log: signature, origin, size, root and head; and with each other.

    `opening` is the detail of the log's first event, `hashes` the rows' hashes in order.
    """
    trees = _trees({each.checkpoint.size for each in held}, hashes)
    for each in held:
        fault = _signature_fault(each, opening) or _place_fault(each.checkpoint, trees)
        if fault is not None:
            yield Problem(
                None,
                "checkpoint",
                f"the checkpoint of {each.checkpoint.size} events ({each.source}): {fault}",
            )
    yield from _equivocations(held)


def _trees(sizes: set[int], hashes: Iterable[str]) -> dict[int, tuple[bytes, str]]:
    """Return root and head of the log at each of the sizes it reached, in one pass over its hashes."""
    found: dict[int, tuple[bytes, str]] = {}
    frontier, waiting = Frontier(), []
    for size, value in enumerate(hashes, start=1):
        waiting.append(_raw(value))
        if size in sizes:
            frontier, waiting = frontier.grown(waiting), []
            found[size] = (frontier.root, value)
    return found


def _raw(value: str) -> bytes:
    try:
        return bytes.fromhex(value)
    except ValueError:
        return value.encode(errors="surrogateescape")


def _signature_fault(held: Held, opening: dict[str, Any]) -> str | None:
    if held.checkpoint.origin != opening.get("origin"):
        return "it belongs to another log"
    key = _public_key(opening)
    name = held.checkpoint.name
    mine = [
        signature
        for who, short, signature in held.note.signatures
        if (who, short) == (name, key_id(name, key))
    ]
    if not mine:
        return "it is not signed with the key that this log names"
    if not any(is_signed_by(key, signature, held.note.body) for signature in mine):
        return "its signature is not that of its text"
    return None


def _public_key(opening: dict[str, Any]) -> bytes:
    try:
        return base64.b64decode(str(opening.get("public_key", "")))
    except binascii.Error:
        return b""  # an altered one is no key, and signed nothing


def _place_fault(checkpoint: Checkpoint, trees: dict[int, tuple[bytes, str]]) -> str | None:
    if checkpoint.size not in trees:
        return "the log is shorter now: events were cut off, or an older copy was put back"
    root, head = trees[checkpoint.size]
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
