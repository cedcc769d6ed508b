"""How fast is an event kept for good, beside the least that SQLite can do; and how fast is a log verified.

    python -m tests.benchmarks.bench_append [--folder DISK] [--appends 300] [--events 100000]

The bare writer stores the same bytes in the same file with `BEGIN IMMEDIATE; INSERT; COMMIT`, in turns
with ours, so both see the same disk. Ours adds the chain, three triggers, two reads and the lock. There are
two bare writers: "bare" has a table without any index, "bare, its table" one with the columns, checks and
UNIQUE indexes that the log's specification asks for. The issue says "of the same bytes on the same file":
a row's entries in two indexes are among the bytes that it leaves in the file, so the second is the line,
and the first shows what the indexes cost. "ours, watched" appends as an opened workspace does: one event in
a hundred is followed by a checkpoint, which is signed, told in the log and synced to a file of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from hitl_review.domain.audit import GENESIS, chain_hash, link_fault
from hitl_review.store import audit, inspection
from hitl_review.store.checkpoints import Checkpointer
from hitl_review.store.connection import DATABASE, Store
from hitl_review.store.schema import log
from hitl_review.workflow.auditing import verify_file
from hitl_review.workflow.workspace import create_workspace
from tests.processes import forked, status_of
from tests.ward import PROJECT

DETAIL = {
    "prediction": "P-0123456789abcdef01234567",
    "model": "sha256:" + "ab" * 32,
    "probability": 0.73,
    "threshold": 0.5,
    "label_shown": "died",
    "label": "alive",
    "outcome": "overridden",
    "reason": "weighs_differently",
    "comment": "Walks the stairs without help, and the creatinine was taken after contrast.",
    "own_probability": 0.35,
    "shown_digest": "sha256:" + "cd" * 32,
    "seconds_active": 12.5,
    "signature": {"name": "Rita Reader", "meaning": "review", "at": "2026-11-22T09:12:03.000001Z"},
}
_BARE = "CREATE TABLE bare (seq INTEGER PRIMARY KEY, event_id TEXT, prev_hash TEXT, payload TEXT, hash TEXT)"
_ALIKE = log.AUDIT_LOG.replace("audit_log", "bare_alike")
Act = Callable[[], object]


def ours(store: Store) -> Act:
    """Return one durable append through our store."""

    def act() -> None:
        with store.transaction():
            audit.append(store, "account.changed", "account:reader-1", DETAIL)

    return act


def bare(path: Path, payload: str, table: str = "bare") -> Act:
    """Return one durable append of the same bytes by the least SQL there is."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    connection.execute("PRAGMA synchronous = FULL")
    insert = f"INSERT INTO {table} (event_id, prev_hash, payload, hash) VALUES (?, ?, ?, ?)"

    def act() -> None:
        connection.execute("BEGIN IMMEDIATE")
        values = (os.urandom(16).hex(), GENESIS, payload, os.urandom(32).hex())
        connection.execute(insert, values)
        connection.execute("COMMIT")

    return act


def timed(act: Act, times: int) -> list[float]:
    """Return the milliseconds of each of some acts."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def line(name: str, taken: list[float], seconds: float) -> str:
    """Return a row of the table."""
    cuts = statistics.quantiles(taken, n=100)
    rate = len(taken) / seconds
    return f"{name:<28}{rate:>9.0f}/s {cuts[49]:>9.2f} {cuts[94]:>9.2f} {max(taken):>9.2f}"


def one_writer(path: Path, appends: int) -> dict[str, list[float]]:
    """Return the milliseconds of ours and of bare appends, taken in turns on one file."""
    with Store(path) as store, Store(path) as watched:
        watched.watch = Checkpointer(path.parent)
        payload = newest_payload(store)
        acts = {
            "ours": ours(store),
            "ours, watched": ours(watched),
            "bare": bare(path, payload),
            "bare, its table": bare(path, payload, "bare_alike"),
        }
        taken: dict[str, list[float]] = {name: [] for name in acts}
        for _ in range(max(appends // 25, 1)):
            for name, act in acts.items():
                taken[name].extend(timed(act, 25))
    return taken


def newest_payload(store: Store) -> str:
    """Return the text of an event like those that are measured."""
    ours(store)()
    return audit.latest(store, limit=1)[0].payload


def many_writers(
    folder: Path, make: Callable[[], Act], writers: int, appends: int
) -> tuple[list[float], float]:
    """Return the milliseconds of the appends of several processes, and the seconds they took together."""

    def work(place: Path) -> None:
        place.write_text(json.dumps(timed(make(), appends)))

    places = [folder / f"times-{writer}.json" for writer in range(writers)]
    began = time.perf_counter()
    children = [forked(lambda place=place: work(place)) for place in places]
    if any(status_of(child) for child in children):
        raise SystemExit("a writer failed")
    seconds = time.perf_counter() - began
    return [taken for place in places for taken in json.loads(place.read_text())], seconds


def fill(path: Path, events: int) -> None:
    """Write a long log that verifies, in one transaction: every event tells as much as a decision."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN")
    newest = "SELECT seq, hash, payload FROM audit_log ORDER BY seq DESC LIMIT 1"
    seq, previous, payload = connection.execute(newest).fetchone()
    encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
    like = {**json.loads(payload), "action": "account.changed", "subject": "account:reader-1", "detail": DETAIL}
    for number in range(seq + 1, seq + 1 + events):
        event_id = f"event-{number:012d}"
        payload = encode({**like, "seq": number, "event_id": event_id})
        link = chain_hash(previous, payload)
        row = (number, event_id, previous, payload, link)
        connection.execute("INSERT INTO audit_log VALUES (?, ?, ?, ?, ?)", row)
        previous = link
    connection.execute("COMMIT")
    connection.close()


def verification(path: Path) -> list[str]:
    """Return how fast the chain alone and the whole file are checked."""
    with inspection.opened(path) as store:
        began, size, head = time.perf_counter(), 0, GENESIS
        for seq, _, prev_hash, payload, event_hash in inspection.raw_events(store):
            if link_fault(size, head, seq, prev_hash, payload, event_hash):
                raise SystemExit("the log does not hold")
            size, head = seq, event_hash
        chain = size / (time.perf_counter() - began)
    began = time.perf_counter()
    found = verify_file(path)
    whole = found.events / (time.perf_counter() - began)
    if not found.ok:
        raise SystemExit(f"the log does not verify: {found.problems[0]}")
    return [f"verify, chain alone {chain:>17.0f} events/s", f"verify, everything {whole:>18.0f} events/s"]


def report_appends(path: Path, appends: int, writers: int) -> None:
    """Print the rows about appending."""
    print(f"{'':<28}{'rate':>11} {'p50 ms':>9} {'p95 ms':>9} {'max ms':>9}")
    found = one_writer(path, appends)
    for name, taken in found.items():
        print(line(f"{name}, 1 writer", taken, sum(taken) / 1000))
    for name in ("ours", "ours, watched"):
        for other in ("bare", "bare, its table"):
            ratio = sum(found[other]) / sum(found[name])
            medians = statistics.median(found[other]) / statistics.median(found[name])
            print(f"{name} : {other}".ljust(36) + f"ratio of rates {ratio:.2f}, of medians {medians:.2f}")
    with Store(path) as store:
        payload = newest_payload(store)
    makers: dict[str, Callable[[], Act]] = {
        "ours": lambda: ours(Store(path)),
        "bare": lambda: bare(path, payload),
    }
    for name, make in makers.items():
        taken, seconds = many_writers(path.parent, make, writers, appends // writers)
        print(line(f"{name}, {writers} writers", taken, seconds))


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--folder", type=Path, help="where to measure: a disk, not memory")
    parser.add_argument("--appends", type=int, default=400)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--events", type=int, default=100_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as scratch:
        path = Path(scratch) / DATABASE
        create_workspace(path.parent, PROJECT, demo=True)
        with Store(path) as store:
            store.db.execute(_BARE)
            store.db.execute(_ALIKE)
        report_appends(path, asked.appends, asked.writers)
        with Store(path) as store:
            store.db.execute("DROP TABLE bare")
            store.db.execute("DROP TABLE bare_alike")
        fill(path, asked.events)
        print("\n".join(verification(path)))


if __name__ == "__main__":
    main()
