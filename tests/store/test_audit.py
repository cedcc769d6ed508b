"""The log can be added to and read, and nothing else can be done to it through SQL."""

from __future__ import annotations

import sqlite3 as standard_sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hitl_review.domain.account import SYSTEM, Actor, Role
from hitl_review.domain.audit import GENESIS, Head, chain_hash, fault_of, payload_fault, stamp
from hitl_review.domain.canonical import canonical_json
from hitl_review.errors import AuditError, Conflict, NotPermitted
from hitl_review.store import accounts, audit, schema
from hitl_review.store.connection import DATABASE, Store, sqlite3
from hitl_review.workflow.workspace import Workspace
from tests.tampering import contents, tampered
from tests.ward import NOW, Clock


def add(store: Store, count: int = 1, **detail: object) -> None:
    """Append some events, each in a transaction of its own."""
    for number in range(count):
        with store.transaction():
            audit.append(store, "audit.viewed", "log:events", {"number": number, **detail})


def row(store: Store, **changed: object) -> dict[str, object]:
    """A row that would continue the log, some of its columns changed."""
    head = audit.head(store)
    payload = canonical_json({"any": "payload", "seq": head.size + 1})
    right = {
        "seq": head.size + 1,
        "event_id": "another-event",
        "prev_hash": head.hash,
        "payload": payload,
        "hash": chain_hash(head.hash, payload),
    }
    return {**right, **changed}


def insert(store: Store, values: dict[str, object], verb: str = "INSERT", tail: str = "") -> None:
    """Insert a row of the log by plain SQL."""
    columns, marks = ", ".join(values), ", ".join("?" * len(values))
    store.db.execute(f"{verb} INTO audit_log ({columns}) VALUES ({marks}) {tail}", tuple(values.values()))


# Appending


def test_an_empty_log_ends_in_zeros(store: Store) -> None:
    """The first event follows 64 zeros."""
    assert audit.head(store) == Head(0, GENESIS, None)
    assert GENESIS == "0" * 64


def test_events_continue_each_other(store: Store) -> None:
    """Numbers without gaps, each link right, each payload canonical."""
    add(store, 3)
    head = Head()
    for event in audit.events(store):
        assert fault_of(event, head) is None
        assert payload_fault(event) is None
        head = Head(event.seq, event.hash)
    assert head.size == 3
    assert audit.head(store) == Head(3, head.hash, NOW)


def test_the_payload_tells_everything_the_format_asks_for(store: Store) -> None:
    """Readable alone, without the columns and without the product."""
    with store.transaction(Actor("anna", "Anna Berg", Role.READER)):
        event = audit.append(store, "case.opened", "case:C-0042", {"why": "next"}, event_id="token-0001")
    assert event.payload == canonical_json(
        {
            "format": 1,
            "seq": 1,
            "event_id": "token-0001",
            "at": "2026-11-22T09:12:03.000001Z",
            "actor": "anna",
            "role": "reader",
            "action": "case.opened",
            "subject": "case:C-0042",
            "detail": {"why": "next"},
        }
    )


def test_what_was_appended_is_what_is_stored(store: Store) -> None:
    """Character by character, also what is not ASCII."""
    with store.transaction():
        event = audit.append(store, "audit.viewed", "log:events", {"text": "größer ≥ 90 % 🫀 \\u0000 \u2028"})
    assert audit.find(store, event.event_id) == event


def test_a_token_is_used_once(store: Store) -> None:
    """A double click is one event: the second one is refused by the database itself."""
    with store.transaction():
        audit.append(store, "audit.viewed", "log:events", {}, event_id="token-0001")
    with pytest.raises(Conflict, match="there already"), store.transaction():
        audit.append(store, "audit.viewed", "log:events", {}, event_id="token-0001")
    assert audit.head(store).size == 1


def test_a_token_used_twice_in_one_transaction_undoes_all_of_it(store: Store) -> None:
    """Whole or not at all."""
    with pytest.raises(Conflict), store.transaction():
        audit.append(store, "audit.viewed", "log:events", {}, event_id="token-0001")
        audit.append(store, "audit.viewed", "log:events", {"other": 1}, event_id="token-0001")
    assert audit.head(store).size == 0


@pytest.mark.parametrize(
    "token", ["short", "x" * 65, "with blank", "naïve-token", "token\n01", "", "a'--xxxxx"]
)
def test_a_token_that_is_none_is_refused(store: Store, token: str) -> None:
    """8 to 64 plain characters; an empty one is not replaced by a fresh one behind the caller's back."""
    with pytest.raises(AuditError, match="token"), store.transaction():
        audit.append(store, "audit.viewed", "log:events", {}, event_id=token)
    assert audit.head(store).size == 0


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        -float("inf"),
        1e400,
        2**60,
        2**53,
        "\ud800",
        "NUL \x00",
        {1: "key"},
        object(),
    ],
)
def test_what_is_no_json_is_not_logged(store: Store, value: object) -> None:
    """No NaN, no infinity, no integer that a double can't hold, no half character, no NUL."""
    with pytest.raises(AuditError), store.transaction():
        audit.append(store, "audit.viewed", "log:events", {"value": value})
    assert audit.head(store).size == 0


def test_a_long_comment_is_kept_whole(store: Store) -> None:
    """A megabyte is unusual, not wrong."""
    add(store, text="ä" * 1_000_000)
    assert audit.events(store).__next__().told["detail"]["text"] == "ä" * 1_000_000


@pytest.mark.parametrize(
    ("action", "subject"),
    [("log.closed", "log:x"), ("case.opened", "C-1"), ("case.opened", "case:"), ("case.opened", "case:a b")],
)
def test_unknown_actions_and_shapeless_subjects_are_refused(store: Store, action: str, subject: str) -> None:
    """An auditor filters by both."""
    with pytest.raises(AuditError), store.transaction():
        audit.append(store, action, subject, {})


def test_a_clock_that_went_back_is_told_first(store: Store, clock: Clock) -> None:
    """The order of events is the order of their writing; the step back is an event of its own."""
    add(store)
    clock.advance(-7200)
    add(store, 2)
    actions = [(event.told["action"], event.told["at"]) for event in audit.events(store)]
    earlier = stamp(NOW - timedelta(hours=2))
    assert actions == [
        ("audit.viewed", stamp(NOW)),
        ("clock.regressed", earlier),
        ("audit.viewed", earlier),
        ("audit.viewed", earlier),
    ]
    assert next(audit.events(store, after=1)).told["detail"] == {"previous_at": stamp(NOW), "at": earlier}


def test_a_clock_that_went_back_is_told_in_the_name_of_who_acts(
    reviewed: Workspace, reader: Actor, clock: Clock
) -> None:
    """It was met in their act; a refusal alone tells of it in the program's own name."""
    told = []
    for action in ("case.opened", "signature.refused"):
        clock.advance(-7200)
        with reviewed.store.transaction(reader):
            audit.append(reviewed.store, action, "case:C-1", {})
        told += [(each.told["action"], each.told["actor"]) for each in audit.latest(reviewed.store, limit=2)]
    assert told == [
        ("case.opened", "reader-1"),
        ("clock.regressed", "reader-1"),
        ("signature.refused", "reader-1"),
        ("clock.regressed", "system"),
    ]


def test_a_clock_that_stands_still_is_fine(store: Store) -> None:
    """Two events within one microsecond are no regress."""
    add(store, 2)
    assert audit.head(store).size == 2


@pytest.mark.parametrize("year", [1970, 2038, 9998])
def test_any_year_can_be_told(store: Store, clock: Clock, year: int) -> None:
    """No 32-bit clock ends the log."""
    clock.now = NOW.replace(year=year)
    add(store)
    assert audit.head(store).at == clock.now


def test_nothing_is_added_behind_an_altered_event(store: Store, folder: Path) -> None:
    """A log that was bent at its end is not built upon."""
    add(store, 2)
    with tampered(folder) as connection:
        connection.execute(
            "UPDATE audit_log SET payload = replace(payload, 'system', 'nobody') WHERE seq = 2"
        )
    with pytest.raises(AuditError, match=r"audit verify"):
        add(store)
    assert store.rows("SELECT count(*) FROM audit_log")[0][0] == 2


def test_who_wrote_an_event_does_not_hash_it_anew(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is what makes an append as fast as it is; whoever comes new to the file hashes it."""
    add(store)
    hashed: list[str] = []
    monkeypatch.setattr(audit, "chain_hash", lambda *given: hashed.append(given[1]) or chain_hash(*given))
    assert audit.head(store).size == 1 and not hashed
    store.newest = None
    assert audit.head(store).size == 1 and len(hashed) == 1


def test_who_wrote_an_event_knows_the_end_that_others_read(store: Store, folder: Path, clock: Clock) -> None:
    """It is not read anew by whoever wrote it, so it must be just what the file says, after an act undone too."""
    add(store, 2)
    with Store(folder / DATABASE) as other:
        assert audit.head(store) == audit.head(other) == Head(2, audit.head(other).hash, clock.now)
    with pytest.raises(ZeroDivisionError), store.transaction():
        audit.append(store, "audit.viewed", "log:events", {})
        assert audit.head(store).size == 3
        raise ZeroDivisionError
    assert audit.head(store).size == 2
    with Store(folder / DATABASE, clock=clock) as other:
        add(other)
        add(store)
        assert [event.seq for event in audit.events(store)] == [1, 2, 3, 4]
        assert audit.head(store) == audit.head(other)


@pytest.mark.parametrize("column", ["prev_hash", "hash"])
def test_whoever_wrote_the_last_event_sees_each_of_its_columns_altered(
    store: Store, folder: Path, column: str
) -> None:
    """What one remembers to have written is held against all that stands there."""
    add(store, 2)
    with tampered(folder) as connection:
        connection.execute(f"UPDATE audit_log SET {column} = ? WHERE seq = 2", ("f" * 64,))
    with pytest.raises(AuditError, match=r"event of the log, 2, was altered"):
        add(store)


@pytest.mark.parametrize("payload", ["{", "[]", "{}", '{"at": 7}', '{"at": "noon"}'])
def test_nothing_is_added_behind_an_event_that_tells_no_time(
    store: Store, folder: Path, payload: str
) -> None:
    """Its hash fits, so somebody wrote it anew; whoever acts is told where to look."""
    add(store, 2)
    with tampered(folder) as connection:
        connection.execute(
            "UPDATE audit_log SET payload = ?1, hash = ?2 WHERE seq = 2",
            (payload, chain_hash(next(audit.events(store)).hash, payload)),
        )
    with pytest.raises(AuditError) as refused:
        add(store)
    assert str(refused.value) == (
        "The last event of the log, 2, is not told as it must be, so nothing more is written. "
        "Run `hitl-review audit verify`."
    )
    assert store.rows("SELECT count(*) FROM audit_log")[0][0] == 2


# Everything else is refused by the database


FORBIDDEN: dict[str, Callable[[Store], object]] = {
    "update": lambda store: store.db.execute("UPDATE audit_log SET payload = payload WHERE seq = 1"),
    "delete": lambda store: store.db.execute("DELETE FROM audit_log WHERE seq = 2"),
    "delete all": lambda store: store.db.execute("DELETE FROM audit_log"),
    "gap": lambda store: insert(store, row(store, seq=9)),
    "old number": lambda store: insert(store, row(store, seq=1)),
    "negative number": lambda store: insert(store, row(store, seq=-1)),
    "number left to SQLite": lambda store: insert(store, row(store, seq=None)),
    "wrong link": lambda store: insert(store, row(store, prev_hash=GENESIS)),
    "fork": lambda store: insert(store, row(store, prev_hash=next(audit.events(store)).hash)),
    "event id again": lambda store: insert(store, row(store, event_id=next(audit.events(store)).event_id)),
    "hash again": lambda store: insert(store, row(store, hash=next(audit.events(store)).hash)),
    "replace by seq": lambda store: insert(store, row(store, seq=1), "INSERT OR REPLACE"),
    "replace by event id": lambda store: insert(
        store, row(store, event_id=next(audit.events(store)).event_id), "INSERT OR REPLACE"
    ),
    "replace by hash": lambda store: insert(
        store, row(store, hash=next(audit.events(store)).hash), "INSERT OR REPLACE"
    ),
    "ignore": lambda store: insert(
        store, row(store, event_id=next(audit.events(store)).event_id), "INSERT OR IGNORE"
    ),
    "upsert by seq": lambda store: insert(
        store, row(store, seq=1), tail="ON CONFLICT (seq) DO UPDATE SET payload = excluded.payload"
    ),
    "upsert by event id": lambda store: insert(
        store,
        row(store, event_id=next(audit.events(store)).event_id),
        tail="ON CONFLICT (event_id) DO UPDATE SET payload = excluded.payload",
    ),
    "upsert that does nothing": lambda store: insert(
        store, row(store, event_id=next(audit.events(store)).event_id), tail="ON CONFLICT DO NOTHING"
    ),
    "sqlite-utils replace": lambda store: store.db["audit_log"].insert(row(store, seq=1), replace=True),
    "sqlite-utils upsert": lambda store: store.db["audit_log"].upsert(row(store, seq=1), pk="seq"),
    "sqlite-utils ignore": lambda store: store.db["audit_log"].insert(
        row(store, event_id=next(audit.events(store)).event_id), ignore=True
    ),
}


@pytest.mark.parametrize("recursive", ["ON", "OFF"], ids=["our connection", "the sqlite3 shell"])
@pytest.mark.parametrize("forbidden", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_no_statement_changes_removes_or_forks(
    store: Store, forbidden: Callable[[Store], object], recursive: str
) -> None:
    """Also where recursive triggers are off, as in the sqlite3 shell, and REPLACE slips past a delete trigger."""
    add(store, 3)
    store.db.execute(f"PRAGMA recursive_triggers = {recursive}")
    before = contents(store.path.parent)
    with pytest.raises(sqlite3.IntegrityError, match=r"audit_log is append-only|NOT NULL|datatype mismatch"):
        forbidden(store)
    assert contents(store.path.parent) == before


def test_the_right_row_would_have_been_taken(store: Store) -> None:
    """The control for the test above: it is the deed that is refused, not the shape of the row."""
    add(store, 3)
    insert(store, row(store))
    assert store.rows("SELECT count(*) FROM audit_log")[0][0] == 4


@pytest.mark.parametrize(
    "changed",
    [
        {"payload": "not json"},
        {"payload": None},
        {"hash": "short"},
        {"prev_hash": "short"},
        {"event_id": None},
    ],
)
def test_a_misshapen_row_is_refused(store: Store, changed: dict[str, object]) -> None:
    """STRICT types and checks hold even for who knows the next number."""
    with pytest.raises(sqlite3.IntegrityError):
        insert(store, row(store, **changed))


@pytest.mark.parametrize("table", schema.TABLES)
def test_the_other_evidence_is_append_only_too(reviewed_folder: Path, table: str) -> None:
    """Every table of rows that events tell of refuses UPDATE and DELETE, and REPLACE of a row that is there."""
    connection = standard_sqlite3.connect(reviewed_folder / "review.db", isolation_level=None)
    connection.execute("PRAGMA recursive_triggers = ON")
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    if not connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        values = ", ".join(
            {"INTEGER": "1", "REAL": "0.5", "BLOB": "x'00'"}.get(row[2], "'{}'") for row in columns
        )
        connection.execute(f"INSERT INTO {table} VALUES ({values})")
    before = contents(reviewed_folder)
    column = columns[0][1]
    for statement in (
        f"UPDATE {table} SET {column} = {column}",
        f"DELETE FROM {table}",
        f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
    ):
        with pytest.raises(standard_sqlite3.IntegrityError, match=f"{table} is append-only"):
            connection.execute(statement)
    connection.close()
    assert contents(reviewed_folder) == before


# Reading


def test_events_can_be_read_from_anywhere_on(store: Store) -> None:
    """Oldest first, after a number."""
    add(store, 3)
    assert [event.seq for event in audit.events(store, after=1)] == [2, 3]


def test_the_newest_events_can_be_filtered(store: Store) -> None:
    """By subject, by action or its beginning, by who acted, by number, and never more than asked for."""
    with store.transaction():
        for number in range(4):
            audit.append(store, "case.opened", f"case:C-{number % 2}", {})
        audit.append(store, "audit.viewed", "log:events", {})
    assert [event.seq for event in audit.latest(store, limit=2)] == [5, 4]
    assert [event.seq for event in audit.latest(store, limit=9, subject="case:C-1")] == [4, 2]
    assert [event.seq for event in audit.latest(store, limit=9, action="case.%")] == [4, 3, 2, 1]
    assert [event.seq for event in audit.latest(store, limit=9, before=3, action="case.opened")] == [2, 1]
    with store.transaction(Actor("anna", "Anna Berg", Role.READER)):
        audit.append(store, "case.opened", "case:C-1", {})
    assert [event.seq for event in audit.latest(store, limit=9, actor="anna")] == [6]
    assert [event.seq for event in audit.latest(store, limit=2, actor="system")] == [5, 4]


def test_the_newest_events_can_be_filtered_by_what_they_tell(store: Store, clock: Clock) -> None:
    """By model, told of or acted on, by the answer, and by time: from the one moment on, before the other."""
    moments = []
    for subject, detail in (
        ("case:C-1", {"model": "sha256:1", "outcome": "accepted"}),
        ("case:C-2", {"model": "sha256:2", "outcome": "deferred"}),
        ("model:sha256:1", {}),
    ):
        clock.advance(60)
        moments.append(stamp(clock()))
        with store.transaction():
            audit.append(store, "case.opened", subject, detail)

    def found(**asked: Any) -> list[int]:
        return [event.seq for event in audit.latest(store, limit=9, **asked)]

    assert found(model="sha256:1") == [3, 1] and found(model="sha256:2") == [2]
    assert found(outcome="deferred") == [2] and found(outcome="DEFERRED") == []
    assert found(since=moments[1]) == [3, 2] and found(until=moments[1]) == [1]
    assert found(since=moments[1], until=moments[2]) == [2]


@pytest.mark.parametrize(
    "trigger",
    [
        "BEFORE INSERT ON audit_log BEGIN SELECT RAISE(IGNORE); END",
        "AFTER INSERT ON audit_log BEGIN DELETE FROM audit_log WHERE seq = NEW.seq; END",
    ],
)
def test_an_event_that_is_not_there_after_it_was_written_is_an_error(
    store: Store, folder: Path, trigger: str
) -> None:
    """Whether it never came in or went at once; and the step that it tells of is not stored either."""
    add(store, 3)
    with tampered(folder, restore=False) as connection:
        connection.execute(f"CREATE TRIGGER swallows {trigger}")
    with pytest.raises(AuditError) as refused, store.transaction():
        audit.append(store, "audit.viewed", "log:events", {})
    assert (
        str(refused.value)
        == "The event was not found in the log after it was written, so nothing was stored."
    )
    assert audit.head(store).size == 3


def test_behind_an_altered_event_nothing_is_written(store: Store, folder: Path) -> None:
    """The event and what to do are named."""
    add(store, 3)
    with tampered(folder) as connection:
        connection.execute(
            "UPDATE audit_log SET payload = replace(payload, 'viewed', 'viewet') WHERE seq = 3"
        )
    with pytest.raises(AuditError) as refused:
        audit.head(store)
    assert str(refused.value) == (
        "The last event of the log, 3, was altered, so nothing more is written. Run `hitl-review audit verify`."
    )


def test_an_unknown_event_is_none(store: Store) -> None:
    """Looking for it is no error."""
    assert audit.find(store, "no-such-event") is None


def test_fresh_tokens_differ_and_serve_as_ids() -> None:
    """One per act."""
    tokens = {audit.new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(token) == 32 for token in tokens)


def test_the_events_of_one_rare_action_come_oldest_first(store: Store) -> None:
    """All of them and no other, however long the log is."""
    with store.transaction():
        for action in ("key.rotated", "audit.viewed", "key.rotated", "audit.viewed"):
            audit.append(store, action, "log:events", {})
    assert [event.seq for event in audit.of_action(store, "key.rotated")] == [1, 3]
    assert audit.of_action(store, "log.opened") == []


def test_who_was_disabled_meanwhile_acts_no_more_and_only_that_is_told_in_their_name(
    reviewed: Workspace, reader: Actor, other_reader: Actor, clock: Clock
) -> None:
    """Asked in the act itself; all that others do goes on, and so does a refusal when the clock went back."""
    store = reviewed.store
    with store.transaction():
        event = audit.append(store, "account.disabled", "account:reader-1", {"enabled": False})
        accounts.set_standing(store, "reader-1", enabled=False, event_id=event.event_id)
    size = audit.head(store).size
    with (
        pytest.raises(NotPermitted, match="'reader-1' is disabled and may not act"),
        store.transaction(reader),
    ):
        audit.append(store, "case.opened", "case:C-1", {})
    with pytest.raises(NotPermitted, match="is disabled"), store.transaction(reader):
        audit.append(store, "cases.rescored", "queue:open", {}, actor=SYSTEM)
    with pytest.raises(NotPermitted, match="is disabled"), store.transaction(reader):
        audit.append(store, "clock.regressed", "log:clock", {})
    assert audit.head(store).size == size
    for step in (0, -7200):
        clock.advance(step)
        with store.transaction(reader):
            audit.append(store, "signature.refused", "account:reader-1", {})
    with store.transaction(other_reader):
        audit.append(store, "case.opened", "case:C-1", {})
    told = [(each.told["action"], each.told["actor"]) for each in audit.latest(store, limit=4)]
    assert told == [
        ("case.opened", "reader-2"),
        ("signature.refused", "reader-1"),
        ("clock.regressed", "system"),
        ("signature.refused", "reader-1"),
    ]
