"""The workspaces that attacks and faults are tried on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.attacks.desks import furnish


@pytest.fixture(scope="session")
def furnished_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed workspace at whose twelve desks nothing is decided yet. Do not write to it."""
    return furnish(tmp_path_factory.mktemp("furnished") / "workspace")


@pytest.fixture
def furnished(furnished_once: Path, tmp_path: Path) -> Path:
    """A copy of it, to be written to; nobody has it open, so copying its files is safe."""
    return Path(shutil.copytree(furnished_once, tmp_path / "furnished"))
