"""The workspaces that attacks and faults are tried on."""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from hitl_review.store import connection
from tests.attacks.desks import furnish
from tests.attacks.power import Disk, Machine, PowerConnection
from tests.attacks.whole import complete


@pytest.fixture(scope="session")
def whole_once(learned_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed workspace with rows in every table. Do not write to it."""
    return complete(Path(shutil.copytree(learned_once, tmp_path_factory.mktemp("whole") / "workspace")))


@pytest.fixture
def whole_folder(whole_once: Path, tmp_path: Path) -> Path:
    """A copy of it, to be written to."""
    return Path(shutil.copytree(whole_once, tmp_path / "whole"))


@pytest.fixture(scope="session")
def furnished_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed workspace at whose twelve desks nothing is decided yet. Do not write to it."""
    return furnish(tmp_path_factory.mktemp("furnished") / "workspace")


@pytest.fixture
def furnished(furnished_once: Path, tmp_path: Path) -> Path:
    """A copy of it, to be written to; nobody has it open, so copying its files is safe."""
    return Path(shutil.copytree(furnished_once, tmp_path / "furnished"))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Lets the store open its files on a simulated disk."""
    disks = count()

    def start(synchronous: str | None = None) -> Disk:
        disk = Disk(f"power-{next(disks)}")
        module = SimpleNamespace(
            **{
                **vars(connection.sqlite3),
                "connect": lambda address, **_: PowerConnection(disk, address, synchronous=synchronous),
            }
        )
        monkeypatch.setattr(connection, "sqlite3", module)
        return disk

    return start
