"""What a check of the log found: the verdict, every problem, and what the check can't tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TRUNCATION: Final = "truncation or rewriting after the last checkpoint you hold cannot be excluded"
"""What no look at the file alone can tell: a log cut short, or written anew from some event on, fits."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it must be, at the event `seq`, or None where it is about no single one.

    `kind` is one of: schema, integrity, foreign_key, unreadable, chain, payload, clock, row_missing,
    row_differs, event_missing, order, digest, worklist, checkpoint, key, authority, impossible.
    """

    seq: int | None
    kind: str
    message: str

    @property
    def words(self) -> str:
        """The problem on one line."""
        return self.message if self.seq is None else f"event {self.seq}: {self.message}"


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of checking a workspace's log against itself and against every row it tells of."""

    events: int
    head: str
    """The hash of the last event; compare it with a checkpoint that was kept elsewhere."""
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]
    checkpoints: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing wrong was found; read `warnings` for what this can't mean."""
        return not self.problems

    @property
    def first_bad_seq(self) -> int | None:
        """The first event that something is wrong with, or None."""
        return min((problem.seq for problem in self.problems if problem.seq is not None), default=None)

    def as_json(self) -> dict[str, object]:
        """Return the result as the one object that `audit verify --json` prints."""
        return {
            "ok": self.ok,
            "events": self.events,
            "head": self.head,
            "first_bad_seq": self.first_bad_seq,
            "problems": [
                {"seq": problem.seq, "kind": problem.kind, "message": problem.message}
                for problem in self.problems
            ],
            "checkpoints": list(self.checkpoints),
            "warnings": list(self.warnings),
        }

    def as_lines(self) -> list[str]:
        """Return the result as a person reads it."""
        count = "1 problem was" if len(self.problems) == 1 else f"{len(self.problems)} problems were"
        verdict = "Nothing wrong was found" if self.ok else f"{count} found"
        first = "" if self.first_bad_seq is None else f"; the first event concerned is {self.first_bad_seq}"
        return [
            f"{verdict} in {self.events:,} events{first}.",
            f"Head of the log: {self.head}",
            *(f"Problem ({problem.kind}): {problem.words}" for problem in self.problems),
            *(f"Note: {warning}." for warning in self.warnings),
        ]
