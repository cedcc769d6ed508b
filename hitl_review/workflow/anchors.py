"""The file that a workspace's checkpoints are appended to, held against its log by every check of the workspace.

It is no witness as long as it lies beside the database: whoever changes one can change both. But who forgets
it, or can't reach it because it lies on another disk, is found without anybody else's checkpoint.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from hitl_review.domain.checkpoint import readable_notes
from hitl_review.errors import AuditError
from hitl_review.store.checkpoints import ANCHOR_FILE, anchor_path, may_be_read
from hitl_review.workflow.checkpointing import Held


def anchored(folder: Path) -> list[Held]:
    """Return the checkpoints of a workspace's own file; none where there is no file, or none that can be read.

    A line that a crash cut off in the middle is passed over: what it told is in the log as well. AuditError where
    there is more than can be one.
    """
    path = anchor_path(folder)
    try:
        if path.is_file() and not may_be_read(path):
            raise AuditError(
                f"{path} is too large for a file of checkpoints, so nothing was checked. Move it away, and keep it."
            )
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    except OSError:
        return []
    return [Held(path.name, note, checkpoint) for note, checkpoint in readable_notes(text)]


def is_of_another_log(held: Collection[Held], folder: Path, origin: str) -> bool:
    """Tell whether a workspace's own file, which no other log shares, holds checkpoints of other logs only."""
    own = anchor_path(folder) == folder / ANCHOR_FILE
    return own and bool(held) and all(each.checkpoint.origin != origin for each in held)


def not_in_log(held: Collection[Held], told: Collection[str], origin: str) -> list[Held]:
    """Return those that the log itself does not tell of; another log may use the same file elsewhere."""
    return [each for each in held if each.checkpoint.origin == origin and each.note.body not in told]
