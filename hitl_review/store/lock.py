"""One writer at a time, across threads and processes.

SQLite's own busy handler sleeps longer and longer, so a waiting writer can starve for seconds
while others come and go. A lock file beside the database, polled every few milliseconds, lets
each writer in within a few turns.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hitl_review.errors import StoreUnavailable

POLL_SECONDS: Final = 0.002
_registry_guard = threading.Lock()
_thread_locks: dict[str, threading.Lock] = {}

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@contextmanager
def writer_lock(path: Path, *, timeout_seconds: float) -> Iterator[None]:
    """Hold the lock file while the block runs; raise StoreUnavailable if it stays taken.

    The operating system gives the lock back when its holder dies, so a killed writer blocks nobody.
    """
    deadline = time.monotonic() + timeout_seconds
    thread_lock = _thread_lock(path)
    if not thread_lock.acquire(timeout=timeout_seconds):
        raise _taken(timeout_seconds)
    try:
        with _open_lock_file(path) as descriptor:
            while not _try_lock(descriptor):
                if time.monotonic() >= deadline:
                    raise _taken(timeout_seconds)
                time.sleep(POLL_SECONDS)
            yield
    finally:
        thread_lock.release()


@contextmanager
def _open_lock_file(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreUnavailable(
            f"The workspace can't be written ({error.strerror}), so nothing was stored. "
            "Make its folder writable."
        ) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _thread_lock(path: Path) -> threading.Lock:
    with _registry_guard:
        return _thread_locks.setdefault(os.fspath(path.absolute()), threading.Lock())


def _taken(seconds: float) -> StoreUnavailable:
    return StoreUnavailable(
        f"Another writer held the workspace for {seconds:.0f} s, so nothing was stored. Try again."
    )
