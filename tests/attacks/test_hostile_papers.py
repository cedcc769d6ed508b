"""A bundle or a receipt that was made to act on the machine of whoever checks it, or to pass its own guide.

The commands of the guides are run as they stand in the program; the papers are those of an attacker.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hitl_review.cli import main
from hitl_review.domain.audit import GENESIS, chain_hash
from hitl_review.domain.canonical import canonical_json
from hitl_review.domain.checkpoint import Checkpoint, Frontier, read_checkpoint, read_note
from hitl_review.domain.receipt import PROOF
from hitl_review.domain.rotation import Rotation
from hitl_review.store import reviews
from hitl_review.store.keys import raw_public_key
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.bundling import GUIDE, RECEIPT_GUIDE, export_bundle, public_key_pem
from hitl_review.workflow.checkpointing import publish_checkpoint
from hitl_review.workflow.receipts import issue_receipt
from hitl_review.workflow.workspace import Workspace
from tests.attacks.forging import signed_note
from tests.processes import needing

TOOLS = ("bash", "sqlite3", "sha256sum", "openssl", "base64", "od", "cmp")
MARK = "made-by-the-paper"
"""A file that only a command hidden in a paper makes."""
UNDER_A_LINK = "the auditor's own words\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An empty folder in which somebody checks a paper."""
    needing(*TOOLS)
    folder = tmp_path / "place"
    folder.mkdir()
    return folder


@pytest.fixture
def kept(reviewed: Workspace) -> str:
    """A checkpoint that the auditor took home before the bundle was made."""
    return publish_checkpoint(reviewed)


@pytest.fixture
def bundle(reviewed: Workspace, kept: str, place: Path, tmp_path: Path) -> Path:
    """A bundle of the ward's log, unpacked, with the auditor's own checkpoint beside it."""
    export_bundle(reviewed, tmp_path / "log.zip")
    with zipfile.ZipFile(tmp_path / "log.zip") as file:
        file.extractall(place)
    (place / "kept.note").write_text(kept, encoding="utf-8")
    return place


@pytest.fixture
def receipt(reviewed: Workspace, kept: str, place: Path) -> Path:
    """A receipt of a decision, beside the auditor's own checkpoint."""
    decision = next(each.decision_id for each in reviews.all_decisions(reviewed.store) if each.comment)
    (place / "receipt.txt").write_text(issue_receipt(reviewed, decision), encoding="utf-8")
    (place / "kept.note").write_text(kept, encoding="utf-8")
    return place


def run_guide(guide: Path, folder: Path) -> list[subprocess.CompletedProcess[str]]:
    """Run every block of a guide, as it stands in the program, and not as it came with the paper."""
    blocks = re.findall(r"```sh\n(.*?)```", guide.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [
        subprocess.run(["bash", "-c", block], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
        for block in blocks
    ]


def replaced_in(file: Path, was: str, becomes: str) -> None:
    """Change a text in a file, which must be there."""
    text = file.read_text(encoding="utf-8")
    assert was in text
    file.write_text(text.replace(was, becomes, 1), encoding="utf-8")


# commands in the place of numbers


def test_a_size_that_is_a_command_is_not_run(bundle: Path) -> None:
    """`sqlite3` writes files when it is told to; the size of a checkpoint is put into what it is told."""
    size = (bundle / "checkpoint.note").read_text(encoding="utf-8").splitlines()[1]
    replaced_in(bundle / "checkpoint.note", f"\n{size}\n", f"\n{size}; SELECT writefile('{MARK}', '')\n")
    steps = run_guide(GUIDE, bundle)
    assert not (bundle / MARK).exists()
    assert steps[2].returncode != 0 and "no checkpoint" in steps[2].stdout


def test_a_place_of_a_change_that_is_a_command_is_not_run(bundle: Path, reviewed: Workspace) -> None:
    """The same where a change of the key says behind which event it stands."""
    opening = json.loads(json.loads((bundle / "log.jsonl").read_text("utf-8").splitlines()[0])["payload"])
    key = opening["detail"]["public_key"]
    (bundle / "rotations").mkdir()
    (bundle / "rotations" / "0001.pem").write_text(public_key_pem(base64.b64decode(key)), encoding="utf-8")
    statement = Rotation(reviewed.origin, 5, "0" * 64, key, key).statement
    (bundle / "rotations" / "0001.txt").write_text(
        statement.replace("event 5", f"event 5; ATTACH '{MARK}' AS m; CREATE TABLE m.x (y) --"),
        encoding="utf-8",
    )
    step = run_guide(GUIDE, bundle)[4]
    assert not (bundle / MARK).exists()
    assert step.returncode != 0


@pytest.mark.parametrize("where", ["index", "size"])
def test_a_number_of_a_receipt_that_is_a_command_is_not_run(receipt: Path, where: str) -> None:
    """A shell that reckons with a text runs what stands in its brackets."""
    command = f"UID[$(touch {MARK})]"
    file = receipt / "receipt.txt"
    text = file.read_text(encoding="utf-8")
    if where == "index":
        text = re.sub(r"\nindex [0-9]+\n", lambda _: f"\nindex {command}\n", text)
    else:
        text = re.sub(
            r"(\n\nhitl-review\.example/\w+\n)[0-9]+\n", lambda found: f"{found[1]}{command}\n", text
        )
    assert command in text
    file.write_text(text, encoding="utf-8")
    step = run_guide(RECEIPT_GUIDE, receipt)[0]
    assert not (receipt / MARK).exists()
    assert step.returncode != 0 and "no receipt" in step.stdout


@pytest.mark.parametrize("name", ["body", "signature", "sums", "broken", "log.db", "events", "named.pem"])
def test_a_link_in_a_bundle_leads_no_command_to_another_file(bundle: Path, name: str, tmp_path: Path) -> None:
    """`unzip` makes links where a bundle holds some; whatever a step writes must not go through them."""
    mine = tmp_path / "mine.txt"
    mine.write_text(UNDER_A_LINK, encoding="utf-8")
    (bundle / name).symlink_to(mine)
    steps = run_guide(GUIDE, bundle)
    assert mine.read_text(encoding="utf-8") == UNDER_A_LINK
    assert [step.returncode for step in steps] == [0, 0, 0, 0, 0], [step.stderr for step in steps]


# a tail of the forger's own


def follower(last: dict[str, Any], payload: str, **told: object) -> dict[str, Any]:
    """Return the line of an event behind another one, which tells what a payload tells, or something else."""
    seq, event_id = last["seq"] + 1, f"forged-{last['seq'] + 1:04}"
    text = canonical_json({**json.loads(payload), **told, "seq": seq, "event_id": event_id})
    return {
        **{"seq": seq, "event_id": event_id, "prev_hash": last["hash"], "payload": text},
        "hash": chain_hash(last["hash"], text),
    }


def forged_tail(bundle: Path, key: Ed25519PrivateKey) -> None:
    """Append an event and sign the new head with some key, as if it were the log's."""
    rows = [json.loads(line) for line in (bundle / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    note = read_checkpoint(read_note((bundle / "kept.note").read_text(encoding="utf-8")).body)
    kept = rows[: note.size]
    told = json.loads(next(row["payload"] for row in rows if "Walks the stairs" in row["payload"]))
    told |= {"seq": note.size + 1, "event_id": "forged-0001"}
    told["detail"]["comment"] = "Never said."
    payload = canonical_json(told)
    link = chain_hash(kept[-1]["hash"] if kept else GENESIS, payload)
    kept.append(
        {
            "seq": note.size + 1,
            "event_id": "forged-0001",
            "prev_hash": kept[-1]["hash"],
            "payload": payload,
            "hash": link,
        }
    )
    tree = Frontier().grown(bytes.fromhex(row["hash"]) for row in kept)
    signed = signed_note(Checkpoint(note.origin, tree.size, tree.root, link), key)
    published = next(row["payload"] for row in rows if "checkpoint.published" in row["payload"])
    kept.append(follower(kept[-1], published, detail={"note": signed}))
    (bundle / "log.jsonl").write_text("".join(canonical_json(row) + "\n" for row in kept), encoding="utf-8")
    (bundle / "checkpoint.note").write_text(signed, encoding="utf-8")
    (bundle / "public_key.pem").write_text(public_key_pem(raw_public_key(key)), encoding="utf-8")


def with_the_old_key_alone(bundle: Path, old: bytes, key: Ed25519PrivateKey) -> None:
    """The log's own key lies among the changes, and no change names it."""
    (bundle / "rotations").mkdir()
    (bundle / "rotations" / "0000.pem").write_text(public_key_pem(old), encoding="utf-8")


def with_a_change_of_its_own(bundle: Path, old: bytes, key: Ed25519PrivateKey) -> None:
    """The same, and beside it a change from the forger's key to itself."""
    with_the_old_key_alone(bundle, old, key)
    mine = base64.b64encode(raw_public_key(key)).decode()
    sign_change(bundle, mine, mine, key, public_key_pem(raw_public_key(key)))


def with_two_keys_in_a_file(bundle: Path, old: bytes, key: Ed25519PrivateKey) -> None:
    """A change from the log's key to the forger's, signed by the forger; the file of the old key holds both."""
    with_the_old_key_alone(bundle, old, key)
    mine = base64.b64encode(raw_public_key(key)).decode()
    both = public_key_pem(raw_public_key(key)) + public_key_pem(old)
    sign_change(bundle, base64.b64encode(old).decode(), mine, key, both)


def sign_change(bundle: Path, old: str, new: str, key: Ed25519PrivateKey, pem: str) -> None:
    """Put a change of the key into the bundle, signed with some key, about the last kept event."""
    note = read_checkpoint(read_note((bundle / "kept.note").read_text(encoding="utf-8")).body)
    statement = Rotation(note.origin, note.size, note.head, old, new).statement
    (bundle / "rotations" / "0001.txt").write_text(statement, encoding="utf-8")
    (bundle / "rotations" / "0001.sig").write_bytes(key.sign(statement.encode()))
    (bundle / "rotations" / "0001.pem").write_text(pem, encoding="utf-8")


@pytest.mark.parametrize(
    "papers", [None, with_the_old_key_alone, with_a_change_of_its_own, with_two_keys_in_a_file]
)
def test_a_tail_signed_with_a_key_that_the_log_does_not_name_is_found(
    bundle: Path, papers: Callable[[Path, bytes, Ed25519PrivateKey], None] | None
) -> None:
    """Everything up to the kept checkpoint is honest; what follows is the forger's, under a key of the forger's own."""
    opening = json.loads(json.loads((bundle / "log.jsonl").read_text("utf-8").splitlines()[0])["payload"])
    key = Ed25519PrivateKey.generate()
    forged_tail(bundle, key)
    if papers is not None:
        papers(bundle, base64.b64decode(opening["detail"]["public_key"]), key)
    steps = run_guide(GUIDE, bundle)
    assert [step.returncode for step in steps[1:3]] == [0, 0], "the forger did it well"
    assert any(step.returncode for step in steps[3:])


@pytest.mark.parametrize("added", [1, 3], ids=["in place of the last one", "behind it"])
def test_a_tail_that_nobody_signed_is_found(bundle: Path, added: int) -> None:
    """Without any key: the chain can be carried on by anybody, and the signed head stands somewhere before its end."""
    file = bundle / "log.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    decided = next(row["payload"] for row in rows if "Walks the stairs" in row["payload"])
    rows = rows[:-1] if added == 1 else rows
    for _ in range(added):
        rows.append(follower(rows[-1], decided))
    file.write_text("".join(canonical_json(row) + "\n" for row in rows), encoding="utf-8")
    step = run_guide(GUIDE, bundle)[2]
    assert step.returncode != 0 and "is not signed" in step.stdout


def test_an_event_that_tells_something_twice_is_found(bundle: Path) -> None:
    """`sqlite3` reads the first of two equal keys, and other programs the last."""
    file = bundle / "log.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    rows[-1]["payload"] = rows[-1]["payload"].replace('"actor":"system"', '"actor":"system","actor":"rita"')
    rows[-1]["hash"] = chain_hash(rows[-1]["prev_hash"], rows[-1]["payload"])
    file.write_text("".join(canonical_json(row) + "\n" for row in rows), encoding="utf-8")
    step = run_guide(GUIDE, bundle)[1]
    assert step.returncode != 0 and "tells something twice" in step.stdout


# lines that look like others


@pytest.mark.parametrize(
    "behind", ["\x1fof another mind", "\r", "\n"], ids=["a column", "a return", "an empty line"]
)
def test_what_sqlite_leaves_out_of_a_line_is_found(bundle: Path, behind: str) -> None:
    """Its import takes one column and drops what stands behind it, which another program reads."""
    file = bundle / "log.jsonl"
    lines = file.read_text(encoding="utf-8").split("\n")
    lines[3] += behind
    file.write_bytes("\n".join(lines).encode())
    step = run_guide(GUIDE, bundle)[1]
    assert step.returncode != 0


def test_a_hash_that_is_no_sum_is_found(bundle: Path) -> None:
    """`sha256sum -c` passes over a line that it can't read, and is content if it could read another."""
    file = bundle / "log.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    rows[-1] = {**rows[-1], "hash": "no sum", "payload": rows[-1]["payload"].replace('"system"', '"sistem"')}
    file.write_text("".join(canonical_json(row) + "\n" for row in rows), encoding="utf-8")
    assert run_guide(GUIDE, bundle)[1].returncode != 0


def test_what_a_guide_prints_can_not_move_the_terminal(bundle: Path) -> None:
    """A number of an event that is a text, with a terminal's own commands in it."""
    file = bundle / "log.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    rows[4]["seq"] = "5\x1b[2J"
    file.write_text("".join(canonical_json(row) + "\n" for row in rows), encoding="utf-8")
    step = run_guide(GUIDE, bundle)[1]
    assert step.returncode != 0 and "\x1b" not in step.stdout + step.stderr


def test_a_receipt_shows_what_it_proves(receipt: Path) -> None:
    """The sentences above the event may say anything: what was proved is told by the guide."""
    replaced_in(receipt / "receipt.txt", "The decision below was", "Dr. Nobody said no.\nThe decision below was")
    step = run_guide(RECEIPT_GUIDE, receipt)[0]
    payload = (receipt / "receipt.txt").read_text(encoding="utf-8").split(f"\n\n{PROOF}")[0].splitlines()[-2]
    assert step.returncode == 0 and "the receipt holds" in step.stdout
    assert json.loads(payload)["event_id"] in step.stdout and "Dr. Nobody" not in step.stdout


@pytest.mark.parametrize(
    ("was", "becomes"),
    [("\nevent ", "\nevent 1"), ("\nindex ", "\nindex 1844674407370955161")],
    ids=["another number", "a number that a shell reckons to another"],
)
def test_a_receipt_of_another_number_is_refused(receipt: Path, was: str, becomes: str) -> None:
    """The number is what an auditor looks for in the log."""
    assert run_guide(RECEIPT_GUIDE, receipt)[0].returncode == 0
    replaced_in(receipt / "receipt.txt", was, becomes)
    assert run_guide(RECEIPT_GUIDE, receipt)[0].returncode != 0


def test_a_receipt_of_a_number_beyond_its_checkpoint_is_refused(receipt: Path) -> None:
    """A proof's steps follow from the lower digits of a number alone; what stands above was not looked at."""
    file = receipt / "receipt.txt"
    seq = int(file.read_text(encoding="utf-8").split("\nevent ")[1].split()[0])
    replaced_in(file, f"\nevent {seq} ", f"\nevent {seq + 2**20} ")
    replaced_in(file, f"\nindex {seq - 1}\n", f"\nindex {seq - 1 + 2**20}\n")
    assert "no such event" in run_guide(RECEIPT_GUIDE, receipt)[0].stdout


# papers and questions that are no text


def asked(*arguments: object) -> Result:
    """Ask the command line, which must not break down, and return what it said."""
    result = CliRunner().invoke(main, [str(each) for each in arguments], prog_name="hitl-review")
    assert "fault of the program" not in result.stderr
    return result


def test_a_receipt_that_was_mailed_or_opened_in_an_editor_is_still_one(receipt: Path) -> None:
    """Other line ends and a byte order mark are no attack."""
    file = receipt / "receipt.txt"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    found = asked("audit", "check-receipt", file, "--checkpoint", receipt / "kept.note")
    assert found.exit_code == 0, found.stderr


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_the_guides_read_what_was_mailed_or_opened_in_an_editor(
    bundle: Path, reviewed: Workspace, mark: bytes
) -> None:
    """They called an honest checkpoint that of another log, and an honest receipt none."""
    decision = next(each.decision_id for each in reviews.all_decisions(reviewed.store) if each.comment)
    (bundle / "receipt.txt").write_text(issue_receipt(reviewed, decision), encoding="utf-8")
    for name in ("receipt.txt", "kept.note"):
        file = bundle / name
        file.write_bytes(mark + file.read_bytes().replace(b"\n", b"\r\n"))
    assert [step.returncode for step in run_guide(GUIDE, bundle)] == [0] * 5
    (bundle / "public_key.pem").unlink()
    (step,) = run_guide(RECEIPT_GUIDE, bundle)
    assert (step.returncode, "the receipt holds" in step.stdout) == (0, True), step.stdout + step.stderr


def test_a_kept_checkpoint_that_others_signed_as_well_is_no_alarm(bundle: Path, reviewed: Workspace) -> None:
    """A witness's line, and one in the log's name by a key of elsewhere: the guides took the last one for ours."""
    kept, file = bundle / "kept.note", bundle / "receipt.txt"
    with kept.open("a", encoding="utf-8") as note:
        for name, size in (("witness.example/w", 76), (f"hitl-review.example/{reviewed.origin}", 68)):
            note.write(f"\u2014 {name} {base64.b64encode(b'w' * size).decode()}\n")
    assert verify(reviewed.folder, checkpoints=[kept]).ok
    assert [step.returncode for step in run_guide(GUIDE, bundle)] == [0] * 5
    decision = next(each.decision_id for each in reviews.all_decisions(reviewed.store) if each.comment)
    file.write_text(issue_receipt(reviewed, decision), encoding="utf-8")
    (bundle / "public_key.pem").unlink()
    assert "the receipt holds" in run_guide(RECEIPT_GUIDE, bundle)[0].stdout
    replaced_in(kept, "head ", "head 0")
    assert run_guide(RECEIPT_GUIDE, bundle)[0].returncode == 1, "what nobody signed so is still found"


def test_several_kept_checkpoints_are_no_alarm(bundle: Path, reviewed: Workspace) -> None:
    """Whoever kept them in one file is asked for one; it was said that no key of the log had signed them."""
    kept = bundle / "kept.note"
    kept.write_text(f"{kept.read_text(encoding='utf-8')}\n{publish_checkpoint(reviewed)}", encoding="utf-8")
    told = run_guide(GUIDE, bundle)[3].stdout
    assert "several checkpoints" in told and "none of the keys" not in told


def test_bytes_that_are_no_text_are_refused_in_words(receipt: Path, reviewed_folder: Path) -> None:
    """As a receipt, as a key, as a checkpoint, or as what is asked for."""
    noise = receipt / "noise"
    noise.write_bytes(bytes(range(256)))
    for arguments in (
        ("audit", "check-receipt", noise),
        ("audit", "check-receipt", receipt / "receipt.txt", "--public-key", noise),
        ("audit", "verify", reviewed_folder, "--checkpoint", noise),
        ("audit", "show", reviewed_folder, "--subject", "case:\udcff"),
        ("audit", "show", reviewed_folder, "--before", 10**30),
        ("audit", "receipt", reviewed_folder, "\udcff"),
    ):
        assert asked(*arguments).exit_code == 2, arguments
