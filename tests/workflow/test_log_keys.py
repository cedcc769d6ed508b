"""Which key signs at which size, and whose word a note is: with real keys, and no log around them."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hitl_review.domain.checkpoint import Checkpoint, SignedNote, key_id, write_note
from hitl_review.domain.rotation import Rotation
from hitl_review.domain.verification import Problem
from hitl_review.store.keys import raw_public_key
from hitl_review.workflow.log_keys import LogKeys, key_that_signed, keys_of, raw, signature_fault

PRIVATE = [Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in range(4)]
FIRST, SECOND, THIRD, OTHER = (base64.b64encode(raw_public_key(key)).decode() for key in PRIVATE)
PUBLIC = {
    text: (private, raw_public_key(private))
    for text, private in zip((FIRST, SECOND, THIRD, OTHER), PRIVATE, strict=True)
}
OPENING = {"origin": "abc", "public_key": FIRST}
HEAD = "d" * 64


def change(
    old: str, new: str, *, seq: int = 5, head: str = HEAD, signer: str | None = None
) -> tuple[int, str, dict[str, Any]]:
    """The event of a change of the key, as the log tells it: number, previous hash, detail."""
    rotation = Rotation("abc", seq - 1, head, old, new)
    signature = PUBLIC[signer or old][0].sign(rotation.statement.encode())
    return seq, HEAD, rotation.detail(base64.b64encode(signature).decode())


def signed(checkpoint: Checkpoint, *signers: str, name: str | None = None) -> SignedNote:
    """A checkpoint's note with the signatures of some keys."""
    name = name or checkpoint.name
    return SignedNote(
        checkpoint.body,
        tuple(
            (name, key_id(name, public), private.sign(checkpoint.body.encode()))
            for private, public in (PUBLIC[signer] for signer in signers)
        ),
    )


def at(size: int, origin: str = "abc") -> Checkpoint:
    """A checkpoint of some size."""
    return Checkpoint(origin, size, b"\x05" * 32, HEAD)


# Keys


def test_a_key_signs_from_the_event_on_that_names_it() -> None:
    """The one the log was opened with signs before; each is named by the one before it."""
    keys, problems = keys_of(OPENING, [change(FIRST, SECOND), change(SECOND, THIRD, seq=9)])
    assert (keys, problems) == (LogKeys("abc", (0, 5, 9), (FIRST, SECOND, THIRD)), [])
    assert [keys.at(size) for size in (0, 4, 5, 8, 9, 100)] == [FIRST, FIRST, SECOND, SECOND, THIRD, THIRD]


def test_an_opening_that_names_nothing_names_no_key() -> None:
    """A damaged first event is told where the log is walked."""
    assert keys_of({}, []) == (LogKeys("", (0,), ("",)), [])


UNTOLD = change(FIRST, SECOND)
ALTERED = change(FIRST, SECOND)
del UNTOLD[2]["new"]
ALTERED[2]["statement"] += "x"
ELSEWHERE = "the change of the key is not about this place of the log, or not about the key in force"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            UNTOLD,
            "the change of the key can't be trusted: it does not tell what a change of the key has to tell",
        ),
        (
            ALTERED,
            "the change of the key can't be trusted: the statement that was signed is not the one its numbers make",
        ),
        ((6, *change(FIRST, SECOND)[1:]), ELSEWHERE),
        (change(FIRST, SECOND, head="e" * 64), ELSEWHERE),
        (change(OTHER, SECOND), ELSEWHERE),
        (change(FIRST, SECOND, signer=OTHER), "the change of the key is not signed with the old key"),
    ],
)
def test_a_change_that_can_not_be_trusted_changes_nothing(
    wrong: tuple[int, str, dict[str, Any]], message: str
) -> None:
    """It is told, and the next one that can be trusted counts."""
    keys, problems = keys_of(OPENING, [wrong, change(FIRST, THIRD, seq=9)])
    assert problems == [Problem(wrong[0], "key", message)]
    assert keys == LogKeys("abc", (0, 9), (FIRST, THIRD))


@pytest.mark.parametrize(
    ("text", "found"), [("AAEC", b"\0\1\2"), ("AA", b""), ("A*AEC", b""), ("ä", b""), ("", b"")]
)
def test_what_is_no_base64_is_nothing(text: str, found: bytes) -> None:
    """And nothing is signed with it."""
    assert raw(text) == found


# Notes

KEYS = LogKeys("abc", (0, 5), (FIRST, SECOND))


@pytest.mark.parametrize(
    ("note", "checkpoint", "fault"),
    [
        (signed(at(4), FIRST), at(4), None),
        (signed(at(5), OTHER, SECOND), at(5), None),
        (signed(at(4, "other"), FIRST), at(4, "other"), "it belongs to another log"),
        (signed(at(5), FIRST), at(5), "it is not signed with the key that this log names"),
        (signed(at(4), FIRST, name="x"), at(4), "it is not signed with the key that this log names"),
        (SignedNote(at(4).body, ()), at(4), "it is not signed with the key that this log names"),
        (
            SignedNote(at(4).body, signed(at(3), FIRST).signatures),
            at(4),
            "its signature is not that of its text",
        ),
        (
            SignedNote(at(4).body, signed(at(3), FIRST).signatures + signed(at(4), FIRST).signatures),
            at(4),
            None,
        ),
    ],
)
def test_a_note_is_believed_if_the_key_in_force_signed_it(
    note: SignedNote, checkpoint: Checkpoint, fault: str | None
) -> None:
    """One good signature is enough, whoever else signed, and whatever else is wrong."""
    assert signature_fault(note, checkpoint, KEYS) == fault


def told(note: SignedNote) -> dict[str, object]:
    """The detail of the event of a checkpoint."""
    return {"note": write_note(note.body, note.signatures)}


def test_the_key_that_signed_is_found_among_some() -> None:
    """The first that did; an empty one never."""
    by_both = told(signed(at(4), FIRST, SECOND))
    assert key_that_signed(by_both, ["", OTHER, SECOND, FIRST]) == SECOND
    assert key_that_signed(by_both, (FIRST, FIRST)) == FIRST
    assert key_that_signed(by_both, ["", OTHER, "no key"]) == ""
    forged = SignedNote(at(4).body, signed(at(3), FIRST).signatures)
    assert key_that_signed(told(forged), [FIRST]) == ""
    twice = SignedNote(at(4).body, forged.signatures + signed(at(4), FIRST).signatures)
    assert key_that_signed(told(twice), [FIRST]) == FIRST


@pytest.mark.parametrize("detail", [{}, {"note": ""}, {"note": "no note"}, {"note": 7}])
def test_nobody_signed_what_is_no_note(detail: dict[str, object]) -> None:
    """Nor is it an error here: the check of notes tells of it."""
    assert key_that_signed(detail, [FIRST]) == ""
