"""One writer at a time, in turn, and never for longer than asked."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from hitl_review.errors import StoreUnavailable
from hitl_review.store import lock as locks
from hitl_review.store.lock import WriterLock, writer_lock
from tests.processes import forked, kill, status_of


def test_threads_take_turns(tmp_path: Path) -> None:
    """Nobody is inside while another one is."""
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(20):
            with writer_lock(tmp_path / "lock", timeout_seconds=10):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.0005)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 80
    assert max(most) == 1


def test_processes_take_turns(tmp_path: Path) -> None:
    """A counter in a file that each reads, waits and writes comes out right."""
    counter = tmp_path / "counter"
    counter.write_text("0")

    def work() -> None:
        for _ in range(25):
            with writer_lock(tmp_path / "lock", timeout_seconds=10):
                value = int(counter.read_text())
                time.sleep(0.0005)
                counter.write_text(str(value + 1))

    assert [status_of(child) for child in [forked(work) for _ in range(4)]] == [0, 0, 0, 0]
    assert counter.read_text() == "100"


@pytest.mark.parametrize("where", ["same process", "other process"])
def test_a_lock_that_stays_taken_is_given_up_in_time(tmp_path: Path, where: str) -> None:
    """The person is told; nothing waits for ever."""
    path = tmp_path / "lock"
    reading, writing = os.pipe()

    def hold() -> None:
        with writer_lock(path, timeout_seconds=1):
            os.write(writing, b"x")
            time.sleep(30 if where == "other process" else 0.8)

    holder = forked(hold) if where == "other process" else None
    if holder is None:
        threading.Thread(target=hold).start()
    os.read(reading, 1)
    began = time.monotonic()
    with (
        pytest.raises(StoreUnavailable, match="nothing was stored"),
        writer_lock(path, timeout_seconds=0.2),
    ):
        pass
    assert 0.15 < time.monotonic() - began < 0.7
    if holder is not None:
        kill(holder)
    with writer_lock(path, timeout_seconds=5):
        pass


def test_the_lock_is_free_after_an_error(tmp_path: Path) -> None:
    """Whatever was raised inside."""
    with pytest.raises(ValueError, match="inside"), writer_lock(tmp_path / "lock", timeout_seconds=1):
        raise ValueError("inside")
    with writer_lock(tmp_path / "lock", timeout_seconds=0.1):
        pass


def test_who_waits_takes_the_lock_of_the_file_that_is_there_now(tmp_path: Path) -> None:
    """The lock file was replaced while somebody waited: the old one counts for nobody any more."""
    path, other, order = tmp_path / "lock", tmp_path / "other", []
    children = [_holder(path, tmp_path), _holder(other, tmp_path)]

    def wait() -> None:
        with writer_lock(path, timeout_seconds=10):
            order.append("in")

    waiter = threading.Thread(target=wait)
    waiter.start()
    time.sleep(0.05)
    other.replace(path)
    kill(children[0])
    time.sleep(0.05)
    order.append("replaced")
    kill(children[1])
    waiter.join()
    assert order == ["replaced", "in"]


def _holder(path: Path, folder: Path) -> int:
    """Start a process that holds a lock until it is killed."""
    sign = folder / f"{path.name} is held"

    def hold() -> None:
        with writer_lock(path, timeout_seconds=10):
            sign.touch()
            time.sleep(30)

    child = forked(hold)
    while not sign.exists():
        time.sleep(0.005)
    return child


def test_a_folder_that_is_not_there_is_named_as_such(tmp_path: Path) -> None:
    """No traceback for a disk that was pulled out."""
    with (
        pytest.raises(StoreUnavailable, match="nothing was stored"),
        writer_lock(tmp_path / "gone" / "lock", timeout_seconds=1),
    ):
        pass


def test_a_lock_that_is_used_again_is_the_lock_of_the_file_that_is_there_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file stays open between turns; one that was removed meanwhile is found out, if not at once."""
    monkeypatch.setattr(locks, "LOOK_SECONDS", 0.0)
    path = tmp_path / "lock"
    lock = used(path)
    path.unlink()
    lock.take(1)
    with pytest.raises(StoreUnavailable), writer_lock(path, timeout_seconds=0.05):
        pass
    lock.give_back()
    lock.close()


def test_a_lock_that_is_used_again_at_once_asks_the_disk_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is what makes an append as fast as it is."""
    lock = used(tmp_path / "lock")
    for asked in ("open", "fstat"):
        monkeypatch.setattr(os, asked, lambda *_: pytest.fail("the disk was asked"))
    lock.take(1)
    lock.give_back()
    monkeypatch.undo()
    lock.close()


def test_a_fork_does_not_share_the_lock_of_its_parent(tmp_path: Path) -> None:
    """An open file's lock belongs to every process that inherited it: a child has to open its own."""
    path = tmp_path / "lock"
    lock = used(path)
    sign = tmp_path / "the child is in"

    def work() -> None:
        lock.take(1)
        sign.touch()
        time.sleep(30)

    child = forked(work)
    while not sign.exists():
        time.sleep(0.005)
    with pytest.raises(StoreUnavailable):
        lock.take(0.1)
    kill(child)
    lock.take(5)
    lock.give_back()
    lock.close()


@pytest.mark.parametrize("how", ["closed", "forgotten"])
def test_a_lock_that_is_needed_no_more_keeps_no_file_open(tmp_path: Path, how: str) -> None:
    """A server opens a store for every act; whoever forgets to close one does not run out of files."""
    before = open_files()
    lock = used(tmp_path / "lock")
    assert open_files() == before + 1
    if how == "closed":
        lock.close()
        assert open_files() == before
    del lock
    assert open_files() == before


def used(path: Path) -> WriterLock:
    """Return a lock that was taken once and given back."""
    lock = WriterLock(path)
    lock.take(1)
    lock.give_back()
    return lock


def open_files() -> int:
    """Return how many files this process holds open."""
    return len(os.listdir("/dev/fd"))
