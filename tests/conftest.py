"""What every test may ask for: a settable clock, a small project, a store, a workspace with people and cases.

The workspace is a real one in a temporary folder; what it holds is made in `ward.py`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.case import Case, Purpose, Snapshot, Value
from hitl_review.domain.decision import Answer, Confidence, Decision, Modality, Read, Signature
from hitl_review.domain.prediction import Prediction
from hitl_review.project import Project, parse_project
from hitl_review.store.connection import Store, create_store
from hitl_review.workflow.sampling import draw_sample, record_finding
from hitl_review.workflow.workspace import Workspace, create_workspace, open_workspace
from tests.ward import NOW, PROJECT, Clock, fill, prediction, review, snapshot
from tests.ward_learning import learn


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until it is advanced."""
    return Clock()


@pytest.fixture(scope="session")
def project_text() -> str:
    """The text of a project with four features: two numbers, a category, a flag."""
    return PROJECT


@pytest.fixture(scope="session")
def project(project_text: str) -> Project:
    """The project with four features, as read."""
    return parse_project(project_text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that `store` and `workspace` live in."""
    return tmp_path / "workspace"


@pytest.fixture
def store(folder: Path, clock: Clock) -> Iterator[Store]:
    """An empty store: tables and triggers, no event."""
    with create_store(folder, clock=clock) as made:
        yield made


@pytest.fixture
def workspace(folder: Path, clock: Clock, project_text: str) -> Iterator[Workspace]:
    """A demo workspace with five accounts, six cases in the queue and two with outcomes, and no model."""
    create_workspace(folder, project_text, demo=True, clock=clock)
    with open_workspace(folder, clock=clock) as opened:
        fill(opened)
        yield opened


@pytest.fixture
def reviewed(workspace: Workspace, clock: Clock) -> Workspace:
    """The workspace with a model in use and every kind of row: reads, reveals, all answers, a change of mind."""
    review(workspace, clock)
    return workspace


@pytest.fixture(scope="session")
def reviewed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a closed workspace like `reviewed`, made once. Do not write to it: take `reviewed_folder`."""
    folder, clock = tmp_path_factory.mktemp("reviewed") / "workspace", Clock()
    create_workspace(folder, PROJECT, demo=True, clock=clock)
    with open_workspace(folder, clock=clock) as opened:
        fill(opened)
        review(opened, clock)
    return folder


@pytest.fixture(scope="session")
def learned_once(reviewed_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a closed workspace like `reviewed` that learned as well: a row of every kind. Take a copy."""
    folder = Path(shutil.copytree(reviewed_once, tmp_path_factory.mktemp("learned") / "workspace"))
    clock = Clock(NOW + timedelta(hours=1))
    with open_workspace(folder, clock=clock) as opened:
        learn(opened, clock)
        drawn = draw_sample(opened, count=1, seed="4711")
        auditor = Actor("auditor-1", "Ada Auditor", Role.AUDITOR)
        record_finding(
            opened, drawn.sample_id, drawn.decisions[0], "in_order", "", actor=auditor, token="finding-0001"
        )
    return folder


@pytest.fixture
def learned_folder(learned_once: Path, tmp_path: Path) -> Path:
    """A copy of a closed workspace that holds a row of every kind; nobody has it open."""
    return Path(shutil.copytree(learned_once, tmp_path / "learned"))


@pytest.fixture
def reviewed_folder(reviewed_once: Path, tmp_path: Path) -> Path:
    """A copy of a closed workspace like `reviewed`; nobody has it open, so copying its files is safe."""
    return Path(shutil.copytree(reviewed_once, tmp_path / "reviewed"))


@pytest.fixture(scope="session")
def reader() -> Actor:
    """The first reader of `workspace`."""
    return Actor("reader-1", "Rita Reader", Role.READER)


@pytest.fixture(scope="session")
def other_reader() -> Actor:
    """The second reader of `workspace`."""
    return Actor("reader-2", "Rolf Reader", Role.READER)


@pytest.fixture(scope="session")
def auditor() -> Actor:
    """The auditor of `workspace`."""
    return Actor("auditor-1", "Ada Auditor", Role.AUDITOR)


@pytest.fixture(scope="session")
def approver() -> Actor:
    """The approver of `workspace`."""
    return Actor("approver-1", "Abe Approver", Role.APPROVER)


@pytest.fixture(scope="session")
def a_snapshot() -> Callable[..., Snapshot]:
    """Makes the values of a case: `a_snapshot("C-1", age=50.0)`."""
    return snapshot


@pytest.fixture(scope="session")
def a_case() -> Callable[..., Case]:
    """Makes a case: `a_case("C-1", position=1, purpose=Purpose.QUEUE, age=50.0)`."""

    def made(
        case_id: str = "C-1", *, position: int = 1, purpose: Purpose = Purpose.QUEUE, **changed: Value
    ) -> Case:
        return Case(case_id, purpose, position, NOW, snapshot(case_id, **changed))

    return made


@pytest.fixture(scope="session")
def a_prediction() -> Callable[..., Prediction]:
    """Makes a prediction of a case by a model of which only the digest is known."""

    def made(case_id: str = "C-1", *, model: str = "sha256:" + "0" * 64, margin: float = 0.4) -> Prediction:
        return prediction(snapshot(case_id), model, margin, NOW)

    return made


@pytest.fixture(scope="session")
def a_read() -> Callable[..., Read]:
    """Makes an own estimate."""

    def made(case_id: str = "C-1", *, read_id: str = "read-0001", reader: str = "reader-1") -> Read:
        return Read(read_id, case_id, reader, Modality.UNAIDED, "died", 0.7, NOW, NOW + timedelta(seconds=40))

    return made


@pytest.fixture(scope="session")
def a_decision() -> Callable[..., Decision]:
    """Makes a decision, an override unless it is changed by keyword."""

    def made(**changed: object) -> Decision:
        at = NOW + timedelta(seconds=60)
        ordinary: dict[str, object] = {
            "decision_id": "decision-0001",
            "case_id": "C-1",
            "reader": "reader-1",
            "reveal_id": "reveal-0001",
            "prediction_id": "P-1",
            "answer": Answer.OVERRIDDEN,
            "label": "alive",
            "reason": "seen_patient",
            "comment": "",
            "confidence": Confidence.HIGH,
            "own_probability": 0.3,
            "shown_digest": "sha256:" + "5" * 64,
            "shown_at": NOW + timedelta(seconds=50),
            "decided_at": at,
            "seconds_active": 9.5,
            "signature": Signature("Rita Reader", "review", at),
        }
        return Decision(**{**ordinary, **changed})  # type: ignore[arg-type]

    return made
