"""A person puts a model version in use."""

from __future__ import annotations

import pytest

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.registry import Move
from hitl_review.errors import Conflict, ModelError, NoChampion, NotPermitted
from hitl_review.store import audit, models
from hitl_review.workflow.promotion import promote
from hitl_review.workflow.workspace import Workspace
from tests import ward


def test_the_promoted_version_is_the_champion(workspace: Workspace, approver: Actor) -> None:
    """The latest promotion counts; the event names who, which and what was before."""
    first, second = ward.train(workspace, b"one"), ward.train(workspace, b"two")
    with pytest.raises(NoChampion):
        models.champion(workspace.store)
    promote(workspace, first, actor=approver)
    promotion = promote(workspace, second, actor=approver)
    assert models.champion(workspace.store).digest == second
    assert (promotion.move, promotion.by) == (Move.PROMOTED, "approver-1")
    told = [event.told for event in audit.events(workspace.store) if event.told["action"] == "model.promoted"][-1]
    assert told["detail"] == {"model": second, "name": "v2", "previous": first}


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
