"""A person puts a model version in use."""

from __future__ import annotations

from hitl_review.domain.account import Actor, Permission, require
from hitl_review.domain.registry import Move, Promotion
from hitl_review.errors import Conflict
from hitl_review.store import audit, checkpoints, models
from hitl_review.workflow.workspace import Workspace


def promote(workspace: Workspace, digest: str, *, actor: Actor) -> Promotion:
    """Make a model version the champion. Raises Conflict if it is in use already.

    What must be shown before a challenger may replace a champion (the gate) is another step of the
    loop; this one keeps who put which version in use, and when.
    """
    require(actor, Permission.PROMOTE)
    store = workspace.store
    with store.transaction(actor) as transaction:
        version = models.version(store, digest)
        newest = models.newest_move(store)
        if newest is not None and newest.model == digest:
            raise Conflict(f"Model {version.name} is in use already. There is nothing to do.")
        detail = {"model": digest, "name": version.name, "previous": newest.model if newest else None}
        event = audit.append(store, "model.promoted", f"model:{digest}", detail)
        models.move(store, digest, Move.PROMOTED, event_id=event.event_id)
        checkpoints.ask(store)
    return Promotion(digest, Move.PROMOTED, transaction.now, actor.account_id, event.event_id)
