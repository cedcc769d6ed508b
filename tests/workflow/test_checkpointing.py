"""A log is checked against what an auditor holds."""

from __future__ import annotations

import base64
import errno
import json
import os
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from hitl_review.domain.account import Actor
from hitl_review.domain.audit import GENESIS, chain_hash
from hitl_review.domain.canonical import canonical_json
from hitl_review.domain.checkpoint import Frontier, read_checkpoint, read_note
from hitl_review.domain.verification import TRUNCATION
from hitl_review.errors import AuditError, HitlError, NotPermitted, WorkspaceError
from hitl_review.store import audit, keys
from hitl_review.store.checkpoints import anchor_path
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.checkpointing import places_in, publish_checkpoint, write_checkpoint
from hitl_review.workflow.workspace import Workspace

Forge = Callable[[list[dict[str, object]]], list[dict[str, object]]]


@pytest.fixture
def held(reviewed: Workspace, tmp_path: Path) -> Path:
    """A checkpoint of the ward's log, kept by an auditor; the log has gone on since."""
    write_checkpoint(reviewed, tmp_path / "held.txt")
    with reviewed.store.transaction():
        audit.append(reviewed.store, "case.opened", "case:C-1", {})
    return tmp_path / "held.txt"


def rewrite(workspace: Workspace, forge: Forge, *, key: Path | None = None) -> None:
    """Write the whole log anew as somebody would who owns the file: every hash fits again."""
    workspace.store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection = sqlite3.connect(workspace.store.path)
    payloads = [
        json.loads(row[0]) for row in connection.execute("SELECT payload FROM audit_log ORDER BY seq")
    ]
    triggers = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE tbl_name='audit_log' AND type='trigger'"
    ).fetchall()
    connection.execute("PRAGMA foreign_keys = OFF")
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("DELETE FROM audit_log")
    previous = GENESIS
    for seq, told in enumerate(forge(payloads), start=1):
        payload = canonical_json({**told, "seq": seq})
        this = chain_hash(previous, payload)
        connection.execute(
            "INSERT INTO audit_log VALUES (?, ?, ?, ?, ?)", (seq, told["event_id"], previous, payload, this)
        )
        previous = this
    for _, sql in triggers:
        connection.execute(sql)
    connection.commit()
    connection.close()


def test_an_honest_log_that_went_on_fits_its_checkpoint(reviewed: Workspace, held: Path) -> None:
    """And the report says how far yours reaches."""
    found = verify(reviewed.folder, checkpoints=[held])
    assert found.ok and len(found.checkpoints) == 1
    assert found.warnings[0].startswith(f"{TRUNCATION}; yours reaches to event")


def test_without_one_the_report_says_what_it_can_not_tell(reviewed: Workspace) -> None:
    """In the words of the specification."""
    assert verify(reviewed.folder).warnings[0] == TRUNCATION


def test_a_log_that_was_cut_short_is_found(reviewed: Workspace, held: Path) -> None:
    """The chain of what is left is whole, and so is every record it tells of."""
    rewrite(reviewed, lambda payloads: payloads[:-4])
    assert any("shorter now" in each.message for each in verify(reviewed.folder, checkpoints=[held]).problems)


def test_a_comment_that_was_changed_in_a_log_written_anew_is_found(reviewed: Workspace, held: Path) -> None:
    """Though every hash fits again, and the row was changed with it."""

    def forge(payloads: list[dict[str, object]]) -> list[dict[str, object]]:
        return [
            json.loads(json.dumps(each).replace("Walks the stairs", "Walks no stairs")) for each in payloads
        ]

    rewrite(reviewed, forge)
    with reviewed.store.transaction():
        reviewed.store.db.execute("DROP TRIGGER decisions_no_update")
        reviewed.store.write(
            "UPDATE decisions SET comment = replace(comment, 'Walks the stairs', 'Walks no stairs')"
        )
        reviewed.store.db.execute(
            "CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions BEGIN\n"
            "  SELECT RAISE(ABORT, 'decisions is append-only: no row may be changed');\nEND"
        )
    alone = [each for each in verify(reviewed.folder).problems if each.kind != "checkpoint"]
    assert alone == []
    against = verify(reviewed.folder, checkpoints=[held])
    assert any("written anew" in each.message and "held.txt" in each.message for each in against.problems)


def test_another_logs_checkpoint_is_said_to_be_that(reviewed: Workspace, held: Path) -> None:
    """By its origin."""
    text = held.read_text(encoding="utf-8")
    held.write_text(re.sub(r"example/\w+", "example/" + "0" * 32, text), encoding="utf-8")
    assert "belongs to another log" in verify(reviewed.folder, checkpoints=[held]).problems[0].message


def test_a_note_that_was_altered_is_not_believed(reviewed: Workspace, held: Path) -> None:
    """Its signature is not that of its text."""
    text = held.read_text(encoding="utf-8")
    held.write_text(re.sub(r"(?m)^(\d+)$", lambda size: str(int(size[1]) - 1), text), encoding="utf-8")
    assert (
        "signature is not that of its text" in verify(reviewed.folder, checkpoints=[held]).problems[0].message
    )


def test_a_note_signed_with_another_key_is_not_believed(
    reviewed: Workspace, held: Path, tmp_path: Path
) -> None:
    """A log written anew would name another key, and then the old checkpoints do not fit it."""

    def forge(payloads: list[dict[str, object]]) -> list[dict[str, object]]:
        (tmp_path / "forger").mkdir()
        public_key = base64.b64encode(keys.create_key(tmp_path / "forger")).decode()
        payloads[0]["detail"]["public_key"] = public_key  # type: ignore[index]
        return payloads

    rewrite(reviewed, forge)
    problems = verify(reviewed.folder, checkpoints=[held]).problems
    assert any("not signed with the key that this log names" in each.message for each in problems)


def test_two_heads_of_one_size_are_told_as_two_versions(
    reviewed: Workspace, held: Path, tmp_path: Path
) -> None:
    """Somebody was shown another log."""
    text = held.read_text(encoding="utf-8")
    (tmp_path / "other.txt").write_text(re.sub(r"head \w{8}", "head 00000000", text), encoding="utf-8")
    problems = verify(reviewed.folder, checkpoints=[held, tmp_path / "other.txt"]).problems
    assert any("two versions" in each.message for each in problems)


def test_yesterdays_copy_put_back_is_found(reviewed: Workspace, tmp_path: Path) -> None:
    """It is a valid log, and shorter than the one that was signed."""
    reviewed.store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    (tmp_path / "yesterday").mkdir()
    shutil.copy(reviewed.store.path, tmp_path / "yesterday" / "review.db")
    with reviewed.store.transaction():
        audit.append(reviewed.store, "case.opened", "case:C-1", {})
    write_checkpoint(reviewed, tmp_path / "today.txt")
    assert verify(tmp_path / "yesterday").ok
    assert not verify(tmp_path / "yesterday", checkpoints=[tmp_path / "today.txt"]).ok


def test_a_checkpoint_is_an_event_and_is_in_the_file(reviewed: Workspace) -> None:
    """On request, at once."""
    note = publish_checkpoint(reviewed)
    told = list(audit.events(reviewed.store))[-1].told
    assert (told["action"], told["actor"], told["detail"]["note"]) == ("checkpoint.published", "system", note)
    assert (reviewed.folder / "checkpoints.txt").read_text(encoding="utf-8").endswith(f"{note}\n")


def test_who_takes_a_checkpoint_along_is_told_and_is_under_it(reviewed: Workspace, auditor: Actor) -> None:
    """The program tells of what it signs, so that a person asked for it is an event of its own, before."""
    note = publish_checkpoint(reviewed, actor=auditor)
    asked, made = (event.told for event in list(audit.events(reviewed.store))[-2:])
    acted = (asked["action"], asked["actor"], asked["subject"], asked["detail"])
    assert acted == ("audit.exported", auditor.account_id, "log:checkpoint", {"format": "checkpoint"})
    assert (made["action"], made["detail"]["note"]) == ("checkpoint.published", note)
    assert read_checkpoint(read_note(note).body).size == asked["seq"] and verify(reviewed.folder).ok


def test_nobody_else_may_write_into_the_file(reviewed: Workspace) -> None:
    """However open the umask is: what another user puts there would raise an alarm."""
    anchor_path(reviewed.folder).unlink(missing_ok=True)
    before = os.umask(0)
    try:
        publish_checkpoint(reviewed)
    finally:
        os.umask(before)
    assert anchor_path(reviewed.folder).stat().st_mode & 0o777 == 0o644


def test_a_promotion_is_followed_by_one(reviewed: Workspace) -> None:
    """So that which model was in use when can't be told otherwise later."""
    actions = [event.told["action"] for event in audit.events(reviewed.store)]
    assert actions[actions.index("model.promoted") + 1] == "checkpoint.published"


def test_a_reader_can_not_publish(reviewed: Workspace, reader: Actor) -> None:
    """An auditor can."""
    with pytest.raises(NotPermitted, match="auditor"):
        publish_checkpoint(reviewed, actor=reader)


def test_a_kept_checkpoint_is_never_overwritten(reviewed: Workspace, held: Path) -> None:
    """It is somebody's proof."""
    before = held.read_bytes()
    with pytest.raises(HitlError, match="already"):
        write_checkpoint(reviewed, held)
    assert held.read_bytes() == before


def test_a_checkpoint_that_can_not_be_kept_is_not_published(reviewed: Workspace, tmp_path: Path) -> None:
    """A folder that is not there is told in a sentence, and the log knows of no checkpoint more."""
    before = audit.head(reviewed.store)
    with pytest.raises(WorkspaceError, match="no checkpoint was published"):
        write_checkpoint(reviewed, tmp_path / "nowhere" / "held.txt")
    assert audit.head(reviewed.store) == before


def test_a_checkpoint_that_is_not_published_leaves_no_file(
    reviewed: Workspace, tmp_path: Path, reader: Actor
) -> None:
    """Neither for who may not, nor without the key."""
    with pytest.raises(NotPermitted):
        write_checkpoint(reviewed, tmp_path / "held.txt", actor=reader)
    (reviewed.folder / keys.KEY_FILE).unlink()
    with pytest.raises(WorkspaceError, match="signing key"):
        write_checkpoint(reviewed, tmp_path / "held.txt")
    assert not (tmp_path / "held.txt").exists()


@pytest.mark.parametrize("content", [b"", b"no note at all", b"\xff\xfe"])
def test_a_file_that_holds_no_checkpoint_can_not_be_checked_against(
    reviewed: Workspace, tmp_path: Path, content: bytes
) -> None:
    """The check is then not made, rather than passed."""
    (tmp_path / "wrong.txt").write_bytes(content)
    with pytest.raises(AuditError):
        verify(reviewed.folder, checkpoints=[tmp_path / "wrong.txt"])


def test_why_a_file_can_not_be_checked_against_is_said(reviewed: Workspace, tmp_path: Path) -> None:
    """Which file, what is wrong with it, and that nothing was checked."""
    (tmp_path / "wrong.txt").write_text("hitl-review.example/abc\n7\n", encoding="utf-8")
    with pytest.raises(AuditError) as refused:
        verify(reviewed.folder, checkpoints=[tmp_path / "wrong.txt"])
    assert str(refused.value) == (
        f"The checkpoint file {tmp_path / 'wrong.txt'} can't be used: This is no signed note: an empty line and a "
        "signature line are expected at its end. Nothing was checked."
    )


def test_root_and_head_are_told_at_each_size_that_was_reached() -> None:
    """And at no other; the root is that of all events up to there."""
    hashes = [chain_hash(GENESIS, str(number)) for number in range(6)]
    leaves = [bytes.fromhex(each) for each in hashes]
    assert places_in({1, 4, 5, 7}, iter(hashes)) == {
        size: (Frontier().grown(leaves[:size]).root, hashes[size - 1]) for size in (1, 4, 5)
    }


def test_a_copy_that_found_no_room_is_not_kept(
    reviewed: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkpoint is published all the same, and where it is, is said."""

    def full(file: int) -> None:
        out.unlink()  # somebody took it away meanwhile
        raise OSError(errno.ENOSPC, "No space left on device")

    before, out = audit.head(reviewed.store).size, tmp_path / "held.txt"
    sync, calls = os.fsync, []
    # The file of the workspace is written first and the copy last.
    monkeypatch.setattr(
        os, "fsync", lambda file: (calls.append(file), full(file) if len(calls) > 1 else sync(file))
    )
    with pytest.raises(WorkspaceError) as refused:
        write_checkpoint(reviewed, out)
    assert str(refused.value) == (
        f"{out} can't be written (No space left on device), so no copy was kept. The checkpoint is in the log and in "
        "the workspace's own file of checkpoints; make room, and ask for another."
    )
    assert audit.head(reviewed.store).size == before + 1 and not out.exists()


def test_why_no_copy_can_be_begun_is_said(reviewed: Workspace, tmp_path: Path) -> None:
    """Because one is there, or because nothing can be."""
    (tmp_path / "held.txt").touch()
    with pytest.raises(WorkspaceError) as refused:
        write_checkpoint(reviewed, tmp_path / "held.txt")
    assert (
        str(refused.value)
        == f"{tmp_path / 'held.txt'} is there already, so no checkpoint was written. Name another file."
    )
    nowhere = tmp_path / "nowhere" / "held.txt"
    with pytest.raises(WorkspaceError) as refused:
        write_checkpoint(reviewed, nowhere)
    reason = "No such file or directory"
    assert (
        str(refused.value)
        == f"{nowhere} can't be written ({reason}), so no checkpoint was published. Name another file."
    )


def test_a_copy_is_the_note_that_was_published(reviewed: Workspace, tmp_path: Path, auditor: Actor) -> None:
    """By whom it was asked for is in the log; the note alone is in the file."""
    note = write_checkpoint(reviewed, tmp_path / "held.txt", actor=auditor)
    assert (tmp_path / "held.txt").read_text(encoding="utf-8") == note
    assert (reviewed.folder / "checkpoints.txt").read_text(encoding="utf-8").endswith(f"{note}\n")
