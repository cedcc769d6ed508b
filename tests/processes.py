"""Other processes for tests: forked from this one, killed, out of disk, without any privilege, or of other programs."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest


def forked(act: Callable[[], object]) -> int:
    """Run something in a child of its own and return the child's id; it leaves with 0 if nothing was raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of other threads: numeric libraries', idle here
        child = os.fork()
    if child:
        return child
    status = 1
    try:
        act()
        status = 0
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(status)


def status_of(child: int) -> int:
    """Wait for a child and return its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run(act: Callable[[], object]) -> int:
    """Run something in a child of its own and return how it ended."""
    return status_of(forked(act))


def kill(child: int) -> None:
    """End a child as a crash does: at once, without any clean-up."""
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def without_privileges() -> None:
    """Give up what lets root write where it may not; for anybody else there is nothing to give up."""
    if os.geteuid() != 0:
        return
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    nothing = (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capset(ctypes.byref(header), ctypes.byref(nothing)) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def with_little_disk(path: Path, spare_bytes: int) -> None:
    """Let no file of this process grow beyond a file's present size and some bytes."""
    limit = path.stat().st_size + spare_bytes
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


class Interrupted:
    """A connection that does something else just before its n-th statement: raise, or end the process."""

    def __init__(self, connection: object, statement: int, deed: Callable[[], object]) -> None:
        self._connection = connection
        self._left = statement
        self._deed = deed
        self.seen = SimpleNamespace(statements=[])

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    def execute(self, sql: str, *parameters: object) -> object:
        self._count(sql)
        return self._connection.execute(sql, *parameters)  # type: ignore[attr-defined]

    def executemany(self, sql: str, *parameters: object) -> object:
        self._count(sql)
        return self._connection.executemany(sql, *parameters)  # type: ignore[attr-defined]

    def _count(self, sql: str) -> None:
        self.seen.statements.append(sql)
        self._left -= 1
        if self._left == 0:
            self._deed()


def needing(*tools: str) -> None:
    """Go on where these programs are installed; skip the test where they are not, and fail where CI lacks them."""
    lacking = [tool for tool in tools if shutil.which(tool) is None]
    if lacking and os.environ.get("CI") != "true":
        pytest.skip(f"not on this machine: {', '.join(lacking)} (Debian: apt-get install sqlite3 openssl)")
    assert not lacking
