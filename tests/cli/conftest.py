"""A small workspace of real SUPPORT2 patients, made once by the commands themselves and copied per module."""

from __future__ import annotations

import csv
import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hitl_review.cli import main

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data" / "support2"
SIZES = {"training": 60, "holdout": 40, "queue": 20}

Run = Callable[..., Result]
Process = Callable[..., "subprocess.CompletedProcess[str]"]


def _call(*arguments: object, **environment: str | None) -> Result:
    asked = [str(each) for each in arguments]
    return CliRunner().invoke(main, asked, prog_name="hitl-review", env=environment)


@pytest.fixture(scope="session")
def run() -> Run:
    """Run a command line in this process; keywords are environment variables."""
    return _call


@pytest.fixture(scope="session")
def process() -> Process:
    """Run a command line as a person does, in a process of its own; keywords are environment variables."""

    def started(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "hitl_review", *(str(each) for each in arguments)]
        around = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
        return subprocess.run(command, capture_output=True, text=True, env=around, timeout=120, check=False)

    return started


@pytest.fixture(scope="session", autouse=True)
def password_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The password of everybody in these workspaces, in the file that the environment names."""
    path = tmp_path_factory.mktemp("password") / "password.txt"
    path.write_text("three words of ours\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HITL_PASSWORD_FILE", str(path))
        yield path


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with training-cases.csv, training-outcomes.csv and so on, cut from the shipped tables."""
    folder = tmp_path_factory.mktemp("tables")
    split = sorted(_rows("split"), key=lambda row: int(row["position"]))
    for purpose, size in SIZES.items():
        wanted = {row["case_id"] for row in [row for row in split if row["purpose"] == purpose][:size]}
        for table in ("cases", "outcomes"):
            rows = [row for row in _rows(table) if row["case_id"] in wanted]
            with (folder / f"{purpose}-{table}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, fieldnames=list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
    return folder


def _rows(table: str) -> list[dict[str, str]]:
    with gzip.open(DATA / f"{table}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def made(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two readers and 20 judged cases in the queue, made by the commands."""
    folder = tmp_path_factory.mktemp("made") / "workspace"
    readers = ("--reader", "anna", "Anna Berg", "--reader", "ben", "Ben Cole")
    steps: tuple[tuple[object, ...], ...] = (
        ("init", folder, "--project", DATA / "project.toml", *readers),
        ("accounts", "password", folder, "anna"),
        ("accounts", "password", folder, "ben"),
        ("import", folder, tables / "training-cases.csv", "--purpose", "training"),
        ("import", folder, tables / "training-outcomes.csv", "--outcomes"),
        ("import", folder, tables / "holdout-cases.csv", "--purpose", "holdout"),
        ("import", folder, tables / "holdout-outcomes.csv", "--outcomes"),
        ("import", folder, tables / "queue-cases.csv"),
        ("train", folder),
        ("score", folder),
    )
    for step in steps:
        result = _call(*step)
        assert result.exit_code == 0, (step[0], result.stderr)
    return folder


@pytest.fixture(scope="module")
def workspace(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The module's own copy of the made workspace; nobody has it open, so copying its files is safe."""
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("copy") / "workspace"))


@pytest.fixture
def own_workspace(made: Path, tmp_path: Path) -> Path:
    """A test's own copy of the made workspace, to be damaged."""
    return Path(shutil.copytree(made, tmp_path / "workspace"))


@pytest.fixture(scope="module")
def queue(tables: Path) -> Iterator[str]:
    """The ids of the queue's cases, one after the other: each test takes the next."""
    with (tables / "queue-cases.csv").open(encoding="utf-8", newline="") as file:
        return iter([row["case_id"] for row in csv.DictReader(file)])
