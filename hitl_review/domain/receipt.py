"""A receipt: one event of the log, with the proof that it is in a signed checkpoint. One text file.

    hitl-review receipt 1
    (what it proves, in words)

    event 17 behind 64 hex digits
    {"action":"decision.accepted", ...}
    key base64 of 32 bytes

    c2sp.org/tlog-proof@v1
    index 16
    base64 of a hash, one a line
    (empty line)
    (the checkpoint, a signed note)

The words are for people and prove nothing; everything below them is checked.

    C2SP tlog-proof; RFC 6962 section 2.1.1
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from hitl_review.errors import AuditError

TITLE: Final = "hitl-review receipt 1"
PROOF: Final = "c2sp.org/tlog-proof@v1"
_EVENT: Final = re.compile(r"event ([1-9][0-9]{0,17}) behind ([0-9a-f]{64})")
_NO_RECEIPT: Final = "This is no receipt of a hitl-review log. Use the file as it was issued."
MOST_BYTES: Final = 2_000_000
"""Longer than any event, with its proof."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """An event, the path from it to the root of a checkpoint, and the checkpoint."""

    seq: int
    prev_hash: str
    payload: str
    key: str
    """The public key (base64) that is said to have signed the checkpoint."""
    path: tuple[bytes, ...]
    note: str

    @property
    def proof(self) -> str:
        """The proof without the event: a C2SP tlog-proof."""
        hashes = "".join(f"{base64.b64encode(each).decode()}\n" for each in self.path)
        return f"{PROOF}\nindex {self.seq - 1}\n{hashes}\n{self.note}"


def write_receipt(receipt: Receipt, words: str) -> str:
    """Return a receipt as text; `words` are lines for people."""
    return (
        f"{TITLE}\n{words}\n\nevent {receipt.seq} behind {receipt.prev_hash}\n{receipt.payload}\n"
        f"key {receipt.key}\n\n{receipt.proof}"
    )


def read_receipt(text: str) -> Receipt:
    """Return what a receipt says, or AuditError if it is none."""
    above, mark, proof = text.rpartition(f"\n\n{PROOF}\n")
    lines = above.split("\n")
    found = _EVENT.fullmatch(lines[-3]) if len(lines) >= 3 else None
    head, _, note = proof.partition("\n\n")
    index, *hashes = head.split("\n")
    if not text.startswith(f"{TITLE}\n") or not mark or found is None or not lines[-1].startswith("key "):
        raise AuditError(_NO_RECEIPT)
    seq = int(found.group(1))
    if index != f"index {seq - 1}":
        raise AuditError("The receipt's proof is about another event than the one it shows.")
    path = tuple(_hash(line) for line in hashes)
    return Receipt(seq, found.group(2), lines[-2], lines[-1].removeprefix("key "), path, note)


def _hash(line: str) -> bytes:
    try:
        raw = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise AuditError(_NO_RECEIPT)
    return raw
