"""Simulated readers, for a demonstration: they go through the same verbs as people, and are marked everywhere.

They know the truth as no person does, through a noisy eye: a case looks easier or harder to all of
them alike, each has a skill of its own and leans on the model more or less. What comes out shows
what a report looks like; it is evidence of nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log
from typing import Final

from hitl_review.domain.account import SYSTEM, Actor, Role
from hitl_review.domain.decision import Confidence, Modality
from hitl_review.domain.protocol import Design, Protocol
from hitl_review.domain.study import State, Study
from hitl_review.errors import StudyError
from hitl_review.model.artifacts import TrainedModel
from hitl_review.store import accounts
from hitl_review.store.studies import sealed, steps
from hitl_review.workflow.accounts import add_account
from hitl_review.workflow.scoring import ModelSource, stored_model
from hitl_review.workflow.studies.drafting import choose_cases, draft_study
from hitl_review.workflow.studies.freezing import freeze_study
from hitl_review.workflow.studies.leading import lock_study, start_study
from hitl_review.workflow.studies.reading import Task, commit_study_read, open_item, reveal_item, standing
from hitl_review.workflow.studies.unsealing import unseal_study
from hitl_review.workflow.workspace import Workspace

READERS: Final = 6
CASES: Final = 60
DEMO_STUDY: Final = "demo-study"

Told = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class SimulatedReader:
    """What makes one simulated reader: skill and trust as weights on the log-odds, pace as a factor on time."""

    skill: float
    bias: float
    trust: float
    pace: float


def make_demo_study(
    workspace: Workspace,
    study_id: str = DEMO_STUDY,
    *,
    readers: int = READERS,
    n_cases: int = CASES,
    seed: int = 20251125,
    progress: Told = lambda step, of, words: None,
) -> Study:
    """Make the demonstration study from draft to unsealed, or complete one that a killed run left behind."""
    if not steps.exists(workspace.store, study_id):
        names = simulated_accounts(workspace, readers)
        draft_study(workspace, study_id, demo_protocol(workspace, names, n_cases, seed), actor=SYSTEM)
    study = steps.study(workspace.store, study_id)
    if not study.simulated:
        raise StudyError(f"Study '{study_id}' has real readers. Give the demonstration study another name.")
    if study.state is State.DRAFT:
        study = freeze_study(workspace, study_id, actor=SYSTEM)
    if study.state is State.FROZEN:
        study = start_study(workspace, study_id, actor=SYSTEM)
    if study.state is State.RUNNING:
        simulate_readers(workspace, study_id, progress=progress)
        study = lock_study(workspace, study_id, actor=SYSTEM)
    if study.state is State.LOCKED:
        study = unseal_study(workspace, study_id, actor=SYSTEM)
    return study


def demo_protocol(workspace: Workspace, readers: tuple[str, ...], n_cases: int, seed: int) -> Protocol:
    """Return the demonstration's protocol: sequential, with a hidden share, checks, repeats and wrong outputs."""
    chosen = choose_cases(workspace, n_cases, seed=seed)
    training = choose_cases(workspace, 4, seed=seed, besides=chosen)
    return Protocol(
        title="Demonstration with simulated readers: alone, with the model, and the model alone",
        design=Design.SEQUENTIAL,
        readers=readers,
        cases=chosen,
        training_cases=training,
        seed=seed,
        attention_checks=2,
        repeats=min(4, n_cases // 4),
        wrong_ai_cases=n_cases // 10,
        size_basis="A demonstration; no power was calculated.",
        simulated=True,
    )


def simulated_accounts(workspace: Workspace, count: int) -> tuple[str, ...]:
    """Return the accounts of so many simulated readers, making those that are not there yet."""
    there = {each.account_id for each in accounts.everyone(workspace.store)}
    names = tuple(f"simulated-{number}" for number in range(1, count + 1))
    for number, name in enumerate(names, start=1):
        if name not in there:
            add_account(workspace, name, f"Simulated reader {number}", Role.READER)
    return names


def simulate_readers(
    workspace: Workspace,
    study_id: str,
    *,
    only: tuple[str, ...] | None = None,
    source: ModelSource | None = None,
    progress: Told = lambda step, of, words: None,
) -> int:
    """Let simulated readers make all the reads they may make now; return how many they made.

    StudyError where the protocol does not say that its readers are simulated.
    """
    study = steps.study(workspace.store, study_id)
    if not study.simulated:
        raise StudyError(f"Study '{study_id}' has real readers, so nobody may be simulated in it.")
    truth = {each.case_id: each.truth for each in sealed.all_sealed(workspace.store, study_id)}
    readers = study.protocol.readers if only is None else only
    model = _once(source or stored_model(workspace.store))
    made = 0
    for number, reader in enumerate(readers):
        progress(number, len(readers), f"simulated reader {number + 1} of {len(readers)}")
        made += _read_all(workspace, study, accounts.actor(workspace.store, reader), truth, model)
    progress(len(readers), len(readers), "read")
    return made


def _once(source: ModelSource) -> ModelSource:
    """Return a source that reads each model once."""
    held: dict[str, TrainedModel] = {}

    def given(digest: str) -> TrainedModel:
        if digest not in held:
            held[digest] = source(digest)
        return held[digest]

    return given


def _read_all(
    workspace: Workspace, study: Study, actor: Actor, truth: dict[str, bool], source: ModelSource
) -> int:
    nature = reader_of(study.protocol.seed, actor.account_id)
    made = 0
    while (task := standing(workspace, study.study_id, actor=actor).task) is not None:
        _read_one(workspace, study, task, actor, nature, truth, source)
        made += 1
    return made


def reader_of(seed: int, reader: str) -> SimulatedReader:
    """Return what a simulated reader is like: always the same for the same seed and name."""
    chance = random.Random(f"{seed}/{reader}")
    return SimulatedReader(
        chance.uniform(0.45, 0.9), chance.gauss(0, 0.2), chance.uniform(0.3, 0.65), chance.uniform(0.7, 1.4)
    )


def _read_one(
    workspace: Workspace,
    study: Study,
    task: Task,
    actor: Actor,
    nature: SimulatedReader,
    truth: dict[str, bool],
    source: ModelSource,
) -> None:
    study_id, target = study.study_id, workspace.project.target
    chance = random.Random(f"{study.protocol.seed}/{actor.account_id}/{task.item}/{task.modality.value}")
    shown = None
    if task.modality is Modality.AIDED:
        screen = reveal_item(workspace, study_id, task.item, actor=actor, source=source)
        shown = screen.view.probability
    open_item(workspace, study_id, task.item, actor=actor)
    label, rating = _asked(task, workspace)
    if rating is None:
        rating = _rating(study, task, nature, truth, shown, chance)
        label = target.positive.code if rating >= 50 else target.negative.code
    seconds = nature.pace * exp(chance.gauss(log(32 if shown is None else 14), 0.35))
    commit_study_read(
        workspace,
        study_id,
        task.item,
        modality=task.modality,
        label=label,
        rating=rating,
        actor=actor,
        token=f"{study_id}-{task.item}-{task.modality.value}"[-64:],
        seconds_active=seconds,
        seconds_on_screen=max(seconds, workspace.project.review.minimum_view_seconds),
        confidence=_confidence(rating),
    )


def _asked(task: Task, workspace: Workspace) -> tuple[str, float | None]:
    """Return what an attention check asks for, read from its words as a person would."""
    if not task.instruction:
        return "", None
    target = workspace.project.target
    label = target.positive if task.instruction.endswith(f"{target.positive.words}.") else target.negative
    return label.code, float(next(word for word in task.instruction.split() if word.isdigit()))


def _rating(
    study: Study,
    task: Task,
    nature: SimulatedReader,
    truth: dict[str, bool],
    shown: float | None,
    chance: random.Random,
) -> float:
    seed = study.protocol.seed
    looks = random.Random(f"{seed}/{task.case_id}").gauss(0, 1.0)
    sign = 1 if truth.get(task.case_id, chance.random() < 0.5) else -1
    own = random.Random(f"{seed}/{nature}/{task.item}/eye")
    score = nature.skill * sign + looks + nature.bias + own.gauss(0, 0.8)
    if shown is not None:
        advice = log(max(shown, 0.01) / max(1 - shown, 0.01))
        score = (1 - nature.trust) * score + nature.trust * 1.6 * advice + chance.gauss(0, 0.2)
    return float(min(max(round(100 / (1 + exp(-score))), 1), 99))


def _confidence(rating: float) -> Confidence:
    sure = abs(rating - 50)
    return Confidence.LOW if sure < 12 else Confidence.MEDIUM if sure < 30 else Confidence.HIGH
