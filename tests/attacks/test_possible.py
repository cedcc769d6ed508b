"""Steps of the product that look odd and are in order: none of them may be called impossible.

The other side of the logs that tell what can't have happened. Each team goes a way on which a rule that is too
strict would raise an alarm: models that come, stop and come back, minds that change in between, labels in small
batches, studies that overlap, a clock that goes back between any two steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hitl_review.domain.account import SYSTEM, Actor, Role
from hitl_review.domain.case import Purpose
from hitl_review.domain.decision import Answer, Choice
from hitl_review.domain.gate import GateVerdict
from hitl_review.domain.prediction import Prediction
from hitl_review.domain.protocol import Design, Protocol
from hitl_review.domain.routing import Routing
from hitl_review.errors import Conflict
from hitl_review.store import labels, models, predictions, reviews
from hitl_review.workflow import labelling
from hitl_review.workflow.accounts import add_account
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.deciding import record_decision
from hitl_review.workflow.labelling import collect_labels, resolve_dispute
from hitl_review.workflow.ordering import order_queue
from hitl_review.workflow.promotion import decline, promote, propose, roll_back, stop_model
from hitl_review.workflow.review import commit_read, open_case
from hitl_review.workflow.routing import set_routing
from hitl_review.workflow.sampling import draw_sample, record_finding
from hitl_review.workflow.studies.leading import amend_study, lock_study, start_study, waive_washout
from hitl_review.workflow.studies.unsealing import mark_reported, unseal_study
from hitl_review.workflow.workspace import Workspace, create_workspace, open_workspace
from tests.ward import PROJECT, Clock, fill, predict, receive, record_outcomes, show, train
from tests.ward_learning import ADJUDICATOR, APPROVER, STEWARD, put_gate, put_in_use
from tests.ward_study import LEAD, PLAN, RITA, ROLF, lay_study, read_all, read_next, start

AUDITOR = Actor("auditor-1", "Ada Auditor", Role.AUDITOR)
WHY = "It was looked at and is wanted."
ACCEPT = Choice(Answer.ACCEPTED)
OVERRIDE = Choice(Answer.OVERRIDDEN, reason="seen_patient", comment="Seen on the round")
DEFER = Choice(Answer.DEFERRED, reason="too_little")


@dataclass(slots=True)
class Team:
    """A ward with people, cases and a model in use; a clock that moves, or goes back, with every step."""

    workspace: Workspace
    clock: Clock
    step: float

    def tick(self) -> None:
        """Let time go on, or back."""
        self.clock.advance(self.step)

    def said(self, case: str) -> Prediction:
        """Return what the model in use says of a case."""
        store = self.workspace.store
        snapshot = store.rows("SELECT snapshot FROM cases WHERE case_id = ?", (case,))[0][0]
        found = predictions.find(store, case, model=models.champion(store).digest, snapshot=snapshot)
        assert found is not None
        return found

    def estimate(self, case: str, reader: Actor = RITA) -> None:
        """Open a case and give an own estimate, if there is none."""
        self.tick()
        opened = open_case(self.workspace, case, actor=reader)
        self.tick()
        if opened.read is None:
            commit_read(
                self.workspace,
                case,
                label="died",
                probability=0.35,
                actor=reader,
                token=f"read-{reader.account_id}-{case}",
                opened_at=opened.opened_at,
            )

    def answer(self, case: str, choice: Choice, reader: Actor = RITA) -> None:
        """Go through a case, or change one's mind about it, on the screen of the model that is in use."""
        self.estimate(case, reader)
        store, shown = self.workspace.store, self.said(case)
        earlier = [
            each
            for each in reviews.reveals_of_case(store, case)
            if (each.reader, each.prediction_id) == (reader.account_id, shown.prediction_id)
        ]
        self.tick()
        count = len(reviews.all_decisions(store))
        reveal = (
            earlier[-1] if earlier else show(self.workspace, shown, reader=reader, token=f"reveal-{count:04}")
        )
        self.tick()
        in_force = reviews.decision_in_force(store, case, reader.account_id)
        record_decision(
            self.workspace,
            reveal.reveal_id,
            choice,
            actor=reader,
            token=f"decision-{count:04}",
            seconds_active=4,
            seconds_on_screen=5,
            supersedes=None if in_force is None else in_force.decision_id,
        )

    def another_model(self, name: str) -> str:
        """Train a stand-in and put it in use, past the gate."""
        self.tick()
        made = train(self.workspace, name.encode())
        self.tick()
        put_in_use(self.workspace, made)
        self.tick()
        predict(self.workspace, made)
        return made


def models_that_come_and_go(team: Team) -> None:
    """Stop, go back, promote anew, and answer in between, on screens that were shown long ago as well."""
    workspace, first = team.workspace, models.champion(team.workspace.store).digest
    team.answer("C-1", ACCEPT)
    team.answer("C-2", DEFER)
    stop_model(workspace, actor=STEWARD, reason=WHY)
    team.estimate("C-3")
    team.tick()
    roll_back(workspace, actor=APPROVER, reason=WHY)
    team.answer("C-3", OVERRIDE)
    second = team.another_model("second")
    team.answer("C-1", OVERRIDE)
    team.answer("C-2", ACCEPT)
    roll_back(workspace, actor=APPROVER, reason=WHY)
    team.answer("C-1", DEFER)
    team.answer("C-2", OVERRIDE)
    stop_model(workspace, actor=APPROVER, reason=WHY)
    third = team.another_model("third")
    team.answer("C-1", ACCEPT)
    roll_back(workspace, actor=APPROVER, reason=WHY, to=second)
    stop_model(workspace, actor=STEWARD, reason=WHY)
    roll_back(workspace, actor=APPROVER, reason=WHY, to=first)
    team.answer("C-4", ACCEPT, ROLF)
    put_gate(workspace, third, first, GateVerdict.UNDECIDED)
    team.tick()
    promote(workspace, third, actor=APPROVER, statement=WHY)
    team.answer("C-4", DEFER, ROLF)


def challengers_that_are_refused(team: Team) -> None:
    """Measure, propose and decline, more than once, one after and one beside the other."""
    workspace, first = team.workspace, models.champion(team.workspace.store).digest
    made = [train(workspace, name) for name in (b"one", b"two")]
    for each in made:
        put_gate(workspace, each, first, GateVerdict.FAILED)
        team.tick()
        with pytest.raises(Conflict):
            propose(workspace, each, actor=STEWARD)
        put_gate(workspace, each, first)
        propose(workspace, each, actor=STEWARD)
        team.tick()
        propose(workspace, each, actor=STEWARD, comment="Once more.")
        decline(workspace, each, actor=APPROVER, comment=WHY)
        team.tick()
        put_gate(workspace, each, first, GateVerdict.UNDECIDED)
        propose(workspace, each, actor=STEWARD)
    promote(workspace, made[1], actor=APPROVER, statement=WHY)
    put_gate(workspace, made[0], made[1])
    decline(workspace, made[0], actor=APPROVER, comment=WHY)
    put_gate(workspace, first, made[1])
    propose(workspace, first, actor=STEWARD)
    promote(workspace, first, actor=APPROVER)


def labels_in_small_batches(team: Team) -> None:
    """Decide, change, record outcomes twice, and collect now and then; readers disagree and are answered."""
    workspace = team.workspace
    add_account(workspace, ADJUDICATOR.account_id, ADJUDICATOR.name, ADJUDICATOR.role)
    team.answer("C-1", DEFER)
    team.answer("C-1", ACCEPT)
    team.answer("C-1", ACCEPT, ROLF)
    team.tick()
    collect_labels(workspace)
    record_outcomes(workspace, {"C-1": True, "C-2": False})
    team.answer("C-1", OVERRIDE, ROLF)
    team.answer("C-2", OVERRIDE)
    team.answer("C-2", ACCEPT, ROLF)
    team.tick()
    collect_labels(workspace)
    record_outcomes(workspace, {"C-1": False, "C-2": False})
    for dispute in labels.open_disputes(workspace.store):
        resolve_dispute(workspace, dispute.dispute_id, label="alive", probability=0.2, actor=ADJUDICATOR)
        team.tick()
    team.another_model("second")
    team.answer("C-1", DEFER, ROLF)
    team.answer("C-2", DEFER)
    collect_labels(workspace)
    receive(workspace, ["C-7", "H-1"], Purpose.QUEUE)
    receive(workspace, ["H-2"], Purpose.HOLDOUT)
    record_outcomes(workspace, {"H-2": True, "H-1": True})
    collect_labels(workspace)


def routings_and_samples(team: Team) -> None:
    """Set routings one after another, order the queue, draw samples and look at what was drawn."""
    workspace = team.workspace
    team.answer("C-1", ACCEPT)
    for share in (0.5, 0.25):
        set_routing(workspace, Routing(random_share=share), actor=STEWARD)
        team.tick()
        order_queue(workspace)
    for seed in ("1", "2"):
        drawn = draw_sample(workspace, count=3, seed=seed, actor=AUDITOR)
        team.tick()
        team.answer("C-2", ACCEPT if seed == "1" else DEFER)
        for verdict, comment in (("remark", "Look again."), ("in_order", "")):
            team.tick()
            token = f"finding-{seed}-{verdict}"
            record_finding(
                workspace, drawn.sample_id, drawn.decisions[-1], verdict, comment, actor=AUDITOR, token=token
            )
        draw_sample(workspace, count=1, seed=seed, actor=SYSTEM)


def studies_that_overlap(team: Team) -> None:
    """Run studies of each design on the same cases, amend them, lock them early, and change the model meanwhile."""
    workspace = team.workspace
    start(workspace)
    for design in (Design.CROSSOVER, Design.SPLIT_PLOT, Design.PARALLEL):
        study_id = f"ward-{design.value}"
        plan: Protocol = replace(PLAN, design=design, washout_days=0, training_cases=("C-5", "C-6"))
        lay_study(workspace, plan, study_id=study_id)
        team.tick()
        amend_study(workspace, study_id, {"title": "Renamed"}, reason="It was agreed on.", actor=LEAD)
        start_study(workspace, study_id, actor=LEAD)
        for reader in (RITA, ROLF):
            read_next(workspace, reader, team.clock, study_id=study_id)
            team.tick()
            read_next(workspace, reader, team.clock)
        team.another_model(design.value)
        amend_study(workspace, study_id, {"alpha": 0.04}, reason="It was agreed on.", actor=LEAD)
        waive_washout(workspace, study_id, "reader-1", reason="Leaves the clinic.", actor=LEAD)
        read_all(workspace, RITA, team.clock, study_id=study_id)
        lock_study(workspace, study_id, reason="One left.", actor=LEAD)
    for reader in (RITA, ROLF):
        read_all(workspace, reader, team.clock)
    lock_study(workspace, "ward-1", actor=LEAD)
    unseal_study(workspace, "ward-1", actor=LEAD)
    for digest in ("sha256:0", "sha256:1"):
        mark_reported(workspace, "ward-1", report=digest, actor=LEAD)


def washouts_of_each_kind(team: Team) -> None:
    """Let one reader wait for a washout, and go on with the other at once; the protocol asks for less meanwhile."""
    workspace, days = team.workspace, 24 * 60 * 60
    start(workspace, replace(PLAN, design=Design.CROSSOVER, washout_days=7))
    made = [read_all(workspace, reader, team.clock) for reader in (RITA, ROLF)]
    team.tick()
    waive_washout(workspace, "ward-1", "reader-1", reason="Leaves the clinic.", actor=LEAD)
    assert 0 < read_all(workspace, RITA, team.clock) <= made[0]
    team.clock.advance(6 * days + 60)
    assert read_all(workspace, ROLF, team.clock) == 0
    amend_study(workspace, "ward-1", {"washout_days": 6}, reason="It was agreed on.", actor=LEAD)
    team.tick()
    assert 0 < read_all(workspace, ROLF, team.clock) <= made[1]
    lock_study(workspace, "ward-1", actor=LEAD)


WAYS = [
    washouts_of_each_kind,
    models_that_come_and_go,
    challengers_that_are_refused,
    labels_in_small_batches,
    routings_and_samples,
    studies_that_overlap,
]


@contextmanager
def team_in(folder: Path, step: float, policy: str) -> Iterator[Team]:
    """Make a ward with a model in use."""
    clock = Clock()
    create_workspace(folder, PROJECT + policy, demo=True, clock=clock)
    with open_workspace(folder, clock=clock) as workspace:
        fill(workspace)
        model = train(workspace)
        promote(workspace, model, actor=APPROVER)
        predict(workspace, model)
        yield Team(workspace, clock, step)


@pytest.mark.parametrize("step", [0.0, 1.0, -40.0], ids=["time_stands", "time_passes", "time_goes_back"])
@pytest.mark.parametrize("way", WAYS)
def test_what_the_product_does_is_not_called_impossible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Callable[[Team], None], step: float
) -> None:
    """At one moment, with time between the steps, and with a clock that goes back again and again."""
    monkeypatch.setattr(labelling, "BATCH", 2)
    with team_in(tmp_path / "workspace", step, "") as team:
        way(team)
    assert verify(tmp_path / "workspace").problems == ()


@pytest.mark.parametrize(
    "policy", ['blind_first = "off"', 'blind_first = "share"\nblind_share = 0.5'], ids=["off", "share"]
)
@pytest.mark.parametrize("way", [models_that_come_and_go, labels_in_small_batches])
def test_nor_where_the_project_asks_for_other_estimates(
    tmp_path: Path, way: Callable[[Team], None], policy: str
) -> None:
    """Readers may give an estimate before the view where none is owed."""
    with team_in(tmp_path / "workspace", 1.0, f"\n[review]\n{policy}\n") as team:
        way(team)
    assert verify(tmp_path / "workspace").problems == ()
