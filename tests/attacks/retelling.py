"""A forger who tells another story: events are changed or added, and every row is written anew from them.

What comes out agrees with itself event by event and row by row, so only what can't have happened gives it away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hitl_review.domain.canonical import bytes_digest, canonical_json, lines_digest
from hitl_review.store import inspection
from hitl_review.store.connection import DATABASE, sqlite3
from hitl_review.workflow.twins import BATCHES, TWINS
from hitl_review.workflow.twins.kinds import Twin
from tests.tampering import payloads_of, rechain, tampered

Payload = dict[str, Any]


@dataclass(slots=True)
class Story:
    """What the events tell, and the columns of which they tell only the digest."""

    connection: sqlite3.Connection
    payloads: list[Payload]
    bodies: dict[str, dict[str, str]] = field(default_factory=dict)
    """By event: the columns of its row that stand in it by their digest."""

    def first(self, action: str, **told: object) -> Payload:
        """Return the first event of an action whose detail tells something."""
        return next(
            each
            for each in self.payloads
            if each["action"] == action and told.items() <= {**each["detail"], **each}.items()
        )

    def last(self, action: str, **told: object) -> Payload:
        """Return the last event of an action whose detail tells something."""
        return [
            each
            for each in self.payloads
            if each["action"] == action and told.items() <= {**each["detail"], **each}.items()
        ][-1]

    def add(self, like: Payload, detail: dict[str, Any] | None = None, **told: object) -> Payload:
        """Tell an event at the end, like another one but for what is given, in a second after the last."""
        at = self.payloads[-1]["at"]
        made = {**like, "event_id": "forged-0001", "at": at, "detail": {**like["detail"], **(detail or {})}}
        if "signature" in made["detail"]:
            made["detail"]["signature"] = {**made["detail"]["signature"], "at": at}
        made |= told
        self.payloads.append(made)
        return made

    def put_behind(self, event: Payload, other: Payload) -> None:
        """Let an event stand right behind another one, at its time."""
        self.payloads.remove(event)
        self.payloads.insert(self.payloads.index(other) + 1, event)
        event["at"] = other["at"]

    def screen(self, case_id: str, prediction: str) -> str:
        """Keep the screen of a case, and return its digest."""
        body = canonical_json({"facts": {"case_id": case_id}, "view": {"prediction_id": prediction}})
        shown = bytes_digest(body.encode())
        self.connection.execute("INSERT OR IGNORE INTO screens VALUES (?, ?)", (shown, body))
        return shown

    def one(self, sql: str, *given: object) -> Any:
        """Return one value of the database."""
        return self.connection.execute(sql, given).fetchone()[0]


@contextmanager
def retold(folder: Path) -> Iterator[Story]:
    """Let a story be changed, and write the log and every row that has an event of its own anew from it."""
    with tampered(folder) as connection:
        story = Story(connection, payloads_of(connection))
        yield story
        rechain(connection, story.payloads)
        for twin in TWINS:
            _write_rows(story, twin)
    _count_batches_anew(folder)


def _write_rows(story: Story, twin: Twin) -> None:
    """Write the rows of a table anew, in the order of the events and as they tell."""
    cursor = story.connection.execute(f"SELECT * FROM {twin.table}")
    names = [column[0] for column in cursor.description]
    before = {row[names.index(twin.key)]: dict(zip(names, row, strict=True)) for row in cursor}
    rows: list[Sequence[object]] = []
    for told in story.payloads:
        if told["action"] not in twin.actions:
            continue
        event = told["event_id"]
        row = {name: value for name, value in twin.row_of(told).items() if name not in twin.digested}
        whole = {**before.get(event, {}), **row, **story.bodies.get(event, {})}
        rows.append([whole[name] for name in names])
    story.connection.execute(f"DELETE FROM {twin.table}")
    marks = ", ".join("?" * len(names))
    story.connection.executemany(f"INSERT INTO {twin.table} VALUES ({marks})", rows)


def _count_batches_anew(folder: Path) -> None:
    """Let the events that tell of many rows at once tell of those that are there now."""
    with inspection.opened(folder / DATABASE) as store:
        found = {
            row["event_id"]: batch.lines(store, row["event_id"])
            for batch in BATCHES
            for row in store.rows(f"SELECT DISTINCT event_id FROM {batch.table}")
        }
    with tampered(folder) as connection:
        payloads = payloads_of(connection)
        for told in payloads:
            if told["event_id"] in found:
                lines = found[told["event_id"]]
                told["detail"] |= {"count": len(lines), "digest": lines_digest(lines)}
        rechain(connection, payloads)
