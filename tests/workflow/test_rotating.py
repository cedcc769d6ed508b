"""The signing key changes hand in hand: the old one names the new one, and nobody else's is believed."""

from __future__ import annotations

import base64
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hitl_review.domain.account import Actor, Role
from hitl_review.errors import NotPermitted, WorkspaceError
from hitl_review.store import audit, checkpoints, keys
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.checkpointing import publish_checkpoint, write_checkpoint
from hitl_review.workflow.rotating import rotate_key
from hitl_review.workflow.workspace import Workspace, open_workspace
from tests.tampering import payloads_of, rechain, tampered


def public(folder: Path) -> str:
    """The public half of the key that lies in a folder."""
    return base64.b64encode(keys.raw_public_key(keys.read_key(folder))).decode()


def test_checkpoints_before_and_after_a_change_hold(reviewed: Workspace, tmp_path: Path) -> None:
    """Those an auditor kept from before it, too; and again after the next change."""
    write_checkpoint(reviewed, tmp_path / "first.txt")
    rotate_key(reviewed)
    write_checkpoint(reviewed, tmp_path / "second.txt")
    rotate_key(reviewed)
    write_checkpoint(reviewed, tmp_path / "third.txt")
    found = verify(
        reviewed.folder, checkpoints=[tmp_path / f"{name}.txt" for name in ("first", "second", "third")]
    )
    assert found.ok, found.problems


def test_the_new_key_is_in_place_secret_and_named_by_the_old(reviewed: Workspace) -> None:
    """The old private key is nowhere any more."""
    old = public(reviewed.folder)
    done = rotate_key(reviewed)
    assert (done.old, done.new) == (old, public(reviewed.folder)) and old != done.new
    assert keys.key_path(reviewed.folder).stat().st_mode & 0o777 == 0o600
    assert not keys.next_key_path(reviewed.folder).exists()
    actions = [event.told["action"] for event in audit.events(reviewed.store)][-3:]
    assert actions == ["checkpoint.published", "key.rotated", "checkpoint.published"]


def test_a_key_behind_a_link_is_changed_where_it_lies(reviewed: Workspace, tmp_path: Path) -> None:
    """The new one came to lie beside the database, and the old private key stayed on the other disk."""
    key, elsewhere = keys.key_path(reviewed.folder), tmp_path / "other-disk"
    elsewhere.mkdir()
    shutil.move(key, elsewhere / "signing.key")
    key.symlink_to(elsewhere / "signing.key")
    old = public(reviewed.folder)
    rotate_key(reviewed)
    assert key.is_symlink() and public(reviewed.folder) != old
    assert [each.name for each in elsewhere.iterdir()] == ["signing.key"]
    publish_checkpoint(reviewed)
    assert verify(reviewed.folder).ok


def test_a_checkpoint_by_the_old_key_after_the_change_is_not_believed(
    reviewed: Workspace, tmp_path: Path
) -> None:
    """Whoever kept the old private key can't go on signing."""
    shutil.copy(keys.key_path(reviewed.folder), tmp_path / "old.key")
    rotate_key(reviewed)
    shutil.copy(tmp_path / "old.key", keys.key_path(reviewed.folder))
    with pytest.raises(WorkspaceError, match="not the one this log names"):
        publish_checkpoint(reviewed)


def test_a_change_that_the_old_key_did_not_sign_is_found(reviewed: Workspace) -> None:
    """A forger who writes the log anew can name a key, but not sign for the old one."""
    rotate_key(reviewed)
    with tampered(reviewed.folder) as connection:
        payloads = payloads_of(connection)
        change = next(each for each in payloads if each["action"] == "key.rotated")
        change["detail"]["new"] = base64.b64encode(b"\1" * 32).decode()
        change["detail"]["statement"] = change["detail"]["statement"].rpartition("to ")[0] + (
            f"to {change['detail']['new']}\n"
        )
        rechain(connection, payloads)
    problems = [each for each in verify(reviewed.folder).problems if each.kind == "key"]
    assert [(each.seq, "not signed with the old key" in each.message) for each in problems] == [
        (change["seq"], True)
    ]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("size", 3, "statement"),
        ("size", "3", "does not tell"),
        ("old", None, "does not tell"),
        ("statement", "", "statement"),
        ("signature", "", "not signed with the old key"),
    ],
)
def test_a_change_that_is_not_told_as_it_must_be_is_found(
    reviewed: Workspace, name: str, value: object, told: str
) -> None:
    """And changes no key: the checkpoint behind it is then not believed either."""
    rotate_key(reviewed)
    with tampered(reviewed.folder) as connection:
        payloads = payloads_of(connection)
        change = next(each for each in payloads if each["action"] == "key.rotated")
        change["detail"][name] = value
        rechain(connection, payloads)
    problems = verify(reviewed.folder).problems
    assert any(each.kind == "key" and told in each.message for each in problems)
    assert any("not signed with the key that this log names" in each.message for each in problems)


def test_a_crash_before_the_new_key_took_its_place_costs_nothing(
    reviewed: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change was stored: the next key signs from where it lies, and the next change goes through."""
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(keys, "follow", lambda folder: (_ for _ in ()).throw(RuntimeError("crash")))
        rotate_key(reviewed)
    publish_checkpoint(reviewed)
    assert keys.next_key_path(reviewed.folder).exists()
    rotate_key(reviewed)
    publish_checkpoint(reviewed)
    assert verify(reviewed.folder).ok


def test_a_change_that_is_not_stored_leaves_the_old_key(
    reviewed: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no other one lying about."""
    before, size = public(reviewed.folder), checkpoints.size_of(reviewed.store)
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(audit, "head", lambda store: (_ for _ in ()).throw(RuntimeError("full")))
        rotate_key(reviewed)
    assert (public(reviewed.folder), checkpoints.size_of(reviewed.store)) == (before, size)
    assert not keys.next_key_path(reviewed.folder).exists()


def test_only_who_may_changes_the_key(reviewed: Workspace, auditor: Actor) -> None:
    """Not those who check with it."""
    with pytest.raises(NotPermitted, match="admin"):
        rotate_key(reviewed, actor=auditor)
    rotate_key(reviewed, actor=Actor("admin-1", "Ida Admin", Role.ADMIN))


def test_without_the_old_key_there_is_no_change(reviewed: Workspace) -> None:
    """It has to sign."""
    keys.key_path(reviewed.folder).unlink()
    with pytest.raises(WorkspaceError, match="can't be read"):
        rotate_key(reviewed)


def test_a_change_by_several_at_once_loses_no_key(reviewed: Workspace) -> None:
    """Each follows the one before it: whoever came a moment later once took the new key away, for good."""
    together = threading.Barrier(4)

    def change() -> None:
        with open_workspace(reviewed.folder) as workspace:
            together.wait()
            rotate_key(workspace)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(change) for _ in range(4)]:
            done.result()
    publish_checkpoint(reviewed)
    assert len(audit.of_action(reviewed.store, "key.rotated")) == 4
    assert not keys.next_key_path(reviewed.folder).exists()
    found = verify(reviewed.folder)
    assert found.ok, found.problems


def test_a_change_that_fails_leaves_the_key_of_another(
    reviewed: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails at the end, such as a full disk, may find that somebody else's key lies where its own lay."""
    with monkeypatch.context() as patch, pytest.raises(OSError, match="full"):
        patch.setattr(keys, "follow", lambda folder: (_ for _ in ()).throw(OSError("full")))
        rotate_key(reviewed)
    made = keys.next_key_path(reviewed.folder).read_bytes()
    with monkeypatch.context() as patch, pytest.raises(OSError, match="full"):
        patch.setattr(keys, "follow", lambda folder: (_ for _ in ()).throw(OSError("full")))
        rotate_key(reviewed)
    assert keys.next_key_path(reviewed.folder).read_bytes() == made
    publish_checkpoint(reviewed)
