"""Forgers who hold the file, and perhaps the key: the whole log is written anew so that everything in it fits."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hitl_review.domain.audit import GENESIS, chain_hash
from hitl_review.domain.canonical import canonical_json
from hitl_review.domain.checkpoint import Checkpoint, Frontier, key_id, write_note
from hitl_review.store.keys import raw_public_key
from tests.tampering import payloads_of, tampered

Payload = dict[str, Any]
Forge = Callable[[list[Payload]], list[Payload]]
OLD_WORDS, NEW_WORDS = "Walks the stairs", "Walks no stairs"


def other_words(payloads: list[Payload]) -> list[Payload]:
    """Change what a reader said, in the event of the decision."""
    for each in payloads:
        comment = each["detail"].get("comment")
        if comment:
            each["detail"]["comment"] = comment.replace(OLD_WORDS, NEW_WORDS)
    return payloads


def signed_note(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """Return a checkpoint as a note, signed with some key under the log's name."""
    short = key_id(checkpoint.name, raw_public_key(key))
    return write_note(checkpoint.body, [(checkpoint.name, short, key.sign(checkpoint.body.encode()))])


def write_anew(folder: Path, forge: Forge, *, key: Ed25519PrivateKey | None = None) -> None:
    """Write the log anew after a change, with the decisions' rows; with a key, the log's checkpoints as well."""
    with tampered(folder) as connection:
        payloads = forge(payloads_of(connection))
        connection.execute("DELETE FROM audit_log")
        previous, tree, origin = GENESIS, Frontier(), str(payloads[0]["detail"]["origin"])
        for seq, told in enumerate(payloads, start=1):
            if told["action"] == "checkpoint.published" and key is not None:
                note = signed_note(Checkpoint(origin, seq - 1, tree.root, previous), key)
                told["detail"] |= {
                    "note": note,
                    "key": base64.b64encode(raw_public_key(key)).decode(),
                    "size": seq - 1,
                    "frontier": [peak.hex() for peak in tree.peaks],
                }
            previous = _insert(connection, seq, told, previous)
            tree = tree.grown([bytes.fromhex(previous)])
        connection.execute("UPDATE decisions SET comment = replace(comment, ?, ?)", (OLD_WORDS, NEW_WORDS))


def _insert(connection: sqlite3.Connection, seq: int, told: Payload, previous: str) -> str:
    payload = canonical_json({**told, "seq": seq})
    link = chain_hash(previous, payload)
    connection.execute(
        "INSERT INTO audit_log VALUES (?, ?, ?, ?, ?)", (seq, told["event_id"], previous, payload, link)
    )
    return link


def with_key(payloads: list[Payload], key: Ed25519PrivateKey) -> list[Payload]:
    """Name another key in the log's first event."""
    payloads[0]["detail"]["public_key"] = base64.b64encode(raw_public_key(key)).decode()
    return payloads
