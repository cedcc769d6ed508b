"""What lies beside a database: changes that are not in it yet, or those of another file that was in its place."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from hitl_review.errors import WorkspaceError

_READ_HEADER: Final = "import sys; sys.stdout.buffer.write(open(sys.argv[1], 'rb').read(19))"
_LOGGED: Final[set[tuple[int, int]]] = set()
"""Device and number of the files that are known to be written by a write-ahead log; none goes back to a journal."""


def side_files(path: Path) -> list[Path]:
    """Return the files beside a database that hold changes which are not in it yet; SQLite follows a link to it."""
    path = path.resolve()
    sides = [path.with_name(path.name + suffix) for suffix in ("-wal", "-journal")]
    return [side for side in sides if _holds_something(side)]


def _holds_something(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size > 0
    except OSError:
        return False  # whoever used the database last has just taken it away


def check(path: Path) -> None:
    """Raise WorkspaceError where the write-ahead log of another file lies beside a database that never had one.

    So it is when a backup was put in the place of a database that was in use: SQLite would write the one over the
    other. The side file is looked at first, because a database that begins to have one is marked before it does.
    A journal that is no file is refused as well: SQLite would wait for what comes through a pipe.
    """
    journal = path.resolve().with_name(f"{path.resolve().name}-journal")
    if journal.exists() and not journal.is_file():
        raise WorkspaceError(
            f"{journal.name} in {path.parent} is no file, so {path.name} can't be read. Nothing was done; "
            f"move {journal.name} away."
        )
    wal = [side for side in side_files(path) if side.name.endswith("-wal")]
    if wal and _write_version(path) == 1:
        raise WorkspaceError(
            f"{wal[0].name} is left over from another database than the {path.name} in {path.parent}, as when a "
            f"backup was put in its place. Nothing was done; move {wal[0].name} and {path.name}-shm away."
        )


def _write_version(path: Path) -> int:
    """Return how a database says that it is written: 1 by a rollback journal, 2 by a write-ahead log; 0 if not.

    Another process looks, once for each file: whoever closes a database's file gives up every lock that SQLite has on
    it in the same process (sqlite.org, How To Corrupt, 2.2), and the next one to leave takes the write-ahead log away.
    """
    try:
        identity = _identity(path)
    except OSError:
        return 0  # SQLite says in its own words why it can't read it
    if identity not in _LOGGED:
        asked = [sys.executable, "-I", "-S", "-c", _READ_HEADER, str(path)]
        header = subprocess.run(asked, capture_output=True, check=False).stdout
        if not header.startswith(b"SQLite format 3\0") or len(header) != 19:
            return 0
        if header[18] != 2:
            return header[18]
        _LOGGED.add(identity)
    return 2


def note_logged(path: Path) -> None:
    """Keep in mind that a database is written by a write-ahead log; one that was moved away meanwhile is not."""
    with suppress(OSError):
        _LOGGED.add(_identity(path))


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
