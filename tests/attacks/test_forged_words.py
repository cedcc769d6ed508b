"""What a log written anew may say, and what a file of checkpoints may hold: a finding or a refusal, never a crash.

A check that breaks down tells an auditor nothing, so whoever can make it break down is not found out.
"""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hitl_review.errors import AuditError
from hitl_review.store.connection import DATABASE, now_utc
from hitl_review.store.left_over import side_files
from hitl_review.workflow import diagnosing, side_by_side
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.checkpointing import held_in_text, publish_checkpoint, write_checkpoint
from hitl_review.workflow.environment import State
from hitl_review.workflow.workspace import open_workspace
from tests.tampering import payloads_of, rechain, tampered

Payload = dict[str, Any]


def note_with(size: str, *, root: str = base64.b64encode(bytes(32)).decode()) -> str:
    """A note whose size and root are written as asked; nobody signed it."""
    signed = base64.b64encode(bytes(68)).decode()
    return (
        f"hitl-review.example/x\n{size}\n{root}\nhead {'0' * 64}\n\n\u2014 hitl-review.example/x {signed}\n"
    )


ODD: dict[str, tuple[str, str, object]] = {
    "a standing that is a word": ("account.disabled", "enabled", "no"),
    "a standing without end": ("account.disabled", "enabled", 1e308),
    "a password that is public in words": ("password.set", "public", "perhaps"),
    "a signature that is a list": ("decision.accepted", "signature", [1]),
    "a note that is none": ("checkpoint.published", "note", None),
    "a note in other letters": ("checkpoint.published", "note", note_with("18", root="\u00e4" * 44)),
    "another key at a checkpoint": ("checkpoint.published", "key", "AAAA"),
    "a key that is a list": ("checkpoint.published", "key", [1]),
    "a tree of its own": ("checkpoint.published", "frontier", ["00" * 32]),
    "no tree": ("checkpoint.published", "frontier", None),
    "a batch without number": ("case.received", "count", None),
}


def last_of(payloads: list[Payload], action: str) -> Payload:
    """The newest event of an action."""
    return next(each for each in reversed(payloads) if each["action"] == action)


def found_after(folder: Path, change: Callable[[list[Payload]], object]) -> set[int | None]:
    """Write the log anew after a change, and return the events at which something is found."""
    with tampered(folder) as connection:
        payloads = payloads_of(connection)
        change(payloads)
        rechain(connection, payloads)
    return {problem.seq for problem in verify(folder).problems}


@pytest.mark.parametrize(("action", "name", "value"), ODD.values(), ids=ODD)
def test_an_event_that_tells_nonsense_is_found_at_its_place(
    learned_folder: Path, action: str, name: str, value: object
) -> None:
    """Under a chain that holds: the event itself is named."""
    places = []

    def change(payloads: list[Payload]) -> None:
        event = last_of(payloads, action)
        event["detail"][name] = value
        places.append(payloads.index(event) + 1)

    found = found_after(learned_folder, change)
    assert set(places) <= found


@pytest.mark.parametrize(
    ("name", "value"), [("at", "yesterday"), ("at", 7), ("detail", {"key": [1]}), ("detail", "words")]
)
def test_no_step_breaks_down_at_an_end_that_tells_nonsense(
    reviewed_folder: Path, name: str, value: object
) -> None:
    """Nothing is written behind it, and doctor and the act itself say so in words."""

    def change(payloads: list[Payload]) -> None:
        last_of(payloads, "checkpoint.published")[name] = value
        if name == "at":
            payloads[-1]["at"] = value

    assert found_after(reviewed_folder, change)
    with open_workspace(reviewed_folder) as workspace, pytest.raises(AuditError, match="audit verify"):
        publish_checkpoint(workspace)
    checks = diagnosing.database_checks(reviewed_folder, clock=now_utc)
    assert any(check.state is State.PROBLEM for check in checks)


@pytest.mark.parametrize(
    "at", ["9999-12-31T23:59:59.999999Z", "2026-02-30T00:00:00.000000Z", "2026-13-45T25:61:61.000000Z"]
)
def test_a_case_held_since_a_moment_that_is_none_is_found(reviewed_folder: Path, at: str) -> None:
    """No moment can be counted from there; the check goes on all the same."""

    def change(payloads: list[Payload]) -> None:
        event = {**last_of(payloads, "case.opened"), "event_id": "opened-again", "at": at}
        payloads.append(event)

    assert found_after(reviewed_folder, change)


@pytest.mark.parametrize(
    ("actor", "role"),
    [("nobody-here", "reader"), ("reader-1", "approver"), ("reader-1", "emperor"), ("system", "admin")],
)
def test_an_event_in_the_name_of_a_stranger_is_found(reviewed_folder: Path, actor: str, role: str) -> None:
    """Who has no account, or has it in another role, can't have acted; the first such event is named."""
    places = []

    def change(payloads: list[Payload]) -> None:
        viewed = {
            "action": "audit.viewed",
            "subject": "log:events",
            "detail": {},
            "actor": actor,
            "role": role,
        }
        payloads.append({**payloads[-1], **viewed, "event_id": "forged-event"})
        places.append(len(payloads))

    assert found_after(reviewed_folder, change) == {*places}


@pytest.mark.parametrize("size", ["9" * 5000, "1" * 19, "-1", "0", "1.0", "\u0661", ""])
def test_a_checkpoint_of_a_size_that_no_log_has_is_refused(
    reviewed_folder: Path, tmp_path: Path, size: str
) -> None:
    """A number of five thousand digits is not even one that Python reads."""
    path = tmp_path / "held.txt"
    path.write_text(note_with(size), encoding="utf-8")
    with pytest.raises(AuditError, match="can't be used"):
        verify(reviewed_folder, checkpoints=[path])


@pytest.mark.parametrize("root", ["\u00e4" * 44, "A" * 43 + "\u2028", "=" * 44, "A" * 44, ""])
def test_a_checkpoint_whose_root_is_no_number_is_refused(reviewed_folder: Path, root: str) -> None:
    """Also where it is written in letters that no base64 has."""
    with pytest.raises(AuditError, match="can't be used"):
        verify(reviewed_folder, notes={"a mail": note_with("5", root=root)})


def test_a_checkpoint_that_was_mailed_or_opened_in_an_editor_is_still_one(
    reviewed_folder: Path, tmp_path: Path
) -> None:
    """Other line ends and a byte order mark are no attack; the text between them is what was signed."""
    with open_workspace(reviewed_folder) as workspace:
        note = write_checkpoint(workspace, tmp_path / "held.txt")
    changed = "\ufeff" + note.replace("\n", "\r\n")
    (each,) = held_in_text(changed, "a mail")
    assert [each] == [*held_in_text(note, "a mail")]
    found = verify(reviewed_folder, notes={"a mail": changed})
    assert found.ok and "a mail" in found.checkpoints[0]


def test_no_module_of_the_folder_in_which_one_works_is_run(
    reviewed_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever fills a workspace can leave a `json.py` there; an auditor who checks a long log in it must not run it."""
    canary = tmp_path / "canary"
    for name in ("json", "orjson", "rfc8785", "hitl_review"):
        (reviewed_folder / f"{name}.py").write_text(f"open({str(canary)!r}, 'w').close()\n", encoding="utf-8")
    monkeypatch.chdir(reviewed_folder)
    monkeypatch.setattr(side_by_side, "ALONE", 1)
    assert verify(Path(".")).ok
    assert not canary.exists()


def test_what_stands_in_the_write_ahead_log_behind_a_link_is_seen(
    reviewed_folder: Path, tmp_path: Path
) -> None:
    """SQLite looks for it beside the file itself, wherever the link lies."""
    with open_workspace(reviewed_folder) as workspace:
        write_checkpoint(workspace, tmp_path / "held.txt")
        shutil.copytree(reviewed_folder, tmp_path / "crashed")
    (tmp_path / "linked").mkdir()
    link = tmp_path / "linked" / DATABASE
    os.symlink(tmp_path / "crashed" / DATABASE, link)
    assert (tmp_path / "crashed" / f"{DATABASE}-wal").stat().st_size
    assert side_files(link)
    assert verify(link.parent, checkpoints=[tmp_path / "held.txt"]).ok


@pytest.mark.parametrize(
    "name", ["with space", "what?mode=memory", "a#b", "100%25", "ä…\u202e", "-dash", "a'b\"c"]
)
def test_a_folder_may_have_any_name(reviewed_folder: Path, name: str) -> None:
    """The path becomes part of a URI, whose marks must not be read from it."""
    moved = reviewed_folder.rename(reviewed_folder.with_name(name))
    assert verify(moved).ok
    with open_workspace(moved) as workspace:
        assert workspace.store.path.parent == moved
    assert sorted(path.name for path in moved.parent.iterdir() if path.name.startswith(name)) == [name]
