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
PATIENT_SECONDS: Final = 0.25
HASTY_SECONDS: Final = 0.0002
"""How often somebody asks who has waited longer: between two writes of another, the lock is free only for so long."""
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


class WriterLock:
    """The lock of one file, to be taken and given back again and again, by one thread at a time.

    The operating system gives the lock back when its holder dies, so a killed writer blocks nobody.
    """

    def __init__(self, path: Path) -> None:
        self._name = os.fspath(path.absolute())
        self._descriptor = -1
        with _registry_guard:
            self._thread_lock = _thread_locks.setdefault(self._name, threading.Lock())

    def take(self, timeout_seconds: float) -> None:
        """Wait for the lock; raise StoreUnavailable if it stays taken.

        The file is opened anew at every turn, so whoever waits takes the lock of the file that is there now.
        """
        began = time.monotonic()
        deadline, patient_until = began + timeout_seconds, began + PATIENT_SECONDS
        if not self._thread_lock.acquire(timeout=timeout_seconds):
            raise _taken(timeout_seconds)
        try:
            while not self._try():
                if time.monotonic() >= deadline:
                    raise _taken(timeout_seconds)
                time.sleep(POLL_SECONDS if time.monotonic() < patient_until else HASTY_SECONDS)
        except BaseException:
            self._thread_lock.release()
            raise

    def _try(self) -> bool:
        try:
            descriptor = os.open(self._name, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreUnavailable(
                f"The workspace can't be written ({error.strerror}), so nothing was stored. "
                "Make its folder writable."
            ) from error
        if _try_lock(descriptor):
            self._descriptor = descriptor
            return True
        os.close(descriptor)
        return False

    def give_back(self) -> None:
        """Let the next writer in."""
        os.close(self._descriptor)
        self._thread_lock.release()


@contextmanager
def writer_lock(path: Path, *, timeout_seconds: float) -> Iterator[None]:
    """Hold a file's lock while the block runs; raise StoreUnavailable if it stays taken."""
    lock = WriterLock(path)
    lock.take(timeout_seconds)
    try:
        yield
    finally:
        lock.give_back()


def _taken(seconds: float) -> StoreUnavailable:
    return StoreUnavailable(
        f"Another writer held the workspace for {seconds:.0f} s, so nothing was stored. Try again."
    )
