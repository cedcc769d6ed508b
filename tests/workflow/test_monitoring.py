"""What the monitor compares must be alike: a model that comes into use must not light a lamp by how cases are read."""

from __future__ import annotations

from hitl_review.domain.case import Purpose
from hitl_review.model.drift import score_drift
from hitl_review.model.features import matrix
from hitl_review.model.scoring import score
from hitl_review.store import cases, models
from hitl_review.workflow.accounts import actor_of
from hitl_review.workflow.demo import data_folder, import_part
from hitl_review.workflow.monitoring import monitor
from hitl_review.workflow.promotion import promote, propose
from hitl_review.workflow.replaying_people import replay_people
from hitl_review.workflow.retraining import retrain
from hitl_review.workflow.scoring import rescore_open, score_cases, stored_model
from hitl_review.workflow.workspace import Workspace
from tests.workflow.test_challenging import STATEMENT


def test_a_new_model_lights_no_score_lamp_though_it_judged_the_sure_cases_only(hospital: Workspace) -> None:
    """The least sure were read first, so what is open is sure: alone it would ring, all that came does not."""
    store = hospital.store
    import_part(hospital, data_folder("support2"), Purpose.QUEUE, limit=200)
    score_cases(hospital)
    reader = actor_of(hospital, "reader-1")  # who thinks as the model does, so the next one is like it
    said = {row["case_id"]: row["probability"] for row in store.rows("SELECT * FROM predictions")}
    replay_people(hospital, said, reader=lambda _: reader, source=stored_model(store), limit=120)
    made = retrain(hospital).challenger.digest
    propose(hospital, made, actor=actor_of(hospital, "steward-1"))
    promote(hospital, made, actor=actor_of(hospital, "approver-1"), statement=STATEMENT)
    assert rescore_open(hospital) == 80
    lamps = {lamp.name: lamp for lamp in monitor(hospital).lamps}
    assert lamps["scores"].state == "fine", lamps["scores"].words
    assert "200 cases" in lamps["scores"].words
    assert alone_would_ring(hospital), "the cases still open were no selection: this test would prove nothing"


def alone_would_ring(workspace: Workspace) -> bool:
    """Whether the predictions that the new model made, compared with the hold-out, would light the lamp."""
    version = models.champion(workspace.store)
    model = stored_model(workspace.store)(version.digest)
    held = [case.snapshot.values for case in cases.of_purpose(workspace.store, Purpose.HOLDOUT)]
    made = workspace.store.rows("SELECT probability FROM predictions WHERE model = ?", (version.digest,))
    reference = score(model, matrix(model.spec, held)).probabilities
    return score_drift(reference, [row["probability"] for row in made]).alarm
