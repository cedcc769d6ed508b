"""What was acknowledged is there: many writers, killed writers, full disks, and a crash at any statement.

A power cut can't be seen this way: the system's page cache outlives a killed process. What is
tested here is that no code of ours acknowledges too early or stores by halves.
"""

from __future__ import annotations

import os
import sqlite3 as standard_sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hitl_review.domain.account import Actor
from hitl_review.domain.audit import Head, chain_hash, fault_of
from hitl_review.domain.canonical import canonical_json
from hitl_review.domain.decision import Answer, Choice
from hitl_review.errors import StoreUnavailable
from hitl_review.store import audit
from hitl_review.store.connection import DATABASE, Store, create_store, open_store, sqlite3
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.deciding import record_decision
from hitl_review.workflow.promotion import promote
from hitl_review.workflow.workspace import Workspace, open_workspace
from tests.processes import (
    Interrupted,
    forked,
    kill,
    run,
    status_of,
    with_little_disk,
    without_privileges,
)
from tests.tampering import contents
from tests.ward import Clock, commit_read, open_case, predict, show, train

WRITERS = 8
APPENDS = 100


def append(store: Store, token: str) -> None:
    """One acknowledged event."""
    with store.transaction():
        audit.append(store, "audit.viewed", "log:events", {"text": "x" * 300}, event_id=token)


def assert_one_chain(folder: Path) -> int:
    """Check that there is one unbroken chain, and return its length."""
    head = Head()
    with open_store(folder) as store:
        for event in audit.events(store):
            assert fault_of(event, head) is None
            head = Head(event.seq, event.hash)
    return head.size


# Many writers


def test_eight_processes_append_a_hundred_events_each(folder: Path) -> None:
    """800 acknowledged, 800 there, one chain, no error."""
    create_store(folder).close()

    def write(writer: int) -> None:
        with open_store(folder) as store:
            for number in range(APPENDS):
                append(store, f"token-{writer}-{number:04d}")

    children = [forked(lambda writer=writer: write(writer)) for writer in range(WRITERS)]
    assert [status_of(child) for child in children] == [0] * WRITERS
    assert assert_one_chain(folder) == WRITERS * APPENDS
    with open_store(folder) as store:
        found = {event.event_id for event in audit.events(store)}
    assert found == {f"token-{writer}-{number:04d}" for writer in range(WRITERS) for number in range(APPENDS)}


def test_without_our_transaction_the_same_writers_fork_the_chain(tmp_path: Path) -> None:
    """The control: reading the head first and inserting later forks or fails, so the test above can see it."""
    path = tmp_path / "naive.db"
    connection = standard_sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE log (id INTEGER PRIMARY KEY, prev TEXT, hash TEXT)")
    connection.close()

    def write(writer: int) -> None:
        mine = standard_sqlite3.connect(path, isolation_level=None, timeout=10)
        mine.execute("PRAGMA synchronous = OFF")
        for number in range(APPENDS):
            head = mine.execute("SELECT hash FROM log ORDER BY id DESC LIMIT 1").fetchone()
            previous = head[0] if head else "0" * 64
            time.sleep(0.0005)
            link = chain_hash(previous, canonical_json([writer, number]))
            mine.execute("INSERT INTO log (prev, hash) VALUES (?, ?)", (previous, link))

    children = [forked(lambda writer=writer: write(writer)) for writer in range(WRITERS)]
    ends = [status_of(child) for child in children]
    connection = standard_sqlite3.connect(path)
    rows, links = connection.execute("SELECT count(*), count(DISTINCT prev) FROM log").fetchone()
    connection.close()
    assert any(ends) or links < rows


def test_two_processes_with_one_token_store_one_event(folder: Path) -> None:
    """A double click that reaches two processes: one of them is told that it was second."""
    create_store(folder).close()

    def write() -> None:
        with open_store(folder) as store:
            append(store, "the-same-token")

    ends = [status_of(child) for child in [forked(write) for _ in range(4)]]
    assert sorted(ends) == [0, 1, 1, 1]
    assert assert_one_chain(folder) == 1


# Killed writers


def test_what_a_killed_writer_acknowledged_is_there(folder: Path) -> None:
    """kill -9 in the middle of appends, five times three writers: not one acknowledged event is lost."""
    create_store(folder).close()
    acknowledged: set[str] = set()
    for round_number in range(5):
        children, pipes = [], []
        for writer in range(3):
            reading, writing = os.pipe()
            name = f"r{round_number}-w{writer}"
            children.append(
                forked(lambda writing=writing, name=name: _append_for_ever(folder, name, writing))
            )
            os.close(writing)
            pipes.append(reading)
        time.sleep(0.15 + 0.03 * round_number)
        for child in children:
            kill(child)
        for pipe in pipes:
            acknowledged |= set(_all_of(pipe).split())
    assert len(acknowledged) > 15
    with open_store(folder) as store:
        there = {event.event_id for event in audit.events(store)}
    assert acknowledged <= there
    assert len(there - acknowledged) <= 15, "at most the one event per writer that was not yet acknowledged"
    assert_one_chain(folder)


def _append_for_ever(folder: Path, name: str, acknowledge: int) -> None:
    with open_store(folder) as store:
        for number in range(100_000):
            token = f"{name}-{number:05d}"
            append(store, token)
            os.write(acknowledge, token.encode() + b"\n")


def _all_of(pipe: int) -> str:
    with os.fdopen(pipe, "rb") as file:
        return file.read().decode()


def test_a_killed_writer_blocks_nobody(folder: Path) -> None:
    """The lock of a process that died in the middle of a transaction is free at once."""
    create_store(folder).close()
    reading, writing = os.pipe()

    def hold() -> None:
        with open_store(folder) as store, store.transaction():
            audit.append(store, "audit.viewed", "log:events", {})
            os.write(writing, b"x")
            time.sleep(60)

    child = forked(hold)
    os.read(reading, 1)
    kill(child)
    with open_store(folder, busy_seconds=2) as store:
        began = time.monotonic()
        append(store, "token-after")
        assert time.monotonic() - began < 1
    assert assert_one_chain(folder) == 1


# A crash at any statement of a decision


@pytest.fixture
def decide(workspace: Workspace, clock: Clock, reader: Actor) -> Callable[[Workspace], object]:
    """A case that is read and shown, and the act that decides it."""
    model = train(workspace)
    promote(workspace, model, actor=Actor("approver-1", "Abe Approver", reader.role.APPROVER))
    shown = predict(workspace, model)["C-1"]
    opened = open_case(workspace, "C-1", actor=reader)
    clock.advance(10)
    commit_read(
        workspace,
        "C-1",
        label="died",
        probability=0.4,
        actor=reader,
        token="read-C-1",
        opened_at=opened.opened_at,
    )
    reveal = show(workspace, shown, reader=reader, token="reveal-C-1")
    clock.advance(10)

    def act(opened: Workspace) -> object:
        return record_decision(
            opened,
            reveal.reveal_id,
            Choice(Answer.ACCEPTED),
            actor=reader,
            token="decision-C-1",
            seconds_active=9.0,
            seconds_on_screen=9.0,
        )

    return act


def _statements(
    workspace: Workspace, decide: Callable[[Workspace], object], statement: int, deed: Callable[[], object]
) -> list[str]:
    connection = workspace.store.db.conn
    watched = Interrupted(connection, statement, deed)
    workspace.store.db.conn = watched  # type: ignore[assignment]
    try:
        decide(workspace)
    finally:
        workspace.store.db.conn = connection
    return list(watched.seen.statements)


def _fail() -> None:
    raise sqlite3.OperationalError("disk I/O error")


def test_a_failure_before_any_statement_of_a_decision_leaves_nothing(
    workspace: Workspace, folder: Path, decide: Callable[[Workspace], object]
) -> None:
    """Neither row nor event nor a changed queue, whichever statement up to the COMMIT fails; then it succeeds."""
    before = contents(folder)
    statement = 0
    while True:
        statement += 1
        try:
            seen = _statements(workspace, decide, statement, _fail)
        except StoreUnavailable as error:
            assert "nothing was stored" in str(error)
            assert contents(folder) == before, f"after statement {statement}"
            continue
        break
    assert seen.index("COMMIT") == statement - 2, "nobody was told of a failure once it was stored"
    assert statement > 10
    after = contents(folder)
    assert len(after["decisions"]) == len(before["decisions"]) + 1
    assert len(after["audit_log"]) == len(before["audit_log"]) + 1
    assert verify(folder).ok


def test_a_crash_before_any_statement_of_a_decision_leaves_nothing(
    workspace: Workspace, folder: Path, clock: Clock, decide: Callable[[Workspace], object]
) -> None:
    """The same with a process that ends at once, as in a crash; the next one finds the state before, or all of it."""
    before = contents(folder)

    def crash_at(statement: int) -> None:
        with open_workspace(folder, clock=clock) as opened:
            _statements(opened, decide, statement, lambda: os._exit(9))

    statement = 1
    while run(lambda statement=statement: crash_at(statement)) == 9 and contents(folder) == before:
        statement += 1
    after = contents(folder)
    assert statement > 10
    assert len(after["decisions"]) == len(before["decisions"]) + 1
    assert len(after["audit_log"]) == len(before["audit_log"]) + 1
    assert verify(folder).ok


def test_a_crash_right_after_the_commit_keeps_the_decision(
    workspace: Workspace, folder: Path, clock: Clock, decide: Callable[[Workspace], object]
) -> None:
    """Stored whole although nobody was told: pressing again with the same token returns it."""

    def crash() -> None:
        with open_workspace(folder, clock=clock) as opened:
            decide(opened)
            os._exit(9)

    assert run(crash) == 9
    again = decide(workspace)
    assert len(contents(folder)["decisions"]) == 1
    assert getattr(again, "decision_id", None) == "decision-C-1"
    assert verify(folder).ok


# Disks and permissions


def test_a_disk_without_room_stores_nothing(
    workspace: Workspace, folder: Path, decide: Callable[[Workspace], object], clock: Clock
) -> None:
    """The system itself refuses to let the file grow: the reader is told, and nothing is half there."""
    before = contents(folder)

    def decide_without_room() -> None:
        with open_workspace(folder, clock=clock) as opened:
            with_little_disk(folder / f"{DATABASE}-wal", spare_bytes=3000)
            with pytest.raises(StoreUnavailable, match="nothing was stored"):
                decide(opened)

    assert run(decide_without_room) == 0
    assert contents(folder) == before
    decide(workspace)
    assert verify(folder).ok


@pytest.mark.parametrize("what", ["file", "folder"])
def test_without_the_right_to_write_nothing_happens(reviewed_folder: Path, what: str) -> None:
    """A file or folder that was made read-only: a sentence, no half-made state; and checking still works."""
    before = contents(reviewed_folder)
    (reviewed_folder / f"{DATABASE}.lock").unlink()
    target, mode = (reviewed_folder / DATABASE, 0o400) if what == "file" else (reviewed_folder, 0o500)
    usual = target.stat().st_mode
    target.chmod(mode)

    def write() -> None:
        without_privileges()
        with (
            pytest.raises(StoreUnavailable, match="nothing was stored"),
            open_store(reviewed_folder) as store,
        ):
            append(store, "token-0001")

    def check() -> None:
        without_privileges()
        assert verify(reviewed_folder).ok

    assert run(check) == 0
    assert run(write) == 0
    target.chmod(usual)
    assert contents(reviewed_folder) == before
