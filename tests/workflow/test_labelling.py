"""Every decision, estimate and outcome becomes a label, once; disputes are noted and resolved by an adjudicator."""

from __future__ import annotations

import pytest

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.audit import lines_digest
from hitl_review.domain.decision import Answer, Choice
from hitl_review.domain.label import Effect, LabelMode, LabelSource, resolve
from hitl_review.domain.prediction import Prediction
from hitl_review.errors import Conflict, NotPermitted
from hitl_review.store import audit, labels, models, predictions, watching
from hitl_review.workflow.labelling import collect_labels, resolve_dispute
from hitl_review.workflow.monitoring import readers_lamp
from hitl_review.workflow.workspace import Workspace
from tests import ward
from tests.ward import Clock
from tests.ward_learning import ADJUDICATOR, ROLF, disagree

ACCEPT = Choice(Answer.ACCEPTED)


def shown(workspace: Workspace, case_id: str) -> Prediction:
    """What the champion said of a case."""
    store = workspace.store
    snapshot = store.rows("SELECT snapshot FROM cases WHERE case_id = ?", (case_id,))[0][0]
    found = predictions.find(store, case_id, model=models.champion(store).digest, snapshot=snapshot)
    assert found is not None
    return found


def test_everything_becomes_a_label_and_nothing_twice(reviewed: Workspace) -> None:
    """Two outcomes, four estimates, five decisions; asking again finds nothing."""
    assert labels.uncollected(reviewed.store) == 11
    assert collect_labels(reviewed) == 11
    assert collect_labels(reviewed) == 0
    made = labels.everything(reviewed.store)
    sources = [label.source for label in made]
    assert {source: sources.count(source) for source in set(sources)} == {
        LabelSource.OUTCOME: 2,
        LabelSource.BLIND: 4,
        LabelSource.ACCEPTANCE: 3,
        LabelSource.OVERRIDE: 1,
        LabelSource.DEFERRAL: 1,
    }


def test_a_label_tells_what_was_stated_seen_and_why(reviewed: Workspace) -> None:
    """Probability, mode, the model shown and what it said, reader, reason and its effect."""
    collect_labels(reviewed)
    override = next(
        label for label in labels.everything(reviewed.store) if label.source is LabelSource.OVERRIDE
    )
    said = shown(reviewed, "C-2")
    assert (override.case_id, override.reader, override.mode) == ("C-2", "reader-1", LabelMode.SEEN)
    assert (override.model, override.shown_probability) == (said.model, said.probability)
    assert (override.reason, override.effect) == ("seen_patient", Effect.TRAIN)
    assert override.probability == float(said.label != "died")
    blind = next(
        label for label in labels.of_case(reviewed.store, "C-2") if label.source is LabelSource.BLIND
    )
    assert (blind.probability, blind.mode, blind.model) == (0.35, LabelMode.BLIND, None)


def test_a_change_of_mind_supersedes_and_the_earlier_label_stays(reviewed: Workspace) -> None:
    """As with the decisions themselves."""
    collect_labels(reviewed)
    first, second = [label for label in labels.of_case(reviewed.store, "C-2") if label.mode is LabelMode.SEEN]
    assert second.supersedes == first.label_id


def test_the_event_of_a_batch_covers_its_labels(reviewed: Workspace) -> None:
    """Count and digest, so that an added, lost or altered label is found."""
    collect_labels(reviewed)
    event = [e for e in audit.events(reviewed.store) if e.told["action"] == "label.collected"][-1]
    lines = labels.lines(reviewed.store, event.event_id)
    assert event.told["detail"] == {"count": 11, "digest": lines_digest(lines)}


def test_a_later_outcome_takes_precedence_and_rewrites_nothing(reviewed: Workspace) -> None:
    """The labels that were there are there still; the case is resolved anew, with the estimate beside the outcome."""
    collect_labels(reviewed)
    before = labels.of_case(reviewed.store, "C-1")
    ward.record_outcomes(reviewed, {"C-1": True})
    collect_labels(reviewed)
    after = labels.of_case(reviewed.store, "C-1")
    assert after[: len(before)] == before
    (resolved,), _ = resolve(after)
    assert (resolved.source, resolved.outcome) == (LabelSource.OUTCOME, True)
    assert resolved.label == pytest.approx((1 + 0.35) / 2)


def test_outcomes_of_the_hold_out_never_enter_the_ledger(reviewed: Workspace) -> None:
    """They measure; nothing learns from them."""
    ward.receive(reviewed, ["H-1"], ward.Purpose.HOLDOUT)
    ward.record_outcomes(reviewed, {"H-1": True})
    collect_labels(reviewed)
    assert labels.of_case(reviewed.store, "H-1") == []
    assert labels.uncollected(reviewed.store) == 0


def test_readers_who_disagree_make_a_dispute_that_an_adjudicator_resolves(
    reviewed: Workspace, clock: Clock
) -> None:
    """Until then nothing is learned from the case; the consensus is a label, and nobody's own read."""
    disagree(reviewed, clock)
    collect_labels(reviewed)
    (dispute,) = labels.open_disputes(reviewed.store)
    assert dispute.case_id == "C-1"
    kept, left_out = resolve(labels.of_case(reviewed.store, "C-1"))
    assert kept == [] and "disagree" in left_out[0].why
    ward.add_account(reviewed, ADJUDICATOR.account_id, ADJUDICATOR.name, ADJUDICATOR.role)
    resolve_dispute(reviewed, dispute.dispute_id, label="died", actor=ADJUDICATOR)
    (resolved,), _ = resolve(labels.of_case(reviewed.store, "C-1"))
    assert (resolved.source, resolved.label) == (LabelSource.CONSENSUS, 1.0)
    assert labels.open_disputes(reviewed.store) == []
    assert reviewed.store.rows("SELECT count(*) FROM reads WHERE reader = 'adjudicator-1'")[0][0] == 0
    said = [each for each in watching.stated(reviewed.store) if each.consensus is not None]
    assert {(each.case_id, each.consensus, each.outcome) for each in said} == {("C-1", "died", None)}
    lamp = readers_lamp(said, positive="died", names={"reader-2": "Rolf Reader"})
    assert {check["words"].split(" in ")[0] for check in lamp.figures["checks"]} == {
        *(f"{name} agrees with the consensus" for name in ("Rolf Reader", "reader-1")),
    }
    with pytest.raises(Conflict, match="resolved already"):
        resolve_dispute(reviewed, dispute.dispute_id, label="alive", actor=ADJUDICATOR)


def test_nobody_resolves_a_dispute_of_their_own(reviewed: Workspace, clock: Clock) -> None:
    """Whatever their role is by now."""
    disagree(reviewed, clock)
    collect_labels(reviewed)
    (dispute,) = labels.open_disputes(reviewed.store)
    own = Actor(ROLF.account_id, ROLF.name, Role.ADJUDICATOR)
    with pytest.raises(NotPermitted, match="one of the readers"):
        resolve_dispute(reviewed, dispute.dispute_id, label="died", actor=own)
    with pytest.raises(NotPermitted, match="adjudicator"):
        resolve_dispute(reviewed, dispute.dispute_id, label="died", actor=ROLF)


def test_a_wrong_record_is_not_trained_on(reviewed: Workspace, clock: Clock) -> None:
    """The coded reason says what the decision means for training."""
    reason = Choice(Answer.DEFERRED, reason="record_wrong", comment="Creatinine of another patient")
    ward.decide(reviewed, shown(reviewed, "C-6"), reason, reader=ROLF, clock=clock)
    collect_labels(reviewed)
    kept, left_out = resolve(labels.of_case(reviewed.store, "C-6"))
    assert kept == [] and "record is wrong" in left_out[0].why


def test_the_random_slice_has_its_chance_on_record(reviewed: Workspace) -> None:
    """Where a case was drawn by lot, with which chance; where it was not, none."""
    collect_labels(reviewed)
    chances = {label.case_id: label.sampling_probability for label in labels.everything(reviewed.store)}
    assert set(chances.values()) <= {None, 0.2}
