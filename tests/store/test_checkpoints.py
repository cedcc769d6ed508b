"""Checkpoints are published when they are due, in the log and beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.checkpoint import Checkpoint, Frontier, read_notes, write_note
from hitl_review.errors import AuditError, WorkspaceError
from hitl_review.store import audit, checkpoints, keys
from hitl_review.store.connection import Store
from hitl_review.workflow.workspace import create_workspace, open_workspace
from tests.tampering import payloads_of, rechain, tampered


@pytest.fixture
def log(tmp_path: Path, project_text: str) -> Iterator[Store]:
    """The store of a new workspace, watched: two events so far."""
    create_workspace(tmp_path / "new", project_text)
    with open_workspace(tmp_path / "new") as workspace:
        yield workspace.store


def grow(store: Store, events: int) -> None:
    """Append events, each in a transaction of its own."""
    for _ in range(events):
        with store.transaction():
            audit.append(store, "case.opened", "case:C-1", {})


def actions(store: Store) -> list[str]:
    """The actions of all events, in order."""
    return [event.told["action"] for event in audit.events(store)]


def test_one_is_due_each_time_the_log_passes_a_hundred(log: Store, tmp_path: Path) -> None:
    """At 100 and at 200 events, in the same transaction, and in the file."""
    grow(log, 97)
    assert "checkpoint.published" not in actions(log)
    grow(log, 1)
    assert actions(log)[99:] == ["case.opened", "checkpoint.published"]
    grow(log, 99)
    assert actions(log).count("checkpoint.published") == 2
    text = (tmp_path / "new" / "checkpoints.txt").read_text(encoding="utf-8")
    assert [checkpoint.size for _, checkpoint in read_notes(text)] == [100, 200]


def test_a_log_without_an_event_has_no_size(store: Store) -> None:
    """And the first event makes it one."""
    assert checkpoints.size_of(store) == 0
    with pytest.raises(AuditError) as refused:
        checkpoints.origin_of(store)
    assert str(refused.value) == "The log is empty, so there is no head to publish. Make the workspace anew."
    grow(store, 1)
    assert checkpoints.size_of(store) == 1


def test_the_newest_note_is_the_one_that_was_published_last(log: Store) -> None:
    """There is none before the first."""
    assert checkpoints.newest_note(log) is None
    grow(log, 250)
    assert checkpoints.newest_note(log) == checkpoints.notes(log)[-1]
    assert len(checkpoints.notes(log)) == 2


def test_a_batch_that_passes_a_hundred_is_followed_by_one(log: Store) -> None:
    """However many events one transaction writes."""
    with log.transaction():
        for _ in range(250):
            audit.append(log, "case.opened", "case:C-1", {})
    assert actions(log).count("checkpoint.published") == 1
    assert actions(log)[-1] == "checkpoint.published"


def test_what_is_rolled_back_leaves_no_checkpoint(log: Store, tmp_path: Path) -> None:
    """Neither in the log nor in the file."""
    grow(log, 97)
    with pytest.raises(KeyboardInterrupt), log.transaction():
        audit.append(log, "case.opened", "case:C-1", {})
        raise KeyboardInterrupt
    assert checkpoints.size_of(log) == 99 and not (tmp_path / "new" / "checkpoints.txt").exists()


def test_the_tree_goes_on_from_the_last_checkpoint(log: Store) -> None:
    """And is the same as if it were built anew."""
    grow(log, 340)
    size = checkpoints.size_of(log)
    hashes = [bytes.fromhex(row["hash"]) for row in log.rows("SELECT hash FROM audit_log ORDER BY seq")]
    for part in (1, 50, 100, 101, 250, size):
        assert checkpoints.frontier_at(log, part) == Frontier().grown(hashes[:part])


def test_a_missing_key_stops_nobody_from_deciding(log: Store, tmp_path: Path) -> None:
    """The act is stored; a checkpoint that is asked for says what is missing."""
    (tmp_path / "new" / keys.KEY_FILE).unlink()
    grow(log, 110)
    assert "checkpoint.published" not in actions(log)
    with pytest.raises(WorkspaceError, match="signing key"), log.transaction():
        checkpoints.publish(log, tmp_path / "new")


def test_what_could_not_be_published_is_not_made_up_for_before_the_next_hundred(
    log: Store, tmp_path: Path
) -> None:
    """The key came back when the log held just a hundred: the next event makes nothing due."""
    path = tmp_path / "new" / keys.KEY_FILE
    path.rename(tmp_path / "away")
    grow(log, 98)
    (tmp_path / "away").rename(path)
    grow(log, 1)
    assert checkpoints.size_of(log) == 101 and "checkpoint.published" not in actions(log)


def test_another_key_signs_nothing(log: Store, tmp_path: Path) -> None:
    """The log names the key it was made with."""
    (tmp_path / "new" / keys.KEY_FILE).unlink()
    keys.create_key(tmp_path / "new")
    with pytest.raises(WorkspaceError) as refused, log.transaction():
        checkpoints.publish(log, tmp_path / "new")
    assert (
        str(refused.value)
        == "The signing key is not the one this log names. Put back the one made with the workspace."
    )


@pytest.mark.parametrize(
    ("action", "detail"),
    [
        ("log.opened", {"origin": "abc"}),
        ("log.opened", {"origin": "abc", "public_key": 7}),
        ("log.opened", {"origin": "abc", "public_key": "not base64"}),
        ("log.opened", ["abc"]),
        ("checkpoint.published", {"key": 7}),
        ("checkpoint.published", ["key"]),
    ],
)
def test_a_log_that_does_not_tell_of_its_key_is_signed_with_none(
    log: Store, tmp_path: Path, action: str, detail: object
) -> None:
    """Whoever asks for a checkpoint is told where to look."""
    with log.transaction():
        checkpoints.publish(log, tmp_path / "new")
    with tampered(tmp_path / "new") as connection:
        payloads = payloads_of(connection)
        for each in payloads:
            if each["action"] == "checkpoint.published":
                del each["detail"]["key"]
            if each["action"] == action:
                each["detail"] = detail
        rechain(connection, payloads)
    with pytest.raises(AuditError) as refused:
        checkpoints.key_in_force(log)
    assert (
        str(refused.value) == "The log does not tell of its key as it must. Run `hitl-review audit verify`."
    )


def test_what_a_crash_kept_out_of_the_file_comes_with_the_next(log: Store, tmp_path: Path) -> None:
    """Nothing is written twice, and nothing that stands there is touched."""
    path = tmp_path / "new" / "checkpoints.txt"
    grow(log, 98)
    first = path.read_bytes()
    grow(log, 99)
    path.write_bytes(first)
    grow(log, 100)
    sizes = [checkpoint.size for _, checkpoint in read_notes(path.read_text(encoding="utf-8"))]
    assert sizes == [100, 200, 300] and path.read_bytes().startswith(first)


def test_a_transaction_that_failed_or_added_nothing_makes_none_due(log: Store) -> None:
    """The hundredth event was undone with its checkpoint; the next step tells nobody of it."""
    grow(log, 97)
    with pytest.raises(ValueError, match="undone"), log.transaction():
        audit.append(log, "case.opened", "case:C-1", {})
        raise ValueError("undone")
    with log.transaction():
        pass
    assert (checkpoints.size_of(log), log.added) == (99, (0, 0))
    with log.transaction():
        for _ in range(3):
            audit.append(log, "case.opened", "case:C-1", {})
        assert log.added == (100, 102)
    assert (checkpoints.size_of(log), actions(log)[-1]) == (103, "checkpoint.published")


def test_a_file_that_holds_something_else_is_added_to(log: Store, tmp_path: Path) -> None:
    """What somebody wrote there is left as it is."""
    path = tmp_path / "new" / "checkpoints.txt"
    path.write_text("Kept by Ada.\n", encoding="utf-8")
    grow(log, 98)
    (note,) = checkpoints.notes(log)
    assert path.read_text(encoding="utf-8") == f"Kept by Ada.\n{note}\n"


def test_the_file_can_lie_elsewhere(log: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On another disk, where the log's owner may not write it anew."""
    monkeypatch.setenv("HITL_CHECKPOINTS", str(tmp_path / "elsewhere.txt"))
    grow(log, 98)
    assert read_notes((tmp_path / "elsewhere.txt").read_text(encoding="utf-8"))
    assert not (tmp_path / "new" / "checkpoints.txt").exists()


def test_a_file_that_can_not_be_written_stops_nobody(
    log: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The note is in the log."""
    monkeypatch.setenv("HITL_CHECKPOINTS", str(tmp_path / "no" / "such" / "folder.txt"))
    grow(log, 98)
    assert actions(log)[-1] == "checkpoint.published"


def test_one_that_is_asked_for_is_published_at_the_end_of_the_transaction(log: Store) -> None:
    """A promotion or an export asks; the next transaction does not publish again."""
    with log.transaction():
        checkpoints.ask(log)
        audit.append(log, "case.opened", "case:C-1", {})
    grow(log, 1)
    assert actions(log)[-3:] == ["case.opened", "checkpoint.published", "case.opened"]


def test_a_long_file_is_not_written_again(log: Store, tmp_path: Path) -> None:
    """Only its end is read, wherever a note is cut there, and what is new is added: each stands in it once."""
    for _ in range(30):
        with log.transaction():
            checkpoints.ask(log)
            audit.append(log, "case.opened", "case:C-1", {})
    text = (tmp_path / "new" / "checkpoints.txt").read_text(encoding="utf-8")
    assert len(text) > 2 * checkpoints.TAIL_BYTES
    assert [checkpoint.size for _, checkpoint in read_notes(text)] == list(range(3, 63, 2))


def noted(origin: str, size: int) -> str:
    """A whole note of a log of so many events, as it stands in a file; nobody signed it."""
    body = Checkpoint(origin, size, bytes(32), "0" * 64)
    return write_note(body.body, [(body.name, b"kkkk", b"s" * 64)]) + "\n"


@pytest.mark.parametrize(
    ("size", "reached"), [(1000, 200), (201, 200), (200, 200), (199, 100), (100, 100), (99, 0)]
)
def test_a_file_is_gone_on_with_from_the_last_checkpoint_that_this_log_reached(
    tmp_path: Path, size: int, reached: int
) -> None:
    """Neither from another log's, nor from one of a later copy of this log."""
    path = tmp_path / "checkpoints.txt"
    assert checkpoints._known(path, "mine", size) == ("", 0)
    text = noted("mine", 100) + noted("other", 150) + noted("mine", 200) + noted("other", 201)
    path.write_text(text, encoding="utf-8")
    assert checkpoints._known(path, "mine", size) == (text, reached)


def test_only_the_end_of_a_file_is_read_unless_there_is_nothing_of_this_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then all of it is, from its first letter to its last."""
    path, note = tmp_path / "checkpoints.txt", noted("mine", 200)
    monkeypatch.setattr(checkpoints, "TAIL_BYTES", len(note.encode()) + 9)
    text = noted("mine", 100) + noted("mine", 200)
    path.write_text(text, encoding="utf-8")
    assert checkpoints._known(path, "mine", 500) == (note, 200)
    text += noted("other", 300)
    path.write_bytes(text.encode() + b"\xff")
    assert checkpoints._known(path, "mine", 500) == (f"{text}\ufffd", 200)
    path.write_text("Kept by Ada.\n" * 99, encoding="utf-8")
    assert checkpoints._known(path, "mine", 500) == ("Kept by Ada.\n" * 99, 0)


def test_what_was_taken_out_of_the_file_is_not_put_back_behind_what_is_newer(
    log: Store, tmp_path: Path
) -> None:
    """Only what came after its last note is added."""
    path = tmp_path / "new" / "checkpoints.txt"
    grow(log, 300)
    first, second, third = checkpoints.notes(log)
    path.write_text(f"{first}\n{third}\n", encoding="utf-8")
    grow(log, 100)
    assert path.read_text(encoding="utf-8") == f"{first}\n{third}\n{checkpoints.notes(log)[-1]}\n"
    assert second in checkpoints.notes(log)


def test_a_checkpoint_costs_only_what_came_since_the_last(log: Store, tmp_path: Path) -> None:
    """Older hashes are not read again: one that was altered shows where the log is verified, not here."""
    grow(log, 120)
    size = checkpoints.size_of(log)
    before = checkpoints.frontier_at(log, size)
    with tampered(tmp_path / "new") as connection:
        connection.execute("UPDATE audit_log SET hash = ? WHERE seq = 5", ("ab" * 32,))
    assert checkpoints.frontier_at(log, size) == before


def test_a_note_says_what_the_log_is(log: Store, tmp_path: Path) -> None:
    """Origin, size, tree and head, in the product's own name, whoever's act made it due."""
    grow(log, 4)
    hashes = [row["hash"] for row in log.rows("SELECT hash FROM audit_log ORDER BY seq")]
    with log.transaction(Actor("anna", "Anna Berg", Role.APPROVER)):
        note = checkpoints.publish(log, tmp_path / "new")
    event = audit.latest(log, limit=1)[0].told
    found = read_notes(note)[0][1]
    root = Frontier().grown(map(bytes.fromhex, hashes)).root
    assert (found.size, found.root, found.head) == (6, root, hashes[-1])
    assert found.origin == next(audit.events(log)).told["detail"]["origin"]
    assert (event["actor"], event["subject"]) == ("system", "checkpoint:6")
    assert event["detail"]["note"] == note


def test_the_end_of_a_file_is_read_from_the_beginning_of_a_note(
    log: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it is cut: in a name, in a number, in the middle of a dash's three bytes."""
    for _ in range(4):
        with log.transaction():
            checkpoints.ask(log)
            audit.append(log, "case.opened", "case:C-1", {})
    path = tmp_path / "new" / "checkpoints.txt"
    size = path.stat().st_size
    assert [len(read_notes(_end(path, size - cut, monkeypatch))) for cut in (0, 1)] == [4, 3]
    for cut in range(size // 2):
        notes = read_notes(_end(path, size - cut, monkeypatch))
        assert notes[-1][1].size == 9, cut


def _end(path: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(checkpoints, "TAIL_BYTES", size)
    return checkpoints._tail(path)
