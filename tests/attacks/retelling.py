"""A forger who tells another story: events are changed or added, and every row is written anew from them.

What comes out agrees with itself event by event and row by row, so only what can't have happened gives it away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from hitl_review.domain.audit import moment, stamp
from hitl_review.domain.canonical import bytes_digest, canonical_json, lines_digest
from hitl_review.store import inspection
from hitl_review.store.connection import DATABASE, sqlite3
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.twins import BATCHES, TWINS
from hitl_review.workflow.twins.kinds import Twin
from tests.tampering import payloads_of, rechain, tampered

Payload = dict[str, Any]
Found = list[tuple[int | None, str, str]]
"""Number, kind and words of each problem."""


@dataclass(slots=True)
class Story:
    """What the events tell, and the columns of which they tell only the digest."""

    connection: sqlite3.Connection
    payloads: list[Payload]
    behind_a_clock: bool = False
    """Whether what comes too late is told at an earlier time, behind a clock that was set back."""
    bodies: dict[str, dict[str, object]] = field(default_factory=dict)
    """By event: the columns of its row that stand in it by their digest."""
    added: int = 0

    def all(self, action: str, **told: object) -> list[Payload]:
        """Return the events of an action that tell something."""
        return [
            each
            for each in self.payloads
            if each["action"] == action and told.items() <= {**each["detail"], **each}.items()
        ]

    def first(self, action: str, **told: object) -> Payload:
        """Return the first event of an action that tells something."""
        return self.all(action, **told)[0]

    def last(self, action: str, **told: object) -> Payload:
        """Return the last event of an action that tells something."""
        return self.all(action, **told)[-1]

    @property
    def now(self) -> str:
        """The time of the last event."""
        return str(self.payloads[-1]["at"])

    def add(self, like: Payload, detail: dict[str, Any] | None = None, **told: object) -> Payload:
        """Tell an event at the end, at the time of the last, like another one but for what is given."""
        self.added += 1
        made: Payload = {
            **like,
            "event_id": f"forged-{self.added:04}",
            "at": self.now,
            "detail": {**like["detail"], **(detail or {})},
        }
        if made["detail"].get("signature"):
            made["detail"]["signature"] = {**made["detail"]["signature"], "at": self.now}
        made |= told
        if made["subject"].startswith("batch:") and "subject" not in told:
            made["subject"] = f"batch:{made['event_id']}"
        self.payloads.append(made)
        return made

    def place(self, event: Payload) -> int:
        """Return the number of an event."""
        return [each["event_id"] for each in self.payloads].index(event["event_id"]) + 1

    def come_too_late(self, event: Payload, other: Payload) -> None:
        """Let an event stand behind another one: right behind it, or behind a clock that was set back."""
        self.payloads.remove(event)
        if self.behind_a_clock:
            self.set_clock_back()
            event["at"] = self.now
            self.payloads.append(event)
        else:
            self.payloads.insert(self.payloads.index(other) + 1, event)
            event["at"] = other["at"]

    def set_clock_back(self) -> Payload:
        """Tell that the clock went back by an hour; what is added behind it is told at that time."""
        before = self.now
        earlier = stamp(moment(before) - timedelta(hours=1))
        detail = {"previous_at": before, "at": earlier}
        told = {"action": "clock.regressed", "subject": "log:clock", "at": earlier}
        return self.add({**self.payloads[0], "detail": {}}, detail, **told)

    def screen(self, case_id: str, prediction: str) -> str:
        """Keep the screen of a case, and return its digest."""
        body = canonical_json({"facts": {"case_id": case_id}, "view": {"prediction_id": prediction}})
        shown = bytes_digest(body.encode())
        self.connection.execute("INSERT OR IGNORE INTO screens VALUES (?, ?)", (shown, body))
        return shown

    def one(self, sql: str, *given: object) -> Any:
        """Return one value of the database."""
        return self.connection.execute(sql, given).fetchone()[0]

    def write(self, sql: str, *given: object) -> None:
        """Change rows; there have to be some."""
        assert self.connection.execute(sql, given).rowcount > 0, sql

    def copy(self, table: str, where: str, **changed: object) -> None:
        """Add a row like the first one of a table that meets a condition, but for what is given."""
        cursor = self.connection.execute(f"SELECT * FROM {table} WHERE {where} ORDER BY rowid")
        names = [column[0] for column in cursor.description]
        row = {**dict(zip(names, cursor.fetchone(), strict=True)), **changed}
        marks = ", ".join("?" * len(names))
        self.connection.execute(f"INSERT INTO {table} VALUES ({marks})", [row[name] for name in names])


Deed = Callable[[Story], Payload]
"""Does something, and returns the event that is wrong then."""


@contextmanager
def retold(folder: Path, *, behind_a_clock: bool = False) -> Iterator[Story]:
    """Let a story be changed, and write the log and every row that follows from an event anew from it."""
    with tampered(folder) as connection:
        story = Story(connection, payloads_of(connection), behind_a_clock)
        yield story
        rechain(connection, story.payloads)
        for twin in TWINS:
            _write_rows(story, twin)
        for batch in BATCHES:
            for told in story.all(batch.action):
                sql = f"UPDATE {batch.table} SET {batch.time} = ? WHERE event_id = ?"
                connection.execute(sql, (told["at"], told["event_id"]))
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


def found(folder: Path) -> Found:
    """Everything the check finds, but for checkpoints of the log as it was before."""
    return [
        (each.seq, each.kind, each.message) for each in verify(folder).problems if each.kind != "checkpoint"
    ]


def outcome(folder: Path, deed: Deed, *, behind_a_clock: bool = False) -> tuple[int, Found]:
    """Do something; return the number of the event that is wrong then, and what the check finds."""
    with retold(folder, behind_a_clock=behind_a_clock) as story:
        wrong = deed(story)
    return story.place(wrong), found(folder)


def tried(deeds: Iterable[tuple[Deed, str]]) -> list[ParameterSet]:
    """Return deeds with the words that tell of them as what a test is tried with, under the name of the deed."""
    return [pytest.param(deed, words, id=deed.__name__) for deed, words in deeds]
