"""All that the log tells of one case, found by the rows that name it: complete, however long the log is.

There is no index over the payloads: it would make every append and every verification slower, and a damaged
payload would stop both. The rows of a case are indexed, and each names its event.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
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
    ("disputes", "event_id"),
    ("resolutions", "event_id"),
    ("study_outputs", "event_id"),
    ("study_schedule", "event_id"),
    ("study_reads", "read_id"),
    ("study_showings JOIN study_schedule USING (study_id, item)", "showing_id"),
    ("findings JOIN decisions USING (decision_id)", "finding_id"),
)
"""Tables whose rows name a case, and the column that names the event."""
_IDS: Final = " UNION ".join(f"SELECT {column} FROM {table} WHERE case_id = ?1" for table, column in _TELLING)
_WENT_BACK: Final = '{"action":"clock.regressed",'
"""How the payload of such an event begins: in canonical JSON the action comes first."""
_went_back: dict[str, tuple[int, str, tuple[int, ...]]] = {}
"""By the first event of a log: how far it was looked through, the hash there, and where the clock went back."""


def events_of_case(store: Store, case_id: str) -> list[Event]:
    """Return every event that a row of this case names, oldest first."""
    rows = store.rows(
        f"SELECT seq, event_id, prev_hash, payload, hash FROM audit_log WHERE event_id IN ({_IDS}) ORDER BY seq",
        (case_id,),
    )
    return [Event(row["seq"], row["event_id"], row["prev_hash"], row["payload"], row["hash"]) for row in rows]


def events_about(store: Store, subjects: Sequence[str], *, after: int, limit: int) -> list[Event]:
    """Return the newest events behind a seq that are about one of some subjects, the newest first."""
    marks = ", ".join("?" for _ in subjects)
    rows = store.rows(
        "SELECT seq, event_id, prev_hash, payload, hash FROM audit_log WHERE seq > ?"
        f" AND json_extract(payload, '$.subject') IN ({marks}) ORDER BY seq DESC LIMIT ?",
        (after, *subjects, limit),
    )
    return [Event(*row) for row in rows]


def within(store: Store, since: datetime | None, until: datetime | None, size: int) -> tuple[int, int]:
    """Return the first seq that may lie in a period, and one behind the last; not all between them need lie in it.

    A log is in the order of time but for clocks that went back, so it is halved from each such place to the next:
    a day in front of which a clock stood far ahead is found all the same.
    """
    first, last = size + 1, 1
    for low, high in pairwise((1, *_clocks_went_back(store, size), size + 1)):
        begins = low if since is None else _first_at(store, since, low, high)
        ends = high if until is None else _first_at(store, until, low, high)
        if begins < ends:
            first, last = min(first, begins), max(last, ends)
    return first, last


def _first_at(store: Store, moment: datetime, low: int, high: int) -> int:
    """Return the first seq from `low` on, and before `high`, at or after a moment; `high` if there is none."""
    sought = stamp(moment)
    while low < high:
        middle = (low + high) // 2
        row = store.row("SELECT json_extract(payload, '$.at') AS at FROM audit_log WHERE seq = ?", (middle,))
        if row is not None and str(row["at"]) < sought:
            low = middle + 1
        else:
            high = middle
    return low


def _clocks_went_back(store: Store, size: int) -> tuple[int, ...]:
    """Return where the clock went back; a log that grew is looked through from where the last look ended."""
    ends = {
        row["seq"]: row["hash"]
        for row in store.rows("SELECT seq, hash FROM audit_log WHERE seq IN (1, ?)", (size,))
    }
    known, hash_there, places = _went_back.get(ends.get(1, ""), (0, "", ()))
    there = store.row("SELECT hash FROM audit_log WHERE seq = ?", (known,))
    if there is None or there["hash"] != hash_there or known > size:
        known, places = 0, ()
    rows = store.rows(
        f"SELECT seq FROM audit_log WHERE seq > ? AND seq <= ? AND substr(payload, 1, {len(_WENT_BACK)}) = ?",
        (max(known, 1), size, _WENT_BACK),
    )
    places = (*places, *(row["seq"] for row in rows))
    if size:
        _went_back[ends.get(1, "")] = (size, ends.get(size, ""), places)
    return places


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
