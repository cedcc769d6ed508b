"""Which cases wait, in which order, and who holds which now: a table that changes in place.

A hold is a lease with an end, so that two readers are not handed the same case, and a reader who
went home blocks nobody. It is a courtesy, not a lock: a decision never depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hitl_review.domain.audit import stamp
from hitl_review.domain.decision import Answer
from hitl_review.store.cases import UNORDERED
from hitl_review.store.connection import Store

LONGEST_HOLD: Final = timedelta(days=1)
"""No project can ask for a longer lease; one beyond it was given by a clock that was set back since."""
_OVER = "(held_until <= :now OR held_until > :latest)"
_FREE = f"(w.holder IS NULL OR w.holder = :reader OR {_OVER})"
_UNDECIDED = (
    "NOT EXISTS (SELECT 1 FROM decisions d"
    " WHERE d.case_id = w.case_id AND d.reader = :reader AND d.supersedes IS NULL)"
)
_UNREAD = "NOT EXISTS (SELECT 1 FROM reads r WHERE r.case_id = w.case_id AND r.reader = :reader)"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the queue is."""

    open: int
    deferred: int
    decided: int
    passed: int = 0
    """Cases that needed no person, by the routing a steward set."""

    @property
    def total(self) -> int:
        """All cases in the queue that people read."""
        return self.open + self.deferred + self.decided


def next_case(
    store: Store, reader: str, *, now: datetime, after: str | None = None, unread: bool = False
) -> str | None:
    """Return the id of the case that is next for this reader, or None when nothing waits.

    With `after`, the search starts behind that case and wraps around, so that a case can be left
    for later. Deferred cases come when no open one is left, to readers who have not decided them.
    With `unread`, cases that this reader has given an own estimate of are passed over too: without a
    model there is nothing more to do about them.
    """
    names = {"reader": reader, **_moments(now), "after": after}
    wanted = f"{_UNDECIDED} AND {_UNREAD}" if unread else _UNDECIDED
    for state in ("open", "deferred"):
        for place in _places(after):
            row = store.db.execute(
                f"SELECT w.case_id FROM worklist w WHERE w.state = '{state}'"
                f" AND {place} AND {_FREE} AND {wanted} ORDER BY w.priority LIMIT 1",
                names,
            ).fetchone()
            if row is not None:
                return str(row["case_id"])
    return None


def _places(after: str | None) -> tuple[str, ...]:
    if after is None:
        return ("1",)
    behind = "w.priority > coalesce((SELECT priority FROM worklist WHERE case_id = :after), 0)"
    return (behind, f"NOT ({behind}) AND w.case_id <> :after")


def hold(store: Store, case_id: str, reader: str, *, until: datetime) -> None:
    """Let a reader hold a case until a moment; what the reader held before becomes free."""
    store.write(
        "UPDATE worklist SET holder = NULL, held_until = NULL WHERE holder = ? AND case_id <> ?",
        (reader, case_id),
    )
    store.db.conn.execute(
        "UPDATE worklist SET holder = :reader, held_until = :until WHERE case_id = :case AND"
        f" (holder IS NULL OR holder = :reader OR {_OVER})",
        {"reader": reader, "until": stamp(until), "case": case_id, **_moments(store.current().now)},
    )


def holder(store: Store, case_id: str, *, now: datetime) -> str | None:
    """Return the reader who holds a case now, or None."""
    sql = f"SELECT holder FROM worklist WHERE case_id = :case AND NOT {_OVER}"
    row = store.db.execute(sql, {"case": case_id, **_moments(now)}).fetchone()
    return None if row is None else row["holder"]


def _moments(now: datetime) -> dict[str, object]:
    return {"now": stamp(now), "latest": stamp(now + LONGEST_HOLD)}


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
    """Return the ids of the cases that come next."""
    rows = store.rows("SELECT case_id FROM worklist WHERE state = 'open' ORDER BY priority LIMIT ?", (limit,))
    return [row["case_id"] for row in rows]


def progress(store: Store) -> Progress:
    """Return how many cases are open, deferred and decided."""
    counts = {
        row["state"]: row["n"]
        for row in store.rows("SELECT state, count(*) AS n FROM worklist GROUP BY state")
    }
    return Progress(*(counts.get(state, 0) for state in ("open", "deferred", "decided", "passed")))


@dataclass(frozen=True, slots=True)
class Waiting:
    """A case that waits, with what the model in use said of it; None where it was not asked."""

    case_id: str
    position: int
    state: str
    prediction_id: str | None
    probability: float | None


def said_of(judged: Iterable[Waiting]) -> list[float]:
    """Return the probabilities that a model said, one for each case that it judged; others have none."""
    return [each.probability for each in judged if each.probability is not None]


def waiting_with(store: Store, model: str | None) -> list[Waiting]:
    """Return every case that nobody decided, in order of arrival, with what a model says of it."""
    rows = store.rows(
        "SELECT w.case_id, w.position, w.state, p.prediction_id, p.probability FROM worklist w"
        " JOIN cases c USING (case_id) LEFT JOIN predictions p"
        " ON p.case_id = w.case_id AND p.model = ? AND p.snapshot = c.snapshot"
        " WHERE w.state <> 'decided' ORDER BY w.position",
        (model,),
    )
    return [Waiting(*row) for row in rows]


def set_order(store: Store, places: Iterable[tuple[str, str]]) -> None:
    """Put cases into an order: case and route, the first first. All others go back to that of arrival."""
    store.write("UPDATE worklist SET priority = ? + position, route = 'arrival'", (UNORDERED,))
    store.db.conn.executemany(
        "UPDATE worklist SET priority = ?, route = ? WHERE case_id = ?",
        [(number, route, case_id) for number, (case_id, route) in enumerate(places, start=1)],
    )


def order_lines(store: Store) -> list[object]:
    """Return the order as its digest covers it: case, place and route, for every case that has a place."""
    rows = store.rows(
        "SELECT case_id, priority, route FROM worklist WHERE priority <= ? ORDER BY priority", (UNORDERED,)
    )
    return [[row["case_id"], row["priority"], row["route"]] for row in rows]


def has_left_the_order(store: Store, case_id: str) -> bool:
    """Tell whether a case was decided before the present order was made, which knows nothing of it."""
    sql = "SELECT 1 FROM worklist WHERE case_id = ? AND state = 'decided' AND priority > ?"
    return store.row(sql, (case_id, UNORDERED)) is not None


def out_of_order(store: Store) -> int:
    """Return how many cases without a place do not stand in order of arrival; 0 unless somebody moved them."""
    sql = "SELECT count(*) FROM worklist WHERE priority > ?1 AND (priority <> ?1 + position OR route <> 'arrival')"
    return int(store.rows(sql, (UNORDERED,))[0][0])


def set_passed(store: Store, case_ids: Iterable[str]) -> None:
    """Note that cases need no person."""
    store.current()
    store.db.conn.executemany(
        "UPDATE worklist SET state = 'passed' WHERE case_id = ? AND state = 'open'",
        [(case_id,) for case_id in case_ids],
    )


def reopen_passed(store: Store) -> None:
    """Let every case that passed and that nobody decided wait for a person again."""
    store.write("UPDATE worklist SET state = 'open' WHERE state = 'passed'")


def route_of(store: Store, case_id: str) -> str | None:
    """Return why a case stands where it does in the queue, or None if it is in no queue."""
    row = store.row("SELECT route FROM worklist WHERE case_id = ?", (case_id,))
    return None if row is None else str(row["route"])
