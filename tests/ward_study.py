"""A reader study on the small ward: two readers, four cases, laid down and read with the stand-in model's outputs.

The steps are the product's own, but for the model's screen, because the ward's model can't be asked.
"""

from __future__ import annotations

from dataclasses import replace

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.canonical import canonical_json
from hitl_review.domain.case import Purpose
from hitl_review.domain.decision import Confidence, Modality
from hitl_review.domain.protocol import Design, Protocol
from hitl_review.domain.study import Study, StudyRead
from hitl_review.store import accounts, cases, models, predictions
from hitl_review.workflow.accounts import add_account
from hitl_review.workflow.studies.drafting import draft_study
from hitl_review.workflow.studies.freezing import lay_down, strata_of
from hitl_review.workflow.studies.leading import start_study
from hitl_review.workflow.studies.reading import commit_study_read, keep_showing, open_item, standing
from hitl_review.workflow.studies.scheduling import lay_out
from hitl_review.workflow.studies.showing import as_it_is
from hitl_review.workflow.studies.stepping import study_of
from hitl_review.workflow.workspace import Workspace
from tests.ward import Clock

LEAD = Actor("lead-1", "Lea Lead", Role.STUDY_LEAD)
RITA = Actor("reader-1", "Rita Reader", Role.READER)
ROLF = Actor("reader-2", "Rolf Reader", Role.READER)
TRUTH = {"C-1": True, "C-2": False, "C-3": True, "C-4": False}
PLAN = Protocol(
    title="Does the model help on the ward?",
    design=Design.SEQUENTIAL,
    readers=("reader-1", "reader-2"),
    cases=tuple(TRUTH),
    training_cases=("C-5",),
    attention_checks=1,
    repeats=1,
    no_reveal_share=0.25,
    seed=7,
)


def lay_study(workspace: Workspace, plan: Protocol = PLAN, *, study_id: str = "ward-1") -> Study:
    """Draft and freeze a study with the outputs that the workspace holds; the study's lead gets an account."""
    store, model = workspace.store, models.champion(workspace.store).digest
    if LEAD.account_id not in {each.account_id for each in accounts.everyone(store)}:
        add_account(workspace, LEAD.account_id, LEAD.name, LEAD.role)
    said = {}
    for case in cases.of_purpose(store, Purpose.QUEUE):
        found = predictions.find(store, case.case_id, model=model, snapshot=case.snapshot.digest)
        assert found is not None
        said[case.case_id] = as_it_is(found)
    draft_study(workspace, study_id, plan, actor=LEAD)
    items = lay_out(plan, strata_of(plan, TRUTH, said), labels=("died", "alive"))
    outputs = [said[case] for case in (*plan.cases, *plan.training_cases)]
    outputs[-2] = replace(outputs[-2], margin=-outputs[-2].margin, replaced=True)
    lay_down(workspace, study_id, plan, model, outputs, items, TRUTH, actor=LEAD)
    return study_of(workspace, study_id)


def start(workspace: Workspace, plan: Protocol = PLAN, *, study_id: str = "ward-1") -> Study:
    """Lay a study down and let its readers in."""
    lay_study(workspace, plan, study_id=study_id)
    return start_study(workspace, study_id, actor=LEAD)


def read_next(
    workspace: Workspace,
    reader: Actor,
    clock: Clock,
    *,
    label: str = "died",
    rating: float = 70,
    study_id: str = "ward-1",
) -> StudyRead:
    """Let a reader make the next read on the list, as the page would ask for it."""
    task = standing(workspace, study_id, actor=reader).task
    assert task is not None
    if task.modality is Modality.AIDED:
        show_model(workspace, task.item, reader, case_id=task.case_id, study_id=study_id)
    open_item(workspace, study_id, task.item, actor=reader)
    clock.advance(12)
    return commit_study_read(
        workspace,
        study_id,
        task.item,
        modality=task.modality,
        label=label,
        rating=rating,
        actor=reader,
        token=f"{study_id}-{task.item}-{task.modality.value}",
        seconds_active=9.5,
        seconds_on_screen=12,
        confidence=Confidence.MEDIUM,
    )


def show_model(
    workspace: Workspace, item: int, reader: Actor, *, case_id: str, study_id: str = "ward-1"
) -> None:
    """Keep that the model was shown, with a stand-in for its screen."""
    body = canonical_json({"facts": {"case_id": case_id}, "view": "a stand-in", "item": item})
    keep_showing(workspace, study_id, item, "model", body, reader)


def read_all(workspace: Workspace, reader: Actor, clock: Clock, *, study_id: str = "ward-1") -> int:
    """Let a reader make all reads on the list; return how many it were."""
    made = 0
    while standing(workspace, study_id, actor=reader).task is not None:
        read_next(workspace, reader, clock, rating=10 + 7 * made % 80, study_id=study_id)
        made += 1
    return made
