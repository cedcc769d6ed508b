"""The queue's order: the least certain mixed with random checks, told in one event, and nothing of it leads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hitl_review.domain.account import Actor
from hitl_review.domain.routing import Route, Routing, RoutingKind
from hitl_review.errors import Conflict, NotPermitted, ReviewError
from hitl_review.store import audit, routings, worklist
from hitl_review.workflow import routing as routing_module
from hitl_review.workflow.accounts import actor_of
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.ordering import order_queue, rule_words, why_here
from hitl_review.workflow.replaying_people import replay_people
from hitl_review.workflow.routing import foresee, set_routing
from hitl_review.workflow.scoring import stored_model
from hitl_review.workflow.workspace import Workspace, open_workspace
from tests.tampering import tamper
from tests.ward_learning import STEWARD


def order_of(workspace: Workspace) -> list[str]:
    """The waiting cases, the next one first."""
    return worklist.waiting(workspace.store, limit=1000)


def test_the_order_is_told_and_moving_a_case_is_found(hospital_folder: Path, tmp_path: Path) -> None:
    """Place and reason of every case are covered by one event's digest."""
    import shutil

    folder = Path(shutil.copytree(hospital_folder, tmp_path / "own"))
    assert verify(folder).problems == ()
    tamper(folder, "UPDATE worklist SET priority = 13 - priority")
    assert {problem.kind for problem in verify(folder).problems} == {"worklist"}


def test_a_case_that_comes_later_waits_behind_until_the_order_is_made_anew(hospital: Workspace) -> None:
    """In order of arrival, with no reason but that."""
    ids = order_of(hospital)
    routes = {worklist.route_of(hospital.store, case_id) for case_id in ids}
    assert len(ids) == 12 and routes <= {"uncertain", "random"}
    before = ids[:]
    assert order_queue(hospital) == 12
    assert order_of(hospital) == before, "the same model and the same cases stand in the same order"


def test_a_share_of_all_makes_every_case_a_random_check(hospital: Workspace) -> None:
    """And the chance is what a label then carries."""
    set_routing(hospital, Routing(random_share=1.0), actor=STEWARD)
    assert {worklist.route_of(hospital.store, each) for each in order_of(hospital)} == {"random"}


def test_what_can_not_be_promised_is_refused(hospital: Workspace) -> None:
    """A hundred and twenty cases promise no error of one in a hundred; the routing stays as it was."""
    wanted = Routing(RoutingKind.TARGET_ERROR, target_error=0.01)
    with pytest.raises(Conflict):
        set_routing(hospital, wanted, actor=STEWARD)
    assert routings.in_force(hospital.store) == Routing()


def test_cases_pass_where_it_is_promised_and_some_are_audited(
    hospital: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each pass is on record with its chance to be audited; another model's promise lets nothing pass."""
    promise = routing_module.bounds.Promise(0.0, 0.4, 0.95, 1.0, 120, 20, 0.3, "a promise for this test")
    monkeypatch.setattr(routing_module, "promise_for", lambda workspace, routing: promise)
    wanted = Routing(RoutingKind.TARGET_ERROR, target_error=0.4, audit_share=0.5)
    set_routing(hospital, wanted, actor=STEWARD)
    passed, audited = routings.count_passed(hospital.store)
    assert passed == 12 and 0 < audited < 12
    assert len(order_of(hospital)) == audited == worklist.progress(hospital.store).open
    assert {worklist.route_of(hospital.store, each) for each in order_of(hospital)} == {Route.AUDIT.value}
    told = [
        event.told["detail"]
        for event in audit.events(hospital.store)
        if event.told["action"] == "case.passed"
    ]
    assert [each["count"] for each in told] == [12]
    order_queue(hospital)
    assert routings.count_passed(hospital.store) == (12, audited), "the same pass is not told twice"
    assert verify(hospital.folder).problems == ()
    set_routing(hospital, Routing(), actor=STEWARD)
    assert len(order_of(hospital)) == 12
    assert verify(hospital.folder).problems == ()


def test_the_reason_is_in_words_that_fit_every_route() -> None:
    """None is told before the own estimate; after it, each is a sentence."""
    assert all(route.words.startswith("Why this case: ") for route in Route)


def test_why_a_case_is_here_is_asked_of_the_queue(hospital: Workspace) -> None:
    """By its id; a case of no queue has no reason."""
    assert why_here(hospital, order_of(hospital)[0]).startswith("Why this case")
    assert why_here(hospital, "no-such-case") == ""


def test_a_case_that_was_decided_does_not_claim_arrival_after_a_new_order(hospital: Workspace) -> None:
    """A new order, as after each promotion, is of those that wait; it says nothing of the others."""
    reader, source = actor_of(hospital, "reader-1"), stored_model(hospital.store)
    first = order_of(hospital)[0]
    before = why_here(hospital, first)
    assert "arrival" not in before
    said = dict.fromkeys(order_of(hospital), 0.8)
    replay_people(hospital, said, reader=lambda _: reader, source=source, limit=1)
    assert why_here(hospital, first) == before
    order_queue(hospital)
    assert first not in order_of(hospital) and why_here(hospital, first) == ""
    assert verify(hospital.folder).problems == ()


def test_only_a_steward_sets_who_reads_what(hospital: Workspace, reader: Actor) -> None:
    """And never with no random check at all."""
    with pytest.raises(NotPermitted):
        set_routing(hospital, Routing(), actor=reader)
    with pytest.raises(ReviewError, match="never none"):
        Routing(random_share=0.0)
    with pytest.raises(ReviewError, match="needs"):
        set_routing(hospital, Routing(RoutingKind.RULE, feature="age"), actor=STEWARD)


def test_a_rule_s_cases_come_first(hospital: Workspace) -> None:
    """Whatever the model says of them."""
    rule = Routing(RoutingKind.RULE, feature="sex", levels=("female",))
    set_routing(hospital, rule, actor=STEWARD)
    routes = [worklist.route_of(hospital.store, each) for each in order_of(hospital)]
    count = routes.count("rule")
    assert count and routes[:count] == ["rule"] * count


def test_a_reader_is_told_the_rule_in_words(hospital: Workspace) -> None:
    """Which rule, as the project names the measurement; not that there is one."""
    set_routing(hospital, Routing(RoutingKind.RULE, feature="age", minimum=50.0), actor=STEWARD)
    assert why_here(hospital, order_of(hospital)[0]) == (
        "Why this case: a rule asks for a person (Age at least 50 years)."
    )


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"feature": "age", "minimum": 50.0, "maximum": 60.5}, "Age at least 50 years and at most 60.5 years"),
        ({"feature": "sex", "levels": ("female", "male")}, "Sex: Female or Male"),
        ({"feature": "dementia", "minimum": 1.0}, "Dementia: yes"),
        ({"feature": "dementia", "maximum": 0.0}, "Dementia: no"),
    ],
)
def test_a_rule_is_a_phrase_that_a_clinician_reads(
    hospital: Workspace, rule: dict[str, Any], words: str
) -> None:
    """By the labels and units of the project, for each kind of measurement."""
    assert rule_words(hospital.project, Routing(RoutingKind.RULE, **rule)) == words


def test_what_a_rule_would_do_is_what_it_then_does(hospital: Workspace) -> None:
    """The count that is foreseen is the count that comes first, and foreseeing changes nothing."""
    rule = Routing(RoutingKind.RULE, feature="age", minimum=50.0)
    before = order_of(hospital)
    seen = foresee(hospital, rule)
    assert order_of(hospital) == before and routings.latest(hospital.store) is None
    set_routing(hospital, rule, actor=STEWARD)
    routes = [worklist.route_of(hospital.store, each) for each in order_of(hospital)]
    assert seen.possible
    assert f"{routes.count('rule')} of the 12 cases that wait meet this" in seen.words


def test_what_can_not_be_done_is_foreseen_with_the_reason(hospital: Workspace) -> None:
    """Too few cases for a promise, a rule without a limit, limits the wrong way round: said, not raised."""
    few = foresee(hospital, Routing(RoutingKind.TARGET_ERROR, target_error=0.01))
    assert not few.possible and "can't be promised with so few cases" in few.words
    assert not foresee(hospital, Routing(RoutingKind.RULE, feature="age")).possible
    turned = foresee(hospital, Routing(RoutingKind.RULE, feature="age", minimum=60.0, maximum=50.0))
    assert not turned.possible and "at least more than at most" in turned.words


def test_all_and_a_day_s_capacity_are_foreseen_in_numbers(hospital: Workspace) -> None:
    """How many wait, how many are read, and that nothing passes."""
    assert "12 cases wait, and people read all of them" in foresee(hospital, Routing(random_share=0.5)).words
    day = foresee(hospital, Routing(RoutingKind.CAPACITY, per_day=5))
    assert day.possible and "5 of 12 cases are read" in day.words and "Nothing passes" in day.words


def test_the_order_of_an_empty_queue_is_no_fault(workspace: Workspace, folder: Path) -> None:
    """Without a model everything waits in order of arrival."""
    order_queue(workspace)
    assert order_of(workspace) == [f"C-{number}" for number in range(1, 7)]
    with open_workspace(folder) as again:
        assert order_of(again)[0] == "C-1"
