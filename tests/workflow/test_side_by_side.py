"""Several processes find in a long log what one finds, wherever the stretches meet."""

from __future__ import annotations

import gc
import io
import json
import math
import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from select import select
from typing import TextIO

import pytest

from hitl_review.domain.checkpoint import Frontier
from hitl_review.domain.verification import Problem, Verification
from hitl_review.errors import AuditError
from hitl_review.store import audit, inspection
from hitl_review.workflow import side_by_side
from hitl_review.workflow.accounts import set_password
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.checkpointing import write_checkpoint
from hitl_review.workflow.side_by_side import as_json, from_json, joined
from hitl_review.workflow.signing_in import sign_in
from hitl_review.workflow.stretches import Walked, walk
from hitl_review.workflow.workspace import Workspace, open_workspace
from tests.people import PASSWORD
from tests.tampering import payloads_of, rechain, tamper, tampered
from tests.ward import Clock

UPDATE = "UPDATE audit_log SET"
ATTACKS = {
    "nothing": (),
    "the last of a stretch": (f"{UPDATE} payload = replace(payload, 'actor', 'actos') WHERE seq = 16",),
    "a time where stretches meet": (f"{UPDATE} payload = replace(payload, '2026-', '2027-') WHERE seq = 16",),
    "a row": ("UPDATE decisions SET comment = 'another'",),
    "two that changed places": (
        f"{UPDATE} seq = 1000 WHERE seq = 16",
        f"{UPDATE} seq = 16 WHERE seq = 17",
        f"{UPDATE} seq = 17 WHERE seq = 1000",
    ),
    "a value that its table does not allow": (
        "PRAGMA ignore_check_constraints = ON",
        "UPDATE audit_log SET prev_hash = 'short' WHERE seq = 16",
    ),
    "a row that points at nothing": ("UPDATE decisions SET prediction_id = 'none'",),
    "a gap": ("DELETE FROM audit_log WHERE seq = 16",),
}


@pytest.fixture
def held(reviewed_folder: Path, tmp_path: Path) -> Path:
    """A checkpoint somebody kept, of a log that has gone on since."""
    with open_workspace(reviewed_folder) as workspace:
        write_checkpoint(workspace, tmp_path / "held.txt")
        for _ in range(9):
            with workspace.store.transaction():
                audit.append(workspace.store, "case.opened", "case:C-1", {})
    return tmp_path / "held.txt"


def by_several(folder: Path, held: Path, monkeypatch: pytest.MonkeyPatch) -> Verification:
    """The result of a check by two processes, in stretches of sixteen events."""
    with monkeypatch.context() as patch:
        patch.setattr(side_by_side, "ALONE", 0)
        patch.setattr(side_by_side, "STRETCH", 16)
        patch.setattr(side_by_side, "_processes", lambda: 2)
        return verify(folder, checkpoints=[held])


@pytest.mark.parametrize("attack", ATTACKS)
def test_several_processes_find_what_one_finds(
    reviewed_folder: Path, held: Path, attack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Event by event, row by row, checkpoint by checkpoint: the very same result."""
    tamper(reviewed_folder, *ATTACKS[attack])
    alone = verify(reviewed_folder, checkpoints=[held])
    assert by_several(reviewed_folder, held, monkeypatch) == alone
    assert alone.ok == (attack == "nothing")


def test_a_session_that_is_dropped_meanwhile_is_no_alarm(
    workspace: Workspace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next sign-in drops what ended a week ago, just before the other processes look at the file."""
    set_password(workspace, "reader-1", PASSWORD)
    sign_in(workspace, "reader-1", PASSWORD, address="127.0.0.1")
    clock.advance(9 * 24 * 60 * 60)

    def one_after_a_sign_in() -> int:
        sign_in(workspace, "reader-1", PASSWORD, address="127.0.0.1")
        return 1

    with monkeypatch.context() as patch:
        patch.setattr(side_by_side, "ALONE", 0)
        patch.setattr(side_by_side, "_processes", one_after_a_sign_in)
        assert verify(workspace.folder).problems == ()
        copied = "account_id, method, opened_at, seen_at, ends_at, proved_at, proved_by, ended FROM ui_sessions"
        workspace.store.db.execute(f"INSERT INTO ui_sessions SELECT 'forged', 'forged', {copied}")
        patch.setattr(side_by_side, "_processes", lambda: 1)
        (found,) = verify(workspace.folder).problems
    assert found.message == "1 rows of ui_sessions have no event that tells of them"


def test_progress_of_several_processes_reaches_the_end(
    reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stretch further with each task, the pages being one; and never beyond the end."""
    monkeypatch.setattr(side_by_side, "ALONE", 0)
    monkeypatch.setattr(side_by_side, "STRETCH", 16)
    monkeypatch.setattr(side_by_side, "_processes", lambda: 1)
    told: list[tuple[int, int]] = []
    events = verify(reviewed_folder, progress=lambda done, total: told.append((done, total))).events
    steps = [min(16 * done, events) for done in range(1, 2 + math.ceil(events / 16))]
    assert told == [(2 * done, 2 * events) for done in [*steps, events]] and len(told) > 3


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("exit 0", "a process that walked the log ended"),
        ("kill -s BUS $$", "the file was cut short, or its disk failed, while it was read"),
        ("kill $$", "a process that walked the log ended"),
        ("while read task; do echo '{}'; done", "a process that walked the log ended"),
        ("while read task; do echo 7; done", "a process that walked the log ended"),
        ('while read task; do echo \'{"refused": "it is gone"}\'; done', "it is gone"),
        (None, "a part of the log was not walked"),
    ],
)
def test_a_process_that_fails_is_no_verdict(
    script: str | None, fault: str, reviewed_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that was not made to its end must not pass for one that found nothing."""
    program = tmp_path / "program"
    if script is not None:
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o700)
    monkeypatch.setattr(side_by_side, "ALONE", 0)
    monkeypatch.setattr("sys.executable", str(program))
    with pytest.raises(AuditError) as refused:
        verify(reviewed_folder)
    path = reviewed_folder / "review.db"
    assert str(refused.value) == f"The check of {path} could not be finished ({fault}). Try again."


def test_what_a_process_found_survives_the_way_back(reviewed_folder: Path) -> None:
    """Every part of it is told as JSON and read again: what is wrong, and what an honest log never holds."""
    with tampered(reviewed_folder) as connection:
        payloads = payloads_of(connection)
        for place, action in enumerate(("key.rotated", "clock.regressed", "plan.made", "plan.made")):
            payloads.append({**payloads[-1], "action": action, "event_id": f"added-{place:03}"})
        job = {"action": "job.started", "subject": "job:1", "detail": {"kind": "monitor", "attempt": 1, "more": 1}}
        payloads.append({**payloads[-1], **job, "event_id": "added-job"})
        rechain(connection, payloads)
        connection.execute("UPDATE audit_log SET payload = '{}' WHERE seq = 9")
    with inspection.opened(reviewed_folder / "review.db") as store:
        found = walk(store, sizes=[3])
    assert from_json(json.loads(json.dumps(as_json(found)))) == found
    assert all(getattr(found, each.name) for each in fields(found)), "every part holds something"


def test_what_stretches_hold_is_held_together() -> None:
    """Problems and lists one behind the other, numbers added, the newest of each actor, the tree of all leaves."""
    leaves = [bytes([number]) * 32 for number in range(3)]
    one, two, three = (Frontier().grown(leaves[:end]) for end in (1, 2, 3))
    a, b = Problem(1, "chain", "a"), Problem(2, "payload", "b")
    first = Walked(
        chain=[a],
        told=[b],
        rows=Counter({"reads": 1, "cases": 2}),
        opened={"rita": ("C-1", "1"), "rolf": ("C-2", "2")},
        unknown=Counter({"x.y": 1}),
        opening={"origin": "abc"},
        rotations=[(2, "h", {"old": "k"})],
        checkpoints=[(2, {"key": "k"}, "k")],
        places={1: (one, "h1")},
        frontier=two,
        set_back=True,
        more=Counter({"x.y\nnew": 2}),
        jobs=[(2, "job.queued", "j", "monitor", None, "1")],
    )
    second = Walked(
        chain=[b],
        told=[a],
        rows=Counter({"reads": 4}),
        opened={"rita": ("C-3", "3")},
        unknown=Counter({"x.y": 2, "z": 1}),
        opening={},
        rotations=[(3, "g", {})],
        checkpoints=[(3, {}, "")],
        places={3: (Frontier().grown(leaves[2:]), "h3")},
        frontier=Frontier().grown(leaves[2:]),
        more=Counter({"x.y\nnew": 1, "z\nnew": 1}),
        jobs=[(3, "job.started", "j", "monitor", 1, "3")],
    )
    assert joined([first, second]) == Walked(
        chain=[a, b],
        told=[b, a],
        rows=Counter({"reads": 5, "cases": 2}),
        opened={"rita": ("C-3", "3"), "rolf": ("C-2", "2")},
        unknown=Counter({"x.y": 3, "z": 1}),
        opening={"origin": "abc"},
        rotations=[(2, "h", {"old": "k"}), (3, "g", {})],
        checkpoints=[(2, {"key": "k"}, "k"), (3, {}, "")],
        places={1: (one, "h1"), 3: (three, "h3")},
        frontier=three,
        set_back=True,
        more=Counter({"x.y\nnew": 3, "z\nnew": 1}),
        jobs=[(2, "job.queued", "j", "monitor", None, "1"), (3, "job.started", "j", "monitor", 1, "3")],
    )
    assert joined([second, first]).set_back
    assert not joined([second, second]).set_back


def test_a_broken_walk_is_joined_as_broken(reviewed_folder: Path) -> None:
    """One stretch that can't be read is enough."""
    with inspection.opened(reviewed_folder / "review.db") as store:
        first, second = walk(store, after=0, upto=16), walk(store, after=16)
    second.whole = False
    assert not joined([first, second]).whole
    assert joined([first, second]).rows == first.rows + second.rows


# What a process does with its tasks


@contextmanager
def serving(path: Path) -> Iterator[tuple[TextIO, TextIO]]:
    """What another process does, in a thread of this one: where its tasks go in, where its answers come out."""
    (tasks, asking), (answering, answers) = os.pipe(), os.pipe()
    with (
        os.fdopen(tasks, encoding="utf-8") as stdin,
        os.fdopen(answers, "w", encoding="utf-8") as stdout,
        os.fdopen(answering, encoding="utf-8") as out,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr("sys.stdin", stdin)
        patch.setattr("sys.stdout", stdout)
        process = threading.Thread(target=side_by_side.main, args=(path,), daemon=True)
        with os.fdopen(asking, "w", encoding="utf-8") as into:
            process.start()
            yield into, out
        process.join()
        gc.enable()


def test_each_task_is_answered_before_the_next_is_given(reviewed_folder: Path) -> None:
    """Whoever waits for an answer would wait for ever if it stayed behind until the last one."""
    path = reviewed_folder / "review.db"
    with serving(path) as (into, out), inspection.opened(path) as store:
        for task in ({"after": 0, "upto": 8, "sizes": [3]}, {"after": 8, "upto": None, "key": "k"}):
            print(json.dumps(task), file=into, flush=True)
            assert select([out], [], [], 20)[0]
            assert from_json(json.loads(out.readline())) == walk(store, **task)
        print("{}", file=into, flush=True)
        assert from_json(json.loads(out.readline())) == Walked()


def test_a_file_that_is_no_log_is_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the check says so, rather than that a process ended."""
    path = tmp_path / "review.db"
    path.write_bytes(b"no database, and longer than the head of one" * 99)
    monkeypatch.setattr("sys.stdin", io.StringIO('{"after": 0}\n'))
    try:
        side_by_side.main(path)
    finally:
        gc.enable()
    assert json.loads(capsys.readouterr().out) == {
        "refused": f"{path} can't be read as a database (file is not a database), so it was not checked."
    }


@pytest.mark.parametrize("alone", [0, side_by_side.ALONE])
def test_every_process_is_given_the_sizes_that_lie_in_its_stretch(
    reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch, alone: int
) -> None:
    """Also the one with which it ends, and the only one: nobody has to walk again for the tree at it."""
    monkeypatch.setattr(side_by_side, "ALONE", alone)
    monkeypatch.setattr(side_by_side, "STRETCH", 16)
    path = reviewed_folder / "review.db"
    with inspection.opened(path) as store:
        sizes = [1, 16, 17]
        walks = side_by_side.Walks(path, store, inspection.log_end(store), sizes, lambda done: None)
        with walks.begun():
            found = walks.ended()
        assert found == walk(store, sizes=sizes) and found.places.keys() >= {*sizes}


def test_the_key_a_damaged_opening_names_is_none() -> None:
    """Nothing is then signed with it."""

    def key_of(*payloads: str) -> str:
        return side_by_side._opening_key((1, "e", "p", payload, "h") for payload in payloads)

    assert key_of('{"detail": {"public_key": "k"}}', '{"detail": {"public_key": "l"}}') == "k"
    assert (key_of(), key_of("{"), key_of("{}"), key_of("[]")) == ("", "", "", "")


@pytest.mark.parametrize(
    ("may_use", "has", "processes"), [(3, 9, 3), (9, 1, 4), (None, 2, 2), (None, None, 1)]
)
def test_no_more_processes_walk_than_processors_may_be_used(
    may_use: int | None, has: int | None, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four at most; where nobody can tell how many this process may use, as many as there are, or one."""
    monkeypatch.setattr("os.cpu_count", lambda: has)
    if may_use is None:
        monkeypatch.delattr("os.sched_getaffinity", raising=False)
    else:
        mine = {0: set(range(may_use))}
        monkeypatch.setattr("os.sched_getaffinity", mine.__getitem__, raising=False)
    assert side_by_side._processes() == processes
