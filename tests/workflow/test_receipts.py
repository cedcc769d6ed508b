"""A receipt proves that one decision stood in the log; whatever is changed in it, it proves nothing."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from hitl_review.domain.account import Actor
from hitl_review.domain.checkpoint import inclusion_path, read_checkpoint, read_note
from hitl_review.domain.receipt import PROOF, read_receipt, write_receipt
from hitl_review.errors import AuditError, NotFound, NotPermitted
from hitl_review.store import audit, checkpoints, reviews
from hitl_review.workflow import receipts
from hitl_review.workflow.bundling import RECEIPT_GUIDE, public_key_pem
from hitl_review.workflow.checkpointing import write_checkpoint
from hitl_review.workflow.receipts import check_receipt, issue_receipt, write_receipt_file
from hitl_review.workflow.rotating import rotate_key
from hitl_review.workflow.workspace import Workspace, open_workspace
from tests.processes import needing


@pytest.fixture
def decision_id(reviewed: Workspace) -> str:
    """The decision with a comment beyond ASCII."""
    return next(each.decision_id for each in reviews.all_decisions(reviewed.store) if each.comment)


@pytest.fixture
def kept(reviewed: Workspace, tmp_path: Path) -> Path:
    """A checkpoint kept from before the receipt was issued."""
    write_checkpoint(reviewed, tmp_path / "kept.note")
    return tmp_path / "kept.note"


@pytest.fixture
def text(reviewed: Workspace, kept: Path, decision_id: str, auditor: Actor) -> str:
    """A receipt for that decision."""
    return issue_receipt(reviewed, decision_id, actor=auditor)


def test_a_receipt_holds_against_a_kept_checkpoint_and_against_the_key(
    reviewed: Workspace, text: str, kept: Path, decision_id: str
) -> None:
    """With nothing else at hand, and it shows the very event."""
    key = checkpoints.key_in_force(reviewed.store)
    for trust in (
        {"kept": kept},
        {"public_key": base64.b64encode(key).decode()},
        {"public_key": public_key_pem(key)},
    ):
        found = check_receipt(text, **trust)
        assert found.ok and found.notes == () and found.told["event_id"] == decision_id


def test_alone_it_says_what_it_can_not_show(text: str) -> None:
    """A receipt made up from the beginning has a key of its own."""
    found = check_receipt(text)
    assert found.ok and "key is the log's own is not shown" in found.notes[0]


def test_no_character_of_it_can_be_another(text: str, kept: Path) -> None:
    """Below its words, whichever is changed, it holds no more."""
    start = text.index("\nevent ")
    for place in range(start + 1, len(text), 3):
        other = "A" if text[place] != "A" else "B"
        forged = text[:place] + other + text[place + 1 :]
        try:
            assert not check_receipt(forged, kept=kept).ok, place
        except AuditError:
            continue


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("in the name of reader-", "in the name of approver-"),
        ("nor that no later one replaced it", "and no later one replaced it"),
        ("\n\nevent ", "\nThe patient was told.\n\nevent "),
        ("\nkey ", "\nand another line\nkey "),
    ],
    ids=["another name", "another promise", "a line more", "a line behind the event"],
)
def test_the_sentences_for_people_are_those_of_its_issue(
    text: str, kept: Path, was: str, becomes: str
) -> None:
    """They are what is read, so they must not say what the proof does not."""
    assert was in text
    assert check_receipt(text, kept=kept).ok
    with suppress(AuditError):  # it may be no receipt at all any more
        assert not check_receipt(text.replace(was, becomes, 1), kept=kept).ok


def test_another_decision_s_path_proves_nothing(reviewed: Workspace, text: str, kept: Path) -> None:
    """The proof of one event under another."""
    other = next(each for each in reviews.all_decisions(reviewed.store) if not each.comment)
    theirs = issue_receipt(reviewed, other.decision_id)
    mixed = text.split(f"\n{PROOF}\n")[0] + f"\n{PROOF}\n" + theirs.split(f"\n{PROOF}\n")[1]
    with pytest.raises(AuditError, match="another event"):
        check_receipt(mixed, kept=kept)


def test_an_event_that_is_no_decision_is_not_taken_for_one(reviewed: Workspace, text: str, kept: Path) -> None:
    """Whoever holds the key can write such a receipt, whose sentences would call any event of the log a decision."""
    issued = read_receipt(text)
    checkpoint = read_checkpoint(read_note(issued.note).body)
    hashes = [bytes.fromhex(each) for each in audit.hashes(reviewed.store, upto=checkpoint.size)]
    for seq in (issued.seq, issued.seq - 1):
        (event,) = audit.latest(reviewed.store, limit=1, before=seq + 1)
        path = tuple(inclusion_path(hashes, seq - 1))
        made = replace(issued, seq=seq, prev_hash=event.prev_hash, payload=event.payload, path=path)
        words = receipts._words(event.told, seq, checkpoint)
        problems = check_receipt(write_receipt(made, words), kept=kept).problems
        expected = "the event is no decision, and a receipt is issued for nothing else"
        assert problems == (() if seq == issued.seq else (expected,))


def test_another_log_s_checkpoint_vouches_for_nothing(text: str, kept: Path) -> None:
    """By its origin."""
    kept.write_text(re.sub(r"example/\w+", "example/" + "0" * 32, kept.read_text()), encoding="utf-8")
    assert "another log" in check_receipt(text, kept=kept).problems[0]


def test_a_contradicting_checkpoint_is_told_as_two_versions(text: str, kept: Path) -> None:
    """Equal size, another head: somebody was shown another log."""
    note = read_receipt(text).note
    kept.write_text(re.sub(r"head \w{8}", "head 00000000", note), encoding="utf-8")
    assert "two versions" in check_receipt(text, kept=kept).problems[0]


def test_a_changed_key_asks_for_a_later_checkpoint(
    reviewed: Workspace, kept: Path, decision_id: str, tmp_path: Path
) -> None:
    """One from after the change vouches for a receipt from after it."""
    rotate_key(reviewed)
    late = issue_receipt(reviewed, decision_id)
    assert "if the key was changed" in check_receipt(late, kept=kept).problems[0]
    write_checkpoint(reviewed, tmp_path / "later.note")
    assert check_receipt(late, kept=tmp_path / "later.note").ok


def test_a_key_that_is_changed_while_a_receipt_is_made_does_not_spoil_it(
    reviewed: Workspace, kept: Path, decision_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the key that signed its checkpoint."""

    def meanwhile(*_: object) -> None:
        monkeypatch.undo()
        with open_workspace(reviewed.folder, clock=reviewed.store.clock) as other:
            rotate_key(other)

    monkeypatch.setattr(checkpoints, "anchor", meanwhile)
    found = check_receipt(issue_receipt(reviewed, decision_id), kept=kept)
    assert found.problems == () and found.told["event_id"] == decision_id


def test_another_key_is_not_taken(text: str) -> None:
    """And what is no key can't be checked against."""
    assert "another key" in check_receipt(text, public_key=base64.b64encode(b"\1" * 32).decode()).problems[0]
    with pytest.raises(AuditError, match="no Ed25519"):
        check_receipt(text, public_key="nonsense")


@pytest.mark.parametrize(
    "content", ["", "hitl-review receipt 1\n", "x" * 2_000_001, "hitl-review receipt 1\n\n\n\n"]
)
def test_what_is_no_receipt_is_said_to_be_none(content: str) -> None:
    """In one sentence."""
    with pytest.raises(AuditError, match="no receipt"):
        check_receipt(content)


def test_issuing_one_is_an_event_and_takes_the_role(
    reviewed: Workspace, text: str, reader: Actor, decision_id: str
) -> None:
    """A reader may not; and there is a receipt only for what the log holds."""
    assert "receipt.issued" in [event.told["action"] for event in audit.events(reviewed.store)]
    with pytest.raises(NotPermitted):
        issue_receipt(reviewed, decision_id, actor=reader)
    with pytest.raises(NotFound):
        issue_receipt(reviewed, next(audit.events(reviewed.store)).event_id)


def test_a_file_is_its_owner_s_and_replaces_none(
    reviewed: Workspace, decision_id: str, tmp_path: Path
) -> None:
    """A receipt shows the comment."""
    write_receipt_file(reviewed, decision_id, tmp_path / "receipt.txt")
    assert (tmp_path / "receipt.txt").stat().st_mode & 0o777 == 0o600
    with pytest.raises(Exception, match="already"):
        write_receipt_file(reviewed, decision_id, tmp_path / "receipt.txt")


def test_the_proof_is_short_and_quick_to_check(text: str, kept: Path) -> None:
    """At twenty steps, a log of a million, it would be 1.3 KB."""
    receipt = read_receipt(text)
    base = len(receipt.proof.encode()) - 45 * len(receipt.path)
    assert base + 45 * 20 <= 1300
    began = time.perf_counter()
    check_receipt(text, kept=kept)
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("trusted", ["public_key.pem", "kept.note"])
def test_the_guide_checks_it_with_other_tools(
    reviewed: Workspace, text: str, kept: Path, tmp_path: Path, trusted: str
) -> None:
    """Its commands are run as they stand there; one changed character, and they refuse."""
    needing("bash", "sha256sum", "openssl", "base64", "od")
    place = tmp_path / "check"
    place.mkdir()
    if trusted == "kept.note":
        shutil.copy(kept, place / trusted)
    else:
        (place / trusted).write_text(
            public_key_pem(checkpoints.key_in_force(reviewed.store)), encoding="utf-8"
        )
    block = re.findall(r"```sh\n(.*?)```", RECEIPT_GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)[0]
    for content, holds in ((text, True), (text.replace("Walks", "Talks"), False)):
        (place / "receipt.txt").write_text(content, encoding="utf-8")
        done = subprocess.run(
            ["bash", "-c", block], cwd=place, capture_output=True, text=True, timeout=60, check=False
        )
        assert (done.returncode == 0, "the receipt holds" in done.stdout) == (holds, holds), done.stderr
