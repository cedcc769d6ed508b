"""2, 4, 5, 6, 21, 22, 30: what a chain alone can't show, a checkpoint that somebody else holds does. G6.

In each case an auditor holds a checkpoint of yesterday. The report of the file alone is looked at as
well: where it can't tell, it says so.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hitl_review.domain.audit import chain_hash
from hitl_review.domain.checkpoint import Checkpoint, read_notes
from hitl_review.domain.verification import TRUNCATION, Verification
from hitl_review.store import audit, keys
from hitl_review.store.checkpoints import ANCHOR_FILE
from hitl_review.store.connection import DATABASE
from hitl_review.workflow.auditing import history, verify
from hitl_review.workflow.checkpointing import write_checkpoint
from hitl_review.workflow.workspace import open_workspace
from tests.attacks.desks import furnish
from tests.attacks.forging import other_words, signed_note, with_key, write_anew
from tests.tampering import payloads_of, rechain, tampered


@pytest.fixture
def held(reviewed_folder: Path, tmp_path: Path) -> Path:
    """The auditor's own checkpoint; a few events came after it."""
    with open_workspace(reviewed_folder) as workspace:
        write_checkpoint(workspace, tmp_path / "held.txt")
        for _ in range(3):
            history(workspace, limit=2)
    assert verify(reviewed_folder, checkpoints=[tmp_path / "held.txt"]).ok
    return tmp_path / "held.txt"


def told(found: Verification) -> str:
    """All problems as one text."""
    return "\n".join(problem.words for problem in found.problems)


def nothing_but_the_warning(folder: Path) -> bool:
    """Whether the file alone looks right, and the report says what that can't mean.

    A careful forger takes away the checkpoints that lie beside it: `test_anchors.py` has a careless one.
    """
    (folder / ANCHOR_FILE).unlink(missing_ok=True)
    found = verify(folder)
    return found.ok and TRUNCATION in found.warnings


def test_02_the_last_event_with_its_hash_is_found_by_a_checkpoint_of_it(
    reviewed_folder: Path, tmp_path: Path
) -> None:
    """Payload and hash of the last event fit each other again; only its former hash is known elsewhere."""
    with open_workspace(reviewed_folder) as workspace:
        history(workspace, limit=2)
        last = audit.head(workspace.store)
        write_checkpoint(workspace, tmp_path / "held.txt")
    with tampered(reviewed_folder) as connection:  # the checkpoint's own event is cut off with it
        connection.execute("DELETE FROM audit_log WHERE seq > ?", (last.size,))
        previous, payload = connection.execute(
            "SELECT prev_hash, payload FROM audit_log WHERE seq = ?", (last.size,)
        ).fetchone()
        forged = payload.replace('"limit":2', '"limit":9')
        connection.execute(
            "UPDATE audit_log SET payload = ?, hash = ? WHERE seq = ?",
            (forged, chain_hash(previous, forged), last.size),
        )
    assert nothing_but_the_warning(reviewed_folder)
    assert "written anew" in told(verify(reviewed_folder, checkpoints=[tmp_path / "held.txt"]))


def test_04_a_cut_tail_is_found_by_a_checkpoint_of_it(reviewed_folder: Path, tmp_path: Path) -> None:
    """Events that no row belongs to leave no trace when they are cut off."""
    with open_workspace(reviewed_folder) as workspace:
        size = audit.head(workspace.store).size
        for _ in range(3):
            history(workspace, limit=2)
        write_checkpoint(workspace, tmp_path / "held.txt")
    with tampered(reviewed_folder) as connection:
        connection.execute("DELETE FROM audit_log WHERE seq > ?", (size,))
    assert nothing_but_the_warning(reviewed_folder)
    assert "shorter now" in told(verify(reviewed_folder, checkpoints=[tmp_path / "held.txt"]))


def test_05_a_log_written_anew_without_the_key_is_found_by_its_own_checkpoints(
    reviewed_folder: Path, held: Path
) -> None:
    """Its published checkpoints no longer fit, and nobody can sign others; without them they are missed."""
    write_anew(reviewed_folder, other_words)
    assert "written anew" in told(verify(reviewed_folder))
    write_anew(reviewed_folder, other_words, key=Ed25519PrivateKey.generate())
    assert "not signed with the key that this log names" in told(verify(reviewed_folder))
    assert not verify(reviewed_folder, checkpoints=[held]).ok


def test_05_a_log_written_anew_under_a_key_of_the_forgers_own_is_found(
    reviewed_folder: Path, held: Path
) -> None:
    """Everything in the file fits; the checkpoint that is held was signed with another key."""
    mine = Ed25519PrivateKey.generate()
    write_anew(reviewed_folder, lambda payloads: with_key(other_words(payloads), mine), key=mine)
    assert nothing_but_the_warning(reviewed_folder)
    assert "not signed with the key that this log names" in told(verify(reviewed_folder, checkpoints=[held]))


def test_06_a_log_written_anew_with_the_stolen_key_is_found(reviewed_folder: Path, held: Path) -> None:
    """The worst case: file and key in one hand. The checkpoint that somebody else holds shows it."""
    write_anew(reviewed_folder, other_words, key=keys.read_key(reviewed_folder))
    assert nothing_but_the_warning(reviewed_folder)
    assert "written anew" in told(verify(reviewed_folder, checkpoints=[held]))


def test_21_yesterdays_backup_put_back_is_found(reviewed_folder: Path, tmp_path: Path) -> None:
    """A whole valid file, and shorter than what was signed since."""
    shutil.copy(reviewed_folder / DATABASE, tmp_path / "yesterday.db")
    with open_workspace(reviewed_folder) as workspace:
        history(workspace, limit=2)
        write_checkpoint(workspace, tmp_path / "today.txt")
    shutil.copy(tmp_path / "yesterday.db", reviewed_folder / DATABASE)
    assert nothing_but_the_warning(reviewed_folder)
    assert "shorter now" in told(verify(reviewed_folder, checkpoints=[tmp_path / "today.txt"]))


def test_22_another_sites_valid_log_is_found(reviewed_folder: Path, held: Path, tmp_path: Path) -> None:
    """It verifies by itself, but it is not the log that the checkpoint is about."""
    shutil.copy(furnish(tmp_path / "other-site") / DATABASE, reviewed_folder / DATABASE)
    assert nothing_but_the_warning(reviewed_folder)
    assert "belongs to another log" in told(verify(reviewed_folder, checkpoints=[held]))


def test_30_a_checkpoint_of_a_size_that_was_never_reached_is_found(
    reviewed_folder: Path, held: Path, tmp_path: Path
) -> None:
    """Signed with the right key: then the log was longer once, or somebody else holds the key."""
    size = verify(reviewed_folder).events
    real = read_notes(held.read_text(encoding="utf-8"))[0][1]
    beyond = Checkpoint(real.origin, size + 1, b"\x05" * 32, "ab" * 32)
    (tmp_path / "beyond.txt").write_text(
        signed_note(beyond, keys.read_key(reviewed_folder)), encoding="utf-8"
    )
    assert "shorter now" in told(verify(reviewed_folder, checkpoints=[held, tmp_path / "beyond.txt"]))


def test_30_two_signed_checkpoints_of_one_size_are_told_as_two_versions(
    reviewed_folder: Path, held: Path, tmp_path: Path
) -> None:
    """Equivocation: two people were shown different logs, both signed with the right key."""
    real = read_notes(held.read_text(encoding="utf-8"))[0][1]
    other = Checkpoint(real.origin, real.size, b"\x05" * 32, real.head)
    (tmp_path / "other.txt").write_text(signed_note(other, keys.read_key(reviewed_folder)), encoding="utf-8")
    words = told(verify(reviewed_folder, checkpoints=[held, tmp_path / "other.txt"]))
    assert "two versions" in words
    assert "other.txt" in words


def test_31_a_key_that_the_old_one_never_named_is_not_believed(reviewed_folder: Path, held: Path) -> None:
    """Checkpoints signed with a new key count for nothing unless the log tells of the change, signed with the old."""
    with open_workspace(reviewed_folder) as workspace:
        history(workspace, limit=2)
    write_anew(reviewed_folder, lambda payloads: payloads, key=Ed25519PrivateKey.generate())
    found = verify(reviewed_folder, checkpoints=[held])
    assert "not signed with the key that this log names" in told(found)


def test_every_forgery_above_is_one_that_the_chain_can_not_see(reviewed_folder: Path) -> None:
    """The control: a forger who leaves the links as they were is found by the chain itself."""
    with tampered(reviewed_folder) as connection:
        payloads = other_words(payloads_of(connection))
        links = connection.execute("SELECT prev_hash, hash FROM audit_log ORDER BY seq").fetchall()
        rechain(connection, payloads)
        for seq, (previous, link) in enumerate(links, start=1):
            connection.execute(
                "UPDATE audit_log SET prev_hash = ?, hash = ? WHERE seq = ?", (previous, link, seq)
            )
    assert "its hash is not the hash of its payload" in told(verify(reviewed_folder))
