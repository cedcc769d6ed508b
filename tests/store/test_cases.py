"""Cases, snapshots and outcomes come back as they came in, in order of arrival."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hitl_review.domain.audit import lines_digest
from hitl_review.domain.case import Case, Outcome, Purpose
from hitl_review.errors import Conflict, NotFound
from hitl_review.store import audit, cases
from hitl_review.store.connection import Store
from tests.ward import NOW

ACase = Callable[..., Case]


def receive(store: Store, *received: Case) -> str:
    """Store cases under one event and return its id."""
    with store.transaction():
        event = audit.append(store, "case.received", "batch:cases", {})
        cases.add(store, list(received), event_id=event.event_id)
    return event.event_id


def test_a_case_comes_back_equal(store: Store, a_case: ACase) -> None:
    """With its values, what was not measured, and their digest."""
    case = a_case("C-1", age=0.1 + 0.2, sex=None)
    receive(store, case)
    assert cases.get(store, "C-1") == case
    assert cases.snapshot(store, case.snapshot.digest) == case.snapshot
    assert case.snapshot.missing == ("dementia", "sex")


def test_purposes_do_not_mix(store: Store, a_case: ACase) -> None:
    """Only the queue's cases wait; each purpose comes in order of arrival."""
    receive(
        store,
        a_case("T-1", position=1, purpose=Purpose.TRAINING),
        a_case("Q-2", position=3),
        a_case("Q-1", position=2),
        a_case("H-1", position=4, purpose=Purpose.HOLDOUT),
    )
    assert [case.case_id for case in cases.of_purpose(store, Purpose.QUEUE)] == ["Q-1", "Q-2"]
    assert [case.case_id for case in cases.of_purpose(store, Purpose.TRAINING)] == ["T-1"]
    waiting = store.rows("SELECT case_id FROM worklist ORDER BY position")
    assert [row["case_id"] for row in waiting] == ["Q-1", "Q-2"]
    assert cases.known_ids(store) == {"T-1", "Q-1", "Q-2", "H-1"}
    assert cases.next_position(store) == 5


def test_an_id_is_taken_once(store: Store, a_case: ACase) -> None:
    """All of the second batch is refused."""
    receive(store, a_case("C-1"))
    with pytest.raises(Conflict):
        receive(store, a_case("C-2", position=2), a_case("C-1", position=3))
    assert cases.known_ids(store) == {"C-1"}


def test_cases_a_model_has_not_judged_come_in_pages(store: Store, a_case: ACase) -> None:
    """Only the queue, behind a position, no more than asked for."""
    receive(store, *(a_case(f"C-{place}", position=place) for place in range(1, 6)))
    page = cases.without_prediction(store, "sha256:x", after=2, limit=2)
    assert [case.case_id for case in page] == ["C-3", "C-4"]


def test_the_newest_outcome_is_in_force_and_the_earlier_one_stays(store: Store, a_case: ACase) -> None:
    """A corrected outcome obscures nothing."""
    receive(store, a_case("T-1", purpose=Purpose.TRAINING))
    for value in (True, False):
        with store.transaction():
            event = audit.append(store, "outcome.recorded", "batch:outcomes", {})
            cases.add_outcomes(store, [Outcome("T-1", value, "registry", NOW)], event_id=event.event_id)
    assert cases.outcomes(store, Purpose.TRAINING) == {"T-1": False}
    assert cases.outcomes(store, Purpose.QUEUE) == {}
    assert store.rows("SELECT count(*) FROM outcomes")[0][0] == 2


def test_lines_read_back_are_the_lines_the_batch_was_told_with(store: Store, a_case: ACase) -> None:
    """The digest in the event can be computed again from the tables, values true and false included."""
    made = [a_case("T-1", purpose=Purpose.TRAINING), a_case("T-2", position=2, purpose=Purpose.TRAINING)]
    event_id = receive(store, *made)
    told = [cases.received_line(case.case_id, "training", case.snapshot.digest) for case in made]
    assert cases.received_lines(store, event_id) == told
    with store.transaction():
        event = audit.append(store, "outcome.recorded", "batch:outcomes", {})
        known = {"T-1": True, "T-2": False}
        outcomes = [Outcome(case_id, value, "registry", NOW) for case_id, value in known.items()]
        cases.add_outcomes(store, outcomes, event_id=event.event_id)
    lines: list[object] = [cases.outcome_line(case_id, value, "registry") for case_id, value in known.items()]
    assert lines_digest(cases.outcome_lines(store, event.event_id)) == lines_digest(lines)


def test_what_is_not_there_is_not_found(store: Store) -> None:
    """Neither the message nor anything else repeats the id that was asked for."""
    for ask in (cases.get, cases.snapshot):
        with pytest.raises(NotFound) as refused:
            ask(store, "ZZPHI-canary")
        assert "ZZPHI" not in str(refused.value)
