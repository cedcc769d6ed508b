"""demo, init, serve, backup, doctor: the life of a workspace."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from hitl_review.store import accounts, audit
from hitl_review.workflow.workspace import open_workspace

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data" / "support2"


def test_init_makes_an_empty_workspace_with_its_readers(run, tmp_path: Path) -> None:
    """The log is opened, the project configured, and the named readers may review."""
    folder = tmp_path / "deep" / "workspace"
    result = run("init", folder, "--project", DATA / "project.toml", "--reader", "anna", "Anna Berg")
    assert result.exit_code == 0
    with open_workspace(folder) as opened:
        told = [event.told["action"] for event in audit.events(opened.store)]
        people = accounts.everyone(opened.store)
        assert not opened.demo
    assert told == ["log.opened", "project.configured", "account.created"]
    assert [(each.account_id, each.name) for each in people] == [("anna", "Anna Berg")]


def test_init_never_overwrites_a_workspace(run, own_workspace: Path) -> None:
    """A second init leaves the first workspace as it is."""
    before = (own_workspace / "review.db").read_bytes()
    result = run("init", own_workspace, "--project", DATA / "project.toml")
    assert result.exit_code == 2
    assert "already" in result.stderr
    assert (own_workspace / "review.db").read_bytes() == before


def test_init_tells_what_is_wrong_in_a_project_file(run, tmp_path: Path) -> None:
    """Key, value and expectation; no workspace is made."""
    text = (DATA / "project.toml").read_text(encoding="utf-8").replace("threshold = 0.5", "threshold = 5")
    file = tmp_path / "project.toml"
    file.write_text(text, encoding="utf-8")
    result = run("init", tmp_path / "workspace", "--project", file)
    assert result.exit_code == 2
    assert "target.threshold" in result.stderr
    assert not (tmp_path / "workspace").exists()


@pytest.mark.parametrize("content", [b"", b"[target", b"\xff\xfe\x00"])
def test_init_refuses_a_file_that_is_no_project(run, tmp_path: Path, content: bytes) -> None:
    """Empty, broken or binary: wrong input, in words."""
    file = tmp_path / "project.toml"
    file.write_bytes(content)
    result = run("init", tmp_path / "workspace", "--project", file)
    assert result.exit_code == 2
    assert "project.toml" in result.stderr
    assert "fault of the program" not in result.stderr


def test_init_says_where_it_can_not_write(run, tmp_path: Path) -> None:
    """A file stands where the folder should be: the system's words, and the path."""
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    result = run("init", tmp_path / "file" / "workspace", "--project", DATA / "project.toml")
    assert result.exit_code == 2
    assert str(tmp_path / "file") in result.stderr
    assert "Traceback" not in result.output


def test_doctor_finds_a_fresh_workspace_well(run, workspace: Path) -> None:
    """0 with warnings at most; each line has a state, a name and what was found."""
    result = run("doctor", workspace)
    assert result.exit_code == 0, result.stdout
    assert "problem " not in result.stdout
    assert "v1, trained " in result.stdout


def test_doctor_prints_one_json_object(run, workspace: Path) -> None:
    """Each check: name, state, found, advice."""
    told = json.loads(run("doctor", workspace, "--json").stdout)
    assert told["ok"] is True
    assert {check["state"] for check in told["checks"]} <= {"ok", "warning"}
    assert all(check.keys() == {"name", "state", "found", "advice"} for check in told["checks"])
    assert {"python", "xgboost", "sqlite", "database", "champion"} <= {
        check["name"] for check in told["checks"]
    }


def test_doctor_leaves_with_1_on_a_problem(run, own_workspace: Path) -> None:
    """A database that others may read is named, with the command that mends it."""
    (own_workspace / "review.db").chmod(0o644)
    result = run("doctor", own_workspace)
    assert result.exit_code == 1
    assert "chmod 600" in result.stdout


def test_doctor_diagnoses_a_database_that_is_none(run, tmp_path: Path) -> None:
    """Garbage is a problem that is told, not a crash."""
    (tmp_path / "review.db").write_bytes(b"garbage " * 1000)
    result = run("doctor", tmp_path, "--json")
    told = {check["name"]: check["state"] for check in json.loads(result.stdout)["checks"]}
    assert result.exit_code == 1
    assert told["database"] == "problem"


def test_a_backup_verifies_and_an_existing_file_is_not_overwritten(
    run, workspace: Path, tmp_path: Path
) -> None:
    """The copy is whole, and a second backup to the same place is refused."""
    file = tmp_path / "backup.db"
    assert run("backup", workspace, file).exit_code == 0
    before = file.read_bytes()
    again = run("backup", workspace, file)
    assert again.exit_code in (1, 2)
    assert file.read_bytes() == before


def test_serving_a_missing_workspace_is_refused(run, tmp_path: Path) -> None:
    """Before the server starts, in one sentence."""
    result = run("serve", tmp_path / "nothing")
    assert result.exit_code == 2
    assert "hitl-review demo" in result.stderr


def test_a_port_that_is_none_is_wrong_use(run, workspace: Path) -> None:
    """Ports end at 65535."""
    result = run("serve", workspace, "--port", 70000)
    assert result.exit_code == 2
    assert "70000" in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="stops the server with SIGINT")
def test_serve_tells_its_address_answers_and_stops_when_asked(workspace: Path) -> None:
    """The real server: the address is printed and no name, the sign-in page is there, Ctrl+C ends it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "hitl_review", "serve", str(workspace), "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert _answers(f"http://127.0.0.1:{port}/")
    finally:
        server.send_signal(signal.SIGINT)
        told, _ = server.communicate(timeout=30)
    assert f"http://127.0.0.1:{port}" in told
    assert "anna" not in told and "password" not in told
    assert "Traceback" not in told


def _answers(address: str) -> bool:
    for _ in range(150):
        try:
            with urllib.request.urlopen(address, timeout=5) as page:
                return bool(page.status == 200)
        except OSError:
            time.sleep(0.2)
    return False


def test_the_demo_is_made_once_and_completed_never_doubled(run, tmp_path: Path) -> None:
    """The second run says that it was there, and adds no event."""
    folder = tmp_path / "demo"
    first = run("demo", folder)
    assert first.exit_code == 0, first.stderr
    for words in ("2,900 patients", "reader-1", "hitl-review serve"):
        assert words in first.stdout
    with open_workspace(folder) as opened:
        before = audit.head(opened.store)
    second = run("demo", folder)
    assert "was there already" in second.stdout
    with open_workspace(folder) as opened:
        assert audit.head(opened.store) == before
    case = run("decide", folder, _waiting(folder), "--accept", "--own-probability", 0.4, "--json")
    assert json.loads(case.stdout)["reader"] == "reader-1"


def _waiting(folder: Path) -> str:
    from hitl_review.store import worklist

    with open_workspace(folder) as opened:
        return worklist.waiting(opened.store, limit=1)[0]
