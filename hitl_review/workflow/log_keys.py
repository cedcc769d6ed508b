"""Which key may sign the log's checkpoints at which size: the one it was opened with, then those named by it.

A change of the key is an event that the old key signed. A key that no other named is not believed,
whoever signs with it.
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hitl_review.domain.checkpoint import Checkpoint, SignedNote, key_id, read_notes
from hitl_review.domain.rotation import read_rotation
from hitl_review.domain.verification import Problem
from hitl_review.errors import AuditError
from hitl_review.store.keys import is_signed_by


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The keys of a log (base64), each with the size from which on it signs."""

    origin: str
    since: tuple[int, ...]
    keys: tuple[str, ...]

    def at(self, size: int) -> str:
        """Return the key in force when the log held so many events."""
        return self.keys[max(bisect_right(self.since, size) - 1, 0)]


def keys_of(
    opening: Mapping[str, Any], rotations: Iterable[tuple[int, str, Mapping[str, Any]]]
) -> tuple[LogKeys, list[Problem]]:
    """Return the keys of a log, and every change of the key that the key before it did not sign.

    `opening` is the detail of the first event; `rotations` are number, previous hash and detail of each
    change, in order. A change that can't be trusted changes nothing.
    """
    origin, problems = str(opening.get("origin", "")), []
    since, keys = [0], [str(opening.get("public_key", ""))]
    for seq, head, detail in rotations:
        try:
            rotation, signature = read_rotation(origin, detail)
        except AuditError as error:
            problems.append(Problem(seq, "key", f"the change of the key can't be trusted: {error}"))
            continue
        if (rotation.size, rotation.head, rotation.old) != (seq - 1, head, keys[-1]):
            words = "the change of the key is not about this place of the log, or not about the key in force"
            problems.append(Problem(seq, "key", words))
        elif not is_signed_by(raw(rotation.old), raw(signature), rotation.statement):
            problems.append(Problem(seq, "key", "the change of the key is not signed with the old key"))
        else:
            since.append(seq)
            keys.append(rotation.new)
    return LogKeys(origin, tuple(since), tuple(keys)), problems


def raw(text: str) -> bytes:
    """Return the bytes of base64, or none where it is no base64: no key and no signature is empty."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def signature_fault(note: SignedNote, checkpoint: Checkpoint, keys: LogKeys) -> str | None:
    """Say why a note is not the word of this log's key in force at its size, or None."""
    if checkpoint.origin != keys.origin:
        return "it belongs to another log"
    key = raw(keys.at(checkpoint.size))
    mine = _signatures(note, checkpoint.name, key)
    if not mine:
        return "it is not signed with the key that this log names"
    if not any(is_signed_by(key, signature, note.body) for signature in mine):
        return "its signature is not that of its text"
    return None


def _signatures(note: SignedNote, name: str, key: bytes) -> list[bytes]:
    short = key_id(name, key)
    return [signature for who, found, signature in note.signatures if (who, found) == (name, short)]


def key_that_signed(detail: Mapping[str, Any], keys: Iterable[str]) -> str:
    """Return the first of some keys whose signature stands under the note of a checkpoint's event, or nothing."""
    try:
        (note, checkpoint) = read_notes(str(detail.get("note")))[0]
    except (AuditError, IndexError):
        return ""
    for key in dict.fromkeys(filter(None, keys)):
        mine = _signatures(note, checkpoint.name, raw(key))
        if any(is_signed_by(raw(key), signature, note.body) for signature in mine):
            return key
    return ""
