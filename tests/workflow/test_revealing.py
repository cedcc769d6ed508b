"""The model's view is shown after the own estimate, and kept whole as it was shown."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.audit import text_digest
from hitl_review.domain.protocol import Design, Protocol
from hitl_review.errors import Conflict, NoChampion, NotCommitted, NotFound, NotPermitted, ReviewError
from hitl_review.model.artifacts import TrainedModel
from hitl_review.store import audit, cases, models, predictions, reviews, worklist
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.promotion import roll_back, stop_model
from hitl_review.workflow.revealing import reveal
from hitl_review.workflow.review import commit_read
from hitl_review.workflow.scoring import stored_model
from hitl_review.workflow.studies.drafting import draft_study
from hitl_review.workflow.studies.freezing import freeze_study
from hitl_review.workflow.workspace import Workspace
from tests.ward import train
from tests.ward_learning import put_in_use

READER = Actor("reader-1", "Demo reader 1", Role.READER)
APPROVER = Actor("approver-1", "Demo approver", Role.APPROVER)
LEAD = Actor("lead-1", "Demo study lead", Role.STUDY_LEAD)
AUDITOR = Actor("auditor-1", "Demo auditor", Role.AUDITOR)


@pytest.fixture
def case_id(hospital: Workspace) -> str:
    """The first case of the queue."""
    return worklist.waiting(hospital.store, limit=1)[0]


@pytest.fixture
def estimated(hospital: Workspace, case_id: str) -> str:
    """The first case, with the reader's own estimate stored."""
    opened_at = hospital.store.clock()
    commit_read(
        hospital,
        case_id,
        label="died",
        probability=0.6,
        actor=READER,
        token="token-of-the-read",
        opened_at=opened_at,
    )
    return case_id


def test_nothing_is_shown_before_the_own_estimate_is_stored(hospital: Workspace, case_id: str) -> None:
    """Not even stored as shown, and another reader's estimate does not count."""
    with pytest.raises(NotCommitted, match="own estimate"):
        reveal(hospital, case_id, actor=READER)
    assert reviews.all_reveals(hospital.store) == []


def test_one_readers_estimate_opens_the_view_for_nobody_else(hospital: Workspace, estimated: str) -> None:
    """Each has to judge for oneself first."""
    other = Actor("reader-2", "Demo reader 2", Role.READER)
    with pytest.raises(NotCommitted):
        reveal(hospital, estimated, actor=other)


def test_the_screen_is_kept_whole_under_its_digest(hospital: Workspace, estimated: str) -> None:
    """Inputs, missing inputs, reference ranges, prediction, contributions, base value: all of it, as it was."""
    shown = reveal(hospital, estimated, actor=READER)
    body = reviews.screen_body(hospital.store, shown.reveal.screen)
    assert body == shown.screen.body and text_digest(body) == shown.reveal.screen
    kept = json.loads(body)
    facts = [fact for group in kept["facts"]["groups"] for fact in group["facts"]]
    snapshot = cases.get(hospital.store, estimated).snapshot
    assert {fact["feature"]: fact["value"] for fact in facts} == dict(snapshot.values)
    labels = {fact["feature"]: fact["label"] for fact in facts}
    assert {labels[name] for name in snapshot.missing} == set(kept["missing"])
    assert {reason["feature"] for reason in kept["view"]["reasons"]} == set(snapshot.values)


def test_reasons_and_base_value_add_up_to_the_margin(hospital: Workspace, case_id: str) -> None:
    """For every case of the queue, to 1e-4, on the screen that is shown."""
    for place, each in enumerate(worklist.waiting(hospital.store, limit=12)):
        commit_read(
            hospital,
            each,
            label="died",
            probability=0.5,
            actor=READER,
            token=f"token-of-read-{place}",
            opened_at=hospital.store.clock(),
        )
        view = reveal(hospital, each, actor=READER).screen.view
        assert abs(view.base_value + sum(reason.amount for reason in view.reasons) - view.margin) <= 1e-4


def test_the_same_screen_shown_again_is_the_same_record(hospital: Workspace, estimated: str) -> None:
    """A refresh adds nothing to the log."""
    first = reveal(hospital, estimated, actor=READER)
    before = audit.head(hospital.store)
    assert reveal(hospital, estimated, actor=READER) == first
    assert audit.head(hospital.store) == before


def test_an_event_tells_that_it_was_shown(hospital: Workspace, estimated: str) -> None:
    """With the digest of the screen and of the model, and no clinical value."""
    shown = reveal(hospital, estimated, actor=READER)
    event = audit.find(hospital.store, shown.reveal.reveal_id)
    assert event is not None and event.told["action"] == "prediction.shown"
    assert event.told["detail"] == {
        "prediction": shown.screen.view.prediction_id,
        "model": shown.screen.view.model,
        "shown_digest": shown.reveal.screen,
    }


def test_a_case_without_a_prediction_is_judged_when_it_is_shown(hospital: Workspace, estimated: str) -> None:
    """So a queue need not be scored before it can be read."""
    case = cases.get(hospital.store, estimated)
    with hospital.store.transaction():
        hospital.store.db.execute("DROP TRIGGER predictions_no_delete")
        hospital.store.write("DELETE FROM predictions")
    view = reveal(hospital, estimated, actor=READER).screen.view
    found = predictions.find(hospital.store, estimated, model=view.model, snapshot=case.snapshot.digest)
    assert found is not None and found.margin == view.margin


def test_a_patient_outside_the_inclusion_rules_is_not_put_to_the_model(
    hospital: Workspace, estimated: str
) -> None:
    """The model was never meant for a child."""
    with hospital.store.transaction():
        hospital.store.db.execute("DROP TRIGGER predictions_no_delete")
        hospital.store.db.execute("DROP TRIGGER snapshots_no_update")
        hospital.store.write("DELETE FROM predictions")
        hospital.store.write(
            "UPDATE snapshots SET body = json_set(body, '$.age', 9) WHERE case_id = ?", (estimated,)
        )
    with pytest.raises(ReviewError, match="may not be asked"):
        reveal(hospital, estimated, actor=READER)


def test_without_a_model_in_use_nothing_is_shown(workspace: Workspace, reader: Actor) -> None:
    """And the reader is told what to do."""
    commit_read(
        workspace,
        "C-1",
        label="died",
        probability=0.5,
        actor=reader,
        token="token-of-the-read",
        opened_at=workspace.store.clock(),
    )
    with pytest.raises(NoChampion, match="hitl-review train"):
        reveal(workspace, "C-1", actor=reader)


@pytest.mark.parametrize(
    ("actor", "case", "error"), [(AUDITOR, None, NotPermitted), (READER, "S2-unknown", NotFound)]
)
def test_only_readers_are_shown_cases_of_the_queue(
    hospital: Workspace, estimated: str, actor: Actor, case: str | None, error: type[Exception]
) -> None:
    """Whoever may not review gets nothing of the model's view of a patient."""
    with pytest.raises(error):
        reveal(hospital, case or estimated, actor=actor)


def test_the_pages_may_bring_the_model_they_keep_in_memory(hospital: Workspace, estimated: str) -> None:
    """It is asked for by digest, and the screen is the same."""
    asked: list[str] = []

    def remembering(digest: str) -> object:
        asked.append(digest)
        return stored_model(hospital.store)(digest)

    source: Callable[[str], object] = remembering
    shown = reveal(hospital, estimated, actor=READER, source=source)  # type: ignore[arg-type]
    assert asked == [models.champion(hospital.store).digest] == [shown.screen.view.model]


def test_the_view_of_a_model_that_was_changed_meanwhile_is_not_shown(
    hospital: Workspace, estimated: str
) -> None:
    """Loading it takes a moment, in which an approver acts; the reader is told, and the log stays one that can be."""

    def slowly(digest: str) -> TrainedModel:
        put_in_use(hospital, train(hospital), approver=APPROVER)
        return stored_model(hospital.store)(digest)

    with pytest.raises(Conflict, match="model was changed while its view was made"):
        reveal(hospital, estimated, actor=READER, source=slowly)
    assert reviews.all_reveals(hospital.store) == []
    assert audit.of_action(hospital.store, "prediction.shown") == []
    roll_back(hospital, actor=APPROVER, reason="The model before is wanted again.")
    reveal(hospital, estimated, actor=READER)
    hospital.store.close()
    assert verify(hospital.folder).problems == ()


def test_the_view_of_a_model_that_was_stopped_meanwhile_is_not_shown(
    hospital: Workspace, estimated: str
) -> None:
    """Nothing is in use then."""

    def slowly(digest: str) -> TrainedModel:
        stop_model(hospital, actor=APPROVER, reason="It is not to be used any more.")
        return stored_model(hospital.store)(digest)

    with pytest.raises(NoChampion, match="stopped"):
        reveal(hospital, estimated, actor=READER, source=slowly)
    assert reviews.all_reveals(hospital.store) == []


def test_the_view_of_a_case_that_a_study_took_meanwhile_is_not_shown(hospital: Workspace, estimated: str) -> None:
    """From its freeze on, a study alone shows its readers what the model says of its cases."""
    chosen = tuple(worklist.waiting(hospital.store, limit=6))
    protocol = Protocol(
        title="A small study",
        design=Design.SEQUENTIAL,
        readers=("reader-1", "reader-2"),
        cases=chosen,
        training_cases=(),
        seed=5,
    )
    draft_study(hospital, "s-1", protocol, actor=LEAD)

    def slowly(digest: str) -> TrainedModel:
        truth = {case: place % 2 == 0 for place, case in enumerate(chosen)}
        freeze_study(hospital, "s-1", actor=LEAD, truth=truth)
        return stored_model(hospital.store)(digest)

    with pytest.raises(Conflict, match="in a study"):
        reveal(hospital, estimated, actor=READER, source=slowly)
    assert reviews.all_reveals(hospital.store) == []
