"""Reader and model together: fitted on what was read before it was known, kept with its event, off until it helps."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import exp

import pytest

from hitl_review.domain.account import SYSTEM, Actor, Role
from hitl_review.domain.audit import lines_digest
from hitl_review.domain.case import Purpose
from hitl_review.domain.decision import Answer, Choice, Confidence
from hitl_review.domain.prediction import Prediction
from hitl_review.errors import NotPermitted
from hitl_review.model import combining as formula
from hitl_review.store import audit, cases, combinations, models, predictions, reviews
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.combining import joint_estimate, refit, refit_after_outcomes
from hitl_review.workflow.review import commit_read, open_case
from hitl_review.workflow.workspace import Workspace
from tests.tampering import tamper
from tests.ward import Clock, decide, prediction, receive, record_outcomes, show

RITA = Actor("reader-1", "Rita Reader", Role.READER)
STEWARD = Actor("steward-1", "Sam Steward", Role.MODEL_STEWARD)


def read_and_shown(
    workspace: Workspace, clock: Clock, truth: dict[str, bool], *, own_knows: float = 2.0
) -> None:
    """Let Rita read cases and see the model, which err apart; outcomes are not recorded yet."""
    drawn = random.Random(5)
    receive(workspace, list(truth), Purpose.QUEUE)
    store, model = workspace.store, models.champion(workspace.store).digest
    with store.transaction() as transaction:
        made = []
        for case_id, died in truth.items():
            values = cases.get(store, case_id).snapshot
            margin = 2.0 * (died - 0.5) + drawn.gauss(0, 1.5)
            shown = prediction(values, model, margin, transaction.now)
            made.append(Prediction(**{**_fields(shown), "probability": _share(margin)}))
        lines: list[object] = [predictions.made_line(each) for each in made]
        detail = {"model": model, "count": len(made), "digest": lines_digest(lines)}
        event = audit.append(store, "prediction.made", f"model:{model}", detail)
        predictions.add(store, made, event_id=event.event_id)
    for each in made:
        opened = open_case(workspace, each.case_id, actor=RITA)
        clock.advance(20)
        own = _share(own_knows * (truth[each.case_id] - 0.5) + drawn.gauss(0, 1.5))
        commit_read(
            workspace,
            each.case_id,
            label="died" if own >= 0.5 else "alive",
            probability=round(own, 2),
            actor=RITA,
            token=f"read-{each.case_id}-x",
            opened_at=opened.opened_at,
        )
        show(workspace, each, reader=RITA, token=f"reveal-{each.case_id}-x")
        clock.advance(5)


def _fields(shown: Prediction) -> dict[str, object]:
    return {name: getattr(shown, name) for name in shown.__slots__}


def _share(margin: float) -> float:
    return 1 / (1 + exp(-margin))


@pytest.fixture
def known(reviewed: Workspace, clock: Clock) -> Callable[..., dict[str, bool]]:
    """Make so many reads in the ward, whose outcomes come afterwards."""

    def made(count: int, **how: float) -> dict[str, bool]:
        truth = {f"K-{number}": number % 2 == 0 for number in range(count)}
        read_and_shown(reviewed, clock, truth, **how)
        record_outcomes(reviewed, truth)
        return truth

    return made


def test_with_few_outcomes_it_is_off_and_nothing_is_kept(
    reviewed: Workspace, known: Callable[..., dict[str, bool]]
) -> None:
    """It says how many there are and how many it takes; the log is untouched."""
    known(12)
    before = audit.head(reviewed.store)
    found = refit(reviewed, actor=STEWARD)
    assert found.reads == 12 and "needs 200 reads" in found.off and found.combination is None
    assert audit.head(reviewed.store) == before


def test_enough_outcomes_switch_it_on_with_an_event_that_verifies(
    reviewed: Workspace, clock: Clock, known: Callable[..., dict[str, bool]]
) -> None:
    """Fitted on own estimates and shown probabilities; shown for a decision; the same data fit nothing anew."""
    known(220)
    found = refit_after_outcomes(reviewed)
    assert found is not None and found.off == "" and found.reads == 220 and found.combination is not None
    told = list(audit.events(reviewed.store))[-1].told
    assert (told["action"], told["detail"]["digest"]) == ("combination.fitted", found.combination.digest)
    before = audit.head(reviewed.store)
    assert (
        refit(reviewed, actor=STEWARD).combination == found.combination
        and audit.head(reviewed.store) == before
    )
    decision = reviews.decision_in_force(reviewed.store, "C-1", RITA.account_id)
    assert decision is not None
    joint = joint_estimate(reviewed, decision)
    shown = predictions.get(reviewed.store, decision.prediction_id)
    assert joint is not None and decision.own_probability is not None and joint.reads == 220
    assert joint.probability == pytest.approx(
        float(found.combination.of([decision.own_probability], [shown.probability])[0])
    )
    assert verify(reviewed.folder).ok


def test_an_edited_fit_is_found_by_verification(
    reviewed: Workspace, known: Callable[..., dict[str, bool]]
) -> None:
    """The row follows from its event."""
    known(220)
    refit(reviewed, actor=SYSTEM)
    assert verify(reviewed.folder).ok
    tamper(reviewed.folder, "UPDATE combinations SET body = json_set(body, '$.own_weight', 9)")
    assert not verify(reviewed.folder).ok


def test_a_reader_who_guesses_adds_nothing_and_it_stays_off(
    reviewed: Workspace, known: Callable[..., dict[str, bool]]
) -> None:
    """The fit is kept, with why it is not shown; no joint estimate is offered."""
    known(220, own_knows=0.0)
    found = refit(reviewed, actor=STEWARD)
    assert found.combination is not None and "not shown to be better than each alone" in found.off
    decision = reviews.decision_in_force(reviewed.store, "C-1", RITA.account_id)
    assert decision is not None and joint_estimate(reviewed, decision) is None


def test_an_outcome_known_before_the_read_does_not_count(reviewed: Workspace, clock: Clock) -> None:
    """It could have been trained on, so it would flatter the model."""
    truth = {f"K-{number}": number % 2 == 0 for number in range(6)}
    early = {"K-0": True, "K-1": False}
    receive(reviewed, ["E-0"], Purpose.QUEUE)
    read_and_shown(reviewed, clock, truth)
    record_outcomes(reviewed, truth)
    model = models.champion(reviewed.store).digest
    past = combinations.past_reads(reviewed.store, model)
    assert {each.case_id for each in past} == set(truth) and {each.outcome for each in past} == {True, False}
    assert all(each.case_id in early or each.reader == RITA.account_id for each in past)
    record_outcomes(reviewed, {"E-0": True})
    clock.advance(60)
    opened = open_case(reviewed, "E-0", actor=RITA)
    commit_read(
        reviewed,
        "E-0",
        label="died",
        probability=0.5,
        actor=RITA,
        token="read-E-0-x",
        opened_at=opened.opened_at,
    )
    assert "E-0" not in {each.case_id for each in combinations.past_reads(reviewed.store, model)}


def test_a_deferral_has_no_joint_estimate(
    reviewed: Workspace, clock: Clock, known: Callable[..., dict[str, bool]]
) -> None:
    """It would be an answer where the reader gave none."""
    known(220)
    refit(reviewed, actor=SYSTEM)
    deferred = reviews.decision_in_force(reviewed.store, "C-3", RITA.account_id)
    assert deferred is not None and deferred.answer is Answer.DEFERRED
    assert joint_estimate(reviewed, deferred) is None
    shown = predictions.get(reviewed.store, deferred.prediction_id)
    choice = Choice(Answer.ACCEPTED, confidence=Confidence.HIGH)
    decided = decide(reviewed, shown, choice, reader=RITA, clock=clock, supersedes=deferred.decision_id)
    assert joint_estimate(reviewed, decided) is not None


def test_only_who_may_train_may_fit_it(reviewed: Workspace) -> None:
    """A reader does not; without a model in use there is nothing to fit after outcomes."""
    with pytest.raises(NotPermitted):
        refit(reviewed, actor=RITA)
    assert formula.LEAST_READS == 200


def test_before_any_model_outcomes_fit_nothing(workspace: Workspace) -> None:
    """An empty workspace stays as it is."""
    assert refit_after_outcomes(workspace) is None
