"""The champion judges the queue."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.audit import lines_digest
from hitl_review.domain.case import Purpose
from hitl_review.errors import NoChampion, NotPermitted
from hitl_review.store import audit, cases, models, predictions
from hitl_review.workflow import scoring
from hitl_review.workflow.scoring import score_cases
from hitl_review.workflow.workspace import Workspace, open_workspace
from tests.hospital import build


def made(workspace: Workspace) -> dict[str, float]:
    """The stored margin of each case."""
    return {
        row["case_id"]: row["margin"]
        for row in workspace.store.rows("SELECT case_id, margin FROM predictions")
    }


def test_every_case_of_the_queue_is_judged_and_no_other(hospital: Workspace) -> None:
    """Not the hold-out, not history."""
    queue = {case.case_id for case in cases.of_purpose(hospital.store, Purpose.QUEUE)}
    assert made(hospital).keys() == queue


def test_judging_again_changes_nothing(hospital: Workspace) -> None:
    """The same pair of model and values has one prediction."""
    before = audit.head(hospital.store)
    assert score_cases(hospital) == 0
    assert audit.head(hospital.store) == before


def test_a_batch_is_one_event_with_the_digest_of_its_lines(hospital: Workspace) -> None:
    """So that an edited prediction is found."""
    event = next(each for each in audit.events(hospital.store) if each.told["action"] == "prediction.made")
    lines = predictions.made_lines(hospital.store, event.event_id)
    assert event.told["detail"] == {
        "model": models.champion(hospital.store).digest,
        "count": 12,
        "digest": lines_digest(lines),
    }


def test_small_batches_give_the_same_predictions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is killed between two batches goes on where it stopped."""
    told: list[int] = []
    with open_workspace(build(tmp_path / "hospital", scored=False)) as workspace:
        monkeypatch.setattr(scoring, "BATCH", 5)
        assert score_cases(workspace, progress=told.append) == 12
        assert told == [5, 10, 12]
        alone = made(workspace)
    with open_workspace(build(tmp_path / "other")) as other:
        assert made(other) == alone


def test_a_patient_outside_the_inclusion_rules_is_left_without_a_prediction(tmp_path: Path) -> None:
    """And the others are judged all the same."""
    folder = build(tmp_path / "hospital", replace=("minimum = 18", "minimum = 60"), scored=False)
    with open_workspace(folder) as workspace:
        score_cases(workspace)
        ages = {
            case.case_id: case.snapshot.values["age"]
            for case in cases.of_purpose(workspace.store, Purpose.QUEUE)
        }
        judged = made(workspace).keys()
        assert judged == {case_id for case_id, age in ages.items() if age is not None and float(age) >= 60}
        assert judged != ages.keys()
        assert score_cases(workspace) == 0


def test_the_label_is_the_positive_one_from_the_threshold_on(hospital: Workspace) -> None:
    """At the threshold that stands with the prediction."""
    rows = hospital.store.rows("SELECT probability, threshold, label FROM predictions")
    assert all((row["label"] == "died") == (row["probability"] >= row["threshold"]) for row in rows)
    assert {row["label"] for row in rows} == {"died", "alive"}


def test_without_a_model_nothing_is_judged(workspace: Workspace) -> None:
    """The sentence says how to train one."""
    with pytest.raises(NoChampion, match="hitl-review train"):
        score_cases(workspace)


def test_a_reader_can_not_set_the_model_to_work(hospital: Workspace) -> None:
    """It is the steward's."""
    with pytest.raises(NotPermitted):
        score_cases(hospital, actor=Actor("reader-1", "Demo reader 1", Role.READER))
