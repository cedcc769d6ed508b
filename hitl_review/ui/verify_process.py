"""Verifies a workspace in a process of its own, so that nobody who reviews has to wait for it.

    python -m hitl_review.ui.verify_process FOLDER

reads checkpoints from standard input, as one JSON object of texts by name, and tells each step as one line of
JSON: `{"done": 16384, "of": 100000}`, and at the end `{"found": {...}}` or `{"refused": "a sentence"}`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hitl_review.errors import HitlError
from hitl_review.workflow import own_process
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.fault_lines import lines_of


@dataclass(slots=True)
class Check:
    """A verification under way: its process, how far it is, and what it found or why it could not be made."""

    process: subprocess.Popen[str]
    begun: datetime
    share: float = 0.0
    found: dict[str, Any] = field(default_factory=dict)
    refused: str = ""
    ended: threading.Event = field(default_factory=threading.Event)

    def follow(self, lines: Iterable[str]) -> None:
        """Keep what the process tells, until it ends."""
        for line in lines:
            try:
                told = json.loads(line)
                if "done" in told:
                    self.share = min(told["done"] / max(told["of"], 1), 1.0)
                else:
                    self.found, self.refused = told.get("found", {}), str(told.get("refused", ""))
            except (AttributeError, KeyError, TypeError, ValueError):
                continue
        if not self.found and not self.refused:
            self.refused = "The check ended before it was done, so nothing is known. Try again."
        self.process.wait()
        self.ended.set()


def begin(folder: Path, notes: Mapping[str, str]) -> Check:
    """Begin to verify; a thread that touches no page keeps reading what the process tells."""
    process = subprocess.Popen(
        own_process.command("hitl_review.ui.verify_process", str(folder.absolute())),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=own_process.environment(),
        text=True,
        encoding="utf-8",
    )
    assert process.stdin is not None and process.stdout is not None
    with process.stdin as entry:
        json.dump(dict(notes), entry)
    check = Check(process, datetime.now(UTC))
    threading.Thread(target=check.follow, args=(process.stdout,), daemon=True).start()
    return check


def main(folder: Path) -> int:
    """Verify and tell what was found."""
    notes = json.load(sys.stdin)
    try:
        found = verify(folder, notes=notes, progress=lambda done, of: _tell({"done": done, "of": of}))
    except HitlError as refusal:
        _tell({"refused": str(refusal)})
        return 1
    except Exception as fault:  # a fault of ours: what was altered may stand in its words
        print(lines_of(fault), file=sys.stderr)
        return 2
    _tell({"found": found.as_json()})
    return 0


def _tell(line: dict[str, object]) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
