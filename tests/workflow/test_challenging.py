"""A challenger is trained from the ledger, measured on the locked hold-out, and kept whatever the gate says."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.case import Purpose
from hitl_review.domain.gate import GateVerdict
from hitl_review.errors import Conflict, ModelError, NotFound
from hitl_review.store import audit, cases, gates, jobs, labels, models, worklist
from hitl_review.store.audit import new_token
from hitl_review.store.jobs import JobKind, JobState
from hitl_review.workflow import triggers
from hitl_review.workflow.accounts import actor_of
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.gating import measure
from hitl_review.workflow.jobs import ask
from hitl_review.workflow.labelling import collect_labels
from hitl_review.workflow.lineage import lineage_of
from hitl_review.workflow.monitoring import monitor
from hitl_review.workflow.papers import change_plan, model_card
from hitl_review.workflow.promotion import promote, propose, protocol_digest, roll_back, stop_model
from hitl_review.workflow.replaying_people import replay_people
from hitl_review.workflow.retraining import retrain, train_version
from hitl_review.workflow.review import commit_read, next_case, open_case
from hitl_review.workflow.scoring import rescore_open, stored_model
from hitl_review.workflow.training_set import LabelledCase, check_locked, learnable, trained_on
from hitl_review.workflow.working import work
from hitl_review.workflow.workspace import Workspace, open_workspace

REASON = "It missed three patients this week."
STATEMENT = "A hundred and twenty cases are all there are; two of us looked at every one."


@pytest.fixture
def read(hospital: Workspace) -> Workspace:
    """The hospital after its reader worked off half of the queue, saying 20 and 80 % in turn."""
    reader = actor_of(hospital, "reader-1")
    queue = sorted(cases.ids_of(hospital.store, Purpose.QUEUE))
    said = {case_id: 0.2 if place % 2 else 0.8 for place, case_id in enumerate(queue)}
    source = stored_model(hospital.store)
    assert replay_people(hospital, said, reader=lambda case_id: reader, source=source, limit=6) == 6
    return hospital


@pytest.fixture(scope="module")
def retrained_folder(hospital_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hospital whose reader decided, and whose challenger was trained and measured once."""
    folder = Path(shutil.copytree(hospital_folder, tmp_path_factory.mktemp("retrained") / "workspace"))
    with open_workspace(folder) as workspace:
        reader = actor_of(workspace, "reader-1")
        queue = sorted(cases.ids_of(workspace.store, Purpose.QUEUE))
        said = {case_id: 0.2 if place % 2 else 0.8 for place, case_id in enumerate(queue)}
        replay_people(workspace, said, reader=lambda _: reader, source=stored_model(workspace.store), limit=6)
        retrain(workspace)
    return folder


@pytest.fixture
def retrained(retrained_folder: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A test's own copy of it, open."""
    with open_workspace(Path(shutil.copytree(retrained_folder, tmp_path / "own"))) as opened:
        yield opened


def challenger_of(workspace: Workspace) -> str:
    """The digest of the version that was trained last."""
    return models.versions(workspace.store)[-1].digest


def put_in_use(workspace: Workspace) -> str:
    """Propose and promote the challenger, with a statement, as the gate could not decide."""
    digest = challenger_of(workspace)
    propose(workspace, digest, actor=actor_of(workspace, "steward-1"))
    promote(workspace, digest, actor=actor_of(workspace, "approver-1"), statement=STATEMENT)
    return digest


def test_all_decisions_teach_and_overrides_never_alone(retrained: Workspace) -> None:
    """The manifest holds outcomes and own estimates, one row a case, each with the labels it rests on."""
    version = models.versions(retrained.store)[-1]
    rows = trained_on(retrained, version.manifest)
    assert len({row["case"] for row in rows}) == len(rows) == 86
    sources = [row["source"] for row in rows]
    assert (sources.count("outcome"), sources.count("blind")) == (80, 6)
    known = {label.label_id for label in labels.everything(retrained.store)}
    assert all(row["labels"] and set(row["labels"]) <= known for row in rows)  # type: ignore[call-overload,arg-type]
    assert {row["label"] for row in rows if row["source"] == "blind"} == {0.2, 0.8}


def test_too_few_gate_cases_are_no_evidence(retrained: Workspace) -> None:
    """A hundred and twenty of two hundred: the report is kept, and says that a person has to sign."""
    (gate,) = gates.everything(retrained.store)
    report = gates.report(retrained.store, gate.gate_id)
    assert (gate.verdict, report.cases) == (GateVerdict.UNDECIDED, 120)
    assert "person must sign" in report.words
    assert gate.protocol == protocol_digest(retrained.project)
    told = [e.told for e in audit.events(retrained.store) if e.told["action"] == "gate.undecided"]
    assert len(told) == 1 and told[0]["detail"]["looks"] == 1
    assert report.champion.roc and report.importance and report.subgroups


def test_the_same_ledger_makes_the_same_model_and_no_second_one(retrained: Workspace) -> None:
    """It is measured again, and nothing is trained."""
    before = len(models.versions(retrained.store))
    again = retrain(retrained)
    assert (again.is_new, len(models.versions(retrained.store))) == (False, before)
    assert again.challenger.digest == challenger_of(retrained)
    assert len(gates.everything(retrained.store)) == 2


def test_the_same_manifest_makes_the_same_bytes(read: Workspace, tmp_path: Path) -> None:
    """In a copy of the workspace, by another process of training."""
    retrain_digest = retrain(read).challenger.digest
    with open_workspace(Path(shutil.copytree(read.folder, tmp_path / "copy"))) as twin:
        twin_rows = learnable(twin).rows
        assert twin_rows == learnable(read).rows
        assert retrain(twin).challenger.digest == retrain_digest


def test_a_model_that_saw_the_hold_out_is_neither_trained_nor_measured(hospital: Workspace) -> None:
    """By intersection, whichever way it got there."""
    held = cases.of_purpose(hospital.store, Purpose.HOLDOUT)[:40]
    known = cases.outcomes(hospital.store, Purpose.HOLDOUT)
    with pytest.raises(ModelError, match="locked hold-out"):
        check_locked(hospital, [held[0].case_id])
    rows = [
        LabelledCase(case, float(known[case.case_id]), outcome=float(known[case.case_id])) for case in held
    ]
    cheat = train_version(hospital, rows, actor=Actor("steward-1", "Sam", Role.MODEL_STEWARD))
    with pytest.raises(ModelError, match="locked hold-out"):
        measure(hospital, cheat, models.champion(hospital.store))
    assert gates.everything(hospital.store) == []


def test_promotion_scores_open_cases_anew_and_keeps_what_was_said(retrained: Workspace) -> None:
    """By the worker; decided cases keep the prediction that was answered."""
    before = retrained.store.rows("SELECT count(*) FROM predictions")[0][0]
    digest = put_in_use(retrained)
    assert work(retrained.folder, once=True, told=lambda words: None) >= 1
    rows = retrained.store.rows("SELECT case_id FROM predictions WHERE model = ?", (digest,))
    waiting = {each.case_id for each in worklist.waiting_with(retrained.store, digest)}
    assert {row[0] for row in rows} == waiting and len(waiting) == 6
    assert retrained.store.rows("SELECT count(*) FROM predictions")[0][0] == before + 6
    told = [e.told["action"] for e in audit.events(retrained.store)]
    assert "cases.rescored" in told
    assert verify(retrained.folder).problems == ()


def test_an_undecided_gate_does_not_let_pass_in_silence(retrained: Workspace) -> None:
    """The approver has to say why."""
    digest = challenger_of(retrained)
    propose(retrained, digest, actor=actor_of(retrained, "steward-1"))
    with pytest.raises(Conflict, match="Sign a statement"):
        promote(retrained, digest, actor=actor_of(retrained, "approver-1"))


def test_lineage_goes_both_ways(retrained: Workspace) -> None:
    """From a model to what it was made from and led to; from a decision to the models it taught."""
    digest = put_in_use(retrained)
    version = models.version(retrained.store, digest)
    of_model = lineage_of(retrained, version.name).facts
    assert of_model["labels"] == {"outcome": 80, "read": 6}
    assert of_model["given_by"] == [{"reader": "reader-1", "what": "read", "count": 6}]
    assert of_model["parent"] == models.versions(retrained.store)[0].digest
    (move,) = of_model["moves"]
    signature = models.moves(retrained.store)[-1].signature
    assert signature is not None and signature.words.startswith("Demo approver, approval, ")
    assert (move["move"], move["statement"], move["signed"]) == ("promoted", STATEMENT, signature.words)
    assert any(f"promoted by {signature.words} (" in line for line in lineage_of(retrained, digest).lines)
    assert signature.words in model_card(retrained, digest)
    decision = retrained.store.rows("SELECT decision_id FROM decisions LIMIT 1")[0][0]
    of_decision = lineage_of(retrained, decision)
    assert [each["name"] for each in of_decision.facts["models"]] == [version.name]
    assert len(of_decision.facts["labels"]) == 2
    with pytest.raises(NotFound, match="neither"):
        lineage_of(retrained, "nobody-knows-this")


def test_the_card_and_the_change_plan_are_made_from_the_database(retrained: Workspace) -> None:
    """With the sections a change plan has, the gate's limits and what was measured."""
    card, plan = model_card(retrained), change_plan(retrained)
    assert models.champion(retrained.store).digest in card and "Not a medical device" in card
    for part in ("Description of modifications", "Data management", "Re-training", "Performance evaluation"):
        assert part in plan
    assert "Update procedures" in plan and "Impact assessment" in plan
    assert protocol_digest(retrained.project) in plan and "| undecided |" in plan


def test_without_a_model_cases_are_read_and_left(hospital: Workspace) -> None:
    """Each once: the own estimate is all there is to do, and the next case comes."""
    stop_model(hospital, actor=actor_of(hospital, "steward-1"), reason=REASON)
    reader = actor_of(hospital, "reader-1")
    seen = []
    while (case_id := next_case(hospital, actor=reader)) is not None:
        opened = open_case(hospital, case_id, actor=reader)
        commit_read(
            hospital,
            case_id,
            label="died",
            probability=0.6,
            actor=reader,
            token=new_token(),
            opened_at=opened.opened_at,
        )
        seen.append(case_id)
    assert len(set(seen)) == len(seen) == 12
    roll_back(hospital, actor=actor_of(hospital, "approver-1"), reason="The cause was found and mended.")
    assert next_case(hospital, actor=reader) in seen, "with a model again, they wait for a decision"


def test_the_worker_does_what_was_asked_and_keeps_the_answer(read: Workspace) -> None:
    """Retraining by a job: its result names the model and the verdict; a page shows it from there."""
    ask(read, JobKind.RETRAIN, actor=actor_of(read, "steward-1"))
    assert work(read.folder, once=True, told=lambda words: None) >= 1
    (job,) = jobs.newest(read.store, limit=1, kind=JobKind.RETRAIN)
    assert (job.state, job.share) == (JobState.DONE, 1.0)
    assert job.result is not None and job.result["verdict"] == "undecided"
    assert job.result["model"] == challenger_of(read)


def test_a_worker_that_is_told_to_stop_leaves_its_job_for_the_next(read: Workspace) -> None:
    """At the next step, without a challenger half-made."""
    ask(read, JobKind.RETRAIN)
    stop = Event()
    work(read.folder, once=True, stop=stop, told=lambda words: stop.set())
    (job,) = jobs.newest(read.store, limit=1, kind=JobKind.RETRAIN)
    assert (job.state, job.attempts) == (JobState.WAITING, 0)
    assert len(models.versions(read.store)) == 1


def test_new_labels_start_a_training_and_few_do_not(read: Workspace) -> None:
    """The number is the project's."""
    collect_labels(read)
    kinds = {job.kind for job in triggers.look(read)}
    assert JobKind.RETRAIN not in kinds
    policy = read.project.retraining.model_copy(update={"minimum_new_labels": 12})
    eager = replace(read, project=read.project.model_copy(update={"retraining": policy}))
    assert JobKind.RETRAIN in {job.kind for job in triggers.look(eager)}
    assert JobKind.RETRAIN not in {job.kind for job in triggers.look(eager)}, "the same labels ask once"
    assert len(jobs.newest(read.store, limit=9, kind=JobKind.RETRAIN)) == 1


def test_a_stopped_model_is_followed_by_challengers_but_not_monitored(read: Workspace) -> None:
    """Readers go on without it, and what they say may bring the next one."""
    stop_model(read, actor=actor_of(read, "steward-1"), reason=REASON)
    collect_labels(read)
    policy = read.project.retraining.model_copy(update={"minimum_new_labels": 12})
    eager = replace(read, project=read.project.model_copy(update={"retraining": policy}))
    assert {job.kind for job in triggers.look(eager)} == {JobKind.RETRAIN}


def test_the_monitor_keeps_what_it_measured_and_says_what_it_can_not(read: Workspace) -> None:
    """A dozen cases are too few for every lamp; none is lit, none is called fine for that."""
    found = monitor(read)
    states = {lamp.name: lamp.state for lamp in found.lamps}
    assert states["inputs"] == states["overrides"] == "unknown"
    assert found.alarms == ()
    (row,) = read.store.rows("SELECT body FROM monitorings")
    assert {each["name"] for each in json.loads(row[0])["lamps"]} == set(states)
    assert verify(read.folder).problems == ()


def test_going_back_is_quick_on_a_real_workspace(retrained: Workspace) -> None:
    """Under a second, with the queue left to the worker."""
    first = models.champion(retrained.store).digest
    put_in_use(retrained)
    begun = time.perf_counter()
    roll_back(retrained, actor=actor_of(retrained, "approver-1"), reason=REASON)
    assert time.perf_counter() - begun < 1.0
    assert models.champion(retrained.store).digest == first
    assert rescore_open(retrained) == 0, "the earlier model had judged them all"
