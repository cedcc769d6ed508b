"""A person puts a model version in use, goes back, or stops it; a successor only past the gate."""

from __future__ import annotations

import time

import pytest

from hitl_review.domain.account import SYSTEM, Actor, Role
from hitl_review.domain.decision import Signature
from hitl_review.domain.gate import GateVerdict
from hitl_review.domain.registry import Move
from hitl_review.errors import Conflict, ModelError, NoChampion, NotPermitted
from hitl_review.store import audit, checkpoints, jobs, models
from hitl_review.store.jobs import JobKind
from hitl_review.workflow.promotion import decline, promote, propose, protocol_digest, roll_back, stop_model
from hitl_review.workflow.workspace import Workspace
from tests import ward
from tests.ward_learning import APPROVER, STEWARD, put_gate, put_in_use

REASON = "It missed three patients this week."


def told(workspace: Workspace, action: str) -> list[dict[str, object]]:
    """The details of the events of one action, in order."""
    return [e.told["detail"] for e in audit.events(workspace.store) if e.told["action"] == action]


@pytest.fixture
def two(workspace: Workspace) -> tuple[Workspace, str, str]:
    """A workspace with a champion and a second version that nobody measured yet."""
    first, second = ward.train(workspace, b"one"), ward.train(workspace, b"two")
    promote(workspace, first, actor=APPROVER)
    return workspace, first, second


def test_the_promoted_version_is_the_champion(workspace: Workspace, approver: Actor) -> None:
    """The first needs no gate: there is nothing to be measured against."""
    first = ward.train(workspace, b"one")
    with pytest.raises(NoChampion):
        models.champion(workspace.store)
    promotion = promote(workspace, first, actor=approver)
    assert models.champion(workspace.store).digest == first
    assert (promotion.move, promotion.by, promotion.gate) == (Move.PROMOTED, "approver-1", None)


def test_a_successor_comes_past_the_gate(two: tuple[Workspace, str, str]) -> None:
    """The promotion and its event name the gate, what it asked for, and who signed with which meaning."""
    workspace, first, second = two
    promotion = put_in_use(workspace, second)
    assert models.champion(workspace.store).digest == second
    detail = told(workspace, "model.promoted")[-1]
    assert promotion.gate is not None and promotion.protocol == protocol_digest(workspace.project)
    assert promotion.signature == Signature("Abe Approver", "approval", promotion.at)
    assert (detail["model"], detail["name"], detail["previous"]) == (second, "v2", first)
    assert (detail["gate"], detail["protocol"]) == (promotion.gate, promotion.protocol)
    assert models.newest_move(workspace.store) == promotion


def test_without_a_proposal_nothing_is_promoted(two: tuple[Workspace, str, str]) -> None:
    """A steward asks first."""
    workspace, first, second = two
    put_gate(workspace, second, first)
    with pytest.raises(Conflict, match="not proposed"):
        promote(workspace, second, actor=APPROVER)


def test_without_a_gate_report_against_the_model_in_use_nothing_is_proposed(
    two: tuple[Workspace, str, str],
) -> None:
    """Not with none, and not with one against another model."""
    workspace, _first, second = two
    third = ward.train(workspace, b"three")
    with pytest.raises(Conflict, match="no gate report"):
        propose(workspace, second, actor=STEWARD)
    put_gate(workspace, second, third)
    with pytest.raises(Conflict, match="no gate report"):
        propose(workspace, second, actor=STEWARD)


def test_a_gate_report_against_an_earlier_champion_is_stale(two: tuple[Workspace, str, str]) -> None:
    """What was proposed before the model in use changed has to be measured anew."""
    workspace, first, second = two
    third = ward.train(workspace, b"three")
    put_gate(workspace, third, first)
    propose(workspace, third, actor=STEWARD)
    put_in_use(workspace, second)
    with pytest.raises(Conflict, match="no gate report"):
        promote(workspace, third, actor=APPROVER)


def test_a_failed_gate_is_final(two: tuple[Workspace, str, str]) -> None:
    """No proposal, no promotion, whatever is said; not even where an earlier report had passed."""
    workspace, first, second = two
    put_gate(workspace, second, first)
    propose(workspace, second, actor=STEWARD)
    put_gate(workspace, second, first, GateVerdict.FAILED)
    with pytest.raises(Conflict, match="refused this model"):
        propose(workspace, second, actor=STEWARD)
    with pytest.raises(Conflict, match="No statement changes that"):
        promote(
            workspace, second, actor=APPROVER, statement="I have looked at every single one of the cases."
        )
    assert models.champion(workspace.store).digest == first


def test_an_undecided_gate_takes_a_signed_statement(two: tuple[Workspace, str, str]) -> None:
    """It is kept with the promotion."""
    workspace, first, second = two
    put_gate(workspace, second, first, GateVerdict.UNDECIDED)
    propose(workspace, second, actor=STEWARD)
    with pytest.raises(Conflict, match="Sign a statement"):
        promote(workspace, second, actor=APPROVER, statement="fine")
    words = "Forty new cases, all read by two of us; the old model is unusable."
    promotion = promote(workspace, second, actor=APPROVER, statement=words)
    signature = Signature("Abe Approver", "approval", promotion.at)
    assert (promotion.statement, promotion.signature) == (words, signature)
    assert told(workspace, "model.promoted")[-1]["statement"] == words


def test_who_proposed_does_not_approve(two: tuple[Workspace, str, str]) -> None:
    """Not under another role either."""
    workspace, first, second = two
    put_gate(workspace, second, first)
    propose(workspace, second, actor=STEWARD)
    both = Actor(STEWARD.account_id, STEWARD.name, Role.APPROVER)
    with pytest.raises(NotPermitted, match="can't approve"):
        promote(workspace, second, actor=both)


def test_the_product_itself_approves_no_successor(two: tuple[Workspace, str, str]) -> None:
    """A person signs."""
    workspace, first, second = two
    put_gate(workspace, second, first)
    propose(workspace, second, actor=STEWARD)
    with pytest.raises(NotPermitted, match="person who signs"):
        promote(workspace, second, actor=SYSTEM)


def test_a_declined_model_has_to_be_proposed_anew(two: tuple[Workspace, str, str]) -> None:
    """With the reason kept."""
    workspace, first, second = two
    put_gate(workspace, second, first)
    propose(workspace, second, actor=STEWARD)
    decline(workspace, second, actor=APPROVER, comment="The subgroup of the old is too small.")
    with pytest.raises(Conflict, match="not proposed"):
        promote(workspace, second, actor=APPROVER)
    assert told(workspace, "model.declined")[-1]["comment"] == "The subgroup of the old is too small."


def test_going_back_takes_under_a_second_and_is_signed(two: tuple[Workspace, str, str]) -> None:
    """To the one before, with a reason; a checkpoint is published and open cases are judged anew."""
    workspace, first, second = two
    put_in_use(workspace, second)
    begun = time.perf_counter()
    promotion = roll_back(workspace, actor=APPROVER, reason=REASON)
    assert time.perf_counter() - begun < 1.0
    assert models.champion(workspace.store).digest == first
    assert promotion.move is Move.ROLLED_BACK and promotion.signature is not None
    assert told(workspace, "model.rolled_back")[-1]["statement"] == REASON
    assert len(jobs.open_jobs(workspace.store, JobKind.RESCORE)) == 1
    assert checkpoints.EVERY > 0 and told(workspace, "checkpoint.published")


def test_there_is_no_way_back_from_the_first_model(two: tuple[Workspace, str, str]) -> None:
    """And none to what never was in use."""
    workspace, _, second = two
    with pytest.raises(Conflict, match="no earlier model"):
        roll_back(workspace, actor=APPROVER, reason=REASON)
    with pytest.raises(ModelError, match="in use before"):
        roll_back(workspace, actor=APPROVER, reason=REASON, to=second)


def test_a_stopped_model_comes_back_by_going_back(two: tuple[Workspace, str, str]) -> None:
    """Stopping needs a reason; what is stopped can't be stopped again."""
    workspace, first, _ = two
    with pytest.raises(Conflict, match="at least"):
        stop_model(workspace, actor=STEWARD, reason="bad")
    stop_model(workspace, actor=STEWARD, reason=REASON)
    with pytest.raises(NoChampion, match="stopped"):
        models.champion(workspace.store)
    with pytest.raises(NoChampion, match="stopped"):
        stop_model(workspace, actor=STEWARD, reason=REASON)
    roll_back(workspace, actor=APPROVER, reason="The cause was found and mended.")
    assert models.champion(workspace.store).digest == first


def test_what_is_in_use_is_not_promoted_again(workspace: Workspace, approver: Actor) -> None:
    """It would be an event about nothing."""
    digest = ward.train(workspace)
    promote(workspace, digest, actor=approver)
    with pytest.raises(Conflict, match="in use already"):
        promote(workspace, digest, actor=approver)


def test_only_a_model_that_is_there_can_be_put_in_use(workspace: Workspace, approver: Actor) -> None:
    """By its digest."""
    with pytest.raises(ModelError, match="no model with this digest"):
        promote(workspace, "sha256:" + "0" * 64, actor=approver)


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.APPROVER, Role.SYSTEM)])
def test_only_an_approver_puts_a_model_in_use(workspace: Workspace, role: Role) -> None:
    """Not who trained it, and not who answers it."""
    with pytest.raises(NotPermitted, match="approver"):
        promote(workspace, ward.train(workspace), actor=Actor("x", "X", role))
