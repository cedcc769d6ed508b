"""A disk whose power can be cut: what was written and not synced is lost, or survives in pieces.

A VFS of apsw keeps every file in memory, twice: as the programs see it, and as it would be found
after a cut. A sync makes the one the other. `PowerConnection` lets the product's own store run on
it: it looks like a connection of the standard library, and all its settings are those that the
store itself makes. Two things are apsw's: the write-ahead log's index lies in memory, so the lock
is exclusive, and only one connection is open at a time.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import apsw

SECTOR: Final = 512
Machine = Callable[[str | None], "Disk"]
"""Lets the store open its files on a new disk; a control asks for another `synchronous` than the store does."""


class PowerIsOut(Exception):
    """Nothing is written or read any more."""


class DiskFile:
    """One file: what programs see, what is on the platter, and what was written since the last sync."""

    def __init__(self, content: bytes = b"", *, durable: bool = False) -> None:
        self.seen = bytearray(content)
        self.synced = bytes(content) if durable else b""
        self.named = durable
        """Whether the folder's entry would be found after a cut: it is synced with the file's first sync."""
        self.pending: list[tuple[int, bytes] | int] = []
        """Writes (place, bytes) and truncations (size) since the last sync, in order."""

    def after_a_cut(self, torn: random.Random | None) -> bytes | None:
        """Return what would be found: the synced bytes, with `torn` some sectors of what was pending besides."""
        if not self.named:
            return None
        found = bytearray(self.synced)
        for change in self.pending if torn is not None else []:
            if isinstance(change, int):
                if torn.random() < 0.5:
                    _resize(found, change)
                continue
            place, data = change
            for start in range(0, len(data), SECTOR):
                if torn.random() < 0.5:
                    _put(found, place + start, data[start : start + SECTOR])
        return bytes(found)


def _resize(content: bytearray, size: int) -> None:
    del content[size:]
    content.extend(bytes(size - len(content)))


def _put(content: bytearray, place: int, data: bytes) -> None:
    if len(content) < place:
        _resize(content, place)
    content[place : place + len(data)] = data


class Disk(apsw.VFS):
    """A VFS of its own name; its power fails at the `cut_at`-th write, sync, truncation or removal.

    At the `fails_at`-th one it fails once, as a bad sector or a loose cable does, and works on.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, "")
        self.name = name
        self.files: dict[str, DiskFile] = {}
        self.done = 0
        self.cut_at: int | None = None
        self.fails_at: int | None = None

    def load(self, folder: Path) -> None:
        """Take the files of a folder as durable."""
        self.files = {
            str(path): DiskFile(path.read_bytes(), durable=True)
            for path in sorted(folder.iterdir())
            if path.is_file()
        }
        self.done, self.cut_at, self.fails_at = 0, None, None

    def unload(self, before: Path, after: Path, torn: random.Random | None) -> None:
        """Write what would be found after a cut into another folder, under the same names."""
        after.mkdir()
        for name, file in self.files.items():
            found = file.after_a_cut(torn)
            if found is not None:
                (after / Path(name).relative_to(before)).write_bytes(found)

    def tick(self) -> None:
        """Count a change of the disk, or fail where the power is out."""
        self.done += 1
        if self.done == self.fails_at:
            raise apsw.IOError("disk I/O error")
        self.check()

    def check(self) -> None:
        """Fail where the power is out."""
        if self.cut_at is not None and self.done >= self.cut_at:
            raise apsw.IOError("the power is out")

    def xOpen(self, name: Any, flags: list[int]) -> OpenFile:
        self.check()
        path = name if isinstance(name, str) else name.filename()
        flags[1] = flags[0]
        if path not in self.files:
            if not flags[0] & apsw.SQLITE_OPEN_CREATE:
                raise apsw.CantOpenError(path)
            self.files[path] = DiskFile()
        return OpenFile(self, self.files[path])

    def xDelete(self, name: str, sync: bool) -> None:
        self.tick()
        if self.files.pop(name, None) is None:
            raise apsw.IOError("there is no such file")

    def xAccess(self, name: str, flags: int) -> bool:
        return name in self.files

    def xFullPathname(self, name: str) -> str:
        return name


class OpenFile:
    """What SQLite reads and writes; locks are not needed by a single connection."""

    def __init__(self, disk: Disk, file: DiskFile) -> None:
        self._disk = disk
        self._file = file

    def xRead(self, amount: int, offset: int) -> bytes:
        self._disk.check()
        return bytes(self._file.seen[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.tick()
        self._file.pending.append((offset, bytes(data)))
        _put(self._file.seen, offset, data)

    def xTruncate(self, size: int) -> None:
        self._disk.tick()
        self._file.pending.append(size)
        _resize(self._file.seen, size)

    def xSync(self, flags: int) -> None:
        self._disk.tick()
        self._file.synced, self._file.named = bytes(self._file.seen), True
        self._file.pending.clear()

    def xFileSize(self) -> int:
        return len(self._file.seen)

    def xClose(self) -> None:
        pass

    def xLock(self, level: int) -> None:
        pass

    def xUnlock(self, level: int) -> None:
        pass

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, code: int, pointer: int) -> bool:
        return False

    def xSectorSize(self) -> int:
        return SECTOR

    def xDeviceCharacteristics(self) -> int:
        return 0


class PowerRow(tuple[Any, ...]):
    """A row that knows its columns' names, as `sqlite3.Row` does."""

    names: tuple[str, ...]

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(self.names.index(key) if isinstance(key, str) else key)

    def keys(self) -> list[str]:
        """Return the names of the columns."""
        return list(self.names)


class PowerCursor:
    """The part of a cursor that the store uses."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._rows: Iterator[Any] = iter(())
        self.rowcount = -1
        self.description: tuple[object, ...] | None = None
        self.row_factory: object = sqlite3.Row

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> PowerCursor:
        """Run one statement; all rows are read at once."""
        before = self._connection.total_changes()
        with _translated():
            cursor = self._connection.cursor()
            names: list[str] = []
            cursor.exec_trace = lambda traced, *_: (
                names.extend(each[0] for each in traced.description) or True
            )
            found = list(cursor.execute(sql, tuple(parameters)))
        self.description = tuple(names) or None
        self.rowcount = self._connection.total_changes() - before
        self._rows = iter(found if self.row_factory is None else [_row(names, each) for each in found])
        return self

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows


def _row(names: list[str], values: tuple[Any, ...]) -> PowerRow:
    row = PowerRow(values)
    row.names = tuple(names)
    return row


class _translated:
    """Raises an error of apsw as the standard library's of the same kind."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if isinstance(error, apsw.ConstraintError):
            raise sqlite3.IntegrityError(str(error)) from error
        if isinstance(error, apsw.Error):
            raise sqlite3.OperationalError(str(error)) from error


class PowerConnection:
    """The part of a connection that the store uses, on a disk whose power can be cut."""

    def __init__(self, disk: Disk, address: str, *, synchronous: str | None = None) -> None:
        path = unquote(urlsplit(address).path)
        self._connection = apsw.Connection(path, vfs=disk.name)
        self._synchronous = synchronous
        self.isolation_level: str | None = None
        self.row_factory: object = sqlite3.Row
        self.execute("PRAGMA locking_mode = EXCLUSIVE")
        self.execute("PRAGMA wal_autocheckpoint = 30")  # so that cuts fall into checkpoints too

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return bool(self._connection.in_transaction)

    def cursor(self) -> PowerCursor:
        """Return a cursor."""
        return PowerCursor(self._connection)

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> PowerCursor:
        """Run one statement; a control may ask for less durability than the store does."""
        if self._synchronous is not None and sql.startswith("PRAGMA synchronous"):
            sql = f"PRAGMA synchronous = {self._synchronous}"
        return self.cursor().execute(sql, parameters)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> PowerCursor:
        """Run a statement for each row; the count is of all of them."""
        cursor, before = self.cursor(), self._connection.total_changes()
        for row in rows:
            cursor.execute(sql, row)
        cursor.rowcount = self._connection.total_changes() - before
        return cursor

    def close(self) -> None:
        """Let go of the files."""
        with _translated():
            self._connection.close(True)
