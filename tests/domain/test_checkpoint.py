"""Checkpoints: RFC 6962's trees and C2SP's notes, against published examples."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitl_review.domain.checkpoint import (
    Checkpoint,
    Frontier,
    inclusion_path,
    key_id,
    read_checkpoint,
    read_note,
    read_notes,
    readable_notes,
    root_from_path,
    write_note,
)
from hitl_review.errors import AuditError

# The leaves and roots of Certificate Transparency's reference tests.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
# The example of the signed-note format.
NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
NOTE_KEY = base64.b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:]
CHECKPOINT = Checkpoint("abc123", 7, b"\x05" * 32, "d" * 64)


@pytest.mark.parametrize(("size", "root"), ROOTS.items())
def test_the_root_is_the_published_one(size: int, root: str) -> None:
    """Known answers, from nothing to a full tree."""
    assert Frontier().grown(LEAVES[:size]).root.hex() == root


@given(st.lists(st.binary(max_size=40), max_size=70), st.integers(0, 70))
def test_a_tree_grows_without_its_leaves(leaves: list[bytes], cut: int) -> None:
    """In one step or in two, the root is the same; so a checkpoint costs only what came since the last."""
    at_once = Frontier().grown(leaves)
    assert Frontier().grown(leaves[:cut]).grown(leaves[cut:]) == at_once
    assert len(at_once.peaks) == at_once.size.bit_count()


@given(st.integers(1, 90), st.data())
def test_one_leaf_can_be_shown_to_be_in_the_tree(size: int, data: st.DataObject) -> None:
    """Its path leads to the root; another leaf, place or step does not."""
    leaves = [hashlib.sha256(str(number).encode()).digest() for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    root, path = Frontier().grown(leaves).root, inclusion_path(leaves, index)
    assert root_from_path(leaves[index], index, size, path) == root
    assert len(path) <= size.bit_length()
    assert root_from_path(b"another", index, size, path) != root
    if path:
        assert root_from_path(leaves[index], index, size, [b"\x00" * 32, *path[1:]]) != root


def test_a_place_outside_the_tree_is_refused() -> None:
    """There is no such event."""
    with pytest.raises(AuditError, match="no event 9 among 8"):
        inclusion_path(LEAVES, 8)
    with pytest.raises(AuditError, match="no event 9 among 8"):
        root_from_path(b"", 8, 8, [])
    with pytest.raises(AuditError, match="too short"):
        root_from_path(b"", 0, 8, [])


def test_a_leaf_can_not_pass_as_a_node() -> None:
    """Without the prefixes two leaves could be told as one."""
    two = Frontier().grown(LEAVES[:2])
    assert (
        Frontier().grown([b"".join(hashlib.sha256(b"\x00" + leaf).digest() for leaf in LEAVES[:2])]).root
        != two.root
    )


def test_the_published_note_is_read() -> None:
    """Its text, its one signature, and the id of its key."""
    note = read_note(NOTE)
    assert note.body.endswith("problem is.\n") and note.body.count("\n") == 2
    (name, short, signature) = note.signatures[0]
    assert (name, short) == ("PeterNeumann", key_id("PeterNeumann", NOTE_KEY))
    assert len(signature) == 64
    assert write_note(note.body, note.signatures) == NOTE


def test_a_checkpoint_is_four_lines() -> None:
    """As the specification has them."""
    assert CHECKPOINT.body == (
        "hitl-review.example/abc123\n7\nBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=\nhead " + "d" * 64 + "\n"
    )
    assert read_checkpoint(CHECKPOINT.body) == CHECKPOINT


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("hitl-review.example/", "example.com/"),
        ("/abc123", "/"),
        ("\n7\n", "\n07\n"),
        ("\n7\n", "\n0\n"),
        ("\n7\n", "\n-7\n"),
        ("BQUF", "BQU"),
        ("BQUF", "****"),
        ("head d", "head D"),
        ("head ", "tail "),
        ("\nhead", "\nmore\nhead"),
    ],
)
def test_what_is_no_checkpoint_of_ours_is_refused(old: str, new: str) -> None:
    """In one sentence that says to use the file as it was published."""
    assert old in CHECKPOINT.body
    with pytest.raises(AuditError, match="Use the file as it was published"):
        read_checkpoint(CHECKPOINT.body.replace(old, new, 1))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "no note",
        NOTE.rstrip("\n"),
        NOTE.replace("\u2014", "-"),
        NOTE.replace("x08go", "x08g%"),
        "a\n\n\u2014 b AAA=\n",
    ],
)
def test_what_is_no_signed_note_is_refused(text: str) -> None:
    """Whatever it is."""
    with pytest.raises(AuditError):
        read_note(text)


def test_a_file_of_many_notes_is_read_one_by_one() -> None:
    """As they were appended; a text without any gives none."""
    notes = [
        write_note(
            Checkpoint("abc123", size, b"\x01" * 32, "e" * 64).body,
            [("hitl-review.example/abc123", b"1234", b"s" * 64)],
        )
        for size in (3, 9, 27)
    ]
    found = read_notes("".join(f"{note}\n" for note in notes))
    assert [checkpoint.size for _, checkpoint in found] == [3, 9, 27]
    assert read_notes("\n \n") == []
    with pytest.raises(AuditError):
        read_notes(notes[0] + "\nsomething else\n")
    with pytest.raises(AuditError):
        read_notes(notes[0][:-1] + "X\n")
    with pytest.raises(AuditError):
        read_notes(notes[0][:-1] + " \n")


def test_every_leaf_of_every_small_tree_is_shown_to_be_in_it() -> None:
    """Exhaustive up to 40 leaves: the ragged right edge has rules of its own."""
    leaves = [hashlib.sha256(str(number).encode()).digest() for number in range(40)]
    for size in range(1, 41):
        root = Frontier().grown(leaves[:size]).root
        for index in range(size):
            path = inclusion_path(leaves[:size], index)
            assert root_from_path(leaves[index], index, size, path) == root, (size, index)


def test_a_note_may_hold_empty_lines_and_bear_two_signatures() -> None:
    """Its last empty line divides text and signatures; each signature has a line."""
    signatures = [("one.example/log", b"1234", b"s" * 64), ("two.example/log", b"5678", b"t" * 64)]
    text = write_note("first\n\nsecond\n", signatures)
    assert text.count("\n") == 6
    note = read_note(text)
    assert note.body == "first\n\nsecond\n"
    assert list(note.signatures) == signatures


def test_a_signature_needs_one_byte_behind_the_keys_name() -> None:
    """Four bytes name the key; what follows is checked by whoever knows the key."""
    assert read_note(write_note("a\n", [("b", b"1234", b"5")])).signatures == (("b", b"1234", b"5"),)
    with pytest.raises(AuditError, match="can't be read"):
        read_note(write_note("a\n", [("b", b"1234", b"")]))


@pytest.mark.parametrize("line", ["\u2014 b AAAAAAAAA\n", "\u2014 b AAAAAAAA=\n", "\u2014 b\n"])
def test_a_signature_that_is_no_base64_is_refused(line: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(AuditError) as refused:
        read_note("a\n\n" + line)
    assert (
        str(refused.value) == "A signature line of the note can't be read. Use the file as it was published."
    )


@pytest.mark.parametrize("text", ["no note\n", "a\n\n", "a\n\n\u2014 b AAAAAAAA"])
def test_what_a_note_lacks_is_said(text: str) -> None:
    """An empty line, a signature, or the end of its last line."""
    with pytest.raises(AuditError) as refused:
        read_note(text)
    assert (
        str(refused.value)
        == "This is no signed note: an empty line and a signature line are expected at its end."
    )


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hitl-review.example/abc123\n7\n",
        CHECKPOINT.body + "more\n",
        CHECKPOINT.body.replace("abc123", "abc/123"),
    ],
)
def test_a_body_of_another_shape_is_no_checkpoint(body: str) -> None:
    """Four lines, and one name with one origin."""
    with pytest.raises(AuditError) as refused:
        read_checkpoint(body)
    assert (
        str(refused.value)
        == "This note is no checkpoint of a hitl-review log. Use the file as it was published."
    )


@pytest.mark.parametrize(("old", "new"), [("BQUF", "BQ*UF"), ("BQUF", "BQU"), ("BQUFBQUF", "BQUF")])
def test_a_root_that_is_not_32_bytes_in_base64_is_refused(old: str, new: str) -> None:
    """A character that does not belong there is not passed over."""
    with pytest.raises(AuditError) as refused:
        read_checkpoint(CHECKPOINT.body.replace(old, new, 1))
    assert str(refused.value) == "The checkpoint's root is not 32 bytes. Use the file as it was published."


def test_a_path_that_is_too_short_is_said_to_be_so() -> None:
    """Not passed as a root of its own."""
    with pytest.raises(AuditError) as refused:
        root_from_path(b"", 0, 8, [])
    assert str(refused.value) == "The receipt's path is too short for the size of its checkpoint."


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 15, 16, 17, 40])
def test_trees_of_stretches_join_to_the_tree_of_the_whole(count: int) -> None:
    """For every length of the last stretch, and every number of full ones."""
    leaves = [bytes([number]) * 32 for number in range(count)]
    whole = Frontier()
    for start in range(0, count, 8):
        whole = whole.joined(Frontier().grown(leaves[start : start + 8]))
    assert whole == Frontier().grown(leaves)


SIGNED = write_note(CHECKPOINT.body, [(CHECKPOINT.name, b"kkkk", b"s" * 64)])


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("", 0),
        (SIGNED, 1),
        (SIGNED.rstrip("\n"), 1),
        (f"{SIGNED}\n{SIGNED}\n", 2),
        (f"{SIGNED[:-9]}\n{SIGNED}\n", 1),
        (f"{SIGNED}\n{SIGNED[:40]}", 1),
        (f"{SIGNED}\nwords of somebody\n{SIGNED}", 2),
        (SIGNED.replace("head", "tail"), 0),
        ("words of somebody", 0),
        (write_note(CHECKPOINT.body, [(CHECKPOINT.name, b"kkkk", b"s" * 63)]), 0),
    ],
)
def test_of_a_file_that_was_appended_to_every_whole_checkpoint_is_read(text: str, whole: int) -> None:
    """What a crash cut off is passed over, and so is what is none."""
    assert readable_notes(text) == [(read_note(SIGNED), CHECKPOINT)] * whole
