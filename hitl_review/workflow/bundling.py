"""The log leaves the house as a bundle that verifies without this product: `sqlite3`, `sha256sum`, `openssl`.

Its `VERIFY.md` says how, in commands that the tests run. The bundle holds the log and its checkpoints,
and nothing else of the database: no clinical value, but the comments people wrote.
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.domain.audit import Event
from hitl_review.domain.canonical import canonical_json
from hitl_review.store import audit, checkpoints
from hitl_review.store.connection import Store
from hitl_review.workflow.exporting import put_in_place, waiting_beside
from hitl_review.workflow.workspace import Workspace

GUIDE: Final = Path(__file__).with_name("VERIFY.md")
RECEIPT_GUIDE: Final = Path(__file__).with_name("RECEIPT.md")
_PEM_PREFIX: Final = bytes.fromhex("302a300506032b6570032100")
"""What stands before the 32 raw bytes of an Ed25519 key in a PEM file (RFC 8410)."""
_WHEN: Final = (1980, 1, 1, 0, 0, 0)
"""Files in the bundle carry no time: the same log gives the same bundle."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was written: where, how many events it holds, and the checkpoint that closes it."""

    path: Path
    events: int
    note: str


def export_bundle(workspace: Workspace, out: Path, *, actor: Actor = SYSTEM) -> Bundle:
    """Write the log as a bundle to a new file; that it was exported is an event, and a checkpoint closes it."""
    require(actor, Permission.READ_LOG)
    store = workspace.store
    with waiting_beside(out, b"") as waiting:
        with store.transaction(actor):
            audit.append(store, "audit.exported", "log:bundle", {"format": "bundle"})
            note = checkpoints.publish(store, workspace.folder)
            key, upto = checkpoints.key_in_force(store), checkpoints.size_of(store)
        checkpoints.anchor(store, workspace.folder)
        events = _write(workspace, waiting, note, key, upto)
        put_in_place(waiting, out)
    return Bundle(out, events, note)


def _write(workspace: Workspace, path: Path, note: str, key: bytes, upto: int) -> int:
    """Write the log up to the event that tells of its note: what others add meanwhile is not in the bundle."""
    store = workspace.store
    changes, changed = rotation_files(store, upto=upto)
    texts = {
        "checkpoint.note": note,
        "checkpoints.txt": "".join(f"{each}\n" for each in checkpoints.notes(store, upto=upto)),
        "public_key.pem": public_key_pem(key),
        "VERIFY.md": GUIDE.read_text(encoding="utf-8"),
        "RECEIPT.md": RECEIPT_GUIDE.read_text(encoding="utf-8"),
        **changes,
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        events, log_sum = _write_log(bundle, map(log_line, audit.events(store, upto=upto)))
        sums = {"log.jsonl": log_sum} | {name: _sum(text) for name, text in texts.items()}
        sums |= {name: hashlib.sha256(content).hexdigest() for name, content in changed.items()}
        texts["SHA256SUMS"] = "".join(f"{digest}  {name}\n" for name, digest in sums.items())
        for name, text in texts.items():
            bundle.writestr(_entry(name), text)
        for name, content in changed.items():
            bundle.writestr(_entry(name), content)
    return events


def rotation_files(store: Store, *, upto: int) -> tuple[dict[str, str], dict[str, bytes]]:
    """Return what openssl needs to follow the key from change to change: statements, old keys; signatures."""
    texts: dict[str, str] = {}
    signatures: dict[str, bytes] = {}
    for place, event in enumerate(audit.of_action(store, "key.rotated", upto=upto), start=1):
        detail = event.told["detail"]
        texts[f"rotations/{place:04d}.txt"] = str(detail["statement"])
        texts[f"rotations/{place:04d}.pem"] = public_key_pem(base64.b64decode(detail["old"]))
        signatures[f"rotations/{place:04d}.sig"] = base64.b64decode(detail["signature"])
    return texts, signatures


def log_line(event: Event) -> str:
    """Return an event as one line of JSON: the columns of the table, the payload as the text that was hashed."""
    return canonical_json(
        {
            "seq": event.seq,
            "event_id": event.event_id,
            "prev_hash": event.prev_hash,
            "payload": event.payload,
            "hash": event.hash,
        }
    )


def _write_log(bundle: zipfile.ZipFile, lines: Iterator[str]) -> tuple[int, str]:
    running, count = hashlib.sha256(), 0
    with bundle.open(_entry("log.jsonl"), "w", force_zip64=True) as raw, io.BufferedWriter(raw) as file:
        for line in lines:
            data = (line + "\n").encode()
            running.update(data)
            file.write(data)
            count += 1
    return count, running.hexdigest()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _WHEN)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def public_key_pem(raw: bytes) -> str:
    """Return an Ed25519 public key of 32 raw bytes as openssl reads it."""
    text = base64.b64encode(_PEM_PREFIX + raw).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n"
