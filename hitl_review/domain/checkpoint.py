"""A checkpoint: the published head of the log, as a C2SP tlog-checkpoint inside a signed note.

Kept where the log's owner can't edit it, it shows what a chain alone can't: that the end was cut off,
or everything rewritten. The root is RFC 6962's over the rows' hashes, so that one event can be shown
to be in the log without the others. Texts and trees only; signatures are made and checked in the store.

    C2SP tlog-checkpoint and signed-note; RFC 6962 section 2.1
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from hitl_review.errors import AuditError

DOMAIN: Final = "hitl-review.example"
_ED25519: Final = b"\x01"
_SIGNATURE: Final = re.compile(r"\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})")
_SIGNATURE_BYTES: Final = 64
_HEAD: Final = re.compile(r"head ([0-9a-f]{64})")
_NOTE: Final = re.compile(r"(?:[^\n]+\n){4}\n(?:\u2014 [^\n]+\n)+")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a log reached at one moment: origin, number of events, tree root, hash of the last event."""

    origin: str
    size: int
    root: bytes
    head: str

    @property
    def name(self) -> str:
        """The name of the log, which is also the name of its key."""
        return f"{DOMAIN}/{self.origin}"

    @property
    def body(self) -> str:
        """The text that is signed."""
        root = base64.b64encode(self.root).decode()
        return f"{self.name}\n{self.size}\n{root}\nhead {self.head}\n"


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A note with its signatures: (key name, key id, signature) of each, in order."""

    body: str
    signatures: tuple[tuple[str, bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Frontier:
    """The roots of the full subtrees of a tree that grows: enough to go on without its leaves.

    `peaks` holds one root per one-bit of `size`, the largest subtree first.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def grown(self, hashes: Iterable[bytes]) -> Frontier:
        """Return the frontier after more leaves; each leaf is a row's 32 raw hash bytes."""
        size, peaks = self.size, list(self.peaks)
        for value in hashes:
            node, below = leaf_hash(value), size
            while below & 1:
                node, below = node_hash(peaks.pop(), node), below >> 1
            peaks.append(node)
            size += 1
        return Frontier(size, tuple(peaks))

    def joined(self, later: Frontier) -> Frontier:
        """Return the frontier of these leaves and those of `later` behind them.

        What stands behind must fit: this size is a multiple of a power of two that `later` does not exceed.
        """
        size, peaks, left = self.size, list(self.peaks), later.size
        for peak in later.peaks:
            width = 1 << left.bit_length() - 1
            node, below = peak, size // width
            while below & 1:
                node, below = node_hash(peaks.pop(), node), below >> 1
            peaks.append(node)
            size, left = size + width, left - width
        return Frontier(size, tuple(peaks))

    @property
    def root(self) -> bytes:
        """The tree's root: the peaks joined from the smallest up; SHA-256 of nothing for no leaves."""
        if not self.peaks:
            return hashlib.sha256(b"").digest()
        node = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            node = node_hash(peak, node)
        return node


def leaf_hash(value: bytes) -> bytes:
    """Return the hash of a leaf; the prefix keeps a leaf from passing as a node."""
    return hashlib.sha256(b"\x00" + value).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node from its two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def inclusion_path(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Return the audit path of one leaf, from the leaf up: what must be joined to reach the root."""
    if not 0 <= index < len(hashes):
        raise AuditError(
            f"There is no event {index + 1} among {len(hashes)}. Ask for one that is in the checkpoint."
        )
    return _path([leaf_hash(value) for value in hashes], index)


def _path(nodes: list[bytes], index: int) -> list[bytes]:
    if len(nodes) == 1:
        return []
    split = 1 << (len(nodes) - 1).bit_length() - 1
    if index < split:
        return [*_path(nodes[:split], index), _root(nodes[split:])]
    return [*_path(nodes[split:], index - split), _root(nodes[:split])]


def _root(nodes: list[bytes]) -> bytes:
    if len(nodes) == 1:
        return nodes[0]
    split = 1 << (len(nodes) - 1).bit_length() - 1
    return node_hash(_root(nodes[:split]), _root(nodes[split:]))


def root_from_path(value: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root that a leaf and its audit path lead to (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        raise AuditError(f"There is no event {index + 1} among {size}. The receipt contradicts itself.")
    node, at, last = leaf_hash(value), index, size - 1
    for step in path:
        if at & 1 or at == last:
            node = node_hash(step, node)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            node = node_hash(node, step)
        at, last = at >> 1, last >> 1
    if last:
        raise AuditError("The receipt's path is too short for the size of its checkpoint.")
    return node


def key_id(name: str, public_key: bytes) -> bytes:
    """Return the four bytes that name an Ed25519 key in a signature line."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:4]


def write_note(body: str, signatures: Sequence[tuple[str, bytes, bytes]]) -> str:
    """Return a signed note: the body, an empty line, and a line for each signature."""
    lines = [
        f"\u2014 {name} {base64.b64encode(short + signature).decode()}\n"
        for name, short, signature in signatures
    ]
    return body + "\n" + "".join(lines)


def read_note(text: str) -> SignedNote:
    """Return a note's body and signatures, or say why the text is no signed note."""
    body, separator, tail = text.rpartition("\n\n")
    lines = tail.removesuffix("\n").split("\n")
    if not separator or not tail or not text.endswith("\n"):
        raise AuditError(
            "This is no signed note: an empty line and a signature line are expected at its end."
        )
    return SignedNote(body + "\n", tuple(_read_signature(line) for line in lines))


def _decoded(text: str) -> bytes:
    """Return the bytes of a base64 text, none if it is not the one way to write them: Python reads others, too."""
    try:
        raw = base64.b64decode(text)
    except ValueError:
        return b""
    return raw if base64.b64encode(raw).decode() == text else b""


def _read_signature(line: str) -> tuple[str, bytes, bytes]:
    found = _SIGNATURE.fullmatch(line)
    raw = _decoded(found.group(2)) if found else b""
    if found is None or len(raw) < 5:
        raise AuditError("A signature line of the note can't be read. Use the file as it was published.")
    return found.group(1), raw[:4], raw[4:]


def read_checkpoint(body: str) -> Checkpoint:
    """Return what a note's body says, or say why it is no checkpoint of this product."""
    lines = body.splitlines()
    name, _, origin = (lines[0] if lines else "").rpartition("/")
    found = _HEAD.fullmatch(lines[3]) if len(lines) == 4 else None
    if name != DOMAIN or not origin or found is None or not re.fullmatch(r"[1-9][0-9]{0,17}", lines[1]):
        raise AuditError("This note is no checkpoint of a hitl-review log. Use the file as it was published.")
    root = _decoded(lines[2])
    if len(root) != 32:
        raise AuditError("The checkpoint's root is not 32 bytes. Use the file as it was published.")
    checkpoint = Checkpoint(origin, int(lines[1]), root, found.group(1))
    if checkpoint.body != body:
        raise AuditError("The checkpoint's lines end otherwise than they are published. Use the file as it was.")
    return checkpoint


def read_notes(text: str) -> list[tuple[SignedNote, Checkpoint]]:
    """Return every checkpoint of a text: one note, or a file to which notes were appended.

    Raises AuditError where something in it is no checkpoint; a text without any gives an empty list.
    """
    return [_read(part) for part in _parts(text)]


def readable_notes(text: str) -> list[tuple[SignedNote, Checkpoint]]:
    """Return the checkpoints of a text that are whole; one that was cut off, by a crash say, is passed over.

    So is whatever stands behind a whole one.
    """
    found = []
    for part in _parts(text):
        whole = _NOTE.match(f"{part}\n")
        with suppress(AuditError):
            note, checkpoint = _read(whole[0] if whole else "")
            if all(len(signature) == _SIGNATURE_BYTES for _, _, signature in note.signatures):
                found.append((note, checkpoint))
    return found


def _parts(text: str) -> list[str]:
    return [part for part in re.split(rf"(?m)^(?={re.escape(DOMAIN)}/)(?<!\u2014 )", text) if part.strip()]


def _read(part: str) -> tuple[SignedNote, Checkpoint]:
    note = read_note(part.rstrip("\n") + "\n")
    return note, read_checkpoint(note.body)
