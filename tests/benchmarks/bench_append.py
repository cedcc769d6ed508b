"""How fast is an event kept for good, beside the least that SQLite can do; and how fast is a log verified.

    python -m tests.benchmarks.bench_append [--folder DISK] [--appends 300] [--events 100000]

The bare writer stores the same bytes in the same file with `BEGIN IMMEDIATE; INSERT; COMMIT`, in turns
with ours, so both see the same disk. Ours adds the chain, three triggers, two reads and the lock.
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
from hitl_review.store.connection import DATABASE, Store, create_store
from hitl_review.workflow.auditing import verify_file
from tests.processes import forked, status_of

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
Act = Callable[[], object]


def ours(store: Store) -> Act:
    """Return one durable append through our store."""

    def act() -> None:
        with store.transaction():
            audit.append(store, "case.opened", "case:C-0042", DETAIL)

    return act


def bare(path: Path, payload: str) -> Act:
    """Return one durable append of the same bytes by the least SQL there is."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    connection.execute("PRAGMA synchronous = FULL")

    def act() -> None:
        connection.execute("BEGIN IMMEDIATE")
        values = (os.urandom(16).hex(), GENESIS, payload, GENESIS)
        connection.execute(
            "INSERT INTO bare (event_id, prev_hash, payload, hash) VALUES (?, ?, ?, ?)", values
        )
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


def one_writer(path: Path, appends: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds of ours and of bare appends, taken in turns on one file."""
    with Store(path) as store:
        mine, theirs = ours(store), bare(path, newest_payload(store))
        taken: tuple[list[float], list[float]] = ([], [])
        for _ in range(max(appends // 25, 1)):
            taken[0].extend(timed(mine, 25))
            taken[1].extend(timed(theirs, 25))
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
    like = {**json.loads(payload), "action": "case.opened", "detail": DETAIL}
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
    mine, theirs = one_writer(path, appends)
    print(line("ours, 1 writer", mine, sum(mine) / 1000))
    print(line("bare, 1 writer", theirs, sum(theirs) / 1000))
    print(f"{'ratio of rates':<28}{sum(theirs) / sum(mine):>9.2f}")
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
        with create_store(path.parent) as store:
            with store.transaction():
                audit.append(store, "log.opened", "log:benchmark", {})
            store.db.execute(_BARE)
            report_appends(path, asked.appends, asked.writers)
            store.db.execute("DROP TABLE bare")
        fill(path, asked.events)
        print("\n".join(verification(path)))


if __name__ == "__main__":
    main()
