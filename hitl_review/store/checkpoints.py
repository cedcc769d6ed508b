"""Checkpoints are published: signed, told in the log, and appended to a file outside the database.

One is due whenever the log passes a multiple of 100 events, and at moments the steps name. It is
written in the same transaction as the act that made it due; the file follows after the commit, and
what a crash kept out of it comes with the next one.
"""

from __future__ import annotations

import base64
import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hitl_review.domain.account import SYSTEM
from hitl_review.domain.audit import Event
from hitl_review.domain.checkpoint import DOMAIN, Checkpoint, Frontier, key_id, readable_notes, write_note
from hitl_review.errors import AuditError, WorkspaceError
from hitl_review.store import audit
from hitl_review.store.connection import Store, sqlite3
from hitl_review.store.keys import key_for, key_path, next_key_path, raw_public_key

EVERY: Final = 100
"""A checkpoint is due each time the log passes a multiple of this."""
ANCHOR_FILE: Final = "checkpoints.txt"
TAIL_BYTES: Final = 4096
MOST_BYTES: Final = 2**28
"""More than the checkpoints of fifty million events. A file with a hole of a terabyte in it is no file of them."""
_FIRST_LINES: Final = re.compile(rf"(?m)^{re.escape(DOMAIN)}/\S+\n[0-9]+\n")
"""How a note begins. Its last line holds the same name, behind a dash that the end of a file may be cut off from."""
_NEWEST: Final = (
    "SELECT payload FROM audit_log WHERE seq <= ? AND json_extract(payload, '$.action') = 'checkpoint.published'"
    " ORDER BY seq DESC LIMIT 1"
)


class Checkpointer:
    """Watches a store's transactions and publishes a checkpoint when one is due."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._asked = self._published = False

    def ask(self) -> None:
        """Make a checkpoint due at the end of the open transaction: a promotion or an export is in it."""
        self._asked = True

    def begun(self, store: Store) -> None:
        """Forget what was asked for and published before."""
        self._asked = self._published = False

    def before_commit(self, store: Store) -> None:
        """Publish in the same transaction, if one is due.

        A key that is missing does not stop people from deciding; `doctor` and `verify` tell of it.
        """
        first, last = store.added
        if self._asked or last // EVERY > max(first - 1, 0) // EVERY:
            with suppress(WorkspaceError):
                publish(store, self.folder)
                self._published = True

    def after_commit(self, store: Store) -> None:
        """Append to the file what was published."""
        if self._published:
            anchor(store, self.folder)


def ask(store: Store) -> None:
    """Make a checkpoint due at the end of the open transaction, where the store is watched."""
    if isinstance(store.watch, Checkpointer):
        store.watch.ask()


def size_of(store: Store) -> int:
    """Return how many events the log holds."""
    return int(store.rows("SELECT max(seq) FROM audit_log")[0][0] or 0)


def anchor_path(folder: Path) -> Path:
    """Return the file that checkpoints are appended to: beside the database, or where HITL_CHECKPOINTS says."""
    named = os.environ.get("HITL_CHECKPOINTS")
    return Path(named) if named else folder / ANCHOR_FILE


def publish(store: Store, folder: Path, *, next_key: Ed25519PrivateKey | None = None) -> str:
    """Sign the head of the log, tell of it in the log, and return the note. Joins the open transaction.

    `next_key` is the key that follows from here on, where the log has just told that it does.
    Raises WorkspaceError when the signing key can't be used, or is not the one this log names.
    """
    origin, public_key, head = origin_of(store), key_in_force(store), audit.head_to_follow(store)
    key = next_key or key_for(folder, public_key)
    public_key = raw_public_key(key)
    frontier = frontier_at(store, head.size)
    checkpoint = Checkpoint(origin, head.size, frontier.root, head.hash)
    signature = key.sign(checkpoint.body.encode())
    note = write_note(checkpoint.body, [(checkpoint.name, key_id(checkpoint.name, public_key), signature)])
    detail = {
        "note": note,
        "key": base64.b64encode(public_key).decode(),
        "size": frontier.size,
        "frontier": [peak.hex() for peak in frontier.peaks],
    }
    audit.append(store, "checkpoint.published", f"checkpoint:{head.size}", detail, actor=SYSTEM)
    return note


def frontier_at(store: Store, size: int) -> Frontier:
    """Return the tree over the first `size` events, going on from the newest checkpoint before it."""
    row = store.row(_NEWEST, (size,))
    known = Frontier() if row is None else _frontier(json.loads(row["payload"])["detail"])
    rows = store.db.execute(
        "SELECT hash FROM audit_log WHERE seq > ? AND seq <= ? ORDER BY seq", (known.size, size)
    )
    return known.grown(bytes.fromhex(row["hash"]) for row in rows)


def _frontier(detail: dict[str, Any]) -> Frontier:
    return Frontier(int(detail["size"]), tuple(bytes.fromhex(peak) for peak in detail["frontier"]))


def origin_of(store: Store) -> str:
    """Return the random id that this log was opened with."""
    return str(_opening(store)["origin"])


def key_in_force(store: Store) -> bytes:
    """Return the public key that signs now: the one of the newest checkpoint, or the one the log began with."""
    row = store.row(_NEWEST, (size_of(store),))
    try:
        told = {} if row is None else json.loads(row["payload"])["detail"]
        return base64.b64decode(told.get("key") or _opening(store)["public_key"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise AuditError(
            "The log does not tell of its key as it must. Run `hitl-review audit verify`."
        ) from error


def newest_note(store: Store) -> str | None:
    """Return the note that was published last, or None."""
    row = store.row(_NEWEST, (size_of(store),))
    return None if row is None else str(json.loads(row["payload"])["detail"]["note"])


def _opening(store: Store) -> dict[str, Any]:
    first: Event | None = next(audit.events(store), None)
    if first is None:
        raise AuditError("The log is empty, so there is no head to publish. Make the workspace anew.")
    opening: dict[str, Any] = first.told["detail"]
    return opening


def notes(store: Store, *, after: int = 0, upto: int | None = None) -> list[str]:
    """Return the notes published behind a seq, and up to another if there is one, oldest first."""
    rows = store.rows(
        "SELECT json_extract(payload, '$.detail.note') AS note FROM audit_log"
        " WHERE seq > ?1 AND (?2 IS NULL OR seq <= ?2)"
        " AND json_extract(payload, '$.action') = 'checkpoint.published' ORDER BY seq",
        (after, upto),
    )
    return [row["note"] for row in rows]


def anchor(store: Store, folder: Path) -> None:
    """Append to the anchor file every published note that came after its last one. Never rewrites it.

    What a crash cut off in the middle stays there, and the next note begins on a line of its own. A file that
    can't be written stops nobody: the note is in the log, and comes with the next one.
    """
    path = anchor_path(folder)
    try:
        if (path.exists() and not may_be_read(path)) or _is_part(path, store, folder):
            return
        tail, after = _known(path, origin_of(store), size_of(store))
        text = "".join(f"{note}\n" for note in notes(store, after=after) if note not in tail)
        if text:
            with open(path, "ab", opener=_not_for_others) as file:
                file.write((text if not tail or tail.endswith("\n") else f"\n{text}").encode())
                file.flush()
                os.fsync(file.fileno())
    except (OSError, AuditError, sqlite3.Error):
        return


def may_be_read(path: Path) -> bool:
    """Tell whether something can be a file of checkpoints: no pipe, which would be waited for, and not without end."""
    return path.is_file() and path.stat().st_size <= MOST_BYTES


def _is_part(path: Path, store: Store, folder: Path) -> bool:
    """Tell whether the variable names the database, a file beside it or a key, in which a note would do harm.

    The database, opened and closed again, would lose this process's locks besides (sqlite.org, How To Corrupt, 2.2).
    """
    names = [f"{store.path.name}{end}" for end in ("", "-wal", "-shm", "-journal", ".lock")]
    parts = [*(store.path.with_name(name) for name in names), key_path(folder), next_key_path(folder)]
    if path.exists():
        return any(part.exists() and path.samefile(part) for part in parts)
    return os.path.realpath(path) in map(os.path.realpath, parts)


def _not_for_others(path: str, flags: int) -> int:
    """Open a file that nobody but its owner writes, if it is made now: what stands in it can raise an alarm."""
    return os.open(path, flags, 0o644)


def _known(path: Path, origin: str, size: int) -> tuple[str, int]:
    """Return the end of the anchor file, and the size of this log's last whole checkpoint in it that it has reached.

    The file may hold other logs' checkpoints as well, and those of a later copy that an older one took the place of.
    """
    tail = _tail(path)
    if reached := _reached(tail, origin, size):
        return tail, reached
    everything = _read(path, 0)
    return everything, _reached(everything, origin, size)


def _reached(text: str, origin: str, size: int) -> int:
    known = (each.size for _, each in readable_notes(text) if each.origin == origin)
    return max((each for each in known if each <= size), default=0)


def _tail(path: Path) -> str:
    """Return the end of the anchor file, from the beginning of a note on."""
    text = _read(path, TAIL_BYTES)
    start = _FIRST_LINES.search(text)
    return text[start.start() :] if start else ""


def _read(path: Path, last_bytes: int) -> str:
    """Return the end of a file, all of it for 0; nothing where there is no file."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - last_bytes, 0) if last_bytes else 0)
        return file.read().decode(errors="replace")
