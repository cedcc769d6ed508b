"""One writer at a time, across threads and processes.

SQLite's own busy handler sleeps longer and longer, so a waiting writer can starve for seconds
while others come and go. A lock file beside the database, asked for every few milliseconds, and after
a while all the time, lets each writer in within about a second.
"""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hitl_review.errors import StoreUnavailable

POLL_SECONDS: Final = 0.008
PATIENT_SECONDS: Final = 0.8
"""How often a writer asks, and for how long, while others come and go.

Eight writers without a pause can't all be let in at once. If each were let in soon, all would wait long for every
write; so few wait, for a second at most. On a disk that takes 3 ms to sync, 95 of 100 writes are done in 4 ms so.
"""
HASTY_SECONDS: Final = 0.0002
"""How often somebody asks who has waited longer: between two writes of another, the lock is free only for so long."""
LOOK_SECONDS: Final = 1.0
"""For how long a file is taken to be there still; SQLite's own lock holds if it is not, only less fairly."""
_forks: list[int] = []
"""The processes between the first one and this one."""
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

    def _unlock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)

    os.register_at_fork(after_in_child=lambda: _forks.append(os.getpid()))


class WriterLock:
    """The lock of one file, to be taken and given back again and again, by one thread at a time.

    The operating system gives the lock back when its holder dies, so a killed writer blocks nobody. The file stays
    open between turns: to open or to look at it anew for each took longer than all the rest of a turn.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor, self._forks, self._looked = -1, 0, -math.inf
        self._name = os.fspath(path.absolute())
        with _registry_guard:
            self._thread_lock = _thread_locks.setdefault(self._name, threading.Lock())

    def take(self, timeout_seconds: float) -> None:
        """Wait for the lock; raise StoreUnavailable if it stays taken.

        Whoever waits takes the lock of the file that is there now, should it have been removed or replaced.
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
        now = time.monotonic()
        if now - self._looked > LOOK_SECONDS or self._forks != len(_forks):
            self._look(now)
        if _try_lock(self._descriptor):
            return True
        self._looked = -math.inf  # the next try looks again
        return False

    def _look(self, now: float) -> None:
        """Open the file, unless it is open, still there, and was opened by this process: a fork shares its lock."""
        if self._forks != len(_forks) or (self._descriptor >= 0 and not os.fstat(self._descriptor).st_nlink):
            self.close()
        if self._descriptor < 0:
            try:
                self._descriptor = os.open(self._name, os.O_RDWR | os.O_CREAT, 0o600)
            except OSError as error:
                raise StoreUnavailable(
                    f"The workspace can't be written ({error.strerror}), so nothing was stored. "
                    "Make its folder writable."
                ) from error
        self._forks, self._looked = len(_forks), now

    def give_back(self) -> None:
        """Let the next writer in."""
        _unlock(self._descriptor)
        self._thread_lock.release()

    def close(self) -> None:
        """Close the file, which stays open from one turn to the next."""
        descriptor, self._descriptor, self._looked = self._descriptor, -1, -math.inf
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()


@contextmanager
def writer_lock(path: Path, *, timeout_seconds: float) -> Iterator[None]:
    """Hold a file's lock while the block runs; raise StoreUnavailable if it stays taken."""
    lock = WriterLock(path)
    lock.take(timeout_seconds)
    try:
        yield
    finally:
        lock.give_back()
        lock.close()


def _taken(seconds: float) -> StoreUnavailable:
    return StoreUnavailable(
        f"Another writer held the workspace for {seconds:.0f} s, so nothing was stored. Try again."
    )
