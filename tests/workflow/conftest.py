"""A small clinic: a project with one feature of each kind and its open, empty workspace."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hitl_review.domain.account import Actor, Role
from hitl_review.project import Project, parse_project
from hitl_review.workflow.workspace import Workspace, create_workspace, open_workspace
from tests.hospital import build

CLINIC = """
id = "clinic"
title = "Death within a day in a small clinic"
version = "1.0.0"
id_column = "case_id"
intended_use = "Tests."

[target]
name = "death"
question = "Will this patient die within a day?"
positive = { code = "died", words = "death within a day" }
negative = { code = "alive", words = "alive after a day" }
horizon = "1 day"
index_time = "now"
outcome_column = "died"
threshold = 0.5
cost_false_negative = 1.0
cost_false_positive = 1.0

[[features]]
name = "temperature"
label = "Temperature"
kind = "number"
group = "Signs"
unit = "°C"
plausible_low = 25
plausible_high = 45
reference_low = 36.1
reference_high = 37.2

[[features]]
name = "creatinine"
label = "Creatinine"
kind = "number"
group = "Blood"
unit = "mg/dL"
plausible_low = 0.1
plausible_high = 30
reference_low = 0.6
reference_high = 1.3

[[features]]
name = "base_excess"
label = "Base excess"
kind = "number"
group = "Blood"
unit = "mmol/L"
plausible_low = -40
plausible_high = 40

[[features]]
name = "diabetes"
label = "Diabetes"
kind = "flag"
group = "History"

[[features]]
name = "smoking"
label = "Smoking"
kind = "category"
group = "History"
levels = ["none", "former", "current"]

[[reasons]]
code = "seen_patient"
label = "I have seen the patient"
applies_to = ["override"]
training_effect = "train"

[[reasons]]
code = "too_little"
label = "Too little is known"
applies_to = ["defer"]
training_effect = "none"
"""
HEADER = "case_id,temperature,creatinine,base_excess,diabetes,smoking"
NOW = datetime(2026, 11, 22, 9, 12, 3, 1, tzinfo=UTC)


@pytest.fixture
def clinic_project() -> Project:
    """The clinic's project."""
    return parse_project(CLINIC)


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Workspace]:
    """The clinic's workspace, open and empty; its clock stands still."""
    create_workspace(tmp_path / "clinic", CLINIC, clock=lambda: NOW)
    with open_workspace(tmp_path / "clinic", clock=lambda: NOW) as workspace:
        yield workspace


@pytest.fixture
def steward() -> Actor:
    """Who may import, train and export."""
    return Actor("steward-1", "Sam Steward", Role.MODEL_STEWARD)


@pytest.fixture
def csv_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes rows under the clinic's header, or another one, and returns the file."""

    def write(*rows: str, header: str = HEADER, name: str = "cases.csv") -> Path:
        path = tmp_path / name
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def hospital_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hospital as it was made; nobody writes to it."""
    return build(tmp_path_factory.mktemp("hospital") / "workspace")


@pytest.fixture
def hospital(hospital_folder: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A test's own copy of the hospital, open; nobody had the original open, so copying its files is safe."""
    with open_workspace(Path(shutil.copytree(hospital_folder, tmp_path / "hospital"))) as opened:
        yield opened
