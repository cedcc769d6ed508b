"""The queue's order: which cases wait for a person, in which places, and which pass without one.

The order is computed when the champion has judged cases, when it changes, and when the routing does. It
is told in one event whose digest covers every place, so that nobody moves a case unseen. Readers are told
why a case is there only after their own estimate; before, the order is shuffled within blocks, so that a
place in the queue says nothing of one case.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.domain.audit import lines_digest
from hitl_review.domain.case import Purpose
from hitl_review.domain.routing import Route, Routing, RoutingKind
from hitl_review.model import routing as bounds
from hitl_review.project import InclusionRule, Project
from hitl_review.store import audit, cases, models, routings, worklist
from hitl_review.store.routings import Passed, SetRouting
from hitl_review.store.worklist import Waiting
from hitl_review.workflow.labelling import salt_of
from hitl_review.workflow.workspace import Workspace

BLOCK: Final = 50
"""Places within which the order is shuffled."""


def order_queue(workspace: Workspace, *, actor: Actor = SYSTEM) -> int:
    """Put every waiting case into its place, let pass what may pass, and return how many wait for a person."""
    require(actor, Permission.TRAIN)
    with workspace.store.transaction(actor):
        return order_in(workspace)


def order_in(workspace: Workspace) -> int:
    """Put the queue in order inside the open transaction."""
    store = workspace.store
    newest = models.newest_move(store)
    model = None if newest is None else newest.model
    setting = routings.latest(store)
    worklist.reopen_passed(store)
    waiting = worklist.waiting_with(store, model)
    passed = _passing(workspace, waiting, setting, model)
    places = _places(workspace, waiting, setting, passed)
    worklist.set_order(store, places)
    worklist.set_passed(store, (each.case_id for each in passed if not each.audited))
    detail = {
        "model": model,
        "routing": None if setting is None else setting.event_id,
        "random_share": routings.in_force(store).random_share,
        "count": len(places),
        "digest": lines_digest(worklist.order_lines(store)),
    }
    audit.append(store, "case.sampled", "queue:order", detail)
    return len(places) - sum(not each.audited for each in passed)


def _places(
    workspace: Workspace, waiting: Sequence[Waiting], setting: SetRouting | None, passed: Sequence[Passed]
) -> list[tuple[str, str]]:
    """Return case and route of everything that waits, in the order of reading; what passed comes last."""
    routing = routings.in_force(workspace.store)
    ruled = cases_ruled(workspace, waiting, routing)
    gone = {each.case_id for each in passed if not each.audited}
    audits = {each.case_id for each in passed if each.audited}
    here = [each for each in waiting if each.case_id not in gone and each.case_id not in ruled]
    judged = [each for each in here if each.probability is not None]
    mixed = bounds.order(
        [each.case_id for each in judged],
        worklist.said_of(judged),
        threshold=workspace.project.target.threshold,
        salt=salt_of(workspace.project),
        random_share=routing.random_share,
    )
    read = [
        (place.case_id, Route.AUDIT if place.case_id in audits else Route(place.why.value)) for place in mixed
    ]
    return [
        *((each.case_id, Route.RULE.value) for each in waiting if each.case_id in ruled),
        *((case_id, route.value) for case_id, route in _shuffled(read, salt_of(workspace.project))),
        *((each.case_id, Route.ARRIVAL.value) for each in here if each.probability is None),
        *((each.case_id, Route.PASSED.value) for each in waiting if each.case_id in gone),
    ]


def _shuffled(places: Sequence[tuple[str, Route]], salt: str) -> Iterable[tuple[str, Route]]:
    for start in range(0, len(places), BLOCK):
        yield from sorted(
            places[start : start + BLOCK], key=lambda each: bounds.hash_share(each[0], salt=f"place:{salt}")
        )


def cases_ruled(workspace: Workspace, waiting: Sequence[Waiting], routing: Routing) -> set[str]:
    """Return which of the waiting cases a rule sends to a person first; none where the routing is no rule."""
    if routing.kind is not RoutingKind.RULE:
        return set()
    rule, here = rule_of(workspace.project, routing), {each.case_id for each in waiting}
    return {
        case.case_id
        for case in cases.of_purpose(workspace.store, Purpose.QUEUE)
        if case.case_id in here and rule.admits(case.snapshot.values.get(rule.feature))
    }


def rule_of(project: Project, routing: Routing) -> InclusionRule:
    """Return the condition that sends a case to a person first."""
    assert routing.feature is not None
    return InclusionRule(
        feature=routing.feature,
        words=rule_words(project, routing),
        minimum=routing.minimum,
        maximum=routing.maximum,
        levels=routing.levels,
    )


def rule_words(project: Project, routing: Routing) -> str:
    """Return a rule's condition in words, as "Age at least 80 years" or "Sex: Female or Male"."""
    feature = project.feature(str(routing.feature))
    if routing.levels:
        return f"{feature.label}: {' or '.join(map(feature.level_label, routing.levels))}"
    if feature.kind == "flag":
        return f"{feature.label}: {'no' if routing.minimum is None else 'yes'}"
    unit = f" {feature.unit}" if feature.unit else ""
    bounds_in_words = (("at least", routing.minimum), ("at most", routing.maximum))
    limits = [f"{word} {limit:g}{unit}" for word, limit in bounds_in_words if limit is not None]
    return f"{feature.label} {' and '.join(limits)}"


def _passing(
    workspace: Workspace, waiting: Sequence[Waiting], setting: SetRouting | None, model: str | None
) -> list[Passed]:
    """Return what passes under the routing in force, noting in the log what had not passed before."""
    if setting is None or setting.routing.kind is not RoutingKind.TARGET_ERROR:
        return []
    promise = setting.routing.promise
    if promise.get("model") != model:
        return []  # the promise was made for another model, so nothing passes until a steward sets it anew
    sure = [
        each
        for each in waiting
        if each.state == "open" and each.probability is not None and each.prediction_id is not None
    ]
    enough = bounds.sureness(worklist.said_of(sure), threshold=workspace.project.target.threshold)
    made = [
        _passed(workspace, each, setting)
        for each, sureness in zip(sure, enough.tolist(), strict=True)
        if sureness >= promise["sureness"]
    ]
    _tell_passes(workspace, made, setting)
    return made


def _passed(workspace: Workspace, each: Waiting, setting: SetRouting) -> Passed:
    share = setting.routing.audit_share
    drawn = bounds.audited(each.case_id, salt=salt_of(workspace.project), share=share)
    assert each.prediction_id is not None
    return Passed(each.case_id, each.prediction_id, setting.event_id, drawn, share)


def _tell_passes(workspace: Workspace, made: Sequence[Passed], setting: SetRouting) -> None:
    known = routings.passes_of(workspace.store, setting.event_id)
    fresh = [each for each in made if (each.case_id, each.prediction_id) not in known]
    if fresh:
        event_id = audit.new_token()
        detail = {
            "routing": setting.event_id,
            "count": len(fresh),
            "audited": sum(each.audited for each in fresh),
            "digest": lines_digest([each.line for each in fresh]),
        }
        audit.append(workspace.store, "case.passed", f"batch:{event_id}", detail, event_id=event_id)
        routings.add_passes(workspace.store, fresh, event_id=event_id)


def why_here(workspace: Workspace, case_id: str) -> str:
    """Return why a case is in the queue, in words that may be told once the own estimate is stored.

    Nothing of a case that was decided before the present order was made: this one does not know why.
    """
    route, routing = worklist.route_of(workspace.store, case_id), routings.in_force(workspace.store)
    if route is None or worklist.has_left_the_order(workspace.store, case_id):
        return ""
    if Route(route) is Route.RULE and routing.kind is RoutingKind.RULE:
        return f"Why this case: a rule asks for a person ({rule_words(workspace.project, routing)})."
    return Route(route).words
