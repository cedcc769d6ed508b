"""What was looked at first is asked again when it is written: others act in between."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from hitl_review.domain.access import Ended
from hitl_review.domain.account import Actor, Role
from hitl_review.domain.case import Purpose
from hitl_review.domain.decision import Answer, Choice
from hitl_review.domain.protocol import Design, Protocol
from hitl_review.domain.routing import Routing, RoutingKind
from hitl_review.domain.study import State
from hitl_review.errors import (
    Conflict,
    NoChampion,
    NotPermitted,
    SignatureRefused,
    SignInRefused,
    StoreUnavailable,
    WorkspaceError,
)
from hitl_review.model import routing as bounds
from hitl_review.store import audit, cases, gates, jobs, labels, models, predictions, routings
from hitl_review.store.jobs import JobKind, JobState
from hitl_review.workflow import labelling, signing, working
from hitl_review.workflow import routing as routing_module
from hitl_review.workflow import workspace as workspace_module
from hitl_review.workflow.accounts import (
    actor_of,
    disable_account,
    link_identity,
    set_password,
    unlink_identity,
)
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.checkpointing import publish_checkpoint
from hitl_review.workflow.jobs import ask, claim, finish
from hitl_review.workflow.labelling import collect_labels
from hitl_review.workflow.promotion import decline, promote, propose, roll_back, stop_model
from hitl_review.workflow.retraining import retrain
from hitl_review.workflow.routing import set_routing
from hitl_review.workflow.scoring import ensure_prediction, rescore_open, score_cases, stored_model
from hitl_review.workflow.signing_in import present, present_with_identity, sign_in, sign_in_with_identity
from hitl_review.workflow.studies.drafting import draft_study
from hitl_review.workflow.studies.freezing import freeze_study
from hitl_review.workflow.studies.stepping import study_of
from hitl_review.workflow.viewing import log_look
from hitl_review.workflow.workspace import Workspace, create_workspace, open_workspace
from tests import ward
from tests.hospital import build
from tests.meanwhile import meanwhile
from tests.people import PASSWORD
from tests.ward import Clock
from tests.ward_learning import APPROVER, STEWARD, put_gate
from tests.ward_study import LEAD, RITA, ROLF

AUDITOR = Actor("auditor-1", "Ada Auditor", Role.AUDITOR)
HERE = "127.0.0.1"
ISSUER = "https://id.example"
WHY = "It was looked at and is wanted."


def told(workspace: Workspace, action: str) -> list[dict]:
    """What the events of an action tell, oldest first."""
    return [event.told for event in audit.of_action(workspace.store, action)]


@pytest.fixture
def unscored(tmp_path: Path) -> Path:
    """The hospital before its model judged the queue."""
    return build(tmp_path / "unscored", scored=False)


@pytest.mark.parametrize("batch", [5, 5_000])
def test_a_case_that_a_reader_opens_while_the_queue_is_judged_does_not_stop_it(
    unscored: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """The model is asked once; the worker goes on with the others."""
    monkeypatch.setattr("hitl_review.workflow.scoring.BATCH", batch)
    with open_workspace(unscored) as workspace, open_workspace(unscored) as other:
        case = cases.of_purpose(other.store, Purpose.QUEUE)[3]
        digest = models.champion(other.store).digest
        reader = actor_of(other, "reader-1")
        model = stored_model(other.store)(digest)
        meanwhile(
            monkeypatch, workspace.store, lambda: ensure_prediction(other, case, digest, model, reader)
        )
        assert score_cases(workspace) == 11
        assert predictions.find(workspace.store, case.case_id, model=digest, snapshot=case.snapshot.digest)
        assert told(workspace, "prediction.made")[0]["detail"]["count"] == 1
    assert verify(unscored).problems == ()


def test_two_readers_open_a_case_that_was_not_judged(unscored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are told the same."""
    with open_workspace(unscored) as workspace, open_workspace(unscored) as other:
        case = cases.of_purpose(other.store, Purpose.QUEUE)[0]
        digest = models.champion(other.store).digest
        model, made = stored_model(other.store)(digest), []
        readers = [actor_of(other, name) for name in ("reader-1", "reader-2")]
        meanwhile(
            monkeypatch,
            workspace.store,
            lambda: made.append(ensure_prediction(other, case, digest, model, readers[0])),
        )
        assert ensure_prediction(workspace, case, digest, model, readers[1]) == made[0]
        assert len(told(workspace, "prediction.made")) == 1


def test_a_model_that_comes_while_cases_are_judged_is_asked_as_well(workspace: Workspace) -> None:
    """The job that runs began with the model before: another waits behind it, and one alone."""
    first, second = (ward.train(workspace, name) for name in (b"one", b"two"))
    promote(workspace, first, actor=APPROVER)
    ask(workspace, JobKind.RESCORE)
    running = claim(workspace, "worker-1")
    assert running is not None
    put_gate(workspace, second, first)
    propose(workspace, second, actor=STEWARD)
    promote(workspace, second, actor=APPROVER)
    roll_back(workspace, actor=APPROVER, reason=WHY)
    assert [each.state for each in jobs.open_jobs(workspace.store, JobKind.RESCORE)] == [
        JobState.RUNNING,
        JobState.WAITING,
    ]
    finish(workspace, running, words="Done.")
    behind = claim(workspace, "worker-1")
    assert behind is not None and behind.cause == "model v2 is in use now"
    finish(workspace, behind, words="Done.")
    assert ask(workspace, JobKind.RESCORE).state is JobState.WAITING
    workspace.store.close()
    assert verify(workspace.folder).problems == ()


def test_a_lock_that_was_held_for_a_while_ends_no_job(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is done at the second attempt: somebody else was writing, which passes."""
    asked = []

    def doer(*_: object) -> tuple[str, dict[str, object]]:
        asked.append(1)
        if len(asked) == 1:
            raise StoreUnavailable("The workspace could not be written (database is locked).")
        return "Done.", {}

    monkeypatch.setattr(working, "_DOERS", {JobKind.MONITOR: doer})
    job = ask(workspace, JobKind.MONITOR)
    assert working.work(workspace.folder, once=True, told=lambda words: None) == 2
    done = jobs.get(workspace.store, job.job_id)
    assert done is not None and (done.state, done.attempts) == (JobState.DONE, 2)


def test_the_same_challenger_made_by_two_is_kept_once(
    hospital: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker whose lease ran out, and the one that took its job over: both measure the one that was kept."""
    other_made = []
    with open_workspace(hospital.folder) as other:
        collect_labels(hospital)
        meanwhile(monkeypatch, hospital.store, lambda: other_made.append(retrain(other)))
        made = retrain(hospital)
        assert [made.challenger] == [each.challenger for each in other_made]
        assert len(models.versions(other.store)) == 2 and len(gates.everything(other.store)) == 2
    hospital.store.close()
    assert verify(hospital.folder).problems == ()


def test_a_promise_is_not_put_down_to_a_model_that_came_meanwhile(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its errors were not looked at, and cases would pass by what it says."""
    first, second = (ward.train(workspace, name) for name in (b"one", b"two"))
    promote(workspace, first, actor=APPROVER)
    put_gate(workspace, second, first)
    propose(workspace, second, actor=STEWARD)

    def looked(*_: object) -> bounds.Promise:
        promote(workspace, second, actor=APPROVER)
        ward.predict(workspace, second)
        return bounds.Promise(0.0, 0.4, 0.95, 1.0, 120, 20, 0.3, "a promise for this test")

    monkeypatch.setattr(routing_module, "promise_for", looked)
    with pytest.raises(Conflict, match="model was changed"):
        set_routing(workspace, Routing(RoutingKind.TARGET_ERROR, target_error=0.4), actor=STEWARD)
    assert routings.latest(workspace.store) is None and routings.count_passed(workspace.store) == (0, 0)


def test_outputs_of_a_model_that_was_stopped_meanwhile_are_not_frozen(hospital: Workspace) -> None:
    """A study shows what the model in use says when it is frozen."""
    chosen = tuple(sorted(cases.ids_of(hospital.store, Purpose.QUEUE)))[:6]
    protocol = Protocol("A small study", Design.SEQUENTIAL, ("reader-1", "reader-2"), chosen, (), seed=5)
    draft_study(hospital, "s-1", protocol, actor=LEAD)

    def slowly(digest: str) -> object:
        stop_model(hospital, actor=actor_of(hospital, "approver-1"), reason=WHY)
        return stored_model(hospital.store)(digest)

    truth = {case: place % 2 == 0 for place, case in enumerate(chosen)}
    with pytest.raises(NoChampion, match="stopped"):
        freeze_study(hospital, "s-1", actor=LEAD, truth=truth, source=slowly)  # type: ignore[arg-type]
    assert study_of(hospital, "s-1").state is State.DRAFT


def test_what_another_approver_put_in_use_is_not_declined(workspace: Workspace) -> None:
    """Their page still shows it as proposed."""
    first, second = (ward.train(workspace, name) for name in (b"one", b"two"))
    promote(workspace, first, actor=APPROVER)
    put_gate(workspace, second, first)
    propose(workspace, second, actor=STEWARD)
    promote(workspace, second, actor=APPROVER)
    with pytest.raises(Conflict, match="in use already"):
        decline(workspace, second, actor=APPROVER, comment=WHY)
    assert told(workspace, "model.declined") == []


def test_a_password_that_an_administrator_set_is_not_undone_by_a_session_that_it_ended(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashing the intruder's one takes a moment, in which the account was taken back."""
    set_password(workspace, "reader-1", PASSWORD)
    intruder = sign_in(workspace, "reader-1", PASSWORD, address=HERE).actor
    with open_workspace(workspace.folder, clock=workspace.store.clock) as other:
        meanwhile(monkeypatch, workspace.store, lambda: set_password(other, "reader-1", "set by the desk"))
        with pytest.raises(NotPermitted, match="signed out"):
            set_password(workspace, "reader-1", "of the intruder", actor=intruder, keep_session=True)
    sign_in(workspace, "reader-1", "set by the desk", address=HERE)


def test_a_password_that_was_set_anew_while_it_was_checked_signs_nothing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was right a moment ago."""
    set_password(workspace, "reader-1", PASSWORD)
    with open_workspace(workspace.folder, clock=workspace.store.clock) as other:
        new = "set by the desk"
        meanwhile(monkeypatch, workspace.store, lambda: set_password(other, "reader-1", new), before=2)
        with pytest.raises(SignatureRefused, match="not your password"):
            signing.prove(workspace, RITA, PASSWORD, act="decision-0001", subject="case:C-1")
    assert len(told(workspace, "signature.refused")) == 1


def by_identity(workspace: Workspace, clock: Clock) -> Actor:
    """Sign in by an identity provider's token."""
    issued = clock() - timedelta(seconds=5)
    return sign_in_with_identity(
        workspace,
        issuer=ISSUER,
        subject="8f2c",
        issued_at=issued,
        expires_at=issued + timedelta(hours=1),
        address=HERE,
    )


def test_two_runs_of_a_page_meet_a_token_at_once(
    workspace: Workspace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One session is opened, and both go on."""
    link_identity(workspace, "reader-1", issuer=ISSUER, subject="8f2c")
    with open_workspace(workspace.folder, clock=clock) as other:
        meanwhile(monkeypatch, workspace.store, lambda: by_identity(other, clock))
        assert by_identity(workspace, clock).account_id == "reader-1"
    assert len(told(workspace, "session.opened")) == 1


def test_an_identity_that_was_unlinked_meanwhile_opens_no_session(
    workspace: Workspace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would not be ended any more, and files are served to who has one."""
    link_identity(workspace, "reader-1", issuer=ISSUER, subject="8f2c")
    with open_workspace(workspace.folder, clock=clock) as other:

        def unlink() -> None:
            unlink_identity(other, "reader-1", issuer=ISSUER, subject="8f2c")

        meanwhile(monkeypatch, workspace.store, unlink)
        with pytest.raises(SignInRefused, match="no longer linked"):
            by_identity(workspace, clock)
    issued = clock() - timedelta(seconds=5)
    assert not present_with_identity(workspace, issuer=ISSUER, subject="8f2c", issued_at=issued)
    assert told(workspace, "session.opened") == []


def test_who_comes_back_in_another_tab_is_not_signed_out_by_the_one_that_sat_still(
    workspace: Workspace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session was idle when that one looked, a moment before the other was busy."""
    set_password(workspace, "reader-1", PASSWORD)
    signed = sign_in(workspace, "reader-1", PASSWORD, address=HERE)
    idle = timedelta(minutes=workspace.project.access.idle_minutes)
    early = Clock(clock() + idle - timedelta(seconds=1))
    clock.advance(idle.total_seconds() + 1)
    with open_workspace(workspace.folder, clock=early) as other:
        meanwhile(monkeypatch, workspace.store, lambda: present(other, signed.secret, active=True))
        assert present(workspace, signed.secret) is not None
    clock.advance(idle.total_seconds())
    assert present(workspace, signed.secret) is None
    assert [each["detail"]["why"] for each in told(workspace, "session.closed")] == [Ended.IDLE.value]


def test_a_sitting_before_the_log_that_begins_twice_at_once_is_one(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it is nobody else's."""
    asked = ("log:events", {"through": "page"})
    with open_workspace(workspace.folder, clock=workspace.store.clock) as other:
        look = lambda: log_look(other, *asked, actor=AUDITOR, sitting="sitting-0001")  # noqa: E731
        meanwhile(monkeypatch, workspace.store, look)
        log_look(workspace, *asked, actor=AUDITOR, sitting="sitting-0001")
    assert len(told(workspace, "audit.viewed")) == 1


def test_a_dispute_is_noted_once_the_labels_of_both_readers_are_there(
    workspace: Workspace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After weeks without a worker the second reader's comes with a later batch than the first one's."""
    monkeypatch.setattr(labelling, "BATCH", 1)
    model = ward.train(workspace)
    promote(workspace, model, actor=APPROVER)
    said = ward.predict(workspace, model)
    override = Choice(Answer.OVERRIDDEN, reason="seen_patient", comment="Seen on the round")
    for case in ("C-1", "C-2"):
        ward.decide(workspace, said[case], Choice(Answer.ACCEPTED), reader=RITA, clock=clock)
    for case in ("C-2", "C-1"):
        ward.decide(workspace, said[case], override, reader=ROLF, clock=clock)
    collect_labels(workspace)
    disputes = labels.open_disputes(workspace.store)
    assert {each.case_id for each in disputes} == {"C-1", "C-2"}
    for each in disputes:
        found = {label.reader for label in labels.of_case(workspace.store, each.case_id)}
        assert found == {"reader-1", "reader-2"}
    workspace.store.close()
    assert verify(workspace.folder).problems == ()


def test_a_refusal_of_who_was_disabled_is_told_after_a_clock_that_went_back(
    workspace: Workspace, clock: Clock
) -> None:
    """That it went back is then told by the product: nothing else stands in the name of who may not act."""
    disable_account(workspace, "reader-1")
    clock.advance(-60)
    with pytest.raises(SignatureRefused, match="is disabled"), signing.refusals_logged(workspace, RITA):
        raise SignatureRefused("It is disabled.", subject="case:C-1", why="account disabled")
    assert [each["actor"] for each in told(workspace, "clock.regressed")] == ["system"]
    clock.advance(-60)
    with pytest.raises(NotPermitted, match="disabled"), workspace.store.transaction(RITA):
        audit.head_to_follow(workspace.store)
    workspace.store.close()
    assert verify(workspace.folder).problems == ()


def test_of_two_that_make_a_workspace_in_one_place_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the first one made is not replaced, nor is its key."""
    folder, opening = tmp_path / "w", workspace_module._opening

    def slowly(public_key: bytes, demo: bool) -> dict[str, object]:
        monkeypatch.setattr(workspace_module, "_opening", opening)
        create_workspace(folder, ward.PROJECT)
        return opening(public_key, demo) | {"late": True}

    monkeypatch.setattr(workspace_module, "_opening", slowly)
    with pytest.raises(WorkspaceError, match="already"):
        create_workspace(folder, ward.PROJECT)
    with open_workspace(folder) as workspace:
        assert "late" not in told(workspace, "log.opened")[0]["detail"]
        publish_checkpoint(workspace)
    assert verify(folder).problems == ()


def test_cases_of_a_model_that_is_stopped_meanwhile_are_back_in_order_of_arrival(
    hospital: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job that judges them ends, and says nothing of a model that is not in use; stopping asks for such a job."""
    arrived = [case.case_id for case in cases.of_purpose(hospital.store, Purpose.QUEUE)]

    def in_order() -> list[str]:
        rows = hospital.store.rows("SELECT case_id FROM worklist ORDER BY priority, position")
        return [row["case_id"] for row in rows]

    def stop() -> None:
        stop_model(hospital, actor=actor_of(hospital, "approver-1"), reason=WHY)

    assert in_order() != arrived
    meanwhile(monkeypatch, hospital.store, stop)
    assert rescore_open(hospital) == 0
    assert told(hospital, "cases.rescored") == []
    assert in_order() == arrived
    (asked,) = jobs.open_jobs(hospital.store, JobKind.RESCORE)
    assert asked.cause == "the model was stopped"
    assert rescore_open(hospital) == 0 and verify(hospital.folder).ok
