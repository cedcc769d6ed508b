"""How fast is the receipt of one decision checked, beside the one signature that nobody can do without.

    python -m tests.benchmarks.bench_receipt [--events 100000] [--times 500]

The line is 10 ms. The baseline checks the Ed25519 signature of the receipt's checkpoint and nothing else.
The check reads the receipt, hashes the event and its path to the root, holds its payload to the format, and
checks the signature; with a kept checkpoint, it reads that file too. The path grows by one hash when the
log doubles, so the log's length hardly counts.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hitl_review.domain.checkpoint import read_note
from hitl_review.domain.receipt import read_receipt
from hitl_review.store import audit
from hitl_review.workflow.log_keys import raw
from hitl_review.workflow.receipts import check_receipt, issue_receipt
from hitl_review.workflow.workspace import open_workspace
from tests.benchmarks.long_log import make_long


def signature_alone(text: str) -> Callable[[], object]:
    """Return a check of the signature in a receipt, and of nothing else."""
    receipt = read_receipt(text)
    note = read_note(receipt.note)
    key = Ed25519PublicKey.from_public_bytes(raw(receipt.key))
    _, _, signature = note.signatures[0]
    return lambda: key.verify(signature, note.body.encode())


def check(text: str, kept: Path | None) -> Callable[[], object]:
    """Return the whole check of a receipt, which must find nothing wrong."""

    def act() -> None:
        if not check_receipt(text, kept=kept).ok:
            raise SystemExit("the receipt does not hold")

    return act


def line(name: str, act: Callable[[], object], times: int) -> float:
    """Print the milliseconds of an act and return the middle one."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        taken.append((time.perf_counter() - began) * 1000)
    cuts = statistics.quantiles(taken, n=100)
    print(f"{name:<28}{cuts[49]:>9.3f} {cuts[94]:>9.3f} {max(taken):>9.3f}")
    return cuts[49]


def main() -> None:
    """Make a log, issue the receipt of its first decision, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=500)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder, kept = Path(scratch) / "workspace", Path(scratch) / "kept.txt"
        make_long(folder, asked.events)
        with open_workspace(folder) as workspace:
            told = audit.events(workspace.store)
            decision = next(event for event in told if event.told["action"].startswith("decision."))
            text = issue_receipt(workspace, decision.event_id)
        receipt = read_receipt(text)
        kept.write_text(receipt.note, encoding="utf-8")
        print(f"{len(text.encode()):,} bytes, {len(receipt.path)} hashes in the path")
        print(f"{'':<28}{'p50 ms':>9} {'p95 ms':>9} {'max ms':>9}")
        least = line("signature alone", signature_alone(text), asked.times)
        for name, act in (("receipt", check(text, None)), ("receipt, kept checkpoint", check(text, kept))):
            print(f"{'':<28}{line(name, act, asked.times) / least:>9.1f} times the signature alone")


if __name__ == "__main__":
    main()
