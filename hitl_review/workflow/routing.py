"""A steward sets which cases people read: all, by target error, by capacity, or by a rule.

Nothing is promised that can't be: routing by target error is refused, with the number of cases it would
take, where the hold-out's outcomes are too few for the exact bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from hitl_review.domain.account import Actor, Permission, require
from hitl_review.domain.case import Purpose
from hitl_review.domain.routing import Routing, RoutingKind
from hitl_review.errors import Conflict, HitlError, ModelError, ReviewError
from hitl_review.model import routing as bounds
from hitl_review.model.features import matrix
from hitl_review.model.scoring import score
from hitl_review.store import audit, cases, models, routings, worklist
from hitl_review.store.routings import SetRouting
from hitl_review.store.worklist import Waiting
from hitl_review.workflow.labelling import salt_of
from hitl_review.workflow.ordering import cases_ruled, order_in, rule_words
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
    store, model = workspace.store, models.newest_move(workspace.store)
    promised = promise_for(workspace, routing)
    if isinstance(promised, bounds.NoPromise):
        raise Conflict(promised.words)
    if promised is not None:
        routing = replace(
            routing,
            promise={
                "model": None if model is None else model.model,
                "sureness": promised.sureness,
                "bound": promised.bound,
                "cases": promised.cases,
                "errors": promised.errors,
                "coverage": promised.coverage,
                "confidence": promised.confidence,
                "words": promised.words,
            },
        )
    with store.transaction(actor) as transaction:
        if promised is not None and models.newest_move(store) != model:
            raise Conflict("The model was changed while its errors were looked at, so nothing was set. Try again.")
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


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a routing would do if it were set now, in words; `possible` is False where it would be refused."""

    words: str
    possible: bool = True


def foresee(workspace: Workspace, routing: Routing) -> Foreseen:
    """Say what a routing would do with the cases that wait now, or why it can't be set. Sets nothing."""
    newest = models.newest_move(workspace.store)
    waiting = worklist.waiting_with(workspace.store, None if newest is None else newest.model)
    try:
        return _FORESEEN[routing.kind](workspace, routing, waiting)
    except HitlError as refusal:
        return Foreseen(str(refusal), possible=False)


def _foresee_all(workspace: Workspace, routing: Routing, waiting: Sequence[Waiting]) -> Foreseen:
    return Foreseen(
        f"{len(waiting):,} cases wait, and people read all of them: {routing.random_share:.0%} are drawn by lot, "
        "the others come by how unsure the model is of them. Nothing passes without a person."
    )


def _foresee_error(workspace: Workspace, routing: Routing, waiting: Sequence[Waiting]) -> Foreseen:
    promised = promise_for(workspace, routing)
    if not isinstance(promised, bounds.Promise):
        return Foreseen("" if promised is None else promised.words, possible=False)
    threshold = workspace.project.target.threshold
    judged = [each for each in waiting if each.state != "deferred" and each.probability is not None]
    passing = [
        each.case_id
        for each, sure in zip(
            judged, bounds.sureness(worklist.said_of(judged), threshold=threshold), strict=True
        )
        if sure >= promised.sureness
    ]
    salt, share = salt_of(workspace.project), routing.audit_share
    audits = sum(bounds.audited(case_id, salt=salt, share=share) for case_id in passing)
    return Foreseen(
        f"{promised.words} Of the {len(waiting):,} cases that wait now, {len(passing):,} would pass, and {audits:,} "
        "of these are read all the same, drawn by lot."
    )


def _foresee_capacity(workspace: Workspace, routing: Routing, waiting: Sequence[Waiting]) -> Foreseen:
    words = capacity_words(workspace, routing.per_day or 0, random_share=routing.random_share)
    return Foreseen(f"{words} Nothing passes: what is not read today comes tomorrow.")


def _foresee_rule(workspace: Workspace, routing: Routing, waiting: Sequence[Waiting]) -> Foreseen:
    _check_rule(workspace, routing)
    met, here = cases_ruled(workspace, waiting, routing), {each.case_id for each in waiting}
    queue = cases.of_purpose(workspace.store, Purpose.QUEUE)
    unknown = sum(
        each.case_id in here and each.snapshot.values.get(str(routing.feature)) is None for each in queue
    )
    missing = f" In {unknown:,} it was not measured, so they keep their places." if unknown else ""
    return Foreseen(
        f"{rule_words(workspace.project, routing)}: {len(met):,} of the {len(waiting):,} cases that wait meet this "
        f"and come first, whatever the model says of them.{missing} Nothing passes without a person."
    )


_FORESEEN: Final[Mapping[RoutingKind, Callable[[Workspace, Routing, Sequence[Waiting]], Foreseen]]] = {
    RoutingKind.ALL: _foresee_all,
    RoutingKind.TARGET_ERROR: _foresee_error,
    RoutingKind.CAPACITY: _foresee_capacity,
    RoutingKind.RULE: _foresee_rule,
}


def capacity_words(workspace: Workspace, per_day: int, *, random_share: float | None = None) -> str:
    """Say what so many reads a day cover of what waits now, and what is expected to go wrong in the rest.

    `random_share` is the part drawn by lot; None takes that of the routing in force.
    """
    model = models.champion(workspace.store).digest
    waiting = [each for each in worklist.waiting_with(workspace.store, model) if each.probability is not None]
    return bounds.by_capacity(
        [each.case_id for each in waiting],
        worklist.said_of(waiting),
        reads=per_day,
        threshold=workspace.project.target.threshold,
        salt=salt_of(workspace.project),
        random_share=random_share or routings.in_force(workspace.store).random_share,
    ).words


def _check_rule(workspace: Workspace, routing: Routing) -> None:
    feature = workspace.project.feature(str(routing.feature))
    if bool(feature.levels) != bool(routing.levels) or not (
        routing.levels or routing.minimum is not None or routing.maximum is not None
    ):
        raise ReviewError(
            f"A rule on {feature.label} needs {'levels' if feature.levels else 'a minimum, a maximum or both'}."
        )
    low, high = routing.minimum, routing.maximum
    if low is not None and high is not None and low > high:
        raise ReviewError(f"A rule on {feature.label} can't ask for at least more than at most.")
    for level in routing.levels:
        feature.level_label(level)
