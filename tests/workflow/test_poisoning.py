"""One reader turns three in ten labels round: no harmful challenger passes the gate; how often the reader is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from hitl_review.domain.case import Purpose
from hitl_review.domain.gate import GateVerdict
from hitl_review.domain.label import LabelMode, LabelSource, TrainingLabel, resolve
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.evaluation import log_loss, roc_auc_score
from hitl_review.model.features import Matrix, matrix
from hitl_review.model.label_quality import Comparison, readers_apart
from hitl_review.model.scoring import score
from hitl_review.project import read_project_text
from hitl_review.store import cases, labels, models
from hitl_review.workflow.demo import data_folder, import_part
from hitl_review.workflow.gating import measured
from hitl_review.workflow.labelling import collect_labels
from hitl_review.workflow.retraining import candidates_of, train_champion
from hitl_review.workflow.scoring import stored_model
from hitl_review.workflow.training_set import rows_of
from hitl_review.workflow.workspace import Workspace, create_workspace, open_workspace
from tests.evidence.tables import table_of
from tests.ward import NOW

SOURCE = data_folder("support2")
RUNS = 100
READERS, FLIPPED = ("anna", "ben", "carl", "dora"), 0.3
QUEUE, GATE, MATURED = 3000, 400, 1.0
HARM = 0.005
"""A challenger is harmful whose AUC on patients nobody here learns from or decides by is lower by more than this."""


@dataclass(frozen=True)
class Clinic:
    """A workspace with a champion and a queue, and 1,600 further patients who tell what is truly better."""

    workspace: Workspace
    champion: TrainedModel
    queue: list[str]
    said: Mapping[str, float]
    outcomes: Mapping[str, bool]
    others: Matrix
    truth: list[float]


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """500 patients train the champion, 400 are the gate's, 3,000 wait; none of them is among the 1,600 others."""
    folder = tmp_path_factory.mktemp("poisoned") / "workspace"
    create_workspace(folder, read_project_text(SOURCE / "project.toml"), demo=True)
    died = {row["case_id"]: row["died_within_180_days"] == "1" for row in table_of(SOURCE, "outcomes")}
    said = {row["case_id"]: row["physician_probability_180_days"] for row in table_of(SOURCE, "readers")}
    with open_workspace(folder) as workspace:
        import_part(workspace, SOURCE, Purpose.TRAINING)
        import_part(workspace, SOURCE, Purpose.HOLDOUT, limit=GATE)
        import_part(workspace, SOURCE, Purpose.QUEUE, limit=QUEUE)
        champion = stored_model(workspace.store)(train_champion(workspace).digest)
        collect_labels(workspace)
        queue = [case.case_id for case in cases.of_purpose(workspace.store, Purpose.QUEUE)]
        others, truth = _others(folder.parent / "others", champion, died)
        known = {case_id: float(said[case_id]) for case_id in queue}
        yield Clinic(workspace, champion, queue, known, died, others, truth)


def _others(folder: Path, champion: TrainedModel, died: Mapping[str, bool]) -> tuple[Matrix, list[float]]:
    create_workspace(folder, read_project_text(SOURCE / "project.toml"), demo=True)
    with open_workspace(folder) as workspace:
        import_part(workspace, SOURCE, Purpose.HOLDOUT)
        held = cases.of_purpose(workspace.store, Purpose.HOLDOUT)[GATE:]
        values = matrix(champion.spec, [case.snapshot.values for case in held])
        return values, [float(died[case.case_id]) for case in held]


@dataclass(frozen=True)
class Outcome:
    """What became of one poisoned run."""

    passed: bool
    auc_gain: float
    loss_gain: float
    apart: tuple[str, ...]


def poisoned(clinic: Clinic, seed: int) -> Outcome:
    """Let four readers judge the queue, one of them turning three in ten labels round."""
    random = np.random.default_rng(seed)
    ledger = labels.everything(clinic.workspace.store)
    heard = []
    for case_id in clinic.queue:
        reader = READERS[int(random.integers(len(READERS)))]
        turned = reader == READERS[0] and random.random() < FLIPPED
        chance = 1 - clinic.said[case_id] if turned else clinic.said[case_id]
        ledger.append(_label(case_id, LabelSource.BLIND, chance, reader))
        if random.random() < MATURED:
            heard.append(Comparison(reader, (chance >= 0.5) == clinic.outcomes[case_id]))
    resolved, _ = resolve(ledger)
    champion = models.champion(clinic.workspace.store)
    made = candidates_of(
        clinic.workspace, rows_of(clinic.workspace, resolved), champion, manifest=f"poisoned run {seed}"
    )
    report = measured(clinic.workspace, clinic.champion, made.chosen.model)
    before, after = (
        score(model, clinic.others).probabilities for model in (clinic.champion, made.chosen.model)
    )
    return Outcome(
        report.verdict is GateVerdict.PASSED,
        roc_auc_score(clinic.truth, after) - roc_auc_score(clinic.truth, before),
        log_loss(clinic.truth, before) - log_loss(clinic.truth, after),
        tuple(check.reader for check in readers_apart(heard) if check.stands_apart),
    )


def _label(case_id: str, source: LabelSource, chance: float, reader: str) -> TrainingLabel:
    return TrainingLabel(f"L-{case_id}", case_id, source, chance, LabelMode.BLIND, NOW, reader=reader)


@pytest.mark.slow
def test_poisoned_labels_promote_no_harm_and_the_reader_is_pointed_out(clinic: Clinic) -> None:
    """In a hundred runs. Who reads 750 of 3,000 cases is named in some of them only; others hardly ever."""
    runs = [poisoned(clinic, seed) for seed in range(RUNS)]
    harmful = [run for run in runs if run.passed and (run.auc_gain < -HARM or run.loss_gain < 0)]
    named = sum(READERS[0] in run.apart for run in runs)
    wrongly = sum(any(reader != READERS[0] for reader in run.apart) for run in runs)
    print(
        f"passed {sum(run.passed for run in runs)}, harmful {len(harmful)}, named {named}, wrongly {wrongly}"
    )
    assert harmful == []
    assert named >= 0.25 * RUNS, "a tolerance of 5 points leaves many such readers unnamed at 750 reads each"
    assert wrongly <= 0.05 * RUNS
