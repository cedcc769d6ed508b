"""The log as a bundle, checked by tools we did not write: the commands of its own guide."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from hitl_review.domain.account import Actor
from hitl_review.errors import HitlError, NotPermitted
from hitl_review.store import audit, checkpoints
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.bundling import export_bundle
from hitl_review.workflow.checkpointing import publish_checkpoint
from hitl_review.workflow.rotating import rotate_key
from hitl_review.workflow.workspace import Workspace, open_workspace
from tests.processes import needing

TOOLS = ("bash", "sqlite3", "sha256sum", "openssl", "base64")


@pytest.fixture
def bundle(reviewed: Workspace, tmp_path: Path) -> Path:
    """A bundle of the ward's log, unpacked."""
    needing(*TOOLS)
    export_bundle(reviewed, tmp_path / "log.zip")
    with zipfile.ZipFile(tmp_path / "log.zip") as file:
        file.extractall(tmp_path / "bundle")
    return tmp_path / "bundle"


def run_guide(folder: Path) -> list[subprocess.CompletedProcess[str]]:
    """Run every block of VERIFY.md, as it stands there."""
    blocks = re.findall(
        r"```sh\n(.*?)```", (folder / "VERIFY.md").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    return [
        subprocess.run(
            ["bash", "-c", block], cwd=folder, capture_output=True, text=True, timeout=60, check=False
        )
        for block in blocks
    ]


def edit(folder: Path, seq: int, change: tuple[str, str]) -> None:
    """Change a text inside one event of the unpacked log, as a forger without the key would."""
    lines = (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()
    row = json.loads(lines[seq - 1])
    assert change[0] in row["payload"]
    row["payload"] = row["payload"].replace(*change)
    lines[seq - 1] = json.dumps(row, separators=(",", ":"))
    (folder / "log.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_an_honest_bundle_passes_every_step(bundle: Path, reviewed: Workspace) -> None:
    """Without a kept checkpoint the last step says what it can't tell."""
    steps = run_guide(bundle)
    assert [step.returncode for step in steps] == [0, 0, 0, 0, 0], [step.stderr for step in steps]
    size = audit.head(reviewed.store).size
    assert f"{size} events" in steps[1].stdout
    assert "Signature Verified Successfully" in steps[2].stdout
    assert "cannot be excluded" in steps[3].stdout


def test_the_product_agrees(bundle: Path, reviewed: Workspace) -> None:
    """With the bundle's own checkpoint, the log verifies."""
    found = verify(reviewed.folder, checkpoints=[bundle / "checkpoint.note", bundle / "checkpoints.txt"])
    assert (
        found.ok
        and len(found.checkpoints) == 1 + len((bundle / "checkpoints.txt").read_text().split("\nhead ")) - 1
    )


def test_a_bundle_of_a_log_whose_key_was_changed_passes_every_step(
    reviewed: Workspace, tmp_path: Path
) -> None:
    """A checkpoint kept from before the change vouches for it; a forged change does not pass."""
    kept = publish_checkpoint(reviewed)
    rotate_key(reviewed)
    rotate_key(reviewed)
    export_bundle(reviewed, tmp_path / "log.zip")
    with zipfile.ZipFile(tmp_path / "log.zip") as file:
        file.extractall(tmp_path / "bundle")
    folder = tmp_path / "bundle"
    (folder / "kept.note").write_text(kept, encoding="utf-8")
    steps = run_guide(folder)
    assert [step.returncode for step in steps] == [0, 0, 0, 0, 0], [step.stderr for step in steps]
    assert "signed with rotations/0001.pem" in steps[3].stdout and "Failure" not in steps[3].stdout
    change = folder / "rotations" / "0001.txt"
    change.write_text(
        change.read_text(encoding="utf-8").replace("behind event", "behind  event"), encoding="utf-8"
    )
    assert run_guide(folder)[4].returncode != 0


def test_a_key_that_is_changed_while_the_log_is_written_out_does_not_spoil_the_bundle(
    reviewed: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bundle ends with the checkpoint that closes it: what others do meanwhile is for the next one."""

    def meanwhile(*_: object) -> None:
        monkeypatch.undo()
        with open_workspace(reviewed.folder, clock=reviewed.store.clock) as other:
            rotate_key(other)

    monkeypatch.setattr(checkpoints, "anchor", meanwhile)
    done = export_bundle(reviewed, tmp_path / "log.zip")
    with zipfile.ZipFile(tmp_path / "log.zip") as file:
        file.extractall(tmp_path / "bundle")
    assert [step.returncode for step in run_guide(tmp_path / "bundle")] == [0, 0, 0, 0, 0]
    assert (tmp_path / "bundle" / "log.jsonl").read_text(encoding="utf-8").count("\n") == done.events
    assert audit.head(reviewed.store).size == done.events + 3


def test_one_changed_character_is_found(bundle: Path) -> None:
    """By the sum of the file, and by the hash of the event."""
    edit(bundle, 5, ("auditor", "Auditor"))
    steps = run_guide(bundle)
    assert steps[0].returncode != 0 and "log.jsonl" in steps[0].stdout
    assert steps[1].returncode != 0 and "events/000000005: FAILED" in steps[1].stdout


def test_a_removed_event_is_found(bundle: Path) -> None:
    """The link of the next one is broken."""
    lines = (bundle / "log.jsonl").read_text(encoding="utf-8").splitlines()
    (bundle / "log.jsonl").write_text("\n".join(lines[:6] + lines[7:]) + "\n", encoding="utf-8")
    step = run_guide(bundle)[1]
    assert step.returncode != 0 and "event 8 does not follow" in step.stdout


def test_a_cut_tail_is_found_by_the_checkpoint(bundle: Path) -> None:
    """The chain of what is left is whole; the signed head is not among it."""
    lines = (bundle / "log.jsonl").read_text(encoding="utf-8").splitlines()
    (bundle / "log.jsonl").write_text("\n".join(lines[:-4]) + "\n", encoding="utf-8")
    steps = run_guide(bundle)
    assert steps[1].returncode == 0 and steps[2].returncode != 0


def test_a_forged_note_is_found_by_its_signature(bundle: Path) -> None:
    """Whoever does not have the key can't sign another head."""
    note = (bundle / "checkpoint.note").read_text(encoding="utf-8")
    lines = (bundle / "log.jsonl").read_text(encoding="utf-8").splitlines()
    size = int(note.splitlines()[1]) - 1
    head = json.loads(lines[size - 1])["hash"]
    forged = re.sub(r"head \w+", f"head {head}", note.replace(f"\n{size + 1}\n", f"\n{size}\n"))
    (bundle / "checkpoint.note").write_text(forged, encoding="utf-8")
    assert run_guide(bundle)[2].returncode != 0


def test_a_log_written_anew_is_found_by_the_kept_checkpoint(
    bundle: Path, reviewed: Workspace, tmp_path: Path
) -> None:
    """Here: another workspace's honest log, with its own key."""
    shutil.copy(bundle / "checkpoint.note", tmp_path / "kept.note")
    other = tmp_path / "other"
    shutil.copytree(bundle, other)
    edit(other, 3, ("reader", "Reader"))
    shutil.copy(tmp_path / "kept.note", bundle / "kept.note")
    assert run_guide(bundle)[3].returncode == 0
    kept = (bundle / "kept.note").read_text(encoding="utf-8")
    (bundle / "kept.note").write_text(re.sub(r"head \w{8}", "head 00000000", kept), encoding="utf-8")
    step = run_guide(bundle)[3]
    assert step.returncode == 1 and "cut short or written anew" in step.stdout


def test_the_export_is_an_event_inside_the_bundle(bundle: Path) -> None:
    """It tells by itself in which form the log left; followed by the checkpoint that closes it."""
    lines = (bundle / "log.jsonl").read_text(encoding="utf-8").splitlines()
    exported, published = (json.loads(json.loads(line)["payload"]) for line in lines[-2:])
    assert (exported["action"], exported["detail"]) == ("audit.exported", {"format": "bundle"})
    assert published["action"] == "checkpoint.published"


def test_no_clinical_value_leaves_with_the_log(bundle: Path) -> None:
    """Feature names and values are in tables of their own."""
    text = (bundle / "log.jsonl").read_text(encoding="utf-8")
    assert "creatinine" not in text and "1.9" not in text


def test_a_reader_can_not_export_the_log(reviewed: Workspace, reader: Actor, tmp_path: Path) -> None:
    """And nothing is written for trying."""
    with pytest.raises(NotPermitted):
        export_bundle(reviewed, tmp_path / "log.zip", actor=reader)
    assert not (tmp_path / "log.zip").exists()


def test_an_export_replaces_no_file(reviewed: Workspace, tmp_path: Path) -> None:
    """What is there stays."""
    (tmp_path / "log.zip").write_bytes(b"mine")
    with pytest.raises(HitlError, match="already"):
        export_bundle(reviewed, tmp_path / "log.zip")
    assert (tmp_path / "log.zip").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("}", ',"payload":"another"}'),
        ('{"event_id":"', '{"event_id":"another","event_id":"'),
        ('{"event_id":"', '{"event_id":"x'),
        ('"seq":', '"more":1,"seq":'),
        ("{", "{ "),
    ],
    ids=["a payload twice", "an id twice", "another id", "a key more", "a blank"],
)
def test_a_line_that_another_program_would_read_otherwise_is_found(
    bundle: Path, was: str, becomes: str
) -> None:
    """Of two equal keys SQLite takes the first, most programs the last; the hash fits what SQLite took."""
    lines = (bundle / "log.jsonl").read_text(encoding="utf-8").splitlines()
    before, found, after = lines[3].rpartition(was) if was == "}" else lines[3].partition(was)
    assert found
    lines[3] = before + becomes + after
    (bundle / "log.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    steps = run_guide(bundle)
    assert steps[1].returncode != 0
    assert "line 4 is not written as an event is" in steps[1].stdout
