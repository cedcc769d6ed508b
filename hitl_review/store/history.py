"""All that the log tells of one case, found by the rows that name it: complete, however long the log is.

There is no index over the payloads: it would make every append and every verification slower, and a damaged
payload would stop both. The rows of a case are indexed, and each names its event.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Final

from hitl_review.domain.audit import Event, stamp
from hitl_review.store.connection import Store

_TELLING: Final = (
    ("cases", "event_id"),
    ("outcomes", "event_id"),
    ("predictions", "event_id"),
    ("reads", "read_id"),
    ("reveals", "reveal_id"),
    ("decisions", "decision_id"),
    ("labels", "event_id"),
    ("passes", "event_id"),
)
"""Tables whose rows name a case, and the column that names the event."""
_IDS: Final = " UNION ".join(f"SELECT {column} FROM {table} WHERE case_id = ?1" for table, column in _TELLING)


def events_of_case(store: Store, case_id: str) -> list[Event]:
    """Return every event that a row of this case names, oldest first."""
    rows = store.rows(
        f"SELECT seq, event_id, prev_hash, payload, hash FROM audit_log WHERE event_id IN ({_IDS}) ORDER BY seq",
        (case_id,),
    )
    return [Event(row["seq"], row["event_id"], row["prev_hash"], row["payload"], row["hash"]) for row in rows]


def first_at(store: Store, moment: datetime, size: int) -> int:
    """Return the seq of the first event at or after a moment, by halving; one beyond the end if there is none.

    The log is in the order of time, but for clocks that went back; around such a place the answer may be early.
    """
    low, high, sought = 1, size + 1, stamp(moment)
    while low < high:
        middle = (low + high) // 2
        row = store.row("SELECT json_extract(payload, '$.at') AS at FROM audit_log WHERE seq = ?", (middle,))
        if row is not None and str(row["at"]) < sought:
            low = middle + 1
        else:
            high = middle
    return low


def answers(store: Store) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """Count decisions in force: by reader and answer, and by answer and reason."""
    rows = store.rows(
        "SELECT reader, answer, coalesce(reason, '') AS reason, count(*) AS many FROM decisions WHERE decision_id"
        " NOT IN (SELECT supersedes FROM decisions WHERE supersedes IS NOT NULL) GROUP BY 1, 2, 3"
    )
    by_reader: Counter[tuple[str, str]] = Counter()
    by_reason: Counter[tuple[str, str]] = Counter()
    for row in rows:
        by_reader[row["reader"], row["answer"]] += row["many"]
        if row["reason"]:
            by_reason[row["answer"], row["reason"]] += row["many"]
    return by_reader, by_reason
