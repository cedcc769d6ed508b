"""A workspace of a test's own, and the app served on it in a process of its own, as `hitl-review serve` does."""

from __future__ import annotations

import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from hitl_review.domain.account import SYSTEM, Role
from hitl_review.project import read_project_text
from hitl_review.store.connection import DATABASE
from hitl_review.workflow.accounts import add_account, give_public_password
from hitl_review.workflow.demo import data_folder, make_demo
from hitl_review.workflow.retraining import labelled_by_outcome, train_version
from hitl_review.workflow.workspace import create_workspace, open_workspace

ROOT = Path(__file__).parents[2]
STARTING_SECONDS = 60.0
LAUNCH = ("-m", "hitl_review", "serve")


def copy_workspace(made: Path, target: Path) -> Path:
    """Copy a workspace while others may have it open: the database by VACUUM INTO, the rest as files."""
    target.mkdir(parents=True)
    source = sqlite3.connect(made / DATABASE)
    source.execute("VACUUM INTO ?", (str(target / DATABASE),))
    source.close()
    (target / DATABASE).chmod(0o600)
    for key in made.glob("*.key"):
        shutil.copy2(key, target)
    return target


def add_reader(folder: Path, account_id: str) -> str:
    """Give a demonstration one more reader, with the public password: a test has a queue and a history of its own."""
    with open_workspace(folder) as workspace:
        add_account(workspace, account_id, f"Test {account_id}", Role.READER)
        give_public_password(workspace, account_id)
    return account_id


def make_demo_saying(folder: Path, *, old: str, new: str) -> Path:
    """Make a demonstration whose project says something else in one place, and has said so from the beginning.

    It is its first and only project, as in every workspace that the product makes: the demonstration is completed
    in a workspace that was made already.
    """
    text = read_project_text(data_folder("support2") / "project.toml")
    if text.count(old) != 1:
        raise ValueError(f"The project does not say {old!r} once.")
    create_workspace(folder, text.replace(old, new), demo=True)
    make_demo(folder)
    return folder


def train_another(folder: Path) -> str:
    """Keep a second model version, from fewer rows, without putting it in use; return its digest."""
    with open_workspace(folder) as workspace:
        rows = labelled_by_outcome(workspace)[:300]
        return train_version(workspace, rows, actor=SYSTEM).digest


class Server:
    """The app in a process of its own on a port of its own; it can be killed and started again."""

    def __init__(self, folder: Path, *, launch: tuple[str, ...] = LAUNCH) -> None:
        self.folder = folder
        self.launch = launch
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = folder.parent / f"{folder.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Server:
        """Start serving, and return when the app answers."""
        command = [sys.executable, *self.launch, str(self.folder), "--port", str(self.port)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        self._wait_until_well()
        return self

    def kill(self) -> None:
        """Kill the process at once, as a power cut does (SIGKILL): nothing is tidied up."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _wait_until_well(self) -> None:
        until = time.monotonic() + STARTING_SECONDS
        while time.monotonic() < until and self._process is not None and self._process.poll() is None:
            if answers(f"{self.address}/healthz"):
                return
            time.sleep(0.05)
        raise RuntimeError(f"The app did not start:\n{self.log.read_text(encoding='utf-8')}")


def answers(address: str) -> bool:
    """Tell whether an address answers well."""
    try:
        with urlopen(address, timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, ConnectionError, TimeoutError):
        return False


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
