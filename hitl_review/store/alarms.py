"""What the monitor measured, and the alarms it raised and cleared; append-only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hitl_review.domain.audit import moment, stamp
from hitl_review.store.connection import Row, Store


@dataclass(frozen=True, slots=True)
class Monitoring:
    """One look of the monitor: of which model, when, and all that was measured."""

    event_id: str
    model: str
    at: datetime
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Alarm:
    """A lamp that was raised or cleared, with words for a person."""

    event_id: str
    lamp: str
    state: str
    words: str
    model: str
    at: datetime


def add_monitoring(store: Store, model: str, body: str, *, event_id: str) -> None:
    """Keep what was measured."""
    store.insert(
        "INSERT INTO monitorings (event_id, model, body, at) VALUES (?, ?, ?, ?)",
        (event_id, model, body, stamp(store.current().now)),
    )


def latest_monitoring(store: Store) -> Monitoring | None:
    """Return the newest look of the monitor, or None."""
    row = store.row("SELECT * FROM monitorings ORDER BY rowid DESC LIMIT 1")
    if row is None:
        return None
    return Monitoring(row["event_id"], row["model"], moment(row["at"]), json.loads(row["body"]))


def add_alarm(
    store: Store, lamp: str, state: str, *, words: str, model: str, monitoring: str, event_id: str
) -> None:
    """Keep that a lamp was raised or cleared."""
    store.insert(
        "INSERT INTO alarms (event_id, lamp, state, words, model, monitoring, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (event_id, lamp, state, words, model, monitoring, stamp(store.current().now)),
    )


def standing(store: Store) -> dict[str, Alarm]:
    """Return the newest word on every lamp."""
    return {row["lamp"]: _alarm(row) for row in store.rows("SELECT * FROM alarms ORDER BY rowid")}


def recent(store: Store, *, limit: int) -> list[Alarm]:
    """Return the newest alarms first."""
    return [_alarm(row) for row in store.rows("SELECT * FROM alarms ORDER BY rowid DESC LIMIT ?", (limit,))]


def raised_at(store: Store, lamp: str) -> datetime | None:
    """Return since when a lamp has been raised, or None where it is not."""
    found = standing(store).get(lamp)
    return found.at if found is not None and found.state == "raised" else None


def _alarm(row: Row) -> Alarm:
    return Alarm(row["event_id"], row["lamp"], row["state"], row["words"], row["model"], moment(row["at"]))
