"""A whole copy of a live database. Copying the file by hand gives a broken one: part of it is in the WAL."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from hitl_review.errors import WorkspaceError
from hitl_review.store.connection import Store, sqlite3


def copy_into(store: Store, path: Path) -> None:
    """Write all of a database, as it is at one moment, to a new file that only its owner can read.

    When this returns, the copy is on the disk. Raises WorkspaceError when it can't be written.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        store.db.execute("VACUUM INTO ?", (path.absolute().as_uri(),))  # which knows names that are no text, too
        with path.open("r+b") as file:
            os.fsync(file.fileno())
    except (OSError, sqlite3.DatabaseError) as error:
        raise WorkspaceError(
            f"The copy {path.name} could not be written ({error}). "
            "Check free space and the folder's permissions."
        ) from error


def put_in_place(made: Path, place: Path) -> None:
    """Give a finished file its name; unlike a rename, a link never replaces a file that came meanwhile.

    FileExistsError where there is one. On a file system that knows no links it is renamed.
    """
    try:
        os.link(made, place)
    except FileExistsError:
        raise
    except OSError:
        os.replace(made, place)


def sync_folder(folder: Path) -> None:
    """Let the new name outlive a power cut, where the system can be asked to."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
