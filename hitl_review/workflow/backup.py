"""A consistent copy of a workspace's database that was verified before it is called a backup.

The key that signs checkpoints is not copied: it belongs in other hands than the data. To restore, put
the file into a folder as `review.db`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.errors import AuditError, HitlError, WorkspaceError
from hitl_review.store import audit
from hitl_review.store.connection import Store, open_store
from hitl_review.store.copying import copy_into, put_in_place, sync_folder
from hitl_review.workflow.auditing import verify_file


def backup(workspace_folder: Path, file: Path, *, actor: Actor = SYSTEM) -> Path:
    """Write a verified copy of a workspace's database to a new file and return it; nothing is overwritten.

    The log tells of the backup before it is made, so the copy holds that event as well; where it
    then fails, `backup.failed` follows. Raises WorkspaceError when it can't be written, AuditError when
    the copy does not verify: then the workspace itself should be looked at with `audit verify`.
    """
    require(actor, Permission.BACK_UP)
    _check_place(file)
    with open_store(workspace_folder) as store:
        with store.transaction(actor):
            token = audit.new_token()
            audit.append(store, "backup.made", f"backup:{token}", {}, event_id=token)
        try:
            _copy(store, file, file.with_name(f".{file.name}.{token[:8]}.part"))
        except BaseException:  # whatever it was: the log says that there is a backup
            with suppress(HitlError), store.transaction(actor):
                audit.append(store, "backup.failed", f"backup:{token}", {})
            raise
    return file


def _check_place(file: Path) -> None:
    if os.path.lexists(file):
        raise _taken(file)
    if not file.parent.is_dir():
        raise WorkspaceError(f"There is no folder {file.parent} for the backup. Make it, or name another.")


def _taken(file: Path) -> WorkspaceError:
    return WorkspaceError(f"{file} is there already, and a backup overwrites nothing. Name another file.")


def _copy(store: Store, file: Path, part: Path) -> None:
    try:
        copy_into(store, part)
        found = verify_file(part)
        if not found.ok:
            raise AuditError(
                f"The copy does not verify ({found.problems[0].words}), so it was not kept. "
                "Run `hitl-review audit verify` on the workspace."
            )
        _named(part, file)
    finally:
        for left in (part, part.with_name(f"{part.name}-journal")):
            left.unlink(missing_ok=True)


def _named(part: Path, file: Path) -> None:
    """Give the finished copy its name, for good."""
    try:
        put_in_place(part, file)
    except FileExistsError as error:
        raise _taken(file) from error
    sync_folder(file.parent)
