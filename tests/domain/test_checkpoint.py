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
