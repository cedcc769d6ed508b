"""Cases, the snapshots of their values, and their outcomes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final

from hitl_review.domain.audit import canonical_json, moment, stamp
from hitl_review.domain.case import Case, Outcome, Purpose, Snapshot
from hitl_review.errors import NotFound
from hitl_review.store.connection import Row, Store

UNORDERED: Final = 1_000_000_000
"""Cases that no model has judged wait behind those whose place was computed, in order of arrival."""
_CASE = "SELECT c.*, s.body FROM cases c JOIN snapshots s ON s.digest = c.snapshot"


def add(store: Store, cases: Sequence[Case], *, event_id: str) -> None:
    """Keep new cases with their snapshots; those for review join the worklist."""
    store.insert_many(
        "INSERT INTO snapshots (digest, case_id, body) VALUES (?, ?, ?)",
        [(case.snapshot.digest, case.case_id, canonical_json(dict(case.snapshot.values))) for case in cases],
    )
    store.insert_many(
        "INSERT INTO cases (case_id, purpose, position, snapshot, received_at, event_id)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                case.case_id,
                case.purpose.value,
                case.position,
                case.snapshot.digest,
                stamp(case.received_at),
                event_id,
            )
            for case in cases
        ],
    )
    store.insert_many(
        "INSERT INTO worklist (case_id, position, state, priority, route) VALUES (?, ?, 'open', ?, 'arrival')",
        [
            (case.case_id, case.position, UNORDERED + case.position)
            for case in cases
            if case.purpose is Purpose.QUEUE
        ],
    )


def received_line(case_id: str, purpose: str, snapshot: str) -> dict[str, object]:
    """Return how one received case stands in its batch's digest."""
    return {"case": case_id, "purpose": purpose, "snapshot": snapshot}


def received_lines(store: Store, event_id: str) -> list[object]:
    """Return the lines of all cases that came with one event, in order."""
    rows = store.rows(
        "SELECT case_id, purpose, snapshot FROM cases WHERE event_id = ? ORDER BY position", (event_id,)
    )
    return [received_line(*row) for row in rows]


def next_position(store: Store) -> int:
    """Return the place in the order of arrival that the next case will take."""
    row = store.row("SELECT coalesce(max(position), 0) + 1 AS next FROM cases")
    return 1 if row is None else int(row["next"])


def known_ids(store: Store) -> set[str]:
    """Return the ids of all cases that are there already."""
    return {row["case_id"] for row in store.rows("SELECT case_id FROM cases")}


def get(store: Store, case_id: str) -> Case:
    """Return a case; NotFound if there is none with this id."""
    row = store.row(f"{_CASE} WHERE c.case_id = ?", (case_id,))
    if row is None:
        raise NotFound("There is no case with this id in the workspace. Pick one from the queue.")
    return _case(row)


def of_purpose(store: Store, purpose: Purpose) -> list[Case]:
    """Return all cases of one purpose, in order of arrival."""
    return [
        _case(row) for row in store.rows(f"{_CASE} WHERE c.purpose = ? ORDER BY c.position", (purpose.value,))
    ]


def without_prediction(store: Store, model: str, *, after: int, limit: int) -> list[Case]:
    """Return waiting cases behind a position that a model has not judged yet, in order of arrival."""
    rows = store.rows(
        f"{_CASE} JOIN worklist w USING (case_id) WHERE c.purpose = 'queue' AND c.position > ?"
        " AND w.state <> 'decided' AND NOT EXISTS (SELECT 1 FROM predictions p"
        " WHERE p.case_id = c.case_id AND p.model = ? AND p.snapshot = c.snapshot)"
        " ORDER BY c.position LIMIT ?",
        (after, model, limit),
    )
    return [_case(row) for row in rows]


def snapshot(store: Store, digest: str) -> Snapshot:
    """Return a snapshot by its digest."""
    row = store.row("SELECT case_id, body FROM snapshots WHERE digest = ?", (digest,))
    if row is None:
        raise NotFound("The values that this prediction was made from are not in the workspace.")
    return Snapshot(row["case_id"], json.loads(row["body"]), digest)


def add_outcomes(store: Store, outcomes: Iterable[Outcome], *, event_id: str) -> None:
    """Keep outcomes; an earlier outcome of the same case stays, the newest is in force."""
    store.insert_many(
        "INSERT INTO outcomes (case_id, value, source, recorded_at, event_id) VALUES (?, ?, ?, ?, ?)",
        [
            (each.case_id, int(each.value), each.source, stamp(each.recorded_at), event_id)
            for each in outcomes
        ],
    )


def outcome_line(case_id: str, value: bool | int, source: str) -> dict[str, object]:
    """Return how one outcome stands in its batch's digest."""
    return {"case": case_id, "value": int(value), "source": source}


def outcome_lines(store: Store, event_id: str) -> list[object]:
    """Return the lines of all outcomes that came with one event, in order."""
    rows = store.rows(
        "SELECT case_id, value, source FROM outcomes WHERE event_id = ? ORDER BY outcome_id", (event_id,)
    )
    return [outcome_line(*row) for row in rows]


def outcomes(store: Store, purpose: Purpose) -> dict[str, bool]:
    """Return the outcome in force of every case of a purpose that has one."""
    rows = store.rows(
        "SELECT o.case_id, o.value FROM outcomes o JOIN cases c USING (case_id) WHERE c.purpose = ?"
        " ORDER BY o.outcome_id",
        (purpose.value,),
    )
    return {row["case_id"]: bool(row["value"]) for row in rows}


def outcomes_of_case(store: Store, case_id: str) -> list[tuple[Outcome, str]]:
    """Return every outcome of a case, and the event that told of it, oldest first; the last is in force."""
    rows = store.rows("SELECT * FROM outcomes WHERE case_id = ? ORDER BY outcome_id", (case_id,))
    return [
        (Outcome(row["case_id"], bool(row["value"]), row["source"], moment(row["recorded_at"])), row["event_id"])
        for row in rows
    ]


def outcomes_with_ids(store: Store, purpose: Purpose) -> dict[str, tuple[int, bool]]:
    """Return number and value of the outcome in force of every case of a purpose that has one."""
    rows = store.rows(
        "SELECT o.case_id, o.outcome_id, o.value FROM outcomes o JOIN cases c USING (case_id)"
        " WHERE c.purpose = ? ORDER BY o.outcome_id",
        (purpose.value,),
    )
    return {row["case_id"]: (row["outcome_id"], bool(row["value"])) for row in rows}


def ids_of(store: Store, purpose: Purpose) -> set[str]:
    """Return the ids of all cases of a purpose."""
    return {row[0] for row in store.rows("SELECT case_id FROM cases WHERE purpose = ?", (purpose.value,))}


def _case(row: Row) -> Case:
    snapshot = Snapshot(row["case_id"], json.loads(row["body"]), row["snapshot"])
    return Case(
        row["case_id"], Purpose(row["purpose"]), row["position"], moment(row["received_at"]), snapshot
    )
