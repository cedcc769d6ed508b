"""A long log is walked by several processes, each a stretch at a time and with a view of its own.

    python -m hitl_review.workflow.side_by_side DATABASE

reads a task per line of standard input, `{"after": 0, "upto": 16384, "sizes": [], "key": "..."}`, and answers
each with one line. One of them checks the pages of the file first, which `{}` asks for. A short log is walked here,
without another process. Since nothing in the log may change, the views agree on every event up to the end that was
fixed before they were opened.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final

from hitl_review.domain.checkpoint import Frontier
from hitl_review.domain.verification import Problem
from hitl_review.errors import AuditError, HitlError
from hitl_review.store import inspection
from hitl_review.store.connection import Store, sqlite3
from hitl_review.workflow import own_process
from hitl_review.workflow.file_problems import page_problems
from hitl_review.workflow.stretches import Walked, walk

STRETCH: Final = 16_384
"""Events of one task: a power of two, so that its tree is a subtree of the log's."""
ALONE: Final = 100_000
"""A log of up to so many events is walked by one process."""
MOST_PROCESSES: Final = 4
ENDING_SECONDS: Final = 0.5
"""How long a process that answers with nothing is waited for, to hear why."""
Done = Callable[[int], None]


class Walks:
    """The walk over the whole log, by this process or by several."""

    def __init__(
        self, path: Path, store: Store, end: inspection.End, sizes: Collection[int], done: Done
    ) -> None:
        self._path, self._store, self._end, self._sizes, self._done = path, store, end, sizes, done
        self.of_pages: list[Problem]
        """What is wrong with the pages of the file: there once the walk has ended."""
        self._tasks: SimpleQueue[tuple[int, dict[str, Any]]] = SimpleQueue()
        self._found: dict[int, Walked] = {}
        self._faults: list[str] = []
        self._threads: list[threading.Thread] = []
        self._count: int
        """How many tasks there were, once threads give them to processes."""

    @contextmanager
    def begun(self) -> Iterator[None]:
        """Let other processes walk while the block runs, where the log is long and its numbers are dense."""
        if self._end.count > ALONE and self._end.count == self._end.seq:
            key = _opening_key(inspection.raw_events(self._store, upto=1))
            tasks: list[dict[str, Any]] = [{}]
            for after in range(0, self._end.seq, STRETCH):
                upto = min(after + STRETCH, self._end.seq)
                sizes = [size for size in self._sizes if after < size <= upto]
                tasks.append({"after": after, "upto": upto, "sizes": sizes, "key": key})
            for numbered in enumerate(tasks):
                self._tasks.put(numbered)
            self._count = len(tasks)
            self._threads = [threading.Thread(target=self._serve) for _ in range(_processes())]
            for each in self._threads:
                each.start()
        try:
            yield
        finally:
            while not self._tasks.empty():
                self._tasks.get()
            for each in self._threads:
                each.join()

    def ended(self) -> Walked:
        """Return what the whole log was found to hold."""
        if not self._threads:
            self.of_pages = list(page_problems(self._store))
            return walk(self._store, sizes=self._sizes, done=self._done)
        for each in self._threads:
            each.join()
        if len(self._found) < self._count:
            self._faults.append("a part of the log was not walked")
        if self._faults:
            raise AuditError(
                f"The check of {self._path} could not be finished ({self._faults[0]}). Try again."
            )
        pages, *stretches = (self._found[place] for place in sorted(self._found))
        self.of_pages = pages.chain
        return joined(stretches)

    def _serve(self) -> None:
        """Give one process task after task, until none is left or something went wrong."""
        with suppress(OSError), _process(self._path) as process:
            while not self._faults:
                try:
                    place, task = self._tasks.get_nowait()
                except Empty:
                    return
                self._ask(process, place, task)
                self._done(len(self._found) * STRETCH)

    def _ask(self, process: subprocess.Popen[str], place: int, task: dict[str, Any]) -> None:
        """Let a process do a task, and keep what it found, or why it did not do it."""
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps(task) + "\n")
            process.stdin.flush()
            told = json.loads(process.stdout.readline())
            if "refused" in told:
                self._faults.append(str(told["refused"]))
            else:
                self._found[place] = from_json(told)
        except (OSError, ValueError, LookupError, TypeError):
            self._faults.append(_why_it_ended(process))


def _why_it_ended(process: subprocess.Popen[str]) -> str:
    """Return why a process does not answer. One that maps a file gets a signal where others get an error."""
    with suppress(subprocess.TimeoutExpired):
        if process.wait(ENDING_SECONDS) == -getattr(signal, "SIGBUS", 0):
            return "the file was cut short, or its disk failed, while it was read"
    return "a process that walked the log ended"


def _opening_key(events: Iterator[inspection.RawEvent]) -> str:
    """Return the key that the first of some events tells the log to begin with, or nothing."""
    try:
        return str(json.loads(next(events)[3])["detail"]["public_key"])
    except (StopIteration, ValueError, KeyError, TypeError):
        return ""


def _processes() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    processors = len(affinity(0)) if affinity else os.cpu_count() or 1
    return min(MOST_PROCESSES, processors)


@contextmanager
def _process(path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        own_process.command("hitl_review.workflow.side_by_side", str(path.absolute())),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=own_process.environment(),
        text=True,  # JSON of ASCII letters, the same in every encoding
    )
    try:
        yield process
    finally:
        with process:  # closes its input, at which it ends by itself
            pass


def joined(stretches: list[Walked]) -> Walked:
    """Return what stretches that follow each other hold together."""
    whole = Walked()
    for each in stretches:
        for size, (tree, head) in each.places.items():
            whole.places[size] = (whole.frontier.joined(tree), head)
        whole.frontier = whole.frontier.joined(each.frontier)
        whole.chain += each.chain
        whole.told += each.told
        whole.rows += each.rows
        whole.opened |= each.opened
        whole.unknown += each.unknown
        whole.opening = whole.opening or each.opening
        whole.rotations += each.rotations
        whole.checkpoints += each.checkpoints
        whole.whole = whole.whole and each.whole
        whole.actors = {**each.actors, **whole.actors}
        whole.set_back = whole.set_back or each.set_back
        whole.more += each.more
        whole.jobs += each.jobs
    return whole


def as_json(found: Walked) -> dict[str, Any]:
    """Return what a stretch holds as an object that JSON can carry."""
    return {
        "chain": [[each.seq, each.kind, each.message] for each in found.chain],
        "told": [[each.seq, each.kind, each.message] for each in found.told],
        "rows": found.rows,
        "opened": found.opened,
        "unknown": found.unknown,
        "opening": found.opening,
        "rotations": found.rotations,
        "checkpoints": found.checkpoints,
        "places": [[size, *_tree(tree), head] for size, (tree, head) in found.places.items()],
        "frontier": _tree(found.frontier),
        "whole": found.whole,
        "actors": found.actors,
        "set_back": found.set_back,
        "more": found.more,
        "jobs": found.jobs,
    }


def from_json(told: dict[str, Any]) -> Walked:
    """Return what `as_json` wrote."""
    return Walked(
        [Problem(*each) for each in told["chain"]],
        [Problem(*each) for each in told["told"]],
        Counter(told["rows"]),
        {actor: (case_id, at) for actor, (case_id, at) in told["opened"].items()},
        Counter(told["unknown"]),
        told["opening"],
        [(seq, head, detail) for seq, head, detail in told["rotations"]],
        [(seq, detail, proved) for seq, detail, proved in told["checkpoints"]],
        {size: (_frontier(leaves, peaks), head) for size, leaves, peaks, head in told["places"]},
        _frontier(*told["frontier"]),
        told["whole"],
        told["actors"],
        told["set_back"],
        Counter(told["more"]),
        [(seq, action, job, kind, attempt, at) for seq, action, job, kind, attempt, at in told["jobs"]],
    )


def _tree(frontier: Frontier) -> list[Any]:
    return [frontier.size, [peak.hex() for peak in frontier.peaks]]


def _frontier(size: int, peaks: list[str]) -> Frontier:
    return Frontier(size, tuple(map(bytes.fromhex, peaks)))


def main(path: Path) -> None:
    """Answer task after task until there is none. What is read makes no circles, so nothing is collected."""
    gc.disable()
    try:
        with inspection.opened(path) as store:
            inspection.map_file(store)
            for line in sys.stdin:
                task = json.loads(line)
                found = walk(store, **task) if task else Walked(list(page_problems(store)))
                print(json.dumps(as_json(found)), flush=True)
    except (HitlError, sqlite3.DatabaseError) as error:
        print(json.dumps({"refused": str(error)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
