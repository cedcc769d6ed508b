"""A steward sets which cases people read: all, by target error, by capacity, or by a rule.

Nothing is promised that can't be: routing by target error is refused, with the number of cases it would
take, where the hold-out's outcomes are too few for the exact bound.
"""

from __future__ import annotations

from dataclasses import replace

from hitl_review.domain.account import Actor, Permission, require
from hitl_review.domain.case import Purpose
from hitl_review.domain.routing import Routing, RoutingKind
from hitl_review.errors import Conflict, ModelError, ReviewError
from hitl_review.model import routing as bounds
from hitl_review.model.features import matrix
from hitl_review.model.scoring import score
from hitl_review.store import audit, cases, models, routings, worklist
from hitl_review.store.routings import SetRouting
from hitl_review.workflow.labelling import salt_of
from hitl_review.workflow.ordering import order_in
from hitl_review.workflow.scoring import stored_model
from hitl_review.workflow.workspace import Workspace


def set_routing(workspace: Workspace, routing: Routing, *, actor: Actor) -> SetRouting:
    """Put a routing in force and the queue in its order.

    Routing by target error is refused with the reason where the outcomes known are too few to promise
    it; what is promised, and for which model, is kept with the routing.
    """
    require(actor, Permission.SET_ROUTING)
    if routing.kind is RoutingKind.RULE:
        _check_rule(workspace, routing)
    promised = promise_for(workspace, routing)
    if isinstance(promised, bounds.NoPromise):
        raise Conflict(promised.words)
    if promised is not None:
        routing = replace(
            routing,
            promise={
                "model": models.champion(workspace.store).digest,
                "sureness": promised.sureness,
                "bound": promised.bound,
                "cases": promised.cases,
                "errors": promised.errors,
                "coverage": promised.coverage,
                "confidence": promised.confidence,
                "words": promised.words,
            },
        )
    store = workspace.store
    with store.transaction(actor) as transaction:
        event = audit.append(store, "routing.set", "queue:routing", routing.as_json())
        routings.add(store, routing, event_id=event.event_id)
        order_in(workspace)
    return SetRouting(event.event_id, routing, transaction.now, actor.account_id)


def promise_for(workspace: Workspace, routing: Routing) -> bounds.Promise | bounds.NoPromise | None:
    """Return what can be promised of the champion's errors at a target, on the hold-out; None if none is asked."""
    if routing.kind is not RoutingKind.TARGET_ERROR or routing.target_error is None:
        return None
    store = workspace.store
    model = stored_model(store)(models.champion(store).digest)
    known = cases.outcomes(store, Purpose.HOLDOUT)
    held = [case for case in cases.of_purpose(store, Purpose.HOLDOUT) if case.case_id in known]
    if not held:
        raise ModelError(
            "No hold-out case has an outcome, so nothing can be promised of the model's errors. Import them."
        )
    chance = score(model, matrix(model.spec, [case.snapshot.values for case in held])).probabilities
    return bounds.threshold_for_error(
        chance,
        [float(known[case.case_id]) for case in held],
        target=routing.target_error,
        threshold=workspace.project.target.threshold,
    )


def capacity_words(workspace: Workspace, per_day: int) -> str:
    """Say what so many reads a day cover of what waits now, and what is expected to go wrong in the rest."""
    model = models.champion(workspace.store).digest
    waiting = [each for each in worklist.waiting_with(workspace.store, model) if each.probability is not None]
    return bounds.by_capacity(
        [each.case_id for each in waiting],
        [each.probability for each in waiting],
        reads=per_day,
        threshold=workspace.project.target.threshold,
        salt=salt_of(workspace.project),
        random_share=routings.in_force(workspace.store).random_share,
    ).words


def _check_rule(workspace: Workspace, routing: Routing) -> None:
    feature = workspace.project.feature(str(routing.feature))
    if bool(feature.levels) != bool(routing.levels) or not (
        routing.levels or routing.minimum is not None or routing.maximum is not None
    ):
        raise ReviewError(
            f"A rule on {feature.label} needs {'levels' if feature.levels else 'a minimum, a maximum or both'}."
        )
    for level in routing.levels:
        feature.level_label(level)
