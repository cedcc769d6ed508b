"""What a check says of the checkpoints somebody holds, word for word: signed notes and places, without a log."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hitl_review.domain.checkpoint import Checkpoint, SignedNote, key_id, write_note
from hitl_review.domain.verification import Problem
from hitl_review.errors import AuditError
from hitl_review.store.keys import raw_public_key
from hitl_review.workflow.checkpointing import (
    Held,
    checkpoint_problems,
    held_in,
    held_in_log,
    held_in_text,
    named,
    raw_hash,
)
from hitl_review.workflow.log_keys import LogKeys

KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
PUBLIC = raw_public_key(KEY)
KEYS = LogKeys("abc", (0,), (base64.b64encode(PUBLIC).decode(),))
ROOT, HEAD = b"\x05" * 32, "d" * 64
PLACES = {3: (ROOT, HEAD), 7: (ROOT, HEAD)}


def note(checkpoint: Checkpoint) -> SignedNote:
    """A checkpoint with its signature."""
    short = key_id(checkpoint.name, PUBLIC)
    return SignedNote(checkpoint.body, ((checkpoint.name, short, KEY.sign(checkpoint.body.encode())),))


def held(size: int = 3, source: str = "mine.txt", *, head: str = HEAD, origin: str = "abc") -> Held:
    """A checkpoint that somebody holds."""
    checkpoint = Checkpoint(origin, size, ROOT, head)
    return Held(source, note(checkpoint), checkpoint)


def text(each: Held) -> str:
    """The note as it is kept in a file."""
    return write_note(each.note.body, each.note.signatures)


def said(*checkpoints: Held) -> list[str]:
    """What is said of checkpoints, all of it about none of the events."""
    found = list(checkpoint_problems(checkpoints, KEYS, PLACES))
    assert {(each.seq, each.kind) for each in found} <= {(None, "checkpoint")}
    return [each.message for each in found]


# Against the log


def test_of_what_fits_nothing_is_said() -> None:
    """However many are held, also of one size."""
    assert said(held(), held(7), held(3, "other.txt")) == []


@pytest.mark.parametrize(
    ("checkpoint", "fault"),
    [
        (
            held(8),
            "the checkpoint of 8 events (mine.txt): the log is shorter now: events were cut off, or an older "
            "copy was put back",
        ),
        (
            held(head="e" * 64),
            "the checkpoint of 3 events (mine.txt): the log was written anew: its first events "
            "are not the ones that were signed",
        ),
        (held(origin="xyz"), "the checkpoint of 3 events (mine.txt): it belongs to another log"),
        (
            replace(held(), note=replace(held().note, signatures=held(7).note.signatures)),
            "the checkpoint of 3 events (mine.txt): its signature is not that of its text",
        ),
    ],
)
def test_what_does_not_fit_is_said(checkpoint: Held, fault: str) -> None:
    """With its size and where it came from; and those behind it are still looked at."""
    assert said(checkpoint, held(7)) == [fault]
    assert said(held(7), checkpoint) == [fault]


def test_a_root_that_is_another_is_found_by_itself() -> None:
    """Two trees can have the same last leaf."""
    (problem,) = checkpoint_problems([held()], KEYS, {3: (b"\x06" * 32, HEAD)})
    assert "written anew" in problem.message


def test_two_versions_of_one_size_contradict_each_other() -> None:
    """The first and the one that differs from it are named; other sizes and other logs are other things."""
    other = held(3, "theirs.txt", head="e" * 64)
    both = "(mine.txt, theirs.txt): the log was shown in two versions"
    assert said(held(), held(7, "seven.txt"), other)[1:] == [
        f"two checkpoints of 3 events contradict each other {both}"
    ]
    assert not any(
        "contradict" in words for words in said(held(), held(origin="xyz"), held(7, head="e" * 64))
    )


def test_a_signature_that_was_found_to_hold_is_not_asked_for_again() -> None:
    """But only where it is that of the key in force, and of this log."""
    unsigned = replace(held(), note=SignedNote("", ()))
    fault = "the checkpoint of 3 events (mine.txt): it is not signed with the key that this log names"
    assert said(replace(unsigned, proved=KEYS.keys[0])) == []
    assert said(replace(unsigned, proved="another")) == [fault]
    assert said(unsigned) == [fault]
    without = LogKeys("abc", (0,), ("",))
    assert [each.message for each in checkpoint_problems([unsigned], without, PLACES)] == [fault]
    elsewhere = replace(held(origin="xyz"), proved=KEYS.keys[0])
    assert said(elsewhere) == ["the checkpoint of 3 events (mine.txt): it belongs to another log"]


# In the log, and in files


def test_the_log_tells_of_the_event_before_each() -> None:
    """A note that is about another size, or told with another, is a problem, and is still checked."""
    first, second = held(3), held(7)
    listed = [(4, {"note": text(first), "size": 3}, "key"), (9, {"note": text(second), "size": 7}, "")]
    misplaced = Problem(9, "checkpoint", "its note is not about the event before it")
    assert list(held_in_log(listed)) == [
        replace(first, source="event 4", proved="key"),
        misplaced,
        replace(second, source="event 9"),
    ]
    (problem, _) = held_in_log([(4, {"note": text(first), "size": 4}, "")])
    assert problem == replace(misplaced, seq=4)


def test_a_note_of_the_log_that_can_not_be_read_is_a_problem() -> None:
    """And those behind it are read."""
    unread, nothing, good = held_in_log(
        [(2, {"note": "no note"}, ""), (3, {"note": ""}, ""), (4, {"note": text(held()), "size": 3}, "")]
    )
    assert unread == Problem(
        2,
        "checkpoint",
        "its note can't be read: This is no signed note: an empty line and a signature line are expected at its end.",
    )
    assert isinstance(nothing, Problem) and (nothing.seq, nothing.kind) == (3, "checkpoint")
    assert good == replace(held(), source="event 4")


def test_files_hold_one_note_or_many(tmp_path: Path) -> None:
    """Each is known by the file it came from, in the order of the files."""
    (tmp_path / "one.txt").write_text(text(held()), encoding="utf-8")
    (tmp_path / "two.txt").write_text(f"{text(held(7))}\n{text(held(3))}\n", encoding="utf-8")
    found = held_in([tmp_path / "one.txt", tmp_path / "two.txt"])
    assert [(each.source, each.checkpoint.size) for each in found] == [
        (str(tmp_path / name), size) for name, size in (("one.txt", 3), ("two.txt", 7), ("two.txt", 3))
    ]
    assert found[0] == replace(held(), source=str(tmp_path / "one.txt"))


def test_what_mail_makes_of_a_text_is_read() -> None:
    """Other line ends, and a mark in front."""
    assert held_in_text("\ufeff" + text(held()).replace("\n", "\r\n"), "mine.txt") == [held()]


def test_a_text_without_any_is_refused() -> None:
    """An empty one has not been checked against."""
    with pytest.raises(AuditError) as refused:
        held_in_text(" \n", "mine.txt")
    assert (
        str(refused.value)
        == "The checkpoint file mine.txt is empty, so nothing was checked. Name the right one."
    )


def test_a_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    """With the reason."""
    with pytest.raises(AuditError) as refused:
        held_in([tmp_path / "none.txt"])
    reason = f"[Errno 2] No such file or directory: '{tmp_path / 'none.txt'}'"
    assert (
        str(refused.value)
        == f"The checkpoint file {tmp_path / 'none.txt'} can't be read ({reason}), so nothing was checked."
    )


def test_a_checkpoint_is_one_line_of_a_report() -> None:
    """Its size, its head, its source."""
    assert named([held(), held(7, "other")]) == (
        f"3 events, head {HEAD} (mine.txt)",
        f"7 events, head {HEAD} (other)",
    )


@pytest.mark.parametrize(
    ("value", "found"), [("0aff", b"\x0a\xff"), ("no hash", b"no hash"), (7, b"7"), ("\udcff", b"\xff")]
)
def test_a_damaged_hash_stands_for_its_text(value: str, found: bytes) -> None:
    """A tree over it is another one, and no error."""
    assert raw_hash(value) == found
