"""A workspace with a row in every table, and what somebody who holds the file can do to a row or a value.

Tables and columns are read from the file itself, so a new one is tried without anybody thinking of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from hitl_review.domain.account import SYSTEM
from hitl_review.errors import SignInRefused
from hitl_review.store import models
from hitl_review.store.connection import DATABASE
from hitl_review.store.jobs import JobKind
from hitl_review.workflow import jobs
from hitl_review.workflow.accounts import set_password
from hitl_review.workflow.signing_in import sign_in, sign_out
from hitl_review.workflow.studies.leading import waive_washout
from hitl_review.workflow.workspace import open_workspace
from tests.people import PASSWORD
from tests.ward import NOW, Clock, predict
from tests.ward_study import LEAD, RITA, ROLF, read_next, start

MADE_BY_SQLITE = frozenset({"sqlite_sequence", "sqlite_stat1", "sqlite_stat4"})
LIKELY = {
    ("cases", "purpose"): "'training'",
    ("outcomes", "value"): "1 - value",
    ("models", "card"): "card || ' '",
    ("manifests", "body"): "body || ' '",
    ("gates", "verdict"): "'undecided'",
    ("passes", "audited"): "1 - audited",
    ("promotions", "move"): "CASE move WHEN 'promoted' THEN 'rolled_back' ELSE 'promoted' END",
    ("reads", "modality"): "'aided'",
    ("decisions", "answer"): "CASE answer WHEN 'accepted' THEN 'overridden' ELSE 'accepted' END",
    ("decisions", "confidence"): "CASE confidence WHEN 'low' THEN 'high' ELSE 'low' END",
    ("worklist", "state"): "CASE state WHEN 'decided' THEN 'open' ELSE 'decided' END",
    ("worklist", "route"): "'random'",
    ("worklist", "held_until"): "'9999-01-01T00:00:00.000000Z'",
    ("standings", "enabled"): "1 - enabled",
    ("passwords", "public"): "1 - public",
    ("identities", "linked"): "1 - linked",
    ("findings", "verdict"): "CASE verdict WHEN 'remark' THEN 'serious' ELSE 'remark' END",
    ("labels", "effect"): "CASE effect WHEN 'train' THEN 'exclude' ELSE 'train' END",
    ("labels", "disputed"): "1 - disputed",
    ("labels", "mode"): "CASE mode WHEN 'blind' THEN 'seen' ELSE 'blind' END",
    ("proposals", "answer"): "CASE answer WHEN 'proposed' THEN 'declined' ELSE 'proposed' END",
    ("alarms", "state"): "CASE state WHEN 'raised' THEN 'cleared' ELSE 'raised' END",
    ("study_schedule", "no_reveal"): "1 - no_reveal",
    ("study_outputs", "replaced"): "1 - replaced",
    ("study_truth", "truth"): "1 - truth",
    ("study_reads", "confidence"): "CASE confidence WHEN 'low' THEN 'high' ELSE 'low' END",
    ("jobs", "kind"): "CASE kind WHEN 'monitor' THEN 'rescore' ELSE 'monitor' END",
    ("jobs", "state"): "CASE state WHEN 'done' THEN 'failed' ELSE 'done' END",
    ("wrong_tries", "kind"): "CASE kind WHEN 'account' THEN 'address' ELSE 'account' END",
}
"""What an attacker would write where the schema allows few values."""
_BY_KIND = {
    "INTEGER": "coalesce({0}, 0) + 1000",
    "REAL": "coalesce({0}, 0.0) + 1e-9",
    "BLOB": "CAST({0} || x'00' AS BLOB)",
    "TEXT": "coalesce({0}, '') || ' '",
}


def complete(folder: Path) -> Path:
    """Add what a ward that learned lacks: a study, people signed in, wrong tries, jobs done and waiting."""
    clock = Clock(NOW + timedelta(hours=2))
    with open_workspace(folder, clock=clock) as workspace:
        predict(workspace, models.champion(workspace.store).digest)
        start(workspace)
        for reader in (RITA, RITA, ROLF, RITA, RITA, ROLF, RITA):
            read_next(workspace, reader, clock)
        waive_washout(workspace, "ward-1", "reader-2", reason="Leaves the clinic.", actor=LEAD)
        set_password(workspace, "reader-1", PASSWORD)
        for _ in range(2):
            sign_in(workspace, "reader-1", PASSWORD, address="127.0.0.1")
        sign_out(workspace, sign_in(workspace, "reader-1", PASSWORD, address="127.0.0.1").actor)
        for _ in range(2):
            with pytest.raises(SignInRefused):
                sign_in(workspace, "reader-2", "a wrong guess", address="203.0.113.7")
        jobs.ask(workspace, JobKind.MONITOR, actor=SYSTEM)
        claimed = jobs.claim(workspace, "worker-1")
        assert claimed is not None
        jobs.finish(workspace, claimed, words="was done", result={})
        jobs.ask(workspace, JobKind.RESCORE, actor=SYSTEM)
    return folder


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that is done to one table; `do` says whether it changed anything."""

    table: str
    column: str
    """The column, or empty for a deed to a whole row."""
    words: str
    do: Callable[[sqlite3.Connection], bool]


def tables(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Return every table of a file with its columns and their types."""
    connection = sqlite3.connect(folder / DATABASE)
    try:
        names = [
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            if row[0] not in MADE_BY_SQLITE
        ]
        return {
            name: [(row[1], row[2]) for row in connection.execute(f"PRAGMA table_info({name})")]
            for name in names
        }
    finally:
        connection.close()


def deeds(folder: Path) -> Iterator[Deed]:
    """Yield all deeds that are tried on a file: to every column, and to the rows of every table."""
    for table, columns in tables(folder).items():
        for column, kind in columns:
            yield Deed(table, column, "first changed", _changed(table, column, kind, "min"))
            yield Deed(table, column, "last changed", _changed(table, column, kind, "max"))
            yield Deed(table, column, "emptied", _emptied(table, column))
            yield Deed(table, column, "exchanged", _exchanged(table, column))
        yield Deed(table, "", "first removed", _removed(table, "min"))
        yield Deed(table, "", "last removed", _removed(table, "max"))
        yield Deed(table, "", "all removed", partial(_ran, sql=f"DELETE FROM {table}"))
        yield Deed(table, "", "copied", _copied(table))


def _ran(connection: sqlite3.Connection, sql: str, values: tuple[object, ...] = ()) -> bool:
    try:
        return connection.execute(sql, values).rowcount > 0
    except sqlite3.IntegrityError:
        return False  # the file can't hold this, so nobody can have put it there by SQL


def _changed(table: str, column: str, kind: str, place: str) -> Callable[[sqlite3.Connection], bool]:
    value = LIKELY.get((table, column)) or _BY_KIND.get(kind, _BY_KIND["TEXT"]).format(column)
    held = "WHERE holder IS NOT NULL" if (table, column[:4]) == ("worklist", "held") else ""
    which = f"rowid = (SELECT {place}(rowid) FROM {table} {held})"
    return lambda c: _ran(
        c, f"UPDATE {table} SET {column} = {value} WHERE {which} AND {column} IS NOT {value}"
    )


def _emptied(table: str, column: str) -> Callable[[sqlite3.Connection], bool]:
    which = f"rowid = (SELECT min(rowid) FROM {table} WHERE {column} IS NOT NULL)"
    return lambda c: _ran(c, f"UPDATE {table} SET {column} = NULL WHERE {which}")


def _exchanged(table: str, column: str) -> Callable[[sqlite3.Connection], bool]:
    """Exchange the values of two rows, over a third value where they must not be equal for a moment."""

    def do(connection: sqlite3.Connection) -> bool:
        rows = connection.execute(f"SELECT rowid, {column} FROM {table} ORDER BY rowid DESC").fetchall()
        other = next((row for row in rows if row[1] != rows[0][1]), None)
        if other is None or rows[0] == (rows[0][1], rows[0][1]):
            return False  # all alike; or a number by which the rows are found, which exchanges the rows themselves
        (first, value), (second, another) = rows[0], other
        over = {str: f"{value} ", bytes: b"x", int: 10**6, float: 0.5}.get(type(value))
        steps = ((over, first), (value, second), (another, first))
        return all(
            [_ran(connection, f"UPDATE {table} SET {column} = ? WHERE rowid = ?", step) for step in steps]
        )

    return do


def _removed(table: str, place: str) -> Callable[[sqlite3.Connection], bool]:
    return lambda c: _ran(c, f"DELETE FROM {table} WHERE rowid = (SELECT {place}(rowid) FROM {table})")


def _copied(table: str) -> Callable[[sqlite3.Connection], bool]:
    def do(connection: sqlite3.Connection) -> bool:
        columns = {row[1]: row[2] for row in connection.execute(f"PRAGMA table_info({table})")}
        keys = {row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[5] == 1}
        for index in connection.execute(f"PRAGMA index_list({table})").fetchall():
            if index[2]:
                keys.add(connection.execute(f"PRAGMA index_info({index[1]})").fetchone()[2])
        fresh = {
            name: f"(SELECT max({name}) + 1 FROM {table})" if kind == "INTEGER" else f"{name} || '-copy'"
            for name, kind in columns.items()
        }
        values = ", ".join(fresh[name] if name in keys else name for name in columns)
        which = f"rowid = (SELECT max(rowid) FROM {table})"
        return _ran(connection, f"INSERT INTO {table} SELECT {values} FROM {table} WHERE {which}")

    return do
