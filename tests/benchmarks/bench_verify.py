"""How fast is a long log verified: the chain alone, and everything, beside the least that Python can do.

    python -m tests.benchmarks.bench_verify [--events 1000000] [--workspace FOLDER] [--folder DISK]

The baseline reads the same rows and computes the same SHA-256 with nothing else. "Everything" is
`audit verify`: pages, schema, chain, canonical payloads, every row against its event, every checkpoint. With
`--plain`, the log holds events without rows of their own. A million events of the mixed kind take some
minutes to write; `--workspace` measures one that is there (`tests.benchmarks.long_log` makes it).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
import time
from pathlib import Path

from hitl_review.domain.audit import GENESIS, link_fault
from hitl_review.store import inspection
from hitl_review.store.connection import DATABASE
from hitl_review.workflow.auditing import verify_file
from hitl_review.workflow.workspace import create_workspace
from tests.benchmarks.bench_append import fill
from tests.benchmarks.long_log import make_long
from tests.ward import PROJECT


def baseline(path: Path) -> int:
    """Read every row and hash it, with nothing compared."""
    count = 0
    with inspection.opened(path) as store:
        for _, _, prev_hash, payload, _ in inspection.raw_events(store):
            hashlib.sha256(f"{prev_hash}\n{payload}".encode()).hexdigest()
            count += 1
    return count


def chain(path: Path) -> int:
    """Check every link of the chain by the product's own rule."""
    size, head = 0, GENESIS
    with inspection.opened(path) as store:
        for seq, _, prev_hash, payload, event_hash in inspection.raw_events(store):
            if link_fault(size, head, seq, prev_hash, payload, event_hash):
                raise SystemExit("the log does not hold")
            size, head = seq, event_hash
    return size


def everything(path: Path) -> int:
    """Verify as `audit verify` does."""
    found = verify_file(path)
    if not found.ok:
        raise SystemExit(f"the log does not verify: {found.problems[0]}")
    return found.events


def report(path: Path) -> None:
    """Print a row for each way: events, seconds, rate, ratio to the baseline, processor seconds of all processes."""
    print(f"{'':<22}{'events':>11}{'seconds':>9}{'events/s':>11}{'ratio':>8}{'cpu s':>8}")
    slowest = 0.0
    for name, act in (("read and hash", baseline), ("chain", chain), ("everything", everything)):
        began, cpu = time.perf_counter(), _cpu_seconds()
        events = act(path)
        seconds = time.perf_counter() - began
        slowest = slowest or seconds
        used = _cpu_seconds() - cpu
        print(
            f"{name:<22}{events:>11,}{seconds:>9.2f}{events / seconds:>11,.0f}{slowest / seconds:>8.2f}{used:>8.2f}"
        )
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


def _cpu_seconds() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def main() -> None:
    """Make a log if none is named, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--workspace", type=Path, help="one that is there, instead of a new one")
    parser.add_argument("--folder", type=Path, help="where to make it: a disk, not memory")
    parser.add_argument("--plain", action="store_true", help="events without rows of their own")
    asked = parser.parse_args()
    if asked.workspace is not None:
        report(asked.workspace / DATABASE)
        return
    with tempfile.TemporaryDirectory(dir=asked.folder) as scratch:
        made = Path(scratch) / "workspace"
        if asked.plain:
            create_workspace(made, PROJECT, demo=True)
            fill(made / DATABASE, asked.events)
        else:
            make_long(made, asked.events)
        report(made / DATABASE)


if __name__ == "__main__":
    main()
