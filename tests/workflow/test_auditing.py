"""Verification names what was altered, says what it can't tell, and survives whatever state a file is in."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hitl_review.domain.account import Actor
from hitl_review.domain.audit import GENESIS, Event, chain_hash
from hitl_review.domain.checkpoint import Checkpoint, Frontier, SignedNote, write_note
from hitl_review.domain.verification import TRUNCATION, Problem
from hitl_review.errors import AuditError, NotPermitted, WorkspaceMissing
from hitl_review.store import audit, counterparts, inspection, models, schema
from hitl_review.store.checkpoints import ANCHOR_FILE
from hitl_review.store.connection import sqlite3 as sqlite_that_is_used
from hitl_review.workflow import auditing, file_problems, side_by_side, stretches
from hitl_review.workflow.auditing import MOST_KEYS, MOST_PROBLEMS, history, line_of, verify, verify_file
from hitl_review.workflow.checkpointing import Held, publish_checkpoint
from hitl_review.workflow.log_keys import LogKeys
from hitl_review.workflow.stretches import Walked, walk
from hitl_review.workflow.workspace import Workspace, open_workspace
from tests.tampering import contents, payloads_of, rechain, tamper, tampered
from tests.ward import Clock


def kinds(folder: Path) -> set[str]:
    """The kinds of everything that a check finds."""
    return {problem.kind for problem in verify(folder).problems}


# What a result says


def test_a_clean_result_names_the_head_and_what_it_can_not_tell(reviewed_folder: Path) -> None:
    """Without a checkpoint nobody can exclude that the tail was cut off or all of it written anew."""
    found = verify(reviewed_folder)
    with open_workspace(reviewed_folder) as workspace:
        end = audit.head(workspace.store)
    assert (found.ok, found.events, found.head) == (True, end.size, end.hash)
    assert found.warnings == (TRUNCATION,)
    assert TRUNCATION == "truncation or rewriting after the last checkpoint you hold cannot be excluded"


def test_the_result_as_json_has_the_keys_of_the_specification(reviewed_folder: Path) -> None:
    """One object that a program can read, clean or not."""
    tamper(
        reviewed_folder,
        "UPDATE audit_log SET payload = replace(payload, 'reader-1', 'reader-9') WHERE seq = 3",
    )
    told = json.loads(json.dumps(verify(reviewed_folder).as_json()))
    assert list(told) == ["ok", "events", "head", "first_bad_seq", "problems", "checkpoints", "warnings"]
    assert told["ok"] is False
    assert told["first_bad_seq"] == 3
    assert told["problems"][0].keys() == {"seq", "kind", "message"}
    assert isinstance(told["checkpoints"], list)


def test_every_checkpoint_that_is_held_is_compared(reviewed_folder: Path, tmp_path: Path) -> None:
    """Those of files and those of texts, in the order in which they were given, each by its name."""
    with open_workspace(reviewed_folder) as workspace:
        notes = {name: publish_checkpoint(workspace) for name in ("first", "second", "third")}
    (tmp_path / "first").write_text(notes.pop("first"), encoding="utf-8")
    found = verify(reviewed_folder, checkpoints=[tmp_path / "first"], notes=notes)
    assert found.ok and len(found.checkpoints) == 3
    assert found.warnings == (f"{TRUNCATION}; yours reaches to event {found.events - 1}",)
    assert all(name in told for name, told in zip(("first", *notes), found.checkpoints, strict=True))
    with tampered(reviewed_folder) as connection:
        connection.execute("DELETE FROM audit_log WHERE seq > 20")
    messages = [each.message for each in verify(reviewed_folder, notes=notes).problems]
    assert all(any(f"({name}): the log is shorter" in each for each in messages) for name in notes)


def test_a_file_of_checkpoints_of_another_log_is_told_of(reviewed_folder: Path) -> None:
    """In words that say what may have happened: nothing in the database contradicts itself."""
    body = Checkpoint("another", 9, bytes(32), "0" * 64)
    note = write_note(body.body, [(body.name, b"kkkk", b"s" * 64)])
    (reviewed_folder / ANCHOR_FILE).write_text(note, encoding="utf-8")
    words = "the file of checkpoints beside it is of another log, whose place this one may have taken"
    assert verify(reviewed_folder).problems == (Problem(None, "checkpoint", words),)


def test_verification_writes_nothing(reviewed_folder: Path) -> None:
    """Not a row, not an event, not a byte of the file."""
    before = (reviewed_folder / "review.db").read_bytes()
    verify(reviewed_folder)
    assert (reviewed_folder / "review.db").read_bytes() == before


def test_progress_is_told_up_to_the_end(reviewed_folder: Path) -> None:
    """A page can draw a bar."""
    steps: list[tuple[int, int]] = []
    found = verify(reviewed_folder, progress=lambda done, total: steps.append((done, total)))
    assert steps[-1] == (2 * found.events, 2 * found.events)


def test_progress_is_told_step_by_step(reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each event is two steps, of which the walk is the first."""
    monkeypatch.setattr(stretches, "STEP", 10)
    steps: list[tuple[int, int]] = []
    found = verify(reviewed_folder, progress=lambda done, total: steps.append((done, total)))
    total = 2 * found.events
    assert steps == [*((2 * done, total) for done in range(10, found.events + 1, 10)), (total, total)]


def test_a_long_log_is_found_by_the_processes_that_walk_it(
    reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the database lies."""
    monkeypatch.setattr(side_by_side, "ALONE", 1)
    assert verify(reviewed_folder).ok


def test_writers_do_not_disturb_a_running_check(workspace: Workspace, folder: Path) -> None:
    """Everything is seen as it was when the check began, also an event that is appended half-way."""
    before = audit.head(workspace.store)

    def append(done: int, total: int) -> None:
        with workspace.store.transaction():
            audit.append(workspace.store, "audit.viewed", "log:events", {})

    append(0, 0)
    found = verify(folder, progress=append)
    assert found.ok
    assert found.events == before.size + 1
    assert verify(folder).events == before.size + 2


def test_what_the_event_of_a_checkpoint_says_besides_its_note_is_checked() -> None:
    """The key in force at its size, and the tree of the events before it, where the walk came by it."""
    tree = Frontier().grown([b"1" * 32, b"2" * 32, b"3" * 32])
    peaks = [peak.hex() for peak in tree.peaks]
    right = {"key": "first", "frontier": peaks}
    keys = LogKeys("abc", (0, 4), ("first", "second"))

    def said(seq: int, detail: dict[str, object], seen: int = 3) -> list[tuple[int | None, str, str]]:
        walked = Walked(checkpoints=[(seq, detail, "")], places={seen: (tree, "")})
        return [(each.seq, each.kind, each.message) for each in auditing._told_with_checkpoints(walked, keys)]

    another_key = "it names another key than the one in force"
    another_tree = "the tree that it tells of is not that of the log"
    assert said(4, right) == [] and said(4, {**right, "frontier": []}, seen=2) == []
    assert said(5, right, seen=4) == [(5, "checkpoint", another_key)]
    assert said(4, {**right, "key": "second"}) == [(4, "checkpoint", another_key)]
    assert said(4, {**right, "frontier": peaks[:1]}) == [(4, "checkpoint", another_tree)]
    assert said(4, {}) == [(4, "checkpoint", another_key), (4, "checkpoint", another_tree)]


@pytest.mark.parametrize(
    ("problems", "since", "told"),
    [
        (MOST_PROBLEMS - 1, 150, []),
        (MOST_PROBLEMS, 150, ["the check stopped after 1,000 problems"]),
        (0, 151, ["no checkpoint was published for the last 151 events; see `hitl-review doctor`"]),
    ],
)
def test_a_warning_says_what_was_not_checked(problems: int, since: int, told: list[str]) -> None:
    """Where the check stopped, what no checkpoint covers, and of what kind the program knows nothing."""
    unknown = Counter({"b.new\u202e": 2, "a.new": 1})
    walked = Walked(checkpoints=[(7, {}, ""), (3, {}, "")], unknown=unknown)
    assert auditing._warnings(problems, 7 + since, [], walked) == (
        TRUNCATION,
        *told,
        "1 events of the action 'a.new', which this program does not know, were checked as links of the chain only",
        "2 events of the action 'b.new\\\\u202e', which this program does not know, were checked as links of the"
        " chain only",
    )


def test_root_and_head_at_the_size_of_each_checkpoint_are_those_of_the_rows(reviewed: Workspace) -> None:
    """Whether the walk came by that size or not, up to the last event, and none behind it; also of a broken log."""
    size = audit.head(reviewed.store).size
    hashes = list(inspection.hashes(reviewed.store))
    held = [
        Held("held.txt", SignedNote("", ()), Checkpoint("abc", each, b"", ""))
        for each in (3, 7, size, size + 1)
    ]
    rows = {
        each: (Frontier().grown(map(bytes.fromhex, hashes[:each])).root, hashes[each - 1])
        for each in (3, 7, size)
    }
    walked = walk(reviewed.store, sizes=[3, 5])
    assert set(walked.places) >= {3, 5}
    assert auditing._places(reviewed.store, held, walked) == rows
    elsewhere = {3: (Frontier(), "another")}
    for broken in (
        Walked(chain=[Problem(2, "chain", "")], places=elsewhere, frontier=walked.frontier),
        Walked(whole=False, places=elsewhere, frontier=walked.frontier),
    ):
        assert auditing._places(reviewed.store, held, broken) == rows


@pytest.mark.parametrize("number", [0, 1, MOST_KEYS, MOST_KEYS + 1, MOST_KEYS + 1_234])
def test_keys_that_nobody_knows_are_named_up_to_a_number(number: int) -> None:
    """Letter by letter, and no longer than a line; of the others it is told how many there are."""
    keys = [f"k{each:05}\nof two lines" for each in range(number)]
    walked = Walked(more=Counter({f"case.opened\n{key}": 3 for key in keys}))
    rest = number - MOST_KEYS
    assert auditing._warnings(0, 0, [], walked)[1:] == (
        *(
            f"3 events of the action 'case.opened' tell 'k{each:05}\\\\u000aof two lines', which this program does not"
            " know and nobody looks at"
            for each in range(min(number, MOST_KEYS))
        ),
        *([f"{rest:,} more such keys are not named here"] if rest > 0 else []),
    )


@pytest.mark.parametrize("wrong", ["nothing", "whole", "chain", "told"])
def test_the_order_of_jobs_is_asked_for_where_all_their_events_can_be_heard(reviewed: Workspace, wrong: str) -> None:
    """Where one may be missing, it is not."""
    walked = Walked(jobs=[(1, "job.started", "j-1", "monitor", 1, "then")])
    walked.whole = wrong != "whole"
    walked.chain = [Problem(1, "chain", "")] if wrong == "chain" else []
    walked.told = [Problem(1, "payload", "")] if wrong == "told" else []
    assert bool(list(auditing._of_jobs(reviewed.store, walked))) == (wrong == "nothing")


def test_jobs_that_can_not_be_read_are_told_as_such(reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And all else is checked."""

    def broken(store: object) -> list[object]:
        raise sqlite_that_is_used.DatabaseError("no such column: of ours")

    monkeypatch.setattr(counterparts, "jobs_that_stand", broken)
    assert [each.message for each in verify(reviewed_folder).problems] == [
        "the jobs can't be read to the end: no such column: of ours"
    ]


@pytest.mark.parametrize(
    ("reached", "last", "told"), [(0, 0, False), (0, 1, True), (1, 151, False), (1, 152, True), (9, 3, False)]
)
def test_a_file_of_checkpoints_that_ends_too_soon_is_told_of(reached: int, last: int, told: bool) -> None:
    """At all where it holds none of the log's; what a crash kept out of it comes later, and is no warning."""
    held = [
        Held("checkpoints.txt", SignedNote("", ()), Checkpoint(origin, size, b"", ""))
        for origin, size in (("abc", reached), ("another", 999))
        if size
    ]
    checkpoints: list[tuple[int, dict[str, object], str]] = [(last + 1, {}, ""), (1, {}, "")]
    walked = Walked(opening={"origin": "abc"}, checkpoints=checkpoints if last else [])
    words = (
        f"the workspace's own file of checkpoints reaches to event {reached}, and the log's own to event {last};"
        " what a crash kept out of it comes with the next one"
    )
    assert auditing._not_anchored(held, walked) == ((words,) if told else ())
    assert auditing._not_anchored([], Walked()) == ()


def test_a_file_of_checkpoints_that_is_gone_is_a_warning(reviewed_folder: Path) -> None:
    """And none where a file is checked that lies somewhere without one, such as a backup."""
    with open_workspace(reviewed_folder) as workspace:
        publish_checkpoint(workspace)
    assert "own file" not in str(verify(reviewed_folder).warnings)
    (reviewed_folder / ANCHOR_FILE).unlink()
    assert verify(reviewed_folder).ok and "own file" in verify(reviewed_folder).warnings[-1]
    assert "own file" not in str(verify_file(reviewed_folder / "review.db").warnings)


@pytest.mark.parametrize(("events", "told"), [(150, False), (151, True)])
def test_a_long_log_without_any_checkpoint_is_told_of(events: int, told: bool) -> None:
    """From its first event on, none is covered."""
    words = f"no checkpoint was published for the last {events} events; see `hitl-review doctor`"
    assert (words in auditing._warnings(0, events, [], Walked())) == told


# Attacks on the log; those that break the chain are in tests/attacks


def test_a_cut_tail_is_found_by_the_rows_it_leaves_behind(reviewed_folder: Path) -> None:
    """The chain alone would hold; the decision whose event is gone gives it away."""
    tamper(reviewed_folder, "DELETE FROM audit_log WHERE seq > 26")
    found = verify(reviewed_folder)
    assert "chain" not in {problem.kind for problem in found.problems}
    assert "event_missing" in {problem.kind for problem in found.problems}


def test_an_older_copy_of_the_whole_file_verifies(reviewed_folder: Path, tmp_path: Path) -> None:
    """Yesterday's file contradicts nothing: this is what the standing warning is about."""
    shutil.copytree(reviewed_folder, tmp_path / "yesterday")
    with open_workspace(reviewed_folder) as workspace, workspace.store.transaction():
        audit.append(workspace.store, "audit.viewed", "log:events", {})
    found = verify(tmp_path / "yesterday")
    assert found.ok
    assert TRUNCATION in found.warnings


@pytest.mark.parametrize(
    "payload",
    [
        '{"a":1,"a":1}',
        '{"a":1e400}',
        '{"a":NaN}',
        '{"a":1.0}',
        '{"b":1,"a":1}',
        '{"a": 1}',
        '{"a":"\\ud800"}',
        '{"a":"\\u0000"}',
        '{"a":1152921504606846976}',
        "[" * 900 + "]" * 900,
        "[]",
        "{}",
        "null",
    ],
)
def test_a_payload_that_is_not_canonical_is_found_under_a_chain_that_holds(
    reviewed_folder: Path, payload: str
) -> None:
    """A JSON text that two programs may read differently must not stand in the log."""
    with tampered(reviewed_folder) as connection:
        last, previous = connection.execute(
            "SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1"
        ).fetchone()
        values = (last + 1, "forged-event", previous, payload, chain_hash(previous, payload))
        connection.execute("INSERT INTO audit_log VALUES (?, ?, ?, ?, ?)", values)
    found = verify(reviewed_folder)
    assert [(problem.seq, problem.kind) for problem in found.problems if problem.kind != "integrity"] == [
        (last + 1, "payload")
    ]


def test_columns_and_payload_that_disagree_are_found(reviewed_folder: Path) -> None:
    """The number and the id are hashed inside the payload, so the columns can't say something else."""
    tamper(reviewed_folder, "UPDATE audit_log SET event_id = 'another-event' WHERE seq = 2")
    found = verify(reviewed_folder)
    assert (2, "payload") in {(problem.seq, problem.kind) for problem in found.problems}


def test_a_time_that_goes_back_unannounced_is_found(reviewed_folder: Path) -> None:
    """Only clock.regressed may step back."""
    with tampered(reviewed_folder) as connection:
        changed = payloads_of(connection)
        changed[-1]["at"] = "2020-01-01T00:00:00.000000Z"
        rechain(connection, changed)
    found = verify(reviewed_folder)
    assert (len(changed), "clock") in {(problem.seq, problem.kind) for problem in found.problems}


def test_a_time_that_went_back_and_was_announced_is_fine(
    workspace: Workspace, folder: Path, clock: Clock
) -> None:
    """A clock that is set right is recorded, not punished."""
    clock.advance(-7200)
    with workspace.store.transaction():
        audit.append(workspace.store, "audit.viewed", "log:events", {})
    assert [event.told["action"] for event in audit.latest(workspace.store, limit=2)] == [
        "audit.viewed",
        "clock.regressed",
    ]
    assert verify(folder).problems == ()


def test_a_forged_announcement_is_found(reviewed_folder: Path) -> None:
    """clock.regressed has to tell the very time it steps back from."""
    with tampered(reviewed_folder) as connection:
        changed = payloads_of(connection)
        forged = {
            **changed[-1],
            "event_id": "forged-event",
            "action": "clock.regressed",
            "subject": "log:clock",
            "at": "2020-01-01T00:00:00.000000Z",
            "detail": {"previous_at": "2020-01-02T00:00:00.000000Z", "at": "2020-01-01T00:00:00.000000Z"},
        }
        rechain(connection, [*changed, forged])
    assert kinds(reviewed_folder) == {"clock"}


@pytest.mark.parametrize("place", [0, -1])
def test_a_log_that_does_not_begin_with_its_opening_is_found(reviewed_folder: Path, place: int) -> None:
    """log.opened carries the log's identity: it is the first event, and no other is one."""
    with tampered(reviewed_folder) as connection:
        changed = payloads_of(connection)
        if place == 0:
            rechain(connection, changed[1:])
        else:
            rechain(
                connection, [*changed, {**changed[0], "event_id": "forged-event", "at": changed[-1]["at"]}]
            )
    assert "payload" in kinds(reviewed_folder)


def test_who_had_no_account_in_a_role_is_told_of_in_these_words(reviewed_folder: Path) -> None:
    """At the first event in that name."""
    with tampered(reviewed_folder) as connection:
        changed = payloads_of(connection)
        stranger = {**changed[-1], "action": "audit.viewed", "subject": "log:events", "actor": "nobody"}
        rechain(connection, [*changed, *({**stranger, "event_id": f"forged-{place}"} for place in range(2))])
    words = "it is told in the name of somebody who had no account in that role"
    assert verify(reviewed_folder).problems == (Problem(len(changed) + 1, "payload", words),)


def test_an_action_of_a_newer_program_is_a_warning(reviewed_folder: Path) -> None:
    """Actions may be added, so an older program can't call them wrong; it says what it could not check."""
    with tampered(reviewed_folder) as connection:
        changed = payloads_of(connection)
        newer = {**changed[-1], "event_id": "newer-event", "action": "consensus.reached"}
        rechain(connection, [*changed, newer])
    found = verify(reviewed_folder)
    assert found.ok
    assert any("consensus.reached" in warning for warning in found.warnings)


def test_a_file_that_is_wrong_as_a_whole_does_not_fill_the_screen(reviewed_folder: Path) -> None:
    """The check stops after a thousand problems and says so."""
    with tampered(reviewed_folder) as connection:
        for seq in range(100, 100 + 2 * MOST_PROBLEMS, 2):
            values = (seq, f"forged-{seq}", GENESIS, "{}", f"{seq:064d}")
            connection.execute("INSERT INTO audit_log VALUES (?, ?, ?, ?, ?)", values)
    found = verify(reviewed_folder)
    assert len(found.problems) == MOST_PROBLEMS
    assert any("stopped" in warning for warning in found.warnings)


def test_no_more_problems_are_told_than_are_looked_for(
    reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever they lie: the first ones are told, and that there may be more."""
    tamper(reviewed_folder, "UPDATE reads SET label = 'x'", "DROP INDEX decisions_first")
    every = verify(reviewed_folder)
    assert len(every.problems) > 3
    monkeypatch.setattr(auditing, "MOST_PROBLEMS", 3)
    found = verify(reviewed_folder)
    assert found.problems == every.problems[:3]
    assert found.warnings == (*every.warnings, "the check stopped after 3 problems")


@pytest.mark.parametrize("more", [0, 1, 2000])
def test_of_many_faults_of_a_kind_the_first_are_told_and_how_many_more_there_are(
    reviewed: Workspace, more: int
) -> None:
    """Nobody reads them all, and what else is wrong has to be told as well."""
    faults = [f"fault {place}" for place in range(file_problems.MOST_OF_A_KIND + more)]
    found = list(file_problems._named(reviewed.store, "schema", lambda store: faults))
    told = [Problem(None, "schema", each) for each in faults[: file_problems.MOST_OF_A_KIND]]
    rest = [Problem(None, "schema", f"and {more:,} more of this kind")] if more else []
    assert found == [*told, *rest]


# Attacks on the database around the log


@pytest.mark.parametrize(
    ("statements", "name"),
    [
        (["DROP TRIGGER audit_log_no_update"], "audit_log_no_update"),
        (["DROP TRIGGER decisions_no_delete"], "decisions_no_delete"),
        (["DROP INDEX decisions_first"], "decisions_first"),
        (
            [
                "DROP TRIGGER audit_log_no_delete",
                "CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log BEGIN SELECT 1; END",
            ],
            "audit_log_no_delete",
        ),
        (
            ["CREATE TRIGGER x_sqlite_migrations BEFORE INSERT ON reads BEGIN SELECT RAISE(IGNORE); END"],
            "x_sqlite_migrations",
        ),
        (["CREATE TRIGGER reads BEFORE INSERT ON reads BEGIN SELECT RAISE(IGNORE); END"], "trigger 'reads'"),
        (["CREATE VIEW shadow AS SELECT * FROM decisions"], "shadow"),
        (["ALTER TABLE reads RENAME TO old_reads"], "reads"),
        (["ALTER TABLE reads RENAME COLUMN label TO verdict"], "reads"),
        (["ALTER TABLE decisions ADD COLUMN approved TEXT"], "decisions"),
        (["DROP TABLE worklist"], "worklist"),
        (["DROP TABLE snapshots"], "snapshots"),
        (["UPDATE _sqlite_migrations SET name = 'm000'"], "migrations"),
    ],
)
def test_a_changed_schema_is_named_and_the_check_goes_on(
    reviewed_folder: Path, statements: list[str], name: str
) -> None:
    """Such a database is opened by no other step; the check works on it and says what is wrong."""
    events = verify(reviewed_folder).events
    connection = sqlite3.connect(reviewed_folder / "review.db", isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()
    found = verify(reviewed_folder)
    assert any(problem.kind == "schema" and name in problem.message for problem in found.problems), (
        found.as_lines()
    )
    assert found.events == events


def test_a_database_without_the_log_is_a_finding(reviewed_folder: Path) -> None:
    """The check could be made, and its answer is no."""
    connection = sqlite3.connect(reviewed_folder / "review.db", isolation_level=None)
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("DROP TABLE audit_log")
    connection.close()
    found = verify(reviewed_folder)
    assert not found.ok
    assert found.events == 0
    assert {"schema", "unreadable"} <= {problem.kind for problem in found.problems}


def test_an_emptied_database_is_a_finding(reviewed_folder: Path) -> None:
    """No rows contradict no events, but a log begins with its opening."""
    with tampered(reviewed_folder) as connection:
        for table in ("worklist", *schema.TABLES, "audit_log"):
            connection.execute(f"DELETE FROM {table}")
    found = verify(reviewed_folder)
    assert found.problems == (Problem(None, "chain", "the log is empty; its first event must be log.opened"),)
    assert (found.head, found.events) == (GENESIS, 0)


def test_a_row_that_points_at_nothing_is_found(reviewed_folder: Path) -> None:
    """Foreign keys are checked even if somebody wrote with them off."""
    tamper(reviewed_folder, "UPDATE reveals SET prediction_id = 'P-none' WHERE rowid = 1")
    assert "foreign_key" in kinds(reviewed_folder)


def test_an_index_that_was_changed_alone_is_found(reviewed_folder: Path) -> None:
    """Bytes changed in an index leave every row right; a lookup through it would still lie."""
    path = reviewed_folder / "review.db"
    connection = sqlite3.connect(path)
    root = connection.execute(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_audit_log_1'"
    ).fetchone()[0]
    size = connection.execute("PRAGMA page_size").fetchone()[0]
    victim = connection.execute("SELECT event_id FROM audit_log WHERE seq = 5").fetchone()[0].encode()
    connection.close()
    content = bytearray(path.read_bytes())
    place = content.index(victim, (root - 1) * size, root * size)
    content[place] ^= 1
    path.write_bytes(content)
    assert "integrity" in kinds(reviewed_folder)


def test_a_row_whose_bytes_were_changed_in_the_file_is_found(reviewed_folder: Path) -> None:
    """No SQL, no trigger: only the file was edited."""
    path = reviewed_folder / "review.db"
    content = path.read_bytes()
    assert content.count(b"Walks the stairs") == 2  # the decision, and its event
    for which in (content.index(b"Walks the stairs"), content.rindex(b"Walks the stairs")):
        path.write_bytes(content[:which] + b"Talks" + content[which + 5 :])
        assert not verify(reviewed_folder).ok


@pytest.mark.parametrize("page", range(2, 40, 3))
def test_a_wiped_page_is_a_finding_and_no_crash(reviewed_folder: Path, page: int) -> None:
    """A damaged disk gives a report, whichever page it hits."""
    path = reviewed_folder / "review.db"
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    assert not verify(reviewed_folder).ok


def failing(code: int, words: str) -> Callable[..., Iterator[object]]:
    """Something that is read, and fails half-way with an error of SQLite's."""
    error = sqlite_that_is_used.DatabaseError(words)
    error.sqlite_errorcode = code

    def fails(*asked: object) -> Iterator[object]:
        raise error
        yield

    return fails


@pytest.mark.parametrize(
    ("where", "name", "what"),
    [
        (file_problems, "schema_faults", "the schema"),
        (inspection, "layout_faults", "the schema"),
        (inspection, "migration_faults", "the schema"),
        (inspection, "integrity_faults", "the integrity"),
        (inspection, "rule_faults", "the integrity"),
        (inspection, "foreign_key_faults", "the foreign_key"),
        (counterparts, "accounts_since", "the accounts"),
        (inspection, "hashes", "the checkpoints"),
    ],
)
def test_what_can_not_be_read_is_named_and_the_rest_is_checked(
    reviewed_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: object,
    name: str,
    what: str,
) -> None:
    """A damaged page ends a part of the check; what is wrong elsewhere is found all the same."""
    with open_workspace(reviewed_folder) as workspace:
        note = publish_checkpoint(workspace)
    tamper(reviewed_folder, "UPDATE decisions SET comment = 'another' WHERE rowid = 1")
    tamper(reviewed_folder, "UPDATE audit_log SET prev_hash = hash WHERE seq = 2")
    problems = verify(reviewed_folder, notes={"mine": note}).problems
    monkeypatch.setattr(where, name, failing(11, "database disk image is malformed"))
    words = f"{what} can't be read to the end: database disk image is malformed"
    found = verify(reviewed_folder, notes={"mine": note}).problems
    assert set(found) == {*problems, Problem(None, "unreadable", words)}
    assert len(problems) > 1


@pytest.mark.parametrize(
    ("where", "name"),
    [(inspection, "log_end"), (inspection, "integrity_faults"), (counterparts, "accounts_since")],
)
def test_a_check_that_is_disturbed_half_way_is_no_verdict(
    reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch, where: object, name: str
) -> None:
    """Somebody's lock says nothing about the file, so nothing is said about the log."""
    monkeypatch.setattr(where, name, lambda *asked: next(failing(5, "database is locked")()))
    with pytest.raises(AuditError) as refused:
        verify(reviewed_folder)
    place = reviewed_folder / "review.db"
    assert (
        str(refused.value) == f"The check of {place} could not be finished (database is locked). Try again."
    )


# When the check can't be made


def test_without_a_workspace_there_is_nothing_to_check(tmp_path: Path) -> None:
    """A wrong folder is told apart from a wrong log, and no empty database is left there."""
    with pytest.raises(WorkspaceMissing, match="no workspace"):
        verify(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"not a database" * 400, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_file_that_is_no_database_can_not_be_checked(tmp_path: Path, content: bytes) -> None:
    """That is no verdict about a log."""
    (tmp_path / "review.db").write_bytes(content)
    with pytest.raises(AuditError, match="not checked"):
        verify(tmp_path)


def test_a_locked_database_can_not_be_checked(reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's exclusive lock is not a fault of the log."""
    monkeypatch.setattr("hitl_review.store.inspection.BUSY_SECONDS", 0.1)
    holder = sqlite3.connect(reviewed_folder / "review.db", isolation_level=None)
    holder.execute("PRAGMA journal_mode = DELETE")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(AuditError, match="locked"):
        verify(reviewed_folder)
    holder.close()
    assert verify(reviewed_folder).ok


def test_any_file_can_be_checked_by_name(reviewed_folder: Path, tmp_path: Path) -> None:
    """A copy that an auditor was given has its own name and place."""
    shutil.copy(reviewed_folder / "review.db", tmp_path / "given to the auditor?.db")
    assert verify_file(tmp_path / "given to the auditor?.db").ok


# Reading the log


def test_the_newest_events_come_first_and_can_be_paged(reviewed: Workspace, auditor: Actor) -> None:
    """A page of events, and the page before it."""
    size = audit.head(reviewed.store).size
    newest = history(reviewed, limit=3, actor=auditor)
    earlier = history(reviewed, limit=3, before=newest[-1].seq, actor=auditor)
    assert [event.seq for event in newest] == [size, size - 1, size - 2]
    assert [event.seq for event in earlier] == [size - 3, size - 4, size - 5]


def test_one_case_s_whole_story_can_be_asked_for(reviewed: Workspace, auditor: Actor) -> None:
    """The superseded decision stays visible beside the one that replaced it."""
    actions = [event.told["action"] for event in history(reviewed, subject="case:C-2", actor=auditor)]
    assert actions == [
        "decision.amended",
        "case.opened",
        "decision.overridden",
        "prediction.shown",
        "read.committed",
        "case.opened",
    ]


def test_actions_can_be_asked_for_by_kind(reviewed: Workspace, auditor: Actor) -> None:
    """`decision.%` is every decision."""
    found = history(reviewed, action="decision.%", actor=auditor)
    assert {event.told["action"].partition(".")[0] for event in found} == {"decision"}
    assert len(found) == 5


def test_that_somebody_looked_is_logged(reviewed: Workspace, auditor: Actor) -> None:
    """Who reads the log stands in it, with what was asked."""
    history(reviewed, limit=2, subject="case:C-1", actor=auditor)
    event = audit.latest(reviewed.store, limit=1)[0].told
    assert (event["action"], event["actor"]) == ("audit.viewed", "auditor-1")
    assert event["detail"] == {"limit": 2, "before": None, "subject": "case:C-1", "action": None, "events": 2}


def test_a_reader_may_not_read_the_log(reviewed: Workspace, reader: Actor) -> None:
    """Roles are checked here, not on a page."""
    before = contents(reviewed.folder)
    with pytest.raises(NotPermitted, match="audit log"):
        history(reviewed, actor=reader)
    assert contents(reviewed.folder) == before


def test_at_least_one_event_must_be_asked_for(reviewed: Workspace, auditor: Actor) -> None:
    """A limit below one is a mistake, and SQLite would take -1 for all."""
    with pytest.raises(AuditError, match="At least one"):
        history(reviewed, limit=-1, actor=auditor)


def test_one_event_may_be_asked_for_and_fifty_come_unasked(reviewed: Workspace, auditor: Actor) -> None:
    """A page of the log is fifty events."""
    assert len(history(reviewed, limit=1, actor=auditor)) == 1
    with reviewed.store.transaction():
        for _ in range(60):
            audit.append(reviewed.store, "audit.viewed", "log:events", {})
    assert len(history(reviewed, actor=auditor)) == 50


def test_a_long_digest_is_cut_short_on_a_line(reviewed: Workspace, auditor: Actor) -> None:
    """Twelve of its letters tell it from others."""
    line = line_of(history(reviewed, action="model.promoted", actor=auditor)[0])
    model = models.champion(reviewed.store).digest
    assert f"model {model[:19]}…" in line
    assert not line.endswith(" ")


def test_an_event_reads_as_one_line_without_its_comment(reviewed: Workspace, auditor: Actor) -> None:
    """Number, time, who, what, about what; free text and long digests are left to the full view."""
    event = history(reviewed, action="decision.overridden", actor=auditor)[0]
    line = line_of(event)
    assert line.split("  ")[-5:-1] == [
        "2026-11-22 09:13:04 UTC",
        "reader-1 (reader)",
        "decision.overridden",
        "case:C-2",
    ]
    assert "reason seen_patient" in line
    assert "stairs" not in line
    assert "\n" not in line


def test_characters_that_mislead_are_shown_as_codes(workspace: Workspace) -> None:
    """A name that turns the line around, or hides a character, is seen for what it is."""
    with workspace.store.transaction():
        event = audit.append(
            workspace.store,
            "account.created",
            "account:eve",
            {"name": "Eve\u202enimda\u200b\n\u3164", "role": "reader"},
        )
    assert "Eve\\u202enimda\\u200b\\u000a\\u3164" in line_of(event)


SIGNED = {"name": "Rita Reader", "meaning": "review", "at": "2026-11-22T09:13:04.000001Z"}


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ({"signature": SIGNED}, "  signed Rita Reader, review, 2026-11-22 09:13:04 UTC"),
        (
            {
                "label": "died",
                "outcome": "accepted",
                "count": 0,
                "reason": None,
                "comment": "Free.",
                "signature": SIGNED,
            },
            "  outcome accepted, label died, count 0, signed Rita Reader, review, 2026-11-22 09:13:04 UTC",
        ),
        ({"label": "died", "signature": None}, "  label died"),
        ({"label": "died", "signature": {"name": ""}}, "  label died"),
        (
            {"model": "sha256:" + "ab" * 32, "name": "a name of more than nineteen letters"},
            "  name a name of more than nineteen letters, model sha256:abababababab…",
        ),
        ({}, ""),
    ],
)
def test_a_line_tells_these_words(detail: dict[str, object], words: str) -> None:
    """Columns of one width, what was decided in one order, the signature with name, meaning and time."""
    told = {"at": SIGNED["at"], "actor": "rita", "role": "reader", "action": "a.b", "subject": "case:C-1"}
    event = Event(42, "e-1", "0", json.dumps({**told, "detail": detail}), "1")
    assert line_of(event) == f"    42  2026-11-22 09:13:04 UTC  rita (reader)  a.b  case:C-1{words}"
