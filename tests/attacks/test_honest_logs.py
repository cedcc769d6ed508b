"""No false alarm: whatever order of steps a team takes, its log verifies, alone and against its own checkpoints. G5.

Each log is made by the product's own steps, drawn at random from a seed: different people, cases and
models, amended and deferred decisions, refused acts, exports, looks at the log, checkpoints, backups, a
clock that jumps. A thousand under `make slow`, a few in the quick tests.
"""

from __future__ import annotations

import random
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.case import Purpose
from hitl_review.domain.decision import Answer, Choice, Confidence
from hitl_review.domain.prediction import Prediction
from hitl_review.errors import HitlError
from hitl_review.store import reviews
from hitl_review.workflow.accounts import add_account
from hitl_review.workflow.auditing import history, verify, verify_file
from hitl_review.workflow.backup import backup
from hitl_review.workflow.checkpointing import write_checkpoint
from hitl_review.workflow.exporting import export
from hitl_review.workflow.promotion import promote
from hitl_review.workflow.workspace import Workspace, create_workspace, open_workspace
from tests.ward import PROJECT, Clock, decide, predict, receive, record_outcomes, train
from tests.ward_learning import put_in_use

APPROVER: Final = Actor("approver-1", "Abe Approver", Role.APPROVER)
AUDITOR: Final = Actor("auditor-1", "Ada Auditor", Role.AUDITOR)
STEWARD: Final = Actor("steward-1", "Sam Steward", Role.MODEL_STEWARD)
COMMENTS: Final = (
    "",
    "größer ≥ 90 %",
    "🫀 irregular\nsecond line",
    '"quoted", with \\ and {}',
    "=1+1",
    "x" * 3_000,
)


@dataclass(slots=True)
class Team:
    """People who work on one workspace as chance has it."""

    workspace: Workspace
    clock: Clock
    chance: random.Random
    outside: Path
    readers: list[Actor] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    shown: dict[str, Prediction] = field(default_factory=dict)
    kept: list[Path] = field(default_factory=list)

    def settle_in(self) -> None:
        """Make people, cases and a model."""
        for number in range(self.chance.randint(1, 4)):
            self.readers.append(Actor(f"reader-{number}", f"Réader {number} ✓", Role.READER))
        for person in (*self.readers, APPROVER, AUDITOR, STEWARD):
            add_account(self.workspace, person.account_id, person.name, person.role)
        history_ids = [f"T-{number}" for number in range(self.chance.randint(1, 9))]
        receive(self.workspace, history_ids, Purpose.TRAINING)
        self.receive()
        record_outcomes(self.workspace, {case_id: self.chance.random() < 0.5 for case_id in history_ids})
        self.change_model()

    def receive(self) -> None:
        """Let some cases arrive."""
        arrived = [f"C-{len(self.cases) + number}" for number in range(self.chance.randint(1, 5))]
        receive(self.workspace, arrived, Purpose.QUEUE)
        self.cases += arrived

    def change_model(self) -> None:
        """Put another model in use, past the gate; what was shown before belongs to the one before."""
        model = train(self.workspace, self.chance.randbytes(30))
        if self.shown:
            put_in_use(self.workspace, model)
        else:
            promote(self.workspace, model, actor=APPROVER)
        self.shown = predict(self.workspace, model)

    def decide(self) -> None:
        """Answer a case, or change the answer; some acts are refused, and leave nothing."""
        reader, case_id = self.chance.choice(self.readers), self.chance.choice(list(self.shown))
        answer, comment = self.chance.choice(list(Answer)), self.chance.choice(COMMENTS)
        reason = {Answer.ACCEPTED: None, Answer.OVERRIDDEN: "seen_patient", Answer.DEFERRED: "too_little"}[
            answer
        ]
        choice = Choice(
            answer, reason=reason, comment=comment, confidence=self.chance.choice([None, *Confidence])
        )
        in_force = reviews.decision_in_force(self.workspace.store, case_id, reader.account_id)
        with suppress(HitlError):
            decide(
                self.workspace,
                self.shown[case_id],
                choice,
                reader=reader,
                clock=self.clock,
                supersedes=None if in_force is None else in_force.decision_id,
            )

    def set_clock(self) -> None:
        """Advance the clock, or set it back."""
        self.clock.advance(self.chance.choice([0.000001, 1, 3600, 90_000, -0.5, -7200]))

    def look(self) -> None:
        """Look at the log, or take data out."""
        if self.chance.random() < 0.5:
            history(self.workspace, limit=self.chance.randint(1, 20), action="decision.%", actor=AUDITOR)
        else:
            what, form = (
                self.chance.choice(["decisions", "labels", "cases"]),
                self.chance.choice(["csv", "jsonl"]),
            )
            export(self.workspace, what=what, form=form, out=None, actor=STEWARD)

    def keep(self) -> None:
        """Keep a checkpoint elsewhere."""
        self.kept.append(self.outside / f"kept-{len(self.kept)}.txt")
        write_checkpoint(self.workspace, self.kept[-1], actor=AUDITOR)

    def copy(self) -> None:
        """Make a backup, which verifies as well."""
        assert verify_file(backup(self.workspace.folder, self.outside / f"{self.chance.random()}.db")).ok

    def work(self) -> None:
        """Take some steps."""
        steps = [self.decide] * 12 + [
            self.receive,
            self.set_clock,
            self.set_clock,
            self.look,
            self.look,
            self.keep,
        ]
        for _ in range(self.chance.choice([0, 5, 30, 60])):
            self.chance.choice(steps)()
            self.clock.advance(1)
            if self.chance.random() < 0.02:
                self.change_model()
        if self.chance.random() < 0.1:
            self.copy()


def assert_no_false_alarm(place: Path, seed: int) -> int:
    """Make one log, check it against itself and all that was kept of it, and return how long it is."""
    place.mkdir()
    clock = Clock()
    create_workspace(place / "workspace", PROJECT, demo=seed % 2 == 0, clock=clock)
    with open_workspace(place / "workspace", clock=clock) as workspace:
        team = Team(workspace, clock, random.Random(seed), place)
        team.settle_in()
        team.work()
    found = verify(place / "workspace", checkpoints=team.kept)
    assert found.ok, (seed, found.as_lines())
    assert not [warning for warning in found.warnings if "cannot be excluded" not in warning]
    shutil.rmtree(place)
    return found.events


def test_honest_logs_raise_no_alarm(tmp_path: Path) -> None:
    """A dozen logs of different shapes, one of them long enough for a checkpoint that nobody asked for."""
    lengths = [assert_no_false_alarm(tmp_path / str(seed), seed) for seed in range(12)]
    assert min(lengths) < 20
    assert max(lengths) > 100


@pytest.mark.slow
def test_a_thousand_honest_logs_raise_no_alarm(tmp_path: Path) -> None:
    """As many as were asked for, none of them among the dozen."""
    for seed in range(1_000, 2_000):
        assert_no_false_alarm(tmp_path / str(seed), seed)
