"""Which cases wait, and who holds which now: the one table that changes in place.

A hold is a lease with an end, so that two readers are not handed the same case, and a reader who
went home blocks nobody. It is a courtesy, not a lock: a decision never depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hitl_review.domain.audit import stamp
from hitl_review.domain.decision import Answer
from hitl_review.store.connection import Store

_FREE = "(w.holder IS NULL OR w.holder = :reader OR w.held_until <= :now)"
_UNDECIDED = (
    "NOT EXISTS (SELECT 1 FROM decisions d"
    " WHERE d.case_id = w.case_id AND d.reader = :reader AND d.supersedes IS NULL)"
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the queue is."""

    open: int
    deferred: int
    decided: int

    @property
    def total(self) -> int:
        """All cases in the queue."""
        return self.open + self.deferred + self.decided


def next_case(store: Store, reader: str, *, now: datetime, after: str | None = None) -> str | None:
    """Return the id of the case that waits longest for this reader, or None when nothing waits.

    With `after`, the search starts behind that case and wraps around, so that a case can be left
    for later. Deferred cases come when no open one is left, to readers who have not decided them.
    """
    names = {"reader": reader, "now": stamp(now), "after": after}
    for state in ("open", "deferred"):
        for place in _places(after):
            row = store.db.execute(
                f"SELECT w.case_id FROM worklist w WHERE w.state = '{state}'"
                f" AND {place} AND {_FREE} AND {_UNDECIDED} ORDER BY w.position LIMIT 1",
                names,
            ).fetchone()
            if row is not None:
                return str(row["case_id"])
    return None


def _places(after: str | None) -> tuple[str, ...]:
    if after is None:
        return ("1",)
    behind = "w.position > coalesce((SELECT position FROM worklist WHERE case_id = :after), 0)"
    return (behind, f"NOT ({behind}) AND w.case_id <> :after")


def hold(store: Store, case_id: str, reader: str, *, until: datetime) -> None:
    """Let a reader hold a case until a moment; what the reader held before becomes free."""
    store.write(
        "UPDATE worklist SET holder = NULL, held_until = NULL WHERE holder = ? AND case_id <> ?",
        (reader, case_id),
    )
    store.write(
        "UPDATE worklist SET holder = ?, held_until = ? WHERE case_id = ? AND"
        " (holder IS NULL OR holder = ? OR held_until <= ?)",
        (reader, stamp(until), case_id, reader, stamp(store.current().now)),
    )


def holder(store: Store, case_id: str, *, now: datetime) -> str | None:
    """Return the reader who holds a case now, or None."""
    row = store.row("SELECT holder FROM worklist WHERE case_id = ? AND held_until > ?", (case_id, stamp(now)))
    return None if row is None else row["holder"]


def settle(store: Store, case_id: str, answer: Answer) -> None:
    """Note that a case was answered: decided ones leave the queue, deferred ones go to its end."""
    state = "deferred" if answer is Answer.DEFERRED else "decided"
    store.write(
        "UPDATE worklist SET state = ?, holder = NULL, held_until = NULL WHERE case_id = ?",
        (state, case_id),
    )


def contains(store: Store, case_id: str) -> bool:
    """Tell whether a case is in the queue, whatever its state."""
    return store.row("SELECT 1 FROM worklist WHERE case_id = ?", (case_id,)) is not None


def waiting(store: Store, *, limit: int) -> list[str]:
    """Return the ids of the cases that wait longest."""
    rows = store.rows("SELECT case_id FROM worklist WHERE state = 'open' ORDER BY position LIMIT ?", (limit,))
    return [row["case_id"] for row in rows]


def progress(store: Store) -> Progress:
    """Return how many cases are open, deferred and decided."""
    counts = {
        row["state"]: row["n"]
        for row in store.rows("SELECT state, count(*) AS n FROM worklist GROUP BY state")
    }
    return Progress(counts.get("open", 0), counts.get("deferred", 0), counts.get("decided", 0))
