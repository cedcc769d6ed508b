"""A receipt for one decision: issued from the log, and checked without it.

Whoever holds one can show, to anybody who trusts a checkpoint or the public key of the log, that this very
decision stood in it. It does not show that the decision was right, or that no later one replaced it.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.domain.audit import Event as LogEvent
from hitl_review.domain.audit import chain_hash, payload_fault
from hitl_review.domain.checkpoint import (
    Checkpoint,
    inclusion_path,
    read_checkpoint,
    read_note,
    root_from_path,
)
from hitl_review.domain.receipt import MOST_BYTES, Receipt, read_receipt, write_receipt
from hitl_review.errors import AuditError, NotFound
from hitl_review.store import audit, checkpoints
from hitl_review.workflow.checkpointing import held_in
from hitl_review.workflow.exporting import put_in_place, waiting_beside
from hitl_review.workflow.log_keys import LogKeys, raw, signature_fault
from hitl_review.workflow.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Checked:
    """What a receipt was found to show: the event, the checkpoint, and what it does not show."""

    told: dict[str, Any]
    checkpoint: Checkpoint
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether it proves what it says, as far as `notes` allow."""
        return not self.problems


def issue_receipt(workspace: Workspace, decision_id: str, *, actor: Actor = SYSTEM) -> str:
    """Return the receipt of a decision, against a checkpoint published for it; that it was issued is an event.

    Raises NotFound where the log has no decision with this id.
    """
    require(actor, Permission.READ_LOG)
    store = workspace.store
    event = audit.find(store, decision_id)
    if event is None or not str(event.told.get("action")).startswith("decision."):
        raise NotFound(
            "There is no decision with this id. "
            "List them with `hitl-review export WORKSPACE --what decisions --format csv`."
        )
    with store.transaction(actor):
        audit.append(store, "receipt.issued", f"decision:{decision_id}", {"seq": event.seq})
        note = checkpoints.publish(store, workspace.folder)
        key = base64.b64encode(checkpoints.key_in_force(store)).decode()
    checkpoints.anchor(store, workspace.folder)
    checkpoint = read_checkpoint(read_note(note).body)
    hashes = [bytes.fromhex(value) for value in audit.hashes(store, upto=checkpoint.size)]
    path = tuple(inclusion_path(hashes, event.seq - 1))
    receipt = Receipt(event.seq, event.prev_hash, event.payload, key, path, note)
    return write_receipt(receipt, _words(event.told, event.seq, checkpoint))


def write_receipt_file(workspace: Workspace, decision_id: str, out: Path, *, actor: Actor = SYSTEM) -> str:
    """Issue a receipt and write it to a new file, readable by its owner only; return its text."""
    with waiting_beside(out, b"") as waiting:
        text = issue_receipt(workspace, decision_id, actor=actor)
        waiting.write_text(text, encoding="utf-8")
        put_in_place(waiting, out)
    return text


def _words(told: dict[str, Any], seq: int, checkpoint: Checkpoint) -> str:
    return (
        f"\nThe decision below was event {seq} of the log {checkpoint.name}\n"
        f"when the log held {checkpoint.size} events. Not one character of it can be another, or the proof fails.\n"
        f"It was recorded at {told['at']} by the server's clock, in the name of {told['actor']}.\n"
        "It does not show that the decision was right, nor that no later one replaced it.\n"
        "Check it with: hitl-review audit check-receipt FILE --checkpoint YOURS (a checkpoint you kept)"
    )


def check_receipt(text: str, *, kept: Path | None = None, public_key: str | None = None) -> Checked:
    """Check a receipt without its log; AuditError where it is no receipt.

    `kept` is a file of checkpoints that somebody kept, `public_key` the log's key (base64, or a PEM text).
    Without either, the receipt is only checked against itself, and the result says so.
    """
    if len(text) > MOST_BYTES:
        raise AuditError(
            "This is no receipt of a hitl-review log: it is too long. Use the file as it was issued."
        )
    receipt = read_receipt(text)
    checkpoint = read_checkpoint(read_note(receipt.note).body)
    event_hash = chain_hash(receipt.prev_hash, receipt.payload)
    event = LogEvent(receipt.seq, "", receipt.prev_hash, receipt.payload, event_hash)
    problems = [*_event_problems(event), *_proof_problems(receipt, checkpoint, event_hash)]
    trust_problems, notes = _trust(receipt, checkpoint, kept, public_key)
    told = event.told if not _event_problems(event) else {}
    if told and not told["action"].startswith("decision."):
        problems.append("the event is no decision, and a receipt is issued for nothing else")
    if told and write_receipt(receipt, _words(told, receipt.seq, checkpoint)).strip() != text.strip():
        problems.append("the sentences around the event are not those that such a receipt was issued with")
    return Checked(told, checkpoint, (*problems, *trust_problems), notes)


def _event_problems(event: LogEvent) -> list[str]:
    try:
        event_id = str(event.told["event_id"])
    except (ValueError, KeyError, TypeError):
        return ["the event can't be read"]
    whole = LogEvent(event.seq, event_id, event.prev_hash, event.payload, event.hash)
    fault = payload_fault(whole)
    return [f"the event can't be trusted: {fault}"] if fault else []


def _proof_problems(receipt: Receipt, checkpoint: Checkpoint, event_hash: str) -> list[str]:
    try:
        root = root_from_path(bytes.fromhex(event_hash), receipt.seq - 1, checkpoint.size, receipt.path)
    except AuditError as error:
        return [str(error)]
    if root != checkpoint.root:
        return ["the event is not in the checkpoint: the proof leads to another root"]
    keys = LogKeys(checkpoint.origin, (0,), (receipt.key,))
    fault = signature_fault(read_note(receipt.note), checkpoint, keys)
    return [f"the checkpoint can't be trusted: {fault.replace('this log', 'the receipt')}"] if fault else []


def _trust(
    receipt: Receipt, checkpoint: Checkpoint, kept: Path | None, public_key: str | None
) -> tuple[list[str], tuple[str, ...]]:
    problems = []
    if public_key is not None and raw_key(public_key) != raw(receipt.key):
        problems.append("the receipt is signed with another key than the one you gave")
    if kept is not None:
        problems += _kept_problems(receipt, checkpoint, kept)
    if kept is None and public_key is None:
        return problems, (
            "that the key is the log's own is not shown: give a checkpoint you kept, or the log's public key",
        )
    return problems, ()


def _kept_problems(receipt: Receipt, checkpoint: Checkpoint, kept: Path) -> list[str]:
    """Say why kept checkpoints do not vouch for a receipt: one must be signed with its key, none contradict it."""
    held = [each for each in held_in([kept]) if each.checkpoint.origin == checkpoint.origin]
    if not held:
        return ["the checkpoints you kept belong to another log"]
    if any(each.checkpoint.size == checkpoint.size and each.checkpoint != checkpoint for each in held):
        return ["the checkpoint you kept contradicts the receipt's: the log was shown in two versions"]
    if any(each.checkpoint == checkpoint for each in held):
        return []
    keys = LogKeys(checkpoint.origin, (0,), (receipt.key,))
    if all(signature_fault(each.note, each.checkpoint, keys) for each in held):
        return [
            "the checkpoints you kept are signed with another key; if the key was changed since, "
            "give one from after the change"
        ]
    return []


def raw_key(text: str) -> bytes:
    """Return the 32 bytes of a public key given as base64 or as PEM; AuditError if it is none."""
    lines = [line for line in text.strip().splitlines() if not line.startswith("-----")]
    found = raw("".join(lines))[-32:]
    if len(found) != 32:
        raise AuditError(
            "This is no Ed25519 public key. Give its 32 bytes in base64, or the PEM file of a bundle."
        )
    return found
