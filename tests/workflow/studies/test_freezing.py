"""A study is frozen: everything laid down at once, known by digest, the truth sealed; or nothing of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.audit import lines_digest
from hitl_review.domain.case import Purpose
from hitl_review.domain.protocol import Design, Protocol
from hitl_review.domain.study import State
from hitl_review.errors import Conflict, NotPermitted, StudyError
from hitl_review.model.artifacts import TrainedModel
from hitl_review.store import audit, cases, models, worklist
from hitl_review.store.studies import lists, sealed
from hitl_review.workflow.accounts import add_account
from hitl_review.workflow.revealing import reveal
from hitl_review.workflow.review import commit_read
from hitl_review.workflow.scoring import stored_model
from hitl_review.workflow.studies.drafting import choose_cases, draft_study
from hitl_review.workflow.studies.freezing import freeze_study
from hitl_review.workflow.studies.showing import study_screen
from hitl_review.workflow.studies.stepping import study_of
from hitl_review.workflow.workspace import Workspace
from tests.ward import NOW

LEAD = Actor("lead-1", "Demo study lead", Role.STUDY_LEAD)


def plan(hospital: Workspace, **changed: object) -> Protocol:
    """Two readers and twelve hold-out cases."""
    chosen = choose_cases(hospital, 12, seed=5)
    ordinary = Protocol(
        title="A small study",
        design=Design.SEQUENTIAL,
        readers=("reader-1", "reader-2"),
        cases=chosen,
        training_cases=choose_cases(hospital, 2, seed=5, besides=chosen),
        seed=5,
    )
    return replace(ordinary, **changed)  # type: ignore[arg-type]


def frozen(hospital: Workspace, **changed: object):  # type: ignore[no-untyped-def]
    """Draft and freeze it."""
    draft_study(hospital, "s-1", plan(hospital, **changed), actor=LEAD)
    return freeze_study(hospital, "s-1", actor=LEAD)


def test_the_frozen_protocol_names_the_digest_of_all_that_was_laid_down(hospital: Workspace) -> None:
    """Model, outputs, lists and sealed truth: each digest can be computed again from the tables."""
    study = frozen(hospital)
    assert study.state is State.FROZEN
    assert study.seals is not None
    store = hospital.store
    items = lists.schedule(store, "s-1")
    assert study.seals.schedule == lines_digest(lists.schedule_line("s-1", item) for item in items)
    outputs = lists.outputs(store, "s-1").values()
    assert study.seals.outputs == lines_digest(lists.output_line("s-1", each) for each in outputs)
    assert study.seals.truth == sealed.commitments_digest(sealed.all_sealed(store, "s-1"))
    told = [event.told for event in audit.events(store) if event.told["subject"] == "study:s-1"]
    assert [each["action"] for each in told] == [
        *("study.drafted", "study.outputs_fixed", "study.scheduled", "study.sealed", "study.frozen"),
    ]
    assert told[-1]["detail"]["protocol"] == study.digest == study.frozen_digest


def test_truth_is_sealed_under_a_salt_of_its_own_per_case(hospital: Workspace) -> None:
    """It is the workspace's outcomes; equal truths have different commitments, and each holds."""
    frozen(hospital)
    hidden = sealed.all_sealed(hospital.store, "s-1")
    known = cases.outcomes(hospital.store, Purpose.HOLDOUT)
    assert {each.case_id: each.truth for each in hidden} == {
        each.case_id: known[each.case_id] for each in hidden
    }
    assert sum(each.truth for each in hidden) == 6
    assert len({each.commitment for each in hidden}) == len({each.salt for each in hidden}) == 12
    assert all(each.holds and len(each.salt) == 64 for each in hidden)
    assert not replace(hidden[0], truth=not hidden[0].truth).holds


def test_a_freeze_that_fails_lays_nothing_down(hospital: Workspace) -> None:
    """The readers are checked, the cases, their truth: one sentence each, and the study is still a draft."""
    good = plan(hospital)
    training = cases.of_purpose(hospital.store, Purpose.TRAINING)[0].case_id
    queued = cases.of_purpose(hospital.store, Purpose.QUEUE)[0].case_id
    wrong = [
        (replace(good, readers=("reader-1", "nobody")), "has no account in use"),
        (replace(good, readers=("reader-1", "auditor-1")), "has the role auditor"),
        (replace(good, cases=(*good.cases, "S2-99999")), "not in the workspace"),
        (replace(good, cases=(*good.cases, training)), "is a training case"),
        (replace(good, cases=(*good.cases, queued)), "truth of 1 study cases is not known"),
    ]
    for number, (protocol, words) in enumerate(wrong):
        draft_study(hospital, f"s-{number}", protocol, actor=LEAD)
        with pytest.raises(StudyError, match=words):
            freeze_study(hospital, f"s-{number}", actor=LEAD)
        assert study_of(hospital, f"s-{number}").state is State.DRAFT
        assert lists.schedule(hospital.store, f"s-{number}") == []


def test_truth_may_come_from_elsewhere(hospital: Workspace) -> None:
    """A reference standard given at the freeze is sealed instead of outcomes; all of one kind is refused."""
    protocol = plan(hospital)
    draft_study(hospital, "s-1", protocol, actor=LEAD)
    with pytest.raises(StudyError, match="same truth"):
        freeze_study(hospital, "s-1", actor=LEAD, truth=dict.fromkeys(protocol.cases, True))
    given = {case: number < 3 for number, case in enumerate(protocol.cases)}
    freeze_study(hospital, "s-1", actor=LEAD, truth=given)
    assert {each.case_id: each.truth for each in sealed.all_sealed(hospital.store, "s-1")} == given


def test_a_frozen_study_can_not_be_drafted_or_frozen_again(hospital: Workspace) -> None:
    """There is no way back but an amendment."""
    study = frozen(hospital)
    with pytest.raises(Conflict, match="is frozen"):
        draft_study(hospital, "s-1", replace(study.protocol, alpha=0.2), actor=LEAD)
    with pytest.raises(Conflict, match="is frozen"):
        freeze_study(hospital, "s-1", actor=LEAD)


def test_only_a_study_lead_may_draft_or_freeze(hospital: Workspace) -> None:
    """Not a reader, not a steward, not even an admin."""
    for role in (Role.READER, Role.MODEL_STEWARD, Role.ADMIN, Role.AUDITOR, Role.APPROVER):
        actor = Actor("somebody", "Somebody", role)
        with pytest.raises(NotPermitted):
            draft_study(hospital, "s-1", plan(hospital), actor=actor)
        with pytest.raises(NotPermitted):
            freeze_study(hospital, "s-1", actor=actor)


def test_a_draft_may_be_changed_until_it_is_frozen_and_every_version_is_kept(hospital: Workspace) -> None:
    """The same draft again is one step; another is a second, and in force."""
    draft_study(hospital, "s-1", plan(hospital), actor=LEAD)
    draft_study(hospital, "s-1", plan(hospital), actor=LEAD)
    study = draft_study(hospital, "s-1", plan(hospital, alpha=0.01), actor=LEAD)
    assert [step.kind for step in study.steps] == ["drafted", "drafted"]
    assert study.protocol.alpha == 0.01


def test_a_case_that_a_reader_reads_in_another_open_study_is_refused(hospital: Workspace) -> None:
    """Else one study would show what another one hides."""
    frozen(hospital)
    draft_study(hospital, "s-2", plan(hospital), actor=LEAD)
    with pytest.raises(StudyError, match="in another study"):
        freeze_study(hospital, "s-2", actor=LEAD)


def test_wrong_outputs_are_right_ones_turned_round_with_reasons_that_still_add_up(
    hospital: Workspace,
) -> None:
    """As many as asked for, of both classes; the label is not the truth; the screen can't be told by its sums."""
    add_account(hospital, "reader-3", "Third reader", Role.READER)
    chosen = choose_cases(hospital, 40, seed=5)
    study = frozen(hospital, cases=chosen, training_cases=(), wrong_ai_cases=6)
    outputs = lists.outputs(hospital.store, "s-1")
    truth = {each.case_id: each.truth for each in sealed.all_sealed(hospital.store, "s-1")}
    turned = [each for each in outputs.values() if each.replaced]
    assert sorted(truth[each.case_id] for each in turned) == [False] * 3 + [True] * 3
    assert all((each.label == "died") is not truth[each.case_id] for each in turned)
    assert study.seals is not None
    model = stored_model(hospital.store)(study.seals.model)
    version = models.version(hospital.store, study.seals.model)
    for each in turned:
        view = study_screen(hospital, cases.get(hospital.store, each.case_id), each, model, version).view
        assert view.base_value + sum(reason.amount for reason in view.reasons) == pytest.approx(
            each.margin, abs=1e-4
        )
        assert (view.label, view.probability) == (each.label, each.probability)


def test_cases_are_chosen_by_the_seed_and_in_an_order_that_tells_nothing(hospital: Workspace) -> None:
    """The asked share has the outcome, none was trained on, and the ids come sorted."""
    known = cases.outcomes(hospital.store, Purpose.HOLDOUT)
    chosen = choose_cases(hospital, 20, seed=1, positives=0.25)
    assert chosen == choose_cases(hospital, 20, seed=1, positives=0.25) == tuple(sorted(chosen))
    assert sum(known[case] for case in chosen) == 5
    assert set(chosen) != set(choose_cases(hospital, 20, seed=2, positives=0.25))
    assert not set(chosen) & set(choose_cases(hospital, 20, seed=1, besides=chosen))
    with pytest.raises(StudyError, match="were asked for"):
        choose_cases(hospital, 5000, seed=1)


def test_a_case_that_a_reader_saw_while_outputs_were_made_is_refused(hospital: Workspace) -> None:
    """Scoring takes seconds, and the review page is open meanwhile: who saw the model's view can't read the case."""
    reader = Actor("reader-1", "Demo reader 1", Role.READER)
    waiting = worklist.waiting(hospital.store, limit=6)
    draft_study(hospital, "s-1", plan(hospital, cases=tuple(waiting)), actor=LEAD)
    truth = {case: place % 2 == 0 for place, case in enumerate(waiting)}

    def slowly(digest: str) -> TrainedModel:
        commit_read(
            hospital, waiting[0], label="died", probability=0.7, actor=reader, token="read-meanwhile", opened_at=NOW
        )
        reveal(hospital, waiting[0], actor=reader)
        return stored_model(hospital.store)(digest)

    with pytest.raises(StudyError, match="has seen what the model says"):
        freeze_study(hospital, "s-1", actor=LEAD, truth=truth, source=slowly)
    assert study_of(hospital, "s-1").state is State.DRAFT


def test_a_draft_that_was_changed_while_outputs_were_made_is_not_frozen(hospital: Workspace) -> None:
    """Else the version that nobody wants any more would be laid down, and the newer one be gone."""
    draft_study(hospital, "s-1", plan(hospital), actor=LEAD)

    def slowly(digest: str) -> TrainedModel:
        draft_study(hospital, "s-1", plan(hospital, alpha=0.01), actor=LEAD)
        return stored_model(hospital.store)(digest)

    with pytest.raises(Conflict, match="was changed meanwhile"):
        freeze_study(hospital, "s-1", actor=LEAD, source=slowly)
    assert study_of(hospital, "s-1").protocol.alpha == 0.01
    assert freeze_study(hospital, "s-1", actor=LEAD).protocol.alpha == 0.01
