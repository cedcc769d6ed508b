"""One reader turns three in ten labels round: no harmful challenger passes the gate, and the reader is named."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from hitl_review.domain.account import SYSTEM
from hitl_review.domain.case import Purpose
from hitl_review.domain.gate import GateVerdict
from hitl_review.domain.label import LabelMode, LabelSource, TrainingLabel, resolve
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.evaluation import log_loss, roc_auc_score
from hitl_review.model.features import Matrix, matrix
from hitl_review.model.scoring import score
from hitl_review.project import read_project_text
from hitl_review.store import cases, labels, models
from hitl_review.store.audit import new_token
from hitl_review.store.watching import Stated
from hitl_review.workflow.accounts import actor_of
from hitl_review.workflow.demo import add_starter_accounts, data_folder, import_part
from hitl_review.workflow.gating import measured
from hitl_review.workflow.intake import receive_outcomes
from hitl_review.workflow.labelling import collect_labels
from hitl_review.workflow.monitoring import Lamp, monitor, readers_lamp
from hitl_review.workflow.retraining import candidates_of, train_champion
from hitl_review.workflow.review import commit_read, open_case
from hitl_review.workflow.scoring import stored_model
from hitl_review.workflow.training_set import rows_of
from hitl_review.workflow.workspace import Workspace, create_workspace, open_workspace
from tests.evidence.tables import table_of
from tests.ward import NOW

SOURCE = data_folder("support2")
RUNS = 100
READERS, FLIPPED = ("anna", "ben", "carl", "dora"), 0.3
QUEUE, GATE = 3000, 400
ALL, THIRD = 1.0, 1 / 3
"""Shares of the queue whose outcomes have come in when the monitor looks."""
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
    codes: tuple[str, str]
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
        target = workspace.project.target
        codes = (target.negative.code, target.positive.code)
        yield Clinic(workspace, champion, queue, known, died, codes, others, truth)


def _others(folder: Path, champion: TrainedModel, died: Mapping[str, bool]) -> tuple[Matrix, list[float]]:
    create_workspace(folder, read_project_text(SOURCE / "project.toml"), demo=True)
    with open_workspace(folder) as workspace:
        import_part(workspace, SOURCE, Purpose.HOLDOUT)
        held = cases.of_purpose(workspace.store, Purpose.HOLDOUT)[GATE:]
        values = matrix(champion.spec, [case.snapshot.values for case in held])
        return values, [float(died[case.case_id]) for case in held]


@dataclass(frozen=True)
class Outcome:
    """What became of one poisoned run; `lamps` tell of the readers once so many outcomes have come in."""

    passed: bool
    auc_gain: float
    loss_gain: float
    lamps: Mapping[float, Lamp]


def read(clinic: Clinic, seed: int, turned: float) -> list[Stated]:
    """Own estimates of the whole queue by four readers, the first of whom turns a share of the labels round."""
    random = np.random.default_rng(seed)
    said = []
    for case_id in clinic.queue:
        reader = READERS[int(random.integers(len(READERS)))]
        turns = reader == READERS[0] and random.random() < turned
        chance = 1 - clinic.said[case_id] if turns else clinic.said[case_id]
        call = clinic.codes[chance >= 0.5]
        said.append(Stated(reader, case_id, call, chance, clinic.outcomes[case_id]))
    return said


def lamp(clinic: Clinic, said: Sequence[Stated], seed: int, matured: float) -> Lamp:
    """What the monitor says of the readers once a share of the outcomes, drawn at random, has come in."""
    known = np.random.default_rng([seed, 1]).random(len(said)) < matured
    come_in = [one if yes else replace(one, outcome=None) for one, yes in zip(said, known, strict=True)]
    return readers_lamp(come_in, positive=clinic.codes[True], names={})


def named(found: Lamp) -> set[str]:
    """Who stands apart by a lamp; each of them stands in its words."""
    apart = {check["reader"] for check in found.figures["checks"] if check["stands_apart"]}
    assert all(reader in found.words for reader in apart)
    assert (found.state == "alarm") == bool(apart)
    return apart


def poisoned(clinic: Clinic, seed: int) -> Outcome:
    """Train on the queue as read, before any outcome has come in; judge the challenger; then look at the readers."""
    said = read(clinic, seed, FLIPPED)
    ledger = labels.everything(clinic.workspace.store)
    ledger += [_label(each.case_id, LabelSource.BLIND, each.probability, each.reader) for each in said]
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
        {matured: lamp(clinic, said, seed, matured) for matured in (ALL, THIRD)},
    )


def _label(case_id: str, source: LabelSource, chance: float, reader: str) -> TrainingLabel:
    return TrainingLabel(f"L-{case_id}", case_id, source, chance, LabelMode.BLIND, NOW, reader=reader)


def told(lamps: Sequence[Lamp]) -> tuple[int, int]:
    """In how many looks the reader who turns labels round is named, and in how many somebody else is."""
    apart = [named(each) for each in lamps]
    return sum(READERS[0] in each for each in apart), sum(bool(each - {READERS[0]}) for each in apart)


@pytest.mark.slow
def test_poisoned_labels_promote_no_harm_and_the_reader_is_pointed_out(clinic: Clinic) -> None:
    """In a hundred runs, with 750 reads a reader. With a third of the outcomes the reader is named in part of them."""
    runs = [poisoned(clinic, seed) for seed in range(RUNS)]
    harmful = [run for run in runs if run.passed and (run.auc_gain < -HARM or run.loss_gain < 0)]
    right, wrong = told([run.lamps[ALL] for run in runs])
    early, early_wrong = told([run.lamps[THIRD] for run in runs])
    print(
        f"passed {sum(run.passed for run in runs)}, harmful {len(harmful)}; all outcomes: named {right}, wrongly "
        f"{wrong}; a third of the outcomes: named {early}, wrongly {early_wrong}"
    )
    assert harmful == []
    assert right >= 0.95 * RUNS
    assert early >= 0.40 * RUNS
    assert wrong <= 0.01 * RUNS and early_wrong <= 0.01 * RUNS


@pytest.mark.slow
@pytest.mark.parametrize("matured", [ALL, THIRD])
def test_where_nobody_turns_labels_round_nobody_is_pointed_out(clinic: Clinic, matured: float) -> None:
    """In at most one of a hundred runs."""
    lamps = [lamp(clinic, read(clinic, seed, 0.0), seed, matured) for seed in range(1000, 1000 + RUNS)]
    apart = sum(bool(named(each)) for each in lamps)
    print(f"pointed at with {matured:.0%} of outcomes: {apart}")
    assert apart <= 0.01 * RUNS


def test_the_monitor_names_the_reader_from_what_is_stored(tmp_path: Path) -> None:
    """Two readers store 250 estimates each, one turns half of the labels round, the outcomes come in by a file."""
    create_workspace(tmp_path / "ward", read_project_text(SOURCE / "project.toml"), demo=True)
    stated = {row["case_id"]: row["physician_probability_180_days"] for row in table_of(SOURCE, "readers")}
    random = np.random.default_rng(4)
    with open_workspace(tmp_path / "ward") as workspace:
        add_starter_accounts(workspace)
        import_part(workspace, SOURCE, Purpose.TRAINING)
        train_champion(workspace)
        import_part(workspace, SOURCE, Purpose.QUEUE, limit=500)
        queue = [case.case_id for case in cases.of_purpose(workspace.store, Purpose.QUEUE)]
        for number, case_id in enumerate(queue):
            chance = float(stated[case_id])
            turned = number % 2 == 0 and random.random() < 0.5
            _commit(workspace, case_id, f"reader-{1 + number % 2}", 1 - chance if turned else chance)
        outcomes = tmp_path / "outcomes.csv"
        _write(outcomes, [row for row in table_of(SOURCE, "outcomes") if row["case_id"] in set(queue)])
        receive_outcomes(workspace, outcomes, actor=SYSTEM, source="follow-up")
        found = next(each for each in monitor(workspace).lamps if each.name == "readers")
    assert named(found) == {"Demo reader 1"}
    assert (
        found.words.startswith("Demo reader 1 agrees with the outcome in ") and found.words.count("Demo") == 1
    )


def _commit(workspace: Workspace, case_id: str, reader: str, chance: float) -> None:
    target, actor = workspace.project.target, actor_of(workspace, reader)
    call = (target.positive if chance >= 0.5 else target.negative).code
    opened = open_case(workspace, case_id, actor=actor).opened_at
    token = new_token()
    commit_read(
        workspace, case_id, label=call, probability=chance, actor=actor, token=token, opened_at=opened
    )


def _write(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
