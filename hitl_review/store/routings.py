"""Which cases people read: what stewards set, and which cases passed without a person."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hitl_review.domain.audit import canonical_json, moment, stamp
from hitl_review.domain.routing import DEFAULT, Routing
from hitl_review.store.connection import Store


@dataclass(frozen=True, slots=True)
class SetRouting:
    """A routing with who set it and when."""

    event_id: str
    routing: Routing
    at: datetime
    by: str


def body_of(routing: Routing) -> str:
    """Return a routing as it is stored."""
    return canonical_json(routing.as_json())


def add(store: Store, routing: Routing, *, event_id: str) -> None:
    """Keep a routing; it is in force from now on."""
    now, by = stamp(store.current().now), store.current().actor.account_id
    store.insert(
        "INSERT INTO routings (event_id, body, at, by) VALUES (?, ?, ?, ?)",
        (event_id, body_of(routing), now, by),
    )


def history(store: Store) -> list[SetRouting]:
    """Return every routing that was set, the oldest first."""
    return [
        SetRouting(row["event_id"], Routing.from_json(json.loads(row["body"])), moment(row["at"]), row["by"])
        for row in store.rows("SELECT * FROM routings ORDER BY rowid")
    ]


def in_force(store: Store) -> Routing:
    """Return the routing in force: the one set last, or the default."""
    found = latest(store)
    return DEFAULT if found is None else found.routing


def latest(store: Store) -> SetRouting | None:
    """Return the routing that was set last, or None."""
    found = history(store)
    return found[-1] if found else None


def in_force_at(found: Sequence[SetRouting], at: datetime) -> Routing:
    """Return the routing that was in force at a moment."""
    before = [each for each in found if each.at <= at]
    return before[-1].routing if before else DEFAULT


@dataclass(frozen=True, slots=True)
class Passed:
    """A case that the model's answer was enough for; if `audited`, a person reads it all the same."""

    case_id: str
    prediction_id: str
    routing: str
    audited: bool
    audit_share: float

    @property
    def line(self) -> dict[str, object]:
        """How it stands in its batch's digest."""
        return {
            "case_id": self.case_id,
            "prediction_id": self.prediction_id,
            "routing": self.routing,
            "audited": int(self.audited),
            "audit_share": self.audit_share,
        }


def add_passes(store: Store, passed: Sequence[Passed], *, event_id: str) -> None:
    """Keep which cases passed."""
    now = stamp(store.current().now)
    store.insert_many(
        "INSERT INTO passes (case_id, prediction_id, routing, audited, audit_share, passed_at, event_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(*each.line.values(), now, event_id) for each in passed],
    )


def passed_lines(store: Store, event_id: str) -> list[object]:
    """Return the lines of all cases that passed with one event, in order, as the table has them."""
    rows = store.rows(
        "SELECT case_id, prediction_id, routing, audited, audit_share FROM passes WHERE event_id = ?"
        " ORDER BY rowid",
        (event_id,),
    )
    return [dict(row) for row in rows]


def passes_of(store: Store, routing: str) -> set[tuple[str, str]]:
    """Return case and prediction of everything that passed under a routing, audited or not."""
    rows = store.rows("SELECT case_id, prediction_id FROM passes WHERE routing = ?", (routing,))
    return {(row[0], row[1]) for row in rows}


def audit_shares(store: Store) -> dict[str, float]:
    """Return the chance with which each audited case was drawn."""
    return {row[0]: row[1] for row in store.rows("SELECT case_id, audit_share FROM passes WHERE audited = 1")}


def count_passed(store: Store) -> tuple[int, int]:
    """Return how many cases passed, and how many of them are read as audits."""
    row = store.rows("SELECT count(*), coalesce(sum(audited), 0) FROM passes")[0]
    return int(row[0]), int(row[1])
